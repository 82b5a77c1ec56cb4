# What gateways shape in their own way, brought into the shape of an event.
#
# Nothing here runs for an ordinary event. What is passed in is any JSON whatever, so that each step
# looks before it takes.

from __future__ import annotations

import json
from typing import Any, Final

from ssekit._json import objects, parse_object

# The type of a delta that does not say it, by the field that it has.
_TYPES: Final = {
    "text": "text_delta",
    "thinking": "thinking_delta",
    "partial_json": "input_json_delta",
    "signature": "signature_delta",
}


def repair(body: dict[str, Any]) -> None:
    """Bring what gateways shape in their own way into the shape of an event."""
    if body.get("type") == "message" and isinstance(body.get("content"), list):
        # The whole answer, as the endpoint gives it without `stream`: the message that begins.
        message = dict(body)
        body.clear()
        body.update(type="message_start", message=message)
    for message in objects([body.get("message")]):
        for block in objects(message.get("content")):
            _repair_input(block)
    for block in objects([body.get("content_block")]):
        _repair_input(block)
    if body.get("type") == "content_block_delta":
        body["delta"] = _delta(body.get("delta"))


def _repair_input(block: dict[str, Any]) -> None:
    # The input as the text of its JSON, as other APIs have it.
    if isinstance(block.get("input"), str):
        block["input"] = parse_object(block["input"])


def _delta(delta: Any) -> Any:
    if isinstance(delta, str):
        return {"type": "text_delta", "text": delta}
    if not isinstance(delta, dict):
        return delta
    for field, kind in _TYPES.items():
        if delta.get(field) is not None and not isinstance(delta.get("type"), str):
            delta["type"] = kind
    if isinstance(delta.get("partial_json"), dict):
        delta["partial_json"] = json.dumps(delta["partial_json"])
    return delta
