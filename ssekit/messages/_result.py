# The answer: content blocks, and the message that holds them.
#
# What always holds here:
# - Every field may be missing or null, and both are None. A field that the vendor always sends has
#   an empty value of its type instead, and is always encoded; any other None is left out.
# - Words of an open vocabulary (roles, reasons, names of tools) are plain strings. What tools of
#   the vendor gave, and where citations point, is left as it came.
# - A block of a type that is not known here stays what it was on the wire.

from __future__ import annotations

from types import NoneType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import msgspec

from ssekit._fold import Unknown
from ssekit._json import JSONObject


class UnknownBlock(Unknown):
    """A content block of a type that ssekit does not know."""


# A default that a factory makes is encoded all the same: only what equals a plain default is left
# out by `omit_defaults`.


def _text() -> Any:
    return msgspec.field(default_factory=str)


def _null() -> Any:
    return msgspec.field(default_factory=NoneType)


def _object() -> Any:
    return msgspec.field(default_factory=_empty)


def _empty() -> JSONObject:
    return {}


def _nothing() -> list[Any]:
    return []


# Content blocks. Those of the beta API have the vendor's names without "Beta".


class Block(
    msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True, tag_field="type"
):
    """A content block."""

    __unknown__: ClassVar = UnknownBlock


class TextBlock(Block, frozen=True, tag="text"):
    """A text; its `citations` say what supports it."""

    type: ClassVar[Literal["text"]] = "text"
    text: str = _text()
    citations: list[JSONObject] | None = None


class ThinkingBlock(Block, frozen=True, tag="thinking"):
    """The model's reasoning, with the `signature` that proves it when it is sent back."""

    type: ClassVar[Literal["thinking"]] = "thinking"
    thinking: str = _text()
    signature: str = _text()


class RedactedThinkingBlock(Block, frozen=True, tag="redacted_thinking"):
    """Reasoning for the vendor's eyes alone, to be sent back."""

    type: ClassVar[Literal["redacted_thinking"]] = "redacted_thinking"
    data: str = _text()


class ToolUse(Block, frozen=True):
    """A tool call.

    Attributes:
        input: The arguments.
        partial_json: The text of the arguments, where it is not (or not yet) a whole JSON object;
            `input` is then what the block began with, mostly {}. No field of the vendor's message.
    """

    id: str = _text()
    name: str = _text()
    input: JSONObject = _object()
    partial_json: str | None = None


class ToolUseBlock(ToolUse, frozen=True, tag="tool_use"):
    """A call of a tool of the caller's, who is to answer it.

    Attributes:
        caller: Who calls: the model itself, or code that it runs.
        toolset_name: Which of the vendor's toolsets the tool is of.
    """

    type: ClassVar[Literal["tool_use"]] = "tool_use"
    caller: JSONObject | None = None
    toolset_name: str | None = None


class ServerToolUseBlock(ToolUse, frozen=True, tag="server_tool_use"):
    """A call of a tool of the vendor's, whose result is another block of the answer."""

    type: ClassVar[Literal["server_tool_use"]] = "server_tool_use"
    caller: JSONObject | None = None


class MCPToolUseBlock(ToolUse, frozen=True, tag="mcp_tool_use"):
    """A call of a tool of an MCP server, which the vendor makes."""

    type: ClassVar[Literal["mcp_tool_use"]] = "mcp_tool_use"
    server_name: str = _text()


class ToolResult(Block, frozen=True):
    """What a tool that the vendor called gave; `content` is mostly an object, or an error."""

    tool_use_id: str = _text()
    content: Any = None


class WebSearchToolResultBlock(Block, frozen=True, tag="web_search_tool_result"):
    """What was found; `content` is mostly a list, or an error."""

    type: ClassVar[Literal["web_search_tool_result"]] = "web_search_tool_result"
    tool_use_id: str = _text()
    content: Any = None
    caller: JSONObject | None = None


class WebFetchToolResultBlock(ToolResult, frozen=True, tag="web_fetch_tool_result"):
    """What was fetched."""

    type: ClassVar[Literal["web_fetch_tool_result"]] = "web_fetch_tool_result"
    caller: JSONObject | None = None


class CodeExecutionToolResultBlock(ToolResult, frozen=True, tag="code_execution_tool_result"):
    """What the code gave."""

    type: ClassVar[Literal["code_execution_tool_result"]] = "code_execution_tool_result"


class BashCodeExecutionToolResultBlock(
    ToolResult, frozen=True, tag="bash_code_execution_tool_result"
):
    """What the command gave."""

    type: ClassVar[Literal["bash_code_execution_tool_result"]] = "bash_code_execution_tool_result"


class TextEditorCodeExecutionToolResultBlock(
    ToolResult, frozen=True, tag="text_editor_code_execution_tool_result"
):
    """What became of the file."""

    type: ClassVar[Literal["text_editor_code_execution_tool_result"]] = (
        "text_editor_code_execution_tool_result"
    )


class ToolSearchToolResultBlock(ToolResult, frozen=True, tag="tool_search_tool_result"):
    """Which tools were found."""

    type: ClassVar[Literal["tool_search_tool_result"]] = "tool_search_tool_result"


class AdvisorToolResultBlock(ToolResult, frozen=True, tag="advisor_tool_result"):
    """What the advising model said."""

    type: ClassVar[Literal["advisor_tool_result"]] = "advisor_tool_result"


class MCPToolResultBlock(Block, frozen=True, tag="mcp_tool_result"):
    """What the tool of an MCP server gave."""

    type: ClassVar[Literal["mcp_tool_result"]] = "mcp_tool_result"
    tool_use_id: str = _text()
    is_error: bool = msgspec.field(default_factory=bool)
    content: str | list[JSONObject] | None = None


class MCPToolListingBlock(Block, frozen=True, tag="mcp_tool_listing"):
    """The tools of an MCP server, to be sent back."""

    type: ClassVar[Literal["mcp_tool_listing"]] = "mcp_tool_listing"
    mcp_server_name: str = _text()
    tools: list[JSONObject] = msgspec.field(default_factory=_nothing)


class ContainerUploadBlock(Block, frozen=True, tag="container_upload"):
    """A file in the container."""

    type: ClassVar[Literal["container_upload"]] = "container_upload"
    file_id: str = _text()


class CompactionBlock(Block, frozen=True, tag="compaction"):
    """A summary of what came before, to be sent back in its place; None if that failed."""

    type: ClassVar[Literal["compaction"]] = "compaction"
    content: str | None = _null()
    encrypted_content: str | None = None
    signature: str | None = None
    tool_changes: list[JSONObject] | None = None


class FallbackBlock(Block, frozen=True, tag="fallback", rename={"from_": "from"}):
    """Where another model took over; each has its `model`."""

    type: ClassVar[Literal["fallback"]] = "fallback"
    from_: JSONObject | None = None
    to: JSONObject | None = None
    trigger: JSONObject | None = None


_KnownBlock: TypeAlias = (
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
    | FallbackBlock
)

if TYPE_CHECKING:
    # msgspec decodes no union of structs and dicts: unknown blocks are put there by other means.
    ContentBlock: TypeAlias = _KnownBlock | UnknownBlock
else:
    ContentBlock = _KnownBlock


# The message.


class CacheCreation(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The tokens that were written to the cache, by how long they are kept there."""

    ephemeral_1h_input_tokens: int = msgspec.field(default_factory=int)
    ephemeral_5m_input_tokens: int = msgspec.field(default_factory=int)


class ServerToolUsage(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """How often the vendor's tools were called."""

    web_fetch_requests: int = msgspec.field(default_factory=int)
    web_search_requests: int = msgspec.field(default_factory=int)


class OutputTokensDetails(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What the output's tokens were."""

    thinking_tokens: int | None = None


class Usage(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The tokens of a request: of all of the message so far, in each event that has them.

    Attributes:
        input_tokens: Without those of the next two fields.
        cache_creation_input_tokens, cache_read_input_tokens: Written to the cache; read from it.
        iterations: The usage of each model that worked on the answer (beta).
        fallback_credit: What became of a credit for an earlier refusal (beta).
        speed: "standard" or "fast".
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


class Container(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Where code was run; `expires_at` is a time in ISO 8601."""

    id: str = _text()
    expires_at: str | None = None
    skills: list[JSONObject] | None = None


class RefusalStopDetails(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Why the answer was refused.

    Attributes:
        category: The policy: "cyber", "bio", ...; None where it is none of those.
        explanation: The vendor's words, for people.
        recommended_model: Who might answer.
        fallback_credit_token, fallback_has_prefill_claim: For another try (beta).
    """

    type: str = msgspec.field(default_factory=lambda: "refusal")
    category: str | None = None
    explanation: str | None = None
    recommended_model: str | None = None
    fallback_credit_token: str | None = None
    fallback_has_prefill_claim: bool | None = None


class Message(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """The whole answer, as the endpoint gives it without `stream`.

    Attributes:
        id: "" where the host gives none.
        model: The one that the message began with, or ""; a `FallbackBlock` says which took over.
        content: The blocks, in their order.
        stop_reason: The vendor's word: "end_turn", "max_tokens", "stop_sequence", "tool_use",
            "pause_turn", "refusal", "model_context_window_exceeded", ...
        stop_sequence: Which of the caller's sequences it was.
        diagnostics: Why the cache was not hit.
        context_management, input_transformations: What was done to the request (beta).
    """

    id: str = _text()
    type: str = msgspec.field(default_factory=lambda: "message")
    role: str = msgspec.field(default_factory=lambda: "assistant")
    model: str = _text()
    content: list[ContentBlock] = msgspec.field(default_factory=_nothing)
    stop_reason: str | None = _null()
    stop_sequence: str | None = _null()
    stop_details: RefusalStopDetails | None = None
    usage: Usage = msgspec.field(default_factory=Usage)
    container: Container | None = None
    diagnostics: JSONObject | None = None
    context_management: JSONObject | None = None
    input_transformations: list[JSONObject] | None = None
