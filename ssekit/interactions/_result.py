# The finished answer: contents, the steps that hold them, and the interaction that holds the steps.
#
# What always holds here:
# - Every field may be missing or null: then it is None, and is not encoded. A field that the vendor
#   always sends has an empty value of its type instead, and is always encoded.
# - A delta of a content or a step is the same struct, in which only some fields are set.
# - Words of an open vocabulary (status, modality, language) are plain strings. Arguments, results
#   and annotations, whose shape differs from tool to tool, stay as they came.
# - A content or a step of an unknown type stays as it was on the wire.

from __future__ import annotations

from typing import Any, ClassVar, Literal, TypeAlias

from ssekit._fold import OrUnknown, Unknown, WireStruct, always
from ssekit._json import JSONObject

__all__ = [
    "AudioContent",
    "CodeExecutionCallStep",
    "CodeExecutionResultStep",
    "Content",
    "DocumentContent",
    "Error",
    "FileSearchCallStep",
    "FileSearchResultStep",
    "FunctionCallStep",
    "FunctionResultStep",
    "GoogleMapsCallStep",
    "GoogleMapsResultStep",
    "GoogleSearchCallStep",
    "GoogleSearchResultStep",
    "ImageContent",
    "Interaction",
    "MCPServerToolCallStep",
    "MCPServerToolResultStep",
    "ModelOutputStep",
    "Output",
    "ProcessingCallStep",
    "ProcessingResultStep",
    "RetrievalCallStep",
    "RetrievalResultStep",
    "Step",
    "TextContent",
    "ThoughtStep",
    "ToolSearchCallStep",
    "ToolSearchResultStep",
    "URLContextCallStep",
    "URLContextResultStep",
    "UnknownContent",
    "UnknownStep",
    "Usage",
    "UserInputStep",
    "VideoContent",
]


class UnknownContent(Unknown):
    """A content of a type that ssekit does not know."""

    __slots__ = ()


class UnknownStep(Unknown):
    """A step of a type that ssekit does not know."""

    __slots__ = ()


# Contents.


class AnyContent(WireStruct, tag_field="type"):
    """A content."""

    __unknown__: ClassVar = UnknownContent


class TextContent(AnyContent, tag="text"):
    """A text, with its `annotations`: citations, times of words, speakers."""

    type: ClassVar[Literal["text"]] = "text"
    text: str = always(str)
    annotations: list[JSONObject] | None = None


class Media(AnyContent):
    """A file: `data` is base64, `uri` its address."""

    mime_type: str | None = None
    data: str | None = None
    uri: str | None = None


class ImageContent(Media, tag="image"):
    """An image; `resolution` is a word such as "high"."""

    type: ClassVar[Literal["image"]] = "image"
    resolution: str | None = None


class AudioContent(Media, tag="audio"):
    """Audio; `sample_rate` is in hertz. (`rate` is its former name.)"""

    type: ClassVar[Literal["audio"]] = "audio"
    sample_rate: int | None = None
    rate: int | None = None
    channels: int | None = None


class VideoContent(Media, tag="video"):
    """A video."""

    type: ClassVar[Literal["video"]] = "video"
    resolution: str | None = None
    name: str | None = None


class DocumentContent(Media, tag="document"):
    """A document."""

    type: ClassVar[Literal["document"]] = "document"
    resolution: str | None = None


KnownContent: TypeAlias = TextContent | ImageContent | AudioContent | VideoContent | DocumentContent

Content: TypeAlias = OrUnknown[KnownContent, UnknownContent]


# Steps.


class AnyStep(WireStruct, tag_field="type"):
    """A step."""

    __unknown__: ClassVar = UnknownStep


class UserInputStep(AnyStep, tag="user_input"):
    """The user's input."""

    type: ClassVar[Literal["user_input"]] = "user_input"
    content: list[Content] | None = None


class ModelOutputStep(AnyStep, tag="model_output"):
    """The model's output; `error` is a status of Google's APIs (`code`, `message`, `details`)."""

    type: ClassVar[Literal["model_output"]] = "model_output"
    content: list[Content] | None = None
    error: JSONObject | None = None


class ThoughtStep(AnyStep, tag="thought"):
    """The model's reasoning: a summary, and the `signature` that proves it when it is sent back.

    Attributes:
        content: Always None. Some gateways send it instead of `summary`, to which it is moved.
    """

    type: ClassVar[Literal["thought"]] = "thought"
    summary: list[Content] | None = None
    signature: str | None = None
    content: None = None


class ToolCallStep(AnyStep):
    """A tool call.

    Attributes:
        partial_arguments: The text of the arguments, if it is not (or not yet) a whole JSON object.
            `arguments` are then those of the start of the step. The vendor's API does not have this
            field.
    """

    id: str = always(str)
    arguments: JSONObject | None = None
    partial_arguments: str | None = None
    signature: str | None = None


class FunctionCallStep(ToolCallStep, tag="function_call"):
    """A call of one of your tools, which you answer.

    Attributes:
        call_id: Always None. Some gateways send it instead of `id`, to which it is moved.
    """

    type: ClassVar[Literal["function_call"]] = "function_call"
    name: str = always(str)
    arguments: JSONObject = always(dict)
    call_id: None = None


# Calls of the vendor's own tools. The result of each is another step.


class CodeExecutionCallStep(ToolCallStep, tag="code_execution_call"):
    """Code that the vendor runs: `code` and `language` are in the arguments."""

    type: ClassVar[Literal["code_execution_call"]] = "code_execution_call"


class URLContextCallStep(ToolCallStep, tag="url_context_call"):
    """The addresses that the vendor reads: `urls` in the arguments."""

    type: ClassVar[Literal["url_context_call"]] = "url_context_call"


class GoogleSearchCallStep(ToolCallStep, tag="google_search_call"):
    """A web search: `queries` in the arguments."""

    type: ClassVar[Literal["google_search_call"]] = "google_search_call"
    search_type: str | None = None


class GoogleMapsCallStep(ToolCallStep, tag="google_maps_call"):
    """A search of places: `queries` in the arguments."""

    type: ClassVar[Literal["google_maps_call"]] = "google_maps_call"


class FileSearchCallStep(ToolCallStep, tag="file_search_call"):
    """A search of files."""

    type: ClassVar[Literal["file_search_call"]] = "file_search_call"


class MCPServerToolCallStep(ToolCallStep, tag="mcp_server_tool_call"):
    """A call that the vendor makes, of a tool of an MCP server."""

    type: ClassVar[Literal["mcp_server_tool_call"]] = "mcp_server_tool_call"
    name: str = always(str)
    server_name: str = always(str)


class RetrievalCallStep(ToolCallStep, tag="retrieval_call"):
    """A search of your own data."""

    type: ClassVar[Literal["retrieval_call"]] = "retrieval_call"
    retrieval_type: str | None = None


class ToolSearchCallStep(ToolCallStep, tag="tool_search_call"):
    """A search of tools."""

    type: ClassVar[Literal["tool_search_call"]] = "tool_search_call"


class ProcessingCallStep(ToolCallStep, tag="processing_call"):
    """The processing of a file."""

    type: ClassVar[Literal["processing_call"]] = "processing_call"


class ToolResultStep(AnyStep):
    """The result of a tool: mostly a list or a text."""

    call_id: str = always(str)
    result: Any = None
    is_error: bool | None = None
    signature: str | None = None


class FunctionResultStep(ToolResultStep, tag="function_result"):
    """Your answer to a function call."""

    type: ClassVar[Literal["function_result"]] = "function_result"
    name: str | None = None


class CodeExecutionResultStep(ToolResultStep, tag="code_execution_result"):
    """The output of code."""

    type: ClassVar[Literal["code_execution_result"]] = "code_execution_result"


class URLContextResultStep(ToolResultStep, tag="url_context_result"):
    """The addresses that were read: each has a `url` and a `status`."""

    type: ClassVar[Literal["url_context_result"]] = "url_context_result"


class GoogleSearchResultStep(ToolResultStep, tag="google_search_result"):
    """The results of a web search, with `search_suggestions` in HTML."""

    type: ClassVar[Literal["google_search_result"]] = "google_search_result"


class GoogleMapsResultStep(ToolResultStep, tag="google_maps_result"):
    """The places that were found."""

    type: ClassVar[Literal["google_maps_result"]] = "google_maps_result"


class FileSearchResultStep(ToolResultStep, tag="file_search_result"):
    """The files that were found."""

    type: ClassVar[Literal["file_search_result"]] = "file_search_result"


class MCPServerToolResultStep(ToolResultStep, tag="mcp_server_tool_result"):
    """The result of a tool of an MCP server."""

    type: ClassVar[Literal["mcp_server_tool_result"]] = "mcp_server_tool_result"
    name: str | None = None
    server_name: str | None = None


class RetrievalResultStep(ToolResultStep, tag="retrieval_result"):
    """The results of a search of your own data."""

    type: ClassVar[Literal["retrieval_result"]] = "retrieval_result"


class ToolSearchResultStep(ToolResultStep, tag="tool_search_result"):
    """The tools that were found."""

    type: ClassVar[Literal["tool_search_result"]] = "tool_search_result"


class ProcessingResultStep(ToolResultStep, tag="processing_result"):
    """The end of the processing of a file."""

    type: ClassVar[Literal["processing_result"]] = "processing_result"


ToolStep: TypeAlias = (
    FunctionCallStep
    | FunctionResultStep
    | CodeExecutionCallStep
    | CodeExecutionResultStep
    | URLContextCallStep
    | URLContextResultStep
    | GoogleSearchCallStep
    | GoogleSearchResultStep
    | GoogleMapsCallStep
    | GoogleMapsResultStep
    | FileSearchCallStep
    | FileSearchResultStep
    | MCPServerToolCallStep
    | MCPServerToolResultStep
    | RetrievalCallStep
    | RetrievalResultStep
    | ToolSearchCallStep
    | ToolSearchResultStep
    | ProcessingCallStep
    | ProcessingResultStep
)
KnownStep: TypeAlias = ModelOutputStep | ThoughtStep | UserInputStep | ToolStep

Step: TypeAlias = OrUnknown[KnownStep, UnknownStep]
# In the former spelling, an output is a content, or an object that is a step now.
Output: TypeAlias = OrUnknown[KnownContent | KnownStep, UnknownContent]


# The interaction and its usage.


class Usage(WireStruct):
    """The tokens of the interaction so far.

    Attributes:
        total_input_tokens: The input, with its cached tokens.
        total_output_tokens: The output, without the thoughts.
        total_tool_use_tokens: The results of the vendor's tools, which are input too.
        total_reasoning_tokens: The former name of `total_thought_tokens`.
        initial_input_tokens: The input of the first of several requests.
        raw_prompt_token: An undocumented count.
        input_tokens, output_tokens, prompt_tokens, completion_tokens: Always None. Other names,
            which become the first counts.
    """

    total_input_tokens: int | None = None
    total_output_tokens: int | None = None
    total_thought_tokens: int | None = None
    total_reasoning_tokens: int | None = None
    total_cached_tokens: int | None = None
    total_tool_use_tokens: int | None = None
    total_tokens: int | None = None
    initial_input_tokens: int | None = None
    raw_prompt_token: int | None = None
    input_tokens_by_modality: list[JSONObject] | None = None
    output_tokens_by_modality: list[JSONObject] | None = None
    cached_tokens_by_modality: list[JSONObject] | None = None
    tool_use_tokens_by_modality: list[JSONObject] | None = None
    grounding_tool_count: list[JSONObject] | None = None
    input_tokens: None = None
    output_tokens: None = None
    prompt_tokens: None = None
    completion_tokens: None = None


class Error(WireStruct):
    """A reason for which an interaction failed."""

    code: str | None = None
    message: str | None = None


class Interaction(WireStruct, kw_only=True):
    """The whole answer, as the endpoint returns it without `stream`.

    Attributes:
        id: "" if the interaction is not stored.
        status: The vendor's word: "completed", "requires_action", "incomplete",
            "requires_continuation", "failed", "cancelled", "in_progress", ...
        model, agent: The name of the one that answered; the other is "".
        steps: The steps, in their order.
        outputs: The outputs, instead of steps, if the host has the former spelling.
        created, updated: Times in ISO 8601.
        continuation_token: The token for the request that continues an answer whose status is
            "requires_continuation".
        stop_reason: The word of a gateway for the end, besides the status.
        errors: The reasons for which the interaction failed.
        error: Always None. An interaction that has one becomes an `APIError`.
    """

    id: str = always(str)
    object: str | None = None
    status: str = always(str)
    model: str = ""
    agent: str = ""
    role: str | None = None
    steps: list[Step] | None = None
    outputs: list[Output] | None = None
    usage: Usage | None = None
    created: str | None = None
    updated: str | None = None
    service_tier: str | None = None
    continuation_token: str | None = None
    previous_interaction_id: str | None = None
    environment_id: str | None = None
    stop_reason: str | None = None
    errors: list[Error] | None = None
    error: None = None
