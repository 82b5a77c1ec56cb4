"""Chat completions: `chat.py`."""

from functools import partial
from typing import Any

import pytest

from ssekit import (
    ReasoningDelta,
    ServerSentEvent,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
    chat,
)
from tests.formats import answer_of, deltas_of, encoded, fed, only

run, deltas = partial(answer_of, chat), partial(deltas_of, chat)


def chunk(delta: Any = None, **choice: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta or {}, **choice}]}


def message(*chunks: Any) -> dict[str, Any]:
    """Return the message that some chunks make, as the vendor would encode it."""
    answer = encoded(run(*chunks))
    return dict(answer["choices"][0]["message"])


def piece(index: int | None, id: str | None, name: str | None, arguments: Any) -> dict[str, Any]:
    """Return a piece of a call."""
    fields = {"index": index, "id": id, "function": {"name": name, "arguments": arguments}}
    return {name: value for name, value in fields.items() if value is not None}


def calls(*pieces: Any) -> dict[str, Any]:
    """Return a delta of some pieces of calls."""
    return {"tool_calls": list(pieces)}


def call(index: int | None, id: str | None, name: str | None, arguments: Any) -> dict[str, Any]:
    return calls(piece(index, id, name, arguments))


def made(id: str, name: str, arguments: str, **more: Any) -> dict[str, Any]:
    """Return a call of a message."""
    function = {"name": name, "arguments": arguments}
    return {"type": "function", "id": id, "function": function, **more}


def custom(input: str, **fields: Any) -> dict[str, Any]:
    """Return a piece of a call of a custom tool, or such a call."""
    return {"id": "a", "custom": {"name": "f", "input": input}, **fields}


def thoughts(*details: Any) -> dict[str, Any]:
    """Return a delta of some reasoning details, or the field of a message."""
    return {"reasoning_details": list(details)}


def detail(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": f"reasoning.{kind}", **fields}


SIGNED = {"extra_content": {"google": {"thought_signature": "x"}}}

# The deltas, and the fields of the message that they make.
MESSAGES: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "nothing": ([{}], {"role": "assistant", "content": None, "refusal": None}),
    "an empty text": ([{"content": ""}], {"content": ""}),
    "the role": ([{"role": "tool"}], {"role": "assistant"}),
    "a refusal": ([{"refusal": ""}, {"refusal": "n"}, {"refusal": "o"}], {"refusal": "no"}),
    "an empty refusal is none": ([{"refusal": ""}], {"refusal": None}),
    "reasoning": ([{"reasoning": "a"}, {"reasoning": "b"}], {"reasoning": "ab"}),
    "reasoning_text, and what is to be sent back (Copilot)": (
        [
            {"reasoning_text": "a"},
            {"reasoning_text": "b", "reasoning_opaque": "x\ud83d"},
            {"reasoning_opaque": ""},
        ],
        {"reasoning_text": "ab", "reasoning_opaque": "x\ufffd"},
    ),
    "pieces of calls that are the delta (Cortex)": (
        [
            {"type": "tool_use", "tool_use_id": "a", "name": "f"},
            {"type": "tool_use", "tool_use_id": "a", "name": "f", "input": "["},
            {"type": "tool_use", "input": 1},
            {"type": "tool_use", "input": "]"},
            {"type": "tool_use", "tool_use_id": "b", "name": "g", "input": {"n": 1}},
            {"type": "text", "content": "a"},
        ],
        {**calls(made("a", "f", "[1]"), made("b", "g", '{"n": 1}')), "content": "a"},
    ),
    "one call that stands in no list (Text Generation Inference)": (
        [{"tool_calls": piece(0, "a", "f", "[")}, {"tool_calls": piece(0, None, None, "]")}],
        calls(made("a", "f", "[]")),
    ),
    "a thought signature (Google)": (
        [calls({**piece(None, "a", "f", "{}"), **SIGNED})],
        calls(made("a", "f", "{}", **SIGNED)),
    ),
    "a custom tool": (
        [
            calls(custom("x", index=0, type="custom")),
            calls({"index": 0, "custom": {"input": "y"}}, {"index": 0}),
        ],
        calls(custom("xy", type="custom")),
    ),
    "a custom tool whose pieces have its id and name": (
        [calls(custom(stated, index=0)) for stated in ("{}", "{}", " more")],
        calls(custom("{}{} more", type="custom")),
    ),
    "the deprecated function_call": (
        [{"function_call": {"name": "f", "arguments": ""}}, {"function_call": {"arguments": "{}"}}],
        {"function_call": {"name": "f", "arguments": "{}"}},
    ),
    "annotations": (
        [{"annotations": [{"type": "url_citation"}]}, {"annotations": [{"type": "other"}, {}]}],
        {"annotations": [{"type": "url_citation"}, {"type": "other"}, {}]},
    ),
    "images": ([{"images": [{"n": 1}]}, {"images": [{"n": 2}]}], {"images": [{"n": 1}, {"n": 2}]}),
    "executed tools (Groq)": (
        [
            {"executed_tools": [{"index": 0, "type": "search", "output": None}]},
            {"executed_tools": [{"index": 0, "type": "search", "output": "x"}, {"index": 1}]},
        ],
        {"executed_tools": [{"index": 0, "type": "search", "output": "x"}, {"index": 1}]},
    ),
    "reasoning details that are one block (OpenRouter)": (
        [
            thoughts(detail("text", text="a", index=0, format=None, signature="")),
            thoughts(detail("text", text="b", index=0, format="f")),
            thoughts(detail("text", index=0, signature="s")),
            thoughts(detail("text", index=0, format=None)),
        ],
        thoughts(detail("text", text="ab", index=0, format="f", signature="s")),
    ),
    "reasoning details that are signed": (
        [
            thoughts(detail("text", text="a", signature="s")),
            thoughts(detail("text", text="b", signature="s")),
            thoughts(detail("text", text="c")),
            thoughts(detail("text", text="", signature="t")),
            thoughts(detail("text", text="d", signature="u")),
        ],
        thoughts(
            detail("text", text="ab", signature="s"),
            detail("text", text="c", signature="t"),
            detail("text", text="d", signature="u"),
        ),
    ),
    "reasoning details whose data is whole": (
        [
            thoughts(detail("encrypted", data="AAA")),
            thoughts(detail("encrypted", format="f")),
            thoughts(detail("encrypted", data="BBB")),
        ],
        thoughts(detail("encrypted", data="AAA", format="f"), detail("encrypted", data="BBB")),
    ),
    "a thought signature on text (Google)": (
        [
            {"content": "a", **SIGNED},
            {"content": "b", "extra_content": {"google": None, "other": 1}},
        ],
        {"extra_content": {**SIGNED["extra_content"], "other": 1}},
    ),
    "reasoning details that are not": (
        [
            thoughts(detail("summary", summary="a", index=0)),
            thoughts(detail("encrypted", data="x", id="1", index=0)),
            thoughts(detail("encrypted", data="y", id="2", index=0)),
            thoughts(detail("encrypted", data="z", index=1), {"text": 5}),
        ],
        thoughts(
            detail("summary", summary="a", index=0),
            detail("encrypted", data="x", id="1", index=0),
            detail("encrypted", data="y", id="2", index=0),
            detail("encrypted", data="z", index=1),
            {"text": 5},
        ),
    ),
    "fields of unforeseen type count as absent": (
        [
            {"role": 5, "content": {}, "reasoning": [], "tool_calls": 5, "audio": 5},
            {
                "content": "a",
                "tool_calls": [5, {"index": "x", "id": 5, "function": 5, "custom": 5}],
            },
            {"content": "b", "annotations": [5, {"n": 1}], "function_call": 5, "images": {}},
        ],
        {"content": "ab", "annotations": [{"n": 1}], "tool_calls": None},
    ),
}


@pytest.mark.parametrize(("deltas", "fields"), MESSAGES.values(), ids=MESSAGES)
def test_messages(deltas: list[Any], fields: dict[str, Any]):
    made = message(*map(chunk, deltas))
    assert {name: made.get(name) for name in fields} == fields


def test_a_message_has_no_field_that_did_not_come():
    assert set(message(chunk({"content": "a"}))) == {"role", "content", "refusal"}


def beside(**fields: Any) -> dict[str, Any]:
    """Return a chunk of what is beside the choices."""
    return {"choices": [], **fields}


COUNTS = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
NO_COUNTS = dict.fromkeys(COUNTS, 0)

# The chunks, and the fields of the result that they make, beside the choices.
RESULTS: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "nothing": (
        [],
        {"id": "", "object": "chat.completion", "created": 0, "model": "", "choices": []},
    ),
    "the first id and time, the newest model": (
        [
            beside(id="", created=0, model=""),
            beside(id="1", created=5, model="m"),
            beside(id="2", created=6, model="n"),
            beside(id=None, created=None, model=""),
        ],
        {"id": "1", "created": 5, "model": "n"},
    ),
    "usage that changes a part of a sum": (
        [beside(usage=COUNTS), beside(usage={"completion_tokens": 7})],
        {"usage": {"prompt_tokens": COUNTS["prompt_tokens"], "completion_tokens": 7}},
    ),
    "usage of no total, after tokens (MiniMax)": (
        [beside(usage=COUNTS), beside(usage={"total_tokens": 0})],
        {"usage": COUNTS},
    ),
    "usage in a choice and of the chunk": (
        [{**chunk(usage={"prompt_tokens": 5}), "usage": COUNTS}],
        {"usage": COUNTS},
    ),
    "usage in x_groq alone (Groq)": (
        [beside(x_groq={"usage": COUNTS})],
        {"usage": None, "x_groq": {"usage": COUNTS}},
    ),
    "the newest of all other fields": (
        [
            beside(service_tier="default", system_fingerprint="f", provider="p"),
            beside(service_tier="", system_fingerprint=None, provider=""),
            beside(moderation={"input": 1}, citations=["u"], search_results=[{"u": 1}]),
            beside(prompt_filter_results=[{"prompt_index": 0}], timings={"n": 1}),
            beside(citations=["u", "v"]),
        ],
        {
            "service_tier": "default",
            "system_fingerprint": "f",
            "provider": "p",
            "moderation": {"input": 1},
            "citations": ["u", "v"],
            "search_results": [{"u": 1}],
            "prompt_filter_results": [{"prompt_index": 0}],
            "timings": {"n": 1},
        },
    ),
    "zeros after the counts in x_groq": (
        [beside(x_groq={"usage": COUNTS}), beside(x_groq={"usage": NO_COUNTS})],
        {"usage": None, "x_groq": {"usage": COUNTS}},
    ),
    "x_groq, field by field": (
        [
            beside(x_groq={"id": "1", "seed": 5}),
            beside(x_groq={"id": "1", "usage": {"prompt_tokens": 2}}),
        ],
        {"x_groq": {"id": "1", "seed": 5, "usage": {"prompt_tokens": 2}}},
    ),
}


@pytest.mark.parametrize(("chunks", "fields"), RESULTS.values(), ids=RESULTS)
def test_results(chunks: list[Any], fields: dict[str, Any]):
    made = encoded(run(*chunks))
    assert {name: made.get(name) for name in fields} == fields


def test_what_a_choice_has_beside_its_message():
    answer = run(
        chunk(finish_reason="stop", native_finish_reason="end_turn", stop_reason="###"),
        chunk(finish_reason=None, matched_stop=1, content_filter_results={"hate": {"a": 1}}),
        chunk(
            finish_reason="",
            stop_reason="",
            matched_stop="",
            content_filter_results={"hate": None, "self_harm": {"b": 2}},
        ),
    )
    (choice,) = answer.choices
    assert choice.finish_reason == "stop"
    assert choice.native_finish_reason == "end_turn"
    assert (choice.stop_reason, choice.matched_stop) == ("###", 1)
    assert choice.content_filter_results == {"hate": {"a": 1}, "self_harm": {"b": 2}}


def test_logprobs():
    tokens = [{"token": t, "logprob": -0.5, "bytes": [97], "top_logprobs": []} for t in "abc"]
    answer = run(
        chunk(logprobs={"content": tokens[:1], "refusal": None}),
        chunk(logprobs=None),
        chunk(logprobs={"content": tokens[1:], "refusal": []}),
    )
    made = encoded(answer.choices[0].logprobs)
    assert made == {"content": tokens, "refusal": []}


@pytest.mark.parametrize("count", [1, 200])
def test_the_tokens_of_a_result_are_structs(count: int):
    content = [{"token": "a", "logprob": -0.5, "bytes": None, "top_logprobs": []}] * count
    content[0] |= {"top_logprobs": [{"token": "b", "logprob": -1.0}]}
    logprobs = run(chunk(logprobs={"content": content})).choices[0].logprobs
    assert logprobs is not None
    assert logprobs.content is not None
    assert logprobs.content[0].top_logprobs == (chat.TopLogprob("b", -1.0),)
    assert [token.token for token in logprobs.content] == ["a"] * count


def test_logprobs_of_reasoning():
    token = {"token": "a", "logprob": -0.5, "bytes": None, "top_logprobs": []}
    answer = run(chunk(logprobs={"reasoning_content": [token]}), chunk(logprobs={"content": []}))
    assert encoded(answer.choices[0].logprobs) == {
        "content": [],
        "refusal": None,
        "reasoning_content": [token],
    }


def test_reasoning_that_is_in_details_alone():
    details = [detail("text", text="h"), detail("summary", summary="m"), {"text": 5}]
    chunks = [chunk(thoughts(each)) for each in details]
    assert deltas(*chunks) == [ReasoningDelta(0, "h"), ReasoningDelta(0, "m")]
    assert fed(chat, *chunks).accumulator.reasoning == "hm"
    beside = [chunk({"reasoning": "x", **thoughts(details[0])}), *chunks]
    assert fed(chat, *beside).accumulator.reasoning == "x"
    assert deltas(*beside) == [ReasoningDelta(0, "x")]


def test_a_chunk_can_be_sent_on():
    """What is required of a chunk is there, and what is not stated is not."""
    sent = chat.decode(ServerSentEvent('{"choices": [{"delta": {"content": "a"}}]}'))
    assert encoded(sent) == {
        "choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": None}]
    }
    assert encoded(chat.decode(ServerSentEvent('{"choices": [{}]}')))["choices"] == [
        {"index": 0, "delta": {}, "finish_reason": None}
    ]


def test_a_choice_without_a_delta():
    """Azure's filter chunks have no delta; null is the same."""
    answer = run(
        {"choices": [{"index": 0, "finish_reason": "stop", "content_filter_offsets": {}}]},
        {"choices": [{"index": 0, "delta": None}, None, 5]},
    )
    assert answer.choices[0].message.content is None


SO_FAR = {"message": {"content": "ab"}}
CHUNK, COMPLETION = {"object": "chat.completion.chunk"}, {"object": "chat.completion"}

# A choice, what the chunk has beside it, and their text.
WHOLE: dict[str, tuple[dict[str, Any], dict[str, Any], str | None]] = {
    "a message alone": (SO_FAR, COMPLETION, "ab"),
    "a message alone, of no object": (SO_FAR, {}, "ab"),
    "a message of parts": ({"message": {"content": [{"text": "a"}]}}, COMPLETION, "a"),
    "a message and no delta": ({**SO_FAR, "delta": None}, COMPLETION, "ab"),
    "a message and a delta": ({**SO_FAR, "delta": {"content": "b"}}, COMPLETION, "b"),
    "a message that is none": ({"message": None, "delta": {"content": "b"}}, COMPLETION, "b"),
    "a message so far (Writer)": ({**SO_FAR, "delta": {"content": "b"}}, CHUNK, "b"),
    "a message so far, and no delta": (SO_FAR, CHUNK, "ab"),
}


@pytest.mark.parametrize(("choice", "beside", "text"), WHOLE.values(), ids=WHOLE)
def test_a_message_in_the_place_of_a_delta(choice: Any, beside: Any, text: str | None):
    assert run({**beside, "choices": [choice]}).choices[0].message.content == text


@pytest.mark.parametrize("stated", [{"delta": {"content": "ab"}}, SO_FAR], ids=["pieces", "whole"])
def test_a_message_at_the_end_is_what_came_before(stated: Any):
    """MiniMax ends with the whole answer, which has the usage and the calls again."""
    calls = call(None, "c", "f", "{}")
    stated = {name: {**fields, **calls} for name, fields in stated.items()}
    whole = {"message": {**SO_FAR["message"], **calls}, "finish_reason": "stop"}
    chunks = {"choices": [stated]}, {**COMPLETION, "choices": [whole], "usage": COUNTS}
    answer = run(*chunks)
    assert (answer.choices[0].message.content, answer.usage) == (
        "ab",
        chat.CompletionUsage(2, 1, 3),
    )
    emitted = deltas(*chunks)
    assert [delta.text for delta in only(emitted, TextDelta)] == ["ab"]
    assert len(only(emitted, ToolCall)) == 1


def test_a_message_at_the_end_adds_what_did_not_come_before():
    stated = {"reasoning_content": "hm", "content": "a", "images": [{"n": 1}]}
    whole = {**stated, "content": "ab", "refusal": "no", **call(None, "c", "f", "{}")}
    chunks = chunk(stated), {**COMPLETION, "choices": [{"message": whole}]}
    assert message(*chunks) == {**whole, **calls(made("c", "f", "{}")), "role": "assistant"}
    assert "".join(delta.text for delta in only(deltas(*chunks), TextDelta)) == "ab"


def test_messages_of_choices_that_have_no_index():
    chunks = [{**COMPLETION, "choices": [{"message": {"content": letter}} for letter in "ab"]}]
    assert fed(chat, *chunks).accumulator.text == "ab"
    assert deltas(*chunks) == [TextDelta(0, "a"), TextDelta(0, "b")]


# The deltas.


# The pieces of the arguments of a call, chunk by chunk, and those of their deltas.
HELD = {
    "a placeholder": ([["{}"], ['{"a'], ['":1}']], ["", "", '{"a', '":1}']),
    "a placeholder in one chunk with what comes": ([["{}", "{"], ["}"]], ["", "", "{", "}"]),
    "no placeholder": ([["{}"], [""], [" "]], ["", "", "", "{} "]),
    "no arguments": ([["", "{}"]], ["", "", "", "{}"]),
}


@pytest.mark.parametrize(("pieces", "stated"), HELD.values(), ids=HELD)
def test_what_may_be_a_placeholder_is_emitted_when_it_is_none(pieces: Any, stated: list[str]):
    chunks = [chunk(calls(*(piece(0, None, None, p) for p in group))) for group in pieces]
    *emitted, whole = deltas(chunk(call(0, "x", "f", None)), *chunks)
    assert [delta.arguments for delta in emitted] == stated
    assert whole == ToolCall(0, 0, "x", "f", "".join(stated))


def test_calls_of_several_choices_in_one_chunk():
    stated = deltas(
        {"choices": [{"index": i, "delta": call(0, f"x{i}", "f", "[1]")} for i in (1, 0)]}
    )
    assert stated[:2] == [
        ToolCallDelta(1, 0, "x1", "f", "[1]"),
        ToolCallDelta(0, 0, "x0", "f", "[1]"),
    ]
    assert stated[2:] == [ToolCall(0, 0, "x0", "f", "[1]"), ToolCall(1, 0, "x1", "f", "[1]")]


# Which call a piece belongs to: the pieces (index, id, name, arguments), and the calls (id, name,
# arguments) that they make.
A1, A2 = '{"a":1}', '{"a":2}'
Pieces = list[tuple[Any, ...]]
CALLS: dict[str, tuple[Pieces, Pieces]] = {
    # A call is open until its arguments are whole.
    "a piece without an index goes on with the latest open call": (
        [(0, "a", "f", "["), (1, "b", "g", "["), (None, None, None, "1]"), (None, "", "", "2]")],
        [("a", "f", "[2]"), ("b", "g", "[1]")],
    ),
    "a name in pieces, as long as no tool has": (
        [(0, "a", "f" * 1_000, None), (0, None, "g", None)],
        [("a", "f" * 1_000, ""), ("", "g", "")],
    ),
    "an index is a key": (
        [(10**12, "a", "f", "1"), (-1, "b", "g", "2"), (1, "c", "h", "3"), (-1, None, None, "4")],
        [("a", "f", "1"), ("b", "g", "24"), ("c", "h", "3")],
    ),
    "an id in a later piece": ([(0, None, "f", None), (0, "a", None, "{}")], [("a", "f", "{}")]),
    # An id that comes again, or a new one for each piece.
    "an id again, at another index": (
        [(0, "a", "f", "{"), (1, "b", "g", ""), (5, "a", None, "}"), (5, None, None, " ")],
        [("a", "f", "{} "), ("b", "g", "")],
    ),
    "one id of every call, at indices (DeepSeek, GLM)": (
        [(0, "x", "f", '{"a":1}'), (1, "x", "g", "{"), (0, "x", None, " "), (1, "x", None, "}")],
        [("x", "f", '{"a":1} '), ("x", "g", "{}")],
    ),
    "one id and one name, at one index (Google's adapters)": (
        [(0, "f", "f", "[1]"), (0, "f", "f", "["), (0, "f", "f", "2]"), (0, "f", "f", "[3]")],
        [("f", "f", "[1]"), ("f", "f", "[2]"), ("f", "f", "[3]")],
    ),
    "one id and another name, without an index": (
        [(None, "x", "f", ""), (None, "x", "g", "[1]"), (None, "x", None, " ")],
        [("x", "f", ""), ("x", "g", "[1] ")],
    ),
    "an id and nothing else": ([(0, "a", None, None), (0, "", "", "")], []),
    "another id and nothing else": (
        [(0, "a", "f", "{}"), (0, "b", None, None), (0, None, "g", "[]")],
        [("a", "f", "{}"), ("b", "g", "[]")],
    ),
    # A name that comes again.
    "a name again, at its index, and nothing else": (
        [(0, "a", "f", "["), (0, None, "f", None), (0, None, "f", " "), (0, None, None, "]")],
        [("a", "f", "[ ]")],
    ),
    "a name again, after whole arguments": (
        [(0, "a", "f", "[1]"), (0, None, "f", "")],
        [("a", "f", "[1]")],
    ),
    "a name again, after whole arguments, and then others": (
        [(0, "a", "f", A1), (0, None, "f", None), (0, None, None, A2[:3]), (0, None, None, A2[3:])],
        [("a", "f", A1), ("", "f", A2)],
    ),
    "a name again, after whole arguments, and then the same": (
        [(0, "a", "f", A1), (0, None, "f", None), (0, None, None, A1)],
        [("a", "f", A1)],
    ),
    # Other ids and other names at one index.
    "another id with the name, within the arguments": (
        [(0, "a", "f", '{"a"'), (0, "b", "f", ":1}")],
        [("a", "f", A1)],
    ),
    "another id with the name, before the arguments": (
        [(0, "a", "f", ""), (0, "b", "f", A1)],
        [("a", "f", ""), ("b", "f", A1)],
    ),
    "a name in pieces": (
        [(0, "a", "get_", None), (0, None, "wea", None), (0, "", "ther", "["), (0, "a", None, "]")],
        [("a", "get_weather", "[]")],
    ),
    "a name that grows, with its id": (
        [(0, "a", "get", None), (0, "a", "get_weather", "[]")],
        [("a", "get_weather", "[]")],
    ),
    "another name without ids": (
        [(0, None, "f", "["), (0, None, "g", "[]")],
        [("", "f", "["), ("", "g", "[]")],
    ),
    # What is whole and comes again.
    "the arguments again, after their pieces": (
        [(0, "a", "f", A1[:3]), (0, None, None, A1[3:]), (0, None, None, A1)],
        [("a", "f", A1)],
    ),
    "an object in the arguments that is like them": (
        [(0, "a", "f", A1[:5]), (0, None, None, A1), (0, None, None, "}")],
        [("a", "f", '{"a":{"a":1}}')],
    ),
    "a call again, at its index": ([(0, "a", "f", A1), (0, "a", "f", A1)], [("a", "f", A1)]),
    "a call again, at another index": ([(0, "a", "f", A1), (5, "a", "f", A1)], [("a", "f", A1)]),
    "a call again, without an index": ([(0, "a", "f", A1), (None, "a", "f", A1)], [("a", "f", A1)]),
    "a call again, when another has begun": (
        [(0, "a", "f", A1[:3]), (0, None, None, A1[3:]), (1, "b", "g", A2), (2, "a", "f", A1)],
        [("a", "f", A1), ("b", "g", A2)],
    ),
    "a call again, after a placeholder": (
        [(0, "a", "f", "null"), (0, "a", "f", A1[:3]), (0, "a", "f", A1[3:])],
        [("a", "f", A1)],
    ),
    "equal calls without ids": (
        [(0, None, "f", A1), (1, None, "f", A1), (None, None, "f", A1)],
        [("", "f", A1)] * 3,
    ),
    "what follows the end is no repetition": (
        [(0, "a", "f", "[1]"), (0, None, None, "[1]x")],
        [("a", "f", "[1][1]x")],
    ),
    # A value that the arguments begin with.
    "an empty object, and then another call": (
        [(0, "", "f", "{}"), (0, "", "", "{"), (0, "", "f", "}"), (0, "", "f", "[]")],
        [("", "f", "{}"), ("", "f", "[]")],
    ),
    "white space after the end, with the id and the name in each piece": (
        [(0, "a", "f", '{"a"'), (0, "a", "f", ":1}"), (0, "a", "f", "\n")],
        [("a", "f", A1 + "\n")],
    ),
    "an empty object alone": ([(0, "a", "f", "{}"), (0, None, None, "")], [("a", "f", "{}")]),
    "an empty object twice": ([(0, "a", "f", "{}"), (0, None, None, "{}")], [("a", "f", "{}")]),
}


def check_whole_calls(*chunks: Any) -> list[ToolCall]:
    """Return the calls that come whole, whose arguments are those of their pieces."""
    emitted = deltas(*chunks)
    whole = only(emitted, ToolCall)
    for made in whole:
        pieces = [delta for delta in only(emitted, ToolCallDelta) if delta.place == made.place]
        assert "".join(delta.arguments for delta in pieces) == made.arguments
    return whole


@pytest.mark.parametrize("choice", [0, 3])
@pytest.mark.parametrize("at_once", [False, True], ids=["chunk by chunk", "in one chunk"])
@pytest.mark.parametrize(("pieces", "made"), CALLS.values(), ids=CALLS)
def test_which_call_a_piece_belongs_to(pieces: Pieces, made: Pieces, at_once: bool, choice: int):
    stated = [piece(*fields) for fields in pieces]
    chunks = [
        chunk(calls(*group), index=choice) for group in ([stated] if at_once else zip(stated))
    ]
    answer = run(*chunks)
    known = answer.choices[0].message.tool_calls or []
    assert [(call.id, call.function.name, call.function.arguments) for call in known] == made
    whole = check_whole_calls(*chunks, chunk(index=choice, finish_reason="stop"))
    assert [(call.id, call.name, call.arguments) for call in whole] == made


# A finish reason, and the calls "a" to "d" that come whole at it.
CUT = {
    "stop": "abcd",
    "tool_calls": "abcd",
    "TOOL_USE": "abcd",
    "length": "a",
    "max_tokens": "a",
    "content_filter": "ac",
    "error": "ac",
    "dreamt": "ac",
    None: "ac",
}


@pytest.mark.parametrize(("word", "names"), CUT.items(), ids=str)
def test_a_call_that_may_be_cut_is_not_emitted_whole(word: str | None, names: str):
    stated = [
        (0, "a", "f", "[1]"),
        (1, "b", "f", "[2"),
        (2, "c", "f", ""),
        (3, "d", "f", "no JSON"),
    ]
    chunks = [chunk(calls(*(piece(*fields) for fields in stated))), chunk(finish_reason=word)]
    assert [call.id for call in check_whole_calls(*chunks)] == list(names)
    known = run(*chunks).choices[0].message.tool_calls or []
    assert [call.id for call in known] == list("abcd")


@pytest.mark.parametrize(
    ("word", "ids"), [("stop", "ab"), ("length", "a"), ("content_filter", "a"), (None, "ab")]
)
def test_the_last_input_of_a_custom_tool_may_be_cut(word: str | None, ids: str):
    stated = calls(custom("x", index=0), custom("{", index=1, id="b"))
    whole = check_whole_calls(chunk(stated), chunk(finish_reason=word))
    assert [call.id for call in whole] == list(ids)


def test_a_cut_call_of_one_choice_is_not_that_of_another():
    stated = [
        chunk(call(0, "a", "f", "["), index=0, finish_reason="length"),
        chunk(call(0, "b", "f", "["), index=1, finish_reason="stop"),
    ]
    assert only(deltas(*stated), ToolCall) == [ToolCall(1, 0, "b", "f", "[")]


def test_the_input_of_a_custom_tool_is_never_whole():
    stated = [calls(custom("{}", index=0)), call(None, None, None, "x"), call(3, None, None, "y")]
    assert message(*map(chunk, stated))["tool_calls"] == [custom("{}xy", type="custom")]


def test_calls_of_a_message_at_the_end_add_what_is_new():
    begun = [call(0, "a", "f", "[1"), calls(custom("x", index=1, id="b"))]
    whole = calls(
        {"id": "a", "function": {"name": "f", "arguments": "[1]"}},
        custom("xy", id="b"),
        {"id": "c", "function": {"name": "g", "arguments": "[2]"}},
        {"id": "a"},
        {"function": {"name": "h", "arguments": "[3]"}},
    )
    chunks = [*map(chunk, begun), {**COMPLETION, "choices": [{"message": whole}]}]
    expected = [made("a", "f", "[1]"), custom("xy", id="b", type="custom"), made("c", "g", "[2]")]
    assert message(*chunks)["tool_calls"] == expected
    assert message(*chunks, chunks[-1])["tool_calls"] == expected
    check_whole_calls(*chunks)


# The JSON of a delta, and fields of the message that it makes: numbers in the place of texts.
SPELLED: dict[str, tuple[str, dict[str, Any]]] = {
    "an integer": ('{"content": 6}', {"content": "6"}),
    "zeros of a fraction": ('{"content": 0.50}', {"content": "0.50"}),
    "an exponent": ('{"content": 1e3}', {"content": "1e3"}),
    "a negative number": ('{"content": -0.005}', {"content": "-0.005"}),
    "booleans": (
        '{"content": true, "reasoning": false}',
        {"content": "true", "reasoning": "false"},
    ),
    "reasoning": ('{"reasoning_content": 1.0}', {"reasoning_content": "1.0"}),
    "a refusal": ('{"content": "a", "refusal": false}', {"content": "a", "refusal": None}),
    "a number for a refusal": ('{"content": "a", "refusal": 5}', {"content": "a", "refusal": None}),
    "a role": ('{"content": "a", "role": 5}', {"content": "a", "role": "assistant"}),
    "arguments": (
        '{"tool_calls": [{"index": "0", "id": 7, "function": {"name": "f", "arguments": 0.50}}]}',
        calls(made("7", "f", "0.50")),
    ),
    "an input": (
        '{"tool_calls": [{"index": 0, "id": 7.50, "custom": {"name": "f", "input": true}}]}',
        calls(custom("true", id="7.5", type="custom")),
    ),
    "a name": (
        '{"tool_calls": [{"index": 0, "id": "a", "function": {"name": 5, "arguments": "[]"}}]}',
        calls(made("a", "", "[]")),
    ),
    "the deprecated function_call": (
        '{"function_call": {"name": "f", "arguments": 1.50}}',
        {"function_call": {"name": "f", "arguments": "1.50"}},
    ),
    "a call of which nothing came": (
        '{"content": 6, "tool_calls": [{"index": 0}]}',
        {"content": "6", "tool_calls": None},
    ),
    "a number alone for an id": (
        '{"tool_calls": [{"index": 0, "id": 7, "function": {"name": null, "arguments": ""}}]}',
        {"tool_calls": None},
    ),
}


@pytest.mark.parametrize(("delta", "fields"), SPELLED.values(), ids=SPELLED)
def test_a_number_in_the_place_of_a_text_is_its_spelling(delta: str, fields: dict[str, Any]):
    made = message('{"choices": [{"delta": ' + delta + "}]}")
    assert {name: made.get(name) for name in fields} == fields


def test_numbers_and_booleans_elsewhere():
    answer = run('{"id": 5, "created": "7", "choices": [{"index": "1", "finish_reason": false}]}')
    assert (answer.id, answer.created, answer.choices[0].index) == ("5", 7, 1)
    assert answer.choices[0].finish_reason is None


def test_usage_beside_text():
    stated = deltas(chunk({"content": "a"}, usage=COUNTS), beside(usage={}))
    assert stated == [TextDelta(0, "a"), Usage(1, 2, 3), Usage(1, 2, 3)]
    assert deltas(beside(usage={})) == []


def test_reasoning_that_is_sent_twice_is_emitted_once():
    twice = {"reasoning": "hm", "reasoning_content": "hm"}
    assert deltas(chunk(twice), chunk({"reasoning_content": "m"})) == [ReasoningDelta(0, "hm")]
    assert message(chunk(twice))["reasoning_content"] == "hm"
