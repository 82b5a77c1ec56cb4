"""The wire: `_sse.py`."""

from collections.abc import Iterable
from typing import Any, Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ssekit import DecodeError, EventTooLargeError, ServerSentEvent, SSEDecoder, encode_comment
from ssekit._event import make_event
from ssekit._scanner import Batch, EventScanner
from ssekit.testing import chunkings, event_streams, splits
from tests.reference import interpret
from tests.shared import conformance_cases, each_recording, needs_shared
from tests.thorough import examples
from tests.ways import decoded, pieces

Decoded = tuple[list[tuple[str, str, str]], str, int | None]


def decode(reads: Iterable[bytes]) -> Decoded:
    """Return what all parsers have: each event without its retry, and what a stream leaves."""
    stated = decoded(reads)
    return [event[:3] for event in stated.events], stated.last_event_id, stated.reconnection_time


# The standard.


@needs_shared
@pytest.mark.parametrize("case", conformance_cases(), ids=lambda case: case["name"])
def test_conformance(case: dict[str, Any]):
    """Each case gives its events whole, in small pieces, and at every two-way cut."""
    data = bytes.fromhex(case["input_hex"])
    events = [(event["event"], event["data"], event["id"]) for event in case["events"]]
    expected = (events, case["last_event_id"], case["retry"])
    for reads in [*(pieces(data, size) for size in (1, 2, 3, 7)), *splits(data)]:
        assert decode(reads) == expected, reads


@needs_shared
def test_all_the_conformance_cases_are_there():
    assert len(conformance_cases()) == 146


# The same ground in small, for those who do not have the cases.
STANDARD = {
    "the standard's first example": (b"data: YHOO\ndata: +2\ndata: 10\n\n", ["YHOO\n+2\n10"]),
    "one space is dropped": (b"data:x\n\ndata: x\n\ndata:  x\n\n", ["x", "x", " x"]),
    "a name without a colon has an empty value": (b"data\n\ndata\ndata\n\n", ["", "\n"]),
    "no data, no event": (b"event: a\n\nid: 1\n\n: c\n\nretry: 1\n\n\n\n", []),
    "an event that no blank line ends is discarded": (b"data: a\n\ndata: b\n", ["a"]),
    "names are compared literally": (b"Data: a\n data: b\ndata : c\ndatum: d\n\n", []),
    "no other line ends": ("data: a\u2028b\u0085c\x0bd\n\n".encode(), ["a\u2028b\u0085c\x0bd"]),
    "line ends mix": (b"data: a\r\ndata: b\rdata: c\n\r\ndata: d\r\r", ["a\nb\nc", "d"]),
    "one byte order mark": (b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n", ["a"]),
    "half a byte order mark": (b"\xef\xbbdata: a\n\ndata: b\n\n", ["b"]),
    "invalid UTF-8": (b"data: a\xff\xe2\x82b\n\n", ["a\ufffd\ufffdb"]),
    "an id with a NUL is ignored": (b"id: 1\0\ndata: a\n\n", ["a"]),
    "a surrogate's bytes": (b"data: \xed\xa0\xbd\n\n", ["\ufffd\ufffd\ufffd"]),
}


@pytest.mark.parametrize(("stream", "expected"), STANDARD.values(), ids=STANDARD)
def test_events(stream: bytes, expected: list[str]):
    for reads in [pieces(stream), *splits(stream)]:
        assert [data for _, data, _ in decode(reads)[0]] == expected, reads


NEWLINES = [b"\n", b"\r\n", b"\r"]

# Whatever a parser could stumble over, and the pieces of what it should understand.
TOKENS = [
    *NEWLINES,
    *(newline * 2 for newline in NEWLINES),
    *(b"data: ", b"data:", b"data", b"event: ", b"event:", b"id: ", b"id", b"retry: ", b"retry"),
    *(b":", b": ", b" ", b"\0", b"0", b"17", b"x", b"message", b"Data", b"{}", b"[DONE]"),
    *("é".encode(), "\u2028".encode(), "😀".encode()[:2], b"\xff", b"\xef\xbb\xbf", b"\x85"),
]

any_bytes = st.lists(st.sampled_from(TOKENS) | st.binary(max_size=3), max_size=24).map(b"".join)


_MOSTLY = st.sampled_from([True, True, True, False])


@st.composite
def plain_streams(draw: st.DrawFn) -> bytes:
    """Streams that are nearly, or wholly, one-line events of few shapes: the plain road's diet."""
    newline = draw(st.sampled_from(NEWLINES))
    space = draw(st.sampled_from([b"", b" "]))
    types = draw(st.lists(st.sampled_from([None, b"", b"x", b"y" * 200]), min_size=1, max_size=2))
    value = st.sampled_from([b"", b"x", b" x", b"{}", "é".encode(), b"\xe2\x82", b"\0"])
    blocks = []
    for _ in range(draw(st.integers(0, 6))):
        event_type = draw(st.sampled_from(types) | value)
        type_line = b"" if event_type is None else b"event:" + space + event_type + newline
        # Now and then a type alone, which is no event.
        data_line = b"data:" + space + draw(value) + newline if draw(_MOSTLY) else b""
        blocks.append(type_line + data_line + newline)
    if draw(st.booleans()):
        blocks.insert(draw(st.integers(0, len(blocks))), draw(any_bytes))
    return b"".join(blocks)


streams = event_streams().map(lambda stream: stream.data) | plain_streams() | any_bytes


@given(streams.flatmap(lambda data: st.tuples(st.just(data), chunkings(data))))
@examples(quick=60, thorough=5_000)
@example((b"id: 1\ndata: 1\n\nid\n", [b"id: 1\ndata: 1\n\nid\n", b""]))
def test_any_bytes_in_any_reads_mean_what_the_standard_has(cut: tuple[bytes, list[bytes]]):
    data, reads = cut
    assert decoded(reads) == interpret(data)


def scanned(scanner: EventScanner, read: bytes) -> list[ServerSentEvent]:
    batches = scanner.scan(read)
    return [make_event(payload, fields) for fields, payloads in batches for payload in payloads]


class LineScanner(EventScanner):
    """The line parser alone."""

    def scan(self, data: bytes) -> Iterable[Batch]:
        if self._bom is not None:
            data = self._without_bom(data, self._bom)
        return self._parse_lines(data, [])


# Reads that begin and end between events, which have few types: what leads from one opening to
# another, and what a type alone does there.
few_events = st.lists(
    st.sampled_from(
        [
            *(b"data: x\n\n", b"data: data: x\n\n", b"event: a\ndata: x\n\n"),
            *(b"event: b\ndata: x\n\n", b"event: a\n\n", b"data:x\n\n", b"data: x\ndata: y\n\n"),
            *(b": data: x\n\n", b"event:a\ndata:x\n\n", b"event: a\r\ndata: x\r\n\r\n", b"\n"),
            *(b"event: event:a\ndata: x\n\n", b"foo\ndata: x\n\n", b": a\ndata: x\n\n"),
            *(
                b"id: 1\n\n",
                b"id\ndata: x\n\n",
                b"xdata: y\n\n",
                b"retry: 5\n\n",
                b"event: adata: x\n\n",
            ),
        ]
    ),
    max_size=4,
).map(b"".join)


@given(st.lists(few_events | streams, max_size=4))
@examples(quick=60, thorough=5_000)
def test_the_fast_path_and_the_line_parser_agree(reads: list[bytes]):
    both, line = EventScanner(), LineScanner()
    for read in reads:
        assert scanned(both, read) == scanned(line, read)
        assert both.last_event_id == line.last_event_id


@pytest.mark.parametrize(
    "block",
    [
        b"data: a\n\ndata: b\n\n",
        b"data:a\n\ndata:b\n\n",
        b"data: a\r\n\r\ndata: b\r\n\r\n",
        b"event: x\ndata: a\n\nevent: y\ndata: b\n\n",
        b"event: x\r\ndata: a\r\n\r\nevent: y\r\ndata: b\r\n\r\n",
        b"event: x\ndata: a\n\nevent: x\ndata: b\n\n",
        b"event: x\ndata: a\n\ndata: b\n\n",
        b"data: a\n\nevent: x\ndata: b\n\n",
    ],
)
def test_the_fast_path_takes_what_it_is_for(block: bytes, monkeypatch: pytest.MonkeyPatch):
    scanner = EventScanner()
    list(scanner.scan(b"data: first\n\n"))
    monkeypatch.delattr(EventScanner, "_parse_lines")
    assert [event.data for event in scanned(scanner, block)] == ["a", "b"]


@pytest.mark.parametrize("ending", [b"\n\n", b"\r\r", b"\r\n\r\n", b"\n\r\n", b"\r\n\n", b"\n\r"])
def test_an_event_comes_with_the_byte_that_ends_it(ending: bytes):
    """A CR ends its line at once, so that the LF of a last CRLF is not waited for."""
    decoder = SSEDecoder()
    ends = ending.removesuffix(b"\n") if ending.endswith(b"\r\n") else ending
    stream = b"data: x" + ends
    assert [len(decoder.feed(read)) for read in pieces(stream)][-1] == 1


@pytest.mark.parametrize("event_type", ["message", "x"])
def test_a_read_of_one_event_like_the_latest_needs_no_cutting(
    event_type: str, monkeypatch: pytest.MonkeyPatch
):
    scanner = EventScanner()
    first, second = (ServerSentEvent(data, event_type) for data in ("a", "b"))
    assert scanned(scanner, b"\n" + first.encode()) == [first]
    assert scanned(scanner, first.encode()) == [first]
    monkeypatch.delattr(EventScanner, "_scan_events")
    assert scanned(scanner, second.encode()) == [second]


# Reads of which each is nearly plain, and the data that they hold.
NEARLY_PLAIN: dict[str, tuple[list[bytes], list[str]]] = {
    "a space after events without one": (
        [b"data:a\n\n", b"data:b\n\ndata:c\n\n", b"data:d\n\ndata: e\n\n", b"data: f\n\n"],
        ["a", "b", "c", "d", "e", "f"],
    ),
    "a space after one event without": (
        [b"data: a\n\n", b"event: x\ndata: b\n\n", b"data:c\n\n", b"data: d\n\n"],
        ["a", "b", "c", "d"],
    ),
    "other line ends within what looks like a type": (
        [b"data: a\n\n", b"event: x\ndata: b\n\nevent: y\r\ndata: c\r\n\r\n"],
        ["a", "b", "c"],
    ),
    "a type and no more": (
        [b"data: a\n\n", b"data: b\n\nevent: x\n", b"data: c\n\n"],
        ["a", "b", "c"],
    ),
    "another field in an event": (
        [b"data: a\n\n", b"data: b\nid\n\ndata: c\n\n"],
        ["a", "b", "c"],
    ),
    "two data lines in an event of another type": (
        [b"data: a\n\n", b"data: b\n\nevent: x\ndata: c\ndata: d\n\nevent: y\ndata: e\n\n"],
        ["a", "b", "c\nd", "e"],
    ),
    "other line ends in an event of another type": (
        [
            b"data: a\r\n\r\ndata: b\r\n\r\n",
            b"event: x\r\ndata: c\ndata: d\r\n\r\nevent: y\r\ndata: e\r\n\r\n",
        ],
        ["a", "b", "c\nd", "e"],
    ),
    "a type alone between events": (
        [b"\n", b"event: y\ndata: a\n\n", b"data: b\n\nevent: x\n\nevent: y\ndata: c\n\n"],
        ["a", "b", "c"],
    ),
    "a long type": (
        [b"data: a\n\n", b"data: b\n\nevent: " + b"y" * 200 + b"\nda", b"ta: c\n\n"],
        ["a", "b", "c"],
    ),
}


@pytest.mark.parametrize(("reads", "expected"), NEARLY_PLAIN.values(), ids=NEARLY_PLAIN)
def test_reads_that_are_nearly_plain(reads: list[bytes], expected: list[str]):
    assert [data for _, data, _ in decode(reads)[0]] == expected
    assert decode(reads) == decode([b"".join(reads)]) == decode(pieces(b"".join(reads)))


@each_recording("other")
def test_recorded_streams_mean_the_same_however_they_are_cut(recording: Any):
    whole = decode([recording.data])
    assert whole == ([event[:3] for event in interpret(recording.data).events], *whole[1:])
    for size in (1, 2, 7, 100, 4096):
        assert decode(pieces(recording.data, size)) == whole


@pytest.mark.parametrize("size", [1, 2])
def test_a_line_in_very_many_pieces(size: int):
    value = "".join(map(str, range(5_000)))
    stream = ServerSentEvent(value).encode()
    assert decode(pieces(stream, size))[0] == [("message", value, "")]


# The decoder.


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_feed_takes_what_is_bytes(kind: Any):
    assert SSEDecoder().feed(kind(b"data: x\n\n")) == [ServerSentEvent("x")]


@pytest.mark.parametrize(("data", "advice"), [("data: x", "undecoded"), (None, "NoneType")])
def test_feed_refuses_what_is_not(data: Any, advice: str):
    with pytest.raises(TypeError, match=advice):
        SSEDecoder().feed(data)


def test_an_earlier_id_is_given_to_events_until_another_comes():
    decoder = SSEDecoder(last_event_id="7")
    assert decoder.last_event_id == "7"
    events = decoder.feed(b"data: a\n\nid: 8\ndata: b\n\nid\ndata: c\n\ndata: d\n\n")
    assert [event.id for event in events] == ["7", "8", "", ""]


@pytest.mark.parametrize("last_event_id", ["a\nb", "a\rb", "a\0b"])
def test_an_earlier_id_is_one_that_a_stream_could_have_set(last_event_id: str):
    with pytest.raises(ValueError, match="last_event_id"):
        SSEDecoder(last_event_id=last_event_id)


def test_close_starts_the_next_stream():
    """What is unfinished is dropped; the ID and the reconnection time stay; a BOM may come."""
    decoder = SSEDecoder()
    decoder.feed(b"id: 1\nretry: 5\ndata: a\n\nid: 2\ndata: b")
    assert decoder.close() == []
    assert decoder.feed(b"\xef\xbb\xbfdata: c\n\n") == [ServerSentEvent("c", id="1")]
    assert (decoder.last_event_id, decoder.reconnection_time) == ("1", 5)


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        (b"", []),
        (b": comment", []),
        (b"event: x\n", []),
        (b"data: b", ["b"]),
        (b"data: b\n", ["b"]),
        (b"data: b\r", ["b"]),
        (b"data: b\ndata: c", ["b\nc"]),
        (b"data: b\ndat", ["b"]),
    ],
)
def test_close_can_dispatch_an_incomplete_event(tail: bytes, expected: list[str]):
    decoder = SSEDecoder()
    decoder.feed(b"data: a\n\n" + tail)
    assert [event.data for event in decoder.close(dispatch_incomplete=True)] == expected


def test_reset_starts_the_next_stream():
    decoder = SSEDecoder()
    decoder.feed(b"id: 1\ndata: a\n\ndata: b\n")
    decoder.reset()
    assert decoder.feed(b"data: c\n\n") == [ServerSentEvent("c", id="1")]


@pytest.mark.parametrize("value", [str(2**64), "9" * 5000, "-1", "+1", "1_0", "1.0", " 1", "²", ""])
def test_a_bogus_retry_is_ignored(value: str):
    decoder = SSEDecoder()
    events = decoder.feed(f"retry: 3\nretry: {value}\ndata: x\n\n".encode())
    assert [event.retry for event in events] == [3]
    assert decoder.reconnection_time == 3


# The limit.

LIMIT = 16
AT_THE_LIMIT = {
    "a line": b"data: 0123456789",
    "a line of nothing known": b"0123456789abcdef",
    "a comment": b":123456789abcdef",
    "data lines": b"data: 01234\ndata: 0123",
    "empty data lines": b"data\n" * 10 + b"data: ",
    "a line before": b"event: 012345678\ndata: 0123456789",
}


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize("stream", AT_THE_LIMIT.values(), ids=AT_THE_LIMIT)
def test_the_limit_is_met_by_the_same_byte_however_the_reads_fall(stream: bytes, size: int):
    decoder = SSEDecoder(max_event_size=LIMIT)
    for read in pieces(b"data: a\n\n" + stream, size):
        decoder.feed(read)
    with pytest.raises(EventTooLargeError, match="16 bytes"):
        decoder.feed(b"x")


@pytest.mark.parametrize("stream", AT_THE_LIMIT.values(), ids=AT_THE_LIMIT)
def test_events_that_are_complete_come_before_the_error(stream: bytes):
    decoder = SSEDecoder(max_event_size=LIMIT)
    assert decoder.feed(b"data: a\n\n" + stream + b"x\n\ndata: b\n\n") == [ServerSentEvent("a")]
    for call in (lambda: decoder.feed(b"data: c\n\n"), lambda: decoder.feed(b""), decoder.close):
        with pytest.raises(EventTooLargeError):
            call()
    decoder.reset()
    assert decoder.feed(b"data: d\n\n") == [ServerSentEvent("d")]


def test_the_limit_is_met_by_a_whole_line():
    decoder = SSEDecoder(max_event_size=LIMIT)
    assert decoder.feed(b"data: 01234567\n") == []
    with pytest.raises(EventTooLargeError):
        decoder.feed(b"data: 012\n\n")


def test_the_limit_is_for_an_event_not_for_a_stream():
    decoder = SSEDecoder(max_event_size=LIMIT)
    assert len(decoder.feed(b"data: 0123456789\n\n" * 100)) == 100


def test_no_limit():
    decoder = SSEDecoder(max_event_size=None)
    assert len(decoder.feed(b"data: " + b"x" * 2**20 + b"\n\n")) == 1


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_leaves_room(limit: int):
    with pytest.raises(ValueError, match="at least 1"):
        SSEDecoder(max_event_size=limit)


@pytest.mark.parametrize("field", [b"event: ", b"id: "])
def test_a_huge_type_or_id_counts_against_the_limit(field: bytes):
    decoder = SSEDecoder(max_event_size=2**20)
    decoder.feed(field + b"x" * (2**20 - 100) + b"\n")
    with pytest.raises(EventTooLargeError):
        decoder.feed(b"data: " + b"x" * 2**17 + b"\n")


# Encoding.

lines = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=8)
events = st.builds(
    ServerSentEvent,
    data=st.lists(lines, min_size=1).map("\n".join),
    event=lines.filter(bool),
    id=lines.filter(lambda text: "\0" not in text),
    retry=st.none() | st.integers(0, 2**64 - 1),
)


@given(events)
def test_a_fresh_decoder_gives_back_what_was_encoded(event: ServerSentEvent):
    assert SSEDecoder().feed(event.encode()) == [event]


def test_values_that_are_as_good_as_others_are_encoded_like_these():
    assert ServerSentEvent("a", event="", retry=True).encode() == b"retry: 1\ndata: a\n\n"


@pytest.mark.parametrize("newline", ["\n", "\r", "\r\n"])
def test_data_is_split_at_every_line_end(newline: str):
    assert SSEDecoder().feed(ServerSentEvent(f"a{newline}b").encode()) == [ServerSentEvent("a\nb")]


@pytest.mark.parametrize(
    "event",
    [
        ServerSentEvent("", event="a\nb"),
        ServerSentEvent("", event="a\rb"),
        ServerSentEvent("", id="a\nb"),
        ServerSentEvent("", id="a\rb"),
        ServerSentEvent("", id="a\0b"),
        ServerSentEvent("", retry=-1),
        ServerSentEvent("", retry=2**64),
    ],
)
def test_what_would_inject_or_be_ignored_is_refused(event: ServerSentEvent):
    with pytest.raises(ValueError, match=r"event|id|retry"):
        event.encode()


@given(st.text(max_size=8))
def test_a_comment_is_only_a_comment(text: str):
    heard: list[str] = []
    decoder = SSEDecoder(on_comment=heard.append)
    assert decoder.feed(encode_comment(text)) == []
    assert heard == interpret(encode_comment(text)).comments


# Events.


def test_json():
    assert ServerSentEvent('{"n": 1}').json() == {"n": 1}
    assert ServerSentEvent("[1]").json(tuple[int]) == (1,)


@pytest.mark.parametrize("data", ["", "{", "[DONE]", '"\ud83d"', "[" * 100_000, "{}"])
def test_json_raises_ours(data: str):
    event = ServerSentEvent(data)
    with pytest.raises(DecodeError) as raised:
        event.json(list[int])
    assert raised.value.event == event
    assert raised.value.__cause__ is not None


def test_an_error_does_not_spill_the_data():
    with pytest.raises(DecodeError) as raised:
        ServerSentEvent('"hunter2"').json(Literal["a", "b"])  # type: ignore[arg-type]
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("text", ["\ud83d\ude00", "\ud83d"])
def test_surrogates_are_encoded_as_a_decoder_would_have_them(text: str):
    (event,) = SSEDecoder().feed(ServerSentEvent(text).encode())
    assert event.data == {"\ud83d": "\ufffd"}.get(text, "😀")


@pytest.mark.parametrize("cause", [ZeroDivisionError(), KeyboardInterrupt()])
def test_a_callback_that_raises_loses_nothing(cause: BaseException):
    """The events before the comment come with the next call, which goes on behind it."""
    heard: list[str] = []

    def on_comment(text: str) -> None:
        heard.append(text)
        if "!" in text:
            raise cause

    def feed(data: bytes) -> list[str]:
        return [event.data for event in decoder.feed(data)]

    decoder = SSEDecoder(on_comment=on_comment)
    for _ in range(2):
        with pytest.raises(type(cause)):
            feed(b"data: a\n\n: 1!\ndata: b\n: 2\n\n: 3\ndata: c")
        assert feed(b"") == ["a", "b"]
        with pytest.raises(type(cause)):
            feed(b"\n\n: 4!\n\ndata: d\n\n: 5!\ndata: e\n\n")
        with pytest.raises(type(cause)):
            feed(b"data: f\n\n")
        assert [event.data for event in decoder.close()] == ["c", "d", "e", "f"]
        assert heard == ["1!", "2", "3", "4!", "5!"]
        heard.clear()
    with pytest.raises(type(cause)):
        feed(b"data: a\n\n: !\ndata: b\n\n")
    decoder.reset()
    assert feed(b"data: c\n\n") == ["c"]


def test_comments_come_in_their_order_among_events():
    stated: list[str] = []
    decoder = SSEDecoder(on_comment=stated.append)
    for read in pieces(b": one\ndata: a\n:two\n\n: three\n"):
        stated.extend(event.data for event in decoder.feed(read))
    assert stated == ["one", "two", "a", "three"]


def test_many_comments_of_one_read_are_heard_in_linear_time():
    heard: list[str] = []
    decoder = SSEDecoder(on_comment=heard.append)

    events = decoder.feed(b":\n" * 400_000 + b"data: after\n\n")

    assert (heard, [event.data for event in events]) == ([""] * 400_000, ["after"])


def test_a_decoder_is_not_inherited():
    """Whoever pulls events would not call the methods of the subclass."""
    with pytest.raises(TypeError, match="cannot be inherited: hold one"):
        type("Logging", (SSEDecoder,), {})


def test_more_types_than_are_remembered():
    names = [f"type-{number}" for number in range(300)] * 2 + ["x" * 1000]
    decoder = SSEDecoder()
    made = [event for name in names for event in decoder.feed(ServerSentEvent("a", name).encode())]
    assert [event.event for event in made] == names
