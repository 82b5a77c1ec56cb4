"""Recorded Gemini streams: what they say, however they are cut, read and broken off."""

import re
from typing import Any

from msgspec.structs import fields

from ssekit import (
    Finish,
    ReasoningDelta,
    ServerSentEvent,
    SSEKitError,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
    gemini,
)
from tests.oracle import GEMINI_USAGE, oracle
from tests.shared import Recording, each_recording, needs_shared, recordings
from tests.ways import STATES, WAYS, cuts, outcome, push, undeclared


def said(answer: gemini.GenerateContentResponse) -> dict[str, Any]:
    """Return what the recordings' `expected` files say of an answer."""
    candidates = []
    for candidate in answer.candidates:
        parts = candidate.content.parts
        calls = [part.function_call for part in parts if part.function_call is not None]
        candidates.append(
            {
                "text": "".join(part.text for part in parts if part.text and not part.thought),
                "thought": "".join(part.text for part in parts if part.text and part.thought),
                "calls": [{"name": call.name, "args": call.args} for call in calls],
                "finish_reason": candidate.finish_reason,
            }
        )
    usage = answer.usage_metadata or gemini.UsageMetadata()
    names = {field.encode_name: getattr(usage, field.name) for field in fields(usage)}
    return {
        "id": answer.response_id or "",
        "model": answer.model_version or "",
        "candidates": candidates,
        "usage": {name: names[name] for name in GEMINI_USAGE if names[name] is not None},
    }


@each_recording("gemini")
def test_what_a_recorded_stream_says(recording: Recording):
    expected = dict(recording.expected)
    error, end = expected.pop("error"), expected.pop("outcome")
    for way in WAYS:
        _, decoder = way(gemini, [recording.data])
        made = said(decoder.snapshot())
        for ours, theirs in zip(made["candidates"], expected["candidates"], strict=True):
            # Pieces of calls (Vertex AI) stand there as they came: a name begins a call, whose
            # arguments are not put together. That they are right, the oracle below says.
            begun = [call for call in theirs["calls"] if call["name"] is not None]
            assert [call["name"] for call in ours["calls"]] == [call["name"] for call in begun]
            for our, their in zip(ours["calls"], begun, strict=True):
                assert their["args"] in (our["args"], None)
        bare = [{**candidate, "calls": None} for candidate in made["candidates"]]
        wanted = [{**candidate, "calls": None} for candidate in expected["candidates"]]
        assert {**made, "candidates": bare} == {**expected, "candidates": wanted}
        assert decoder.state == STATES[end]
        assert getattr(decoder.error, "body", None) == error


@each_recording("gemini")
def test_it_says_the_same_however_it_is_cut(recording: Recording):
    chunks, decoder = push(gemini, [recording.data])
    whole = outcome(decoder)
    for reads in cuts(recording):
        for way in WAYS:
            cut_chunks, cut_decoder = way(gemini, reads)
            assert cut_chunks == chunks
            assert outcome(cut_decoder) == whole


@each_recording("gemini")
def test_the_end_at_every_event_boundary(recording: Recording):
    """A stream that ends early ends in the state that an independent table has, and so its part."""
    for boundary in re.finditer(rb"(?:\r\n|\n)(?:\r\n|\n)", recording.data):
        data = recording.data[: boundary.end()]
        _, decoder = push(gemini, [data])
        expected = oracle("gemini", data)
        assert (decoder.state, decoder.ended_by) == expected.end
        partial = decoder.error.partial if decoder.error else decoder.result()
        assert said(partial) == expected.answer


@each_recording("gemini")
def test_the_deltas_add_up_to_the_result(recording: Recording):
    stream = gemini.stream([recording.data])
    deltas = list(stream.deltas())
    accumulator = stream.accumulator
    texts = [delta.text for delta in deltas if isinstance(delta, TextDelta)]
    thoughts = [delta.text for delta in deltas if isinstance(delta, ReasoningDelta)]
    arguments: dict[int, str] = {}
    for delta in deltas:
        if isinstance(delta, ToolCallDelta):
            arguments[delta.place] = arguments.get(delta.place, "") + delta.arguments
    calls = [delta for delta in deltas if isinstance(delta, ToolCall)]
    assert "".join(texts) == accumulator.text == recording.expected["candidates"][0]["text"]
    assert "".join(thoughts) == accumulator.reasoning
    assert list(arguments.values()) == [call.arguments for call in accumulator.tool_calls]
    assert all(a is b for a, b in zip(calls, accumulator.tool_calls, strict=True))
    assert [delta.reason for delta in deltas if isinstance(delta, Finish)] == [
        accumulator.finish_reason
    ]
    assert [delta for delta in deltas if isinstance(delta, Usage)][-1] == accumulator.usage
    assert "".join(gemini.stream([recording.data]).text()) == accumulator.text


@each_recording("gemini")
def test_the_usage_adds_up(recording: Recording):
    stream = gemini.stream([recording.data])
    stream.until_done()
    usage = stream.accumulator.usage
    assert usage is not None
    assert (usage.input_tokens or 0) + (usage.output_tokens or 0) == usage.total_tokens


@needs_shared
def test_no_field_of_the_wire_is_left_out():
    found: set[str] = set()
    for recording in recordings("gemini"):
        stream = gemini.stream([recording.data])
        for chunk in stream:
            assert stream.event is not None
            found.update(undeclared(stream.event.json(), chunk))
    assert found == set()


@needs_shared
def test_every_recorded_chunk_is_decoded_without_python():
    """None of the recorded events needs the slow road."""
    for recording in recordings("gemini"):
        decoder = gemini.decoder()
        decoder._decode_unusual = _refuse
        decoder.feed(recording.data)
        decoder.close()
        assert decoder.state == "done"


def _refuse(event: ServerSentEvent) -> Any:
    raise SSEKitError(event.data)
