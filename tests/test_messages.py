"""Messages: the package `messages`."""

import json
from functools import partial
from typing import Any

import pytest

from ssekit import (
    DecodeError,
    Finish,
    ReasoningDelta,
    RefusalDelta,
    ServerSentEvent,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
    messages,
)
from tests.formats import answer_of, deltas_of, encoded, fed, structs_of, wire
from tests.wire import event

Events = list[Any]

push = partial(fed, messages)
run = partial(answer_of, messages)
deltas = partial(deltas_of, messages)


def start(id: str = "m", **fields: Any) -> dict[str, Any]:
    return wire("message_start", message={"id": id, "content": [], **fields})


def began(block: Any, index: Any = 0) -> dict[str, Any]:
    return wire("content_block_start", index=index, content_block=block)


def goes_on(kind: str, index: Any = 0, /, **fields: Any) -> dict[str, Any]:
    return wire("content_block_delta", index=index, delta={"type": kind, **fields})


def untyped(**fields: Any) -> dict[str, Any]:
    return wire("content_block_delta", index=0, delta=fields)


def text(piece: Any, index: Any = 0) -> dict[str, Any]:
    return goes_on("text_delta", index, text=piece)


def thinking(piece: str, index: Any = 0) -> dict[str, Any]:
    return goes_on("thinking_delta", index, thinking=piece)


def given_json(piece: str, index: Any = 0) -> dict[str, Any]:
    return goes_on("input_json_delta", index, partial_json=piece)


def stop(index: Any = 0) -> dict[str, Any]:
    return wire("content_block_stop", index=index)


def ended(reason: Any = "end_turn", **fields: Any) -> dict[str, Any]:
    return wire("message_delta", delta={"stop_reason": reason, **fields})


END = wire("message_stop")


def text_block(words: str, **fields: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **fields}


def thought(words: str, signature: str = "") -> dict[str, Any]:
    return {"type": "thinking", "thinking": words, "signature": signature}


def call(input: Any = None, id: str = "t", name: str = "f", **fields: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": id, "name": name, "input": input or {}, **fields}


SEARCH = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
DREAM = {"type": "dream", "depth": [1]}

# The events, and the content that they make.
CONTENTS: dict[str, tuple[Events, list[Any]]] = {
    "nothing": ([], []),
    "citations": (
        [
            began(text_block("", citations=[{"n": 1}])),
            text("a"),
            goes_on("citations_delta", citation={"n": 2}),
            goes_on("citations_delta", citation={"n": 3}),
            goes_on("citations_delta"),
        ],
        [text_block("a", citations=[{"n": 1}, {"n": 2}, {"n": 3}])],
    ),
    "reasoning": (
        [
            began(thought("")),
            thinking("h"),
            goes_on("thinking_delta", thinking="m", estimated_tokens=5),
            goes_on("signature_delta", signature="x"),
            goes_on("signature_delta", signature="s"),
            goes_on("signature_delta", signature=""),
        ],
        [thought("hm", "s")],
    ),
    "blocks without pieces": (
        [
            began({"type": "redacted_thinking", "data": "x"}, 0),
            stop(0),
            began({"type": "container_upload", "file_id": "f"}, 1),
            began({"type": "web_search_tool_result", "tool_use_id": "s", "content": [{}]}, 2),
            began({"type": "mcp_tool_result", "tool_use_id": "s", "content": "a"}, 3),
        ],
        [
            {"type": "redacted_thinking", "data": "x"},
            {"type": "container_upload", "file_id": "f"},
            {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{}]},
            {"type": "mcp_tool_result", "tool_use_id": "s", "content": "a", "is_error": False},
        ],
    ),
    "an input that never gets whole": (
        [began(call()), given_json('{"a":'), stop(), ended("max_tokens"), END],
        [call(partial_json='{"a":')],
    ),
    "pieces that take turns": (
        [
            began(text_block(""), 7),
            began(call(), 2**40),
            text("a", 7),
            given_json("{", 2**40),
            text("b", 7),
            given_json("}", 2**40),
        ],
        [text_block("ab"), call()],
    ),
    "a text at the index of a call": (
        [began(text_block("")), text("a"), stop(), began(call(), 1), text("b", 1)],
        [text_block("a"), call(), text_block("b")],
    ),
    "a call that begins again, with another id": (
        [began(call()), given_json('{"a"'), began(call(id="u")), given_json(": 1}")],
        [call({"a": 1})],
    ),
    "each block begins as the first, and never ends": (
        [began(thought("")), thinking("hm"), began(text_block("")), text("a"), began(call())],
        [thought("hm"), text_block("a"), call()],
    ),
    "no block begins": (
        [
            thinking("hm"),
            goes_on("signature_delta", signature="s"),
            text("a"),
            goes_on("citations_delta", citation={"n": 1}),
            given_json("{}"),
            goes_on("compaction_delta", content="c"),
        ],
        [
            thought("hm", "s"),
            text_block("a", citations=[{"n": 1}]),
            call(id="", name=""),
            {"type": "compaction", "content": "c"},
        ],
    ),
    "a block that nobody knows": ([began(DREAM), stop(), began({"n": 1}, 1)], [DREAM, {"n": 1}]),
    "pieces of a block that nobody knows": (
        [
            began({**DREAM, "text": "a", "citations": 5}),
            text("b"),
            text("c"),
            goes_on("signature_delta", signature="s"),
            goes_on("citations_delta", citation={"n": 1}),
        ],
        [{**DREAM, "text": "abc", "signature": "s", "citations": [{"n": 1}]}],
    ),
    "an input of a block that nobody knows": (
        [began(DREAM), given_json('{"a":'), given_json("1}"), began(DREAM, 1), given_json("{", 1)],
        [{**DREAM, "input": {"a": 1}}, {**DREAM, "partial_json": "{"}],
    ),
    "two kinds of pieces of a block that nobody knows": (
        [began(DREAM), thinking("hm"), text("a")],
        [{**DREAM, "thinking": "hm"}, text_block("a")],
    ),
    "a message that begins with a call": (
        [start(content=[call({"a": 1}), text_block("a")]), began(text_block(""), 0), text("b", 0)],
        [call({"a": 1}), text_block("a"), text_block("b")],
    ),
    "a message that begins late": ([text("a"), start(), text("b")], [text_block("ab")]),
    "a message that comes whole at its end": (
        [
            start(), began(thought("")), thinking("h"), began(text_block(""), 1), text("a", 1),
            began(call(), 2), given_json('{"a": ', 2), began(call(id="u"), 3), given_json("{}", 3),
            began(DREAM, 4),
            wire("message", id="m", content=[
                thought("hm"), text_block("ab"), call({"a": 1}), call({"b": 2}, "u"), DREAM,
                text_block("c"), call({}, "v"),
            ]),
        ],
        [thought("hm"), text_block("ab"), call({"a": 1}), call(id="u"), DREAM, text_block("c"),
         call(id="v")],
    ),
    "a message that comes whole, divided in another way": (
        [start(), began(text_block("a")), began(text_block("b"), 1),
         start(content=[text_block("ab")]), text("c", 1)],
        [text_block("a"), text_block("bc")],
    ),
    "inputs as the texts of their JSON": (
        [
            start(content=[call('{"a":1}'), call("[1]")]),
            began({**SEARCH, "input": '{"b":2}'}),
            began(call("{"), 1),
        ],
        [
            call({"a": 1}), call() | {"partial_json": "[1]"},
            {**SEARCH, "input": {"b": 2}}, call() | {"partial_json": "{"},
        ],
    ),
    "a piece that is the input": (
        [began(call()), goes_on("input_json_delta", partial_json={"a": [1]})],
        [call({"a": [1]})],
    ),
    "pieces without a type": (
        [
            wire("content_block_start", index=0),
            untyped(thinking="hm"),
            untyped(signature="s"),
            untyped(text="a", type=None),
            wire("content_block_delta", index=0, delta="b"),
            untyped(partial_json="{}"),
            untyped(n=1),
        ],
        [thought("hm", "s"), text_block("ab"), call(id="", name="")],
    ),
    "no index anywhere": (
        [
            began(thought(""), None), thinking("hm", None), stop(None),
            began(text_block(""), None), text("a", None),
            began(call(), None), given_json('{"a":', None), given_json("1}", None), stop(None),
            began(call(id="u"), None), given_json("{}", None), stop(None), stop(None),
        ],
        [thought("hm"), text_block("a"), call({"a": 1}), call(id="u")],
    ),
    "an index in the starts alone": (
        [
            began(call(), 1), began(text_block(""), 2), given_json('{"a"', None), text("a", None),
            given_json(":1}", None), stop(None), given_json('{"b":2}', None),
        ],
        [call({"a": 1}), text_block("a"), call({"b": 2}, id="", name="")],
    ),
    "no index in the starts alone": (
        [began(text_block(""), None), text("a", 1), text("b", 1), stop(1), text("c", 1),
         began(call(), None), stop(2), given_json("{}", 2)],
        [text_block("abc"), call()],
    ),
    "a signature that comes late": (
        [began(thought("")), thinking("hm"), stop(), began(text_block("")), text("a"), stop(),
         goes_on("signature_delta", signature="x"), began(text_block("")),
         goes_on("signature_delta", signature="s"), text("b"),
         goes_on("signature_delta", 1, signature="x"), began(DREAM, 2), stop(2),
         goes_on("signature_delta", 2, signature="y")],
        [thought("hm", "s"), text_block("a"), text_block("b"), thought("", "x"),
         {**DREAM, "signature": "y"}],
    ),
    "pieces before their start": (
        [
            thinking("h", 0), began(thought("", "s"), 0), thinking("m", 0),
            given_json('{"a":', 1), began(call(), 1), given_json("1}", 1), began(call(), 1),
            text("a", 2), began(text_block("b", citations=[]), 2), text("c", 2),
            text("a", 3), began(SEARCH, 3),
        ],
        [thought("hm", "s"), call({"a": 1}), text_block("ac", citations=[]), text_block("a"),
         SEARCH],
    ),
    "results of a shape that is not known": (
        [
            began({"type": "web_search_tool_result", "tool_use_id": "s", "content": "a"}, 0),
            began({"type": "web_fetch_tool_result", "tool_use_id": "s", "content": [1, None]}, 1),
        ],
        [
            {"type": "web_search_tool_result", "tool_use_id": "s", "content": "a"},
            {"type": "web_fetch_tool_result", "tool_use_id": "s", "content": [1, None]},
        ],
    ),
    "fields of unforeseen type count as absent": (
        [
            wire("message_start", message={"id": 5, "content": 5, "usage": 5}),
            wire("message_start", message=5),
            began({"type": "text", "text": 5, "citations": "x"}),
            text(5),
            text("a", None),
            text("b", "x"),
            goes_on("citations_delta", citation=[]),
            wire("content_block_delta", index=0, delta=5),
            wire("content_block_delta", index=0),
            began(5),
            wire("content_block_start"),
            began({"type": "tool_use", "id": [], "name": "f", "input": 5}, 1),
            wire("message_delta", delta=5, usage=[]),
            wire("message_delta", delta="\ud83d"),
        ],
        [text_block("5ab"), call(id="")],
    ),
    "starts without an index, and what follows with one": (
        [
            began(text_block(""), None), text("a"), began(text_block(""), 1), text("b", 1),
            text("c"), stop(), began(text_block(""), None), text("d", 2), stop(2),
        ],
        [text_block("ac"), text_block("b"), text_block("d")],
    ),
    "events that have no place in a message": (
        [
            wire("ping"),
            wire("dreamt", text="a"),
            {"no": "type"},
            goes_on("dream_delta", text="a"),
            stop(5),
        ],
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("events", "content"), CONTENTS.values(), ids=CONTENTS)
def test_content(events: Events, content: list[Any]):
    assert encoded(run(*events))["content"] == content


EMPTY = {"id": "", "type": "message", "role": "assistant", "model": "", "content": [],
         "stop_reason": None, "stop_sequence": None, "usage": {}}  # fmt: skip
FALLBACK = {"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}}
SEARCHED = {"web_search_requests": 1}
COUNTED = {
    "amazon-bedrock-invocationMetrics": {
        "inputTokenCount": 7, "outputTokenCount": 9, "cacheReadInputTokenCount": 2,
    }
}  # fmt: skip
CACHE = {"ephemeral_5m_input_tokens": 1}

# The events, and fields of the message that they make.
HEADS: dict[str, tuple[Events, dict[str, Any]]] = {
    "nothing": ([], EMPTY),
    "null and empty words": (
        [
            start(model="x"),
            ended("end_turn", container={"id": "c"}),
            ended(None, container=None),
            ended(""),
            wire("message_delta"),
        ],
        {"stop_reason": "end_turn", "container": {"id": "c"}, "model": "x"},
    ),
    "usage is cumulative": (
        [
            start(usage={"input_tokens": 5, "output_tokens": 1, "service_tier": "standard",
                         "cache_creation": CACHE}),
            ended() | {"usage": {"output_tokens": 3, "input_tokens": None}},
            ended() | {"usage": {"output_tokens": 9, "server_tool_use": SEARCHED}},
        ],
        {"usage": {"input_tokens": 5, "output_tokens": 9, "service_tier": "standard",
                   "cache_creation": {**CACHE, "ephemeral_1h_input_tokens": 0},
                   "server_tool_use": {**SEARCHED, "web_fetch_requests": 0}}},
    ),
    "fields of the beta API": (
        [
            start(input_transformations=[{"n": 1}]),
            ended() | {"context_management": {"applied_edits": []}, "input_transformations": None},
        ],
        {"context_management": {"applied_edits": []}, "input_transformations": [{"n": 1}]},
    ),
    "what a start has beside its message": (
        [wire("message_start", id="m", model="x", usage={"input_tokens": 5}), start("m")],
        {"id": "m", "model": "x", "usage": {"input_tokens": 5}},
    ),
    "an end that stands beside its place": (
        [ended("end_turn"), wire("message_delta", stop_reason="stop_sequence", stop_sequence="x"),
         wire("message_delta", delta={"usage": {"output_tokens": 3}}, usage=None)],
        {"stop_reason": "stop_sequence", "stop_sequence": "x", "usage": {"output_tokens": 3}},
    ),
    "an end that only the delta of the last event has": (
        [start(), ended(), END | {"stop_reason": None, "delta": {"stop_reason": "max_tokens"}}],
        {"stop_reason": "max_tokens"},
    ),
    "tokens of the prompt, with those of the cache": (
        [start(usage={"prompt_tokens": 9, "cache_read_input_tokens": 4})],
        {"usage": {"input_tokens": 5, "cache_read_input_tokens": 4}},
    ),
    "what Bedrock counted": (
        [start(), END | COUNTED],
        {"usage": {"input_tokens": 7, "output_tokens": 9, "cache_read_input_tokens": 2}},
    ),
    "what Bedrock counted, beside usage": (
        [start(usage={"input_tokens": 5}), END | COUNTED],
        {"usage": {"input_tokens": 5}},
    ),
    "another model takes over": ([start(model="a"), began(FALLBACK)], {"model": "b",
                                                                     "content": [FALLBACK]}),
    "another model takes over, without a name": (
        [start(model="a", role=""), began({"type": "fallback"})],
        {"model": "a", "role": "assistant", "content": [{"type": "fallback"}]},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("events", "fields"), HEADS.values(), ids=HEADS)
def test_heads(events: Events, fields: dict[str, Any]):
    made = encoded(run(*events))
    assert {name: made.get(name) for name in fields} == fields


OVERLOADED = {"type": "overloaded_error", "message": "Overloaded"}


def test_the_request_of_an_error_has_an_id():
    error = push(wire("error", error=OVERLOADED, request_id="r")).error
    assert error.chunk.request_id == "r"


@pytest.mark.parametrize("dialect", [{}, {"stop_reason": 5}], ids=["plain", "dialect"])
def test_another_message_that_is_spliced_in(dialect: Any):
    """A gateway that lost its connection went on with another answer."""
    first = [start("m"), began(call()), given_json('{"a":')]
    another = start("n", **dialect)
    decoder = messages.decoder()
    decoder.feed(b"".join(map(event, [*first, another])))
    error = decoder.error  # at once
    assert isinstance(error, DecodeError)
    assert "another message" in str(error)
    assert error.event == ServerSentEvent(json.dumps(another))
    assert error.partial == run(*first)


@pytest.mark.parametrize("last", [END, wire("error", error=OVERLOADED)])
def test_another_message_after_the_end_of_one(last: Any):
    """A decoder that goes on over another source begins with its message anew."""
    first = push(start("m"), text("a"), last)
    source = [event(data) for data in (start("n"), text("b"), ended(), END)]
    answer = messages.stream(source, decoder=first).until_done()
    assert (answer.id, answer.content) == ("n", [messages.TextBlock(text="b")])


def test_the_same_message_over_another_source():
    first = push(start("m"), text("a"))
    first.close()
    source = [event(data) for data in (start("m"), text("b"), ended(), END)]
    answer = messages.stream(source, decoder=first).until_done()
    assert (answer.id, answer.content) == ("m", [messages.TextBlock(text="ab")])


def test_what_nobody_knows_is_what_it_was():
    unknown = [wire("dreamt", depth={"n": [1]}), goes_on("dream_delta", n=1), began(DREAM)]
    made = messages.decoder().feed(b"".join(map(event, unknown)))
    assert encoded(made) == unknown
    first, second, third = made
    assert isinstance(first, messages.UnknownEvent)
    assert isinstance(second, messages.RawContentBlockDeltaEvent)
    assert isinstance(second.delta, messages.UnknownDelta)
    assert isinstance(third, messages.RawContentBlockStartEvent)
    assert isinstance(third.content_block, messages.UnknownBlock)
    assert (first.type, second.delta.type, third.content_block.type) == (
        *("dreamt", "dream_delta", "dream"),
    )


def test_every_event_and_every_delta_has_a_row():
    events = [event for events, _ in (*CONTENTS.values(), *HEADS.values()) for event in events]
    held = [event["delta"] for event in events if isinstance(event.get("delta"), dict)]
    kinds = {struct.type for struct in structs_of(messages.RawMessageStreamEvent)}
    assert kinds - {event.get("type") for event in events} == {"error"}  # it makes no answer
    pieces = {struct.type for struct in structs_of(messages.RawContentBlockDelta)}
    assert pieces <= {delta.get("type") for delta in held}


# The deltas.

STOP = Finish(0, "stop", "end_turn")


def emitted(*pieces: str) -> list[Any]:
    """Return the deltas of a call whose arguments come in pieces."""
    fragments = [ToolCallDelta(0, 0, "t", "f", piece) for piece in pieces]
    return [*fragments, ToolCall(0, 0, "t", "f", "".join(pieces))]


# The events, and their deltas.
DELTAS: dict[str, tuple[Events, list[Any]]] = {
    "blocks that begin with something": (
        [began(thought("h")), began(text_block("a"), 1), began(DREAM | {"text": "x"}, 2)],
        [ReasoningDelta(0, "h"), TextDelta(0, "a")],
    ),
    "a call without arguments": ([began(call()), given_json(""), stop()], emitted("", "{}")),
    "a call that stands in the start": (
        [began(call({"a": "é"})), stop()],
        emitted("", '{"a":"é"}'),
    ),
    "equal calls without an id": (
        [began(call(id="")), stop(), began(call(id="")), stop()],
        [ToolCallDelta(0, 0, "", "f", ""), ToolCallDelta(0, 1, "", "f", ""),
         ToolCallDelta(0, 0, "", "f", "{}"), ToolCall(0, 0, "", "f", "{}"),
         ToolCallDelta(0, 1, "", "f", "{}"), ToolCall(0, 1, "", "f", "{}")],
    ),
    "a call that never begins": ([given_json("{}"), stop()], []),
    "a call that begins once more": (
        [began(call(name="")), began(call()), given_json("{"), began(call()), given_json("}"),
         stop(), began(call()), given_json("{}"), stop(),
         began(call({"a": 1}, "u"), 1), stop(1), began(call({"a": 1}, "u"), 2), stop(2)],
        [ToolCallDelta(0, 0, "t", "", ""), *emitted("{", "}"),
         ToolCallDelta(0, 1, "u", "f", ""), ToolCallDelta(0, 1, "u", "f", '{"a":1}'),
         ToolCall(0, 1, "u", "f", '{"a":1}')],
    ),
    "a call that begins once more at another index, and not whole": (
        [began(call({"a": 1})), began(call({"a": 1}), 1), stop(1), stop(),
         *(began(call({"a": 1}), index) for index in (1, 2)), stop(1), stop(2), began(call(), 2)],
        emitted("", '{"a":1}'),  # whether the last one is another is not known yet
    ),
    "pieces of a call to come, while another is open": (
        [began(call()), given_json("[1]"), given_json("[", 1), began(call(id="u"), 1), stop(0)],
        [*emitted("", "[1]")[:-1], ToolCallDelta(0, 1, "u", "f", "["), emitted("", "[1]")[-1]],
    ),
    "pieces of a call at the index of another block": (
        [began(text_block("")), began(call(), 1), given_json("{"), given_json("}", 5), stop(1)],
        emitted("", "{", "}"),
    ),
    "pieces without an index": (
        [began(thought(""), 0), began(call(), 1), thinking("hm", None), given_json("{}", None),
         text("a", None)],
        [ToolCallDelta(0, 0, "t", "f", ""), ReasoningDelta(0, "hm"), TextDelta(0, "a"),
         ToolCallDelta(0, 0, "t", "f", "{}"), ToolCall(0, 0, "t", "f", "{}")],
    ),
    "a message that is one event": (
        [wire("message", content=[thought("hm"), text_block("a"), call({"a": 1})],
              stop_reason="tool_use", usage={"output_tokens": 3})],
        [Usage(output_tokens=3), ReasoningDelta(0, "hm"), TextDelta(0, "a"),
         *emitted("", '{"a":1}'), Finish(0, "tool_calls", "tool_use")],
    ),
    "the whole message at the end": (
        [start(), began(text_block("")), text("a"), began(call(), 1), given_json("{", 1),
         wire("message", content=[text_block("ab"), call({"a": 1})], stop_reason="tool_use")],
        [TextDelta(0, "a"), ToolCallDelta(0, 0, "t", "f", ""), ToolCallDelta(0, 0, "t", "f", "{"),
         TextDelta(0, "b"), ToolCallDelta(0, 0, "t", "f", '"a":1}'),
         ToolCall(0, 0, "t", "f", '{"a":1}'), Finish(0, "tool_calls", "tool_use")],
    ),
    "usage that counts no more tokens": (
        [start(usage={"input_tokens": 1}), ended(usage={"server_tool_use": SEARCHED}), END],
        [Usage(1), STOP],
    ),
    "usage of the last event, after another one": (
        [start(), ended(usage={"output_tokens": 2}),
         END | {"usage": {"input_tokens": 1, "output_tokens": 0},
                "message": {"usage": {"output_tokens": 1}}}],
        [Usage(None, 2), Usage(1, 2, 3), STOP],
    ),
    "a call that ends with the message": ([began(call()), END], emitted("", "{}")),
    "a call that is cut off": (
        [began(call()), given_json('{"a'), stop(), ended("max_tokens"), END],
        [*emitted("", '{"a')[:-1], Finish(0, "length", "max_tokens")],
    ),
    "a call of what is no JSON, as a model may write": (
        [began(call()), given_json('{"a'), stop(), ended("tool_use"), END],
        [*emitted("", '{"a'), Finish(0, "tool_calls", "tool_use")],
    ),
    "calls of others are not the caller's": (
        [began(SEARCH), given_json("{}"), stop(), began(DREAM, 1), given_json("{}", 1)],
        [],
    ),
    "a refusal": (
        [start(), ended("refusal", stop_details={"type": "refusal", "explanation": "no"}), END],
        [RefusalDelta(0, "no"), Finish(0, "content_filter", "refusal")],
    ),
    "events without deltas": (
        [text("a"), wire("dreamt"), wire("ping"), start(), goes_on("dream_delta"), stop(9),
         text("b"), goes_on("dream_delta")],
        [TextDelta(0, "a"), TextDelta(0, "b")],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("events", "stated"), DELTAS.values(), ids=DELTAS)
def test_deltas(events: Events, stated: list[Any]):
    assert deltas(*events) == stated
