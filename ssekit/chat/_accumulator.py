# The fold: the chunks of one stream into one answer, with its views and deltas.
#
# What always holds here:
# - null means absent, and "" never overwrites.
# - Of `id` and `created` the first that says something stays; of all else the newest.

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from ssekit._accumulator import FINISH_REASONS
from ssekit._choices import CompletionUsage, newer_usage, usage_view
from ssekit._deltas import (
    Delta,
    Finish,
    FinishReason,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from ssekit._fold import SurrogateJoiner, deep_copy, merge, merge_fields
from ssekit._fragments import MERGE_AT
from ssekit._json import parse_text
from ssekit.chat._builders import AudioBuilder, ChoiceBuilder
from ssekit.chat._calls import ToolCallBuilder
from ssekit.chat._chunk import ChatCompletionChunk, ChoiceDelta, ChunkChoice, XGroq
from ssekit.chat._result import ChatCompletion

ValueT = TypeVar("ValueT")

# Fields of the whole answer that few hosts send, and of which the newest is kept.
_NEWEST = (
    "moderation",
    "provider",
    "citations",
    "search_results",
    "prompt_filter_results",
    "timings",
)


class Accumulator:
    """Folds the chunks of one stream into a `ChatCompletion`.

    What a chunk holds is folded in as it is: change no list or dict of a chunk.

    The views `text`, `reasoning`, `refusal`, `tool_calls` and `finish_reason` speak of choice 0;
    they are made when they are looked at.
    """

    __slots__ = (
        "_choices",
        "_created",
        "_id",
        "_model",
        "_new",
        "_newest",
        "_service_tier",
        "_surrogates",
        "_system_fingerprint",
        "_touched",
        "_usage",
        "_x_groq",
    )

    def __init__(self) -> None:
        self._id = ""
        self._created = 0
        self._model = ""
        self._service_tier: str | None = None
        self._system_fingerprint: str | None = None
        self._usage: CompletionUsage | None = None
        self._x_groq: XGroq | None = None
        # Of the other fields of the whole answer, the newest value that says something.
        self._newest: dict[str, Any] = {}
        self._choices: dict[int, ChoiceBuilder] = {}
        # Of the latest tool calls of a chunk, in their order: the call that each was folded into,
        # and what of its arguments the deltas say; None of one that says nothing.
        self._touched: list[tuple[ToolCallBuilder, str] | None] = []
        # The latest chunk with messages, and what was new in each.
        self._new: tuple[ChatCompletionChunk | None, dict[int, ChoiceDelta]] = (None, {})
        self._surrogates = SurrogateJoiner()

    def add(self, chunk: ChatCompletionChunk, /) -> None:
        """Fold the next chunk in. (No chunk of this format is terminal: None is returned.)"""
        # One flat function, because this runs for every chunk: to test all of these fields takes
        # 130 ns, and one call takes 40. (`is not None` comes first, which takes 4 ns where what is
        # true takes 5.)
        touched: list[tuple[ToolCallBuilder, str] | None] | None = None
        for choice in chunk.choices:
            try:
                folded = self._choices[choice.index]
            except KeyError:
                folded = self._choices[choice.index] = ChoiceBuilder()
            delta = choice.delta
            if choice.message is not None:
                delta = folded.new_in(choice, chunk.object)
                if self._new[0] is not chunk:
                    self._new = (chunk, {})
                self._new[1][id(choice)] = delta
            if delta.content is not None:
                pending = folded.content.pending  # to append here saves a call, 40 ns
                pending.append(delta.content)
                if len(pending) == MERGE_AT:
                    folded.content.compact()
            if delta.reasoning is not None or delta.reasoning_content is not None:
                folded.add_reasoning(delta)
            if delta.role is not None and delta.role != "":
                folded.role = delta.role
            if delta.refusal is not None and delta.refusal != "":
                folded.refusal.append(delta.refusal)
            if delta.tool_calls is not None:
                if touched is None:
                    touched = self._touched = []
                touched += map(folded.add_tool_call, delta.tool_calls)
            if delta.reasoning_details is not None:
                folded.add_reasoning_details(delta.reasoning_details)
            if delta.function_call is not None:
                folded.add_function_call(delta.function_call)
            if delta.audio is not None:
                folded.audio = folded.audio or AudioBuilder()
                folded.audio.add(delta.audio)
            if delta.annotations is not None:
                folded.annotations += delta.annotations
            if delta.images is not None:
                folded.images += delta.images
            if delta.executed_tools is not None:
                folded.add_executed_tools(delta.executed_tools)
            if delta.extra_content is not None:
                merge_fields(folded.extra_content, delta.extra_content)
            if choice.finish_reason is not None and choice.finish_reason != "":
                folded.finish_reason = choice.finish_reason
            if choice.logprobs is not None:
                folded.add_logprobs(choice.logprobs)
            if choice.content_filter_results is not None:
                merge_fields(folded.content_filter_results, choice.content_filter_results)
            if choice.native_finish_reason is not None and choice.native_finish_reason != "":
                folded.native_finish_reason = choice.native_finish_reason
            if choice.stop_reason is not None and choice.stop_reason != "":
                folded.stop_reason = choice.stop_reason
            if choice.matched_stop is not None and choice.matched_stop != "":
                folded.matched_stop = choice.matched_stop
        if not self._id and chunk.id:
            self._id = chunk.id
        if not self._created and chunk.created:
            self._created = chunk.created
        if chunk.model:
            self._model = chunk.model
        if chunk.usage is not None:
            self._usage = newer_usage(self._usage, chunk.usage)
        if chunk.service_tier:
            self._service_tier = chunk.service_tier
        if chunk.system_fingerprint:
            self._system_fingerprint = chunk.system_fingerprint
        if (
            chunk.moderation is not None
            or chunk.provider is not None
            or chunk.citations is not None
            or chunk.search_results is not None
            or chunk.prompt_filter_results is not None
            or chunk.timings is not None
        ):
            self._add_newest(chunk)
        if chunk.x_groq is not None:
            self._x_groq = merge(self._x_groq, chunk.x_groq)

    def _add_newest(self, chunk: ChatCompletionChunk) -> None:
        stated = ((name, getattr(chunk, name)) for name in _NEWEST)
        self._newest.update((name, value) for name, value in stated if value)

    def snapshot(self) -> ChatCompletion:
        """Return the answer so far, in the shape of the endpoint's answer without `stream`."""
        choices = [folded.view(index) for index, folded in sorted(self._choices.items())]
        return ChatCompletion(
            id=self._id,
            object="chat.completion",
            created=self._created,
            model=self._model,
            choices=choices,
            service_tier=self._service_tier,
            system_fingerprint=self._system_fingerprint,
            usage=deep_copy(self._usage),
            x_groq=deep_copy(self._x_groq),
            **{name: deep_copy(value) for name, value in self._newest.items()},
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
        return str(self._choice.content)

    def parse(self, type: type[ValueT]) -> ValueT:
        """Return the text, read as JSON, as `type` (anything that msgspec decodes into).

        Raises:
            DecodeError: The text is not JSON (it may not have ended), or not of that type.
        """
        return parse_text(self.text, type)

    @property
    def reasoning(self) -> str:
        """The reasoning so far."""
        choice = self._choice
        return str(
            choice.reasoning_content
            if choice.reasoning_field == "reasoning_content"
            else choice.reasoning
        )

    @property
    def refusal(self) -> str:
        """The refusal so far."""
        return str(self._choice.refusal)

    @property
    def tool_calls(self) -> Sequence[ToolCall]:
        """The tool calls so far, whole or not, in the order in which they appeared."""
        return [call.view(0) for call in self._choice.calls.calls]

    @property
    def finish_reason(self) -> FinishReason | None:
        """Why the choice ended, in the shared words; None while it has not."""
        reason = self._choice.finish_reason
        return FINISH_REASONS.get(reason, "other") if reason else None

    @property
    def usage(self) -> Usage | None:
        """The tokens of the request, as far as the server has said."""
        usage = self._usage
        if usage is None and self._x_groq is not None:  # where Groq said it first
            usage = self._x_groq.usage
        return usage_view(usage) if usage is not None else None

    @property
    def _choice(self) -> ChoiceBuilder:
        return self._choices.get(0) or ChoiceBuilder()

    def deltas(self, chunk: ChatCompletionChunk, /) -> Iterable[Delta]:
        """Return what a chunk says, after `add` has folded it in and before the next one."""
        if len(chunk.choices) == 1:
            choice = chunk.choices[0]
            delta = choice.delta
            if (
                delta.content
                and delta.reasoning is None
                and delta.reasoning_content is None
                and delta.refusal is None
                and delta.tool_calls is None
                and chunk.usage is None
                and chunk.x_groq is None
                and self._surrogates.is_whole(delta.content)
            ):
                # Nearly all chunks. This takes 0.1 us, and asking for all of it 1 us.
                return (TextDelta(choice.index, delta.content),)
        return self._deltas(chunk)

    def _deltas(self, chunk: ChatCompletionChunk) -> Iterator[Delta]:
        touched = iter(self._touched)
        for choice in chunk.choices:
            for piece in self._pieces(choice, touched):
                mended = self._surrogates.join(piece)
                if mended is not None:
                    yield mended
        if chunk.usage is not None or (chunk.x_groq is not None and chunk.x_groq.usage is not None):
            usage = self.usage
            if usage is not None:
                yield usage

    def _pieces(
        self, choice: ChunkChoice, touched: Iterator[tuple[ToolCallBuilder, str] | None]
    ) -> Iterator[ReasoningDelta | TextDelta | RefusalDelta | ToolCallDelta]:
        index, delta = choice.index, choice.delta
        if choice.message is not None:
            delta = self._new[1][id(choice)]
        if delta.reasoning or delta.reasoning_content:
            reasoning = getattr(delta, self._choices[index].reasoning_field)
            if reasoning:
                yield ReasoningDelta(index, reasoning)
        if delta.content:
            yield TextDelta(index, delta.content)
        if delta.refusal:
            yield RefusalDelta(index, delta.refusal)
        for _, told in zip(delta.tool_calls or (), touched, strict=False):
            if told is not None:
                yield _call_delta(index, *told)

    def last_deltas(self) -> Iterator[Delta]:
        """Yield what only the end of a finished stream says: whole tool calls, and the finish.

        Until then a finish reason may come again, with another call before it (Google's hosts).
        """
        yield from self._surrogates.flush()
        for index, folded in sorted(self._choices.items()):
            for call in folded.calls.calls:
                if call.held:
                    yield _call_delta(index, call, call.held)
                yield call.view(index)
            if folded.finish_reason:
                reason = FINISH_REASONS.get(folded.finish_reason, "other")
                yield Finish(index, reason, folded.finish_reason)


def _call_delta(index: int, call: ToolCallBuilder, arguments: str) -> ToolCallDelta:
    return ToolCallDelta(index, call.place, call.id, call.name, arguments)
