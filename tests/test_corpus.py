"""Recorded streams of real hosts, of every format: however they are cut, read and broken off."""

import json
import re
from contextlib import suppress
from copy import deepcopy
from functools import cache
from typing import Any

import msgspec
import pytest

from ssekit import (
    ServerSentEvent,
    SSEKitError,
    gemini,
    interactions,
    iter_events,
    messages,
    partial_json,
    responses,
)
from tests.formats import FORMATS, PLAIN, each_format
from tests.oracle import oracle
from tests.shared import UNDECLARED, Recording, each_recording, needs_shared, recordings
from tests.thorough import pick
from tests.ways import (
    STATES,
    WAYS,
    cuts,
    in_two,
    outcome,
    pull_deltas,
    push,
    push_deltas,
    sent_on,
)

# Of these, a recording's `expected` file has the answer in the words of `PLAIN`. The oracle has the
# answers of Messages and of interactions, and `test_responses_corpus` those of Responses.
EXPECTED = ("chat", "completions", "gemini")


def trim_candidates(made: Any, expected: Any) -> None:
    """Leave out the arguments of calls that come in pieces (Vertex AI).

    In `expected`, a name begins a call, and its pieces are not put together: the oracle has them.
    """
    expected["usage"] = expected["usage"] or {}
    for ours, theirs in zip(made["candidates"], expected["candidates"], strict=True):
        theirs["calls"] = [call for call in theirs["calls"] if call["name"] is not None]
        for our, their in zip(ours["calls"], theirs["calls"], strict=True):
            if their["args"] is None:
                our["args"] = None


OUTCOMES = {**STATES, "incomplete": "done"}


@each_recording(*FORMATS)
def test_a_recorded_answer_is_what_an_independent_fold_made(recording: Recording):
    name = recording.endpoint
    for way in WAYS:
        expected = deepcopy(recording.expected)
        error, end = expected.pop("error"), expected.pop("outcome")
        _, decoder = way(FORMATS[name], [recording.data])
        assert decoder.state == OUTCOMES[end]
        assert getattr(decoder.error, "body", None) == error
        if name in EXPECTED:
            made = PLAIN[name](decoder.snapshot())
            if name == "gemini":
                trim_candidates(made, expected)
            assert made == expected


@each_recording(*FORMATS)
def test_cuts_do_not_matter(recording: Recording):
    wire = FORMATS[recording.endpoint]

    def ended(decoder: Any) -> Any:
        views = decoder.accumulator
        return outcome(decoder), views.text, views.reasoning, views.tool_calls, views.usage

    chunks, decoder = push(wire, [recording.data])
    whole = ended(decoder)
    for reads in cuts(recording):
        for way in WAYS:
            cut_chunks, cut_decoder = way(wire, reads)
            assert cut_chunks == chunks
            assert ended(cut_decoder) == whole


@each_recording(*FORMATS)
def test_the_deltas_that_are_pushed_are_those_that_are_pulled(recording: Recording):
    wire = FORMATS[recording.endpoint]
    pulled, whole = pull_deltas(wire, [recording.data])
    for reads in in_two(recording, small=pick(quick=1_000, thorough=3_500), count=20):
        pushed, decoder = push_deltas(wire, reads)
        assert pushed == pulled
        assert (decoder.state, str(decoder.error)) == (whole.state, str(whole.error))


@each_recording("interactions")
def test_the_views_of_an_interaction_are_what_an_independent_fold_made(recording: Recording):
    _, decoder = push(interactions, [recording.data])
    views, expected = decoder.accumulator, recording.expected
    assert (views.text, views.reasoning) == (expected["text"], expected["thoughts"])
    assert (views.finish_reason, views.event_id) == (
        expected["finish_reason"],
        expected["event_id"],
    )
    assert (views.usage and msgspec.structs.asdict(views.usage)) == expected["usage"]
    calls = [(call.id, call.name, call.partial()) for call in views.tool_calls]
    assert calls == [
        (call["id"], call["name"], partial_json(call["arguments"])
         if isinstance(call["arguments"], str) else call["arguments"])
        for call in expected["calls"]
    ]  # fmt: skip


@each_recording("interactions")
def test_events_that_are_sent_on_make_the_same_interaction(recording: Recording):
    _, decoder = push(interactions, [recording.data])
    _, again = push(interactions, [sent_on(interactions, recording)])
    assert again.snapshot() == decoder.snapshot()


@each_recording("chat", "completions", "messages", "gemini", "interactions")
def test_a_stream_that_ends_early_has_the_end_and_the_answer_of_the_oracle(recording: Recording):
    name, data = recording.endpoint, recording.data
    ends = [0, *(found.end() for found in re.finditer(rb"(?>\r\n|\r|\n){2}", data))]
    step = 1 + len(ends) // pick(quick=50, thorough=1_000)
    for place in {*ends[::step], ends[-1]}:
        _, decoder = push(FORMATS[name], [data[:place]])
        expected = oracle(name, data[:place])
        assert (decoder.state, decoder.ended_by) == expected.end
        partial = decoder.error.partial if decoder.error else decoder.result()
        assert PLAIN[name](partial) == expected.answer


@each_recording("messages")
def test_a_message_is_the_same_without_event_lines_and_without_types(recording: Recording):
    """The type stands in the line of an event and in its data: one of the two is enough."""
    events = [json.loads(event.data) for event in iter_events([recording.data])]
    without_lines = [ServerSentEvent(json.dumps(event)) for event in events]
    without_types = [
        ServerSentEvent(json.dumps(event | {"type": None}), event["type"]) for event in events
    ]
    whole = messages.collect([recording.data])
    assert messages.collect(without_lines) == messages.collect(without_types) == whole


# Recordings whose counts do not add up on the wire either.
NO_SUM = {"gemini/aiplatform.googleapis.com-aa4b8525f1.sse": "18 + 1 + 196 is 215, the total 214"}


@each_recording("gemini")
def test_the_usage_of_a_response_adds_up(recording: Recording):
    _, decoder = push(gemini, [recording.data])
    usage = decoder.accumulator.usage
    if usage is None:
        assert b"usageMetadata" not in recording.data
    else:
        adds_up = (usage.input_tokens or 0) + (usage.output_tokens or 0) == usage.total_tokens
        assert adds_up == (recording.name not in NO_SUM)


@cache
def declared(struct: type[msgspec.Struct]) -> dict[str, str]:
    """Return the names of the fields of a struct, by those that they have on the wire."""
    return {field.encode_name: field.name for field in msgspec.structs.fields(struct)}


def undeclared(wire: Any, typed: Any, path: str = "") -> list[str]:
    """Return the names of the fields of the wire that no struct declares."""
    if isinstance(typed, msgspec.Struct) and isinstance(wire, dict):
        names = declared(type(typed))
        known = {*names, typed.__struct_config__.tag_field}
        return [f"{path}{name}" for name in wire if name not in known] + [
            name
            for key, value in wire.items()
            if key in names and isinstance(value, dict | list)
            for name in undeclared(value, getattr(typed, names[key]), f"{path}{key}.")
        ]
    if isinstance(typed, list | tuple) and isinstance(wire, list):
        return [name for a, b in zip(wire, typed, strict=False) for name in undeclared(a, b, path)]
    return []


@needs_shared
@each_format
def test_no_field_of_the_wire_is_left_out_without_a_reason(name: str):
    found: set[str] = set()
    for recording in recordings(name):
        stream = FORMATS[name].stream([recording.data])
        with suppress(SSEKitError):
            for chunk in stream:
                assert isinstance(chunk, msgspec.Struct), "an event of unknown type"
                assert stream.event is not None
                found.update(undeclared(stream.event.json(), chunk))
    assert found == set(UNDECLARED.get(name, ()))


# What has to be repaired in the events of a format: how it looks on the wire, and why.
REPAIRED = {
    "gemini": {
        '{"promptFeedback"': "a verdict on the prompt, without candidates",
        '"citationSources"': "the other name of citations",
    },
}


@needs_shared
@pytest.mark.parametrize(
    ("name", "chunk_type"),
    [
        ("gemini", gemini.GenerateContentResponse),
        ("interactions", interactions.InteractionSSEEvent),
        ("messages", messages.RawMessageStreamEvent),
        ("responses", responses.ResponseStreamEvent),
    ],
)
def test_recorded_events_are_decoded_without_python(name: str, chunk_type: Any):
    """None of them has to be repaired, but for a reason."""
    decoder = msgspec.json.Decoder(chunk_type)
    found: set[str] = set()
    for recording in recordings(name):
        for event in iter_events([recording.data]):
            if event.data == "[DONE]":
                continue
            try:
                decoder.decode(event.data)
            except msgspec.ValidationError:
                reasons = {look for look in REPAIRED.get(name, ()) if look in event.data}
                assert reasons, event.data
                found |= reasons
    assert found == set(REPAIRED.get(name, ()))
