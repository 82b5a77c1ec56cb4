"""Draw what a run found: `python -m benchmarks.chart` (needs matplotlib)."""
# Two pictures: how ssekit stands beside its peers, and how cost grows with size.
#
# What always holds here:
# - All that was measured is in the picture; what is behind ssekit as well as what is ahead of it.
# - The same figures give the same bytes, and nothing in them is drawn with a white ground or in a
#   black ink: both pictures can be read on light and on dark pages.

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.readme import FIGURES
from benchmarks.report import EventsRow, Exponent, Report, TypedRow

__all__ = ["draw_scale", "draw_speed", "main"]

_FOLDER = Path(__file__).parent
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


def main(argv: Sequence[str] | None = None) -> None:
    """Draw both pictures from a file of figures."""
    parser = argparse.ArgumentParser("python -m benchmarks.chart", description=__doc__)
    parser.add_argument(
        "--json", type=Path, default=FIGURES, help="what `python -m benchmarks` wrote"
    )
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="where the pictures go")
    options = parser.parse_args(argv)
    report = Report.read(options.json)
    draw_speed(report, options.folder / "speed.svg")
    draw_scale(report.scale, options.folder / "scale.svg")


def draw_speed(report: Report, file: Path) -> None:
    """Draw events alone beside all peers, and typed chunks in multiples of their decode."""
    with _matplotlib().rc_context(_STYLE):
        height = 1.6 + 0.28 * max(len(report.events), len(report.typed))
        figure, (events, typed) = _pyplot().subplots(
            1, 2, figsize=(13, height), layout="constrained"
        )
        _draw_events(events, report.events)
        _draw_typed(typed, report.typed)
        _save(figure, file)


def _draw_events(axes: Any, rows: Sequence[EventsRow]) -> None:
    places = range(len(rows))
    for number, peer in enumerate(rows[0].decoded):
        there = [place for place in places if peer in rows[place].ratios]
        ratios = [rows[place].ratios[peer].median for place in there]
        style = {"marker": _MARKERS[number], "color": _COLORS[number], "s": 26, "alpha": 0.9}
        axes.scatter(ratios, there, label=peer, zorder=2, **style)
    axes.axvline(1, color=_SSEKIT, linewidth=2, label="ssekit", zorder=1)
    axes.set_xscale("log")
    axes.set_xticks(ticks := [0.5, 1, 2, 5, 10, 50, 100], [f"{tick:g}x" for tick in ticks])
    axes.set_title("Events alone: how many times as long as ssekit takes (right: slower)")
    _finish(axes, [row.workload for row in rows])


def _draw_typed(axes: Any, rows: Sequence[TypedRow]) -> None:
    looks = {
        "stream": ("ssekit", _SSEKIT),
        "deltas": ("ssekit, deltas()", _COLORS[3]),
        "node": ("eventsource-parser and JSON.parse, on V8", _COLORS[1]),
        "json.loads": ("json.loads of the payloads alone", _COLORS[0]),
    }
    for number, (name, (label, color)) in enumerate(looks.items()):
        there = [place for place in range(len(rows)) if name in rows[place].ratios]
        ratios = [rows[place].ratios[name].median for place in there]
        axes.scatter(ratios, there, label=label, color=color, marker=_MARKERS[number], s=26)
    axes.axvline(1, color=_INK, linewidth=1, linestyle="--", label="the decode alone")
    axes.set_xscale("log", base=2)
    axes.set_xticks(ticks := [1, 2, 4, 8, 16], [f"{tick} L" for tick in ticks])
    axes.set_title("Typed and accumulated: in times of msgspec's decode alone (L)")
    _finish(axes, [row.workload for row in rows])


def _finish(axes: Any, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.minorticks_off()
    axes.grid(axis="x")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.06), ncols=3, fontsize=8)


def draw_scale(found: Sequence[Exponent], file: Path) -> None:
    """Draw time against size, both logarithmic, in a panel for each group of dimensions."""
    groups: dict[str, list[Exponent]] = {}
    for each in found:
        groups.setdefault(each.group, []).append(each)
    rows = -(-len(groups) // 2)
    with _matplotlib().rc_context(_STYLE):
        figure, panels = _pyplot().subplots(
            rows, 2, figsize=(14, 3.5 * rows), layout="constrained", squeeze=False
        )
        for panel in panels.flat[len(groups) :]:
            panel.remove()
        for panel, (group, members) in zip(panels.flat, groups.items(), strict=False):
            _draw_group(panel, group, members)
        _save(figure, file)


def _draw_group(axes: Any, group: str, members: Sequence[Exponent]) -> None:
    for number, each in enumerate(members):
        sizes = [size / each.sizes[0] for size in each.sizes]
        times = [seconds / each.seconds[0] for seconds in each.seconds]
        style = {"marker": _MARKERS[number % 8], "markersize": 4, "color": _COLORS[number % 8]}
        label = f"{each.exponent:.2f}  {each.dimension}"
        axes.plot(sizes, times, label=label, linewidth=1, alpha=0.9, **style)
    ends = [1.0, max(size / each.sizes[0] for each in members for size in each.sizes)]
    axes.plot(ends, ends, color=_INK, linestyle="--", linewidth=1, label="1.00  linear")
    axes.plot(
        ends, [1, ends[1] ** 2], color=_INK, linestyle=":", linewidth=1, label="2.00  quadratic"
    )
    axes.set(xscale="log", yscale="log", xlabel="size, of the smallest", ylabel="time")
    axes.set_title(group)
    axes.minorticks_off()
    axes.set_xticks(ticks := [1, 2, 4, 8], [f"{tick}" for tick in ticks])
    axes.set_yticks(ticks := [1, 2, 4, 8, 16, 32, 64], [f"{tick}" for tick in ticks])
    axes.grid()
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))


def _save(figure: Any, file: Path) -> None:
    figure.savefig(
        file, format="svg", transparent=True, bbox_inches="tight", metadata={"Date": None}
    )
    _pyplot().close(figure)


def _matplotlib() -> Any:
    matplotlib = import_module("matplotlib")
    matplotlib.use("svg")
    return matplotlib


def _pyplot() -> Any:
    return import_module("matplotlib.pyplot")


if __name__ == "__main__":
    main()
