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
from tests.shared import Recording, each_recording, needs_shared, recordings

# The ends of a stream, and those of a text or an item.
TERMINAL = {"response.completed", "response.incomplete"}


def wire(recording: Recording) -> list[dict[str, Any]]:
    """Return the events of a stream, as an independent reader of the wire has them."""
    whole = recording.data + b"\n\n"  # the last event may not have ended
    texts = [data for _, data, _, _ in interpret(whole).events]
    return [json.loads(text) for text in texts if text != "[DONE]"]


def terminal_response(events: list[dict[str, Any]]) -> Any:
    assert events[-1]["type"] in TERMINAL
    return events[-1]["response"]


each_complete_recording = each_recording(
    "responses", where=lambda recording: recording.expected["outcome"] == "complete"
)


@each_complete_recording
def test_the_result_is_the_terminal_response(recording: Recording):
    """Every field of the wire's own answer is in the result, with its value; null is absent."""
    stream = responses.stream([recording.data])
    answer = encoded(stream.until_done())
    assert stream.decoder.ended_by == "event"
    theirs = {"object": "response", "status": "completed"} | terminal_response(wire(recording))
    assert not list(differences(answer, theirs))


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


@each_complete_recording
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


@each_complete_recording
def test_what_was_folded_before_a_whole_is_stated_is_that_whole(recording: Recording):
    decoder = responses.decoder()
    seen: set[tuple[Any, ...]] = set()
    for event in wire(recording):
        name = kind(event, ".done")
        if name and place(event, name) in seen:
            output = encoded(decoder.snapshot())["output"]
            assert at(output, *place(event, name)) == event[STREAMED[name][0]]
        elif event["type"] == "response.content_part.done":
            said = encoded(decoder.snapshot())["output"][event["output_index"]]["content"]
            assert said[event["content_index"]]["text"] == event["part"]["text"]
        elif event["type"] == "response.reasoning_summary_part.done":
            said = encoded(decoder.snapshot())["output"][event["output_index"]]["summary"]
            assert said[event["summary_index"]] == event["part"]
        elif event["type"] == "response.output_item.done":
            item = encoded(decoder.snapshot())["output"][event["output_index"]]
            assert expected_texts(item, seen, event) == expected_texts(event["item"], seen, event)
        elif event["type"] == "response.shell_call_output_content.done":
            item = encoded(decoder.snapshot())["output"][event["output_index"]]
            (said,) = event["output"]
            made = item["output"][event["command_index"]]
            assert (made["stdout"], made["stderr"]) == (said["stdout"], said["stderr"])
        if name := kind(event, ".delta"):
            seen.add(place(event, name))
        decoder.feed(ServerSentEvent(json.dumps(event), event["type"]))


def expected_texts(item: Any, seen: set[tuple[Any, ...]], event: Any) -> dict[Any, str]:
    """Return the texts of an item of which pieces were sent."""
    index = event["output_index"]
    items = {index: item}
    return {found: at(items, *found) for found in seen if found[1] == index}  # type: ignore[arg-type]


@each_complete_recording
def test_a_terminal_event_without_a_response(recording: Recording):
    """What was folded stands, with the status that the event's type means."""
    events = wire(recording)
    theirs = terminal_response(events)
    bare = {name: value for name, value in events[-1].items() if name != "response"}
    for last in (bare, {**bare, "response": None}, {**bare, "response": {**theirs, "output": []}}):
        decoder = fed(responses, *events[:-1], last)
        answer = encoded(decoder.result())
        assert answer["status"] == theirs.get("status", "completed")
        # An item that was never stated whole in the stream is as far as its pieces came.
        done = {e["output_index"] for e in events if e["type"] == "response.output_item.done"}
        for index in done & set(range(len(theirs["output"]))):
            ours, their = answer["output"][index], theirs["output"][index]
            ignored = UNSTABLE | ({"id"} if ours.get("id") != their.get("id") else set())
            for name in {*ours, *their} - ignored:
                assert not list(differences(ours.get(name), their.get(name), name))


# What hosts encrypt or sign anew (OpenAI), or name anew (GitHub), for the terminal response.
UNSTABLE = {"encrypted_content", "fingerprint", "id"}


@needs_shared
@pytest.mark.parametrize("keep", ["done", "terminal"])
def test_text_that_is_only_stated_is_told_all_the_same(keep: str):
    """A server may send no pieces, but only wholes, or only the terminal response."""
    for recording in recordings("responses"):
        if recording.expected["outcome"] != "complete":
            continue
        events = [
            event
            for event in wire(recording)
            if event["type"] in TERMINAL or (keep == "done" and event["type"].endswith(".done"))
        ]
        wires = [ServerSentEvent(json.dumps(event)) for event in events]
        assert "".join(responses.stream(wires).text()) == recording.expected["text"]
