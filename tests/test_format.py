"""A wire format as data: `_format.py`. What is true of any format is tested with chat."""

from typing import Any

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
from tests.formats import FORMATS, each_format

UNNAMED = "the server reported an error"
IN_CHOICE = '{"choices": [{"delta": {}, "error": {"message": "no", "code": 502}}]}'

# The data of an event, and the code and type of the error in it, whose message is "no".
ERRORS: list[tuple[str, str | None, str | None]] = [
    ('{"error": {"message": "no", "type": "rate", "code": "x", "param": "n"}}', "x", "rate"),
    ('{"error": {"message": "no", "code": 400}}', "400", None),
    ('{"error": "no"}', None, None),
    ('{"id": "1", "error": {"message": "no"}, "choices": []}', None, None),
    ('{"choices": [{"delta": {"content": "a"}}], "error": "no"}', None, None),
    ('{"type": "error", "code": "x", "message": "no", "param": null}', "x", None),
    ('{"object": "error", "message": "no", "type": "invalid", "code": 5}', "5", "invalid"),
    ('{"type": "error", "error": {"type": "overloaded", "message": "no"}}', None, "overloaded"),
    ('{"detail": "no"}', None, None),
    # A flag or a word, and what is beside it.
    ('{"error": true, "message": "no", "code": 429, "type": "rate"}', "429", "rate"),
    ('{"error": "rate_limited", "message": "no", "code": 429}', "429", None),
    ('{"error": {"message": "no"}, "status_code": 429}', "429", None),
    # An error within another, and a detail of many that speak (FastAPI; Mistral).
    ('{"error": {"error": {"message": "no", "type": "rate"}}}', None, "rate"),
    ('{"detail": {"error": {"message": "no", "code": 5}}}', "5", None),
    ('{"detail": [{"loc": ["body"], "msg": "no", "type": "missing"}]}', None, "missing"),
    ('{"object": "error", "message": {"detail": [{"msg": "no"}]}, "type": "x"}', None, "x"),
    # Flat, and known by what is beside it (Alibaba, Databricks, Baidu, Azure's gateway, Spring).
    ('{"code": "InvalidParameter", "message": "no", "request_id": "r"}', "InvalidParameter", None),
    ('{"choices": [], "code": 5, "message": "no"}', "5", None),
    ('{"type": "limit_exceeded", "code": 4, "message": "no", "usage": {}}', "4", "limit_exceeded"),
    ('{"error_code": "BAD_REQUEST", "message": "no"}', "BAD_REQUEST", None),
    ('{"error_code": 336003, "error_msg": "no", "id": "1"}', "336003", None),
    ('{"statusCode": 429, "message": "no"}', "429", None),
    ('{"errorType": "Runtime.Error", "errorMessage": "no"}', None, "Runtime.Error"),
    ('{"status": "error", "message": "no"}', None, None),
    ('{"status": 500, "message": "no"}', "500", None),
    ('{"success": false, "message": "no"}', None, None),
    ('{"type": "overloaded_error", "message": "no"}', None, "overloaded_error"),
    ('{"timestamp": "2026", "status": 500, "error": "no", "path": "/v1"}', "500", None),
    # MiniMax, Cloudflare, RFC 9457 and Apigee.
    ('{"choices": null, "base_resp": {"status_code": 4, "status_msg": "no"}}', "4", None),
    ('{"choices": [], "base_resp": {"status_code": 1004, "status_msg": "no"}}', "1004", None),
    ('{"errors": [{"message": "no", "code": 7}], "success": false, "result": {}}', "7", None),
    ('{"type": "urn:x", "title": "Bad", "status": 500, "detail": "no"}', "500", "urn:x"),
    ('{"fault": {"faultstring": "no", "detail": {"errorcode": "x"}}}', "x", None),
]
ERRORS_OF_CHAT: list[tuple[str, str | None, str | None]] = [
    (IN_CHOICE, "502", None),
    ('{"choices": [], "x_groq": {"id": "1", "error": "no"}}', None, None),
]
# The data of an event whose type is `error`, and the message and code.
NAMED_ERRORS = [
    ('{"message": "no"}', "no", None),
    ("no", "no", None),
    ("", UNNAMED, None),
    ("[1]", UNNAMED, None),
    ('[{"message": "no", "code": 5}]', "no", "5"),
    ("null", UNNAMED, None),
    ('{"choices": [{"delta": {}}], "message": "no"}', "no", None),
]


def reported(format: Any, data: str, kind: str = "message") -> APIError:
    with pytest.raises(APIError) as raised:
        format.decode(ServerSentEvent(data, kind))
    return raised.value


@each_format
def test_errors_in_every_form(name: str):
    for data, code, kind in ERRORS + (ERRORS_OF_CHAT if name == "chat" else []):
        error = reported(FORMATS[name], data)
        assert (error.message, error.code, error.type) == ("no", code, kind), data
    for data, message, code in NAMED_ERRORS:
        error = reported(FORMATS[name], data, "error")
        assert (error.message, error.code) == (message, code), data
    assert reported(FORMATS[name], '{"detail": [{"loc": 1}]}').message == UNNAMED
    assert str(reported(FORMATS[name], '{"error": 500}')) == f"{UNNAMED} (code 500)"


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
    error = reported(gemini, '{"response": {"error": {"code": 429, "message": "no"}}}')
    assert (error.message, error.code) == ("no", "429")


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
    error = reported(chat, r'{"error": {"message": "no", "text": "a\ud83d"}}')
    assert msgspec.json.decode(msgspec.json.encode(error.body))["text"] == "a\ufffd"


def test_the_chunk_that_an_error_came_with_is_there():
    data = '{"id": "1", "error": "no", "choices": [{"delta": {"content": "a"}, "error": "no"}]}'
    error = reported(chat, data)
    assert (error.chunk.choices[0].delta.content, error.body) == ("a", "no")


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
