# The finished answer, in the shape of the endpoint's answer without `stream`.
#
# What always holds here: a field without a default is always encoded, as the endpoint does it. A
# field that only some answers have is left out if it is None.

from __future__ import annotations

from typing import Any, ClassVar, Literal

import msgspec

from ssekit._choices import CompletionUsage
from ssekit._fold import WireStruct
from ssekit._json import JSONObject
from ssekit.chat._chunk import ChoiceLogprobs, XGroq

__all__ = [
    "ChatCompletion",
    "ChatCompletionAudio",
    "ChatCompletionMessage",
    "ChatCompletionMessageCustomToolCall",
    "ChatCompletionMessageFunctionToolCall",
    "Choice",
    "Custom",
    "Function",
    "FunctionCall",
]


class Function(msgspec.Struct, frozen=True, gc=False):
    """A called function. `arguments` are JSON as the model wrote it, which may be invalid."""

    name: str
    arguments: str


class FunctionCall(msgspec.Struct, frozen=True, gc=False):
    """A function call in the deprecated form, from before tools."""

    name: str = ""
    arguments: str = ""


class Custom(msgspec.Struct, frozen=True, gc=False):
    """A called custom tool. `input` is any text."""

    name: str
    input: str


class ChatCompletionMessageFunctionToolCall(WireStruct, tag_field="type", tag="function"):
    """A call of a function. `id` is "" if the host sends none."""

    type: ClassVar[Literal["function"]] = "function"
    id: str
    function: Function
    extra_content: JSONObject | None = None


class ChatCompletionMessageCustomToolCall(WireStruct, tag_field="type", tag="custom"):
    """A call of a custom tool."""

    type: ClassVar[Literal["custom"]] = "custom"
    id: str
    custom: Custom
    extra_content: JSONObject | None = None


class ChatCompletionAudio(msgspec.Struct, frozen=True, gc=False):
    """Spoken audio: `data` is base64, `expires_at` in seconds since 1970."""

    id: str = ""
    data: str = ""
    expires_at: int = 0
    transcript: str = ""


class ChatCompletionMessage(WireStruct, kw_only=True):
    """The answer of a choice. `ChoiceDelta` describes the fields that only some hosts have."""

    role: str
    content: str | None
    refusal: str | None
    reasoning: str | None = None
    reasoning_content: str | None = None
    reasoning_text: str | None = None
    reasoning_opaque: str | None = None
    reasoning_details: list[JSONObject] | None = None
    thinking_blocks: list[JSONObject] | None = None
    tool_calls: (
        list[ChatCompletionMessageFunctionToolCall | ChatCompletionMessageCustomToolCall] | None
    ) = None
    function_call: FunctionCall | None = None
    audio: ChatCompletionAudio | None = None
    annotations: list[JSONObject] | None = None
    images: list[JSONObject] | None = None
    executed_tools: list[JSONObject] | None = None
    extra_content: JSONObject | None = None
    functions_state_id: str | None = None


class Choice(WireStruct, kw_only=True):
    """One of the answers. `finish_reason` is None if the host sent none."""

    index: int
    message: ChatCompletionMessage
    finish_reason: str | None
    logprobs: ChoiceLogprobs | None
    content_filter_results: JSONObject | None = None
    native_finish_reason: str | None = None
    stop_reason: int | str | None = None
    matched_stop: int | str | None = None


class ChatCompletion(WireStruct, kw_only=True):
    """The whole answer, in the shape of the endpoint's answer without `stream`.

    `id` and `model` are "" and `created` is 0 if the host sends none. `ChatCompletionChunk`
    describes the fields that only some hosts have.
    """

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[Choice]
    service_tier: str | None = None
    system_fingerprint: str | None = None
    usage: CompletionUsage | None = None
    moderation: JSONObject | None = None
    provider: str | None = None
    citations: list[Any] | None = None
    search_results: list[Any] | None = None
    prompt_filter_results: list[Any] | None = None
    timings: JSONObject | None = None
    x_groq: XGroq | None = None
