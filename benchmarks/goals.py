# The goals of ssekit, and the figures of a run for each.
#
# What always holds here:
# - A goal is data: a limit, and the rows and columns of the report that are held to it. Only the
#   import is held to an absolute time.
# - Of several figures the worst counts.

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks import sdk
from benchmarks.events import FEED, MICROSECONDS
from benchmarks.payloads import ANSWERS
from benchmarks.report import Report
from benchmarks.scale import EXPONENT


@dataclass(frozen=True)
class Goal:
    """A limit, and the figures that are held to it.

    Attributes:
        part: The part of the run that has the figures.
        rows: Matches the names of its rows.
        columns: Matches the columns of the figures.
        unit: The end of the limit and of the figure, as they are printed.
        at_least: Whether more is better.
    """

    name: str
    part: str
    rows: str
    columns: str
    limit: float
    unit: str
    at_least: bool = False

    def figures(self, report: Report) -> list[float]:
        """Return the figures of a report; none if the part was not run."""
        return [
            value.median
            for row in report.part(self.part)
            if re.fullmatch(self.rows, row.name)
            for column, value in row.figures.items()
            if re.fullmatch(self.columns, column)
        ]


def verdicts(report: Report, goals: Sequence[Goal] | None = None) -> Iterator[tuple[str, ...]]:
    """Yield the name of each goal, its limit, the figure, and whether it holds."""
    for goal in GOALS if goals is None else goals:
        limit = f"{'at least' if goal.at_least else 'at most'} {goal.limit:,g}{goal.unit}"
        figures = goal.figures(report)
        if not figures:
            yield goal.name, limit, "not measured", ""
            continue
        figure = min(figures) if goal.at_least else max(figures)
        holds = figure >= goal.limit if goal.at_least else figure <= goal.limit
        digits = f"{figure:,.0f}" if figure >= 100 else f"{figure:.2f}"
        yield goal.name, limit, f"{digits}{goal.unit}", "holds" if holds else "does not"


def print_verdicts(report: Report, goals: Sequence[Goal] | None = None) -> None:
    print("\nGoals (x: how many times as long as ssekit takes)")
    for name, goal, figure, verdict in verdicts(report, goals):
        print(f"{name:<58} {goal:<24} {figure:>20}  {verdict}".rstrip())


NAMES = {name: name.capitalize() for name in ANSWERS} | {"chat": "chat"}
_SIZES = {"event": "one event", "1500": "1,500 bytes", "4-kib": "4 KiB", "64-kib": "64 KiB"}
_MORE = r"deltas\(\) more"
_PEER = rf"(?!{MICROSECONDS}|{FEED}).*"

# `collect` in L and in times of json.loads, and `deltas()` beyond the chunks in L.
_AS_THEY_COME = {
    "chat": (2.8, 0.65, 1.0),
    "responses": (5.0, 1.0, 1.5),
    "messages": (6.4, 1.0, 1.5),
    "gemini": (7.0, 2.0, 2.0),
    "interactions": (7.0, 2.0, 2.0),
}
_AS_THEY_COME_COLUMNS = {
    "collect": ("collect", " L"),
    "collect, of json.loads alone": ("collect / json.loads", "x"),
    "deltas() beyond chunks": (_MORE, " L"),
}


def _as_they_come(shape: str) -> Iterator[Goal]:
    """Yield the goals of streams as they come: recorded, or of a shape."""
    for name, limits in _AS_THEY_COME.items():
        rows = f"{name}-{shape}-event"
        for (what, (column, unit)), limit in zip(
            _AS_THEY_COME_COLUMNS.items(), limits, strict=True
        ):
            yield Goal(f"{NAMES[name]}: {what}", "typed", rows, column, limit, unit)
    for name in _AS_THEY_COME:
        for arrival in ("event", "1500", "64-kib"):
            what = f"{NAMES[name]}: events, {_SIZES[arrival]} a read, any Python peer"
            yield Goal(what, "events", f"{name}-{shape}-{arrival}", _PEER, 1, "x", at_least=True)
    for column, limit in (("chat.stream", 10), ("iter_events", 5)):
        rows = f"chat-{shape}-event"
        what = f"opening: {column} to what comes first"
        yield Goal(what, "opening", rows, column, limit, " x SSEDecoder()")


RECORDED = tuple(_as_they_come("recorded"))


# One long answer, and everything else.


def _long(name: str, what: str, limits: Sequence[float]) -> Iterator[Goal]:
    for arrival, limit in zip(("64-kib", "4-kib", "event"), limits, strict=True):
        rows = f"{name}-text-{arrival}"
        yield Goal(f"{what}, {_SIZES[arrival]} a read", "typed", rows, "chunks", limit, " L")


_HARD = {
    "17-bytes": "reads of 17 bytes",
    "drip": "reads of 1 byte",
    "4-mib-event": "one event of 4 MiB",
    "data-lines": "20,000 data lines",
    "fragments": "100,000 fragments of a tool call",
    "parallel-calls": "1,000 parallel calls",
}
_SDK = {sdk.STREAM: 100, sdk.CREATE: 50}
_AT_MOST = (
    ("`deltas()` beyond chunks, long texts", "typed", ".*-text-.*", _MORE, 0.35, " L"),
    ("asynchronous iteration, any workload", "typed", ".*", "async / sync", 1.3, " x sync"),
    ("cost: size to the power of", "scale", ".*", EXPONENT, 1.1, ""),
    ("an idle SSEDecoder", "memory", "an idle SSEDecoder", ".*", 1024, " bytes"),
    ("an idle stream", "memory", "an idle stream.*", ".*", 4096, " bytes"),
    ("a live answer", "memory", "a live.*", ".*", 3, " x its text"),
    ("a finished answer", "memory", "a finished.*", ".*", 1.5, " x its text"),
    ("`import ssekit` over `import msgspec`", "import", "ssekit", ".*", 10, " ms"),
)
_AT_LEAST = (
    ("events, any workload, any Python peer", "events", ".*", _PEER, 1),
    ("events, a long text, 64 KiB, httpx-sse", "events", "chat-text-64-kib", "httpx-sse", 2.5),
    ("events, a long text, 64 KiB, openai", "events", "chat-text-64-kib", "openai", 6),
    *((f"{what}, any Python peer", "events", row, _PEER, 1) for row, what in _HARD.items()),
    *((f"openai's `{call}`", "sdk", ".*", re.escape(call), least) for call, least in _SDK.items()),
)

GOALS = (
    *_as_they_come("turns"),
    *_long("chat", "a long text of chat", (2.2, 2.4, 2.8)),
    *_long("responses", "a long text of Responses", (2.0, 2.3, 3.0)),
    *_long("messages", "a long text of Messages", (2.0, 2.3, 3.0)),
    *(Goal(*each) for each in _AT_MOST),
    *(Goal(*each, "x", at_least=True) for each in _AT_LEAST),
)
