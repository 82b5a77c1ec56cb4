"""The Last-Event-ID that each client sends, byte by byte, as a server gets it."""

from __future__ import annotations

import asyncio
import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest
import requests
import urllib3

from ssekit import areconnect, reconnect

# The id line of an event, and the header of the next request.
IDS: dict[str, tuple[bytes, bytes | None]] = {
    "ASCII": (b"7", b"7"),
    "a Latin letter": ("é".encode(), "é".encode()),
    "another script": ("日本".encode(), "日本".encode()),
    "an invalid byte": (b"\xff", "\ufffd".encode()),
    "blanks around it": (b" \t7 8\t ", b"7 8"),
    "a control character": (b"7\x0b8", None),
    "8 KiB": (b"7" * 8192, b"7" * 8192),
    "100 KB": (b"7" * 100_000, None),
}


class Site(ThreadingHTTPServer):
    """Sends one event with an ID to who has none, and then no content."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/"
        self.id = b""
        self.received: list[bytes | None] = []


class Handler(BaseHTTPRequestHandler):
    server: Site
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        value = self.headers.get("Last-Event-ID")
        received = self.server.received
        received.append(None if value is None else value.encode("latin-1"))
        body = b"id: %b\ndata: a\n\n" % self.server.id
        self.send_response(200 if len(received) == 1 else 204)
        if len(received) == 1:
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if len(received) == 1:
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Write no log."""


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield site
        site.shutdown()
        thread.join()


Connect = Callable[[dict[str, Any]], Any]


def by_httpx(url: str, stack: ExitStack, module: Any = httpx) -> Connect:
    client = stack.enter_context(module.Client(verify=False))
    return lambda headers: client.stream("GET", url, headers=headers)


def by_httpx2(url: str, stack: ExitStack) -> Connect:
    return by_httpx(url, stack, httpx2)


def by_requests(url: str, stack: ExitStack) -> Connect:
    session = stack.enter_context(requests.Session())
    return lambda headers: session.get(url, headers=headers, stream=True)


def by_urllib3(url: str, stack: ExitStack) -> Connect:
    pool = stack.enter_context(urllib3.PoolManager())
    return lambda headers: pool.request("GET", url, headers=headers, preload_content=False)


def by_http_client(url: str, stack: ExitStack) -> Connect:
    def connect(headers: dict[str, Any]) -> Any:
        connection = http.client.HTTPConnection(httpx.URL(url).netloc.decode())
        stack.enter_context(closing(connection))
        connection.request("GET", "/", headers=headers)
        return connection.getresponse()

    return connect


@pytest.mark.parametrize(("id_", "sent"), IDS.values(), ids=IDS)
@pytest.mark.parametrize("client", [by_httpx, by_httpx2, by_requests, by_urllib3, by_http_client])
def test_the_id_that_a_server_gets(client: Any, id_: bytes, sent: bytes | None, site: Site):
    site.id = id_
    with ExitStack() as stack:
        events = reconnect(client(site.url, stack), sleep=lambda seconds: None)
        assert [event.data for event in events] == ["a"]
    assert site.received == [None, sent]


@asynccontextmanager
async def async_httpx(url: str) -> Any:
    async with httpx.AsyncClient(verify=False) as client:
        yield lambda headers: client.stream("GET", url, headers=headers)


@asynccontextmanager
async def async_aiohttp(url: str) -> Any:
    """It takes text alone, and sends it as UTF-8."""

    def text(value: str | bytes) -> str:
        return value if isinstance(value, str) else value.decode()

    async with aiohttp.ClientSession() as session:
        yield lambda headers: session.get(
            url, headers={name: text(value) for name, value in headers.items()}
        )


@pytest.mark.parametrize(("id_", "sent"), IDS.values(), ids=IDS)
@pytest.mark.parametrize("client", [async_httpx, async_aiohttp])
def test_the_id_that_a_server_gets_asynchronously(
    client: Any, id_: bytes, sent: bytes | None, site: Site
):
    async def main() -> list[str]:
        async with client(site.url) as connect:
            events = areconnect(connect, sleep=lambda seconds: asyncio.sleep(0))
            return [event.data async for event in events]

    site.id = id_
    assert asyncio.run(main()) == ["a"]
    assert site.received == [None, sent]
