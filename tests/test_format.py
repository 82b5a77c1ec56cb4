"""A wire format as data: `_format.py`. What is true of any format is tested with chat."""

from typing import Any, NamedTuple

import msgspec
import pytest

from ssekit import (
    APIError,
    DecodeError,
    ServerSentEvent,
    chat,
    completions,
    gemini,
    messages,
    responses,
)
from tests.formats import FORMATS

UNNAMED = "the server reported an error"


class Reported(NamedTuple):
    """The data of an event, the error in it, and the event's type."""

    data: str
    message: str = "no"
    code: str | None = None
    type: str | None = None
    param: str | None = None
    event: str = "message"


# The data of an event, and the error in it.
ERRORS = {
    "an object": Reported(
        '{"error": {"message": "no", "type": "rate", "code": "x", "param": "n"}}',
        code="x",
        type="rate",
        param="n",
    ),
    "a number for a code": Reported('{"error": {"message": "no", "code": 400}}', code="400"),
    "a text": Reported('{"error": "no"}'),
    "an object beside a chunk": Reported('{"id": "1", "error": {"message": "no"}, "choices": []}'),
    "a text beside a chunk": Reported('{"choices": [{"delta": {"content": "a"}}], "error": "no"}'),
    "flat, by its type": Reported(
        '{"type": "error", "code": "x", "message": "no", "param": null}', code="x"
    ),
    "flat, by its object": Reported(
        '{"object": "error", "message": "no", "type": "invalid", "code": 5}',
        code="5",
        type="invalid",
    ),
    "nested, with a type": Reported(
        '{"type": "error", "error": {"type": "overloaded", "message": "no"}}', type="overloaded"
    ),
    "a detail": Reported('{"detail": "no"}'),
    "a detail of many": Reported('{"detail": [{"loc": 1}]}', UNNAMED),
    "the event's type": Reported('{"message": "no"}', event="error"),
    "the event's type, and text": Reported("no", event="error"),
    "the event's type, and nothing": Reported("", UNNAMED, event="error"),
    "the event's type, and a list": Reported("[1]", UNNAMED, event="error"),
    "the event's type, and an object in a list": Reported(
        '[{"message": "no", "code": 5}]', code="5", event="error"
    ),
    "the event's type, and null": Reported("null", UNNAMED, event="error"),
    "the event's type, and choices": Reported(
        '{"choices": [{"delta": {}}], "message": "no"}', event="error"
    ),
    "a flag, and what is beside it": Reported(
        '{"error": true, "message": "no", "code": 429, "type": "rate"}', code="429", type="rate"
    ),
    "a word, and what is beside it": Reported(
        '{"error": "rate_limited", "message": "no", "code": 429}', code="429"
    ),
    "a number": Reported('{"error": 500}', UNNAMED + " (code 500)", code="500"),
    "an error in an error": Reported(
        '{"error": {"error": {"message": "no", "type": "rate"}}}', type="rate"
    ),
    "an error in a detail": Reported(
        '{"detail": {"error": {"message": "no", "code": 5}}}', code="5"
    ),
    "a detail of many that speak (FastAPI)": Reported(
        '{"detail": [{"loc": ["body"], "msg": "no", "type": "missing"}]}', type="missing"
    ),
    "by its object, with a detail (Mistral)": Reported(
        '{"object": "error", "message": {"detail": [{"msg": "no"}]}, "type": "invalid"}',
        type="invalid",
    ),
    "flat, with a code (Alibaba)": Reported(
        '{"code": "InvalidParameter", "message": "no", "request_id": "r"}', code="InvalidParameter"
    ),
    "flat, beside no choices": Reported('{"choices": [], "code": 5, "message": "no"}', code="5"),
    "flat, of a type of its own": Reported(
        '{"type": "rate_limit_exceeded", "code": 429, "message": "no", "usage": {}}',
        code="429",
        type="rate_limit_exceeded",
    ),
    "flat, with an error_code (Databricks)": Reported(
        '{"error_code": "BAD_REQUEST", "message": "no"}', code="BAD_REQUEST"
    ),
    "flat, with an error_msg (Baidu)": Reported(
        '{"error_code": 336003, "error_msg": "no", "id": "1"}', code="336003"
    ),
    "flat, with a status": Reported('{"status": "error", "message": "no"}'),
    "of the base (MiniMax)": Reported(
        '{"id": "1", "choices": null, "base_resp": {"status_code": 1004, "status_msg": "no"}}',
        code="1004",
    ),
    "of the base, beside no choices": Reported(
        '{"choices": [], "base_resp": {"status_code": 1004, "status_msg": "no"}}', code="1004"
    ),
    "several (Cloudflare)": Reported(
        '{"errors": [{"message": "no", "code": 5007}], "success": false, "result": {}}', code="5007"
    ),
    "flat, of Azure's gateway": Reported('{"statusCode": 429, "message": "no"}', code="429"),
    "flat, of a function": Reported(
        '{"errorType": "Runtime.Error", "errorMessage": "no"}', type="Runtime.Error"
    ),
    "flat, with a status of HTTP": Reported('{"status": 500, "message": "no"}', code="500"),
    "flat, without success": Reported('{"success": false, "message": "no"}'),
    "flat, by the end of its type": Reported(
        '{"type": "overloaded_error", "message": "no"}', type="overloaded_error"
    ),
    "a word, with a status of HTTP (Spring)": Reported(
        '{"timestamp": "2026", "status": 500, "error": "no", "path": "/v1"}', code="500"
    ),
    "problem details (RFC 9457)": Reported(
        '{"type": "urn:x", "title": "Bad", "status": 500, "detail": "no"}', code="500", type="urn:x"
    ),
    "an object, and a code beside it": Reported(
        '{"error": {"message": "no"}, "status_code": 429}', code="429"
    ),
    "a fault (Apigee)": Reported(
        '{"fault": {"faultstring": "no", "detail": {"errorcode": "x"}}}', code="x"
    ),
}
ERRORS_OF_CHAT = {
    "in a choice": Reported(
        '{"choices": [{"delta": {}, "error": {"message": "no", "code": 502}}]}', code="502"
    ),
    "in x_groq": Reported('{"choices": [], "x_groq": {"id": "1", "error": "no"}}'),
}


@pytest.mark.parametrize(
    ("format", "stated"),
    [
        *(
            pytest.param(module, stated, id=f"{name}: {form}")
            for name, module in FORMATS.items()
            for form, stated in ERRORS.items()
        ),
        *(pytest.param(chat, stated, id=form) for form, stated in ERRORS_OF_CHAT.items()),
    ],
)
def test_errors_in_every_form(format: Any, stated: Reported):
    with pytest.raises(APIError) as raised:
        format.decode(ServerSentEvent(stated.data, stated.event))
    error = raised.value
    assert (error.message, error.code, error.type, error.param) == stated[1:5]


@pytest.mark.parametrize(
    "data",
    [
        '{"error": null, "choices": []}',
        '{"error": "", "choices": []}',
        '{"error": {}, "choices": []}',
        '{"error": false, "choices": []}',
        '{"choices": [{"delta": {"content": "error"}, "error": null}]}',
        '{"choices": [], "x_groq": {"error": null}}',
        '{"choices": null, "base_resp": {"status_code": 0, "status_msg": "success"}}',
        '{"choices": null, "base_resp": {}}',
        '{"choices": [], "errors": [], "message": null}',
        '{"choices": [], "message": "hello"}',
        '{"code": 200, "message": "ok"}',
        '{"code": 5}',
        '{"type": "tool_progress", "status": "error", "message": "exit 1"}',
        '{"type": "warning", "code": "deprecated", "message": "soon"}',
        '{"status": 202, "message": "accepted"}',
        '{"httpStatus": "Too Many Requests", "message": "hello"}',
        '{"code": "Success", "message": ""}',
        '{"code": 5, "message": "Ok"}',
        '{"type": "progress", "code": "P", "message": "50%"}',
        '{"choices": [], "code": 5, "message": "no", "usage": {"prompt_tokens": 1}}',
        '{"code": false, "message": "hello"}',
        '{"base_resp": {"status_code": 0.0}}',
        '{"choices": [], "usage": {"prompt_tokens": 1}, "code": 5}',
        '{"choices": [{"delta": {}}], "created": 1.5, "detail": "hello"}',
        '{"choices": [{"delta": {}}], "created": 1.5, "object": "error", "type": "error"}',
        '{"choices": [{"delta": {}}], "created": 1.5, "code": 5, "message": "no"}',
    ],
)
def test_an_error_without_words_is_none(data: str):
    assert isinstance(chat.decode(ServerSentEvent(data)), chat.ChatCompletionChunk)


def test_an_event_of_a_type_of_its_own_reports_on_something_else():
    data = '{"status": "error", "message": "exit 1"}'
    assert isinstance(messages.decode(ServerSentEvent(data, "progress")), messages.UnknownEvent)


def test_a_candidate_is_no_error_whatever_is_beside_it():
    data = '{"candidates": [{"index": 1}], "detail": "hello", "type": "error"}'
    assert gemini.decode(ServerSentEvent(data)).candidates[0].index == 1


def test_an_error_in_an_envelope():
    with pytest.raises(APIError, match="no") as raised:
        gemini.decode(ServerSentEvent('{"response": {"error": {"code": 429, "message": "no"}}}'))
    assert raised.value.code == "429"


@pytest.mark.parametrize(
    ("format", "data"),
    [
        (chat, r'{"choices": [{"delta": {"content": "a"}, "logprobs": {"content": "\ud800"}}]}'),
        (completions, r'{"choices": [{"logprobs": {"top_logprobs": [{"text": "\ud800"}]}}]}'),
        (responses, r'{"type": "response.shell_call_output_content.delta", "delta": "\ud83d"}'),
    ],
)
def test_half_a_pair_where_no_text_belongs_is_absent(format: Any, data: str):
    decoder = format.decoder()
    assert len(decoder.feed(ServerSentEvent(data))) == 1
    assert msgspec.json.encode(decoder.snapshot())


def test_the_body_of_an_error_encodes():
    with pytest.raises(APIError) as raised:
        chat.decode(ServerSentEvent(r'{"error": {"message": "no", "text": "a\ud83d"}}'))
    assert msgspec.json.decode(msgspec.json.encode(raised.value.body))["text"] == "a\ufffd"


def test_the_chunk_that_an_error_came_with_is_there():
    data = '{"id": "1", "error": "no", "choices": [{"delta": {"content": "a"}, "error": "no"}]}'
    with pytest.raises(APIError) as raised:
        chat.decode(ServerSentEvent(data))
    assert raised.value.chunk.choices[0].delta.content == "a"
    assert raised.value.body == "no"


@pytest.mark.parametrize("data", ["", "[DONE", "[DONE]!", "{", "5", "null", "[]", '"a"'])
def test_what_is_no_object_is_a_decode_error(data: str):
    event = ServerSentEvent(data)
    with pytest.raises(DecodeError, match=rf"\({len(data)} characters\).*chat") as raised:
        chat.decode(event)
    assert raised.value.event is event


@pytest.mark.parametrize("data", ["{}", '{"choices": null}', '{"choices": 5}', '{"id": "1"}'])
def test_an_object_is_a_chunk_whatever_it_lacks(data: str):
    chunk = chat.decode(ServerSentEvent(data))
    assert isinstance(chunk, chat.ChatCompletionChunk)
    assert chunk.choices == []


def test_a_format_has_a_name():
    assert repr(chat.FORMAT) == "<ssekit.Format chat>"
