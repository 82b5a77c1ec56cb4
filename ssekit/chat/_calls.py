# The tool calls of a choice: what has come of each, and which one a piece continues.
#
# What always holds here:
# - Only the first id of a call stays, and no id is made up.
# - The cost of a piece is linear in its length, however many calls or pieces came before it.
#
# How it works: ids, names and indices may come with each piece of a call, with the first alone, or
# never. Some hosts send one id or one index for all calls, or new ones with each piece. So the
# table first finds the call that a piece most likely continues: by id, by index, or as the latest
# one that is open. A call is open until its arguments are whole. `ToolCallBuilder.continues` then
# looks for signs of another call: another id with a name, another name, or the same name once more
# after whole arguments. What may be of the next call waits for what follows: an id alone, and a
# name that comes again.

from __future__ import annotations

from typing import Any, Final, TypeAlias

from msgspec import Struct

from ssekit._deltas import ToolCall, ToolCallDelta
from ssekit._text import PLACEHOLDERS, JSONText, Text

# Every delta has the name so far, so that a name in pieces must end for the cost to be linear.
_LONGEST_NAME: Final = 1_000


class ToolCallBuilder(Struct, eq=False):
    """A tool call so far, at its place among the calls of a choice."""

    index: int
    place: int
    custom: bool
    arguments: Text
    id: str = ""
    name: str = ""
    extra_content: dict[str, Any] = {}
    # Set once the name comes alone after whole arguments: the id that came with it, or "". The next
    # piece may be of another call.
    repeated: str | None = None
    _call: ToolCall | None = None

    def add(self, id: str, name: str, arguments: str) -> str:
        """Add a piece; return the piece of the arguments that a delta emits now."""
        self._call = None
        if name:
            # Without the id of the call, another name goes on with its name.
            goes_on = self.id and not id and name != self.name
            self.name = self.name + name if goes_on else name
        self.id = self.id or id
        return self.arguments.add(arguments)

    def delta(self, arguments: str) -> ToolCallDelta:
        return ToolCallDelta(self.index, self.place, self.id, self.name, arguments)

    def build(self) -> ToolCall:
        """Return the call so far: one object until the next piece."""
        if self._call is None:
            self._call = ToolCall(self.index, self.place, self.id, self.name, str(self.arguments))
        return self._call

    def continues(self, id: str, name: str, arguments: str, *, moved: bool) -> bool:
        """Whether a piece with an id or a name belongs to this call.

        If it has another index than this call (`moved`), it has the id of this call; or it has an
        id and arguments alone, and this is the last call.
        """
        if id and self.id and id != self.id:
            # Some hosts make a new id for each piece of one call, and some with the name too.
            if name:
                return name == self.name and bool(self.arguments) and not self.arguments.ended
            return bool(arguments) and not self.is_over(arguments)
        if not (name and self.name):
            return True
        same_id = bool(id and self.id)
        if name != self.name:
            goes_on = bool(self.id and not id) and len(self.name) < _LONGEST_NAME
            return not self.arguments.ended and (name.startswith(self.name) if same_id else goes_on)
        # After whole arguments, the same name begins another call; but not if the piece has nothing
        # else (unless Google's adapters moved it to another index), or the same id and arguments.
        has_placeholder = self.id and any(map(self.arguments.equals, PLACEHOLDERS))
        if not moved and (not arguments.strip() or has_placeholder):
            return True
        return not self.arguments.ended or (same_id and self.arguments.repeats(arguments))

    def differs(self, arguments: str) -> bool:
        """Whether a piece of arguments is not blank, and not all of them once more."""
        return bool(arguments.strip()) and not self.arguments.repeats(arguments)

    def is_over(self, arguments: str) -> bool:
        """Whether a piece of arguments is of another call, because this one has all of its own."""
        return bool(self.arguments) and self.arguments.ended and self.differs(arguments)


# A call, and the piece of its arguments that a delta emits.
ToolCallPiece: TypeAlias = tuple[ToolCallBuilder, str]


class ToolCallTable(Struct, eq=False):
    """The tool calls of one choice, in the order in which they appeared."""

    choice: int
    calls: list[ToolCallBuilder] = []
    by_id: dict[str, ToolCallBuilder] = {}
    # The latest call at each index, and under None the latest that began.
    _by_index: dict[int | None, ToolCallBuilder] = {}
    # The calls that may be open. Those that have ended leave the end of the list.
    _open: list[ToolCallBuilder] = []
    # The ids, by index, that came alone.
    _ids: dict[int | None, str] = {}
    # How many calls have no id.
    unidentified: int = 0

    def add(
        self, index: int | None, id: str, name: str, arguments: str, *, custom: bool = False
    ) -> ToolCallPiece | None:
        """Add a piece to the call that it continues, or to a new one; None where there is neither.

        A piece of arguments alone begins no call, and an id alone waits for what follows.
        """
        alone = self._ids.pop(index, "")
        if alone and not id:
            return self.add(index, alone, name, arguments, custom=custom)
        call = self._find(index, id, name, arguments)
        if call is None and not name and not (id and arguments):
            if id:
                self._ids[index] = id
            return None
        call = call or self._begin(custom=custom)
        if name == call.name and id in ("", call.id) and not arguments and call.arguments.ended:
            call.repeated = id
        elif call.repeated is not None and not (id or name) and call.differs(arguments):
            another = self._begin()
            another.id, another.name = call.repeated, call.name
            self.unidentified -= bool(another.id)
            call = another
        if index is not None:
            self._by_index[index] = call
        if id and not call.id:
            self.by_id[id] = call
            self.unidentified -= 1
        return call, call.add(id, name, arguments)

    def _find(
        self, index: int | None, id: str, name: str, arguments: str
    ) -> ToolCallBuilder | None:
        """Return the call that a piece continues; None for a new one.

        It is the call of its id, best the one that is at its index too; without a known id, the
        latest call at its index; without a call there, the latest that is open.
        """
        here = self._by_index.get(index)
        if not (id or name):  # nearly all pieces
            if here is None or (index is None and here.arguments.ended):
                while self._open and self._open[-1].arguments.ended:
                    self._open.pop()
                return self._open[-1] if self._open else here
            latest = self.calls[-1]
            if here is latest or latest.arguments or not here.is_over(arguments):
                return here
            return latest  # LibreChat: its arguments come at the index of a call that has ended
        call = here
        if id and (here is None or here.id != id):
            call = self.by_id.get(id) or here
        if call is None and arguments and not name:  # OCI: an id and an index for each piece
            call = next((each for each in self.calls[-1:] if each.id and each.name), None)
        moved = index is not None and call is not here
        if call is None or not call.continues(id, name, arguments, moved=moved):
            return None
        return call

    def _begin(self, *, custom: bool = False) -> ToolCallBuilder:
        text = Text() if custom else JSONText()
        call = ToolCallBuilder(self.choice, len(self.calls), custom, text)
        self.calls.append(call)
        self._open.append(call)
        self.unidentified += 1
        self._by_index[None] = call
        return call
