# The figures of a run: a row for each thing that was measured, their file, and tables of them.

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from benchmarks.measure import Value


@dataclass(frozen=True)
class Row:
    """What was measured over one workload, or of one object.

    Attributes:
        part: The part of the run, such as "events".
        name: The name of the workload or object.
        figures: The figures by the head of their column, such as the name of a peer.
        faults: Who fails, or finds another number of events, and how.
    """

    part: str
    name: str
    figures: dict[str, Value]
    faults: dict[str, str] = field(default_factory=dict)


@dataclass
class Report:
    """A run."""

    versions: dict[str, str]
    rows: list[Row] = field(default_factory=list)

    def part(self, name: str) -> list[Row]:
        """Return the rows of a part; none if it was not run."""
        return [row for row in self.rows if row.part == name]

    @classmethod
    def read(cls, file: Path) -> Report:
        return msgspec.json.decode(file.read_bytes(), type=cls)

    def write(self, file: Path) -> None:
        """Write a line for each row."""
        versions, *rows = map(msgspec.json.encode, (self.versions, *self.rows))
        file.write_bytes(b'{"versions":%b,"rows":[\n%b\n]}\n' % (versions, b",\n".join(rows)))


# Tables, in a terminal and in Markdown.

_FIRST = 28
_OTHERS = 11


def terminal_table(header: Sequence[str]) -> Callable[[Row], None]:
    """Print the header of a table of such columns. Return a function that prints a row."""
    widths = [max(_OTHERS, len(name)) for name in header]

    def print_cells(first: str, cells: Iterable[str]) -> None:
        rest = (f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        print(first.ljust(_FIRST), *rest, flush=True)

    def print_row(row: Row) -> None:
        cells = [shown(row, column, spread=True) for column in header]
        print_cells(row.name, cells)
        for name, fault in row.faults.items():
            print(f"  * {name}: {fault}", flush=True)

    print_cells("", header)
    return print_row


def shown(row: Row, column: str, *, spread: bool = False) -> str:
    """Return the cell of a figure: "*" is a fault, and "-" a figure that is not there."""
    value = row.figures.get(column)
    end = "*" * (column in row.faults)
    if value is None:
        return end or "-"
    return f"{value.median:,.2f}" + (f" ±{value.spread:.0%}" if spread else "") + end


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
