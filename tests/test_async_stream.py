"""What only the asynchronous shells of `_stream.py` do, under asyncio and trio."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
import trio
import trio.testing

from ssekit import StreamNotFinishedError, aiter_events, chat
from ssekit.testing.transports import AsyncReads
from tests.wire import DONE, A, B, C

under_any_loop = pytest.mark.usefixtures("any_loop")


async def forever() -> bytes:
    """A read that never comes back, in whichever loop this is."""
    try:
        await trio.sleep_forever()
    except RuntimeError:
        await asyncio.Event().wait()
    raise AssertionError


@under_any_loop
@pytest.mark.parametrize("look", ["text", "deltas", "__aiter__"])
async def test_dropping_one_midway_warns_nowhere(look: str):
    """Warnings are errors here: an async generator that is left midway would make one."""
    async for _ in getattr(chat.astream(AsyncReads(A + B, C)), look)():
        break
    gc.collect()


async def read_until_cancelled(stream: Any, source: AsyncReads, taken: int) -> None:
    """Cancel a task that reads a stream when it waits for a read."""
    task = asyncio.create_task(stream.until_done())
    while source.taken < taken:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancellation_closes_the_source_under_asyncio():
    source = AsyncReads(A, forever)
    stream = chat.astream(source)
    await read_until_cancelled(stream, source, 2)
    assert (stream.state, source.closed) == ("open", 1)
    with pytest.raises(StreamNotFinishedError, match="closed before its end") as raised:
        stream.result()
    assert raised.value.partial.choices[0].message.content == "a"


def test_cancellation_closes_the_source_under_trio():
    async def main() -> None:
        source = AsyncReads(A, forever)
        stream = chat.astream(source)
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(stream.until_done)
                await trio.testing.wait_all_tasks_blocked()
                scope.cancel()
        assert scope.cancelled_caught
        assert (stream.state, source.closed) == ("open", 1)

    trio.run(main)


async def test_a_drain_that_is_cancelled_closes_the_source():
    source = AsyncReads(A, DONE, forever)
    stream = chat.astream(source, drain=True)
    await read_until_cancelled(stream, source, 3)
    assert (stream.state, source.closed) == ("done", 1)


@under_any_loop
@pytest.mark.parametrize("end", [OSError("closed"), StopAsyncIteration()], ids=["raises", "ends"])
async def test_a_stream_that_is_closed_during_a_read(end: Exception):
    async def closed() -> bytes:
        await stream.aclose()
        raise end

    stream = chat.astream(AsyncReads(A, closed))
    await anext(stream)
    with pytest.raises(StreamNotFinishedError):
        await anext(stream)
    assert (stream.state, stream.decoder.error) == ("open", None)


@under_any_loop
async def test_what_comes_when_a_stream_was_closed_is_not_handed_over():
    async def late() -> bytes:
        await stream.aclose()
        return B

    stream = chat.astream(AsyncReads(A, late))
    await anext(stream)
    for _ in range(2):
        with pytest.raises(StreamNotFinishedError):
            await anext(stream)
    assert stream.accumulator.text == "a"


@pytest.mark.parametrize("begun", [False, True], ids=["the first read", "a later one"])
async def test_a_second_task_is_refused_and_the_first_goes_on(begun: bool):
    reading, go_on = asyncio.Event(), asyncio.Event()

    async def wait() -> bytes:
        reading.set()
        await go_on.wait()
        return B

    stream = chat.astream(AsyncReads(*([A] if begun else []), wait, DONE))
    if begun:
        await anext(stream)
    task = asyncio.create_task(stream.until_done())
    await reading.wait()
    for read in (stream, stream.text(), stream.deltas(), aiter(stream)):
        with pytest.raises(RuntimeError, match="another task"):
            await anext(read)
    go_on.set()
    assert (await task).choices[0].message.content == ("ab" if begun else "b")


async def test_a_stream_that_another_task_closes_while_it_reads():
    """An async generator refuses to be closed then: the reader closes it when its read returns."""
    released = []
    reading, go_on = asyncio.Event(), asyncio.Event()

    async def source() -> AsyncIterator[bytes]:
        try:
            yield A
            reading.set()
            await go_on.wait()
            yield B
        finally:
            released.append(True)

    stream = chat.astream(source())
    task = asyncio.create_task(stream.until_done())
    await reading.wait()
    await stream.aclose()
    go_on.set()
    with pytest.raises(StreamNotFinishedError) as raised:
        await task
    assert raised.value.partial.choices[0].message.content == "a"
    assert (stream.state, released) == ("open", [True])


@under_any_loop
async def test_events_can_be_released_early():
    source = AsyncReads(b"data: a\n\n", b"data: b\n\n")
    async with aclosing(aiter_events(source)) as events:
        await anext(events)
    assert source.closed == 1
    with pytest.raises(StreamNotFinishedError):
        await anext(events)
