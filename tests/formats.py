"""What the tests of all formats share: the formats by their names, and an answer of some events."""

import json
from importlib import import_module
from typing import Any

import msgspec
import pytest
from msgspec.structs import fields

from ssekit import (
    Delta,
    StreamDecoder,
    auto,
    chat,
    completions,
    gemini,
    interactions,
    messages,
    responses,
)
from ssekit.testing import (
    chat_streams,
    completion_streams,
    gemini_streams,
    interaction_streams,
    message_streams,
    response_streams,
)
from tests.oracle import GEMINI_USAGE, INTERACTION_USAGE, said_by_response, without_nulls
from tests.wire import event

FORMATS: dict[str, Any] = {name: import_module(f"ssekit.{name}") for name in auto.FORMATS}

# What makes streams of a format.
STRATEGIES: dict[str, Any] = {
    "chat": chat_streams,
    "completions": completion_streams,
    "responses": response_streams,
    "messages": message_streams,
    "gemini": gemini_streams,
    "interactions": interaction_streams,
}

each_format = pytest.mark.parametrize("name", FORMATS)


def wire(name: str, /, **fields: Any) -> dict[str, Any]:
    """Return the data of an event that has its type in it."""
    return {"type": name, **fields}


def fed(format: Any, *events: Any) -> StreamDecoder[Any, Any]:
    """Return a decoder of a stream that goes on after some events."""
    decoder: StreamDecoder[Any, Any] = format.decoder()
    for data in events:
        decoder.feed(event(data))
    return decoder


def answer_of(format: Any, *events: Any) -> Any:
    """Return the answer that some events make."""
    decoder = fed(format, *events)
    assert decoder.error is None
    return decoder.snapshot()


def encoded(answer: Any) -> Any:
    """Return an answer as the vendor would encode it."""
    return json.loads(msgspec.json.encode(answer))


def deltas_of(format: Any, *events: Any) -> list[Delta]:
    """Return the deltas of some events, and those that wait for the end of the stream."""
    decoder: StreamDecoder[Any, Any] = format.decoder()
    deltas = [delta for data in events for delta in decoder.feed_deltas(event(data))]
    assert decoder.error is None
    deltas += decoder.close_deltas()
    return deltas if decoder.state == "done" else [*deltas, *decoder.accumulator.last_deltas()]


def only(deltas: list[Delta], kind: Any) -> list[Any]:
    return [delta for delta in deltas if type(delta) is kind]


def structs_of(union: Any) -> list[Any]:
    """Return the structs of a union."""
    return [kind.cls for kind in msgspec.inspect.type_info(union).types]  # type: ignore[attr-defined]


# An answer as plain JSON, the way that the independent folds of `tests.oracle` have it.


def _chat(answer: chat.ChatCompletion) -> Any:
    choices = []
    for choice in answer.choices:
        message = choice.message
        calls = [call for call in message.tool_calls or [] if call.type == "function"]
        choices.append(
            {
                "index": choice.index,
                "content": message.content or "",
                "reasoning": message.reasoning or message.reasoning_content or "",
                "refusal": message.refusal or "",
                "tool_calls": [
                    {
                        "id": call.id,
                        "name": call.function.name,
                        "arguments": call.function.arguments,
                    }
                    for call in calls
                ],
                "function_call": msgspec.to_builtins(message.function_call),
                "finish_reason": choice.finish_reason,
            }
        )
    return _with_choices(answer, choices)


def _completions(answer: completions.Completion) -> Any:
    choices = [
        {"index": choice.index, "text": choice.text, "finish_reason": choice.finish_reason}
        for choice in answer.choices
    ]
    return _with_choices(answer, choices)


def _with_choices(answer: Any, choices: list[Any]) -> Any:
    tokens = ("prompt_tokens", "completion_tokens", "total_tokens")
    usage = answer.usage and {name: getattr(answer.usage, name) for name in tokens}
    return {"id": answer.id, "model": answer.model, "choices": choices, "usage": usage}


def _responses(answer: responses.Response) -> Any:
    return said_by_response(encoded(answer))


def _messages(answer: messages.Message) -> Any:
    return without_nulls(encoded(answer))


def _gemini(answer: gemini.GenerateContentResponse) -> Any:
    candidates = []
    for candidate in answer.candidates:
        parts = candidate.content.parts
        calls = [part.function_call for part in parts if part.function_call is not None]
        candidates.append(
            {
                "text": "".join(part.text for part in parts if part.text and not part.thought),
                "thought": "".join(part.text for part in parts if part.text and part.thought),
                "calls": [{"name": call.name, "args": call.args} for call in calls],
                "finish_reason": candidate.finish_reason,
            }
        )
    usage = answer.usage_metadata or gemini.UsageMetadata()
    names = {field.encode_name: getattr(usage, field.name) for field in fields(usage)}
    return {
        "id": answer.response_id or "",
        "model": answer.model_version or "",
        "candidates": candidates,
        "usage": {name: names[name] for name in GEMINI_USAGE if names[name] is not None},
    }


def _interactions(answer: interactions.Interaction) -> Any:
    steps = []
    for step in encoded(answer).get("steps", []) + encoded(answer).get("outputs", []):
        made = {"type": step["type"]}
        for name in ("id", "call_id", "name", "arguments", "signature", "result"):
            if step.get(name):
                made[name] = step[name]
        if "partial_arguments" in step:
            made["arguments"] = step["partial_arguments"]
        contents = step.get("summary", []) + step.get("content", [])
        made["contents"] = [step] if step["type"] in ("text", "image") else contents
        steps.append(made)
    names = (
        {name: getattr(answer.usage, name) for name in INTERACTION_USAGE} if answer.usage else {}
    )
    return {
        "id": answer.id,
        "model": answer.model,
        "status": answer.status,
        "steps": steps,
        "usage": {name: count for name, count in names.items() if count is not None},
    }


PLAIN = {
    "chat": _chat,
    "completions": _completions,
    "responses": _responses,
    "messages": _messages,
    "gemini": _gemini,
    "interactions": _interactions,
}
