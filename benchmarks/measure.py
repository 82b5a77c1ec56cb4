# Measuring beside each other: A, B, C, then A, B, C again, and what they take as ratios.
#
# What always holds here:
# - A ratio is of two times of the same round. A machine that slows down for a while slows both.
# - Of the rounds the median counts; the spread says how far to believe it.
# - What counts is the processor's time of this process, so that others that run do not.
# - The garbage collector does not run in what is timed: when it would is a matter of what else is
#   loaded (a peer's models, say), not of who is measured.

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = ["Times", "Value", "interleave"]


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
        return cls(median, (upper - lower) / 2 / median)


class Times:
    """The seconds of the processor that each of the measured took, round by round."""

    def __init__(self, rounds: Mapping[str, list[float]]) -> None:
        self._rounds = rounds

    def microseconds(self, name: str, count: int) -> Value:
        """Return the microseconds that `name` took for each of `count` things."""
        return Value.of([seconds * 1e6 / count for seconds in self._rounds[name]])

    def ratio(self, name: str, base: str) -> Value:
        """Return how many times as long as `base` `name` took."""
        pairs = zip(self._rounds[name], self._rounds[base], strict=True)
        return Value.of([seconds / base_seconds for seconds, base_seconds in pairs])


def interleave(measured: Mapping[str, Callable[[], object]], rounds: int) -> Times:
    """Run each of the measured in turn, `rounds` times (two at least)."""
    times: dict[str, list[float]] = {name: [] for name in measured}
    for _ in range(rounds):
        for name, run in measured.items():
            times[name].append(_seconds(run))
    return Times(times)


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
