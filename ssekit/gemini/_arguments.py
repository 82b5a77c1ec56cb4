# The arguments of a call, whole or in pieces that each say where they belong (Vertex AI).
#
# What always holds here:
# - Linear: a piece costs what its path costs. An index in a path is a key, never a length: items
#   stand in the order of their indices, without gaps.
# - Nothing is lost, whatever a path is: what is none is the name of an argument.

from __future__ import annotations

import json
import re
from typing import Any, Final, TypeAlias

from ssekit._fold import Text, deep_copy
from ssekit._json import join_surrogates
from ssekit.gemini._response import FunctionCall, PartialArg

# Deeper than any arguments go, and far from where recursive readers and writers give up.
_MAX_DEPTH: Final = 64

_Key: TypeAlias = str | int

# RFC 9535, 2.1.1 and 2.5.1: of what follows the `$`, the segments that name one place: a name, an
# index, a name in double or in single quotes. Possessive, so that a long name needs no memory.
_SEGMENT: Final = re.compile(
    r"""\.([^.\[\]]+)"""
    r"""|\[([0-9]{1,15})\]"""
    r"""|\["([^"\\]*+(?:\\.[^"\\]*+)*+)"\]"""
    r"""|\['([^'\\]*+(?:\\.[^'\\]*+)*+)'\]""",
    re.DOTALL,
)
_QUOTE: Final = re.compile(r"\\.|\"", re.DOTALL)


class _Branch(dict[_Key, Any]):
    """An object, or an array (if all keys are indices), of branches, `Text`s and whole values."""


class Arguments:
    """The arguments of a call so far."""

    __slots__ = ("_root",)

    def __init__(self) -> None:
        self._root = _Branch()

    def add(self, call: FunctionCall) -> None:
        """Fold in what a call, or a piece of one, says of its arguments."""
        self._root.update(call.args or {})
        for partial in call.partial_args or ():
            if partial.json_path is not None:
                self._add_at(_keys(partial.json_path), partial)

    def _add_at(self, keys: list[_Key], partial: PartialArg) -> None:
        *above, last = keys
        branch = self._root
        for key in above:
            inner = branch.get(key)
            if not isinstance(inner, _Branch):
                inner = branch[key] = _Branch()
            branch = inner
        if partial.string_value is not None:
            text = branch.get(last)
            if not isinstance(text, Text):
                text = branch[last] = Text()
            text.append(partial.string_value)
            return
        values = (partial.number_value, partial.bool_value)
        value = next((value for value in values if value is not None), None)
        # A null may be said as null, which is what no value looks like.
        if value is not None or last not in branch:
            branch[last] = value

    def view(self) -> dict[str, Any]:
        """Return the arguments, sharing nothing mutable."""
        return {str(key): _view(value) for key, value in self._root.items()}


def _view(value: Any) -> Any:
    if isinstance(value, Text):
        return str(value)
    if not isinstance(value, _Branch):
        return deep_copy(value)
    if all(isinstance(key, int) for key in value):
        return [_view(value[index]) for index in sorted(value)]
    return {str(key): _view(inner) for key, inner in value.items()}


def _keys(path: str) -> list[_Key]:
    """Return the keys that lead to what a path names, or the path as the only one."""
    if not path.startswith("$"):
        return [path]
    keys: list[_Key] = []
    at = 1
    while at < len(path):
        segment = _SEGMENT.match(path, at)
        if segment is None or len(keys) == _MAX_DEPTH:
            return [path]
        name, index, double, single = segment.groups()
        if name is not None:
            keys.append(name)
        elif index is not None:
            keys.append(int(index))
        else:
            keys.append(_unquoted(single if double is None else double))
        at = segment.end()
    return keys or [path]


def _unquoted(quoted: str) -> str:
    # RFC 9535, 2.3.1.1: the escapes of JSON, and \' between single quotes.
    text = _QUOTE.sub(lambda found: {"\\'": "'", '"': '\\"'}.get(found[0], found[0]), quoted)
    try:
        name: str = json.loads(f'"{text}"', strict=False)
    except ValueError:
        return quoted
    return join_surrogates(name)
