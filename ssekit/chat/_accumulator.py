# The chunks of one stream accumulated into one answer, with its views and deltas.
#
# What always holds here:
# - null means absent, and "" never overwrites.
# - Of `id` and `created` the first value stays; of all else the newest.
# - The role is the assistant's. Some hosts show what a tool returned, as a delta of another role.
#
# How it works: `add` puts each field of a chunk where it belongs, in a `ChoiceBuilder` or in the
# accumulator. Nothing is joined before somebody asks. `deltas` reads the same chunk once more, only
# for users who want deltas. What depends on the chunks before it was found by `add`, which keeps it
# until the next chunk: which call a piece of a call continues, and what is new in a whole message.

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import astuple, replace

from ssekit._accumulator import later_word
from ssekit._choices import BaseAccumulator, newest_usage, usage_view
from ssekit._deltas import Delta, ReasoningDelta, RefusalDelta, TextDelta, ToolCall, Usage
from ssekit._fold import extend_lists, merge, merge_fields
from ssekit._fragments import MERGE_AT
from ssekit.chat._builders import ChoiceBuilder, text_of
from ssekit.chat._calls import ToolCallPiece
from ssekit.chat._chunk import ChatCompletionChunk, ChoiceDelta
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
        self._answer.x_groq = None
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
            if choice.message is not None and not any(astuple(delta)[1:]):  # but for the role
                delta = builder.delta_of_message(choice.message, delta)
            if delta.content is not None:
                pending = builder.text.pending  # to append here saves a call, 40 ns
                pending.append(delta.content)
                if len(pending) == MERGE_AT:
                    builder.text.compact()
            if delta.reasoning is not None and delta.reasoning:
                builder.add_reasoning("reasoning", delta.reasoning)
            if delta.reasoning_content is not None and delta.reasoning_content:
                builder.add_reasoning("reasoning_content", delta.reasoning_content)
            if delta.reasoning_text is not None and delta.reasoning_text:
                builder.add_reasoning("reasoning_text", delta.reasoning_text)
            if delta.refusal is not None and delta.refusal:
                builder.message["refusal"].append(delta.refusal)
            if delta.tool_calls is not None or choice.message is not None:
                if latest is None:
                    latest = self._latest = []
                whole = delta is not choice.delta
                pieces = builder.add_tool_calls(delta.tool_calls or (), whole=whole)
                latest.append((delta, pieces))
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
                builder.add_blocks("executed_tools", delta.executed_tools)
            if delta.extra_content is not None:
                merge_fields(builder.message.setdefault("extra_content", {}), delta.extra_content)
            if delta.functions_state_id is not None and delta.functions_state_id:
                builder.message["functions_state_id"] = delta.functions_state_id
            if choice.finish_reason is not None and choice.finish_reason:
                builder.finish_reason = later_word(builder.finish_reason, choice.finish_reason)
            if choice.logprobs is not None:
                extend_lists(builder.logprobs, choice.logprobs)
            if choice.annotations is not None:
                builder.message.setdefault("annotations", []).extend(choice.annotations)
            if choice.content_filter_results is not None and choice.content_filter_results:
                verdicts = builder.fields.setdefault("content_filter_results", {})
                merge_fields(verdicts, choice.content_filter_results)
            if choice.native_finish_reason is not None and choice.native_finish_reason:
                builder.fields["native_finish_reason"] = choice.native_finish_reason
            if choice.stop_reason is not None and choice.stop_reason != "":  # token 0 counts
                builder.fields["stop_reason"] = choice.stop_reason
            if choice.matched_stop is not None and choice.matched_stop != "":
                builder.fields["matched_stop"] = choice.matched_stop
        self._add_fields(chunk)
        if chunk.moderation is not None and chunk.moderation:
            self._answer.moderation = chunk.moderation
        if chunk.provider is not None and chunk.provider:
            self._answer.provider = chunk.provider
        if chunk.citations is not None and chunk.citations:
            self._answer.citations = chunk.citations
        if chunk.search_results is not None and chunk.search_results:
            self._answer.search_results = chunk.search_results
        if chunk.timings is not None and chunk.timings:
            self._answer.timings = chunk.timings
        if chunk.x_groq is not None:
            known, groq = self._answer.x_groq, chunk.x_groq
            if known is not None and groq.usage is not None:
                groq = replace(groq, usage=newest_usage(known.usage, groq.usage))
            self._answer.x_groq = merge(known, groq)

    def snapshot(self) -> ChatCompletion:
        """Return the answer so far, in the shape of the endpoint's answer without `stream`."""
        return ChatCompletion(object="chat.completion", **self._result())

    # The views.

    @property
    def reasoning(self) -> str:
        reasoning = self._choice.message.get(self._choice.reasoning_field, "")
        if isinstance(reasoning, list):
            return text_of([block.fields for block in reasoning])
        return str(reasoning)

    @property
    def refusal(self) -> str:
        return str(self._choice.message.get("refusal", ""))

    @property
    def tool_calls(self) -> Sequence[ToolCall]:
        return [call.build() for call in self._choice.calls]

    @property
    def usage(self) -> Usage | None:
        usage, groq = self._answer.usage, self._answer.x_groq  # Groq's first place for it
        return usage_view(groq.usage if usage is None and groq is not None else usage)

    # Emitting deltas.

    def deltas(self, chunk: ChatCompletionChunk, /) -> list[Delta]:
        deltas: list[Delta] = []
        seen = 0
        for choice in chunk.choices:
            delta = choice.delta
            calls: Sequence[ToolCallPiece] = ()
            if delta.tool_calls is not None or choice.message is not None:
                delta, calls = self._latest[seen]
                seen += 1
            reasoning_field = self._choices[choice.index].reasoning_field
            if reasoning_field:
                piece = getattr(delta, reasoning_field)
                if isinstance(piece, list):
                    piece = text_of(piece)
                if piece:
                    deltas.append(ReasoningDelta(choice.index, piece))
            if delta.content:
                deltas.append(TextDelta(choice.index, delta.content))
            if delta.refusal:
                deltas.append(RefusalDelta(choice.index, delta.refusal))
            if calls:
                deltas += [call.delta(arguments) for call, arguments in calls]
        if chunk.usage is not None or (chunk.x_groq is not None and chunk.x_groq.usage is not None):
            usage = self.usage
            if usage is not None:
                deltas.append(usage)
        return deltas
