# What chat and legacy completions share: the usage of a request, the repair of `choices`, and what
# their accumulators have in common.

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec.structs import replace

from ssekit._accumulator import FINISH_REASONS, Accumulator
from ssekit._deltas import Delta, Finish, FinishReason, Usage
from ssekit._fold import SurrogateJoiner, Text, deep_copy, extend_lists, merge
from ssekit._json import objects

__all__ = [
    "BaseAccumulator",
    "BaseChoiceBuilder",
    "CompletionTokensDetails",
    "CompletionUsage",
    "PromptTokensDetails",
    "merge_usage",
    "repair_choices",
    "usage_view",
]

ChunkT = TypeVar("ChunkT")
ResultT = TypeVar("ResultT")


def repair_choices(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Make `choices` a list, without errors in it; return the objects of the list."""
    choices = body.get("choices")
    body["choices"] = choices if isinstance(choices, list) else []
    found = list(objects(body["choices"]))
    for choice in found:
        choice.pop("error", None)
    return found


# The usage of a request.


class CompletionTokensDetails(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The tokens of the completion, by kind."""

    accepted_prediction_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: int | None = None
    reasoning_tokens: int | None = None
    rejected_prediction_tokens: int | None = None
    text_tokens: int | None = None


class PromptTokensDetails(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The tokens of the prompt, by kind."""

    audio_tokens: int | None = None
    cache_write_tokens: int | None = None
    cached_tokens: int | None = None
    image_tokens: int | None = None
    text_tokens: int | None = None
    video_tokens: int | None = None


class CompletionUsage(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The tokens of a request, with the fields that hosts add.

    Attributes:
        prompt_cache_hit_tokens, prompt_cache_miss_tokens: DeepSeek.
        cached_tokens: Moonshot.
        reasoning_tokens: SGLang.
        queue_time, prompt_time, completion_time, total_time: Seconds (Groq).
        cost: In the host's credits; cost_details, is_byok, server_tool_use_details (OpenRouter).
        cost_in_usd_ticks, num_sources_used: xAI.
        service_tier: Mistral.
    """

    completion_tokens: int | None = None
    prompt_tokens: int | None = None
    total_tokens: int | None = None
    completion_tokens_details: CompletionTokensDetails | None = None
    prompt_tokens_details: PromptTokensDetails | None = None
    prompt_cache_hit_tokens: int | None = None
    prompt_cache_miss_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    queue_time: float | None = None
    prompt_time: float | None = None
    completion_time: float | None = None
    total_time: float | None = None
    cost: float | None = None
    cost_details: dict[str, Any] | None = None
    is_byok: bool | None = None
    server_tool_use_details: dict[str, Any] | None = None
    cost_in_usd_ticks: int | None = None
    num_sources_used: int | None = None
    service_tier: str | None = None


_NO_USAGE: Final = CompletionUsage()


def merge_usage(known: CompletionUsage | None, latest: CompletionUsage) -> CompletionUsage | None:
    """Merge a newer usage report: one with all three counts replaces what is known.

    A report without counts (a router's, of the cost alone) keeps the known counts. A report whose
    counts are all 0 adds only the fields that are not known yet.
    """
    counts = (latest.prompt_tokens, latest.completion_tokens, latest.total_tokens)
    present = [count for count in counts if count is not None]
    if known is not None and present and not any(present):
        return merge(latest, known)
    if len(present) == len(counts):
        return latest
    if known is None or not present:
        return known if latest == _NO_USAGE else merge(known, latest)
    merged = merge(known, latest)
    if latest.total_tokens is None and _parts(merged) != _parts(known):
        return replace(merged, total_tokens=None)  # the known total is the sum of the old parts
    return merged


def _parts(usage: CompletionUsage) -> tuple[int | None, int | None]:
    return usage.prompt_tokens, usage.completion_tokens


def usage_view(usage: CompletionUsage | None) -> Usage | None:
    """Return the tokens of a request in the vocabulary that all formats share."""
    if usage is None:
        return None
    prompt = usage.prompt_tokens_details or PromptTokensDetails()
    completion = usage.completion_tokens_details or CompletionTokensDetails()
    cached = (prompt.cached_tokens, usage.prompt_cache_hit_tokens, usage.cached_tokens)
    reasoning = (completion.reasoning_tokens, usage.reasoning_tokens)
    return Usage(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        total_tokens=usage.total_tokens,
        cached_tokens=next((count for count in cached if count is not None), None),
        reasoning_tokens=next((count for count in reasoning if count is not None), None),
    )


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
        self.logprobs: dict[str, list[Any]] | None = None
        self.fields: dict[str, Any] = {}

    def add_logprobs(self, logprobs: msgspec.Struct) -> None:
        if self.logprobs is None:
            self.logprobs = {}
        extend_lists(self.logprobs, logprobs)

    def finish(self) -> Finish | None:
        """Return why the choice ended; None while it has not."""
        word = self.finish_reason
        return Finish(self.index, FINISH_REASONS.get(word, "other"), word) if word else None

    def last_deltas(self) -> Iterator[Delta]:
        finish = self.finish()
        if finish is not None:
            yield finish

    @abstractmethod
    def build(self) -> Any:
        """Return the choice of the result."""


BuilderT = TypeVar("BuilderT", bound=BaseChoiceBuilder)


class BaseAccumulator(Accumulator[ChunkT, ResultT], Generic[ChunkT, ResultT, BuilderT]):
    """The state and the views of an answer with `choices`.

    A format adds the chunks (`add`, `deltas`), names the result type (`snapshot`) and its builder
    of choices. `_fields` has the fields of the answer that only some hosts send, by name.
    """

    _builder: type[BuilderT]

    def __init__(self) -> None:
        self._choices: dict[int, BuilderT] = {}
        self._id = ""
        self._created = 0
        self._model = ""
        self._service_tier: str | None = None
        self._system_fingerprint: str | None = None
        self._usage: CompletionUsage | None = None
        self._fields: dict[str, Any] = {}
        self._surrogates = SurrogateJoiner()

    def _answer(self) -> dict[str, Any]:
        """Return the fields of the result that both formats have."""
        return {
            "id": self._id,
            "created": self._created,
            "model": self._model,
            "choices": [builder.build() for _, builder in sorted(self._choices.items())],
            "service_tier": self._service_tier,
            "system_fingerprint": self._system_fingerprint,
            "usage": deep_copy(self._usage),
            **{name: deep_copy(value) for name, value in self._fields.items()},
        }

    @property
    def _choice(self) -> BuilderT:
        return self._choices.get(0) or self._builder(0)

    @property
    def complete(self) -> bool:
        choices = self._choices.values()
        return bool(choices) and all(choice.finish_reason for choice in choices)

    @property
    def text(self) -> str:
        return str(self._choice.text)

    @property
    def finish_reason(self) -> FinishReason | None:
        finish = self._choice.finish()
        return finish.reason if finish is not None else None

    @property
    def usage(self) -> Usage | None:
        return usage_view(self._usage)

    def last_deltas(self) -> Iterator[Delta]:
        yield from self._surrogates.flush()
        for _, choice in sorted(self._choices.items()):
            yield from choice.last_deltas()
