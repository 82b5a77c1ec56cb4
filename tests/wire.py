"""Bytes of small chat streams, written by hand."""

import json
from typing import Any


def event(data: Any) -> bytes:
    text = data if isinstance(data, str) else json.dumps(data)
    return f"data: {text}\n\n".encode()


def text(content: str, **choice: Any) -> bytes:
    return event({"choices": [{"index": 0, "delta": {"content": content}, **choice}]})


DONE = event("[DONE]")
A, B, C = text("a"), text("b"), text("c")
