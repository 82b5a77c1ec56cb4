# Sources: how a response, a file or an iterable is read, and how it is closed.
#
# How it works:
# 1. `open_source` takes the first row of a table (`Shape`) whose attributes the object has.
# 2. The row has the calls for reading and for closing. The call for reading is the one of the
#    client that returns the bytes that have arrived, without waiting for a full block.
# 3. An object with a status and headers is a response. Before the first read, `check` raises the
#    error of a response that is not an event stream.
# `OpenSource` and `OpenAsyncSource` are twins: synchronous and asynchronous code is clearer apart.
#
# What always holds here:
# - Nothing is decoded. Reads are bytes or events, as they came; the client decompresses.
# - A source is recognised by its attributes. No HTTP client is imported or needs to be installed.
# - A source is closed once, by its owner's call. An error in closing is dropped: the stream has its
#   result or its error by then.

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from operator import attrgetter, methodcaller
from typing import Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from ssekit._event import ServerSentEvent
from ssekit._head import ResponseHead, head_of

__all__ = [
    "AsyncSource",
    "OpenAsyncSource",
    "OpenSource",
    "Source",
    "open_async_source",
    "open_source",
]

ReadsT = TypeVar("ReadsT")
ResponseT_co = TypeVar("ResponseT_co", covariant=True)

_DATA = (str, bytes, bytearray, memoryview)  # no sources, though they are iterable
_READ_SIZE = 64 * 2**10  # bytes asked for at a time
_BODY_SIZE = 64 * 2**10  # bytes of a response that is no event stream, kept for its error


# The types of sources. A response of requests, niquests, urllib3 or http.client is an iterable of
# bytes, and so is a binary file; one of httpx may be of either kind.


class _Response(Protocol):
    def iter_bytes(self) -> Iterator[bytes]: ...


class _AsyncResponse(Protocol):
    def aiter_bytes(self) -> AsyncIterator[bytes]: ...


class _Reader(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Path(Protocol):
    def __fspath__(self) -> str: ...


class _AsyncContent(Protocol):
    def iter_any(self) -> AsyncIterator[bytes]: ...


class _AiohttpResponse(Protocol):
    @property
    def content(self) -> _AsyncContent: ...


class _RawResponse(Protocol[ResponseT_co]):
    @property
    def http_response(self) -> ResponseT_co: ...


_Item: TypeAlias = bytes | bytearray | memoryview | ServerSentEvent
_Plain: TypeAlias = Iterable[_Item] | _Reader | _Path
Source: TypeAlias = _Plain | _Response | _RawResponse[_Response]
"""A source that is read synchronously: see `Format.stream`."""
AsyncSource: TypeAlias = (
    _Plain | AsyncIterable[_Item] | _AsyncResponse | _AiohttpResponse | _RawResponse[_AsyncResponse]
)
"""A source that is read asynchronously: see `Format.astream`."""


class _AnySource(Generic[ReadsT]):
    """The reads of a source, its call for closing, and its head (None once checked)."""

    __slots__ = ("_close", "closed", "head", "reads")

    def __init__(
        self, reads: ReadsT, close: Callable[[], Any] | None, head: ResponseHead | None = None
    ) -> None:
        self.reads = reads
        self.head = head
        self.closed = False
        self._close = close

    def _take_close(self) -> Callable[[], Any] | None:
        self.closed = True
        close, self._close = self._close, None
        return close

    def _take_head(self) -> ResponseHead | None:
        """Return the head of a response that is no event stream; None from the second call on."""
        head, self.head = self.head, None
        return None if head is None or head.is_event_stream else head


class OpenSource(_AnySource[Iterator[Any]]):
    """A synchronous source. Dropping the last reference closes it."""

    __slots__ = ()

    def check(self) -> None:
        """Raise the error of a response that is no event stream, once."""
        head = self._take_head()
        if head is not None:
            body = bytearray()
            with suppress(Exception):  # without the body, the error has the head alone
                while len(body) < _BODY_SIZE:
                    body += next(self.reads)
            raise head.error(bytes(body[:_BODY_SIZE]))

    def close(self) -> None:
        close = self._take_close()
        if close is not None:
            try:
                close()
            except ValueError:
                # A generator refuses while another thread reads it. That thread sees `closed` when
                # its read returns, and closes the generator then.
                self._close = close
            except Exception:  # the stream has its result or its error by now
                pass

    def __del__(self) -> None:
        self.close()


class OpenAsyncSource(_AnySource[AsyncIterator[Any]]):
    """An asynchronous source. Dropping it does not close it."""

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
                self._close = close  # an async generator refuses too, while another task reads it
            except Exception:
                pass


class Shape(NamedTuple):
    """A row of the table: the attributes of a source, its reads, and its call for closing.

    Without a call of its own, a source is closed by its `close`, or by that of its reads; an
    asynchronous one by its `aclose` before that.
    """

    attributes: tuple[str, ...]  # dotted names: "raw.stream" is an attribute of an attribute
    reads: Callable[[Any], Any]
    close: Callable[[Any, Any], Any] | None = None  # takes the source and its reads

    def fits(self, source: Any) -> bool:
        try:
            attrgetter(*self.attributes)(source)
        except AttributeError:
            return False
        return True

    def open(self, source: Any, *closing: str) -> tuple[Any, Callable[[], Any] | None]:
        """Return the reads of a source, and its call for closing: one of these names."""
        reads = self.reads(source)
        if self.close is not None:
            return reads, partial(self.close, source, reads)
        for owner in (source, reads):
            for name in closing:
                if (call := getattr(owner, name, None)) is not None:
                    return reads, call
        return reads, None


# Reading, for clients that need more than one call.


def _until_empty(call: str) -> Callable[[Any], Iterator[bytes]]:
    return lambda source: iter(partial(getattr(source, call), _READ_SIZE), b"")


def _reads_of_http_client(response: Any) -> Iterator[bytes]:
    while data := response.read1(_READ_SIZE):
        yield data
    if response.length:  # `read1` returns b"" for a body that was cut, too
        raise EOFError(f"{response.length} bytes of the Content-Length did not come")


def _reads_of_urllib3(response: Any) -> Iterator[bytes]:
    if response.closed and response.data:  # preload_content=True: it was read before
        yield response.data
    while True:
        data = response.read1(_READ_SIZE, decode_content=True)
        if data:
            yield data
        elif response.closed or response.isclosed():
            return
        # Otherwise b"" means that only the beginning of a compressed block has arrived.


def _reads_of_requests(response: Any) -> Iterator[bytes]:
    raw = response.raw
    if getattr(raw, "closed", True):  # stream=False: it was read before
        return iter(response.iter_content(None))
    if _URLLIB3.fits(raw):
        return _reads_of_urllib3(raw)
    # An older urllib3, a file, or a test's substitute: each waits until a larger block is full.
    return iter(response.iter_content(1))


class _Calls(AsyncIterator[bytes]):
    """The results of an asynchronous call, repeated until one is empty."""

    def __init__(self, call: Callable[[], Awaitable[bytes]]) -> None:
        self._call = call

    async def __anext__(self) -> bytes:
        data = await self._call()
        if not data:
            raise StopAsyncIteration
        return data


class _AsAsync(AsyncIterator[Any]):
    """The items of a synchronous iterator."""

    def __init__(self, items: Iterator[Any]) -> None:
        self._items = items

    async def __anext__(self) -> Any:
        for item in self._items:
            return item
        raise StopAsyncIteration


# Closing, for clients of which `close` alone is not enough.


def _interrupt_and_close(response: Any, _reads: Any) -> None:
    """Close a response that urllib3 reads, and first end another thread's read."""
    with suppress(Exception):  # the read has ended, or this urllib3 has no `shutdown`
        getattr(response, "raw", response).shutdown()
    response.close()


async def _close_httpx(response: Any, reads: AsyncIterator[bytes]) -> None:
    try:
        await response.aclose()
    finally:
        # httpx reads through a chain of async generators, and trio warns of each that is abandoned
        # midway. A read of the closed connection fails, which ends them all. (With HTTP/2, or with
        # a test's transport, the connection may still be open, and such a read could wait.)
        extensions = response.extensions
        if "network_stream" in extensions and extensions.get("http_version") == b"HTTP/1.1":
            with suppress(Exception):
                while True:
                    await anext(reads)


# The table. The first row that fits counts.

_URLLIB3 = Shape(("read1", "stream", "isclosed"), _reads_of_urllib3, _interrupt_and_close)
_RESPONSES = (
    # httpx, httpx2: a block as it arrives, whole.
    Shape(("iter_bytes", "stream.__iter__"), methodcaller("iter_bytes")),
    # requests, niquests: `raw`, which is urllib3's. Their `iter_content` waits for whole blocks, or
    # returns a whole compressed block, however large it is decompressed.
    Shape(("iter_content", "raw"), _reads_of_requests, _interrupt_and_close),
    # urllib3: `read1` returns what has arrived, and at most n bytes.
    _URLLIB3,
    # http.client: likewise; `length` counts the bytes still to come.
    Shape(("read1", "getheader", "length"), _reads_of_http_client),
)
_PLAIN = (
    # Binary files.
    Shape(("read1",), _until_empty("read1")),
    Shape(("read",), _until_empty("read")),
    # Iterables of bytes or of events.
    Shape(("__iter__",), iter),
)
_ASYNC = (
    # httpx, httpx2.
    Shape(("aiter_bytes", "stream.__aiter__"), methodcaller("aiter_bytes"), _close_httpx),
    # niquests: its `iter_content` waits for more of a compressed body.
    Shape(
        ("iter_content", "raw.stream", "__aiter__"),
        lambda response: response.raw.stream(_READ_SIZE, decode_content=True),
    ),
    # aiohttp; then the content of its responses, which does not close them.
    Shape(("request_info", "content.iter_any"), lambda response: response.content.iter_any()),
    Shape(("iter_any",), methodcaller("iter_any")),
    # asyncio.StreamReader: iterating it waits for lines, and refuses long ones. Only its writer can
    # close it.
    Shape(("readuntil", "at_eof"), lambda reader: _Calls(partial(reader.read, _READ_SIZE))),
    # Async iterables of bytes or of events, such as the byte streams of trio and anyio.
    Shape(("__aiter__",), aiter),
)
# An asynchronous response of niquests, which has all attributes of a synchronous one, comes first.
_SYNC_ORDER = (_ASYNC[1], *_RESPONSES, *_ASYNC, *_PLAIN)
_ASYNC_ORDER = (*_ASYNC, *_RESPONSES)


def open_source(source: Any, *, check: bool = True) -> OpenSource:
    """Open a path, a response, a binary file or an iterable as a synchronous source.

    Args:
        source: An object that fits a row of the table, or a path: an object with `__fspath__`.
        check: Whether a response is checked: an object with a status (`status_code` or `status`)
            and `headers`.

    Raises:
        TypeError: The object is none of these, or is asynchronous.
    """
    source = getattr(source, "http_response", source)
    if hasattr(source, "__fspath__"):
        source = open(source, "rb")  # noqa: SIM115 - the source closes it
    shape = _find(source, _SYNC_ORDER)
    if shape is None:
        raise TypeError(_advice(source))
    if shape in _ASYNC:
        kind = type(source).__name__
        raise TypeError(f"{kind} is asynchronous: use astream, acollect or aiter_events")
    return OpenSource(*shape.open(source, "close"), head_of(source) if check else None)


def open_async_source(source: Any, *, check: bool = True) -> OpenAsyncSource:
    """Open an asynchronous response, stream or iterable as an asynchronous source.

    A path, a file or an iterable is opened too; the event loop waits for each of its reads.

    Raises:
        TypeError: The object is none of these, or is a synchronous response.
    """
    source = getattr(source, "http_response", source)
    shape = _find(source, _ASYNC_ORDER)
    if shape is None:
        plain = open_source(source, check=check)
        return OpenAsyncSource(_AsAsync(plain.reads), plain.close, plain.head)
    if shape in _RESPONSES:
        kind = type(source).__name__
        raise TypeError(f"{kind} is synchronous: use stream, collect or iter_events (in a thread)")
    head = head_of(source) if check else None
    return OpenAsyncSource(*shape.open(source, "aclose", "close"), head)


def _find(source: Any, shapes: Iterable[Shape]) -> Shape | None:
    # Some of these are iterable, but none is a source: data, a mapping, an awaitable, lines.
    if (
        isinstance(source, _DATA)
        or hasattr(source, "keys")
        or hasattr(source, "__await__")
        or _is_lines(source)
    ):
        return None
    for shape in shapes:
        # `hasattr` takes 40 ns, and a `fits` that fails takes 1 us.
        if hasattr(source, shape.attributes[0]) and shape.fits(source):
            return shape
    return None


def _is_lines(source: Any) -> bool:
    """Whether a source is the generator of a client's `iter_lines` or `aiter_lines`."""
    name = getattr(source, "__qualname__", "")
    return name.endswith(("Response.iter_lines", "Response.aiter_lines"))


def _advice(source: Any) -> str:
    """Return the message of the error for an object that is no source, with the remedy."""
    kind = type(source).__name__
    if isinstance(source, _DATA):
        return (
            f"a source gives bytes read by read, it is not {kind} itself: pass [data], the "
            "response of a URL, or pathlib.Path(name) for the name of a file"
        )
    if _is_lines(source):
        return "lines without their ends are no stream: pass the response itself"
    if callable(getattr(source, "request", None)):
        return f"{kind} makes requests: pass the response of one, read as a stream"
    if hasattr(source, "recv"):
        return f"the bytes of a {kind} are HTTP, not its body: read it with http.client or h11"
    if hasattr(source, "response"):
        return f"expected a source, got {kind}: pass its .response"
    for method, statement in (("__aenter__", "async with"), ("__enter__", "with")):
        if hasattr(source, method):
            return f"{kind} is not entered: use {statement} ... as response, and pass the response"
    if hasattr(source, "__await__"):
        return f"expected a source, got a {kind}: await it, and pass what it returns"
    return (
        "expected a path, a binary file object, an (async) iterable of bytes "
        f"or a response, got {kind}"
    )
