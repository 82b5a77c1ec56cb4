# What chat and legacy completions share: the usage of a request, and the repair of `choices`.

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec.structs import replace

from ssekit._deltas import Usage
from ssekit._fold import merge
from ssekit._json import objects

__all__ = [
    "CompletionTokensDetails",
    "CompletionUsage",
    "PromptTokensDetails",
    "newer_usage",
    "repair_choices",
    "usage_view",
]


def repair_choices(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Make `choices` a list, without errors in it, and return what in it is an object."""
    choices = body.get("choices")
    body["choices"] = choices if isinstance(choices, list) else []
    found = list(objects(body["choices"]))
    for choice in found:
        choice.pop("error", None)
    return found


class CompletionTokensDetails(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What the completion's tokens were."""

    accepted_prediction_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: int | None = None
    reasoning_tokens: int | None = None
    rejected_prediction_tokens: int | None = None
    text_tokens: int | None = None


class PromptTokensDetails(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What the prompt's tokens were."""

    audio_tokens: int | None = None
    cache_write_tokens: int | None = None
    cached_tokens: int | None = None
    image_tokens: int | None = None
    text_tokens: int | None = None
    video_tokens: int | None = None


class CompletionUsage(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The tokens of a request, with what hosts add to them.

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


def newer_usage(known: CompletionUsage | None, latest: CompletionUsage) -> CompletionUsage | None:
    """Return what is known of the usage after the latest word: it replaces what it is more than.

    One without all three counts (a router's, of the cost alone) leaves the others as they were, and
    one whose counts are all 0 is none where there were tokens.
    """
    counts = (latest.prompt_tokens, latest.completion_tokens, latest.total_tokens)
    given = [count for count in counts if count is not None]
    if known is not None and given and not any(given):
        return merge(latest, known)
    if len(given) == len(counts):
        return latest
    if known is None or not given:
        return known if latest == _NO_USAGE else merge(known, latest)
    merged = merge(known, latest)
    if latest.total_tokens is None and _parts(merged) != _parts(known):
        return replace(merged, total_tokens=None)  # what was the sum is none of these
    return merged


def _parts(usage: CompletionUsage) -> tuple[int | None, int | None]:
    return usage.prompt_tokens, usage.completion_tokens


def usage_view(usage: CompletionUsage) -> Usage:
    """Return the tokens of a request in the words that all formats share."""
    prompt = usage.prompt_tokens_details or PromptTokensDetails()
    completion = usage.completion_tokens_details or CompletionTokensDetails()
    return Usage(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        total_tokens=usage.total_tokens,
        cached_tokens=_first(
            prompt.cached_tokens, usage.prompt_cache_hit_tokens, usage.cached_tokens
        ),
        reasoning_tokens=_first(completion.reasoning_tokens, usage.reasoning_tokens),
    )


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)
