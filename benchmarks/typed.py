# Typed and accumulated chunks, in multiples of L, the decode alone.

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from functools import partial
from typing import Any

import msgspec

from benchmarks.floor import floor_decoder
from benchmarks.measure import Rounds, Value, clocked, interleave
from benchmarks.report import Row, terminal_table
from benchmarks.workloads import Workload
from ssekit import Format, SSEDecoder, SSEKitError, chat, iter_events

COLUMNS = (
    "L, µs",
    *("collect", "chunks", "deltas()", "deltas() more", "json.loads", "collect / json.loads"),
    *("by hand, json", "by hand, msgspec", "async / sync"),
    "refused, %",
)
Run = Callable[[], object]

_OPENED = ("chat.stream", "iter_events")


def measure_typed(workloads: Iterable[Workload], rounds: Rounds) -> Iterator[Row]:
    """Measure and print each workload, beside json.loads and reading by hand."""
    print(
        "\nTyped: L, the typed decode of the payloads alone, in µs per chunk; the others in L"
        "\n(collect: with set-up and result. chunks, deltas(): iterating. by hand: lines that are"
        "\nsplit, untyped and typed. refused: the payloads that L decodes untyped)"
    )
    print_row = terminal_table(COLUMNS)
    for workload in workloads:
        row = _measure(workload, rounds)
        print_row(row)
        yield row


def _measure(workload: Workload, rounds: Rounds) -> Row:
    wire_format, streams = workload.format, workload.reads
    assert wire_format is not None
    payloads = [payload for payload in workload.payloads if _accepts(json.loads, payload)]
    decode = floor_decoder(wire_format.name)
    usual = [payload for payload in payloads if _accepts(decode, payload)]
    unusual = [payload for payload in payloads if not _accepts(decode, payload)]  # dialects

    def floor() -> None:
        _each(decode, usual)
        _each(msgspec.json.decode, unusual)

    read = partial(_reading, streams)
    runs: dict[str, Run] = {
        "L": floor,
        "collect": read(wire_format.collect),
        "chunks": read(partial(read_stream, wire_format)),
        "deltas()": read(partial(read_stream, wire_format, deltas=True)),
        "json.loads": partial(_each, json.loads, payloads),
        "by hand, json": read(partial(_by_hand, json.loads)),
        "by hand, msgspec": read(partial(_by_hand, decode)),
        # The base of "async", whose source is a generator too.
        "sync": read(lambda reads: read_stream(wire_format, iter(reads))),
        "async": read(lambda reads: _run_without_loop(_read_async(wire_format, reads))),
    }
    times = interleave({name: clocked(run) for name, run in runs.items()}, rounds)
    figures = {"L, µs": times.microseconds("L", len(payloads))}
    figures |= {name: times.ratio(name, "L") for name in COLUMNS if name in runs}
    figures["deltas() more"] = times.excess("deltas()", "chunks", "L")
    figures["collect / json.loads"] = times.ratio("collect", "json.loads")
    figures["async / sync"] = times.ratio("async", "sync")
    figures["refused, %"] = Value(100 * len(unusual) / len(payloads))
    return Row("typed", workload.name, figures)


def _reading(streams: Iterable[list[bytes]], consume: Callable[[Any], object]) -> Run:
    """Return the reading of all streams. An error is the end of one, as any other."""

    def run() -> None:
        for reads in streams:
            try:  # noqa: SIM105 (`suppress` costs as much as a chunk)
                consume(reads)
            except SSEKitError:
                pass

    return run


def _accepts(decode: Callable[[bytes], object], payload: bytes) -> bool:
    try:
        decode(payload)
    except ValueError:
        return False
    return True


def _each(decode: Callable[[bytes], object], payloads: Iterable[bytes]) -> None:
    for payload in payloads:
        decode(payload)


def _by_hand(decode: Callable[[bytes], object], reads: Iterable[bytes]) -> None:
    """Split lines and decode the data of each, as a loop of ten lines does."""
    rest = b""
    for read in reads:
        *lines, rest = (rest + read).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                data = line[5:].strip()
                if data != b"[DONE]":
                    try:  # noqa: SIM105
                        decode(data)
                    except ValueError:
                        pass


def read_stream(wire_format: Format[Any, Any], source: Any, *, deltas: bool = False) -> None:
    stream = wire_format.stream(source)
    for _ in stream.deltas() if deltas else stream:
        pass


async def _generate(reads: list[bytes]) -> AsyncIterator[bytes]:
    for read in reads:
        yield read


async def _read_async(wire_format: Format[Any, Any], reads: list[bytes]) -> None:
    async for _ in wire_format.astream(_generate(reads)):
        pass


def _run_without_loop(coroutine: Coroutine[object, object, None]) -> None:
    """Run a coroutine that never waits, without the cost of an event loop."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise AssertionError("a source in memory does not wait")


def measure_opening(workload: Workload, rounds: Rounds) -> Iterator[Row]:
    """Measure and print what it takes to open a stream of chat and get what comes first."""
    print("\nOpening, to the first chunk or event: in times of SSEDecoder()")
    print_row = terminal_table(_OPENED)
    streams = workload.reads * max(1, 2000 // len(workload.reads))
    runs = {
        "SSEDecoder": _reading(streams, lambda reads: SSEDecoder()),
        "chat.stream": _reading(streams, lambda reads: next(chat.stream(reads), None)),
        "iter_events": _reading(streams, lambda reads: next(iter_events(reads), None)),
    }
    times = interleave({name: clocked(run) for name, run in runs.items()}, rounds)
    figures = {name: times.ratio(name, "SSEDecoder") for name in _OPENED}
    row = Row("opening", workload.name, figures)
    print_row(row)
    yield row
