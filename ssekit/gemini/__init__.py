"""Gemini: `:streamGenerateContent?alt=sse` of the Gemini API and of Vertex AI."""

# The names that every format has, and the objects of the wire under the vendor's names.
#
# What always holds here:
# - A chunk and the result have one type, as in the vendor's API: `GenerateContentResponse`.
# - The format has no terminal event. A stream is done when its bytes end after every candidate has
#   a finish reason, or after the prompt was blocked; or then with the `[DONE]` of some proxies
#   (`ended_by` is "marker").

from __future__ import annotations

import msgspec

from ssekit._event import ServerSentEvent
from ssekit._format import Format
from ssekit.gemini import _response
from ssekit.gemini._accumulator import Accumulator
from ssekit.gemini._repair import find_error, repair
from ssekit.gemini._response import *  # noqa: F403
from ssekit.gemini._response import GenerateContentResponse

__all__ = ["FORMAT", "Accumulator", "acollect", "astream", "collect", "decode", "decoder", "stream"]
__all__ += _response.__all__


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
