# Tables of events: the item or part that an event belongs to, and the field that has its text.

from __future__ import annotations

from typing import Any, Final, TypeAlias, get_args

from ssekit._deltas import ReasoningDelta, RefusalDelta, TextDelta
from ssekit.responses import _events as events
from ssekit.responses._result import (
    McpCall,
    McpListTools,
    ReasoningSummary,
    ReasoningText,
    ResponseApplyPatchToolCall,
    ResponseCodeInterpreterToolCall,
    ResponseCompactionItem,
    ResponseCustomToolCall,
    ResponseFunctionShellToolCall,
    ResponseFunctionToolCall,
    ResponseOutputItem,
    ResponseOutputMessage,
    ResponseOutputRefusal,
    ResponseOutputText,
    ResponseReasoningItem,
    ShellCommand,
    UnknownItem,
    UnknownPart,
)

# The type of an event, an item or a part.
Kind: TypeAlias = type[Any]

# The types of items that accept each type of part. If no item does, one of the first type is made.
ACCEPTS: Final[dict[Kind, tuple[Kind, ...]]] = {
    ResponseOutputText: (ResponseOutputMessage,),
    ResponseOutputRefusal: (ResponseOutputMessage,),
    ReasoningText: (ResponseReasoningItem,),
    ReasoningSummary: (ResponseReasoningItem,),
    UnknownPart: (ResponseOutputMessage, ResponseReasoningItem),
    ShellCommand: (ResponseFunctionShellToolCall,),
}
# The delta of each type of text, in the order of the deltas of an answer that comes at once.
TEXT_DELTAS: Final[dict[Kind, type[ReasoningDelta | TextDelta | RefusalDelta]]] = {
    ReasoningText: ReasoningDelta,
    ReasoningSummary: ReasoningDelta,
    ResponseOutputText: TextDelta,
    ResponseOutputRefusal: RefusalDelta,
}

# The part that an event with a piece of a text belongs to; and the part, and the field of the text,
# of an event with a whole text.
PART_DELTAS: Final[dict[Kind, Kind]] = {
    events.ResponseTextDeltaEvent: ResponseOutputText,
    events.ResponseRefusalDeltaEvent: ResponseOutputRefusal,
    events.ResponseReasoningTextDeltaEvent: ReasoningText,
    events.ResponseReasoningDeltaEvent: ReasoningText,
    events.ResponseReasoningSummaryTextDeltaEvent: ReasoningSummary,
    events.ResponseShellCallCommandDeltaEvent: ShellCommand,
}
PART_WHOLES: Final[dict[Kind, tuple[Kind, str]]] = {
    events.ResponseTextDoneEvent: (ResponseOutputText, "text"),
    events.ResponseRefusalDoneEvent: (ResponseOutputRefusal, "refusal"),
    events.ResponseReasoningTextDoneEvent: (ReasoningText, "text"),
    events.ResponseReasoningDoneEvent: (ReasoningText, "text"),
    events.ResponseReasoningSummaryTextDoneEvent: (ReasoningSummary, "text"),
    events.ResponseShellCallCommandAddedEvent: (ShellCommand, "command"),
    events.ResponseShellCallCommandDoneEvent: (ShellCommand, "command"),
}

# The same for items that have one text. (Some hosts send the text of an MCP call, or of a custom
# tool, as the arguments of a function, and the other way round. A call may be of unknown type.)
_FUNCTION_CALLS: Final = (ResponseFunctionToolCall, McpCall, ResponseCustomToolCall, UnknownItem)
_CUSTOM_CALLS: Final = (ResponseCustomToolCall, ResponseFunctionToolCall, UnknownItem)
ITEM_DELTAS: Final[dict[Kind, tuple[Kind, ...]]] = {
    events.ResponseFunctionCallArgumentsDeltaEvent: _FUNCTION_CALLS,
    events.ResponseCustomToolCallInputDeltaEvent: _CUSTOM_CALLS,
    events.ResponseMcpCallArgumentsDeltaEvent: (McpCall,),
    events.ResponseCodeInterpreterCallCodeDeltaEvent: (ResponseCodeInterpreterToolCall,),
    events.ResponseApplyPatchCallOperationDiffDeltaEvent: (ResponseApplyPatchToolCall,),
}
ITEM_WHOLES: Final[dict[Kind, tuple[tuple[Kind, ...], str]]] = {
    events.ResponseFunctionCallArgumentsDoneEvent: (_FUNCTION_CALLS, "arguments"),
    events.ResponseCustomToolCallInputDoneEvent: (_CUSTOM_CALLS, "input"),
    events.ResponseMcpCallArgumentsDoneEvent: ((McpCall,), "arguments"),
    events.ResponseCodeInterpreterCallCodeDoneEvent: ((ResponseCodeInterpreterToolCall,), "code"),
    events.ResponseApplyPatchCallOperationDiffDoneEvent: ((ResponseApplyPatchToolCall,), "diff"),
}

# The item and the status of an event that has nothing else: `response.mcp_call.failed` belongs to
# an `mcp_call` whose status is "failed". (None for the types of items that have no status.)
_ITEMS: Final[dict[str, Kind]] = {item.type: item for item in get_args(ResponseOutputItem)}
_WITHOUT_STATUS: Final = (McpListTools, ResponseCompactionItem)
STATUSES: Final[dict[Kind, tuple[Kind, str | None]]] = {}
for event in get_args(events.OrdinaryEvent):
    if issubclass(event, events.StepEvent):
        _, name, status = str(event.__struct_config__.tag).split(".")
        item = _ITEMS[name]
        STATUSES[event] = item, None if item in _WITHOUT_STATUS else status

# The events that end a response, and the status that it has then.
ENDS: Final[dict[Kind, str]] = {
    events.ResponseCompletedEvent: "completed",
    events.ResponseIncompleteEvent: "incomplete",
    events.ResponseCancelledEvent: "cancelled",
    events.ResponseFailedEvent: "failed",
}
