# `SSEDecoder`, which makes events of the bytes pushed into it; and its adapter for `iter_events`.
# All of the standard is in the scanner.

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, TypeAlias, final

from ssekit._errors import SSEKitError, StreamNotFinishedError, interruption
from ssekit._event import NO_FIELDS, ServerSentEvent, as_bytes, as_text, make_event
from ssekit._json import join_surrogates
from ssekit._scanner import DEFAULT_MAX_EVENT_SIZE, IGNORED, Batch, EventScanner

__all__ = ["EventReceiver", "SSEDecoder", "State", "gather_lines"]

State: TypeAlias = Literal["open", "done", "truncated", "failed"]


@final
class SSEDecoder:
    """Decodes bytes into events by WHATWG HTML 9.2.5 and 9.2.6, for any division of the bytes.

    Args:
        last_event_id: The last event ID of an earlier connection. Events have it until one sets
            its own.
        max_event_size: How many bytes an event may have: its collected data, and its unfinished
            line, even if that is a comment or of an unknown field; None for no limit.
        on_comment: Called with the text of each comment, less one leading space, in the order of
            the wire. If it raises, so does `feed`; the next call goes on with the comments behind
            it, and returns the events of both.

    >>> decoder = SSEDecoder()
    >>> decoder.feed(b"data: first\\n\\ndata: sec")
    [ServerSentEvent(data='first', event='message', id='', retry=None)]
    >>> decoder.feed(b"ond\\n\\n")
    [ServerSentEvent(data='second', event='message', id='', retry=None)]
    """

    __slots__ = ("_comments", "_events", "_on_comment", "_scanner")

    def __init_subclass__(cls) -> None:
        # `iter_events` and the typed streams would not call the methods of a subclass.
        raise TypeError("SSEDecoder cannot be inherited: hold one, or wrap the source of its bytes")

    def __init__(
        self,
        *,
        last_event_id: str = "",
        max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE,
        on_comment: Callable[[str], object] | None = None,
    ) -> None:
        comments = on_comment is not None
        self._scanner = EventScanner(last_event_id, max_event_size, comments=comments)
        self._on_comment = on_comment
        # The comments that are not yet reported, the latest first, and the events of their reads.
        self._comments: list[bytes] = []
        self._events: list[ServerSentEvent] = []

    def __reduce__(self) -> Any:
        raise TypeError("no copy or pickle of an SSEDecoder, which goes on: make another one")

    @property
    def last_event_id(self) -> str:
        """The last event ID string, which a reconnection sends as `Last-Event-ID` (9.2.4)."""
        return as_text(self._scanner.last_event_id)

    @property
    def reconnection_time(self) -> int | None:
        """The value of the stream's last valid `retry` field, in milliseconds, or None."""
        return self._scanner.reconnection_time

    def feed(self, data: bytes | bytearray | memoryview, /) -> list[ServerSentEvent]:
        """Take the next bytes and return the events that they complete.

        Raises:
            EventTooLargeError: An event outgrew the limit. Events that were complete before are
                returned first, and the next call raises. So does every call until `reset()`.
            TypeError: `data` is not bytes.
        """
        scanner = self._scanner
        events = self._take(scanner.scan(data if type(data) is bytes else as_bytes(data)))
        if scanner.too_large and not events:
            raise scanner.error()
        return events

    def close(self, *, dispatch_incomplete: bool = False) -> list[ServerSentEvent]:
        """Take the end of the bytes; the decoder is then ready for the next stream.

        By 9.2.6 an event that no blank line ended is discarded: it may be half an event.
        `dispatch_incomplete=True` returns what there is of it, for servers that leave the last
        blank line out.

        Raises:
            EventTooLargeError: An event outgrew the limit.
        """
        if self._scanner.too_large:
            raise self._scanner.error()
        return self._take(self._scanner.finish(dispatch_incomplete=dispatch_incomplete))

    def reset(self) -> None:
        """Drop an unfinished event and be ready for the next stream.

        The last event ID and the reconnection time stay, as they do when a browser reconnects.
        """
        self._scanner.restart()
        self._comments.clear()
        self._events = []

    def _take(self, batches: Iterable[Batch]) -> list[ServerSentEvent]:
        if self._on_comment is None:
            return [
                ServerSentEvent(payload.decode("utf-8", "replace"), event_type, id_, retry)
                for (event_type, id_, retry), payloads in batches
                for payload in payloads
            ]
        comments: list[bytes] = []
        for fields, payloads in batches:
            if fields is IGNORED:
                comments += payloads
            else:
                self._events += [make_event(payload, fields) for payload in payloads]
        self._comments[:0] = reversed(comments)
        while self._comments:
            self._on_comment(as_text(self._comments.pop()[1:]))
        events, self._events = self._events, []
        return events


class EventReceiver:
    """An SSEDecoder with the methods of a StreamDecoder that the pull side calls."""

    def __init__(self, decoder: SSEDecoder | None) -> None:
        if decoder is None:
            decoder = SSEDecoder()
        else:  # half an event of an earlier connection does not go on in this one
            decoder.reset()
        self.decoder = decoder
        self._scanner = decoder._scanner  # pyright: ignore[reportPrivateUsage]
        # (Without a callback, the scanner returns no comments.)
        self._on_comment = decoder._on_comment or str  # pyright: ignore[reportPrivateUsage]
        self.limit = self._scanner.limit  # bytes
        self._error: SSEKitError | None = None
        self.state: State = "open"

    def receive(
        self, reads: Iterable[Any], abandon: Callable[[], object] | None = None
    ) -> Iterator[ServerSentEvent]:
        """Yield the events of each read. Call `abandon` if the iteration raises or is dropped."""
        scanner = self._scanner
        known = event_type, id_, retry = NO_FIELDS  # the fields of the latest event
        try:
            for data in reads:
                if type(data) is bytes:
                    batches = scanner.scan(data)
                elif isinstance(data, ServerSentEvent):
                    scanner.last_event_id = join_surrogates(data.id).encode()
                    yield data
                    continue
                else:
                    batches = scanner.scan(as_bytes(data))
                for fields, payloads in batches:
                    if fields is not known:
                        if fields is IGNORED:
                            for payload in payloads:
                                self._on_comment(as_text(payload[1:]))
                            continue
                        known = event_type, id_, retry = fields
                    for payload in payloads:
                        text = payload.decode("utf-8", "replace")  # `as_text`, without a call
                        yield ServerSentEvent(text, event_type, id_, retry)
                if scanner.too_large:
                    self.fail(scanner.error())
                    return
        except BaseException:
            if abandon is not None:
                abandon()
            raise

    def finish(self) -> Iterator[ServerSentEvent]:
        """Take a clean end of the bytes."""
        if self.state == "open":
            self._scanner.finish()
            self.state = "done"
        return iter(())

    def fail(self, cause: BaseException, /) -> None:
        """Take the failure of the transport."""
        self._error = interruption(cause)
        self.state = "failed"

    def raise_error(self) -> None:
        """Raise the kept error, if there is one."""
        if self._error is not None:
            raise self._error

    def not_finished(self, reason: str) -> SSEKitError:
        """Return the error of a stream that its reader left before its end."""
        return StreamNotFinishedError(reason)


def gather_lines(reads: Iterator[Any], most: int) -> Iterator[Any]:
    """Yield reads. A small read without a line end is put before the next one that has one.

    Fewer than `most` bytes are held back, and no event is complete in them. (With reads of 17
    bytes, an event takes 4 us instead of 9; with reads of one byte, 40 instead of 120. With one
    event in each read it takes 0.1 us more, for which reason a Stream does without.)
    """
    pending: list[bytes] = []
    size = 0
    try:
        for data in reads:
            if type(data) is bytes:
                if 10 not in data and 13 not in data:
                    size += len(data) or 1
                    if size < most:
                        pending.append(data)
                        continue
                if pending:
                    data, pending = _whole_lines([*pending, data], most)
                size = len(pending[0]) if pending else 0
            elif pending:
                yield b"".join(pending)
                pending = []
            yield data
    except Exception:
        # Flush before the source's exception: the pending bytes came before it.
        if pending:
            yield b"".join(pending)
        raise
    if pending:
        yield b"".join(pending)


def _whole_lines(pieces: list[bytes], most: int) -> tuple[bytes, list[bytes]]:
    """Return the whole lines of some pieces, and the start of the next line, which is pending."""
    data = b"".join(pieces)
    end = data.rfind(b"\n") + 1
    if not 0 < end < len(data) < most or 13 in data:
        return data, []
    return data[:end], [data[end:]]
