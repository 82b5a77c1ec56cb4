# Items and parts so far: what was stated of them, and the texts that come in pieces.
#
# What always holds here:
# - What states a whole overrides what was joined from pieces. But what is empty or missing says
#   nothing, and overrides nothing.
# - An index from the wire is a key, never a length. What is listed stands in the order of its keys.

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import chain
from operator import itemgetter
from typing import Any, Final, TypeAlias, TypeVar

import msgspec
from msgspec.structs import replace

from ssekit._deltas import ToolCall
from ssekit._fold import Text, deep_copy
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

    __slots__ = ("contradicted",)

    def __init__(self) -> None:
        super().__init__()
        self.contradicted = False

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
        if self.contradicted or not whole.startswith(known):
            self.contradicted = True
            return ""
        return whole[len(known) :]


class PartBuilder:
    """A part of an item's content, or of its summary, so far."""

    __slots__ = ("_annotations", "_latest", "logprobs", "part", "text")

    def __init__(self, part: ContentPart) -> None:
        self.part = part
        self.text = StreamedText()
        self.logprobs: list[Logprob] = []
        self._annotations: dict[int, JSONObject] = {}
        self._latest = -1

    def annotate(self, index: int | None, annotation: JSONObject) -> None:
        # One without an index comes after the one that came before it.
        self._latest = self._latest + 1 if index is None else index
        self._annotations[self._latest] = annotation

    def join(self, part: PartBuilder) -> None:
        """Take what stands beside the text of a part that goes on with this one."""
        self.logprobs += part.logprobs
        for annotation in in_order(part._annotations):
            self.annotate(None, annotation)

    def state(self, part: ContentPart) -> str:
        """Take what is said of the whole part, which is of the same type; return what it adds."""
        self.part = part
        if isinstance(part, ResponseOutputText):
            if part.annotations:
                self._annotations = dict(enumerate(part.annotations))
                self._latest = len(part.annotations) - 1
            if part.logprobs:
                self.logprobs = list(part.logprobs)
        return self.text.state(text_of(part))

    def view(self) -> ContentPart:
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
    """The content of an item, or its summary, so far: parts by their index and their type."""

    __slots__ = ("_counted", "_open", "_parts", "_stray", "_stray_text")

    def __init__(self) -> None:
        self._parts: dict[tuple[int, type[Any]], PartBuilder] = {}
        # Of each type, those of which no whole was stated.
        self._open: defaultdict[type[Any], dict[int, PartBuilder]] = defaultdict(dict)
        # The part that a whole text was stated of at another index, and that text; and of which
        # kinds such may come: who numbers pieces does so from the first on.
        self._stray: PartBuilder | None = None
        self._stray_text = ""
        self._counted: tuple[type[Any], ...] = (ResponseOutputText, ReasoningText)

    def __iter__(self) -> Iterator[PartBuilder]:
        return (self._parts[key] for key in sorted(self._parts, key=itemgetter(0)))

    def __bool__(self) -> bool:
        return bool(self._parts)

    def at(self, index: int, kind: type[Any]) -> PartBuilder:
        """Return the part of a type at an index, which is made if it is not there."""
        part = self._parts.get((index, kind))
        if part is None:
            part = self._parts[index, kind] = PartBuilder(kind())
        if not part.text:
            self._open[kind][index] = part
        return part

    def whole_at(self, index: int, kind: type[Any], whole: str) -> PartBuilder:
        """Return the part that a whole text is stated of.

        vLLM gives each piece an index of its own, and yet another to the whole of them.
        """
        part = self._parts.get((index, kind))
        if part is None and whole:
            part = self._elsewhere(kind, whole)
        if part is None:
            part = self.at(index, kind)
        if whole:
            self._open[kind].pop(index, None)
        return part

    def _elsewhere(self, kind: type[Any], whole: str) -> PartBuilder | None:
        """Return the part that the pieces at other indices make, if this is the whole of them."""
        if self._stray is not None and self._stray_text == whole:
            return self._stray
        if kind not in self._counted:
            return None
        parts = in_order(self._open[kind])
        indices = sorted(self._open.pop(kind))
        pieces = "".join(part.text.join() for part in parts)
        if not pieces:
            for part in parts:
                part.text.take()  # so that it is open again with its next piece
            return None
        if not whole.startswith(join_surrogates(pieces)):
            self._counted = tuple(each for each in self._counted if each is not kind)
            return None
        first, *others = parts
        first.text.take()
        first.text.append(pieces)
        for index, part in zip(indices[1:], others, strict=True):
            first.join(part)
            del self._parts[index, kind]
        self._stray, self._stray_text = first, whole
        return first

    def state(self, parts: list[ContentPart]) -> None:
        """Take all parts: there are no others."""
        keys = [(index, type(part)) for index, part in enumerate(parts)]
        known = self._parts
        self._parts = {key: known.get(key) or PartBuilder(key[1]()) for key in keys}
        self._open.clear()
        self._stray = None
        for key, part in zip(keys, parts, strict=True):
            self._parts[key].state(part)

    def view(self) -> list[ContentPart]:
        return [part.view() for part in self]


class CommandOutputBuilder:
    """What a command gave so far."""

    __slots__ = ("stated", "stderr", "stdout")

    def __init__(self, stated: list[ShellCallOutputContent] | None = None) -> None:
        self.stated = stated
        self.stdout = Text()
        self.stderr = Text()

    def view(self) -> list[ShellCallOutputContent]:
        if self.stated is None:
            return [ShellCallOutputContent(stdout=str(self.stdout), stderr=str(self.stderr))]
        return [deep_copy(content) for content in self.stated]


class ItemBuilder:
    """An output item so far.

    Attributes:
        item: What was stated of it.
        text: The field that comes in pieces: arguments, input, code, diff.
        given: Arguments that the call began with. Some hosts begin with `{}`, or with all of them,
            and send them in pieces then: they count if no piece comes.
        place: Of a tool call, where it stands among the tool calls; None of anything else.
        announced, handed: Whether deltas have told of the tool call, and given it whole.
        contradicted: The kinds of text of which a whole said something else than the pieces did.
        added, done: Whether the item was stated, and not only made for what was said of it; and
            whether it was stated whole.
    """

    __slots__ = (
        "_call",
        "added",
        "announced",
        "commands",
        "content",
        "contradicted",
        "done",
        "given",
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
        self.done = False
        self.given = ""
        self.text = StreamedText()
        self.content = PartsBuilder()
        self.summary = PartsBuilder()
        self.commands: dict[int, StreamedText] = {}
        self.outputs: dict[int, CommandOutputBuilder] = {}
        self.contradicted: set[type[Any]] = set()

    def begin_with(self, item: ResponseOutputItem) -> list[Addition]:
        """Take what is said of an item that begins."""
        if not isinstance(item, ResponseFunctionToolCall) or not item.arguments or self.text:
            return self.state(item)
        self.given = item.arguments
        return self.state(replace(item, arguments=""))

    def append(self, piece: str) -> str:
        """Take a piece of the text, and return what is to be told."""
        if not piece:
            return ""
        if self.given and not is_json(self.given):
            piece = self.given + piece
        self.given = ""
        self.text.append(piece)
        return piece

    def keep_given(self) -> str:
        """Take what the call began with as its arguments, and return what is to be told."""
        given, self.given = self.given, ""
        if given:
            self.text.append(given)
        return given

    def state(self, item: ResponseOutputItem) -> list[Addition]:
        """Take what is said of the whole item, which is of the same type; return what it adds."""
        self.added = True
        if isinstance(item, UnknownItem) or isinstance(self.item, UnknownItem):
            self.item = item
            return []
        self.item = stated(self.item, item)
        additions: list[Addition] = []
        if isinstance(item, ResponseOutputMessage | ResponseReasoningItem):
            additions += self._state_parts(item)
        if type(item) in STREAMED:
            additions.append((type(item), self.state_text(getattr(item, STREAMED[type(item)]))))
        if isinstance(item, ResponseApplyPatchToolCall) and item.operation is not None:
            self.text.state(item.operation.diff)
        if isinstance(item, ResponseFunctionShellToolCall) and item.action is not None:
            for index, command in enumerate(item.action.commands):
                self.command(index).state(command)
        if isinstance(item, ResponseFunctionShellToolCallOutput) and item.output:
            self.outputs = {
                i: CommandOutputBuilder([content]) for i, content in enumerate(item.output)
            }
        return additions

    def _state_parts(self, item: ResponseOutputMessage | ResponseReasoningItem) -> list[Addition]:
        summary = item.summary if isinstance(item, ResponseReasoningItem) else []
        if not item.content and not summary:
            return []
        # What is not stated need not be looked at: it may be long.
        stated_parts = ((self.content, item.content), (self.summary, summary))
        fields = [field for field, parts in stated_parts if parts]
        known = self._said_in(*fields)
        if item.content:
            self.content.state(item.content)
        if summary:
            self.summary.state(summary)
        return self._added_to(known, self._said_in(*fields))

    def state_text(self, whole: str | None) -> str:
        """Take the whole text, and return what it adds to the pieces."""
        if whole:
            self.given = ""
        return self.text.state(whole)

    def spoken(self) -> dict[type[Any], str]:
        """Return what the parts say, by the kind of text that it is."""
        return self._said_in(self.content, self.summary)

    def _said_in(self, *fields: PartsBuilder) -> dict[type[Any], str]:
        texts: dict[type[Any], list[str]] = {}
        for part in chain.from_iterable(fields):
            kind = self.kind_of(type(part.part))
            texts.setdefault(kind, []).append(str(part.text))
            if part.text.contradicted:
                self.contradicted.add(kind)
        return {kind: "".join(pieces) for kind, pieces in texts.items()}

    def kind_of(self, part: type[Any]) -> type[Any]:
        """Return the kind of text that a part has: what a reasoning item says is no answer."""
        if part is ResponseOutputText and isinstance(self.item, ResponseReasoningItem):
            return ReasoningText
        return part

    def _added_to(
        self, known: dict[type[Any], str], spoken: dict[type[Any], str]
    ) -> list[Addition]:
        """Return what the parts say beyond what they said before."""
        additions: list[Addition] = []
        for kind, text in spoken.items():
            before = known.get(kind, "")
            if not text.startswith(before):
                self.contradicted.add(kind)
            if kind not in self.contradicted:
                additions.append((kind, text[len(before) :]))
        return additions

    def command(self, index: int) -> StreamedText:
        return self.commands.setdefault(index, StreamedText())

    def call(self) -> ToolCall:
        """Return the tool call as it stands: one object as long as nothing is new in it."""
        assert self.place is not None
        text = str(self.text) or self.given
        call = ToolCall(0, self.place, self.item.call_id, self.item.name, text)
        if call != self._call:
            self._call = call
        assert self._call is not None
        return self._call

    def view(self) -> ResponseOutputItem:
        item = self.item
        if isinstance(item, UnknownItem):
            return UnknownItem(well_formed(item))
        item = deep_copy(item)
        changes: dict[str, Any] = {}
        if self.content:
            changes["content"] = self.content.view()
        if self.summary:
            changes["summary"] = self.summary.view()
        if self.text and isinstance(item, ResponseApplyPatchToolCall):
            changes["operation"] = replace(
                item.operation or ApplyPatchOperation(), diff=str(self.text)
            )
        elif self.text or self.given:
            changes[STREAMED[type(item)]] = str(self.text) or self.given
        if self.commands and isinstance(item, ResponseFunctionShellToolCall):
            commands = [str(command) for command in in_order(self.commands)]
            changes["action"] = replace(item.action or ShellCallAction(), commands=commands)
        if self.outputs:
            outputs = in_order(self.outputs)
            changes["output"] = [content for output in outputs for content in output.view()]
        view: ResponseOutputItem = replace(item, **changes)
        return view


def text_of(part: ContentPart) -> str:
    """Return what a part says; nothing, if nobody knows what it is."""
    if isinstance(part, UnknownPart):
        return ""
    return part.refusal if isinstance(part, ResponseOutputRefusal) else part.text
