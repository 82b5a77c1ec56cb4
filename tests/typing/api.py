"""The public API as type checkers see it. Checked by mypy and pyright; never run."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, assert_type

import msgspec
from hypothesis.strategies import SearchStrategy, text

import ssekit
from ssekit import (
    Delta,
    ServerSentEvent,
    SSEDecoder,
    StreamDecoder,
    ToolCall,
    archive,
    auto,
    chat,
    completions,
    gemini,
    interactions,
    messages,
    responses,
)
from ssekit.chat import ChatCompletion, ChatCompletionChunk
from ssekit.completions import Completion
from ssekit.testing import (
    DIALECTS,
    Dialects,
    Fault,
    ModelStream,
    chat_streams,
    completion_streams,
    faults,
    gemini_streams,
    interaction_streams,
    message_streams,
    response_streams,
)


def wire(data: bytes) -> None:
    decoder = SSEDecoder(last_event_id="7", max_event_size=None, on_comment=print)
    assert_type(decoder.feed(data), list[ServerSentEvent])
    assert_type(decoder.feed(bytearray(data)), list[ServerSentEvent])
    assert_type(decoder.feed(memoryview(data)), list[ServerSentEvent])
    assert_type(decoder.close(dispatch_incomplete=True), list[ServerSentEvent])
    assert_type(decoder.last_event_id, str)
    assert_type(decoder.reconnection_time, int | None)
    event = ServerSentEvent("a")
    assert_type(event.json(), Any)
    assert_type(event.json(dict[str, int]), dict[str, int])
    assert_type(event.encode(), bytes)
    assert_type(ssekit.iter_events([data]), Iterator[ServerSentEvent])


def push(data: bytes) -> None:
    decoder = chat.decoder(max_event_size=1024)
    assert_type(decoder, StreamDecoder[ChatCompletionChunk, ChatCompletion])
    assert_type(decoder.feed(data), list[ChatCompletionChunk])
    assert_type(decoder.feed(ServerSentEvent("a")), list[ChatCompletionChunk])
    assert_type(decoder.close(), list[ChatCompletionChunk])
    assert_type(decoder.result(), ChatCompletion)
    assert_type(decoder.snapshot(), ChatCompletion)
    assert_type(decoder.accumulator.text, str)
    assert_type(decoder.event, ServerSentEvent | None)
    chunk = chat.decode(ServerSentEvent("a"))
    if chunk is not ssekit.DONE:
        assert_type(chunk, ChatCompletionChunk)


def pull(response: ssekit.Source) -> None:
    with chat.stream(response) as stream:
        for chunk in stream:
            assert_type(chunk, ChatCompletionChunk)
            assert_type(chunk.choices[0].delta.content, str | None)
        assert_type(next(stream), ChatCompletionChunk)
        assert_type(stream.text(), Iterator[str])
        assert_type(stream.deltas(), Iterator[Delta])
        assert_type(stream.until_done(), ChatCompletion)
    assert_type(chat.collect(response), ChatCompletion)
    for call in stream.accumulator.tool_calls:
        assert_type(call, ToolCall)
    for made in stream.result().choices[0].message.tool_calls or []:
        if made.type == "function":
            assert_type(made.function.arguments, str)
        else:
            assert_type(made.custom.input, str)


async def apull(response: ssekit.AsyncSource) -> None:
    async with chat.astream(response) as stream:
        async for chunk in stream:
            assert_type(chunk, ChatCompletionChunk)
        assert_type(stream.text(), AsyncIterator[str])
        assert_type(stream.deltas(), AsyncIterator[Delta])
        assert_type(await stream.until_done(), ChatCompletion)
    assert_type(await chat.acollect(response), ChatCompletion)
    async for event in ssekit.aiter_events(response):
        assert_type(event, ServerSentEvent)


def followed(response: ssekit.Source) -> None:
    backoff = ssekit.Backoff(initial=1, attempts=None)
    assert_type(backoff.delay(0, random.random()), float)
    assert_type(backoff.attempts, int | None)

    def connect(headers: dict[str, str]) -> ssekit.Source:
        return response

    with ssekit.reconnect(
        connect,
        sleep=time.sleep,
        random=random.random,
        backoff=backoff,
        retry_statuses={429},
        on_error=lambda error, attempt, delay: assert_type(delay, float),
    ) as events:
        assert_type(next(events), ServerSentEvent)
        for event in events:
            assert_type(event, ServerSentEvent)
        assert_type(events.last_event_id, str)
        assert_type(events.reconnection_time, int | None)
    assert_type(chat.stream(events).until_done(), ChatCompletion)


async def afollowed(response: ssekit.AsyncSource) -> None:
    async def connect(headers: dict[str, str]) -> ssekit.AsyncSource:
        return response

    async with ssekit.areconnect(
        connect, sleep=asyncio.sleep, retry_statuses=range(500, 600), last_event_id="7"
    ) as events:
        assert_type(await anext(events), ServerSentEvent)
        async for event in events:
            assert_type(event, ServerSentEvent)
    assert_type(await events.aclose(), None)


def legacy(response: ssekit.Source) -> None:
    assert_type(completions.decoder(), StreamDecoder[Completion, Completion])
    for chunk in completions.stream(response):
        assert_type(chunk.choices[0].text, str)
    assert_type(completions.collect(response).choices[0].finish_reason, str | None)


def untold(response: ssekit.Source) -> None:
    assert_type(auto.decoder(max_event_size=None), StreamDecoder[Any, Any])
    assert_type(auto.stream(response).text(), Iterator[str])
    assert_type(auto.detect(ServerSentEvent("a")), ssekit.Format[Any, Any] | None)


def described(delta: Delta) -> str:
    match delta:
        case ssekit.TextDelta(text=text) | ssekit.ReasoningDelta(text=text):
            return assert_type(text, str)
        case ssekit.ToolCall(name=name, arguments=arguments):
            return name + arguments
        case ssekit.Finish(reason=reason):
            return assert_type(reason, ssekit.FinishReason)
        case _:
            return ""


class Weather(msgspec.Struct):
    city: str


def json_that_has_not_ended(call: ToolCall, text: str) -> None:
    assert_type(ssekit.partial_json(text), Any)
    assert_type(ssekit.partial_json(text, open_strings=False), Any)
    reader = ssekit.PartialJSON(open_strings=False)
    reader.feed(call.arguments)
    assert_type(reader.value, Any)
    assert_type(call.partial(), Any)
    assert_type(call.parse(), Any)
    assert_type(call.parse(Weather), Weather)
    assert_type(call.parse(dict[str, int]), dict[str, int])
    stream = chat.stream([b""])
    assert_type(stream.accumulator.parse(Weather), Weather)
    assert_type(auto.stream([b""]).accumulator.parse(Weather), Weather)
    assert_type(chat.Accumulator().parse(Weather), Weather)


def archived(file: Path) -> None:
    record = archive.collect(file)
    assert_type(record, archive.Record)
    assert_type(list(map(archive.collect, ["file"])), list[archive.Record])
    assert_type(record.format, str | None)
    if record.error is not None:
        assert_type(record.error.code, str | None)
    assert_type(auto.decoder().format, str | None)


class Count(ssekit.Accumulator[Weather, int]):
    def add(self, chunk: Weather, /) -> None:
        assert_type(chunk.city, str)

    def snapshot(self) -> int:
        return 1


def own_format(response: ssekit.Source) -> None:
    count = ssekit.Format("count", msgspec.json.Decoder(Weather), Count)
    assert_type(count, ssekit.Format[Weather, int])
    assert_type(count.collect(response), int)
    for chunk in count.stream(response):
        assert_type(chunk, Weather)


def responses_push(data: bytes) -> None:
    decoder = responses.decoder()
    assert_type(decoder, StreamDecoder[responses.ResponseStreamEvent, responses.Response])
    for event in decoder.feed(data):
        if isinstance(event, responses.UnknownEvent):
            assert_type(event.type, str)
        elif event.type == "response.output_text.delta":
            assert_type(event, responses.ResponseTextDeltaEvent)
            assert_type(event.delta, str)
    answer = responses.collect([data])
    assert_type(answer, responses.Response)
    assert_type(answer.output_text, str)
    for item in answer.output:
        if isinstance(item, responses.UnknownItem):
            assert_type(item["anything"], Any)
        elif item.type == "function_call":
            assert_type(item.arguments, str)
        elif item.type == "message":
            for part in item.content:
                if isinstance(part, responses.ResponseOutputText):
                    assert_type(part.text, str)


def messages_push(data: bytes) -> None:
    decoder = messages.decoder()
    assert_type(decoder, StreamDecoder[messages.RawMessageStreamEvent, messages.Message])
    for event in decoder.feed(data):
        if isinstance(event, messages.UnknownEvent):
            assert_type(event.type, str)
        elif event.type == "content_block_delta":
            assert_type(event, messages.RawContentBlockDeltaEvent)
            if isinstance(event.delta, messages.TextDelta):
                assert_type(event.delta.text, str)
    answer = messages.collect([data])
    assert_type(answer, messages.Message)
    assert_type(answer.stop_reason, str | None)
    assert_type(answer.usage.cache_read_input_tokens, int | None)
    for block in answer.content:
        if isinstance(block, messages.UnknownBlock):
            assert_type(block["anything"], Any)
        elif block.type == "tool_use":
            assert_type(block.input, dict[str, Any])
        elif block.type == "thinking":
            assert_type(block.signature, str)


def gemini_push(data: bytes) -> None:
    decoder = gemini.decoder()
    assert_type(
        decoder, StreamDecoder[gemini.GenerateContentResponse, gemini.GenerateContentResponse]
    )
    answer = gemini.collect([data])
    assert_type(answer, gemini.GenerateContentResponse)
    assert_type(answer.usage_metadata, gemini.UsageMetadata | None)
    for part in answer.candidates[0].content.parts:
        assert_type(part, gemini.Part | gemini.UnknownPart)
        assert_type(part.text, str | None)  # also where the kind of part is not known
        if isinstance(part, gemini.UnknownPart):
            assert_type(part["anything"], Any)
        elif part.function_call is not None:
            assert_type(part.function_call.args, dict[str, Any] | None)


def interactions_push(data: bytes) -> None:
    decoder = interactions.decoder()
    assert_type(decoder, StreamDecoder[interactions.InteractionSSEEvent, interactions.Interaction])
    for event in decoder.feed(data):
        if isinstance(event, interactions.UnknownEvent):
            assert_type(event.event_type, str)
        elif event.event_type == "step.delta":
            assert_type(event, interactions.StepDelta)
            if isinstance(event.delta, interactions.TextContent):
                assert_type(event.delta.text, str)
    answer = interactions.collect([data])
    assert_type(answer, interactions.Interaction)
    assert_type(interactions.Accumulator().event_id, str | None)
    for step in answer.steps or ():
        if isinstance(step, interactions.UnknownStep):
            assert_type(step["anything"], Any)
        elif step.type == "function_call":
            assert_type(step.arguments, dict[str, Any])
        elif step.type == "thought":
            assert_type(step.signature, str | None)


def made_streams(stream: ModelStream, fault: Fault) -> None:
    assert_type(chat_streams(text=text(), dialect="openrouter"), SearchStrategy[ModelStream])
    assert_type(completion_streams(dialect=["no marker"]), SearchStrategy[ModelStream])
    assert_type(response_streams(max_items=1), SearchStrategy[ModelStream])
    assert_type(message_streams(max_blocks=1), SearchStrategy[ModelStream])
    assert_type(gemini_streams(max_candidates=1), SearchStrategy[ModelStream])
    assert_type(interaction_streams(max_steps=1), SearchStrategy[ModelStream])
    assert_type(DIALECTS["chat"], Dialects)
    assert_type(stream.data, bytes)
    assert_type(stream.expected, Any)
    assert_type(faults(chat_streams(), kinds=["truncated"]), SearchStrategy[Fault])
    assert_type(fault.source(), Iterator[bytes])
    assert_type(fault.reads, tuple[bytes, ...])
    assert_type(fault.raises, Exception | None)
