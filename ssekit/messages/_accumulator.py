# The accumulator: the events of one stream into one `Message`, with its views and deltas.
#
# What always holds here:
# - No known delta is lost: one that no open block accepts begins a block. A tool call that was
#   emitted whole stays as it is until another message begins.
# - Blocks stand in the order in which they began, so that text deltas join to the text.
# - null means absent, and "" never overwrites. Usage is cumulative: a count that comes again
#   wins, but for an input of zero and what a stop event counts once more.
# - A message that is stated whole adds what goes on from its blocks so far, and takes nothing away.
#
# How it works: nearly every event is a piece of an open block, and `add` appends it there at once.
# Any other event goes to the method in `_METHODS`, where `OpenBlocks` finds the block of a delta.
# Deltas are made in `deltas`, only for users who want them: of a piece by its block, of any other
# event by the functions that `add` noted of it.

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, ClassVar, Final

from msgspec.structs import replace

from ssekit._accumulator import Accumulator as Contract
from ssekit._accumulator import is_failure, later_word, shared_reason
from ssekit._deltas import Delta, Finish, FinishReason, RefusalDelta, ToolCall, Usage
from ssekit._errors import DecodeError
from ssekit._fold import deep_copy, merge_usage
from ssekit._fragments import MERGE_AT
from ssekit._json import join_surrogates
from ssekit.messages import _events as events
from ssekit.messages import _result as result
from ssekit.messages._builders import (
    ACCEPTED_BY,
    MAX_TRIED,
    BlockBuilder,
    CallBuilder,
    DeltaMaker,
    InputBuilder,
    OpenBlocks,
)
from ssekit.messages._events import RawContentBlockDeltaEvent, RawMessageStopEvent
from ssekit.messages._result import ContentBlock, FallbackBlock, Message, ToolUseBlock

_INPUTS: Final = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
_OUTPUTS: Final = ("output_tokens",)
_BUILDERS: Final[dict[type[Any], type[BlockBuilder]]] = {
    **dict.fromkeys(ACCEPTED_BY[events.InputJSONDelta], InputBuilder),
    ToolUseBlock: CallBuilder,
}

# The fields of the message that an object has, without those that are kept elsewhere.
_FIELDS: Final[dict[type[Any], list[str]]] = {
    holder: [
        name
        for name in Message.__struct_fields__
        if name in holder.__struct_fields__ and name not in ("content", "usage")
    ]
    for holder in (
        *(Message, events.MessageDelta),
        *(events.RawMessageStartEvent, events.RawMessageDeltaEvent, RawMessageStopEvent),
    )
}

_NO_MESSAGE: Final = Message()
_NO_USAGE: Final = Usage()
_NO_BLOCK: Final = BlockBuilder()  # has no pieces
_NO_BLOCK.index = object()  # equal to no index of the wire


class Accumulator(Contract[events.RawMessageStreamEvent, Message]):
    """Accumulate the events of one stream into a `Message`.

    The views are made when they are read. `text` joins all text blocks, `reasoning` all thinking
    blocks; `refusal` is the vendor's explanation of a refusal. `tool_calls` are the `tool_use`
    blocks, which the caller is to answer, without the calls that the vendor makes
    (`server_tool_use`, `mcp_tool_use`). `arguments` are the JSON text as it came, or the encoding
    of an input that is in the start of its block.

    In `usage`, `input_tokens` are all of them: the vendor's `input_tokens`, and the tokens that
    were read from the cache (`cached_tokens`) or written to it. `total_tokens` adds the output.
    """

    __slots__ = (
        *("_blocks", "_calls", "_changes", "_counted", "_ended", "_known", "_latest", "_message"),
        *("_open", "_piece", "_sorted", "_usage"),
    )

    def __init__(self) -> None:
        # Of the latest event: the block and the piece that it went on with, as nearly all do; or
        # what makes the deltas of any other.
        self._latest = _NO_BLOCK
        self._piece = ""
        self._changes: list[DeltaMaker] = []
        self._reset()

    def _reset(self) -> None:
        self._message = _NO_MESSAGE  # without its content, which is in the blocks, and its usage
        self._usage: result.Usage | None = None
        self._ended = False
        self._counted: result.Usage | None = None  # by `message_delta` events
        self._blocks: list[BlockBuilder] = []
        self._calls: list[CallBuilder] = []  # those of the blocks that are calls
        # Blocks by their types and ids: the calls that have a place, and as many others as were
        # sorted when somebody asked.
        self._known: dict[tuple[str, str], list[BlockBuilder]] = {}
        self._sorted = 0
        self._open = OpenBlocks()

    def add(self, event: events.RawMessageStreamEvent, /) -> bool | None:
        """Add the next event. Return True if it ends the stream.

        Raises:
            DecodeError: Another message begins before this one has ended. (A gateway whose
                connection broke may go on with a second answer in the same stream.)
        """
        if type(event) is RawContentBlockDeltaEvent:  # nearly all of a stream
            block, delta = self._latest, event.delta
            if event.index != block.index:
                block = self._latest = self._open.get(event.index, _NO_BLOCK)
                self._changes = []
            if block.piece_type is type(delta):
                # Appending here, to a block that is remembered, takes 110 ns; finding the block
                # takes 170. Reading the field by its name would take 20 more.
                if type(delta) is events.TextDelta:
                    piece = delta.text
                elif type(delta) is events.ThinkingDelta and not delta.signature:
                    piece = delta.thinking
                else:
                    self._piece = block.add(delta)
                    return False
                self._piece = piece
                pending = block.pieces.pending
                pending.append(piece)
                if len(pending) >= MERGE_AT:
                    block.pieces.compact()
                return False
        self._latest, self._piece, self._changes = _NO_BLOCK, "", []
        method = self._METHODS.get(type(event))
        return method is not None and method(self, event)

    # The message.

    def _start_message(self, event: events.RawMessageStartEvent) -> None:
        message = event.message or _NO_MESSAGE
        ids = {self._message.id, message.id or event.id or ""} - {""}
        if self._ended:
            self._reset()
        elif self._blocks and len(ids) > 1:
            raise DecodeError("another message begins before the one under way has ended")
        self._update(event, message)
        self._add_usage(_usages(message, event))
        self._state(message.content)

    def _state(self, content: list[ContentBlock]) -> None:
        """Take whole blocks: calls that code made, or all of the message once more, at its end."""
        known = self._by_kind()
        stated: dict[tuple[str, str], int] = {}
        for block in content:
            kind = _kind_of(block)
            alike, position = known.get(kind, ()), stated.get(kind, 0)
            stated[kind] = position + 1
            if position < len(alike):
                last = position == len(alike) - 1
                self._changes += alike[position].state(block, last=last)
            else:
                self._changes += self._begin(block).end()

    def _add_message_delta(self, event: events.RawMessageDeltaEvent) -> None:
        self._update(event, event.delta)
        usages = _usages(event, event.delta)
        for usage in usages:
            self._counted = merge_usage(self._counted, usage, _INPUTS, _OUTPUTS)
        self._add_usage(usages)

    def _stop_message(self, event: RawMessageStopEvent) -> bool:
        # Some gateways have the end of the message, and its usage, only here.
        holders = event.message, event, event.delta
        self._update(*holders)
        self._add_usage(list(map(self._uncounted, _usages(*holders))))
        metrics = event.amazon_bedrock_invocation_metrics
        if metrics is not None and self.usage is None:
            usage = result.Usage(
                input_tokens=metrics.input_token_count,
                cache_creation_input_tokens=metrics.cache_write_input_token_count,
                cache_read_input_tokens=metrics.cache_read_input_token_count,
                output_tokens=metrics.output_token_count,
            )
            self._add_usage([usage])
        for block in list(self._open.values()):
            self._close(block)
        if event.message is not None:
            self._state(event.message.content)
        self._ended = True
        return True

    def _add_error(self, event: events.ErrorEvent) -> None:
        self._ended = True

    def _update(self, *holders: Any) -> None:
        """Update the message by the fields of objects that are neither null nor empty."""
        changes = {
            name: value
            for holder in holders
            for name in _FIELDS.get(type(holder), ())
            if (value := getattr(holder, name)) is not None and value != ""
        }
        if "stop_reason" in changes:
            changes["stop_reason"] = later_word(self._message.stop_reason, changes["stop_reason"])
        if changes:
            self._message = replace(self._message, **changes)

    def _add_usage(self, usages: list[result.Usage]) -> None:
        for usage in usages:
            self._usage = merge_usage(self._usage, usage, _INPUTS, _OUTPUTS)
        if usages:
            self._changes.append(partial(_usage_deltas, usages, self._usage))

    def _uncounted(self, usage: result.Usage) -> result.Usage:
        """Return the usage of a stop event without the counts that `message_delta` events have."""
        if self.usage is not None and not _counts(usage):
            return result.Usage()  # a gateway has zeros there after it has counted
        counted = () if self._counted is None else _counts(self._counted)
        return replace(usage, **dict.fromkeys(counted))

    # The blocks.

    def _start_block(self, event: events.RawContentBlockStartEvent) -> None:
        block, known = event.content_block, self._open.get(event.index)
        if block is None or (known is not None and not known.implied and known.initial == block):
            return  # some gateways repeat the event
        call = self._call_of(block)
        if known is None or not known.implied or type(known.initial) is not type(block):
            known = call if call is not None and call.repeats(block, event.index) else None
        if known is None:
            self._begin_at(event.index, block, implied=call is not None)
        elif self._open.get(known.index) is not known:  # it has ended
            self._close(self._open.get(event.index))
            self._open.open(event.index, known)
        elif known.index == event.index:
            self._changes += known.begin(block)
            if isinstance(known, CallBuilder) and known.place is None:
                self._place(known)

    def _call_of(self, block: ContentBlock) -> CallBuilder | None:
        """Return the latest call of the id of a block, which may begin it once more."""
        if not isinstance(block, ToolUseBlock) or not block.id:
            return None
        call = next(reversed(self._by_kind().get(_kind_of(block), ())), None)
        return call if isinstance(call, CallBuilder) else None

    def _is_another(self, call: Any) -> bool:
        """Whether a call with the id of an earlier one is another, which has its place only now."""
        earlier = self._known[_kind_of(call.initial)][0]
        if isinstance(earlier, CallBuilder) and earlier.is_same(call):
            call.initial = None
            return False
        self._changes += call.begin(call.initial)
        self._place(call)
        return True

    def _by_kind(self) -> dict[tuple[str, str], list[BlockBuilder]]:
        """Return the blocks so far by their types and ids."""
        for builder in self._blocks[self._sorted :]:
            if not isinstance(builder, CallBuilder):
                self._sort(builder)
        self._sorted = len(self._blocks)
        return self._known

    def _sort(self, builder: BlockBuilder) -> None:
        self._known.setdefault(_kind_of(builder.initial), []).append(builder)

    def _place(self, call: CallBuilder) -> None:
        """Give a call its place among the tool calls."""
        call.place = len(self._calls)
        self._calls.append(call)
        self._sort(call)

    def _add_block_delta(self, event: RawContentBlockDeltaEvent) -> None:
        kind = type(event.delta)
        if kind not in ACCEPTED_BY:
            return
        block = self._open.find(event.index, kind)
        if block is None and isinstance(event.delta, events.InputJSONDelta):
            block = self._ended_call(event.delta.partial_json)
        if block is None:
            block = self._begin_at(event.index, ACCEPTED_BY[kind][0](), implied=True)
        piece = block.add(event.delta)
        if piece:
            self._changes.append(partial(block.piece_deltas, piece))

    def _ended_call(self, piece: str) -> CallBuilder | None:
        """Return the call that a piece of an input belongs to, where no open block accepts it.

        Some gateways end a call too early, by an event of another block: before its input goes on,
        or before the input comes at all.
        """
        recent = self._calls[-MAX_TRIED:]
        if recent and recent[-1].pieces and recent[-1].goes_on(piece):
            return recent[-1]
        return next((call for call in recent if not call.pieces), None)

    def _stop_block(self, event: events.RawContentBlockStopEvent) -> None:
        self._close(self._open.find(event.index, None))

    def _begin_at(
        self, index: int | None, block: ContentBlock, *, implied: bool = False
    ) -> BlockBuilder:
        """Begin a block, which ends one that is still open at its index."""
        self._close(self._open.get(index))
        builder = self._begin(block, implied=implied)
        self._open.open(index, builder)
        return builder

    def _begin(self, block: ContentBlock, *, implied: bool = False) -> BlockBuilder:
        model = (block.to or {}).get("model") if isinstance(block, FallbackBlock) else None
        if model:  # another one took over
            self._message = replace(self._message, model=str(model))
        builder = _BUILDERS.get(type(block), BlockBuilder)()
        self._blocks.append(builder)
        self._changes += builder.begin(block)
        builder.implied = implied
        if isinstance(builder, CallBuilder) and not implied:
            self._place(builder)
        return builder

    def _close(self, block: BlockBuilder | None) -> None:
        if block is None:
            return
        self._open.close(block)
        undecided = isinstance(block, CallBuilder) and block.place is None and block.initial.id
        if not undecided or self._is_another(block):
            self._changes += block.end()

    _METHODS: ClassVar[dict[type[Any], Callable[[Accumulator, Any], bool | None]]] = {
        events.RawMessageStartEvent: _start_message,
        events.RawMessageDeltaEvent: _add_message_delta,
        RawMessageStopEvent: _stop_message,
        events.RawContentBlockStartEvent: _start_block,
        RawContentBlockDeltaEvent: _add_block_delta,
        events.RawContentBlockStopEvent: _stop_block,
        events.ErrorEvent: _add_error,
    }

    # The result and the views.

    def snapshot(self) -> Message:
        content = [block.build() for block in self._blocks if block.initial is not None]
        usage = deep_copy(self._usage) or result.Usage()
        message: Message = deep_copy(self._message, content=content, usage=usage)
        return message

    @property
    def complete(self) -> bool:
        """Whether the stream may end here: the message has a stop reason."""
        return bool(self._message.stop_reason)

    @property
    def failure(self) -> str | None:
        failed = is_failure(self._message.stop_reason)
        return "the message ended by the stop reason error" if failed else None

    @property
    def text(self) -> str:
        return self._joined(events.TextDelta)

    @property
    def reasoning(self) -> str:
        return self._joined(events.ThinkingDelta)

    def _joined(self, kind: type[Any]) -> str:
        texts = (block.pieces.join() for block in self._blocks if block.piece_type is kind)
        return join_surrogates("".join(texts))

    @property
    def refusal(self) -> str:
        details = self._message.stop_details
        return join_surrogates(details.explanation or "") if details is not None else ""

    @property
    def tool_calls(self) -> Sequence[ToolCall]:
        return [call.call() for call in self._calls]

    @property
    def finish_reason(self) -> FinishReason | None:
        return shared_reason(self._message.stop_reason, calls=bool(self._calls))

    @property
    def usage(self) -> Usage | None:
        return None if self._usage is None else _usage_view(self._usage)

    # Emitting deltas.

    def deltas(self, event: events.RawMessageStreamEvent, /) -> Iterable[Delta]:
        if self._piece:  # one more piece of a block: nearly all
            return self._latest.piece_deltas(self._piece)
        return [delta for make in self._changes for delta in make()] if self._changes else ()

    def last_deltas(self) -> Iterator[Delta]:
        for call in self._calls:
            yield from call.finish(self.finish_reason)
        if self.refusal:
            yield RefusalDelta(0, self.refusal)
        reason = self.finish_reason
        if reason is not None:
            yield Finish(0, reason, self._message.stop_reason or "")


def _kind_of(block: ContentBlock) -> tuple[str, str]:
    return block.type, getattr(block, "id", "")


def _usages(*holders: Any) -> list[result.Usage]:
    return [each.usage for each in holders if each is not None and each.usage is not None]


def _usage_deltas(stated: list[result.Usage], merged: result.Usage | None) -> list[Delta]:
    """Return the usage so far, if the latest event stated some of it."""
    view = None if merged is None else _usage_view(merged)
    return [view] if view is not None and any(map(_usage_view, stated)) else []


def _counts(usage: result.Usage) -> set[str]:
    """Return the names of the fields that are neither null nor 0."""
    return {name for name in usage.__struct_fields__ if getattr(usage, name)}


def _usage_view(usage: result.Usage) -> Usage | None:
    inputs, outputs = usage.input_tokens, usage.output_tokens
    if inputs is not None:
        inputs += (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)
    details = usage.output_tokens_details
    view = Usage(
        input_tokens=inputs,
        output_tokens=outputs,
        total_tokens=None if inputs is None or outputs is None else inputs + outputs,
        cached_tokens=usage.cache_read_input_tokens,
        reasoning_tokens=details.thinking_tokens if details is not None else None,
    )
    return view if view != _NO_USAGE else None
