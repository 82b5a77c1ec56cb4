# Every exception that ssekit raises because of what it was given to read.
#
# What always holds here:
# - Each error pickles and copies with all of its fields, so that it can cross a process pool.
# - A message names numbers, fields and types. It never holds a payload: logs are read by others.
# - `partial` and `event` are set by whoever knows them; an error is complete without them.
#
#     SSEKitError
#     |-- EventTooLargeError         an event outgrew the decoder's limit
#     |-- DecodeError                an event, or JSON, is not what it should be
#     |-- APIError                   the server reported an error
#     |   `-- StatusError            ... by the status of its response
#     |-- ContentTypeError           the response is no event stream
#     |-- StreamInterruptedError     the transport raised
#     |   `-- StreamTimeoutError     ... because it waited too long
#     |-- StreamTruncatedError       the bytes ended before the format's end
#     `-- StreamNotFinishedError     a result was asked for too early

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    # For annotations alone: nothing is imported from below when the program runs.
    from collections.abc import Iterable, Iterator, Mapping

    from ssekit._event import ServerSentEvent

__all__ = [
    "APIError",
    "ContentTypeError",
    "DecodeError",
    "EventTooLargeError",
    "SSEKitError",
    "StatusError",
    "StreamInterruptedError",
    "StreamNotFinishedError",
    "StreamTimeoutError",
    "StreamTruncatedError",
]


class SSEKitError(Exception):
    """The root of every error that ssekit raises about a stream.

    Attributes:
        partial: The answer so far (what `snapshot()` gave when the stream ended), or None.
        event: The event that is to blame, or None.
    """

    partial: Any = None
    event: ServerSentEvent | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__)


def _restore(cls: type[SSEKitError], args: tuple[Any, ...], fields: dict[str, Any]) -> SSEKitError:
    error = cls.__new__(cls, *args)
    error.__dict__.update(fields)
    return error


class EventTooLargeError(SSEKitError):
    """An event outgrew `max_event_size`; the decoder stays closed until `reset()`.

    Attributes:
        limit: The limit that was met, in bytes.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return (
            f"an event is larger than max_event_size ({self.limit} bytes): raise the limit, "
            "or pass None for no limit"
        )


class DecodeError(SSEKitError):
    """The data of an event is not what the format says, or JSON is not what was asked for.

    Attributes:
        partial: Of JSON that had not ended (`partial_json`), what came before the fault.
    """


class APIError(SSEKitError):
    """The server reported an error inside the stream.

    Attributes:
        message: The server's words.
        code: The server's code; a number on the wire is given as its digits.
        type: The server's kind of error.
        param: The request parameter that is to blame.
        body: The error object as it came, or the text where it was no object.
        chunk: What else the event said as a chunk, if it was one too.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        type: str | None = None,
        param: str | None = None,
        body: Any = None,
        chunk: Any = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.type = type
        self.param = param
        self.body = body
        self.chunk = chunk


class StatusError(APIError):
    """The response has a status of 400 or more; the fields are what its body says.

    (Of `reconnect`, where the standard takes 200 alone: any other status but 204.)

    Attributes:
        status_code: The HTTP status.
        headers: The response's headers, with names in lower case.
        retry_after: The header of that name as it came, or None: seconds or an HTTP date.
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: int,
        headers: Mapping[str, str],
        code: str | None = None,
        type: str | None = None,
        param: str | None = None,
        body: Any = None,
    ) -> None:
        super().__init__(message, code=code, type=type, param=param, body=body)
        self.status_code = status_code
        self.headers: dict[str, str] = dict(headers)
        self.retry_after: str | None = self.headers.get("retry-after")

    def __str__(self) -> str:
        return f"status {self.status_code}: {self.message}"


class ContentTypeError(SSEKitError):
    """The response is not `text/event-stream` (WHATWG HTML 9.2.2).

    Attributes:
        content_type: What the response says it is.
        body: The first 64 KiB of it, as text.
    """

    def __init__(self, content_type: str, body: str = "") -> None:
        super().__init__(content_type, body)
        self.content_type = content_type
        self.body = body

    def __str__(self) -> str:
        return f"expected a text/event-stream response, got {self.content_type!r}"


class StreamInterruptedError(SSEKitError):
    """The transport raised an exception, which is the `__cause__`."""


class StreamTimeoutError(StreamInterruptedError, TimeoutError):
    """The transport waited too long; its exception is the `__cause__`."""


class StreamTruncatedError(SSEKitError):
    """The bytes ended cleanly, but before the format's own end."""


class StreamNotFinishedError(SSEKitError):
    """The result was asked for, or the stream was closed, before the end was read."""


# The words that servers have for what an error says, the usual one first.
_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "message": (
        "message",
        "msg",
        "detail",
        "error_msg",
        "status_msg",
        "error_description",
        "error",
    ),
    "code": ("code", "status_code", "http_status_code", "error_code"),
    "type": ("type", "error_type", "status"),  # Google's hosts have a status, and HTTP's as code
    "param": ("param",),
}
# What says more of a bare {"error": "..."} or {"detail": "..."} that it stands beside, and those.
_SIBLINGS: Final = {*_WORDS["message"], *_WORDS["code"], "error_type"}


def nested_error(body: Any, *, detail: bool = True) -> Any:
    """Return the error that an object of a server holds, in the forms that servers use, or None.

    They are `{"error": {...}}`, `{"error": "..."}` and, if asked for, `{"detail": ...}`; beside a
    bare word, the object itself may say the rest. Google's hosts put the object into a list.
    """
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    if not isinstance(body, dict):
        return None
    error = body.get("error") or (detail and body.get("detail")) or None
    if error is None or isinstance(error, dict | list):
        return error
    return body if len(_SIBLINGS.intersection(body)) > 1 else error


def error_fields(error: Any) -> dict[str, Any]:
    """Return what an error object, or the bare text of an error, says, as `APIError` takes it."""
    layers = [{"code": error}] if isinstance(error, int | float) else list(_layers(error))
    code = _first(map(_word, _said(layers, "code")))
    # {"type": "error", "message": ...} names no kind: it is the envelope.
    kinds = (kind for kind in _said(layers, "type") if isinstance(kind, str) and kind != "error")
    unnamed = "the server reported an error" + (f" (code {code})" if code else "")
    return {
        "message": _first(_sentences(error)) or unnamed,
        "code": code,
        "type": _first(kinds),
        "param": _first(map(_word, _said(layers, "param"))),
        "body": error,
    }


def _layers(error: Any) -> Iterator[dict[str, Any]]:
    """Yield the object of an error, and what it wraps, from the outside in."""
    if isinstance(error, list):
        error = error[0] if error else None
    if isinstance(error, dict):
        yield error
        for word in ("error", "detail", "message"):
            yield from _layers(error.get(word))


def _sentences(said: Any) -> Iterator[str]:
    """Yield the texts in what a server says for a message, whatever they are wrapped in."""
    if isinstance(said, str):
        yield said
    elif isinstance(said, list):
        for item in said:
            yield from _sentences(item)
    elif isinstance(said, dict):
        for word in _WORDS["message"]:
            yield from _sentences(said.get(word))


def _said(layers: list[dict[str, Any]], field: str) -> Iterator[Any]:
    return (layer.get(word) for layer in layers for word in _WORDS[field])


def _word(value: Any) -> str | None:
    return None if value is None or isinstance(value, bool | dict | list) else str(value)


def _first(words: Iterable[str | None]) -> str | None:
    return next(filter(None, words), None)
