# Streams of messages: `POST /v1/messages` of Anthropic, and of the gateways that offer it.

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from ssekit.testing import _drawing
from ssekit.testing._answers import Json, Path, Piece, extend, join, put, put_all
from ssekit.testing._models import ModelStream
from ssekit.testing._script import TYPED_QUIRKS, Dialect, Dialects, Script, find_quirks, keep_one

__all__ = ["MESSAGES", "message_streams"]

MESSAGES: Final = Dialects(
    hosts={
        "anthropic": frozenset(),
        "litellm": frozenset({"comments", "one index", "no message_stop"}),
        "llama.cpp": frozenset({"stops at the end"}),
        "openrouter": frozenset({"comments", "marker", "unknown fields"}),
    },
    quirks=TYPED_QUIRKS
    | {
        "message_start twice": "the message begins twice, with one id",
        "no message_start": "there is no message_start",
        "one index": "each block has index 0",
        "index from 1": "blocks are counted from 1",
        "whole blocks": "a block is whole in its content_block_start",
        "unknown blocks": "instead of redacted_thinking there are blocks of an unknown type",
        "marker alone": "[DONE] comes in the place of message_stop",
        "no message_stop": "the stream ends with its stop reason",
        "index gaps": "indexes of blocks are not contiguous (hermes-agent#45908)",
        "starts again": "a block begins again before each of its pieces (llama.cpp PR 18551)",
        "stops at the end": "all blocks stop after the last of them (llama.cpp)",
        "placeholder input": "the input of a call begins with a piece {} (LiteLLM)",
        "input in the start too": "a call has its input in the start and in pieces (ccrelay#119)",
        "zero input at the end": "the usage at the end has an input of 0 (ai-gateway#1631)",
        "null usage at the end": "the usage at the end is null (relays)",
        "stop reason in capitals": "the stop reason is in capitals (relays of other formats)",
    },
)
# The kinds of calls, and the name that each calls.
_CALLS: Final = {"tool_use": "f", "server_tool_use": "web_search"}


def message_streams(
    *,
    text: SearchStrategy[str] | None = None,
    arguments: SearchStrategy[dict[str, Any]] | None = None,
    max_blocks: int = 3,
    dialect: Dialect = (),
) -> SearchStrategy[ModelStream]:
    """Return a strategy of streams of messages, each with the message it must give.

    Args:
        text: Texts and reasoning, which are cut anywhere. By default any text.
        arguments: The input of tool calls, whose JSON text is cut anywhere. By default any.
        max_blocks: How many blocks the content has at most: text (perhaps with citations), thinking
            (perhaps redacted), tool calls, and calls of the vendor's own tools.
        dialect: As for `chat_streams`, which has an example too.

    The input of a tool call that is not whole yet is `{}`, and the JSON text so far is in
    `partial_json`, which the vendor's message does not have.
    """
    kinds, calls = ["text", "cited", "thinking", "redacted_thinking"], [*_CALLS]
    blocks = _drawing.parts_of(kinds, text, calls, arguments, max_blocks)
    return _streams(find_quirks(dialect, MESSAGES), blocks)


@st.composite
def _streams(draw: DrawFn, quirks: _drawing.Quirks, blocks: _drawing.Parts) -> ModelStream:
    chosen = keep_one(draw(quirks), ["zero input at the end"], {"no message_start"})
    chosen = keep_one(chosen, ["input in the start too"], {"placeholder input"})
    script = Script(draw, "messages", keep_one(chosen, ["stops at the end"], {"one index"}))
    if draw(st.booleans()):  # the vendor's own way to keep a connection alive
        script.add_noise("ping")
    tokens = draw(st.integers(1, 9))
    content = draw(blocks)
    # A stream has a message_start or a block. No unknown event comes before that.
    if "no message_start" not in script.quirks or not content:
        _send_start(script, tokens)
        _allow_unknown_events(script)
    for place, (kind, drawn) in enumerate(content):
        _send_block(script, place, kind, drawn)
        if place == 0 and "no message_start" in script.quirks:
            _allow_unknown_events(script)
    if "stops at the end" in script.quirks:
        for place in range(len(content)):
            script.send_typed("content_block_stop", _index(script, place), [])
    return _end(script, any(kind == "tool_use" for kind, _ in content))


def _allow_unknown_events(script: Script) -> None:
    if "unknown events" in script.quirks:
        script.add_noise("x_unknown", index=0)


def _send_start(script: Script, tokens: int) -> None:
    usage = {"input_tokens": tokens, "output_tokens": 1}
    head = {"id": "msg", "type": "message", "role": "assistant", "model": "m"}
    empty: Json = {"content": [], "stop_reason": None, "stop_sequence": None}
    message = {**head, **empty, "usage": usage}
    for _ in range(1 + ("message_start twice" in script.quirks)):
        script.send_typed("message_start", {"message": message}, put_all({**head, "usage": usage}))


def _end(script: Script, called: bool) -> ModelStream:
    quirks = script.quirks
    reasons = ["tool_use"] if called else ["end_turn", "max_tokens", "stop_sequence", "refusal"]
    reason = script.draw(st.sampled_from(reasons))
    delta = {"stop_reason": reason, "stop_sequence": "END" if reason == "stop_sequence" else None}
    if "stop reason in capitals" in quirks:
        delta["stop_reason"] = reason.upper()
    usage: Json | None = {"output_tokens": 7}
    additions = [*put_all(delta), put(7, "usage", "output_tokens")]
    if "zero input at the end" in quirks:
        usage = {"input_tokens": 0, "output_tokens": 7}
    if "null usage at the end" in quirks:
        usage, additions = None, put_all(delta)
    script.send_typed("message_delta", {"delta": delta, "usage": usage}, additions)
    has_stop = not {"marker alone", "no message_stop"} & quirks
    if has_stop:
        script.send_typed("message_stop", {}, [], end=True)
    return script.end(marker="marker alone" in quirks or ("marker" in quirks and has_stop))


def _send_block(script: Script, place: int, kind: str, content: Any) -> None:
    """Send a block: its start, its pieces, and its stop."""
    quirks, at = script.quirks, ("content", place)
    pieces: list[Piece] = []
    if kind == "redacted_thinking":
        block = {"type": "x_unknown" if "unknown blocks" in quirks else kind, "data": content}
    elif kind == "thinking":
        block = {"type": kind, "thinking": "", "signature": ""}
        signature = {"type": "signature_delta", "signature": "c2ln"}
        pieces = _cut(script, "thinking", content, at)
        pieces.append(Piece(signature, [put("c2ln", *at, "signature")]))
    elif kind in _CALLS:
        block = {"type": kind, "id": f"toolu_{place}", "name": _CALLS[kind], "input": {}}
        cuts = _drawing.cut_arguments(script.draw, content, at, "input", "partial_json")
        pieces = [Piece({"type": "input_json_delta", "partial_json": cut}, a) for cut, a in cuts]
        if "placeholder input" in quirks and kind == "tool_use":
            pieces.insert(0, Piece({"type": "input_json_delta", "partial_json": "{}"}, []))
    else:
        block = {"type": "text", "text": ""}
        pieces = _cut(script, "text", content, at)
        if kind == "cited":
            pieces.insert(1, _cite(content, at))
    if "whole blocks" in quirks:
        field = next((name for name in ("text", "thinking", "input") if name in block), "data")
        block[field] = content
        pieces = []
    if "input in the start too" in quirks and "input" in block:
        block["input"] = content
    index = _index(script, place)
    start = {**index, "content_block": block}
    script.send_typed("content_block_start", start, [put(block, *at)])
    for count, piece in enumerate(pieces):
        if count and "starts again" in quirks:
            script.send_typed("content_block_start", start, [])
        fields = {**index, "delta": piece.body}
        script.send_typed("content_block_delta", fields, piece.additions)
    if "stops at the end" not in quirks:
        script.send_typed("content_block_stop", index, [])


def _index(script: Script, place: int) -> Json:
    if "one index" in script.quirks:
        return {"index": 0}
    return {
        "index": place * (1 + ("index gaps" in script.quirks)) + ("index from 1" in script.quirks)
    }


def _cut(script: Script, field: str, text: str, at: Path) -> list[Piece]:
    return [
        Piece({"type": f"{field}_delta", field: cut}, [join(cut, *at, field)])
        for cut in _drawing.cut_text(script.draw, text)
    ]


def _cite(text: str, at: Path) -> Piece:
    citation = {"type": "char_location", "cited_text": text, "document_index": 0,
                "start_char_index": 0, "end_char_index": 1, "document_title": None}  # fmt: skip
    delta = {"type": "citations_delta", "citation": citation}
    return Piece(delta, [extend([citation], *at, "citations")])
