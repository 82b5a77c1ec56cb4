# What an event of the stream says: the wire structs of a chunk.
#
# What always holds here:
# - Every field may be missing or null, and null means absent.
# - The structs are strict about what makes a chunk (`choices`, no `error`), so that whatever else
#   comes fails in C, and only then costs Python.
# - Words of an open vocabulary (role, finish_reason, service_tier) are plain strings.
# - Fields that only some hosts have are declared where they carry meaning; docstrings say whose.

from __future__ import annotations

from typing import Any, Final

import msgspec

from ssekit._choices import CompletionUsage
from ssekit._json import JSONObject


class ChoiceDeltaToolCallFunction(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A piece of a function call."""

    name: str | None = None
    arguments: str | None = None


class ChoiceDeltaToolCallCustom(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A piece of a call of a custom tool, whose input is any text."""

    name: str | None = None
    input: str | None = None


class ChoiceDeltaToolCall(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A piece of a tool call.

    Attributes:
        extra_content: What Google's hosts add; `google.thought_signature` is to be sent back.
    """

    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: ChoiceDeltaToolCallFunction | None = None
    custom: ChoiceDeltaToolCallCustom | None = None
    extra_content: JSONObject | None = None


class ChoiceDeltaFunctionCall(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A piece of a call in the deprecated form that came before tools."""

    name: str | None = None
    arguments: str | None = None


class ChoiceDeltaAudio(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A piece of spoken audio: `data` is base64, `expires_at` in seconds since 1970."""

    id: str | None = None
    data: str | None = None
    expires_at: int | None = None
    transcript: str | None = None


class ChoiceDelta(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a chunk adds to the message of a choice.

    A host may divide a text within a surrogate pair: a piece then ends in half a character, which
    cannot be printed. Deltas, `stream.text()` and results have it whole.

    Attributes:
        reasoning: The reasoning's next piece, as OpenRouter, Groq, Ollama and vLLM name it.
        reasoning_content: The same, as DeepSeek, xAI, Alibaba and SGLang name it.
        reasoning_details: The reasoning in typed blocks (OpenRouter), to be sent back.
        annotations: Citations; whole, in no order that could be told.
        images: Images that the model made (OpenRouter).
        executed_tools: Tools that the host itself ran (Groq).
        channel: Which of the model's channels this belongs to (Groq).
        extra_content: As that of a tool call, of the text (Google's hosts).
    """

    role: str | None = None
    content: str | None = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    reasoning_details: list[JSONObject] | None = None
    tool_calls: list[ChoiceDeltaToolCall] | None = None
    function_call: ChoiceDeltaFunctionCall | None = None
    audio: ChoiceDeltaAudio | None = None
    annotations: list[JSONObject] | None = None
    images: list[JSONObject] | None = None
    executed_tools: list[JSONObject] | None = None
    channel: str | None = None
    extra_content: JSONObject | None = None


class TopLogprob(msgspec.Struct, frozen=True, gc=False):
    """One of the likeliest tokens at a place; `bytes` are those of its UTF-8."""

    token: str = ""
    logprob: float = 0.0
    bytes: tuple[int, ...] | None = None


class ChatCompletionTokenLogprob(msgspec.Struct, frozen=True, gc=False):
    """How likely a token was (a natural logarithm), and which others were."""

    token: str = ""
    logprob: float = 0.0
    bytes: tuple[int, ...] | None = None
    top_logprobs: tuple[TopLogprob, ...] = ()


class ChoiceLogprobs(msgspec.Struct, frozen=True, gc=False):
    """The log probabilities of the tokens of a choice."""

    content: list[ChatCompletionTokenLogprob] | None = None
    refusal: list[ChatCompletionTokenLogprob] | None = None


# The delta of a choice that has none.
ABSENT_DELTA: Final = ChoiceDelta()


class ChunkChoice(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a chunk says of one choice.

    Attributes:
        content_filter_results: Azure's verdicts.
        native_finish_reason: The word of the host behind a router (OpenRouter).
        stop_reason: Which stop sequence it was (vLLM).
        matched_stop: The same (SGLang).
        usage: Nothing: an object here (Moonshot) is read as the chunk's, if that has none.
        message: The whole answer, or the answer so far (Writer): what is new in it stands in
            `delta`, or all of it is new.
        error: Nothing, in a chunk: an object here makes the event an `APIError`.
    """

    index: int = 0
    delta: ChoiceDelta = ABSENT_DELTA
    finish_reason: str | None = None
    logprobs: ChoiceLogprobs | None = None
    content_filter_results: JSONObject | None = None
    native_finish_reason: str | None = None
    stop_reason: int | str | None = None
    matched_stop: int | str | None = None
    usage: None = None
    message: ChoiceDelta | None = None
    error: None = None


class XGroq(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What Groq adds to a chunk. A text in `error` makes the event an `APIError`."""

    id: str | None = None
    seed: int | None = None
    usage: CompletionUsage | None = None
    usage_breakdown: JSONObject | None = None
    error: None = None


class ChatCompletionChunk(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One event of the stream.

    Attributes:
        created: In seconds since 1970.
        usage: Of the request so far; only the last chunks have it, at most hosts.
        obfuscation: Padding against readers of packet sizes; it means nothing.
        provider: The host behind a router (OpenRouter).
        citations, search_results: What the answer rests on (Perplexity).
        prompt_filter_results: Azure's verdicts on the prompt.
        timings: How long what took (llama.cpp).
        error: Nothing, in a chunk: an object here makes the event an `APIError`.
        message, base_resp: The same, where there are no choices.
    """

    id: str | None = None
    object: str | None = None
    created: int | None = None
    model: str | None = None
    service_tier: str | None = None
    system_fingerprint: str | None = None
    choices: list[ChunkChoice]
    usage: CompletionUsage | None = None
    obfuscation: str | None = None
    moderation: JSONObject | None = None
    provider: str | None = None
    citations: list[Any] | None = None
    search_results: list[Any] | None = None
    prompt_filter_results: list[Any] | None = None
    timings: JSONObject | None = None
    x_groq: XGroq | None = None
    error: None = None
    message: None = None
    base_resp: None = None
