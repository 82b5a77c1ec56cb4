# Every way in which a stream can break, with the report and the answer that a consumer must give.
#
# What always holds here:
# - The answer that a consumer keeps comes from how the stream was made: it is the answer after the
#   events that were complete when the fault came.
# - After damage, repetition or disorder, a stream may still have a meaning: only the answer before
#   the fault is certain.

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from itertools import pairwise
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import msgspec
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument
from hypothesis.strategies import DrawFn, SearchStrategy

from ssekit._errors import (
    APIError,
    SSEKitError,
    StreamInterruptedError,
    StreamTimeoutError,
    StreamTruncatedError,
)
from ssekit.testing._answers import Addition, FormatName, Json, begin, put
from ssekit.testing._models import ModelStream

__all__ = ["ERROR_FORMS", "FAULTS", "ErrorForm", "Fault", "faults"]

FaultKind: TypeAlias = Literal[
    "truncated", "interrupted", "timed out", "reported", "damaged", "duplicated", "reordered"
]

FAULTS: Final[dict[FaultKind, str]] = {
    "truncated": "the bytes end cleanly, at any byte",
    "interrupted": "the transport raises, after any byte",
    "timed out": "the transport raises because it waited too long, after any byte",
    "reported": "the server reports an error, before any event: see `ERROR_FORMS`",
    "damaged": "some bytes are missing, are added, or are replaced by others",
    "duplicated": "an event comes twice",
    "reordered": "two events change places",
}


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """A stream that breaks, as a consumer receives it, and the report that the consumer must make.

    The first `sound` bytes are as they were sent. After them a consumer must have `kept`.

    Attributes:
        kind: The kind of the fault: one of `FAULTS`.
        stream: The whole stream.
        reads: The bytes that are received, in reads.
        raises: The exception of the transport after the reads; None where they end cleanly.
        sound: The number of received bytes before the fault.
        kept: The answer so far, which a correct consumer keeps.
        state: The state that it must report: "done" (the stream was over before the fault),
            "truncated" or "failed"; None for any state, and for any error of its own.
        error: The class of ssekit's error; None where there is no error, or any.
        form: The form of an error that the server reports: one of `ERROR_FORMS`.
        message, code: The message and the code of that error.
        unfinished: How much data of a truncated event there is: "nothing", a "part", or the
            "whole". An event with whole data counts. (A consumer that follows WHATWG HTML 9.2.6
            drops it: to test such a consumer, leave these faults out with `.filter`.)
    """

    kind: FaultKind
    stream: ModelStream
    reads: tuple[bytes, ...]
    raises: Exception | None = None
    sound: int
    kept: Any
    state: Literal["done", "truncated", "failed"] | None = None
    error: type[SSEKitError] | None = None
    form: str | None = None
    message: str | None = None
    code: str | None = None
    unfinished: Literal["nothing", "part", "whole"] = "nothing"

    @property
    def data(self) -> bytes:
        """All bytes that are received."""
        return b"".join(self.reads)

    def source(self) -> Iterator[bytes]:
        """Yield the reads, and then raise the transport's exception."""
        yield from self.reads
        if self.raises is not None:
            raise self.raises

    def __repr__(self) -> str:
        fields = ", ".join(
            f"{name}={value!r}"
            for name in ("raises", "sound", "state", "form", "kept")
            if (value := getattr(self, name)) is not None
        )
        blocks = "".join(f"\n  {read!r}" for read in self.reads)
        return f"<{self.stream.format} stream, {self.kind}: {fields}{blocks}\n>"


# Forms of errors that servers report inside a stream.


class ErrorForm(NamedTuple):
    """An event that reports an error.

    Attributes:
        body: The data of the event: JSON, or a text.
        code: The server's code.
        type: The type in the `event` line, if there is one.
        additions: The additions of the event to the answer, beside the error.
    """

    body: Any
    code: str | None = None
    type: str = ""
    additions: tuple[Addition, ...] = ()


_MESSAGE: Final = "overloaded"
_ERROR: Final = {"message": _MESSAGE, "type": "server_error", "code": 529}
_ANY_FORMS: Final[dict[str, ErrorForm]] = {
    "an object": ErrorForm({"error": _ERROR}, "529"),
    "an object in a list": ErrorForm([{"error": _ERROR}], "529"),
    "a text": ErrorForm({"error": _MESSAGE}),
    "flat, by its type": ErrorForm({"type": "error", "code": "busy", "message": _MESSAGE}, "busy"),
    "flat, by its object": ErrorForm({"object": "error", "code": 5, "message": _MESSAGE}, "5"),
    "detail": ErrorForm({"detail": _MESSAGE}),
    "event: error, an object": ErrorForm({"error": _ERROR}, "529", "error"),
    "event: error, flat": ErrorForm({"code": "busy", "message": _MESSAGE}, "busy", "error"),
    "event: error, a text": ErrorForm(_MESSAGE, None, "error"),
}


def _forms_of_choices(delta: Json, message: Json) -> dict[str, ErrorForm]:
    """Return the forms of an error in a chunk whose choice has `delta`, and begins as `message`."""
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    failed = {"index": 0, **delta, "finish_reason": "error", "error": _ERROR}
    choice = {"index": 0, **message, "finish_reason": None, "logprobs": None}
    begun = (begin(choice, "choices", 0), put("error", "choices", 0, "finish_reason"))
    chunk = {"choices": [], "usage": usage, "error": _ERROR}
    return {
        "on a chunk": ErrorForm(chunk, "529", additions=(put(usage, "usage"),)),
        "in a choice": ErrorForm({"choices": [failed]}, "529", additions=begun),
    }


_FLAT: Final = {"type": "error", "code": "busy", "message": _MESSAGE, "param": None}
_FAILURE: Final = {"code": "server_error", "message": _MESSAGE}
_FAILED: Final = {"type": "response.failed", "response": {"status": "failed", "error": _FAILURE}}
_OVERLOADED: Final = {"type": "overloaded_error", "message": _MESSAGE}
_UNAVAILABLE: Final = {"code": 503, "message": _MESSAGE, "status": "UNAVAILABLE"}
_NO_MESSAGE: Final = {"message": {"role": "assistant", "content": None, "refusal": None}}

# The forms of each format: those of any host, and those of the format's own.
ERROR_FORMS: Final[dict[FormatName, dict[str, ErrorForm]]] = {
    "chat": _ANY_FORMS
    | _forms_of_choices({"delta": {}}, _NO_MESSAGE)
    | {
        "in x_groq": ErrorForm(
            {"choices": [], "x_groq": {"id": "q", "error": _MESSAGE}},
            additions=(put({"id": "q"}, "x_groq"),),
        )
    },
    "completions": _ANY_FORMS | _forms_of_choices({"text": ""}, {"text": ""}),
    "responses": _ANY_FORMS
    | {
        "an event, flat": ErrorForm(_FLAT, "busy", "error"),
        "an event, nested": ErrorForm(
            {"type": "error", "error": _FAILURE}, "server_error", "error"
        ),
        "a response that failed": ErrorForm(
            _FAILED,
            "server_error",
            "response.failed",
            (put("failed", "status"), put(_FAILURE, "error")),
        ),
    },
    "messages": _ANY_FORMS
    | {"an event": ErrorForm({"type": "error", "error": _OVERLOADED}, None, "error")},
    "gemini": _ANY_FORMS | {"a status": ErrorForm({"error": _UNAVAILABLE}, "503")},
    "interactions": _ANY_FORMS
    | {
        "an event": ErrorForm({"event_type": "error", "error": _FAILURE}, "server_error", "error"),
        "an interaction that failed": ErrorForm(
            {
                "event_type": "interaction.completed",
                "interaction": {"status": "failed", "errors": [_FAILURE]},
            },
            "server_error",
            "interaction.completed",
            (put("failed", "status"), put([_FAILURE], "errors")),
        ),
    },
}


# Drawing.


def faults(
    streams: SearchStrategy[ModelStream],
    *,
    kinds: Collection[FaultKind] = tuple(FAULTS),
    max_cuts: int = 3,
) -> SearchStrategy[Fault]:
    """Return a strategy of streams that break, each with the report that a consumer must make.

    Args:
        streams: The streams that break: `chat_streams()`, `message_streams(dialect="any")`, ...
        kinds: The kinds of faults: some of `FAULTS`.
        max_cuts: How many cuts there are at most between the reads.

    Raises:
        InvalidArgument: There is no such kind, or there are none.

    >>> from hypothesis import given
    >>> from ssekit import StreamTruncatedError, chat
    >>> from ssekit.testing import chat_streams
    >>> @given(faults(chat_streams(), kinds=["truncated"]))
    ... def test_a_cut_stream_is_no_whole_one(fault):
    ...     try:
    ...         chat.collect(fault.source())
    ...         assert fault.state == "done"
    ...     except StreamTruncatedError:
    ...         assert fault.state == "truncated"
    >>> test_a_cut_stream_is_no_whole_one()
    """
    if not kinds or not set(kinds) <= set(FAULTS):
        raise InvalidArgument(f"kinds are some of {[*FAULTS]}, not {kinds!r}")
    return _faults(streams, [kind for kind in FAULTS if kind in kinds], max_cuts)


@st.composite
def _faults(
    draw: DrawFn, streams: SearchStrategy[ModelStream], kinds: list[FaultKind], max_cuts: int
) -> Fault:
    stream = draw(streams)
    kind = draw(st.sampled_from(kinds))
    data, fields = _MAKERS[kind](draw, stream)
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=max_cuts)))
    reads = tuple(data[start:end] for start, end in pairwise([0, *cuts, len(data)]))
    return Fault(kind=kind, stream=stream, reads=reads, **fields)


# The received bytes, and the fields of the fault.
_Made: TypeAlias = tuple[bytes, dict[str, Any]]


def _draw_size(draw: DrawFn, stream: ModelStream) -> int:
    """Draw the number of bytes before a stream breaks: at a seam, or anywhere."""
    return draw(st.sampled_from(stream.seams) | st.integers(0, len(stream.data)))


def _truncated(draw: DrawFn, stream: ModelStream) -> _Made:
    size = _draw_size(draw, stream)
    count = stream.complete_in(size)
    unfinished = stream.unfinished_in(size)
    counted = count + (unfinished == "whole")
    state = stream.end_after(counted)[0]
    # A part of an event spoils an end by finish reasons, after which more may come.
    if unfinished == "part" and not stream.ended_in(count):
        state = "truncated"
    return stream.data[:size], {
        "sound": size,
        "kept": stream.expected_after(counted),
        "state": state,
        "error": StreamTruncatedError if state == "truncated" else None,
        "unfinished": unfinished,
    }


# The exceptions of transports: each fault has one of its own.
_INTERRUPTIONS: Final[list[Callable[[], Exception]]] = [
    lambda: ConnectionResetError("reset by peer"),
    lambda: OSError(5, "input/output error"),
    lambda: EOFError("peer closed connection without sending complete message body"),
    lambda: RuntimeError("any other"),
]
_TIMEOUTS: Final[list[Callable[[], Exception]]] = [lambda: TimeoutError("timed out")]


def _raised(
    causes: list[Callable[[], Exception]],
    error: type[SSEKitError],
    draw: DrawFn,
    stream: ModelStream,
) -> _Made:
    cause = draw(st.sampled_from(causes))()
    size = _draw_size(draw, stream)
    count = stream.complete_in(size)
    ended = stream.ended_in(count)
    return stream.data[:size], {
        "raises": cause,
        "sound": size,
        "kept": stream.expected_after(count),
        "state": "done" if ended else "failed",
        "error": None if ended else error,
    }


def _reported(draw: DrawFn, stream: ModelStream) -> _Made:
    forms = ERROR_FORMS[stream.format]
    name = draw(st.sampled_from([*forms]))
    form = forms[name]
    text = form.body if isinstance(form.body, str) else msgspec.json.encode(form.body).decode()
    line = f"event: {form.type}\n" if form.type else ""
    # Nothing is read after the event that ends a stream.
    places = [place for place in range(len(stream.events) + 1) if not stream.ended_in(place)]
    place = draw(st.sampled_from(places))
    start = stream.starts[place]
    rest = stream.data[start:] if draw(st.booleans()) else b""
    return stream.data[:start] + f"{line}data: {text}\n\n".encode() + rest, {
        "sound": start,
        "kept": stream.expected_after(place, *form.additions),
        "state": "failed",
        "error": APIError,
        "form": name,
        "message": _MESSAGE,
        "code": form.code,
    }


# Nothing, bytes that are not UTF-8, bytes that end or begin an event, or any bytes.
_ADDED: Final = st.sampled_from([b"", b"\xff", b"\0", b"\n\n", b"\r", b"data:"]) | st.binary(
    max_size=3
)


def _damaged(draw: DrawFn, stream: ModelStream) -> _Made:
    at = draw(st.integers(0, len(stream.data) - 1))
    missing, added = draw(st.integers(0, 3)), draw(_ADDED)
    place = sum(start <= at for start in stream.starts) - 1
    return stream.data[:at] + added + stream.data[at + missing :], _unsettled(stream, place)


def _duplicated(draw: DrawFn, stream: ModelStream) -> _Made:
    place = draw(st.integers(1, len(stream.events)))
    end = stream.starts[place]
    again = stream.events[place - 1].data
    return stream.data[:end] + again + stream.data[end:], _unsettled(stream, place)


def _reordered(draw: DrawFn, stream: ModelStream) -> _Made:
    place = draw(st.integers(0, max(0, len(stream.events) - 2)))
    blocks = [event.data for event in stream.events]
    blocks[place : place + 2] = reversed(blocks[place : place + 2])
    return b"".join(blocks), _unsettled(stream, place)


def _unsettled(stream: ModelStream, place: int) -> dict[str, Any]:
    """Return the fields of a fault that changes an event: only the answer before it is certain."""
    return {"sound": stream.starts[place], "kept": stream.expected_after(place)}


_MAKERS: Final[dict[FaultKind, Callable[[DrawFn, ModelStream], _Made]]] = {
    "truncated": _truncated,
    "interrupted": partial(_raised, _INTERRUPTIONS, StreamInterruptedError),
    "timed out": partial(_raised, _TIMEOUTS, StreamTimeoutError),
    "reported": _reported,
    "damaged": _damaged,
    "duplicated": _duplicated,
    "reordered": _reordered,
}
