# The exceptions that ssekit raises because of its input.
#
# What always holds here:
# - Each error pickles and copies with all of its fields, so that it can cross a process pool.
# - A message names numbers, fields and types. It never holds a payload: logs are read by others.
# - `partial` and `event` are set by the code that knows them; an error is complete without them.
#
#     SSEKitError
#     |-- EventTooLargeError         an event outgrew the decoder's limit
#     |-- AnswerTooLargeError        all events of an answer outgrew theirs
#     |-- DecodeError                an event, or JSON, is not what it should be
#     |-- APIError                   the server reported an error
#     |   `-- StatusError            ... by the status of its response
#     |-- ContentTypeError           the response is no event stream
#     |-- StreamInterruptedError     the transport raised
#     |   `-- StreamTimeoutError     ... because it waited too long
#     |-- StreamTruncatedError       the bytes ended before the format's end
#     `-- StreamNotFinishedError     a result was asked for too early

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # For annotations alone: nothing is imported from below when the program runs.
    from collections.abc import Mapping

    from ssekit._event import ServerSentEvent


class SSEKitError(Exception):
    """The root of every error that ssekit raises about a stream.

    Attributes:
        partial: The answer so far (the `snapshot()` at the end of the stream), or None.
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


class _TooLargeError(SSEKitError):
    _subject = ""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"{self._subject} ({self.limit} bytes): raise the limit, or pass None for no limit"


class EventTooLargeError(_TooLargeError):
    """An event outgrew `max_event_size`; the decoder stays closed until `reset()`.

    Attributes:
        limit: The limit that was met, in bytes.
    """

    _subject = "an event is larger than max_event_size"


class AnswerTooLargeError(_TooLargeError):
    """The events of an answer outgrew `max_answer_size`; `partial` is the answer without the last.

    Attributes:
        limit: The limit that was met, in bytes.
    """

    _subject = "the events of the answer are larger than max_answer_size"


class DecodeError(SSEKitError):
    """The data of an event is no chunk of the format, or JSON is not of the type asked for.

    Attributes:
        partial: Of JSON that had not ended (`partial_json`), the value before the fault.
    """


class APIError(SSEKitError):
    """The server reported an error inside the stream.

    Attributes:
        message: The server's message.
        code: The server's code; a number on the wire is given as its digits.
        type: The server's kind of error.
        param: The request parameter that is to blame.
        body: The error object as it came, or the text where it was no object.
        chunk: The chunk that the event was as well, or None.
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
    """The response has a status outside of 2xx; the fields are those of the error in its body.

    (`reconnect` raises it for any status but 200 and 204, as the standard has it.)

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
        with suppress(Exception):  # `str` of it is code of the transport's too
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
    """Clear the tracebacks of an error that is not raised, and of those that it came from.

    Since Python 3.12 the frame of a failed read leads to the frames of its callers, up to the
    user's. Their variables are what reads on, such as an EventSource with its next connection.
    """
    errors = [error]
    while errors:
        error = errors.pop()
        if error is not None and error.__traceback__ is not None:  # so a circle of causes ends
            error.with_traceback(None)
            errors += [error.__cause__, error.__context__]
