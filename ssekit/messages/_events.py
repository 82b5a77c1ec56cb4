# The events of the stream, and the deltas of content blocks.
#
# What always holds here:
# - Every field may be missing or null: then it has its default. Where gateways put a field in
#   another place than the vendor's, it is declared there too.
# - An event that reports an error is not an ordinary event: the decoder refuses it, and the format
#   makes an `APIError` of it. It has the type `error`, or an `error` in it (which is not looked for
#   in deltas of blocks).
# - An event or a delta of an unknown type stays as it was on the wire.

from __future__ import annotations

from types import NoneType
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

import msgspec

from ssekit._fold import Unknown, always
from ssekit._json import JSONObject
from ssekit.messages._result import (
    Container,
    ContentBlock,
    Message,
    RefusalStopDetails,
    Usage,
)

__all__ = [
    "CitationsDelta",
    "CompactionContentBlockDelta",
    "ErrorEvent",
    "InputJSONDelta",
    "InvocationMetrics",
    "MessageDelta",
    "PingEvent",
    "RawContentBlockDelta",
    "RawContentBlockDeltaEvent",
    "RawContentBlockStartEvent",
    "RawContentBlockStopEvent",
    "RawMessageDeltaEvent",
    "RawMessageStartEvent",
    "RawMessageStopEvent",
    "RawMessageStreamEvent",
    "SignatureDelta",
    "TextDelta",
    "ThinkingDelta",
    "UnknownDelta",
    "UnknownEvent",
]


class UnknownEvent(Unknown):
    """An event of a type that ssekit does not know."""

    __slots__ = ()


class UnknownDelta(Unknown):
    """A delta of a content block of a type that ssekit does not know."""

    __slots__ = ()


# The deltas of content blocks.


class BlockDelta(
    msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True, tag_field="type"
):
    """A delta of a content block."""

    __unknown__: ClassVar = UnknownDelta


class TextDelta(BlockDelta, frozen=True, tag="text_delta"):
    """The next piece of a text. (Another type is `ssekit.TextDelta`, of the shared vocabulary.)"""

    type: ClassVar[Literal["text_delta"]] = "text_delta"
    text: str = always(str)


class ThinkingDelta(BlockDelta, frozen=True, tag="thinking_delta"):
    """The next piece of the reasoning.

    Attributes:
        estimated_tokens: Those so far (beta).
        signature: Here for some gateways, in the place of a `SignatureDelta`.
        text: Always None. Some gateways have it in the place of `thinking`, which it becomes.
    """

    type: ClassVar[Literal["thinking_delta"]] = "thinking_delta"
    thinking: str = always(str)
    estimated_tokens: int | None = None
    signature: str | None = None
    text: None = None


class InputJSONDelta(BlockDelta, frozen=True, tag="input_json_delta"):
    """The next piece of the JSON text of a tool's input."""

    type: ClassVar[Literal["input_json_delta"]] = "input_json_delta"
    partial_json: str = always(str)


class SignatureDelta(BlockDelta, frozen=True, tag="signature_delta"):
    """The signature of the reasoning."""

    type: ClassVar[Literal["signature_delta"]] = "signature_delta"
    signature: str = always(str)


class CitationsDelta(BlockDelta, frozen=True, tag="citations_delta"):
    """One more citation of a text."""

    type: ClassVar[Literal["citations_delta"]] = "citations_delta"
    citation: JSONObject | None = None


class CompactionContentBlockDelta(BlockDelta, frozen=True, tag="compaction_delta"):
    """The summary of a compaction (beta)."""

    type: ClassVar[Literal["compaction_delta"]] = "compaction_delta"
    content: str | None = None
    encrypted_content: str | None = None


_KnownDelta: TypeAlias = (
    TextDelta
    | ThinkingDelta
    | InputJSONDelta
    | SignatureDelta
    | CitationsDelta
    | CompactionContentBlockDelta
)

if TYPE_CHECKING:
    RawContentBlockDelta: TypeAlias = _KnownDelta | UnknownDelta
else:
    RawContentBlockDelta = _KnownDelta


class MessageDelta(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The end of the message. (The `usage` is mostly a field of the event.)"""

    stop_reason: str | None = always(NoneType)
    stop_sequence: str | None = always(NoneType)
    stop_details: RefusalStopDetails | None = None
    container: Container | None = None
    usage: Usage | None = None


# The events of a message.


class Event(
    msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True, tag_field="type"
):
    """An event."""

    __unknown__: ClassVar = UnknownEvent


class WatchedEvent(Event, frozen=True):
    """An event that is refused if its `error` is not null: it is an `APIError` then.

    Deltas of blocks, nearly all of a stream, do without: the field takes 8 of their 140 ns.
    """

    error: None = None


class RawMessageStartEvent(WatchedEvent, frozen=True, tag="message_start"):
    """The start of a message. Some gateways put fields of `message` beside it."""

    type: ClassVar[Literal["message_start"]] = "message_start"
    message: Message | None = None
    id: str | None = None
    model: str | None = None
    usage: Usage | None = None


class RawMessageDeltaEvent(WatchedEvent, frozen=True, tag="message_delta"):
    """The end of the message (for some gateways beside `delta`), and its usage so far."""

    type: ClassVar[Literal["message_delta"]] = "message_delta"
    delta: MessageDelta | None = None
    usage: Usage | None = None
    context_management: JSONObject | None = None
    input_transformations: list[JSONObject] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: RefusalStopDetails | None = None


class InvocationMetrics(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, rename="camel"):
    """The counts of Amazon Bedrock; latencies are in milliseconds."""

    input_token_count: int | None = None
    output_token_count: int | None = None
    invocation_latency: int | None = None
    first_byte_latency: int | None = None
    cache_read_input_token_count: int | None = None
    cache_write_input_token_count: int | None = None


class RawMessageStopEvent(
    WatchedEvent,
    frozen=True,
    tag="message_stop",
    rename={"amazon_bedrock_invocation_metrics": "amazon-bedrock-invocationMetrics"},
):
    """The end of the stream: the message is whole.

    Attributes:
        stop_reason, delta, usage, message: The end of the message, where gateways have it only
            here.
        amazon_bedrock_invocation_metrics: Only from Amazon Bedrock.
    """

    type: ClassVar[Literal["message_stop"]] = "message_stop"
    stop_reason: str | None = None
    delta: MessageDelta | None = None
    usage: Usage | None = None
    message: Message | None = None
    amazon_bedrock_invocation_metrics: InvocationMetrics | None = None


# The events of a block. An index that a gateway leaves out is None.


class RawContentBlockStartEvent(WatchedEvent, frozen=True, tag="content_block_start"):
    """The start of a content block."""

    type: ClassVar[Literal["content_block_start"]] = "content_block_start"
    index: int | None = None
    content_block: ContentBlock | None = None


class RawContentBlockDeltaEvent(Event, frozen=True, tag="content_block_delta"):
    """A delta of a content block."""

    type: ClassVar[Literal["content_block_delta"]] = "content_block_delta"
    index: int | None = None
    delta: RawContentBlockDelta | None = None


class RawContentBlockStopEvent(WatchedEvent, frozen=True, tag="content_block_stop"):
    """The end of a content block, which is here once more where gateways send the SDK's events."""

    type: ClassVar[Literal["content_block_stop"]] = "content_block_stop"
    index: int | None = None
    content_block: ContentBlock | None = None


class PingEvent(WatchedEvent, frozen=True, tag="ping"):
    """An event without content, which keeps the connection open."""

    type: ClassVar[Literal["ping"]] = "ping"


class ErrorEvent(Event, frozen=True, tag="error"):
    """The report of an error. It is the `chunk` of an `APIError`, which has its fields."""

    type: ClassVar[Literal["error"]] = "error"
    request_id: str | None = None


OrdinaryEvent: TypeAlias = (
    RawContentBlockDeltaEvent
    | RawContentBlockStartEvent
    | RawContentBlockStopEvent
    | RawMessageStartEvent
    | RawMessageDeltaEvent
    | RawMessageStopEvent
    | PingEvent
)

# With the one that reports errors. Data that is not an ordinary event is read as one of these.
AnyEvent: TypeAlias = OrdinaryEvent | ErrorEvent

if TYPE_CHECKING:
    RawMessageStreamEvent: TypeAlias = AnyEvent | UnknownEvent
else:
    RawMessageStreamEvent = AnyEvent
