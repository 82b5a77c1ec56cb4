# Content blocks so far: what they began with, and what they go on with.
#
# What always holds here:
# - What comes in pieces (a text, reasoning, the JSON text of an input) is joined when it is looked
#   at, and an input is parsed then: never with a piece.
# - A block of unknown type takes what a known one would: pieces of one field, and what is stated.

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec.structs import replace

from ssekit._deltas import Delta, ReasoningDelta, TextDelta, ToolCall, ToolCallDelta
from ssekit._fold import Text, deep_copy, merge_fields
from ssekit._json import JSONObject, join_surrogates, parse_object
from ssekit.messages import _events as events
from ssekit.messages._result import (
    CompactionBlock,
    ContentBlock,
    MCPToolUseBlock,
    ServerToolUseBlock,
    TextBlock,
    ThinkingBlock,
    ToolUseBlock,
    UnknownBlock,
)

# Which blocks a delta goes on; the first is made if there is none.
HOMES: Final[dict[type[Any], tuple[type[Any], ...]]] = {
    events.TextDelta: (TextBlock,),
    events.CitationsDelta: (TextBlock,),
    events.ThinkingDelta: (ThinkingBlock,),
    events.SignatureDelta: (ThinkingBlock,),
    events.InputJSONDelta: (ToolUseBlock, ServerToolUseBlock, MCPToolUseBlock),
    events.CompactionContentBlockDelta: (CompactionBlock,),
}

# The deltas that are pieces of a text: which of their fields, and which field of the block.
PIECES: Final[dict[type[Any], tuple[str, str]]] = {
    events.TextDelta: ("text", "text"),
    events.ThinkingDelta: ("thinking", "thinking"),
    events.InputJSONDelta: ("partial_json", "input"),
}
_TAKES: Final = {block: delta for delta in PIECES for block in HOMES[delta]}


class BlockBuilder:
    """A content block so far.

    Attributes:
        block: What it began with.
        implied: Whether its pieces alone said so far that it began.
        takes: Of which deltas it has pieces. (A block of unknown type: those that came first.)
        pieces: The pieces.
        place: Of a tool call of the caller's, where it stands among them; None of anything else.
        closed: Whether the block is whole.
        handed: Whether deltas have given the tool call whole.
    """

    __slots__ = ("_call", "_stated", "block", "closed", "handed", "implied", "pieces", "place",
                 "takes")  # fmt: skip

    def __init__(self, block: ContentBlock, place: int | None) -> None:
        self.place = place
        self.takes = _TAKES.get(type(block))
        self.pieces = Text()
        self.begin(block)
        self.closed = False
        self.handed = False
        # What was stated of other fields since.
        self._stated: JSONObject = {}
        self._call: ToolCall | None = None

    def begin(self, block: ContentBlock) -> None:
        """Take what the block begins with; pieces of it may have come already."""
        self.block: Any = block  # which fields it has, its type tells
        self.implied = False
        if self.takes in (events.TextDelta, events.ThinkingDelta):
            self.pieces.append(getattr(block, PIECES[self.takes][1]))

    def opening(self) -> list[Delta]:
        """Return what the block says with what it began with."""
        if self.place is not None:
            return [self.call_delta("")]
        if self.takes in (events.TextDelta, events.ThinkingDelta):
            return self.piece_deltas(self._known(PIECES[self.takes][1]))
        return []

    def goes_on_with(self, kind: type[Any]) -> bool:
        """Whether a delta of a type is of this block."""
        if not isinstance(self.block, UnknownBlock):
            return type(self.block) in HOMES[kind]
        if kind not in PIECES:
            return True
        self.takes = self.takes or kind  # Its first piece tells.
        return self.takes is kind

    def add(self, delta: Any) -> None:
        """Take a delta of this block."""
        if type(delta) in PIECES:
            piece = getattr(delta, PIECES[type(delta)][0])
            if piece:
                self.pieces.append(piece)
        elif isinstance(delta, events.CitationsDelta):
            if delta.citation is not None:
                self._citations().append(delta.citation)
        elif isinstance(delta, events.SignatureDelta):
            merge_fields(self._stated, {"signature": delta.signature or None})
        else:
            content, encrypted = delta.content, delta.encrypted_content
            merge_fields(self._stated, {"content": content, "encrypted_content": encrypted})

    def _citations(self) -> list[JSONObject]:
        if "citations" not in self._stated:
            known = self._known("citations")
            self._stated["citations"] = list(known) if isinstance(known, list) else []
        citations: list[JSONObject] = self._stated["citations"]
        return citations

    def _known(self, field: str) -> Any:
        """Return what the block began with in a field."""
        block = self.block
        return block.get(field) if isinstance(block, UnknownBlock) else getattr(block, field)

    def call(self) -> ToolCall:
        """Return the tool call as it stands: one object as long as nothing is new in it."""
        whole = self.call_delta(self._arguments())
        call = ToolCall(whole.index, whole.place, whole.id, whole.name, whole.arguments)
        if self._call is None or call != self._call:
            self._call = call
        return self._call

    def hand_over(self) -> list[Delta]:
        """Return the tool call, and its arguments before it if no pieces told them."""
        self.handed = True
        call = self.call()
        told = self.pieces or not call.arguments
        return [call] if told else [self.call_delta(call.arguments), call]

    def piece_deltas(self, piece: str) -> list[Delta]:
        """Return what a piece of this block says."""
        if not piece:
            return []
        if self.takes is events.TextDelta:
            return [TextDelta(0, piece)]
        if self.takes is events.ThinkingDelta:
            return [ReasoningDelta(0, piece)]
        return [] if self.place is None else [self.call_delta(piece)]

    def call_delta(self, piece: str) -> ToolCallDelta:
        """Return a piece of the tool call, as deltas tell it."""
        assert self.place is not None
        call_id, name = join_surrogates(self.block.id), join_surrogates(self.block.name)
        return ToolCallDelta(0, self.place, call_id, name, piece)

    def _arguments(self) -> str:
        # What a block began with is the whole input if no pieces came; but {} says nothing yet.
        if not self.pieces and (self.closed or self.block.input):
            return msgspec.json.encode(deep_copy(self.block.input)).decode()
        return str(self.pieces)

    def view(self) -> ContentBlock:
        changes = {**self._joined(), **deep_copy(self._stated)}
        if isinstance(self.block, UnknownBlock):
            return UnknownBlock({**deep_copy(self.block), **changes})
        view: ContentBlock = replace(deep_copy(self.block), **changes)
        return view

    def _joined(self) -> JSONObject:
        """Return the fields that came in pieces."""
        if self.takes is None or not self.pieces:
            return {}
        text = str(self.pieces)
        if self.takes is events.InputJSONDelta:
            tree = parse_object(text)
            return {"partial_json": text} if tree is None else {"input": tree}
        field = PIECES[self.takes][1]
        if isinstance(self.block, UnknownBlock):
            # Its own text was no piece.
            known = self._known(field)
            text = (join_surrogates(known) if isinstance(known, str) else "") + text
        return {field: text}
