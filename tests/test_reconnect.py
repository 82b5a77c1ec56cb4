"""Reconnection: `_reconnect.py`, and each clause of WHATWG HTML 9.2 that speaks of it."""

import asyncio
import gc
import math
import random
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from ssekit import (
    Backoff,
    ContentTypeError,
    EventTooLargeError,
    ServerSentEvent,
    SSEKitError,
    StatusError,
    StreamInterruptedError,
    StreamNotFinishedError,
    StreamTimeoutError,
    StreamTruncatedError,
    areconnect,
    chat,
    reconnect,
)
from ssekit.testing.transports import AsyncReads, Reads
from tests.shells import SHELLS, Shell, read_all
from tests.wire import DONE, A, B, C


class Body(AsyncReads):
    """The reads of a response, which may be read in both ways."""

    def __iter__(self) -> Iterator[Any]:
        return self.inner


class Answer:
    """A response as httpx has it, which records that it was closed."""

    def __init__(self, *reads: Any, status: int = 200, **headers: str) -> None:
        self.status_code = status
        self.headers = {"content-type": "text/event-stream"}
        self.headers |= {name.replace("_", "-"): value for name, value in headers.items()}
        self.reads = self.stream = Body(*reads)

    def iter_bytes(self) -> Iterator[Any]:
        return self.reads.inner

    def close(self) -> None:
        self.reads.inner.close()

    def aiter_bytes(self) -> AsyncIterator[Any]:
        return self.reads

    async def aclose(self) -> None:
        await self.reads.aclose()


class Host:
    """Gives its answers one after the other, and then the status 204."""

    def __init__(self, *answers: Any) -> None:
        self.answers = answers
        self.opened: list[Answer] = []
        self.requests: list[dict[str, str]] = []
        self.waits: list[float] = []

    def connect(self, headers: dict[str, str]) -> Any:
        assert self.all_closed, "a connection is closed before the next is opened"
        self.requests.append(headers)
        known = self.answers[len(self.requests) - 1 :]
        answer = known[0] if known else Answer(status=204)
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, Answer):
            self.opened.append(answer)
        return answer

    async def aconnect(self, headers: dict[str, str]) -> Any:
        return self.connect(headers)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def asleep(self, seconds: float) -> None:
        self.sleep(seconds)

    @property
    def all_closed(self) -> bool:
        return all(answer.reads.closed == 1 for answer in self.opened)

    @property
    def ids(self) -> list[str | bytes | None]:
        """The Last-Event-ID of each request."""
        return [headers.get("Last-Event-ID") for headers in self.requests]


def reader(shell: Shell) -> Callable[..., Any]:
    """Return what reads all that a host sends: the events, and the error if there is one."""

    def read(host: Host, **options: Any) -> tuple[list[ServerSentEvent], Any]:
        async def main() -> Any:
            source = shell.reconnect(host, **options)
            events, error = await read_all(source)
            if isinstance(error, SSEKitError):
                assert [event async for event in source] == []
            elif error is not None:
                raise error
            return events, error

        return shell.run(main)

    return read


@pytest.fixture
def read(shell: Shell) -> Callable[..., Any]:
    return reader(shell)


def data(events: list[ServerSentEvent]) -> str:
    return "".join(event.data for event in events)


# 9.2.2 and 9.2.3, clause by clause.


def test_a_request_accepts_event_streams_and_asks_no_cache(read: Any):
    host = Host()
    assert read(host) == ([], None)
    assert host.requests == [{"Accept": "text/event-stream", "Cache-Control": "no-cache"}]


# What a connection sends before it is cut, and which Last-Event-ID the next request has.
IDS = {
    "an event without an id": ("data: a\n\n", None),
    "an event with an id": ("id: 7\ndata: a\n\n", "7"),
    "two of them": ("id: 7\ndata: a\n\nid: 8\ndata: b\n\n", "8"),
    "an id beyond ASCII": ("id: …\ndata: a\n\n", "…".encode()),
    "an id with an invalid byte": (b"id: \xff\ndata: a\n\n", "\ufffd".encode()),
    "blanks around it": ("id: \t 7\t \ndata: a\n\n", "7"),
    "blanks alone": ("id:  \t \ndata: a\n\n", None),
    "blanks beyond those of HTTP": ("id: \xa07\ndata: a\n\n", "\xa07".encode()),
    "blanks and tabs within it": ("id: 7 \t8\ndata: a\n\n", "7 \t8"),
    "a control character": ("id: 7\x0b8\ndata: a\n\n", None),
    "a control character at its end": ("id: 7\ndata: a\n\nid: 8\x7f\ndata: b\n\n", None),
    "8 KiB": ("id: " + "7" * 8192 + "\ndata: a\n\n", "7" * 8192),
    "more than 8 KiB": ("id: 7\ndata: a\n\nid: " + "é" * 4097 + "\ndata: a\n\n", None),
    "an id that an event after it keeps": ("id: 7\ndata: a\n\ndata: b\n\n", "7"),
    "an event that was not complete": ("id: 7\ndata: a\n\nid: 8\ndata: b\n", "7"),
    "an id whose line was not complete": ("id: 7\ndata: a\n\nid: 8", "7"),
    "a block without data": ("id: 7\ndata: a\n\nid: 8\n\n", "8"),
    "a block without data, and no event": ("id: 8\n\n", "8"),
    "an empty id, which resets it": ("id: 7\ndata: a\n\nid:\ndata: b\n\n", None),
    "a field without a colon, likewise": ("id: 7\ndata: a\n\nid\ndata: b\n\n", None),
    "an id with NUL, which is ignored": ("id: 7\ndata: a\n\nid: 8\0\ndata: b\n\n", "7"),
}


@pytest.mark.parametrize(("body", "id_"), IDS.values(), ids=IDS)
@pytest.mark.parametrize("cut", [None, OSError()], ids=["a clean end", "a network error"])
def test_the_last_event_id(read: Any, body: Any, id_: Any, cut: Exception | None):
    """Whether it may stand in a header or not, it is no failure of the connection."""
    body = body if isinstance(body, bytes) else body.encode()
    host = Host(Answer(body, *[cut][: cut is not None]))
    assert read(host)[1] is None
    assert host.ids == [None, id_]


def test_the_last_event_id_stays_over_connections_that_set_none(read: Any):
    host = Host(Answer(b"id: 7\ndata: a\n\n"), OSError(), Answer(b"data: b\n\n"), Answer())
    events, error = read(host)
    assert ([(event.data, event.id) for event in events], error) == ([("a", "7"), ("b", "7")], None)
    assert host.ids == [None, "7", "7", "7", "7"]


@pytest.mark.parametrize(("id_", "sent"), [("7", "7"), (" 7", "7"), ("\ud800", "\ufffd".encode())])
def test_the_last_event_id_of_an_earlier_run(read: Any, id_: str, sent: Any):
    host = Host(Answer(b"data: a\n\n"))
    assert read(host, last_event_id=id_)[0][0].id == id_.replace("\ud800", "\ufffd")
    assert host.ids == [sent, sent]


@pytest.mark.parametrize("end", [b"", b"event: x", b"event: x\n", b"id: 9\r", b"\xef\xbb", b"da"])
def test_an_unfinished_event_is_dropped_at_the_cut(read: Any, end: bytes):
    """And each connection is a stream of its own, with a byte order mark of its own."""
    host = Host(Answer(b"data: a\n\ndata: half\n" + end), Answer(b"\xef\xbb\xbfdata: b\n\n"))
    events, _ = read(host)
    assert events == [ServerSentEvent("a"), ServerSentEvent("b")]


def test_an_lf_after_a_cut_is_not_of_a_crlf_before_it(read: Any):
    host = Host(Answer(b"data: a\r\r"), Answer(b"\ndata: b\n\n"))
    assert data(read(host)[0]) == "ab"


INTERRUPTIONS = [OSError(), ConnectionRefusedError(), TimeoutError(), RuntimeError("any other")]


@pytest.mark.parametrize("failure", INTERRUPTIONS, ids=lambda failure: type(failure).__name__)
def test_a_network_error_reestablishes_the_connection(read: Any, failure: Exception):
    """Whether it comes before the head, or in the body."""
    host = Host(failure, Answer(b"data: a\n\n", failure), Answer(failure), Answer(b"data: b\n\n"))
    events, error = read(host)
    assert (data(events), error, host.all_closed) == ("ab", None, True)
    assert len(host.requests) == 5


def test_no_content_ends_it_for_good(read: Any):
    host = Host(Answer(b"data: a\n\n"), Answer(b"data: x\n\n", status=204), Answer(b"data: b\n\n"))
    events, error = read(host)
    assert (data(events), error, host.all_closed) == ("a", None, True)
    assert len(host.requests) == 2
    assert host.opened[1].reads.taken == 0


STATUSES = [201, 205, 210, 299, 301, 307, 400, 401, 404, 410, 429, 500, 503]


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_that_is_not_200_fails_for_good(read: Any, status: int):
    host = Host(Answer(b"data: a\n\n"), Answer(b"data: x\n\n", status=status), Answer())
    events, error = read(host)
    assert isinstance(error, StatusError)
    assert error.status_code == status
    assert (data(events), host.all_closed, len(host.requests)) == ("a", True, 2)


@pytest.mark.parametrize("kind", ["text/html", "application/json", "x bogus", "text/x-bogus"])
def test_a_wrong_content_type_fails_for_good(read: Any, kind: str):
    host = Host(Answer(b"data: a\n\n"), Answer(b"data: x\n\n", content_type=kind), Answer())
    events, error = read(host)
    assert isinstance(error, ContentTypeError)
    assert (data(events), host.all_closed, len(host.requests)) == ("a", True, 2)


@pytest.mark.parametrize("kind", ["text/event-stream;", "TEXT/Event-Stream; charset=x", ""])
def test_the_essence_of_the_content_type_counts(read: Any, kind: str):
    assert data(read(Host(Answer(b"data: a\n\n", content_type=kind)))[0]) == "a"


# What connections send, and the waits between them; the user's is 0.5 s.
WAITS: dict[str, tuple[list[Any], list[float]]] = {
    "the user's, where the server sends none": ([b"data: a\n\n"], [0.5]),
    "the server's": ([b"retry: 3000\ndata: a\n\n"], [3]),
    "not octal": ([b"retry: 03000\ndata: a\n\n"], [3]),
    "none at all, which would be a hot loop": ([b"retry: 0\ndata: a\n\n"] * 2, [0.1, 0.1]),
    "longer than the cap": ([b"retry: 60000\ndata: a\n\n"], [60]),
    "the latest": ([b"retry: 1000\ndata: a\n\nretry: 2000\ndata: b\n\n"], [2]),
    "of a block without data": ([b"data: a\n\nretry: 3000\n\n"], [3]),
    "of a block that was not complete": ([b"data: a\n\nretry: 3000\ndata: b"], [3]),
    "not of a line that was not complete": ([b"data: a\n\nretry: 3000"], [0.5]),
    "not of a bogus field": ([b"retry: 1000x\ndata: a\n\nretry\n\nretry: -1\n\n"], [0.5]),
    "kept over connections": ([b"retry: 3000\ndata: a\n\n", b"data: b\n\n"], [3, 3]),
    "longer after what failed": ([b"", b"", OSError()], [0.5, 1, 2]),
    "longer than the server's, then": ([b"retry: 3000\n\n", b"", OSError()], [3, 6, 12]),
    "the server's again, after an event": ([b"retry: 3000\n\n", b"", b"data: a\n\n"], [3, 6, 3]),
    "up to the cap": ([b"retry: 3000\n\n", b"", b"", b"", b""], [3, 6, 12, 24, 30]),
    "not hurried by a short one": ([b"retry: 200\n\n", b"", b"data: a\n\n"], [0.2, 1, 0.2]),
    "no longer than a day": ([b"retry: 18446744073709551615\ndata: a\n\n"], [86_400]),
}


@pytest.mark.parametrize(("bodies", "waits"), WAITS.values(), ids=WAITS)
def test_the_wait_before_the_next_connection(read: Any, bodies: list[Any], waits: list[float]):
    host = Host(*[Answer(body) if isinstance(body, bytes) else body for body in bodies])
    assert read(host)[1] is None
    assert host.waits == waits


def test_jitter_comes_on_top_of_the_wait(read: Any):
    host = Host(Answer(b"data: a\n\n"), Answer(b"retry: 3000\ndata: a\n\n"))
    read(host, random=lambda: 0.5, backoff=Backoff(initial=1, jitter=0.2))
    assert host.waits == pytest.approx([1.1, 3.3])


@pytest.mark.parametrize(
    ("backoff", "wait"),
    [
        (Backoff(floor=3), 3),
        (Backoff(floor=0), 0),
        (Backoff(floor=60), 60),
        (Backoff(initial=0, floor=0), 0),
        (Backoff(floor=3, jitter=0.5), 3.75),
    ],
)
def test_the_shortest_wait_that_a_server_can_ask_for(read: Any, backoff: Backoff, wait: float):
    host = Host(Answer(b"retry: 0\ndata: a\n\n"))
    read(host, backoff=backoff, random=lambda: 0.5 if backoff.jitter == 0.5 else 0.0)
    assert host.waits == [wait]


def test_each_wait_is_reported_before_it(read: Any):
    busy = Answer(status=503, retry_after="7")
    host = Host(Answer(b"data: a\n\n"), busy, TimeoutError("slow"), Answer(b"data: b\n\n"))
    reports: list[Any] = []

    def on_error(error: SSEKitError, attempt: int, delay: float) -> None:
        assert len(host.waits) == len(reports)
        reports.append((type(error), str(error), attempt, delay))

    read(host, on_error=on_error, retry_statuses=[503])
    assert reports == [
        (StreamTruncatedError, "the connection ended", 0, 0.5),
        (StatusError, "status 503: the server gave no reason that can be read", 1, 7),
        (StreamTimeoutError, "the transport raised TimeoutError: slow", 2, 2),
        (StreamTruncatedError, "the connection ended", 0, 0.5),
    ]
    assert [delay for *_, delay in reports] == host.waits


def test_an_error_that_is_raised_is_not_reported(read: Any):
    reports: list[Any] = []
    host = Host(OSError(), Answer(status=404))
    _, error = read(host, on_error=lambda *report: reports.append(report))
    assert isinstance(error, StatusError)
    assert len(reports) == len(host.waits) == 1


# Giving up.


@pytest.mark.parametrize("attempts", [0, 1, 3])
def test_the_last_error_is_raised_when_the_attempts_are_used_up(read: Any, attempts: int):
    failures = [OSError(), *(TimeoutError(str(n)) for n in range(9))]
    host = Host(Answer(b"data: a\n\n", failures[0]), *failures[1:])
    events, error = read(host, backoff=Backoff(attempts=attempts))
    assert type(error) is (StreamTimeoutError if attempts else StreamInterruptedError)
    assert error.__cause__ is failures[attempts]
    assert (data(events), host.all_closed) == ("a", True)
    assert (len(host.requests), len(host.waits)) == (1 + attempts, attempts)


@pytest.mark.parametrize("first", [b"data: a\n\n", b": hello\n\ndata: half"])
def test_clean_ends_without_an_event_use_attempts_up_too(read: Any, first: bytes):
    host = Host(Answer(first), *(Answer(b": hello\n\ndata: half") for _ in range(9)))
    _, error = read(host, backoff=Backoff(attempts=2))
    assert isinstance(error, StreamTruncatedError)
    assert "2 attempts in a row to resume brought no event" in str(error)
    assert len(host.requests) == 3


def test_the_count_starts_over_on_progress(read: Any):
    """Here, an event is followed by a cut and two more failures, three in all."""
    answers = [(Answer(b"data: a\n\n", OSError()), OSError(), Answer()) for _ in range(5)]
    events, error = read(Host(*sum(answers, ())), backoff=Backoff(attempts=3))
    assert (data(events), error) == ("aaaaa", None)


def test_attempts_without_an_end(read: Any):
    host = Host(*(OSError() for _ in range(2000)), Answer(b"data: a\n\n"))
    assert data(read(host, backoff=Backoff(attempts=None))[0]) == "a"
    assert (host.waits[5], host.waits[-2], host.waits[-1]) == (16, 30, 0.5)


def test_an_event_that_is_too_large_fails_for_good(read: Any):
    host = Host(Answer(b"data: a\n\n" + b"x" * 30), Answer(b"data: b\n\n"))
    events, error = read(host, max_event_size=20)
    assert isinstance(error, EventTooLargeError)
    assert (data(events), host.all_closed, len(host.requests)) == ("a", True, 1)


NOW = "Sun, 06 Nov 1994 08:49:37 GMT"
# What a response has, and how long is waited at least.
RETRY_AFTER: list[tuple[dict[str, str], float]] = [
    ({}, 0.5),
    ({"retry_after": "7"}, 7),
    ({"retry_after": " 0 "}, 0.5),
    ({"retry_after": "7.5"}, 7.5),
    ({"retry_after": "999999999999"}, 86_400),
    ({"retry_after": "9" * 400}, 86_400),
    ({"retry_after": "-7"}, 0.5),
    ({"retry_after": "soon"}, 0.5),
    ({"retry_after": "٧"}, 0.5),
    ({"retry_after": "Sun, 06 Nov 1994 08:50:00 GMT", "date": NOW}, 23),
    ({"retry_after": "Sun, 06 Nov 1994 08:49:00 GMT", "date": NOW}, 0.5),
    ({"retry_after": "Sun, 06 Nov 1994 08:50:00 GMT"}, 0.5),
    ({"retry_after": "Sun, 99 Nov 1994 08:50:00 GMT", "date": NOW}, 0.5),
    ({"retry_after": "Sun, 06 Nov 99999999999999 08:50:00 GMT", "date": NOW}, 0.5),
]


@pytest.mark.parametrize(("headers", "wait"), RETRY_AFTER)
def test_a_status_worth_retrying(read: Any, headers: dict[str, str], wait: float):
    host = Host(Answer(b"busy", status=429, **headers), Answer(b"data: a\n\n"))
    events, error = read(host, retry_statuses={429, *range(500, 600)})
    assert (data(events), error, host.all_closed) == ("a", None, True)
    assert host.waits == [wait, 0.5]


def test_a_status_worth_retrying_counts_as_an_attempt(read: Any):
    host = Host(*(Answer(b'{"error": {"message": "busy"}}', status=503) for _ in range(9)))
    _, error = read(host, retry_statuses=[503], backoff=Backoff(attempts=2))
    assert str(error) == "status 503: busy"
    assert (host.waits, host.all_closed) == ([0.5, 1], True)


def test_an_error_that_connect_raises_in_our_words(read: Any):
    """Such as a status that the user has looked at."""
    busy = StatusError("busy", status_code=503, headers={})
    host = Host(busy, Answer(b"data: a\n\n"))
    assert data(read(host, retry_statuses=[503])[0]) == "a"
    assert read(Host(busy, Answer(b"data: a\n\n"))) == ([], busy)


# What is no failure of a connection.


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
@pytest.mark.parametrize("place", ["connect", "read", "sleep"])
def test_what_is_no_exception_is_not_wrapped(read: Any, kind: type[BaseException], place: str):
    def interrupt(seconds: float) -> None:
        raise kind

    host = Host({"connect": kind(), "read": Answer(kind()), "sleep": Answer()}[place])
    host.sleep = interrupt  # type: ignore[method-assign]
    with pytest.raises(kind):
        read(host)
    assert (host.all_closed, len(host.requests)) == (True, 1)


def test_a_failing_callback_is_not_the_transport(read: Any):
    def on_comment(comment: str) -> None:
        raise ZeroDivisionError(comment)

    host = Host(Answer(b": hello\n"))
    with pytest.raises(ZeroDivisionError, match="hello"):
        read(host, on_comment=on_comment)
    assert (host.all_closed, len(host.requests)) == (True, 1)


MISTAKES = [
    *(TypeError(), ValueError(), UnicodeError(), KeyError(), AttributeError(), NameError()),
    *(AssertionError(), ZeroDivisionError(), NotImplementedError(), MemoryError()),
    requests.exceptions.InvalidHeader(),  # an OSError, and a ValueError
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: type(mistake).__name__)
def test_an_error_of_the_program_in_connect_is_raised_at_once(read: Any, mistake: Exception):
    host = Host(Answer(b"data: a\n\n"), mistake)
    with pytest.raises(type(mistake)) as raised:
        read(host)
    assert raised.value is mistake
    assert (host.all_closed, len(host.requests)) == (True, 2)


def test_a_lack_of_memory_is_no_fault_of_the_connection(read: Any):
    shortage = MemoryError()
    host = Host(Answer(b"data: a\n\n", shortage), Answer())
    events, error = read(host)
    assert (data(events), error.__cause__, len(host.requests)) == ("a", shortage, 1)


def test_misuse_is_raised_at_once(read: Any):
    with pytest.raises(TypeError, match=r"pathlib\.Path"):
        read(Host("a name"))
    host = Host(Answer("text"))
    with pytest.raises(TypeError, match="undecoded"):
        read(host)
    assert host.all_closed
    for follow in (reconnect, areconnect):
        with pytest.raises(TypeError, match=r"connect is a function .* not str"):
            follow("https://example.com", sleep=None)
    with pytest.raises(ValueError, match="last_event_id"):
        read(Host(), last_event_id="a\nb")
    with pytest.raises(ValueError, match="max_event_size"):
        read(Host(), max_event_size=0)


def test_reading_goes_on_after_an_interrupt():
    """It resumes from the events that were returned, not from those that were read."""
    body = b"id: 1\ndata: a\n\n: now\nid: 2\ndata: b\n\n"
    stated = []

    def on_comment(comment: str) -> None:
        stated.append(comment)
        if len(stated) == 1:
            raise KeyboardInterrupt

    host = Host(Answer(body), Answer(body))
    source = reconnect(host.connect, sleep=host.sleep, on_comment=on_comment)
    assert next(source).data == "a"
    with pytest.raises(KeyboardInterrupt):
        next(source)
    assert data(list(source)) == "ab"
    assert host.ids == [None, "1", "2"]


# What a connection may be.


def events() -> list[ServerSentEvent]:
    return [ServerSentEvent("a", id="1", retry=2000), ServerSentEvent("b", id="2")]


@contextmanager
def managed(answer: Answer) -> Iterator[Answer]:
    try:
        yield answer
    finally:
        answer.close()


@asynccontextmanager
async def async_managed(answer: Answer) -> AsyncIterator[Answer]:
    try:
        yield answer
    finally:
        await answer.aclose()


async def test_connections_of_any_kind(shell: Shell):
    manage = managed if shell.reads is Reads else async_managed
    answers = [Answer(b"data: a\n\n"), Answer(b"data: m\n\n", OSError())]
    reads = shell.reads(b"id: 7\ndata: l\n\n")
    host = Host(reads, manage(answers[1]), events(), answers[0])
    source = shell.reconnect(host)
    assert data([event async for event in source]) == "lmaba"
    assert (source.last_event_id, source.reconnection_time) == ("2", 2000)
    assert host.ids == [None, "7", "7", "2", "2"]
    assert host.waits == [0.5, 0.5, 2, 2]
    assert [answer.reads.closed for answer in answers] == [1, 2]
    assert reads.closed == 1


async def test_an_asynchronous_connection_that_is_not_awaited():
    host = Host()
    kinds = iter([async_managed(Answer(b"data: a\n\n")), async_managed(Answer(status=204))])
    source = areconnect(lambda headers: next(kinds), sleep=host.asleep)
    assert [event.data async for event in source] == ["a"]


def test_a_context_manager_that_fails_to_open_or_to_close():
    @contextmanager
    def failing(*steps: Any) -> Iterator[Any]:
        for step in steps:
            if isinstance(step, Exception):
                raise step
            yield step

    kinds = iter(
        [failing(OSError()), failing(Answer(b"data: a\n\n"), OSError()), Answer(status=204)]
    )
    assert data(list(reconnect(lambda headers: next(kinds), sleep=lambda seconds: None))) == "a"


def test_a_context_manager_of_no_source_is_closed():
    closed = []

    @contextmanager
    def manager() -> Iterator[int]:
        try:
            yield 5
        finally:
            closed.append(True)

    with pytest.raises(TypeError, match="got int"):
        next(reconnect(lambda headers: manager(), sleep=print))
    assert closed == [True]


# Closing, and what can be looked at.


def test_what_is_known_at_any_moment():
    """`last_event_id` is that of the event in hand, though the read had more in it."""
    body = b"retry: 2000\nid: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\n\nretry: 9\n"
    source = reconnect(Host(Answer(body), OSError()).connect, sleep=lambda seconds: None)
    assert (source.last_event_id, source.reconnection_time) == ("", None)
    seen = [(event.data, source.last_event_id, source.reconnection_time) for event in source]
    assert seen == [("a", "1", 2000), ("b", "2", 2000)]
    assert (source.last_event_id, source.reconnection_time) == ("3", 9)


async def test_closing_ends_it(shell: Shell):
    host = Host(Answer(b"data: a\n\ndata: b\n\n"))
    async with shell.reconnect(host) as source:
        async for _ in source:
            await source.aclose()
    assert [event async for event in source] == []
    assert (host.all_closed, len(host.requests)) == (True, 1)


def test_leaving_with_or_dropping_it_closes_the_connection():
    host = Host(Answer(b"data: a\n\n"), Answer(b"data: b\n\n", OSError()), Answer(b"data: c\n\n"))
    with reconnect(host.connect, sleep=host.sleep) as source:
        next(source)
    assert host.all_closed
    source = reconnect(host.connect, sleep=host.sleep)
    gc.disable()
    try:
        assert data([next(source), next(source)]) == "bc"
        assert not host.all_closed
        del source
        assert host.all_closed
    finally:
        gc.enable()


async def test_dropping_an_asynchronous_one_warns_nowhere():
    host = Host(Answer(b"data: a\n\n"))
    async for _ in areconnect(host.aconnect, sleep=host.asleep):
        break
    gc.collect()


CIRCLE = OSError()
CIRCLE.__cause__ = CIRCLE
ORIGINS = {
    "an error below": (KeyError(), None),
    "two of them": (KeyError(), OSError()),
    "itself": (CIRCLE, None),
}


@pytest.mark.parametrize(("context", "cause"), ORIGINS.values(), ids=ORIGINS)
def test_an_error_before_a_retry_holds_no_connection(context: Exception, cause: Exception | None):
    """Neither by its own frames nor by those of the errors it came from, whoever keeps it."""

    def fail() -> None:
        try:
            raise context
        except KeyError:
            raise OSError from cause

    host = Host(Answer(b"data: a\n\n", fail), OSError(), Answer(b"data: b\n\n"))
    source = reconnect(host.connect, sleep=host.sleep)
    gc.disable()
    try:
        assert data([next(source), next(source)]) == "ab"
        del source
        assert host.all_closed
    finally:
        gc.enable()


@pytest.mark.parametrize("place", ["connect", "read", "sleep"])
def test_another_thread_may_close_it(place: str):
    reached, go_on = threading.Event(), threading.Event()

    def block(here: str, answer: Any) -> Any:
        if here == place:
            reached.set()
            assert go_on.wait(10)
        return answer

    def body() -> Iterator[bytes]:
        yield b"data: a\n\n"
        block("read", None)

    host = Host(Answer())
    host.answers[0].iter_bytes = body
    source = reconnect(
        lambda headers: block("connect", host.connect(headers)),
        sleep=lambda seconds: block("sleep", None),
    )
    found: list[ServerSentEvent] = []
    thread = threading.Thread(target=lambda: found.extend(source))
    thread.start()
    assert reached.wait(10)
    source.close()
    go_on.set()
    thread.join(10)
    assert (data(found), len(host.requests)) == ("" if place == "connect" else "a", 1)
    assert host.all_closed


async def test_another_task_may_close_it():
    """No wait follows, and no error: the iteration has ended."""

    async def connect(headers: dict[str, str]) -> Any:
        await source.aclose()
        raise OSError

    host = Host()
    source = areconnect(connect, sleep=host.asleep)
    assert [event async for event in source] == []
    assert host.waits == []


@pytest.mark.parametrize("place", ["connect", "read", "sleep"])
async def test_cancellation_closes_the_connection(place: str):
    reached = asyncio.Event()

    async def block(here: str, value: Any = None) -> Any:
        if here == place:
            reached.set()
            await asyncio.Event().wait()
        return value

    async def connect(headers: dict[str, str]) -> Any:
        return await block("connect", host.connect(headers))

    host = Host(Answer(b"data: a\n\n", lambda: block("read", b"data: b\n\n")))
    source = areconnect(connect, sleep=lambda seconds: block("sleep"))
    task = asyncio.create_task(read_all(source))
    await reached.wait()
    task.cancel()
    assert isinstance((await task)[1], asyncio.CancelledError)
    assert host.all_closed or place == "connect"  # which has the connection, and nobody else


# Typed streams.


def with_ids(*chunks: bytes) -> list[bytes]:
    return [b"id: %d\n" % number + chunk for number, chunk in enumerate(chunks)]


async def test_a_typed_stream_over_connections(shell: Shell):
    first, second, third, last = with_ids(A, B, C, DONE)
    cut = Answer(first, second[:-1], TimeoutError())
    host = Host(cut, OSError(), Answer(second + third), Answer(last, A))
    stream = shell.stream(shell.reconnect(host))
    assert (await stream.until_done()).choices[0].message.content == "abc"
    assert (host.ids, host.all_closed) == ([None, "0", "0", "2"], True)
    assert host.opened[-1].reads.taken == 1  # nothing is read after the end


async def test_closing_the_stream_closes_the_connection_and_opens_no_other(shell: Shell):
    host = Host(Answer(A, B), Answer(C))
    source = shell.reconnect(host)
    async with shell.stream(source) as stream:
        await anext(stream)
    assert host.all_closed
    assert [event async for event in source] == []
    with pytest.raises(StreamNotFinishedError):
        await anext(stream)
    assert len(host.requests) == 1


def test_a_stream_has_the_error_that_ended_the_connections():
    host = Host(Answer(A, OSError()), Answer(b'{"error": "gone"}', status=410))
    stream = chat.stream(reconnect(host.connect, sleep=host.sleep))
    with pytest.raises(StatusError, match="410: gone") as raised:
        stream.until_done()
    assert raised.value.partial.choices[0].message.content == "a"
    assert (stream.state, host.all_closed) == ("failed", True)


# Nothing is lost, and nothing is repeated.


class Resuming(Host):
    """A server with many events, which resumes after Last-Event-ID, and is cut 1,000 times."""

    CUTS = 1000

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.chance = random.Random(seed)
        self.events = [
            ServerSentEvent(f"{n}\n☀️" * self.chance.randrange(1, 4), f"kind{n % 3}", f"é{n}")
            for n in range(2000)
        ]
        self.encoded = [self.encode(event) for event in self.events]
        self.places = {event.id: n for n, event in enumerate(self.events)}
        self.cuts = 0

    def encode(self, event: ServerSentEvent) -> bytes:
        end = self.chance.choice([b"\n", b"\r\n", b"\r"])
        return event.encode().replace(b"\n", end)

    def connect(self, headers: dict[str, str]) -> Any:
        id_: Any = headers.get("Last-Event-ID")
        start = 0 if id_ is None else self.places[id_.decode()] + 1
        if self.cuts == self.CUTS:
            rest = self.encoded[start:]
            return Answer(b"".join(rest)) if rest else Answer(status=204)
        self.cuts += 1
        body = b"".join(self.encoded[start : start + 8])
        cut = self.chance.randrange(min(len(body), 250))
        size = self.chance.randrange(1, 60)
        reads = [body[at : min(at + size, cut)] for at in range(0, cut, size)]
        return Answer(*reads, *self.chance.choice([[], [OSError()], [TimeoutError()]]))


async def test_a_thousand_cuts_lose_and_repeat_no_event(shell: Shell):
    server = Resuming(1)
    found, error = await read_all(shell.reconnect(server, backoff=Backoff(attempts=None)))
    assert (found, error, server.cuts) == (server.events, None, server.CUTS)


# Lines that mean something, in any order, and anything else.
lines = st.sampled_from([b"data: a", b"id: 7", b"id", b"retry: 5", b"\n", b"\r\n", b": x", b"\n\n"])
bodies = st.lists(lines | st.binary(max_size=5), max_size=12)
words = st.sampled_from(["Sun,", "6", "Nov", "99", "1994", "0", "08:49", "GMT", "-0500", "x"])
dates = st.lists(words, max_size=7).map(" ".join)
answers = st.builds(
    Answer,
    bodies.map(b"".join),
    status=st.sampled_from([200, 200, 204, 302, 429]),
    content_type=st.sampled_from(["text/event-stream", "text/html"]),
    retry_after=st.text(max_size=9) | st.integers().map(str) | dates,
    date=dates,
)
failures = st.sampled_from([OSError, TimeoutError, EOFError]).map(lambda kind: kind())


@pytest.mark.parametrize("read", [*map(reader, SHELLS.values())], ids=SHELLS)
@given(st.lists(answers | failures, max_size=8))
def test_only_our_errors_come_out_of_whatever_comes_in(read: Any, answers: list[Any]):
    host = Host(*answers)
    _, error = read(host, retry_statuses=[429], max_event_size=30)
    assert error is None or isinstance(error, SSEKitError)
    assert host.all_closed
    assert all(0 <= wait <= 86_400 for wait in host.waits)


# Backoff.


def test_delays_grow_up_to_the_cap():
    backoff = Backoff(initial=1, factor=3, cap=20, jitter=0.5)
    assert [backoff.delay(attempt) for attempt in range(5)] == [1, 3, 9, 20, 20]
    assert [backoff.delay(1, chance) for chance in (0, 0.5, 1)] == [3, 3.75, 4.5]
    assert Backoff(initial=2, factor=1).delay(10**6) == 2


@pytest.mark.parametrize("factor", [2, 2.0, 10**9, 1e300])
@pytest.mark.parametrize("attempt", [5000, 10**9, 10**400])
def test_huge_attempts_do_not_overflow(factor: float, attempt: int):
    assert Backoff(factor=factor).delay(attempt) == 30
    assert Backoff(initial=0, factor=factor).delay(attempt) == 0


WRONG = [
    ({"initial": -1}, "initial is finite and at least 0, not -1"),
    ({"initial": math.nan}, "initial is finite"),
    ({"factor": 0.5}, "factor is finite and at least 1, not 0.5"),
    ({"factor": math.inf}, "factor is finite"),
    ({"cap": 0.1}, "cap is finite and at least 0.5, not 0.1"),
    ({"cap": math.inf}, "cap is finite"),
    ({"jitter": 2}, "jitter is finite and at least 0 and at most 1, not 2"),
    ({"attempts": -1}, "attempts is finite and at least 0, not -1"),
    ({"floor": -1}, "floor is finite and at least 0, not -1"),
]


@pytest.mark.parametrize(("values", "stated"), WRONG)
def test_a_value_out_of_its_range(values: Any, stated: str):
    with pytest.raises(ValueError, match=stated):
        Backoff(**values)


@pytest.mark.parametrize("arguments", [(-1,), (0, -0.1), (0, 1.5), (0, math.nan)])
def test_an_argument_out_of_its_range(arguments: Any):
    with pytest.raises(ValueError, match="0"):
        Backoff().delay(*arguments)
