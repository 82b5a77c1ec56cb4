"""The conformance run: `benchmarks/conformance.py`."""

import ast
import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import ssekit
from benchmarks import conformance
from benchmarks.answers import READERS, Answer, AnswerReader, answer_rows, is_right
from benchmarks.conformance import (
    ENDINGS,
    FEATURES,
    Reader,
    late_endings,
    main,
    passed,
)
from benchmarks.peers import PEERS, SSEKIT, Fields, Parse, Peer
from ssekit import ServerSentEvent, iter_events
from tests.cases import read_cases
from tests.shared import conformance_cases, needs_shared


def naive(reads: Iterable[bytes]) -> Iterator[ServerSentEvent]:
    """What many write, which is right for the plainest streams."""
    for block in b"".join(reads).split(b"\n\n")[:-1]:
        lines = block.decode().split("\n")
        data = "\n".join(line[6:] for line in lines if line.startswith("data: "))
        yield ServerSentEvent(data)


def late(reads: Iterable[bytes]) -> Iterator[ServerSentEvent]:
    """Right, and one event behind."""
    waiting = None
    for event in iter_events(reads):
        if waiting is not None:
            yield waiting
        waiting = event
    if waiting is not None:
        yield waiting


def reader(parse: Parse, name: str = "msgspec") -> Reader:
    return Reader(Peer(name, lambda: parse), parse)  # (by a distribution that is always there)


SOME = {name: FEATURES[name] for name in ("one-line data", "ids", "a byte order mark", "a cut")}


def test_late_endings() -> None:
    assert late_endings(iter_events) == []
    assert late_endings(late) == list(ENDINGS)


def test_a_run_prints_markdown_and_puts_it_into_the_page(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = {"input_hex": b"data: x\n\n".hex()}
    right, wrong = ([{"event": "message", "data": data, "id": ""}] for data in "xy")
    (tmp_path / "conformance").mkdir()
    cases = [case | {"events": right}, case | {"events": wrong}]
    (tmp_path / "conformance" / "sse_cases.json").write_text(json.dumps(cases))
    monkeypatch.setenv("SSEKIT_SHARED", str(tmp_path))
    page = tmp_path / "PARSERS.md"
    page.write_text(f"before\n{conformance.BEGIN}\nSTALE\n{conformance.END}\nafter\n")
    peers = [reader(naive).peer, SSEKIT]
    main(["--examples", "50", "--readme", str(page)], peers=peers, features=SOME, sdks=[])
    printed = capsys.readouterr().out
    lines = printed.splitlines()
    assert "| passes of 2 |" in lines[0]
    assert lines[2].startswith("| msgspec |")
    assert lines[3] == f"| ssekit | {ssekit.__version__} | 1 | 1 | 0 | none |"
    mark = r"| a byte order mark | `b'\xef\xbb\xbfdata: x\n\n'` | `'x'` | `''`: msgspec |"
    assert mark in lines
    assert r"| ids | `b'id: x\ndata: x\n\n'` | `'x' id='x'` | `'x'`: msgspec |" in lines
    assert page.read_text() == (f"before\n{conformance.BEGIN}\n{printed}{conformance.END}\nafter\n")


def test_a_run_without_the_cases_prints_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSEKIT_SHARED", raising=False)
    main(["--examples", "1"], peers=[SSEKIT], features={}, sdks=[])
    printed = capsys.readouterr()
    assert "SSEKIT_SHARED" in printed.err
    assert f"| ssekit | {ssekit.__version__} | - | - | 0 | none |" in printed.out


def test_an_absent_peer_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    def load() -> Any:
        raise ImportError("no module named so")

    main([], peers=[Peer("no-such-peer", load)], features={}, sdks=[])
    printed = capsys.readouterr()
    assert "no-such-peer is not tested: no module named so" in printed.err
    assert "| no-such-peer | not installed | - | - | - | - |" in printed.out


# What SDKs make of the cases.


CASES = list(read_cases())


def test_ssekit_answers_every_case_by_the_measure() -> None:
    ours = [reader for reader in READERS if reader.name == "ssekit"]
    assert [row[3] for row in answer_rows(ours, CASES)] == ["none"] * 3


def test_an_absent_sdk_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    [row] = answer_rows(READERS[:1], CASES)
    assert row[0] == "openai, `chat.completions.stream()`"
    assert row[2:] == ["not installed", "-"]


@pytest.mark.parametrize("reader", [each for each in READERS if each.name != "ssekit"])
def test_an_sdk_answers_some_cases(reader: AnswerReader) -> None:
    pytest.importorskip(reader.name, reason="the SDK is not installed")
    [row] = answer_rows([reader], CASES)
    right, of = map(int, row[2].split(" of "))
    assert 0 < right < of


TEXT_AND_CALL = {"state": "done", "text": "a", "tool_calls": [["id", "f", '{"x": 1}']]}


@pytest.mark.parametrize(
    ("wanted", "answer", "right"),
    [
        (TEXT_AND_CALL, Answer("a", [("f", '{"x":1}')]), True),
        (TEXT_AND_CALL, Answer("a", [("f", {"x": 1})]), True),
        (TEXT_AND_CALL, Answer("b", [("f", {"x": 1})]), False),
        (TEXT_AND_CALL, Answer("a", [("f", '{"x":')]), False),
        (TEXT_AND_CALL, None, False),
        ({"state": "done"}, Answer("a", [("f", None)]), True),
        ({"state": "truncated", "text": "a"}, Answer("a", []), False),
        ({"state": "failed", "text": "a"}, None, True),
    ],
)
def test_the_measure(wanted: Any, answer: Answer | None, right: bool) -> None:
    def read(data: bytes) -> Answer:
        if answer is None:
            raise ValueError(data)
        return answer

    assert is_right(replace(CASES[0], wanted=wanted), read) == right


@needs_shared
def test_ssekit_passes_every_case() -> None:
    ours = Reader(SSEKIT, iter_events)
    assert [passed(ours, conformance_cases(), size) for size in (None, 1, 2)] == [146] * 3


STREAM = b": hello\nid: 7\nevent: note\ndata: a\ndata: b\n\ndata: c\n\n"

each_reader = pytest.mark.parametrize("peer", [*PEERS, SSEKIT], ids=lambda peer: peer.name)


def installed(peer: Peer) -> Reader:
    if peer is not SSEKIT and peer.version is None:
        pytest.skip(f"{peer.name} is not installed")
    return Reader(peer, peer.load())


@each_reader
def test_each_adapter_gives_what_a_peer_reads(peer: Peer) -> None:
    made = installed(peer).read([STREAM[:30], STREAM[30:]])
    first, second = made
    assert first == Fields("note", "a\nb", "7")
    assert second[:2] == ("message", "c")  # sseclient-py does not let an id last


# The tables of the page.

TABLES = conformance.PAGE.read_text(encoding="utf-8")
TABLES = TABLES.partition(conformance.BEGIN)[2].partition(conformance.END)[0]
ROWS = [line[2:-2].split(" | ") for line in TABLES.splitlines() if line.startswith("| ")]
NAMES = [*(peer.name for peer in PEERS), "ssekit"]
VERSIONS = {row[0]: row[1] for row in ROWS if row[0] in NAMES}
STREAMS = [
    ([ast.literal_eval(read) for read in re.findall("`(b'.*?')`", row[1])], *row[2:])
    for row in ROWS
    if len(row) == 4 and row[0] in FEATURES
]


def test_the_page_has_each_parser_and_many_streams() -> None:
    assert list(VERSIONS) == NAMES
    assert len(STREAMS) > 12


def test_the_readme_has_the_figures_of_the_page() -> None:
    passes = {row[0]: int(row[2]) for row in ROWS if row[0] in NAMES}
    ours, best = passes.pop("ssekit"), max(passes.values())
    text = conformance.PAGE.parent.with_name("README.md").read_text(encoding="utf-8")
    assert f"passes all {ours} conformance cases" in text
    assert f"best of seven other Python parsers passes {best}" in text
    assert len(passes) == 7


@each_reader
def test_what_the_page_has_of_a_parser_is_so(peer: Peer) -> None:
    """Of each stream: what it is, if this parser is not named; else what it makes of it."""
    ours = installed(peer)
    if peer is not SSEKIT and peer.version != VERSIONS[peer.name]:
        pytest.skip(f"the page has {peer.name} {VERSIONS[peer.name]}")
    for reads, right, others in STREAMS:
        for group in others.split("; "):
            shown, names = group.rsplit(": ", 1)
            if peer.name in names.split(", "):
                right = shown
        assert conformance.shown(ours.read(reads)) == right, reads
