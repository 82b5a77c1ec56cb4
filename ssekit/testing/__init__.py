"""What property-tests how code handles streams: every legal one, every cut, every way to break.

Strategies need Hypothesis (`pip install "ssekit[testing]"`); they come when they are asked for.
`ssekit.testing.transports` and `splits` need nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ssekit.testing._splits import splits
    from ssekit.testing._wire import EventStream, chunkings, event_streams, server_sent_events

__all__ = [
    "EventStream",
    "chunkings",
    "event_streams",
    "server_sent_events",
    "splits",
]

# Where each name is: a module that is imported when the name is first asked for.
_MODULES = {
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
