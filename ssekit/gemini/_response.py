# The objects of the wire. In Google's API, a chunk and the whole answer have one type.
#
# What always holds here:
# - Every field may be missing or null: then it is None, or an empty list if that is the default.
# - A chunk has `candidates` and no `error`. The typed decoder refuses any other object in C, such
#   as a blocked prompt; only such an object is read in Python. It also refuses a chunk, a candidate
#   or a part with a field that is unknown here, which may be a known field in another spelling.
# - Words of an open vocabulary (role, finish_reason, modality) are plain strings.
# - Bytes stay base64, and objects that only the vendor's own tools can read stay as they came.

from __future__ import annotations

from typing import ClassVar, TypeAlias

import msgspec

from ssekit._fold import OrUnknown, Unknown, WireStruct, always
from ssekit._json import JSONObject

__all__ = [
    "Blob",
    "Candidate",
    "Citation",
    "CitationMetadata",
    "CodeExecutionResult",
    "Content",
    "ExecutableCode",
    "FileData",
    "FunctionCall",
    "FunctionResponse",
    "GenerateContentResponse",
    "GoogleTypeDate",
    "GroundingChunk",
    "GroundingChunkRetrievedContext",
    "GroundingChunkWeb",
    "GroundingMetadata",
    "GroundingSupport",
    "LogprobsResult",
    "LogprobsResultCandidate",
    "LogprobsResultTopCandidates",
    "ModalityTokenCount",
    "Part",
    "PartialArg",
    "PromptFeedback",
    "SafetyRating",
    "SearchEntryPoint",
    "Segment",
    "ToolCall",
    "ToolResponse",
    "UnknownPart",
    "UrlContextMetadata",
    "UrlMetadata",
    "UsageMetadata",
    "VideoMetadata",
]


class Wire(WireStruct, rename="camel"):
    """An object of the wire: its attributes are in snake_case, its encoding in camelCase."""


# Parts of a content.


class Blob(Wire):
    """Bytes, such as an image or audio; `data` is base64."""

    mime_type: str | None = None
    data: str | None = None
    display_name: str | None = None


class FileData(Wire):
    """A file, by its address."""

    mime_type: str | None = None
    file_uri: str | None = None
    display_name: str | None = None


class PartialArg(Wire):
    """A piece of a call's arguments (Vertex AI).

    Attributes:
        json_path: The piece's place in the arguments (RFC 9535), such as `$.place.names[0]`.
        string_value: The next piece of a string. The other values are whole.
        null_value: "NULL_VALUE" for an argument that is null. On the wire it may be null itself.
        will_continue: Whether more of the same argument follows.
    """

    json_path: str | None = None
    string_value: str | None = None
    number_value: int | float | None = None
    bool_value: bool | None = None
    null_value: str | None = None
    will_continue: bool | None = None


class FunctionCall(Wire):
    """A call of a function.

    Attributes:
        id: The host's id; None where it has none.
        args: The arguments; None if there are none.
        partial_args: In a chunk, pieces of the arguments. In an answer, `args` has them joined.
        will_continue: Whether more of the call follows. If true in an answer, the call was cut off.
    """

    id: str | None = None
    name: str | None = None
    args: JSONObject | None = None
    partial_args: list[PartialArg] | None = None
    will_continue: bool | None = None


class FunctionResponse(Wire):
    """The result of a function."""

    id: str | None = None
    name: str | None = None
    response: JSONObject | None = None
    parts: list[JSONObject] | None = None
    scheduling: str | None = None
    will_continue: bool | None = None


class ExecutableCode(Wire):
    """Code that the model wrote and the host runs."""

    id: str | None = None
    language: str | None = None
    code: str | None = None


class CodeExecutionResult(Wire):
    """The result of the code; `outcome` is a word such as OUTCOME_OK."""

    id: str | None = None
    outcome: str | None = None
    output: str | None = None


class ToolCall(Wire):
    """A call of one of the host's own tools, which the host ran."""

    id: str | None = None
    tool_type: str | None = None
    args: JSONObject | None = None


class ToolResponse(Wire):
    """The result of one of the host's own tools."""

    id: str | None = None
    tool_type: str | None = None
    response: JSONObject | None = None


class VideoMetadata(Wire):
    """A section of a video; offsets are in seconds, such as "3.5s"."""

    start_offset: str | None = None
    end_offset: str | None = None
    fps: float | None = None
    content_layers: list[str] | None = None


class UnknownPart(Unknown):
    """A part of an unknown kind, as it came.

    It has the attributes of a `Part`, all of them None: a loop over the parts that looks for texts
    or for calls needs no test of the type.
    """

    __slots__ = ()

    function_call: ClassVar[None] = None  # type checkers narrow the union on it
    text: ClassVar[None] = None  # (30 ns; `__getattr__` takes 500)

    def __getattr__(self, name: str) -> None:
        if name not in Part.__struct_fields__:
            raise AttributeError(name)


class Part(Wire, forbid_unknown_fields=True):
    """A part of a content. One field has its content; the others describe it.

    Attributes:
        text: A text; the model's thoughts, if `thought` is true.
        thought_signature: A token to send back with this part, so that the model can go on with its
            thoughts (base64). A part that has one is never joined with another.
        inline_data: Bytes. Those of successive chunks are not joined: they stay parts of their own.
    """

    __unknown__: ClassVar = UnknownPart

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None
    inline_data: Blob | None = None
    file_data: FileData | None = None
    executable_code: ExecutableCode | None = None
    code_execution_result: CodeExecutionResult | None = None
    tool_call: ToolCall | None = None
    tool_response: ToolResponse | None = None
    audio_transcription: JSONObject | None = None
    video_metadata: VideoMetadata | None = None
    audio_metadata: JSONObject | None = None
    document_metadata: JSONObject | None = None
    spreadsheet_metadata: JSONObject | None = None
    speech_metadata: JSONObject | None = None
    part_metadata: JSONObject | None = None
    media_resolution: JSONObject | None = None
    media_processing: str | None = None


AnyPart: TypeAlias = OrUnknown[Part, UnknownPart]


class Content(Wire):
    """A message of the model, in parts."""

    parts: list[AnyPart] = msgspec.field(default_factory=list)
    role: str | None = None


# Metadata of a candidate.


class SafetyRating(Wire):
    """The harmfulness of a content in one category."""

    category: str | None = None
    probability: str | None = None
    probability_score: float | None = None
    severity: str | None = None
    severity_score: float | None = None
    blocked: bool | None = None
    overwritten_threshold: str | None = None


class GoogleTypeDate(Wire):
    """A day, or a month or year if the rest is None or 0."""

    year: int | None = None
    month: int | None = None
    day: int | None = None


class Citation(Wire):
    """The source of a span of the text; indices are in bytes."""

    start_index: int | None = None
    end_index: int | None = None
    uri: str | None = None
    title: str | None = None
    license: str | None = None
    publication_date: GoogleTypeDate | None = None


class CitationMetadata(Wire):
    """The sources that the text quotes.

    Attributes:
        citation_sources: Always None. The Gemini API's name of `citations`, to which it is moved.
    """

    citations: list[Citation] = msgspec.field(default_factory=list)
    citation_sources: None = None


class GroundingChunkWeb(Wire):
    """A page of the web."""

    uri: str | None = None
    title: str | None = None
    domain: str | None = None


class GroundingChunkRetrievedContext(Wire):
    """A passage of the user's own documents."""

    uri: str | None = None
    title: str | None = None
    text: str | None = None
    document_name: str | None = None
    file_search_store: str | None = None
    page_number: int | None = None
    media_id: str | None = None
    custom_metadata: list[JSONObject] | None = None
    rag_chunk: JSONObject | None = None


class GroundingChunk(Wire):
    """A source of the answer: one of the fields is not None."""

    web: GroundingChunkWeb | None = None
    retrieved_context: GroundingChunkRetrievedContext | None = None
    maps: JSONObject | None = None
    image: JSONObject | None = None


class Segment(Wire):
    """A span of the answer, in bytes of the UTF-8 of one part."""

    part_index: int | None = None
    start_index: int | None = None
    end_index: int | None = None
    text: str | None = None


class GroundingSupport(Wire):
    """The sources of a span of the answer, as positions in `grounding_chunks`.

    An item of these lists that is not a number is None, so that the others keep their positions.
    """

    segment: Segment | None = None
    grounding_chunk_indices: list[int | None] | None = None
    confidence_scores: list[float | None] | None = None
    rendered_parts: list[int | None] | None = None


class SearchEntryPoint(Wire):
    """The suggestions to show beside an answer that used Google Search."""

    rendered_content: str | None = None
    sdk_blob: str | None = None


class GroundingMetadata(Wire):
    """The sources of the answer."""

    grounding_chunks: list[GroundingChunk] | None = None
    grounding_supports: list[GroundingSupport] | None = None
    web_search_queries: list[str] | None = None
    image_search_queries: list[str] | None = None
    retrieval_queries: list[str] | None = None
    search_entry_point: SearchEntryPoint | None = None
    retrieval_metadata: JSONObject | None = None
    google_maps_widget_context_token: str | None = None
    source_flagging_uris: list[JSONObject] | None = None


class UrlMetadata(Wire):
    """A page that the model asked for."""

    retrieved_url: str | None = None
    url_retrieval_status: str | None = None


class UrlContextMetadata(Wire):
    """The pages that the model asked for."""

    url_metadata: list[UrlMetadata] = msgspec.field(default_factory=list)


class LogprobsResultCandidate(Wire):
    """A token and the natural logarithm of its probability."""

    token: str | None = None
    token_id: int | None = None
    log_probability: float | None = None


class LogprobsResultTopCandidates(Wire):
    """The likeliest tokens at one position."""

    candidates: list[LogprobsResultCandidate] = msgspec.field(default_factory=list)


class LogprobsResult(Wire):
    """The log probabilities of the chosen tokens and of their alternatives."""

    chosen_candidates: list[LogprobsResultCandidate] | None = None
    top_candidates: list[LogprobsResultTopCandidates] | None = None
    log_probability_sum: float | None = None


class Candidate(Wire, forbid_unknown_fields=True):
    """One of the answers, or a piece of it in a chunk.

    Attributes:
        index: 0 if the host leaves it out. It is always encoded, and so is `content`.
        finish_reason: The vendor's word, such as STOP or MAX_TOKENS; None until the candidate ends.
        finish_message: A sentence about the finish reason.
        avg_logprobs: The average log probability of the tokens.
        continuation_token: A token to continue an answer that reached the limit of one request.
    """

    index: int = always(int)
    content: Content = always(Content)
    finish_reason: str | None = None
    finish_message: str | None = None
    token_count: int | None = None
    avg_logprobs: float | None = None
    logprobs_result: LogprobsResult | None = None
    safety_ratings: list[SafetyRating] | None = None
    citation_metadata: CitationMetadata | None = None
    grounding_metadata: GroundingMetadata | None = None
    url_context_metadata: UrlContextMetadata | None = None
    continuation_token: str | None = None


# The response.


class ModalityTokenCount(Wire):
    """The tokens of one modality, such as TEXT or IMAGE."""

    modality: str | None = None
    token_count: int | None = None


class UsageMetadata(Wire):
    """The tokens of a request so far (the vendor's GenerateContentResponseUsageMetadata).

    Attributes:
        prompt_token_count: The prompt with its cached tokens, without the host's tools.
        candidates_token_count: The candidates without their thoughts.
        service_tier: The tier that served the request (the Gemini API).
        traffic_type: The same (Vertex AI).
    """

    prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    total_token_count: int | None = None
    prompt_tokens_details: list[ModalityTokenCount] | None = None
    cache_tokens_details: list[ModalityTokenCount] | None = None
    tool_use_prompt_tokens_details: list[ModalityTokenCount] | None = None
    candidates_tokens_details: list[ModalityTokenCount] | None = None
    service_tier: str | None = None
    traffic_type: str | None = None


class PromptFeedback(Wire):
    """The host's verdict on the prompt (the vendor's GenerateContentResponsePromptFeedback).

    Attributes:
        block_reason: A word such as SAFETY; None if the prompt was not blocked.
    """

    block_reason: str | None = None
    block_reason_message: str | None = None
    safety_ratings: list[SafetyRating] | None = None


class GenerateContentResponse(Wire, forbid_unknown_fields=True):
    """One chunk of the stream; and the whole answer, in the shape of `:generateContent`.

    Attributes:
        candidates: The answers; none if the prompt was blocked (see `prompt_feedback`).
        create_time: The time of the request (RFC 3339; Vertex AI).
        error: Always None. An object here makes the event an `APIError`.
    """

    candidates: list[Candidate]
    prompt_feedback: PromptFeedback | None = None
    usage_metadata: UsageMetadata | None = None
    model_version: str | None = None
    response_id: str | None = None
    create_time: str | None = None
    model_status: JSONObject | None = None
    error: None = None
