# Pieces that the accumulators of all formats are made of: texts, merging, copying.
#
# What always holds here:
# - An id, a name or an index comes from the wire. None is made up.
# - An index from the wire is a key, never a length: 1, then -1, then a million are three places.

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Any, TypeAlias, TypeVar

import msgspec
from msgspec.structs import replace

from ssekit._deltas import (
    Delta,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
)
from ssekit._fragments import Fragments
from ssekit._json import is_well_formed, join_surrogates, well_formed

__all__ = [
    "SurrogateJoiner",
    "Text",
    "Unknown",
    "deep_copy",
    "extend_lists",
    "merge",
    "merge_fields",
]

StructT = TypeVar("StructT", bound=msgspec.Struct)


class Unknown(dict[str, Any]):
    """An object of a type that ssekit does not know, as it came."""

    @property
    def type(self) -> str:
        """The vendor's word for this type, or ""."""
        word = self.get("type")
        return word if isinstance(word, str) else ""


class Text(Fragments[str]):
    """A text that comes in pieces; `str()` gives it whole and well-formed."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("".join)

    def __str__(self) -> str:
        return join_surrogates(self.join())


class SurrogateJoiner:
    """Holds back a trailing high surrogate of a delta until its pair arrives."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        # For each text, a delta of the high surrogate whose pair may come.
        self._held: dict[Hashable, _Piece] = {}

    def is_whole(self, piece: str) -> bool:
        """Whether a piece is not empty, and can be emitted as it came."""
        return not self._held and (piece.isascii() or is_well_formed(piece)) and piece != ""

    def join(self, delta: _Piece) -> _Piece | None:
        """Return the delta with whole pairs, or None if all of it is held back."""
        field = _text_field(delta)
        piece: str = getattr(delta, field)
        if not self._held and is_well_formed(piece):
            return delta
        text = (type(delta), delta.index, getattr(delta, "place", None))
        held = self._held.pop(text, None)
        if held is not None:
            piece = getattr(held, field) + piece
        if "\ud800" <= piece[-1:] <= "\udbff":
            self._held[text] = replace(delta, **{field: piece[-1]})
            piece = piece[:-1]
            if not piece:
                return None
        return replace(delta, **{field: join_surrogates(piece)})

    def join_all(self, deltas: Iterable[Delta]) -> Iterator[Delta]:
        """Yield deltas with whole pairs. Deltas without pieces of a text pass through."""
        for delta in deltas:
            joined = self.join(delta) if isinstance(delta, _Piece) else delta
            if joined is not None:
                yield joined

    def flush(self) -> Iterator[_Piece]:
        """Yield a delta for each high surrogate whose pair never came."""
        for delta in self._held.values():
            yield replace(delta, **{_text_field(delta): "\ufffd"})
        self._held.clear()


def _text_field(delta: _Piece) -> str:
    return "arguments" if isinstance(delta, ToolCallDelta) else "text"


_Piece: TypeAlias = TextDelta | ReasoningDelta | RefusalDelta | ToolCallDelta


def merge_fields(into: dict[str, Any], newer: dict[str, Any]) -> None:
    """Update a loosely typed object: a newer value wins if it is not null."""
    into.update((name, value) for name, value in newer.items() if value is not None)


def extend_lists(into: dict[str, list[Any]], newer: msgspec.Struct) -> None:
    """Extend lists by those of a struct, each under its name; None adds nothing."""
    for name in newer.__struct_fields__:
        items = getattr(newer, name)
        if items is not None:
            into.setdefault(name, []).extend(items)


def merge(known: StructT | None, latest: StructT) -> StructT:
    """Return `known` with the fields of `latest` that are not None."""
    if known is None:
        return latest
    fields = ((name, getattr(latest, name)) for name in latest.__struct_fields__)
    return replace(known, **{name: value for name, value in fields if value is not None})


def deep_copy(value: Any) -> Any:
    """Return a copy of a decoded value that shares nothing mutable, encodes and prints."""
    if isinstance(value, list):
        return [
            deep_copy(item) if isinstance(item, msgspec.Struct) else well_formed(item)
            for item in value
        ]
    if not isinstance(value, msgspec.Struct):
        return well_formed(value)
    fields = ((name, getattr(value, name)) for name in value.__struct_fields__)
    return replace(value, **{name: deep_copy(field) for name, field in fields})
