# Repair of the dialects of hosts: it rewrites an object into the shape of an event.
#
# Nothing here runs for an ordinary event. A body is any JSON object, so each step checks the types
# that it needs.

from __future__ import annotations

import re
from typing import Any, Final, get_args

from ssekit._json import objects, spell, spell_json
from ssekit.responses._events import AnyEvent, ResponseEvent

_TAGS: Final = [struct.__struct_config__.tag for struct in get_args(AnyEvent)]
# The names of events without the marks between their words, which hosts place in their own way.
_KNOWN: Final = {re.sub("[._]", "", tag): tag for tag in _TAGS}
_OF_RESPONSE: Final = {
    struct.__struct_config__.tag
    for struct in get_args(AnyEvent)
    if issubclass(struct, ResponseEvent)
}
# The beginnings of other names of events, and of the vendor's present names. The other names are
# those of its other APIs and first drafts, of OpenRouter's documentation and of gateways.
_RENAMED: Final = {
    "response.done": "response.completed",
    "response.canceled": "response.cancelled",
    "response.content_part.delta": "response.output_text.delta",
    "response.text.": "response.output_text.",
    "response.thinking.": "response.reasoning_text.",
    "response.reasoning_content.": "response.reasoning_text.",
    "response.reasoning_summary.": "response.reasoning_summary_text.",
    "response.reasoning_part.delta": "response.reasoning_text.delta",
    "response.reasoning_part.": "response.content_part.",
    "response.reasoning_summary_part.delta": "response.reasoning_summary_text.delta",
    "response.tool_call_arguments.": "response.function_call_arguments.",
    "response.function_call.": "response.function_call_arguments.",
}
# The fields whose text is mostly JSON, for which some hosts send the object itself; and the types
# of items that have one of them.
_ARGUMENTS: Final = ("arguments", "input")
_CALLS: Final = {"function_call", "custom_tool_call", "mcp_call", "mcp_approval_request"}
# The type of a part that has none itself, by a word in the name of its event.
_PART_TYPES: Final = {"summary": "summary_text", "reasoning": "reasoning_text", "": "output_text"}
# The lists of parts that items have, and the type of a part that has none itself.
_PARTS: Final = {
    "message": {"content": "output_text"},
    "reasoning": {"content": "reasoning_text", "summary": "summary_text"},
}


def repair(body: dict[str, Any]) -> None:
    """Rewrite an object into the shape of an event, in place."""
    own_name = body.get("type")
    kind = _known_name(own_name)
    if "response" not in body and (body.get("object") == "response" or kind in _OF_RESPONSE):
        # The response itself, in the place of its event, or as from the endpoint without `stream`.
        is_running = body.get("status") in ("queued", "in_progress")
        kind = kind or ("response.in_progress" if is_running else "response.completed")
        response = dict(body)
        body.clear()
        body.update(response=response, sequence_number=response.get("sequence_number"))
    if kind is None:
        return  # an unknown event stays as it came
    body["type"] = kind
    if kind.endswith(("_arguments.delta", "_input.delta")):
        spell_json(body, "delta")
    spell_json(body, *_ARGUMENTS)
    if not kind.startswith("response.refusal."):
        spell(body, "delta", "text")
    if kind.endswith(".delta") and body.get("delta") is None:
        body["delta"] = body.get("text")
    _unwrap(body, "delta")
    part_types = (kind for word, kind in _PART_TYPES.items() if word in str(own_name))
    _repair_parts([body.get("part")], next(part_types))
    outputs = []
    for response in objects([body.get("response")]):
        if not response.get("usage"):
            response["usage"] = body.pop("usage", None)  # beside the response
        outputs.append(response.get("output"))
        for usage in objects([response.get("usage")]):
            _rename_counts(usage)
        if isinstance(response.get("error"), str):
            response["error"] = {"message": response["error"]}
    for items in ([body.get("item")], *outputs):
        for item in objects(items):
            _repair_item(item)


def _known_name(kind: Any) -> str | None:
    """Return the vendor's name of a type of event; None if the type is unknown."""
    if not isinstance(kind, str):
        return None
    renamed = [
        name + kind.removeprefix(other)
        for other, name in _RENAMED.items()
        if kind.startswith(other)
    ]
    known = (_KNOWN.get(re.sub("[._]", "", name)) for name in (kind, *renamed))
    return next(filter(None, known), None)


def _rename_counts(usage: dict[str, Any]) -> None:
    """Rename the counts that have chat's names."""
    for name in list(usage):
        new = name.replace("prompt_tokens", "input_tokens")
        new = new.replace("completion_tokens", "output_tokens")
        if new != name:
            count = usage.pop(name)
            if not usage.get(new):
                usage[new] = count


def _repair_item(item: dict[str, Any]) -> None:
    kind = item.get("type")
    if not isinstance(kind, str):
        return
    if kind in _CALLS:
        spell_json(item, *_ARGUMENTS)
    for field, part_type in _PARTS[kind].items() if kind in _PARTS else ():
        parts = item.get(field)
        texts: list[Any] = parts if isinstance(parts, list) else [parts]
        if parts and all(isinstance(text, str) for text in texts):
            parts = {"text": "".join(texts)}
        if isinstance(parts, dict):
            parts = item[field] = [parts]
        _repair_parts(parts, part_type)


def _repair_parts(parts: Any, kind: str) -> None:
    """Give parts with a text the type `kind`, if their own type is missing or only "text"."""
    for part in objects(parts):
        if "text" in part:
            spell(part, "text")
            if part.get("type") == "refusal":
                part["refusal"] = part.pop("text") or part.get("refusal")
            elif part.get("type") in ("text", None) and isinstance(part["text"], str):
                part["type"] = kind


def _unwrap(holder: dict[str, Any], field: str) -> None:
    """Replace a part, or a list of parts, in a field by its text."""
    parts = holder.get(field)
    if isinstance(parts, dict | list):
        parts = parts if isinstance(parts, list) else [parts]
        texts: list[Any] = [part.get("text") if isinstance(part, dict) else part for part in parts]
        if all(isinstance(text, str) for text in texts):
            holder[field] = "".join(texts)
