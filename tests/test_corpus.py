"""Recorded chat streams of real hosts: what they say, however they are cut, read and broken off."""

import re
from contextlib import suppress
from typing import Any

import msgspec

from ssekit import SSEKitError, ToolCall, Usage, chat
from tests.oracle import oracle
from tests.shared import Recording, each_recording, needs_shared, recordings
from tests.ways import STATES, WAYS, cuts, outcome, push, undeclared


def said(answer: chat.ChatCompletion) -> dict[str, Any]:
    """Return what the recordings' `expected` files say of an answer."""
    choices = []
    for choice in answer.choices:
        message = choice.message
        calls = [call for call in message.tool_calls or [] if call.type == "function"]
        choices.append(
            {
                "index": choice.index,
                "content": message.content or "",
                "reasoning": message.reasoning or message.reasoning_content or "",
                "refusal": message.refusal or "",
                "tool_calls": [
                    {
                        "id": call.id,
                        "name": call.function.name,
                        "arguments": call.function.arguments,
                    }
                    for call in calls
                ],
                "function_call": msgspec.to_builtins(message.function_call),
                "finish_reason": choice.finish_reason,
            }
        )
    tokens = ("prompt_tokens", "completion_tokens", "total_tokens")
    usage = answer.usage and {name: getattr(answer.usage, name) for name in tokens}
    return {"id": answer.id, "model": answer.model, "choices": choices, "usage": usage}


@each_recording("chat")
def test_what_a_recorded_stream_says(recording: Recording):
    expected = dict(recording.expected)
    error, end = expected.pop("error"), expected.pop("outcome")
    for way in WAYS:
        _, decoder = way(chat, [recording.data])
        assert said(decoder.snapshot()) == expected
        assert decoder.state == STATES[end]
        assert getattr(decoder.error, "body", None) == error


@each_recording("chat")
def test_it_says_the_same_however_it_is_cut(recording: Recording):
    chunks, decoder = push(chat, [recording.data])
    whole = outcome(decoder)
    for reads in cuts(recording):
        for way in WAYS:
            cut_chunks, cut_decoder = way(chat, reads)
            assert cut_chunks == chunks
            assert outcome(cut_decoder) == whole


@each_recording("chat")
def test_the_end_at_every_event_boundary(recording: Recording):
    """A stream that ends early ends in the state that an independent table has, and so its part."""
    for boundary in re.finditer(rb"(?:\r\n|\r|\n)(?:\r\n|\r|\n)", recording.data):
        data = recording.data[: boundary.end()]
        _, decoder = push(chat, [data])
        expected = oracle("chat", data)
        assert (decoder.state, decoder.ended_by) == expected.end
        partial = decoder.error.partial if decoder.error else decoder.result()
        assert said(partial) == expected.answer


@each_recording("chat")
def test_the_deltas_add_up_to_the_result(recording: Recording):
    stream = chat.stream([recording.data])
    text: dict[str, str] = {}
    arguments: dict[int, str] = {}
    whole: list[Any] = []
    try:
        for delta in stream.deltas():
            kind = type(delta).__name__
            if isinstance(delta, ToolCall):
                whole.append((delta.index, delta))
            elif kind == "ToolCallDelta" and delta.index == 0:
                arguments[delta.place] = arguments.get(delta.place, "") + delta.arguments
            elif kind == "Finish" and delta.index == 0:
                assert delta.reason == stream.accumulator.finish_reason
            elif kind == "Usage":
                text["usage"] = delta
            elif delta.index == 0:
                text[kind] = text.get(kind, "") + delta.text
    except SSEKitError:
        assert stream.state == "failed"
    accumulator = stream.accumulator
    assert text.get("TextDelta", "") == accumulator.text
    assert text.get("ReasoningDelta", "") == accumulator.reasoning
    assert text.get("RefusalDelta", "") == accumulator.refusal
    assert list(arguments.values()) == [call.arguments for call in accumulator.tool_calls]
    if stream.state == "done":
        assert [call for index, call in whole if index == 0] == list(accumulator.tool_calls)
        assert text.get("usage") == accumulator.usage
        assert isinstance(accumulator.usage, Usage | None)


@needs_shared
def test_text_is_what_the_deltas_say():
    for recording in recordings("chat"):
        stream = chat.stream([recording.data])
        pieces = []
        with suppress(SSEKitError):
            for piece in stream.text():
                pieces.append(piece)  # those before an error count
        assert "".join(pieces) == stream.accumulator.text


# Fields of the wire that no struct declares, and why. They are all to be had through `.event`.
UNDECLARED = {
    "p": "padding (Mistral)",
    "latency_checkpoint": "how long what took within Azure; in no documentation",
}


@needs_shared
def test_no_field_of_the_wire_is_left_out_without_a_reason():
    found: set[str] = set()
    for recording in recordings("chat"):
        stream = chat.stream([recording.data])
        with suppress(SSEKitError):
            for chunk in stream:
                assert stream.event is not None
                found.update(undeclared(stream.event.json(), chunk))
    assert found == set(UNDECLARED)
