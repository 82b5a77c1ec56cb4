# Many fragments in, one whole out: the buffer behind unfinished lines, data lines and texts.
#
# What always holds here:
# - Linear: a fragment is copied once a level, and there are log64(n) levels (four for 16 million).
# - Compact: fewer than 64 fragments a level are held apart, so the memory is that of the text plus
#   a few KiB, however small the fragments are. A list of two-byte fragments takes twenty times
#   the memory of its text.

from __future__ import annotations

from collections.abc import Callable, Sized
from typing import Final, Generic, TypeVar

import msgspec

__all__ = ["MERGE_AT", "Fragments"]

PieceT = TypeVar("PieceT", bound=Sized)

# How many fragments are joined at a time. Appending a fragment of four characters took 88, 77 and
# 72 ns with 16, 64 and 256; a larger number holds more fragments apart.
MERGE_AT: Final = 64


# (A struct is made in a sixth of the time of a class.)
class Fragments(msgspec.Struct, Generic[PieceT], gc=False, eq=False):
    """A buffer for the pieces of a text (or of bytes), which are joined when they are read.

    `join` makes one piece of many, such as `"".join`. A buffer is true once it has a piece, even an
    empty one.

    Attributes:
        pending: The newest pieces. Code that appends to this list itself, to save a call, must call
            `compact` when the list has `MERGE_AT` pieces.
    """

    _join: Callable[[list[PieceT]], PieceT]
    pending: list[PieceT] = []
    # The merged pieces, oldest first, and the number of merges.
    _blocks: list[PieceT] | tuple[()] = ()
    _count: int = 0

    def __bool__(self) -> bool:
        return bool(self.pending or self._blocks)

    def append(self, piece: PieceT) -> None:
        self.pending.append(piece)
        if len(self.pending) >= MERGE_AT:
            self.compact()

    def compact(self) -> None:
        """Join the pending pieces into one."""
        blocks = self._blocks = self._blocks or []
        blocks.append(self._join(self.pending))
        self.pending.clear()
        self._count += 1
        # The blocks are the digits of the count to the base 64: when a digit is full,
        # its 64 blocks become one block of the next.
        count = self._count
        while not count % MERGE_AT:
            blocks[-MERGE_AT:] = [self._join(blocks[-MERGE_AT:])]
            count //= MERGE_AT

    def size(self) -> int:
        """Return the length of all pieces, without joining them."""
        return sum(map(len, self._blocks)) + sum(map(len, self.pending))

    def join(self) -> PieceT:
        """Return all pieces so far as one. The buffer stays as it is."""
        return self._join([*self._blocks, *self.pending] if self._blocks else self.pending)

    def take(self) -> PieceT:
        """Return all pieces as one, and empty the buffer."""
        whole = self.join()
        self.pending.clear()
        self._blocks = ()
        self._count = 0
        return whole
