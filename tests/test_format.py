"""A wire format as data: `_format.py`. What is true of any format is tested with chat."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from ssekit import (
    DONE,
    APIError,
    DecodeError,
    ServerSentEvent,
    chat,
    completions,
    gemini,
    responses,
)

UNNAMED = "the server reported an error"

# The data of an event (and its type), and what the error says: message, code, type, param.
ERRORS: dict[str, tuple[str, str, tuple[str, str | None, str | None, str | None]]] = {
    "an object": (
        '{"error": {"message": "no", "type": "rate", "code": "x", "param": "n"}}',
        "message",
        ("no", "x", "rate", "n"),
    ),
    "a number for a code": (
        '{"error": {"message": "no", "code": 400}}',
        "message",
        ("no", "400", None, None),
    ),
    "a text": ('{"error": "no"}', "message", ("no", None, None, None)),
    "an object beside a chunk": (
        '{"id": "1", "error": {"message": "no"}, "choices": []}',
        "message",
        ("no", None, None, None),
    ),
    "a text beside a chunk": (
        '{"choices": [{"delta": {"content": "a"}}], "error": "no"}',
        "message",
        ("no", None, None, None),
    ),
    "flat, by its type": (
        '{"type": "error", "code": "x", "message": "no", "param": null}',
        "message",
        ("no", "x", None, None),
    ),
    "flat, by its object": (
        '{"object": "error", "message": "no", "type": "invalid", "code": 5}',
        "message",
        ("no", "5", "invalid", None),
    ),
    "nested, with a type": (
        '{"type": "error", "error": {"type": "overloaded", "message": "no"}}',
        "message",
        ("no", None, "overloaded", None),
    ),
    "a detail": ('{"detail": "no"}', "message", ("no", None, None, None)),
    "a detail of many": ('{"detail": [{"loc": 1}]}', "message", (UNNAMED, None, None, None)),
    "the event's type": ('{"message": "no"}', "error", ("no", None, None, None)),
    "the event's type, and text": ("no", "error", ("no", None, None, None)),
    "the event's type, and nothing": ("", "error", (UNNAMED, None, None, None)),
    "the event's type, and a list": ("[1]", "error", (UNNAMED, None, None, None)),
    "the event's type, and an object in a list": (
        '[{"message": "no", "code": 5}]',
        "error",
        ("no", "5", None, None),
    ),
    "the event's type, and null": ("null", "error", (UNNAMED, None, None, None)),
    "the event's type, and choices": (
        '{"choices": [{"delta": {}}], "message": "no"}',
        "error",
        ("no", None, None, None),
    ),
    "a flag, and what is beside it": (
        '{"error": true, "message": "no", "code": 429, "type": "rate"}',
        "message",
        ("no", "429", "rate", None),
    ),
    "a word, and what is beside it": (
        '{"error": "rate_limited", "message": "no", "code": 429}',
        "message",
        ("no", "429", None, None),
    ),
    "a number": ('{"error": 500}', "message", (UNNAMED + " (code 500)", "500", None, None)),
    "an error in an error": (
        '{"error": {"error": {"message": "no", "type": "rate"}}}',
        "message",
        ("no", None, "rate", None),
    ),
    "an error in a detail": (
        '{"detail": {"error": {"message": "no", "code": 5}}}',
        "message",
        ("no", "5", None, None),
    ),
    "a detail of many that speak (FastAPI)": (
        '{"detail": [{"loc": ["body"], "msg": "no", "type": "missing"}]}',
        "message",
        ("no", None, "missing", None),
    ),
    "by its object, with a detail (Mistral)": (
        '{"object": "error", "message": {"detail": [{"msg": "no"}]}, "type": "invalid"}',
        "message",
        ("no", None, "invalid", None),
    ),
    "flat, with a code (Alibaba)": (
        '{"code": "InvalidParameter", "message": "no", "request_id": "r"}',
        "message",
        ("no", "InvalidParameter", None, None),
    ),
    "flat, beside no choices": (
        '{"choices": [], "code": 5, "message": "no"}',
        "message",
        ("no", "5", None, None),
    ),
    "flat, of a type of its own": (
        '{"type": "rate_limit_exceeded", "code": 429, "message": "no", "usage": {}}',
        "message",
        ("no", "429", "rate_limit_exceeded", None),
    ),
    "flat, with an error_code (Databricks)": (
        '{"error_code": "BAD_REQUEST", "message": "no"}',
        "message",
        ("no", "BAD_REQUEST", None, None),
    ),
    "flat, with an error_msg (Baidu)": (
        '{"error_code": 336003, "error_msg": "no", "id": "1"}',
        "message",
        ("no", "336003", None, None),
    ),
    "flat, with a status": (
        '{"status": "error", "message": "no"}',
        "message",
        ("no", None, None, None),
    ),
    "of the base (MiniMax)": (
        '{"id": "1", "choices": null, "base_resp": {"status_code": 1004, "status_msg": "no"}}',
        "message",
        ("no", "1004", None, None),
    ),
    "of the base, beside no choices": (
        '{"choices": [], "base_resp": {"status_code": 1004, "status_msg": "no"}}',
        "message",
        ("no", "1004", None, None),
    ),
    "several (Cloudflare)": (
        '{"errors": [{"message": "no", "code": 5007}], "success": false, "result": {}}',
        "message",
        ("no", "5007", None, None),
    ),
    "in a choice": (
        '{"choices": [{"delta": {}, "error": {"message": "no", "code": 502}}]}',
        "message",
        ("no", "502", None, None),
    ),
    "in x_groq": (
        '{"choices": [], "x_groq": {"id": "1", "error": "no"}}',
        "message",
        ("no", None, None, None),
    ),
}


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
def test_errors_in_every_form(error: Any):
    data, event_type, said = error
    with pytest.raises(APIError) as raised:
        chat.decode(ServerSentEvent(data, event_type))
    found = raised.value
    assert (found.message, found.code, found.type, found.param) == said


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
def test_an_error_that_says_nothing_is_none(data: str):
    assert isinstance(chat.decode(ServerSentEvent(data)), chat.ChatCompletionChunk)


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


def test_the_marker_is_the_whole_data():
    assert chat.decode(ServerSentEvent("[DONE]")) is DONE


@pytest.mark.parametrize(
    "data", ["", " [DONE]", "[DONE] ", "[done]", "{", "5", "null", "[]", '"a"']
)
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


def test_invalid_utf_8_is_replaced():
    decoder = chat.decoder()
    (chunk,) = decoder.feed(b'data: {"choices": [{"delta": {"content": "a\xff"}}]}\n\n')
    assert chunk.choices[0].delta.content == "a\ufffd"


def test_a_format_says_which_it_is():
    assert repr(chat.FORMAT) == "<ssekit.Format chat>"


HI = b'data: {"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]}\n\n'
ANSWER = HI + b"data: [DONE]\n\n"


def test_collect_reads_to_the_end():
    assert chat.collect([ANSWER]).choices[0].message.content == "Hi"


def test_collect_takes_the_path_of_a_recorded_stream(tmp_path: Path):
    path = tmp_path / "answer.sse"
    path.write_bytes(ANSWER)
    assert chat.collect(path) == chat.collect([ANSWER])


def test_collect_raises_what_ended_the_stream():
    with pytest.raises(APIError) as raised:
        chat.collect([HI + b'data: {"error": "no"}\n\n'])
    assert raised.value.partial.choices[0].message.content == "Hi"
