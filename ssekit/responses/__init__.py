"""Responses: `POST /v1/responses` of OpenAI, and of the hosts that are compatible with it."""

# The names that every format has, and the events (`_events`) and items (`_result`) of the wire
# under the vendor's names.
#
# What always holds here:
# - Ordinary events are decoded as a union of tagged structs. Events that report an error are not in
#   the union.
# - The terminal event is `response.completed`, `response.incomplete` or `response.cancelled`. The
#   `[DONE]` that some hosts send comes after the end, and by itself is none.

from __future__ import annotations

from typing import Any

import msgspec

from ssekit._errors import APIError
from ssekit._event import ServerSentEvent
from ssekit._format import Format
from ssekit._server_error import nested_error
from ssekit.responses import _events, _result
from ssekit.responses._accumulator import Accumulator
from ssekit.responses._events import *  # noqa: F403
from ssekit.responses._events import AnyEvent, OrdinaryEvent, ResponseStreamEvent
from ssekit.responses._repair import repair
from ssekit.responses._result import *  # noqa: F403
from ssekit.responses._result import Response

__all__ = ["FORMAT", "Accumulator", "acollect", "astream", "collect", "decode", "decoder", "stream"]
__all__ += _events.__all__
__all__ += _result.__all__


def _find_error(body: dict[str, Any]) -> Any:
    """Return the error of an event that reports a failed response, or None."""
    if body.get("type") != "response.failed":
        return None
    return nested_error(body.get("response"), certain=True) or {}


def _starts(event: ResponseStreamEvent, _: ServerSentEvent) -> bool:
    """Whether the event has the head of a response, or an item, or a piece of an item."""
    without_answer = _events.UnknownEvent | _events.ResponseErrorEvent | _events.KeepAliveEvent
    return not isinstance(event, without_answer)


def _is_explained(error: APIError) -> bool:
    """Whether the error has a reason. (Azure sends a `response.failed` without any.)"""
    failed = isinstance(error.chunk, _events.ResponseFailedEvent)
    return not failed or bool(error.code or error.type or error.body)


FORMAT: Format[ResponseStreamEvent, Response] = Format(
    "responses",
    msgspec.json.Decoder(OrdinaryEvent),
    Accumulator,
    repair=repair,
    find_error=_find_error,
    fragments={"delta", "stdout", "stderr"},
    chunk_type=AnyEvent,
    typed_by_event=True,
    starts=_starts,
    marker_ends=False,
    is_explained=_is_explained,
)

decode = FORMAT.decode
decoder = FORMAT.decoder
stream = FORMAT.stream
astream = FORMAT.astream
collect = FORMAT.collect
acollect = FORMAT.acollect
