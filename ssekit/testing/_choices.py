# The common part of chat and legacy completions: chunks of choices, usage, and the end.

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from hypothesis import strategies as st

from ssekit.testing._answers import Json, Path, Piece, begin, put
from ssekit.testing._drawing import take_turns
from ssekit.testing._models import ModelStream
from ssekit.testing._script import WIRE_QUIRKS, Script

__all__ = ["CHOICE_QUIRKS", "end_choice", "send_chunks", "with_numbers"]

CHOICE_QUIRKS: Final[dict[str, str]] = WIRE_QUIRKS | {
    "no marker": "the stream ends without [DONE]",
    "no finish": "there is no finish reason: the marker alone ends the answer",
    "empty finish": 'before the end of a choice, its finish reason is ""',
    "usage on every chunk": "every chunk has the usage so far",
    "usage with the finish": "the chunk of the last finish reason has the usage too",
    "choices with the usage": "the chunk of the usage repeats a choice with its finish reason",
    "null usage last": "after the usage comes a chunk whose usage is null",
    "zero usage last": "after the usage comes a chunk whose counts are 0 (ai-gateway#1631)",
    "no chunk ids": "chunks have no id, or an empty one",
    "an id per chunk": "every chunk has another id",
    "another object": "the last chunks have another value of `object`",
    "choices out of order": "any choice may begin first",
    "choices together": "a chunk may have pieces of several choices",
    "filters first": "first comes a chunk about the prompt, with no choice and an empty id",
    "other markers": "the marker has a blank, quotes or small letters (mistral-vibe#770)",
    "named events": "events of another type come between any two events (LibreChat#12919)",
    "finish in capitals": "finish reasons are in capitals (relays of Vertex AI)",
    "stop again": "after its finish reason, a choice has a bare `stop` too (ChatMock#114)",
    "numbers as text": "a text piece like a number or a boolean is sent as one (cloudflare/ai#655)",
    "numbers in quotes": "integers are sent as texts (relays in Go)",
    "usage in other names": "the usage has input_tokens and output_tokens (openclaw#49316)",
}


def send_chunks(
    script: Script,
    object: str,
    choices: list[list[Piece]],
    rewrites: Mapping[str, Callable[[Json], None]],
) -> ModelStream:
    """Send the pieces of some choices as chunks, then the usage and the end; return the stream.

    Args:
        script: The script to send them in.
        object: The value of the chunks' `object`.
        choices: The pieces of each choice.
        rewrites: The changes that quirks make to a chunk, in the order in which they are made.
    """
    draw, quirks = script.draw, script.quirks
    named: list[bytes] = []
    has_usage, prompt = draw(st.booleans()), draw(st.integers(0, 9))
    in_order = "choices out of order" not in quirks
    chunks = _group(take_turns(draw, choices, in_order=in_order), quirks)
    rewriting = [rewrite for quirk, rewrite in rewrites.items() if quirk in quirks]

    def send(count: int, pieces: list[Piece], *, usage: bool = False, zero: bool = False) -> None:
        chunk = _make_chunk(count, object, [piece.body for piece in pieces], quirks)
        if usage and has_usage:
            counts = [0, 0, 0] if zero else [prompt, count, prompt + count]
            names = _OTHER_NAMES if "usage in other names" in quirks else _NAMES
            chunk["usage"] = dict(zip(names, counts, strict=True))
        for rewrite in rewriting:
            rewrite(chunk)
        if "no chunk ids" in quirks:
            chunk["id"] = ""
        # Of the fields beside the choices, the first id counts, and the newest usage.
        additions = [begin(chunk[name], name) for name in ("id", "created", "model")]
        if not zero:
            additions += [put(chunk[name], name) for name in ("usage", "x_groq") if chunk.get(name)]
        additions += [each for piece in pieces for each in piece.additions]
        script.send(_quote(chunk) if "numbers in quotes" in quirks else chunk, additions)
        if "named events" in quirks and not named:  # (not first: alone, it is no part of an answer)
            named.append(script.block({"status": "running"}, "tool.progress"))
            script.noises += named

    if "filters first" in quirks:
        about: Json = {"prompt_index": 0, "content_filter_results": {}}
        empty: Json = {"id": "", "object": "", "created": 0, "model": "", "choices": []}
        verdicts = put([about], "prompt_filter_results")
        script.send({**empty, "prompt_filter_results": [about]}, [verdicts])
    always = "usage on every chunk" in quirks
    with_finish = "usage with the finish" in quirks
    for count, chunk in enumerate(chunks, 1):
        send(count, chunk, usage=always or (with_finish and count == len(chunks)))
    if has_usage and not always and not with_finish:
        last = chunks[-1][-1].body
        repeats = "choices with the usage" in quirks and last.get("finish_reason")
        again = [_bare(last, last["finish_reason"])] if repeats else []
        send(len(chunks), again, usage=True)
    if "zero usage last" in quirks:
        send(len(chunks), [], usage=True, zero=True)
    if "null usage last" in quirks:
        send(len(chunks), [])
    return script.end(marker="no marker" not in quirks or "no finish" in quirks)


def _make_chunk(count: int, object: str, choices: list[Json], quirks: frozenset[str]) -> Json:
    """Return a chunk of some choices, without a usage."""
    ended = any(choice.get("finish_reason") for choice in choices) or not choices
    for choice in choices:
        _rewrite_finish(choice, quirks)
    return {
        "id": f"id{count}" if "an id per chunk" in quirks else "id",
        "object": f"{object}.done" if "another object" in quirks and ended else object,
        "created": 1,
        "model": "m",
        "choices": choices,
        "usage": None,
    }


_NAMES: Final = ("prompt_tokens", "completion_tokens", "total_tokens")
_OTHER_NAMES: Final = ("input_tokens", "output_tokens", "total_tokens")
_INTEGERS: Final = {"index", "created", *_NAMES, *_OTHER_NAMES}


def _quote(tree: Any) -> Any:
    """Return a copy of JSON with its indexes and counts in quotes."""
    if isinstance(tree, list):
        return [_quote(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    quoted = {name: _quote(value) for name, value in tree.items()}
    return quoted | {name: str(tree[name]) for name in _INTEGERS & tree.keys()}


def end_choice(script: Script, last: Piece, at: Path, *reasons: str) -> list[Piece]:
    """Return the last piece of a choice with one of some finish reasons, and perhaps another."""
    reason, stop = script.draw(st.sampled_from(reasons)), "stop"
    if "finish in capitals" in script.quirks:
        reason, stop = reason.upper(), stop.upper()
    ended = [] if "no finish" in script.quirks else [put(reason, *at, "finish_reason")]
    whole = Piece(last.body | {"finish_reason": reason}, [*last.additions, *ended])
    return [whole, _bare(last.body, stop)] if "stop again" in script.quirks else [whole]


def _bare(choice: Json, reason: str) -> Piece:
    """Return a piece of a choice that has only a finish reason, which it had before."""
    empty: Json = {"text": ""} if "text" in choice else {"delta": {}}
    return Piece({"index": choice["index"], **empty, "finish_reason": reason}, [])


def with_numbers(script: Script, cuts: list[str]) -> list[tuple[Any, str]]:
    """Return the pieces of a text as the server writes them, each with its spelling."""
    pieces: list[tuple[Any, str]] = [(cut, cut) for cut in cuts]
    if "numbers as text" in script.quirks:
        number = script.draw(st.sampled_from([6, 0.005, True]))
        pieces.insert(script.draw(st.integers(0, len(pieces))), (number, json.dumps(number)))
    return pieces


def _group(pieces: Iterable[Piece], quirks: frozenset[str]) -> list[list[Piece]]:
    """Return the pieces of each chunk, with at most one piece of each choice."""
    chunks: list[list[Piece]] = []
    for piece in pieces:
        indices = [known.body["index"] for known in chunks[-1]] if chunks else []
        if "choices together" in quirks and indices and piece.body["index"] not in indices:
            chunks[-1].append(piece)
        else:
            chunks.append([piece])
    return chunks


def _rewrite_finish(choice: Json, quirks: frozenset[str]) -> None:
    if "no finish" in quirks:
        choice.pop("finish_reason", None)
    elif "empty finish" in quirks:
        choice["finish_reason"] = choice["finish_reason"] or ""
