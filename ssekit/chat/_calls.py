# The tool calls of a choice: what has come of each, and which one a piece belongs to.

from __future__ import annotations

import re
from typing import Any

from ssekit._deltas import ToolCall
from ssekit._fold import Text
from ssekit._json import join_surrogates

__all__ = ["ToolCallBuilder", "ToolCallTable"]


class ToolCallBuilder:
    """A tool call so far; `place` is where it stands among the calls of its choice.

    Arguments that begin with `{}`, and then begin again, had a placeholder before them: so `{}` is
    `held` back from the deltas until the next piece, or the end, tells.
    """

    __slots__ = (
        "_end",
        "_view",
        "arguments",
        "custom",
        "extra_content",
        "held",
        "id",
        "name",
        "place",
    )

    def __init__(self, place: int) -> None:
        self.place = place
        self.id = ""
        self.name = ""
        self.arguments = Text()
        self.custom = False
        self.extra_content: dict[str, Any] = {}
        self.held = ""
        self._end: _JSONEnd | None = None  # None until somebody asks, which is rare
        self._view: ToolCall | None = None

    def add(self, id: str | None, name: str | None, arguments: str | None) -> str:
        """Fold a piece in: the first id that is not empty stays, of the names the newest.

        Returns:
            What of the arguments the deltas say next.
        """
        self.id = self.id or join_surrogates(id or "")
        if name:
            self.name = join_surrogates(name)
        self._view = None
        if not arguments:
            return ""
        said = arguments
        if self.held:
            if arguments == self.held and not self.custom:
                return ""  # it is said again
            said = self._after_held(arguments)
        elif arguments == "{}" and not self.arguments:
            self.held, said = arguments, ""
        self.arguments.append(arguments)
        if self._end is not None:
            self._end.feed(arguments)
        return said

    def _after_held(self, arguments: str) -> str:
        held, self.held = self.held, ""
        if self.custom or not arguments.startswith("{"):
            return held + arguments
        self.arguments, self._end = Text(), None
        return arguments

    def view(self, index: int) -> ToolCall:
        """Return the call as it stands, for choice `index`: one object until the next piece."""
        if self._view is None:
            self._view = ToolCall(index, self.place, self.id, self.name, str(self.arguments))
        return self._view

    def continues(
        self, id: str | None, name: str | None, arguments: str | None, *, moved: bool
    ) -> bool:
        """Whether a piece belongs to it: one at its index, or of its id at another (`moved`)."""
        if id and self.id and id != self.id:
            # Another id: another call. But a call begins with its name: some servers make a new
            # id for each piece of one call.
            return not name and arguments is not None
        # Servers say one id, or "index 0", of every call: then a name that differs begins another
        # one, and so does the same name where the arguments were whole already. But an id and its
        # name alone are merely said again.
        if not (name and self.name):
            return True
        if name != self.name:
            return False
        said_again = bool(id and self.id) and not moved
        if said_again and (self.held or not (arguments or "").strip()):
            return True
        return (self.custom and said_again) or not self._is_whole()

    def _is_whole(self) -> bool:
        """Whether the arguments have ended; from the first time on, each piece is looked at."""
        if self._end is None:
            self._end = _JSONEnd()
            self._end.feed(self.arguments.join())
        return self._end.reached


class ToolCallTable:
    """The tool calls of one choice, by the identity that servers leave them.

    A piece belongs to the call of its id, best to one that is at its index too; without a known id,
    to the latest call at its index; with neither, to the latest call.
    `ToolCallBuilder.continues` decides where that is another call after all.
    """

    __slots__ = ("_by_id", "_by_index", "calls")

    def __init__(self) -> None:
        self.calls: list[ToolCallBuilder] = []
        self._by_id: dict[str, ToolCallBuilder] = {}
        self._by_index: dict[int, ToolCallBuilder] = {}

    def fold(
        self, index: int | None, id: str | None, name: str | None, arguments: str | None
    ) -> tuple[ToolCallBuilder, str]:
        """Fold a piece in; return its call, and what of its arguments the deltas say next."""
        call = self._at(index)
        if id or name:  # nearly all pieces have neither
            call = self._known(call, index, id, name, arguments)
        if call is None:
            call = ToolCallBuilder(len(self.calls))
            self.calls.append(call)
        if index is not None:
            self._by_index[index] = call
        if id and not call.id:
            self._by_id[id] = call
        return call, call.add(id, name, arguments)

    def _known(
        self,
        here: ToolCallBuilder | None,
        index: int | None,
        id: str | None,
        name: str | None,
        arguments: str | None,
    ) -> ToolCallBuilder | None:
        """Return the call that a piece belongs to, with `here` at its index; None of a new one."""
        call = here
        if id and (here is None or here.id != id):
            call = self._by_id.get(id, here)
        moved = index is not None and call is not here
        if call is None or not call.continues(id, name, arguments, moved=moved):
            return None
        return call

    def _at(self, index: int | None) -> ToolCallBuilder | None:
        if index is not None:
            return self._by_index.get(index)
        return self.calls[-1] if self.calls else None


class _JSONEnd:
    """Tells when an object or array that comes in pieces has ended, looking at each piece once."""

    __slots__ = ("_carried", "_depth", "_in_string", "_started")

    _TOKEN = re.compile(r'\\.|\\$|["\[\]{}]', re.DOTALL)

    def __init__(self) -> None:
        self._started = False
        self._depth = 0
        self._in_string = False
        self._carried = ""  # a backslash whose escape continues in the next piece

    @property
    def reached(self) -> bool:
        return self._started and self._depth <= 0 and not self._in_string

    def feed(self, piece: str) -> None:
        piece = self._carried + piece
        self._carried = ""
        for token in self._TOKEN.findall(piece):
            if token == "\\":
                self._carried = token
            elif token == '"':
                self._in_string = not self._in_string
            elif not self._in_string and token in "{[":
                self._started = True
                self._depth += 1
            elif not self._in_string and token in "]}":
                self._depth -= 1
