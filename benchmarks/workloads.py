# The streams that are measured. Each says which branch it exercises; tests hold it to that.
#
# What always holds here:
# - The same bytes in every run: what looks random comes from a generator with a fixed seed.
# - The payloads are what a host sends: `chat.completion.chunk` objects of about 300 bytes, or
#   `response.output_text.delta` objects of about 220.
# - `crlf` and `non-ascii` differ from `64-kib` in that alone.

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

__all__ = ["MARKER", "Workload", "make_workloads"]

MARKER = b"[DONE]"

_ASCII = ["the", " stream", " of", " a", ",", ".", "\n\n", " token", " answer", "ing", " 42", "`"]
_NON_ASCII = [
    "é",
    " réponse",
    " größer",
    " ответ",
    "的",
    "流",
    "。",
    "응답",
    "ストリーム",
    " 👍",
    "“",
]
_ITEM_ID = "msg_0f3a2b1c9d8e7f6a0068d9c2f1a4b881908e21d5b7c4a6f3e0"
_TYPE = re.compile(rb'\{"type":"([^"]+)"')
_OBFUSCATION = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


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

    chunks = _chat_payloads(_ASCII, many(4000))
    deltas = _response_payloads(_ASCII, many(4000))
    yield _in_events(
        "one-event",
        "One whole event a read, as hosts flush them: nothing is carried, all is set-up.",
        chunks,
        "chat",
    )
    yield _in_pieces(
        "4-kib",
        "About a dozen events a read: the whole ones between two that the cuts divide.",
        chunks,
        4 * 2**10,
        "chat",
    )
    yield _in_pieces(
        "64-kib",
        "About 200 events a read, as when the reader is behind: what an event itself costs.",
        chunks,
        64 * 2**10,
        "chat",
    )
    yield _in_events(
        "responses-one-event",
        "One event with a type a read: two lines, and the type is looked at.",
        deltas,
        "responses",
    )
    yield _in_pieces(
        "responses-4-kib",
        "A dozen events with a type a read: the cuts divide events of two lines.",
        deltas,
        4 * 2**10,
        "responses",
    )
    yield _in_pieces(
        "responses-64-kib",
        "Long runs of events with one type, between a few of others.",
        deltas,
        64 * 2**10,
        "responses",
    )
    yield _in_pieces(
        "17-bytes",
        "About 20 reads a line: the unfinished line is carried from read to read.",
        _chat_payloads(_ASCII, many(800)),
        17,
    )
    yield _in_pieces(
        "crlf",
        "64-kib with CRLF: what every CR costs that is found, and pairs that the cuts divide.",
        chunks,
        64 * 2**10,
        newline=b"\r\n",
    )
    yield _in_pieces(
        "non-ascii",
        "64-kib with text beyond ASCII: decoding of UTF-8, and sequences that the cuts divide.",
        _chat_payloads(_NON_ASCII, many(4000)),
        64 * 2**10,
    )
    yield _in_pieces(
        "data-lines",
        "One event of thousands of data lines, a document as printed: collecting and joining them.",
        [_printed_document(many(6000))],
        64 * 2**10,
    )
    yield _in_pieces(
        "4-mib-event",
        "One event of one line, an image in base64, in 16 KiB reads: a long unfinished line.",
        [_image_payload(4 * 2**20)],
        16 * 2**10,
    )


def _in_events(name: str, why: str, payloads: list[bytes], format_: str | None = None) -> Workload:
    reads = [_event(payload, b"\n") for payload in payloads]
    return Workload(name, why, reads, payloads, None, format_)


def _in_pieces(
    name: str,
    why: str,
    payloads: list[bytes],
    read_size: int,
    format_: str | None = None,
    newline: bytes = b"\n",
) -> Workload:
    data = b"".join(_event(payload, newline) for payload in payloads)
    reads = [data[start : start + read_size] for start in range(0, len(data), read_size)]
    return Workload(name, why, reads, payloads, read_size, format_)


def _event(payload: bytes, newline: bytes) -> bytes:
    # Vendors whose objects have a type say it on a line of its own too.
    event_type = _TYPE.match(payload)
    lines = [b"event: " + event_type[1]] if event_type else []
    lines += [b"data: " + line for line in payload.split(b"\n")]
    return newline.join([*lines, b"", b""])


def _chat_payloads(tokens: Sequence[str], count: int) -> list[bytes]:
    """Return the data of the `count` events of one answer: role, text, finish, usage, marker."""
    random = Random(count)
    texts = [random.choice(tokens) for _ in range(count - 4)]
    usage = {"prompt_tokens": 21, "completion_tokens": len(texts), "total_tokens": 21 + len(texts)}
    return [
        _chunk([_choice({"role": "assistant", "content": "", "refusal": None})], random),
        *(_chunk([_choice({"content": text})], random) for text in texts),
        _chunk([_choice({}, "stop")], random),
        _chunk([], random, usage),
        MARKER,
    ]


def _choice(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def _chunk(
    choices: list[dict[str, Any]], random: Random, usage: dict[str, int] | None = None
) -> bytes:
    return _json(
        {
            "id": "chatcmpl-BxQ9v2kPpOQ2D6v5zJ0cX1yYk7mRs",
            "object": "chat.completion.chunk",
            "created": 1753382400,
            "model": "gpt-4o-mini-2024-07-18",
            "service_tier": "default",
            "system_fingerprint": "fp_34a54ae93c",
            "choices": choices,
            "usage": usage,
            "obfuscation": "".join(random.choices(_OBFUSCATION, k=random.randint(1, 8))),
        }
    )


def _response_payloads(tokens: Sequence[str], count: int) -> list[bytes]:
    """Return the data of the `count` events of one text: its pieces between head and tail."""
    random = Random(count)
    texts = [random.choice(tokens) for _ in range(count - 8)]
    text = {"type": "output_text", "text": "".join(texts), "annotations": [], "logprobs": []}
    message = {"type": "message", "id": _ITEM_ID, "status": "completed", "role": "assistant"}
    place = {"item_id": _ITEM_ID, "output_index": 0, "content_index": 0}
    usage = {"input_tokens": 21, "output_tokens": len(texts), "total_tokens": 21 + len(texts)}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": _response("in_progress")},
        {"type": "response.in_progress", "response": _response("in_progress")},
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": message | {"status": "in_progress", "content": []},
        },
        {"type": "response.content_part.added", **place, "part": text | {"text": ""}},
        *(_text_delta(text, place) for text in texts),
        {"type": "response.output_text.done", **place, "text": text["text"], "logprobs": []},
        {"type": "response.content_part.done", **place, "part": text},
        {
            "type": "response.output_item.done",
            "output_index": 0,
            "item": message | {"content": [text]},
        },
        {
            "type": "response.completed",
            "response": _response("completed")
            | {"output": [message | {"content": [text]}], "usage": usage},
        },
    ]
    return [
        _json({"type": event.pop("type"), "sequence_number": number, **event})
        for number, event in enumerate(events)
    ]


def _response(status: str) -> dict[str, Any]:
    return {
        "id": "resp_0f3a2b1c9d8e7f6a0068d9c2f1a4b8819",
        "object": "response",
        "created_at": 1753382400,
        "status": status,
        "model": "gpt-4o-mini-2024-07-18",
        "output": [],
    }


def _text_delta(text: str, place: dict[str, Any]) -> dict[str, Any]:
    # The vendor pads the text to 16 characters.
    return {
        "type": "response.output_text.delta",
        **place,
        "delta": text,
        "logprobs": [],
        "obfuscation": _OBFUSCATION[: max(0, 16 - len(text))],
    }


def _printed_document(lines: int) -> bytes:
    random = Random(lines)
    rows = [f"{row:06d}: {' '.join(random.choices(_ASCII[:5], k=6))}" for row in range(lines - 2)]
    return json.dumps(rows, indent=1).encode()


def _image_payload(size: int) -> bytes:
    image = base64.b64encode(Random(size).randbytes(size * 3 // 4)).decode()
    url = {"url": f"data:image/png;base64,{image}"}
    return _chunk([_choice({"images": [{"type": "image_url", "image_url": url}]})], Random(size))


def _json(value: object) -> bytes:
    # As hosts write it: no spaces, and text as UTF-8 rather than escapes.
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
