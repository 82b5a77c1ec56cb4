# From the wire to typed, accumulated chunks, as multiples of the decode alone.

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import msgspec

from benchmarks import floor
from benchmarks.measure import Clocked, clocked, interleave
from benchmarks.nodejs import Node
from benchmarks.payloads import MARKER
from benchmarks.report import TypedRow
from benchmarks.table import microseconds, multiple, table
from benchmarks.workloads import Workload
from ssekit import Format, chat, messages, responses

__all__ = ["print_typed", "read_stream", "run_what_never_waits"]

_FORMATS: dict[str, Format[Any, Any]] = {
    "chat": chat.FORMAT,
    "messages": messages.FORMAT,
    "responses": responses.FORMAT,
}
_COLUMNS = ["stream", "deltas", "json.loads", "node"]


def print_typed(
    workloads: Sequence[Workload], rounds: int, budget: float, *, with_node: bool
) -> list[TypedRow]:
    """Measure and print each workload, beside Node's parser where that can be run."""
    if not workloads:
        return []
    print(
        "\nTyped and accumulated: L, the typed decode alone, in µs per chunk; the others in L"
        "\n(node: eventsource-parser and JSON.parse, untyped; async: in times of synchronous)"
    )
    print_row = table(["", "L", *_COLUMNS, "async"])
    rows = []
    for workload in workloads:
        row = _measure(workload, rounds, budget, with_node=with_node)
        rows.append(row)
        found = (row.ratios.get(name) for name in _COLUMNS)
        cells = [multiple(value) if value else "absent" for value in found]
        cells.append(multiple(row.async_ratio))
        print_row([workload.name, microseconds(row.floor_microseconds), *cells])
    return rows


def _measure(workload: Workload, rounds: int, budget: float, *, with_node: bool) -> TypedRow:
    assert workload.format is not None
    wire_format = _FORMATS[workload.format]
    payloads = [payload for payload in workload.payloads if payload != MARKER]
    decode = msgspec.json.Decoder(floor.TYPES[workload.format]).decode
    runs: dict[str, Callable[[], object]] = {
        "L": partial(_each, decode, payloads),
        "stream": partial(read_stream, wire_format, workload.reads),
        "deltas": partial(_read_deltas, wire_format, workload.reads),
        "json.loads": partial(_each, json.loads, payloads),
        # Beside asynchronous iteration, which needs a generator to read from, one that is not.
        "generated": lambda: read_stream(wire_format, _generate(workload.reads)),
        "async": lambda: run_what_never_waits(_read_async(wire_format, workload.reads)),
    }
    measured: dict[str, Clocked] = {name: clocked(run) for name, run in runs.items()}
    if with_node:
        with Node(workload.reads) as node:
            assert node.events == workload.events
            times = interleave({**measured, "node": node.seconds}, rounds, budget)
    else:
        times = interleave(measured, rounds, budget)
    in_floors = [name for name in _COLUMNS if name != "node" or with_node]
    return TypedRow(
        workload.name,
        times.microseconds("L", len(payloads)),
        {name: times.ratio(name, "L") for name in in_floors},
        times.more("deltas", "stream", "L"),
        times.ratio("async", "generated"),
    )


def _each(decode: Callable[[bytes], object], payloads: list[bytes]) -> None:
    for payload in payloads:
        decode(payload)


def read_stream(wire_format: Format[Any, Any], source: Any) -> None:
    stream = wire_format.stream(source)
    for _ in stream:
        pass
    assert stream.state == "done"


def _read_deltas(wire_format: Format[Any, Any], reads: Iterable[bytes]) -> None:
    stream = wire_format.stream(reads)
    for _ in stream.deltas():
        pass
    assert stream.state == "done"


def _generate(reads: list[bytes]) -> Iterator[bytes]:
    yield from reads


async def _generate_async(reads: list[bytes]) -> AsyncIterator[bytes]:
    for read in reads:
        yield read


async def _read_async(wire_format: Format[Any, Any], reads: list[bytes]) -> None:
    stream = wire_format.astream(_generate_async(reads))
    async for _ in stream:
        pass
    assert stream.state == "done"


def run_what_never_waits(coroutine: Coroutine[object, object, None]) -> None:
    """Run a coroutine without an event loop, whose cost is not that of the iteration."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise AssertionError("what reads from memory does not wait")
