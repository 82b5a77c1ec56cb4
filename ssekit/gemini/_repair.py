# Repair of the dialects of hosts: it rewrites an object into the shape of a chunk.
#
# How it works:
# - The chunk is taken out of an envelope. `candidates` becomes a list, and each part an object;
#   arguments as a JSON text are parsed.
# - Fields may be in snake_case: the vendor's SDK writes them so, and protobuf has an option for it.
#   `as_type` knows each field by both of its spellings, and so do the names here.
#
# What always holds here:
# - Nothing here runs for an ordinary chunk.
# - Any JSON may be passed in: each step checks a type before it uses it.

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

from msgspec.structs import fields

from ssekit._json import objects, parse_object, spell
from ssekit._server_error import error_within
from ssekit.gemini._response import Part, UnknownPart

_CAMEL_CASE: Final = {field.name: field.encode_name for field in fields(Part)}
_FIELDS: Final = {*_CAMEL_CASE, *_CAMEL_CASE.values()}
# The fields of which a part has one, which is its kind. Any part may have the others.
_KINDS: Final = {name for name in _FIELDS if not re.search("^(thought|media)|[mM]etadata$", name)}
_CITATIONS: Final = ("citationMetadata", "citation_metadata")
_CALLS: Final = frozenset({"functionCall", "function_call", "toolCall", "tool_call"})
# The names in two enums, by their numbers, which ProtoJSON allows and SDKs write. (Higher numbers
# have other names at Vertex AI than in the Gemini API.)
_FINISH_REASONS: Final = (None, "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER")
_BLOCK_REASONS: Final = (None, "SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT")


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
    for feedback in objects([body.get("promptFeedback"), body.get("prompt_feedback")]):
        _spell_enum(feedback, ("blockReason", "block_reason"), _BLOCK_REASONS)
    candidates = body["candidates"] = objects(body.get("candidates"))
    for candidate in candidates:
        _spell_enum(candidate, ("finishReason", "finish_reason"), _FINISH_REASONS)
        content = candidate.get("content")
        if isinstance(content, dict) and "parts" in content:
            content["parts"] = _parts(content["parts"])
        for citation in objects([candidate.get(name) for name in _CITATIONS]):
            sources = citation.get("citationSources") or citation.get("citation_sources")
            citation["citations"] = citation.get("citations") or sources  # the Gemini API's name


def _spell_enum(holder: dict[str, Any], names: Sequence[str], words: Sequence[str | None]) -> None:
    """Replace an enum's number in a field by its name, or by its digits if it has none here."""
    for name in names:
        number = holder.get(name)
        if type(number) is int:
            holder[name] = words[number] if 0 <= number < len(words) else str(number)


def _parts(parts: Any) -> list[Any]:
    if not isinstance(parts, list):  # one part alone, or none
        parts = [parts]
    kept: list[Any] = []
    for kind, group in groupby(parts, type):
        if kind is str:
            kept.append({"text": "".join(group)})
        elif kind is dict:
            kept.extend(map(_part, group))
        else:
            kept.extend(group)
    return kept


def _part(part: dict[str, Any]) -> dict[str, Any]:
    spell(part, "text")
    for kind in () if _CALLS.isdisjoint(part) else _CALLS:
        call = part.get(kind)
        if isinstance(call, dict) and isinstance(call.get("args"), str):
            call["args"] = parse_object(call["args"])  # JSON text, as in other APIs
    if _FIELDS.issuperset(part):
        return part
    present = {name for name, value in part.items() if value is not None}
    is_unknown = not present <= _FIELDS and present.isdisjoint(_KINDS)
    if not is_unknown:
        return part
    return UnknownPart({_CAMEL_CASE.get(name) or name: value for name, value in part.items()})
