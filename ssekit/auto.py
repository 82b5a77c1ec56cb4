"""A stream of a format that is not known beforehand: its first events show it.

The names are those of every format. The chunks and the result are those of the format that is
detected, such as `ssekit.chat`.

An event may show no format (Azure's first chunk). Its chunk then comes with the first one that
does, late but in its place. A stream that shows none to its end is taken as chat: so the end marker
alone gives an empty `ChatCompletion`, and an error before anything else is an `APIError` with that
as its `partial`. If the transport fails before the format is detected, the chunks so far are in
`partial` alone.
"""

# How it works: the decoder holds events back until one has the shape of a format (`_SHAPES`). Then
# it takes over the parts of that format's own decoder, and receives the held events like a read.
#
# What always holds here:
# - Formats are imported when a stream needs them (chat: when a decoder is made), not before.
# - Once the format is detected, its own decoder decodes and its own accumulator merges: nothing of
#   this module stands between them.
# - An event shows its format by its shape alone; a row of `_SHAPES` is all that another one needs.

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from itertools import chain
from typing import Any, Final

from ssekit._accumulator import Accumulator
from ssekit._decoder import Done, Read, Scanned, StreamDecoder
from ssekit._deltas import Delta
from ssekit._errors import SSEKitError
from ssekit._event import ServerSentEvent, make_event
from ssekit._fast_path import Batch
from ssekit._format import Format
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


_RESPONSE: Final = {"id", "object", "output", "status"}


def _is_response(body: dict[str, Any], event_type: str) -> bool:
    kinds = (event_type, str(body.get("type")))
    if any(kind.startswith("response.") for kind in kinds):
        return True
    # Another vendor's envelope has a `response` too.
    return any(not _RESPONSE.isdisjoint(inner) for inner in objects([body.get("response")]))


_MESSAGE_EVENTS: Final = {
    *("message_start", "message_delta", "message_stop"),
    *("content_block_start", "content_block_delta", "content_block_stop"),
}


def _is_message(body: dict[str, Any], event_type: str) -> bool:
    # A ping shows nothing: others send one too.
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


# For each format's module, whether an event (its data, its type) is one of its own. The first row
# that holds counts: a delta in a choice is chat's, whatever is beside it.
_SHAPES: Final[dict[str, Callable[[dict[str, Any], str], bool]]] = {
    "chat": _is_chat,
    "responses": _is_response,
    "messages": _is_message,
    "completions": _is_completion,
    "gemini": _is_gemini,
}

FORMATS: Final = tuple(_SHAPES)

# The format of most hosts, as which a stream is taken that shows none.
_DEFAULT: Final = "chat"


def _format(name: str) -> Format[Any, Any]:
    wire_format: Format[Any, Any] = import_module(f"ssekit.{name}").FORMAT
    return wire_format


def detect(event: ServerSentEvent, /) -> Format[Any, Any] | None:
    """Return the format that the shape of an event shows, or None if it shows none."""
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
    """Proxy for the accumulator of the format, and for one of chat until the format is detected.

    Code that has got this one at the start of a stream sees the right one to its end.
    """

    def __init__(self, current: Accumulator[Any, Any]) -> None:
        self.current = current

    # A reader may keep these bound methods from before the detection.

    def add(self, chunk: Any, /) -> bool | None:
        return self.current.add(chunk)

    def deltas(self, chunk: Any, /) -> Iterable[Delta]:
        return self.current.deltas(chunk)

    def last_deltas(self) -> Iterable[Delta]:
        return self.current.last_deltas()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.current, name)


class _Decoder(StreamDecoder[Any, Any]):
    """A decoder that holds events back until one shows the format, and then is of that format.

    Until then it adds them to an accumulator of chat, for views of the answer.
    """

    __slots__ = ("_held", "_proxy")

    def __init__(self, **options: Any) -> None:
        stand_in = _format(_DEFAULT).decoder()
        self._proxy: Any = _Accumulator(stand_in.accumulator)
        super().__init__(stand_in._decode, stand_in._decode_fallback, self._proxy, **options)
        self._held: list[Batch] | None = []  # None once the format is detected

    def receive(
        self, reads: Iterable[Read], abandon: Callable[[], object] | None = None
    ) -> Iterator[Any]:
        """Yield the chunks of each read, as `StreamDecoder` does."""
        if self._held is not None:
            reads = self._detect(iter(reads), self._held)
        return super().receive(reads, abandon)

    def _detect(self, reads: Iterator[Read], held: list[Batch]) -> Iterator[Read]:
        """Hold events until the format is detected; then yield them, and the other reads."""
        for data in reads:
            if self.state != "open":
                return
            batches = iter(self._batches(data))
            detected = self._format_of(batches, held)
            if detected is None and (self._scanner.too_large or isinstance(data, Scanned)):
                detected = _format(_DEFAULT)
            if detected is not None:
                decoder = detected.decoder()
                self.format = detected.name
                self._decode, self._decode_fallback = decoder._decode, decoder._decode_fallback
                self.accumulator = self._proxy.current = decoder.accumulator
                self._held = None
                yield Scanned(chain(held, batches))
                yield from reads
                return

    def _format_of(self, batches: Iterator[Batch], held: list[Batch]) -> Format[Any, Any] | None:
        """Return the first format that an event shows; chat, if an event ends the stream before."""
        default = _format(_DEFAULT)
        for batch in batches:
            held.append(batch)
            self._fields, payloads = batch
            for self._payload in payloads:
                event = make_event(self._payload, self._fields)
                detected = detect(event)
                if detected is not None:
                    return detected
                try:
                    chunk = default.decode(event)
                except SSEKitError:
                    return default
                if isinstance(chunk, Done):
                    return default
                self.accumulator.add(chunk)
        return None


class _Auto(Format[Any, Any]):
    def __init__(self) -> None:
        self.name = "auto"

    def decode(self, event: ServerSentEvent, /) -> Any:
        """Decode one event as the format that it shows, or as chat if it shows none.

        Returns:
            The chunk, or `DONE` for the end marker.

        Raises:
            APIError: The event reports an error.
            DecodeError: The data is not a JSON object.
        """
        return (detect(event) or _format(_DEFAULT)).decode(event)

    def decoder(self, **options: Any) -> StreamDecoder[Any, Any]:
        """Return a decoder that detects the format; the options are those of any format."""
        return _Decoder(**options)


FORMAT: Final = _Auto()


def opener(name: str) -> Format[Any, Any]:
    """Return the format of a name: "auto", or one of `FORMATS`."""
    if name != "auto" and name not in FORMATS:
        raise ValueError(f"format must be auto, {', '.join(FORMATS)}: got {name!r}")
    return FORMAT if name == "auto" else _format(name)


decode = FORMAT.decode
decoder = FORMAT.decoder
stream = FORMAT.stream
astream = FORMAT.astream
collect = FORMAT.collect
acollect = FORMAT.acollect
