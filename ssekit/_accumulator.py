# The contract between the decoder and the accumulators of all formats.

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol, TypeVar

from ssekit._deltas import Delta, FinishReason, ToolCall, Usage
from ssekit._json import parse_text

__all__ = ["FINISH_REASONS", "Accumulator"]

ValueT = TypeVar("ValueT")
ChunkT_contra = TypeVar("ChunkT_contra", contravariant=True)
ResultT_co = TypeVar("ResultT_co", covariant=True)

# The shared word for each vendor's word for the end of a choice. Any other word is "other".
FINISH_REASONS: Final[dict[str, FinishReason]] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    # Hosts that pass on the word of the model's own server.
    "eos": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "end_turn": "stop",
    "STOP": "stop",
    "max_tokens": "length",
    "model_length": "length",
    "MAX_TOKENS": "length",
    "tool_use": "tool_calls",
    "sensitive": "content_filter",
    "SAFETY": "content_filter",
}


class Accumulator(Protocol[ChunkT_contra, ResultT_co]):
    """Merges the chunks of one stream into its result. The views are those of choice 0.

    Inherit this in an accumulator of your own: `add` and `snapshot` are enough, and a view that is
    left out is empty.
    """

    __slots__ = ()

    @abstractmethod
    def add(self, chunk: ChunkT_contra, /) -> bool | None:
        """Add the next chunk. Return True if it is the format's terminal event.

        Raises:
            DecodeError: The chunk cannot belong to this answer. Nothing of it was added.
        """

    @abstractmethod
    def snapshot(self) -> ResultT_co:
        """Return the result so far. It shares nothing mutable with later ones."""
        ...

    @property
    def complete(self) -> bool:
        """Whether the stream may end here: every choice so far has a finish reason."""
        return False

    @property
    def failure(self) -> Any:
        """The error that the answer itself reports (its status, its finish reason), or None."""
        return None

    def deltas(self, chunk: ChunkT_contra, /) -> Iterable[Delta]:
        """Return the deltas of a chunk. Call this after `add` of it and before the next `add`."""
        return ()

    def last_deltas(self) -> Iterable[Delta]:
        """Return the deltas that wait for the end: whole tool calls, and the finish."""
        return ()

    @property
    def text(self) -> str:
        """The text so far."""
        return ""

    @property
    def reasoning(self) -> str:
        """The reasoning so far."""
        return ""

    @property
    def refusal(self) -> str:
        """The refusal so far."""
        return ""

    @property
    def tool_calls(self) -> Sequence[ToolCall]:
        """The tool calls so far, whole or not, in the order in which they appeared."""
        return ()

    @property
    def finish_reason(self) -> FinishReason | None:
        """The reason for the end of the choice, in the shared words; None before its end."""
        return None

    @property
    def usage(self) -> Usage | None:
        """The tokens of the request, as far as the server has counted them."""
        return None

    def parse(self, type: type[ValueT]) -> ValueT:
        """Return the text, read as JSON, as `type` (anything that msgspec decodes into).

        Raises:
            DecodeError: The text is not JSON (it may not have ended), or not of that type.
        """
        return parse_text(self.text, type)
