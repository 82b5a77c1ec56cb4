# The items of an answer, and which of them an event belongs to.
#
# How it works, by the first rule that finds an item of a type that fits:
# - At the index of the event: the item of its id, or else the latest of that type, if it is not
#   done.
# - The item of the event's id (or of the call_id, for a whole item), if it is not done.
# - Where nothing is at the index: the latest that has no index on the wire and is not done. Without
#   an index, at that of other types, or for a piece of an item that is done: the latest that is not
#   done.
# - The item that is done; or the latest, if it has a whole text already.
# If none does, a new item is made. `settle` takes the output of the terminal response.
#
# What always holds here:
# - An index goes before an id: some hosts change the id with every event.
# - Items of different types at one index stay apart, in the order in which they came, and so do
#   wholes of different ids. (Ollama gives one index to a text and to the calls after it.)

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from typing import Any, Final

from ssekit._fold import unlinked
from ssekit.responses._builders import CALLS, ItemBuilder, texts_of
from ssekit.responses._parts import join_texts
from ssekit.responses._result import (
    ResponseOutputItem,
    ResponseOutputMessage,
    ResponseOutputText,
    ResponseReasoningItem,
    UnknownItem,
)
from ssekit.responses._tables import Kind

__all__ = ["OutputTable"]

# The fields that identify an item. The call_id, which the output of a call refers to, goes first.
_IDS: Final = ("call_id", "id")


class OutputTable:
    """The items so far, in the order of their indices.

    Attributes:
        calls: The tool calls, in the order in which they appeared.
    """

    __slots__ = (
        *("_at", "_attempt", "_by_id", "_current", "_end", "_latest", "_open", "_places"),
        "calls",
    )

    def __init__(self) -> None:
        self.calls: list[ItemBuilder] = []
        self._at: dict[int, ItemBuilder] = {}  # the latest item at each index
        # For each index and type, the latest item, if it is not the latest of all at its index.
        self._current: dict[tuple[int | None, Kind], ItemBuilder] = {}
        self._by_id: dict[str, ItemBuilder] = {}
        # The item of the latest event.
        self._latest: ItemBuilder | None = None
        # For each type, the items that are not done. Those that are leave the end of the list.
        self._open: defaultdict[Kind, list[ItemBuilder]] = defaultdict(list)
        self._attempt = 0  # how often the response was created
        self._end = 0  # beyond all indices
        self._places = 0

    def __iter__(self) -> Iterator[ItemBuilder]:
        return iter(unlinked(self._at))

    def __bool__(self) -> bool:
        return bool(self._at)

    def ends_with_call(self) -> bool:
        """Whether a tool call comes after the last message with text."""
        for builder in reversed(list(self)) if self.calls else ():
            if builder.place is not None:
                return True
            if any(kind is ResponseOutputText and text for kind, text in builder.texts()):
                return False
        return False

    def of(
        self, event: Any, kinds: tuple[Kind, ...], *, piece: bool = False, whole: str | None = None
    ) -> ItemBuilder:
        """Return the item that an event, a piece of a text or a whole text belongs to.

        The item has one of some types. If there is none, one of the first type is made.
        """
        builder = self._find(event, kinds, piece=piece, whole=whole)
        if builder is None:
            item = kinds[0](id=event.item_id)
            builder = self._make(event.output_index, item)
            self._by_id.update(dict.fromkeys(_ids(item), builder))
        return self._found(builder, event.output_index)

    def _found(self, builder: ItemBuilder, index: int | None) -> ItemBuilder:
        """Return the item of an event, whose index is that of an item without one."""
        if builder.index is None and index is not None:
            builder.index = index
            self._current[index, type(builder.item)] = builder
        self._latest = builder
        builder.whole, builder.attempt = None, self._attempt
        return builder

    def _find(
        self, event: Any, kinds: tuple[Kind, ...], *, piece: bool = False, whole: str | None = None
    ) -> ItemBuilder | None:
        index = event.output_index
        known = self._of_ids([event.item_id, getattr(event, "call_id", None)], kinds)
        if known is not None and known.index == index and not known.done:
            return known
        at_index = (self._current_at(index, kind) for kind in kinds)
        here = next(filter(None, at_index), None)
        if here is not None and not (here.done and (piece or (whole and not here.holds(whole)))):
            return here
        if known is not None and not known.done:
            return known
        unplaced = index is not None and here is None and index not in self._at
        found_open = self._latest_open(kinds, unplaced=unplaced)
        if found_open is None and piece and known is None and event.item_id:
            return None  # a piece of an item that has not been announced
        if found_open is not None or here is not None:
            return found_open or here
        latest = self._latest if self._latest and type(self._latest.item) in kinds else None
        if index is None:
            return known or latest
        # The same text once more is of the same item, at whatever index.
        return latest if latest and whole and latest.holds(whole) else None

    def _current_at(self, index: int | None, kind: Kind) -> ItemBuilder | None:
        here = self._at.get(index) if index is not None else None
        if here is not None and type(here.item) is kind and (index, kind) not in self._current:
            return here
        return self._current.get((index, kind))

    def _latest_open(self, kinds: tuple[Kind, ...], *, unplaced: bool) -> ItemBuilder | None:
        for kind in kinds:
            open_items = self._open[kind]
            while open_items and open_items[-1].done:
                open_items.pop()
            if open_items and (open_items[-1].index is None or not unplaced):
                return open_items[-1]
        return None

    def _of_ids(self, ids: Iterable[str | None], kinds: tuple[Kind, ...]) -> ItemBuilder | None:
        for id_ in ids:
            builder = self._by_id.get(id_ or "")
            if builder is not None and type(builder.item) in kinds:
                return builder
        return None

    def stated(self, index: int | None, item: ResponseOutputItem, *, whole: bool) -> ItemBuilder:
        """Return the item that an event has, begun or whole; it is made if it is not there."""
        ids = _ids(item)
        builder = self._find_stated(index, item, ids, whole=whole)
        if builder is None:
            builder = self._make(index, item)
        elif builder.is_stated and not whole and not self._is_new(builder):
            builder.reset(type(item)())
            self._open[type(item)].append(builder)
        self._by_id.update(dict.fromkeys(ids, builder))
        return self._found(builder, index)

    def _find_stated(
        self, index: int | None, item: ResponseOutputItem, ids: list[str], *, whole: bool
    ) -> ItemBuilder | None:
        kinds = (type(item),)
        known = self._of_ids(ids, kinds)
        if known is not None:
            here = known.index == index and not _differ(known.item, item)
            if here or known.repeats(item):
                return known
        current = self._current_at(index, type(item))
        if current is not None:
            begun = current.done or (current.is_stated and not whole and self._is_new(current))
            if not (begun and _differ(current.item, item)):
                return current
        latest = self._latest_open(kinds, unplaced=index is not None)
        if latest is not None and _differ(latest.item, item, _IDS[:1]):
            latest = None
        if not whole:  # only pieces of it may have come
            return latest if latest is not None and not latest.is_stated else None
        if latest is None:
            # The same text once more is of the same item, at whatever index.
            latest = self._latest_open(kinds, unplaced=False)
            texts = [text for _, text in texts_of(item) if text]
            if latest is not None and not any(map(latest.holds, texts)):
                latest = None
        return known if known is not None and not known.done else latest

    def begin_attempt(self) -> None:
        self._attempt += 1

    def _is_new(self, builder: ItemBuilder) -> bool:
        """Whether an event of the item has come in this attempt."""
        return builder.attempt == self._attempt

    def name(self, builder: ItemBuilder) -> None:
        """Give an item its place among the tool calls, if it is one."""
        if builder.place is None and builder.is_call:
            builder.place = self._places
            self._places += 1
            self.calls.append(builder)

    # The output of the terminal response.

    def settle(
        self, output: list[ResponseOutputItem]
    ) -> Iterable[tuple[ItemBuilder, ResponseOutputItem]]:
        """Take a whole output: return its items, each after its builder.

        Items that were stated whole stay, where the output has them not. All others are dropped.
        """
        before = list(self)
        builders = self._match(output)
        left = dict.fromkeys(before)
        for builder in builders:
            left.pop(builder, None)
        settled = _in_order(before, builders, self._missing(before, left, output))
        alive = dict.fromkeys(settled)
        self._at = dict(enumerate(settled))
        self._end = len(settled)
        self._current.clear()
        self._open.clear()
        for index, builder in self._at.items():
            builder.index, builder.previous = index, None
            self._open[type(builder.item)].append(builder)
        self._by_id = {id_: builder for id_, builder in self._by_id.items() if builder in alive}
        stated = list(zip(builders, output, strict=True))
        self._by_id |= {id_: builder for builder, item in stated for id_ in _ids(item)}
        self._latest = self._latest if self._latest in alive else None
        self.calls = [call for call in self.calls if call in alive]
        return stated

    def _match(self, output: list[ResponseOutputItem]) -> list[ItemBuilder]:
        """Return the builder of each item of the output.

        Its items may have other indices and ids than the events had. Those without a known id are
        the items of their type: those that have the same, or else the next that do not contradict.
        """
        left = dict.fromkeys(self)
        if not left:
            return [ItemBuilder(item) for item in output]
        matched: dict[int, ItemBuilder] = {}

        def match(position: int, builder: ItemBuilder | None) -> None:
            if builder in left:
                del left[builder]
                matched[position] = builder

        for position, item in enumerate(output):
            match(position, self._of_ids(_ids(item), (type(item),)))
        for alike in (_contents, _type):
            queues: defaultdict[Any, deque[ItemBuilder]] = defaultdict(deque)
            for builder in left:
                queues[alike(builder.item, builder.texts())].append(builder)
            for position, item in enumerate(output):
                if position in matched or not left:
                    continue
                queue = queues[alike(item, texts_of(item))]
                while position not in matched and queue:
                    builder = queue.popleft()
                    whole = builder.done and self._is_new(builder)
                    if not whole or not _contradicts(builder, item):
                        match(position, builder)
        return [matched.get(at) or ItemBuilder(item) for at, item in enumerate(output)]

    def _missing(
        self,
        before: list[ItemBuilder],
        left: dict[ItemBuilder, None],
        output: list[ResponseOutputItem],
    ) -> dict[ItemBuilder, int]:
        """Return the items of this attempt that are not in the output, each with its index.

        They were stated whole; or else they have a text or a name, and the output has none of their
        type. Its texts may divide those of the items in another way.
        """
        if not any(map(self._is_new, left)):
            return {}
        named = {_id(item, "call_id") for item in output} - {""}
        texts = join_texts(text for item in output for text in texts_of(item))
        reached: defaultdict[Kind, int] = defaultdict(int)
        missing: dict[ItemBuilder, int] = {}
        types = {item.type for item in output}
        indices = {each: index for index in self._at for each in unlinked({0: self._at[index]})}
        for builder in before:
            if isinstance(builder.item, ResponseOutputMessage | ResponseReasoningItem):
                there = _has_texts(texts, builder, reached)
            else:
                there = _id(builder.item, "call_id") in named
            came = builder.place is not None or any(text for _, text in builder.texts())
            stays = builder.done or (came and builder.item.type not in types)
            if stays and builder in left and self._is_new(builder) and not there:
                missing[builder] = indices[builder]
        return missing

    def is_unknown(self, id_: str | None) -> bool:
        """Whether the item of an id is of unknown type."""
        builder = self._by_id.get(id_ or "")
        return builder is not None and isinstance(builder.item, UnknownItem)

    def accepts(self, event: Any, kinds: tuple[Kind, ...]) -> bool:
        """Whether an event may belong to an item of some types: one that goes on, or the first.

        It may not if only items of other types, or done, are at its index.
        """
        builder = self._find(event, kinds)
        if builder is not None:
            return not builder.done
        return not self._at if event.output_index is None else event.output_index not in self._at

    def _make(self, index: int | None, item: ResponseOutputItem) -> ItemBuilder:
        builder = ItemBuilder(item, index)
        if index is None:
            index = self._end
        self._end = max(self._end, index + 1)
        builder.previous = known = self._at.get(index)
        if known is not None:
            self._current[index, type(known.item)] = known
        self._current.pop((index, type(item)), None)
        self._at[index] = builder
        self._open[type(item)].append(builder)
        return builder


def _in_order(
    before: list[ItemBuilder], builders: list[ItemBuilder], kept: dict[ItemBuilder, int]
) -> list[ItemBuilder]:
    """Return the items of an output, with others where they were.

    They come after the item that was before each; or else before the one after it; or else at their
    index.
    """
    if not kept:
        return builders
    positions = {builder: position for position, builder in enumerate(builders)}
    known = [builder for builder in before if builder in positions]
    at: defaultdict[int, list[ItemBuilder]] = defaultdict(list)
    position = positions[known[0]] if known else None
    for builder in before:
        if builder in positions:
            position = positions[builder] + 1
        elif builder in kept:
            at[min(kept[builder], len(builders)) if position is None else position].append(builder)
    ordered: list[ItemBuilder] = []
    for position, builder in enumerate(builders):
        ordered += [*at[position], builder]
    return [*ordered, *at[len(builders)]]


def _has_texts(texts: dict[Kind, str], builder: ItemBuilder, reached: dict[Kind, int]) -> bool:
    """Whether texts begin with those of an item, or go on with them from where they were reached.

    An item without a text has to be kept for what is encrypted in it.
    """
    known = {kind: text for kind, text in join_texts(builder.texts()).items() if text}
    there = bool(known) or not getattr(builder.item, "encrypted_content", None)
    for kind, text in known.items():
        stated, stripped = texts.get(kind, ""), text.strip()
        here = (each for each in (text, stripped) if stated.startswith(each, reached[kind]))
        goes_on = next(here, None)
        if goes_on is not None:
            reached[kind] += len(goes_on)
        elif not stated.startswith(stripped):
            there = False
    return there


def _contents(item: ResponseOutputItem, texts: Iterable[tuple[Kind, str]]) -> Any:
    """Return what two items with the same contents have alike."""
    joined = join_texts(texts)
    return (item.type, _id(item, "name"), *sorted((kind.__name__, joined[kind]) for kind in joined))


def _type(item: ResponseOutputItem, _: object) -> Any:
    return item.type


def _contradicts(builder: ItemBuilder, item: ResponseOutputItem) -> bool:
    """Whether an item of an output cannot be one that was stated whole."""
    if isinstance(item, CALLS):
        return _differ(builder.item, item, _IDS[:1]) or _differ(builder.item, item, ("name",))
    whole = join_texts(texts_of(item))
    for kind, text in join_texts(builder.texts()).items():
        text, stated = text.strip(), whole.get(kind, "").strip()
        if not stated.startswith(text) and not text.endswith(stated):
            return True
    return False


def _ids(item: ResponseOutputItem) -> list[str]:
    if type(item) is UnknownItem:
        values = list(map(item.get, _IDS))
    else:
        values = [getattr(item, field, None) for field in _IDS]
    return [value for value in values if value and type(value) is str]


def _id(item: ResponseOutputItem, field: str) -> str:
    value = item.get(field) if type(item) is UnknownItem else getattr(item, field, None)
    return value if type(value) is str else ""


def _differ(
    known: ResponseOutputItem, item: ResponseOutputItem, fields: tuple[str, ...] = _IDS
) -> bool:
    """Whether two items have different types, or differ in the first field that both have."""
    if known.type != item.type:
        return True
    for field in fields:
        ours, theirs = _id(known, field), _id(item, field)
        if ours and theirs:
            return ours != theirs
    return False
