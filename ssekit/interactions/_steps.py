# The steps of an answer, and which of them an event belongs to.
#
# How it works:
# - A delta belongs to the call that it names; or else to the latest step at its index that accepts
#   it; or, where nothing is at its index, to an open one without an index. A delta without an index
#   belongs to the latest open step that accepts it. If there is none, the delta begins a step.
# - A second start at one index replaces the step: the stream is replayed. But a step of another
#   type or id stands beside it.
#
# What always holds here: an index is a key. Steps stand in the order of their indices.

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from itertools import chain, dropwhile, islice
from typing import Any, Final

from ssekit._deltas import TextDelta
from ssekit._fold import Unknown, unlinked
from ssekit.interactions import _result as result
from ssekit.interactions._builders import ACCEPTED_BY, OUTPUTS, StepBuilder, id_of, join_texts
from ssekit.interactions._events import ArgumentsDelta

__all__ = ["StepTable"]

# How many steps are tried for a delta.
_MAX_TRIED: Final = 16


class StepTable:
    """The steps so far, in the order of their indices. Several responses may follow one another.

    Attributes:
        calls: The function calls, in the order in which they began.
    """

    __slots__ = ("_at", "_end", "_open", "_response", "calls")

    def __init__(self) -> None:
        self.calls: list[StepBuilder] = []
        # By the number of the response and whether they are outputs, the latest step at each index.
        self._at: defaultdict[tuple[int, bool], dict[int, StepBuilder]] = defaultdict(dict)
        self._open: dict[StepBuilder, None] = {}
        self._response = 0
        self._end = 0  # beyond all indices

    def __iter__(self) -> Iterator[StepBuilder]:
        return chain.from_iterable(unlinked(self._at[key]) for key in sorted(self._at))

    def ends_with_call(self) -> bool:
        """Whether a function call comes after the last text, and the last result of a function."""
        for builder in reversed(list(self)):
            if builder.place is not None:
                return True
            answered = isinstance(builder.step, result.FunctionResultStep)
            if answered or (builder.emitted_as is TextDelta and builder.text()):
                return False
        return False

    def next_response(self) -> None:
        """Take the beginning of a response that continues the steps: its indices are from 0."""
        self.end_all()
        self._response += 1
        self._end = 0

    def find(self, index: int | None, delta: Any, *, former: bool) -> StepBuilder | None:
        """Return the step that a delta belongs to: made if it is not there; None if none can be."""
        if isinstance(delta, ArgumentsDelta) and delta.call_id:
            for builder in reversed(self.calls[-_MAX_TRIED:]):
                if builder.step.id == delta.call_id:
                    return builder
        tried = self._tried(index, former, unplaced=index is not None)
        for builder in tried:
            if builder.accepts(delta):
                return self._placed(builder, index) if builder.index is None else builder
        if tried:  # what is at the index accepts others
            for builder in self._tried(None, former, unplaced=False):
                if builder.accepts(delta) and not builder.is_whole:
                    return builder
        if isinstance(delta, Unknown):
            return None
        kinds = ACCEPTED_BY[type(delta)]
        kind = kinds[-1] if former and kinds[0] in OUTPUTS else kinds[0]
        return self._make(kind(), index, former=former)

    def begin(self, index: int | None, step: Any, *, former: bool) -> StepBuilder:
        """Return the step of a start event, which replaces one that began at its index."""
        known = next(iter(self._tried(index, former, unplaced=True)), None)
        if known is not None and not _is_one(known.step, step):
            known = None
        if known is not None and known.implied:
            builder = self._placed(known, index)
        else:
            builder = self._make(step, index, former=former)
            if known is not None and known.index is not None:
                builder.replay(known)
                builder.previous = known.previous
                self._open.pop(known, None)
                if builder.place is not None:
                    self.calls[builder.place] = builder
        builder.begin(step)
        self.name(builder)
        return builder

    def name(self, builder: StepBuilder) -> None:
        """Give a function call its place, once it has a name or an id."""
        is_one = type(builder.step) is result.FunctionCallStep and builder.place is None
        if is_one and (builder.step.name or builder.step.id):
            builder.place = len(self.calls)
            self.calls.append(builder)

    def end(self, index: int | None, *, former: bool) -> StepBuilder | None:
        """End a step: that at an index, or else the latest."""
        for builder in self._tried(index, former, unplaced=index is not None):
            if not builder.ended and index in (None, builder.position):
                self._open.pop(builder, None)
                builder.end()
                return builder
        return None

    def end_all(self) -> None:
        while self._open:
            self._open.popitem()[0].ended = True

    def _tried(self, index: int | None, former: bool, *, unplaced: bool) -> Iterable[StepBuilder]:
        """Return the steps that an event may belong to, the likeliest first.

        These are the steps at its index; or else open ones, perhaps only those without an index.
        """
        here = None if index is None else self._at[self._response, former].get(index)
        if here is not None:
            tried = [here]
            while tried[-1].previous is not None and len(tried) < _MAX_TRIED:
                tried.append(tried[-1].previous)
            return tried
        if not self._open:  # as before most starts
            return ()
        return [
            builder
            for builder in islice(reversed(self._open), _MAX_TRIED)
            if builder.former == former and (builder.index is None or not unplaced)
        ]

    def _make(self, step: Any, index: int | None, *, former: bool) -> StepBuilder:
        builder = StepBuilder(step, index, former=former)
        self._put(builder, self._end if index is None else index)
        self._open[builder] = None
        return builder

    def _put(self, builder: StepBuilder, position: int) -> None:
        builder.position = position
        at = self._at[self._response, builder.former]
        builder.previous = at.get(position)
        at[position] = builder
        if position >= self._end:
            self._end = position + 1

    def _placed(self, builder: StepBuilder, index: int | None) -> StepBuilder:
        """Return a step, which has the index of an event if it had none."""
        if builder.index is None and index is not None:
            at = self._at[self._response, builder.former]
            for each in unlinked({0: at.pop(builder.position)}):
                if each is not builder:
                    self._put(each, builder.position)
            builder.index = index
            self._put(builder, index)
        return builder

    # The steps of the event that ends the stream.

    def settle(self, steps: list[Any], *, former: bool) -> list[StepBuilder]:
        """Take all steps of a response; return them, each with what is new as its latest piece.

        Steps that these neither have, nor begin with the texts of, stay where they were.
        """
        before = unlinked(self._at.pop((self._response, former), {}))
        texts, left = join_texts(before), dict.fromkeys(before)
        known: dict[tuple[str, str], deque[StepBuilder]] = {}
        for builder in before:
            known.setdefault((builder.step.type, id_of(builder.step)), deque()).append(builder)
        settled = []
        if self._response:  # the input is that of the first response
            steps = list(dropwhile(lambda step: step.type == "user_input", steps))
        for step in steps:
            alike = None
            if known:
                alike = known.get((step.type, id_of(step))) or known.get((step.type, ""))
            if alike:
                builder = alike.popleft()
                builder.state(step)
                del left[builder]
            else:
                builder = StepBuilder(step, None, former=former)
                builder.begin(step)
                self.name(builder)
            settled.append(builder)
        whole = join_texts(settled)
        covered: set[Any] = {kind for kind in whole if whole[kind].startswith(texts[kind])}
        ahead: dict[StepBuilder | None, list[StepBuilder]] = defaultdict(list)
        following: StepBuilder | None = None
        for builder in reversed(before):
            if builder not in left:
                following = builder
            elif not builder.text() or builder.emitted_as not in covered:
                ahead[following].insert(0, builder)
        for builder in settled:
            builder.index, builder.ended = None, True
        in_order = [each for builder in settled for each in (*ahead.get(builder, ()), builder)]
        for position, builder in enumerate([*in_order, *ahead.get(None, ())]):
            self._put(builder, position)
        return settled


def _is_one(known: Any, step: Any) -> bool:
    """Whether a start event may be of a step that is known."""
    return known.type == step.type and len({id_of(known), id_of(step)} - {""}) < 2
