# Bytes to events, by WHATWG HTML 9.2.5 (parsing) and 9.2.6 (interpreting an event stream).
# https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
#
# How it works: `scan` first tries the fast path (`_fast_path`), which cuts a read of nothing but
# whole one-line events with a few C calls, and proves that nothing else is in it. Where the proof
# fails, the line parser takes the bytes (`_parse_lines` and below). It is the standard written out,
# and is right for any bytes. Both return batches: the fields and the data of events.
#
# What always holds here:
# - The division of the bytes into reads changes nothing: not the events, not the point of an error.
# - An event is returned with the byte that ends it. A lone CR ends a line at once; an LF that
#   comes after it, in this read or the next, belongs to that same line end.
# - What is kept between reads is never more than the limit, and that is checked before it is kept.

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import chain
from typing import Final

from ssekit._errors import EventTooLargeError
from ssekit._event import LARGEST_RETRY, refuse
from ssekit._fast_path import (
    DATA_ALONE,
    Batch,
    EventFields,
    NeedsLines,
    Prefix,
    add_event,
    cut_events,
    prefix_of_last,
)
from ssekit._fragments import Fragments
from ssekit._json import join_surrogates

__all__ = ["DEFAULT_MAX_EVENT_SIZE", "IGNORED", "EventScanner", "make_scanner"]

# An image in base64 is a legitimate event of tens of MiB. Smaller defaults were reported as bugs of
# peers (1 MiB in httpx2, 8 MiB in openai-node, 64 KiB in Go's bufio), and no limit as a weakness.
DEFAULT_MAX_EVENT_SIZE = 64 * 2**20

# The fields of batches that are no events: a comment, which begins with ":", or the lines since the
# event before that are no field, joined, which begin with LF. (LF alone: an event has followed.)
IGNORED: Final[EventFields] = (b"\n", b"", None)  # no event has such a type
# How much of such lines is kept (bytes).
_OUTSIDE_SIZE = 64 * 2**10

_BOM = b"\xef\xbb\xbf"

# Longer reads are taken in windows of this size (bytes), and what goes by lines in smaller ones: a
# million short lines in one read must not become a million objects.
_WINDOW = 64 * 2**10
_LINES_WINDOW = 16 * 2**10
# How far on the end of an event is looked for (bytes): through thousands of data lines, the search
# would take a sixth of their time.
_NEAR = 8 * 2**10
# How many pieces of a line are kept as they were read before they become a block.
_PENDING_PIECES = 4096
# An event type or an id counts against the limit with what is longer than this (bytes).
_UNCOUNTED = 64 * 2**10


class EventScanner:
    """The state of the standard's parser: `scan` takes bytes, `finish` their end.

    Attributes:
        limit: How many bytes an event may have.
        last_event_id: The last event ID string (9.2.6), in bytes.
        reconnection_time: The value of the last valid retry field, in milliseconds, or None.
        too_large: The limit was met. Nothing more is scanned until `restart`.
    """

    __slots__ = (
        "_after_cr",
        "_between_events",
        "_blank",
        "_blocks",
        "_bom",
        "_budget",
        "_expected",
        "_fields",
        "_frame",
        "_id",
        "_in_first_line",
        "_keeps_comments",
        "_keeps_outside",
        "_line_size",
        "_outside",
        "_outside_budget",
        "_partial_event",
        "_pieces",
        "_prefix",
        "_retry",
        "_type",
        "_values",
        "_window",
        "last_event_id",
        "limit",
        "reconnection_time",
        "too_large",
    )

    def __init__(
        self,
        last_event_id: bytes = b"",
        max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE,
        *,
        comments: bool = False,
        outside: bool = False,
    ) -> None:
        self.last_event_id = last_event_id
        self.reconnection_time: int | None = None
        self.limit = sys.maxsize if max_event_size is None else max_event_size
        # What is whole in a window is within the limit, and need not be measured.
        self._window = min(_WINDOW, self.limit)
        self._expect(DATA_ALONE)
        self._keeps_comments = comments
        self._keeps_outside = outside
        self.restart()

    def restart(self) -> None:
        """Begin another stream; the last event ID and the reconnection time stay (9.2.3)."""
        self.too_large = False
        # Nothing is unfinished: the next byte begins an event.
        self._between_events = False
        # Nothing is unfinished but the line that an event begins with.
        self._in_first_line = False
        # Nothing is unfinished but this start of an event, which the latest read brought: a type's
        # line, where there is one, and a part of the next.
        self._partial_event = b""
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
        # The lines since the latest event that are no field, and how many bytes more are kept.
        self._outside: list[bytes] = []
        self._outside_budget = _OUTSIDE_SIZE if self._keeps_outside else 0
        # How long the unfinished line may become: the limit, less what else is kept of the event.
        self._budget = self.limit - _excess(self._id)

    def scan(self, data: bytes) -> Iterable[Batch]:
        """Take the next bytes and return the events that they complete, oldest first."""
        size = len(data)
        # `10 in data` asks for an LF: `b"\n" in data` takes 100 ns to find that it is no integer.
        if self._line_size and 10 not in data and 13 not in data:
            # A piece of a line. What comes in single bytes is kept here, in 0.1 us each: by way of
            # `_keep` it would be 0.2.
            line_size = self._line_size + size
            if line_size <= self._budget and len(self._pieces) < _PENDING_PIECES:
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
            # and 0.8 us by way of `cut_events`. (`startswith` alone would take 0.1 us.)
            payload = data.removeprefix(self._prefix).removesuffix(self._blank)
            if len(payload) == size - self._frame and 10 not in payload and 13 not in payload:
                return ((self._fields, (payload,)),)  # tuples: a list takes 20 ns more
            return self._whole_events(data)
        if self.too_large:
            return ()
        # Where a read divides a short event, the fast path takes its parts together.
        if self._partial_event:
            start, self._partial_event = self._partial_event, b""
            if 10 in data and len(start) + size <= self.limit:
                return self._whole_events(data, start)
            self._parse_lines(start)
            return self.scan(data)
        if (
            self._in_first_line
            and 10 in data
            and self._line_size <= _NEAR
            and self._line_size + size <= self.limit
        ):
            return self._whole_events(data, self._take_line(b""))
        return self._started_event(data)

    def error(self) -> EventTooLargeError:
        """Return the error for an event that met the limit."""
        return EventTooLargeError(self.limit)

    def finish(self, *, dispatch_incomplete: bool = False) -> list[Batch]:
        """Take the end of the bytes, and be ready for the next stream.

        9.2.6 discards an event that no blank line ended; `dispatch_incomplete` returns it.
        """
        batches: list[Batch] = []
        if dispatch_incomplete:
            if self._partial_event:
                self._parse_lines(self._partial_event)
            values: list[bytes] = []
            if self._line_size:
                self._process_field(self._take_line(b""), values, batches)
            self._dispatch(values, batches)
            self._take_outside(batches)
        self.restart()
        return batches

    # Whole events, by the fast path.

    def _started_event(self, data: bytes) -> list[Batch]:
        """Parse the rest of an event by lines, and then whole events, if any begin in this read."""
        blank = b"\n\r\n" if 13 in data else b"\n\n"
        end = data.find(blank, 0, _NEAR) + len(blank) if 10 in data else 0
        if not len(blank) <= end < len(data):
            return self._parse_lines(data)
        batches, rest = self._parse_lines(data[:end]), data[end:]
        if self.too_large:
            return batches
        # (After an event with an id `_between_events` is false, and lines are what is left.)
        take_rest = self._whole_events if self._between_events else self._parse_lines
        return batches + take_rest(rest)

    def _expect(self, prefix: Prefix) -> None:
        """Expect that the next events have the prefix of the latest one."""
        self._expected = prefix
        self._fields, self._prefix, self._blank = prefix.fields, prefix.data, prefix.blank
        self._frame = len(prefix.data) + len(prefix.blank)
        if prefix.data == b"data:":
            # A space that follows is no part of the data, and only `cut_events` looks for it.
            self._frame = -1

    def _whole_events(self, data: bytes, start: bytes = b"") -> list[Batch]:
        """Scan bytes that begin with an event: whole events by the fast path, the rest by lines.

        `start` is the beginning of the first event, which came before. (Only the first piece is
        joined to it: to copy 64 KiB takes as long as to cut 30 events.)
        """
        prefix = self._expected
        newline = b"\r\n" if 13 in data else b"\n"
        size = len(prefix.data)
        try:
            if prefix.newline != newline or (start + data[:size])[:size] != prefix.data:
                prefix = prefix_of_last(start + data if start else data, newline)
            batches, rest = cut_events(data, start, prefix)
        except NeedsLines:
            return self._parse_lines(start + data)
        if batches[-1][0] is not prefix.fields:
            prefix = Prefix.of(batches[-1][0], newline)
        if prefix is not self._expected:
            self._expect(prefix)
        if rest:
            return batches + self._keep_partial_event(rest)
        self._between_events, self._in_first_line = True, False
        return batches

    def _keep_partial_event(self, start: bytes) -> list[Batch]:
        """Keep the start of an event as it came; parse it by lines if there is more in it."""
        in_data = 10 not in start or (start[:7] == b"event: " and start.count(b"\n") == 1)
        if not in_data or 13 in start or len(start) > self._budget:
            return self._parse_lines(start)
        self._between_events, self._in_first_line = False, False
        self._partial_event = start
        return []

    # The line parser.

    def _parse_lines(self, data: bytes) -> list[Batch]:
        batches: list[Batch] = []
        if self._bom is not None:
            data = self._without_bom(data, self._bom)
        for start in range(0, len(data), _LINES_WINDOW):
            self._parse_window(data[start : start + _LINES_WINDOW], batches)
            if self.too_large:
                break
        # A last event ID keeps to the line parser: events have it, and blank lines commit it.
        fresh = (
            self._bom is None
            and self._retry is None
            and not (self._after_cr or self._values)
            and not (self._id or self.last_event_id or self.too_large or self._outside)
        )
        self._between_events = fresh and not self._line_size and not self._type
        self._in_first_line = fresh and self._line_size > 0 and not self._type
        return batches

    def _without_bom(self, data: bytes, held: bytes) -> bytes:
        # 9.2.5: one leading BOM is not part of the stream, however the reads divide it.
        data = held + data
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._bom = data
            return b""
        self._bom = None
        return data.removeprefix(_BOM)

    def _parse_window(self, data: bytes, batches: list[Batch]) -> None:
        if self._after_cr and data:
            self._after_cr = False
            data = data.removeprefix(b"\n")
        if 13 in data:
            self._after_cr = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = data.split(b"\n")
        unfinished = lines.pop()
        # Mostly all of it fits, and no line need be measured.
        fits = self._line_size + len(data) <= self._budget
        if lines and self._line_size:
            if not fits and self._exceeds_limit(self._line_size + len(lines[0])):
                return
            lines[0] = self._take_line(lines[0])
        values: list[bytes] = []  # of the data lines in this read that are not yet dispatched
        for line in lines:
            if not fits and self._exceeds_limit(len(line)):
                return
            if line[:6] == b"data: ":
                values.append(line[6:])
                self._budget -= len(line) - 5
            elif line:
                self._process_field(line, values, batches)
            else:
                self._dispatch(values, batches)
        if values:
            self._values.append(b"\n".join(values))
        if unfinished:
            self._keep(unfinished)

    def _keep(self, piece: bytes) -> None:
        """Keep a piece of the unfinished line, if the limit allows."""
        size = self._line_size + len(piece)
        if self._exceeds_limit(size):
            return
        if len(self._pieces) == _PENDING_PIECES:
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

    def _exceeds_limit(self, line_size: int) -> bool:
        if line_size <= self._budget:
            return False
        self.too_large = True
        self._line_size = 0  # it does not go on
        return True

    def _process_field(self, line: bytes, values: list[bytes], batches: list[Batch]) -> None:
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
            self._budget -= len(value) + 1
        elif name == b"event":
            self._budget -= _excess(value) - _excess(self._type)
            self._type = value
        elif name == b"id":
            if b"\0" not in value:
                self._budget -= _excess(value) - _excess(self._id)
                self._id = value
        elif name == b"retry":
            # bytes.isdigit() knows ASCII digits only, as the clause has it.
            if value.isdigit() and len(value) < 64 and int(value) <= LARGEST_RETRY:
                self._retry = self.reconnection_time = int(value)
        elif not name:
            # A line that begins with a colon. (Only a comment has an empty name: no line is empty.)
            if self._keeps_comments:
                batches.append((IGNORED, [b":" + value]))
        elif self._outside_budget > 0:
            # 9.2.6 ignores the line. It may be the words of a server that failed.
            self._outside.append(line[: self._outside_budget])
            self._outside_budget -= len(line) + 1

    def _dispatch(self, values: list[bytes], batches: list[Batch]) -> None:
        # 9.2.6, dispatch the event. The id is committed even where there is no event to fire.
        self.last_event_id = self._id
        if values or self._values:
            data = b"\n".join(values)
            if self._values:
                if values:
                    self._values.append(data)
                data = self._values.take()
            values.clear()
            follows = self._take_outside(batches)
            add_event(batches, (self._type, self._id, self._retry), data)
            if follows:
                batches.append((IGNORED, [b"\n"]))
        self._type = b""
        self._retry = None
        self._budget = self.limit - _excess(self._id)

    def _take_outside(self, batches: list[Batch]) -> bool:
        """Add the lines outside of events to the batches; return whether there were any."""
        outside, self._outside = self._outside, []
        if outside:
            batches.append((IGNORED, [b"\n" + b"\n".join(outside)]))
            self._outside_budget = _OUTSIDE_SIZE
        return bool(outside)


def _excess(value: bytes) -> int:
    return max(0, len(value) - _UNCOUNTED)


def make_scanner(
    last_event_id: str, max_event_size: int | None, *, comments: bool, outside: bool = False
) -> EventScanner:
    """Check the options of a decoder, and return its scanner.

    `comments` and `outside` are whether it returns batches of those too.
    """
    refuse("last_event_id", last_event_id, "\r\n\0")
    if max_event_size is not None and max_event_size < 1:
        raise ValueError(f"max_event_size is at least 1 byte, or None, not {max_event_size}")
    encoded = join_surrogates(last_event_id).encode()
    return EventScanner(encoded, max_event_size, comments=comments, outside=outside)
