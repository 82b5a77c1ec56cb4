"""What property-tests how code handles streams: every legal one, every cut, every way to break.

Strategies need Hypothesis (`pip install "ssekit[testing]"`); they come when they are asked for.
`ssekit.testing.transports` and `splits` need nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ssekit.testing._chat import chat_streams
    from ssekit.testing._completions import completion_streams
    from ssekit.testing._dialects import DIALECTS, Dialects
    from ssekit.testing._faults import ERROR_FORMS, FAULTS, ErrorForm, Fault, faults
    from ssekit.testing._gemini import gemini_streams
    from ssekit.testing._messages import message_streams
    from ssekit.testing._models import ModelEvent, ModelStream, Said
    from ssekit.testing._responses import response_streams
    from ssekit.testing._splits import splits
    from ssekit.testing._wire import EventStream, chunkings, event_streams, server_sent_events

__all__ = [
    "DIALECTS",
    "ERROR_FORMS",
    "FAULTS",
    "Dialects",
    "ErrorForm",
    "EventStream",
    "Fault",
    "ModelEvent",
    "ModelStream",
    "Said",
    "chat_streams",
    "chunkings",
    "completion_streams",
    "event_streams",
    "faults",
    "gemini_streams",
    "message_streams",
    "response_streams",
    "server_sent_events",
    "splits",
]

# Where each name is: a module that is imported when the name is first asked for.
_MODULES = {
    "DIALECTS": "_dialects",
    "ERROR_FORMS": "_faults",
    "FAULTS": "_faults",
    "Dialects": "_dialects",
    "ErrorForm": "_faults",
    "Fault": "_faults",
    "ModelEvent": "_models",
    "ModelStream": "_models",
    "Said": "_models",
    "chat_streams": "_chat",
    "completion_streams": "_completions",
    "faults": "_faults",
    "gemini_streams": "_gemini",
    "message_streams": "_messages",
    "response_streams": "_responses",
    "EventStream": "_wire",
    "chunkings": "_wire",
    "event_streams": "_wire",
    "server_sent_events": "_wire",
    "splits": "_splits",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(f"{__name__}.{_MODULES[name]}")
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        raise ImportError(
            f"{__name__}.{name} needs Hypothesis: pip install 'ssekit[testing]'",
            name="hypothesis",
        ) from error
    return getattr(module, name)
