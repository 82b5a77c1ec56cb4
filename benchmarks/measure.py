# Measuring beside each other: A, B, C, then A, B, C again, and what they take as ratios.
#
# What always holds here:
# - A ratio is of two times of the same round. A machine that slows down for a while slows both.
# - Of the rounds the median counts; the spread says how far to believe it.
# - What counts is the processor's time of this process, so that others that run do not. (What runs
#   in a process of its own looks at its own clock.)
# - The garbage collector does not run in what is timed: when it would is a matter of what else is
#   loaded (a peer's models, say), not of who is measured.

from __future__ import annotations

import gc
import statistics
import time
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

__all__ = ["Clocked", "Times", "Value", "clocked", "held", "interleave"]

# Runs once, and returns the seconds that it took.
Clocked: TypeAlias = Callable[[], float]

_LEAST_ROUNDS = 3


@dataclass(frozen=True)
class Value:
    """What came out of the rounds.

    Attributes:
        median: The median of the rounds.
        spread: Half the range of the middle half of the rounds, relative to the median.
    """

    median: float
    spread: float

    @classmethod
    def of(cls, rounds: list[float]) -> Value:
        median = statistics.median(rounds)
        lower, _, upper = statistics.quantiles(rounds, n=4, method="inclusive")
        return cls(median, (upper - lower) / 2 / abs(median) if median else 0.0)


class Times:
    """The seconds that each of the measured took, round by round."""

    def __init__(self, rounds: Mapping[str, list[float]]) -> None:
        self._rounds = rounds

    def microseconds(self, name: str, count: int) -> Value:
        """Return the microseconds that `name` took for each of `count` things."""
        return Value.of([seconds * 1e6 / count for seconds in self._rounds[name]])

    def ratio(self, name: str, base: str) -> Value:
        """Return how many times as long as `base` `name` took."""
        pairs = zip(self._rounds[name], self._rounds[base], strict=True)
        return Value.of([seconds / base_seconds for seconds, base_seconds in pairs])

    def more(self, name: str, than: str, base: str) -> Value:
        """Return how much longer `name` took than another, in times of `base`."""
        rounds = zip(*map(self._rounds.__getitem__, (name, than, base)), strict=True)
        return Value.of([(seconds - less) / unit for seconds, less, unit in rounds])


def interleave(measured: Mapping[str, Clocked], rounds: int, budget: float = float("inf")) -> Times:
    """Run each of the measured in turn, `rounds` times (two at least).

    There are fewer rounds, but three, if they take longer than `budget`, in seconds.
    """
    times: dict[str, list[float]] = {name: [] for name in measured}
    start = time.monotonic()
    for done in range(rounds):
        if done >= _LEAST_ROUNDS and time.monotonic() - start > budget:
            break
        for name, run in measured.items():
            times[name].append(run())
    return Times(times)


def clocked(run: Callable[[], object]) -> Clocked:
    """Return what measures the processor's time of a run."""
    return partial(_seconds, run)


def _seconds(run: Callable[[], object]) -> float:
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        start = time.process_time()
        run()
        return time.process_time() - start
    finally:
        if was_enabled:
            gc.enable()


def held(make: Callable[[], object]) -> int:
    """Return the bytes that what is made holds while it is there."""
    gc.freeze()  # the collector need not look at what was there before
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        made = make()
        gc.collect()
        after = tracemalloc.get_traced_memory()[0]
        del made
        return after - before
    finally:
        tracemalloc.stop()
        gc.unfreeze()
