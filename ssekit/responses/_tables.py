# Tables of events: the item or part that an event belongs to, and the field that has its text.

from __future__ import annotations

from typing import Any, Final, TypeAlias, get_args

from ssekit._deltas import ReasoningDelta, RefusalDelta, TextDelta
from ssekit.responses import _events as events
from ssekit.responses import _result as result
from ssekit.responses._result import McpCall
from ssekit.responses._result import ResponseCustomToolCall as CustomToolCall
from ssekit.responses._result import ResponseFunctionToolCall as FunctionToolCall

# The type of an event, an item or a part.
Kind: TypeAlias = type[Any]

# The types of items that accept each type of text: that of a part, or of an item which has one
# itself. If no item does, one of the first type is made. (Some hosts send the text of an MCP call,
# or of a custom tool, as the arguments of a function, and the other way round. A call may be of
# unknown type.)
ACCEPTS: Final[dict[Kind, tuple[Kind, ...]]] = {
    result.ResponseOutputText: (result.ResponseOutputMessage,),
    result.ResponseOutputRefusal: (result.ResponseOutputMessage,),
    result.ReasoningText: (result.ResponseReasoningItem,),
    result.ReasoningSummary: (result.ResponseReasoningItem,),
    result.UnknownPart: (result.ResponseOutputMessage, result.ResponseReasoningItem),
    result.ShellCommand: (result.ResponseFunctionShellToolCall,),
    FunctionToolCall: (FunctionToolCall, McpCall, CustomToolCall, result.UnknownItem),
    CustomToolCall: (CustomToolCall, FunctionToolCall, result.UnknownItem),
    McpCall: (McpCall,),
    result.ResponseCodeInterpreterToolCall: (result.ResponseCodeInterpreterToolCall,),
    result.ResponseApplyPatchToolCall: (result.ResponseApplyPatchToolCall,),
}
# The field of an item with the parts of a type, and the field of an event with their index.
_CONTENT: Final = ("content", "content_index")
PARTS: Final[dict[Kind, tuple[str, str]]] = {
    result.ResponseOutputText: _CONTENT,
    result.ResponseOutputRefusal: _CONTENT,
    result.ReasoningText: _CONTENT,
    result.UnknownPart: _CONTENT,
    result.ReasoningSummary: ("summary", "summary_index"),
    result.ShellCommand: ("commands", "command_index"),
}
# The delta of each type of text, in the order of the deltas of an answer that comes at once.
TEXT_DELTAS: Final[dict[Kind, type[ReasoningDelta | TextDelta | RefusalDelta]]] = {
    result.ReasoningText: ReasoningDelta,
    result.ReasoningSummary: ReasoningDelta,
    result.ResponseOutputText: TextDelta,
    result.ResponseOutputRefusal: RefusalDelta,
}

# By the beginning of an event's type: the type of its text, and the field with the whole text.
_TEXTS: Final[dict[str, tuple[Kind, str]]] = {
    "output_text": (result.ResponseOutputText, "text"),
    "refusal": (result.ResponseOutputRefusal, "refusal"),
    "reasoning_text": (result.ReasoningText, "text"),
    "reasoning": (result.ReasoningText, "text"),
    "reasoning_summary_text": (result.ReasoningSummary, "text"),
    "shell_call_command": (result.ShellCommand, "command"),
    "function_call_arguments": (FunctionToolCall, "arguments"),
    "custom_tool_call_input": (CustomToolCall, "input"),
    "mcp_call_arguments": (McpCall, "arguments"),
    "code_interpreter_call_code": (result.ResponseCodeInterpreterToolCall, "code"),
    "apply_patch_call_operation_diff": (result.ResponseApplyPatchToolCall, "diff"),
}
_ITEMS: Final[dict[str, Kind]] = {item.type: item for item in get_args(result.ResponseOutputItem)}
_WITHOUT_STATUS: Final = (result.McpListTools, result.ResponseCompactionItem)

# The type of text that an event has a piece of.
DELTAS: Final[dict[Kind, Kind]] = {}
# The type of text that an event has whole, and its field.
WHOLES: Final[dict[Kind, tuple[Kind, str]]] = {}
# The item and the status of an event that has nothing else: `response.mcp_call.failed` belongs to
# an `mcp_call` whose status is "failed". (None for the types of items that have no status.)
STATUSES: Final[dict[Kind, tuple[Kind, str | None]]] = {}
for event in get_args(events.OrdinaryEvent):
    name, _, step = str(event.__struct_config__.tag).removeprefix("response.").rpartition(".")
    if issubclass(event, events.StepEvent):
        item = _ITEMS[name]
        STATUSES[event] = item, None if item in _WITHOUT_STATUS else step
    elif name in _TEXTS and step == "delta":
        DELTAS[event] = _TEXTS[name][0]
    elif name in _TEXTS:
        WHOLES[event] = _TEXTS[name]

# The events that end a response, and the status that it has then.
ENDS: Final[dict[Kind, str]] = {
    events.ResponseCompletedEvent: "completed",
    events.ResponseIncompleteEvent: "incomplete",
    events.ResponseCancelledEvent: "cancelled",
    events.ResponseFailedEvent: "failed",
}
