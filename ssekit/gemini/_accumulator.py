# The fold: the chunks of one stream into one answer, with its views and deltas.
#
# What always holds here:
# - null means absent, and "" never overwrites.
# - Of `response_id` and `create_time` the first that says something stays; of all else the newest.
#   What is counted and judged is folded field by field: later chunks leave fields out.

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeVar

from msgspec.structs import astuple

from ssekit._accumulator import FINISH_REASONS
from ssekit._deltas import (
    Delta,
    Finish,
    FinishReason,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from ssekit._fold import SurrogateJoiner, deep_copy, merge
from ssekit._json import parse_text
from ssekit.gemini._builders import CandidateBuilder, FunctionCallBuilder
from ssekit.gemini._response import (
    Candidate,
    GenerateContentResponse,
    PromptFeedback,
    UsageMetadata,
)

ValueT = TypeVar("ValueT")

# The vendor's words for the end of a candidate (`Candidate.FinishReason` of the Gemini API and of
# Vertex AI; and those of other APIs, which gateways leave as they were), and the shared one; any
# other word is "other". A candidate that has function calls also ends with STOP: that is
# "tool_calls".
_FINISH_REASONS: Final[dict[str, FinishReason]] = {
    **{word.upper(): reason for word, reason in FINISH_REASONS.items()},
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    **dict.fromkeys(
        (
            *("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR"),
            *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "ESCALATION"),
        ),
        "content_filter",
    ),
}

# The words with which a host says that it says nothing.
_UNSPECIFIED: Final = "FINISH_REASON_UNSPECIFIED"
_UNBLOCKED: Final = "BLOCKED_REASON_UNSPECIFIED"


class Accumulator:
    """Folds the chunks of one stream into a `GenerateContentResponse`.

    What a chunk holds is folded in as it is: change no list or dict of a chunk.

    The views `text`, `reasoning`, `tool_calls` and `finish_reason` speak of candidate 0; they are
    made when they are looked at. `reasoning` is the text of the thoughts. This endpoint knows no
    refusals: that view, which all formats have, is empty. The arguments of a tool call are its
    `args`, as JSON.

    A prompt that was blocked has no candidate, and "content_filter" as its finish reason; so has a
    candidate that had none of its own when the host blocked the prompt.
    """

    __slots__ = (
        "_candidates",
        "_create_time",
        "_feedback",
        "_model_status",
        "_model_version",
        "_response_id",
        "_surrogates",
        "_touched",
        "_usage",
    )

    refusal = ""

    def __init__(self) -> None:
        self._response_id: str | None = None
        self._create_time: str | None = None
        self._model_version: str | None = None
        self._model_status: dict[str, Any] | None = None
        self._feedback: PromptFeedback | None = None
        # The values of `UsageMetadata`, field by field. Nearly every chunk has some: to fold them
        # so takes 0.4 us, and as structs 1.1 us.
        self._usage: tuple[Any, ...] = astuple(UsageMetadata())
        self._candidates: dict[int, CandidateBuilder] = {}
        # The calls that the latest function calls of a chunk were folded into, in their order; None
        # where one said nothing.
        self._touched: list[FunctionCallBuilder | None] = []
        self._surrogates = SurrogateJoiner()

    def add(self, chunk: GenerateContentResponse, /) -> None:
        """Fold the next chunk in. (No chunk of this format is terminal: None is returned.)"""
        touched: list[FunctionCallBuilder | None] | None = None
        for candidate in chunk.candidates:
            folded = self._candidates.get(candidate.index)
            if folded is None:
                folded = self._candidates[candidate.index] = CandidateBuilder()
            for part in candidate.content.parts:
                if part.function_call is None:
                    folded.add_part(part)
                else:
                    if touched is None:
                        touched = self._touched = []
                    touched.append(folded.add_call(part, part.function_call))
            if candidate.content.role:
                folded.role = candidate.content.role
            if candidate.finish_reason and candidate.finish_reason != _UNSPECIFIED:
                folded.finish_reason = candidate.finish_reason
            folded.add_beside(candidate)
        if chunk.usage_metadata is not None:
            latest = zip(astuple(chunk.usage_metadata), self._usage, strict=True)
            self._usage = tuple([new if new is not None else old for new, old in latest])
        if chunk.model_version:
            self._model_version = chunk.model_version
        if self._response_id is None and chunk.response_id:
            self._response_id = chunk.response_id
        if self._create_time is None and chunk.create_time:
            self._create_time = chunk.create_time
        if chunk.prompt_feedback is not None:
            self._feedback = merge(self._feedback, chunk.prompt_feedback)
        if chunk.model_status:
            self._model_status = chunk.model_status

    def snapshot(self) -> GenerateContentResponse:
        """Return the answer so far, in the shape of the endpoint's answer without a stream."""
        usage = self._usage_metadata
        return GenerateContentResponse(
            candidates=[folded.view(index) for index, folded in sorted(self._candidates.items())],
            prompt_feedback=deep_copy(self._feedback),
            usage_metadata=deep_copy(usage) if usage != UsageMetadata() else None,
            model_version=self._model_version,
            response_id=self._response_id,
            create_time=self._create_time,
            model_status=deep_copy(self._model_status),
        )

    @property
    def complete(self) -> bool:
        """Whether every candidate that was seen has a finish reason, or the prompt was blocked."""
        if self._block_reason is not None:
            return True
        ends = [folded.finish_reason for folded in self._candidates.values()]
        return bool(ends) and all(ends)

    @property
    def text(self) -> str:
        """The text so far, without the thoughts."""
        return self._candidate.said(thought=False)

    def parse(self, type: type[ValueT]) -> ValueT:
        """Return the text, read as JSON, as `type` (anything that msgspec decodes into).

        Raises:
            DecodeError: The text is not JSON (it may not have ended), or not of that type.
        """
        return parse_text(self.text, type)

    @property
    def reasoning(self) -> str:
        """The thoughts so far, as far as the host shows them."""
        return self._candidate.said(thought=True)

    @property
    def tool_calls(self) -> Sequence[ToolCall]:
        """The function calls so far, whole or not, in the order in which they appeared."""
        return [call.tool_call(0) for call in self._candidate.calls]

    @property
    def finish_reason(self) -> FinishReason | None:
        """Why the candidate ended, in the shared words; None while it has not."""
        return next((finish.reason for finish in self._finishes() if finish.index == 0), None)

    @property
    def usage(self) -> Usage | None:
        """The tokens of the request, as far as the server has said.

        The vendor counts apart what others count in: input tokens are those of the prompt and those
        of the host's own tools, output tokens those of the candidates and those of the thoughts.
        """
        usage = self._usage_metadata
        view = Usage(
            input_tokens=_sum(usage.prompt_token_count, usage.tool_use_prompt_token_count),
            output_tokens=_sum(usage.candidates_token_count, usage.thoughts_token_count),
            total_tokens=usage.total_token_count,
            cached_tokens=usage.cached_content_token_count,
            reasoning_tokens=usage.thoughts_token_count,
        )
        return view if view != Usage() else None

    @property
    def _usage_metadata(self) -> UsageMetadata:
        return UsageMetadata(**dict(zip(UsageMetadata.__struct_fields__, self._usage, strict=True)))

    @property
    def _candidate(self) -> CandidateBuilder:
        return self._candidates.get(0) or CandidateBuilder()

    @property
    def _block_reason(self) -> str | None:
        reason = self._feedback.block_reason if self._feedback is not None else None
        return reason if reason and reason != _UNBLOCKED else None

    def _finishes(self) -> Iterator[Finish]:
        if not self._candidates and self._block_reason is not None:
            yield Finish(0, "content_filter", self._block_reason)
        for index, folded in sorted(self._candidates.items()):
            word = folded.finish_reason
            if word is not None:
                reason = _FINISH_REASONS.get(word.upper(), "other")
                called = reason == "stop" and folded.calls
                yield Finish(index, "tool_calls" if called else reason, word)
            elif self._block_reason is not None:
                yield Finish(index, "content_filter", self._block_reason)

    def deltas(self, chunk: GenerateContentResponse, /) -> Iterator[Delta]:
        """Yield what a chunk says, after `add` has folded it in and before the next one.

        Arguments that stream in pieces (Vertex AI) come in one `ToolCallDelta`, when the call is
        whole: the places that the pieces name may come in any order. One without arguments comes
        when the call begins.
        """
        touched = iter(self._touched)
        for candidate in chunk.candidates:
            yield from self._pieces(candidate, touched)
        if chunk.usage_metadata is not None:
            usage = self.usage
            if usage is not None:
                yield usage

    def _pieces(
        self, candidate: Candidate, touched: Iterator[FunctionCallBuilder | None]
    ) -> Iterator[Delta]:
        for part in candidate.content.parts:
            if part.text:
                kind = ReasoningDelta if part.thought else TextDelta
                mended = self._surrogates.join(kind(candidate.index, part.text))
                if mended is not None:
                    yield mended
            call = next(touched) if part.function_call is not None else None
            if call is not None:
                yield from _call_deltas(candidate.index, call, whole=call.whole)

    def last_deltas(self) -> Iterator[Delta]:
        """Yield what only the end of a finished stream says: the finish, and calls left open."""
        yield from self._surrogates.flush()
        for index, folded in sorted(self._candidates.items()):
            for call in folded.calls:
                yield from _call_deltas(index, call, whole=True)
        yield from self._finishes()


def _call_deltas(index: int, call: FunctionCallBuilder, *, whole: bool) -> Iterator[Delta]:
    """Yield what is new of a call."""
    if call.handed:
        return
    if whole:
        call.handed = True
        tool_call = call.tool_call(index)
        yield ToolCallDelta(index, call.place, call.id, call.name, tool_call.arguments)
        yield tool_call
    elif not call.announced:
        yield ToolCallDelta(index, call.place, call.id, call.name, "")
    call.announced = True


def _sum(*counts: int | None) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
