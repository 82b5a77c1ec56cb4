# The figures of a run: the rows of each part, their file, and tables of them.

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from benchmarks.measure import Value

__all__ = [
    "EventsRow",
    "Exponent",
    "MemoryRow",
    "Report",
    "SDKRow",
    "TypedRow",
    "markdown_table",
    "microseconds",
    "multiple",
    "terminal_table",
]


@dataclass(frozen=True)
class EventsRow:
    """Events alone.

    Attributes:
        microseconds: The time of `iter_events` for an event.
        feed: The time of `SSEDecoder.feed`, called for each read, in times of `iter_events`.
        ratios: The time of each peer, in times of `iter_events`.
        decoded: The number of events that each peer finds, or the name of its exception.
    """

    workload: str
    events: int
    microseconds: Value
    feed: Value
    ratios: dict[str, Value]
    decoded: dict[str, int | str]


@dataclass(frozen=True)
class TypedRow:
    """Typed and accumulated.

    Attributes:
        floor_microseconds: L for a chunk.
        ratios: In L: `stream`, `deltas`, and other readers of JSON.
        deltas_more: The time of `deltas()` beyond that of `stream`, in L.
        async_ratio: Asynchronous iteration in times of synchronous.
    """

    workload: str
    floor_microseconds: Value
    ratios: dict[str, Value]
    deltas_more: Value
    async_ratio: Value


@dataclass(frozen=True)
class SDKRow:
    """The official SDK, over the same bytes, without network.

    Attributes:
        reads: How the bytes arrive.
        microseconds: The time of ssekit for a chunk.
        ratios: The time of each call of the SDK without its HTTP client, in times of ssekit's.
    """

    reads: str
    chunks: int
    microseconds: Value
    ratios: dict[str, Value]


@dataclass(frozen=True)
class MemoryRow:
    """Memory: the size in bytes, or in times of the text of an answer."""

    what: str
    size: float


@dataclass(frozen=True)
class Exponent:
    """Cost against size in one dimension, and the exponent of the power that fits it."""

    group: str
    dimension: str
    sizes: list[int]
    seconds: list[float]
    exponent: float


@dataclass
class Report:
    """A run; a part that was not run is empty."""

    versions: dict[str, str]
    events: list[EventsRow] = field(default_factory=list)
    typed: list[TypedRow] = field(default_factory=list)
    sdk: list[SDKRow] = field(default_factory=list)
    memory: list[MemoryRow] = field(default_factory=list)
    import_milliseconds: dict[str, Value] = field(default_factory=dict)
    scale: list[Exponent] = field(default_factory=list)

    @classmethod
    def read(cls, file: Path) -> Report:
        return msgspec.json.decode(file.read_bytes(), type=cls)

    def write(self, file: Path) -> None:
        file.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")


# Tables, in a terminal and in Markdown.

_FIRST = 20
_OTHERS = 13


def terminal_table(header: Sequence[str]) -> Callable[[Sequence[str]], None]:
    """Print the header of a table. Return a function that prints a row."""
    widths = [_FIRST, *(max(_OTHERS, len(name)) for name in header[1:])]

    def print_row(cells: Sequence[str]) -> None:
        first, *rest = (f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        print(first.strip().ljust(widths[0]), *rest, flush=True)

    print_row(header)
    return print_row


def microseconds(value: Value) -> str:
    return f"{value.median:,.2f} ±{value.spread:.0%}"


def multiple(value: Value) -> str:
    return f"{value.median:.2f}x ±{value.spread:.0%}"


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
