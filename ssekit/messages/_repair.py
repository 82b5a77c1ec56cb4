# Repair of the dialects of gateways: it rewrites an object into the shape of an event.
#
# Nothing here runs for an ordinary event. A body is any JSON object, so each step checks the types
# that it needs.

from __future__ import annotations

from typing import Any, Final

from ssekit._calls import take_arguments
from ssekit._json import objects, spell, spell_json

# The vendor's type of a delta and the field of its piece, by the names that gateways have for
# either.
_THINKING: Final = ("thinking_delta", "thinking")
_PIECES: Final = {
    "text": ("text_delta", "text"),
    **dict.fromkeys(("thinking", "thinking_delta"), _THINKING),
    **dict.fromkeys(("reasoning", "reasoning_delta", "reasoning_content"), _THINKING),
    **dict.fromkeys(("input_json", "partial_json"), ("input_json_delta", "partial_json")),
    "signature": ("signature_delta", "signature"),
}
_CACHED: Final = ("cache_read_input_tokens", "cache_creation_input_tokens")


def repair(body: dict[str, Any]) -> None:
    """Rewrite an object into the shape of an event, in place."""
    if body.get("type") == "message" and isinstance(body.get("content"), list):
        # The whole answer, as from the endpoint without `stream`: the message that begins.
        message = dict(body)
        body.clear()
        body.update(type="message_start", message=message)
    blocks = [body.get("content_block")]
    for message in objects([body.get("message")]):
        blocks += objects(message.get("content"))
    for block in objects(blocks):
        kind = str(block.get("type", "tool_use"))
        if kind.endswith("tool_use"):
            take_arguments(block, "input", "partial_json")
        elif kind in ("reasoning", "thinking"):  # Kimi has the first
            block["type"] = "thinking"
            _take_thinking(block)
    holders = objects([body, body.get("message"), body.get("delta")])
    for usage in objects([holder.get("usage") for holder in holders]):
        _repair_usage(usage)
    if body.get("type") == "content_block_delta":
        if isinstance(body.get("delta"), str):
            body["delta"] = {"type": "text_delta", "text": body["delta"]}
        for delta in objects([body.get("delta")]):
            _repair_delta(delta)
            if delta.get("type") == "redacted_thinking_delta":  # OpenRouter: it has the whole block
                block = {"type": "redacted_thinking", "data": delta.get("data")}
                body.update(type="content_block_start", content_block=block)


def _repair_delta(delta: dict[str, Any]) -> None:
    kind = delta.get("type")
    names = [kind] if isinstance(kind, str) else [each for each in delta if delta[each] is not None]
    known = next(filter(None, map(_PIECES.get, names)), None)
    if known is not None:
        delta["type"], field = known
        if field == "thinking":
            _take_thinking(delta)
    spell(delta, "text", "thinking")
    spell_json(delta, "partial_json")


def _take_thinking(holder: dict[str, Any]) -> None:
    """Move the text of reasoning from another field to `thinking`, if that is missing."""
    texts = (holder.pop(name, None) for name in ("reasoning", "reasoning_content", "text"))
    if holder.get("thinking") in (None, ""):
        holder["thinking"] = next(filter(None, texts), "")


def _repair_usage(usage: dict[str, Any]) -> None:
    """Copy the counts that have chat's names to the names of this format (Kimi, GLM)."""
    if usage.get("output_tokens") is None:
        usage["output_tokens"] = usage.get("completion_tokens")
    if usage.get("cache_read_input_tokens") is None:
        holders = objects([usage, usage.get("prompt_tokens_details")])
        counts = (holder.get("cached_tokens") for holder in holders)
        usage["cache_read_input_tokens"] = next((each for each in counts if each is not None), None)
    # Chat's `prompt_tokens` are all of the input; `input_tokens` are without those of the cache.
    total, cached = usage.get("prompt_tokens"), map(usage.get, _CACHED)
    if isinstance(total, int) and total:
        left = total - sum(count for count in cached if isinstance(count, int))
        usage["input_tokens"] = max(0, left)
