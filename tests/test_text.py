"""Texts in progress, and the JSON text of arguments: `_text.py`."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssekit._text import NO_TEXT, JSONText, Text
from tests.trees import trees

# Texts. The verbs and their values, what deltas emit at each, and the text that they make.
TEXTS = {
    "pieces": ("add a, add , add b", "a||b", "ab"),
    "an initial value": ("begin a, add b", "a|b", "ab"),
    "an initial value after a piece": ("add a, begin b", "a|", "a"),
    "an initial value that is empty": ("begin , add a", "|a", "a"),
    "the whole at the end": ("add a, override ab", "a|b", "ab"),
    "the whole alone": ("override ab", "ab", "ab"),
    "the whole twice": ("override ab, override ab", "ab|", "ab"),
    "a whole that grows": ("override a, override ab, override abc", "a|b|c", "abc"),
    "a whole that contradicts": ("add ab, override xy, override xyz", "ab||z", "xyz"),
}


def emitted(text, verbs):
    """Return what a text emits at each verb."""
    steps = [verb.partition(" ") for verb in verbs.split(", ")]
    return "|".join(
        getattr(text, verb)(*([value] if blank else [])) for verb, blank, value in steps
    )


@pytest.mark.parametrize(("verbs", "deltas", "whole"), TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("kind", [Text, JSONText])
def test_a_text(kind, verbs, deltas, whole):
    text = kind()
    assert (emitted(text, verbs), str(text)) == (deltas, whole)


@pytest.mark.parametrize("verb", ["begin", "add", "append", "override"])
@pytest.mark.parametrize("piece", ["a", "{}", '{"a":1}'])
def test_nothing_is_added_to_the_text_that_parts_share(verb, piece):
    with pytest.raises(AttributeError):
        getattr(NO_TEXT, verb)(piece)
    assert (str(NO_TEXT), NO_TEXT.size()) == ("", 0)


def test_a_text_is_repeated_by_all_of_it_alone():
    text = Text()
    text.add("ab")
    assert [text.repeats(piece) for piece in ("ab", "a", "abc")] == [True, False, False]


def test_a_pair_in_halves_is_whole_in_the_whole():
    text = Text()
    assert [text.add("\ud83d"), text.add("\ude00"), text.override("😀!")] == [
        "\ud83d",
        "\ude00",
        "!",
    ]
    assert text.override(None) == ""


# The same of the JSON text of arguments, and whether the object has ended.
ARGUMENTS = {
    "pieces": ('add {"a":, add 1}', '{"a":|1}', '{"a":1}', True),
    "a placeholder": ('begin {}, add {"a":, add 1', '|{"a":|1', '{"a":1', False),
    "a placeholder as a piece": ('add {}, add {"a", add :1}', '|{"a"|:1}', '{"a":1}', True),
    "a placeholder alone": ("add {}, flush", "|{}", "{}", True),
    "a placeholder twice": ("add {}, add {}, flush", "||{}", "{}", True),
    "a placeholder, and nothing": ("begin {}, add , flush", "||{}", "{}", True),
    "a placeholder that goes on": ("add {}, add \n, flush", "|{}\n|", "{}\n", True),
    "a placeholder, and an array": ("add {}, add [1], flush", "|[1]|", "[1]", True),
    "a whole, and a placeholder": ("begin [1], add {}, flush", "||[1]", "[1]", True),
    "a placeholder, and the whole": ("add {}, override [1], flush", "|[1]|", "[1]", True),
    "a placeholder, and no whole": ("add {}, override , flush", "||{}", "{}", True),
    "a whole value at the beginning": ("begin [1], flush", "|[1]", "[1]", True),
    "a whole value, and the same": ("begin [1], add [1], flush", "||[1]", "[1]", True),
    "a whole value, and another": ("begin [1], add [2], flush", "|[2]|", "[2]", True),
    "a second beginning": ("begin [1], begin [2], flush", "||[1]", "[1]", True),
    "half a value at the beginning": ("begin [1, add ]", "[1|]", "[1]", True),
    "an object after pieces": ("add {, add }, add {}", "{|}|", "{}", True),
    "the whole again": ('add {"a":, add 1}, add {"a":1}', '{"a":|1}|', '{"a":1}', True),
    "the whole again, of other spelling": (
        'add {"a":1}, add {"a": 1}', '{"a":1}|', '{"a":1}', True
    ),
    "the same length": ("add [1], add [2]", "[1]|[2]", "[1][2]", True),
    "the same that is no JSON": ("add [1, add [1", "[1|[1", "[1[1", False),
    "brackets in strings": ('add ["}]\\, add "[", add ]', '["}]\\|"["|]', '["}]\\"["]', True),
    "a quote behind a divided escape": ('add ["\\, add "', '["\\|"', '["\\"', False),
    "no object": ("add 12", "12", "12", False),
    "nothing": ("add ", "", "", False),
}  # fmt: skip


@pytest.mark.parametrize("early", [False, True], ids=["asked at the end", "asked at each piece"])
@pytest.mark.parametrize(("verbs", "deltas", "whole", "ended"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_the_text_of_arguments(verbs, deltas, whole, ended, early):
    text = JSONText()
    assert not text.ended if early else True
    assert emitted(text, verbs) == deltas
    assert (str(text), text.ended) == (whole, ended)


def test_a_placeholder_counts_before_it_is_emitted():
    text = JSONText()
    text.begin("{}")
    assert (str(text), text.ended, text.repeats("{}"), text.repeats("[]")) == (
        ("{}", True, True, False)
    )
    assert text.flush() == "{}"
    assert (str(text), text.ended, text.flush()) == ("{}", True, "")


@pytest.mark.parametrize(
    ("known", "piece", "repeats"),
    [('{"a":1}', '{"a":1}', True), ('{"a":1}', '{"b":1}', False), ("[1", "[1", False),
     ("", "{}", False), ("12", "12", False), ("{}", "{}x", False)],
)  # fmt: skip
def test_what_repeats_arguments(known, piece, repeats):
    text = JSONText()
    for character in known:
        text.add(character)
    assert text.repeats(piece) is repeats


@given(trees.filter(lambda tree: isinstance(tree, dict | list)), st.data())
def test_arguments_have_ended_when_their_json_has(tree, data):
    arguments = json.dumps(tree, ensure_ascii=data.draw(st.booleans()))
    text, first = JSONText(), data.draw(st.integers(0, len(arguments)))
    for count, character in enumerate(arguments):
        if count >= first:
            assert not text.ended
        text.add(character)
    assert text.ended
    assert [text.add(arguments), text.override(arguments), text.flush()] == ["", "", ""]
    assert str(text) == arguments


# Wholes that override: the pieces before, the wholes, what deltas emit at each, and the text.
OVERRIDDEN = {
    "the rest": ("ab", ["abc"], ["c"], "abc"),
    "the same": ("abc", ["abc", "", None], ["", "", ""], "abc"),
    "another": ("ab", ["xy"], [""], "xy"),
    "what goes on from another": ("ab", ["xy", "xyz"], ["", "z"], "xyz"),
    "the end of it": ("hello world", ["world", "d"], ["", ""], "hello world"),
    "the beginning of it": ("hello world", ["hello", "hell"], ["", ""], "hell"),
    "half of what came twice": ("abab", ["ab"], [""], "ab"),
    "white space": ("ab", [" "], [""], "ab"),
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
        ("begin", "[1]", "null", "[1]"),
        ("add", "[1, 2]", "null", "[1, 2]"),
        ("add", "[1]", "[]", "[1]"),
        ("add", "nul", "null", "null"),
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
