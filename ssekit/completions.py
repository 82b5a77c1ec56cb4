"""Legacy completions: `POST /v1/completions` of OpenAI, vLLM and others who kept it."""

# Wire structs, the accumulator, and the names that every format has.
#
# What always holds here:
# - A chunk and the result have one shape, as at the vendor: `Completion`.
# - Every field may be missing or null; null means absent, and "" never overwrites.
# - Only what streams in pieces is joined: the text, the arrays of `logprobs`, and `token_ids`.
#   Of anything else the newest that says something wins; of `id` and `created` the first does.
# - What the endpoint always answers stands in the encoded result, also where it is null or empty;
#   what only some hosts have stands there if they said it.

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import NoneType
from typing import Any, TypeVar

import msgspec

from ssekit._accumulator import FINISH_REASONS
from ssekit._choices import (
    CompletionTokensDetails,
    CompletionUsage,
    PromptTokensDetails,
    newer_usage,
    repair_choices,
    usage_view,
)
from ssekit._deltas import Delta, Finish, FinishReason, TextDelta, ToolCall, Usage
from ssekit._event import ServerSentEvent
from ssekit._fold import SurrogateJoiner, Text, deep_copy, extend_lists, merge_fields
from ssekit._format import Format
from ssekit._json import objects, parse_text
from ssekit._server_error import error_within, flat_error
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

ValueT = TypeVar("ValueT")


# The chunk, which is the result too. A default that a factory makes is encoded all the same: only
# what equals a plain default is left out by `omit_defaults`.


class Logprobs(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The log probabilities of the tokens of a choice, in four arrays of one length.

    Attributes:
        text_offset: Where the token begins in the text (with `echo`, in the prompt and the text).
        token_logprobs: How likely it was (a natural logarithm); null of a prompt's first token.
        tokens: The token.
        top_logprobs: The likeliest tokens at its place.
        content: All of this as chat has it, an object for each token (llama.cpp).
    """

    text_offset: list[int] | None = msgspec.field(default_factory=NoneType)
    token_logprobs: list[float | None] | None = msgspec.field(default_factory=NoneType)
    tokens: list[str] | None = msgspec.field(default_factory=NoneType)
    top_logprobs: list[dict[str, float] | None] | None = msgspec.field(default_factory=NoneType)
    content: list[dict[str, Any]] | None = None


class CompletionChoice(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One of the answers, or what a chunk adds to it. With `echo`, the text begins with the prompt.

    Attributes:
        stop_reason: Which stop sequence, or token, it was (vLLM).
        matched_stop: The same (SGLang).
        token_ids: The tokens of the text (vLLM).
        prompt_token_ids: The tokens of the prompt (vLLM), in the first chunk.
        prompt_logprobs: Of each token of the prompt, the likeliest, by their ids (vLLM).
        content_filter_results: Azure's verdicts.
        error: Nothing, in a chunk: an object here makes the event an `APIError`.
    """

    index: int = msgspec.field(default_factory=int)
    text: str = msgspec.field(default_factory=str)
    finish_reason: str | None = msgspec.field(default_factory=NoneType)
    logprobs: Logprobs | None = msgspec.field(default_factory=NoneType)
    stop_reason: int | str | None = None
    matched_stop: int | str | None = None
    token_ids: list[int] | None = None
    prompt_token_ids: list[int] | None = None
    prompt_logprobs: list[Any] | None = None
    content_filter_results: dict[str, Any] | None = None
    error: None = None


class Completion(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One event of the stream; and the whole answer, as the endpoint gives it without `stream`.

    `id`, `object` and `model` are "" and `created` is 0 where the host gives none; the `object` of
    a result is always "text_completion".

    Attributes:
        created: In seconds since 1970.
        usage: Of the request so far; only the last chunks have it, at most hosts.
        obfuscation: Padding against readers of packet sizes; it means nothing.
        service_tier: How the request was served (vLLM).
        kv_transfer_params: What another instance needs to take over the cache (vLLM).
        prompt_filter_results: Azure's verdicts on the prompt.
        error: Nothing, in a chunk: an object here makes the event an `APIError`.
        message, base_resp: The same, where there are no choices.
    """

    id: str = msgspec.field(default_factory=str)
    object: str = msgspec.field(default_factory=str)
    created: int = msgspec.field(default_factory=int)
    model: str = msgspec.field(default_factory=str)
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


def _find_error(body: dict[str, Any]) -> Any:
    """Return an error in a choice (routers), or without choices, if there is one."""
    return error_within(objects(body.get("choices"))) or flat_error(body)


# The fold.


class _FoldedChoice:
    """One choice so far."""

    __slots__ = ("finish_reason", "logprobs", "newest", "text", "token_ids")

    def __init__(self) -> None:
        self.text = Text()
        self.finish_reason: str | None = None
        self.logprobs: dict[str, list[Any]] | None = None
        self.token_ids: list[int] | None = None
        # Of the other fields, the newest value.
        self.newest: dict[str, Any] = {}

    def add_logprobs(self, logprobs: Logprobs) -> None:
        if self.logprobs is None:
            self.logprobs = {}
        extend_lists(self.logprobs, logprobs)

    def add_token_ids(self, token_ids: list[int]) -> None:
        self.token_ids = self.token_ids or []
        self.token_ids += token_ids

    def view(self, index: int) -> CompletionChoice:
        return CompletionChoice(
            index=index,
            text=str(self.text),
            finish_reason=self.finish_reason,
            logprobs=None if self.logprobs is None else Logprobs(**deep_copy(self.logprobs)),
            token_ids=deep_copy(self.token_ids),
            **deep_copy(self.newest),
        )


class Accumulator:
    """Folds the chunks of one stream into a `Completion`.

    The views `text` and `finish_reason` speak of choice 0. This endpoint knows no reasoning, no
    refusals and no tool calls: those views, which all formats have, are empty.
    """

    reasoning = ""
    refusal = ""
    tool_calls: Sequence[ToolCall] = ()

    def __init__(self) -> None:
        self._id = ""
        self._created = 0
        self._model = ""
        self._usage: CompletionUsage | None = None
        # Of the other fields of the whole answer, the newest value that says something.
        self._newest: dict[str, Any] = {}
        self._choices: dict[int, _FoldedChoice] = {}
        self._surrogates = SurrogateJoiner()

    def add(self, chunk: Completion, /) -> None:
        """Fold the next chunk in. (No chunk of this format is terminal: None is returned.)"""
        for choice in chunk.choices:
            folded = self._choices.get(choice.index)
            if folded is None:
                folded = self._choices[choice.index] = _FoldedChoice()
            if choice.text:
                folded.text.append(choice.text)
            if choice.finish_reason:
                folded.finish_reason = choice.finish_reason
            if choice.logprobs is not None:
                folded.add_logprobs(choice.logprobs)
            if choice.token_ids is not None:
                folded.add_token_ids(choice.token_ids)
            if choice.stop_reason not in (None, ""):  # token 0 says something
                folded.newest["stop_reason"] = choice.stop_reason
            if choice.matched_stop not in (None, ""):  # token 0 says something
                folded.newest["matched_stop"] = choice.matched_stop
            if choice.prompt_token_ids is not None:
                folded.newest["prompt_token_ids"] = choice.prompt_token_ids
            if choice.prompt_logprobs is not None:
                folded.newest["prompt_logprobs"] = choice.prompt_logprobs
            if choice.content_filter_results:
                verdicts = folded.newest.setdefault("content_filter_results", {})
                merge_fields(verdicts, choice.content_filter_results)
        if not self._id and chunk.id:
            self._id = chunk.id
        if not self._created and chunk.created:
            self._created = chunk.created
        if chunk.model:
            self._model = chunk.model
        if chunk.usage is not None:
            self._usage = newer_usage(self._usage, chunk.usage)
        if chunk.system_fingerprint:
            self._newest["system_fingerprint"] = chunk.system_fingerprint
        if chunk.service_tier:
            self._newest["service_tier"] = chunk.service_tier
        if chunk.kv_transfer_params:
            self._newest["kv_transfer_params"] = chunk.kv_transfer_params
        if chunk.prompt_filter_results:
            self._newest["prompt_filter_results"] = chunk.prompt_filter_results

    def snapshot(self) -> Completion:
        """Return the answer so far, in the shape of the endpoint's answer without `stream`."""
        return Completion(
            id=self._id,
            object="text_completion",
            created=self._created,
            model=self._model,
            choices=[folded.view(index) for index, folded in sorted(self._choices.items())],
            usage=deep_copy(self._usage),
            **deep_copy(self._newest),
        )

    @property
    def complete(self) -> bool:
        """Whether a choice was seen, and every one that was has a finish reason."""
        return bool(self._choices) and all(
            choice.finish_reason for choice in self._choices.values()
        )

    @property
    def text(self) -> str:
        """The text so far."""
        return str(self._choice.text)

    def parse(self, type: type[ValueT]) -> ValueT:
        """Return the text, read as JSON, as `type` (anything that msgspec decodes into).

        Raises:
            DecodeError: The text is not JSON (it may not have ended), or not of that type.
        """
        return parse_text(self.text, type)

    @property
    def finish_reason(self) -> FinishReason | None:
        """Why the choice ended, in the shared words; None while it has not."""
        reason = self._choice.finish_reason
        return FINISH_REASONS.get(reason, "other") if reason else None

    @property
    def usage(self) -> Usage | None:
        """The tokens of the request, as far as the server has said."""
        return None if self._usage is None else usage_view(self._usage)

    @property
    def _choice(self) -> _FoldedChoice:
        return self._choices.get(0) or _FoldedChoice()

    def deltas(self, chunk: Completion, /) -> Iterator[Delta]:
        """Yield what a chunk says, after `add` has folded it in and before the next one."""
        for choice in chunk.choices:
            piece = TextDelta(choice.index, choice.text)
            mended = self._surrogates.join(piece) if choice.text else None
            if mended is not None:
                yield mended
        usage = self.usage if chunk.usage is not None else None
        if usage is not None:
            yield usage

    def last_deltas(self) -> Iterator[Delta]:
        """Yield what only the end of a finished stream says: why each choice ended."""
        yield from self._surrogates.flush()
        for index, folded in sorted(self._choices.items()):
            if folded.finish_reason:
                reason = FINISH_REASONS.get(folded.finish_reason, "other")
                yield Finish(index, reason, folded.finish_reason)


def _starts(chunk: Completion, event: ServerSentEvent) -> bool:
    """Whether a choice of the chunk has a `text`, even an empty one."""
    return any(choice.text for choice in chunk.choices) or shape_of(event) == "completions"


FORMAT: Format[Completion, Completion] = Format(
    "completions",
    msgspec.json.Decoder(Completion),
    Accumulator,
    repair=repair_choices,
    find_error=_find_error,
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
