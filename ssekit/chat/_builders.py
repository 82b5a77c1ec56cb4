# One choice of the answer so far, and its parts.
#
# What always holds here:
# - Texts, audio data, names and arguments join, and lists grow. Of most else the newest value stays
#   that is neither null nor empty.
# - What `build` returns shares nothing mutable with a builder or with an earlier result.
#
# How it works: a piece of text is appended to a `Text`, which joins its pieces when it is read.
# Lists grow item by item; an item that continues the latest one (a block of reasoning, a tool that
# the host ran) is merged into it. A whole message after pieces of it adds only the rest of each
# text (nothing if it contradicts the pieces), and the fields of which nothing came before.

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from ssekit._accumulator import shared_reason
from ssekit._choices import BaseChoiceBuilder
from ssekit._deltas import Delta, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta
from ssekit._fold import Text, deep_copy, merge_fields
from ssekit._json import JSONObject
from ssekit.chat._calls import ToolCallBuilder, ToolCallPiece, ToolCallTable
from ssekit.chat._chunk import (
    ABSENT_DELTA,
    ChoiceDelta,
    ChoiceDeltaAudio,
    ChoiceDeltaFunctionCall,
    ChoiceDeltaToolCall,
    ChoiceDeltaToolCallCustom,
    ChoiceDeltaToolCallFunction,
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

# The fields with the text of the reasoning, and the texts of its typed blocks.
REASONING: Final = ("reasoning", "reasoning_content", "reasoning_text")
_THOUGHTS: Final = ("text", "summary", "thinking")
_LISTS: Final = ("annotations", "images", "executed_tools")


class ChoiceBuilder(BaseChoiceBuilder):
    """One choice so far.

    Attributes:
        texts: The refusal, and the texts of the fields with reasoning (`REASONING`), by field.
        reasoning_field: The field that came first. The view and the deltas are of this one, because
            some routers send the same text in two.
        blocks: The typed blocks of the reasoning, by field.
        message: The fields of the message that only some hosts send, by name.
    """

    __slots__ = (
        *("_table", "audio", "blocks", "function_call", "message", "reasoning_field"),
        *("role", "texts"),
    )

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.role = ""
        self.texts: dict[str, Text] = {}
        self.reasoning_field = ""
        self.blocks: dict[str, list[ReasoningBlockBuilder]] = {}
        self.function_call: ToolCallBuilder | None = None
        self.audio: AudioBuilder | None = None
        self.message: JSONObject = {}
        self._table: ToolCallTable | None = None

    @property
    def calls(self) -> list[ToolCallBuilder]:
        return [] if self._table is None else self._table.calls

    # Adding the fields of a delta.

    def delta_of_message(self, choice: ChunkChoice, object: str | None) -> ChoiceDelta:
        """Return the delta of a choice with a message: what of the message did not come before.

        Proxies stream a whole answer as one message, and MiniMax ends a stream with it. Beside a
        delta in an object that is named a chunk, the message is the answer so far, and the delta
        has what is new (Writer).
        """
        message, delta = choice.message, choice.delta
        is_chunk = (object or "").startswith("chat.completion.")
        if message is None or (delta is not ABSENT_DELTA and (is_chunk or delta != ABSENT_DELTA)):
            return delta
        whole: ChoiceDelta = replace(
            message,
            content=self.text.rest(message.content),
            refusal=self.texts.get("refusal", Text()).rest(message.refusal),
            tool_calls=self._rest_of_calls(message.tool_calls),
            function_call=None if self.function_call else message.function_call,
            audio=None if self.audio else message.audio,
            **{name: None for name in _LISTS if self.message.get(name)},
            **dict.fromkeys(self.blocks),
            **{
                field: self.texts.get(field, Text()).rest(getattr(message, field))
                for field in REASONING
            },
        )
        return whole

    def _rest_of_calls(
        self, calls: list[ChoiceDeltaToolCall] | None
    ) -> list[ChoiceDeltaToolCall] | None:
        """Return pieces of what the calls of a whole message add to those that came before.

        Only an id shows which call it is: without ids, nothing is added.
        """
        known = self._table
        if not calls or known is None:
            return calls
        pieces = []
        for call in calls:
            begun = known.known(call.id)
            if begun is None:
                if call.id and all(each.id for each in known.calls):
                    pieces.append(call)
            elif call.function is not None:
                rest = begun.arguments.rest(call.function.arguments)
                pieces.append(replace(call, function=ChoiceDeltaToolCallFunction(arguments=rest)))
            elif call.custom is not None:
                rest = begun.arguments.rest(call.custom.input)
                pieces.append(replace(call, custom=ChoiceDeltaToolCallCustom(input=rest)))
        return pieces

    def add_text(self, field: str, piece: str) -> None:
        """Add a piece to a text of the message other than its content."""
        if field not in self.texts:
            self.texts[field] = Text()
        self.texts[field].append(piece)

    def add_reasoning(self, delta: ChoiceDelta) -> None:
        for field in REASONING:
            piece = getattr(delta, field)
            if piece:
                self.reasoning_field = self.reasoning_field or field
                self.add_text(field, piece)

    def extend(self, name: str, items: list[JSONObject]) -> None:
        """Extend a list of the message, if there is something to extend it by."""
        if items:
            self.message.setdefault(name, []).extend(items)

    def add_blocks(self, field: str, pieces: list[JSONObject]) -> None:
        """Add pieces of typed blocks of the reasoning."""
        for piece in pieces:
            known = self.blocks.setdefault(field, [])
            if not known or not known[-1].continues(piece):
                known.append(ReasoningBlockBuilder())
            known[-1].add(piece)
        if not self.reasoning_field and any(map(_text_of, pieces)):
            self.reasoning_field = field

    @property
    def shared_reasoning(self) -> str:
        """The reasoning of the field that came first."""
        if self.reasoning_field in self.blocks:
            return "".join(block.text for block in self.blocks[self.reasoning_field])
        return str(self.texts.get(self.reasoning_field, ""))

    @property
    def has_calls(self) -> bool:
        return bool(self.calls)

    def add_tool_call(self, call: ChoiceDeltaToolCall) -> ToolCallPiece | None:
        """Add a piece of a call; None for an empty piece (Writer), which is of no call."""
        name = arguments = None
        custom, function = call.custom, call.function
        is_custom = False
        if custom is not None and (custom.name is not None or custom.input is not None):
            name, arguments, is_custom = custom.name, custom.input, True
        elif function is not None:
            name, arguments = function.name, function.arguments
        id_ = None if call.id == "null" else call.id  # Mistral's SDK writes an absent id as "null"
        if id_ is None and name is None and arguments is None and call.extra_content is None:
            return None
        self._table = self._table or ToolCallTable(self.index)
        piece = self._table.add(call.index, id_, name, arguments, custom=is_custom)
        if piece is not None and call.extra_content is not None:
            merge_fields(piece[0].extra_content, call.extra_content)
        return piece

    def add_function_call(self, call: ChoiceDeltaFunctionCall) -> None:
        self.function_call = self.function_call or ToolCallBuilder(self.index, 0)
        self.function_call.add(None, call.name, call.arguments)

    def add_executed_tools(self, tools: list[JSONObject]) -> None:
        # A tool comes when it starts, and again with its output.
        for tool in tools:
            known = self.message.setdefault("executed_tools", [])
            if known and tool.get("index") is not None and tool["index"] == known[-1].get("index"):
                merge_fields(known[-1], tool)
            else:
                known.append(dict(tool))

    # Emitting deltas.

    def deltas(
        self, delta: ChoiceDelta, calls: Iterator[ToolCallPiece | None]
    ) -> Iterator[ReasoningDelta | TextDelta | RefusalDelta | ToolCallDelta]:
        """Yield the deltas of a delta that was added. `calls` has an item for each tool call."""
        reasoning = getattr(delta, self.reasoning_field) if self.reasoning_field else None
        if reasoning and isinstance(reasoning, list):
            reasoning = "".join(map(_text_of, reasoning))
        if reasoning:
            yield ReasoningDelta(self.index, reasoning)
        if delta.content:
            yield TextDelta(self.index, delta.content)
        if delta.refusal:
            yield RefusalDelta(self.index, delta.refusal)
        for _, piece in zip(delta.tool_calls or (), calls, strict=False):
            if piece is not None:
                call, arguments = piece
                yield call.delta(arguments)

    def last_deltas(self) -> Iterator[Delta]:
        # Not before the end: a finish reason may come again, after another call (Google's hosts).
        for call in self.calls:
            initial = call.flush()
            if initial:
                yield call.delta(initial)
            if self._is_whole(call):
                yield call.build()
        yield from super().last_deltas()

    def _is_whole(self, call: ToolCallBuilder) -> bool:
        """Whether a call is not cut off, now that the choice has ended."""
        reason = shared_reason(self.finish_reason)
        if call.custom:
            cut = reason in ("length", "content_filter") and call is self.calls[-1]
            return not cut
        if not str(call.arguments):
            return reason != "length"
        # A model that was not stopped may have written what is no JSON.
        return call.is_json or reason in ("stop", "tool_calls")

    # Building the result.

    def build(self) -> Choice:
        logprobs = None
        if self.logprobs is not None:
            logprobs = ChoiceLogprobs(
                **{field: tokens.copy() for field, tokens in self.logprobs.items()}
            )
        return Choice(
            index=self.index,
            message=self._message(),
            finish_reason=self.finish_reason,
            logprobs=logprobs,
            **_nonempty(self.fields),
        )

    def _message(self) -> ChatCompletionMessage:
        called = self.function_call
        fields: JSONObject = {field: str(text) for field, text in self.texts.items()}
        for field, blocks in self.blocks.items():
            fields[field] = [block.build() for block in blocks]
        return ChatCompletionMessage(
            role=self.role or "assistant",
            content=str(self.text) if self.text else None,
            refusal=fields.pop("refusal", None),
            tool_calls=[_message_call(call) for call in self.calls] or None,
            function_call=FunctionCall(called.name, str(called.arguments)) if called else None,
            audio=self.audio.build() if self.audio else None,
            **fields,
            **self._added_fields(),
        )

    def _added_fields(self) -> JSONObject:
        """Return the fields that only some hosts send; an annotation that came again is there once.

        (OpenRouter repeats a source in each chunk that mentions it.)
        """
        fields = _nonempty(self.message)
        if "annotations" in fields:
            fields["annotations"] = list({repr(one): one for one in fields["annotations"]}.values())
        return fields


def _nonempty(fields: JSONObject) -> JSONObject:
    """Return a copy of fields without those that are objects or lists with nothing in them."""
    return {name: deep_copy(value) for name, value in fields.items() if value not in ({}, [])}


class ReasoningBlockBuilder:
    """One typed block of the reasoning so far.

    Some models give every block index 0, so that consecutive pieces which are alike are one block.
    """

    __slots__ = ("fields", "padded", "texts")

    def __init__(self) -> None:
        self.fields: JSONObject = {}
        self.texts: dict[str, Text] = {}
        self.padded = False  # whether base64 padding has ended the data

    def continues(self, piece: JSONObject) -> bool:
        known = self.fields
        if known.get("type") != piece.get("type") or known.get("index") != piece.get("index"):
            return False
        ours, theirs = known.get("id"), piece.get("id")
        if ours is not None and theirs is not None and str(ours) != str(theirs):
            return False
        # A signature ends the text that it signs, unless each piece of the text has the same one.
        signature = known.get("signature")
        if signature and _text_of(piece) and piece.get("signature") != signature:
            return False
        return not (self.padded and piece.get("data") and ours is None and theirs is None)

    def add(self, piece: JSONObject) -> None:
        for name, value in piece.items():
            if name in (*_THOUGHTS, "data") and isinstance(value, str):
                text = self.texts.get(name)
                if text is None:
                    text = self.texts[name] = Text()
                    self.fields[name] = ""
                text.append(value)
                self.padded = self.padded or (name == "data" and value.endswith("="))
            elif name not in self.fields or (value is not None and value != ""):
                self.fields[name] = value

    @property
    def text(self) -> str:
        return "".join(str(self.texts[name]) for name in _THOUGHTS if name in self.texts)

    def build(self) -> JSONObject:
        texts = {name: str(text) for name, text in self.texts.items()}
        return {**deep_copy(self.fields), **texts}


class AudioBuilder:
    """The audio of a choice so far."""

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

    def build(self) -> ChatCompletionAudio:
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


def _text_of(piece: JSONObject) -> str:
    """Return the text of a piece of a block."""
    return "".join(text for name in _THOUGHTS if isinstance(text := piece.get(name), str))
