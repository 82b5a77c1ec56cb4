"""Messages: `POST /v1/messages` of Anthropic, and of compatible gateways."""

# What always holds here:
# - The types of events and blocks have the vendor's own names; those of the beta API are here
#   without "Beta".
# - Ordinary events are decoded as a union of tagged structs. An event that reports an error is not
#   in the union.
# - The stream ends with `message_stop`, or with the `[DONE]` of some gateways (`ended_by` is then
#   "marker") if the message is complete.

from __future__ import annotations

from typing import Final

import msgspec

from ssekit._event import ServerSentEvent
from ssekit._format import Format
from ssekit.messages import _events, _result
from ssekit.messages._accumulator import Accumulator
from ssekit.messages._events import *  # noqa: F403
from ssekit.messages._events import AnyEvent, OrdinaryEvent, RawMessageStreamEvent
from ssekit.messages._repair import repair
from ssekit.messages._result import *  # noqa: F403
from ssekit.messages._result import Message

__all__ = ["FORMAT", "Accumulator", "acollect", "astream", "collect", "decode", "decoder", "stream"]
__all__ += _events.__all__
__all__ += _result.__all__


# The events that are parts of the answer: those of a block, and the start of the message.
_STARTS: Final = {
    *(_events.RawMessageStartEvent, _events.RawContentBlockStartEvent),
    *(_events.RawContentBlockDeltaEvent, _events.RawContentBlockStopEvent),
}


def _starts(event: RawMessageStreamEvent, _: ServerSentEvent) -> bool:
    """Whether an event has a part of the answer. A stop event may have the blocks (gateways)."""
    whole = event.message if type(event) is _events.RawMessageStopEvent else None
    return type(event) in _STARTS or (whole is not None and bool(whole.content))


FORMAT: Format[RawMessageStreamEvent, Message] = Format(
    "messages",
    msgspec.json.Decoder(OrdinaryEvent),
    Accumulator,
    repair=repair,
    fragments={"text", "thinking", "partial_json"},
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
