# Push: bytes (or events) go in, chunks come out, and the answer grows in the accumulator.
#
# `StreamDecoder` alone knows the end, the error and the partial answer. It does no I/O: its caller
# (a gateway, a test) passes bytes on (`feed`), and reports that they ended cleanly (`close`) or
# that reading failed (`fail`). A Stream does the same by `receive` and `finish`, item by item.
#
# How it works: the scanner cuts a read into batches of payloads. Each payload is decoded by the
# format's typed decoder, in C, and the accumulator takes the chunk before it is returned. A payload
# that the typed decoder refuses (the end marker, an error, a dialect) is read in Python
# (`_receive_unusual`).
#
# What always holds here:
# - The state leaves "open" once for each source. Nothing is decoded afterwards.
# - Chunks that were complete before a fault come out before the error, however the reads fall.
# - A payload is decoded when its chunk is asked for, not before.
# - A stream is done only after a chunk with a part of the answer, and only by an end of `EndedBy`.

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeAlias, TypeVar

import msgspec

from ssekit._deltas import Delta, SurrogateJoiner, TextDelta
from ssekit._errors import (
    AnswerTooLargeError,
    APIError,
    DecodeError,
    SSEKitError,
    StreamInterruptedError,
    StreamNotFinishedError,
    StreamTruncatedError,
    interruption,
)
from ssekit._event import NO_FIELDS, EventFields, ServerSentEvent, as_bytes, as_text, make_event
from ssekit._json import DECODE_FAILURES, LARGE, is_dense, join_surrogates
from ssekit._marker import is_marker
from ssekit._outside import no_answer
from ssekit._scanner import DEFAULT_MAX_EVENT_SIZE, IGNORED, Batch, EventScanner
from ssekit._server_error import error_fields
from ssekit._sse import State

if TYPE_CHECKING:
    from ssekit._format import Format

__all__ = ["EndedBy", "StreamDecoder"]

ChunkT = TypeVar("ChunkT")
ResultT = TypeVar("ResultT")

EndedBy: TypeAlias = Literal["event", "marker", "finish"]


class Scanned(NamedTuple):
    """A read whose events have been cut already."""

    batches: Iterable[Batch]


Read: TypeAlias = bytes | bytearray | memoryview | ServerSentEvent | Scanned


class StreamDecoder(Generic[ChunkT, ResultT]):
    """Decodes and accumulates one stream that is pushed into it.

    A format makes one: `chat.decoder()`. No method raises because of the bytes: chunks before
    a fault are returned, the fault is kept in `error`, and `result()` raises it.

    Attributes:
        state: "open" until the end is known; then "done"; "truncated", when the bytes ended
            before the format's own end; or "failed".
        ended_by: The end that made it "done": the format's terminal "event", the "marker" `[DONE]`,
            or a clean end of bytes after every choice had its "finish" (usage, which comes later,
            may be missing). None otherwise.
        error: The error that ended the stream, or None; its `partial` is the answer so far.
        accumulator: The accumulator of the chunks, with views of the answer so far.
        format: The name of the wire format; None while `ssekit.auto` has not detected it.
    """

    def __init__(
        self,
        wire_format: Format[ChunkT, ResultT],
        *,
        max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE,
        max_answer_size: int | None = None,
        on_comment: Callable[[str], object] | None = None,
        last_event_id: str = "",
    ) -> None:
        comments = on_comment is not None
        self._scanner = EventScanner(last_event_id, max_event_size, comments=comments, outside=True)
        self._on_comment = on_comment or str  # (`str` is never called: no comment is scanned)
        # The latest event: the property `event` makes it of these two.
        self._payload: bytes | None = None
        self._fields: EventFields = NO_FIELDS
        # Whether a chunk had a part of the answer. Until then: whether an event came that is not
        # empty, how many were foreign, and the first of these (`Format.kind_of`).
        self._started = self._seen = False
        self._foreign = 0
        self._first_foreign: ServerSentEvent | None = None
        self._surrogates = SurrogateJoiner()
        self._max_answer_size = max_answer_size
        self._answer_size = 0  # bytes of the data of its events
        self._use(wire_format)
        self._open()

    def _use(self, wire_format: Format[ChunkT, ResultT]) -> None:
        self._format = wire_format
        self._decode = wire_format.decode_typed
        self.accumulator = wire_format.accumulator()
        self.format: str | None = wire_format.name

    def __reduce__(self) -> Any:
        raise TypeError("no copy or pickle of a stream, which goes on: snapshot() is its answer")

    @property
    def event(self) -> ServerSentEvent | None:
        """The event behind the latest chunk, or the one that ended the stream."""
        return None if self._payload is None else make_event(self._payload, self._fields)

    def feed(self, data: bytes | bytearray | memoryview | ServerSentEvent, /) -> list[ChunkT]:
        """Take the next bytes, or the next event, and return the chunks that they complete."""
        return self._pushed(self.receive((_read(data),)))

    def close(self) -> list[ChunkT]:
        """Take a clean end of the bytes, and decide the state.

        An unfinished last event counts if it has come whole: JSON, the end marker, an error's text.
        """
        return self._pushed(self.finish())

    def feed_deltas(self, data: bytes | bytearray | memoryview | ServerSentEvent, /) -> list[Delta]:
        """Take the next bytes, or the next event, and return the deltas of their chunks.

        This is `feed` in the vocabulary that all formats share: use one or the other. If the bytes
        end the stream, the deltas that wait for its end come last.
        """
        return self._pushed(self.deltas(self.receive((_read(data),))))

    def close_deltas(self) -> list[Delta]:
        """Take a clean end of the bytes, as `close` does, and return the last deltas."""
        return self._pushed(self.deltas(self.finish()))

    def fail(self, cause: BaseException, /) -> None:
        """Take the failure of the transport, or an early end of reading. Drop an unfinished event.

        Pass the exception of the transport; or the one that ended the reading (`CancelledError`,
        `GeneratorExit`, `KeyboardInterrupt`). An error that the server reported before is kept.
        """
        self._fail(interruption(cause))

    def snapshot(self) -> ResultT:
        """Return the answer so far, whatever the state."""
        return self.accumulator.snapshot()

    def result(self) -> ResultT:
        """Return the finished answer.

        Raises:
            SSEKitError: The kept error, if the stream was truncated or failed.
            StreamNotFinishedError: The stream is still open.
        """
        self.raise_error()
        if self.state == "open":
            raise self.not_finished("the stream has not ended: read it to its end first")
        return self.snapshot()

    def not_finished(self, reason: str) -> StreamNotFinishedError:
        """Return the error of a stream that its reader left before its end."""
        error = StreamNotFinishedError(reason)
        error.partial = self.snapshot()
        return error

    def raise_error(self) -> None:
        """Raise the kept error, if there is one."""
        if self.error is not None:
            raise self.error.with_traceback(None)  # frames of earlier raises would accumulate

    def resume(self) -> None:
        """Be ready for another source that continues the answer: the wire starts afresh."""
        self._scanner.restart()
        self._open()

    def _open(self) -> None:
        # Lines outside of events, those behind data of one, and an error that the next may explain.
        self._outside = self._behind = b""
        self._unexplained: SSEKitError | None = None
        self._decode = self._format.decode_typed
        self._emitted_last_deltas = False
        self.state: State = "open"
        self.ended_by: EndedBy | None = None
        self.error: SSEKitError | None = None

    # `feed` and `close` item by item, for the pull side (`_stream`).

    def receive(
        self, reads: Iterable[Read], abandon: Callable[[], object] | None = None
    ) -> Iterator[ChunkT]:
        """Yield the chunks of each read. Call `abandon` if the iteration raises or is dropped.

        A `Stream` has one generator for all reads: one for each took a tenth longer where each read
        is one event. It is one function: a call for each chunk takes 30 ns.
        """
        scanner, limited = self._scanner, self._max_answer_size is not None
        try:
            for data in reads:
                if self.state != "open":
                    return
                # Bytes, the ordinary read, are scanned without the call of `_batches`.
                for fields, payloads in (
                    scanner.scan(data) if type(data) is bytes else self._batches(data)
                ):
                    if fields is IGNORED:
                        payloads, fields = self._receive_ignored(payloads), NO_FIELDS
                    for payload in payloads:
                        if self.state != "open":
                            # `fail` was called since the latest chunk, which mypy cannot know.
                            return  # type: ignore[unreachable]
                        self._payload, self._fields = payload, fields
                        try:
                            if len(payload) > LARGE and is_dense(payload):
                                raise msgspec.DecodeError
                            chunk = self._decode(payload)
                        except DECODE_FAILURES:
                            yield from self._receive_unusual()
                            if self.state != "open":
                                return  # type: ignore[unreachable]
                            continue
                        if limited and self._outgrows_limit(len(payload)):
                            return
                        try:
                            ends = self.accumulator.add(chunk)
                        except DecodeError as error:
                            error.event = self.event
                            self._fail(error)
                            return
                        if not self._started:
                            self._note(chunk, make_event(payload, fields))
                        if ends:
                            self._end("event", "the stream ended")
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
        whole = all(
            self._format.has_come_whole(make_event(payload, fields))
            for fields, payloads in batches
            if fields is not IGNORED
            for payload in payloads
        )
        if not whole:
            batches = [batch for batch in batches if batch[0] is IGNORED]
        yield from self.receive((Scanned(batches),))
        if self.state == "open":
            ends = whole and self.accumulator.complete
            where = "the bytes ended" if whole else "the bytes ended in the middle of an event,"
            self._end("finish" if ends else None, where, self._outside)

    def deltas(self, chunks: Iterable[ChunkT]) -> Iterator[Delta]:
        """Yield the deltas of this decoder's chunks, as they come, and the last ones at the end.

        Joined, they are the texts of the answer (without a text in the event of an error).
        """
        join, held = self._surrogates.join, self._surrogates.held
        try:
            for chunk in chunks:
                for delta in self.accumulator.deltas(chunk):
                    # Nearly all deltas. To call `join` for each took a fifth of msgspec's decode.
                    if type(delta) is TextDelta and not held and delta.text.isascii():
                        yield delta
                        continue
                    if (joined := join(delta)) is not None:
                        yield joined
        except SSEKitError:
            yield from self._surrogates.flush()
            raise
        if self.state != "open":
            yield from self._surrogates.flush()
        if self.state == "done" and not self._emitted_last_deltas:
            self._emitted_last_deltas = True
            yield from self.accumulator.last_deltas()

    def _pushed(self, items: Iterator[Any]) -> list[Any]:
        try:
            return list(items)
        except BaseException as cause:
            # A callback raised, or the program was interrupted: the answer may lack a chunk.
            error = StreamInterruptedError(f"{type(cause).__name__} interrupted the decoding")
            error.__cause__ = cause
            self._fail(error)
            raise

    def _batches(self, data: Read) -> Iterable[Batch]:
        if isinstance(data, Scanned):
            return data.batches
        if isinstance(data, ServerSentEvent):
            event_type, id_, text = map(join_surrogates, (data.event, data.id, data.data))
            return [((event_type or "message", id_, data.retry), [text.encode()])]
        return self._scanner.scan(as_bytes(data))

    def _outgrows_limit(self, size: int) -> bool:
        """Count the size of an event. If the answer is too large with it, fail, and return True."""
        self._answer_size += size
        if self._max_answer_size is not None and self._answer_size > self._max_answer_size:
            self._fail(AnswerTooLargeError(self._max_answer_size))
        return self.state != "open"

    # Payloads that are no ordinary chunks.

    def _receive_ignored(self, payloads: Sequence[bytes]) -> Sequence[bytes]:
        """Take comments, or lines outside of any event. Return the lines if they are chunks."""
        chunks = self._format.find_chunks(payloads) if self._started else ()
        for payload in () if chunks else payloads:
            if payload.startswith(b":"):
                self._on_comment(as_text(payload[1:]))
            elif payload.startswith(b"\n\n"):
                self._behind = payload[2:]
            else:  # these lines count unless an event follows that is not empty
                self._outside, self._decode = payload[1:], _refuse
        return chunks

    def _receive_unusual(self) -> Iterator[ChunkT]:
        """Yield the chunks of an event that the typed decoder, or `_refuse`, has refused."""
        event, behind = self.event, self._behind
        assert event is not None
        self._behind = b""
        for part in self._format.split(event, behind):
            if self.state != "open":
                return
            if is_marker(part.data):
                is_end = self._format.marker_ends or self.accumulator.complete
                self._end("marker" if is_end else None, "the end marker came", self._outside)
                return
            waiting = self._decode is _refuse  # lines outside, or an error, wait for this event
            settles = waiting and self._format.kind_of(part) != "empty"
            if settles:
                self._outside, self._decode = b"", self._format.decode_typed
            chunk, error = self._format.read(part, skip_typed=not waiting)
            if error is None:
                if settles and self._unexplained is not None:
                    self._fail(self._unexplained)
                    return
                if chunk is not None and self._outgrows_limit(len(part.data)):
                    return
            ends = None
            try:
                if chunk is not None:
                    ends = self.accumulator.add(chunk)
            except DecodeError as fault:
                error = error or fault  # the server's own error is more important
            if error is not None:
                error.event = event
                self._receive_error(error)
                continue
            if not self._started:
                self._note(chunk, part)
            if ends:
                self._end("event", "the stream ended")
            if chunk is not None:
                yield chunk

    def _receive_error(self, error: SSEKitError) -> None:
        """Fail by an error, or wait for the next event, which may have the server's reason."""
        explained = self._format.is_explained(error)
        if explained and isinstance(error, APIError):
            self._unexplained = None
        elif not explained and self._unexplained is None:
            self._unexplained = error
            self._decode = _refuse  # which sends the next event to `_receive_unusual`
            return
        self._fail(error)

    def _note(self, chunk: ChunkT | None, event: ServerSentEvent) -> None:
        """Note whether a chunk starts the answer, or its event is of another format."""
        if chunk is not None and self._format.starts(chunk, event):
            self._started = True
        elif (kind := self._format.kind_of(event)) != "empty":
            self._seen = True
            if kind == "foreign":
                self._foreign += 1
                self._first_foreign = self._first_foreign or event

    # The end.

    def _end(self, ended_by: EndedBy | None, where: str, outside: bytes = b"") -> None:
        """End as done (by `ended_by`), as truncated (if that is None), or as failed."""
        fault: SSEKitError | None = self._unexplained
        if outside:
            complete = self._started and self.accumulator.complete
            fault = self._format.find_outside(outside, certain=complete) or fault
            self._unexplained = None
        failure = getattr(self.accumulator, "failure", None)
        if fault is None and not self._started:
            fault = self._no_answer(where, outside)
        elif fault is None and failure is not None:
            fault = APIError(**error_fields(failure))
        elif fault is None and ended_by is None:
            fault = StreamTruncatedError(f"{where} before the stream's own end")
        if fault is None:
            self.state, self.ended_by = "done", ended_by
        else:
            self._fail(fault)

    def _no_answer(self, where: str, outside: bytes) -> SSEKitError:
        if self._first_foreign is not None:
            return self._format.mismatch(self._first_foreign, self._foreign)
        return no_answer(where, outside, seen=self._seen)

    def _fail(self, error: SSEKitError) -> None:
        if self.state != "open":
            return
        error = self._unexplained or error  # an unexplained error came first
        self.error = error.with_traceback(None)  # its frames hold the bytes of the event
        error.partial = self.snapshot()
        self.state = "truncated" if isinstance(error, StreamTruncatedError) else "failed"


def _read(data: Read) -> Read:
    return data if isinstance(data, bytes | ServerSentEvent) else as_bytes(data)


def _refuse(_data: bytes | str) -> Any:
    raise msgspec.DecodeError
