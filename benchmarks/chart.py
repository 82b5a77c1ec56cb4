"""Draw the figures of a run: `python -m benchmarks.chart` (needs matplotlib)."""
# Two pictures: ssekit beside its peers, and cost against size.
#
# What always holds here:
# - The pictures show the figures behind ssekit as well as those ahead of it.
# - The same figures give the same bytes. No ground is white and no ink black: both pictures can be
#   read on light and on dark pages.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.events import FEED, MICROSECONDS
from benchmarks.readme import FIGURES
from benchmarks.report import Report, Row
from benchmarks.scale import EXPONENT

__all__ = ["draw", "main"]

_INK = "#808890"  # in the middle between a white page and a black one
_SSEKIT = "#e0533d"
_COLORS = ["#3987c9", "#3aa76d", "#b07cc6", "#c9943a", "#4fb3bf", "#8a8f3c", "#c76b98", "#8c76d1"]
_MARKERS = "osD^vP*X"
_STYLE = {
    "svg.hashsalt": "ssekit",
    "svg.fonttype": "none",  # text stays text
    "font.size": 9,
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.titlesize": 10,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": _INK,
    "grid.alpha": 0.25,
    "legend.frameon": False,
}
_TYPED = {
    "collect": "ssekit's collect",
    "json.loads": "json.loads of the payloads alone",
    "by hand, json": "lines split by hand, json.loads",
    "by hand, msgspec": "lines split by hand, msgspec",
}


def main() -> None:
    """Draw both pictures beside the file of figures."""
    draw(Report.read(FIGURES), FIGURES.parent)


def draw(report: Report, folder: Path) -> None:
    """Draw both pictures."""
    matplotlib = import_module("matplotlib")
    matplotlib.use("svg")
    pyplot: Any = import_module("matplotlib.pyplot")
    with matplotlib.rc_context(_STYLE):
        events, typed = report.part("events"), report.part("typed")
        height = 1.6 + 0.2 * max(len(events), len(typed))
        figure, (left, right) = pyplot.subplots(1, 2, figsize=(13, height), layout="constrained")
        others = dict.fromkeys(column for row in events for column in (*row.figures, *row.faults))
        peers = {name: name for name in others if name not in (MICROSECONDS, FEED)}
        left.set_title("Events alone: how many times as long as ssekit takes (right: slower)")
        _scatter(left, events, peers, [0.2, 0.5, 1, 2, 5, 10, 50, 100], "x")
        left.axvline(1, color=_SSEKIT, linewidth=2, label="ssekit", zorder=1)
        right.set_title("Whole answers: in times of msgspec's typed decode alone (L)")
        _scatter(right, typed, _TYPED, [1, 2, 4, 8, 16, 32], " L")
        for axes in (left, right):
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.04), ncols=3, fontsize=8)
        _save(figure, folder / "speed.svg")

        groups: dict[str, dict[str, Row]] = {}
        for row in report.part("scale"):
            group, _, dimension = row.name.partition(": ")
            groups.setdefault(group, {})[dimension] = row
        lines = -(-len(groups) // 2)
        figure, panels = pyplot.subplots(
            lines, 2, figsize=(14, 3.5 * lines), layout="constrained", squeeze=False
        )
        for panel in panels.flat[len(groups) :]:
            panel.remove()
        for panel, (group, members) in zip(panels.flat, groups.items(), strict=False):
            _draw_group(panel, group, members)
        _save(figure, folder / "scale.svg")
        pyplot.close("all")


def _save(figure: Any, file: Path) -> None:
    figure.savefig(
        file, format="svg", transparent=True, bbox_inches="tight", metadata={"Date": None}
    )


def _scatter(
    axes: Any, rows: Sequence[Row], columns: Mapping[str, str], ticks: Sequence[float], unit: str
) -> None:
    """Draw a line for each workload, and a mark for each reader."""
    for number, (column, label) in enumerate(columns.items()):
        there = [place for place, row in enumerate(rows) if column in row.figures]
        ratios = [rows[place].figures[column].median for place in there]
        own = label.startswith("ssekit")
        color = _SSEKIT if own else _COLORS[number]
        looks = {"label": label, "color": color, "alpha": 0.9, "zorder": 3 if own else 2}
        axes.scatter(ratios, there, marker=_MARKERS[number], s=26, **looks)
    axes.set_xscale("log")
    axes.set_xticks(ticks, [f"{tick:g}{unit}" for tick in ticks])
    axes.set_yticks(range(len(rows)), [row.name for row in rows])
    axes.invert_yaxis()
    axes.minorticks_off()
    axes.grid(axis="x")


# Cost against size: both logarithmic, a panel for each group of dimensions.


def _draw_group(axes: Any, group: str, members: Mapping[str, Row]) -> None:
    axes.set_title(group)
    sizes: list[float] = []
    for number, (dimension, row) in enumerate(members.items()):
        figures = {name: value.median for name, value in row.figures.items()}
        exponent = figures.pop(EXPONENT)
        factors = [float(factor) for factor in figures]
        sizes = [factor / factors[0] for factor in factors]
        style = {"marker": _MARKERS[number % 8], "markersize": 4, "color": _COLORS[number % 8]}
        label = f"{exponent:.2f}  {dimension}"
        axes.plot(sizes, list(figures.values()), label=label, linewidth=1, alpha=0.9, **style)
    for exponent, line, name in ((1, "--", "1.00  linear"), (2, ":", "2.00  quadratic")):
        powers = [size**exponent for size in sizes]
        axes.plot(sizes, powers, color=_INK, linestyle=line, linewidth=1, label=name)
    axes.set(xscale="log", yscale="log", xlabel="size, of the smallest", ylabel="time")
    axes.minorticks_off()
    axes.set_xticks(ticks := [1, 2, 4, 8], [f"{tick}" for tick in ticks])
    axes.set_yticks(ticks := [1, 2, 4, 8, 16, 32, 64], [f"{tick}" for tick in ticks])
    axes.grid()
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))


if __name__ == "__main__":
    main()
