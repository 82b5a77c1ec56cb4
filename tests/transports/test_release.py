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
from tests.transports.clients import CLIENTS, Client
from tests.transports.scenarios import Scenario, Step
from tests.transports.server import PATIENCE, Server, Visit
from tests.wire import DONE, A, B

OPEN = Scenario((A, Step.STALL))

# Seconds that a read may take which only its timeout ends.
SHORT = 0.5


def clients(*, synchronous: bool, by_hand: bool = False) -> list[Any]:
    return [
        pytest.param(client, id=client.name)
        for client in CLIENTS
        if (client.run is None) is synchronous and (by_hand or not client.by_hand)
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
    """Whether the server sees the client leave; httpx tells it nothing of it over HTTP/2."""
    if client.http2 and client.module != "niquests":
        return bool(response.is_closed)
    return visit.left.wait(PATIENCE)


# Each releases a stream that is read for a while; the response itself is still held elsewhere.


def leave_with(response: Any) -> None:
    with chat.stream(response) as stream:
        next(stream)


def leave_with_before_the_first_read(response: Any) -> None:
    with chat.stream(response):
        pass


def fail_in_with(response: Any) -> None:
    with pytest.raises(ZeroDivisionError), chat.stream(response) as stream:
        next(stream)
        raise ZeroDivisionError


def close(response: Any) -> None:
    stream = chat.stream(response)
    next(stream)
    stream.close()


def break_and_drop(response: Any) -> None:
    for _ in chat.stream(response):
        break


def drop_text(response: Any) -> None:
    assert next(chat.stream(response).text()) == "a"


RELEASES = [
    leave_with,
    leave_with_before_the_first_read,
    fail_in_with,
    close,
    break_and_drop,
    drop_text,
]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("client", clients(synchronous=True))
def test_the_connection_goes(client: Client, release: Callable[[Any], None], server: Server):
    visit = server.visit(OPEN)
    client.require()
    with client.open(visit.url, PATIENCE) as response:
        release(response)
        assert is_closed(client, response, visit)
    gc.collect(1)


@pytest.mark.parametrize("release", RELEASES)
def test_a_response_of_http_client_is_closed(release: Callable[[Any], None], server: Server):
    client = next(client for client in CLIENTS if client.name == "http.client")
    with client.open(server.visit(OPEN).url, PATIENCE) as response:
        release(response)
        assert response.isclosed()


# The same, asynchronously.


async def leave_async_with(response: Any) -> None:
    async with chat.astream(response) as stream:
        await anext(stream)


async def leave_async_with_before_the_first_read(response: Any) -> None:
    async with chat.astream(response):
        pass


async def fail_in_async_with(response: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        async with chat.astream(response) as stream:
            await anext(stream)
            raise ZeroDivisionError


async def aclose(response: Any) -> None:
    stream = chat.astream(response)
    await anext(stream)
    await stream.aclose()


async def break_in_async_with(response: Any) -> None:
    async with chat.astream(response) as stream:
        async for _ in stream.text():
            break


async def cancel(response: Any) -> None:
    stream = chat.astream(response)
    assert await anext(stream.text()) == "a"
    async with beside(stream.until_done) as reading:
        reading.cancel()
    assert stream.state == "open"
    assert stream.snapshot().choices[0].message.content == "a"


ASYNC_RELEASES = [
    leave_async_with,
    leave_async_with_before_the_first_read,
    fail_in_async_with,
    aclose,
    break_in_async_with,
    cancel,
]


@pytest.mark.parametrize("release", ASYNC_RELEASES)
@pytest.mark.parametrize("client", clients(synchronous=False))
def test_the_connection_goes_asynchronously(
    client: Client, release: Callable[[Any], Any], server: Server
):
    client.require()
    visit = server.visit(OPEN)

    async def main() -> None:
        async with client.open_async(visit.url, PATIENCE) as response:
            await release(response)
            assert await in_thread(is_closed, client, response, visit)

    client.run(main)
    gc.collect(1)


# Another closes the stream while it is read. Closing wakes the reader, or what comes then does.

MORE = Scenario((A, Step.WAIT, B, Step.STALL))


@pytest.mark.parametrize("client", clients(synchronous=True, by_hand=True))
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


@pytest.mark.parametrize("client", clients(synchronous=False, by_hand=True))
def test_another_task_closes(client: Client, server: Server):
    client.require()
    visit = server.visit(MORE)

    async def main() -> None:
        timeout = PATIENCE if client.wakes else SHORT
        async with client.open_async(visit.url, timeout) as response:
            stream = chat.astream(response)
            assert await anext(stream.text()) == "a"

            async def read() -> None:
                with pytest.raises(StreamNotFinishedError) as raised:
                    await stream.until_done()
                assert raised.value.partial.choices[0].message.content == "a"

            async with beside(read):
                await stream.aclose()
                if client.by_hand or not client.wakes:
                    visit.go_on()
            assert (stream.state, stream.decoder.error) == ("open", None)

    client.run(main)
    gc.collect(1)


# What follows the end, drained, leaves the connection to the next stream.

FINISHED = Scenario((A, B, DONE))
IN_ORDER = {"chunked": FINISHED, "with its length": FINISHED._replace(framing="length")}
CLIENTS_THAT_POOL = [
    pytest.param(client, id=client.name)
    for client in CLIENTS
    if client.name not in ("h11", "asyncio streams", "trio")
]


@pytest.mark.parametrize("scenario", IN_ORDER.values(), ids=IN_ORDER)
@pytest.mark.parametrize("client", CLIENTS_THAT_POOL)
def test_twenty_streams_over_one_connection(client: Client, scenario: Scenario, server: Server):
    client.require()
    visits = [server.visit(scenario) for _ in range(20)]
    server.clients.clear()  # a port may be one that an earlier client had

    def read_all() -> None:
        with client.session(PATIENCE) as post:
            for visit in visits:
                with post(visit.url) as response:
                    assert "".join(chat.stream(response, drain=True).text()) == "ab"

    async def read_all_asynchronously() -> None:
        async with client.session(PATIENCE) as post:
            for visit in visits:
                async with post(visit.url) as response:
                    stream = chat.astream(response, drain=True)
                    assert "".join([text async for text in stream.text()]) == "ab"

    if client.run is None:
        read_all()
    else:
        client.run(read_all_asynchronously)
    assert len(server.clients) == 1
