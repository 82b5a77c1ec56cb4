"""Many live streams in one event loop: `python -m benchmarks.concurrency`."""
# What always holds here:
# - All streams are open before the first one ends, and each is an AsyncStream with a task that
#   reads it.
# - A hold is the processor's time from the return of a read until the next read is asked for:
#   nothing else of the loop runs in between. The garbage collector is off: the length of its pause
#   depends on how many objects live, not on the read.

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import AsyncIterator, Sequence

from benchmarks.measure import collector_off
from benchmarks.payloads import ASCII, part
from benchmarks.workloads import answer
from ssekit import chat

__all__ = ["main"]

[_EVENTS] = answer("", "", "chat", [part("text", 36, ASCII)], 0).reads  # of each stream


async def _measure(streams: int) -> str:
    """Read so many streams, all at once and one event a read. Return the figures."""
    holds = [0.0]
    with collector_off():
        start = time.process_time()
        counts = await asyncio.gather(*(_consume(_watched(holds)) for _ in range(streams)))
        seconds = time.process_time() - start
    return (
        f"{streams:,} live streams, {sum(counts) / seconds:,.0f} chunks a second,"
        f" the loop held for {max(holds) * 1000:.2f} ms by one read at most"
    )


async def _watched(holds: list[float]) -> AsyncIterator[bytes]:
    """Yield the reads of a stream, and note how long the loop is held by each."""
    for event in _EVENTS:
        await asyncio.sleep(0)  # a transport lets the loop run
        start = time.thread_time()
        yield event
        holds.append(time.thread_time() - start)


async def _consume(source: AsyncIterator[bytes]) -> int:
    stream = chat.astream(source)
    count = 0
    async for _ in stream:
        count += 1
    assert stream.state == "done"
    return count


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser("python -m benchmarks.concurrency", description=__doc__)
    parser.add_argument("--streams", type=int, default=10_000)
    print(asyncio.run(_measure(parser.parse_args(argv).streams)))


if __name__ == "__main__":
    main()
