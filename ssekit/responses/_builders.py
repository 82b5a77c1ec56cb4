# Items in progress: what events have stated of each, and the texts that come in pieces.
#
# How it works:
# - An event that has an item calls `state` of its builder. An event with a piece of a text adds to
#   the text of a part, of the item itself, or of the output of a command.
# - `state`, `add` and `override` return what they add to the texts, of which deltas are made.
# - `build` makes the item of the answer: what was stated, with the texts as they are now.
#
# What always holds here:
# - A whole replaces pieces that it contradicts, unless it is their end. An empty or missing value
#   replaces nothing.
# - An index from the wire is a key, never a length. Lists are in the order of the keys.

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any, Final, TypeAlias

from msgspec.structs import replace

from ssekit._accumulator import are_whole
from ssekit._calls import BasePartBuilder
from ssekit._deltas import Delta, FinishReason
from ssekit._fold import deep_copy, merge
from ssekit._text import JSONText, Text
from ssekit.responses import _result as result
from ssekit.responses._parts import Addition, PartsBuilder, in_order, kind_in, text_of
from ssekit.responses._result import ResponseOutputItem, UnknownItem
from ssekit.responses._tables import PARTS, Kind

# The field of an item that comes in pieces. (For a patch, it is `operation.diff`.)
_STREAMED: Final[dict[Kind, str]] = {
    result.ResponseFunctionToolCall: "arguments",
    result.ResponseCustomToolCall: "input",
    result.McpCall: "arguments",
    result.ResponseCodeInterpreterToolCall: "code",
}
_FIELDS: Final = ("content", "summary")  # those with parts, in the order of their texts
_WITH_JSON: Final = (result.ResponseFunctionToolCall, result.McpCall)
CALLS: Final = (result.ResponseFunctionToolCall, result.ResponseCustomToolCall)


# The whole output of a shell command, or the pieces of its stdout and of its stderr.
CommandOutput: TypeAlias = list[result.ShellCallOutputContent] | tuple[Text, Text]


class ItemBuilder(BasePartBuilder, eq=False):
    """An output item.

    Attributes:
        item: What events have stated so far, merged. Its texts may be older than the builder's.
        is_stated: Whether an event had the item itself. Else only pieces of it have come.
        done_item: The item of the event that ended it.
        outputs: The outputs of shell commands, by the index of the command.
    """

    item: Any  # its type determines the fields
    is_stated: bool = False
    done_item: ResponseOutputItem | None = None
    outputs: dict[int, CommandOutput] | None = None
    _has_whole_text: bool = False
    # The parts, by the field that they are in. (Like `outputs`, this is made when it is first used:
    # an item of an event may be no more than `{}`.)
    _parts: dict[str, PartsBuilder] | None = None

    def _no_pieces(self) -> Text:
        return JSONText() if isinstance(self.item, _WITH_JSON) else Text()

    def _names(self) -> tuple[str, str]:
        return self.item.call_id, self.item.name

    def _arguments(self) -> str:
        return str(self.pieces)

    def parts_at(self, event: Any, kind: Kind) -> tuple[PartsBuilder, int]:
        """Return the parts among which an event has one of some type, and the index of that."""
        field, index = PARTS[kind]
        return self.parts(field), getattr(event, index)

    def parts(self, field: str) -> PartsBuilder:
        self._parts = self._parts or {}
        if field not in self._parts:
            self._parts[field] = PartsBuilder(type(self.item))
        return self._parts[field]

    def has_come(self, done: bool) -> bool:
        """Whether an event had the item itself: at its end, or (unless `done`) at its beginning."""
        return self.ended or (self.is_stated and not done)

    def repeats(self, item: ResponseOutputItem) -> bool:
        """Whether an item of this type is this tool call once more, whatever ids it has."""
        if not isinstance(item, CALLS) or item.name != self.item.name:
            return False
        text = own_text(item)
        return self.pieces.repeats(text) if text else self.ended

    def state(self, item: ResponseOutputItem, *, begins: bool = False) -> list[Addition]:
        """Take an item, begun or whole, of the same type; return what it adds to the texts."""
        self.is_stated = True
        if isinstance(item, UnknownItem):
            self.item = item
            return []
        known, self.item = self.item, merge(self.item, item)
        if self.ended and isinstance(item, CALLS):  # the call may have been emitted
            self.item = replace(self.item, call_id=known.call_id or self.item.call_id)
        if type(item) in _STREAMED:
            text = own_text(item)
            added = self.own_pieces().begin(text) if begins else self.override(text)
            return [(type(item), added)]
        if type(item) is result.ResponseApplyPatchToolCall and item.operation is not None:
            self.override(item.operation.diff)
        if item == self.done_item:  # stated again, it takes no later piece away
            return []
        return [
            addition
            for field in _FIELDS
            if (parts := getattr(item, field, None))
            for addition in self.parts(field).state(parts, begins=begins)
        ]

    def texts(self) -> Iterable[tuple[Kind, Text]]:
        """Return the texts of the parts, each after its type."""
        known = self._parts
        if not known:
            return ()
        return chain.from_iterable(known[field].texts() for field in _FIELDS if field in known)

    @property
    def is_call(self) -> bool:
        """Whether the item is a tool call, and not only pieces of an item without a name."""
        return type(self.item) in CALLS and (self.is_stated or bool(self.item.name))

    @property
    def answers_calls(self) -> bool:
        return any(kind is result.ResponseOutputText and text.size() for kind, text in self.texts())

    def override(self, whole: str | None) -> str:
        """Take the whole text; return what it adds. A call that was emitted whole stays so."""
        if not whole or self._emitted:
            return ""
        self._has_whole_text = True
        return self.own_pieces().override(whole)

    def holds(self, whole: str) -> bool:
        """Whether a whole text is that of this item, or of one of its latest parts."""
        fields = (self._parts or {}).values() if whole else ()
        held = self.pieces.equals(whole) or any(parts.holds(whole) for parts in fields)
        return bool(whole) and held

    def add(self, piece: str) -> str:
        """Take a piece of the text; return what it adds. A call that was emitted whole stays so.

        So do arguments that are whole: a gateway sends a last brace after them.
        """
        if self._emitted or (self._has_whole_text and self.pieces.ended):
            return ""
        return self.own_pieces().add(piece)

    def update(self, **ids: str) -> None:
        """Take the call_id and the name of a call, which some events have beside its arguments."""
        if isinstance(self.item, result.ResponseFunctionToolCall):
            self.item = replace(self.item, **ids)

    def done_deltas(self) -> list[Delta]:
        """Return the deltas of a tool call whose item is done, and the call if it is whole.

        Arguments that are no JSON may be cut off. So may the input of a custom tool, unless its
        status is "completed".
        """
        if self.place is None or self._emitted:
            return []
        if isinstance(self.pieces, JSONText) and str(self.pieces):
            return self._end_deltas(self.has_json())
        return self._end_deltas(self._status == "completed")

    def last_deltas(self, reason: FinishReason | None, *, last: bool = True) -> list[Delta]:
        """Return the deltas of a tool call at the end of the answer: `last` of all calls or not."""
        if self._emitted:
            return []
        if isinstance(self.item, _WITH_JSON):
            return self._end_deltas(are_whole(str(self.pieces), reason))
        return self._end_deltas(reason in ("stop", "tool_calls") or not last)

    def _end_deltas(self, complete: bool) -> list[Delta]:
        if complete and self._status != "incomplete":
            return self.whole_deltas()
        return self.call_deltas(self.pieces.flush())

    @property
    def _status(self) -> str:
        return (self.item.status or "").lower()

    def build(self) -> ResponseOutputItem:
        item = self.item
        if isinstance(item, UnknownItem):
            copied: UnknownItem = deep_copy(item)
            return copied
        text = str(self.pieces)
        changes: dict[str, Any] = {}
        if type(item) is result.ResponseFunctionShellToolCall:
            action = item.action or result.ShellCallAction()
            if self._parts and not action.commands:
                commands = [str(part.text) for part in self._parts["commands"]]
                changes["action"] = deep_copy(action, commands=commands)
        else:
            changes = {field: parts.build() for field, parts in (self._parts or {}).items()}
        if text and type(item) is result.ResponseApplyPatchToolCall:
            operation = item.operation or result.ApplyPatchOperation()
            changes["operation"] = deep_copy(operation, diff=text)
        elif text or self._emitted:
            changes[_STREAMED[type(item)]] = text
        if self.outputs and not self.item.output:
            changes["output"] = list(chain.from_iterable(map(_contents, in_order(self.outputs))))
        built: ResponseOutputItem = deep_copy(item, **changes)
        return built


def _contents(output: CommandOutput) -> list[result.ShellCallOutputContent]:
    if isinstance(output, list):
        return list(map(deep_copy, output))
    return [result.ShellCallOutputContent(stdout=str(output[0]), stderr=str(output[1]))]


def own_text(item: ResponseOutputItem) -> str:
    """Return the field of an item that comes in pieces; "" if it has none."""
    text: str | None = getattr(item, _STREAMED.get(type(item), ""), None)
    return text or ""


def texts_of(item: ResponseOutputItem) -> list[Addition]:
    """Return the texts of the parts of an item, each after its type."""
    parts = chain.from_iterable(getattr(item, field, None) or () for field in _FIELDS)
    return [(kind_in(type(item), part), text_of(part)) for part in parts]
