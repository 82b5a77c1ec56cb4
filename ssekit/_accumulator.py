# The contract between the decoder and the accumulators of all formats.

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Final, Protocol, TypeVar

from ssekit._deltas import Delta, FinishReason, ToolCall, Usage
from ssekit._json import parse_text

__all__ = ["FINISH_REASONS", "Accumulator"]

ValueT = TypeVar("ValueT")
ChunkT_contra = TypeVar("ChunkT_contra", contravariant=True)
ResultT_co = TypeVar("ResultT_co", covariant=True)

# The vendors' words for the end of a choice, and the shared one; any other word is "other".
FINISH_REASONS: Final[dict[str, FinishReason]] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    # Those of compatible hosts, who hand over what the model's own server says.
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
    """What folds the chunks of one stream into its result. The views speak of choice 0.

    Whoever writes one may inherit this: then `add` and `snapshot` are enough, and what is left out
    says nothing.
    """

    __slots__ = ()

    @abstractmethod
    def add(self, chunk: ChunkT_contra, /) -> bool | None:
        """Fold the next chunk in. Return True if it is the format's terminal event.

        Raises:
            DecodeError: The chunk cannot belong to this answer. Nothing of it was folded in.
        """

    @abstractmethod
    def snapshot(self) -> ResultT_co:
        """Return the result so far. It shares nothing mutable with later ones."""
        ...

    @property
    def complete(self) -> bool:
        """Whether the stream may end here: every choice that was seen has a finish reason."""
        return False

    def deltas(self, chunk: ChunkT_contra, /) -> Iterable[Delta]:
        """Return what a chunk says, after `add` has folded it in and before the next one."""
        return ()

    def last_deltas(self) -> Iterable[Delta]:
        """Return what only the end of a finished stream says: whole tool calls, and the finish."""
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
        """Why the choice ended, in the shared words; None while it has not."""
        return None

    @property
    def usage(self) -> Usage | None:
        """The tokens of the request, as far as the server has said."""
        return None

    def parse(self, type: type[ValueT]) -> ValueT:
        """Return the text, read as JSON, as `type` (anything that msgspec decodes into).

        Raises:
            DecodeError: The text is not JSON (it may not have ended), or not of that type.
        """
        return parse_text(self.text, type)
