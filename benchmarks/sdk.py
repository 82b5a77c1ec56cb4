# The official SDK of OpenAI, over the same bytes.
#
# What always holds here:
# - There is no network: the mock transport of the SDK's own HTTP client answers with the bytes.
# - The parsing and the accumulating of the SDK count. The time of the client alone for the same
#   bytes, measured in the same rounds, is taken off. ssekit reads from memory.

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import Any

from benchmarks.measure import Rounds, clocked, interleave
from benchmarks.payloads import ASCII, MARKER, part
from benchmarks.report import Row, terminal_table
from benchmarks.typed import read_stream
from benchmarks.workloads import answer
from ssekit import chat

STREAM = "chat.completions.stream()"
CREATE = "create(stream=True)"
_CLIENT = "the client alone"
_SSEKIT = "ssekit, µs"

# A chunk takes the SDK about 0.2 ms, and more the longer the answer is.
_PIECES = 4000
_REQUEST: Any = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say it."}]}


def measure_sdk(scale: float, rounds: Rounds) -> Iterator[Row]:
    """Measure and print both calls of the SDK where it is installed."""
    try:
        openai, httpx2 = import_module("openai"), import_module("httpx2")
    except ImportError as error:
        print(f"\nThe official SDK: not measured: {error}")
        return
    print(
        "\nThe official SDK of OpenAI: ssekit, typed and accumulated, in µs per chunk;"
        "\nthe SDK, without what its HTTP client takes, in times as long as that"
    )
    print_row = terminal_table([_SSEKIT, STREAM, CREATE])
    parts = [part("text", max(8, round(_PIECES * scale)), ASCII)]
    for name, size in {"openai-event": 0, "openai-64-kib": 2**16}.items():
        workload = answer(name, "", "chat", parts, size)
        [reads], chunks = workload.reads, workload.events - workload.payloads.count(MARKER)
        runs = _runs(openai, httpx2, reads)
        assert {runs[STREAM](), runs[CREATE]()} == {chunks}
        measured = {run: clocked(runs[run]) for run in runs}
        measured["ssekit"] = clocked(partial(read_stream, chat.FORMAT, reads))
        times = interleave(measured, rounds)
        figures = {_SSEKIT: times.microseconds("ssekit", chunks)}
        figures |= {run: times.excess(run, _CLIENT, "ssekit") for run in (STREAM, CREATE)}
        row = Row("sdk", name, figures)
        print_row(row)
        yield row


def _runs(openai: Any, httpx2: Any, reads: list[bytes]) -> dict[str, Callable[[], int]]:
    """Return the runs over some reads, each of which returns the number of chunks."""

    def answers(request: object) -> Any:
        headers = {"content-type": "text/event-stream"}
        return httpx2.Response(200, headers=headers, content=iter(reads))

    client = httpx2.Client(transport=httpx2.MockTransport(answers))
    completions = openai.OpenAI(api_key="none", http_client=client).chat.completions
    return {
        _CLIENT: partial(_read_bytes, client),
        STREAM: partial(_accumulate, completions),
        CREATE: lambda: sum(1 for _ in completions.create(**_REQUEST, stream=True)),
    }


def _read_bytes(client: Any) -> int:
    with client.stream("POST", "http://localhost/v1/chat/completions", json=_REQUEST) as response:
        return sum(1 for _ in response.iter_bytes())


def _accumulate(completions: Any) -> int:
    with completions.stream(**_REQUEST) as stream:
        chunks: int = sum(event.type == "chunk" for event in stream)
        assert stream.get_final_completion().choices[0].finish_reason == "stop"
    return chunks
