"""Gemini: `:streamGenerateContent?alt=sse` of the Gemini API and of Vertex AI."""

# The names that every format has, and the types of what is on the wire (`_response`), which have
# the vendor's own names.
#
# What always holds here:
# - A chunk and the result have one shape, as at the vendor: `GenerateContentResponse`.
# - The stream has no end of its own: it ends cleanly when every candidate has its finish reason, or
#   when the prompt was blocked. `[DONE]`, which some proxies send, ends it too.

from __future__ import annotations

import msgspec

from ssekit._event import ServerSentEvent
from ssekit._format import Format
from ssekit.gemini._accumulator import Accumulator
from ssekit.gemini._repair import find_error, repair
from ssekit.gemini._response import (
    Blob,
    Candidate,
    Citation,
    CitationMetadata,
    CodeExecutionResult,
    Content,
    ExecutableCode,
    FileData,
    FunctionCall,
    FunctionResponse,
    GenerateContentResponse,
    GoogleTypeDate,
    GroundingChunk,
    GroundingChunkRetrievedContext,
    GroundingChunkWeb,
    GroundingMetadata,
    GroundingSupport,
    LogprobsResult,
    LogprobsResultCandidate,
    LogprobsResultTopCandidates,
    ModalityTokenCount,
    Part,
    PartialArg,
    PromptFeedback,
    SafetyRating,
    SearchEntryPoint,
    Segment,
    ToolCall,
    ToolResponse,
    UnknownPart,
    UrlContextMetadata,
    UrlMetadata,
    UsageMetadata,
    VideoMetadata,
)

__all__ = [
    "FORMAT",
    "Accumulator",
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
    "acollect",
    "astream",
    "collect",
    "decode",
    "decoder",
    "stream",
]


def _starts(chunk: GenerateContentResponse, _event: ServerSentEvent) -> bool:
    """Whether the chunk has a candidate, or a verdict on the prompt."""
    return bool(chunk.candidates) or chunk.prompt_feedback is not None


FORMAT: Format[GenerateContentResponse, GenerateContentResponse] = Format(
    "gemini",
    msgspec.json.Decoder(GenerateContentResponse),
    Accumulator,
    repair=repair,
    find_error=find_error,
    fragments={"text", "stringValue", "string_value"},
    chunk_field="candidates",
    starts=_starts,
    marker_ends=False,
)

decode = FORMAT.decode
decoder = FORMAT.decoder
stream = FORMAT.stream
astream = FORMAT.astream
collect = FORMAT.collect
acollect = FORMAT.acollect
