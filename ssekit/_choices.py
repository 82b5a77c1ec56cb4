# What chat and legacy completions share: the usage of a request, the repair of `choices`, and what
# their accumulators have in common.

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar

from msgspec.structs import replace

from ssekit._accumulator import Accumulator, is_failure, shared_reason
from ssekit._deltas import Delta, Finish, FinishReason, Usage
from ssekit._fold import WireStruct, copy_fields, merge_usage
from ssekit._json import objects
from ssekit._server_error import error_within
from ssekit._text import Text

__all__ = [
    "BaseAccumulator",
    "BaseChoiceBuilder",
    "CompletionTokensDetails",
    "CompletionUsage",
    "PromptTokensDetails",
    "find_error",
    "newest_usage",
    "repair_choices",
    "usage_view",
]

ChunkT = TypeVar("ChunkT")
ResultT = TypeVar("ResultT")


def repair_choices(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Make `choices` a list of objects, drop their errors, copy their usage; return the list."""
    choices = body["choices"] = objects(body.get("choices"))
    for holder in _holders(body):
        holder.pop("error", None)
    for choice in choices:
        body["usage"] = body.get("usage") or choice.get("usage")  # Moonshot
    return choices


def find_error(body: dict[str, Any]) -> Any:
    """Return the error in a choice (OpenRouter), in its delta or message, or in `x_groq`."""
    return error_within(_holders(body))


def _holders(body: dict[str, Any]) -> list[dict[str, Any]]:
    choices = objects(body.get("choices"))
    parts = [choice.get(name) for choice in choices for name in ("delta", "message")]
    return choices + objects([*parts, body.get("x_groq")])


# The usage of a request.


class CompletionTokensDetails(WireStruct):
    """The tokens of the completion, by kind."""

    accepted_prediction_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: int | None = None
    reasoning_tokens: int | None = None
    rejected_prediction_tokens: int | None = None
    text_tokens: int | None = None


class PromptTokensDetails(WireStruct):
    """The tokens of the prompt, by kind.

    Attributes:
        cache_creation_input_tokens, cache_creation_tokens: Other names of the cache_write_tokens
            (Alibaba, LiteLLM).
    """

    audio_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation_tokens: int | None = None
    cache_write_tokens: int | None = None
    cached_tokens: int | None = None
    image_tokens: int | None = None
    text_tokens: int | None = None
    video_tokens: int | None = None


class CompletionUsage(WireStruct):
    """The tokens of a request, with the fields that hosts add.

    Attributes:
        input_tokens, output_tokens: Other names of the prompt's and the completion's (mlx-vlm),
            with input_tokens_details and output_tokens_details.
        prompt_cache_hit_tokens, prompt_cache_miss_tokens: DeepSeek.
        cached_tokens: Moonshot. Elsewhere cache_read_tokens, cache_read_input_tokens,
            num_cached_tokens or precached_prompt_tokens.
        cache_creation_input_tokens: The tokens written into a cache (LiteLLM).
        reasoning_tokens: SGLang.
        queue_time, prompt_time, completion_time, total_time: Seconds (Groq).
        cost: In the host's credits, or an object (Perplexity).
        citation_tokens, num_search_queries: Perplexity.
        cost_details, is_byok, server_tool_use_details: OpenRouter.
        cost_in_usd_ticks, num_sources_used: xAI.
        prompt_audio_seconds, service_tier: Mistral.
    """

    completion_tokens: int | None = None
    prompt_tokens: int | None = None
    total_tokens: int | None = None
    completion_tokens_details: CompletionTokensDetails | None = None
    prompt_tokens_details: PromptTokensDetails | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: PromptTokensDetails | None = None
    output_tokens_details: CompletionTokensDetails | None = None
    prompt_cache_hit_tokens: int | None = None
    prompt_cache_miss_tokens: int | None = None
    cached_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    num_cached_tokens: int | None = None
    precached_prompt_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    reasoning_tokens: int | None = None
    queue_time: float | None = None
    prompt_time: float | None = None
    completion_time: float | None = None
    total_time: float | None = None
    citation_tokens: int | None = None
    num_search_queries: int | None = None
    prompt_audio_seconds: float | None = None
    cost: float | dict[str, Any] | None = None
    cost_details: dict[str, Any] | None = None
    is_byok: bool | None = None
    server_tool_use_details: dict[str, Any] | None = None
    cost_in_usd_ticks: int | None = None
    num_sources_used: int | None = None
    service_tier: str | None = None


_INPUTS: Final = ("prompt_tokens", "input_tokens")
_OUTPUTS: Final = ("completion_tokens", "output_tokens", "total_tokens")
_CACHED: Final = attrgetter(
    *("prompt_cache_hit_tokens", "cached_tokens", "cache_read_tokens"),
    *("cache_read_input_tokens", "num_cached_tokens", "precached_prompt_tokens"),
)


def newest_usage(known: CompletionUsage | None, latest: CompletionUsage) -> CompletionUsage | None:
    """Merge a newer usage report. The known total is dropped if only its parts have changed."""
    merged = merge_usage(known, latest, _INPUTS, _OUTPUTS)
    if merged is None or merged == CompletionUsage():
        return known
    total = latest.total_tokens
    if known is None or (total is not None and total >= (merged.prompt_tokens or 0)):
        return merged
    # A total below the input is not one: MiniMax sends 0, others leave out the input sent before.
    changed = _parts(merged) != _parts(known)
    return replace(merged, total_tokens=None if changed else known.total_tokens)


def usage_view(usage: CompletionUsage | None) -> Usage | None:
    """Return the tokens of a request in the vocabulary that all formats share."""
    if usage is None:
        return None
    prompt = usage.prompt_tokens_details or usage.input_tokens_details or PromptTokensDetails()
    completion = (
        usage.completion_tokens_details or usage.output_tokens_details or CompletionTokensDetails()
    )
    cached = _first(prompt.cached_tokens, *_CACHED(usage))
    reasoning = _first(completion.reasoning_tokens, usage.reasoning_tokens)
    return Usage(*_parts(usage), usage.total_tokens, cached, reasoning)


def _parts(usage: CompletionUsage) -> tuple[int | None, int | None]:
    """Return the tokens of the input, and of the output."""
    input_tokens = _first(usage.prompt_tokens, usage.input_tokens)
    return input_tokens, _first(usage.completion_tokens, usage.output_tokens)


def _first(*counts: int | None) -> int | None:
    """Return the first positive count; if there is none, the 0 that one of the names may have."""
    return next(filter(None, counts), 0 if 0 in counts else None)


# Accumulating choices.


class BaseChoiceBuilder(ABC):
    """One choice so far.

    Attributes:
        fields: The fields that only some hosts send, by name.
    """

    def __init__(self, index: int) -> None:
        self.index = index
        self.text = Text()
        self.finish_reason: str | None = None
        self.logprobs: dict[str, Any] = {}
        self.fields: dict[str, Any] = {}

    @property
    def shared_reason(self) -> FinishReason | None:
        """The reason for the end of the choice, in the shared words; None before its end."""
        return shared_reason(self.finish_reason, calls=bool(self.calls))

    @property
    def calls(self) -> Sequence[Any]:
        """The calls for the caller to answer."""
        return ()

    def last_deltas(self) -> Iterator[Delta]:
        if self.shared_reason is not None:
            yield Finish(self.index, self.shared_reason, self.finish_reason or "")

    @abstractmethod
    def build(self) -> Any:
        """Return the choice of the result."""


BuilderT = TypeVar("BuilderT", bound=BaseChoiceBuilder)


class _Answer:
    """The fields of an answer that came so far, but for its choices. (A dict takes 60 ns more.)"""

    def __init__(self) -> None:
        self.id = ""
        self.created = 0
        self.model = ""
        self.usage: CompletionUsage | None = None


class BaseAccumulator(Accumulator[ChunkT, ResultT], Generic[ChunkT, ResultT, BuilderT]):
    """The state and the views of an answer with `choices`.

    A format adds the chunks (`add`, `deltas`), names the result type (`snapshot`) and its builder
    of choices. `_answer` has the other fields of the answer, by name.
    """

    _builder: type[BuilderT]

    def __init__(self) -> None:
        self._choices: dict[int, BuilderT] = {}
        self._answer: Any = _Answer()

    def _add_fields(self, chunk: Any) -> None:
        """Add the fields of a chunk that the results of both formats have."""
        answer = self._answer
        if not answer.id and chunk.id:
            answer.id = chunk.id
        if not answer.created and chunk.created:
            answer.created = chunk.created
        if chunk.model:
            answer.model = chunk.model
        if chunk.usage is not None:
            answer.usage = newest_usage(answer.usage, chunk.usage)
        if chunk.service_tier:
            answer.service_tier = chunk.service_tier
        if chunk.system_fingerprint:
            answer.system_fingerprint = chunk.system_fingerprint
        if chunk.prompt_filter_results:
            answer.prompt_filter_results = chunk.prompt_filter_results

    def _result(self) -> dict[str, Any]:
        """Return the fields of the result."""
        choices = [builder.build() for _, builder in sorted(self._choices.items())]
        return {"choices": choices, **copy_fields(vars(self._answer))}

    @property
    def _choice(self) -> BuilderT:
        return self._choices.get(0) or self._builder(0)

    @property
    def complete(self) -> bool:
        choices = self._choices.values()
        return bool(choices) and all(choice.finish_reason for choice in choices)

    @property
    def failure(self) -> Any:
        words = (choice.finish_reason for choice in self._choices.values())
        return "a choice ended by the finish reason error" if any(map(is_failure, words)) else None

    @property
    def text(self) -> str:
        return str(self._choice.text)

    @property
    def finish_reason(self) -> FinishReason | None:
        return self._choice.shared_reason

    @property
    def usage(self) -> Usage | None:
        return usage_view(self._answer.usage)

    def last_deltas(self) -> Iterator[Delta]:
        for _, choice in sorted(self._choices.items()):
            yield from choice.last_deltas()
