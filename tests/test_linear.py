"""The cost is linear in every dimension that a stream has.

The only test that looks at a clock: it compares the times of one run with each other, so that
neither the machine nor its load matter. Four times the work takes four times as long where the cost
is linear, and sixteen times where it is quadratic.
"""

import gc
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from benchmarks.dimensions import (
    FOLDS,
    GEMINI,
    MESSAGES,
    RESPONSES,
    WATCHED,
    WIRE,
    decode,
    fold,
    fold_deltas,
    tool_calls,
    watch,
    watch_call,
)
from ssekit import auto, messages, responses
from tests.thorough import pick


def calls(size: int) -> bytes:
    begun = tool_calls(1, lambda _: 0).replace(b"0123", b'[\\"')
    return begun + tool_calls(size, lambda _: 0)


FORMATS = {"chat": auto, "responses": responses, "messages": messages, "gemini": auto}
DIMENSIONS = {"chat": FOLDS, "responses": RESPONSES, "messages": MESSAGES, "gemini": GEMINI}
# What is done to the loads of some dimensions.
WORK: dict[str, tuple[Callable[[Any], None], Any]] = {
    "wire": (decode, WIRE),
    **{name: (partial(fold, wire=FORMATS[name]), DIMENSIONS[name]) for name in FORMATS},
    **{
        f"deltas of {name}": (partial(fold_deltas, wire=FORMATS[name]), DIMENSIONS[name])
        for name in FORMATS
    },
    "watched": (watch, WATCHED),
    "watched, a call": (watch_call, {"its arguments": (25_000, calls)}),
}


@pytest.mark.parametrize(
    ("work", "size", "make"),
    [
        pytest.param(work, *load, id=f"{name}: {dimension}")
        for name, (work, dimensions) in WORK.items()
        for dimension, load in dimensions.items()
    ],
)
def test_the_cost_is_linear(work: Callable[[Any], None], size: int, make: Callable[[int], Any]):
    """Each load is taken at its best of up to five, in turn: fewer, where all is clearly well."""
    size //= pick(quick=4, thorough=1)
    loads = [make(size), make(4 * size)]
    best = [float("inf"), float("inf")]
    gc.disable()
    try:
        for _ in range(5):
            for which, load in enumerate(loads):
                start = time.process_time()
                work(load)
                best[which] = min(best[which], time.process_time() - start)
            if best[1] < 6 * best[0]:
                break
    finally:
        gc.enable()
    assert best[1] / best[0] < 8
