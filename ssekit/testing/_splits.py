# Divisions of bytes, without Hypothesis.

from collections.abc import Iterator

__all__ = ["splits"]


def splits(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield every division of some bytes into two reads, of which one may be empty.

    Each state that a parser can keep between two reads occurs in one of them. So a short stream is
    tested exhaustively, in one run more than it has bytes.

    >>> list(splits(b"ab"))
    [(b'', b'ab'), (b'a', b'b'), (b'ab', b'')]
    """
    for cut in range(len(data) + 1):
        yield data[:cut], data[cut:]
