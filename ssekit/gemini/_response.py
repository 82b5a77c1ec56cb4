# What an event of the stream says, and what the whole answer is: at Google they have one shape.
#
# What always holds here:
# - Every field may be missing or null, and both are None (for what is listed, no items).
# - What makes a chunk is that it has `candidates` and no `error`. What has not, such as a blocked
#   prompt, fails in C, and only then costs Python; so does a chunk, a candidate or a part that has
#   a field unknown here, which may be one of the known ones in another spelling.
# - Words of an open vocabulary (role, finish_reason, modality) are plain strings; bytes are base64,
#   as they came. What says nothing without the vendor's own tools is left as it came.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import msgspec

from ssekit._json import JSONObject


class Wire(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True, rename="camel"):
    """An object of the wire: its attributes are in snake_case, its encoding in camelCase."""


# Parts.


class Blob(Wire, frozen=True):
    """Bytes such as an image or audio; `data` is base64."""

    mime_type: str | None = None
    data: str | None = None
    display_name: str | None = None


class FileData(Wire, frozen=True):
    """A file by its address."""

    mime_type: str | None = None
    file_uri: str | None = None
    display_name: str | None = None


class PartialArg(Wire, frozen=True):
    """A piece of a call's arguments (Vertex AI).

    Attributes:
        json_path: Where it belongs (RFC 9535), such as `$.place.names[0]`.
        string_value: The next piece of a string; the other values are whole.
        null_value: Says that the argument is null. On the wire it may be null itself.
        will_continue: Whether more of the same argument follows.
    """

    json_path: str | None = None
    string_value: str | None = None
    number_value: int | float | None = None
    bool_value: bool | None = None
    null_value: str | None = None
    will_continue: bool | None = None


class FunctionCall(Wire, frozen=True):
    """A function that the model calls.

    Attributes:
        id: None where the host gives none.
        args: The arguments; None if the host gave none.
        partial_args: Pieces of the arguments, in a chunk; of an answer they are in `args`.
        will_continue: Whether more of the call follows; in an answer, that it never ended.
    """

    id: str | None = None
    name: str | None = None
    args: JSONObject | None = None
    partial_args: list[PartialArg] | None = None
    will_continue: bool | None = None


class FunctionResponse(Wire, frozen=True):
    """What a function gave."""

    id: str | None = None
    name: str | None = None
    response: JSONObject | None = None
    parts: list[JSONObject] | None = None
    scheduling: str | None = None
    will_continue: bool | None = None


class ExecutableCode(Wire, frozen=True):
    """Code that the model wrote, and the host runs."""

    id: str | None = None
    language: str | None = None
    code: str | None = None


class CodeExecutionResult(Wire, frozen=True):
    """What the code gave; `outcome` is such as OUTCOME_OK."""

    id: str | None = None
    outcome: str | None = None
    output: str | None = None


class ToolCall(Wire, frozen=True):
    """A tool of the host's own that the model called, and the host ran."""

    id: str | None = None
    tool_type: str | None = None
    args: JSONObject | None = None


class ToolResponse(Wire, frozen=True):
    """What a tool of the host's own gave."""

    id: str | None = None
    tool_type: str | None = None
    response: JSONObject | None = None


class VideoMetadata(Wire, frozen=True):
    """Which part of a video it is: offsets are seconds, such as "3.5s"."""

    start_offset: str | None = None
    end_offset: str | None = None
    fps: float | None = None
    content_layers: list[str] | None = None


class UnknownPart(dict[str, Any]):
    """A part of a kind that ssekit does not know, as it came.

    It has the attributes of a `Part`, and they are None: who looks for texts, or for calls, need
    not look out for it.
    """

    function_call: ClassVar[None] = None  # by this, type checkers tell the two apart

    def __getattr__(self, name: str) -> None:
        if name not in Part.__struct_fields__:
            raise AttributeError(name)


class Part(Wire, frozen=True, forbid_unknown_fields=True):
    """A part of the content: one of its fields says which kind it is, the others are beside it.

    Attributes:
        text: A text; of the model's thoughts, if `thought` is true.
        thought_signature: To be sent back with this part, so that the model can think on (base64).
            A part that has one is never joined with another, so that it can be.
        inline_data: Bytes; those of a stream that come one after the other are parts of their own.
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


if TYPE_CHECKING:
    AnyPart: TypeAlias = Part | UnknownPart
else:
    AnyPart = Part  # of what is unknown, a decoder need not know


class Content(Wire, frozen=True):
    """What the model says, in parts."""

    parts: list[AnyPart] = msgspec.field(default_factory=list)
    role: str | None = None


# What a candidate has beside its content.


class SafetyRating(Wire, frozen=True):
    """How harmful a content is in one category."""

    category: str | None = None
    probability: str | None = None
    probability_score: float | None = None
    severity: str | None = None
    severity_score: float | None = None
    blocked: bool | None = None
    overwritten_threshold: str | None = None


class GoogleTypeDate(Wire, frozen=True):
    """A day, or a month or year if the rest is None or 0."""

    year: int | None = None
    month: int | None = None
    day: int | None = None


class Citation(Wire, frozen=True):
    """Where a span of the text (in bytes) was taken from."""

    start_index: int | None = None
    end_index: int | None = None
    uri: str | None = None
    title: str | None = None
    license: str | None = None
    publication_date: GoogleTypeDate | None = None


class CitationMetadata(Wire, frozen=True):
    """Where the text was taken from."""

    citations: list[Citation] = msgspec.field(default_factory=list)


class GroundingChunkWeb(Wire, frozen=True):
    """A page of the web."""

    uri: str | None = None
    title: str | None = None
    domain: str | None = None


class GroundingChunkRetrievedContext(Wire, frozen=True):
    """A passage of the caller's own documents."""

    uri: str | None = None
    title: str | None = None
    text: str | None = None
    document_name: str | None = None
    file_search_store: str | None = None
    page_number: int | None = None
    media_id: str | None = None
    custom_metadata: list[JSONObject] | None = None
    rag_chunk: JSONObject | None = None


class GroundingChunk(Wire, frozen=True):
    """A source that the answer rests on: one of its fields is not None."""

    web: GroundingChunkWeb | None = None
    retrieved_context: GroundingChunkRetrievedContext | None = None
    maps: JSONObject | None = None
    image: JSONObject | None = None


class Segment(Wire, frozen=True):
    """A span of the answer, in bytes of the UTF-8 of one part."""

    part_index: int | None = None
    start_index: int | None = None
    end_index: int | None = None
    text: str | None = None


class GroundingSupport(Wire, frozen=True):
    """Which sources (places in `grounding_chunks`) a span of the answer rests on.

    What is no number in these lists is None, so that the others stay in their places.
    """

    segment: Segment | None = None
    grounding_chunk_indices: list[int | None] | None = None
    confidence_scores: list[float | None] | None = None
    rendered_parts: list[int | None] | None = None


class SearchEntryPoint(Wire, frozen=True):
    """What is to be shown beside an answer that rests on Google Search."""

    rendered_content: str | None = None
    sdk_blob: str | None = None


class GroundingMetadata(Wire, frozen=True):
    """What the answer rests on."""

    grounding_chunks: list[GroundingChunk] | None = None
    grounding_supports: list[GroundingSupport] | None = None
    web_search_queries: list[str] | None = None
    image_search_queries: list[str] | None = None
    retrieval_queries: list[str] | None = None
    search_entry_point: SearchEntryPoint | None = None
    retrieval_metadata: JSONObject | None = None
    google_maps_widget_context_token: str | None = None
    source_flagging_uris: list[JSONObject] | None = None


class UrlMetadata(Wire, frozen=True):
    """A page that was asked for."""

    retrieved_url: str | None = None
    url_retrieval_status: str | None = None


class UrlContextMetadata(Wire, frozen=True):
    """The pages that were asked for."""

    url_metadata: list[UrlMetadata] = msgspec.field(default_factory=list)


class LogprobsResultCandidate(Wire, frozen=True):
    """How likely a token was (a natural logarithm)."""

    token: str | None = None
    token_id: int | None = None
    log_probability: float | None = None


class LogprobsResultTopCandidates(Wire, frozen=True):
    """The likeliest tokens at a place."""

    candidates: list[LogprobsResultCandidate] = msgspec.field(default_factory=list)


class LogprobsResult(Wire, frozen=True):
    """How likely the tokens were that were chosen, and which others were."""

    chosen_candidates: list[LogprobsResultCandidate] | None = None
    top_candidates: list[LogprobsResultTopCandidates] | None = None
    log_probability_sum: float | None = None


class Candidate(Wire, frozen=True, forbid_unknown_fields=True):
    """One of the answers, or what a chunk says of it.

    Attributes:
        index: 0 where the host says none. It is always encoded, and so is `content`.
        finish_reason: The vendor's word, such as STOP or MAX_TOKENS; None while it goes on.
        finish_message: More about it, for a reader.
        avg_logprobs: How likely the tokens were, on average.
        continuation_token: To go on with an answer that reached the limit of one request.
    """

    index: int = msgspec.field(default_factory=int)
    content: Content = msgspec.field(default_factory=Content)
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


# The whole.


class ModalityTokenCount(Wire, frozen=True):
    """The tokens of one modality, such as TEXT or IMAGE."""

    modality: str | None = None
    token_count: int | None = None


class UsageMetadata(Wire, frozen=True):
    """The tokens of a request so far (the vendor's GenerateContentResponseUsageMetadata).

    Attributes:
        prompt_token_count: With those that were cached, without those of tools.
        candidates_token_count: Without the thoughts.
        service_tier: How the request was served (the Gemini API).
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


class PromptFeedback(Wire, frozen=True):
    """What the host says of the prompt (the vendor's GenerateContentResponsePromptFeedback).

    Attributes:
        block_reason: Why there is no answer, such as SAFETY; None if the prompt was not blocked.
    """

    block_reason: str | None = None
    block_reason_message: str | None = None
    safety_ratings: list[SafetyRating] | None = None


class GenerateContentResponse(Wire, frozen=True, forbid_unknown_fields=True):
    """One event of the stream; and the whole answer, as `:generateContent` gives it.

    Attributes:
        candidates: The answers; none if the prompt was blocked, as `prompt_feedback` then says.
        create_time: When the request was made (RFC 3339; Vertex AI).
        error: Nothing, in a chunk: an object here makes the event an `APIError`.
    """

    candidates: list[Candidate]
    prompt_feedback: PromptFeedback | None = None
    usage_metadata: UsageMetadata | None = None
    model_version: str | None = None
    response_id: str | None = None
    create_time: str | None = None
    model_status: JSONObject | None = None
    error: None = None
