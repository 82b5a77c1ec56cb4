# What a run found, as it goes to a file and comes back from one.

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from benchmarks.measure import Value

__all__ = ["EventsRow", "Exponent", "MemoryRow", "Report", "SDKRow", "TypedRow"]


@dataclass(frozen=True)
class EventsRow:
    """Events alone.

    Attributes:
        microseconds: What ssekit takes for an event, by `iter_events`.
        feed: How many times as long `SSEDecoder.feed` takes, called for each read.
        ratios: How many times as long each peer takes.
        decoded: The number of events that each peer finds, or the error that it raises.
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
        floor_microseconds: L, in microseconds a chunk.
        ratios: In L: `stream`, `deltas`, and what others take who read JSON.
        deltas_more: What `deltas()` takes beyond `stream`, in L.
        async_ratio: How many times as long asynchronous iteration takes.
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
        reads: How they come.
        microseconds: What ssekit takes for a chunk.
        ratios: How many times as long the SDK takes, without its HTTP client, by what is called.
    """

    reads: str
    chunks: int
    microseconds: Value
    ratios: dict[str, Value]


@dataclass(frozen=True)
class MemoryRow:
    """What is held: `size` bytes, or times the text where it is an answer."""

    what: str
    size: float


@dataclass(frozen=True)
class Exponent:
    """How cost grows in a dimension: `seconds` at `sizes`, and the exponent that fits them."""

    group: str
    dimension: str
    sizes: list[int]
    seconds: list[float]
    exponent: float


@dataclass
class Report:
    """All of a run; what was not asked for is empty."""

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
