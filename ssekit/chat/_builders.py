# One choice of the answer, as far as it has come.
#
# What always holds here:
# - Only what streams in pieces is joined (content, refusal, reasoning, arguments, transcripts), and
#   it is joined when it is looked at. Of anything else the newest that says something wins.
# - What a view returns shares nothing mutable with the fold or with another view.

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from ssekit._fold import Text, deep_copy, extend_lists, merge_fields
from ssekit._json import JSONObject
from ssekit.chat._calls import ToolCallBuilder, ToolCallTable
from ssekit.chat._chunk import (
    ChatCompletionTokenLogprob,
    ChoiceDelta,
    ChoiceDeltaAudio,
    ChoiceDeltaFunctionCall,
    ChoiceDeltaToolCall,
    ChoiceLogprobs,
    ChunkChoice,
)
from ssekit.chat._result import (
    ChatCompletionAudio,
    ChatCompletionMessage,
    ChatCompletionMessageCustomToolCall,
    ChatCompletionMessageFunctionToolCall,
    Choice,
    Custom,
    Function,
    FunctionCall,
)

_NOTHING: Final = ChoiceDelta()


class ChoiceBuilder:
    """One choice so far."""

    __slots__ = (
        "annotations",
        "audio",
        "calls",
        "content",
        "content_filter_results",
        "executed_tools",
        "extra_content",
        "finish_reason",
        "function_call",
        "images",
        "logprobs",
        "matched_stop",
        "native_finish_reason",
        "reasoning",
        "reasoning_content",
        "reasoning_details",
        "reasoning_field",
        "refusal",
        "role",
        "stop_reason",
    )

    def __init__(self) -> None:
        self.role = ""
        self.content = Text()
        self.refusal = Text()
        self.reasoning = Text()
        self.reasoning_content = Text()
        # The one of the two that said something first: it is the shared view. (Some routers send
        # the same reasoning in both.)
        self.reasoning_field = ""
        self.reasoning_details: list[ReasoningDetailBuilder] = []
        self.calls = ToolCallTable()
        self.function_call: ToolCallBuilder | None = None
        self.audio: AudioBuilder | None = None
        self.annotations: list[JSONObject] = []
        self.images: list[JSONObject] = []
        self.executed_tools: list[JSONObject] = []
        self.extra_content: JSONObject = {}
        self.finish_reason: str | None = None
        self.logprobs: dict[str, list[ChatCompletionTokenLogprob]] | None = None
        self.content_filter_results: JSONObject = {}
        self.native_finish_reason: str | None = None
        self.stop_reason: int | str | None = None
        self.matched_stop: int | str | None = None

    def new_in(self, choice: ChunkChoice, object: str | None) -> ChoiceDelta:
        """Return what is new in a choice that has a message: what was not said yet.

        Proxies stream a whole answer so, and MiniMax ends a stream with it. (Writer has the answer
        so far in each chunk, which is called one.)
        """
        message = choice.message
        if (
            message is None
            or choice.delta != _NOTHING
            or (object or "").startswith("chat.completion.")
        ):
            return choice.delta
        delta: ChoiceDelta = replace(
            message,
            content=_rest(message.content, self.content),
            refusal=_rest(message.refusal, self.refusal),
            reasoning=_rest(message.reasoning, self.reasoning),
            reasoning_content=_rest(message.reasoning_content, self.reasoning_content),
            reasoning_details=None if self.reasoning_details else message.reasoning_details,
            tool_calls=None if self.calls.calls else message.tool_calls,
            function_call=None if self.function_call else message.function_call,
            audio=None if self.audio else message.audio,
            annotations=None if self.annotations else message.annotations,
            images=None if self.images else message.images,
            executed_tools=None if self.executed_tools else message.executed_tools,
        )
        return delta

    def add_reasoning(self, delta: ChoiceDelta) -> None:
        for field in ("reasoning", "reasoning_content"):
            piece = getattr(delta, field)
            if piece:
                self.reasoning_field = self.reasoning_field or field
                getattr(self, field).append(piece)

    def add_reasoning_details(self, details: list[JSONObject]) -> None:
        # Every block says index 0, at some models: what is alike and consecutive is one block.
        for detail in details:
            latest = self.reasoning_details[-1] if self.reasoning_details else None
            if latest is None or not latest.continues(detail):
                latest = ReasoningDetailBuilder()
                self.reasoning_details.append(latest)
            latest.add(detail)

    def add_tool_call(self, call: ChoiceDeltaToolCall) -> tuple[ToolCallBuilder, str] | None:
        """Fold a piece in, as the table does; None if it says nothing (Writer)."""
        name = arguments = None
        custom, function = call.custom, call.function
        is_custom = False
        if custom is not None and (custom.name is not None or custom.input is not None):
            name, arguments, is_custom = custom.name, custom.input, True
        elif function is not None:
            name, arguments = function.name, function.arguments
        # Mistral's SDK writes an absent id as the word null.
        id_ = None if call.id == "null" else call.id
        if id_ is None and name is None and arguments is None and call.extra_content is None:
            return None
        told = self.calls.fold(call.index, id_, name, arguments)
        if is_custom:
            told[0].custom = True
        if call.extra_content is not None:
            merge_fields(told[0].extra_content, call.extra_content)
        return told

    def add_function_call(self, call: ChoiceDeltaFunctionCall) -> None:
        self.function_call = self.function_call or ToolCallBuilder(0)
        self.function_call.add(None, call.name, call.arguments)

    def add_executed_tools(self, tools: list[JSONObject]) -> None:
        # A tool is told twice: when it starts, and with its output.
        for tool in tools:
            latest = self.executed_tools[-1] if self.executed_tools else {}
            if tool.get("index") is not None and tool["index"] == latest.get("index"):
                merge_fields(latest, tool)
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
            annotations=deep_copy(self.annotations) or None,
            images=deep_copy(self.images) or None,
            executed_tools=deep_copy(self.executed_tools) or None,
            extra_content=deep_copy(self.extra_content) or None,
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
            content_filter_results=deep_copy(self.content_filter_results) or None,
            native_finish_reason=self.native_finish_reason,
            stop_reason=self.stop_reason,
            matched_stop=self.matched_stop,
        )


class ReasoningDetailBuilder:
    """One block of `reasoning_details` so far."""

    __slots__ = ("fields", "padded", "texts")

    def __init__(self) -> None:
        self.fields: JSONObject = {}
        self.texts: dict[str, Text] = {}
        self.padded = False  # whether the data has come to an end that base64 marks

    def continues(self, detail: JSONObject) -> bool:
        ids = {str(id_) for id_ in (self.fields.get("id"), detail.get("id")) if id_ is not None}
        alike = all(self.fields.get(name) == detail.get(name) for name in ("type", "index"))
        # A signature ends the text that it signs, unless each piece of it has the same.
        signature = self.fields.get("signature")
        signed = signature and detail.get("text") and detail.get("signature") != signature
        padded = self.padded and detail.get("data") and not ids
        return alike and len(ids) < 2 and not (signed or padded)

    def add(self, detail: JSONObject) -> None:
        for name, value in detail.items():
            if name in ("text", "summary", "data") and isinstance(value, str):
                self.fields.setdefault(name, "")
                self.texts.setdefault(name, Text()).append(value)
                self.padded = self.padded or (name == "data" and value.endswith("="))
            elif name not in self.fields or (value is not None and value != ""):
                self.fields[name] = value

    def view(self) -> JSONObject:
        view: JSONObject = deep_copy(self.fields)
        view.update({name: str(text) for name, text in self.texts.items()})
        return view


class AudioBuilder:
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


def _message_call(
    call: ToolCallBuilder,
) -> ChatCompletionMessageFunctionToolCall | ChatCompletionMessageCustomToolCall:
    arguments = str(call.arguments)
    extra_content = deep_copy(call.extra_content) or None
    if call.custom:
        custom = Custom(call.name, arguments)
        return ChatCompletionMessageCustomToolCall(call.id, custom, extra_content)
    function = Function(call.name, arguments)
    return ChatCompletionMessageFunctionToolCall(call.id, function, extra_content)


def _rest(whole: str | None, said: Text) -> str | None:
    """Return what a whole text goes on with; nothing, if it does not go on from what was said."""
    if not whole or not said:
        return whole
    if 2 * len(whole) < said.size():  # (of halves of pairs, two are one character in the end)
        return None  # and a long text need not be joined for a short one
    known = str(said)
    return whole[len(known) :] if whole.startswith(known) else None
