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
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FunctionType
from typing import Any
from urllib.parse import urlsplit

import h11
import httpx
import pytest
import trio

import ssekit
from ssekit import ServerSentEvent, chat, responses
from tests.scripted import AsyncReads, Reads
from tests.wire import DONE, event

README = Path(__file__).parent.parent / "README.md"

# A comment names what an example is given; its output stands in the block that follows.
EXAMPLE = re.compile(
    r"(?:<!-- given: (?P<given>[\w, ]+) -->\n)?```python\n(?P<code>.*?)```\n"
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


def typed(kind: str, **fields: Any) -> bytes:
    return ServerSentEvent(json.dumps({"type": kind, **fields}), event=kind).encode()


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


class Host(BaseHTTPRequestHandler):
    """Answers as a model's host does, with a chunk of its body for each event."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        assert body["stream"]
        chunked = self.request_version != "HTTP/1.0"  # which has no chunks
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        if chunked:
            self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for read in [*READS, b""]:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(read), read) if chunked else read)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Host) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/chat/completions"
        server.shutdown()
        thread.join()


BODY = {"model": "m", "messages": [], "stream": True}
MAY_BE_MISSING = ("niquests",)


def known(url: str, path: Path) -> dict[str, Any]:
    """Return what examples are given, by its name."""
    place = urlsplit(url)
    body = json.dumps(BODY).encode()
    request = f"POST {place.path} HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    return {
        "url": url,
        "host": place.netloc,
        "path_of_url": place.path,
        "headers": {"authorization": "Bearer none"},
        "body": BODY,
        "request": request,
        "reads": READS,
        "cut_reads": READS[:3],
        "response_reads": RESPONSE_READS,
        "response_call_reads": RESPONSE_CALL_READS,
        "legacy_reads": LEGACY_READS,
        "path": path,
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
    compiled = compile(code, str(README), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
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
    for module in MAY_BE_MISSING:
        if f"import {module}" in example["code"]:
            pytest.importorskip(module, reason=f"{module} is in the dependency group transports")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    path = tmp_path / "recorded.sse"
    path.write_bytes(b"".join(READS))
    values = known(url, path)
    given = {name: values.get(name) for name in re.findall(r"\w+", example["given"] or "")}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        run(example["code"], given, url)
    # A line of its own ends what an example may leave open.
    assert printed.getvalue().rstrip("\n") == (example["output"] or "").rstrip("\n")


# The table for those who come from the OpenAI SDK: each line of ours runs, and prints this.

TABLE = re.compile(r"^\| (?P<theirs>[^|]+?) \| `(?P<ours>[^`]+)` \|$", re.MULTILINE)
SECTION = README.read_text(encoding="utf-8").partition("## Coming from the OpenAI SDK")[2]
ROWS = TABLE.findall(SECTION.partition("\n## ")[0])

HEAD = {"id": "chatcmpl-1", "model": "gpt", "created": 7}
LETTERS = "abcdefghijkl"


def openai_chunk(delta: dict[str, Any], **choice: Any) -> bytes:
    return event(HEAD | {"choices": [{"index": 0, "delta": delta, **choice}]})


OPENAI_READS = [
    *(openai_chunk({"content": letter}) for letter in LETTERS),
    openai_chunk({"function_call": {"name": "f", "arguments": '{"city":'}}),
    openai_chunk({"function_call": {"arguments": '"Tokyo"}'}}),
    openai_chunk({"tool_calls": [{"index": 0, "id": "1", "function": {"name": "g"}}]}),
    openai_chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"n":1}'}}]}),
    openai_chunk({}, finish_reason="stop"),
    DONE,
]
LINES = "".join(f"{letter}\n" for letter in LETTERS)
ALL_CHUNKS = LINES + "None\n" * 5
REFUSED = b'{"error": {"message": "slow down", "code": "rate"}}'

# What a row begins with; the reads of the response, or the status that it has; what is printed.
PRINTED: dict[str, tuple[Any, str]] = {
    "Iterate:": (OPENAI_READS, ALL_CHUNKS),
    "Iterate asynchronously:": (OPENAI_READS, ALL_CHUNKS),
    "Only text:": (OPENAI_READS, LINES),
    "The response:": (OPENAI_READS, "req_1\n"),
    "Context manager:": (OPENAI_READS, "a\n"),
    "Chunk:": (OPENAI_READS, "chatcmpl-1 gpt 7\n"),
    "Content:": (OPENAI_READS, "a\n"),
    "Finish reason:": (OPENAI_READS, "stop\n"),
    "Accumulate:": (OPENAI_READS, LETTERS + "\n"),
    "Function call:": (OPENAI_READS, '{"city":"Tokyo"}\n'),
    "Tool calls:": (OPENAI_READS, "g {'n': 1}\n"),
    "Connection error:": (
        [OPENAI_READS[0], ConnectionResetError("gone")],
        "the transport raised ConnectionResetError: gone a\n",
    ),
    "Status:": (429, "429 slow down 3\n"),
    "Error in the stream:": ([OPENAI_READS[0], event(json.loads(REFUSED))], "rate slow down\n"),
    "Close in `finally`:": (OPENAI_READS, ""),
    "First ten chunks:": (OPENAI_READS, "10\n"),
    "Responses API:": (
        RESPONSE_READS,
        "response.output_item.added\nresponse.output_text.delta\nresponse.output_text.delta\n"
        "response.output_item.done\nresponse.completed\n",
    ),
    "The wire:": ([b"id: 1\nretry: 5\nevent: e\ndata: d\n\n"], "e d 1 5\n"),
    "... behind a chunk": (OPENAI_READS, "[DONE]\n"),
    "The end:": (OPENAI_READS, "done marker\n"),
}


def openai_response(reads: Any, *, asynchronous: bool) -> httpx.Response:
    headers = {"x-request-id": "req_1"}
    if isinstance(reads, int):
        headers["retry-after"] = "3"
        return httpx.Response(reads, headers=headers, content=REFUSED)
    content = AsyncReads(*reads) if asynchronous else Reads(*reads)
    return httpx.Response(200, headers=headers, content=content)


@pytest.mark.parametrize(("theirs", "ours"), ROWS, ids=[theirs for theirs, _ in ROWS])
def test_a_row_for_those_who_come_from_the_openai_sdk(theirs: str, ours: str):
    (row,) = (row for row in PRINTED if theirs.startswith(row))
    reads, expected = PRINTED[row]
    response = openai_response(reads, asynchronous=ours.startswith("async"))
    first = chat.stream(OPENAI_READS)
    stream = chat.stream(openai_response(OPENAI_READS, asynchronous=False))
    stream.until_done()
    given = {"chat": chat, "responses": responses, "ssekit": ssekit}
    given |= {"json": json, "itertools": itertools}
    given |= {"response": response, "stream": stream, "chunk": next(first)}
    if ours.startswith("except"):
        ours = f"try: chat.collect(response)\n{ours}"
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        run(ours, given, "http://localhost")
    assert printed.getvalue() == expected


def test_every_row_is_tested():
    assert len(ROWS) == len(PRINTED) > 15


def test_every_example_is_found():
    text = README.read_text(encoding="utf-8")
    assert len(EXAMPLES) == text.count("```python") > 5
    assert all(example["output"] for example in EXAMPLES)


def test_the_two_commands_stand_in_exactly_these_words():
    text = README.read_text(encoding="utf-8")
    assert "\npython -m pip install . && python -m ssekit demo\n" in text
    assert '\npython -m pip install -e ".[test]" && python -m pytest\n' in text
