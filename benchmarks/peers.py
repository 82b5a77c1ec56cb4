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
from contextlib import suppress
from datetime import timedelta
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


def _httpx2() -> Count:
    event_source = import_module("httpx2").EventSource
    # With the limit that ssekit has: its own is 1 MiB.
    return lambda reads: _count(event_source(_TextResponse(reads), max_event_size=64 * 2**20))


class _TextResponse:
    """What the two use of a response, whose own layers are not on their account."""

    request = None

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


def _requests_sse() -> Count:
    requests, event_source = import_module("requests"), import_module("requests_sse").EventSource

    def count(reads: list[bytes]) -> int:
        response = requests.Response()
        response.status_code = 200
        response.headers["content-type"] = "text/event-stream"
        response.raw = _Raw(reads)
        session = _Session(response, requests.ConnectionError)
        found = 0
        # It connects again at the end of the bytes, until that fails.
        with (
            suppress(requests.ConnectionError),
            event_source("", session=session, max_connect_retry=0, reconnection_time=timedelta())
            as events,
        ):  # fmt: skip
            for _ in events:
                found += 1
        return found

    return count


class _Raw:
    """What requests reads from: urllib3's response, which gives what there is."""

    def __init__(self, reads: list[bytes]) -> None:
        self._reads = reads

    def stream(self, size: int, decode_content: bool) -> Iterator[bytes]:
        return iter(self._reads)

    def close(self) -> None:
        pass

    release_conn = close


class _Session:
    """What requests-sse asks for responses, of which there is one."""

    def __init__(self, response: object, refused: type[Exception]) -> None:
        self._responses = [response]
        self._refused = refused

    def request(self, **request: object) -> object:
        if not self._responses:
            raise self._refused
        return self._responses.pop()


PEERS = (
    Peer("httpx-sse", _httpx_sse),
    Peer("httpx2", _httpx2),
    Peer("openai", _openai),
    Peer("anthropic", _anthropic),
    Peer("requests-sse", _requests_sse),
    Peer("sseclient-py", _sseclient),
    Peer("launchdarkly-eventsource", _launchdarkly),
)
