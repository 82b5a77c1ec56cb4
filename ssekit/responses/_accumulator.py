# The fold of a stream of events into a `Response`.
#
# What always holds here:
# - Items and parts are known by their indices, never by their ids, which some hosts change with
#   every event. What is missing is made: a stream may be resumed in its middle.
# - The terminal event's response is the answer, unless it has no output: then what was folded is.
# - Deltas join to the texts. Where a whole text goes on from the pieces, what it adds is told;
#   where it contradicts them, nothing more is.

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar, TypeVar

from msgspec.structs import replace

from ssekit._compat import NOWHERE, TextRun
from ssekit._deltas import (
    Delta,
    Finish,
    FinishReason,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from ssekit._fold import SurrogateJoiner, deep_copy
from ssekit._json import parse_text
from ssekit.responses import _events as events
from ssekit.responses._builders import (
    CALLS,
    Addition,
    CommandOutputBuilder,
    ItemBuilder,
    PartBuilder,
    PartsBuilder,
    stated,
    text_of,
)
from ssekit.responses._events import ResponseStreamEvent, ResponseTextDeltaEvent, UnknownEvent
from ssekit.responses._output import Output
from ssekit.responses._result import (
    ImageGenerationCall,
    InputTokensDetails,
    OutputTokensDetails,
    ReasoningSummary,
    Response,
    ResponseFunctionShellToolCall,
    ResponseFunctionShellToolCallOutput,
    ResponseFunctionToolCall,
    ResponseOutputItem,
    ResponseOutputRefusal,
    ResponseOutputText,
    ResponseUsage,
)
from ssekit.responses._tables import (
    ENDS,
    HOMES,
    INCOMPLETE,
    ITEM_PIECES,
    ITEM_WHOLES,
    PART_PIECES,
    PART_WHOLES,
    STATUSES,
    SUMMARY_PARTS,
    TEXTS,
)

ValueT = TypeVar("ValueT")


class Accumulator:
    """Folds the events of one stream into a `Response`.

    The views are made when they are looked at. `text` joins the texts of all messages; `reasoning`
    is the reasoning itself or its summaries, whichever the host sent first; `tool_calls` are those
    of functions and of custom tools.
    """

    __slots__ = (
        "_ended",
        "_output",
        "_part_of_text",
        "_reasoning_kind",
        "_response",
        "_run",
        "_said",
        "_surrogates",
    )

    def __init__(self) -> None:
        # What is said of the whole; its output is in the items.
        self._response = Response()
        self._output = Output()
        self._reasoning_kind: type[Any] | None = None
        self._ended = False
        # What the latest event said, if that was not a piece of the text.
        self._said: list[Delta] = []
        self._surrogates = SurrogateJoiner()
        # Where the text goes on, and in which part, if the latest event was a piece of it.
        self._run = TextRun(ResponseTextDeltaEvent, Accumulator.add)
        self._part_of_text = PartBuilder(ResponseOutputText())

    def add(self, event: ResponseStreamEvent, /) -> bool:
        """Fold the next event in. Return True if it ends the stream."""
        run = self._run
        if type(event) is ResponseTextDeltaEvent:  # nearly all of a stream; see `TextRun`
            if event.output_index != run.output_index or event.content_index != run.content_index:
                self._turn_to(event)
            self._part_of_text.text.append(event.delta)
            if event.logprobs:
                self._part_of_text.logprobs += event.logprobs
            if event.sequence_number is not None:
                run.sequence_number = event.sequence_number
            return False
        run.output_index = NOWHERE
        self._said = []
        if isinstance(event, UnknownEvent):
            number = event.get("sequence_number")
            if isinstance(number, int):
                run.sequence_number = number
            return False
        if event.sequence_number is not None:
            run.sequence_number = event.sequence_number
        fold = self._FOLDS.get(type(event))
        if fold is not None:
            fold(self, event)
        return type(event) in ENDS

    # Finding, and making, what an event speaks of.

    def _home(self, event: Any, kind: type[Any]) -> tuple[ItemBuilder, PartsBuilder, int]:
        """Return the item of a part of some kind, the parts beside it, and its index."""
        kinds, field = HOMES[kind]
        folded = self._output.of(event, kinds)
        if field == "summary":
            return folded, folded.summary, event.summary_index
        return folded, folded.content, event.content_index

    def _part(self, event: Any, kind: type[Any]) -> PartBuilder:
        _, parts, index = self._home(event, kind)
        return parts.at(index, kind)

    def _turn_to(self, event: ResponseTextDeltaEvent) -> None:
        self._part_of_text = self._part(event, ResponseOutputText)
        run, index = self._run, event.output_index
        run.pending = self._part_of_text.text.pending
        run.output_index = NOWHERE if index is None else index
        run.content_index = event.content_index

    # Telling what is new.

    def _say(self, kind: type[Any], piece: str) -> None:
        if not piece:
            return
        if kind is ResponseOutputText:
            self._said.append(TextDelta(0, piece))
        elif kind is ResponseOutputRefusal:
            self._said.append(RefusalDelta(0, piece))
        else:
            self._reasoning_kind = self._reasoning_kind or kind
            if kind is self._reasoning_kind:
                self._said.append(ReasoningDelta(0, piece))

    def _say_call(self, folded: ItemBuilder, piece: str) -> None:
        item = folded.item
        if folded.place is not None and (piece or not folded.announced):
            folded.announced = True
            self._said.append(ToolCallDelta(0, folded.place, item.call_id, item.name, piece))

    def _say_additions(self, folded: ItemBuilder, additions: Iterable[Addition]) -> None:
        for kind, piece in additions:
            if kind in CALLS:
                self._say_call(folded, piece)
            elif kind in TEXTS:
                self._say(kind, piece)

    def _spoken(self) -> dict[type[Any], str]:
        """Return what all items say, by the kind of text that it is."""
        texts: dict[type[Any], list[str]] = {}
        for folded in self._output:
            for kind, text in folded.spoken().items():
                texts.setdefault(kind, []).append(text)
        return {kind: "".join(pieces) for kind, pieces in texts.items()}

    # The events.

    def _fold_head(self, event: Any) -> None:
        """Fold in a response that is under way."""
        response = event.response
        if response is not None:
            self._response = stated(self._response, replace(response, output=[]))
            self._ended = False  # over one decoder, another attempt may begin
            if not self._output:
                self._state_output(response.output)

    def _fold_end(self, event: Any) -> None:
        response = event.response or Response()
        self._state_output(response.output)
        status = response.status if response.status in ENDS.values() else ENDS[type(event)]
        head = stated(self._response, replace(response, output=[], status=status))
        # How it ended, this event alone says: an attempt before may have failed.
        self._response = replace(
            head, error=response.error, incomplete_details=response.incomplete_details
        )
        self._ended = type(event) is not events.ResponseFailedEvent
        usage = self.usage  # which an event before may have said
        if usage is not None:
            self._said.append(usage)

    def _state_output(self, output: list[ResponseOutputItem]) -> None:
        if not output:
            return
        before = self._spoken()
        contradicted = {kind for item in self._output for kind in item.contradicted}
        folded = self._output.settle(output)
        calls = [
            (item, addition)
            for item, whole in zip(folded, output, strict=True)
            for addition in item.state(whole)
        ]
        # Of texts, what all of the items add to all that there was: they may be divided otherwise.
        after = self._spoken()
        for kind in TEXTS:
            text, known = after.get(kind, ""), before.get(kind, "")
            if text.startswith(known) and kind not in contradicted:
                self._say(kind, text[len(known) :])
        for item, (kind, piece) in calls:
            if kind in CALLS:
                self._say_call(item, piece)

    def _fold_item_added(self, event: events.ResponseOutputItemAddedEvent) -> None:
        if event.item is None:
            return
        folded = self._output.begun(event.output_index, event.item)
        if folded.added:
            # It is added again: it begins again.
            folded.begin(type(folded.item)())
        self._say_additions(folded, folded.begin_with(event.item))

    def _fold_item_done(self, event: events.ResponseOutputItemDoneEvent) -> None:
        if event.item is None:
            return
        folded = self._output.ended(event.output_index, event.item)
        self._say_additions(folded, folded.state(event.item))
        folded.done = True
        if folded.place is not None and not folded.handed:
            self._say_call(folded, folded.keep_given())
            folded.handed = True
            self._said.append(folded.call())

    def _fold_part(self, event: Any) -> None:
        part = event.part
        if part is None:
            return
        # A part of unknown type, or one in a strange place, stays where the event has it.
        kind = ReasoningSummary if isinstance(event, SUMMARY_PARTS) else type(part)
        text = text_of(part)
        if not text and self._output.is_of_others(event, HOMES[kind][0]):
            return  # LiteLLM ends a text with a part of another type that says nothing
        folded, parts, index = self._home(event, kind)
        addition = parts.whole_at(index, type(part), text).state(part)
        self._say(folded.kind_of(type(part)), addition)

    def _fold_part_piece(self, event: Any) -> None:
        kind = PART_PIECES[type(event)]
        self._part(event, kind).text.append(event.delta)
        self._say(kind, event.delta)

    def _fold_part_whole(self, event: Any) -> None:
        kind, field = PART_WHOLES[type(event)]
        whole = getattr(event, field) or ""
        _, parts, index = self._home(event, kind)
        part = parts.whole_at(index, kind, whole)
        if kind is ResponseOutputText and event.logprobs:
            part.logprobs = list(event.logprobs)
        self._say(kind, part.text.state(whole))

    def _fold_annotation(self, event: events.ResponseOutputTextAnnotationAddedEvent) -> None:
        if event.annotation is not None:
            part = self._part(event, ResponseOutputText)
            part.annotate(event.annotation_index, event.annotation)

    def _fold_item_piece(self, event: Any) -> None:
        if not self._output.is_unknown(event.item_id):
            folded = self._output.of(event, ITEM_PIECES[type(event)])
            self._say_call(folded, folded.append(event.delta))

    def _fold_item_whole(self, event: Any) -> None:
        if self._output.is_unknown(event.item_id):
            return
        kinds, field = ITEM_WHOLES[type(event)]
        folded = self._output.of(event, kinds)
        addition = folded.state_text(getattr(event, field))
        if isinstance(folded.item, ResponseFunctionToolCall) and event.name:
            folded.item = replace(folded.item, name=event.name)
        self._say_call(folded, addition)

    def _fold_status(self, event: Any) -> None:
        kind, status = STATUSES[type(event)]
        folded = self._output.of(event, (kind,))
        if status is not None:
            folded.item = replace(folded.item, status=status)

    def _fold_partial_image(self, event: events.ResponseImageGenCallPartialImageEvent) -> None:
        folded = self._output.of(event, (ImageGenerationCall,))
        image = ImageGenerationCall(
            result=event.partial_image_b64,
            background=event.background,
            output_format=event.output_format,
            quality=event.quality,
            size=event.size,
        )
        folded.item = stated(folded.item, image)

    def _fold_command(self, event: Any) -> None:
        folded = self._output.of(event, (ResponseFunctionShellToolCall,))
        folded.command(event.command_index).state(event.command)

    def _fold_command_piece(self, event: events.ResponseShellCallCommandDeltaEvent) -> None:
        folded = self._output.of(event, (ResponseFunctionShellToolCall,))
        folded.command(event.command_index).append(event.delta)

    def _fold_output_piece(self, event: events.ResponseShellCallOutputContentDeltaEvent) -> None:
        folded = self._output.of(event, (ResponseFunctionShellToolCallOutput,))
        output = folded.outputs.setdefault(event.command_index, CommandOutputBuilder())
        if event.delta is not None:
            output.stdout.append(event.delta.stdout or "")
            output.stderr.append(event.delta.stderr or "")

    def _fold_output(self, event: events.ResponseShellCallOutputContentDoneEvent) -> None:
        folded = self._output.of(event, (ResponseFunctionShellToolCallOutput,))
        if event.output:
            folded.outputs[event.command_index] = CommandOutputBuilder(event.output)

    # What was folded.

    def snapshot(self) -> Response:
        """Return the answer so far, in the shape of the endpoint's answer without `stream`."""
        output = [folded.view() for folded in self._output]
        # (Some hosts call it a "chat.completion" here.)
        response: Response = replace(deep_copy(self._response), object="response", output=output)
        return response

    @property
    def sequence_number(self) -> int | None:
        """That of the latest event that had one: where to resume after."""
        return self._run.sequence_number

    @property
    def complete(self) -> bool:
        """Whether the event was seen that ends a stream."""
        return self._ended

    @property
    def text(self) -> str:
        """The text so far: of all messages, joined."""
        return self._joined(ResponseOutputText)

    def parse(self, type: type[ValueT]) -> ValueT:
        """Return the text, read as JSON, as `type` (anything that msgspec decodes into).

        Raises:
            DecodeError: The text is not JSON (it may not have ended), or not of that type.
        """
        return parse_text(self.text, type)

    @property
    def reasoning(self) -> str:
        """The reasoning so far, or its summaries."""
        return self._joined(self._reasoning_kind) if self._reasoning_kind else ""

    @property
    def refusal(self) -> str:
        """The refusal so far."""
        return self._joined(ResponseOutputRefusal)

    def _joined(self, kind: type[Any]) -> str:
        return self._spoken().get(kind, "")

    @property
    def tool_calls(self) -> Sequence[ToolCall]:
        """The tool calls so far, whole or not, in the order in which they appeared."""
        return [folded.call() for folded in self._output.calls()]

    @property
    def finish_reason(self) -> FinishReason | None:
        """Why the answer ended, in the shared words; None while it has not."""
        status, details = self._response.status, self._response.incomplete_details
        if status == "completed":
            return "tool_calls" if self._output.calls() else "stop"
        if status == "incomplete":
            return INCOMPLETE.get(details.reason if details else None, "other")
        return "other" if status in ("failed", "cancelled") else None

    @property
    def usage(self) -> Usage | None:
        """The tokens of the request, as far as the host has said."""
        usage = self._response.usage
        return _usage_view(usage) if usage is not None else None

    def deltas(self, event: ResponseStreamEvent, /) -> Iterable[Delta]:
        """Return what an event says, after `add` has folded it in and before the next one."""
        if type(event) is not ResponseTextDeltaEvent:
            return self._mended(self._said) if self._said else ()
        piece = TextDelta(0, event.delta)
        if self._surrogates.is_whole(event.delta):
            return (piece,)
        return self._mended([piece]) if event.delta else ()

    def _mended(self, said: list[Delta]) -> Iterator[Delta]:
        for delta in said:
            if isinstance(delta, ToolCall | Usage | Finish):
                yield delta
                continue
            mended = self._surrogates.join(delta)
            if mended is not None:
                yield mended

    def last_deltas(self) -> Iterator[Delta]:
        """Yield what only the end of a finished stream says: the finish, and calls not yet told."""
        yield from self._surrogates.flush()
        for folded in self._output.calls():
            if not folded.handed:
                folded.handed = True
                given = folded.keep_given()
                call = folded.call()
                if given:
                    yield ToolCallDelta(0, call.place, call.id, call.name, given)
                yield call
        reason = self.finish_reason
        if reason is not None:
            details, status = self._response.incomplete_details, self._response.status
            yield Finish(0, reason, (details and details.reason) or status or "")

    # What folds an event in. The others (audio, errors, what keeps the connection open) have no
    # place in a response.
    _FOLDS: ClassVar[dict[type[Any], Callable[[Accumulator, Any], None]]] = {
        events.ResponseCreatedEvent: _fold_head,
        events.ResponseQueuedEvent: _fold_head,
        events.ResponseInProgressEvent: _fold_head,
        events.ResponseOutputItemAddedEvent: _fold_item_added,
        events.ResponseOutputItemDoneEvent: _fold_item_done,
        events.ResponseContentPartAddedEvent: _fold_part,
        events.ResponseContentPartDoneEvent: _fold_part,
        events.ResponseReasoningSummaryPartAddedEvent: _fold_part,
        events.ResponseReasoningSummaryPartDoneEvent: _fold_part,
        events.ResponseOutputTextAnnotationAddedEvent: _fold_annotation,
        events.ResponseImageGenCallPartialImageEvent: _fold_partial_image,
        events.ResponseShellCallCommandAddedEvent: _fold_command,
        events.ResponseShellCallCommandDoneEvent: _fold_command,
        events.ResponseShellCallCommandDeltaEvent: _fold_command_piece,
        events.ResponseShellCallOutputContentDeltaEvent: _fold_output_piece,
        events.ResponseShellCallOutputContentDoneEvent: _fold_output,
        **dict.fromkeys(ENDS, _fold_end),
        **dict.fromkeys(STATUSES, _fold_status),
        **dict.fromkeys(PART_PIECES, _fold_part_piece),
        **dict.fromkeys(PART_WHOLES, _fold_part_whole),
        **dict.fromkeys(ITEM_PIECES, _fold_item_piece),
        **dict.fromkeys(ITEM_WHOLES, _fold_item_whole),
    }


def _usage_view(usage: ResponseUsage) -> Usage:
    spent = usage.input_tokens_details or InputTokensDetails()
    made = usage.output_tokens_details or OutputTokensDetails()
    return Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        total_tokens=usage.total_tokens,
        cached_tokens=spent.cached_tokens,
        reasoning_tokens=made.reasoning_tokens,
    )
