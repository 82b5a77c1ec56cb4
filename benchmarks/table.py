# How figures look in a terminal.

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks.measure import Value

__all__ = ["microseconds", "multiple", "table"]

_FIRST = 20
_OTHERS = 13


def table(header: Sequence[str]) -> Callable[[Sequence[str]], None]:
    """Print the header of a table, and return what prints a row as soon as it is known."""
    widths = [_FIRST, *(max(_OTHERS, len(name)) for name in header[1:])]

    def print_row(cells: Sequence[str]) -> None:
        first, *rest = (f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        print(first.strip().ljust(widths[0]), *rest, flush=True)

    print_row(header)
    return print_row


def microseconds(value: Value) -> str:
    return f"{value.median:,.2f} {_spread(value)}"


def multiple(value: Value) -> str:
    return f"{value.median:.2f}x {_spread(value)}"


def _spread(value: Value) -> str:
    return f"±{value.spread:.0%}"
