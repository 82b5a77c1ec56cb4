# Reconnection: WHATWG HTML 9.2.2 and 9.2.3, over the connections that the user opens.
# https://html.spec.whatwg.org/multipage/server-sent-events.html#processing-model
#
# `_Reconnection` decides, and does no I/O. `EventSource` and `AsyncEventSource` do what it says:
# they wait, connect, read and close.
#
# What always holds here:
# - Nothing waits and nothing is random by itself: `sleep` and `random` are arguments. So tests need
#   no clock, and trio needs no asyncio.
# - A connection is opened when an event is asked for, and closed before the next one is opened.
# - What is no `Exception` is never taken for a failure: it closes the connection and passes.
# - No reference goes in a circle, so that dropping an EventSource closes its connection at once.

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Container, Iterator
from contextlib import AsyncExitStack, ExitStack, suppress
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import msgspec

from ssekit._errors import (
    SSEKitError,
    StatusError,
    StreamInterruptedError,
    StreamTruncatedError,
    interruption,
)
from ssekit._event import ServerSentEvent
from ssekit._scanner import DEFAULT_MAX_EVENT_SIZE
from ssekit._source import AsyncSource, Source, open_async_source, open_source
from ssekit._sse import EventReceiver, SSEDecoder
from ssekit._stream import AsyncPull, pull

__all__ = ["AsyncEventSource", "Backoff", "EventSource", "areconnect", "reconnect"]

EventsT = TypeVar("EventsT")

# A server may ask for any wait: 2**64 milliseconds is valid, and more than a clock can count.
_LONGEST_WAIT = 86_400.0  # seconds

_INFINITY = float("inf")


class Backoff(msgspec.Struct, frozen=True, kw_only=True):
    """How long to wait before each attempt after a failed one: exponential backoff, as arithmetic.

    Attributes:
        initial: The delay before the first of them, in seconds.
        factor: What each next delay is multiplied by.
        cap: The longest delay, in seconds, before jitter.
        jitter: Which share of a delay may come on top of it, so that many clients do not come back
            at the same moment; from 0 to 1.
        attempts: How many of them there are before the last error counts; None for no end.

    Raises:
        ValueError: A value is not in its range.

    >>> backoff = Backoff(initial=0.5, factor=2, cap=30)
    >>> [backoff.delay(attempt) for attempt in range(8)]
    [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    """

    initial: float = 0.5
    factor: float = 2.0
    cap: float = 30.0
    jitter: float = 0.25
    attempts: int | None = 5

    def __post_init__(self) -> None:
        for name, value, least, most in (
            ("initial", self.initial, 0, _INFINITY),
            ("factor", self.factor, 1, _INFINITY),
            ("cap", self.cap, self.initial, _INFINITY),
            ("jitter", self.jitter, 0, 1),
            ("attempts", self.attempts or 0, 0, _INFINITY),
        ):
            if not (least <= value <= most and value < _INFINITY):  # also what is not a number
                limit = "" if most == _INFINITY else f" and at most {most}"
                raise ValueError(f"{name} is finite and at least {least}{limit}, not {value}")

    def delay(self, attempt: int, random: float = 0.0) -> float:
        """Return how long to wait, in seconds.

        Args:
            attempt: 0 before the first attempt after a failed one, and so on.
            random: How much of the jitter is added, from 0 to 1: what `random.random()` returns.
        """
        if attempt < 0:
            raise ValueError(f"attempt counts from 0, not {attempt}")
        if not 0 <= random <= 1:
            raise ValueError(f"random is from 0 to 1, not {random}")
        try:
            grown = self.initial * float(self.factor) ** attempt
        except OverflowError:
            grown = self.cap if self.initial else 0.0
        return min(grown, self.cap) * (1 + self.jitter * random)


class _Reconnection(Generic[EventsT]):
    """What is known from one connection to the next, and what to do between them.

    Attributes:
        last_event_id: Of the latest event that was handed over: what a next connection resumes
            from. (9.2.6 sets it where a block ends, also one without data.)
        reconnection_time: What the server's last `retry` field said, in milliseconds, or None.
    """

    def __init__(
        self,
        backoff: Backoff,
        random: Callable[[], float] | None,
        retry_statuses: Container[int],
        last_event_id: str,
        options: dict[str, Any],
    ) -> None:
        SSEDecoder(last_event_id=last_event_id, **options)  # what is wrong with them, it says now
        self.last_event_id = last_event_id
        self.reconnection_time: int | None = None
        self._backoff = backoff
        self._random = random
        self._retry_statuses = retry_statuses
        self._options = options
        # How many connections in a row have failed, or ended, without an event.
        self._attempt = 0
        # What to wait before connecting, in seconds.
        self._delay: float | None = None
        self._ended = False
        # Of the open connection: what decodes its events, and what pulls them.
        self._receiver: EventReceiver | None = None
        self._events: EventsT | None = None

    def _headers(self) -> dict[str, str]:
        # 9.2.2: Accept, and the cache mode "no-store", which is this on the wire (Fetch,
        # HTTP-network-or-cache fetch). 9.2.3: Last-Event-ID if that string is not empty.
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-cache"}
        if self.last_event_id:
            headers["Last-Event-ID"] = self.last_event_id
        return headers

    def _receive(self, source: Source | AsyncSource) -> EventReceiver:
        """Return what the events of a connection come from, or raise what its head says."""
        head = source.head
        if head is not None and head.status == 204:
            self._ended = True  # 9.2.1: No Content tells a client to stop reconnecting
        elif head is not None and head.status != 200 and head.status < 400:
            # 9.2.2: any other status than 200 fails the connection. (From 400 on, the source says
            # so itself, with what its body says.)
            said = "an event stream has the status 200, and no other"
            raise StatusError(said, status_code=head.status, headers=head.headers)
        self._receiver = EventReceiver(
            SSEDecoder(last_event_id=self.last_event_id, **self._options)
        )
        return self._receiver

    def _take(self, event: ServerSentEvent) -> None:
        self.last_event_id = event.id
        if event.retry is not None:
            self.reconnection_time = event.retry
        self._attempt = 0

    def _forget(self) -> None:
        self._receiver = self._events = None

    def _end(self, error: SSEKitError | None) -> None:
        """Take the end of a connection: set the wait before the next, or raise what ended all."""
        if self._receiver is not None:
            # A block without data has set the ID too, and a retry field counts at its line.
            self.last_event_id = self._receiver.decoder.last_event_id
            if self._receiver.decoder.reconnection_time is not None:
                self.reconnection_time = self._receiver.decoder.reconnection_time
        self._forget()
        if self._ended:
            return
        attempts = self._backoff.attempts
        if not self._is_temporary(error) or (attempts is not None and self._attempt >= attempts):
            self._ended = True
            raise error or StreamTruncatedError(
                f"the connection ended, and {attempts} attempts in a row to resume brought no event"
            )
        self._delay = self._wait(error)
        self._attempt += 1
        _drop_frames(error)

    def _is_temporary(self, error: SSEKitError | None) -> bool:
        # 9.2.2: the end of the body and a network error reestablish the connection. Any other
        # status or type fails it; and an event that is too large would come again.
        if isinstance(error, StatusError):
            return error.status_code in self._retry_statuses
        return error is None or isinstance(error, StreamInterruptedError)

    def _wait(self, error: SSEKitError | None) -> float:
        # 9.2.3: wait for the reconnection time; some more, if the previous attempt failed.
        backoff = self._backoff
        if self.reconnection_time is not None:
            asked = self.reconnection_time / 1000
            # However short the server's time is, what fails again and again is not hurried.
            initial = max(asked, backoff.initial) if self._attempt else asked
            cap = max(initial, backoff.cap)
            backoff = msgspec.structs.replace(backoff, initial=initial, cap=cap)
        delay = backoff.delay(self._attempt, self._random() if self._random else 0.0)
        if isinstance(error, StatusError):
            delay = max(delay, _retry_after(error) or 0.0)
        return min(delay, _LONGEST_WAIT)


def _drop_frames(error: BaseException | None) -> None:
    """Clear the tracebacks of an error that is not raised, and of those that it came from.

    Since Python 3.12 the frame of a failed read leads to the frames of its callers, up to the
    user's. Their variables are the EventSource and the connection that it opens next.
    """
    errors = [error]
    while errors:
        error = errors.pop()
        if error is not None and error.__traceback__ is not None:  # so a circle of causes ends
            error.with_traceback(None)
            errors += [error.__cause__, error.__context__]


def _retry_after(error: StatusError) -> float | None:
    """Return how long a response asks to wait, in seconds (RFC 9110 10.2.3), if it does."""
    value = (error.retry_after or "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    # A date is seen from the response's own Date: this looks at no clock.
    date, now = _http_date(value), _http_date(error.headers.get("date", ""))
    return None if date is None or now is None else date - now


def _http_date(value: str) -> float | None:
    # Imported where it is needed, which is rarely: it takes as long as all of ssekit.
    from email.utils import parsedate_to_datetime

    with suppress(ValueError, OverflowError):  # it is no date
        return parsedate_to_datetime(value).timestamp()
    return None


class EventSource(_Reconnection[Iterator[ServerSentEvent]], Iterator[ServerSentEvent]):
    """The events of one connection after another; see `reconnect`."""

    def __init__(
        self,
        connect: Callable[[dict[str, str]], Any],
        sleep: Callable[[float], object],
        *settings: Any,
    ) -> None:
        super().__init__(*settings)
        self._connect = connect
        self._sleep = sleep
        # What is to be closed of the open connection.
        self._opened = ExitStack()

    def __next__(self) -> ServerSentEvent:
        while not self._ended:
            failure: SSEKitError | None = None
            try:
                if self._events is None:
                    self._open()
                    continue
                for event in self._events:
                    self._take(event)
                    return event
            except SSEKitError as error:
                failure = error
            except BaseException:
                self._forget()
                self._release()
                raise
            self._release()
            self._end(failure)
        self._release()
        raise StopIteration

    def _open(self) -> None:
        """Wait, if there is a wait before the next connection; then open it."""
        if self._delay is not None:
            delay, self._delay = self._delay, None
            self._sleep(delay)
        else:
            source = self._connected()
            self._opened.callback(source.close)
            self._events = pull(source, self._receive(source))

    def _connected(self) -> Source:
        try:
            opened = self._connect(self._headers())
            with suppress(TypeError):
                return open_source(opened)
            if hasattr(opened, "__enter__"):  # such as client.stream(...) of httpx
                opened = self._opened.enter_context(opened)
        except (SSEKitError, TypeError):
            raise  # what connect says in our words; and misuse, which no attempt makes better
        except Exception as error:
            raise interruption(error) from error
        return open_source(opened)

    def _release(self) -> None:
        with suppress(Exception):  # what goes wrong in closing is not the stream's matter
            self._opened.close()

    def close(self) -> None:
        """Close the connection and open no other: the iterator has ended."""
        self._ended = True
        self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class AsyncEventSource(_Reconnection[AsyncPull[ServerSentEvent]], AsyncIterator[ServerSentEvent]):
    """The events of one connection after another, asynchronously; see `areconnect`."""

    def __init__(
        self,
        connect: Callable[[dict[str, str]], Any],
        sleep: Callable[[float], Awaitable[object]],
        *settings: Any,
    ) -> None:
        super().__init__(*settings)
        self._connect = connect
        self._sleep = sleep
        self._opened = AsyncExitStack()

    async def __anext__(self) -> ServerSentEvent:
        while not self._ended:
            failure: SSEKitError | None = None
            try:
                if self._events is None:
                    await self._open()
                    continue
                async for event in self._events:
                    self._take(event)
                    return event
            except SSEKitError as error:
                failure = error
            except BaseException:  # also cancellation
                self._forget()
                await self._release()
                raise
            await self._release()
            self._end(failure)
        await self._release()
        raise StopAsyncIteration

    async def _open(self) -> None:
        if self._delay is not None:
            delay, self._delay = self._delay, None
            await self._sleep(delay)
        else:
            source = await self._connected()
            self._opened.push_async_callback(source.aclose)
            self._events = AsyncPull(source, self._receive(source))

    async def _connected(self) -> AsyncSource:
        try:
            opened = self._connect(self._headers())
            if isinstance(opened, Awaitable):
                opened = await opened
            with suppress(TypeError):
                return open_async_source(opened)
            if hasattr(opened, "__aenter__"):
                opened = await self._opened.enter_async_context(opened)
        except (SSEKitError, TypeError):
            raise
        except Exception as error:
            raise interruption(error) from error
        return open_async_source(opened)

    async def _release(self) -> None:
        with suppress(Exception):
            await self._opened.aclose()

    async def aclose(self) -> None:
        """Close the connection and open no other: the iterator has ended."""
        self._ended = True
        await self._release()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


def reconnect(
    connect: Callable[[dict[str, str]], Any],
    /,
    *,
    sleep: Callable[[float], object],
    random: Callable[[], float] | None = None,
    backoff: Backoff = Backoff(),  # noqa: B008 - immutable
    retry_statuses: Container[int] = (),
    last_event_id: str = "",
    max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE,
    on_comment: Callable[[str], object] | None = None,
) -> EventSource:
    r"""Iterate over the events of a server, connecting again whenever the connection ends.

    As WHATWG HTML 9.2.3 has it: after the end of a body, and after whatever `connect` or reading
    raises, the next connection resumes from the last event ID, when the reconnection time has
    passed. An event that was not complete is dropped. It ends with the status 204 (No Content), or
    by `close()`. What is iterated over is a source for any typed stream.

    Args:
        connect: Opens a connection, with these headers in the request, and returns what `stream`
            of a format takes, or a context manager of that. A TypeError of it is misuse, and
            is raised at once. (An ID beyond ASCII is to be sent as UTF-8.)
        sleep: Waits so many seconds, such as `time.sleep`.
        random: Gives the random numbers for the jitter, such as `random.random`; none, no jitter.
        backoff: The delays, where the server's `retry` says nothing about the first; and how often
            in a row it is tried again. Each event starts the count over, and what may stay silent
            for long wants `attempts=None`.
        retry_statuses: Which statuses are worth another attempt, after what `Retry-After` asks
            for; such as `{429, *range(500, 600)}`. By the standard, none is.
        last_event_id: Where an earlier run stood.
        max_event_size, on_comment: Those of `SSEDecoder`.

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
    options = {"max_event_size": max_event_size, "on_comment": on_comment}
    return EventSource(connect, sleep, backoff, random, retry_statuses, last_event_id, options)


def areconnect(
    connect: Callable[[dict[str, str]], Any],
    /,
    *,
    sleep: Callable[[float], Awaitable[object]],
    random: Callable[[], float] | None = None,
    backoff: Backoff = Backoff(),  # noqa: B008 - immutable
    retry_statuses: Container[int] = (),
    last_event_id: str = "",
    max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE,
    on_comment: Callable[[str], object] | None = None,
) -> AsyncEventSource:
    """Iterate asynchronously over the events of a server; otherwise as `reconnect`.

    Args:
        connect: Returns what `astream` of a format takes, an asynchronous context manager of that,
            or an awaitable of either.
        sleep: Waits so many seconds, such as `asyncio.sleep` or `trio.sleep`.
        random, backoff, retry_statuses, last_event_id, max_event_size, on_comment: As there.
    """
    options = {"max_event_size": max_event_size, "on_comment": on_comment}
    return AsyncEventSource(connect, sleep, backoff, random, retry_statuses, last_event_id, options)
