# The streams that are measured. Each says which branch it exercises; tests hold it to that.
#
# What always holds here:
# - The same bytes in every run.
# - `crlf` and `non-ascii` differ from `64-kib` in that alone.

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.payloads import (
    ASCII,
    NON_ASCII,
    chat_payloads,
    fragment_payloads,
    image_payload,
    message_payloads,
    parallel_call_payloads,
    printed_document,
    response_payloads,
)

__all__ = ["Workload", "as_events", "in_pieces", "make_workloads", "pieces"]

_KIB = 2**10
_TYPE = re.compile(rb'\{"type":"([^"]+)"')


@dataclass(frozen=True)
class Workload:
    """One stream.

    Attributes:
        why: Which branch it exercises.
        reads: The bytes as a transport hands them over.
        payloads: The data of each event.
        read_size: The length of each read but the last; None if each read is one event.
        format: The module that types and accumulates it; None if only its events are measured.
    """

    name: str
    why: str
    reads: list[bytes]
    payloads: list[bytes]
    read_size: int | None
    format: str | None = None

    @property
    def events(self) -> int:
        return len(self.payloads)

    @property
    def size(self) -> int:
        return sum(map(len, self.reads))


def make_workloads(scale: float = 1.0) -> Iterator[Workload]:
    """Yield the workloads. `scale` is of the number of events (or lines), not of their sizes."""

    def many(count: int) -> int:
        return max(8, round(count * scale))

    yield from _text("", "chat", chat_payloads(ASCII, many(4000)))
    yield from _text("responses-", "responses", response_payloads(ASCII, many(4000)))
    yield from _text("messages-", "messages", message_payloads(ASCII, many(4000)))
    yield from _calls(many)
    yield from _unusual(many)


# How an answer arrives: the size of the reads, and what they exercise.
_ARRIVALS: dict[str, tuple[int | None, str]] = {
    "one-event": (
        None,
        "One whole event a read, as hosts flush them: nothing is carried, all is set-up.",
    ),
    "4-kib": (
        4 * _KIB,
        "A dozen events or more a read: the whole ones between two that the cuts divide.",
    ),
    "64-kib": (
        64 * _KIB,
        "Hundreds of events a read, as when the reader is behind: what an event itself costs.",
    ),
}


def _text(prefix: str, format_: str, payloads: list[bytes]) -> Iterator[Workload]:
    """Yield one text, in each way in which it may arrive."""
    for name, (size, why) in _ARRIVALS.items():
        reads = as_events(payloads) if size is None else in_pieces(payloads, size)
        yield Workload(prefix + name, why, reads, payloads, size, format_)


def _calls(many: Callable[[int], int]) -> Iterator[Workload]:
    yield _in_pieces(
        "fragments",
        "One tool call in a hundred thousand fragments: arguments that are joined once.",
        fragment_payloads(many(100_000)),
        64 * _KIB,
        "chat",
    )
    yield _in_pieces(
        "parallel-calls",
        "A thousand tool calls that take turns: the table of calls, and that it is not searched.",
        parallel_call_payloads(many(1000)),
        64 * _KIB,
        "chat",
    )


def _unusual(many: Callable[[int], int]) -> Iterator[Workload]:
    """Yield what transports and servers do more rarely; its events alone are measured."""
    yield _in_pieces(
        "17-bytes",
        "About 20 reads a line: the unfinished line is carried from read to read.",
        chat_payloads(ASCII, many(800)),
        17,
    )
    yield _in_pieces(
        "drip",
        "One byte a read: what a read itself costs.",
        chat_payloads(ASCII, many(100)),
        1,
    )
    yield _in_pieces(
        "crlf",
        "64-kib with CRLF: what every CR costs that is found, and pairs that the cuts divide.",
        chat_payloads(ASCII, many(4000)),
        64 * _KIB,
        newline=b"\r\n",
    )
    yield _in_pieces(
        "non-ascii",
        "64-kib with text beyond ASCII: decoding of UTF-8, and sequences that the cuts divide.",
        chat_payloads(NON_ASCII, many(4000)),
        64 * _KIB,
    )
    yield _in_pieces(
        "data-lines",
        "One event of 20,000 data lines, a document as printed: collecting and joining them.",
        [printed_document(many(20_000))],
        64 * _KIB,
    )
    yield _in_pieces(
        "4-mib-event",
        "One event of one line, an image in base64, in 16 KiB reads: a long unfinished line.",
        [image_payload(4 * 2**20)],
        16 * _KIB,
    )


def _in_pieces(
    name: str,
    why: str,
    payloads: list[bytes],
    read_size: int,
    format_: str | None = None,
    newline: bytes = b"\n",
) -> Workload:
    reads = in_pieces(payloads, read_size, newline)
    return Workload(name, why, reads, payloads, read_size, format_)


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
    # Vendors whose objects have a type say it on a line of its own too.
    event_type = _TYPE.match(payload)
    lines = [b"event: " + event_type[1]] if event_type else []
    lines += [b"data: " + line for line in payload.split(b"\n")]
    return newline.join([*lines, b"", b""])
