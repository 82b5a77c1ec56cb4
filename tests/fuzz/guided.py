"""A coverage-guided fuzzer by the same rules. It is run by hand:

    python -m pip install atheris
    python -m tests.fuzz.guided chat -max_total_time=1800

Targets are `auto` and the formats; what follows are options of libFuzzer. It begins with the tests'
small streams, stops at the first failure, and leaves the input that fails in a file, which
`python -m tests.fuzz.guided chat FILE` runs alone. A folder that is named keeps what it learns.

The first bytes of an input say how the reads fall, and the rest is the stream.
"""

import sys
import tempfile
from pathlib import Path
from random import Random

import atheris  # pyright: ignore[reportMissingImports]

with atheris.instrument_imports(include=["ssekit"]):
    from tests.fuzz.rules import WIRES, check

from tests.streams import STREAMS
from tests.survive import NAMES

# Pieces that are not found by changing single bytes.
WORDS = [*NAMES, "data: ", "event: ", "id: ", "retry: ", "\\x0a\\x0a", "\\x0d\\x0a", "[DONE]"]
CHANCE = 4  # bytes


def main(name: str, options: list[str]) -> None:
    def fuzz(data: bytes) -> None:
        check(name, data[CHANCE:], Random(data[:CHANCE]))

    with tempfile.TemporaryDirectory() as folder:
        seeds = Path(folder, "seeds")
        seeds.mkdir()
        for format_name, reads in STREAMS.items():
            if name in (format_name, "auto"):
                Path(seeds, format_name).write_bytes(bytes(CHANCE) + b"".join(reads))
        words = Path(folder, "words")
        words.write_text("".join(f'"{word}"\n' for word in WORDS))
        given = [option for option in options if not option.startswith("-")]
        arguments = [f"-dict={words}", "-timeout=20", *options]
        if not any(Path(path).is_file() for path in given):
            arguments += ["-max_len=4096", str(seeds)]
        atheris.Setup([sys.argv[0], *arguments], fuzz)
        atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in WIRES:
        main(sys.argv[1], sys.argv[2:])
    else:
        sys.exit(f"{__doc__}\nName a target: {', '.join(WIRES)}")
