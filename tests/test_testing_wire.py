"""The strategies of the wire: `ssekit.testing`."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from ssekit import SSEDecoder
from ssekit.testing import EventStream, chunkings, event_streams, server_sent_events
from tests.reference import interpret
from tests.shared import EXAMPLES

SEARCH = settings(
    database=None,
    derandomize=True,
    deadline=None,
    max_examples=2000,
    suppress_health_check=list(HealthCheck),
)


def smallest(strategy: st.SearchStrategy[Any], condition: Callable[[Any], Any]) -> Any:
    return find(strategy, condition, settings=SEARCH)


# The streams are what the standard says of them.


def as_expected(stream: EventStream) -> None:
    """The reference, which reads the whole text, has what the stream says of itself."""
    said = interpret(stream.data)
    assert [(e.event, e.data, e.id, e.retry) for e in stream.events] == said.events
    assert stream.last_event_id == said.last_event_id
    assert stream.reconnection_time == said.reconnection_time
    assert stream.comments == said.comments


@given(event_streams())
@settings(max_examples=EXAMPLES)
def test_an_independent_decoder_has_what_a_stream_says_of_itself(stream: EventStream):
    as_expected(stream)


@given(event_streams().flatmap(lambda stream: st.tuples(st.just(stream), chunkings(stream.data))))
def test_ssekit_has_it_in_any_reads(attempt: tuple[EventStream, list[bytes]]):
    stream, reads = attempt
    comments: list[str] = []
    decoder = SSEDecoder(on_comment=comments.append)
    assert [event for read in reads for event in decoder.feed(read)] == stream.events
    assert decoder.close() == []
    assert decoder.last_event_id == stream.last_event_id
    assert decoder.reconnection_time == stream.reconnection_time
    assert comments == stream.comments


@given(st.data())
@settings(max_examples=60)
def test_any_list_of_events_is_said(data: st.DataObject):
    events = data.draw(st.lists(server_sent_events(), max_size=3))
    stream = data.draw(event_streams(st.just(events)))
    assert stream.events == events
    as_expected(stream)


# What they reach, and what is left when the rest is taken away. `EMPTY` is the plainest event.

EMPTY = b"data:\n\n"


def has(piece: bytes) -> Callable[[EventStream], bool]:
    return lambda stream: piece in stream.data and bool(stream.events)


REACHED = {
    "an event": (lambda s: s.events, EMPTY),
    "two events": (lambda s: len(s.events) > 1, EMPTY * 2),
    "CR": (has(b"\r\r"), b"data:\r\r"),
    "CRLF": (has(b"\r\n\r\n"), b"data:\r\n\r\n"),
    "a mixture": (has(b"\n\r"), b"data:\n\r"),
    "a lone CR before CRLF": (has(b"\r\r\n"), b"data:\r\r\n"),
    "a byte order mark": (has(b"\xef\xbb\xbfdata"), b"\xef\xbb\xbf" + EMPTY),
    "a comment": (lambda s: s.events and s.comments, b":\n" + EMPTY),
    "an unknown field": (has(b"x"), b"x:\n" + EMPTY),
    "no space": (has(b"data:0"), b"data:0\n\n"),
    "no colon": (has(b"data\n"), b"data\n\n"),
    "a type": (lambda s: any(e.event != "message" for e in s.events), b"event: 0\n" + EMPTY),
    "an id that lasts": (
        lambda s: len(s.events) > 1 and s.events[0].id == s.events[1].id != "",
        b"id: 0\n" + EMPTY * 2,
    ),
    "an id that is taken back": (
        lambda s: len(s.events) > 1 and s.events[0].id and not s.events[1].id,
        b"id: 0\n" + EMPTY + b"id:\n" + EMPTY,
    ),
    "an id without an event": (lambda s: not s.events and s.last_event_id, b"id: 0\n\n"),
    "an id with a NUL": (has(b"id: \0\n"), b"id: \0\n" + EMPTY),
    "a retry": (lambda s: s.events and s.events[0].retry, b"retry: 1\n" + EMPTY),
    "a bogus retry": (has(b"retry: x\n"), b"retry: x\n" + EMPTY),
    "data lines": (lambda s: any(e.data == "\n" for e in s.events), b"data:\ndata:\n\n"),
    "a type without data": (lambda s: not s.events and b"event" in s.data, b"event:\n\n"),
    "another end of a line": (has("\u2028".encode()), "data: \u2028\n\n".encode()),
    "U+FFFD": (lambda s: any("\ufffd" in e.data for e in s.events), "data: \ufffd\n\n".encode()),
    "an unfinished event": (lambda s: not s.events and s.data.endswith(b"data:\n"), b"data:\n"),
    "an unfinished line": (lambda s: not s.events and s.data.endswith(b"data:"), b"data:"),
    "an unfinished CR": (lambda s: not s.events and s.data.endswith(b"data:\r"), b"data:\r"),
}


@pytest.mark.parametrize(("condition", "expected"), REACHED.values(), ids=REACHED)
def test_what_streams_reach(condition: Callable[[EventStream], Any], expected: bytes):
    found = smallest(event_streams(), condition)
    # The very smallest is not always found: it is never more than a line away.
    assert len(found.data) <= len(expected) + 8, found
