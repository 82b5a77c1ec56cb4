# Answers, as trees of JSON, and the additions that they are made of.
#
# How it works: the additions of the events that were read are applied, in order, to a blank answer
# of the format. Each is a value, its path, and how it is added.

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Final, Literal, NamedTuple, TypeAlias

__all__ = [
    "Addition",
    "Additions",
    "FormatName",
    "Json",
    "Path",
    "Piece",
    "begin",
    "build_answer",
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


def build_answer(format: str, additions: Iterable[Addition]) -> Any:
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
