# Streams of messages: `POST /v1/messages` of Anthropic, and of the gateways that speak it.

from __future__ import annotations

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
    encode_arguments,
    find_quirks,
)

__all__ = ["MESSAGE_HOSTS", "MESSAGE_QUIRKS", "message_streams"]

Json = dict[str, Any]

MESSAGE_QUIRKS: Final[dict[str, str]] = WIRE_QUIRKS | {
    "no event lines": "only the data say of which type an event is",
    "no types": "only the event line says of which type an event is",
    "message_start twice": "the message begins twice, with one id",
    "no message_start": "the message does not say that it begins",
    "one index": "each block has index 0",
    "index from 1": "blocks are counted from 1",
    "whole blocks": "what a block says stands in its start",
    "unknown blocks": "in the place of redacted_thinking are blocks of an unknown type",
    "unknown events": "there are events of a type that no documentation names",
    "marker": "[DONE] comes after the end",
    "marker alone": "[DONE] comes in the place of message_stop",
    "no message_stop": "the stream ends with its stop reason",
}
MESSAGE_HOSTS: Final[Hosts] = {
    "anthropic": frozenset(),
    "litellm": frozenset({"comments", "one index", "no message_stop"}),
    "openrouter": frozenset({"comments", "marker", "unknown fields"}),
}


def message_streams(
    *,
    text: SearchStrategy[str] | None = None,
    arguments: SearchStrategy[dict[str, Any]] | None = None,
    max_blocks: int = 3,
    dialect: Dialect = (),
) -> SearchStrategy[ModelStream]:
    """Return a strategy of streams of messages, each with the message it must give.

    Args:
        text: Of texts and reasoning, which are cut anywhere. By default any.
        arguments: Of the input of tool calls, whose JSON text is cut anywhere. By default any.
        max_blocks: How many blocks the content has at most: text (perhaps with citations), thinking
            (perhaps redacted), tool calls, and calls of the vendor's own tools.
        dialect: A host, quirks, or "any": see `ssekit.testing.dialects`.

    The input of a tool call that is not whole yet is `{}`, and what came of its JSON text is in
    `partial_json`, which the vendor's message has not.

    Raises:
        InvalidArgument: There is no such dialect.

    >>> from hypothesis import given
    >>> from ssekit import messages
    >>> @given(message_streams())
    ... def test_the_message_is_whole(stream):
    ...     message = messages.collect([stream.data])
    ...     assert len(message.content) == len(stream.expected["content"])
    >>> test_the_message_is_whole()
    """
    texts = _models.texts if text is None else text
    callers = st.sampled_from(["tool_use", "server_tool_use"])
    calls = st.tuples(callers, _models.json_objects if arguments is None else arguments)
    kinds = st.sampled_from(["text", "cited", "thinking", "redacted_thinking"])
    blocks = st.lists(st.tuples(kinds, texts) | calls, max_size=max_blocks)
    quirks = find_quirks(dialect, MESSAGE_QUIRKS, MESSAGE_HOSTS)
    return _streams(quirks, blocks)


class _Script(Script):
    """A script of events that say their type in their line and in their data."""

    def send(self, type: str, *said: Said, **fields: Any) -> None:
        body = fields if "no types" in self.quirks else {"type": type, **fields}
        # Where the data have no type, the line must.
        has_line = "no event lines" not in self.quirks or "no types" in self.quirks
        ends: Any = "event" if type == "message_stop" else None
        self.say(body, *said, type=type if has_line else "", ends=ends)


@st.composite
def _streams(
    draw: DrawFn,
    quirks: SearchStrategy[frozenset[str]],
    blocks: SearchStrategy[list[tuple[str, Any]]],
) -> ModelStream:
    script = _Script(draw, "messages", draw(quirks))
    quirks_drawn = script.quirks
    if draw(st.booleans()):  # the vendor's own way to keep a connection alive
        script.noises.append(script.block({"type": "ping"}, "ping"))
    if "unknown events" in quirks_drawn:
        script.noises.append(script.block({"type": "x_unknown", "index": 0}, "x_unknown"))
    tokens = draw(st.integers(1, 9))
    if "no message_start" not in quirks_drawn:
        _send_start(script, tokens)
    content = draw(blocks)
    for place, (kind, said) in enumerate(content):
        index = 0 if "one index" in quirks_drawn else place + ("index from 1" in quirks_drawn)
        _send_block(script, place, index, kind, said)
    _send_end(script, any(kind == "tool_use" for kind, _ in content))
    return script.stream()


def _send_start(script: _Script, tokens: int) -> None:
    usage = {"input_tokens": tokens, "output_tokens": 1}
    head = {"id": "msg", "type": "message", "role": "assistant", "model": "m"}
    said = [Said((name,), value) for name, value in {**head, "usage": usage}.items()]
    empty: Json = {"content": [], "stop_reason": None, "stop_sequence": None}
    for _ in range(1 + ("message_start twice" in script.quirks)):
        script.send("message_start", *said, message={**head, **empty, "usage": usage})


def _send_end(script: _Script, called: bool) -> None:
    reasons = ["tool_use"] if called else ["end_turn", "max_tokens", "stop_sequence", "refusal"]
    reason = script.draw(st.sampled_from(reasons))
    sequence = "END" if reason == "stop_sequence" else None
    script.send(
        "message_delta",
        Said(("stop_reason",), reason),
        Said(("stop_sequence",), sequence),
        Said(("usage", "output_tokens"), 7),
        delta={"stop_reason": reason, "stop_sequence": sequence},
        usage={"output_tokens": 7},
    )
    if not {"marker alone", "no message_stop"} & script.quirks:
        script.send("message_stop")
    if "marker alone" in script.quirks or (
        "marker" in script.quirks and "no message_stop" not in script.quirks
    ):
        script.mark_end()


def _send_block(script: _Script, place: int, index: int, kind: str, content: Any) -> None:
    """Send a block: what it begins with, its pieces, and that it stops."""
    at = ("content", place)
    block: Json
    if kind == "redacted_thinking":
        is_unknown = "unknown blocks" in script.quirks
        block, pieces = {"type": "x_unknown" if is_unknown else kind, "data": content}, []
    elif kind == "thinking":
        block = {"type": kind, "thinking": "", "signature": ""}
        pieces = _thinking(script, at, content)
    elif kind in ("tool_use", "server_tool_use"):
        name = "f" if kind == "tool_use" else "web_search"
        block = {"type": kind, "id": f"toolu_{place}", "name": name, "input": {}}
        pieces = _input(script, at, content)
    else:
        block = {"type": "text", "text": ""}
        pieces = _text(script, at, content, cited=kind == "cited")
    if "whole blocks" in script.quirks:
        field = next((name for name in ("text", "thinking", "input") if name in block), "data")
        block[field] = content
        pieces = []
    script.send("content_block_start", Said(at, block), index=index, content_block=block)
    for delta, said in pieces:
        script.send("content_block_delta", *said, index=index, delta=delta)
    script.send("content_block_stop", index=index)


_Pieces = list[tuple[Json, list[Said]]]


def _text(script: _Script, at: tuple[str, int], text: str, *, cited: bool) -> _Pieces:
    pieces: _Pieces = [
        ({"type": "text_delta", "text": cut}, [Said((*at, "text"), cut, "join")])
        for cut in cut_text(script.draw, text)
    ]
    if cited:
        citation = {"type": "char_location", "cited_text": text, "document_index": 0,
                    "start_char_index": 0, "end_char_index": 1, "document_title": None}  # fmt: skip
        said = Said((*at, "citations"), [citation], "extend")
        pieces.insert(1, ({"type": "citations_delta", "citation": citation}, [said]))
    return pieces


def _thinking(script: _Script, at: tuple[str, int], text: str) -> _Pieces:
    pieces: _Pieces = [
        ({"type": "thinking_delta", "thinking": cut}, [Said((*at, "thinking"), cut, "join")])
        for cut in cut_text(script.draw, text)
    ]
    signed = ({"type": "signature_delta", "signature": "c2ln"}, [Said((*at, "signature"), "c2ln")])
    return [*pieces, signed]


def _input(script: _Script, at: tuple[str, int], tree: Json) -> _Pieces:
    pieces: _Pieces = []
    cuts = cut_text(script.draw, encode_arguments(script.draw, tree))
    for count, cut in enumerate(cuts, 1):
        said = [Said((*at, "partial_json"), cut, "join")] if cut else []
        if cut and not any(cuts[count:]):
            said += [Said((*at, "input"), tree), Said((*at, "partial_json"), how="drop")]
        pieces.append(({"type": "input_json_delta", "partial_json": cut}, said))
    return pieces
