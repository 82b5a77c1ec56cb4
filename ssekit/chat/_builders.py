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

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final

from msgspec import Struct, to_builtins
from msgspec.structs import astuple, replace

from ssekit._accumulator import are_whole, shared_reason
from ssekit._choices import BaseChoiceBuilder
from ssekit._deltas import Delta
from ssekit._fold import copy_fields, deep_copy, merge_fields
from ssekit._json import JSONObject
from ssekit._text import JSONText, Text
from ssekit.chat import _result as result
from ssekit.chat._calls import ToolCallBuilder, ToolCallPiece, ToolCallTable
from ssekit.chat._chunk import ChoiceDelta, ChoiceDeltaToolCall, ChoiceLogprobs

# The texts of a message.
TEXTS: Final = ("content", "refusal", "reasoning", "reasoning_content", "reasoning_text")
# The texts of objects that come in pieces: those with the reasoning, and all.
_THOUGHTS: Final = ("text", "summary", "thinking", "thought")
JOINED: Final = (*_THOUGHTS, "data", "transcript", "arguments")
# The types of such objects, other than blocks of the reasoning.
_KINDS: Final = {"audio": result.ChatCompletionAudio, "function_call": result.FunctionCall}
_EMPTY: Final[Any] = ({}, [])


class ChoiceBuilder(BaseChoiceBuilder):
    """One choice so far.

    Attributes:
        message: The parts of the message but for the tool calls, by field. A new one is a text.
        reasoning_field: The field of the reasoning that came first. The view and the deltas are of
            this one, because some routers send the same text in two.
    """

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.message: defaultdict[str, Any] = defaultdict(Text, content=self.text)
        self.reasoning_field = ""
        self._stated = 0  # characters of the content that came in messages
        self._table: ToolCallTable | None = None

    @property
    def calls(self) -> list[ToolCallBuilder]:
        return [] if self._table is None else self._table.calls

    # Adding the fields of a delta.

    def delta_of_message(self, message: ChoiceDelta, beside: ChoiceDelta) -> ChoiceDelta:
        """Return what is new in a whole message, with all of its calls.

        The delta `beside` the message has nothing but blank content.

        Proxies stream a whole answer as one message, and MiniMax ends a stream with it. Higress
        sends each piece in a message of its own: so where all content came in messages, one that
        does not begin with it has the next piece.
        """
        known = {field: None for field, part in self.message.items() if part}
        rests = {
            field: self.message[field].take_rest(getattr(message, field)) or None for field in TEXTS
        }
        content, size = message.content or "", self.text.size()
        if size == self._stated:
            # (A long text need not be joined for a short one.)
            if 2 * len(content) < size or not str(self.text).startswith(content):
                rests["content"] = rests["content"] or content
            self._stated += len(rests["content"] or "")
        rests["content"] = rests["content"] or beside.content
        return replace(message, **(known | rests))

    def add_reasoning(self, field: str, piece: str) -> None:
        self.reasoning_field = self.reasoning_field or field
        self.message[field].append(piece)

    def add_object(self, field: str, piece: Struct) -> None:
        """Add a piece of an object, unless nothing is in it (as in each chunk of Tencent's)."""
        if any(astuple(piece)):
            self.message.setdefault(field, ObjectBuilder(_KINDS[field])).add(to_builtins(piece))

    def add_blocks(self, field: str, pieces: list[JSONObject]) -> None:
        """Add pieces of typed objects: of the reasoning, of tools that the host ran."""
        for piece in pieces:
            known = self.message.setdefault(field, [])
            if not known or not known[-1].continues(piece):
                known.append(ObjectBuilder())
            known[-1].add(piece)
        if not self.reasoning_field and field != "executed_tools" and text_of(pieces):
            self.reasoning_field = field

    def add_tool_calls(
        self, calls: Iterable[ChoiceDeltaToolCall], *, whole: bool
    ) -> list[ToolCallPiece]:
        """Add pieces of calls, or calls that are `whole`, of which some may have come before.

        Return the pieces that are of a call.
        """
        pieces = []
        table = self._table = self._table or ToolCallTable(self.index)
        merges = whole and bool(table.calls)
        identified = merges and not table.unidentified
        for call in calls:
            name = arguments = None
            custom, function = call.custom, call.function
            is_custom = custom is not None and bool(custom.name or custom.input)
            if custom is not None and is_custom:
                name, arguments = custom.name, custom.input
            elif function is not None:
                name, arguments = function.name, function.arguments
            # Mistral's SDK writes an absent id as "null", and a gateway an absent name.
            id_ = call.id if call.id and call.id != "null" else ""
            name = name if name and name != "null" else ""
            if merges:
                # Only an id shows which call it is: without ids, nothing is added.
                begun = table.by_id.get(id_)
                if begun is not None:
                    name = "" if begun.name else name
                    arguments = begun.arguments.take_rest(arguments)
                elif not (id_ and identified):
                    continue
            piece = table.add(call.index, id_, name, arguments or "", custom=is_custom)
            if piece is not None:
                pieces.append(piece)
                if call.extra_content is not None:
                    merge_fields(piece[0].extra_content, call.extra_content)
        return pieces

    def last_deltas(self) -> Iterator[Delta]:
        # Not before the end: a finish reason may come again, after another call (Google's hosts).
        for call in self.calls:
            initial = call.arguments.flush()
            if initial:
                yield call.delta(initial)
            if self._is_whole(call):
                yield call.build()
        yield from super().last_deltas()

    def _is_whole(self, call: ToolCallBuilder) -> bool:
        """Whether a call is not cut off, now that the choice has ended."""
        reason = shared_reason(self.finish_reason)
        if call.custom:
            return reason not in ("length", "content_filter") or call is not self.calls[-1]
        return are_whole(str(call.arguments), reason)

    # Building the result.

    def build(self) -> result.Choice:
        parts: dict[str, Any] = {"role": "assistant", "refusal": None}
        parts |= {field: _built(part) for field, part in self.message.items() if part not in _EMPTY}
        if "annotations" in parts:  # OpenRouter repeats a source in each chunk that mentions it
            unique = {repr(annotation): annotation for annotation in parts["annotations"]}
            parts["annotations"] = list(unique.values())
        parts["tool_calls"] = [_message_call(call) for call in self.calls] or None
        return result.Choice(
            index=self.index,
            message=result.ChatCompletionMessage(**parts),
            finish_reason=self.finish_reason,
            logprobs=ChoiceLogprobs(**copy_fields(self.logprobs)) if self.logprobs else None,
            **copy_fields(self.fields),
        )


def _built(part: Any) -> Any:
    """Return what a part of a message becomes."""
    if isinstance(part, Text):
        return str(part) if part else None
    if isinstance(part, list):
        return [_built(item) for item in part]
    return part.build() if isinstance(part, ObjectBuilder) else deep_copy(part)


class ObjectBuilder(Struct, eq=False):
    """An object that comes in pieces: a block of the reasoning, the audio, a call of a function."""

    kind: type[Any] = dict
    fields: JSONObject = {}

    def continues(self, piece: JSONObject) -> bool:
        """Whether a piece is of the same block of the reasoning as what came before it.

        Some models give every block index 0, so that consecutive pieces which are alike are one.
        """
        known, kind = self.fields, piece.get("type")
        if known.get("type") != kind or known.get("index") != piece.get("index"):
            return False
        ours, theirs = known.get("id"), piece.get("id")
        if ours is not None and theirs is not None and str(ours) != str(theirs):
            return False
        if piece.get("data") and known.get("data"):  # data comes whole
            return False
        # So does the tool of a step (Perplexity), which is named by its type and has no index.
        if type(kind) is str and type(piece.get(kind)) is dict and piece.get("index") is None:
            return False
        # A signature ends the text that it signs, unless each piece of the text has the same one.
        signature = known.get("signature")
        return not (signature and text_of([piece]) and piece.get("signature") != signature)

    def add(self, piece: JSONObject) -> None:
        for name, value in piece.items():
            known = self.fields.get(name)
            if name in JOINED and isinstance(value, str):
                if not isinstance(known, Text):
                    known = self.fields[name] = JSONText() if name == "arguments" else Text()
                known.add(value)
            elif name not in self.fields or not (
                value is None or value == "" or isinstance(known, Text)
            ):
                self.fields[name] = value

    def build(self) -> Any:
        texts = {name: str(part) for name, part in self.fields.items() if isinstance(part, Text)}
        return self.kind(**deep_copy({**self.fields, **texts}))


def _message_call(
    call: ToolCallBuilder,
) -> result.ChatCompletionMessageFunctionToolCall | result.ChatCompletionMessageCustomToolCall:
    called, extra = (call.name, str(call.arguments)), deep_copy(call.extra_content) or None
    if call.custom:
        custom = result.Custom(*called)
        return result.ChatCompletionMessageCustomToolCall(call.id, custom, extra)
    function = result.Function(*called)
    return result.ChatCompletionMessageFunctionToolCall(call.id, function, extra)


def text_of(pieces: list[JSONObject]) -> str:
    """Return the text of blocks of the reasoning, or of pieces of them."""
    texts = (piece.get(name) for piece in pieces for name in _THOUGHTS)
    return "".join(str(text) for text in texts if isinstance(text, (str, Text)))
