"""Every fault, at every event boundary and in the middle of every event of every format.

What came before a fault is handed over before it; the error is the one of its kind; its partial
answer is what an independent fold has of the events that were complete; and the source is closed.
A format is a row of `WIRES`.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import re
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import accumulate
from typing import Any, NamedTuple

import anyio
import httpx
import pytest
import trio

from ssekit import (
    APIError,
    DecodeError,
    EventTooLargeError,
    StreamInterruptedError,
    StreamTimeoutError,
    StreamTruncatedError,
)
from ssekit.testing.transports import Reads
from tests.formats import FORMATS, PLAIN
from tests.oracle import oracle
from tests.reference import interpret
from tests.shared import needs_shared, recordings
from tests.shells import SHELLS, Shell, read_all
from tests.thorough import pick
from tests.ways import pieces
from tests.wire import DONE, block, event, step_typed, typed


class Wire(NamedTuple):
    """A format: a stream of it that has everything."""

    endpoint: str
    events: list[bytes]
    errors: dict[str, Reported]  # the forms that only this format has

    @property
    def format(self) -> Any:
        return FORMATS[self.endpoint]

    def said(self, answer: Any) -> Any:
        return PLAIN[self.endpoint](answer)

    @property
    def stream(self) -> bytes:
        return b"".join(self.events)


class Reported(NamedTuple):
    """An event that reports an error, and what it says as a chunk if it is one."""

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


def chat_chunk(*choices: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"id": "c", "model": "m", "object": "chat.completion.chunk", "created": 1,
            "choices": list(choices), **fields}  # fmt: skip


def delta(index: int = 0, finish_reason: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"index": index, "delta": fields, "finish_reason": finish_reason}


def call(arguments: str, **fields: Any) -> dict[str, Any]:
    return delta(tool_calls=[{"index": 0, **fields, "function": {"arguments": arguments}}])


USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}

CHAT = [
    event(chat_chunk(delta(role="assistant", content=""))),
    b": still here\n\n",
    event(chat_chunk(delta(reasoning="hm"))),
    b"event: message\n" + event(chat_chunk(delta(content="a"))),
    event(chat_chunk(delta(content="☀️"), delta(1, content="b"))).replace(b"\n", b"\r\n"),
    event(chat_chunk(call("", id="call_1", type="function"))).replace(b'""}', b'"", "name": "f"}'),
    event(chat_chunk(call('{"n":'))),
    event(chat_chunk(call(" 1}"), delta(1, "length"))),
    event(chat_chunk(delta(0, "tool_calls"))),
    event(chat_chunk(usage=USAGE)),
    DONE,
]


def text(words: str, finish_reason: str | None = None, **fields: Any) -> dict[str, Any]:
    choice = {"index": 0, "text": words, "finish_reason": finish_reason, "logprobs": None}
    return {"id": "c", "model": "m", "object": "text_completion", "created": 1,
            "choices": [choice], **fields}  # fmt: skip


COMPLETIONS = [
    event(text("a")),
    b"id: 7\r\n" + event(text("☀️")),
    event(text("b", "stop")),
    event({**text(""), "choices": [], "usage": USAGE}),
    DONE,
]


def response(status: str, *output: Any, **fields: Any) -> dict[str, Any]:
    return {"id": "r", "status": status, "output": list(output), **fields}


def at(kind: str, output_index: int, **fields: Any) -> bytes:
    return typed(f"response.{kind}", output_index=output_index, **fields)


def item(kind: str, status: str = "in_progress", **fields: Any) -> dict[str, Any]:
    return {"type": kind, "id": f"{kind}_1", "status": status, **fields}


def output_text(words: str) -> dict[str, Any]:
    return {"type": "output_text", "text": words, "annotations": []}


SUMMARY = {"type": "summary_text", "text": "hm"}
THOUGHT = item("reasoning", "completed", summary=[SUMMARY])
MESSAGE = item("message", "completed", role="assistant", content=[output_text("a☀️")])
CALL = item("function_call", "completed", call_id="call_1", name="f", arguments='{"n": 1}')

RESPONSES = [
    typed("response.created", response=response("in_progress", model="m")),
    at("output_item.added", 0, item=item("reasoning", summary=[])),
    at("reasoning_summary_part.added", 0, summary_index=0, part={**SUMMARY, "text": ""}),
    at("reasoning_summary_text.delta", 0, summary_index=0, delta="h"),
    at("reasoning_summary_text.delta", 0, summary_index=0, delta="m"),
    at("reasoning_summary_part.done", 0, summary_index=0, part=SUMMARY),
    at("output_item.done", 0, item=THOUGHT),
    at("output_item.added", 1, item=item("message", role="assistant", content=[])),
    at("content_part.added", 1, content_index=0, part=output_text("")),
    at("output_text.delta", 1, content_index=0, delta="a").replace(b"\n", b"\r\n"),
    at("output_text.delta", 1, content_index=0, delta="☀️"),
    at("output_text.done", 1, content_index=0, text="a☀️"),
    at("output_item.done", 1, item=MESSAGE),
    at("output_item.added", 2, item={**CALL, "status": "in_progress", "arguments": ""}),
    at("function_call_arguments.delta", 2, delta='{"n":'),
    at("function_call_arguments.delta", 2, delta=" 1}"),
    at("function_call_arguments.done", 2, arguments='{"n": 1}'),
    at("output_item.done", 2, item=CALL),
    typed(
        "response.completed",
        response=response("completed", THOUGHT, MESSAGE, CALL, usage={"total_tokens": 3}),
    ),
]


FAILURE = {"code": "server_error", "message": "no"}
FAILED = typed("response.failed", response=response("failed", error=FAILURE))
RESPONSES_ERRORS = {
    "nested, by its type": Reported(
        typed("error", error={"message": "no", "code": "x"}, sequence_number=2), "x"
    ),
    "flat, of the vendor": Reported(typed("error", message="no", code="x", param=None), "x"),
    "a response that failed": Reported(FAILED, "server_error", FAILED),
}

ORDINARY = chat_chunk(delta(content="x"))
GROQ = event(ORDINARY | {"x_groq": {"id": "q", "error": "no"}})
CHAT_ERRORS = {**on_chunk(ORDINARY), "in x_groq": Reported(GROQ, None, event(ORDINARY))}
COMPLETIONS_ERRORS = on_chunk(text("x"))


def thinking(words: str) -> dict[str, Any]:
    return {"type": "thinking_delta", "thinking": words}


def arguments(text: str) -> dict[str, Any]:
    return {"type": "input_json_delta", "partial_json": text}


BEGUN = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": []}
MESSAGES = [
    typed("message_start", message={**BEGUN, "usage": {"input_tokens": 1, "output_tokens": 1}}),
    *block(0, {"type": "thinking", "thinking": "", "signature": ""}, thinking("h"), thinking("m"),
           {"type": "signature_delta", "signature": "c2ln"}),
    typed("ping"),
    *block(1, {"type": "text", "text": ""}, {"type": "text_delta", "text": "a"},
           {"type": "text_delta", "text": "☀️"}),
    typed("ping").replace(b"\n", b"\r\n"),
    b": still here\n\n",
    *block(2, {"type": "tool_use", "id": "t", "name": "f", "input": {}}, arguments(""),
           arguments('{"n":'), arguments(" 1}")),
    typed("message_delta", delta={"stop_reason": "tool_use", "stop_sequence": None},
          usage={"output_tokens": 3}),
    typed("message_stop"),
]  # fmt: skip
OVERLOADED = typed("error", error={"type": "overloaded_error", "message": "no"})
MESSAGES_ERRORS = {"an event": Reported(OVERLOADED, None)}


def fragment(part: dict[str, Any], index: int = 0, **more: Any) -> bytes:
    candidate = {"content": {"role": "model", "parts": [part]}, "index": index, **more}
    usage = {"promptTokenCount": 1, "totalTokenCount": 3}
    return event({"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m",
                  "responseId": "r"}).replace(b"\n", b"\r\n")  # fmt: skip


GEMINI = [
    fragment({"text": "hm", "thought": True}),
    fragment({"text": "a"}),
    fragment({"text": "☀️"}),
    fragment({"text": "b"}, 1),
    fragment({"functionCall": {"name": "f", "willContinue": True}}),
    fragment({"functionCall": {"partialArgs": [{"jsonPath": "$.n", "stringValue": "1"}],
                               "willContinue": True}}),
    fragment({"functionCall": {}}),
    fragment({"text": ""}, finishReason="STOP"),
    fragment({"text": "c"}, 1, finishReason="MAX_TOKENS"),
]  # fmt: skip


WORDS = {"type": "text", "text": "hm"}
CALLED = {"type": "function_call", "id": "c", "name": "f", "arguments": {}}
INTERACTIONS = [
    step_typed("interaction.created", interaction={"id": "v1_i", "model": "m"}),
    step_typed("step.start", index=0, step={"type": "thought"}),
    step_typed("step.delta", index=0, delta={"type": "thought_summary", "content": WORDS}),
    step_typed("step.delta", index=0, delta={"type": "thought_signature", "signature": ""}),
    step_typed("step.delta", index=0, delta={"type": "thought_signature", "signature": "c2ln"}),
    step_typed("step.stop", index=0),
    b": still here\n\n",
    step_typed("step.start", index=1, step={"type": "model_output"}),
    step_typed("step.delta", index=1, delta={"type": "text", "text": "a"}),
    step_typed("step.delta", index=1, delta={"type": "text", "text": "☀️"}).replace(b"\n", b"\r\n"),
    step_typed("step.stop", index=1, usage={"total_tokens": 2}),
    step_typed("step.start", index=2, step=CALLED),
    step_typed("step.delta", index=2, delta={"type": "arguments_delta", "arguments": '{"n":'}),
    step_typed("step.delta", index=2, delta={"type": "arguments_delta", "arguments": " 1}"}),
    step_typed("step.stop", index=2),
    step_typed("interaction.completed", interaction={"id": "v1_i", "status": "requires_action",
                                               "usage": {"total_tokens": 3}}),
]  # fmt: skip
INTERACTIONS_ERRORS = {
    "an event": Reported(
        step_typed("error", error={"message": "no", "code": "gateway_timeout"}), "gateway_timeout"
    ),
}

UNAVAILABLE = {"error": {"code": 503, "message": "no", "status": "UNAVAILABLE"}}
GEMINI_ERRORS = {"a status": Reported(event(UNAVAILABLE), "503")}


WIRES = [
    Wire("chat", CHAT, CHAT_ERRORS),
    Wire("completions", COMPLETIONS, COMPLETIONS_ERRORS),
    Wire("responses", RESPONSES, RESPONSES_ERRORS),
    Wire("messages", MESSAGES, MESSAGES_ERRORS),
    Wire("gemini", GEMINI, GEMINI_ERRORS),
    Wire("interactions", INTERACTIONS, INTERACTIONS_ERRORS),
]
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
    assert wire.said(error.partial) == oracle(wire.endpoint, before).answer, before
    assert outcome.stream.decoder.error is error
    assert outcome.stream.state == ("truncated" if kind is StreamTruncatedError else "failed")
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
        assert wire.said(outcome.stream.snapshot()) == oracle(wire.endpoint, before).answer


# The bytes end.


def ends(wire: Wire, before: bytes) -> tuple[bytes, str]:
    """Return what counts of a stream that ends cleanly, and the state it ends in.

    An unfinished last event counts if its data is the marker or whole JSON, and spoils the end
    if it is not.
    """
    finished = before + b"\n\n"
    events = interpret(finished).events
    if len(events) == len(interpret(before).events):  # no data is unfinished
        return before, oracle(wire.endpoint, before).end[0]
    if events[-1][1] != "[DONE]" and not is_json(events[-1][1]):
        return before, "truncated"
    return finished, oracle(wire.endpoint, finished).end[0]


def is_json(data: str) -> bool:
    try:
        json.loads(data)
    except ValueError:
        return False
    return True


@each_wire
async def test_the_bytes_end_early(shell: Shell, wire: Wire):
    states = set()
    for place in places(wire.events):
        counted, state = ends(wire, wire.stream[:place])
        outcome = await pull(shell, wire, wire.stream[:place])
        states.add(state)
        if state == "truncated":
            error = assert_failed(wire, outcome, counted, StreamTruncatedError)
            assert error.__cause__ is None
        else:
            assert (outcome.raised, outcome.stream.state) == (None, "done")
            assert len(outcome.chunks) == count_chunks(counted)
            assert wire.said(outcome.stream.result()) == oracle(wire.endpoint, counted).answer
    assert states == {"truncated", "done"}


# The server reports an error, or sends what is none of the format's.

REPORTED = [
    pytest.param(wire, reported, id=f"{wire.endpoint}-{form}")
    for wire in WIRES
    for form, reported in (ANY_ERRORS | wire.errors).items()
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
            told = oracle(wire.endpoint, before + reported.chunk).answer
            assert wire.said(error.partial) == told
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


# The same over a few streams of real hosts.


def recorded() -> Iterator[Any]:
    for wire in WIRES:
        for recording in sorted(recordings(wire.endpoint), key=lambda row: len(row.data))[:5]:
            yield pytest.param(wire, recording.data, id=recording.name)


@pytest.mark.parametrize(
    ("wire", "stream"), [*recorded()] or [pytest.param(None, None, marks=needs_shared, id="none")]
)
async def test_a_recorded_stream_breaks_off(shell: Shell, wire: Wire, stream: bytes):
    ends_of_events = [found.end() for found in re.finditer(rb"(\r\n|\r|\n){2}", stream)]
    starts = [0, *ends_of_events][:-1]
    for start, end in zip(starts, ends_of_events, strict=True):
        for place in (start, (start + end) // 2):
            before = stream[:place]
            if oracle(wire.endpoint, before).end[0] != "truncated":
                continue  # it has ended, in whatever way
            outcome = await pull(shell, wire, before, OSError())
            assert_failed(wire, outcome, before, StreamInterruptedError)
            counted, state = ends(wire, before)
            if state == "truncated":
                assert_failed(wire, await pull(shell, wire, before), counted, StreamTruncatedError)


# The connection is released: the server sees that its client is gone.


class Peer:
    """A server of one connection: it sends events, does one thing more, and waits for its end."""

    HEAD = (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n"
        b"transfer-encoding: chunked\r\n\r\n"
    )

    def __init__(self, events: bytes, then: str) -> None:
        self.left = threading.Event()
        self._events = events
        self._then = then
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"

    def serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection, suppress(ConnectionError):
            connection.settimeout(10)
            while not connection.recv(65_536).endswith(b"\r\n\r\n"):
                pass
            connection.sendall(self.HEAD + b"%x\r\n%b\r\n" % (len(self._events), self._events))
            if self._then == "end":
                connection.sendall(b"0\r\n\r\n")
            elif self._then == "cut":
                connection.shutdown(socket.SHUT_WR)
            while connection.recv(65_536):
                pass
        self.left.set()

    @classmethod
    @contextmanager
    def serving(cls, events: bytes, then: str) -> Iterator[Peer]:
        peer = cls(events, then)
        thread = threading.Thread(target=peer.serve)
        thread.start()
        with peer._listener:
            yield peer
            thread.join()


# What the server sends after some events, what it does then, and how the stream ends.
ERROR = event({"error": "no"})
RELEASES: dict[str, tuple[bytes, str, type[Exception] | None]] = {
    "a cut": (b"", "cut", StreamInterruptedError),
    "a cut in an event": (b"data: {", "cut", StreamInterruptedError),
    "a timeout": (b"", "stall", StreamTimeoutError),
    "an early end": (b"", "end", StreamTruncatedError),
    "an error": (ERROR, "stall", APIError),
    "no JSON": (b"data: no\n\n", "stall", DecodeError),
    "the end of the stream": (DONE, "stall", None),
}
each_release = pytest.mark.parametrize(("last", "then", "kind"), RELEASES.values(), ids=RELEASES)


# How long a client waits, in seconds: long, but where the server sends no more.
def patience(kind: Any) -> float:
    return 0.1 if kind is StreamTimeoutError else 10


@asynccontextmanager
async def opened(shell: Shell, wire: Wire, peer: Peer, timeout: float) -> AsyncIterator[Any]:
    """Give the stream of a response of httpx."""
    options: Any = {"verify": False, "trust_env": False, "timeout": timeout}
    if shell.reads is Reads:
        with httpx.Client(**options) as client:
            response = client.send(client.build_request("POST", peer.url), stream=True)
            yield shell.stream(response, wire.format)
    else:
        async with httpx.AsyncClient(**options) as client:
            response = await client.send(client.build_request("POST", peer.url), stream=True)
            yield shell.stream(response, wire.format)


async def left(peer: Peer) -> bool:
    return await anyio.to_thread.run_sync(peer.left.wait, 10)


@each_wire
@each_release
async def test_the_server_sees_the_connection_closed(
    shell: Shell, wire: Wire, last: bytes, then: str, kind: Any
):
    before, rest = (b"".join(events) for events in (wire.events[:2], [*wire.events[2:], DONE]))
    with Peer.serving(before + (last if kind else rest), then) as peer:
        async with opened(shell, wire, peer, patience(kind)) as stream:
            assert len([await anext(stream) for _ in range(count_chunks(before))]) >= 1
            if kind is None:
                await stream.until_done()
            else:
                with pytest.raises(kind) as raised:
                    await stream.until_done()
                assert wire.said(raised.value.partial) == oracle(wire.endpoint, before).answer
            assert await left(peer)


async def test_the_server_sees_that_its_reader_left(shell: Shell):
    with Peer.serving(CHAT[0], "stall") as peer:
        async with opened(shell, WIRES[0], peer, 10) as stream:
            with pytest.raises(KeyboardInterrupt):
                async with stream:
                    raise KeyboardInterrupt
            assert await left(peer)


async def test_the_server_sees_that_its_reader_was_cancelled():
    with Peer.serving(CHAT[0], "stall") as peer:
        async with opened(SHELLS["asyncio"], WIRES[0], peer, 10) as stream:
            await anext(stream)
            task = asyncio.create_task(stream.until_done())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await left(peer)
