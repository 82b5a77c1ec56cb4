# The accumulator: the events of one stream into one `Interaction`, with its views and deltas.
#
# What always holds here:
# - The final event has the status and the usage, but mostly no steps: what was streamed is the
#   answer. If it has steps, these are the answer.
# - null means absent, and "" never overwrites. Usage is a snapshot: a count that comes again wins.
# - Steps are made where they are missing: a stream may be resumed in its middle.
# - A response that continues another (it has another id) appends its steps, and its usage adds up.
#
# How it works: nearly all events of a stream are pieces of a text. `add` remembers where these go,
# and appends them there at once. Any other event goes to the method in `_METHODS`, where the
# `StepTable` finds the step that it belongs to. The step keeps what the event added until `deltas`
# asks for it.

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar, Final

from msgspec import to_builtins
from msgspec.structs import astuple, replace

from ssekit._accumulator import Accumulator as Contract
from ssekit._accumulator import shared_reason
from ssekit._deltas import Delta, Finish, FinishReason, ReasoningDelta, TextDelta, ToolCall, Usage
from ssekit._errors import DecodeError
from ssekit._fold import SurrogateJoiner, Text, deep_copy, merge_usage
from ssekit._fragments import MERGE_AT
from ssekit._json import JSONObject
from ssekit.interactions import _events as events
from ssekit.interactions import _result as result
from ssekit.interactions._builders import StepBuilder, join_texts
from ssekit.interactions._events import InteractionSSEEvent, StepDelta
from ssekit.interactions._result import Interaction, TextContent
from ssekit.interactions._steps import StepTable

_INPUTS: Final = ("total_input_tokens", "total_cached_tokens", "total_tool_use_tokens")
_OUTPUTS: Final = (
    *("total_output_tokens", "total_thought_tokens", "total_reasoning_tokens", "total_tokens"),
)
# The fields of an interaction: those that its events may have beside it, and those kept elsewhere.
_FIELDS: Final = Interaction.__struct_fields__
_BESIDE: Final = ("id", "status", "continuation_token")
_APART: Final = {"steps", "outputs", "usage"}
# The events that end a stream, and those after which it may end: with the status that they have,
# unless they state one.
_ENDS: Final = (events.InteractionCompletedEvent, events.InteractionCompleteEvent)
_FINISHED: Final[dict[type[Any], str]] = {
    **dict.fromkeys(_ENDS, "completed"),
    events.InteractionRequiresActionEvent: "requires_action",
}
_STARTS: Final = (events.InteractionCreatedEvent, events.InteractionStartEvent)
_FORMER: Final = (events.InteractionStartEvent, events.InteractionCompleteEvent)
_STOPS: Final = (events.StepStop, events.ContentStop)
_RUNNING: Final = ("", "in_progress", "queued")

_NO_INDEX: Final = object()  # unequal to any index, and to None


class Accumulator(Contract[InteractionSSEEvent, Interaction]):
    """Accumulate the events of one stream into an `Interaction`.

    The views are made when they are read. `text` joins all texts of the model's output, `reasoning`
    the summaries of all thoughts; `tool_calls` are the function calls, which the caller is to
    answer, without those of the vendor's own tools. The endpoint has no refusals: `refusal` is
    empty.

    In `usage`, input tokens are those of the input and of the results of the vendor's tools, output
    tokens those of the output and of the thoughts.
    """

    __slots__ = (
        *("_earlier", "_event_id", "_finished", "_former", "_head", "_index", "_latest"),
        *("_pending", "_settled", "_steps", "_surrogates", "_text", "_usage"),
    )

    def __init__(self) -> None:
        self._event_id: str | None = None
        self._surrogates = SurrogateJoiner()
        # The step of the latest event; the steps that the end has, and the texts before it.
        self._latest: StepBuilder | None = None
        self._settled: tuple[list[StepBuilder], dict[type[Delta], str]] | None = None
        # If the latest event was a piece of the text: its index, and where the next one goes.
        self._index: object = _NO_INDEX
        self._text = Text()
        self._pending: list[str] = []
        self._reset()

    def _reset(self) -> None:
        self._head = Interaction()  # without its steps and its usage
        self._steps = StepTable()
        self._earlier: result.Usage | None = None  # of the responses that this one continues
        self._usage: result.Usage | None = None
        self._former = False  # whether the spelling is the former one
        self._finished = False

    def add(self, event: InteractionSSEEvent, /) -> bool:
        """Add the next event. Return True if it ends the stream.

        Raises:
            DecodeError: Another interaction begins before this one has ended.
        """
        if event.event_id:
            self._event_id = event.event_id
        if type(event) is StepDelta and event.index == self._index:
            delta = event.delta
            if type(delta) is TextContent and delta.annotations is None:  # nearly all of a stream
                self._pending.append(delta.text)
                if len(self._pending) >= MERGE_AT:
                    self._text.compact()
                if event.metadata is not None:
                    self._add_usage(event)
                return False
        self._index, self._latest, self._settled = _NO_INDEX, None, None
        method = self._METHODS.get(type(event))
        if method is not None:
            method(self, event)
        self._add_usage(event)
        return type(event) in _ENDS

    # The interaction.

    def _on_interaction(self, event: Any) -> None:
        head = event.interaction or Interaction()
        if type(event) in _STARTS:
            self._begin(head.id or event.interaction_id or "")
        self._former = self._former or type(event) in _FORMER
        beside = (event.interaction_id, event.status, event.continuation_token)
        fields = (*zip(_BESIDE, beside, strict=True), *zip(_FIELDS, astuple(head), strict=True))
        stated = {name: value for name, value in fields if value and name not in _APART}
        self._head = replace(self._head, **stated)
        if type(event) in _FINISHED:
            if "status" not in stated and self._status in _RUNNING:
                self._head = replace(self._head, status=_FINISHED[type(event)])
            if self._status != "requires_continuation":  # an earlier token is of no use now
                token = stated.get("continuation_token")
                self._head = replace(self._head, continuation_token=token)
            self._settle(head)
            self._steps.end_all()
            self._finished = True

    def _begin(self, id_: str) -> None:
        """Take the beginning of an interaction: of this one again, or of one that continues it."""
        known = self._head
        is_another = self._finished if not (id_ and known.id) else id_ != known.id
        continues = self._status == "requires_continuation" or (
            known.continuation_token and not self._finished
        )
        if is_another and continues:
            self._earlier, self._usage = _sum_usage(self._earlier, self._usage), None
            self._head = Interaction()
            self._steps.next_response()
        elif is_another and self._finished:
            self._reset()
        elif is_another:
            raise DecodeError("another interaction begins before the one under way has ended")
        self._finished = False

    def _settle(self, head: Interaction) -> None:
        texts = join_texts(self._steps) if head.steps or head.outputs else {}
        settled = []
        for stated, former in ((head.steps, False), (head.outputs, True)):
            if stated:
                settled += self._steps.settle(stated, former=former)
        self._settled = (settled, texts) if settled else None

    def _add_usage(self, event: Any) -> None:
        for usage in _usages(event):
            self._usage = merge_usage(self._usage, usage, _INPUTS, _OUTPUTS)

    # Steps.

    def _on_start(self, event: Any) -> None:
        former = type(event) is events.ContentStart
        step = event.content if former else event.step
        if step is not None:
            self._former = self._former or former
            self._latest = self._steps.begin(event.index, step, former=former)

    def _on_delta(self, event: Any) -> None:
        former, delta = type(event) is events.ContentDelta, event.delta
        builder = None if delta is None else self._steps.find(event.index, delta, former=former)
        if builder is None:
            return
        self._former = self._former or former
        self._latest = builder
        builder.add(delta)
        self._steps.name(builder)
        text = builder.latest_text() if type(delta) is TextContent and not former else None
        if text is not None and builder.emitted_as is TextDelta and event.index is not None:
            self._text, self._pending, self._index = text, text.pending, event.index

    def _on_stop(self, event: Any) -> None:
        former = type(event) is events.ContentStop
        self._latest = self._steps.end(event.index, former=former)

    _METHODS: ClassVar[dict[type[Any], Callable[[Accumulator, Any], None]]] = {
        **dict.fromkeys((*_STARTS, *_FINISHED), _on_interaction),
        events.InteractionStatusUpdate: _on_interaction,
        events.InteractionInProgressEvent: _on_interaction,
        events.StepStart: _on_start,
        events.ContentStart: _on_start,
        StepDelta: _on_delta,
        events.ContentDelta: _on_delta,
        **dict.fromkeys(_STOPS, _on_stop),
    }

    # The answer and its views.

    def snapshot(self) -> Interaction:
        steps = [builder.build() for builder in self._steps if not builder.former]
        outputs = [builder.build() for builder in self._steps if builder.former]
        answer: Interaction = deep_copy(
            self._head,
            steps=steps if steps or not self._former else None,
            outputs=outputs if outputs or (self._former and not steps) else None,
            usage=deep_copy(_sum_usage(self._earlier, self._usage)),
        )
        return answer

    @property
    def event_id(self) -> str | None:
        """The id of the latest event that has one: where to resume after."""
        return self._event_id

    @property
    def complete(self) -> bool:
        """Whether an event has come with which a stream ends."""
        return self._finished

    @property
    def failure(self) -> Any:
        """The error of an interaction whose own status is "failed"."""
        if not self._finished or self._status != "failed":
            return None
        steps = (builder.field("error") for builder in self._steps)
        errors = [*(self._head.errors or ()), *filter(None, steps)]
        return to_builtins(errors[0]) if errors else "the interaction has the status failed"

    @property
    def _status(self) -> str:
        return self._head.status.lower()

    @property
    def text(self) -> str:
        return join_texts(self._steps)[TextDelta]

    @property
    def reasoning(self) -> str:
        return join_texts(self._steps)[ReasoningDelta]

    @property
    def tool_calls(self) -> Sequence[ToolCall]:
        return [builder.call() for builder in self._steps.calls]

    @property
    def finish_reason(self) -> FinishReason | None:
        """The reason for the end: "tool_calls" if a call waits for its result."""
        if not self._finished or self._status in (*_RUNNING, "failed"):
            return None
        return shared_reason(self._status, calls=self._steps.ends_with_call())

    @property
    def usage(self) -> Usage | None:
        usage = _sum_usage(self._earlier, self._usage) or result.Usage()
        thoughts = usage.total_thought_tokens
        if thoughts is None:
            thoughts = usage.total_reasoning_tokens
        view = Usage(
            input_tokens=_sum(usage.total_input_tokens, usage.total_tool_use_tokens),
            output_tokens=_sum(usage.total_output_tokens, thoughts),
            total_tokens=usage.total_tokens,
            cached_tokens=usage.total_cached_tokens,
            reasoning_tokens=thoughts,
        )
        return view if view != Usage() else None

    # Emitting deltas.

    def deltas(self, event: InteractionSSEEvent, /) -> Iterable[Delta]:
        latest = self._latest
        if latest is not None and type(event) is StepDelta and type(event.delta) is TextContent:
            piece = latest.latest_piece = event.delta.text
            plain = event.metadata is None and latest.is_plain_text
            if plain and self._surrogates.is_whole(piece):
                return (TextDelta(0, piece),)
        return self._surrogates.join_all(self._new_deltas(event))

    def _new_deltas(self, event: Any) -> Iterator[Delta]:
        if self._latest is not None:
            yield from self._latest.deltas()
            if type(event) in _STOPS:
                yield from self._latest.end_deltas()
        if self._settled is not None:
            builders, texts = self._settled
            after = join_texts(self._steps)
            for kind in (ReasoningDelta, TextDelta):
                text, known = after[kind], texts[kind]
                if text.startswith(known) and text != known:
                    yield kind(0, text[len(known) :])
            for builder in builders:
                if builder.place is not None:
                    yield from builder.deltas()
        usage = self.usage if _usages(event) else None
        if usage is not None:
            yield usage

    def last_deltas(self) -> Iterator[Delta]:
        yield from self._surrogates.flush()
        reason = self.finish_reason
        for builder in self._steps.calls:
            yield from builder.last_deltas(reason)
        if reason is not None:
            yield Finish(0, reason, self._head.status)


def _usages(event: Any) -> list[result.Usage]:
    """Return the usages that an event states, the latest word last."""
    usages = [getattr(event, "usage", None)]
    if event.metadata is not None:
        usages = [event.metadata.total_usage, event.metadata.usage, *usages]
    if isinstance(event, events.InteractionEvent) and event.interaction is not None:
        usages.append(event.interaction.usage)
    return [usage for usage in usages if usage is not None]


def _sum(*counts: int | None) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _sum_usage(first: result.Usage | None, second: result.Usage | None) -> result.Usage | None:
    """Return the usage of two responses, of which the second continues the first."""
    if first is None or second is None:
        return second if first is None else first
    counts: dict[str, Any] = {}
    for name in result.Usage.__struct_fields__:
        ours, theirs = getattr(first, name), getattr(second, name)
        if ours is None or theirs is None:
            counts[name] = theirs if ours is None else ours
        else:
            counts[name] = _sum_lists(ours + theirs) if isinstance(ours, list) else ours + theirs
    initial = first.initial_input_tokens
    counts["initial_input_tokens"] = first.total_input_tokens if initial is None else initial
    return result.Usage(**counts)


def _sum_lists(items: list[JSONObject]) -> list[JSONObject]:
    """Add up the counts of items that have the same words, such as their modality."""
    sums: dict[str, JSONObject] = {}
    for item in items:
        words = str([value for value in item.values() if not isinstance(value, int)])
        known = sums.setdefault(words, {})
        for name, value in item.items():
            known[name] = known.get(name, 0) + value if isinstance(value, int) else value
    return list(sums.values())
