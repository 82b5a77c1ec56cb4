# The lines of a stream: their bytes and their meaning (WHATWG HTML 9.2.5 and 9.2.6).
#
# What always holds here:
# - The meaning of a stream comes from the fields that it was made of, not from its bytes.

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

import msgspec

from ssekit._event import ServerSentEvent

__all__ = [
    "BLANK",
    "BOGUS_RETRIES",
    "REPLACEMENT",
    "EventStream",
    "Field",
    "Line",
    "Style",
    "encode_lines",
    "interpret",
]

# A name and a value. The name of a comment is "", and that of a blank line is None.
Field: TypeAlias = tuple[str | None, str]
BLANK: Final[Field] = (None, "")
BOGUS_RETRIES: Final = ("x", "", "-1", "+1", "1.0", " 1", "1 ", "1_0", "1e3", "0x1", "²", "\uff11")
REPLACEMENT: Final = "\ufffd".encode()


class EventStream(msgspec.Struct, frozen=True, repr_omit_defaults=True):
    """The bytes of a stream, and the events that a decoder must make of them.

    Attributes:
        data: The bytes.
        events: The events, each with the last event ID at its dispatch, and with the `retry` (in
            milliseconds) of its own block.
        last_event_id: The last event ID after the stream, which a reconnection sends.
        reconnection_time: The value of the last valid retry field, in milliseconds, or None.
        comments: The comments, without the optional space before each.
    """

    data: bytes
    events: list[ServerSentEvent] = []
    last_event_id: str = ""
    reconnection_time: int | None = None
    comments: list[str] = []


class Style(NamedTuple):
    """How a line is written.

    Attributes:
        colon: The text between name and value, if it can be used; None for the usual text.
        replaced: The bytes in the place of each U+FFFD.
        newline: The end of the line; None for the usual end of the stream's lines.
        blank: The end of the blank line after the line, if there is one.
    """

    colon: str | None = None
    replaced: bytes = REPLACEMENT
    newline: bytes | None = None
    blank: bytes | None = None


class Line(NamedTuple):
    """A field and its style."""

    name: str | None
    value: str
    style: Style = Style()

    def encode(self) -> bytes:
        if self.name is None:
            return b""
        usual = ": " if self.value else ":"
        colon = usual if self.style.colon is None else self.style.colon
        # One space after the colon is dropped; without a colon there is no value, and no comment.
        if (colon == ":" and self.value.startswith(" ")) or (
            colon == "" and (self.value or not self.name)
        ):
            colon = usual
        written = (self.name + colon + self.value).encode()
        return written.replace(REPLACEMENT, self.style.replaced)

    @property
    def is_ignored(self) -> bool:
        return (self.name == "id" and "\0" in self.value) or (
            self.name == "retry" and self.value in BOGUS_RETRIES
        )


def encode_lines(lines: list[Line], newline: bytes, ended: bool) -> bytes:
    """Return the bytes of some lines; `ended` is whether the last one has its line end."""
    written = bytearray()
    for number, line in enumerate(lines, 1):
        written += line.encode()
        end = line.style.newline or newline
        if line.name is None and end == b"\n" and written.endswith(b"\r"):
            end = b"\r"  # an LF would be part of the line end of the CR before it
        if ended or number < len(lines):
            written += end
    return bytes(written)


def interpret(data: bytes, lines: list[Line]) -> EventStream:
    """Return the stream of some bytes, with the meaning of their lines (9.2.6)."""
    events: list[ServerSentEvent] = []
    comments: list[str] = []
    last_event_id = ""
    reconnection_time: int | None = None
    block: dict[str, list[str]] = {}
    for line in lines:
        if line.name is None:
            last_event_id = block.get("id", [last_event_id])[-1]
            if "data" in block:
                event_type = block.get("event", [""])[-1] or "message"
                retry = int(block["retry"][-1]) if "retry" in block else None
                text = "\n".join(block["data"])
                events.append(ServerSentEvent(text, event_type, last_event_id, retry))
            block = {}
        elif not line.is_ignored:
            block.setdefault(line.name, []).append(line.value)
            if line.name == "retry":
                reconnection_time = int(line.value)
            elif line.name == "":
                comments.append(line.value)
    return EventStream(data, events, last_event_id, reconnection_time, comments)
