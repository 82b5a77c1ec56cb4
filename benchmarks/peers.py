# The peers: an adapter each, from the reads of a stream to its events.
#
# What always holds here:
# - A peer's own parser does the work, fed from memory; nothing of it is copied or changed. Around a
#   private parser stands what the peer's own client puts there.
# - Each call makes a fresh parser, and yields every event as a user's loop gets it.
# - Peers are imported when they are loaded, as modules of no known type: the benchmarks run, and
#   are type-checked, whether they are installed or not.

from __future__ import annotations

import codecs
import os
import platform
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from types import SimpleNamespace
from typing import Any, NamedTuple

import msgspec

import ssekit
from ssekit import SSEDecoder, iter_events

# From the reads of a stream to its events, one by one, as they come.
Parse = Callable[[Iterable[bytes]], Iterable[Any]]


class Fields(NamedTuple):
    """The fields that the events of all peers have."""

    event: str
    data: str
    id: str


def _usual_fields(event: Any) -> Fields:
    return Fields(event.event or "message", event.data, event.id or "")


class Peer(NamedTuple):
    """A peer by the name of its distribution.

    Attributes:
        load: Imports it and returns its adapter.
        fields: Returns the fields of its own event; None for a comment.
    """

    name: str
    load: Callable[[], Parse]
    fields: Callable[[Any], Fields | None] = _usual_fields

    @property
    def version(self) -> str | None:
        """The version that is installed; None if the peer is absent."""
        try:
            return version(self.name)
        except PackageNotFoundError:
            return None


def fed(reads: Iterable[bytes]) -> Iterable[Any]:
    """Return the events of reads that are fed to an SSEDecoder, one after the other."""
    return chain.from_iterable(map(SSEDecoder().feed, reads))


def _httpx_sse() -> Parse:
    event_source = import_module("httpx_sse").EventSource
    return lambda reads: event_source(_TextResponse(reads)).iter_sse()


def _httpx2() -> Parse:
    event_source = import_module("httpx2").EventSource
    # With the limit that ssekit has: its own is 1 MiB.
    return lambda reads: event_source(_TextResponse(reads), max_event_size=64 * 2**20)


class _TextResponse:
    """The part of a response of httpx or httpx2 that an EventSource uses."""

    request = None

    def __init__(self, reads: Iterable[bytes]) -> None:
        self.headers = {"content-type": "text/event-stream"}
        self._reads = reads

    def iter_text(self) -> Iterator[str]:
        return codecs.iterdecode(self._reads, "utf-8", "replace")


def _sdk(module: str) -> Parse:
    decoder = import_module(f"{module}._streaming").SSEDecoder
    return lambda reads: decoder().iter_bytes(iter(reads))


def _sseclient() -> Parse:
    client = import_module("sseclient").SSEClient
    return lambda reads: client(reads).events()


def _launchdarkly() -> Parse:
    reader = import_module("ld_eventsource.reader")
    lines_from, sse_reader = reader._BufferedLineReader.lines_from, reader._SSEReader
    return lambda reads: sse_reader(lines_from(reads)).events_and_comments()


def _fields_of_launchdarkly(action: Any) -> Fields | None:
    if hasattr(action, "comment"):
        return None
    return Fields(action.event, action.data, action.last_event_id or "")


def _requests_sse() -> Parse:
    client, requests = import_module("requests_sse"), import_module("requests")

    def stop() -> None:
        """End the iteration at the end, at which the client would wait and connect again."""
        raise StopIteration

    def parse(reads: Iterable[bytes]) -> Iterator[Any]:
        response = requests.Response()
        response.status_code, response.url = 200, "http://localhost/"
        response.headers["content-type"] = "text/event-stream"
        response.raw = SimpleNamespace(stream=lambda *_, **__: reads, close=lambda: None)
        session = SimpleNamespace(request=lambda **_: response)
        with client.EventSource(response.url, session=session, on_error=stop) as events:
            yield from events

    return parse


def _fields_of_requests_sse(event: Any) -> Fields:
    return Fields(event.type, event.data, event.last_event_id)


SSEKIT = Peer("ssekit", lambda: iter_events)
PEERS = (
    Peer("httpx-sse", _httpx_sse),
    Peer("httpx2", _httpx2),
    Peer("openai", partial(_sdk, "openai")),
    Peer("anthropic", partial(_sdk, "anthropic")),
    Peer("sseclient-py", _sseclient),
    Peer("requests-sse", _requests_sse, _fields_of_requests_sse),
    Peer("launchdarkly-eventsource", _launchdarkly, _fields_of_launchdarkly),
)


def load(peers: Iterable[Peer]) -> tuple[dict[str, Parse], dict[str, str]]:
    """Return the adapters of ssekit and of the peers that are installed, and all versions."""
    parsers: dict[str, Parse] = {"ssekit": SSEKIT.load()}
    versions = {
        "python": f"{platform.python_version()} ({platform.machine()}, {os.cpu_count()} cores)",
        "msgspec": msgspec.__version__,
        "ssekit": ssekit.__version__,
    }
    for peer in peers:
        versions[peer.name] = peer.version or "absent"
        if peer.version is not None:
            try:
                parsers[peer.name] = peer.load()
            except (ImportError, AttributeError) as error:  # private names may move
                versions[peer.name] += f", not measured: {error}"
    return parsers, versions
