# The data of events, as hosts send it.
#
# What always holds here:
# - The bytes are the same in every run: random choices come from a generator with a fixed seed.
# - Objects have the fields, and so the size, of the vendor's: a `chat.completion.chunk` about 300
#   bytes, a `response.output_text.delta` about 230, a `content_block_delta` about 100.

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Sequence
from random import Random
from typing import Any

__all__ = [
    "ASCII",
    "MARKER",
    "NON_ASCII",
    "call_payloads",
    "chat_payloads",
    "image_payload",
    "message_payloads",
    "printed_document",
    "response_payloads",
]

MARKER = b"[DONE]"

ASCII = ["the", " stream", " of", " a", ",", ".", "\n\n", " token", " answer", "ing", " 42", "`"]
NON_ASCII = ["é", " réponse", " größer", " ответ", *"的流。", "응답", "ストリーム", " 👍", "“"]
_ARGUMENTS = ['{"', "city", '":"', "Par", "is", '","', "days", '":', "3", "}", " ", "unit"]
_ITEM_ID = "msg_0f3a2b1c9d8e7f6a0068d9c2f1a4b881908e21d5b7c4a6f3e0"
_OBFUSCATION = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def chat_payloads(tokens: Sequence[str], count: int) -> list[bytes]:
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


def call_payloads(calls: int, count: int) -> list[bytes]:
    """Return the data of the `count` events of parallel calls, whose fragments take turns."""
    random = Random(count)
    function = {"name": "get_weather", "arguments": ""}
    begun = [
        {"index": number, "id": f"call_{number:024d}", "type": "function", "function": function}
        for number in range(calls)
    ]
    more = [
        {"index": number % calls, "function": {"arguments": random.choice(_ARGUMENTS)}}
        for number in range(count - 4 - calls)
    ]
    return [
        _chunk([_choice({"role": "assistant", "content": None, "refusal": None})], random),
        *(_chunk([_choice({"tool_calls": [call]})], random) for call in begun + more),
        _chunk([_choice({}, "tool_calls")], random),
        _chunk([], random, {"prompt_tokens": 21, "completion_tokens": 7, "total_tokens": 28}),
        MARKER,
    ]


def _choice(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def _chunk(
    choices: list[dict[str, Any]], random: Random, usage: dict[str, int] | None = None
) -> bytes:
    return _object(
        id="chatcmpl-BxQ9v2kPpOQ2D6v5zJ0cX1yYk7mRs",
        object="chat.completion.chunk",
        created=1753382400,
        model="gpt-4o-mini-2024-07-18",
        service_tier="default",
        system_fingerprint="fp_34a54ae93c",
        choices=choices,
        usage=usage,
        obfuscation="".join(random.choices(_OBFUSCATION, k=random.randint(1, 8))),
    )


def response_payloads(tokens: Sequence[str], count: int) -> list[bytes]:
    """Return the data of the `count` events of one text: its pieces between head and tail."""
    random = Random(count)
    texts = [random.choice(tokens) for _ in range(count - 8)]
    part = {"type": "output_text", "text": "".join(texts), "annotations": [], "logprobs": []}
    message = {"type": "message", "id": _ITEM_ID, "status": "completed", "role": "assistant"}
    begun, whole = message | {"status": "in_progress", "content": []}, message | {"content": [part]}
    place = {"item_id": _ITEM_ID, "output_index": 0, "content_index": 0}
    usage = {"input_tokens": 21, "output_tokens": len(texts), "total_tokens": 21 + len(texts)}
    response: dict[str, Any] = {
        "id": "resp_0f3a2b1c9d8e7f6a0068d9c2f1a4b8819",
        "object": "response",
        "created_at": 1753382400,
        "status": "in_progress",
        "model": "gpt-4o-mini-2024-07-18",
        "output": [],
    }
    completed = response | {"status": "completed", "output": [whole], "usage": usage}
    numbers = itertools.count()

    def event(name: str, **fields: Any) -> bytes:
        return _object(type=f"response.{name}", sequence_number=next(numbers), **fields)

    def delta(piece: str) -> bytes:
        padding = _OBFUSCATION[: max(0, 16 - len(piece))]
        return event("output_text.delta", **place, delta=piece, logprobs=[], obfuscation=padding)

    return [
        event("created", response=response),
        event("in_progress", response=response),
        event("output_item.added", output_index=0, item=begun),
        event("content_part.added", **place, part=part | {"text": ""}),
        *map(delta, texts),
        event("output_text.done", **place, text=part["text"], logprobs=[]),
        event("content_part.done", **place, part=part),
        event("output_item.done", output_index=0, item=whole),
        event("completed", response=completed),
    ]


def message_payloads(tokens: Sequence[str], count: int) -> list[bytes]:
    """Return the data of the `count` events of one text: its pieces between head and tail."""
    random = Random(count)
    usage = {"input_tokens": 21, "cache_read_input_tokens": 0, "output_tokens": 1}
    stop: dict[str, Any] = {"stop_reason": None, "stop_sequence": None}
    message = {
        "id": "msg_01XFDUDYJgAACzvnptvVoYEL",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": [],
        **stop,
        "usage": usage,
    }
    texts = [{"type": "text_delta", "text": random.choice(tokens)} for _ in range(count - 6)]
    return [
        _object(type="message_start", message=message),
        _object(type="content_block_start", index=0, content_block={"type": "text", "text": ""}),
        _object(type="ping"),
        *(_object(type="content_block_delta", index=0, delta=text) for text in texts),
        _object(type="content_block_stop", index=0),
        _object(
            type="message_delta",
            delta=stop | {"stop_reason": "end_turn"},
            usage=usage | {"output_tokens": len(texts)},
        ),
        _object(type="message_stop"),
    ]


def printed_document(lines: int) -> bytes:
    random = Random(lines)
    rows = [f"{row:06d}: {' '.join(random.choices(ASCII[:5], k=6))}" for row in range(lines - 2)]
    return json.dumps(rows, indent=1).encode()


def image_payload(size: int) -> bytes:
    image = base64.b64encode(Random(size).randbytes(size * 3 // 4)).decode()
    url = {"url": f"data:image/png;base64,{image}"}
    return _chunk([_choice({"images": [{"type": "image_url", "image_url": url}]})], Random(size))


def _object(**fields: Any) -> bytes:
    # As hosts write it: no spaces, and UTF-8 in the place of escapes.
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
