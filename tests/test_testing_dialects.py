"""The dialects of models' streams: what each quirk does to a stream, and that the answer stays."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import find, given
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

from ssekit.testing import DIALECTS, ModelStream
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
from tests.thorough import REACHING, examples
from tests.ways import check_deltas

# What they promise.

EVERY_HOST = [(name, host) for name, dialects in DIALECTS.items() for host in dialects.hosts]


@pytest.mark.parametrize(("name", "host"), EVERY_HOST)
def test_a_host_is_a_set_of_quirks(name: str, host: str):
    dialects = DIALECTS[name]  # type: ignore[index]
    assert dialects.hosts[host] <= set(dialects.quirks)


EACH_QUIRK = [(name, quirk) for name, dialects in DIALECTS.items() for quirk in dialects.quirks]


@pytest.mark.parametrize(("name", "quirk"), EACH_QUIRK)
def test_a_stream_with_a_quirk_accumulates_to_the_answer_that_it_was_made_of(name: str, quirk: str):
    reported = DIALECTS[name].quirks[quirk].endswith(")")  # type: ignore[index]

    @examples(quick=5, thorough=1_000 if reported else 15)
    @given(STRATEGIES[name](dialect=[quirk]), st.integers(0, 255))
    def check(stream: ModelStream, number: int) -> None:
        decoder, place = FORMATS[name].decoder(), number % (len(stream.events) + 1)
        for count, event in enumerate(stream.events):
            if count == place:
                assert encoded(decoder.snapshot()) == stream.expected_after(place)
            decoder.feed(event.data)
        decoder.close()
        assert (decoder.state, decoder.ended_by) == (stream.state, stream.ended_by)
        expected = stream.expected
        assert encoded(decoder.result()) == expected
        # (What items that interleave have in common does not come in their order.)
        steps = expected.get("steps", []) if quirk == "in turns" else []
        items = expected.get("output") or steps
        kinds = [item["type"] for item in items]
        if len(kinds) == len(set(kinds)):
            check_deltas(FORMATS[name].stream([stream.data]))

    check()


# What they do. Of each quirk: what is true of each of its streams, and not of all of the vendor's.


def choices_of(stream: ModelStream) -> list[Any]:
    return [choice for chunk in bodies(stream) for choice in chunk["choices"]]


def texts_of(stream: ModelStream) -> list[Any]:
    return [c.get("text", c.get("delta", {}).get("content")) for c in choices_of(stream)]


def deltas_of(stream: ModelStream) -> list[Any]:
    return [choice["delta"] for choice in choices_of(stream) if "delta" in choice]


def all_calls_of(stream: ModelStream) -> list[Any]:
    return [call for delta in deltas_of(stream) for call in delta.get("tool_calls") or []]


def called_by(stream: ModelStream) -> list[Any]:
    return [call.get("function") or call["custom"] for call in all_calls_of(stream)]


def finishes_of(stream: ModelStream) -> list[Any]:
    return [choice.get("finish_reason") for choice in choices_of(stream)]


def lines_of(stream: ModelStream) -> list[str]:
    return [event for event, data, _, _ in interpret(stream.data).events if data not in MARKERS]


def named_of(stream: ModelStream) -> list[str]:
    """Return the arguments of the pieces of functions that have a name too."""
    return [
        call["arguments"]
        for call in called_by(stream)
        if call.get("name") and call.get("arguments")
    ]


def indexes(stream: ModelStream, *, with_ids: bool) -> set[int]:
    return {call["index"] for call in all_calls_of(stream) if ("id" in call) == with_ids}


def event_types_of(stream: ModelStream) -> list[str]:
    return [body.get("event_type", "") for body in bodies(stream)]


def indices_of(stream: ModelStream) -> list[int]:
    return [body["index"] for body in bodies(stream) if body["type"] == "content_block_start"]


def candidates_of(stream: ModelStream) -> list[Any]:
    return [candidate for chunk in bodies(stream) for candidate in chunk["candidates"]]


def finishes_with_parts(candidate: Any) -> bool:
    return "finishReason" in candidate and bool(candidate["content"]["parts"])


def ids_of(stream: ModelStream) -> list[str]:
    return [body["item_id"] for body in bodies(stream) if "item_id" in body]


def added_by(stream: ModelStream) -> list[Any]:
    return [body["item"] for body in bodies(stream) if body["type"].endswith("item.added")]


def places_of(stream: ModelStream) -> list[int]:
    return [body["output_index"] for body in bodies(stream) if "output_index" in body]


Quirks = dict[str, Condition]

ANY_QUIRKS: Quirks = {
    "comments": lambda s: "keep-alive" in interpret(s.data).comments,
    "bare ids": lambda s: interpret(s.data).reconnection_time == 1000,
    "unknown fields": lambda s: any("x_unknown" in body for body in bodies(s)),
    "blank events": lambda s: "null" in [data for _, data, _, _ in interpret(s.data).events],
}
OTHER_MARKERS: Quirks = {
    "other markers": lambda s: interpret(s.data).events[-1][1] in MARKERS[1:],
}
CHOICE_QUIRKS: Quirks = (
    ANY_QUIRKS
    | OTHER_MARKERS
    | {
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
            "usage" in s.expected
            and (bodies(s)[-1]["usage"], bodies(s)[-1]["choices"]) == (None, [])
        ),
        "no chunk ids": lambda s: s.expected["id"] == "",
        "an id per chunk": lambda s: len({chunk["id"] for chunk in bodies(s)}) > 1,
        "another object": lambda s: bodies(s)[-1]["object"].endswith(".done"),
        "choices out of order": lambda s: choices_of(s)[0]["index"] == 1,
        "choices together": lambda s: any(len(chunk["choices"]) > 1 for chunk in bodies(s)),
        "filters first": lambda s: "prompt_filter_results" in bodies(s)[0],
        "zero usage last": some(bodies, lambda c: c["usage"] and c["usage"]["total_tokens"] == 0),
        "named events": lambda s: "tool.progress" in lines_of(s),
        "finish in capitals": some(finishes_of, lambda f: f and f.isupper()),
        "stop again": lambda s: (
            len(list(filter(None, finishes_of(s)))) > len(s.expected["choices"])
        ),
        "numbers as text": some(texts_of, lambda text: isinstance(text, float | int)),
        "numbers in quotes": lambda s: isinstance(bodies(s)[0]["created"], str),
        "usage in other names": lambda s: "input_tokens" in s.expected["usage"],
    }
)
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
        "content in parts": some(deltas_of, lambda d: isinstance(d.get("content"), list)),
        "empty refusals": lambda s: all("refusal" in delta for delta in deltas_of(s)),
        "null fields": lambda s: all("tool_calls" in delta for delta in deltas_of(s)),
        "chunks without a delta": lambda s: any("delta" not in choice for choice in choices_of(s)),
        "whole calls": lambda s: (
            len(all_calls_of(s)) == sum(len(m.get("tool_calls", [])) for m in messages_of(s)) > 0
        ),
        "calls with the finish": some(choices_of, lambda c: c["finish_reason"] and c["delta"]),
        "pieces together": some(deltas_of, lambda d: len(d.get("tool_calls") or []) > 1),
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
        "null arguments at first": some(called_by, lambda c: c.get("arguments", "") is None),
        "messages so far": lambda s: all("message" in choice for choice in choices_of(s)),
        "usage in x_groq": lambda s: "usage" in s.expected["x_groq"] and "usage" not in s.expected,
        "arguments as objects": some(called_by, lambda c: isinstance(c.get("arguments"), dict)),
        "stop after calls": lambda s: all_calls_of(s) != [] and "tool_calls" not in finishes_of(s),
        "placeholder arguments": lambda s: "{}" in named_of(s),
        "calls again": lambda s: named_of(s) != [],
        "calls again at another index": lambda s: 9 in indexes(s, with_ids=True),
        "arguments at the next index": lambda s: (
            not indexes(s, with_ids=False) <= indexes(s, with_ids=True)
        ),
        "names again": some(all_calls_of, lambda c: "name" in c["function"] and "id" not in c),
        "names in pieces": lambda s: any(call.get("name") == "_of_it" for call in called_by(s)),
        "an id per piece": some(all_calls_of, lambda c: c.get("id", "").count("_") == 3),
        "message at the end": lambda s: any("message" in choice for choice in choices_of(s)),
    },
    "completions": CHOICE_QUIRKS
    | {"token ids": lambda s: all("token_ids" in choice for choice in s.expected["choices"])},
    "responses": TYPED_QUIRKS
    | OTHER_MARKERS
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
        "deltas without a place": some(bodies, lambda b: "delta" in b and "output_index" not in b),
        "indices by kind": lambda s: len(items_of(s)) > 1 and set(places_of(s)) == {0},
        "other ids within": lambda s: any(id_.endswith("_within") for id_ in ids_of(s)),
        "content index of the item": lambda s: any(body.get("content_index") for body in bodies(s)),
        "placeholder arguments": some(added_by, lambda i: i.get("arguments") == "{}"),
        "wholes again": lambda s: types_of(s).count("response.output_item.done") > len(items_of(s)),
        "whole items": lambda s: items_of(s) != [] and not ids_of(s),
        "reasoning events": lambda s: "response.reasoning.delta" in types_of(s),
        "no calls at the end": lambda s: (
            any("call_id" in item for item in items_of(s)) and b"call_id" not in s.events[-1].data
        ),
        "null usage": lambda s: bodies(s)[-1]["response"]["usage"] is None,
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
        "index gaps": lambda s: indices_of(s) == [0, 2],
        "starts again": lambda s: len(indices_of(s)) > len(s.expected["content"]),
        "stops at the end": lambda s: types_of(s)[-4:-2] == ["content_block_stop"] * 2,
        "placeholder input": lambda s: (
            inputs_of(s)[0] == "{}" and any(inputs_of(s)[1:]) and len(s.expected["content"]) == 1
        ),
        "input in the start too": some(bodies, lambda b: b.get("content_block", {}).get("input")),
        "zero input at the end": some(
            bodies, lambda b: b.get("usage", {}).get("input_tokens") == 0
        ),
        "null usage at the end": lambda s: any(body.get("usage", "") is None for body in bodies(s)),
        "stop reason in capitals": lambda s: s.expected["stop_reason"].isupper(),
    },
    "gemini": ANY_QUIRKS
    | OTHER_MARKERS
    | {
        "arguments in pieces": lambda s: b"partialArgs" in s.data,
        "no index": lambda s: "index" not in candidates_of(s)[0],
        "no call ids": some(parts_of, lambda p: "id" not in p.get("functionCall", {"id": ""})),
        "usage at the end": lambda s: (
            "usageMetadata" in s.expected and "usageMetadata" not in bodies(s)[0]
        ),
        "empty text at the end": lambda s: (
            candidates_of(s)[-1]["content"]["parts"] == [{"text": ""}]
        ),
        "finish with the last part": some(candidates_of, finishes_with_parts),
        "stop on every chunk": lambda s: finishes_with_parts(candidates_of(s)[0]),
        "stop first": lambda s: (
            "finishReason" in candidates_of(s)[0] and "parts" not in candidates_of(s)[0]["content"]
        ),
        "finish in small letters": lambda s: s.expected["candidates"][0]["finishReason"].islower(),
        "chunks in lists": lambda s: isinstance(bodies(s)[0], list),
        "envelope": lambda s: "response" in bodies(s)[0],
        "zero usage last": lambda s: bodies(s)[-1]["usageMetadata"]["totalTokenCount"] == 0,
        "null usage": lambda s: bodies(s)[0]["usageMetadata"] is None,
        "marker": lambda s: s.ended_by == "marker",
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
        "contents in the start": some(bodies, lambda b: "content" in b.get("step", {})),
        "arguments in the start": some(bodies, lambda b: b.get("step", {}).get("arguments")),
        "steps at the end": lambda s: "steps" in bodies(s)[-1]["interaction"],
        "event ids": lambda s: all("event_id" in body for body in bodies(s)),
        "usage so far": lambda s: b"total_usage" in s.data,
    },
}


def holds(seen: Condition, stream: ModelStream) -> bool:
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
