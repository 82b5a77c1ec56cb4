"""What the accumulators share: `_fold.py`."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssekit import Finish, ReasoningDelta, TextDelta, ToolCallDelta
from ssekit._fold import JSONText, SurrogateJoiner, Text, deep_copy, merge
from ssekit.chat._calls import ToolCallTable
from tests.test_json import trees

# The pieces (index, id, name, arguments), and the calls (id, name, arguments) they are pieces of.
CALLS = {
    "OpenAI: id and name first, then by index": (
        [
            (0, "a", "f", ""),
            (0, None, None, "{"),
            (1, "b", "g", ""),
            (0, None, None, "}"),
            (1, None, None, "[]"),
        ],
        [("a", "f", "{}"), ("b", "g", "[]")],
    ),
    "whole calls without an index (Mistral)": (
        [(None, "a", "f", "{}"), (None, "b", "f", "{}")],
        [("a", "f", "{}"), ("b", "f", "{}")],
    ),
    "pieces without an index": (
        [(None, "a", "f", "{"), (None, None, None, "}")],
        [("a", "f", "{}")],
    ),
    "two ids at one index (Ollama)": (
        [(0, "a", "f", "{}"), (0, "b", "f", "{}"), (0, None, None, " ")],
        [("a", "f", "{}"), ("b", "f", "{} ")],
    ),
    "an id that comes again": (
        [(0, "a", "f", "{"), (0, "a", None, "}"), (0, "a", "f", "")],
        [("a", "f", "{}")],
    ),
    "an id that comes again at another index": (
        [(0, "a", "f", "{"), (1, "b", "g", ""), (5, "a", None, "}"), (5, None, None, " ")],
        [("a", "f", "{} "), ("b", "g", "")],
    ),
    "one id of every call, at indices (DeepSeek, GLM)": (
        [(0, "x", "f", '{"a":1}'), (1, "x", "g", "{"), (0, "x", None, " "), (1, "x", None, "}")],
        [("x", "f", '{"a":1} '), ("x", "g", "{}")],
    ),
    "one id and one name, at indices": (
        [(0, "f", "f", "[1]"), (1, "f", "f", ""), (1, None, None, "[2]")],
        [("f", "f", "[1]"), ("f", "f", "[2]")],
    ),
    "one id and one name, at one index (Google's adapters)": (
        [(0, "f", "f", "[1]"), (0, "f", "f", "["), (0, "f", "f", "2]"), (0, "f", "f", "[3]")],
        [("f", "f", "[1]"), ("f", "f", "[2]"), ("f", "f", "[3]")],
    ),
    "one id and another name, at no index": (
        [(None, "x", "f", ""), (None, "x", "g", "[1]"), (None, "x", None, " ")],
        [("x", "f", ""), ("x", "g", "[1] ")],
    ),
    "an id and its name, again, without an index": (
        [(None, "a", "f", "[1]"), (None, "b", "g", "[2]"), (None, "a", "f", "")],
        [("a", "f", "[1]"), ("b", "g", "[2]")],
    ),
    "a new id for each piece": (
        [(0, "a", "f", "{"), (0, "b", None, "1"), (0, "c", None, "}")],
        [("a", "f", "{1}")],
    ),
    "a new id for each piece, some of them empty": (
        [(0, "a", "f", ""), (0, "b", "", ""), (0, "c", None, "[]"), (0, "d", None, "")],
        [("a", "f", "[]")],
    ),
    "a new id and nothing else": (
        [(0, "a", "f", "{}"), (0, "b", None, None), (0, None, "g", "[]")],
        [("a", "f", "{}"), ("b", "g", "[]")],
    ),
    "whole calls without ids at one index (Google)": (
        [(0, "", "f", '{"a":"}"}'), (0, "", "f", "{}"), (0, "", "g", "{}")],
        [("", "f", '{"a":"}"}'), ("", "f", "{}"), ("", "g", "{}")],
    ),
    "whole calls without ids or index": (
        [(None, "", "f", "{}"), (None, "", "f", "{}")],
        [("", "f", "{}"), ("", "f", "{}")],
    ),
    "a name in every piece": (
        [
            (0, None, "f", '{"a'),
            (0, None, "f", '": "\\'),
            (0, None, "f", '"}"'),
            (0, None, "f", "}"),
        ],
        [("", "f", '{"a": "\\"}"}')],
    ),
    "an id in a later piece": (
        [(0, None, "f", None), (0, "a", None, "{}")],
        [("a", "f", "{}")],
    ),
    "a name in a later piece": (
        [(0, "a", None, None), (0, None, "f", None), (0, None, None, "{}")],
        [("a", "f", "{}")],
    ),
    "an empty id at the end (Alibaba)": (
        [(0, "a", "f", "{"), (0, "", None, "}"), (0, "", "", "")],
        [("a", "f", "{}")],
    ),
    "an index is a key": (
        [(10**12, "a", "f", "1"), (-1, "b", "g", "2"), (1, "c", "h", "3"), (-1, None, None, "4")],
        [("a", "f", "1"), ("b", "g", "24"), ("c", "h", "3")],
    ),
    "{} in the place of what comes": (
        [(0, "a", "f", "{}"), (0, None, None, '{"a'), (0, None, None, '":{}}')],
        [("a", "f", '{"a":{}}')],
    ),
    "{} in the place of what comes, and then another call": (
        [(0, "", "f", "{}"), (0, "", "", "{"), (0, "", "f", "}"), (0, "", "f", "[]")],
        [("", "f", "{}"), ("", "f", "[]")],
    ),
    "{} in the place of what comes, twice, with the id and the name in each piece": (
        [(0, "a", "f", "{}"), (0, "a", "f", "{}"), (0, "a", "f", '{"a":'), (0, "a", "f", "1}")],
        [("a", "f", '{"a":1}')],
    ),
    "white space after the end, with the id and the name in each piece": (
        [(0, "a", "f", '{"a"'), (0, "a", "f", ":1}"), (0, "a", "f", "\n")],
        [("a", "f", '{"a":1}\n')],
    ),
    "an id and a name at another index, after a whole": (
        [(0, "a", "f", "[1]"), (1, "a", "f", "[2]")],
        [("a", "f", "[1]"), ("a", "f", "[2]")],
    ),
    "{} with more after it": (
        [(0, "a", "f", "{}"), (0, None, None, None), (0, None, None, " ")],
        [("a", "f", "{} ")],
    ),
    "nothing at all": ([(0, None, None, None)], [("", "", "")]),
}


@pytest.mark.parametrize(("pieces", "calls"), CALLS.values(), ids=CALLS)
def test_which_call_a_piece_belongs_to(pieces, calls):
    table = ToolCallTable(0)
    for piece in pieces:
        table.add(*piece)
    assert [(call.id, call.name, str(call.arguments)) for call in table.calls] == calls
    assert [call.place for call in table.calls] == list(range(len(calls)))


@given(trees.filter(lambda tree: isinstance(tree, dict | list)), st.data())
def test_arguments_without_an_id_are_whole_when_their_json_is(tree, data):
    """The same name again is another call, if and only if the arguments before were whole."""
    arguments = json.dumps(tree, ensure_ascii=False)
    cut = data.draw(st.integers(1, len(arguments)))
    table = ToolCallTable(0)
    for character in arguments[:cut]:
        table.add(0, None, None, character)
    table.add(0, None, "f", None)
    table.add(0, None, "f", None)
    assert len(table.calls) == (2 if cut == len(arguments) else 1)


def test_the_view_of_a_call_is_one_object_until_the_next_piece():
    table = ToolCallTable(0)
    call, _ = table.add(0, "a", "f", "{")
    view = call.build()
    assert call.build() is view
    table.add(0, None, None, "}")
    assert (view.arguments, call.build().arguments) == ("{", "{}")


halves = st.text(alphabet="a\u00e9\ud83d\ude00", max_size=4)


@given(st.lists(st.tuples(st.sampled_from([TextDelta, ReasoningDelta]), st.integers(0, 1), halves)))
def test_deltas_join_to_their_text_and_none_ends_within_a_pair(said):
    pairs = SurrogateJoiner()
    mended = [pairs.join(kind(index, piece)) for kind, index, piece in said]
    deltas = [*filter(None, mended), *pairs.flush()]
    for kind in (TextDelta, ReasoningDelta):
        for index in (0, 1):
            text = "".join(piece for *key, piece in said if key == [kind, index])
            whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            mine = [d.text for d in deltas if (type(d), d.index) == (kind, index)]
            assert "".join(mine) == whole
            assert "".join(mine).encode() == b"".join(piece.encode() for piece in mine)


def test_arguments_are_mended_by_their_place():
    pairs = SurrogateJoiner()
    first, second = (ToolCallDelta(0, place, "", "f", "\ud83d") for place in (0, 1))
    assert (pairs.join(first), pairs.join(second)) == (None, None)
    third = pairs.join(ToolCallDelta(0, 1, "", "f", "\ude00"))
    assert third == ToolCallDelta(0, 1, "", "f", "😀")
    assert list(pairs.flush()) == [ToolCallDelta(0, 0, "", "f", "\ufffd")]
    assert list(pairs.flush()) == []


class JSONObject(msgspec.Struct, frozen=True):
    """A struct that holds what hosts shape in their own way."""

    a: int | None = None
    b: dict[str, list[int]] | None = None
    c: Finish | None = None


def test_newer_fields_win_and_null_does_not():
    old, new = JSONObject(1, {"x": [1]}), JSONObject(2, None, Finish(0, "stop", "stop"))
    assert merge(None, old) is old
    assert merge(old, new) == JSONObject(2, {"x": [1]}, Finish(0, "stop", "stop"))


def test_an_own_copy_shares_nothing_mutable():
    value = JSONObject(1, {"x": [1]}, Finish(0, "stop", "stop"))
    copied = deep_copy(value)
    value.b["x"].append(2)
    assert copied == JSONObject(1, {"x": [1]}, Finish(0, "stop", "stop"))


def test_an_own_copy_of_a_list_of_structs_shares_nothing_mutable():
    value = [JSONObject(1, {"x": [1]}), JSONObject(2)]
    copied = deep_copy(value)
    value[0].b["x"].append(2)
    assert copied == [JSONObject(1, {"x": [1]}), JSONObject(2)]


# Wholes that override: the pieces before, the wholes, what deltas emit at each, and the text.
OVERRIDDEN = {
    "the rest": ("ab", ["abc"], ["c"], "abc"),
    "the same": ("abc", ["abc", "", None], ["", "", ""], "abc"),
    "another": ("ab", ["xy"], [""], "xy"),
    "what goes on from another": ("ab", ["xy", "xyz"], ["", ""], "xyz"),
    "the end of it": ("hello world", ["world", "d"], ["", ""], "hello world"),
    "the beginning of it": ("hello world", ["hello", "hell"], ["", ""], "hell"),
    "half of what came twice": ("abab", ["ab"], [""], "ab"),
    "an end with pairs": ("a\ud83d\ude00", ["\U0001f600"], [""], "a\U0001f600"),
    "nothing before": ("", ["a"], ["a"], "a"),
}


@pytest.mark.parametrize("kind", [Text, JSONText])
@pytest.mark.parametrize(
    ("pieces", "wholes", "emitted", "made"), OVERRIDDEN.values(), ids=OVERRIDDEN
)
def test_a_whole_that_overrides(kind, pieces, wholes, emitted, made):
    text = kind()
    for piece in pieces:
        text.add(piece)
    assert [text.override(whole) for whole in wholes] == emitted
    assert str(text) == made


@pytest.mark.parametrize(
    ("verb", "before", "whole", "made"),
    [
        ("begin", "{}", "[1]", "[1]"),
        ("begin", "[1]", "[1]", "[1]"),
        ("begin", "[1]", "{}", "[1]"),
        ("add", "[1]", "{}", "[1]"),
        ("add", "{", "{}", "{}"),
        ("add", "x", "{}", "{}"),
    ],
)
def test_a_placeholder_replaces_no_arguments(verb, before, whole, made):
    text = JSONText()
    getattr(text, verb)(before)
    text.override(whole)
    text.flush()
    assert str(text) == made


def test_arguments_that_were_overridden_end_anew():
    text = JSONText()
    text.add("[1")
    assert not text.ended
    text.override("{}{")
    assert not text.ended
    text.override("[2]")
    assert text.ended
