"""The strategies of models' streams: what they reach, shrink to and promise."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import Phase, assume, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

from ssekit import responses
from ssekit.testing import (
    DIALECTS,
    ModelStream,
    response_streams,
)
from ssekit.testing.transports import STALL, Reads
from tests.formats import FORMATS, STRATEGIES, each_format, encoded
from tests.reference import interpret
from tests.thorough import examples, pick


def bodies(stream: ModelStream) -> list[Any]:
    """Return the JSON of the events, as an independent decoder has them."""
    events = interpret(stream.data).events
    return [json.loads(data) for _, data, _, _ in events if data != "[DONE]"]


# What they promise. (That any stream accumulates to its answer is in `test_formats`.)

EVERY_HOST = [(name, host) for name, dialects in DIALECTS.items() for host in dialects.hosts]


@pytest.mark.parametrize(("name", "host"), EVERY_HOST)
def test_a_stream_of_a_host_accumulates_to_the_answer_that_it_was_made_of(name: str, host: str):
    wire, streams = FORMATS[name], STRATEGIES[name]

    @examples(quick=5, thorough=15)
    @given(streams(dialect=host))
    def check(stream: ModelStream) -> None:
        assert encoded(wire.collect([stream.data])) == stream.expected

    check()


@each_format
def test_the_bytes_are_events_to_an_independent_decoder(name: str):
    """Each event that says something has JSON for its data; one that ends it as marker does not."""

    @given(STRATEGIES[name](dialect="any"))
    def check(stream: ModelStream) -> None:
        for event in stream.events:
            data = [data for _, data, _, _ in interpret(event.data).events]
            assert len(data) <= 1
            assert data or not event.said
            assert (data == ["[DONE]"]) == (event.ends == "marker")

    check()


@pytest.mark.parametrize("quirk", ["an id per event", "no item ids", "no part events"])
def test_an_item_that_did_not_begin_is_what_its_events_tell(quirk: str):
    @examples(quick=20, thorough=30)
    @given(response_streams(dialect=["no item begins", quirk]))
    def check(stream: ModelStream) -> None:
        decoder = responses.decoder()
        for count, event in enumerate(stream.events, 1):
            decoder.feed(event.data)
            told = encoded(decoder.snapshot())["output"]
            assert told == stream.expected_after(count)["output"]

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

# The same examples in every profile: it is the strategies that are tested.
REACHING = settings(max_examples=5_000, derandomize=True, phases=[Phase.generate])


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


def alternates(places: list[int]) -> bool:
    """Whether something goes on after something else has begun."""
    return any(places.count(a) > 1 and a != b for a, b in pairwise(places)) and places != sorted(
        places
    )


def messages_of(stream: ModelStream) -> list[Any]:
    return [choice["message"] for choice in stream.expected["choices"]]


def items_of(stream: ModelStream) -> list[Any]:
    return list(stream.expected["output"])


def types_of(stream: ModelStream) -> list[str]:
    return [body["type"] for body in bodies(stream)]


def inputs_of(stream: ModelStream) -> list[str]:
    deltas = [body["delta"] for body in bodies(stream) if body["type"] == "content_block_delta"]
    return [delta["partial_json"] for delta in deltas if "partial_json" in delta]


def parts_of(stream: ModelStream) -> list[Any]:
    candidates = stream.expected["candidates"]
    return [part for candidate in candidates for part in candidate["content"].get("parts", [])]


def pieces_of_arguments(stream: ModelStream) -> list[str]:
    deltas = [body["delta"] for body in bodies(stream) if "delta" in body]
    return [delta["arguments"] for delta in deltas if delta["type"] == "arguments_delta"]


def divides_a_pair(stream: ModelStream) -> bool:
    return rb'\ud83d"' in stream.data and rb'"\ude00' in stream.data


ANY_WIRE: dict[str, Callable[[ModelStream], bool]] = {
    "CR LF": lambda s: b"\r\n\r\n" in s.data,
    "CR": lambda s: b"\n" not in s.data,
    "no space after the colon": lambda s: b'data:{"' in s.data,
    "text as it is": lambda s: "😀".encode() in s.data,
    "a surrogate pair that is divided": divides_a_pair,
}
REACHED: dict[str, dict[str, Callable[[ModelStream], bool]]] = {
    "chat": {
        "reasoning": lambda s: any(m.get("reasoning_content") for m in messages_of(s)),
        "a refusal": lambda s: any(m["refusal"] for m in messages_of(s)),
        "an empty text": lambda s: any(m["content"] == "" for m in messages_of(s)),
        "no text": lambda s: any(m["content"] is None for m in messages_of(s)),
        "choices that interleave": lambda s: alternates(
            [choice["index"] for chunk in bodies(s) for choice in chunk["choices"]]
        ),
        "calls that interleave": lambda s: alternates([call["index"] for call in calls_of(s)]),
        "a call of a custom tool": lambda s: any("custom" in call for call in calls_of(s)),
        "arguments cut within an escape": lambda s: any(
            (len(a) - len(a.rstrip("\\"))) % 2 for a in arguments_of(s)
        ),
        "arguments cut within an escaped pair": lambda s: any(
            a.endswith("\\ud83d") for a in arguments_of(s)
        ),
        "no arguments at all": lambda s: any(
            call.get("function", {}).get("arguments") == ""
            for message in messages_of(s)
            for call in message.get("tool_calls", [])
        ),
        "log probabilities": lambda s: any(c["logprobs"] for c in s.expected["choices"]),
        "usage": lambda s: "usage" in s.expected,
        "no usage": lambda s: "usage" not in s.expected,
    },
    "completions": {
        "choices that interleave": lambda s: alternates(
            [choice["index"] for chunk in bodies(s) for choice in chunk["choices"]]
        ),
        "log probabilities": lambda s: any(c["logprobs"] for c in s.expected["choices"]),
        "usage": lambda s: "usage" in s.expected,
        "an empty text": lambda s: s.expected["choices"][0]["text"] == "",
    },
    "responses": {
        "an incomplete response": lambda s: s.expected["status"] == "incomplete",
        "a refusal": lambda s: any(
            part["type"] == "refusal" for item in items_of(s) for part in item.get("content", [])
        ),
        "reasoning": lambda s: any(
            item["type"] == "reasoning" and item.get("content") for item in items_of(s)
        ),
        "a summary": lambda s: any(item.get("summary") for item in items_of(s)),
        "a function call": lambda s: any(i["type"] == "function_call" for i in items_of(s)),
        "a custom tool": lambda s: any(i["type"] == "custom_tool_call" for i in items_of(s)),
        "an annotation": lambda s: "response.output_text.annotation.added" in types_of(s),
        "log probabilities": lambda s: b'"logprobs": [{' in s.data,
        "items that interleave": lambda s: alternates(
            [body["output_index"] for body in bodies(s) if "output_index" in body]
        ),
    },
    "messages": {
        "citations": lambda s: any(block.get("citations") for block in s.expected["content"]),
        "thinking": lambda s: any(b.get("signature") for b in s.expected["content"]),
        "redacted thinking": lambda s: any(
            block["type"] == "redacted_thinking" for block in s.expected["content"]
        ),
        "a tool of the vendor": lambda s: any(
            block["type"] == "server_tool_use" for block in s.expected["content"]
        ),
        "two calls": lambda s: [b["type"] for b in s.expected["content"]].count("tool_use") == 2,
        "a ping": lambda s: "ping" in types_of(s),
        "input cut within an escape": lambda s: any(
            (len(text) - len(text.rstrip("\\"))) % 2 for text in inputs_of(s)
        ),
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
        "arguments cut within an escape": lambda s: any(
            (len(text) - len(text.rstrip("\\"))) % 2 for text in pieces_of_arguments(s)
        ),
    },
}
EACH_REACHED = [(name, what) for name, table in REACHED.items() for what in ANY_WIRE | table]


RARE = [f"{what} cut within an escape" for what in ("arguments", "input")]
RARE += ["arguments cut within an escaped pair", *ANY_WIRE]


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
    assert seen(name)[what] or find(STRATEGIES[name](), reached, settings=REACHING)


@each_format
def test_streams_stay_small(name: str):
    assert seen(name)["events"] < STREAMS * 20


# What they shrink to.

SIMPLEST = {
    "chat": """\
<chat stream, done by marker:
  b'data: {"id": "id", "object": "chat.completion.chunk", "created": 1, "model": "m", \
"choices": [{"index": 0, "delta": {"role": "assistant", "content": null}, \
"finish_reason": null, "logprobs": null}], "usage": null}\\n\\n'
  b'data: {"id": "id", "object": "chat.completion.chunk", "created": 1, "model": "m", \
"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "logprobs": null}], \
"usage": null}\\n\\n'
  b'data: [DONE]\\n\\n'
>""",
    "gemini": """\
<gemini stream, done by finish:
  b'data: {"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": "m", \
"responseId": "r"}\\n\\n'
>""",
}


@pytest.mark.parametrize("name", SIMPLEST)
def test_the_simplest_stream_is_short_and_readable(name: str):
    assert repr(find(STRATEGIES[name](), lambda _stream: True)) == SIMPLEST[name]


@pytest.mark.parametrize("name", pick(quick=["completions"], thorough=list(FORMATS)))
def test_a_stream_shrinks_to_what_matters_in_it(name: str):
    """Who loses one letter is shown a stream of that letter alone."""
    streams = STRATEGIES[name](text=st.text("XYZ", max_size=20))
    said = json.dumps(find(streams, lambda stream: "Z" in json.dumps(stream.expected)).expected)
    assert (said.count("Z"), said.count("X"), said.count("Y")) == (1, 0, 0)


# What dialects do. Of each quirk: what is true of each of its streams; and that it is not of all
# streams of the vendor, `test_each_quirk_is_none_of_the_vendor` says.


def choices_of(stream: ModelStream) -> list[Any]:
    return [choice for chunk in bodies(stream) for choice in chunk["choices"]]


def deltas_of(stream: ModelStream) -> list[Any]:
    return [choice["delta"] for choice in choices_of(stream) if "delta" in choice]


def all_calls_of(stream: ModelStream) -> list[Any]:
    return [call for delta in deltas_of(stream) for call in delta.get("tool_calls") or []]


def called_by(stream: ModelStream) -> list[Any]:
    return [call.get("function") or call["custom"] for call in all_calls_of(stream)]


def finishes_of(stream: ModelStream) -> list[Any]:
    return [choice.get("finish_reason") for choice in choices_of(stream)]


def lines_of(stream: ModelStream) -> list[str]:
    return [event for event, data, _, _ in interpret(stream.data).events if data != "[DONE]"]


def event_types_of(stream: ModelStream) -> list[str]:
    return [body.get("event_type", "") for body in bodies(stream)]


def indices_of(stream: ModelStream) -> list[int]:
    return [body["index"] for body in bodies(stream) if body["type"] == "content_block_start"]


def ids_of(stream: ModelStream) -> list[str]:
    return [body["item_id"] for body in bodies(stream) if "item_id" in body]


def places_of(stream: ModelStream) -> list[int]:
    return [body["output_index"] for body in bodies(stream) if "output_index" in body]


Quirks = dict[str, Callable[[ModelStream], bool]]

ANY_QUIRKS: Quirks = {
    "comments": lambda s: "keep-alive" in interpret(s.data).comments,
    "bare ids": lambda s: interpret(s.data).reconnection_time == 1000,
    "unknown fields": lambda s: any("x_unknown" in body for body in bodies(s)),
}
CHOICE_QUIRKS: Quirks = ANY_QUIRKS | {
    "no marker": lambda s: s.ended_by == "finish",
    "no finish": lambda s: not any(finishes_of(s)) and s.ended_by == "marker",
    "empty finish": lambda s: "" in finishes_of(s),
    "usage on every chunk": lambda s: all(chunk["usage"] for chunk in bodies(s)),
    "usage with the finish": lambda s: (
        bool(bodies(s)[-1]["usage"])
        and bool(finishes_of(s)[-1])
        and choices_of(s) != []
        and bool(bodies(s)[-1]["choices"])
    ),
    "choices with the usage": lambda s: (
        any(chunk["usage"] and chunk["choices"] for chunk in bodies(s))
        and len([finish for finish in finishes_of(s) if finish]) > len(s.expected["choices"])
    ),
    "null usage last": lambda s: (
        "usage" in s.expected and (bodies(s)[-1]["usage"], bodies(s)[-1]["choices"]) == (None, [])
    ),
    "no chunk ids": lambda s: s.expected["id"] == "",
    "an id per chunk": lambda s: len({chunk["id"] for chunk in bodies(s)}) > 1,
    "another object": lambda s: bodies(s)[-1]["object"].endswith(".done"),
    "choices out of order": lambda s: choices_of(s)[0]["index"] == 1,
    "choices together": lambda s: any(len(chunk["choices"]) > 1 for chunk in bodies(s)),
    "filters first": lambda s: "prompt_filter_results" in bodies(s)[0],
}
TYPED_QUIRKS: Quirks = ANY_QUIRKS | {
    "no event lines": lambda s: set(lines_of(s)) == {"message"},
    "no types": lambda s: not any("type" in body for body in bodies(s)),
    "unknown events": lambda s: any("x_unknown" in body.get("type", "") for body in bodies(s)),
    "marker": lambda s: s.data.rstrip().endswith(b"[DONE]") and s.ended_by == "event",
}
QUIRKS: dict[str, Quirks] = {
    "chat": CHOICE_QUIRKS
    | {
        "role on every chunk": lambda s: all(delta.get("role") for delta in deltas_of(s)),
        "no role": lambda s: not any(delta.get("role") for delta in deltas_of(s)),
        "reasoning": lambda s: any(message.get("reasoning") for message in messages_of(s)),
        "content in parts": lambda s: any(
            isinstance(delta.get("content"), list) for delta in deltas_of(s)
        ),
        "empty refusals": lambda s: all("refusal" in delta for delta in deltas_of(s)),
        "null fields": lambda s: all("tool_calls" in delta for delta in deltas_of(s)),
        "chunks without a delta": lambda s: any("delta" not in choice for choice in choices_of(s)),
        "whole calls": lambda s: (
            len(all_calls_of(s)) == sum(len(m.get("tool_calls", [])) for m in messages_of(s)) > 0
        ),
        "calls with the finish": lambda s: any(
            choice["finish_reason"] and choice["delta"] for choice in choices_of(s)
        ),
        "pieces together": lambda s: any(
            len(delta.get("tool_calls") or []) > 1 for delta in deltas_of(s)
        ),
        "no call index": lambda s: any("index" not in call for call in all_calls_of(s)),
        "call index 0": lambda s: (
            {call["index"] for call in all_calls_of(s)} == {0}
            and any(len(message.get("tool_calls", [])) > 1 for message in messages_of(s))
        ),
        "call index -1": lambda s: {call["index"] for call in all_calls_of(s)} == {-1},
        "call index from 1": lambda s: {call["index"] for call in all_calls_of(s)} == {1, 2},
        "no call ids": lambda s: "" in [call.get("id") for call in all_calls_of(s)],
        "empty ids again": lambda s: {"", "call_0_0"} <= {call["id"] for call in all_calls_of(s)},
        "no arguments at first": lambda s: any({*call} == {"name"} for call in called_by(s)),
        "null arguments at first": lambda s: any(
            call.get("arguments", "") is None for call in called_by(s)
        ),
        "messages so far": lambda s: all("message" in choice for choice in choices_of(s)),
        "usage in x_groq": lambda s: "usage" in s.expected["x_groq"] and "usage" not in s.expected,
        "arguments as objects": lambda s: any(
            isinstance(call.get("arguments"), dict) for call in called_by(s)
        ),
        "stop after calls": lambda s: all_calls_of(s) != [] and "tool_calls" not in finishes_of(s),
    },
    "completions": CHOICE_QUIRKS
    | {"token ids": lambda s: all("token_ids" in choice for choice in s.expected["choices"])},
    "responses": TYPED_QUIRKS
    | {
        "an id per event": lambda s: len(set(ids_of(s))) == len(ids_of(s)) > 1,
        "no item ids": lambda s: items_of(s) != [] and not ids_of(s),
        "no indices": lambda s: items_of(s) != [] and b"output_index" not in s.data,
        "one index": lambda s: len(items_of(s)) > 1 and set(places_of(s)) == {0},
        "wholes one index further": lambda s: len(items_of(s)) == 1 and set(places_of(s)) == {0, 1},
        "no sequence numbers": lambda s: b"sequence_number" not in s.data,
        "no deltas": lambda s: items_of(s) != [] and b".delta" not in s.data,
        "no item begins": lambda s: (
            items_of(s) != [] and "response.output_item.added" not in types_of(s)
        ),
        "no part events": lambda s: (
            any(item["type"] == "message" for item in items_of(s)) and b"_part." not in s.data
        ),
        "no output at the end": lambda s: (
            items_of(s) != [] and bodies(s)[-1]["response"]["output"] == []
        ),
        "resumed": lambda s: b"response.created" not in s.data,
        "keepalive events": lambda s: "keepalive" in types_of(s),
    },
    "messages": TYPED_QUIRKS
    | {
        "message_start twice": lambda s: types_of(s).count("message_start") == 2,
        "no message_start": lambda s: "message_start" not in types_of(s),
        "one index": lambda s: indices_of(s) == [0, 0],
        "index from 1": lambda s: indices_of(s) == [1, 2],
        "whole blocks": lambda s: (
            any(block["type"] == "text" for block in s.expected["content"])
            and "content_block_delta" not in types_of(s)
        ),
        "unknown blocks": lambda s: any(b["type"] == "x_unknown" for b in s.expected["content"]),
        "marker alone": lambda s: s.ended_by == "marker",
        "no message_stop": lambda s: s.ended_by == "finish",
    },
    "gemini": ANY_QUIRKS
    | {
        "arguments in pieces": lambda s: b"partialArgs" in s.data,
        "no index": lambda s: "index" not in bodies(s)[0]["candidates"][0],
        "no call ids": lambda s: any(
            "id" not in part["functionCall"] for part in parts_of(s) if "functionCall" in part
        ),
        "usage at the end": lambda s: (
            "usageMetadata" in s.expected and "usageMetadata" not in bodies(s)[0]
        ),
        "empty text at the end": lambda s: (
            bodies(s)[-1]["candidates"][0]["content"]["parts"] == [{"text": ""}]
        ),
        "finish with the last part": lambda s: any(
            "finishReason" in candidate and candidate["content"]["parts"]
            for chunk in bodies(s)
            for candidate in chunk["candidates"]
        ),
    },
    "interactions": TYPED_QUIRKS
    | {
        "no types": lambda s: not any("event_type" in body for body in bodies(s)),
        "unknown events": lambda s: "x_unknown" in event_types_of(s),
        "contents": lambda s: "outputs" in s.expected,
        "resumed": lambda s: "interaction.created" not in event_types_of(s) + lines_of(s),
        "no step begins": lambda s: s.expected["steps"] != [] and b"step.start" not in s.data,
        "step begins twice": lambda s: (
            event_types_of(s).count("step.start") == 2 * len(s.expected["steps"]) > 0
        ),
        "no step ends": lambda s: s.expected["steps"] != [] and b"step.stop" not in s.data,
        "no indices": lambda s: s.expected["steps"] != [] and b'"index"' not in s.data,
        "in turns": lambda s: alternates([body["index"] for body in bodies(s) if "index" in body]),
        "contents in the start": lambda s: any(
            "content" in body.get("step", {}) for body in bodies(s)
        ),
        "arguments in the start": lambda s: any(
            body.get("step", {}).get("arguments") for body in bodies(s)
        ),
        "steps at the end": lambda s: "steps" in bodies(s)[-1]["interaction"],
        "event ids": lambda s: all("event_id" in body for body in bodies(s)),
        "usage so far": lambda s: b"total_usage" in s.data,
    },
}
EACH_QUIRK = [(name, quirk) for name, quirks in QUIRKS.items() for quirk in quirks]


def holds(seen: Callable[[ModelStream], bool], stream: ModelStream) -> bool:
    try:
        return seen(stream)
    except (KeyError, IndexError):  # there is nothing that could have it
        return False


@pytest.mark.parametrize(("name", "quirk"), EACH_QUIRK)
def test_a_quirk_is_seen_where_it_is_turned_on(name: str, quirk: str):
    seen = QUIRKS[name][quirk]
    assert find(
        STRATEGIES[name](dialect=[quirk]), lambda stream: holds(seen, stream), settings=REACHING
    )


@each_format
def test_a_quirk_is_not_seen_where_none_is_turned_on(name: str):
    @examples(quick=40, thorough=200)
    @given(STRATEGIES[name]())
    def look(stream: ModelStream) -> None:
        assert not [quirk for quirk, seen in QUIRKS[name].items() if holds(seen, stream)]

    look()


@each_format
def test_every_quirk_is_tested(name: str):
    assert QUIRKS[name].keys() == dict(DIALECTS)[name].quirks.keys()  # type: ignore[index]


@pytest.mark.parametrize("name", FORMATS)
def test_a_dialect_that_is_none_is_refused(name: str):
    streams = STRATEGIES[name]
    with pytest.raises(InvalidArgument, match="'nobody' is none of"):
        streams(dialect="nobody")
    with pytest.raises(InvalidArgument, match="'no such quirk'"):
        streams(dialect=["comments", "no such quirk"])


@pytest.mark.parametrize(("name", "host"), EVERY_HOST)
def test_a_host_is_a_set_of_quirks(name: str, host: str):
    dialects = DIALECTS[name]  # type: ignore[index]
    assert dialects.hosts[host] <= set(dialects.quirks)
