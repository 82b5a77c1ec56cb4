"""No input raises anything but an SSEKitError, and what is not hit is not hurt."""

import json
import random
import zlib
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssekit import ServerSentEvent, auto, interactions, messages, responses
from ssekit.testing import event_streams, server_sent_events
from tests.formats import FORMATS, structs_of
from tests.shared import Recording, each_recording
from tests.survive import NAMES, survive
from tests.thorough import examples, pick
from tests.wire import event

WIRES = {**FORMATS, "auto": auto}
each_wire = pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES)


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=20,
)


# Events of any kind; and what formats take for something, even where the stream ends within it.
telling = server_sent_events(data=st.sampled_from(["[DONE]", "{}", "[]", "7", "null", '"x"', "{"]))
telling_streams = st.builds(
    lambda stream, missing: stream.data[: len(stream.data) - missing],
    event_streams(st.lists(telling, max_size=3)),
    st.integers(0, 3),
)


@each_wire
@given(event_streams().map(lambda stream: stream.data) | telling_streams | st.binary())
def test_any_bytes(wire: Any, data: bytes):
    survive(data, wire, max_event_size=200)


# Parts with fields of any shape, among them those that decide where a piece belongs.
part_names = ["text", "thought", "thoughtSignature", "functionCall", "inlineData", "hologram"]
function_calls = st.dictionaries(
    st.sampled_from(["name", "id", "args", "partialArgs", "willContinue"]),
    json_like
    | st.booleans()
    | st.lists(
        st.fixed_dictionaries(
            {"jsonPath": st.text("$.[]'\\a0", max_size=8)},
            optional={"stringValue": st.text(max_size=3), "numberValue": st.floats()},
        ),
        max_size=3,
    ),
)


# What events hold.
TREES = {
    "anything": json_like,
    "a delta": json_like.map(lambda tree: {"choices": [{"delta": tree}]}),
    "a choice": st.dictionaries(
        st.sampled_from(["text", "logprobs", "token_ids", "index"]), json_like
    ).map(lambda choice: {"choices": [choice]}),
    "a part": st.dictionaries(
        st.sampled_from(part_names), json_like | st.text() | function_calls
    ).map(lambda part: {"candidates": [{"content": {"parts": [part]}}]}),
}


@each_wire
@given(st.data())
@examples(quick=40, thorough=400)
def test_any_trees(wire: Any, data: st.DataObject):
    kind = data.draw(st.sampled_from([*TREES]))
    decoder = survive(encoded(data.draw(st.lists(TREES[kind], max_size=4))), wire)
    assert decoder.state in ("truncated", "failed") or kind == "anything"


def encoded(trees: list[Any]) -> bytes:
    return b"".join(event(json.dumps(tree)) for tree in trees)


# Events and items of every type, with fields of any shape.


def types(union: Any, *more: str) -> st.SearchStrategy[str]:
    """Draw a type of a union, or one of some others."""
    field = structs_of(union)[0].__struct_config__.tag_field
    return st.sampled_from([*(getattr(kind, field) for kind in structs_of(union)), *more])


items = st.dictionaries(st.sampled_from(NAMES), json_like, max_size=4)
response_item = st.builds(
    lambda item, kind: {**item, "type": kind},
    items,
    types(responses.ResponseOutputItem, "output_text", "refusal", "dream"),
)
EVENTS: dict[str, st.SearchStrategy[Any]] = {
    "responses": st.builds(
        lambda event, kind, item: {**event, "item": item, "part": item, "type": kind},
        items,
        types(responses.ResponseStreamEvent),
        response_item,
    ),
    "messages": st.builds(
        lambda event, block, delta, kind, block_type, delta_type: {
            **event,
            "type": kind,
            "content_block": {**block, "type": block_type},
            "delta": {**delta, "type": delta_type},
            "message": {**block, "content": [{**block, "type": block_type}]},
        },
        *[items] * 3,
        types(messages.RawMessageStreamEvent),
        types(messages.ContentBlock, "dream"),
        types(messages.RawContentBlockDelta, "dream"),
    ),
    "interactions": st.builds(
        lambda event, step, kind, step_type, delta_type: {
            **event,
            "event_type": kind,
            "step": {**step, "type": step_type},
            "content": {**step, "type": step_type},
            "delta": {**step, "content": {**step, "type": "text"}, "type": delta_type},
            "interaction": {**step, "steps": [{**step, "type": step_type}], "outputs": [step]},
        },
        *[items] * 2,
        types(interactions.InteractionSSEEvent),
        types(interactions.Output, "dream"),
        types(interactions.StepDeltaData, "dream"),
    ),
}


@pytest.mark.parametrize("name", EVENTS)
def test_any_fields_of_events(name: str):
    @given(st.lists(EVENTS[name], max_size=6))
    def check(trees: list[Any]) -> None:
        survive(encoded(trees), FORMATS[name])

    check()


# Each field of recorded chunks, replaced.

REPLACEMENTS = ["null", "true", "5", "-1.5", '"text"', "[]", "[5]", "{}", '{"a": 5}']


def paths(tree: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every field of a tree."""
    items: Any = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from paths(value, (*path, key))


def replaced(tree: Any, path: tuple[str | int, ...], text: str) -> str:
    """Return a tree as JSON, with some JSON text in the place of one of its fields."""
    copy = json.loads(json.dumps(tree))
    parent = copy
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = "\0here"
    return json.dumps(copy).replace('"\\u0000here"', text)


# The texts of chunks that answers are made of.
KEPT = {
    *("content", "reasoning", "reasoning_content", "refusal", "name", "arguments", "text", "data"),
    *("stringValue", "delta", "input", "code", "thinking", "partial_json", "signature"),
}


def fragments(tree: Any) -> dict[tuple[str | int, ...], str]:
    """Return the texts of a chunk that an answer is made of, by their paths."""
    found = {}
    for path in paths(tree):
        value = at(tree, path)
        beside = path[-1] == "text" and "delta" in at(tree, path[:-1])  # which it repeats
        if path[-1] in KEPT and isinstance(value, str) and value and not beside:
            found[path] = value
    return found


@each_recording(*FORMATS)
def test_a_field_of_unforeseen_type_hurts_nothing_else(recording: Recording):
    """It ends no stream; text and tool calls elsewhere in the chunk are unchanged."""
    chance = random.Random(zlib.crc32(recording.name.encode()))
    wire = FORMATS[recording.endpoint]
    events = [body for body in bodies(recording) if not {"response", "error"} & {*body}]
    for body in chance.sample(events, min(pick(quick=2, thorough=6), len(events))):
        kind = body.get("event_type", body.get("type", "message"))
        found = list(paths(body))
        for path in chance.sample(found, min(60, len(found))):
            for text in chance.sample(REPLACEMENTS, pick(quick=1, thorough=3)):
                decoder = wire.decoder()
                spoilt = ServerSentEvent(replaced(body, path, text), kind)
                typed = decoder.feed(spoilt)
                if path[-1] == "error" and not typed:
                    assert decoder.state == "failed"
                    continue
                (chunk,) = typed
                # The line of an event has its type too; alone, it may end a stream without answer.
                alone = chunk == messages.RawMessageStopEvent()
                known = ["open", "done"] if wire is interactions else ["open"]
                assert decoder.state in (["truncated"] if alone else known), (path, text[:10])
                if path[-1] not in ("type", "event_type"):  # of another type, it has other fields
                    # An item that is no object is dropped from its list: those behind it move.
                    made = list(fragments(msgspec.to_builtins(chunk)).values())
                    for other, value in fragments(body).items():
                        if other[: len(path)] != path:
                            assert value in made, (path, text[:10])
                survive(spoilt.encode(), wire)


def bodies(recording: Recording) -> list[Any]:
    """Return the JSON objects of a stream."""
    lines = recording.data.decode().splitlines()
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


def at(tree: Any, path: tuple[str | int, ...]) -> Any:
    """Return what stands at a path; an empty text is left out of what is encoded."""
    for key in path:
        tree = tree.get(key, "") if isinstance(tree, dict) else tree[key]
    return tree
