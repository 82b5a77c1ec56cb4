"""The benchmarks: that the workloads are what they claim, and that a run says what it found."""

import json
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from benchmarks import chart, concurrency, floor, nodejs, readme, scale, sdk
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

each_workload = pytest.mark.parametrize("workload", WORKLOADS.values(), ids=WORKLOADS)


def run(capsys: pytest.CaptureFixture[str], *argv: str, peers: tuple[Peer, ...] = ()) -> list[str]:
    main(["--quick", *argv], peers=peers, scale=SCALE)
    return capsys.readouterr().out.splitlines()


def row(lines: list[str], name: str) -> list[str]:
    """Return the cells of the first row of a table that has this name."""
    return next(line.split() for line in lines if line.startswith(f"{name} "))


def installed_peer(parse: Parse) -> Peer:
    """Return a peer by the name of a distribution that is always there."""
    return Peer("msgspec", lambda: parse)


# The workloads.


@each_workload
def test_the_joined_reads_are_the_events(workload: Workload) -> None:
    events = SSEDecoder().feed(b"".join(workload.reads))
    assert [event.data.encode() for event in events] == workload.payloads
    assert len(events) == workload.events


@each_workload
def test_the_reads_have_the_size_they_claim(workload: Workload) -> None:
    if workload.read_size is None:
        assert all(len(SSEDecoder().feed(read)) == 1 for read in workload.reads)
    else:
        *full, last = map(len, workload.reads)
        assert set(full) <= {workload.read_size}
        assert 0 < last <= workload.read_size


def test_names_are_unique() -> None:
    names = Counter(workload.name for workload in make_workloads(SCALE))
    assert set(names.values()) == {1}


def test_workloads_are_the_same_every_time() -> None:
    assert list(make_workloads(SCALE)) == list(WORKLOADS.values())


def test_scale_is_of_the_number_of_events() -> None:
    longer = {workload.name: workload for workload in make_workloads(2 * SCALE)}
    assert longer["one-event"].events == 2 * WORKLOADS["one-event"].events


def test_what_one_workload_has_and_the_others_do_not() -> None:
    joined = {name: b"".join(workload.reads) for name, workload in WORKLOADS.items()}
    assert [name for name, data in joined.items() if b"\r\n\r\n" in data] == ["crlf"]
    assert joined["crlf"].count(b"\r\n") == joined["crlf"].count(b"\n")
    assert [name for name, data in joined.items() if not data.isascii()] == ["non-ascii"]
    assert b"\ndata: " in joined["data-lines"].replace(b"\n\n", b"")
    assert [name for name, data in joined.items() if len(data) >= 4 * 2**20] == ["4-mib-event"]
    typed = {name for name, data in joined.items() if data.startswith(b"event: ")}
    assert typed == {name for name in joined if name.startswith(("responses-", "messages-"))}


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
    decoded = [msgspec.json.decode(chunk, type=floor.ChatCompletionChunk) for chunk in chunks]
    assert {chunk.object for chunk in decoded} == {"chat.completion.chunk"}
    assert decoded[-2].choices[0].finish_reason == "stop"
    assert decoded[-1].usage is not None
    assert 250 <= sum(map(len, chunks)) / len(chunks) <= 330


# The measuring.


def test_a_ratio_is_of_times_of_the_same_round() -> None:
    times = Times({"slow": [2.0, 20.0, 200.0], "fast": [1.0, 10.0, 100.0]})
    assert times.ratio("slow", "fast") == Value(median=2.0, spread=0.0)


def test_what_one_takes_more_is_in_times_of_a_third() -> None:
    times = Times({"it": [5.0, 50.0], "less": [3.0, 30.0], "unit": [2.0, 20.0]})
    assert times.more("it", "less", "unit") == Value(median=1.0, spread=0.0)


def test_each_round_has_all_of_the_measured_in_turn() -> None:
    ran: list[str] = []

    def runs(name: str) -> float:
        ran.append(name)
        return 1.0

    interleave({name: lambda name=name: runs(name) for name in "ab"}, 4)
    assert "".join(ran) == "abababab"


def test_a_budget_leaves_three_rounds() -> None:
    ran: list[float] = []
    interleave({"it": lambda: ran.append(1.0) or 1.0}, 100, budget=0)
    assert len(ran) == 3


def test_what_is_held_is_that_of_what_was_made() -> None:
    assert 100_000 <= held(lambda: bytes(100_000)) < 101_000


def test_microseconds_are_those_of_one_thing() -> None:
    times = Times({"it": [1.0, 2.0, 3.0]})
    assert times.microseconds("it", 1000) == Value(median=2000.0, spread=0.25)


# A run.


def test_a_run_prints_both_tables(capsys: pytest.CaptureFixture[str]) -> None:
    lines = run(capsys, "--only", "one-event", peers=(installed_peer(iter_events),))
    events, typed = [line.split() for line in lines if line.startswith("one-event ")]
    assert [cell[-1] for cell in events[3::2]] == ["x", "x"]  # feed, and the peer
    there, _ = nodejs.node_versions()
    assert [cell[-1] for cell in typed if not cell.startswith("±")][2:] == (
        ["x"] * 5 if there else ["x", "x", "x", "t", "x"]  # absent
    )


def test_a_run_has_a_line_for_each_goal(capsys: pytest.CaptureFixture[str]) -> None:
    lines = run(capsys, "--only", "messages-4-kib")
    said = lines[-len(GOALS) :]
    assert [line.split("  ")[0] for line in said] == [goal.name for goal in GOALS]
    measured = [line for line in said if not line.endswith("not measured")]
    assert [line.split("  ")[0] for line in measured] == [
        "text deltas of Messages, 4 KiB a read",
        "`deltas()` beyond events of the other two",
        "asynchronous iteration",
    ]


def test_a_run_prints_markdown_where_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    lines = run(capsys, "--only", "crlf", "--markdown")
    assert any(line.startswith("| crlf | ") for line in lines)


@pytest.mark.parametrize("part", ["memory", "import"])
def test_a_run_has_the_parts_that_are_asked_for(
    part: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "figures.json"
    run(capsys, "--only", part, "--json", str(file))
    report = Report.read(file)
    empty = Report(report.versions)
    found = [name for name in vars(empty) if getattr(report, name) != getattr(empty, name)]
    assert found == [{"memory": "memory", "import": "import_milliseconds"}[part]]


def test_the_official_sdk_reads_the_same_chunks(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        sdk.load_sdk()
    except ImportError:
        pytest.skip("the official SDK is not installed")
    lines = run(capsys, "--only", "sdk")
    assert row(lines, "one-event")[-2].endswith("x")


def test_an_absent_sdk_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    lines = run(capsys, "--only", "sdk")
    assert any(line.startswith("The official SDK: not measured: ") for line in lines)


def test_absent_node_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    lines = run(capsys, "--only", "64-kib")
    assert "node: absent" in lines
    assert any(line.startswith("64-kib ") and " absent " in line for line in lines)


@pytest.mark.skipif(not nodejs.node_versions()[0], reason="Node or its parser is absent")
def test_node_finds_the_events() -> None:
    with nodejs.Node(WORKLOADS["17-bytes"].reads) as node:
        assert node.events == WORKLOADS["17-bytes"].events
        assert node.seconds() > 0


def test_a_run_has_the_workloads_that_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    lines = run(capsys, "--only", "crlf", "--only", "non-ascii")
    assert row(lines, "crlf")
    assert row(lines, "non-ascii")
    assert not any(line.startswith("64-kib") for line in lines)


def test_an_unknown_workload_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--only", "no-such"], scale=SCALE)
    assert "one-event" in capsys.readouterr().err


def test_an_absent_peer_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    lines = run(capsys, "--only", "crlf", peers=(Peer("no-such-peer", pytest.fail),))
    assert "no-such-peer: absent" in lines


def test_a_peer_whose_parser_has_moved_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    def load() -> Parse:
        raise ImportError("no module named so")

    lines = run(capsys, "--only", "crlf", peers=(Peer("msgspec", load),))
    assert f"msgspec: {msgspec.__version__}, not measured: no module named so" in lines


def test_a_wrong_number_of_events_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    lines = run(capsys, "--only", "data-lines", peers=(installed_peer(lambda reads: range(7)),))
    assert row(lines, "data-lines")[-1].endswith("*")
    assert "* msgspec, data-lines: 7, not 1 events" in lines


def test_a_peer_that_fails_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    def parse(reads: Iterable[bytes]) -> Iterable[object]:
        raise ValueError

    lines = run(capsys, "--only", "data-lines", peers=(installed_peer(parse),))
    assert row(lines, "data-lines")[-1] == "fails*"
    assert "* msgspec, data-lines: ValueError, not 1 events" in lines


def test_the_figures_go_to_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    peers = (installed_peer(iter_events),)
    run(capsys, "--only", "64-kib", "--json", str(file), peers=peers)
    figures = json.loads(file.read_text())
    assert figures["versions"]["msgspec"] == msgspec.__version__
    assert figures["events"][0]["workload"] == "64-kib"
    assert figures["events"][0]["ratios"]["msgspec"]["median"] > 0
    assert figures["typed"][0]["ratios"]["stream"]["median"] > 0


# The goals.


def filled_report() -> Report:
    """Return a report with a row of each kind; what is meant to be small is 1, what is not 2."""
    one, two = Value(1.0, 0.0), Value(2.0, 0.0)
    typed = {"stream": one, "deltas": two, "node": two, "json.loads": two}
    return Report(
        {"python": "3", "node": "absent"},
        [
            EventsRow(
                "64-kib", 8, one, one, {"httpx-sse": two}, {"httpx-sse": 8, "openai": "KeyError"}
            )
        ],
        [TypedRow("64-kib", one, typed, one, one)],
        [SDKRow("64-kib", 8, one, {sdk.STREAM: two, sdk.CREATE: one})],
        [MemoryRow("an idle stream, chat", 100), MemoryRow("an idle stream, messages", 200)],
        {"ssekit": one},
        [Exponent("the wire", "lines", [1, 2, 4], [1.0, 2.0, 4.0], 1.0)],
    )


def test_goals_have_different_names() -> None:
    assert len({goal.name for goal in GOALS}) == len(GOALS)


def test_goals_speak_of_what_is_measured() -> None:
    """With a row for each workload, and all else, no goal is without its figure."""
    report = filled_report()
    ratios = {"httpx-sse": Value(2.0, 0.0), "openai": Value(2.0, 0.0)}
    report.events = [
        EventsRow(name, 8, *[Value(1.0, 0.0)] * 2, ratios, dict.fromkeys(ratios, 8))
        for name in WORKLOADS
    ]
    [typed] = report.typed
    report.typed = [
        TypedRow(workload.name, typed.floor_microseconds, typed.ratios, *[Value(1.0, 0.0)] * 2)
        for workload in WORKLOADS.values()
        if workload.format
    ]
    names = ["an idle SSEDecoder", "an idle stream, chat", "a live answer", "a finished answer"]
    report.memory = [MemoryRow(name, 1.0) for name in names]
    assert [name for name, _, figure, _ in verdicts(report) if figure == "not measured"] == []


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
    [(_, _, said, judged)] = verdicts(filled_report())
    assert (said, judged) == (figure, verdict)


# What becomes of the figures.


def test_a_report_comes_back_from_its_file(tmp_path: Path) -> None:
    filled_report().write(tmp_path / "figures.json")
    assert Report.read(tmp_path / "figures.json") == filled_report()


def test_the_markdown_has_every_figure_and_every_peer() -> None:
    text = readme.markdown(filled_report())
    assert all(f"| {name} | {said} |" in text for name, _, said, _ in verdicts(filled_report()))
    assert "| 64-kib | 1.00 | 1.00x | 2.00x | fails |" in text
    assert "python 3, node absent" in text


def test_the_readme_has_the_figures_of_the_file() -> None:
    text = readme.README.read_text(encoding="utf-8")
    assert readme.insert(text, Report.read(readme.FIGURES)) == text


def test_what_stands_around_the_figures_stays(tmp_path: Path) -> None:
    figures, page = tmp_path / "figures.json", tmp_path / "page.md"
    filled_report().write(figures)
    page.write_text(f"before\n{readme.BEGIN}\nSTALE\n{readme.END}\nafter\n")
    readme.main(["--json", str(figures), "--readme", str(page)])
    text = page.read_text()
    assert text.startswith(f"before\n{readme.BEGIN}\n| ")
    assert text.endswith(f".\n{readme.END}\nafter\n")
    assert "STALE" not in text


def test_the_pictures_are_the_same_for_the_same_figures(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib, which draws them, is not installed")
    filled_report().write(tmp_path / "figures.json")
    drawn = []
    for folder in (tmp_path / "once", tmp_path / "again"):
        folder.mkdir()
        chart.main(["--json", str(tmp_path / "figures.json"), "--folder", str(folder)])
        drawn.append([(folder / name).read_bytes() for name in ("speed.svg", "scale.svg")])
    assert drawn[0] == drawn[1]
    assert b">httpx-sse<" in drawn[0][0]
    assert b">1.00  lines<" in drawn[0][1]


@pytest.mark.parametrize("name", ["speed.svg", "scale.svg"])
def test_the_readme_shows_the_pictures_that_are_there(name: str) -> None:
    assert (readme.FIGURES.parent / name).exists()
    assert f"(benchmarks/{name})" in readme.README.read_text(encoding="utf-8")


# Cost against size, and many streams.


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
def test_the_exponent_is_that_of_the_power(exponent: float) -> None:
    sizes = [10, 20, 40, 80]
    seconds = [3e-6 * size**exponent for size in sizes]
    assert scale.fit(sizes, seconds) == pytest.approx(exponent)


def test_every_dimension_has_its_exponent(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "scale.json"
    scale.main(["--json", str(file)], scale=0.001)
    found = json.loads(file.read_text())
    names = [f"{each['exponent']:.2f}  {each['group']}: {each['dimension']}" for each in found]
    assert capsys.readouterr().out.splitlines()[2:-1] == names
    assert len(names) == sum(len(dimensions) for _, dimensions in GROUPS.values())


def test_many_streams_are_read_to_their_end(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "crowd.json"
    concurrency.main(["--streams", "20", "--sockets", "5", "--json", str(file)])
    found = json.loads(file.read_text())
    assert (found["memory"]["streams"], found["sockets"]["streams"]) == (20, 5)
    assert found["turns"]["fast_reads"] == found["turns"]["slow_reads"]
    assert "20 live streams" in capsys.readouterr().out


def test_no_more_sockets_than_the_system_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource", reason="the system has no limits of this kind")
    asked: list[int] = []
    monkeypatch.setattr(resource, "getrlimit", lambda which: (100, 200))
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: asked.append(limits[0]))
    assert concurrency.allowed_sockets(10) == 10
    assert asked == []
    assert concurrency.allowed_sockets(1000) == 200 - 64
    assert asked == [200]
