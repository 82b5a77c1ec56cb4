# An event: its fields, its encoding, and how it is made from the bytes of the scanner.
#
# What always holds here:
# - The encoding is one event (or one comment) to every decoder, whatever characters the texts have.
# - A text that would break out of its field is refused, not changed. Only data and comments are
#   divided into lines. (A lone surrogate, which UTF-8 cannot encode, becomes U+FFFD.)

from __future__ import annotations

import re
from typing import Any, Final, TypeAlias, TypeVar, overload

import msgspec

from ssekit._errors import DecodeError
from ssekit._json import join_surrogates, parse_text

__all__ = [
    "LARGEST_RETRY",
    "NO_FIELDS",
    "EventFields",
    "ServerSentEvent",
    "as_bytes",
    "as_text",
    "encode_comment",
    "make_event",
    "refuse",
]

ValueT = TypeVar("ValueT")

# An event's type, last event ID and retry.
EventFields: TypeAlias = tuple[str, str, int | None]
NO_FIELDS: Final[EventFields] = ("message", "", None)

# A larger reconnection time is ignored, as Blink does; int() itself refuses 4,301 digits.
LARGEST_RETRY: Final = 2**64 - 1

_LINE_END = re.compile(r"\r\n|\r|\n")  # 9.2.5, end-of-line


class ServerSentEvent(msgspec.Struct, frozen=True, gc=False):
    """One event of a stream.

    Attributes:
        data: The data lines, joined by LF.
        event: The event's type. "" is the same as "message", as on the wire.
        id: The last event ID when this event was dispatched; an earlier event may have set it.
        retry: The reconnection time in the event's own `retry` field, in milliseconds, or None.
    """

    data: str
    event: str = "message"
    id: str = ""
    retry: int | None = None

    @overload
    def json(self) -> Any: ...
    @overload
    def json(self, type: type[ValueT]) -> ValueT: ...
    def json(self, type: Any = Any) -> Any:
        """Decode the data as JSON into `type`: what msgspec decodes into, or a Pydantic model.

        Raises:
            DecodeError: The data is not JSON, or not of that type.
            TypeError: JSON cannot become that type.

        >>> ServerSentEvent('{"n": 1}').json(dict[str, int])
        {'n': 1}
        """
        try:
            return parse_text(self.data, type, "the data of an event")
        except DecodeError as error:
            error.event = self
            raise

    def encode(self) -> bytes:
        r"""Return the event as bytes of the wire. A decoder makes the same event of them.

        Data is split at every line end. A decoder returns its CR and CRLF as LF.

        Raises:
            ValueError: The type or the id would end its line, or the decoder would ignore
                the id or the retry.

        >>> ServerSentEvent("a\nb", event="note").encode()
        b'event: note\ndata: a\ndata: b\n\n'
        """
        lines = []
        if self.event not in ("", "message"):
            refuse("event", self.event, "\r\n")
            lines.append(f"event: {self.event}")
        if self.id:
            refuse("id", self.id, "\r\n\0")
            lines.append(f"id: {self.id}")
        if self.retry is not None:
            if not 0 <= self.retry <= LARGEST_RETRY:
                raise ValueError(f"retry is from 0 to 2**64 - 1 milliseconds, not {self.retry}")
            lines.append(f"retry: {self.retry:d}")
        lines += [f"data: {line}" for line in _LINE_END.split(self.data)]
        return join_surrogates("\n".join([*lines, "\n"])).encode()


def encode_comment(text: str = "", /) -> bytes:
    r"""Return `text` as a comment, which decoders ignore. An empty one keeps a connection alive.

    >>> encode_comment("still here")
    b': still here\n\n'
    """
    lines = [f": {line}" if line else ":" for line in _LINE_END.split(text)]
    return join_surrogates("\n".join([*lines, "\n"])).encode()


def refuse(field: str, value: str, forbidden: str) -> None:
    """Raise ValueError if a field's value has one of the forbidden characters."""
    for character in forbidden:
        if character in value:
            raise ValueError(f"{field} holds {character!r}, which would break out of its line")


def as_bytes(data: object) -> bytes:
    """Return `data` as bytes.

    Raises:
        TypeError: It is of another type. The message has the remedy.
    """
    if isinstance(data, bytes | bytearray | memoryview):
        return bytes(data)
    if isinstance(data, str):
        raise TypeError(
            "expected bytes, got str: feed the bytes as they came, undecoded "
            "(text loses line ends and split characters), or encode it as UTF-8"
        )
    raise TypeError(
        f"expected bytes, bytearray or memoryview, got {type(data).__name__} "
        "(in the place of an SDK's stream, pass its .response)"
    )


def make_event(payload: bytes, fields: EventFields) -> ServerSentEvent:
    """Make an event of its data, in bytes, and its fields."""
    return ServerSentEvent(as_text(payload), *fields)


def as_text(data: bytes) -> str:
    """Return the text of a field's value."""
    # 9.2.5: always UTF-8, whatever charset the response has; invalid bytes become U+FFFD.
    # A value is decoded alone: the bytes around it are ASCII, so no sequence crosses its ends.
    return data.decode("utf-8", "replace")
