"""Put the figures of a run into the README: `python -m benchmarks.readme`."""
# The figures are those of a file, so that what the README says was printed by one run.

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.goals import verdicts
from benchmarks.report import EventsRow, Report

__all__ = ["BEGIN", "END", "between", "insert", "main", "markdown", "table"]

FIGURES = Path(__file__).parent / "figures.json"
README = Path(__file__).parent.parent / "README.md"

BEGIN = "<!-- figures: python -m benchmarks.readme -->"
END = "<!-- end of figures -->"


def main(argv: Sequence[str] | None = None) -> None:
    """Replace what stands between the marks of the README."""
    parser = argparse.ArgumentParser("python -m benchmarks.readme", description=__doc__)
    parser.add_argument(
        "--json", type=Path, default=FIGURES, help="what `python -m benchmarks` wrote"
    )
    parser.add_argument("--readme", type=Path, default=README, help="the file to write to")
    options = parser.parse_args(argv)
    text = options.readme.read_text(encoding="utf-8")
    options.readme.write_text(insert(text, Report.read(options.json)), encoding="utf-8")


def insert(text: str, report: Report) -> str:
    """Return the text with the figures between its marks."""
    return between(text, BEGIN, END, markdown(report))


def between(text: str, begin: str, end: str, new: str) -> str:
    """Return the text with something new between two marks."""
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{new}\n{end}{after}"


def markdown(report: Report) -> str:
    """Return what was measured, and the versions, as Markdown."""
    parts = [table(("", "measured"), ((name, said) for name, _, said, _ in verdicts(report)))]
    if report.events:
        peers = list(report.events[0].decoded)
        header = ("events alone", "ssekit, µs an event", "by `feed`", *peers)
        parts.append(table(header, (_cells(row, peers) for row in report.events)))
    parts.append(f"Versions: {', '.join(f'{k} {v}' for k, v in report.versions.items())}.")
    return "\n\n".join(parts)


def _cells(row: EventsRow, peers: Iterable[str]) -> list[str]:
    ratios = (row.ratios.get(peer) for peer in peers)
    cells = [f"{ratio.median:.2f}x" if ratio else "fails" for ratio in (row.feed, *ratios)]
    return [row.workload, f"{row.microseconds.median:,.2f}", *cells]


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
