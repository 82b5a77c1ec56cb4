# What ssekit is meant to reach, and what a run found of it.
#
# What always holds here:
# - A goal is data: a name, a limit, and where in the report its figure stands. Whether it holds is
#   said by the figure alone; nothing judges an absolute time but the import's.
# - A figure of more than one row is that of the worst.

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from benchmarks import memory, sdk
from benchmarks.report import Report

__all__ = ["GOALS", "Goal", "verdicts"]

Figure: TypeAlias = Callable[[Report], Iterable[float]]


@dataclass(frozen=True)
class Goal:
    """One row.

    Attributes:
        figures: What was measured of it, of which the worst counts; none if it was not.
        unit: Stands behind the limit and the figure.
        at_least: Whether more is better.
    """

    name: str
    figures: Figure
    limit: float
    unit: str
    at_least: bool = False

    def figure(self, report: Report) -> float | None:
        worst = min if self.at_least else max
        return worst(self.figures(report), default=None)

    def holds(self, figure: float) -> bool:
        return figure >= self.limit if self.at_least else figure <= self.limit


def verdicts(report: Report) -> Iterator[tuple[str, str, str, str]]:
    """Yield of each goal its name, the goal, the figure, and whether it holds."""
    for goal in GOALS:
        figure = goal.figure(report)
        wanted = f"{'at least' if goal.at_least else 'at most'} {goal.limit:,g}{goal.unit}"
        if figure is None:
            yield goal.name, wanted, "not measured", ""
        else:
            verdict = "holds" if goal.holds(figure) else "does not"
            yield goal.name, wanted, f"{_digits(figure)}{goal.unit}", verdict


def _digits(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.2f}"


# Where the figures stand.


def _typed(name: str, workload: str, report: Report) -> Iterator[float]:
    return (
        row.ratios[name].median
        for row in report.typed
        if row.workload == workload and name in row.ratios
    )


def _deltas(names: Collection[str], report: Report) -> Iterator[float]:
    return (row.deltas_more.median for row in report.typed if row.workload in names)


def _async(report: Report) -> Iterator[float]:
    return (row.async_ratio.median for row in report.typed)


def _node(workload: str, report: Report) -> Iterator[float]:
    return (
        row.ratios["node"].median / row.ratios["stream"].median
        for row in report.typed
        if row.workload == workload and "node" in row.ratios
    )


def _peers(report: Report) -> Iterator[float]:
    return (ratio.median for row in report.events for ratio in row.ratios.values())


def _peers_on(workload: str, report: Report) -> Iterator[float]:
    rows = (row for row in report.events if row.workload == workload)
    return (ratio.median for row in rows for ratio in row.ratios.values())


def _peer(name: str, workload: str, report: Report) -> Iterator[float]:
    rows = (row for row in report.events if row.workload == workload)
    return (row.ratios[name].median for row in rows if name in row.ratios)


def _sdk(name: str, report: Report) -> Iterator[float]:
    return (row.ratios[name].median for row in report.sdk)


def _held(what: str, report: Report) -> Iterator[float]:
    return (row.size for row in report.memory if row.what.startswith(what))


def _exponents(report: Report) -> Iterator[float]:
    return (row.exponent for row in report.scale)


def _import(report: Report) -> Iterator[float]:
    return (value.median for name, value in report.import_milliseconds.items() if name == "ssekit")


_ARRIVALS = {"64-kib": "64 KiB", "4-kib": "4 KiB", "one-event": "one event"}
_TYPED = [prefix + name for prefix in ("responses-", "messages-") for name in _ARRIVALS]


def _arrivals(what: str, prefix: str, limits: tuple[float, float, float]) -> Iterator[Goal]:
    for (name, size), limit in zip(_ARRIVALS.items(), limits, strict=True):
        yield Goal(f"{what}, {size} a read", partial(_typed, "stream", prefix + name), limit, " L")


_HARD = {
    "17-bytes": "reads of 17 bytes",
    "drip": "reads of 1 byte",
    "4-mib-event": "one event of 4 MiB",
    "data-lines": "20,000 data lines",
    "fragments": "100,000 fragments of a tool call",
    "parallel-calls": "1,000 parallel calls",
}

GOALS = (
    *_arrivals("chat chunks, typed and accumulated", "", (1.8, 2.1, 2.7)),
    *_arrivals("text deltas of Responses", "responses-", (2.0, 2.3, 3.0)),
    *_arrivals("text deltas of Messages", "messages-", (2.0, 2.3, 3.0)),
    Goal("`deltas()` beyond the chunks of chat", partial(_deltas, _ARRIVALS), 0.35, " L"),
    Goal("`deltas()` beyond events of the other two", partial(_deltas, _TYPED), 0.35, " L"),
    Goal("asynchronous iteration", _async, 1.3, " x sync"),
    Goal("events, any workload, any Python peer", _peers, 1, "x", at_least=True),
    Goal("events, 64 KiB, httpx-sse", partial(_peer, "httpx-sse", "64-kib"), 2.5, "x", True),
    Goal("events, 64 KiB, openai", partial(_peer, "openai", "64-kib"), 6, "x", True),
    *(
        Goal(f"{what}, any Python peer", partial(_peers_on, name), 1, "x", at_least=True)
        for name, what in _HARD.items()
    ),
    Goal(f"openai's `{sdk.STREAM}`", partial(_sdk, sdk.STREAM), 100, "x", at_least=True),
    Goal(f"openai's `{sdk.CREATE}`", partial(_sdk, sdk.CREATE), 50, "x", at_least=True),
    Goal("Node with JSON.parse, one event", partial(_node, "one-event"), 1, "x", at_least=True),
    Goal("Node with JSON.parse, 64 KiB", partial(_node, "64-kib"), 1, "x", at_least=True),
    Goal("cost: size to the power of", _exponents, 1.1, ""),
    Goal(memory.IDLE_DECODER, partial(_held, memory.IDLE_DECODER), 1024, " bytes"),
    Goal(memory.IDLE_STREAM, partial(_held, memory.IDLE_STREAM), 4096, " bytes"),
    Goal(memory.LIVE, partial(_held, memory.LIVE), 3, " x its text"),
    Goal(memory.FINISHED, partial(_held, memory.FINISHED), 1.5, " x its text"),
    Goal("`import ssekit` over `import msgspec`", _import, 10, " ms"),
)
