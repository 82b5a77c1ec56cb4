# The command: `ssekit [FILE]` shows a stream as it arrives, `ssekit demo` a demonstration.
# (`ssekit collect` has a parser of its own, in `collect`.)
#
# Standard output is for the content of the stream, standard error for a short summary.
#
# What always holds here:
# - The decoder alone decides how a stream ended. The command prints that, and the exit status
#   follows from it.
# - Content is printed as it arrives, and before a failure is reported.
# - Chunks and results are printed as a whole: the command knows no fields, so it takes any format.

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from difflib import get_close_matches
from itertools import groupby, pairwise
from time import perf_counter
from typing import Any, TypeAlias

from ssekit import (
    Accumulator,
    Delta,
    ReasoningDelta,
    ServerSentEvent,
    Source,
    SSEKitError,
    Stream,
    TextDelta,
    Usage,
    __version__,
    archive,
)
from ssekit._command.options import add_format, as_format
from ssekit._command.terminal import Output, json_line

# The exit status of a process that a signal ended: 128 and the signal, SIGINT and SIGPIPE.
_INTERRUPTED = 130
_CLOSED_PIPE = 141

# The demonstration in Python.
_DEMO_CODE = """
In Python, with the response of any HTTP client:

    from ssekit import auto

    stream = auto.stream(response)
    for text in stream.text():
        print(text, end="", flush=True)
    answer = stream.result()
"""

AnyStream: TypeAlias = Stream[Any, Any]
# A function that returns the values to print as JSON, for a stream and the iterator of its chunks.
View: TypeAlias = Callable[[AnyStream, Iterable[object]], Iterable[object]]


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit status."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        if argv[:1] == ["collect"]:
            # The modules that start processes are slow to import.
            from ssekit._command import collect

            return collect.main(argv[1:])
        return _run(_parser().parse_args(argv, _Arguments()))
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        return _CLOSED_PIPE


class _Arguments(argparse.Namespace):
    file: str
    format: str
    view: View | None
    timing: bool


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ssekit",
        usage="%(prog)s [options] [FILE]\n"
        "       %(prog)s collect [options] FILE...\n"
        "       %(prog)s demo [options]",
        description="Print the text of a model's stream as it arrives, and how it ended.",
        epilog="`collect` reads many recorded streams (it has a --help of its own); `demo` shows a "
        "stream from a small server of its own. "
        "The exit status is 0 for a finished stream, 1 for one that was cut or failed "
        "(the content that came is printed first), 2 for misuse.",
    )
    parser.add_argument(
        "file",
        nargs="?",
        type=_file,
        default="-",
        metavar="FILE",
        help="the bytes of a stream, also as .gz; - or nothing reads standard input",
    )
    views = parser.add_mutually_exclusive_group()
    for option, view, what in (
        ("--json", _result, "print the finished result as JSON"),
        ("--events", _events, "print each event as a line of JSON"),
        ("--deltas", _deltas, "print each delta as a line of JSON"),
    ):
        views.add_argument(option, dest="view", action="store_const", const=view, help=what)
    add_format(parser)
    parser.add_argument("--timing", action="store_true", help="add when its parts came, how fast")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    return parser


def _file(name: str) -> str:
    for command in get_close_matches(name, ["collect", "demo"], 1):
        if command != name and not os.path.exists(name):
            reason = f"there is no file {name!r}; did you mean `ssekit {command}`?"
            raise argparse.ArgumentTypeError(reason)
    return name


def _run(arguments: _Arguments) -> int:
    out, err = Output(sys.stdout), Output(sys.stderr)
    with ExitStack() as stack:
        try:
            source = stack.enter_context(_open(arguments.file))
        except OSError as error:
            err.write(f"ssekit: cannot open {arguments.file}: {error.strerror}\n")
            return 2
        stream = as_format(arguments.format).stream(source)
        clock = _Clock()
        chunks = _chunks(stream, clock)
        if arguments.view is None:
            _print_text(stream, chunks, out)
        else:
            for value in arguments.view(stream, chunks):
                out.write(json_line(value))
        for line in _summary(stream):
            err.write(f"{_one_line(line)}\n")
        if arguments.timing:
            err.write(f"{clock.summary()}\n")
        if arguments.file == "demo":
            err.write(_DEMO_CODE)
        return 0 if stream.state == "done" else 1


def _open(file: str) -> AbstractContextManager[Source]:
    if file == "demo":
        # The HTTP modules of the server take as long to import as everything else together.
        from ssekit._command import demo

        return demo.response()
    if file != "-":
        return archive.open_recording(file)
    if sys.stdin is None:  # closed by the parent process
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return nullcontext(sys.stdin.buffer)


# Views: the parts of a stream that are printed.


def _chunks(stream: AnyStream, clock: _Clock) -> Iterator[object]:
    with suppress(SSEKitError):  # the decoder keeps the error for the summary
        for chunk in stream:
            clock.tick(stream.accumulator)
            yield chunk


def _print_text(stream: AnyStream, chunks: Iterable[object], out: Output) -> None:
    """Print the text of choice 0, and a line end after it; on a terminal, its reasoning too."""
    kinds = (TextDelta, ReasoningDelta) if out.is_terminal else (TextDelta,)
    deltas = (
        delta for delta in _deltas(stream, chunks) if isinstance(delta, kinds) and delta.index == 0
    )
    before = ""
    for kind, part in groupby(deltas, type):
        is_reasoning = kind is ReasoningDelta
        out.write_words(before)
        if is_reasoning:
            out.write_words("reasoning:\n", dimmed=True)
        text = ""
        for delta in part:
            text = delta.text
            out.write_words(text, dimmed=is_reasoning)
        out.write_words("" if text.endswith("\n") else "\n")
        before = "\n"


def _deltas(stream: AnyStream, chunks: Iterable[object]) -> Iterator[Delta]:
    return stream.decoder.deltas(chunks)


def _events(stream: AnyStream, chunks: Iterable[object]) -> Iterator[ServerSentEvent]:
    latest = None
    for _ in chunks:
        latest = stream.event
        assert latest is not None
        yield latest
    # The end marker, or an error, ends the stream without a chunk. Its event cannot equal that of
    # the latest chunk, which would have ended the stream as well.
    if stream.event is not None and stream.event != latest:
        yield stream.event


def _result(stream: AnyStream, chunks: Iterable[object]) -> Iterator[object]:
    for _ in chunks:
        pass
    yield stream.snapshot()


# Summaries.


def _summary(stream: AnyStream) -> Iterator[str]:
    accumulator = stream.accumulator
    for call in accumulator.tool_calls:
        yield f"tool call {call.name}({call.arguments})"
    if accumulator.refusal:
        yield f"refusal: {accumulator.refusal}"
    ended_by = stream.decoder.ended_by
    last = ", ".join([_ending(stream), *_tokens(accumulator.usage)])
    yield f"{last} (ended by {ended_by})" if ended_by else last


def _ending(stream: AnyStream) -> str:
    error = stream.decoder.error
    if error is None:
        return f"finished: {stream.accumulator.finish_reason or 'no finish reason'}"
    if stream.state == "truncated":
        return f"truncated: {error}"
    return f"{stream.state}: {type(error).__name__}: {error}"


def _tokens(usage: Usage | None) -> Iterator[str]:
    if usage is not None:
        counts = ((usage.input_tokens, "input"), (usage.output_tokens, "output"))
        known = [f"{count} {kind}" for count, kind in counts if count is not None]
        if known:
            yield " + ".join(known) + " tokens"


def _one_line(text: str) -> str:
    # Some models indent the JSON of their arguments.
    return " ".join(line.strip() for line in text.split("\n"))


class _Clock:
    """The times at which the chunks of a stream arrived."""

    def __init__(self) -> None:
        self._start = perf_counter()
        self._chunks: list[float] = []
        self._firsts: dict[str, float] = {}

    def tick(self, accumulator: Accumulator[Any, Any]) -> None:
        """Record the time of the latest chunk."""
        self._chunks.append(perf_counter())
        for part in ("chunk", "reasoning", "text"):
            if part not in self._firsts and getattr(accumulator, part, True):
                self._firsts[part] = self._chunks[-1]

    def summary(self) -> str:
        passed, count = perf_counter() - self._start, len(self._chunks)
        firsts = "".join(
            f"first {part} after {time - self._start:.3f} s, "
            for part, time in self._firsts.items()
        )
        gap = max((after - before for before, after in pairwise(self._chunks)), default=0.0)
        return (
            f"timing: {firsts}{count} chunks in {passed:.3f} s "
            f"({count / passed:.1f} a second), longest gap {gap:.3f} s"
        )
