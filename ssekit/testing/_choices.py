# What chat and legacy completions have in common: chunks of choices, usage, and how they end.

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from hypothesis import strategies as st

from ssekit.testing._models import WIRE_QUIRKS, Said, Script

__all__ = ["CHOICE_QUIRKS", "Piece", "send_chunks"]

CHOICE_QUIRKS: Final[dict[str, str]] = WIRE_QUIRKS | {
    "no marker": "the stream ends without [DONE]",
    "no finish": "there is no finish reason: the marker alone says that the answer is whole",
    "empty finish": 'a finish reason that is not there yet is ""',
    "usage on every chunk": "every chunk has the usage so far",
    "usage with the finish": "the chunk of the last finish reason has the usage too",
    "choices with the usage": "the chunk of the usage repeats a choice with its finish reason",
    "null usage last": "after the usage comes a chunk whose usage is null",
    "no chunk ids": "chunks have no id, or an empty one",
    "an id per chunk": "every chunk has another id",
    "another object": "the last chunks have another word in `object`",
    "choices out of order": "any choice may begin first",
    "choices together": "a chunk may have pieces of several choices",
    "filters first": "before all, a chunk about the prompt, with no choice and an empty id",
}


class Piece(NamedTuple):
    """What a chunk says of one choice, and what that adds to the answer."""

    choice: dict[str, Any]
    said: tuple[Said, ...]


def _usage(prompt: int, completion: int) -> dict[str, int]:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def _together(pieces: Iterable[Piece], quirks: frozenset[str]) -> list[list[Piece]]:
    """Return the pieces of each chunk: no two of one choice."""
    chunks: list[list[Piece]] = []
    for piece in pieces:
        indices = [known.choice["index"] for known in chunks[-1]] if chunks else []
        if "choices together" in quirks and indices and piece.choice["index"] not in indices:
            chunks[-1].append(piece)
        else:
            chunks.append([piece])
    return chunks


def send_chunks(
    script: Script,
    object: str,
    pieces: Iterable[Piece],
    rewrites: Mapping[str, Callable[[dict[str, Any]], None]],
) -> None:
    """Send pieces as chunks, each rewritten as the quirks have it, the usage, and the end."""
    draw, quirks = script.draw, script.quirks
    has_usage, prompt = draw(st.booleans()), draw(st.integers(0, 9))
    chunks = _together(pieces, quirks)
    rewriting = [rewrite for quirk, rewrite in rewrites.items() if quirk in quirks]

    def say(count: int, choices: list[dict[str, Any]], *said: Said, usage: bool = False) -> None:
        ended = any(choice.get("finish_reason") for choice in choices) or not choices
        chunk: dict[str, Any] = {
            "id": f"id{count}" if "an id per chunk" in quirks else "id",
            "object": f"{object}.done" if "another object" in quirks and ended else object,
            "created": 1,
            "model": "m",
            "choices": choices,
            "usage": _usage(prompt, count) if usage and has_usage else None,
        }
        for choice in choices:
            _rewrite_finish(choice, quirks)
        for rewrite in rewriting:
            rewrite(chunk)
        if "no chunk ids" in quirks:
            chunk["id"] = ""
        script.say(chunk, *_said_of_the_whole(chunk), *said)

    if "filters first" in quirks:
        about: dict[str, Any] = {"prompt_index": 0, "content_filter_results": {}}
        empty: dict[str, Any] = {"id": "", "object": "", "created": 0, "model": "", "choices": []}
        verdicts = Said(("prompt_filter_results",), [about])
        script.say({**empty, "prompt_filter_results": [about]}, verdicts)
    always = "usage on every chunk" in quirks
    for count, chunk in enumerate(chunks, 1):
        with_usage = always or ("usage with the finish" in quirks and count == len(chunks))
        said = [said for piece in chunk for said in piece.said]
        say(count, [piece.choice for piece in chunk], *said, usage=with_usage)
    if has_usage and not always and "usage with the finish" not in quirks:
        repeated = chunks[-1][-1].choice
        with_choices = "choices with the usage" in quirks and repeated.get("finish_reason")
        say(len(chunks), [_finish_again(repeated)] if with_choices else [], usage=True)
    if "null usage last" in quirks:
        say(len(chunks), [])
    if "no marker" not in quirks or "no finish" in quirks:
        script.mark_end()


def _finish_again(choice: dict[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {"text": ""} if "text" in choice else {"delta": {}}
    return {"index": choice["index"], **said, "finish_reason": choice["finish_reason"]}


def _rewrite_finish(choice: dict[str, Any], quirks: frozenset[str]) -> None:
    if "no finish" in quirks:
        choice.pop("finish_reason", None)
    elif "empty finish" in quirks:
        choice["finish_reason"] = choice["finish_reason"] or ""


def _said_of_the_whole(chunk: dict[str, Any]) -> list[Said]:
    """Return what stands beside the choices: the first id counts, and the newest usage."""
    said = [Said((name,), chunk[name], "first") for name in ("id", "created", "model")]
    return said + [Said((name,), chunk[name]) for name in ("usage", "x_groq") if chunk.get(name)]
