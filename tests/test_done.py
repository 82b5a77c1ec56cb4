"""No stream is done that has not ended: every format, cut at any byte, read by every module.

Whether a stream has ended is found here by a reading of its own, which keeps nothing but what the
ends need, and shares no code with the package.
"""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ssekit import auto
from ssekit.testing import ModelStream, chunkings
from tests.formats import FORMATS, STRATEGIES, each_format
from tests.made import BLANKS, MARKERS
from tests.reference import interpret
from tests.thorough import examples

# The fields of which a choice has one, and the types of events with a part of a message.
PARTS = {"chat": ("delta", "message"), "completions": ("text",)}
BLOCKS = ("content_block_start", "content_block_delta", "content_block_stop")
BEGINNINGS = {"responses": ("response.",), "interactions": ("interaction.", "step.", "content.")}
TERMINAL = {
    "messages": ("message_stop",),
    "responses": ("response.completed", "response.incomplete", "response.cancelled"),
    "interactions": ("interaction.completed", "interaction.complete"),
}


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def has_ended(name: str, data: bytes) -> bool:
    """Whether a reader of a format may call a stream done, if it has these bytes and no more."""
    events = interpret(data).events
    unfinished = interpret(data + b"\n\n").events[len(events) :]
    counted = [each for each in unfinished if each[1] in MARKERS or is_json(each[1])]
    begun, reasons = False, dict[Any, Any]()
    for line, text, _, _ in [*events, *counted]:
        if text in MARKERS:
            return begun and (name in PARTS or (bool(reasons) and all(reasons.values())))
        if text in BLANKS:
            continue
        body = json.loads(text)
        [body] = body if isinstance(body, list) else [body]
        kind = body.get("event_type" if name == "interactions" else "type") or line
        if name == "gemini":
            body = body.get("response") or body
        begun = begun or begins(name, kind, body)
        if kind in TERMINAL.get(name, ()):
            return begun
        for index, reason in reasons_in(name, kind, body):
            reasons[index] = reason or reasons.get(index)
    return begun and bool(reasons) and all(reasons.values()) and counted == unfinished


def begins(name: str, kind: str, body: Any) -> bool:
    """Whether an event has a part of an answer."""
    if name in PARTS:
        choices = body.get("choices") or []
        return any(choice.get(part) is not None for choice in choices for part in PARTS[name])
    if name == "gemini":
        return any(body.get(field) for field in ("candidates", "promptFeedback", "prompt_feedback"))
    if name == "messages":
        return kind in ("message_start", *BLOCKS)
    return kind.startswith(BEGINNINGS[name])


def reasons_in(name: str, kind: str, body: Any) -> list[tuple[Any, Any]]:
    """Return the choices of an event, and the reason of each for its end, or None."""
    if name in PARTS:
        choices = body.get("choices") or []
        return [(choice.get("index", 0), choice.get("finish_reason")) for choice in choices]
    if name == "messages" and kind == "message_delta":
        return [(0, (body.get("delta") or {}).get("stop_reason") or body.get("stop_reason"))]
    if name != "gemini":
        return []
    feedback = body.get("promptFeedback") or body.get("prompt_feedback") or {}
    blocked = feedback.get("blockReason") or feedback.get("block_reason")
    return [
        *(
            (each.get("index") or 0, each.get("finishReason") or each.get("finish_reason"))
            for each in body.get("candidates") or []
        ),
        *([(0, blocked)] if blocked else []),
    ]


def read(wire: Any, reads: list[bytes]) -> Any:
    decoder = wire.decoder()
    for data in reads:
        decoder.feed(data)
    decoder.close()
    return decoder


@each_format
def test_a_stream_is_done_only_where_it_has_ended(name: str):
    @examples(quick=20, thorough=300)
    @given(STRATEGIES[name]() | STRATEGIES[name](dialect="any"), st.data())
    def check(made: ModelStream, data: st.DataObject) -> None:
        size = data.draw(st.sampled_from(made.seams) | st.integers(0, len(made.data)))
        received = made.data[:size]
        reads = data.draw(chunkings(received))
        for reader, wire in FORMATS.items():
            decoder = read(wire, reads)
            done, ended = decoder.state == "done", has_ended(reader, received)
            assert (done == ended) if reader == name else (ended or not done)
            assert (decoder.error is None) == done
        decoder = read(auto, reads)
        assert (decoder.state == "done") == has_ended(name, received)
        assert decoder.state != "done" or decoder.format == name

    check()
