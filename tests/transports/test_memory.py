"""What is endless holds memory under the bound, and meets its limit with an error of ours."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from typing import Any

import pytest

from ssekit import EventTooLargeError, chat
from tests.peak import peak
from tests.thorough import pick
from tests.transports.clients import CLIENTS, Client
from tests.transports.scenarios import GZIP, Scenario
from tests.transports.server import PATIENCE, Server
from tests.wire import DONE, A, B

LIMIT = 2**20  # bytes of an event
BOUND = 2 * LIMIT + 2**20  # "at most twice the limit plus 1 MiB"
READ = 2**16
READS = pick(quick=16, thorough=100) * 2**20 // READ
LINES = pick(quick=100_000, thorough=1_000_000)

COMMENTS = (b": " + b"x" * 1021 + b"\n") * (READ // 1024)
PART_OF_A_LINE = b"x" * READ


def text_of(source: Any) -> str:
    with chat.stream(source, decoder=chat.decoder(max_event_size=LIMIT)) as stream:
        return "".join(stream.text())


def between(reads: Iterator[bytes]) -> Iterator[bytes]:
    return chain([A], reads, [B, DONE])


HARMLESS: dict[str, Callable[[], Iterator[bytes]]] = {
    "comments": lambda: between(repeat(COMMENTS, READS)),
    "empty lines": lambda: between(repeat(b"\n" * LINES, 1)),
    "empty lines, read by read": lambda: between(repeat(b"\r\n" * 1_000, LINES // 1_000)),
}


@pytest.mark.parametrize("reads", HARMLESS.values(), ids=HARMLESS)
def test_what_has_no_meaning_is_not_kept(reads: Callable[[], Iterator[bytes]]):
    def work() -> None:
        assert text_of(reads()) == "ab"

    assert peak(work) < BOUND


# Over HTTP.

BOUNDED = {  # the clients that bound their blocks, and the bytes of those that they hold then
    "requests": 0,
    "urllib3": 0,
    "httpx2": 3 * 2**20,
    "httpx2 async": 3 * 2**20,
    "aiohttp": 2 * 2**20,
    "niquests": 0,
    "niquests async": 0,
}
READERS = [pytest.param(client, id=client.name) for client in CLIENTS if client.name in BOUNDED]


def bomb(*reads: bytes) -> Scenario:
    """Return few bytes, which become many: a hundred thousand are 100 MiB."""
    deflate = zlib.compressobj(wbits=31)
    data = b"".join([*map(deflate.compress, reads), deflate.flush()])
    assert len(data) < 2**19
    return Scenario((data,), headers=GZIP)


def read_over_http(client: Client, url: str) -> str:
    async def read() -> str:
        async with client.opened(url, PATIENCE) as response:
            decoder = chat.decoder(max_event_size=LIMIT)
            async with client.stream(response, decoder=decoder) as stream:
                return "".join([text async for text in stream.text()])

    return client.finish(read)


@pytest.mark.parametrize("client", READERS)
def test_a_bomb_meets_the_limit(client: Client, server: Server):
    client.require()
    visit = server.visit(bomb(A, b"data: ", *repeat(PART_OF_A_LINE, READS)))

    def work() -> None:
        with pytest.raises(EventTooLargeError) as raised:
            read_over_http(client, visit.url)
        assert raised.value.partial.choices[0].message.content == "a"

    assert peak(work) < BOUND + BOUNDED[client.name]


@pytest.mark.parametrize("framed", [lambda *reads: Scenario(reads), bomb], ids=["plain", "a bomb"])
def test_comments_over_http_are_not_kept(framed: Callable[..., Scenario], server: Server):
    client = next(client for client in CLIENTS if client.name == "requests")
    visit = server.visit(framed(A, *repeat(COMMENTS, READS), B, DONE))

    def work() -> None:
        assert read_over_http(client, visit.url) == "ab"

    assert peak(work) < BOUND
