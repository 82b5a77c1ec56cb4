# Exponential backoff, as arithmetic: nothing here waits, and nothing is random by itself.

from __future__ import annotations

import msgspec

__all__ = ["Backoff"]

_INFINITY = float("inf")


class Backoff(msgspec.Struct, frozen=True, kw_only=True):
    """The delays of exponential backoff: how long to wait after each failed attempt.

    Attributes:
        initial: The delay after the first failure, in seconds.
        factor: The multiplier from one delay to the next.
        cap: The longest delay, in seconds, before jitter.
        jitter: The largest share of a delay that is added to it, from 0 to 1. With it, many clients
            do not come back at the same moment.
        attempts: The number of further attempts before an error is final; None for no end.
        floor: The shortest delay that a server's `retry` field can set, in seconds.

    Raises:
        ValueError: A value is not in its range.

    >>> backoff = Backoff(initial=0.5, factor=2, cap=30)
    >>> [backoff.delay(attempt) for attempt in range(8)]
    [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    """

    initial: float = 0.5
    factor: float = 2.0
    cap: float = 30.0
    jitter: float = 0.25
    attempts: int | None = 5
    floor: float = 0.1

    def __post_init__(self) -> None:
        for name, value, least, most in (
            ("initial", self.initial, 0, _INFINITY),
            ("factor", self.factor, 1, _INFINITY),
            ("cap", self.cap, self.initial, _INFINITY),
            ("jitter", self.jitter, 0, 1),
            ("attempts", self.attempts or 0, 0, _INFINITY),
            ("floor", self.floor, 0, _INFINITY),
        ):
            if not (least <= value <= most and value < _INFINITY):  # NaN fails the comparison
                limit = "" if most == _INFINITY else f" and at most {most}"
                raise ValueError(f"{name} is finite and at least {least}{limit}, not {value}")

    def delay(self, attempt: int, random: float = 0.0) -> float:
        """Return the delay, in seconds.

        Args:
            attempt: 0 after the first failure in a row, 1 after the second, and so on.
            random: The part of the jitter that is added, from 0 to 1, such as `random.random()`.
        """
        if attempt < 0:
            raise ValueError(f"attempt counts from 0, not {attempt}")
        if not 0 <= random <= 1:
            raise ValueError(f"random is from 0 to 1, not {random}")
        try:
            grown = self.initial * float(self.factor) ** attempt
        except OverflowError:
            grown = self.cap if self.initial else 0.0
        return min(grown, self.cap) * (1 + self.jitter * random)
