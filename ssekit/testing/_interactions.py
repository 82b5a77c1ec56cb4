# Streams of interactions: `POST /v1beta/interactions` of the Gemini API.

from __future__ import annotations

from typing import Any, ClassVar, Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from ssekit.testing import _drawing
from ssekit.testing._answers import Additions, Json, Piece, begin, drop, extend, join, put, put_all
from ssekit.testing._models import ModelStream
from ssekit.testing._script import TYPED_QUIRKS, Dialect, Dialects, Script, find_quirks

__all__ = ["INTERACTIONS", "interaction_streams"]

INTERACTIONS: Final = Dialects(
    hosts={"google": frozenset({"marker"}), "google, former": frozenset({"marker", "contents"})},
    quirks=TYPED_QUIRKS
    | {
        "contents": "the spelling is the former one: contents instead of steps",
        "resumed": "the stream continues another: there is no event for its beginning",
        "no step begins": "there is no event for the beginning of a thought or an output",
        "step begins twice": "there are two events for the beginning of each step",
        "no step ends": "there is no event for the end of a step",
        "no indices": "no event has the index of its step",
        "in turns": "the events of steps take turns",
        "contents in the start": "the event for the beginning of a step has the first content",
        "arguments in the start": "the event for the beginning of a call has all of its arguments",
        "steps at the end": "the last event has all steps",
        "event ids": "events have ids, to resume after",
        "usage so far": "events have the usage so far",
    },
)
_USAGE: Final = {"total_input_tokens": 12, "total_output_tokens": 34, "total_tokens": 46}
_STATUSES: Final = ["completed", "incomplete", "cancelled", "requires_continuation"]
_IMAGE: Final = {"type": "image", "mime_type": "image/png", "data": "QUJD"}
_CITATION: Final = {"type": "url_citation", "url": "https://example.org/"}


def interaction_streams(
    *,
    text: SearchStrategy[str] | None = None,
    arguments: SearchStrategy[dict[str, Any]] | None = None,
    max_steps: int = 3,
    dialect: Dialect = (),
) -> SearchStrategy[ModelStream]:
    """Return a strategy of streams of interactions, each with the interaction it must give.

    Args:
        text: Texts and summaries of thoughts, which are cut anywhere. By default any text.
        arguments: The arguments of function calls, whose JSON text is cut anywhere. By default any.
        max_steps: How many steps there are at most: thoughts, outputs of the model (texts, perhaps
            with an image or citations), function calls, and searches of the vendor.
        dialect: As for `chat_streams`, which has an example too.

    The arguments of a call that are not whole yet are `{}`, and their JSON text so far is in
    `partial_arguments`, which the vendor's step does not have.
    """
    kinds = ["thought", "text", "cited", "illustrated", "search"]
    steps = _drawing.parts_of(kinds, text, ["call"], arguments, max_steps)
    return _streams(find_quirks(dialect, INTERACTIONS), steps)


class _Script(Script):
    """A script of events in one of the two spellings.

    Attributes:
        former: Whether the spelling is the former one.
    """

    type_field: ClassVar = "event_type"

    def __init__(self, draw: DrawFn, quirks: frozenset[str]) -> None:
        if "resumed" in quirks:  # without an event of the beginning, only the data shows the format
            quirks -= {"no types"}
        if "no indices" in quirks:
            quirks -= {"in turns", "step begins twice", "no step begins"}
        self.former = "contents" in quirks
        super().__init__(draw, "interactions", quirks)
        self._count = 0

    def send_piece(self, piece: Piece, *, end: bool = False) -> None:
        fields, additions, name = piece
        self._count += 1
        if self.former and self._count == 1:
            additions = [drop("steps"), put([], "outputs"), *additions]
        if "event ids" in self.quirks:
            fields = {**fields, "event_id": f"v1_{self._count}"}
        if "usage so far" in self.quirks:
            usage = {"total_input_tokens": 12, "total_thought_tokens": self._count}
            fields = {**fields, "metadata": {"total_usage": usage}}
            additions = [*put_all(usage, "usage"), *additions]
        self.send_typed(name, fields, additions, end=end)
        if self._count == 1 and "unknown events" in self.quirks:
            self.add_noise("x_unknown")

    def send_head(self, name: str, head: Json, additions: Additions, *, end: bool = False) -> None:
        piece = Piece({"interaction": head}, additions, f"interaction.{name}")
        self.send_piece(piece, end=end)


@st.composite
def _streams(draw: DrawFn, quirks: _drawing.Quirks, steps: _drawing.Parts) -> ModelStream:
    script = _Script(draw, draw(quirks))
    former = script.former
    drawn = [
        (part, content)
        for kind, content in draw(steps)
        for part in (("search", "results") if kind == "search" else (kind,))
    ]
    head: Json = {"id": "v1_i", "object": "interaction", "status": "in_progress", "model": "m"}
    if "resumed" not in script.quirks:
        script.send_head("start" if former else "created", head, put_all(head))
    cut = [_StepCutter(script, place, *step) for place, step in enumerate(drawn)]
    queues = [step.events for step in cut]
    for piece in _drawing.take_turns(draw, queues, in_turns="in turns" in script.quirks):
        script.send_piece(piece)
    called = any(kind == "call" for kind, _ in drawn)
    head["status"] = "requires_action" if called else draw(st.sampled_from(_STATUSES))
    additions = [*put_all(head), *put_all(_USAGE, "usage")]
    if "steps at the end" in script.quirks and cut:
        field = "outputs" if former else "steps"
        head[field] = [step.whole for step in cut]
        additions += [put(step.whole, field, place) for place, step in enumerate(cut)]
    ended = {**head, "usage": _USAGE}
    script.send_head("complete" if former else "completed", ended, additions, end=True)
    return script.end()


class _StepCutter:
    """Cuts a step into events.

    Attributes:
        events: The events.
        whole: The step.
    """

    def __init__(self, script: _Script, place: int, kind: str, content: Any) -> None:
        self.events: list[Piece] = []
        self.whole: Json = {}
        self._draw = script.draw
        self._quirks = script.quirks
        self._former = script.former
        self._index: Json = {} if "no indices" in script.quirks else {"index": place}
        self._at = ("outputs" if script.former else "steps", place)
        self._begun: Json | None = None  # the step, if its first delta begins it
        if kind == "thought":
            self._cut_thought(content)
        elif kind == "call":
            self._cut_call(f"c{place}", content)
        elif kind == "search":
            call = {"type": "google_search_call", "id": f"s{place}"}
            self._send_tool(call, {"arguments": {"queries": [content]}})
        elif kind == "results":
            # (Not the drawn text, which is in the call: no letter of it is twice in an answer.)
            found = {"type": "google_search_result", "call_id": f"s{place - 1}"}
            self._send_tool(found, {"result": [{"search_suggestions": "<p>"}], "is_error": False})
        else:
            self._cut_text(kind, content)
        if "no step ends" not in self._quirks:
            self._add("stop", {}, [])

    def _add(self, name: str, fields: Json, additions: Additions) -> None:
        kind = "content" if self._former else "step"
        self.events.append(Piece({**self._index, **fields}, additions, f"{kind}.{name}"))

    def _begin(self, step: Json, known: Json) -> None:
        """Add the start of a step; `known` is the step as a consumer has it then."""
        field = "content" if self._former else "step"
        for _ in range(1 + ("step begins twice" in self._quirks)):
            self._add("start", {field: step}, [put(known, *self._at)])

    def _begin_contents(self, step: Json, *, is_empty: bool = False) -> None:
        # (A step without a text needs its start: an empty piece begins no step.)
        if "no step begins" in self._quirks and not is_empty:
            self._begun = step
        else:
            self._begin(step, step)

    def _send(self, delta: Json, additions: Additions) -> None:
        begins = additions and self._begun is not None
        begun = [begin(self._begun, *self._at)] if begins else []
        self._add("delta", {"delta": delta}, [*begun, *additions])

    def _in_start(self, cuts: list[str]) -> list[str]:
        """Remove the texts that the start of a step has from the cuts, and return them."""
        has = "contents in the start" in self._quirks and "no step begins" not in self._quirks
        # (A next piece with the same first letter might repeat the start.)
        return [cuts.pop(0)] if has and "".join(cuts[1:])[:1] != cuts[0][:1] else []

    # Cutting contents.

    def _cut_thought(self, text: str) -> None:
        cuts = _drawing.cut_text(self._draw, text)
        self.whole = {"type": "thought", "summary": [_text(cut) for cut in cuts]}
        self.whole["signature"] = "c2ln"
        begun = self._in_start(cuts)
        summary = {"summary": [_text(cut) for cut in begun]} if begun else {}
        self._begin_contents({"type": "thought", **summary})
        for cut in cuts:
            delta = {"type": "thought_summary", "content": _text(cut)}
            self._send(delta, [extend([_text(cut)], *self._at, "summary")])
            self._send({"type": "thought_signature", "signature": ""}, [])
        signature = {"type": "thought_signature", "signature": "c2ln"}
        self._send(signature, [put("c2ln", *self._at, "signature")])

    def _cut_text(self, kind: str, text: str) -> None:
        cuts = _drawing.cut_text(self._draw, text)
        at = self._at if self._former else (*self._at, "content", 0)
        whole: Json = _text(text)
        begun = self._in_start(cuts)
        if self._former:
            self._begin_contents(_text("".join(begun)), is_empty=not text)
        else:
            content = {"content": [_text("".join(begun))]} if begun else {}
            self._begin_contents({"type": "model_output", **content}, is_empty=not text)
        opened = self._begun is None
        for cut in cuts:
            opened = opened or cut != ""
            piece = [begin(_text(""), *at), join(cut, *at, "text")] if opened else []
            self._send(_text(cut), piece)
        if kind == "cited":
            name = "text_annotation" if self._former else "text_annotation_delta"
            delta = {"type": name, "annotations": [_CITATION]}
            cited = [begin(_text(""), *at), extend([_CITATION], *at, "annotations")]
            self._send(delta, cited)
            whole["annotations"] = [_CITATION]
        contents = [whole]
        if kind == "illustrated" and not self._former:
            for place, content in enumerate([_IMAGE, _text("!")], 1):
                self._send(content, [put(content, *self._at, "content", place)])
                contents.append(content)
        self.whole = whole if self._former else {"type": "model_output", "content": contents}

    def _cut_call(self, id_: str, tree: Json) -> None:
        call: Json = {"type": "function_call", "id": id_, "name": "f", "arguments": {}}
        self.whole = {**call, "arguments": tree}
        if self._former:
            self._begin({"type": "function_call", "id": id_}, {**call, "name": ""})
            self._send(self.whole, [put(self.whole, *self._at)])
            return
        if "arguments in the start" in self._quirks:
            self._begin(self.whole, self.whole)
            return
        self._begin(call, call)
        names = ("arguments", "partial_arguments")
        for cut, additions in _drawing.cut_arguments(self._draw, tree, self._at, *names):
            self._send({"type": "arguments_delta", "arguments": cut}, additions)

    def _send_tool(self, step: Json, rest: Json) -> None:
        self.whole = {**step, **rest}
        self._begin({**step, "signature": ""}, step)
        self._send({"type": step["type"], **rest}, [put(self.whole, *self._at)])


def _text(text: str) -> Json:
    return {"type": "text", "text": text}
