"""The strategies of models' streams: what they reach, what they shrink to, and what they promise."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

from ssekit import chat, completions, gemini, messages, responses
from ssekit.testing import (
    DIALECTS,
    ModelEvent,
    ModelStream,
    Said,
    chat_streams,
    completion_streams,
    gemini_streams,
    message_streams,
    response_streams,
)
from tests.reference import interpret

WIRES: dict[str, tuple[Any, Callable[..., st.SearchStrategy[ModelStream]]]] = {
    "chat": (chat, chat_streams),
    "completions": (completions, completion_streams),
    "responses": (responses, response_streams),
    "messages": (messages, message_streams),
    "gemini": (gemini, gemini_streams),
}
each_wire = pytest.mark.parametrize("name", WIRES)


def encoded(answer: Any) -> Any:
    return json.loads(msgspec.json.encode(answer))


def bodies(stream: ModelStream) -> list[Any]:
    """Return the JSON of the events, as an independent decoder has them."""
    events = interpret(stream.data).events
    return [json.loads(data) for _, data, _, _ in events if data != "[DONE]"]


# A stream that is generated from a result accumulates to that result.


@each_wire
def test_a_stream_accumulates_to_the_answer_it_was_made_of(name: str):
    wire, streams = WIRES[name]

    @settings(max_examples=300)
    @given(streams() | streams(dialect="any"))
    def check(stream: ModelStream) -> None:
        decoder = wire.decoder()
        # After each event as well: what is said of a stream that breaks rests on it.
        for count, event in enumerate(stream.events, 1):
            decoder.feed(event.data)
            assert encoded(decoder.snapshot()) == stream.expected_after(count)
        decoder.close()
        assert (decoder.state, decoder.ended_by) == (stream.state, stream.ended_by)
        assert encoded(decoder.result()) == stream.expected

    check()


EVERY_HOST = [(name, host) for name, dialects in DIALECTS.items() for host in dialects.hosts]


@pytest.mark.parametrize(("name", "host"), EVERY_HOST)
def test_a_stream_of_a_host_accumulates_to_the_answer_it_was_made_of(name: str, host: str):
    wire, streams = WIRES[name]

    @settings(max_examples=30)
    @given(streams(dialect=host))
    def check(stream: ModelStream) -> None:
        assert encoded(wire.collect([stream.data])) == stream.expected

    check()


@each_wire
def test_the_bytes_are_events_to_an_independent_decoder(name: str):
    """Each event that says something has JSON for its data; one that ends it as marker does not."""
    _, streams = WIRES[name]

    @given(streams(dialect="any"))
    def check(stream: ModelStream) -> None:
        for event in stream.events:
            data = [data for _, data, _, _ in interpret(event.data).events]
            assert len(data) <= 1
            assert data or not event.said
            assert (data == ["[DONE]"]) == (event.ends == "marker")

    check()


# What they reach.

REACHING = settings(max_examples=5_000, phases=[Phase.generate])


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
}
EACH_REACHED = [
    pytest.param(name, reached, id=f"{name}: {what}")
    for name, table in REACHED.items()
    for what, reached in (ANY_WIRE | table).items()
]


@pytest.mark.parametrize(("name", "reached"), EACH_REACHED)
def test_what_matters_is_reached(name: str, reached: Callable[[ModelStream], bool]):
    assert find(WIRES[name][1](), reached, settings=REACHING)


@each_wire
def test_what_matters_is_common(name: str):
    """Among some hundred streams, what a consumer may get wrong is there more than once."""
    seen: Counter[str] = Counter()

    @settings(max_examples=400)
    @given(WIRES[name][1]())
    def look(stream: ModelStream) -> None:
        seen.update(what for what, reached in REACHED[name].items() if reached(stream))
        seen["events"] += len(stream.events)

    look()
    rare = {"arguments cut within an escape", "arguments cut within an escaped pair"} | {
        "input cut within an escape"
    }
    assert all(seen[what] >= 4 for what in REACHED[name].keys() - rare), seen
    assert seen["events"] < 400 * 20  # they stay small


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
    assert repr(find(WIRES[name][1](), lambda _stream: True)) == SIMPLEST[name]


@each_wire
def test_a_stream_shrinks_to_what_matters_in_it(name: str):
    """A consumer that loses one letter is shown a stream of that letter alone."""
    text = st.text("abc", max_size=20)
    stream = find(
        WIRES[name][1](text=text),
        lambda stream: "b" in json.dumps(stream.expected_after(99)).replace("bytes", ""),
        settings=settings(max_examples=1_000),
    )
    assert stream.data.count(b"c\"") + stream.data.count(b'"a') <= 3


# What dialects do. What is to be found in the streams of each quirk; the quirks that the answer
# itself shows are in the table by what is not on the wire.

QUIRKS: dict[str, dict[str, Callable[[ModelStream], bool]]] = {}


@pytest.mark.parametrize("name", WIRES)
def test_a_dialect_that_is_none_is_refused(name: str):
    streams = WIRES[name][1]
    with pytest.raises(InvalidArgument, match="'nobody' is none of"):
        streams(dialect="nobody")
    with pytest.raises(InvalidArgument, match="'no such quirk'"):
        streams(dialect=["comments", "no such quirk"])


@pytest.mark.parametrize(("name", "host"), EVERY_HOST)
def test_a_host_is_a_set_of_quirks(name: str, host: str):
    dialects = DIALECTS[name]  # type: ignore[index]
    assert dialects.hosts[host] <= set(dialects.quirks)


@pytest.mark.parametrize("name", WIRES)
def test_each_quirk_that_a_host_names_is_of_use(name: str):
    """Streams of a quirk say what it says, and those of the vendor do not."""
