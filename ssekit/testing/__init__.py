"""Strategies for the tests of code that handles streams: every legal stream, cut and fault.

Strategies need Hypothesis (`pip install "ssekit[testing]"`), and are imported when they are used;
`ssekit.testing.transports` and `splits` need nothing. `ssekit/testing/README.md` has examples.

Of the wire:
    event_streams: Streams of events, as an `EventStream`: the bytes, and the events in them.
    server_sent_events: Single events.
    chunkings: Divisions of bytes into reads.
    splits: Every division of bytes into two reads, without Hypothesis.

Of models, as a `ModelStream`: the bytes, and the answer and the end that they must give:
    chat_streams, completion_streams, response_streams, message_streams, gemini_streams,
        interaction_streams: Whole streams of a format. `dialect` turns on the deviations of
        compatible hosts.
    DIALECTS: The names of the dialects, by format.

Of faults:
    faults: Streams that break, as a `Fault`: the reads, and the report and the answer that a
        consumer must give.
    FAULTS, ERROR_FORMS: The kinds of faults, and the forms of errors within a stream.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ssekit.testing._answers import Addition
    from ssekit.testing._chat import chat_streams
    from ssekit.testing._completions import completion_streams
    from ssekit.testing._dialects import DIALECTS, Dialects
    from ssekit.testing._faults import ERROR_FORMS, FAULTS, ErrorForm, Fault, FaultKind, faults
    from ssekit.testing._gemini import gemini_streams
    from ssekit.testing._interactions import interaction_streams
    from ssekit.testing._messages import message_streams
    from ssekit.testing._models import ModelEvent, ModelStream
    from ssekit.testing._responses import response_streams
    from ssekit.testing._splits import splits
    from ssekit.testing._wire import EventStream, chunkings, event_streams, server_sent_events

__all__ = [
    "DIALECTS",
    "ERROR_FORMS",
    "FAULTS",
    "Addition",
    "Dialects",
    "ErrorForm",
    "EventStream",
    "Fault",
    "FaultKind",
    "ModelEvent",
    "ModelStream",
    "chat_streams",
    "chunkings",
    "completion_streams",
    "event_streams",
    "faults",
    "gemini_streams",
    "interaction_streams",
    "message_streams",
    "response_streams",
    "server_sent_events",
    "splits",
]

# The module of each name. It is imported when the name is first used.
_MODULES = {
    name: module
    for module, names in {
        "_answers": ["Addition"],
        "_chat": ["chat_streams"],
        "_completions": ["completion_streams"],
        "_dialects": ["DIALECTS", "Dialects"],
        "_faults": ["ERROR_FORMS", "FAULTS", "ErrorForm", "Fault", "FaultKind", "faults"],
        "_gemini": ["gemini_streams"],
        "_interactions": ["interaction_streams"],
        "_messages": ["message_streams"],
        "_models": ["ModelEvent", "ModelStream"],
        "_responses": ["response_streams"],
        "_splits": ["splits"],
        "_wire": ["EventStream", "chunkings", "event_streams", "server_sent_events"],
    }.items()
    for name in names
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


def __dir__() -> list[str]:
    return __all__
