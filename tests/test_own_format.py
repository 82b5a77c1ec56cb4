"""A format that the package does not know, of public names alone: Cohere's chat, version 2.

See docs.cohere.com, "Chat with streaming": events of a `type`, of which `message-end` is the last.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

import ssekit
from ssekit import (
    APIError,
    Delta,
    Finish,
    FinishReason,
    ReasoningDelta,
    ServerSentEvent,
    StreamTruncatedError,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
    archive,
    auto,
)
from tests.ways import WAYS, outcome, pieces, push
from tests.wire import typed

# The format.


class Content(msgspec.Struct, frozen=True):
    text: str = ""


class Message(msgspec.Struct, frozen=True):
    content: Content | list[Any] | None = None
    tool_plan: str = ""
    tool_calls: dict[str, Any] | list[Any] | None = None


class EventDelta(msgspec.Struct, frozen=True):
    message: Message = Message()
    finish_reason: str | None = None
    usage: dict[str, Any] | None = None


class Event(msgspec.Struct, frozen=True):
    type: str
    delta: EventDelta = EventDelta()


class Answer(msgspec.Struct, frozen=True):
    text: str
    tool_plan: str
    tool_calls: list[ToolCall]
    finish_reason: str | None


REASONS: dict[str, FinishReason] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
}


class Accumulator(ssekit.Accumulator[Event, Answer]):
    def __init__(self) -> None:
        self._text: list[str] = []
        self._plan: list[str] = []
        self._calls: list[ToolCall] = []
        self._arguments: list[str] = []  # of the call that is being made
        self._vendor_reason: str | None = None
        self._usage: Usage | None = None
        self._latest: list[Delta] = []

    def add(self, chunk: Event, /) -> bool:
        self._latest = list(self._fold(chunk.type, chunk.delta))
        return chunk.type == "message-end"

    def _fold(self, kind: str, delta: EventDelta) -> Iterator[Delta]:
        message = delta.message
        if kind == "content-delta" and isinstance(message.content, Content):
            self._text.append(message.content.text)
            yield TextDelta(0, message.content.text)
        elif kind == "tool-plan-delta":
            self._plan.append(message.tool_plan)
            yield ReasoningDelta(0, message.tool_plan)
        elif kind.startswith("tool-call-") and isinstance(message.tool_calls, dict):
            yield self._fold_call(kind, message.tool_calls)
        elif kind == "tool-call-end" and self._calls:
            self._calls[-1] = msgspec.structs.replace(
                self._calls[-1], arguments="".join(self._arguments)
            )
            yield self._calls[-1]
        elif kind == "message-end":
            self._vendor_reason = delta.finish_reason
            if delta.usage is not None:
                cached = delta.usage["cached_tokens"]
                self._usage = Usage(**delta.usage["tokens"], cached_tokens=cached)
                yield self._usage

    def _fold_call(self, kind: str, call: dict[str, Any]) -> ToolCallDelta:
        function = call["function"]
        if kind == "tool-call-start":
            self._arguments = []
            self._calls.append(ToolCall(0, len(self._calls), call["id"], function["name"], ""))
        self._arguments.append(function["arguments"])
        begun = self._calls[-1]
        return ToolCallDelta(0, begun.place, begun.id, begun.name, function["arguments"])

    def snapshot(self) -> Answer:
        return Answer(self.text, self.reasoning, list(self._calls), self._vendor_reason)

    def deltas(self, chunk: Event, /) -> list[Delta]:
        return self._latest

    def last_deltas(self) -> Iterator[Delta]:
        if self.finish_reason is not None:
            yield Finish(0, self.finish_reason, self._vendor_reason or "")

    @property
    def text(self) -> str:
        return "".join(self._text)

    @property
    def reasoning(self) -> str:
        return "".join(self._plan)

    @property
    def tool_calls(self) -> Sequence[ToolCall]:
        return list(self._calls)

    @property
    def finish_reason(self) -> FinishReason | None:
        return REASONS.get(self._vendor_reason, "other") if self._vendor_reason else None

    @property
    def usage(self) -> Usage | None:
        return self._usage


COHERE = ssekit.Format("cohere", msgspec.json.Decoder(Event), Accumulator)

# Streams.


def message(kind: str, **fields: Any) -> bytes:
    return typed(kind, index=0, delta={"message": fields})


def call(kind: str, arguments: str, **more: Any) -> bytes:
    function = {"arguments": arguments, **more.pop("function", {})}
    return message(kind, tool_calls={"function": function, **more})


START = typed(
    "message-start",
    id="1",
    delta={"message": {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": []}},
)
END = typed(
    "message-end",
    delta={
        "finish_reason": "TOOL_CALL",
        "usage": {"tokens": {"input_tokens": 12, "output_tokens": 34}, "cached_tokens": 5},
    },
)
STREAM = [
    START,
    message("tool-plan-delta", tool_plan="I will "),
    message("tool-plan-delta", tool_plan="ask."),
    message("content-start", content={"type": "text", "text": ""}),
    message("content-delta", content={"text": '{"n":'}),
    message("content-delta", content={"text": " 1}"}),
    typed("content-end", index=0),
    call("tool-call-start", "", id="call_1", type="function", function={"name": "weather"}),
    call("tool-call-delta", '{"city": '),
    call("tool-call-delta", '"Rome"}'),
    typed("tool-call-end", index=0),
    END,
    b"data: [DONE]\n\n",
]
DELTAS = [
    ReasoningDelta(0, "I will "),
    ReasoningDelta(0, "ask."),
    TextDelta(0, '{"n":'),
    TextDelta(0, " 1}"),
    ToolCallDelta(0, 0, "call_1", "weather", ""),
    ToolCallDelta(0, 0, "call_1", "weather", '{"city": '),
    ToolCallDelta(0, 0, "call_1", "weather", '"Rome"}'),
    ToolCall(0, 0, "call_1", "weather", '{"city": "Rome"}'),
    Usage(input_tokens=12, output_tokens=34, cached_tokens=5),
    Finish(0, "tool_calls", "TOOL_CALL"),
]


def test_it_streams():
    stream = COHERE.stream(STREAM)
    assert list(stream.deltas()) == DELTAS
    assert (stream.state, stream.decoder.ended_by) == ("done", "event")
    assert stream.result() == Answer(
        '{"n": 1}', "I will ask.", [DELTAS[7]], finish_reason="TOOL_CALL"
    )
    assert stream.accumulator.parse(dict[str, int]) == {"n": 1}
    assert stream.accumulator.tool_calls[0].parse() == {"city": "Rome"}
    assert stream.accumulator.refusal == ""
    assert "".join(COHERE.stream(STREAM).text()) == '{"n": 1}'


@pytest.mark.parametrize("way", WAYS)
def test_every_way_gives_the_same(way: Any):
    data = b"".join(STREAM)
    chunks, decoder = push(COHERE, STREAM)
    for reads in ([data], pieces(data)):
        cut_chunks, cut_decoder = way(COHERE, reads)
        assert cut_chunks == chunks
        assert outcome(cut_decoder) == outcome(decoder)


def test_an_end_too_early_and_an_error_are_reported():
    with pytest.raises(StreamTruncatedError) as raised:
        COHERE.collect(STREAM[:6])
    assert raised.value.partial.text == '{"n": 1}'
    with pytest.raises(APIError, match="too many"):
        COHERE.collect([*STREAM[:6], b'data: {"error": {"message": "too many"}}\n\n'])


def test_what_does_not_fit_the_types_counts_as_absent():
    odd = message("content-delta", content={"text": 5})
    unknown = typed("citation-start", index=0, delta={"message": {"citations": {}}})
    stream = COHERE.stream([START, odd, unknown, *STREAM[4:]])
    assert stream.until_done().text == '{"n": 1}'


class Typed(msgspec.Struct, frozen=True):
    role: Literal["user", "assistant"] | None = None
    time: datetime | None = None


def test_what_does_not_fit_a_type_of_no_wire_struct_counts_as_absent():
    own = ssekit.Format("own", msgspec.json.Decoder(Typed), Least)
    assert own.decode(ServerSentEvent('{"role": "tool", "time": 5}')) == Typed()


def test_a_format_of_ones_own_opens_what_a_name_opens(tmp_path: Path):
    assert auto.opener(COHERE) is COHERE
    file = tmp_path / "answer.sse"
    file.write_bytes(b"".join(STREAM))
    record = archive.collect(file, format=COHERE)
    assert (record.format, record.state) == ("cohere", "done")
    assert record.result == COHERE.collect(STREAM)
    with pytest.raises(ValueError, match="format must be auto, chat"):
        archive.collect(file, format="cohere")


class Least(ssekit.Accumulator[Any, int]):
    """No more than has to be written."""

    count = 0

    def add(self, chunk: Any, /) -> None:
        self.count += 1

    def snapshot(self) -> int:
        return self.count


def test_an_accumulator_needs_no_more_than_a_result():
    least = ssekit.Format("least", msgspec.json.Decoder(Event), Least)
    stream = least.stream(STREAM)
    assert list(stream.deltas()) == []
    assert stream.result() == len(STREAM) - 1
    accumulator = stream.accumulator
    assert (accumulator.text, accumulator.reasoning, accumulator.refusal) == ("", "", "")
    assert (list(accumulator.tool_calls), accumulator.finish_reason) == ([], None)
    assert (accumulator.usage, accumulator.complete) == (None, False)
    with pytest.raises(StreamTruncatedError):
        least.collect(STREAM[:-1])


def test_what_is_missing_is_named():
    class Nothing(ssekit.Accumulator[Event, int]):
        pass

    with pytest.raises(TypeError, match="add"):
        Nothing()  # type: ignore[abstract]
