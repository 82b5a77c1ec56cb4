"""Chat completions: `POST /v1/chat/completions` of OpenAI, and of all who speak its dialects."""

# Wire structs, the repair of dialects, the accumulator, and the names that every format has.
#
# What always holds here:
# - Every field may be missing or null; null means absent, and "" never overwrites.
# - Only what streams in pieces is joined (content, refusal, reasoning, arguments, transcripts).
#   Of anything else the newest that says something wins; of `id` and `created` the first does.
# - Words of an open vocabulary (role, finish_reason, service_tier) are plain strings.
# - The result has the shape of the endpoint's answer without `stream`.

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Literal, TypeAlias

import msgspec

from ssekit._deltas import (
    Delta,
    Finish,
    FinishReason,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from ssekit._fold import (
    FINISH_REASONS,
    CompletionTokensDetails,
    CompletionUsage,
    FoldedCall,
    PromptTokensDetails,
    Text,
    ToolCallTable,
    WholePairs,
    error_within,
    extend_lists,
    fold_fields,
    newer,
    objects,
    own,
    repair_choices,
    usage_view,
)
from ssekit._format import Format

__all__ = [
    "FORMAT",
    "Accumulator",
    "ChatCompletion",
    "ChatCompletionAudio",
    "ChatCompletionChunk",
    "ChatCompletionMessage",
    "ChatCompletionMessageCustomToolCall",
    "ChatCompletionMessageFunctionToolCall",
    "ChatCompletionTokenLogprob",
    "Choice",
    "ChoiceDelta",
    "ChoiceDeltaAudio",
    "ChoiceDeltaFunctionCall",
    "ChoiceDeltaToolCall",
    "ChoiceDeltaToolCallCustom",
    "ChoiceDeltaToolCallFunction",
    "ChoiceLogprobs",
    "ChunkChoice",
    "CompletionTokensDetails",
    "CompletionUsage",
    "Custom",
    "Function",
    "FunctionCall",
    "PromptTokensDetails",
    "TopLogprob",
    "XGroq",
    "acollect",
    "astream",
    "collect",
    "decode",
    "decoder",
    "stream",
]

# What hosts add and shape each in their own way is left as it came.
Loose: TypeAlias = dict[str, Any]


# The chunk.


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
    extra_content: Loose | None = None


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

    Attributes:
        reasoning: The reasoning's next piece, as OpenRouter, Groq, Ollama and vLLM name it.
        reasoning_content: The same, as DeepSeek, xAI, Alibaba and SGLang name it.
        reasoning_details: The reasoning in typed blocks (OpenRouter), to be sent back.
        annotations: Citations; whole, in no order that could be told.
        images: Images that the model made (OpenRouter).
        executed_tools: Tools that the host itself ran (Groq).
        channel: Which of the model's channels this belongs to (Groq).
    """

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


class ChunkChoice(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a chunk says of one choice.

    Attributes:
        content_filter_results: Azure's verdicts.
        native_finish_reason: The word of the host behind a router (OpenRouter).
        stop_reason: Which stop sequence it was (vLLM).
        matched_stop: The same (SGLang).
        error: Nothing, in a chunk: an object here makes the event an `APIError`.
    """

    index: int = 0
    delta: ChoiceDelta = ChoiceDelta()
    finish_reason: str | None = None
    logprobs: ChoiceLogprobs | None = None
    content_filter_results: Loose | None = None
    native_finish_reason: str | None = None
    stop_reason: int | str | None = None
    matched_stop: int | str | None = None
    error: None = None


class XGroq(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What Groq adds to a chunk. A text in `error` makes the event an `APIError`."""

    id: str | None = None
    seed: int | None = None
    usage: CompletionUsage | None = None
    usage_breakdown: Loose | None = None
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
    moderation: Loose | None = None
    provider: str | None = None
    citations: list[Any] | None = None
    search_results: list[Any] | None = None
    prompt_filter_results: list[Any] | None = None
    timings: Loose | None = None
    x_groq: XGroq | None = None
    error: None = None


# The result.


class Function(msgspec.Struct, frozen=True, gc=False):
    """A called function; `arguments` are JSON as the model wrote it, which may be invalid."""

    name: str
    arguments: str


class FunctionCall(msgspec.Struct, frozen=True, gc=False):
    """A call in the deprecated form that came before tools."""

    name: str
    arguments: str


class Custom(msgspec.Struct, frozen=True, gc=False):
    """A called custom tool; `input` is any text."""

    name: str
    input: str


class ChatCompletionMessageFunctionToolCall(
    msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag_field="type", tag="function"
):
    """A function that the model calls; `id` is "" where the host gives none."""

    type: ClassVar[Literal["function"]] = "function"
    id: str
    function: Function
    extra_content: Loose | None = None


class ChatCompletionMessageCustomToolCall(
    msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag_field="type", tag="custom"
):
    """A custom tool that the model calls."""

    type: ClassVar[Literal["custom"]] = "custom"
    id: str
    custom: Custom
    extra_content: Loose | None = None


class ChatCompletionAudio(msgspec.Struct, frozen=True, gc=False):
    """Spoken audio: `data` is base64, `expires_at` in seconds since 1970."""

    id: str
    data: str
    expires_at: int
    transcript: str


class ChatCompletionMessage(
    msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True
):
    """The answer of a choice. Fields that only some hosts have are those of `ChoiceDelta`."""

    role: str
    content: str | None
    refusal: str | None
    reasoning: str | None = None
    reasoning_content: str | None = None
    reasoning_details: list[Loose] | None = None
    tool_calls: (
        list[ChatCompletionMessageFunctionToolCall | ChatCompletionMessageCustomToolCall] | None
    ) = None
    function_call: FunctionCall | None = None
    audio: ChatCompletionAudio | None = None
    annotations: list[Loose] | None = None
    images: list[Loose] | None = None
    executed_tools: list[Loose] | None = None


class Choice(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One of the answers; `finish_reason` is None if the host never said."""

    index: int
    message: ChatCompletionMessage
    finish_reason: str | None
    logprobs: ChoiceLogprobs | None
    content_filter_results: Loose | None = None
    native_finish_reason: str | None = None
    stop_reason: int | str | None = None
    matched_stop: int | str | None = None


class ChatCompletion(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """The whole answer, as the endpoint gives it without `stream`.

    `id` and `model` are "" and `created` is 0 where the host gives none. Fields that only some
    hosts have are those of `ChatCompletionChunk`.
    """

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[Choice]
    service_tier: str | None = None
    system_fingerprint: str | None = None
    usage: CompletionUsage | None = None
    moderation: Loose | None = None
    provider: str | None = None
    citations: list[Any] | None = None
    search_results: list[Any] | None = None
    prompt_filter_results: list[Any] | None = None
    timings: Loose | None = None
    x_groq: XGroq | None = None


# Dialects.


def _repair(body: dict[str, Any]) -> None:
    """Bring what hosts shape in their own way into the shape of a chunk."""
    for choice in repair_choices(body):
        for delta in objects([choice.get("delta")]):
            _repair_content(delta)
            for call in objects(delta.get("tool_calls")):
                for tool, field in (("function", "arguments"), ("custom", "input")):
                    for called in objects([call.get(tool)]):
                        _repair_arguments(called, field)
            for called in objects([delta.get("function_call")]):
                _repair_arguments(called, "arguments")
    for groq in objects([body.get("x_groq")]):
        groq.pop("error", None)


def _repair_content(delta: dict[str, Any]) -> None:
    # Mistral's reasoning models stream content in parts, text among thinking.
    parts = delta.get("content")
    if isinstance(parts, list):
        texts: dict[str, list[str]] = {}
        for part in objects(parts):
            thinking = part.get("thinking")
            said = [
                part.get("text"),
                thinking,
                *(inner.get("text") for inner in objects(thinking)),
            ]
            field = "content" if thinking is None else "reasoning_content"
            texts.setdefault(field, []).extend(text for text in said if isinstance(text, str))
        del delta["content"]
        delta.update({field: "".join(pieces) for field, pieces in texts.items() if pieces})


def _repair_arguments(called: dict[str, Any], field: str) -> None:
    # z.ai and Mistral (as its SDK has it) may give arguments as the object itself.
    if isinstance(called.get(field), dict | list):
        called[field] = json.dumps(called[field])


def _find_error(body: dict[str, Any]) -> Any:
    """Return an error in a choice (OpenRouter) or in `x_groq`, if there is one."""
    return error_within([*objects(body.get("choices")), *objects([body.get("x_groq")])])


# The fold.


class _FoldedChoice:
    """One choice so far."""

    __slots__ = (
        "annotations",
        "audio",
        "calls",
        "content",
        "content_filter_results",
        "executed_tools",
        "finish_reason",
        "function_call",
        "images",
        "logprobs",
        "matched_stop",
        "native_finish_reason",
        "reasoning",
        "reasoning_content",
        "reasoning_details",
        "refusal",
        "role",
        "stop_reason",
        "thinks_in",
    )

    def __init__(self) -> None:
        self.role = ""
        self.content = Text()
        self.refusal = Text()
        self.reasoning = Text()
        self.reasoning_content = Text()
        # The one of the two that said something first: it is the shared view. (Some routers send
        # the same reasoning in both.)
        self.thinks_in = ""
        self.reasoning_details: list[_FoldedDetail] = []
        self.calls = ToolCallTable()
        self.function_call: FoldedCall | None = None
        self.audio: _FoldedAudio | None = None
        self.annotations: list[Loose] = []
        self.images: list[Loose] = []
        self.executed_tools: list[Loose] = []
        self.finish_reason: str | None = None
        self.logprobs: dict[str, list[ChatCompletionTokenLogprob]] | None = None
        self.content_filter_results: Loose = {}
        self.native_finish_reason: str | None = None
        self.stop_reason: int | str | None = None
        self.matched_stop: int | str | None = None

    def add_reasoning(self, delta: ChoiceDelta) -> None:
        for field in ("reasoning", "reasoning_content"):
            piece = getattr(delta, field)
            if piece:
                self.thinks_in = self.thinks_in or field
                getattr(self, field).append(piece)

    def add_reasoning_details(self, details: list[Loose]) -> None:
        # Every block says index 0, at some models: what is alike and consecutive is one block.
        for detail in details:
            latest = self.reasoning_details[-1] if self.reasoning_details else None
            if latest is None or not latest.continues(detail):
                latest = _FoldedDetail()
                self.reasoning_details.append(latest)
            latest.add(detail)

    def add_tool_call(self, call: ChoiceDeltaToolCall) -> FoldedCall:
        name, arguments = _name_and_arguments(call)
        # Mistral's SDK writes an absent id as the word null.
        id_ = None if call.id == "null" else call.id
        folded = self.calls.fold(call.index, id_, name, arguments)
        folded.custom = folded.custom or call.custom is not None
        if call.extra_content is not None:
            fold_fields(folded.extra_content, call.extra_content)
        return folded

    def add_function_call(self, call: ChoiceDeltaFunctionCall) -> None:
        self.function_call = self.function_call or FoldedCall(0)
        self.function_call.add(None, call.name, call.arguments)

    def add_executed_tools(self, tools: list[Loose]) -> None:
        # A tool is told twice: when it starts, and with its output.
        for tool in tools:
            latest = self.executed_tools[-1] if self.executed_tools else {}
            if tool.get("index") is not None and tool["index"] == latest.get("index"):
                fold_fields(latest, tool)
            else:
                self.executed_tools.append(dict(tool))

    def add_logprobs(self, logprobs: ChoiceLogprobs) -> None:
        if self.logprobs is None:
            self.logprobs = {}
        extend_lists(self.logprobs, logprobs)

    def message(self) -> ChatCompletionMessage:
        calls = [_message_call(call) for call in self.calls.calls]
        called = self.function_call
        return ChatCompletionMessage(
            role=self.role or "assistant",
            content=str(self.content) if self.content else None,
            refusal=str(self.refusal) or None,
            reasoning=str(self.reasoning) or None,
            reasoning_content=str(self.reasoning_content) or None,
            reasoning_details=[detail.view() for detail in self.reasoning_details] or None,
            tool_calls=calls or None,
            function_call=FunctionCall(called.name, str(called.arguments)) if called else None,
            audio=self.audio.view() if self.audio else None,
            annotations=own(self.annotations) or None,
            images=own(self.images) or None,
            executed_tools=own(self.executed_tools) or None,
        )

    def view(self, index: int) -> Choice:
        logprobs = None
        if self.logprobs is not None:
            logprobs = ChoiceLogprobs(
                **{field: tokens.copy() for field, tokens in self.logprobs.items()}
            )
        return Choice(
            index=index,
            message=self.message(),
            finish_reason=self.finish_reason,
            logprobs=logprobs,
            content_filter_results=own(self.content_filter_results) or None,
            native_finish_reason=self.native_finish_reason,
            stop_reason=self.stop_reason,
            matched_stop=self.matched_stop,
        )


class _FoldedDetail:
    """One block of `reasoning_details` so far."""

    __slots__ = ("fields", "texts")

    def __init__(self) -> None:
        self.fields: Loose = {}
        self.texts: dict[str, Text] = {}

    def continues(self, detail: Loose) -> bool:
        ids = {str(id_) for id_ in (self.fields.get("id"), detail.get("id")) if id_ is not None}
        alike = all(self.fields.get(name) == detail.get(name) for name in ("type", "index"))
        return alike and len(ids) < 2

    def add(self, detail: Loose) -> None:
        for name, value in detail.items():
            if name in ("text", "summary", "data") and isinstance(value, str):
                self.fields.setdefault(name, "")
                self.texts.setdefault(name, Text()).append(value)
            elif name not in self.fields or (value is not None and value != ""):
                self.fields[name] = value

    def view(self) -> Loose:
        view: Loose = own(self.fields)
        view.update({name: str(text) for name, text in self.texts.items()})
        return view


class _FoldedAudio:
    """The audio of a choice so far."""

    __slots__ = ("data", "expires_at", "id", "transcript")

    def __init__(self) -> None:
        self.id = ""
        self.data = Text()
        self.expires_at = 0
        self.transcript = Text()

    def add(self, audio: ChoiceDeltaAudio) -> None:
        self.id = audio.id or self.id
        self.expires_at = audio.expires_at or self.expires_at
        self.data.append(audio.data or "")
        self.transcript.append(audio.transcript or "")

    def view(self) -> ChatCompletionAudio:
        return ChatCompletionAudio(self.id, str(self.data), self.expires_at, str(self.transcript))


def _name_and_arguments(call: ChoiceDeltaToolCall) -> tuple[str | None, str | None]:
    if call.custom is not None:
        return call.custom.name, call.custom.input
    if call.function is not None:
        return call.function.name, call.function.arguments
    return None, None


def _message_call(
    call: FoldedCall,
) -> ChatCompletionMessageFunctionToolCall | ChatCompletionMessageCustomToolCall:
    arguments = str(call.arguments)
    extra_content = own(call.extra_content) or None
    if call.custom:
        custom = Custom(call.name, arguments)
        return ChatCompletionMessageCustomToolCall(call.id, custom, extra_content)
    function = Function(call.name, arguments)
    return ChatCompletionMessageFunctionToolCall(call.id, function, extra_content)


class Accumulator:
    """Folds the chunks of one stream into a `ChatCompletion`.

    The views `text`, `reasoning`, `refusal`, `tool_calls` and `finish_reason` speak of choice 0;
    they are made when they are looked at.
    """

    __slots__ = (
        "_choices",
        "_created",
        "_id",
        "_model",
        "_newest",
        "_pairs",
        "_touched",
        "_usage",
        "_x_groq",
    )

    def __init__(self) -> None:
        self._id = ""
        self._created = 0
        self._model = ""
        self._usage: CompletionUsage | None = None
        self._x_groq: XGroq | None = None
        # Of the other fields of the whole answer, the newest value that says something.
        self._newest: dict[str, Any] = {}
        self._choices: dict[int, _FoldedChoice] = {}
        # The calls that the latest tool calls of a chunk were folded into, in their order.
        self._touched: list[FoldedCall] = []
        self._pairs = WholePairs()

    def add(self, chunk: ChatCompletionChunk, /) -> None:
        """Fold the next chunk in. (No chunk of this format is terminal: None is returned.)"""
        touched: list[FoldedCall] | None = None
        for choice in chunk.choices:
            folded = self._choices.get(choice.index)
            if folded is None:
                folded = self._choices[choice.index] = _FoldedChoice()
            delta = choice.delta
            if delta.content is not None:
                folded.content.append(delta.content)
            if delta.reasoning or delta.reasoning_content:
                folded.add_reasoning(delta)
            if delta.role:
                folded.role = delta.role
            if delta.refusal:
                folded.refusal.append(delta.refusal)
            if delta.tool_calls:
                if touched is None:
                    touched = self._touched = []
                touched += map(folded.add_tool_call, delta.tool_calls)
            if delta.reasoning_details:
                folded.add_reasoning_details(delta.reasoning_details)
            if delta.function_call is not None:
                folded.add_function_call(delta.function_call)
            if delta.audio is not None:
                folded.audio = folded.audio or _FoldedAudio()
                folded.audio.add(delta.audio)
            if delta.annotations:
                folded.annotations += delta.annotations
            if delta.images:
                folded.images += delta.images
            if delta.executed_tools:
                folded.add_executed_tools(delta.executed_tools)
            if choice.finish_reason:
                folded.finish_reason = choice.finish_reason
            if choice.logprobs is not None:
                folded.add_logprobs(choice.logprobs)
            if choice.content_filter_results:
                fold_fields(folded.content_filter_results, choice.content_filter_results)
            if choice.native_finish_reason:
                folded.native_finish_reason = choice.native_finish_reason
            if choice.stop_reason is not None:
                folded.stop_reason = choice.stop_reason
            if choice.matched_stop is not None:
                folded.matched_stop = choice.matched_stop
        if not self._id and chunk.id:
            self._id = chunk.id
        if not self._created and chunk.created:
            self._created = chunk.created
        if chunk.model:
            self._model = chunk.model
        if chunk.usage is not None:
            self._usage = chunk.usage
        if chunk.service_tier:
            self._newest["service_tier"] = chunk.service_tier
        if chunk.system_fingerprint:
            self._newest["system_fingerprint"] = chunk.system_fingerprint
        if chunk.moderation:
            self._newest["moderation"] = chunk.moderation
        if chunk.provider:
            self._newest["provider"] = chunk.provider
        if chunk.citations:
            self._newest["citations"] = chunk.citations
        if chunk.search_results:
            self._newest["search_results"] = chunk.search_results
        if chunk.prompt_filter_results:
            self._newest["prompt_filter_results"] = chunk.prompt_filter_results
        if chunk.timings:
            self._newest["timings"] = chunk.timings
        if chunk.x_groq is not None:
            self._x_groq = newer(self._x_groq, chunk.x_groq)

    def snapshot(self) -> ChatCompletion:
        """Return the answer so far, in the shape of the endpoint's answer without `stream`."""
        choices = [folded.view(index) for index, folded in sorted(self._choices.items())]
        return ChatCompletion(
            id=self._id,
            object="chat.completion",
            created=self._created,
            model=self._model,
            choices=choices,
            usage=own(self._usage),
            x_groq=own(self._x_groq),
            **{name: own(value) for name, value in self._newest.items()},
        )

    @property
    def complete(self) -> bool:
        """Whether a choice was seen, and every one that was has a finish reason."""
        return bool(self._choices) and all(
            choice.finish_reason for choice in self._choices.values()
        )

    @property
    def text(self) -> str:
        """The text so far."""
        return str(self._choice.content)

    @property
    def reasoning(self) -> str:
        """The reasoning so far."""
        choice = self._choice
        return str(
            choice.reasoning_content
            if choice.thinks_in == "reasoning_content"
            else choice.reasoning
        )

    @property
    def refusal(self) -> str:
        """The refusal so far."""
        return str(self._choice.refusal)

    @property
    def tool_calls(self) -> Sequence[ToolCall]:
        """The tool calls so far, whole or not, in the order in which they appeared."""
        return [call.view(0) for call in self._choice.calls.calls]

    @property
    def finish_reason(self) -> FinishReason | None:
        """Why the choice ended, in the shared words; None while it has not."""
        reason = self._choice.finish_reason
        return FINISH_REASONS.get(reason, "other") if reason else None

    @property
    def usage(self) -> Usage | None:
        """The tokens of the request, as far as the server has said."""
        usage = self._usage
        if usage is None and self._x_groq is not None:  # where Groq said it first
            usage = self._x_groq.usage
        return usage_view(usage) if usage is not None else None

    @property
    def _choice(self) -> _FoldedChoice:
        return self._choices.get(0) or _FoldedChoice()

    def deltas(self, chunk: ChatCompletionChunk, /) -> Iterator[Delta]:
        """Yield what a chunk says, after `add` has folded it in and before the next one."""
        touched = iter(self._touched)
        for choice in chunk.choices:
            for piece in self._pieces(choice, touched):
                mended = self._pairs.mend(piece)
                if mended is not None:
                    yield mended
        if chunk.usage is not None or (chunk.x_groq is not None and chunk.x_groq.usage is not None):
            usage = self.usage
            assert usage is not None
            yield usage

    def _pieces(
        self, choice: ChunkChoice, touched: Iterator[FoldedCall]
    ) -> Iterator[ReasoningDelta | TextDelta | RefusalDelta | ToolCallDelta]:
        index, delta = choice.index, choice.delta
        if delta.reasoning or delta.reasoning_content:
            reasoning = getattr(delta, self._choices[index].thinks_in)
            if reasoning:
                yield ReasoningDelta(index, reasoning)
        if delta.content:
            yield TextDelta(index, delta.content)
        if delta.refusal:
            yield RefusalDelta(index, delta.refusal)
        for call, folded in zip(delta.tool_calls or (), touched, strict=False):
            _, arguments = _name_and_arguments(call)
            yield ToolCallDelta(index, folded.place, folded.id, folded.name, arguments or "")

    def last_deltas(self) -> Iterator[Delta]:
        """Yield what only the end of a finished stream says: whole tool calls, and the finish.

        Until then a finish reason may come again, with another call before it (Google's hosts).
        """
        yield from self._pairs.rest()
        for index, folded in sorted(self._choices.items()):
            for call in folded.calls.calls:
                yield call.view(index)
            if folded.finish_reason:
                reason = FINISH_REASONS.get(folded.finish_reason, "other")
                yield Finish(index, reason, folded.finish_reason)


FORMAT: Format[ChatCompletionChunk, ChatCompletion] = Format(
    "chat",
    msgspec.json.Decoder(ChatCompletionChunk),
    Accumulator,
    repair=_repair,
    find_error=_find_error,
    fragments={
        "content",
        "refusal",
        "reasoning",
        "reasoning_content",
        "arguments",
        "input",
        "transcript",
        "text",
        "thinking",
        "summary",
    },
)

decode = FORMAT.decode
decoder = FORMAT.decoder
stream = FORMAT.stream
astream = FORMAT.astream
collect = FORMAT.collect
acollect = FORMAT.acollect
