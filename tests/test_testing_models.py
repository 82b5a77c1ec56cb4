"""The strategies of models' streams: what they reach, shrink to and promise."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from typing import Any

import pytest
from hypothesis import assume, find, given, settings
from hypothesis import strategies as st

from ssekit import responses
from ssekit.testing import ModelEvent, ModelStream, response_streams
from ssekit.testing.transports import STALL, Reads
from tests.formats import FORMATS, STRATEGIES, each_format, encoded
from tests.made import (
    MARKERS,
    Condition,
    alternates,
    bodies,
    inputs_of,
    items_of,
    messages_of,
    parts_of,
    some,
    types_of,
)
from tests.reference import interpret
from tests.thorough import REACHING, examples, pick


def test_a_whole_stream_has_no_incomplete_event():
    stream = ModelStream("chat", (ModelEvent(b"data: {}\n\n"),))
    assert [stream.unfinished_in(size) for size in (0, 7, 8, 10)] == [
        *("nothing", "part", "whole", "nothing"),
    ]


# What they promise. (That any stream accumulates to its answer is in `test_formats`.)


@each_format
def test_the_bytes_are_events_to_an_independent_decoder(name: str):
    """Each event with an addition has JSON for its data; one that ends it as marker does not."""

    @given(STRATEGIES[name](dialect="any"))
    def check(stream: ModelStream) -> None:
        for event in stream.events:
            data = [data for _, data, _, _ in interpret(event.data).events]
            assert len(data) <= 1
            assert data or not event.additions
            assert bool({*data} & {*MARKERS}) == (event.ends == "marker")

    check()


@pytest.mark.parametrize("quirk", ["an id per event", "no item ids", "no part events"])
def test_an_item_that_did_not_begin_is_made_of_its_events(quirk: str):
    @examples(quick=20, thorough=30)
    @given(response_streams(dialect=["no item begins", quirk]))
    def check(stream: ModelStream) -> None:
        decoder = responses.decoder()
        for count, event in enumerate(stream.events, 1):
            decoder.feed(event.data)
            output = encoded(decoder.snapshot())["output"]
            assert output == stream.expected_after(count)["output"]

    check()


@pytest.mark.parametrize("name", sorted(FORMATS.keys() - {"gemini"}))  # in which nothing is an end
def test_nothing_is_waited_for_after_the_end(name: str):
    """Some hosts leave the connection open: what follows the end never comes."""
    wire, streams = FORMATS[name], STRATEGIES[name]

    @examples(quick=5, thorough=15)
    @given(streams(dialect="any"))
    def check(stream: ModelStream) -> None:
        assume(stream.ended_by in ("event", "marker"))
        assert encoded(wire.collect(Reads(stream.data, STALL))) == stream.expected

    check()


# What they reach.


def calls_of(stream: ModelStream) -> list[Any]:
    """Return the pieces of the tool calls of choice 0."""
    return [
        piece
        for chunk in bodies(stream)
        for choice in chunk["choices"]
        if choice["index"] == 0
        for piece in choice["delta"].get("tool_calls") or []
    ]


def arguments_of(stream: ModelStream) -> list[str]:
    found = [call["function"].get("arguments") for call in calls_of(stream) if "function" in call]
    return [arguments for arguments in found if arguments]


def pieces_of_arguments(stream: ModelStream) -> list[str]:
    deltas = [body["delta"] for body in bodies(stream) if "delta" in body]
    return [delta["arguments"] for delta in deltas if delta["type"] == "arguments_delta"]


def is_cut_in_an_escape(text: str) -> bool:
    return (len(text) - len(text.rstrip("\\"))) % 2 == 1


def choices_that_interleave(stream: ModelStream) -> bool:
    return alternates([choice["index"] for chunk in bodies(stream) for choice in chunk["choices"]])


def kinds_of(stream: ModelStream) -> list[str]:
    return [part["type"] for part in stream.expected.get("output", stream.expected.get("content"))]


def divides_a_pair(stream: ModelStream) -> bool:
    return rb'\ud83d"' in stream.data and rb'"\ude00' in stream.data


ANY_WIRE: dict[str, Condition] = {
    "CR LF": lambda s: b"\r\n\r\n" in s.data,
    "CR": lambda s: b"\n" not in s.data,
    "no space after the colon": lambda s: b'data:{"' in s.data,
    "text as it is": lambda s: "😀".encode() in s.data,
    "a surrogate pair that is divided": divides_a_pair,
}
REACHED: dict[str, dict[str, Condition]] = {
    "chat": {
        "reasoning": lambda s: any(m.get("reasoning_content") for m in messages_of(s)),
        "a refusal": lambda s: any(m["refusal"] for m in messages_of(s)),
        "an empty text": lambda s: any(m["content"] == "" for m in messages_of(s)),
        "no text": lambda s: any(m["content"] is None for m in messages_of(s)),
        "choices that interleave": choices_that_interleave,
        "calls that interleave": lambda s: alternates([call["index"] for call in calls_of(s)]),
        "a call of a custom tool": lambda s: any("custom" in call for call in calls_of(s)),
        "arguments cut within an escape": some(arguments_of, is_cut_in_an_escape),
        "arguments cut within an escaped pair": some(arguments_of, lambda a: a.endswith("\\ud83d")),
        "no arguments at all": some(
            lambda s: [
                call for message in messages_of(s) for call in message.get("tool_calls", [])
            ],
            lambda call: call.get("function", {}).get("arguments") == "",
        ),
        "log probabilities": lambda s: any(c["logprobs"] for c in s.expected["choices"]),
        "usage": lambda s: "usage" in s.expected,
        "no usage": lambda s: "usage" not in s.expected,
    },
    "completions": {
        "choices that interleave": choices_that_interleave,
        "log probabilities": lambda s: any(c["logprobs"] for c in s.expected["choices"]),
        "usage": lambda s: "usage" in s.expected,
        "an empty text": lambda s: s.expected["choices"][0]["text"] == "",
    },
    "responses": {
        "an incomplete response": lambda s: s.expected["status"] == "incomplete",
        "a refusal": lambda s: any(
            part["type"] == "refusal" for item in items_of(s) for part in item.get("content", [])
        ),
        "reasoning": some(items_of, lambda i: i["type"] == "reasoning" and i.get("content")),
        "a summary": lambda s: any(item.get("summary") for item in items_of(s)),
        "a function call": lambda s: "function_call" in kinds_of(s),
        "a custom tool": lambda s: "custom_tool_call" in kinds_of(s),
        "an annotation": lambda s: "response.output_text.annotation.added" in types_of(s),
        "log probabilities": lambda s: b'"logprobs": [{' in s.data,
        "items that interleave": lambda s: alternates(
            [body["output_index"] for body in bodies(s) if "output_index" in body]
        ),
    },
    "messages": {
        "citations": lambda s: any(block.get("citations") for block in s.expected["content"]),
        "thinking": lambda s: any(b.get("signature") for b in s.expected["content"]),
        "redacted thinking": lambda s: "redacted_thinking" in kinds_of(s),
        "a tool of the vendor": lambda s: "server_tool_use" in kinds_of(s),
        "two calls": lambda s: kinds_of(s).count("tool_use") == 2,
        "a ping": lambda s: "ping" in types_of(s),
        "input cut within an escape": some(inputs_of, is_cut_in_an_escape),
        "no input at all": lambda s: "" in inputs_of(s),
        "no content": lambda s: s.expected["content"] == [],
    },
    "gemini": {
        "a blocked prompt": lambda s: s.expected["candidates"] == [],
        "a thought": lambda s: any(part.get("thought") for part in parts_of(s)),
        "a signature": lambda s: any("thoughtSignature" in part for part in parts_of(s)),
        "bytes": lambda s: any("inlineData" in part for part in parts_of(s)),
        "a call": lambda s: any("functionCall" in part for part in parts_of(s)),
        "candidates that interleave": lambda s: alternates(
            [candidate["index"] for chunk in bodies(s) for candidate in chunk.get("candidates", [])]
        ),
    },
    "interactions": {
        "a thought": lambda s: any(step.get("signature") for step in s.expected["steps"]),
        "a text": lambda s: any(step.get("content") for step in s.expected["steps"]),
        "an annotation": lambda s: b"text_annotation_delta" in s.data,
        "an image": lambda s: b"image/png" in s.data,
        "a call": lambda s: any(s["type"] == "function_call" for s in s.expected["steps"]),
        "a search": lambda s: b"google_search_result" in s.data,
        "no steps": lambda s: s.expected["steps"] == [],
        "an interaction that is cut": lambda s: s.expected["status"] == "incomplete",
        "arguments cut within an escape": some(pieces_of_arguments, is_cut_in_an_escape),
    },
}
EACH_REACHED = [(name, what) for name, table in REACHED.items() for what in ANY_WIRE | table]


RARE = [f"{what} cut within an escape" for what in ("arguments", "input")]
RARE += ["arguments cut within an escaped pair", *ANY_WIRE]
# What narrows a search that would take 2,000 streams.
NARROWED = {"arguments cut within an escaped pair": {"arguments": st.just({"a": "😀" * 9})}}


STREAMS, LEAST = pick(quick=(120, 1), thorough=(250, 2))


@cache
def seen(name: str) -> Counter[str]:
    """Count what some streams reach."""
    found: Counter[str] = Counter()

    @settings(max_examples=STREAMS, derandomize=True)
    @given(STRATEGIES[name]())
    def look(stream: ModelStream) -> None:
        conditions = ANY_WIRE | REACHED[name]
        found.update(what for what, reached in conditions.items() if reached(stream))
        found["events"] += len(stream.events)

    look()
    return found


@pytest.mark.parametrize(("name", "what"), EACH_REACHED)
def test_what_matters_is_reached(name: str, what: str):
    """What a consumer may get wrong is there more than once, or at least can be found."""
    reached = (ANY_WIRE | REACHED[name])[what]
    assert seen(name)[what] >= LEAST or what in RARE
    streams = STRATEGIES[name](**NARROWED.get(what, {}))
    assert seen(name)[what] or find(streams, reached, settings=REACHING)


@each_format
def test_streams_stay_small(name: str):
    assert seen(name)["events"] < STREAMS * 20


# What they shrink to.

SIMPLEST = """\
<gemini stream, done by finish:
  b'data: {"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": "m", \
"responseId": "r"}\\n\\n'
>"""


def test_the_simplest_stream_is_short_and_readable():
    assert repr(find(STRATEGIES["gemini"](), lambda _stream: True)) == SIMPLEST


@pytest.mark.parametrize("name", pick(quick=["completions"], thorough=list(FORMATS)))
def test_a_stream_shrinks_to_what_matters_in_it(name: str):
    """Who loses one letter is shown a stream of that letter alone."""
    streams = STRATEGIES[name](text=st.text("XYZ", max_size=20))
    written = json.dumps(find(streams, lambda stream: "Z" in json.dumps(stream.expected)).expected)
    assert (written.count("Z"), written.count("X"), written.count("Y")) == (1, 0, 0)
