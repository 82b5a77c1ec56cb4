"""One small stream of each format, written by hand, with the same answer as far as they can."""

import json
from typing import Any

from tests.wire import DONE, block, event, step_typed, typed

REASONING = ["They ask for ", "the weather."]
TEXT = ['{"city":', ' "Paris"}']  # as structured output
CALL = ("call_1", "get_weather")
ARGUMENTS = ['{"city": ', '"Rome"}']
TOKENS = (12, 34, 46)


def _chat() -> list[bytes]:
    def choice(finish_reason: str | None = None, **delta: Any) -> bytes:
        return event({"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]})

    def call(arguments: str, **more: Any) -> bytes:
        function = {"arguments": arguments, **more.pop("function", {})}
        return choice(tool_calls=[{"index": 0, "function": function, **more}])

    usage = dict(zip(("prompt_tokens", "completion_tokens", "total_tokens"), TOKENS, strict=True))
    return [
        choice(role="assistant", content=""),
        *(choice(reasoning_content=piece) for piece in REASONING),
        *(choice(content=piece) for piece in TEXT),
        call("", id=CALL[0], function={"name": CALL[1]}),
        *map(call, ARGUMENTS),
        choice("tool_calls"),
        event({"choices": [], "usage": usage}),
        DONE,
    ]


def _completions() -> list[bytes]:
    usage = dict(zip(("prompt_tokens", "completion_tokens", "total_tokens"), TOKENS, strict=True))
    return [
        *(event({"choices": [{"index": 0, "text": piece}]}) for piece in TEXT),
        event({"choices": [{"index": 0, "text": "", "finish_reason": "stop"}]}),
        event({"choices": [], "usage": usage}),
        DONE,
    ]


def _responses() -> list[bytes]:
    def added(index: int, item: dict[str, Any]) -> bytes:
        return typed("response.output_item.added", output_index=index, item=item)

    def pieces(kind: str, index: int, deltas: list[str], **place: int) -> list[bytes]:
        return [
            typed(f"response.{kind}.delta", output_index=index, delta=delta, **place)
            for delta in deltas
        ]

    def item(kind: str, index: int, part: str, deltas: list[str]) -> list[bytes]:
        begun = {"type": kind, "content": [{"type": part, "text": ""}]}
        return [added(index, begun), *pieces(part, index, deltas, content_index=0)]

    call = {"type": "function_call", "call_id": CALL[0], "name": CALL[1], "arguments": ""}
    usage = dict(zip(("input_tokens", "output_tokens", "total_tokens"), TOKENS, strict=True))
    return [
        typed("response.created", response={"id": "resp_1", "status": "in_progress"}),
        *item("reasoning", 0, "reasoning_text", REASONING),
        *item("message", 1, "output_text", TEXT),
        added(2, call),
        *pieces("function_call_arguments", 2, ARGUMENTS),
        typed(
            "response.output_item.done",
            output_index=2,
            item=call | {"arguments": "".join(ARGUMENTS)},
        ),
        typed("response.completed", response={"status": "completed", "usage": usage}),
    ]


def _messages() -> list[bytes]:
    thinking = [{"type": "thinking_delta", "thinking": piece} for piece in REASONING]
    text = [{"type": "text_delta", "text": piece} for piece in TEXT]
    arguments = [{"type": "input_json_delta", "partial_json": piece} for piece in ARGUMENTS]
    call = {"type": "tool_use", "id": CALL[0], "name": CALL[1], "input": {}}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "content": []}
    usage = {"input_tokens": TOKENS[0], "output_tokens": 1}
    return [
        typed("message_start", message=message | {"model": "m", "usage": usage}),
        *block(0, {"type": "thinking", "thinking": "", "signature": ""}, *thinking),
        *block(1, {"type": "text", "text": ""}, *text),
        *block(2, call, *arguments),
        typed(
            "message_delta",
            delta={"stop_reason": "tool_use"},
            usage={"output_tokens": TOKENS[1]},
        ),
        typed("message_stop"),
    ]


def _gemini() -> list[bytes]:
    def fragment(part: Any, **more: Any) -> bytes:
        content = {"role": "model", "parts": [part]}
        return event({"candidates": [{"index": 0, "content": content, **more}]})

    call = {"id": CALL[0], "name": CALL[1], "args": json.loads("".join(ARGUMENTS))}
    names = ("promptTokenCount", "candidatesTokenCount", "totalTokenCount")
    return [
        *(fragment({"text": piece, "thought": True}) for piece in REASONING),
        *(fragment({"text": piece}) for piece in TEXT),
        fragment({"functionCall": call}, finishReason="STOP"),
        event({"candidates": [], "usageMetadata": dict(zip(names, TOKENS, strict=True))}),
    ]


def _interactions() -> list[bytes]:
    def step(index: int, begun: Any, *deltas: Any) -> list[bytes]:
        return [
            step_typed("step.start", index=index, step=begun),
            *(step_typed("step.delta", index=index, delta=delta) for delta in deltas),
            step_typed("step.stop", index=index),
        ]

    def text(piece: str) -> Any:
        return {"type": "text", "text": piece}

    call = {"type": "function_call", "id": CALL[0], "name": CALL[1], "arguments": {}}
    names = ("total_input_tokens", "total_output_tokens", "total_tokens")
    head = {"id": "v1_i", "object": "interaction", "model": "m"}
    ended = {"status": "requires_action", "usage": dict(zip(names, TOKENS, strict=True))}
    thoughts = ({"type": "thought_summary", "content": text(piece)} for piece in REASONING)
    pieces = ({"type": "arguments_delta", "arguments": piece} for piece in ARGUMENTS)
    return [
        step_typed("interaction.created", interaction=head | {"status": "in_progress"}),
        *step(0, {"type": "thought"}, *thoughts),
        *step(1, {"type": "model_output"}, *map(text, TEXT)),
        *step(2, call, *pieces),
        step_typed("interaction.completed", interaction=head | ended),
    ]


STREAMS: dict[str, list[bytes]] = {
    "chat": _chat(),
    "completions": _completions(),
    "responses": _responses(),
    "messages": _messages(),
    "gemini": _gemini(),
    "interactions": _interactions(),
}
