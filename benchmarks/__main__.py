"""How fast ssekit is beside its peers: `python -m benchmarks`."""
# Tables of what was measured, and at the end the goals.
#
# What always holds here:
# - What counts is a ratio within one run. Times are printed to give the ratios a size.
# - Nothing is left out for its result: a peer that is absent, fails, or decodes another number of
#   events is named, and workloads on which ssekit loses stand beside those on which it wins.

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

import ssekit
from benchmarks.events import print_events
from benchmarks.goals import verdicts
from benchmarks.memory import print_import, print_memory
from benchmarks.nodejs import node_versions
from benchmarks.peers import PEERS, SSEKIT, Count, Peer, count_with
from benchmarks.readme import markdown
from benchmarks.report import Report
from benchmarks.scale import print_scale
from benchmarks.sdk import load_sdk, print_sdk
from benchmarks.typed import print_typed
from benchmarks.workloads import Workload, make_workloads

# What is measured beside the workloads, by the name that `--only` takes.
_PARTS = ("sdk", "memory", "import", "scale")


class Effort(NamedTuple):
    """How often each thing is measured, and for how many seconds at the most."""

    rounds: int
    budget: float
    imports: int


_FULL = Effort(151, 20, 15)
_QUICK = Effort(25, 3, 2)


def main(
    argv: Sequence[str] | None = None, *, peers: Sequence[Peer] = PEERS, scale: float = 1.0
) -> None:
    """Measure and print. (`scale` shortens the streams, for tests.)"""
    parser = _parser()
    options = parser.parse_args(argv)
    effort = _QUICK if options.quick else _FULL
    workloads = {workload.name: workload for workload in make_workloads(scale)}
    names = options.only or [*workloads, *_PARTS]
    if not {*workloads, *_PARTS} >= set(names):
        parser.error(f"--only takes one of {', '.join([*workloads, *_PARTS])}")

    chosen = [workloads[name] for name in names if name in workloads]
    report = _measure(chosen, [name for name in names if name in _PARTS], peers, effort, scale)
    _print_goals(report)
    if options.markdown:
        print("", markdown(report), sep="\n")
    if options.json is not None:
        report.write(options.json)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks", description="ssekit and its peers.")
    parser.add_argument("--quick", action="store_true", help="few rounds: a first impression")
    parser.add_argument(
        "--only",
        action="append",
        metavar="NAME",
        help=f"one workload, or one of {', '.join(_PARTS)} (repeatable)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file too")
    parser.add_argument("--markdown", action="store_true", help="print the README's tables too")
    return parser


def _measure(
    workloads: Sequence[Workload],
    parts: Sequence[str],
    peers: Sequence[Peer],
    effort: Effort,
    scale: float,
) -> Report:
    counts, versions = _load(peers)
    with_node, node = node_versions()
    report = Report({**versions, **node})
    for name, said in report.versions.items():
        print(f"{name}: {said}")
    for workload in workloads:
        print(f"\n{workload.name}: {_sizes(workload)}\n    {workload.why}")
    if workloads:
        report.events = print_events(workloads, counts, effort.rounds, effort.budget)
    typed = [workload for workload in workloads if workload.format]
    report.typed = print_typed(typed, effort.rounds, effort.budget, with_node=with_node)
    runs: dict[str, Callable[[], None]] = {
        "sdk": lambda: _measure_sdk(report, effort, scale),
        "memory": lambda: setattr(report, "memory", print_memory(scale)),
        "import": lambda: setattr(report, "import_milliseconds", print_import(effort.imports)),
        "scale": lambda: setattr(report, "scale", print_scale(scale)),
    }
    for part in parts:
        runs[part]()
    return report


def _load(peers: Sequence[Peer]) -> tuple[dict[str, Count], dict[str, str]]:
    """Return the adapters of the peers that can be run, and what to say of each peer."""
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
            except (ImportError, AttributeError) as error:  # what is private may move
                versions[peer.name] += f", not measured: {error}"
    return counts, versions


def _sizes(workload: Workload) -> str:
    return f"{workload.events:,} events, {len(workload.reads):,} reads, {workload.size:,} bytes"


def _measure_sdk(report: Report, effort: Effort, scale: float) -> None:
    try:
        make_runs = load_sdk()
    except ImportError as error:
        print(f"\nThe official SDK: not measured: {error}")
    else:
        report.sdk = print_sdk(make_runs, scale, effort.budget)


def _print_goals(report: Report) -> None:
    print("\nGoals (times: how many times as long as ssekit takes)")
    for name, goal, figure, verdict in verdicts(report):
        print(f"{name:<54} {goal:<24} {figure:>20}  {verdict}".rstrip())


if __name__ == "__main__":
    main()
