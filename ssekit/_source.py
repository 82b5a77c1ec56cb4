# What the user holds, as a source: how to read it, how to close it, and what its head says.
#
# A table of shapes (`Shape`) tells sources apart. Of the calls that a client has for reading, a row
# names the one that hands over what has come, without waiting for a full block or keeping one back.
#
# What always holds here:
# - Nothing is decoded. What a source gives is bytes or events, as they came; a content encoding is
#   undone by the client.
# - A source is recognised by its shape. No HTTP client is imported, and none need be installed.
# - Whatever has a status and headers is a response, and has to be an event stream.
# - It is closed once, in the way its owner wants, and what goes wrong in closing is dropped: the
#   stream has said how it ended by then.

from __future__ import annotations

from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
)
from contextlib import suppress
from functools import partial
from operator import attrgetter, methodcaller
from typing import Any, Generic, NamedTuple, TypeVar

from ssekit._errors import ContentTypeError, SSEKitError, StatusError
from ssekit._json import parse
from ssekit._server_error import error_fields, nested_error

__all__ = ["AsyncSource", "Source", "open_async_source", "open_source"]

ReadsT = TypeVar("ReadsT")

_READ_SIZE = 64 * 2**10  # bytes asked for at a time
_BODY_SIZE = 64 * 2**10  # bytes of a response that is no event stream, kept for its error


class Head(NamedTuple):
    """What a response says before its body. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]

    @property
    def is_event_stream(self) -> bool:
        # WHATWG HTML 9.2.2: the essence decides, parameters do not. Many hosts name no type at all.
        essence = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return self.status < 400 and essence in ("", "text/event-stream")

    def error(self, body: bytes) -> SSEKitError:
        """Return the error of a response that is no event stream."""
        text = body.decode("utf-8", "replace")
        if self.status < 400:
            return ContentTypeError(self.headers["content-type"], text)
        try:
            said: Any = parse(text)
        except ValueError:
            said = text
        fields = error_fields(nested_error(said) or said)
        if isinstance(said, str):  # a page of HTML is no message
            fields["message"] = "the server gave no reason that can be read"
        return StatusError(**fields, status_code=self.status, headers=self.headers)


class _AnySource(Generic[ReadsT]):
    """The reads of a source, how it is closed, and the head of a response (None once checked)."""

    __slots__ = ("_close", "closed", "head", "reads")

    def __init__(
        self, reads: ReadsT, close: Callable[[], Any] | None, head: Head | None = None
    ) -> None:
        self.reads: ReadsT = reads
        self.head: Head | None = head
        self.closed: bool = False
        self._close = close

    def _take_close(self) -> Callable[[], Any] | None:
        self.closed = True
        close, self._close = self._close, None
        return close

    def _take_head(self) -> Head | None:
        """Return the head of a response that is no event stream, the first time."""
        head, self.head = self.head, None
        return None if head is None or head.is_event_stream else head


class Source(_AnySource[Iterator[Any]]):
    """A source that is read by iterating; dropping the last reference closes it."""

    __slots__ = ()

    def check(self) -> None:
        """Raise the error of a response that is no event stream, once."""
        head = self._take_head()
        if head is not None:
            body = bytearray()
            with suppress(Exception):  # the head is reason enough, whatever becomes of the body
                while len(body) < _BODY_SIZE:
                    body += next(self.reads)
            raise head.error(bytes(body[:_BODY_SIZE]))

    def close(self) -> None:
        close = self._take_close()
        if close is not None:
            try:
                close()
            except ValueError:
                # A generator that another thread is reading refuses. The reader sees `closed` when
                # its read returns, and closes it then.
                self._close = close
            except Exception:  # the stream has said how it ended
                pass

    def __del__(self) -> None:
        self.close()


class AsyncSource(_AnySource[AsyncIterator[Any]]):
    """A source that is read by asynchronous iterating. Dropping it does not close it."""

    __slots__ = ()

    async def check(self) -> None:
        """Raise the error of a response that is no event stream, once."""
        head = self._take_head()
        if head is not None:
            body = bytearray()
            with suppress(Exception):
                while len(body) < _BODY_SIZE:
                    body += await anext(self.reads)
            raise head.error(bytes(body[:_BODY_SIZE]))

    async def aclose(self) -> None:
        close = self._take_close()
        if close is not None:
            try:
                closing = close()
                if isinstance(closing, Awaitable):
                    await closing
            except RuntimeError:
                self._close = close  # an async generator that another task is reading: likewise
            except Exception:  # the stream has said how it ended
                pass


class Shape(NamedTuple):
    """A row of the table: what a source is recognised by, how it is read and how it is closed."""

    marks: tuple[str, ...]  # attributes that it has; a dot leads to those of an attribute
    reads: Callable[[Any], Any]
    close: Callable[[Any, Any], Callable[[], Any] | None]  # of the source and its reads

    def fits(self, source: Any) -> bool:
        return all(_has(source, mark) for mark in self.marks)


def _has(source: Any, mark: str) -> bool:
    try:
        attrgetter(mark)(source)
    except AttributeError:
        return False
    return True


# Reading.


def _until_empty(call: str) -> Callable[[Any], Iterator[bytes]]:
    return lambda source: iter(partial(getattr(source, call), _READ_SIZE), b"")


def _reads_of_http_client(response: Any) -> Iterator[bytes]:
    while data := response.read1(_READ_SIZE):
        yield data
    if response.length:  # `read1` says nothing of it
        raise EOFError(f"{response.length} bytes of the Content-Length did not come")


def _reads_of_urllib3(response: Any) -> Iterator[bytes]:
    if response.closed and response.data:  # it was read before: preload_content
        yield response.data
    while True:
        data = response.read1(_READ_SIZE, decode_content=True)
        if data:
            yield data
        elif response.closed or response.isclosed():
            return
        # What came was the beginning of a compressed block, and nothing yet to hand over.


def _reads_of_requests(response: Any) -> Iterator[bytes]:
    raw = response.raw
    if getattr(raw, "closed", True):  # it was read before: stream=False
        return iter(response.iter_content(None))
    if _URLLIB3.fits(raw):
        return _reads_of_urllib3(raw)
    # Any larger block is waited for: an older urllib3, a file, a stand-in of a test.
    return iter(response.iter_content(1))


class _Calls(AsyncIterator[bytes]):
    """What an asynchronous call gives, until it is empty."""

    def __init__(self, call: Callable[[], Awaitable[bytes]]) -> None:
        self._call = call

    async def __anext__(self) -> bytes:
        data = await self._call()
        if not data:
            raise StopAsyncIteration
        return data


class _AsAsync(AsyncIterator[Any]):
    """The items of an iterator, to an asynchronous reader."""

    def __init__(self, items: Iterator[Any]) -> None:
        self._items = items

    async def __anext__(self) -> Any:
        for item in self._items:
            return item
        raise StopAsyncIteration


# Closing.


def _first(*names: str) -> Callable[[Any, Any], Callable[[], Any] | None]:
    def close(*owners: Any) -> Callable[[], Any] | None:
        closes = (getattr(owner, name, None) for owner in owners for name in names)
        return next(filter(None, closes), None)

    return close


def _interrupt_first(raw: str) -> Callable[[Any, Any], Callable[[], Any]]:
    """Close a response over urllib3, which would wait for a read that another thread is in."""

    def close(response: Any) -> None:
        with suppress(Exception):  # there is nothing to interrupt any more, or no way to
            attrgetter(f"{raw}shutdown")(response)()
        response.close()

    return lambda response, reads: partial(close, response)


async def _close_httpx(response: Any, reads: AsyncIterator[bytes]) -> None:
    try:
        await response.aclose()
    finally:
        # It reads through a chain of async generators. That one of them is left in the middle is
        # a warning in trio; a read of the closed connection fails, and so ends them all. HTTP/2
        # does not close the connection, and what stands in for one may not: a read could wait.
        said = response.extensions
        if "network_stream" in said and said.get("http_version") == b"HTTP/1.1":
            with suppress(Exception):
                while True:
                    await anext(reads)


_own_close = _first("close")
_URLLIB3 = Shape(("read1", "stream", "isclosed"), _reads_of_urllib3, _interrupt_first(""))

# In this order. What each relies on stands in the docstrings of `open_source`, `open_async_source`.
_RESPONSES = (
    # httpx, httpx2; requests, niquests; urllib3; http.client
    Shape(("iter_bytes", "stream.__iter__"), methodcaller("iter_bytes"), _own_close),
    Shape(("iter_content", "raw"), _reads_of_requests, _interrupt_first("raw.")),
    _URLLIB3,
    Shape(("read1", "getheader", "length"), _reads_of_http_client, _own_close),
)
_PLAIN = (
    # files, iterables
    Shape(("read1",), _until_empty("read1"), _own_close),
    Shape(("read",), _until_empty("read"), _own_close),
    Shape(("__iter__",), iter, _own_close),
)
_ASYNC = (
    # httpx, httpx2
    Shape(
        ("aiter_bytes", "stream.__aiter__"),
        methodcaller("aiter_bytes"),
        lambda response, reads: partial(_close_httpx, response, reads),
    ),
    # niquests
    Shape(
        ("iter_content", "raw.stream", "__aiter__"),
        lambda response: response.raw.stream(_READ_SIZE, decode_content=True),
        _own_close,
    ),
    # aiohttp, and the content of its responses
    Shape(
        ("request_info", "content.iter_any"),
        lambda response: response.content.iter_any(),
        _own_close,
    ),
    Shape(("iter_any",), methodcaller("iter_any"), _first()),
    # asyncio.StreamReader
    Shape(
        ("readuntil", "at_eof"),
        lambda reader: _Calls(partial(reader.read, _READ_SIZE)),
        _first(),
    ),
    # trio, anyio, async iterables
    Shape(("__aiter__",), aiter, _first("aclose", "close")),
)


def open_source(source: Any, *, check: bool = True) -> Source:
    """Return what the user holds as a source.

    Relied on, in this order; none of it decodes, but that clients undo a content encoding:
        - a path: `__fspath__`
        - a response of httpx or httpx2: `iter_bytes()`, which gives a block as it comes, and whole
        - a response of requests or niquests: `raw`, which is urllib3's, as `iter_content` waits for
          whole blocks, or hands over what it has, however much a compressed one becomes
        - a response of urllib3: `read1(n, decode_content=True)`: what is there, and at most n bytes
        - a response of http.client: `read1(n)`, and `length`, which counts the bytes still to come
        - a binary file object: `read1(n)`, or else `read(n)`
        - an iterable of bytes or of events
    `close()` closes each, if it has that. What has a status (`status_code` or `status`) and
    `headers` is a response.

    Raises:
        TypeError: It is none of these.
    """
    if _is_asynchronous(source):
        raise TypeError(_advice(source))
    head = _head(source) if check else None
    if hasattr(source, "__fspath__"):
        source = open(source, "rb")  # noqa: SIM115 - the source closes it
    shape = _find(source, _RESPONSES + _PLAIN)
    if shape is None:
        raise TypeError(_advice(source))
    reads = shape.reads(source)
    return Source(reads, shape.close(source, reads), head)


def open_async_source(source: Any, *, check: bool = True) -> AsyncSource:
    """Return what the user holds as an asynchronous source.

    Relied on, in this order:
        - a response of httpx or httpx2: `aiter_bytes()`; `aclose()`
        - an async response of niquests: `raw.stream(n, decode_content=True)`, as its `iter_content`
          waits for more of what is compressed; `close()`
        - a response of aiohttp: `content.iter_any()`; `close()`
        - the content of one: `iter_any()`; the response is not closed
        - an `asyncio.StreamReader`: `read(n)`, as iterating it waits for lines, and refuses long
          ones; it cannot be closed: that is its writer's matter
        - an asynchronous iterable of bytes or of events, as the byte streams of trio and anyio are;
          `aclose()` or `close()`, if it has one
        - a path, a file or an iterable, which is read where it stands: the event loop waits for it

    Raises:
        TypeError: It is none of these.
    """
    shape = _find(source, _ASYNC)
    if shape is not None:
        reads = shape.reads(source)
        head = _head(source) if check else None
        return AsyncSource(reads, shape.close(source, reads), head)
    if _find(source, _RESPONSES):
        kind = type(source).__name__
        raise TypeError(f"{kind} is synchronous: use stream, collect or iter_events (in a thread)")
    plain = open_source(source, check=check)
    return AsyncSource(_AsAsync(plain.reads), plain.close, plain.head)


def _is_asynchronous(source: Any) -> bool:
    """Whether a source can only be read asynchronously; what says that it can is believed."""
    if hasattr(source, "__aiter__"):
        return True
    return bool(_find(source, _ASYNC)) and not _find(source, _RESPONSES)


def _find(source: Any, shapes: Iterable[Shape]) -> Shape | None:
    if isinstance(source, str | bytes | bytearray | memoryview | Mapping):
        return None
    return next((shape for shape in shapes if shape.fits(source)), None)


def _head(source: Any) -> Head | None:
    status = getattr(source, "status_code", None) or getattr(source, "status", None)
    headers = getattr(source, "headers", None)
    if not isinstance(status, int) or headers is None:
        return None
    return Head(status, {str(name).lower(): str(value) for name, value in headers.items()})


def _advice(source: object) -> str:
    kind = type(source).__name__
    if isinstance(source, str | bytes | bytearray | memoryview):
        return (
            f"a source gives bytes read by read, it is not {kind} itself: pass [data], "
            "or pathlib.Path(name) for the name of a file"
        )
    if isinstance(source, Coroutine):
        return "expected a source, got a coroutine: await it, and pass what it returns"
    if _is_asynchronous(source):
        return f"{kind} is asynchronous: use astream, acollect or aiter_events"
    if hasattr(source, "recv"):
        return f"the bytes of a {kind} are HTTP, not its body: read it with http.client or h11"
    return (
        "expected a path, a binary file object, an (async) iterable of bytes "
        f"or a response, got {kind}"
    )
