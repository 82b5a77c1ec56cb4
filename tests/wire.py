"""Bytes of small events, written by hand."""

import json
from typing import Any

from ssekit import ServerSentEvent


def event(data: Any) -> bytes:
    """Return an event whose data is a text as it is, or anything else as JSON."""
    text = data if isinstance(data, str) else json.dumps(data)
    return f"data: {text}\n\n".encode()


def typed(kind: str, **fields: Any) -> bytes:
    """Return an event that has its type in both places."""
    return ServerSentEvent(json.dumps({"type": kind, **fields}), event=kind).encode()


def step_typed(kind: str, **fields: Any) -> bytes:
    """Return an event of interactions, which has its type in both places."""
    return ServerSentEvent(json.dumps({"event_type": kind, **fields}), event=kind).encode()


def text(content: str, **choice: Any) -> bytes:
    """Return a chunk of chat."""
    return event({"choices": [{"index": 0, "delta": {"content": content}, **choice}]})


def block(index: int, content_block: Any, *deltas: Any) -> list[bytes]:
    """Return the events of one content block of a message."""
    return [
        typed("content_block_start", index=index, content_block=content_block),
        *(typed("content_block_delta", index=index, delta=delta) for delta in deltas),
        typed("content_block_stop", index=index),
    ]


DONE = event("[DONE]")
A, B, C = text("a"), text("b"), text("c")
