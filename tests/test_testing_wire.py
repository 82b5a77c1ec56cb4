"""The strategies of the wire: `ssekit.testing`."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from itertools import groupby, pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

import ssekit.testing
from ssekit import ServerSentEvent, SSEDecoder
from ssekit.testing import EventStream, chunkings, event_streams, server_sent_events, splits
from tests.reference import Reference, interpret
from tests.thorough import examples, pick

SEARCH = settings(
    database=None,
    derandomize=True,
    deadline=None,
    max_examples=3000,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
)


def smallest(strategy: st.SearchStrategy[Any], condition: Callable[[Any], Any]) -> Any:
    return find(strategy, condition, settings=SEARCH)


def some(strategy: st.SearchStrategy[Any], condition: Callable[[Any], Any]) -> Any:
    return find(strategy, condition, settings=settings(SEARCH, phases=[Phase.generate]))


# The streams are what the standard makes of them.


def described(stream: EventStream) -> Reference:
    """Return the events and the state of a stream, by its own fields."""
    events = [(event.event, event.data, event.id, event.retry) for event in stream.events]
    return Reference(events, stream.comments, stream.last_event_id, stream.reconnection_time)


@given(event_streams())
@examples(quick=40, thorough=5_000)
def test_an_independent_decoder_agrees_with_the_fields_of_a_stream(stream: EventStream):
    assert described(stream) == interpret(stream.data)


@given(st.data())
@examples(quick=20, thorough=60)
def test_any_list_of_events_is_encoded(data: st.DataObject):
    events = data.draw(st.lists(server_sent_events(), max_size=3))
    stream = data.draw(event_streams(st.just(events)))
    assert stream.events == events
    assert described(stream) == interpret(stream.data)


# What they reach, and what is left of it in the end.


def matches(pattern: bytes) -> Callable[[EventStream], bool]:
    """Streams with an event whose bytes are somewhere like this."""
    return lambda stream: bool(stream.events and re.search(pattern, stream.data))


def any_event(condition: Callable[[ServerSentEvent], Any]) -> Callable[[EventStream], bool]:
    return lambda stream: any(map(condition, stream.events))


def any_two(
    condition: Callable[[ServerSentEvent, ServerSentEvent], Any],
) -> Callable[[EventStream], bool]:
    """Streams with two events like this, one after the other."""
    return lambda stream: any(condition(*events) for events in pairwise(stream.events))


def is_mended(stream: EventStream) -> bool:
    """U+FFFD is in the events, but not in the bytes as UTF-8."""
    return "\ufffd".encode() not in stream.data and "\ufffd" in "".join(
        event.data for event in stream.events
    )


def has(pattern: bytes) -> Callable[[EventStream], bool]:
    """Streams like this somewhere: whether there is any event or not."""
    return lambda stream: bool(re.search(pattern, stream.data))


def without_data(start: bytes) -> Callable[[EventStream], bool]:
    """Streams with a block of which one line begins like this, and none is of data."""

    def condition(stream: EventStream) -> bool:
        groups = [list(group) for _, group in groupby(stream.data.splitlines(), bool)]
        return any(
            any(line.startswith(start) for line in block)
            and not any(line.startswith(b"data") for line in block)
            for block, _blank_lines in pairwise(groups)
        )

    return condition


def has_unknown_field(stream: EventStream) -> bool:
    lines = stream.data.removeprefix(b"\xef\xbb\xbf").splitlines()
    names = {line.partition(b":")[0] for line in lines}
    names = {name for name in names if not name.startswith(b"\xef\xbb\xbf")}
    return not names <= {b"data", b"event", b"id", b"retry", b""}


# What a stream reaches, and the smallest in which it does.
REACHED = {
    "nothing": (lambda s: not s.events, b""),
    "an event": (lambda s: s.events, b"data:\n\n"),
    "two events": (lambda s: len(s.events) > 1, b"data:\n\ndata:\n\n"),
    "CR": (matches(rb"\r\r"), b"data:\r\r"),
    "CRLF": (matches(rb"\r\n\r\n"), b"data:\r\n\r\n"),
    "a CR before a CRLF": (matches(rb"[^\r\n]\r\r\n"), b"data:\r\r\n"),
    "an LF before a CRLF": (matches(rb"[^\r\n]\n\r\n"), b"data:\n\r\n"),
    "a mark": (matches(rb"^\xef\xbb\xbf[^\xef]"), b"\xef\xbb\xbfdata:\n\n"),
    "a mark elsewhere": (matches(rb"[^\xbf]\xef\xbb\xbf"), b"data: \xef\xbb\xbf\n\n"),
    "a comment": (lambda s: s.events and s.comments, b"data:\n\n:\n"),
    "an unknown field": (lambda s: s.events and has_unknown_field(s), b"data:\n\nx:\n"),
    "no space": (matches(rb"data:[^ \r\n]"), b"data:x\n\n"),
    "no colon": (matches(rb"data[\r\n]"), b"data\n\n"),
    "a type": (any_event(lambda event: event.event != "message"), b"event: x\ndata:\n\n"),
    "a type without data": (without_data(b"event"), b"event:\n\n"),
    "an id that lasts": (
        any_two(lambda one, other: one.id == other.id != ""),
        b"id: x\ndata:\n\ndata:\n\n",
    ),
    "an id that is taken back": (
        any_two(lambda one, other: one.id and not other.id),
        b"id: x\ndata:\n\nid:\ndata:\n\n",
    ),
    "an id without data": (without_data(b"id"), b"id:\n\n"),
    "a retry without data": (without_data(b"retry: "), b"retry: 0\n\n"),
    "a comment without data": (without_data(b":"), b":\n\n"),
    "nothing between blank lines": (has(rb"\A[\r\n]|\n\n\n|\r\r\r|(\r\n){3}"), b"\n"),
    "an id with a NUL": (matches(rb"id: ?[^\r\n]*\0"), b"data:\n\nid: \0\n"),
    "a retry": (any_event(lambda event: event.retry), b"retry: 1\ndata:\n\n"),
    "a bogus retry": (matches(rb"retry:? ?[^0-9 ]"), b"data:\n\nretry: x\n"),
    "data lines": (any_event(lambda event: "\n" in event.data), b"data:\ndata:\n\n"),
    "no data in the last of them": (
        any_event(lambda event: event.data.strip("\n") and event.data.endswith("\n")),
        b"data: x\ndata:\n\n",
    ),
    "no end of a line": (
        any_event(lambda event: set("\u2028\u2029\x85\x0b\x0c\x1c") & set(event.data)),
        b"data: \x1c\n\n",
    ),
    "U+FFFD": (any_event(lambda event: "\ufffd" in event.data), b"data: \xef\xbf\xbd\n\n"),
    "invalid UTF-8": (is_mended, b"data: \xff\n\n"),
    "an unfinished event": (has(rb"data:[^\r\n]*\n\Z"), b"data:\n"),
    "an unfinished line": (has(rb"data:[^\r\n]*\Z"), b"data:"),
    "an unfinished CR": (has(rb"data:[^\r\n]*\r\Z"), b"data:\r"),
}


@pytest.mark.parametrize("name", pick(quick=list(REACHED)[::10], thorough=list(REACHED)))
def test_what_streams_shrink_to(name: str):
    condition, expected = REACHED[name]
    # (Which of two small streams it is differs between versions of Hypothesis: by a line at most.)
    assert len(smallest(event_streams(), condition).data) <= len(expected) + len("data: x\n")


def test_no_case_is_rare():
    """By the numbers: the rarest of them is in some 20 of a thousand streams."""
    number: Counter[str] = Counter()
    streams, least = pick(quick=(400, 1), thorough=(1_000, 5))

    @given(event_streams())
    @settings(SEARCH, max_examples=streams, phases=[Phase.generate])
    def count(stream: EventStream) -> None:
        number.update(name for name, (condition, _) in REACHED.items() if condition(stream))

    count()
    assert {name: number[name] for name in REACHED if number[name] < least} == {}


# What the switches turn off.

PLAIN: dict[str, Any] = dict.fromkeys(
    [
        *("mixed_newlines", "bom", "comments", "unknown_fields", "types", "ids", "retries"),
        *("multiline_data", "empty_data", "blocks_without_data", "ignored_values"),
        *("terse_fields", "any_text", "invalid_utf8", "unfinished"),
    ],
    False,
)


@given(event_streams(newlines=[b"\n"], **PLAIN))
def test_what_is_left_without_any_switch(stream: EventStream):
    assert re.fullmatch(rb"(data: [xyz]+\n\n)*", stream.data)
    assert described(stream) == interpret(stream.data)


# For each switch, what only it allows.
ALLOWED = {
    "mixed_newlines": matches(rb"[^\r]\n\r\n"),
    "bom": matches(rb"^\xef\xbb\xbf"),
    "comments": lambda s: s.comments,
    "unknown_fields": matches(rb"Data"),
    "types": any_event(lambda event: event.event != "message"),
    "ids": any_event(lambda event: event.id),
    "retries": any_event(lambda event: event.retry),
    "multiline_data": any_event(lambda event: "\n" in event.data),
    "empty_data": any_event(lambda event: event.data == ""),
    "blocks_without_data": matches(rb"^\n"),
    "terse_fields": matches(rb"^data:x"),
    "any_text": any_event(lambda event: set(event.data) - set("xyz")),
    "invalid_utf8": matches(rb"\xff"),
    "unfinished": lambda s: not s.events and b"data" in s.data,
}


@pytest.mark.parametrize("switch", ALLOWED)
def test_a_switch_allows(switch: str):
    newlines = [b"\n", b"\r\n"] if switch == "mixed_newlines" else [b"\n"]
    assert some(event_streams(newlines=newlines, **{**PLAIN, switch: True}), ALLOWED[switch])


@pytest.mark.parametrize("field", ["ids", "retries"])
def test_a_switch_allows_what_is_ignored(field: str):
    ignored = {"ids": rb"id: [xyz]*\0", "retries": rb"retry: [^0-9]"}[field]
    switches = {**PLAIN, field: True, "ignored_values": True}
    assert some(event_streams(**switches), matches(ignored))


@pytest.mark.parametrize("newlines", [[], [b"\n\r"], ["\n"]])
def test_other_newlines_are_refused(newlines: Any):
    with pytest.raises(InvalidArgument, match="newlines"):
        event_streams(newlines=newlines)


@pytest.mark.parametrize(
    "event",
    [
        ServerSentEvent("a\rb"),
        ServerSentEvent("\ud800"),
        ServerSentEvent("", event=""),
        ServerSentEvent("", event="a\n"),
        ServerSentEvent("", id="\0"),
    ],
)
def test_what_the_wire_cannot_hold_is_refused(event: ServerSentEvent):
    with pytest.raises(InvalidArgument, match="cannot hold"):
        find(event_streams(st.just([event])), bool, settings=SEARCH)


def test_a_stream_shows_what_can_be_pasted():
    stream = smallest(event_streams(), lambda s: s.events)
    assert eval(repr(stream)) == stream
    assert repr(stream) == (
        "EventStream(data=b'data:\\n\\n', events=[ServerSentEvent(data='', event='message', id='', "
        "retry=None)])"
    )


# Events.


@given(server_sent_events())
def test_an_event_is_what_its_encoding_is_read_as(event: ServerSentEvent):
    assert SSEDecoder().feed(event.encode()) == [event]


def test_events_of_given_parts():
    events = server_sent_events(
        data=st.just("d"), event=st.just("e"), id=st.just("i"), retry=st.just(7)
    )
    assert smallest(events, lambda event: True) == ServerSentEvent("d", "e", "i", 7)


# Reads.


@given(st.binary(max_size=20), st.booleans(), st.data())
def test_reads_are_a_division_of_the_bytes(data: bytes, empty: bool, draw: st.DataObject):
    reads = draw.draw(chunkings(data, max_cuts=3, empty_reads=empty))
    assert b"".join(reads) == data
    assert len(reads) <= max(4, len(data))
    assert empty or all(reads)


CRLF = b"data: a\r\n\r\n"
CUT = {
    "nowhere": (lambda reads: True, [CRLF]),
    "within a CRLF": (lambda reads: reads[0].endswith(b"\r"), [CRLF[:8], CRLF[8:]]),
    "before the first byte": (lambda reads: not reads[0], [b"", CRLF]),
    "everywhere": (lambda reads: len(reads) == 11, [CRLF[i : i + 1] for i in range(11)]),
}


@pytest.mark.parametrize(("condition", "expected"), CUT.values(), ids=CUT)
def test_where_reads_are_cut(condition: Callable[[list[bytes]], Any], expected: list[bytes]):
    assert smallest(chunkings(CRLF), condition) == expected


@pytest.mark.parametrize(("data", "reads"), [(b"", []), (b"x", [b"x"])])
def test_what_cannot_be_cut_is_not(data: bytes, reads: list[bytes]):
    assert smallest(chunkings(data, empty_reads=False), lambda reads: True) == reads


def test_splits_are_all_two_way_cuts():
    assert [a + b"|" + b for a, b in splits(b"abc")] == [b"|abc", b"a|bc", b"ab|c", b"abc|"]


# The package.


def test_each_name_is_where_the_documentation_has_it():
    assert sorted(ssekit.testing.__all__) == sorted(ssekit.testing._MODULES)
    for name, module in ssekit.testing._MODULES.items():
        assert getattr(ssekit.testing, name) is getattr(
            sys.modules[f"ssekit.testing.{module}"], name
        )
    with pytest.raises(AttributeError, match="nothing"):
        ssekit.testing.nothing  # noqa: B018


WITHOUT_HYPOTHESIS = """
import sys
sys.modules["hypothesis"] = None
from ssekit.testing import splits, transports
assert list(splits(b""))
assert list(transports.Reads(b"a")) == [b"a"]
from ssekit.testing import event_streams
"""


def test_without_hypothesis_only_strategies_are_missing():
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_HYPOTHESIS], capture_output=True, text=True, check=False
    )
    assert run.stderr.strip().endswith(
        "ImportError: ssekit.testing.event_streams needs Hypothesis: pip install 'ssekit[testing]'"
    )


def test_another_module_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(ssekit.testing._MODULES, "splits", "_nowhere")
    with pytest.raises(ModuleNotFoundError, match="_nowhere"):
        ssekit.testing.splits  # noqa: B018


def test_hypothesis_is_asked_for_when_a_strategy_is(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    monkeypatch.delitem(sys.modules, "ssekit.testing._wire")
    with pytest.raises(ImportError, match=r"ssekit\[testing\]"):
        ssekit.testing.event_streams  # noqa: B018
