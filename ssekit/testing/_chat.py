# Streams of chat completions: `POST /v1/chat/completions`, and the dialects of its hosts.
#
# What always holds here:
# - If a dialect leaves tool calls without indexes of their own, they come one after the other: the
#   call that a piece belongs to can always be found.

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from ssekit.testing import _choices, _drawing
from ssekit.testing._answers import Additions, Json, Path, Piece, begin, extend, join, put
from ssekit.testing._models import ModelStream
from ssekit.testing._script import Dialect, Dialects, Script, find_quirks, keep_one

__all__ = ["CHAT", "chat_streams"]

# With one of them, no other quirk changes the pieces of calls, which come one after the other.
_CALL_QUIRKS: Final = {
    "placeholder arguments": "the first piece of a tool call has {} as its arguments (LiteLLM)",
    "calls again": "after its pieces, a tool call comes again whole (eliza#9766)",
    "calls again at another index": "a whole call comes again at another index (LocalAI#9722)",
    "arguments at the next index": "the last pieces of a call have the next index (sglang#23071)",
    "names again": "each piece of a tool call has the name (workbuddy2api#82)",
    "names in pieces": "the name of a tool call comes in pieces (hydra#957)",
    "an id per piece": "each piece of a tool call has the name, and another id (vllm#23522)",
    "message at the end": "at the end comes the whole message (hermes-browser-extension#11)",
}

CHAT: Final = Dialects(
    hosts={
        "openai": frozenset(),
        "alibaba": frozenset({"empty ids again", "null fields"}),
        "azure": frozenset({"filters first", "chunks without a delta", "unknown fields"}),
        "bedrock": frozenset({"call index from 1"}),
        "cerebras": frozenset({"calls again"}),
        "deepseek": frozenset({"comments", "null fields"}),
        "gemini": frozenset(
            {"no chunk ids", "no call index", "no call ids", "whole calls", "stop after calls"}
            | {"usage on every chunk", "role on every chunk"}
        ),
        "groq": frozenset({"an id per chunk", "no role", "reasoning", "usage with the finish"}),
        "mistral": frozenset(
            {"whole calls", "no call index", "content in parts", "usage with the finish"}
        ),
        "nebius": frozenset({"arguments at the next index"}),
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
        "workers ai": frozenset({"numbers as text"}),
        "writer": frozenset({"messages so far", "no marker", "null fields"}),
        "xai": frozenset({"whole calls", "calls with the finish", "usage with the finish"}),
        "z.ai": frozenset(
            {"role on every chunk", "call index -1", "whole calls", "arguments as objects"}
        ),
    },
    quirks=_choices.CHOICE_QUIRKS
    | {
        "role on every chunk": "every delta has the role",
        "no role": "no delta has the role",
        "reasoning": "reasoning comes in `reasoning`, not in `reasoning_content`",
        "content in parts": "content is a list of parts, and reasoning is among them",
        "empty refusals": "a delta that has no refusal has an empty one",
        "null fields": "absent fields of a delta or a call are null",
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
    | _CALL_QUIRKS,
)

# With these, a piece of a call belongs to the latest call.
_IN_SEQUENCE: Final = {"no call index", "call index 0", "call index -1"}
_CALLS_ALIKE: Final = _IN_SEQUENCE | {
    "call index from 1", "no call ids", "empty ids again", "whole calls", "arguments as objects",
    "no arguments at first", "null arguments at first", "pieces together", "calls with the finish",
    "null fields",
}  # fmt: skip


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
        text: Content, reasoning, refusals and the input of custom tools, which are cut anywhere. By
            default any text.
        arguments: The arguments of tool calls, whose JSON text is cut anywhere. By default any.
        max_choices: How many choices there are at most.
        max_tool_calls: How many tool calls a choice has at most; several are parallel.
        reasoning: Whether choices may have reasoning.
        refusals: Whether choices may have a refusal.
        custom_tools: Whether tool calls may be of custom tools, whose input is text.
        logprobs: Whether choices may have log probabilities.
        dialect: A host, quirks, or "any": see `ssekit.testing.DIALECTS`.

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
    texts = _drawing.texts if text is None else text
    functions = st.tuples(
        st.sampled_from(["f", "g"]), _drawing.json_objects if arguments is None else arguments
    )
    custom = st.tuples(st.just("custom"), texts if custom_tools else st.nothing())
    filled = texts.filter(bool)  # an empty refusal, or empty reasoning, counts as absent
    contents = st.fixed_dictionaries(
        {
            "reasoning_content": st.none() | (filled if reasoning else st.nothing()),
            "content": st.none() | texts,
            "refusal": st.none() | (filled if refusals else st.nothing()),
            "logprobs": st.booleans() if logprobs else st.just(False),
            "calls": st.lists(functions | custom, max_size=max_tool_calls),
        }
    )
    return _streams(
        find_quirks(dialect, CHAT), st.lists(contents, min_size=1, max_size=max_choices)
    )


@st.composite
def _streams(
    draw: DrawFn, quirks: _drawing.Quirks, contents: SearchStrategy[list[Json]]
) -> ModelStream:
    chosen = keep_one(draw(quirks), sorted(_CALL_QUIRKS), _CALLS_ALIKE)
    for quirk in ("message at the end", "numbers as text"):
        chosen = keep_one(chosen, [quirk], {"messages so far", "content in parts"})
    script = Script(draw, "chat", chosen)
    drawn = enumerate(draw(contents))
    choices = [_ChoiceCutter(script, index).cut(content) for index, content in drawn]
    return _choices.send_chunks(script, "chat.completion.chunk", choices, _REWRITES)


class _ChoiceCutter:
    """Cuts one choice into pieces."""

    def __init__(self, script: Script, index: int) -> None:
        self._script = script
        self._draw = script.draw
        self._quirks = script.quirks
        self._index = index
        self._calls: list[Json] = []
        self._at = ("choices", index)
        message = {"role": "assistant", "content": None, "refusal": None}
        choice = {"index": index, "message": message, "finish_reason": None, "logprobs": None}
        self._begun = begin(choice, *self._at)

    def cut(self, content: Json) -> list[Piece]:
        """Return the pieces: the role, the texts, the calls, and the finish reason."""
        pieces = [self._first_piece(content["content"])]
        if "chunks without a delta" in self._quirks:
            pieces.append(Piece({"index": self._index, "finish_reason": None}, [self._begun]))
        for field in ("reasoning_content", "content", "refusal"):
            if content[field] is not None:
                pieces += self._cut_text(field, content[field], content["logprobs"])
        calls = [self._cut_call(place, *call) for place, call in enumerate(content["calls"])]
        in_turns = not (_IN_SEQUENCE | _CALL_QUIRKS.keys()) & self._quirks
        pieces += _drawing.take_turns(self._draw, calls, in_turns=in_turns)
        if "message at the end" in self._quirks:
            pieces.append(self._whole_message(pieces))
        pieces = self._with_finish(pieces, bool(calls))
        if "messages so far" in self._quirks:
            _add_messages(pieces)
        return pieces

    def _piece(self, delta: Json, additions: Additions | None = None) -> Piece:
        choice = {"index": self._index, "delta": delta, "finish_reason": None, "logprobs": None}
        return Piece(choice, [self._begun, *(additions or ())])

    def _first_piece(self, content: str | None) -> Piece:
        # At OpenAI, the content begins with "" if there will be any.
        if content is None or "content in parts" in self._quirks:
            return self._piece({"role": "assistant", "content": None})
        delta = {"role": "assistant", "content": ""}
        return self._piece(delta, [join("", *self._at, "message", "content")])

    def _cut_text(self, field: str, text: str, logprobs: bool) -> Iterator[Piece]:
        is_reasoning = field == "reasoning_content"
        # Reasoning in parts has no field of its own: it is read as `reasoning_content`.
        renamed = "reasoning" in self._quirks and "content in parts" not in self._quirks
        name = "reasoning" if is_reasoning and renamed else field
        cuts = _drawing.cut_text(self._draw, text)
        numbered = (
            _choices.with_numbers(self._script, cuts)
            if field != "refusal"
            else zip(cuts, cuts, strict=True)
        )
        for cut, spelled in numbered:
            # Content may be empty. Any other field that is empty counts as absent.
            added = spelled or field == "content"
            additions = [join(spelled, *self._at, "message", name)] if added else []
            piece = self._piece({name: cut}, additions)
            if logprobs and not is_reasoning:
                piece = self._with_logprobs(piece, field)
            yield piece

    def _with_logprobs(self, piece: Piece, field: str) -> Piece:
        token = {"token": "t", "logprob": -0.5, "bytes": [116], "top_logprobs": []}
        none = {"content": None, "refusal": None}
        at = (*self._at, "logprobs")
        additions = [*piece.additions, begin(none, *at), extend([token], *at, field)]
        return Piece(piece.body | {"logprobs": none | {field: [token]}}, additions)

    def _cut_call(self, place: int, name: str, content: Json | str) -> list[Piece]:
        """Return the pieces of a call: of a function, or of a custom tool, whose input is text."""
        quirks = self._quirks
        id_ = "" if "no call ids" in quirks else f"call_{self._index}_{place}"
        if isinstance(content, str):
            # Without ids, only the name distinguishes a custom tool's call from the next call.
            kind, field, text, name = "custom", "input", content, f"custom_{place}"
        else:
            # Without ids, a call ends with its arguments, which therefore cannot be empty.
            text = _drawing.encode_arguments(self._draw, content, empty=bool(id_))
            kind, field = "function", "arguments"
            text = json.dumps(content) if "arguments as objects" in quirks else text
        at = (*self._at, "message", "tool_calls", place)
        call = {"id": id_, "type": kind, kind: {"name": name, field: ""}}
        begun = put(call, *at)
        first: Json = {"index": place, **call, kind: {"name": name, field: text}}
        if {"whole calls", "arguments as objects"} & quirks:
            return [self._piece({"tool_calls": [first]}, [begun, put(text, *at, kind, field)])]
        if "no arguments at first" in quirks:
            del first[kind][field]
        else:
            first[kind][field] = None if "null arguments at first" in quirks else ""
        pieces = [self._piece({"tool_calls": [first]}, [begun])]
        for cut in _drawing.cut_text(self._draw, text):
            more = {"index": place, kind: {field: cut}}
            pieces.append(self._piece({"tool_calls": [more]}, [join(cut, *at, kind, field)]))
        if "pieces together" in quirks:
            pieces[:2] = [self._joined(*pieces[:2])]
        if kind == "function":
            self._calls.append({**first, kind: {"name": name, field: text}})
            self._apply_call_quirk(pieces, self._calls[-1], at)
        return pieces

    def _apply_call_quirk(self, pieces: list[Piece], whole: Json, at: Path) -> None:
        """Change the pieces of a function call, the first of which has only the name."""
        calls = [piece.body["delta"]["tool_calls"][0] for piece in pieces]
        fragments = [call["function"].get("arguments") or "" for call in calls]
        text, at = whole["function"]["arguments"], (*at, "function")
        if "placeholder arguments" in self._quirks:
            calls[0]["function"]["arguments"] = "{}"
            pieces[0].additions.append(put("{}", *at, "arguments"))
            for first in [count for count, fragment in enumerate(fragments) if fragment][:1]:
                pieces[first].additions.insert(0, put("", *at, "arguments"))
        elif "arguments at the next index" in self._quirks:
            for call in calls[self._draw(st.integers(1, len(calls) - 1)) :]:
                call["index"] += 1
        elif "names again" in self._quirks:
            for call in calls:
                call["function"]["name"] = whole["function"]["name"]
        elif "names in pieces" in self._quirks:
            more = {"index": whole["index"], "function": {"name": "_of_it", "arguments": ""}}
            pieces.insert(1, self._piece({"tool_calls": [more]}, [join("_of_it", *at, "name")]))
            whole["function"]["name"] += "_of_it"
        elif "an id per piece" in self._quirks:
            for count, call in enumerate(calls):
                if "" != "".join(fragments[:count]) != text:
                    call["id"] = f"{whole['id']}_{count}"
                    call["function"]["name"] = whole["function"]["name"]
        elif "calls again" in self._quirks and text:
            pieces.append(self._piece({"tool_calls": [whole]}))
        elif "calls again at another index" in self._quirks and text:
            pieces.append(self._piece({"tool_calls": [{**whole, "index": whole["index"] + 9}]}))

    def _whole_message(self, pieces: list[Piece]) -> Piece:
        """Return a piece with the whole message. It may replace the last piece of the content."""
        at = (*self._at, "message", "content")
        of_content = [piece for piece in pieces if any(each.path == at for each in piece.additions)]
        added = [each for piece in of_content for each in piece.additions if each.path == at]
        content = "".join(each.value for each in added) if added else None
        # (Not after half a surrogate pair, with which no whole text begins.)
        before = "".join(each.value for each in added[:-1])[-1:]
        if len(added) > 1 and not "\ud800" <= before <= "\udbff" and self._draw(st.booleans()):
            pieces.remove(of_content[-1])
        message = {"role": "assistant", "content": content, "tool_calls": self._calls}
        choice = {"index": self._index, "message": message, "finish_reason": None}
        return Piece(choice, [self._begun, *([put(content, *at)] if added else [])])

    def _joined(self, first: Piece, second: Piece) -> Piece:
        calls = first.body["delta"]["tool_calls"] + second.body["delta"]["tool_calls"]
        return self._piece({"tool_calls": calls}, [*first.additions, *second.additions])

    def _with_finish(self, pieces: list[Piece], called: bool) -> list[Piece]:
        reasons = ["stop", "length", "content_filter"]
        if called:
            reasons = ["stop"] if "stop after calls" in self._quirks else ["tool_calls"]
        last = pieces.pop() if "calls with the finish" in self._quirks else self._piece({})
        return [*pieces, *_choices.end_choice(self._script, last, self._at, *reasons)]


def _add_messages(pieces: list[Piece]) -> None:
    """Add the message so far to each piece of a choice."""
    content = ""
    for piece in pieces:
        content += piece.body.get("delta", {}).get("content") or ""
        piece.body["message"] = {"role": "assistant", "content": content}


# Rewriting chunks.


def _deltas(chunk: Json) -> Iterator[Json]:
    return (choice["delta"] for choice in chunk["choices"] if "delta" in choice)


def _calls(chunk: Json) -> Iterator[Json]:
    return (call for delta in _deltas(chunk) for call in delta.get("tool_calls") or ())


def _function(call: Json) -> Json:
    function: Json = call.get("function") or call["custom"]
    return function


def _each(
    find: Callable[[Json], Iterable[Json]], change: Callable[[Json], object]
) -> Callable[[Json], None]:
    def rewrite(chunk: Json) -> None:
        for found in find(chunk):
            change(found)

    return rewrite


def _put_content_in_parts(delta: Json) -> None:
    parts: list[Json] = []
    if "reasoning_content" in delta:
        thinking = [{"type": "text", "text": delta.pop("reasoning_content")}]
        parts.append({"type": "thinking", "thinking": thinking})
    if delta.get("content") is not None:
        parts.append({"type": "text", "text": delta["content"]})
    if parts:
        delta["content"] = parts


def _add_empty_ids(call: Json) -> None:
    call.setdefault("id", "")
    _function(call).setdefault("name", "")


def _add_nulls(chunk: Json) -> None:
    for delta in _deltas(chunk):
        for field in ("role", "content", "refusal", "reasoning_content", "tool_calls", "audio"):
            delta.setdefault(field, None)
    for call in _calls(chunk):
        call.setdefault("id", None)
        call.setdefault("type", None)
        _function(call).setdefault("name", None)


def _parse_arguments(call: Json) -> None:
    function = _function(call)
    if "arguments" in function:
        function["arguments"] = json.loads(function["arguments"])


def _move_usage_to_groq(chunk: Json) -> None:
    if chunk["usage"]:
        chunk["x_groq"] = {"id": "req", "usage": chunk["usage"]}
        chunk["usage"] = None


def _name_completion(chunk: Json) -> None:
    """Name a chunk with a message a completion: else the message would be the answer so far."""
    if any("message" in choice for choice in chunk["choices"]):
        chunk["object"] = "chat.completion"


# The changes that quirks make to a chunk, in order. The other quirks change how pieces are made.
_REWRITES: Final[dict[str, Callable[[Json], None]]] = {
    "role on every chunk": _each(_deltas, lambda delta: delta.update(role="assistant")),
    "no role": _each(_deltas, lambda delta: delta.pop("role", None)),
    "content in parts": _each(_deltas, _put_content_in_parts),
    "empty ids again": _each(_calls, _add_empty_ids),
    "empty refusals": _each(_deltas, lambda delta: delta.setdefault("refusal", "")),
    "null fields": _add_nulls,
    "arguments as objects": _each(_calls, _parse_arguments),
    "call index from 1": _each(_calls, lambda call: call.update(index=call["index"] + 1)),
    "call index 0": _each(_calls, lambda call: call.update(index=0)),
    "call index -1": _each(_calls, lambda call: call.update(index=-1)),
    "no call index": _each(_calls, lambda call: call.pop("index")),
    "usage in x_groq": _move_usage_to_groq,
    "message at the end": _name_completion,
}
