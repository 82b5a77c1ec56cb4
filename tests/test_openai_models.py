"""The official SDK's models judge the result of every stream recorded from api.openai.com."""

import json
from collections.abc import Callable
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given

from ssekit import DONE, SSEDecoder, chat, completions, responses
from ssekit.testing import ModelStream, chat_streams, completion_streams, response_streams
from tests.sdks import differences, fields, joined, missing, models, names
from tests.shared import UNDECLARED, Recording, each_recording, needs_shared, recordings
from tests.ways import sent_on
from tests.wire import DONE as DONE_EVENT

pytest.importorskip(
    "openai", reason="the openai package (dependency group corpus) is not installed"
)

from openai import BaseModel, omit
from openai._models import construct_type
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types import Completion
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseOutputItem, ResponseStreamEvent

# Where the SDK's accumulator gives something else, and why. (Some recordings under this host are of
# a router that the same client was pointed at.)
FAULTS = {
    "index": "the SDK leaves the delta's index in the tool calls of the result",
    "role": "the SDK joins the role of every chunk: assistantassistant",
    "system_fingerprint": "a later chunk without one wipes it out",
    "native_finish_reason": "what hosts add to a choice is taken from the first chunk alone",
}


def from_openai(recording: Recording) -> bool:
    return recording.host == "api.openai.com"


def sdk_response(data: bytes) -> Any:
    """Return the answer of the SDK's accumulator; it has none if the response is incomplete."""
    state: Any = ResponseStreamState(input_tools=omit, text_format=omit)
    for event in SSEDecoder().feed(data):
        if responses.decode(event) is not DONE:
            wire = construct_type(value=json.loads(event.data), type_=ResponseStreamEvent)
            state.handle_event(wire)
    return state._completed_response and state._completed_response.model_dump()


def sdk_result(data: bytes) -> BaseModel:
    state = ChatCompletionStreamState()
    for event in SSEDecoder().feed(data):
        if chat.decode(event) is not DONE:
            wire = construct_type(value=json.loads(event.data), type_=ChatCompletionChunk)
            assert isinstance(wire, ChatCompletionChunk)
            state.handle_chunk(wire)
    return state.current_completion_snapshot


@each_recording("chat", where=from_openai)
def test_the_result_is_what_the_sdk_makes_of_the_stream(recording: Recording):
    answer = msgspec.json.encode(chat.collect([recording.data]))
    ours = ChatCompletion.model_validate_json(answer).model_dump(exclude_none=True)
    theirs = sdk_result(recording.data).model_dump(exclude_none=True)
    found = {path.rpartition(".")[2] for path in differences(ours, theirs)}
    if b'"arguments":null' in recording.data:
        found.discard("arguments")  # null stays null in the SDK, where the endpoint has a text
    assert found <= set(FAULTS)


# What the SDK's accumulators cannot read, by a part of what they raise, and why.
UNREADABLE = {
    "list indices must be integers": "calls or choices without an index",
    "to have an `index` key": "lists of other things than calls, without an index",
    "object is not iterable": "choices that are null",
    "to have received `response.created`": "events before the first",
    "identity changed": "an id that changes",
    "conflicting output identities": "two items with one id",
}


def read_again(read: Callable[[bytes], Any], wire: Any, recording: Recording) -> set[str]:
    """Return what the SDK makes otherwise of the chunks of a stream, encoded again."""
    try:
        theirs = read(recording.whole)
    except (RuntimeError, TypeError) as error:
        assert any(part in str(error) for part in UNREADABLE), error
        return set()
    found = differences(read(sent_on(wire, recording) + DONE_EVENT), theirs)
    return {path.rpartition(".")[2] for path in found}


# The models warn of lists for a content and of tools that they do not know, and keep them.
serialized = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
DROPPED = {path.rpartition(".")[2] for path in UNDECLARED["chat"]}


@serialized
@each_recording("chat", where=lambda recording: recording.expected["outcome"] != "error")
def test_chunks_that_are_sent_on_are_the_same_to_the_sdk(recording: Recording):
    found = read_again(lambda data: sdk_result(data).model_dump(), chat, recording)
    if b'"content":[{' in recording.data:  # Mistral: the chunks have the texts of the list
        found -= {"content", "reasoning_content"}
    assert found <= DROPPED


@serialized
@each_recording("responses", where=lambda recording: recording.expected["outcome"] != "error")
def test_events_that_are_sent_on_are_the_same_to_the_sdk(recording: Recording):
    assert read_again(sdk_response, responses, recording) <= {"object"}  # which some leave out


MODELS = {"chat": (chat, ChatCompletion), "completions": (completions, Completion)}


@needs_shared
@pytest.mark.parametrize("endpoint", MODELS)
def test_the_model_holds_the_same_values(endpoint: str):
    """Nothing is lost or changed in what the SDK's model reads of our result."""
    wire, model = MODELS[endpoint]
    ours = [recording for recording in recordings(endpoint) if from_openai(recording)]
    assert ours
    for recording in ours:
        answer = msgspec.json.encode(wire.collect([recording.data]))
        theirs = model.model_validate_json(answer, strict=True)
        assert not differences(msgspec.json.decode(answer), theirs.model_dump())


@each_recording("responses", where=from_openai)
def test_a_response_is_one_to_the_sdk(recording: Recording):
    """The SDK's model accepts our result, and holds the same values in all that it declares."""
    answer = json.loads(msgspec.json.encode(responses.collect([recording.data])))
    # The SDK requires a field that most recordings are older than; the wire's own answer lacks it.
    if b'"cache_write_tokens"' not in recording.data:
        answer["usage"]["input_tokens_details"]["cache_write_tokens"] = 0
    model = Response.model_validate_json(json.dumps(answer))
    assert not differences(answer, model.model_dump(by_alias=True))


def test_the_sdk_knows_no_event_item_or_part_that_we_do_not():
    """Each event and item of the SDK has a struct of ours by that type, with all of its fields."""
    for ours, theirs in (
        (responses.ResponseStreamEvent, ResponseStreamEvent),
        (responses.ResponseOutputItem, ResponseOutputItem),
    ):
        structs = {struct.type: struct for struct in get_args(ours)}
        for tag, model in models(theirs).items():
            assert names(model) - {"type"} <= fields(structs[tag]), tag
            assert structs[tag].__name__ == model.__name__


def test_a_response_has_every_field_that_the_sdk_knows():
    assert set(Response.model_fields) <= fields(responses.Response)


# Streams that `ssekit.testing` makes, in the vendor's own dialect.


# (The SDK knows no pieces of custom tool calls, and usage that comes after it is null is lost.)
@given(chat_streams(custom_tools=False))
def test_a_made_stream_is_the_same_to_the_sdk(made: ModelStream):
    answer = joined(sdk_result(made.data).model_dump())
    assert not list(missing(made.expected, answer))


@given(completion_streams())
def test_the_answer_and_the_chunks_of_a_made_stream_are_completions_to_the_sdk(made: ModelStream):
    model = Completion.model_validate(made.expected, strict=True)
    assert not list(missing(made.expected, model.model_dump()))
    for event in SSEDecoder().feed(made.data):
        if completions.decode(event) is not DONE:
            construct_type(value=json.loads(event.data), type_=Completion)


@given(response_streams())
def test_a_made_stream_is_a_response_to_the_sdk(made: ModelStream):
    """The SDK's accumulator takes every event."""
    answer = sdk_response(made.data)
    if made.expected["status"] == "completed":
        assert not list(missing(made.expected, joined(answer)))
