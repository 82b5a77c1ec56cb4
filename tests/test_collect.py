"""The command `ssekit collect`: `_command/collect.py`."""

import gzip
import io
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from ssekit._command import collect as collecting
from ssekit._command.collect import Lines
from ssekit._command.main import main
from tests.command import TIMEOUT, Terminal, posix, started
from tests.streams import STREAMS
from tests.wire import DONE, A, B, event

# What files hold, and the states of their streams; None is no file at all.
FILES: dict[str, tuple[bytes | None, str]] = {
    "missing": (None, "failed"),
    **{name: (b"".join(reads), "done") for name, reads in STREAMS.items()},
    "empty": (b"", "truncated"),
    "image": (b"\x89PNG\r\n\0", "truncated"),
    "cut": (A + B, "truncated"),
    "error": (A + event({"error": {"message": "\x9bno"}}), "failed"),
    "marker": (A + DONE, "done"),
}
STATES = [state for _, state in FILES.values()]

# More than a batch: so that two processes have something to divide.
PADDING = b":" * collecting._BATCH_SIZE + b"\n\n"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of files of every kind; an empty folder is among them."""
    monkeypatch.chdir(tmp_path)
    for name, (data, _) in FILES.items():
        if data is not None:
            Path(name).write_bytes(data)
    Path("folder").mkdir()
    return [*FILES, "folder"]


@pytest.fixture
def one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a finished stream."""
    monkeypatch.chdir(tmp_path)
    Path("one.sse").write_bytes(A + DONE)
    return "one.sse"


def collect(*argv: str) -> int:
    return main(["collect", *argv])


# The lines.


def test_every_file_has_its_line_in_the_order_given(
    files: list[str], capsys: pytest.CaptureFixture[str]
):
    assert collect(*files, "-j", "1") == 1
    out, err = capsys.readouterr()
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["file"] for line in lines] == files
    assert [line["state"] for line in lines] == [*STATES, "failed"]
    assert all(("error" in line) is (line["state"] != "done") for line in lines)
    assert err == ""


def test_two_processes_print_the_same_as_one(files: list[str], capsys: pytest.CaptureFixture[str]):
    Path("large").write_bytes(PADDING + A + DONE)
    files = [*files, "large", *files, "large"]
    assert collect(*files, "-j", "1") == 1
    one = capsys.readouterr().out
    assert collect(*files, "-j", "2") == 1
    assert capsys.readouterr().out == one
    assert one.count("\n") == len(files)


def test_control_characters_are_escaped(files: list[str], capsys: pytest.CaptureFixture[str]):
    collect("error")
    out = capsys.readouterr().out
    assert "\x9b" not in out
    assert json.loads(out)["error"]["message"] == "\x9bno"


def test_finished_streams_have_status_0(one: str, capsys: pytest.CaptureFixture[str]):
    assert collect(one, one) == 0
    assert capsys.readouterr().out.count('"state":"done"') == 2


def test_the_format_may_be_given(one: str, capsys: pytest.CaptureFixture[str]):
    assert collect(one, "--format", "chat") == 0
    assert json.loads(capsys.readouterr().out)["format"] == "chat"
    assert collect(one, "--format", "completions") == 1
    assert json.loads(capsys.readouterr().out)["format"] == "completions"


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_format_of_ones_own_is_imported_by_each_process(
    one: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], jobs: str
):
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(collecting, "_BATCH_LENGTH", 1)
    Path("formats_here.py").write_text("from ssekit.chat import FORMAT as OWN\n")
    assert collect(one, one, "--format", "formats_here:OWN", "-j", jobs) == 0
    assert capsys.readouterr().out.count('"format":"chat"') == 2
    sys.modules.pop("formats_here", None)


def test_results_are_written_to_a_file(one: str, capsys: pytest.CaptureFixture[str]):
    collect(one)
    printed = capsys.readouterr().out
    assert collect(one, "-o", "results.jsonl") == 0
    assert Path("results.jsonl").read_text(encoding="utf-8") == printed
    assert capsys.readouterr() == ("", "")


def test_a_folder_stands_for_the_files_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    for name in ("b[1]/z", "b[1]/inner/y", "b[1]/.hidden", "b[1]/.git/x", "b[1]/empty/.hidden"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(A + DONE)
    Path("a").write_bytes(A + DONE)
    assert collect("b[1]", "a", "b[1]/", "-j", "1") == 0
    files = [json.loads(line)["file"] for line in capsys.readouterr().out.splitlines()]
    within = [os.path.join("b[1]", "inner", "y"), os.path.join("b[1]", "z")]
    assert [os.path.normpath(file) for file in files] == [*within, "a", *within]


def test_compressed_files_have_the_same_results(
    one: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    data = gzip.compress(A + DONE)
    Path("one.gz").write_bytes(data)
    Path("cut.gz").write_bytes(data[: len(data) // 2])
    assert collect(one, "one.gz", "cut.gz", "-j", "1") == 1
    plain, whole, cut = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert whole == plain | {"file": "one.gz"}
    assert (cut["state"], cut["error"]["type"]) == ("failed", "StreamInterruptedError")


# Misuse, and what cannot be helped.


@pytest.mark.parametrize("argv", [[], ["f", "-j", "0"], ["f", "-j", "x"], ["f", "--format", "x"]])
def test_misuse_has_status_2(argv: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as raised:
        collect(*argv)
    assert raised.value.code == 2
    assert capsys.readouterr().err.startswith("usage: ssekit collect ")


def test_results_that_cannot_be_written_have_status_2(one: str, capsys: pytest.CaptureFixture[str]):
    assert collect(one, "-o", "missing/results.jsonl") == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("ssekit: ")
    assert "missing/results.jsonl" in err


@posix
def test_a_closed_pipe_is_quiet(one: str, monkeypatch: pytest.MonkeyPatch):
    reader, writer = os.pipe()
    os.close(reader)
    with monkeypatch.context() as patched, open(writer, "w") as closed:
        patched.setattr(sys, "stdout", closed)
        assert collect(one) == 141


# Progress.


def terminal() -> Terminal:
    return Terminal(io.BytesIO(), newline="")


def test_a_terminal_shows_progress(files: list[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(collecting, "_BATCH_LENGTH", 2)
    times = iter([10.0, 14.0, 16.0])
    monkeypatch.setattr(collecting, "perf_counter", lambda: next(times))
    err = terminal()
    monkeypatch.setattr(sys, "stderr", err)
    collect("cut", "chat", "marker", "-j", "1", "-o", "results.jsonl")
    assert err.buffer.getvalue().decode().split("\x1b[K") == [  # type: ignore[attr-defined]
        "\r3 files",
        "\r2 of 3 files, 1 of them not finished, 0.5 a second, 2 s left",
        "\r3 of 3 files, 1 of them not finished, 0.5 a second, 0 s left",
        "\n",
    ]


def test_no_progress_stands_between_lines_on_a_terminal(one: str, monkeypatch: pytest.MonkeyPatch):
    out, err = terminal(), terminal()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    assert collect(one) == 0
    assert out.buffer.getvalue().count(b"\n") == 1  # type: ignore[attr-defined]
    assert err.buffer.getvalue() == b""  # type: ignore[attr-defined]


# How files are divided among processes.


@pytest.mark.parametrize(
    ("sizes", "lengths"),
    [
        ([0], [1]),
        ([0] * 64, [64]),
        ([0] * 130, [64, 64, 2]),
        ([2**30], [1]),
        ([1, 2**30, 1, 1], [1, 1, 2]),
        ([2**19] * 5, [2, 2, 1]),
    ],
)
def test_small_files_go_together_and_large_ones_alone(
    sizes: list[int], lengths: list[int], monkeypatch: pytest.MonkeyPatch
):
    names = [str(place) for place in range(len(sizes))]
    monkeypatch.setattr(os.path, "getsize", lambda name: sizes[int(name)])
    batches = list(collecting._batches(names))
    assert [len(batch) for batch in batches] == lengths
    assert list(chain(*batches)) == names


class Immediate:
    """A pool of this process, that counts."""

    submitted = 0

    def submit(self, fold: Any, *arguments: Any) -> Future[Lines]:
        self.submitted += 1
        future: Future[Lines] = Future()
        future.set_result(fold(*arguments))
        return future

    def shutdown(self, *, cancel_futures: bool) -> None:
        assert cancel_futures


def named(batch: list[str], format: str) -> Lines:
    return Lines(f"{batch[0]} {format}", 1, 0)


def test_only_a_few_batches_are_ahead_of_what_is_written(monkeypatch: pytest.MonkeyPatch):
    pool = Immediate()
    monkeypatch.setattr(collecting, "_pool", lambda jobs: pool)
    batches = [[str(number)] for number in range(100)]
    ahead = []
    for number, lines in enumerate(collecting.on_processes(batches, "chat", 3, named)):
        assert lines.text == f"{number} chat"
        ahead.append(pool.submitted - number)
    assert max(ahead) == 3 * collecting._AHEAD
    assert pool.submitted == len(batches)


def fold_or_die(batch: list[str], format: str) -> Lines:
    if "deadly" in batch:
        os._exit(1)
    return collecting.collect_batch(batch, format)


def test_a_file_that_kills_its_process_costs_only_its_own_line(files: list[str]):
    batches = [["chat"], ["marker", "deadly", "gemini"], ["messages"]]
    found = list(collecting.on_processes(batches, "auto", 2, fold_or_die))
    lines = [json.loads(line) for lines in found for line in lines.text.splitlines()]
    assert [line["file"] for line in lines] == list(chain(*batches))
    assert [line["file"] for line in lines if line["state"] != "done"] == ["deadly"]
    assert sum(lines.files for lines in found) == 5
    assert sum(lines.unfinished for lines in found) == 1
    [failed] = (line for line in lines if "error" in line)
    assert failed == {
        "file": "deadly",
        "format": None,
        "state": "failed",
        "ended_by": None,
        "error": {"type": "BrokenProcessPool", "message": "the process that read it has died"},
    }


def test_a_process_ends_with_its_parent_and_by_an_interrupt(monkeypatch: pytest.MonkeyPatch):
    done: list[Any] = []

    class Parent:
        def join(self) -> None:
            done.append("joined")

    class Thread:
        def __init__(self, *, target: Any, args: Any, daemon: bool) -> None:
            assert daemon
            self.start = lambda: target(*args)

    monkeypatch.setattr(collecting, "parent_process", Parent)
    monkeypatch.setattr(collecting, "Thread", Thread)
    monkeypatch.setattr(os, "_exit", done.append)
    handler = signal.getsignal(signal.SIGINT)
    try:
        collecting.end_with_parent()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGINT, handler)
    assert done == ["joined", 1]


Busy: TypeAlias = tuple[subprocess.Popen[bytes], list[int]]


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Busy]:
    """The command, while both processes of its pool read named pipes; and their other sides."""
    large = tmp_path / "large"
    large.write_bytes(PADDING)
    pipes = [tmp_path / "a", tmp_path / "b"]
    for pipe in pipes:
        os.mkfifo(pipe)
    options: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    names = [pipes[0], large, pipes[1]]
    process = started("collect", *names, "-j", "2", start_new_session=True, **options)
    with process:
        try:
            # Who opens one waits here until it is read.
            with open(pipes[0], "wb") as first, open(pipes[1], "wb") as second:
                yield process, [first.fileno(), second.fileno()]
        finally:
            process.kill()


def nobody_reads(pipe: int) -> bool:
    """Wait until nobody reads a pipe any more; False if that takes too long."""
    poll = select.poll()
    poll.register(pipe, select.POLLERR)
    return [event for _, event in poll.poll(TIMEOUT * 1000)] == [select.POLLERR]


@posix
def test_an_interrupt_is_quiet_and_leaves_no_process(busy: Busy):
    process, pipes = busy
    os.killpg(process.pid, signal.SIGINT)
    assert all(map(nobody_reads, pipes))
    assert process.communicate(timeout=TIMEOUT)[1] == b""
    assert process.returncode == 130


@posix
def test_processes_end_where_their_parent_is_killed(busy: Busy):
    process, pipes = busy
    process.kill()
    assert all(map(nobody_reads, pipes))
