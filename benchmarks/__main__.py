# `python -m benchmarks`: two tables, of events alone and of typed, accumulated chunks.
#
# What always holds here:
# - What counts is a ratio within one run. Times are printed to give the ratios a size.
# - Nothing is left out for its result: a peer that is absent, fails, or decodes another number of
#   events is named, and workloads on which ssekit loses stand beside those on which it wins.

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

import ssekit
from benchmarks import floor
from benchmarks.measure import Value, interleave
from benchmarks.peers import PEERS, Count, Peer, count_with, count_with_ssekit
from benchmarks.workloads import MARKER, Workload, make_workloads
from ssekit import Format, chat, responses

_FORMATS: dict[str, Format[Any, Any]] = {"chat": chat.FORMAT, "responses": responses.FORMAT}

_ROUNDS = 151
_QUICK_ROUNDS = 25


def main(
    argv: Sequence[str] | None = None, *, peers: Sequence[Peer] = PEERS, scale: float = 1.0
) -> None:
    """Measure and print. (`scale` shortens the streams, for tests.)"""
    parser = _parser()
    options = parser.parse_args(argv)
    rounds = _QUICK_ROUNDS if options.quick else _ROUNDS
    workloads = {workload.name: workload for workload in make_workloads(scale)}
    names = options.only or list(workloads)
    if not workloads.keys() >= set(names):
        parser.error(f"--only takes one of {', '.join(workloads)}")

    counts, versions = _load(peers)
    for name, said in versions.items():
        print(f"{name}: {said}")
    for name in names:
        print(f"\n{name}: {_sizes(workloads[name])}\n    {workloads[name].why}")
    events = _print_events([workloads[name] for name in names], counts, rounds)
    typed = _print_typed([workloads[name] for name in names if workloads[name].format], rounds)
    if options.json is not None:
        report = {"versions": versions, "rounds": rounds, "events": events, "typed": typed}
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks", description="ssekit and its peers.")
    parser.add_argument("--quick", action="store_true", help="few rounds: a first impression")
    parser.add_argument("--only", action="append", metavar="NAME", help="one workload (repeatable)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file too")
    return parser


def _load(peers: Sequence[Peer]) -> tuple[dict[str, Count], dict[str, str]]:
    """Return the adapters of the peers that can be run, and what to say of each peer."""
    counts: dict[str, Count] = {"ssekit": count_with_ssekit}
    versions = {
        "python": f"{platform.python_version()} ({platform.machine()}, {os.cpu_count()} cores)",
        "msgspec": msgspec.__version__,
        "ssekit": ssekit.__version__,
    }
    for peer in peers:
        versions[peer.name] = peer.version or "absent"
        if peer.version is not None:
            try:
                counts[peer.name] = count_with(peer.load())
            except (ImportError, AttributeError) as error:  # what is private may move
                versions[peer.name] += f", not measured: {error}"
    return counts, versions


def _sizes(workload: Workload) -> str:
    return f"{workload.events:,} events, {len(workload.reads):,} reads, {workload.size:,} bytes"


# Events alone.


@dataclass(frozen=True)
class _EventsRow:
    """What a workload took; `decoded` is the number of events, or what was raised instead."""

    workload: str
    ssekit_microseconds: Value
    ratios: dict[str, Value]
    decoded: dict[str, int | str]


def _print_events(
    workloads: Sequence[Workload], counts: Mapping[str, Count], rounds: int
) -> list[_EventsRow]:
    print("\nEvents alone: ssekit in µs per event; the others in times as long as ssekit takes")
    print_row = _table(["", *counts])
    rows, faults = [], []
    for workload in workloads:
        row = _measure_events(workload, counts, rounds)
        rows.append(row)
        cells = [_microseconds(row.ssekit_microseconds)]
        for name, decoded in row.decoded.items():
            cell = _multiple(row.ratios[name]) if name in row.ratios else "fails"
            if decoded != workload.events:
                cell += "*"
                faults.append(f"{name}, {workload.name}: {decoded}, not {workload.events} events")
            cells.append(cell)
        print_row([workload.name, *cells])
    for fault in faults:
        print(f"* {fault}")
    return rows


def _measure_events(workload: Workload, counts: Mapping[str, Count], rounds: int) -> _EventsRow:
    decoded = {name: _decoded(count, workload.reads) for name, count in counts.items()}
    assert decoded.pop("ssekit") == workload.events
    measured = {
        name: partial(count, workload.reads)
        for name, count in counts.items()
        if not isinstance(decoded.get(name), str)
    }
    times = interleave(measured, rounds)
    return _EventsRow(
        workload.name,
        times.microseconds("ssekit", workload.events),
        {name: times.ratio(name, "ssekit") for name in measured if name != "ssekit"},
        decoded,
    )


def _decoded(count: Count, reads: list[bytes]) -> int | str:
    """Return how many events an adapter finds, or what it raises."""
    try:
        return count(reads)
    except Exception as error:
        return type(error).__name__


# Typed and accumulated.


@dataclass(frozen=True)
class _TypedRow:
    workload: str
    floor_microseconds: Value
    ratios: dict[str, Value]


def _print_typed(workloads: Sequence[Workload], rounds: int) -> list[_TypedRow]:
    if not workloads:
        return []
    print("\nTyped and accumulated: L, the typed decode alone, in µs per chunk; the others in L")
    print_row = _table(["", "L", "json.loads", "stream"])
    rows = []
    for workload in workloads:
        row = _measure_typed(workload, rounds)
        rows.append(row)
        cells = map(_multiple, row.ratios.values())
        print_row([workload.name, _microseconds(row.floor_microseconds), *cells])
    return rows


def _measure_typed(workload: Workload, rounds: int) -> _TypedRow:
    assert workload.format is not None
    payloads = [payload for payload in workload.payloads if payload != MARKER]
    decode = msgspec.json.Decoder(floor.TYPES[workload.format]).decode
    measured: dict[str, Callable[[], object]] = {
        "L": partial(_each, decode, payloads),
        "json.loads": partial(_each, json.loads, payloads),
        "stream": partial(_stream, _FORMATS[workload.format], workload.reads),
    }
    times = interleave(measured, rounds)
    ratios = {name: times.ratio(name, "L") for name in measured if name != "L"}
    return _TypedRow(workload.name, times.microseconds("L", len(payloads)), ratios)


def _each(decode: Callable[[bytes], object], payloads: list[bytes]) -> None:
    for payload in payloads:
        decode(payload)


def _stream(wire_format: Format[Any, Any], reads: list[bytes]) -> None:
    stream = wire_format.stream(reads)
    for _ in stream:
        pass
    assert stream.state == "done"


# How it looks.


def _table(header: Sequence[str]) -> Callable[[Sequence[str]], None]:
    """Print the header of a table, and return what prints a row as soon as it is known."""
    widths = [20, *(max(13, len(name)) for name in header[1:])]

    def print_row(cells: Sequence[str]) -> None:
        first, *rest = (f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        print(first.strip().ljust(widths[0]), *rest, flush=True)

    print_row(header)
    return print_row


def _microseconds(value: Value) -> str:
    return f"{value.median:,.2f} {_spread(value)}"


def _multiple(value: Value) -> str:
    return f"{value.median:.2f}x {_spread(value)}"


def _spread(value: Value) -> str:
    return f"±{value.spread:.0%}"


if __name__ == "__main__":
    main()
