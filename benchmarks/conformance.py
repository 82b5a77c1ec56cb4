"""Compare parsers by the standard, and SDKs by their answers: `python -m benchmarks.conformance`.

Prints three tables in Markdown: how many of the standard's cases each parser passes; the smallest
streams that Hypothesis found, with the strategies of `ssekit.testing` alone, which some misread;
and how many of the cases of `tests/cases` the vendors' SDKs make the right answer of.
The standard's cases are `conformance/sse_cases.json` in the folder that `SSEKIT_SHARED` names.
"""

# What always holds here:
# - All parsers get the same cases and the same search. ssekit is one of them.
# - A fault is an exception, or a result that differs from the events of the strategy. The plainest
#   streams have one feature of the wire in each search, so that no fault hides another; a stream
#   that one parser misreads is tried with all.
# - A parser that misreads none of them is tried with all features at once.
# - The search is the same in every run: Hypothesis is not random, and remembers nothing.

from __future__ import annotations

import argparse
import inspect
import json
import os
import platform
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample
from hypothesis.strategies import SearchStrategy

from benchmarks.answers import MEASURE, READERS, AnswerReader, answer_rows
from benchmarks.peers import PEERS, SSEKIT, Fields, Parse, Peer
from benchmarks.readme import put_between
from benchmarks.report import markdown_table
from benchmarks.workloads import pieces
from ssekit import ServerSentEvent, __version__
from ssekit.testing import EventStream, chunkings, event_streams, splits
from ssekit.testing.transports import Reads
from tests.cases import read_cases

PAGE = Path(__file__).parent / "PARSERS.md"
BEGIN = "<!-- parsers: python -m benchmarks.conformance --readme -->"
END = "<!-- end of parsers -->"

# An event has ended at a second CR, whether or not the LF of a CRLF is to come.
ENDINGS = (b"\n\n", b"\r\n\r\n", b"\r\r", b"\r\n\r", b"\n\r\n", b"\r\n\n", b"\n\r")

Case = dict[str, Any]
# The events of a parser, or the name of its exception.
Result = list[Fields] | str


class Attempt(NamedTuple):
    """The reads of a stream, and its events."""

    reads: list[bytes]
    expected: list[Fields]


class Reader(NamedTuple):
    """A parser that is installed."""

    peer: Peer
    parse: Parse

    def read(self, reads: Iterable[bytes]) -> Result:
        try:
            events = [self.peer.fields(event) for event in self.parse(reads)]
        except Exception as error:
            return type(error).__name__
        return [event for event in events if event is not None]

    def misreads(self, attempt: Attempt) -> bool:
        return self.read(attempt.reads) != attempt.expected


class Fault(NamedTuple):
    """A stream that is misread.

    Attributes:
        feature: Its feature, of `FEATURES`.
        attempt: The stream.
        made: The result of each parser that misreads it, by the name of the peer.
    """

    feature: str
    attempt: Attempt
    made: dict[str, Result]


# What is searched for.

_PLAIN: dict[str, Any] = {
    switch: False
    for switch, parameter in inspect.signature(event_streams).parameters.items()
    if parameter.default is True
}
_ONE_EVENT = st.just([ServerSentEvent("x")])

Cut = Callable[[bytes], SearchStrategy[list[bytes]]]


def _whole(data: bytes) -> SearchStrategy[list[bytes]]:
    return st.just([data])


def _cut_once(data: bytes) -> SearchStrategy[list[bytes]]:
    return st.sampled_from([[data], *(list(reads) for reads in splits(data) if all(reads))])


@st.composite
def _attempts(draw: st.DrawFn, streams: SearchStrategy[EventStream], cut: Cut) -> Attempt:
    stream = draw(streams)
    events = [Fields(event.event, event.data, event.id) for event in stream.events]
    return Attempt(draw(cut(stream.data)), events)


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


# (Given events leave out the faults that other rows have found in their fields.)
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
    """Return few streams, one of which each parser misreads that misreads any."""
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
            results = {reader.peer.name: reader.read(attempt.reads) for reader in readers}
            made = {name: made for name, made in results.items() if made != attempt.expected}
            found.append(Fault(feature, attempt, made))
    return [
        fault
        for fault in found
        if not any(fault.made.keys() < other.made.keys() for other in found)
    ]


def _size(attempt: Attempt) -> tuple[int, int]:
    return sum(map(len, attempt.reads)), len(attempt.reads)


# The standard's cases, and prompt delivery.


def passed(reader: Reader, cases: Sequence[Case], size: int | None = None) -> int:
    """Return how many cases a parser passes, read whole or in pieces of some bytes."""
    count = 0
    for case in cases:
        data = bytes.fromhex(case["input_hex"])
        expected = [Fields(event["event"], event["data"], event["id"]) for event in case["events"]]
        count += reader.read(pieces(data, size or len(data) or 1)) == expected
    return count


def late_endings(parse: Parse) -> list[bytes]:
    """Return the endings after which an event comes only with the next line, read by bytes."""
    return [ending for ending in ENDINGS if not _is_prompt(parse, ending)]


def _is_prompt(parse: Parse, ending: bytes) -> bool:
    event = b"data: x" + ending
    more = b"\n: more\n\n" if ending == b"\r\n\r" else b": more\n\n"
    reads = Reads(*pieces(event + more, 1))
    next(iter(parse(reads)))
    return reads.taken <= len(event)


# The run.


def main(
    argv: Sequence[str] | None = None,
    *,
    peers: Sequence[Peer] = (*PEERS, SSEKIT),
    features: Mapping[str, SearchStrategy[Attempt]] = FEATURES,
    sdks: Sequence[AnswerReader] = READERS,
) -> None:
    """Print the tables, and put them into the page where that is asked for."""
    parser = argparse.ArgumentParser("python -m benchmarks.conformance", description=__doc__)
    parser.add_argument("--examples", type=int, default=300, help="streams for each feature")
    parser.add_argument(
        "--readme", type=Path, nargs="?", const=PAGE, help="write the tables into PARSERS.md too"
    )
    options = parser.parse_args(argv)
    cases = _cases()
    readers: dict[str, Reader] = {}
    for peer in peers:
        try:
            readers[peer.name] = Reader(peer, peer.load())
        except ImportError as error:
            print(f"{peer.name} is not tested: {error}", file=sys.stderr)
    found = faults(list(readers.values()), examples=options.examples, features=features)
    of = f"passes of {len(cases)}" if cases else "passes"
    parsers = markdown_table(
        ("", "version", of, "byte by byte", "streams misread", "late after"),
        (_row(peer, readers.get(peer.name), cases, found) for peer in peers),
    )
    streams = markdown_table(
        ("with", "smallest stream", "its events", "what others make of it"), map(_fault_row, found)
    )
    answers = markdown_table(
        ("", "version", "right", "wrong, by rule"), answer_rows(sdks, list(read_cases()))
    )
    versions = f"Python {platform.python_version()}, Hypothesis {version('hypothesis')}"
    markdown = "\n\n".join([parsers, streams, MEASURE, answers, f"Versions: {versions}."])
    print(markdown)
    if options.readme is not None:
        put_between(options.readme, BEGIN, END, markdown)


def _cases() -> list[Case]:
    """Return the standard's cases; none, and a warning, where they are absent."""
    path = Path(os.environ.get("SSEKIT_SHARED", ""), "conformance", "sse_cases.json")
    if "SSEKIT_SHARED" in os.environ and path.exists():
        cases: list[Case] = json.loads(path.read_text())
        return cases
    print("SSEKIT_SHARED does not name the folder of the cases: the search alone", file=sys.stderr)
    return []


def _row(
    peer: Peer, reader: Reader | None, cases: Sequence[Case], found: Sequence[Fault]
) -> list[str]:
    if reader is None:
        return [peer.name, "not installed", *["-"] * 4]
    counts = [passed(reader, cases), passed(reader, cases, size=1)]
    return [
        peer.name,
        (__version__ if peer is SSEKIT else peer.version) or "",
        *(str(count) if cases else "-" for count in counts),
        str(sum(peer.name in fault.made for fault in found)),
        ", ".join(f"`{ending!r}`" for ending in late_endings(reader.parse)) or "none",
    ]


def _fault_row(fault: Fault) -> list[str]:
    """Return the cells of a stream; parsers with the same result are in one group."""
    names: dict[str, list[str]] = {}
    for name, made in fault.made.items():
        names.setdefault(shown(made), []).append(name)
    return [
        fault.feature,
        " ".join(f"`{read!r}`" for read in fault.attempt.reads),
        shown(fault.attempt.expected),
        "; ".join(f"{result}: {', '.join(group)}" for result, group in names.items()),
    ]


def shown(made: Result) -> str:
    """Return events in short: the data, and the other fields where they are set."""
    if isinstance(made, str):
        return f"`{made}`"
    events = []
    for event, data, id_ in made:
        more = f" event={event!a}" * (event != "message") + f" id={id_!a}" * (id_ != "")
        events.append(f"`{data!a}{more}`")
    return ", ".join(events) or "no event"


if __name__ == "__main__":
    main()
