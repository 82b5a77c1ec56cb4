# The floor: what it costs to decode a chunk and nothing else.
#
# L is msgspec's typed decode alone, over payloads that are already cut out, into these structs.
# They are a copy of those of `ssekit.chat`, and of `ssekit.responses` and `ssekit.messages` those
# that the workloads have, as they were when L was first measured, and stay so: multiples of L can
# be compared between versions, and a field that ssekit gains costs ssekit.

from __future__ import annotations

from typing import Any, Final, TypeAlias

import msgspec

__all__ = ["TYPES", "ChatCompletionChunk"]

Loose: TypeAlias = dict[str, Any]


class ChoiceDeltaToolCallFunction(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    name: str | None = None
    arguments: str | None = None


class ChoiceDeltaToolCallCustom(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    name: str | None = None
    input: str | None = None


class ChoiceDeltaToolCall(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: ChoiceDeltaToolCallFunction | None = None
    custom: ChoiceDeltaToolCallCustom | None = None
    extra_content: Loose | None = None


class ChoiceDeltaFunctionCall(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    name: str | None = None
    arguments: str | None = None


class ChoiceDeltaAudio(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    id: str | None = None
    data: str | None = None
    expires_at: int | None = None
    transcript: str | None = None


class ChoiceDelta(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    role: str | None = None
    content: str | None = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    reasoning_details: list[Loose] | None = None
    tool_calls: list[ChoiceDeltaToolCall] | None = None
    function_call: ChoiceDeltaFunctionCall | None = None
    audio: ChoiceDeltaAudio | None = None
    annotations: list[Loose] | None = None
    images: list[Loose] | None = None
    executed_tools: list[Loose] | None = None
    channel: str | None = None


class TopLogprob(msgspec.Struct, frozen=True, gc=False):
    token: str = ""
    logprob: float = 0.0
    bytes: tuple[int, ...] | None = None


class ChatCompletionTokenLogprob(msgspec.Struct, frozen=True, gc=False):
    token: str = ""
    logprob: float = 0.0
    bytes: tuple[int, ...] | None = None
    top_logprobs: tuple[TopLogprob, ...] = ()


class ChoiceLogprobs(msgspec.Struct, frozen=True, gc=False):
    content: list[ChatCompletionTokenLogprob] | None = None
    refusal: list[ChatCompletionTokenLogprob] | None = None


class ChunkChoice(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    index: int = 0
    delta: ChoiceDelta = ChoiceDelta()
    finish_reason: str | None = None
    logprobs: ChoiceLogprobs | None = None
    content_filter_results: Loose | None = None
    native_finish_reason: str | None = None
    stop_reason: int | str | None = None
    matched_stop: int | str | None = None
    error: None = None


class CompletionTokensDetails(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    accepted_prediction_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: int | None = None
    reasoning_tokens: int | None = None
    rejected_prediction_tokens: int | None = None
    text_tokens: int | None = None


class PromptTokensDetails(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    audio_tokens: int | None = None
    cache_write_tokens: int | None = None
    cached_tokens: int | None = None
    image_tokens: int | None = None
    text_tokens: int | None = None
    video_tokens: int | None = None


class CompletionUsage(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    completion_tokens: int | None = None
    prompt_tokens: int | None = None
    total_tokens: int | None = None
    completion_tokens_details: CompletionTokensDetails | None = None
    prompt_tokens_details: PromptTokensDetails | None = None
    prompt_cache_hit_tokens: int | None = None
    prompt_cache_miss_tokens: int | None = None
    reasoning_tokens: int | None = None
    queue_time: float | None = None
    prompt_time: float | None = None
    completion_time: float | None = None
    total_time: float | None = None
    cost: float | None = None
    cost_details: Loose | None = None
    is_byok: bool | None = None
    server_tool_use_details: Loose | None = None
    cost_in_usd_ticks: int | None = None
    num_sources_used: int | None = None
    service_tier: str | None = None


class XGroq(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    id: str | None = None
    seed: int | None = None
    usage: CompletionUsage | None = None
    usage_breakdown: Loose | None = None
    error: None = None


class ChatCompletionChunk(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    id: str | None = None
    object: str | None = None
    created: int | None = None
    model: str | None = None
    service_tier: str | None = None
    system_fingerprint: str | None = None
    choices: list[ChunkChoice]
    usage: CompletionUsage | None = None
    obfuscation: str | None = None
    moderation: Loose | None = None
    provider: str | None = None
    citations: list[Any] | None = None
    search_results: list[Any] | None = None
    prompt_filter_results: list[Any] | None = None
    timings: Loose | None = None
    x_groq: XGroq | None = None
    error: None = None


class Event(
    msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True, tag_field="type"
):
    sequence_number: int | None = None


class ItemEvent(Event, frozen=True):
    item_id: str | None = None
    output_index: int = 0


class ResponseCreatedEvent(Event, frozen=True, tag="response.created"):
    response: Loose | None = None


class ResponseInProgressEvent(ResponseCreatedEvent, frozen=True, tag="response.in_progress"):
    pass


class ResponseCompletedEvent(ResponseCreatedEvent, frozen=True, tag="response.completed"):
    pass


class ResponseOutputItemAddedEvent(ItemEvent, frozen=True, tag="response.output_item.added"):
    item: Loose | None = None


class ResponseOutputItemDoneEvent(ItemEvent, frozen=True, tag="response.output_item.done"):
    item: Loose | None = None


class ResponseContentPartAddedEvent(ItemEvent, frozen=True, tag="response.content_part.added"):
    content_index: int = 0
    part: Loose | None = None


class ResponseContentPartDoneEvent(ItemEvent, frozen=True, tag="response.content_part.done"):
    content_index: int = 0
    part: Loose | None = None


class ResponseTextDeltaEvent(ItemEvent, frozen=True, tag="response.output_text.delta"):
    delta: str = ""
    obfuscation: str | None = None
    content_index: int = 0
    logprobs: list[Loose] | None = None


class ResponseTextDoneEvent(ItemEvent, frozen=True, tag="response.output_text.done"):
    content_index: int = 0
    text: str = ""
    logprobs: list[Loose] | None = None


ResponseStreamEvent: TypeAlias = (
    ResponseCreatedEvent
    | ResponseInProgressEvent
    | ResponseCompletedEvent
    | ResponseOutputItemAddedEvent
    | ResponseOutputItemDoneEvent
    | ResponseContentPartAddedEvent
    | ResponseContentPartDoneEvent
    | ResponseTextDeltaEvent
    | ResponseTextDoneEvent
)


class BlockDelta(
    msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True, tag_field="type"
):
    pass


class TextDelta(BlockDelta, frozen=True, tag="text_delta"):
    text: str = ""


class ThinkingDelta(BlockDelta, frozen=True, tag="thinking_delta"):
    thinking: str = ""
    estimated_tokens: int | None = None


class InputJSONDelta(BlockDelta, frozen=True, tag="input_json_delta"):
    partial_json: str = ""


class MessageEvent(
    msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True, tag_field="type"
):
    pass


class MessageStartEvent(MessageEvent, frozen=True, tag="message_start"):
    message: Loose | None = None


class MessageDeltaEvent(MessageEvent, frozen=True, tag="message_delta"):
    delta: Loose | None = None
    usage: Loose | None = None


class MessageStopEvent(MessageEvent, frozen=True, tag="message_stop"):
    pass


class ContentBlockStartEvent(MessageEvent, frozen=True, tag="content_block_start"):
    index: int = 0
    content_block: Loose | None = None


class ContentBlockDeltaEvent(MessageEvent, frozen=True, tag="content_block_delta"):
    index: int = 0
    delta: TextDelta | ThinkingDelta | InputJSONDelta | None = None


class ContentBlockStopEvent(MessageEvent, frozen=True, tag="content_block_stop"):
    index: int = 0


class PingEvent(MessageEvent, frozen=True, tag="ping"):
    pass


MessageStreamEvent: TypeAlias = (
    ContentBlockDeltaEvent
    | ContentBlockStartEvent
    | ContentBlockStopEvent
    | MessageStartEvent
    | MessageDeltaEvent
    | MessageStopEvent
    | PingEvent
)

# By the name of its format, what an event is decoded into.
TYPES: Final[dict[str, Any]] = {
    "chat": ChatCompletionChunk,
    "responses": ResponseStreamEvent,
    "messages": MessageStreamEvent,
}
