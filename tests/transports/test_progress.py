"""A deadline for progress, where keepalives defeat the timeouts of clients: the recipes.

A client's timeout is for a read, and each keepalive is one. What is waited for is a delta.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
import trio

from ssekit import StreamTimeoutError, TextDelta, chat, messages
from ssekit.testing.transports import Clock, Pause, Reads
from tests.thorough import pick
from tests.transports.clients import CLIENTS, Client, run_asyncio
from tests.transports.scenarios import Scenario, Step
from tests.transports.server import PATIENCE, Server
from tests.wire import DONE, A, B, typed

STALLED = Scenario((A, B, Step.KEEP_ALIVE))
LIMIT = 0.3  # seconds without a delta


def clients(*names: str, runners: tuple[Any, ...]) -> list[Any]:
    """Return the clients of these names, or thoroughly all that have such runners."""
    every = [client for client in CLIENTS if client.run in runners]
    some = [client for client in every if client.name in names]
    return [pytest.param(client, id=client.name) for client in pick(quick=some, thorough=every)]


def sees_it_leave(client: Client) -> bool:
    """Whether a client's leaving shows at the server while its session is open."""
    return not client.http2 and not client.by_hand


@pytest.mark.parametrize("client", clients("httpx2", "urllib3", runners=(None,)))
def test_a_stall_behind_keepalives(client: Client, server: Server):
    """The comments are what looks at the clock: no thread, and no timer."""
    client.require()
    visit = server.visit(STALLED)
    progress = time.monotonic()
    deltas = []

    def check(comment: str) -> None:
        if time.monotonic() - progress > LIMIT:
            decoder.fail(TimeoutError(f"no delta for {LIMIT} s"))

    decoder = chat.decoder(on_comment=check)
    with client.open(visit.url, PATIENCE) as response:
        with pytest.raises(StreamTimeoutError, match=r"no delta for 0\.3 s") as raised:
            for delta in chat.stream(response, decoder=decoder).deltas():
                deltas.append(delta)
                progress = time.monotonic()
        assert not sees_it_leave(client) or visit.left.wait(PATIENCE)
    assert deltas == [TextDelta(0, "a"), TextDelta(0, "b")]
    assert raised.value.partial.choices[0].message.content == "ab"


@pytest.mark.parametrize(
    "client", clients("aiohttp", "httpx async, trio", runners=(run_asyncio, trio.run))
)
def test_a_stall_behind_keepalives_asynchronously(client: Client, server: Server):
    """The deadline moves with each delta; the loop of the client has a scope for it."""
    client.require()
    visit = server.visit(STALLED)

    async def by_asyncio(stream: Any) -> None:
        now = asyncio.get_running_loop().time
        async with asyncio.timeout(PATIENCE) as deadline:
            async for _ in stream.deltas():
                deadline.reschedule(now() + LIMIT)

    async def by_trio(stream: Any) -> None:
        with trio.fail_after(PATIENCE) as scope:
            async for _ in stream.deltas():
                scope.deadline = trio.current_time() + LIMIT

    async def main() -> None:
        async with client.opened(visit.url, PATIENCE) as response:
            stream = chat.astream(response)
            with pytest.raises((TimeoutError, trio.TooSlowError)):
                await (by_trio if client.run is trio.run else by_asyncio)(stream)
            assert (stream.state, stream.accumulator.text) == ("open", "ab")
            assert stream.snapshot().choices[0].message.content == "ab"

    assert client.run is not None
    client.run(main)
    assert client.http2 or visit.left.wait(PATIENCE)


def test_a_stream_that_goes_on_slowly_is_left_alone():
    clock = Clock()
    wait = [Pause(20), b": keepalive\n\n"]
    progress = 0.0

    def check(comment: str) -> None:
        if clock.now - progress > 30:
            decoder.fail(TimeoutError)

    decoder = chat.decoder(on_comment=check)
    source = Reads(A, *wait, B, *wait, DONE, clock=clock)
    for _ in chat.stream(source, decoder=decoder).deltas():
        progress = clock.now
    assert (decoder.state, clock.now) == ("done", 40)


def test_keepalives_that_are_events():
    """Such as those of Messages: they are chunks without a delta."""
    clock = Clock()
    wait = [Pause(20), typed("ping")]
    start = typed("message_start", message={"role": "assistant", "content": []})
    source = Reads(start, *wait * 9, clock=clock)
    stream = messages.stream(source)
    progress = 0.0
    with pytest.raises(StreamTimeoutError):
        for chunk in stream:
            if any(stream.accumulator.deltas(chunk)):
                progress = clock.now
            elif clock.now - progress > 30:
                stream.decoder.fail(TimeoutError("no delta for 30 s"))
    assert (clock.now, source.closed) == (40, 1)
