# The chunk: the wire structs of an event.
#
# What always holds here:
# - Every field may be missing or null, and null means absent.
# - The structs are strict about the fields that make a chunk (`choices`, no `error`). The typed
#   decoder refuses any other event in C, and only such an event is read in Python.
# - Words of an open vocabulary (role, finish_reason, service_tier) are plain strings.
# - A field that only some hosts have is declared if it carries meaning; docstrings name the hosts.

from __future__ import annotations

from types import NoneType
from typing import Any, Final

import msgspec

from ssekit._choices import CompletionUsage
from ssekit._fold import WireStruct, always
from ssekit._json import JSONObject

__all__ = [
    "ChatCompletionChunk",
    "ChatCompletionTokenLogprob",
    "ChoiceDelta",
    "ChoiceDeltaAudio",
    "ChoiceDeltaFunctionCall",
    "ChoiceDeltaToolCall",
    "ChoiceDeltaToolCallCustom",
    "ChoiceDeltaToolCallFunction",
    "ChoiceLogprobs",
    "ChunkChoice",
    "TopLogprob",
    "XGroq",
]


class ChoiceDeltaFunctionCall(WireStruct):
    """A piece of a function call. (In `ChoiceDelta`: in the deprecated form, from before tools.)"""

    name: str | None = None
    arguments: str | None = None


class ChoiceDeltaToolCallFunction(ChoiceDeltaFunctionCall):
    """A piece of a function call. `id` is always None: an id here is moved to the tool call."""

    id: None = None


class ChoiceDeltaToolCallCustom(WireStruct):
    """A piece of a call of a custom tool, whose input is any text."""

    name: str | None = None
    input: str | None = None


class ChoiceDeltaToolCall(WireStruct):
    """A piece of a tool call.

    Attributes:
        extra_content: Fields of Google's hosts. Send `google.thought_signature` back.
        name, arguments: Always None. Without a `function`, they are moved into one.
    """

    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: ChoiceDeltaToolCallFunction | None = None
    custom: ChoiceDeltaToolCallCustom | None = None
    extra_content: JSONObject | None = None
    name: None = None
    arguments: None = None


class ChoiceDeltaAudio(WireStruct):
    """A piece of spoken audio: `data` is base64, `expires_at` in seconds since 1970."""

    id: str | None = None
    data: str | None = None
    expires_at: int | None = None
    transcript: str | None = None


class ChoiceDelta(WireStruct):
    """The next piece of the message of a choice.

    A host may divide a text within a surrogate pair: a piece then ends in half a character, which
    cannot be printed. In deltas, `stream.text()` and results the character is whole.

    Attributes:
        reasoning: The next piece of the reasoning (OpenRouter, Groq, Ollama, vLLM).
        reasoning_content: The same (DeepSeek, xAI, Alibaba, SGLang).
        reasoning_text: The same (Copilot), with reasoning_opaque. Send that back.
        reasoning_details: The reasoning in typed blocks (OpenRouter, MiniMax). Send them back.
            Perplexity's are its reasoning_steps.
        thinking_blocks: The same, in blocks of Anthropic (LiteLLM). Portkey's content_blocks become
            such blocks, and the thoughts that Databricks signs.
        annotations: Citations, each of them whole.
        images: Images that the model made (OpenRouter; elsewhere parts of the content).
        executed_tools: Tools that the host itself ran (Groq).
        channel: The model's channel that this piece belongs to (Groq).
        extra_content: As in a tool call, but for the text (Google's hosts).
        functions_state_id: The id of the functions that were sent (GigaChat). Send it back.
        type: Always None. A delta with a type (Cortex, Jina) is rewritten into this shape.
        thinking, cot_summary: Always None. A text here (Copilot) becomes the reasoning_text.
        reasoning_steps, content_blocks: Always None. They become the two lists of blocks.
        context: Always None. The sources in it (Azure) become the search_results.
        tool_call_id: Always None. A delta with the output of a tool (role "tool") counts as empty.
        error: Always None. An object here makes the event an `APIError`.
    """

    role: str | None = None
    content: str | None = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    reasoning_text: str | None = None
    reasoning_opaque: str | None = None
    reasoning_details: list[JSONObject] | None = None
    thinking_blocks: list[JSONObject] | None = None
    tool_calls: list[ChoiceDeltaToolCall] | None = None
    function_call: ChoiceDeltaFunctionCall | None = None
    audio: ChoiceDeltaAudio | None = None
    annotations: list[JSONObject] | None = None
    images: list[JSONObject] | None = None
    executed_tools: list[JSONObject] | None = None
    channel: str | None = None
    extra_content: JSONObject | None = None
    functions_state_id: str | None = None
    type: None = None
    thinking: None = None
    cot_summary: None = None
    reasoning_steps: None = None
    content_blocks: None = None
    context: None = None
    tool_call_id: None = None
    error: None = None


class TopLogprob(msgspec.Struct, frozen=True, gc=False):
    """One of the likeliest tokens at a position, with the bytes of its UTF-8."""

    token: str = ""
    logprob: float = 0.0
    bytes: tuple[int, ...] | None = None


class ChatCompletionTokenLogprob(TopLogprob, frozen=True, gc=False):
    """The log probability (natural) of a token, and of the likeliest others."""

    top_logprobs: tuple[TopLogprob, ...] = ()


class ChoiceLogprobs(WireStruct):
    """The log probabilities of the tokens of a choice; `reasoning_content` is DeepSeek's."""

    content: list[ChatCompletionTokenLogprob] | None = always(NoneType)
    refusal: list[ChatCompletionTokenLogprob] | None = always(NoneType)
    reasoning_content: list[ChatCompletionTokenLogprob] | None = None


# The delta of a choice without one: it is recognised by its identity.
ABSENT_DELTA: Final = ChoiceDelta()


class ChunkChoice(WireStruct):
    """The next piece of one choice.

    Attributes:
        annotations: Citations, as in a delta (LiteLLM).
        content_filter_results: Azure's verdicts.
        native_finish_reason: The finish reason of the host behind a router (OpenRouter).
        stop_reason: The stop sequence that ended the text (vLLM).
        matched_stop: The same (SGLang).
        usage: Always None. An object here (Moonshot) becomes the usage of a chunk without one.
        message: The whole answer, or the answer so far (Writer). The accumulator takes from it
            only the new part, unless `delta` has that already.
        error: Always None. An object here makes the event an `APIError`.
    """

    # The vendor's client requires these three fields.
    index: int = always(int)
    delta: ChoiceDelta = always(lambda: ABSENT_DELTA)
    finish_reason: str | None = always(NoneType)
    logprobs: ChoiceLogprobs | None = None
    annotations: list[JSONObject] | None = None
    content_filter_results: JSONObject | None = None
    native_finish_reason: str | None = None
    stop_reason: int | str | None = None
    matched_stop: int | str | None = None
    usage: None = None
    message: ChoiceDelta | None = None
    error: None = None


class XGroq(WireStruct):
    """Fields that Groq adds to a chunk. A text in `error` makes the event an `APIError`."""

    id: str | None = None
    seed: int | None = None
    usage: CompletionUsage | None = None
    usage_breakdown: JSONObject | None = None
    error: None = None


class ChatCompletionChunk(WireStruct, kw_only=True):
    """One event of the stream.

    Attributes:
        created: In seconds since 1970.
        usage: The tokens of the request so far. At most hosts only the last chunks have it.
        obfuscation: Padding without meaning, against readers of packet sizes.
        provider: The host behind a router (OpenRouter).
        citations, search_results: The sources of the answer (Perplexity).
        web_search, venice_parameters: Always None. The sources here (Zhipu, Venice) become the
            search_results.
        prompt_filter_results: Azure's verdicts on the prompt.
        timings: Durations and rates of the server's work (llama.cpp).
        error: Always None. An object here makes the event an `APIError`.
        message, base_resp: The same, in an event without choices.
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
    web_search: None = None
    venice_parameters: None = None
    error: None = None
    message: None = None
    base_resp: None = None
