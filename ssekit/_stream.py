# Pull: reads a source, pushes its bytes into a decoder, and closes the source.
#
# The asynchronous classes repeat the synchronous ones with `await`: two plain shells are easier to
# read than one that serves both.
#
# What always holds here:
# - The decoder decides everything about formats, ends and errors.
# - Nothing is read before a chunk is asked for, and nothing after the decoder has seen the end.
# - There is no cycle of references, so that dropping a Stream closes its source at once.
# - The asynchronous iterators are classes, not async generators: dropping one midway leaves nothing
#   behind for an event loop to finish, and no event loop is imported.

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain
from typing import Any, Generic, Protocol, Self, TypeVar

from ssekit._accumulator import Accumulator
from ssekit._decoder import StreamDecoder
from ssekit._deltas import Delta, TextDelta
from ssekit._errors import SSEKitError
from ssekit._event import ServerSentEvent
from ssekit._source import (
    AsyncSource,
    OpenAsyncSource,
    OpenSource,
    Source,
    open_async_source,
    open_source,
)
from ssekit._sse import EventReceiver, SSEDecoder, State, gather_lines

__all__ = ["AsyncStream", "Stream", "aiter_events", "iter_events"]

ChunkT = TypeVar("ChunkT")
ResultT = TypeVar("ResultT")
ItemT = TypeVar("ItemT")
ItemT_co = TypeVar("ItemT_co", covariant=True)

_DRAIN_SIZE = 64 * 2**10  # bytes
_GATHERED_SIZE = 4 * 2**10  # bytes
CLOSED = "the stream was closed before its end was read"


class _Receiver(Protocol[ItemT_co]):
    """The methods of a StreamDecoder and of an EventReceiver that this module calls."""

    state: State

    def receive(
        self, reads: Iterable[Any], abandon: Callable[[], object] | None = None
    ) -> Iterator[ItemT_co]: ...
    def finish(self) -> Iterator[ItemT_co]: ...
    def fail(self, cause: BaseException, /) -> None: ...
    def raise_error(self) -> None: ...
    def not_finished(self, reason: str) -> SSEKitError: ...


def pull(source: OpenSource, receiver: _Receiver[ItemT], drain: bool = False) -> Iterator[ItemT]:
    """Yield a receiver's items for a source, close the source, and raise the receiver's error."""
    # A generator around the receiver's own would take 25 ns an item; `chain` takes none.
    items = receiver.receive(_reads(source, receiver), source.close)
    return chain(items, _last_items(source, receiver, drain))


def _reads(source: OpenSource, receiver: _Receiver[Any]) -> Iterator[Any]:
    """Yield the reads of a source until it ends or fails, or the receiver has seen the end."""
    # The handler takes exceptions of the source alone: those of a user's callback pass it by.
    try:
        source.check()
        for data in source.reads:
            if source.closed:
                return
            yield data
            if source.closed or receiver.state != "open":  # before the next read, not after it
                return
    except Exception as error:
        if not source.closed:
            yield from _reads_before_failure(receiver, error)


def _reads_before_failure(receiver: _Receiver[Any], error: Exception) -> Iterator[bytes]:
    """Yield the bytes that a transport's exception has, and then let the receiver fail."""
    # The IncompleteRead of http.client has the bytes that came.
    partial = getattr(error, "partial", None)
    if isinstance(partial, bytes):
        yield partial
    receiver.fail(error)


def _last_items(source: OpenSource, receiver: _Receiver[ItemT], drain: bool) -> Iterator[ItemT]:
    """Yield the items that the end of the bytes completes; then close, and raise the error."""
    try:
        if source.closed and receiver.state == "open":
            raise receiver.not_finished(CLOSED)
        yield from receiver.finish()
        if drain and receiver.state == "done":
            _drain(source)
        receiver.raise_error()
    finally:
        source.close()


def _drain(source: OpenSource) -> None:
    budget = _DRAIN_SIZE
    with suppress(Exception):  # the answer is complete without the rest
        while budget > 0 and not source.closed:
            budget -= len(next(source.reads))


class AsyncPull(AsyncIterator[ItemT]):
    """Iterates as `pull` does, over an asynchronous source; `aclose` closes it early."""

    def __init__(
        self, source: OpenAsyncSource, receiver: _Receiver[ItemT], drain: bool = False
    ) -> None:
        self._source = source
        self._receiver = receiver
        self._drain = drain
        # The items of the latest read.
        self._items: Iterator[ItemT] = iter(())
        self._reading = False

    async def __anext__(self) -> ItemT:
        source, receiver = self._source, self._receiver
        if self._reading:
            raise RuntimeError("another task reads this stream: give each chunk on from one task")
        try:
            while True:
                for item in self._items:
                    return item
                if receiver.state != "open":
                    await self._release()
                    receiver.raise_error()
                    raise StopAsyncIteration
                # (To read in a method of its own would take 60 ns for every read.)
                try:
                    self._reading = True
                    if source.head is not None:
                        await source.check()
                    if not source.closed:
                        self._items = receiver.receive((await anext(source.reads),))
                except StopAsyncIteration:
                    if not source.closed:
                        self._items = receiver.finish()
                except Exception as error:
                    if not source.closed:
                        self._items = receiver.receive(_reads_before_failure(receiver, error))
                self._reading = False
                if source.closed:
                    self._items = iter(())  # they came after the source was closed
                    raise receiver.not_finished(CLOSED)
        except BaseException:  # also cancellation: closing has the time that is left
            self._reading = False
            await source.aclose()
            raise

    async def aclose(self) -> None:
        """Close the source."""
        await self._source.aclose()

    async def _release(self) -> None:
        budget = _DRAIN_SIZE if self._drain and self._receiver.state == "done" else 0
        self._drain = False
        with suppress(Exception):
            while budget > 0:
                budget -= len(await anext(self._source.reads))
        await self._source.aclose()


class _AsyncFlatMap(AsyncIterator[ItemT], Generic[ItemT, ChunkT]):
    """Iterates over the items that a function makes of each chunk, and of no chunk at the end."""

    def __init__(
        self, chunks: AsyncPull[ChunkT], items_of: Callable[[Iterable[ChunkT]], Iterator[ItemT]]
    ) -> None:
        self._chunks = chunks
        self._items_of = items_of
        self._items: Iterator[ItemT] = iter(())
        self._ended = False

    async def __anext__(self) -> ItemT:
        while True:
            for item in self._items:
                return item
            try:
                self._items = self._items_of((await anext(self._chunks),))
            except (StopAsyncIteration, SSEKitError):
                if self._ended:  # an `AsyncPull` ends in the same way each time
                    raise
                self._ended = True
                self._items = self._items_of(())


def _texts(deltas: Iterable[Delta]) -> Iterator[str]:
    return (delta.text for delta in deltas if type(delta) is TextDelta and delta.index == 0)


class _AnyStream(Generic[ChunkT, ResultT]):
    """The common part of Stream and AsyncStream: the views of the decoder."""

    _source: Any  # an OpenSource or an OpenAsyncSource

    def __init__(self, response: Any, decoder: StreamDecoder[ChunkT, ResultT]) -> None:
        self.response = response
        self.decoder = decoder

    def __reduce__(self) -> Any:
        return self.decoder.__reduce__()

    @property
    def event(self) -> ServerSentEvent | None:
        """The event behind the latest chunk, or the one that ended the stream."""
        return self.decoder.event

    @property
    def accumulator(self) -> Accumulator[ChunkT, ResultT]:
        """The accumulator of the chunks, with the views of the answer so far."""
        return self.decoder.accumulator

    @property
    def state(self) -> State:
        """ "open", "done", "truncated" or "failed"; see `StreamDecoder`."""
        return self.decoder.state

    def snapshot(self) -> ResultT:
        """Return the answer so far, whatever the state."""
        return self.decoder.snapshot()

    def result(self) -> ResultT:
        """Return the finished answer. This never reads; see `StreamDecoder.result`."""
        self._raise_error()
        return self.decoder.result()

    def _raise_error(self) -> None:
        """Raise the error that ended the reading, which an iterator raises once."""
        self.decoder.raise_error()
        if self._source.closed and self.state == "open":
            raise self.decoder.not_finished(CLOSED)


class Stream(_AnyStream[ChunkT, ResultT]):
    """The chunks of a source, read as they are asked for.

    The source is closed at the end of the stream, when it fails, by `close()`, on leaving `with`,
    and when the last reference to the stream goes. Iterating raises, after the chunks that were
    complete before:

    Raises:
        APIError: The server reported an error.
        DecodeError: An event is no chunk of the format.
        EventTooLargeError: An event outgrew the decoder's limit.
        StreamInterruptedError: The source raised; `StreamTimeoutError` for a timeout.
        StreamTruncatedError: The bytes ended before the stream's own end.
        StreamNotFinishedError: The stream was closed before it was read to its end.
        StatusError, ContentTypeError: The response is no event stream (on entering `with`, if the
            stream is used so).

    Attributes:
        response: The source that was passed in, with its headers and status.
        decoder: The decoder of the stream. Pass it on to continue the answer over another source.
    """

    def __init__(
        self,
        source: Source,
        decoder: StreamDecoder[ChunkT, ResultT],
        *,
        check: bool = True,
        drain: bool = False,
    ) -> None:
        self._source: OpenSource = open_source(source, check=check)
        super().__init__(source, decoder)
        self._chunks = pull(self._source, decoder, drain)

    def __iter__(self) -> Iterator[ChunkT]:
        self._raise_error()
        return self._chunks

    def __next__(self) -> ChunkT:
        for chunk in self._chunks:
            return chunk
        self._raise_error()
        raise StopIteration

    def text(self) -> Iterator[str]:
        """Yield the text of choice 0 as it comes."""
        return _texts(self.deltas())

    def deltas(self) -> Iterator[Delta]:
        """Yield the deltas of the stream, in the vocabulary that all formats share."""
        return self.decoder.deltas(self)

    def until_done(self) -> ResultT:
        """Read what is left and return the finished answer."""
        for _ in self:
            pass
        return self.result()

    def close(self) -> None:
        """Close the source. The answer so far stays; the state of an unfinished stream is open."""
        self._source.close()

    def __enter__(self) -> Self:
        try:
            self._source.check()
        except BaseException as error:
            self.close()
            if isinstance(error, SSEKitError):
                self.decoder.fail(error)
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class AsyncStream(_AnyStream[ChunkT, ResultT]):
    """The chunks of an asynchronous source, under asyncio, trio or anyio.

    The source is closed at the end of the stream, when it fails, when a read is cancelled, by
    `aclose()` and on leaving `async with`. Dropping the stream midway does not close it: only the
    event loop could. Iterating raises the errors of `Stream`, and the attributes `response` and
    `decoder` are those of `Stream`.
    """

    def __init__(
        self,
        source: AsyncSource,
        decoder: StreamDecoder[ChunkT, ResultT],
        *,
        check: bool = True,
        drain: bool = False,
    ) -> None:
        self._source: OpenAsyncSource = open_async_source(source, check=check)
        super().__init__(source, decoder)
        self._chunks = AsyncPull(self._source, decoder, drain)

    def __aiter__(self) -> AsyncIterator[ChunkT]:
        return self._chunks

    async def __anext__(self) -> ChunkT:
        return await anext(self._chunks)

    def text(self) -> AsyncIterator[str]:
        """Iterate over the text of choice 0 as it comes."""
        deltas = self.decoder.deltas
        return _AsyncFlatMap(self._chunks, lambda chunks: _texts(deltas(chunks)))

    def deltas(self) -> AsyncIterator[Delta]:
        """Iterate over the deltas of the stream, in the vocabulary that all formats share."""
        return _AsyncFlatMap(self._chunks, self.decoder.deltas)

    async def until_done(self) -> ResultT:
        """Read what is left and return the finished answer."""
        async for _ in self:
            pass
        return self.result()

    async def aclose(self) -> None:
        """Close the source. The answer so far stays; the state of an unfinished stream is open."""
        await self._source.aclose()

    async def __aenter__(self) -> Self:
        try:
            await self._source.check()
        except BaseException as error:  # also cancellation: `async with` is not entered then
            if isinstance(error, SSEKitError):
                self.decoder.fail(error)
            await self.aclose()
            raise
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()


def iter_events(
    source: Source, /, *, decoder: SSEDecoder | None = None, check: bool = True
) -> Iterator[ServerSentEvent]:
    """Yield the events of a source, and close it at the end.

    Args:
        source: Any source that `stream` of a format takes.
        decoder: A decoder with other options, or with the last event ID of an earlier connection.
            It is reset first: this is another stream.
        check: Whether a response must have a status of 2xx and be an event stream.

    Raises:
        EventTooLargeError: An event outgrew the decoder's limit.
        StreamInterruptedError: The source raised; `StreamTimeoutError` for a timeout.
        StatusError, ContentTypeError: The response is no event stream.
    """
    opened, receiver = open_source(source, check=check), EventReceiver(decoder)
    opened.reads = gather_lines(opened.reads, min(_GATHERED_SIZE, receiver.limit))
    return pull(opened, receiver)


def aiter_events(
    source: AsyncSource, /, *, decoder: SSEDecoder | None = None, check: bool = True
) -> AsyncPull[ServerSentEvent]:
    """Iterate over the events of an asynchronous source; otherwise as `iter_events`.

    The iterator has `aclose()`, which closes the source early.
    """
    return AsyncPull(open_async_source(source, check=check), EventReceiver(decoder))
