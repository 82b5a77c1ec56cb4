# The tool calls of a choice: what has come of each, and which one a piece continues.
#
# What always holds here:
# - Only the first id of a call stays, and no id is made up.
# - A piece costs what it is long, however many calls or pieces came before it.
#
# How it works: ids, names and indices may come with each piece of a call, with the first alone, or
# never, and some hosts send one id or one index for all calls. So the table first finds the call
# that a piece most likely continues: by id, by index, or as the latest one that is open. A call is
# open until its arguments are whole. `ToolCallBuilder.continues` then looks for signs of another
# call: another id with a name, another name, or the same name once more after whole arguments.

from __future__ import annotations

from typing import Any, Final, TypeAlias

from ssekit._deltas import ToolCall, ToolCallDelta
from ssekit._fold import JSONText, Text
from ssekit._json import join_surrogates

__all__ = ["ToolCallBuilder", "ToolCallPiece", "ToolCallTable"]

# Every delta has the name so far, so that a name in pieces must end for the cost to be linear.
_LONGEST_NAME: Final = 1_000


class ToolCallBuilder:
    """A tool call so far, at its place among the calls of a choice."""

    __slots__ = (
        *("arguments", "custom", "extra_content", "id", "index", "name", "place"),
        *("_call", "repeated"),
    )

    def __init__(self, index: int, place: int, *, custom: bool = False) -> None:
        self.index = index
        self.place = place
        self.id = ""
        self.name = ""
        self.custom = custom
        self.arguments: Text = Text() if custom else JSONText()
        self.extra_content: dict[str, Any] = {}
        # The id of a name that came once more with nothing else: what follows may be another call.
        self.repeated: str | None = None
        self._call: ToolCall | None = None

    def add(self, id: str | None, name: str | None, arguments: str) -> str:
        """Add a piece; return the piece of the arguments that a delta emits now."""
        self._call = None
        if name:
            name = join_surrogates(name)
            # Without the id of the call, another name goes on with its name.
            goes_on = self.id and not id and name != self.name
            self.name = self.name + name if goes_on else name
        self.id = self.id or join_surrogates(id or "")
        return self.arguments.add(arguments)

    def flush(self) -> str:
        """Return the placeholder of the arguments, which counts if no pieces followed."""
        return self.arguments.flush() if isinstance(self.arguments, JSONText) else ""

    def delta(self, arguments: str) -> ToolCallDelta:
        return ToolCallDelta(self.index, self.place, self.id, self.name, arguments)

    def build(self) -> ToolCall:
        """Return the call so far: one object until the next piece."""
        if self._call is None:
            self._call = ToolCall(self.index, self.place, self.id, self.name, str(self.arguments))
        return self._call

    @property
    def ended(self) -> bool:
        """Whether the arguments are whole. The input of a custom tool never is."""
        return isinstance(self.arguments, JSONText) and self.arguments.ended

    def continues(
        self, id: str | None, name: str | None, arguments: str | None, *, moved: bool
    ) -> bool:
        """Whether a piece with an id or a name belongs to this call.

        The piece is at the index of the call, or has its id but another index (`moved`).
        """
        if id and self.id and id != self.id:
            if not name:  # some hosts make a new id for each piece of one call
                return arguments is not None
            # And some with the name too.
            return name == self.name and bool(self.arguments) and not self.ended
        if not (name and self.name):
            return True
        same_id = bool(id and self.id)
        if name != self.name:
            if self.ended:
                return False
            goes_on = bool(self.id and not id) and len(self.name) < _LONGEST_NAME
            return name.startswith(self.name) if same_id else goes_on
        # The same name once more: another call after whole arguments, unless the piece has
        # nothing else, or (with the id) the same. (At another index: Google's adapters.)
        blank = not (arguments or "").strip()
        if not moved and (blank or (self.id and self.arguments.is_whole("{}"))):
            return True
        return not self.ended or (same_id and self.repeats(arguments or ""))

    def repeats(self, arguments: str) -> bool:
        """Whether a piece of the arguments is all of them once more."""
        return isinstance(self.arguments, JSONText) and self.arguments.repeats(arguments)


# A call, and the piece of its arguments that a delta emits.
ToolCallPiece: TypeAlias = tuple[ToolCallBuilder, str]


class ToolCallTable:
    """The tool calls of one choice, in the order in which they appeared."""

    __slots__ = ("_by_index", "_choice", "_ids", "_open", "by_id", "calls")

    def __init__(self, choice: int) -> None:
        self._choice = choice
        self.calls: list[ToolCallBuilder] = []
        self.by_id: dict[str | None, ToolCallBuilder] = {}
        # The latest call at each index, and under None the latest of all.
        self._by_index: dict[int | None, ToolCallBuilder] = {}
        # The calls that may be open. Those that have ended leave the end of the list.
        self._open: list[ToolCallBuilder] = []
        # The ids, by index, that came alone.
        self._ids: dict[int | None, str] = {}

    def add(
        self,
        index: int | None,
        id: str | None,
        name: str | None,
        arguments: str | None,
        *,
        custom: bool = False,
    ) -> ToolCallPiece | None:
        """Add a piece to the call that it continues, or to a new one; None where there is neither.

        A piece of arguments alone begins no call, and an id alone waits for what follows.
        """
        piece = arguments or ""
        known_id = id or (self._ids.pop(index, "") if self._ids and (name or piece) else "")
        call = self._find(index, known_id, name, arguments)
        if call is None:
            if known_id and not (name or piece):
                self._ids[index] = known_id
                return None
            if not (known_id or name):
                return None
            call = self._begin(custom=custom)
        if name == call.name and known_id in ("", call.id) and not piece and call.ended:
            call.repeated = known_id
            return call, ""
        bare = not (known_id or name)
        if call.repeated is not None and bare and piece.strip() and not call.repeats(piece):
            another = self._begin()
            another.id, another.name = call.repeated, call.name
            call = another
        if index is not None:
            self._by_index[index] = call
        if known_id and not call.id:
            self.by_id[known_id] = call
        return call, call.add(known_id, name, piece)

    def _find(
        self, index: int | None, id: str, name: str | None, arguments: str | None
    ) -> ToolCallBuilder | None:
        """Return the call that a piece continues; None for a new one.

        It is the call of its id, best the one that is at its index too; without a known id, the
        latest call at its index; where nothing stands, the latest that is open.
        """
        here = self._by_index.get(index)
        if not (id or name):  # nearly all pieces
            if here is None or (index is None and here.ended):
                return self._latest_open() or here
            # The latest call may have its arguments at the index of one that has ended.
            latest, piece = self.calls[-1], arguments or ""
            moved = here is not latest and not latest.arguments and bool(piece.strip())
            return latest if moved and here.ended and not here.repeats(piece) else here
        call = here
        if id and (here is None or here.id != id):
            call = self.by_id.get(id) or here
        moved = index is not None and call is not here
        if call is None or not call.continues(id, name, arguments, moved=moved):
            return None
        return call

    def _begin(self, *, custom: bool = False) -> ToolCallBuilder:
        call = ToolCallBuilder(self._choice, len(self.calls), custom=custom)
        self.calls.append(call)
        self._open.append(call)
        self._by_index[None] = call
        return call

    def _latest_open(self) -> ToolCallBuilder | None:
        while self._open and self._open[-1].ended:
            self._open.pop()
        return self._open[-1] if self._open else None
