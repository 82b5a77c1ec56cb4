# The dialects of hosts: objects brought into the shape of a chunk.
#
# Nothing here runs for an ordinary chunk. A body is any JSON object, so each step checks the types
# that it needs.

from __future__ import annotations

import json
from typing import Any, Final

from ssekit._choices import repair_choices
from ssekit._json import objects, spell

_TEXTS: Final = ("content", "reasoning", "reasoning_content", "reasoning_text")


def repair(body: dict[str, Any]) -> None:
    """Bring an object into the shape of a chunk, in place."""
    for choice in repair_choices(body):
        for delta in objects([choice.get("delta"), choice.get("message")]):
            thoughts = delta.get("thinking") or delta.get("cot_summary")  # Copilot
            if isinstance(thoughts, str):
                delta["reasoning_text"] = delta.get("reasoning_text") or thoughts
            for field in _TEXTS:
                _repair_parts(delta, field)
            spell(delta, *_TEXTS)
            if delta.get("type") == "tool_use":  # Cortex: the delta itself is a piece of a call
                named = {"id": delta.get("tool_use_id"), "arguments": delta.get("input")}
                delta["tool_calls"] = delta | named
            if isinstance(delta.get("tool_calls"), dict):  # Text Generation Inference, at first
                delta["tool_calls"] = [delta["tool_calls"]]
            for call in objects(delta.get("tool_calls")):
                _repair_call(call)
            for called in objects([delta.get("function_call")]):
                _repair_arguments(called, "arguments")


def _repair_parts(delta: dict[str, Any], field: str) -> None:
    # Mistral's reasoning models stream content in parts of text and of thinking; in those of
    # Databricks, summary or text takes the place of thinking. Others send one part (Envoy's
    # gateway: as the reasoning too), or bare texts.
    parts = delta.get(field)
    if isinstance(parts, dict | list):
        texts: dict[str, list[str]] = {}
        for part in parts if isinstance(parts, list) else [parts]:
            place, values = _part(part, field)
            texts.setdefault(place, []).extend(text for text in values if isinstance(text, str))
        del delta[field]
        delta.update({place: "".join(pieces) for place, pieces in texts.items() if pieces})


def _part(part: Any, field: str) -> tuple[str, list[Any]]:
    """Return the field that a part of a text belongs to, and values that may be its texts."""
    if not isinstance(part, dict):
        return field, [part]
    thoughts = part.get("thinking") or part.get("summary")
    if field == "content" and (thoughts or part.get("type") == "reasoning"):
        field = "reasoning_content"
    inner = [thought.get("text") for thought in objects(thoughts)]
    return field, [part.get("text"), thoughts, *inner]


def _repair_call(call: dict[str, Any]) -> None:
    function = call.get("function")
    if function is None and call.get("custom") is None:
        beside = {name: call[name] for name in ("name", "arguments") if name in call}
        if beside:
            call["function"] = beside
    elif isinstance(function, dict) and not call.get("id") and function.get("id"):
        call["id"] = function["id"]  # llama.cpp, at first
    if isinstance(call.get("id"), int | float) and not _is_called(call):
        del call["id"]
    for tool, field in (("function", "arguments"), ("custom", "input")):
        for called in objects([call.get(tool)]):
            _repair_arguments(called, field)


def _is_called(call: dict[str, Any]) -> bool:
    """Whether a piece of a call has anything of it besides the id."""
    called = objects([call.get("function"), call.get("custom")])
    return any(tool.get(name) for tool in called for name in ("name", "arguments", "input"))


def _repair_arguments(called: dict[str, Any], field: str) -> None:
    spell(called, field)
    # z.ai and Mistral (according to its SDK) may send arguments as the object itself.
    if isinstance(called.get(field), dict | list):
        called[field] = json.dumps(called[field])
