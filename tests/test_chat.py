"""Chat completions: `chat.py`."""

import json
from typing import Any

import msgspec
import pytest

from ssekit import (
    Finish,
    ReasoningDelta,
    RefusalDelta,
    ServerSentEvent,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
    chat,
)
from tests.spoil import spoil


def event(data: Any) -> bytes:
    text = data if isinstance(data, str) else json.dumps(data)
    return ServerSentEvent(text).encode()


def chunk(delta: Any = None, **choice: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta or {}, **choice}]}


def run(*chunks: Any) -> chat.ChatCompletion:
    decoder = chat.decoder()
    for data in chunks:
        decoder.feed(event(data))
    assert decoder.error is None
    return decoder.snapshot()


def message(*deltas: Any) -> dict[str, Any]:
    """Return the message that some deltas make, as the vendor would encode it."""
    answer = json.loads(msgspec.json.encode(run(*(chunk(delta) for delta in deltas))))
    made: dict[str, Any] = answer["choices"][0]["message"]
    return made


def message_of(answer: chat.ChatCompletion) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(msgspec.json.encode(answer))["choices"][0]["message"]
    return made


def call(index: int | None, id: str | None, name: str | None, arguments: Any) -> dict[str, Any]:
    piece = {"index": index, "id": id, "function": {"name": name, "arguments": arguments}}
    return {"tool_calls": [{k: v for k, v in piece.items() if v is not None}]}


# The deltas, and the fields of the message that they make.
MESSAGES: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "nothing": ([{}], {"role": "assistant", "content": None, "refusal": None}),
    "no text, but said": ([{"content": ""}], {"content": ""}),
    "text": (
        [{"role": "assistant", "content": ""}, {"content": "a"}, {"content": "b"}],
        {"content": "ab"},
    ),
    "null is absent": ([{"role": None, "content": "a"}, {"content": None}], {"content": "a"}),
    "the newest role": ([{"role": "assistant"}, {"role": "tool"}, {"role": ""}], {"role": "tool"}),
    "a refusal": ([{"refusal": ""}, {"refusal": "n"}, {"refusal": "o"}], {"refusal": "no"}),
    "an empty refusal is none": ([{"refusal": ""}], {"refusal": None}),
    "reasoning": ([{"reasoning": "a"}, {"reasoning": "b"}], {"reasoning": "ab"}),
    "reasoning_content": (
        [{"reasoning_content": "a"}, {"reasoning_content": None}],
        {"reasoning_content": "a"},
    ),
    "a pair over two fragments": (
        [{"content": "\ud83d"}, {"content": "\ude00"}],
        {"content": "😀"},
    ),
    "half a pair": ([{"content": "a\ud83d"}, {"content": "b"}], {"content": "a\ufffdb"}),
    "a pair in arguments": (
        [call(0, "a", "f", "\ud83d"), call(0, None, None, "\ude00")],
        {
            "tool_calls": [
                {"type": "function", "id": "a", "function": {"name": "f", "arguments": "😀"}}
            ]
        },
    ),
    "a name with half a pair": (
        [call(0, "\ud83d", "\ud83d", "{}")],
        {
            "tool_calls": [
                {
                    "type": "function",
                    "id": "\ufffd",
                    "function": {"name": "\ufffd", "arguments": "{}"},
                }
            ]
        },
    ),
    "parts of content (Mistral)": (
        [
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}, 5]}]},
            {"content": [{"type": "thinking", "thinking": "m"}, {"type": "text", "text": "a"}]},
            {
                "content": [
                    {"type": "reference", "reference_ids": [1]},
                    5,
                    {"type": "text", "text": 5},
                ]
            },
            {"content": []},
            {"content": "b"},
        ],
        {"content": "ab", "reasoning_content": "hmm"},
    ),
    "parts of content that are bare": (
        [{"content": ["a", None, {"text": "b"}]}, {"content": {"type": "text", "text": "c"}}],
        {"content": "abc"},
    ),
    "a summary among the parts of content (Databricks)": (
        [
            {
                "content": [
                    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
                    {"type": "text", "text": "a"},
                ]
            }
        ],
        {"content": "a", "reasoning_content": "hm"},
    ),
    "one call that stands in no list (Text Generation Inference)": (
        [
            {"tool_calls": call(0, "a", "f", "[")["tool_calls"][0]},
            {"tool_calls": call(0, None, None, "]")["tool_calls"][0]},
        ],
        {
            "tool_calls": [
                {"type": "function", "id": "a", "function": {"name": "f", "arguments": "[]"}}
            ]
        },
    ),
    "arguments as an object (z.ai)": (
        [call(-1, "a", "f", {"n": 1}), call(-1, "b", "f", [])],
        {
            "tool_calls": [
                {"type": "function", "id": "a", "function": {"name": "f", "arguments": '{"n": 1}'}},
                {"type": "function", "id": "b", "function": {"name": "f", "arguments": "[]"}},
            ]
        },
    ),
    "the word null for an id (Mistral's SDK)": (
        [call(None, "null", "f", "{}"), call(None, "null", "g", "{}")],
        {
            "tool_calls": [
                {"type": "function", "id": "", "function": {"name": "f", "arguments": "{}"}},
                {"type": "function", "id": "", "function": {"name": "g", "arguments": "{}"}},
            ]
        },
    ),
    "two pieces of one call in one delta": (
        [
            {
                "tool_calls": [
                    {"index": 0, "id": "a", "function": {"name": "f"}},
                    {"index": 0, "function": {"arguments": "{}"}},
                ]
            }
        ],
        {
            "tool_calls": [
                {"type": "function", "id": "a", "function": {"name": "f", "arguments": "{}"}}
            ]
        },
    ),
    "a thought signature (Google)": (
        [
            {
                "tool_calls": [
                    {
                        "id": "a",
                        "function": {"name": "f", "arguments": "{}"},
                        "extra_content": {"google": {"thought_signature": "x"}},
                    }
                ]
            }
        ],
        {
            "tool_calls": [
                {
                    "type": "function",
                    "id": "a",
                    "function": {"name": "f", "arguments": "{}"},
                    "extra_content": {"google": {"thought_signature": "x"}},
                }
            ]
        },
    ),
    "a custom tool": (
        [
            {
                "tool_calls": [
                    {"index": 0, "id": "a", "type": "custom", "custom": {"name": "f", "input": "x"}}
                ]
            },
            {"tool_calls": [{"index": 0, "custom": {"input": "y"}}, {"index": 0}]},
        ],
        {"tool_calls": [{"type": "custom", "id": "a", "custom": {"name": "f", "input": "xy"}}]},
    ),
    "a custom tool whose pieces have its id and name": (
        [
            {"tool_calls": [{"index": 0, "id": "a", "custom": {"name": "f", "input": said}}]}
            for said in ("{}", "{}", " more")
        ],
        {
            "tool_calls": [
                {"type": "custom", "id": "a", "custom": {"name": "f", "input": "{}{} more"}}
            ]
        },
    ),
    "a custom tool that begins with what is a placeholder elsewhere": (
        [
            {"tool_calls": [{"index": 0, "id": "a", "custom": {"name": "f", "input": "{}"}}]},
            {"tool_calls": [{"index": 0, "custom": {"input": "{"}}]},
        ],
        {"tool_calls": [{"type": "custom", "id": "a", "custom": {"name": "f", "input": "{}{"}}]},
    ),
    "a function beside a custom tool that is none": (
        [
            {"tool_calls": [{**call(0, "a", "f", "[")["tool_calls"][0], "custom": {}}]},
            {
                "tool_calls": [
                    {
                        **call(0, "a", None, "]")["tool_calls"][0],
                        "custom": {"name": None, "input": None},
                    }
                ]
            },
        ],
        {
            "tool_calls": [
                {"type": "function", "id": "a", "function": {"name": "f", "arguments": "[]"}}
            ]
        },
    ),
    "calls that say nothing (Writer)": (
        [
            {
                "tool_calls": [
                    {
                        "index": None,
                        "id": None,
                        "type": None,
                        "function": {"name": None, "arguments": None},
                    },
                    {"index": 0, "type": "function"},
                ]
            }
        ],
        {"tool_calls": None},
    ),
    "the deprecated function_call": (
        [{"function_call": {"name": "f", "arguments": ""}}, {"function_call": {"arguments": "{}"}}],
        {"function_call": {"name": "f", "arguments": "{}"}},
    ),
    "the deprecated function_call with an object": (
        [{"function_call": {"name": "f", "arguments": {}}}],
        {"function_call": {"name": "f", "arguments": "{}"}},
    ),
    "audio": (
        [
            {"audio": {"id": "a", "transcript": "x"}},
            {"audio": {"data": "AA"}},
            {"audio": {"data": "BB", "expires_at": 5, "transcript": "y"}},
        ],
        {"audio": {"id": "a", "data": "AABB", "expires_at": 5, "transcript": "xy"}},
    ),
    "annotations": (
        [{"annotations": [{"type": "url_citation"}]}, {"annotations": [{"type": "other"}, {}]}],
        {"annotations": [{"type": "url_citation"}, {"type": "other"}, {}]},
    ),
    "images": ([{"images": [{"n": 1}]}, {"images": [{"n": 2}]}], {"images": [{"n": 1}, {"n": 2}]}),
    "executed tools (Groq)": (
        [
            {"executed_tools": [{"index": 0, "type": "search", "output": None}]},
            {"executed_tools": [{"index": 0, "output": "x"}, {"index": 1}, {}, {}]},
        ],
        {"executed_tools": [{"index": 0, "type": "search", "output": "x"}, {"index": 1}, {}, {}]},
    ),
    "reasoning details that are one block (OpenRouter)": (
        [
            {
                "reasoning_details": [
                    {
                        "type": "reasoning.text",
                        "text": "a",
                        "index": 0,
                        "format": None,
                        "signature": "",
                    }
                ]
            },
            {
                "reasoning_details": [
                    {"type": "reasoning.text", "text": "b", "index": 0, "format": "f"}
                ]
            },
            {"reasoning_details": [{"type": "reasoning.text", "index": 0, "signature": "s"}]},
            {"reasoning_details": [{"type": "reasoning.text", "index": 0, "format": None}]},
        ],
        {
            "reasoning_details": [
                {
                    "type": "reasoning.text",
                    "text": "ab",
                    "index": 0,
                    "format": "f",
                    "signature": "s",
                }
            ]
        },
    ),
    "reasoning details that are signed": (
        [
            {"reasoning_details": [{"type": "reasoning.text", "text": "a", "signature": "s"}]},
            {"reasoning_details": [{"type": "reasoning.text", "text": "b", "signature": "s"}]},
            {"reasoning_details": [{"type": "reasoning.text", "text": "c"}]},
            {"reasoning_details": [{"type": "reasoning.text", "text": "", "signature": "t"}]},
            {"reasoning_details": [{"type": "reasoning.text", "text": "d", "signature": "u"}]},
        ],
        {
            "reasoning_details": [
                {"type": "reasoning.text", "text": "ab", "signature": "s"},
                {"type": "reasoning.text", "text": "c", "signature": "t"},
                {"type": "reasoning.text", "text": "d", "signature": "u"},
            ]
        },
    ),
    "reasoning details whose data is whole": (
        [
            {"reasoning_details": [{"type": "reasoning.encrypted", "data": "AAA"}]},
            {"reasoning_details": [{"type": "reasoning.encrypted", "data": "A=="}]},
            {"reasoning_details": [{"type": "reasoning.encrypted", "format": "f"}]},
            {"reasoning_details": [{"type": "reasoning.encrypted", "data": "BBB="}]},
        ],
        {
            "reasoning_details": [
                {"type": "reasoning.encrypted", "data": "AAAA==", "format": "f"},
                {"type": "reasoning.encrypted", "data": "BBB="},
            ]
        },
    ),
    "a thought signature on text (Google)": (
        [
            {"content": "a", "extra_content": {"google": {"thought_signature": "x"}}},
            {"content": "b", "extra_content": {"google": None, "other": 1}},
        ],
        {"extra_content": {"google": {"thought_signature": "x"}, "other": 1}},
    ),
    "reasoning details that are not": (
        [
            {"reasoning_details": [{"type": "reasoning.summary", "summary": "a", "index": 0}]},
            {
                "reasoning_details": [
                    {"type": "reasoning.encrypted", "data": "x", "id": "1", "index": 0}
                ]
            },
            {
                "reasoning_details": [
                    {"type": "reasoning.encrypted", "data": "y", "id": "2", "index": 0}
                ]
            },
            {
                "reasoning_details": [
                    {"type": "reasoning.encrypted", "data": "z", "index": 1},
                    {"text": 5},
                ]
            },
        ],
        {
            "reasoning_details": [
                {"type": "reasoning.summary", "summary": "a", "index": 0},
                {"type": "reasoning.encrypted", "data": "x", "id": "1", "index": 0},
                {"type": "reasoning.encrypted", "data": "y", "id": "2", "index": 0},
                {"type": "reasoning.encrypted", "data": "z", "index": 1},
                {"text": 5},
            ]
        },
    ),
    "fields of unforeseen type count as absent": (
        [
            {"role": 5, "content": 5, "refusal": {}, "reasoning": [], "tool_calls": 5, "audio": 5},
            {
                "content": "a",
                "tool_calls": [5, None, {"index": "x", "id": 5, "function": 5, "custom": 5}],
            },
            {"content": "b", "annotations": [5, {"n": 1}], "function_call": 5, "images": {}},
        ],
        {
            "content": "ab",
            "annotations": [{"n": 1}],
            "tool_calls": None,
        },
    ),
}


@pytest.mark.parametrize(("deltas", "fields"), MESSAGES.values(), ids=MESSAGES)
def test_messages(deltas: list[Any], fields: dict[str, Any]):
    made = message(*deltas)
    assert {name: made.get(name) for name in fields} == fields


def test_a_message_has_no_field_that_was_not_said():
    assert set(message({"content": "a"})) == {"role", "content", "refusal"}


COUNTS = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}

# The chunks, and the fields of the result that they make, beside the choices.
RESULTS: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "nothing": (
        [],
        {"id": "", "object": "chat.completion", "created": 0, "model": "", "choices": []},
    ),
    "the first id and time, the newest model": (
        [
            {"choices": [], "id": "", "created": 0, "model": ""},
            {"choices": [], "id": "1", "created": 5, "model": "m"},
            {"choices": [], "id": "2", "created": 6, "model": "n"},
            {"choices": [], "id": None, "created": None, "model": ""},
        ],
        {"id": "1", "created": 5, "model": "n"},
    ),
    "usage that null does not wipe out": (
        [
            {
                "choices": [],
                "usage": {"prompt_tokens": 1, "total_tokens": 3, "completion_tokens": 2},
            },
            {"choices": [], "usage": None},
        ],
        {"usage": {"prompt_tokens": 1, "total_tokens": 3, "completion_tokens": 2}},
    ),
    "usage that says nothing": (
        [{"choices": [], "usage": {"prompt_tokens": 1}}, {"choices": [], "usage": {}}],
        {"usage": {"prompt_tokens": 1}},
    ),
    "the newest usage": (
        [
            {"choices": [], "usage": {"prompt_tokens": 1, "cost": 1}},
            {
                "choices": [],
                "usage": {"prompt_tokens": 2, "prompt_tokens_details": {"cached_tokens": 1}},
            },
        ],
        {"usage": {"prompt_tokens": 2, "cost": 1.0, "prompt_tokens_details": {"cached_tokens": 1}}},
    ),
    "usage with all of the counts, which replaces what was": (
        [{"choices": [], "usage": {**COUNTS, "cost": 1}}, {"choices": [], "usage": COUNTS}],
        {"usage": COUNTS},
    ),
    "usage with only the cost": (
        [{"choices": [], "usage": COUNTS}, {"choices": [], "usage": {"cost": 1}}],
        {"usage": {**COUNTS, "cost": 1.0}},
    ),
    "usage that changes a part of a sum": (
        [{"choices": [], "usage": COUNTS}, {"choices": [], "usage": {"completion_tokens": 7}}],
        {"usage": {"prompt_tokens": COUNTS["prompt_tokens"], "completion_tokens": 7}},
    ),
    "usage that says the same, without the total": (
        [
            {"choices": [], "usage": COUNTS},
            {"choices": [], "usage": {"completion_tokens": COUNTS["completion_tokens"], "cost": 1}},
        ],
        {"usage": {**COUNTS, "cost": 1.0}},
    ),
    "usage of no total, after tokens (MiniMax)": (
        [{"choices": [], "usage": COUNTS}, {"choices": [], "usage": {"total_tokens": 0}}],
        {"usage": COUNTS},
    ),
    "usage of no tokens, after tokens": (
        [{"choices": [], "usage": COUNTS}, {"choices": [], "usage": dict.fromkeys(COUNTS, 0)}],
        {"usage": COUNTS},
    ),
    "usage of no tokens": (
        [{"choices": [], "usage": dict.fromkeys(COUNTS, 0)}],
        {"usage": dict.fromkeys(COUNTS, 0)},
    ),
    "usage in a choice (Moonshot)": (
        [chunk(usage={**COUNTS, "cached_tokens": 1}), chunk(usage=None)],
        {"usage": {**COUNTS, "cached_tokens": 1}},
    ),
    "usage in a choice and of the chunk": (
        [{**chunk(usage={"prompt_tokens": 5}), "usage": COUNTS}],
        {"usage": COUNTS},
    ),
    "usage in x_groq alone (Groq)": (
        [{"choices": [], "x_groq": {"usage": COUNTS}}],
        {"usage": None, "x_groq": {"usage": COUNTS}},
    ),
    "usage in x_groq too": (
        [{"choices": [], "usage": COUNTS}, {"choices": [], "x_groq": {"usage": {"cost": 1}}}],
        {"usage": COUNTS},
    ),
    "the newest of what else is said of the whole": (
        [
            {"choices": [], "service_tier": "default", "system_fingerprint": "f", "provider": "p"},
            {"choices": [], "service_tier": "", "system_fingerprint": None, "provider": ""},
            {
                "choices": [],
                "moderation": {"input": 1},
                "citations": ["u"],
                "search_results": [{"u": 1}],
            },
            {"choices": [], "prompt_filter_results": [{"prompt_index": 0}], "timings": {"n": 1}},
            {"choices": [], "citations": ["u", "v"]},
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
    "x_groq, field by field": (
        [
            {"choices": [], "x_groq": {"id": "1", "seed": 5}},
            {"choices": [], "x_groq": {"id": "1", "usage": {"prompt_tokens": 2}}},
        ],
        {"x_groq": {"id": "1", "seed": 5, "usage": {"prompt_tokens": 2}}},
    ),
}


@pytest.mark.parametrize(("chunks", "fields"), RESULTS.values(), ids=RESULTS)
def test_results(chunks: list[Any], fields: dict[str, Any]):
    made = json.loads(msgspec.json.encode(run(*chunks)))
    assert {name: made.get(name) for name in fields} == fields


def test_choices_in_any_order():
    answer = run(
        {
            "choices": [
                {"index": 2, "delta": {"content": "c"}},
                {"index": 0, "delta": {"content": "a"}},
            ]
        },
        {"choices": [{"index": 1, "delta": {"content": "b"}, "finish_reason": "length"}]},
        {"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}]},
    )
    assert [(c.index, c.message.content, c.finish_reason) for c in answer.choices] == [
        (0, "aa", "stop"),
        (1, "b", "length"),
        (2, "c", None),
    ]


def test_what_a_choice_says_beside_its_message():
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


def test_the_newest_finish_reason():
    answer = run(chunk(finish_reason="tool_calls"), chunk(finish_reason="stop"), chunk())
    assert answer.choices[0].finish_reason == "stop"


def test_logprobs():
    tokens = [{"token": t, "logprob": -0.5, "bytes": [97], "top_logprobs": []} for t in "abc"]
    answer = run(
        chunk(logprobs={"content": tokens[:1], "refusal": None}),
        chunk(logprobs=None),
        chunk(logprobs={"content": tokens[1:], "refusal": []}),
    )
    made = json.loads(msgspec.json.encode(answer.choices[0].logprobs))
    assert made == {"content": tokens, "refusal": []}


def test_logprobs_that_were_never_said():
    assert run(chunk(logprobs={"content": None})).choices[0].logprobs == chat.ChoiceLogprobs()


def test_a_choice_without_a_delta():
    """Azure's filter chunks have no delta; null is the same."""
    answer = run(
        {"choices": [{"index": 0, "finish_reason": "stop", "content_filter_offsets": {}}]},
        {"choices": [{"index": 0, "delta": None}, None, 5]},
    )
    assert answer.choices[0].message.content is None


SO_FAR = {"message": {"content": "ab"}}
CHUNK, COMPLETION = {"object": "chat.completion.chunk"}, {"object": "chat.completion"}

# A choice, what the chunk has beside it, and the text that they say.
WHOLE: dict[str, tuple[dict[str, Any], dict[str, Any], str | None]] = {
    "a message alone": (SO_FAR, COMPLETION, "ab"),
    "a message alone, of no object": (SO_FAR, {}, "ab"),
    "a message of parts": ({"message": {"content": [{"text": "a"}]}}, COMPLETION, "a"),
    "a message and no delta": ({**SO_FAR, "delta": None}, COMPLETION, "ab"),
    "a message and a delta": ({**SO_FAR, "delta": {"content": "b"}}, COMPLETION, "b"),
    "a message that is none": ({"message": None, "delta": {"content": "b"}}, COMPLETION, "b"),
    "a message so far (Writer)": ({**SO_FAR, "delta": {"content": "b"}}, CHUNK, "b"),
    "a message so far, and nothing new": ({**SO_FAR, "delta": {}}, CHUNK, None),
    "a message so far, and no delta": (SO_FAR, CHUNK, None),
}


@pytest.mark.parametrize(("choice", "beside", "text"), WHOLE.values(), ids=WHOLE)
def test_a_message_in_the_place_of_a_delta(choice: Any, beside: Any, text: str | None):
    assert run({**beside, "choices": [choice]}).choices[0].message.content == text


@pytest.mark.parametrize("said", [{"delta": {"content": "ab"}}, SO_FAR], ids=["pieces", "whole"])
def test_a_message_at_the_end_is_what_was_said_before(said: Any):
    """MiniMax ends with the whole answer, which has the usage and the calls again."""
    calls = call(None, "c", "f", "{}")
    said = {name: {**fields, **calls} for name, fields in said.items()}
    whole = {"message": {**SO_FAR["message"], **calls}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    chunks = {"choices": [said]}, {**COMPLETION, "choices": [whole], "usage": usage}
    answer = run(*chunks)
    assert (answer.choices[0].message.content, answer.usage) == (
        "ab",
        chat.CompletionUsage(2, 1, 3),
    )
    stream = chat.stream([*map(event, chunks), b"data: [DONE]\n\n"])
    deltas = list(stream.deltas())
    assert [delta.text for delta in deltas if isinstance(delta, TextDelta)] == ["ab"]
    assert sum(isinstance(delta, ToolCall) for delta in deltas) == 1


def test_a_message_at_the_end_says_what_was_not_said_before():
    said = {"reasoning_content": "hm", "content": "a", "images": [{"n": 1}]}
    whole = {**said, "content": "ab", "refusal": "no", **call(None, "c", "f", "{}")}
    chunks = chunk(said), {**COMPLETION, "choices": [{"message": whole}]}
    assert message_of(run(*chunks)) == {"reasoning_content": "hm", "images": [{"n": 1}],
        "content": "ab", "refusal": "no", "tool_calls": [
            {"type": "function", "id": "c", "function": {"name": "f", "arguments": "{}"}}],
        "role": "assistant"}  # fmt: skip
    stream = chat.stream([*map(event, chunks), b"data: [DONE]\n\n"])
    assert "".join(stream.text()) == "ab"


def test_a_message_at_the_end_of_a_text_with_pairs_in_halves():
    answer = run(
        chunk({"content": "\ud83d"}), chunk({"content": "\ude00"}),
        {**COMPLETION, "choices": [{"message": {"content": "\U0001f600!"}}]},
    )  # fmt: skip
    assert answer.choices[0].message.content == "\U0001f600!"


def test_a_short_message_adds_nothing_to_a_long_text():
    answer = run(chunk({"content": "ab" * 5}), {"choices": [{"message": {"content": "ab"}}]})
    assert answer.choices[0].message.content == "ab" * 5


def test_a_message_that_does_not_go_on_from_what_was_said_adds_nothing():
    assert (
        run(chunk({"content": "ab"}), {"choices": [{"message": {"content": "x"}}]})
        .choices[0]
        .message.content
        == "ab"
    )


def test_messages_of_choices_that_have_no_index():
    chunks = [{**COMPLETION, "choices": [{"message": {"content": letter}} for letter in "ab"]}]
    stream = chat.stream([*map(event, chunks), b"data: [DONE]\n\n"])
    assert ["".join(stream.text()), stream.accumulator.text] == ["a", "a"]


def test_a_float_that_is_an_integer_is_one():
    answer = run(
        {**chunk(finish_reason="stop"), "created": 1700000000.0, "usage": {"prompt_tokens": 1.0}}
    )
    assert (answer.created, answer.usage) == (1700000000, chat.CompletionUsage(prompt_tokens=1))


def test_a_snapshot_shares_nothing_mutable_with_later_ones():
    decoder = chat.decoder()
    said = {
        "annotations": [{"n": [1]}],
        "images": [{"n": [1]}],
        "executed_tools": [{"n": [1]}],
        "reasoning_details": [{"n": [1], "text": "a"}],
        "tool_calls": [{"index": 0, "extra_content": {"n": [1]}}],
        "extra_content": {"n": [1]},
    }
    tokens = [{"token": "a", "logprob": -1, "top_logprobs": [{"token": "b"}]}]
    choice = {"delta": said, "logprobs": {"content": tokens}, "content_filter_results": {"n": [1]}}
    decoder.feed(
        event(
            {
                "choices": [choice],
                "usage": {"cost_details": {"n": [1]}},
                "x_groq": {"usage": {"cost_details": {"n": [1]}}, "usage_breakdown": {"n": [1]}},
                **{name: [{"n": [1]}] for name in ("citations", "search_results")},
                **{name: {"n": [1]} for name in ("moderation", "timings")},
                "prompt_filter_results": [{"n": [1]}],
            }
        )
    )
    first = decoder.snapshot()
    before = msgspec.json.encode(first)
    spoil(first)
    assert msgspec.json.encode(first) != before
    assert msgspec.json.encode(decoder.snapshot()) == before


# The views, and the deltas.


def test_views_of_nothing():
    accumulator = chat.Accumulator()
    assert (accumulator.text, accumulator.reasoning, accumulator.refusal) == ("", "", "")
    assert (list(accumulator.tool_calls), accumulator.finish_reason) == ([], None)
    assert (accumulator.usage, accumulator.complete) == (None, False)


def test_views_speak_of_choice_0():
    accumulator = chat.Accumulator()
    for index in (1, 0):
        delta = {"content": f"c{index}", "reasoning": f"r{index}", "refusal": f"n{index}"}
        data = chunk({**delta, **call(0, f"id{index}", "f", "{}")}, finish_reason="stop")
        data["choices"][0]["index"] = index
        accumulator.add(msgspec.convert(data, chat.ChatCompletionChunk))
    assert (accumulator.text, accumulator.reasoning, accumulator.refusal) == ("c0", "r0", "n0")
    assert list(accumulator.tool_calls) == [ToolCall(0, 0, "id0", "f", "{}")]


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("tool_calls", "tool_calls"),
        ("function_call", "tool_calls"),
        ("content_filter", "content_filter"),
        *((word, "stop") for word in ("eos", "eos_token", "stop_sequence", "end_turn", "STOP")),
        *((word, "length") for word in ("max_tokens", "model_length", "MAX_TOKENS")),
        ("tool_use", "tool_calls"),
        *((word, "content_filter") for word in ("sensitive", "SAFETY")),
        ("error", "other"),
        ("", None),
        (None, None),
    ],
)
def test_finish_reasons(word: str | None, reason: str | None):
    decoder = chat.decoder()
    decoder.feed(event(chunk(finish_reason=word)))
    assert decoder.accumulator.finish_reason == reason
    finishes = [Finish(0, reason, word)] if reason and word else []  # type: ignore[arg-type]
    assert list(decoder.accumulator.last_deltas()) == finishes


@pytest.mark.parametrize(
    ("usage", "view"),
    [
        ({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}, Usage(1, 2, 3)),
        (
            {"prompt_tokens_details": {"cached_tokens": 0}, "prompt_cache_hit_tokens": 5},
            Usage(cached_tokens=0),
        ),
        ({"prompt_cache_hit_tokens": 5}, Usage(cached_tokens=5)),
        ({"cached_tokens": 5}, Usage(cached_tokens=5)),
        ({"completion_tokens_details": {"reasoning_tokens": 4}}, Usage(reasoning_tokens=4)),
        ({"reasoning_tokens": 4, "completion_tokens_details": None}, Usage(reasoning_tokens=4)),
    ],
)
@pytest.mark.parametrize(
    "place",
    [
        lambda usage: {"choices": [], "usage": usage},
        lambda usage: {"choices": [], "x_groq": {"usage": usage}},
        lambda usage: chunk(usage=usage),
    ],
    ids=["of the chunk", "x_groq", "in a choice"],
)
def test_usage(usage: dict[str, Any], view: Usage, place: Any):
    decoder = chat.decoder()
    (made,) = decoder.feed(event(place(usage)))
    assert decoder.accumulator.usage == view
    assert list(decoder.accumulator.deltas(made)) == [view]


def deltas(*chunks: Any) -> list[Any]:
    stream = chat.stream([*map(event, chunks), b"data: [DONE]\n\n"])
    return list(stream.deltas())


def test_deltas():
    assert deltas(
        chunk({"role": "assistant", "content": "", "refusal": None}),
        chunk({"reasoning": "hm", "content": "a"}),
        chunk({"content": "b", "refusal": "no"}),
        chunk(call(0, "x", "f", "")),
        chunk(
            {
                "tool_calls": [
                    call(1, "y", "g", "[")["tool_calls"][0],
                    call(0, None, None, "{}")["tool_calls"][0],
                ]
            }
        ),
        chunk(call(1, None, None, "]"), finish_reason="tool_calls"),
        {"choices": [], "usage": {"prompt_tokens": 1}},
    ) == [
        ReasoningDelta(0, "hm"),
        TextDelta(0, "a"),
        TextDelta(0, "b"),
        RefusalDelta(0, "no"),
        ToolCallDelta(0, 0, "x", "f", ""),
        ToolCallDelta(0, 1, "y", "g", "["),
        ToolCallDelta(0, 0, "x", "f", ""),
        ToolCallDelta(0, 1, "y", "g", "]"),
        Usage(input_tokens=1),
        ToolCallDelta(0, 0, "x", "f", "{}"),
        ToolCall(0, 0, "x", "f", "{}"),
        ToolCall(0, 1, "y", "g", "[]"),
        Finish(0, "tool_calls", "tool_calls"),
    ]


def test_a_call_that_first_appears_in_the_finishing_chunk():
    said = deltas(chunk(call(None, "x", "f", "[]"), finish_reason="stop"))
    assert said == [
        ToolCallDelta(0, 0, "x", "f", "[]"),
        ToolCall(0, 0, "x", "f", "[]"),
        Finish(0, "stop", "stop"),
    ]


# The pieces of the arguments of a call, chunk by chunk, and what their deltas say.
HELD = {
    "a placeholder": ([["{}"], ['{"a'], ['":1}']], ["", "", '{"a', '":1}']),
    "a placeholder in one chunk with what comes": ([["{}", "{"], ["}"]], ["", "", "{", "}"]),
    "no placeholder": ([["{}"], [""], [" "]], ["", "", "", "{} "]),
    "no arguments": ([["", "{}"]], ["", "", "", "{}"]),
}


@pytest.mark.parametrize(("pieces", "said"), HELD.values(), ids=HELD)
def test_what_may_be_a_placeholder_is_said_when_it_is_none(pieces: Any, said: list[str]):
    calls = [[{"index": 0, "function": {"arguments": p}} for p in group] for group in pieces]
    *made, whole = deltas(
        chunk(call(0, "x", "f", None)), *(chunk({"tool_calls": c}) for c in calls)
    )
    assert [delta.arguments for delta in made] == said
    assert whole == ToolCall(0, 0, "x", "f", "".join(said))


def test_calls_that_say_nothing_move_no_other():
    nothing, one = {"index": 0}, call(1, "x", "f", "[]")["tool_calls"][0]
    assert deltas(chunk({"tool_calls": [nothing, one, nothing]})) == [
        ToolCallDelta(0, 0, "x", "f", "[]"),
        ToolCall(0, 0, "x", "f", "[]"),
    ]


def test_calls_of_several_choices_in_one_chunk():
    said = deltas({"choices": [{"index": i, "delta": call(0, f"x{i}", "f", "[]")} for i in (1, 0)]})
    assert said[:2] == [ToolCallDelta(1, 0, "x1", "f", "[]"), ToolCallDelta(0, 0, "x0", "f", "[]")]
    assert said[2:] == [ToolCall(0, 0, "x0", "f", "[]"), ToolCall(1, 0, "x1", "f", "[]")]


def test_the_tool_call_that_is_handed_over_is_the_one_that_the_view_holds():
    stream = chat.stream([event(chunk(call(0, "x", "f", "{}"))), b"data: [DONE]\n\n"])
    (handed,) = [delta for delta in stream.deltas() if isinstance(delta, ToolCall)]
    assert stream.accumulator.tool_calls[0] is handed


def test_usage_beside_text():
    said = deltas(chunk({"content": "a"}, usage=COUNTS), {"choices": [], "usage": {}})
    assert said == [TextDelta(0, "a"), Usage(1, 2, 3), Usage(1, 2, 3)]
    assert deltas({"choices": [], "usage": {}}) == []


def test_reasoning_that_is_sent_twice_is_told_once():
    twice = {"reasoning": "hm", "reasoning_content": "hm"}
    assert deltas(chunk(twice), chunk({"reasoning_content": "m"})) == [ReasoningDelta(0, "hm")]
    assert message(twice)["reasoning_content"] == "hm"


def test_deltas_of_a_divided_pair():
    said = deltas(
        chunk({"content": "a\ud83d"}), chunk({"content": "\ude00"}), chunk({"content": "\ud83d"})
    )
    assert said == [TextDelta(0, "a"), TextDelta(0, "😀"), TextDelta(0, "\ufffd")]


def test_the_public_names_are_there():
    assert all(hasattr(chat, name) for name in chat.__all__)
