# Reading JSON that has not ended: what its beginning says already.
#
# What always holds here:
# - A piece is looked at once, and no function calls itself: the cost is linear in the text, however
#   it is divided and however deep it is nested.
# - How the text is divided into pieces does not matter.
# - What is said stays said, whatever follows; but for a number that is the whole text (12 may go on
#   as 123), and for a name that an object says twice, of which the last wins.
#
# No library reads it: that would be a second dependency, and to watch a text grow with it costs the
# square of its length. Measured in one run, with jiter 0.19 in its partial mode: 165 KB of records
# in pieces of four characters, looked at after each, took 0.09 s here and 15.6 s there; read once,
# whole, 49 ms here and 0.7 ms there. (A tool call of 112 characters, read once: 28 and 0.4 us.)

from __future__ import annotations

import json
import re
from typing import Any, Final

import msgspec

from ssekit._errors import DecodeError
from ssekit._fragments import Fragments
from ssekit._json import MAX_DEPTH, as_integer, join_surrogates

__all__ = ["PartialJSON", "partial_json"]

# The grammar is that of RFC 8259, with the constants and the control characters in strings that
# `json.loads(strict=False)` has beside it.
_LITERALS: Final = {
    "true": True,
    "false": False,
    "null": None,
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "-Infinity": float("-inf"),
}
# White space, and then a literal, a number (or the beginning of either), or any one character.
_TOKEN = re.compile(
    r"[ \t\n\r]*+(?:(true|false|null|NaN|-?Infinity)|([-+.0-9A-Za-z]+)|(.))?", re.DOTALL
)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_NUMBER_SO_FAR = re.compile(
    r"-?(?:(?:0|[1-9][0-9]*)(?:\.|(?:\.[0-9]+)?(?:[eE][-+]?[0-9]*)?))?",
)
_NUMBER_PIECE = re.compile(r"[-+.0-9A-Za-z]*")
_MORE_DIGITS = re.compile(r"([0-9][0-9])[0-9]+")
# The inside of a string, up to a quotation mark, a backslash that begins no whole escape, or the
# end; and what of an escape may stand at the end.
_STRING = re.compile(r'[^"\\]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\]*+)*+')
_ESCAPE_SO_FAR = re.compile(r"(?:\\(?:u[0-9a-fA-F]{0,3})?)?")
_read_string = json.JSONDecoder(strict=False).decode

# What may come next: the characters that stand for it. Where a list may begin, any value may.
_VALUE: Final = '"[{'
_FIRST_ITEM: Final = '"[{]'
_KEY: Final = '"'
_FIRST_KEY: Final = '"}'
_COLON: Final = ":"
_AFTER_ITEM: Final = ",]"
_AFTER_MEMBER: Final = ",}"
_END: Final = ""


def partial_json(text: str, *, open_strings: bool = True) -> Any:
    r"""Return what the beginning of a JSON text says already.

    Open strings, arrays and objects are closed; an unfinished number, literal, escape or name is
    left out, and so is a name without a value. (In an array or object, a number is finished by what
    follows it.) Of the whole text, the answer is that of `json.loads`, but that control characters
    may stand in strings, that a lone surrogate becomes U+FFFD, that an integer of more than 640
    digits is a float, and that what is nested more than 100 deep is None.

    Args:
        text: JSON, or the beginning of it.
        open_strings: Whether a string that has not ended is given, as far as it has come.

    Returns:
        The tree so far, of builtins; `msgspec.UNSET` if nothing is known yet.

    Raises:
        DecodeError: The text is not the beginning of any JSON. What it said before is in `partial`.

    >>> partial_json('{"city": "Par')
    {'city': 'Par'}
    >>> partial_json('{"city": "Paris", "days": [1, 2', open_strings=False)
    {'city': 'Paris', 'days': [1]}
    >>> partial_json("tru")
    UNSET
    """
    reader = PartialJSON(open_strings=open_strings)
    reader.feed(text)
    return reader.value


class PartialJSON:
    """JSON that comes in pieces, and what it says so far; otherwise as `partial_json`.

    This is how to watch the arguments of a tool call grow: each piece costs what it costs to read
    it, however much came before.

    Args:
        open_strings: Whether a string that has not ended is given, as far as it has come.

    >>> reader = PartialJSON()
    >>> for piece in ('{"city": "Pa', 'ris", "da', 'ys": 2}'):
    ...     reader.feed(piece)
    ...     print(reader.value)
    {'city': 'Pa'}
    {'city': 'Paris'}
    {'city': 'Paris', 'days': 2}
    """

    __slots__ = (
        "_carried",
        "_error",
        "_expected",
        "_half",
        "_in_key",
        "_key",
        "_number",
        "_number_at",
        "_number_shape",
        "_open_strings",
        "_read",
        "_stack",
        "_text",
        "_top",
    )

    def __init__(self, *, open_strings: bool = True) -> None:
        self._open_strings = open_strings
        self._error: DecodeError | None = None
        self._read = 0  # characters, without what is carried
        self._carried = ""  # the beginning of a literal or of an escape
        self._expected = _VALUE
        # The arrays and objects that are open. The outermost holds the whole as its only item.
        self._top: list[Any] = []
        self._stack: list[Any] = [self._top]
        self._key = ""  # that of the innermost object, if it is one
        # The string that is open: what came of it since somebody looked, and the first half of a
        # surrogate pair behind it.
        self._text: Fragments[str] | None = None
        self._in_key = False
        self._half = ""
        # The number that may go on: its pieces, where it began, and it with its runs of digits cut
        # short, by which it is told whether it is one.
        self._number: Fragments[str] = Fragments("".join)
        self._number_at = 0
        self._number_shape = ""

    @property
    def value(self) -> Any:
        """What is known so far, or `msgspec.UNSET`.

        It is one tree, which grows with the next pieces: copy what is to stay as it is, and change
        nothing in it.
        """
        if self._number and len(self._stack) == 1:
            return _as_number(self._number.join())
        if self._text is not None and self._open_strings and not self._in_key:
            self._grow()
        return self._top[0] if self._top else msgspec.UNSET

    def feed(self, piece: str, /) -> None:
        """Take the next piece of the text.

        Raises:
            DecodeError: It does not go on as JSON. What came before it is in `partial`, and this
                is raised again for any further piece.
        """
        if self._error is not None:
            raise self._error.with_traceback(None)
        try:
            text = self._carried + piece
        except TypeError:
            kind = type(piece).__name__
            raise TypeError(f"JSON comes as str, not as {kind}: decode it first") from None
        self._carried = ""
        at = 0
        while at < len(text):
            if self._text is not None:
                at = self._read_string(text, at, self._text)
            elif self._number:
                at = self._read_number(text, at)
            else:
                at = self._read_token(text, at)
        self._read += len(text) - len(self._carried)

    # Each of these takes what stands at a place of the text, and returns where the next begins.

    def _read_token(self, text: str, at: int) -> int:
        match = _TOKEN.match(text, at)
        assert match is not None  # it matches wherever it starts
        literal, word, mark = match.groups()
        end = match.end()
        if mark is not None:
            if mark not in self._expected:
                raise self._fault(end - 1)
            self._take(mark)
        elif literal is not None:
            if "[" not in self._expected:
                raise self._fault(end - len(literal))
            self._put(_LITERALS[literal])
        elif word is not None:
            at = end - len(word)
            if "[" not in self._expected:
                raise self._fault(at)
            if end == len(text) and any(literal.startswith(word) for literal in _LITERALS):
                self._carried = word
                return end
            self._number_at = self._read + at
            self._number_shape = ""
            return self._read_number(text, at)
        return end

    def _take(self, mark: str) -> None:
        if mark == '"':
            self._text = Fragments("".join)
            self._in_key = self._expected in (_KEY, _FIRST_KEY)
            if self._open_strings and not self._in_key:
                self._put("")
        elif mark in "[{":
            opened: list[Any] | dict[str, Any] = [] if mark == "[" else {}
            self._put(opened if len(self._stack) <= MAX_DEPTH else None)
            self._stack.append(opened)
            self._expected = _FIRST_ITEM if mark == "[" else _FIRST_KEY
        elif mark in "]}":
            self._stack.pop()
            self._expect_more()
        elif mark == ":" or type(self._stack[-1]) is list:
            self._expected = _VALUE
        else:
            self._expected = _KEY

    def _read_number(self, text: str, at: int) -> int:
        match = _NUMBER_PIECE.match(text, at)
        assert match is not None  # it matches wherever it starts
        piece, end = match.group(), match.end()
        self._number.append(piece)
        if end == len(text):  # it may go on
            self._number_shape = _MORE_DIGITS.sub(r"\1", self._number_shape + piece)
            if not _NUMBER_SO_FAR.fullmatch(self._number_shape):
                raise self._fault(self._number_at - self._read)
            return end
        number = _as_number(self._number.join())
        if number is msgspec.UNSET:
            raise self._fault(self._number_at - self._read)
        self._number.take()
        self._put(number)
        return end

    def _read_string(self, text: str, at: int, into: Fragments[str]) -> int:
        match = _STRING.match(text, at)
        assert match is not None  # it matches wherever it starts
        end = match.end()
        ended = text.startswith('"', end)
        into.append(self._unescaped(match.group(), ended))
        if not ended:
            if not _ESCAPE_SO_FAR.fullmatch(text, end):
                raise self._fault(end)
            self._carried = text[end:]
            return len(text)
        if self._in_key:
            self._key = into.take()
            self._expected = _COLON
        elif self._open_strings:
            self._grow()
        else:
            self._put(into.take())
        self._text = None
        return end + 1

    def _unescaped(self, inside: str, ended: bool) -> str:
        text = self._half + (_read_string(f'"{inside}"') if "\\" in inside else inside)
        self._half = ""
        if not ended and "\ud800" <= text[-1:] <= "\udbff":
            self._half = text[-1]
            text = text[:-1]
        return join_surrogates(text)

    # Building the tree.

    def _put(self, value: Any) -> None:
        innermost = self._stack[-1]
        if type(innermost) is list:
            innermost.append(value)
        else:
            innermost[self._key] = value
        self._expect_more()

    def _expect_more(self) -> None:
        if len(self._stack) == 1:
            self._expected = _END
        else:
            self._expected = _AFTER_ITEM if type(self._stack[-1]) is list else _AFTER_MEMBER

    def _grow(self) -> None:
        """Add to the open string, where it stands in the tree, what came of it since."""
        assert self._text is not None
        innermost = self._stack[-1]
        place: Any = -1 if type(innermost) is list else self._key
        text = innermost[place]
        # CPython lengthens a str in place if nobody else holds it. To look at a string of 400 KB
        # after each of its 100,000 pieces took 0.12 s so, and 0.32 s with `text + piece`.
        innermost[place] = ""
        text += self._text.take()
        innermost[place] = text

    def _fault(self, at: int) -> DecodeError:
        """Return the error of a text that goes wrong at a place, which ends the reading."""
        error = DecodeError(f"the text is not JSON from character {self._read + at} on")
        error.partial = self.value
        self._error = error
        return error


def _as_number(word: str) -> Any:
    match = _NUMBER.fullmatch(word)
    if match is None:
        return msgspec.UNSET
    return as_integer(word) if match.lastindex is None else float(word)
