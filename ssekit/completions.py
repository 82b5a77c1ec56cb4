"""Legacy completions: `POST /v1/completions` of OpenAI, vLLM and other hosts that have it."""

# Wire structs, the accumulator, and the names that every format has.
#
# What always holds here:
# - A chunk and the result have one type, as in the vendor's API: `Completion`.
# - Every field may be missing or null; null means absent, and "" never overwrites.
# - Only the fields that come in pieces are joined: the text, the arrays of `logprobs`, `token_ids`.
#   Of `id` and `created` the first value stays; of any other field, the newest.
# - The encoded result has each field that the endpoint always has, even if it is null or empty. It
#   has a field that only some hosts have if that came.

from __future__ import annotations

from collections.abc import Iterator
from types import NoneType
from typing import Any

import msgspec

from ssekit._accumulator import later_word
from ssekit._choices import (
    BaseAccumulator,
    BaseChoiceBuilder,
    CompletionTokensDetails,
    CompletionUsage,
    PromptTokensDetails,
    find_error,
    repair_choices,
)
from ssekit._deltas import Delta, TextDelta
from ssekit._event import ServerSentEvent
from ssekit._fold import WireStruct, always, deep_copy, extend_lists, merge_fields
from ssekit._format import Format
from ssekit._json import spell
from ssekit._shapes import shape_of

__all__ = [
    "FORMAT",
    "Accumulator",
    "Completion",
    "CompletionChoice",
    "CompletionTokensDetails",
    "CompletionUsage",
    "Logprobs",
    "PromptTokensDetails",
    "acollect",
    "astream",
    "collect",
    "decode",
    "decoder",
    "stream",
]

# The chunk, which is the result too.


class Logprobs(WireStruct):
    """The log probabilities of the tokens of a choice, in four arrays of one length.

    Attributes:
        text_offset: The position of the token in the text (with `echo`, in the prompt and text).
        token_logprobs: The log probability (natural); null for the first token of a prompt.
        tokens: The token.
        top_logprobs: The likeliest tokens at its position.
        content: The same in the shape of chat: an object for each token (llama.cpp).
    """

    text_offset: list[int] | None = always(NoneType)
    token_logprobs: list[float | None] | None = always(NoneType)
    tokens: list[str] | None = always(NoneType)
    top_logprobs: list[dict[str, float] | None] | None = always(NoneType)
    content: list[dict[str, Any]] | None = None


class CompletionChoice(WireStruct, kw_only=True):
    """One of the answers, or its next piece. With `echo`, the text begins with the prompt.

    Attributes:
        stop_reason: The stop sequence, or the token, that ended the text (vLLM).
        matched_stop: The same (SGLang).
        token_ids: The tokens of the text (vLLM).
        prompt_token_ids: The tokens of the prompt (vLLM), in the first chunk.
        prompt_logprobs: The likeliest tokens, by id, at each position of the prompt (vLLM).
        content_filter_results: Azure's verdicts.
        usage: Always None. An object here becomes the usage of a chunk without one.
        error: Always None. An object here makes the event an `APIError`.
    """

    index: int = always(int)
    text: str = always(str)
    finish_reason: str | None = always(NoneType)
    logprobs: Logprobs | None = always(NoneType)
    stop_reason: int | str | None = None
    matched_stop: int | str | None = None
    token_ids: list[int] | None = None
    prompt_token_ids: list[int] | None = None
    prompt_logprobs: list[Any] | None = None
    content_filter_results: dict[str, Any] | None = None
    usage: None = None
    error: None = None


class Completion(WireStruct, kw_only=True):
    """One event of the stream; or the whole answer, as the endpoint returns it without `stream`.

    `id`, `object` and `model` are "" and `created` is 0 if the host sends none. The `object` of a
    result is always "text_completion".

    Attributes:
        created: In seconds since 1970.
        usage: The tokens of the request so far. At most hosts only the last chunks have it.
        obfuscation: Padding without meaning, against readers of packet sizes.
        service_tier: The tier that served the request (vLLM).
        kv_transfer_params: Parameters for another instance to take over the cache (vLLM).
        prompt_filter_results: Azure's verdicts on the prompt.
        error: Always None. An object here makes the event an `APIError`.
        message, base_resp: The same, in an event without choices.
    """

    id: str = always(str)
    object: str = always(str)
    created: int = always(int)
    model: str = always(str)
    choices: list[CompletionChoice]
    system_fingerprint: str | None = None
    usage: CompletionUsage | None = None
    obfuscation: str | None = None
    service_tier: str | None = None
    kv_transfer_params: dict[str, Any] | None = None
    prompt_filter_results: list[Any] | None = None
    error: None = None
    message: None = None
    base_resp: None = None


def _repair(body: dict[str, Any]) -> None:
    """Rewrite an object into the shape of a chunk, in place."""
    for choice in repair_choices(body):
        spell(choice, "text")


# Accumulating chunks.


class _ChoiceBuilder(BaseChoiceBuilder):
    """One choice so far."""

    def build(self) -> CompletionChoice:
        return CompletionChoice(
            index=self.index,
            text=str(self.text),
            finish_reason=self.finish_reason,
            logprobs=Logprobs(**deep_copy(self.logprobs)) if self.logprobs else None,
            **deep_copy(self.fields),
        )


class Accumulator(BaseAccumulator[Completion, Completion, _ChoiceBuilder]):
    """Accumulates the chunks of one stream into a `Completion`.

    The views `text` and `finish_reason` are those of choice 0. This endpoint has no reasoning, no
    refusals and no tool calls: those views, which all formats have, are empty.
    """

    _builder = _ChoiceBuilder

    def add(self, chunk: Completion, /) -> None:
        """Add the next chunk. (No chunk of this format is terminal, so this returns None.)"""
        for choice in chunk.choices:
            try:
                builder = self._choices[choice.index]
            except KeyError:
                builder = self._choices[choice.index] = _ChoiceBuilder(choice.index)
            if choice.text:
                builder.text.append(choice.text)
            if choice.finish_reason:
                builder.finish_reason = later_word(builder.finish_reason, choice.finish_reason)
            if choice.logprobs is not None:
                extend_lists(builder.logprobs, choice.logprobs)
            if choice.token_ids is not None:
                builder.fields.setdefault("token_ids", []).extend(choice.token_ids)
            if choice.stop_reason is not None and choice.stop_reason != "":  # token 0 counts
                builder.fields["stop_reason"] = choice.stop_reason
            if choice.matched_stop is not None and choice.matched_stop != "":
                builder.fields["matched_stop"] = choice.matched_stop
            if choice.prompt_token_ids is not None:
                builder.fields["prompt_token_ids"] = choice.prompt_token_ids
            if choice.prompt_logprobs is not None:
                builder.fields["prompt_logprobs"] = choice.prompt_logprobs
            if choice.content_filter_results:
                verdicts = builder.fields.setdefault("content_filter_results", {})
                merge_fields(verdicts, choice.content_filter_results)
        self._add_fields(chunk)
        if chunk.kv_transfer_params:
            self._answer.kv_transfer_params = chunk.kv_transfer_params

    def snapshot(self) -> Completion:
        """Return the answer so far, in the shape of the endpoint's answer without `stream`."""
        return Completion(object="text_completion", **self._result())

    def deltas(self, chunk: Completion, /) -> Iterator[Delta]:
        """Yield the deltas of a chunk, after `add` and before the next chunk."""
        for choice in chunk.choices:
            if choice.text:
                yield TextDelta(choice.index, choice.text)
        usage = self.usage if chunk.usage is not None else None
        if usage is not None:
            yield usage


def _starts(chunk: Completion, event: ServerSentEvent) -> bool:
    """Whether a choice has a `text`, even an empty one, or the object is a text completion."""
    return any(choice.text for choice in chunk.choices) or shape_of(event) == "completions"


FORMAT: Format[Completion, Completion] = Format(
    "completions",
    msgspec.json.Decoder(Completion),
    Accumulator,
    repair=_repair,
    find_error=find_error,
    fragments={"text"},
    chunk_field="choices",
    side_fields=("usage", "prompt_filter_results"),
    starts=_starts,
    passes_named_events=True,
)

decode = FORMAT.decode
decoder = FORMAT.decoder
stream = FORMAT.stream
astream = FORMAT.astream
collect = FORMAT.collect
acollect = FORMAT.acollect
