# Parts of an answer, such as blocks, steps and items: tool calls among them, and their table.
#
# What always holds here:
# - A whole call is emitted once, and after deltas that join to its arguments.
# - An index from the wire is a key, never a length: 1, then -1, then a million are three places.

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar

import msgspec

from ssekit._accumulator import are_whole
from ssekit._deltas import Delta, FinishReason, ToolCall, ToolCallDelta
from ssekit._json import JSONObject, is_json, parse_object
from ssekit._marker import is_blank
from ssekit._text import NO_TEXT, JSONText, Text, join_texts

__all__ = ["MAX_TRIED", "BasePartBuilder", "PartTable", "joined_texts", "take_arguments"]

PartT = TypeVar("PartT", bound="BasePartBuilder")


def take_arguments(holder: JSONObject, field: str, rest: str) -> None:
    """Replace arguments that are the JSON text of an object (as in other APIs) by the object.

    Any other text, and the JSON text of an array (GLM), moves to the field `rest`. Blank text is
    dropped.
    """
    text = holder.get(field)
    if isinstance(text, list) and text:
        text = json.dumps(text)
    if isinstance(text, str):
        holder[field] = parse_object(text)
        if holder[field] is None and not is_blank(text):
            holder[rest] = text


# A struct is made in a quarter of the time of a class, and the garbage collector passes over it.
class BasePartBuilder(msgspec.Struct, gc=False, eq=False, kw_only=True):
    """A part of an answer, with the deltas of a tool call, which some parts are.

    Attributes:
        index: The index of the part on the wire; None if it has none.
        position: The key by which a `PartTable` sorts its parts: the index, or else one after all
            keys so far.
        ended: Whether the end of the part has come.
        place: The position among the tool calls that the caller is to answer; None for no place.
        pieces: The text that comes in pieces: of a call, its arguments.
    """

    index: Any = None
    position: int = 0
    ended: bool = False
    place: int | None = None
    pieces: Text = NO_TEXT
    _call: ToolCall | None = None
    # Whether the first delta of the call was emitted, and the whole call.
    _started: bool = False
    _emitted: bool = False
    _size_read: int = -1  # the size of the arguments when they were read last, and were no JSON

    def own_pieces(self) -> Text:
        """Return the pieces, to which others may be added."""
        if self.pieces is NO_TEXT:
            self.pieces = self._no_pieces()
        return self.pieces

    def _no_pieces(self) -> Text:
        return JSONText()

    # What a format has in fields of its own.

    def _names(self) -> Any:
        """Return the id and the name of the call."""

    def texts(self) -> Any:
        """Return the texts of the part that are emitted, each after its kind."""

    @property
    def is_call(self) -> Any:
        """Whether the part is a tool call that the caller is to answer."""

    @property
    def answers_calls(self) -> Any:
        """Whether the part shows that the calls before it need no answer from the caller."""

    def _arguments(self) -> str:
        # A call that ended without arguments has the empty object.
        return str(self.pieces) or ("{}" if self.ended else "")

    def has_json(self) -> bool:
        """Whether the arguments are JSON. If not, they are read again once their size changes."""
        size = self.pieces.size()
        valid = size != self._size_read and is_json(str(self.pieces))
        if not valid:
            self._size_read = size
        return valid

    def call(self) -> ToolCall:
        """Return the call so far: the same object as long as nothing is new in it."""
        call_id, name = self._names()
        call = ToolCall(0, self.place or 0, call_id, name, self._arguments())
        if self._call is None or call != self._call:
            self._call = call
        return self._call

    def call_deltas(self, piece: str, *, begins: bool = True) -> list[Delta]:
        """Return the delta of a piece of the arguments. The first has all of them so far.

        An empty piece has a delta only where it begins the call, if `begins` allows that.
        """
        if self.place is not None and not self._started:
            piece = self.pieces.join() or piece
        if self.place is None or not (piece or (begins and not self._started)):
            return []
        self._started = True
        call_id, name = self._names()
        return [ToolCallDelta(0, self.place, call_id, name, piece)]

    def whole_deltas(self) -> list[Delta]:
        """Return the whole call, after what deltas have not yet shown of its arguments."""
        self._emitted = True
        initial = self.pieces.flush()
        call = self.call()
        return [*self.call_deltas(initial or ("" if self.pieces else call.arguments)), call]

    def end_deltas(self) -> list[Delta]:
        """Return the whole call at its own end. One without arguments waits for the last deltas."""
        return self.whole_deltas() if not self._emitted and self.has_json() else []

    def last_deltas(self, reason: FinishReason | None) -> list[Delta]:
        """Return the whole call at the end of the answer, unless it was cut off or is emitted."""
        emits = not self._emitted and are_whole(str(self.pieces), reason)
        return self.whole_deltas() if emits else []


def joined_texts(parts: Iterable[BasePartBuilder]) -> dict[Any, str]:
    """Return the texts of parts, joined, by their kind."""
    return join_texts(text for part in parts for text in part.texts())


_by_position: Final = attrgetter("position")
# How many parts are tried for a piece.
MAX_TRIED: Final = 16


class PartTable(Generic[PartT]):
    """The parts of an answer by position, and by arrival where two have the same position.

    Attributes:
        created: Whether the answer was created again, and no event of a part has come since then.
    """

    __slots__ = ("_at", "_end", "_parts", "_places", "created")

    def __init__(self) -> None:
        self._places = 0  # how many were assigned to tool calls
        self._clear()

    def _clear(self) -> None:
        """Drop the parts of this attempt."""
        self._parts: list[PartT] = []
        self._at: dict[int, PartT] = {}  # the latest part at each index
        self._end = 0  # beyond all positions
        self.created = False

    def __len__(self) -> int:
        """Return the number of the parts of this attempt."""
        return len(self._parts)

    def __iter__(self) -> Iterator[PartT]:
        return iter(sorted(self._parts, key=_by_position))

    @property
    def calls(self) -> list[PartT]:
        """The tool calls that have a place, in the order in which they appeared."""
        calls = [part for part in self if part.place is not None]
        return sorted(calls, key=lambda call: call.place or 0)

    def assign_place(self, part: PartT) -> None:
        """Give a part its place among the tool calls, if it is one.

        Another attempt goes on with the places: those of the first are emitted.
        """
        if part.place is None and part.is_call:
            part.place = self._places
            self._places += 1

    def ends_with_call(self) -> bool:
        """Whether a tool call is left for the caller to answer."""
        for part in reversed(list(self)) if self._places else ():
            if part.place is not None or part.answers_calls:
                return part.place is not None
        return False

    def latest_at(self, index: int | None) -> PartT | None:
        return None if index is None else self._at.get(index)

    def _latest_open(self) -> Iterator[PartT]:
        """Yield the parts that have not ended, the latest first."""
        return (part for part in reversed(self._parts[-MAX_TRIED:]) if not part.ended)

    def _drop_former_attempt(self, *known: PartT | None, begins: bool) -> None:
        """Drop all parts so far if another attempt begins, now that the answer was created again.

        It does if the first event of a part since then, which this is, begins a part at the index,
        or with the id, of a known one, or goes on with one that has ended.
        """
        if any(part is not None and (begins or part.ended) for part in known):
            self._clear()
        self.created = False

    def _insert(self, builder: PartT, index: int | None) -> PartT:
        self._parts.append(builder)
        self._set_index(builder, index)
        return builder

    def _replace(self, settled: list[PartT], kept: Collection[PartT]) -> None:
        """Replace the parts by those of a whole answer (`settled`) and those `kept` beside them.

        A kept part follows the part that it followed before. If it was the first, it stays at its
        index (a stream may begin in the middle).
        """
        positions = {part: position for position, part in enumerate(settled)}
        after, kept = min(self._at, default=0) - 1, {*kept}
        for part in sorted(self._parts, key=_by_position):
            if part in positions or part in kept:
                after = positions.setdefault(part, after)
        self._clear()
        for position, part in enumerate(sorted(positions, key=positions.__getitem__)):
            self._insert(part, position)

    def _set_index(self, builder: PartT, index: int | None) -> None:
        builder.index = index
        if index is None:
            index = self._end
        else:
            self._at[index] = builder
        builder.position = index
        if index >= self._end:
            self._end = index + 1
