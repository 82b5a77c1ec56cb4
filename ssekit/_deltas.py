# The shared vocabulary: what a piece of a stream says, in the same words for every wire format.
#
# What always holds here:
# - Every type names the choice (or candidate) it belongs to by `index`; `Usage`, of the whole
#   answer, has none.
# - The text deltas of a choice join to its text, argument fragments to the call's arguments. (What
#   comes in one event with an error is in the partial answer alone.)
# - A surrogate pair that the wire divides comes whole, in the delta of its second half.

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

__all__ = [
    "Delta",
    "Finish",
    "FinishReason",
    "ReasoningDelta",
    "RefusalDelta",
    "TextDelta",
    "ToolCall",
    "ToolCallDelta",
    "Usage",
]

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "other"]


class TextDelta(msgspec.Struct, frozen=True, gc=False, tag="text"):
    """The next piece of the answer's text."""

    index: int
    text: str


class ReasoningDelta(msgspec.Struct, frozen=True, gc=False, tag="reasoning"):
    """The next piece of what the model lets see of its reasoning."""

    index: int
    text: str


class RefusalDelta(msgspec.Struct, frozen=True, gc=False, tag="refusal"):
    """The next piece of the model's words for not answering."""

    index: int
    text: str


class ToolCallDelta(msgspec.Struct, frozen=True, gc=False, tag="tool_call_delta"):
    """The next piece of a tool call.

    Attributes:
        index: The choice.
        place: The call's place in that choice's `tool_calls`, from 0.
        id: The call's id, as far as it is known; "" where the server gives none.
        name: The tool's name, as far as it is known.
        arguments: The next piece of the arguments (of the input, for a custom tool).
    """

    index: int
    place: int
    id: str
    name: str
    arguments: str


class ToolCall(msgspec.Struct, frozen=True, gc=False, tag="tool_call"):
    """A tool call.

    Among deltas it comes once, when it is known to be whole (in chat, at the end of the finished
    stream), and is the very one that the accumulator's `tool_calls` holds. The fields are those of
    `ToolCallDelta`, with all of the arguments: for a function, JSON as the model wrote it, which
    may be invalid.
    """

    index: int
    place: int
    id: str
    name: str
    arguments: str


class Finish(msgspec.Struct, frozen=True, gc=False, tag="finish"):
    """Why a choice ended.

    Attributes:
        index: The choice.
        reason: One word of five, for every vendor.
        vendor_reason: The vendor's own word.
    """

    index: int
    reason: FinishReason
    vendor_reason: str


class Usage(msgspec.Struct, frozen=True, gc=False, tag="usage"):
    """The tokens so far, where the server says; a field that it leaves out is None.

    `cached_tokens` are part of `input_tokens`, `reasoning_tokens` of `output_tokens`.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


Delta: TypeAlias = (
    TextDelta | ReasoningDelta | RefusalDelta | ToolCallDelta | ToolCall | Finish | Usage
)
