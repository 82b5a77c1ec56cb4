# The finished answer: content blocks, and the message that holds them.
#
# What always holds here:
# - Every field may be missing or null: then it is None, and is not encoded. A field that the vendor
#   always sends has an empty value of its type instead, and is always encoded.
# - Words of an open vocabulary (roles, reasons, names of tools) are plain strings. Results of the
#   vendor's tools, and citations, stay as they came.
# - A block of an unknown type stays as it was on the wire.

from __future__ import annotations

from types import NoneType
from typing import Any, ClassVar, Literal, TypeAlias

from ssekit._fold import OrUnknown, Unknown, WireStruct, always
from ssekit._json import JSONObject

__all__ = [
    "AdvisorToolResultBlock",
    "BashCodeExecutionToolResultBlock",
    "CacheCreation",
    "CodeExecutionToolResultBlock",
    "CompactionBlock",
    "Container",
    "ContainerUploadBlock",
    "ContentBlock",
    "FallbackBlock",
    "MCPToolListingBlock",
    "MCPToolResultBlock",
    "MCPToolUseBlock",
    "Message",
    "OutputTokensDetails",
    "RedactedThinkingBlock",
    "RefusalStopDetails",
    "ServerToolUsage",
    "ServerToolUseBlock",
    "TextBlock",
    "TextEditorCodeExecutionToolResultBlock",
    "ThinkingBlock",
    "ToolSearchToolResultBlock",
    "ToolUseBlock",
    "UnknownBlock",
    "Usage",
    "WebFetchToolResultBlock",
    "WebSearchToolResultBlock",
]


class UnknownBlock(Unknown):
    """A content block of a type that ssekit does not know."""

    __slots__ = ()


# Content blocks. Those of the beta API have the vendor's names without "Beta".


class Block(WireStruct, tag_field="type"):
    """A content block."""

    __unknown__: ClassVar = UnknownBlock


class TextBlock(Block, tag="text"):
    """A text, with the `citations` that support it."""

    type: ClassVar[Literal["text"]] = "text"
    text: str = always(str)
    citations: list[JSONObject] | None = None


class ThinkingBlock(Block, tag="thinking"):
    """The model's reasoning, with the `signature` that proves it when it is sent back.

    Attributes:
        text, reasoning_content: Always None. Some gateways send one of these instead of
            `thinking`, to which it is moved.
    """

    type: ClassVar[Literal["thinking"]] = "thinking"
    thinking: str = always(str)
    signature: str = always(str)
    text: None = None
    reasoning_content: None = None


class RedactedThinkingBlock(Block, tag="redacted_thinking"):
    """Reasoning that only the vendor can read, to be sent back."""

    type: ClassVar[Literal["redacted_thinking"]] = "redacted_thinking"
    data: str = always(str)


class ToolUse(Block):
    """A tool call.

    Attributes:
        input: The arguments.
        partial_json: The text of the arguments, if it is not (or not yet) a whole JSON object.
            `input` is then that of the start of the block, mostly {}. The vendor's API does not
            have this field.
    """

    id: str = always(str)
    name: str = always(str)
    input: JSONObject = always(dict)
    partial_json: str | None = None


class ToolUseBlock(ToolUse, tag="tool_use"):
    """A call of one of your tools, which you answer.

    Attributes:
        caller: The model itself, or code that it runs.
        toolset_name: The vendor's toolset that has the tool.
    """

    type: ClassVar[Literal["tool_use"]] = "tool_use"
    caller: JSONObject | None = None
    toolset_name: str | None = None


class ServerToolUseBlock(ToolUse, tag="server_tool_use"):
    """A call of one of the vendor's tools. Its result is another block of the answer."""

    type: ClassVar[Literal["server_tool_use"]] = "server_tool_use"
    caller: JSONObject | None = None


class MCPToolUseBlock(ToolUse, tag="mcp_tool_use"):
    """A call that the vendor makes, of a tool of an MCP server."""

    type: ClassVar[Literal["mcp_tool_use"]] = "mcp_tool_use"
    server_name: str = always(str)


class ToolResult(Block):
    """The result of a tool that the vendor called: mostly an object, or an error."""

    tool_use_id: str = always(str)
    content: Any = None


class WebSearchToolResultBlock(ToolResult, tag="web_search_tool_result"):
    """The results of a web search: mostly a list, or an error."""

    type: ClassVar[Literal["web_search_tool_result"]] = "web_search_tool_result"
    caller: JSONObject | None = None


class WebFetchToolResultBlock(ToolResult, tag="web_fetch_tool_result"):
    """The document of a web fetch."""

    type: ClassVar[Literal["web_fetch_tool_result"]] = "web_fetch_tool_result"
    caller: JSONObject | None = None


class CodeExecutionToolResultBlock(ToolResult, tag="code_execution_tool_result"):
    """The output of code."""

    type: ClassVar[Literal["code_execution_tool_result"]] = "code_execution_tool_result"


class BashCodeExecutionToolResultBlock(ToolResult, tag="bash_code_execution_tool_result"):
    """The output of a command."""

    type: ClassVar[Literal["bash_code_execution_tool_result"]] = "bash_code_execution_tool_result"


class TextEditorCodeExecutionToolResultBlock(
    ToolResult, tag="text_editor_code_execution_tool_result"
):
    """The result of viewing or editing a file."""

    type: ClassVar[Literal["text_editor_code_execution_tool_result"]] = (
        "text_editor_code_execution_tool_result"
    )


class ToolSearchToolResultBlock(ToolResult, tag="tool_search_tool_result"):
    """The tools that a search found."""

    type: ClassVar[Literal["tool_search_tool_result"]] = "tool_search_tool_result"


class AdvisorToolResultBlock(ToolResult, tag="advisor_tool_result"):
    """The advice of another model."""

    type: ClassVar[Literal["advisor_tool_result"]] = "advisor_tool_result"


class MCPToolResultBlock(Block, tag="mcp_tool_result"):
    """The result of a tool of an MCP server."""

    type: ClassVar[Literal["mcp_tool_result"]] = "mcp_tool_result"
    tool_use_id: str = always(str)
    is_error: bool = always(bool)
    content: str | list[JSONObject] | None = None


class MCPToolListingBlock(Block, tag="mcp_tool_listing"):
    """The tools of an MCP server, to be sent back."""

    type: ClassVar[Literal["mcp_tool_listing"]] = "mcp_tool_listing"
    mcp_server_name: str = always(str)
    tools: list[JSONObject] = always(list)


class ContainerUploadBlock(Block, tag="container_upload"):
    """A file in the container."""

    type: ClassVar[Literal["container_upload"]] = "container_upload"
    file_id: str = always(str)


class CompactionBlock(Block, tag="compaction"):
    """A summary of the conversation, to be sent back instead of it; `content` may be None."""

    type: ClassVar[Literal["compaction"]] = "compaction"
    content: str | None = always(NoneType)
    encrypted_content: str | None = None
    signature: str | None = None
    tool_changes: list[JSONObject] | None = None


class FallbackBlock(Block, tag="fallback", rename={"from_": "from"}):
    """The place where another model took over: `from_` and `to` each have a `model`."""

    type: ClassVar[Literal["fallback"]] = "fallback"
    from_: JSONObject | None = None
    to: JSONObject | None = None
    trigger: JSONObject | None = None


ContentBlock: TypeAlias = OrUnknown[
    TextBlock
    | ThinkingBlock
    | RedactedThinkingBlock
    | ToolUseBlock
    | ServerToolUseBlock
    | WebSearchToolResultBlock
    | WebFetchToolResultBlock
    | CodeExecutionToolResultBlock
    | BashCodeExecutionToolResultBlock
    | TextEditorCodeExecutionToolResultBlock
    | ToolSearchToolResultBlock
    | AdvisorToolResultBlock
    | MCPToolUseBlock
    | MCPToolResultBlock
    | MCPToolListingBlock
    | ContainerUploadBlock
    | CompactionBlock
    | FallbackBlock,
    UnknownBlock,
]


# The message and its usage.


class CacheCreation(WireStruct):
    """The tokens that were written to the cache, by the time that they stay there."""

    ephemeral_1h_input_tokens: int = always(int)
    ephemeral_5m_input_tokens: int = always(int)


class ServerToolUsage(WireStruct):
    """The number of calls of the vendor's tools."""

    web_fetch_requests: int = always(int)
    web_search_requests: int = always(int)


class OutputTokensDetails(WireStruct):
    """The kinds of the output's tokens."""

    thinking_tokens: int | None = None


class Usage(WireStruct):
    """The tokens of a request. In an event, they are those of the whole message so far.

    Attributes:
        input_tokens: The input, without the tokens of the next two fields.
        cache_creation_input_tokens, cache_read_input_tokens: The input that was written to the
            cache, and the input that was read from it.
        iterations: The usage of each model that worked on the answer (beta).
        fallback_credit: The use of a credit for an earlier refusal (beta).
        speed: "standard" or "fast".
        cost, cost_details, is_byok: Additions of OpenRouter; costs are in its credits.
        prompt_tokens, completion_tokens: Always None. Chat's names of the counts, from which the
            counts of this format are made.
    """

    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation: CacheCreation | None = None
    output_tokens: int | None = None
    output_tokens_details: OutputTokensDetails | None = None
    server_tool_use: ServerToolUsage | None = None
    service_tier: str | None = None
    inference_geo: str | None = None
    speed: str | None = None
    iterations: list[JSONObject] | None = None
    fallback_credit: JSONObject | None = None
    cost: float | None = None
    cost_details: JSONObject | None = None
    is_byok: bool | None = None
    prompt_tokens: None = None
    completion_tokens: None = None


class Container(WireStruct):
    """The container in which code ran; `expires_at` is a time in ISO 8601."""

    id: str = always(str)
    expires_at: str | None = None
    skills: list[JSONObject] | None = None


class RefusalStopDetails(WireStruct):
    """The reason of a refusal.

    Attributes:
        category: The policy: "cyber", "bio", ...; None for any other.
        explanation: The vendor's words, for people.
        recommended_model: A model that may answer.
        fallback_credit_token, fallback_has_prefill_claim: Values for another attempt (beta).
    """

    type: str = always(lambda: "refusal")
    category: str | None = None
    explanation: str | None = None
    recommended_model: str | None = None
    fallback_credit_token: str | None = None
    fallback_has_prefill_claim: bool | None = None


class Message(WireStruct, kw_only=True):
    """The whole answer, as the endpoint returns it without `stream`.

    Attributes:
        id: "" if the host sends none.
        model: The model that began the message, or "". A `FallbackBlock` names one that took over.
        content: The blocks, in their order.
        stop_reason: The vendor's word: "end_turn", "max_tokens", "stop_sequence", "tool_use",
            "pause_turn", "refusal", "model_context_window_exceeded", ...
        stop_sequence: The one of your sequences that ended the message.
        diagnostics: The reasons for a miss of the cache.
        context_management, input_transformations: Changes that the host made to the request (beta).
    """

    id: str = always(str)
    type: str = always(lambda: "message")
    role: str = always(lambda: "assistant")
    model: str = always(str)
    content: list[ContentBlock] = always(list)
    stop_reason: str | None = always(NoneType)
    stop_sequence: str | None = always(NoneType)
    stop_details: RefusalStopDetails | None = None
    usage: Usage = always(Usage)
    container: Container | None = None
    diagnostics: JSONObject | None = None
    context_management: JSONObject | None = None
    input_transformations: list[JSONObject] | None = None
