# Bytes to events, by WHATWG HTML 9.2.5 (parsing) and 9.2.6 (interpreting an event stream).
# https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
#
# How it works: `scan` returns batches, the fields and the data of events that follow one another.
# - Where nothing but the start of an event is unfinished, a read goes to the fast path, which takes
#   whole one-line events (`_fast_path`).
# - Anything else goes to `_parse_lines`. It is the standard written out, and right for any bytes.
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
from ssekit._event import LARGEST_RETRY, EventFields, as_text, refuse
from ssekit._fast_path import Batch, FastPath, NeedsLines
from ssekit._fragments import MERGE_AT, Fragments
from ssekit._json import join_surrogates

__all__ = ["DEFAULT_MAX_EVENT_SIZE", "IGNORED", "EventScanner", "make_scanner"]

# An image in base64 is a legitimate event of tens of MiB. Smaller defaults were reported as bugs of
# peers (1 MiB in httpx2, 8 MiB in openai-node, 64 KiB in Go's bufio), and no limit as a weakness.
DEFAULT_MAX_EVENT_SIZE = 64 * 2**20

# The fields of batches that are no events: a comment, which begins with ":", or the lines since the
# event before that are no field, joined, which begin with LF. (LF alone: an event has followed.)
IGNORED: Final[EventFields] = ("\n", "", None)  # no event has such a type
# How much of such lines is kept (bytes).
_OUTSIDE_SIZE = 64 * 2**10

_BOM = b"\xef\xbb\xbf"

# Longer reads are taken in windows of this size (bytes), and what goes by lines in smaller ones: a
# million short lines in one read must not become a million objects.
_WINDOW = 64 * 2**10
_LINES_WINDOW = 16 * 2**10
# An event type or an id counts against the limit with what is longer than this (bytes).
_UNCOUNTED = 64 * 2**10


class EventScanner(FastPath):
    """The state of the standard's parser: `scan` takes bytes, `finish` their end.

    Attributes:
        limit: How many bytes an event may have.
        last_event_id: The last event ID string (9.2.6), in bytes.
        reconnection_time: The value of the last valid retry field, in milliseconds, or None.
        too_large: The limit was met. Nothing more is scanned until `restart`.
    """

    __slots__ = (
        *("_after_cr", "_at_event", "_between_events", "_bom", "_budget", "_id"),
        *("_keeps_outside", "_outside", "_outside_budget", "_retry", "_size", "_type"),
        *("_unfinished", "_values", "_window", "limit", "reconnection_time", "too_large"),
    )

    def __init__(
        self,
        last_event_id: bytes = b"",
        max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE,
        *,
        comments: bool = False,
        outside: bool = False,
    ) -> None:
        super().__init__(last_event_id, comments)
        self.reconnection_time: int | None = None
        self.limit = sys.maxsize if max_event_size is None else max_event_size
        # What is whole in a window is within the limit, and need not be measured.
        self._window = min(_WINDOW, self.limit)
        self._keeps_outside = outside
        self.restart()

    def restart(self) -> None:
        """Begin another stream; the last event ID and the reconnection time stay (9.2.3)."""
        self.too_large = False
        # Whether nothing is unfinished but the start of an event; whether not even that is.
        self._at_event = True
        self._between_events = False
        # The bytes so far that may become a byte order mark; None once that is decided.
        self._bom: bytes | None = b""
        # Whether the latest byte was a CR: an LF that follows is part of that line end.
        self._after_cr = False
        # The unfinished line, or the start of an event, as it came; its size.
        self._unfinished = Fragments(b"".join)
        self._size = 0
        # The data buffer without its last LF, once a read ends in an event's data; the event type
        # buffer; the last event ID buffer.
        self._values: Fragments[bytes] | None = None
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
        if size > self._window:
            starts = range(0, size, self._window)
            windows = (data[start : start + self._window] for start in starts)
            return chain.from_iterable(map(self.scan, windows))
        if self._between_events:
            # A read that is one event: like the one before (0.4 us here, 2 us by `_scan_events`),
            # or of a type that came before (1 us). A list would take 20 ns more than a tuple, and
            # `b"\n" in data` 100 ns more than `10 in data`, which asks for the same.
            payload = data.removeprefix(self._expected).removesuffix(b"\n\n")
            if len(payload) == size - self._frame and 10 not in payload and 13 not in payload:
                return ((self._fields, (payload,)),)
            head, _, value = data.partition(b"data: ")
            payload = value.removesuffix(b"\n\n")
            if len(payload) == len(value):
                payload = value.removesuffix(b"\r\n\r\n")
            fields = self._known.get(head) or self._learn(head)
            if fields and len(payload) < len(value) and 10 not in payload and 13 not in payload:
                self._expect(fields, head)
                return ((fields, (payload,)),)
            return self._scan_events(data)
        if self.too_large:
            return ()
        if self._bom is not None:
            data = self._without_bom(data, self._bom)
            return self.scan(data) if data else ()
        if self._size:
            if 10 not in data and 13 not in data and self._fits(len(data)):
                pending = self._unfinished.pending  # to append here saves 0.1 us a byte
                pending.append(data)
                if len(pending) == MERGE_AT:
                    self._unfinished.compact()
                self._size += size
                return ()
            if self._at_event:
                data = self._take_unfinished(data)
        if self._at_event and len(data) <= self._budget:
            return self._scan_events(data)
        return self._parse_lines(data)

    def _fits(self, size: int) -> bool:
        """Whether more bytes without a line end are kept as they came."""
        # The start of an event is copied once more: a long one goes to the line parser.
        most = min(self._budget, _WINDOW) if self._at_event else self._budget
        return self._size + size <= most

    def error(self) -> EventTooLargeError:
        """Return the error for an event that met the limit."""
        return EventTooLargeError(self.limit)

    def finish(self, *, dispatch_incomplete: bool = False) -> list[Batch]:
        """Take the end of the bytes, and be ready for the next stream.

        9.2.6 discards an event that no blank line ended; `dispatch_incomplete` returns it.
        """
        batches: list[Batch] = []
        if dispatch_incomplete:
            if self._size:
                batches = self._parse_lines(self._take_unfinished(b"\n"))
            self._dispatch([], batches)
            self._take_outside(batches)
        self.restart()
        return batches

    # Whole events, by the fast path.

    def _scan_events(self, data: bytes) -> list[Batch]:
        """Scan bytes that begin with an event: whole one-line events here, all else by lines."""
        text = data
        if 13 in data:
            text = b"\n".join(data.split(b"\r\n"))  # half the time of `replace`
            if 13 in text:
                return self._parse_lines(data)
        batches: list[Batch] = []
        try:
            rest = self._cut(text, batches)
        except NeedsLines:
            return self._parse_lines(data)
        self._between_events = not rest
        return batches + self._keep_start(rest) if rest else batches

    def _keep_start(self, start: bytes) -> list[Batch]:
        """Keep the start of an event as it came; parse it by lines if there is more in it."""
        lines = start.count(b"\n")
        one_line = not lines or (lines == 1 and start.startswith(b"event:"))
        if not one_line or not self._fits(len(start)):
            return self._parse_lines(start)
        self._between_events = False
        self._unfinished.append(start)
        self._size = len(start)
        return []

    # The line parser.

    def _parse_lines(self, data: bytes) -> list[Batch]:
        batches: list[Batch] = []
        for start in range(0, len(data), _LINES_WINDOW):
            self._parse_window(data[start : start + _LINES_WINDOW], batches)
            if self.too_large:
                break
        kept = self._type or self._values or self._outside or self._retry is not None
        pending = self._after_cr or self._id != self.last_event_id or self.too_large
        # (A long line stays with the line parser.)
        self._at_event = not kept and not pending and self._size <= _LINES_WINDOW
        self._between_events = self._at_event and not self._size
        return batches

    def _without_bom(self, data: bytes, held: bytes) -> bytes:
        # 9.2.5: one leading BOM is not part of the stream, however the reads divide it.
        data = held + data
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._bom = data
            return b""
        self._bom = None
        self._between_events = True
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
        fits = self._size + len(data) <= self._budget
        if lines and self._size:
            if not fits and self._exceeds_limit(self._size + len(lines[0])):
                return
            lines[0] = self._take_unfinished(lines[0])
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
            self._values = self._values or Fragments(b"\n".join)
            self._values.append(b"\n".join(values))
        if unfinished and not self._exceeds_limit(self._size + len(unfinished)):
            self._unfinished.append(unfinished)
            self._size += len(unfinished)

    def _take_unfinished(self, rest: bytes) -> bytes:
        """Return what is unfinished with the rest of it, and keep nothing of it."""
        self._size = 0
        self._unfinished.append(rest)
        return self._unfinished.take()

    def _exceeds_limit(self, line_size: int) -> bool:
        if line_size <= self._budget:
            return False
        self.too_large = True
        self._size = 0  # it does not go on
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
        if self._id != self.last_event_id:
            self.last_event_id = self._id
            self._forget_fields()
        if values or self._values:
            data = b"\n".join(values)
            if self._values:
                if values:
                    self._values.append(data)
                data = self._values.take()
            values.clear()
            follows = self._take_outside(batches)
            fields = (as_text(self._type) or "message", as_text(self._id), self._retry)
            # (A batch for each event took 200 bytes an event.)
            if batches and batches[-1][0] == fields and isinstance(batches[-1][1], list):
                batches[-1][1].append(data)
            else:
                batches.append((fields, [data]))
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
    if last_event_id:
        refuse("last_event_id", last_event_id, "\r\n\0")
        last_event_id = join_surrogates(last_event_id)
    if max_event_size is not None and max_event_size < 1:
        raise ValueError(f"max_event_size is at least 1 byte, or None, not {max_event_size}")
    return EventScanner(last_event_id.encode(), max_event_size, comments=comments, outside=outside)
