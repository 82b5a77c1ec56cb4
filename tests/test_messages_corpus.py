"""Recorded Messages streams: what they say, however they are cut, read and broken off."""

import json
from typing import Any

import msgspec

from ssekit import ServerSentEvent, SSEKitError, ToolCall, messages
from tests.oracle import oracle, without_nulls
from tests.shared import Recording, each_recording, needs_shared, recordings
from tests.ways import STATES, WAYS, cuts, outcome, push, undeclared


def encoded(answer: messages.Message) -> Any:
    return json.loads(msgspec.json.encode(answer))


def said(answer: messages.Message) -> dict[str, Any]:
    """Return what the recordings' `expected` files say of an answer."""
    told = ("type", "text", "thinking", "signature", "id", "name", "input", "citations")
    content = []
    for block in encoded(answer)["content"]:
        view = {name: block[name] for name in told if name in block}
        citations = view.pop("citations", [])
        content.append(view | ({"citations": len(citations)} if citations else {}))
    return {
        "id": answer.id,
        "model": answer.model,
        "content": content,
        "stop_reason": answer.stop_reason,
        "output_tokens": answer.usage.output_tokens,
    }


@each_recording("messages")
def test_what_a_recorded_stream_says(recording: Recording):
    expected = dict(recording.expected)
    error, end = expected.pop("error"), expected.pop("outcome")
    for way in WAYS:
        _, decoder = way(messages, [recording.data])
        assert said(decoder.snapshot()) == expected
        assert decoder.state == STATES[end]
        assert getattr(decoder.error, "body", None) == error


@each_recording("messages")
def test_it_says_the_same_however_it_is_cut(recording: Recording):
    chunks, decoder = push(messages, [recording.data])
    whole = outcome(decoder)
    for reads in cuts(recording):
        for way in WAYS:
            cut_chunks, cut_decoder = way(messages, reads)
            assert cut_chunks == chunks
            assert outcome(cut_decoder) == whole


def wire(recording: Recording) -> list[bytes]:
    """Return the events of a stream, each with its end."""
    return [event + b"\n\n" for event in recording.data.split(b"\n\n") if event.strip()]


@each_recording("messages")
def test_the_end_at_every_event_boundary(recording: Recording):
    """A stream that ends early ends in the state that an independent fold has, and so its part."""
    events = wire(recording)
    for count in range(len(events) + 1):
        data = b"".join(events[:count])
        _, decoder = push(messages, [data])
        expected = oracle("messages", data)
        assert (decoder.state, decoder.ended_by) == expected.end
        partial = decoder.error.partial if decoder.error else decoder.result()
        assert without_nulls(encoded(partial)) == expected.answer


@each_recording("messages")
def test_it_says_the_same_without_event_lines_and_without_types(recording: Recording):
    """The type stands in the line of an event and in its data: one of the two is enough."""
    whole = messages.collect([recording.data])
    events = [json.loads(event.partition(b"data: ")[2]) for event in wire(recording)]
    without_lines = [ServerSentEvent(json.dumps(event)) for event in events]
    without_types = [
        ServerSentEvent(json.dumps(event | {"type": None}), event["type"]) for event in events
    ]
    assert messages.collect(without_lines) == messages.collect(without_types) == whole


@each_recording("messages")
def test_the_deltas_add_up_to_the_result(recording: Recording):
    stream = messages.stream([recording.data])
    joined: dict[str, str] = {}
    arguments: dict[int, str] = {}
    calls: list[ToolCall] = []
    last: dict[str, Any] = {}
    for delta in stream.deltas():
        name = type(delta).__name__
        if isinstance(delta, ToolCall):
            assert delta.arguments == arguments[delta.place]
            calls.append(delta)
        elif name == "ToolCallDelta":
            arguments[delta.place] = arguments.get(delta.place, "") + delta.arguments
        elif name in ("Finish", "Usage"):
            last[name] = delta
        else:
            joined[name] = joined.get(name, "") + delta.text
    accumulator, answer = stream.accumulator, stream.result()
    texts = [block.text for block in answer.content if isinstance(block, messages.TextBlock)]
    assert joined.get("TextDelta", "") == accumulator.text == "".join(texts)
    assert joined.get("ReasoningDelta", "") == accumulator.reasoning
    assert joined.get("RefusalDelta", "") == accumulator.refusal
    assert all(a is b for a, b in zip(calls, accumulator.tool_calls, strict=True))
    used = [block for block in answer.content if isinstance(block, messages.ToolUseBlock)]
    assert [(call.id, call.name, json.loads(call.arguments)) for call in calls] == [
        (block.id, block.name, block.input) for block in used
    ]
    assert last["Finish"].reason == accumulator.finish_reason
    assert last["Finish"].vendor_reason == answer.stop_reason
    assert last["Usage"] == accumulator.usage


@needs_shared
def test_no_field_of_the_wire_is_left_out():
    found: set[str] = set()
    for recording in recordings("messages"):
        stream = messages.stream([recording.data])
        for event in stream:
            assert stream.event is not None
            assert not isinstance(event, messages.UnknownEvent)
            found.update(name for name in undeclared(stream.event.json(), event) if _told(name))
    assert found == set()


def _told(name: str) -> bool:
    return name.rpartition(".")[2] != "type"  # a tag is no field


@needs_shared
def test_every_ordinary_event_is_decoded_without_python():
    """None of the recorded events needs the slow road."""
    for recording in recordings("messages"):
        decoder = messages.decoder()
        decoder._decode_unusual = _refuse
        decoder.feed(recording.data)
        assert decoder.state == "done"


def _refuse(event: ServerSentEvent) -> Any:
    raise SSEKitError(event.data)
