"""The Last-Event-ID that each client sends, byte by byte, as a server gets it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ssekit import areconnect, reconnect
from ssekit.testing.transports import Clock
from tests.shells import Awaited
from tests.transports.clients import CLIENTS, Client
from tests.transports.scenarios import Scenario
from tests.transports.server import PATIENCE, Server, Visit

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


def received(visit: Visit) -> bytes | None:
    found = re.search(rb"(?im)^last-event-id: *([^\r]*)\r$", visit.request)
    return found and found[1]


@pytest.mark.parametrize(("id_", "sent"), IDS.values(), ids=IDS)
@pytest.mark.parametrize(
    "client",
    [each for each in CLIENTS if each.module != "niquests" and not each.http2],
    ids=lambda client: client.name,
)
def test_the_id_that_a_server_gets(client: Client, id_: bytes, sent: bytes | None, server: Server):
    client.require()
    clock = Clock()
    event = Scenario((b"id: %b\ndata: a\n\n" % id_,), "close")
    visits = [server.visit(event), server.visit(Scenario((), "close", 204))]
    coming = iter(visits)

    async def main() -> list[str]:
        async with client.entered(client.session(PATIENCE)) as post:

            def connect(headers: dict[str, Any]) -> Any:
                return post(next(coming).url, headers)

            if client.run is None:
                events: Any = Awaited(reconnect(connect, sleep=clock.sleep))
            else:
                events = areconnect(connect, sleep=clock.asleep)
            return [event.data async for event in events]

    assert client.finish(main) == ["a"]
    assert [*map(received, visits)] == [None, sent]
