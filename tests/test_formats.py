"""What holds for every format: the deltas, the views and the result say the same, in one way."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from importlib import import_module
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from msgspec import UNSET

from ssekit import (
    DecodeError,
    Delta,
    Finish,
    PartialJSON,
    ReasoningDelta,
    RefusalDelta,
    SSEKitError,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
    auto,
)
from ssekit.testing import (
    ModelStream,
    chat_streams,
    completion_streams,
    gemini_streams,
    message_streams,
    response_streams,
)
from tests.shared import Recording, each_recording
from tests.streams import ARGUMENTS, CALL, REASONING, STREAMS, TEXT, TOKENS
from tests.wire import event

VIEWS = {TextDelta: "text", ReasoningDelta: "reasoning", RefusalDelta: "refusal"}

each_format = pytest.mark.parametrize("name", auto.FORMATS)
each_opener = pytest.mark.parametrize("told", [True, False], ids=["told", "auto"])


def opener(name: str, *, told: bool = True) -> Any:
    return import_module(f"ssekit.{name}") if told else auto


def encoded(answer: Any) -> Any:
    return json.loads(msgspec.json.encode(answer))


def read(stream: Any) -> list[Delta]:
    """Return the deltas of a stream, also of one that fails in the end."""
    deltas = []
    try:
        for delta in stream.deltas():
            deltas.append(delta)  # those before an error count
    except SSEKitError as error:
        assert error is stream.decoder.error
    return deltas


def joined(deltas: list[Delta], kind: Any) -> dict[int, str]:
    """Return what the deltas of a kind join to, by their choices."""
    texts: dict[int, str] = defaultdict(str)
    for delta in deltas:
        if type(delta) is kind:
            texts[delta.index] += delta.text
    return texts


def arguments(deltas: list[Delta]) -> dict[tuple[int, int], str]:
    """Return what the argument fragments join to, by the choice and the place of the call."""
    fragments: dict[tuple[int, int], str] = defaultdict(str)
    for delta in deltas:
        if type(delta) is ToolCallDelta:
            fragments[delta.index, delta.place] += delta.arguments
    return fragments


def only(deltas: list[Delta], kind: Any) -> list[Any]:
    return [delta for delta in deltas if type(delta) is kind]


def check(stream: Any) -> list[Delta]:
    """Check that the deltas of a stream say what its views do; return them."""
    deltas = read(stream)
    accumulator = stream.accumulator
    done = stream.state == "done"
    for kind, view in VIEWS.items():
        text = joined(deltas, kind)[0]
        whole = getattr(accumulator, view)
        # What comes in one event with an error is in the partial answer alone.
        assert text == whole if done else whole.startswith(text)
    assert all(type(delta.index) is int for delta in deltas if type(delta) is not Usage)

    calls = list(accumulator.tool_calls)
    fragments = arguments(deltas)
    handed = {(call.index, call.place): call for call in only(deltas, ToolCall)}
    assert len(handed) == len(only(deltas, ToolCall)), "a call came twice"
    assert [call.place for call in calls] == list(range(len(calls)))
    if done:
        assert {index: fragments[index] for index in handed} == {
            index: call.arguments for index, call in handed.items()
        }
        assert fragments.keys() == handed.keys()
        of_choice_0 = [call for call in handed.values() if call.index == 0]
        of_choice_0.sort(key=lambda call: call.place)
        assert all(a is b for a, b in zip(of_choice_0, calls, strict=True))

    finishes = {finish.index: finish for finish in only(deltas, Finish)}
    assert len(finishes) == len(only(deltas, Finish)), "a choice ended twice"
    assert all(done and finish.vendor_reason for finish in finishes.values())
    reason = finishes[0].reason if 0 in finishes else None
    assert not done or reason == accumulator.finish_reason
    usages = only(deltas, Usage)
    assert not done or (usages or [None])[-1] == accumulator.usage
    return deltas


# A stream that is made of an answer accumulates to that answer, and its deltas say it.

STRATEGIES = {
    "chat": chat_streams,
    "completions": completion_streams,
    "responses": response_streams,
    "messages": message_streams,
    "gemini": gemini_streams,
}


@each_format
def test_a_stream_accumulates_to_the_answer_that_it_was_made_of(name: str):
    @settings(max_examples=300)
    @given(STRATEGIES[name]() | STRATEGIES[name](dialect="any"))
    def accumulate(made: ModelStream) -> None:
        decoder = opener(name).decoder()
        # After each event as well: what is said of a stream that breaks rests on it.
        for count, said in enumerate(made.events, 1):
            decoder.feed(said.data)
            assert encoded(decoder.snapshot()) == made.expected_after(count)
        decoder.close()
        assert (decoder.state, decoder.ended_by) == (made.state, made.ended_by)
        assert encoded(decoder.result()) == made.expected

    accumulate()


@each_format
def test_the_deltas_of_a_made_stream_say_what_its_views_do(name: str):
    @given(STRATEGIES[name]() | STRATEGIES[name](dialect="any"))
    def compare(made: ModelStream) -> None:
        check(opener(name).stream([made.data]))

    compare()


# Recorded streams.


def texts(expected: Any) -> dict[int, str]:
    """Return the texts that an independent fold found, by their choices."""
    if "choices" in expected:
        return {
            choice["index"]: choice.get("content", choice.get("text")) or ""
            for choice in expected["choices"]
        }
    if "candidates" in expected:
        return {place: each["text"] or "" for place, each in enumerate(expected["candidates"])}
    if "content" in expected:
        return {0: "".join(block.get("text") or "" for block in expected["content"])}
    return {0: expected["text"]}


@each_recording(*auto.FORMATS)
@each_opener
def test_the_deltas_of_a_recorded_stream_say_what_its_views_do(recording: Recording, told: bool):
    stream = opener(recording.endpoint, told=told).stream([recording.data])
    deltas = check(stream)
    expected = texts(recording.expected)
    said = joined(deltas, TextDelta)
    if stream.state == "done":
        assert {index: text for index, text in said.items() if text} == {
            index: text for index, text in expected.items() if text
        }
    assert {delta.index for delta in deltas if type(delta) is not Usage} <= expected.keys()


# Streams that were written by hand.


def test_every_format_has_a_stream():
    assert set(auto.FORMATS) <= set(STREAMS)


@each_format
@each_opener
def test_the_deltas_say_what_the_views_do(name: str, told: bool):
    deltas = check(opener(name, told=told).stream(STREAMS[name]))

    async def source() -> AsyncIterator[bytes]:
        for data in STREAMS[name]:
            yield data

    async def main() -> list[Delta]:
        return [delta async for delta in opener(name, told=told).astream(source()).deltas()]

    assert asyncio.run(main()) == deltas


@each_format
def test_every_format_says_the_same_in_the_same_words(name: str):
    stream = opener(name).stream(STREAMS[name])
    deltas = read(stream)
    accumulator = stream.accumulator
    assert only(deltas, TextDelta) == [TextDelta(0, piece) for piece in TEXT]
    assert accumulator.text == "".join(TEXT)
    assert (accumulator.usage.input_tokens, accumulator.usage.output_tokens) == TOKENS[:2]
    assert accumulator.usage.total_tokens in (TOKENS[2], None)  # one vendor does not say
    assert [finish.index for finish in only(deltas, Finish)] == [0]
    if name == "completions":  # this endpoint has nothing else
        assert {type(delta) for delta in deltas} == {TextDelta, Usage, Finish}
        return
    assert only(deltas, ReasoningDelta) == [ReasoningDelta(0, piece) for piece in REASONING]
    [call] = only(deltas, ToolCall)
    assert (call.index, call.place, call.id, call.name) == (0, 0, *CALL)
    assert call.parse() == json.loads("".join(ARGUMENTS))


@each_format
def test_text_is_read_as_a_type(name: str):
    decoder = opener(name).decoder()
    for data in STREAMS[name]:
        decoder.feed(data)
    decoder.close()
    assert decoder.accumulator.parse(dict[str, str]) == {"city": "Paris"}
    with pytest.raises(DecodeError, match="the text is not the JSON that was asked for"):
        decoder.accumulator.parse(list[str])


def test_text_is_read_as_a_type_where_the_format_was_found_out():
    accumulator = auto.decoder().accumulator
    with pytest.raises(DecodeError):
        accumulator.parse(dict[str, str])
    stream = auto.stream(STREAMS["chat"])
    standing = stream.accumulator  # it stands for the right one to the end
    stream.until_done()
    assert standing.parse(dict[str, str]) == {"city": "Paris"}


@each_format
def test_a_call_can_be_watched_as_it_grows(name: str):
    watched: dict[int, PartialJSON] = defaultdict(PartialJSON)
    stream = opener(name).stream(STREAMS[name])
    for delta in stream.deltas():
        if isinstance(delta, ToolCallDelta):
            watched[delta.place].feed(delta.arguments)
            known = stream.accumulator.tool_calls[delta.place].partial()
            assert watched[delta.place].value == known
    for call in stream.accumulator.tool_calls:
        assert watched[call.place].value == call.parse() == call.partial()


def test_an_unfinished_call_says_what_is_known():
    decoder = opener("chat").decoder()
    known = []
    for data in STREAMS["chat"]:
        decoder.feed(data)
        known += [call.partial() for call in decoder.accumulator.tool_calls]
    assert known[:3] == [UNSET, {}, {"city": "Rome"}]


# Of each format, an event that says one character.
PIECES: dict[str, Any] = {
    "chat": {"choices": [{"index": 0, "delta": {"content": "a"}}]},
    "completions": {"choices": [{"index": 0, "text": "a"}]},
    "responses": {"type": "response.output_text.delta", "delta": "a"},
    "messages": {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "a"}},
    "gemini": {"candidates": [{"content": {"parts": [{"text": "a"}]}}]},
}


@each_format
def test_a_text_in_very_many_pieces(name: str):
    decoder = opener(name).decoder()
    decoder.feed(event(PIECES[name]) * 5_000)
    assert decoder.accumulator.text == "a" * 5_000
