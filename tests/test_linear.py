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
    CHAT,
    GEMINI,
    INTERACTIONS,
    MESSAGES,
    PARTIAL_JSON,
    RESPONSES,
    WIRE,
    accumulate,
    call_chunk,
    decode,
    events,
    read_arguments,
    read_deltas,
    read_values,
)
from ssekit import auto, interactions, messages, responses
from tests.thorough import pick


def calls(size: int) -> bytes:
    begun = events(1, call_chunk(function={"arguments": '["'}))
    return begun + events(size, call_chunk())


FORMATS = {
    "chat": auto,
    "responses": responses,
    "messages": messages,
    "gemini": auto,
    "interactions": interactions,
}
DIMENSIONS = {
    "chat": CHAT,
    "responses": RESPONSES,
    "messages": MESSAGES,
    "gemini": GEMINI,
    "interactions": INTERACTIONS,
}
# What is done to the loads of some dimensions.
WORK: dict[str, tuple[Callable[[Any], None], Any]] = {
    "wire": (decode, WIRE),
    **{name: (partial(accumulate, wire=FORMATS[name]), DIMENSIONS[name]) for name in FORMATS},
    **{
        f"deltas of {name}": (partial(read_deltas, wire=FORMATS[name]), DIMENSIONS[name])
        for name in FORMATS
    },
    "watched": (read_values, PARTIAL_JSON),
    "watched, a call": (read_arguments, {"its arguments": (25_000, calls)}),
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
