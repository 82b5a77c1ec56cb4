# The accumulator: the events of one stream into one `Message`, with its views and deltas.
#
# What always holds here:
# - No known delta is lost: one that no open block accepts begins a block. A tool call that was
#   emitted whole stays as it is until another message begins.
# - Blocks stand in the order in which they began, so that text deltas join to the text.
# - null means absent, and "" never overwrites. Usage is cumulative: a count that comes again
#   wins, but for an input of zero and what a stop event counts once more.
#
# How it works: nearly every event is a piece of an open block, and `add` appends it there at once.
# Any other event goes to the method in `_METHODS`, where `OpenBlocks` finds the block of a delta.
# Deltas are made in `deltas`, only for users who want them: from the event and the block that took
# it, and from what `add` noted of the latest event: its usage, and methods of the blocks that began
# or ended.

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, ClassVar, Final

from msgspec.structs import astuple, replace

from ssekit._accumulator import Accumulator as Contract
from ssekit._accumulator import later_word, shared_reason
from ssekit._deltas import Delta, Finish, FinishReason, RefusalDelta, ToolCall, Usage
from ssekit._errors import DecodeError
from ssekit._fold import SurrogateJoiner, deep_copy, merge_usage
from ssekit._fragments import MERGE_AT
from ssekit._json import join_surrogates
from ssekit.messages import _events as events
from ssekit.messages import _result as result
from ssekit.messages._builders import ACCEPTED_BY, EMITTED_AS, BlockBuilder, CallBuilder, OpenBlocks
from ssekit.messages._events import RawContentBlockDeltaEvent, RawMessageStopEvent
from ssekit.messages._result import ContentBlock, FallbackBlock, Message, ToolUseBlock

_INPUTS: Final = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
_OUTPUTS: Final = ("output_tokens",)

# The fields of the message that its start has, and those that its end has.
_START_FIELDS: Final = {*Message.__struct_fields__} - {"content", "usage"}
_END_FIELDS: Final = _START_FIELDS & {
    *events.MessageDelta.__struct_fields__,
    *events.RawMessageDeltaEvent.__struct_fields__,
}

_NO_INDEX: Final = object()  # equal to no index of the wire
_NO_BLOCK: Final = BlockBuilder()  # has no pieces


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
        *(
            "_blocks",
            "_calls",
            "_counted",
            "_emitted_as",
            "_ended",
            "_index",
            "_latest",
            "_latest_changes",
        ),
        *("_latest_usages", "_message", "_open", "_pending", "_piece", "_started"),
        *("_surrogates", "_usage"),
    )

    def __init__(self) -> None:
        # Of the latest event, if it was no piece: its usage, and what makes its other deltas.
        self._latest_usages: list[result.Usage] = []
        self._latest_changes: list[Callable[[], list[Delta]]] = []
        self._reset()

    def _reset(self) -> None:
        self._message = Message()  # without its content, which is in the blocks, and its usage
        self._usage: result.Usage | None = None
        self._started = self._ended = False
        self._counted: result.Usage | None = None  # by `message_delta` events
        self._blocks: list[BlockBuilder] = []
        self._calls: list[CallBuilder] = []  # those of the blocks that are calls
        self._open = OpenBlocks()
        self._surrogates = SurrogateJoiner()
        self._turn_to(None)

    def _turn_to(self, index: int | None) -> None:
        """Remember the block of the latest delta, its index, its piece, and where pieces go."""
        self._index: object = index
        self._latest = self._open.get(index) or _NO_BLOCK
        self._pending = self._latest.pieces.pending
        self._emitted_as = EMITTED_AS.get(self._latest.piece_type)
        self._piece = ""

    def add(self, event: events.RawMessageStreamEvent, /) -> bool:
        """Add the next event. Return True if it ends the stream.

        Raises:
            DecodeError: Another message begins before this one has ended. (A gateway whose
                connection broke may go on with a second answer in the same stream.)
        """
        if type(event) is RawContentBlockDeltaEvent:  # nearly all of a stream
            delta = event.delta
            if event.index != self._index:
                self._turn_to(event.index)
            if self._latest.piece_type is type(delta):
                # Appending here, to a block that is remembered, takes 110 ns; finding the block
                # takes 170. Reading the field by its name would take 20 more.
                pending = self._pending
                if type(delta) is events.TextDelta:
                    self._piece = delta.text
                    pending.append(delta.text)
                elif type(delta) is events.ThinkingDelta:
                    self._piece = delta.thinking
                    pending.append(delta.thinking)
                else:
                    self._piece = self._latest.add(delta)
                if len(pending) >= MERGE_AT:
                    self._latest.pieces.compact()
                return False
        self._index = _NO_INDEX
        self._latest_usages = []
        self._latest_changes = []
        method = self._METHODS.get(type(event))
        if method is not None:
            method(self, event)
        return type(event) is RawMessageStopEvent

    # The message.

    def _start_message(self, event: events.RawMessageStartEvent) -> None:
        message = event.message
        if message is None:
            message = Message(id=event.id or "", model=event.model or "")
        if self._ended:
            self._reset()
        elif self._started:
            if message.id and self._message.id and message.id != self._message.id:
                raise DecodeError("another message begins before the one under way has ended")
            return  # some gateways repeat the event
        self._started = event.message is not None or bool(message.id or message.model)
        self._update(_START_FIELDS, message)
        self._add_usage(*_usages(message, event))
        for block in message.content:  # whole: calls that code made
            self._end(self._begin(block))

    def _add_message_delta(self, event: events.RawMessageDeltaEvent) -> None:
        self._update(_END_FIELDS, event, event.delta)
        usages = _usages(event, event.delta)
        for usage in usages:
            self._counted = merge_usage(self._counted, usage, _INPUTS, _OUTPUTS)
        self._add_usage(*usages)

    def _stop_message(self, event: RawMessageStopEvent) -> None:
        # Some gateways have the end of the message, and its usage, only here.
        holders = event.message, event, event.delta
        self._update(_END_FIELDS, *holders)
        self._add_usage(*map(self._uncounted, _usages(*holders)))
        metrics = event.amazon_bedrock_invocation_metrics
        if metrics is not None and self.usage is None:
            inputs, outputs = metrics.input_token_count, metrics.output_token_count
            self._add_usage(result.Usage(input_tokens=inputs, output_tokens=outputs))
        for block in list(self._open.values()):
            self._close(block)
        self._ended = True

    def _add_error(self, event: events.ErrorEvent) -> None:
        self._ended = True

    def _update(self, fields: Collection[str], *holders: Any) -> None:
        """Update the message by the fields of objects that are neither null nor empty."""
        changes = {
            name: value
            for holder in holders
            if holder is not None
            for name, value in zip(holder.__struct_fields__, astuple(holder), strict=True)
            if value is not None and value != "" and name in fields
        }
        if "stop_reason" in changes:
            changes["stop_reason"] = later_word(self._message.stop_reason, changes["stop_reason"])
        self._message = replace(self._message, **changes)

    def _add_usage(self, *usages: result.Usage) -> None:
        self._latest_usages += usages
        for usage in usages:
            self._usage = merge_usage(self._usage, usage, _INPUTS, _OUTPUTS)

    def _uncounted(self, usage: result.Usage) -> result.Usage:
        """Return the usage of a stop event without the counts that `message_delta` events have."""
        if self.usage is not None and not _counts(usage):
            return result.Usage()  # a gateway has zeros there after it has counted
        counted = () if self._counted is None else _counts(self._counted)
        return replace(usage, **dict.fromkeys(counted))

    # The blocks.

    def _start_block(self, event: events.RawContentBlockStartEvent) -> None:
        block, known = event.content_block, self._open.get(event.index)
        if block is None:
            return
        if known is not None and known.implied and type(known.initial) is type(block):
            self._begin_block(known, block)
        elif known is None or known.initial != block:  # some gateways repeat the event
            self._begin_at(event.index, block)

    def _add_block_delta(self, event: RawContentBlockDeltaEvent) -> None:
        kind = type(event.delta)
        if kind not in ACCEPTED_BY:
            return
        block = self._open.find(event.index, kind)
        if block is None:
            block = self._begin_at(event.index, ACCEPTED_BY[kind][0]())
            block.implied = True
        self._latest, self._piece = block, block.add(event.delta)

    def _stop_block(self, event: events.RawContentBlockStopEvent) -> None:
        self._close(self._open.find(event.index, None))

    def _begin_at(self, index: int | None, block: ContentBlock) -> BlockBuilder:
        """Begin a block, which ends one that is still open at its index."""
        self._close(self._open.get(index))
        builder = self._begin(block)
        self._open.open(index, builder)
        return builder

    def _begin(self, block: ContentBlock) -> BlockBuilder:
        builder: BlockBuilder
        if isinstance(block, FallbackBlock) and block.to is not None:  # another model took over
            self._update(("model",), Message(model=str(block.to.get("model") or "")))
        if isinstance(block, ToolUseBlock):
            call = builder = CallBuilder(len(self._calls))
            self._calls.append(call)
        else:
            builder = BlockBuilder()
        self._blocks.append(builder)
        self._begin_block(builder, block)
        return builder

    def _begin_block(self, builder: BlockBuilder, block: ContentBlock) -> None:
        builder.begin(block)
        if builder.pieces or isinstance(builder, CallBuilder):  # else it has no deltas yet
            self._latest_changes.append(builder.first_deltas)

    def _close(self, block: BlockBuilder | None) -> None:
        if block is not None:
            self._open.close(block)
            self._end(block)

    def _end(self, block: BlockBuilder) -> None:
        block.ended = True
        if isinstance(block, CallBuilder):
            self._latest_changes.append(block.end_deltas)

    _METHODS: ClassVar[dict[type[Any], Callable[[Accumulator, Any], None]]] = {
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
        content = [block.build() for block in self._blocks]
        usage = deep_copy(self._usage) or result.Usage()
        message: Message = deep_copy(self._message, content=content, usage=usage)
        return message

    @property
    def complete(self) -> bool:
        """Whether the stream may end here: the message has a stop reason."""
        return bool(self._message.stop_reason)

    @property
    def failure(self) -> str | None:
        failed = (self._message.stop_reason or "").lower() == "error"
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
        if self._index is not _NO_INDEX and self._surrogates.is_whole(self._piece):
            # One more piece of a block: nearly all.
            if self._emitted_as is not None:
                return (self._emitted_as(0, self._piece),)
            return self._latest.piece_deltas(self._piece)
        deltas: list[Delta] = []
        if self._index is _NO_INDEX:
            if any(map(_usage_view, self._latest_usages)):
                deltas += filter(None, [self.usage])
            for make in self._latest_changes:
                deltas += make()
        if type(event) is RawContentBlockDeltaEvent:
            deltas += self._latest.piece_deltas(self._piece)
        return self._surrogates.join_all(deltas) if deltas else ()

    def last_deltas(self) -> Iterator[Delta]:
        yield from self._surrogates.flush()
        for call in self._calls:
            yield from call.finish(self.finish_reason)
        if self.refusal:
            yield RefusalDelta(0, self.refusal)
        reason = self.finish_reason
        if reason is not None:
            yield Finish(0, reason, self._message.stop_reason or "")


def _usages(*holders: Any) -> list[result.Usage]:
    return [each.usage for each in holders if each is not None and each.usage is not None]


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
    return view if view != Usage() else None
