# The accumulator: the events of one stream into one `Interaction`, with its views and deltas.
#
# What always holds here:
# - The final event has the status and the usage, but mostly no steps: what was streamed is the
#   answer. If it has steps, they replace ours; one that they lack stays (`StepTable.settle`).
# - null means absent, and "" never overwrites. Usage is a snapshot: a count that comes again wins.
# - Steps are made where they are missing: a stream may be resumed in its middle.
# - A response that continues another (it has another id) appends its steps.
#
# How it works: nearly all events of a stream are one more piece of a text. `add` remembers where
# that goes. Any other event goes to its handler in `_HANDLERS`. The `StepTable` finds the step that
# it belongs to, which keeps what the event added until `deltas` asks for it. In the API's former
# spelling, an answer has `outputs`, and the model's output is bare contents: here each of these is
# a step until the answer is read.

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, ClassVar, Final

from msgspec import to_builtins
from msgspec.structs import replace

from ssekit._accumulator import Accumulator as Contract
from ssekit._accumulator import later_word, shared_reason
from ssekit._calls import joined_texts
from ssekit._deltas import Delta, Finish, FinishReason, ReasoningDelta, TextDelta, ToolCall, Usage
from ssekit._errors import DecodeError
from ssekit._fold import add_counts, deep_copy, merge_usage
from ssekit._fragments import MERGE_AT
from ssekit._text import Text
from ssekit.interactions import _events as events
from ssekit.interactions import _result as result
from ssekit.interactions._builders import StepBuilder, as_outputs, as_step, field_of
from ssekit.interactions._events import InteractionSSEEvent, StepDelta
from ssekit.interactions._result import Interaction, TextContent
from ssekit.interactions._steps import StepTable

_INPUTS: Final = ("total_input_tokens", "total_cached_tokens", "total_tool_use_tokens")
_OUTPUTS: Final = (
    *("total_output_tokens", "total_thought_tokens", "total_reasoning_tokens", "total_tokens"),
)
# The fields of an interaction, without those that are kept elsewhere.
_FIELDS: Final = tuple(
    name for name in Interaction.__struct_fields__ if name not in ("steps", "outputs", "usage")
)
_NOTHING: Final = Interaction()
# The events after which a stream may end: with the status that they have, unless they state one.
_FINISHED: Final[dict[type[Any], str]] = {
    events.InteractionCompletedEvent: "completed",
    events.InteractionCompleteEvent: "completed",
    events.InteractionRequiresActionEvent: "requires_action",
}
_STOPS: Final = (events.StepStop, events.ContentStop)
_RUNNING: Final = ("", "in_progress", "queued")


class Accumulator(Contract[InteractionSSEEvent, Interaction]):
    """Accumulate the events of one stream into an `Interaction`.

    The views are made when they are read. `text` joins all texts of the model's output, `reasoning`
    the summaries of all thoughts; `tool_calls` are the function calls, which the caller is to
    answer, without those of the vendor's own tools. The endpoint has no refusals: `refusal` is
    empty.

    In `usage`, input tokens are those of the input and of the results of the vendor's tools, output
    tokens those of the output and of the thoughts.

    Attributes:
        event_id: The id of the latest event that has one: where to resume after.
    """

    __slots__ = (
        *("_counted", "_finished", "_former", "_head", "_index", "_latest", "_settled", "_steps"),
        *("_text", "_usage", "event_id"),
    )

    def __init__(self) -> None:
        self.event_id: str | None = None
        self._counted: Any = None  # the latest event that states a usage
        self._latest: StepBuilder | None = None  # the step of the latest event
        # The deltas of what the latest event adds, if it has all steps of the response.
        self._settled: Iterable[Delta] = ()
        # If the latest event was a piece of a text of the output: its index, and the text.
        self._index: int | None = None
        self._text: Text | None = None
        self._reset()

    def _reset(self) -> None:
        self._head = _NOTHING  # without its steps and its usage
        self._steps = StepTable()
        self._usage: result.Usage | None = None
        self._former = False  # whether the latest event of a step was in the former spelling
        self._finished = False

    def add(self, event: InteractionSSEEvent, /) -> bool | None:
        """Add the next event. Return True if it ends the stream.

        Raises:
            DecodeError: Another interaction begins before this one has ended.
        """
        if event.event_id:
            self.event_id = event.event_id
        text = self._text
        if text is not None and type(event) is StepDelta and event.index == self._index:
            delta: Any = event.delta
            plain = type(delta) is TextContent and delta.annotations is None
            if plain and event.metadata is None:
                text.pending.append(delta.text)  # nearly all of a stream
                if len(text.pending) >= MERGE_AT:
                    text.compact()
                return False
        self._text, self._latest, self._settled = None, None, ()
        handler = self._HANDLERS.get(type(event))
        ends = handler is not None and handler(self, event)
        if event.metadata is not None:
            self._count(event, event.metadata.total_usage, event.metadata.usage)
        return ends

    def _count(self, event: Any, *usages: result.Usage | None) -> None:
        """Take the usages that an event states, the newest last."""
        for usage in usages:
            if usage is not None:
                self._usage = merge_usage(self._usage, usage, _INPUTS, _OUTPUTS)
                self._counted = event

    # The interaction.

    def _begin(self, event: Any) -> None:
        """Take the beginning of an interaction: of this one again, or of one that continues it."""
        stated, known = _stated(event), self._head
        self._former = type(event) is events.InteractionStartEvent
        if known is not _NOTHING:
            id_ = stated.get("id")
            # Without two ids to compare, whatever follows the end is another interaction.
            is_another = id_ != known.id if id_ and known.id else self._finished
            continues = self._status == "requires_continuation" or (
                known.continuation_token and not self._finished
            )
            if is_another and continues:
                self._head, self._usage = _NOTHING, None
                self._steps.next_response()
            elif is_another and self._finished:
                self._reset()
            elif is_another and any(self._steps):
                raise DecodeError("another interaction begins before the one under way has ended")
            else:
                self._steps.created = True
            self._finished = False
        self._update(event, stated)

    def _update(self, event: Any, stated: dict[str, Any] | None = None) -> None:
        """Take what an event states of the interaction."""
        self._head = replace(self._head, **(_stated(event) if stated is None else stated))
        self._count(event, event.usage, event.interaction and event.interaction.usage)

    def _finish(self, event: Any) -> bool:
        """Take an event with which the stream ends, or may end."""
        stated, head = _stated(event), event.interaction
        if self._status in _RUNNING:
            stated.setdefault("status", _FINISHED[type(event)])
        self._update(event, stated)
        ends = type(event) is not events.InteractionRequiresActionEvent
        steps = [] if head is None else head.steps or list(map(as_step, head.outputs or ()))
        # Before the end, only twice as many as the last time count: so the cost is linear.
        if steps and (ends or len(steps) >= 2 * self._steps.settled):
            self._former = head is not None and not head.steps
            self._settled = self._settled_deltas(*self._steps.settle(steps))
            self._steps.settled = len(steps)
        elif type(event) is events.InteractionCompleteEvent and not any(self._steps):
            self._former = True
        self._steps.end_all()
        self._finished = True
        return ends

    # Steps.

    def _on_start(self, event: Any) -> None:
        self._former = type(event) is events.ContentStart
        step = as_step(event.content) if self._former else event.step
        if step is not None:
            self._latest = self._steps.begin(event.index, step)

    def _on_delta(self, event: Any) -> None:
        self._former, delta = type(event) is events.ContentDelta, event.delta
        builder = None if delta is None else self._steps.find(event.index, delta)
        if builder is not None:
            self._latest = builder
            builder.add(delta)
            self._steps.assign_place(builder)
            text = builder.latest_text
            # (A piece that is the text of the delta itself had no echo cut off.)
            is_plain = type(delta) is TextContent and builder.latest_piece is delta.text
            if is_plain and builder.emitted_as is TextDelta and text is not None and text.echo < 0:
                self._index, self._text = event.index, text

    def _on_stop(self, event: Any) -> None:
        self._latest = self._steps.end(event.index)
        self._count(event, event.usage)

    _HANDLERS: ClassVar[dict[type[Any], Callable[[Accumulator, Any], bool | None]]] = {
        events.InteractionCreatedEvent: _begin,
        events.InteractionStartEvent: _begin,
        events.InteractionStatusUpdate: _update,
        events.InteractionInProgressEvent: _update,
        **dict.fromkeys(_FINISHED, _finish),
        events.StepStart: _on_start,
        events.ContentStart: _on_start,
        StepDelta: _on_delta,
        events.ContentDelta: _on_delta,
        **dict.fromkeys(_STOPS, _on_stop),
    }

    # The answer and its views.

    def snapshot(self) -> Interaction:
        steps = [builder.build() for builder in self._steps]
        return replace(
            self._head,
            steps=None if self._former else steps,
            outputs=[*chain.from_iterable(map(as_outputs, steps))] if self._former else None,
            usage=deep_copy(self._usage),
            errors=deep_copy(self._head.errors),
        )

    @property
    def complete(self) -> bool:
        """Whether an event has come with which a stream ends."""
        return self._finished

    @property
    def failure(self) -> Any:
        """The error of an interaction whose own status is "failed"."""
        if self._status != "failed":
            return None
        steps = (field_of(builder.step, "error") for builder in self._steps)
        errors = [*(self._head.errors or ()), *filter(None, steps)]
        return to_builtins(errors[0]) if errors else "the interaction has the status failed"

    @property
    def _status(self) -> str:
        return self._head.status.lower()

    @property
    def text(self) -> str:
        return joined_texts(self._steps).get(TextDelta, "")

    @property
    def reasoning(self) -> str:
        return joined_texts(self._steps).get(ReasoningDelta, "")

    @property
    def tool_calls(self) -> Sequence[ToolCall]:
        return [builder.call() for builder in self._steps.calls]

    @property
    def finish_reason(self) -> FinishReason | None:
        """The reason for the end: "tool_calls" if a call waits for its result."""
        if not self._finished or self._status in (*_RUNNING, "failed"):
            return None
        return shared_reason(self._word, calls=self._steps.ends_with_call())

    @property
    def _word(self) -> str | None:
        """The vendor's word for the end: that of a gateway, if it is more than a bare `stop`."""
        return later_word(self._head.status, self._head.stop_reason or self._head.status)

    @property
    def usage(self) -> Usage | None:
        usage = self._usage or result.Usage()
        thoughts = usage.total_thought_tokens
        if thoughts is None:
            thoughts = usage.total_reasoning_tokens
        view = Usage(
            input_tokens=add_counts(usage.total_input_tokens, usage.total_tool_use_tokens),
            output_tokens=add_counts(usage.total_output_tokens, thoughts),
            total_tokens=usage.total_tokens,
            cached_tokens=usage.total_cached_tokens,
            reasoning_tokens=thoughts,
        )
        return view if view != Usage() else None

    # Emitting deltas.

    def deltas(self, event: Any, /) -> Iterable[Delta]:
        if self._text is not None and event is not self._counted:
            piece = event.delta.text
            return (TextDelta(0, piece),) if piece else ()
        deltas: Iterable[Delta] = ()
        if self._latest is not None:
            deltas = self._latest.deltas(stopped=type(event) in _STOPS)
        usage = self.usage if event is self._counted else None
        return chain(deltas, self._settled, () if usage is None else (usage,))

    def _settled_deltas(
        self, builders: Iterable[StepBuilder], texts: dict[type[Delta], str]
    ) -> Iterator[Delta]:
        """Yield the deltas of what all steps of a response add to the texts, and to the calls."""
        for kind in (ReasoningDelta, TextDelta):
            if texts.get(kind):
                yield kind(0, texts[kind])
        for builder in builders:
            if builder.place is not None:
                yield from builder.deltas(stopped=False)

    def last_deltas(self) -> Iterator[Delta]:
        reason = self.finish_reason
        for builder in self._steps.calls:
            yield from builder.last_deltas(reason)
        if reason is not None:
            yield Finish(0, reason, self._word or "")


def _stated(event: Any) -> dict[str, Any]:
    """Return the fields of an interaction that an event states: neither null nor empty."""
    head = event.interaction
    names = () if head is None else _FIELDS
    stated = {name: value for name in names if (value := getattr(head, name))}
    beside = {"id": event.interaction_id, "status": event.status}
    beside["continuation_token"] = event.continuation_token
    return {name: value for name, value in beside.items() if value} | stated
