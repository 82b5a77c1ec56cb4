"""The README is true: each of its examples runs, and prints what stands below it."""

import ast
import asyncio
import contextlib
import inspect
import io
import itertools
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FunctionType
from typing import Any
from urllib.parse import urlsplit

import h11
import pytest
import trio

from ssekit import ServerSentEvent, auto
from tests.shared import WITHOUT_DASK
from tests.streams import ARGUMENTS, CALL, REASONING, STREAMS, TEXT, TOKENS, typed
from tests.wire import DONE, event

README = Path(__file__).parent.parent / "README.md"

# A comment names what an example is given (`url=flaky_url` is the latter, called `url`); its output
# stands in the block that follows.
EXAMPLE = re.compile(
    r"(?:<!-- given: (?P<given>[\w, =]+) -->\n)?```python\n(?P<code>.*?)```\n"
    r"(?:```output\n(?P<output>.*?)```\n)?",
    re.DOTALL,
)
EXAMPLES = [match.groupdict() for match in EXAMPLE.finditer(README.read_text(encoding="utf-8"))]


def delta(**fields: Any) -> bytes:
    return event({"choices": [{"index": 0, "delta": fields}]})


def call(index: int, name: str) -> list[bytes]:
    first = {"index": index, "id": f"call_{index}", "type": "function"}
    return [
        delta(tool_calls=[{**first, "function": {"name": name, "arguments": ""}}]),
        delta(tool_calls=[{"index": index, "function": {"arguments": '{"city":'}}]),
        delta(tool_calls=[{"index": index, "function": {"arguments": '"Paris"}'}}]),
    ]


USAGE = {"prompt_tokens": 12, "completion_tokens": 34, "total_tokens": 46}
READS = [
    delta(role="assistant", content=""),
    delta(reasoning="The user asks for the weather."),
    delta(content="It is sunny"),
    delta(content=" in Paris. ☀️"),
    *call(0, "get_weather"),
    *call(1, "get_time"),
    event({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}),
    event({"choices": [], "usage": USAGE}),
    DONE,
]


def legacy(*tokens: str, finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "text": "".join(tokens), "logprobs": {"tokens": tokens}}
    return event({"choices": [{**choice, "finish_reason": finish_reason}]})


LEGACY_READS = [legacy("Say", " this"), legacy(":"), legacy(" this", finish_reason="stop"), DONE]

COHERE_READS = [
    typed("content-delta", index=0, delta={"message": {"content": {"text": piece}}})
    for piece in ("Ruby is", " the best.")
]
COHERE_READS.append(typed("message-end", delta={"finish_reason": "COMPLETE"}))


def candidate(*parts: dict[str, Any], **fields: Any) -> bytes:
    content = {"role": "model", "parts": parts}
    return event({"candidates": [{"content": content, **fields}], "modelVersion": "gemini"})


GEMINI_READS = [
    candidate({"text": "The user asks", "thought": True}),
    candidate({"text": " for the weather.", "thought": True}, {"text": "Let me"}),
    candidate({"text": " see."}),
    candidate(
        {
            "functionCall": {"name": "get_weather", "args": {"city": "Paris"}},
            "thoughtSignature": "c2lnbmVk",
        }
    ),
    candidate({"text": ""}, finishReason="STOP"),
]


EMPTY = ("content", "arguments")  # in an item that begins


def response_events(item: dict[str, Any], pieces: list[bytes]) -> list[bytes]:
    answer = {"id": "resp_1", "status": "completed", "output": [item]}
    begun = item | {"status": "in_progress"} | {k: type(item[k])() for k in EMPTY if k in item}
    added = typed("response.output_item.added", output_index=0, item=begun)
    done = typed("response.output_item.done", output_index=0, item=item)
    return [added, *pieces, done, typed("response.completed", response=answer)]


HAIKU = ["An old silent pond", "… a frog jumps in"]
RESPONSE_READS = response_events(
    {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "".join(HAIKU), "annotations": []}],
    },
    [
        typed("response.output_text.delta", output_index=0, content_index=0, delta=piece)
        for piece in HAIKU
    ],
)
RESPONSE_CALL_READS = response_events(
    {
        "type": "function_call",
        "id": "fc_1",
        "call_id": "call_1",
        "name": "get_weather",
        "arguments": '{"city":"Paris"}',
        "status": "completed",
    },
    [
        typed("response.function_call_arguments.delta", output_index=0, delta=piece)
        for piece in ('{"city":', '"Paris"}')
    ],
)


def block_events(index: int, block: dict[str, Any], *deltas: dict[str, Any]) -> list[bytes]:
    pieces = [typed("content_block_delta", index=index, delta=delta) for delta in deltas]
    started = typed("content_block_start", index=index, content_block=block)
    return [started, *pieces, typed("content_block_stop", index=index)]


MESSAGE_READS = [
    typed("message_start", message={"id": "msg_1", "content": [], "usage": {"input_tokens": 12}}),
    *block_events(
        0,
        {"type": "text", "text": ""},
        {"type": "text_delta", "text": "Let me"},
        {"type": "text_delta", "text": " look."},
    ),
    *block_events(
        1,
        {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}},
        {"type": "input_json_delta", "partial_json": '{"city":'},
        {"type": "input_json_delta", "partial_json": '"Paris"}'},
    ),
    typed("message_delta", delta={"stop_reason": "tool_use"}, usage={"output_tokens": 34}),
    typed("message_stop"),
]

# A background response, whose connection is cut once.
BACKGROUND_READS = [
    typed("response.created", response={"id": "resp_1", "status": "in_progress", "output": []}),
    *RESPONSE_READS,
]
BACKGROUND_READS = [
    read.replace(b"{", b'{"sequence_number": %d, ' % number, 1)
    for number, read in enumerate(BACKGROUND_READS)
]
CUT = 3  # how many of these come before

EVENTS = {
    None: ServerSentEvent("the connection is cut after this", id="1", retry=10),
    "1": ServerSentEvent("and resumes here, until the server says 204", id="2"),
}


class Host(BaseHTTPRequestHandler):
    """Answers as a model's host does, with a chunk of its body for each event."""

    protocol_version = "HTTP/1.1"
    flaky = itertools.cycle([503, 3, None])  # a refusal; a cut after so many reads; and an answer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        assert body["stream"]
        if self.path == "/v1/responses":
            assert body["background"]
            self.answer(BACKGROUND_READS[:CUT], cut=True)
            return
        step = next(self.flaky) if self.path == "/flaky" else None
        if step == 503:
            self.answer([b'{"error": {"message": "busy"}}'], step)
        else:
            self.answer(READS[:step], cut=step is not None)

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path == "/v1/responses/resp_1":
            assert query == f"stream=true&starting_after={CUT - 1}"
            self.answer(BACKGROUND_READS[CUT:])
        else:
            found = EVENTS.get(self.headers["last-event-id"])
            self.answer([found.encode()] if found else [], 200 if found else 204, cut=True)

    def answer(self, reads: list[bytes], status: int = 200, *, cut: bool = False) -> None:
        chunked = self.request_version != "HTTP/1.0" and status != 204  # which have no chunks
        self.send_response(status)
        self.send_header("content-type", "text/event-stream")
        if chunked:
            self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        self.close_connection = cut or not chunked
        for read in reads if cut else [*reads, b""]:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(read), read) if chunked else read)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Host) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


BODY = {"model": "m", "messages": [], "stream": True}
# By the module that an example imports, the one that must be there, and why it may not be.
MAY_BE_MISSING = {
    "niquests": ("niquests", "niquests is in the dependency group transports"),
    "dask": ("distributed", WITHOUT_DASK),
}


def known(url: str, folder: Path) -> dict[str, Any]:
    """Return what examples are given, by its name."""
    path, cut_path = folder / "recorded.sse", folder / "cut.sse"
    path.write_bytes(b"".join(READS))
    cut_path.write_bytes(b"".join(READS[:3]))
    chat_url = url + "/v1/chat/completions"
    place = urlsplit(chat_url)
    body = json.dumps(BODY).encode()
    request = f"POST {place.path} HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    return {
        "url": chat_url,
        "flaky_url": url + "/flaky",
        "events_url": url + "/events",
        "responses_url": url + "/v1/responses",
        "host": place.netloc,
        "path_of_url": place.path,
        "headers": {"authorization": "Bearer none"},
        "body": BODY,
        "request": request,
        "reads": READS,
        "source": READS,
        "cohere_reads": COHERE_READS,
        "cut_reads": READS[:3],
        "response_reads": RESPONSE_READS,
        "response_call_reads": RESPONSE_CALL_READS,
        "message_reads": MESSAGE_READS,
        "legacy_reads": LEGACY_READS,
        "gemini_reads": GEMINI_READS,
        "path": path,
        "files": [str(path), str(cut_path), str(folder / "missing.sse")],
        "send": lambda data: None,
    }


def h11_request(url: str) -> tuple[h11.Connection, bytes]:
    """Return a connection that has made a request, and the bytes of that."""
    connection, body, place = h11.Connection(h11.CLIENT), json.dumps(BODY), urlsplit(url)
    headers = [("host", place.netloc), ("content-length", str(len(body)))]
    request = h11.Request(method="POST", target=place.path, headers=headers)
    events = (request, h11.Data(data=body.encode()), h11.EndOfMessage())
    return connection, b"".join(map(connection.send, events))


def run(code: str, given: dict[str, Any], url: str) -> None:
    """Run an example; one with `async` at its top stands in a coroutine, as the README says."""
    # (The name of no file: Hypothesis would look for the code of a test there.)
    compiled = compile(code, "<README>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    function = FunctionType(compiled, given)
    address = urlsplit(url).hostname, urlsplit(url).port

    async def in_asyncio() -> None:
        if "reader" in given:
            given["reader"], given["writer"] = await asyncio.open_connection(*address)
        await function()

    async def in_trio() -> None:
        given["connection"], request = h11_request(url)
        async with await trio.open_tcp_stream(*address) as given["trio_stream"]:
            await given["trio_stream"].send_all(request)
            await function()

    if compiled.co_flags & inspect.CO_COROUTINE:
        trio.run(in_trio) if "trio_stream" in given else asyncio.run(in_asyncio())
    elif "sock" in given:
        given["connection"], request = h11_request(url)
        with socket.create_connection(address) as given["sock"]:
            given["sock"].sendall(request)
            function()
    else:
        function()


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_prints_what_stands_below_it(
    example: dict[str, str], url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for named, (module, reason) in MAY_BE_MISSING.items():
        if f"import {named}" in example["code"]:
            pytest.importorskip(module, reason=reason)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    if "sleep" in example["code"]:  # a cluster's own sleep is not to be touched
        real_sleep = asyncio.sleep
        monkeypatch.setattr(time, "sleep", lambda seconds: None)
        monkeypatch.setattr(asyncio, "sleep", lambda seconds: real_sleep(0))
    values = known(url, tmp_path)
    named = re.findall(r"(\w+)(?:=(\w+))?", example["given"] or "")
    given = {name: values.get(other or name) for name, other in named} | {"__name__": "__main__"}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        run(example["code"], given, values["url"])
    # A line of its own ends what an example may leave open.
    assert printed.getvalue().rstrip("\n") == (example["output"] or "").rstrip("\n")


# What the loop of the vocabulary prints of the streams that are written by hand.
PRINTED = [
    *(f"thinking: {piece}" for piece in REASONING),
    *(f"text: {piece}" for piece in TEXT),
    f"call: {CALL[1]} {json.loads(''.join(ARGUMENTS))}",
    "tokens: {} {}".format(*TOKENS),
]
WITHOUT = {"completions": ("thinking", "call")}


@pytest.mark.parametrize("name", auto.FORMATS)
def test_the_loop_of_the_vocabulary_reads_every_format(name: str):
    [loop] = [example["code"] for example in EXAMPLES if example["given"] == "source"]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(loop, str(README), "exec"), {"source": STREAMS[name]})
    lines = printed.getvalue().splitlines()
    expected = [line for line in PRINTED if not line.startswith(WITHOUT.get(name, ("-",)))]
    assert set(expected) < set(lines)  # one vendor gives the tokens more than once
    assert lines[-1].startswith("finish: ")


def test_every_example_is_found():
    text = README.read_text(encoding="utf-8")
    assert len(EXAMPLES) == text.count("```python") > 5
    assert all(example["output"] for example in EXAMPLES)


def test_the_two_commands_stand_in_exactly_these_words():
    text = README.read_text(encoding="utf-8")
    assert "\npython -m pip install . && python -m ssekit demo\n" in text
    assert '\npython -m pip install -e ".[test]" && python -m pytest\n' in text
