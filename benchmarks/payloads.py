# The data of the events that are measured, as hosts send it.
#
# What always holds here:
# - The same bytes in every run: what looks random comes from a generator with a fixed seed.
# - Objects have the fields, and so the size, that the vendor's have: a `chat.completion.chunk`
#   about 300 bytes, a `response.output_text.delta` about 230, a `content_block_delta` about 100.

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

__all__ = [
    "ASCII",
    "MARKER",
    "NON_ASCII",
    "chat_payloads",
    "fragment_payloads",
    "image_payload",
    "message_payloads",
    "parallel_call_payloads",
    "printed_document",
    "response_payloads",
]

MARKER = b"[DONE]"

ASCII = ["the", " stream", " of", " a", ",", ".", "\n\n", " token", " answer", "ing", " 42", "`"]
NON_ASCII = [
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


def fragment_payloads(count: int) -> list[bytes]:
    """Return the data of `count` events of one tool call, in fragments of its arguments."""
    return _call_payloads(1, count, lambda number: 0)


def parallel_call_payloads(calls: int) -> list[bytes]:
    """Return the data of the events of so many calls, which take turns for three fragments."""
    return _call_payloads(calls, 4 * calls + 4, lambda number: number % calls)


def _call_payloads(calls: int, count: int, index: Callable[[int], int]) -> list[bytes]:
    random = Random(count)
    begun = [
        {
            "index": number,
            "id": f"call_{number:024d}",
            "type": "function",
            "function": {"name": "get_weather", "arguments": ""},
        }
        for number in range(calls)
    ]
    more = [
        {"index": index(number), "function": {"arguments": random.choice(_ARGUMENTS)}}
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


def response_payloads(tokens: Sequence[str], count: int) -> list[bytes]:
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
        *(_response_delta(text, place, random) for text in texts),
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


def _response_delta(text: str, place: dict[str, Any], random: Random) -> dict[str, Any]:
    # The vendor pads the text to 16 characters.
    return {
        "type": "response.output_text.delta",
        **place,
        "delta": text,
        "logprobs": [],
        "obfuscation": _OBFUSCATION[: max(0, 16 - len(text))],
    }


def message_payloads(tokens: Sequence[str], count: int) -> list[bytes]:
    """Return the data of the `count` events of one text: its pieces between head and tail."""
    random = Random(count)
    usage = {"input_tokens": 21, "cache_read_input_tokens": 0, "output_tokens": 1}
    message: dict[str, Any] = {
        "id": "msg_01XFDUDYJgAACzvnptvVoYEL",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        *(
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "text_delta", "text": random.choice(tokens)},
            }
            for _ in range(count - 6)
        ),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": usage | {"output_tokens": count - 6},
        },
        {"type": "message_stop"},
    ]
    return list(map(_json, events))


def printed_document(lines: int) -> bytes:
    random = Random(lines)
    rows = [f"{row:06d}: {' '.join(random.choices(ASCII[:5], k=6))}" for row in range(lines - 2)]
    return json.dumps(rows, indent=1).encode()


def image_payload(size: int) -> bytes:
    image = base64.b64encode(Random(size).randbytes(size * 3 // 4)).decode()
    url = {"url": f"data:image/png;base64,{image}"}
    return _chunk([_choice({"images": [{"type": "image_url", "image_url": url}]})], Random(size))


def _json(value: object) -> bytes:
    # As hosts write it: no spaces, and text as UTF-8 rather than escapes.
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
