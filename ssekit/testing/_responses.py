# Streams of responses: `POST /v1/responses` of OpenAI, and of the hosts that speak it.

from __future__ import annotations

from itertools import chain, count
from typing import Any, Final, NamedTuple

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from ssekit.testing import _models
from ssekit.testing._models import (
    WIRE_QUIRKS,
    Dialect,
    Hosts,
    ModelStream,
    Said,
    Script,
    cut_text,
    encode_arguments,
    find_quirks,
    take_turns,
)

__all__ = ["RESPONSE_HOSTS", "RESPONSE_QUIRKS", "response_streams"]

Json = dict[str, Any]

RESPONSE_QUIRKS: Final[dict[str, str]] = WIRE_QUIRKS | {
    "no event lines": "only the data say of which type an event is",
    "no types": "only the event line says of which type an event is",
    "an id per event": "each event says another id of its item, and of the response",
    "no item ids": "no event says the id of its item",
    "no indices": "no event says where its item stands: its id tells",
    "one index": "all items stand at one index, one after the other",
    "wholes one index further": "what is whole stands at the index after that of its pieces",
    "no sequence numbers": "events are not counted",
    "no deltas": "texts and arguments come whole alone",
    "no item begins": "items do not say that they begin",
    "no part events": "parts do not say that they begin and end",
    "no output at the end": "the last event's response has no output",
    "resumed": "the stream goes on from another: it does not say that the response begins",
    "unknown events": "there are events of a type that no documentation names",
    "keepalive events": "events of the type `keepalive` come between the others",
    "marker": "[DONE] comes after the end",
}
RESPONSE_HOSTS: Final[Hosts] = {
    "openai": frozenset(),
    "azure": frozenset({"unknown fields"}),
    "copilot": frozenset({"an id per event"}),
    "llama.cpp": frozenset({"no indices", "no sequence numbers"}),
    "ollama": frozenset({"one index"}),
    "openrouter": frozenset({"comments", "marker", "unknown fields"}),
    "vllm": frozenset({"wholes one index further"}),
}
# With these, ids alone tell items apart; and with all but the first, items take no turns.
_TOLD_BY_IDS: Final = ("no indices", "one index", "wholes one index further")
_INDICES: Final = ("content_index", "summary_index")
_UNTOLD: Final = frozenset({"an id per event", "no item ids", "no item begins"})


def response_streams(
    *,
    text: SearchStrategy[str] | None = None,
    arguments: SearchStrategy[dict[str, Any]] | None = None,
    max_items: int = 2,
    logprobs: bool = True,
    dialect: Dialect = (),
) -> SearchStrategy[ModelStream]:
    """Return a strategy of streams of responses, each with the response it must give.

    Args:
        text: Of texts, refusals, reasoning and the input of custom tools, which are cut anywhere.
            By default any.
        arguments: Of the arguments of function calls, whose JSON text is cut anywhere. By default
            any.
        max_items: How many output items there are at most: messages, reasoning (itself, or its
            summary), function calls, calls of custom tools. Their events may interleave.
        logprobs: Texts may have log probabilities.
        dialect: A host, quirks, or "any": see `ssekit.testing.dialects`.

    Raises:
        InvalidArgument: There is no such dialect.

    >>> from hypothesis import given
    >>> from ssekit import responses
    >>> @given(response_streams(dialect="copilot"))
    ... def test_the_response_is_whole(stream):
    ...     response = responses.collect([stream.data])
    ...     assert len(response.output) == len(stream.expected["output"])
    >>> test_the_response_is_whole()
    """
    texts = _models.texts if text is None else text
    kinds = st.sampled_from(["message", "reasoning", "custom_tool_call"])
    calls = st.tuples(
        st.just("function_call"), _models.json_objects if arguments is None else arguments
    )
    items = st.lists(st.tuples(kinds, texts) | calls, max_size=max_items)
    quirks = find_quirks(dialect, RESPONSE_QUIRKS, RESPONSE_HOSTS)
    return _streams(quirks, items, logprobs)


class _Event(NamedTuple):
    """An event of an item, as it is sent when its turn comes."""

    type: str
    fields: Json
    said: tuple[Said, ...] = ()


class _Script(Script):
    """A script of events that are counted, and say their type in their line and in their data."""

    def __init__(self, draw: DrawFn, quirks: frozenset[str]) -> None:
        self.numbering = next((quirk for quirk in _TOLD_BY_IDS if quirk in quirks), None)
        if self.numbering is not None:
            quirks -= _UNTOLD
        super().__init__(draw, "responses", quirks)
        self._numbers = count()
        self._ids = count()
        for quirk, type_ in (
            ("unknown events", "response.x_unknown"),
            ("keepalive events", "keepalive"),
        ):
            if quirk in quirks:
                self.noises.append(self.block({"type": type_}, type_))

    def id(self, id_: str) -> str:
        return f"{id_}_{next(self._ids)}" if "an id per event" in self.quirks else id_

    def send(self, type: str, fields: Json, *said: Said, ends: bool = False) -> None:
        quirks = self.quirks
        body = {"type": type, "sequence_number": next(self._numbers), **fields}
        if "no sequence numbers" in quirks:
            del body["sequence_number"]
        if "no types" in quirks:
            del body["type"]
        # Where the data have no type, the line must.
        has_line = "no event lines" not in quirks or "no types" in quirks
        self.say(body, *said, type=type if has_line else "", ends="event" if ends else None)


@st.composite
def _streams(
    draw: DrawFn,
    quirks: SearchStrategy[frozenset[str]],
    items: SearchStrategy[list[tuple[str, Any]]],
    logprobs: bool,
) -> ModelStream:
    script = _Script(draw, draw(quirks))
    head = {"object": "response", "created_at": 1, "model": "m", "status": "in_progress"}
    if "resumed" not in script.quirks:
        for type_ in ("response.created", "response.in_progress"):
            _send_response(script, type_, head)
    made = [_Item(script, place, logprobs, *item) for place, item in enumerate(draw(items))]
    queues = [item.events for item in made]
    in_turns = script.numbering in (None, "no indices")
    for event in take_turns(draw, queues) if in_turns else chain.from_iterable(queues):
        script.send(event.type, event.fields, *event.said)
    _send_end(script, head, [item.whole() for item in made])
    return script.stream()


def _send_response(script: _Script, type_: str, head: Json, *said: Said, **more: Any) -> None:
    stated = {"id": script.id("resp"), **head}
    nothing: Json = {"error": None, "incomplete_details": None, "usage": None, "output": []}
    head_said = [Said((name,), value) for name, value in stated.items()]
    fields = {"response": {**nothing, **stated, **more}}
    ends = stated["status"] != "in_progress"
    script.send(type_, fields, *head_said, *said, ends=ends)


def _send_end(script: _Script, head: Json, output: list[Json]) -> None:
    reason = script.draw(st.sampled_from([None, "max_output_tokens", "content_filter"]))
    status = "completed" if reason is None else "incomplete"
    more: Json = {"usage": {"input_tokens": 12, "output_tokens": 34, "total_tokens": 46}}
    if reason is not None:
        more["incomplete_details"] = {"reason": reason}
    said = [Said((name,), value) for name, value in more.items()]
    if "no output at the end" not in script.quirks:
        more["output"] = output
        said += [Said(("output", place), item) for place, item in enumerate(output)]
    _send_response(script, f"response.{status}", {**head, "status": status}, *said, **more)
    if "marker" in script.quirks:
        script.mark_end()


class _Item:
    """An output item, and the events that say it."""

    def __init__(
        self, script: _Script, place: int, logprobs: bool, kind: str, content: Any
    ) -> None:
        self.events: list[_Event] = []
        self._script = script
        self._draw = script.draw
        self._place = place
        self._kind = kind
        self._fields: Json = {}
        if kind == "message":
            self._fields = {"role": "assistant", "content": []}
            self._begin()
            self._say_message(content, logprobs and self._draw(st.booleans()))
        elif kind == "reasoning":
            self._fields = {"summary": []}
            self._begin()
            self._say_reasoning(content)
        else:
            is_function = kind == "function_call"
            field = "arguments" if is_function else "input"
            self._fields = {"call_id": f"call_{place}", "name": "f", field: ""}
            self._begin()
            text = encode_arguments(self._draw, content) if is_function else content
            self._say_call(field, text)
        whole = self.whole()
        self._add("output_item.done", {"item": whole}, Said(("output", place), whole))

    def whole(self, status: str = "completed") -> Json:
        """Return the item, as an event states it."""
        stated: Json = {"type": self._kind, "status": status, **self._fields}
        if "no item ids" not in self._script.quirks:
            stated["id"] = self._script.id(f"item_{self._place}")
        return stated

    def _begin(self) -> None:
        if "no item begins" in self._script.quirks:
            return
        begun = self.whole("in_progress")
        self._add("output_item.added", {"item": begun}, Said(("output", self._place), begun))

    def _add(self, name: str, fields: Json, *said: Said) -> None:
        numbering = self._script.numbering
        if numbering == "no indices":
            fields = {key: value for key, value in fields.items() if key not in _INDICES}
        elif numbering == "one index":
            fields = {"output_index": 0, **fields}
        else:
            further = numbering is not None and name.endswith(".done")
            fields = {"output_index": self._place + further, **fields}
        self.events.append(_Event(f"response.{name}", fields, said))

    def _add_within(self, name: str, fields: Json, *said: Said) -> None:
        """Add an event that names its item."""
        if "no item ids" not in self._script.quirks:
            fields = {"item_id": self._script.id(f"item_{self._place}"), **fields}
        if "no item begins" in self._script.quirks:
            said = (self._told_by(fields), *said)
        self._add(name, fields, *said)

    def _told_by(self, fields: Json) -> Said:
        """Return what an event tells of its item, if it is the first of it."""
        item = {"type": self._kind, **self._fields}
        item |= {name: "" for name in ("call_id", "name") if name in item}
        if "item_id" in fields:
            item["id"] = fields["item_id"]
        return Said(("output", self._place), item, "first")

    def _say_call(self, field: str, text: str) -> None:
        name = f"{self._kind}_{field}" if field == "arguments" else f"{self._kind}_input"
        at = ("output", self._place, field)
        self._say_text(name, {}, field, text, at)
        self._fields[field] = text

    def _say_message(self, text: str, logprobs: bool) -> None:
        is_refusal = self._draw(st.booleans())
        field, kind = ("refusal", "refusal") if is_refusal else ("text", "output_text")
        part: Json = {"type": kind, field: ""}
        if not is_refusal:
            part["annotations"] = []
        index = {"content_index": 0}
        at = ("output", self._place, "content", 0)
        tokens = [{"token": "t", "logprob": -0.5, "top_logprobs": []}]
        has_logprobs = logprobs and not is_refusal and "no deltas" not in self._script.quirks
        self._say_part("content_part.added", index, part, at)
        whole = dict(part)
        name = "refusal" if is_refusal else "output_text"
        # Of a text, the vendor always lists them.
        listed = None if is_refusal else tokens if has_logprobs else []
        place = (*at, field)
        cuts = self._say_text(name, index, field, text, place, part=part, logprobs=listed)
        whole[field] = text
        if has_logprobs:
            whole["logprobs"] = tokens * cuts
        if not is_refusal and self._draw(st.booleans()):
            annotation = {"type": "file_path", "file_id": "file", "index": 0}
            self._add_within(
                "output_text.annotation.added",
                {**index, "annotation_index": 0, "annotation": annotation},
                Said((*at, "annotations", 0), annotation),
            )
            whole["annotations"] = [annotation]
        self._say_part("content_part.done", index, whole, at)
        self._fields["content"] = [whole]

    def _say_reasoning(self, text: str) -> None:
        is_summary = self._draw(st.booleans())
        field, kind = ("summary", "summary_text") if is_summary else ("content", "reasoning_text")
        place = "summary_index" if is_summary else "content_index"
        parts = "reasoning_summary_part" if is_summary else "content_part"
        name = "reasoning_summary_text" if is_summary else "reasoning_text"
        at = ("output", self._place, field, 0)
        part, index = {"type": kind, "text": ""}, {place: 0}
        self._say_part(f"{parts}.added", index, part, at)
        self._say_text(name, index, "text", text, (*at, "text"), part=part)
        self._say_part(f"{parts}.done", index, {**part, "text": text}, at)
        self._fields[field] = [{**part, "text": text}]

    def _say_part(self, name: str, index: Json, part: Json, at: tuple[str | int, ...]) -> None:
        if "no part events" not in self._script.quirks:
            self._add_within(name, {**index, "part": part}, Said(at, part))

    def _say_text(
        self,
        name: str,
        index: Json,
        field: str,
        text: str,
        at: tuple[str | int, ...],
        *,
        part: Json | None = None,
        logprobs: list[Json] | None = None,
    ) -> int:
        """Say a text in pieces, and then whole; return how many pieces there are."""
        # A part that did not say that it begins is there with what is first said of it.
        begun = [] if part is None else [Said(at[:-1], part, "first")]
        cuts = [] if "no deltas" in self._script.quirks else cut_text(self._draw, text)
        for cut in cuts:
            said = [*begun, Said(at, cut, "join")]
            fields = {**index, "delta": cut}
            if logprobs is not None:
                fields["logprobs"] = logprobs
            if logprobs:
                said.append(Said((*at[:-1], "logprobs"), logprobs, "extend"))
            self._add_within(f"{name}.delta", fields, *said)
        fields = {**index, field: text}
        if logprobs is not None:
            fields["logprobs"] = logprobs * len(cuts)
        self._add_within(f"{name}.done", fields, *begun, Said(at, text))
        return len(cuts)
