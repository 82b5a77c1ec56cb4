# Items in progress: what events have stated of each, and the texts that come in pieces.
#
# How it works:
# - An event that has an item calls `state` of its builder. An event with a piece of a text adds to
#   the text of a part, of the item itself, or of the output of a command.
# - `state` returns what it adds to the texts, of which deltas are made; `add` returns deltas.
# - `build` makes the item of the answer: what was stated, with the texts as they are now.
#
# What always holds here:
# - A whole replaces pieces that it contradicts, unless it is their end. An empty or missing value
#   replaces nothing.
# - An index from the wire is a key, never a length. Lists are in the order of the keys.

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Final, TypeAlias, TypeVar

import msgspec
from msgspec.structs import astuple, replace

from ssekit._accumulator import are_whole
from ssekit._deltas import Delta, FinishReason, ToolCall, ToolCallDelta
from ssekit._fold import NO_TEXT, JSONText, Text, deep_copy
from ssekit._json import is_json
from ssekit.responses._parts import Addition, PartsBuilder, in_order, join_texts, text_of
from ssekit.responses._result import (
    ApplyPatchOperation,
    ContentPart,
    McpCall,
    ReasoningText,
    ResponseApplyPatchToolCall,
    ResponseCodeInterpreterToolCall,
    ResponseCustomToolCall,
    ResponseFunctionShellToolCall,
    ResponseFunctionToolCall,
    ResponseOutputItem,
    ResponseOutputText,
    ResponseReasoningItem,
    ShellCallAction,
    ShellCallOutputContent,
    UnknownItem,
)
from ssekit.responses._tables import Kind

StructT = TypeVar("StructT", bound=msgspec.Struct)
ValueT = TypeVar("ValueT")

# The field of an item that comes in pieces. (For a patch, it is `operation.diff`.)
_STREAMED: Final[dict[Kind, str]] = {
    ResponseFunctionToolCall: "arguments",
    ResponseCustomToolCall: "input",
    McpCall: "arguments",
    ResponseCodeInterpreterToolCall: "code",
}
_FIELDS: Final = ("content", "summary")  # those with parts, in the order of their texts
_WITH_JSON: Final = (ResponseFunctionToolCall, McpCall)
_NO_KINDS: Final[frozenset[Kind]] = frozenset()
CALLS: Final = (ResponseFunctionToolCall, ResponseCustomToolCall)


def merge_nonempty(known: StructT, latest: StructT) -> StructT:
    """Return `known` with the fields of `latest` that are not empty. (0 and False are values.)"""
    if known is latest:
        return latest
    fields = zip(latest.__struct_fields__, astuple(latest), astuple(known), strict=True)
    changes = {
        name: new
        for name, new, old in fields
        if new is not None and (new or old is None or new == 0)
    }
    return replace(known, **changes)


# The whole output of a shell command, or the pieces of its stdout and of its stderr.
CommandOutput: TypeAlias = list[ShellCallOutputContent] | tuple[Text, Text]


# (A struct is made in a quarter of the time of a class, and is not visited by the collector.)
class ItemBuilder(msgspec.Struct, gc=False, eq=False):
    """An output item.

    Attributes:
        item: What events have stated so far, merged. Its texts may be older than the builder's.
        text: The field that comes in pieces: arguments, input, code, diff.
        place: Position among the tool calls; None for any other item, and for a call of which only
            pieces without a name have come.
        contradicted: The types of text of which a whole did not begin with the pieces.
        is_stated: Whether an event had the item itself. Else only pieces of it have come.
        done: Whether the event of the whole item has come.
        whole: The item of that event, if no other event of the item has come since then.
        outputs: The outputs of shell commands, by the index of the command.
        index: The index of the item on the wire; None if it has none.
        previous: The item before this one at its index.
    """

    item: Any  # its type determines the fields
    index: int | None = None
    previous: ItemBuilder | None = None
    place: int | None = None
    text: Text = NO_TEXT
    contradicted: frozenset[Kind] = _NO_KINDS
    is_stated: bool = False
    done: bool = False
    whole: ResponseOutputItem | None = None
    outputs: dict[int, CommandOutput] | None = None
    _call: ToolCall | None = None
    # Whether the first delta of the call was emitted, and the whole call.
    _started: bool = False
    _emitted: bool = False
    _size_read: int = -1  # the size of the arguments when they were read last, and were no JSON
    _has_whole_text: bool = False  # whether the whole text has come
    # The parts, by the field that they are in. (Like `outputs`, this is made when it is first used:
    # an item of an event may be no more than `{}`.)
    _parts: dict[str, PartsBuilder] | None = None

    def own_text(self) -> Text:
        """Return the text, to which pieces may be added."""
        if self.text is NO_TEXT:
            self.text = JSONText() if isinstance(self.item, _WITH_JSON) else Text()
        return self.text

    def parts(self, field: str) -> PartsBuilder:
        self._parts = self._parts or {}
        if field not in self._parts:
            self._parts[field] = PartsBuilder()
        return self._parts[field]

    def has_begun(self, whole: bool) -> bool:
        """Whether an event that begins the item, or has it `whole`, has come."""
        return self.done or (self.is_stated and not whole)

    def repeats(self, item: ResponseOutputItem) -> bool:
        """Whether an item is this tool call once more, begun or whole, whatever ids it has."""
        known: Any = self.item
        if item.type != known.type or not isinstance(item, CALLS) or item.name != known.name:
            return False
        text = own_text(item)
        whole = self.text.repeats if isinstance(self.text, JSONText) else self.text.is_whole
        return whole(text) if text else self.done

    def state(self, item: ResponseOutputItem, *, begins: bool = False) -> list[Addition]:
        """Take an item, begun or whole, of the same type; return what it adds to the texts."""
        self.is_stated = True
        if isinstance(item, UnknownItem):
            self.item = item
            return []
        known, self.item = self.item, merge_nonempty(self.item, item)
        if self.done and isinstance(item, CALLS):  # the call may have been emitted
            self.item = replace(self.item, call_id=known.call_id or self.item.call_id)
        if type(item) in _STREAMED:
            text = own_text(item)
            added = self.own_text().begin(text) if begins and text else self.override(text)
            return [(type(item), added)]
        if isinstance(item, ResponseApplyPatchToolCall) and item.operation is not None:
            self.override(item.operation.diff)
        return self._state_parts(item, begins)

    def _state_parts(self, item: ResponseOutputItem, begins: bool) -> list[Addition]:
        # Fields that the item lacks are not compared: they may be long.
        stated = {field: parts for field in _FIELDS if (parts := getattr(item, field, None))}
        if not stated:
            return []
        fit = all(self.parts(field).fits(parts) for field, parts in stated.items())
        known = {} if fit else join_texts(self._texts_in(stated))
        added = [
            piece
            for field, parts in stated.items()
            for piece in self.parts(field).state(parts, begins=begins)
        ]
        if fit:
            kinds = (kind_in(self.item, part) for part in chain.from_iterable(stated.values()))
            return list(zip(kinds, added, strict=True))
        additions: list[Addition] = []  # the texts are divided in another way
        for kind, text in join_texts(self._texts_in(stated)).items():
            before = known.get(kind, "")
            if not text.startswith(before):
                self.contradicted |= {kind}
            if kind not in self.contradicted:
                additions.append((kind, text[len(before) :]))
        return additions

    def texts(self) -> Iterable[Addition]:
        """Return the texts of the parts, each after its type."""
        return self._texts_in(_FIELDS) if self._parts else ()

    def _texts_in(self, fields: Iterable[str]) -> Iterator[Addition]:
        known = self._parts or {}
        for field in fields:
            for part in known.get(field, ()):
                if part.text is NO_TEXT:
                    continue
                kind = kind_in(self.item, part.part)
                if part.text.contradicted:
                    self.contradicted |= {kind}
                yield kind, str(part.text)

    @property
    def is_call(self) -> bool:
        """Whether the item is a tool call, and not only pieces of an item without a name."""
        return isinstance(self.item, CALLS) and (self.is_stated or bool(self.item.name))

    def override(self, whole: str | None) -> str:
        """Take the whole text; return what it adds. A call that was emitted whole stays so."""
        if not whole or self._emitted:
            return ""
        self._has_whole_text = True
        return self.own_text().override(whole)

    def holds(self, whole: str) -> bool:
        """Whether a whole text is that of this item, or of one of its latest parts."""
        fields = (self._parts or {}).values()
        return self.text.is_whole(whole) or any(parts.hold(whole) for parts in fields)

    def has_texts(self, wholes: list[str]) -> bool:
        """Whether whole texts are those of the parts, in their order."""
        texts = [part.text for field in (self._parts or {}).values() for part in field if part.text]
        return len(texts) == len(wholes) and all(map(Text.is_whole, texts, wholes))

    def call(self) -> ToolCall:
        """Return the tool call so far: one object as long as it does not change."""
        assert self.place is not None
        call = ToolCall(0, self.place, self.item.call_id, self.item.name, str(self.text))
        if self._call is None or self._call != call:
            self._call = call
        return self._call

    def add(self, piece: str) -> list[Delta]:
        """Take a piece of the text; return its delta. A call that was emitted whole stays so.

        So do arguments that are whole: a gateway sends a last brace after them.
        """
        ended = self._has_whole_text and isinstance(self.text, JSONText) and self.text.ended
        return [] if self._emitted or ended else self.call_deltas(self.own_text().add(piece))

    def call_deltas(self, piece: str, *, begins: bool = False) -> list[Delta]:
        """Return the delta of a piece of a tool call. The first has all of the text so far.

        It may be empty where the call begins or ends (`begins`). No other delta is.
        """
        if self.place is not None and not self._started:
            piece = self.text.join()
        if self.place is None or not (piece or (begins and not self._started)):
            return []
        self._started = True
        return [ToolCallDelta(0, self.place, self.item.call_id, self.item.name, piece)]

    def done_deltas(self) -> list[Delta]:
        """Return the deltas of a tool call whose item is done, and the call if it is whole.

        Arguments that are no JSON may be cut off. So may the input of a custom tool, unless its
        status is "completed".
        """
        if self.place is None or self._emitted:
            return []
        if isinstance(self.text, JSONText) and (self.text or self.text.initial):
            return self._end_deltas(self._has_json())
        return self._end_deltas(self._status == "completed")

    def _has_json(self) -> bool:
        """Whether the arguments are JSON. They are read anew only after they changed."""
        size = self.text.size()
        valid = size != self._size_read and is_json(str(self.text))
        if not valid:
            self._size_read = size
        return valid

    def last_deltas(self, reason: FinishReason | None, *, last: bool) -> list[Delta]:
        """Return the deltas of a tool call at the end of the answer: `last` of all calls or not."""
        if self._emitted:
            return []
        if isinstance(self.item, _WITH_JSON):
            return self._end_deltas(are_whole(str(self.text), reason))
        return self._end_deltas(reason in ("stop", "tool_calls") or not last)

    def _end_deltas(self, whole: bool) -> list[Delta]:
        self._emitted = whole and self._status != "incomplete"
        initial = self.text.flush() if isinstance(self.text, JSONText) else ""
        deltas = self.call_deltas(initial, begins=True)
        return [*deltas, self.call()] if self._emitted else deltas

    @property
    def _status(self) -> str:
        return (self.item.status or "").lower()

    def build(self) -> ResponseOutputItem:
        item = self.item
        if isinstance(item, UnknownItem):
            copy: UnknownItem = deep_copy(item)
            return copy
        text = str(self.text)
        changes: dict[str, Any] = {}
        if isinstance(item, ResponseFunctionShellToolCall):
            action = item.action or ShellCallAction()
            if self._parts and not action.commands:
                commands = [str(part.text) for part in self._parts["commands"]]
                changes["action"] = deep_copy(action, commands=commands)
        else:
            changes = {field: parts.build() for field, parts in (self._parts or {}).items()}
        if text and isinstance(item, ResponseApplyPatchToolCall):
            changes["operation"] = deep_copy(item.operation or ApplyPatchOperation(), diff=text)
        elif text or self._emitted:
            changes[_STREAMED[type(item)]] = text
        if self.outputs and not self.item.output:
            changes["output"] = list(chain.from_iterable(map(_contents, in_order(self.outputs))))
        built: ResponseOutputItem = deep_copy(item, **changes)
        return built


def _contents(output: CommandOutput) -> list[ShellCallOutputContent]:
    if isinstance(output, list):
        return list(map(deep_copy, output))
    return [ShellCallOutputContent(stdout=str(output[0]), stderr=str(output[1]))]


def kind_in(item: ResponseOutputItem, part: ContentPart) -> Kind:
    """Return the type of text that a part has: no text of a reasoning item is the answer's."""
    kind = type(part)
    reasons = kind is ResponseOutputText and isinstance(item, ResponseReasoningItem)
    return ReasoningText if reasons else kind


def own_text(item: ResponseOutputItem) -> str:
    """Return the field of an item that comes in pieces; "" if it has none."""
    text: str | None = getattr(item, _STREAMED.get(type(item), ""), None)
    return text or ""


def texts_of(item: ResponseOutputItem) -> Iterator[Addition]:
    """Yield the texts of the parts of an item, each after its type."""
    parts = (getattr(item, field, None) or () for field in _FIELDS)
    for part in chain.from_iterable(parts):
        yield kind_in(item, part), text_of(part)
