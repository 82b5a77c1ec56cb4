# The shapes of gateways, brought into the shape of an event.
#
# What always holds here: nothing runs for an ordinary event. An argument is any JSON whatever, so
# each step looks before it takes.

from __future__ import annotations

import json
from typing import Any, Final

from ssekit._json import objects, parse_object, spell

# The type of a delta without one, by its field.
_TYPES: Final = {
    "text": "text_delta",
    "thinking": "thinking_delta",
    "partial_json": "input_json_delta",
    "signature": "signature_delta",
}


def repair(body: dict[str, Any]) -> None:
    """Bring an event of a gateway into the shape of the vendor's, in place."""
    if body.get("type") == "message" and isinstance(body.get("content"), list):
        # The whole answer, as from the endpoint without `stream`: the message that begins.
        message = dict(body)
        body.clear()
        body.update(type="message_start", message=message)
    blocks = [body.get("content_block")]
    for message in objects([body.get("message")]):
        blocks += objects(message.get("content"))
    for block in objects(blocks):
        if isinstance(block.get("input"), str):  # the text of its JSON, as in other APIs
            block["input"] = parse_object(block["input"])
    if body.get("type") == "content_block_delta":
        if isinstance(body.get("delta"), str):
            body["delta"] = {"type": "text_delta", "text": body["delta"]}
        for delta in objects([body.get("delta")]):
            _repair_delta(delta)


def _repair_delta(delta: dict[str, Any]) -> None:
    for field, kind in _TYPES.items():
        if delta.get(field) is not None and not isinstance(delta.get("type"), str):
            delta["type"] = kind
    spell(delta, "text", "thinking", "partial_json")
    if isinstance(delta.get("partial_json"), dict):
        delta["partial_json"] = json.dumps(delta["partial_json"])
