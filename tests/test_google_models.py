"""The vendor's own models judge the results of recorded streams: Gemini, and interactions."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given

from ssekit import SSEDecoder, gemini, interactions, iter_events
from ssekit.testing import ModelStream, gemini_streams, interaction_streams
from tests.formats import encoded, structs_of
from tests.sdks import fields, joined, models, names
from tests.shared import Recording, each_recording
from tests.ways import push

pytest.importorskip(
    "google.genai", reason="google-genai (dependency group corpus) is not installed"
)

from google.genai import interactions as interaction_types
from google.genai import types

# Fields that the models do not know, and why.
UNKNOWN = {
    "serviceTier": "what the Gemini API sends, and documents elsewhere",
    "citationSources": "the other name of citations",
    "missing-parts": "made up, in test data of Vertex AI's SDK",
}

# Recordings that the models cannot read, and why.
UNREADABLE = {"gemini/prism-gemini-69e5f4539b.sse": "a signature by hand, which is no base64"}
each_readable = each_recording("gemini", where=lambda recording: recording.name not in UNREADABLE)

# The models warn of words that they do not know, and keep them.
pytestmark = pytest.mark.filterwarnings("ignore:HARM_CATEGORY_:UserWarning")

URL_SAFE = str.maketrans("+/", "-_")


def bare(tree: Any) -> Any:
    """Return a tree without what the models do not know, and without nulls.

    Bytes are written in the alphabet of base64 that the models write.
    """
    if isinstance(tree, list):
        return [bare(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    stated = {name: value for name, value in tree.items() if value is not None}
    if "thoughtSignature" in stated:
        stated["thoughtSignature"] = stated["thoughtSignature"].translate(URL_SAFE)
    return {name: bare(value) for name, value in stated.items() if name not in UNKNOWN}


def answer_to(recording: Recording) -> Any:
    """Return the result, or what there is of one that was cut, as JSON."""
    _, decoder = push(gemini, [recording.data])
    return bare(encoded(decoder.snapshot()))


@each_readable
def test_an_answer_is_one_to_the_sdk(recording: Recording):
    """The SDK's model accepts our result, and holds the same values."""
    answer = answer_to(recording)
    model = types.GenerateContentResponse.model_validate_json(json.dumps(answer))
    held = bare(model.model_dump(mode="json", by_alias=True))
    # A time of the day is written with another number of digits.
    assert held.pop("createTime", "")[:19] == answer.pop("createTime", "")[:19]
    assert held == answer


@each_readable
def test_the_sdk_reads_in_it_what_it_reads_in_the_chunks(recording: Recording):
    """What the SDK reads off our result is what it reads off the chunks, one after the other."""
    chunks = [bare(event.json()) for event in iter_events([recording.whole])]
    theirs = [types.GenerateContentResponse.model_validate(chunk) for chunk in chunks]
    model = types.GenerateContentResponse.model_validate(answer_to(recording))
    assert (model.text or "") == "".join(chunk.text or "" for chunk in theirs)
    calls = [call for chunk in theirs for call in chunk.function_calls or [] if call.args]
    wholes = [call for call in model.function_calls or [] if call in calls]
    assert wholes == calls
    assert model.response_id == theirs[0].response_id
    assert model.model_version == theirs[-1].model_version
    assert end(model) == end(theirs[-1])
    assert blocked(model) == next(filter(None, map(blocked, theirs)), None)


def end(response: types.GenerateContentResponse) -> Any:
    return response.candidates[0].finish_reason if response.candidates else None


def blocked(response: types.GenerateContentResponse) -> Any:
    return response.prompt_feedback.block_reason if response.prompt_feedback else None


# Structs of ours under other names, and fields of the models that are never on this wire.
NAMES = {
    "UsageMetadata": "GenerateContentResponseUsageMetadata",
    "PromptFeedback": "GenerateContentResponsePromptFeedback",
}
NOT_ON_THE_WIRE = {"sdkHttpResponse", "automaticFunctionCallingHistory", "parsed"}


@pytest.mark.parametrize(
    "struct",
    [
        item
        for item in map(vars(gemini).get, gemini.__all__)
        if isinstance(item, type) and issubclass(item, msgspec.Struct)
    ],
    ids=lambda struct: struct.__name__,
)
def test_the_sdk_knows_no_field_that_we_do_not(struct: type[msgspec.Struct]):
    """Each struct of ours is a model of the SDK, and has all of its fields."""
    model = getattr(types, NAMES.get(struct.__name__, struct.__name__))
    ours, theirs = fields(struct), names(model)
    assert theirs - NOT_ON_THE_WIRE <= ours
    assert ours - theirs <= {*UNKNOWN, "error"}


@given(gemini_streams())
def test_a_made_stream_is_answers_to_the_sdk(made: ModelStream):
    """The SDK's model accepts each event, and holds all of the answer."""
    bodies = [json.loads(event.data) for event in SSEDecoder().feed(made.data)]
    theirs = [types.GenerateContentResponse.model_validate(joined(body)) for body in bodies]
    assert len(theirs) == len(made.events)
    model = types.GenerateContentResponse.model_validate(made.expected)
    assert bare(model.model_dump(mode="json", by_alias=True)) == bare(made.expected)


# Interactions.

# What the SDK makes of the steps, for its users.
MADE = {"output_text", "output_image", "output_audio", "output_video"}


def held(answer: Any) -> Any:
    """Return the values that the SDK's model of an interaction holds of an answer."""
    model = interaction_types.Interaction.model_validate_json(json.dumps(answer))
    tree = json.loads(model.model_dump_json(by_alias=True, exclude_none=True))
    return {name: value for name, value in tree.items() if name not in MADE}


@each_recording("interactions")
def test_an_interaction_is_one_to_the_sdk(recording: Recording):
    _, decoder = push(interactions, [recording.data])
    answer = encoded(decoder.snapshot())
    assert held(answer) == answer


@each_recording("interactions", where=lambda recording: b"content.start" not in recording.data)
def test_an_interaction_has_the_text_that_the_sdk_finds(recording: Recording):
    """But the SDK leaves out what comes before an image."""
    _, decoder = push(interactions, [recording.data])
    answer = json.dumps(encoded(decoder.snapshot()))
    text = interaction_types.Interaction.model_validate_json(answer).output_text or ""
    assert text == decoder.accumulator.text or b'"image"' in recording.data


@given(interaction_streams())
def test_a_made_interaction_is_one_to_the_sdk(made: ModelStream):
    answer = encoded(interactions.collect([made.data]))
    assert held(answer) == answer


# Structs and fields that the SDK does not have, and why; and those of it that no stream has.
FORMER = {"ContentStart", "ContentDelta", "ContentStop", "TextAnnotation",
          "InteractionStartEvent", "InteractionCompleteEvent"}  # fmt: skip
UNNAMED = FORMER | {
    "Metadata",  # of another name there
    *("InteractionInProgressEvent", "InteractionRequiresActionEvent"),  # in other clients
}
OURS = {
    *("partial_arguments", "call_id"),  # what is not whole yet, and of which call
    *("object", "signature", "raw_prompt_token", "metadata"),  # on the wire
    *("role", "outputs", "rate", "total_reasoning_tokens"),  # of the former spelling
    *("arguments", "result", "is_error"),  # that each tool has here
    *("interaction", "interaction_id", "status", "usage", "continuation_token"),  # of each event
    "stop_reason",  # of gateways
    *("error", "text", "content"),  # by which an object is refused
    *("input_tokens", "output_tokens", "prompt_tokens", "completion_tokens"),
}
OF_THE_REQUEST = {
    *("agent_config", "cached_content", "environment", "generation_config", "input", "labels"),
    *("response_format", "response_mime_type", "response_modalities", "safety_settings"),
    *("system_instruction", "tools", "webhook_config", "processing"),
    "continuation_ids",  # made by the SDK
}


@pytest.mark.parametrize(
    "struct",
    [
        item
        for item in map(vars(interactions).get, interactions.__all__)
        if isinstance(item, type) and issubclass(item, msgspec.Struct)
    ],
    ids=lambda struct: struct.__name__,
)
def test_the_sdk_knows_no_field_of_interactions_that_we_do_not(struct: type[msgspec.Struct]):
    model = getattr(interaction_types, struct.__name__, None)
    if model is None:
        assert struct.__name__ in UNNAMED
        return
    ours, theirs = fields(struct), names(model) - {"type", "event_type"}
    assert theirs - OF_THE_REQUEST - MADE <= ours | {"error"}
    assert ours - theirs <= OURS


@pytest.mark.parametrize("union", ["Step", "StepDeltaData", "Content"])
def test_every_type_of_the_sdk_is_typed(union: str):
    ours = {struct.type for struct in structs_of(getattr(interactions, union))}
    assert models(getattr(interaction_types, union)).keys() - {"UNKNOWN"} <= ours
