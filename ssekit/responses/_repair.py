# What hosts shape in their own way, brought into the shape of an event.
#
# Nothing here runs for an ordinary event. What is passed in is any JSON whatever, so that each step
# looks before it takes.

from __future__ import annotations

import json
from typing import Any, Final, get_args

from ssekit._json import objects
from ssekit.responses._events import AnyEvent

_KNOWN: Final = {struct.__struct_config__.tag for struct in get_args(AnyEvent)}
# What is JSON, or a text, as the model wrote it: some hosts give the object itself.
_WRITTEN: Final = ("arguments", "input")


def repair(body: dict[str, Any]) -> None:
    """Bring an event, its item or its part, and the items of its response into their shape."""
    kind = body.get("type")
    if not isinstance(kind, str) or kind not in _KNOWN:
        return  # it stays what it was
    _write(body, ("delta", *_WRITTEN) if _is_of_arguments(body) else _WRITTEN)
    _repair_parts([body.get("part")])
    for response in objects([body.get("response")]):
        for item in objects(response.get("output")):
            _repair_item(item)
    for item in objects([body.get("item")]):
        _repair_item(item)


def _is_of_arguments(body: dict[str, Any]) -> bool:
    return str(body.get("type")).endswith(("_arguments.delta", "_input.delta"))


def _repair_item(item: dict[str, Any]) -> None:
    if item.get("type") in ("function_call", "custom_tool_call", "mcp_call"):
        _write(item, _WRITTEN)
    if item.get("type") == "message":
        content = item.get("content")
        if isinstance(content, str):
            item["content"] = [{"type": "output_text", "text": content}]
        _repair_parts(content)


def _write(holder: dict[str, Any], fields: tuple[str, ...]) -> None:
    for field in fields:
        if isinstance(holder.get(field), dict | list):
            holder[field] = json.dumps(holder[field])


def _repair_parts(parts: Any) -> None:
    for part in objects(parts):
        if part.get("type") in ("text", None) and isinstance(part.get("text"), str):
            part["type"] = "output_text"
