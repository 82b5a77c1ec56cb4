# The contract between the decoder and the accumulators of all formats.

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol, TypeVar

from ssekit._deltas import Delta, FinishReason, ToolCall, Usage
from ssekit._json import is_json, parse_text

__all__ = [
    "FINISH_REASONS",
    "Accumulator",
    "are_whole",
    "is_failure",
    "later_word",
    "shared_reason",
]

ValueT = TypeVar("ValueT")
ChunkT_contra = TypeVar("ChunkT_contra", contravariant=True)
ResultT_co = TypeVar("ResultT_co", covariant=True)

# The vendors' words for the end of a choice, of which case and separators have no meaning (see
# `_normalized`). Any other word is "other".
_WORDS: Final[dict[FinishReason, tuple[str, ...]]] = {
    "stop": (
        *("stop", "end", "end_turn", "stop_sequence", "eos", "eos_token", "complete", "completed"),
    ),
    "length": (
        *("length", "max_tokens", "max_output_tokens", "model_length"),
        *("model_context_window_exceeded", "continuation", "requires_continuation"),
        *("incomplete", "budget_exceeded"),
    ),
    "tool_calls": ("tool_calls", "tool_call", "function_call", "tool_use", "requires_action"),
    "content_filter": (
        *("content_filter", "refusal", "sensitive", "safety", "recitation", "blocklist"),
        *("prohibited_content", "spii", "model_armor", "escalation", "blacklist"),
        *("content_filtered", "guardrail_intervened", "content_policy_violation"),
        *("image_safety", "image_prohibited_content", "image_recitation"),
    ),
}
FINISH_REASONS: Final[dict[str, FinishReason]] = {
    word.replace("_", ""): reason for reason, words in _WORDS.items() for word in words
}


def shared_reason(word: str | None, *, calls: bool = False) -> FinishReason | None:
    """Return the shared word for a vendor's word for the end, in any case; None for no word.

    `calls` is whether the choice has tool calls for the caller to answer: hosts end it by their
    word for `stop` all the same.
    """
    if not word:
        return None
    reason = FINISH_REASONS.get(_normalized(word), "other")
    return "tool_calls" if calls and reason == "stop" else reason


def is_failure(word: str | None) -> bool:
    """Whether a word for the end reports a failure: `error`, `network_error`, `error_finish`."""
    return word is not None and "error" in _normalized(word)


def _normalized(word: str) -> str:
    # A proxy may write the name of its enum: `FinishReason.STOP`, `FINISH_REASON_STOP`,
    # `ToolCalls`. Google's hosts write the details, as in `content_filter: SAFETY`.
    word = word.partition(":")[0].rpartition(".")[2]
    return word.lower().replace("-", "").replace("_", "").removeprefix("finishreason")


def later_word(known: str | None, latest: str) -> str | None:
    """Return which of two words for the end counts: the later, but no `stop` after another."""
    # Each chunk of KoboldCpp has "null" before the end, and Google's enum has a word for no reason.
    # Jina has a word for the end of the reasoning.
    if _normalized(latest) in ("null", "none", "unspecified", "thinkingend"):
        return known
    stays = known and shared_reason(known) != "stop" and shared_reason(latest) == "stop"
    return known if stays else latest


def are_whole(arguments: str, reason: FinishReason | None) -> bool:
    """Whether the arguments of a call are whole, now that the answer has ended."""
    if not arguments:
        return reason != "length"
    # A model that ended by itself may have written arguments that are no JSON.
    return reason in ("stop", "tool_calls") or is_json(arguments)


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
        """Return the deltas of a chunk. Call this after `add` of it and before the next `add`.

        A piece of a text may end in half a surrogate pair: the decoder joins the halves.
        """
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
        """Return the text, read as JSON, as `type`: what msgspec decodes into, or a Pydantic model.

        Raises:
            DecodeError: The text is cut off, is not JSON, or is not of that type. The message has
                the place of the fault.
            TypeError: JSON cannot become that type.
        """
        return parse_text(self.text, type)
