# Cutting without Hypothesis.

from collections.abc import Iterator

__all__ = ["splits"]


def splits(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield every division of some bytes into two reads, those with an empty one among them.

    What a parser keeps between reads is met at one of them, so that a short stream is tested
    exhaustively in as many runs as it has bytes, and one.

    >>> list(splits(b"ab"))
    [(b'', b'ab'), (b'a', b'b'), (b'ab', b'')]
    """
    for cut in range(len(data) + 1):
        yield data[:cut], data[cut:]
