# The answer: output items, their parts, and the response that holds them. (The file is long because
# the vendor has so many types of items.)
#
# What always holds here:
# - Every field may be missing or null: then it is None, and is not encoded. A field that the vendor
#   always sends has an empty value of its type instead, and is always encoded.
# - Words of an open vocabulary (status, role, phase) are plain strings. Objects whose shape differs
#   from host to host (actions, tools, annotations, outputs) stay as they came.
# - An item or a part of unknown type stays as it came.

from __future__ import annotations

from typing import Any, ClassVar, Literal, TypeAlias

import msgspec

from ssekit._fold import OrUnknown, Unknown, WireStruct, always
from ssekit._json import JSONObject

__all__ = [
    "AdditionalTools",
    "ApplyPatchOperation",
    "ContentPart",
    "ImageGenerationCall",
    "IncompleteDetails",
    "InputTokensDetails",
    "LocalShellCall",
    "LocalShellCallOutput",
    "Logprob",
    "McpApprovalRequest",
    "McpApprovalResponse",
    "McpCall",
    "McpListTools",
    "OutputTokensDetails",
    "Program",
    "ProgramOutput",
    "ReasoningSummary",
    "ReasoningText",
    "Response",
    "ResponseApplyPatchToolCall",
    "ResponseApplyPatchToolCallOutput",
    "ResponseCodeInterpreterToolCall",
    "ResponseCompactionItem",
    "ResponseComputerToolCall",
    "ResponseComputerToolCallOutputItem",
    "ResponseCustomToolCall",
    "ResponseCustomToolCallOutputItem",
    "ResponseError",
    "ResponseFileSearchToolCall",
    "ResponseFunctionShellToolCall",
    "ResponseFunctionShellToolCallOutput",
    "ResponseFunctionToolCall",
    "ResponseFunctionToolCallOutputItem",
    "ResponseFunctionWebSearch",
    "ResponseOutputItem",
    "ResponseOutputMessage",
    "ResponseOutputRefusal",
    "ResponseOutputText",
    "ResponseReasoningItem",
    "ResponseToolSearchCall",
    "ResponseToolSearchOutputItem",
    "ResponseUsage",
    "ShellCallAction",
    "ShellCallOutputContent",
    "UnknownItem",
    "UnknownPart",
]


class UnknownItem(Unknown):
    """An output item of unknown type, as it came."""

    __slots__ = ()


class UnknownPart(Unknown):
    """A part of an item's content of unknown type, as it came."""

    __slots__ = ()


# Parts.


class Logprob(WireStruct):
    """The log probability of a token (a natural logarithm); `bytes` are those of its UTF-8."""

    token: str = always(str)
    logprob: float = always(float)
    bytes: tuple[int, ...] | None = None
    top_logprobs: tuple[Logprob, ...] | None = None


class Part(WireStruct, tag_field="type"):
    """A part of an item's content."""

    __unknown__: ClassVar = UnknownPart


class ResponseOutputText(Part, tag="output_text"):
    """A text; `annotations` are the citations in it."""

    type: ClassVar[Literal["output_text"]] = "output_text"
    text: str = always(str)
    annotations: list[JSONObject] = always(list)
    logprobs: list[Logprob] | None = None


class ResponseOutputRefusal(Part, tag="refusal"):
    """A refusal. `text` is always None: a text there is moved to `refusal`."""

    type: ClassVar[Literal["refusal"]] = "refusal"
    refusal: str = always(str)
    text: None = None


class ReasoningText(Part, tag="reasoning_text"):
    """A part of the reasoning itself."""

    type: ClassVar[Literal["reasoning_text"]] = "reasoning_text"
    text: str = always(str)


class ReasoningSummary(Part, tag="summary_text"):
    """A part of the summary of the reasoning."""

    type: ClassVar[Literal["summary_text"]] = "summary_text"
    text: str = always(str)


class ShellCommand(Part, tag="command"):
    """A command of a shell call in progress. (On the wire, a command is only a text.)"""

    text: str = always(str)


ContentPart: TypeAlias = OrUnknown[
    ResponseOutputText | ResponseOutputRefusal | ReasoningText | ReasoningSummary, UnknownPart
]


# Items.


class Item(WireStruct, kw_only=True, tag_field="type"):
    """An output item.

    Attributes:
        id: The id, which some hosts change with every event.
        status: The vendor's word: "in_progress", "completed", ...
        created_by: The author of the item, if the host sends one.
    """

    __unknown__: ClassVar = UnknownItem

    id: str | None = None
    status: str | None = None
    created_by: str | None = None


class ResponseOutputMessage(Item, tag="message"):
    """A message of the model.

    Attributes:
        phase: "commentary" or "final_answer", from hosts that have phases.
    """

    type: ClassVar[Literal["message"]] = "message"
    role: str = always(lambda: "assistant")
    content: list[ContentPart] = always(list)
    phase: str | None = None


class ResponseReasoningItem(Item, tag="reasoning"):
    """The model's reasoning.

    Attributes:
        summary: The summary that OpenAI shows of it.
        content: The reasoning itself, if the host shows it.
        encrypted_content: The reasoning in a form that only the host can read, to be sent back.
        format, signature: The format of `encrypted_content`, and what signs the content, to be sent
            back (OpenRouter).
    """

    type: ClassVar[Literal["reasoning"]] = "reasoning"
    summary: list[ContentPart] = always(list)
    content: list[ContentPart] | None = None
    encrypted_content: str | None = None
    format: str | None = None
    signature: str | None = None


class ResponseFunctionToolCall(Item, tag="function_call"):
    """A call of a function.

    Attributes:
        arguments: JSON as the model wrote it, which may be invalid.
        call_id: The id that the function's output refers to.
        caller: The caller, if that is not the model itself.
    """

    type: ClassVar[Literal["function_call"]] = "function_call"
    arguments: str = always(str)
    call_id: str = always(str)
    name: str = always(str)
    namespace: str | None = None
    caller: JSONObject | None = None
    async_: bool | None = msgspec.field(default=None, name="async")


class ResponseFunctionToolCallOutputItem(Item, tag="function_call_output"):
    """The output of a function: a text, or a list of parts."""

    type: ClassVar[Literal["function_call_output"]] = "function_call_output"
    call_id: str = always(str)
    output: Any = None
    name: str | None = None
    namespace: str | None = None
    caller: JSONObject | None = None


class ResponseCustomToolCall(Item, tag="custom_tool_call"):
    """A call of a custom tool; `input` is any text."""

    type: ClassVar[Literal["custom_tool_call"]] = "custom_tool_call"
    call_id: str = always(str)
    input: str = always(str)
    name: str = always(str)
    namespace: str | None = None
    caller: JSONObject | None = None
    async_: bool | None = msgspec.field(default=None, name="async")


class ResponseCustomToolCallOutputItem(Item, tag="custom_tool_call_output"):
    """The output of a custom tool: a text, or a list of parts."""

    type: ClassVar[Literal["custom_tool_call_output"]] = "custom_tool_call_output"
    call_id: str = always(str)
    output: Any = None
    caller: JSONObject | None = None


class ResponseFileSearchToolCall(Item, tag="file_search_call"):
    """A search in files."""

    type: ClassVar[Literal["file_search_call"]] = "file_search_call"
    queries: list[str] = always(list)
    results: list[JSONObject] | None = None


class ResponseFunctionWebSearch(Item, tag="web_search_call"):
    """A search in the web; `action` has a type: search, open_page, find."""

    type: ClassVar[Literal["web_search_call"]] = "web_search_call"
    action: JSONObject | None = None
    results: list[JSONObject] | None = None


class ResponseComputerToolCall(Item, tag="computer_call"):
    """The actions of the model on a computer."""

    type: ClassVar[Literal["computer_call"]] = "computer_call"
    call_id: str = always(str)
    action: JSONObject | None = None
    actions: list[JSONObject] | None = None
    pending_safety_checks: list[JSONObject] = always(list)


class ResponseComputerToolCallOutputItem(Item, tag="computer_call_output"):
    """The output of a computer."""

    type: ClassVar[Literal["computer_call_output"]] = "computer_call_output"
    call_id: str = always(str)
    output: JSONObject | None = None
    acknowledged_safety_checks: list[JSONObject] | None = None


class ResponseCodeInterpreterToolCall(Item, tag="code_interpreter_call"):
    """Code that the host runs."""

    type: ClassVar[Literal["code_interpreter_call"]] = "code_interpreter_call"
    code: str | None = None
    container_id: str = always(str)
    outputs: list[JSONObject] | None = None


class ImageGenerationCall(Item, tag="image_generation_call"):
    """An image.

    Attributes:
        result: The image in base64; until it is whole, the newest partial image.
    """

    type: ClassVar[Literal["image_generation_call"]] = "image_generation_call"
    result: str | None = None
    action: str | None = None
    background: str | None = None
    error: JSONObject | None = None
    output_format: str | None = None
    quality: str | None = None
    revised_prompt: str | None = None
    size: str | None = None
    svg_usage: JSONObject | None = None


class LocalShellCall(Item, tag="local_shell_call"):
    """A command for the caller's own shell."""

    type: ClassVar[Literal["local_shell_call"]] = "local_shell_call"
    call_id: str = always(str)
    action: JSONObject | None = None


class LocalShellCallOutput(Item, tag="local_shell_call_output"):
    """The output of the caller's own shell."""

    type: ClassVar[Literal["local_shell_call_output"]] = "local_shell_call_output"
    call_id: str | None = None
    output: str = always(str)


class ShellCallAction(WireStruct):
    """The commands of a shell call; `timeout_ms` is in milliseconds."""

    commands: list[str] = always(list)
    max_output_length: int | None = None
    timeout_ms: int | None = None


class ResponseFunctionShellToolCall(Item, tag="shell_call"):
    """Commands for a shell."""

    type: ClassVar[Literal["shell_call"]] = "shell_call"
    call_id: str = always(str)
    action: ShellCallAction | None = None
    environment: JSONObject | None = None
    caller: JSONObject | None = None


class ShellCallOutputContent(WireStruct):
    """The output of a command; `outcome` is its end: {"type": "exit", "exit_code": 0}."""

    stdout: str = always(str)
    stderr: str = always(str)
    outcome: JSONObject | None = None
    created_by: str | None = None


class ResponseFunctionShellToolCallOutput(Item, tag="shell_call_output"):
    """The output of the commands of a shell call."""

    type: ClassVar[Literal["shell_call_output"]] = "shell_call_output"
    call_id: str = always(str)
    max_output_length: int | None = None
    output: list[ShellCallOutputContent] = always(list)
    caller: JSONObject | None = None


class ApplyPatchOperation(WireStruct):
    """A change of a file: `type` is create_file, update_file or delete_file."""

    type: str = always(str)
    path: str = always(str)
    diff: str | None = None


class ResponseApplyPatchToolCall(Item, tag="apply_patch_call"):
    """A change of a file, for the caller to make."""

    type: ClassVar[Literal["apply_patch_call"]] = "apply_patch_call"
    call_id: str = always(str)
    operation: ApplyPatchOperation | None = None
    caller: JSONObject | None = None


class ResponseApplyPatchToolCallOutput(Item, tag="apply_patch_call_output"):
    """The outcome of a change of a file."""

    type: ClassVar[Literal["apply_patch_call_output"]] = "apply_patch_call_output"
    call_id: str = always(str)
    output: str | None = None
    caller: JSONObject | None = None


class McpCall(Item, tag="mcp_call"):
    """A call of a tool of an MCP server by the host; `arguments` are JSON as the model wrote it."""

    type: ClassVar[Literal["mcp_call"]] = "mcp_call"
    arguments: str = always(str)
    name: str = always(str)
    server_label: str = always(str)
    approval_request_id: str | None = None
    error: Any = None
    output: str | None = None


class McpListTools(Item, tag="mcp_list_tools"):
    """The tools of an MCP server."""

    type: ClassVar[Literal["mcp_list_tools"]] = "mcp_list_tools"
    server_label: str = always(str)
    tools: list[JSONObject] = always(list)
    error: Any = None


class McpApprovalRequest(Item, tag="mcp_approval_request"):
    """A call of an MCP server's tool that needs the caller's consent."""

    type: ClassVar[Literal["mcp_approval_request"]] = "mcp_approval_request"
    arguments: str = always(str)
    name: str = always(str)
    server_label: str = always(str)


class McpApprovalResponse(Item, tag="mcp_approval_response"):
    """The caller's answer to a request for consent."""

    type: ClassVar[Literal["mcp_approval_response"]] = "mcp_approval_response"
    approval_request_id: str = always(str)
    approve: bool | None = None
    reason: str | None = None


class ResponseToolSearchCall(Item, tag="tool_search_call"):
    """A search for tools; `execution` is "server" or "client"."""

    type: ClassVar[Literal["tool_search_call"]] = "tool_search_call"
    call_id: str | None = None
    execution: str | None = None
    arguments: Any = None


class ResponseToolSearchOutputItem(Item, tag="tool_search_output"):
    """The tools that a search found."""

    type: ClassVar[Literal["tool_search_output"]] = "tool_search_output"
    call_id: str | None = None
    execution: str | None = None
    tools: list[JSONObject] = always(list)


class AdditionalTools(Item, tag="additional_tools"):
    """Tools that were added during the answer."""

    type: ClassVar[Literal["additional_tools"]] = "additional_tools"
    role: str | None = None
    tools: list[JSONObject] = always(list)


class ResponseCompactionItem(Item, tag="compaction"):
    """The conversation so far, shortened, in a form that only the host can read."""

    type: ClassVar[Literal["compaction"]] = "compaction"
    encrypted_content: str = always(str)


class Program(Item, tag="program"):
    """A program in which the model calls tools."""

    type: ClassVar[Literal["program"]] = "program"
    call_id: str = always(str)
    code: str = always(str)
    fingerprint: str = always(str)


class ProgramOutput(Item, tag="program_output"):
    """The output of a program."""

    type: ClassVar[Literal["program_output"]] = "program_output"
    call_id: str = always(str)
    result: str = always(str)


ResponseOutputItem: TypeAlias = OrUnknown[
    ResponseOutputMessage
    | ResponseReasoningItem
    | ResponseFunctionToolCall
    | ResponseFunctionToolCallOutputItem
    | ResponseCustomToolCall
    | ResponseCustomToolCallOutputItem
    | ResponseFileSearchToolCall
    | ResponseFunctionWebSearch
    | ResponseComputerToolCall
    | ResponseComputerToolCallOutputItem
    | ResponseCodeInterpreterToolCall
    | ImageGenerationCall
    | LocalShellCall
    | LocalShellCallOutput
    | ResponseFunctionShellToolCall
    | ResponseFunctionShellToolCallOutput
    | ResponseApplyPatchToolCall
    | ResponseApplyPatchToolCallOutput
    | McpCall
    | McpListTools
    | McpApprovalRequest
    | McpApprovalResponse
    | ResponseToolSearchCall
    | ResponseToolSearchOutputItem
    | AdditionalTools
    | ResponseCompactionItem
    | Program
    | ProgramOutput,
    UnknownItem,
]


# The response.


class InputTokensDetails(WireStruct):
    """The kinds of input tokens."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_tokens_details: JSONObject | None = None


class OutputTokensDetails(WireStruct):
    """The kinds of output tokens."""

    reasoning_tokens: int | None = None


class ResponseUsage(WireStruct):
    """The tokens of a request, with additions of hosts.

    Attributes:
        cost, cost_details, is_byok: Additions of OpenRouter; costs are in its credits. The cost may
            be an object (Perplexity).
        cost_in_usd_ticks, context_details, num_sources_used, num_server_side_tools_used,
            server_side_tool_usage_details: Additions of xAI.
        cached_tokens, cache_read_input_tokens, prompt_cache_hit_tokens, reasoning_tokens: Counts of
            the details, which some hosts send here.
        prompt_tokens, completion_tokens: Always None. Chat's names of `input_tokens` and
            `output_tokens`, to which they are moved.
    """

    input_tokens: int | None = None
    input_tokens_details: InputTokensDetails | None = None
    output_tokens: int | None = None
    output_tokens_details: OutputTokensDetails | None = None
    total_tokens: int | None = None
    cost: float | JSONObject | None = None
    cost_details: JSONObject | None = None
    is_byok: bool | None = None
    cost_in_usd_ticks: int | None = None
    context_details: JSONObject | None = None
    num_sources_used: int | None = None
    num_server_side_tools_used: int | None = None
    server_side_tool_usage_details: JSONObject | None = None
    cached_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    prompt_cache_hit_tokens: int | None = None
    reasoning_tokens: int | None = None
    prompt_tokens: None = None
    completion_tokens: None = None


class ResponseError(WireStruct):
    """The error of a response that failed."""

    code: str | None = None
    message: str | None = None
    param: str | None = None
    type: str | None = None
    misalignment: Any = None


class IncompleteDetails(WireStruct):
    """The reason for an incomplete answer: "max_output_tokens", "content_filter", ..."""

    reason: str | None = None


class Response(WireStruct, kw_only=True, rename={"stated_text": "output_text"}):
    """The whole answer, in the shape of the endpoint's answer without `stream`.

    Attributes:
        id, model: "" if the host sends none.
        created_at, completed_at: In seconds since 1970.
        status: "completed", "incomplete" (see `incomplete_details`), "failed" (see `error`),
            "in_progress", "queued" or "cancelled".
        output: The items, in their order.
        tool_usage, prompt_cache_diagnostics, store, billing, frequency_penalty, presence_penalty,
            content_filters (Azure), stop_reason: Undocumented fields of the wire.
        stated_text: The text of all messages, which some gateways have in `output_text`. None in an
            answer: if there is no output, what it adds to the text so far is in the last message.
    """

    id: str = always(str)
    object: str = always(lambda: "response")
    created_at: int | float | None = None
    status: str | None = None
    completed_at: int | float | None = None
    error: ResponseError | None = None
    incomplete_details: IncompleteDetails | None = None
    instructions: Any = None
    model: str = always(str)
    output: list[ResponseOutputItem] = always(list)
    parallel_tool_calls: bool | None = None
    tool_choice: Any = None
    tools: list[JSONObject] | None = None
    usage: ResponseUsage | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_logprobs: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    max_output_tokens: int | None = None
    max_tool_calls: int | None = None
    access_programs: JSONObject | None = None
    background: bool | None = None
    billing: JSONObject | None = None
    content_filters: list[JSONObject] | None = None
    conversation: JSONObject | None = None
    image: JSONObject | None = None
    input_transformations: list[JSONObject] | None = None
    metadata: JSONObject | None = None
    moderation: JSONObject | None = None
    previous_response_id: str | None = None
    prompt: JSONObject | None = None
    prompt_cache_diagnostics: JSONObject | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: JSONObject | None = None
    prompt_cache_retention: str | None = None
    reasoning: JSONObject | None = None
    safety_identifier: str | None = None
    service_tier: str | None = None
    stop_reason: str | None = None
    store: bool | None = None
    text: JSONObject | None = None
    tool_usage: JSONObject | None = None
    truncation: str | None = None
    user: str | None = None
    stated_text: str | None = None

    @property
    def output_text(self) -> str:
        """The texts of all messages, joined."""
        return "".join(
            part.text
            for item in self.output
            if isinstance(item, ResponseOutputMessage)
            for part in item.content
            if isinstance(part, ResponseOutputText)
        )
