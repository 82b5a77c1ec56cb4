"""Recorded Responses streams: what states an answer whole, and the pieces without it.

The view of an answer that is compared here reads plain JSON, and shares no code with the fold.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ssekit import ServerSentEvent, responses
from tests.formats import encoded, fed
from tests.reference import interpret
from tests.shared import Recording, each_recording

# The ends of a stream that has an answer, with the status of it.
TERMINAL = {"response.completed": "completed", "response.incomplete": "incomplete"}

# Those that a server ended by an error have no such end: see tests/test_corpus.py.
each_answer = each_recording(
    "responses", where=lambda recording: recording.expected["terminal"] in TERMINAL.values()
)


def wire(recording: Recording) -> list[dict[str, Any]]:
    """Return the events of a stream, as an independent reader of the wire has them."""
    texts = [data for _, data, _, _ in interpret(recording.whole).events]
    return [json.loads(text) for text in texts if text != "[DONE]"]


def terminal_response(events: list[dict[str, Any]]) -> Any:
    """Return the answer that the last event states, with what its type means."""
    stated = {"object": "response", "status": TERMINAL[events[-1]["type"]]}
    return stated | events[-1]["response"]


@each_answer
def test_the_result_is_the_terminal_response(recording: Recording):
    """Every field of the wire's own answer is in the result, with its value; null is absent."""
    stream = responses.stream([recording.data])
    answer = encoded(stream.until_done())
    assert stream.decoder.ended_by == "event"
    assert not list(differences(answer, terminal_response(wire(recording))))


def differences(ours: Any, theirs: Any, path: str = "") -> Iterator[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in {**ours, **theirs}:
            yield from differences(ours.get(name), theirs.get(name), f"{path}.{name}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for our, their in zip(ours, theirs, strict=True):
            yield from differences(our, their, path)
    elif ours != theirs:
        yield f"{path}: {ours!r:.60} is not {theirs!r:.60}"


# What comes in pieces: an event's type, the field that has its whole, and the indices of the place.
STREAMED = {
    "output_text": ("text", ("output_index", "content_index")),
    "refusal": ("refusal", ("output_index", "content_index")),
    "reasoning_text": ("text", ("output_index", "content_index")),
    "reasoning_summary_text": ("text", ("output_index", "summary_index")),
    "function_call_arguments": ("arguments", ("output_index",)),
    "custom_tool_call_input": ("input", ("output_index",)),
    "mcp_call_arguments": ("arguments", ("output_index",)),
    "code_interpreter_call_code": ("code", ("output_index",)),
    "apply_patch_call_operation_diff": ("diff", ("output_index",)),
    "shell_call_command": ("command", ("output_index", "command_index")),
}


def kind(event: dict[str, Any], suffix: str) -> str | None:
    name = event.get("type", "").removeprefix("response.").removesuffix(suffix)
    return name if event.get("type", "").endswith(suffix) and name in STREAMED else None


def place(event: dict[str, Any], name: str) -> tuple[Any, ...]:
    return (name, *(event[index] for index in STREAMED[name][1]))


def at(output: list[Any], name: str, output_index: int, index: int = 0) -> str:
    """Return the text that stands at a place of an output."""
    item = output[output_index]
    if name in ("output_text", "reasoning_text"):
        text = item["content"][index]["text"]
    elif name == "refusal":
        text = item["content"][index]["refusal"]
    elif name == "reasoning_summary_text":
        text = item["summary"][index]["text"]
    elif name == "shell_call_command":
        text = item["action"]["commands"][index]
    elif name == "apply_patch_call_operation_diff":
        text = item["operation"]["diff"]
    else:
        text = item[STREAMED[name][0]]
    assert isinstance(text, str)
    return text


def streamed_places(events: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    """Return the places of which pieces were sent."""
    return {place(event, name) for event in events if (name := kind(event, ".delta"))}


@each_answer
def test_the_pieces_alone_add_up(recording: Recording):
    """Without what states a whole, the texts are those of the terminal response."""
    events = wire(recording)
    pieces = [
        event
        for event in events
        if event["type"] not in TERMINAL and not event["type"].endswith(".done")
    ]
    output = encoded(fed(responses, *pieces).snapshot())["output"]
    theirs = terminal_response(events)["output"]
    for found in streamed_places(events):
        assert at(output, *found) == at(theirs, *found)
    annotated = [e for e in events if e["type"] == "response.output_text.annotation.added"]
    for event in annotated:
        part = output[event["output_index"]]["content"][event["content_index"]]
        assert part["annotations"][event["annotation_index"]] == event["annotation"]


@each_answer
def test_a_terminal_event_without_a_response(recording: Recording):
    """What was folded stands, with the status that the event's type means."""
    events = wire(recording)
    theirs = terminal_response(events)
    bare = {name: value for name, value in events[-1].items() if name != "response"}
    for last in (bare, {**bare, "response": None}, {**bare, "response": {**theirs, "output": []}}):
        decoder = fed(responses, *events[:-1], last)
        answer = encoded(decoder.result())
        assert answer["status"] == theirs["status"]
        # An item that was never stated whole in the stream is as far as its pieces came.
        done = {e["output_index"] for e in events if e["type"] == "response.output_item.done"}
        for index in done & set(range(len(theirs["output"]))):
            ours, their = answer["output"][index], theirs["output"][index]
            ignored = UNSTABLE | ({"id"} if ours.get("id") != their.get("id") else set())
            for name in {*ours, *their} - ignored:
                assert not list(differences(ours.get(name), their.get(name), name))


# What hosts encrypt or sign anew (OpenAI), or name anew (GitHub), for the terminal response.
UNSTABLE = {"encrypted_content", "fingerprint", "id"}


@pytest.mark.parametrize("keep", ["done", "terminal"])
@each_answer
def test_text_that_is_only_stated_is_emitted_all_the_same(keep: str, recording: Recording):
    """A server may send no pieces, but only wholes, or only the terminal response."""
    events = [
        event
        for event in wire(recording)
        if event["type"] in TERMINAL or (keep == "done" and event["type"].endswith(".done"))
    ]
    wires = [ServerSentEvent(json.dumps(event)) for event in events]
    assert "".join(responses.stream(wires).text()) == recording.expected["text"]
