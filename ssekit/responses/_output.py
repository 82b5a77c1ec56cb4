# The items of an answer, and which of them an event belongs to.
#
# How it works: the items that an event may belong to are tried in an order. The first one that
# accepts the event is its item. They are of a type that fits, and:
# - of the event's id, and at its index; or the latest at its index;
# - of the id (for a whole item, also of the call_id), at another index;
# - the latest that is not done. Where no item is at the index, it must not have another one;
# - that of the event before, if it has the same whole text.
# An item that is done takes nothing but its own texts, once more. If none accepts the event, a
# new item is made. `settle` takes the output of the terminal response.
#
# What always holds here:
# - An index goes before an id: some hosts change the id with every event.
# - Items of different types at one index stay apart, in the order in which they came, and so do
#   wholes of different ids. (Ollama gives one index to a text and to the calls after it.)

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from typing import Any, Final

from ssekit._calls import PartTable
from ssekit._text import Text
from ssekit.responses import _result as result
from ssekit.responses._builders import CALLS, ItemBuilder, own_text, texts_of
from ssekit.responses._parts import join_texts
from ssekit.responses._result import ResponseOutputItem, UnknownItem
from ssekit.responses._tables import Kind

# The fields that identify an item. The call_id, which the output of a call refers to, goes first.
_IDS: Final = ("call_id", "id")


class OutputTable(PartTable[ItemBuilder]):
    """The items so far, in the order of their indices.

    Attributes:
        created: Whether the response was created anew, and no event of an item has come since then.
            If the first of these begins an item again, it begins another attempt: all items so far
            are dropped.
    """

    __slots__ = ("_by_id", "_latest", "_open", "_places", "created")

    def __init__(self) -> None:
        self._places = 0  # how many tool calls have one
        self._clear()

    def _clear(self) -> None:
        super()._clear()
        self.created = False
        self._by_id: dict[str, ItemBuilder] = {}
        self._latest: ItemBuilder | None = None  # the item of the latest event
        # For each type, the items that are not done. Those that are leave the end of the list.
        self._open: defaultdict[Kind, list[ItemBuilder]] = defaultdict(list)

    def __bool__(self) -> bool:
        return bool(self._parts)

    @property
    def calls(self) -> list[ItemBuilder]:
        """The tool calls, in the order in which they appeared."""
        calls = [builder for builder in self if builder.place is not None]
        return sorted(calls, key=lambda builder: builder.place or 0)

    def ends_with_call(self) -> bool:
        """Whether a tool call comes after the last message with text."""
        for builder in reversed(list(self)) if self._places else ():
            if builder.place is not None:
                return True
            texts = [text for kind, text in builder.texts() if kind is result.ResponseOutputText]
            if any(map(Text.size, texts)):
                return False
        return False

    def of(
        self, event: Any, kinds: tuple[Kind, ...], *, piece: bool = False, whole: str | None = None
    ) -> ItemBuilder:
        """Return the item of an event, which may have a `piece` of a text or a `whole` text.

        The item is of one of the types `kinds`. If there is none, one of the first type is made.
        """
        index = event.output_index
        builder = self.find(event, kinds, piece=piece, whole=whole)
        if piece and self.created and (builder.ended if builder else self._latest_at(index)):
            self._clear()
            builder = None
        if builder is None:
            builder = self._insert(ItemBuilder(kinds[0](id=event.item_id)), index)
        return self._found(builder, index)

    def find(
        self, event: Any, kinds: tuple[Kind, ...], *, piece: bool = False, whole: str | None = None
    ) -> ItemBuilder | None:
        """Return the item that `of` returns, or None if that would make one."""
        index, first, known = event.output_index, None, self._by_id.get(event.item_id)
        usual = known is not None and known.index == index and type(known.item) in kinds
        if known is not None and usual and not known.ended:
            return known  # (This shortcut saves 6 percent with recorded streams.)
        ids = (event.item_id, getattr(event, "call_id", None))
        alone = ids[1] if index is None and event.item_id is None else None
        for builder in self._candidates(index, ids, kinds, whole or ""):
            if alone and not builder.is_stated and _id(builder.item, "call_id") not in ("", alone):
                continue  # without items of their own, calls are told apart by their call_id
            if not (builder.ended and (piece or (whole and not builder.holds(whole)))):
                return builder
            if first is None and (index is None or builder.index == index):
                first = builder
        announced = event.item_id is None or event.item_id in self._by_id
        return first if announced or not piece else None

    def stated(self, index: int | None, item: ResponseOutputItem, *, whole: bool) -> ItemBuilder:
        """Return the item that an event has, begun or whole; it is made if it is not there."""
        ids = _ids(item)
        builder = self._find_stated(index, item, ids, whole)
        if builder is None:
            builder = self._insert(ItemBuilder(item), index)
        else:
            self._by_id.update(dict.fromkeys(ids, builder))
        return self._found(builder, index)

    def _find_stated(
        self, index: int | None, item: ResponseOutputItem, ids: list[str], whole: bool
    ) -> ItemBuilder | None:
        """Return the item that `stated` returns, or None if that makes one."""
        known, is_call = self._of_ids(ids, (type(item),)), _call_key(item) is not None
        usual = known is not None and known.index == index and not known.has_begun(whole)
        if usual and not self.created:
            return known  # (This shortcut saves 5 percent with recorded streams.)
        begun = [builder for builder in (known, self._latest_at(index)) if builder is not None]
        if self.created and any(builder.has_begun(whole) for builder in begun):
            self._clear()
            return None
        other = known is None or _differ(known.item, item, _IDS[:1])
        if is_call and known is not None and not other and known.repeats(item):
            known.index = known.index if index is None else index  # that of its next events
            return known
        texts = [text for _, text in texts_of(item) if text] if whole and self._parts else []
        for builder in self._candidates(index, ids, (type(item),), "".join(texts[:1])):
            here = builder.index == index and (index is not None or builder is known)
            if not builder.has_begun(whole):
                if here or not _differ(builder.item, item, _IDS[:1]):
                    return builder
            elif here:
                again = builder.has_texts(texts) if texts[1:] else builder.holds("".join(texts))
                # Where a call was only repeated at an index, one with other arguments is another.
                moved = is_call and index is not None and self._latest_at(index) is not builder
                if not moved and (again or not _differ(builder.item, item)):
                    return builder
        return None

    def _candidates(
        self, index: int | None, ids: Iterable[str | None], kinds: tuple[Kind, ...], whole: str
    ) -> Iterator[ItemBuilder]:
        """Yield the items that an event may belong to, which may have a `whole` text."""
        known = self._of_ids(ids, kinds)
        if known is not None and known.index == index:
            yield known
        here = self._latest_at(index)
        if here is not None and type(here.item) in kinds:
            yield here
        if known is not None:
            yield known
        for kind in kinds:
            open_items = self._open[kind]
            while open_items and open_items[-1].ended:
                open_items.pop()
            for builder in open_items[-1:]:
                near = index is None or here is not None or builder.index in (None, index)
                if near or builder.holds(whole):
                    yield builder
        latest = self._latest
        fits = latest is not None and type(latest.item) in kinds
        if latest is not None and fits and (index is None or latest.holds(whole)):
            yield latest

    def has_nothing_at(self, event: Any) -> bool:
        """Whether no item is at the index of an event."""
        return self._latest_at(event.output_index) is None

    def _of_ids(self, ids: Iterable[str | None], kinds: tuple[Kind, ...]) -> ItemBuilder | None:
        for id_ in ids:
            builder = self._by_id.get(id_ or "")
            if builder is not None and type(builder.item) in kinds:
                return builder
        return None

    def _found(self, builder: ItemBuilder, index: int | None) -> ItemBuilder:
        """Note the item of the latest event, which gives its index to an item without one."""
        if builder.index is None:
            builder.index = index
        self._latest, self.created, builder.changed = builder, False, True
        return builder

    def _insert(self, builder: ItemBuilder, index: int | None) -> ItemBuilder:
        self._parts.append(builder)
        self._set_index(builder, self._end if index is None else index)
        builder.index = index
        self._open[type(builder.item)].append(builder)
        for id_ in _ids(builder.item):
            self._by_id[id_] = builder
        return builder

    def assign_place(self, builder: ItemBuilder) -> None:
        """Give an item its place among the tool calls, if it is one."""
        if builder.place is None and builder.is_call:
            builder.place = self._places
            self._places += 1

    # The output of the terminal response.

    def settle(
        self, output: list[ResponseOutputItem]
    ) -> Iterable[tuple[ItemBuilder, ResponseOutputItem]]:
        """Take a whole output: return its items, each after its builder."""
        # A call that is there twice, by its call_id, is one.
        unique = {_call_key(item) or id(item): item for item in reversed(output)}
        output = list(unique.values())[::-1]
        builders = self._match(output) if self._parts else list(map(ItemBuilder, output))
        ordered = self._settled(builders, output) if self._parts else builders
        self._clear()
        for position, builder in enumerate(ordered):
            self._insert(builder, position)
        return zip(builders, output, strict=True)

    def _settled(
        self, builders: list[ItemBuilder], output: list[ResponseOutputItem]
    ) -> list[ItemBuilder]:
        """Return the builders of an output, and of the items that stay, in their order.

        An item that is missing in the output stays if it was stated whole, or if it has a text or a
        name and the output has no item of its type. Any other item is dropped.
        """
        before = list(self)
        positions = {builder: position for position, builder in enumerate(builders)}
        missing, types = _missing(before, output), {item.type for item in output}
        # An item that stays comes after the one that was before it. The first comes at its index,
        # but before those that were after it.
        at = [*self._at, *(positions[builder] for builder in before if builder in positions)]
        after = min(at, default=0) - 1
        for builder in before:
            came = builder.place is not None or any(text.size() for _, text in builder.texts())
            stays = builder.ended or (came and builder.item.type not in types)
            if builder in positions or (stays and builder in missing and not self.created):
                after = positions.setdefault(builder, after)
        return sorted(positions, key=positions.__getitem__)

    def _match(self, output: list[ResponseOutputItem]) -> list[ItemBuilder]:
        """Return the builder of each item of the output.

        Its items may have other indices and ids than the events had. One without a known id is the
        item with the same contents, or else the next of its type that it does not contradict.
        """
        left = dict.fromkeys(self)
        matched: dict[int, ItemBuilder] = {}
        for position, item in enumerate(output):
            builder = self._of_ids(_ids(item), (type(item),))
            if builder in left:
                del left[builder]
                matched[position] = builder
        for alike in (_contents, _type):
            queues: defaultdict[Any, deque[ItemBuilder]] = defaultdict(deque)
            for builder in left:
                queues[alike(builder.item, str(builder.pieces), builder.texts())].append(builder)
            for position, item in enumerate(output if left else ()):
                queue = queues[alike(item, own_text(item), texts_of(item))]
                while queue and position not in matched:
                    builder = queue.popleft()
                    if not (builder.ended and _contradicts(builder, item)):
                        matched[position] = builder
                        del left[builder]
        return [matched.get(at) or ItemBuilder(item) for at, item in enumerate(output)]


def _missing(builders: list[ItemBuilder], output: list[ResponseOutputItem]) -> set[ItemBuilder]:
    """Return the items that are missing in an output, by their call_id or by their texts.

    The output may divide the texts in another way. An item without a text has to be kept if it has
    encrypted content.
    """
    named = {_id(item, "call_id") for item in output} - {""}
    texts = _without_spaces(text for item in output for text in texts_of(item))
    reached: defaultdict[Kind, int] = defaultdict(int)
    missing: set[ItemBuilder] = set()
    for builder in builders:
        if isinstance(builder.item, (result.ResponseOutputMessage, result.ResponseReasoningItem)):
            known = _without_spaces(builder.texts())
            there = bool(known) or not getattr(builder.item, "encrypted_content", None)
            for kind, text in known.items():
                stated = texts.get(kind, "")
                if stated.startswith(text, reached[kind]):
                    reached[kind] += len(text)
                elif not stated.startswith(text):
                    there = False
        else:
            there = _id(builder.item, "call_id") in named
        if not there:
            missing.add(builder)
    return missing


def _without_spaces(texts: Iterable[tuple[Kind, str | Text]]) -> dict[Kind, str]:
    """Return the texts of each type, joined and without white space; none that is empty."""
    joined = {kind: "".join(text.split()) for kind, text in join_texts(texts).items()}
    return {kind: text for kind, text in joined.items() if text}


def _contents(item: ResponseOutputItem, text: str, texts: Iterable[tuple[Kind, str | Text]]) -> Any:
    """Return a key that items with the same contents have in common."""
    parts = sorted((kind.__name__, known) for kind, known in _without_spaces(texts).items())
    return (item.type, _id(item, "name"), "".join(text.split()), *parts)


def _type(item: ResponseOutputItem, *_: object) -> Any:
    return item.type


def _call_key(item: Any) -> Any:
    """Return a key that items of one tool call have in common; None without a call_id."""
    if type(item) not in CALLS or not item.call_id:
        return None
    return item.call_id, item.name, own_text(item)


def _contradicts(builder: ItemBuilder, item: ResponseOutputItem) -> bool:
    """Whether an item of an output cannot be one that was stated whole.

    (Some hosts give a call another call_id there.)
    """
    if isinstance(item, CALLS):
        other = _differ(builder.item, item, _IDS[:1]) and not builder.repeats(item)
        return other or _differ(builder.item, item, ("name",))
    whole = _without_spaces(texts_of(item))
    for kind, text in _without_spaces(builder.texts()).items():
        stated = whole.get(kind, "")
        if not stated.startswith(text) and not text.endswith(stated):
            return True
    return False


def _ids(item: Any) -> list[str]:
    if type(item) is UnknownItem:
        values = item.get("call_id"), item.get("id")
    else:
        values = getattr(item, "call_id", None), item.id
    return [value for value in values if value and type(value) is str] if any(values) else []


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
