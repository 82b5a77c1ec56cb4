# Strategies of the wire: events, what says them in bytes (WHATWG HTML 9.2.5 and 9.2.6), and reads.
#
# What always holds here:
# - What a stream must give is known from how it was made, never from decoding it.
# - The plain comes first in each choice, so that examples shrink to what a reader would write.

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeVar

import msgspec
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument
from hypothesis.strategies import DrawFn, SearchStrategy

from ssekit._sse import ServerSentEvent

__all__ = ["EventStream", "chunkings", "event_streams", "server_sent_events"]

T = TypeVar("T")

_BOM = b"\xef\xbb\xbf"
_NEWLINES = (b"\n", b"\r\n", b"\r")  # 9.2.5, end-of-line
_LARGEST_RETRY = 2**64 - 1  # more is ignored

# Where decoders stumble: what `str.strip` takes off, what stands for invalid UTF-8, what
# `str.splitlines` takes for the end of a line, the byte order mark as a character, characters of
# two, three and four bytes.
_STUMBLING = "x \t:\0\ufffd\u2028\u2029\x85\x0b\x0c\x1c\ufeffé€😀"
# What is not UTF-8: each becomes one U+FFFD, whatever follows, as none goes on where another ends.
_INVALID_UTF8 = (b"\xff", b"\xe2\x82", b"\xf0\x9f\x98", b"\xc3")
# 9.2.6: field names are compared literally; all of these are unknown.
_UNKNOWN_NAMES = ("x", "Data", "DATA", " data", "data ", "dat", "datas", "evènt", "\0id", "retry\0")
_BOM_NAMES = ("\ufeffdata", "\ufeff")  # the mark is one only where a stream begins
_BOGUS_RETRIES = ("x", "", "-1", "+1", "1.0", " 1", "1 ", "1_0", "1e3", "0x1", "²", "\uff11")


class EventStream(msgspec.Struct, frozen=True, repr_omit_defaults=True):
    """The bytes of a stream, and what a decoder must make of them.

    Attributes:
        data: The bytes.
        events: The events, each with the last event ID at its dispatch, and with the retry (in
            milliseconds) that its own block sets.
        last_event_id: The last event ID after the stream, which a reconnection sends.
        reconnection_time: What the last valid retry field says, in milliseconds, or None.
        comments: The comments, without the space that may stand before each.
    """

    data: bytes
    events: list[ServerSentEvent] = []
    last_event_id: str = ""
    reconnection_time: int | None = None
    comments: list[str] = []


def _texts(exclude: str) -> SearchStrategy[str]:
    any_text = st.text(
        st.characters(exclude_characters=exclude, exclude_categories=["Cs"]), max_size=8
    )
    # (One strategy with both alphabets would be one of all characters: Hypothesis unites them.)
    alphabet = [character for character in _STUMBLING if character not in exclude]
    return any_text | st.text(alphabet, max_size=4)


_LINES = _texts("\r\n")
_IDS = _texts("\r\n\0")
_RETRIES = st.integers(0, _LARGEST_RETRY)
_MAYBE = st.booleans()
_UP_TO_TWO = st.integers(0, 2)


def server_sent_events(
    *,
    data: SearchStrategy[str] | None = None,
    event: SearchStrategy[str] | None = None,
    id: SearchStrategy[str] | None = None,
    retry: SearchStrategy[int | None] | None = None,
) -> SearchStrategy[ServerSentEvent]:
    """Return a strategy of events as a decoder gives them, which `encode` says on the wire.

    Args:
        data: Of the data: text without CR. By default any.
        event: Of the type: text without line ends that is not empty. By default any.
        id: Of the last event ID: text without line ends and NUL. By default any.
        retry: Of the retry, in milliseconds. By default any, or None.
    """
    return st.builds(
        ServerSentEvent,
        data=data or st.lists(_LINES, min_size=1, max_size=3).map("\n".join),
        event=event or st.just("message") | _LINES.filter(bool),
        id=id or st.just("") | _IDS,
        retry=retry or st.none() | _RETRIES,
    )


def event_streams(
    events: SearchStrategy[list[ServerSentEvent]] | None = None,
    *,
    max_events: int = 4,
    newlines: Collection[bytes] = _NEWLINES,
    mixed_newlines: bool = True,
    bom: bool = True,
    comments: bool = True,
    unknown_fields: bool = True,
    types: bool = True,
    ids: bool = True,
    retries: bool = True,
    multiline_data: bool = True,
    empty_data: bool = True,
    blocks_without_data: bool = True,
    ignored_values: bool = True,
    terse_fields: bool = True,
    any_text: bool = True,
    invalid_utf8: bool = True,
    unfinished: bool = True,
) -> SearchStrategy[EventStream]:
    r"""Return a strategy of streams, each with what it must give (WHATWG HTML 9.2.6).

    By default there is everything that the standard provides for; each switch turns something off.

    Args:
        events: Of what is said: each stream says one list of events, in any of the ways that the
            wire has. Then no switch concerns what the events themselves are.
        max_events: How many events there are at most, where `events` is not given.
        newlines: The line ends to choose from: b"\n", b"\r\n", b"\r".
        mixed_newlines: The lines of one stream may end differently.
        bom: A stream may begin with a byte order mark, and have one elsewhere, where it is none.
        comments: There may be comments.
        unknown_fields: There may be fields that the standard does not know.
        types: Events may have a type, and `event` fields may be repeated: the last one counts.
        ids: Events may have an id, which holds for those after them also.
        retries: There may be retries.
        multiline_data: Data may have more than one line.
        empty_data: Data, and lines of it, may be empty.
        blocks_without_data: There may be blocks without data, and further blank lines. They
            dispatch nothing; but an id in them counts.
        ignored_values: There may be ids with a NUL, and retries that are not digits alone.
        terse_fields: There may be no space after a colon, and no colon where a value is empty.
        any_text: Text may have any character, not a few letters alone.
        invalid_utf8: Text may have bytes that are no UTF-8; each piece becomes U+FFFD.
        unfinished: A stream may end within an event, which is then not dispatched.

    Raises:
        InvalidArgument: `newlines` is empty or has something else; or, when an example is drawn,
            `events` gave an event that the wire cannot say.
    """
    if not newlines or not set(newlines) <= set(_NEWLINES):
        raise InvalidArgument(f"newlines are some of {_NEWLINES}, not {newlines!r}")
    features = _Features(
        newlines=[newline for newline in _NEWLINES if newline in newlines],
        mixed_newlines=mixed_newlines and len(set(newlines)) > 1,
        bom=bom,
        comments=comments,
        unknown_fields=unknown_fields,
        types=types,
        ids=ids,
        retries=retries,
        multiline_data=multiline_data,
        empty_data=empty_data,
        blocks_without_data=blocks_without_data,
        ignored_values=ignored_values,
        terse_fields=terse_fields,
        any_text=any_text,
        invalid_utf8=invalid_utf8,
        unfinished=unfinished,
    )
    return _streams(features, events or _event_lists(features, max_events))


def chunkings(
    data: bytes, *, max_cuts: int = 8, empty_reads: bool = True
) -> SearchStrategy[list[bytes]]:
    """Return a strategy of divisions of some bytes into the reads that a transport may give.

    Args:
        data: The bytes.
        max_cuts: How many cuts there are at most. Beside, there is the division into single bytes.
        empty_reads: There may be reads of nothing.
    """
    first, last = (0, len(data)) if empty_reads else (1, len(data) - 1)
    if first > last:
        return st.just([data] if data else [])
    places = st.lists(st.integers(first, last), max_size=max_cuts, unique=not empty_reads)
    single = [data[place : place + 1] for place in range(len(data))]
    return places.map(lambda cuts: _cut(data, sorted(cuts))) | st.just(single)


def _cut(data: bytes, places: list[int]) -> list[bytes]:
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


@dataclass(frozen=True)
class _Features:
    """The switches of `event_streams`."""

    newlines: list[bytes]
    mixed_newlines: bool
    bom: bool
    comments: bool
    unknown_fields: bool
    types: bool
    ids: bool
    retries: bool
    multiline_data: bool
    empty_data: bool
    blocks_without_data: bool
    ignored_values: bool
    terse_fields: bool
    any_text: bool
    invalid_utf8: bool
    unfinished: bool

    # Strategies are made once: to make one costs more than to draw from it.

    @cached_property
    def texts(self) -> SearchStrategy[str]:
        return _LINES if self.any_text else self._few_letters

    @cached_property
    def id_texts(self) -> SearchStrategy[str]:
        return _IDS if self.any_text else self._few_letters

    @cached_property
    def _few_letters(self) -> SearchStrategy[str]:
        return st.text("xyz\ufffd" if self.invalid_utf8 else "xyz", max_size=3)

    @cached_property
    def data(self) -> SearchStrategy[str]:
        line = self.texts if self.empty_data else self.texts.filter(bool)
        return st.lists(line, min_size=1, max_size=3 if self.multiline_data else 1).map("\n".join)

    @cached_property
    def event_types(self) -> SearchStrategy[str]:
        return st.just("message") | _if(self.types, self.texts.filter(bool))

    @cached_property
    def event_ids(self) -> SearchStrategy[str | None]:
        """Ids; None is the one that holds."""
        return st.none() | _if(self.ids, st.just("") | self.id_texts)

    @cached_property
    def event_retries(self) -> SearchStrategy[int | None]:
        return st.none() | _if(self.retries, _RETRIES)

    @cached_property
    def superseded_types(self) -> SearchStrategy[list[str]]:
        return _at_most_one(_if(self.types, self.texts))

    @cached_property
    def superseded_ids(self) -> SearchStrategy[list[str]]:
        return _at_most_one(_if(self.ids, self.id_texts))

    @cached_property
    def superseded_retries(self) -> SearchStrategy[list[int]]:
        return _at_most_one(_if(self.retries, _RETRIES))

    @cached_property
    def ignored_fields(self) -> SearchStrategy[list[_Field]]:
        names = st.sampled_from([*_UNKNOWN_NAMES, *(_BOM_NAMES if self.bom else ())])
        texts, bogus = self.texts, st.sampled_from(_BOGUS_RETRIES)
        id_with_nul = st.tuples(self.id_texts, self.id_texts).map("\0".join)
        field = st.one_of(
            _if(self.comments, st.builds(_Field, st.just(""), texts)),
            _if(self.unknown_fields, st.builds(_Field, names, texts)),
            _if(self.ignored_values and self.ids, st.builds(_Field, st.just("id"), id_with_nul)),
            _if(self.ignored_values and self.retries, st.builds(_Field, st.just("retry"), bogus)),
        )
        return st.just([]) if field.is_empty else st.lists(field, max_size=2)


class _Field(NamedTuple):
    """A line of a block; a comment has the name ""."""

    name: str
    value: str


def _if(allowed: bool, strategy: SearchStrategy[T]) -> SearchStrategy[T]:
    return strategy if allowed else st.nothing()


def _at_most_one(strategy: SearchStrategy[T]) -> SearchStrategy[list[T]]:
    return st.just([]) | strategy.map(lambda value: [value])


def _event_lists(features: _Features, max_events: int) -> SearchStrategy[list[ServerSentEvent]]:
    parts = st.tuples(
        features.data, features.event_types, features.event_ids, features.event_retries
    )
    return st.lists(parts, max_size=max_events).map(_in_sequence)


def _in_sequence(
    parts: list[tuple[str, str, str | None, int | None]],
) -> list[ServerSentEvent]:
    """Return the events of which these are the parts: one without an id has the one before."""
    events: list[ServerSentEvent] = []
    last_id = ""
    for data, type_, id_, retry in parts:
        last_id = last_id if id_ is None else id_
        events.append(ServerSentEvent(data, type_, last_id, retry))
    return events


@st.composite
def _streams(
    draw: DrawFn, features: _Features, lists: SearchStrategy[list[ServerSentEvent]]
) -> EventStream:
    events = draw(lists)
    writer = _Writer(draw, features)
    for event in events:
        _check(event)
        writer.write_blocks_without_data(event.id)
        writer.write_event(event)
    writer.write_blocks_without_data("")
    if features.unfinished and draw(_MAYBE):
        writer.write_unfinished_event()
    data = bytes(writer.written)
    # Where an unknown name begins with the mark, one more stands before it, and is the one.
    if data.startswith(_BOM) or (features.bom and draw(_MAYBE)):
        data = _BOM + data
    return EventStream(
        data, events, writer.last_event_id, writer.reconnection_time, writer.comments
    )


def _check(event: ServerSentEvent) -> None:
    """Refuse what no bytes say."""
    try:
        event.encode()
        event.data.encode()
    except ValueError as error:
        raise InvalidArgument(f"the wire cannot say {event!r}: {error}") from error
    if "\r" in event.data or not event.event:
        raise InvalidArgument(f"the wire cannot say {event!r}: CR in data, or an empty type")


def _data_lines(data: str) -> list[_Field]:
    return [_Field("data", line) for line in data.split("\n")]


class _Writer:
    """Writes events as bytes, and keeps what a decoder must know after them."""

    def __init__(self, draw: DrawFn, features: _Features) -> None:
        self.written = bytearray()
        self.last_event_id = ""
        self.reconnection_time: int | None = None
        self.comments: list[str] = []
        self._draw = draw
        self._features = features
        self._newline = draw(st.sampled_from(features.newlines))
        # A stream does some of what it may do, not a little of everything.
        self._mixed = features.mixed_newlines and draw(_MAYBE)
        self._idle = features.blocks_without_data and draw(_MAYBE)
        self._noisy = draw(_MAYBE)

    def write_event(self, event: ServerSentEvent) -> None:
        data = _data_lines(event.data)
        self._write_lines(self._block(data, event.event, event.id, event.retry))
        self._write_blank_line(event.id)

    def write_blocks_without_data(self, next_id: str) -> None:
        """Write what dispatches nothing: the type and the retry in it are lost, the id counts."""
        features, draw = self._features, self._draw
        for _ in range(draw(_UP_TO_TWO) if self._idle else 0):
            id_ = next_id if features.ids and draw(_MAYBE) else draw(features.event_ids)
            id_ = self.last_event_id if id_ is None else id_
            type_, retry = draw(features.event_types), draw(features.event_retries)
            self._write_lines(self._block([], type_, id_, retry))
            self._write_blank_line(id_)

    def write_unfinished_event(self) -> None:
        """Write an event without its blank line, the last line perhaps without its end."""
        draw, features = self._draw, self._features
        data, type_ = draw(features.data), draw(features.event_types)
        id_, retry = draw(features.event_ids), draw(features.event_retries)
        lines = self._block(
            _data_lines(data), type_, self.last_event_id if id_ is None else id_, retry
        )
        if draw(_MAYBE):
            self._write_lines(lines[:-1])
            self.written += self._spelled(lines[-1])
        else:
            self._write_lines(lines)

    # Blocks: which lines, and in which order.

    def _block(self, data: list[_Field], type_: str, id_: str, retry: int | None) -> list[_Field]:
        """Return lines that say an event. Only those of one name are in a given order."""
        block = data
        for lines in (self._types(type_), self._ids(id_), self._retries(retry)):
            block = self._merged(block, lines)
        for line in self._draw(self._features.ignored_fields) if self._noisy else ():
            block = self._merged(block, [line])
        return block

    def _types(self, type_: str) -> list[_Field]:
        needless = [[""], ["message"]] if self._features.types else []
        last = self._draw(st.sampled_from([[], *needless])) if type_ == "message" else [type_]
        earlier = self._draw(self._features.superseded_types) if last else []
        return [_Field("event", value) for value in [*earlier, *last]]

    def _ids(self, id_: str) -> list[_Field]:
        needed = id_ != self.last_event_id or (self._features.ids and self._draw(_MAYBE))
        earlier = self._draw(self._features.superseded_ids) if needed else []
        return [_Field("id", value) for value in [*earlier, *([id_] if needed else [])]]

    def _retries(self, retry: int | None) -> list[_Field]:
        if retry is None:
            return []
        earlier = self._draw(self._features.superseded_retries)
        return [_Field("retry", str(value)) for value in [*earlier, retry]]

    def _merged(self, block: list[_Field], lines: list[_Field]) -> list[_Field]:
        merged = list(block)
        place = 0
        for line in lines:
            place = self._draw(st.integers(place, len(merged)))
            merged.insert(place, line)
            place += 1
        return merged

    # Lines.

    def _write_lines(self, fields: list[_Field]) -> None:
        for field in fields:
            self.written += self._spelled(field) + self._line_end()
            if field.name == "":
                self.comments.append(field.value)
            elif field.name == "retry" and field.value not in _BOGUS_RETRIES:
                self.reconnection_time = int(field.value)

    def _write_blank_line(self, last_event_id: str) -> None:
        newline = self._line_end()
        # An LF here would belong to the CR before.
        lone = newline == b"\n" and self.written.endswith(b"\r")
        self.written += b"\r" if lone else newline
        self.last_event_id = last_event_id

    def _line_end(self) -> bytes:
        newlines = self._features.newlines
        return self._draw(st.sampled_from(newlines)) if self._mixed else self._newline

    def _spelled(self, field: _Field) -> bytes:
        name, value = field
        usual = ": " if value else ":"
        if not self._features.terse_fields or value.startswith(" "):
            return self._encoded(name + usual + value)
        others = [":", ": ", ""] if name and not value else [":", ": "]
        colon = self._draw(st.sampled_from([usual, *others]))
        return self._encoded(name + colon + value)

    def _encoded(self, text: str) -> bytes:
        first, *rest = (part.encode() for part in text.split("\ufffd"))
        replaced = ["\ufffd".encode(), *(_INVALID_UTF8 if self._features.invalid_utf8 else ())]
        return first + b"".join(self._draw(st.sampled_from(replaced)) + part for part in rest)
