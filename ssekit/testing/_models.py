# Streams of models, and the answers that they must give.
#
# How it works:
# - Each event has its additions to the answer: a value, its path, and how it is added.
# - An answer is a tree of JSON. The additions of the events that were read are applied, in order,
#   to a blank answer of the format.
#
# What always holds here:
# - The answer comes from the additions alone, never from the bytes or from an accumulator.

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import accumulate, pairwise
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import msgspec

__all__ = [
    "Addition",
    "Additions",
    "FormatName",
    "Json",
    "ModelEvent",
    "ModelStream",
    "Path",
    "Piece",
    "begin",
    "drop",
    "extend",
    "join",
    "put",
    "put_all",
]

FormatName: TypeAlias = Literal[
    "chat", "completions", "responses", "messages", "gemini", "interactions"
]
Json: TypeAlias = dict[str, Any]
Path: TypeAlias = tuple[str | int, ...]


# Additions to the answer.


class Addition(NamedTuple):
    """An addition to the answer: a value, for a place in its JSON.

    Attributes:
        path: The place: names of fields, and positions in lists.
        value: The value.
        how: "set" replaces the value in the place; "first" sets it if it is absent or empty; "join"
            adds a text to a text; "extend" adds items to a list; "drop" removes the value.
    """

    path: tuple[str | int, ...]
    value: Any = None
    how: Literal["set", "first", "join", "extend", "drop"] = "set"


Additions: TypeAlias = list[Addition]


def put(value: Any, *path: str | int) -> Addition:
    return Addition(path, value)


def put_all(fields: Json, *path: str | int) -> Additions:
    return [put(value, *path, name) for name, value in fields.items()]


def begin(value: Any, *path: str | int) -> Addition:
    return Addition(path, value, "first")


def join(piece: str, *path: str | int) -> Addition:
    return Addition(path, piece, "join")


def extend(items: list[Any], *path: str | int) -> Addition:
    return Addition(path, items, "extend")


def drop(*path: str | int) -> Addition:
    return Addition(path, how="drop")


class Piece(NamedTuple):
    """A piece of a stream, before its turn to be sent.

    Attributes:
        body: The JSON of the piece.
        additions: The additions of the piece to the answer.
        type: The type of its event, in formats whose events have types.
    """

    body: Json
    additions: Additions
    type: str = ""


class _List(dict[int, Any]):
    """A list in progress, by positions, which may come in any order."""


_BLANK_CHAT: Final[Json] = {
    "id": "",
    "object": "chat.completion",
    "created": 0,
    "model": "",
    "choices": [],
}
# The answers before any addition.
_BLANKS: Final[dict[str, Json]] = {
    "chat": _BLANK_CHAT,
    "completions": {**_BLANK_CHAT, "object": "text_completion"},
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
    "interactions": {"id": "", "status": "", "steps": []},
}


def _choice_finishes(answer: Json) -> list[Any]:
    return [choice["finish_reason"] for choice in answer["choices"]]


# The values that are all present in a finished answer. Only an event finishes a response or an
# interaction.
_FINISHES: Final[dict[str, Callable[[Json], list[Any]]]] = {
    "chat": _choice_finishes,
    "completions": _choice_finishes,
    "responses": lambda _answer: [],
    "interactions": lambda _answer: [],
    "messages": lambda answer: [answer["stop_reason"]],
    "gemini": lambda answer: (
        [candidate.get("finishReason") for candidate in answer["candidates"]]
        or [answer.get("promptFeedback")]
    ),
}


def _build_answer(format: str, additions: Iterable[Addition]) -> Any:
    answer = _open(_BLANKS[format])
    for path, value, how in additions:
        holder = answer
        for key, next_key in pairwise(path):
            holder = holder.setdefault(key, _List() if isinstance(next_key, int) else {})
        last = path[-1]
        known = holder.get(last)
        if how == "extend":
            holder[last] = _List(enumerate([*(known or {}).values(), *value]))
        elif how == "join":
            holder[last] = (known or "") + value
        elif how == "drop":
            del holder[last]
        elif how == "set" or not known:
            holder[last] = _open(value)
    return _close(answer)


def _open(tree: Any) -> Any:
    """Return a copy of JSON in which each list is a `_List`."""
    if isinstance(tree, list):
        return _List(enumerate(map(_open, tree)))
    if isinstance(tree, dict):
        return {name: _open(value) for name, value in tree.items()}
    return tree


def _close(tree: Any) -> Any:
    """Return a copy as JSON: with lists in the order of their positions, and texts well-formed."""
    if isinstance(tree, _List):
        return [_close(tree[position]) for position in sorted(tree)]
    if isinstance(tree, dict):
        return {_close(name): _close(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_close(item) for item in tree]
    if isinstance(tree, str) and not tree.isascii():
        # Surrogate pairs join; a lone surrogate cannot be encoded.
        return tree.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return tree


# Streams.


class ModelEvent(msgspec.Struct, frozen=True):
    """One block of a stream, with the blank line that ends it.

    Attributes:
        data: The bytes. (A comment, or a block without data, is a block of its own.)
        additions: The additions to the answer.
        ends: How the block ends the stream: as the format's terminal "event", as the "marker", or
            None if it does not.
    """

    data: bytes
    additions: tuple[Addition, ...] = ()
    ends: Literal["event", "marker"] | None = None

    @property
    def complete_at(self) -> int:
        """The number of bytes that complete the block: of a last CR LF, the CR is enough."""
        return len(self.data) - self.data.endswith(b"\r\n")

    def unfinished(self, size: int) -> Literal["nothing", "part", "whole"]:
        """Return how much data the first `size` bytes have, in which there is no blank line."""
        start, whole = self.data.find(b"data:"), self.data.rstrip()
        blank = start + len(b"data:") == len(whole)  # blank data adds nothing once its line ended
        ended = blank and self.data[:size].endswith((b"\r", b"\n"))
        if ended or start < 0 or size < start + len(b"data"):
            return "nothing"
        return "part" if blank or size < len(whole) else "whole"


class ModelStream(msgspec.Struct, frozen=True):
    """A stream of a model's answer, with the answer and the end that a consumer must report.

    Attributes:
        format: The name of the format, such as "chat".
        events: The events, in the order of sending.
        data: The bytes.
        expected: The finished answer, as JSON.
        state, ended_by: The state and the end that a decoder must report.
        starts, seams: Offsets in the bytes: of the events, and of good places to cut.
    """

    format: FormatName
    events: tuple[ModelEvent, ...]

    @property
    def data(self) -> bytes:
        """The bytes of the stream."""
        return b"".join(event.data for event in self.events)

    @property
    def expected(self) -> Any:
        """The finished answer: JSON in the shape of the vendor's endpoint without streaming.

        Fields that hosts add to the vendor's format are in it only where they are part of the
        answer, such as `reasoning_content`. A consumer's result may have more.
        """
        return self.expected_after(len(self.events))

    @property
    def state(self) -> Literal["done", "truncated"]:
        """The state of the stream if the bytes end after it: "done"."""
        return self.end_after(len(self.events))[0]

    @property
    def ended_by(self) -> Literal["event", "marker", "finish"] | None:
        """The end: the terminal "event", the "marker", or the "finish" of every choice."""
        return self.end_after(len(self.events))[1]

    def expected_after(self, count: int, *more: Addition) -> Any:
        """Return the answer after `count` events, and after more additions."""
        read = self.events[: min(count, self._end)]
        additions = (addition for event in read for addition in event.additions)
        return _build_answer(self.format, [*additions, *more])

    def end_after(
        self, count: int
    ) -> tuple[Literal["done", "truncated"], Literal["event", "marker", "finish"] | None]:
        """Return the state of the stream, and its end, if the bytes end after `count` events."""
        if self.ended_in(count):
            return "done", self.events[self._end - 1].ends
        finishes = _FINISHES[self.format](self.expected_after(count))
        return ("done", "finish") if finishes and all(finishes) else ("truncated", None)

    def ended_in(self, count: int) -> bool:
        """Whether one of the first `count` events ends the stream. Nothing is read after it."""
        return count >= self._end

    @property
    def _end(self) -> int:
        """The number of events up to the one that ends the stream; if none does, one too many."""
        ends = (count for count, event in enumerate(self.events, 1) if event.ends)
        return next(ends, len(self.events) + 1)

    @property
    def starts(self) -> list[int]:
        """The offsets in the bytes where the events begin, and then where the last one ends."""
        return list(accumulate((len(event.data) for event in self.events), initial=0))

    @property
    def seams(self) -> list[int]:
        """The offsets in the bytes where an event begins, or lacks only its blank line."""
        wholes = [
            start + len(event.data.rstrip(b"\r\n"))
            for start, event in zip(self.starts, self.events, strict=False)
        ]
        return sorted([*self.starts, *wholes])

    def complete_in(self, size: int) -> int:
        """Return the number of events that are complete in the first `size` bytes."""
        placed = zip(self.starts, self.events, strict=False)
        return sum(start + event.complete_at <= size for start, event in placed)

    def unfinished_in(self, size: int) -> Literal["nothing", "part", "whole"]:
        """Return how much data of an incomplete event is at the end of the first `size` bytes."""
        place = self.complete_in(size)
        if place == len(self.events):
            return "nothing"
        return self.events[place].unfinished(size - self.starts[place])

    def __repr__(self) -> str:
        blocks = "".join(f"\n  {event.data!r}" for event in self.events)
        return f"<{self.format} stream, {self.state} by {self.ended_by}:{blocks}\n>"
