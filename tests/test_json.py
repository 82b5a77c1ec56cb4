"""Reading what the typed decoder refuses: `_json.py`."""

import json
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssekit._fitting import as_type
from ssekit._json import is_json, join_surrogates, parse, well_formed
from tests.trees import trees


@given(trees)
def test_json_is_read_as_it_stands(tree: Any):
    assert parse(json.dumps(tree)) == tree


@given(st.text(alphabet='{}[]",:\\ \n0ntu\ud83d', max_size=30))
def test_anything_else_is_a_value_error(text: str):
    try:
        tree = parse(text)
    except ValueError:
        return
    msgspec.json.encode(tree)


@pytest.mark.parametrize(
    "text", ["", "[DONE]", "{", '{"a": 1} x', "[" * 100_000, '"\\', '["' * 200]
)
def test_what_is_not_json(text: str):
    with pytest.raises(ValueError, match=r".+"):
        parse(text)


def test_control_characters_and_constants_are_accepted():
    assert parse('["a\nb\t", Infinity]') == ["a\nb\t", float("inf")]


def test_an_integer_of_any_length_is_a_number():
    assert parse("9" * 4_300) == 10**4_300 - 1
    assert parse("9" * 10_000) == float("inf")


@pytest.mark.parametrize("between", ['"[["', '"]]}"', r'"\""', r'"\\"', '"", {}'])
def test_brackets_in_strings_are_no_nesting(between: str):
    nested = f'[{between}, {{"a": ' * 50 + "1" + "}]" * 50
    assert parse(nested) == json.loads(nested)
    with pytest.raises(ValueError, match="brackets"):
        parse(f"[{nested}]")


def test_a_wide_object_is_not_a_deep_one():
    tree = {str(number): [{}] for number in range(1000)}
    assert parse(json.dumps(tree)) == tree


def test_a_large_text_of_hardly_more_than_brackets_is_not_read():
    text = '[{},{"a":{}},%s"b"]'
    assert not is_json(text % ("{}," * 2000))
    assert is_json(text % ("{}," * 200))


@pytest.mark.parametrize("text", ["a", "\ud83d"])
def test_a_copy_shares_nothing(text: str):
    tree = {"a": [{"b": 1}], "c": text}
    copied = well_formed(tree)
    tree["a"][0]["b"] = 2
    assert copied == {"a": [{"b": 1}], "c": join_surrogates(text)}


@pytest.mark.parametrize("levels", [101, 2000])
@pytest.mark.parametrize("innermost", ["a", "\ud83d"])
def test_a_copy_is_not_deep(levels: int, innermost: str):
    deep: Any = innermost
    for _ in range(levels):
        deep = [deep]
    assert well_formed(deep) is None


def test_brackets_in_a_string_that_does_not_end_close_nothing():
    assert not is_json("[" * 101 + '"' + "]" * 101)


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("a", "a"),
        ("é", "é"),
        ("\ud83d\ude00", "😀"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("a\ud83d", "a\ufffd"),
        ("\ud83d\ud83d\ude00", "\ufffd😀"),
    ],
)
def test_surrogates_join_or_are_replaced(text: str, joined: str):
    assert join_surrogates(text) == joined


def test_halves_stay_at_the_ends_of_fragments():
    text = r'{"content": "\ude00 \ud83d \ud83d", "other": "\ud83d", "\ud83d": 1}'
    tree = parse(text, {"content"})
    assert tree == {"content": "\ude00 \ufffd \ud83d", "other": "\ufffd", "\ufffd": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r'"\\ud83d \\\ud83d"', "\\ud83d \\\ufffd"),
        (r'"\ude00\ud83d\uDE00\uD83D"', "\ufffd😀\ufffd"),
        (r'{"a": "\"\ude00", "b": "a"}', {"a": '"\ufffd', "b": "a"}),
        (r'{"a": ["\ud83d", 1, "\ude00\ude00"]}', {"a": ["\ud83d", 1, "\ude00\ufffd"]}),
        (r'{"b": "\"a\": ", "a": {"b": "\ud83d"}}', {"b": '"a": ', "a": {"b": "\ufffd"}}),
        ('{"a": "\ud83d", "b": "\ud83d\ude00\ud83d"}', {"a": "\ud83d", "b": "😀\ufffd"}),
    ],
)
def test_halves_are_found_in_the_text(text: str, expected: Any):
    assert parse(text, {"a"}) == expected


@pytest.mark.parametrize("texts", [["\ud83d"], ["\ud83d", "\0\ud83d"], ["\xe9"], ["", 1], [1]])
def test_long_lists_of_one_type_are_mended_too(texts: list[Any]):
    tree = 20 * texts
    mended = [join_surrogates(item) if isinstance(item, str) else item for item in tree]
    assert well_formed(tree) == mended
    assert parse(json.dumps({"content": tree}), {"content"}) == {"content": tree}
    assert parse(json.dumps(tree)) == mended


class Inner(msgspec.Struct):
    """A struct without which fields it is still one."""

    n: int = 0
    texts: list[str] | None = None


class Outer(msgspec.Struct):
    """A struct that must have a name."""

    name: str
    inner: Inner | None = None
    inners: list[Inner] = []
    kind: str | None = msgspec.field(default=None, name="type")
    scores: list[float | None] | None = None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"name": "a", "inner": {"n": 1}}, Outer("a", Inner(1))),
        ({"name": "a", "inner": 5, "type": 7}, Outer("a")),
        ({"name": "a", "inner": {"n": "x", "texts": ["t"]}}, Outer("a", Inner(0, ["t"]))),
        ({"name": "a", "inner": {"texts": ["t", 5, None]}}, Outer("a", Inner(0, ["t"]))),
        ({"name": "a", "inners": [{"n": 1}, 5, {"n": []}]}, Outer("a", inners=[Inner(1), Inner()])),
        ({"name": "a", "type": "k", "inner": []}, Outer("a", kind="k")),
        ({"name": "a", "inner": {"n": 3.0}}, Outer("a", Inner(3))),
        ({"name": "a", "inner": {"n": -(2.0**53)}}, Outer("a", Inner(-(2**53)))),
        ({"name": "a", "inner": {"n": 2.0**54}}, Outer("a", Inner())),
        ({"name": "a", "inner": {"n": 1.5}}, Outer("a", Inner())),
        ({"name": "a", "inner": {"n": "7"}}, Outer("a", Inner(7))),
        ({"name": "a", "inner": {"n": "²"}}, Outer("a", Inner())),
        ({"name": "a", "inner": {"n": float("inf")}}, Outer("a", Inner())),
        ({"name": "a", "scores": [1.5, "x", None, []]}, Outer("a", scores=[1.5, None, None, None])),
        ({"name": "a", "scores": "x"}, Outer("a")),
        ({"name": None}, msgspec.UNSET),
        ({}, msgspec.UNSET),
        ([], msgspec.UNSET),
        (None, msgspec.UNSET),
    ],
)
def test_what_does_not_fit_counts_as_absent(value: Any, expected: Any):
    assert as_type(value, Outer) == expected


class Tagged(msgspec.Struct, tag_field="type"):
    """A struct that is told from others by its tag."""


class Shape(dict[str, Any]):
    """One that is neither."""


class Circle(Tagged, tag="circle"):
    """One of them."""

    __unknown__: ClassVar = Shape
    radius: int = 0


class Square(Tagged, tag="square"):
    """Another."""

    side: int = 0


@pytest.mark.parametrize(
    ("value", "type_", "expected"),
    [
        ({"type": "square", "side": "x"}, Circle | Square | None, Square()),
        ({"type": "circle", "radius": "x"}, Circle | Square, Circle()),
        ({"type": "star", "points": 5}, Circle | Square, {"type": "star", "points": 5}),
        ({"type": ["circle"]}, Circle | Square, {"type": ["circle"]}),
        ({"points": 5}, Circle | Square, {"points": 5}),
        (Shape(type="circle", radius="x"), Circle, Shape(type="circle", radius="x")),
        ({"type": "star"}, Square, msgspec.UNSET),
        ([{"points": 5}, {"type": "star"}, {}], list[Circle | Square], [{"type": "star"}]),
        (5, float | None, 5.0),
        (10**400, float | None, msgspec.UNSET),
        ([{"a": 1}, {"a": "x"}], list[dict[str, float]], [{"a": 1.0}]),
        ([1, "x", 2], tuple[int, ...], (1, 2)),
        ([{"type": "star"}, {"type": "square", "side": 1}, 5], list[Square], [Square(1)]),
    ],
)
def test_the_tag_tells_which_struct_it_is(value: Any, type_: Any, expected: Any):
    assert as_type(value, type_) == expected
