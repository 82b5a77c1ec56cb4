"""Cost against size in every dimension: `python -m benchmarks.scale`."""
# What always holds here:
# - The exponent is the slope, by least squares, of the logarithm of the time over that of the size:
#   1 where cost is linear, 2 where it is quadratic.
# - The time of a size is its best of a few rounds, which go through the sizes in turn.

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from functools import partial
from math import log

from benchmarks.dimensions import GROUPS
from benchmarks.measure import Rounds, Value, clocked, interleave
from benchmarks.report import Row

EXPONENT = "exponent"

# Of the size of a dimension.
_FACTORS = (0.5, 1, 2, 4)
_LEAST = 8
_ROUNDS = Rounds(3)


def measure_scale(scale: float = 1.0) -> Iterator[Row]:
    """Measure and print every dimension; `scale` is of their sizes."""
    print("\nCost against size: the exponent of the power of the size that fits the cost")
    worst = 0.0
    for group, (work, dimensions) in GROUPS.items():
        for dimension, (size, make) in dimensions.items():
            loads = {f: make(round(max(_LEAST, size * scale) * f)) for f in _FACTORS}
            runs = {f"{f:g}": clocked(partial(work, load)) for f, load in loads.items()}
            times = interleave(runs, _ROUNDS)
            seconds = {factor: times.best(f"{factor:g}") for factor in _FACTORS}
            exponent = fit(seconds)
            figures = {f"{f:g}": Value(each / seconds[_FACTORS[0]]) for f, each in seconds.items()}
            name = f"{group}: {dimension}"
            print(f"{exponent:.2f}  {name}", flush=True)
            yield Row("scale", name, {EXPONENT: Value(exponent), **figures})
            worst = max(worst, exponent)
    print(f"The largest: {worst:.2f}")


def fit(seconds: Mapping[float, float]) -> float:
    """Return the exponent e for which the seconds are nearest to a constant times sizes ** e."""
    points = list(map(log, seconds)), list(map(log, seconds.values()))
    return statistics.linear_regression(*points).slope


if __name__ == "__main__":
    for _ in measure_scale():
        pass
