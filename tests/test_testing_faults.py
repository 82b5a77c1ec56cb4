"""Every format, against every fault that `ssekit.testing` makes of its streams."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from hypothesis import find, given
from hypothesis.errors import InvalidArgument

from ssekit import APIError, SSEKitError
from ssekit.testing import (
    ERROR_FORMS,
    FAULTS,
    Fault,
    chat_streams,
    completion_streams,
    faults,
    gemini_streams,
    message_streams,
)
from tests.formats import FORMATS, STRATEGIES, each_format, encoded
from tests.thorough import REACHING, examples
from tests.ways import VIEWS, joined, read_deltas

# What leaves no doubt of what a consumer has to report.
CERTAIN = ["truncated", "interrupted", "timed out", "reported"]


def assert_reported(wire: Any, fault: Fault) -> None:
    """Check what is reported of a fault that leaves no doubt, and what is kept."""
    stream = wire.stream(fault.source())
    raised = None
    try:
        for _ in stream:
            pass
    except SSEKitError as error:
        raised = error
    assert (stream.state, type(raised)) == (fault.state, fault.error or type(None))
    assert encoded(stream.snapshot()) == fault.kept
    emitted = wire.stream(fault.source())
    deltas = read_deltas(emitted)
    for kind, view in VIEWS.items():
        assert joined(deltas, kind)[0] == getattr(emitted.accumulator, view)
    if raised is None:
        assert encoded(stream.result()) == fault.kept
        return
    assert encoded(raised.partial) == fault.kept
    assert raised.__cause__ is fault.raises or fault.kind == "reported"
    if isinstance(raised, APIError):
        assert (raised.message, raised.code) == (fault.message, fault.code)


def assert_safe(wire: Any, fault: Fault) -> None:
    """Check that what came before a fault is kept, and that only errors of ours come after it."""
    decoder = wire.decoder()
    decoder.feed(fault.data[: fault.sound])
    assert encoded(decoder.snapshot()) == fault.kept
    decoder.feed(fault.data[fault.sound :])
    decoder.close()
    assert decoder.state != "open"
    stream = wire.stream(fault.source())
    try:
        assert encoded(stream.until_done()) == encoded(decoder.result())
    except SSEKitError as error:
        assert type(error) is type(decoder.error)
        assert encoded(error.partial) == encoded(decoder.snapshot())


@each_format
def test_a_fault_is_reported_and_what_came_before_it_is_kept(name: str):
    wire, streams = FORMATS[name], STRATEGIES[name]

    @examples(quick=20, thorough=300)
    @given(faults(streams() | streams(dialect="any")))
    def check(fault: Fault) -> None:
        if fault.kind in CERTAIN:
            assert_reported(wire, fault)
        else:
            assert_safe(wire, fault)

    check()


# The strategy itself.


# A kind of fault, and what some of them are.
REACHED: dict[str, tuple[str, Callable[[Fault], bool]]] = {
    "cut between events": ("truncated", lambda f: f.state == f.kind and f.unfinished == "nothing"),
    "cut within an event": ("truncated", lambda f: f.state == f.kind and f.unfinished == "part"),
    "cut before a blank line": (
        "truncated",
        lambda f: f.unfinished == "whole" and not f.data.endswith(f.stream.data[-1:] * 2),
    ),
    "cut after the end": ("truncated", lambda f: f.state == "done" and f.data != f.stream.data),
    "nothing at all": ("truncated", lambda f: f.data == b""),
    "several reads": ("truncated", lambda f: len(f.reads) == 4 and all(f.reads)),
    "raised within an event": ("interrupted", lambda f: f.sound not in f.stream.starts),
    "raised after the last event": ("timed out", lambda f: f.data == f.stream.data),
    "an error before all events": ("reported", lambda f: f.state == "failed" and f.sound == 0),
    "an error in the middle": ("reported", lambda f: f.sound > 0),
    "an error, and no more": ("reported", lambda f: len(f.data) < len(f.stream.data)),
    "invalid UTF-8": ("damaged", lambda f: b"\xff" in f.data),
    "a byte less": ("damaged", lambda f: len(f.data) == len(f.stream.data) - 1),
    "an event twice": ("duplicated", lambda f: f.state is None),
    "events in another order": ("reordered", lambda f: f.data != f.stream.data),
}


@cache
def some(name: str, kinds: tuple[str, ...] = (*FAULTS,)) -> list[Fault]:
    """Return some faults of a format's streams."""
    made: list[Fault] = []

    @examples(quick=120, thorough=300)
    @given(faults(STRATEGIES[name](), kinds=kinds))
    def make(fault: Fault) -> None:
        made.append(fault)

    make()
    return made


@pytest.mark.parametrize(("kind", "reached"), REACHED.values(), ids=REACHED)
def test_what_matters_is_reached(kind: str, reached: Callable[[Fault], bool]):
    made = faults(message_streams() | gemini_streams(), kinds=[kind])
    assert find(made, reached, settings=REACHING).kind == kind


@pytest.mark.parametrize(
    ("name", "form"), [(name, form) for name, forms in ERROR_FORMS.items() for form in forms]
)
def test_each_form_of_an_error_is_reached(name: str, form: str):
    if form not in {fault.form for fault in some(name, ("reported",))}:
        reported = faults(STRATEGIES[name](), kinds=["reported"])
        assert find(reported, lambda fault: fault.form == form, settings=REACHING)


@pytest.mark.thorough
@each_format
def test_each_kind_of_fault_is_common(name: str):
    seen = Counter(fault.kind for fault in some(name))
    assert all(seen[kind] >= 3 for kind in FAULTS), seen
    assert sum(fault.sound == 0 for fault in some(name)) <= len(some(name)) * 2 / 3


def test_the_simplest_fault_is_short_and_readable():
    fault = find(faults(gemini_streams(), kinds=["interrupted"]), lambda _fault: True)
    assert repr(fault) == (
        "<gemini stream, interrupted: raises=ConnectionResetError('reset by peer'), sound=0, "
        "state='failed', kept={'candidates': []}\n  b''\n>"
    )


@given(faults(completion_streams(), kinds=["interrupted", "damaged"]))
def test_the_source_gives_the_reads_and_raises_what_the_transport_does(fault: Fault):
    reads = []
    try:
        for read in fault.source():
            reads.append(read)
        raised = None
    except Exception as error:
        raised = error
    assert (tuple(reads), raised) == (fault.reads, fault.raises)
    assert (fault.raises is None) == (fault.kind == "damaged")


@pytest.mark.parametrize("kinds", [[], ["no such kind"]])
def test_a_kind_that_is_none_is_refused(kinds: Any):
    with pytest.raises(InvalidArgument, match="kinds are some of"):
        faults(chat_streams(), kinds=kinds)
