# Memory, counted by tracemalloc, and the time of an import.

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

from benchmarks.measure import Rounds, Value, held, interleave
from benchmarks.payloads import ANSWERS, ASCII, NON_ASCII, part
from benchmarks.report import Row
from benchmarks.workloads import answer, format_named
from ssekit import Format, SSEDecoder, StreamDecoder

_COUNT = 10_000
_PIECES = 24_000  # about 80 KiB of text
_END = 8  # events, in which an answer ends

_ANSWERS = {
    **{name: (name, "text", ASCII) for name in ANSWERS},
    "chat, beyond ASCII": ("chat", "text", NON_ASCII),
    "chat, arguments of a call": ("chat", "call", ASCII),
}


def measure_memory(scale: float) -> Iterator[Row]:
    """Measure and print idle objects, in bytes, and answers, in times their text."""
    count = max(8, round(_COUNT * scale))
    print(f"\nMemory (tracemalloc; of {count:,} that are idle, one)")
    idle: dict[str, Any] = {"an idle SSEDecoder": SSEDecoder}
    idle |= {f"an idle stream, {name}": partial(format_named(name).stream, ()) for name in ANSWERS}
    for what, make in idle.items():
        size = held(partial(_several, make, count)) / count
        print(f"{what}: {size:,.0f} bytes")
        yield Row("memory", what, {"bytes": Value(size)})
    for name, (format_, kind, tokens) in _ANSWERS.items():
        parts = [part(kind, max(64, round(_PIECES * scale)), tokens)]
        [events], wire_format = answer("", "", format_, parts, 0).reads, format_named(format_)
        text = _text_size(wire_format, events)
        # Each is fed from its beginning: a finished answer has let go of what its end frees.
        for what, reads in (("a live answer", events[:-_END]), ("a finished answer", events)):
            size = held(partial(_fed, wire_format, reads)) / text
            print(f"{what}, {name}: {size:.2f} times its text")
            yield Row("memory", f"{what}, {name}", {"of its text": Value(size)})


def _several(make: Any, count: int) -> list[Any]:
    return [make() for _ in range(count)]


def _text_size(wire_format: Format[Any, Any], events: list[bytes]) -> int:
    """Return the size of the text and of the arguments, as Python holds them."""
    accumulator = _fed(wire_format, events).accumulator
    calls = "".join(call.arguments for call in accumulator.tool_calls)
    return sys.getsizeof(accumulator.text + calls)


def _fed(wire_format: Format[Any, Any], reads: list[bytes]) -> StreamDecoder[Any, Any]:
    decoder = wire_format.decoder()
    for read in reads:
        decoder.feed(read)
    return decoder


# `python -X importtime` reads the clock on the wall; this reads the processor's.
_IMPORT = (
    "import time, msgspec; start = time.process_time(); "
    "import {}; print(time.process_time() - start)"
)
_IMPORTS = ["ssekit", "ssekit.chat", "ssekit.auto"]


def measure_import(rounds: Rounds) -> Iterator[Row]:
    """Measure and print the time of an import beyond `import msgspec`, in milliseconds."""
    print("\nImport, in ms over `import msgspec` (each in a process of its own)")
    times = interleave({name: partial(_import_seconds, name) for name in _IMPORTS}, rounds)
    for name in _IMPORTS:
        value = times.microseconds(name, 1000)
        print(f"import {name}: {value.median:.1f} ±{value.spread:.0%}")
        yield Row("import", name, {"ms": value})


def _import_seconds(name: str) -> float:
    command = [sys.executable, "-c", _IMPORT.format(name)]
    # With cached bytecode, as a package that pip installed has it.
    caching = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}
    return float(subprocess.check_output(command, env=caching))
