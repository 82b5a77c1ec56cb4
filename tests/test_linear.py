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
from ssekit import messages, responses


def growth(work: Callable[[Any], None], small: Any, large: Any) -> float:
    """Return how much longer the large one takes.

    Each is taken at its best of up to five, in turn: fewer, where all is clearly well before.
    """
    best = [float("inf"), float("inf")]
    gc.collect()
    gc.disable()
    try:
        for _ in range(5):
            for which, load in enumerate((small, large)):
                start = time.process_time()
                work(load)
                best[which] = min(best[which], time.process_time() - start)
            if best[1] < 6 * best[0]:
                break
    finally:
        gc.enable()
    return best[1] / best[0]


@pytest.mark.parametrize(("size", "make"), WIRE.values(), ids=WIRE)
def test_the_wire_is_linear(size: int, make: Callable[[int], list[bytes]]):
    assert growth(decode, make(size), make(4 * size)) < 8


@pytest.mark.parametrize("work", [accumulate, read_deltas])
@pytest.mark.parametrize(("size", "make"), CHAT.values(), ids=CHAT)
def test_the_fold_is_linear(size: int, make: Callable[[int], bytes], work: Any):
    assert growth(work, make(size), make(4 * size)) < 8


@pytest.mark.parametrize("work", [accumulate, read_deltas])
@pytest.mark.parametrize(("size", "make"), RESPONSES.values(), ids=RESPONSES)
def test_the_fold_of_a_response_is_linear(size: int, make: Callable[[int], bytes], work: Any):
    assert growth(partial(work, wire=responses), make(size), make(4 * size)) < 8


@pytest.mark.parametrize(("size", "make"), PARTIAL_JSON.values(), ids=PARTIAL_JSON)
def test_watching_is_linear(size: int, make: Callable[[int], list[str]]):
    assert growth(read_values, make(size), make(4 * size)) < 8


def test_watching_a_call_is_linear():
    begun = events(1, call_chunk(function={"arguments": '["'}))
    small, large = (begun + events(size, call_chunk()) for size in (25_000, 100_000))
    assert growth(read_arguments, small, large) < 8


@pytest.mark.parametrize("work", [accumulate, read_deltas])
@pytest.mark.parametrize(("size", "make"), MESSAGES.values(), ids=MESSAGES)
def test_the_fold_of_a_message_is_linear(size: int, make: Callable[[int], bytes], work: Any):
    assert growth(partial(work, wire=messages), make(size), make(4 * size)) < 8


@pytest.mark.parametrize("work", [accumulate, read_deltas])
@pytest.mark.parametrize(("size", "make"), GEMINI.values(), ids=GEMINI)
def test_the_fold_of_candidates_is_linear(size: int, make: Callable[[int], bytes], work: Any):
    assert growth(work, make(size), make(4 * size)) < 8
