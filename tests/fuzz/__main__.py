"""A coverage-guided fuzzer of the decoder and of each format. It is run by hand:

    python -m pip install atheris
    python -m tests.fuzz decoder -max_total_time=1800

Targets are `decoder`, `auto` and the formats; what follows are options of libFuzzer. It begins with
the tests' small streams, stops at the first failure, and leaves the input that fails in a file;
`python -m tests.fuzz decoder FILE` runs that alone. A folder that is named keeps what it learns.

The first byte of an input says how long the reads are, and the rest is the stream. Of any stream:
- the events are what `tests/reference.py` has;
- nothing but an SSEKitError is raised, or kept;
- what comes of it, answer and errors included, does not depend on the reads.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import atheris  # pyright: ignore[reportMissingImports]

with atheris.instrument_imports(include=["ssekit"]):
    import ssekit
    from ssekit import auto

from tests.formats import FORMATS
from tests.reference import interpret
from tests.streams import STREAMS
from tests.survive import NAMES, survive
from tests.ways import decoded, outcome, pieces, push

# Pieces that are not found by changing single bytes.
WORDS = [*NAMES, "data: ", "event: ", "id: ", "retry: ", "\\x0a\\x0a", "\\x0d\\x0a", "[DONE]"]


def cut(data: bytes) -> tuple[bytes, list[bytes]]:
    size = data[0] % 32 + 1 if data else 1
    stream = data[1:]
    return stream, pieces(stream, size)


def fuzz_decoder(data: bytes) -> None:
    stream, reads = cut(data)
    assert decoded(reads) == decoded([stream]) == interpret(stream)


def fuzz_format(wire: Any) -> Callable[[bytes], None]:
    def fuzz(data: bytes) -> None:
        stream, reads = cut(data)
        survive(stream, wire)
        chunks, decoder = push(wire, [stream])
        assert decoder.error is None or isinstance(decoder.error, ssekit.SSEKitError)
        chunks_of_reads, decoder_of_reads = push(wire, reads)
        assert repr(chunks_of_reads) == repr(chunks)  # NaN is not equal to itself
        assert outcome(decoder_of_reads) == outcome(decoder)

    return fuzz


TARGETS = {
    "decoder": fuzz_decoder,
    **{name: fuzz_format(wire) for name, wire in {**FORMATS, "auto": auto}.items()},
}


def main(name: str, options: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        seeds = Path(folder, "seeds")
        seeds.mkdir()
        for format_name, reads in STREAMS.items():
            if name in (format_name, "auto", "decoder"):
                Path(seeds, format_name).write_bytes(b"\x06" + b"".join(reads))
        words = Path(folder, "words")
        words.write_text("".join(f'"{word}"\n' for word in WORDS))
        given = [option for option in options if not option.startswith("-")]
        arguments = [f"-dict={words}", "-timeout=20", *options]
        if not any(Path(path).is_file() for path in given):
            arguments += ["-max_len=4096", str(seeds)]
        atheris.Setup([sys.argv[0], *arguments], TARGETS[name])
        atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in TARGETS:
        main(sys.argv[1], sys.argv[2:])
    else:
        sys.exit(f"{__doc__}\nName a target: {', '.join(TARGETS)}")
