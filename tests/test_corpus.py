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
    ToolCall,
    gemini,
    interactions,
    iter_events,
    messages,
    partial_json,
    responses,
)
from tests.formats import FORMATS, PLAIN, each_format, encoded, only
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

# What the recordings' `expected` files have of an answer: where it is not what the oracle has.


def recorded_message(answer: messages.Message) -> dict[str, Any]:
    names = ("type", "text", "thinking", "signature", "id", "name", "input", "citations")
    content = []
    for block in encoded(answer)["content"]:
        view = {name: block[name] for name in names if name in block}
        citations = view.pop("citations", [])
        if "partial_json" in block:
            del view["input"]  # `expected` has only an input that is whole
        content.append(view | ({"citations": len(citations)} if citations else {}))
    return {
        "id": answer.id,
        "model": answer.model,
        "content": content,
        "stop_reason": answer.stop_reason,
        "output_tokens": answer.usage.output_tokens,
    }


TOKENS = ("input_tokens", "output_tokens", "total_tokens")


def recorded_response(answer: responses.Response) -> dict[str, Any]:
    return {
        "id": answer.id,
        "terminal": answer.status,
        "text": answer.output_text,
        "items": [recorded_item(item) for item in encoded(answer)["output"]],
        "usage": answer.usage and {name: getattr(answer.usage, name) for name in TOKENS},
    }


def recorded_item(item: dict[str, Any]) -> dict[str, Any]:
    view = {name: item[name] for name in ("type", "name", "arguments", "input", "code")
            if isinstance(item.get(name), str)}  # fmt: skip
    if item["type"] == "message":
        view["text"] = [part.get("text", part.get("refusal")) for part in item["content"]]
        view["annotations"] = [len(part.get("annotations") or []) for part in item["content"]]
    elif item["type"] == "reasoning":
        view["summary"] = [part["text"] for part in item["summary"]]
        view["content"] = [part["text"] for part in item.get("content") or []]
    return view


def recorded_interaction(answer: interactions.Interaction) -> dict[str, Any]:
    """Return what `expected` has of an interaction itself; the views are tested below."""
    steps = encoded(answer).get("outputs", []) + encoded(answer).get("steps", [])
    return {
        "spelling": "steps" if answer.outputs is None else "outputs",
        "id": answer.id,
        "model": answer.model or answer.agent,
        "status": answer.status,
        "steps": [recorded_step(step) for step in steps],
    }


def recorded_step(step: dict[str, Any]) -> dict[str, Any]:
    if step["type"] == "thought":
        summary = [content["text"] for content in step.get("summary", [])]
        return {"type": "thought", "summary": summary, "signed": "signature" in step}
    names = ("type", "id", "call_id", "name", "arguments", "is_error")
    view = {name: step[name] for name in names if name in step}
    view |= {"arguments": step["partial_arguments"]} if "partial_arguments" in step else {}
    view |= {"result": len(step["result"])} if "result" in step else {}
    if step["type"] in ("model_output", "text"):
        own = ("type", "text", "mime_type", "data", "annotations")
        contents = [{name: each[name] for name in own if name in each}
                    for each in step.get("content", [step])]  # fmt: skip
        counted = ("data", "annotations")
        view["content"] = [
            each | {name: len(each[name]) for name in counted if name in each} for each in contents
        ]
    return view


RECORDED = {
    **PLAIN,
    "messages": recorded_message,
    "responses": recorded_response,
    "interactions": recorded_interaction,
}

# What only one of the two has, the answer or what is `expected` of it, is left out of both.


def trim_message(made: Any, expected: Any) -> None:
    for ours, theirs in zip(made["content"], expected["content"], strict=True):
        if ours.get("signature") == "":  # the vendor's model requires one, and Ollama sends none
            theirs.setdefault("signature", "")
        if ours["type"] == "fallback":  # `expected` has the model that failed; the oracle knows
            del made["model"], expected["model"]


def trim_response(made: Any, expected: Any) -> None:
    del expected["events"]
    if expected["terminal"] == "failed":  # the event before it, which reports an error, is the end
        expected["terminal"] = made["terminal"]
    for ours, theirs in zip(made["items"], expected["items"], strict=True):
        for name in ours.keys() - theirs.keys():
            del ours[name]
    expected["usage"] = expected["usage"] and {name: expected["usage"][name] for name in TOKENS}


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


def trim_interaction(made: Any, expected: Any) -> None:
    for name in expected.keys() - made.keys():
        del expected[name]


TRIMS = {
    "messages": trim_message,
    "responses": trim_response,
    "gemini": trim_candidates,
    "interactions": trim_interaction,
}
OUTCOMES = {**STATES, "incomplete": "done"}


@each_recording(*RECORDED)
def test_a_recorded_answer_is_what_an_independent_fold_made(recording: Recording):
    name = recording.endpoint
    for way in WAYS:
        expected = deepcopy(recording.expected)
        error, end = expected.pop("error"), expected.pop("outcome")
        _, decoder = way(FORMATS[name], [recording.data])
        made = RECORDED[name](decoder.snapshot())
        if name in TRIMS:
            TRIMS[name](made, expected)
        assert made == expected
        assert decoder.state == OUTCOMES[end]
        assert getattr(decoder.error, "body", None) == error


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
    for place in ends[::step]:
        _, decoder = push(FORMATS[name], [data[:place]])
        expected = oracle(name, data[:place])
        assert (decoder.state, decoder.ended_by) == expected.end
        partial = decoder.error.partial if decoder.error else decoder.result()
        assert PLAIN[name](partial) == expected.answer


@each_recording(*FORMATS)
def test_the_text_of_a_stream_is_that_of_its_view(recording: Recording):
    stream = FORMATS[recording.endpoint].stream([recording.data])
    pieces = []
    with suppress(SSEKitError):
        for piece in stream.text():
            pieces.append(piece)  # those before an error count
    assert "".join(pieces) == stream.accumulator.text


@each_recording("messages")
def test_the_whole_calls_of_a_message_are_its_blocks_of_tool_use(recording: Recording):
    stream = messages.stream([recording.data])
    calls = only(list(stream.deltas()), ToolCall)
    assert [(call.id, call.name, json.loads(call.arguments)) for call in calls] == [
        (block.id, block.name, block.input)
        for block in stream.result().content
        if isinstance(block, messages.ToolUseBlock) and block.partial_json is None
    ]


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
