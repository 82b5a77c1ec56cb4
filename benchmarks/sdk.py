# The official SDK of OpenAI, over the same bytes.
#
# What always holds here:
# - There is no network: the mock transport of the SDK's own HTTP client answers with the bytes.
# - What counts is the SDK's parsing and accumulating: what the client alone takes to hand the same
#   bytes over, measured in the same rounds, is taken off its time. ssekit reads from memory.

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, TypeAlias

from benchmarks.measure import clocked, interleave
from benchmarks.payloads import ASCII, MARKER, chat_payloads
from benchmarks.report import SDKRow
from benchmarks.table import microseconds, multiple, table
from benchmarks.typed import read_stream
from benchmarks.workloads import as_events, in_pieces
from ssekit import chat

__all__ = ["CREATE", "STREAM", "load_sdk", "print_sdk"]

STREAM = "chat.completions.stream()"
CREATE = "create(stream=True)"
_CLIENT = "the client alone"

# Every chunk takes it about 0.2 ms, and more the longer the answer is.
_EVENTS = 4000
_ROUNDS = 7
_REQUEST: Any = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say it."}]}

Run: TypeAlias = Callable[[], int]


def load_sdk() -> Callable[[list[bytes]], dict[str, Run]]:
    """Import the SDK. Return what makes, of some reads, the runs, which return how many chunks.

    Raises:
        ImportError: The SDK is absent, or httpx2, on which it is built.
    """
    openai, httpx2 = import_module("openai"), import_module("httpx2")

    def make_runs(reads: list[bytes]) -> dict[str, Run]:
        def answer(request: object) -> Any:
            headers = {"content-type": "text/event-stream"}
            return httpx2.Response(200, headers=headers, content=iter(reads))

        client = httpx2.Client(transport=httpx2.MockTransport(answer))
        completions = openai.OpenAI(api_key="none", http_client=client).chat.completions
        return {
            _CLIENT: partial(_bytes, client),
            STREAM: partial(_accumulated, completions),
            CREATE: partial(_chunks, completions),
        }

    return make_runs


def _bytes(client: Any) -> int:
    with client.stream("POST", "http://localhost/v1/chat/completions", json=_REQUEST) as response:
        return sum(1 for _ in response.iter_bytes())


def _accumulated(completions: Any) -> int:
    with completions.stream(**_REQUEST) as stream:
        found: int = sum(event.type == "chunk" for event in stream)
        assert stream.get_final_completion().choices[0].finish_reason == "stop"
    return found


def _chunks(completions: Any) -> int:
    chunks: int = sum(1 for _ in completions.create(**_REQUEST, stream=True))
    return chunks


def print_sdk(
    make_runs: Callable[[list[bytes]], dict[str, Run]], scale: float, budget: float
) -> list[SDKRow]:
    payloads = chat_payloads(ASCII, max(8, round(_EVENTS * scale)))
    chunks = sum(payload != MARKER for payload in payloads)
    print(
        f"\nThe official SDK, {chunks} chunks: ssekit, typed and accumulated, in µs per chunk;"
        "\nthe SDK, without what its HTTP client takes, in times as long as ssekit takes"
    )
    print_row = table(["", "ssekit", STREAM, CREATE])
    rows = []
    arrivals = {"one-event": as_events(payloads), "64-kib": in_pieces(payloads, 2**16)}
    for name, reads in arrivals.items():
        runs = make_runs(reads)
        assert {runs[STREAM](), runs[CREATE]()} == {chunks}
        measured = {run: clocked(runs[run]) for run in runs}
        measured["ssekit"] = clocked(partial(read_stream, chat.FORMAT, reads))
        times = interleave(measured, _ROUNDS, budget)
        ratios = {run: times.more(run, _CLIENT, "ssekit") for run in (STREAM, CREATE)}
        rows.append(SDKRow(name, chunks, times.microseconds("ssekit", chunks), ratios))
        cells = [microseconds(rows[-1].microseconds), *map(multiple, ratios.values())]
        print_row([name, *cells])
    return rows
