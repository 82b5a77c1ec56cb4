# The chunks of one stream accumulated into one answer, with its views and deltas.
#
# What always holds here:
# - null means absent, and "" never overwrites.
# - Of `id` and `created` the first value stays; of all else the newest.
#
# How it works: `add` puts each field of a chunk where it belongs, in a `ChoiceBuilder` or in the
# accumulator. Nothing is joined before somebody asks. `deltas` reads the same chunk once more, only
# for users who want deltas. What depends on the chunks before it was found by `add`, which keeps it
# until the next chunk: which call a piece of a call continues, and what is new in a whole message.

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ssekit._accumulator import later_word
from ssekit._choices import BaseAccumulator, newest_usage, usage_view
from ssekit._deltas import Delta, ReasoningDelta, TextDelta, ToolCall, Usage
from ssekit._fold import deep_copy, merge, merge_fields
from ssekit._fragments import MERGE_AT
from ssekit.chat._builders import REASONING, ChoiceBuilder
from ssekit.chat._calls import ToolCallPiece
from ssekit.chat._chunk import ChatCompletionChunk, ChoiceDelta, XGroq
from ssekit.chat._result import ChatCompletion


class Accumulator(BaseAccumulator[ChatCompletionChunk, ChatCompletion, ChoiceBuilder]):
    """Accumulates the chunks of one stream into a `ChatCompletion`.

    The accumulator keeps lists and dicts of the chunks: do not change them.

    The views `text`, `reasoning`, `refusal`, `tool_calls` and `finish_reason` are those of choice
    0, and are made on each access.
    """

    _builder = ChoiceBuilder

    def __init__(self) -> None:
        super().__init__()
        self._x_groq: XGroq | None = None
        # Of the latest chunk with calls or messages: for each choice that has either, its delta (of
        # a message, what was new in it) and the pieces of its calls.
        self._latest: list[tuple[ChoiceDelta, list[ToolCallPiece]]] = []

    def add(self, chunk: ChatCompletionChunk, /) -> None:
        """Add the next chunk. (No chunk of this format is terminal, so this returns None.)"""
        # One flat function, because it runs for every chunk: to test all of these fields takes
        # 130 ns, and one call takes 40. (`is not None` comes first, which saves 20 ns in all.)
        latest: list[tuple[ChoiceDelta, list[ToolCallPiece]]] | None = None
        for choice in chunk.choices:
            try:
                builder = self._choices[choice.index]
            except KeyError:
                builder = self._choices[choice.index] = ChoiceBuilder(choice.index)
            delta = choice.delta
            if choice.message is not None:
                delta = builder.delta_of_message(choice, chunk.object)
            if delta.content is not None:
                pending = builder.text.pending  # to append here saves a call, 40 ns
                pending.append(delta.content)
                if len(pending) == MERGE_AT:
                    builder.text.compact()
            if (
                delta.reasoning is not None
                or delta.reasoning_content is not None
                or delta.reasoning_text is not None
            ):
                builder.add_reasoning(delta)
            if delta.role is not None and delta.role:
                builder.message["role"] = delta.role
            if delta.refusal is not None and delta.refusal:
                builder.message["refusal"].append(delta.refusal)
            if delta.tool_calls is not None or choice.message is not None:
                if latest is None:
                    latest = self._latest = []
                latest.append((delta, builder.add_tool_calls(delta.tool_calls or ())))
            if delta.reasoning_details is not None:
                builder.add_blocks("reasoning_details", delta.reasoning_details)
            if delta.thinking_blocks is not None:
                builder.add_blocks("thinking_blocks", delta.thinking_blocks)
            if delta.reasoning_opaque is not None and delta.reasoning_opaque:
                builder.message["reasoning_opaque"] = delta.reasoning_opaque
            if delta.function_call is not None:
                builder.add_object("function_call", delta.function_call)
            if delta.audio is not None:
                builder.add_object("audio", delta.audio)
            if delta.annotations is not None:
                builder.message.setdefault("annotations", []).extend(delta.annotations)
            if delta.images is not None:
                builder.message.setdefault("images", []).extend(delta.images)
            if delta.executed_tools is not None:
                builder.add_executed_tools(delta.executed_tools)
            if delta.extra_content is not None:
                merge_fields(builder.message.setdefault("extra_content", {}), delta.extra_content)
            if choice.finish_reason is not None and choice.finish_reason:
                builder.finish_reason = later_word(builder.finish_reason, choice.finish_reason)
            if choice.logprobs is not None:
                builder.add_logprobs(choice.logprobs)
            if choice.annotations is not None:
                builder.message.setdefault("annotations", []).extend(choice.annotations)
            if choice.content_filter_results is not None:
                verdicts = builder.fields.setdefault("content_filter_results", {})
                merge_fields(verdicts, choice.content_filter_results)
            if choice.native_finish_reason is not None and choice.native_finish_reason:
                builder.fields["native_finish_reason"] = choice.native_finish_reason
            if choice.stop_reason is not None and choice.stop_reason != "":  # token 0 counts
                builder.fields["stop_reason"] = choice.stop_reason
            if choice.matched_stop is not None and choice.matched_stop != "":
                builder.fields["matched_stop"] = choice.matched_stop
        if not self._id and chunk.id:
            self._id = chunk.id
        if not self._created and chunk.created:
            self._created = chunk.created
        if chunk.model:
            self._model = chunk.model
        if chunk.usage is not None:
            self._usage = newest_usage(self._usage, chunk.usage)
        if chunk.service_tier:
            self._service_tier = chunk.service_tier
        if chunk.system_fingerprint:
            self._system_fingerprint = chunk.system_fingerprint
        if chunk.moderation is not None and chunk.moderation:
            self._fields["moderation"] = chunk.moderation
        if chunk.provider is not None and chunk.provider:
            self._fields["provider"] = chunk.provider
        if chunk.citations is not None and chunk.citations:
            self._fields["citations"] = chunk.citations
        if chunk.search_results is not None and chunk.search_results:
            self._fields["search_results"] = chunk.search_results
        if chunk.prompt_filter_results is not None and chunk.prompt_filter_results:
            self._fields["prompt_filter_results"] = chunk.prompt_filter_results
        if chunk.timings is not None and chunk.timings:
            self._fields["timings"] = chunk.timings
        if chunk.x_groq is not None:
            self._x_groq = merge(self._x_groq, chunk.x_groq)

    def snapshot(self) -> ChatCompletion:
        """Return the answer so far, in the shape of the endpoint's answer without `stream`."""
        x_groq = deep_copy(self._x_groq)
        return ChatCompletion(object="chat.completion", x_groq=x_groq, **self._answer())

    # The views.

    @property
    def reasoning(self) -> str:
        return self._choice.shared_reasoning

    @property
    def refusal(self) -> str:
        return str(self._choice.message.get("refusal", ""))

    @property
    def tool_calls(self) -> Sequence[ToolCall]:
        return [call.build() for call in self._choice.calls]

    @property
    def usage(self) -> Usage | None:
        groq = self._x_groq  # Groq's first place for it
        return usage_view(groq.usage if self._usage is None and groq is not None else self._usage)

    # Emitting deltas.

    def deltas(self, chunk: ChatCompletionChunk, /) -> Iterable[Delta]:
        if len(chunk.choices) == 1 and chunk.usage is None and chunk.x_groq is None:
            choice = chunk.choices[0]
            delta = choice.delta
            if (
                delta.tool_calls is None
                and delta.refusal is None
                and delta.reasoning_details is None
                and delta.thinking_blocks is None
                and choice.message is None
            ):
                # Nearly all chunks: this takes 0.1 us, the general way 1 us.
                piece = delta.content
                if (
                    delta.reasoning is None
                    and delta.reasoning_content is None
                    and delta.reasoning_text is None
                ):
                    return (TextDelta(choice.index, piece),) if piece else ()
                if not piece and self._choices[choice.index].reasoning_field in REASONING:
                    piece = getattr(delta, self._choices[choice.index].reasoning_field)
                    return (ReasoningDelta(choice.index, piece),) if piece else ()
        return self._deltas(chunk)

    def _deltas(self, chunk: ChatCompletionChunk) -> Iterator[Delta]:
        latest = iter(self._latest)
        for choice in chunk.choices:
            is_plain = choice.delta.tool_calls is None and choice.message is None
            delta, calls = (choice.delta, []) if is_plain else next(latest)
            yield from self._choices[choice.index].deltas(delta, calls)
        if chunk.usage is not None or (chunk.x_groq is not None and chunk.x_groq.usage is not None):
            usage = self.usage
            if usage is not None:
                yield usage
