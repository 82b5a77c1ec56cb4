# Streams of models, with the answers and the ends that they must give.
#
# What always holds here:
# - The answer comes from the additions of the events alone, never from the bytes or from an
#   accumulator.

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from typing import Any, Final, Literal

import msgspec

from ssekit._decoder import EndedBy
from ssekit.testing._answers import Addition, FormatName, Json, build_answer

__all__ = ["ModelEvent", "ModelStream"]


def _choice_finishes(answer: Json) -> list[Any]:
    return [choice["finish_reason"] for choice in answer["choices"]]


# The values that are all present in a finished answer. Only an event finishes a response or an
# interaction.
_FINISHES: Final[dict[str, Callable[[Json], list[Any]]]] = {
    "chat": _choice_finishes,
    "completions": _choice_finishes,
    "responses": lambda _answer: [],
    "interactions": lambda _answer: [],
    "messages": lambda answer: [answer["stop_reason"]],
    "gemini": lambda answer: (
        [candidate.get("finishReason") for candidate in answer["candidates"]]
        or [answer.get("promptFeedback")]
    ),
}


class ModelEvent(msgspec.Struct, frozen=True):
    """One block of a stream, with the blank line that ends it.

    Attributes:
        data: The bytes. (A comment, or a block without data, is a block of its own.)
        additions: The additions to the answer.
        ends: How the block ends the stream: as the format's terminal "event", as the "marker", or
            None if it does not.
    """

    data: bytes
    additions: tuple[Addition, ...] = ()
    ends: Literal["event", "marker"] | None = None

    @property
    def complete_at(self) -> int:
        """The number of bytes that complete the block: of a last CR LF, the CR is enough."""
        return len(self.data) - self.data.endswith(b"\r\n")

    def unfinished(self, size: int) -> Literal["nothing", "part", "whole"]:
        """Return how much data the first `size` bytes have, in which there is no blank line."""
        start, whole = self.data.find(b"data:"), self.data.rstrip()
        if start < 0 or not self.data[start + len(b"data:") : size].strip():
            return "nothing"
        return "part" if size < len(whole) else "whole"


class ModelStream(msgspec.Struct, frozen=True):
    """A stream of a model's answer, with the answer and the end that a consumer must report.

    Attributes:
        format: The name of the format, such as "chat".
        events: The events, in the order of sending.
        data: The bytes.
        expected: The finished answer, as JSON.
        state, ended_by: The state and the end that a decoder must report.
        starts, seams: Offsets in the bytes: of the events, and of good places to cut.
    """

    format: FormatName
    events: tuple[ModelEvent, ...]

    @property
    def data(self) -> bytes:
        """The bytes of the stream."""
        return b"".join(event.data for event in self.events)

    @property
    def expected(self) -> Any:
        """The finished answer: JSON in the shape of the vendor's endpoint without streaming.

        Fields that hosts add to the vendor's format are in it only where they are part of the
        answer, such as `reasoning_content`. A consumer's result may have more.
        """
        return self.expected_after(len(self.events))

    @property
    def state(self) -> Literal["done", "truncated"]:
        """The state of the stream if the bytes end after it: "done"."""
        return self.end_after(len(self.events))[0]

    @property
    def ended_by(self) -> EndedBy | None:
        """The end: the terminal "event", the "marker", or the "finish" of every choice."""
        return self.end_after(len(self.events))[1]

    def expected_after(self, count: int, *more: Addition) -> Any:
        """Return the answer after `count` events, and after more additions."""
        read = self.events[: min(count, self._end)]
        additions = (addition for event in read for addition in event.additions)
        return build_answer(self.format, [*additions, *more])

    def end_after(self, count: int) -> tuple[Literal["done", "truncated"], EndedBy | None]:
        """Return the state of the stream, and its end, if the bytes end after `count` events."""
        if self.ended_in(count):
            return "done", self.events[self._end - 1].ends
        finishes = _FINISHES[self.format](self.expected_after(count))
        return ("done", "finish") if finishes and all(finishes) else ("truncated", None)

    def ended_in(self, count: int) -> bool:
        """Whether one of the first `count` events ends the stream. Nothing is read after it."""
        return count >= self._end

    @property
    def _end(self) -> int:
        """The number of events up to the one that ends the stream; if none does, one too many."""
        ends = (count for count, event in enumerate(self.events, 1) if event.ends)
        return next(ends, len(self.events) + 1)

    @property
    def starts(self) -> list[int]:
        """The offsets in the bytes where the events begin, and then where the last one ends."""
        return list(accumulate((len(event.data) for event in self.events), initial=0))

    @property
    def seams(self) -> list[int]:
        """The offsets in the bytes where an event begins, or lacks only its blank line."""
        wholes = [
            start + len(event.data.rstrip(b"\r\n"))
            for start, event in zip(self.starts, self.events, strict=False)
        ]
        return sorted([*self.starts, *wholes])

    def complete_in(self, size: int) -> int:
        """Return the number of events that are complete in the first `size` bytes."""
        placed = zip(self.starts, self.events, strict=False)
        return sum(start + event.complete_at <= size for start, event in placed)

    def unfinished_in(self, size: int) -> Literal["nothing", "part", "whole"]:
        """Return how much data of an incomplete event is at the end of the first `size` bytes."""
        place = self.complete_in(size)
        if place == len(self.events):
            return "nothing"
        # (Not -1, where of the CR LF before the event only the CR has come.)
        return self.events[place].unfinished(max(0, size - self.starts[place]))

    def __repr__(self) -> str:
        blocks = "".join(f"\n  {event.data!r}" for event in self.events)
        return f"<{self.format} stream, {self.state} by {self.ended_by}:{blocks}\n>"
