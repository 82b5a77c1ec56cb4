# One candidate of the answer, in progress.
#
# How it works:
# - A candidate holds its parts in order: texts and calls, which may grow, as builders; any other
#   part as it came.
# - A piece of a call belongs to the call of its id, or else to the latest call, if that may go on.
# - `build` makes the objects of the wire from what came so far.
#
# What always holds here:
# - Parts stay in the order in which they came. Successive texts of one kind (thought or not) are
#   one part. Any other part stays alone, and so does a text with a signature.
# - Of metadata, the newest value wins. Citations and log probabilities, which come with the text
#   that they describe, are collected; and so are sources, as supports may refer to them by their
#   position among all.
# - Built objects share nothing mutable with the builder, or with each other.

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from ssekit._accumulator import later_word, shared_reason
from ssekit._deltas import Delta, ToolCall, ToolCallDelta
from ssekit._fold import copy_fields, deep_copy, extend_lists, merge
from ssekit._json import join_surrogates
from ssekit._text import Text
from ssekit.gemini import _response as result
from ssekit.gemini._arguments import Arguments
from ssekit.gemini._response import (
    AnyPart,
    Candidate,
    Citation,
    Content,
    FunctionCall,
    GroundingChunk,
    GroundingMetadata,
    Part,
)

_NO_PART: Final = Part()
# The metadata of a candidate of which the newest value counts.
_NEWEST: Final = (
    *("safety_ratings", "finish_message", "continuation_token", "token_count", "avg_logprobs"),
)


# (The builders are structs, which are made in a quarter of the time of other classes.)
class TextPartBuilder(msgspec.Struct, eq=False):
    """Successive texts of one kind."""

    thought: bool
    text: Text = msgspec.field(default_factory=Text)

    def build(self) -> Part:
        return Part(text=str(self.text), thought=self.thought or None)


class FunctionCallBuilder(msgspec.Struct, eq=False):
    """A function call.

    Attributes:
        part: The part that the call came in, without the call.
        call: The call so far, without its arguments.
        place: Its place among the calls; None while it has neither a name nor an id.
        complete: Whether nothing more of the call can follow. A call without arguments may get
            some, and a piece that has an id, and no `will_continue`, may be followed by others.
    """

    part: Part
    call: FunctionCall = FunctionCall()
    place: int | None = None
    complete: bool = False
    _arguments: Arguments | None = None
    _tool_call: ToolCall | None = None
    # Whether the first delta of the call was emitted, and the whole call.
    _started: bool = False
    _emitted: bool = False

    def add(self, call: FunctionCall, signature: str | None) -> None:
        if signature:
            self.part = replace(self.part, thought_signature=signature)
        if self.complete:  # the same call once more
            return
        known, more = self.call, call.will_continue or None
        id_, name = known.id or call.id or None, known.name or call.name or None
        self.call = FunctionCall(id=id_, name=name, will_continue=more)
        if more or call.args is not None or call.partial_args:
            if self._arguments is None:
                self._arguments = Arguments()
            self._arguments.add(call)
        in_pieces = call.partial_args and call.id and call.will_continue is None
        self.complete = not (more or in_pieces) and bool(known.will_continue or self._arguments)
        self._tool_call = None

    @property
    def is_empty(self) -> bool:
        """Whether the call has no arguments, and none were promised."""
        return not (self.call.will_continue or self._arguments)

    def arguments(self) -> dict[str, Any] | None:
        """Return the arguments so far, sharing nothing mutable; None if there are none."""
        return None if self._arguments is None else self._arguments.build()

    def tool_call(self, index: int) -> ToolCall:
        """Return the call so far, of candidate `index`: one object until the next piece."""
        if self._tool_call is None:
            arguments = msgspec.json.encode(self.arguments() or {}).decode()
            id_, name = self.call.id or "", self.call.name or ""
            self._tool_call = ToolCall(index, self.place or 0, id_, name, arguments)
        return self._tool_call

    def deltas(self, index: int, *, ended: bool = False) -> Iterator[Delta]:
        """Yield the deltas of the call that were not emitted yet.

        Arguments come in one `ToolCallDelta`, with the whole call: pieces may come in any order of
        their paths. A call that may go on starts with a delta without arguments. It is whole if it
        is complete, or if the answer has `ended` and was not cut off.
        """
        whole = self.complete or ended
        if self._emitted or (self._started and not whole):
            return
        self._started, self._emitted = True, whole
        call = self.tool_call(index)
        yield ToolCallDelta(index, call.place, call.id, call.name, call.arguments if whole else "")
        if whole:
            yield call

    def build(self) -> Part:
        call = replace(self.call, args=self.arguments())
        part: Part = deep_copy(self.part, function_call=call)
        return part


class CandidateBuilder(msgspec.Struct, eq=False):
    """One candidate."""

    finish_reason: str | None = None
    calls: list[FunctionCallBuilder] = []  # those that have a name or an id
    _latest_call: FunctionCallBuilder | None = None
    _role: str | None = None
    _parts: list[TextPartBuilder | FunctionCallBuilder | AnyPart] = []
    _by_id: dict[str, FunctionCallBuilder] = {}
    _citations: dict[Citation, None] = {}  # a set in order: hosts send citations again
    _logprobs: dict[str, Any] = {}
    _metadata: dict[str, Any] = {}
    _grounded: GroundingMetadata | None = None
    _sources: list[GroundingChunk] = []  # of all rounds of the host's tools

    def add(self, candidate: Candidate, calls: list[FunctionCallBuilder | None]) -> None:
        """Add a chunk's candidate; append the builder of each of its function calls to `calls`.

        In the place of a call that has neither a name nor an id, None is appended.
        """
        # STOP counts only until content follows: Google's hosts end each round of their own tools
        # by it, and gateways that translate write it before any content.
        stopped = self.finish_reason is not None and shared_reason(self.finish_reason) == "stop"
        if stopped and any(map(_has_content, candidate.content.parts)):
            self.finish_reason = None
        for part in candidate.content.parts:
            if part.function_call is None:
                self._add_part(part)
            else:
                calls.append(self._add_call(part, part.function_call))
        if candidate.content.role:
            self._role = candidate.content.role
        if candidate.finish_reason:
            self.finish_reason = later_word(self.finish_reason, candidate.finish_reason)
        for name in _NEWEST:
            value = getattr(candidate, name)
            if value or value == 0:
                self._metadata[name] = value
        urls = candidate.url_context_metadata
        if urls is not None and urls.url_metadata:
            self._metadata["url_context_metadata"] = urls
        if candidate.grounding_metadata is not None:
            self._grounded = merge(self._grounded, candidate.grounding_metadata)
            self._sources += candidate.grounding_metadata.grounding_chunks or ()
        if candidate.citation_metadata is not None:
            self._citations.update(dict.fromkeys(candidate.citation_metadata.citations))
        if candidate.logprobs_result is not None:
            extend_lists(self._logprobs, candidate.logprobs_result)

    def _add_part(self, part: AnyPart) -> None:
        text = part.text
        if text is None or part != Part(text=text, thought=part.thought):
            if isinstance(part, Part) and part.thought_signature == "":  # no signature
                self._add_part(replace(part, thought_signature=None))
            else:
                self._parts.append(part)
        elif text:
            thought = bool(part.thought)
            latest = self._parts[-1] if self._parts else None
            if not isinstance(latest, TextPartBuilder) or latest.thought is not thought:
                latest = TextPartBuilder(thought)
                self._parts.append(latest)
            latest.text.append(text)

    def _add_call(self, part: Part, call: FunctionCall) -> FunctionCallBuilder | None:
        builder = self._continued(call)
        rest = replace(part, function_call=None)
        if builder is None:
            if not (call.id or call.name or call.args or call.partial_args):  # the end of no call
                if rest != _NO_PART:
                    self._add_part(rest)
                return None
            builder = self._latest_call = FunctionCallBuilder(rest)
            self._parts.append(builder)
        elif rest.text:
            self._add_part(replace(rest, thought_signature=None))
        builder.add(call, part.thought_signature)
        if builder.call.id:
            self._by_id[builder.call.id] = builder
        if builder.place is None and (builder.call.id or builder.call.name):
            builder.place = len(self.calls)
            self.calls.append(builder)
        return builder if builder.place is not None else None

    def _continued(self, call: FunctionCall) -> FunctionCallBuilder | None:
        """Return the call that `call` is a piece of, or None if `call` begins one."""
        known = self._by_id.get(call.id) if call.id else None
        latest = known or self._latest_call
        if latest is None or (known is None and call.id and latest.call.id):
            return None
        if (call.name or latest.call.name) != latest.call.name:
            return None
        if latest.complete:
            again = not call.partial_args and (not call.args or call.args == latest.arguments())
            return latest if known and again else None
        arguments = None if call.name else call.args or call.partial_args
        goes_on = latest.call.will_continue or known or arguments
        return latest if goes_on else None

    def join_texts(self, *, thought: bool) -> str:
        """Return the texts of one kind, joined."""
        parts = (
            each.part if isinstance(each, FunctionCallBuilder) else each for each in self._parts
        )
        texts = [part.text for part in parts if part.text and bool(part.thought) is thought]
        pieces = (text if isinstance(text, str) else text.join() for text in texts)
        return join_surrogates("".join(pieces))

    def build(self, index: int) -> Candidate:
        citations, logprobs = list(self._citations), self._logprobs
        parts = [_build_part(part) for part in self._parts]
        return Candidate(
            index=index,
            content=Content(parts=parts, role=self._role),
            finish_reason=self.finish_reason,
            citation_metadata=result.CitationMetadata(citations=citations) if citations else None,
            logprobs_result=result.LogprobsResult(**copy_fields(logprobs)) if logprobs else None,
            grounding_metadata=self._grounding(),
            **copy_fields(self._metadata),
        )

    def _grounding(self) -> GroundingMetadata | None:
        """Return the newest sources; those of all rounds if a support has a position past them."""
        newest = self._grounded or GroundingMetadata()
        supports = newest.grounding_supports or ()
        places = [each for support in supports for each in support.grounding_chunk_indices or ()]
        past = max(filter(None, places), default=-1) >= len(newest.grounding_chunks or ())
        changes = {"grounding_chunks": deep_copy(self._sources)} if past and self._sources else {}
        grounding: GroundingMetadata | None = deep_copy(self._grounded, **changes)
        return grounding


def _has_content(part: AnyPart) -> bool:
    """Whether a part is more than a signature, an empty text, or the end of a call."""
    if part.function_call == FunctionCall():
        return False
    if part.text is not None:
        return part.text != ""
    return part != Part(thought=part.thought, thought_signature=part.thought_signature)


def _build_part(part: Any) -> Any:
    if isinstance(part, (TextPartBuilder, FunctionCallBuilder)):
        return part.build()
    return deep_copy(part)
