"""Measure ssekit beside its peers: `python -m benchmarks`."""
# Prints a table for each part, and the goals at the end.
#
# What always holds here:
# - Ratios within one run count. Times give the ratios a size.
# - Nothing is left out for its result: a peer that is absent, fails, or decodes another number of
#   events is named, and the workloads on which ssekit loses stay.

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Sequence
from pathlib import Path

import msgspec

import ssekit
from benchmarks.events import measure_events
from benchmarks.goals import verdicts
from benchmarks.memory import measure_import, measure_memory
from benchmarks.nodejs import node_versions
from benchmarks.peers import PEERS, SSEKIT, Count, Peer, count_with
from benchmarks.report import Report
from benchmarks.scale import measure_scale
from benchmarks.sdk import measure_sdk
from benchmarks.typed import measure_typed
from benchmarks.workloads import make_workloads

# The parts beside the workloads.
_PARTS = ("sdk", "memory", "import", "scale")


def main(
    argv: Sequence[str] | None = None, *, peers: Sequence[Peer] = PEERS, scale: float = 1.0
) -> None:
    """Measure and print. (`scale` shortens the streams, for tests.)"""
    workloads = {workload.name: workload for workload in make_workloads(scale)}
    options = _parse(argv, [*workloads, *_PARTS])
    chosen = [workload for name, workload in workloads.items() if name in options.only]
    rounds, budget, imports = (25, 3, 2) if options.quick else (151, 20, 15)

    counts, versions = _load(peers)
    node = node_versions()
    report = Report(versions | node)
    for name, version in report.versions.items():
        print(f"{name}: {version}")
    for each in chosen:
        size = sum(map(len, each.reads))
        sizes = f"{each.events:,} events, {len(each.reads):,} reads, {size:,} bytes"
        print(f"\n{each.name}: {sizes}\n    {each.why}")
    if chosen:
        report.events = measure_events(chosen, counts, rounds, budget)
        typed = [workload for workload in chosen if workload.format]
        with_node = "absent" not in node.values()
        report.typed = measure_typed(typed, rounds, budget, with_node=with_node)
    if "sdk" in options.only:
        report.sdk = measure_sdk(scale, budget)
    if "memory" in options.only:
        report.memory = measure_memory(scale)
    if "import" in options.only:
        report.import_milliseconds = measure_import(imports)
    if "scale" in options.only:
        report.scale = measure_scale(scale)

    print("\nGoals (times: how many times as long as ssekit takes)")
    for name, goal, figure, verdict in verdicts(report):
        print(f"{name:<54} {goal:<24} {figure:>20}  {verdict}".rstrip())
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


def _load(peers: Sequence[Peer]) -> tuple[dict[str, Count], dict[str, str]]:
    """Return the adapters of the peers that are installed, and the version of each peer."""
    counts: dict[str, Count] = {"ssekit": count_with(SSEKIT.load())}
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
            except (ImportError, AttributeError) as error:  # private names may move
                versions[peer.name] += f", not measured: {error}"
    return counts, versions


if __name__ == "__main__":
    main()
