# One candidate of the answer, as far as it has come.
#
# What always holds here:
# - The parts stand in the order in which they came. Texts of one kind (thought or not) that follow
#   each other are one part; any other part stands alone, and so does a text with a signature.
# - Of what is beside the content, the newest that says something wins. Citations and log
#   probabilities, which come with the text that they speak of, are listed.
# - What a view returns shares nothing mutable with the fold or with another view.

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from ssekit._deltas import ToolCall
from ssekit._fold import Text, deep_copy, extend_lists, merge
from ssekit._json import join_surrogates, well_formed
from ssekit.gemini._arguments import Arguments
from ssekit.gemini._response import (
    AnyPart,
    Candidate,
    Citation,
    CitationMetadata,
    Content,
    FunctionCall,
    GroundingMetadata,
    LogprobsResult,
    Part,
    UnknownPart,
)

_NO_PART = Part()
_NO_CALL = FunctionCall()


class TextPartBuilder:
    """Texts of one kind that follow each other."""

    __slots__ = ("text", "thought")

    def __init__(self, thought: bool) -> None:
        self.thought = thought
        self.text = Text()

    def view(self) -> Part:
        return Part(text=str(self.text), thought=self.thought or None)


class FunctionCallBuilder:
    """A function call so far.

    Attributes:
        place: Where it stands among the calls of its candidate.
        open: Whether the host said that more of it follows.
        whole: Whether nothing more of it can follow. Pieces that have an id, and say nothing of
            more, may yet be followed by others of that id.
        announced, handed: Whether deltas have told of it, and given it whole.
    """

    __slots__ = ("_arguments", "_view", "announced", "beside", "handed", "id", "name", "open",
                 "place", "whole")  # fmt: skip

    def __init__(self, place: int, part: Part) -> None:
        self.place = place
        self.id = ""
        self.name = ""
        self.open = False
        self.whole = False
        self.announced = False
        self.handed = False
        # What the part says beside the call.
        self.beside = part
        self._arguments: Arguments | None = None
        self._view: ToolCall | None = None

    def add(self, call: FunctionCall, signature: str | None) -> None:
        self.id = self.id or call.id or ""
        self.name = self.name or call.name or ""
        self.open = bool(call.will_continue)
        in_pieces = call.partial_args and call.id and call.will_continue is None
        self.whole = not self.open and not in_pieces
        if signature:
            self.beside = replace(self.beside, thought_signature=signature)
        if self.open or call.args is not None or call.partial_args:
            self._arguments = self._arguments or Arguments()
            self._arguments.add(call)
        self._view = None

    def tool_call(self, index: int) -> ToolCall:
        """Return the call as it stands, for candidate `index`: one object until the next piece."""
        if self._view is None:
            arguments = msgspec.json.encode(self._args() or {}).decode()
            self._view = ToolCall(index, self.place, self.id, self.name, arguments)
        return self._view

    def _args(self) -> dict[str, Any] | None:
        return None if self._arguments is None else self._arguments.view()

    def view(self) -> Part:
        call = FunctionCall(
            id=self.id or None,
            name=self.name or None,
            args=self._args(),
            will_continue=self.open or None,
        )
        view: Part = replace(deep_copy(self.beside), function_call=call)
        return view


class CandidateBuilder:
    """One candidate so far."""

    __slots__ = ("_by_id", "_citations", "_log_probability_sum", "_logprobs", "_newest",
                 "_parts", "calls", "finish_reason", "role")  # fmt: skip

    def __init__(self) -> None:
        self.role: str | None = None
        self.finish_reason: str | None = None
        self.calls: list[FunctionCallBuilder] = []
        self._parts: list[TextPartBuilder | FunctionCallBuilder | AnyPart] = []
        self._by_id: dict[str, FunctionCallBuilder] = {}
        # A citation that is sent again is no other one.
        self._citations: dict[Citation, None] = {}
        self._logprobs: dict[str, list[Any]] = {}
        self._log_probability_sum: float | None = None
        self._newest: dict[str, Any] = {}

    def add_part(self, part: AnyPart) -> None:
        """Add a part that is no function call."""
        text = part.text
        if text is None or part != Part(text=text, thought=part.thought):
            self._parts.append(part)
        elif text:
            thought = bool(part.thought)
            latest = self._parts[-1] if self._parts else None
            if not isinstance(latest, TextPartBuilder) or latest.thought is not thought:
                latest = TextPartBuilder(thought)
                self._parts.append(latest)
            latest.text.append(text)

    def add_call(self, part: Part, call: FunctionCall) -> FunctionCallBuilder | None:
        """Add a function call, or a piece of one, and return the call that it belongs to."""
        folded = self._continued(call)
        rest = replace(part, function_call=None)
        if folded is None:
            if call == _NO_CALL:  # It ends a call, and none is open.
                if rest != _NO_PART:
                    self.add_part(rest)
                return None
            folded = FunctionCallBuilder(len(self.calls), rest)
            self.calls.append(folded)
            self._parts.append(folded)
        elif rest.text:
            self.add_part(replace(rest, thought_signature=None))
        folded.add(call, part.thought_signature)
        if folded.id:
            self._by_id[folded.id] = folded
        return folded

    def _continued(self, call: FunctionCall) -> FunctionCallBuilder | None:
        """Return the open call that a piece belongs to, if it begins none."""
        latest = self._by_id.get(call.id) if call.id else None
        if latest is None and self.calls:
            latest = self.calls[-1]
            if call.id and latest.id:
                return None
        if latest is None or latest.whole or (call.name or latest.name) != latest.name:
            return None
        return latest if latest.open or call.id else None

    def add_beside(self, candidate: Candidate) -> None:
        """Fold in what a chunk says beside the content and the finish reason."""
        if candidate.safety_ratings:
            self._newest["safety_ratings"] = candidate.safety_ratings
        if candidate.grounding_metadata is not None:
            known: GroundingMetadata | None = self._newest.get("grounding_metadata")
            self._newest["grounding_metadata"] = merge(known, candidate.grounding_metadata)
        if candidate.citation_metadata is not None:
            self._citations.update(dict.fromkeys(candidate.citation_metadata.citations))
        if (
            candidate.url_context_metadata is not None
            and candidate.url_context_metadata.url_metadata
        ):
            self._newest["url_context_metadata"] = candidate.url_context_metadata
        if candidate.logprobs_result is not None:
            self._add_logprobs(candidate.logprobs_result)
        if candidate.finish_message:
            self._newest["finish_message"] = candidate.finish_message
        if candidate.token_count is not None:
            self._newest["token_count"] = candidate.token_count
        if candidate.avg_logprobs is not None:
            self._newest["avg_logprobs"] = candidate.avg_logprobs
        if candidate.continuation_token:
            self._newest["continuation_token"] = candidate.continuation_token

    def _add_logprobs(self, logprobs: LogprobsResult) -> None:
        if logprobs.log_probability_sum is not None:
            self._log_probability_sum = logprobs.log_probability_sum
        extend_lists(self._logprobs, replace(logprobs, log_probability_sum=None))

    def said(self, thought: bool) -> str:
        """Return the texts of one kind, joined."""
        pieces = []
        for part in self._parts:
            if isinstance(part, TextPartBuilder):
                if part.thought is thought:
                    pieces.append(part.text.join())
                continue
            beside = part.beside if isinstance(part, FunctionCallBuilder) else part
            if beside.text and bool(beside.thought) is thought:
                pieces.append(beside.text)
        return join_surrogates("".join(pieces))

    def view(self, index: int) -> Candidate:
        citations = CitationMetadata(citations=list(self._citations))
        logprobs = LogprobsResult(
            log_probability_sum=self._log_probability_sum,
            **{name: deep_copy(tokens) for name, tokens in self._logprobs.items()},
        )
        return Candidate(
            index=index,
            content=Content(parts=[_part_view(part) for part in self._parts], role=self.role),
            finish_reason=self.finish_reason,
            citation_metadata=citations if self._citations else None,
            logprobs_result=logprobs if logprobs != LogprobsResult() else None,
            **{name: deep_copy(value) for name, value in self._newest.items()},
        )


def _part_view(part: TextPartBuilder | FunctionCallBuilder | AnyPart) -> AnyPart:
    if isinstance(part, TextPartBuilder | FunctionCallBuilder):
        return part.view()
    if isinstance(part, UnknownPart):
        return UnknownPart(well_formed(part))
    view: Part = deep_copy(part)
    return view
