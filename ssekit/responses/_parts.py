# The parts of an item's content, of its summary, or of its commands, in progress.
#
# What always holds here:
# - An index from the wire is a key, never a length. Parts are in the order of the keys.
# - Where a whole contradicts the pieces of a text, it replaces them. (See `Text.override`.)

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from operator import itemgetter
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from ssekit._fold import deep_copy
from ssekit._json import JSONObject, join_surrogates
from ssekit._text import NO_TEXT, Text, rests_of
from ssekit.responses import _result as result
from ssekit.responses._result import ContentPart, Logprob, UnknownPart
from ssekit.responses._tables import Kind

ValueT = TypeVar("ValueT")

# How many parts are compared with a whole text.
_MAX_TRIED: Final = 16

# The type of a part, or of an item that has a text itself; and what is new in its text.
Addition: TypeAlias = tuple[Kind, str]


def in_order(by_index: dict[int, ValueT]) -> list[ValueT]:
    return [by_index[index] for index in sorted(by_index)]


def join_texts(texts: Iterable[tuple[Kind, str | Text]]) -> dict[Kind, str]:
    """Return the texts of each type, joined."""
    by_kind: defaultdict[Kind, list[str]] = defaultdict(list)
    for kind, text in texts:
        by_kind[kind].append(str(text))
    return {kind: "".join(pieces) for kind, pieces in by_kind.items()}


class PartBuilder(msgspec.Struct, gc=False, eq=False):
    """A part of an item's content, or of its summary; or a command of a shell call."""

    part: ContentPart
    text: Text = NO_TEXT
    # (Hardly any text has these: they are made when they are first used.)
    logprobs: list[Logprob] | None = None
    annotations: dict[int, JSONObject] | None = None

    def __post_init__(self) -> None:
        if type(self.part) is not UnknownPart:
            self.text = Text()

    def add(self, piece: str) -> str:
        """Take a piece of the text; return what it adds."""
        return self.text.add(piece)

    def override(self, whole: str) -> str:
        """Take the whole text; return what it adds."""
        return self.text.override(whole)

    def update(self, *, logprobs: Iterable[Logprob] = ()) -> None:
        """Take the log probabilities, if an event has them beside the whole text."""
        if logprobs:
            self.logprobs = list(logprobs)

    def annotate(self, index: int | None, annotation: JSONObject) -> None:
        self.annotations = self.annotations or {}
        if index is None:  # it follows the latest one
            index = next(reversed(self.annotations), -1) + 1
        self.annotations[index] = annotation

    def add_logprobs(self, logprobs: Iterable[Logprob]) -> None:
        self.logprobs = self.logprobs or []
        self.logprobs += logprobs

    def state(self, part: ContentPart, *, begins: bool = False) -> str:
        """Take a part, begun or whole, of the same type; return what it adds to the text."""
        self.part = part
        if type(part) is result.ResponseOutputText:
            if part.annotations:
                self.annotations = dict(enumerate(part.annotations))
            if part.logprobs:
                self.logprobs = list(part.logprobs)
        text = text_of(part)
        if begins:
            return self.text.begin(text)
        return self.text.override(text) if self.text else self.text.add(text)

    def build(self) -> ContentPart:
        part = self.part
        if isinstance(part, UnknownPart):
            copied: ContentPart = deep_copy(part)
            return copied
        if isinstance(part, result.ResponseOutputRefusal):
            return result.ResponseOutputRefusal(refusal=str(self.text))
        if isinstance(part, result.ResponseOutputText):
            return result.ResponseOutputText(
                text=str(self.text),
                annotations=deep_copy(in_order(self.annotations or {})),
                logprobs=list(self.logprobs or ()) or deep_copy(part.logprobs),
            )
        return type(part)(text=str(self.text))


class PartsBuilder(msgspec.Struct, gc=False, eq=False):
    """The content of an item, or its summary, or its commands: parts by index and type.

    vLLM numbers the pieces of a text: each has an index of its own, and their whole has yet another
    one. A whole at a new index is that of all open parts if it begins with their texts.
    """

    item: Kind  # the type of the item
    _parts: dict[tuple[int, Kind], PartBuilder] = {}
    # For each type, the parts without a whole.
    _open: dict[Kind, dict[int, PartBuilder]] = msgspec.field(
        default_factory=partial(defaultdict, dict)
    )
    # The part that open parts were joined to, and the whole that they were joined for: other events
    # have that whole too.
    _joined: tuple[PartBuilder, str] | None = None

    def __iter__(self) -> Iterator[PartBuilder]:
        return map(self._parts.__getitem__, sorted(self._parts, key=itemgetter(0)))

    def holds(self, whole: str) -> bool:
        """Whether a whole text is that of one of the latest parts."""
        latest = islice(reversed(self._parts.values()), _MAX_TRIED)
        return any(part.text.is_whole(whole) for part in latest)

    def goes_on_at(self, index: int, kind: Kind) -> PartBuilder:
        """Return the part of a piece: at its index, or the latest open one if that has ended."""
        open_parts = self._open[kind]
        if open_parts and index not in open_parts and (index, kind) in self._parts:
            return open_parts[next(reversed(open_parts))]
        return self.at(index, kind)

    def at(self, index: int, kind: Kind) -> PartBuilder:
        """Return the part of a type at an index; it is made, open, if it is not there."""
        part = self._parts.get((index, kind))
        if part is None:
            part = self._parts[index, kind] = self._open[kind][index] = PartBuilder(kind())
        return part

    def whole_at(self, index: int, kind: Kind, whole: str) -> PartBuilder:
        """Return the part that a whole text belongs to."""
        joined = None if (index, kind) in self._parts else self._join_open(kind, whole)
        part = joined or self.at(index, kind)
        self._open[kind].pop(index, None)
        return part

    def _join_open(self, kind: Kind, whole: str) -> PartBuilder | None:
        """Join the open parts of a type, and return the one part, if this is their whole."""
        if self._joined is not None and self._joined[1] == whole:
            return self._joined[0]
        open_parts = self._open.pop(kind, {})
        parts = in_order(open_parts)
        pieces = "".join(part.text.join() for part in parts)
        if not pieces or not whole.startswith(join_surrogates(pieces).rstrip()):
            return None
        first, *others = parts
        first.text.take()
        first.text.append(pieces)
        for index, part in zip(sorted(open_parts)[1:], others, strict=True):
            first.add_logprobs(part.logprobs or ())
            for annotation in in_order(part.annotations or {}):
                first.annotate(None, annotation)
            del self._parts[index, kind]
        self._joined = first, whole
        return first

    def state(self, parts: list[ContentPart], *, begins: bool = False) -> list[Addition]:
        """Take all of the parts, begun or whole; return what they add to the texts.

        If they have the types of the parts so far, in order, they are these, whatever the indices.
        If not, parts at other indices are dropped, and the texts are compared as a whole.
        """
        keys = list(enumerate(map(type, parts)))
        fit = [type(part.part) for part in self] == [kind for _, kind in keys]
        before = {} if fit else join_texts(self.texts())
        known = dict(zip(keys, self, strict=True)) if fit else self._parts
        self._parts = {
            key: known.get(key) or PartBuilder(part) for key, part in zip(keys, parts, strict=True)
        }
        self._open.clear()
        self._joined = None
        for (index, kind), part in self._parts.items() if begins else ():
            self._open[kind][index] = part
        stated = zip(self._parts.values(), parts, strict=True)
        pieces = [builder.state(part, begins=begins) for builder, part in stated]
        if fit:
            return list(zip((kind_in(self.item, part) for part in parts), pieces, strict=True))
        return list(rests_of(before, join_texts(self.texts())).items())

    def texts(self) -> Iterator[tuple[Kind, Text]]:
        """Yield the texts of the parts, each after its type."""
        for part in self:
            if part.text is not NO_TEXT:
                yield kind_in(self.item, part.part), part.text

    def build(self) -> list[ContentPart]:
        return [part.build() for part in self]


def kind_in(item: Kind, part: ContentPart) -> Kind:
    """Return the type of text that a part has: no text of a reasoning item is the answer's."""
    kind = type(part)
    reasons = kind is result.ResponseOutputText and item is result.ResponseReasoningItem
    return result.ReasoningText if reasons else kind


def text_of(part: Any) -> str:
    """Return the text of a part; "" for a part of unknown type."""
    if type(part) is UnknownPart:
        return ""
    text: str = part.refusal if type(part) is result.ResponseOutputRefusal else part.text
    return text
