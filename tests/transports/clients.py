"""The clients that people use, each opened as it is opened in a program that streams."""

from __future__ import annotations

import asyncio
import http.client
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
import trio

from ssekit import chat
from tests.shells import Awaited

BODY = {"stream": True}

# Opens what a program keeps, for reads that may take some seconds, and gives a function from a URL,
# and perhaps headers, to the context manager of a response.
Session = Callable[[float], AbstractContextManager[Any]]
AsyncSession = Callable[[float], AbstractAsyncContextManager[Any]]


class Client(NamedTuple):
    """A way to hold a response."""

    name: str
    module: str  # what must be installed
    session: Session | AsyncSession
    run: Callable[[Callable[[], Awaitable[Any]]], Any] | None = None  # None: it is synchronous
    http2: bool = False
    by_hand: bool = False  # the connection is the caller's, and so is the content encoding
    wakes: bool = True  # who reads a response that another closes; else its timeout does

    def require(self) -> None:
        """Skip the test where the client is not installed."""
        pytest.importorskip(self.module, reason=f"{self.module} is in the group transports")

    @contextmanager
    def open(self, url: str, timeout: float) -> Iterator[Any]:
        """Give the response to one request of a session of its own."""
        with self.session(timeout) as post, post(url) as response:
            yield response

    @asynccontextmanager
    async def entered(self, manager: Any) -> AsyncIterator[Any]:
        """Enter a session or a response, whether the client is asynchronous or not."""
        if self.run is None:
            with manager as value:
                yield value
        else:
            async with manager as value:
                yield value

    @asynccontextmanager
    async def opened(self, url: str, timeout: float) -> AsyncIterator[Any]:
        """Give the response to one request, in either case."""
        async with (
            self.entered(self.session(timeout)) as post,
            self.entered(post(url)) as response,
        ):
            yield response

    def stream(self, source: Any, **options: Any) -> Any:
        """Return a stream, which has the methods of an asynchronous one."""
        if self.run is None:
            return Awaited(chat.stream(source, **options))
        return chat.astream(source, **options)

    def finish(self, main: Callable[[], Awaitable[Any]]) -> Any:
        """Run a test in the loop of the client, or in any loop if it has none."""
        return (self.run or run_asyncio)(main)


# The clients that httpx began: the same words for both, and for HTTP/2 (here with prior knowledge).
# There is no TLS here, and to load the certificates would take most of the time.


def httpx(module: str, **options: Any) -> Session:
    @contextmanager
    def session(timeout: float) -> Iterator[Any]:
        with import_module(module).Client(timeout=timeout, verify=False, **options) as client:
            yield lambda url, headers=None: client.stream("POST", url, json=BODY, headers=headers)

    return session


def async_httpx(module: str, **options: Any) -> AsyncSession:
    @asynccontextmanager
    async def session(timeout: float) -> AsyncIterator[Any]:
        async with import_module(module).AsyncClient(
            timeout=timeout, verify=False, **options
        ) as client:
            yield lambda url, headers=None: client.stream("POST", url, json=BODY, headers=headers)

    return session


ONLY_2 = {"http1": False, "http2": True}


@contextmanager
def urllib3(timeout: float) -> Iterator[Any]:
    with import_module("urllib3").PoolManager() as pool:
        yield lambda url, headers=None: pool.request(
            "POST", url, json=BODY, headers=headers, timeout=timeout, preload_content=False
        )


def requests(module: str, **options: Any) -> Session:
    """Open requests, or niquests, which took over its words."""

    @contextmanager
    def session(timeout: float) -> Iterator[Any]:
        with import_module(module).Session(**options) as kept:
            yield lambda url, headers=None: kept.post(
                url, json=BODY, headers=headers, stream=True, timeout=timeout
            )

    return session


@asynccontextmanager
async def async_niquests(timeout: float) -> AsyncIterator[Any]:
    async with import_module("niquests").AsyncSession() as session:

        @asynccontextmanager
        async def post(url: str) -> AsyncIterator[Any]:
            response = await session.post(url, json=BODY, stream=True, timeout=timeout)
            async with response:
                yield response

        yield post


def as_text(headers: Any) -> Any:
    """Return headers as aiohttp takes them: as text, which it sends as UTF-8."""
    return {
        name: value if isinstance(value, str) else value.decode()
        for name, value in (headers or {}).items()
    }


@asynccontextmanager
async def aiohttp(timeout: float) -> AsyncIterator[Any]:
    module = import_module("aiohttp")
    limits = module.ClientTimeout(sock_read=timeout)
    async with module.ClientSession(timeout=limits) as session:
        yield lambda url, headers=None: session.post(url, json=BODY, headers=as_text(headers))


@contextmanager
def http_client(timeout: float) -> Iterator[Any]:
    connections: dict[str, http.client.HTTPConnection] = {}

    def post(url: str, headers: Any = None) -> Any:
        place = urlsplit(url)
        connection = http.client.HTTPConnection(place.netloc, timeout=timeout)
        connection = connections.setdefault(place.netloc, connection)
        connection.request("POST", place.path, b"{}", headers or {})
        return connection.getresponse()

    yield post
    for connection in connections.values():
        connection.close()


# What stands between a client that does not undo a content encoding and the stream.


def inflated(source: Any) -> Iterator[bytes]:
    reads = iter(partial(source.read1, 65536), b"") if hasattr(source, "read1") else source
    return map(zlib.decompressobj(31).decompress, reads)


def run_asyncio(main: Callable[[], Awaitable[Any]]) -> Any:
    with asyncio.Runner() as runner:
        return runner.run(main())


CLIENTS = [
    Client("httpx", "httpx", httpx("httpx")),
    Client("httpx, HTTP/2", "httpx", httpx("httpx", **ONLY_2), http2=True, wakes=False),
    Client("httpx async", "httpx", async_httpx("httpx"), run_asyncio),
    Client("httpx async, trio", "httpx", async_httpx("httpx"), trio.run),
    Client(
        "httpx async, HTTP/2",
        "httpx",
        async_httpx("httpx", **ONLY_2),
        run_asyncio,
        http2=True,
        wakes=False,
    ),
    Client("httpx2", "httpx2", httpx("httpx2")),
    Client("httpx2, HTTP/2", "httpx2", httpx("httpx2", **ONLY_2), http2=True, wakes=False),
    Client("httpx2 async", "httpx2", async_httpx("httpx2"), run_asyncio),
    Client("requests", "requests", requests("requests")),
    Client("urllib3", "urllib3", urllib3),
    Client("niquests", "niquests", requests("niquests")),
    Client("niquests, HTTP/2", "niquests", requests("niquests", disable_http1=True), http2=True),
    Client("niquests async", "niquests", async_niquests, run_asyncio, wakes=False),
    Client("aiohttp", "aiohttp", aiohttp, run_asyncio),
    Client("http.client", "http.client", http_client, by_hand=True),
]
