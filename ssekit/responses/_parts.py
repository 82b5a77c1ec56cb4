# The parts of an item's content, of its summary, or of its commands, in progress.
#
# What always holds here:
# - An index from the wire is a key, never a length. Parts are in the order of the keys.
# - Where a whole contradicts the pieces of a text, it replaces them. (See `Text.override`.)

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from itertools import islice
from operator import itemgetter
from typing import Any, TypeAlias, TypeVar

import msgspec

from ssekit._calls import MAX_TRIED
from ssekit._fold import deep_copy
from ssekit._json import JSONObject, join_surrogates
from ssekit._text import NO_TEXT, Text, join_texts, rests_of
from ssekit.responses import _result as result
from ssekit.responses._result import ContentPart, Logprob, UnknownPart
from ssekit.responses._tables import Kind

ValueT = TypeVar("ValueT")

# The type of a part, or of an item that has a text itself; and what is new in its text.
Addition: TypeAlias = tuple[Kind, str]


def in_order(by_index: dict[int, ValueT]) -> list[ValueT]:
    return [by_index[index] for index in sorted(by_index)]


class PartBuilder(msgspec.Struct, gc=False, eq=False):
    """A part of an item's content, or of its summary; or a command of a shell call."""

    part: ContentPart
    text: Text = NO_TEXT
    # (Hardly any text has these: they are made when they are first used.)
    logprobs: list[Logprob] | None = None
    annotations: dict[int, JSONObject] | None = None
    ended: bool = False

    def __post_init__(self) -> None:
        if type(self.part) is not UnknownPart:
            self.text = Text()

    def add(self, piece: str) -> str:
        return self.text.add(piece)

    def override(self, whole: str) -> str:
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

    def state(self, part: ContentPart, *, begins: bool) -> str:
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
    one. A whole at a new index is that of the latest parts if it begins with their texts.
    """

    item: Kind  # the type of the item
    _parts: dict[tuple[int, Kind], PartBuilder] = {}
    _latest_joined: PartBuilder | None = None

    def __iter__(self) -> Iterator[PartBuilder]:
        return map(self._parts.__getitem__, sorted(self._parts, key=itemgetter(0)))

    def _latest(self) -> Iterator[PartBuilder]:
        return islice(reversed(self._parts.values()), MAX_TRIED)

    def holds(self, whole: str) -> bool:
        """Whether a whole text is that of one of the latest parts."""
        return any(part.text.equals(whole) for part in self._latest())

    def goes_on_at(self, index: int, kind: Kind) -> PartBuilder:
        """Return the part of a piece: at its index, or the latest open one if that has ended."""
        part = self.at(index, kind)
        latest = self._latest() if part.ended else ()
        return next((each for each in latest if type(each.part) is kind and not each.ended), part)

    def at(self, index: int, kind: Kind) -> PartBuilder:
        """Return the part of a type at an index; it is made, open, if it is not there."""
        part = self._parts.get((index, kind))
        if part is None:
            part = self._parts[index, kind] = PartBuilder(kind())
        return part

    def whole_at(self, index: int, kind: Kind, whole: str) -> PartBuilder:
        """Return the part that a whole text belongs to, which ends it."""
        joined = None if (index, kind) in self._parts else self._joined(kind, whole)
        part = joined or self.at(index, kind)
        part.ended = True
        return part

    def _joined(self, kind: Kind, whole: str) -> PartBuilder | None:
        """Return the part that was joined last if it has the whole text, or the latest open ones.

        These are joined if the whole begins with their texts. Either way they end: so each is
        looked at once.
        """
        latest = self._latest_joined
        if latest is not None and type(latest.part) is kind and latest.text.equals(whole):
            return latest
        keys: list[tuple[int, Kind]] = []
        for key, part in reversed(self._parts.items()):
            if key[1] is not kind or part.ended:
                break
            part.ended = True
            keys.append(key)
        keys.reverse()
        pieces = join_surrogates("".join(self._parts[key].text.join() for key in keys))
        if not pieces or not whole.startswith(pieces.rstrip()):
            return None
        first = self._parts[keys[0]]
        for key in keys[1:]:
            part = self._parts.pop(key)
            first.text.append(part.text.join())
            first.add_logprobs(part.logprobs or ())
            for annotation in in_order(part.annotations or {}):
                first.annotate(None, annotation)
        self._latest_joined = first
        return first

    def state(self, parts: list[ContentPart], *, begins: bool = False) -> list[Addition]:
        """Take all of the parts, begun or whole; return what they add to the texts.

        Each is the next of its type so far, whatever the indices. Any others are dropped. Texts
        that are divided in another way are compared as a whole; a long text is not joined for a
        short one that is stated again.
        """
        divided = [type(builder.part) for builder in self] != list(map(type, parts))
        before = join_texts(self.texts()) if divided else {}
        known: defaultdict[Kind, deque[PartBuilder]] = defaultdict(deque)
        for builder in self:
            known[type(builder.part)].append(builder)
        self._parts, self._latest_joined = {}, None
        additions = []
        for index, part in enumerate(parts):
            alike = known[type(part)]
            builder = alike.popleft() if alike else PartBuilder(part)
            self._parts[index, type(part)] = builder
            builder.ended = not begins
            additions.append((kind_in(self.item, part), builder.state(part, begins=begins)))
        return list(rests_of(before, join_texts(self.texts())).items()) if divided else additions

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
