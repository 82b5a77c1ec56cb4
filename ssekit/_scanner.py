# Bytes to events, by WHATWG HTML 9.2.5 (parsing) and 9.2.6 (interpreting an event stream).
# https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
#
# How it works: nearly every event is one line of data, maybe behind a line with its type. Such
# *plain* events are recognized whole, by a few C calls, in three ways: a read that is one event
# (`scan`), many events of one type, and any others (`_cut`). All else (other events, a read with a
# lone CR, the bytes after a line outside of events) goes to the line parser (`_parse_lines` and
# below). The output is batches: the fields of events with their data; or `IGNORED` with bytes.
#
# What always holds here:
# - The division of the bytes into reads changes neither the events nor the point of an error.
# - An event is returned by the call that takes its last byte. A lone CR ends a line at once; an LF
#   that comes after it, in this read or the next, belongs to that same line end.
# - An event is plain only by proof: nothing of it was parsed before, it begins with its data or
#   with the line of its type, its data has no line end, and a blank line follows.
# - The bytes kept of an event never exceed the limit, which is checked before they are kept. A
#   type, an id and the lines outside of events may have 64 KiB more each.
#
# The figures are of recorded streams, whose event types alternate (`benchmarks.recorded`).

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final, TypeAlias

from ssekit._errors import EventTooLargeError
from ssekit._event import LARGEST_RETRY, NO_FIELDS, EventFields, as_text, refuse
from ssekit._fragments import Fragments
from ssekit._json import join_surrogates

__all__ = ["DEFAULT_MAX_EVENT_SIZE", "IGNORED", "Batch", "EventScanner"]

# The data of events that follow one another and have the same fields.
Batch: TypeAlias = tuple[EventFields, Sequence[bytes]]
_Batches: TypeAlias = list[tuple[EventFields, list[bytes]]]

# An image in base64 is a legitimate event of tens of MiB. Smaller defaults were reported as bugs of
# peers (1 MiB in httpx2, 8 MiB in openai-node, 64 KiB in Go's bufio), and no limit as a weakness.
DEFAULT_MAX_EVENT_SIZE = 64 * 2**20

# The fields of a batch of ignored bytes. A payload that begins with ":" is a comment; with one LF,
# all lines that 9.2.6 ignored since the last event; with two, only those behind data of an event.
IGNORED: Final[EventFields] = ("\n", "", None)  # no event has such a type
_OUTSIDE_SIZE = 64 * 2**10  # the bytes kept of such lines

_BOM = b"\xef\xbb\xbf"
# The head of a plain event, which is in front of its data: nothing, or the line of a type.
_HEAD = re.compile(rb"(?:event: ?([^\n]*)\n)?")

# Longer reads are scanned in windows of this size (bytes), and parsed by lines in smaller ones: a
# million short lines in one read must not become a million objects.
_WINDOW = 64 * 2**10
_LINES_WINDOW = 16 * 2**10
# A read of this size (bytes) may be a single event.
_SHORT = 4 * 2**10
# Of an event type or an id, only the bytes beyond this number count against the limit.
_UNCOUNTED = 64 * 2**10

# The fields of plain events without an id, by their heads. All streams share it: to make the fields
# of each type again took a third of the time of a short stream.
_known_fields: dict[bytes, EventFields] = {}
_MOST_KNOWN = 256
_LONGEST_KNOWN = 128  # bytes


class EventScanner:
    """The state of the standard's parser: `scan` takes bytes, `finish` their end.

    `comments` and `outside` turn on the batches of comments, and of lines outside of events.

    Attributes:
        limit: How many bytes an event may have.
        last_event_id: The last event ID string (9.2.6), in bytes.
        reconnection_time: The value of the last valid retry field, in milliseconds, or None.
        too_large: Whether an event exceeded the limit. Nothing more is scanned until `restart`.
    """

    def __init__(
        self,
        last_event_id: str = "",
        max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE,
        *,
        comments: bool = False,
        outside: bool = False,
    ) -> None:
        if last_event_id:
            refuse("last_event_id", last_event_id, "\r\n\0")
            last_event_id = join_surrogates(last_event_id)
        if max_event_size is not None and max_event_size < 1:
            raise ValueError(f"max_event_size is at least 1 byte, or None, not {max_event_size}")
        self.last_event_id = last_event_id.encode()
        self.reconnection_time: int | None = None
        self.limit = sys.maxsize if max_event_size is None else max_event_size
        # An event that is whole in a window is within the limit, and need not be measured.
        self._window = min(_WINDOW, self.limit)
        self._short = min(_SHORT, self.limit)
        self._keeps_comments = comments
        self._keeps_outside = outside
        self.restart()

    def restart(self) -> None:
        """Begin another stream; the last event ID and the reconnection time stay (9.2.3)."""
        self.too_large = False
        # The bytes so far that may become a byte order mark; None once that is decided.
        self._bom: bytes | None = b""
        # Whether the latest byte was a CR: an LF that follows is part of that line end.
        self._after_cr = False
        # The unfinished line and its length. If `_at_start` is true, nothing of the next event is
        # parsed: then these are all of its bytes, and the line of its type may be in front.
        self._unfinished = Fragments(b"".join)
        self._size = 0
        self._at_start = False
        # The data buffer (without its last LF), the event type buffer and the last event ID buffer.
        self._values: Fragments[bytes] | None = None
        self._type = b""
        self._id = self.last_event_id
        self._retry: int | None = None
        self._forget_fields()
        # The ignored lines since the latest event; those of them that are behind the data of an
        # unfinished one; and how many more bytes of them are kept.
        self._outside: list[bytes] = []
        self._behind: list[bytes] = []
        self._outside_budget = _OUTSIDE_SIZE if self._keeps_outside else 0
        # How long the unfinished line may become: the limit, less the other bytes of the event.
        self._budget = self.limit - _excess(self._id)

    def scan(self, data: bytes) -> Iterable[Batch]:
        """Return the events that the next bytes complete: use them up before the next call."""
        size = len(data)
        if self._at_start and not self._size and size <= self._short:
            # Most reads are one plain event: like the one before (0.3 us), or of another type
            # (0.5 us). `13 in data` looks for a CR: `b"\r" in data` first fails to convert it to an
            # integer, which takes 100 ns. The result is a tuple: a list takes 20 ns more.
            payload = data.removeprefix(self._opening).removesuffix(b"\n\n")
            if len(payload) == size - self._frame:
                if 10 not in payload and 13 not in payload:
                    return ((self._fields, (payload,)),)
                return self._scan_events(data)  # not one plain event
            head, _, value = data.partition(b"data: ")
            fields = self._known.get(head)
            if fields is not None:
                payload, _, blank = value.partition(b"\n")
                if 13 in payload:
                    payload = payload.removesuffix(b"\r")
                if (blank == b"\n" or blank == b"\r\n") and 13 not in payload:
                    self._expect(fields, head)
                    return ((fields, (payload,)),)
            return self._scan_events(data)
        if size > self._window:
            starts = range(0, size, self._window)
            windows = (data[start : start + self._window] for start in starts)
            return chain.from_iterable(map(self.scan, windows))
        if self.too_large:
            return ()
        if self._bom is not None:
            data = self._without_bom(data, self._bom)
            return self.scan(data) if data else ()
        if self._size and 10 not in data and 13 not in data:  # a piece of a line
            kept = self._size + size
            if kept <= (self._window if self._at_start else self._budget):
                self._unfinished.append(data)
                self._size = kept
                return ()
        if self._at_start:
            data = self._take_unfinished(data)
            if len(data) <= self.limit:
                return self._scan_events(data)
        return self._parse_lines(data, [])

    def _forget_fields(self) -> None:
        """Forget the fields of plain events: an older last event ID is in them."""
        self._known = {} if self._id else _known_fields
        self._expect(("message", as_text(self._id), None) if self._id else NO_FIELDS, b"")

    def _expect(self, fields: EventFields, head: bytes) -> None:
        """Expect that the next event has this head, and so these fields."""
        self._fields = fields
        self._opening = head + b"data: "
        self._frame = len(head) + 8  # with the blank line

    def error(self) -> EventTooLargeError:
        """Return the error for an event that exceeded the limit."""
        return EventTooLargeError(self.limit)

    def finish(self, *, dispatch_incomplete: bool = False) -> _Batches:
        """Take the end of the bytes, and be ready for the next stream.

        9.2.6 discards an event that no blank line ended; `dispatch_incomplete` returns it.
        """
        batches: _Batches = []
        if dispatch_incomplete:
            if self._size:
                self._parse_lines(self._take_unfinished(b"\n"), batches)
            self._dispatch([], batches)
            self._take_outside(batches)
        self.restart()
        return batches

    # Whole events.

    def _scan_events(self, data: bytes) -> _Batches:
        """Scan bytes that begin with an event, and keep the start of an unfinished one."""
        text = data
        if 13 in data:
            text = b"\n".join(data.split(b"\r\n"))  # half the time of `replace`
            if 13 in text:
                return self._parse_lines(data, [])
        block, blank, rest = text.rpartition(b"\n\n")
        batches: _Batches = []
        if blank:
            self._cut(block, batches)
        if rest:
            # The start of an event is kept as it came if its only whole line is that of a type.
            lines = rest.count(b"\n")
            short = not lines or (lines == 1 and rest.startswith(b"event:"))
            if self._at_start and short and len(rest) <= self._window:
                self._unfinished.append(rest)
                self._size = len(rest)
            else:
                self._parse_lines(rest, batches)
        return batches

    def _cut(self, block: bytes, batches: _Batches) -> None:
        """Cut the events of a block. The last event comes without its blank line."""
        # (Without "data: " in the block, no value begins with the space that 9.2.6 drops.)
        name = b"data: " if b"data: " in block else b"data:"
        head, found, rest = block.partition(name)
        fields = self._known.get(head)
        if fields is not None and found:
            # If all events have this head, to split at it leaves the data of each. (To join and
            # search takes half the time of counting line ends.)
            alike = rest.split(b"\n\n" + head + name)
            if 10 not in b"".join(alike):
                batches.append((fields, alike))
                return
        known = self._known
        latest: EventFields | None = None
        payloads: list[bytes] = []
        events = iter(block.split(b"\n\n"))
        for event in events:
            head, found, payload = event.partition(name)
            fields = known.get(head) or self._learn(head)
            if fields is None or not found or 10 in payload:
                self._parse_lines(event + b"\n\n", batches)
                # Only an event begins a fast path: not lines that wait, nor one that was too large.
                if not self._at_start:
                    self._parse_lines(b"".join(event + b"\n\n" for event in events), batches)
                known = self._known
                latest, payloads = batches[-1] if batches else (None, [])
            elif fields is latest or fields == latest:
                payloads.append(payload)
            else:
                latest, payloads = fields, [payload]
                batches.append((fields, payloads))

    def _learn(self, head: bytes) -> EventFields | None:
        """Return the fields of plain events with this head; None if no plain event has it."""
        line = _HEAD.fullmatch(head)
        if line is None:
            return None
        fields = (as_text(line[1] or b"") or "message", as_text(self._id), None)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        if len(head) <= _LONGEST_KNOWN:  # (`scan` looks for the head as it came)
            self._known[head] = self._known[head.replace(b"\n", b"\r\n")] = fields
        return fields

    # The line parser.

    def _parse_lines(self, data: bytes, batches: _Batches) -> _Batches:
        """Parse any bytes, add their events to the batches, and return the batches."""
        for start in range(0, len(data), _LINES_WINDOW):
            if not self.too_large:
                self._parse_window(data[start : start + _LINES_WINDOW], batches)
        # Whether nothing of the next event is parsed, and the bytes kept of it fit a window.
        self._at_start = (
            self._budget == self.limit
            and self._size <= self._window
            and self._retry is None
            and self._id == self.last_event_id
            and not (self._after_cr or self._values or self._type or self._outside)
            and not self.too_large
        )
        return batches

    def _without_bom(self, data: bytes, held: bytes) -> bytes:
        # 9.2.5: one leading BOM is not part of the stream, however the reads divide it.
        data = held + data
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._bom = data
            return b""
        self._bom = None
        self._at_start = self._budget == self.limit
        return data.removeprefix(_BOM)

    def _parse_window(self, data: bytes, batches: _Batches) -> None:
        if self._after_cr and data:
            self._after_cr = False
            data = data.removeprefix(b"\n")
        if 13 in data:
            self._after_cr = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = data.split(b"\n")
        unfinished = lines.pop()
        # If all of it fits, as nearly always, no line need be measured.
        fits = self._size + len(data) <= self._budget
        if lines and self._size:
            if not fits and self._refuse_beyond_limit(self._size + len(lines[0])):
                return
            lines[0] = self._take_unfinished(lines[0])
        values: list[bytes] = []  # of the data lines in this read that are not yet dispatched
        for line in lines:
            if not fits and self._refuse_beyond_limit(len(line)):
                return
            if line[:6] == b"data: ":
                values.append(line[6:])
                self._budget -= len(line) - 5  # the value and an LF
            elif line:
                self._process_field(line, values, batches)
            else:
                self._dispatch(values, batches)
        if values:
            self._values = self._values or Fragments(b"\n".join)
            self._values.append(b"\n".join(values))
        if unfinished:
            self._keep(unfinished)

    def _keep(self, piece: bytes) -> None:
        """Keep a piece of the unfinished line, if the limit allows."""
        size = self._size + len(piece)
        if not self._refuse_beyond_limit(size):
            self._unfinished.append(piece)
            self._size = size

    def _take_unfinished(self, rest: bytes) -> bytes:
        """Return the bytes kept of the unfinished line, and the rest of it; keep none."""
        if not self._size:
            return rest
        self._unfinished.append(rest)
        self._size = 0
        return self._unfinished.take()

    def _refuse_beyond_limit(self, size: int) -> bool:
        """If a line of this size exceeds the limit, give it up, and return True."""
        if size <= self._budget:
            return False
        self.too_large = True
        self._size = 0
        return True

    def _process_field(self, line: bytes, values: list[bytes], batches: _Batches) -> None:
        # 9.2.6, process the field: the name ends at the first colon, and one space is dropped after
        # it. The value is cut out once: the bound of memory is two copies of a line at the limit.
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
            # A comment: a line that begins with a colon. (No line here is empty.)
            if self._keeps_comments:
                batches.append((IGNORED, [b":" + value]))
        elif self._outside_budget > 0:
            # 9.2.6 ignores the line. It may have the error of a server that failed.
            outside = self._behind if values or self._values else self._outside
            outside.append(line[: self._outside_budget])
            self._outside_budget -= len(line) + 1

    def _dispatch(self, values: list[bytes], batches: _Batches) -> None:
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
            self._take_outside(batches)
            fields = (as_text(self._type) or "message", as_text(self._id), self._retry)
            if batches and batches[-1][0] == fields:  # (a batch of its own takes 200 bytes)
                batches[-1][1].append(data)
            else:
                batches.append((fields, [data]))
        self._type = b""
        self._retry = None
        self._budget = self.limit - _excess(self._id)

    def _take_outside(self, batches: _Batches) -> None:
        """Add the lines outside of events to the batches."""
        # Lines behind the data of an event are in a payload of their own, and stay for the next.
        outside, self._outside, self._behind = self._outside + self._behind, self._behind, []
        if outside:
            groups = enumerate((outside, self._outside), 1)
            payloads = [b"\n" * marks + b"\n".join(lines) for marks, lines in groups if lines]
            batches.append((IGNORED, payloads))
            self._outside_budget = _OUTSIDE_SIZE - sum(map(len, self._outside))


def _excess(value: bytes) -> int:
    return max(0, len(value) - _UNCOUNTED)
