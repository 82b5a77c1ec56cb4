# Rewrites unusual shapes of hosts into those of an event.
#
# Nothing here runs for an ordinary event. What is passed in is any JSON whatever: each step checks
# types first.

from __future__ import annotations

import json
from typing import Any, Final, get_args

from ssekit._json import objects, spell
from ssekit.responses._events import AnyEvent

_KNOWN: Final = {struct.__struct_config__.tag for struct in get_args(AnyEvent)}
# Texts, most of them JSON, in whose place some hosts have the object itself.
_WRITTEN: Final = ("arguments", "input")


def repair(body: dict[str, Any]) -> None:
    """Repair an event, with its item, its part and the items of its response."""
    kind = body.get("type")
    if kind == "response.done":  # the end of the vendor's other transports
        kind = body["type"] = "response.completed"
    if not isinstance(kind, str) or kind not in _KNOWN:
        return  # an unknown event stays as it came
    if not kind.startswith("response.refusal."):
        spell(body, "delta", "text")
    is_piece = kind.endswith(("_arguments.delta", "_input.delta"))
    _encode(body, ("delta", *_WRITTEN) if is_piece else _WRITTEN)
    _repair_parts([body.get("part")])
    outputs = []
    for response in objects([body.get("response")]):
        outputs.append(response.get("output"))
        for usage in objects([response.get("usage")]):
            _rename_counts(usage)
        if isinstance(response.get("error"), str):
            response["error"] = {"message": response["error"]}
    for items in ([body.get("item")], *outputs):
        for item in objects(items):
            _repair_item(item)


def _rename_counts(usage: dict[str, Any]) -> None:
    """Give the counts that have chat's names those of this format."""
    for name in list(usage):
        new = name.replace("prompt_tokens", "input_tokens")
        new = new.replace("completion_tokens", "output_tokens")
        if new != name:
            count = usage.pop(name)
            if usage.get(new) is None:
                usage[new] = count


def _repair_item(item: dict[str, Any]) -> None:
    if item.get("type") in ("function_call", "custom_tool_call", "mcp_call"):
        _encode(item, _WRITTEN)
    if item.get("type") == "message":
        content = item.get("content")
        if isinstance(content, str):
            item["content"] = [{"type": "output_text", "text": content}]
        _repair_parts(content)


def _encode(holder: dict[str, Any], fields: tuple[str, ...]) -> None:
    for field in fields:
        spell(holder, field)
        if isinstance(holder.get(field), dict | list):
            holder[field] = json.dumps(holder[field])


def _repair_parts(parts: Any) -> None:
    for part in objects(parts):
        spell(part, "text")
        if part.get("type") in ("text", None) and isinstance(part.get("text"), str):
            part["type"] = "output_text"
