"""The examples of the pages: what they are, what they are given, and how they run."""

import ast
import asyncio
import builtins
import inspect
import io
import itertools
import json
import re
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import FunctionType
from typing import Any, NamedTuple

from ssekit import ServerSentEvent
from tests.wire import DONE, block, event, typed

ROOT = Path(__file__).parent.parent
PAGES = {
    page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8")
    for page in (ROOT / name for name in ("README.md", "RECIPES.md", "ssekit/testing/README.md"))
}


class Example(NamedTuple):
    """A block of Python in a page."""

    page: str
    line: int
    given: dict[str, str]  # what it is called in the example, and what it is called here
    code: str
    output: str

    def __repr__(self) -> str:
        return f"{self.page}:{self.line}"


# A comment names what an example is given (`url=flaky_url` is the latter, called `url`); its output
# stands in the block that follows.
EXAMPLE = re.compile(
    r"(?:<!-- given: (?P<given>[\w, =]+) -->\n)?```python\n(?P<code>.*?)```\n"
    r"(?:```output\n(?P<output>.*?)```\n)?",
    re.DOTALL,
)


def examples(page: str) -> Iterator[Example]:
    """Yield the examples of a page."""
    text = PAGES[page]
    for match in EXAMPLE.finditer(text):
        named = re.findall(r"(\w+)(?:=(\w+))?", match["given"] or "")
        yield Example(
            page,
            line=text.count("\n", 0, match.start("code")) + 1,
            given={name: other or name for name, other in named},
            code=match["code"],
            output=match["output"] or "",
        )


EXAMPLES = [example for page in PAGES for example in examples(page)]


def table(heading: str, page: str = "README.md") -> list[list[str]]:
    """Return the rows of the table whose head has these words: its cells."""
    _, _, rest = PAGES[page].partition(f"| {heading} |")
    lines = itertools.takewhile(lambda line: line.startswith("|"), rest.splitlines()[2:])
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


class Program(NamedTuple):
    """A row of the table of clients, with what reads its response."""

    client: str
    format: str
    code: str

    def __repr__(self) -> str:
        return f"{self.client}, async" if "async for" in self.code else self.client


def programs() -> Iterator[Program]:
    """Yield the program of each client in the table."""
    for clients, cell in table("client | response"):
        (opens,) = code_of(cell)
        form = "messages" if "Anthropic" in clients else "chat"
        form = "responses" if ".responses." in opens else form
        texts = f"text for text in {form}.stream(response).text()"
        if re.search(r"async |await |reader", opens):
            texts = f"text async for text in {form}.astream(response).text()"
        reads = f'{" " * 4 * opens.endswith(":")}print("".join([{texts}]))'
        first, *others = re.split(" \\(|, as ", clients)[0].split(", ")
        for client in (first, *others):  # which open a response in the same words
            yield Program(client, form, f"{opens}\n{reads}\n".replace(first, client))


def code_of(cell: str) -> list[str]:
    """Return what stands in code in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def delta(**fields: Any) -> bytes:
    return event({"choices": [{"index": 0, "delta": fields}]})


def call(index: int, name: str) -> list[bytes]:
    first = {"index": index, "id": f"call_{index}", "type": "function"}
    return [
        delta(tool_calls=[{**first, "function": {"name": name, "arguments": ""}}]),
        delta(tool_calls=[{"index": index, "function": {"arguments": '{"city":'}}]),
        delta(tool_calls=[{"index": index, "function": {"arguments": '"Paris"}'}}]),
    ]


HEAD = {"id": "chatcmpl-1", "model": "gpt-5.2", "choices": []}
USAGE = {"prompt_tokens": 12, "completion_tokens": 34, "total_tokens": 46}
READS = [
    event(HEAD),
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


JSON_READS = [delta(content=piece) for piece in ('{"city": "Par', 'is", "days": [1, 1', "2]}")]
JSON_READS.append(event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))


TRANSCRIPT_READS = [
    typed("transcript.text.delta", delta="Good "),
    typed("transcript.text.delta", delta="morning."),
    typed("transcript.text.done", text="Good morning."),
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


TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": {}}}]
ANSWERED = "It is 21 degrees."


class Host(BaseHTTPRequestHandler):
    """Answers as a model's host does, with a chunk of its body for each event."""

    protocol_version = "HTTP/1.1"
    flaky = itertools.cycle([503, 4, None])  # a refusal; a cut after so many reads; and an answer

    def handle(self) -> None:
        with suppress(ConnectionError):  # of a client that has what it wants, and resets
            super().handle()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        assert body["stream"]
        if self.path == "/flaky":
            step = next(self.flaky)
            if step == 503:
                self.answer([b'{"error": {"message": "busy"}}'], step)
            else:
                self.answer(READS[:step], cut=step is not None)
        elif self.path == "/agent":
            self.answer(self.agent(body["messages"]))
        elif self.path == "/v1/messages":
            self.answer(MESSAGE_READS)
        elif self.path == "/v1/responses" and body.get("background"):
            self.answer(BACKGROUND_READS[:CUT], cut=True)
        else:
            self.answer(RESPONSE_READS if self.path == "/v1/responses" else READS)

    def agent(self, conversation: list[Any]) -> list[bytes]:
        """Call two tools, and answer when their outputs are there."""
        if len(conversation) == 1:
            return READS
        ids = [call["id"] for call in conversation[1]["tool_calls"]]
        assert ids == [message["tool_call_id"] for message in conversation[2:]]
        assert conversation[1]["reasoning"]
        return [delta(content=ANSWERED), JSON_READS[-1], DONE]

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

# The type of each name that is given, if it is no list of reads.
TYPES = {
    **dict.fromkeys(("url", "base_url"), "str"),
    "headers": "dict[str, str]",
    "body": "dict[str, object]",
    "tools": "list[dict[str, object]]",
    "files": "list[str]",
    "path": "pathlib.Path",
}


def known(url: str, folder: Path) -> dict[str, Any]:
    """Return what examples are given, by its name."""
    path, cut_path = folder / "recorded.sse", folder / "cut.sse"
    path.write_bytes(b"".join(READS))
    cut_path.write_bytes(b"".join(READS[:4]))
    return {
        "url": url + "/v1/chat/completions",
        "base_url": url + "/v1",
        "flaky_url": url + "/flaky",
        "agent_url": url + "/agent",
        "events_url": url + "/events",
        "responses_url": url + "/v1/responses",
        "headers": {"authorization": "Bearer none"},
        "body": BODY,
        "tools": TOOLS,
        "reads": READS,
        "source": READS,
        "json_reads": JSON_READS,
        "transcript_reads": TRANSCRIPT_READS,
        "cut_reads": READS[:4],
        "message_reads": MESSAGE_READS,
        "path": path,
        "files": [str(path), str(cut_path), str(folder / "missing.sse")],
    }


def run(code: str, given: dict[str, Any]) -> str:
    """Run an example, which may have `await` at its top, and return what it prints."""
    # (The name of no file: Hypothesis would look for the code of a test there.)
    compiled = compile(code, "<example>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    # A frame of the example finds the builtins in its globals, as that of a module does.
    given.setdefault("__builtins__", builtins)
    function = FunctionType(compiled, given)
    printed = io.StringIO()
    with redirect_stdout(printed):
        if compiled.co_flags & inspect.CO_COROUTINE:
            asyncio.run(function())
        else:
            function()
    return printed.getvalue()
