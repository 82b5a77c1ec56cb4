# Typed and accumulated chunks, in multiples of L, the decode alone.

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import msgspec

from benchmarks import floor
from benchmarks.measure import clocked, interleave
from benchmarks.nodejs import node_parser
from benchmarks.payloads import MARKER
from benchmarks.report import TypedRow, microseconds, multiple, terminal_table
from benchmarks.workloads import Workload
from ssekit import Format

__all__ = ["measure_typed", "read_stream"]

_COLUMNS = ["stream", "deltas", "json.loads", "node"]


def measure_typed(
    workloads: Sequence[Workload], rounds: int, budget: float, *, with_node: bool
) -> list[TypedRow]:
    """Measure and print each workload, beside Node's parser where it is installed."""
    if not workloads:
        return []
    print(
        "\nTyped and accumulated: L, the typed decode alone, in µs per chunk; the others in L"
        "\n(node: eventsource-parser and JSON.parse, untyped; async: in times of synchronous)"
    )
    print_row = terminal_table(["", "L", *_COLUMNS, "async"])
    rows = []
    for workload in workloads:
        row = _measure(workload, rounds, budget, with_node=with_node)
        rows.append(row)
        values = map(row.ratios.get, _COLUMNS)
        cells = [multiple(value) if value else "absent" for value in values]
        cells.append(multiple(row.async_ratio))
        print_row([workload.name, microseconds(row.floor_microseconds), *cells])
    return rows


def _measure(workload: Workload, rounds: int, budget: float, *, with_node: bool) -> TypedRow:
    wire_format, reads = workload.format, workload.reads
    assert wire_format is not None
    payloads = [payload for payload in workload.payloads if payload != MARKER]
    decode = msgspec.json.Decoder(floor.TYPES[wire_format.name]).decode
    runs: dict[str, Callable[[], object]] = {
        "L": partial(_each, decode, payloads),
        "stream": lambda: read_stream(wire_format, reads),
        "deltas": lambda: read_stream(wire_format, reads, deltas=True),
        "json.loads": partial(_each, json.loads, payloads),
        # The base of "async", whose source is a generator too.
        "generated": lambda: read_stream(wire_format, _generate(reads)),
        "async": lambda: _run_without_loop(_read_async(wire_format, reads)),
    }
    measured = {name: clocked(run) for name, run in runs.items()}
    with ExitStack() as stack:
        if with_node:
            events, measured["node"] = stack.enter_context(node_parser(reads))
            assert events == workload.events
        times = interleave(measured, rounds, budget)
    return TypedRow(
        workload.name,
        times.microseconds("L", len(payloads)),
        {name: times.ratio(name, "L") for name in _COLUMNS if name in measured},
        times.excess("deltas", "stream", "L"),
        times.ratio("async", "generated"),
    )


def _each(decode: Callable[[bytes], object], payloads: list[bytes]) -> None:
    for payload in payloads:
        decode(payload)


def read_stream(wire_format: Format[Any, Any], source: Any, *, deltas: bool = False) -> None:
    stream = wire_format.stream(source)
    for _ in stream.deltas() if deltas else stream:
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


def _run_without_loop(coroutine: Coroutine[object, object, None]) -> None:
    """Run a coroutine that never waits, without the cost of an event loop."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise AssertionError("a source in memory does not wait")
