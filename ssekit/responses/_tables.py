# Tables of events: the item or part that an event belongs to, and the field that has its text.

from __future__ import annotations

from typing import Any, Final, TypeAlias, get_args

from ssekit._deltas import ReasoningDelta, RefusalDelta, TextDelta
from ssekit.responses import _events as events
from ssekit.responses import _result as result
from ssekit.responses._result import (
    McpCall,
    ResponseCustomToolCall,
    ResponseFunctionToolCall,
    UnknownItem,
)

# The type of an event, an item or a part.
Kind: TypeAlias = type[Any]

# The types of items that accept each type of part. If no item does, one of the first type is made.
ACCEPTS: Final[dict[Kind, tuple[Kind, ...]]] = {
    result.ResponseOutputText: (result.ResponseOutputMessage,),
    result.ResponseOutputRefusal: (result.ResponseOutputMessage,),
    result.ReasoningText: (result.ResponseReasoningItem,),
    result.ReasoningSummary: (result.ResponseReasoningItem,),
    result.UnknownPart: (result.ResponseOutputMessage, result.ResponseReasoningItem),
    result.ShellCommand: (result.ResponseFunctionShellToolCall,),
}
# The delta of each type of text, in the order of the deltas of an answer that comes at once.
TEXT_DELTAS: Final[dict[Kind, type[ReasoningDelta | TextDelta | RefusalDelta]]] = {
    result.ReasoningText: ReasoningDelta,
    result.ReasoningSummary: ReasoningDelta,
    result.ResponseOutputText: TextDelta,
    result.ResponseOutputRefusal: RefusalDelta,
}

# The part that an event with a piece of a text belongs to; and the part, and the field of the text,
# of an event with a whole text.
PART_DELTAS: Final[dict[Kind, Kind]] = {
    events.ResponseTextDeltaEvent: result.ResponseOutputText,
    events.ResponseRefusalDeltaEvent: result.ResponseOutputRefusal,
    events.ResponseReasoningTextDeltaEvent: result.ReasoningText,
    events.ResponseReasoningDeltaEvent: result.ReasoningText,
    events.ResponseReasoningSummaryTextDeltaEvent: result.ReasoningSummary,
    events.ResponseShellCallCommandDeltaEvent: result.ShellCommand,
}
PART_WHOLES: Final[dict[Kind, tuple[Kind, str]]] = {
    events.ResponseTextDoneEvent: (result.ResponseOutputText, "text"),
    events.ResponseRefusalDoneEvent: (result.ResponseOutputRefusal, "refusal"),
    events.ResponseReasoningTextDoneEvent: (result.ReasoningText, "text"),
    events.ResponseReasoningDoneEvent: (result.ReasoningText, "text"),
    events.ResponseReasoningSummaryTextDoneEvent: (result.ReasoningSummary, "text"),
    events.ResponseShellCallCommandAddedEvent: (result.ShellCommand, "command"),
    events.ResponseShellCallCommandDoneEvent: (result.ShellCommand, "command"),
}

# The same for items that have one text. (Some hosts send the text of an MCP call, or of a custom
# tool, as the arguments of a function, and the other way round. A call may be of unknown type.)
_FUNCTION_CALLS: Final = (ResponseFunctionToolCall, McpCall, ResponseCustomToolCall, UnknownItem)
_CUSTOM_CALLS: Final = (ResponseCustomToolCall, ResponseFunctionToolCall, UnknownItem)
_CODE_CALLS: Final = (result.ResponseCodeInterpreterToolCall,)
_PATCHES: Final = (result.ResponseApplyPatchToolCall,)
ITEM_DELTAS: Final[dict[Kind, tuple[Kind, ...]]] = {
    events.ResponseFunctionCallArgumentsDeltaEvent: _FUNCTION_CALLS,
    events.ResponseCustomToolCallInputDeltaEvent: _CUSTOM_CALLS,
    events.ResponseMcpCallArgumentsDeltaEvent: (McpCall,),
    events.ResponseCodeInterpreterCallCodeDeltaEvent: _CODE_CALLS,
    events.ResponseApplyPatchCallOperationDiffDeltaEvent: _PATCHES,
}
ITEM_WHOLES: Final[dict[Kind, tuple[tuple[Kind, ...], str]]] = {
    events.ResponseFunctionCallArgumentsDoneEvent: (_FUNCTION_CALLS, "arguments"),
    events.ResponseCustomToolCallInputDoneEvent: (_CUSTOM_CALLS, "input"),
    events.ResponseMcpCallArgumentsDoneEvent: ((McpCall,), "arguments"),
    events.ResponseCodeInterpreterCallCodeDoneEvent: (_CODE_CALLS, "code"),
    events.ResponseApplyPatchCallOperationDiffDoneEvent: (_PATCHES, "diff"),
}

# The item and the status of an event that has nothing else: `response.mcp_call.failed` belongs to
# an `mcp_call` whose status is "failed". (None for the types of items that have no status.)
_ITEMS: Final[dict[str, Kind]] = {item.type: item for item in get_args(result.ResponseOutputItem)}
_WITHOUT_STATUS: Final = (result.McpListTools, result.ResponseCompactionItem)
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
