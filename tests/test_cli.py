"""The command: `_command/main.py`."""

import gzip
import io
import json
import os
import runpy
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

import ssekit
from ssekit import auto
from ssekit._command import main as command
from ssekit._command import terminal
from ssekit._command.main import main
from tests.command import TIMEOUT, Terminal, posix, started
from tests.streams import STREAMS, TEXT
from tests.wire import event


def sse(*payloads):
    return b"".join(map(event, payloads))


def chunk(finish_reason=None, *, index=0, **delta):
    return {"choices": [{"index": index, "delta": delta, "finish_reason": finish_reason}]}


def call(index, **function):
    return {"index": index, "function": function}


USAGE = {"choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 34}}
HELLO = sse(chunk(content="Hé"), chunk(content="llo"), chunk("stop"), USAGE, "[DONE]")
FINISHED = "finished: stop, 12 input + 34 output tokens (ended by marker)\n"
CUT = sse(chunk(content="Hé"), chunk(content="llo"))
TRUNCATED = "truncated: the bytes ended before the stream's own end\n"


@dataclass
class Ran:
    status: int
    out: str
    err: str


@pytest.fixture
def run(monkeypatch):
    """Run the command in this process; its standard output and error are of some other locale."""

    def run(*argv, stdin=b"", out=io.TextIOWrapper, err=io.TextIOWrapper):
        outputs = [kind(io.BytesIO(), encoding="ascii", newline="") for kind in (out, err)]
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        monkeypatch.setattr(sys, "stdout", outputs[0])
        monkeypatch.setattr(sys, "stderr", outputs[1])
        status = main(list(argv))
        return Ran(status, *(output.buffer.getvalue().decode() for output in outputs))

    monkeypatch.delenv("NO_COLOR", raising=False)
    return run


def lines(text):
    assert text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


# What is printed.


CALLS = [call(0, name="f", arguments='{"a":'), call(1, name="g", arguments="{\n  1\n}")]
REST = [call(0, arguments=' "é"}')]
OTHER = chunk("stop", content="other", index=1)
ERROR = sse({"error": {"message": "Overloaded"}})

# A stream, the status of the command, its text, and the summary.
PRINTED = {
    "a text": (HELLO, 0, "Héllo\n", FINISHED),
    "only choice 0": (
        *(sse(OTHER, chunk("stop", content="this"), "[DONE]"), 0),
        *("this\n", "finished: stop (ended by marker)\n"),
    ),
    "tool calls, a line each": (
        *(sse(chunk(tool_calls=CALLS), chunk("tool_calls", tool_calls=REST), "[DONE]"), 0, ""),
        'tool call f({"a": "é"})\ntool call g({ 1 })\nfinished: tool_calls (ended by marker)\n',
    ),
    "a refusal": (
        *(sse(chunk(refusal="I "), chunk("stop", refusal="cannot"), "[DONE]"), 0, ""),
        "refusal: I cannot\nfinished: stop (ended by marker)\n",
    ),
    "no finish reason": (
        *(sse(chunk(), "[DONE]"), 0, ""),
        "finished: no finish reason (ended by marker)\n",
    ),
    "a cut": (CUT, 1, "Héllo\n", TRUNCATED),
    "a failure": (CUT + ERROR, 1, "Héllo\n", "failed: APIError: Overloaded\n"),
    "a failure in two lines": (
        *(sse({"error": {"message": "no\nfinished: stop"}}), 1, ""),
        "failed: APIError: no finished: stop\n",
    ),
}


@pytest.mark.parametrize(("data", "status", "out", "err"), PRINTED.values(), ids=PRINTED)
def test_the_text_is_printed_and_a_summary_on_standard_error(run, data, status, out, err):
    assert run(stdin=data) == Ran(status, out, err)
    assert run(stdin=data, out=Terminal).out == out


@pytest.mark.parametrize("argv", [["-"], ["-", "--timing"]])
def test_a_dash_is_standard_input(run, argv):
    assert run(*argv, stdin=HELLO).out == "Héllo\n"


@pytest.mark.parametrize("name", ["stream.sse", "./demo", "colect", "stream.sse.gz"])
def test_a_file_is_read_whatever_its_name(run, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(gzip.compress(HELLO) if name.endswith(".gz") else HELLO)
    assert run(name) == Ran(0, "Héllo\n", FINISHED)


LABEL = "\x1b[2mreasoning:\n\x1b[22m"
R, T = ({"reasoning": "so"}, {"content": "yes"})

# Deltas, and what a terminal shows of them, with colours or without.
TERMINALS = {
    "reasoning": ([R, T], False, f"{LABEL}\x1b[2mso\x1b[22m\n\nyes\n"),
    "no colour": ([R, T], True, "reasoning:\nso\n\nyes\n"),
    "reasoning after text": ([R, T, R, R], True, "reasoning:\nso\n\nyes\n\nreasoning:\nsoso\n"),
    "lines": (
        *([{"reasoning": "so\n"}, {"content": "yes\n"}], False),
        f"{LABEL}\x1b[2mso\n\x1b[22m\nyes\n",
    ),
    "nothing": ([{}], False, ""),
}


@pytest.mark.parametrize(("deltas", "no_color", "shown"), TERMINALS.values(), ids=TERMINALS)
def test_the_reasoning_is_for_terminals(run, monkeypatch, deltas, no_color, shown):
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    data = sse(*(chunk(**delta) for delta in deltas), chunk("stop"), "[DONE]")
    assert run(stdin=data, out=Terminal).out == shown
    text = "".join(delta.get("content", "") for delta in deltas)
    assert run(stdin=data).out == text + "\n" * bool(text and not text.endswith("\n"))


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        pytest.param(["one two three four"], "one two\nthree\nfour\n", id="words"),
        pytest.param(["one", " two", " three"], "one two\nthree\n", id="pieces"),
        pytest.param(["one ", "two ", "three"], "one two\nthree\n", id="spaces come before"),
        pytest.param(["one tw", "o.", " x"], "one two.\nx\n", id="the rest of a word"),
        pytest.param(["one\n  two\n\nthree"], "one\n  two\n\nthree\n", id="lines"),
        pytest.param(["one  \ntwo"], "one  \ntwo\n", id="spaces before a line end"),
        pytest.param(["a", "b" * 12, " c d"], "a" + "b" * 12 + " c d\n", id="a long word"),
        pytest.param(["日本語日本語"], "日本語日\n本語\n", id="wide characters"),
        pytest.param(["日本語日", "ab"], "日本語日ab\n", id="the edge"),
        pytest.param(["a \x1bm", " bcd"], "a \\x1bm\nbcd\n", id="what is escaped"),
    ],
)
def test_lines_of_a_terminal_end_between_words(run, monkeypatch, pieces, shown):
    monkeypatch.setenv("COLUMNS", "10")
    data = sse(*(chunk(content=piece) for piece in pieces), chunk("stop"), "[DONE]")
    assert run(stdin=data, out=Terminal).out == shown
    assert run(stdin=data).out == "".join(pieces) + "\n"


# What a stream would do to a terminal, and what the terminal gets.
ATTACKS = {
    "title (OSC 0)": ("\x1b]0;owned\x07", r"\x1b]0;owned\x07"),
    "clipboard (OSC 52)": ("\x1b]52;c;cm0gLXJm\x1b\\", r"\x1b]52;c;cm0gLXJm\x1b" + "\\"),
    "a link to elsewhere (OSC 8)": ("\x1b]8;;http://e\x07a", r"\x1b]8;;http://e\x07a"),
    "erasing (CSI)": ("\x1b[2J\x1b[1;1H", r"\x1b[2J\x1b[1;1H"),
    "a report that is typed (CSI)": ("\x1b[6n\x1b[>c", r"\x1b[6n\x1b[>c"),
    "CSI of 8 bits": ("\x9b2J", r"\x9b2J"),
    "OSC and DCS of 8 bits": ("\x9d52;c;x\x9c\x90q\x9c", r"\x9d52;c;x\x9c\x90q\x9c"),
    "reset, and other characters": ("\x1bc\x1b(0\x0e", r"\x1bc\x1b(0\x0e"),
    "overwriting": ("yes\rno \b\x7f\0", r"yes\rno \x08\x7f\x00"),
    "line ends": ("a\x0b\x0c\x85b\u2028c\u2029d", r"a\x0b\x0c\x85b\u2028c\u2029d"),
    "overrides": ("\u202etxt.e\u202c\u202a\u202b\u202d", r"\u202etxt.e\u202c\u202a\u202b\u202d"),
    "isolates": ("\u2066a\u2067b\u2068c\u2069", r"\u2066a\u2067b\u2068c\u2069"),
    "marks of direction": ("a\u200e\u200f\u061c", r"a\u200e\u200f\u061c"),
    "no width": ("pay\u200bpal\u2060\u2063\ufeff", r"pay\u200bpal\u2060\u2063\ufeff"),
}  # fmt: skip
each_attack = pytest.mark.parametrize(("text", "shown"), ATTACKS.values(), ids=ATTACKS)
HOSTILE = " ".join(text for text, _ in ATTACKS.values()) + "\ttab\nline é"


@each_attack
def test_controls_are_escaped_on_a_terminal(run, monkeypatch, text, shown):
    monkeypatch.setenv("NO_COLOR", "1")
    data = sse(chunk(reasoning=text), chunk("stop", content=text), "[DONE]")
    assert run(stdin=data).out == text + "\n"
    assert run(stdin=data, out=Terminal).out == f"reasoning:\n{shown}\n\n{shown}\n"


@each_attack
def test_controls_are_escaped_in_the_summary_on_a_terminal(run, text, shown):
    data = sse(chunk(tool_calls=[call(0, name=text)]), {"error": {"message": text}})
    summary = "tool call {0}()\nfailed: APIError: {0}\n"
    assert run(stdin=data).err == summary.format(text)
    assert run(stdin=data, err=Terminal).err == summary.format(shown)


def test_what_people_write_is_shown_as_it_is(run):
    text = "\tשלום, مرحبا\nمی\u200cخواهم, क्\u200dष, 👩\u200d👩\u200d👧 🌦\ufe0f, e\u0301\n"
    assert run(stdin=sse(chunk("stop", content=text), "[DONE]"), out=Terminal).out == text


@pytest.mark.parametrize("out", [Terminal, io.TextIOWrapper])
@pytest.mark.parametrize("option", ["--json", "--events", "--deltas"])
def test_json_holds_no_control_characters_and_is_the_same(run, option, out):
    ran = run(option, stdin=sse(chunk("stop", content=HOSTILE), "[DONE]"), out=out)
    assert not terminal.CONTROL.search(ran.out)
    assert ran.out.splitlines() == ran.out.split("\n")[:-1]
    stated = {
        "--json": lambda: json.loads(ran.out)["choices"][0]["message"]["content"],
        "--events": lambda: json.loads(lines(ran.out)[0]["data"])["choices"][0]["delta"]["content"],
        "--deltas": lambda: lines(ran.out)[0]["text"],
    }
    assert stated[option]() == HOSTILE


def test_json_is_the_result_on_one_line(run):
    ran = run("--json", stdin=HELLO)
    [result] = lines(ran.out)
    assert result["choices"][0]["message"]["content"] == "Héllo"
    assert result["usage"] == USAGE["usage"]
    assert (ran.status, ran.err) == (0, FINISHED)


def test_json_of_a_cut_stream_is_what_had_come(run):
    ran = run("--json", stdin=CUT)
    [partial] = lines(ran.out)
    assert partial["choices"][0]["message"]["content"] == "Héllo"
    assert partial["choices"][0]["finish_reason"] is None
    assert (ran.status, ran.err) == (1, TRUNCATED)


def test_deltas_are_those_of_the_stream(run):
    ran = run("--deltas", stdin=HELLO)
    assert [delta["type"] for delta in lines(ran.out)] == ["text", "text", "usage", "finish"]
    assert (ran.status, ran.err) == (0, FINISHED)


def test_deltas_of_a_cut_stream_do_not_have_a_finish(run):
    ran = run(
        "--deltas", stdin=sse(chunk("tool_calls", tool_calls=[call(0, name="f")])) + b"data: {"
    )
    assert [delta["type"] for delta in lines(ran.out)] == ["tool_call_delta"]
    assert ran.status == 1


def printed(data, **fields):
    return {"data": data, "event": "message", "id": "", "retry": None} | fields


A, B = '{"choices": []}', json.dumps(chunk("stop"))


@pytest.mark.parametrize(
    ("data", "events", "status"),
    [
        pytest.param(b"", [], 1, id="empty"),
        pytest.param(sse(A, A, B, "[DONE]"), [A, A, B, "[DONE]"], 0, id="marker"),
        pytest.param(sse(A, B), [A, B], 0, id="finish"),
        pytest.param(sse(A, B) + b"data: [DONE]", [A, B, "[DONE]"], 0, id="no last blank line"),
        pytest.param(sse(A, B) + b'data: {"ch', [A, B], 1, id="half an event"),
        pytest.param(sse(A, "{}", "x", B), [A, "{}", "x"], 1, id="no JSON"),
        pytest.param(sse(A, '{"error": "e"}'), [A, '{"error": "e"}'], 1, id="error"),
    ],
)
def test_events_are_printed_to_the_one_that_ends_the_stream(run, data, events, status):
    ran = run("--events", stdin=data)
    assert [json.loads(line) for line in ran.out.splitlines()] == list(map(printed, events))
    assert ran.status == status


def test_events_have_all_their_fields(run):
    data = b"id: 7\nevent: note\nretry: 5\ndata: " + sse(A)[6:] + b"data: [DONE]\n\n"
    assert lines(run("--events", stdin=data).out) == [
        printed(A, event="note", id="7", retry=5),
        printed("[DONE]", id="7"),
    ]


@pytest.mark.parametrize("name", auto.FORMATS)
@pytest.mark.parametrize("argv", [[], ["--format", "auto"], ["--format", None]], ids=str)
def test_every_format_is_found_out_or_given(run, argv, name):
    ran = run(*(word or name for word in argv), stdin=b"".join(STREAMS[name]))
    assert (ran.status, ran.out) == (0, "".join(TEXT) + "\n")


def test_the_format_that_is_given_counts(run):
    ran = run("--format", "chat", stdin=b"".join(STREAMS["completions"]))
    assert (ran.status, ran.out) == (1, "")
    assert "ssekit.completions reads this format" in ran.err


# The summary.


@pytest.mark.parametrize(
    ("usage", "printed"),
    [
        ({"completion_tokens": 3}, "finished: stop, 3 output tokens (ended by finish)\n"),
        ({"completion_tokens": 0}, "finished: stop, 0 output tokens (ended by finish)\n"),
        ({"total_tokens": 3}, "finished: stop (ended by finish)\n"),
    ],
)
def test_only_tokens_that_the_server_counted_are_printed(run, usage, printed):
    assert run(stdin=sse(chunk("stop") | {"usage": usage})).err == printed


def test_a_source_that_fails_is_a_failed_stream(run, monkeypatch):
    class Broken(io.BytesIO):
        def read1(self, size=-1):
            raise ConnectionResetError("gone")

    monkeypatch.setattr(command, "_open", lambda file: Broken())
    assert run() == Ran(
        1,
        "",
        "failed: StreamInterruptedError: the transport raised ConnectionResetError: gone\n",
    )


def test_timing_adds_a_line(run, monkeypatch):
    times = iter([10.0, 10.5, 11.0, 13.0, 13.25, 14.0])
    monkeypatch.setattr(command, "perf_counter", lambda: next(times))
    data = sse(chunk(reasoning="so"), chunk(content="yes"), chunk(content="!"), chunk("stop"))
    assert run("--timing", stdin=data).err == (
        "finished: stop (ended by finish)\n"
        "timing: first chunk after 0.500 s, first reasoning after 0.500 s, "
        "first text after 1.000 s, 4 chunks in 4.000 s (1.0 a second), "
        "longest gap 2.000 s\n"
    )


@pytest.mark.parametrize("option", ["--json", "--events", "--deltas"])
def test_timing_goes_with_every_view(run, option):
    err = run(option, "--timing", stdin=sse(chunk("stop"), "[DONE]")).err
    assert err.splitlines()[-1].startswith("timing: first chunk after ")


# What the command is given.


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A module with a format, in the folder where the command runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    Path("ownformat.py").write_text("from ssekit.chat import FORMAT, ChatCompletion")
    yield "ownformat:FORMAT"
    sys.modules.pop("ownformat", None)


def test_a_format_of_ones_own_is_imported(run, own):
    assert run("--format", own, stdin=HELLO) == Ran(0, "Héllo\n", FINISHED)


FORMAT = "ssekit: error: argument --format: "
MISUSE = {
    "two views": (["--json", "--events"], "not allowed with argument"),
    "two files": (["a", "b"], "unrecognized arguments: b"),
    "no option": (["--yaml"], "unrecognized arguments: --yaml"),
    "a misspelt command": (["colect"], "did you mean `ssekit collect`?\n"),
    "one among others": (["--json", "Collect", "a"], "did you mean `ssekit collect`?\n"),
    "the other, misspelt": (["dmeo"], "did you mean `ssekit demo`?\n"),
    "no format": (["--format", "yaml"], f"{FORMAT}ValueError: format must be auto, chat, "),
    "no module": (
        ["--format", "missing_module:FORMAT"],
        f"{FORMAT}ModuleNotFoundError: No module named 'missing_module'",
    ),
    "no attribute": (
        ["--format", "ownformat:MISSING"],
        f"{FORMAT}AttributeError: module 'ownformat' has no attribute 'MISSING'",
    ),
    "another object": (
        ["--format", "ownformat:ChatCompletion"],
        f"{FORMAT}ownformat:ChatCompletion is no ssekit.Format",
    ),
    "nothing of it": (["--format", "ownformat:"], f"{FORMAT}ownformat: is no ssekit.Format"),
}


@pytest.mark.parametrize(("argv", "stated"), MISUSE.values(), ids=MISUSE)
@pytest.mark.usefixtures("own")
def test_misuse_has_status_2(capsys, argv, stated):
    with pytest.raises(SystemExit) as raised:
        main(argv)
    err = capsys.readouterr().err
    assert (raised.value.code, err[:14]) == (2, "usage: ssekit ")
    assert stated in err


@pytest.mark.parametrize("name", ["missing.sse", "."])
def test_a_file_that_cannot_be_opened_is_misuse(run, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    ran = run(name)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(f"ssekit: cannot open {name}: ")
    assert ran.err.count("\n") == 1


@posix
def test_a_file_name_that_is_no_utf8_can_be_printed(run):
    assert run("\udcff.sse").err.startswith("ssekit: cannot open ?.sse: ")


def test_standard_streams_may_be_closed(monkeypatch, capsys, tmp_path):
    (tmp_path / "stream.sse").write_bytes(HELLO)
    monkeypatch.setattr(sys, "stdin", None)
    assert main([]) == 2
    assert capsys.readouterr().err == f"ssekit: cannot open -: {os.strerror(9)}\n"
    monkeypatch.setattr(sys, "stderr", None)
    assert main([str(tmp_path / "stream.sse")]) == 0
    assert capsys.readouterr().out == "Héllo\n"
    monkeypatch.setattr(sys, "stdout", None)
    assert main([str(tmp_path / "stream.sse")]) == 0


# How it is ended.


def test_an_interrupt_is_quiet(run, monkeypatch):
    class Interrupted(io.BytesIO):
        def read1(self, size=-1):
            raise KeyboardInterrupt

    monkeypatch.setattr(command, "_open", lambda file: Interrupted())
    assert run() == Ran(130, "", "")


@posix
@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_closed_pipe_is_quiet(monkeypatch, tmp_path, name):
    (tmp_path / "stream.sse").write_bytes(HELLO)
    reader, writer = os.pipe()
    os.close(reader)
    with monkeypatch.context() as patched, open(writer, "w") as closed:
        patched.setattr(sys, name, closed)
        assert main([str(tmp_path / "stream.sse")]) == 141
        closed.flush()  # as at the interpreter's shutdown


# True processes.


@contextmanager
def running(**options):
    """Run the command, and let nothing of it stay."""
    with started(*options.pop("argv", []), **options) as process:
        try:
            yield process
            process.wait(TIMEOUT)
        finally:
            process.kill()


PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}


def read(file, size):
    data = b""
    while len(data) < size and (piece := file.read(size - len(data))):
        data += piece
    return data


def test_text_is_printed_as_it_arrives():
    with running(**PIPES) as process:
        process.stdin.write(HELLO[: len(HELLO) // 2])
        assert read(process.stdout, 3).decode() == "Hé"
        process.stdin.write(HELLO[len(HELLO) // 2 :])
        assert read(process.stdout, 4).decode() == "llo\n"
        assert process.stderr.read().decode() == FINISHED
    assert process.returncode == 0


@posix
@pytest.mark.parametrize("argv", [[], ["demo"]])
def test_a_process_that_is_interrupted_is_quiet(argv):
    with running(argv=argv, **PIPES) as process:
        process.stdin.write(CUT)
        assert process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == b""
    assert process.returncode == 130


@posix
def test_a_true_terminal_is_recognised():
    import pty

    data = sse(chunk(reasoning="so"), chunk("stop", content="a\x1b[2Jb"), "[DONE]")
    reader, terminal = pty.openpty()
    options = {"stdin": subprocess.PIPE, "stdout": terminal, "stderr": terminal}
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    with (
        open(reader, "rb", buffering=0) as screen,
        running(**options, env=environment) as process,
    ):
        os.close(terminal)
        process.stdin.write(data)
        shown = b""
        with suppress(OSError):  # how Linux reports that the other side is closed
            while piece := screen.read(1024):
                shown += piece
    assert process.returncode == 0
    assert shown.decode().splitlines() == [
        "\x1b[2mreasoning:",
        "\x1b[22m\x1b[2mso\x1b[22m",
        "",
        "a\\x1b[2Jb",
        "finished: stop (ended by marker)",
    ]


def test_the_package_is_a_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(sys, "argv", ["ssekit", "--version"])
    with pytest.raises(SystemExit) as raised:
        runpy.run_module("ssekit", run_name="__main__")
    assert (raised.value.code, capsys.readouterr().out) == (0, f"ssekit {ssekit.__version__}\n")
