"""Interactions: `POST /v1beta/interactions` of the Gemini API, in its present and former form."""

# What always holds here:
# - The types of events, steps and contents have the vendor's own names. `event_type` is the tag of
#   an event.
# - Ordinary events are decoded as a union of tagged structs. An event that reports an error is not
#   in the union.
# - The stream ends with `interaction.completed` (formerly `interaction.complete`), whose status is
#   the reason for it. The vendor's `[DONE]` comes after the end, and by itself is none.

from __future__ import annotations

import msgspec

from ssekit._event import ServerSentEvent
from ssekit._format import Format
from ssekit.interactions import _events, _result
from ssekit.interactions._accumulator import Accumulator
from ssekit.interactions._events import *  # noqa: F403
from ssekit.interactions._events import AnyEvent, InteractionSSEEvent, OrdinaryEvent
from ssekit.interactions._repair import find_error, repair
from ssekit.interactions._result import *  # noqa: F403
from ssekit.interactions._result import Interaction

__all__ = ["FORMAT", "Accumulator", "acollect", "astream", "collect", "decode", "decoder", "stream"]
__all__ += _events.__all__
__all__ += _result.__all__


def _starts(event: InteractionSSEEvent, _: ServerSentEvent) -> bool:
    """Whether the event belongs to the interaction or to a step."""
    return not isinstance(event, (_events.UnknownEvent, _events.ErrorEvent))


FORMAT: Format[InteractionSSEEvent, Interaction] = Format(
    "interactions",
    msgspec.json.Decoder(OrdinaryEvent),
    Accumulator,
    repair=repair,
    find_error=find_error,
    fragments={"text", "arguments", "partial_arguments"},
    chunk_type=AnyEvent,
    typed_by_event=True,
    starts=_starts,
    marker_ends=False,
)

decode = FORMAT.decode
decoder = FORMAT.decoder
stream = FORMAT.stream
astream = FORMAT.astream
collect = FORMAT.collect
acollect = FORMAT.acollect
