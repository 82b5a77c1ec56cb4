# Content blocks in progress, and which of them a delta belongs to.
#
# What always holds here:
# - Pieces (of a text, of reasoning, of the JSON text of an input) are joined when a block is read,
#   and an input is parsed then: never with each piece.
# - A block of unknown type accepts every delta. Its pieces are all of one type.
#
# How it works: a builder keeps the block of the start event, and what deltas add to it. The deltas
# of the shared vocabulary have methods of their own, which change no answer. A delta belongs to the
# open block at its index, if that block accepts its type. A delta without an index belongs to the
# open block without an index, or else to the one that went on last, among the blocks that accept
# its type.

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from ssekit._accumulator import are_whole
from ssekit._deltas import Delta, FinishReason, ReasoningDelta, TextDelta, ToolCall, ToolCallDelta
from ssekit._fold import NO_TEXT, JSONText, Text, deep_copy
from ssekit._json import JSONObject, is_json, join_surrogates, parse_object
from ssekit.messages import _events as events
from ssekit.messages import _result as result
from ssekit.messages._result import ContentBlock, UnknownBlock

# Makes deltas of the latest event, before the next.
DeltaMaker: TypeAlias = Callable[[], list[Delta]]

CallT = TypeVar("CallT", ToolCall, ToolCallDelta)

# The blocks that accept a delta. If none is open, the delta begins a block of the first type.
ACCEPTED_BY: Final[dict[type[Any], tuple[type[Any], ...]]] = {
    events.TextDelta: (result.TextBlock,),
    events.CitationsDelta: (result.TextBlock,),
    events.ThinkingDelta: (result.ThinkingBlock,),
    events.SignatureDelta: (result.ThinkingBlock,),
    events.InputJSONDelta: (result.ToolUseBlock, result.ServerToolUseBlock, result.MCPToolUseBlock),
    events.CompactionContentBlockDelta: (result.CompactionBlock,),
}

# The deltas that are pieces, and the field that has the piece. (A text and reasoning have the same
# field in the block.)
_PIECE_FIELDS: Final[dict[type[Any], str]] = {
    events.TextDelta: "text",
    events.ThinkingDelta: "thinking",
    events.InputJSONDelta: "partial_json",
    events.CompactionContentBlockDelta: "content",
}
_PIECE_TYPES: Final = {block: kind for kind in _PIECE_FIELDS for block in ACCEPTED_BY[kind]}
_TEXT_FIELDS: Final[dict[type[Any], str]] = {
    result.TextBlock: "text",
    result.ThinkingBlock: "thinking",
    result.CompactionBlock: "content",
}
EMITTED_AS: Final[dict[Any, type[TextDelta | ReasoningDelta]]] = {
    events.TextDelta: TextDelta,
    events.ThinkingDelta: ReasoningDelta,
}

_NO_FIELDS: Final[JSONObject] = {}

# How many blocks are tried for a delta without an index, and calls for one without a block.
MAX_TRIED: Final = 16


class BlockBuilder:
    """A content block in progress.

    Attributes:
        initial: The block as it began.
        ended: Whether it has ended.
        implied: Whether the block began with a delta, and its start event has not come.
        index: Its index in the stream.
        piece_type: The type of its pieces; None if it has none. (The first piece decides for a
            block of unknown type.)
        pieces: The pieces.
    """

    __slots__ = ("_fields", "ended", "implied", "index", "initial", "piece_type", "pieces")

    def __init__(self) -> None:
        self.initial: Any = None
        self.ended = self.implied = False
        self.index: Any = None
        self.piece_type: Any = None
        self.pieces: Text = NO_TEXT
        self._fields = _NO_FIELDS  # other fields that deltas state

    def begin(self, block: ContentBlock) -> list[DeltaMaker]:
        """Take the block of a start event, and return what makes its deltas.

        Pieces may have come before it.
        """
        self.initial = block
        self.implied = False
        self.piece_type = _PIECE_TYPES.get(type(block))
        text = self._whole_of(block)
        if not text:
            return []
        self.own_pieces().append(text)
        return [partial(self.piece_deltas, text)]

    def _whole_of(self, block: ContentBlock) -> str:
        """Return the text of a block, in the place of which pieces may come."""
        field = _TEXT_FIELDS.get(type(block))
        return (getattr(block, field) if field is not None else None) or ""

    def own_pieces(self) -> Text:
        """Return the pieces, to which others may be added."""
        if self.pieces is NO_TEXT:
            self.pieces = Text()
        return self.pieces

    def end(self) -> list[DeltaMaker]:
        """Take the end of the block, and return what makes its deltas."""
        self.ended = True
        return []

    def state(self, block: ContentBlock, *, last: bool) -> list[DeltaMaker]:
        """Take the block once more, in a whole message, and return what makes its deltas.

        `last` is whether no other block of its type follows: that may have the rest of the text.
        """
        text = self._whole_of(block) if last else ""
        return [partial(self.piece_deltas, self.own_pieces().state(text))] if text else []

    def accepts(self, kind: type[Any] | None) -> bool:
        """Whether a delta of a type, or a stop (None), may belong to this block."""
        if kind is None:
            return True
        if isinstance(self.initial, UnknownBlock):
            if kind not in _PIECE_FIELDS:
                return True
            self.piece_type = self.piece_type or kind
            return self.piece_type is kind
        return type(self.initial) in ACCEPTED_BY[kind]

    def add(self, delta: Any) -> str:
        """Take a delta that this block accepts; return its piece, or ""."""
        field = _PIECE_FIELDS.get(type(delta))
        piece: str = (getattr(delta, field) if field is not None else None) or ""
        if piece:
            self.own_pieces().append(piece)
        if type(delta) is events.CitationsDelta and delta.citation is not None:
            self._citations().append(delta.citation)
        for field in ("signature", "encrypted_content"):
            if getattr(delta, field, None):
                self._fields = self._fields | {field: getattr(delta, field)}
        return piece

    def _citations(self) -> list[JSONObject]:
        if "citations" not in self._fields:
            initial = self._initial("citations")
            begun = list(initial) if isinstance(initial, list) else []
            self._fields = self._fields | {"citations": begun}
        citations: list[JSONObject] = self._fields["citations"]
        return citations

    def piece_deltas(self, piece: str) -> list[Delta]:
        """Return the deltas of a piece of this block."""
        emitted_as = EMITTED_AS.get(self.piece_type)
        return [emitted_as(0, piece)] if piece and emitted_as is not None else []

    def build(self) -> ContentBlock:
        """Return the block so far."""
        fields = self._joined()
        if self._fields:
            fields |= deep_copy(self._fields)
        block: ContentBlock = deep_copy(self.initial, **fields)
        return block

    def _joined(self) -> JSONObject:
        """Return the field that came in pieces."""
        if not self.pieces:
            return {}
        text = str(self.pieces)
        if self.piece_type is events.InputJSONDelta:
            tree = parse_object(text)
            return {"partial_json": text} if tree is None else {"input": tree}
        field = _PIECE_FIELDS[self.piece_type]
        if isinstance(self.initial, UnknownBlock):  # whose beginning is no piece
            initial = self._initial(field)
            text = (join_surrogates(initial) if isinstance(initial, str) else "") + text
        return {field: text}

    def _initial(self, field: str) -> Any:
        block = self.initial
        return block.get(field) if isinstance(block, UnknownBlock) else getattr(block, field)


def _json_of(block: Any) -> str:
    """Return the JSON text of an input; "" for an empty one, which may be a placeholder."""
    return msgspec.json.encode(deep_copy(block.input)).decode() if block.input else ""


class InputBuilder(BlockBuilder):
    """A block with an input in progress, which the vendor or the caller is to answer."""

    __slots__ = ()

    def own_pieces(self) -> JSONText:
        if not isinstance(self.pieces, JSONText) or self.pieces is NO_TEXT:
            self.pieces = JSONText()
        return self.pieces

    def begin(self, block: ContentBlock) -> list[DeltaMaker]:
        super().begin(block)
        if self.initial.input:
            self.own_pieces().begin(_json_of(block))
        return []

    def state(self, block: ContentBlock, *, last: bool) -> list[DeltaMaker]:
        if self.is_whole:
            return []
        return [partial(self.piece_deltas, self.own_pieces().override(_json_of(block)))]

    @property
    def is_whole(self) -> bool:
        """Whether the input is whole JSON: no piece goes on from there."""
        return self.own_pieces().ended

    def add(self, delta: Any) -> str:
        if self.ended and self.is_whole:
            return ""  # a call that was emitted stays as it was
        piece: str = delta.partial_json
        return self.own_pieces().add(piece)


class CallBuilder(InputBuilder):
    """A `tool_use` block in progress: a tool call that the caller is to answer.

    Attributes:
        place: Position among the tool calls; None while only pieces have come, without a start.
    """

    __slots__ = ("_call", "_emitted", "place")

    def __init__(self) -> None:
        super().__init__()
        self.place: int | None = None
        self._call: ToolCall | None = None
        self._emitted = False

    def begin(self, block: ContentBlock) -> list[DeltaMaker]:
        so_far = self.pieces.join() if self.place is None else ""
        super().begin(block)
        return [partial(self.piece_deltas, so_far, begins=True)]

    def repeats(self, block: Any, index: int | None) -> bool:
        """Whether a block that begins is this call once more: at its index, or all of it."""
        if self.initial.name not in ("", block.name):
            return False
        return index in (None, self.index) or self.own_pieces().repeats(_json_of(block) or "{}")

    def is_same(self, other: CallBuilder) -> bool:
        """Whether another call has the name and the input of this one."""
        mine, theirs = self.own_pieces(), str(other.pieces) or "{}"
        empty = theirs == "{}" and not (mine or mine.initial)
        return bool(self.initial.name == other.initial.name and (empty or mine.repeats(theirs)))

    def goes_on(self, piece: str) -> bool:
        """Whether a piece may be one of this call: not yet whole, or all of it once more."""
        return not self.is_whole or self.own_pieces().repeats(piece)

    def end(self) -> list[DeltaMaker]:
        super().end()
        return [self._end_deltas]

    def piece_deltas(self, piece: str, *, begins: bool = False) -> list[Delta]:
        named = self.place is not None
        return [self._make(ToolCallDelta, piece)] if named and (piece or begins) else []

    def _end_deltas(self) -> list[Delta]:
        # Without any arguments, the reason for the end of the message decides.
        whole = not self._emitted and self.place is not None and is_json(str(self.pieces))
        return self._emit() if whole else []

    def finish(self, reason: FinishReason | None) -> list[Delta]:
        """Take the end of the message, and the reason for it."""
        whole = not self._emitted and are_whole(str(self.pieces), reason)
        return self._emit() if whole else []

    def _emit(self) -> list[Delta]:
        """Return the whole call, and its arguments before it if they did not come in pieces."""
        self._emitted = True
        initial = self.own_pieces().flush()
        call = self.call()
        if not initial and not self.pieces:
            initial = call.arguments
        return [self._make(ToolCallDelta, initial), call] if initial else [call]

    def call(self) -> ToolCall:
        """Return the call so far: the same object as long as nothing is new in it."""
        # A call that ended without arguments has the empty object.
        arguments = str(self.pieces) or ("{}" if self.ended else "")
        call = self._make(ToolCall, arguments)
        if self._call is None or call != self._call:
            self._call = call
        return self._call

    def _make(self, kind: type[CallT], arguments: str) -> CallT:
        call_id, name = join_surrogates(self.initial.id), join_surrogates(self.initial.name)
        return kind(0, self.place or 0, call_id, name, arguments)


class OpenBlocks(dict[int | None, BlockBuilder]):
    """The open blocks by their indices; the one under None began without an index."""

    __slots__ = ("_ended", "_recent", "_signable")

    def __init__(self) -> None:
        super().__init__()
        # The indices of the blocks that went on last. Some may have ended.
        self._recent: deque[int | None] = deque(maxlen=MAX_TRIED)
        # The blocks that have ended, but may be signed. The one that ended last stands last.
        self._signable: dict[int | None, BlockBuilder] = {}
        # The blocks that ended last, at each index.
        self._ended: dict[int | None, BlockBuilder] = {}

    def open(self, index: int | None, block: BlockBuilder) -> None:
        """Add a block that begins."""
        block.index = index
        block.own_pieces()
        self[index] = block
        self._ended.pop(index, None)
        self._recent.append(index)

    def close(self, block: BlockBuilder) -> None:
        """Remove a block that ends."""
        del self[block.index]
        self._ended[block.index] = block
        if block.accepts(events.SignatureDelta):
            self._signable.pop(block.index, None)
            self._signable[block.index] = block

    def find(self, index: int | None, kind: type[Any] | None) -> BlockBuilder | None:
        """Return the block that a delta of a type, or a stop (None), belongs to."""
        block = self._accepting(index, kind)
        if block is None and kind is events.InputJSONDelta:
            # A gateway may end a call when the next begins, and only then go on with its input.
            ended = self._ended.get(index)
            block = ended if isinstance(ended, InputBuilder) and not ended.is_whole else None
        block = block or self._find_other(index, kind)
        if block is None and kind is events.SignatureDelta:
            # Some gateways sign a block that has ended, and may leave its index out.
            latest = next(reversed(self._signable), None)
            block = self._signable.get(latest if index is None else index)
        return block

    def _find_other(self, index: int | None, kind: type[Any] | None) -> BlockBuilder | None:
        """Return the open block at another index that the delta or the stop belongs to."""
        if index is None:
            return self._find_recent(kind)
        unplaced = self._accepting(None, kind)
        if unplaced is not None and index not in self:
            # The start had no index, but the delta has one.
            self.open(index, self.pop(None))
            return unplaced
        # A delta may be at the index of a block that has ended, or of one that accepts others; a
        # piece of an input, at an index where no block is.
        other = index in self or index in self._ended or kind is events.InputJSONDelta
        late = other and kind not in (None, events.SignatureDelta)
        block = self._find_recent(kind) if late else None
        return None if isinstance(block, InputBuilder) and block.is_whole else block

    def _accepting(self, index: int | None, kind: type[Any] | None) -> BlockBuilder | None:
        """Return the open block at an index, if it accepts the type."""
        block = self.get(index)
        return block if block is not None and block.accepts(kind) else None

    def _find_recent(self, kind: type[Any] | None) -> BlockBuilder | None:
        for index in reversed(self._recent):
            block = self._accepting(index, kind)
            if block is not None:
                self._recent.remove(index)
                self._recent.append(index)
                return block
        return None
