"""Sources that do what transports do, good and bad, and say what was done to them."""

from collections.abc import AsyncIterator, Iterator
from typing import Any


class Reads:
    """An iterator of reads; an exception among them is raised. It records how it was used."""

    def __init__(self, *reads: Any) -> None:
        self._reads = list(reads)
        self.taken = 0
        self.closed = 0

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self.closed:
            raise ValueError("read of closed source")
        if self.taken == len(self._reads):
            raise StopIteration
        self.taken += 1
        read = self._reads[self.taken - 1]
        if isinstance(read, BaseException):
            raise read
        return read

    def close(self) -> None:
        self.closed += 1


class AsyncReads:
    """The same, asynchronously."""

    def __init__(self, *reads: Any) -> None:
        self.inner = Reads(*reads)

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        try:
            read = next(self.inner)
        except StopIteration:
            raise StopAsyncIteration from None
        return await read() if callable(read) else read

    async def aclose(self) -> None:
        self.inner.close()

    @property
    def taken(self) -> int:
        return self.inner.taken

    @property
    def closed(self) -> int:
        return self.inner.closed
