# Events alone: ssekit and its peers.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from benchmarks.measure import clocked, interleave
from benchmarks.peers import Count, count_fed
from benchmarks.report import EventsRow, microseconds, multiple, terminal_table
from benchmarks.workloads import Workload

__all__ = ["measure_events"]


def measure_events(
    workloads: Sequence[Workload], counts: Mapping[str, Count], rounds: int, budget: float
) -> list[EventsRow]:
    """Measure and print each workload with the adapters of ssekit and of its peers."""
    print(
        "\nEvents alone: ssekit in µs per event; the others in times as long as ssekit takes"
        "\n(ssekit: iter_events, which takes all reads, as the others do; feed: of SSEDecoder,"
        " called for each)"
    )
    print_row = terminal_table(
        ["", "ssekit", "feed", *(name for name in counts if name != "ssekit")]
    )
    rows, faults = [], []
    for workload in workloads:
        row = _measure(workload, counts, rounds, budget)
        rows.append(row)
        cells = [microseconds(row.microseconds), multiple(row.feed)]
        for name, decoded in row.decoded.items():
            cell = multiple(row.ratios[name]) if name in row.ratios else "fails"
            if decoded != workload.events:
                cell += "*"
                faults.append(f"{name}, {workload.name}: {decoded}, not {workload.events} events")
            cells.append(cell)
        print_row([workload.name, *cells])
    for fault in faults:
        print(f"* {fault}")
    return rows


def _measure(
    workload: Workload, counts: Mapping[str, Count], rounds: int, budget: float
) -> EventsRow:
    decoded = {name: _decoded(count, workload.reads) for name, count in counts.items()}
    working = [name for name, number in decoded.items() if isinstance(number, int)]
    assert decoded.pop("ssekit") == workload.events
    measured = {name: clocked(partial(counts[name], workload.reads)) for name in working}
    measured["feed"] = clocked(partial(count_fed, workload.reads))
    times = interleave(measured, rounds, budget)
    return EventsRow(
        workload.name,
        workload.events,
        times.microseconds("ssekit", workload.events),
        times.ratio("feed", "ssekit"),
        {name: times.ratio(name, "ssekit") for name in working if name != "ssekit"},
        decoded,
    )


def _decoded(count: Count, reads: list[bytes]) -> int | str:
    """Return how many events an adapter finds, or the name of its exception."""
    try:
        return count(reads)
    except Exception as error:
        return type(error).__name__
