# Interleaved measurement: A, B, C, then A, B, C again, and the ratios between them.
#
# What always holds here:
# - A ratio is of two times of the same round. A machine that slows down for a while slows both.
# - The median of the rounds counts; the spread shows how far to trust it.
# - A time is the processor's time of this process, so that other processes do not count. (A process
#   of its own reads its own clock.)
# - The garbage collector is off in a timed run: when it runs depends on what else is loaded (the
#   models of a peer, for example), not on what is measured.

from __future__ import annotations

import gc
import statistics
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

# Runs once, and returns the seconds that it took.
Clocked = Callable[[], float]

_LEAST_ROUNDS = 3


@dataclass(frozen=True)
class Value:
    """A figure from the rounds.

    Attributes:
        median: The median of the rounds.
        spread: Half the range of the middle half of the rounds, relative to the median.
    """

    median: float
    spread: float = 0.0

    @classmethod
    def of(cls, rounds: list[float]) -> Value:
        median = statistics.median(rounds)
        # (Before Python 3.13, a single round has no quantiles.)
        points = rounds if len(rounds) > 1 else rounds * 2
        lower, _, upper = statistics.quantiles(points, n=4, method="inclusive")
        return cls(median, (upper - lower) / 2 / abs(median) if median else 0.0)


@dataclass(frozen=True)
class Rounds:
    """How often everything is measured: `most` times, fewer after `seconds`, but three at least."""

    most: int
    seconds: float = float("inf")


class Times:
    """The seconds of each run, round by round."""

    def __init__(self, rounds: Mapping[str, list[float]]) -> None:
        self._rounds = rounds

    def microseconds(self, name: str, count: int) -> Value:
        """Return the microseconds of `name` for each of `count` things."""
        return Value.of([seconds * 1e6 / count for seconds in self._rounds[name]])

    def best(self, name: str) -> float:
        """Return the seconds of the fastest run."""
        return min(self._rounds[name])

    def ratio(self, name: str, base: str) -> Value:
        """Return the time of `name` in times of `base`."""
        return self.excess(name, None, base)

    def excess(self, name: str, than: str | None, base: str) -> Value:
        """Return how much longer `name` takes than another, in times of `base`."""
        units = self._rounds[base]
        less = self._rounds[than] if than else [0.0] * len(units)
        rounds = zip(self._rounds[name], less, units, strict=True)
        return Value.of([(seconds - other) / unit for seconds, other, unit in rounds])


def interleave(measured: Mapping[str, Clocked], rounds: Rounds) -> Times:
    """Run each in turn, so many rounds."""
    times: dict[str, list[float]] = {name: [] for name in measured}
    start = time.monotonic()
    for done in range(rounds.most):
        if done >= _LEAST_ROUNDS and time.monotonic() - start > rounds.seconds:
            break
        for name, run in measured.items():
            times[name].append(run())
    return Times(times)


def clocked(run: Callable[[], object]) -> Clocked:
    """Return a function that measures the processor's time of a run."""

    def seconds() -> float:
        with collector_off():
            start = time.process_time()
            run()
            return time.process_time() - start

    return seconds


@contextmanager
def collector_off() -> Iterator[None]:
    """Turn the garbage collector off for a while."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def held(make: Callable[[], object]) -> int:
    """Return the bytes that an object holds, once it is made."""
    gc.freeze()  # the collector need not look at older objects
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
