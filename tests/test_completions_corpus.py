"""Recorded streams of legacy completions: what they say, however they are cut and broken off."""

import re
from typing import Any

from ssekit import Finish, TextDelta, Usage, completions
from tests.oracle import oracle
from tests.shared import Recording, each_recording, needs_shared, recordings
from tests.ways import STATES, WAYS, cuts, outcome, push, undeclared


def said(answer: completions.Completion) -> dict[str, Any]:
    """Return what the recordings' `expected` files say of an answer."""
    choices = [
        {"index": choice.index, "text": choice.text, "finish_reason": choice.finish_reason}
        for choice in answer.choices
    ]
    tokens = ("prompt_tokens", "completion_tokens", "total_tokens")
    usage = answer.usage and {name: getattr(answer.usage, name) for name in tokens}
    return {"id": answer.id, "model": answer.model, "choices": choices, "usage": usage}


@each_recording("completions")
def test_what_a_recorded_stream_says(recording: Recording):
    expected = dict(recording.expected)
    error, end = expected.pop("error"), expected.pop("outcome")
    for way in WAYS:
        _, decoder = way(completions, [recording.data])
        assert said(decoder.snapshot()) == expected
        assert decoder.state == STATES[end]
        assert getattr(decoder.error, "body", None) == error


@each_recording("completions")
def test_it_says_the_same_however_it_is_cut(recording: Recording):
    chunks, decoder = push(completions, [recording.data])
    whole = outcome(decoder)
    for reads in cuts(recording):
        for way in WAYS:
            cut_chunks, cut_decoder = way(completions, reads)
            assert cut_chunks == chunks
            assert outcome(cut_decoder) == whole


@each_recording("completions")
def test_the_end_at_every_event_boundary(recording: Recording):
    """A stream that ends early ends in the state that an independent table has, and so its part."""
    for boundary in re.finditer(rb"\n\n", recording.data):
        data = recording.data[: boundary.end()]
        _, decoder = push(completions, [data])
        expected = oracle("completions", data)
        assert (decoder.state, decoder.ended_by) == expected.end
        partial = decoder.error.partial if decoder.error else decoder.result()
        assert said(partial) == expected.answer


@each_recording("completions")
def test_the_deltas_add_up_to_the_result(recording: Recording):
    stream = completions.stream([recording.data])
    deltas = list(stream.deltas())
    texts = [delta.text for delta in deltas if isinstance(delta, TextDelta)]
    assert "".join(texts) == stream.accumulator.text
    usages = [delta for delta in deltas if isinstance(delta, Usage)]
    assert (usages or [None])[-1] == stream.accumulator.usage
    assert [delta.reason for delta in deltas if isinstance(delta, Finish)] == [
        stream.accumulator.finish_reason
    ]


@needs_shared
def test_no_field_of_the_wire_is_left_out():
    found: set[str] = set()
    for recording in recordings("completions"):
        stream = completions.stream([recording.data])
        for chunk in stream:
            assert stream.event is not None
            found.update(undeclared(stream.event.json(), chunk))
    assert found == set()
