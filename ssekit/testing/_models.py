# What the strategies of all formats share: streams, and how events, texts and turns are drawn.
#
# What always holds here:
# - A stream is drawn as what it says, piece by piece. From each piece come its event, in the words
#   of a format and a dialect, and what it adds to the answer: the answer is never read off the
#   bytes, and no accumulator has a part in it.
# - The plain comes first in each choice, so that examples shrink to what a reader would write.

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import accumulate, pairwise
from typing import Any, Final, Literal, NamedTuple, TypeAlias, TypeVar

import msgspec
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument
from hypothesis.strategies import DrawFn, SearchStrategy

__all__ = [
    "ANY",
    "MARKER",
    "WIRE_QUIRKS",
    "Dialect",
    "Hosts",
    "ModelEvent",
    "ModelStream",
    "Said",
    "Script",
    "cut_text",
    "encode_arguments",
    "find_quirks",
    "json_objects",
    "take_turns",
    "texts",
]

T = TypeVar("T")

FormatName: TypeAlias = Literal["chat", "completions", "responses", "messages", "gemini"]
# A host, some quirks, or "any": in each stream other quirks.
Dialect: TypeAlias = str | Collection[str]
Hosts: TypeAlias = Mapping[str, frozenset[str]]

ANY: Final = "any"
MARKER: Final = "[DONE]"


# What is said.


class Said(NamedTuple):
    """What an event adds to the answer: a value, in a place of its JSON.

    Attributes:
        path: The place: names of fields, and numbers for what stands in a list.
        value: The value.
        how: "set" puts it there; "first" does so if what is there says nothing; "join" adds a text
            to a text, "extend" items to a list; "drop" takes away what is there.
    """

    path: tuple[str | int, ...]
    value: Any = None
    how: Literal["set", "first", "join", "extend", "drop"] = "set"


class _Places(dict[Any, Any]):
    """A list by the places of its items, which may come in any order."""


# What an answer is of which nothing has been said.
_BLANKS: Final[dict[str, dict[str, Any]]] = {
    "chat": {"id": "", "object": "chat.completion", "created": 0, "model": "", "choices": []},
    "completions": {
        "id": "",
        "object": "text_completion",
        "created": 0,
        "model": "",
        "choices": [],
    },
    "responses": {"id": "", "object": "response", "model": "", "output": []},
    "messages": {
        "id": "",
        "type": "message",
        "role": "assistant",
        "model": "",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {},
    },
    "gemini": {"candidates": []},
}

# Where an answer says that it is finished. Of a response, only its terminal event does.
_FINISHES: Final[dict[str, Callable[[Any], list[Any]]]] = {
    "chat": lambda answer: [choice["finish_reason"] for choice in answer["choices"]],
    "completions": lambda answer: [choice["finish_reason"] for choice in answer["choices"]],
    "responses": lambda _answer: [],
    "messages": lambda answer: [answer["stop_reason"]],
    "gemini": lambda answer: (
        [candidate.get("finishReason") for candidate in answer["candidates"]]
        or [answer.get("promptFeedback")]
    ),
}


def _answer(format: str, said: Iterable[Said]) -> Any:
    tree = _placed(_BLANKS[format])
    for path, value, how in said:
        at = tree
        for key, inner in pairwise(path):
            at = at.setdefault(key, _Places() if isinstance(inner, int) else {})
        last = path[-1]
        known = at.get(last)
        if how == "extend":
            at[last] = _Places(enumerate([*(known or {}).values(), *value]))
        elif how == "join":
            at[last] = (known or "") + value
        elif how == "drop":
            del at[last]
        elif how == "set" or not known:
            at[last] = _placed(value)
    return _settled(tree)


def _placed(tree: Any) -> Any:
    """Return a copy of JSON that can be said more of."""
    if isinstance(tree, list):
        return _Places(enumerate(map(_placed, tree)))
    if isinstance(tree, dict):
        return {name: _placed(value) for name, value in tree.items()}
    return tree


def _settled(tree: Any) -> Any:
    """Return a copy as JSON has it: lists in the order of their places, texts well-formed."""
    if isinstance(tree, _Places):
        return [_settled(tree[place]) for place in sorted(tree)]
    if isinstance(tree, dict):
        return {_settled(name): _settled(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_settled(item) for item in tree]
    if isinstance(tree, str):
        # Halves of a pair join where both have come; a half alone cannot be encoded.
        return tree.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return tree


class ModelEvent(msgspec.Struct, frozen=True):
    """One block of a stream, with the blank line that ends it.

    Attributes:
        data: The bytes. (A comment, or a block without data, is a block of its own.)
        said: What it adds to the answer.
        ends: Whether it ends the stream: as the format's terminal "event", or as the "marker".
    """

    data: bytes
    said: tuple[Said, ...] = ()
    ends: Literal["event", "marker"] | None = None

    @property
    def complete_at(self) -> int:
        """How many of its bytes make it complete: of a CR LF at its end, the CR is enough."""
        return len(self.data) - self.data.endswith(b"\r\n")

    def unfinished(self, size: int) -> Literal["nothing", "part", "whole"]:
        """How much of its data a decoder has that got `size` bytes of it and no blank line."""
        start = self.data.find(b"data:")
        if start < 0 or size < start + len(b"data"):
            return "nothing"
        return "part" if size < len(self.data.rstrip(b"\r\n")) else "whole"


class ModelStream(msgspec.Struct, frozen=True):
    """A stream of a model's answer, and what a correct consumer must make of it.

    Attributes:
        format: Which of the five formats it is of.
        events: What was sent, in order.
    """

    format: FormatName
    events: tuple[ModelEvent, ...]

    @property
    def data(self) -> bytes:
        """The bytes of the stream."""
        return b"".join(event.data for event in self.events)

    @property
    def expected(self) -> Any:
        """The finished answer: JSON as the vendor's endpoint answers it without streaming.

        What hosts add to the vendor's format is in it only where it is part of the answer, such as
        `reasoning_content`: a consumer's result may hold more.
        """
        return self.expected_after(len(self.events))

    @property
    def state(self) -> Literal["done", "truncated"]:
        """What becomes of the stream if the bytes end after it: "done"."""
        return self.end_after(len(self.events))[0]

    @property
    def ended_by(self) -> Literal["event", "marker", "finish"] | None:
        """What ended it: the terminal event, the end marker, or that every choice was finished."""
        return self.end_after(len(self.events))[1]

    def expected_after(self, count: int, *more: Said) -> Any:
        """The answer after some of the events, and after what is said beside them."""
        read = self.events[: min(count, self._end)]
        return _answer(self.format, [*(said for event in read for said in event.said), *more])

    def end_after(
        self, count: int
    ) -> tuple[Literal["done", "truncated"], Literal["event", "marker", "finish"] | None]:
        """The state and what ended the stream, if the bytes end after some of the events."""
        if self.ended_in(count):
            return "done", self.events[self._end - 1].ends
        finishes = _FINISHES[self.format](self.expected_after(count))
        return ("done", "finish") if finishes and all(finishes) else ("truncated", None)

    def ended_in(self, count: int) -> bool:
        """Whether one of the first events ends the stream: nothing is read after it."""
        return count >= self._end

    @property
    def _end(self) -> int:
        """How many events are read: nothing is, after one that ends the stream."""
        ends = (place for place, event in enumerate(self.events, 1) if event.ends)
        return next(ends, len(self.events) + 1)

    @property
    def starts(self) -> list[int]:
        """Where in the bytes each event begins, and where the last one ends."""
        return list(accumulate((len(event.data) for event in self.events), initial=0))

    @property
    def seams(self) -> list[int]:
        """Where in the bytes an event begins, or lacks no more than its blank line."""
        wholes = [
            start + len(event.data.rstrip(b"\r\n"))
            for start, event in zip(self.starts, self.events, strict=False)
        ]
        return sorted([*self.starts, *wholes])

    def complete_in(self, size: int) -> int:
        """How many events are complete in the first `size` bytes."""
        placed = zip(self.starts, self.events, strict=False)
        return sum(start + event.complete_at <= size for start, event in placed)

    def unfinished_in(self, size: int) -> Literal["nothing", "part", "whole"]:
        """How much there is of the data of an event of which the first bytes have no blank line."""
        place = self.complete_in(size)
        if place == len(self.events):
            return "nothing"
        return self.events[place].unfinished(size - self.starts[place])

    def __repr__(self) -> str:
        blocks = "".join(f"\n  {event.data!r}" for event in self.events)
        return f"<{self.format} stream, {self.state} by {self.ended_by}:{blocks}\n>"


# Dialects.

# The quirks that every format knows; the modules of the formats have their own.
WIRE_QUIRKS: Final[dict[str, str]] = {
    "comments": "comments keep the connection alive, between any two events",
    "bare ids": "there are blocks of an id and a retry alone, which dispatch nothing",
    "unknown fields": "objects have fields that no documentation names",
}


def find_quirks(
    dialect: Dialect, quirks: Mapping[str, str], hosts: Hosts
) -> SearchStrategy[frozenset[str]]:
    """Return a strategy of the quirks that a dialect turns on.

    Raises:
        InvalidArgument: It is none of the hosts, or names something that is no quirk.
    """
    if dialect == ANY:
        return st.frozensets(st.sampled_from(sorted(quirks)), max_size=4)
    if isinstance(dialect, str):
        if dialect not in hosts:
            raise InvalidArgument(f"dialect={dialect!r} is none of {sorted([*hosts, ANY])}")
        return st.just(hosts[dialect])
    if not set(dialect) <= set(quirks):
        unknown = sorted(set(dialect) - set(quirks))
        raise InvalidArgument(f"dialect has {unknown}, which are none of {sorted(quirks)}")
    return st.just(frozenset(dialect))


# Drawing.

# Where readers stumble: quotes and escapes, what must be escaped in JSON, what other parsers take
# for line ends, characters of two and three bytes, and one that is a surrogate pair. (As texts of
# their own: in one alphabet with all characters, Hypothesis would hardly ever draw them.)
_STUMBLING: Final = 'a"\\\n\0é\u2028😀'

texts: SearchStrategy[str] = st.text(_STUMBLING, max_size=6) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=4
)
_names = st.text("ab_😀", min_size=1, max_size=2)
_scalars = texts | st.integers(-9, 9) | st.booleans() | st.none() | st.just(0.5)
json_objects: SearchStrategy[dict[str, Any]] = st.dictionaries(
    _names,
    _scalars | st.lists(_scalars, max_size=2) | st.dictionaries(_names, _scalars, max_size=2),
    max_size=2,
)


def encode_arguments(draw: DrawFn, tree: dict[str, Any], *, empty: bool = True) -> str:
    """Return the JSON text of a call's arguments; of none, perhaps nothing at all."""
    if not tree and empty and draw(st.booleans()):
        return ""
    return json.dumps(tree, ensure_ascii=draw(st.booleans()))


def cut_text(draw: DrawFn, text: str) -> list[str]:
    """Cut a text anywhere, in UTF-16 as JavaScript servers do: also within surrogate pairs."""
    units = text.encode("utf-16-le")
    cuts = sorted(draw(st.lists(st.integers(0, len(units) // 2), max_size=2))) if units else []
    edges = [0, *(2 * cut for cut in cuts), len(units)]
    return [units[start:end].decode("utf-16-le", "surrogatepass") for start, end in pairwise(edges)]


def take_turns(draw: DrawFn, queues: list[list[T]], *, in_order: bool = True) -> Iterator[T]:
    """Merge what several speak of, each in its own order; they begin in order, if they must."""
    waiting = [list(queue) for queue in queues if queue]
    begun: list[list[T]] = [] if in_order else waiting
    waiting = waiting if in_order else []
    while waiting or begun:
        count = len(begun) + bool(waiting)
        turn = draw(st.integers(0, count - 1)) if count > 1 else 0
        if turn == len(begun):
            begun.append(waiting.pop(0))
        yield begun[turn].pop(0)
        if not begun[turn]:
            del begun[turn]


class _Framing(NamedTuple):
    """How the events of one stream are written."""

    newline: str
    space: str
    escaped: bool

    def block(self, *lines: tuple[str, str]) -> bytes:
        written = [f"{name}:{self.space}{value}{self.newline}" for name, value in lines]
        return "".join([*written, self.newline]).encode()

    def json(self, body: Any) -> str:
        text = json.dumps(body, ensure_ascii=self.escaped)
        # Half a surrogate pair has no UTF-8: it can be written as an escape alone.
        return text if _is_well_formed(text) else json.dumps(body)


def _is_well_formed(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_FRAMINGS = [
    _Framing(newline, space, escaped)
    for newline in ("\n", "\r\n", "\r")
    for space in (" ", "")
    for escaped in (True, False)
]


class Script:
    """The events of one stream, while it is drawn."""

    def __init__(self, draw: DrawFn, format: FormatName, quirks: frozenset[str]) -> None:
        self.draw = draw
        self.quirks = quirks
        self._format: FormatName = format
        self._events: list[ModelEvent] = []
        self._framing = draw(st.sampled_from(_FRAMINGS))
        # What may come between any two events, and says nothing.
        self.noises: list[bytes] = []
        if "comments" in quirks:
            self.noises.append(self._framing.block(("", "keep-alive")))
        if "bare ids" in quirks:
            self.noises.append(self._framing.block(("id", "7"), ("retry", "1000")))

    def block(self, body: Any, type: str = "") -> bytes:
        """Return the bytes of an event: of JSON, or of a text."""
        data = body if isinstance(body, str) else self._framing.json(body)
        return self._framing.block(*([("event", type)] if type else []), ("data", data))

    def say(
        self,
        body: Any,
        *said: Said,
        type: str = "",
        ends: Literal["event", "marker"] | None = None,
    ) -> None:
        """Send an event."""
        if self.noises:
            noise = self.draw(st.sampled_from([b"", *self.noises]))
            self._events += [ModelEvent(noise)] if noise else []
        if "unknown fields" in self.quirks and isinstance(body, dict):
            body["x_unknown"] = {"unknown": [1, None]}
        self._events.append(ModelEvent(self.block(body, type), said, ends))

    def mark_end(self) -> None:
        """Send the end marker."""
        self.say(MARKER, ends="marker")

    def stream(self) -> ModelStream:
        """Return the stream."""
        return ModelStream(self._format, tuple(self._events))
