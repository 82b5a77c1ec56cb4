"""The benchmarks: that the workloads are what they claim, and that a run reports what it found."""

import sys
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import msgspec
import pytest

from benchmarks import readme, recorded, scale
from benchmarks.__main__ import main
from benchmarks.dimensions import GROUPS
from benchmarks.floor import floor_decoder, freeze
from benchmarks.goals import GOALS, RECORDED, Goal, verdicts
from benchmarks.measure import Rounds, Times, Value, held, interleave
from benchmarks.payloads import ANSWERS, MARKER
from benchmarks.peers import Parse, Peer
from benchmarks.report import Report, Row
from benchmarks.workloads import Workload, make_workloads
from ssekit import SSEDecoder, iter_events

SCALE = 0.02
WORKLOADS = {workload.name: workload for workload in make_workloads(SCALE)}
TYPED = {name: workload for name, workload in WORKLOADS.items() if workload.format}


def run(capsys: pytest.CaptureFixture[str], *argv: str, peers: tuple[Peer, ...] = ()) -> list[str]:
    main(["--quick", *argv], peers=peers, scale=SCALE)
    return capsys.readouterr().out.splitlines()


def row(lines: list[str], name: str) -> list[str]:
    """Return the cells of the last row of a table that has this name."""
    return [line.split() for line in lines if line.startswith(f"{name} ")][-1]


# The workloads.


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=WORKLOADS)
def test_the_joined_reads_are_the_events(workload: Workload) -> None:
    events = [event for reads in workload.reads for event in SSEDecoder().feed(b"".join(reads))]
    assert [event.data.encode() for event in events] == workload.payloads
    assert len(events) == workload.events


@pytest.mark.parametrize("workload", TYPED.values(), ids=TYPED)
def test_the_answers_are_whole(workload: Workload) -> None:
    assert workload.format is not None
    stream = workload.format.stream(workload.reads[0])
    stream.until_done()
    assert stream.state == "done"


@pytest.mark.parametrize("format_", ANSWERS)
def test_streams_as_they_come_have_all_parts_and_take_turns(format_: str) -> None:
    workload = WORKLOADS[f"{format_}-turns-event"]
    assert workload.format is not None
    decoder = workload.format.decoder()
    for read in workload.reads[0]:
        decoder.feed(read)
    accumulator = decoder.accumulator
    assert accumulator.text
    assert accumulator.reasoning
    assert len(accumulator.tool_calls) == 2
    assert all(msgspec.json.decode(call.arguments) for call in accumulator.tool_calls)
    assert accumulator.usage is not None
    assert 30 <= len(workload.reads[0]) <= 75


@pytest.mark.parametrize("workload", TYPED.values(), ids=TYPED)
def test_the_frozen_structs_have_every_event(workload: Workload) -> None:
    assert workload.format is not None
    decode = floor_decoder(workload.format.name)
    for payload in workload.payloads:
        assert payload == MARKER or isinstance(decode(payload), msgspec.Struct)


def test_each_workload_has_what_others_do_not() -> None:
    joined = {name: b"".join(chain(*each.reads)) for name, each in WORKLOADS.items()}
    crlf = {name for name, data in joined.items() if b"\r\n\r\n" in data}
    assert crlf == {"crlf", *(name for name in joined if name.startswith("gemini-"))}
    assert all(joined[name].count(b"\r\n") == joined[name].count(b"\n") for name in crlf)
    assert [name for name, data in joined.items() if not data.isascii()] == ["non-ascii"]
    assert b"\ndata: " in joined["data-lines"].replace(b"\n\n", b"")
    assert [name for name, data in joined.items() if len(data) >= 4 * 2**20] == ["4-mib-event"]
    named = {name for name, data in joined.items() if data.startswith(b"event: ")}
    typed = ("responses-", "messages-", "interactions-")
    assert named == {name for name in joined if name.startswith(typed)}


def test_reads_have_the_size_in_the_name() -> None:
    sizes = {"chat-text-64-kib": 2**16, "gemini-turns-1500": 1500, "17-bytes": 17, "drip": 1}
    for name, size in sizes.items():
        *full, last = map(len, WORKLOADS[name].reads[0])
        assert {*full} <= {size}
        assert 0 < last <= size
    for read in WORKLOADS["gemini-turns-event"].reads[0]:
        assert len(SSEDecoder().feed(read)) == 1


def test_a_format_is_frozen_as_it_is() -> None:
    class Inner(msgspec.Struct, tag="inner"):
        text: str | None = None

    class Event(msgspec.Struct, rename="camel", tag_field="kind", tag="event"):
        inner: tuple[Inner, ...]
        more_counts: dict[str, list[int]] = msgspec.field(default_factory=dict)

    assert freeze(Event) == {
        "Event": {
            "": "kind:event",
            "inner": "tuple[Inner, ...]!",
            "moreCounts": "dict[str, list[int]]",
        },
        "Inner": {"": "inner", "text": "str | None"},
        "": "Event",
    }


# The measuring.


def test_a_figure_is_of_times_of_the_same_round() -> None:
    times = Times({"it": [5.0, 50.0], "less": [3.0, 30.0], "unit": [2.0, 20.0]})
    assert times.ratio("it", "unit") == Value(median=2.5, spread=0.0)
    assert times.excess("it", "less", "unit") == Value(median=1.0, spread=0.0)
    assert Times({"it": [1.0, 2.0, 3.0]}).microseconds("it", 1000) == Value(2000.0, spread=0.25)


@pytest.mark.parametrize(
    ("rounds", "ran"), [(Rounds(4, 9.0), "abababab"), (Rounds(9, 0.0), "ababab")]
)
def test_each_round_has_all_in_turn_and_the_least_is_three(rounds: Rounds, ran: str) -> None:
    names: list[str] = []
    interleave({name: lambda name=name: names.append(name) or 1.0 for name in "ab"}, rounds)
    assert "".join(names) == ran


def test_held_bytes_are_those_of_the_object() -> None:
    assert 100_000 <= held(lambda: bytes(100_000)) < 101_000


# A run.


def test_a_run_prints_both_tables_and_writes_the_figures(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "figures.json"
    peer = Peer("msgspec", lambda: iter_events)  # by a distribution that is always there
    run(capsys, "--only", "chat-text-64-kib", "--json", str(file), peers=(peer,))
    report = Report.read(file)
    assert report.versions["msgspec"] == msgspec.__version__
    [typed], [events] = report.part("typed"), report.part("events")
    assert typed.name == events.name == "chat-text-64-kib"
    assert events.figures["msgspec"].median > 0
    assert {"collect", "by hand, json", "async / sync"} <= typed.figures.keys()
    assert all(typed.figures[name].median > 0 for name in ("L, µs", "collect", "chunks"))


def test_a_run_has_a_line_for_each_goal(capsys: pytest.CaptureFixture[str]) -> None:
    lines = run(capsys, "--only", "messages-text-4-kib")[-len(GOALS) :]
    assert [line.split("  ")[0] for line in lines] == [goal.name for goal in GOALS]
    measured = [line for line in lines if not line.endswith("not measured")]
    assert [line.split("  ")[0] for line in measured] == [
        "a long text of Messages, 4 KiB a read",
        "`deltas()` beyond chunks, long texts",
        "asynchronous iteration, any workload",
    ]


def test_only_the_named_parts_and_workloads_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "figures.json"
    only = ("crlf", "non-ascii", "memory", "import", "opening")
    run(capsys, *(f"--only={name}" for name in only), "--json", str(file))
    report = Report.read(file)
    assert {each.part for each in report.rows} == {"events", "memory", "import", "opening"}
    assert [each.name for each in report.part("events")] == ["crlf", "non-ascii"]


def test_the_official_sdk_reads_the_same_chunks(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("openai", reason="the official SDK is not installed")
    lines = run(capsys, "--only", "sdk")
    assert len(row(lines, "openai-event")) == 7  # three figures, each with its spread


def test_an_absent_sdk_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    lines = run(capsys, "--only", "sdk")
    assert any(line.startswith("The official SDK: not measured: ") for line in lines)


def test_an_unknown_workload_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--only", "no-such"], scale=SCALE)
    assert "chat-turns-event" in capsys.readouterr().err


def moved() -> Parse:
    raise ImportError("no module named so")


def broken(reads: Iterable[bytes]) -> Iterable[object]:
    raise ValueError


def test_a_peer_that_cannot_be_compared_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    peers = (  # by the names of distributions that are always there
        Peer("no-such-peer", pytest.fail),
        Peer("msgspec", moved),
        Peer("pytest", lambda: lambda reads: range(7)),
        Peer("hypothesis", lambda: broken),
    )
    lines = run(capsys, "--only", "data-lines", peers=peers)
    assert "no-such-peer: absent" in lines
    assert f"msgspec: {msgspec.__version__}, not measured: no module named so" in lines
    assert "  * pytest: 7 of 1 events" in lines
    assert "  * hypothesis: 0 of 1 events, ValueError" in lines
    *_, pytest_spread, hypothesis = row(lines, "data-lines")
    assert (pytest_spread[-1], hypothesis) == ("*", "*")


# Recorded streams.


def test_recordings_of_any_folder_are_measured(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name in ANSWERS:  # of two the folder names the format, of the others the events show it
        folder = tmp_path / (name if name < "h" else "others")
        folder.mkdir(exist_ok=True)
        for number in range(3):
            data = b"".join(WORKLOADS[f"{name}-turns-event"].reads[0])
            (folder / f"{name}-{number}.sse").write_bytes(data)
    (tmp_path / "page.sse").write_bytes(b"data: no format\n\n")
    (tmp_path / "notes.md").write_bytes(b"no stream")
    file = tmp_path / "figures.json"
    recorded.main([str(tmp_path), "--rounds=1", "--most=2", f"--json={file}"], peers=())
    report = Report.read(file)
    assert {each.name for each in report.part("typed")} == {
        f"{name}-recorded-event" for name in ANSWERS
    }
    assert len(report.part("events")) == 3 * len(ANSWERS)
    assert len(report.part("opening")) == 1
    figures = [figure for *_, figure, verdict in verdicts(report, RECORDED)]
    assert figures.count("not measured") == 3 * len(ANSWERS)  # no peers
    assert "2 recorded streams of chat" in capsys.readouterr().out


# The goals.

ONE, TWO = Value(1.0, 0.0), Value(2.0, 0.0)


def full_report() -> Report:
    """Return a report with a row of each kind and each workload."""
    columns = ("collect", "chunks", "deltas() more", "collect / json.loads", "async / sync")
    typed = dict.fromkeys(columns, TWO)
    peers = {"ssekit, µs": ONE, "by feed": ONE, "httpx-sse": TWO, "openai": TWO}
    others = [
        ("opening", "chat-turns-event", dict.fromkeys(("chat.stream", "iter_events"), TWO)),
        ("sdk", "openai-event", {"chat.completions.stream()": TWO, "create(stream=True)": ONE}),
        *(("memory", what, {"bytes": ONE}) for what in ("an idle SSEDecoder", "an idle stream")),
        *(("memory", what, {"of its text": ONE}) for what in ("a live one", "a finished one")),
        ("import", "ssekit", {"ms": ONE}),
        ("scale", "the wire: lines", {"exponent": ONE, "0.5": ONE, "1": TWO}),
    ]
    rows = [Row("typed", name, typed) for name in TYPED]
    rows += [Row("events", name, peers, {"other": "KeyError"}) for name in WORKLOADS]
    return Report({"python": "3", "openai": "absent"}, rows + [Row(*each) for each in others])


def test_every_goal_has_a_name_of_its_own_and_figures_of_the_run() -> None:
    found = list(verdicts(full_report()))
    assert len({name for name, *_ in found}) == len(GOALS)
    assert [name for name, _, figure, _ in found if figure == "not measured"] == []


@pytest.mark.parametrize(
    ("figures", "limit", "unit", "at_least", "figure", "verdict"),
    [
        ([1.0, 3.0], 3, " L", False, "3.00 L", "holds"),
        ([1.0, 3.1], 3, " L", False, "3.10 L", "does not"),
        ([150.0, 300.4], 150, "x", True, "150x", "holds"),
        ([2.9, 30.0], 3, "x", True, "2.90x", "does not"),
        ([], 3, "x", False, "not measured", ""),
    ],
)
def test_the_worst_figure_decides(
    figures: list[float], limit: float, unit: str, at_least: bool, figure: str, verdict: str
) -> None:
    rows = [Row("part", "row", {"column": Value(each), "other": Value(0)}) for each in figures]
    goal = Goal("name", "part", "r.w", "col.*", limit, unit, at_least)
    [found] = verdicts(Report({}, rows), [goal])
    assert found[2:] == (figure, verdict)


# The figures in the pages.


def test_a_report_comes_back_from_its_file(tmp_path: Path) -> None:
    full_report().write(tmp_path / "figures.json")
    assert Report.read(tmp_path / "figures.json") == full_report()


def test_the_page_has_every_goal_and_every_peer() -> None:
    text = readme.everything(full_report())
    for name, goal, figure, verdict in verdicts(full_report()):
        assert f"| {name} | {goal} | {figure} | {verdict} |" in text
    assert "| chat-text-64-kib | 1.00 | 1.00 | 2.00 | 2.00 | * |" in text
    assert "python 3, openai absent" in text


def test_the_short_table_has_streams_as_they_come_first() -> None:
    head, _, collect, *_, events = readme.short(full_report()).splitlines()
    assert head == "|  | chat | Responses | Messages | Gemini | Interactions |"
    assert collect.endswith(" 2.00 |" * 5)
    assert events.count("2.00 (openai)") == 5


@pytest.mark.parametrize(
    ("page", "make"), [(readme.PAGE, readme.everything), (readme.README, readme.short)]
)
def test_the_pages_have_the_figures_of_the_file(page, make) -> None:
    text = page.read_text(encoding="utf-8")
    if readme.BEGIN in text:
        figures = make(Report.read(readme.FIGURES))
        assert f"{readme.BEGIN}\n{figures}\n{readme.END}" in text


def test_the_text_around_the_marks_stays(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<a>\nSTALE\n<z>\nafter\n")
    readme.put_between(page, "<a>", "<z>", "new")
    readme.put_between(page, "<no>", "<such>", "new")
    assert page.read_text() == "before\n<a>\nnew\n<z>\nafter\n"


# Cost against size.


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
def test_the_exponent_is_that_of_the_power(exponent: float) -> None:
    seconds = {size: 3e-6 * size**exponent for size in (10.0, 20.0, 40.0, 80.0)}
    assert scale.fit(seconds) == pytest.approx(exponent)


def test_every_dimension_has_its_exponent(capsys: pytest.CaptureFixture[str]) -> None:
    found = list(scale.measure_scale(0.001))
    names = [f"{each.figures[scale.EXPONENT].median:.2f}  {each.name}" for each in found]
    assert capsys.readouterr().out.splitlines()[2:-1] == names
    assert len(names) == sum(len(dimensions) for _, dimensions in GROUPS.values())
