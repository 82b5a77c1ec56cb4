"""The three ways into a format, which must all give the same, however the bytes are cut."""

import random
import zlib
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, TypeAlias

import msgspec

from ssekit import (
    Delta,
    Finish,
    ReasoningDelta,
    RefusalDelta,
    ServerSentEvent,
    SSEDecoder,
    SSEKitError,
    StreamDecoder,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from ssekit._json import is_json
from tests.formats import only
from tests.reference import Reference
from tests.shared import Recording
from tests.shells import SHELLS, Shell, read_all
from tests.thorough import pick

# A format's module, such as `ssekit.chat`.
Wire: TypeAlias = Any
Ended: TypeAlias = tuple[list[Any], StreamDecoder[Any, Any]]

# The state for each `outcome` of the recordings' `expected` files.
STATES = {"complete": "done", "truncated": "truncated", "error": "failed"}


# Each way returns the chunks, and the decoder when the stream has ended.


def push(wire: Wire, reads: list[bytes]) -> Ended:
    decoder = wire.decoder()
    chunks = [chunk for read in reads for chunk in decoder.feed(read)]
    return chunks + decoder.close(), decoder


def pull(
    wire: Wire, reads: list[bytes], shell: Shell = SHELLS["sync"], deltas: bool = False
) -> Ended:
    async def main() -> Ended:
        stream = shell.stream(shell.reads(*reads), wire)
        items, error = await read_all(stream.deltas() if deltas else stream)
        assert error is stream.decoder.error
        return items, stream.decoder

    return shell.run(main)


def pull_asynchronously(wire: Wire, reads: list[bytes]) -> Ended:
    return pull(wire, reads, SHELLS["asyncio"])


WAYS = [push, pull, pull_asynchronously]


def sent_on(wire: Wire, recording: Recording) -> bytes:
    """Return the chunks of a stream as the events of a server that sends them on."""
    chunks, _ = push(wire, [recording.data])
    return b"".join(
        ServerSentEvent(
            msgspec.json.encode(chunk).decode(), getattr(chunk, "type", None) or "message"
        ).encode()
        for chunk in chunks
    )


# The two ways to deltas.


def push_deltas(wire: Wire, reads: list[bytes]) -> Ended:
    decoder = wire.decoder()
    deltas = [delta for read in reads for delta in decoder.feed_deltas(read)]
    return deltas + decoder.close_deltas(), decoder


def pull_deltas(wire: Wire, reads: list[bytes]) -> Ended:
    return pull(wire, reads, deltas=True)


def outcome(decoder: StreamDecoder[Any, Any]) -> Any:
    """Return all that an ended stream has of its end, to be compared."""
    error = decoder.error
    partial = None if error is None else msgspec.json.encode(error.partial)
    reported = (type(error), str(error), error and error.event, partial)
    return decoder.state, decoder.ended_by, reported, msgspec.json.encode(decoder.snapshot())


def decoded(reads: Iterable[bytes]) -> Reference:
    """Return what the wire's decoder makes of some reads, as the reference has it."""
    comments: list[str] = []
    decoder = SSEDecoder(on_comment=comments.append)
    events = [event for read in reads for event in decoder.feed(read)] + decoder.close()
    return Reference(
        [(event.event, event.data, event.id, event.retry) for event in events],
        comments,
        decoder.last_event_id,
        decoder.reconnection_time,
    )


# How bytes are cut.


def pieces(data: bytes, size: int = 1) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def in_two(recording: Recording, small: int, count: int) -> list[list[bytes]]:
    """Cut a stream in two: a small one at every place, another at some, the same in every run."""
    data = recording.data
    places = range(len(data) + 1)
    if len(data) > small:
        places = random.Random(zlib.crc32(data)).sample(places, count)
    return [[data[:place], data[place:]] for place in places]


def cuts(recording: Recording) -> list[list[bytes]]:
    """Cut a stream at random places, the same in every run, and small ones byte by byte."""
    data = recording.data
    chance = random.Random(zlib.crc32(recording.name.encode()))
    cut = []
    for count in (1, 3, 10, 100):
        places = sorted(chance.randrange(len(data) + 1) for _ in range(count))
        cut.append([data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)])
    if len(data) <= pick(quick=3_500, thorough=20_000):
        cut.append(pieces(data))
    return cut


# What deltas join to.

VIEWS = {TextDelta: "text", ReasoningDelta: "reasoning", RefusalDelta: "refusal"}


def read_deltas(stream: Any) -> list[Delta]:
    """Return the deltas of a stream, also of one that fails in the end."""
    deltas = []
    try:
        for delta in stream.deltas():
            deltas.append(delta)  # those before an error count
    except SSEKitError as error:
        assert error is stream.decoder.error
    return deltas


def joined(deltas: list[Delta], kind: Any) -> dict[int, str]:
    """Return what the deltas of a kind join to, by their choices."""
    texts: dict[int, str] = defaultdict(str)
    for delta in deltas:
        if type(delta) is kind:
            texts[delta.index] += delta.text
    return texts


def arguments(deltas: list[Delta]) -> dict[tuple[int, int], str]:
    """Return what the argument fragments join to, by the choice and the place of the call."""
    fragments: dict[tuple[int, int], str] = defaultdict(str)
    for delta in deltas:
        if type(delta) is ToolCallDelta:
            fragments[delta.index, delta.place] += delta.arguments
    return fragments


def check_deltas(stream: Any, *, opaque: bool = False) -> list[Delta]:
    """Check that the deltas of a stream add up to its views; return them.

    With `opaque`, the pieces of arguments are no part of the arguments.
    """
    deltas = read_deltas(stream)
    accumulator = stream.accumulator
    done = stream.state == "done"
    for kind, view in VIEWS.items():
        text = joined(deltas, kind)[0]
        whole = getattr(accumulator, view)
        # What comes in one event with an error is in the partial answer alone.
        assert text == whole if done else whole.startswith(text)
    assert all(type(delta.index) is int for delta in deltas if type(delta) is not Usage)

    calls = list(accumulator.tool_calls)
    fragments = arguments(deltas)
    handed = {(call.index, call.place): call for call in only(deltas, ToolCall)}
    assert len(handed) == len(only(deltas, ToolCall)), "a call came twice"
    assert [call.place for call in calls] == list(range(len(calls)))
    if done:
        assert opaque or {index: fragments[index] for index in handed} == {
            index: call.arguments for index, call in handed.items()
        }
        assert all(calls[call.place] is call for call in handed.values() if call.index == 0)

    finishes = {finish.index: finish for finish in only(deltas, Finish)}
    if done:
        for index, place in fragments.keys() - handed.keys():  # it may be cut
            assert not is_json(fragments[index, place])
            assert index not in finishes or finishes[index].reason not in ("stop", "tool_calls")
    assert len(finishes) == len(only(deltas, Finish)), "a choice ended twice"
    assert all(done and finish.vendor_reason for finish in finishes.values())
    reason = finishes[0].reason if 0 in finishes else None
    assert not done or reason == accumulator.finish_reason
    usages = only(deltas, Usage)
    assert not done or (usages or [None])[-1] == accumulator.usage
    return deltas
