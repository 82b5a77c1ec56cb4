# The items of an answer, found by where events say that they are.
#
# What always holds here:
# - An item is known by its index. Its id counts where there is no index, or nothing of that type at
#   it: some hosts change the id with every event, some leave the index out (llama.cpp), and some
#   state a whole at the next one (vLLM).
# - Nothing that was said is lost to another item at the same index: they stand one after the other.
#   (Ollama gives one index to a text and to the calls after it.)

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from typing import Any, Final

from ssekit.responses._builders import CALLS, ItemBuilder
from ssekit.responses._result import ResponseOutputItem, UnknownItem

__all__ = ["Output"]

_NAMES: Final = ("call_id", "id")  # of a call, the first is what its output is to name


class Output:
    """The items so far, in the order of their indices."""

    __slots__ = ("_at", "_current", "_end", "_latest", "_named", "_places")

    def __init__(self) -> None:
        self._at: dict[int, list[ItemBuilder]] = {}
        # Of those of one type at an index, the last.
        self._current: dict[tuple[int | None, type[Any]], ItemBuilder] = {}
        self._named: dict[str, ItemBuilder] = {}
        # The one that was spoken of latest, for events that say nothing of where.
        self._latest: ItemBuilder | None = None
        self._end = 0  # beyond all indices
        self._places = 0

    def __iter__(self) -> Iterator[ItemBuilder]:
        for index in sorted(self._at):
            yield from self._at[index]

    def __bool__(self) -> bool:
        return bool(self._at)

    def find(
        self, index: int | None, name: str | None, kinds: tuple[type[Any], ...]
    ) -> ItemBuilder | None:
        """Return the item at an index, or of a name, that has one of some types."""
        for kind in kinds:
            if (index, kind) in self._current:
                return self._current[index, kind]
        candidates = [self._named.get(name or "")]
        if index is None:
            candidates.append(self._latest)
        for found in candidates:
            if (
                found is not None
                and type(found.item) in kinds
                and (not found.done or index is None)
            ):
                return found
        return None

    def of(self, event: Any, kinds: tuple[type[Any], ...]) -> ItemBuilder:
        """Return the item that an event speaks of; one of the first type is made, if there is none.

        The types are those that the item may have.
        """
        folded = self.find(event.output_index, event.item_id, kinds)
        if folded is None:
            folded = self._make(event.output_index, kinds[0](id=event.item_id))
        self._latest = folded
        return folded

    def begun(self, index: int | None, item: ResponseOutputItem) -> ItemBuilder:
        """Return the item that an event says to begin; it is made, if there is none."""
        return self._stated(index, item, ends=False)

    def ended(self, index: int | None, item: ResponseOutputItem) -> ItemBuilder:
        """Return the item that an event states whole; it is made, if there is none."""
        return self._stated(index, item, ends=True)

    def _stated(self, index: int | None, item: ResponseOutputItem, *, ends: bool) -> ItemBuilder:
        folded = self._find_stated(index, item, ends=ends)
        if folded is None:
            folded = self._make(index, type(item)())
        for name in _names(item):
            self._named[name] = folded
        self._latest = folded
        return folded

    def _find_stated(
        self, index: int | None, item: ResponseOutputItem, *, ends: bool
    ) -> ItemBuilder | None:
        current = self._current.get((index, type(item)))
        if current is not None and not (current.done and _differ(current.item, item)):
            return current
        if index is not None and not ends:
            return None
        candidates = [self._named.get(name) for name in _names(item)]
        if index is None and ends:
            candidates.append(self._latest)
        for found in candidates:
            if found is not None and type(found.item) is type(item) and not found.done:
                return found
        return None

    def settle(self, output: list[ResponseOutputItem]) -> list[ItemBuilder]:
        """Become the items of a whole output, and return what each of them was so far.

        It may leave items out, or have other indices and ids than the events had: then the items
        of a type are taken in their order.
        """
        left = dict.fromkeys(self)
        settled: dict[int, ItemBuilder] = {}
        for index, item in enumerate(output):
            for name in _names(item):
                folded = self._named.get(name)
                if folded in left and type(folded.item) is type(item):
                    del left[folded]
                    settled[index] = folded
                    break
        of_type: dict[str, deque[ItemBuilder]] = defaultdict(deque)
        for folded in left:
            of_type[folded.item.type].append(folded)
        for index, item in enumerate(output):
            if index not in settled:
                queue = of_type[item.type]
                settled[index] = queue.popleft() if queue else self._new(type(item)())
        items = [settled[index] for index in range(len(output))]
        self._at = {index: [folded] for index, folded in enumerate(items)}
        self._current = {(index, type(folded.item)): folded for index, folded in enumerate(items)}
        self._end = len(output)
        kept = set(items)
        self._named = {name: folded for name, folded in self._named.items() if folded in kept}
        for folded, item in zip(items, output, strict=True):
            self._named.update(dict.fromkeys(_names(item), folded))
        self._latest = self._latest if self._latest in kept else None
        return items

    def is_unknown(self, name: str | None) -> bool:
        """Whether an item of this name is of a type that nobody knows."""
        named = self._named.get(name or "")
        return named is not None and isinstance(named.item, UnknownItem)

    def is_of_others(self, event: Any, kinds: tuple[type[Any], ...]) -> bool:
        """Whether items are where an event is, but none, that is not done, of some types."""
        known = self.find(event.output_index, event.item_id, kinds)
        if known is not None:
            return known.done
        return bool(self._at) if event.output_index is None else event.output_index in self._at

    def calls(self) -> list[ItemBuilder]:
        """Return the tool calls, in the order in which they appeared."""
        calls = {folded.place: folded for folded in self if folded.place is not None}
        return [calls[place] for place in sorted(calls)]

    def _make(self, index: int | None, item: ResponseOutputItem) -> ItemBuilder:
        folded = self._new(item)
        if index is None:
            index = self._end
        self._end = max(self._end, index + 1)
        self._at.setdefault(index, []).append(folded)
        self._current[index, type(item)] = folded
        for name in _names(item):
            self._named[name] = folded
        return folded

    def _new(self, item: ResponseOutputItem) -> ItemBuilder:
        if not isinstance(item, CALLS):
            return ItemBuilder(item, None)
        self._places += 1
        return ItemBuilder(item, self._places - 1)


def _names(item: ResponseOutputItem) -> Iterator[str]:
    for name in _NAMES:
        value = _name(item, name)
        if value:
            yield value


def _name(item: ResponseOutputItem, field: str) -> str | None:
    value = item.get(field) if isinstance(item, UnknownItem) else getattr(item, field, None)
    return value if isinstance(value, str) else None


def _differ(known: ResponseOutputItem, item: ResponseOutputItem) -> bool:
    """Whether their types, or the first name that both have, say that they are two."""
    if known.type != item.type:
        return True
    for field in _NAMES:
        ours, theirs = _name(known, field), _name(item, field)
        if ours and theirs:
            return ours != theirs
    return False
