# Reconnection: WHATWG HTML 9.2.2 and 9.2.3, over the connections that the user opens.
# https://html.spec.whatwg.org/multipage/server-sent-events.html#processing-model
#
# How it works:
# 1. `_Reconnection` is the core, without I/O: it makes the headers of a request, checks the head of
#    the response, records the last event ID, and decides after the end of a connection whether and
#    when another one follows.
# 2. `EventSource` and `AsyncEventSource` are its two shells: they wait, connect, read and close.
# 3. After each step, a shell's loop checks `_ended`, which another thread may set.
# The shells are twins: the second one repeats the first with `await`.
#
# What always holds here:
# - Nothing waits and nothing is random by itself: `sleep` and `random` are arguments. So tests need
#   no clock, and trio needs no asyncio.
# - A connection is opened when an event is asked for, and closed before the next one is opened.
# - Only an `Exception` is a failure. Any other exception closes the connection and is raised.
# - There is no cycle of references, so that dropping an EventSource closes its connection at once.

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Container, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    ExitStack,
    suppress,
)
from typing import Any, Generic, Self, TypeAlias, TypeVar

import msgspec

from ssekit._backoff import Backoff
from ssekit._errors import (
    SSEKitError,
    StatusError,
    StreamInterruptedError,
    StreamTruncatedError,
    drop_frames,
    interruption,
)
from ssekit._event import ServerSentEvent
from ssekit._head import id_header, retry_after
from ssekit._scanner import DEFAULT_MAX_EVENT_SIZE
from ssekit._source import (
    AsyncSource,
    OpenAsyncSource,
    OpenSource,
    Source,
    open_async_source,
    open_source,
)
from ssekit._sse import EventReceiver, SSEDecoder
from ssekit._stream import AsyncPull, pull

__all__ = ["AsyncEventSource", "EventSource", "areconnect", "reconnect"]

EventsT = TypeVar("EventsT")
StackT = TypeVar("StackT")

OnError: TypeAlias = Callable[[SSEKitError, int, float], object]
_AsyncConnection: TypeAlias = AsyncSource | AbstractAsyncContextManager[AsyncSource]

# A `retry` field of 2**64 milliseconds is valid, and more than a clock can count.
_LONGEST_WAIT = 86_400.0  # seconds
# Errors of the program, which another attempt would repeat. (A RuntimeError may be anything.)
_MISTAKES = (
    *(ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, MemoryError),
    *(NameError, NotImplementedError, RecursionError, SyntaxError, TypeError, ValueError),
)


class _Reconnection(Generic[EventsT, StackT]):
    """The state from one connection to the next, and the decisions between them.

    Attributes:
        last_event_id: The ID of the latest event that was returned: the next connection resumes
            after it. (9.2.6 sets it at the end of each block, also of one without data.)
        reconnection_time: The server's last `retry` field, in milliseconds, or None.
    """

    def __init__(
        self,
        opened: StackT,
        connect: Callable[[dict[str, Any]], Any],
        sleep: Callable[[float], Any],
        backoff: Backoff,
        random: Callable[[], float] | None,
        retry_statuses: Container[int],
        on_error: OnError | None,
        last_event_id: str,
        wire: dict[str, Any],
    ) -> None:
        if not callable(connect):
            raise TypeError(
                "connect is a function that takes the headers of a request and opens its response, "
                f"not {type(connect).__name__}: lambda headers: client.stream('GET', url, "
                "headers=headers)"
            )
        # A wrong option raises here, and not only when a connection is opened.
        self.last_event_id = SSEDecoder(last_event_id=last_event_id, **wire).last_event_id
        self.reconnection_time: int | None = None
        self._connect = connect
        self._sleep = sleep
        self._backoff = backoff
        self._random = random
        self._retry_statuses = retry_statuses
        self._on_error = on_error
        self._wire = wire  # the options of each SSEDecoder
        # The number of connections in a row that failed, or ended, without an event.
        self._attempt = 0
        # The wait before the next connection, in seconds.
        self._delay: float | None = None
        self._ended = False
        # The open connection: its context managers, its decoder, its events.
        self._opened = opened
        self._receiver: EventReceiver | None = None
        self._events: EventsT | None = None

    def _request_headers(self) -> dict[str, Any]:
        # 9.2.2: Accept, and the cache mode "no-store", which is this on the wire (Fetch,
        # HTTP-network-or-cache fetch). 9.2.3: Last-Event-ID if that string is not empty.
        headers: dict[str, Any] = {"Accept": "text/event-stream", "Cache-Control": "no-cache"}
        if value := id_header(self.last_event_id):
            headers["Last-Event-ID"] = value
        return headers

    def _accept(self, source: OpenSource | OpenAsyncSource) -> EventReceiver:
        """Check the head of a response, and return the receiver of its events."""
        head = source.head
        if head is not None and head.status == 204:
            self._ended = True  # 9.2.1: after No Content, a client stops reconnecting
        elif head is not None and head.status != 200 and head.status < 400:
            # 9.2.2: any status but 200 fails the connection. (From 400 on, the source raises an
            # error of its own, with the reason in the body.)
            reason = "an event stream has the status 200, and no other"
            raise StatusError(reason, status_code=head.status, headers=head.headers)
        self._receiver = EventReceiver(SSEDecoder(last_event_id=self.last_event_id, **self._wire))
        return self._receiver

    def _record(self, event: ServerSentEvent) -> None:
        self.last_event_id = event.id
        if event.retry is not None:
            self.reconnection_time = event.retry
        self._attempt = 0

    def _forget_connection(self) -> None:
        self._receiver = self._events = None

    def _end_connection(self, error: SSEKitError | None) -> None:
        """Set the wait before the next connection, or raise the error that ends the iteration."""
        if self._receiver is not None:
            # A block without data sets the ID too, and a `retry` field counts without any event.
            self.last_event_id = self._receiver.decoder.last_event_id
            if self._receiver.decoder.reconnection_time is not None:
                self.reconnection_time = self._receiver.decoder.reconnection_time
        self._forget_connection()
        if self._ended:
            return
        attempt, attempts = self._attempt, self._backoff.attempts
        used_up = attempts is not None and attempt >= attempts
        final = used_up or not self._is_temporary(error)
        if error is None:
            tried = f", and {attempt} attempts in a row to resume brought no event"
            error = StreamTruncatedError(f"the connection ended{tried if attempt else ''}")
        if final:
            self._ended = True
            raise error
        self._delay = self._next_delay(error)
        self._attempt += 1
        if self._on_error is not None:
            self._on_error(error, attempt, self._delay)
        drop_frames(error)

    def _is_temporary(self, error: SSEKitError | None) -> bool:
        # 9.2.2: after the end of the body or a network error, the connection is reestablished. Any
        # other status or type fails it; and an event that is too large would come again.
        if isinstance(error, StatusError):
            return error.status_code in self._retry_statuses
        if isinstance(error, StreamInterruptedError):
            return not isinstance(error.__cause__, MemoryError)
        return error is None

    def _next_delay(self, error: SSEKitError) -> float:
        # 9.2.3: wait for the reconnection time, and longer if the previous attempt failed.
        backoff = self._backoff
        if self.reconnection_time is not None:
            initial = max(self.reconnection_time / 1000, backoff.floor)
            if self._attempt:  # a short time of the server does not shorten a backoff
                initial = max(initial, backoff.initial)
            cap = max(initial, backoff.cap)
            backoff = msgspec.structs.replace(backoff, initial=initial, cap=cap)
        delay = backoff.delay(self._attempt, self._random() if self._random else 0.0)
        if isinstance(error, StatusError):
            delay = max(delay, retry_after(error) or 0.0)
        return min(delay, _LONGEST_WAIT)


class EventSource(_Reconnection[Iterator[ServerSentEvent], ExitStack], Iterator[ServerSentEvent]):
    """The events of one connection after another; see `reconnect`."""

    def __next__(self) -> ServerSentEvent:
        while not self._ended:
            failure: SSEKitError | None = None
            try:
                if self._events is None:
                    self._open()
                    continue
                for event in self._events:
                    self._record(event)
                    return event
            except SSEKitError as error:
                failure = error
            except BaseException:
                self._forget_connection()
                self._release()
                raise
            self._release()
            self._end_connection(failure)
        self._release()
        raise StopIteration

    def _open(self) -> None:
        """Wait, if a wait is due; otherwise open the next connection."""
        if self._delay is not None:
            delay, self._delay = self._delay, None
            self._sleep(delay)
        else:
            source = self._new_source()
            self._opened.callback(source.close)
            self._events = pull(source, self._accept(source))

    def _new_source(self) -> OpenSource:
        try:
            opened = self._connect(self._request_headers())
            with suppress(TypeError):
                return open_source(opened)
            if hasattr(opened, "__enter__"):  # such as client.stream(...) of httpx
                opened = self._opened.enter_context(opened)
        except (SSEKitError, *_MISTAKES):
            raise
        except Exception as error:
            raise interruption(error) from error
        return open_source(opened)

    def _release(self) -> None:
        with suppress(Exception):  # the events are not affected by an error in closing
            self._opened.close()

    def close(self) -> None:
        """Close the connection and open no other. The iterator ends."""
        self._ended = True
        self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class AsyncEventSource(
    _Reconnection[AsyncPull[ServerSentEvent], AsyncExitStack], AsyncIterator[ServerSentEvent]
):
    """The events of one connection after another, asynchronously; see `areconnect`."""

    async def __anext__(self) -> ServerSentEvent:
        while not self._ended:
            failure: SSEKitError | None = None
            try:
                if self._events is None:
                    await self._open()
                    continue
                async for event in self._events:
                    self._record(event)
                    return event
            except SSEKitError as error:
                failure = error
            except BaseException:  # also cancellation
                self._forget_connection()
                await self._release()
                raise
            await self._release()
            self._end_connection(failure)
        await self._release()
        raise StopAsyncIteration

    async def _open(self) -> None:
        if self._delay is not None:
            delay, self._delay = self._delay, None
            await self._sleep(delay)
        else:
            source = await self._new_source()
            self._opened.push_async_callback(source.aclose)
            self._events = AsyncPull(source, self._accept(source))

    async def _new_source(self) -> OpenAsyncSource:
        try:
            opened = self._connect(self._request_headers())
            if isinstance(opened, Awaitable):
                opened = await opened
            with suppress(TypeError):
                return open_async_source(opened)
            if hasattr(opened, "__aenter__"):
                opened = await self._opened.enter_async_context(opened)
        except (SSEKitError, *_MISTAKES):
            raise
        except Exception as error:
            raise interruption(error) from error
        return open_async_source(opened)

    async def _release(self) -> None:
        with suppress(Exception):
            await self._opened.aclose()

    async def aclose(self) -> None:
        """Close the connection and open no other. The iterator ends."""
        self._ended = True
        await self._release()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()


def reconnect(
    connect: Callable[[dict[str, Any]], Source | AbstractContextManager[Source]],
    /,
    *,
    sleep: Callable[[float], object],
    random: Callable[[], float] | None = None,
    backoff: Backoff = Backoff(),  # noqa: B008 - immutable
    retry_statuses: Container[int] = (),
    on_error: OnError | None = None,
    last_event_id: str = "",
    max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE,
    on_comment: Callable[[str], object] | None = None,
) -> EventSource:
    r"""Iterate over the events of a server, and connect again whenever the connection ends.

    By WHATWG HTML 9.2.3: after the end of a body, and after an exception of `connect` or of
    reading, the next connection resumes from the last event ID, when the reconnection time has
    passed. An incomplete event is dropped. The iteration ends with the status 204 (No Content), or
    by `close()`. The iterator is a source for any typed stream.

    Args:
        connect: Takes the headers of a request, opens a connection with them, and returns a source
            as `stream` of a format takes it, or a context manager of one. If it raises an error of
            the program, such as a TypeError or ValueError, that is raised at once. `Last-Event-ID`
            is bytes of UTF-8 if it is not ASCII: httpx, httpx2, requests and urllib3 send them. It
            is left out if no header can have it (a control character, or more than 8 KiB): the
            server then answers as it answers a new client.
        sleep: Waits for a number of seconds, such as `time.sleep`.
        random: Returns random numbers for the jitter, such as `random.random`. Without it there is
            no jitter.
        backoff: The delays, unless the server's `retry` sets the first; and the number of attempts
            in a row. Each event starts the count over. For a server that may be silent for long,
            set `attempts=None`.
        retry_statuses: The statuses after which another attempt is made, not before the time of
            `Retry-After`; such as `{429, *range(500, 600)}`. The standard has none.
        on_error: Called before each wait with the error, the attempt (as `Backoff.delay` counts)
            and the delay in seconds. The error of a clean end is a StreamTruncatedError.
        last_event_id: The ID of the latest event of an earlier run.
        max_event_size, on_comment: As for `SSEDecoder`.

    Raises:
        StreamInterruptedError: The last attempt failed; `StreamTimeoutError` for a timeout.
        StreamTruncatedError: The last attempt brought no event.
        StatusError: The status is not 200.
        ContentTypeError: The response is no event stream.
        EventTooLargeError: An event outgrew the limit.

    >>> bodies = iter([[b"id: 1\ndata: a\n\n", b"data: half an ev"], [b"data: b\n\n"]])
    >>> with reconnect(lambda headers: next(bodies), sleep=print) as events:
    ...     [(event.data, event.id) for event in (next(events), next(events))]
    0.5
    [('a', '1'), ('b', '1')]
    """
    wire = {"max_event_size": max_event_size, "on_comment": on_comment}
    return EventSource(
        ExitStack(), connect, sleep, backoff, random, retry_statuses, on_error, last_event_id, wire
    )


def areconnect(
    connect: Callable[[dict[str, Any]], _AsyncConnection | Awaitable[_AsyncConnection]],
    /,
    *,
    sleep: Callable[[float], Awaitable[object]],
    random: Callable[[], float] | None = None,
    backoff: Backoff = Backoff(),  # noqa: B008 - immutable
    retry_statuses: Container[int] = (),
    on_error: OnError | None = None,
    last_event_id: str = "",
    max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE,
    on_comment: Callable[[str], object] | None = None,
) -> AsyncEventSource:
    """Iterate asynchronously over the events of a server; otherwise as `reconnect`.

    Args:
        connect: Returns a source as `astream` of a format takes it, an asynchronous context manager
            of one, or an awaitable of either.
        sleep: Waits for a number of seconds, such as `asyncio.sleep` or `trio.sleep`.
        random, backoff, retry_statuses, on_error, last_event_id, max_event_size, on_comment: As
            for `reconnect`.
    """
    wire = {"max_event_size": max_event_size, "on_comment": on_comment}
    opened = AsyncExitStack()
    return AsyncEventSource(
        opened, connect, sleep, backoff, random, retry_statuses, on_error, last_event_id, wire
    )
