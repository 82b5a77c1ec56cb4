# Streams of Gemini: `POST :streamGenerateContent?alt=sse`, of the Gemini API and of Vertex AI.

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from ssekit.testing import _drawing
from ssekit.testing._answers import Additions, Json, Path, Piece, begin, drop, join, put, put_all
from ssekit.testing._models import ModelStream
from ssekit.testing._script import WIRE_QUIRKS, Dialect, Dialects, Script, find_quirks

__all__ = ["GEMINI", "gemini_streams"]

GEMINI: Final = Dialects(
    hosts={
        "code assist": frozenset({"envelope"}),
        "gemini": frozenset({"no index", "empty text at the end"}),
        "vertex": frozenset({"arguments in pieces", "no call ids", "finish with the last part"}),
    },
    quirks=WIRE_QUIRKS
    | {
        "arguments in pieces": "the arguments of a call come by paths, and texts in pieces",
        "no index": "candidate 0 has no index",
        "no call ids": "function calls have no id",
        "usage at the end": "only the last chunk has the usage",
        "empty text at the end": "the chunk of the finish reason has an empty text",
        "finish with the last part": "the last part's chunk has the finish reason",
        "stop on every chunk": "every candidate of every chunk has a STOP (one-api#1408)",
        "stop first": "a candidate begins with a STOP, before any part (kelivo#1003)",
        "finish in small letters": "finish reasons are in small letters (relays of other formats)",
        "chunks in lists": "a chunk is the only item of a list (bifrost#5188)",
        "envelope": "a chunk is the `response` of an object (Code Assist)",
        "zero usage last": "at the end comes a usage whose counts are 0 (ai-gateway#1631)",
        "null usage": "a chunk without a usage has a null usage (relays)",
        "marker": "[DONE] comes after the end (gateways)",
        "other markers": "the marker has a blank, quotes or small letters (java-genai#1084)",
    },
)


def gemini_streams(
    *,
    text: SearchStrategy[str] | None = None,
    arguments: SearchStrategy[dict[str, Any]] | None = None,
    max_candidates: int = 2,
    max_parts: int = 3,
    dialect: Dialect = (),
) -> SearchStrategy[ModelStream]:
    """Return a strategy of streams of Gemini, each with the response it must give.

    Args:
        text: Texts and thoughts, which are cut anywhere. By default any text; empty ones are left
            out.
        arguments: The arguments of function calls. By default any.
        max_candidates: How many candidates there are at most. (There is none if the prompt was
            blocked.)
        max_parts: How many parts a candidate has at most: texts, thoughts, texts with a signature,
            function calls, bytes. Successive texts of one kind are one part.
        dialect: As for `chat_streams`, which has an example too.
    """
    texts = (_drawing.texts if text is None else text).filter(bool)
    kinds = ["text", "thought", "signed", "bytes"]
    parts = _drawing.parts_of(kinds, texts, ["call"], arguments, max_parts)
    return _streams(find_quirks(dialect, GEMINI), st.lists(parts, max_size=max_candidates))


@st.composite
def _streams(
    draw: DrawFn, quirks: _drawing.Quirks, candidates: SearchStrategy[list[list[tuple[str, Any]]]]
) -> ModelStream:
    script = Script(draw, "gemini", draw(quirks))
    drawn = draw(candidates)
    head = {"modelVersion": "m", "responseId": "r"}
    if not drawn:
        blocked = {"blockReason": "SAFETY"}
        feedback = {"promptFeedback": blocked, **head}
        _send(script, feedback, put_all(feedback))
    queues = [_cut_candidate(script, index, parts) for index, parts in enumerate(drawn)]
    pieces = list(_drawing.take_turns(draw, queues))
    for count, piece in enumerate(pieces, 1):
        fields: Json = dict(head)
        if "usage at the end" not in script.quirks or count == len(pieces):
            fields["usageMetadata"] = _usage(2, count)
        chunk = {"candidates": [piece.body], **fields}
        _send(script, chunk, [*piece.additions, *put_all(fields)])
    if "zero usage last" in script.quirks:
        _send(script, {**head, "usageMetadata": _usage(0, 0)}, [])
    return script.end()


def _send(script: Script, chunk: Json, additions: Additions) -> None:
    if "null usage" in script.quirks:
        chunk.setdefault("usageMetadata", None)
    body: Any = {"response": chunk} if "envelope" in script.quirks else chunk
    script.send([body] if "chunks in lists" in script.quirks else body, additions)


def _usage(prompt: int, answer: int) -> Json:
    total = prompt + answer
    return {
        "promptTokenCount": prompt, "candidatesTokenCount": answer, "totalTokenCount": total
    }  # fmt: skip


def _cut_candidate(script: Script, index: int, parts: list[tuple[str, Any]]) -> list[Piece]:
    """Return the pieces of a candidate: its parts, and its finish reason."""
    quirks, at = script.quirks, ("candidates", index)
    begun = begin({"index": index, "content": {"role": "model"}}, *at)
    place, before = -1, ""
    pieces: list[Piece] = []
    stopped = "stop first" in quirks
    if stopped:
        pieces.append(Piece({"content": {"role": "model"}, "index": index}, [begun]))
    for kind, content in parts:
        # Successive texts are one part, and so are thoughts; nothing else is.
        place += not (kind == before and kind in ("text", "thought"))
        before = kind
        for piece in _cut_part(script, kind, content, (*at, "content", "parts", place)):
            candidate = {"content": {"role": "model", "parts": [piece.body]}, "index": index}
            additions = [begun, *piece.additions]
            if piece.additions and stopped:  # a reason before any content is dropped
                additions.insert(1, drop(*at, "finishReason"))
                stopped = False
            pieces.append(Piece(candidate, additions))
    stops = pieces if "stop on every chunk" in quirks else pieces[: "stop first" in quirks]
    for piece in stops:
        piece.body["finishReason"] = "STOP"
        piece.additions.append(put("STOP", *at, "finishReason"))
    reason = script.draw(st.sampled_from(["STOP", "MAX_TOKENS", "SAFETY"]))
    if "finish in small letters" in quirks:
        reason = reason.lower()
    if "finish with the last part" in quirks and pieces:
        last = pieces.pop()
    else:
        texts = [{"text": ""}] if "empty text at the end" in quirks else []
        last = Piece({"content": {"role": "model", "parts": texts}, "index": index}, [begun])
    finish = put(reason, *at, "finishReason")
    pieces.append(Piece(last.body | {"finishReason": reason}, [*last.additions, finish]))
    if "no index" in quirks and index == 0:
        for piece in pieces:
            del piece.body["index"]
    return pieces


def _cut_part(script: Script, kind: str, content: Any, at: Path) -> Iterator[Piece]:
    if kind in ("text", "thought"):
        thought = {"thought": True} if kind == "thought" else {}
        for cut in _drawing.cut_text(script.draw, content):
            # An empty text adds nothing, not even a part.
            additions = [begin({"text": "", **thought}, *at), join(cut, *at, "text")] if cut else []
            yield Piece({"text": cut, **thought}, additions)
    elif kind == "call":
        yield from _cut_call(script, content, at)
    else:
        blob = {"mimeType": "image/png", "data": "aW1n"}
        signed = {"text": content, "thoughtSignature": "c2ln"}
        part: Json = {"inlineData": blob} if kind == "bytes" else signed
        yield Piece(part, [put(part, *at)])


def _cut_call(script: Script, tree: Json, at: Path) -> Iterator[Piece]:
    call: Json = {"name": "f"}
    if "no call ids" not in script.quirks:
        call = {"id": f"call_{at[1]}_{at[-1]}", **call}
    if "arguments in pieces" not in script.quirks:
        part = {"functionCall": {**call, "args": tree}}
        yield Piece(part, [put(part, *at)])
        return
    begun = {"functionCall": {**call, "args": {}, "willContinue": True}}
    yield Piece({"functionCall": {**call, "willContinue": True}}, [put(begun, *at)])
    at = (*at, "functionCall")
    for path, leaf in _leaves(tree, ()):
        cuts = _drawing.cut_text(script.draw, leaf) if isinstance(leaf, str) else [leaf]
        add = join if isinstance(leaf, str) else put
        for count, cut in enumerate(cuts, 1):
            piece = {"jsonPath": _json_path(path), **_value(cut)}
            if count < len(cuts):
                piece["willContinue"] = True
            body = {"functionCall": {"partialArgs": [piece], "willContinue": True}}
            yield Piece(body, [add(cut, *at, "args", *path)])
    yield Piece({"functionCall": {}}, [drop(*at, "willContinue")])


def _leaves(tree: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Yield the values that are no arrays or objects, with their paths: only these have pieces."""
    if isinstance(tree, dict | list):
        for key, inner in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from _leaves(inner, (*path, key))
    else:
        yield path, tree


def _json_path(path: Path) -> str:
    """Return a path in the notation of RFC 9535."""
    return "$" + "".join(f"[{key}]" if isinstance(key, int) else f"['{key}']" for key in path)


def _value(leaf: Any) -> Json:
    if isinstance(leaf, bool):
        return {"boolValue": leaf}
    if isinstance(leaf, str):
        return {"stringValue": leaf}
    return {"nullValue": "NULL_VALUE"} if leaf is None else {"numberValue": leaf}
