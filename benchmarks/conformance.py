"""Who reads streams as the standard says: `python -m benchmarks.conformance`.

Prints two tables in Markdown: how many of the standard's cases each parser passes, and the smallest
streams that Hypothesis found, with the strategies of `ssekit.testing` alone, which some misread.
The cases are looked for where `SSEKIT_SHARED` says, in `conformance/sse_cases.json`.
"""

# What always holds here:
# - Whoever is tested gets the same cases and the same search. ssekit is one of them.
# - A fault is what differs from what the strategy says, or an exception. The plainest streams have
#   one feature of the wire in each search, so that no fault hides another; what is found with
#   anyone is tried with everybody.
# - Who misreads none of it is tried with all features at once.
# - The search is the same in every run: Hypothesis is not random, and remembers nothing.

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample
from hypothesis.strategies import SearchStrategy

from benchmarks.peers import PEERS, SSEKIT, Parse, Peer, Said
from benchmarks.readme import README, between, table
from ssekit import ServerSentEvent, __version__
from ssekit.testing import EventStream, chunkings, event_streams, splits
from ssekit.testing.transports import Reads

__all__ = ["FEATURES", "Attempt", "Fault", "Reader", "faults", "late_endings", "main", "passed"]

BEGIN = "<!-- parsers: python -m benchmarks.conformance --readme -->"
END = "<!-- end of parsers -->"

# An event has ended at a second CR, whether or not the LF of a CRLF is to come.
ENDINGS = (b"\n\n", b"\r\n\r\n", b"\r\r", b"\r\n\r", b"\n\r\n", b"\r\n\n", b"\n\r")

Case: TypeAlias = dict[str, Any]


class Attempt(NamedTuple):
    """The reads of a stream, and the events that it says."""

    reads: list[bytes]
    said: list[Said]


class Reader(NamedTuple):
    """A parser that is installed."""

    peer: Peer
    parse: Parse

    def read(self, reads: Iterable[bytes]) -> list[Said] | str:
        """Return what it makes of a stream: events, or the name of what it raises."""
        try:
            said = [self.peer.said(event) for event in self.parse(reads)]
        except Exception as error:
            return type(error).__name__
        return [event for event in said if event is not None]

    def misreads(self, attempt: Attempt) -> bool:
        return self.read(attempt.reads) != attempt.said


class Fault(NamedTuple):
    """A stream that is misread.

    Attributes:
        feature: What of `FEATURES` it has.
        attempt: The stream.
        made: What each who misreads it makes of it, by the name of the peer.
    """

    feature: str
    attempt: Attempt
    made: dict[str, list[Said] | str]


# What is searched for.

_PLAIN: dict[str, Any] = dict.fromkeys(
    [
        *("mixed_newlines", "bom", "comments", "unknown_fields", "types", "ids", "retries"),
        *("multiline_data", "empty_data", "blocks_without_data", "ignored_values"),
        *("terse_fields", "any_text", "invalid_utf8", "unfinished"),
    ],
    False,
)
_ONE_EVENT = st.just([ServerSentEvent("x")])


Cut: TypeAlias = Callable[[bytes], SearchStrategy[list[bytes]]]


def _whole(data: bytes) -> SearchStrategy[list[bytes]]:
    return st.just([data])


def _cut_once(data: bytes) -> SearchStrategy[list[bytes]]:
    return st.sampled_from([[data], *(list(reads) for reads in splits(data) if all(reads))])


@st.composite
def _attempts(draw: st.DrawFn, streams: SearchStrategy[EventStream], cut: Cut) -> Attempt:
    stream = draw(streams)
    said = [Said(event.event, event.data, event.id) for event in stream.events]
    return Attempt(draw(cut(stream.data)), said)


def _with(
    *switches: str,
    newlines: Sequence[bytes] = (b"\n",),
    events: SearchStrategy[list[ServerSentEvent]] | None = None,
    cut: Cut = _whole,
    max_pieces: int = 6,
) -> SearchStrategy[Attempt]:
    """Return a strategy of the plainest streams that have some features."""
    allowed = _PLAIN | dict.fromkeys(switches, True)
    streams = event_streams(events, max_pieces=max_pieces, newlines=newlines, **allowed)
    return _attempts(streams, cut)


# (Where the events are given, a fault in what they say is not found again.)
FEATURES: dict[str, SearchStrategy[Attempt]] = {
    "one-line data": _with(),
    "several data lines": _with("multiline_data"),
    "empty data": _with("empty_data"),
    "empty data lines": _with("multiline_data", "empty_data"),
    "no space, no colon": _with("terse_fields", "empty_data"),
    "comments": _with("comments"),
    "unknown fields": _with("unknown_fields"),
    "types": _with("types"),
    "ids": _with("ids"),
    "ids with NUL": _with("ids", "ignored_values", events=_ONE_EVENT),
    "retries": _with("retries"),
    "bogus retries": _with("retries", "ignored_values", events=_ONE_EVENT),
    "blank lines": _with("blocks_without_data"),
    "a comment alone": _with("comments", "blocks_without_data"),
    "a type alone": _with("types", "blocks_without_data"),
    "an id alone": _with("ids", "blocks_without_data", max_pieces=1),
    "an id before an event": _with("ids", "blocks_without_data"),
    "a retry alone": _with("retries", "blocks_without_data"),
    "the end in an event": _with("unfinished"),
    "the end after CR": _with("unfinished", newlines=[b"\r"]),
    "CR": _with(newlines=[b"\r"]),
    "CRLF": _with(newlines=[b"\r\n"]),
    "mixed line ends": _with("mixed_newlines", newlines=[b"\n", b"\r\n", b"\r"]),
    "a byte order mark": _with("bom"),
    "any characters": _with("any_text"),
    "invalid UTF-8": _with("invalid_utf8"),
    "a cut": _with(cut=_cut_once),
    "a cut, CR": _with(newlines=[b"\r"], cut=_cut_once),
    "a cut, CRLF": _with("multiline_data", newlines=[b"\r\n"], cut=_cut_once),
    "a cut character": _with("any_text", cut=_cut_once),
    "a cut mark": _with("bom", cut=_cut_once),
}
EVERYTHING = "everything at once"


# The search.


def faults(
    readers: Sequence[Reader],
    *,
    examples: int,
    features: Mapping[str, SearchStrategy[Attempt]] = FEATURES,
) -> list[Fault]:
    """Return the smallest streams with each feature that any of some parsers misreads."""
    found: list[Fault] = []
    for feature, attempts in features.items():
        known = [fault.attempt for fault in found]
        more = _faults_with(feature, attempts, readers, examples)
        found += [fault for fault in more if fault.attempt not in known]
    faultless = [reader for reader in readers if all(reader.peer.name not in f.made for f in found)]
    everything = _attempts(event_streams(), chunkings)
    return found + _faults_with(EVERYTHING, everything, faultless, 10 * examples)


def _faults_with(
    feature: str, attempts: SearchStrategy[Attempt], readers: Sequence[Reader], examples: int
) -> list[Fault]:
    """Return so few streams that each who misreads any misreads one of them."""
    search = settings(
        max_examples=examples,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    smallest: dict[str, Attempt] = {}
    for reader in readers:
        try:
            smallest[reader.peer.name] = find(attempts, reader.misreads, settings=search)
        except NoSuchExample:
            continue
    found: list[Fault] = []
    for name in sorted(smallest, key=lambda name: _size(smallest[name])):
        if all(name not in fault.made for fault in found):
            attempt = smallest[name]
            made = {
                reader.peer.name: reader.read(attempt.reads)
                for reader in readers
                if reader.misreads(attempt)
            }
            found.append(Fault(feature, attempt, made))
    return [
        fault
        for fault in found
        if not any(fault.made.keys() < other.made.keys() for other in found)
    ]


def _size(attempt: Attempt) -> tuple[int, int]:
    return sum(map(len, attempt.reads)), len(attempt.reads)


# The standard's cases, and prompt delivery.


def _pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def passed(reader: Reader, cases: Sequence[Case], size: int | None = None) -> int:
    """Return how many cases a parser passes, read whole or in pieces of some bytes."""
    count = 0
    for case in cases:
        data = bytes.fromhex(case["input_hex"])
        expected = [Said(event["event"], event["data"], event["id"]) for event in case["events"]]
        count += reader.read(_pieces(data, size or len(data) or 1)) == expected
    return count


def late_endings(parse: Parse) -> list[bytes]:
    """Return the endings after which an event comes only with what follows, read by bytes."""
    return [ending for ending in ENDINGS if not _is_prompt(parse, ending)]


def _is_prompt(parse: Parse, ending: bytes) -> bool:
    event = b"data: x" + ending
    more = b"\n: more\n\n" if ending == b"\r\n\r" else b": more\n\n"
    reads = Reads(*_pieces(event + more, 1))
    next(iter(parse(reads)))
    return reads.taken <= len(event)


# The run.


def main(
    argv: Sequence[str] | None = None,
    *,
    peers: Sequence[Peer] = (*PEERS, SSEKIT),
    features: Mapping[str, SearchStrategy[Attempt]] = FEATURES,
) -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.conformance", description=__doc__)
    parser.add_argument("--examples", type=int, default=300, help="streams for each feature")
    parser.add_argument(
        "--readme", type=Path, nargs="?", const=README, help="write the tables into the README too"
    )
    options = parser.parse_args(argv)
    markdown = _markdown(peers, _cases(), options.examples, features)
    print(markdown)
    if options.readme is not None:
        text = options.readme.read_text(encoding="utf-8")
        options.readme.write_text(between(text, BEGIN, END, markdown), encoding="utf-8")


def _cases() -> list[Case]:
    """Return the standard's cases; none, and a word about it, where they are not there."""
    path = Path(os.environ.get("SSEKIT_SHARED", ""), "conformance", "sse_cases.json")
    if "SSEKIT_SHARED" in os.environ and path.exists():
        cases: list[Case] = json.loads(path.read_text())
        return cases
    print("SSEKIT_SHARED does not name the folder of the cases: the search alone", file=sys.stderr)
    return []


def _markdown(
    peers: Sequence[Peer],
    cases: Sequence[Case],
    examples: int,
    features: Mapping[str, SearchStrategy[Attempt]],
) -> str:
    readers: dict[str, Reader] = {}
    for peer in peers:
        try:
            readers[peer.name] = Reader(peer, peer.load())
        except ImportError as error:
            print(f"{peer.name} is not tested: {error}", file=sys.stderr)
    found = faults(list(readers.values()), examples=examples, features=features)
    of = f"passes of {len(cases)}" if cases else "passes"
    parsers = table(
        ("", "version", of, "byte by byte", "streams misread", "late after"),
        (_row(peer, readers.get(peer.name), cases, found) for peer in peers),
    )
    streams = table(
        ("with", "smallest stream", "says", "what others make of it"), map(_fault_row, found)
    )
    versions = f"Python {platform.python_version()}, Hypothesis {version('hypothesis')}"
    return f"{parsers}\n\n{streams}\n\nVersions: {versions}."


def _row(
    peer: Peer, reader: Reader | None, cases: Sequence[Case], found: Sequence[Fault]
) -> list[str]:
    if reader is None:
        return [peer.name, "not installed", *["-"] * 4]
    counts = [passed(reader, cases), passed(reader, cases, size=1)]
    late = ", ".join(f"`{ending!r}`" for ending in late_endings(reader.parse))
    return [
        peer.name,
        (__version__ if peer is SSEKIT else peer.version) or "",
        *(str(count) if cases else "-" for count in counts),
        str(sum(peer.name in fault.made for fault in found)),
        late or "none",
    ]


def _fault_row(fault: Fault) -> list[str]:
    """Return also who makes what of the stream, those who make the same together."""
    names: dict[str, list[str]] = {}
    for name, made in fault.made.items():
        names.setdefault(_shown(made), []).append(name)
    return [
        fault.feature,
        " ".join(f"`{read!r}`" for read in fault.attempt.reads),
        _shown(fault.attempt.said),
        "; ".join(f"{shown}: {', '.join(together)}" for shown, together in names.items()),
    ]


def _shown(made: list[Said] | str) -> str:
    """Return events in short: the data, and what else is not as usual."""
    if isinstance(made, str):
        return f"`{made}`"
    shown = []
    for event, data, id_ in made:
        more = f" event={event!a}" * (event != "message") + f" id={id_!a}" * (id_ != "")
        shown.append(f"`{data!a}{more}`")
    return ", ".join(shown) or "no event"


if __name__ == "__main__":
    main()
