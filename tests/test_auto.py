"""Streams that show their format themselves: `auto.py`."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from ssekit import (
    DONE,
    APIError,
    DecodeError,
    Finish,
    ServerSentEvent,
    StreamInterruptedError,
    TextDelta,
    Usage,
    auto,
    chat,
    completions,
    gemini,
    interactions,
    messages,
    responses,
)
from tests import wire
from tests.formats import FORMATS
from tests.ways import WAYS, outcome, pieces, push
from tests.wire import event

AZURE = {"choices": [], "created": 0, "id": "", "model": "", "object": "", "usage": None}
CHAT = {"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}]}
LEGACY = {"choices": [{"index": 0, "text": "a", "finish_reason": "stop"}]}
MESSAGE = {"type": "message_start", "message": {"id": "m"}}
TEXT = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a"}}
PING = {"type": "ping"}
GEMINI = {"candidates": [{"content": {"parts": [{"text": "a"}]}, "finishReason": "STOP"}]}

# Formats, and the data of events that show them; None: what shows none.
SHOWN: dict[str | None, list[Any]] = {
    "chat": [
        CHAT,
        {"object": "chat.completion.chunk", "choices": []},
        {"object": "chat.completion.done"},  # Perplexity
        {"choices": [{"delta": {"content": "a"}, "text": "a"}]},  # Together
        {"object": "chat.completion.chunk", "choices": [{"text": "", "delta": None}]},  # the same
        {"choices": [5, {}, {"delta": {}}]},
        {**CHAT, "object": "text_completion", "type": "message_delta", "response": {}},
    ],
    "completions": [
        LEGACY,
        {"object": "text_completion", "choices": [{"text": "a", "delta": {}}]},
        {"object": "text_completion"},
        {"choices": [{"text": ""}]},
        {"choices": [{"text": "a", "delta": None}]},
        f"{json.dumps(AZURE)}\n{json.dumps(LEGACY)}\n[DONE]",
    ],
    "responses": [
        {"type": "response.output_text.delta", "delta": "a"},
        {"response": {"id": "r"}},
    ],
    "messages": [MESSAGE, TEXT, {"type": "message", "content": []}, {"type": "message_stop"}],
    "gemini": [
        GEMINI,
        {"usageMetadata": {}},
        {"promptFeedback": {}},
        {"usage_metadata": {}, "prompt_feedback": None},
        # The envelope of Code Assist.
        {"response": GEMINI},
        {"response": {"usageMetadata": {}, "responseId": "r"}, "traceId": "x"},
        {"response": {"error": {"code": 429}}},
    ],
    "interactions": [
        {"event_type": "interaction.created"},
        {"event_type": "step.delta"},
        {"event_type": "content.start"},
        {"event_type": "error", "error": {}},
        {"object": "interaction"},
        {"steps": [], "status": "x"},
    ],
    None: [
        # Of other APIs.
        {"response": {"text": "a"}},
        {"type": "message", "content": "a"},
        {"type": "message-start", "message": {}},
        {"type": "step.delta", "steps": []},
        {"event_type": "token"},
        {"object": ["chat.completion.chunk"]},
        # What any format may have.
        PING,
        {"type": "error", "error": {"message": "no"}},
        {"error": {"code": 5}, "response": {"error": {"code": 429}}},
        {"type": "x", "response": {"error": {}}},
        {"error": {"message": "no"}},
        {"candidates": 5, "usageMetadata": None},
        AZURE,
        {"choices": [{"index": 0, "text": None, "delta": None}]},
        {"choices": None},
        {},
        *("[DONE]", "[1]", "{"),
    ],
}


@pytest.mark.parametrize(
    ("data", "shown"), [(data, shown) for shown, rows in SHOWN.items() for data in rows]
)
def test_what_an_event_shows(data: Any, shown: str | None):
    text = data if isinstance(data, str) else json.dumps(data)
    assert auto.detect(ServerSentEvent(text)) is (shown and FORMATS[shown].FORMAT)


def test_the_line_of_an_event_shows_too():
    for kind in ("message_start", "content_block_delta"):
        assert auto.detect(ServerSentEvent("{}", event=kind)) is messages.FORMAT
    assert auto.detect(ServerSentEvent("{}", event="ping")) is None
    created = ServerSentEvent("{}", event="interaction.created")
    assert auto.detect(created) is interactions.FORMAT
    assert auto.detect(ServerSentEvent("{}", event="step.delta")) is None


def test_one_event_is_decoded_as_what_it_shows():
    assert isinstance(auto.decode(ServerSentEvent(json.dumps(LEGACY))), completions.Completion)
    for data in (CHAT, AZURE):
        chunk = auto.decode(ServerSentEvent(json.dumps(data)))
        assert isinstance(chunk, chat.ChatCompletionChunk)
    assert auto.decode(ServerSentEvent("[DONE]")) is DONE
    with pytest.raises(APIError, match="no"):
        auto.decode(ServerSentEvent('{"error": "no"}'))


# Whole streams, and the format that they are of; a stream that shows none is taken as chat.
STREAMS: dict[str, tuple[list[bytes], Any]] = {
    "chat": ([event(CHAT), wire.DONE], chat),
    "completions": ([event(LEGACY), wire.DONE], completions),
    "responses": (
        [
            event({"type": "response.output_text.delta", "output_index": 0, "delta": "a"}),
            event({"type": "response.completed", "response": {"id": "r", "status": "completed"}}),
        ],
        responses,
    ),
    "messages": ([event(MESSAGE), event(TEXT), event({"type": "message_stop"})], messages),
    "messages, then a ping": ([event(MESSAGE), event(PING), event({"type": "error"})], messages),
    "gemini": ([event(GEMINI), event({"usageMetadata": {"totalTokenCount": 1}})], gemini),
    "interactions": (
        [
            event({"event_type": "step.delta", "delta": {"type": "text", "text": "a"}}),
            event({"event_type": "interaction.completed"}),
        ],
        interactions,
    ),
    "messages, after an event of another name": (
        [
            b"event: usage\n" + event({"cost": 0}),
            event(MESSAGE),
            event(TEXT),
            event({"type": "message_stop"}),
        ],
        messages,
    ),
    "gemini, in an event with two objects": ([event(GEMINI)[:-1], event(GEMINI)], gemini),
    "gemini, then an error in a list": (
        [event({"promptFeedback": {}}), event([{"error": {"code": 503}}])],
        gemini,
    ),
    "completions, later": ([event(AZURE), b": ping\n\n", event({}), event(LEGACY)], completions),
    "chat, later": ([event(AZURE), event(CHAT), event(AZURE), wire.DONE], chat),
    "completions, then an error": (
        [event(AZURE), event(LEGACY), event({"error": "no"})],
        completions,
    ),
    "completions, then no JSON": ([event(AZURE), event(LEGACY), event("x")], completions),
    "completions, in an event without an end": (
        [event(AZURE), event(LEGACY).rstrip(b"\n")],
        completions,
    ),
    "completions, with an event too large behind it": (
        [event(AZURE), event(LEGACY), b"data: " + b"x" * 400],
        completions,
    ),
    "half an event": ([event(AZURE), event(CHAT)[:20]], chat),
    "nothing": ([event(AZURE)], chat),
    "no bytes": ([], chat),
    "the marker": ([wire.DONE], chat),
    "the marker, later": ([event(AZURE), wire.DONE], chat),
    "the marker without an end": ([event(AZURE), b"data: [DONE]"], chat),
    "an error": ([event({"error": {"message": "no"}}), event(LEGACY)], chat),
    "an error, later": ([event(AZURE), event({"error": "no"}), event(LEGACY)], chat),
    "no JSON": ([event(AZURE), event("x"), event(LEGACY)], chat),
    "an event too large": ([event(AZURE), b"data: " + b"x" * 400, b"\n\n", event(LEGACY)], chat),
}


class Limited:
    """A format whose decoders have a small limit."""

    def __init__(self, opener: Any) -> None:
        self._opener = opener

    def decoder(self) -> Any:
        return self._opener.decoder(max_event_size=300)

    def stream(self, source: Any) -> Any:
        return self._opener.stream(source, decoder=self.decoder())

    def astream(self, source: Any) -> Any:
        return self._opener.astream(source, decoder=self.decoder())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("reads", "shown"), STREAMS.values(), ids=STREAMS)
def test_a_stream_is_read_as_by_its_format(reads: list[bytes], shown: Any, way: Any):
    data = b"".join(reads)
    chunks, decoder = push(Limited(shown), reads)
    for divided in (reads, [data], pieces(data)):
        auto_chunks, auto_decoder = way(Limited(auto), divided)
        assert auto_chunks == chunks
        assert outcome(auto_decoder) == outcome(decoder)
        assert type(auto_decoder.snapshot()) is type(decoder.snapshot())
        assert auto_decoder.event == decoder.event


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("ping", [PING, "", "null", {"type": "keepalive"}], ids=str)
def test_a_keepalive_before_the_format_is_known_is_no_chunk(ping: Any, way: Any):
    chunks, decoder = way(auto, [event(ping), event(MESSAGE), event(TEXT), event(PING)])
    assert [chunk.type for chunk in chunks] == ["message_start", "content_block_delta", "ping"]
    assert decoder.format == "messages"


# What is late is in its place.


def test_a_chunk_that_shows_no_format_comes_with_the_first_that_does():
    decoder = auto.decoder()
    assert decoder.feed(event({**AZURE, "id": "1"})) == []
    assert [chunk.id for chunk in decoder.feed(event(LEGACY))] == ["1", ""]
    assert decoder.snapshot().id == "1"


def test_the_event_is_that_of_the_chunk():
    stream = auto.stream([event(AZURE), event(LEGACY)])
    assert [stream.event and stream.event.json() for _ in stream] == [AZURE, LEGACY]


def test_events_can_be_pushed():
    events = [ServerSentEvent(json.dumps(data), id="7") for data in (AZURE, LEGACY)]
    stream = auto.stream(events)
    assert [stream.event for _ in stream] == events
    assert stream.result().choices[0].text == "a"


def test_the_decoder_names_the_format():
    decoder = auto.decoder()
    decoder.feed(event(AZURE))
    assert decoder.format is None
    decoder.feed(event(LEGACY))
    assert decoder.format == "completions"
    assert all(module.decoder().format == name for name, module in FORMATS.items())


@pytest.mark.parametrize("data", ["", "null", PING, AZURE], ids=str)
def test_lines_outside_of_events_that_show_no_format_are_held_up_to_the_limit(data: Any):
    decoder = auto.decoder(max_event_size=300)
    decoder.feed((b"x" * 100 + b"\n" + event(data)) * 9)
    assert isinstance(decoder.error, DecodeError)
    assert str(decoder.error) == "no format that ssekit knows: no field is there"


def test_what_shows_nothing_to_its_end_is_named_chat():
    decoder = auto.decoder()
    decoder.close()
    assert decoder.format == "chat"


def test_the_answer_so_far_is_there_before_the_format_is():
    decoder = auto.decoder()
    accumulator = decoder.accumulator
    decoder.feed(event({"id": "1", "usage": {"prompt_tokens": 1}}))
    assert decoder.snapshot().id == "1"
    assert (accumulator.text, accumulator.reasoning, accumulator.refusal) == ("", "", "")
    assert (list(accumulator.tool_calls), accumulator.finish_reason) == ([], None)
    assert (accumulator.usage, accumulator.complete) == (Usage(input_tokens=1), False)
    decoder.feed(event(LEGACY))
    assert (accumulator.text, accumulator.finish_reason) == ("a", "stop")
    assert accumulator.complete
    assert list(accumulator.last_deltas()) == [Finish(0, "stop", "stop")]
    assert isinstance(decoder.accumulator, completions.Accumulator)


DELTAS = [Usage(input_tokens=1), TextDelta(0, "a"), Finish(0, "stop", "stop")]


@pytest.mark.parametrize("data", [CHAT, LEGACY], ids=["chat", "completions"])
def test_deltas(data: Any):
    reads = [event({"usage": {"prompt_tokens": 1}}), event(data), wire.DONE]

    async def source() -> AsyncIterator[bytes]:
        for read in reads:
            yield read

    async def main() -> tuple[list[Any], list[str]]:
        deltas = [delta async for delta in auto.astream(source()).deltas()]
        return deltas, [text async for text in auto.astream(source()).text()]

    assert list(auto.stream(reads).deltas()) == DELTAS
    assert list(auto.stream(reads).text()) == ["a"]
    assert asyncio.run(main()) == (DELTAS, ["a"])


# Transports that fail.


def breaking(*reads: bytes) -> Iterator[bytes]:
    yield from reads
    raise OSError("gone")


def test_what_had_come_when_the_transport_failed_is_in_the_partial_answer():
    stream = auto.stream(breaking(event({**AZURE, "id": "1"})))
    with pytest.raises(StreamInterruptedError) as raised:
        next(stream)
    assert raised.value.partial.id == "1"
    assert stream.state == "failed"


def test_a_retry_may_show_the_format():
    stream = auto.stream(breaking(event({**AZURE, "id": "1"})))
    with pytest.raises(StreamInterruptedError):
        stream.until_done()
    again = auto.stream([event({}), event({**LEGACY, "id": "2"})], decoder=stream.decoder)
    assert len(list(again)) == 3
    assert (again.result().id, again.result().choices[0].text) == ("1", "a")


def test_a_retry_may_show_the_format_in_any_read():
    decoder = auto.decoder()
    decoder.feed(event(AZURE))
    decoder.fail(OSError("gone"))
    assert decoder.close() == decoder.feed(event(LEGACY)) == []  # nothing is looked at
    decoder.resume()
    assert decoder.feed(event({})) == []
    assert len(decoder.feed(event(LEGACY))) == 3
    assert isinstance(decoder.snapshot(), completions.Completion)


# The names of every format.


def test_options_pass_through():
    comments: list[str] = []
    decoder = auto.decoder(max_event_size=None, on_comment=comments.append, last_event_id="7")
    decoder.feed(b": ping\n\n")
    assert comments == ["ping"]  # before the format is known
    decoder.feed(event(CHAT))
    assert decoder.event == ServerSentEvent(json.dumps(CHAT), id="7")
    with pytest.raises(ValueError, match="max_event_size"):
        auto.decoder(max_event_size=0)


def test_formats_are_imported_when_they_are_needed():
    code = (
        "import sys; from ssekit import auto\n"
        "loaded = lambda: {name for name in auto.FORMATS if f'ssekit.{name}' in sys.modules}\n"
        "assert loaded() == set(), loaded()\n"
        f"auto.collect([{event(CHAT)!r}])\n"
        "assert loaded() == {'chat'}, loaded()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_format_has_a_row():
    assert set(auto.FORMATS) == set(FORMATS)
    assert auto.FORMAT.name == "auto"
