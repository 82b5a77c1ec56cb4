# The shared vocabulary: the pieces of an answer, in the same words for every wire format.
#
# What always holds here:
# - Every type has the `index` of its choice (or candidate), except `Usage`, which counts the whole
#   answer.
# - The text deltas of a choice, joined, are its text; the argument deltas of a call, its arguments.
#   (A text in the event of an error is only in the partial answer.)
# - A surrogate pair that the wire divides comes whole, in the delta of its second half.

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any, Final, Literal, TypeAlias, TypeVar, overload

import msgspec
from msgspec.structs import replace

from ssekit._json import has_surrogate, join_surrogates, parse_text
from ssekit._partial_json import partial_json

__all__ = [
    "Delta",
    "Finish",
    "FinishReason",
    "ReasoningDelta",
    "RefusalDelta",
    "SurrogateJoiner",
    "TextDelta",
    "ToolCall",
    "ToolCallDelta",
    "Usage",
]

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "other"]


ValueT = TypeVar("ValueT")


class TextDelta(msgspec.Struct, frozen=True, gc=False, tag="text"):
    """The next piece of the answer's text."""

    index: int
    text: str


class ReasoningDelta(msgspec.Struct, frozen=True, gc=False, tag="reasoning"):
    """The next piece of the reasoning, as far as the model shows it."""

    index: int
    text: str


class RefusalDelta(msgspec.Struct, frozen=True, gc=False, tag="refusal"):
    """The next piece of a refusal to answer."""

    index: int
    text: str


class ToolCallDelta(msgspec.Struct, frozen=True, gc=False, tag="tool_call_delta"):
    """The next piece of a tool call.

    Attributes:
        index: The choice.
        place: The position of the call among the tool calls of the choice, from 0.
        id: The call's id, as far as it is known; "" if the server sends none.
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
    stream). It is the same object as in the accumulator's `tool_calls`. The fields are those of
    `ToolCallDelta`, with all of the arguments: for a function, JSON as the model wrote it, which
    may be invalid.
    """

    index: int
    place: int
    id: str
    name: str
    arguments: str

    @overload
    def parse(self) -> Any: ...
    @overload
    def parse(self, type: type[ValueT]) -> ValueT: ...
    def parse(self, type: Any = Any) -> Any:
        """Decode the arguments as JSON into `type`: what msgspec decodes into, or a Pydantic model.

        Empty arguments count as an empty object: some servers send a call without parameters so.

        Raises:
            DecodeError: The arguments are cut off, are not JSON, or are not of that type. The
                message names the tool and the place of the fault.
            TypeError: JSON cannot become that type.

        >>> ToolCall(0, 0, "call_1", "get_weather", '{"city": "Paris"}').parse(dict[str, str])
        {'city': 'Paris'}
        """
        name = f"the argument text for the tool {self.name!r}"
        return parse_text(self.arguments or "{}", type, name)

    def partial(self, *, open_strings: bool = True) -> Any:
        """Return the value of the arguments so far, as `ssekit.partial_json` does.

        Each call reads all arguments again. To watch a call grow, feed the arguments of each
        `ToolCallDelta` to a `ssekit.PartialJSON`, which reads each piece once.

        Raises:
            DecodeError: The arguments are not the beginning of any JSON. The value before the fault
                is in `partial`.

        >>> ToolCall(0, 0, "call_1", "get_weather", '{"city": "Par').partial()
        {'city': 'Par'}
        """
        return partial_json(self.arguments, open_strings=open_strings)


class Finish(msgspec.Struct, frozen=True, gc=False, tag="finish"):
    """The end of a choice.

    Attributes:
        index: The choice.
        reason: The reason in the shared words, of which there are five.
        vendor_reason: The vendor's own word.
    """

    index: int
    reason: FinishReason
    vendor_reason: str


class Usage(msgspec.Struct, frozen=True, gc=False, tag="usage"):
    """The tokens so far, as the server counts them; a count that it leaves out is None.

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

# Surrogate pairs that the wire divides.

# The deltas that are pieces of a text, and the field that has the piece.
_FIELDS: Final[dict[Any, str]] = {
    **dict.fromkeys((TextDelta, ReasoningDelta, RefusalDelta), "text"),
    ToolCallDelta: "arguments",
}


class SurrogateJoiner:
    """Holds back a trailing high surrogate of a delta until its pair arrives.

    Attributes:
        held: For each text, a delta with the high surrogate whose pair may still arrive.
    """

    def __init__(self) -> None:
        self.held: dict[Hashable, Any] = {}

    def join(self, delta: Any) -> Any:
        """Return a delta with whole pairs, or None if all of it is held back.

        A delta without a piece of a text passes through.
        """
        field = _FIELDS.get(type(delta))
        if field is None:
            return delta
        piece: str = getattr(delta, field)
        if not (self.held or has_surrogate(piece)):
            return delta
        text = (type(delta), delta.index, getattr(delta, "place", None))
        held = self.held.pop(text, None)
        if held is not None:
            piece = getattr(held, field) + piece
        if "\ud800" <= piece[-1:] <= "\udbff":
            self.held[text] = replace(delta, **{field: piece[-1]})
            piece = piece[:-1]
            if not piece:
                return None
        return replace(delta, **{field: join_surrogates(piece)})

    def flush(self) -> Iterator[Delta]:
        """Yield a delta for each high surrogate whose pair never came."""
        for delta in self.held.values():
            yield replace(delta, **{_FIELDS[type(delta)]: "\ufffd"})
        self.held.clear()
