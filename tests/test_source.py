"""What the user holds: `_source.py`."""

import asyncio
import http.client
import inspect
import io
import socket
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from email.message import Message
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import aiohttp
import anyio
import anyio.abc
import httpx
import httpx2
import pytest
import requests
import trio
import trio.testing
import urllib3
from aiohttp.base_protocol import BaseProtocol
from aiohttp.client import _RequestContextManager

from ssekit import (
    ContentTypeError,
    SSEDecoder,
    StatusError,
    StreamInterruptedError,
    StreamTruncatedError,
    chat,
)
from ssekit._head import ResponseHead
from ssekit._source import open_async_source, open_source
from ssekit.testing.transports import AsyncReads, Reads
from tests.shells import Shell
from tests.wire import DONE, A, B

STREAM = A + B + DONE


class OnlyRead(io.RawIOBase):
    """A file object that has no `read1`."""

    def __init__(self) -> None:
        self.rest = STREAM

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        read, self.rest = self.rest[:10], self.rest[10:]
        buffer[: len(read)] = read
        return len(read)


class Bare:
    """Something to read from, and nothing else."""

    def __init__(self, stream: bytes) -> None:
        self.read = io.BytesIO(stream).read


def generator() -> Iterator[bytes]:
    yield A
    yield B + DONE


async def async_generator() -> AsyncIterator[bytes]:
    yield A
    yield B + DONE


# A response without a connection does not end the generators of httpx that read it. trio warns of
# one that the collector finds while it runs.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <async_generator object (AsyncIteratorByteStream|Response)"
    ":pytest.PytestUnraisableExceptionWarning"
)


def response(*body: Any, status: int = 200, kind: Any = Reads, **headers: str) -> httpx.Response:
    """A response as httpx gives it while its body streams."""
    return httpx.Response(status, headers=headers, content=kind(*body or [STREAM]))


class Iterable:
    """Something to iterate over, whose iterator is what is to be closed."""

    def __iter__(self) -> Iterator[bytes]:
        return generator()


def urllib3_response(*, preload_content: bool = False) -> urllib3.HTTPResponse:
    body = http_client_response()
    return urllib3.HTTPResponse(body, status=200, preload_content=preload_content)


def requests_response(raw: Any = None) -> requests.Response:
    """A response as requests gives it, to `stream=True`."""
    response = requests.Response()
    response.status_code = 200
    response.raw = raw or urllib3_response()
    return response


def read_before(response: Any) -> Any:
    assert response.content == STREAM
    return response


class Connection(io.BytesIO):
    """A socket, as `http.client` reads it."""

    def makefile(self, mode: str) -> io.BytesIO:
        return self


def http_client_response(body: bytes = STREAM, **headers: Any) -> http.client.HTTPResponse:
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    received = Connection(f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + body)
    response = http.client.HTTPResponse(received, method="POST")  # type: ignore[arg-type]
    response.begin()
    return response


def asyncio_reader() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=1)
    reader.feed_data(STREAM)
    reader.feed_eof()
    return reader


class AiohttpResponse:
    """What is relied on of one; its content is a real one."""

    request_info = None
    status = 200
    headers: Mapping[str, str] = MappingProxyType({})

    def __init__(self) -> None:
        protocol = BaseProtocol(asyncio.get_running_loop())
        self.content = aiohttp.StreamReader(protocol, 2**16)
        self.content.feed_data(STREAM)
        self.content.feed_eof()
        self.closed = 0

    async def read(self) -> bytes:
        raise AssertionError("the whole body is not waited for")

    def close(self) -> None:
        self.closed += 1


class AsyncNiquestsResponse:
    """What is relied on of one, and what it is taken over from the synchronous one."""

    status_code = 200
    headers: Mapping[str, str] = MappingProxyType({})
    closed = 0

    class raw:
        @staticmethod
        def stream(size: int, decode_content: bool) -> AsyncIterator[bytes]:
            assert decode_content
            return async_generator()

    async def iter_content(self, size: int) -> AsyncIterator[bytes]:
        raise AssertionError("it waits for more of what is compressed")

    def __iter__(self) -> Iterator[bytes]:
        raise AssertionError("it is asynchronous")

    def __aiter__(self) -> AsyncIterator[bytes]:
        raise AssertionError("it is iter_content")

    async def close(self) -> None:
        self.closed += 1


class AnyioStream(anyio.abc.ByteReceiveStream):
    def __init__(self) -> None:
        self.rest = [A, B + DONE]

    async def receive(self, max_bytes: int = 65536) -> bytes:
        if not self.rest:
            raise anyio.EndOfStream
        return self.rest.pop(0)

    async def aclose(self) -> None:
        self.rest = []


SOURCES = {
    "a list": lambda: [A, B, DONE],
    "an iterator": lambda: iter([A, B, DONE]),
    "a generator": generator,
    "events": lambda: SSEDecoder().feed(STREAM),
    "a file in memory": lambda: io.BytesIO(STREAM),
    "a buffered file": lambda: io.BufferedReader(OnlyRead()),
    "a raw file": OnlyRead,
    "a file object that is not to be closed": lambda: Bare(STREAM),
    "an iterable": Iterable,
    "a response of httpx": response,
    "a raw response of an SDK": lambda: SimpleNamespace(http_response=response()),
    "a response of requests": requests_response,
    "a response of requests, read before": lambda: read_before(requests_response()),
    "a response of requests, over a file": lambda: requests_response(io.BytesIO(STREAM)),
    "a response of requests that was made by hand": lambda: made_by_hand(),
    "a response of urllib3": urllib3_response,
    "a response of urllib3, read before": lambda: urllib3_response(preload_content=True),
    "a response of http.client": http_client_response,
    "a response of http.client with its length": lambda: http_client_response(
        content_length=len(STREAM)
    ),
}
ASYNC_SOURCES = {
    **{name: make for name, make in SOURCES.items() if "response" not in name},
    "an async iterator": lambda: AsyncReads(A, B, DONE),
    "an async generator": async_generator,
    "an async response of httpx": lambda: response(kind=AsyncReads),
    "a raw async response of an SDK": lambda: SimpleNamespace(
        http_response=response(kind=AsyncReads)
    ),
    "an asyncio.StreamReader": asyncio_reader,
    "a response of aiohttp": AiohttpResponse,
    "the content of a response of aiohttp": lambda: AiohttpResponse().content,
    "an async response of niquests": AsyncNiquestsResponse,
    "a byte stream of anyio": AnyioStream,
}
SYNCHRONOUS = {name: make for name, make in SOURCES.items() if "response" in name}
ASYNCHRONOUS = {name: make for name, make in ASYNC_SOURCES.items() if name not in SOURCES}


def made_by_hand() -> requests.Response:
    """As tests of those who use requests make one."""
    response = requests_response(object())
    response._content = STREAM
    response._content_consumed = True
    return response


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
def test_sources(make: Any):
    assert chat.collect(make()).choices[0].message.content == "ab"


@pytest.mark.parametrize("make", ASYNC_SOURCES.values(), ids=ASYNC_SOURCES)
async def test_async_sources(make: Any):
    assert (await chat.acollect(make())).choices[0].message.content == "ab"


@pytest.mark.parametrize("make", SYNCHRONOUS.values(), ids=SYNCHRONOUS)
def test_a_synchronous_response_would_stop_the_loop(make: Any):
    with pytest.raises(TypeError, match="is synchronous: use stream"):
        chat.astream(make())


@pytest.mark.parametrize("make", ASYNCHRONOUS.values(), ids=ASYNCHRONOUS)
async def test_an_asynchronous_source_is_for_the_asynchronous(make: Any):
    with pytest.raises(TypeError, match="is asynchronous: use astream"):
        chat.stream(make())


async def test_a_response_that_is_both(shell: Shell):
    """As tests of those who use httpx make one."""
    stream = shell.stream(httpx.Response(200, content=STREAM), drain=True)
    assert (await stream.until_done()).choices[0].message.content == "ab"


def test_sources_of_one_class_may_differ():
    """The attributes of each object count: those of many responses are not of the class."""

    class Either:
        def __init__(self, **attributes: Any) -> None:
            self.__dict__.update(attributes)

    for _ in range(2):
        assert chat.collect(Either(read=io.BytesIO(STREAM).read)).choices
        response = Either(iter_bytes=generator, stream=[], status_code=500, headers={})
        with pytest.raises(StatusError):
            chat.collect(response)
        with pytest.raises(TypeError, match="got Either"):
            chat.collect(Either())


def test_a_byte_stream_of_trio():
    async def main() -> None:
        sender, receiver = trio.testing.memory_stream_pair()
        await sender.send_all(STREAM)
        async with chat.astream(receiver) as stream:
            assert (await stream.until_done()).choices[0].message.content == "ab"
        with pytest.raises(trio.ClosedResourceError):
            await receiver.receive_some()

    trio.run(main)


async def test_a_path_is_a_recorded_stream(tmp_path: Path):
    path = tmp_path / "stream"
    path.write_bytes(STREAM)
    assert chat.collect(path) == await chat.acollect(path) == chat.collect([STREAM])
    with pytest.raises(TypeError, match=r"pass \[data\]"):
        chat.collect(str(path))


async def coroutine() -> None:
    """Something that was not awaited."""


def lines(response: Any) -> Any:
    return response.iter_lines()


@asynccontextmanager
async def unentered() -> AsyncIterator[bytes]:
    yield STREAM


# What is passed by mistake, and what the error says to do.
MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "text": (lambda: "data: x", r"pass \[data\]"),
    "a URL": (lambda: "https://example.com", "the response of a URL"),
    "bytes": (lambda: b"data: y", r"pass \[data\]"),
    "a bytearray": (bytearray, r"pass \[data\]"),
    "a memoryview": (lambda: memoryview(b""), r"pass \[data\]"),
    "a mapping": (dict, "got dict"),
    "headers": (httpx.Headers, "got Headers"),
    "a number": (lambda: 5, "got int"),
    "None": (lambda: None, "got NoneType"),
    "a socket": (socket.socket, r"http\.client or h11"),
    "a coroutine": (coroutine, "got a coroutine: await it"),
    "a client of httpx": (httpx.Client, "Client makes requests: pass the response"),
    "an async client of httpx": (httpx.AsyncClient, "AsyncClient makes requests"),
    "a client of httpx2": (httpx2.Client, "Client makes requests"),
    "a session of requests": (requests.Session, "Session makes requests"),
    "a pool of urllib3": (urllib3.PoolManager, "PoolManager makes requests"),
    "a session of aiohttp": (aiohttp.ClientSession, "ClientSession makes requests"),
    "a connection": (lambda: http.client.HTTPConnection("a"), "HTTPConnection makes requests"),
    "a stream of httpx": (lambda: httpx.stream("POST", ""), r"use with \.\.\. as response"),
    "a stream of httpx2": (lambda: httpx2.stream("POST", ""), r"use with \.\.\. as response"),
    "an async context manager": (unentered, r"use async with \.\.\. as response"),
    "a request of aiohttp": (
        lambda: _RequestContextManager(coroutine()),  # type: ignore[arg-type]
        r"use async with \.\.\. as response",
    ),
    "lines of httpx": (lambda: lines(response()), "pass the response itself"),
    "lines of requests": (lambda: lines(requests_response()), "pass the response itself"),
    "async lines": (lambda: response(kind=AsyncReads).aiter_lines(), "pass the response itself"),
    "an error that has one": (
        lambda: requests.HTTPError(response=requests_response()),
        r"pass its \.response",
    ),
}


@pytest.mark.parametrize(("make", "advice"), MISTAKES.values(), ids=MISTAKES)
@pytest.mark.parametrize("open_any", [open_source, open_async_source])
async def test_what_is_no_source(open_any: Any, make: Callable[[], Any], advice: str):
    source = make()
    with pytest.raises(TypeError, match=advice):
        open_any(source)
    close = getattr(source, "close", None) or getattr(source, "aclose", None)
    if close is not None and inspect.isawaitable(closing := close()):
        await closing


async def test_the_stream_of_an_sdk_is_not_its_response(shell: Shell):
    """It is an iterable, and its items alone show what it is."""
    with pytest.raises(TypeError, match=r"got dict .*pass its \.response"):
        await shell.stream(shell.reads({"choices": []})).until_done()


@pytest.mark.parametrize("item", ["data: x\n\n", 5, None])
async def test_a_source_gives_bytes_or_events(shell: Shell, item: Any):
    source = shell.reads(item)
    with pytest.raises(TypeError, match="expected bytes"):
        await shell.stream(source).until_done()
    assert source.closed == 1


async def test_what_goes_wrong_in_closing_is_dropped(shell: Shell):
    class BadlyClosed(Reads):
        def close(self) -> None:
            super().close()
            raise OSError("cannot close")

    source = shell.reads(STREAM)
    if shell.reads is Reads:
        source = BadlyClosed(STREAM)
    else:
        source.inner = BadlyClosed(STREAM)
    assert (await shell.stream(source).until_done()).choices[0].message.content == "ab"
    assert source.closed == 1


def test_a_real_response_of_the_standard_library(tmp_path: Path):
    """`urllib` gives a file object, whatever the scheme."""
    path = tmp_path / "stream"
    path.write_bytes(STREAM)
    with urllib.request.urlopen(path.as_uri()) as opened:
        assert chat.collect(opened).choices[0].message.content == "ab"


def test_bytes_of_an_incomplete_read_were_received():
    class Cut(Reads):
        def read(self, size: int) -> bytes:
            raise http.client.IncompleteRead(A + B[:9])

    stream = chat.stream(Cut())
    assert next(stream).choices[0].delta.content == "a"
    with pytest.raises(StreamInterruptedError) as raised:
        next(stream)
    assert isinstance(raised.value.__cause__, http.client.IncompleteRead)


async def test_bytes_of_an_incomplete_read_were_received_asynchronously():
    stream = chat.astream(AsyncReads(A, asyncio.IncompleteReadError(B + DONE, 100)))
    assert [text async for text in stream.text()] == ["a", "b"]
    assert stream.state == "done"


def test_a_length_that_is_not_met():
    stream = chat.stream(http_client_response(A + B, content_length=1000))
    with pytest.raises(StreamInterruptedError, match="bytes of the Content-Length did not come"):
        stream.until_done()
    assert stream.accumulator.text == "ab"


def test_the_beginning_of_a_compressed_block_is_not_the_end():
    """urllib3's successor gives nothing for it."""

    class Slow(urllib3.HTTPResponse):
        given = 0

        def read1(self, size: int | None = None, decode_content: bool | None = None) -> bytes:
            self.given += 1
            return super().read1(size, decode_content) if self.given > 1 else b""

    response = Slow(io.BytesIO(STREAM), status=200, preload_content=False)
    assert chat.collect(response).choices[0].message.content == "ab"


@pytest.mark.parametrize("make", [AiohttpResponse, AsyncNiquestsResponse])
async def test_an_async_response_is_closed_in_its_own_way(make: Any):
    response = make()
    await chat.acollect(response)
    assert response.closed == 1


# The head of a response.

NO_REASON = "the server gave no reason that can be read"
JSON = b'{"error": {"message": "slow down", "code": 5, "type": "rate"}}'

# The body, its status and type, and the error: its message or type of content, code, and body.
REFUSALS: dict[str, tuple[bytes, int, str, Any]] = {
    "an error object": (JSON, 429, "application/json", ("slow down", "5")),
    "a text": (b'{"error": "no"}', 400, "application/json", ("no", None)),
    "an object in a list": (b'[{"error": {"message": "no", "code": 5}}]', 400, "", ("no", "5")),
    "an object behind a BOM": (b"\xef\xbb\xbf" + JSON, 429, "", ("slow down", "5")),
    "an event": (b"event: error\ndata: " + JSON + b"\n\n", 502, "", ("slow down", "5")),
    "an event of text": (b"data: upstream reset\r\n\r\n", 502, "", ("upstream reset", None)),
    "an empty object": (b"{}", 400, "", ("the server reported an error", None)),
    "an object in two lines of data": (
        b'data: {"error":\ndata: {"message": "no", "code": 5}}\n\n',
        502,
        "",
        ("no", "5"),
    ),
    "a line of text": (b" upstream reset\n", 502, "text/plain", ("upstream reset", None)),
    "a page": (b"<html>\xff", 502, "text/html", (NO_REASON, None)),
    "a long text": (b"no " * 100, 502, "text/plain", (NO_REASON, None)),
    "nothing": (b"", 500, "text/event-stream", (NO_REASON, None)),
}


@pytest.mark.parametrize("enter", [False, True])
@pytest.mark.parametrize(("body", "status", "kind", "fields"), REFUSALS.values(), ids=REFUSALS)
async def test_a_status_of_400_or_more(
    shell: Shell, body: bytes, status: int, kind: str, fields: Any, enter: bool
):
    headers = {"content-type": kind, "Retry-After": "3"}
    source = response(body, status=status, kind=shell.reads, **headers)
    stream = shell.stream(source)
    with pytest.raises(StatusError, match=f"status {status}: {fields[0]}") as raised:
        if enter:
            async with stream:
                pytest.fail("the check comes on entering")
        else:
            await anext(aiter(stream))
    error = raised.value
    assert (error.status_code, error.message, error.code) == (status, *fields)
    assert error.retry_after == "3"
    assert (stream.state, stream.decoder.error) == ("failed", error)
    assert error.partial.choices == []
    assert source.is_closed


def test_an_error_that_urllib_raised_is_a_response():
    failure = urllib.error.HTTPError("", 429, "", Message(), io.BytesIO(JSON))
    failure.headers["Retry-After"] = "3"
    with failure, pytest.raises(StatusError, match="slow down") as raised:
        chat.collect(failure)
    assert raised.value.retry_after == "3"


class ByHand:
    """What is read by hand is a response too, if it has a status and headers."""

    def __init__(self, status: Any = 500) -> None:
        self.status = status
        self.headers = {"Content-Type": "text/plain"}

    def __iter__(self) -> Iterator[bytes]:
        return iter([STREAM])


async def test_whatever_has_a_status_and_headers_is_a_response():
    with pytest.raises(StatusError, match="status 500"):
        chat.collect(ByHand())
    with pytest.raises(StatusError, match="status 500"):
        await chat.acollect(ByHand())
    with pytest.raises(ContentTypeError, match="text/plain"):
        chat.collect(ByHand(200))
    assert chat.collect(ByHand(None)).choices[0].message.content == "ab"


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt(), RuntimeError()])
def test_what_interrupts_the_check_closes_the_response(interrupt: BaseException):
    source = response(interrupt, status=500)
    stream = chat.stream(source)
    with pytest.raises((KeyboardInterrupt, StatusError)), stream:
        pytest.fail("the check comes on entering")
    assert source.is_closed


async def test_a_check_that_is_cancelled_closes_the_response():
    reading = asyncio.Event()

    async def wait() -> bytes:
        reading.set()
        await asyncio.Event().wait()
        raise AssertionError

    source = response(wait, status=500, kind=AsyncReads)
    stream = chat.astream(source)
    task = asyncio.create_task(stream.__aenter__())
    await reading.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert source.is_closed
    assert stream.state == "open"


def test_a_body_of_another_type():
    """Servers do answer 200 with plain JSON."""
    with pytest.raises(ContentTypeError, match="'application/json'") as raised:
        chat.collect(response(JSON, **{"content-type": "application/json"}))
    assert raised.value.body == JSON.decode()


async def test_of_a_large_body_the_beginning_is_kept(shell: Shell):
    source = response(*[b"x" * 50_000] * 1000, status=500, kind=shell.reads)
    with pytest.raises(StatusError) as raised:
        await shell.stream(source).until_done()
    assert len(raised.value.body) == 64 * 1024


def test_a_body_that_breaks_off_does_not_hide_the_status():
    with pytest.raises(StatusError, match="status 500"):
        chat.collect(response(b"x", OSError(), status=500))


async def test_the_check_can_be_turned_off(shell: Shell):
    headers = {"content-type": "application/json"}
    source = response(status=500, kind=shell.reads, **headers)
    stream = shell.stream(source, check=False, drain=True)
    assert (await stream.until_done()).choices[0].message.content == "ab"


async def test_a_stream_reader_that_ends_early():
    reader = asyncio.StreamReader()
    reader.feed_data(A)
    reader.feed_eof()
    with pytest.raises(StreamTruncatedError):
        await chat.acollect(reader)


@pytest.mark.parametrize(
    ("content_type", "is_stream"),
    [
        ("text/event-stream", True),
        ("Text/Event-Stream; charset=utf-8", True),
        (" text/event-stream ;x", True),
        ("", True),
        ("text/html, text/event-stream", True),
        ("text/event-stream, text/html", False),
        ("text/event-stream, */*", True),
        ("text/event-stream, nonsense", True),
        ('text/html; a="x, text/event-stream"', False),
        ("event-stream", False),
        ("*/*", False),
    ],
)
def test_the_last_valid_content_type_counts(content_type: str, is_stream: bool):
    assert ResponseHead(200, {"content-type": content_type}).is_event_stream is is_stream


@pytest.mark.parametrize("status", [100, 199, 300, 304, 307, 400, 500])
def test_any_status_outside_of_2xx_is_an_error(status: int):
    head = ResponseHead(status, {"content-type": "text/event-stream"})
    assert not head.is_event_stream
    assert isinstance(head.error(b""), StatusError)
