# Items and parts in progress: the latest whole of each, and the texts that come in pieces.
#
# How it works:
# - An event that has an item calls `begin` or `state` of its builder. An event with a piece of a
#   text adds to the text of a part, of the item itself, or of a command.
# - All of them return what they add to the texts: the deltas are made of that.
# - `build` makes the item of the answer: the latest whole, with the texts as they are now.
#
# What always holds here:
# - A whole replaces the pieces before it. But an empty or missing value replaces nothing.
# - An index from the wire is a key, never a length. Lists are in the order of the keys.

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain
from operator import itemgetter
from typing import Any, Final, TypeAlias, TypeVar

import msgspec
from msgspec.structs import replace

from ssekit._deltas import Delta, FinishReason, ToolCall, ToolCallDelta
from ssekit._fold import JSONText, Text, deep_copy
from ssekit._json import JSONObject, is_json, join_surrogates, well_formed
from ssekit.responses._result import (
    ApplyPatchOperation,
    ContentPart,
    Logprob,
    McpCall,
    ReasoningText,
    ResponseApplyPatchToolCall,
    ResponseCodeInterpreterToolCall,
    ResponseCustomToolCall,
    ResponseFunctionShellToolCall,
    ResponseFunctionShellToolCallOutput,
    ResponseFunctionToolCall,
    ResponseOutputItem,
    ResponseOutputMessage,
    ResponseOutputRefusal,
    ResponseOutputText,
    ResponseReasoningItem,
    ShellCallAction,
    ShellCallOutputContent,
    UnknownItem,
    UnknownPart,
)
from ssekit.responses._tables import Kind

StructT = TypeVar("StructT", bound=msgspec.Struct)
ValueT = TypeVar("ValueT")

# The type of a part, or of an item that has a text itself; and what is new in its text.
Addition: TypeAlias = tuple[Kind, str]

# The field of an item that comes in pieces. (For a patch, it is `operation.diff`.)
_STREAMED: Final[dict[Kind, str]] = {
    ResponseFunctionToolCall: "arguments",
    ResponseCustomToolCall: "input",
    McpCall: "arguments",
    ResponseCodeInterpreterToolCall: "code",
}
_WITH_JSON: Final = (ResponseFunctionToolCall, McpCall)
CALLS: Final = (ResponseFunctionToolCall, ResponseCustomToolCall)


def merge_nonempty(known: StructT, latest: StructT) -> StructT:
    """Return `known` with the fields of `latest` that are not empty. (0 and False are not.)"""
    changes = {}
    for name in latest.__struct_fields__:
        value = getattr(latest, name)
        if value or value == 0 or getattr(known, name) is None:
            changes[name] = value
    return replace(known, **changes)


def in_order(by_index: dict[int, ValueT]) -> list[ValueT]:
    return [by_index[index] for index in sorted(by_index)]


def join_texts(texts: Iterable[Addition]) -> dict[Kind, str]:
    """Return the texts of each type, joined."""
    by_kind: defaultdict[Kind, list[str]] = defaultdict(list)
    for kind, text in texts:
        by_kind[kind].append(text)
    return {kind: "".join(pieces) for kind, pieces in by_kind.items()}


class PartBuilder:
    """A part of an item's content, or of its summary."""

    __slots__ = ("_annotations", "_latest", "logprobs", "part", "text")

    def __init__(self, part: ContentPart) -> None:
        self.part = part
        self.text = Text()
        self.logprobs: list[Logprob] = []
        self._annotations: dict[int, JSONObject] = {}
        self._latest = -1

    def annotate(self, index: int | None, annotation: JSONObject) -> None:
        # An annotation without an index follows the latest one.
        self._latest = self._latest + 1 if index is None else index
        self._annotations[self._latest] = annotation

    def absorb(self, part: PartBuilder) -> None:
        """Take the annotations and log probabilities of a part whose text continues this one."""
        self.logprobs += part.logprobs
        for annotation in in_order(part._annotations):
            self.annotate(None, annotation)

    def state(self, part: ContentPart) -> str:
        """Take the whole part, which is of the same type; return what it adds to the text."""
        self.part = part
        if isinstance(part, ResponseOutputText):
            if part.annotations:
                self._annotations = dict(enumerate(part.annotations))
                self._latest = len(part.annotations) - 1
            if part.logprobs:
                self.logprobs = list(part.logprobs)
        return self.text.override(text_of(part))

    def build(self) -> ContentPart:
        part = self.part
        if isinstance(part, UnknownPart):
            return UnknownPart(well_formed(part))
        if isinstance(part, ResponseOutputRefusal):
            return ResponseOutputRefusal(refusal=str(self.text))
        if isinstance(part, ResponseOutputText):
            return ResponseOutputText(
                text=str(self.text),
                annotations=deep_copy(in_order(self._annotations)),
                logprobs=list(self.logprobs) or deep_copy(part.logprobs),
            )
        return type(part)(text=str(self.text))


class PartsBuilder:
    """The content of an item, or its summary: parts by index and type.

    vLLM numbers the pieces of a text: each has an index of its own, and their whole has yet another
    one. A whole at a new index is that of all open parts if it begins with their texts.
    """

    __slots__ = ("_joined", "_joined_whole", "_numbered", "_open", "_parts")

    def __init__(self) -> None:
        self._parts: dict[tuple[int, Kind], PartBuilder] = {}
        # For each type, the parts without a whole.
        self._open: defaultdict[Kind, dict[int, PartBuilder]] = defaultdict(dict)
        # The part that open parts were joined to, and the whole that they were joined for: other
        # events have that whole too.
        self._joined: PartBuilder | None = None
        self._joined_whole = ""
        # The types whose pieces may be numbered. A host numbers them from the first whole on.
        self._numbered: tuple[Kind, ...] = (ResponseOutputText, ReasoningText)

    def __iter__(self) -> Iterator[PartBuilder]:
        return (self._parts[key] for key in sorted(self._parts, key=itemgetter(0)))

    def __bool__(self) -> bool:
        return bool(self._parts)

    def goes_on_at(self, index: int, kind: Kind) -> PartBuilder:
        """Return the part that a piece belongs to: at its index, or an open one if that ended."""
        open_parts = self._open[kind]
        part = self._parts.get((index, kind))
        if part is not None and part.text and open_parts and index not in open_parts:
            return open_parts[next(reversed(open_parts))]
        return self.at(index, kind)

    def at(self, index: int, kind: Kind) -> PartBuilder:
        """Return the part of a type at an index, which is made if it is not there."""
        part = self._parts.get((index, kind))
        if part is None:
            part = self._parts[index, kind] = PartBuilder(kind())
        if not part.text:
            self._open[kind][index] = part
        return part

    def whole_at(self, index: int, kind: Kind, whole: str) -> PartBuilder:
        """Return the part that a whole text belongs to."""
        part = self._parts.get((index, kind))
        if part is None and whole:
            part = self._join_open(kind, whole)
        if part is None:
            part = self.at(index, kind)
        if whole:
            self._open[kind].pop(index, None)
        return part

    def _join_open(self, kind: Kind, whole: str) -> PartBuilder | None:
        """Join the open parts of a type, and return the one part, if this is their whole."""
        if self._joined is not None and self._joined_whole == whole:
            return self._joined
        if kind not in self._numbered:
            return None
        parts = in_order(self._open[kind])
        indices = sorted(self._open.pop(kind))
        pieces = "".join(part.text.join() for part in parts)
        if not pieces:
            for part in parts:
                part.text.take()  # so that the next piece opens it again
            return None
        if not whole.startswith(join_surrogates(pieces)):
            self._numbered = tuple(each for each in self._numbered if each is not kind)
            return None
        first, *others = parts
        first.text.take()
        first.text.append(pieces)
        for index, part in zip(indices[1:], others, strict=True):
            first.absorb(part)
            del self._parts[index, kind]
        self._joined, self._joined_whole = first, whole
        return first

    def state(self, parts: list[ContentPart]) -> None:
        """Take all of the parts: any other is dropped."""
        keys = [(index, type(part)) for index, part in enumerate(parts)]
        known = self._parts
        if len(known) == len(keys) == 1 and next(iter(known))[1] is keys[0][1]:
            known = {keys[0]: known.popitem()[1]}  # the only one, at whatever index
        self._parts = {key: known.get(key) or PartBuilder(key[1]()) for key in keys}
        self._open.clear()
        self._joined = None
        for key, part in zip(keys, parts, strict=True):
            self._parts[key].state(part)

    def build(self) -> list[ContentPart]:
        return [part.build() for part in self]


class CommandOutputBuilder:
    """The output of a shell command: the whole, or else its pieces."""

    __slots__ = ("stderr", "stdout", "whole")

    def __init__(self, whole: list[ShellCallOutputContent] | None = None) -> None:
        self.whole = whole
        self.stdout = Text()
        self.stderr = Text()

    def build(self) -> list[ShellCallOutputContent]:
        if self.whole is None:
            return [ShellCallOutputContent(stdout=str(self.stdout), stderr=str(self.stderr))]
        return [deep_copy(content) for content in self.whole]


class ItemBuilder:
    """An output item.

    Attributes:
        item: The latest whole. Its texts may be older than those of the builder.
        text: The field that comes in pieces: arguments, input, code, diff.
        place: Position among the tool calls; None for any other item, and for one that is no call
            yet: of which only pieces have come, without a name.
        contradicted: The types of text of which a whole did not begin with the pieces.
        is_stated: Whether an event had the item itself. Else only pieces of it have come.
        done: Whether the event of the whole item has come.
        unplaced: Whether the item has no index on the wire.
    """

    __slots__ = (
        *("_call", "_emitted", "_started", "commands", "content", "contradicted", "done"),
        *("is_stated", "item", "outputs", "place", "summary", "text", "unplaced"),
    )

    def __init__(self, item: ResponseOutputItem, *, unplaced: bool = False) -> None:
        self.place: int | None = None
        self.unplaced = unplaced
        self._call: ToolCall | None = None
        # Whether the first delta of the call was emitted, and the whole call.
        self._started = False
        self._emitted = False
        self._reset(item)

    def _reset(self, item: ResponseOutputItem) -> None:
        self.item: Any = item  # its type determines the fields
        self.done = False
        self.is_stated = False
        self.text = JSONText() if type(item) in _WITH_JSON else Text()
        self.content = PartsBuilder()
        self.summary = PartsBuilder()
        self.commands: defaultdict[int, Text] = defaultdict(Text)
        self.outputs: defaultdict[int, CommandOutputBuilder] = defaultdict(CommandOutputBuilder)
        self.contradicted: set[Kind] = set()

    def begin(self, item: ResponseOutputItem) -> list[Addition]:
        """Take an item that begins, which is of the same type; return what it adds to the texts.

        If it began before, all that came since then is dropped.
        """
        if self.is_stated:
            self._reset(type(item)())
        if not isinstance(item, _WITH_JSON) or self.text:
            return self.state(item)
        self.state(replace(item, arguments=""))
        return [(type(item), self.text.begin(item.arguments))]

    def repeats(self, item: ResponseOutputItem) -> bool:
        """Whether an item is this tool call once more, all of it."""
        if type(item) is not type(self.item) or not isinstance(item, CALLS):
            return False
        known: Any = self.item
        text = getattr(item, _STREAMED[type(item)])
        same = bool(item.call_id) and (item.call_id, item.name) == (known.call_id, known.name)
        return same and text != "" and str(self.text) == text

    def state(self, item: ResponseOutputItem) -> list[Addition]:
        """Take a whole item, which is of the same type; return what it adds to the texts."""
        self.is_stated = True
        if isinstance(item, UnknownItem):
            self.item = item
            return []
        self.item = merge_nonempty(self.item, item)
        if isinstance(item, ResponseOutputMessage):
            return self._state_parts((self.content, item.content))
        if isinstance(item, ResponseReasoningItem):
            return self._state_parts((self.content, item.content), (self.summary, item.summary))
        if type(item) in _STREAMED:
            return [(type(item), self.text.override(getattr(item, _STREAMED[type(item)])))]
        if isinstance(item, ResponseApplyPatchToolCall) and item.operation is not None:
            self.text.override(item.operation.diff)
        if isinstance(item, ResponseFunctionShellToolCall) and item.action is not None:
            for index, command in enumerate(item.action.commands):
                self.commands[index].override(command)
        if isinstance(item, ResponseFunctionShellToolCallOutput) and item.output:
            self.outputs.clear()
            for index, content in enumerate(item.output):
                self.outputs[index] = CommandOutputBuilder([content])
        return []

    def _state_parts(
        self, *wholes: tuple[PartsBuilder, list[ContentPart] | None]
    ) -> list[Addition]:
        # Fields without a whole are not compared: they may be long.
        stated = [(field, parts) for field, parts in wholes if parts]
        fields = [field for field, _ in stated]
        known = join_texts(self._texts_in(fields))
        for field, parts in stated:
            field.state(parts)
        additions: list[Addition] = []
        for kind, text in join_texts(self._texts_in(fields)).items():
            before = known.get(kind, "")
            if not text.startswith(before):
                self.contradicted.add(kind)
            if kind not in self.contradicted:
                additions.append((kind, text[len(before) :]))
        return additions

    def texts(self) -> Iterator[Addition]:
        """Yield the texts of the parts, each after its type."""
        return self._texts_in([self.content, self.summary])

    def _texts_in(self, fields: list[PartsBuilder]) -> Iterator[Addition]:
        for part in chain.from_iterable(fields):
            kind = self.kind_of(type(part.part))
            if part.text.contradicted:
                self.contradicted.add(kind)
            yield kind, str(part.text)

    @property
    def is_call(self) -> bool:
        """Whether the item is a tool call, and not only pieces of an item without a name."""
        return isinstance(self.item, CALLS) and (self.is_stated or bool(self.item.name))

    def has_text(self) -> bool:
        """Whether the item has a text of the answer."""
        return any(kind is ResponseOutputText and text for kind, text in self.texts())

    def kind_of(self, part: Kind) -> Kind:
        """Return the type of text that a part of this item has."""
        return _kind_in(self.item, part)

    def call(self) -> ToolCall:
        """Return the tool call so far: one object as long as it does not change."""
        assert self.place is not None
        call = ToolCall(0, self.place, self.item.call_id, self.item.name, str(self.text))
        if self._call is None or self._call != call:
            self._call = call
        return self._call

    def add(self, piece: str) -> list[Delta]:
        """Take a piece of the text; return its delta. A call that was emitted whole stays so."""
        return [] if self._emitted else self.call_deltas(self.text.add(piece))

    def call_deltas(self, piece: str, *, begins: bool = False) -> list[Delta]:
        """Return the delta of a piece of a tool call. The first has all so far.

        One that begins the call, or ends it, may be empty.
        """
        if self.place is not None and not self._started:
            piece = self.text.join()
        if self.place is None or not (piece or (begins and not self._started)):
            return []
        self._started = True
        return [ToolCallDelta(0, self.place, self.item.call_id, self.item.name, piece)]

    def done_deltas(self) -> list[Delta]:
        """Return the deltas of a tool call whose item is done, and the call if it is whole.

        What is no JSON may be cut off, and so may any other text without the word that it is not.
        """
        if self.place is None:
            return []
        text = str(self.text)
        if text and isinstance(self.text, JSONText):
            return self._end_deltas(whole=not self._is_cut and is_json(text))
        return self._end_deltas(whole=self._status == "completed")

    def last_deltas(self, reason: FinishReason | None, *, last: bool) -> list[Delta]:
        """Return the deltas of a tool call at the end of the answer. `last`: of all calls."""
        text = str(self.text)
        stopped = reason in ("stop", "tool_calls")  # a model may write what is no JSON
        if not isinstance(self.text, JSONText):
            whole = stopped or not last
        elif not text:
            whole = reason != "length"
        else:
            whole = stopped or is_json(text)
        return self._end_deltas(whole=whole and not self._is_cut)

    def _end_deltas(self, *, whole: bool) -> list[Delta]:
        if self._emitted:
            return []
        initial = self.text.flush() if isinstance(self.text, JSONText) else ""
        deltas = self.call_deltas(initial, begins=True)
        self._emitted = whole
        return [*deltas, self.call()] if whole else deltas

    @property
    def _status(self) -> str:
        return (self.item.status or "").lower()

    @property
    def _is_cut(self) -> bool:
        return self._status == "incomplete"

    def build(self) -> ResponseOutputItem:
        item = self.item
        if isinstance(item, UnknownItem):
            return UnknownItem(well_formed(item))
        item, text = deep_copy(item), str(self.text)
        changes: dict[str, Any] = {}
        if self.content:
            changes["content"] = self.content.build()
        if self.summary:
            changes["summary"] = self.summary.build()
        if text and isinstance(item, ResponseApplyPatchToolCall):
            changes["operation"] = replace(item.operation or ApplyPatchOperation(), diff=text)
        elif text:
            changes[_STREAMED[type(item)]] = text
        if self.commands and isinstance(item, ResponseFunctionShellToolCall):
            commands = [str(command) for command in in_order(self.commands)]
            changes["action"] = replace(item.action or ShellCallAction(), commands=commands)
        if self.outputs:
            outputs = in_order(self.outputs)
            changes["output"] = [content for output in outputs for content in output.build()]
        built: ResponseOutputItem = replace(item, **changes)
        return built


def _kind_in(item: ResponseOutputItem, part: Kind) -> Kind:
    """Return the type of text that a part has: no text of a reasoning item is the answer's."""
    if part is ResponseOutputText and isinstance(item, ResponseReasoningItem):
        return ReasoningText
    return part


def texts_of(item: ResponseOutputItem) -> Iterator[Addition]:
    """Yield the texts of the parts of an item, each after its type."""
    parts: list[ContentPart] = []
    if isinstance(item, ResponseOutputMessage):
        parts = item.content
    elif isinstance(item, ResponseReasoningItem):
        parts = [*(item.content or ()), *item.summary]
    for part in parts:
        yield _kind_in(item, type(part)), text_of(part)


def text_of(part: ContentPart) -> str:
    """Return the text of a part; "" for a part of unknown type."""
    if isinstance(part, UnknownPart):
        return ""
    return part.refusal if isinstance(part, ResponseOutputRefusal) else part.text
