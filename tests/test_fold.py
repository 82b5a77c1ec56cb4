"""What the accumulators share: usage, words for the end, views and deltas."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssekit import ReasoningDelta, TextDelta, ToolCallDelta
from ssekit._accumulator import later_word
from ssekit._deltas import SurrogateJoiner
from ssekit._fold import merge_usage
from ssekit.chat._calls import ToolCallTable

# Usage. What is known, what comes, and what they make: the input, the cached input and the output.
USAGES = {
    "the first": (None, (4, None, 0), (4, None, 0)),
    "the first, of nothing": (None, (0, None, 0), None),
    "newer counts": ((5, 1, 2), (4, None, 7), (4, 1, 7)),
    "a zero beside a positive input": ((5, 1, 2), (0, 55, 0), (0, 55, 0)),
    "no input": ((5, 1, 2), (0, 0, 7), (5, 1, 7)),
    "no input of the one that it states": ((5, None, 2), (None, 0, 7), (5, None, 7)),
    "nothing": ((5, 1, 2), (0, None, 0), (5, 1, 2)),
    "nothing, and no output": ((5, 1, 2), (0, 0, None), (5, 1, 2)),
    "no output": ((5, 1, 2), (None, None, 0), (5, 1, 0)),
    "no input after none": ((0, None, None), (0, 0, 7), (0, 0, 7)),
    "an empty one": ((5, 1, 2), (None, None, None), (5, 1, 2)),
}


class Counts(msgspec.Struct, frozen=True):
    """The usage of a request."""

    input: int | None = None
    cached: int | None = None
    output: int | None = None


@pytest.mark.parametrize(("known", "latest", "made"), USAGES.values(), ids=USAGES)
def test_usage(known, latest, made):
    before = None if known is None else Counts(*known)
    merged = merge_usage(before, Counts(*latest), ("input", "cached"), ("output",))
    assert merged == (made and Counts(*made))


# Words for the end.


@pytest.mark.parametrize(
    ("known", "latest", "word"),
    [
        (None, "stop", "stop"),
        ("", "STOP", "STOP"),
        ("length", "stop", "length"),
        ("dreamt", "end_turn", "dreamt"),
        ("stop", "length", "length"),
        ("length", "tool_calls", "tool_calls"),
    ],
)
def test_the_later_word(known, latest, word):
    assert later_word(known, latest) == word


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
