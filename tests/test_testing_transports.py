"""Scripted sources: `ssekit.testing.transports`."""

import asyncio
import math
from typing import Any

import pytest

from ssekit import chat
from ssekit.testing.transports import STALL, AsyncReads, Clock, Pause, Reads
from tests.wire import DONE, A


def read(source: Any) -> list[Any]:
    """Read a source to its end, in its own way."""
    if isinstance(source, Reads):
        return list(source)

    async def main() -> list[Any]:
        return [item async for item in source]

    return asyncio.run(main())


each_kind = pytest.mark.parametrize("kind", [Reads, AsyncReads])


@each_kind
def test_reads_are_handed_over_and_then_there_is_an_end(kind: Any):
    source = kind(b"a", b"", "anything")
    assert read(source) == [b"a", b"", "anything"]
    assert (source.log, source.taken, source.closed) == (["read"] * 3 + ["end"], 3, 0)


@each_kind
def test_an_exception_is_raised(kind: Any):
    source = kind(b"a", OSError("broken"), b"b")
    with pytest.raises(OSError, match="broken"):
        read(source)
    assert source.log == ["read", "read", "raise"]
    assert read(source) == [b"b"]


@each_kind
def test_a_pause_takes_the_time_of_its_clock_alone(kind: Any):
    clock = Clock()
    source = kind(Pause(2), b"a", Pause(0.5), clock=clock, timeout=2)
    assert read(source) == [b"a"]
    assert (clock.now, source.clock) == (2.5, clock)
    assert source.log == ["pause", "read", "pause", "end"]


@each_kind
@pytest.mark.parametrize("pause", [Pause(3), STALL])
def test_a_read_that_takes_too_long_times_out(kind: Any, pause: Pause):
    source = kind(b"a", pause, timeout=2)
    with pytest.raises(TimeoutError, match="2 s"):
        read(source)
    assert (source.log, source.clock.now) == (["read", "pause", "raise"], 2)


@each_kind
def test_a_stall_without_a_timeout_does_not_hang_the_test(kind: Any):
    with pytest.raises(AssertionError, match="stalls"):
        read(kind(STALL))


@each_kind
def test_a_function_is_called(kind: Any):
    assert read(kind(lambda: b"a")) == [b"a"]
    source = kind(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        read(source)
    assert source.log == ["read", "raise"]


async def test_an_asynchronous_function_is_awaited_until_it_is_cancelled():
    async def later() -> bytes:
        return b"a"

    source = AsyncReads(later, asyncio.Event().wait)
    assert await anext(source) == b"a"
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(source), timeout=0)
    assert source.log[0] == "read"


async def test_a_cancelled_read_is_recorded():
    source = AsyncReads(asyncio.Event().wait)
    task = asyncio.ensure_future(anext(source))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert source.log == ["read", "raise"]


def test_a_closed_source_is_not_read():
    source = Reads(b"a")
    source.close()
    with pytest.raises(ValueError, match="closed"):
        next(source)
    assert source.closed == 1


def test_what_a_stream_does_to_its_source():
    source = Reads(A, DONE, b"more")
    chat.collect(source)
    assert source.log == ["read", "read", "close"]

    broken = AsyncReads(A, STALL, timeout=30)
    with pytest.raises(TimeoutError):
        asyncio.run(chat.acollect(broken))
    assert broken.log == ["read", "pause", "raise", "close"]


def test_a_clock_is_slept_on():
    clock = Clock()
    clock.sleep(1)
    asyncio.run(clock.asleep(0.5))
    assert clock.now == 1.5
    assert STALL.seconds == math.inf
