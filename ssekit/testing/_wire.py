# Strategies of the wire: events, streams in bytes (WHATWG HTML 9.2.5 and 9.2.6), and reads.
#
# How it works:
# - A stream is drawn as a list of lines, each by itself. They make its bytes and its meaning.
# - For each stream a manner is drawn first: a few of the kinds of lines that are allowed ("swarm
#   testing"). With all kinds in each stream, hardly any kind would come twice.
#
# What always holds here:
# - An example shrinks, as any line can be left out. Hypothesis leaves out up to five choices at
#   once, and a piece takes no more: its presence, kind, value, style, and the lines after it.
# - The simplest option comes first in each choice, so that examples shrink to what a person would
#   write.

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import cache
from itertools import chain, product
from typing import Final, NamedTuple, TypeAlias, TypeVar

from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument
from hypothesis.strategies import DrawFn, SearchStrategy

from ssekit._event import ServerSentEvent
from ssekit.testing._lines import (
    BLANK,
    BOGUS_RETRIES,
    REPLACEMENT,
    EventStream,
    Field,
    Line,
    Style,
    encode_lines,
    interpret,
)

__all__ = ["EventStream", "chunkings", "event_streams", "server_sent_events"]

T = TypeVar("T")

_BOM: Final = b"\xef\xbb\xbf"
_NEWLINES: Final = (b"\n", b"\r\n", b"\r")  # 9.2.5, end-of-line
_LARGEST_RETRY: Final = 2**64 - 1  # a larger one is ignored

# Characters that decoders stumble over: those that `str.strip` removes, the replacement of invalid
# UTF-8, line ends of `str.splitlines`, the byte order mark as a character, characters of two, three
# and four bytes.
_STUMBLING: Final = "x \t:\0\ufffd\u2028\u2029\x85\x0b\x0c\x1c\ufeffé€😀"
# Bytes that are not UTF-8. Each becomes one U+FFFD, whatever follows: none continues another.
_INVALID_UTF8: Final = (b"\xff", b"\xe2\x82", b"\xf0\x9f\x98", b"\xc3")
# 9.2.6: field names are compared literally, so that all of these are unknown.
_UNKNOWN_NAMES = ("x", "Data", "DATA", " data", "data ", "dat", "datas", "evènt", "\0id", "retry\0")
_UNKNOWN_FIELDS: Final = list(product(_UNKNOWN_NAMES, ("", "x", "7")))
# U+FEFF is a byte order mark only at the beginning of a stream, and else a character of a name.
_BOM_FIELDS: Final = list(product(("\ufeffdata", "\ufeff"), ("", "x")))

_FEW_LETTERS = st.text("xyz", max_size=3)
_TO_BE_INVALID = st.text("x\ufffd", max_size=3)
_STUMBLES = st.text(_STUMBLING, max_size=4)
_ANY_LINE = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=8)
_RETRIES = st.integers(0, _LARGEST_RETRY)
_MAYBE = st.booleans()
_RARELY = st.sampled_from([False, False, True])
_MOSTLY = st.sampled_from([True, True, False])
_PLACES = st.integers(0, 5)


def server_sent_events(
    *,
    data: SearchStrategy[str] | None = None,
    event: SearchStrategy[str] | None = None,
    id: SearchStrategy[str] | None = None,
    retry: SearchStrategy[int | None] | None = None,
) -> SearchStrategy[ServerSentEvent]:
    """Return a strategy of events as a decoder returns them, which `encode` can write.

    Args:
        data: The data: text without CR. By default any.
        event: The type: text that is not empty and has no line ends. By default any.
        id: The last event ID: text without line ends and NUL. By default any.
        retry: The reconnection time, in milliseconds. By default any, or None.
    """
    # (Two strategies, since Hypothesis would unite two alphabets into one of all characters.)
    lines = _ANY_LINE | _STUMBLES
    any_data = st.lists(lines, min_size=1, max_size=3).map("\n".join)
    any_type = st.just("message") | lines.filter(bool)
    return st.builds(
        ServerSentEvent,
        data=any_data if data is None else data,
        event=any_type if event is None else event,
        id=st.just("") | lines.map(lambda text: text.replace("\0", "")) if id is None else id,
        retry=st.none() | _RETRIES if retry is None else retry,
    )


def event_streams(
    events: SearchStrategy[list[ServerSentEvent]] | None = None,
    *,
    max_pieces: int = 12,
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
    r"""Return a strategy of streams, each with the events it must give (WHATWG HTML 9.2.6).

    By default, streams have everything that the standard provides for. Each switch turns something
    off.

    Args:
        events: Lists of events: each stream has the events of one list, in any of the ways that
            the wire allows, and ends with the last. No switch concerns the events themselves.
        max_pieces: How many pieces there are at most, without `events`: a piece is a line, with the
            blank line after it if it is the last of its block.
        newlines: The line ends to choose from: b"\n", b"\r\n", b"\r".
        mixed_newlines: The lines of one stream may end differently.
        bom: A stream may begin with a byte order mark, and have U+FEFF elsewhere.
        comments: There may be comments.
        unknown_fields: There may be fields that the standard does not know.
        types: Events may have a type, and `event` fields may be repeated: the last one counts.
        ids: Events may have an id, which those after them have too.
        retries: There may be retries.
        multiline_data: Data may have more than one line.
        empty_data: Data, and lines of it, may be empty.
        blocks_without_data: There may be blocks without data, and further blank lines. They
            dispatch nothing; but an id in them counts.
        ignored_values: There may be ids with a NUL, and retries that are not digits alone.
        terse_fields: There may be no space after a colon, and no colon where a value is empty.
        any_text: Text may have any character, not only a few letters.
        invalid_utf8: Text may have bytes that are not UTF-8; each piece becomes U+FFFD.
        unfinished: A stream may end within an event, which is then not dispatched.

    Raises:
        InvalidArgument: `newlines` is empty, or has something that is no line end; or, when an
            example is drawn, `events` has an event that the wire cannot hold.
    """
    # The switches that are on. (Each is an argument, so that type checkers and readers know it.)
    on = frozenset(name for name, value in locals().items() if value is True)
    if not newlines or not set(newlines) <= set(_NEWLINES):
        raise InvalidArgument(f"newlines are some of {_NEWLINES}, not {newlines!r}")
    in_order = tuple(newline for newline in _NEWLINES if newline in newlines)
    return _streams(on, in_order, events, max_pieces)


@st.composite
def _streams(
    draw: DrawFn,
    on: frozenset[str],
    newlines: tuple[bytes, ...],
    events: SearchStrategy[list[ServerSentEvent]] | None,
    max_pieces: int,
) -> EventStream:
    # (Hypothesis shows the value of a composite strategy, not how it was made.)
    manner = draw(_manners(on, newlines))
    if events is None:
        pieces = draw(st.lists(_pieces(on, manner), max_size=max_pieces))
        lines = _tidy(chain.from_iterable(pieces), on)
    else:
        lines = _write(draw, on, manner, draw(events))
    newline = draw(st.sampled_from(newlines))
    bom = "bom" in on and draw(_MAYBE)
    ended = not ("unfinished" in on and events is None and draw(_MAYBE))
    data = encode_lines(lines, newline, ended)
    # Before an unknown name that begins with the mark, one more mark stands for itself.
    data = _BOM + data if bom or data.startswith(_BOM) else data
    return interpret(data, lines if ended else lines[:-1])


def chunkings(
    data: bytes, *, max_cuts: int = 8, empty_reads: bool = True
) -> SearchStrategy[list[bytes]]:
    """Return a strategy of divisions of some bytes into the reads that a transport may give.

    Args:
        data: The bytes.
        max_cuts: How many cuts there are at most. The division into single bytes comes too.
        empty_reads: Reads may be empty.
    """
    first, last = (0, len(data)) if empty_reads else (1, len(data) - 1)
    if first > last:
        return st.just([data] if data else [])
    places = st.lists(st.integers(first, last), max_size=max_cuts, unique=not empty_reads)
    return _chunkings(data, places)


@st.composite
def _chunkings(draw: DrawFn, data: bytes, places: SearchStrategy[list[int]]) -> list[bytes]:
    cuts = sorted(draw(places))
    # A division into single bytes takes more choices: a cut is the simpler example.
    if all(draw(_MAYBE) for _ in range(4)):
        cuts = list(range(1, len(data)))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


# Drawing lines.


# What makes fields of a text; or a strategy of fields that need none.
_Fields: TypeAlias = Callable[[str], Field] | SearchStrategy[Field]


class _Kind(NamedTuple):
    """A kind of line: the switches that must be on, and its fields, drawn equally often."""

    switches: tuple[str, ...]
    fields: tuple[_Fields, ...]


# (Only the blank line takes fewer choices than data: examples shrink to data.)
_DATA = _Kind((), (lambda text: ("data", text),) * 3)
_FULL_DATA = _Kind((), (lambda text: ("data", text or "x"),) * 3)
_MEANINGFUL = (
    _Kind(("types",), (lambda text: ("event", text), lambda _: ("event", "message"))),
    _Kind(("ids",), (lambda text: ("id", text.replace("\0", "") or "x"), lambda _: ("id", ""))),
    _Kind(("retries",), (_RETRIES.map(lambda number: ("retry", str(number))),)),
    _Kind(("blocks_without_data",), (st.just(BLANK),)),
)
_IGNORED = (
    _Kind(("comments",), (lambda text: ("", text),)),
    _Kind(("unknown_fields",), (st.sampled_from(_UNKNOWN_FIELDS),)),
    _Kind(("unknown_fields", "bom"), (st.sampled_from(_BOM_FIELDS),)),
    _Kind(("ids", "ignored_values"), (lambda text: ("id", f"{text[:1]}\0{text[1:]}"),)),
    _Kind(
        ("retries", "ignored_values"),
        (st.sampled_from([("retry", value) for value in BOGUS_RETRIES]),),
    ),
)


class _Manner(NamedTuple):
    """The kinds of lines and the styles of one stream: a few of those that are allowed."""

    lines: SearchStrategy[SearchStrategy[Field]]
    ignored: SearchStrategy[SearchStrategy[Field]]
    styles: SearchStrategy[Style]


@st.composite
def _manners(draw: DrawFn, on: frozenset[str], newlines: tuple[bytes, ...]) -> _Manner:
    terse = "terse_fields" in on and draw(_MAYBE)
    invalid = "invalid_utf8" in on and draw(_MAYBE)
    mixed = "mixed_newlines" in on and len(newlines) > 1 and draw(_MAYBE)
    texts = _TO_BE_INVALID if invalid else _FEW_LETTERS
    if "any_text" in on:
        texts = draw(st.sampled_from([texts, _STUMBLES, _ANY_LINE]))
    meaningful = [kind for kind in _MEANINGFUL if on.issuperset(kind.switches) and draw(_MAYBE)]
    ignored = [kind for kind in _IGNORED if on.issuperset(kind.switches) and draw(_RARELY)]
    data = _DATA if "empty_data" in on else _FULL_DATA
    return _Manner(
        _lines((data, *meaningful, *ignored), texts),
        _lines(tuple(ignored), texts),
        _styles(terse, invalid, newlines if mixed else ()),
    )


# Strategies are cached: to make one costs more than to draw from it.


@cache
def _lines(
    kinds: tuple[_Kind, ...], texts: SearchStrategy[str]
) -> SearchStrategy[SearchStrategy[Field]]:
    fields = [texts.map(each) if callable(each) else each for kind in kinds for each in kind.fields]
    return st.sampled_from(fields) if fields else st.nothing()


@cache
def _styles(terse: bool, invalid: bool, newlines: tuple[bytes, ...]) -> SearchStrategy[Style]:
    colons = [None, ":", ": ", ""] if terse else [None]
    replaced = [REPLACEMENT, *_INVALID_UTF8] if invalid else [REPLACEMENT]
    styles = product(colons, replaced, (None, *newlines), (None, *newlines))
    return st.sampled_from([Style(*style) for style in styles])


@st.composite
def _pieces(draw: DrawFn, on: frozenset[str], manner: _Manner) -> list[Line]:
    name, value = draw(draw(manner.lines))
    style = draw(manner.styles)
    line, blank = Line(name, value, style), Line(*BLANK, style._replace(newline=style.blank))
    if name is None:
        return [line]
    if name == "data":
        return [line, blank] if draw(_MOSTLY) else [line]
    data = Line("data", "" if "empty_data" in on else "x", style)
    event = [line, data, blank]
    return draw(st.sampled_from([[line], event, [line, blank], event]))


def _tidy(lines: Iterable[Line], on: frozenset[str]) -> list[Line]:
    """Enforce the switches that concern several lines: `multiline_data`, `blocks_without_data`."""
    tidy: list[Line] = []
    has_data = False
    for line in lines:
        needless = (line.name == "data" and has_data and "multiline_data" not in on) or (
            line.name is None and not has_data and "blocks_without_data" not in on
        )
        if not needless:
            tidy.append(line)
            has_data = line.name is not None and (has_data or line.name == "data")
    if tidy and tidy[-1].name is not None and "unfinished" not in on:
        if not (has_data or "blocks_without_data" in on):
            tidy.append(Line("data", "x"))
        tidy.append(Line(*BLANK))
    return tidy


def _write(
    draw: DrawFn, on: frozenset[str], manner: _Manner, events: list[ServerSentEvent]
) -> list[Line]:
    """Draw the lines of some events, in one of the ways to write them."""
    lines: list[Line] = []
    last_id = ""
    for event in events:
        _check(event)
        fields: list[Field] = [("data", line) for line in event.data.split("\n")]
        others = [draw(fields) for fields in draw(_up_to_two(manner.ignored))]
        if event.event != "message" or ("types" in on and draw(_MAYBE)):
            others.append(("event", event.event))
        if event.id != last_id or ("ids" in on and draw(_MAYBE)):
            others.append(("id", event.id))
        if event.retry is not None:
            others.append(("retry", str(event.retry)))
        for field in others:
            fields.insert(draw(_PLACES) % (len(fields) + 1), field)
        if "blocks_without_data" in on and draw(_MAYBE):
            fields.insert(0, BLANK)
        lines += [Line(*field, draw(manner.styles)) for field in (*fields, BLANK)]
        last_id = event.id
    return lines


def _up_to_two(strategy: SearchStrategy[T]) -> SearchStrategy[list[T]]:
    return st.lists(strategy, max_size=0 if strategy.is_empty else 2)


def _check(event: ServerSentEvent) -> None:
    """Refuse an event that no bytes can write."""
    try:
        event.encode()
        event.data.encode()
    except ValueError as error:
        raise InvalidArgument(f"the wire cannot hold {event!r}: {error}") from error
    if "\r" in event.data or not event.event:
        raise InvalidArgument(f"the wire cannot hold {event!r}: CR in data, or an empty type")
