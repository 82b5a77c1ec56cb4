# The plain road of the wire: bytes that are nothing but whole one-line events (`data:` alone, or
# `event:` and `data:`), cut by a few C calls for all of them.
#
# What always holds here:
# - What is cut is proven: each piece was one line, then a blank one. Anything else is `NotPlain`,
#   and is left to the line road, which is the standard (`_sse`).
# - Nothing is kept from one read to the next but how events open.

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from typing import Final, TypeAlias

__all__ = [
    "NO_FIELDS",
    "PLAIN",
    "Head",
    "NotPlain",
    "Opening",
    "Run",
    "add_event",
    "cut_plain",
    "last_opening",
]

# What an event has beside its data: type (b"" means message), last event ID, retry.
Head: TypeAlias = tuple[bytes, bytes, int | None]
# Events that follow one another and differ in their data alone: nearly all reads are one run.
Run: TypeAlias = tuple[Head, list[bytes]]

NO_FIELDS: Final[Head] = (b"", b"", None)


class NotPlain(Exception):
    """Not all of it is one-line events; or no event is whole."""


class Opening:
    """How events begin that have the same beside their data: with `prefix`, and then the data."""

    __slots__ = ("blank", "head", "newline", "prefix", "separator")

    def __init__(self, head: Head, prefix: bytes, newline: bytes) -> None:
        self.head = head
        self.prefix = prefix
        self.newline = newline
        self.blank = newline * 2
        self.separator = self.blank + prefix

    @classmethod
    def of(cls, head: Head, newline: bytes) -> Opening:
        type_line = b"event: " + head[0] + newline if head[0] else b""
        return cls(head, type_line + b"data: ", newline)


# How most streams go: "data: " and nothing beside, with LF.
PLAIN: Final = Opening(NO_FIELDS, b"data: ", b"\n")


def _head(data: bytes, start: int, newline: bytes) -> tuple[Head, int]:
    """Return what a plain event that begins at `start` has beside its data, and where that is."""
    if data[start : start + 5] == b"data:":
        return NO_FIELDS, start + (6 if data[start + 5 : start + 6] == b" " else 5)
    end = data.find(newline, start)
    if end < 0:  # a type alone: nothing comes after it
        raise NotPlain
    event_type, value = data[start + 7 : end], end + len(newline) + 6
    if (
        (data[start : start + 7] != b"event: " or data[value - 6 : value] != b"data: ")
        or (10 in event_type or 13 in event_type)  # other line ends, or the half of one
    ):
        raise NotPlain
    return (event_type, b"", None), value


def last_opening(data: bytes, newline: bytes) -> Opening:
    """Return how the last whole event opens: how most others do, and the next will."""
    blank = newline * 2
    end = data.rfind(blank)
    start = data.rfind(blank, 0, max(end, 0))
    event = data[start + len(blank) if start >= 0 else 0 : max(end, 0)]
    head, size = _head(event, 0, newline)
    return Opening(head, event[:size], newline)


def cut_plain(data: bytes, start: bytes, opening: Opening) -> tuple[list[Run], bytes]:
    """Cut bytes, which begin after `start`, into one-line events, and the start of one more.

    There is no CR where the line end is LF.
    """
    values = data.split(opening.separator)
    values[0] = start + values[0]
    last, ended, rest = values.pop().rpartition(opening.blank)
    if ended:
        values.append(last)
    elif values:
        rest = opening.prefix + rest
    else:
        raise NotPlain
    size = len(opening.prefix)
    if opening.prefix == b"data:" and any(
        map(bytes.startswith, (values[0][size:], *values[1:]), repeat(b" "))
    ):
        raise NotPlain  # a space after the colon is no part of the value
    opened = values[0][:size] == opening.prefix
    if opened:
        values[0] = values[0][size:]
        # The proof: what is left holds no line end, so each piece was one line and then a blank
        # one. (To join and search takes half the time of counting line ends.)
        joined = b"".join(values)
        if 10 not in joined and (opening.newline == b"\n" or 13 not in joined):
            return [(opening.head, values)], rest
    return _mixed(values, opening, opened), rest


def _mixed(values: list[bytes], opening: Opening, opened: bool) -> list[Run]:
    """Cut what opens otherwise out of values that were cut at one opening.

    `opened` says whether the first one has been cut from its own, as the others have.
    """
    runs: list[Run] = []
    start = 0
    if not opened:
        for head, value in _each(values[0], None, opening.newline):
            add_event(runs, head, value)
        start = 1
    for place, value in enumerate(values[start:], start):
        if 10 in value or 13 in value:
            if start < place:
                runs.append((opening.head, values[start:place]))
            for head, each in _each(value, opening.head, opening.newline):
                add_event(runs, head, each)
            start = place + 1
    if values[start:]:
        runs.append((opening.head, values[start:]))
    return runs


def add_event(runs: list[Run], head: Head, value: bytes) -> None:
    """Add an event to the run that it continues. (A run for each took 200 bytes an event.)"""
    if runs and runs[-1][0] == head:
        runs[-1][1].append(value)
    else:
        runs.append((NO_FIELDS if head == NO_FIELDS else head, [value]))


def _each(data: bytes, head: Head | None, newline: bytes) -> Iterator[tuple[Head, bytes]]:
    """Cut events, each however it opens. (Of the last, the blank line has been cut off.)

    `head` is what the first has beside its data, if it has been cut from how it opens.
    """
    blank, first = newline * 2, newline[:1]
    start = 0
    while True:
        if head is None:
            head, start = _head(data, start, newline)
        # To look for one byte takes 0.05 ns for each that is passed, for two 0.7: the events that
        # end a stream may be long.
        end = data.find(first, start)
        value = data[start:end] if end >= 0 else data[start:]
        if 10 in value:  # where lines end in CRLF
            raise NotPlain
        yield head, value
        if end < 0:
            return
        if data[end : end + len(blank)] != blank:
            raise NotPlain
        start, head = end + len(blank), None
