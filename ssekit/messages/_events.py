# The events of the stream, and the deltas of content blocks.
#
# What always holds here:
# - Every field may be missing or null: then it has its default. If gateways put a field in another
#   place than the vendor does, it is declared there too.
# - An event that reports an error is not an ordinary event: the decoder refuses it, and the format
#   makes an `APIError` of it. It has the type `error`, or a field `error` (which does not count in
#   deltas of blocks).
# - An event or a delta of an unknown type stays as it was on the wire.

from __future__ import annotations

from types import NoneType
from typing import ClassVar, Literal, TypeAlias

from ssekit._fold import OrUnknown, Unknown, WireStruct, always
from ssekit._json import JSONObject
from ssekit.messages._result import Container, ContentBlock, Message, RefusalStopDetails, Usage

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


class BlockDelta(WireStruct, tag_field="type"):
    """A delta of a content block."""

    __unknown__: ClassVar = UnknownDelta


class TextDelta(BlockDelta, tag="text_delta"):
    """The next piece of a text. (`ssekit.TextDelta`, of the shared vocabulary, is another type.)"""

    type: ClassVar[Literal["text_delta"]] = "text_delta"
    text: str = always(str)


class ThinkingDelta(BlockDelta, tag="thinking_delta"):
    """The next piece of the reasoning.

    Attributes:
        estimated_tokens: The tokens of the reasoning so far (beta).
        signature: The signature, which some gateways send here instead of in a `SignatureDelta`.
        text, reasoning_content: Always None. Some gateways send one of these instead of
            `thinking`, to which it is moved.
    """

    type: ClassVar[Literal["thinking_delta"]] = "thinking_delta"
    thinking: str = always(str)
    estimated_tokens: int | None = None
    signature: str | None = None
    text: None = None
    reasoning_content: None = None


class InputJSONDelta(BlockDelta, tag="input_json_delta"):
    """The next piece of the JSON text of a tool's input."""

    type: ClassVar[Literal["input_json_delta"]] = "input_json_delta"
    partial_json: str = always(str)


class SignatureDelta(BlockDelta, tag="signature_delta"):
    """The signature of the reasoning."""

    type: ClassVar[Literal["signature_delta"]] = "signature_delta"
    signature: str = always(str)


class CitationsDelta(BlockDelta, tag="citations_delta"):
    """One more citation of a text."""

    type: ClassVar[Literal["citations_delta"]] = "citations_delta"
    citation: JSONObject | None = None


class CompactionContentBlockDelta(BlockDelta, tag="compaction_delta"):
    """The summary of a compaction (beta)."""

    type: ClassVar[Literal["compaction_delta"]] = "compaction_delta"
    content: str | None = None
    encrypted_content: str | None = None


RawContentBlockDelta: TypeAlias = OrUnknown[
    TextDelta
    | ThinkingDelta
    | InputJSONDelta
    | SignatureDelta
    | CitationsDelta
    | CompactionContentBlockDelta,
    UnknownDelta,
]


class MessageDelta(WireStruct):
    """The end of the message. (Mostly `usage` is a field of the event instead.)"""

    stop_reason: str | None = always(NoneType)
    stop_sequence: str | None = always(NoneType)
    stop_details: RefusalStopDetails | None = None
    container: Container | None = None
    usage: Usage | None = None


# The events of a message.


class Event(WireStruct, tag_field="type"):
    """An event."""

    __unknown__: ClassVar = UnknownEvent


class WatchedEvent(Event):
    """An event that becomes an `APIError` if its `error` is not null: the decoder refuses it then.

    Deltas of blocks, nearly all events of a stream, do not have the field: to decode one takes 140
    ns, and the field would take 8 more.
    """

    error: None = None


class RawMessageStartEvent(WatchedEvent, tag="message_start"):
    """The start of a message. Some gateways put fields of `message` beside it."""

    type: ClassVar[Literal["message_start"]] = "message_start"
    message: Message | None = None
    id: str | None = None
    model: str | None = None
    usage: Usage | None = None


class RawMessageDeltaEvent(WatchedEvent, tag="message_delta"):
    """The end of the message, and its usage so far. (Some gateways put the end beside `delta`.)"""

    type: ClassVar[Literal["message_delta"]] = "message_delta"
    delta: MessageDelta | None = None
    usage: Usage | None = None
    context_management: JSONObject | None = None
    input_transformations: list[JSONObject] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: RefusalStopDetails | None = None


class InvocationMetrics(WireStruct, rename="camel"):
    """The counts of Amazon Bedrock; latencies are in milliseconds."""

    input_token_count: int | None = None
    output_token_count: int | None = None
    invocation_latency: int | None = None
    first_byte_latency: int | None = None
    cache_read_input_token_count: int | None = None
    cache_write_input_token_count: int | None = None


class RawMessageStopEvent(
    WatchedEvent,
    tag="message_stop",
    rename={"amazon_bedrock_invocation_metrics": "amazon-bedrock-invocationMetrics"},
):
    """The end of the stream: the message is whole.

    Attributes:
        stop_reason, delta, usage, message: The end of the message, which some gateways send only
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


class RawContentBlockStartEvent(WatchedEvent, tag="content_block_start"):
    """The start of a content block."""

    type: ClassVar[Literal["content_block_start"]] = "content_block_start"
    index: int | None = None
    content_block: ContentBlock | None = None


class RawContentBlockDeltaEvent(Event, tag="content_block_delta"):
    """A delta of a content block."""

    type: ClassVar[Literal["content_block_delta"]] = "content_block_delta"
    index: int | None = None
    delta: RawContentBlockDelta | None = None


class RawContentBlockStopEvent(WatchedEvent, tag="content_block_stop"):
    """The end of a content block, which gateways that send the SDK's events repeat here."""

    type: ClassVar[Literal["content_block_stop"]] = "content_block_stop"
    index: int | None = None
    content_block: ContentBlock | None = None


class PingEvent(WatchedEvent, tag="ping"):
    """An event without content, which keeps the connection open."""

    type: ClassVar[Literal["ping"]] = "ping"


class ErrorEvent(Event, tag="error"):
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

# The ordinary events, and the one that reports errors. Data that the typed decoder refuses is read
# as one of these.
AnyEvent: TypeAlias = OrdinaryEvent | ErrorEvent

RawMessageStreamEvent: TypeAlias = OrUnknown[AnyEvent, UnknownEvent]
