# The goals of ssekit, and the figures of a run for each.
#
# What always holds here:
# - A goal is data: a name, a limit, and where in the report its figures are. Only the import is
#   held to an absolute time.
# - Of several figures the worst counts.

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from benchmarks import memory, sdk
from benchmarks.report import Report, TypedRow

__all__ = ["GOALS", "Goal", "verdicts"]

Figures = Callable[[Report], Iterable[float]]


@dataclass(frozen=True)
class Goal:
    """A limit, and the figures that are held to it.

    Attributes:
        figures: Returns the figures of a report; none if the part was not run.
        unit: The end of the limit and of the figure, as they are printed.
        at_least: Whether more is better.
    """

    name: str
    figures: Figures
    limit: float
    unit: str
    at_least: bool = False


def verdicts(report: Report) -> Iterator[tuple[str, str, str, str]]:
    """Yield the name of each goal, its limit, the figure, and whether it holds."""
    for goal in GOALS:
        limit = f"{'at least' if goal.at_least else 'at most'} {goal.limit:,g}{goal.unit}"
        figures = list(goal.figures(report))
        if not figures:
            yield goal.name, limit, "not measured", ""
            continue
        figure = min(figures) if goal.at_least else max(figures)
        holds = figure >= goal.limit if goal.at_least else figure <= goal.limit
        digits = f"{figure:,.0f}" if figure >= 100 else f"{figure:.2f}"
        yield goal.name, limit, f"{digits}{goal.unit}", "holds" if holds else "does not"


# Where the figures are.


def _typed(workloads: Collection[str], figure: Callable[[TypedRow], float]) -> Figures:
    return lambda report: (figure(row) for row in report.typed if row.workload in workloads)


def _stream(row: TypedRow) -> float:
    return row.ratios["stream"].median


def _deltas(row: TypedRow) -> float:
    return row.deltas_more.median


def _async(report: Report) -> Iterable[float]:
    return (row.async_ratio.median for row in report.typed)


def _node(workload: str) -> Figures:
    return lambda report: (
        row.ratios["node"].median / _stream(row)
        for row in report.typed
        if row.workload == workload and "node" in row.ratios
    )


def _peers(workload: str = "", peer: str = "") -> Figures:
    """Return the ratios of events alone: of one workload, of one peer, or of all."""
    return lambda report: (
        ratio.median
        for row in report.events
        for name, ratio in row.ratios.items()
        if workload in ("", row.workload) and peer in ("", name)
    )


def _sdk(call: str) -> Figures:
    return lambda report: (row.ratios[call].median for row in report.sdk)


def _memory(what: str) -> Figures:
    return lambda report: (row.size for row in report.memory if row.what.startswith(what))


def _import(report: Report) -> Iterable[float]:
    figure = report.import_milliseconds.get("ssekit")
    return [figure.median] if figure else []


def _exponents(report: Report) -> Iterable[float]:
    return (row.exponent for row in report.scale)


_ARRIVALS = {"64-kib": "64 KiB", "4-kib": "4 KiB", "one-event": "one event"}
_TYPED = [prefix + name for prefix in ("responses-", "messages-") for name in _ARRIVALS]
_HARD = {
    "17-bytes": "reads of 17 bytes",
    "drip": "reads of 1 byte",
    "4-mib-event": "one event of 4 MiB",
    "data-lines": "20,000 data lines",
    "fragments": "100,000 fragments of a tool call",
    "parallel-calls": "1,000 parallel calls",
}


def _arrivals(what: str, prefix: str, limits: tuple[float, float, float]) -> Iterator[Goal]:
    for (name, size), limit in zip(_ARRIVALS.items(), limits, strict=True):
        yield Goal(f"{what}, {size} a read", _typed([prefix + name], _stream), limit, " L")


GOALS = (
    *_arrivals("chat chunks, typed and accumulated", "", (1.8, 2.1, 2.7)),
    *_arrivals("text deltas of Responses", "responses-", (2.0, 2.3, 3.0)),
    *_arrivals("text deltas of Messages", "messages-", (2.0, 2.3, 3.0)),
    Goal("`deltas()` beyond the chunks of chat", _typed(_ARRIVALS, _deltas), 0.35, " L"),
    Goal("`deltas()` beyond events of the other two", _typed(_TYPED, _deltas), 0.35, " L"),
    Goal("asynchronous iteration", _async, 1.3, " x sync"),
    Goal("events, any workload, any Python peer", _peers(), 1, "x", at_least=True),
    Goal("events, 64 KiB, httpx-sse", _peers("64-kib", "httpx-sse"), 2.5, "x", at_least=True),
    Goal("events, 64 KiB, openai", _peers("64-kib", "openai"), 6, "x", at_least=True),
    *(
        Goal(f"{what}, any Python peer", _peers(name), 1, "x", at_least=True)
        for name, what in _HARD.items()
    ),
    Goal(f"openai's `{sdk.STREAM}`", _sdk(sdk.STREAM), 100, "x", at_least=True),
    Goal(f"openai's `{sdk.CREATE}`", _sdk(sdk.CREATE), 50, "x", at_least=True),
    Goal("Node with JSON.parse, one event", _node("one-event"), 1, "x", at_least=True),
    Goal("Node with JSON.parse, 64 KiB", _node("64-kib"), 1, "x", at_least=True),
    Goal("cost: size to the power of", _exponents, 1.1, ""),
    Goal(memory.IDLE_DECODER, _memory(memory.IDLE_DECODER), 1024, " bytes"),
    Goal(memory.IDLE_STREAM, _memory(memory.IDLE_STREAM), 4096, " bytes"),
    Goal(memory.LIVE, _memory(memory.LIVE), 3, " x its text"),
    Goal(memory.FINISHED, _memory(memory.FINISHED), 1.5, " x its text"),
    Goal("`import ssekit` over `import msgspec`", _import, 10, " ms"),
)
