# The public face of the scanner, and the pull side of it.

from __future__ import annotations

from collections.abc import Callable

from ssekit._event import ServerSentEvent, as_bytes, as_text, make_event
from ssekit._fast_path import NO_FIELDS
from ssekit._scanner import DEFAULT_MAX_EVENT_SIZE, make_scanner

__all__ = ["SSEDecoder"]


class SSEDecoder:
    """Bytes in, events out: WHATWG HTML 9.2.5 and 9.2.6, for any division of the bytes.

    Args:
        last_event_id: Where an earlier connection stood; events have it until one sets its own.
        max_event_size: How many bytes an event may have (its unfinished line, comments and
            unknown lines included, and its collected data); None for no limit.
        on_comment: Called with the text of each comment, less one leading space.

    >>> decoder = SSEDecoder()
    >>> decoder.feed(b"data: first\\n\\ndata: sec")
    [ServerSentEvent(data='first', event='message', id='', retry=None)]
    >>> decoder.feed(b"ond\\n\\n")
    [ServerSentEvent(data='second', event='message', id='', retry=None)]
    """

    __slots__ = ("_scanner",)

    def __init__(
        self,
        *,
        last_event_id: str = "",
        max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE,
        on_comment: Callable[[str], object] | None = None,
    ) -> None:
        self._scanner = make_scanner(last_event_id, max_event_size, on_comment)

    @property
    def last_event_id(self) -> str:
        """The last event ID string: what a reconnection sends as `Last-Event-ID` (9.2.4)."""
        return as_text(self._scanner.last_event_id)

    @property
    def reconnection_time(self) -> int | None:
        """What the stream's last valid `retry` field said, in milliseconds, or None."""
        return self._scanner.reconnection_time

    def feed(self, data: bytes | bytearray | memoryview, /) -> list[ServerSentEvent]:
        """Take the next bytes and return the events that they complete.

        Raises:
            EventTooLargeError: An event outgrew the limit. Events that were complete before are
                returned first, and the next call raises. So does every call until `reset()`.
            TypeError: `data` is not bytes.
        """
        scanner = self._scanner
        events: list[ServerSentEvent] = []
        for payload in scanner.scan(data if type(data) is bytes else as_bytes(data)):
            if scanner.head is NO_FIELDS:
                events.append(ServerSentEvent(str(payload, "utf-8", "replace")))
            else:
                events.append(make_event(payload, scanner.head))
        if scanner.too_large and not events:
            raise scanner.error()
        return events

    def close(self, *, dispatch_incomplete: bool = False) -> list[ServerSentEvent]:
        """Take the end of the bytes; the decoder is then ready for the next stream.

        9.2.6 has an event that no blank line ended discarded, and so it is by default: it may be
        half an event. `dispatch_incomplete=True` returns what there is of it, for servers that
        leave the last blank line out.

        Raises:
            EventTooLargeError: An event outgrew the limit.
        """
        scanner = self._scanner
        if scanner.too_large:
            raise scanner.error()
        payloads = scanner.finish(dispatch_incomplete=dispatch_incomplete)
        return [make_event(payload, scanner.head) for payload in payloads]

    def reset(self) -> None:
        """Drop what is unfinished and be ready for the next stream.

        The last event ID and the reconnection time stay, as they do when a browser reconnects.
        """
        self._scanner.restart()
