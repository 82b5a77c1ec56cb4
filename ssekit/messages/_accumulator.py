# The fold of a stream of events into a `Message`.
#
# What always holds here:
# - A block is found by the index of the wire as long as it is open; without an index, it is the
#   latest that is open. What comes for an index where none is open, or where it does not fit,
#   begins another: nothing is lost, and a tool call that was handed over whole stays as it is.
# - Blocks stand in the order in which they began, so that text deltas join to the text.
# - null means absent, and "" never overwrites. Usage is cumulative: a field that comes again wins.

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar, Final, TypeVar

from msgspec.structs import replace

from ssekit._accumulator import FINISH_REASONS as SHARED_REASONS
from ssekit._compat import NOWHERE
from ssekit._deltas import (
    Delta,
    Finish,
    FinishReason,
    RefusalDelta,
    TextDelta,
    ToolCall,
    Usage,
)
from ssekit._errors import DecodeError
from ssekit._fold import SurrogateJoiner, deep_copy, merge
from ssekit._fragments import MERGE_AT
from ssekit._json import join_surrogates, parse_text
from ssekit.messages import _events as events
from ssekit.messages import _result as result
from ssekit.messages._builders import HOMES, PIECES, BlockBuilder
from ssekit.messages._events import (
    RawContentBlockDeltaEvent,
    RawMessageStopEvent,
    RawMessageStreamEvent,
)
from ssekit.messages._result import ContentBlock, Message, ToolUseBlock, UnknownBlock

ValueT = TypeVar("ValueT")

# The vendor's words for the end of a message (and those of other APIs, which gateways leave as they
# were), and the shared one; any other word is "other".
FINISH_REASONS: Final[dict[str, FinishReason]] = {
    **{word.lower(): reason for word, reason in SHARED_REASONS.items()},
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}

_COUNTS: Final = result.Usage.__struct_fields__

# Stands where no block is open. It takes nothing.
_NO_BLOCK: Final = BlockBuilder(UnknownBlock(), None)

# How many of the blocks that went on last are asked whether a delta without an index is theirs.
_ASKED: Final = 16

# What is said of the whole message, and what of that is said at its end.
_SAID_OF_ALL: Final = [
    name for name in Message.__struct_fields__ if name not in ("content", "usage")
]
_SAID_AT_THE_END: Final = [
    *("stop_reason", "stop_sequence", "stop_details", "container"),
    *("context_management", "input_transformations"),
]


class Accumulator:
    """Folds the events of one stream into a `Message`.

    The views are made when they are looked at. `text` joins all text blocks, `reasoning` all
    thinking blocks; `refusal` is the explanation that the vendor gives for one. `tool_calls` are
    the `tool_use` blocks, which the caller is to answer, and not the calls that the vendor makes
    (`server_tool_use`, `mcp_tool_use`). `arguments` are the JSON text as it came; of an input that
    stands in the block's start, its encoding.

    In `usage`, `input_tokens` are all of them: the vendor's `input_tokens`, and those that were
    read from the cache (`cached_tokens`) or written to it. `total_tokens` adds the output.
    """

    __slots__ = (
        *("_begun", "_blocks", "_calls", "_counted", "_index", "_latest", "_pending", "_message"),
        *("_newest", "_open", "_over", "_surrogates", "_said", "_thoughts"),
    )

    def __init__(self) -> None:
        # What the latest event said, beside a piece that it brought.
        self._said: list[Delta] = []
        # The index of the block that the latest event was a delta of.
        self._index: object = NOWHERE
        self._begin_message()

    def _begin_message(self) -> None:
        # What is said of the whole; its content is in the blocks.
        self._message = Message()
        self._begun = self._over = False
        self._counted: frozenset[str] = frozenset()  # the counts that a `message_delta` stated
        self._blocks: list[BlockBuilder] = []
        # Those of them that go on, by their indices (None: it had none), and the indices of those
        # that went on last; those that have ended, but may be signed yet; and those that are calls.
        self._open: dict[int | None, BlockBuilder] = {}
        self._newest: deque[int | None] = deque(maxlen=_ASKED)
        self._thoughts: dict[int | None, BlockBuilder] = {}
        self._calls: list[BlockBuilder] = []
        self._surrogates = SurrogateJoiner()
        self._turn_to(None)

    def add(self, event: RawMessageStreamEvent, /) -> bool:
        """Fold the next event in. Return True if it ends the stream.

        Raises:
            DecodeError: Another message begins before this one has ended. (A gateway whose
                connection broke may go on with a second answer in the same stream.)
        """
        if self._said:
            self._said = []
        if type(event) is RawContentBlockDeltaEvent:  # nearly all of a stream
            delta = event.delta
            if event.index != self._index:
                self._turn_to(event.index)
            if self._latest.takes is type(delta):
                # To know the place, and to append here, took 110 ns where finding it took 170.
                pending = self._pending
                if type(delta) is events.TextDelta:
                    pending.append(delta.text)
                elif type(delta) is events.ThinkingDelta:
                    pending.append(delta.thinking)
                elif type(delta) is events.InputJSONDelta and delta.partial_json:
                    pending.append(delta.partial_json)
                if len(pending) == MERGE_AT:
                    self._latest.pieces.compact()
                return False
        self._index = NOWHERE
        fold = self._FOLDS.get(type(event))
        if fold is not None:
            fold(self, event)
        return type(event) is RawMessageStopEvent

    def _turn_to(self, index: int | None) -> None:
        """Know the block that the latest delta was of."""
        self._index = index
        self._latest = self._open.get(index, _NO_BLOCK)
        self._pending = self._latest.pieces.pending

    # The message.

    def _fold_start(self, event: events.RawMessageStartEvent) -> None:
        begun = event.message
        if begun is None:
            begun = Message(id=event.id or "", model=event.model or "")
        if self._over:
            self._begin_message()
        elif self._begun:
            if begun.id and self._message.id and begun.id != self._message.id:
                raise DecodeError("another message begins before the one under way has ended")
            return  # Some gateways say it twice.
        self._begun = event.message is not None or bool(begun.id or begun.model)
        self._state(begun, _SAID_OF_ALL)
        self._add_usage(*_usages(begun, event))
        # A message may begin with the calls that code made, whole.
        for block in begun.content:
            self._close(self._begin(block))

    def _fold_delta(self, event: events.RawMessageDeltaEvent) -> None:
        self._fold_end(event, event.delta)
        usages = _usages(event, event.delta)
        for usage in usages:
            self._counted |= {name for name in _COUNTS if getattr(usage, name)}
        self._add_usage(*usages)

    def _fold_stop(self, event: RawMessageStopEvent) -> None:
        self._fold_end(event.message, event, event.delta)
        self._add_usage(*map(self._left_open, _usages(event.message, event, event.delta)))
        counted = event.amazon_bedrock_invocation_metrics
        if counted is not None and self.usage is None:
            spent, made = counted.input_token_count, counted.output_token_count
            self._add_usage(result.Usage(input_tokens=spent, output_tokens=made))
        for index in list(self._open):
            self._end_at(index)
        self._over = True

    def _left_open(self, usage: result.Usage) -> result.Usage:
        """Return what a usage says that no `message_delta` said, whose word goes before."""
        if self.usage is not None and not any(getattr(usage, name) for name in _COUNTS):
            return result.Usage()  # A gateway says that of nothing, though it has counted.
        return replace(usage, **dict.fromkeys(self._counted)) if self._counted else usage

    def _fold_end(self, *holders: Any) -> None:
        """Take what is said of the message's end, in each of the places where gateways say it."""
        for holder in holders:
            self._state(holder, _SAID_AT_THE_END)

    def _state(self, holder: Any, fields: Iterable[str]) -> None:
        """Take what is said of the whole message: what is null or empty says nothing."""
        stated = ((name, getattr(holder, name, None)) for name in fields)
        changes = {name: value for name, value in stated if value not in (None, "")}
        self._message = replace(self._message, **changes)

    def _add_usage(self, *usages: result.Usage) -> None:
        for usage in usages:
            self._message = replace(self._message, usage=merge(self._message.usage, usage))
        if self.usage is not None and any(map(_usage_view, usages)):
            self._said.append(self.usage)

    def _fold_error(self, event: events.ErrorEvent) -> None:
        self._over = True

    # Its blocks.

    def _fold_block_start(self, event: events.RawContentBlockStartEvent) -> None:
        block, known = event.content_block, self._open.get(event.index)
        if block is None:
            return
        if known is not None and known.implied and type(known.block) is type(block):
            known.begin(block)  # Its first pieces came before.
            self._said += known.opening()
        elif known is None or known.block != block:  # Some gateways say it twice.
            self._begin_at(event.index, block)

    def _fold_block_delta(self, event: RawContentBlockDeltaEvent) -> None:
        kind = type(event.delta)
        if kind not in HOMES:
            return
        index = self._place_of(event.index, kind)
        folded = self._open.get(index)
        if (folded is None or not folded.goes_on_with(kind)) and kind is events.SignatureDelta:
            # Some gateways sign what has ended, and may leave the index out.
            latest = next(reversed(self._thoughts), None)
            folded = self._thoughts.get(latest if event.index is None else index)
        if folded is None or not folded.goes_on_with(kind):
            folded = self._begin_at(index, HOMES[kind][0]())
            folded.implied = True
        folded.add(event.delta)
        self._latest = folded

    def _fold_block_stop(self, event: events.RawContentBlockStopEvent) -> None:
        self._end_at(self._place_of(event.index, None))

    def _place_of(self, index: int | None, kind: type[Any] | None) -> int | None:
        """Return where the open block is that a delta of a type (None: a stop) is of."""
        unplaced = self._open.get(None)
        takes_it = unplaced is not None and (kind is None or unplaced.goes_on_with(kind))
        if index is not None:
            if takes_it and index not in self._open:
                # The start had no index, and what goes on with it has one.
                self._open[index] = self._open.pop(None)
                self._newest.append(index)
            return index
        if takes_it:
            return None
        for latest in reversed(self._newest):
            folded = self._open.get(latest)
            if folded is not None and (kind is None or folded.goes_on_with(kind)):
                self._newest.remove(latest)
                self._newest.append(latest)
                return latest
        return None

    def _begin_at(self, index: int | None, block: ContentBlock) -> BlockBuilder:
        """Begin a block; with that, one that is still open at its index has ended."""
        self._end_at(index)
        folded = self._open[index] = self._begin(block)
        self._newest.append(index)
        return folded

    def _end_at(self, index: int | None) -> None:
        folded = self._open.pop(index, None)
        if folded is not None:
            self._close(folded)
            if folded.goes_on_with(events.SignatureDelta):
                self._thoughts.pop(index, None)  # the latest stands last
                self._thoughts[index] = folded

    def _begin(self, block: ContentBlock) -> BlockBuilder:
        is_call = isinstance(block, ToolUseBlock)
        folded = BlockBuilder(block, len(self._calls) if is_call else None)
        self._blocks.append(folded)
        if is_call:
            self._calls.append(folded)
        self._said += folded.opening()
        return folded

    def _close(self, folded: BlockBuilder) -> None:
        folded.closed = True
        if folded.place is not None:
            self._said += folded.hand_over()

    # What was folded.

    def snapshot(self) -> Message:
        """Return the answer so far, in the shape of the endpoint's answer without `stream`."""
        content = [folded.view() for folded in self._blocks]
        answer: Message = replace(deep_copy(self._message), content=content)
        return answer

    @property
    def complete(self) -> bool:
        """Whether the reason was seen for which the message ended."""
        return bool(self._message.stop_reason)

    @property
    def text(self) -> str:
        """The text so far: of all text blocks, joined."""
        return self._joined(events.TextDelta)

    def parse(self, type: type[ValueT]) -> ValueT:
        """Return the text, read as JSON, as `type` (anything that msgspec decodes into).

        Raises:
            DecodeError: The text is not JSON (it may not have ended), or not of that type.
        """
        return parse_text(self.text, type)

    @property
    def reasoning(self) -> str:
        """The reasoning so far: of all thinking blocks, joined."""
        return self._joined(events.ThinkingDelta)

    def _joined(self, kind: type[Any]) -> str:
        pieces = (folded.pieces.join() for folded in self._blocks if folded.takes is kind)
        return join_surrogates("".join(pieces))

    @property
    def refusal(self) -> str:
        """The explanation of a refusal, if the vendor gives one."""
        details = self._message.stop_details
        return join_surrogates(details.explanation or "") if details is not None else ""

    @property
    def tool_calls(self) -> Sequence[ToolCall]:
        """The tool calls so far, whole or not, in the order in which they began."""
        return [folded.call() for folded in self._calls]

    @property
    def finish_reason(self) -> FinishReason | None:
        """Why the message ended, in the shared words; None while it has not."""
        reason = self._message.stop_reason
        return FINISH_REASONS.get(reason.lower(), "other") if reason else None

    @property
    def usage(self) -> Usage | None:
        """The tokens of the request, as far as the host has said."""
        return _usage_view(self._message.usage)

    def deltas(self, event: RawMessageStreamEvent, /) -> Iterable[Delta]:
        """Return what an event says, after `add` has folded it in and before the next one."""
        said = self._said
        if type(event) is RawContentBlockDeltaEvent:
            delta = event.delta
            if (
                type(delta) is events.TextDelta
                and not said
                and self._surrogates.is_whole(delta.text)
            ):
                return (TextDelta(0, delta.text),)
            if type(delta) in PIECES:
                piece = getattr(delta, PIECES[type(delta)][0])
                said = [*said, *self._latest.piece_deltas(piece)]
        return self._mended(said) if said else ()

    def _mended(self, said: list[Delta]) -> Iterator[Delta]:
        for delta in said:
            if isinstance(delta, ToolCall | Usage | Finish):
                yield delta
                continue
            mended = self._surrogates.join(delta)
            if mended is not None:
                yield mended

    def last_deltas(self) -> Iterator[Delta]:
        """Yield what only the end of a finished stream says: a refusal, the finish, late calls."""
        yield from self._surrogates.flush()
        for folded in self._calls:
            if not folded.handed:
                yield from folded.hand_over()
        if self.refusal:
            yield RefusalDelta(0, self.refusal)
        reason = self.finish_reason
        if reason is not None:
            yield Finish(0, reason, self._message.stop_reason or "")

    _FOLDS: ClassVar[dict[type[Any], Callable[[Accumulator, Any], None]]] = {
        events.RawMessageStartEvent: _fold_start,
        events.RawMessageDeltaEvent: _fold_delta,
        RawMessageStopEvent: _fold_stop,
        events.RawContentBlockStartEvent: _fold_block_start,
        RawContentBlockDeltaEvent: _fold_block_delta,
        events.RawContentBlockStopEvent: _fold_block_stop,
        events.ErrorEvent: _fold_error,
    }


def _usages(*holders: Any) -> list[result.Usage]:
    return [each.usage for each in holders if each is not None and each.usage is not None]


def _usage_view(usage: result.Usage) -> Usage | None:
    spent, made = usage.input_tokens, usage.output_tokens
    if spent is not None:
        spent += (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)
    details = usage.output_tokens_details
    view = Usage(
        input_tokens=spent,
        output_tokens=made,
        total_tokens=None if spent is None or made is None else spent + made,
        cached_tokens=usage.cache_read_input_tokens,
        reasoning_tokens=details.thinking_tokens if details is not None else None,
    )
    return view if view != Usage() else None
