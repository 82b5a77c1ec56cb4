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
import multiprocessing
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import closing
from functools import partial
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.measure import collector_off
from benchmarks.payloads import ASCII, part
from benchmarks.workloads import answer
from ssekit import chat

__all__ = ["allowed_sockets", "main"]

[_EVENTS] = answer("", "", "chat", [part("text", 36, ASCII)], 0).reads  # of each stream
_FILES = 64  # that a process has open beside its sockets

# Waits for the next read of a transport, which is empty at the end.
Read = Callable[[], Awaitable[bytes]]


async def _measure(reads: Sequence[Read]) -> str:
    """Read a stream from each transport, all at once. Return the figures."""
    holds = [0.0]
    with collector_off():
        start = time.process_time()
        counts = await asyncio.gather(*(_consume(_watched(read, holds)) for read in reads))
        seconds = time.process_time() - start
    return (
        f"{len(counts):,} live streams, {sum(counts) / seconds:,.0f} chunks a second,"
        f" the loop held for {max(holds) * 1000:.2f} ms by one read at most"
    )


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


async def _in_memory(streams: int) -> str:
    def transport() -> Read:
        rest = iter(_EVENTS)

        async def read() -> bytes:
            await asyncio.sleep(0)  # a transport lets the loop run
            return next(rest, b"")

        return read

    return await _measure([transport() for _ in range(streams)])


async def _over_sockets(wanted: int) -> str:
    streams = allowed_sockets(wanted)
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    server = spawning.Process(target=_run_server, args=(streams, theirs), daemon=True)
    server.start()
    theirs.close()  # so that `recv` ends if the server does
    port = ours.recv()
    connections = [await asyncio.open_connection("127.0.0.1", port) for _ in range(streams)]
    figures = await _measure([partial(reader.read, 2**16) for reader, _ in connections])
    for _, writer in connections:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for _, writer in connections))
    server.terminate()
    server.join()
    limit = f" (the system allows {streams:,})" if streams < wanted else ""
    return figures + limit


def allowed_sockets(wanted: int) -> int:
    """Return how many sockets may be open, after asking for as many as are wanted."""
    try:
        resource: Any = import_module("resource")
    except ImportError:  # Windows, where nothing limits them
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = wanted + _FILES
    if hard != resource.RLIM_INFINITY:
        files = min(files, hard)
    if files > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return min(wanted, files - _FILES)


def _run_server(streams: int, port: Connection) -> None:
    """Write a stream to each of so many connections, once all of them are there."""
    allowed_sockets(streams)

    async def serve() -> None:
        all_there = asyncio.Barrier(streams)

        async def write(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await all_there.wait()
            with closing(writer):
                for event in _EVENTS:
                    writer.write(event)
                    await writer.drain()
                    await asyncio.sleep(0)

        server = await asyncio.start_server(write, "127.0.0.1", 0, backlog=streams)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser("python -m benchmarks.concurrency", description=__doc__)
    parser.add_argument("--streams", type=int, default=10_000, help="how many, in memory")
    parser.add_argument("--sockets", type=int, default=2_000, help="how many, over sockets")
    options = parser.parse_args(argv)
    print(f"In memory, one event a read: {asyncio.run(_in_memory(options.streams))}")
    print(f"Over sockets: {asyncio.run(_over_sockets(options.sockets))}")


if __name__ == "__main__":
    main()
