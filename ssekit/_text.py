# Texts in progress: a value that begins them, pieces, wholes; and the JSON text of arguments.

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any, Final, TypeVar

from ssekit._fragments import Fragments
from ssekit._json import is_json, join_surrogates, parse

__all__ = ["NO_TEXT", "PLACEHOLDERS", "JSONText", "Text", "join_texts", "rests_of"]

KeyT = TypeVar("KeyT")

_JOIN: Final = "".join
_OPENINGS: Final = ("{", "[")  # of the arguments of a call
PLACEHOLDERS: Final = ("{}", "[]", "null")  # before or after arguments; `[]` is PHP's `{}`


class Text(Fragments[str], gc=False, eq=False):
    """A text that begins with a value, comes in pieces, or is stated whole. `str()` returns it.

    `begin`, `add`, `override` and `flush` return what deltas emit next.

    Attributes:
        echo: How much of an initial value the pieces after it have repeated; -1 once they go on.
    """

    _join: Callable[[list[str]], str] = _JOIN
    echo: int = -1

    def __str__(self) -> str:
        return join_surrogates(self.join())

    def begin(self, initial: str) -> str:
        """Take the value that the text begins with, unless pieces of it have come before.

        The pieces that follow go on from it, or repeat it from its beginning.
        """
        added = "" if self else self.add(initial)
        if added:
            self.echo = 0
        return added

    def add(self, piece: str) -> str:
        """Take the next piece. (The hot paths append to `pending` themselves.)"""
        if self.echo >= 0:
            piece = self._beyond_echo(piece)
        if piece:
            self.append(piece)
        return piece

    def _beyond_echo(self, piece: str) -> str:
        """Return what a piece adds to an initial value, which the pieces may repeat.

        Earlier pieces that turn out to be no repetition are returned before it.
        """
        initial, start = self.join(), self.echo
        self.echo += len(piece)
        if self.echo < len(initial) and initial.startswith(piece, start):
            return ""
        self.echo = -1
        rest = initial[start:]
        return piece[len(rest) :] if piece.startswith(rest) else initial[:start] + piece

    def override(self, whole: str | None) -> str:
        """Take the whole text, which replaces the text so far if it contradicts that.

        But no text is shortened to an end of itself, or by white space: some hosts state only the
        last piece, or strip the text. Nothing is emitted of a whole that contradicts.
        """
        if not whole or self.equals(whole):  # nearly always, and JSON need not be read then
            return ""
        rest = self.take_rest(whole)
        if rest is None and self._ends_with(whole):
            return ""
        self.echo = -1
        if rest is None:
            self.take()
            self.append(whole)
            return ""
        return self.add(rest)

    def equals(self, whole: str) -> bool:
        """Whether the text so far is `whole`. A long text is not joined for a short one."""
        return len(whole) <= self.size() <= 2 * len(whole) and str(self) == whole

    def take_rest(self, whole: str | None) -> str | None:
        """Return what a whole has after the text so far; None if it contradicts that.

        The whole takes the place of a value that was held back.
        """
        # A long text need not be joined for a short one. (Two half pairs join to one character.)
        if not whole or 2 * len(whole) < self.size():
            return None
        known = str(self)
        return whole[len(known) :] if whole.startswith(known) else None

    def repeats(self, piece: str) -> bool:
        """Whether a piece is all of the text once more."""
        return self.equals(piece)

    @property
    def ended(self) -> bool:
        """Whether the text shows by itself that nothing follows. Only JSON does."""
        return False

    def flush(self) -> str:
        """Take a value that was held back as the text: no pieces follow."""
        return ""

    def _ends_with(self, whole: str) -> bool:
        """Whether the text ends with a whole, besides white space, and is not that twice."""
        wanted, tail = 2 * len(whole), list[str]()
        if self.size() == wanted and str(self) == 2 * whole:
            return False
        for piece in chain(reversed(self.pending), reversed(self._blocks)):
            if wanted > 0:
                tail.append(piece[-wanted:])
                wanted -= len(piece)
        end = join_surrogates("".join(reversed(tail)))
        return end.rstrip().endswith(whole.rstrip())


class JSONText(Text, gc=False, eq=False):
    """The JSON text of arguments, before which a placeholder may come.

    Hosts begin a call with a placeholder, or with all of the arguments, and then send them in
    pieces. So a whole value at the beginning is held back as `initial`: it counts if no pieces
    follow.
    """

    initial: str = ""
    _end: _JSONEnd | None = None  # made when `ended` is first read

    def __str__(self) -> str:
        return self.initial or join_surrogates(self.join())

    def begin(self, initial: str) -> str:
        """Take the value that the text begins with: held back if it is whole."""
        if self or self.initial:
            return ""
        if is_json(initial):
            self.initial = initial
            return ""
        return super().begin(initial)

    def add(self, piece: str) -> str:
        """Take the next piece, without what it repeats of the text."""
        if self.echo >= 0:
            piece = self._beyond_echo(piece)
        if self.initial:
            if piece in ("", self.initial, *PLACEHOLDERS):
                return ""  # still no piece of the arguments
            initial, self.initial = self.initial, ""
            if not piece.lstrip().startswith(_OPENINGS):
                piece = initial + piece  # it goes on with the value; else it takes its place
        elif piece.startswith(("{", "[", "null")):  # only such a piece may repeat the text
            if piece in PLACEHOLDERS and not self:
                self.initial = piece
                return ""
            # (A placeholder after whole arguments is none of them.)
            piece = "" if piece in PLACEHOLDERS and self.ended else self._new_in(piece)
        if self._end is not None:
            self._end.feed(piece)
        if piece:
            self.append(piece)
        return piece

    def take(self) -> str:
        self._end = None
        return super().take()

    def equals(self, whole: str) -> bool:
        return self.initial == whole if self.initial else super().equals(whole)

    def take_rest(self, whole: str | None) -> str | None:
        # A placeholder replaces no value that was held back, and no text of its length or more.
        has_more = self.initial or self.size() >= len(whole or "")
        if not whole or (whole in PLACEHOLDERS and has_more) or self.repeats(whole):
            return ""
        self.initial = ""
        return super().take_rest(whole)

    def flush(self) -> str:
        if not self.initial:
            return ""
        initial, self.initial = self.initial, ""
        if self._end is not None:
            self._end.feed(initial)
        return super().add(initial)

    @property
    def ended(self) -> bool:
        """Whether the object or array has ended. After the first reading, each piece is scanned."""
        if self._end is None:
            self._end = _JSONEnd()
            self._end.feed(self.join())
        return bool(self.initial) or self._end.reached

    def repeats(self, piece: str) -> bool:
        # However it is spelled: by its spaces, and the order of its names.
        return piece.startswith(_OPENINGS) and not self._new_in(piece)

    def _new_in(self, piece: str) -> str:
        """Return what is new in a piece: all of it, unless it is the whole text once more.

        Then it is "", or the last brace: hosts may hold that back until then. (No object begins
        where that brace belongs.)
        """
        if not 0 < (len(self.initial) or self.size()) <= 2 * len(piece):
            return piece  # a long text is not read for a short one
        known, value = str(self), _canonical(piece)
        ends = (end for end in ("", "}") if value and value == _canonical(known + end))
        return next(ends, piece)


# (A mutable struct is refused as a default.)
class _NoText(JSONText, frozen=True, gc=False, eq=False):  # type: ignore[misc]
    """A text that no piece can be added to."""

    pending: Any = ()

    def __str__(self) -> str:
        return ""


# What a part of an answer has before a piece of its text comes. (A part may be no more than
# `{"type":""}`, of which a text of its own would be most.)
NO_TEXT: Final = _NoText()


def _canonical(text: str) -> str | None:
    """Return the one spelling here of the value of a JSON text; None if it is not whole."""
    try:
        return json.dumps(parse(text), sort_keys=True)
    except ValueError:
        return None


class _JSONEnd:
    """Finds the end of an object or array that comes in pieces, looking at each piece once."""

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


def join_texts(texts: Iterable[tuple[KeyT, str | Text]]) -> dict[KeyT, str]:
    """Return the texts of each kind, joined."""
    by_kind: defaultdict[KeyT, list[str]] = defaultdict(list)
    for kind, text in texts:
        by_kind[kind].append(text if isinstance(text, str) else text.join())
    return {kind: join_surrogates("".join(pieces)) for kind, pieces in by_kind.items()}


def rests_of(before: Mapping[KeyT, str], after: Mapping[KeyT, str]) -> dict[KeyT, str]:
    """Return what texts have after those before; nothing of a key whose text does not go on."""
    return {
        key: text.removeprefix(before.get(key, ""))
        for key, text in after.items()
        if text.startswith(before.get(key, ""))
    }
