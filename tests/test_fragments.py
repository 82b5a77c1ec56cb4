"""The buffer of fragments: `_fragments.py`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssekit._fragments import Fragments


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 64**2, 64**2 + 65, 64**3 + 1])
def test_the_whole_is_what_went_in(count: int):
    buffer = Fragments(", ".join)
    pieces = [str(number) for number in range(count)]
    for piece in pieces:
        buffer.append(piece)
    assert buffer.join() == ", ".join(pieces)
    assert bool(buffer) == bool(pieces)


@given(st.lists(st.binary(max_size=2), max_size=200))
def test_taking_empties_the_buffer(pieces: list[bytes]):
    buffer = Fragments(b"\n".join)
    for _ in range(2):
        for piece in pieces:
            buffer.append(piece)
        assert buffer.take() == b"\n".join(pieces)
        assert not buffer


def test_few_pieces_are_held():
    buffer = Fragments("".join)
    for _ in range(100_000):
        buffer.append("ab")
    assert len(buffer.pending) + len(buffer._blocks) < 3 * 64
