"""Put the figures of a run into the README: `python -m benchmarks.readme`."""
# The figures come from a file, so that all of them are of one run.

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from benchmarks.goals import verdicts
from benchmarks.report import EventsRow, Report, markdown_table

__all__ = ["BEGIN", "END", "FIGURES", "README", "main", "markdown", "put_between"]

FIGURES = Path(__file__).parent / "figures.json"
README = Path(__file__).parent.parent / "README.md"

BEGIN = "<!-- figures: python -m benchmarks.readme -->"
END = "<!-- end of figures -->"


def main() -> None:
    put_between(README, BEGIN, END, markdown(Report.read(FIGURES)))


def put_between(file: Path, begin: str, end: str, new: str) -> None:
    """Replace the text of a file between two marks."""
    text = file.read_text(encoding="utf-8")
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    file.write_text(f"{before}{begin}\n{new}\n{end}{after}", encoding="utf-8")


def markdown(report: Report) -> str:
    """Return the figures and the versions as Markdown."""
    goals = ((name, figure) for name, _, figure, _ in verdicts(report))
    parts = [markdown_table(("", "measured"), goals)]
    if report.events:
        peers = list(report.events[0].decoded)
        header = ("events alone", "ssekit, µs an event", "by `feed`", *peers)
        parts.append(markdown_table(header, (_cells(row, peers) for row in report.events)))
    parts.append(f"Versions: {', '.join(f'{k} {v}' for k, v in report.versions.items())}.")
    return "\n\n".join(parts)


def _cells(row: EventsRow, peers: Iterable[str]) -> list[str]:
    ratios = (row.feed, *map(row.ratios.get, peers))
    cells = [f"{ratio.median:.2f}x" if ratio else "fails" for ratio in ratios]
    return [row.workload, f"{row.microseconds.median:,.2f}", *cells]


if __name__ == "__main__":
    main()
