# Repair of the dialects of hosts: it rewrites an object into the shape of a chunk.
#
# Nothing here runs for an ordinary chunk. A body is any JSON object, so each step checks the types
# that it needs.

from __future__ import annotations

from typing import Any, Final

from ssekit._choices import repair_choices
from ssekit._json import objects, spell, spell_json

_DELTAS: Final = ("delta", "message")
_TEXTS: Final = ("content", "reasoning", "reasoning_content", "reasoning_text")
_PARTS: Final = ("text", "thinking", "summary", "reasoning", "content", "value")
_WITH_TEXT: Final = frozenset({str, dict, list})
_ARGUMENTS: Final = ("arguments", "input")  # of a function, of a custom tool
# Other names of the reasoning in a delta.
_THOUGHTS: Final = {
    "thinking": "reasoning_text",
    "cot_summary": "reasoning_text",
    "reasoning_steps": "reasoning_details",
    "content_blocks": "thinking_blocks",
}
# Other names of the list of sources in a chunk or a delta; and in an object there, if it is in one.
_SOURCES: Final = {
    "web_search": "",
    "venice_parameters": "web_search_citations",
    "context": "citations",
}


def repair(body: dict[str, Any]) -> None:
    """Rewrite an object into the shape of a chunk, in place."""
    choices = repair_choices(body)
    deltas = objects([choice.get(name) for choice in choices for name in _DELTAS])
    for holder in (body, *deltas):
        if not _SOURCES.keys().isdisjoint(holder):
            _repair_sources(body, holder)
    for delta in deltas:
        if delta.get("role") == "tool":  # the output of a tool that the host itself ran
            delta.clear()
        for field in (*_TEXTS, "thinking", "cot_summary"):
            parts = delta.get(field)
            if isinstance(parts, dict | list):
                _repair_parts(delta, field, parts if isinstance(parts, list) else [parts])
        if delta.get("type") == "think" and not delta.get("reasoning_content"):
            delta["reasoning_content"] = delta.pop("content", None)  # Jina
        if isinstance(delta.get("content_blocks"), list):
            delta["content_blocks"] = _thinking_blocks(delta["content_blocks"])
        for other, field in _THOUGHTS.items():
            if isinstance(delta.get(other), str | list):
                delta[field] = delta.get(field) or delta.pop(other)
        spell(delta, *_TEXTS)
        if delta.get("type") == "tool_use":  # Cortex: the delta itself is a piece of a call
            named = {"id": delta.get("tool_use_id"), "arguments": delta.get("input")}
            delta["tool_calls"] = delta | named
        if isinstance(delta.get("tool_calls"), dict):  # early Text Generation Inference
            delta["tool_calls"] = [delta["tool_calls"]]
        for call in objects(delta.get("tool_calls")):
            _repair_call(call)
        for called in objects([delta.get("function_call")]):
            spell_json(called, *_ARGUMENTS)


def _repair_sources(body: dict[str, Any], holder: dict[str, Any]) -> None:
    """Make a list of sources under another name, in a chunk or a delta, the `search_results`."""
    for name, inner in _SOURCES.items():
        found = holder.get(name)
        if inner and isinstance(found, dict):
            found = found.get(inner)
        if isinstance(found, list):
            body["search_results"] = body.get("search_results") or found


def _thinking_blocks(blocks: list[Any]) -> list[dict[str, Any]]:
    """Return the thoughts among pieces of Anthropic's blocks, which have no type (Portkey)."""
    pieces = [block.get("delta", block) for block in objects(blocks)]
    return [
        {"type": "redacted_thinking" if piece.get("data") else "thinking", **piece}
        for piece in objects(pieces)
        if any(name in piece for name in ("thinking", "signature", "data"))
    ]


def _repair_parts(delta: dict[str, Any], field: str, parts: list[Any]) -> None:
    """Replace the parts in a field by their text; reasoning and images have their own fields."""
    # Mistral's reasoning models stream content in parts of text and of thinking; in those of
    # Databricks, summary or text takes the place of thinking. Others send one part (Envoy's
    # gateway: as the reasoning too; ChatMock: with the parts in its content), or bare texts.
    if field == "content":
        images = [part for part in objects(parts) if part.get("type") == "image_url"]
        if images:
            delta["images"] = objects(delta.get("images")) + images
        thoughts = [part for part in objects(parts) if _field_of(part, field) != field]
        signed = [block for part in thoughts for block in _signed(part)]
        if signed:
            delta["thinking_blocks"] = objects(delta.get("thinking_blocks")) + signed
    textual = _textual(parts)
    texts: dict[str, list[str]] = {field: []} if len(textual) < len(parts) else {}
    for part in textual:
        texts.setdefault(_field_of(part, field), []).append(_text(part))
    del delta[field]
    joined = {name: "".join(pieces) for name, pieces in texts.items()}
    delta.update({name: text for name, text in joined.items() if text or name == "content"})


def _signed(part: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the signed thoughts of a part (Databricks), which are to be sent back as they came."""
    return [
        {"type": "thinking", "thinking": _text(thought), "signature": thought["signature"]}
        for thought in (part, *objects(part.get("summary")))
        if isinstance(thought.get("signature"), str)
    ]


def _field_of(part: Any, field: str) -> str:
    """Return the field of a delta that a part belongs to; `field` is the one that has the part."""
    if field != "content" or not isinstance(part, dict):
        return field
    kinds = "thinking", "summary", "reasoning"
    is_thought = part.get("type") in kinds or any(map(part.get, kinds))
    return "reasoning_content" if is_thought else field


def _text(part: Any) -> str:
    """Return the joined texts of a part, which may have parts of its own."""
    if isinstance(part, dict):
        part = [part.get(name) for name in _PARTS]
    return "".join(map(_text, _textual(part))) if isinstance(part, list) else part


def _textual(parts: list[Any]) -> list[Any]:
    """Return the parts that may have a text. (A list may have a hundred thousand nulls.)"""
    return [part for part in parts if type(part) in _WITH_TEXT]


def _repair_call(call: dict[str, Any]) -> None:
    function, custom = call.get("function"), call.get("custom")
    if function is None and custom is None:
        function = call["function"] = dict(call)
    # The struct of a call refuses these two: the whole chunk would have to be fitted.
    call.pop("name", None)
    call.pop("arguments", None)
    for called in (function, custom):
        if isinstance(called, dict):
            id_ = called.pop("id", None)
            call["id"] = call.get("id") or id_  # early llama.cpp
            # z.ai and Mistral (according to its SDK) may send arguments as the object itself.
            spell_json(called, *_ARGUMENTS)
