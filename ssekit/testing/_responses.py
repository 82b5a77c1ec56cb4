# Streams of responses: `POST /v1/responses` of OpenAI, and of the hosts that offer it.

from __future__ import annotations

from collections import defaultdict
from itertools import count
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from ssekit.testing import _drawing
from ssekit.testing._answers import Additions, Json, Path, Piece, begin, extend, join, put, put_all
from ssekit.testing._models import ModelStream
from ssekit.testing._script import TYPED_QUIRKS, Dialect, Dialects, Script, find_quirks, keep_one

__all__ = ["RESPONSES", "response_streams"]

RESPONSES: Final = Dialects(
    hosts={
        "openai": frozenset(),
        "azure": frozenset({"unknown fields"}),
        "copilot": frozenset({"an id per event"}),
        "llama.cpp": frozenset({"no indices", "no sequence numbers"}),
        "ollama": frozenset({"one index"}),
        "open responses": frozenset({"reasoning events"}),
        "openrouter": frozenset({"comments", "marker", "unknown fields"}),
        "vllm": frozenset({"wholes one index further"}),
        "xai": frozenset({"whole items"}),
    },
    quirks=TYPED_QUIRKS
    | {
        "an id per event": "each event has another id of its item, and of the response",
        "no item ids": "no event has the id of its item",
        "no indices": "no event has the index of its item: only the id",
        "one index": "all items have one index, one after the other",
        "wholes one index further": "a whole text has the index after that of its pieces",
        "no sequence numbers": "events have no sequence number",
        "no deltas": "texts and arguments come only whole",
        "no item begins": "there is no event for the beginning of an item",
        "no part events": "there are no events for the beginning and the end of a part",
        "no output at the end": "the last event's response has no output",
        "resumed": "the stream continues another: there is no event for its beginning",
        "keepalive events": "events of the type `keepalive` come between the others",
        "other markers": "[DONE] comes after the end, in other words (mistral-vibe#770)",
        "deltas without a place": "events within an item have no index and no id (ccr-rust#25)",
        "indices by kind": "items of each kind are counted apart (open-responses-server#63)",
        "other ids within": "events within an item have another id of it (litellm#19125)",
        "content index of the item": "a part has the index of its item (vllm#45742)",
        "placeholder arguments": "a function call begins with {} as its arguments (LiteLLM)",
        "wholes again": "each whole text, part and item comes twice (LocalAI#9722)",
        "whole items": "an item begins whole, and has no other events (vercel/ai#11025)",
        "reasoning events": "reasoning comes in `response.reasoning.delta` (Open Responses)",
        "no calls at the end": "the last event's output lacks the calls (sub2api#6118)",
        "null usage": "the usage is null (relays)",
    },
)
# With each of these, only ids distinguish items. With all but the first, items take no turns.
_KNOWN_BY_IDS: Final = (
    *("no indices", "one index", "wholes one index further"),
    *("deltas without a place", "indices by kind"),
)
_WITHOUT_IDS: Final = frozenset({"an id per event", "no item ids", "no item begins"})
# Each of these needs events that have both the ids and the indices of their items.
_BY_BOTH: Final = (
    "other ids within", "no calls at the end", "placeholder arguments", "wholes again"
)  # fmt: skip
_INDICES: Final = ("content_index", "summary_index")


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
        text: Texts, refusals, reasoning and the input of custom tools, which are cut anywhere. By
            default any text.
        arguments: The arguments of function calls, whose JSON text is cut anywhere. By default any.
        max_items: How many output items there are at most: messages, reasoning (itself, or its
            summary), function calls, calls of custom tools. Their events may interleave.
        logprobs: Whether texts may have log probabilities.
        dialect: As for `chat_streams`, which has an example too.
    """
    kinds = ["message", "reasoning", "custom_tool_call"]
    items = _drawing.parts_of(kinds, text, ["function_call"], arguments, max_items)
    return _streams(find_quirks(dialect, RESPONSES), items, logprobs)


class _Script(Script):
    """A script of events that have sequence numbers.

    Attributes:
        numbering: The quirk with which only ids distinguish items, or None.
    """

    def __init__(self, draw: DrawFn, quirks: frozenset[str]) -> None:
        quirks = keep_one(quirks, _BY_BOTH, _WITHOUT_IDS.union(_KNOWN_BY_IDS))
        quirks = keep_one(quirks, _KNOWN_BY_IDS, _WITHOUT_IDS)
        self.numbering = next((quirk for quirk in _KNOWN_BY_IDS if quirk in quirks), None)
        super().__init__(draw, "responses", quirks)
        self._numbers = count()
        self._ids = count()
        self._of_kind: dict[str, count[int]] = defaultdict(count)
        if "unknown events" in quirks:
            self.add_noise("response.x_unknown")
        if "keepalive events" in quirks:
            self.add_noise("keepalive")

    def next_number(self, kind: str) -> int:
        """Count an item of a kind, and return how many of the kind came before."""
        return next(self._of_kind[kind])

    def id(self, id_: str) -> str:
        return f"{id_}_{next(self._ids)}" if "an id per event" in self.quirks else id_

    def send_piece(self, piece: Piece, *, end: bool = False) -> None:
        fields, additions, type_ = piece
        if "no sequence numbers" not in self.quirks:
            fields = {"sequence_number": next(self._numbers), **fields}
        self.send_typed(type_, fields, additions, end=end)


@st.composite
def _streams(
    draw: DrawFn, quirks: _drawing.Quirks, items: _drawing.Parts, logprobs: bool
) -> ModelStream:
    script = _Script(draw, draw(quirks))
    head = {"object": "response", "created_at": 1, "model": "m", "status": "in_progress"}
    if "resumed" not in script.quirks:
        for type_ in ("response.created", "response.in_progress"):
            _send_response(script, type_, head, {}, [])
    cut = [_ItemCutter(script, place, logprobs, *item) for place, item in enumerate(draw(items))]
    queues = [item.events for item in cut]
    in_turns = script.numbering in (None, "no indices")
    for piece in _drawing.take_turns(draw, queues, in_turns=in_turns):
        script.send_piece(piece)
    _send_end(script, head, [item.item() for item in cut])
    return script.end()


def _send_response(
    script: _Script, type_: str, head: Json, more: Json, additions: Additions
) -> None:
    head = {"id": script.id("resp"), **head}
    nothing: Json = {"error": None, "incomplete_details": None, "usage": None, "output": []}
    piece = Piece({"response": nothing | head | more}, [*put_all(head), *additions], type_)
    script.send_piece(piece, end=head["status"] != "in_progress")


def _send_end(script: _Script, head: Json, output: list[Json]) -> None:
    reason = script.draw(st.sampled_from([None, "max_output_tokens", "content_filter"]))
    status = "completed" if reason is None else "incomplete"
    more: Json = {}
    if "null usage" not in script.quirks:
        more["usage"] = {"input_tokens": 12, "output_tokens": 34, "total_tokens": 46}
    if reason is not None:
        more["incomplete_details"] = {"reason": reason}
    additions = put_all(more)
    if "no output at the end" not in script.quirks:
        without_calls = "no calls at the end" in script.quirks
        left = {
            place: item
            for place, item in enumerate(output)
            if not (without_calls and "call_id" in item)
        }
        more["output"] = [*left.values()]
        additions += [put(item, "output", place) for place, item in left.items()]
    _send_response(script, f"response.{status}", {**head, "status": status}, more, additions)


class _ItemCutter:
    """Cuts an output item into events.

    Attributes:
        events: The events.
    """

    def __init__(
        self, script: _Script, place: int, logprobs: bool, kind: str, content: Any
    ) -> None:
        self.events: list[Piece] = []
        self._number = script.next_number(kind)
        self._script = script
        self._draw = script.draw
        self._quirks = script.quirks
        self._at = ("output", place)
        self._place = place
        self._kind = kind
        self._fields: Json = {}
        if kind == "message":
            self._fields = {"role": "assistant", "content": []}
            self._begin()
            self._cut_message(content, logprobs and self._draw(st.booleans()))
        elif kind == "reasoning":
            self._fields = {"summary": []}
            self._begin()
            self._cut_reasoning(content)
        else:
            is_function = kind == "function_call"
            field = "arguments" if is_function else "input"
            has_placeholder = is_function and "placeholder arguments" in self._quirks
            begun = "{}" if has_placeholder else ""
            self._fields = {"call_id": f"call_{place}", "name": "f", field: begun}
            self._begin()
            text = content
            if is_function:
                text = _drawing.encode_arguments(self._draw, content, empty=not has_placeholder)
            name = f"{kind}_{field}"
            self._cut_text(name, {}, field, text, self._at)
            self._fields[field] = text
        if "whole items" in self._quirks:
            self.events.clear()
            self._begin()
        whole = self.item()
        self._add("output_item.done", {"item": whole}, [put(whole, *self._at)])

    def item(self, status: str = "completed") -> Json:
        """Return the item so far, as an event of it would have it."""
        item: Json = {"type": self._kind, "status": status, **self._fields}
        if "no item ids" not in self._quirks:
            item["id"] = self._script.id(f"item_{self._place}")
        return item

    # Adding events.

    def _begin(self) -> None:
        if "no item begins" not in self._quirks:
            begun = self.item("in_progress")
            self._add("output_item.added", {"item": begun}, [put(begun, *self._at)])

    def _add(self, name: str, fields: Json, additions: Additions) -> None:
        if not self.events and "" in fields.values():
            return  # an empty piece begins no item
        numbering = self._script.numbering
        if numbering == "no indices":
            fields = {key: value for key, value in fields.items() if key not in _INDICES}
        elif numbering == "one index":
            fields = {"output_index": 0, **fields}
        elif numbering == "indices by kind":
            fields = {"output_index": self._number, **fields}
        elif numbering != "deltas without a place" or name.startswith("output_item."):
            further = numbering == "wholes one index further" and name.endswith(".done")
            fields = {"output_index": self._place + further, **fields}
        self.events.append(Piece(fields, additions, f"response.{name}"))
        if "wholes again" in self._quirks and name.endswith(".done"):
            self.events.append(Piece(fields, [], f"response.{name}"))

    def _add_within(self, name: str, fields: Json, additions: Additions) -> None:
        """Add an event within the item: it has the item's id."""
        id_ = f"item_{self._place}" + "_within" * ("other ids within" in self._quirks)
        if not {"no item ids", "deltas without a place"} & self._quirks:
            fields = {"item_id": self._script.id(id_), **fields}
        if "no item begins" in self._quirks:
            additions = [begin(self._item_from(fields), *self._at), *additions]
        self._add(name, fields, additions)

    def _item_from(self, fields: Json) -> Json:
        """Return the item as a consumer knows it from the fields of its first event alone."""
        item = {"type": self._kind, **self._fields}
        item |= {name: "" for name in ("call_id", "name") if name in item}
        if "item_id" in fields:
            item["id"] = fields["item_id"]
        return item

    def _add_part(self, name: str, index: Json, part: Json, at: Path) -> None:
        if "no part events" not in self._quirks:
            self._add_within(name, {**index, "part": part}, [put(part, *at)])

    # Cutting contents.

    def _part_index(self) -> int:
        return self._place if "content index of the item" in self._quirks else 0

    def _cut_message(self, text: str, logprobs: bool) -> None:
        is_refusal = self._draw(st.booleans())
        field, name = ("refusal", "refusal") if is_refusal else ("text", "output_text")
        part: Json = {"type": name, field: ""}
        if not is_refusal:
            part["annotations"] = []
        index, at = {"content_index": self._part_index()}, (*self._at, "content", 0)
        tokens = [{"token": "t", "logprob": -0.5, "top_logprobs": []}]
        has_logprobs = logprobs and not is_refusal and "no deltas" not in self._quirks
        self._add_part("content_part.added", index, part, at)
        # A text of the vendor always has a list of log probabilities.
        listed = None if is_refusal else tokens if has_logprobs else []
        cuts = self._cut_text(name, index, field, text, at, part=part, logprobs=listed)
        whole = {**part, field: text}
        if has_logprobs:
            whole["logprobs"] = tokens * cuts
        if not is_refusal and self._draw(st.booleans()):
            annotation = {"type": "file_path", "file_id": "file", "index": 0}
            self._add_within(
                "output_text.annotation.added",
                {**index, "annotation_index": 0, "annotation": annotation},
                [begin(part, *at), put(annotation, *at, "annotations", 0)],
            )
            whole["annotations"] = [annotation]
        self._add_part("content_part.done", index, whole, at)
        self._fields["content"] = [whole]

    def _cut_reasoning(self, text: str) -> None:
        is_summary = self._draw(st.booleans())
        field, kind = ("summary", "summary_text") if is_summary else ("content", "reasoning_text")
        parts = "reasoning_summary_part" if is_summary else "content_part"
        events = "reasoning" if "reasoning events" in self._quirks else "reasoning_text"
        name = "reasoning_summary_text" if is_summary else events
        index = {"summary_index": 0} if is_summary else {"content_index": self._part_index()}
        at = (*self._at, field, 0)
        part, whole = {"type": kind, "text": ""}, {"type": kind, "text": text}
        self._add_part(f"{parts}.added", index, part, at)
        self._cut_text(name, index, "text", text, at, part=part)
        self._add_part(f"{parts}.done", index, whole, at)
        self._fields[field] = [whole]

    def _cut_text(
        self,
        name: str,
        index: Json,
        field: str,
        text: str,
        at: Path,
        *,
        part: Json | None = None,
        logprobs: list[Json] | None = None,
    ) -> int:
        """Add a text in pieces, and then whole; return how many pieces there are."""
        # Without an event for its beginning, a part begins with the first piece that is not empty.
        begun = [] if part is None else [begin(part, *at)]
        cuts = [] if "no deltas" in self._quirks else _drawing.cut_text(self._draw, text)
        has_placeholder = field == "arguments" and "placeholder arguments" in self._quirks
        for cut in cuts:
            opens = part is None or bool(cut or logprobs)
            additions = [*begun, join(cut, *at, field)] if opens else []
            if has_placeholder and cut:
                additions.insert(0, put("", *at, field))
                has_placeholder = False
            fields = {**index, "delta": cut}
            if logprobs is not None:
                fields["logprobs"] = logprobs
            if logprobs:
                additions.append(extend(logprobs, *at, "logprobs"))
            self._add_within(f"{name}.delta", fields, additions)
        fields = {**index, field: text}
        if logprobs is not None:
            fields["logprobs"] = logprobs * len(cuts)
        opens = part is None or bool(text or (logprobs and cuts))
        additions = [*begun, put(text, *at, field)] if opens else []
        self._add_within(f"{name}.done", fields, additions)
        return len(cuts)
