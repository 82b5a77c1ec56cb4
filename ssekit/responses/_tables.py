# What each event speaks of: which type of item or part, which of its fields, and what it says.

from __future__ import annotations

from typing import Any, Final

from ssekit._deltas import FinishReason
from ssekit.responses import _events as events
from ssekit.responses._result import (
    ImageGenerationCall,
    McpCall,
    McpListTools,
    ReasoningSummary,
    ReasoningText,
    ResponseApplyPatchToolCall,
    ResponseCodeInterpreterToolCall,
    ResponseCompactionItem,
    ResponseCustomToolCall,
    ResponseFileSearchToolCall,
    ResponseFunctionToolCall,
    ResponseFunctionWebSearch,
    ResponseOutputMessage,
    ResponseOutputRefusal,
    ResponseOutputText,
    ResponseReasoningItem,
    UnknownPart,
)

# Which items hold a kind of part (the first is made if there is none), and in which field.
HOMES: Final[dict[type[Any], tuple[tuple[type[Any], ...], str]]] = {
    ResponseOutputText: ((ResponseOutputMessage,), "content"),
    ResponseOutputRefusal: ((ResponseOutputMessage,), "content"),
    ReasoningText: ((ResponseReasoningItem,), "content"),
    ReasoningSummary: ((ResponseReasoningItem,), "summary"),
    UnknownPart: ((ResponseOutputMessage, ResponseReasoningItem), "content"),
}
# The kinds of text, in the order in which an answer that comes at once says them.
TEXTS: Final = (ReasoningText, ReasoningSummary, ResponseOutputText, ResponseOutputRefusal)

# What an event says of an item's status. (Those without one still say that there is such an item.)
STATUSES: Final[dict[type[Any], tuple[type[Any], str | None]]] = {
    events.ResponseWebSearchCallInProgressEvent: (ResponseFunctionWebSearch, "in_progress"),
    events.ResponseWebSearchCallSearchingEvent: (ResponseFunctionWebSearch, "searching"),
    events.ResponseWebSearchCallCompletedEvent: (ResponseFunctionWebSearch, "completed"),
    events.ResponseFileSearchCallInProgressEvent: (ResponseFileSearchToolCall, "in_progress"),
    events.ResponseFileSearchCallSearchingEvent: (ResponseFileSearchToolCall, "searching"),
    events.ResponseFileSearchCallCompletedEvent: (ResponseFileSearchToolCall, "completed"),
    events.ResponseCodeInterpreterCallInProgressEvent: (
        ResponseCodeInterpreterToolCall,
        "in_progress",
    ),
    events.ResponseCodeInterpreterCallInterpretingEvent: (
        ResponseCodeInterpreterToolCall,
        "interpreting",
    ),
    events.ResponseCodeInterpreterCallCompletedEvent: (
        ResponseCodeInterpreterToolCall,
        "completed",
    ),
    events.ResponseImageGenCallInProgressEvent: (ImageGenerationCall, "in_progress"),
    events.ResponseImageGenCallGeneratingEvent: (ImageGenerationCall, "generating"),
    events.ResponseImageGenCallCompletedEvent: (ImageGenerationCall, "completed"),
    events.ResponseMcpCallInProgressEvent: (McpCall, "in_progress"),
    events.ResponseMcpCallCompletedEvent: (McpCall, "completed"),
    events.ResponseMcpCallFailedEvent: (McpCall, "failed"),
    events.ResponseMcpListToolsInProgressEvent: (McpListTools, None),
    events.ResponseMcpListToolsCompletedEvent: (McpListTools, None),
    events.ResponseMcpListToolsFailedEvent: (McpListTools, None),
    events.ResponseCompactionCompactingEvent: (ResponseCompactionItem, None),
}

# The kind of part that an event has a piece of, or the whole of (in which field).
PART_PIECES: Final[dict[type[Any], type[Any]]] = {
    events.ResponseRefusalDeltaEvent: ResponseOutputRefusal,
    events.ResponseReasoningTextDeltaEvent: ReasoningText,
    events.ResponseReasoningSummaryTextDeltaEvent: ReasoningSummary,
}
PART_WHOLES: Final[dict[type[Any], tuple[type[Any], str]]] = {
    events.ResponseTextDoneEvent: (ResponseOutputText, "text"),
    events.ResponseRefusalDoneEvent: (ResponseOutputRefusal, "refusal"),
    events.ResponseReasoningTextDoneEvent: (ReasoningText, "text"),
    events.ResponseReasoningSummaryTextDoneEvent: (ReasoningSummary, "text"),
}
SUMMARY_PARTS: Final = (
    events.ResponseReasoningSummaryPartAddedEvent,
    events.ResponseReasoningSummaryPartDoneEvent,
)
# The same for the one text of an item, which is one of some types. (Some hosts send what belongs to
# a call of an MCP tool as if it belonged to one of a function.)
_FUNCTIONS: Final = (ResponseFunctionToolCall, McpCall)
ITEM_PIECES: Final[dict[type[Any], tuple[type[Any], ...]]] = {
    events.ResponseFunctionCallArgumentsDeltaEvent: _FUNCTIONS,
    events.ResponseCustomToolCallInputDeltaEvent: (ResponseCustomToolCall,),
    events.ResponseMcpCallArgumentsDeltaEvent: (McpCall,),
    events.ResponseCodeInterpreterCallCodeDeltaEvent: (ResponseCodeInterpreterToolCall,),
    events.ResponseApplyPatchCallOperationDiffDeltaEvent: (ResponseApplyPatchToolCall,),
}
ITEM_WHOLES: Final[dict[type[Any], tuple[tuple[type[Any], ...], str]]] = {
    events.ResponseFunctionCallArgumentsDoneEvent: (_FUNCTIONS, "arguments"),
    events.ResponseCustomToolCallInputDoneEvent: ((ResponseCustomToolCall,), "input"),
    events.ResponseMcpCallArgumentsDoneEvent: ((McpCall,), "arguments"),
    events.ResponseCodeInterpreterCallCodeDoneEvent: ((ResponseCodeInterpreterToolCall,), "code"),
    events.ResponseApplyPatchCallOperationDiffDoneEvent: ((ResponseApplyPatchToolCall,), "diff"),
}

# The events with which a stream ends, and the status that each means.
ENDS: Final[dict[type[Any], str]] = {
    events.ResponseCompletedEvent: "completed",
    events.ResponseIncompleteEvent: "incomplete",
    events.ResponseCancelledEvent: "cancelled",
    events.ResponseFailedEvent: "failed",
}

INCOMPLETE: Final[dict[str | None, FinishReason]] = {
    "max_output_tokens": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
}
