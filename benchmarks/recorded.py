"""Measure recorded streams as they came: `python -m benchmarks.recorded FOLDER`."""
# What always holds here:
# - A file is one stream, as bytes. Its format is named by its folder, or shown by its first events.
# - The streams of a format are a sample that stays the same: the first by the hash of their name.

from __future__ import annotations

import argparse
import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import ssekit
from benchmarks.events import measure_events
from benchmarks.goals import RECORDED, print_verdicts
from benchmarks.measure import Rounds
from benchmarks.peers import PEERS, Peer, load
from benchmarks.report import Report
from benchmarks.typed import measure_opening, measure_typed
from benchmarks.workloads import ARRIVALS, Workload, format_named, pieces
from ssekit import auto, iter_events

_EVENT = re.compile(rb"(?s).+?(?:\r\n\r\n|\n\n|\r\r|\Z)")
_SUFFIXES = (".sse", ".txt", ".bin")


def recorded_workloads(folder: Path, most: int = 120) -> Iterator[Workload]:
    """Yield the recordings of each format, in each way in which they may arrive."""
    files: dict[str, list[Path]] = {}
    for file in folder.rglob("*"):
        if file.suffix in _SUFFIXES and (name := _format_of(file)):
            files.setdefault(name, []).append(file)
    for name in filter(files.__contains__, auto.FORMATS):
        found = sorted(files[name], key=lambda file: hashlib.sha256(file.name.encode()).digest())
        streams = [file.read_bytes() for file in found[:most]]
        payloads = [event.data.encode() for each in streams for event in iter_events([each])]
        why = f"{len(streams)} recorded streams of {name}"
        for arrival, size in ARRIVALS.items():
            reads = [pieces(each, size) if size else _EVENT.findall(each) for each in streams]
            yield Workload(f"{name}-recorded-{arrival}", why, reads, payloads, format_named(name))


def _format_of(file: Path) -> str | None:
    """Return the name of a recording's format, if it is one that has an accumulator."""
    if file.parent.name in auto.FORMATS:
        return file.parent.name
    formats = map(auto.detect, iter_events(file))
    return next((each.name for each in formats if each is not None), None)


def main(argv: Sequence[str] | None = None, *, peers: Sequence[Peer] = PEERS) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser("python -m benchmarks.recorded", description=__doc__)
    parser.add_argument("folder", type=Path, help="of recordings: .sse, .txt or .bin")
    parser.add_argument("--most", type=int, default=120, help="how many streams of a format")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--format", action="append", choices=auto.FORMATS, help="(repeatable)")
    parser.add_argument("--typed", action="store_true", help="leave out events alone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file too")
    options = parser.parse_args(argv)

    print(f"ssekit: {Path(ssekit.__file__).parent}")
    workloads = [
        workload
        for workload in recorded_workloads(options.folder, options.most)
        if workload.name.split("-")[0] in (options.format or auto.FORMATS)
    ]
    rounds = Rounds(options.rounds)
    parsers, versions = load(peers)
    report = Report(versions)
    as_events = [workload for workload in workloads if workload.name.endswith("-event")]
    for workload in as_events:
        print(f"{workload.why}: {workload.events:,} events")
        if workload.format is ssekit.chat.FORMAT:
            report.rows += measure_opening(workload, rounds)
    report.rows += measure_typed(as_events, rounds)
    if not options.typed:
        report.rows += measure_events(workloads, parsers, rounds)
    print_verdicts(report, RECORDED)
    if options.json is not None:
        report.write(options.json)


if __name__ == "__main__":
    main()
