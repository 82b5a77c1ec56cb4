# The wire: bytes to events, as WHATWG HTML 9.2.5 (parsing) and 9.2.6 (interpreting) say.
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

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from ssekit._errors import EventTooLargeError
from ssekit._event import LARGEST_RETRY, as_text, refuse
from ssekit._fast_path import (
    NO_FIELDS,
    PLAIN,
    Head,
    NotPlain,
    Opening,
    Run,
    add_event,
    cut_plain,
    last_opening,
)
from ssekit._fragments import Fragments
from ssekit._json import join_surrogates

__all__ = ["DEFAULT_MAX_EVENT_SIZE", "EventScanner", "make_scanner"]

# An image in base64 is a legitimate event of tens of MiB. Smaller defaults were reported as bugs of
# peers (1 MiB in httpx2, 8 MiB in openai-node, 64 KiB in Go's bufio), and no limit as a weakness.
DEFAULT_MAX_EVENT_SIZE = 64 * 2**20

_BOM = b"\xef\xbb\xbf"

# Longer reads are taken in windows of this size (bytes), and what goes by lines in smaller ones: a
# million short lines in one read must not become a million objects.
_WINDOW = 64 * 2**10
_LINES_WINDOW = 16 * 2**10
# How far on the end of an event is looked for (bytes): through thousands of data lines, the search
# would take a sixth of their time.
_NEAR = 8 * 2**10
# How many pieces of a line are kept as they were read before they become a block.
_LOOSE_PIECES = 4096
# An event type or an id counts against the limit with what is longer than this (bytes).
_FREE = 64 * 2**10


class EventScanner:
    """The standard's state: give bytes to `scan`, and say with `finish` that they ended.

    Attributes:
        limit: How many bytes an event may have.
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
        "_line_size",
        "_on_comment",
        "_opening",
        "_pieces",
        "_prefix",
        "_retry",
        "_room",
        "_start",
        "_type",
        "_values",
        "_window",
        "head",
        "last_event_id",
        "limit",
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
        self.limit = sys.maxsize if max_event_size is None else max_event_size
        # What is whole in a window is within the limit, and need not be measured.
        self._window = min(_WINDOW, self.limit)
        self.head: Head = NO_FIELDS
        self._expect(PLAIN)
        self._on_comment = on_comment
        self.restart()

    def restart(self) -> None:
        """Stand at the start of a stream; the last event ID and reconnection time stay (9.2.3)."""
        self.too_large = False
        # Nothing is unfinished: the next byte begins an event.
        self._between_events = False
        # Nothing is unfinished but the line that an event begins with.
        self._in_event_start = False
        # Nothing is unfinished but this start of an event, which the latest read brought: a type's
        # line, where there is one, and a part of the next.
        self._start = b""
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
        # How long the unfinished line may become: the limit, less what else is kept of the event.
        self._room = self.limit - _excess(self._id)

    def scan(self, data: bytes) -> Iterable[bytes]:
        """Take the next bytes and return the data of the events that they complete, oldest first.

        While an event's data is handed over, `head` is what the event has beside.
        """
        size = len(data)
        # `10 in data` asks for an LF: `b"\n" in data` takes 100 ns to find that it is no integer.
        if self._line_size and 10 not in data and 13 not in data:
            # A piece of a line. What comes in single bytes is kept here, in 0.1 us each: by way of
            # `_keep` it would be 0.2.
            line_size = self._line_size + size
            if line_size <= self._room and len(self._pieces) < _LOOSE_PIECES:
                self._pieces.append(data)
                self._line_size = line_size
            else:
                self._keep(data)
            return ()
        if size > self._window:
            starts = range(0, size, self._window)
            windows = (data[start : start + self._window] for start in starts)
            return chain.from_iterable(map(self.scan, windows))
        if self._between_events:
            # A read that is one event like the latest needs no cutting: it takes 0.2 us this way,
            # and 0.8 us by way of `cut_plain`. (`startswith` alone would take 0.1 us.)
            payload = data.removeprefix(self._prefix).removesuffix(self._blank)
            if len(payload) == size - self._frame and 10 not in payload and 13 not in payload:
                self.head = self._opening.head
                return (payload,)
            return self._hand_over(self._whole_events(data))
        if self.too_large:
            return ()
        # Where a read divides a short event, the plain road takes its parts together.
        if self._start:
            start, self._start = self._start, b""
            if 10 in data and len(start) + size <= self.limit:
                return self._hand_over(self._whole_events(data, start))
            self._lines(start)
            return self.scan(data)
        if (
            self._in_event_start
            and 10 in data
            and self._line_size <= _NEAR
            and self._line_size + size <= self.limit
        ):
            return self._hand_over(self._whole_events(data, self._take_line(b"")))
        return self._hand_over(self._started_event(data))

    def error(self) -> EventTooLargeError:
        """Return what `too_large` is to the user."""
        return EventTooLargeError(self.limit)

    def finish(self, *, dispatch_incomplete: bool = False) -> Iterable[bytes]:
        """Take the end of the bytes and stand at the start of the next stream.

        9.2.6 discards an event that no blank line ended; `dispatch_incomplete` returns it.
        """
        runs: list[Run] = []
        if dispatch_incomplete:
            if self._start:
                self._lines(self._start)
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
        runs, rest = self._lines(data[:end]), data[end:]
        if self.too_large:
            return runs
        # (After an event with an id `_between_events` is false, and lines are what is left.)
        take_rest = self._whole_events if self._between_events else self._lines
        return runs + take_rest(rest)

    def _expect(self, opening: Opening) -> None:
        """Expect that plain events go on to open like the latest one."""
        self._opening = opening
        self._prefix, self._blank = opening.prefix, opening.blank
        self._frame = len(opening.prefix) + len(opening.blank)
        if opening.prefix == b"data:":
            # A space that follows is no part of the data, and only `cut_plain` looks for it.
            self._frame = -1

    def _whole_events(self, data: bytes, start: bytes = b"") -> list[Run]:
        """Scan bytes that begin with an event: whole events by C calls, what remains by lines.

        The start of the first event may have come before: it stands in front of the bytes. (It is
        joined to what it belongs to. To copy 64 KiB takes as long as to cut 30 events.)
        """
        opening = self._opening
        newline = b"\r\n" if 13 in data else b"\n"
        begun = start + data[: len(opening.prefix)]
        try:
            if opening.newline != newline or begun[: len(opening.prefix)] != opening.prefix:
                opening = last_opening(start + data if start else data, newline)
            runs, rest = cut_plain(data, start, opening)
        except NotPlain:
            return self._lines(start + data)
        if runs[-1][0] is not opening.head:
            opening = Opening.of(runs[-1][0], newline)
        if opening is not self._opening:
            self._expect(opening)
        if rest:
            return runs + self._keep_start(rest)
        self._between_events, self._in_event_start = True, False
        return runs

    def _keep_start(self, start: bytes) -> list[Run]:
        """Keep the start of an event as it came; if it is more than that, scan it by lines."""
        in_data = 10 not in start or (start[:7] == b"event: " and start.count(b"\n") == 1)
        if not in_data or 13 in start or len(start) > self._room:
            return self._lines(start)
        self._between_events, self._in_event_start = False, False
        self._start = start
        return []

    # The line road.

    def _lines(self, data: bytes) -> list[Run]:
        runs: list[Run] = []
        if self._bom is not None:
            data = self._without_bom(data, self._bom)
        for start in range(0, len(data), _LINES_WINDOW):
            self._process_lines(data[start : start + _LINES_WINDOW], runs)
            if self.too_large:
                break
        # An ID keeps to the line road too: it is given to events, and committed by blank lines.
        plain = (
            self._bom is None
            and self._retry is None
            and not (self._after_cr or self._values)
            and not (self._id or self.last_event_id or self.too_large)
        )
        self._between_events = plain and not self._line_size and not self._type
        self._in_event_start = plain and self._line_size > 0 and not self._type
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
        fits = self._line_size + len(data) <= self._room
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
                self._room -= len(line) - 5
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
        if len(self._pieces) == _LOOSE_PIECES:
            self._blocks.append(b"".join(self._pieces))
            self._pieces.clear()
        self._pieces.append(piece)
        self._line_size = size

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
        if line_size <= self._room:
            return False
        self.too_large = True
        self._line_size = 0  # it does not go on
        return True

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
            self._room -= len(value) + 1
        elif name == b"event":
            self._room -= _excess(value) - _excess(self._type)
            self._type = value
        elif name == b"id":
            if b"\0" not in value:
                self._room -= _excess(value) - _excess(self._id)
                self._id = value
        elif name == b"retry":
            # bytes.isdigit() knows ASCII digits only, as the clause has it.
            if value.isdigit() and len(value) < 64 and int(value) <= LARGEST_RETRY:
                self._retry = self.reconnection_time = int(value)
        elif not name and self._on_comment is not None:
            # A line that begins with a colon. (Only a comment has an empty name: no line is empty.)
            self._on_comment(as_text(value))

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
            add_event(runs, (self._type, self._id, self._retry), data)
        self._type = b""
        self._retry = None
        self._room = self.limit - _excess(self._id)


def _excess(value: bytes) -> int:
    return max(0, len(value) - _FREE)


def make_scanner(
    last_event_id: str,
    max_event_size: int | None,
    on_comment: Callable[[str], object] | None,
) -> EventScanner:
    """Check the options that decoders take, and return their scanner."""
    refuse("last_event_id", last_event_id, "\r\n\0")
    if max_event_size is not None and max_event_size < 1:
        raise ValueError(f"max_event_size is at least 1 byte, or None, not {max_event_size}")
    return EventScanner(join_surrogates(last_event_id).encode(), max_event_size, on_comment)
