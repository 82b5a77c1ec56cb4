"""The README's examples: what they are, what they are given, and how they run."""

import ast
import asyncio
import builtins
import inspect
import io
import itertools
import json
import re
import socket
from contextlib import redirect_stdout, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import FunctionType
from typing import Any
from urllib.parse import urlsplit

import h11
import trio

from ssekit import ServerSentEvent
from tests.transports.clients import request
from tests.wire import DONE, block, event, typed

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


MESSAGE_READS = [
    typed("message_start", message={"id": "msg_1", "content": [], "usage": {"input_tokens": 12}}),
    *block(
        0,
        {"type": "text", "text": ""},
        {"type": "text_delta", "text": "Let me"},
        {"type": "text_delta", "text": " look."},
    ),
    *block(
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

    def handle(self) -> None:
        with suppress(ConnectionError):  # of a client that has what it wants, and resets
            super().handle()

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


BODY = {"model": "m", "messages": [], "stream": True}


def known(url: str, folder: Path) -> dict[str, Any]:
    """Return what examples are given, by its name."""
    path, cut_path = folder / "recorded.sse", folder / "cut.sse"
    path.write_bytes(b"".join(READS))
    cut_path.write_bytes(b"".join(READS[:3]))
    chat_url = url + "/v1/chat/completions"
    place = urlsplit(chat_url)
    body = json.dumps(BODY).encode()
    head = f"POST {place.path} HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n"
    return {
        "url": chat_url,
        "flaky_url": url + "/flaky",
        "events_url": url + "/events",
        "responses_url": url + "/v1/responses",
        "host": place.netloc,
        "path_of_url": place.path,
        "headers": {"authorization": "Bearer none"},
        "body": BODY,
        "request": head.encode() + body,
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
    connection = h11.Connection(h11.CLIENT)
    return connection, request(connection, url, json.dumps(BODY).encode())


def run(code: str, given: dict[str, Any], url: str = "") -> str:
    """Run an example, which may have `async` at its top, and return what it prints."""
    # (The name of no file: Hypothesis would look for the code of a test there.)
    compiled = compile(code, "<README>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    # A frame of the example finds the builtins in its globals, as that of a module does.
    given.setdefault("__builtins__", builtins)
    function = FunctionType(compiled, given)
    address = urlsplit(url).hostname, urlsplit(url).port

    async def in_asyncio() -> None:
        if "reader" in given:
            given["reader"], given["writer"] = await asyncio.open_connection(*address)
        await function()

    async def in_trio() -> None:
        given["connection"], sent = h11_request(url)
        async with await trio.open_tcp_stream(*address) as given["trio_stream"]:
            await given["trio_stream"].send_all(sent)
            await function()

    printed = io.StringIO()
    with redirect_stdout(printed):
        if compiled.co_flags & inspect.CO_COROUTINE:
            trio.run(in_trio) if "trio_stream" in given else asyncio.run(in_asyncio())
        elif "sock" in given:
            given["connection"], sent = h11_request(url)
            with socket.create_connection(address) as given["sock"]:
                given["sock"].sendall(sent)
                function()
        else:
            function()
    return printed.getvalue()
