# Memory, counted by tracemalloc, and the time of an import.

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
    call_payloads,
    chat_payloads,
    message_payloads,
    response_payloads,
)
from benchmarks.report import MemoryRow
from benchmarks.workloads import as_events
from ssekit import Format, SSEDecoder, StreamDecoder, chat, messages, responses

__all__ = ["FINISHED", "IDLE_DECODER", "IDLE_STREAM", "LIVE", "measure_import", "measure_memory"]

IDLE_DECODER = "an idle SSEDecoder"
IDLE_STREAM = "an idle stream"
LIVE = "a live answer"
FINISHED = "a finished answer"

_COUNT = 10_000
_EVENTS = 24_000  # about 80 KiB of text
_END = 8  # events, in which an answer ends

_FORMATS: dict[str, Format[Any, Any]] = {
    "chat": chat.FORMAT,
    "responses": responses.FORMAT,
    "messages": messages.FORMAT,
}
_ANSWERS = {
    "chat": partial(chat_payloads, ASCII),
    "chat, beyond ASCII": partial(chat_payloads, NON_ASCII),
    "chat, arguments of a call": partial(call_payloads, 1),
    "responses": partial(response_payloads, ASCII),
    "messages": partial(message_payloads, ASCII),
}


def measure_memory(scale: float) -> list[MemoryRow]:
    """Measure and print idle objects, in bytes, and answers, in times their text."""
    count = max(8, round(_COUNT * scale))
    print(f"\nMemory (tracemalloc; of {count:,} that are idle, one)")
    idle: dict[str, Any] = {IDLE_DECODER: SSEDecoder}
    idle |= {f"{IDLE_STREAM}, {name}": partial(_FORMATS[name].stream, ()) for name in _FORMATS}
    rows = []
    for what, make in idle.items():
        size = held(partial(_several, make, count)) / count
        rows.append(MemoryRow(what, size))
        print(f"{what}: {size:,.0f} bytes")
    for name, make_payloads in _ANSWERS.items():
        wire_format = _FORMATS[name.partition(",")[0]]
        events = as_events(make_payloads(max(64, round(_EVENTS * scale))))
        text = _text_size(wire_format, events)
        # Each is fed from its beginning: a finished answer has let go of what its end frees.
        for what, part in ((LIVE, events[:-_END]), (FINISHED, events)):
            size = held(partial(_fed, wire_format, part)) / text
            rows.append(MemoryRow(f"{what}, {name}", size))
            print(f"{what}, {name}: {size:.2f} times its text")
    return rows


def _several(make: Any, count: int) -> list[Any]:
    return [make() for _ in range(count)]


def _text_size(wire_format: Format[Any, Any], events: list[bytes]) -> int:
    """Return the size of the text and of the arguments, as Python holds them."""
    decoder = _fed(wire_format, events)
    assert decoder.state == "done"
    calls = "".join(call.arguments for call in decoder.accumulator.tool_calls)
    return sys.getsizeof(decoder.accumulator.text + calls)


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


def measure_import(rounds: int) -> dict[str, Value]:
    """Measure and print the time of an import beyond `import msgspec`, in milliseconds."""
    print("\nImport, in ms over `import msgspec` (each in a process of its own)")
    times = interleave({name: partial(_import_seconds, name) for name in _IMPORTS}, rounds)
    found = {name: times.microseconds(name, 1000) for name in _IMPORTS}
    for name, value in found.items():
        print(f"import {name}: {value.median:.1f} ±{value.spread:.0%}")
    return found


def _import_seconds(name: str) -> float:
    command = [sys.executable, "-c", _IMPORT.format(name)]
    # With cached bytecode, as a package that pip installed has it.
    caching = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}
    return float(subprocess.check_output(command, env=caching))
