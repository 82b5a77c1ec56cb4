# The steps of an answer, and which of them an event belongs to.
#
# How it works:
# - A delta belongs to the call whose id it has; or else to the latest step at its index, if that
#   accepts the delta; or else to the latest open step that does. (Where nothing is at the index,
#   only a step without an index may be the one.) If there is none, the delta begins a step.
# - A second start at an index goes on with the step there; if that has ended, only with the same
#   id. A step of another type, id or name stands beside it.
#
# What always holds here: an index is a key. Steps stand in the order of their indices.

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from itertools import chain, dropwhile
from typing import Any

from ssekit._calls import MAX_TRIED, PartTable, joined_texts
from ssekit._fold import Unknown
from ssekit._text import rests_of
from ssekit.interactions import _result as result
from ssekit.interactions._builders import ACCEPTED_BY, StepBuilder, field_of, id_of
from ssekit.interactions._events import ArgumentsDelta


class StepTable(PartTable[StepBuilder]):
    """The steps so far, in the order of their indices. Several responses may follow one another.

    Attributes:
        settled: How many steps the latest event had that had all of the response.
    """

    __slots__ = ("_earlier", "_ended", "settled")

    def __init__(self) -> None:
        self._earlier: list[StepBuilder] = []  # those of the responses that this one continues
        super().__init__()

    def _clear(self) -> None:
        super()._clear()
        self._ended = 0  # how many steps, at least, have ended
        self.settled = 0

    def __iter__(self) -> Iterator[StepBuilder]:
        return chain(self._earlier, super().__iter__())

    def next_response(self) -> None:
        """Take the beginning of a response that continues the steps, with indices from 0 again."""
        self.end_all()
        self._earlier += super().__iter__()
        self._clear()

    def find(self, index: int | None, delta: Any) -> StepBuilder | None:
        """Return the step of a delta, which may begin one. A blank or unknown delta begins none."""
        named = self._named(delta.call_id) if isinstance(delta, ArgumentsDelta) else None
        if named is not None:
            return named
        if self.created:
            self._drop_former_attempt(self.latest_at(index), begins=False)
        here = self.latest_at(index)
        if here is not None and here.accepts(delta):
            return here
        for builder in self._latest_open():
            if here is not None:  # a step that accepts other deltas
                may_go_on = not builder.has_whole_arguments
            else:
                may_go_on = None in (index, builder.index)
            if may_go_on and builder.accepts(delta):
                if here is None and index is not None:
                    self._set_index(builder, index)
                return builder
        if isinstance(delta, Unknown) or delta == type(delta)():  # which is blank
            return None
        return self._insert(StepBuilder(ACCEPTED_BY[type(delta)][0]()), index)

    def begin(self, index: int | None, step: Any) -> StepBuilder:
        """Return the step of a start event."""
        if self.created:
            self._drop_former_attempt(self.latest_at(index), begins=True)
        unplaced = (builder for builder in self._latest_open() if builder.index is None)
        builder = self.latest_at(index) or next(unplaced, None)
        named = self._named(step.id) if isinstance(step, result.FunctionCallStep) else None
        if named is not None and named.is_repeated_by(step):  # at whatever index
            builder = named
            if index is not None:
                self._at[index] = named
        elif builder is None or not _begins_again(builder, step):
            builder = self._insert(StepBuilder(step), index)
        elif builder.index is None and index is not None:
            self._set_index(builder, index)
        builder.begin(step)
        self.assign_place(builder)
        return builder

    def _named(self, id_: str | None) -> StepBuilder | None:
        """Return the latest call that has an id."""
        latest = reversed(self._parts[-MAX_TRIED:]) if id_ else ()
        return next((each for each in latest if each.is_call and each.step.id == id_), None)

    def end(self, index: int | None) -> StepBuilder | None:
        """End a step: the latest that is open at an index, or at all."""
        here = self.latest_at(index)
        for builder in chain(() if here is None else (here,), self._latest_open()):
            if not builder.ended and index in (None, builder.index):
                builder.end()
                return builder
        return None

    def end_all(self) -> None:
        for builder in self._parts[self._ended :]:
            builder.ended = True
        self._ended = len(self._parts)

    # The steps of the event that ends the stream.

    def settle(self, steps: list[Any]) -> tuple[list[StepBuilder], dict[Any, str]]:
        """Take all steps of a response; return them, and what is new in the texts of each kind.

        Each step has what is new in it as its latest piece. A step so far that they lack keeps its
        place, unless its text is covered by theirs, which begin with all texts of its kind so far.
        """
        before = list(super().__iter__())
        texts = joined_texts(before)
        known: defaultdict[tuple[str, str], deque[StepBuilder]] = defaultdict(deque)
        for builder in before:
            known[builder.step.type, id_of(builder.step)].append(builder)
        settled: list[StepBuilder] = []
        if self._earlier:  # the input is that of the first response
            steps = list(dropwhile(lambda step: step.type == "user_input", steps))
        for step in steps:
            alike = known.get((step.type, id_of(step))) or known.get((step.type, ""))
            builder = alike.popleft() if alike else StepBuilder(step)
            if builder.step is step:
                builder.begin(step)
            else:
                builder.state(step)
            self.assign_place(builder)
            settled.append(builder)
        covered: dict[Any, str] = rests_of(texts, joined_texts(settled))
        kept = [
            builder
            for builder in chain.from_iterable(known.values())
            if not builder.text() or builder.emitted_as not in covered
        ]
        self._replace(settled, kept)
        return settled, rests_of(texts, joined_texts(self._parts))


def _begins_again(builder: StepBuilder, step: Any) -> bool:
    """Whether the step of a start event is one that has begun."""
    names = ("id", "call_id", "type", "name")
    pairs = ((name, field_of(builder.step, name), field_of(step, name)) for name in names)
    same = {name: known == latest for name, known, latest in pairs if known and latest}
    if builder.pieces and not (builder.ended or builder.has_whole_arguments):
        same.pop("id", None)  # some hosts make a new id for each piece of a call
    if not all(same.values()) or type(step) is not type(builder.step):  # (unknown without a type)
        return False
    # Without an index, another start is of another step, unless only deltas have come.
    may_go_on = builder.index is not None or builder.step == type(builder.step)()
    return (may_go_on and not builder.ended) or "id" in same or "call_id" in same
