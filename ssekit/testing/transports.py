"""Sources that behave like transports, good and bad, and log the calls to them.

`Reads` and `AsyncReads` follow a script: they return reads, pause on a clock that only they move,
raise, and stall. They need neither Hypothesis nor a particular event loop.
"""

import math
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any, Final

__all__ = ["STALL", "AsyncReads", "Clock", "Pause", "Reads"]


class Clock:
    """A clock that advances only by sleeping, at once.

    Pass `sleep` to `ssekit.reconnect`, `asleep` to `ssekit.areconnect`, and either to a test's own
    code.

    Attributes:
        now: The time, in seconds.

    >>> clock = Clock()
    >>> clock.sleep(1.5)
    >>> clock.now
    1.5
    """

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        """Advance the clock."""
        self.now += seconds

    async def asleep(self, seconds: float) -> None:
        """Advance the clock, asynchronously."""
        self.sleep(seconds)


class Pause:
    """A step of a script: for some seconds nothing comes. (Only the clock advances.)"""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


STALL: Final = Pause(math.inf)
"""A step of a script: nothing comes any more, and the connection stays open."""


class Reads:
    """A source that follows a script.

    Args:
        script: The steps: an exception is raised; a `Pause` advances the clock; a function is
            called, and its result is returned; any other value is returned as it is. After the
            last step, the source ends.
        clock: The clock that pauses advance. By default one of its own.
        timeout: How long a read waits, in seconds, before it raises `TimeoutError`, as clients do.

    Attributes:
        clock: The clock.
        log: The actions, in order: "read" (of a step that returns or raises), "pause", "raise",
            "end" and "close".

    Reading raises `ValueError` when the source is closed, and `AssertionError` when it stalls
    without a timeout: a test would hang there.

    >>> source = Reads(b"data: a", Pause(2), ConnectionResetError())
    >>> next(source)
    b'data: a'
    >>> next(source)
    Traceback (most recent call last):
    ConnectionResetError
    >>> source.close()
    >>> source.log, source.clock.now
    (['read', 'pause', 'read', 'raise', 'close'], 2.0)
    """

    def __init__(
        self, *script: Any, clock: Clock | None = None, timeout: float | None = None
    ) -> None:
        self.clock = clock or Clock()
        self.log: list[str] = []
        self._script = iter(script)
        self._timeout = math.inf if timeout is None else timeout

    @property
    def taken(self) -> int:
        """The number of steps so far that returned or raised."""
        return self.log.count("read")

    @property
    def closed(self) -> int:
        """How often the source was closed."""
        return self.log.count("close")

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self.closed:
            raise ValueError("read of closed source")
        for step in self._script:
            try:
                if isinstance(step, Pause):
                    self._wait(step.seconds)
                    continue
                self.log.append("read")
                if isinstance(step, BaseException):
                    raise step
                return step() if callable(step) else step
            except BaseException:
                self.log.append("raise")
                raise
        self.log.append("end")
        raise StopIteration

    def close(self) -> None:
        """Close the source."""
        self.log.append("close")

    def _wait(self, seconds: float) -> None:
        self.log.append("pause")
        if seconds > self._timeout:
            self.clock.sleep(self._timeout)
            raise TimeoutError(f"nothing came for {self._timeout} s")
        if seconds == math.inf:
            raise AssertionError("the source stalls, and nothing would end the read")
        self.clock.sleep(seconds)


class AsyncReads:
    """The asynchronous twin of `Reads`: functions in the script may be asynchronous.

    A function that does not return, such as `trio.sleep_forever`, is a read that only cancellation
    ends. If it raises, the log has "raise".

    Attributes:
        inner: The synchronous source that follows the script.
        clock: The clock.
        log: The actions, in order.
    """

    def __init__(
        self, *script: Any, clock: Clock | None = None, timeout: float | None = None
    ) -> None:
        self.inner = Reads(*script, clock=clock, timeout=timeout)
        self.clock = self.inner.clock
        self.log = self.inner.log

    @property
    def taken(self) -> int:
        """The number of steps so far that returned or raised."""
        return self.inner.taken

    @property
    def closed(self) -> int:
        """How often the source was closed."""
        return self.inner.closed

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        try:
            read = next(self.inner)
        except StopIteration:
            raise StopAsyncIteration from None
        if not isinstance(read, Awaitable):
            return read
        try:
            return await read
        except BaseException:
            self.log.append("raise")
            raise

    async def aclose(self) -> None:
        """Close the source."""
        self.inner.close()
