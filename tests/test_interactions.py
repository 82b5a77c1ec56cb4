"""Interactions: the package `interactions`."""

import base64
import json
from functools import partial
from typing import Any

import pytest

from ssekit import (
    APIError,
    DecodeError,
    Finish,
    ServerSentEvent,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
    interactions,
)
from tests.formats import answer_of, deltas_of, encoded, fed
from tests.wire import event

Events = list[Any]

push = partial(fed, interactions)
run = partial(answer_of, interactions)
deltas = partial(deltas_of, interactions)


def wire(kind: str, **fields: Any) -> dict[str, Any]:
    return {"event_type": kind, **fields}


def created(id: Any = "v1_i", **fields: Any) -> dict[str, Any]:
    return wire("interaction.created", interaction={"id": id, **fields})


def began(step: Any, index: Any = 0) -> dict[str, Any]:
    return wire("step.start", index=index, step=step)


def goes_on(kind: str, index: Any = 0, /, **fields: Any) -> dict[str, Any]:
    return wire("step.delta", index=index, delta={"type": kind, **fields})


def text(piece: Any, index: Any = 0) -> dict[str, Any]:
    return goes_on("text", index, text=piece)


def summary(piece: str, index: Any = 0) -> dict[str, Any]:
    return goes_on("thought_summary", index, content=words(piece))


def signed(signature: str, index: Any = 0) -> dict[str, Any]:
    return goes_on("thought_signature", index, signature=signature)


def arguments(piece: Any, index: Any = 0) -> dict[str, Any]:
    return goes_on("arguments_delta", index, arguments=piece)


def stop(index: Any = 0) -> dict[str, Any]:
    return wire("step.stop", index=index)


def ended(status: Any = "completed", **fields: Any) -> dict[str, Any]:
    return wire("interaction.completed", interaction={"status": status, **fields})


def more(delta: Any, index: Any = 0) -> dict[str, Any]:
    return wire("step.delta", index=index, delta=delta)


def formerly(content: Any, *deltas: Any, index: int = 0) -> Events:
    """Return the events of an output in the former spelling."""
    return [
        wire("content.start", index=index, content=content),
        *(wire("content.delta", index=index, delta=delta) for delta in deltas),
        wire("content.stop", index=index),
    ]


def words(text: Any, **fields: Any) -> dict[str, Any]:
    return {"type": "text", "text": text, **fields}


def output(*contents: Any) -> dict[str, Any]:
    return {"type": "model_output", "content": list(contents)}


def thought(*pieces: str, **fields: Any) -> dict[str, Any]:
    return {"type": "thought", "summary": [words(piece) for piece in pieces], **fields}


def call(arguments: Any = None, id: str = "c", name: str = "f", **fields: Any) -> dict[str, Any]:
    return {
        "type": "function_call", "id": id, "name": name, "arguments": arguments or {}, **fields
    }  # fmt: skip


OUTPUT = {"type": "model_output"}
THOUGHT = {"type": "thought"}
SEARCH = {"type": "google_search_call", "id": "s"}
RESULTS = {"type": "google_search_result", "call_id": "s"}
IMAGE = {"type": "image", "mime_type": "image/png", "data": "QUJD"}
DREAM = {"type": "dream", "depth": [1]}
CITATION = {"type": "url_citation", "url": "https://example.org/"}


def audio(data: bytes | str, **fields: Any) -> dict[str, Any]:
    encoded = data if isinstance(data, str) else base64.b64encode(data).decode()
    return {"type": "audio", "data": encoded, **fields}


# The events, and the steps that they make.
STEPS: dict[str, tuple[Events, list[Any]]] = {
    "nothing": ([], []),
    "a text of null": ([began(OUTPUT), text(None), text("a")], [output(words("a"))]),
    "a text of numbers": ([began(output(words(1))), text(5), text(0.5)], [output(words("150.5"))]),
    "annotations": (
        [
            began(OUTPUT),
            text("a"),
            goes_on("text_annotation_delta", annotations=[CITATION]),
            text("b"),
            goes_on("text", text="c", annotations=[CITATION]),
            goes_on("text_annotation_delta"),
        ],
        [output(words("abc", annotations=[CITATION, CITATION]))],
    ),
    "annotations without a text": (
        [goes_on("text_annotation_delta", annotations=[CITATION])],
        [output(words("", annotations=[CITATION]))],
    ),
    "annotations of the text before an image": (
        [text("a"), more(IMAGE), goes_on("text_annotation", annotations=[CITATION])],
        [output(words("a", annotations=[CITATION]), IMAGE)],
    ),
    "a text after an image": (
        [text("a"), more(IMAGE), text("b"), text("c")],
        [output(words("a"), IMAGE, words("bc"))],
    ),
    "an image that is announced": (
        [began(output({"type": "image"})), more(IMAGE)],
        [output(IMAGE)],
    ),
    "audio in pieces": (
        [more(audio(b"a", sample_rate=8, channels=1)), more(audio(b"bc")), more(audio(b"d"))],
        [output(audio(b"abcd", sample_rate=8, channels=1))],
    ),
    "audio of another format": (
        [more(audio(b"a", mime_type="audio/l16")), more(audio(b"b", mime_type="audio/mp3"))],
        [output(audio(b"a", mime_type="audio/l16"), audio(b"b", mime_type="audio/mp3"))],
    ),
    "audio that is no base64": (
        [more(audio(b"a")), more(audio("!")), more(audio(b"b"))],
        [output(audio(b"a"), audio("!"), audio(b"b"))],
    ),
    "audio, and where it is": (
        [more(audio(b"a")), more({"type": "audio", "uri": "u"}), more(audio(b"b"))],
        [output(audio(b"a"), {"type": "audio", "uri": "u"}, audio(b"b"))],
    ),
    "a thought": (
        [began(THOUGHT), summary("h"), signed(""), summary("m"), signed("x"), signed("s"),
         signed(""), goes_on("thought_summary"), stop()],
        [thought("h", "m", signature="s")],
    ),
    "a thought that begins with a summary": (
        [began(thought("h", signature="")), summary("m")],
        [thought("h", "m")],
    ),
    "arguments under their former name": (
        [began(call()), goes_on("arguments_delta", partial_arguments='{"a":1}')],
        [call({"a": 1})],
    ),
    "arguments in the start": ([began(call({"a": 1}, signature="s")), stop()],
                               [call({"a": 1}, signature="s")]),
    "arguments as text in the start": ([began(call('{"a":1}'))], [call({"a": 1})]),
    "arguments that are null": ([began(call() | {"arguments": None})], [call()]),
    "arguments that are cut": (
        [began(call()), arguments('{"a":'), stop(), ended("incomplete")],
        [call(partial_arguments='{"a":')],
    ),
    "arguments after the end of the call": (
        [began(call()), arguments('{"a":1}'), stop(), arguments('{"a":1}'), arguments("x")],
        [call({"a": 1})],
    ),
    "a signature of a call": ([began(call()), signed("s")], [call(signature="s")]),
    "calls at one index": (
        [began(call()), arguments('{"a":1}'), stop(), began(call(id="d")), arguments('{"b":2}')],
        [call({"a": 1}), call({"b": 2}, id="d")],
    ),
    "steps at one index, of which the latest ends first": (
        [began(OUTPUT), began(call()), stop(), stop(), text("a", None)],
        [OUTPUT, call(), output(words("a"))],
    ),
    "a tool of the vendor": (
        [
            began(SEARCH | {"signature": ""}, 0),
            goes_on("google_search_call", 0, arguments={"queries": ["a"]}),
            began(RESULTS, 1),
            goes_on("google_search_result", 1, result=[{}], is_error=False, signature=""),
        ],
        [SEARCH | {"arguments": {"queries": ["a"]}}, RESULTS | {"result": [{}], "is_error": False}],
    ),
    "a step of unknown type": (
        [began(DREAM), goes_on("dream", length=5, depth=None), goes_on("nightmare", length=6),
         text("a"), stop()],
        [DREAM | {"length": 5, "content": [words("a")]}],
    ),
    "a delta of unknown type": ([began(OUTPUT), goes_on("dream"), text("a")], [output(words("a"))]),
    "only a delta of unknown type": ([goes_on("dream")], []),
    "nothing of a step": ([began(None), wire("step.delta", index=0), stop()], []),
    "a step of unknown type with arguments": (
        [began(DREAM), arguments('{"a":'), arguments("1}")],
        [DREAM | {"arguments": {"a": 1}}],
    ),
    "a step of unknown type with contents": (
        [began(DREAM | {"content": [words("a")]}), text("b")],
        [DREAM | {"content": [words("a"), words("b")]}],
    ),
    "no step begins": (
        [summary("h", 0), text("a", 1), arguments('{"a":1}', 2),
         goes_on("google_search_result", 3, result=[{}])],
        [thought("h"), output(words("a")), call({"a": 1}, id="", name=""),
         RESULTS | {"call_id": "", "result": [{}]}],
    ),
    "a start after deltas": (
        [text("a"), began(output(words("b"))), text("c"), arguments('{"a"', 1), began(call(), 1),
         arguments(":1}", 1)],
        [output(words("ac")), call({"a": 1})],
    ),
    "a delta of another type at an index": (
        [began(THOUGHT), text("a"), summary("h")],
        [thought("h"), output(words("a"))],
    ),
    "no indices": (
        [began(THOUGHT, None), summary("h", None), began(OUTPUT, None), text("a", None),
         stop(None), began(OUTPUT, None), text("b", None), signed("s", None), stop(None),
         stop(None), stop(None)],
        [thought("h", signature="s"), output(words("a")), output(words("b"))],
    ),
    "a call once more without an index": (
        [began(call({"a": 1}), None), stop(None), began(call({"a": 1}), None), stop(None),
         began(call(id="d"), None), arguments('{"b":2}', None)],
        [call({"a": 1}), call({"b": 2}, id="d")],
    ),
    "no index in the start": (
        [began(OUTPUT, None), text("a", 5), began(OUTPUT, 2), text("b", 2), text("c", 5)],
        [output(words("b")), output(words("ac"))],
    ),
    "a step without an index that gets one, where another has begun": (
        [text("a", None), began(call(), 0), text("b", 5)],
        [call(), output(words("ab"))],
    ),
    "a start without an index after deltas without one": (
        [text("a", None), began(OUTPUT, None), text("b", None)],
        [output(words("ab"))],
    ),
    "a start with an index after deltas without one": (
        [text("a", None), began(OUTPUT, 3), text("b", 3)],
        [output(words("ab"))],
    ),
    "steps stand in the order of their indices": (
        [began(output(words("a")), 5), began(output(words("b")), 1)],
        [output(words("b")), output(words("a"))],
    ),
    "a step that begins again after its end": (
        [began(output(words("a"))), stop(), began(output(words("b"))), stop(),
         began(call({"a": 1}), 1), stop(1), began(call(), 1), arguments("x", 1)],
        [output(words("a")), output(words("b")), call({"a": 1})],
    ),
    "a stream without an id that begins again": (
        [created(""), began(OUTPUT), text("x"), stop(), created(""), began(OUTPUT), text("a")],
        [output(words("a"))],
    ),
    "a stream that begins again": (
        [created(), began(OUTPUT), text("x"), created(), began(OUTPUT), text("a")],
        [output(words("a"))],
    ),
    "a stream that begins again while a step without an index is open": (
        [created(), began(OUTPUT), text("x"), began(call(), None), created(), began(call()),
         arguments('{"a":1}')],
        [call({"a": 1})],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("events", "steps"), STEPS.values(), ids=STEPS)
def test_steps(events: Events, steps: list[Any]):
    assert encoded(run(*events))["steps"] == steps


# The same in the former spelling, as far as it differs.
OUTPUTS: dict[str, tuple[Events, list[Any]]] = {
    "nothing": ([wire("interaction.start", interaction={"id": "v1_i"})], []),
    "a text": (formerly({"type": "text"}, words("a"), words("b")), [words("ab")]),
    "an image that is whole": (formerly(IMAGE), [IMAGE]),
    "a call": (formerly({"type": "function_call"}, call({"a": 1})), [call({"a": 1})]),
    "an output of unknown type": (formerly(DREAM, {"type": "dream", "length": 5}),
                                  [DREAM | {"length": 5}]),
    "no output begins": (
        [wire("content.delta", index=0, delta=words("a")),
         wire("content.delta", index=1, delta=IMAGE),
         wire("content.delta", index=2, delta=call({"a": 1}))],
        [words("a"), IMAGE, call({"a": 1})],
    ),
    "no output": ([wire("content.start", index=0), wire("content.delta"), wire("content.stop"),
                   wire("interaction.complete")], []),
    "a content of nothing": (formerly(words("")), [words("")]),
}  # fmt: skip


@pytest.mark.parametrize(("events", "outputs"), OUTPUTS.values(), ids=OUTPUTS)
def test_outputs_of_the_former_spelling(events: Events, outputs: list[Any]):
    answer = encoded(run(*events))
    assert answer.get("outputs", []) == outputs
    assert "steps" not in answer or not outputs


def test_both_spellings_in_one_stream():
    events = [created(), *formerly({"type": "text"}, words("a")), began(OUTPUT), text("b"), ended()]
    answer = encoded(run(*events))
    assert answer["steps"] == [output(words("a")), output(words("b"))]


# The head.

USAGE = {"total_input_tokens": 1, "total_output_tokens": 2, "total_tokens": 3}
HEADS: dict[str, tuple[Events, dict[str, Any]]] = {
    "of the beginning and of the end": (
        [created(object="interaction", status="in_progress", model="m"),
         ended(id="v1_i", model="n", created="2026-05-15T18:52:17Z", service_tier="standard")],
        {"id": "v1_i", "object": "interaction", "status": "completed", "model": "n",
         "created": "2026-05-15T18:52:17Z", "service_tier": "standard"},
    ),
    "an empty id never overwrites": (
        [created(status="in_progress"), created(""), wire("interaction.completed",
                                                          interaction={"id": ""})],
        {"id": "v1_i", "status": "completed"},
    ),
    "beside the interaction": (
        [wire("interaction.status_update", interaction_id="v1_i", status="in_progress",
              continuation_token="t")],
        {"id": "v1_i", "status": "in_progress", "continuation_token": "t"},
    ),
    "a status that the end does not have": (
        [wire("interaction.status_update", status="incomplete"), wire("interaction.completed")],
        {"id": "", "status": "incomplete"},
    ),
    "an action": (
        [wire("interaction.in_progress"), wire("interaction.requires_action"), ended(None)],
        {"id": "", "status": "requires_action"},
    ),
    "an agent": ([created(agent="a", model=None)], {"id": "v1_i", "status": "", "agent": "a"}),
    "the whole answer": (
        [{"object": "interaction", "id": "v1_i", "status": "completed"}],
        {"id": "v1_i", "object": "interaction", "status": "completed"},
    ),
    "the whole answer, in progress": (
        [{"object": "interaction", "id": "v1_i", "status": "in_progress"}],
        {"id": "v1_i", "object": "interaction", "status": "in_progress"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("events", "head"), HEADS.values(), ids=HEADS)
def test_the_head(events: Events, head: dict[str, Any]):
    assert encoded(run(*events)) == {**head, "steps": []}


def test_usage_is_a_snapshot():
    stated = [
        text("a"),
        {**text("b"), "metadata": {"total_usage": {**USAGE, "raw_prompt_token": 5}}},
        wire("step.stop", index=0, usage={"total_output_tokens": 3}, step_usage=USAGE),
        ended(usage={"total_input_tokens": 0, "total_output_tokens": 4}),
    ]
    assert [delta for delta in deltas(*stated) if isinstance(delta, Usage)] == [
        Usage(1, 2, 3), Usage(1, 3, 3), Usage(1, 4, 3)
    ]  # fmt: skip
    assert encoded(run(*stated))["usage"] == {
        **USAGE, "total_output_tokens": 4, "raw_prompt_token": 5
    }  # fmt: skip


# The steps of the last event.

SAID = [began(thought("h")), stop(), began(output(words("a")), 1), stop(1),
        began(call({"a": 1}), 2), stop(2)]  # fmt: skip
MADE = [thought("h"), output(words("a")), call({"a": 1})]
SETTLED: dict[str, tuple[Events, list[Any], list[Any]]] = {
    "all": ([], MADE, MADE),
    "a longer text": (SAID[2:4], [output(words("ab"))], [output(words("ab"))]),
    "an end of the text": (
        [began(output(words("ab"))), stop()], [output(words("b"))], [output(words("ab"))]
    ),
    "another text": (SAID[2:4], [output(words("b"))], [output(words("b"))]),
    "an image, where a text ends with a space": (
        [began(output(words("a "))), stop()], [output(IMAGE)], [output(IMAGE)]
    ),
    "a step less": (SAID, [output(words("a"))], MADE),
    "a step more": (SAID[:4], MADE, MADE),
    "a step more, before the others": (SAID[2:4], MADE[:2], MADE[:2]),
    "a signature": (SAID[:2], [thought("h", signature="s")], [thought("h", signature="s")]),
    "fewer words of a step": (
        [began(SEARCH | {"arguments": {"a": 1}, "signature": "s"})],
        [SEARCH],
        [SEARCH | {"arguments": {"a": 1}, "signature": "s"}],
    ),
    "arguments that were cut": (
        [began(call()), arguments('{"a":')], [call({"a": 1})], [call({"a": 1})]
    ),
    "other arguments of a call that was whole": (SAID[4:], [call({"b": 2})], [call({"a": 1})]),
    "a step of unknown type": ([began(DREAM)], [DREAM | {"depth": 2}], [DREAM | {"depth": 2}]),
}  # fmt: skip


OTHERS = [output(words("b")), output(IMAGE)]  # contents that contradict the text so far


@pytest.mark.parametrize(("events", "last", "steps"), SETTLED.values(), ids=SETTLED)
def test_the_steps_of_the_last_event(events: Events, last: list[Any], steps: list[Any]):
    events = [*events, ended(steps=last)]
    assert encoded(run(*events))["steps"] == steps
    stated = "".join(each.text for each in deltas(*events) if isinstance(each, TextDelta))
    assert stated == push(*events).accumulator.text or last[0] in OTHERS
    calls = [each for each in deltas(*events) if isinstance(each, ToolCall)]
    assert calls == list(push(*events).accumulator.tool_calls)


def test_the_outputs_of_the_last_event():
    end = wire("interaction.complete", interaction={"outputs": [words("ab"), call({"a": 1})]})
    events = [*formerly(words("a")), end]
    assert encoded(run(*events))["outputs"] == [words("ab"), call({"a": 1})]


# Deltas.

CALL = ToolCall(0, 0, "c", "f", '{"a":1}')


def piece(arguments: str, id: str = "c", name: str = "f") -> ToolCallDelta:
    return ToolCallDelta(0, 0, id, name, arguments)


STOPPED = Finish(0, "stop", "completed")
CALLED = Finish(0, "tool_calls", "completed")
CUT = Finish(0, "length", "incomplete")
DELTAS: dict[str, tuple[Events, list[Any]]] = {
    "a call that begins again, with the first piece": (
        [began(call()), began(call('{"a":')), arguments("1}"), stop(), ended()],
        [piece(""), piece('{"a":'), piece("1}"), CALL, CALLED],
    ),
    "a call without arguments": (
        [began(call()), stop(), ended()],
        [piece(""), piece("{}"), ToolCall(0, 0, "c", "f", "{}"), CALLED],
    ),
    "a call that was cut": (
        [began(call()), arguments('{"a":'), stop(), ended("incomplete")],
        [piece(""), piece('{"a":'), CUT],
    ),
    "a call whose arguments are no JSON": (
        [began(call()), arguments("{a}"), stop(), ended("requires_action")],
        [piece(""), piece("{a}"), ToolCall(0, 0, "c", "f", "{a}"),
         Finish(0, "tool_calls", "requires_action")],
    ),
    "arguments of a call without a name": ([arguments('{"a":1}'), stop(), ended()], [STOPPED]),
    "a call, then its result": (
        [began(call({"a": 1})), stop(), began({"type": "function_result", "call_id": "c"}, 1),
         ended()],
        [piece(""), piece('{"a":1}'), CALL, STOPPED],
    ),
    "what is no word of the model": (
        [began({"type": "user_input"}), text("a"), began(DREAM, 1), text("b", 1), ended()],
        [STOPPED],
    ),
    "running": ([text("a"), ended("in_progress")], [TextDelta(0, "a")]),
}  # fmt: skip


@pytest.mark.parametrize(("events", "stated"), DELTAS.values(), ids=DELTAS)
def test_deltas(events: Events, stated: list[Any]):
    assert deltas(*events) == stated


# Resuming, and going on.


def test_the_latest_event_id_is_kept():
    decoder = push(
        {**created(), "event_id": ""}, {**text("a"), "event_id": "e1"}, text("b"),
        {**text("c"), "event_id": "e2"}, wire("interaction.dreamt", event_id="e3"), text("d"),
        wire("interaction.dreamt", event_id=5),
    )  # fmt: skip
    assert decoder.accumulator.event_id == "e3"


def by_modality(text: int, image: int) -> list[Any]:
    return [{"modality": "text", "tokens": text}, {"modality": "image", "tokens": image}]


FIRST = {**USAGE, "input_tokens_by_modality": by_modality(1, 2), "total_thought_tokens": 7}
SECOND = {**USAGE, "input_tokens_by_modality": by_modality(3, 4), "total_cached_tokens": 1}


@pytest.mark.parametrize("ids", [("v1_i", "v1_j"), ("", "")], ids=["stored", "not stored"])
def test_an_answer_goes_on_over_several_responses(ids: tuple[str, str]):
    decoder = interactions.decoder()
    first = [created(ids[0], model="m"), text("a"), stop(),
             ended("requires_continuation", continuation_token="t", usage=FIRST)]  # fmt: skip
    second = [created(ids[1], model="n"), text("b"), began(call({"a": 1}), 1), stop(1),
              ended(usage=SECOND, steps=[{"type": "user_input"}, output(words("b"))])]  # fmt: skip
    begun = list(interactions.stream(map(event, first), decoder=decoder).deltas())
    assert begun[-1] == Finish(0, "length", "requires_continuation")
    assert decoder.result().continuation_token == "t"
    stated = list(interactions.stream(map(event, second), decoder=decoder).deltas())
    assert stated[0] == TextDelta(0, "b")
    assert stated[-1] == Finish(0, "tool_calls", "completed")
    assert encoded(decoder.result()) == {
        "id": ids[1], "status": "completed", "model": "n", "usage": SECOND,
        "steps": [output(words("a")), output(words("b")), call({"a": 1})],
    }  # fmt: skip
    assert decoder.accumulator.text == "ab"


def test_an_answer_goes_on_after_a_cut_where_there_is_a_token():
    update = wire("interaction.status_update", continuation_token="t")
    answer = run(created(), began(OUTPUT, None), text("a", None), update, created("v1_j"),
                 text("b", None), ended())  # fmt: skip
    assert encoded(answer)["steps"] == [output(words("a")), output(words("b"))]


def test_the_next_interaction_begins_anew():
    decoder = push(created(), text("a"), ended(usage=USAGE))
    decoder.resume()
    decoder.feed(event(created("v1_j")))
    decoder.feed(event(text("b")))
    decoder.feed(event(ended()))
    answer = encoded(decoder.result())
    assert answer == {"id": "v1_j", "status": "completed", "steps": [output(words("b"))]}


def test_another_interaction_before_the_end_is_refused():
    decoder = push(created(), text("a"), created("v1_j"))
    assert isinstance(decoder.error, DecodeError)
    assert "another interaction begins" in str(decoder.error)


# Failures.

FAILURES: dict[str, tuple[Events, tuple[str, str | None]]] = {
    "its errors": (
        [ended("failed", errors=[{"code": "x", "message": "no"}, {"code": "y"}])],
        ("no", "x"),
    ),
    "the error of a step": (
        [began({"type": "model_output", "error": {"code": 13, "message": "no"}}), ended("FAILED")],
        ("no", "13"),
    ),
}


@pytest.mark.parametrize(("events", "stated"), FAILURES.values(), ids=FAILURES)
def test_an_interaction_that_failed(events: Events, stated: tuple[str, str | None]):
    decoder = push(created(), text("a", 1), *events)
    assert isinstance(decoder.error, APIError)
    assert (decoder.error.message, decoder.error.code) == stated
    assert decoder.error.partial.status.lower() == "failed"
    assert decoder.accumulator.text == "a"
    assert decoder.accumulator.finish_reason is None


def test_an_error_of_a_step_alone_is_no_failure():
    failed = {"type": "model_output", "error": {"code": 13}}
    assert encoded(run(began(failed), ended()))["steps"] == [failed]


# Events.

KEPT: dict[str, tuple[Any, str, Any, str]] = {
    "an unknown event": (
        wire("interaction.dreamt", n=1), "interaction.dreamt",
        {"event_type": "interaction.dreamt", "n": 1}, "interaction.dreamt",
    ),
    "its type in the line alone": ({"n": 1}, "dreamt", {"type": "dreamt", "n": 1}, "dreamt"),
    "its type in the line, and another": (
        wire("dreamt", type="x"), "", {"event_type": "dreamt", "type": "x"}, "dreamt"
    ),
    "no type": ({"n": 1}, "", {"n": 1}, ""),
}  # fmt: skip


@pytest.mark.parametrize(("data", "line", "kept", "kind"), KEPT.values(), ids=KEPT)
def test_unknown_events_are_kept(data: Any, line: str, kept: Any, kind: str):
    chunk = interactions.decode(ServerSentEvent(json.dumps(data), line or "message"))
    assert isinstance(chunk, interactions.UnknownEvent)
    assert (chunk, chunk.event_type) == (kept, kind)


def test_unknown_steps_and_deltas_are_kept():
    start = interactions.decode(ServerSentEvent(json.dumps(began(DREAM))))
    assert isinstance(start, interactions.StepStart)
    assert isinstance(start.step, interactions.UnknownStep)
    delta = interactions.decode(ServerSentEvent(json.dumps(goes_on("dream"))))
    assert isinstance(delta, interactions.StepDelta)
    assert isinstance(delta.delta, interactions.UnknownDelta)
    former = interactions.decode(
        ServerSentEvent(json.dumps(wire("content.start", index=0, content=DREAM)))
    )
    assert isinstance(former, interactions.ContentStart)
    assert isinstance(former.content, interactions.UnknownContent)


def test_what_is_unknown_is_so_in_the_answer():
    smell = {"type": "smell"}
    answer = run(began(DREAM), text("a"), began(output(smell), 1))
    dream, made = answer.steps or ()
    assert isinstance(dream, interactions.UnknownStep)
    assert dream["content"] == [words("a")]
    assert isinstance(made, interactions.ModelOutputStep)
    assert [(type(each), each) for each in made.content or ()] == [
        (interactions.UnknownContent, smell)
    ]


def test_steps_before_the_end_count_though_there_are_no_more_than_began():
    """The last event of some streams has the whole call, of which only the start came."""
    call_ = {"type": "function_call", "id": "c", "name": "f"}
    whole = wire(
        "interaction.requires_action", interaction={"steps": [call_ | {"arguments": {"a": 1}}]}
    )
    accumulator = push(created(), began(call_), whole).accumulator
    assert [call.arguments for call in accumulator.tool_calls] == ['{"a":1}']


@pytest.mark.parametrize(
    ("events", "steps"),
    [
        pytest.param(
            [began(call({"a": n}, ""), None) for n in (1, 1, 2)],
            [call({"a": n}, "") for n in (1, 1, 2)],
            id="calls without ids",
        ),
        pytest.param(
            [began(output(words(word)), None) for word in "ab"],
            [output(words("a")), output(words("b"))],
            id="whole texts",
        ),
        pytest.param(
            [text("a", None), began({"type": "model_output"}, None), text("b", None)],
            [output(words("ab"))],
            id="a start after the first piece",
        ),
    ],
)
def test_each_start_without_an_index_is_of_another_step(events: Events, steps: list[Any]):
    assert encoded(run(*events))["steps"] == steps


def test_whole_arguments_take_no_piece_of_another_index():
    events = began(output()), began(call(), 1), arguments('{"a":1}', 1), arguments('{"b":2}')
    assert [each.arguments for each in push(*events).accumulator.tool_calls] == ['{"a":1}']


def test_a_step_that_comes_at_the_end_alone_is_as_one_that_begins():
    last = [call({}, "c", partial_arguments='{"a":', signature="")]
    (made,) = encoded(run(ended(steps=last)))["steps"]
    assert "signature" not in made
    assert push(ended(steps=last)).accumulator.tool_calls[0].arguments == '{"a":'
