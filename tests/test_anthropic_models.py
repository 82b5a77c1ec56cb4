"""The official SDK's models, and its accumulator, judge the result of every recorded message."""

import json
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssekit import SSEDecoder, messages
from ssekit.messages import _events, _result
from ssekit.testing import ModelStream, message_streams
from tests.sdks import differences, fields, joined, missing, models, names
from tests.shared import Recording, each_recording
from tests.ways import sent_on

pytest.importorskip(
    "anthropic", reason="the anthropic package (dependency group corpus) is not installed"
)

from anthropic import BaseModel, types
from anthropic._models import construct_type
from anthropic.lib.streaming import _beta_messages, _messages
from anthropic.types import beta, raw_message_delta_event
from anthropic.types.beta import beta_raw_message_delta_event
from jiter import from_json

# The blocks, a field of the message, and one of its usage, that only the beta API answers with.
BETA = {"advisor_tool_result", "compaction", "fallback", "mcp_tool_use", "mcp_tool_result"}
BETA_FIELD = "context_management"
BETA_COUNT = "iterations"


def answer_to(recording: Recording) -> Any:
    return json.loads(msgspec.json.encode(messages.collect([recording.data])))


def is_beta(answer: Any) -> bool:
    return (
        BETA_FIELD in answer
        or BETA_COUNT in answer["usage"]
        or any(block["type"] in BETA for block in answer["content"])
    )


@each_recording("messages")
def test_the_model_holds_the_same_values(recording: Recording):
    answer = answer_to(recording)
    for block in answer["content"]:
        if block["type"] == "fallback":
            # The SDK requires a field that the recording is older than.
            block.setdefault("trigger", {"type": "refusal"})
    model = beta.BetaMessage if is_beta(answer) else types.Message
    theirs = model.model_validate_json(json.dumps(answer))
    assert not differences(answer, theirs.model_dump(mode="json", by_alias=True))


# Where the SDK's accumulator gives something else, and why.
FAULTS = {
    ".usage.server_tool_use.web_fetch_requests": "no number, where the wire has none and the "
    "SDK's own model requires one",
    ".content.signature": "none, where the wire has none and the SDK's own model requires one",
    ".model": "that of the model which took over, which a block of the content says",
}


def sdk_result(data: bytes, of_beta: bool) -> BaseModel:
    snapshot: Any = None
    buffers: dict[int, bytes] = {}
    for event in SSEDecoder().feed(data):
        if event.event == "ping":
            continue  # the SDK's stream leaves them out
        union: Any = types.RawMessageStreamEvent
        if of_beta:
            union = beta.BetaRawMessageStreamEvent
        wire: Any = construct_type(value=json.loads(event.data), type_=union)
        given: Any = {"event": wire, "current_snapshot": snapshot, "json_bufs": buffers}
        if of_beta:
            snapshot = _beta_messages.accumulate_event(**given, request_headers={})
        else:
            snapshot = _messages.accumulate_event(**given)
    return snapshot


@each_recording("messages")
def test_the_result_is_what_the_sdk_makes_of_the_stream(recording: Recording):
    answer = answer_to(recording)
    theirs = sdk_result(recording.data, is_beta(answer)).model_dump(mode="json", by_alias=True)
    for block in answer["content"]:
        if "partial_json" in block:  # the SDK reads what it can of an input that was cut
            block["input"] = from_json(block.pop("partial_json").encode(), partial_mode=True)
    assert differences(answer, theirs) <= set(FAULTS)


@each_recording("messages")
def test_events_that_are_sent_on_are_the_same_to_the_sdk(recording: Recording):
    of_beta = is_beta(answer_to(recording))
    theirs = sdk_result(recording.whole, of_beta).model_dump(mode="json", by_alias=True)
    again = sdk_result(sent_on(messages, recording), of_beta).model_dump(mode="json", by_alias=True)
    assert differences(again, theirs) <= set(FAULTS)


# (The SDK encodes arguments piece by piece, and fails at half a surrogate pair.)
@given(
    message_streams(
        arguments=st.dictionaries(st.text("aé", min_size=1), st.text('a"\\é\n'), max_size=2)
    )
)
def test_a_made_stream_says_to_the_sdk_what_it_should(made: ModelStream):
    answer = joined(sdk_result(made.data, of_beta=False).model_dump(by_alias=True))
    assert not list(missing(made.expected, answer))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (_events.AnyEvent, types.RawMessageStreamEvent),
        (_events.AnyEvent, beta.BetaRawMessageStreamEvent),
        (_events.RawContentBlockDelta, types.RawContentBlockDelta),
        (_events.RawContentBlockDelta, beta.BetaRawContentBlockDelta),
        (_result.ContentBlock, types.ContentBlock),
        (_result.ContentBlock, beta.BetaContentBlock),
    ],
)
def test_the_sdk_knows_no_event_delta_or_block_that_we_do_not(ours: Any, theirs: Any):
    """Each of the SDK's has a struct of ours by that type and name, with all of its fields."""
    structs = {struct.type: struct for struct in get_args(ours)}
    for tag, model in models(theirs).items():
        assert structs[tag].__name__ == model.__name__.removeprefix("Beta")
        assert names(model) - {"type"} <= fields(structs[tag]), tag


# What is said of the whole message, and the SDK's models of it.
WHOLES: dict[Any, list[Any]] = {
    messages.Message: [types.Message, beta.BetaMessage],
    messages.Usage: [
        *(types.Usage, types.MessageDeltaUsage),
        *(beta.BetaUsage, beta.BetaMessageDeltaUsage),
    ],
    messages.MessageDelta: [raw_message_delta_event.Delta, beta_raw_message_delta_event.Delta],
    messages.RefusalStopDetails: [types.RefusalStopDetails, beta.BetaRefusalStopDetails],
    messages.Container: [types.Container, beta.BetaContainer],
}


@pytest.mark.parametrize("struct", WHOLES)
def test_what_is_said_of_the_whole_has_every_field_that_the_sdk_knows(struct: Any):
    for model in WHOLES[struct]:
        assert names(model) <= fields(struct)
