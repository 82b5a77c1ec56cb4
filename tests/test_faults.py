"""Every fault, at every event boundary and in the middle of every event of every format.

What came before a fault is handed over before it; the error is the one of its kind; its partial
answer is what an independent fold has of the events that were complete; and the source is closed.
(Where the bytes just end, `test_done` and `test_testing_faults` cut them at any place.) A format is
a row of `WIRES`.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import socket
from itertools import accumulate
from typing import Any, NamedTuple

import httpx
import pytest
import trio

from ssekit import (
    APIError,
    DecodeError,
    EventTooLargeError,
    StreamInterruptedError,
    StreamTimeoutError,
)
from tests.formats import FORMATS, PLAIN
from tests.oracle import oracle
from tests.reference import interpret
from tests.shells import Shell, read_all
from tests.streams import STREAMS
from tests.thorough import pick
from tests.ways import pieces
from tests.wire import event, step_typed, typed


class Reported(NamedTuple):
    """An event that reports an error, and its chunk if it is one."""

    event: bytes
    code: str | None
    chunk: bytes = b""


# Errors that any host may report, with the message "no".
ANY_ERRORS = {
    "an object": Reported(event({"error": {"message": "no", "type": "t", "code": 400}}), "400"),
    "an object in a list": Reported(event([{"error": {"message": "no"}}]), None),
    "a text": Reported(event({"error": "no"}), None),
    "flat, by its type": Reported(event({"type": "error", "code": "x", "message": "no"}), "x"),
    "flat, by its object": Reported(event({"object": "error", "message": "no", "code": 5}), "5"),
    "detail": Reported(event({"detail": "no"}), None),
    "event: error": Reported(
        b"event: error\n" + event({"error": {"message": "no", "code": "x"}}), "x"
    ),
    "event: error, flat": Reported(b"event: error\n" + event({"message": "no", "code": 1}), "1"),
    "event: error, a text": Reported(b"event: error\ndata: no\n\n", None),
}


def on_chunk(chunk: dict[str, Any]) -> dict[str, Reported]:
    """Return the forms in which an error comes with a chunk of choices."""
    choice = {**chunk["choices"][0], "error": {"message": "no", "code": 502}}
    error = {"error": {"message": "no", "code": 400}}
    return {
        "on a chunk": Reported(event(chunk | error), "400", event(chunk)),
        "in a choice": Reported(event(chunk | {"choices": [choice]}), "502", event(chunk)),
    }


CHUNK = {"id": "c", "choices": [{"index": 0, "delta": {"content": "x"}}]}
GROQ = event(CHUNK | {"x_groq": {"id": "q", "error": "no"}})
FAILURE = {"code": "server_error", "message": "no"}
FAILED = typed("response.failed", response={"status": "failed", "error": FAILURE})
GONE = {"message": "no", "code": "gateway_timeout"}

# The forms that only one format has.
ERRORS: dict[str, dict[str, Reported]] = {
    "chat": {**on_chunk(CHUNK), "in x_groq": Reported(GROQ, None, event(CHUNK))},
    "completions": on_chunk({"id": "c", "choices": [{"index": 0, "text": "x"}]}),
    "responses": {
        "nested, by its type": Reported(typed("error", error={"message": "no", "code": "x"}), "x"),
        "flat, of the vendor": Reported(typed("error", message="no", code="x", param=None), "x"),
        "a response that failed": Reported(FAILED, "server_error", FAILED),
    },
    "messages": {"an event": Reported(typed("error", error={"type": "t", "message": "no"}), None)},
    "gemini": {"a status": Reported(event({"error": {"code": 503, "message": "no"}}), "503")},
    "interactions": {"an event": Reported(step_typed("error", error=GONE), GONE["code"])},
}


class Wire(NamedTuple):
    """A format, and the events of a stream of it, among them a comment and other line ends."""

    endpoint: str

    @property
    def format(self) -> Any:
        return FORMATS[self.endpoint]

    @property
    def events(self) -> list[bytes]:
        first, second, *others = STREAMS[self.endpoint]
        return [first, b": still here\n\n", second.replace(b"\n", b"\r\n"), *others]

    @property
    def stream(self) -> bytes:
        return b"".join(self.events)

    def answer_of(self, answer: Any) -> Any:
        return PLAIN[self.endpoint](answer)


WIRES = [*map(Wire, FORMATS)]
each_wire = pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.endpoint)


class Outcome(NamedTuple):
    """What became of a stream."""

    chunks: list[Any]
    raised: BaseException | None
    stream: Any


async def pull(shell: Shell, wire: Wire, *reads: Any, **options: Any) -> Outcome:
    source = shell.reads(*reads)
    stream = shell.stream(source, wire.format, decoder=wire.format.decoder(**options))
    chunks, raised = await read_all(stream)
    assert source.closed == 1
    return Outcome(chunks, raised, stream)


def boundaries(events: list[bytes]) -> list[int]:
    """Return where each event begins."""
    return [0, *accumulate(map(len, events))][:-1]


def places(events: list[bytes]) -> list[int]:
    """Return where a stream is cut: where each event begins, and three times within it."""
    return [
        start + within
        for start, data in zip(boundaries(events), events, strict=True)
        for within in (0, 1, len(data) // 2, len(data) - 1)
    ]


def count_chunks(stream: bytes) -> int:
    """Return how many chunks the events make that are complete in a stream."""
    return sum(data != "[DONE]" for _, data, _, _ in interpret(stream).events)


def assert_failed(wire: Wire, outcome: Outcome, before: bytes, kind: type[Exception]) -> Any:
    """Check what holds of every fault, and return the error."""
    error: Any = outcome.raised
    assert type(error) is kind, before
    assert len(outcome.chunks) == count_chunks(before), before
    assert wire.answer_of(error.partial) == oracle(wire.endpoint, before).answer, before
    assert outcome.stream.decoder.error is error
    assert outcome.stream.state == "failed"
    return error


# The transport raises.


class ReadTimeoutError(Exception):
    """As urllib3 spells it."""


class ServerTimeoutError(OSError):
    """As aiohttp does."""


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


INTERRUPTIONS = [
    OSError(5, "input/output error"),
    ConnectionResetError("reset by peer"),
    EOFError(),
    RuntimeError("any other"),
    ValueError("I/O operation on closed file"),
    httpx.RemoteProtocolError("peer closed connection without sending complete message body"),
    trio.ClosedResourceError(),
    ExceptionGroup("several", [OSError()]),
    OSError("timeout"),  # a word in a message
    caused(OSError("broken"), ValueError()),
]
TIMEOUTS = {
    "TimeoutError": TimeoutError("timed out"),
    "socket": getattr(socket, "timeout")(),  # noqa: B009 - an alias since Python 3.10
    "asyncio": getattr(asyncio, "TimeoutError")(),  # noqa: B009 - since 3.11
    "concurrent.futures": concurrent.futures.TimeoutError(),
    "trio": trio.TooSlowError(),
    "httpx": httpx.ReadTimeout("read timed out"),
    "httpx, of the pool": httpx.PoolTimeout("no connection is free"),
    "urllib3": ReadTimeoutError("read timed out"),
    "requests": ConnectionError(ReadTimeoutError("read timed out")),
    "as a cause": caused(OSError("broken"), ReadTimeoutError()),
    "aiohttp": ServerTimeoutError("timeout on reading data from socket"),
}
RAISED = [
    *(pytest.param(e, StreamInterruptedError, id=repr(e)) for e in INTERRUPTIONS),
    *(pytest.param(e, StreamTimeoutError, id=spelling) for spelling, e in TIMEOUTS.items()),
]


@each_wire
@pytest.mark.parametrize(("cause", "kind"), RAISED)
async def test_the_transport_raises(
    shell: Shell, wire: Wire, cause: Exception, kind: type[Exception]
):
    for place in places(wire.events)[:: pick(quick=7, thorough=1)]:
        before = wire.stream[:place]
        error = assert_failed(wire, await pull(shell, wire, before, cause), before, kind)
        assert error.__cause__ is cause
        cause.with_traceback(None)  # it would grow by every place, and keep all that was there
        assert isinstance(error, TimeoutError) == (kind is StreamTimeoutError)


@each_wire
async def test_the_transport_raises_after_many_reads(shell: Shell, wire: Wire):
    for place in places(wire.events):
        before = wire.stream[:place]
        outcome = await pull(shell, wire, *pieces(before, 7), OSError())
        assert_failed(wire, outcome, before, StreamInterruptedError)


@each_wire
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
async def test_what_is_no_exception_is_not_wrapped(shell: Shell, wire: Wire, kind: Any):
    for place in places(wire.events):
        before = wire.stream[:place]
        cause = kind()
        outcome = await pull(shell, wire, before, cause)
        assert outcome.raised is cause
        assert (outcome.stream.state, outcome.stream.decoder.error) == ("open", None)
        assert len(outcome.chunks) == count_chunks(before)
        assert wire.answer_of(outcome.stream.snapshot()) == oracle(wire.endpoint, before).answer


# The server reports an error, or sends what is none of the format's.

REPORTED = [
    pytest.param(wire, reported, id=f"{wire.endpoint}-{form}")
    for wire in WIRES
    for form, reported in (ANY_ERRORS | ERRORS[wire.endpoint]).items()
]


@pytest.mark.parametrize(("wire", "reported"), REPORTED)
async def test_the_server_reports_an_error(shell: Shell, wire: Wire, reported: Reported):
    """In one read with what is before and after it, or divided, or without its blank line."""
    middle = len(reported.event) // 2
    divided = [reported.event[:middle], reported.event[middle:]]
    unfinished = reported.event.removesuffix(b"\n\n")
    for place in boundaries(wire.events)[:: pick(quick=3, thorough=1)]:
        before, after = wire.stream[:place], wire.stream[place:]
        ways = [[before + reported.event + after], [before, *divided, OSError()]]
        if unfinished.endswith((b"}", b"]")):  # whole JSON, which counts at a clean end
            ways.append([before, unfinished])
        for reads in ways:
            outcome = await pull(shell, wire, *reads)
            error = outcome.raised
            assert type(error) is APIError
            assert (error.message, error.code) == ("no", reported.code)
            assert len(outcome.chunks) == count_chunks(before)
            expected = oracle(wire.endpoint, before + reported.chunk).answer
            assert wire.answer_of(error.partial) == expected
            assert error.event == outcome.stream.event
            assert error.chunk is not None or not reported.chunk
            assert outcome.stream.state == "failed"


BROKEN = {
    "cut JSON": (b'data: {"choices": [\n\n', DecodeError),
    "no JSON": (b"data: <html>\n\n", DecodeError),
    "no object": (b"data: 5\n\n", DecodeError),
    "too large": (b"data: " + b"x" * 2000 + b"\n\n", EventTooLargeError),
    "too large, and no end": (b"x" * 2000, EventTooLargeError),
}


@each_wire
@pytest.mark.parametrize(("broken", "kind"), BROKEN.values(), ids=BROKEN)
async def test_an_event_cannot_be_read(
    shell: Shell, wire: Wire, broken: bytes, kind: type[Exception]
):
    for place in boundaries(wire.events):
        before, after = wire.stream[:place], wire.stream[place:]
        for reads in ([before + broken + after], [before, broken[:9], broken[9:], after]):
            assert_failed(wire, await pull(shell, wire, *reads, max_event_size=1000), before, kind)
