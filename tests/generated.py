"""How a stream is made from a result, for any format: texts, and their division into chunks."""

from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
some_words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)


def cut_text(draw: st.DrawFn, text: str) -> list[str]:
    """Cut a text anywhere, in UTF-16 as JavaScript servers do: also within surrogate pairs."""
    units = text.encode("utf-16-le")
    cuts = sorted(draw(st.lists(st.integers(0, len(units) // 2), max_size=3)))
    edges = [0, *(2 * cut for cut in cuts), len(units)]
    return [units[start:end].decode("utf-16-le", "surrogatepass") for start, end in pairwise(edges)]


def take_turns(draw: st.DrawFn, queues: list[list[Any]]) -> list[Any]:
    """Merge what several choices say: they take turns, each in its own order."""
    merged = []
    while any(queues):
        turn = draw(st.sampled_from([queue for queue in queues if queue]))
        merged.append(turn.pop(0))
    return merged
