# The accumulator: the events of one stream into one `Message`, with its views and deltas.
#
# What always holds here:
# - No known delta is lost: one that no block accepts begins a block. A tool call that was
#   emitted whole stays as it is until another message begins.
# - Blocks stand in the order in which they began. So text deltas join to the text, unless text
#   blocks are open at the same time.
# - null means absent, and "" never overwrites. Usage is cumulative: a count that comes again
#   wins, except an input of zero and the counts that a stop event repeats.
# - A call that comes once more adds nothing.
# - A message that is stated whole adds what goes on from its blocks so far, and takes none away.
#
# How it works: nearly every event is a piece of an open block, and `add` appends it there at once.
# Any other event goes to its handler in `_HANDLERS`, a delta to the block that `_find` returns.
# Deltas of the shared vocabulary are made in `deltas`, only for users who want them, by the blocks
# that the latest event changed.

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any, ClassVar, Final, cast, get_args

from msgspec.structs import replace

from ssekit._accumulator import Accumulator as Contract
from ssekit._accumulator import is_failure, later_word, shared_reason
from ssekit._deltas import Delta, Finish, FinishReason, RefusalDelta, ToolCall, Usage
from ssekit._errors import DecodeError
from ssekit._fold import deep_copy, merge, merge_usage
from ssekit._fragments import MERGE_AT
from ssekit._json import join_surrogates
from ssekit.messages import _events as events
from ssekit.messages import _result as result
from ssekit.messages._builders import CALLS, IMPLIED, PIECE_TYPES, BlockBuilder, CallBuilder
from ssekit.messages._events import RawContentBlockDeltaEvent, RawMessageStopEvent
from ssekit.messages._result import ContentBlock, FallbackBlock, Message, ToolUseBlock

_INPUTS: Final = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
_OUTPUTS: Final = ("output_tokens",)

# The fields of the message, without those that are kept elsewhere.
_NAMES: Final = {*Message.__struct_fields__} - {"content", "usage"}

_EMPTY_BLOCKS: Final[dict[Any, Any]] = {kind: kind() for kind in get_args(ContentBlock)}
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
        *("_at", "_blocks", "_calls", "_changes", "_counted", "_ended", "_known", "_latest"),
        *("_message", "_open", "_piece", "_recent", "_reports", "_usage"),
    )

    def __init__(self) -> None:
        # Of the latest event: the block and the piece that it went on with, as nearly all do; or,
        # of any other, the blocks with a piece or their end (None), and the usage reports.
        self._latest = _NO_BLOCK
        self._piece = ""
        self._changes: list[tuple[BlockBuilder, str | None]] = []
        self._reports: list[result.Usage] = []
        self._reset()

    def _reset(self) -> None:
        self._message = _NO_MESSAGE  # without its content, which is in the blocks, and its usage
        self._usage: result.Usage | None = None
        self._ended = False
        self._counted = result.Usage()  # by `message_delta` events
        self._blocks: list[BlockBuilder] = []
        self._calls: list[CallBuilder] = []  # those that have a place
        # The blocks by type and id; of `tool_use`, only those with a place.
        self._known: defaultdict[tuple[type[Any], str], list[Any]] = defaultdict(list)
        # The latest block at each index, and of each type of pieces.
        self._at: dict[int | None, BlockBuilder] = {}
        self._recent: dict[Any, BlockBuilder] = {}
        self._open: dict[BlockBuilder, None] = {}  # an ordered set

    def add(self, event: events.RawMessageStreamEvent, /) -> bool | None:
        """Add the next event. Return True if it ends the stream.

        Raises:
            DecodeError: Another message begins before this one has ended. (A gateway whose
                connection broke may go on with a second answer in the same stream.)
        """
        if type(event) is RawContentBlockDeltaEvent:  # nearly all of a stream
            block, delta = self._latest, event.delta
            if event.index != block.index:
                block = self._at.get(event.index, _NO_BLOCK)
                plain = not block.ended and block.pieces.echo < 0
                block = self._latest = block if plain else _NO_BLOCK
                self._changes, self._reports = [], []
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
        self._latest, self._piece, self._changes, self._reports = _NO_BLOCK, "", [], []
        handler = self._HANDLERS.get(type(event))
        return handler is not None and handler(self, event)

    # The message.

    def _start_message(self, event: events.RawMessageStartEvent) -> None:
        message = event.message or _NO_MESSAGE
        ids = {self._message.id, message.id or event.id or ""} - {""}
        if self._ended:
            self._reset()
        elif self._blocks and len(ids) > 1:
            raise DecodeError("another message begins before the one under way has ended")
        usual = message.id and message.model and message.role and message.type
        if usual and self._message is _NO_MESSAGE:  # as in nearly all streams
            self._message = message
        else:
            self._update(event, message)
        self._add_usage(*_usages(message, event))
        self._state(message.content)

    def _state(self, content: list[ContentBlock]) -> None:
        """Take whole blocks, which a message has at its start or, once more, at its end."""
        unmatched: dict[tuple[type[Any], str], Iterator[BlockBuilder]] = {}
        for block in content:
            if block == _EMPTY_BLOCKS.get(type(block)):
                continue  # some gateways have an empty text in the start of a message
            alike = self._known[_key_of(block)]
            # (An iterator that has ended stays so: a block begun here is not matched again.)
            builder = next(unmatched.setdefault(_key_of(block), iter(alike)), None)
            if builder is None:
                self._close(self._begin(block))
            else:
                self._note(builder, builder.state(block, last=builder is alike[-1]))

    def _add_message_delta(self, event: events.RawMessageDeltaEvent) -> None:
        self._update(event, event.delta)
        usages = _usages(event, event.delta)
        for usage in usages:
            self._counted = merge(self._counted, usage)
        self._add_usage(*usages)
        if self._message.stop_reason:
            self._close_all()

    def _stop_message(self, event: RawMessageStopEvent) -> bool:
        # Some gateways have the end of the message, and its usage, only here.
        holders = event.message, event, event.delta
        self._update(*holders)
        self._add_usage(*map(self._uncounted, _usages(*holders)))
        metrics = event.amazon_bedrock_invocation_metrics
        if metrics is not None and self.usage is None:
            usage = result.Usage(
                input_tokens=metrics.input_token_count,
                cache_creation_input_tokens=metrics.cache_write_input_token_count,
                cache_read_input_tokens=metrics.cache_read_input_token_count,
                output_tokens=metrics.output_token_count,
            )
            self._add_usage(usage)
        self._close_all()
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
            for name in _names_in(holder.__class__)
            if (value := getattr(holder, name)) is not None and value != ""
        }
        if "stop_reason" in changes:
            changes["stop_reason"] = later_word(self._message.stop_reason, changes["stop_reason"])
        if changes:
            self._message = replace(self._message, **changes)

    def _add_usage(self, *usages: result.Usage) -> None:
        self._reports += usages
        for usage in usages:
            self._usage = merge_usage(self._usage, usage, _INPUTS, _OUTPUTS)

    def _uncounted(self, usage: result.Usage) -> result.Usage:
        """Return the usage of a stop event without zeros, and without counts of `message_delta`."""
        counts = {name: getattr(usage, name) for name in usage.__struct_fields__}
        new = {name: n for name, n in counts.items() if n and not getattr(self._counted, name)}
        return result.Usage(**new)

    # The blocks.

    def _start_block(self, event: events.RawContentBlockStartEvent) -> None:
        block, known = event.content_block, self._at.get(event.index)
        if block is None:
            return
        if known is None or not known.continues(block):
            self._begin_at(event.index, block)
            return
        known.ended = False
        self._open[known] = None
        if known.initial != block:  # else the event is repeated, as some gateways do
            self._start(known, block)

    def _add_block_delta(self, event: RawContentBlockDeltaEvent) -> None:
        delta: Any = event.delta
        if type(delta) in PIECE_TYPES and delta != type(delta)():  # an empty delta begins nothing
            block = self._find(event.index, delta)
            if block is None:
                block = self._begin_at(event.index, IMPLIED[PIECE_TYPES[type(delta)]]())
            self._note(block, block.add(delta))

    def _find(self, index: int | None, delta: Any) -> BlockBuilder | None:
        """Return the block that a delta belongs to; None if it begins one.

        It is the block at its index, or else the latest block with such pieces, if that accepts the
        delta. But a delta at a new index begins a block, unless it is a piece of an input.
        """
        here = self._at.get(index)
        if here is not None and here.accepts(delta, here=True):
            return here
        latest = self._recent.get(PIECE_TYPES[type(delta)])
        if latest is None or not latest.accepts(delta, here=False):
            return None
        if here is None and latest.index is None and index is not None:
            latest.index = index  # its start had none
            self._at[index] = latest
        is_new = here is None and index not in (None, latest.index)
        return None if is_new and type(delta) is not events.InputJSONDelta else latest

    def _stop_block(self, event: events.RawContentBlockStopEvent) -> None:
        block, stated = self._at.get(event.index), cast(Any, event.content_block)
        if block is not None and not block.ended and type(stated) is type(block.initial):
            self._note(block, block.state(stated, last=True))
        self._close(block)

    def _begin_at(self, index: int | None, block: ContentBlock) -> BlockBuilder:
        """Begin a block, which ends one that is still open at its index."""
        self._close(self._at.get(index))
        builder = self._at[index] = self._begin(block)
        builder.index = index
        builder.own_pieces()
        self._open[builder] = None
        self._recent[builder.piece_type] = builder
        return builder

    def _begin(self, block: ContentBlock) -> BlockBuilder:
        if type(block) is FallbackBlock and block.to and block.to.get("model"):
            # The fallback model goes on with the message.
            self._message = replace(self._message, model=str(block.to["model"]))
        builder = (CallBuilder if type(block) in CALLS else BlockBuilder)()
        self._blocks.append(builder)
        self._start(builder, block)
        if type(block) is not ToolUseBlock:
            self._known[_key_of(block)].append(builder)
        return builder

    def _start(self, builder: BlockBuilder, block: ContentBlock) -> None:
        piece = builder.begin(block)
        if type(builder) is CallBuilder:
            self._assign_place(builder)
        self._note(builder, piece)

    def _assign_place(self, call: CallBuilder) -> None:
        """Give a call its place among the tool calls, at its beginning or at its end.

        A call with the id of an earlier one may be that once more, which is known only at its end.
        """
        block = call.initial
        if isinstance(block, ToolUseBlock) and (block.id or block.name) and call.place is None:
            alike = self._known[_key_of(block)]
            if block.id and alike and (not call.ended or alike[0].is_same(call)):
                call.again = call.ended
                if call.again:  # what follows at its index belongs to the earlier call
                    self._at[call.index] = self._recent[call.piece_type] = alike[0]
            else:
                call.place = len(self._calls)
                self._calls.append(call)
                alike.append(call)

    def _close(self, block: BlockBuilder | None) -> None:
        if block is not None and not block.ended:
            block.ended = True
            self._open.pop(block, None)
            if type(block) is CallBuilder:
                self._assign_place(block)
                self._note(block, None)

    def _close_all(self) -> None:
        for block in list(self._open):
            self._close(block)

    def _note(self, block: BlockBuilder, piece: str | None) -> None:
        """Note the piece that the latest event adds to a block, or the end of the block (None)."""
        if piece or block.place is not None:
            self._changes.append((block, piece))

    _HANDLERS: ClassVar[dict[type[Any], Callable[[Accumulator, Any], bool | None]]] = {
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
        content = [block.build() for block in self._blocks if not block.again]
        usage = deep_copy(self._usage) or result.Usage()
        message: Message = deep_copy(self._message, content=content, usage=usage)
        return message

    @property
    def complete(self) -> bool:
        """Whether the stream may end here: the message has a stop reason, and no block is open."""
        # Some gateways have the stop reason in the start of the message.
        return bool(self._message.stop_reason) and not self._open

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
            return self._latest.deltas(self._piece)
        if not (self._changes or self._reports):
            return ()
        usage = self.usage if any(map(_usage_view, self._reports)) else None
        deltas: list[Delta] = [] if usage is None else [usage]
        for block, piece in self._changes:
            deltas += block.deltas(piece)
        return deltas

    def last_deltas(self) -> Iterator[Delta]:
        for call in self._calls:
            yield from call.last_deltas(self.finish_reason)
        if self.refusal:
            yield RefusalDelta(0, self.refusal)
        reason = self.finish_reason
        if reason is not None:
            yield Finish(0, reason, self._message.stop_reason or "")


@cache
def _names_in(holder: type[Any]) -> list[str]:
    """Return the fields of the message that objects of a type have; none for None."""
    return [name for name in getattr(holder, "__struct_fields__", ()) if name in _NAMES]


def _key_of(block: ContentBlock) -> tuple[type[Any], str]:
    return type(block), getattr(block, "id", "")


def _usages(*holders: Any) -> list[result.Usage]:
    return [each.usage for each in holders if each is not None and each.usage is not None]


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
