"""What the user holds: `_source.py`."""

import asyncio
import io
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ssekit import ContentTypeError, SSEDecoder, StatusError, StreamTruncatedError, chat
from ssekit._source import open_async_source, open_source
from ssekit.testing.transports import AsyncReads, Reads
from tests.wire import DONE, A, B

STREAM = A + B + DONE


class OnlyRead(io.RawIOBase):
    """A file object that has no `read1`."""

    def __init__(self) -> None:
        self.rest = STREAM

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        read, self.rest = self.rest[:10], self.rest[10:]
        buffer[: len(read)] = read
        return len(read)


class Bare:
    """Something to read from, and nothing else."""

    def __init__(self, stream: bytes) -> None:
        self.read = io.BytesIO(stream).read


def generator() -> Iterator[bytes]:
    yield A
    yield B + DONE


async def async_generator() -> AsyncIterator[bytes]:
    yield A
    yield B + DONE


def response(body: bytes = STREAM, status: int = 200, **headers: str) -> httpx.Response:
    """A response as httpx gives it while its body streams."""
    return httpx.Response(status, headers=headers, content=iter([body]))


def async_response(body: bytes = STREAM, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers=headers, content=AsyncReads(body))


SOURCES = {
    "a list": lambda: [A, B, DONE],
    "an iterator": lambda: iter([A, B, DONE]),
    "a generator": generator,
    "events": lambda: SSEDecoder().feed(STREAM),
    "a file in memory": lambda: io.BytesIO(STREAM),
    "a buffered file": lambda: io.BufferedReader(OnlyRead()),
    "a raw file": OnlyRead,
    "a file object that is not to be closed": lambda: Bare(STREAM),
    "a response of httpx": response,
}
ASYNC_SOURCES = {
    **{name: make for name, make in SOURCES.items() if "response" not in name},
    "an async iterator": lambda: AsyncReads(A, B, DONE),
    "an async generator": async_generator,
    "an async response of httpx": async_response,
}


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
def test_sources(make: Any):
    assert chat.collect(make()).choices[0].message.content == "ab"


@pytest.mark.parametrize("make", ASYNC_SOURCES.values(), ids=ASYNC_SOURCES)
def test_async_sources(make: Any):
    assert asyncio.run(chat.acollect(make())).choices[0].message.content == "ab"


def test_a_plain_source_that_ends_early_asynchronously():
    with pytest.raises(StreamTruncatedError):
        asyncio.run(chat.acollect([A, B]))


@pytest.mark.parametrize("kind", [Path, str])
def test_a_path_is_a_recorded_stream(tmp_path: Path, kind: Any):
    path = tmp_path / "stream"
    path.write_bytes(STREAM)
    if kind is str:
        with pytest.raises(TypeError, match=r"pass \[data\]"):
            chat.collect(str(path))
    else:
        assert chat.collect(path) == asyncio.run(chat.acollect(path)) == chat.collect([STREAM])


async def coroutine() -> None:
    """Something that was not awaited."""


@pytest.mark.parametrize(
    ("source", "advice"),
    [
        ("data: x", r"pass \[data\]"),
        (b"data: y", r"pass \[data\]"),
        (bytearray(), r"pass \[data\]"),
        (memoryview(b""), r"pass \[data\]"),
        ({}, "got dict"),
        (5, "got int"),
        (None, "got NoneType"),
    ],
)
@pytest.mark.parametrize("open_any", [open_source, open_async_source])
def test_what_is_no_source(open_any: Any, source: Any, advice: str):
    with pytest.raises(TypeError, match=advice):
        open_any(source)


def test_a_coroutine_is_to_be_awaited():
    unawaited = coroutine()
    with pytest.raises(TypeError, match="await it"):
        open_source(unawaited)
    unawaited.close()


def test_an_asynchronous_source_is_for_the_asynchronous():
    with pytest.raises(TypeError, match="use astream"):
        chat.stream(AsyncReads())


@pytest.mark.parametrize("item", ["data: x\n\n", 5, None])
def test_a_source_gives_bytes_or_events(item: Any):
    source = Reads(item)
    with pytest.raises(TypeError, match="expected bytes"):
        chat.collect(source)
    assert source.closed == 1


def test_a_text_file_is_none(tmp_path: Path):
    path = tmp_path / "stream"
    path.write_bytes(STREAM)
    with path.open() as file, pytest.raises(TypeError, match="undecoded"):
        chat.collect(file)


def test_a_source_is_closed_once():
    reads = Reads()
    source = open_source(reads)
    source.close()
    source.close()
    del source
    assert reads.closed == 1


def test_dropping_a_source_closes_it():
    reads = Reads()
    open_source(reads)
    assert reads.closed == 1


class BadlyClosed(Reads):
    """A transport that cannot even close."""

    def close(self) -> None:
        super().close()
        raise OSError("cannot close")


def test_what_goes_wrong_in_closing_is_dropped():
    assert chat.collect(BadlyClosed(STREAM)).choices[0].message.content == "ab"


def test_what_goes_wrong_in_closing_is_dropped_asynchronously():
    class BadlyClosed(AsyncReads):
        async def aclose(self) -> None:
            await super().aclose()
            raise OSError("cannot close")

    source = BadlyClosed(STREAM)
    asyncio.run(chat.acollect(source))
    assert source.closed == 1


@pytest.mark.parametrize("close", ["aclose", "close"])
def test_an_async_source_is_closed_in_its_own_way(close: str):
    class Own:
        closed = 0

        def __aiter__(self) -> AsyncIterator[bytes]:
            return AsyncReads(STREAM)

    def sync_close(self: Any) -> None:
        self.closed += 1

    async def async_close(self: Any) -> None:
        self.closed += 1

    setattr(Own, close, async_close if close == "aclose" else sync_close)
    own = Own()
    asyncio.run(chat.acollect(own))
    assert own.closed == 1


def test_an_async_source_without_a_way_to_be_closed():
    class Bare:
        def __aiter__(self) -> AsyncIterator[bytes]:
            return self

        async def __anext__(self) -> bytes:
            return STREAM

    assert asyncio.run(chat.acollect(Bare())).choices[0].message.content == "ab"


def test_a_real_response_of_the_standard_library(tmp_path: Path):
    """`urllib` gives a file object, whatever the scheme."""
    path = tmp_path / "stream"
    path.write_bytes(STREAM)
    with urllib.request.urlopen(path.as_uri()) as opened:
        assert chat.collect(opened).choices[0].message.content == "ab"


# The head of a response.

EVENT_STREAM = ["text/event-stream", "Text/Event-Stream; charset=utf-8", " text/event-stream ;x"]


@pytest.mark.parametrize("content_type", [*EVENT_STREAM, ""])
def test_an_event_stream_is_read(content_type: str):
    headers = {"content-type": content_type}
    assert chat.collect(response(**headers)).choices[0].message.content == "ab"


JSON = b'{"error": {"message": "slow down", "code": 5, "type": "rate"}}'

# The body, its status and type, and the error: its message or type of content, code, and body.
REFUSALS: dict[str, tuple[bytes, int, str, Any]] = {
    "an error object": (JSON, 429, "application/json", ("slow down", "5")),
    "a text": (b'{"error": "no"}', 400, "application/json", ("no", None)),
    "a flat object": (b'{"object": "error", "message": "no"}', 400, "", ("no", None)),
    "a detail": (b'{"detail": "no"}', 401, "application/json", ("no", None)),
    "an object in a list": (b'[{"error": {"message": "no", "code": 5}}]', 400, "", ("no", "5")),
    "a page": (
        b"<html>\xff",
        502,
        "text/html",
        ("the server gave no reason that can be read", None),
    ),
    "nothing": (
        b"",
        500,
        "text/event-stream",
        ("the server gave no reason that can be read", None),
    ),
}


@pytest.mark.parametrize(("body", "status", "kind", "fields"), REFUSALS.values(), ids=REFUSALS)
def test_a_status_of_400_or_more(body: bytes, status: int, kind: str, fields: Any):
    headers = {"content-type": kind, "Retry-After": "3"}
    for enter in (False, True):
        stream = chat.stream(response(body, status, **headers))
        with pytest.raises(StatusError) as raised:
            _read(stream, enter)
        error = raised.value
        assert (error.status_code, error.message, error.code) == (status, *fields)
        assert error.retry_after == "3"
        assert (stream.state, stream.decoder.error) == ("failed", error)
        assert error.partial.choices == []


def _read(stream: Any, enter: bool) -> None:
    if enter:
        with stream:
            pytest.fail("the check comes on entering")
    else:
        next(iter(stream))


def test_the_same_asynchronously():
    async def main(enter: bool) -> None:
        source = async_response(JSON, 429, **{"content-type": "application/json"})
        stream = chat.astream(source)
        with pytest.raises(StatusError, match="status 429: slow down") as raised:
            if enter:
                async with stream:
                    pytest.fail("the check comes on entering")
            else:
                await anext(aiter(stream))
        assert (stream.state, stream.decoder.error) == ("failed", raised.value)
        assert source.is_closed

    asyncio.run(main(enter=False))
    asyncio.run(main(enter=True))


def test_a_body_of_another_type():
    """Servers do answer 200 with plain JSON."""
    with pytest.raises(ContentTypeError, match="'application/json'") as raised:
        chat.collect(response(JSON, **{"content-type": "application/json"}))
    assert raised.value.body == JSON.decode()


def test_of_a_large_body_the_beginning_is_kept():
    body = httpx.Response(500, content=iter([b"x" * 50_000] * 1000))
    with pytest.raises(StatusError) as raised:
        chat.collect(body)
    assert len(raised.value.body) == 64 * 1024


def test_of_a_large_body_the_beginning_is_kept_asynchronously():
    source = httpx.Response(500, content=AsyncReads(*[b"x" * 50_000] * 9))
    with pytest.raises(StatusError) as raised:
        asyncio.run(chat.acollect(source))
    assert len(raised.value.body) == 64 * 1024


def test_a_body_that_breaks_off_does_not_hide_the_status():
    with pytest.raises(StatusError, match="status 500"):
        chat.collect(httpx.Response(500, content=Reads(b"x", OSError())))


def test_the_check_can_be_turned_off():
    headers = {"content-type": "application/json"}
    stream = chat.stream(response(STREAM, 500, **headers), check=False)
    assert "".join(stream.text()) == "ab"

    async def main() -> str:
        source = async_response(STREAM, 500, **headers)
        return "".join([piece async for piece in chat.astream(source, check=False).text()])

    assert asyncio.run(main()) == "ab"
