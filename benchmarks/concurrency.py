"""Many live streams in one event loop: `python -m benchmarks.concurrency`."""
# What always holds here:
# - All streams are open before the first one ends, and each is an AsyncStream with a task that
#   reads it.
# - How long the loop is held by a read is the processor's time from when a transport hands the
#   read over until it is asked for the next one: nothing else of the loop runs in between. The
#   garbage collector runs, as it does in a server, but its time is told apart: how long it takes
#   is a matter of how many objects live.
# - Sockets are of 127.0.0.1, and what writes to them is in a process of its own.

from __future__ import annotations

import argparse
import asyncio
import gc
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.measure import held
from benchmarks.payloads import ASCII, chat_payloads
from benchmarks.typed import run_what_never_waits
from benchmarks.workloads import as_events, in_pieces
from ssekit import chat

__all__ = ["Crowd", "Turns", "allowed_sockets", "main"]

_READ = 2**16
_CHUNKS = 40  # of each of the many
_LONG = 4000  # of the one stream whose reads are large
_FILES = 64  # that a process has open besides


@dataclass
class Crowd:
    """What came of many streams that live at once."""

    streams: int
    chunks_a_second: float
    longest_hold_milliseconds: float
    longest_collection_milliseconds: float


@dataclass
class Turns:
    """What came of a fast stream, of 64 KiB reads, beside a slow one, of one event a read.

    Attributes:
        fast_reads, slow_reads: How many each got while both lived.
        longest_wait_milliseconds: Of the slow one, for its turn.
    """

    fast_reads: int
    slow_reads: int
    longest_wait_milliseconds: float


@dataclass
class _Log:
    """What transports saw: the seconds that the loop was held by each of their reads."""

    holds: list[float] = field(default_factory=list)
    collections: list[float] = field(default_factory=list)
    collected: float = 0.0
    _collects_since: float = 0.0

    def now(self) -> float:
        """Return the processor's time of this thread, without that of the collector."""
        return time.thread_time() - self.collected

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Look at the garbage collector for a while."""
        gc.callbacks.append(self._watch)
        try:
            yield
        finally:
            gc.callbacks.remove(self._watch)

    def _watch(self, phase: str, info: object) -> None:
        if phase == "start":
            self._collects_since = time.thread_time()
        else:
            self.collections.append(time.thread_time() - self._collects_since)
            self.collected += self.collections[-1]

    def crowd(self, chunks: Sequence[int], seconds: float) -> Crowd:
        """Return what came of streams that gave so many chunks."""
        longest = [max(times, default=0.0) * 1000 for times in (self.holds, self.collections)]
        return Crowd(len(chunks), sum(chunks) / seconds, *longest)


class _Transport(AsyncIterator[bytes]):
    """Hands reads over; `read` waits for the next one, which is empty at the end."""

    def __init__(self, read: Callable[[], Awaitable[bytes]], log: _Log) -> None:
        self._read = read
        self._log = log
        self._handed_over: float | None = None

    async def __anext__(self) -> bytes:
        if self._handed_over is not None:
            self._log.holds.append(self._log.now() - self._handed_over)
        data = await self._read()
        if not data:
            raise StopAsyncIteration
        self._handed_over = self._log.now()
        return data


def _from_memory(reads: Iterable[bytes], log: _Log) -> _Transport:
    rest = iter(reads)

    async def read() -> bytes:
        await asyncio.sleep(0)  # as a transport does, it lets the loop run
        return next(rest, b"")

    return _Transport(read, log)


async def _consume(source: AsyncIterator[bytes]) -> int:
    stream = chat.astream(source)
    count = 0
    async for _ in stream:
        count += 1
    assert stream.state == "done"
    return count


# In memory.


async def _crowd_in_memory(streams: int) -> Crowd:
    reads = as_events(chat_payloads(ASCII, _CHUNKS))
    log = _Log()
    with log.watching():
        start = time.process_time()
        counts = await asyncio.gather(*(_consume(_from_memory(reads, log)) for _ in range(streams)))
        return log.crowd(counts, time.process_time() - start)


def _bytes_a_stream(streams: int) -> float:
    """Return what a stream holds in the middle of its answer, with the transport of here."""
    reads = as_events(chat_payloads(ASCII, _CHUNKS))
    return held(lambda: [_half_read(reads) for _ in range(streams)]) / streams


def _half_read(reads: list[bytes]) -> object:
    """Return a stream that has been read to its middle."""
    rest = iter(reads)

    async def read() -> bytes:
        return next(rest, b"")

    stream = chat.astream(_Transport(read, _Log()))

    async def take() -> None:
        for _ in range(len(reads) // 2):
            await anext(stream)

    run_what_never_waits(take())
    return stream


async def _turns() -> Turns:
    """Let a fast stream, whose reads are always there, and a slow one run beside each other."""
    payloads = chat_payloads(ASCII, _LONG)
    large = in_pieces(payloads, _READ)
    small = as_events(payloads)[: len(large)]
    small[-1] = as_events(payloads)[-1]  # the marker
    fast, slow = _Log(), _Log()
    times = []

    async def slowly() -> None:
        async for _ in chat.astream(_from_memory(small, slow)):
            times.append(time.thread_time())

    tasks: list[asyncio.Task[Any]] = [
        asyncio.create_task(_consume(_from_memory(large, fast))),
        asyncio.create_task(slowly()),
    ]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    got = Turns(len(fast.holds), len(slow.holds), 0.0)
    await asyncio.gather(*tasks)
    waits = [after - before for before, after in pairwise(times)]
    got.longest_wait_milliseconds = max(waits, default=0.0) * 1000
    return got


def _first_chunks(rounds: int) -> list[float]:
    """Return the milliseconds from a 64 KiB read to its first chunk, each of another stream."""
    reads = in_pieces(chat_payloads(ASCII, _LONG), _READ)[:1]
    return sorted(_first_chunk(reads) for _ in range(rounds))


def _first_chunk(reads: list[bytes]) -> float:
    rest = iter(reads)
    handed_over = chunk_came = 0.0

    async def read() -> bytes:
        nonlocal handed_over
        handed_over = time.thread_time()
        return next(rest)

    async def take() -> None:
        nonlocal chunk_came
        await anext(chat.astream(_Transport(read, _Log())))
        chunk_came = time.thread_time()

    run_what_never_waits(take())
    return (chunk_came - handed_over) * 1000


# Over sockets.


async def _crowd_over_sockets(wanted: int) -> Crowd:
    streams = allowed_sockets(wanted)
    log = _Log()
    command = [sys.executable, "-m", "benchmarks.concurrency", "--serve", str(streams)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parent.parent
    ) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        connections = [await asyncio.open_connection("127.0.0.1", port) for _ in range(streams)]
        readers = [reader for reader, _ in connections]
        with log.watching():
            start = time.process_time()
            counts = await asyncio.gather(
                *(_consume(_Transport(partial(reader.read, _READ), log)) for reader in readers)
            )
            crowd = log.crowd(counts, time.process_time() - start)
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
    reads = as_events(chat_payloads(ASCII, _CHUNKS))
    started = asyncio.Event()
    waiting = 0

    async def write(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal waiting
        waiting += 1
        if waiting == streams:
            started.set()
        await started.wait()
        with closing(writer):
            for read in reads:
                writer.write(read)
                await writer.drain()
                await asyncio.sleep(0)

    server = await asyncio.start_server(write, "127.0.0.1", 0, backlog=streams)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)  # until who started it closes this
    server.close()


# The command.


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser("python -m benchmarks.concurrency", description=__doc__)
    parser.add_argument("--streams", type=int, default=10_000, help="how many, in memory")
    parser.add_argument("--sockets", type=int, default=2_000, help="how many, over sockets")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file too")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.serve is not None:
        asyncio.run(_serve(options.serve))
        return
    memory = asyncio.run(_crowd_in_memory(options.streams))
    size = _bytes_a_stream(options.streams)
    print(f"In memory, one event a read: {_said(memory)}")
    print(f"Memory: a stream in the middle of its answer holds {size:,.0f} bytes")
    sockets = asyncio.run(_crowd_over_sockets(options.sockets))
    print(f"Over sockets: {_said(sockets)}")
    if sockets.streams < options.sockets:
        print(f"(the system allows {sockets.streams:,} sockets)")
    turns = asyncio.run(_turns())
    print(
        f"Fast beside slow: {turns.fast_reads} reads of 64 KiB and {turns.slow_reads} of one event"
        f" in the same time; the slow one waited {turns.longest_wait_milliseconds:.2f} ms at most"
    )
    first = _first_chunks(200)
    print(
        f"The first chunk of a 64 KiB read: after {statistics.median(first):.3f} ms,"
        f" {first[-1]:.3f} ms at most (goal: 1 ms)"
    )
    if options.json is not None:
        found = {
            "memory": memory,
            "bytes_a_stream": size,
            "sockets": sockets,
            "turns": turns,
            "first_chunk_milliseconds": first,
        }
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")


def _said(crowd: Crowd) -> str:
    return (
        f"{crowd.streams:,} live streams, {crowd.chunks_a_second:,.0f} chunks a second,"
        f" the loop held for {crowd.longest_hold_milliseconds:.2f} ms by one read at most"
        f" (and for {crowd.longest_collection_milliseconds:.0f} ms by the garbage collector)"
    )


if __name__ == "__main__":
    main()
