"""The synchronous and the asynchronous shells under the same words, so that one test is of both."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pytest
import trio

from ssekit import aiter_events, areconnect, chat, iter_events, reconnect
from ssekit.testing.transports import AsyncReads, Reads


class Awaited:
    """A synchronous stream, with the methods of an asynchronous one."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __aiter__(self) -> Any:
        return Awaited(iter(self._stream))

    async def __anext__(self) -> Any:
        try:
            return next(self._stream)
        except StopIteration:
            raise StopAsyncIteration from None

    def text(self) -> Any:
        return Awaited(self._stream.text())

    def deltas(self) -> Any:
        return Awaited(self._stream.deltas())

    async def until_done(self) -> Any:
        return self._stream.until_done()

    async def aclose(self) -> None:
        self._stream.close()

    async def __aenter__(self) -> Any:
        self._stream.__enter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        self._stream.__exit__(*error)


def plain(source: Any) -> Any:
    return source._stream if isinstance(source, Awaited) else source


class Shell(NamedTuple):
    """What a test calls; all that it returns is awaited."""

    run: Callable[[Callable[[], Awaitable[Any]]], Any]
    reads: Any  # a source that follows a script
    stream: Any
    events: Any
    reconnect: Any


async def read_all(stream: Any) -> tuple[list[Any], BaseException | None]:
    """Return all that a stream gives, and what it raises after that."""
    items = []
    try:
        async for item in stream:
            items.append(item)
    except BaseException as error:
        return items, error
    return items, None


def run_asyncio(main: Callable[[], Any]) -> Any:
    return asyncio.run(main())


RUNNERS = {"asyncio": run_asyncio, "trio": trio.run}
SHELLS = {
    "sync": Shell(
        run_asyncio,
        Reads,
        lambda source, wire=chat, **options: Awaited(wire.stream(plain(source), **options)),
        lambda source, **options: Awaited(iter_events(source, **options)),
        lambda host, **options: Awaited(reconnect(host.connect, sleep=host.sleep, **options)),
    ),
    **{
        name: Shell(
            run,
            AsyncReads,
            lambda source, wire=chat, **options: wire.astream(source, **options),
            aiter_events,
            lambda host, **options: areconnect(host.aconnect, sleep=host.asleep, **options),
        )
        for name, run in RUNNERS.items()
    },
}


# What releases the source of a stream that is read for a while.


async def leave_with(stream: Any) -> None:
    async with stream:
        await anext(stream)


async def leave_with_before_the_first_read(stream: Any) -> None:
    async with stream:
        pass


async def fail_in_with(stream: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        async with stream:
            await anext(stream)
            raise ZeroDivisionError


async def close(stream: Any) -> None:
    await anext(stream)
    await stream.aclose()


async def break_in_with(stream: Any) -> None:
    async with stream:
        async for _ in stream.text():
            break


RELEASES = [leave_with, leave_with_before_the_first_read, fail_in_with, close, break_in_with]
