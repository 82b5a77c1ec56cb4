"""A stream whose format nobody told: its first events tell.

The names are those of every format. The chunks and the result are those of the format that is told,
such as `ssekit.chat`.

An event may tell nothing (Azure's first chunk). Its chunk is then handed over with the first one
that tells, late but in its place. A stream that tells nothing to its end is taken as chat: so the
end marker alone gives an empty `ChatCompletion`, and an error before anything else is an `APIError`
with that as its `partial`. If the transport fails before the format is told, what had come is in
`partial` alone.
"""

# What always holds here:
# - Formats are imported when a stream needs them (chat: when a decoder is made), not before.
# - Once the format is told, its own decoder decodes and its own accumulator folds: nothing of this
#   module stands between them.
# - An event tells by its shape alone; a row of `_SHAPES` is all that another format needs.

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from itertools import chain
from typing import Any, Final, TypeAlias, TypeVar

from ssekit._accumulator import Accumulator
from ssekit._decoder import Done, Last, StreamDecoder
from ssekit._deltas import Delta, FinishReason, ToolCall, Usage
from ssekit._errors import SSEKitError
from ssekit._event import ServerSentEvent
from ssekit._fast_path import Head
from ssekit._format import Format, Opener
from ssekit._json import objects, parse

__all__ = [
    "FORMAT",
    "FORMATS",
    "acollect",
    "astream",
    "collect",
    "decode",
    "decoder",
    "detect",
    "stream",
]

ValueT = TypeVar("ValueT")

# An event as the decoder has it: its data, and what it has beside.
_RawEvent: TypeAlias = tuple[bytes, Head]


_RESPONSE: Final = {"id", "object", "output", "status"}


def _is_response(body: dict[str, Any], event_type: str) -> bool:
    kinds = (event_type, str(body.get("type")))
    if any(kind.startswith("response.") for kind in kinds):
        return True
    # Another vendor's envelope has a `response` too.
    return any(not _RESPONSE.isdisjoint(said) for said in objects([body.get("response")]))


_MESSAGE_EVENTS: Final = {
    *("message_start", "message_delta", "message_stop"),
    *("content_block_start", "content_block_delta", "content_block_stop"),
}


def _is_message(body: dict[str, Any], event_type: str) -> bool:
    # A ping tells nothing: others send one too.
    kind = str(body.get("type"))
    whole = kind == "message" and isinstance(body.get("content"), list)
    return whole or not _MESSAGE_EVENTS.isdisjoint((event_type, kind))


def _is_completion(body: dict[str, Any], _event_type: str) -> bool:
    return body.get("object") == "text_completion" or any(
        choice.get("text") is not None for choice in objects(body.get("choices"))
    )


def _is_chat(body: dict[str, Any], _event_type: str) -> bool:
    return str(body.get("object")).startswith("chat.completion") or any(
        choice.get("delta") or (choice.get("delta") is not None and choice.get("text") is None)
        for choice in objects(body.get("choices"))
    )


_BESIDE_CANDIDATES: Final = (
    *("usageMetadata", "promptFeedback"),
    *("usage_metadata", "prompt_feedback"),
)


def _is_gemini(body: dict[str, Any], _event_type: str) -> bool:
    # The Code Assist API has the chunk in an envelope, and an error too.
    envelope = body.get("response")
    if isinstance(envelope, dict) and isinstance(envelope.get("error"), dict):
        return body.get("type") is None and "error" not in body
    return any(
        isinstance(chunk.get("candidates"), list)
        or any(isinstance(chunk.get(name), dict) for name in _BESIDE_CANDIDATES)
        for chunk in objects([body, envelope])
    )


# By the name of each format's module, whether an event (its data, its type) is one of its own. The
# first row that holds tells: a delta in a choice is chat's, whatever is beside it.
_SHAPES: Final[dict[str, Callable[[dict[str, Any], str], bool]]] = {
    "chat": _is_chat,
    "responses": _is_response,
    "messages": _is_message,
    "completions": _is_completion,
    "gemini": _is_gemini,
}

FORMATS: Final = tuple(_SHAPES)

# What most hosts speak: what a stream that tells nothing is taken as.
_UNTOLD: Final = "chat"


def _format(name: str) -> Format[Any, Any]:
    wire_format: Format[Any, Any] = import_module(f"ssekit.{name}").FORMAT
    return wire_format


def detect(event: ServerSentEvent, /) -> Format[Any, Any] | None:
    """Return the format that an event tells by its shape; None if the next one is to be asked."""
    try:
        body = parse(event.data)
    except ValueError:
        return None
    if isinstance(body, dict):
        for name, holds in _SHAPES.items():
            if holds(body, event.event):
                return _format(name)
    return None


class _Accumulator:
    """Stands for the accumulator of a format that may not be told yet: for chat's, until it is.

    Who has got hold of this one at the start of a stream sees the right one to its end.
    """

    def __init__(self, current: Accumulator[Any, Any]) -> None:
        self.current = current

    def add(self, chunk: Any, /) -> bool | None:
        return self.current.add(chunk)

    def snapshot(self) -> Any:
        return self.current.snapshot()

    @property
    def complete(self) -> bool:
        return self.current.complete

    def deltas(self, chunk: Any, /) -> Iterable[Delta]:
        return self.current.deltas(chunk)

    def last_deltas(self) -> Iterable[Delta]:
        return self.current.last_deltas()

    @property
    def text(self) -> str:
        return self.current.text

    def parse(self, type: type[ValueT]) -> ValueT:
        return self.current.parse(type)

    @property
    def reasoning(self) -> str:
        return self.current.reasoning

    @property
    def refusal(self) -> str:
        return self.current.refusal

    @property
    def tool_calls(self) -> Sequence[ToolCall]:
        return self.current.tool_calls

    @property
    def finish_reason(self) -> FinishReason | None:
        return self.current.finish_reason

    @property
    def usage(self) -> Usage | None:
        return self.current.usage


class _Replay:
    """Events that were cut out of the bytes already, as one read."""

    def __init__(self, events: Iterable[_RawEvent]) -> None:
        self.events = events


class _Decoder(StreamDecoder[Any, Any]):
    """A decoder that becomes the one of the format which the first events tell.

    Until then it holds the events back; and folds them as chat, for those who look at the answer.
    """

    __slots__ = ("_held", "_standing")

    def __init__(self, **options: Any) -> None:
        untold = _format(_UNTOLD).decoder()
        standing = _Accumulator(untold.accumulator)
        super().__init__(untold._decode, untold._decode_fallback, standing, **options)
        self._standing: _Accumulator | None = standing  # None once the format is told
        self._held: list[_RawEvent] = []

    def receive(
        self, reads: Iterable[Any], release: Callable[[], object] | None = None
    ) -> Iterator[Any]:
        if self._standing is not None:
            reads = self._until_told(iter(reads), self._standing)
        return super().receive(reads, release)

    def _until_told(self, reads: Iterator[Any], standing: _Accumulator) -> Iterator[Any]:
        """Hold events back until the format is told, become it, and yield what was held."""
        for data in reads:
            if self.state != "open":
                return
            events = ((payload, self._scanner.head) for payload in self._payloads(data))
            told = self._told_by(events, standing)
            if told is None and (self._scanner.too_large or isinstance(data, Last)):
                told = _format(_UNTOLD)
            if told is not None:
                yield self._become(told, standing, events)
                yield from reads
                return

    def _told_by(
        self, events: Iterable[_RawEvent], standing: _Accumulator
    ) -> Format[Any, Any] | None:
        """Return the format that events tell; chat if one ends the stream before any is told."""
        untold = _format(_UNTOLD)
        for raw in events:
            self._held.append(raw)
            self._payload, _ = raw
            event = self.event
            assert event is not None
            told = detect(event)
            if told is not None:
                return told
            try:
                chunk = untold.decode(event)
            except SSEKitError:
                return untold
            if isinstance(chunk, Done):
                return untold
            standing.add(chunk)
        return None

    def _become(
        self, told: Format[Any, Any], standing: _Accumulator, rest: Iterable[_RawEvent] = ()
    ) -> _Replay:
        """Become the decoder of a format; return what was held, and the rest of that read."""
        decoder = told.decoder()
        self.format = told.name
        self._decode, self._decode_fallback = decoder._decode, decoder._decode_fallback
        self.accumulator = standing.current = decoder.accumulator
        held, self._held = self._held, []
        self._standing = None
        return _Replay(chain(held, rest))

    def _payloads(self, data: Any) -> Iterable[bytes]:
        return self._again(data.events) if isinstance(data, _Replay) else super()._payloads(data)

    def _again(self, events: Iterable[_RawEvent]) -> Iterator[bytes]:
        for payload, self._scanner.head in events:
            yield payload


class _Auto(Opener[Any, Any]):
    name = "auto"

    def decode(self, event: ServerSentEvent, /) -> Any:
        """Decode one event as the format that it tells, or as chat if it tells none.

        Returns:
            The chunk, or `DONE` for the end marker.

        Raises:
            APIError: The event reports an error.
            DecodeError: The data is not a JSON object.
        """
        return (detect(event) or _format(_UNTOLD)).decode(event)

    def make(self, **options: Any) -> StreamDecoder[Any, Any]:
        return _Decoder(**options)


FORMAT: Final = _Auto()


def opener(name: str) -> Opener[Any, Any]:
    """Return what opens the streams of a format: "auto", or one of `FORMATS`."""
    if name != "auto" and name not in FORMATS:
        raise ValueError(f"format must be auto, {', '.join(FORMATS)}: got {name!r}")
    return FORMAT if name == "auto" else _format(name)


decode = FORMAT.decode
decoder = FORMAT.decoder
stream = FORMAT.stream
astream = FORMAT.astream
collect = FORMAT.collect
acollect = FORMAT.acollect
