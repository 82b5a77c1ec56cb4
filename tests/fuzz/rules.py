"""What holds of any bytes, in any format: each rule is an assertion."""

import json
import re
from collections.abc import Iterable
from random import Random
from typing import Any

from ssekit import SSEKitError, StreamDecoder, auto
from tests.formats import FORMATS
from tests.reference import interpret
from tests.survive import survive
from tests.ways import Ended, decoded, outcome, pieces, push, push_deltas

WIRES: dict[str, Any] = {**FORMATS, "auto": auto}

# Streams that are cut at every byte, too: up to so many bytes.
SMALL = 1_000

# Without any of these words in its bytes, no stream has the end in question.
ENDS = {
    "marker": rb"\[done\]",
    "event": rb"message_stop|response\.(completed|incomplete|cancelled)|interaction\.complete",
    "finish": rb"finish_?reason|stop_reason|status|block_?reason",
}


def check(name: str, data: bytes, chance: Random) -> None:
    """Hold a format to all rules."""
    wire = WIRES[name]
    # Nothing but our own errors is raised; views, deltas, answer and error encode.
    survive(data, wire)
    ended = push(wire, [data])
    check_end(ended[1], data)
    expected = summary(ended)
    deltas = summary(push_deltas(wire, [data]))[0]
    if name == "auto" and ended[1].format is not None:
        detected = WIRES[ended[1].format]
        assert outcome(push(detected, [data])[1]) == expected[1]
    for reads in divisions(data, chance):
        assert decoded(reads) == interpret(data)
        assert summary(push(wire, reads)) == expected
        assert summary(looked_at(wire, reads)) == expected
        assert summary(pulled(wire.stream(reads))) == expected
        assert summary(push_deltas(wire, reads)) == (deltas, expected[1])
        stream = wire.stream(reads)
        assert summary(pulled(stream, stream.deltas())) == (deltas, expected[1])


def summary(ended: Ended) -> tuple[str, Any]:
    """Return all that there is to compare."""
    items, decoder = ended
    return repr(items), outcome(decoder)  # (NaN is not equal to itself)


def check_end(decoder: StreamDecoder[Any, Any], data: bytes) -> None:
    """A stream is done only by an end that is in its bytes, and has an error otherwise."""
    assert decoder.state != "open"
    assert (decoder.state == "done") == (decoder.error is None) == (decoder.ended_by is not None)
    if decoder.ended_by is not None:
        assert re.search(ENDS[decoder.ended_by], data, re.IGNORECASE)
    assert decoder.error is None or isinstance(decoder.error, SSEKitError)
    json.dumps(json.loads(outcome(decoder)[-1]), ensure_ascii=False).encode()


def divisions(data: bytes, chance: Random) -> list[list[bytes]]:
    """Return some divisions of the bytes into reads; some reads are empty."""
    places = [0, *sorted(chance.choices(range(len(data) + 1), k=chance.randrange(1, 12)))]
    some = [data[a:b] for a, b in zip(places, [*places[1:], len(data)], strict=True)]
    return [some, pieces(data)] if len(data) <= SMALL else [some]


def looked_at(wire: Any, reads: list[bytes]) -> Ended:
    """Push, and look at the answer after each read, which must not change it."""
    decoder = wire.decoder()
    chunks = []
    for read in reads[:50]:
        chunks += decoder.feed(read)
        decoder.snapshot()
        _ = decoder.accumulator.text, decoder.accumulator.tool_calls
    chunks += decoder.feed(b"".join(reads[50:]))
    return chunks + decoder.close(), decoder


def pulled(stream: Any, items: Iterable[Any] | None = None) -> Ended:
    """Return what a stream gives, and its decoder."""
    found = []
    try:
        for item in stream if items is None else items:
            found.append(item)
    except SSEKitError as error:
        assert error is stream.decoder.error
    return found, stream.decoder
