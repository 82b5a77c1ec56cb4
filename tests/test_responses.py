"""Responses: the package `responses`."""

from functools import partial
from typing import Any

import pytest

from ssekit import (
    APIError,
    Finish,
    ReasoningDelta,
    RefusalDelta,
    StreamTruncatedError,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
    auto,
    responses,
)
from tests.formats import answer_of, deltas_of, encoded, fed, only, structs_of, wire
from tests.wire import event

Events = list[dict[str, Any]]

push = partial(fed, responses)
run = partial(answer_of, responses)
deltas = partial(deltas_of, responses)


def created(**fields: Any) -> dict[str, Any]:
    return wire("response.created", response={"id": "r", "status": "in_progress", **fields})


def completed(*output: Any, **fields: Any) -> dict[str, Any]:
    response = {"id": "r", "status": "completed", "output": list(output), **fields}
    return wire("response.completed", response=response)


def added(index: int, type: str, **fields: Any) -> dict[str, Any]:
    return wire("response.output_item.added", output_index=index, item={"type": type, **fields})


def done(index: int, type: str, **fields: Any) -> dict[str, Any]:
    return wire("response.output_item.done", output_index=index, item={"type": type, **fields})


def at(name: str, index: int = 0, /, **fields: Any) -> dict[str, Any]:
    return wire(f"response.{name}", output_index=index, **fields)


def text(delta: str, index: int = 0, content: int = 0, **fields: Any) -> dict[str, Any]:
    return at("output_text.delta", index, content_index=content, delta=delta) | fields


def output_text(words: str, *annotations: Any) -> dict[str, Any]:
    return {"type": "output_text", "text": words, "annotations": list(annotations)}


def message(*parts: Any, **fields: Any) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": list(parts), **fields}


def function_call(arguments: str, call_id: str = "", name: str = "", **more: Any) -> dict[str, Any]:
    return {
        "type": "function_call",
        "arguments": arguments,
        "call_id": call_id,
        "name": name,
        **more,
    }


TOKENS = [{"token": word, "logprob": -0.5} for word in "ab"]
REFUSAL = {"type": "refusal", "refusal": "no"}
THOUGHT = {"type": "reasoning_text", "text": "hm"}
SUMMARY = {"type": "summary_text", "text": "hm"}

# The events, and the output that they make.
OUTPUTS: dict[str, tuple[Events, list[Any]]] = {
    "indices out of order, and with gaps": (
        [text("c", 1_000_000), text("b", 2, 7), text("a", 2, 1), text("z", -1)],
        [
            message(output_text("z")),
            message(output_text("a"), output_text("b")),
            message(output_text("c")),
        ],
    ),
    "an empty whole overrides nothing": (
        [
            text("a"),
            at("output_text.done", text=""),
            at("output_text.done"),
            at("content_part.done", part=output_text("")),
            at("content_part.done"),
            done(0, "message", content=[]),
            wire("response.output_item.done", output_index=0),
        ],
        [message(output_text("a"))],
    ),
    "a whole item overrides, and has no other parts": (
        [text("x"), text("y", 0, 1), done(0, "message", content=[output_text("a")], id="m")],
        [message(output_text("a"), id="m")],
    ),
    "an item that is added again goes on": (
        [added(0, "message"), text("a"), added(0, "message"), text("b")],
        [message(output_text("ab"))],
    ),
    "an item of another type at the same index comes after": (
        [added(0, "reasoning"), added(0, "message"), text("a")],
        [{"type": "reasoning", "summary": []}, message(output_text("a"))],
    ),
    "an item that is stated again is the same": (
        [
            done(0, "function_call", call_id="c", id="i", arguments="{}"),
            done(0, "function_call", call_id="c", id="j", name="f"),
            done(1, "message", content=[output_text("a")]),
            done(1, "message", id="m"),
        ],
        [function_call("{}", "c", "f", id="j"), message(output_text("a"), id="m")],
    ),
    "an empty part, of a type that is not at home there": (
        [
            text("a"),
            at("content_part.done", part={"type": "reasoning_text", "reasoning": "hm"}),
            text("b", output_index=None),
            wire("response.content_part.done", part={"type": "reasoning_text"}),
        ],
        [message(output_text("ab"))],
    ),
    "arguments of a call that nobody knows": (
        [
            added(0, "remote_call", id="i"),
            at("function_call_arguments.delta", item_id="i", delta="{"),
            at("function_call_arguments.done", item_id="i", arguments="{}"),
        ],
        [{"type": "remote_call", "id": "i"}],
    ),
    "events without an index, of items that were not added": (
        [
            wire("response.reasoning_text.delta", delta="h"),
            wire("response.reasoning_text.delta", delta="m"),
            wire("response.output_text.delta", item_id="m", delta="a"),
            wire("response.output_text.done", text="ab"),
            wire("response.output_item.done", item=message(output_text("ab"), id="n")),
            wire("response.output_item.done", item=message(output_text("c"), id="o")),
            wire("response.output_text.delta", item_id="n", delta="!"),
        ],
        [
            {"type": "reasoning", "summary": [], "content": [THOUGHT]},
            message(output_text("ab!"), id="n"),
            message(output_text("c"), id="o"),
        ],
    ),
    "a thought and a text at one index, of which the text is not added (LiteLLM)": (
        [
            added(0, "reasoning", id="r"), at("reasoning_text.delta", item_id="r", delta="hm"),
            done(0, "reasoning", id="r", content=[THOUGHT]),
            at("output_text.delta", item_id="m", delta="ab"),
            at("output_text.done", item_id="m", text="ab"),
            at("content_part.done", item_id="m", part={"type": "reasoning_text"}),
            done(0, "message", id="m", content=[output_text("ab")]),
        ],
        [{"type": "reasoning", "id": "r", "summary": [], "content": [THOUGHT]},
         message(output_text("ab"), id="m")],
    ),
    "an item that is stated again beside another at its index": (
        [
            done(0, "message", id="m", content=[output_text("a")]),
            added(0, "message", id="n"),
            done(0, "message", id="m", content=[output_text("a", {"n": 1})]),
            text("b", item_id="n"),
        ],
        [message(output_text("a", {"n": 1}), id="m"), message(output_text("b"), id="n")],
    ),
    "items that nobody knows, at one index": (
        [done(0, "dream", id="d"), done(0, "sleep", id="d"), done(0, "sleep", id="s"),
         done(0, "sleep", id="s", depth=1)],
        [{"type": "dream", "id": "d"}, {"type": "sleep", "id": "d"},
         {"type": "sleep", "id": "s", "depth": 1}],
    ),
    "items of a response under way go on by their ids": (
        [
            wire("response.in_progress", response={"output": [
                message(output_text("a"), id="m"), message(output_text("b"), id="n")]}),
            wire("response.output_text.delta", item_id="m", delta="!"),
            wire("response.in_progress", response={"output": [message(id="o")]}),
        ],
        [message(output_text("a!"), id="m"), message(output_text("b"), id="n")],
    ),
    "a part after the item was stated": (
        [
            text("a", 0, 5), text("b", 0, 6),
            at("output_text.done", content_index=7, text="ab"),
            done(0, "message", content=[output_text("ab")]),
            at("content_part.done", content_index=0, part=output_text("ab", {"n": 1})),
        ],
        [message(output_text("ab", {"n": 1}))],
    ),
    "wholes at another index than the pieces": (
        [
            text("\ud83d", 0, 1, logprobs=TOKENS[:1]), text("\ude00", 0, 2, logprobs=TOKENS[1:]),
            at("output_text.annotation.added", content_index=2, annotation={"n": 1}),
            at("output_text.done", content_index=3, text="😀c"),
            at("content_part.done", content_index=4, part=output_text("😀c")),
            at("content_part.done", content_index=5, part=output_text("d")),
        ],
        [message(output_text("😀c", {"n": 1}) | {"logprobs": TOKENS}, output_text("d"))],
    ),
    "parts of one text, each of which comes at once": (
        [at("output_text.done", content_index=n, text="a") for n in range(2)],
        [message(output_text("a"), output_text("a"))],
    ),
    "an item without an index, in another attempt": (
        [
            event
            for piece in ("a", "b")
            for event in (
                created(),
                {"type": "response.output_item.added", "item": message(id="m")},
                {"type": "response.output_text.delta", "item_id": "m", "delta": piece},
            )
        ],
        [message(output_text("b"), id="m")],
    ),
    "a whole text once more, after the response was created again": (
        [created(), done(0, **message(output_text("a"), id="m")), created(),
         at("output_text.done", text="a")],
        [message(output_text("a"), id="m")],
    ),
    "log probabilities that are stated": (
        [
            text("a", logprobs=TOKENS),
            at("output_text.done", text="a", logprobs=TOKENS[:1]),
            text("b", 1),
            at("content_part.done", 1, part=output_text("b") | {"logprobs": TOKENS[1:]}),
            text("c", 2),
            at("content_part.done", 2, part=output_text("c") | {"logprobs": []}),
        ],
        [
            message(output_text("a") | {"logprobs": TOKENS[:1]}),
            message(output_text("b") | {"logprobs": TOKENS[1:]}),
            message(output_text("c") | {"logprobs": []}),
        ],
    ),
    "annotations, by their index or in their order": (
        [
            at("output_text.annotation.added", annotation_index=2, annotation={"n": 2}),
            at("output_text.annotation.added", annotation_index=0, annotation={"n": 0}),
            at("output_text.annotation.added", annotation={"n": 1}),
            at("output_text.annotation.added", annotation=None),
        ],
        [message(output_text("", {"n": 0}, {"n": 1}, {"n": 2}))],
    ),
    "a refusal that is stated": ([at("refusal.done", refusal="no")], [message(REFUSAL)]),
    "a summary that is a part of the content": (
        [at("content_part.done", part=SUMMARY)],
        [{"type": "reasoning", "summary": [], "content": [SUMMARY]}],
    ),
    "a refusal that is a part": ([at("content_part.done", part=REFUSAL)], [message(REFUSAL)]),
    "summaries": (
        [
            at("reasoning_summary_part.added", summary_index=0, part={**SUMMARY, "text": ""}),
            at("reasoning_summary_text.delta", summary_index=0, delta="hm"),
            at("reasoning_summary_text.delta", summary_index=1, delta="x"),
            at("reasoning_summary_text.done", summary_index=1, text="hm"),
            at("reasoning_summary_part.done", summary_index=2, part={**SUMMARY, "text": "x"}),
        ],
        [{"type": "reasoning", "summary": [SUMMARY, SUMMARY, {**SUMMARY, "text": "x"}]}],
    ),
    "an MCP call": (
        [
            at("mcp_call.in_progress"),
            at("mcp_call_arguments.delta", delta="{"),
            at("mcp_call_arguments.done", arguments="{}"),
            at("mcp_call.failed"),
        ],
        [{"type": "mcp_call", "arguments": "{}", "name": "", "server_label": "",
          "status": "failed"}],
    ),
    "code": (
        [
            added(0, "code_interpreter_call", code="", container_id="c", outputs=[]),
            at("code_interpreter_call_code.delta", delta="1"),
            at("code_interpreter_call_code.delta", delta="+1"),
            at("code_interpreter_call.interpreting"),
        ],
        [{"type": "code_interpreter_call", "code": "1+1", "container_id": "c", "outputs": [],
          "status": "interpreting"}],
    ),
    "items that their states alone show": (
        [
            at("web_search_call.searching"), at("file_search_call.completed", 1),
            at("mcp_list_tools.in_progress", 2, item_id="i"), at("compaction.compacting", 3),
        ],
        [
            {"type": "web_search_call", "status": "searching"},
            {"type": "file_search_call", "status": "completed", "queries": []},
            {"type": "mcp_list_tools", "id": "i", "server_label": "", "tools": []},
            {"type": "compaction", "encrypted_content": ""},
        ],
    ),
    "an image": (
        [
            added(0, "image_generation_call", id="i", status="in_progress"),
            at("image_generation_call.generating"),
            at("image_generation_call.partial_image", partial_image_b64="AA", size="1x1"),
            at("image_generation_call.partial_image", partial_image_b64="AB"),
        ],
        [{"type": "image_generation_call", "id": "i", "status": "generating", "result": "AB",
          "size": "1x1"}],
    ),
    "shell commands": (
        [
            added(0, "shell_call", call_id="c", action={"commands": [], "timeout_ms": 5}),
            at("shell_call_command.added", command_index=1, command=""),
            at("shell_call_command.delta", command_index=1, delta="b"),
            at("shell_call_command.delta", command_index=0, delta="x"),
            at("shell_call_command.done", command_index=0, command="a"),
            done(0, "shell_call", status="completed",
                 action={"commands": ["a", "bc"], "timeout_ms": 5}),
        ],
        [{"type": "shell_call", "call_id": "c", "status": "completed",
          "action": {"commands": ["a", "bc"], "timeout_ms": 5}}],
    ),
    "shell commands that are stated, or were not announced": (
        [
            done(0, "shell_call", action={"commands": ["a", "b"]}),
            at("shell_call_command.delta", 1, delta="c"),
        ],
        [
            {"type": "shell_call", "call_id": "", "action": {"commands": ["a", "b"]}},
            {"type": "shell_call", "call_id": "", "action": {"commands": ["c"]}},
        ],
    ),
    "the output of shell commands": (
        [
            at("shell_call_output_content.delta", command_index=1, delta={"stdout": "a"}),
            at("shell_call_output_content.delta", command_index=1, delta={"stderr": "b"}),
            at("shell_call_output_content.delta", command_index=1),
            at("shell_call_output_content.delta", command_index=0, delta={"stdout": "x"}),
            at("shell_call_output_content.done", command_index=0,
               output=[{"stdout": "c", "stderr": "", "outcome": {"type": "timeout"}}]),
            at("shell_call_output_content.done", command_index=0),
        ],
        [{"type": "shell_call_output", "call_id": "", "output": [
            {"stdout": "c", "stderr": "", "outcome": {"type": "timeout"}},
            {"stdout": "a", "stderr": "b"},
        ]}],
    ),
    "the output of shell commands that is stated": (
        [
            at("shell_call_output_content.delta", command_index=1, delta={"stdout": "a"}),
            done(0, "shell_call_output", call_id="c", output=[{"stdout": "c", "stderr": "d"}]),
            done(0, "shell_call_output", output=[]),
        ],
        [{"type": "shell_call_output", "call_id": "c",
          "output": [{"stdout": "c", "stderr": "d"}]}],
    ),
    "a patch": (
        [
            added(0, "apply_patch_call", call_id="c",
                  operation={"type": "create_file", "path": "p", "diff": ""}),
            at("apply_patch_call_operation_diff.delta", delta="+"),
            at("apply_patch_call_operation_diff.delta", delta="a"),
            at("apply_patch_call_operation_diff.delta", 1, delta="x"),
            at("apply_patch_call_operation_diff.done", 1, diff="-a"),
            done(1, "apply_patch_call"),
        ],
        [
            {"type": "apply_patch_call", "call_id": "c",
             "operation": {"type": "create_file", "path": "p", "diff": "+a"}},
            {"type": "apply_patch_call", "call_id": "",
             "operation": {"type": "", "path": "", "diff": "-a"}},
        ],
    ),
    "an item that nobody knows, among others": (
        [
            added(0, "dream", id="d", depth=[1]),
            text("a", 1),
            done(0, "dream", id="d", depth=[1, 2]),
            completed({"type": "dream", "id": "d"}, message(output_text("ab"))),
        ],
        [{"type": "dream", "id": "d"}, message(output_text("ab"))],
    ),
    "an item without a type": (
        [wire("response.output_item.added", item={"id": "d"})],
        [{"id": "d"}],
    ),
    "a part that nobody knows, among others": (
        [
            at("content_part.added", content_index=1, part={"type": "smell", "n": [1]}),
            text("a"),
            at("content_part.done", content_index=1, part={"type": "smell", "n": [2]}),
            done(1, "message", content=[{"type": "smell"}, output_text("b")]),
        ],
        [
            message(output_text("a"), {"type": "smell", "n": [2]}),
            message({"type": "smell"}, output_text("b")),
        ],
    ),
    "fields of unforeseen type count as absent": (
        [
            added(0, "message", id={}, status=[], content=[5, None, output_text("a")], phase="p"),
            text("b", output_index=0) | {"logprobs": 5, "sequence_number": "x", "item_id": []},
            wire("response.output_text.delta", output_index=0, delta={}),
            added(1, "function_call", name={}, call_id="c"),
            wire("response.output_item.added", output_index=2, item=5),
            wire("response.content_part.added", output_index=0, content_index=0, part="x"),
            at("output_text.annotation.added", annotation=[]),
        ],
        [message(output_text("ab"), phase="p"), function_call("", "c")],
    ),
    "events that have no place in a response": (
        [
            wire("keepalive", sequence_number=1),
            wire("response.audio.delta", delta="AA"),
            wire("response.audio.done"),
            wire("response.audio.transcript.delta", delta="a"),
            wire("response.audio.transcript.done"),
            wire("response.dreamt", sequence_number=2),
            {"no": "type"},
        ],
        [],
    ),
    "pieces before an item, which have no index": (
        [
            wire("response.function_call_arguments.delta", delta="{"),
            added(3, **function_call("", "c", "f")),
            at("function_call_arguments.delta", 3, delta="}"),
        ],
        [function_call("{}", "c", "f")],
    ),
    "an item of another call_id is another": (
        [
            wire("response.output_item.added", item=function_call("", "c", "f")),
            wire("response.output_item.done", item=function_call("{}", "d", "g")),
        ],
        [function_call("", "c", "f"), function_call("{}", "d", "g")],
    ),
    "a piece at the index of an item that is done": (
        [
            done(0, "message", content=[output_text("a")]), added(1, "message"), text("b"),
            at("output_text.done", text="a"),
        ],
        [message(output_text("a")), message(output_text("b"))],
    ),
    "pieces and wholes at the index of a call that is done": (
        [
            done(0, **function_call("{}", "c", "f")), added(1, **function_call("", "d", "g")),
            at("function_call_arguments.delta", delta="["),
            at("function_call_arguments.done", arguments="[]"),
            at("function_call_arguments.done", arguments="{}"),
        ],
        [function_call("{}", "c", "f"), function_call("[]", "d", "g")],
    ),
    "arguments that come once more, at another index": (
        [
            done(0, **function_call("{}", "c", "f")),
            at("function_call_arguments.done", 1, arguments="{}"),
        ],
        [function_call("{}", "c", "f")],
    ),
    "a piece at the index of a part that is done": (
        [
            text("a"), at("output_text.done", content_index=0, text="a"),
            at("content_part.added", content_index=1, part=output_text("")), text("b"),
        ],
        [message(output_text("a"), output_text("b"))],
    ),
    "a call once more, spelled otherwise": (
        [done(0, **function_call('{"n": 1}', "c", "f")),
         done(1, **function_call('{"n":1}', "c", "f")), completed()],
        [function_call('{"n": 1}', "c", "f")],
    ),
    "arguments that come once more": (
        [
            added(0, **function_call("", "c", "f")),
            at("function_call_arguments.delta", delta='{"n":'),
            at("function_call_arguments.delta", delta="1}"),
            at("function_call_arguments.delta", delta='{"n":1}'),
            done(0, **function_call('{"n":1}', "c", "f")),
            at("function_call_arguments.delta", delta="!"),
        ],
        [function_call('{"n":1}', "c", "f")],
    ),
    "calls whose pieces begin before they do": (
        [data for id_ in "cd" for data in (
            at("function_call_arguments.delta", item_id=id_, delta="["),
            added(0, id=id_, **function_call("[]", id_, "f")),
            at("function_call_arguments.delta", item_id=id_, delta="]"),
            done(0, id=id_, **function_call("[]", id_, "f")),
        )],
        [function_call("[]", "c", "f", id="c"), function_call("[]", "d", "f", id="d")],
    ),
    "calls at one index that do not end": (
        [
            added(0, **function_call("", "c", "f")),
            at("function_call_arguments.delta", delta="{}"),
            added(0, **function_call("", "d", "f")),
            at("function_call_arguments.delta", delta="[]"),
        ],
        [function_call("{}", "c", "f"), function_call("[]", "d", "f")],
    ),
    "an item that begins again in another attempt goes on without an index": (
        [
            created(), done(0, **function_call("[]", "c", "f")),
            created(), added(0, **function_call("", "c", "f")),
            wire("response.function_call_arguments.delta", delta="{}"),
        ],
        [function_call("{}", "c", "f")],
    ),
    "the format of what is encrypted": (
        [done(0, "reasoning", summary=[], encrypted_content="x", format="f")],
        [{"type": "reasoning", "summary": [], "encrypted_content": "x", "format": "f"}],
    ),
    "another attempt that begins by a piece": (
        [created(), done(0, "message", id="m", content=[output_text("a")]),
         created(), text("b", item_id="n")],
        [message(output_text("b"), id="n")],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("events", "output"), OUTPUTS.values(), ids=OUTPUTS)
def test_output(events: Events, output: list[Any]):
    assert encoded(run(*events))["output"] == output


# The events, and fields of the response that they make.
HEADS: dict[str, tuple[Events, dict[str, Any]]] = {
    "the newest that is not empty": (
        [
            created(model="m", created_at=5, temperature=1.0, tools=[{"type": "x"}], metadata={}),
            wire("response.queued", response={"id": "", "status": "queued", "temperature": 0.0}),
            wire("response.in_progress", response={"model": None, "tools": [], "status": ""}),
            wire("response.in_progress", response=None),
            wire("response.in_progress", response=5),
        ],
        {"id": "r", "model": "m", "created_at": 5, "temperature": 0.0, "status": "queued",
         "tools": [{"type": "x"}], "metadata": {}},
    ),
    "only a terminal event": (
        [created(), wire("response.completed")],
        {"id": "r", "status": "completed"},
    ),
    "a terminal response that is not up to date": (
        [completed(status="in_progress")],
        {"status": "completed"},
    ),
    "fields that hosts shape in their own way": (
        [created(tool_choice="auto", instructions=["i"], error=None, text={"format": {}})],
        {"tool_choice": "auto", "instructions": ["i"], "text": {"format": {}}},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("events", "fields"), HEADS.values(), ids=HEADS)
def test_heads(events: Events, fields: dict[str, Any]):
    made = encoded(run(*events))
    assert {name: made.get(name) for name in fields} == fields


FAILED = {"status": "failed", "error": {"code": "server_error", "message": "no"}}


def test_another_attempt_after_a_failure():
    first = push(created(), text("a"), wire("response.failed", response=FAILED))
    source = [event(data) for data in (created(), text("b"), completed())]
    stream = responses.stream(source, decoder=first)
    answer = stream.until_done()
    assert (answer.status, answer.error, answer.output_text) == ("completed", None, "ab")


@pytest.mark.parametrize("first", [text("b"), wire("response.queued", response={"id": "r"})])
def test_a_stream_that_is_resumed(first: dict[str, Any]):
    end = completed(message(output_text("ab")), usage={"total_tokens": 3})
    decoder = push(first, text("b", sequence_number=9), end)
    assert (decoder.state, decoder.result().output_text) == ("done", "ab")
    assert decoder.accumulator.sequence_number == 9


def test_the_sequence_number_of_the_latest_event_that_has_one():
    accumulator = push(created() | {"sequence_number": 0}, text("a", sequence_number=3)).accumulator
    assert accumulator.sequence_number == 3
    for data in (text("b"), completed(), wire("response.dreamt")):
        assert push(text("a", sequence_number=3), data).accumulator.sequence_number == 3
    for data in (
        wire("response.dreamt", sequence_number=4),
        wire("error", message="no", sequence_number=4),
        wire("response.failed", response=None, sequence_number=4),
        {"error": {"message": "no"}, "sequence_number": 4},
    ):
        assert push(text("a", sequence_number=3), data).accumulator.sequence_number == 4


def test_the_rest_of_a_read_is_no_part_of_what_goes_on_after_its_end():
    decoder = responses.decoder()
    read = b"".join(map(event, [text("a"), completed(), text("b")]))
    for chunk in decoder.receive((read,)):
        if isinstance(chunk, responses.ResponseCompletedEvent):
            decoder.resume()
    assert (decoder.state, decoder.accumulator.text) == ("open", "a")


# Items that are stated whole, without pieces before them: their text is no reasoning.
NO_REASONING = {
    "mcp_call": {"type": "mcp_call", "id": "i", "name": "f", "arguments": "{}"},
    "code_interpreter_call": {"type": "code_interpreter_call", "id": "i", "code": "1"},
}


@pytest.mark.parametrize("kind", ["added", "done"])
@pytest.mark.parametrize("item", NO_REASONING.values(), ids=NO_REASONING)
def test_what_a_tool_of_the_vendor_is_given_is_no_reasoning(item: dict[str, Any], kind: str):
    summary = {"item_id": "rs", "output_index": 1, "summary_index": 0, "delta": "hm"}
    events = [
        wire(f"response.output_item.{kind}", output_index=0, item=item),
        wire("response.reasoning_summary_text.delta", **summary),
    ]
    assert deltas(*events)[:1] == [ReasoningDelta(0, "hm")]
    assert push(*events).accumulator.reasoning == "hm"


@pytest.mark.parametrize("name", ["responses", "auto"])
def test_a_view_that_is_got_hold_of_at_the_start_goes_on(name: str):
    stream = (responses if name == "responses" else auto).stream(
        [event(created()), *(event(text("x")) for _ in range(100)), event(completed())]
    )
    seen = stream.accumulator
    texts = [seen.text for chunk in stream if isinstance(chunk, responses.ResponseTextDeltaEvent)]
    assert texts == ["x" * count for count in range(1, 101)]


class Counting(responses.Accumulator):
    """What somebody makes of the accumulator."""

    def __init__(self) -> None:
        super().__init__()
        self.added = 0

    def add(self, event: Any, /) -> bool:
        self.added += 1
        return super().add(event)


def test_an_accumulator_that_inherits_is_given_every_event():
    decoder = responses.decoder()
    decoder.accumulator = counting = Counting()
    decoder.feed(event(created()))
    for _ in range(100):
        decoder.feed(event(text("x")))
    assert (counting.added, counting.text) == (101, "x" * 100)


def test_another_accumulator_takes_what_comes_from_then_on():
    decoder = push(created(), text("a"))
    before, decoder.accumulator = decoder.accumulator, responses.Accumulator()
    decoder.feed(event(text("b")))
    assert (before.text, decoder.snapshot().output_text) == ("a", "b")


def test_an_event_that_nobody_knows_is_what_it_was():
    data = wire("response.dreamt", sequence_number=3, depth={"n": [1]}, arguments=[1],
                item={"type": "message", "content": "a"})  # fmt: skip
    (made,) = push().feed(event(data))
    assert isinstance(made, responses.UnknownEvent)
    assert (made.type, made["depth"]) == ("response.dreamt", {"n": [1]})
    assert encoded(made) == data
    assert responses.UnknownEvent({"type": 5}).type == ""
    assert responses.UnknownEvent({"sequence_number": 7}).sequence_number == 7
    assert responses.UnknownEvent({"sequence_number": "7"}).sequence_number is None


def test_an_item_that_nobody_knows_is_what_it_was():
    (made,) = push(added(0, "dream", depth=[1])).snapshot().output
    assert isinstance(made, responses.UnknownItem)
    assert (made.type, made) == ("dream", {"type": "dream", "depth": [1]})


def test_the_text_of_a_response():
    refusal = at("refusal.delta", content_index=1, delta="no")
    assert run(text("a"), refusal, added(1, "dream"), text("b", 2)).output_text == "ab"


def test_every_event_is_folded_or_has_a_row():
    rows = [*OUTPUTS.values(), *HEADS.values()]
    seen = {event.get("type") for events, _ in rows for event in events}
    without_effect = set()
    for struct in structs_of(responses.ResponseStreamEvent):
        accumulator = responses.Accumulator()
        wholes = {"delta", "arguments", "code", "command", "diff", "input", "refusal", "text"}
        pieces = (
            wholes.intersection(struct.__struct_fields__)
            if "output_content" not in struct.type
            else ()
        )
        accumulator.add(struct(**dict.fromkeys(pieces, "a")))
        if accumulator.snapshot() == responses.Response():
            without_effect.add(struct.type)
    assert without_effect - seen == {"error"}  # it makes no answer


# The views, and the deltas.


CALL = function_call("{}", "c", "f")


STOP = Finish(0, "stop", "completed")
CALLED = Finish(0, "tool_calls", "completed")


def begun_call(call: dict[str, Any]) -> dict[str, Any]:
    return {**call, "arguments": ""}


def emitted(*pieces: str) -> list[Any]:
    """Return the deltas of a call whose arguments come in pieces."""
    fragments = [ToolCallDelta(0, 0, "c", "f", piece) for piece in pieces]
    return [*fragments, ToolCall(0, 0, "c", "f", "".join(pieces))]


# The events, and their deltas.
DELTAS: dict[str, tuple[Events, list[Any]]] = {
    "wholes that go on": (
        [
            text("a"),
            at("output_text.done", text="ab"),
            at("content_part.done", part=output_text("abc")),
            done(0, "message", content=[output_text("abcd")]),
            completed(message(output_text("abcde"))),
        ],
        [TextDelta(0, letter) for letter in "abcde"] + [STOP],
    ),
    "pieces at indices of their own, and their whole at another": (
        [text("a", 0, 1), text("b", 0, 2), at("output_text.done", content_index=3, text="ab")],
        [TextDelta(0, "a"), TextDelta(0, "b")],
    ),
    "wholes that contradict": (
        [
            text("a"),
            at("output_text.done", text="b"),
            done(0, "message", content=[output_text("bc")]),
        ],
        [TextDelta(0, "a"), TextDelta(0, "c")],
    ),
    "only the terminal response": (
        [completed({"type": "reasoning", "summary": [SUMMARY], "content": [THOUGHT]},
                   message(output_text("a"), REFUSAL), CALL)],
        [ReasoningDelta(0, "hm"), TextDelta(0, "a"), RefusalDelta(0, "no"),
         *emitted("{}"), CALLED],
    ),
    "reasoning and its summary": (
        [
            at("reasoning_summary_text.delta", delta="a"),
            at("reasoning_text.delta", delta="x"),
            at("reasoning_summary_text.delta", delta="b"),
        ],
        [ReasoningDelta(0, "a"), ReasoningDelta(0, "b")],
    ),
    "calls of others are not the model's": (
        [at("mcp_call_arguments.delta", delta="{"),
         at("code_interpreter_call_code.done", 1, code="x")],
        [],
    ),
    "texts that the terminal response divides otherwise": (
        [text("a"), text("b", 1), completed(message(output_text("abc")))],
        [TextDelta(0, "a"), TextDelta(0, "b"), TextDelta(0, "c"), STOP],
    ),
    "a text that the terminal response contradicts": (
        [text("x"), completed(message(output_text("a")), message(output_text("b")))],
        [TextDelta(0, "x"), STOP],
    ),
    "a text that goes on from a whole that contradicted": (
        [text("x"), at("output_text.done", text="ab"), completed(message(output_text("abc")))],
        [TextDelta(0, "x"), TextDelta(0, "c"), STOP],
    ),
    "parts that an item contradicts and divides otherwise": (
        [text("x"), text("y", 0, 1), done(0, "message", content=[output_text("ab")]),
         at("output_text.done", text="abc"), completed(message(output_text("abcd")))],
        [TextDelta(0, letter) for letter in "xycd"] + [STOP],
    ),
    "a text in an item of reasoning is reasoning": (
        [completed({"type": "reasoning", "content": [output_text("hm")]},
                   message(output_text("a")))],
        [ReasoningDelta(0, "hm"), TextDelta(0, "a"), STOP],
    ),
    "usage that only an earlier event has": (
        [wire("response.in_progress", response={"usage": {"total_tokens": 3}}), completed()],
        [Usage(None, None, 3, None, None), STOP],
    ),
    "events without deltas": (
        [text("a"), text(""), wire("response.dreamt"), wire("keepalive"), created()],
        [TextDelta(0, "a")],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("events", "stated"), DELTAS.values(), ids=DELTAS)
def test_deltas(events: Events, stated: list[Any]):
    assert deltas(*events) == stated


# Whole calls. For each: the events, and the places of the calls that are emitted as whole.

CUT = function_call('{"n"', "c", "f")
CUSTOM = {"type": "custom_tool_call", "call_id": "t", "name": "g", "input": "a"}
LENGTH = wire(
    "response.incomplete", response={"incomplete_details": {"reason": "max_output_tokens"}}
)
FILTERED = wire(
    "response.incomplete", response={"incomplete_details": {"reason": "CONTENT_FILTER"}}
)
EMPTY = function_call("", "c", "f")
COMPLETED = {"status": "completed"}

WHOLE_CALLS: dict[str, tuple[Events, list[int]]] = {
    "JSON": ([added(0, **begun_call(CALL)), done(0, **CALL)], [0]),
    "JSON, and the end of the tokens": ([done(0, **CALL), LENGTH], [0]),
    "JSON, and the item once more": (
        [done(0, **CALL), added(0, **begun_call(CALL)), done(0, **CALL), completed()], [0]
    ),
    "JSON of an item that is not done": ([added(0, **CALL), LENGTH], [0]),
    "no JSON": ([done(0, **CUT)], []),
    "no JSON, twice": ([done(0, **CUT), done(0, **CUT), completed()], [0]),
    "no JSON at first": ([done(0, **CUT), done(0, **{**CUT, "arguments": '{"n":1}'})], [0]),
    "no JSON, written so": ([done(0, **CUT), completed()], [0]),
    "no JSON, and the end of the tokens": ([done(0, **CUT), LENGTH], []),
    "no JSON, and another end": ([done(0, **CUT), wire("response.cancelled")], []),
    "whole beside cut": ([done(0, **CUT), done(1, **{**CALL, "call_id": "d"}), LENGTH], [1]),
    "an item that is incomplete": ([done(0, **CALL, status="incomplete"), completed()], []),
    "one that the terminal response completes": (
        [done(0, **CALL, status="incomplete"), completed({**CALL, "status": "completed"})],
        [0],
    ),
    "no arguments": ([done(0, **EMPTY), completed()], [0]),
    "no arguments, of an item that is completed": ([done(0, **EMPTY, **COMPLETED)], [0]),
    "no arguments, and the end of the tokens": ([done(0, **EMPTY), LENGTH], []),
    "no arguments, filtered": ([done(0, **EMPTY), FILTERED], [0]),
    "a placeholder": ([added(0, **{**CALL, "arguments": "{}"}), completed()], [0]),
    "free text": ([done(0, **CUSTOM), completed()], [0]),
    "free text of an item that is completed": ([done(0, **CUSTOM, **COMPLETED)], [0]),
    "free text, and the end of the tokens": ([done(0, **CUSTOM), LENGTH], []),
    "free text, filtered": ([added(0, **CUSTOM), FILTERED], []),
    "free text before another call": ([done(0, **CUSTOM), done(1, **CUT), LENGTH], [0]),
    "pieces without a name": ([at("function_call_arguments.delta", delta="{}"), completed()], []),
    "pieces with a name at their end": (
        [at("function_call_arguments.delta", delta="{"),
         at("function_call_arguments.done", arguments="{}", name="f"), completed()],
        [0],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("events", "places"), WHOLE_CALLS.values(), ids=WHOLE_CALLS)
def test_whole_calls(events: Events, places: list[int]):
    decoder = responses.decoder()
    made = [delta for data in events for delta in decoder.feed_deltas(event(data))]
    assert [call.place for call in only(made, ToolCall)] == places
    calls = decoder.accumulator.tool_calls
    for call in only(made, ToolCall):
        assert call == calls[call.place]
    for call in calls if decoder.state == "done" else ():
        pieces = [piece for piece in only(made, ToolCallDelta) if piece.place == call.place]
        assert call.arguments == "".join(piece.arguments for piece in pieces)


# The terminal response. For each: the events before it, its output, and the output of the answer.

THOUGHT_DONE = {"type": "reasoning", "id": "r", "summary": [SUMMARY]}
MESSAGE_DONE = message(output_text("a"), id="m")
OTHER = message(output_text("b"), id="n")
SEARCH = {"type": "web_search_call", "id": "w", "status": "completed"}
ENCRYPTED = {"type": "reasoning", "id": "r", "summary": [], "encrypted_content": "x"}


def all_done(*items: dict[str, Any]) -> Events:
    return [created(), *(done(index, **item) for index, item in enumerate(items))]


TERMINAL: dict[str, tuple[Events, list[Any], list[Any]]] = {
    "with a message alone that was not streamed": (
        [created(), done(1, **CALL)], [OTHER], [OTHER, CALL],
    ),
    "without the first of two messages": (
        all_done(MESSAGE_DONE, CALL, OTHER), [message(output_text("b"), id="x")],
        [MESSAGE_DONE, CALL, message(output_text("b"), id="x")],
    ),
    "with another message": (
        all_done(MESSAGE_DONE), [OTHER], [MESSAGE_DONE, OTHER],
    ),
    "with the message of the id": (
        all_done(MESSAGE_DONE), [message(output_text("b"), id="m")],
        [message(output_text("b"), id="m")],
    ),
    "with the end of a text": (
        all_done(message(output_text("Hello world"), id="m")),
        [message(output_text("world"), id="x")], [message(output_text("Hello world"), id="x")],
    ),
    "without a message of which no whole came, and any other": (
        [*all_done(CALL), text("a", 1)], [CALL], [CALL, message(output_text("a"))],
    ),
    "without a message of which no whole came, but another": (
        [*all_done(CALL), text("a", 1)], [MESSAGE_DONE], [CALL, MESSAGE_DONE],
    ),
    "without all that came": (
        [*all_done(CALL), added(1, **SEARCH)], [ENCRYPTED], [CALL, ENCRYPTED],
    ),
    "with one of two messages that are the same": (
        all_done(MESSAGE_DONE, {**MESSAGE_DONE, "id": "n"}), [{**MESSAGE_DONE, "id": "x"}],
        [{**MESSAGE_DONE, "id": "x"}],
    ),
    "without a message that has no text": (
        all_done(message(id="m"), CALL), [CALL], [CALL],
    ),
    "without what is encrypted": (
        all_done(ENCRYPTED, MESSAGE_DONE), [MESSAGE_DONE], [ENCRYPTED, MESSAGE_DONE],
    ),
    "with the call_id as that of another tool": (
        all_done(CALL), [{**CUSTOM, "call_id": "c"}], [{**CUSTOM, "call_id": "c"}],
    ),
    "with calls of one name, without ids": (
        all_done(function_call("1", "", "f"), function_call("2", "", "f")),
        [function_call("1", "x", "f"), function_call("2", "y", "f")],
        [function_call("1", "x", "f"), function_call("2", "y", "f")],
    ),
    "with a call of another name": (
        all_done(function_call("1", "", "f")), [function_call("2", "", "g")],
        [function_call("1", "", "f"), function_call("2", "", "g")],
    ),
    "with another call before": (
        all_done(CALL), [function_call("2", "d", "g"), MESSAGE_DONE],
        [CALL, function_call("2", "d", "g"), MESSAGE_DONE],
    ),
    "with other arguments of a call that was emitted": (
        all_done(CALL), [{**CALL, "arguments": "[]"}], [CALL],
    ),
    "with a placeholder": (
        all_done(function_call('{"n":1}', "c", "f")), [CALL],
        [function_call('{"n":1}', "c", "f")],
    ),
    "with a message in two": (
        all_done(message(output_text("a b"), id="m")),
        [message(output_text("a "), id="x"), message(output_text("b"), id="y")],
        [message(output_text("a "), id="x"), message(output_text("b"), id="y")],
    ),
    "with the messages the other way round": (
        all_done(message(output_text("a"), id="m"), OTHER),
        [message(output_text("b"), id="x"), message(output_text("a"), id="y")],
        [message(output_text("b"), id="x"), message(output_text("a"), id="y")],
    ),
    "with a message that has the text of another in it": (
        all_done(message(output_text("a"), id="m"), message(output_text("banana"), id="n")),
        [message(output_text("banana"), id="x")],
        [message(output_text("a"), id="m"), message(output_text("banana"), id="x")],
    ),
    "of another attempt": (
        [*all_done(MESSAGE_DONE, CALL), created()], [OTHER], [OTHER],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("events", "output", "answer"), TERMINAL.values(), ids=TERMINAL)
def test_a_terminal_response_takes_nothing_away(events: Events, output: list[Any], answer: Any):
    assert encoded(run(*events, completed(*output)))["output"] == answer


# The responses that end well, and the reasons for that in the shared words.

REASONS: dict[str, tuple[dict[str, Any], str]] = {
    "a text": (completed(MESSAGE_DONE), "stop"),
    "nothing": (completed(), "stop"),
    "a call of a custom tool": (completed(MESSAGE_DONE, CUSTOM), "tool_calls"),
    "a call before a message without text": (
        completed(CALL, message(output_text(""))), "tool_calls"
    ),
    "a call between texts": (completed(MESSAGE_DONE, CALL, OTHER), "stop"),
    "a call before other items": (completed(MESSAGE_DONE, CALL, SEARCH), "tool_calls"),
    "a status of its own": (completed(CALL, status="incomplete"), "other"),
    "in capitals": (completed(MESSAGE_DONE, status="COMPLETED"), "stop"),
}  # fmt: skip


@pytest.mark.parametrize(("end", "reason"), REASONS.values(), ids=REASONS)
def test_finish_reasons(end: dict[str, Any], reason: str):
    assert push(end).accumulator.finish_reason == reason


# Responses that end as if all were well, with another status.
FAILURES: dict[str, tuple[dict[str, Any], tuple[str | None, str]]] = {
    "an error": (FAILED, ("server_error", "no")),
    "an error that is a text": ({**FAILED, "error": "it broke"}, (None, "it broke")),
    "no error": ({"status": "failed"}, (None, "the response has the status failed")),
    "an error without words": (
        {"status": "failed", "error": {"code": None, "message": ""}},
        (None, "the response has the status failed"),
    ),
    "in capitals": ({**FAILED, "status": "FAILED"}, ("server_error", "no")),
}


@pytest.mark.parametrize(("fields", "error"), FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("name", ["completed", "incomplete"])
def test_the_status_of_the_server_decides(
    name: str, fields: dict[str, Any], error: tuple[str | None, str]
):
    decoder = push(created(), text("a"), wire(f"response.{name}", response=fields))
    assert decoder.state == "failed"
    assert isinstance(decoder.error, APIError)
    assert (decoder.error.code, str(decoder.error)) == error
    assert decoder.error.partial.output_text == "a"


def test_usage_that_cannot_be_true_replaces_none():
    known = {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 1}
    zeros = {"input_tokens": 0, "input_tokens_details": {"cached_tokens": 0}}
    first = wire("response.in_progress", response={"usage": known})
    for latest, usage in (
        ({**zeros, "output_tokens": 0}, Usage(9, 1, None, 4)),
        ({**zeros, "output_tokens": 3}, Usage(9, 3, None, 4)),
        ({"output_tokens": 0}, Usage(9, 0, None, 4)),
        ({"input_tokens": 5, "output_tokens": 0}, Usage(5, 0, None, 4)),
    ):
        assert push(first, completed(usage=latest)).accumulator.usage == usage


@pytest.mark.parametrize(
    ("data", "spelling"),
    [(b"6", "6"), (b"0.50", "0.50"), (b"1e3", "1e3"), (b"true", "true"), (b"false", "false")],
)
def test_numbers_are_the_pieces_that_they_spell(data: bytes, spelling: str):
    stream = b"".join(
        b'data: {"type":"response.%b","delta":%b}\n\n' % (name, data)
        for name in (b"output_text.delta", b"reasoning.delta", b"refusal.delta",
                     b"function_call_arguments.delta")
    )  # fmt: skip
    item = b'{"type":"function_call","call_id":"c","name":7,"arguments":%b}' % data
    stream += b'data: {"type":"response.output_item.done","output_index":9,"item":%b}\n\n' % item
    decoder = responses.decoder()
    decoder.feed(stream)
    views = decoder.accumulator
    assert (views.text, views.reasoning, views.refusal) == (spelling, spelling, "")
    assert [(call.name, call.arguments) for call in views.tool_calls] == [("", spelling)]
    assert encoded(decoder.snapshot())["output"][2]["arguments"] == spelling


def test_an_event_that_is_sent_on_has_what_a_client_needs():
    for data in (
        text("", item_id="m", sequence_number=0, logprobs=[]),
        at("content_part.added", content_index=0, part=output_text("")),
        at("reasoning_summary_text.delta", summary_index=0, delta="a"),
        at("reasoning.done", content_index=0, text="a"),
        at("function_call_arguments.delta", item_id="f", delta=""),
        at("shell_call_command.delta", command_index=0, delta=""),
    ):
        (made,) = push().feed(event(data))
        assert encoded(made) == data


def test_another_attempt_hands_over_its_own_call():
    call = function_call("{}", "a", "f")
    begun = [created(), added(0, **begun_call(call)), done(0, **call)]
    first = push(*begun, wire("error", message="no"))
    again = function_call("{}", "b", "f")
    source = map(
        event, [created(), added(0, **begun_call(again)), done(0, **again), completed(again)]
    )
    stream = responses.stream(source, decoder=first)
    handed = only(list(stream.deltas()), ToolCall)
    assert [(call.id, call.place) for call in handed] == [("b", 1)]
    assert [item.call_id for item in stream.result().output] == ["b"]


def test_another_attempt_that_is_cut_is_not_done():
    first = push(created(), text("a"), completed())
    source = map(event, [created(), text("b")])
    with pytest.raises(StreamTruncatedError):
        responses.stream(source, decoder=first).until_done()


def test_a_response_is_called_one_whatever_the_host_calls_it():
    assert encoded(run(completed(object="chat.completion")))["object"] == "response"
