"""Who reads streams as the standard says: `python -m benchmarks.conformance`.

Prints two tables in Markdown: how many of the standard's cases each parser passes, and the smallest
streams that Hypothesis found, with the strategies of `ssekit.testing` alone, which each misreads.
The cases are looked for where `SSEKIT_SHARED` says, in `conformance/sse_cases.json`.
"""

# What always holds here:
# - Whoever is tested gets the same cases and the same search. ssekit is one of them.
# - A fault is what differs from what the strategy says, or an exception. The search begins with
#   the plainest streams, allows one feature and then two, and never again all that a fault needed:
#   so each fault is found once, and alone.
# - The search is the same in every run: Hypothesis is not random, and remembers nothing.

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from benchmarks.peers import PEERS, SSEKIT, Parse, Peer, Said
from ssekit import __version__
from ssekit.testing import EventStream, chunkings, event_streams
from ssekit.testing.transports import Reads

__all__ = ["Fault", "Report", "late_endings", "main", "misread", "passed"]

Case: TypeAlias = dict[str, Any]

# What a stream may need to be misread: a switch of `event_streams`, and how a table calls it.
FEATURES = {
    "bom": "a byte order mark",
    "comments": "comments",
    "unknown_fields": "unknown fields",
    "types": "event types",
    "ids": "ids",
    "retries": "retries",
    "newlines": "CR, CRLF",
    "mixed_newlines": "mixed line ends",
    "multiline_data": "data lines",
    "empty_data": "empty data",
    "blocks_without_data": "blocks without data",
    "ignored_values": "ids with NUL, bogus retries",
    "terse_fields": "no space, no colon",
    "any_text": "unusual characters",
    "invalid_utf8": "invalid UTF-8",
    "unfinished": "an unfinished event",
    "cuts": "a cut",  # of `chunkings`
}
ENDINGS = (b"\n\n", b"\r\n\r\n", b"\r\r", b"\n\r\n", b"\r\n\n", b"\n\r")

Features: TypeAlias = frozenset[str]


class Fault(NamedTuple):
    """The smallest stream with some features that was misread.

    Attributes:
        features: What the stream had to have.
        reads: Its bytes.
        made: The events that came of it, or the name of the exception.
        expected: The events that it says.
    """

    features: Features
    reads: list[bytes]
    made: list[Said] | str
    expected: list[Said]


class Report(NamedTuple):
    """What was found of one parser: cases passed, late endings, faults."""

    peer: Peer
    whole: int
    byte_by_byte: int
    late: list[bytes]
    faults: list[Fault]


# The search.


def misread(peer: Peer, parse: Parse, *, examples: int) -> list[Fault]:
    """Return the smallest stream of each kind that a parser misreads."""
    faults: list[Fault] = []
    combinations_ = (c for size in (0, 1, 2) for c in combinations(FEATURES, size))
    for features in map(frozenset, combinations_):
        if not any(fault.features <= features for fault in faults):
            found = _find(peer, parse, features, examples)
            if found is not None:
                faults.append(found)
    return faults


def _find(peer: Peer, parse: Parse, features: Features, examples: int) -> Fault | None:
    search = settings(
        max_examples=examples,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )

    def is_misread(attempt: tuple[EventStream, list[bytes]]) -> bool:
        stream, reads = attempt
        return _read(peer, parse, reads) != _said(stream)

    try:
        stream, reads = find(_attempts(features), is_misread, settings=search)
    except NoSuchExample:
        return None
    return Fault(features, reads, _read(peer, parse, reads), _said(stream))


@st.composite
def _attempts(draw: st.DrawFn, features: Features) -> tuple[EventStream, list[bytes]]:
    switches: dict[str, Any] = {name: name in features for name in FEATURES}
    switches["newlines"] = (b"\n", b"\r\n", b"\r") if "newlines" in features else (b"\n",)
    cuts = switches.pop("cuts")
    stream = draw(event_streams(max_pieces=6, **switches))
    reads = draw(chunkings(stream.data, empty_reads=False)) if cuts else [stream.data]
    return stream, reads


def _read(peer: Peer, parse: Parse, reads: Iterable[bytes]) -> list[Said] | str:
    """Return what a parser makes of a stream: events, or the name of what it raises."""
    try:
        said = [peer.said(event) for event in parse(reads)]
    except Exception as error:
        return type(error).__name__
    return [event for event in said if event is not None]


def _said(stream: EventStream) -> list[Said]:
    return [Said(event.event, event.data, event.id) for event in stream.events]


# The standard's cases, and prompt delivery.


def _pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def passed(peer: Peer, parse: Parse, cases: Sequence[Case], size: int | None = None) -> int:
    """Return how many cases a parser passes, read whole or in pieces of some bytes."""
    count = 0
    for case in cases:
        data = bytes.fromhex(case["input_hex"])
        expected = [Said(event["event"], event["data"], event["id"]) for event in case["events"]]
        count += _read(peer, parse, _pieces(data, size or len(data) or 1)) == expected
    return count


def late_endings(parse: Parse) -> list[bytes]:
    """Return the endings after which an event comes only with what follows, read by bytes.

    The event has ended at a second CR, whether or not it is half of a CRLF.
    """
    return [ending for ending in ENDINGS if not _is_prompt(parse, ending)]


def _is_prompt(parse: Parse, ending: bytes) -> bool:
    stream = b"data: x" + ending
    ended = len(stream) - (ending == b"\r\n\r\n")
    reads = Reads(*_pieces(stream + b": more\n\n", 1))
    next(iter(parse(reads)))
    return reads.taken <= ended


# The run.


def main(argv: Sequence[str] | None = None, *, peers: Sequence[Peer] = (*PEERS, SSEKIT)) -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.conformance", description=__doc__)
    parser.add_argument("--examples", type=int, default=300, help="streams for each feature")
    parser.add_argument("--only", choices=[peer.name for peer in peers], help="one of them")
    options = parser.parse_args(argv)
    cases = _cases()
    reports = []
    for peer in peers:
        if options.only in (None, peer.name):
            try:
                parse = peer.load()
            except ImportError as error:
                print(f"{peer.name}: not tested: {error}", file=sys.stderr)
                continue
            reports.append(_report(peer, parse, cases, options.examples))
    _print_reports(reports, len(cases))


def _cases() -> list[Case]:
    """Return the standard's cases; none, and a word about it, where they are not there."""
    path = Path(os.environ.get("SSEKIT_SHARED", ""), "conformance", "sse_cases.json")
    if "SSEKIT_SHARED" in os.environ and path.exists():
        cases: list[Case] = json.loads(path.read_text())
        return cases
    print("SSEKIT_SHARED does not name the folder of the cases: the search alone", file=sys.stderr)
    return []


def _report(peer: Peer, parse: Parse, cases: Sequence[Case], examples: int) -> Report:
    return Report(
        peer,
        passed(peer, parse, cases),
        passed(peer, parse, cases, size=1),
        late_endings(parse),
        misread(peer, parse, examples=examples),
    )


def _print_reports(reports: Sequence[Report], cases: int) -> None:
    of = f"of {cases} cases" if cases else "(no cases)"
    print(f"| | version | passes {of} | byte by byte | late after | faults found |")
    print("|---|---|---|---|---|---|")
    for report in reports:
        late = ", ".join(f"`{_escaped(ending)}`" for ending in report.late)
        counts = (report.whole, report.byte_by_byte) if cases else ("-", "-")
        version = __version__ if report.peer is SSEKIT else report.peer.version
        cells = (report.peer.name, version, *counts, late or "none", len(report.faults))
        print("|", " | ".join(map(str, cells)), "|")
    print("\n| | with | smallest stream | events | what came |\n|---|---|---|---|---|")
    for report in reports:
        for fault in report.faults:
            with_ = ", ".join(FEATURES[name] for name in FEATURES if name in fault.features)
            stream = " ".join(f"`{_escaped(read)}`" for read in fault.reads)
            print(f"| {report.peer.name} | {with_} | {stream} | {_shown(fault.expected)} ", end="")
            print(f"| {_shown(fault.made)} |")


def _escaped(data: bytes) -> str:
    return repr(data)[2:-1]


def _shown(made: list[Said] | str) -> str:
    """Return events in short: the data, and what else is not as usual."""
    if isinstance(made, str):
        return made
    shown = []
    for event, data, id_ in made:
        more = f" event={event!a}" * (event != "message") + f" id={id_!a}" * (id_ != "")
        shown.append(f"`{data!a}{more}`")
    return ", ".join(shown) or "none"


if __name__ == "__main__":
    main()
