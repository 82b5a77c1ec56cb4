# The accumulator: the events of one stream into a `Response`, with its views and deltas.
#
# How it works:
# - `add` calls the handler of the event's type (`_HANDLERS`). It finds the item, in the table of
#   `_output`, and the part that the event belongs to, and adds to them.
# - What a handler adds to the texts is kept as deltas until the next event.
# - Nearly all events are pieces of the text: `add` remembers their part, and calls no handler.
# - The terminal event's response is the answer, with the items that came and that its output lacks.
#   If it has no output, the items so far are the answer.
#
# What always holds here:
# - Items and parts are made where they are missing: a stream may be resumed in its middle.
# - Deltas join to the texts. Where a whole begins with the pieces, the rest is a delta. Where it
#   contradicts them, it replaces them without one.

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar, Final

from msgspec import to_builtins
from msgspec.structs import replace

from ssekit._accumulator import Accumulator as Contract
from ssekit._accumulator import shared_reason
from ssekit._calls import joined_texts
from ssekit._deltas import Delta, Finish, FinishReason, ReasoningDelta, TextDelta, ToolCall, Usage
from ssekit._fold import deep_copy, merge, merge_usage
from ssekit._fragments import MERGE_AT
from ssekit._text import Text, rests_of
from ssekit.responses import _events as events
from ssekit.responses import _result as result
from ssekit.responses import _tables as tables
from ssekit.responses._builders import ItemBuilder
from ssekit.responses._events import ResponseStreamEvent, ResponseTextDeltaEvent
from ssekit.responses._output import OutputTable
from ssekit.responses._parts import Addition, PartBuilder, kind_in, text_of
from ssekit.responses._result import Response, ResponseOutputItem, ResponseOutputText
from ssekit.responses._tables import Kind

_OF_IMAGES: Final = ("background", "output_format", "quality", "size")
# What may come with a whole text: that of a part, or that of a call (see `update` of the builders).
_BESIDE: Final = ("logprobs", "call_id", "name")
_NO_INDEX: Final = object()  # unequal to any index, and to None
_NO_PART: Final = PartBuilder(ResponseOutputText())


class Accumulator(Contract[ResponseStreamEvent, Response]):
    """Accumulate the events of one stream into a `Response`.

    The views are made when they are read. `text` joins the texts of all messages; `reasoning` is
    the reasoning itself or its summaries, whichever the host sends first; `tool_calls` are those of
    functions and of custom tools.
    """

    __slots__ = (
        *("_content_index", "_ended", "_latest_deltas", "_output", "_output_index"),
        *("_pending", "_reasoning_kind", "_response", "_sequence_number", "_text_part"),
    )

    def __init__(self) -> None:
        self._response = Response()  # its output is in the table
        self._output = OutputTable()
        self._reasoning_kind: Any = None  # the type of the parts that have the reasoning
        self._ended = False
        self._sequence_number: int | None = None
        # The deltas of the latest event, unless that was a piece of the text, and is its own delta.
        self._latest_deltas: list[Delta] = []
        # Of a piece of the text, if the latest event was one: its indices, its part, and the
        # pending pieces of that part.
        self._output_index: object = _NO_INDEX
        self._content_index = 0
        self._text_part = _NO_PART
        self._pending: list[str] = []

    def add(self, event: ResponseStreamEvent, /) -> bool:
        """Add the next event. Return True if it ends the stream."""
        if event.sequence_number is not None:
            self._sequence_number = event.sequence_number
        if type(event) is ResponseTextDeltaEvent and (
            (
                event.output_index == self._output_index
                and event.content_index == self._content_index
            )
            or self._remember_part(event)
        ):
            # An event takes 130 ns so; 170 with a call of `append`, 630 if the part is found anew.
            self._pending.append(event.delta)
            if len(self._pending) >= MERGE_AT:
                self._text_part.text.compact()
            if event.logprobs:
                self._text_part.add_logprobs(event.logprobs)
            return False
        self._output_index = _NO_INDEX
        self._text_part = _NO_PART
        self._latest_deltas = []
        handler = self._HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event)
        return type(event) in tables.ENDS

    def _remember_part(self, event: ResponseTextDeltaEvent) -> bool:
        """Remember the part of a piece. Return False if the piece may repeat an initial value.

        Where pieces have no index, the part of each is found anew.
        """
        if not event.delta and not event.logprobs:
            return False
        _, self._text_part = self._holder(event, ResponseOutputText)
        self._pending = self._text_part.text.pending
        self._output_index = _NO_INDEX if event.output_index is None else event.output_index
        self._content_index = event.content_index
        return self._text_part.text.echo < 0

    def _holder(self, event: Any, kind: Kind, whole: str | None = None) -> tuple[ItemBuilder, Any]:
        """Return the item of a piece of a text, or of a `whole` text, and the holder of the text.

        The holder is a part of the item, or the item itself.
        """
        builder = self._output.of(event, tables.ACCEPTS[kind], piece=whole is None, whole=whole)
        if kind not in tables.PARTS:
            return builder, builder
        parts, index = builder.parts_at(event, kind)
        if whole is None:
            return builder, parts.goes_on_at(index, kind)
        return builder, parts.whole_at(index, kind, whole)

    def _emit(self, builder: ItemBuilder, additions: Iterable[Addition]) -> None:
        """Keep the deltas of a message, of reasoning, or of a tool call. Other items have none."""
        for kind, piece in additions:
            if kind in tables.TEXT_DELTAS:
                self._emit_text(kind, piece)
            else:
                self._output.assign_place(builder)
                self._latest_deltas += builder.call_deltas(piece, begins=False)

    def _emit_text(self, kind: Kind, piece: str) -> None:
        if piece and tables.TEXT_DELTAS[kind] is ReasoningDelta:
            self._reasoning_kind = self._reasoning_kind or kind
            if kind is not self._reasoning_kind:
                return
        if piece:
            self._latest_deltas.append(tables.TEXT_DELTAS[kind](0, piece))

    # The response.

    def _on_progress(self, event: Any) -> None:
        response = event.response
        if response is not None:
            if type(event) is events.ResponseCreatedEvent:
                self._output.created = self._response != Response()  # not the first time
            self._merge(response)
            self._ended = False  # a decoder may go on with another attempt
            if not self._output:
                self._state_output(response.output)

    def _on_end(self, event: Any) -> None:
        response = event.response or Response()
        self._state_output(response.output)
        if response.stated_text and not response.output:
            self._state_text(response.stated_text)
        known = (response.status or "").lower() in tables.ENDS.values()
        status = response.status if known else tables.ENDS[type(event)]
        self._merge(response)
        # The reasons for the end are those of this event alone: an attempt before may have failed.
        self._response = replace(
            self._response,
            status=status,
            error=response.error,
            incomplete_details=response.incomplete_details,
        )
        self._ended = type(event) is not events.ResponseFailedEvent
        usage = self.usage  # of this event, or of one before
        if usage is not None:
            self._latest_deltas.append(usage)

    def _merge(self, response: Response) -> None:
        known, latest = self._response.usage, response.usage
        if known is not None and latest is not None:
            if latest.input_tokens == 0:  # this, and its details, cannot be true (`merge_usage`)
                latest = replace(latest, input_tokens_details=None)
            usage = merge_usage(known, latest, ("input_tokens",), ("output_tokens", "total_tokens"))
            response = replace(response, usage=usage)
        self._response = merge(self._response, response)

    def _state_output(self, output: list[ResponseOutputItem]) -> None:
        """Take the whole output, unless it is empty, or is exactly the items that were done."""
        if not output or output == [builder.done_item for builder in self._output]:
            return
        before = joined_texts(self._output)
        calls = []
        for builder, item in self._output.settle(output):
            added = builder.state(item)
            if builder.is_call:
                calls.append((builder, added))
        # Texts are compared over all items: the output may divide them in another way.
        rests = rests_of(before, joined_texts(self._output))
        for kind in tables.TEXT_DELTAS:
            self._emit_text(kind, rests.get(kind, ""))
        for builder, added in calls:
            self._emit(builder, added)

    def _state_text(self, whole: str) -> None:
        """Take the text of all messages: what it has beyond theirs belongs to the latest."""
        known = self.text
        if whole.startswith(known):
            self._on_delta(ResponseTextDeltaEvent(delta=whole[len(known) :]))

    # Items.

    def _on_item_added(self, event: events.ResponseOutputItemAddedEvent) -> None:
        if event.item is not None:
            builder = self._output.stated(event.output_index, event.item, done=False)
            if not builder.ended:
                self._emit(builder, builder.state(event.item, begins=True))
                self._latest_deltas += builder.call_deltas("")

    def _on_item_done(self, event: events.ResponseOutputItemDoneEvent) -> None:
        if event.item is not None:
            builder = self._output.stated(event.output_index, event.item, done=True)
            self._emit(builder, builder.state(event.item))
            builder.ended, builder.done_item = True, event.item
            self._latest_deltas += builder.done_deltas()

    def _on_status(self, event: Any) -> None:
        kind, status = tables.STATUSES[type(event)]
        builder = self._output.of(event, (kind,))
        builder.item = replace(builder.item, status=status or builder.item.status)

    def _on_partial_image(self, event: events.ResponseImageGenCallPartialImageEvent) -> None:
        builder = self._output.of(event, (result.ImageGenerationCall,))
        known = {name: getattr(event, name) for name in _OF_IMAGES}
        known["result"] = event.partial_image_b64
        builder.item = merge(builder.item, result.ImageGenerationCall(**known))

    def _on_shell_output(self, event: Any) -> None:
        builder = self._output.of(event, (result.ResponseFunctionShellToolCallOutput,))
        outputs = builder.outputs = builder.outputs or {}
        if isinstance(event, events.ResponseShellCallOutputContentDoneEvent):
            if event.output:
                outputs[event.command_index] = event.output
            return
        pieces = outputs.setdefault(event.command_index, (Text(), Text()))
        if event.delta is not None and isinstance(pieces, tuple):
            pieces[0].append(event.delta.stdout or "")
            pieces[1].append(event.delta.stderr or "")

    # Texts, and parts with a text.

    def _on_delta(self, event: Any) -> None:
        logprobs = getattr(event, "logprobs", None)
        if event.delta or logprobs:  # others keep the connection open, and make no item
            kind = tables.DELTAS[type(event)]
            builder, holder = self._holder(event, kind)
            if logprobs:
                holder.add_logprobs(logprobs)
            self._emit(builder, [(kind, holder.add(event.delta))])

    def _on_whole(self, event: Any) -> None:
        kind, field = tables.WHOLES[type(event)]
        whole = getattr(event, field) or ""
        beside = {name: value for name in _BESIDE if (value := getattr(event, name, None))}
        if whole or beside:
            builder, holder = self._holder(event, kind, whole)
            piece = holder.override(whole)
            holder.update(**beside)
            self._emit(builder, [(kind, piece)])

    def _on_part(self, event: Any) -> None:
        part = event.part
        if part is None:
            return
        # A part of unknown type, or in an unusual place, stays where the event has it.
        kind = type(part)
        if hasattr(event, "summary_index"):
            kind = result.ReasoningSummary
        elif kind is result.ReasoningSummary:
            kind = result.ReasoningText
        text = text_of(part)
        begins = event.type.endswith(".added")
        if part == type(part)():  # LiteLLM ends a text with an empty part of another type
            item = self._output.find(event, tables.ACCEPTS[kind])
            opens = begins and self._output.latest_at(event.output_index) is None
            if (item is None and not opens) or (item is not None and item.ended):
                return
        builder = self._output.of(event, tables.ACCEPTS[kind], whole=text)
        parts, index = builder.parts_at(event, kind)
        known = parts.at(index, type(part)) if begins else parts.whole_at(index, type(part), text)
        self._emit(builder, [(kind_in(type(builder.item), part), known.state(part, begins=begins))])

    def _on_annotation(self, event: events.ResponseOutputTextAnnotationAddedEvent) -> None:
        if event.annotation is not None:
            builder = self._output.of(event, tables.ACCEPTS[ResponseOutputText])
            parts, index = builder.parts_at(event, ResponseOutputText)
            parts.at(index, ResponseOutputText).annotate(event.annotation_index, event.annotation)

    # The answer and its views.

    def snapshot(self) -> Response:
        output = [builder.build() for builder in self._output]
        # (Some hosts name the object a "chat.completion" here.)
        fields = {"object": "response", "output": output, "stated_text": None}
        response: Response = deep_copy(self._response, **fields)
        return response

    @property
    def sequence_number(self) -> int | None:
        """The latest sequence number of an event: where to resume after."""
        return self._sequence_number

    @property
    def complete(self) -> bool:
        """Whether the event that ends a stream has come."""
        return self._ended

    @property
    def failure(self) -> Any:
        """The error of a response whose own status is "failed", though its last event is not."""
        if not self._ended or self._status != "failed":
            return None
        error = to_builtins(self._response.error)
        return error if any((error or {}).values()) else "the response has the status failed"

    @property
    def text(self) -> str:
        return joined_texts(self._output).get(ResponseOutputText, "")

    @property
    def reasoning(self) -> str:
        return joined_texts(self._output).get(self._reasoning_kind, "")

    @property
    def refusal(self) -> str:
        return joined_texts(self._output).get(result.ResponseOutputRefusal, "")

    @property
    def tool_calls(self) -> Sequence[ToolCall]:
        return [builder.call() for builder in self._output.calls]

    @property
    def finish_reason(self) -> FinishReason | None:
        """The reason for the end: "tool_calls" if a call comes after the last message with text.

        The host itself has run the calls before that message (xAI's custom tools).
        """
        status, word = self._status, self._reason
        if status in ("completed", "incomplete"):
            word = word or ("stop" if status == "completed" else "")
            return shared_reason(word, calls=self._output.ends_with_call()) or "other"
        return "other" if status in ("failed", "cancelled") else None

    @property
    def _reason(self) -> str:
        """The vendor's own word for the end, besides the status."""
        details = self._response.incomplete_details
        return (details and details.reason) or self._response.stop_reason or ""

    @property
    def _status(self) -> str:
        return (self._response.status or "").lower()

    @property
    def usage(self) -> Usage | None:
        usage = self._response.usage
        if usage is None:
            return None
        inputs, outputs = usage.input_tokens_details, usage.output_tokens_details
        return Usage(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            total_tokens=usage.total_tokens,
            cached_tokens=usage.cached_tokens
            or usage.cache_read_input_tokens
            or usage.prompt_cache_hit_tokens
            or (inputs.cached_tokens if inputs else None),
            reasoning_tokens=usage.reasoning_tokens
            or (outputs.reasoning_tokens if outputs else None),
        )

    def deltas(self, event: ResponseStreamEvent, /) -> Iterable[Delta]:
        if type(event) is ResponseTextDeltaEvent and self._text_part is not _NO_PART:
            return (TextDelta(0, event.delta),) if event.delta else ()
        return self._latest_deltas

    def last_deltas(self) -> Iterator[Delta]:
        reason, calls = self.finish_reason, self._output.calls
        for builder in calls:
            yield from builder.last_deltas(reason, last=builder is calls[-1])
        if reason is not None:
            yield Finish(0, reason, self._reason or self._response.status or "")

    # Events without a handler (audio, errors, those that keep the connection open) have no place in
    # a response.
    _HANDLERS: ClassVar[dict[Kind, Callable[[Accumulator, Any], None]]] = {
        **dict.fromkeys(tables.STATUSES, _on_status),
        **dict.fromkeys(tables.DELTAS, _on_delta),
        **dict.fromkeys(tables.WHOLES, _on_whole),
        **dict.fromkeys(tables.ENDS, _on_end),
        events.ResponseCreatedEvent: _on_progress,
        events.ResponseQueuedEvent: _on_progress,
        events.ResponseInProgressEvent: _on_progress,
        events.ResponseOutputItemAddedEvent: _on_item_added,
        events.ResponseOutputItemDoneEvent: _on_item_done,
        events.ResponseContentPartAddedEvent: _on_part,
        events.ResponseContentPartDoneEvent: _on_part,
        events.ResponseReasoningSummaryPartAddedEvent: _on_part,
        events.ResponseReasoningSummaryPartDoneEvent: _on_part,
        events.ResponseOutputTextAnnotationAddedEvent: _on_annotation,
        events.ResponseImageGenCallPartialImageEvent: _on_partial_image,
        events.ResponseShellCallOutputContentDeltaEvent: _on_shell_output,
        events.ResponseShellCallOutputContentDoneEvent: _on_shell_output,
    }
