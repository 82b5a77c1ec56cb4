# Who is measured: one adapter each, from the reads of a stream to the events in it.
#
# What always holds here:
# - A peer's own parser does the work, fed from memory; nothing of it is copied or changed. Where it
#   is private, what is done around it is what the peer's own client does.
# - Each call makes a fresh parser, and gives every event as a user's loop has it.
# - Peers are imported when they are asked for, as modules of no known type: ssekit's benchmarks
#   run, and are type-checked, whether they are installed or not.

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple, TypeAlias

from ssekit import SSEDecoder, iter_events

__all__ = ["PEERS", "SSEKIT", "Count", "Parse", "Peer", "Said", "count_fed", "count_with"]

Count: TypeAlias = Callable[[list[bytes]], int]

# From the reads of a stream to its events, one by one, as they come.
Parse: TypeAlias = Callable[[Iterable[bytes]], Iterable[Any]]


class Said(NamedTuple):
    """What all peers have of an event."""

    event: str
    data: str
    id: str


def _said(event: Any) -> Said:
    return Said(event.event or "message", event.data, event.id or "")


class Peer(NamedTuple):
    """A peer by the name of its distribution.

    Attributes:
        load: Imports it and returns its adapter.
        said: What an event of its own says; None if it is no event.
    """

    name: str
    load: Callable[[], Parse]
    said: Callable[[Any], Said | None] = _said

    @property
    def version(self) -> str | None:
        """What is installed; None if the peer is absent."""
        try:
            return version(self.name)
        except PackageNotFoundError:
            return None


def count_with(parse: Parse) -> Count:
    """Return what looks at all events, and counts them."""

    def count(reads: list[bytes]) -> int:
        number = 0
        for _ in parse(reads):
            number += 1
        return number

    return count


def count_fed(reads: list[bytes]) -> int:
    """Count the events of reads that are pushed into a decoder, one after the other."""
    feed = SSEDecoder().feed
    number = 0
    for read in reads:
        for _ in feed(read):
            number += 1
    return number


def _ssekit() -> Parse:
    return iter_events


def _httpx_sse() -> Parse:
    event_source = import_module("httpx_sse").EventSource
    return lambda reads: event_source(_TextResponse(reads)).iter_sse()


def _httpx2() -> Parse:
    event_source = import_module("httpx2").EventSource
    # With the limit that ssekit has: its own is 1 MiB.
    return lambda reads: event_source(_TextResponse(reads), max_event_size=64 * 2**20)


class _TextResponse:
    """What is used of a response of httpx or httpx2, whose own layers are not on this account."""

    request = None

    def __init__(self, reads: Iterable[bytes]) -> None:
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


def _openai() -> Parse:
    decoder = import_module("openai._streaming").SSEDecoder
    return lambda reads: decoder().iter_bytes(iter(reads))


def _anthropic() -> Parse:
    decoder = import_module("anthropic._streaming").SSEDecoder
    return lambda reads: decoder().iter_bytes(iter(reads))


def _sseclient() -> Parse:
    client = import_module("sseclient").SSEClient
    return lambda reads: client(reads).events()


def _launchdarkly() -> Parse:
    reader = import_module("ld_eventsource.reader")
    lines_from, sse_reader = reader._BufferedLineReader.lines_from, reader._SSEReader
    return lambda reads: sse_reader(lines_from(reads)).events_and_comments()


def _said_by_launchdarkly(action: Any) -> Said | None:
    if hasattr(action, "comment"):
        return None
    return Said(action.event, action.data, action.last_event_id or "")


def _requests_sse() -> Parse:
    client, requests = import_module("requests_sse"), import_module("requests")

    class Ended(Exception):
        """Instead of the end, at which the client would wait and connect again."""

    class Response(requests.Response):  # type: ignore[misc, name-defined]
        """A response of requests, whose own division into lines the client uses."""

        def iter_lines(self, *args: Any, **options: Any) -> Iterator[bytes]:
            yield from super().iter_lines(*args, **options)
            raise Ended

    class Session:
        """Hands over the bytes, and otherwise nothing."""

        def __init__(self, reads: Iterable[bytes]) -> None:
            self._reads = reads

        def stream(self, size: int, decode_content: bool) -> Iterable[bytes]:
            return self._reads

        def request(self, **_: Any) -> Any:
            response = Response()
            response.status_code, response.url, response.raw = 200, "http://localhost/", self
            response.headers["content-type"] = "text/event-stream"
            return response

        def close(self) -> None: ...

    def parse(reads: Iterable[bytes]) -> Iterator[Any]:
        with client.EventSource("http://localhost/", session=Session(reads)) as events:
            try:
                yield from events
            except Ended:
                return

    return parse


def _said_by_requests_sse(event: Any) -> Said:
    return Said(event.type, event.data, event.last_event_id)


SSEKIT = Peer("ssekit", _ssekit)
PEERS = (
    Peer("httpx-sse", _httpx_sse),
    Peer("httpx2", _httpx2),
    Peer("openai", _openai),
    Peer("anthropic", _anthropic),
    Peer("sseclient-py", _sseclient),
    Peer("requests-sse", _requests_sse, _said_by_requests_sse),
    Peer("launchdarkly-eventsource", _launchdarkly, _said_by_launchdarkly),
)
