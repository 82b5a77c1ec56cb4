"""The pulling shells: `_stream.py`, asynchronous, under asyncio and trio."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import pytest
import trio
import trio.testing

from ssekit import (
    EventTooLargeError,
    ServerSentEvent,
    SSEDecoder,
    StreamInterruptedError,
    StreamNotFinishedError,
    StreamTimeoutError,
    TextDelta,
    aiter_events,
    chat,
)
from ssekit.testing.transports import AsyncReads
from tests.test_stream import FAULTS, contents
from tests.wire import DONE, A, B, C, event, text

RUNNERS: list[Any] = [
    pytest.param(lambda main: asyncio.run(main()), id="asyncio"),
    pytest.param(trio.run, id="trio"),
]
under_any_loop = pytest.mark.parametrize("run", RUNNERS)


async def forever() -> bytes:
    """A read that never comes back, in whichever loop this is."""
    try:
        await trio.sleep_forever()
    except RuntimeError:
        await asyncio.Event().wait()
    raise AssertionError


@under_any_loop
def test_chunks_come_as_they_are_read(run: Any):
    async def main() -> None:
        source = AsyncReads(A, B, DONE)
        stream = chat.astream(source)
        assert source.taken == 0
        assert contents([await anext(stream)]) == ["a"]
        assert source.taken == 1
        assert contents([chunk async for chunk in stream]) == ["b"]
        assert (stream.state, source.closed) == ("done", 1)
        assert [chunk async for chunk in stream] == []

    run(main)


@under_any_loop
def test_text_and_deltas(run: Any):
    async def main() -> None:
        other = event({"choices": [{"index": 1, "delta": {"content": "x"}}]})
        stream = chat.astream(AsyncReads(A + B, other, C, text("d"), DONE))
        assert await anext(stream.text()) == "a"
        assert await anext(stream.deltas()) == TextDelta(0, "b")
        pieces = stream.text()
        assert [piece async for piece in pieces] == ["c", "d"]
        assert [piece async for piece in pieces] == []
        assert stream.result().choices[0].message.content == "abcd"

    run(main)


@under_any_loop
def test_what_only_the_end_says(run: Any):
    async def main() -> None:
        stream = chat.astream(AsyncReads(text("a", finish_reason="stop"), DONE))
        said = [type(delta).__name__ async for delta in stream.deltas()]
        assert said == ["TextDelta", "Finish"]

    run(main)


@under_any_loop
@pytest.mark.parametrize(("reads", "kind", "before"), FAULTS.values(), ids=FAULTS)
def test_faults(run: Any, reads: list[Any], kind: type[Exception], before: str):
    async def main() -> None:
        source = AsyncReads(*reads)
        stream = chat.astream(source, decoder=chat.decoder(max_event_size=100))
        said = []
        with pytest.raises(kind) as raised:
            async for chunk in stream:
                said += contents([chunk])
        assert type(raised.value) is kind
        assert "".join(filter(None, said)) == before
        assert source.closed == 1
        with pytest.raises(kind):
            stream.result()
        with pytest.raises(kind):
            await anext(stream)

    run(main)


@under_any_loop
def test_a_failing_callback_is_not_the_transport(run: Any):
    def on_comment(comment: str) -> None:
        raise ZeroDivisionError(comment)

    async def main() -> None:
        stream = chat.astream(
            AsyncReads(A, b": hello\n"), decoder=chat.decoder(on_comment=on_comment)
        )
        with pytest.raises(ZeroDivisionError, match="hello"):
            await stream.until_done()
        assert stream.state == "open"

    run(main)


# Releasing the source.


async def leave_with(stream: Any) -> None:
    async with stream:
        await anext(stream)


async def leave_with_early(stream: Any) -> None:
    async with stream:
        pass


async def fail_in_with(stream: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        async with stream:
            raise ZeroDivisionError


async def close(stream: Any) -> None:
    await anext(stream)
    await stream.aclose()


async def read_all(stream: Any) -> None:
    await stream.until_done()


RELEASES = [leave_with, leave_with_early, fail_in_with, close, read_all]


@under_any_loop
@pytest.mark.parametrize("release", RELEASES)
def test_the_source_is_closed(run: Any, release: Callable[[Any], Awaitable[None]]):
    async def main() -> None:
        source = AsyncReads(A, B, DONE)
        stream = chat.astream(source)
        await release(stream)
        assert source.closed == 1
        await stream.aclose()
        assert source.closed == 1

    run(main)


@under_any_loop
@pytest.mark.parametrize("look", ["text", "deltas", "__aiter__"])
def test_dropping_one_midway_warns_nowhere(run: Any, look: str):
    """Warnings are errors here: an async generator that is left midway would make one."""

    async def main() -> None:
        async for _ in getattr(chat.astream(AsyncReads(A + B, C)), look)():
            break
        gc.collect()

    run(main)
    gc.collect()


def test_cancellation_closes_the_source_under_asyncio():
    async def main() -> None:
        source = AsyncReads(A, forever)
        stream = chat.astream(source)
        task = asyncio.create_task(stream.until_done())
        while source.taken < 2:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (stream.state, source.closed) == ("open", 1)
        assert stream.snapshot().choices[0].message.content == "a"

    asyncio.run(main())


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


def test_a_drain_that_is_cancelled_closes_the_source():
    async def main() -> None:
        source = AsyncReads(A, DONE, forever)
        stream = chat.astream(source, drain=True)
        task = asyncio.create_task(stream.until_done())
        while source.taken < 3:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (stream.state, source.closed) == ("done", 1)

    asyncio.run(main())


@under_any_loop
@pytest.mark.parametrize("end", [OSError("closed"), StopAsyncIteration()], ids=["raises", "ends"])
def test_a_stream_that_is_closed_during_a_read(run: Any, end: Exception):
    async def main() -> None:
        async def closed() -> bytes:
            await stream.aclose()
            raise end

        stream = chat.astream(AsyncReads(A, closed))
        await anext(stream)
        with pytest.raises(StreamNotFinishedError):
            await anext(stream)
        assert (stream.state, stream.decoder.error) == ("open", None)

    run(main)


@under_any_loop
def test_what_comes_when_a_stream_was_closed_is_not_handed_over(run: Any):
    async def main() -> None:
        async def late() -> bytes:
            await stream.aclose()
            return B

        stream = chat.astream(AsyncReads(A, late))
        await anext(stream)
        for _ in range(2):
            with pytest.raises(StreamNotFinishedError):
                await anext(stream)
        assert stream.accumulator.text == "a"

    run(main)


def test_a_stream_that_another_task_closes_while_it_reads():
    """An async generator refuses to be closed then: the reader closes it when its read returns."""
    released = []

    async def main() -> None:
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

    asyncio.run(main())


@under_any_loop
def test_misuse_closes_the_source_too(run: Any):
    async def main() -> None:
        source = AsyncReads("no bytes")
        with pytest.raises(TypeError, match="undecoded"):
            await chat.astream(source).until_done()
        assert source.closed == 1

    run(main)


@under_any_loop
def test_reading_a_closed_stream_says_so(run: Any):
    """Whether its source then raises or just ends."""

    class Ends(AsyncReads):
        async def __anext__(self) -> Any:
            if self.closed:
                raise StopAsyncIteration
            return await super().__anext__()

    async def main() -> None:
        for source in (AsyncReads(A, B), Ends(A, B)):
            stream = chat.astream(source)
            await anext(stream)
            await stream.aclose()
            with pytest.raises(StreamNotFinishedError, match="closed before") as raised:
                await anext(stream)
            assert raised.value.partial.choices[0].message.content == "a"
            assert stream.state == "open"

    run(main)


@under_any_loop
@pytest.mark.parametrize(
    ("rest", "taken"), [([], 2), ([b"\n"], 3), ([b"x" * 40_000] * 9, 4), ([b"\n", OSError()], 4)]
)
def test_what_follows_the_end_can_be_drained(run: Any, rest: list[Any], taken: int):
    async def main() -> None:
        source = AsyncReads(A, DONE, *rest)
        stream = chat.astream(source, drain=True)
        assert (await stream.until_done()).choices[0].message.content == "a"
        assert (source.taken, source.closed) == (taken, 1)
        assert [chunk async for chunk in stream] == []
        assert source.taken == taken

    run(main)


@under_any_loop
def test_an_answer_goes_on_over_another_source(run: Any):
    async def main() -> None:
        first = chat.astream(AsyncReads(A, TimeoutError()))
        with pytest.raises(StreamTimeoutError):
            await first.until_done()
        second = chat.astream(AsyncReads(B, DONE), decoder=first.decoder)
        assert (await second.until_done()).choices[0].message.content == "ab"

    run(main)


# Events alone.


@under_any_loop
def test_events(run: Any):
    async def main() -> None:
        source = AsyncReads(b"data: a\n\nda", ServerSentEvent("x"), b"ta: b\n\n")
        decoder = SSEDecoder(last_event_id="7")
        events = [event async for event in aiter_events(source, decoder=decoder)]
        assert [(event.data, event.id) for event in events] == [("a", "7"), ("x", ""), ("b", "7")]
        assert source.closed == 1

    run(main)


@under_any_loop
@pytest.mark.parametrize(
    ("last", "kind"), [(OSError(), StreamInterruptedError), (b"x" * 30, EventTooLargeError)]
)
def test_events_that_fail(run: Any, last: Any, kind: type[Exception]):
    async def main() -> None:
        source = AsyncReads(b"data: a\n\n", last)
        events = aiter_events(source, decoder=SSEDecoder(max_event_size=20), check=False)
        assert (await anext(events)).data == "a"
        with pytest.raises(kind):
            await anext(events)
        assert source.closed == 1

    run(main)


@under_any_loop
def test_events_can_be_released_early(run: Any):
    async def main() -> None:
        source = AsyncReads(b"data: a\n\n", b"data: b\n\n")
        async with aclosing(aiter_events(source)) as events:
            await anext(events)
        assert source.closed == 1
        with pytest.raises(StreamNotFinishedError):
            await anext(events)

    run(main)
