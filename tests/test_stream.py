"""The pulling shells: `_stream.py`. What both have in common is tested with the synchronous one."""

import gc
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from ssekit import (
    APIError,
    EventTooLargeError,
    ServerSentEvent,
    SSEDecoder,
    StreamInterruptedError,
    StreamNotFinishedError,
    StreamTimeoutError,
    StreamTruncatedError,
    TextDelta,
    chat,
    iter_events,
    responses,
)
from ssekit.testing.transports import Reads
from tests.shells import RELEASES, Shell
from tests.ways import pieces
from tests.wire import DONE, A, B, C, event, text


def contents(chunks: Any) -> list[str | None]:
    return [chunk.choices[0].delta.content for chunk in chunks]


async def test_chunks_come_as_they_are_read(shell: Shell):
    source = shell.reads(A, B, DONE)
    stream = shell.stream(source)
    assert source.taken == 0
    assert contents([await anext(stream)]) == ["a"]
    assert source.taken == 1
    assert contents([chunk async for chunk in stream]) == ["b"]
    assert (stream.state, source.closed) == ("done", 1)
    assert [chunk async for chunk in stream] == []


def test_nothing_is_decoded_before_it_is_asked_for():
    stream = chat.stream([A + B + C + DONE])
    next(stream)
    assert stream.accumulator.text == "a"


def test_nothing_is_read_after_the_end():
    source = Reads(A, DONE, B, OSError())
    assert chat.stream(source).until_done().choices[0].message.content == "a"
    assert source.taken == 2


def test_reading_goes_on_where_it_stopped():
    stream = chat.stream([A + B, C, DONE])
    for _ in stream:
        break
    assert contents(stream) == ["b", "c"]
    assert list(stream) == []
    with pytest.raises(StopIteration):
        next(stream)


def test_the_response_is_what_was_passed_in():
    source = Reads()
    assert chat.stream(source).response is source


async def test_text_deltas_and_chunks_share_one_reading(shell: Shell):
    other = event({"choices": [{"index": 1, "delta": {"content": "x"}}]})
    stream = shell.stream(shell.reads(A + B, other, C, text("d"), text("e"), DONE))
    assert await anext(stream.text()) == "a"
    assert await anext(stream.deltas()) == TextDelta(0, "b")
    assert contents([await anext(stream)]) == ["x"]
    pieces = stream.text()
    assert [piece async for piece in pieces] == ["c", "d", "e"]
    assert [piece async for piece in pieces] == []
    assert stream.result().choices[0].message.content == "abcde"


def test_a_snapshot_at_any_moment():
    stream = chat.stream([A, B, DONE])
    assert stream.snapshot().choices == []
    next(stream)
    first = stream.snapshot()
    assert stream.until_done() == stream.result() == stream.snapshot()
    assert first.choices[0].message.content == "a"


def test_the_result_never_reads():
    source = Reads(A, DONE)
    stream = chat.stream(source)
    with pytest.raises(StreamNotFinishedError):
        stream.result()
    assert source.taken == 0


# How it ends: what is read, what came before, and the error.
FAULTS: dict[str, tuple[list[Any], type[Exception], str]] = {
    "a transport that raises": ([A, B[:9], ConnectionResetError()], StreamInterruptedError, "a"),
    "a timeout": ([A, TimeoutError()], StreamTimeoutError, "a"),
    "an early end": ([A, B[:-2]], StreamTruncatedError, "ab"),
    "an early end within an event": ([A, B[:-4]], StreamTruncatedError, "a"),
    "an error in the stream": ([A + event({"error": "no"}) + B], APIError, "a"),
    "an event that is too large": ([A, b"x" * 200, B], EventTooLargeError, "a"),
}


@pytest.mark.parametrize(("reads", "kind", "before"), FAULTS.values(), ids=FAULTS)
async def test_faults(shell: Shell, reads: list[Any], kind: type[Exception], before: str):
    """What came before is delivered before; the source is closed; the error stays."""
    source = shell.reads(*reads)
    stream = shell.stream(source, decoder=chat.decoder(max_event_size=100))
    stated = []
    with pytest.raises(kind) as raised:
        async for chunk in stream:
            stated += contents([chunk])
    assert type(raised.value) is kind
    assert "".join(filter(None, stated)) == before == stream.accumulator.text
    assert raised.value.partial == stream.snapshot()  # type: ignore[attr-defined]
    assert source.closed == 1
    with pytest.raises(kind):
        stream.result()
    for again in (lambda: anext(stream), lambda: anext(aiter(stream)), stream.until_done):
        with pytest.raises(kind) as repeated:
            await again()
        assert repeated.value is raised.value


def test_an_error_that_is_raised_again_does_not_grow():
    stream = chat.stream([A])
    for _ in range(100):
        with pytest.raises(StreamTruncatedError) as raised:
            stream.until_done()
    assert len(raised.traceback) < 10


async def test_a_failing_callback_is_not_the_transport(shell: Shell):
    def on_comment(comment: str) -> None:
        raise ZeroDivisionError(comment)

    source = shell.reads(A, b": hello\n")
    stream = shell.stream(source, decoder=chat.decoder(on_comment=on_comment))
    with pytest.raises(ZeroDivisionError, match="hello"):
        await stream.until_done()
    assert (stream.state, source.closed) == ("open", 1)


# Releasing the source.


async def close_in_the_loop(stream: Any) -> None:
    async for _ in stream:
        await stream.aclose()
        break


async def read_all(stream: Any) -> None:
    await stream.until_done()


@pytest.mark.parametrize("release", [*RELEASES, close_in_the_loop, read_all])
async def test_the_source_is_closed(shell: Shell, release: Callable[[Any], Awaitable[None]]):
    source = shell.reads(A, B, DONE)
    stream = shell.stream(source)
    await release(stream)
    assert source.closed == 1
    await stream.aclose()
    assert source.closed == 1


DROPS: dict[str, Callable[[Reads], Any]] = {
    "a stream": chat.stream,
    "a stream midway": lambda source: next(chat.stream(source)),
    "a loop midway": lambda source: any(chat.stream(source)),
    "text midway": lambda source: next(chat.stream(source).text()),
    "deltas midway": lambda source: next(chat.stream(source).deltas()),
    "events": iter_events,
    "events midway": lambda source: next(iter_events(source)),
}


@pytest.mark.parametrize("drop", DROPS.values(), ids=DROPS)
def test_dropping_the_last_reference_closes_the_source_at_once(drop: Callable[[Reads], Any]):
    gc.disable()
    try:
        source = Reads(A + B, DONE)
        drop(source)
        assert source.closed == 1
    finally:
        gc.enable()


SOURCES = {"raises": lambda reads: reads(A, B, DONE), "ends": lambda _: (r for r in [A, B, DONE])}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
async def test_a_stream_that_is_closed_before_its_end_stays_open(shell: Shell, source: Any):
    """Reading it fails, whether its source then raises or just ends."""
    stream = shell.stream(source(shell.reads))
    await anext(stream)
    await stream.aclose()
    assert stream.state == "open"
    assert stream.snapshot().choices[0].message.content == "a"
    with pytest.raises(StreamNotFinishedError, match="closed before its end"):
        stream.result()
    for _ in range(2):
        with pytest.raises(StreamNotFinishedError, match="closed before its end") as raised:
            await anext(stream)
        assert raised.value.partial.choices[0].message.content == "a"
    with pytest.raises(StreamNotFinishedError):
        await anext(aiter(stream))


def test_a_closed_stream_reads_no_more_from_a_source_that_would_give_it():
    source = iter([A, B, DONE])  # which cannot be closed
    with chat.stream(source) as stream:
        chunks = iter(stream)
        next(chunks)
    with pytest.raises(StreamNotFinishedError):
        next(chunks)
    assert next(source) == B


@pytest.mark.parametrize("end", [OSError("closed"), StopIteration()], ids=["raises", "ends"])
def test_a_stream_that_is_closed_during_a_read(end: Exception):
    """As a socket that another thread closes: what its read then does is no fault of the stream."""

    class Closed(Reads):
        def __next__(self) -> bytes:
            if self.taken == 1:
                stream.close()
                raise end
            return super().__next__()

    stream = chat.stream(Closed(A))
    next(stream)
    with pytest.raises(StreamNotFinishedError):
        next(stream)
    assert (stream.state, stream.decoder.error) == ("open", None)


def test_a_stream_that_another_thread_closes_while_it_reads():
    """A generator refuses to be closed then: the reader closes it when its read returns."""
    reading, closed = threading.Event(), threading.Event()
    released = []

    def source() -> Iterator[bytes]:
        try:
            yield A
            reading.set()
            closed.wait(10)
            yield B
        finally:
            released.append(True)

    stream = chat.stream(source())

    def close_while_reading() -> None:
        reading.wait(10)
        stream.close()
        closed.set()

    thread = threading.Thread(target=close_while_reading)
    thread.start()
    with pytest.raises(StreamNotFinishedError) as raised:
        stream.until_done()
    thread.join()
    assert raised.value.partial.choices[0].message.content == "a"
    assert (stream.state, released) == ("open", [True])


# Going on, and draining.


async def test_an_answer_goes_on_over_another_source(shell: Shell):
    first = shell.stream(shell.reads(A, B[:9], ConnectionResetError()))
    with pytest.raises(StreamInterruptedError):
        await first.until_done()
    second = shell.stream(shell.reads(B, DONE), decoder=first.decoder)
    assert (await second.until_done()).choices[0].message.content == "ab"
    assert (second.state, second.decoder) == ("done", first.decoder)


@pytest.mark.parametrize(
    ("rest", "taken"), [([], 2), ([b"\n"], 3), ([b"x" * 40_000] * 9, 4), ([b"\n", OSError()], 4)]
)
async def test_what_follows_the_end_can_be_drained(shell: Shell, rest: list[Any], taken: int):
    source = shell.reads(A, DONE, *rest)
    stream = shell.stream(source, drain=True)
    assert (await stream.until_done()).choices[0].message.content == "a"
    assert (source.taken, source.closed) == (taken, 1)
    assert [chunk async for chunk in stream] == []
    assert source.taken == taken


def test_what_follows_a_failure_is_not_drained():
    source = Reads(event({"error": "no"}), b": still here\n", b": still here\n")
    with pytest.raises(APIError):
        chat.stream(source, drain=True).until_done()
    assert source.taken == 1


# Events alone.


async def test_events(shell: Shell):
    source = shell.reads(b"data: a\n\nda", ServerSentEvent("x"), b"ta: b\n\n", b"data: lost")
    decoder = SSEDecoder(last_event_id="7")
    events = [event async for event in shell.events(source, decoder=decoder)]
    assert [(event.data, event.id) for event in events] == [("a", "7"), ("x", ""), ("b", "7")]
    assert source.closed == 1


FAILURES = [(OSError("broken"), StreamInterruptedError), (b"x" * 30, EventTooLargeError)]


@pytest.mark.parametrize(("last", "kind"), FAILURES)
@pytest.mark.parametrize("rest", [[], [b"data: b\n\n"], [OSError()]])
async def test_events_that_fail(shell: Shell, last: Any, kind: type[Exception], rest: list[Any]):
    source = shell.reads(b"data: a\n\n", last, *rest)
    events = shell.events(source, decoder=SSEDecoder(max_event_size=20), check=False)
    assert (await anext(events)).data == "a"
    with pytest.raises(kind):
        await anext(events)
    assert source.closed == 1


def test_events_of_events():
    decoder = SSEDecoder()
    events = [ServerSentEvent("a"), ServerSentEvent("b", "x", "7")]
    assert list(iter_events(events, decoder=decoder)) == events
    assert decoder.last_event_id == "7"


def test_half_an_event_does_not_go_on_in_another_connection():
    decoder = SSEDecoder()
    broken = iter_events(Reads(b"id: 1\ndata: a\n\ndata: ha", OSError()), decoder=decoder)
    assert next(broken).data == "a"
    with pytest.raises(StreamInterruptedError):
        next(broken)
    assert list(iter_events([b"data: b\n\n"], decoder=decoder)) == [ServerSentEvent("b", id="1")]


def test_events_of_a_source_that_is_closed_by_another():
    source = (read for read in [b"data: a\n\n"])
    assert [event.data for event in iter_events(source, check=False)] == ["a"]


def test_events_are_read_as_they_are_asked_for():
    source = Reads(b"data: a\n\n", b"data: b\n\n")
    events = iter_events(source)
    assert source.taken == 0
    next(events)
    assert source.taken == 1


# Small reads, which are gathered until one of them ends a line.


@pytest.mark.parametrize(
    ("newline", "ends"),
    [(b"\n", [9, 18]), (b"\r", [9, 18]), (b"\r\n", [10, 21])],
    ids=["LF", "CR", "CRLF"],
)
def test_an_event_comes_with_the_byte_that_ends_it(newline: bytes, ends: list[int]):
    source = Reads(*pieces((b"data: a" + newline * 2) * 2))
    assert [source.taken for _ in iter_events(source)] == ends


def test_an_event_comes_with_the_read_that_ends_it():
    source = Reads(b"data: a", b"\n\r", b"data: b\n\n")
    assert [source.taken for _ in iter_events(source)] == [2, 3]


def test_an_event_comes_before_the_comment_that_follows_it_in_the_same_read():
    events: list[str] = []
    heard: list[tuple[str, list[str]]] = []
    decoder = SSEDecoder(on_comment=lambda text: heard.append((text, events.copy())))
    read = b": 1\ndata: a\n\n: 2\ndata: b\n: 3\n\n: 4\n"
    for each in iter_events([read], decoder=decoder):
        events.append(each.data)  # before the next is asked for
    assert heard == [("1", []), ("2", ["a"]), ("3", ["a"]), ("4", ["a", "b"])]


def test_a_comment_comes_with_the_byte_that_ends_it():
    source = Reads(*pieces(b": kept\ndata: a\n\n"))
    heard: list[int] = []
    decoder = SSEDecoder(on_comment=lambda text: heard.append(source.taken))
    assert len(list(iter_events(source, decoder=decoder))) == 1
    assert heard == [7]


GATHERED: dict[str, list[Any]] = {
    "a longer read": [b"da", b"ta", b": a\n\ndata: b\n\n" + b": " * 3000 + b"\n\nda", b"ta: c\n\n"],
    "many reads": [*pieces(b"data: a\ndata: " + b"b" * 5000), b"\n\n"],
    "other bytes": [b"da", b"ta: a", bytearray(b"\n"), b"da", memoryview(b"ta: b\n\n")],
    "empty reads": [b"", b"data: a", b"", b"\n", b"", b"\n", b""],
    "the end of an event, and the start of the next": [b"data: a", b"\n\nda", b"ta: b\n", b"\nda"],
    "a byte order mark": pieces(b"\xef\xbb\xbfdata: a\n\n"),
}


@pytest.mark.parametrize("reads", GATHERED.values(), ids=GATHERED)
def test_small_reads(reads: list[Any]):
    assert list(iter_events(reads)) == list(iter_events([b"".join(reads)]))


def test_an_event_that_comes_whole_between_small_reads():
    events = iter_events([b"da", ServerSentEvent("whole"), b"ta: a\n\n"])
    assert [event.data for event in events] == ["whole", "a"]


class IncompleteRead(Exception):
    """As http.client has it."""

    def __init__(self, partial: bytes) -> None:
        self.partial = partial


def test_small_reads_before_an_incomplete_one():
    events = iter_events(Reads(b"data: a\n\n", b"da", b"ta", IncompleteRead(b": b\n\n")))
    assert [next(events).data, next(events).data] == ["a", "b"]
    with pytest.raises(StreamInterruptedError):
        next(events)


@pytest.mark.parametrize("rest", [[], [b"\n\n"], [OSError()]], ids=["end", "line end", "failure"])
def test_small_reads_that_become_too_large(rest: list[Any]):
    source = Reads(b"data: a\n\n", *pieces(b"x" * 30), *rest)
    events = iter_events(source, decoder=SSEDecoder(max_event_size=20))
    assert next(events).data == "a"
    with pytest.raises(EventTooLargeError):
        next(events)


def test_small_reads_are_not_held_beyond_the_limit():
    source = Reads(*[b"x"] * 10_000)
    with pytest.raises(EventTooLargeError):
        list(iter_events(source, decoder=SSEDecoder(max_event_size=10)))
    assert source.taken <= 20


def test_empty_reads_are_not_held_without_end():
    source = Reads(*[b""] * 10_000, b"data: a\n\n")
    assert [event.data for event in iter_events(source)] == ["a"]


def test_what_is_too_large_is_so_whatever_failed_after_it():
    source = Reads(IncompleteRead(b"x" * 30))
    with pytest.raises(EventTooLargeError):
        list(iter_events(source, decoder=SSEDecoder(max_event_size=20)))


def test_a_decoder_that_is_failed_while_its_source_is_read():
    def reads() -> Iterator[bytes]:
        yield A
        stream.decoder.fail(TimeoutError("watched"))
        yield B

    stream = chat.stream(reads())
    assert contents([next(stream)]) == ["a"]
    with pytest.raises(StreamTimeoutError):
        for _ in stream:
            pass


@pytest.mark.parametrize("reads", [[A + B + DONE], [A, B + DONE]], ids=["one read", "two reads"])
def test_a_decoder_that_is_failed_between_two_chunks_looks_at_no_more(reads: list[bytes]):
    stream = chat.stream(reads)
    next(stream)
    stream.decoder.fail(OSError())
    with pytest.raises(StreamInterruptedError) as caught:
        stream.until_done()
    assert (stream.state, stream.decoder.ended_by) == ("failed", None)
    assert caught.value.partial == stream.snapshot()
    assert stream.accumulator.text == "a"


def test_a_decoder_that_a_comment_fails_looks_at_no_more():
    def fail(_: str) -> None:
        decoder.fail(OSError())

    decoder = chat.decoder(on_comment=fail)
    assert len(decoder.feed(A + b": bad\n\n" + B)) == 1
    assert decoder.error is not None
    assert decoder.error.partial == decoder.snapshot()
    assert decoder.accumulator.text == "a"


def test_nothing_is_drained_from_a_source_that_is_closed():
    source = Reads(b'data: {"type": "response.completed"}\n\n', b"more")
    stream = responses.stream(source, drain=True)
    for _ in stream:
        stream.close()
    assert (stream.state, source.taken) == ("done", 1)
