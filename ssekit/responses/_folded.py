# Items and parts so far: what was stated of them, and the texts that come in pieces.
#
# What always holds here:
# - What states a whole overrides what was joined from pieces. But what is empty or missing says
#   nothing, and overrides nothing.
# - An index from the wire is a key, never a length. What is listed stands in the order of its keys.

from __future__ import annotations

from typing import Any, Final, TypeAlias, TypeVar

import msgspec
from msgspec.structs import replace

from ssekit._deltas import ToolCall
from ssekit._fold import Text, own
from ssekit._lenient import well_formed
from ssekit.responses._items import (
    ApplyPatchOperation,
    ContentPart,
    Logprob,
    Loose,
    McpCall,
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

StructT = TypeVar("StructT", bound=msgspec.Struct)
FoldedT = TypeVar("FoldedT")

# What an item that states itself adds to what was said of it: which part (or which call), and what.
Addition: TypeAlias = tuple[type[Any], str]

# The field of an item that comes in pieces. (Of a patch, it is `operation.diff`.)
STREAMED: Final[dict[type[Any], str]] = {
    ResponseFunctionToolCall: "arguments",
    ResponseCustomToolCall: "input",
    McpCall: "arguments",
    ResponseCodeInterpreterToolCall: "code",
}
CALLS: Final = (ResponseFunctionToolCall, ResponseCustomToolCall)


def stated(known: StructT, latest: StructT) -> StructT:
    """Return `known` with what `latest` says; what is empty there says nothing."""
    changes = {}
    for name in latest.__struct_fields__:
        value = getattr(latest, name)
        if value or value == 0 or getattr(known, name) is None:
            changes[name] = value
    return replace(known, **changes)


def in_order(folded: dict[int, FoldedT]) -> list[FoldedT]:
    return [folded[index] for index in sorted(folded)]


class StreamedText(Text):
    """A text that comes in pieces, and may then be stated whole."""

    __slots__ = ("_contradicted",)

    def __init__(self) -> None:
        super().__init__()
        self._contradicted = False

    def state(self, whole: str | None) -> str:
        """Take the whole text, and return what it adds to the pieces.

        Once it says something else than the pieces did, nothing that is added can be told.
        """
        if not whole:
            return ""
        known = str(self)
        self.take()
        self.append(whole)  # which is held once, also where the pieces were the same
        if whole == known:
            return ""
        if self._contradicted or not whole.startswith(known):
            self._contradicted = True
            return ""
        return whole[len(known) :]


class FoldedPart:
    """A part of an item's content, or of its summary, so far."""

    __slots__ = ("_annotations", "_latest", "logprobs", "part", "text")

    def __init__(self, part: ContentPart) -> None:
        self.part = part
        self.text = StreamedText()
        self.logprobs: list[Logprob] = []
        self._annotations: dict[int, Loose] = {}
        self._latest = -1

    def annotate(self, index: int | None, annotation: Loose) -> None:
        # One without an index comes after the one that came before it.
        self._latest = self._latest + 1 if index is None else index
        self._annotations[self._latest] = annotation

    def state(self, part: ContentPart) -> Addition:
        """Take what is said of the whole part, which is of the same type."""
        self.part = part
        if isinstance(part, UnknownPart):
            return UnknownPart, ""
        if isinstance(part, ResponseOutputRefusal):
            return ResponseOutputRefusal, self.text.state(part.refusal)
        if isinstance(part, ResponseOutputText):
            if part.annotations:
                self._annotations = dict(enumerate(part.annotations))
                self._latest = len(part.annotations) - 1
            if part.logprobs:
                self.logprobs = list(part.logprobs)
        return type(part), self.text.state(part.text)

    def view(self) -> ContentPart:
        part = self.part
        if isinstance(part, UnknownPart):
            return UnknownPart(well_formed(part))
        if isinstance(part, ResponseOutputRefusal):
            return ResponseOutputRefusal(refusal=str(self.text))
        if isinstance(part, ResponseOutputText):
            return ResponseOutputText(
                text=str(self.text),
                annotations=own(in_order(self._annotations)),
                logprobs=list(self.logprobs) or own(part.logprobs),
            )
        return type(part)(text=str(self.text))


class FoldedOutput:
    """What a command gave so far."""

    __slots__ = ("stated", "stderr", "stdout")

    def __init__(self, stated: list[ShellCallOutputContent] | None = None) -> None:
        self.stated = stated
        self.stdout = Text()
        self.stderr = Text()

    def view(self) -> list[ShellCallOutputContent]:
        if self.stated is None:
            return [ShellCallOutputContent(stdout=str(self.stdout), stderr=str(self.stderr))]
        return [own(content) for content in self.stated]


class FoldedItem:
    """An output item so far.

    Attributes:
        item: What was stated of it.
        text: The field that comes in pieces: arguments, input, code, diff.
        place: Of a tool call, where it stands among the tool calls; None of anything else.
        announced, handed: Whether deltas have told of the tool call, and given it whole.
        added: Whether the item was stated, and not only made for what was said of it.
    """

    __slots__ = (
        "_call",
        "added",
        "announced",
        "commands",
        "content",
        "handed",
        "item",
        "outputs",
        "place",
        "summary",
        "text",
    )

    def __init__(self, item: ResponseOutputItem, place: int | None) -> None:
        self.place = place
        self.announced = False
        self.handed = False
        self._call: ToolCall | None = None
        self.begin(item)

    def begin(self, item: ResponseOutputItem) -> None:
        self.item: Any = item  # which fields it has, its type tells
        self.added = False
        self.text = StreamedText()
        self.content: dict[int, FoldedPart] = {}
        self.summary: dict[int, FoldedPart] = {}
        self.commands: dict[int, StreamedText] = {}
        self.outputs: dict[int, FoldedOutput] = {}

    def state(self, item: ResponseOutputItem) -> list[Addition]:
        """Take what is said of the whole item, which is of the same type."""
        self.added = True
        if isinstance(item, UnknownItem) or isinstance(self.item, UnknownItem):
            self.item = item
            return []
        self.item = stated(self.item, item)
        additions: list[Addition] = []
        if isinstance(item, ResponseOutputMessage | ResponseReasoningItem):
            additions += self._state_parts(self.content, item.content)
        if isinstance(item, ResponseReasoningItem):
            additions += self._state_parts(self.summary, item.summary)
        if type(item) in STREAMED:
            whole = getattr(item, STREAMED[type(item)])
            additions.append((type(item), self.text.state(whole)))
        if isinstance(item, ResponseApplyPatchToolCall) and item.operation is not None:
            self.text.state(item.operation.diff)
        if isinstance(item, ResponseFunctionShellToolCall) and item.action is not None:
            for index, command in enumerate(item.action.commands):
                self.command(index).state(command)
        if isinstance(item, ResponseFunctionShellToolCallOutput) and item.output:
            self.outputs = {i: FoldedOutput([content]) for i, content in enumerate(item.output)}
        return additions

    def _state_parts(
        self, folded: dict[int, FoldedPart], parts: list[ContentPart] | None
    ) -> list[Addition]:
        if not parts:
            return []
        for index in folded.keys() - range(len(parts)):
            del folded[index]
        return [part_at(folded, i, type(part)).state(part) for i, part in enumerate(parts)]

    def command(self, index: int) -> StreamedText:
        return self.commands.setdefault(index, StreamedText())

    def call(self) -> ToolCall:
        """Return the tool call as it stands: one object as long as nothing is new in it."""
        assert self.place is not None
        call = ToolCall(0, self.place, self.item.call_id, self.item.name, str(self.text))
        if call != self._call:
            self._call = call
        assert self._call is not None
        return self._call

    def view(self) -> ResponseOutputItem:
        item = self.item
        if isinstance(item, UnknownItem):
            return UnknownItem(well_formed(item))
        item = own(item)
        changes: dict[str, Any] = {}
        if self.content:
            changes["content"] = [part.view() for part in in_order(self.content)]
        if self.summary:
            changes["summary"] = [part.view() for part in in_order(self.summary)]
        if self.text and isinstance(item, ResponseApplyPatchToolCall):
            changes["operation"] = replace(
                item.operation or ApplyPatchOperation(), diff=str(self.text)
            )
        elif self.text:
            changes[STREAMED[type(item)]] = str(self.text)
        if self.commands and isinstance(item, ResponseFunctionShellToolCall):
            commands = [str(command) for command in in_order(self.commands)]
            changes["action"] = replace(item.action or ShellCallAction(), commands=commands)
        if self.outputs:
            outputs = in_order(self.outputs)
            changes["output"] = [content for output in outputs for content in output.view()]
        view: ResponseOutputItem = replace(item, **changes)
        return view


def part_at(folded: dict[int, FoldedPart], index: int, kind: type[Any]) -> FoldedPart:
    """Return the part of a type at an index, which is made if it is not there."""
    part = folded.get(index)
    if part is None or type(part.part) is not kind:
        part = folded[index] = FoldedPart(kind())
    return part
