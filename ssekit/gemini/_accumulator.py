# The accumulator: the chunks of one stream into one answer, with its views and deltas.
#
# What always holds here:
# - null means absent, and "" never overwrites.
# - Of `response_id` and `create_time` the first value stays; of all other fields the newest. Usage
#   and the prompt's feedback are merged field by field: later chunks leave fields out.

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from ssekit._accumulator import Accumulator as Contract
from ssekit._accumulator import is_failure, shared_reason
from ssekit._deltas import Delta, Finish, FinishReason, ReasoningDelta, TextDelta, ToolCall, Usage
from ssekit._fold import add_counts, copy_fields, merge, merge_usage
from ssekit.gemini._builders import CandidateBuilder, FunctionCallBuilder
from ssekit.gemini._response import GenerateContentResponse, PromptFeedback, UsageMetadata

_INPUTS: Final = (
    "prompt_token_count", "cached_content_token_count", "tool_use_prompt_token_count"
)  # fmt: skip
_OUTPUTS: Final = ("candidates_token_count", "thoughts_token_count", "total_token_count")
_NO_USAGE: Final = Usage()


class Accumulator(Contract[GenerateContentResponse, GenerateContentResponse]):
    """Accumulate the chunks of one stream into a `GenerateContentResponse`.

    Chunks are kept as they are: change no list or dict of a chunk.

    The views `text`, `reasoning`, `tool_calls` and `finish_reason` are of candidate 0, and are made
    when they are read. `reasoning` joins the thoughts. The arguments of a tool call are its `args`,
    as JSON. The endpoint has no refusals: `refusal` is empty.

    The finish reason is "content_filter" if the prompt was blocked: with no candidate, or for a
    candidate without a finish reason of its own.
    """

    def __init__(self) -> None:
        self._fields: dict[str, Any] = {}  # those of the answer, except candidates and usage
        self._usage: dict[str, Any] = {}  # as it is encoded
        self._candidates: dict[int, CandidateBuilder] = {}
        # The builders of the function calls of the latest chunk, for its deltas.
        self._latest_calls: list[FunctionCallBuilder | None] = []

    def add(self, chunk: GenerateContentResponse, /) -> None:
        """Add the next chunk. (None is terminal in this format.)"""
        self._latest_calls = []
        for candidate in chunk.candidates:
            builder = self._candidates.get(candidate.index)
            if builder is None:
                builder = self._candidates[candidate.index] = CandidateBuilder()
            builder.add(candidate, self._latest_calls)
        if chunk.usage_metadata is not None:
            self._add_usage(chunk.usage_metadata)
        fields = self._fields
        if chunk.model_version:
            fields["model_version"] = chunk.model_version
        if chunk.response_id:
            fields.setdefault("response_id", chunk.response_id)
        if chunk.create_time:
            fields.setdefault("create_time", chunk.create_time)
        if chunk.prompt_feedback is not None:
            known = fields.get("prompt_feedback")
            fields["prompt_feedback"] = merge(known, chunk.prompt_feedback)
        if chunk.model_status:
            fields["model_status"] = chunk.model_status

    def _add_usage(self, usage: UsageMetadata) -> None:
        # Encoded objects are merged and copied in C. To merge structs, and to copy one at the end,
        # would take recorded streams 5 percent longer.
        stated = msgspec.to_builtins(usage)
        if stated.get("promptTokenCount") == 0:  # counts of 0 may have to be ignored
            counts = {name: n for name, n in self._usage.items() if isinstance(n, int)}
            known = msgspec.convert(counts, UsageMetadata)
            stated = msgspec.to_builtins(merge_usage(known, usage, _INPUTS, _OUTPUTS))
        self._usage.update(stated)

    def _usage_metadata(self) -> UsageMetadata | None:
        return msgspec.convert(self._usage, UsageMetadata) if self._usage else None

    def snapshot(self) -> GenerateContentResponse:
        return GenerateContentResponse(
            candidates=[self._candidates[index].build(index) for index in sorted(self._candidates)],
            usage_metadata=self._usage_metadata(),
            **copy_fields(self._fields),
        )

    @property
    def complete(self) -> bool:
        """Whether every candidate that was seen has a finish reason, or the prompt was blocked."""
        ended = [candidate.finish_reason for candidate in self._candidates.values()]
        return self._block_reason is not None or (bool(ended) and all(ended))

    @property
    def failure(self) -> str | None:
        failed = any(is_failure(each.finish_reason) for each in self._candidates.values())
        return "a candidate ended by the finish reason error" if failed else None

    @property
    def text(self) -> str:
        return self._candidate.join_texts(thought=False)

    @property
    def reasoning(self) -> str:
        return self._candidate.join_texts(thought=True)

    @property
    def tool_calls(self) -> Sequence[ToolCall]:
        return [call.tool_call(0) for call in self._candidate.calls]

    @property
    def finish_reason(self) -> FinishReason | None:
        return next((finish.reason for finish in self._finishes() if finish.index == 0), None)

    @property
    def usage(self) -> Usage | None:
        """The tokens of the request.

        The vendor counts apart what others count together: input tokens are those of the prompt and
        of the host's own tools, output tokens those of the candidates and of the thoughts.
        """
        count = self._usage.get
        view = Usage(
            input_tokens=add_counts(count("promptTokenCount"), count("toolUsePromptTokenCount")),
            output_tokens=add_counts(count("candidatesTokenCount"), count("thoughtsTokenCount")),
            total_tokens=count("totalTokenCount"),
            cached_tokens=count("cachedContentTokenCount"),
            reasoning_tokens=count("thoughtsTokenCount"),
        )
        return view if view != _NO_USAGE else None

    @property
    def _candidate(self) -> CandidateBuilder:
        return self._candidates.get(0) or CandidateBuilder()

    @property
    def _block_reason(self) -> str | None:
        feedback: PromptFeedback | None = self._fields.get("prompt_feedback")
        reason = None if feedback is None else feedback.block_reason
        # The prompt was not blocked if it is BLOCK_REASON_UNSPECIFIED, or BLOCKED_ at Vertex AI.
        return reason if reason and not reason.endswith("_UNSPECIFIED") else None

    def _finishes(self) -> Iterator[Finish]:
        for index, candidate in sorted((self._candidates or {0: CandidateBuilder()}).items()):
            word = candidate.finish_reason
            if word is not None:
                reason = shared_reason(word, calls=bool(candidate.calls)) or "other"
                yield Finish(index, reason, word)
            elif self._block_reason is not None:
                yield Finish(index, "content_filter", self._block_reason)

    # Emitting deltas.

    def deltas(self, chunk: GenerateContentResponse, /) -> Iterator[Delta]:
        calls = iter(self._latest_calls)
        for candidate in chunk.candidates:
            for part in candidate.content.parts:
                if part.text:
                    kind = ReasoningDelta if part.thought else TextDelta
                    yield kind(candidate.index, part.text)
                call = next(calls) if part.function_call is not None else None
                if call is not None:
                    yield from call.deltas(candidate.index)
        usage = self.usage if chunk.usage_metadata is not None else None
        if usage is not None:
            yield usage

    def last_deltas(self) -> Iterator[Delta]:
        for index, candidate in sorted(self._candidates.items()):
            reason = shared_reason(candidate.finish_reason)
            for call in candidate.calls if reason else ():
                if reason in ("stop", "tool_calls") or (call.is_empty and reason != "length"):
                    yield from call.deltas(index, ended=True)
        yield from self._finishes()
