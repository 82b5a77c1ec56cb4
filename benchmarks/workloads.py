# The streams that are measured. Each has a reason: the branch that it exercises.
#
# What always holds here:
# - The bytes are the same in every run.
# - `crlf` and `non-ascii` differ from `64-kib` in that alone.

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.payloads import (
    ASCII,
    NON_ASCII,
    call_payloads,
    chat_payloads,
    image_payload,
    message_payloads,
    printed_document,
    response_payloads,
)
from ssekit import Format, chat, messages, responses

__all__ = ["Workload", "as_events", "in_pieces", "make_workloads", "pieces"]

_KIB = 2**10
_TYPE = re.compile(rb'\{"type":"([^"]+)"')


@dataclass(frozen=True)
class Workload:
    """A stream.

    Attributes:
        why: The branch that it exercises.
        reads: The bytes, as a transport gives them.
        payloads: The data of each event.
        format: The format of its chunks; None if its events alone are measured.
    """

    name: str
    why: str
    reads: list[bytes]
    payloads: list[bytes]
    format: Format[Any, Any] | None = None

    @property
    def events(self) -> int:
        return len(self.payloads)


def make_workloads(scale: float = 1.0) -> Iterator[Workload]:
    """Yield the workloads. `scale` is of the number of events (or lines), not of their sizes."""

    def many(count: int) -> int:
        return max(8, round(count * scale))

    yield from _text("", chat.FORMAT, chat_payloads(ASCII, many(4000)))
    yield from _text("responses-", responses.FORMAT, response_payloads(ASCII, many(4000)))
    yield from _text("messages-", messages.FORMAT, message_payloads(ASCII, many(4000)))
    yield _in_pieces(
        "fragments",
        "One tool call in a hundred thousand fragments: arguments that are joined once.",
        call_payloads(1, many(100_000)),
        format_=chat.FORMAT,
    )
    yield _in_pieces(
        "parallel-calls",
        "A thousand tool calls that take turns: the table of calls, and that it is not searched.",
        call_payloads(many(1000), 4 * many(1000) + 4),
        format_=chat.FORMAT,
    )
    # Rare transports and servers: events alone.
    yield _in_pieces(
        "17-bytes",
        "About 20 reads a line: the unfinished line is carried from read to read.",
        chat_payloads(ASCII, many(800)),
        17,
    )
    yield _in_pieces(
        "drip", "One byte a read: what a read itself costs.", chat_payloads(ASCII, many(100)), 1
    )
    yield _in_pieces(
        "crlf",
        "64-kib with CRLF: what every CR costs that is found, and pairs that the cuts divide.",
        chat_payloads(ASCII, many(4000)),
        newline=b"\r\n",
    )
    yield _in_pieces(
        "non-ascii",
        "64-kib with text beyond ASCII: decoding of UTF-8, and sequences that the cuts divide.",
        chat_payloads(NON_ASCII, many(4000)),
    )
    yield _in_pieces(
        "data-lines",
        "One event of 20,000 data lines, a document as printed: collecting and joining them.",
        [printed_document(many(20_000))],
    )
    yield _in_pieces(
        "4-mib-event",
        "One event of one line, an image in base64, in 16 KiB reads: a long unfinished line.",
        [image_payload(4 * 2**20)],
        16 * _KIB,
    )


def _text(prefix: str, format_: Format[Any, Any], payloads: list[bytes]) -> Iterator[Workload]:
    """Yield one text, in each way in which it may arrive."""
    yield Workload(
        f"{prefix}one-event",
        "One whole event a read, as hosts flush them: nothing is carried, all is set-up.",
        as_events(payloads),
        payloads,
        format_,
    )
    yield _in_pieces(
        f"{prefix}4-kib",
        "A dozen events or more a read: the whole ones between two that the cuts divide.",
        payloads,
        4 * _KIB,
        format_,
    )
    yield _in_pieces(
        f"{prefix}64-kib",
        "Hundreds of events a read, as when the reader is behind: what an event itself costs.",
        payloads,
        format_=format_,
    )


def _in_pieces(
    name: str,
    why: str,
    payloads: list[bytes],
    read_size: int = 64 * _KIB,
    format_: Format[Any, Any] | None = None,
    newline: bytes = b"\n",
) -> Workload:
    return Workload(name, why, in_pieces(payloads, read_size, newline), payloads, format_)


def as_events(payloads: list[bytes], newline: bytes = b"\n") -> list[bytes]:
    """Return the bytes of each event."""
    return [_event(payload, newline) for payload in payloads]


def in_pieces(payloads: list[bytes], read_size: int, newline: bytes = b"\n") -> list[bytes]:
    """Return the bytes of the events in reads of a size."""
    return pieces(b"".join(as_events(payloads, newline)), read_size)


def pieces(data: bytes, size: int) -> list[bytes]:
    """Return the bytes in pieces of a size, the last of which may be shorter."""
    return [data[start : start + size] for start in range(0, len(data), size)]


def _event(payload: bytes, newline: bytes) -> bytes:
    # Vendors whose objects have a type repeat it in a line of its own.
    event_type = _TYPE.match(payload)
    lines = [b"event: " + event_type[1]] if event_type else []
    lines += [b"data: " + line for line in payload.split(b"\n")]
    return newline.join([*lines, b"", b""])
