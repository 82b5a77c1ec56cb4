"""What a server may send, as data: the head, the framing, and the steps of sending the body."""

from __future__ import annotations

import enum
import zlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

from tests.wire import DONE, A, B, text


class Step(enum.Enum):
    """What a server does between the bytes it sends."""

    WAIT = enum.auto()  # until the client has confirmed what came before
    STALL = enum.auto()  # until the client is gone
    KEEP_ALIVE = enum.auto()  # the same, with a comment many times a second
    CUT = enum.auto()  # the connection ends, in the middle of whatever it is in
    RESET = enum.auto()  # the same, and not politely: TCP's RST


class Raw(NamedTuple):
    """Bytes of the connection, not of the body: what no server framework would send."""

    data: bytes


Framing: TypeAlias = Literal["chunked", "length", "close"]


class Scenario(NamedTuple):
    """A response; each `bytes` of its steps is sent at once, as a chunk of its own."""

    steps: tuple[bytes | Raw | Step, ...]
    framing: Framing = "chunked"
    status: int = 200
    content_type: str = "text/event-stream"
    headers: Mapping[str, str] = MappingProxyType({})
    missing: int = 0  # bytes that the length announces beyond those that come

    # What a stream reports of it: its text, and the state or the error that ends it.
    text: str = "ab"
    ended: str = "done"

    @property
    def is_rude(self) -> bool:
        """Whether it takes a server that sends exactly the bytes it is given."""
        rude = (Step.CUT, Step.RESET)
        return self.framing == "close" or any(type(s) is Raw or s in rude for s in self.steps)

    @property
    def head(self) -> dict[str, str]:
        """The headers, with those that frame the body."""
        length = sum(len(step) for step in self.steps if isinstance(step, bytes))
        frame = {
            "chunked": {"transfer-encoding": "chunked"},
            "length": {"content-length": str(length + self.missing)},
            "close": {"connection": "close"},
        }
        return {"content-type": self.content_type, **self.headers, **frame[self.framing]}


def gzipped(*reads: bytes) -> list[bytes]:
    """Compress as a server that streams does: each read can be inflated as soon as it is there."""
    deflate = zlib.compressobj(wbits=31)
    pieces = [deflate.compress(read) + deflate.flush(zlib.Z_SYNC_FLUSH) for read in reads]
    return [*pieces[:-1], pieces[-1] + deflate.flush()]


GZIP = {"content-encoding": "gzip"}
ZIPPED = gzipped(A, B, DONE)

# An event whose text is not ASCII, with CRLF, and a place in the middle of the character.
SUN = text("_").replace(b"_", "☀".encode()).replace(b"\n", b"\r\n")
IN_SUN = SUN.index("☀".encode()) + 1

WAIT, STALL, CUT, RESET = Step.WAIT, Step.STALL, Step.CUT, Step.RESET

STREAMS: dict[str, Scenario] = {
    "chunked": Scenario((A, B, DONE)),
    "with its length": Scenario((A, B, DONE), "length"),
    "until close": Scenario((A, B, DONE), "close"),
    "gzip": Scenario((*ZIPPED,), headers=GZIP),
    "gzip with its length": Scenario((*ZIPPED,), "length", headers=GZIP),
    "divided in UTF-8 and CRLF": Scenario(
        (A, SUN[:IN_SUN], SUN[IN_SUN:-1], SUN[-1:], DONE), text="a☀"
    ),
    "no marker": Scenario((A, text("b", finish_reason="stop"))),
    "no marker, with its length": Scenario((A, text("b", finish_reason="stop")), "length"),
    "open after its end": Scenario((A, B, DONE, STALL)),
}

# The second event is sent when the first has reached the caller.
PAUSES: dict[str, Scenario] = {
    "pauses": Scenario((A, WAIT, B, WAIT, DONE)),
    "pauses, with its length": Scenario((A, WAIT, B, WAIT, DONE), "length"),
    "pauses, until close": Scenario((A, WAIT, B, WAIT, DONE), "close"),
    "pauses, gzip": Scenario((ZIPPED[0], WAIT, ZIPPED[1], WAIT, ZIPPED[2]), headers=GZIP),
}

INTERRUPTED, TRUNCATED = "StreamInterruptedError", "StreamTruncatedError"
FAULTS: dict[str, Scenario] = {
    "cut in a chunk": Scenario((A, Raw(b"ff\r\n" + B[:9]), CUT), text="a", ended=INTERRUPTED),
    "cut in a chunk, after an event": Scenario((Raw(b"fff\r\n" + A + B), CUT), ended=INTERRUPTED),
    "cut in UTF-8": Scenario((A, SUN[:IN_SUN], CUT), text="a", ended=INTERRUPTED),
    "cut in CRLF": Scenario((A, SUN[:-1], CUT), text="a☀", ended=INTERRUPTED),
    "cut, with its length": Scenario(
        (A, B, CUT), "length", missing=9, ended=INTERRUPTED
    ),
    "cut, until close": Scenario((A, SUN[:IN_SUN]), "close", text="a", ended=TRUNCATED),
    "cut, gzip": Scenario(
        (ZIPPED[0], ZIPPED[1][:5], CUT), headers=GZIP, text="a", ended=INTERRUPTED
    ),
    "reset": Scenario((A, WAIT, RESET), text="a", ended=INTERRUPTED),
    "stall": Scenario((A, STALL), text="a", ended="StreamTimeoutError"),
    "no end": Scenario((A, B), ended=TRUNCATED),
}  # fmt: skip

ERROR = b'{"error": {"message": "no", "type": "t", "code": "c"}}'
REFUSALS: dict[str, Scenario] = {
    "200 with JSON": Scenario(
        (ERROR,), "length", 200, "application/json", text="", ended="ContentTypeError"
    ),
    "401": Scenario((ERROR,), "length", 401, "application/json", text="", ended="StatusError"),
    "429": Scenario(
        (ERROR,), "chunked", 429, "application/json", {"retry-after": "7"}, 0, "", "StatusError"
    ),
    "500 with HTML": Scenario(
        (b"<html>",), "length", 500, "text/html", text="", ended="StatusError"
    ),
}

SCENARIOS = {**STREAMS, **PAUSES, **FAULTS, **REFUSALS}
