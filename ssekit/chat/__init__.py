"""Chat completions: `POST /v1/chat/completions` of OpenAI, and of compatible hosts."""

from __future__ import annotations

import msgspec

from ssekit._choices import CompletionTokensDetails, CompletionUsage, PromptTokensDetails
from ssekit._format import Format
from ssekit.chat import _chunk, _result
from ssekit.chat._accumulator import Accumulator
from ssekit.chat._chunk import *  # noqa: F403
from ssekit.chat._chunk import ChatCompletionChunk
from ssekit.chat._repair import find_error, repair
from ssekit.chat._result import *  # noqa: F403
from ssekit.chat._result import ChatCompletion

__all__ = [
    "FORMAT",
    "Accumulator",
    "CompletionTokensDetails",
    "CompletionUsage",
    "PromptTokensDetails",
    "acollect",
    "astream",
    "collect",
    "decode",
    "decoder",
    "stream",
]
__all__ += _chunk.__all__
__all__ += _result.__all__

FORMAT: Format[ChatCompletionChunk, ChatCompletion] = Format(
    "chat",
    msgspec.json.Decoder(ChatCompletionChunk),
    Accumulator,
    repair=repair,
    find_error=find_error,
    fragments={
        "content",
        "refusal",
        "reasoning",
        "reasoning_content",
        "arguments",
        "input",
        "transcript",
        "text",
        "thinking",
        "summary",
    },
    chunk_field="choices",
)

decode = FORMAT.decode
decoder = FORMAT.decoder
stream = FORMAT.stream
astream = FORMAT.astream
collect = FORMAT.collect
acollect = FORMAT.acollect
