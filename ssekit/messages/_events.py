# The events of the stream, and the deltas of content blocks.
#
# What always holds here:
# - Every field may be missing or null: then it has its default. What gateways say in other places
#   than the vendor's has its field there.
# - What reports an error is no ordinary event: it is refused, and comes to be an error. Its type
#   tells it, or an `error` in it (for which deltas of blocks are not watched).
# - An event or a delta of a type that is not known here stays what it was on the wire.

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

import msgspec

from ssekit._fold import Unknown
from ssekit._json import JSONObject
from ssekit.messages._result import (
    Container,
    ContentBlock,
    Message,
    RefusalStopDetails,
    Usage,
)


class UnknownEvent(Unknown):
    """An event of a type that ssekit does not know."""


class UnknownDelta(Unknown):
    """A delta of a content block of a type that ssekit does not know."""


# Deltas.


class BlockDelta(
    msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True, tag_field="type"
):
    """What a block goes on with."""

    __unknown__: ClassVar = UnknownDelta


class TextDelta(BlockDelta, frozen=True, tag="text_delta"):
    """The next piece of a text. (`ssekit.TextDelta`, of the shared vocabulary, is another type.)"""

    type: ClassVar[Literal["text_delta"]] = "text_delta"
    text: str = ""


class ThinkingDelta(BlockDelta, frozen=True, tag="thinking_delta"):
    """The next piece of the reasoning; `estimated_tokens` is how many there were so far (beta)."""

    type: ClassVar[Literal["thinking_delta"]] = "thinking_delta"
    thinking: str = ""
    estimated_tokens: int | None = None


class InputJSONDelta(BlockDelta, frozen=True, tag="input_json_delta"):
    """The next piece of the JSON text of a tool's input."""

    type: ClassVar[Literal["input_json_delta"]] = "input_json_delta"
    partial_json: str = ""


class SignatureDelta(BlockDelta, frozen=True, tag="signature_delta"):
    """The signature of the reasoning."""

    type: ClassVar[Literal["signature_delta"]] = "signature_delta"
    signature: str = ""


class CitationsDelta(BlockDelta, frozen=True, tag="citations_delta"):
    """One more citation of a text."""

    type: ClassVar[Literal["citations_delta"]] = "citations_delta"
    citation: JSONObject | None = None


class CompactionContentBlockDelta(BlockDelta, frozen=True, tag="compaction_delta"):
    """The summary that a compaction gave (beta)."""

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
    """What is said of the whole message at its end; its `usage` mostly stands beside this."""

    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: RefusalStopDetails | None = None
    container: Container | None = None
    usage: Usage | None = None


# Events.


class Event(
    msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True, tag_field="type"
):
    """An event."""

    __unknown__: ClassVar = UnknownEvent


class WatchedEvent(Event, frozen=True):
    """An event that has no error in it: an object there makes it an `APIError`.

    A delta of a block, which nearly all events are, is not watched: that took 8 of its 140 ns.
    """

    error: None = None


class RawMessageStartEvent(WatchedEvent, frozen=True, tag="message_start"):
    """The message begins; some gateways say of it here what belongs into `message`."""

    type: ClassVar[Literal["message_start"]] = "message_start"
    message: Message | None = None
    id: str | None = None
    model: str | None = None
    usage: Usage | None = None


class RawMessageDeltaEvent(WatchedEvent, frozen=True, tag="message_delta"):
    """How the message ends (some gateways say it beside `delta`), and its usage so far."""

    type: ClassVar[Literal["message_delta"]] = "message_delta"
    delta: MessageDelta | None = None
    usage: Usage | None = None
    context_management: JSONObject | None = None
    input_transformations: list[JSONObject] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None


class InvocationMetrics(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, rename="camel"):
    """What Amazon Bedrock counted; the latencies are in milliseconds."""

    input_token_count: int | None = None
    output_token_count: int | None = None
    invocation_latency: int | None = None
    first_byte_latency: int | None = None


class RawMessageStopEvent(
    WatchedEvent,
    frozen=True,
    tag="message_stop",
    rename={"amazon_bedrock_invocation_metrics": "amazon-bedrock-invocationMetrics"},
):
    """The message is whole: the end of the stream.

    Attributes:
        stop_reason, delta, usage, message: How the message ends, of gateways that say it only here.
        amazon_bedrock_invocation_metrics: Amazon Bedrock.
    """

    type: ClassVar[Literal["message_stop"]] = "message_stop"
    stop_reason: str | None = None
    delta: MessageDelta | None = None
    usage: Usage | None = None
    message: Message | None = None
    amazon_bedrock_invocation_metrics: InvocationMetrics | None = None


# The events of a block. An index that a gateway leaves out is None: the block is the one under way.


class RawContentBlockStartEvent(WatchedEvent, frozen=True, tag="content_block_start"):
    """A content block begins."""

    type: ClassVar[Literal["content_block_start"]] = "content_block_start"
    index: int | None = None
    content_block: ContentBlock | None = None


class RawContentBlockDeltaEvent(Event, frozen=True, tag="content_block_delta"):
    """A content block goes on."""

    type: ClassVar[Literal["content_block_delta"]] = "content_block_delta"
    index: int | None = None
    delta: RawContentBlockDelta | None = None


class RawContentBlockStopEvent(WatchedEvent, frozen=True, tag="content_block_stop"):
    """A content block is whole."""

    type: ClassVar[Literal["content_block_stop"]] = "content_block_stop"
    index: int | None = None


class PingEvent(WatchedEvent, frozen=True, tag="ping"):
    """Nothing: it keeps the connection open."""

    type: ClassVar[Literal["ping"]] = "ping"


class ErrorEvent(Event, frozen=True, tag="error"):
    """The host reports an error: the `chunk` of an `APIError`, which has what it says."""

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

# With the one that reports errors; what ordinary data is not is read as one of these.
AnyEvent: TypeAlias = OrdinaryEvent | ErrorEvent

if TYPE_CHECKING:
    RawMessageStreamEvent: TypeAlias = AnyEvent | UnknownEvent
else:
    RawMessageStreamEvent = AnyEvent
