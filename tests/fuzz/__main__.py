"""A fuzzer of all formats by the rules of `rules.py`. It is run by hand:

    python -m tests.fuzz --minutes 30

Recorded streams are mutated as well where SSEKIT_SHARED names their folder. A case is a number:
`--first NUMBER --cases 1` is that case again, of the same recordings. What fails is shortened, and
left in a file.
"""

import argparse
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from random import Random

from tests.fuzz.mutation import mutated, seeds
from tests.fuzz.rules import WIRES, check


def case(number: int, streams: dict[str, list[bytes]]) -> tuple[str, bytes]:
    """Return the format and the bytes of a case."""
    chance = Random(number)
    name = chance.choice(list(streams))
    return name, mutated(streams[name], chance)


def failure(name: str, data: bytes, number: int) -> tuple[str, str] | None:
    """Return the place where a rule is broken, and how; None if all hold."""
    try:
        check(name, data, Random(number))
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(frame.filename).name}:{frame.lineno}: {type(error).__name__}"
        return place, str(error).partition("\n")[0][:200]
    return None


def shortest(name: str, data: bytes, number: int, place: str) -> bytes:
    """Leave out the events, and then the lines, that a failure does not need."""
    for separator in (b"\n\n", b"\n"):
        parts = data.split(separator)
        size = len(parts) // 2
        while size:
            for start in reversed(range(0, len(parts), size)):
                fewer = parts[:start] + parts[start + size :]
                found = failure(name, separator.join(fewer), number)
                if found is not None and found[0] == place:
                    parts = fewer
            size //= 2
        data = separator.join(parts)
    return data


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--first", type=int, default=time.time_ns())
    parser.add_argument("--cases", type=int)
    arguments = parser.parse_args(argv)
    streams = {name: seeds(name) for name in WIRES}
    end = time.monotonic() + 60 * arguments.minutes
    counts = Counter[str]()
    number = arguments.first
    while time.monotonic() < end and number - arguments.first != arguments.cases:
        name, data = case(number, streams)
        found = failure(name, data, number)
        if found is not None:
            place, reason = found
            counts[place] += 1
            if counts[place] == 1:
                file = Path(tempfile.gettempdir(), f"fuzz-{name}-{number}.sse")
                file.write_bytes(shortest(name, data, number, place))
                print(f"{name}, case {number}: {place}: {reason}\n    {file}", flush=True)
        number += 1
    print(f"{number - arguments.first} cases, {counts.total()} failures: {dict(counts)}")
    return 1 if counts else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
