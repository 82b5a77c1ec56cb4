# What is held in memory, counted by tracemalloc, and what an import takes.

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from typing import Any

from benchmarks.measure import Value, held, interleave
from benchmarks.payloads import (
    ASCII,
    NON_ASCII,
    chat_payloads,
    fragment_payloads,
    message_payloads,
    response_payloads,
)
from benchmarks.report import MemoryRow
from benchmarks.workloads import as_events
from ssekit import Format, SSEDecoder, StreamDecoder, chat, messages, responses

__all__ = ["FINISHED", "IDLE_DECODER", "IDLE_STREAM", "LIVE", "print_import", "print_memory"]

IDLE_DECODER = "an idle SSEDecoder"
IDLE_STREAM = "an idle stream"
LIVE = "a live answer"
FINISHED = "a finished answer"

_COUNT = 10_000
_EVENTS = 24_000  # about 80 KiB of text
_AT_THE_END = 8  # what ends an answer is within so many events

_ANSWERS: dict[str, tuple[Format[Any, Any], Any]] = {
    "chat": (chat.FORMAT, partial(chat_payloads, ASCII)),
    "chat, beyond ASCII": (chat.FORMAT, partial(chat_payloads, NON_ASCII)),
    "chat, arguments of a call": (chat.FORMAT, fragment_payloads),
    "responses": (responses.FORMAT, partial(response_payloads, ASCII)),
    "messages": (messages.FORMAT, partial(message_payloads, ASCII)),
}


def print_memory(scale: float) -> list[MemoryRow]:
    """Measure and print what is idle, in bytes, and answers, in times their text."""
    count = max(8, round(_COUNT * scale))
    print(f"\nMemory (tracemalloc; of {count:,} that are idle, one)")
    idle = {
        IDLE_DECODER: SSEDecoder,
        **{
            f"{IDLE_STREAM}, {name}": partial(wire_format.stream, ())
            for name, wire_format in _formats().items()
        },
    }
    rows = [
        MemoryRow(what, held(lambda make=make: [make() for _ in range(count)]) / count)  # type: ignore[misc]
        for what, make in idle.items()
    ]
    for row in rows:
        print(f"{row.what}: {row.size:,.0f} bytes")
    for name, (wire_format, payloads) in _ANSWERS.items():
        for row in _measure_answer(name, wire_format, payloads(max(64, round(_EVENTS * scale)))):
            print(f"{row.what}: {row.size:.2f} times its text")
            rows.append(row)
    return rows


def _formats() -> dict[str, Format[Any, Any]]:
    return {name: wire_format for name, (wire_format, _) in _ANSWERS.items() if "," not in name}


def _measure_answer(
    name: str, wire_format: Format[Any, Any], payloads: list[bytes]
) -> list[MemoryRow]:
    reads = as_events(payloads)
    # Each from its beginning: what an end lets go of must have been seen.
    parts = {LIVE: reads[:-_AT_THE_END], FINISHED: reads}
    sizes = {what: held(partial(_fed, wire_format, part)) for what, part in parts.items()}
    decoder = _fed(wire_format, reads)
    assert decoder.state == "done"
    calls = "".join(call.arguments for call in decoder.accumulator.tool_calls)
    text = sys.getsizeof(decoder.accumulator.text + calls)  # as Python holds it
    return [MemoryRow(f"{what}, {name}", size / text) for what, size in sizes.items()]


def _fed(wire_format: Format[Any, Any], reads: list[bytes]) -> StreamDecoder[Any, Any]:
    decoder = wire_format.decoder()
    for read in reads:
        decoder.feed(read)
    return decoder


# `python -X importtime` is of the wall; this is of the processor.
_IMPORT = (
    "import time, {}; start = time.process_time(); import {}; print(time.process_time() - start)"
)
_ROUNDS = 15
_IMPORTS = ["ssekit", "ssekit.chat", "ssekit.auto"]


def print_import(rounds: int = _ROUNDS) -> dict[str, Value]:
    """Measure and print what an import takes over `import msgspec`, in milliseconds."""
    print("\nImport, in ms over `import msgspec` (each in a process of its own)")
    times = interleave({name: partial(_import_seconds, name) for name in _IMPORTS}, rounds)
    found = {name: times.microseconds(name, 1000) for name in _IMPORTS}
    for name, value in found.items():
        print(f"import {name}: {value.median:.1f} ±{value.spread:.0%}")
    return found


def _import_seconds(name: str) -> float:
    command = [sys.executable, "-c", _IMPORT.format("msgspec", name)]
    # With its bytecode cached, as what pip installs has it.
    caching = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}
    run = subprocess.run(command, capture_output=True, check=True, env=caching)
    return float(run.stdout)
