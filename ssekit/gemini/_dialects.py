# What is not shaped as an ordinary chunk, brought into that shape.
#
# Nothing here runs for an ordinary chunk. What is passed in is any JSON whatever, so that each step
# looks before it takes.

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import fields

from ssekit._fold import objects
from ssekit.gemini._response import Part, UnknownPart

# The fields that say which kind a part is; the others stand beside one of any kind.
_KINDS: Final = frozenset(
    {
        *("text", "functionCall", "functionResponse", "inlineData", "fileData", "executableCode"),
        *("codeExecutionResult", "toolCall", "toolResponse", "audioTranscription"),
    }
)
_FIELDS: Final = frozenset(field.encode_name for field in fields(Part))


def repair(body: dict[str, Any]) -> None:
    """Make `candidates` a list, and tell the parts that are of unknown kinds."""
    candidates = body.get("candidates")
    body["candidates"] = candidates if isinstance(candidates, list) else []
    for candidate in objects(body["candidates"]):
        for content in objects([candidate.get("content")]):
            parts = content.get("parts")
            if isinstance(parts, list):
                content["parts"] = [_part(part) for part in parts]


def _part(part: Any) -> Any:
    if not isinstance(part, dict):
        return part
    said = {name for name, value in part.items() if value is not None}
    return UnknownPart(part) if said - _FIELDS and not said & _KINDS else part
