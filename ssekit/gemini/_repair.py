# Repair of the dialects of hosts: it rewrites an object into the shape of a chunk.
#
# How it works:
# - The chunk is taken out of an envelope, and its fields get the vendor's spelling.
# - `candidates` becomes a list, and each part an object; arguments as a JSON text are parsed.
#
# What always holds here:
# - Nothing here runs for an ordinary chunk.
# - Any JSON may be passed in: each step checks a type before it uses it.

from __future__ import annotations

import re
from functools import cache
from itertools import groupby
from typing import Any, Final, get_args

from msgspec.structs import fields

from ssekit._json import objects, parse_object, spell
from ssekit._server_error import error_within
from ssekit.gemini._response import GenerateContentResponse, Part, UnknownPart, Wire

_FIELDS: Final = {field.encode_name for field in fields(Part)}
# The fields that make the kind of a part, which has one of them. Any part may have the others.
_KINDS: Final = {name for name in _FIELDS if not re.search("^(thought|media)|Metadata$", name)}


def find_error(body: dict[str, Any]) -> Any:
    """Return the error in the envelope of the Code Assist API, or None."""
    return error_within(objects([body.get("response")]))


def repair(body: dict[str, Any]) -> None:
    """Rewrite an object, in place, into the shape of a chunk."""
    # The Code Assist API sends the chunk in an envelope.
    chunk = body.get("response")
    if isinstance(chunk, dict) and "candidates" not in body:
        body.clear()
        body.update(chunk)
    _to_camel_case(body, GenerateContentResponse)
    candidates = body["candidates"] = objects(body.get("candidates"))
    for candidate in candidates:
        content, citation = candidate.get("content"), candidate.get("citationMetadata")
        if isinstance(content, dict) and "parts" in content:
            content["parts"] = _parts(content["parts"])
        if isinstance(citation, dict):
            sources = citation.pop("citationSources", None)  # the Gemini API's name
            if sources is not None and citation.get("citations") is None:
                citation["citations"] = sources


def _to_camel_case(value: Any, struct: type[Wire]) -> None:
    """Rename the fields of a wire type's value to camelCase, in place.

    The vendor's SDK writes them in snake_case, and protobuf has an option for that. Objects without
    a declared shape, such as arguments, keep their names.
    """
    if isinstance(value, list):
        for item in objects(value):
            _to_camel_case(item, struct)
    elif isinstance(value, dict):
        spellings = _spellings(struct)
        for name in [name for name in value if name in spellings]:
            encoded, inner_struct = spellings[name]
            if name != encoded:
                inner = value.pop(name)
                if value.get(encoded) is None:
                    value[encoded] = inner
            if inner_struct is not None:
                _to_camel_case(value.get(encoded), inner_struct)


@cache
def _spellings(struct: type[Wire]) -> dict[str, tuple[str, type[Wire] | None]]:
    """Return the name on the wire, and the wire type, of each field, by both of its spellings."""
    return {
        name: (field.encode_name, _struct(field.type))
        for field in fields(struct)
        for name in (field.name, field.encode_name)
    }


def _struct(type_: Any) -> type[Wire] | None:
    """Return the wire type in a type: the type itself, or that of its items or options."""
    if isinstance(type_, type) and issubclass(type_, Wire):
        return type_
    return next((found for found in map(_struct, get_args(type_)) if found is not None), None)


def _parts(parts: Any) -> list[Any]:
    if not isinstance(parts, list):  # one part alone, or none
        parts = [parts]
    kept: list[Any] = []
    for kind, group in groupby(parts, type):
        if kind is str:
            kept.append({"text": "".join(group)})
        else:
            kept.extend(map(_part, group))
    return kept


def _part(part: Any) -> Any:
    if not isinstance(part, dict):
        return part
    if "text" in part:
        spell(part, "text")
    for kind in ("functionCall", "toolCall"):
        call = part.get(kind) if kind in part else None
        if isinstance(call, dict) and isinstance(call.get("args"), str):
            call["args"] = parse_object(call["args"])  # JSON text, as in other APIs
    if _FIELDS.issuperset(part):
        return part
    present = {name for name, value in part.items() if value is not None}
    is_unknown = not present <= _FIELDS and present.isdisjoint(_KINDS)
    return UnknownPart(part) if is_unknown else part
