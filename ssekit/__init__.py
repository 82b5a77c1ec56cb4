"""Bytes in, finished answers out: Server-Sent Events of language models, decoded and accumulated.

The engine is here; each wire format is a module of its own, such as `ssekit.chat`.
"""

from ssekit._accumulator import Accumulator
from ssekit._backoff import Backoff
from ssekit._decoder import StreamDecoder
from ssekit._deltas import (
    Delta,
    Finish,
    FinishReason,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from ssekit._errors import (
    AnswerTooLargeError,
    APIError,
    ContentTypeError,
    DecodeError,
    EventTooLargeError,
    SSEKitError,
    StatusError,
    StreamInterruptedError,
    StreamNotFinishedError,
    StreamTimeoutError,
    StreamTruncatedError,
)
from ssekit._event import ServerSentEvent, encode_comment
from ssekit._format import Format
from ssekit._marker import DONE, Done
from ssekit._partial_json import PartialJSON, partial_json
from ssekit._reconnect import areconnect, reconnect
from ssekit._source import AsyncSource, Source
from ssekit._sse import SSEDecoder
from ssekit._stream import AsyncStream, Stream, aiter_events, iter_events

__version__ = "0.1.0"

__all__ = [
    "DONE",
    "APIError",
    "Accumulator",
    "AnswerTooLargeError",
    "AsyncSource",
    "AsyncStream",
    "Backoff",
    "ContentTypeError",
    "DecodeError",
    "Delta",
    "Done",
    "EventTooLargeError",
    "Finish",
    "FinishReason",
    "Format",
    "PartialJSON",
    "ReasoningDelta",
    "RefusalDelta",
    "SSEDecoder",
    "SSEKitError",
    "ServerSentEvent",
    "Source",
    "StatusError",
    "Stream",
    "StreamDecoder",
    "StreamInterruptedError",
    "StreamNotFinishedError",
    "StreamTimeoutError",
    "StreamTruncatedError",
    "TextDelta",
    "ToolCall",
    "ToolCallDelta",
    "Usage",
    "aiter_events",
    "areconnect",
    "encode_comment",
    "iter_events",
    "partial_json",
    "reconnect",
]
