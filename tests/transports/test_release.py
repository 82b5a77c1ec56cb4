"""However a stream is left, its connection goes: what the server sees, and that nothing warns."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing

from ssekit import StreamNotFinishedError, chat
from tests.shells import RELEASES
from tests.transports.clients import CLIENTS, Client
from tests.transports.scenarios import Scenario, Step
from tests.transports.server import PATIENCE, Server, Visit
from tests.wire import DONE, A, B

OPEN = Scenario((A, Step.STALL))

# Seconds that a read may take which only its timeout ends.
SHORT = 0.5


def clients(*, synchronous: bool) -> list[Any]:
    return [
        pytest.param(client, id=client.name)
        for client in CLIENTS
        if (client.run is None) is synchronous
    ]


def in_trio() -> bool:
    try:
        trio.lowlevel.current_task()
    except RuntimeError:
        return False
    return True


async def in_thread(call: Callable[..., Any], *args: Any) -> Any:
    """Wait for something in a thread, in whichever loop this is."""
    if in_trio():
        return await trio.to_thread.run_sync(call, *args)
    return await asyncio.to_thread(call, *args)


@asynccontextmanager
async def beside(task: Callable[[], Any]) -> AsyncIterator[Any]:
    """Run a task beside the body, which can `cancel()` it, in whichever loop this is."""
    if in_trio():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(task)
            await trio.testing.wait_all_tasks_blocked()
            yield nursery.cancel_scope
    else:
        running = asyncio.create_task(task())
        await asyncio.sleep(0)  # it starts
        yield running
        try:
            await running
        except asyncio.CancelledError:
            assert running.cancelled()


def is_closed(client: Client, response: Any, visit: Visit) -> bool:
    """Whether the server sees the client leave; httpx does not report it over HTTP/2."""
    if client.http2 and client.module != "niquests":
        return bool(response.is_closed)
    return visit.left.wait(PATIENCE)


async def break_and_drop(stream: Any) -> None:
    async for _ in stream:
        break


async def drop_text(stream: Any) -> None:
    assert await anext(stream.text()) == "a"


async def cancel(stream: Any) -> None:
    assert await anext(stream.text()) == "a"
    async with beside(stream.until_done) as reading:
        reading.cancel()
    assert stream.state == "open"
    assert stream.snapshot().choices[0].message.content == "a"


SYNC_RELEASES = [*RELEASES, break_and_drop, drop_text]
EACH_RELEASE = [
    pytest.param(client, release, id=f"{client.name} | {release.__name__}")
    for client in CLIENTS
    for release in ([*RELEASES, cancel] if client.run else SYNC_RELEASES)
    if not client.by_hand
]


@pytest.mark.parametrize(("client", "release"), EACH_RELEASE)
def test_the_connection_goes(client: Client, release: Callable[[Any], Any], server: Server):
    """The response itself is still held elsewhere."""
    client.require()
    visit = server.visit(OPEN)

    async def main() -> None:
        async with client.opened(visit.url, PATIENCE) as response:
            await release(client.stream(response))
            assert await in_thread(is_closed, client, response, visit)

    client.finish(main)
    gc.collect(1)


@pytest.mark.parametrize("release", SYNC_RELEASES)
async def test_a_response_of_http_client_is_closed(release: Callable[[Any], Any], server: Server):
    client = next(client for client in CLIENTS if client.name == "http.client")
    with client.open(server.visit(OPEN).url, PATIENCE) as response:
        await release(client.stream(response))
        assert response.isclosed()


# Another closes the stream while it is read. Closing wakes the reader, or what comes then does.

MORE = Scenario((A, Step.WAIT, B, Step.STALL))


@pytest.mark.parametrize("client", clients(synchronous=True))
def test_another_thread_closes(client: Client, server: Server):
    visit = server.visit(MORE)
    raised: list[BaseException] = []

    def read(stream: Any) -> None:
        try:
            stream.until_done()
        except BaseException as error:
            raised.append(error)

    client.require()
    with client.open(visit.url, PATIENCE if client.wakes else SHORT) as response:
        stream = chat.stream(response)
        assert next(stream.text()) == "a"
        reader = threading.Thread(target=read, args=(stream,))
        closer = threading.Thread(target=stream.close)
        reader.start()
        closer.start()
        while not stream._source.closed:
            time.sleep(0)
        visit.go_on()
        closer.join(PATIENCE)
        reader.join(PATIENCE)
    assert [type(error) for error in raised] == [StreamNotFinishedError]
    assert raised[0].partial.choices[0].message.content == "a"
    assert (stream.state, stream.decoder.error) == ("open", None)


@pytest.mark.parametrize("name", ["requests", "urllib3"])
def test_closing_wakes_the_reader(name: str, server: Server):
    """A close of urllib3 alone would wait until the other thread's read has returned."""
    client = next(client for client in CLIENTS if client.name == name)
    if hasattr(pytest.importorskip("urllib3"), "AsyncPoolManager"):
        pytest.skip("niquests has put its fork in the place of urllib3, which cannot do that")
    with client.open(server.visit(OPEN).url, PATIENCE) as response:
        stream = chat.stream(response)
        next(stream)
        closer = threading.Thread(target=stream.close)
        closer.start()
        with pytest.raises(StreamNotFinishedError):
            next(stream)
        closer.join()


@pytest.mark.parametrize("client", clients(synchronous=False))
def test_another_task_closes(client: Client, server: Server):
    client.require()
    visit = server.visit(MORE)

    async def main() -> None:
        timeout = PATIENCE if client.wakes else SHORT
        async with client.opened(visit.url, timeout) as response:
            stream = chat.astream(response)
            assert await anext(stream.text()) == "a"

            async def read() -> None:
                with pytest.raises(StreamNotFinishedError) as raised:
                    await stream.until_done()
                assert raised.value.partial.choices[0].message.content == "a"

            async with beside(read):
                await stream.aclose()
                if not client.wakes:
                    visit.go_on()
            assert (stream.state, stream.decoder.error) == ("open", None)

    client.run(main)
    gc.collect(1)


# What follows the end, drained, leaves the connection to the next stream.

FINISHED = Scenario((A, B, DONE))
IN_ORDER = {"chunked": FINISHED, "with its length": FINISHED._replace(framing="length")}


@pytest.mark.parametrize("scenario", IN_ORDER.values(), ids=IN_ORDER)
@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_twenty_streams_over_one_connection(client: Client, scenario: Scenario, server: Server):
    client.require()
    visits = [server.visit(scenario) for _ in range(20)]
    server.clients.clear()  # a port may be one that an earlier client had

    async def main() -> None:
        async with client.entered(client.session(PATIENCE)) as post:
            for visit in visits:
                async with client.entered(post(visit.url)) as response:
                    stream = client.stream(response, drain=True)
                    assert "".join([text async for text in stream.text()]) == "ab"

    client.finish(main)
    assert len(server.clients) == 1
