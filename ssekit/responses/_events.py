# The events of the stream: one struct for each type that the vendor documents or sends. (That is
# why the file is long.)
#
# What always holds here:
# - Every field may be missing or null: then it has its default. (Some hosts leave out the item's
#   id, the sequence number or the log probabilities.)
# - Events that report an error are not in the union of ordinary events. The typed decoder refuses
#   them, so that they become errors.
# - An event of unknown type stays as it came.

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias, get_args

from ssekit._fold import OrUnknown, Unknown, WireStruct, always
from ssekit._json import JSONObject
from ssekit.responses._result import (
    ContentPart,
    Logprob,
    Response,
    ResponseOutputItem,
    ShellCallOutputContent,
)

__all__ = [
    "KeepAliveEvent",
    "ResponseApplyPatchCallOperationDiffDeltaEvent",
    "ResponseApplyPatchCallOperationDiffDoneEvent",
    "ResponseAudioDeltaEvent",
    "ResponseAudioDoneEvent",
    "ResponseAudioTranscriptDeltaEvent",
    "ResponseAudioTranscriptDoneEvent",
    "ResponseCancelledEvent",
    "ResponseCodeInterpreterCallCodeDeltaEvent",
    "ResponseCodeInterpreterCallCodeDoneEvent",
    "ResponseCodeInterpreterCallCompletedEvent",
    "ResponseCodeInterpreterCallInProgressEvent",
    "ResponseCodeInterpreterCallInterpretingEvent",
    "ResponseCompactionCompactingEvent",
    "ResponseCompletedEvent",
    "ResponseContentPartAddedEvent",
    "ResponseContentPartDoneEvent",
    "ResponseCreatedEvent",
    "ResponseCustomToolCallInputDeltaEvent",
    "ResponseCustomToolCallInputDoneEvent",
    "ResponseErrorEvent",
    "ResponseFailedEvent",
    "ResponseFileSearchCallCompletedEvent",
    "ResponseFileSearchCallInProgressEvent",
    "ResponseFileSearchCallSearchingEvent",
    "ResponseFunctionCallArgumentsDeltaEvent",
    "ResponseFunctionCallArgumentsDoneEvent",
    "ResponseImageGenCallCompletedEvent",
    "ResponseImageGenCallGeneratingEvent",
    "ResponseImageGenCallInProgressEvent",
    "ResponseImageGenCallPartialImageEvent",
    "ResponseInProgressEvent",
    "ResponseIncompleteEvent",
    "ResponseMcpCallArgumentsDeltaEvent",
    "ResponseMcpCallArgumentsDoneEvent",
    "ResponseMcpCallCompletedEvent",
    "ResponseMcpCallFailedEvent",
    "ResponseMcpCallInProgressEvent",
    "ResponseMcpListToolsCompletedEvent",
    "ResponseMcpListToolsFailedEvent",
    "ResponseMcpListToolsInProgressEvent",
    "ResponseOutputItemAddedEvent",
    "ResponseOutputItemDoneEvent",
    "ResponseOutputTextAnnotationAddedEvent",
    "ResponseQueuedEvent",
    "ResponseReasoningDeltaEvent",
    "ResponseReasoningDoneEvent",
    "ResponseReasoningSummaryPartAddedEvent",
    "ResponseReasoningSummaryPartDoneEvent",
    "ResponseReasoningSummaryTextDeltaEvent",
    "ResponseReasoningSummaryTextDoneEvent",
    "ResponseReasoningTextDeltaEvent",
    "ResponseReasoningTextDoneEvent",
    "ResponseRefusalDeltaEvent",
    "ResponseRefusalDoneEvent",
    "ResponseShellCallCommandAddedEvent",
    "ResponseShellCallCommandDeltaEvent",
    "ResponseShellCallCommandDoneEvent",
    "ResponseShellCallOutputContentDeltaEvent",
    "ResponseShellCallOutputContentDoneEvent",
    "ResponseStreamEvent",
    "ResponseTextDeltaEvent",
    "ResponseTextDoneEvent",
    "ResponseWebSearchCallCompletedEvent",
    "ResponseWebSearchCallInProgressEvent",
    "ResponseWebSearchCallSearchingEvent",
    "ShellCallOutputDelta",
    "UnknownEvent",
]


class UnknownEvent(Unknown):
    """An event of unknown type, as it came."""

    __slots__ = ()

    @property
    def sequence_number(self) -> int | None:
        """The position of the event in the stream, to resume after; or None."""
        number = self.get("sequence_number")
        return number if isinstance(number, int) else None


class Event(WireStruct, kw_only=True, tag_field="type"):
    """An event; `sequence_number` is its position in the stream, to resume after."""

    __unknown__: ClassVar = UnknownEvent

    sequence_number: int | None = None


class ResponseEvent(Event):
    """An event of the response as a whole."""

    response: Response | None = None
    # Always None, so that a response in the place of its event is refused, and then repaired.
    id: None = None
    status: None = None
    usage: None = None


class ItemEvent(Event):
    """An event of the item at `output_index`. (`item_id` may change from event to event.)"""

    item_id: str | None = None
    output_index: int | None = None


class DeltaEvent(ItemEvent):
    """The next piece of a text; `obfuscation` is padding without a meaning.

    Attributes:
        text: Always None. Some servers have the piece in `text`, from which it is moved to `delta`.
    """

    delta: str = always(str)
    obfuscation: str | None = None
    text: None = None


class DoneEvent(ItemEvent):
    """A whole text, which came in pieces before."""


class StepEvent(ItemEvent):
    """A step of the work on an item: the last word of the event's type."""


# The response.


class ResponseCreatedEvent(ResponseEvent, tag="response.created"):
    """The start of the response."""

    type: ClassVar[Literal["response.created"]]


class ResponseQueuedEvent(ResponseEvent, tag="response.queued"):
    """The response, waiting in a queue."""

    type: ClassVar[Literal["response.queued"]]


class ResponseInProgressEvent(ResponseEvent, tag="response.in_progress"):
    """The response, in progress."""

    type: ClassVar[Literal["response.in_progress"]]


class ResponseCompletedEvent(ResponseEvent, tag="response.completed"):
    """The end of the stream, with the whole response."""

    type: ClassVar[Literal["response.completed"]]


class ResponseIncompleteEvent(ResponseEvent, tag="response.incomplete"):
    """The end of the stream, with a response that was cut off, and the reason for that."""

    type: ClassVar[Literal["response.incomplete"]]


class ResponseCancelledEvent(ResponseEvent, tag="response.cancelled"):
    """The end of the stream, with a response that was cancelled."""

    type: ClassVar[Literal["response.cancelled"]]


class ResponseFailedEvent(ResponseEvent, tag="response.failed"):
    """The end of the stream, with a response that failed: the `chunk` of an `APIError`."""

    type: ClassVar[Literal["response.failed"]]


class ResponseErrorEvent(Event, tag="error"):
    """An error that the host reports: the `chunk` of an `APIError`."""

    type: ClassVar[Literal["error"]]
    code: str | None = None
    message: str | None = None
    param: str | None = None


# Items and parts.


class ResponseOutputItemAddedEvent(ItemEvent, tag="response.output_item.added"):
    """The start of an item."""

    type: ClassVar[Literal["response.output_item.added"]]
    item: ResponseOutputItem | None = None


class ResponseOutputItemDoneEvent(ItemEvent, tag="response.output_item.done"):
    """A whole item."""

    type: ClassVar[Literal["response.output_item.done"]]
    item: ResponseOutputItem | None = None


class ResponseContentPartAddedEvent(ItemEvent, tag="response.content_part.added"):
    """The start of a part of the content."""

    type: ClassVar[Literal["response.content_part.added"]]
    content_index: int = always(int)
    part: ContentPart | None = None


class ResponseContentPartDoneEvent(ItemEvent, tag="response.content_part.done"):
    """A whole part of the content."""

    type: ClassVar[Literal["response.content_part.done"]]
    content_index: int = always(int)
    part: ContentPart | None = None


# Text and refusal.


class ResponseTextDeltaEvent(DeltaEvent, tag="response.output_text.delta"):
    type: ClassVar[Literal["response.output_text.delta"]]
    content_index: int = always(int)
    logprobs: tuple[Logprob, ...] | None = None


class ResponseTextDoneEvent(DoneEvent, tag="response.output_text.done"):
    type: ClassVar[Literal["response.output_text.done"]]
    content_index: int = always(int)
    text: str | None = None
    logprobs: tuple[Logprob, ...] | None = None


class ResponseOutputTextAnnotationAddedEvent(
    ItemEvent, tag="response.output_text.annotation.added"
):
    """A citation in the text."""

    type: ClassVar[Literal["response.output_text.annotation.added"]]
    content_index: int = always(int)
    annotation_index: int | None = None
    annotation: JSONObject | None = None


class ResponseRefusalDeltaEvent(DeltaEvent, tag="response.refusal.delta"):
    type: ClassVar[Literal["response.refusal.delta"]]
    content_index: int = always(int)


class ResponseRefusalDoneEvent(DoneEvent, tag="response.refusal.done"):
    type: ClassVar[Literal["response.refusal.done"]]
    content_index: int = always(int)
    refusal: str | None = None


# Reasoning.


class ResponseReasoningTextDeltaEvent(DeltaEvent, tag="response.reasoning_text.delta"):
    type: ClassVar[Literal["response.reasoning_text.delta"]]
    content_index: int = always(int)


class ResponseReasoningTextDoneEvent(DoneEvent, tag="response.reasoning_text.done"):
    type: ClassVar[Literal["response.reasoning_text.done"]]
    content_index: int = always(int)
    text: str | None = None


class ResponseReasoningDeltaEvent(DeltaEvent, tag="response.reasoning.delta"):
    """The next piece of the reasoning, as Open Responses and Vercel's gateway name it."""

    type: ClassVar[Literal["response.reasoning.delta"]]
    content_index: int = always(int)


class ResponseReasoningDoneEvent(DoneEvent, tag="response.reasoning.done"):
    """The whole reasoning, under the same name."""

    type: ClassVar[Literal["response.reasoning.done"]]
    content_index: int = always(int)
    text: str | None = None


class ResponseReasoningSummaryPartAddedEvent(
    ItemEvent, tag="response.reasoning_summary_part.added"
):
    """The start of a part of the summary."""

    type: ClassVar[Literal["response.reasoning_summary_part.added"]]
    summary_index: int = always(int)
    part: ContentPart | None = None


class ResponseReasoningSummaryPartDoneEvent(ItemEvent, tag="response.reasoning_summary_part.done"):
    """A part of the summary: whole, unless `status` is "incomplete"."""

    type: ClassVar[Literal["response.reasoning_summary_part.done"]]
    summary_index: int = always(int)
    part: ContentPart | None = None
    status: str | None = None


class ResponseReasoningSummaryTextDeltaEvent(
    DeltaEvent, tag="response.reasoning_summary_text.delta"
):
    type: ClassVar[Literal["response.reasoning_summary_text.delta"]]
    summary_index: int = always(int)


class ResponseReasoningSummaryTextDoneEvent(DoneEvent, tag="response.reasoning_summary_text.done"):
    type: ClassVar[Literal["response.reasoning_summary_text.done"]]
    summary_index: int = always(int)
    text: str | None = None


# Calls of functions and custom tools.


class ResponseFunctionCallArgumentsDeltaEvent(
    DeltaEvent, tag="response.function_call_arguments.delta"
):
    type: ClassVar[Literal["response.function_call_arguments.delta"]]
    call_id: str | None = None


class ResponseFunctionCallArgumentsDoneEvent(
    DoneEvent, tag="response.function_call_arguments.done"
):
    type: ClassVar[Literal["response.function_call_arguments.done"]]
    arguments: str | None = None
    call_id: str | None = None
    name: str | None = None


class ResponseCustomToolCallInputDeltaEvent(
    DeltaEvent, tag="response.custom_tool_call_input.delta"
):
    type: ClassVar[Literal["response.custom_tool_call_input.delta"]]


class ResponseCustomToolCallInputDoneEvent(DoneEvent, tag="response.custom_tool_call_input.done"):
    type: ClassVar[Literal["response.custom_tool_call_input.done"]]
    input: str | None = None


# MCP.


class ResponseMcpCallArgumentsDeltaEvent(DeltaEvent, tag="response.mcp_call_arguments.delta"):
    type: ClassVar[Literal["response.mcp_call_arguments.delta"]]


class ResponseMcpCallArgumentsDoneEvent(DoneEvent, tag="response.mcp_call_arguments.done"):
    type: ClassVar[Literal["response.mcp_call_arguments.done"]]
    arguments: str | None = None


class ResponseMcpCallInProgressEvent(StepEvent, tag="response.mcp_call.in_progress"):
    type: ClassVar[Literal["response.mcp_call.in_progress"]]


class ResponseMcpCallCompletedEvent(StepEvent, tag="response.mcp_call.completed"):
    type: ClassVar[Literal["response.mcp_call.completed"]]


class ResponseMcpCallFailedEvent(StepEvent, tag="response.mcp_call.failed"):
    type: ClassVar[Literal["response.mcp_call.failed"]]


class ResponseMcpListToolsInProgressEvent(StepEvent, tag="response.mcp_list_tools.in_progress"):
    type: ClassVar[Literal["response.mcp_list_tools.in_progress"]]


class ResponseMcpListToolsCompletedEvent(StepEvent, tag="response.mcp_list_tools.completed"):
    type: ClassVar[Literal["response.mcp_list_tools.completed"]]


class ResponseMcpListToolsFailedEvent(StepEvent, tag="response.mcp_list_tools.failed"):
    type: ClassVar[Literal["response.mcp_list_tools.failed"]]


# Calls of the host's own tools.


class ResponseWebSearchCallInProgressEvent(StepEvent, tag="response.web_search_call.in_progress"):
    type: ClassVar[Literal["response.web_search_call.in_progress"]]


class ResponseWebSearchCallSearchingEvent(StepEvent, tag="response.web_search_call.searching"):
    type: ClassVar[Literal["response.web_search_call.searching"]]


class ResponseWebSearchCallCompletedEvent(StepEvent, tag="response.web_search_call.completed"):
    type: ClassVar[Literal["response.web_search_call.completed"]]


class ResponseFileSearchCallInProgressEvent(StepEvent, tag="response.file_search_call.in_progress"):
    type: ClassVar[Literal["response.file_search_call.in_progress"]]


class ResponseFileSearchCallSearchingEvent(StepEvent, tag="response.file_search_call.searching"):
    type: ClassVar[Literal["response.file_search_call.searching"]]


class ResponseFileSearchCallCompletedEvent(StepEvent, tag="response.file_search_call.completed"):
    type: ClassVar[Literal["response.file_search_call.completed"]]


class ResponseCodeInterpreterCallInProgressEvent(
    StepEvent, tag="response.code_interpreter_call.in_progress"
):
    type: ClassVar[Literal["response.code_interpreter_call.in_progress"]]


class ResponseCodeInterpreterCallInterpretingEvent(
    StepEvent, tag="response.code_interpreter_call.interpreting"
):
    type: ClassVar[Literal["response.code_interpreter_call.interpreting"]]


class ResponseCodeInterpreterCallCompletedEvent(
    StepEvent, tag="response.code_interpreter_call.completed"
):
    type: ClassVar[Literal["response.code_interpreter_call.completed"]]


class ResponseCodeInterpreterCallCodeDeltaEvent(
    DeltaEvent, tag="response.code_interpreter_call_code.delta"
):
    type: ClassVar[Literal["response.code_interpreter_call_code.delta"]]


class ResponseCodeInterpreterCallCodeDoneEvent(
    DoneEvent, tag="response.code_interpreter_call_code.done"
):
    type: ClassVar[Literal["response.code_interpreter_call_code.done"]]
    code: str | None = None


class ResponseImageGenCallInProgressEvent(
    StepEvent, tag="response.image_generation_call.in_progress"
):
    type: ClassVar[Literal["response.image_generation_call.in_progress"]]


class ResponseImageGenCallGeneratingEvent(
    StepEvent, tag="response.image_generation_call.generating"
):
    type: ClassVar[Literal["response.image_generation_call.generating"]]


class ResponseImageGenCallCompletedEvent(StepEvent, tag="response.image_generation_call.completed"):
    type: ClassVar[Literal["response.image_generation_call.completed"]]


class ResponseImageGenCallPartialImageEvent(
    ItemEvent, tag="response.image_generation_call.partial_image"
):
    """A partial image, in base64."""

    type: ClassVar[Literal["response.image_generation_call.partial_image"]]
    partial_image_index: int = always(int)
    partial_image_b64: str | None = None
    background: str | None = None
    output_format: str | None = None
    quality: str | None = None
    size: str | None = None


class ResponseCompactionCompactingEvent(StepEvent, tag="response.compaction.compacting"):
    type: ClassVar[Literal["response.compaction.compacting"]]


# Shells and patches.


class ResponseShellCallCommandAddedEvent(ItemEvent, tag="response.shell_call_command.added"):
    """The start of a command."""

    type: ClassVar[Literal["response.shell_call_command.added"]]
    command_index: int = always(int)
    command: str | None = None


class ResponseShellCallCommandDeltaEvent(DeltaEvent, tag="response.shell_call_command.delta"):
    type: ClassVar[Literal["response.shell_call_command.delta"]]
    command_index: int = always(int)


class ResponseShellCallCommandDoneEvent(DoneEvent, tag="response.shell_call_command.done"):
    type: ClassVar[Literal["response.shell_call_command.done"]]
    command_index: int = always(int)
    command: str | None = None


class ShellCallOutputDelta(WireStruct):
    """The next piece of one of the two outputs of a command."""

    stdout: str | None = None
    stderr: str | None = None


class ResponseShellCallOutputContentDeltaEvent(
    ItemEvent, tag="response.shell_call_output_content.delta"
):
    """The next piece of the output of a command."""

    type: ClassVar[Literal["response.shell_call_output_content.delta"]]
    command_index: int = always(int)
    delta: ShellCallOutputDelta | None = None
    obfuscation: str | None = None


class ResponseShellCallOutputContentDoneEvent(
    ItemEvent, tag="response.shell_call_output_content.done"
):
    """The whole output of a command."""

    type: ClassVar[Literal["response.shell_call_output_content.done"]]
    command_index: int = always(int)
    output: list[ShellCallOutputContent] | None = None


class ResponseApplyPatchCallOperationDiffDeltaEvent(
    DeltaEvent, tag="response.apply_patch_call_operation_diff.delta"
):
    type: ClassVar[Literal["response.apply_patch_call_operation_diff.delta"]]


class ResponseApplyPatchCallOperationDiffDoneEvent(
    DoneEvent, tag="response.apply_patch_call_operation_diff.done"
):
    type: ClassVar[Literal["response.apply_patch_call_operation_diff.done"]]
    diff: str | None = None


# Audio and keepalives, which are not in the response.


class ResponseAudioDeltaEvent(Event, tag="response.audio.delta"):
    """The next piece of the audio, in base64."""

    type: ClassVar[Literal["response.audio.delta"]]
    delta: str = always(str)


class ResponseAudioDoneEvent(Event, tag="response.audio.done"):
    """The end of the audio."""

    type: ClassVar[Literal["response.audio.done"]]


class ResponseAudioTranscriptDeltaEvent(Event, tag="response.audio.transcript.delta"):
    """The next piece of the transcript of the audio."""

    type: ClassVar[Literal["response.audio.transcript.delta"]]
    delta: str = always(str)


class ResponseAudioTranscriptDoneEvent(Event, tag="response.audio.transcript.done"):
    """The end of the transcript of the audio."""

    type: ClassVar[Literal["response.audio.transcript.done"]]


class KeepAliveEvent(Event, tag="keepalive"):
    """An event without content, which keeps the connection open."""

    type: ClassVar[Literal["keepalive"]]


OrdinaryEvent: TypeAlias = (
    ResponseTextDeltaEvent
    | ResponseCreatedEvent
    | ResponseQueuedEvent
    | ResponseInProgressEvent
    | ResponseCompletedEvent
    | ResponseIncompleteEvent
    | ResponseCancelledEvent
    | ResponseOutputItemAddedEvent
    | ResponseOutputItemDoneEvent
    | ResponseContentPartAddedEvent
    | ResponseContentPartDoneEvent
    | ResponseTextDoneEvent
    | ResponseOutputTextAnnotationAddedEvent
    | ResponseRefusalDeltaEvent
    | ResponseRefusalDoneEvent
    | ResponseReasoningTextDeltaEvent
    | ResponseReasoningTextDoneEvent
    | ResponseReasoningDeltaEvent
    | ResponseReasoningDoneEvent
    | ResponseReasoningSummaryPartAddedEvent
    | ResponseReasoningSummaryPartDoneEvent
    | ResponseReasoningSummaryTextDeltaEvent
    | ResponseReasoningSummaryTextDoneEvent
    | ResponseFunctionCallArgumentsDeltaEvent
    | ResponseFunctionCallArgumentsDoneEvent
    | ResponseCustomToolCallInputDeltaEvent
    | ResponseCustomToolCallInputDoneEvent
    | ResponseMcpCallArgumentsDeltaEvent
    | ResponseMcpCallArgumentsDoneEvent
    | ResponseMcpCallInProgressEvent
    | ResponseMcpCallCompletedEvent
    | ResponseMcpCallFailedEvent
    | ResponseMcpListToolsInProgressEvent
    | ResponseMcpListToolsCompletedEvent
    | ResponseMcpListToolsFailedEvent
    | ResponseWebSearchCallInProgressEvent
    | ResponseWebSearchCallSearchingEvent
    | ResponseWebSearchCallCompletedEvent
    | ResponseFileSearchCallInProgressEvent
    | ResponseFileSearchCallSearchingEvent
    | ResponseFileSearchCallCompletedEvent
    | ResponseCodeInterpreterCallInProgressEvent
    | ResponseCodeInterpreterCallInterpretingEvent
    | ResponseCodeInterpreterCallCompletedEvent
    | ResponseCodeInterpreterCallCodeDeltaEvent
    | ResponseCodeInterpreterCallCodeDoneEvent
    | ResponseImageGenCallInProgressEvent
    | ResponseImageGenCallGeneratingEvent
    | ResponseImageGenCallCompletedEvent
    | ResponseImageGenCallPartialImageEvent
    | ResponseCompactionCompactingEvent
    | ResponseShellCallCommandAddedEvent
    | ResponseShellCallCommandDeltaEvent
    | ResponseShellCallCommandDoneEvent
    | ResponseShellCallOutputContentDeltaEvent
    | ResponseShellCallOutputContentDoneEvent
    | ResponseApplyPatchCallOperationDiffDeltaEvent
    | ResponseApplyPatchCallOperationDiffDoneEvent
    | ResponseAudioDeltaEvent
    | ResponseAudioDoneEvent
    | ResponseAudioTranscriptDeltaEvent
    | ResponseAudioTranscriptDoneEvent
    | KeepAliveEvent
)

# The ordinary events, and the two that report errors. Data that the typed decoder refuses is read
# as one of these.
AnyEvent: TypeAlias = OrdinaryEvent | ResponseErrorEvent | ResponseFailedEvent

for event in get_args(AnyEvent):
    event.type = event.__struct_config__.tag

ResponseStreamEvent: TypeAlias = OrUnknown[AnyEvent, UnknownEvent]
