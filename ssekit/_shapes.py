# Detection of the format that an event shows by its shape: for `ssekit.auto`, and for the error of
# a stream that was read by the module of another format.

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from ssekit._event import ServerSentEvent
from ssekit._json import objects, try_parse, unlisted

__all__ = ["SHAPES", "body_of", "shape_in", "shape_of"]


_RESPONSE: Final = {"id", "object", "output", "status"}


def _is_response(body: dict[str, Any], event_type: str) -> bool:
    kinds = (event_type, str(body.get("type")))
    if body.get("object") == "response" or any(kind.startswith("response.") for kind in kinds):
        return True
    # Another vendor's envelope has a `response` too.
    return any(not _RESPONSE.isdisjoint(inner) for inner in objects([body.get("response")]))


_MESSAGE_EVENTS: Final = {
    *("message_start", "message_delta", "message_stop"),
    *("content_block_start", "content_block_delta", "content_block_stop"),
}


def _is_message(body: dict[str, Any], event_type: str) -> bool:
    # A ping shows no format: other APIs send one too.
    kind = str(body.get("type"))
    whole = kind == "message" and isinstance(body.get("content"), list)
    return whole or not _MESSAGE_EVENTS.isdisjoint((event_type, kind))


def _is_completion(body: dict[str, Any], _event_type: str) -> bool:
    return body.get("object") == "text_completion" or any(
        choice.get("text") is not None for choice in objects(body.get("choices"))
    )


def _is_chat(body: dict[str, Any], _event_type: str) -> bool:
    return str(body.get("object")).startswith("chat.completion") or any(
        choice.get("delta")
        or choice.get("message")
        or (choice.get("delta") is not None and choice.get("text") is None)
        for choice in objects(body.get("choices"))
    )


_BESIDE_CANDIDATES: Final = ("usageMetadata", "promptFeedback", "usage_metadata", "prompt_feedback")


def _is_gemini(body: dict[str, Any], _event_type: str) -> bool:
    # The Code Assist API sends a chunk, and an error too, in an envelope.
    envelope = body.get("response")
    if isinstance(envelope, dict) and isinstance(envelope.get("error"), dict):
        return body.get("type") is None and "error" not in body
    return any(
        isinstance(chunk.get("candidates"), list)
        or any(isinstance(chunk.get(name), dict) for name in _BESIDE_CANDIDATES)
        for chunk in objects([body, envelope])
    )


_STEP_EVENTS: Final = {
    *("error", "step.start", "step.delta", "step.stop"),
    *("content.start", "content.delta", "content.stop"),
}


def _is_interaction(body: dict[str, Any], event_type: str) -> bool:
    # Other products send events with names of `_STEP_EVENTS`, but without `event_type` in the data.
    kind = str(body.get("event_type"))
    kinds = (event_type, kind, str(body.get("type")))
    if any(each.startswith("interaction.") for each in kinds):
        return True
    whole = isinstance(body.get("steps"), list) and isinstance(body.get("status"), str)
    return whole or kind in _STEP_EVENTS or body.get("object") == "interaction"


# For each format, a function of an event's data and type: whether the event has the format's shape.
# The first row that holds counts: a delta in a choice is chat's, whatever is beside it.
SHAPES: Final[dict[str, Callable[[dict[str, Any], str], bool]]] = {
    "chat": _is_chat,
    "responses": _is_response,
    "messages": _is_message,
    "completions": _is_completion,
    "gemini": _is_gemini,
    "interactions": _is_interaction,
}


def body_of(event: ServerSentEvent) -> Any:
    """Return the data of an event read as JSON, for its fields to be looked at, or None."""
    return unlisted(try_parse(event.data, None))


def shape_of(event: ServerSentEvent) -> str | None:
    """Return the name of the format that an event shows, or None if it shows none."""
    body = body_of(event)
    if body is None and "\n" in event.data:  # several objects may be in one event, on a line each
        parts = (replace(event, data=line) for line in event.data.split("\n"))
        return next(filter(None, map(shape_of, parts)), None)
    return shape_in(body, event.event) if isinstance(body, dict) else None


def shape_in(body: dict[str, Any], event_type: str) -> str | None:
    """Return the name of the format that an object shows, in an event of some type, or None."""
    return next((name for name, holds in SHAPES.items() if holds(body, event_type)), None)
