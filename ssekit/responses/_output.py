# The items of an answer, and which of them an event belongs to.
#
# How it works, by the first rule that finds an item of a type that fits:
# - The latest item of that type at the index of the event.
# - The item of the event's id (or of the call_id, for a whole item), unless the event of the whole
#   item has come. Some hosts state a whole at the next index (vLLM).
# - For an event without an index: the item of the event before. Some hosts have none (llama.cpp).
# If none does, a new item is made.
#
# What always holds here:
# - An index goes before an id: some hosts change the id with every event.
# - Items of different types at one index stay apart, in the order in which they came, and so do
#   wholes of different ids. (Ollama gives one index to a text and to the calls after it.)

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Any, Final

from ssekit.responses._builders import ItemBuilder
from ssekit.responses._result import (
    ResponseCustomToolCall,
    ResponseFunctionToolCall,
    ResponseOutputItem,
    ResponseOutputMessage,
    UnknownItem,
)
from ssekit.responses._tables import Kind

__all__ = ["OutputTable"]

_CALLS: Final = (ResponseFunctionToolCall, ResponseCustomToolCall)
# The fields that identify an item. The call_id, which the output of a call refers to, goes first.
_IDS: Final = ("call_id", "id")


class OutputTable:
    """The items so far, in the order of their indices."""

    __slots__ = ("_at", "_by_id", "_current", "_end", "_latest", "_places")

    def __init__(self) -> None:
        self._at: dict[int, list[ItemBuilder]] = {}
        # For each index and type, the latest item.
        self._current: dict[tuple[int | None, Kind], ItemBuilder] = {}
        self._by_id: dict[str, ItemBuilder] = {}
        # The item of the latest event.
        self._latest: ItemBuilder | None = None
        self._end = 0  # beyond all indices
        self._places = 0

    def __iter__(self) -> Iterator[ItemBuilder]:
        for index in sorted(self._at):
            yield from self._at[index]

    def __bool__(self) -> bool:
        return bool(self._at)

    def calls(self) -> list[ItemBuilder]:
        """Return the tool calls, in the order in which they appeared."""
        calls = (builder for builder in self if builder.place is not None)
        return sorted(calls, key=attrgetter("place"))

    def ends_with_call(self) -> bool:
        """Whether a tool call comes after the last message with text."""
        for builder in reversed(list(self)):
            if builder.place is not None:
                return True
            if isinstance(builder.item, ResponseOutputMessage) and builder.has_text():
                return False
        return False

    def of(self, event: Any, kinds: tuple[Kind, ...]) -> ItemBuilder:
        """Return the item that an event belongs to.

        The item has one of some types. If there is none, one of the first type is made.
        """
        builder = self._find(event, kinds)
        if builder is None:
            builder = self._make(event.output_index, kinds[0](id=event.item_id))
        self._latest = builder
        return builder

    def _find(self, event: Any, kinds: tuple[Kind, ...]) -> ItemBuilder | None:
        index = event.output_index
        for kind in kinds:
            if (index, kind) in self._current:
                return self._current[index, kind]
        unplaced = index is None
        return self._find_elsewhere([event.item_id], kinds, latest=unplaced, done=unplaced)

    def stated(self, index: int | None, item: ResponseOutputItem, *, whole: bool) -> ItemBuilder:
        """Return the item that an event has, begun or whole; it is made if it is not there."""
        builder = self._find_stated(index, item, whole=whole)
        if builder is None:
            builder = self._make(index, type(item)())
        self._by_id.update(dict.fromkeys(_ids(item), builder))
        self._latest = builder
        return builder

    def _find_stated(
        self, index: int | None, item: ResponseOutputItem, *, whole: bool
    ) -> ItemBuilder | None:
        current = self._current.get((index, type(item)))
        if current is not None and not (current.done and _differ(current.item, item)):
            return current
        if index is not None and not whole:
            return None
        latest = index is None and whole
        return self._find_elsewhere(_ids(item), (type(item),), latest=latest, done=False)

    def _find_elsewhere(
        self, ids: Iterable[str | None], kinds: tuple[Kind, ...], *, latest: bool, done: bool
    ) -> ItemBuilder | None:
        """Return the item of an id, or else the latest; it may be done or not."""
        candidates = [self._by_id.get(id_ or "") for id_ in ids]
        if latest:
            candidates.append(self._latest)
        for builder in candidates:
            if builder is not None and type(builder.item) in kinds and (done or not builder.done):
                return builder
        return None

    def settle(self, output: list[ResponseOutputItem]) -> list[ItemBuilder]:
        """Take a whole output: return the builder of each of its items, and drop any other.

        Its items may have other indices and ids than the events had. Those without a known id are
        the items of their type, in order.
        """
        left = dict.fromkeys(self)
        by_position: dict[int, ItemBuilder] = {}
        for position, item in enumerate(output):
            for id_ in _ids(item):
                builder = self._by_id.get(id_)
                if builder in left and type(builder.item) is type(item):
                    del left[builder]
                    by_position[position] = builder
                    break
        of_type: defaultdict[str, deque[ItemBuilder]] = defaultdict(deque)
        for builder in left:
            of_type[builder.item.type].append(builder)
        for position, item in enumerate(output):
            if position not in by_position:
                queue = of_type[item.type]
                by_position[position] = queue.popleft() if queue else self._new(type(item)())
        builders = [by_position[position] for position in range(len(output))]
        self._at = {index: [builder] for index, builder in enumerate(builders)}
        self._current = {(index, type(each.item)): each for index, each in enumerate(builders)}
        self._end = len(output)
        kept = set(builders)
        self._by_id = {id_: builder for id_, builder in self._by_id.items() if builder in kept}
        for builder, item in zip(builders, output, strict=True):
            self._by_id.update(dict.fromkeys(_ids(item), builder))
        self._latest = self._latest if self._latest in kept else None
        return builders

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
        builder = self._new(item)
        if index is None:
            index = self._end
        self._end = max(self._end, index + 1)
        self._at.setdefault(index, []).append(builder)
        self._current[index, type(item)] = builder
        self._by_id.update(dict.fromkeys(_ids(item), builder))
        return builder

    def _new(self, item: ResponseOutputItem) -> ItemBuilder:
        if not isinstance(item, _CALLS):
            return ItemBuilder(item, None)
        self._places += 1
        return ItemBuilder(item, self._places - 1)


def _ids(item: ResponseOutputItem) -> list[str]:
    return [id_ for field in _IDS if (id_ := _id(item, field))]


def _id(item: ResponseOutputItem, field: str) -> str:
    value = item.get(field) if isinstance(item, UnknownItem) else getattr(item, field, None)
    return value if isinstance(value, str) else ""


def _differ(known: ResponseOutputItem, item: ResponseOutputItem) -> bool:
    """Whether two items have different types, or differ in the first id that both have."""
    if known.type != item.type:
        return True
    for field in _IDS:
        ours, theirs = _id(known, field), _id(item, field)
        if ours and theirs:
            return ours != theirs
    return False
