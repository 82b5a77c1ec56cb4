# Dialects, and the script that writes the events of one stream in one of them.

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from functools import cached_property
from itertools import cycle
from typing import Any, ClassVar, Final, Literal, NamedTuple, TypeAlias

from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument
from hypothesis.strategies import DrawFn

from ssekit.testing._answers import Additions, FormatName, Json
from ssekit.testing._drawing import Quirks, bytes_of
from ssekit.testing._models import ModelEvent, ModelStream

__all__ = [
    "TYPED_QUIRKS",
    "WIRE_QUIRKS",
    "Dialect",
    "Dialects",
    "Script",
    "find_quirks",
    "keep_one",
]

# Dialects.

# A host, some quirks, or "any": other quirks in each stream.
Dialect: TypeAlias = str | Collection[str]
_ANY: Final = "any"


class Dialects(NamedTuple):
    """The dialects of one format. `dialect=` takes a host, any collection of quirks, or "any".

    With "any", each stream has a few quirks of its own.

    Attributes:
        hosts: The quirks of each host. The vendor itself has none.
        quirks: The meaning of each quirk.
    """

    hosts: Mapping[str, frozenset[str]]
    quirks: Mapping[str, str]


# The quirks that every format has, and those of the formats whose events have types.
WIRE_QUIRKS: Final[dict[str, str]] = {
    "comments": "comments keep the connection alive, between any two events",
    "bare ids": "there are blocks of only an id and a retry, which dispatch nothing",
    "unknown fields": "objects have fields that no documentation names",
    "blank events": "data that is empty or null comes between any two events (wave-agent#1326)",
}
TYPED_QUIRKS: Final[dict[str, str]] = WIRE_QUIRKS | {
    "no event lines": "the type of an event is only in its data",
    "no types": "the type of an event is only in its event line",
    "unknown events": "there are events of a type that no documentation names",
    "marker": "[DONE] comes after the end",
}
# The forms of the marker in the dialects with "other markers".
_MARKER_FORMS: Final = ("[DONE] ", '"[DONE]"', "DONE", "[done]")


def keep_one(quirks: frozenset[str], group: Sequence[str], others: Set[str]) -> frozenset[str]:
    """Return the quirks with one of a group at most; and if there is one, without the others."""
    chosen = [quirk for quirk in group if quirk in quirks]
    return quirks - set(chosen[1:]) - others if chosen else quirks


def find_quirks(dialect: Dialect, dialects: Dialects) -> Quirks:
    """Return a strategy of the quirks that a dialect turns on.

    Raises:
        InvalidArgument: There is no such host, or no such quirk.
    """
    hosts, quirks = dialects
    if dialect == _ANY:
        return st.frozensets(st.sampled_from(sorted(quirks)), max_size=4)
    if isinstance(dialect, str):
        if dialect not in hosts:
            raise InvalidArgument(f"dialect={dialect!r} is none of {sorted([*hosts, _ANY])}")
        return st.just(hosts[dialect])
    if not set(dialect) <= set(quirks):
        unknown = sorted(set(dialect) - set(quirks))
        raise InvalidArgument(f"dialect has {unknown}, which are none of {sorted(quirks)}")
    return st.just(frozenset(dialect))


# Writing events.


class _Framing(NamedTuple):
    """How the events of one stream are written."""

    newline: str
    space: str
    encoder: json.JSONEncoder

    def block(self, *lines: tuple[str, str]) -> bytes:
        written = [f"{name}:{self.space}{value}{self.newline}" for name, value in lines]
        return "".join([*written, self.newline]).encode()

    def json(self, body: Any) -> str:
        text = self.encoder.encode(body)
        try:
            text.encode()
        except UnicodeEncodeError:  # half a surrogate pair, which only an escape can write
            return json.dumps(body)
        return text


_FRAMINGS: Final = [
    _Framing(newline, space, json.JSONEncoder(ensure_ascii=escaped))
    for newline in ("\n", "\r\n", "\r")
    for space in (" ", "")
    for escaped in (True, False)
]


class Script:
    """The events of one stream, while it is drawn.

    Attributes:
        noises: Blocks that may come between any two events, and add nothing to the answer.
        type_field: The field that has the type of an event.
    """

    type_field: ClassVar = "type"

    def __init__(self, draw: DrawFn, format: FormatName, quirks: frozenset[str]) -> None:
        self.draw = draw
        self.quirks = quirks
        self._format: FormatName = format
        self._events: list[ModelEvent] = []
        self._framing = draw(st.sampled_from(_FRAMINGS))
        self.noises: list[bytes] = []
        if "comments" in quirks:
            self.noises.append(self._framing.block(("", "keep-alive")))
        if "bare ids" in quirks:
            self.noises.append(self._framing.block(("id", "7"), ("retry", "1000")))
        if "blank events" in quirks:
            self.noises += [self.block(""), self.block("null")]

    @cached_property
    def _numbers(self) -> Iterator[int]:
        """Numbers, one for each event, that choose the noise before it."""
        return cycle(self.draw(bytes_of(64)))

    def block(self, body: Any, type: str = "") -> bytes:
        """Return the bytes of an event, whose data is JSON or a text."""
        data = body if isinstance(body, str) else self._framing.json(body)
        return self._framing.block(*([("event", type)] if type else []), ("data", data))

    def add_noise(self, type: str, **fields: Any) -> None:
        """Let events of a type that adds nothing come between the next events."""
        self.noises.append(self.block({self.type_field: type, **fields}, type))

    def send(
        self,
        body: Any,
        additions: Additions,
        *,
        type: str = "",
        ends: Literal["event", "marker"] | None = None,
    ) -> None:
        if self.noises:
            noise = [b"", *self.noises][next(self._numbers) % (len(self.noises) + 1)]
            self._events += [ModelEvent(noise)] if noise else []
        if "unknown fields" in self.quirks and isinstance(body, dict):
            body = {**body, "x_unknown": {"unknown": [1, None]}}
        self._events.append(ModelEvent(self.block(body, type), tuple(additions), ends))

    def send_typed(
        self, type: str, fields: Json, additions: Additions, *, end: bool = False
    ) -> None:
        """Send an event that has its type in its event line and in its data."""
        quirks = self.quirks
        body = fields if "no types" in quirks else {self.type_field: type, **fields}
        # With both quirks, the event line has the type.
        has_line = "no event lines" not in quirks or "no types" in quirks
        self.send(body, additions, type=type if has_line else "", ends="event" if end else None)

    def end(self, *, marker: bool | None = None) -> ModelStream:
        """Return the stream, after the marker if the dialect has one."""
        if {"marker", "other markers"} & self.quirks if marker is None else marker:
            words = _MARKER_FORMS if "other markers" in self.quirks else ["[DONE]"]
            self.send(self.draw(st.sampled_from(words)), [], ends="marker")
        return ModelStream(self._format, tuple(self._events))
