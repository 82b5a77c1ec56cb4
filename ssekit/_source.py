# What the user holds, as a source: how to read it, how to close it, and what its head says.
#
# What always holds here:
# - Nothing is decoded. What a source gives is bytes or events, as they came.
# - A source is recognised by its shape. No HTTP client is imported, and none need be installed.
# - It is closed once, in the way its owner wants, and what goes wrong in closing is dropped: the
#   stream has said how it ended by then.

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

from ssekit._errors import ContentTypeError, SSEKitError, StatusError, error_fields, nested_error
from ssekit._lenient import parse

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
                if inspect.isawaitable(closing):
                    await closing
            except RuntimeError:
                self._close = close  # an async generator that another task is reading: likewise
            except Exception:  # the stream has said how it ended
                pass


def open_source(source: Any, *, check: bool = True) -> Source:
    """Return what the user holds as a source.

    Relied on, in this order:
        - a path: `__fspath__`
        - a response of httpx: `iter_bytes`, `status_code`, `headers`, `close`
        - a binary file object: `read1`, or else `read`; `close`
        - an iterable of bytes or of events; `close`, if it has one

    Raises:
        TypeError: It is none of these.
    """
    if hasattr(source, "__fspath__"):
        source = open(source, "rb")  # noqa: SIM115 - the source closes it
    if hasattr(source, "iter_bytes"):
        return Source(source.iter_bytes(), source.close, _head(source) if check else None)
    for name in ("read1", "read"):
        if hasattr(source, name):
            reads = iter(partial(getattr(source, name), _READ_SIZE), b"")
            return Source(reads, getattr(source, "close", None))
    if not isinstance(source, str | bytes | bytearray | memoryview | Mapping):
        with suppress(TypeError):
            reads = iter(source)
            return Source(reads, getattr(source, "close", getattr(reads, "close", None)))
    raise TypeError(_advice(source))


def open_async_source(source: Any, *, check: bool = True) -> AsyncSource:
    """Return what the user holds as an asynchronous source.

    Relied on, in this order:
        - a response of httpx: `aiter_bytes`, `status_code`, `headers`, `aclose`
        - an asynchronous iterable of bytes or of events; `aclose` or `close`, if it has one
        - what `open_source` takes, which is read where it stands: the event loop waits for it

    Raises:
        TypeError: It is none of these.
    """
    if hasattr(source, "aiter_bytes"):
        return AsyncSource(source.aiter_bytes(), source.aclose, _head(source) if check else None)
    if hasattr(source, "__aiter__"):
        reads = aiter(source)
        closes = (getattr(owner, name, None) for owner in (source, reads) for name in _CLOSES)
        return AsyncSource(reads, next(filter(None, closes), None))
    plain = open_source(source)
    return AsyncSource(_AsAsync(plain.reads), plain.close)


_CLOSES = ("aclose", "close")


class _AsAsync(AsyncIterator[Any]):
    """The items of an iterator, to an asynchronous reader."""

    def __init__(self, items: Iterator[Any]) -> None:
        self._items = items

    async def __anext__(self) -> Any:
        for item in self._items:
            return item
        raise StopAsyncIteration


def _head(response: Any) -> Head:
    headers = {str(name).lower(): str(value) for name, value in response.headers.items()}
    return Head(response.status_code, headers)


def _advice(source: object) -> str:
    kind = type(source).__name__
    if isinstance(source, str | bytes | bytearray | memoryview):
        return (
            f"a source gives bytes read by read, it is not {kind} itself: pass [data], "
            "or pathlib.Path(name) for the name of a file"
        )
    if inspect.iscoroutine(source):
        return "expected a source, got a coroutine: await it, and pass what it returns"
    if hasattr(source, "__aiter__"):
        return f"{kind} is asynchronous: use astream, acollect or aiter_events"
    return (
        "expected a path, a binary file object, an (async) iterable of bytes "
        f"or a response, got {kind}"
    )
