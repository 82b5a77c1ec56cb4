# Content blocks in progress.
#
# What always holds here:
# - Pieces (of a text, of reasoning, of the JSON text of an input) are joined when a block is read,
#   and an input is parsed then: never with each piece.
# - A block of unknown type accepts every delta. Its pieces are all of one type.
# - Making deltas of the shared vocabulary changes no answer.

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec.structs import replace

from ssekit._calls import BasePartBuilder
from ssekit._deltas import Delta, ReasoningDelta, TextDelta
from ssekit._fold import deep_copy
from ssekit._json import JSONObject, join_surrogates, parse_object
from ssekit._text import NO_TEXT, JSONText, Text
from ssekit.messages import _events as events
from ssekit.messages import _result as result
from ssekit.messages._result import ContentBlock, ToolUseBlock, UnknownBlock

# The deltas that are pieces, and the field that has the piece. (A text and reasoning have the same
# field in the block.)
_PIECE_FIELDS: Final[dict[Any, str]] = {
    events.TextDelta: "text",
    events.ThinkingDelta: "thinking",
    events.InputJSONDelta: "partial_json",
    events.CompactionContentBlockDelta: "content",
}
# The type of a piece, and the block that it begins where none accepts it.
IMPLIED: Final[dict[Any, type[Any]]] = {
    events.TextDelta: result.TextBlock,
    events.ThinkingDelta: result.ThinkingBlock,
    events.InputJSONDelta: ToolUseBlock,
    events.CompactionContentBlockDelta: result.CompactionBlock,
}
# The blocks that are calls.
CALLS: Final = {ToolUseBlock, result.ServerToolUseBlock, result.MCPToolUseBlock}
# The blocks, and the deltas that they accept, by the type of their pieces.
PIECE_TYPES: Final[dict[Any, Any]] = {
    **{kind: kind for kind in IMPLIED},
    **{block: kind for kind, block in IMPLIED.items()},
    **dict.fromkeys(CALLS, events.InputJSONDelta),
    events.CitationsDelta: events.TextDelta,
    events.SignatureDelta: events.ThinkingDelta,
}
_EMITTED_AS: Final[dict[Any, type[TextDelta | ReasoningDelta]]] = {
    events.TextDelta: TextDelta,
    events.ThinkingDelta: ReasoningDelta,
}


class BlockBuilder(BasePartBuilder, eq=False):
    """A content block in progress.

    Attributes:
        initial: The block as it began.
        again: Whether it is an earlier call once more, and no part of the answer.
        piece_type: The type of its pieces; None if it has none. (The first piece decides for a
            block of unknown type.)
    """

    initial: Any = None
    again: bool = False
    piece_type: Any = None
    # Other fields that deltas state, once there is one.
    _fields: JSONObject | None = None

    def continues(self, block: ContentBlock) -> bool:
        """Whether a start event at this index is of this block: repeated, or after its pieces."""
        return not self.ended and self.initial in (block, type(block)())

    def begin(self, block: ContentBlock) -> str:
        """Take the block of a start event, before which pieces may have come; return its piece."""
        self.initial = block
        self.piece_type = PIECE_TYPES.get(type(block))
        text = self._text_of(block)
        return self.own_pieces().begin(text) if text else ""

    def _text_of(self, block: Any) -> str:
        """Return the text of a block, which may come in pieces instead."""
        return getattr(block, _PIECE_FIELDS.get(self.piece_type, ""), None) or ""

    def _no_pieces(self) -> Text:
        return Text()

    def state(self, block: ContentBlock, *, last: bool) -> str:
        """Take the block once more, in a whole message; return the piece that it adds.

        `last` is whether no other block of its type follows. Else its text does not count: the rest
        may be in a later block. Nor does a text that contradicts the pieces.
        """
        for field in ("signature", "citations"):
            if getattr(block, field, None):
                self._fields = {field: deep_copy(getattr(block, field))} | (self._fields or {})
        text = self._text_of(block) if last else ""
        pieces = self.own_pieces()
        return pieces.add(pieces.take_rest(text) or "") if text else ""

    def accepts(self, delta: Any, *, here: bool) -> bool:
        """Whether a delta may belong to this block, at its index (`here`) or at another."""
        if self.ended and not here and type(delta) is not events.SignatureDelta:
            return False  # some gateways sign a block that has ended
        if isinstance(self.initial, UnknownBlock):
            return type(delta) not in _PIECE_FIELDS or self.piece_type in (None, type(delta))
        return self.piece_type is PIECE_TYPES[type(delta)]

    def add(self, delta: Any) -> str:
        """Take a delta that this block accepts; return its piece, or ""."""
        field = _PIECE_FIELDS.get(type(delta), "")
        piece: str = getattr(delta, field, None) or ""
        if field and self.piece_type is None:  # the first piece for a block of unknown type
            self.piece_type = type(delta)
            begun = self.initial.get(field)
            piece = (begun if isinstance(begun, str) else "") + piece
        piece = self.own_pieces().add(piece)
        if type(delta) is events.CitationsDelta:
            self._fields = self._fields or {}
            if "citations" not in self._fields:
                begun = msgspec.to_builtins(self.initial).get("citations")
                self._fields["citations"] = begun if isinstance(begun, list) else []
            self._fields["citations"].append(delta.citation)
        for field in ("signature", "encrypted_content"):
            if getattr(delta, field, None):
                self._fields = (self._fields or {}) | {field: getattr(delta, field)}
        return piece

    def deltas(self, piece: str | None) -> list[Delta]:
        """Return the deltas of the next piece of this block, or of its end (None)."""
        emitted_as = _EMITTED_AS.get(self.piece_type)
        return [emitted_as(0, piece)] if piece and emitted_as is not None else []

    def build(self) -> ContentBlock:
        fields = {} if self.pieces is NO_TEXT or not self.pieces else self._joined()
        if self._fields:
            fields |= deep_copy(self._fields)
        block: ContentBlock = deep_copy(self.initial, **fields)
        return block

    def _joined(self) -> JSONObject:
        """Return the field that came in pieces."""
        text = str(self.pieces)
        tree = parse_object(text) if self.piece_type is events.InputJSONDelta else None
        return {_PIECE_FIELDS[self.piece_type]: text} if tree is None else {"input": tree}


class CallBuilder(BlockBuilder):
    """A block with an input in progress: a call of a tool of the caller, or of the vendor."""

    def _no_pieces(self) -> Text:
        return JSONText()

    def _names(self) -> tuple[str, str]:
        return join_surrogates(self.initial.id), join_surrogates(self.initial.name)

    def continues(self, block: Any) -> bool:
        known, pieces, goes_on = self.initial, self.own_pieces(), False
        if type(block) is type(known) and not pieces.ended:
            if block.id and block.id == known.id:  # it may have ended too early
                goes_on = block.name.startswith(known.name)
            elif not self.ended:  # some hosts have an id once, or make a new one for each piece
                goes_on = block.name == known.name and bool(pieces or "" in (block.id, known.id))
        return goes_on or super().continues(block)

    def begin(self, block: Any) -> str:
        if self.initial is not None and self.initial.id:
            block = replace(block, id=self.initial.id)
        return super().begin(block)

    def _text_of(self, block: Any) -> str:
        # An empty input may be a placeholder.
        text = block.input and msgspec.json.encode(deep_copy(block.input)).decode()
        return text or block.partial_json or ""

    def _joined(self) -> JSONObject:
        return {"partial_json": None} | super()._joined()

    def state(self, block: ContentBlock, *, last: bool) -> str:
        pieces = self.own_pieces()
        return "" if pieces.ended else pieces.override(self._text_of(block))

    def accepts(self, delta: Any, *, here: bool) -> bool:
        if type(delta) is not events.InputJSONDelta:
            return False
        # Some gateways end a call too early, and send its input, or the rest, only then: at its
        # index, or at one that never began. A whole input accepts only itself, once more.
        pieces = self.own_pieces()
        is_open = here and not self.ended
        return is_open or not pieces.ended or pieces.repeats(delta.partial_json)

    def add(self, delta: Any) -> str:
        return self.own_pieces().add(delta.partial_json)

    def is_same(self, other: CallBuilder) -> bool:
        """Whether another call has the name and the input of this one."""
        theirs = str(other.pieces) or "{}"
        empty = theirs == "{}" and not str(self.pieces)
        same = self.initial.name == other.initial.name
        return same and (empty or self.pieces.repeats(theirs))

    def deltas(self, piece: str | None) -> list[Delta]:
        deltas = self.call_deltas(piece or "")
        if piece is None:
            deltas += self.end_deltas()
        return deltas
