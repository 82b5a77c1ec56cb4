"""`partial_json` beside the partial mode of jiter: they agree, but where the table says why not."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from ssekit import DecodeError, partial_json
from tests.trees import trees

jiter = pytest.importorskip(
    "jiter", reason="the jiter package (dependency group corpus) is not installed"
)

# A number at the end of a text, which may go on.
NUMBER_AT_END = re.compile(r"[-+.0-9eE]+\Z")


def theirs(text: str) -> Any:
    """Return what jiter says of a text, with open strings; UNSET where that is nothing yet."""
    try:
        return jiter.from_json(text.encode(), partial_mode="trailing-strings")
    except ValueError as error:
        assert "EOF" in str(error), error
        return UNSET


@given(trees, st.booleans())
def test_they_agree_on_every_beginning(tree: Any, ensure_ascii: bool):
    text = json.dumps(tree, ensure_ascii=ensure_ascii)
    for n in range(len(text) + 1):
        begun = text[:n]
        ours = partial_json(begun)
        if repr(ours) != repr(theirs(begun)):
            # jiter takes a number within an array or object as ended, where it may go on.
            assert begun[0] in "[{"
            assert repr(ours) == repr(theirs(NUMBER_AT_END.sub("", begun)))


# What they say of the same text, and why it is not the same. An error stands as its type.
DIFFERENCES: dict[str, tuple[str, Any, Any]] = {
    "a number may go on, until something follows it": ("[1, 2", [1], [1, 2]),
    "nothing is known yet, which is no fault": ("", UNSET, ValueError),
    "nor is this": ("-", UNSET, ValueError),
    "what follows the whole is not JSON": ("[1] x", DecodeError, [1]),
    "what stands in the place of a comma is not JSON": ("[1 x", DecodeError, [1]),
    "a lone surrogate is U+FFFD, as everywhere in ssekit": ('["\\ud83d"', ["\ufffd"], ValueError),
    "control characters in strings are what models write": ('["a\nb', ["a\nb"], ValueError),
    "what is too deep is null, and the rest is read": (
        "[5, " + "[" * 300 + "]" * 300,
        "None",
        ValueError,
    ),
    "an integer of any length is read, as a float": (f"[{'9' * 5000},", "inf", ValueError),
}


def said(read: Any, text: str) -> Any:
    try:
        return read(text)
    except ValueError:
        return ValueError
    except DecodeError:
        return DecodeError


def strictly(text: str) -> Any:
    return jiter.from_json(text.encode(), partial_mode="trailing-strings")


@pytest.mark.parametrize(("text", "ours", "theirs"), DIFFERENCES.values(), ids=DIFFERENCES)
def test_where_they_differ(text: str, ours: Any, theirs: Any):
    if isinstance(ours, str):
        assert ours in repr(partial_json(text))
    else:
        assert said(partial_json, text) == ours
    assert said(strictly, text) == theirs


def test_they_agree_without_open_strings():
    for text in ('["a", "b', '{"a": "b', '{"a": ["b", "c"'):
        assert partial_json(text, open_strings=False) == jiter.from_json(
            text.encode(), partial_mode=True
        )
