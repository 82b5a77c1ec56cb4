# What is not shaped as an ordinary chunk, brought into that shape.
#
# Nothing here runs for an ordinary chunk. What is passed in is any JSON whatever, so that each step
# looks before it takes.

from __future__ import annotations

from functools import cache
from typing import Any, Final, get_args

from msgspec import UNSET
from msgspec.structs import FieldInfo, fields

from ssekit._json import as_type, objects, parse_object
from ssekit._server_error import error_within
from ssekit.gemini._response import (
    GenerateContentResponse,
    GroundingChunk,
    LogprobsResultCandidate,
    LogprobsResultTopCandidates,
    Part,
    UnknownPart,
    Wire,
)

# The fields that say which kind a part is; the others stand beside one of any kind.
_KINDS: Final = frozenset(
    {
        *("text", "functionCall", "functionResponse", "inlineData", "fileData", "executableCode"),
        *("codeExecutionResult", "toolCall", "toolResponse", "audioTranscription"),
    }
)
_FIELDS: Final = frozenset(field.encode_name for field in fields(Part))

# The lists of objects that others speak of by the places in them, or that go with one another, and
# what their items are. (Those of numbers may hold null, and `as_type` leaves it there.)
_PLACES: Final[dict[str, type[Wire]]] = {
    "groundingChunks": GroundingChunk,
    "chosenCandidates": LogprobsResultCandidate,
    "topCandidates": LogprobsResultTopCandidates,
}


def find_error(body: dict[str, Any]) -> Any:
    """Return the error in the envelope of the Code Assist API, if there is one."""
    return error_within(objects([body.get("response")]))


def repair(body: dict[str, Any]) -> None:
    """Bring what hosts shape in their own way into the shape of a chunk."""
    # The Code Assist API has the chunk in an envelope.
    chunk = body.get("response")
    whole = chunk if isinstance(chunk, dict) and "candidates" not in body else dict(body)
    body.clear()
    body.update(_in_camel_case(whole, GenerateContentResponse))
    candidates = body.get("candidates")
    body["candidates"] = candidates if isinstance(candidates, list) else []
    for candidate in objects(body["candidates"]):
        for content in objects([candidate.get("content")]):
            if "parts" in content:
                content["parts"] = _parts(content["parts"])
        for grounding in objects([candidate.get("groundingMetadata")]):
            _keep_places(grounding)
        for logprobs in objects([candidate.get("logprobsResult")]):
            _keep_places(logprobs)


def _in_camel_case(value: Any, type_: Any) -> Any:
    """Return what is of a type on the wire with the names of its fields as the vendor writes them.

    The vendor's SDK dumps them in snake_case, and so does protobuf if it is asked to. What is of no
    declared shape, such as arguments, has the names that it has.
    """
    struct = _struct(type_)
    if struct is None:
        return value
    if isinstance(value, list):
        return [_in_camel_case(item, struct) for item in value]
    if not isinstance(value, dict):
        return value
    named: dict[str, Any] = {}
    spellings = _spellings(struct)
    for name, inner in value.items():
        field = spellings.get(name)
        if field is None:
            named[name] = inner
        elif named.get(field.encode_name) is None:
            named[field.encode_name] = _in_camel_case(inner, field.type)
    return named


@cache
def _spellings(struct: type[Wire]) -> dict[str, FieldInfo]:
    return {name: field for field in fields(struct) for name in (field.name, field.encode_name)}


@cache
def _struct(type_: Any) -> type[Wire] | None:
    """Return the object of the wire that a type is, or that its items or options are."""
    if isinstance(type_, type) and issubclass(type_, Wire):
        return type_
    return next((found for found in map(_struct, get_args(type_)) if found is not None), None)


def _parts(parts: Any) -> Any:
    # One part alone, as an object or as its text.
    if isinstance(parts, dict | str):
        parts = [parts]
    return [_part(part) for part in parts] if isinstance(parts, list) else parts


def _part(part: Any) -> Any:
    if isinstance(part, str):
        return {"text": part}
    if not isinstance(part, dict):
        return part
    for kind in ("functionCall", "toolCall"):
        for call in objects([part.get(kind)]):
            if isinstance(call.get("args"), str):
                # As the text of their JSON, as other APIs have them.
                call["args"] = parse_object(call["args"])
    said = {name for name, value in part.items() if value is not None}
    return UnknownPart(part) if said - _FIELDS and not said & _KINDS else part


def _keep_places(holder: dict[str, Any]) -> None:
    """Put nothing in the place of an item that is none, so that the others stay in theirs."""
    for name, kind in _PLACES.items():
        items = holder.get(name)
        if isinstance(items, list):
            holder[name] = [item if as_type(item, kind) is not UNSET else {} for item in items]
