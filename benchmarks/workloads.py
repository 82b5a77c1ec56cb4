# The streams that are measured. Each has a reason: the branch that it exercises.
#
# What always holds here:
# - The bytes are the same in every run.
# - Streams as they come are first: answers of parts whose types take turns, from set-up to result.
# - `crlf` and `non-ascii` differ from `chat-text-64-kib` in that alone.

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from benchmarks.payloads import (
    ANSWERS,
    ASCII,
    NON_ASCII,
    Part,
    image_payload,
    parallel_calls,
    part,
    printed_document,
)
from ssekit import Format

# How the bytes of streams arrive: the size of a read, or one event in each.
ARRIVALS = {"event": 0, "1500": 1500, "64-kib": 2**16}
_LONG_ARRIVALS = {"event": 0, "4-kib": 2**12, "64-kib": 2**16}
_USUAL = (("reasoning", 10), ("text", 20), ("call", 8), ("call", 8))
_TYPE = re.compile(rb'\{"type":"([^"]+)"|.*"event_type":"([^"]+)"\}')


@dataclass(frozen=True)
class Workload:
    """Streams of one kind.

    Attributes:
        why: The branch that they exercise.
        reads: The bytes of each stream, as a transport gives them.
        payloads: The data of each event of all streams.
        format: The format of their chunks; None if their events alone are measured.
    """

    name: str
    why: str
    reads: list[list[bytes]]
    payloads: list[bytes]
    format: Format[Any, Any] | None = None

    @property
    def events(self) -> int:
        return len(self.payloads)


def format_named(name: str) -> Format[Any, Any]:
    wire_format: Format[Any, Any] = import_module(f"ssekit.{name}").FORMAT
    return wire_format


def make_workloads(scale: float = 1.0) -> Iterator[Workload]:
    """Yield the workloads. `scale` is of the number of events (or lines), not of their sizes."""

    def many(count: int) -> int:
        return max(8, round(count * scale))

    shapes = {
        "turns": (
            "Answers of about sixty events whose types take turns: the usual ones.",
            [part(kind, count, ASCII) for kind, count in _USUAL],
            many(60),
        ),
        "short": (
            "Answers of a few events: set-up and result.",
            [part(kind, 2, ASCII) for kind, _ in _USUAL],
            many(200),
        ),
        "whole": (
            "A long answer with reasoning, text and two calls.",
            [part(kind, many(1000), ASCII) for kind, _ in _USUAL],
            1,
        ),
        "text": ("A long text: events of one type.", [part("text", many(4000), ASCII)], 1),
    }
    for shape, (why, parts, copies) in shapes.items():
        for name in ANSWERS:
            arrivals = _LONG_ARRIVALS if shape == "text" else ARRIVALS
            for arrival, size in arrivals.items():
                yield answer(f"{name}-{shape}-{arrival}", why, name, parts, size, copies)
    yield answer(
        "fragments",
        "One tool call in a hundred thousand fragments: arguments that are joined once.",
        "chat",
        [part("call", many(100_000), ASCII)],
    )
    yield _workload(
        "parallel-calls",
        "A thousand tool calls that take turns: the table of calls, and that it is not searched.",
        parallel_calls(many(1000), 3),
        format_="chat",
    )
    # Rare transports and servers: events alone.
    long = [part("text", many(4000), ASCII)]
    for name, why, size, text in (
        ("17-bytes", "About 20 reads a line: the unfinished line is carried on.", 17, many(800)),
        ("drip", "One byte a read: what a read itself costs.", 1, many(100)),
    ):
        yield _workload(name, why, ANSWERS["chat"]([part("text", text, ASCII)]), size)
    yield _workload(
        "crlf",
        "A long text with CRLF: what every CR costs that is found, and pairs that cuts divide.",
        ANSWERS["chat"](long),
        newline=b"\r\n",
    )
    yield _workload(
        "non-ascii",
        "A long text beyond ASCII: decoding of UTF-8, and sequences that the cuts divide.",
        ANSWERS["chat"]([part("text", many(4000), NON_ASCII)]),
    )
    yield _workload(
        "data-lines",
        "One event of 20,000 data lines, a document as printed: collecting and joining them.",
        [printed_document(many(20_000))],
    )
    yield _workload(
        "4-mib-event",
        "One event of one line, an image in base64, in 16 KiB reads: a long unfinished line.",
        [image_payload(4 * 2**20)],
        2**14,
    )


def answer(
    name: str, why: str, format_: str, parts: Sequence[Part], size: int = 2**16, copies: int = 1
) -> Workload:
    """Return an answer of a format, so many times, in reads of a size or of one event (0)."""
    newline = b"\r\n" if format_ == "gemini" else b"\n"  # as their hosts have it
    return _workload(name, why, ANSWERS[format_](parts), size, newline, format_, copies)


def _workload(
    name: str,
    why: str,
    payloads: Iterable[bytes],
    size: int = 2**16,
    newline: bytes = b"\n",
    format_: str = "",
    copies: int = 1,
) -> Workload:
    payloads = list(payloads)  # of one stream
    events = as_events(payloads, newline)
    reads = pieces(b"".join(events), size) if size else events
    wire_format = format_named(format_) if format_ else None
    return Workload(name, why, [reads] * copies, payloads * copies, wire_format)


def as_events(payloads: Iterable[bytes], newline: bytes = b"\n") -> list[bytes]:
    """Return the bytes of each event."""
    return [_event(payload, newline) for payload in payloads]


def pieces(data: bytes, size: int) -> list[bytes]:
    """Return the bytes in pieces of a size, the last of which may be shorter."""
    return [data[start : start + size] for start in range(0, len(data), size)]


def _event(payload: bytes, newline: bytes) -> bytes:
    # Vendors whose objects have a type repeat it in a line of its own.
    event_type = _TYPE.match(payload)
    lines = [b"event: " + event_type[event_type.lastindex or 0]] if event_type else []
    lines += [b"data: " + line for line in payload.split(b"\n")]
    return newline.join([*lines, b"", b""])
