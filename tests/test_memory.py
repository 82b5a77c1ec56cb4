"""What is held is bounded: by the limit on the wire, and by the text in an answer."""

import gc
import json
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from ssekit import EventTooLargeError, SSEDecoder, auto
from ssekit._scanner import EventScanner
from tests.peak import peak
from tests.thorough import pick
from tests.wire import event

MIB = 2**20


def drip(piece: bytes, count: int) -> Iterator[bytes]:
    return (piece for _ in range(count))


ENDLESS: dict[str, Callable[[int], Iterator[bytes]]] = {
    "a line in reads of 2 bytes": lambda limit: drip(b"xx", limit),
    "a comment in reads of 2 bytes": lambda limit: drip(b"::", limit),
    "a line in reads of 64 KiB": lambda limit: drip(b"x" * 2**16, limit // 2**15),
    "data lines": lambda limit: drip(b"data: 0123456789\n" * 4096, limit // 2**14),
    "data lines of a few bytes": lambda limit: drip(b"data:0\n" * 9000, limit // 1000),
    "empty data lines": lambda limit: drip(b"data\n" * 8192, limit // 4096),
}


@pytest.mark.parametrize("reads", ENDLESS.values(), ids=ENDLESS)
@pytest.mark.parametrize("limit", pick(quick=[MIB // 8], thorough=[MIB // 16, MIB // 2]))
def test_an_endless_event_is_bounded(limit: int, reads: Callable[[int], Iterator[bytes]]):
    """Whatever never ends meets the limit, within twice the limit and 1 MiB."""
    decoder = SSEDecoder(max_event_size=limit)

    def work() -> None:
        with pytest.raises(EventTooLargeError):
            for read in reads(limit):
                decoder.feed(read)

    assert peak(work) <= 2 * limit + MIB


SMALL = [
    b"data: x\n\n",
    b"data\n\nid\n",
    b"event: x\ndata: a\n\nevent: y\ndata: b\n\n",
    b"data\n\n",
    b"data\r\r",
    b"id: 1\ndata: x\n\n",
    b"data:x\n\ndata: x\n\n",
]


@pytest.mark.parametrize("events", pick(quick=SMALL[:3], thorough=SMALL), ids=str)
def test_a_read_of_small_events_is_bounded(events: bytes):
    """What the scanner hands over, event by event."""
    scanner = EventScanner(max_event_size=MIB // 16)
    read = events * (pick(MIB // 4, MIB) // len(events))

    def work() -> None:
        for _ in scanner.scan(read):
            pass

    assert peak(work) <= 2 * MIB // 16 + MIB


@pytest.mark.parametrize("end", [[b"\n\n"], [b"\n", b"\n"], [b"\nid: 1\n\n"]], ids=str)
@pytest.mark.parametrize(
    ("size", "limit"),
    pick(
        quick=[(2, MIB // 8), (4096, MIB), (2**30, 2 * MIB)],
        thorough=[(2, MIB // 2), (17, MIB // 2), *((2**n, 2 * MIB) for n in (12, 16, 30))],
    ),
)
def test_an_event_at_the_limit_is_bounded(size: int, limit: int, end: list[bytes]):
    line = b"data: " + b"x" * (limit - 6)
    decoder = SSEDecoder(max_event_size=limit)
    assert peak(
        lambda: decode_into(decoder, (line[i : i + size] for i in range(0, limit, size)))
    ) <= (2 * limit + MIB)
    assert peak(lambda: decode_into(decoder, end)) <= 2 * limit + MIB


def decode_into(decoder: SSEDecoder, reads: Iterable[bytes]) -> None:
    for read in reads:
        decoder.feed(read)


def test_a_read_of_many_short_lines_is_bounded():
    limit = pick(MIB, 2 * MIB)
    read = b"data\n" * (limit // 5) + b": x\n" * (limit // 8)
    decoder = SSEDecoder(max_event_size=limit)
    assert peak(lambda: decoder.feed(read)) <= 2 * limit + MIB


def block_goes_on(**delta: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0, "delta": delta}


def choice(**fields: Any) -> Any:
    return {"choices": [{"index": 0, **fields}]}


@pytest.mark.parametrize(
    "chunk",
    [
        choice(delta={"content": "0123"}),
        choice(delta={"reasoning": "éèêë"}),
        choice(delta={"tool_calls": [{"index": 0, "function": {"arguments": "0123"}}]}),
        choice(text="0123"),
        block_goes_on(type="text_delta", text="0123"),
        block_goes_on(type="input_json_delta", partial_json="0123"),
        {"candidates": [{"content": {"parts": [{"text": "0123"}]}}]},
        {"candidates": [{"content": {"parts": [{"functionCall": {"willContinue": True,
            "partialArgs": [{"jsonPath": "$.a", "stringValue": "0123"}]}}]}}]},
    ],
    ids=json.dumps,
)  # fmt: skip
def test_a_live_answer_is_held_compactly(chunk: Any):
    """At most three times its text, in pieces as small as tokens."""
    read = event(chunk)
    auto.decoder().feed(read)  # which imports the format
    decoder = auto.decoder()
    count = pick(quick=2_000, thorough=20_000)

    def work() -> None:
        for _ in range(count):
            for _ in decoder.receive([read]):
                pass

    tracemalloc.start()
    try:
        work()
        gc.collect(1)
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert held <= 3 * 4 * count
