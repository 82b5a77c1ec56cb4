# The steps of an answer, and which of them an event belongs to.
#
# How it works:
# - A delta belongs to the latest step at its index that accepts it; or, where nothing is at its
#   index, to an open one without an index. A delta without an index belongs to the latest open step
#   that accepts it. If there is none, the delta begins a step.
# - A second start at one index replaces the step: the stream is replayed. But a step of another
#   type or id stands beside it.
#
# What always holds here: an index is a key. Steps stand in the order of their indices.

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from itertools import dropwhile, islice
from typing import Any, Final

from ssekit._deltas import TextDelta
from ssekit._fold import Unknown, unlinked
from ssekit.interactions import _result as result
from ssekit.interactions._builders import (
    ACCEPTED_BY,
    OUTPUTS,
    StepBuilder,
    id_of,
    join_texts,
)

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
        for key in sorted(self._at):
            yield from unlinked(self._at[key])

    def ends_with_call(self) -> bool:
        """Whether a function call comes after the last text, and the last result of a function."""
        for builder in reversed(list(self)):
            if builder.place is not None:
                return True
            answered = isinstance(builder.initial, result.FunctionResultStep)
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
        here = list(islice(self._here(index, former), _MAX_TRIED))
        for builder in here or self._recent(unplaced=index is not None):
            if builder.former == former and builder.accepts(delta):
                return self._placed(builder, index)
        if isinstance(delta, Unknown):
            return None
        kinds = ACCEPTED_BY[type(delta)]
        kind = kinds[-1] if former and kinds[0] in OUTPUTS else kinds[0]
        return self._make(kind(), index, former=former)

    def begin(self, index: int | None, step: Any, *, former: bool) -> StepBuilder:
        """Return the step of a start event, which replaces one that began at its index."""
        here = next(self._here(index, former), None)
        known = here or next(self._recent(unplaced=True), None)
        if known is not None and not known.begins_again(step, former=former):
            known = None
        if known is not None and known.implied:
            builder = self._placed(known, index)
        else:
            builder = self._make(step, index, former=former)
            if known is not None and here and known.index is not None:
                builder.replay(known)
                builder.previous = known.previous
                self._open.pop(known, None)
                if builder.place is not None:
                    self.calls[builder.place] = builder
        builder.begin(step)
        self.name(builder)
        return builder

    def name(self, builder: StepBuilder) -> None:
        """Give a step its place among the tool calls, if it is one."""
        if builder.place is None and builder.is_call:
            builder.place = len(self.calls)
            self.calls.append(builder)

    def end(self, index: int | None, *, former: bool) -> StepBuilder | None:
        """End a step: that at an index, or else the latest."""
        latest = reversed(self._open) if index is None else self._here(index, former)
        tried = islice(latest, _MAX_TRIED)
        open_ones = (each for each in tried if each.former == former and not each.ended)
        builder = next(open_ones, None)
        if builder is not None:
            self._open.pop(builder, None)
            builder.end()
        return builder

    def end_all(self) -> None:
        while self._open:
            self._open.popitem()[0].ended = True

    def _here(self, index: int | None, former: bool) -> Iterator[StepBuilder]:
        """Yield the steps at an index, the latest first."""
        builder = None if index is None else self._at[self._response, former].get(index)
        while builder is not None:
            yield builder
            builder = builder.previous

    def _recent(self, *, unplaced: bool) -> Iterator[StepBuilder]:
        """Yield open steps, the latest first; or only those without an index."""
        recent = islice(reversed(self._open), _MAX_TRIED)
        return (builder for builder in recent if builder.index is None or not unplaced)

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
        self._end = max(self._end, position + 1)

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
        known: dict[Any, deque[StepBuilder]] = {}
        for builder in before:
            known.setdefault((builder.initial.type, builder.id), deque()).append(builder)
        settled = []
        if self._response:  # the input is that of the first response
            steps = list(dropwhile(lambda step: step.type == "user_input", steps))
        for step in steps:
            alike = known and (known.get((step.type, id_of(step))) or known.get((step.type, "")))
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
        covered: dict[Any, bool] = {
            kind: text.startswith(texts[kind]) for kind, text in whole.items()
        }
        ahead: dict[StepBuilder | None, list[StepBuilder]] = defaultdict(list)
        following: StepBuilder | None = None
        for builder in reversed(before):
            if builder not in left:
                following = builder
            elif not builder.text() or not covered.get(builder.emitted_as):
                ahead[following].insert(0, builder)
        for builder in settled:
            builder.index, builder.ended = None, True
        in_order = [each for builder in settled for each in (*ahead.get(builder, ()), builder)]
        for position, builder in enumerate([*in_order, *ahead.get(None, ())]):
            self._put(builder, position)
        return settled
