"""The benchmarks: that the workloads are what they claim, and that a run reports what it found."""

import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from benchmarks import chart, concurrency, floor, memory, nodejs, readme, scale, sdk
from benchmarks.__main__ import main
from benchmarks.dimensions import GROUPS
from benchmarks.goals import GOALS, Goal, verdicts
from benchmarks.measure import Times, Value, held, interleave
from benchmarks.payloads import MARKER
from benchmarks.peers import Parse, Peer
from benchmarks.report import EventsRow, Exponent, MemoryRow, Report, SDKRow, TypedRow
from benchmarks.workloads import Workload, make_workloads
from ssekit import SSEDecoder, chat, iter_events

SCALE = 0.02
WORKLOADS = {workload.name: workload for workload in make_workloads(SCALE)}


def run(capsys: pytest.CaptureFixture[str], *argv: str, peers: tuple[Peer, ...] = ()) -> list[str]:
    main(["--quick", *argv], peers=peers, scale=SCALE)
    return capsys.readouterr().out.splitlines()


def row(lines: list[str], name: str) -> list[str]:
    """Return the cells of the first row of a table that has this name."""
    return next(line.split() for line in lines if line.startswith(f"{name} "))


# The workloads.


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=WORKLOADS)
def test_the_joined_reads_are_the_events(workload: Workload) -> None:
    events = SSEDecoder().feed(b"".join(workload.reads))
    assert [event.data.encode() for event in events] == workload.payloads
    assert len(events) == workload.events


def test_names_are_unique_and_workloads_the_same_every_time() -> None:
    assert list(make_workloads(SCALE)) == list(WORKLOADS.values())


def test_scale_is_of_the_number_of_events() -> None:
    longer = {workload.name: workload for workload in make_workloads(2 * SCALE)}
    assert longer["one-event"].events == 2 * WORKLOADS["one-event"].events


def test_each_workload_has_what_others_do_not() -> None:
    joined = {name: b"".join(workload.reads) for name, workload in WORKLOADS.items()}
    assert [name for name, data in joined.items() if b"\r\n\r\n" in data] == ["crlf"]
    assert joined["crlf"].count(b"\r\n") == joined["crlf"].count(b"\n")
    assert [name for name, data in joined.items() if not data.isascii()] == ["non-ascii"]
    assert b"\ndata: " in joined["data-lines"].replace(b"\n\n", b"")
    assert [name for name, data in joined.items() if len(data) >= 4 * 2**20] == ["4-mib-event"]
    typed = {name for name, data in joined.items() if data.startswith(b"event: ")}
    assert typed == {name for name in joined if name.startswith(("responses-", "messages-"))}


def test_reads_have_the_size_in_the_name() -> None:
    for name, size in {"64-kib": 2**16, "4-kib": 2**12, "17-bytes": 17, "drip": 1}.items():
        *full, last = map(len, WORKLOADS[name].reads)
        assert {*full} <= {size}
        assert 0 < last <= size
    one_event = WORKLOADS["one-event"].reads
    assert all(len(SSEDecoder().feed(read)) == 1 for read in one_event)


def test_the_calls_are_as_many_and_as_long_as_they_claim() -> None:
    [one] = chat.collect(WORKLOADS["fragments"].reads).choices[0].message.tool_calls or []
    assert len(one.function.arguments) > WORKLOADS["fragments"].events
    calls = chat.collect(WORKLOADS["parallel-calls"].reads).choices[0].message.tool_calls or []
    assert len(calls) == SCALE * 1000
    assert all(call.function.arguments for call in calls)


@pytest.mark.parametrize("name", ["one-event", "non-ascii"])
def test_payloads_are_chunks_of_a_realistic_size(name: str) -> None:
    *chunks, marker = WORKLOADS[name].payloads
    assert marker == MARKER
    decoded = [msgspec.json.decode(chunk, type=floor.TYPES["chat"]) for chunk in chunks]
    assert {chunk.object for chunk in decoded} == {"chat.completion.chunk"}
    assert decoded[-2].choices[0].finish_reason == "stop"
    assert decoded[-1].usage is not None
    assert 250 <= sum(map(len, chunks)) / len(chunks) <= 330


# The measuring.


def test_a_figure_is_of_times_of_the_same_round() -> None:
    times = Times({"it": [5.0, 50.0], "less": [3.0, 30.0], "unit": [2.0, 20.0]})
    assert times.ratio("it", "unit") == Value(median=2.5, spread=0.0)
    assert times.excess("it", "less", "unit") == Value(median=1.0, spread=0.0)
    assert Times({"it": [1.0, 2.0, 3.0]}).microseconds("it", 1000) == Value(2000.0, spread=0.25)


@pytest.mark.parametrize(("rounds", "budget", "ran"), [(4, 9.0, "abababab"), (9, 0.0, "ababab")])
def test_each_round_has_all_in_turn_and_a_budget_leaves_three(
    rounds: int, budget: float, ran: str
) -> None:
    names: list[str] = []
    interleave({name: lambda name=name: names.append(name) or 1.0 for name in "ab"}, rounds, budget)
    assert "".join(names) == ran


def test_held_bytes_are_those_of_the_object() -> None:
    assert 100_000 <= held(lambda: bytes(100_000)) < 101_000


# A run.


def test_a_run_prints_both_tables_and_writes_the_figures(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "figures.json"
    peer = Peer("msgspec", lambda: iter_events)  # by a distribution that is always there
    lines = run(capsys, "--only", "64-kib", "--json", str(file), peers=(peer,))
    events, typed = [line.split() for line in lines if line.startswith("64-kib ")]
    assert [cell[-1] for cell in events[3::2]] == ["x", "x"]  # feed, and the peer
    there = "absent" not in nodejs.node_versions().values()
    assert [cell[-1] for cell in typed if not cell.startswith("±")][2:] == (
        ["x"] * 5 if there else ["x", "x", "x", "t", "x"]  # absent
    )
    report = Report.read(file)
    assert report.versions["msgspec"] == msgspec.__version__
    assert report.events[0].ratios["msgspec"].median > 0
    assert report.typed[0].ratios["stream"].median > 0


def test_a_run_has_a_line_for_each_goal(capsys: pytest.CaptureFixture[str]) -> None:
    lines = run(capsys, "--only", "messages-4-kib")[-len(GOALS) :]
    assert [line.split("  ")[0] for line in lines] == [goal.name for goal in GOALS]
    measured = [line for line in lines if not line.endswith("not measured")]
    assert [line.split("  ")[0] for line in measured] == [
        "text deltas of Messages, 4 KiB a read",
        "`deltas()` beyond events of the other two",
        "asynchronous iteration",
    ]


def test_only_the_named_parts_and_workloads_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "figures.json"
    only = ("crlf", "non-ascii", "memory", "import")
    run(capsys, *(f"--only={name}" for name in only), "--json", str(file))
    report = Report.read(file)
    empty = Report(report.versions)
    found = [name for name in vars(empty) if getattr(report, name) != getattr(empty, name)]
    assert found == ["events", "memory", "import_milliseconds"]
    assert [each.workload for each in report.events] == ["crlf", "non-ascii"]


def test_the_official_sdk_reads_the_same_chunks(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("openai", reason="the official SDK is not installed")
    lines = run(capsys, "--only", "sdk")
    assert row(lines, "one-event")[-2].endswith("x")


def test_an_absent_sdk_and_node_are_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    lines = run(capsys, "--only", "sdk", "--only", "64-kib")
    assert any(line.startswith("The official SDK: not measured: ") for line in lines)
    assert "node: absent" in lines
    assert any(line.startswith("64-kib ") and " absent " in line for line in lines)


@pytest.mark.skipif(
    "absent" in nodejs.node_versions().values(), reason="Node or its parser is absent"
)
def test_node_finds_the_events() -> None:
    with nodejs.node_parser(WORKLOADS["17-bytes"].reads) as (events, seconds):
        assert events == WORKLOADS["17-bytes"].events
        assert seconds() > 0


def test_an_unknown_workload_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--only", "no-such"], scale=SCALE)
    assert "one-event" in capsys.readouterr().err


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
    assert "* pytest, data-lines: 7, not 1 events" in lines
    assert "* hypothesis, data-lines: ValueError, not 1 events" in lines
    *_, pytest_spread, hypothesis = row(lines, "data-lines")
    assert (pytest_spread[-1], hypothesis) == ("*", "fails*")


# The goals.

ONE, TWO = Value(1.0, 0.0), Value(2.0, 0.0)


def full_report() -> Report:
    """Return a report with a row of each kind and each workload."""
    ratios = {"httpx-sse": TWO, "openai": TWO}
    typed = {"stream": ONE, "deltas": TWO, "node": TWO, "json.loads": TWO}
    return Report(
        {"python": "3", "node": "absent"},
        [
            EventsRow(name, 8, ONE, ONE, ratios, {"httpx-sse": 8, "openai": 8, "other": "KeyError"})
            for name in WORKLOADS
        ],
        [TypedRow(name, ONE, typed, ONE, ONE) for name, each in WORKLOADS.items() if each.format],
        [SDKRow("64-kib", 8, ONE, {sdk.STREAM: TWO, sdk.CREATE: ONE})],
        [
            MemoryRow(what, 1.0)
            for what in (memory.IDLE_DECODER, memory.IDLE_STREAM, memory.LIVE, memory.FINISHED)
        ],
        {"ssekit": ONE},
        [Exponent("the wire", "lines", [1, 2, 4], [1.0, 2.0, 4.0], 1.0)],
    )


def test_every_goal_has_a_name_of_its_own_and_figures_of_the_run() -> None:
    found = list(verdicts(full_report()))
    assert len({name for name, *_ in found}) == len(GOALS)
    assert [name for name, _, figure, _ in found if figure == "not measured"] == []


@pytest.mark.parametrize(
    ("goal", "figure", "verdict"),
    [
        (Goal("less", lambda report: [1.0, 3.0], 3, " L"), "3.00 L", "holds"),
        (Goal("less", lambda report: [1.0, 3.1], 3, " L"), "3.10 L", "does not"),
        (Goal("more", lambda report: [150.0, 300.4], 150, "x", True), "150x", "holds"),
        (Goal("more", lambda report: [2.9, 30.0], 3, "x", True), "2.90x", "does not"),
        (Goal("none", lambda report: [], 3, "x"), "not measured", ""),
    ],
)
def test_the_worst_figure_decides(
    goal: Goal, figure: str, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.goals.GOALS", (goal,))
    assert [each[2:] for each in verdicts(full_report())] == [(figure, verdict)]


# The figures in the README.


def test_a_report_comes_back_from_its_file(tmp_path: Path) -> None:
    full_report().write(tmp_path / "figures.json")
    assert Report.read(tmp_path / "figures.json") == full_report()


def test_the_markdown_has_every_figure_and_every_peer() -> None:
    text = readme.markdown(full_report())
    assert all(f"| {name} | {figure} |" in text for name, _, figure, _ in verdicts(full_report()))
    assert "| 64-kib | 1.00 | 1.00x | 2.00x | 2.00x | fails |" in text
    assert "python 3, node absent" in text


def test_the_readme_has_the_figures_of_the_file_and_the_pictures() -> None:
    text = readme.README.read_text(encoding="utf-8")
    figures = readme.markdown(Report.read(readme.FIGURES))
    assert f"{readme.BEGIN}\n{figures}\n{readme.END}" in text
    for name in ("speed.svg", "scale.svg"):
        assert (readme.FIGURES.parent / name).exists()
        assert f"(benchmarks/{name})" in text


def test_the_text_around_the_marks_stays(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<a>\nSTALE\n<z>\nafter\n")
    readme.put_between(page, "<a>", "<z>", "new")
    assert page.read_text() == "before\n<a>\nnew\n<z>\nafter\n"


def test_the_pictures_are_the_same_for_the_same_figures(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib, which draws them, is not installed")
    drawn = []
    for _ in range(2):
        chart.draw(full_report(), tmp_path)
        drawn.append([(tmp_path / name).read_bytes() for name in ("speed.svg", "scale.svg")])
    assert drawn[0] == drawn[1]
    assert b">httpx-sse<" in drawn[0][0]
    assert b">1.00  lines<" in drawn[0][1]


# Cost against size, and many streams.


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
def test_the_exponent_is_that_of_the_power(exponent: float) -> None:
    sizes = [10, 20, 40, 80]
    seconds = [3e-6 * size**exponent for size in sizes]
    assert scale.fit(sizes, seconds) == pytest.approx(exponent)


def test_every_dimension_has_its_exponent(capsys: pytest.CaptureFixture[str]) -> None:
    found = scale.measure_scale(0.001)
    names = [f"{each.exponent:.2f}  {each.group}: {each.dimension}" for each in found]
    assert capsys.readouterr().out.splitlines()[2:-1] == names
    assert len(names) == sum(len(dimensions) for _, dimensions in GROUPS.values())


def test_many_streams_are_read_to_their_end(capsys: pytest.CaptureFixture[str]) -> None:
    concurrency.main(["--streams", "20", "--sockets", "5"])
    memory, sockets = capsys.readouterr().out.splitlines()
    assert memory.startswith("In memory, one event a read: 20 live streams, ")
    assert sockets.startswith("Over sockets: 5 live streams, ")


def test_no_more_sockets_than_the_system_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource", reason="the system has no limits of this kind")
    asked: list[int] = []
    monkeypatch.setattr(resource, "getrlimit", lambda which: (100, 200))
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: asked.append(limits[0]))
    assert concurrency.allowed_sockets(10) == 10
    assert asked == []
    assert concurrency.allowed_sockets(1000) == 200 - 64
    assert asked == [200]
