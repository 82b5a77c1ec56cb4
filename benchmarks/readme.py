"""Put the figures of a run into the pages: `python -m benchmarks.readme`."""
# The figures come from a file, so that all of them are of one run. The README has the small table
# (streams as they come), `benchmarks/README.md` all of them.

from __future__ import annotations

from pathlib import Path

from benchmarks.events import FEED, MICROSECONDS
from benchmarks.goals import NAMES, verdicts
from benchmarks.report import Report, Row, markdown_table, shown
from benchmarks.typed import COLUMNS

FIGURES = Path(__file__).parent / "figures.json"
PAGE = Path(__file__).parent / "README.md"
README = Path(__file__).parent.parent / "README.md"

BEGIN = "<!-- figures: python -m benchmarks.readme -->"
END = "<!-- end of figures -->"


def main() -> None:
    report = Report.read(FIGURES)
    put_between(PAGE, BEGIN, END, everything(report))
    put_between(README, BEGIN, END, short(report))


def put_between(file: Path, begin: str, end: str, new: str) -> None:
    """Replace the text of a file between two marks, if it has them."""
    text = file.read_text(encoding="utf-8")
    before, _, rest = text.partition(begin)
    _, found, after = rest.partition(end)
    if found:
        file.write_text(f"{before}{begin}\n{new}\n{end}{after}", encoding="utf-8")


_SHORT = {
    "`collect` (typed, accumulated, result)": "collect",
    "`json.loads` of the payloads alone": "json.loads",
    "lines split by hand, `json.loads`": "by hand, json",
    "lines split by hand, msgspec": "by hand, msgspec",
}


def short(report: Report) -> str:
    """Return the figures of streams as they come, one event a read."""
    header, rows = [""], [[f"{what}, L"] for what in _SHORT]
    fastest = ["events alone: the fastest other Python parser, its time ÷ ssekit's"]
    for name, title in NAMES.items():
        typed = _named(report, "typed", f"{name}-turns-event")
        events = _named(report, "events", f"{name}-turns-event")
        if typed is None or events is None:
            continue
        header.append(title)
        for cells, column in zip(rows, _SHORT.values(), strict=True):
            cells.append(shown(typed, column))
        peers = {
            value.median: column
            for column, value in events.figures.items()
            if column not in (MICROSECONDS, FEED)
        }
        least = min(peers, default=0.0)
        fastest.append(f"{least:.2f} ({peers[least]})" if peers else "-")
    return markdown_table(header, [*rows, fastest])


def _named(report: Report, part: str, name: str) -> Row | None:
    return next((row for row in report.part(part) if row.name == name), None)


def everything(report: Report) -> str:
    """Return all figures and the versions as Markdown."""
    parts = [markdown_table(("goal", "limit", "measured", ""), verdicts(report))]
    for part, first, columns in (
        ("typed", "typed, in L", COLUMNS),
        ("events", "events alone, of ssekit's", (MICROSECONDS, FEED)),
    ):
        rows = report.part(part)
        found = dict.fromkeys(column for row in rows for column in (*row.figures, *row.faults))
        header = [column for column in columns if column in found]
        header += [column for column in found if column not in columns]
        cells = ([row.name, *(shown(row, column) for column in header)] for row in rows)
        parts.append(markdown_table([first, *header], cells))
    parts.append(f"Versions: {', '.join(f'{k} {v}' for k, v in report.versions.items())}.")
    return "\n\n".join(parts)


if __name__ == "__main__":
    main()
