"""Legacy completions: `completions.py`."""

import json
from typing import Any

import msgspec
import pytest

from ssekit import APIError, Finish, ServerSentEvent, TextDelta, Usage, completions
from tests.spoil import spoil
from tests.wire import DONE, event


def chunk(text: Any = "", **choice: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "text": text, **choice}]}


def run(*chunks: Any) -> completions.Completion:
    decoder = completions.decoder()
    for data in chunks:
        decoder.feed(event(data))
    assert decoder.error is None
    return decoder.snapshot()


def encoded(answer: completions.Completion) -> Any:
    return json.loads(msgspec.json.encode(answer))


EMPTY = {"index": 0, "text": "", "finish_reason": None, "logprobs": None}

# The chunks, and the fields of choice 0 that they make.
CHOICES: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "nothing": ([{"choices": [{}]}], EMPTY),
    "text": ([chunk("a"), chunk(""), chunk("b")], {**EMPTY, "text": "ab"}),
    "the prompt (echo)": ([chunk("Say a"), chunk(": a")], {**EMPTY, "text": "Say a: a"}),
    "null is absent": (
        [chunk("a"), chunk(None, index=None, logprobs=None)],
        {**EMPTY, "text": "a"},
    ),
    "a pair over two fragments": ([chunk("\ud83d"), chunk("\ude00")], {**EMPTY, "text": "😀"}),
    "half a pair": ([chunk("a\ud83d"), chunk("b")], {**EMPTY, "text": "a\ufffdb"}),
    "the newest finish reason": (
        [chunk(finish_reason="length"), chunk(finish_reason="stop"), chunk(finish_reason="")],
        {**EMPTY, "finish_reason": "stop"},
    ),
    "log probabilities extend, each array by itself": (
        [
            chunk(
                logprobs={
                    "text_offset": [0],
                    "tokens": ["a"],
                    "token_logprobs": [None],
                    "top_logprobs": [None],
                }
            ),
            chunk(logprobs=None),
            chunk(
                logprobs={
                    "text_offset": [1, 2],
                    "tokens": ["b", "c"],
                    "token_logprobs": [-0.5, -1],
                    "top_logprobs": [{"b": -0.5}, {}],
                }
            ),
            chunk(logprobs={"tokens": None}),
        ],
        {
            **EMPTY,
            "logprobs": {
                "text_offset": [0, 1, 2],
                "tokens": ["a", "b", "c"],
                "token_logprobs": [None, -0.5, -1.0],
                "top_logprobs": [None, {"b": -0.5}, {}],
            },
        },
    ),
    "log probabilities without the likeliest": (
        [chunk(logprobs={"tokens": ["a"], "token_logprobs": [-1], "text_offset": [0]})],
        {
            **EMPTY,
            "logprobs": {
                "text_offset": [0],
                "tokens": ["a"],
                "token_logprobs": [-1.0],
                "top_logprobs": None,
            },
        },
    ),
    "log probabilities as chat has them (llama.cpp)": (
        [
            chunk("a", logprobs={"content": [{"token": "a", "logprob": -1}]}),
            chunk("b", logprobs={"content": [{"token": "b"}, 5]}),
        ],
        {
            **EMPTY,
            "text": "ab",
            "logprobs": {
                "text_offset": None,
                "tokens": None,
                "token_logprobs": None,
                "top_logprobs": None,
                "content": [{"token": "a", "logprob": -1}, {"token": "b"}],
            },
        },
    ),
    "log probabilities that do not fit leave their places": (
        [chunk(logprobs={"token_logprobs": ["x", -1], "top_logprobs": [{"a": "x"}, {"b": -1}]})],
        {
            **EMPTY,
            "logprobs": {
                "text_offset": None,
                "tokens": None,
                "token_logprobs": [None, -1.0],
                "top_logprobs": [None, {"b": -1.0}],
            },
        },
    ),
    "tokens (vLLM)": (
        [
            chunk("a", token_ids=[5], prompt_token_ids=[1, 2], prompt_logprobs=[None, {"2": {}}]),
            chunk("b", token_ids=[6, 7], prompt_token_ids=None, stop_reason=None),
            chunk(token_ids=[], finish_reason="stop", stop_reason="###", matched_stop=2),
        ],
        {
            **EMPTY,
            "text": "ab",
            "finish_reason": "stop",
            "stop_reason": "###",
            "matched_stop": 2,
            "token_ids": [5, 6, 7],
            "prompt_token_ids": [1, 2],
            "prompt_logprobs": [None, {"2": {}}],
        },
    ),
    "token 0 is a reason to stop, an empty text is none": (
        [chunk(stop_reason=0, matched_stop=0), chunk(stop_reason="", matched_stop="")],
        {**EMPTY, "stop_reason": 0, "matched_stop": 0},
    ),
    "verdicts (Azure)": (
        [
            chunk(content_filter_results={"hate": {"a": 1}}),
            chunk(content_filter_results={}),
            chunk(content_filter_results={"hate": None, "self_harm": {"b": 2}}),
        ],
        {**EMPTY, "content_filter_results": {"hate": {"a": 1}, "self_harm": {"b": 2}}},
    ),
    "fields of unforeseen type count as absent": (
        [
            chunk("a", logprobs=5, token_ids={}, finish_reason=[], content_filter_results=5),
            chunk(5, logprobs={"tokens": "a", "text_offset": [0, "x"]}),
            {"choices": [None, 5]},
            {"choices": 5},
            {"choices": None},
            {},
            chunk("b", error=None),
        ],
        {
            **EMPTY,
            "text": "ab",
            "logprobs": {
                "text_offset": [0],
                "tokens": None,
                "token_logprobs": None,
                "top_logprobs": None,
            },
        },
    ),
}


@pytest.mark.parametrize(("chunks", "choice"), CHOICES.values(), ids=CHOICES)
def test_choices(chunks: list[Any], choice: dict[str, Any]):
    (made,) = encoded(run(*chunks))["choices"]
    assert made == choice


NOTHING = {"id": "", "object": "text_completion", "created": 0, "model": "", "choices": []}

# The chunks, and the whole result that they make.
RESULTS: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "nothing": ([], NOTHING),
    "the first id and time, the newest model": (
        [
            {"choices": [], "id": "", "created": 0, "model": "", "object": ""},
            {"choices": [], "id": "1", "created": 5, "model": "m", "object": "text_completion"},
            {"choices": [], "id": "2", "created": 6, "model": "n"},
            {"choices": [], "id": None, "created": None, "model": ""},
        ],
        {**NOTHING, "id": "1", "created": 5, "model": "n"},
    ),
    "the newest usage, which null does not wipe out": (
        [
            {"choices": [], "usage": {"prompt_tokens": 1}},
            {
                "choices": [],
                "usage": {"prompt_tokens": 1, "total_tokens": 3, "completion_tokens": 2},
            },
            {"choices": [], "usage": None},
            {"choices": [], "usage": {"cost": 1}},
        ],
        {
            **NOTHING,
            "usage": {
                "prompt_tokens": 1,
                "total_tokens": 3,
                "completion_tokens": 2,
                "cost": 1.0,
            },
        },
    ),
    "the newest of what else is said of the whole": (
        [
            {"choices": [], "system_fingerprint": "f", "service_tier": "default"},
            {"choices": [], "system_fingerprint": "", "service_tier": None, "obfuscation": "x"},
            {"choices": [], "kv_transfer_params": {"n": 1}, "prompt_filter_results": [{"n": 1}]},
        ],
        {
            **NOTHING,
            "system_fingerprint": "f",
            "service_tier": "default",
            "kv_transfer_params": {"n": 1},
            "prompt_filter_results": [{"n": 1}],
        },
    ),
}


@pytest.mark.parametrize(("chunks", "result"), RESULTS.values(), ids=RESULTS)
def test_results(chunks: list[Any], result: dict[str, Any]):
    assert encoded(run(*chunks)) == result


def test_choices_in_any_order():
    answer = run(
        {"choices": [{"index": 2, "text": "c"}, {"index": 0, "text": "a"}]},
        {"choices": [{"index": 1, "text": "b", "finish_reason": "length"}]},
        chunk("a", finish_reason="stop"),
    )
    assert [(c.index, c.text, c.finish_reason) for c in answer.choices] == [
        (0, "aa", "stop"),
        (1, "b", "length"),
        (2, "c", None),
    ]


def test_an_error_in_a_choice():
    data = json.dumps(chunk("a", error={"message": "no", "code": 502}))
    with pytest.raises(APIError, match=r"^no$") as raised:
        completions.decode(ServerSentEvent(data))
    assert raised.value.code == "502"
    assert raised.value.chunk.choices[0].text == "a"


def test_an_error_in_the_place_of_choices():
    with pytest.raises(APIError, match=r"^no$") as raised:
        completions.decode(ServerSentEvent('{"choices": [], "code": "x", "message": "no"}'))
    assert raised.value.code == "x"


def test_a_snapshot_shares_nothing_mutable_with_later_ones():
    decoder = completions.decoder()
    said = {
        "logprobs": {"tokens": ["a"], "top_logprobs": [{"a": -1}], "content": [{"n": [1]}]},
        "content_filter_results": {"n": [1]},
        **{name: [1] for name in ("token_ids", "prompt_token_ids", "prompt_logprobs")},
    }
    whole = {
        "usage": {"cost_details": {"n": [1]}},
        "kv_transfer_params": {"n": [1]},
        "prompt_filter_results": [{"n": [1]}],
    }
    decoder.feed(event({**chunk(**said), **whole}))
    first = decoder.snapshot()
    before = msgspec.json.encode(first)
    spoil(first)
    assert msgspec.json.encode(first) != before
    assert msgspec.json.encode(decoder.snapshot()) == before


# The views, and the deltas.


def test_views_of_nothing():
    accumulator = completions.Accumulator()
    assert (accumulator.text, accumulator.reasoning, accumulator.refusal) == ("", "", "")
    assert (list(accumulator.tool_calls), accumulator.finish_reason) == ([], None)
    assert (accumulator.usage, accumulator.complete) == (None, False)


def test_views_speak_of_choice_0():
    accumulator = completions.Accumulator()
    for index, reason in ((1, "stop"), (0, "length")):
        data = {"choices": [{"index": index, "text": f"c{index}", "finish_reason": reason}]}
        accumulator.add(msgspec.convert(data, completions.Completion))
    assert (accumulator.text, accumulator.finish_reason) == ("c0", "length")


def deltas(*chunks: Any) -> list[Any]:
    return list(completions.stream([*map(event, chunks), DONE]).deltas())


def test_deltas():
    assert deltas(
        chunk("a"),
        {"choices": [{"index": 1, "text": "b", "finish_reason": "content_filter"}]},
        chunk("", finish_reason="eos"),
        {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}},
    ) == [
        TextDelta(0, "a"),
        TextDelta(1, "b"),
        Usage(input_tokens=1, output_tokens=2),
        Finish(0, "stop", "eos"),
        Finish(1, "content_filter", "content_filter"),
    ]


def test_usage_that_says_nothing_is_none():
    assert deltas({"choices": [], "usage": {}}) == []


def test_a_choice_without_a_finish_reason_has_no_finish():
    assert deltas(chunk("a")) == [TextDelta(0, "a")]


def test_deltas_of_a_divided_pair():
    said = deltas(chunk("a\ud83d"), chunk("\ude00"), chunk("\ud83d"))
    assert said == [TextDelta(0, "a"), TextDelta(0, "😀"), TextDelta(0, "\ufffd")]
