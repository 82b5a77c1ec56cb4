"""How cost grows with size, in each dimension: `python -m benchmarks.scale`."""
# What always holds here:
# - The exponent is the slope, by least squares, of the logarithm of the time over that of the size:
#   1 where cost is linear, 2 where it is quadratic.
# - Each size is taken at its best of a few rounds, which go through the sizes in turn.

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Sequence
from functools import partial
from math import log
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.dimensions import GROUPS
from benchmarks.measure import clocked
from benchmarks.report import Exponent

__all__ = ["fit", "main", "print_scale"]

# Of the size of a dimension.
_FACTORS = (0.5, 1, 2, 4)
_LEAST = 8
_ROUNDS = 3


def main(argv: Sequence[str] | None = None, *, scale: float = 1.0) -> None:
    """Measure every dimension, print its exponent, and draw the picture where it is asked for."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.scale", description="Cost against size in every dimension."
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured to it")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw it (needs matplotlib)")
    options = parser.parse_args(argv)
    found = print_scale(scale)
    if options.json is not None:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
    if options.svg is not None:
        from benchmarks.chart import draw_scale  # only who draws needs matplotlib

        draw_scale(found, options.svg)


def print_scale(scale: float = 1.0) -> list[Exponent]:
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
    main()
