# The arguments of a call: whole, or in pieces with a path each (Vertex AI).
#
# How it works:
# - A path is parsed into keys (names and indices), which lead through a tree of branches to the
#   value of the piece.
# - `build` makes an array of a branch that has indices alone, and an object of any other.
#
# What always holds here:
# - Linear: a piece costs what its path costs. An index is a key, never a length: items are in the
#   order of their indices, without gaps.
# - Nothing is lost: a path that cannot be parsed is the name of an argument.

from __future__ import annotations

import json
import re
from typing import Any, Final, TypeAlias

from ssekit._json import join_surrogates, well_formed
from ssekit._text import Text
from ssekit.gemini._response import FunctionCall, PartialArg

# Deeper than any arguments, and well below the limit of recursive readers and writers.
_MAX_DEPTH: Final = 64

_Key: TypeAlias = str | int

# RFC 9535, 2.1.1 and 2.5.1: the segments after the `$` that select one value: a name, an index, a
# name in double or in single quotes. Possessive, so that a long name needs no memory.
_SEGMENT: Final = re.compile(
    r"""\.([^.\[\]]+)"""
    r"""|\[([0-9]{1,15})\]"""
    r"""|\["([^"\\]*+(?:\\.[^"\\]*+)*+)"\]"""
    r"""|\['([^'\\]*+(?:\\.[^'\\]*+)*+)'\]""",
    re.DOTALL,
)
_QUOTE: Final = re.compile(r"\\.|\"", re.DOTALL)


class Arguments(dict[_Key, Any]):
    """The arguments of a call in progress: whole values, texts and inner `Arguments`, by key."""

    __slots__ = ()

    def add(self, call: FunctionCall) -> None:
        """Add the arguments of a call, or of a piece of one."""
        self.update(call.args or {})
        for partial in call.partial_args or ():
            if partial.json_path is not None:
                self._add_at(_keys(partial.json_path), partial)

    def _add_at(self, keys: list[_Key], partial: PartialArg) -> None:
        *above, last = keys
        branch = self
        for key in above:
            inner = branch.get(key)
            if not isinstance(inner, Arguments):
                inner = branch[key] = Arguments()
            branch = inner
        if partial.string_value is not None:
            text = branch.get(last)
            if not isinstance(text, Text):
                text = branch[last] = Text()
            text.append(partial.string_value)
            return
        value = partial.bool_value if partial.number_value is None else partial.number_value
        # A piece without any value is a null: some hosts send `null_value` itself as null.
        if value is not None or last not in branch:
            branch[last] = value

    def build(self) -> dict[str, Any]:
        """Return a copy of the arguments so far."""
        return {str(key): _build(value) for key, value in self.items()}


def _build(value: Any) -> Any:
    if isinstance(value, Text):
        return str(value)
    if not isinstance(value, Arguments):
        return well_formed(value)
    if all(isinstance(key, int) for key in value):
        return [_build(value[index]) for index in sorted(value)]
    return value.build()


def _keys(path: str) -> list[_Key]:
    """Parse a path into its keys; return the path as the only key if it cannot be parsed."""
    if not path.startswith("$"):
        return [path]
    keys: list[_Key] = []
    at = 1
    while at < len(path):
        segment = _SEGMENT.match(path, at)
        if segment is None or len(keys) == _MAX_DEPTH:
            return [path]
        name, index, double, single = segment.groups()
        if index is not None:
            keys.append(int(index))
        else:
            keys.append(name or _unquoted(double or single or ""))
        at = segment.end()
    return keys or [path]


def _unquoted(quoted: str) -> str:
    # RFC 9535, 2.3.1.1: the escapes are those of JSON, and \' between single quotes.
    text = _QUOTE.sub(lambda found: {"\\'": "'", '"': '\\"'}.get(found[0], found[0]), quoted)
    try:
        name: str = json.loads(f'"{text}"', strict=False)
    except ValueError:
        return quoted
    return join_surrogates(name)
