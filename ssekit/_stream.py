# Pull: a source is read, what it gives is pushed into a decoder, and the source is closed.
#
# What always holds here:
# - Nothing about formats, ends or errors is decided here: the decoder does that.
# - Nothing is read before somebody asks, and nothing after the decoder has seen the end.
# - No reference goes in a circle, so that dropping a Stream closes its source at once.
# - The asynchronous iterators are classes, not async generators: dropping one midway leaves nothing
#   behind for an event loop to finish, and no event loop is imported.

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from ssekit._accumulator import Accumulator
from ssekit._decoder import Read, State, StreamDecoder
from ssekit._deltas import Delta, TextDelta
from ssekit._errors import SSEKitError, StreamNotFinishedError, interruption
from ssekit._event import ServerSentEvent, as_bytes, make_event
from ssekit._fast_path import NO_FIELDS
from ssekit._json import join_surrogates
from ssekit._source import AsyncSource, Source, open_async_source, open_source
from ssekit._sse import SSEDecoder

__all__ = ["AsyncStream", "Stream", "aiter_events", "iter_events"]

ChunkT = TypeVar("ChunkT")
ResultT = TypeVar("ResultT")
ItemT = TypeVar("ItemT")
ItemT_co = TypeVar("ItemT_co", covariant=True)

_DRAIN_SIZE = 64 * 2**10  # bytes
_HELD_SIZE = 4 * 2**10  # bytes
CLOSED = "the stream was closed before its end was read"


class _Receiver(Protocol[ItemT_co]):
    """What the shells push into: a StreamDecoder, or `Events`."""

    state: State

    def receive(
        self, reads: Iterable[Any], release: Callable[[], object] | None = None
    ) -> Iterator[ItemT_co]: ...
    def last_reads(self) -> Iterator[Any]: ...
    def fail(self, cause: BaseException, /) -> None: ...
    def raise_error(self) -> None: ...
    def not_finished(self, reason: str) -> SSEKitError: ...


class Events:
    """An SSEDecoder, as the shells push into it."""

    def __init__(self, decoder: SSEDecoder) -> None:
        # Half an event of an earlier connection does not go on in this one.
        decoder.reset()
        self.decoder = decoder
        self._scanner = decoder._scanner  # pyright: ignore[reportPrivateUsage] - the one friend
        self.limit = self._scanner.limit  # bytes
        self._error: SSEKitError | None = None
        self.state: State = "open"

    def receive(
        self, reads: Iterable[Read], release: Callable[[], object] | None = None
    ) -> Iterator[ServerSentEvent]:
        scanner = self._scanner
        try:
            for data in reads:
                if type(data) is bytes:
                    payloads = scanner.scan(data)
                elif isinstance(data, ServerSentEvent):
                    scanner.last_event_id = join_surrogates(data.id).encode()
                    yield data
                    continue
                else:
                    payloads = scanner.scan(as_bytes(data))
                for payload in payloads:
                    if scanner.head is NO_FIELDS:
                        yield ServerSentEvent(str(payload, "utf-8", "replace"))
                    else:
                        yield make_event(payload, scanner.head)
                if scanner.too_large:
                    self.fail(scanner.error())
        finally:
            if release is not None:
                release()

    def last_reads(self) -> Iterator[ServerSentEvent]:
        if self.state == "open":
            yield from self.decoder.close()
            self.state = "done"

    def fail(self, cause: BaseException, /) -> None:
        if self.state == "open":
            self._error = interruption(cause)
            self.state = "failed"

    def raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def not_finished(self, reason: str) -> SSEKitError:
        return StreamNotFinishedError(reason)


def pull(source: Source, receiver: _Receiver[ItemT], drain: bool = False) -> Iterator[ItemT]:
    """Yield what a receiver makes of a source, close the source, and raise the receiver's error."""
    # (To yield here what the receiver yields took 25 ns an event.)
    return receiver.receive(_reads(source, receiver, drain), source.close)


def _reads(source: Source, receiver: _Receiver[Any], drain: bool) -> Iterator[Any]:
    """Yield what a receiver is to have, until it has seen the end; then raise its error."""
    # Only what reading raises is the transport's. What a user's callback raises passes elsewhere.
    try:
        source.check()
        for data in source.reads:
            if not source.closed and receiver.state == "open":
                yield data
            if source.closed or receiver.state != "open":  # before the next read, not after it
                break
    except Exception as error:
        if not source.closed:
            yield from _last_reads(receiver, error)
    if source.closed and receiver.state == "open":
        raise receiver.not_finished(CLOSED)
    yield from receiver.last_reads()
    if drain and receiver.state == "done":
        _drain(source)
    receiver.raise_error()


def _last_reads(receiver: _Receiver[Any], error: Exception) -> Iterator[bytes]:
    """Yield what was received before a transport failed, and then let it fail."""
    # What the standard library calls an incomplete read brings the bytes that did come.
    partial = getattr(error, "partial", None)
    if isinstance(partial, bytes):
        yield partial
    receiver.fail(error)


def _gather(reads: Iterator[Any], most: int) -> Iterator[Any]:
    """Yield reads, with small ones that end no line put before the next that does.

    Nothing is complete in what is held back, which is less than `most` bytes. (Where reads are of
    17 bytes, an event takes 2.5 us instead of 5.5; where they are of one byte, 25 instead of 58.
    Where each is a whole event, this is 0.04 us more, which is left out of a Stream.)
    """
    held: list[bytes] = []
    size = 0
    try:
        for data in reads:
            if type(data) is bytes:
                if 10 not in data and 13 not in data:
                    size += len(data) or 1
                    if size < most:
                        held.append(data)
                        continue
                if held:
                    data, held = _whole_lines([*held, data], most)
                size = len(held[0]) if held else 0
            elif held:
                yield b"".join(held)
                held = []
            yield data
    except Exception:  # whatever a source raises: what is held came before it, and goes before it
        yield b"".join(held)
        raise
    yield b"".join(held)


def _whole_lines(held: list[bytes], most: int) -> tuple[bytes, list[bytes]]:
    """Return what ends with a line, and what is held on: the start of the next."""
    data = b"".join(held)
    end = data.rfind(b"\n") + 1
    if not 0 < end < len(data) < most or 13 in data:
        return data, []
    return data[:end], [data[end:]]


def _drain(source: Source) -> None:
    room = _DRAIN_SIZE
    with suppress(Exception):  # the answer is complete: what becomes of the rest is not its matter
        while room > 0 and not source.closed:
            room -= len(next(source.reads))


class AsyncPull(AsyncIterator[ItemT]):
    """As `pull`, for an asynchronous source; `aclose` releases it early."""

    def __init__(
        self, source: AsyncSource, receiver: _Receiver[ItemT], drain: bool = False
    ) -> None:
        self._source = source
        self._receiver = receiver
        self._drain = drain
        # The items of the latest read.
        self._items: Iterator[ItemT] = iter(())

    async def __anext__(self) -> ItemT:
        source, receiver = self._source, self._receiver
        try:
            while True:
                for item in self._items:
                    return item
                if receiver.state != "open":
                    await self._release()
                    receiver.raise_error()
                    raise StopAsyncIteration
                # (A method of its own for what follows would take 60 ns for every read.)
                try:
                    if source.head is not None:
                        await source.check()
                    if not source.closed:
                        self._items = receiver.receive((await anext(source.reads),))
                except StopAsyncIteration:
                    if not source.closed:
                        self._items = receiver.receive(receiver.last_reads())
                except Exception as error:
                    if not source.closed:
                        self._items = receiver.receive(_last_reads(receiver, error))
                if source.closed:
                    self._items = iter(())  # what came too late
                    raise receiver.not_finished(CLOSED)
        except BaseException:  # also cancellation: the source is closed in what time is left
            await source.aclose()
            raise

    async def aclose(self) -> None:
        """Close the source."""
        await self._source.aclose()

    async def _release(self) -> None:
        room = _DRAIN_SIZE if self._drain and self._receiver.state == "done" else 0
        self._drain = False
        with suppress(Exception):
            while room > 0:
                room -= len(await anext(self._source.reads))
        await self._source.aclose()


class _AsyncFlatMap(AsyncIterator[ItemT], Generic[ItemT, ChunkT]):
    """What `each` gives for the items of a stream, and then what `last` gives."""

    def __init__(
        self,
        stream: AsyncIterator[ChunkT],
        each: Callable[[ChunkT], Iterable[ItemT]],
        last: Callable[[], Iterable[ItemT]],
    ) -> None:
        self._stream = stream
        self._each = each
        self._last: Callable[[], Iterable[ItemT]] | None = last
        self._items: Iterator[ItemT] = iter(())

    async def __anext__(self) -> ItemT:
        while True:
            for item in self._items:
                return item
            if self._last is None:
                raise StopAsyncIteration
            try:
                self._items = iter(self._each(await anext(self._stream)))
            except StopAsyncIteration:
                self._items = iter(self._last())
                self._last = None


def _texts(deltas: Iterable[Delta]) -> Iterator[str]:
    return (delta.text for delta in deltas if type(delta) is TextDelta and delta.index == 0)


class _AnyStream(Generic[ChunkT, ResultT]):
    """What Stream and AsyncStream have in common: the views of the decoder.

    Attributes:
        response: What was passed in: its headers and status are there.
        decoder: What decodes and accumulates; pass it on to continue the answer elsewhere.
    """

    def __init__(self, response: Any, decoder: StreamDecoder[ChunkT, ResultT]) -> None:
        decoder.resume()
        self.response = response
        self.decoder = decoder

    @property
    def event(self) -> ServerSentEvent | None:
        """The event behind the latest chunk, or the one that ended the stream."""
        return self.decoder.event

    @property
    def accumulator(self) -> Accumulator[ChunkT, ResultT]:
        """What folds the chunks, with the views of the answer so far."""
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
        return self.decoder.result()


class Stream(_AnyStream[ChunkT, ResultT]):
    """The chunks of a source, read as they are asked for.

    The source is closed at the end of the stream, when it fails, by `close()`, on leaving `with`,
    and when the last reference to the stream goes. Iterating raises, after the chunks that were
    complete before:

    Raises:
        APIError: The server reported an error.
        DecodeError: An event is not what the format says.
        EventTooLargeError: An event outgrew the decoder's limit.
        StreamInterruptedError: The source raised; `StreamTimeoutError` for a timeout.
        StreamTruncatedError: The bytes ended before the stream's own end.
        StreamNotFinishedError: The stream was closed, and is still read.
        StatusError, ContentTypeError: The response is no event stream (on entering `with`, if the
            stream is used so).
    """

    def __init__(
        self,
        source: Any,
        decoder: StreamDecoder[ChunkT, ResultT],
        *,
        check: bool = True,
        drain: bool = False,
    ) -> None:
        self._source = open_source(source, check=check)
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

    def _raise_error(self) -> None:
        """Raise again what ended the reading, which a generator does once."""
        self.decoder.raise_error()
        if self._source.closed and self.state == "open":
            raise self.decoder.not_finished(CLOSED)

    def text(self) -> Iterator[str]:
        """Yield the text of choice 0 as it comes."""
        return _texts(self.deltas())

    def deltas(self) -> Iterator[Delta]:
        """Yield what the stream says, in the words that all formats share."""
        deltas = self.accumulator.deltas
        for chunk in self:
            for delta in deltas(chunk):  # noqa: UP028 - `yield from` takes 15 ns more
                yield delta
        yield from self.accumulator.last_deltas()

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

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class AsyncStream(_AnyStream[ChunkT, ResultT]):
    """The chunks of an asynchronous source, under asyncio, trio or anyio.

    The source is closed at the end of the stream, when it fails, when a read is cancelled, by
    `aclose()` and on leaving `async with`. Dropping the stream midway does not close it: only the
    event loop could. Iterating raises what it raises for `Stream`.
    """

    def __init__(
        self,
        source: Any,
        decoder: StreamDecoder[ChunkT, ResultT],
        *,
        check: bool = True,
        drain: bool = False,
    ) -> None:
        self._source = open_async_source(source, check=check)
        super().__init__(source, decoder)
        self._chunks = AsyncPull(self._source, decoder, drain)

    def __aiter__(self) -> AsyncIterator[ChunkT]:
        return self._chunks

    async def __anext__(self) -> ChunkT:
        return await anext(self._chunks)

    def text(self) -> AsyncIterator[str]:
        """Iterate over the text of choice 0 as it comes."""
        accumulator = self.accumulator
        return _AsyncFlatMap(
            self._chunks,
            lambda chunk: _texts(accumulator.deltas(chunk)),
            lambda: _texts(accumulator.last_deltas()),
        )

    def deltas(self) -> AsyncIterator[Delta]:
        """Iterate over what the stream says, in the words that all formats share."""
        accumulator = self.accumulator
        return _AsyncFlatMap(self._chunks, accumulator.deltas, accumulator.last_deltas)

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

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


def iter_events(
    source: Any, /, *, decoder: SSEDecoder | None = None, check: bool = True
) -> Iterator[ServerSentEvent]:
    """Yield the events of a source, and close it at the end.

    Args:
        source: What `stream` of a format takes.
        decoder: Has options of its own, or the last event ID of an earlier connection. It is reset:
            this is another stream.
        check: Whether a response must have a status below 400 and be an event stream.

    Raises:
        EventTooLargeError: An event outgrew the decoder's limit.
        StreamInterruptedError: The source raised; `StreamTimeoutError` for a timeout.
        StatusError, ContentTypeError: The response is no event stream.
    """
    opened, receiver = open_source(source, check=check), Events(decoder or SSEDecoder())
    opened.reads = _gather(opened.reads, min(_HELD_SIZE, receiver.limit))
    return pull(opened, receiver)


def aiter_events(
    source: Any, /, *, decoder: SSEDecoder | None = None, check: bool = True
) -> AsyncPull[ServerSentEvent]:
    """Iterate over the events of an asynchronous source; otherwise as `iter_events`.

    The iterator has `aclose()`, which closes the source early.
    """
    return AsyncPull(open_async_source(source, check=check), Events(decoder or SSEDecoder()))
