"""What type checkers accept as a source, and what they refuse. Checked by mypy; never run."""

import asyncio
import http.client
import io
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO, Protocol, TextIO

import aiohttp
import anyio.abc
import httpx
import httpx2
import requests
import trio
import urllib3

from ssekit import ServerSentEvent, aiter_events, areconnect, auto, chat, iter_events, reconnect


class RawResponse(Protocol):
    """A raw response of a vendor's SDK."""

    http_response: httpx.Response


def accepted(
    of_httpx: httpx.Response,
    of_httpx2: httpx2.Response,
    of_requests: requests.Response,
    of_urllib3: urllib3.HTTPResponse,
    of_a_pool: urllib3.BaseHTTPResponse,
    of_http_client: http.client.HTTPResponse,
    raw: RawResponse,
    file: BinaryIO,
    reads: Iterator[bytes | bytearray | memoryview],
    events: list[ServerSentEvent],
) -> None:
    chat.stream(of_httpx)
    chat.stream(of_httpx2)
    chat.stream(of_requests)
    chat.stream(of_urllib3)
    chat.stream(of_a_pool)
    chat.stream(of_http_client)
    chat.stream(raw)
    auto.collect(file)
    auto.collect(io.BytesIO())
    auto.collect(Path("file"))
    iter_events(reads)
    iter_events(events)
    iter_events([b"data: a\n\n"])


async def accepted_asynchronously(
    of_httpx: httpx.Response,
    of_httpx2: httpx2.Response,
    of_aiohttp: aiohttp.ClientResponse,
    content: aiohttp.StreamReader,
    reader: asyncio.StreamReader,
    of_anyio: anyio.abc.ByteReceiveStream,
    of_trio: trio.abc.ReceiveStream,
    raw: RawResponse,
    reads: AsyncIterator[bytes],
    events: AsyncIterator[ServerSentEvent],
) -> None:
    chat.astream(of_httpx)
    chat.astream(of_httpx2)
    chat.astream(of_aiohttp)
    chat.astream(content)
    chat.astream(reader)
    chat.astream(of_anyio)
    chat.astream(of_trio)
    chat.astream(raw)
    aiter_events(reads)
    aiter_events(events)
    await auto.acollect(Path("file"))
    await auto.acollect([b"data: a\n\n"])


def refused(
    client: httpx.Client,
    unentered: httpx.Client,
    session: requests.Session,
    file: TextIO,
    reader: asyncio.StreamReader,
    chunks: list[chat.ChatCompletionChunk],
) -> None:
    chat.stream("https://example.com")  # type: ignore[arg-type]
    chat.stream(b"data: a\n\n")  # type: ignore[arg-type]
    chat.stream(["data: a\n\n"])  # type: ignore[list-item]
    chat.stream(client)  # type: ignore[arg-type]
    chat.stream(session)  # type: ignore[arg-type]
    chat.stream(unentered.stream("POST", ""))  # type: ignore[arg-type]
    chat.stream(file)  # type: ignore[arg-type]
    chat.stream(reader)  # type: ignore[arg-type]
    chat.stream(chat.stream([]))  # type: ignore[arg-type]
    chat.collect(chunks)  # type: ignore[arg-type]
    iter_events(session)  # type: ignore[arg-type]


async def refused_asynchronously(
    client: httpx.AsyncClient, session: aiohttp.ClientSession, response: aiohttp.ClientResponse
) -> None:
    chat.astream(client)  # type: ignore[arg-type]
    chat.astream(session)  # type: ignore[arg-type]
    chat.astream(client.stream("POST", ""))  # type: ignore[arg-type]
    chat.astream(chat.astream([]))  # type: ignore[arg-type]
    await chat.acollect("https://example.com")  # type: ignore[arg-type]
    aiter_events(response.text())  # type: ignore[arg-type]


def connections(
    client: httpx2.Client, session: requests.Session, pool: urllib3.PoolManager
) -> None:
    reconnect(lambda headers: client.stream("GET", "", headers=headers), sleep=time.sleep)
    reconnect(lambda headers: session.get("", headers=headers, stream=True), sleep=time.sleep)
    reconnect(lambda headers: pool.request("GET", "", headers=headers), sleep=time.sleep)
    reconnect("https://example.com", sleep=time.sleep)  # type: ignore[arg-type]
    reconnect(lambda headers: client, sleep=time.sleep)  # type: ignore[arg-type, return-value]


async def async_connections(client: httpx.AsyncClient, session: aiohttp.ClientSession) -> None:
    async def connect(headers: dict[str, str]) -> aiohttp.ClientResponse:
        return await session.get("", headers=headers)

    areconnect(lambda headers: client.stream("GET", "", headers=headers), sleep=asyncio.sleep)
    areconnect(lambda headers: session.get("", headers=headers), sleep=asyncio.sleep)
    areconnect(connect, sleep=trio.sleep)
    areconnect(lambda headers: session, sleep=trio.sleep)  # type: ignore[arg-type, return-value]
