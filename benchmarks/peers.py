# Who is measured: one adapter each, from the reads of a stream to the number of its events.
#
# What always holds here:
# - A peer's own parser does the work, fed from memory; nothing of it is copied or changed. Where it
#   is private, what is done around it is what the peer's own client does.
# - Each call makes a fresh parser, and looks at every event as a user's loop does.
# - Peers are imported when they are asked for, as modules of no known type: ssekit's benchmarks
#   run, and are type-checked, whether they are installed or not.

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple, TypeAlias

from ssekit import SSEDecoder

__all__ = ["PEERS", "Count", "Peer", "count_with_ssekit"]

Count: TypeAlias = Callable[[list[bytes]], int]


class Peer(NamedTuple):
    """A peer by the name of its distribution; `load` imports it and returns its adapter."""

    name: str
    load: Callable[[], Count]

    @property
    def version(self) -> str | None:
        """What is installed; None if the peer is absent."""
        try:
            return version(self.name)
        except PackageNotFoundError:
            return None


def count_with_ssekit(reads: list[bytes]) -> int:
    feed = SSEDecoder().feed
    count = 0
    for read in reads:
        for _ in feed(read):
            count += 1
    return count


def _count(events: Iterable[object]) -> int:
    count = 0
    for _ in events:
        count += 1
    return count


def _httpx_sse() -> Count:
    event_source = import_module("httpx_sse").EventSource
    return lambda reads: _count(event_source(_TextResponse(reads)).iter_sse())


class _TextResponse:
    """What httpx-sse uses of a response of httpx, whose own layers are not on its account."""

    def __init__(self, reads: list[bytes]) -> None:
        self.headers = {"content-type": "text/event-stream"}
        self._reads = reads

    def iter_text(self) -> Iterator[str]:
        # httpx decodes so, and hands no empty text over.
        decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
        for read in self._reads:
            if text := decode(read):
                yield text
        if text := decode(b"", final=True):
            yield text


def _openai() -> Count:
    decoder = import_module("openai._streaming").SSEDecoder
    return lambda reads: _count(decoder().iter_bytes(iter(reads)))


def _anthropic() -> Count:
    decoder = import_module("anthropic._streaming").SSEDecoder
    return lambda reads: _count(decoder().iter_bytes(iter(reads)))


def _sseclient() -> Count:
    client = import_module("sseclient").SSEClient
    return lambda reads: _count(client(reads).events())


def _launchdarkly() -> Count:
    reader = import_module("ld_eventsource.reader")
    lines_from, sse_reader = reader._BufferedLineReader.lines_from, reader._SSEReader
    # No workload has a comment, so all that this gives are events.
    return lambda reads: _count(sse_reader(lines_from(reads)).events_and_comments())


PEERS = (
    Peer("httpx-sse", _httpx_sse),
    Peer("openai", _openai),
    Peer("anthropic", _anthropic),
    Peer("sseclient-py", _sseclient),
    Peer("launchdarkly-eventsource", _launchdarkly),
)
