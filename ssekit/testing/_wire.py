# Strategies of the wire: events, what says them in bytes (WHATWG HTML 9.2.5 and 9.2.6), and reads.
#
# What always holds here:
# - What a stream must give is known from how it was made, never from decoding it.
# - The plain comes first in each choice, so that examples shrink to what a reader would write.

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import cache
from itertools import chain, product
from typing import NamedTuple, TypeAlias, TypeVar

import msgspec
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument
from hypothesis.strategies import DrawFn, SearchStrategy

from ssekit._event import ServerSentEvent

__all__ = ["EventStream", "chunkings", "event_streams", "server_sent_events"]

T = TypeVar("T")

_BOM = b"\xef\xbb\xbf"
_NEWLINES = (b"\n", b"\r\n", b"\r")  # 9.2.5, end-of-line
_LARGEST_RETRY = 2**64 - 1  # more is ignored

# Where decoders stumble: what `str.strip` takes off, what stands for invalid UTF-8, what
# `str.splitlines` takes for the end of a line, the byte order mark as a character, characters of
# two, three and four bytes.
_STUMBLING = "x \t:\0\ufffd\u2028\u2029\x85\x0b\x0c\x1c\ufeffé€😀"
_REPLACEMENT = "\ufffd".encode()
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
    """Return a strategy of events as a decoder gives them, which `encode` says on the wire.

    Args:
        data: Of the data: text without CR. By default any.
        event: Of the type: text without line ends that is not empty. By default any.
        id: Of the last event ID: text without line ends and NUL. By default any.
        retry: Of the retry, in milliseconds. By default any, or None.
    """
    # (One strategy with both alphabets would be one of all characters: Hypothesis unites them.)
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
    r"""Return a strategy of streams, each with what it must give (WHATWG HTML 9.2.6).

    By default there is everything that the standard provides for; each switch turns something off.

    Args:
        events: Of what is said: each stream says one list of events, in any of the ways that the
            wire has, and ends with the last of them. No switch concerns what is said.
        max_pieces: How many pieces there are at most, where `events` is not given: a piece is a
            line, and the blank one after it if it is the last of its block.
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
        newlines=tuple(newline for newline in _NEWLINES if newline in newlines),
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
    return _streams(features, events, max_pieces)


@st.composite
def _streams(
    draw: DrawFn,
    features: _Features,
    events: SearchStrategy[list[ServerSentEvent]] | None,
    max_pieces: int,
) -> EventStream:
    # (What is composite is shown as what it is, and not as how it was made.)
    manner = draw(_manners(features))
    if events is None:
        pieces = draw(st.lists(_pieces(features, manner), max_size=max_pieces))
        lines = _tidied(chain.from_iterable(pieces), features)
    else:
        lines = _saying(draw, features, manner, draw(events))
    newline = draw(st.sampled_from(features.newlines))
    bom = features.bom and draw(_MAYBE)
    ended = not (features.unfinished and events is None and draw(_MAYBE))
    data = _encoded(lines, newline, ended)
    # Where an unknown name begins with the mark, one more stands before it, and is the one.
    data = _BOM + data if bom or data.startswith(_BOM) else data
    return _interpreted(data, lines if ended else lines[:-1])


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
    return _chunkings(data, places)


@st.composite
def _chunkings(draw: DrawFn, data: bytes, places: SearchStrategy[list[int]]) -> list[bytes]:
    cuts = sorted(draw(places))
    # Into single bytes: in more choices than a cut takes, as a cut is the simpler example.
    if all(draw(_MAYBE) for _ in range(4)):
        cuts = list(range(1, len(data)))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


# A stream is drawn as a list of lines, each by itself, and what it means is folded from them. So an
# example shrinks: any line can be left out. (Hypothesis leaves out up to five choices at once, so a
# piece is no more: that it is there, its kind, its value, its style, and what comes after it.)


_Field: TypeAlias = tuple[str | None, str]
_BLANK: _Field = (None, "")
_UNKNOWN_FIELDS = list(product(_UNKNOWN_NAMES, ("", "x", "7")))
_BOM_FIELDS = list(product(_BOM_NAMES, ("", "x")))


class _Style(NamedTuple):
    """How a line is written.

    Attributes:
        colon: What stands between name and value, where that is possible; None for the usual.
        replaced: The bytes that stand for U+FFFD.
        newline: The end of the line; None for the usual of its stream.
        blank: The end of the blank line after it, if there is one.
    """

    colon: str | None = None
    replaced: bytes = _REPLACEMENT
    newline: bytes | None = None
    blank: bytes | None = None


class _Line(NamedTuple):
    """A field; a comment is a field without a name, and a blank line has no name at all."""

    name: str | None
    value: str
    style: _Style

    def encode(self) -> bytes:
        if self.name is None:
            return b""
        usual = ": " if self.value else ":"
        colon = usual if self.style.colon is None else self.style.colon
        # One space after the colon is dropped; without a colon there is no value, and no comment.
        if (colon == ":" and self.value.startswith(" ")) or (
            colon == "" and (self.value or not self.name)
        ):
            colon = usual
        written = (self.name + colon + self.value).encode()
        return written.replace(_REPLACEMENT, self.style.replaced)


class _Features(NamedTuple):
    """The switches of `event_streams`."""

    newlines: tuple[bytes, ...]
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


class _Kind(NamedTuple):
    """A kind of line.

    Attributes:
        switches: What of `_Features` it needs.
        fields: Make its names and values of texts, in ways that come equally often.
    """

    switches: tuple[str, ...]
    fields: tuple[Callable[[SearchStrategy[str]], SearchStrategy[_Field]], ...]


def _named(name: str) -> Callable[[str], _Field]:
    return lambda value: (name, value)


# (Of no kind but the blank line are fewer choices than of data, which is to be the simplest.)
_DATA = _Kind((), (lambda texts: texts.map(_named("data")),) * 3)
_FULL_DATA = _Kind((), (lambda texts: texts.map(lambda text: ("data", text or "x")),) * 3)
_MEANT = (
    _Kind(
        ("types",),
        (
            lambda texts: texts.map(_named("event")),
            lambda texts: texts.map(lambda _: ("event", "message")),
        ),
    ),
    _Kind(
        ("ids",),
        (
            lambda texts: texts.map(lambda text: ("id", text.replace("\0", "") or "x")),
            lambda texts: texts.map(lambda _: ("id", "")),
        ),
    ),
    _Kind(("retries",), (lambda _: _RETRIES.map(str).map(_named("retry")),)),
    _Kind(("blocks_without_data",), (lambda _: st.just(_BLANK),)),
)
_IGNORED = (  # what changes nothing
    _Kind(("comments",), (lambda texts: texts.map(_named("")),)),
    _Kind(("unknown_fields",), (lambda _: st.sampled_from(_UNKNOWN_FIELDS),)),
    _Kind(("unknown_fields", "bom"), (lambda _: st.sampled_from(_BOM_FIELDS),)),
    _Kind(
        ("ids", "ignored_values"),
        (lambda texts: texts.map(lambda text: ("id", f"{text[:1]}\0{text[1:]}")),),
    ),
    _Kind(
        ("retries", "ignored_values"),
        (lambda _: st.sampled_from(_BOGUS_RETRIES).map(_named("retry")),),
    ),
)


class _Manner(NamedTuple):
    """What one stream is made of: some of all that is allowed.

    What it has meets often, then: were there all kinds of lines in each stream, hardly one would
    come twice in it ("swarm testing").
    """

    lines: SearchStrategy[SearchStrategy[_Field]]
    ignored: SearchStrategy[SearchStrategy[_Field]]
    styles: SearchStrategy[_Style]


@st.composite
def _manners(draw: DrawFn, features: _Features) -> _Manner:
    terse = features.terse_fields and draw(_MAYBE)
    invalid = features.invalid_utf8 and draw(_MAYBE)
    mixed = features.mixed_newlines and draw(_MAYBE)
    texts = _TO_BE_INVALID if invalid else _FEW_LETTERS
    if features.any_text:
        texts = draw(st.sampled_from([texts, _STUMBLES, _ANY_LINE]))
    meant = [kind for kind in _allowed(_MEANT, features) if draw(_MAYBE)]
    ignored = [kind for kind in _allowed(_IGNORED, features) if draw(_RARELY)]
    data = _DATA if features.empty_data else _FULL_DATA
    return _Manner(
        _lines((data, *meant, *ignored), texts),
        _lines(tuple(ignored), texts),
        _styles(terse, invalid, features.newlines if mixed else ()),
    )


def _allowed(kinds: Iterable[_Kind], features: _Features) -> list[_Kind]:
    return [kind for kind in kinds if all(getattr(features, name) for name in kind.switches)]


# Strategies are made once: to make one costs more than to draw from it.


@cache
def _lines(
    kinds: tuple[_Kind, ...], texts: SearchStrategy[str]
) -> SearchStrategy[SearchStrategy[_Field]]:
    fields = [make(texts) for kind in kinds for make in kind.fields]
    return st.sampled_from(fields) if fields else st.nothing()


@cache
def _styles(terse: bool, invalid: bool, newlines: tuple[bytes, ...]) -> SearchStrategy[_Style]:
    colons = [None, ":", ": ", ""] if terse else [None]
    replaced = [_REPLACEMENT, *_INVALID_UTF8] if invalid else [_REPLACEMENT]
    styles = product(colons, replaced, (None, *newlines), (None, *newlines))
    return st.sampled_from([_Style(*style) for style in styles])


@st.composite
def _pieces(draw: DrawFn, features: _Features, manner: _Manner) -> list[_Line]:
    name, value = draw(draw(manner.lines))
    style = draw(manner.styles)
    line, blank = _Line(name, value, style), _Line(*_BLANK, style._replace(newline=style.blank))
    if name is None:
        return [line]
    if name == "data":
        return [line, blank] if draw(_MOSTLY) else [line]
    data = _Line("data", "" if features.empty_data else "x", style)
    event = [line, data, blank]
    return draw(st.sampled_from([[line], event, [line, blank], event]))


def _tidied(lines: Iterable[_Line], features: _Features) -> list[_Line]:
    """Leave out what no single line decides: further data, and blocks without any."""
    tidied: list[_Line] = []
    has_data = False
    for line in lines:
        needless = (line.name == "data" and has_data and not features.multiline_data) or (
            line.name is None and not has_data and not features.blocks_without_data
        )
        if not needless:
            tidied.append(line)
            has_data = line.name is not None and (has_data or line.name == "data")
    if tidied and tidied[-1].name is not None and not features.unfinished:
        if not (has_data or features.blocks_without_data):
            tidied.append(_Line("data", "x", _Style()))
        tidied.append(_Line(None, "", _Style()))
    return tidied


def _saying(
    draw: DrawFn, features: _Features, manner: _Manner, events: list[ServerSentEvent]
) -> list[_Line]:
    """Draw lines that say some events, in one of the ways to do it."""
    said: list[_Line] = []
    last_id = ""
    for event in events:
        _check(event)
        fields: list[_Field] = [("data", line) for line in event.data.split("\n")]
        others = [draw(fields) for fields in draw(_up_to_two(manner.ignored))]
        if event.event != "message" or (features.types and draw(_MAYBE)):
            others.append(("event", event.event))
        if event.id != last_id or (features.ids and draw(_MAYBE)):
            others.append(("id", event.id))
        if event.retry is not None:
            others.append(("retry", str(event.retry)))
        for field in others:
            fields.insert(draw(_PLACES) % (len(fields) + 1), field)
        if features.blocks_without_data and draw(_MAYBE):
            fields.insert(0, _BLANK)
        said += [_Line(*field, draw(manner.styles)) for field in (*fields, _BLANK)]
        last_id = event.id
    return said


def _up_to_two(strategy: SearchStrategy[T]) -> SearchStrategy[list[T]]:
    return st.lists(strategy, max_size=0 if strategy.is_empty else 2)


def _check(event: ServerSentEvent) -> None:
    """Refuse what no bytes say."""
    try:
        event.encode()
        event.data.encode()
    except ValueError as error:
        raise InvalidArgument(f"the wire cannot say {event!r}: {error}") from error
    if "\r" in event.data or not event.event:
        raise InvalidArgument(f"the wire cannot say {event!r}: CR in data, or an empty type")


# From lines to bytes, and to what they mean.


def _encoded(lines: list[_Line], newline: bytes, ended: bool) -> bytes:
    written = bytearray()
    for place, line in enumerate(lines, 1):
        written += line.encode()
        end = line.style.newline or newline
        if line.name is None and end == b"\n" and written.endswith(b"\r"):
            end = b"\r"  # an LF would belong to the CR before
        if ended or place < len(lines):
            written += end
    return bytes(written)


def _interpreted(data: bytes, lines: list[_Line]) -> EventStream:
    """Say what lines mean (9.2.6)."""
    events: list[ServerSentEvent] = []
    last_event_id = ""
    block: dict[str, list[str]] = {}
    for line in lines:
        if line.name is None:
            last_event_id = block.get("id", [last_event_id])[-1]
            if "data" in block:
                event_type = block.get("event", [""])[-1] or "message"
                text = "\n".join(block["data"])
                events.append(ServerSentEvent(text, event_type, last_event_id, _retry(block)))
            block = {}
        elif not _is_ignored(line):
            block.setdefault(line.name, []).append(line.value)
    known = [line for line in lines if not _is_ignored(line)]
    retries = [line.value for line in known if line.name == "retry"]
    comments = [line.value for line in known if line.name == ""]
    return EventStream(data, events, last_event_id, _retry({"retry": retries}), comments)


def _retry(block: dict[str, list[str]]) -> int | None:
    retries = block.get("retry")
    return int(retries[-1]) if retries else None


def _is_ignored(line: _Line) -> bool:
    return (line.name == "id" and "\0" in line.value) or (
        line.name == "retry" and line.value in _BOGUS_RETRIES
    )
