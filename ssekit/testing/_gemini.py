# Streams of Gemini: `POST :streamGenerateContent?alt=sse`, of the Gemini API and of Vertex AI.

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from ssekit.testing import _models
from ssekit.testing._models import (
    WIRE_QUIRKS,
    Dialect,
    Hosts,
    ModelStream,
    Said,
    Script,
    cut_text,
    find_quirks,
    take_turns,
)

__all__ = ["GEMINI_HOSTS", "GEMINI_QUIRKS", "gemini_streams"]

Json = dict[str, Any]
# A candidate as a chunk has it, and what that adds to the answer.
_Piece = tuple[Json, tuple[Said, ...]]

GEMINI_QUIRKS: Final[dict[str, str]] = WIRE_QUIRKS | {
    "arguments in pieces": "the arguments of a call come by their paths, texts in several pieces",
    "no index": "candidate 0 does not say its index",
    "no call ids": "function calls have no id",
    "usage at the end": "only the last chunk has the usage",
    "empty text at the end": "the chunk of the finish reason has an empty text",
    "finish with the last part": "the last part's chunk has the finish reason",
}
GEMINI_HOSTS: Final[Hosts] = {
    "gemini": frozenset({"no index", "empty text at the end"}),
    "vertex": frozenset({"arguments in pieces", "no call ids", "finish with the last part"}),
}


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
        text: Of texts and thoughts, which are cut anywhere. By default any; empty ones are no part.
        arguments: Of the arguments of function calls. By default any.
        max_candidates: How many candidates there are at most. (There is none if the prompt was
            blocked.)
        max_parts: How many parts a candidate has at most: texts, thoughts, texts with a signature,
            function calls, bytes. Texts of one kind that follow each other are one part.
        dialect: A host, quirks, or "any": see `ssekit.testing.dialects`.

    Raises:
        InvalidArgument: There is no such dialect.

    >>> from hypothesis import given
    >>> from ssekit import gemini
    >>> @given(gemini_streams(dialect="vertex"))
    ... def test_the_response_is_whole(stream):
    ...     response = gemini.collect([stream.data])
    ...     assert len(response.candidates) == len(stream.expected["candidates"])
    >>> test_the_response_is_whole()
    """
    texts = (_models.texts if text is None else text).filter(bool)
    kinds = st.sampled_from(["text", "thought", "signed", "bytes"])
    calls = st.tuples(st.just("call"), _models.json_objects if arguments is None else arguments)
    parts = st.lists(st.tuples(kinds, texts) | calls, max_size=max_parts)
    quirks = find_quirks(dialect, GEMINI_QUIRKS, GEMINI_HOSTS)
    return _streams(quirks, st.lists(parts, max_size=max_candidates))


@st.composite
def _streams(
    draw: DrawFn,
    quirks: SearchStrategy[frozenset[str]],
    candidates: SearchStrategy[list[list[tuple[str, Any]]]],
) -> ModelStream:
    script = Script(draw, "gemini", draw(quirks))
    drawn = draw(candidates)
    head = {"modelVersion": "m", "responseId": "r"}
    said = [Said((name,), value) for name, value in head.items()]
    if not drawn:
        blocked = {"blockReason": "SAFETY"}
        script.say({"promptFeedback": blocked, **head}, Said(("promptFeedback",), blocked), *said)
        return script.stream()
    queues = [_candidate(script, index, parts) for index, parts in enumerate(drawn)]
    pieces = list(take_turns(draw, queues))
    for count, (candidate, added) in enumerate(pieces, 1):
        chunk: Json = {"candidates": [candidate], **head}
        more = []
        if "usage at the end" not in script.quirks or count == len(pieces):
            chunk["usageMetadata"] = {
                "promptTokenCount": 2,
                "candidatesTokenCount": count,
                "totalTokenCount": 2 + count,
            }
            more = [Said(("usageMetadata",), chunk["usageMetadata"])]
        script.say(chunk, *said, *added, *more)
    return script.stream()


def _candidate(script: Script, index: int, parts: list[tuple[str, Any]]) -> list[_Piece]:
    """Return what the chunks say of one candidate: its parts, and why it ended."""
    quirks, at = script.quirks, ("candidates", index)
    begin = Said(at, {"index": index, "content": {"role": "model"}}, "first")
    place, before = -1, ""
    pieces: list[_Piece] = []
    for kind, content in parts:
        # Texts that follow each other are one part, and thoughts are; nothing else is.
        place += not (kind == before and kind in ("text", "thought"))
        before = kind
        for part, said in _part(script, kind, content, (*at, "content", "parts", place)):
            content_said = {"content": {"role": "model", "parts": [part]}, "index": index}
            pieces.append((content_said, (begin, *said)))
    reason = script.draw(st.sampled_from(["STOP", "MAX_TOKENS", "SAFETY"]))
    ended = Said((*at, "finishReason"), reason)
    if "finish with the last part" in quirks and pieces:
        last, said_last = pieces.pop()
        pieces.append((last | {"finishReason": reason}, (*said_last, ended)))
    else:
        texts = [{"text": ""}] if "empty text at the end" in quirks else []
        content_said = {"content": {"role": "model", "parts": texts}, "index": index}
        pieces.append((content_said | {"finishReason": reason}, (begin, ended)))
    if "no index" in quirks and index == 0:
        for candidate, _ in pieces:
            del candidate["index"]
    return pieces


def _part(
    script: Script, kind: str, content: Any, at: tuple[str | int, ...]
) -> Iterator[tuple[Json, list[Said]]]:
    """Yield a part in the pieces in which it is sent, with what each adds."""
    if kind in ("text", "thought"):
        thought = {"thought": True} if kind == "thought" else {}
        for cut in cut_text(script.draw, content):
            said = [Said(at, {"text": "", **thought}, "first"), Said((*at, "text"), cut, "join")]
            # The format has whole texts: an empty one says nothing.
            yield {"text": cut, **thought}, said if cut else []
    elif kind == "call":
        yield from _call(script, content, at)
    else:
        blob = {"mimeType": "image/png", "data": "aW1n"}
        part = {"inlineData": blob} if kind == "bytes" else {
            "text": content, "thoughtSignature": "c2ln"}  # fmt: skip
        yield part, [Said(at, part)]


def _call(
    script: Script, tree: Json, at: tuple[str | int, ...]
) -> Iterator[tuple[Json, list[Said]]]:
    call: Json = {"name": "f"}
    if "no call ids" not in script.quirks:
        call = {"id": f"call_{at[1]}_{at[-1]}", **call}
    if "arguments in pieces" not in script.quirks:
        part = {"functionCall": {**call, "args": tree}}
        yield part, [Said(at, part)]
        return
    begun = {"functionCall": {**call, "args": {}, "willContinue": True}}
    yield {"functionCall": {**call, "willContinue": True}}, [Said(at, begun)]
    for path, leaf in _leaves(tree, ()):
        cuts = cut_text(script.draw, leaf) if isinstance(leaf, str) else [leaf]
        for count, cut in enumerate(cuts, 1):
            piece = {"jsonPath": _json_path(path), **_value(cut)}
            if count < len(cuts):
                piece["willContinue"] = True
            place = (*at, "functionCall", "args", *path)
            said = Said(place, cut, "join" if isinstance(leaf, str) else "set")
            yield {"functionCall": {"partialArgs": [piece], "willContinue": True}}, [said]
    yield {"functionCall": {}}, [Said((*at, "functionCall", "willContinue"), how="drop")]


def _leaves(tree: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield what pieces can say, with its path. (Of what is empty they say nothing.)"""
    if isinstance(tree, dict | list):
        for key, inner in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from _leaves(inner, (*path, key))
    else:
        yield path, tree


def _json_path(path: tuple[str | int, ...]) -> str:
    """Return a path as RFC 9535 has it."""
    return "$" + "".join(f"[{key}]" if isinstance(key, int) else f"['{key}']" for key in path)


def _value(leaf: Any) -> Json:
    if isinstance(leaf, bool):
        return {"boolValue": leaf}
    if isinstance(leaf, str):
        return {"stringValue": leaf}
    return {"nullValue": "NULL_VALUE"} if leaf is None else {"numberValue": leaf}
