"""Messages: `POST /v1/messages` of Anthropic, and of all who speak it."""

# The names that every format has, and the types of blocks (`_message`) and events (`_events`).
# These have the vendor's own names; those of the beta API stand here without "Beta".
#
# What always holds here:
# - Ordinary events are decoded as a union of tagged structs. What reports an error is not in it.
# - The stream ends with `message_stop`. `[DONE]`, which some gateways send, ends it too.

from __future__ import annotations

import msgspec

from ssekit._event import ServerSentEvent
from ssekit._format import Format
from ssekit.messages._accumulator import Accumulator
from ssekit.messages._events import (
    AnyEvent,
    CitationsDelta,
    CompactionContentBlockDelta,
    ErrorEvent,
    InputJSONDelta,
    InvocationMetrics,
    MessageDelta,
    OrdinaryEvent,
    PingEvent,
    RawContentBlockDelta,
    RawContentBlockDeltaEvent,
    RawContentBlockStartEvent,
    RawContentBlockStopEvent,
    RawMessageDeltaEvent,
    RawMessageStartEvent,
    RawMessageStopEvent,
    RawMessageStreamEvent,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
    UnknownDelta,
    UnknownEvent,
)
from ssekit.messages._repair import repair
from ssekit.messages._result import (
    AdvisorToolResultBlock,
    BashCodeExecutionToolResultBlock,
    CacheCreation,
    CodeExecutionToolResultBlock,
    CompactionBlock,
    Container,
    ContainerUploadBlock,
    ContentBlock,
    FallbackBlock,
    MCPToolListingBlock,
    MCPToolResultBlock,
    MCPToolUseBlock,
    Message,
    OutputTokensDetails,
    RedactedThinkingBlock,
    RefusalStopDetails,
    ServerToolUsage,
    ServerToolUseBlock,
    TextBlock,
    TextEditorCodeExecutionToolResultBlock,
    ThinkingBlock,
    ToolSearchToolResultBlock,
    ToolUseBlock,
    UnknownBlock,
    Usage,
    WebFetchToolResultBlock,
    WebSearchToolResultBlock,
)

__all__ = [
    "FORMAT",
    "Accumulator",
    "AdvisorToolResultBlock",
    "BashCodeExecutionToolResultBlock",
    "CacheCreation",
    "CitationsDelta",
    "CodeExecutionToolResultBlock",
    "CompactionBlock",
    "CompactionContentBlockDelta",
    "Container",
    "ContainerUploadBlock",
    "ContentBlock",
    "ErrorEvent",
    "FallbackBlock",
    "InputJSONDelta",
    "InvocationMetrics",
    "MCPToolListingBlock",
    "MCPToolResultBlock",
    "MCPToolUseBlock",
    "Message",
    "MessageDelta",
    "OutputTokensDetails",
    "PingEvent",
    "RawContentBlockDelta",
    "RawContentBlockDeltaEvent",
    "RawContentBlockStartEvent",
    "RawContentBlockStopEvent",
    "RawMessageDeltaEvent",
    "RawMessageStartEvent",
    "RawMessageStopEvent",
    "RawMessageStreamEvent",
    "RedactedThinkingBlock",
    "RefusalStopDetails",
    "ServerToolUsage",
    "ServerToolUseBlock",
    "SignatureDelta",
    "TextBlock",
    "TextDelta",
    "TextEditorCodeExecutionToolResultBlock",
    "ThinkingBlock",
    "ThinkingDelta",
    "ToolSearchToolResultBlock",
    "ToolUseBlock",
    "UnknownBlock",
    "UnknownDelta",
    "UnknownEvent",
    "Usage",
    "WebFetchToolResultBlock",
    "WebSearchToolResultBlock",
    "acollect",
    "astream",
    "collect",
    "decode",
    "decoder",
    "stream",
]


def _starts(event: RawMessageStreamEvent, _: ServerSentEvent) -> bool:
    """Whether the event begins the message or is of a block."""
    return isinstance(
        event,
        RawMessageStartEvent
        | RawContentBlockStartEvent
        | RawContentBlockDeltaEvent
        | RawContentBlockStopEvent,
    )


FORMAT: Format[RawMessageStreamEvent, Message] = Format(
    "messages",
    msgspec.json.Decoder(OrdinaryEvent),
    Accumulator,
    repair=repair,
    fragments={"text", "thinking", "partial_json"},
    chunk_type=AnyEvent,
    typed_by_event=True,
    starts=_starts,
    marker_ends=False,
)

decode = FORMAT.decode
decoder = FORMAT.decoder
stream = FORMAT.stream
astream = FORMAT.astream
collect = FORMAT.collect
acollect = FORMAT.acollect
