# Events alone: ssekit and its peers.

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

from benchmarks.measure import Rounds, clocked, interleave
from benchmarks.peers import Parse, fed
from benchmarks.report import Row, terminal_table
from benchmarks.workloads import Workload

MICROSECONDS = "ssekit, µs"
FEED = "by feed"

# A parser that finds fewer of the events fails at the work that is measured.
_MOST = 0.9


def measure_events(
    workloads: Iterable[Workload], parsers: Mapping[str, Parse], rounds: Rounds
) -> Iterator[Row]:
    """Measure and print each workload with the adapters of ssekit and of its peers."""
    print(
        "\nEvents alone: ssekit's iter_events in µs per event; the others in times as long as that"
        "\n(by feed: of SSEDecoder, called for each read)"
    )
    others = [name for name in parsers if name != "ssekit"]
    print_row = terminal_table([MICROSECONDS, FEED, *others])
    for workload in workloads:
        row = _measure(workload, {**parsers, FEED: fed}, rounds)
        print_row(row)
        yield row


def _measure(workload: Workload, parsers: Mapping[str, Parse], rounds: Rounds) -> Row:
    runs = {name: partial(_parse, parse, workload.reads) for name, parse in parsers.items()}
    found = {name: run() for name, run in runs.items()}
    expected, failed = found["ssekit"]
    assert expected == workload.events
    assert not failed
    faults = {
        name: ", ".join([f"{count:,} of {expected:,} events", *sorted(errors)])
        for name, (count, errors) in found.items()
        if errors or count != expected
    }
    measured = {
        name: clocked(runs[name]) for name, (count, _) in found.items() if count >= _MOST * expected
    }
    times = interleave(measured, rounds)
    figures = {MICROSECONDS: times.microseconds("ssekit", expected)}
    figures |= {name: times.ratio(name, "ssekit") for name in measured if name != "ssekit"}
    return Row("events", workload.name, figures, faults)


def _parse(parse: Parse, streams: Iterable[list[bytes]]) -> tuple[int, set[str]]:
    """Iterate over all events. Return their number, and the names of the exceptions."""
    count, errors = 0, set[str]()
    for reads in streams:
        try:
            for _ in parse(reads):
                count += 1
        except Exception as error:
            errors.add(type(error).__name__)
    return count, errors
