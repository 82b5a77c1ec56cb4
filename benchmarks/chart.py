"""Draw the figures of a run: `python -m benchmarks.chart` (needs matplotlib)."""
# Two pictures: ssekit beside its peers, and cost against size.
#
# What always holds here:
# - The pictures show all figures, those behind ssekit as well as those ahead of it.
# - The same figures give the same bytes. No ground is white and no ink black: both pictures can be
#   read on light and on dark pages.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.readme import FIGURES
from benchmarks.report import EventsRow, Exponent, Report, TypedRow

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
    "stream": ("ssekit", _SSEKIT),
    "deltas": ("ssekit, deltas()", _COLORS[3]),
    "node": ("eventsource-parser and JSON.parse, on V8", _COLORS[1]),
    "json.loads": ("json.loads of the payloads alone", _COLORS[0]),
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
        height = 1.6 + 0.28 * max(len(report.events), len(report.typed))
        figure, (events, typed) = pyplot.subplots(1, 2, figsize=(13, height), layout="constrained")
        _draw_events(events, report.events)
        _draw_typed(typed, report.typed)
        _save(figure, folder / "speed.svg")

        groups: dict[str, list[Exponent]] = {}
        for each in report.scale:
            groups.setdefault(each.group, []).append(each)
        rows = -(-len(groups) // 2)
        figure, panels = pyplot.subplots(
            rows, 2, figsize=(14, 3.5 * rows), layout="constrained", squeeze=False
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


# Speed: a line for each workload, a mark for each reader.


def _draw_events(axes: Any, rows: Sequence[EventsRow]) -> None:
    axes.set_title("Events alone: how many times as long as ssekit takes (right: slower)")
    for number, peer in enumerate(rows[0].decoded):
        looks = {"label": peer, "color": _COLORS[number], "alpha": 0.9, "zorder": 2}
        _scatter(axes, rows, peer, _MARKERS[number], looks)
    axes.axvline(1, color=_SSEKIT, linewidth=2, label="ssekit", zorder=1)
    axes.set_xscale("log")
    _set_ticks(axes, rows, [0.5, 1, 2, 5, 10, 50, 100], "x")


def _draw_typed(axes: Any, rows: Sequence[TypedRow]) -> None:
    axes.set_title("Typed and accumulated: in times of msgspec's decode alone (L)")
    for number, (name, (label, color)) in enumerate(_TYPED.items()):
        _scatter(axes, rows, name, _MARKERS[number], {"label": label, "color": color})
    axes.axvline(1, color=_INK, linewidth=1, linestyle="--", label="the decode alone")
    axes.set_xscale("log", base=2)
    _set_ticks(axes, rows, [1, 2, 4, 8, 16], " L")


def _scatter(
    axes: Any,
    rows: Sequence[EventsRow | TypedRow],
    name: str,
    marker: str,
    looks: Mapping[str, Any],
) -> None:
    there = [place for place, row in enumerate(rows) if name in row.ratios]
    ratios = [rows[place].ratios[name].median for place in there]
    axes.scatter(ratios, there, marker=marker, s=26, **looks)


def _set_ticks(
    axes: Any, rows: Sequence[EventsRow | TypedRow], ticks: Sequence[float], unit: str
) -> None:
    axes.set_xticks(ticks, [f"{tick:g}{unit}" for tick in ticks])
    axes.set_yticks(range(len(rows)), [row.workload for row in rows])
    axes.invert_yaxis()
    axes.minorticks_off()
    axes.grid(axis="x")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.06), ncols=3, fontsize=8)


# Cost against size: both logarithmic, a panel for each group of dimensions.


def _draw_group(axes: Any, group: str, members: Sequence[Exponent]) -> None:
    axes.set_title(group)
    for number, each in enumerate(members):
        sizes = [size / each.sizes[0] for size in each.sizes]
        times = [seconds / each.seconds[0] for seconds in each.seconds]
        style = {"marker": _MARKERS[number % 8], "markersize": 4, "color": _COLORS[number % 8]}
        label = f"{each.exponent:.2f}  {each.dimension}"
        axes.plot(sizes, times, label=label, linewidth=1, alpha=0.9, **style)
    end = max(each.sizes[-1] / each.sizes[0] for each in members)
    for exponent, line, name in ((1, "--", "1.00  linear"), (2, ":", "2.00  quadratic")):
        axes.plot(
            [1.0, end], [1.0, end**exponent], color=_INK, linestyle=line, linewidth=1, label=name
        )
    axes.set(xscale="log", yscale="log", xlabel="size, of the smallest", ylabel="time")
    axes.minorticks_off()
    axes.set_xticks(ticks := [1, 2, 4, 8], [f"{tick}" for tick in ticks])
    axes.set_yticks(ticks := [1, 2, 4, 8, 16, 32, 64], [f"{tick}" for tick in ticks])
    axes.grid()
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))


if __name__ == "__main__":
    main()
