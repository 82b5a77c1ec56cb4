# A reader of JSON that has not ended.
#
# How it works:
# - A pattern takes one token at a time. `_expected` has the characters that the next token may
#   begin with. The stack has the arrays and objects that are open.
# - An open string is kept in fragments until it ends, or until the value is read.
# - The beginning of a literal, a number or an escape at the end of a piece is carried over.
#
# What always holds here:
# - A piece is read once, and no function calls itself: the cost is linear in the text, however it
#   is divided and however deep it is nested.
# - How the text is divided into pieces does not matter.
# - A value stays as it is, whatever follows. The exceptions are a number that is the whole text (12
#   may become 123), and a name that an object has twice: the last value wins.
#
# A library would be a second dependency, and its cost to watch a text grow is the square of the
# text's length. Measured in one run, with jiter 0.19 in its partial mode: 165 KB of records in
# pieces of four characters, with the value read after each, took 0.09 s here and 15.6 s there; read
# once, without their end, 49 ms here and 0.7 ms there. (A tool call of 112 characters, read once:
# 28 and 0.4 us.) `partial_json` reads a whole text with `_json.parse` instead.

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any, Final

import msgspec

from ssekit._errors import DecodeError
from ssekit._fragments import Fragments
from ssekit._json import MAX_DEPTH, as_integer, join_surrogates, parse

__all__ = ["PartialJSON", "partial_json"]

# The grammar is that of `json.loads(strict=False)`: RFC 8259, with control characters in strings
# and three more literals.
_LITERALS: Final = {
    "true": True,
    "false": False,
    "null": None,
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "-Infinity": float("-inf"),
}
# White space, then a literal, a number (or the beginning of either), or any one character.
_TOKEN = re.compile(
    r"[ \t\n\r]*+(?:(true|false|null|NaN|-?Infinity)|([-+.0-9A-Za-z]+)|(.))?", re.DOTALL
)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_NUMBER_SO_FAR = re.compile(r"-?(?:(?:0|[1-9][0-9]*)(?:\.|(?:\.[0-9]+)?(?:[eE][-+]?[0-9]*)?))?")
# The inside of a string, up to a quotation mark, a backslash without a whole escape, or the end;
# and the beginning of an escape, at the end of a piece.
_STRING = re.compile(r'[^"\\]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\]*+)*+')
_ESCAPE_SO_FAR = re.compile(r"(?:\\(?:u[0-9a-fA-F]{0,3})?)?")
_read_string = json.JSONDecoder(strict=False).decode

# A longer number is refused (RFC 8259, 6, allows a limit): it is read again with each piece.
_LONGEST_NUMBER = 5_000  # characters

# The characters that the next token may begin with. "[" allows a literal or a number, too.
_VALUE: Final = '"[{'
_FIRST_ITEM: Final = '"[{]'
_KEY: Final = '"'
_FIRST_KEY: Final = '"}'
_COLON: Final = ":"
_AFTER_ITEM: Final = ",]"
_AFTER_MEMBER: Final = ",}"
_END: Final = ""


def partial_json(text: str, *, open_strings: bool = True) -> Any:
    r"""Return the value so far of a JSON text that has not ended.

    Open strings, arrays and objects are closed. An unfinished number, literal, escape or name is
    left out, and so is a name without a value. (In an array or object, the next character finishes
    a number.) For a whole text, the value is that of `json.loads`, with four differences: control
    characters are allowed in strings, a lone surrogate becomes U+FFFD, an integer of more than
    4,300 digits is a float, and a value that is nested more than 100 deep is None.

    To watch a text grow, feed its pieces to a `PartialJSON`: this function reads all of it again.

    Args:
        text: JSON, or the beginning of it.
        open_strings: Whether to include the string that has not ended, as far as it has come.

    Returns:
        The value so far, of builtin types; `msgspec.UNSET` if nothing is known yet.

    Raises:
        DecodeError: The text is not the beginning of any JSON. The value before the fault is in
            `partial`.

    >>> partial_json('{"city": "Par')
    {'city': 'Par'}
    >>> partial_json('{"city": "Paris", "days": [1, 2', open_strings=False)
    {'city': 'Paris', 'days': [1]}
    >>> partial_json("tru")
    UNSET
    """
    with suppress(ValueError, TypeError, AttributeError):  # `PartialJSON` raises its own errors
        return parse(text)
    reader = PartialJSON(open_strings=open_strings)
    reader.feed(text)
    return reader.value


class PartialJSON:
    """A reader of JSON that comes in pieces; otherwise as `partial_json`.

    Use it to watch the arguments of a tool call grow: the cost of a piece does not depend on what
    came before. A number may have 5,000 characters.

    Args:
        open_strings: Whether to include the string that has not ended, as far as it has come.

    >>> reader = PartialJSON()
    >>> for piece in ('{"city": "Pa', 'ris", "da', 'ys": 2}'):
    ...     reader.feed(piece)
    ...     print(reader.value)
    {'city': 'Pa'}
    {'city': 'Paris'}
    {'city': 'Paris', 'days': 2}
    """

    def __init__(self, *, open_strings: bool = True) -> None:
        self._open_strings = open_strings
        self._error: DecodeError | None = None
        # How many characters were read, without the carried ones.
        self._read = 0
        self._carried = ""
        self._expected = _VALUE
        # The arrays and objects that are open. The outermost list holds the value of the text.
        self._top: list[Any] = []
        self._stack: list[Any] = [self._top]
        # The latest name in the innermost object.
        self._key = ""
        # The open string: its fragments since the value was last read, and the first half of a
        # surrogate pair at their end.
        self._string: Fragments[str] | None = None
        self._in_key = False
        self._high_surrogate = ""

    @property
    def value(self) -> Any:
        """The value so far, or `msgspec.UNSET` if nothing is known yet.

        It is one tree, which grows with the next pieces. Change nothing in it, and copy it to keep
        it as it is.
        """
        if self._string is not None and self._open_strings and not self._in_key:
            self._extend_string(self._string)
        return self._top[0] if self._top else _as_number(self._carried)

    def feed(self, piece: str, /) -> None:
        """Read the next piece of the text.

        Raises:
            DecodeError: The text is not JSON. The value before the fault is in `partial`. Each
                further piece raises the same error.
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
            if self._string is not None:
                at = self._read_string(text, at, self._string)
            else:
                at = self._read_token(text, at)
        self._read += len(text) - len(self._carried)

    # Reading tokens: each method reads from a position of the text, and returns the next position.

    def _read_token(self, text: str, at: int) -> int:
        match = _TOKEN.match(text, at)
        assert match is not None  # it matches wherever it starts
        literal, word, mark = match.groups()
        end = match.end()
        if mark is not None:
            if mark not in self._expected:
                raise self._fault(end - 1)
            self._read_mark(mark)
        elif match.lastindex is None:  # white space at the end of the piece
            pass
        elif "[" not in self._expected:
            raise self._fault(match.start(match.lastindex))
        elif literal is not None:
            self._put(_LITERALS[literal])
        elif end == len(text) and _is_beginning(word):
            self._carried = word
        else:
            number = _as_number(word) if end < len(text) else msgspec.UNSET
            if number is msgspec.UNSET:
                raise self._fault(match.start(match.lastindex))
            self._put(number)
        return end

    def _read_mark(self, mark: str) -> None:
        if mark == '"':
            self._string = Fragments("".join)
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

    def _read_string(self, text: str, at: int, string: Fragments[str]) -> int:
        match = _STRING.match(text, at)
        assert match is not None  # it matches wherever it starts
        end = match.end()
        ended = text.startswith('"', end)
        string.append(self._unescape(match.group(), ended))
        if not ended:
            if not _ESCAPE_SO_FAR.fullmatch(text, end):
                raise self._fault(end)
            self._carried = text[end:]
            return len(text)
        if self._in_key:
            self._key = string.take()
            self._expected = _COLON
        elif self._open_strings:
            self._extend_string(string)
        else:
            self._put(string.take())
        self._string = None
        return end + 1

    def _unescape(self, inside: str, ended: bool) -> str:
        text = self._high_surrogate + (_read_string(f'"{inside}"') if "\\" in inside else inside)
        self._high_surrogate = ""
        if not ended and "\ud800" <= text[-1:] <= "\udbff":
            self._high_surrogate = text[-1]
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

    def _extend_string(self, string: Fragments[str]) -> None:
        """Move the fragments of the open string to its place in the tree."""
        innermost = self._stack[-1]
        key: Any = -1 if type(innermost) is list else self._key
        text = innermost[key]
        # CPython extends a str in place if there is no other reference to it. To read a string of
        # 400 KB after each of its 100,000 pieces took 0.12 s so, and 0.32 s with `text + piece`.
        innermost[key] = ""
        text += string.take()
        innermost[key] = text

    def _fault(self, at: int) -> DecodeError:
        """Return the error of a text that is not JSON from `at` on, and keep it."""
        error = DecodeError(f"the text is not JSON from character {self._read + at} on")
        error.partial = self.value
        self._error = error
        return error


def _is_beginning(word: str) -> bool:
    """Whether a word is the beginning of a literal, or of a number."""
    is_number = len(word) <= _LONGEST_NUMBER and _NUMBER_SO_FAR.fullmatch(word)
    return bool(is_number) or any(literal.startswith(word) for literal in _LITERALS)


def _as_number(word: str) -> Any:
    match = _NUMBER.fullmatch(word) if len(word) <= _LONGEST_NUMBER else None
    if match is None:
        return msgspec.UNSET
    return as_integer(word) if match.lastindex is None else float(word)
