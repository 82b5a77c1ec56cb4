# The fast path of the wire: cuts bytes that are nothing but whole one-line events (`data:` alone,
# or `event:` and `data:`) with a few C calls for all of them.
#
# How it works: most events of a stream begin with the same bytes, the `Prefix`. The bytes are split
# at each blank line that such a prefix follows. If no line end is left within the pieces, each was
# the value of one line, with a blank line behind it. Only pieces that hold one are cut further.
#
# What always holds here:
# - What is cut is proven: each piece was one line, then a blank one. Anything else raises
#   `NeedsLines`, and goes to the line parser, which is the standard (`_scanner`).
# - Nothing is kept from one read to the next but the prefix.

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Final, TypeAlias

__all__ = [
    "DATA_ALONE",
    "NO_FIELDS",
    "Batch",
    "EventFields",
    "NeedsLines",
    "Prefix",
    "add_event",
    "cut_events",
    "prefix_of_last",
]

# An event's type (b"" means message), last event ID and retry.
EventFields: TypeAlias = tuple[bytes, bytes, int | None]
# The data of events that follow one another and have the same fields. Nearly all reads are one.
Batch: TypeAlias = tuple[EventFields, Sequence[bytes]]

NO_FIELDS: Final[EventFields] = (b"", b"", None)


class NeedsLines(Exception):
    """Something else than whole one-line events is in the bytes, or no event is whole."""


class Prefix:
    """The bytes in front of the data of an event that has certain fields."""

    __slots__ = ("blank", "data", "fields", "newline", "separator")

    def __init__(self, fields: EventFields, data: bytes, newline: bytes) -> None:
        self.fields = fields
        self.data = data
        self.newline = newline
        self.blank = newline * 2
        self.separator = self.blank + data

    @classmethod
    def of(cls, fields: EventFields, newline: bytes) -> Prefix:
        type_line = b"event: " + fields[0] + newline if fields[0] else b""
        return cls(fields, type_line + b"data: ", newline)


# The prefix of most streams: "data: " alone, with LF.
DATA_ALONE: Final = Prefix(NO_FIELDS, b"data: ", b"\n")


def _fields_at(data: bytes, start: int, newline: bytes) -> tuple[EventFields, int]:
    """Return the fields of the one-line event that begins at `start`, and where its data begins."""
    if data[start : start + 5] == b"data:":
        return NO_FIELDS, start + (6 if data[start + 5 : start + 6] == b" " else 5)
    end = data.find(newline, start)
    if end < 0:  # a type alone: nothing comes after it
        raise NeedsLines
    event_type, value = data[start + 7 : end], end + len(newline) + 6
    if (
        (data[start : start + 7] != b"event: " or data[value - 6 : value] != b"data: ")
        or (10 in event_type or 13 in event_type)  # other line ends, or the half of one
    ):
        raise NeedsLines
    return (event_type, b"", None), value


def prefix_of_last(data: bytes, newline: bytes) -> Prefix:
    """Return the prefix of the last whole event, which most others have, and the next will have."""
    blank = newline * 2
    end = data.rfind(blank)
    start = data.rfind(blank, 0, max(end, 0))
    event = data[start + len(blank) if start >= 0 else 0 : max(end, 0)]
    fields, size = _fields_at(event, 0, newline)
    return Prefix(fields, event[:size], newline)


def cut_events(data: bytes, start: bytes, prefix: Prefix) -> tuple[list[Batch], bytes]:
    """Cut whole one-line events, and return them with the start of one more.

    `start` is the beginning of the first event, which came before `data`. The data holds no CR
    where the line end is LF.

    Raises:
        NeedsLines: Anything else is in the bytes.
    """
    values = data.split(prefix.separator)
    values[0] = start + values[0]
    last, ended, rest = values.pop().rpartition(prefix.blank)
    if ended:
        values.append(last)
    elif values:
        rest = prefix.data + rest
    else:
        raise NeedsLines
    size = len(prefix.data)
    if prefix.data == b"data:" and any(
        map(bytes.startswith, (values[0][size:], *values[1:]), repeat(b" "))
    ):
        raise NeedsLines  # a space after the colon is no part of the value
    prefixed = values[0][:size] == prefix.data
    if prefixed:
        values[0] = values[0][size:]
        # The proof: what is left holds no line end, so each piece was one line and then a blank
        # one. (To join and search takes half the time of counting line ends.)
        joined = b"".join(values)
        if 10 not in joined and (prefix.newline == b"\n" or 13 not in joined):
            return [(prefix.fields, values)], rest
    return _cut_mixed(values, prefix, prefixed), rest


def _cut_mixed(values: list[bytes], prefix: Prefix, prefixed: bool) -> list[Batch]:
    """Cut events of other prefixes out of pieces that were split at one prefix.

    `prefixed` is whether the first piece has had the prefix, as the others have.
    """
    batches: list[Batch] = []
    start = 0
    if not prefixed:
        for fields, value in _cut_one_by_one(values[0], None, prefix.newline):
            add_event(batches, fields, value)
        start = 1
    for place, value in enumerate(values[start:], start):
        if 10 in value or 13 in value:
            if start < place:
                batches.append((prefix.fields, values[start:place]))
            for fields, each in _cut_one_by_one(value, prefix.fields, prefix.newline):
                add_event(batches, fields, each)
            start = place + 1
    if values[start:]:
        batches.append((prefix.fields, values[start:]))
    return batches


def add_event(batches: list[Batch], fields: EventFields, value: bytes) -> None:
    """Add an event to the batch that it continues. (A batch for each took 200 bytes an event.)"""
    latest, payloads = batches[-1] if batches else (None, None)
    if latest == fields and isinstance(payloads, list):
        payloads.append(value)
    else:
        batches.append((NO_FIELDS if fields == NO_FIELDS else fields, [value]))


def _cut_one_by_one(
    data: bytes, fields: EventFields | None, newline: bytes
) -> Iterator[tuple[EventFields, bytes]]:
    """Cut events, each by its own prefix. The blank line of the last has been cut off.

    `fields` are those of the first event, if its prefix has been cut off too.
    """
    blank, first = newline * 2, newline[:1]
    start = 0
    while True:
        if fields is None:
            fields, start = _fields_at(data, start, newline)
        # To look for one byte takes 0.05 ns for each that is passed, for two 0.7: the events that
        # end a stream may be long.
        end = data.find(first, start)
        value = data[start:end] if end >= 0 else data[start:]
        if 10 in value:  # where lines end in CRLF
            raise NeedsLines
        yield fields, value
        if end < 0:
            return
        if data[end : end + len(blank)] != blank:
            raise NeedsLines
        start, fields = end + len(blank), None
