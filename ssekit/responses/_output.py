# The items of an answer, and which of them an event belongs to.
#
# How it works: the items that an event may belong to are tried in an order. The first one that
# accepts the event is its item. They are of a type that fits, and:
# - of the event's id or call_id, and at its index; or the latest at its index;
# - of the id or call_id, at another index;
# - not done, the latest first. Where no item is at the index, they have no other index, or the
#   same whole text;
# - the latest item, if it has the same whole text, or the event has no index.
# An item that is done accepts only a whole text that it has. It takes anything else as the last
# resort, but a piece only if the event's id is known or absent. Otherwise a new item is made.
# `settle` takes the output of the terminal response.
#
# What always holds here:
# - An index goes before an id: some hosts change the id with every event.
# - Items of different types at one index stay apart, in the order in which they came, and so do
#   wholes of different ids. (Ollama gives one index to a text and to the calls after it.)

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, TypeAlias

from ssekit._calls import MAX_TRIED, PartTable
from ssekit._text import Text, join_texts
from ssekit.responses import _result as result
from ssekit.responses._builders import CALLS, ItemBuilder, own_text, texts_of
from ssekit.responses._result import ResponseOutputItem, UnknownItem
from ssekit.responses._tables import Kind

# The texts of an item by their type, without white space.
_Texts: TypeAlias = dict[Kind, str]

# The fields that identify an item. The call_id, which the output of a call refers to, goes first.
_CALL_ID: Final = ("call_id",)
_IDS: Final = (*_CALL_ID, "id")


class OutputTable(PartTable[ItemBuilder]):
    """The items so far, in the order of their indices."""

    __slots__ = ("_by_id",)

    def _clear(self) -> None:
        super()._clear()
        self._by_id: dict[str, ItemBuilder] = {}

    def of(
        self, event: Any, kinds: tuple[Kind, ...], *, piece: bool = False, whole: str | None = None
    ) -> ItemBuilder:
        """Return the item of an event, which may have a `piece` of a text or a `whole` text.

        The item is of one of the types `kinds`. If there is none, one of the first type is made.
        """
        index = event.output_index
        if self.created and piece:
            self._drop_former_attempt(self.latest_at(index), begins=False)
        self.created = False
        builder = self.find(event, kinds, piece=piece, whole=whole)
        if builder is None:
            builder = self._insert(ItemBuilder(kinds[0](id=event.item_id)), index)
        return self._found(builder, index)

    def find(
        self, event: Any, kinds: tuple[Kind, ...], *, piece: bool = False, whole: str | None = None
    ) -> ItemBuilder | None:
        """Return the item that `of` returns, or None if that would make one."""
        index, last_resort, known = event.output_index, None, self._by_id.get(event.item_id)
        usual = known is not None and known.index == index and type(known.item) in kinds
        if known is not None and usual and not known.ended:
            return known  # (This shortcut saves 6 percent with recorded streams.)
        item_id, call_id = event.item_id, getattr(event, "call_id", None)
        # Without an index, an id and an item of their own, calls are told apart by their call_id.
        only_id = call_id if index is None and item_id is None else None
        for builder in self._candidates(index, (item_id, call_id), kinds, whole or ""):
            known_id = _id(builder.item, "call_id") if only_id and not builder.is_stated else ""
            if known_id not in ("", only_id):
                continue
            if not (builder.ended and (piece or (whole and not builder.holds(whole)))):
                return builder
            last_resort = last_resort or builder
        has_new_id = item_id is not None and item_id not in self._by_id
        return None if piece and has_new_id else last_resort

    def stated(self, index: int | None, item: ResponseOutputItem, *, done: bool) -> ItemBuilder:
        """Return the item that an event has, begun or done; it is made if it is not there."""
        ids = _ids(item)
        if self.created:
            known = self._of_ids(ids, (type(item),))
            self._drop_former_attempt(known, self.latest_at(index), begins=not done)
        builder = self._find_stated(index, item, ids, done)
        if builder is None:
            builder = self._insert(ItemBuilder(item), index)
        else:
            self._by_id.update(dict.fromkeys(ids, builder))
        return self._found(builder, index)

    def _find_stated(
        self, index: int | None, item: ResponseOutputItem, ids: list[str], done: bool
    ) -> ItemBuilder | None:
        """Return the item that `stated` returns, or None if that makes one."""
        known = self._of_ids(ids, (type(item),))
        if known is not None:
            if known.index == index and not known.has_come(done):
                return known  # (This shortcut saves 5 percent with recorded streams.)
            if known.repeats(item) and not _differ(known.item, item, _CALL_ID):
                if index is not None:  # that of its next events
                    self._at[index] = known
                return known
        texts = texts_of(item) if done and self._parts else ()
        text = next((text for _, text in texts if text), "")
        for builder in self._candidates(index, ids, (type(item),), text):
            # Without an index, an item is the same one only if its id is.
            here = builder.index == index and (index is not None or builder is known)
            if not builder.has_come(done):
                if here or not _differ(builder.item, item, _CALL_ID):
                    return builder
            elif here and (builder.holds(text) or not _differ(builder.item, item)):
                return builder
        return None

    def _candidates(
        self, index: int | None, ids: Iterable[str | None], kinds: tuple[Kind, ...], whole: str
    ) -> Iterator[ItemBuilder]:
        """Yield the items that an event may belong to, which may have a `whole` text."""
        known = self._of_ids(ids, kinds)
        if known is not None and known.index == index:
            yield known
        here = self.latest_at(index)
        if here is not None and type(here.item) in kinds:
            yield here
        if known is not None:
            yield known
        for kind in kinds:
            for builder in (each for each in self._latest_open() if type(each.item) is kind):
                near = index is None or here is not None or builder.index in (None, index)
                if near or builder.holds(whole):
                    yield builder
        for builder in self._parts[-1:]:
            if type(builder.item) in kinds and (index is None or builder.holds(whole)):
                yield builder

    def _of_ids(self, ids: Iterable[str | None], kinds: tuple[Kind, ...]) -> ItemBuilder | None:
        for id_ in ids:
            builder = self._by_id.get(id_ or "")
            if builder is not None and type(builder.item) in kinds:
                return builder
        return None

    def _found(self, builder: ItemBuilder, index: int | None) -> ItemBuilder:
        """Return the item of an event, which gives its index to an item without one."""
        if builder.index is None and index is not None:
            self._set_index(builder, index)
        return builder

    def _insert(self, builder: ItemBuilder, index: int | None) -> ItemBuilder:
        super()._insert(builder, index)
        for id_ in _ids(builder.item):
            self._by_id[id_] = builder
        return builder

    # The output of the terminal response.

    def settle(
        self, output: list[ResponseOutputItem]
    ) -> Iterable[tuple[ItemBuilder, ResponseOutputItem]]:
        """Take a whole output: return its items, each after its builder.

        An item that came, and that the output does not have, stays.
        """
        # A call that is there twice is one: as it is stated first, at the place where it is last.
        unique = {_call_key(item) or id(item): item for item in reversed(output)}
        output = list(unique.values())[::-1]
        texts = {builder: _without_spaces(builder.texts()) for builder in self}
        builders = self._match(output, texts)
        self._replace(builders, [] if self.created else _missing(texts, output))
        return zip(builders, output, strict=True)

    def _match(
        self, output: list[ResponseOutputItem], texts: Mapping[ItemBuilder, _Texts]
    ) -> list[ItemBuilder]:
        """Return the builder of each item of the output, by the `texts` of those so far.

        Its items may have other indices and ids than the events had. One without a known id is the
        next of its type that it does not contradict.
        """
        unmatched: defaultdict[str, dict[ItemBuilder, None]] = defaultdict(dict)
        for builder in self:
            unmatched[builder.item.type][builder] = None
        matched: dict[int, ItemBuilder] = {}
        for at, item in enumerate(output):
            named = self._of_ids(_ids(item), (type(item),))
            if named in unmatched[item.type]:
                del unmatched[item.type][named]
                matched[at] = named
        for at, item in enumerate(output):
            if at not in matched:
                stated = _without_spaces(texts_of(item))
                left = unmatched[item.type]
                for builder in list(islice(left, MAX_TRIED)):
                    known = texts[builder]
                    if not (builder.ended and _contradicts(builder, known, item, stated)):
                        del left[builder]
                        matched[at] = builder
                        break
                    if any(known.get(kind, "").startswith(text) for kind, text in stated.items()):
                        del left[builder]  # the output divides its text
                else:
                    matched[at] = ItemBuilder(item)
        return [matched[at] for at in range(len(output))]


def _missing(
    builders: Mapping[ItemBuilder, _Texts], output: list[ResponseOutputItem]
) -> list[ItemBuilder]:
    """Return the items that are missing in an output, by their call_id or by their texts.

    Texts are compared over all items: the output may divide them in another way. A message, or
    reasoning, without a text is missing if it has encrypted content. An item that did not end is
    missing only if it has content, and the output has no item of its type.
    """
    types = {item.type for item in output}
    named = {_id(item, "call_id") for item in output} - {""}
    texts = _without_spaces(text for item in output for text in texts_of(item))
    reached: defaultdict[Kind, int] = defaultdict(int)
    missing = []
    for builder, known in builders.items():
        has_content = builder.place is not None
        if isinstance(builder.item, (result.ResponseOutputMessage, result.ResponseReasoningItem)):
            there = bool(known) or not getattr(builder.item, "encrypted_content", None)
            for kind, text in known.items():
                stated = texts.get(kind, "")
                if stated.startswith(text, reached[kind]):
                    reached[kind] += len(text)
                elif not stated.startswith(text):
                    there = False
            has_content = bool(known)
        else:
            there = _id(builder.item, "call_id") in named
        if not there and (builder.ended or (has_content and builder.item.type not in types)):
            missing.append(builder)
    return missing


def _without_spaces(texts: Iterable[tuple[Kind, str | Text]]) -> _Texts:
    """Return the texts of each type, joined and without white space; none that is empty."""
    joined = {kind: "".join(text.split()) for kind, text in join_texts(texts).items()}
    return {kind: text for kind, text in joined.items() if text}


def _call_key(item: Any) -> Any:
    """Return a key that items of one tool call have in common; None without a call_id."""
    if type(item) not in CALLS or not item.call_id:
        return None
    return item.call_id, item.name, own_text(item)


def _contradicts(
    builder: ItemBuilder, known: _Texts, item: ResponseOutputItem, stated: _Texts
) -> bool:
    """Whether an item of an output cannot be one that is done.

    (Some hosts give a call another call_id there.)
    """
    if isinstance(item, CALLS):
        is_other = _differ(builder.item, item, _CALL_ID) and not builder.repeats(item)
        return is_other or _differ(builder.item, item, ("name",))
    pairs = ((text, stated.get(kind, "")) for kind, text in known.items())
    return any(not (whole.startswith(text) or text.endswith(whole)) for text, whole in pairs)


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
