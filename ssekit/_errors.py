# The exceptions that ssekit raises because of its input.
#
# What always holds here:
# - Each error pickles and copies with all of its fields, so that it can cross a process pool.
# - A message names numbers, fields and types. It never holds a payload: logs are read by others.
# - `partial` and `event` are set by the code that knows them; an error is complete without them.
#
#     SSEKitError
#     |-- EventTooLargeError         an event outgrew the decoder's limit
#     |-- AnswerTooLargeError        the events of an answer outgrew its limit
#     |-- DecodeError                an event is no chunk, or JSON is not of the type asked for
#     |-- APIError                   the server reported an error
#     |   `-- StatusError            ... by the status of its response
#     |-- ContentTypeError           the response is not an event stream
#     |-- StreamInterruptedError     the transport raised
#     |   `-- StreamTimeoutError     ... because it waited too long
#     |-- StreamTruncatedError       the bytes ended before the format's end
#     `-- StreamNotFinishedError     a result was asked for too early

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # Only for annotations: at run time this module imports no other of the package.
    from collections.abc import Mapping

    from ssekit._event import ServerSentEvent

__all__ = [
    "APIError",
    "AnswerTooLargeError",
    "ContentTypeError",
    "DecodeError",
    "EventTooLargeError",
    "SSEKitError",
    "StatusError",
    "StreamInterruptedError",
    "StreamNotFinishedError",
    "StreamTimeoutError",
    "StreamTruncatedError",
    "drop_frames",
    "interruption",
]


class SSEKitError(Exception):
    """The root of every error that ssekit raises about a stream.

    Attributes:
        partial: The answer so far (the `snapshot()` at the end of the stream), or None.
        event: The faulty event, or None.
    """

    partial: Any = None
    event: ServerSentEvent | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__)


def _restore(cls: type[SSEKitError], args: tuple[Any, ...], fields: dict[str, Any]) -> SSEKitError:
    error = cls.__new__(cls, *args)
    error.__dict__.update(fields)
    return error


class _TooLargeError(SSEKitError):
    _subject = ""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"{self._subject} ({self.limit} bytes): raise the limit, or pass None for no limit"


class EventTooLargeError(_TooLargeError):
    """An event outgrew `max_event_size`. An `SSEDecoder` raises it again until `reset()`.

    Attributes:
        limit: The limit that the event exceeds, in bytes.
    """

    _subject = "an event is larger than max_event_size"


class AnswerTooLargeError(_TooLargeError):
    """The events of an answer outgrew `max_answer_size`.

    Attributes:
        limit: The limit that the events exceed, in bytes.
        partial: The answer without the event that exceeds the limit.
    """

    _subject = "the events of the answer are larger than max_answer_size"


class DecodeError(SSEKitError):
    """The data of an event is not a chunk of the format, or JSON is not of the type asked for.

    Attributes:
        partial: The answer so far; in an error of `partial_json`, the value before the fault.
    """


class APIError(SSEKitError):
    """The server reported an error inside the stream.

    Attributes:
        message: The server's message.
        code: The server's code as text: a number is written in digits.
        type: The server's kind of error.
        param: The faulty parameter of the request.
        body: The error object as it came, or the text that came instead of an object.
        chunk: The chunk that came in the same event, or None.
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
    """The response has a status outside of 2xx. The fields have the error in its body.

    (`reconnect` accepts only the statuses 200 and 204, by WHATWG HTML 9.2.2.)

    Attributes:
        status_code: The HTTP status.
        headers: The response's headers, with names in lower case.
        retry_after: The `Retry-After` header as it came (seconds, or an HTTP date), or None.
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
        content_type: The content type of the response.
        body: The first 64 KiB of the body, as text.
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


def interruption(cause: BaseException) -> SSEKitError:
    """Return the error for an exception of the transport, which becomes its `__cause__`."""
    if isinstance(cause, SSEKitError):
        return cause
    kind, message = StreamInterruptedError, "reading was cancelled"
    if isinstance(cause, Exception):  # not CancelledError, GeneratorExit, KeyboardInterrupt
        kind = StreamTimeoutError if _is_timeout(cause) else StreamInterruptedError
        message = f"the transport raised {type(cause).__name__}"
        with suppress(Exception):  # the transport's `__str__` may raise
            message = f"{message}: {cause}".removesuffix(": ")
    error = kind(message)
    error.__cause__ = cause
    return error


def _is_timeout(cause: BaseException) -> bool:
    """Whether an exception, or the one that it wraps, is a timeout."""
    wrapped = [cause.__cause__, *cause.args[:1]]  # requests: ConnectionError(ReadTimeoutError())
    errors = [error for error in (cause, *wrapped) if isinstance(error, BaseException)]
    # The transports spell it TimeoutError, ReadTimeout, ReadTimeoutError, trio.TooSlowError, ...
    names = [base.__name__.lower() for error in errors for base in type(error).__mro__]
    return any("timeout" in name or "tooslow" in name for name in names)


def drop_frames(error: BaseException | None) -> None:
    """Clear the tracebacks of an error that is not raised, and of its causes and contexts.

    Since Python 3.12 the frame of a failed read refers to the frames of its callers, up to the
    user's. Their variables would stay alive, such as an EventSource and its next connection.
    """
    errors = [error]
    while errors:
        error = errors.pop()
        if error is not None and error.__traceback__ is not None:  # (this ends a circle of causes)
            error.with_traceback(None)
            errors += [error.__cause__, error.__context__]
