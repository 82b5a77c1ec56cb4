"""Legacy completions: `completions.py`."""

from functools import partial
from typing import Any

import pytest

from ssekit import Finish, TextDelta, Usage, completions
from tests.formats import answer_of, deltas_of, encoded

run, deltas = partial(answer_of, completions), partial(deltas_of, completions)


def chunk(text: Any = "", **choice: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "text": text, **choice}]}


def beside(**fields: Any) -> dict[str, Any]:
    """Return a chunk of what is beside the choices."""
    return {"choices": [], **fields}


EMPTY = {"index": 0, "text": "", "finish_reason": None, "logprobs": None}


def logprobs(offsets: Any = None, tokens: Any = None, each: Any = None, top: Any = None) -> Any:
    """Return log probabilities, array by array."""
    return {"text_offset": offsets, "tokens": tokens, "token_logprobs": each, "top_logprobs": top}


# The chunks, and the fields of choice 0 that they make.
CHOICES: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "nothing": ([{"choices": [{}]}], EMPTY),
    "text": ([chunk("a"), chunk(""), chunk("b")], {**EMPTY, "text": "ab"}),
    "the prompt (echo)": ([chunk("Say a"), chunk(": a")], {**EMPTY, "text": "Say a: a"}),
    "log probabilities extend, each array by itself": (
        [
            chunk(logprobs=logprobs([0], ["a"], [None], [None])),
            chunk(logprobs=None),
            chunk(logprobs=logprobs([1, 2], ["b", "c"], [-0.5, -1], [{"b": -0.5}, {}])),
            chunk(logprobs={"tokens": None}),
        ],
        {**EMPTY, "logprobs": logprobs(
            [0, 1, 2], ["a", "b", "c"], [None, -0.5, -1.0], [None, {"b": -0.5}, {}])},
    ),
    "log probabilities as chat has them (llama.cpp)": (
        [
            chunk("a", logprobs={"content": [{"token": "a", "logprob": -1}]}),
            chunk("b", logprobs={"content": [{"token": "b"}, 5]}),
        ],
        {**EMPTY, "text": "ab", "logprobs": logprobs() | {
            "content": [{"token": "a", "logprob": -1}, {"token": "b"}]}},
    ),
    "log probabilities that do not fit leave their places": (
        [chunk(logprobs={"token_logprobs": ["x", -1], "top_logprobs": [{"a": "x"}, {"b": -1}]})],
        {**EMPTY, "logprobs": logprobs(None, None, [None, -1.0], [None, {"b": -1.0}])},
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
            chunk({}, logprobs={"tokens": "a", "text_offset": [0, "x"]}),
            {"choices": [None, 5]},
            {"choices": 5},
            {"choices": None},
            {},
            chunk("b", error=None),
        ],
        {**EMPTY, "text": "ab", "logprobs": logprobs([0])},
    ),
}  # fmt: skip


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
            beside(id="", created=0, model="", object=""),
            beside(id="1", created=5, model="m", object="text_completion"),
            beside(id="2", created=6, model="n"),
            beside(id=None, created=None, model=""),
        ],
        {**NOTHING, "id": "1", "created": 5, "model": "n"},
    ),
    "the newest of what else is said of the whole": (
        [
            beside(system_fingerprint="f", service_tier="default"),
            beside(system_fingerprint="", service_tier=None, obfuscation="x"),
            beside(kv_transfer_params={"n": 1}, prompt_filter_results=[{"n": 1}]),
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


# The deltas.


def test_deltas():
    assert deltas(
        chunk("a"),
        {"choices": [{"index": 1, "text": "b", "finish_reason": "content_filter"}]},
        chunk("", finish_reason="eos"),
        beside(usage={"prompt_tokens": 1, "completion_tokens": 2}),
    ) == [
        TextDelta(0, "a"),
        TextDelta(1, "b"),
        Usage(input_tokens=1, output_tokens=2),
        Finish(0, "stop", "eos"),
        Finish(1, "content_filter", "content_filter"),
    ]
