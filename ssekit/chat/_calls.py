# The tool calls of a choice: what has come of each, and which one a piece continues.
#
# What always holds here:
# - Only the first id of a call stays, and no id is made up. Of its names the newest stays.
# - A piece costs what it is long, however many calls or pieces came before it.
#
# How it works: ids, names and indices may come with each piece of a call, with the first alone, or
# never, and some hosts send one id or one index for all calls. So the table first finds the call
# that a piece most likely continues: by id, by index, or as the latest. `ToolCallBuilder.continues`
# then looks for signs of another call: another id with a name, another name, or the same name once
# more after whole arguments.

from __future__ import annotations

import re
from typing import Any, TypeAlias

from ssekit._deltas import ToolCall, ToolCallDelta
from ssekit._fold import Text
from ssekit._json import join_surrogates

__all__ = ["ToolCallBuilder", "ToolCallPiece", "ToolCallTable"]


class ToolCallBuilder:
    """A tool call so far, at its place among the calls of a choice.

    Some hosts send `{}` as a placeholder before the arguments. So a first piece `{}` is not emitted
    before the next piece, which shows by its brace whether the arguments begin only there.
    """

    __slots__ = (
        "_call",
        "_end",
        "arguments",
        "custom",
        "extra_content",
        "id",
        "index",
        "name",
        "place",
        "placeholder",
    )

    def __init__(self, index: int, place: int) -> None:
        self.index = index
        self.place = place
        self.id = ""
        self.name = ""
        self.arguments = Text()
        self.custom = False
        self.extra_content: dict[str, Any] = {}
        self.placeholder = ""
        self._end: _JSONEnd | None = None  # made when it is needed first, which is rare
        self._call: ToolCall | None = None

    def add(self, id: str | None, name: str | None, arguments: str | None) -> str:
        """Add a piece; return the piece of the arguments that a delta emits now."""
        self.id = self.id or join_surrogates(id or "")
        if name:
            self.name = join_surrogates(name)
        self._call = None
        if not arguments:
            return ""
        emitted = arguments
        if self.placeholder:
            if arguments == self.placeholder and not self.custom:
                return ""  # a repetition
            if arguments.startswith("{") and not self.custom:
                self.arguments, self._end = Text(), None
            else:
                emitted = self.placeholder + arguments
            self.placeholder = ""
        elif arguments == "{}" and not self.arguments:
            self.placeholder, emitted = arguments, ""
        self.arguments.append(arguments)
        if self._end is not None:
            self._end.feed(arguments)
        return emitted

    def delta(self, arguments: str) -> ToolCallDelta:
        return ToolCallDelta(self.index, self.place, self.id, self.name, arguments)

    def build(self) -> ToolCall:
        """Return the call so far: one object until the next piece."""
        if self._call is None:
            self._call = ToolCall(self.index, self.place, self.id, self.name, str(self.arguments))
        return self._call

    def continues(
        self, id: str | None, name: str | None, arguments: str | None, *, moved: bool
    ) -> bool:
        """Whether a piece belongs to this call.

        The piece is at the index of the call, or has its id but another index (`moved`).
        """
        if id and self.id and id != self.id:
            # Another id begins another call, but only with a name: some hosts make a new id for
            # each piece of one call.
            return not name and arguments is not None
        # Where every call has one id, or index 0, another name begins another call. So does the
        # same name after whole arguments, unless the piece only repeats the id and the name.
        if not (name and self.name):
            return True
        if name != self.name:
            return False
        repeated = bool(id and self.id) and not moved
        if repeated and (self.custom or self.placeholder or not (arguments or "").strip()):
            return True
        return not self._is_whole()

    def _is_whole(self) -> bool:
        if self._end is None:
            self._end = _JSONEnd()
            self._end.feed(self.arguments.join())
        return self._end.reached


# A call, and the piece of its arguments that a delta emits.
ToolCallPiece: TypeAlias = tuple[ToolCallBuilder, str]


class ToolCallTable:
    """The tool calls of one choice, in the order in which they appeared."""

    __slots__ = ("_by_id", "_by_index", "_choice", "calls")

    def __init__(self, choice: int) -> None:
        self._choice = choice
        self.calls: list[ToolCallBuilder] = []
        self._by_id: dict[str, ToolCallBuilder] = {}
        self._by_index: dict[int, ToolCallBuilder] = {}

    def add(
        self, index: int | None, id: str | None, name: str | None, arguments: str | None
    ) -> ToolCallPiece:
        """Add a piece to the call that it continues, or to a new one.

        A piece continues the call of its id, best the one that is at its index too; without a
        known id, the latest call at its index; without an index, the latest call of all.
        """
        if index is not None:
            here = self._by_index.get(index)
        else:
            here = self.calls[-1] if self.calls else None
        call = here
        if id or name:  # nearly all pieces have neither
            if id and (here is None or here.id != id):
                call = self._by_id.get(id, here)
            moved = index is not None and call is not here
            if call is not None and not call.continues(id, name, arguments, moved=moved):
                call = None
        if call is None:
            call = ToolCallBuilder(self._choice, len(self.calls))
            self.calls.append(call)
        if index is not None:
            self._by_index[index] = call
        if id and not call.id:
            self._by_id[id] = call
        return call, call.add(id, name, arguments)


class _JSONEnd:
    """Finds the end of an object or array that comes in pieces, by its brackets.

    A piece is read once. (`PartialJSON` would build the tree, and refuse what is not JSON.)
    """

    __slots__ = ("_carried", "_closed", "_in_string", "_opened")

    _TOKEN = re.compile(r'\\.|\\$|["\[\]{}]', re.DOTALL)

    def __init__(self) -> None:
        self._opened = 0
        self._closed = 0
        self._in_string = False
        self._carried = ""  # a backslash, whose escape ends in the next piece

    @property
    def reached(self) -> bool:
        return 0 < self._opened <= self._closed and not self._in_string

    def feed(self, piece: str) -> None:
        tokens = self._TOKEN.findall(self._carried + piece)
        self._carried = ""
        for token in tokens:
            if token == "\\":
                self._carried = token
            elif token == '"':
                self._in_string = not self._in_string
            elif not self._in_string:
                self._opened += token in "[{"
                self._closed += token in "]}"
