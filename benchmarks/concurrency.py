"""Many live streams in one event loop: `python -m benchmarks.concurrency`."""
# What always holds here:
# - All streams are open before the first one ends, and each is an AsyncStream with a task that
#   reads it.
# - A hold is the processor's time from the return of a read until the next read is asked for:
#   nothing else of the loop runs in between. The garbage collector is off: the length of its pause
#   depends on how many objects live, not on the read.
# - Sockets are of 127.0.0.1, and their writer is a process of its own.

from __future__ import annotations

import argparse
import asyncio
import gc
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.payloads import ASCII, chat_payloads
from benchmarks.workloads import as_events
from ssekit import chat

__all__ = ["Crowd", "allowed_sockets", "main"]

_CHUNKS = 40  # of each stream
_FILES = 64  # that a process has open beside its sockets

# Waits for the next read of a transport, which is empty at the end.
Read = Callable[[], Awaitable[bytes]]


@dataclass
class Crowd:
    """Figures of streams that live at once."""

    streams: int
    chunks_a_second: float
    longest_hold_milliseconds: float

    def __str__(self) -> str:
        return (
            f"{self.streams:,} live streams, {self.chunks_a_second:,.0f} chunks a second,"
            f" the loop held for {self.longest_hold_milliseconds:.2f} ms by one read at most"
        )


async def _measure(reads: Sequence[Read]) -> Crowd:
    """Read a stream from each transport, all at once."""
    holds = [0.0]
    gc.collect()
    gc.disable()
    try:
        start = time.process_time()
        counts = await asyncio.gather(*(_consume(_watched(read, holds)) for read in reads))
        seconds = time.process_time() - start
    finally:
        gc.enable()
    return Crowd(len(counts), sum(counts) / seconds, max(holds) * 1000)


async def _watched(read: Read, holds: list[float]) -> AsyncIterator[bytes]:
    """Yield the reads of a transport, and note how long the loop is held by each."""
    while data := await read():
        start = time.thread_time()
        yield data
        holds.append(time.thread_time() - start)


async def _consume(source: AsyncIterator[bytes]) -> int:
    stream = chat.astream(source)
    count = 0
    async for _ in stream:
        count += 1
    assert stream.state == "done"
    return count


def _events() -> list[bytes]:
    return as_events(chat_payloads(ASCII, _CHUNKS))


async def _in_memory(streams: int) -> Crowd:
    events = _events()

    def transport() -> Read:
        rest = iter(events)

        async def read() -> bytes:
            await asyncio.sleep(0)  # a transport lets the loop run
            return next(rest, b"")

        return read

    return await _measure([transport() for _ in range(streams)])


async def _over_sockets(wanted: int) -> Crowd:
    streams = allowed_sockets(wanted)
    command = [sys.executable, "-m", "benchmarks.concurrency", "--serve", str(streams)]
    root = Path(__file__).parent.parent
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root
    ) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        connections = [await asyncio.open_connection("127.0.0.1", port) for _ in range(streams)]
        crowd = await _measure([partial(reader.read, 2**16) for reader, _ in connections])
        for _, writer in connections:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for _, writer in connections))
    return crowd  # leaving the server has closed its input, which ends it


def allowed_sockets(wanted: int) -> int:
    """Return how many sockets may be open, after asking for as many as are wanted."""
    try:
        resource: Any = import_module("resource")
    except ImportError:  # Windows, where nothing limits them
        return wanted
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = wanted + _FILES
    if hard != resource.RLIM_INFINITY:
        soft = min(soft, hard)
    if soft > resource.getrlimit(resource.RLIMIT_NOFILE)[0]:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(wanted, soft - _FILES)


async def _serve(streams: int) -> None:
    """Write a stream to each of so many connections, once all of them are there."""
    allowed_sockets(streams)
    events = _events()
    all_there = asyncio.Barrier(streams)

    async def write(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await all_there.wait()
        with closing(writer):
            for event in events:
                writer.write(event)
                await writer.drain()
                await asyncio.sleep(0)

    server = await asyncio.start_server(write, "127.0.0.1", 0, backlog=streams)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)  # until the parent closes it
    server.close()


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser("python -m benchmarks.concurrency", description=__doc__)
    parser.add_argument("--streams", type=int, default=10_000, help="how many, in memory")
    parser.add_argument("--sockets", type=int, default=2_000, help="how many, over sockets")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.serve is not None:
        asyncio.run(_serve(options.serve))
        return
    print(f"In memory, one event a read: {asyncio.run(_in_memory(options.streams))}")
    sockets = asyncio.run(_over_sockets(options.sockets))
    print(f"Over sockets: {sockets}")
    if sockets.streams < options.sockets:
        print(f"(the system allows {sockets.streams:,} sockets)")


if __name__ == "__main__":
    main()
