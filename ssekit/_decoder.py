# Push: bytes (or events) go in, chunks come out, and the answer grows in the accumulator.
#
# `StreamDecoder` alone knows the end, the error and the partial answer. It does no I/O: its caller
# (a Stream, a gateway, a test) passes bytes on (`feed`), and reports that they ended cleanly
# (`close`) or that reading failed (`fail`).
#
# How it works: the scanner cuts a read into batches of payloads. Each payload is decoded by the
# format's typed decoder, in C. What that refuses (the end marker, errors, dialects) goes to the
# format's fallback. The accumulator takes each chunk before it is returned.
#
# What always holds here:
# - The state leaves "open" once. Nothing is looked at afterwards.
# - Chunks that were complete before a fault are returned before it, however the reads fall.
# - A payload is decoded when its chunk is asked for, not before.

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Final, Generic, Literal, NamedTuple, TypeAlias, TypeVar

import msgspec

from ssekit._accumulator import Accumulator
from ssekit._errors import (
    APIError,
    DecodeError,
    SSEKitError,
    StreamNotFinishedError,
    StreamTruncatedError,
    interruption,
)
from ssekit._event import ServerSentEvent, as_bytes, as_text, make_event
from ssekit._fast_path import NO_FIELDS, Batch, EventFields
from ssekit._json import is_json, join_surrogates
from ssekit._scanner import DEFAULT_MAX_EVENT_SIZE, make_scanner
from ssekit._sse import State

__all__ = ["DONE", "Done", "EndedBy", "StreamDecoder"]

ChunkT = TypeVar("ChunkT")
ResultT = TypeVar("ResultT")

EndedBy: TypeAlias = Literal["event", "marker", "finish"]

# What the typed decoder of a wire format raises for data that its structs do not declare.
DECODE_FAILURES: Final = (msgspec.DecodeError, UnicodeError, RecursionError)

# An event with exactly this data ends a stream.
MARKER: Final = "[DONE]"


class Done(enum.Enum):
    """The type of `DONE`, which `decode` returns for the end marker."""

    DONE = MARKER


DONE: Final = Done.DONE


class Scanned(NamedTuple):
    """A read of which the events have been cut already."""

    batches: Iterable[Batch]


Read: TypeAlias = bytes | bytearray | memoryview | ServerSentEvent | Scanned


class StreamDecoder(Generic[ChunkT, ResultT]):
    """Decodes and accumulates one stream that is pushed into it.

    A format makes one: `chat.decoder()`. No method raises for what is in the bytes: chunks before
    a fault are returned, the fault is kept in `error`, and `result()` raises it.

    Attributes:
        state: "open" until the end is known; then "done"; "truncated", when the bytes ended
            before the format's own end; or "failed".
        ended_by: What made it "done": the format's terminal "event", the "marker" `[DONE]`, or a
            clean end of bytes after every choice had its "finish" (what comes later, such as
            usage, may be missing). None otherwise.
        error: The reason for the end of the stream, if it is not "done"; its `partial` is the
            answer so far.
        accumulator: What merges the chunks, with views of the answer so far.
        format: The name of the wire format; None while `ssekit.auto` has not detected it.
    """

    __slots__ = (
        "_decode",
        "_decode_fallback",
        "_fields",
        "_payload",
        "_scanner",
        "accumulator",
        "ended_by",
        "error",
        "format",
        "state",
    )

    def __init__(
        self,
        decode: Callable[[bytes], ChunkT],
        decode_fallback: Callable[[ServerSentEvent], ChunkT | Done],
        accumulator: Accumulator[ChunkT, ResultT],
        *,
        format: str | None = None,
        max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE,
        on_comment: Callable[[str], object] | None = None,
        last_event_id: str = "",
    ) -> None:
        self._decode = decode
        self._decode_fallback = decode_fallback
        self._scanner = make_scanner(last_event_id, max_event_size, on_comment)
        # The latest event, from which `event` is made when it is asked for.
        self._payload: bytes | None = None
        self._fields: EventFields = NO_FIELDS
        self.accumulator = accumulator
        self.format = format
        self.state: State = "open"
        self.ended_by: EndedBy | None = None
        self.error: SSEKitError | None = None

    @property
    def event(self) -> ServerSentEvent | None:
        """The event behind the latest chunk, or the one that ended the stream."""
        return None if self._payload is None else make_event(self._payload, self._fields)

    def feed(self, data: bytes | bytearray | memoryview | ServerSentEvent, /) -> list[ChunkT]:
        """Take the next bytes, or the next event, and return the chunks that they complete."""
        return list(self.receive((data,)))

    def close(self) -> list[ChunkT]:
        """Take a clean end of the bytes, which decides what is still open.

        An unfinished last event counts if its data is the end marker or whole JSON.
        """
        return list(self.finish())

    def fail(self, cause: BaseException, /) -> None:
        """Take the failure of the transport. What is unfinished is dropped."""
        self._fail(interruption(cause))

    def snapshot(self) -> ResultT:
        """Return the answer so far, whatever the state."""
        return self.accumulator.snapshot()

    def result(self) -> ResultT:
        """Return the finished answer.

        Raises:
            SSEKitError: The kept error, if the stream was truncated or failed.
            StreamNotFinishedError: The end was not seen yet.
        """
        self.raise_error()
        if self.state == "open":
            raise self.not_finished("the stream has not ended: read it to its end first")
        return self.snapshot()

    def not_finished(self, reason: str) -> StreamNotFinishedError:
        """Return the error of a stream that ends for its reader before its end was seen."""
        error = StreamNotFinishedError(reason)
        error.partial = self.snapshot()
        return error

    def raise_error(self) -> None:
        """Raise the kept error, if there is one."""
        if self.error is not None:
            # Without the frames of earlier raises, which would add up.
            raise self.error.with_traceback(None)

    def resume(self) -> None:
        """Be ready for another source that continues the answer: the wire starts afresh."""
        self._scanner.restart()
        self.state = "open"
        self.ended_by = None
        self.error = None

    # `feed` and `close` chunk by chunk, for the pull side (`_stream`).

    def receive(
        self, reads: Iterable[Read], abandon: Callable[[], object] | None = None
    ) -> Iterator[ChunkT]:
        """Yield the chunks of each read; call `abandon` if that raises or is dropped.

        One generator serves a whole stream of reads: one for each read took a tenth longer where
        each read is one event. And it is one function: a call for each chunk takes 30 ns.
        """
        decode, add, scanner = self._decode, self.accumulator.add, self._scanner
        try:
            for data in reads:
                if self.state != "open":
                    return
                # Bytes, the ordinary read, are scanned without a call between.
                if type(data) is bytes:
                    batches = scanner.scan(data)
                else:
                    batches = self._batches(data)
                    # With this read, `auto` may have detected the format.
                    decode, add = self._decode, self.accumulator.add
                for self._fields, payloads in batches:
                    for payload in payloads:
                        if self.state != "open":
                            # `fail` was called since the latest chunk, which mypy cannot know.
                            return  # type: ignore[unreachable]
                        self._payload = payload
                        try:
                            chunk = decode(payload)
                        except DECODE_FAILURES:
                            unusual = self._decode_latest()
                            if isinstance(unusual, Done):
                                return
                            chunk = unusual
                        try:
                            ends = add(chunk)
                        except DecodeError as error:
                            error.event = self.event
                            self._fail(error)
                            return
                        if ends:
                            self._end("event")
                        yield chunk
                        if ends:
                            return
                if scanner.too_large:
                    self._fail(scanner.error())
                    return
        except BaseException:
            if abandon is not None:
                abandon()
            raise

    def finish(self) -> Iterator[ChunkT]:
        """Take a clean end of the bytes; yield the chunk of an unfinished event that counts."""
        if self.state != "open":
            return
        batches = self._scanner.finish(dispatch_incomplete=True)
        texts = [as_text(payload) for _, payloads in batches for payload in payloads]
        whole = all(text == MARKER or is_json(text) for text in texts)
        yield from self.receive((Scanned(batches if whole else ()),))
        if whole and self.accumulator.complete:
            self._end("finish")
        where = "before the stream's own end" if whole else "in the middle of an event"
        # A body that was no event stream ends like this too, where its head was not checked.
        hint = " (no event was seen)" if self._payload is None else ""
        self._fail(StreamTruncatedError(f"the bytes ended {where}{hint}"))

    def _batches(self, data: Read) -> Iterable[Batch]:
        if isinstance(data, Scanned):
            return data.batches
        if isinstance(data, ServerSentEvent):
            event_type, id_, payload = (
                join_surrogates(text).encode() for text in (data.event, data.id, data.data)
            )
            return [((event_type, id_, data.retry), [payload])]
        return self._scanner.scan(as_bytes(data))

    def _decode_latest(self) -> ChunkT | Done:
        """Decode an event that the typed decoder refused; return DONE if it ended the stream."""
        event = self.event
        assert event is not None
        try:
            chunk = self._decode_fallback(event)
        except SSEKitError as error:
            if isinstance(error, APIError) and error.chunk is not None:
                with suppress(DecodeError):  # the server's own error is the more important one
                    self.accumulator.add(error.chunk)
            error.event = event
            self._fail(error)
            return DONE
        if isinstance(chunk, Done):
            self._end("marker")
        return chunk

    def _end(self, ended_by: EndedBy) -> None:
        if self.state == "open":  # `fail` may have been called between two chunks
            self.state, self.ended_by = "done", ended_by

    def _fail(self, error: SSEKitError) -> None:
        if self.state != "open":
            return
        error.partial = self.snapshot()
        self.error = error
        self.state = "truncated" if isinstance(error, StreamTruncatedError) else "failed"


# To be deleted with their last use.
NOWHERE: Final = object()


class TextRun:
    def __init__(self, piece_type: object, add: object) -> None:
        self.output_index: object = NOWHERE
        self.content_index = 0
        self.pending: list[str] = []
        self.sequence_number: int | None = None
