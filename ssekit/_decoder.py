# Push: bytes (or events) go in, chunks come out, and the answer stands in the accumulator.
#
# `StreamDecoder` alone knows the end, the error and the partial answer. It does no I/O: whoever
# reads (a Stream, a gateway, a test) says what came (`feed`), that the bytes ended cleanly
# (`close`), or that reading failed (`fail`).
#
# What always holds here:
# - The state leaves "open" once. What comes afterwards is not looked at.
# - Chunks that were complete before a fault are handed over before it, however the reads fall.
# - A payload is decoded when its chunk is asked for, not before.

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, Final, Generic, Literal, NamedTuple, TypeAlias, TypeVar

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
from ssekit._fragments import MERGE_AT
from ssekit._json import is_json, join_surrogates
from ssekit._scanner import DEFAULT_MAX_EVENT_SIZE, make_scanner

__all__ = ["DONE", "Done", "EndedBy", "State", "StreamDecoder"]

ChunkT = TypeVar("ChunkT")
ResultT = TypeVar("ResultT")
ValueT = TypeVar("ValueT")
ChunkT_contra = TypeVar("ChunkT_contra", contravariant=True)
ResultT_co = TypeVar("ResultT_co", covariant=True)

State: TypeAlias = Literal["open", "done", "truncated", "failed"]
EndedBy: TypeAlias = Literal["event", "marker", "finish"]

Read: TypeAlias = bytes | bytearray | memoryview | ServerSentEvent

# Equals no index of the wire, and no null in the place of one.
NOWHERE: Final = object()

# What the typed decoder of a wire format raises for data that is not what its structs declare.
DECODE_FAILURES: Final = (msgspec.DecodeError, UnicodeError, RecursionError)

# An event whose whole data is this, exactly, ends a stream.
MARKER: Final = "[DONE]"


class Last(NamedTuple):
    """What a clean end of the bytes leaves, as a read: the data of an unfinished event, or none."""

    payloads: list[bytes]


class Done(enum.Enum):
    """The type of `DONE`, what `decode` returns for the end marker."""

    DONE = MARKER


DONE: Final = Done.DONE


class TextRun:
    """Where a text goes on, piece by piece, in an accumulator that has this as its `_run`.

    Nearly every chunk of the Responses API is of one type, at the place of the one before, and has
    no more to say than its piece. That much `StreamDecoder.receive` folds in itself: by a call of
    `add` for each, reads of 64 KiB took 0.15 of the decode more.

    Attributes:
        piece_type: The type.
        add: What is saved. (Another class may have inherited the run, and add otherwise.)
        output_index: With `content_index`, the place of the latest chunk; `NOWHERE` if that was no
            piece.
        pending: The pieces of the text there that its `Fragments` hold pending.
        sequence_number: That of the latest chunk that had one: where to resume after.
    """

    __slots__ = (
        *("add", "piece_type"),
        *("content_index", "pending", "output_index", "sequence_number"),
    )

    def __init__(self, piece_type: type[Any] | None, add: object) -> None:
        self.piece_type = piece_type
        self.add = add
        self.output_index: object = NOWHERE
        self.content_index = 0
        self.pending: list[str] = []
        self.sequence_number: int | None = None


_NO_RUN: Final = TextRun(None, None)
# How many pieces may be pending when one more is put to them.
_LOOSE: Final = MERGE_AT - 1


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
        error: What ended the stream, if it is not "done"; it holds the answer so far in `partial`.
        format: The name of the wire format; None while `ssekit.auto` has not been told.
    """

    __slots__ = (
        "_accumulator",
        "_decode",
        "_decode_fallback",
        "_payload",
        "_run",
        "_scanner",
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
        # The data of the latest event, from which `event` is made when somebody looks.
        self._payload: bytes | None = None
        self.accumulator = accumulator
        self.format = format
        self.state: State = "open"
        self.ended_by: EndedBy | None = None
        self.error: SSEKitError | None = None

    @property
    def accumulator(self) -> Accumulator[ChunkT, ResultT]:
        """What folds the chunks."""
        return self._accumulator

    @accumulator.setter
    def accumulator(self, accumulator: Accumulator[ChunkT, ResultT]) -> None:
        self._accumulator = accumulator
        run = getattr(accumulator, "_run", None)
        self._run: TextRun = _NO_RUN
        if isinstance(run, TextRun) and type(accumulator).add is run.add:
            self._run = run

    @property
    def event(self) -> ServerSentEvent | None:
        """The event behind the latest chunk, or the one that ended the stream."""
        return None if self._payload is None else make_event(self._payload, self._scanner.head)

    def feed(self, data: Read, /) -> list[ChunkT]:
        """Take the next bytes, or the next event, and return the chunks that they complete."""
        return list(self.receive((data,)))

    def close(self) -> list[ChunkT]:
        """Take a clean end of the bytes, which decides what is still open.

        An unfinished last event counts if its data is the end marker or whole JSON.
        """
        return list(self.receive(self.last_reads()))

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

    # What the shells in `_stream` call: `feed` and `close`, chunk by chunk.

    def receive(
        self, reads: Iterable[Read | Last], release: Callable[[], object] | None = None
    ) -> Iterator[ChunkT]:
        """Yield the chunks of each read, until there are no more. However this ends: `release`.

        One generator serves a whole stream of reads: one for each read took a tenth longer where
        each read is one event. And it is one function: a call for each chunk takes 30 ns.
        """
        decode: Callable[[bytes], Any] = self._decode  # a ChunkT; some are pieces of text
        add, scanner = self._accumulator.add, self._scanner
        run, piece_type = self._run, self._run.piece_type
        try:
            for data in reads:
                if self.state != "open":
                    break
                # Bytes, the ordinary read, are scanned without a call between.
                if type(data) is bytes:
                    payloads = scanner.scan(data)
                else:
                    payloads = self._payloads(data)
                    # `auto` may know by now.
                    decode, add = self._decode, self._accumulator.add
                    run, piece_type = self._run, self._run.piece_type
                for payload in payloads:
                    if self.state != "open":  # `fail` was called since (which mypy cannot know)
                        break  # type: ignore[unreachable]
                    self._payload = payload
                    try:
                        chunk = decode(payload)
                    except DECODE_FAILURES:
                        unusual: Any = self._decode_latest()
                        if isinstance(unusual, Done):
                            break
                        chunk = unusual
                    if (
                        piece_type is not None  # first: so a chunk of chat takes 10 ns less
                        and type(chunk) is piece_type
                        and chunk.output_index == run.output_index
                        and chunk.content_index == run.content_index
                        and not chunk.logprobs
                        and len(run.pending) < _LOOSE  # the one that fills it, `add` merges
                    ):
                        ends: bool | None = False
                        run.pending.append(chunk.delta)
                        if chunk.sequence_number is not None:
                            run.sequence_number = chunk.sequence_number
                    else:
                        try:
                            ends = add(chunk)
                        except DecodeError as error:
                            error.event = self.event
                            self._fail(error)
                            break
                        if ends:
                            self._end("event")
                    yield chunk
                    if ends:
                        break
                else:
                    if scanner.too_large:
                        self._fail(scanner.error())
        finally:
            if release is not None:
                release()

    def last_reads(self) -> Iterator[Last]:
        """Yield the unfinished last event, if it counts, and then decide what is still open."""
        if self.state != "open":
            return
        head = self._scanner.head
        unfinished = list(self._scanner.finish(dispatch_incomplete=True))
        texts = map(as_text, unfinished)
        whole = all(text == MARKER or is_json(text) for text in texts)
        if not whole:
            self._scanner.head = head
        yield Last(unfinished if whole else [])
        if whole and self.accumulator.complete:
            self._end("finish")
        if self.state == "open":
            where = "before the stream's own end" if whole else "in the middle of an event"
            # What was no event stream at all ends like this too, where nobody looked at its head.
            hint = " (no event was seen)" if self._payload is None else ""
            self._fail(StreamTruncatedError(f"the bytes ended {where}{hint}"))

    def _payloads(self, data: Read | Last) -> Iterable[bytes]:
        if isinstance(data, Last):
            return data.payloads
        if isinstance(data, ServerSentEvent):
            event_type, id_ = (join_surrogates(text).encode() for text in (data.event, data.id))
            self._scanner.head = (event_type, id_, data.retry)
            return (join_surrogates(data.data).encode(),)
        return self._scanner.scan(as_bytes(data))

    def _decode_latest(self) -> ChunkT | Done:
        """Decode what the typed decoder refused; Done if it ended the stream, well or not."""
        event = self.event
        assert event is not None
        try:
            chunk = self._decode_fallback(event)
        except SSEKitError as error:
            if isinstance(error, APIError) and error.chunk is not None:
                with suppress(DecodeError):  # the server's own word goes before
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
