"""What is in a made stream: its JSON, as an independent decoder reads it, and its answer."""

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from ssekit.testing import ModelStream
from tests.reference import interpret

MARKERS = ("[DONE]", "[DONE] ", '"[DONE]"', "DONE", "[done]")
BLANKS = ("", "null")


Condition = Callable[[ModelStream], bool]


def some(parts: Callable[[ModelStream], list[Any]], holds: Callable[[Any], Any]) -> Condition:
    """Return the condition that something holds of some of the parts of a stream."""
    return lambda stream: any(map(holds, parts(stream)))


def payloads_of(stream: ModelStream) -> list[str]:
    """Return the data of the events that are no marker, and neither empty nor null."""
    payloads = [data for _, data, _, _ in interpret(stream.data).events]
    return [data for data in payloads if data not in (*MARKERS, *BLANKS)]


def bodies(stream: ModelStream) -> list[Any]:
    return [json.loads(data) for data in payloads_of(stream)]


def messages_of(stream: ModelStream) -> list[Any]:
    return [choice["message"] for choice in stream.expected["choices"]]


def items_of(stream: ModelStream) -> list[Any]:
    return list(stream.expected["output"])


def types_of(stream: ModelStream) -> list[str]:
    return [body["type"] for body in bodies(stream)]


def inputs_of(stream: ModelStream) -> list[str]:
    deltas = [body["delta"] for body in bodies(stream) if body["type"] == "content_block_delta"]
    return [delta["partial_json"] for delta in deltas if "partial_json" in delta]


def parts_of(stream: ModelStream) -> list[Any]:
    candidates = stream.expected["candidates"]
    return [part for candidate in candidates for part in candidate["content"].get("parts", [])]


def alternates(places: list[int]) -> bool:
    """Whether something goes on after something else has begun."""
    return any(places.count(a) > 1 and a != b for a, b in pairwise(places)) and places != sorted(
        places
    )
