# The wire: bytes to events and back, as WHATWG HTML 9.2.5 (parsing) and 9.2.6 (interpreting) say.
# https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
#
# `EventScanner` is the standard; `SSEDecoder` is its public face. A scanner has two roads:
# - The line road (`_lines` and below) is the standard written out, and is right for any bytes.
# - The plain road (`_plain`) cuts a read of nothing but whole one-line events with a few C calls,
#   and proves that nothing else is in it. Where the proof fails, it gives way to the line road.
#
# What always holds here:
# - The division of the bytes into reads changes nothing: not the events, not the point of an error.
# - An event is handed over with the byte that ends it. A lone CR ends a line at once; an LF that
#   comes after it, in this read or the next, belongs to that same line end.
# - What is kept between reads is never more than the limit, and that is checked before it is kept.

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, repeat
from typing import Any, Final, TypeAlias, TypeVar, overload

import msgspec

from ssekit._errors import DecodeError, EventTooLargeError
from ssekit._fragments import Fragments
from ssekit._lenient import join_surrogates, parse_text

__all__ = ["SSEDecoder", "ServerSentEvent", "encode_comment"]

ValueT = TypeVar("ValueT")

# An image in base64 is a legitimate event of tens of MiB. Smaller defaults were reported as bugs of
# peers (1 MiB in httpx2, 8 MiB in openai-node, 64 KiB in Go's bufio), and no limit as a weakness.
DEFAULT_MAX_EVENT_SIZE = 64 * 2**20

_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(r"\r\n|\r|\n")  # 9.2.5, end-of-line
_LARGEST_RETRY = 2**64 - 1  # more is ignored, as Blink does; int() itself refuses 4,301 digits

# Longer reads are taken in windows of this size (bytes): a million short lines in one read must not
# become a million objects, and a copy of a window is a small one.
_WINDOW = 64 * 2**10
# How far on the end of an event is looked for (bytes): through thousands of data lines, the search
# would take a sixth of their time.
_NEAR = 8 * 2**10
# How many pieces of a line are kept as they were read before they become a block.
_LOOSE_PIECES = 4096
# An event type or an id counts against the limit with what is longer than this (bytes).
_FREE = 64 * 2**10
# A type that is longer (bytes; the vendors' have up to 46) is not worth the plain road.
_SHORT_TYPE = 128

# What an event has beside its data: type (b"" means message), last event ID, retry.
Head: TypeAlias = tuple[bytes, bytes, int | None]
# Events that follow one another and differ in their data alone: nearly all reads are one run.
Run: TypeAlias = tuple[Head, Iterable[bytes]]

PLAIN_HEAD: Final[Head] = (b"", b"", None)


class ServerSentEvent(msgspec.Struct, frozen=True, gc=False):
    """One event of a stream.

    Attributes:
        data: The data lines, joined by LF.
        event: The event's type.
        id: The last event ID when this event was dispatched, which may be older than the event.
        retry: The reconnection time that the event's block sets, in milliseconds, or None.
    """

    data: str
    event: str = "message"
    id: str = ""
    retry: int | None = None

    @overload
    def json(self) -> Any: ...
    @overload
    def json(self, type: type[ValueT]) -> ValueT: ...
    def json(self, type: Any = Any) -> Any:
        """Return the data, read as JSON, as `type` (anything that msgspec decodes into).

        Raises:
            DecodeError: The data is not JSON, or not of that type.

        >>> ServerSentEvent('{"n": 1}').json(dict[str, int])
        {'n': 1}
        """
        try:
            return parse_text(self.data, type, "the data of an event")
        except DecodeError as error:
            error.event = self
            raise

    def encode(self) -> bytes:
        r"""Return the event as it stands on the wire; a decoder gives it back.

        Data is split at every line end; CR and CRLF come back as LF.

        Raises:
            ValueError: The type or the id would end its line, or the decoder would ignore
                the id or the retry.

        >>> ServerSentEvent("a\nb", event="note").encode()
        b'event: note\ndata: a\ndata: b\n\n'
        """
        lines = []
        if self.event != "message":
            _refuse("event", self.event, "\r\n")
            lines.append(f"event: {self.event}")
        if self.id:
            _refuse("id", self.id, "\r\n\0")
            lines.append(f"id: {self.id}")
        if self.retry is not None:
            if not 0 <= self.retry <= _LARGEST_RETRY:
                raise ValueError(f"retry is from 0 to 2**64 - 1 milliseconds, not {self.retry}")
            lines.append(f"retry: {self.retry}")
        lines += [f"data: {line}" for line in _LINE_END.split(self.data)]
        return join_surrogates("\n".join([*lines, "\n"])).encode()


def encode_comment(text: str = "", /) -> bytes:
    r"""Return `text` as a comment, which decoders ignore; empty, it keeps a connection alive.

    >>> encode_comment("still here")
    b': still here\n\n'
    """
    lines = [f": {line}" if line else ":" for line in _LINE_END.split(text)]
    return join_surrogates("\n".join([*lines, "\n"])).encode()


def _refuse(field: str, value: str, forbidden: str) -> None:
    for character in forbidden:
        if character in value:
            raise ValueError(f"{field} holds {character!r}, which would break out of its line")


def as_bytes(data: object) -> bytes:
    """Return `data` as bytes; a TypeError says what to do about anything that is not bytes."""
    if isinstance(data, bytes | bytearray | memoryview):
        return bytes(data)
    if isinstance(data, str):
        raise TypeError(
            "expected bytes, got str: feed the bytes as they came, undecoded "
            "(text loses line ends and split characters), or encode it as UTF-8"
        )
    raise TypeError(f"expected bytes, bytearray or memoryview, got {type(data).__name__}")


def make_event(payload: bytes, head: Head) -> ServerSentEvent:
    type_, id_, retry = head
    return ServerSentEvent(_text(payload), _text(type_) or "message", _text(id_), retry)


def _text(data: bytes) -> str:
    # 9.2.5: always UTF-8, whatever the response says; what is invalid becomes U+FFFD.
    # A field's value is decoded alone: its ends are ASCII, so no sequence reaches over them.
    return str(data, "utf-8", "replace")


class EventScanner:
    """The standard's state: give bytes to `scan`, and say with `finish` that they ended.

    Attributes:
        head: What the event whose data was handed over latest has beside its data.
        last_event_id: The last event ID string (9.2.6), in bytes.
        reconnection_time: What the last valid retry field said, in milliseconds, or None.
        too_large: The limit was met. Nothing more is scanned until `restart`.
    """

    __slots__ = (
        "_after_cr",
        "_between_events",
        "_blank",
        "_blocks",
        "_bom",
        "_frame",
        "_id",
        "_in_event_start",
        "_limit",
        "_line_size",
        "_on_comment",
        "_opening",
        "_pieces",
        "_prefix",
        "_retry",
        "_size",
        "_type",
        "_values",
        "_window",
        "head",
        "last_event_id",
        "reconnection_time",
        "too_large",
    )

    def __init__(
        self,
        last_event_id: bytes = b"",
        max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE,
        on_comment: Callable[[str], object] | None = None,
    ) -> None:
        self.last_event_id = last_event_id
        self.reconnection_time: int | None = None
        self._limit = sys.maxsize if max_event_size is None else max_event_size
        # What is whole in a window is within the limit, and need not be measured.
        self._window = min(_WINDOW, self._limit)
        self.head: Head = PLAIN_HEAD
        self._expect(_Opening(PLAIN_HEAD, b"data: ", b"\n"))
        self._on_comment = on_comment
        self.restart()

    def restart(self) -> None:
        """Stand at the start of a stream; the last event ID and reconnection time stay (9.2.3)."""
        self.too_large = False
        # Nothing is unfinished: the next byte begins an event.
        self._between_events = False
        # Nothing is unfinished but the start of an event: a part of a line, a short type, or both.
        self._in_event_start = False
        # The bytes so far that may become a byte order mark; None once that is decided.
        self._bom: bytes | None = b""
        # Whether the latest byte was a CR: an LF that follows is part of that line end.
        self._after_cr = False
        # The unfinished line: its older part in blocks, its newer part as it was read; its length.
        self._blocks = Fragments(b"".join)
        self._pieces: list[bytes] = []
        self._line_size = 0
        # The data buffer without its last LF; the event type buffer; the last event ID buffer.
        self._values = Fragments(b"\n".join)
        self._type = b""
        self._id = self.last_event_id
        self._retry: int | None = None
        # What is kept of the event beside the unfinished line, as the limit counts it.
        self._size = _excess(self._id)

    def scan(self, data: bytes) -> Iterable[bytes]:
        """Take the next bytes and return the data of the events that they complete, oldest first.

        While an event's data is handed over, `head` is what the event has beside.
        """
        size = len(data)
        if size > self._window:
            starts = range(0, size, self._window)
            windows = (data[start : start + self._window] for start in starts)
            return chain.from_iterable(map(self.scan, windows))
        # `10 in data` asks for an LF: `b"\n" in data` takes 100 ns to find that it is no integer.
        if self._between_events:
            # A read that is one event like the latest needs no cutting: it takes 0.2 us this way,
            # and 0.8 us by way of `_plain`. (`startswith` alone would take 0.1 us.)
            payload = data.removeprefix(self._prefix).removesuffix(self._blank)
            if len(payload) == size - self._frame and 10 not in payload and 13 not in payload:
                self.head = self._opening.head
                return (payload,)
            return self._hand_over(self._whole_events(data))
        if self.too_large:
            return ()
        if 10 not in data and 13 not in data and self._line_size:
            self._keep(data)
            return ()
        if (
            self._in_event_start
            and 10 in data
            and self._line_size <= _NEAR
            and self._line_size + size <= self._limit
        ):
            # Where a read divides a short event, the plain road takes its parts together.
            return self._hand_over(self._whole_events(self._take_event(data)))
        return self._hand_over(self._started_event(data))

    def finish(self, *, dispatch_incomplete: bool = False) -> Iterable[bytes]:
        """Take the end of the bytes and stand at the start of the next stream.

        9.2.6 discards an event that no blank line ended; `dispatch_incomplete` returns it.
        """
        runs: list[Run] = []
        if dispatch_incomplete:
            values: list[bytes] = []
            if self._line_size:
                self._field(self._take_line(b""), values)
            self._dispatch(values, runs)
        self.restart()
        return self._hand_over(runs)

    def _hand_over(self, runs: list[Run]) -> Iterable[bytes]:
        if len(runs) == 1:
            [(self.head, payloads)] = runs
            return payloads
        return self._each_of(runs)

    def _each_of(self, runs: list[Run]) -> Iterator[bytes]:
        for self.head, payloads in runs:
            yield from payloads

    # The plain road.

    def _started_event(self, data: bytes) -> list[Run]:
        """Scan the rest of an event by lines, and then whole events, if any begin in this read."""
        blank = b"\n\r\n" if 13 in data else b"\n\n"
        end = data.find(blank, 0, _NEAR) + len(blank) if 10 in data else 0
        if not len(blank) <= end < len(data):
            return self._lines(data)
        runs = self._lines(data[:end])
        if self.too_large:
            return runs
        # (Where events have an id, lines it is.)
        rest = self._whole_events if self._between_events else self._lines
        return runs + rest(data[end:])

    def _expect(self, opening: _Opening) -> None:
        """Expect that plain events go on to open like the latest one."""
        self._opening = opening
        self._prefix, self._blank = opening.prefix, opening.blank
        self._frame = len(opening.prefix) + len(opening.blank)
        if opening.prefix == b"data:":
            # A space that follows is no part of the data; `_plain` looks for it, `scan` does not.
            self._frame = -1

    def _whole_events(self, data: bytes) -> list[Run]:
        """Scan bytes that begin with an event: whole events by C calls, what remains by lines."""
        opening = self._opening
        newline = b"\r\n" if 13 in data else b"\n"
        if opening.newline != newline or data[: len(opening.prefix)] != opening.prefix:
            found = _find_opening(data, newline)
            if found is None:
                return self._lines(data)
            opening = found
        plain = _plain(data, opening)
        if plain is None:
            return self._lines(data)
        runs, start = plain
        if runs[-1][0] is not self._opening.head:
            self._expect(opening.of(runs[-1][0]))
        if start:
            return runs + self._keep_start(start)
        self._between_events, self._in_event_start = True, False
        return runs

    def _keep_start(self, start: bytes) -> list[Run]:
        """Keep the start of an event; if it is more than that, scan it by lines."""
        if start[:7] == b"event: " and start.count(b"\n") == 1 and 13 not in start:
            event_type, _, line = start[7:].partition(b"\n")
            if len(event_type) <= _SHORT_TYPE:
                self._type, start = event_type, line
        if 10 in start or 13 in start:
            return self._lines(start)
        self._between_events, self._in_event_start = False, True
        if start:
            self._keep(start)
        return []

    def _take_event(self, rest: bytes) -> bytes:
        """Return the start of an event with the rest of it, and keep nothing of it."""
        event = self._take_line(rest)
        if self._type:
            event = b"event: " + self._type + (b"\r\n" if 13 in rest else b"\n") + event
            self._type = b""
        return event

    # The line road.

    def _lines(self, data: bytes) -> list[Run]:
        runs: list[Run] = []
        if self._bom is not None:
            data = self._without_bom(data, self._bom)
        self._process_lines(data, runs)
        # An ID keeps to the line road too: it is given to events, and committed by blank lines.
        plain = (
            self._bom is None
            and self._retry is None
            and not (self._after_cr or self._values)
            and not (self._id or self.last_event_id or self.too_large)
        )
        started = self._line_size > 0 or self._type != b""
        self._in_event_start = plain and started and len(self._type) <= _SHORT_TYPE
        self._between_events = plain and not started
        return runs

    def _without_bom(self, data: bytes, held: bytes) -> bytes:
        # 9.2.5: one leading BOM is not part of the stream, however the reads divide it.
        data = held + data
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._bom = data
            return b""
        self._bom = None
        return data.removeprefix(_BOM)

    def _process_lines(self, data: bytes, runs: list[Run]) -> None:
        if self._after_cr and data:
            self._after_cr = False
            data = data.removeprefix(b"\n")
        if 13 in data:
            self._after_cr = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = data.split(b"\n")
        unfinished = lines.pop()
        # Mostly all of it fits, and no line need be measured.
        fits = self._size + self._line_size + len(data) <= self._limit
        if lines and self._line_size:
            if not fits and self._outgrows(self._line_size + len(lines[0])):
                return
            lines[0] = self._take_line(lines[0])
        values: list[bytes] = []  # of the data lines in this read that are not yet dispatched
        for line in lines:
            if not fits and self._outgrows(len(line)):
                return
            if line[:6] == b"data: ":
                values.append(line[6:])
                self._size += len(line) - 5
            elif line:
                self._field(line, values)
            else:
                self._dispatch(values, runs)
        if values:
            self._values.append(b"\n".join(values))
        if unfinished:
            self._keep(unfinished)

    def _keep(self, piece: bytes) -> None:
        """Keep a piece of the unfinished line, if the limit allows."""
        size = self._line_size + len(piece)
        if self._outgrows(size):
            return
        self._line_size = size
        self._pieces.append(piece)
        if len(self._pieces) == _LOOSE_PIECES:
            self._blocks.append(b"".join(self._pieces))
            self._pieces.clear()

    def _take_line(self, rest: bytes) -> bytes:
        """Return the unfinished line with the rest of it, and keep nothing of it."""
        self._pieces.append(rest)
        if self._blocks:
            self._pieces.insert(0, self._blocks.take())
        line = b"".join(self._pieces)
        self._pieces.clear()
        self._line_size = 0
        return line

    def _outgrows(self, line_size: int) -> bool:
        self.too_large = self._size + line_size > self._limit
        return self.too_large

    def _field(self, line: bytes, values: list[bytes]) -> None:
        # 9.2.6, process the field: up to the first colon the name, one space after it is dropped.
        # The value is cut out once: the bound allows two copies of a line at the limit, not three.
        colon = line.find(b":")
        if colon < 0:
            name, value = line, b""
        else:
            name = line[:colon]
            start = colon + (2 if line[colon + 1 : colon + 2] == b" " else 1)
            value = line[start:]
        if name == b"data":
            values.append(value)
            self._size += len(value) + 1
        elif name == b"event":
            self._size += _excess(value) - _excess(self._type)
            self._type = value
        elif name == b"id":
            if b"\0" not in value:
                self._size += _excess(value) - _excess(self._id)
                self._id = value
        elif name == b"retry":
            # bytes.isdigit() knows ASCII digits only, as the clause has it.
            if value.isdigit() and len(value) < 64 and int(value) <= _LARGEST_RETRY:
                self._retry = self.reconnection_time = int(value)
        elif not name and self._on_comment is not None:
            # A line that begins with a colon. (Only a comment has an empty name: no line is empty.)
            self._on_comment(_text(value))

    def _dispatch(self, values: list[bytes], runs: list[Run]) -> None:
        # 9.2.6, dispatch the event. The id is committed even where there is no event to fire.
        self.last_event_id = self._id
        if values or self._values:
            data = b"\n".join(values)
            if self._values:
                if values:
                    self._values.append(data)
                data = self._values.take()
            values.clear()
            runs.append(((self._type, self._id, self._retry), (data,)))
        self._type = b""
        self._retry = None
        self._size = _excess(self._id)


def _excess(value: bytes) -> int:
    return max(0, len(value) - _FREE)


class _Opening:
    """How events begin that have the same beside their data: with `prefix`, and then the data."""

    __slots__ = ("blank", "head", "newline", "prefix", "separator")

    def __init__(self, head: Head, prefix: bytes, newline: bytes) -> None:
        self.head = head
        self.prefix = prefix
        self.newline = newline
        self.blank = newline * 2
        self.separator = self.blank + prefix

    def of(self, head: Head) -> _Opening:
        """Return the opening of another head, in the same line ends."""
        if head is self.head:
            return self
        type_line = b"event: " + head[0] + self.newline if head[0] else b""
        return _Opening(head, type_line + b"data: ", self.newline)


def _find_opening(block: bytes, newline: bytes) -> _Opening | None:
    """Return how a block of events opens; None if it does not open with one of the plain road."""
    if block[:5] == b"data:":
        return _Opening(PLAIN_HEAD, block[: 6 if block[5:6] == b" " else 5], newline)
    end = block.find(newline)
    event_type, data = block[7:end], end + len(newline)
    if (
        not (block[:7] == b"event: " and block[data : data + 6] == b"data: ")
        or (10 in event_type or 13 in event_type)  # half of a CRLF
    ):
        return None
    return _Opening((event_type, b"", None), block[: data + 6], newline)


def _plain(data: bytes, opening: _Opening) -> tuple[list[Run], bytes] | None:
    """Cut bytes into one-line events, with a type or without, and the start of one.

    None if the events are anything else, or none is whole. There is no CR where the line end is LF.
    """
    # Most events of a read open as the first one does. (The bytes are cut as they came: to copy
    # 64 KiB takes as long as to cut 30 events.)
    values = data.split(opening.separator)
    last, ended, start = values.pop().rpartition(opening.blank)
    if ended:
        values.append(last)
    elif values:
        start = opening.prefix + start
    else:
        return None
    values[0] = values[0][len(opening.prefix) :]
    if opening.prefix == b"data:" and any(map(bytes.startswith, values, repeat(b" "))):
        return None
    # The proof: what is left holds no line end, so each piece was one line and then a blank one.
    # (To join and search takes half the time of counting line ends.)
    rest = b"".join(values)
    if 10 not in rest and 13 not in rest:
        return [(opening.head, values)], start
    runs = _mixed(values, opening)
    return None if runs is None else (runs, start)


def _mixed(values: list[bytes], opening: _Opening) -> list[Run] | None:
    """Cut what opened otherwise out of values that were cut at one opening."""
    runs: list[Run] = []
    start = 0
    for place, value in enumerate(values):
        if 10 in value or 13 in value:
            value, *blocks = value.split(opening.blank)
            runs.append((opening.head, [*values[start:place], value]))
            start = place + 1
            for block in blocks:
                other = _find_opening(block, opening.newline)
                if other is None:
                    return None
                runs.append((other.head, (block[len(other.prefix) :],)))
    if values[start:]:
        runs.append((opening.head, values[start:]))
    rest = b"".join(chain.from_iterable(payloads for _, payloads in runs))
    return None if 10 in rest or 13 in rest else runs


class SSEDecoder:
    """Bytes in, events out: WHATWG HTML 9.2.5 and 9.2.6, for any division of the bytes.

    Args:
        last_event_id: Where an earlier connection stood; events have it until one sets its own.
        max_event_size: How many bytes an event may have (its unfinished line, comments and
            unknown lines included, and its collected data); None for no limit.
        on_comment: Called with the text of each comment, less one leading space.

    >>> decoder = SSEDecoder()
    >>> decoder.feed(b"data: first\\n\\ndata: sec")
    [ServerSentEvent(data='first', event='message', id='', retry=None)]
    >>> decoder.feed(b"ond\\n\\n")
    [ServerSentEvent(data='second', event='message', id='', retry=None)]
    """

    __slots__ = ("_limit", "_scanner")

    def __init__(
        self,
        *,
        last_event_id: str = "",
        max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE,
        on_comment: Callable[[str], object] | None = None,
    ) -> None:
        self._limit = max_event_size
        self._scanner = make_scanner(last_event_id, max_event_size, on_comment)

    @property
    def last_event_id(self) -> str:
        """The last event ID string: what a reconnection sends as `Last-Event-ID` (9.2.4)."""
        return _text(self._scanner.last_event_id)

    @property
    def reconnection_time(self) -> int | None:
        """What the stream's last valid `retry` field said, in milliseconds, or None."""
        return self._scanner.reconnection_time

    def feed(self, data: bytes | bytearray | memoryview, /) -> list[ServerSentEvent]:
        """Take the next bytes and return the events that they complete.

        Raises:
            EventTooLargeError: An event outgrew the limit. Events that were complete before are
                returned first, and the next call raises. So does every call until `reset()`.
            TypeError: `data` is not bytes.
        """
        scanner = self._scanner
        events: list[ServerSentEvent] = []
        for payload in scanner.scan(data if type(data) is bytes else as_bytes(data)):
            if scanner.head is PLAIN_HEAD:
                events.append(ServerSentEvent(str(payload, "utf-8", "replace")))
            else:
                events.append(make_event(payload, scanner.head))
        if scanner.too_large and not events:
            self._raise_too_large()
        return events

    def close(self, *, dispatch_incomplete: bool = False) -> list[ServerSentEvent]:
        """Take the end of the bytes; the decoder is then ready for the next stream.

        9.2.6 has an event that no blank line ended discarded, and so it is by default: it may be
        half an event. `dispatch_incomplete=True` returns what there is of it, for servers that
        leave the last blank line out.

        Raises:
            EventTooLargeError: An event outgrew the limit.
        """
        if self._scanner.too_large:
            self._raise_too_large()
        scanner = self._scanner
        payloads = scanner.finish(dispatch_incomplete=dispatch_incomplete)
        return [make_event(payload, scanner.head) for payload in payloads]

    def reset(self) -> None:
        """Drop what is unfinished and be ready for the next stream.

        The last event ID and the reconnection time stay, as they do when a browser reconnects.
        """
        self._scanner.restart()

    def _raise_too_large(self) -> None:
        assert self._limit is not None
        raise EventTooLargeError(self._limit)


def make_scanner(
    last_event_id: str,
    max_event_size: int | None,
    on_comment: Callable[[str], object] | None,
) -> EventScanner:
    """Check the options that decoders take, and return their scanner."""
    _refuse("last_event_id", last_event_id, "\r\n\0")
    if max_event_size is not None and max_event_size < 1:
        raise ValueError(f"max_event_size is at least 1 byte, or None, not {max_event_size}")
    return EventScanner(join_surrogates(last_event_id).encode(), max_event_size, on_comment)
