"""JSON that has not ended: `_partial_json.py`."""

import copy
import json
import math
import pickle
import re
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import UNSET

from ssekit import DecodeError, PartialJSON, partial_json
from tests.trees import trees

# The value of a text of which so many characters have come, made of the whole tree, as
# the text is written: what is known of a string, of an array, of a number.
Known: TypeAlias = Callable[[int], Any]

SPACES = st.sampled_from(["", "", " ", "\n\t", "\r "])
SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "/": "\\/"}


class Writer:
    """Writes a tree as JSON, in any of the ways that there are."""

    def __init__(self, draw: st.DrawFn, *, open_strings: bool) -> None:
        self._draw = draw
        self._open_strings = open_strings
        self.text = ""

    def space(self) -> None:
        self.text += self._draw(SPACES)

    def value(self, tree: Any) -> Known:
        self.space()
        if isinstance(tree, str):
            known = self.string(tree)
        elif isinstance(tree, list):
            known = self.array(tree)
        elif isinstance(tree, dict):
            known = self.object(tree)
        else:
            self.text += json.dumps(tree)
            end = len(self.text)
            # The next character shows that a number in digits has ended.
            finished = end + 1 if self.text[-1].isdigit() else end
            known = lambda n: tree if n >= finished else UNSET  # noqa: E731
        self.space()
        return known

    def string(self, string: str) -> Known:
        start = len(self.text)
        self.text += '"'
        ends = []
        for character in string:
            units = character.encode("utf-16-be")
            escapes = "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
            ways = [escapes, escapes.upper().replace("U", "u"), SHORT_ESCAPES.get(character)]
            ways += [character] * (character not in '"\\')
            self.text += self._draw(st.sampled_from([way for way in ways if way]))
            ends.append(len(self.text))
        self.text += '"'
        end = len(self.text)

        def known(n: int) -> Any:
            if n <= start or (n < end and not self._open_strings):
                return UNSET
            return string[: sum(n >= each for each in ends)]

        return known

    def array(self, array: list[Any]) -> Known:
        start = len(self.text)
        items = []
        for number, item in enumerate(array):
            self.text += "," if number else "["
            items.append(self.value(item))
        self.end("[", "]", bool(array))

        def known(n: int) -> Any:
            return [item(n) for item in items if item(n) is not UNSET] if n > start else UNSET

        return known

    def object(self, tree: dict[str, Any]) -> Known:
        start = len(self.text)
        members = {}
        for number, (name, value) in enumerate(tree.items()):
            self.text += "," if number else "{"
            self.space()
            self.string(name)
            self.space()
            self.text += ":"
            members[name] = self.value(value)
        self.end("{", "}", bool(tree))

        def known(n: int) -> Any:
            if n <= start:
                return UNSET
            return {name: value(n) for name, value in members.items() if value(n) is not UNSET}

        return known

    def end(self, opening: str, closing: str, begun: bool) -> None:
        if not begun:
            self.text += opening
            self.space()
        self.text += closing


@st.composite
def written(draw: st.DrawFn, *, open_strings: bool) -> tuple[str, Known]:
    tree = draw(trees)
    writer = Writer(draw, open_strings=open_strings)
    known = writer.value(tree)
    if isinstance(tree, bool | None) or not isinstance(tree, int | float):
        return writer.text, known
    # A number that is the whole text: each beginning of it that is one is a whole text too.
    return writer.text, lambda n: a_number(writer.text[:n])


def a_number(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return UNSET


def same(one: Any, other: Any) -> bool:
    """Whether two trees are equal, and of the same types: 1 is neither 1.0 nor True."""
    return repr(one) == repr(other)


@given(written(open_strings=True))
def test_what_every_beginning_means(made: tuple[str, Known]):
    text, known = made
    for n in range(len(text) + 1):
        assert same(partial_json(text[:n]), known(n)), text[:n]


@given(written(open_strings=False))
def test_what_every_beginning_means_without_open_strings(made: tuple[str, Known]):
    text, known = made
    for n in range(len(text) + 1):
        assert same(partial_json(text[:n], open_strings=False), known(n)), text[:n]


# Texts that may or may not be JSON, of what a reader could stumble over.
TOKENS = [
    *("{", "}", "[", "]", ",", ":", '"', '"a"', '"a":', "\\", "\\n", "\\u", "\\ud83d", "\\ude00"),
    *("0", "1", "-", ".", "e", "E+", "true", "nul", "NaN", "-Inf", "inity", "x", "é", "\0"),
    *(" ", "\n", "\x0b", "\ud83d", "\ude00", "u00", "/", "'"),
]
soups = st.lists(st.sampled_from(TOKENS), max_size=10).map("".join)


def read(pieces: list[str]) -> tuple[str, Any]:
    """Return the value of pieces, and the error that ended the reading."""
    reader = PartialJSON()
    try:
        for piece in pieces:
            reader.feed(piece)
    except DecodeError as error:
        assert same(error.partial, reader.value)
        return repr(reader.value), str(error)
    return repr(reader.value), None


@st.composite
def divided(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> list[str]:
    text = draw(texts)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@given(divided(soups | trees.map(json.dumps)))
def test_cuts_do_not_matter(pieces: list[str]):
    text = "".join(pieces)
    assert read(pieces) == read([text]) == read(list(text))


@given(soups | trees.map(json.dumps))
@example('"\\ud83d"')
@example("[1, " + "9" * 641 + "]")
@example("[" + "[]," * 100 + "0]")
@example("[" * 100 + "]" * 100)
@example("[" * 101 + "]" * 101)
@example('{"a":' * 101 + "0" + "}" * 101)
@example("[" * 5000 + "]" * 5000)
@example('"' + "[" * 2000 + '"')
def test_a_text_at_once_means_what_its_pieces_mean(text: str):
    """Though a whole text is read by another reader."""
    stated, error = read([*text])
    try:
        assert (repr(partial_json(text)), None) == (stated, error)
    except DecodeError as raised:
        assert str(raised) == error


@given(divided(trees.map(json.dumps)))
def test_looking_does_not_matter(pieces: list[str]):
    reader = PartialJSON()
    so_far = ""
    for piece in pieces:
        reader.feed(piece)
        so_far += piece
        assert same(reader.value, partial_json(so_far))


NUMBERS = ["-0", "-0.0", "0.050", "1e0", "1e05", "-1.0e-007", "1E+22", "9" * 4300, "0." + "3" * 900]


@pytest.mark.parametrize("size", [1, 7, 990])
@pytest.mark.parametrize("text", NUMBERS, ids=lambda text: f"{text[:9]} ({len(text)})")
def test_a_number_that_grows(text: str, size: int):
    reader, in_list = PartialJSON(), PartialJSON()
    in_list.feed("[")
    for start in range(0, len(text), size):
        so_far = text[: start + size]
        reader.feed(text[start : start + size])
        in_list.feed(text[start : start + size])
        assert same(reader.value, a_number(so_far)), so_far
    in_list.feed("]")
    assert in_list.value == [a_number(text)]


LITERALS = ["true", "false", "null", "NaN", "Infinity", "-Infinity"]
# What ends an unfinished token, and what a name needs behind it.
ENDS = ["", '"', '""', "0", *("u0000"[n:] + '"' for n in range(5))]
ENDS += [literal[n:] for literal in LITERALS for n in range(1, len(literal))]
ENDS += [end + ":0" for end in ENDS if end.endswith('"')] + [":0"]


# A string, whole or not.
STRING = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)', re.DOTALL)


def closing(text: str) -> str:
    """Return what closes the arrays and objects that are open in a text."""
    opened: list[str] = []
    for bracket in re.findall(r"[\[\]{}]", STRING.sub("", text)):
        if bracket in "[{":
            opened.append("]" if bracket == "[" else "}")
        elif opened:
            opened.pop()
    return "".join(reversed(opened))


def may_go_on(text: str) -> bool:
    """Whether something makes the text JSON: found by trying."""
    for end in ENDS:
        try:
            json.loads(text + end + closing(text), strict=False)
        except ValueError:
            continue
        return True
    return False


@given(soups)
@example('["\\')
@example('{"a\\"":{"b":[')
@example('["\\u1')
@example('"{\\')
def test_only_what_can_never_be_json_is_an_error(text: str):
    assert (read([text])[1] is None) == may_go_on(text)


# What is no JSON: the text, where that is known, and its value before.
FAULTS: dict[str, tuple[str, int, Any]] = {
    "no value": ("x", 0, UNSET),
    "a value too many": ("[1] 2", 4, [1]),
    "a byte order mark": ("\ufeff[]", 0, UNSET),
    "no comma": ('["a" "b"]', 5, ["a"]),
    "a comma before the end": ("[1,]", 3, [1]),
    "a comma before the end of an object": ('{"a":1,}', 7, {"a": 1}),
    "the wrong bracket": ("[1}", 2, [1]),
    "a bracket too many": ("[]]", 2, []),
    "a name that is no string": ("{1", 1, {}),
    "a literal for a name": ("{null", 1, {}),
    "no colon": ('{"a" 1', 5, {}),
    "a wrong literal": ("[trust", 1, []),
    "a literal that goes on": ("[truest", 5, [True]),
    "half a literal": ("[nul]", 1, []),
    "a leading zero": ("[1,01", 3, [1]),
    "a number that ends too early": ("[1.]", 1, []),
    "a number that is too long": (f"[1, {'1' * 5001}", 4, [1]),
    "two points": ("[1.5.", 1, []),
    "a plus": ("[+1", 1, []),
    "a wrong escape": ('["ab\\q', 4, ["ab"]),
    "a wrong escape in a name": ('{"ab\\q', 4, {}),
    "a wrong escape of four digits": ('["ab\\u12x', 4, ["ab"]),
    "a quotation mark within an escape": ('["\\u1"', 2, [""]),
    "a wrong escape behind half a pair": ('["a\\ud83d\\q', 9, ["a"]),
    "a space that is none": ("[\x0b", 1, []),
}


@pytest.mark.parametrize(("text", "place", "partial"), FAULTS.values(), ids=FAULTS)
def test_what_is_no_json_is_reported_with_its_place(text: str, place: int, partial: Any):
    with pytest.raises(DecodeError, match=rf"character {place} on") as raised:
        partial_json(text)
    assert same(raised.value.partial, partial)
    assert same(pickle.loads(pickle.dumps(raised.value)).partial, partial)
    partial_json(text[:place])  # so far it was the beginning of JSON


def test_a_reader_that_failed_fails_again():
    reader = PartialJSON()
    with pytest.raises(DecodeError) as first:
        reader.feed('["a", x')
    with pytest.raises(DecodeError) as second:
        reader.feed("]")
    assert second.value is first.value
    assert reader.value == ["a"]


@pytest.mark.parametrize("text", [b"[1", None, 5, {}])
def test_misuse_is_refused(text: Any):
    with pytest.raises(TypeError, match="comes as str, not as"):
        partial_json(text)


# What is not in the text of every tree.

VALUES: dict[str, tuple[str, Any]] = {
    "nothing": ("", UNSET),
    "white space": (" \n", UNSET),
    "a string": ('"ab', "ab"),
    "a backslash": ('"ab\\', "ab"),
    "an escape": ('"ab\\u00e', "ab"),
    "half a pair": ('"ab\\ud83d', "ab"),
    "half a pair, and the beginning of an escape": ('"ab\\ud83d\\u', "ab"),
    "a pair": ('"ab\\ud83d\\ude00', "ab😀"),
    "half a pair, and more": ('"ab\\ud83dc', "ab\ufffdc"),
    "half a pair, and another escape": ('"ab\\ud83d\\n', "ab\ufffd\n"),
    "half a pair, at the end": ('"ab\\ud83d"', "ab\ufffd"),
    "another half": ('"ab\\ude00', "ab\ufffd"),
    "half a pair that is no escape": ('"ab\ud83d', "ab"),
    "a pair that is no escape": ('"ab\ud83d\ude00', "ab😀"),
    "half a pair in a name": ('{"\\ud83d": 1}', {"\ufffd": 1}),
    "control characters": ('["a\n\0', ["a\n\0"]),
    "a name": ('{"ab', {}),
    "a name without a value": ('{"a": 1, "b": ', {"a": 1}),
    "a literal": ("[tru", []),
    "a whole literal": ("[true", [True]),
    "constants": ("[NaN, Infinity, -Infinity", [math.nan, math.inf, -math.inf]),
    "half a constant": ("[-Inf", []),
    "a minus": ("-", UNSET),
    "a number that is the whole text": ("-12", -12),
    "and that is unfinished": ("12.", UNSET),
    "and that has an exponent": ("1e2", 100.0),
    "a number that may go on": ("[1, 2", [1]),
    "a number that has ended": ("[1, 2 ", [1, 2]),
    "numbers": ("[-0, 0.5E-1, 1e999,", [0, 0.05, math.inf]),
    "a number of 4,300 digits": (f"[{'9' * 4300}]", [int("9" * 4300)]),
    "a number of more digits": (f"[{'9' * 5000}]", [math.inf]),
    "a name twice": ('{"a": [1, 2], "a": [3', {"a": []}),
    "a name twice, once without a value": ('{"a": [1, 2], "a": 3', {"a": [1, 2]}),
}


@pytest.mark.parametrize(("text", "value"), VALUES.values(), ids=VALUES)
def test_what_a_text_means(text: str, value: Any):
    assert same(partial_json(text), value)
    assert read(list(text)) == (repr(value), None)


def test_what_is_left_out_with_the_open_strings():
    assert partial_json('"ab', open_strings=False) is UNSET
    assert partial_json('["ab", "c', open_strings=False) == ["ab"]
    assert partial_json('{"a": {"b": "c', open_strings=False) == {"a": {}}
    assert partial_json('{"a": "b", "a": "c', open_strings=False) == {"a": "b"}


def depth(tree: Any) -> int:
    levels = 0
    while isinstance(tree, list) and tree:
        levels, tree = levels + 1, tree[0]
    return levels


@pytest.mark.parametrize("text", ["[" * 30_000, '{"a":' * 30_000])
def test_what_is_nested_too_deep_is_null(text: str):
    assert "None" in repr(partial_json(text))
    closing = "]" if text[0] == "[" else "0}"
    partial_json(text + closing * (1 if text[0] == "{" else 30_000))
    with pytest.raises(DecodeError):
        partial_json(text + "x")


def test_a_hundred_levels_are_read():
    deep = partial_json("[" * 101 + '"a", {"b": [1' + "]}" + "]" * 101)
    assert depth(deep) == 100
    assert json.loads(json.dumps(deep)) == deep
    assert same(partial_json("[" * 100 + "5" + "]" * 100), json.loads("[" * 100 + "5" + "]" * 100))


def test_the_value_is_one_tree_that_grows():
    reader = PartialJSON()
    reader.feed('{"a": ["b')
    value = reader.value
    kept = copy.deepcopy(value)
    reader.feed('c", 1]')
    assert reader.value is value == {"a": ["bc", 1]}
    assert kept == {"a": ["b"]}


def test_a_string_that_was_looked_at_stays_as_it_was():
    reader = PartialJSON()
    reader.feed('["b')
    before = reader.value[0]
    reader.feed("c")
    assert (before, reader.value[0]) == ("b", "bc")
