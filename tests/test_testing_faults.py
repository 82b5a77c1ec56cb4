"""Every format, against every fault that `ssekit.testing` makes of its streams."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from ssekit import (
    APIError,
    SSEKitError,
    chat,
    completions,
    gemini,
    messages,
    responses,
)
from ssekit.testing import (
    Fault,
    chat_streams,
    completion_streams,
    faults,
    gemini_streams,
    message_streams,
    response_streams,
)
from tests.conftest import THOROUGH

WIRES: dict[str, tuple[Any, Any]] = {
    "chat": (chat, chat_streams),
    "completions": (completions, completion_streams),
    "responses": (responses, response_streams),
    "messages": (messages, message_streams),
    "gemini": (gemini, gemini_streams),
}
each_wire = pytest.mark.parametrize("name", WIRES)

# What leaves no doubt of what a consumer has to report.
CERTAIN = ["truncated", "interrupted", "timed out", "reported"]


def encoded(answer: Any) -> Any:
    return json.loads(msgspec.json.encode(answer))


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


@each_wire
def test_a_fault_is_reported_and_what_came_before_it_is_kept(name: str):
    wire, streams = WIRES[name]

    @settings(max_examples=THOROUGH)
    @given(faults(streams() | streams(dialect="any")))
    def check(fault: Fault) -> None:
        if fault.kind in CERTAIN:
            assert_reported(wire, fault)
        else:
            assert_safe(wire, fault)

    check()
