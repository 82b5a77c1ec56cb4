"""How a stream ends, and what is an error: one table for each rule, over all formats."""

import itertools
import json
from types import ModuleType
from typing import Any

import pytest

import ssekit
from ssekit import (
    APIError,
    DecodeError,
    SSEKitError,
    StreamTruncatedError,
    auto,
    chat,
    completions,
    gemini,
    interactions,
    messages,
    responses,
)

FORMATS: list[ModuleType] = [chat, completions, gemini, interactions, messages, responses]


def event(data: Any, kind: str = "") -> bytes:
    text = data if isinstance(data, str) else json.dumps(data)
    lines = "".join(f"data: {line}\n" for line in text.split("\n"))
    return (f"event: {kind}\n" if kind else "").encode() + lines.encode() + b"\n"


# The beginning of an answer that says "Hi", and the end of it, in each format.
BEGUN: dict[ModuleType, bytes] = {
    chat: event({"choices": [{"index": 0, "delta": {"content": "Hi"}}]}),
    completions: event({"choices": [{"index": 0, "text": "Hi"}]}),
    gemini: event({"candidates": [{"content": {"parts": [{"text": "Hi"}]}}]}),
    interactions: event({"event_type": "step.delta", "index": 0,
                         "delta": {"type": "text", "text": "Hi"}}),
    messages: event({"type": "message_start", "message": {"id": "m"}})
    + event({"type": "content_block_delta", "index": 0,
             "delta": {"type": "text_delta", "text": "Hi"}}),
    responses: event({"type": "response.output_text.delta", "output_index": 0,
                      "content_index": 0, "delta": "Hi"}),
}  # fmt: skip
ENDED: dict[ModuleType, bytes] = {
    chat: event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
    completions: event({"choices": [{"index": 0, "text": "", "finish_reason": "stop"}]}),
    gemini: event({"candidates": [{"finishReason": "STOP"}]}),
    interactions: event({"event_type": "interaction.completed"}),
    messages: event({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}),
    responses: event({"type": "response.completed", "response": {"status": "completed"}}),
}
DONE = event("[DONE]")
MARKER_ENDS = {chat, completions}


def name(module: Any) -> str:
    return module.__name__ if isinstance(module, ModuleType) else str(module)


def read(module: Any, data: bytes) -> ssekit.StreamDecoder[Any, Any]:
    """Push bytes whole and one by one, which must come out the same; return the decoder."""
    decoders = []
    for size in (len(data) or 1, 1):
        decoder = module.decoder()
        for start in range(0, len(data), size):
            decoder.feed(data[start : start + size])
        decoder.close()
        decoders.append(decoder)
    whole, pieces = decoders
    for field in ("state", "ended_by", "format", "event"):
        assert getattr(whole, field) == getattr(pieces, field)
    assert str(whole.error) == str(pieces.error)
    assert whole.snapshot() == pieces.snapshot()
    return whole


def fault(module: Any, data: bytes) -> SSEKitError:
    error = read(module, data).error
    assert error is not None
    return error


# Nothing is an answer that was not understood.


@pytest.mark.parametrize("module", FORMATS, ids=name)
@pytest.mark.parametrize("other", FORMATS, ids=name)
def test_a_stream_is_done_only_in_the_module_of_its_format(module: ModuleType, other: ModuleType):
    decoder = read(module, BEGUN[other] + ENDED[other] + (DONE if other in MARKER_ENDS else b""))
    assert (decoder.state == "done") == (module is other)
    if module is not other:
        assert isinstance(decoder.error, DecodeError)
        assert f"{other.__name__} reads this format" in str(decoder.error)
        assert decoder.error.event is not None
        assert auto.detect(decoder.error.event) is other.FORMAT  # type: ignore[attr-defined]


NO_ANSWER = {
    "no data": b"",
    "the marker alone": DONE,
    "a usage": event({"choices": [], "usage": {"prompt_tokens": 1}}) + DONE,
    "a usage without choices": event({"usage": {"prompt_tokens": 1}}) + DONE,
    "a verdict": event({"choices": [], "prompt_filter_results": []}) + DONE,
    "a finish reason": event({"choices": [{"index": 0, "finish_reason": "stop"}]}) + DONE,
    "keepalives": event({"type": "ping"}) + event("") + DONE,
}


@pytest.mark.parametrize("data", NO_ANSWER.values(), ids=NO_ANSWER)
@pytest.mark.parametrize("module", [chat, auto], ids=name)
def test_chunks_without_a_part_of_an_answer_are_a_truncated_stream(module: Any, data: bytes):
    assert isinstance(fault(module, data), StreamTruncatedError)


def test_an_empty_delta_or_text_is_a_part_of_an_answer():
    for module in (chat, completions):
        assert read(module, ENDED[module]).state == "done"


def test_an_unknown_format_is_an_error_that_names_its_fields():
    decoder = read(auto, event({"type": "ping"}) + event({"kind": "step", "text": "Hi"}) + DONE)
    assert isinstance(decoder.error, DecodeError)
    assert str(decoder.error) == (
        "no format that ssekit knows: the first event has the fields 'kind', 'text'"
    )
    assert decoder.format is None


@pytest.mark.parametrize(
    ("data", "what"), [("text", "is not JSON"), ("[1]", "no field"), ({}, "no field")]
)
def test_an_unknown_format_may_be_named_events(data: Any, what: str):
    error = fault(auto, event(data, "progress") + DONE)
    assert isinstance(error, DecodeError)
    assert str(error).startswith("no format that ssekit knows: ")
    assert what in str(error)


def test_auto_holds_no_more_than_the_limit_of_an_event():
    decoder = auto.decoder(max_event_size=1_000)
    for _ in range(200):
        decoder.feed(event({"kind": "step"}))
    assert isinstance(decoder.error, DecodeError)
    assert "no format that ssekit knows" in str(decoder.error)


def test_auto_holds_no_keepalives():
    decoder = auto.decoder(max_event_size=1_000)
    for _ in range(200):
        decoder.feed(event({"type": "ping"}) + event(""))
    assert decoder.state == "open"
    assert len(decoder.feed(BEGUN[chat])) == 1


# The marker.


@pytest.mark.parametrize("module", FORMATS, ids=name)
def test_the_marker_ends_only_formats_without_an_end_of_their_own(module: ModuleType):
    decoder = read(module, BEGUN[module] + DONE)
    expected = ("done", "marker") if module in MARKER_ENDS else ("truncated", None)
    assert (decoder.state, decoder.ended_by) == expected


@pytest.mark.parametrize("module", [gemini, messages], ids=name)
def test_the_marker_is_a_clean_end_of_a_complete_answer(module: ModuleType):
    decoder = read(module, BEGUN[module] + ENDED[module] + DONE)
    assert (decoder.state, decoder.ended_by) == ("done", "marker")


@pytest.mark.parametrize(
    "marker", ["[DONE] ", "  [DONE]", '"[DONE]"', "[done]", "DONE", "'DONE'", "[DONE]\n"]
)
def test_the_marker_in_other_spellings(marker: str):
    assert read(chat, BEGUN[chat] + event(marker)).ended_by == "marker"
    assert chat.decode(ssekit.ServerSentEvent(marker)) is ssekit.DONE


# Bytes outside of any event.

OBJECT = {"error": {"message": "Overloaded", "code": 503}}
OUTSIDE = {
    "one line": json.dumps(OBJECT),
    "many lines": json.dumps(OBJECT, indent=2),
    "many lines, twice": "\n".join(2 * [json.dumps(OBJECT, indent=2)]),
    "many lines in a list": json.dumps([OBJECT], indent=2),
    "the end of a list": ",\n" + json.dumps(OBJECT, indent=2) + "\n]",
    "a line named error": "error: " + json.dumps(OBJECT["error"]),
    "a line named error, of text": "error: Overloaded",
    "a line named Error": "Error: Overloaded",
    "a line among others": "oops\n" + json.dumps(OBJECT),
}


@pytest.mark.parametrize("outside", OUTSIDE.values(), ids=OUTSIDE)
@pytest.mark.parametrize("module", [*FORMATS, auto], ids=name)
def test_an_error_outside_of_events_is_the_error(module: Any, outside: str):
    begun = BEGUN[chat if module is auto else module]
    ended = ENDED[chat if module is auto else module]
    # (The third stands in the place of the blank line.)
    befores = [b"", begun, begun[:-1], begun + ended]
    if module in (interactions, responses):  # what follows its terminal event is not looked at
        del befores[-1]
    for before, end in itertools.product(befores, [b"", b"\n", b"\n\n", b"\n\n" + DONE]):
        decoder = read(module, before + outside.encode() + end)
        assert isinstance(decoder.error, APIError), (before, end)
        assert decoder.error.message == "Overloaded"
        assert decoder.accumulator.text == ("Hi" if before else "")


@pytest.mark.parametrize("kind", ["", "error"])
@pytest.mark.parametrize("module", [*FORMATS, auto], ids=name)
def test_an_error_over_several_lines_may_name_the_field_once(module: Any, kind: str):
    begun = BEGUN[chat if module is auto else module]
    several = (f"event: {kind}\n" if kind else "") + f"data: {json.dumps(OBJECT, indent=2)}\n\n"
    decoder = read(module, begun + several.encode())
    assert isinstance(decoder.error, APIError)
    assert (decoder.error.message, decoder.error.code) == ("Overloaded", "503")
    assert decoder.accumulator.text == "Hi"


def test_other_trouble_outside_of_events_fails_only_an_incomplete_answer():
    trouble = json.dumps({"code": 500, "message": "Overloaded"}).encode()
    assert isinstance(fault(chat, BEGUN[chat] + trouble), APIError)
    assert read(chat, BEGUN[chat] + ENDED[chat] + trouble).state == "done"


def test_bytes_outside_of_events_are_dropped_if_an_event_follows():
    line = json.dumps(OBJECT).encode()
    assert read(chat, BEGUN[chat] + line + b"\n" + ENDED[chat] + DONE).state == "done"
    assert read(chat, BEGUN[chat][:-1] + line + b"\n\n" + ENDED[chat] + DONE).state == "done"


# What stands beside a chunk outside of events, and the finish reason that the chunk gives then.
BESIDE = {"nothing": (b"", "stop"), "the marker": (b"[DONE]\n", "stop"), "a log": (b"oops\n", None)}


@pytest.mark.parametrize(("beside", "reason"), BESIDE.values(), ids=BESIDE)
@pytest.mark.parametrize("end", [b"", b"\n", DONE], ids=repr)
@pytest.mark.parametrize("module", [*FORMATS, auto], ids=name)
def test_lines_that_are_all_chunks_go_on_with_an_answer(
    module: Any, end: bytes, beside: bytes, reason: str | None
):
    wire = chat if module is auto else module
    chunk = ENDED[wire].removeprefix(b"data: ").rstrip() + b"\n"
    assert read(module, BEGUN[wire] + chunk + beside + end).accumulator.finish_reason == reason
    assert read(module, chunk + beside + end).state != "done"


def test_bytes_behind_the_marker_are_not_looked_at():
    assert read(chat, BEGUN[chat] + DONE + json.dumps(OBJECT).encode()).state == "done"


def test_bytes_that_report_nothing_leave_a_stream_truncated():
    assert isinstance(fault(chat, BEGUN[chat] + b"oops"), StreamTruncatedError)
    assert isinstance(fault(chat, b"oops"), StreamTruncatedError)


BODIES = {
    "a whole answer": (b'{"choices": [{"message": {"content": "Hi"}}]}', "stream: true"),
    "a long answer": (b'{"choices": "%s"}' % (b"x" * 100_000), "stream: true"),
    "lines of JSON": (b'{"text": "a"}\n{"text": "b"}\n', "lines of JSON"),
    "a JSON array": (b'[{"candidates": []}\n,\n{"candidates": []}]', "array"),
    "HTML": (b"<!DOCTYPE html>\n<html></html>", "HTML"),
    "gzip": (b"\x1f\x8b\x08\x00abc\n\xff\xfe", "compressed"),
}


@pytest.mark.parametrize(("body", "kind"), BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("module", [chat, gemini, auto], ids=name)
def test_a_body_without_events_is_named(module: Any, body: bytes, kind: str):
    error = fault(module, body)
    assert isinstance(error, DecodeError)
    assert kind in str(error)


def test_what_is_kept_outside_of_events_is_bounded():
    decoder = chat.decoder()
    for _ in range(2_000):
        decoder.feed(b"x" * 100 + b"\n")
    assert sum(map(len, decoder._scanner._outside)) <= 64 * 2**10


# Events that say nothing.


@pytest.mark.parametrize("data", ["", " ", "null", " null "])
@pytest.mark.parametrize("module", [*FORMATS, auto], ids=name)
def test_blank_data_is_no_chunk(module: Any, data: str):
    wire = chat if module is auto else module
    decoder = read(module, event(data) + BEGUN[wire] + event(data, "ping") + ENDED[wire])
    assert decoder.state == "done"
    assert decoder.accumulator.text == "Hi"


@pytest.mark.parametrize("kind", ["ping", "heartbeat"])
@pytest.mark.parametrize("module", [*FORMATS, auto], ids=name)
def test_an_event_named_as_a_keepalive_may_have_any_text(module: Any, kind: str):
    wire = chat if module is auto else module
    decoder = read(module, BEGUN[wire] + event("2026-01-01 12:00", kind) + ENDED[wire])
    assert (decoder.state, decoder.accumulator.text) == ("done", "Hi")


@pytest.mark.parametrize("module", [*FORMATS, auto], ids=name)
def test_a_stream_of_single_line_ends_is_one_event_at_its_end(module: Any):
    wire = chat if module is auto else module
    lines = (BEGUN[wire] + ENDED[wire] + DONE).replace(b"\n\n", b"\n")
    assert read(module, lines).state == "done"
    assert read(module, lines.replace(b"\n", b"\n \n")).state == "done"
    assert isinstance(fault(module, lines + b'data: {"a": '), StreamTruncatedError)


@pytest.mark.parametrize("module", [*FORMATS, auto], ids=name)
def test_the_text_of_an_error_needs_no_blank_line(module: Any):
    begun = BEGUN[chat if module is auto else module]
    error = fault(module, begun + b"event: error\ndata: Overloaded")
    assert isinstance(error, APIError)
    assert error.message == "Overloaded"
    cut = fault(module, begun + b'event: error\ndata: {"error": {"mess')
    assert isinstance(cut, StreamTruncatedError)


@pytest.mark.parametrize("module", [chat, auto], ids=name)
@pytest.mark.parametrize("before", [b"", BEGUN[chat]], ids=["alone", "later"])
def test_an_event_named_error_is_one_without_any_data(module: Any, before: bytes):
    assert isinstance(fault(module, before + event("", "error") + ENDED[chat]), APIError)


# Errors.

EMPTY_ERRORS = [
    {"message": "", "type": "", "code": None},
    {"code": 0, "details": [], "inner": {"message": None}},
    {"code": "0", "message": "OK", "type": "None"},
    [],
]


@pytest.mark.parametrize("error", EMPTY_ERRORS, ids=repr)
@pytest.mark.parametrize("module", [chat, gemini], ids=name)
def test_an_error_with_nothing_in_it_is_none(module: ModuleType, error: Any):
    [begun] = [json.loads(BEGUN[module].decode().removeprefix("data: "))]
    decoder = read(module, event({**begun, "error": error}) + ENDED[module])
    assert decoder.state == "done"
    assert decoder.accumulator.text == "Hi"


FAILED = {"type": "response.failed", "response": {"id": "r", "status": "failed", "error": None}}
WORDS = {"type": "error", "error": {"code": "rate_limit_exceeded", "message": "Too many"}}


@pytest.mark.parametrize(
    ("following", "code"),
    [
        (b"", None),
        (event(WORDS), "rate_limit_exceeded"),
        (event("") + event(WORDS), "rate_limit_exceeded"),
        (BEGUN[responses], None),
        (event({"type": "unknown"}) + event(WORDS), None),
        (DONE, None),
        (event("no json"), None),
        (event({"type": "error"}), None),
        (event(FAILED), None),
    ],
    ids=["the end", "its words", "blank", "a piece", "another event", "the marker", "no JSON",
         "an error without words", "another failure"],
)  # fmt: skip
def test_a_failure_without_words_waits_for_them(following: bytes, code: str | None):
    decoder = read(responses, BEGUN[responses] + event(FAILED) + following)
    assert isinstance(decoder.error, APIError)
    assert decoder.error.code == code
    assert decoder.snapshot().status == "failed"


def test_a_failure_with_words_does_not_wait():
    failed = {"type": "response.failed", "response": {"error": {"code": "c", "message": "m"}}}
    decoder = responses.decoder()
    decoder.feed(BEGUN[responses] + event(failed))
    assert decoder.state == "failed"


def test_a_decoder_that_waited_reads_another_source():
    decoder = responses.decoder()
    decoder.feed(event(FAILED))
    decoder.fail(OSError())
    assert isinstance(decoder.error, APIError)  # the server's failure came first
    stream = responses.stream([BEGUN[responses] + ENDED[responses]], decoder=decoder)
    assert len(list(stream)) == 2


def test_named_events_are_no_part_of_chat():
    progress = event({"tool": "search", "code": 1, "message": "started"}, "progress")
    sources = event("plain text", "sources")
    assert read(chat, BEGUN[chat] + progress + sources + ENDED[chat]).state == "done"
    assert isinstance(fault(chat, event({"error": "no"}, "progress")), APIError)
    with pytest.raises(DecodeError):
        chat.decode(ssekit.ServerSentEvent("{}", "progress"))


def test_several_objects_in_one_event_are_several_events():
    one = BEGUN[chat].decode().removeprefix("data: ").strip()
    end = ENDED[chat].decode().removeprefix("data: ").strip()
    decoder = chat.decoder()
    assert len(decoder.feed(event(f"{one}\n{one}\n \n{end}\n[DONE]\n{one}"))) == 3
    assert (decoder.state, decoder.ended_by) == ("done", "marker")
    assert decoder.accumulator.text == "HiHi"


def test_an_error_among_several_objects_in_one_event_is_the_last_of_them():
    one = BEGUN[chat].decode().removeprefix("data: ").strip()
    decoder = chat.decoder()
    assert len(decoder.feed(event(f"{one}\n{json.dumps(OBJECT)}\n{one}"))) == 1
    assert isinstance(decoder.error, APIError)
    assert decoder.accumulator.text == "Hi"


@pytest.mark.parametrize("module", FORMATS, ids=name)
def test_an_event_named_error_of_several_objects_ends_by_one(module: ModuleType):
    several = BEGUN[module].replace(b"\n\n", b"\n") + event(OBJECT, "error")
    decoder = read(module, several)
    assert isinstance(decoder.error, APIError)
    assert (decoder.error.message, decoder.accumulator.text) == ("Overloaded", "Hi")


def test_an_error_behind_a_broken_object_in_one_event_is_the_error():
    broken = event('{"type":"response.output_text.del\n' + json.dumps(WORDS))
    error = fault(responses, BEGUN[responses] + broken)
    assert isinstance(error, APIError)
    assert error.code == "rate_limit_exceeded"
    assert isinstance(fault(responses, event('{"type":"resp\n{"a": 1}')), DecodeError)


@pytest.mark.parametrize("module", FORMATS, ids=name)
def test_an_object_in_a_list_is_that_object(module: ModuleType):
    parts = (BEGUN[module] + ENDED[module]).decode().strip().split("\n\n")
    listed = "".join(f"data: [{part.removeprefix('data: ')}]\n\n" for part in parts)
    for reader in (module, auto):
        decoder = read(reader, listed.encode())
        assert (decoder.state, decoder.accumulator.text) == ("done", "Hi")
        assert decoder.format == name(module).removeprefix("ssekit.")
    wrong = messages if module is chat else chat
    assert f"{module.__name__} reads this format" in str(fault(wrong, listed.encode()))
