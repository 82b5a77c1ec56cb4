"""Detects the format of a stream by its first events.

The names are those of every format. The chunks and the result are those of the detected format,
such as `ssekit.chat`.

The first events may show no format (such as Azure's first chunk). Their chunks are then returned,
in order, once an event shows it. If none does to the end of the stream, or in more than
`max_event_size` bytes, the stream fails with a `DecodeError`. If the server reports an error before
the format is known, that is an `APIError`, and its `partial` is an empty `ChatCompletion`.
"""

# How it works: the decoder holds events back until one has the shape of a format (`_shapes`). Then
# it takes over the parts of that format's own decoder, and receives the held events like a read.
#
# What always holds here:
# - Formats are imported when a stream needs them (chat: when a decoder is made), not before.
# - Once the format is detected, its own typed decoder and its own accumulator do the work, without
#   a call into this module.
# - An event shows its format by its shape alone. For another format, a row of `SHAPES` is enough.

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from itertools import chain
from typing import Any, Final

from ssekit._accumulator import Accumulator
from ssekit._decoder import Read, Scanned, StreamDecoder
from ssekit._errors import DecodeError, SSEKitError
from ssekit._event import ServerSentEvent, make_event
from ssekit._format import Format
from ssekit._marker import is_marker
from ssekit._scanner import IGNORED, Batch
from ssekit._shapes import SHAPES, body_of, shape_of

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


FORMATS: Final = tuple(SHAPES)

# The format of a stream that shows none: that of most hosts.
_DEFAULT: Final = "chat"


def _format(name: str) -> Format[Any, Any]:
    wire_format: Format[Any, Any] = import_module(f"ssekit.{name}").FORMAT
    return wire_format


def detect(event: ServerSentEvent, /) -> Format[Any, Any] | None:
    """Return the format that the shape of an event shows, or None if it shows none."""
    name = shape_of(event)
    return None if name is None else _format(name)


class _Accumulator:
    """Proxy for the accumulator of the format, and for one of chat until the format is detected.

    Code that keeps the accumulator from the start of a stream has the right one to its end.
    """

    def __init__(self, current: Accumulator[Any, Any]) -> None:
        self.current = current

    def __getattr__(self, name: str) -> Any:
        return getattr(self.current, name)


class _Decoder(StreamDecoder[Any, Any]):
    """A decoder that holds events back until one shows the format, and then decodes that format.

    Until then it also adds them to an accumulator of chat, for views of the answer.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(_format(_DEFAULT), **options)
        self._proxy: Any = _Accumulator(self.accumulator)
        self.accumulator = self._proxy
        self.format = None
        self._held: list[Batch] | None = []  # None once the format is decided
        self._size = 0  # of the held events, in bytes
        self._detected = False

    def receive(
        self, reads: Iterable[Read], abandon: Callable[[], object] | None = None
    ) -> Iterator[Any]:
        """Yield the chunks of each read, as `StreamDecoder` does."""
        if self._held is not None:
            reads = self._until_decided(iter(reads), self._held)
        return super().receive(reads, abandon)

    def _until_decided(self, reads: Iterator[Read], held: list[Batch]) -> Iterator[Read]:
        """Hold events until the format is decided; then yield them, and the other reads."""
        for data in reads:
            if self.state != "open":
                return
            batches = iter(self._batches(data))
            name = self._decide(batches, held)
            if name is None and (self._scanner.too_large or isinstance(data, Scanned)):
                name = _DEFAULT
            if name is not None:
                self._held = None
                self._use(_format(name))
                self._proxy.current = self.accumulator
                yield Scanned(chain(held, batches))
                if self._size > self._scanner.limit and not self._detected:
                    self._fail(self._no_answer("", b""))
                yield from reads
                return

    def _decide(self, batches: Iterator[Batch], held: list[Batch]) -> str | None:
        """Hold events, up to one that shows the format or ends the stream; return the format."""
        for fields, payloads in batches:
            if fields is IGNORED:
                self._receive_ignored(payloads)
                if not payloads[0].startswith(b":"):  # a comment need not wait
                    held.append((fields, payloads))
                    self._size += sum(map(len, payloads))
                continue
            self._fields = fields
            for position, self._payload in enumerate(payloads):
                event = make_event(self._payload, fields)
                parts = self._format.split(event, self._behind)
                self._behind = b""
                name = next(filter(None, map(shape_of, parts)), None)
                self._detected = name is not None
                fits = self._size <= self._scanner.limit
                if name is None and fits and self._format.kind_of(event) == "empty":
                    continue
                if name is None and any(map(self._is_last, parts)):
                    name = _DEFAULT
                if name is not None:
                    held.append((fields, payloads[position:]))
                    return name
                held.append((fields, [self._payload]))
                self._size += len(self._payload)
        return None

    def _is_last(self, event: ServerSentEvent) -> bool:
        """Whether an event of no known shape ends the stream, or outgrows the limit."""
        if is_marker(event.data) or self._size > self._scanner.limit:
            return True
        chunk, error = self._format.read(event)
        if chunk is not None and error is None:
            self.accumulator.add(chunk)
        return error is not None

    def _no_answer(self, where: str, outside: bytes) -> SSEKitError:
        event = self._first_foreign
        if self._detected or (event is None and self._size <= self._scanner.limit):
            return super()._no_answer(where, outside)
        self.format = None
        error = DecodeError(f"no format that ssekit knows: {_fields_of(event)}")
        error.event = event
        return error


def _fields_of(event: ServerSentEvent | None) -> str:
    """Return a description of the first event, if there is one: the names of its fields."""
    body = {} if event is None else body_of(event)
    if body is None:
        return "the first event is not JSON"
    names = [f"{name[:40]!r}" for name in body][:8] if isinstance(body, dict) else []
    return f"the first event has the fields {', '.join(names)}" if names else "no field is there"


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


def opener(format: str | Format[Any, Any]) -> Format[Any, Any]:
    """Return the format of a name ("auto", or one of `FORMATS`), or a format as it is."""
    if isinstance(format, Format):
        return format
    if format != "auto" and format not in FORMATS:
        raise ValueError(f"format must be auto, {', '.join(FORMATS)}: got {format!r}")
    return FORMAT if format == "auto" else _format(format)


decode = FORMAT.decode
decoder = FORMAT.decoder
stream = FORMAT.stream
astream = FORMAT.astream
collect = FORMAT.collect
acollect = FORMAT.acollect
