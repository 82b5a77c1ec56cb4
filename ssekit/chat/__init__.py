"""Chat completions: `POST /v1/chat/completions` of OpenAI, and of compatible hosts."""

from __future__ import annotations

import msgspec

from ssekit._choices import (
    CompletionTokensDetails,
    CompletionUsage,
    PromptTokensDetails,
    find_error,
)
from ssekit._event import ServerSentEvent
from ssekit._format import Format
from ssekit.chat import _chunk, _result
from ssekit.chat._accumulator import Accumulator
from ssekit.chat._builders import JOINED, TEXTS
from ssekit.chat._chunk import *  # noqa: F403
from ssekit.chat._chunk import ABSENT_DELTA, ChatCompletionChunk
from ssekit.chat._repair import repair
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


def _starts(chunk: ChatCompletionChunk, _event: ServerSentEvent) -> bool:
    """Whether a choice of the chunk has a `delta`, even an empty one, or a message."""
    return any(
        choice.delta is not ABSENT_DELTA or choice.message is not None for choice in chunk.choices
    )


FORMAT: Format[ChatCompletionChunk, ChatCompletion] = Format(
    "chat",
    msgspec.json.Decoder(ChatCompletionChunk),
    Accumulator,
    repair=repair,
    find_error=find_error,
    fragments={*TEXTS, *JOINED, "input"},
    chunk_field="choices",
    side_fields=("usage", "prompt_filter_results"),
    starts=_starts,
    passes_named_events=True,
)

decode = FORMAT.decode
decoder = FORMAT.decoder
stream = FORMAT.stream
astream = FORMAT.astream
collect = FORMAT.collect
acollect = FORMAT.acollect
