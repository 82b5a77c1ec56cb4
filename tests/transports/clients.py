"""The clients that people use, each opened as it is opened in a program that streams."""

from __future__ import annotations

import asyncio
import http.client
import socket
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    aclosing,
    asynccontextmanager,
    closing,
    contextmanager,
)
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import h11
import pytest
import trio

BODY = {"stream": True}

Open = Callable[[str, float], AbstractContextManager[Any]]
AsyncOpen = Callable[[str, float], AbstractAsyncContextManager[Any]]


class Client(NamedTuple):
    """A way to hold a response; `open` takes the URL and the seconds that a read may take."""

    name: str
    module: str  # what must be installed
    open: Open | AsyncOpen
    run: Callable[[Callable[[], Awaitable[Any]]], Any] | None = None  # None: it is synchronous
    http2: bool = False
    decodes: bool = True  # a content encoding

    def require(self) -> None:
        """Skip the test where the client is not installed."""
        pytest.importorskip(self.module, reason=f"{self.module} is in the group transports")


# The clients that httpx began: the same words for both, and for HTTP/2 (here with prior knowledge).


def open_httpx(module: str, **options: Any) -> Open:
    @contextmanager
    def opened(url: str, timeout: float) -> Iterator[Any]:
        with (
            import_module(module).Client(timeout=timeout, **options) as client,
            client.stream("POST", url, json=BODY) as response,
        ):
            yield response

    return opened


def open_async_httpx(module: str, **options: Any) -> AsyncOpen:
    @asynccontextmanager
    async def opened(url: str, timeout: float) -> AsyncIterator[Any]:
        async with (
            import_module(module).AsyncClient(timeout=timeout, **options) as client,
            client.stream("POST", url, json=BODY) as response,
        ):
            yield response

    return opened


ONLY_2 = {"http1": False, "http2": True}


@contextmanager
def open_requests(url: str, timeout: float) -> Iterator[Any]:
    with import_module("requests").post(url, json=BODY, stream=True, timeout=timeout) as response:
        yield response


@contextmanager
def open_urllib3(url: str, timeout: float) -> Iterator[Any]:
    with import_module("urllib3").PoolManager() as pool:
        yield pool.request("POST", url, json=BODY, timeout=timeout, preload_content=False)


def open_niquests(**options: Any) -> Open:
    @contextmanager
    def opened(url: str, timeout: float) -> Iterator[Any]:
        with (
            import_module("niquests").Session(**options) as session,
            session.post(url, json=BODY, stream=True, timeout=timeout) as response,
        ):
            yield response

    return opened


@asynccontextmanager
async def open_async_niquests(url: str, timeout: float) -> AsyncIterator[Any]:
    async with import_module("niquests").AsyncSession() as session:
        response = await session.post(url, json=BODY, stream=True, timeout=timeout)
        async with response:
            yield response


@asynccontextmanager
async def open_aiohttp(url: str, timeout: float) -> AsyncIterator[Any]:
    aiohttp = import_module("aiohttp")
    limits = aiohttp.ClientTimeout(sock_read=timeout)
    async with (
        aiohttp.ClientSession(timeout=limits) as session,
        session.post(url, json=BODY) as response,
    ):
        yield response


@contextmanager
def open_http_client(url: str, timeout: float) -> Iterator[Any]:
    place = urlsplit(url)
    with closing(http.client.HTTPConnection(place.netloc, timeout=timeout)) as connection:
        connection.request("POST", place.path, b"{}")
        with connection.getresponse() as response:
            yield response


# HTTP by hand: h11 says what the bytes of a connection mean.


class Head:
    """With a status and headers, what is read by hand is checked as any other response."""

    def __init__(self, head: h11.Response, reads: Any) -> None:
        self.status = head.status_code
        self.headers = {name.decode(): value.decode() for name, value in head.headers}
        self.reads = reads


class ByHand(Head):
    def __iter__(self) -> Iterator[bytes]:
        return self.reads


class AsyncByHand(Head):
    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.reads


def body(connection: h11.Connection, receive: Callable[[], bytes]) -> Iterator[Any]:
    """Yield the head, and then the bytes of the body."""
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        if event is h11.NEED_DATA:
            connection.receive_data(receive())
        else:
            yield bytes(event.data) if isinstance(event, h11.Data) else event


async def async_body(
    connection: h11.Connection, receive: Callable[[], Awaitable[bytes]]
) -> AsyncIterator[Any]:
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        if event is h11.NEED_DATA:
            connection.receive_data(await receive())
        else:
            yield bytes(event.data) if isinstance(event, h11.Data) else event


def request(connection: h11.Connection, url: str) -> bytes:
    place = urlsplit(url)
    headers = [("host", place.netloc), ("content-length", "2")]
    head = h11.Request(method="POST", target=place.path, headers=headers)
    return b"".join(map(connection.send, (head, h11.Data(data=b"{}"), h11.EndOfMessage())))


@contextmanager
def open_h11(url: str, timeout: float) -> Iterator[Any]:
    place = urlsplit(url)
    connection = h11.Connection(h11.CLIENT)
    with socket.create_connection((place.hostname, place.port), timeout=timeout) as opened:
        opened.sendall(request(connection, url))
        reads = body(connection, lambda: opened.recv(65536))
        yield ByHand(next(reads), reads)


@asynccontextmanager
async def open_asyncio(url: str, timeout: float) -> AsyncIterator[Any]:
    place = urlsplit(url)
    connection = h11.Connection(h11.CLIENT)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)

    async def receive() -> bytes:
        async with asyncio.timeout(timeout):
            return await reader.read(65536)

    try:
        writer.write(request(connection, url))
        reads = async_body(connection, receive)
        yield AsyncByHand(await anext(reads), reads)
    finally:
        writer.close()


@asynccontextmanager
async def open_trio(url: str, timeout: float) -> AsyncIterator[Any]:
    place = urlsplit(url)
    connection = h11.Connection(h11.CLIENT)
    async with await trio.open_tcp_stream(place.hostname, place.port) as stream:

        async def receive() -> bytes:
            with trio.fail_after(timeout):
                return await stream.receive_some()

        await stream.send_all(request(connection, url))
        reads = async_body(connection, receive)
        yield AsyncByHand(await anext(reads), reads)


# What stands between a client that does not undo a content encoding and the stream.


def inflated(source: Any) -> Iterator[bytes]:
    reads = iter(partial(source.read1, 65536), b"") if hasattr(source, "read1") else source
    return map(zlib.decompressobj(31).decompress, reads)


async def async_inflated(source: Any) -> AsyncIterator[bytes]:
    inflate = zlib.decompressobj(31)
    async with aclosing(aiter(source)) as reads:
        async for data in reads:
            yield inflate.decompress(data)


def run_asyncio(main: Callable[[], Awaitable[Any]]) -> Any:
    with asyncio.Runner() as runner:
        return runner.run(main())


CLIENTS = [
    Client("httpx", "httpx", open_httpx("httpx")),
    Client("httpx, HTTP/2", "httpx", open_httpx("httpx", **ONLY_2), http2=True),
    Client("httpx async", "httpx", open_async_httpx("httpx"), run_asyncio),
    Client("httpx async, trio", "httpx", open_async_httpx("httpx"), trio.run),
    Client(
        "httpx async, HTTP/2", "httpx", open_async_httpx("httpx", **ONLY_2), run_asyncio, http2=True
    ),
    Client("httpx2", "httpx2", open_httpx("httpx2")),
    Client("httpx2, HTTP/2", "httpx2", open_httpx("httpx2", **ONLY_2), http2=True),
    Client("httpx2 async", "httpx2", open_async_httpx("httpx2"), run_asyncio),
    Client("requests", "requests", open_requests),
    Client("urllib3", "urllib3", open_urllib3),
    Client("niquests", "niquests", open_niquests()),
    Client("niquests, HTTP/2", "niquests", open_niquests(disable_http1=True), http2=True),
    Client("niquests async", "niquests", open_async_niquests, run_asyncio),
    Client("aiohttp", "aiohttp", open_aiohttp, run_asyncio),
    Client("http.client", "http.client", open_http_client, decodes=False),
    Client("h11", "h11", open_h11, decodes=False),
    Client("asyncio streams", "asyncio", open_asyncio, run_asyncio, decodes=False),
    Client("trio", "trio", open_trio, trio.run, decodes=False),
]
