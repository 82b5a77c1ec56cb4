"""Measure ssekit beside its peers: `python -m benchmarks`."""
# Prints a table for each part, and the goals at the end.
#
# What always holds here:
# - Ratios within one run count. Times give the ratios a size.
# - Nothing is left out for its result: a peer that is absent, fails, or decodes another number of
#   events is named, and the workloads on which ssekit loses stay.

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.events import measure_events
from benchmarks.goals import print_verdicts
from benchmarks.measure import Rounds
from benchmarks.memory import measure_import, measure_memory
from benchmarks.peers import PEERS, Peer, load
from benchmarks.report import Report
from benchmarks.scale import measure_scale
from benchmarks.sdk import measure_sdk
from benchmarks.typed import measure_opening, measure_typed
from benchmarks.workloads import make_workloads

# The parts beside the workloads.
_PARTS = ("opening", "sdk", "memory", "import", "scale")


def main(
    argv: Sequence[str] | None = None, *, peers: Sequence[Peer] = PEERS, scale: float = 1.0
) -> None:
    """Measure and print. (`scale` shortens the streams, for tests.)"""
    workloads = {workload.name: workload for workload in make_workloads(scale)}
    options = _parse(argv, [*workloads, *_PARTS])
    chosen = [workload for name, workload in workloads.items() if name in options.only]
    rounds, imports = Rounds(151, 15), Rounds(15)
    if options.quick:
        rounds, imports, scale = Rounds(25, 0.5), Rounds(3), scale / 4

    parsers, versions = load(peers)
    report = Report(versions)
    for name, version in report.versions.items():
        print(f"{name}: {version}")
    for each in chosen:
        reads = sum(map(len, each.reads))
        size = sum(len(read) for stream in each.reads for read in stream)
        sizes = (
            f"{len(each.reads)} streams, {each.events:,} events, {reads:,} reads, {size:,} bytes"
        )
        print(f"\n{each.name}: {sizes}\n    {each.why}")
    if chosen:
        typed = [workload for workload in chosen if workload.format]
        report.rows += measure_typed(typed, rounds)
        report.rows += measure_events(chosen, parsers, rounds)
    if "opening" in options.only:
        report.rows += measure_opening(workloads["chat-turns-event"], rounds)
    if "sdk" in options.only:
        report.rows += measure_sdk(scale, rounds)
    if "memory" in options.only:
        report.rows += measure_memory(scale)
    if "import" in options.only:
        report.rows += measure_import(imports)
    if "scale" in options.only:
        report.rows += measure_scale(scale)
    print_verdicts(report)
    if options.json is not None:
        report.write(options.json)


def _parse(argv: Sequence[str] | None, names: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds: a first impression")
    parser.add_argument(
        "--only",
        action="append",
        choices=names,
        metavar="NAME",
        help=f"one of {', '.join(names)} (repeatable)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file too")
    options = parser.parse_args(argv)
    options.only = options.only or names
    return options


if __name__ == "__main__":
    main()
