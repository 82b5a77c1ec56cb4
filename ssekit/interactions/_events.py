# The events of the stream, and the deltas of steps that are neither contents nor steps themselves.
#
# What always holds here:
# - Every field may be missing or null: then it has its default.
# - An event has its type in `event_type`. The events of the former spelling of the API, which has
#   contents instead of steps, are here too.
# - An event that reports an error is not an ordinary event: the decoder refuses it, and the format
#   makes an `APIError` of it.
# - An event or a delta of an unknown type stays as it was on the wire.

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

from ssekit._fold import OrUnknown, Unknown, WireStruct, always
from ssekit._json import JSONObject
from ssekit.interactions import _result as result

__all__ = [
    "ArgumentsDelta",
    "ContentDelta",
    "ContentStart",
    "ContentStop",
    "ErrorEvent",
    "InteractionCompleteEvent",
    "InteractionCompletedEvent",
    "InteractionCreatedEvent",
    "InteractionInProgressEvent",
    "InteractionRequiresActionEvent",
    "InteractionSSEEvent",
    "InteractionStartEvent",
    "InteractionStatusUpdate",
    "Metadata",
    "StepDelta",
    "StepDeltaData",
    "StepStart",
    "StepStop",
    "TextAnnotation",
    "TextAnnotationDelta",
    "ThoughtSignatureDelta",
    "ThoughtSummaryDelta",
    "UnknownDelta",
    "UnknownEvent",
]


class UnknownEvent(Unknown):
    """An event of a type that ssekit does not know."""

    __slots__ = ()

    metadata: ClassVar = None

    @property
    def event_type(self) -> str:
        """The vendor's word for this type, or ""."""
        word = self.get("event_type")
        return word if isinstance(word, str) else self.type

    @property
    def event_id(self) -> str | None:
        """The id of the event, to resume after; or None."""
        id_ = self.get("event_id")
        return id_ if isinstance(id_, str) else None


class UnknownDelta(Unknown):
    """A delta of a type that ssekit does not know."""

    __slots__ = ()


# The deltas of steps. (The others are contents and steps of `_result`, with only their new part.)


class Delta(WireStruct, tag_field="type"):
    """A delta of a step."""

    __unknown__: ClassVar = UnknownDelta


class ArgumentsDelta(Delta, tag="arguments_delta"):
    """The next piece of the JSON text of a call's arguments (formerly `partial_arguments`).

    Attributes:
        call_id: The id of the call, which some gateways send. It takes precedence over the index.
    """

    type: ClassVar[Literal["arguments_delta"]] = "arguments_delta"
    arguments: str = always(str)
    partial_arguments: str | None = None
    call_id: str | None = None


class ThoughtSummaryDelta(Delta, tag="thought_summary"):
    """The next item of a thought's summary: a text or an image.

    Attributes:
        text: Always None. Some gateways send it instead of `content`, to which it is moved.
    """

    type: ClassVar[Literal["thought_summary"]] = "thought_summary"
    content: result.Content | None = None
    text: None = None


class ThoughtSignatureDelta(Delta, tag="thought_signature"):
    """The signature of a thought; an empty one replaces nothing."""

    type: ClassVar[Literal["thought_signature"]] = "thought_signature"
    signature: str = always(str)


class TextAnnotationDelta(Delta, tag="text_annotation_delta"):
    """More annotations of the latest text."""

    type: ClassVar[Literal["text_annotation_delta"]] = "text_annotation_delta"
    annotations: list[JSONObject] | None = None


class TextAnnotation(Delta, tag="text_annotation"):
    """More annotations of a text, in the former spelling."""

    type: ClassVar[Literal["text_annotation"]] = "text_annotation"
    annotations: list[JSONObject] | None = None


# (An object of unknown type becomes the `__unknown__` of the first type.)
StepDeltaData: TypeAlias = OrUnknown[
    ArgumentsDelta
    | ThoughtSummaryDelta
    | ThoughtSignatureDelta
    | TextAnnotationDelta
    | TextAnnotation
    | result.KnownContent
    | result.ToolStep,
    UnknownDelta,
]


# Events.


class Metadata(WireStruct):
    """The usage so far, in one of two fields."""

    total_usage: result.Usage | None = None
    usage: result.Usage | None = None


class Event(WireStruct, kw_only=True, tag_field="event_type"):
    """An event; the stream can be resumed after its `event_id`."""

    __unknown__: ClassVar = UnknownEvent

    event_id: str | None = None
    metadata: Metadata | None = None


class InteractionEvent(Event):
    """An event of the interaction.

    Attributes:
        error: Always None. An event that has one becomes an `APIError`.
        object: Always None. An event that has one is read as the interaction itself.
    """

    interaction: result.Interaction | None = None
    interaction_id: str | None = None
    status: str | None = None
    continuation_token: str | None = None
    usage: result.Usage | None = None
    error: None = None
    object: None = None


class InteractionCreatedEvent(InteractionEvent, tag="interaction.created"):
    """The start of the interaction, or of the next response that continues it."""

    event_type: ClassVar[Literal["interaction.created"]] = "interaction.created"


class InteractionStatusUpdate(InteractionEvent, tag="interaction.status_update"):
    """The status so far. It does not end the stream, whatever it is."""

    event_type: ClassVar[Literal["interaction.status_update"]] = "interaction.status_update"


class InteractionInProgressEvent(InteractionEvent, tag="interaction.in_progress"):
    """The interaction, in progress."""

    event_type: ClassVar[Literal["interaction.in_progress"]] = "interaction.in_progress"


class InteractionRequiresActionEvent(InteractionEvent, tag="interaction.requires_action"):
    """The interaction, which waits for the results of function calls."""

    event_type: ClassVar[Literal["interaction.requires_action"]] = "interaction.requires_action"


class InteractionCompletedEvent(InteractionEvent, tag="interaction.completed"):
    """The end of the stream. The status of the interaction is the reason for it."""

    event_type: ClassVar[Literal["interaction.completed"]] = "interaction.completed"


class InteractionStartEvent(InteractionEvent, tag="interaction.start"):
    """The start of the interaction, in the former spelling."""

    event_type: ClassVar[Literal["interaction.start"]] = "interaction.start"


class InteractionCompleteEvent(InteractionEvent, tag="interaction.complete"):
    """The end of the stream, in the former spelling."""

    event_type: ClassVar[Literal["interaction.complete"]] = "interaction.complete"


class StepStart(Event, tag="step.start"):
    """The start of a step, mostly without its contents."""

    event_type: ClassVar[Literal["step.start"]] = "step.start"
    index: int | None = None
    step: result.Step | None = None


class StepDelta(Event, tag="step.delta"):
    """More of a step."""

    event_type: ClassVar[Literal["step.delta"]] = "step.delta"
    index: int | None = None
    delta: StepDeltaData | None = None


class StepStop(Event, tag="step.stop"):
    """The end of a step; `usage` is that of the interaction so far, `step_usage` of the step."""

    event_type: ClassVar[Literal["step.stop"]] = "step.stop"
    index: int | None = None
    usage: result.Usage | None = None
    step_usage: result.Usage | None = None


class ContentStart(Event, tag="content.start"):
    """The start of an output, in the former spelling."""

    event_type: ClassVar[Literal["content.start"]] = "content.start"
    index: int | None = None
    content: result.Output | None = None


class ContentDelta(Event, tag="content.delta"):
    """More of an output, in the former spelling."""

    event_type: ClassVar[Literal["content.delta"]] = "content.delta"
    index: int | None = None
    delta: StepDeltaData | None = None


class ContentStop(Event, tag="content.stop"):
    """The end of an output, in the former spelling."""

    event_type: ClassVar[Literal["content.stop"]] = "content.stop"
    index: int | None = None
    usage: result.Usage | None = None


class ErrorEvent(Event, tag="error"):
    """The report of an error. It is the `chunk` of an `APIError`, which has its fields."""

    event_type: ClassVar[Literal["error"]] = "error"


OrdinaryEvent: TypeAlias = (
    StepDelta
    | StepStart
    | StepStop
    | ContentDelta
    | ContentStart
    | ContentStop
    | InteractionCreatedEvent
    | InteractionStatusUpdate
    | InteractionInProgressEvent
    | InteractionRequiresActionEvent
    | InteractionCompletedEvent
    | InteractionStartEvent
    | InteractionCompleteEvent
)

# The ordinary events, and the one that reports errors. Data that the typed decoder refuses is read
# as one of these.
AnyEvent: TypeAlias = OrdinaryEvent | ErrorEvent

InteractionSSEEvent: TypeAlias = OrUnknown[AnyEvent, UnknownEvent]
