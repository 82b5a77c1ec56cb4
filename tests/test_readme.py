"""The pages are true: each of their examples runs, and prints what stands below it."""

import asyncio
import inspect
import io
import json
import re
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from http.server import ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from ssekit import AsyncStream, Stream, StreamDecoder, auto, chat
from ssekit._accumulator import FINISH_REASONS
from ssekit.chat import ChatCompletion
from ssekit.testing.transports import AsyncReads
from tests.readme import (
    BODY,
    EXAMPLES,
    HAIKU,
    PAGES,
    READS,
    Example,
    Host,
    Program,
    code_of,
    known,
    programs,
    run,
    table,
)
from tests.streams import ARGUMENTS, CALL, REASONING, STREAMS, TEXT, TOKENS


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Host) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _without_a_proxy(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.mark.parametrize("example", EXAMPLES, ids=repr)
def test_an_example_prints_what_stands_below_it(
    example: Example, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    if "openai" in example.code:
        pytest.importorskip("openai", reason="openai is in the dependency group corpus")
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    values = known(url, tmp_path)
    given = {name: values[other] for name, other in example.given.items()}
    printed = run(example.code, given | {"__name__": "__main__"})
    # A line of its own ends what an example may leave open.
    assert printed.rstrip("\n") == example.output.rstrip("\n")


# The tables.

RESULTS = {
    "chat": "It is sunny in Paris. ☀️",
    "responses": "".join(HAIKU),
    "messages": "Let me look.",
}
SDK_CLIENTS = {
    "OpenAI": ("openai", "/v1", {"input": ""}),
    "AsyncOpenAI": ("openai", "/v1", {"messages": []}),
    "Anthropic": ("anthropic", "", {"messages": [], "max_tokens": 1}),
    "AsyncAnthropic": ("anthropic", "", {"messages": [], "max_tokens": 1}),
}


def opened(url: str) -> str:
    """Return a program that makes a request by hand, and reads the head of its response."""
    address = urlsplit(url)
    body = json.dumps(BODY)
    sent = f"POST {address.path} HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    return (
        f"import asyncio\n"
        f"reader, writer = await asyncio.open_connection({address.hostname!r}, {address.port})\n"
        f"writer.write({sent!r})\n"
        rf"await reader.readuntil(b'\r\n\r\n')"
    )


@pytest.mark.parametrize("program", [*programs()], ids=repr)
def test_a_client_of_the_table(program: Program, url: str, tmp_path: Path):
    given = known(url, tmp_path) | {"request": {"model": "m"}, "data": json.dumps(BODY).encode()}
    given |= {name: import_module(f"ssekit.{name}") for name in RESULTS}
    before, after = "", ""
    if program.client in SDK_CLIENTS:
        module, path, arguments = SDK_CLIENTS[program.client]
        sdk = pytest.importorskip(module, reason=f"{module} is in the dependency group corpus")
        given["client"] = getattr(sdk, program.client)(api_key="none", base_url=url + path)
        given["request"] |= arguments
        after = "await client.close()" if program.client.startswith("Async") else "client.close()"
    elif program.client == "asyncio.StreamReader":
        before, after = opened(given["url"]), "writer.close()"
    else:
        reason = f"{program.client} is in the dependency group transports"
        given[program.client] = pytest.importorskip(program.client, reason=reason)
        before = "import urllib.request"
    assert run(f"{before}\n{program.code}\n{after}", given) == RESULTS[program.format] + "\n"


async def text_of(value: Any) -> str:
    """Return the text of what a way in gives."""
    if inspect.isawaitable(value):
        value = await value
    if isinstance(value, AsyncStream):
        return "".join([text async for text in value.text()])
    if isinstance(value, Stream):
        return "".join(value.text())
    if isinstance(value, StreamDecoder):
        for read in READS:
            value.feed(read)
        return value.accumulator.text
    if isinstance(value, AsyncIterator):
        value = await chat.acollect(value)
    elif not isinstance(value, ChatCompletion):
        value = chat.collect(value)
    return value.choices[0].message.content


WAYS_IN = [
    code
    for _, cell in table("you have | you write")
    for code in code_of(cell)
    if re.match(r"await|\w+\.|a?iter", code)
]


@pytest.mark.parametrize("code", WAYS_IN)
def test_a_way_in(code: str, url: str, tmp_path: Path):
    path = known(url, tmp_path)["path"]
    given = {"reads": READS, "file": io.BytesIO(b"".join(READS)), "name": str(path)}
    given |= {"response": httpx2.Response(200, content=iter(READS))}
    given |= {"async_response": httpx2.Response(200, content=AsyncReads(*READS))}
    given |= {"text_of": text_of}
    imports = "import pathlib\nfrom ssekit import aiter_events, auto, chat, iter_events\n"
    assert run(f"{imports}print(await text_of({code}))", given) == RESULTS["chat"] + "\n"


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
    [loop] = [example.code for example in EXAMPLES if "source" in example.given]
    lines = run(loop, {"source": STREAMS[name]}).splitlines()
    expected = [line for line in PRINTED if not line.startswith(WITHOUT.get(name, ("-",)))]
    assert set(expected) < set(lines)  # one vendor gives the tokens more than once
    assert lines[-1].startswith("finish: ")


@pytest.fixture
def relay() -> Callable[[Any], AsyncGenerator[bytes]]:
    [code] = [example.code for example in EXAMPLES if "def relay" in example.code]
    names: dict[str, Any] = {}
    exec(code.partition("\n\n\nasync with")[0], names)
    return names["relay"]


class Left(BaseException):
    """The reader of a gateway has left."""


ENDS_OF_A_GATEWAY = {
    "the upstream breaks off": (ConnectionResetError("gone"), "the transport raised Connection"),
    "its client raises": (httpx2.ReadError("gone"), "the transport raised ReadError: gone"),
    "it is cancelled": (asyncio.CancelledError(), "reading was cancelled"),
    "no exception": (Left(), "reading was cancelled"),
}


@pytest.mark.parametrize(("cause", "message"), ENDS_OF_A_GATEWAY.values(), ids=ENDS_OF_A_GATEWAY)
async def test_the_gateway_knows_why_the_upstream_ended(
    relay: Any, cause: BaseException, message: str, capsys: pytest.CaptureFixture[str]
):
    upstream = httpx2.Response(200, content=AsyncReads(*READS[:4], cause))
    passed = []
    with pytest.raises(type(cause)):
        async for data in relay(upstream):
            passed.append(data)
    assert passed == READS[:4]
    assert upstream.is_closed
    assert capsys.readouterr().out.startswith(f"failed {message}")


async def test_the_gateway_knows_that_its_client_has_left(
    relay: Any, capsys: pytest.CaptureFixture[str]
):
    upstream = httpx2.Response(200, content=AsyncReads(*READS))
    body = relay(upstream)
    assert await anext(body) == READS[0]
    await body.aclose()  # as a server does with what it no longer sends
    assert upstream.is_closed
    assert capsys.readouterr().out.startswith("failed reading was cancelled")


def test_every_example_is_found():
    for page, text in PAGES.items():
        found = [example for example in EXAMPLES if example.page == page]
        assert len(found) == text.count("```python") > 2


def test_the_readme_is_read_in_one_sitting():
    assert PAGES["README.md"].count("\n") <= 405


def test_the_two_commands_stand_in_exactly_these_words():
    text = PAGES["README.md"]
    assert "\npython -m pip install . && python -m ssekit demo\n" in text
    assert '\npython -m pip install -e ".[test]" && python -m pytest\n' in text


def test_the_table_of_finish_reasons_is_that_of_the_code():
    words = {
        word.replace("_", ""): reason.strip("`")
        for reason, cell in table(
            "`reason` | the vendors' words, in any case, with `_`, `-` or neither"
        )
        for word in code_of(cell.partition(";")[0])
    }
    assert words == FINISH_REASONS
