# The drawing of texts, arguments and turns, for the strategies of all formats.
#
# How it works:
# - A strategy draws an answer, cuts it into pieces, and lets the pieces take turns. A `Script`
#   writes each piece as an event.
#
# What always holds here:
# - The simplest option comes first in each choice, so that examples shrink to what a person would
#   write.
# - Small decisions of one kind are the bytes of one choice: each choice costs 0.03 ms.

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from itertools import chain, pairwise
from struct import unpack
from typing import Any, Final, TypeAlias, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from ssekit.testing._answers import Additions, Json, Path, drop, join, put

__all__ = [
    "Parts",
    "Quirks",
    "bytes_of",
    "cut_arguments",
    "cut_text",
    "encode_arguments",
    "json_objects",
    "parts_of",
    "take_turns",
    "texts",
]

T = TypeVar("T")

# The quirks of each stream.
Quirks: TypeAlias = SearchStrategy[frozenset[str]]
# The parts of an answer: each has a kind, and a text or the arguments of a call.
Parts: TypeAlias = SearchStrategy[list[tuple[str, Any]]]

# Characters that readers stumble over: quotes and escapes, characters that JSON must escape, line
# ends of other parsers, characters of two and three bytes, and one that is a surrogate pair. (As
# texts of their own: in one alphabet with all characters, Hypothesis would hardly ever draw them.)
_STUMBLING: Final = 'a"\\\n\0é\u2028😀'

texts: SearchStrategy[str] = st.text(_STUMBLING, max_size=6) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=4
)
_names = st.text("ab_😀", min_size=1, max_size=2)
_scalars = texts | st.integers(-9, 9) | st.booleans() | st.none() | st.just(0.5)
json_objects: SearchStrategy[Json] = st.dictionaries(
    _names,
    _scalars | st.lists(_scalars, max_size=2) | st.dictionaries(_names, _scalars, max_size=2),
    max_size=2,
)


def parts_of(
    kinds: list[str],
    text: SearchStrategy[str] | None,
    kinds_of_calls: list[str],
    arguments: SearchStrategy[Json] | None,
    most: int,
) -> Parts:
    """Return a strategy of parts with a text, and of calls. By default, these are any."""
    written = st.tuples(st.sampled_from(kinds), texts if text is None else text)
    trees = json_objects if arguments is None else arguments
    return st.lists(written | st.tuples(st.sampled_from(kinds_of_calls), trees), max_size=most)


@cache
def bytes_of(size: int) -> SearchStrategy[bytes]:
    """Return a strategy of `size` bytes, one for each small decision. Each shrinks to 0."""
    return st.binary(min_size=size, max_size=size)


def encode_arguments(draw: DrawFn, tree: Json, *, empty: bool = True) -> str:
    """Return the JSON text of a call's arguments; with `empty`, perhaps "" for an empty object."""
    if not tree and empty and draw(st.booleans()):
        return ""
    return json.dumps(tree, ensure_ascii=draw(st.booleans()))


def cut_text(draw: DrawFn, text: str) -> list[str]:
    """Cut a text anywhere, in UTF-16 as JavaScript servers do: also within surrogate pairs."""
    units = text.encode("utf-16-le")
    # A byte for the number of cuts, and two for the place of each.
    count, *drawn = unpack(">BHH", draw(bytes_of(5)) if units else bytes(5))
    cuts = sorted(place % (len(units) // 2 + 1) for place in drawn[: count % 3])
    edges = [0, *(2 * cut for cut in cuts), len(units)]
    return [units[start:end].decode("utf-16-le", "surrogatepass") for start, end in pairwise(edges)]


def cut_arguments(
    draw: DrawFn, tree: Json, at: Path, name: str, name_so_far: str
) -> Iterator[tuple[str, Additions]]:
    """Cut the JSON text of arguments; the answer has the text so far until it is whole."""
    cuts = cut_text(draw, encode_arguments(draw, tree))
    for count, cut in enumerate(cuts, 1):
        additions = [join(cut, *at, name_so_far)] if cut else []
        if cut and not any(cuts[count:]):
            additions += [put(tree, *at, name), drop(*at, name_so_far)]
        yield cut, additions


def take_turns(
    draw: DrawFn, queues: list[list[T]], *, in_turns: bool = True, in_order: bool = True
) -> Iterator[T]:
    """Merge queues, each in its own order.

    Without `in_turns`, one comes after the other. With `in_order`, they also begin in order.
    """
    if not in_turns:
        yield from chain.from_iterable(queues)
        return
    waiting = [list(queue) for queue in queues if queue]
    size = sum(map(len, waiting))
    numbers = draw(bytes_of(size)) if len(waiting) > 1 else bytes(size)
    begun: list[list[T]] = [] if in_order else waiting
    waiting = waiting if in_order else []
    for number in numbers:
        turn = number % (len(begun) + bool(waiting))
        if turn == len(begun):
            begun.append(waiting.pop(0))
        yield begun[turn].pop(0)
        if not begun[turn]:
            del begun[turn]
