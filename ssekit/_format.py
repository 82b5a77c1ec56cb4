# A wire format: how an event is decoded, and which accumulator takes the chunks. The functions that
# every format module has (decode, decoder, stream, astream, collect, acollect) are methods here.
#
# What always holds here:
# - An ordinary chunk is decoded by the format's typed decoder alone. What that refuses is read in
#   Python (`read`): the end marker; and error objects and dialects, where the structs declare the
#   fields that betray them as `None`. An object with other unknown fields is an ordinary chunk.
# - An object whose fields do not fit is still a chunk; without a required one, a `DecodeError`.

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from itertools import dropwhile, takewhile
from typing import Any, Generic, Literal, TypeVar

import msgspec
from msgspec.structs import replace

from ssekit._accumulator import Accumulator
from ssekit._decoder import StreamDecoder
from ssekit._errors import APIError, DecodeError, SSEKitError
from ssekit._event import ServerSentEvent, as_text
from ssekit._fitting import as_type
from ssekit._json import (
    DECODE_FAILURES,
    has_float,
    is_dense,
    is_json,
    parse_object,
    try_parse,
    unlisted,
    well_formed,
    without_spellings,
)
from ssekit._marker import DONE, Done, is_blank, is_empty, is_marker, unglued
from ssekit._outside import objects_outside
from ssekit._scanner import DEFAULT_MAX_EVENT_SIZE
from ssekit._server_error import (
    error_fields,
    flat_error,
    is_error,
    is_keepalive,
    is_notice,
    nested_error,
)
from ssekit._shapes import body_of, shape_in, shape_of
from ssekit._source import AsyncSource, Source
from ssekit._stream import AsyncStream, Stream

__all__ = ["Format"]

ChunkT = TypeVar("ChunkT")
ResultT = TypeVar("ResultT")


def _always(*_: object) -> bool:
    return True


def _nothing(_body: dict[str, Any]) -> Any:
    return None


class Format(Generic[ChunkT, ResultT]):
    r"""A wire format: those of the package, or one of your own.

    The first three arguments are enough. The end marker, errors that the server reports and objects
    of unforeseen shape are recognised without the others.

    Args:
        name: The name of the format in messages.
        decoder: Decodes the data of an ordinary event into a chunk, and refuses any other.
        accumulator: Makes the accumulator of one stream, such as a class that inherits
            `ssekit.Accumulator`.
        repair: Rewrites an object that the decoder refused, in place, into the shape that the
            chunk type declares. A field that does not fit even then counts as absent.
        find_error: Returns an error that an object holds elsewhere than at its top, or None.
        fragments: The names of fields whose strings continue from event to event.
        chunk_type: The type of an object that the decoder refused: the decoder's own type, or
            a union that has more in it, such as the events that report an error.
        typed_by_event: Whether an object without a `type` has that of its event.
        chunk_field: An object in which this field is not empty is a chunk. Beside it, only `error`
            reports an error.
        side_fields: Other fields that a chunk has which is no part of the answer, such as usage.
        starts: Whether a chunk, or its event, has a part of the answer. A stream in which none has
            is never done. Without this, any chunk has.
        marker_ends: Whether the end marker is the end of the format. If not, a stream that it ends
            is done only if the accumulator is complete.
        passes_named_events: Whether an event with a type of its own that is no chunk is skipped.
        is_explained: Whether an error has the words of the server. If not, the error of the next
            event is taken, if there is one. Without this, any error has.

    >>> import ssekit
    >>> class Last(ssekit.Accumulator[dict[str, int], dict[str, int]]):
    ...     def add(self, chunk, /):
    ...         self.latest = chunk
    ...     def snapshot(self):
    ...         return self.latest
    >>> last = ssekit.Format("last", msgspec.json.Decoder(dict[str, int]), Last)
    >>> last.collect([b'data: {"n": 1}\n\n', b'data: {"n": 2}\n\n', b"data: [DONE]\n\n"])
    {'n': 2}
    """

    def __init__(
        self,
        name: str,
        decoder: msgspec.json.Decoder[ChunkT],
        accumulator: Callable[[], Accumulator[ChunkT, ResultT]],
        *,
        repair: Callable[[dict[str, Any]], object] | None = None,
        find_error: Callable[[dict[str, Any]], Any] | None = None,
        fragments: Collection[str] = (),
        chunk_type: Any = None,
        typed_by_event: bool = False,
        chunk_field: str = "",
        side_fields: Collection[str] = (),
        starts: Callable[[ChunkT, ServerSentEvent], bool] = _always,
        marker_ends: bool = True,
        passes_named_events: bool = False,
        is_explained: Callable[[APIError], bool] = _always,
    ) -> None:
        self.name = name
        self.decode_typed: Callable[[bytes | str], ChunkT] = decoder.decode
        self.accumulator = accumulator
        self.starts = starts
        self.marker_ends = marker_ends
        self._is_explained = is_explained
        self._repair = repair or _nothing
        self._find_error = find_error or _nothing
        self._fragments = fragments
        self._chunk_type = chunk_type or decoder.type
        self._typed_by_event = typed_by_event
        self._chunk_field = chunk_field
        self._side_fields = side_fields
        self._passes_named_events = passes_named_events

    def __repr__(self) -> str:
        return f"<ssekit.Format {self.name}>"

    def decode(self, event: ServerSentEvent, /) -> ChunkT | Done:
        """Decode one event.

        Returns:
            The chunk, or `DONE` for the end marker.

        Raises:
            APIError: The event reports an error.
            DecodeError: The data is not a JSON object.
        """
        if is_marker(event.data):
            return DONE
        chunk, error = self.read(event)
        if chunk is not None and error is None:
            return chunk
        error = error or self._no_chunk(event)
        try:
            raise error
        finally:
            del error  # which would hold itself, and the event, by its traceback

    def decoder(
        self,
        *,
        max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE,
        max_answer_size: int | None = None,
        on_comment: Callable[[str], object] | None = None,
        last_event_id: str = "",
    ) -> StreamDecoder[ChunkT, ResultT]:
        """Return a decoder to push the bytes of one stream into.

        Args:
            max_answer_size: How many bytes the data of all events may have; None for no limit.
            max_event_size, on_comment, last_event_id: As for `SSEDecoder`.
        """
        return StreamDecoder(
            self,
            max_event_size=max_event_size,
            max_answer_size=max_answer_size,
            on_comment=on_comment,
            last_event_id=last_event_id,
        )

    def stream(
        self,
        source: Source,
        /,
        *,
        decoder: StreamDecoder[ChunkT, ResultT] | None = None,
        check: bool = True,
        drain: bool = False,
    ) -> Stream[ChunkT, ResultT]:
        """Return the chunks of a source, which is read as they are asked for.

        Args:
            source: An iterable of bytes or of events, a binary file object, a path of a recorded
                stream, or a response of httpx, httpx2, requests, urllib3, niquests or http.client
                (or an SDK's raw response, which has one as `http_response`). An object with a
                status and headers is checked as a response.
            decoder: Continues the answer of an earlier stream, or has options of its own.
            check: Whether a response must have a status of 2xx and be an event stream.
            drain: Whether to read on after the end of the stream (at most 64 KiB), so that its
                connection can be used again.
        """
        if decoder is not None:
            decoder.resume()
        return Stream(source, decoder or self.decoder(), check=check, drain=drain)

    def astream(
        self,
        source: AsyncSource,
        /,
        *,
        decoder: StreamDecoder[ChunkT, ResultT] | None = None,
        check: bool = True,
        drain: bool = False,
    ) -> AsyncStream[ChunkT, ResultT]:
        """Return the chunks of an asynchronous source; otherwise as `stream`.

        Args:
            source: An asynchronous iterable of bytes or of events (as the byte streams of trio and
                anyio are), an `asyncio.StreamReader`, a response of httpx, httpx2, aiohttp or
                niquests. The sources of `stream` that are no responses are read too, while the
                event loop waits.
            decoder, check, drain: As for `stream`.
        """
        if decoder is not None:
            decoder.resume()
        return AsyncStream(source, decoder or self.decoder(), check=check, drain=drain)

    def collect(self, source: Source, /, *, max_answer_size: int | None = None) -> ResultT:
        """Read a source to its end and return the finished answer.

        Args:
            source: As for `stream`.
            max_answer_size: How many bytes the data of all events may have; None for no limit.

        Raises:
            SSEKitError: The stream ended early; `partial` is the answer so far.
        """
        decoder = self.decoder(max_answer_size=max_answer_size)
        with self.stream(source, decoder=decoder) as stream:
            return stream.until_done()

    async def acollect(
        self, source: AsyncSource, /, *, max_answer_size: int | None = None
    ) -> ResultT:
        """Read an asynchronous source to its end; otherwise as `collect`."""
        decoder = self.decoder(max_answer_size=max_answer_size)
        async with self.astream(source, decoder=decoder) as stream:
            return await stream.until_done()

    # For the stream decoder: events that the typed decoder refused, and the end of the stream.

    def split(self, event: ServerSentEvent, outside: bytes = b"") -> list[ServerSentEvent]:
        """Return the events that an event holds: more than itself if a blank line is missing.

        An event that is named after an error, such as "stream_error", is returned with the type
        "error". If the data goes on in the bytes outside of events, it was printed over several
        lines of which only the first has the name of the field.
        """
        if is_error(event.event):
            event = replace(event, event="error")
        if outside and parse_object(whole := f"{event.data}\n{as_text(outside)}") is not None:
            return [replace(event, data=whole)]
        data = event.data
        if ("\n" not in data and "data:" not in data) or is_empty(data) or is_json(data):
            return [event]
        lines = [line for line in unglued(data).split("\n") if not is_empty(line)]
        rest = [*dropwhile(lambda line: is_marker(line) or parse_object(line) is not None, lines)]
        if event.event == "error" and 0 < len(rest) < len(lines):  # the words of the error
            lines[-len(rest) :] = ["\n".join(rest)]
            rest = []
        if not rest:
            # Of an event named "error", the error is the last line that is no marker.
            last_part = max((i for i, line in enumerate(lines) if not is_marker(line)), default=0)
            kind = "message" if event.event == "error" else event.event
            return [
                replace(event, data=line, event=event.event if at == last_part else kind)
                for at, line in enumerate(lines)
            ]
        reported = self.find_reported(parse_object(lines[-1]))  # behind half an event
        return [event] if reported is None else [replace(event, data=lines[-1])]

    def has_come_whole(self, event: ServerSentEvent) -> bool:
        """Whether an event that no blank line ended lacks nothing but that."""
        return all(
            is_marker(part.data) or is_json(part.data) or self.kind_of(part) == "empty"
            for part in self.split(event)
            if part.event != "error" or part.data.startswith(("{", "["))  # a text may be cut off
        )

    def read(
        self, event: ServerSentEvent, /, *, skip_typed: bool = False
    ) -> tuple[ChunkT | None, SSEKitError | None]:
        """Return the chunk of an event and its error; None for either that it does not have.

        `skip_typed`: the typed decoder has refused it already, or the event that it is a part of.
        """
        if not (skip_typed or is_dense(event.data)):
            with suppress(*DECODE_FAILURES):
                return self.decode_typed(event.data), None
        spelled = has_float(event.data)  # `repair` makes texts of numbers, as they are spelled
        body = unlisted(try_parse(event.data, self._fragments, spelled=spelled))
        if body is None and event.event == "error" and not is_blank(event.data):
            body = event.data
        if self._typed_by_event and isinstance(body, dict) and event.event != "message":
            kind = body.get("type")
            body["type"] = kind if isinstance(kind, str) and kind else event.event
        passes = self._passes(event, body)
        error = self.find_reported(body, event.event, certain=passes)
        if error is None and passes:
            return None, None
        chunk = None
        if isinstance(body, dict):
            body.pop("error", None)
            self._repair(body)
            if spelled:
                without_spellings(body)
            fitted = as_type(body, self._chunk_type)
            chunk = None if fitted is msgspec.UNSET else fitted
        if error is not None:
            error.chunk = chunk
            return chunk, error
        return chunk, self._no_chunk(event) if chunk is None else None

    def _passes(self, event: ServerSentEvent, body: Any) -> bool:
        """Whether an event is no part of the format: empty, or no chunk, with a type of its own."""
        if is_empty(event.data):
            return event.event != "error"
        if event.event in ("message", "error"):
            return False
        if isinstance(body, dict):
            return self._passes_named_events and self._chunk_field not in body
        # Such as text. The beginning of an object is damage, and so is text in a chunk's place.
        is_text = not event.data.lstrip().startswith("{")
        return self._passes_named_events or (is_text and shape_in({}, event.event) != self.name)

    def find_reported(
        self, body: Any, event_type: str = "", *, certain: bool = False
    ) -> APIError | None:
        """Return the error that a JSON value reports, or None.

        If it is to be `certain`, only the field `error` counts, and an event of that type.
        """
        is_chunk = isinstance(body, dict) and bool(body.get(self._chunk_field))
        error = nested_error(body, certain=certain or is_chunk)
        if error is None and not certain and isinstance(body, dict):
            error = self._find_error(body)
            if error is None and not is_chunk:
                error = flat_error(body)
        if error is None and event_type == "error":
            error = "" if body is None else body
        if error is None:
            return None
        # (A string that goes on in another event may end in half a surrogate pair.)
        error = well_formed(error, copy=error is body)  # (a chunk is made of that, too)
        return APIError(**error_fields(error, body))

    def find_chunks(self, outside: Sequence[bytes]) -> Sequence[bytes]:
        """Return lines outside of any event if all are chunks, before the end marker or without it.

        GPUStack's gateway leaves out the name of the field before the chunk with the finish reason.
        """
        if len(outside) > 1 or not outside[0].lstrip().startswith(b"{"):  # nearly all: comments
            return ()
        lines = [line for line in as_text(outside[0]).split("\n") if line.strip()]
        # (An error is looked for at the end: it counts unless an event follows.)
        chunks = takewhile(
            lambda body: body and self._is_part(body) and self.find_reported(body) is None,
            map(parse_object, lines),
        )
        found = all(map(is_marker, lines[len([*chunks]) :]))
        return [line.encode() for line in lines] if found else ()

    def find_outside(self, outside: bytes, *, certain: bool) -> APIError | None:
        """Return the error that bytes outside of any event report, or None."""
        found = map(partial(self.find_reported, certain=certain), objects_outside(outside))
        return next(filter(None, found), None)

    def _no_chunk(self, event: ServerSentEvent) -> DecodeError:
        error = DecodeError(
            f"the data of an event ({len(event.data)} characters) is not a JSON object, "
            f"as {self.name} has it"
        )
        error.event = event
        return error

    def is_explained(self, error: SSEKitError) -> bool:
        """Whether an error is final. If not, the next event may have the server's reason for it."""
        if isinstance(error, APIError):
            return self._is_explained(error)
        # Half an event: a gateway that lost its server ends it by a blank line, and then reports.
        data = error.event.data if isinstance(error, DecodeError) and error.event else ""
        return not data.startswith("{") or is_json(data)

    def kind_of(self, event: ServerSentEvent) -> Literal["empty", "own", "foreign"]:
        """Return whether an event is "empty", of this format ("own"), or "foreign".

        An empty event only keeps the connection alive. (One method reads the data once.)
        """
        reports, is_alive = event.event == "error", is_keepalive(event.event)
        if is_empty(event.data) and not reports:
            return "empty"
        body = body_of(event)
        if not isinstance(body, dict):
            return "empty" if is_alive and not event.data.lstrip().startswith("{") else "foreign"
        means_nothing = not reports and (is_alive or is_notice(body.get("type")))
        if means_nothing and not (self._is_part(body) or body.get("error")):
            return "empty"
        shape = shape_in(body, event.event)
        is_own = shape == self.name or (shape is None and self._chunk_field in body)
        if shape is None and any(field in body for field in self._side_fields):
            # Another API may have its usage under the same name, but beside an answer of its own.
            others = body.keys() - set(self._side_fields)
            is_own = is_own or not any(isinstance(body[name], dict | list) for name in others)
        return "own" if is_own else "foreign"

    def _is_part(self, body: dict[str, Any]) -> bool:
        """Whether an object shows by itself that it is a chunk of this format."""
        return bool(body.get(self._chunk_field)) or shape_in(body, "") == self.name

    def mismatch(self, event: ServerSentEvent, count: int) -> DecodeError:
        """Return the error of a stream without an answer, in which `count` events are foreign."""
        shape = shape_of(event)
        hint = "" if shape in (None, self.name) else f": ssekit.{shape} reads this format"
        error = DecodeError(f"no event is of the format {self.name} ({count} came){hint}")
        error.event = event
        return error
