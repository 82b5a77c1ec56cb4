# The data of events, as hosts send it: answers from their head to their end.
#
# What always holds here:
# - The bytes are the same in every run: random choices come from a generator with a fixed seed.
# - Objects have the fields, and so the size, of the vendor's: a `chat.completion.chunk` about 300
#   bytes, a `response.output_text.delta` about 230, a `content_block_delta` about 100, a
#   `step.delta` about 80.

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random
from typing import Any, NamedTuple

MARKER = b"[DONE]"

ASCII = ["the", " stream", " of", " a", ",", ".", "\n\n", " token", " answer", "ing", " 42", "`"]
NON_ASCII = ["é", " réponse", " größer", " ответ", *"的流。", "응답", "ストリーム", " 👍", "“"]
_OBFUSCATION = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class Part(NamedTuple):
    """A part of an answer: its pieces, one an event. Those of a call are of its arguments."""

    kind: str  # "reasoning", "text" or "call"
    pieces: list[str]

    @property
    def whole(self) -> str:
        return "".join(self.pieces)


def part(kind: str, count: int, tokens: Sequence[str]) -> Part:
    """Return a part with so many random pieces, of a call at least three."""
    random = Random(count)
    if kind != "call":
        return Part(kind, random.choices(tokens, k=count))
    texts = [json.dumps(random.choice(tokens))[1:-1] for _ in range(count - 2)]
    return Part(kind, ['{"text":"', *texts, '"}'])


def _object(**fields: Any) -> bytes:
    # As hosts write it: no spaces, and UTF-8 in the place of escapes.
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()


def _pieces(parts: Sequence[Part]) -> int:
    return sum(len(each.pieces) for each in parts)


# Chat.


def chat_answer(parts: Sequence[Part]) -> Iterator[bytes]:
    """Yield the data of each event of one answer."""
    number = itertools.count()
    deltas: list[dict[str, Any]] = []
    for kind, pieces in parts:
        if kind == "call":
            deltas += _calls([next(number)], pieces)
        else:
            field = "content" if kind == "text" else "reasoning_content"
            deltas += ({field: piece} for piece in pieces)
    yield from _chat(deltas)


def parallel_calls(calls: int, pieces: int) -> Iterator[bytes]:
    """Yield the data of each event of calls whose fragments take turns."""
    return _chat(_calls(range(calls), ['{"', *[" 42"] * (pieces - 2), "}"]))


def _calls(numbers: Sequence[int], pieces: Sequence[str]) -> Iterator[dict[str, Any]]:
    for number in numbers:
        function = {"name": "get_weather", "arguments": ""}
        begun = {"id": f"call_{number:024d}", "type": "function", "function": function}
        yield {"tool_calls": [{"index": number, **begun}]}
    for piece in pieces:
        for number in numbers:
            yield {"tool_calls": [{"index": number, "function": {"arguments": piece}}]}


def _chat(deltas: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    random = Random(1)
    yield _chunk([_choice({"role": "assistant", "content": "", "refusal": None})], random)
    count, reason = 0, "stop"
    for delta in deltas:
        yield _chunk([_choice(delta)], random)
        count += 1
        reason = "tool_calls" if "tool_calls" in delta else reason
    yield _chunk([_choice({}, reason)], random)
    usage = {"prompt_tokens": 21, "completion_tokens": count, "total_tokens": 21 + count}
    yield _chunk([], random, usage)
    yield MARKER


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


# Responses.

_PROPERTIES = {"text": {"type": "string", "description": "The place, such as Paris, France."}}
_TOOL = {
    "type": "function",
    "name": "weather",
    "description": "Return the weather of a place.",
    "parameters": {"type": "object", "properties": _PROPERTIES, "required": ["text"]},
    "strict": True,
}


def responses_answer(parts: Sequence[Part]) -> Iterator[bytes]:
    """Yield the data of each event of one answer."""
    numbers = itertools.count()

    def event(name: str, **fields: Any) -> bytes:
        return _object(type=f"response.{name}", sequence_number=next(numbers), **fields)

    response: dict[str, Any] = {
        "id": "resp_0f3a2b1c9d8e7f6a0068d9c2f1a4b8819",
        "object": "response",
        "created_at": 1753382400,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "model": "gpt-4o-mini-2024-07-18",
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": "low", "summary": "auto"},
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [_TOOL],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": None,
        "metadata": {},
    }
    yield event("created", response=response)
    yield event("in_progress", response=response)
    items: list[dict[str, Any]] = []
    for index, each in enumerate(parts):
        item_id = f"msg_0f3a2b1c9d8e7f6a0068d9c2f1a4b881908e21d5b7c4a6f3e{index}"
        own, inner, part_name, part_type, name = _ITEMS[each.kind]
        item = {"id": item_id, "status": "in_progress", **own}
        if each.kind == "call":
            item["call_id"] = f"call_{item_id[-22:]}"
        place: dict[str, Any] = {"item_id": item_id, "output_index": index}
        beside: dict[str, Any] = {"logprobs": []} if each.kind == "text" else {}
        whole: dict[str, Any] = {"text": each.whole} if part_name else {inner: each.whole}
        part = {"type": part_type, **whole}
        begun = {inner: [] if part_name else ""}
        yield event("output_item.added", output_index=index, item=item | begun)
        if part_name:
            place[f"{inner}_index"] = 0
            yield event(f"{part_name}.added", **place, part=part | {"text": ""})
        for piece in each.pieces:
            padding = _OBFUSCATION[: max(0, 16 - len(piece))]
            yield event(f"{name}.delta", **place, delta=piece, **beside, obfuscation=padding)
        yield event(f"{name}.done", **place, **whole, **beside)
        if part_name:
            yield event(f"{part_name}.done", **place, part=part)
            whole = {inner: [part]}
        items.append(item | whole | {"status": "completed"})
        yield event("output_item.done", output_index=index, item=items[-1])
    count = _pieces(parts)
    usage = {"input_tokens": 21, "output_tokens": count, "total_tokens": 21 + count}
    completed = {"status": "completed", "output": items, "usage": usage}
    yield event("completed", response=response | completed)


# The item of a part, the field of its content, the name and type of its part, and its events.
_ITEMS: dict[str, tuple[dict[str, str], str, str, str, str]] = {
    "text": (
        {"type": "message", "role": "assistant"},
        *("content", "content_part", "output_text", "output_text"),
    ),
    "reasoning": (
        {"type": "reasoning"},
        *("summary", "reasoning_summary_part", "summary_text", "reasoning_summary_text"),
    ),
    "call": (
        {"type": "function_call", "name": "weather"},
        *("arguments", "", "", "function_call_arguments"),
    ),
}


# Messages.


def messages_answer(parts: Sequence[Part]) -> Iterator[bytes]:
    """Yield the data of each event of one answer."""
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
    yield _object(type="message_start", message=message)
    yield _object(type="ping")
    reason = "end_turn"
    for index, each in enumerate(parts):
        kind, field = _BLOCKS[each.kind]
        block: dict[str, Any] = {"type": kind, field: ""}
        name = {"thinking": "thinking_delta", "text": "text_delta"}.get(kind, "input_json_delta")
        if each.kind == "call":
            block = {"type": kind, "id": f"toolu_{index:024d}", "name": "get_weather", "input": {}}
            reason = "tool_use"
        yield _object(type="content_block_start", index=index, content_block=block)
        for piece in each.pieces:
            delta = {"type": name, field: piece}
            yield _object(type="content_block_delta", index=index, delta=delta)
        yield _object(type="content_block_stop", index=index)
    stop, usage = stop | {"stop_reason": reason}, usage | {"output_tokens": _pieces(parts)}
    yield _object(type="message_delta", delta=stop, usage=usage)
    yield _object(type="message_stop")


_BLOCKS = {
    "reasoning": ("thinking", "thinking"),
    "text": ("text", "text"),
    "call": ("tool_use", "partial_json"),
}


# Gemini.


def gemini_answer(parts: Sequence[Part]) -> Iterator[bytes]:
    """Yield the data of each event of one answer. A call comes in one piece."""
    pieces: list[dict[str, Any]] = []
    for each in parts:
        if each.kind == "call":
            pieces.append({"functionCall": {"name": "weather", "args": json.loads(each.whole)}})
        else:
            thought = {"thought": True} if each.kind == "reasoning" else {}
            pieces += ({"text": piece, **thought} for piece in each.pieces)
    pieces.append({"text": ""})
    for count, piece in enumerate(pieces, 1):
        candidate = {"content": {"parts": [piece], "role": "model"}, "index": 0}
        usage = {"promptTokenCount": 21, "candidatesTokenCount": count, "totalTokenCount": count}
        yield _object(
            candidates=[candidate | ({"finishReason": "STOP"} if count == len(pieces) else {})],
            usageMetadata=usage | {"promptTokensDetails": [{"modality": "TEXT", "tokenCount": 21}]},
            modelVersion="gemini-2.5-flash",
            responseId="mD6MaNCAGJ2dz7IPvqzQmAo",
        )


# Interactions.


def interactions_answer(parts: Sequence[Part]) -> Iterator[bytes]:
    """Yield the data of each event of one answer. A thought ends with its signature."""

    def event(name: str, **fields: Any) -> bytes:
        return _object(**fields, event_type=name)

    head = {"id": "v1_ChdPWTZnYXJtSkt2T21qdU1QNF8zRzJBcxIXNFFnamFybUpLdk9tanVNUDRfM0cyQXM"}
    begun = {**head, "status": "in_progress", "object": "interaction", "model": "gemini-3-flash"}
    yield event("interaction.created", interaction=begun)
    yield event("interaction.status_update", interaction_id=head["id"], status="in_progress")
    status = "completed"
    for index, (kind, pieces) in enumerate(parts):
        step: dict[str, Any] = {"type": _STEPS[kind]}
        if kind == "call":
            status = "requires_action"
            step = {"id": f"call_{index:05d}", **step, "name": "get_weather", "arguments": {}}
        yield event("step.start", index=index, step=step)
        for piece in pieces:
            if kind == "text":
                delta: dict[str, Any] = {"text": piece, "type": "text"}
            elif kind == "call":
                delta = {"arguments": piece, "type": "arguments_delta"}
            else:
                delta = {"content": {"text": piece, "type": "text"}, "type": "thought_summary"}
            yield event("step.delta", index=index, delta=delta)
        if kind == "reasoning":
            delta = {"signature": _OBFUSCATION * 8, "type": "thought_signature"}
            yield event("step.delta", index=index, delta=delta)
        yield event("step.stop", index=index)
    count = _pieces(parts)
    usage = {
        "total_tokens": 21 + count,
        "total_input_tokens": 21,
        "input_tokens_by_modality": [{"modality": "text", "tokens": 21}],
        "total_cached_tokens": 0,
        "total_output_tokens": count,
        "total_tool_use_tokens": 0,
        "total_thought_tokens": 0,
    }
    times = {"created": "2026-05-13T20:35:42Z", "updated": "2026-05-13T20:35:44Z"}
    ended = {"status": status, "usage": usage, **times, "service_tier": "standard"}
    yield event("interaction.completed", interaction=begun | ended)
    yield MARKER


_STEPS = {"reasoning": "thought", "text": "model_output", "call": "function_call"}


# What makes an answer of its parts, by the name of its format.
ANSWERS: dict[str, Callable[[Sequence[Part]], Iterator[bytes]]] = {
    "chat": chat_answer,
    "responses": responses_answer,
    "messages": messages_answer,
    "gemini": gemini_answer,
    "interactions": interactions_answer,
}


# Data of no format.


def printed_document(lines: int) -> bytes:
    random = Random(lines)
    rows = [f"{row:06d}: {' '.join(random.choices(ASCII[:5], k=6))}" for row in range(lines - 2)]
    return json.dumps(rows, indent=1).encode()


def image_payload(size: int) -> bytes:
    image = base64.b64encode(Random(size).randbytes(size * 3 // 4)).decode()
    url = {"url": f"data:image/png;base64,{image}"}
    return _chunk([_choice({"images": [{"type": "image_url", "image_url": url}]})], Random(size))
