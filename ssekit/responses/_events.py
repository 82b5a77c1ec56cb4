# The events of the stream: one struct for each type that the vendor documents or sends.
#
# What always holds here:
# - Every field may be missing or null: then it has its default. (Some hosts leave out the item's
#   id, the sequence number, the log probabilities.)
# - Events that report an error are not in the union of ordinary events. The typed decoder refuses
#   them, so that they become errors.
# - An event of unknown type stays as it came.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias, dataclass_transform, get_args

import msgspec

from ssekit._fold import Unknown
from ssekit._json import JSONObject
from ssekit.responses._result import (
    ContentPart,
    Logprob,
    Response,
    ResponseOutputItem,
    ShellCallOutputContent,
    text_field,
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


def _zero() -> Any:
    # A default of 0 would not be encoded.
    return msgspec.field(default_factory=int)


class UnknownEvent(Unknown):
    """An event of unknown type, as it came."""

    __slots__ = ()

    @property
    def sequence_number(self) -> int | None:
        """The position of the event in the stream, to resume after; or None."""
        number = self.get("sequence_number")
        return number if isinstance(number, int) else None


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Event(
    msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True, tag_field="type"
):
    """An event; `sequence_number` is its position in the stream, to resume after."""

    __unknown__: ClassVar = UnknownEvent

    sequence_number: int | None = None


class ItemEvent(Event):
    """An event of the item at `output_index`. (`item_id` may change from event to event.)"""

    item_id: str | None = None
    output_index: int | None = None


class DeltaEvent(ItemEvent):
    """The next piece of a text; `obfuscation` is padding without a meaning."""

    delta: str = text_field()
    obfuscation: str | None = None


# The response.


class ResponseCreatedEvent(Event, tag="response.created"):
    """The start of the response."""

    type: ClassVar[Literal["response.created"]]
    response: Response | None = None


class ResponseQueuedEvent(Event, tag="response.queued"):
    """The response, waiting in a queue."""

    type: ClassVar[Literal["response.queued"]]
    response: Response | None = None


class ResponseInProgressEvent(Event, tag="response.in_progress"):
    """The response, in progress."""

    type: ClassVar[Literal["response.in_progress"]]
    response: Response | None = None


class ResponseCompletedEvent(Event, tag="response.completed"):
    """The end of the stream, with the whole response."""

    type: ClassVar[Literal["response.completed"]]
    response: Response | None = None


class ResponseIncompleteEvent(Event, tag="response.incomplete"):
    """The end of the stream, with a response that was cut off, and the reason for that."""

    type: ClassVar[Literal["response.incomplete"]]
    response: Response | None = None


class ResponseCancelledEvent(Event, tag="response.cancelled"):
    """The end of the stream, with a response that was cancelled."""

    type: ClassVar[Literal["response.cancelled"]]
    response: Response | None = None


class ResponseFailedEvent(Event, tag="response.failed"):
    """The end of the stream, with a response that failed: the `chunk` of an `APIError`."""

    type: ClassVar[Literal["response.failed"]]
    response: Response | None = None


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
    content_index: int = _zero()
    part: ContentPart | None = None


class ResponseContentPartDoneEvent(ItemEvent, tag="response.content_part.done"):
    """A whole part of the content."""

    type: ClassVar[Literal["response.content_part.done"]]
    content_index: int = _zero()
    part: ContentPart | None = None


# Text and refusal.


class ResponseTextDeltaEvent(DeltaEvent, tag="response.output_text.delta"):
    """The next piece of the text."""

    type: ClassVar[Literal["response.output_text.delta"]]
    content_index: int = _zero()
    logprobs: tuple[Logprob, ...] | None = None


class ResponseTextDoneEvent(ItemEvent, tag="response.output_text.done"):
    """The whole text."""

    type: ClassVar[Literal["response.output_text.done"]]
    content_index: int = _zero()
    text: str | None = None
    logprobs: tuple[Logprob, ...] | None = None


class ResponseOutputTextAnnotationAddedEvent(
    ItemEvent, tag="response.output_text.annotation.added"
):
    """A citation in the text."""

    type: ClassVar[Literal["response.output_text.annotation.added"]]
    content_index: int = _zero()
    annotation_index: int | None = None
    annotation: JSONObject | None = None


class ResponseRefusalDeltaEvent(DeltaEvent, tag="response.refusal.delta"):
    """The next piece of the refusal."""

    type: ClassVar[Literal["response.refusal.delta"]]
    content_index: int = _zero()


class ResponseRefusalDoneEvent(ItemEvent, tag="response.refusal.done"):
    """The whole refusal."""

    type: ClassVar[Literal["response.refusal.done"]]
    content_index: int = _zero()
    refusal: str | None = None


# Reasoning.


class ResponseReasoningTextDeltaEvent(DeltaEvent, tag="response.reasoning_text.delta"):
    """The next piece of the reasoning."""

    type: ClassVar[Literal["response.reasoning_text.delta"]]
    content_index: int = _zero()


class ResponseReasoningTextDoneEvent(ItemEvent, tag="response.reasoning_text.done"):
    """The whole reasoning."""

    type: ClassVar[Literal["response.reasoning_text.done"]]
    content_index: int = _zero()
    text: str | None = None


class ResponseReasoningDeltaEvent(DeltaEvent, tag="response.reasoning.delta"):
    """The next piece of the reasoning, as Open Responses and Vercel's gateway name it."""

    type: ClassVar[Literal["response.reasoning.delta"]]
    content_index: int = _zero()


class ResponseReasoningDoneEvent(ItemEvent, tag="response.reasoning.done"):
    """The whole reasoning, under the same name."""

    type: ClassVar[Literal["response.reasoning.done"]]
    content_index: int = _zero()
    text: str | None = None


class ResponseReasoningSummaryPartAddedEvent(
    ItemEvent, tag="response.reasoning_summary_part.added"
):
    """The start of a part of the summary."""

    type: ClassVar[Literal["response.reasoning_summary_part.added"]]
    summary_index: int = _zero()
    part: ContentPart | None = None


class ResponseReasoningSummaryPartDoneEvent(ItemEvent, tag="response.reasoning_summary_part.done"):
    """A part of the summary: whole, unless `status` is "incomplete"."""

    type: ClassVar[Literal["response.reasoning_summary_part.done"]]
    summary_index: int = _zero()
    part: ContentPart | None = None
    status: str | None = None


class ResponseReasoningSummaryTextDeltaEvent(
    DeltaEvent, tag="response.reasoning_summary_text.delta"
):
    """The next piece of the summary."""

    type: ClassVar[Literal["response.reasoning_summary_text.delta"]]
    summary_index: int = _zero()


class ResponseReasoningSummaryTextDoneEvent(ItemEvent, tag="response.reasoning_summary_text.done"):
    """The whole summary."""

    type: ClassVar[Literal["response.reasoning_summary_text.done"]]
    summary_index: int = _zero()
    text: str | None = None


# Calls of functions and custom tools.


class ResponseFunctionCallArgumentsDeltaEvent(
    DeltaEvent, tag="response.function_call_arguments.delta"
):
    """The next piece of the arguments."""

    type: ClassVar[Literal["response.function_call_arguments.delta"]]
    call_id: str | None = None


class ResponseFunctionCallArgumentsDoneEvent(
    ItemEvent, tag="response.function_call_arguments.done"
):
    """The whole arguments."""

    type: ClassVar[Literal["response.function_call_arguments.done"]]
    arguments: str | None = None
    call_id: str | None = None
    name: str | None = None


class ResponseCustomToolCallInputDeltaEvent(
    DeltaEvent, tag="response.custom_tool_call_input.delta"
):
    """The next piece of the input."""

    type: ClassVar[Literal["response.custom_tool_call_input.delta"]]


class ResponseCustomToolCallInputDoneEvent(ItemEvent, tag="response.custom_tool_call_input.done"):
    """The whole input."""

    type: ClassVar[Literal["response.custom_tool_call_input.done"]]
    input: str | None = None


# MCP.


class ResponseMcpCallArgumentsDeltaEvent(DeltaEvent, tag="response.mcp_call_arguments.delta"):
    """The next piece of the arguments."""

    type: ClassVar[Literal["response.mcp_call_arguments.delta"]]


class ResponseMcpCallArgumentsDoneEvent(ItemEvent, tag="response.mcp_call_arguments.done"):
    """The whole arguments."""

    type: ClassVar[Literal["response.mcp_call_arguments.done"]]
    arguments: str | None = None


class ResponseMcpCallInProgressEvent(ItemEvent, tag="response.mcp_call.in_progress"):
    """The start of the call."""

    type: ClassVar[Literal["response.mcp_call.in_progress"]]


class ResponseMcpCallCompletedEvent(ItemEvent, tag="response.mcp_call.completed"):
    """The end of a call that succeeded."""

    type: ClassVar[Literal["response.mcp_call.completed"]]


class ResponseMcpCallFailedEvent(ItemEvent, tag="response.mcp_call.failed"):
    """The end of a call that failed."""

    type: ClassVar[Literal["response.mcp_call.failed"]]


class ResponseMcpListToolsInProgressEvent(ItemEvent, tag="response.mcp_list_tools.in_progress"):
    """The start of the listing of the tools."""

    type: ClassVar[Literal["response.mcp_list_tools.in_progress"]]


class ResponseMcpListToolsCompletedEvent(ItemEvent, tag="response.mcp_list_tools.completed"):
    """The end of a listing that succeeded."""

    type: ClassVar[Literal["response.mcp_list_tools.completed"]]


class ResponseMcpListToolsFailedEvent(ItemEvent, tag="response.mcp_list_tools.failed"):
    """The end of a listing that failed."""

    type: ClassVar[Literal["response.mcp_list_tools.failed"]]


# Tools of the host.


class ResponseWebSearchCallInProgressEvent(ItemEvent, tag="response.web_search_call.in_progress"):
    """The start of a search in the web."""

    type: ClassVar[Literal["response.web_search_call.in_progress"]]


class ResponseWebSearchCallSearchingEvent(ItemEvent, tag="response.web_search_call.searching"):
    """A search in the web, in progress."""

    type: ClassVar[Literal["response.web_search_call.searching"]]


class ResponseWebSearchCallCompletedEvent(ItemEvent, tag="response.web_search_call.completed"):
    """The end of a search in the web."""

    type: ClassVar[Literal["response.web_search_call.completed"]]


class ResponseFileSearchCallInProgressEvent(ItemEvent, tag="response.file_search_call.in_progress"):
    """The start of a search in files."""

    type: ClassVar[Literal["response.file_search_call.in_progress"]]


class ResponseFileSearchCallSearchingEvent(ItemEvent, tag="response.file_search_call.searching"):
    """A search in files, in progress."""

    type: ClassVar[Literal["response.file_search_call.searching"]]


class ResponseFileSearchCallCompletedEvent(ItemEvent, tag="response.file_search_call.completed"):
    """The end of a search in files."""

    type: ClassVar[Literal["response.file_search_call.completed"]]


class ResponseCodeInterpreterCallInProgressEvent(
    ItemEvent, tag="response.code_interpreter_call.in_progress"
):
    """The start of a call of the code interpreter."""

    type: ClassVar[Literal["response.code_interpreter_call.in_progress"]]


class ResponseCodeInterpreterCallInterpretingEvent(
    ItemEvent, tag="response.code_interpreter_call.interpreting"
):
    """The start of the run of the code."""

    type: ClassVar[Literal["response.code_interpreter_call.interpreting"]]


class ResponseCodeInterpreterCallCompletedEvent(
    ItemEvent, tag="response.code_interpreter_call.completed"
):
    """The end of the run of the code."""

    type: ClassVar[Literal["response.code_interpreter_call.completed"]]


class ResponseCodeInterpreterCallCodeDeltaEvent(
    DeltaEvent, tag="response.code_interpreter_call_code.delta"
):
    """The next piece of the code."""

    type: ClassVar[Literal["response.code_interpreter_call_code.delta"]]


class ResponseCodeInterpreterCallCodeDoneEvent(
    ItemEvent, tag="response.code_interpreter_call_code.done"
):
    """The whole code."""

    type: ClassVar[Literal["response.code_interpreter_call_code.done"]]
    code: str | None = None


class ResponseImageGenCallInProgressEvent(
    ItemEvent, tag="response.image_generation_call.in_progress"
):
    """The start of an image."""

    type: ClassVar[Literal["response.image_generation_call.in_progress"]]


class ResponseImageGenCallGeneratingEvent(
    ItemEvent, tag="response.image_generation_call.generating"
):
    """An image, in progress."""

    type: ClassVar[Literal["response.image_generation_call.generating"]]


class ResponseImageGenCallCompletedEvent(ItemEvent, tag="response.image_generation_call.completed"):
    """The end of an image."""

    type: ClassVar[Literal["response.image_generation_call.completed"]]


class ResponseImageGenCallPartialImageEvent(
    ItemEvent, tag="response.image_generation_call.partial_image"
):
    """A partial image, in base64."""

    type: ClassVar[Literal["response.image_generation_call.partial_image"]]
    partial_image_index: int = _zero()
    partial_image_b64: str | None = None
    background: str | None = None
    output_format: str | None = None
    quality: str | None = None
    size: str | None = None


class ResponseCompactionCompactingEvent(ItemEvent, tag="response.compaction.compacting"):
    """The compaction of the conversation, in progress."""

    type: ClassVar[Literal["response.compaction.compacting"]]


# Shells and patches.


class ResponseShellCallCommandAddedEvent(ItemEvent, tag="response.shell_call_command.added"):
    """The start of a command."""

    type: ClassVar[Literal["response.shell_call_command.added"]]
    command_index: int = _zero()
    command: str | None = None


class ResponseShellCallCommandDeltaEvent(DeltaEvent, tag="response.shell_call_command.delta"):
    """The next piece of a command."""

    type: ClassVar[Literal["response.shell_call_command.delta"]]
    command_index: int = _zero()


class ResponseShellCallCommandDoneEvent(ItemEvent, tag="response.shell_call_command.done"):
    """A whole command."""

    type: ClassVar[Literal["response.shell_call_command.done"]]
    command_index: int = _zero()
    command: str | None = None


class ShellCallOutputDelta(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The next piece of one of the two outputs of a command."""

    stdout: str | None = None
    stderr: str | None = None


class ResponseShellCallOutputContentDeltaEvent(
    ItemEvent, tag="response.shell_call_output_content.delta"
):
    """The next piece of the output of a command."""

    type: ClassVar[Literal["response.shell_call_output_content.delta"]]
    command_index: int = _zero()
    delta: ShellCallOutputDelta | None = None
    obfuscation: str | None = None


class ResponseShellCallOutputContentDoneEvent(
    ItemEvent, tag="response.shell_call_output_content.done"
):
    """The whole output of a command."""

    type: ClassVar[Literal["response.shell_call_output_content.done"]]
    command_index: int = _zero()
    output: list[ShellCallOutputContent] | None = None


class ResponseApplyPatchCallOperationDiffDeltaEvent(
    DeltaEvent, tag="response.apply_patch_call_operation_diff.delta"
):
    """The next piece of a patch."""

    type: ClassVar[Literal["response.apply_patch_call_operation_diff.delta"]]


class ResponseApplyPatchCallOperationDiffDoneEvent(
    ItemEvent, tag="response.apply_patch_call_operation_diff.done"
):
    """A whole patch."""

    type: ClassVar[Literal["response.apply_patch_call_operation_diff.done"]]
    diff: str | None = None


# Audio, and the connection: the response has no place for these.


class ResponseAudioDeltaEvent(Event, tag="response.audio.delta"):
    """The next piece of the audio, in base64."""

    type: ClassVar[Literal["response.audio.delta"]]
    delta: str = text_field()


class ResponseAudioDoneEvent(Event, tag="response.audio.done"):
    """The end of the audio."""

    type: ClassVar[Literal["response.audio.done"]]


class ResponseAudioTranscriptDeltaEvent(Event, tag="response.audio.transcript.delta"):
    """The next piece of the transcript of the audio."""

    type: ClassVar[Literal["response.audio.transcript.delta"]]
    delta: str = text_field()


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

# The ordinary events, and the two that report errors. Data of any unusual shape is read as these.
AnyEvent: TypeAlias = OrdinaryEvent | ResponseErrorEvent | ResponseFailedEvent

for event in get_args(AnyEvent):
    event.type = event.__struct_config__.tag

if TYPE_CHECKING:
    ResponseStreamEvent: TypeAlias = AnyEvent | UnknownEvent
else:
    ResponseStreamEvent = AnyEvent
