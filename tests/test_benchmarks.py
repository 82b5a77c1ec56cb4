"""The benchmarks: that the workloads are what they claim, and that a run says what it found."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from benchmarks import floor
from benchmarks.__main__ import main
from benchmarks.measure import Times, Value
from benchmarks.peers import Parse, Peer
from benchmarks.workloads import MARKER, Workload, make_workloads
from ssekit import SSEDecoder, iter_events

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
    assert typed == {name for name in joined if name.startswith("responses-")}


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


def test_microseconds_are_those_of_one_thing() -> None:
    times = Times({"it": [1.0, 2.0, 3.0]})
    assert times.microseconds("it", 1000) == Value(median=2000.0, spread=0.25)


# A run.


def test_a_run_prints_both_tables(capsys: pytest.CaptureFixture[str]) -> None:
    lines = run(capsys, "--only", "one-event", peers=(installed_peer(iter_events),))
    events, typed = [line.split() for line in lines if line.startswith("one-event ")]
    assert [cell[-1] for cell in events[3::2]] == ["x"]
    assert [cell[-1] for cell in typed[3::2]] == ["x", "x"]


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
