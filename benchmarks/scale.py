"""Cost against size in every dimension: `python -m benchmarks.scale`."""
# What always holds here:
# - The exponent is the slope, by least squares, of the logarithm of the time over that of the size:
#   1 where cost is linear, 2 where it is quadratic.
# - The time of a size is its best of a few rounds, which go through the sizes in turn.

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from functools import partial
from math import log
from typing import Any

from benchmarks.dimensions import GROUPS
from benchmarks.measure import clocked
from benchmarks.report import Exponent

__all__ = ["fit", "measure_scale"]

# Of the size of a dimension.
_FACTORS = (0.5, 1, 2, 4)
_LEAST = 8
_ROUNDS = 3


def measure_scale(scale: float = 1.0) -> list[Exponent]:
    """Measure and print every dimension; `scale` is of their sizes."""
    print("\nCost against size: the exponent of the power of the size that fits the cost")
    found = []
    for group, (work, dimensions) in GROUPS.items():
        for name, (size, make) in dimensions.items():
            found.append(_measure(group, name, work, size * scale, make))
            print(f"{found[-1].exponent:.2f}  {group}: {name}", flush=True)
    worst = max(found, key=lambda each: each.exponent)
    print(f"The largest: {worst.exponent:.2f}, {worst.group}: {worst.dimension}")
    return found


def _measure(
    group: str, name: str, work: Callable[[Any], None], size: float, make: Callable[[int], Any]
) -> Exponent:
    sizes = [round(max(_LEAST, size) * factor) for factor in _FACTORS]
    runs = [clocked(partial(work, make(each))) for each in sizes]
    seconds = list(map(min, zip(*([run() for run in runs] for _ in range(_ROUNDS)), strict=True)))
    return Exponent(group, name, sizes, seconds, fit(sizes, seconds))


def fit(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Return the exponent e for which `seconds` is nearest to a constant times `sizes` ** e."""
    return statistics.linear_regression(list(map(log, sizes)), list(map(log, seconds))).slope


if __name__ == "__main__":
    measure_scale()
