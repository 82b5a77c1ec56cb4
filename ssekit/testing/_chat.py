# Streams of chat completions: `POST /v1/chat/completions`, and the dialects of its hosts.
#
# What always holds here:
# - Where a dialect leaves tool calls no index of their own, they come one after the other: what is
#   said of a call can always be told from what is said of another.

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from ssekit.testing import _models
from ssekit.testing._choices import CHOICE_QUIRKS, Piece, send_chunks
from ssekit.testing._models import (
    Dialect,
    Hosts,
    ModelStream,
    Said,
    Script,
    cut_text,
    encode_arguments,
    find_quirks,
    take_turns,
)

__all__ = ["CHAT_HOSTS", "CHAT_QUIRKS", "chat_streams"]

Json = dict[str, Any]

CHAT_QUIRKS: Final[dict[str, str]] = CHOICE_QUIRKS | {
    "role on every chunk": "every delta says the role",
    "no role": "no delta says the role",
    "reasoning": "reasoning comes in `reasoning`, not in `reasoning_content`",
    "content in parts": "content is a list of parts, and reasoning is among them",
    "empty refusals": "a delta that has no refusal has an empty one",
    "null fields": "what a delta or a call does not say is null",
    "chunks without a delta": "there is a choice without a delta",
    "messages so far": "beside its delta, a choice has the message so far",
    "usage in x_groq": "the usage is in `x_groq`",
    "whole calls": "each tool call comes in one piece",
    "calls with the finish": "the last piece of a choice has its finish reason",
    "pieces together": "a delta may hold several pieces of one tool call",
    "no call index": "tool calls have no index",
    "call index 0": "each tool call has index 0",
    "call index -1": "each tool call has index -1",
    "call index from 1": "tool calls are counted from 1",
    "no call ids": 'the id of a tool call is ""',
    "empty ids again": 'later pieces of a tool call have "" as id and name',
    "no arguments at first": "the first piece of a tool call has no arguments",
    "null arguments at first": "the first piece of a tool call has null as its arguments",
    "arguments as objects": "arguments are the object itself, not its JSON text",
    "stop after calls": "a choice that calls tools ends with `stop`",
}
CHAT_HOSTS: Final[Hosts] = {
    "openai": frozenset(),
    "alibaba": frozenset({"empty ids again", "null fields"}),
    "azure": frozenset({"filters first", "chunks without a delta", "unknown fields"}),
    "bedrock": frozenset({"call index from 1"}),
    "deepseek": frozenset({"comments", "null fields"}),
    "gemini": frozenset(
        {"no chunk ids", "no call index", "no call ids", "whole calls", "stop after calls"}
        | {"usage on every chunk", "role on every chunk"}
    ),
    "groq": frozenset({"an id per chunk", "no role", "reasoning", "usage with the finish"}),
    "mistral": frozenset(
        {"whole calls", "no call index", "content in parts", "usage with the finish"}
    ),
    "ollama": frozenset(
        {"role on every chunk", "whole calls", "call index 0", "stop after calls", "reasoning"}
        | {"empty finish"}
    ),
    "openrouter": frozenset(
        {"comments", "role on every chunk", "choices with the usage", "reasoning"}
        | {"unknown fields"}
    ),
    "perplexity": frozenset({"usage on every chunk", "another object", "no marker"}),
    "sglang": frozenset({"null fields", "empty finish"}),
    "snowflake": frozenset({"no finish", "no chunk ids", "empty refusals"}),
    "together": frozenset({"role on every chunk", "unknown fields"}),
    "vllm": frozenset({"no arguments at first", "pieces together", "reasoning"}),
    "writer": frozenset({"messages so far", "no marker", "null fields"}),
    "xai": frozenset({"whole calls", "calls with the finish", "usage with the finish"}),
    "z.ai": frozenset(
        {"role on every chunk", "call index -1", "whole calls", "arguments as objects"}
    ),
}

# With these, a piece of a call is known by the call before it.
_IN_SEQUENCE = {"no call index", "call index 0", "call index -1"}


def chat_streams(
    *,
    text: SearchStrategy[str] | None = None,
    arguments: SearchStrategy[dict[str, Any]] | None = None,
    max_choices: int = 2,
    max_tool_calls: int = 2,
    reasoning: bool = True,
    refusals: bool = True,
    custom_tools: bool = True,
    logprobs: bool = True,
    dialect: Dialect = (),
) -> SearchStrategy[ModelStream]:
    """Return a strategy of streams of chat completions, each with the result it must give.

    Args:
        text: Of content, reasoning, refusals and the input of custom tools, which are cut anywhere.
            By default any.
        arguments: Of the arguments of tool calls, whose JSON text is cut anywhere. By default any.
        max_choices: How many choices there are at most.
        max_tool_calls: How many tool calls a choice has at most; several are parallel.
        reasoning: Choices may have reasoning.
        refusals: Choices may have a refusal.
        custom_tools: Tool calls may be of custom tools, whose input is text.
        logprobs: Choices may have log probabilities.
        dialect: A host, quirks, or "any": see `ssekit.testing.dialects`.

    Raises:
        InvalidArgument: There is no such dialect.

    >>> from hypothesis import given
    >>> from ssekit import chat
    >>> @given(chat_streams(max_choices=1, dialect="openrouter"))
    ... def test_the_text_is_whole(stream):
    ...     completion = chat.collect([stream.data])
    ...     message = stream.expected["choices"][0]["message"]
    ...     assert completion.choices[0].message.content == message["content"]
    >>> test_the_text_is_whole()
    """
    texts = _models.texts if text is None else text
    functions = st.tuples(
        st.sampled_from(["f", "g"]), _models.json_objects if arguments is None else arguments
    )
    custom = st.tuples(st.just("custom"), texts if custom_tools else st.nothing())
    said = texts.filter(bool)  # what is empty is no refusal
    contents = st.fixed_dictionaries(
        {
            "reasoning_content": st.none() | (said if reasoning else st.nothing()),
            "content": st.none() | texts,
            "refusal": st.none() | (said if refusals else st.nothing()),
            "logprobs": st.booleans() if logprobs else st.just(False),
            "calls": st.lists(functions | custom, max_size=max_tool_calls),
        }
    )
    quirks = find_quirks(dialect, CHAT_QUIRKS, CHAT_HOSTS)
    return _streams(quirks, st.lists(contents, min_size=1, max_size=max_choices))


@st.composite
def _streams(
    draw: DrawFn, quirks: SearchStrategy[frozenset[str]], contents: SearchStrategy[list[Json]]
) -> ModelStream:
    script = Script(draw, "chat", draw(quirks))
    choices = [
        _Choice(script, index).pieces(content) for index, content in enumerate(draw(contents))
    ]
    in_order = "choices out of order" not in script.quirks
    pieces = take_turns(draw, choices, in_order=in_order)
    send_chunks(script, "chat.completion.chunk", pieces, _REWRITES)
    return script.stream()


class _Choice:
    """Says what there is of one choice, in pieces."""

    def __init__(self, script: Script, index: int) -> None:
        self._draw = script.draw
        self._quirks = script.quirks
        self._index = index
        self._place = ("choices", index)
        message = {"role": "assistant", "content": None, "refusal": None}
        choice = {"index": index, "message": message, "finish_reason": None, "logprobs": None}
        self._begin = Said(self._place, choice, "first")

    def pieces(self, content: Json) -> list[Piece]:
        """Return the pieces: the role, what is said, the calls, and why the choice ended."""
        pieces = [self._first(content["content"])]
        if "chunks without a delta" in self._quirks:
            bare = {"index": self._index, "finish_reason": None}
            pieces.append(Piece(bare, (self._begin,)))
        for field in ("reasoning_content", "content", "refusal"):
            if content[field] is not None:
                pieces += self._texts(field, content[field], content["logprobs"])
        calls = [self._call(place, *call) for place, call in enumerate(content["calls"])]
        if _IN_SEQUENCE & self._quirks:
            pieces += [piece for call in calls for piece in call]
        else:
            pieces += take_turns(self._draw, calls)
        pieces = self._with_finish(pieces, bool(calls))
        return self._with_messages(pieces) if "messages so far" in self._quirks else pieces

    def _piece(self, delta: Json, *said: Said) -> Piece:
        choice = {"index": self._index, "delta": delta, "finish_reason": None, "logprobs": None}
        return Piece(choice, (self._begin, *said))

    def _first(self, content: str | None) -> Piece:
        # At OpenAI, the content begins with "" if there will be any.
        if content is None or "content in parts" in self._quirks:
            return self._piece({"role": "assistant", "content": None})
        begun = Said((*self._place, "message", "content"), "", "join")
        return self._piece({"role": "assistant", "content": ""}, begun)

    def _texts(self, field: str, text: str, logprobs: bool) -> Iterator[Piece]:
        thinks = field == "reasoning_content"
        # Parts have no field of their own for it: they are read as the commoner one.
        named = "reasoning" in self._quirks and "content in parts" not in self._quirks
        name = "reasoning" if thinks and named else field
        for cut in cut_text(self._draw, text):
            # Content may be empty. What else is empty was not said.
            said = [Said((*self._place, "message", name), cut, "join")]
            piece = self._piece({name: cut}, *(said if cut or field == "content" else ()))
            if logprobs and not thinks:
                piece = self._with_logprobs(piece, field)
            yield piece

    def _with_logprobs(self, piece: Piece, field: str) -> Piece:
        token = {"token": "t", "logprob": -0.5, "bytes": [116], "top_logprobs": []}
        none = {"content": None, "refusal": None}
        place = (*self._place, "logprobs")
        said = (Said(place, none, "first"), Said((*place, field), [token], "extend"))
        return Piece(piece.choice | {"logprobs": none | {field: [token]}}, piece.said + said)

    def _call(self, place: int, name: str, content: Json | str) -> list[Piece]:
        """Return the pieces of a call: of a function, or of a custom tool, whose input is text."""
        quirks = self._quirks
        id_ = "" if "no call ids" in quirks else f"call_{self._index}_{place}"
        if isinstance(content, str):
            # Without ids, its own name tells it from the calls beside it.
            kind, field, text, name = "custom", "input", content, f"custom_{place}"
        else:
            # Without ids, a call is over when its arguments are: they cannot be empty.
            text = encode_arguments(self._draw, content, empty=bool(id_))
            kind, field = "function", "arguments"
            text = json.dumps(content) if "arguments as objects" in quirks else text
        at = (*self._place, "message", "tool_calls", place)
        call = {"id": id_, "type": kind, kind: {"name": name, field: ""}}
        begun, whole = Said(at, call), Said((*at, kind, field), text)
        first: Json = {"index": place, **call, kind: {"name": name, field: text}}
        if {"whole calls", "arguments as objects"} & quirks:
            return [self._piece({"tool_calls": [first]}, begun, whole)]
        if "no arguments at first" in quirks:
            del first[kind][field]
        else:
            first[kind][field] = None if "null arguments at first" in quirks else ""
        pieces = [self._piece({"tool_calls": [first]}, begun)]
        for cut in cut_text(self._draw, text):
            more = {"index": place, kind: {field: cut}}
            pieces.append(self._piece({"tool_calls": [more]}, Said(whole.path, cut, "join")))
        if "pieces together" in quirks:
            pieces[:2] = [self._joined(*pieces[:2])]
        return pieces

    def _joined(self, first: Piece, second: Piece) -> Piece:
        calls = first.choice["delta"]["tool_calls"] + second.choice["delta"]["tool_calls"]
        return self._piece({"tool_calls": calls}, *first.said, *second.said)

    def _with_finish(self, pieces: list[Piece], called: bool) -> list[Piece]:
        reasons = ["tool_calls"] if called else ["stop", "length", "content_filter"]
        reason = self._draw(st.sampled_from(reasons))
        if called and "stop after calls" in self._quirks:
            reason = "stop"
        ended = [Said((*self._place, "finish_reason"), reason)]
        if "no finish" in self._quirks:
            ended = []
        if "calls with the finish" in self._quirks:
            last = pieces.pop()
            return [*pieces, Piece(last.choice | {"finish_reason": reason}, (*last.said, *ended))]
        last = self._piece({}, *ended)
        return [*pieces, Piece(last.choice | {"finish_reason": reason}, last.said)]

    def _with_messages(self, pieces: list[Piece]) -> list[Piece]:
        content = ""
        told: list[Piece] = []
        for choice, said in pieces:
            content += choice.get("delta", {}).get("content") or ""
            message = {"role": "assistant", "content": content}
            told.append(Piece({**choice, "message": message}, said))
        return told


# What quirks make of a chunk.


def _deltas(chunk: Json) -> Iterator[Json]:
    return (choice["delta"] for choice in chunk["choices"] if "delta" in choice)


def _calls(chunk: Json) -> Iterator[Json]:
    return (call for delta in _deltas(chunk) for call in delta.get("tool_calls") or ())


def _called(chunk: Json) -> Iterator[Json]:
    return (call.get("function") or call["custom"] for call in _calls(chunk))


def _say_role(chunk: Json) -> None:
    for delta in _deltas(chunk):
        delta["role"] = "assistant"


def _drop_role(chunk: Json) -> None:
    for delta in _deltas(chunk):
        delta.pop("role", None)


def _put_content_in_parts(chunk: Json) -> None:
    for delta in _deltas(chunk):
        parts: list[Json] = []
        if "reasoning_content" in delta:
            thinking = [{"type": "text", "text": delta.pop("reasoning_content")}]
            parts.append({"type": "thinking", "thinking": thinking})
        if delta.get("content") is not None:
            parts.append({"type": "text", "text": delta["content"]})
        if parts:
            delta["content"] = parts


def _say_empty_refusal(chunk: Json) -> None:
    for delta in _deltas(chunk):
        delta.setdefault("refusal", "")


def _say_null(chunk: Json) -> None:
    for delta in _deltas(chunk):
        for field in ("role", "content", "refusal", "reasoning_content", "tool_calls", "audio"):
            delta.setdefault(field, None)
    for call in _calls(chunk):
        call.setdefault("id", None)
        call.setdefault("type", None)
    for called in _called(chunk):
        called.setdefault("name", None)


def _index(find: Callable[[int], int]) -> Callable[[Json], None]:
    def rewrite(chunk: Json) -> None:
        for call in _calls(chunk):
            call["index"] = find(call["index"])

    return rewrite


def _drop_index(chunk: Json) -> None:
    for call in _calls(chunk):
        call.pop("index")


def _say_empty_ids(chunk: Json) -> None:
    for call in _calls(chunk):
        call.setdefault("id", "")
    for called in _called(chunk):
        called.setdefault("name", "")


def _unwrap_arguments(chunk: Json) -> None:
    for called in _called(chunk):
        if "arguments" in called:
            called["arguments"] = json.loads(called["arguments"])


def _say_usage_to_groq(chunk: Json) -> None:
    if chunk["usage"]:
        chunk["x_groq"] = {"id": "req", "usage": chunk["usage"]}
        chunk["usage"] = None


# In the order in which they are applied. The other quirks are heeded where pieces are made.
_REWRITES: Final[dict[str, Callable[[Json], None]]] = {
    "role on every chunk": _say_role,
    "no role": _drop_role,
    "content in parts": _put_content_in_parts,
    "empty ids again": _say_empty_ids,
    "empty refusals": _say_empty_refusal,
    "null fields": _say_null,
    "arguments as objects": _unwrap_arguments,
    "call index from 1": _index(lambda index: index + 1),
    "call index 0": _index(lambda _index: 0),
    "call index -1": _index(lambda _index: -1),
    "no call index": _drop_index,
    "usage in x_groq": _say_usage_to_groq,
}
