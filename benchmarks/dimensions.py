# The dimensions in which cost must be linear, and streams of any size in each.
#
# `tests/test_linear.py` holds ssekit to them; `python -m benchmarks.scale` measures the exponents.
#
# What always holds here:
# - A dimension has a size n, and a function that makes a load of any size. The sizes of the design
#   are reached at 4 n.

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from benchmarks.workloads import pieces
from ssekit import (
    PartialJSON,
    SSEDecoder,
    ToolCallDelta,
    auto,
    interactions,
    messages,
    responses,
)

# The size n, and what makes a load of a size: reads, the bytes of a stream, or fragments of JSON.
Reads = dict[str, tuple[int, Callable[[int], list[bytes]]]]
Streams = dict[str, tuple[int, Callable[[int], bytes]]]
Fragments = dict[str, tuple[int, Callable[[int], list[str]]]]


def decode(reads: Iterable[bytes]) -> None:
    """Decode events."""
    decoder = SSEDecoder()
    for read in reads:
        decoder.feed(read)
    decoder.close()


def accumulate(stream: bytes, wire: Any = auto) -> None:
    """Accumulate an answer."""
    decoder = wire.decoder()
    for read in pieces(stream, 2**16):
        decoder.feed(read)
    decoder.snapshot()


def read_deltas(stream: bytes, wire: Any = auto) -> None:
    """Iterate over the deltas of an answer."""
    decoder = wire.decoder()
    for read in pieces(stream, 2**16):
        decoder.feed_deltas(read)
    list(decoder.accumulator.last_deltas())


def read_values(fragments: Iterable[str]) -> None:
    """Look at the value after each fragment of JSON."""
    reader = PartialJSON()
    for fragment in fragments:
        reader.feed(fragment)
        _ = reader.value


def read_arguments(stream: bytes) -> None:
    """Look at the arguments of a call after each delta."""
    deltas = auto.stream([stream, b"data: [DONE]\n\n"]).deltas()
    read_values(delta.arguments for delta in deltas if isinstance(delta, ToolCallDelta))


def events(count: int, *data: Any, start: int = 0) -> bytes:
    """Return events of some data, so many times.

    A string "#" in the data becomes the number of the time, and so does a `%d` within a string.
    """
    text = "".join(f"data: {json.dumps(each)}\n\n" for each in data)
    if '"#"' not in text and "%d" not in text:
        return text.encode() * count
    return b"".join(
        text.replace('"#"', str(number)).replace("%d", str(number)).encode()
        for number in range(start, start + count)
    )


def times(
    *data: Any, before: Sequence[Any] = (), after: Sequence[Any] = ()
) -> Callable[[int], bytes]:
    """Return what makes events of some data, n times, between others."""
    return lambda n: events(1, *before) + events(n, *data) + events(1, *after)


def runs(*data: Any) -> Callable[[int], bytes]:
    """Return what makes n events of the first data, then n of the next, and so on."""
    return lambda n: b"".join(events(n, each) for each in data)


def backwards(*data: Any) -> Callable[[int], bytes]:
    """Return what makes n events of the first data, then n of each other from the last back."""
    first, *others = data
    return lambda n: (
        events(n, first)
        + b"".join(
            events(1, each, start=number) for each in others for number in reversed(range(n))
        )
    )


def growing(make: Callable[[str], Any], before: Sequence[Any] = ()) -> Callable[[int], bytes]:
    """Return what makes events of texts that grow, n hundred bytes in all."""
    return lambda n: (
        events(1, *before)
        + b"".join(events(1, make("0123456789" * count)) for count in range(1, math.isqrt(20 * n)))
    )


# Bytes, reads, lines.


def one_event(size: int) -> bytes:
    return b"data: " + b"x" * size + b"\n\n"


WIRE: Reads = {
    "one event in pieces of 64 bytes": (2**20, lambda n: pieces(one_event(n), 64)),
    "data lines of one event": (5_000, lambda n: [b"data: 0123456789\n" * n + b"\n"]),
    "data lines of one event, line by line": (
        5_000,
        lambda n: [b"data: 0123456789\n"] * n + [b"\n"],
    ),
    "small events in reads of 2 bytes": (
        2**18,
        lambda n: pieces(b"data: 0123456\n\n" * (n // 15), 2),
    ),
    "one event in reads of 2 bytes": (2**18, lambda n: pieces(one_event(n), 2)),
    "comments in reads of 2 bytes": (2**18, lambda n: pieces(b": " + b"x" * n + b"\n\n", 2)),
    "empty lines": (250_000, lambda n: [b"\n" * n]),
    "line ends of CR": (100_000, lambda n: pieces(b"\r" * n, 3)),
}


# Chunks of chat and of legacy completions, and events of no format.


def chunk(delta: dict[str, Any], **choice: Any) -> dict[str, Any]:
    return {"choices": [{**choice, "delta": delta}]}


def call_chunk(index: int | str = 0, **call: Any) -> dict[str, Any]:
    call = {"index": index, "function": {"arguments": "0123"}, **call}
    return chunk({"tool_calls": [call]}, index=0)


def choices(count: int) -> dict[str, Any]:
    return {"choices": [{"index": n, "delta": {"content": "a"}} for n in range(count)]}


def whole_message(count: int) -> dict[str, Any]:
    calls = [{**WHOLE_CALL, "id": f"call{number}"} for number in range(count)]
    return {"choices": [{"message": {"tool_calls": calls}}]}


BEGUN, TURN = call_chunk("#", function={"name": "f"}, id="call%d"), call_chunk("#")
NAMED = call_chunk(function={"name": "f", "arguments": "0123"})
LOOSE = chunk({"tool_calls": [{"function": {"arguments": "0123"}}]}, index=0)
WHOLE_CALL: dict[str, Any] = {"id": "call", "function": {"name": "f", "arguments": "[1]"}}
WHOLE = call_chunk("#", **(WHOLE_CALL | {"id": "call%d"}))
LEGACY = {"text": "a", "token_ids": [1], "logprobs": {"tokens": ["a"]}}

CHAT: Streams = {
    "argument fragments": (25_000, times(call_chunk())),
    "argument fragments without ids, each with the name": (5_000, times(NAMED)),
    "argument fragments, each with another id": (5_000, times(call_chunk(id="id%d"))),
    "parallel calls": (250, runs(BEGUN, TURN, TURN, TURN)),
    "pieces of no index, beside calls that never end": (250, runs(BEGUN, LOOSE, LOOSE, LOOSE)),
    "pieces of no index, behind calls that have ended": (500, runs(WHOLE, LOOSE)),
    "a call that comes again": (5_000, times(call_chunk(**WHOLE_CALL))),
    "a name that comes again": (2_500, times(call_chunk(function={"name": "f"}), before=[NAMED])),
    "a long text behind what is nested too deep": (
        250,
        lambda n: b'data: {"x":%b,"content":"%b"}\n\n' % (b"[" * 101 + b"]" * 101, b"x" * 40 * n),
    ),
    "many texts behind brackets that never close": (
        250,
        lambda n: b"data: %b%b\n\n" % (b"[" * 101, b'"a",' * 10 * n),
    ),
    "a long call whose arguments come again": (
        250,
        lambda n: events(4, call_chunk(function={"name": "f", "arguments": f'["{"a" * 40 * n}"]'})),
    ),
    "pieces of text": (25_000, times(chunk({"content": "0123"}))),
    "reasoning details": (5_000, times(chunk({"reasoning_details": [{"text": "0123"}]}))),
    "pieces of a legacy completion, with its tokens": (5_000, times({"choices": [LEGACY]})),
    "events that do not tell their format": (5_000, times({"id": "1"})),
    "whole messages after a long text": (
        1_000,
        lambda n: (
            events(1, chunk({"content": "é" * 40 * n}))
            + events(n, {"choices": [{"message": {"content": "x"}}]})
        ),
    ),
    "whole messages, each with a call": (
        1_000,
        times({"choices": [{"message": {"tool_calls": [{**WHOLE_CALL, "id": "call%d"}]}}]}),
    ),
    "choices": (500, lambda n: events(3, choices(n))),
    "choices, the last first": (
        500,
        backwards(*[chunk({"content": "a"}, index="#", finish_reason=None)] * 3),
    ),
    "choices of a legacy completion": (
        500,
        lambda n: events(3, {"choices": [{"index": k, "text": "a"} for k in range(n)]}),
    ),
    "parallel calls, the last first": (250, backwards(BEGUN, TURN, TURN)),
    "calls that come again at another index": (
        500,
        lambda n: events(n, WHOLE) + events(n, call_chunk("9%d", **WHOLE_CALL | {"id": "call%d"})),
    ),
    "pieces at an index where nothing stands": (2_500, times(call_chunk("#"), before=[NAMED])),
    "pieces of a name": (
        5_000,
        times(
            call_chunk(function={"name": "0123"}),
            before=[call_chunk(id="call", function={"name": "f"})],
        ),
    ),
    "messages that grow": (
        1_000,
        growing(lambda text: {"choices": [{"message": {"content": text}}]}),
    ),
    "calls of a whole message": (500, lambda n: events(3, whole_message(n))),
    "usage": (2_500, times({"choices": [], "usage": {"prompt_tokens": 1}}, before=[NAMED])),
}


# Events of Responses.


def response(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", **fields}


CALL = {"type": "function_call", "name": "f", "arguments": "{}"}
PART = {"type": "output_text", "text": ""}
SUMMARY = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "x"}]}


def response_calls(**place: int) -> Callable[[int], bytes]:
    """Return what makes calls that begin, go on and end, one after the other."""
    fields: dict[str, Any] = {"item_id": "i%d", **place}
    item = {"type": "function_call", "id": "i%d", "call_id": "c%d", "name": "f"}
    return times(
        response("output_item.added", **fields, item=item),
        response("function_call_arguments.delta", **fields, delta="{}"),
        response("output_item.done", **fields, item={**item, "arguments": "{}"}),
    )


MESSAGE = {"type": "message", "id": "m%d", "content": [{**PART, "text": "0"}]}
ITEM = {**CALL, "id": "i%d", "call_id": "c%d"}


LAST_PIECE = {"type": "message", "content": [{**PART, "text": "é", "annotations": [{"n": "%d"}]}]}


def message_with(text: str) -> dict[str, Any]:
    return {"type": "message", "content": [{**PART, "text": text}]}


def item_added(index: int | str, **fields: Any) -> dict[str, Any]:
    item = {"type": "message", "content": [], **fields}
    return response("output_item.added", item=item, output_index=index)


def message_of(first: int, n: int) -> dict[str, Any]:
    texts = map(str, range(first, first + n))
    return {"type": "message", "content": [{**PART, "text": text} for text in texts]}


def output_of(item: Any, n: int) -> bytes:
    """Return n calls, and an output of as many items."""
    output = [json.loads(json.dumps(item).replace("%d", str(number))) for number in range(n)]
    done = events(n, response("output_item.done", item=ITEM, output_index="#"))
    return done + events(1, response("completed", response={"output": output}))


RESPONSES: Streams = {
    "pieces of text": (25_000, times(response("output_text.delta", delta="0123"))),
    "argument fragments": (10_000, times(response("function_call_arguments.delta", delta="0123"))),
    "calls": (1_000, times(response("output_item.done", item=CALL, output_index="#"))),
    "calls at one index": (1_000, response_calls(output_index=0)),
    "calls without an index": (1_000, response_calls()),
    "parts": (2_500, times(response("refusal.delta", delta="0", content_index="#"))),
    "annotations": (2_500, times(response("output_text.annotation.added", annotation={"n": 1}))),
    "empty wholes": (
        5_000,
        runs(
            response("output_text.delta", delta="0123456789" * 4),
            response("output_text.done", text=""),
        ),
    ),
    "wholes in other places than parts": (
        1_000,
        lambda n: (
            events(n, response("content_part.added", part=PART, content_index="#"))
            + events(n, response("output_text.done", text="x", content_index="#"), start=n)
        ),
    ),
    "summaries beside a long reasoning": (
        1_000,
        lambda n: (
            events(1, response("reasoning_text.delta", delta="é" * 100 * n))
            + events(n, response("output_item.done", item=SUMMARY))
        ),
    ),
    "heads, beside items": (
        500,
        runs(
            response("output_text.delta", delta="0", output_index="#"),
            response("in_progress", response={"output": []}),
        ),
    ),
    "items that begin again": (2_500, times(item_added(0, id="m"))),
    "items, the last first": (
        500,
        backwards(
            item_added("#"),
            response("output_text.delta", delta="0", output_index="#"),
            response("output_item.done", item=MESSAGE, output_index="#"),
        ),
    ),
    "pieces of no place, beside open items": (
        500,
        runs(item_added("#"), *[response("output_text.delta", delta="0")] * 3),
    ),
    "pieces of other kinds, beside open items": (
        500,
        runs(item_added("#"), *[response("reasoning_text.delta", delta="0")] * 3),
    ),
    "parts, the last first": (
        1_000,
        backwards(*[response("output_text.delta", delta="0", content_index="#")] * 2),
    ),
    "a long text that comes again": (
        1_000,
        lambda n: (
            events(1, response("output_text.delta", delta="0123456789" * n))
            + events(4, response("output_text.done", text="0123456789" * n))
        ),
    ),
    "the end of a long text, again and again": (
        1_000,
        lambda n: (
            events(1, response("output_text.delta", output_index=0, delta="é" * 100 * n))
            + events(n, response("output_item.done", output_index=0, item=LAST_PIECE))
        ),
    ),
    "an output of other messages than a long one": (
        500,
        lambda n: (
            events(1, response("output_item.done", item=message_with("a " * 100 * n)))
            + events(1, response("completed", response={"output": [message_with("x")] * n}))
        ),
    ),
    "texts that grow": (1_000, growing(lambda text: response("output_text.done", text=text))),
    "arguments that grow": (
        1_000,
        growing(lambda text: response("function_call_arguments.done", arguments=f'["{text}"]')),
    ),
    "items that come again": (
        500,
        runs(*[response("output_item.done", item=ITEM, output_index="#")] * 3),
    ),
    "items of many parts": (
        1_000,
        lambda n: b"".join(
            events(1, response("output_item.done", output_index=k, item=message_of(k * n, n)))
            for k in range(3)
        ),
    ),
    "whole texts of the parts of an item": (
        500,
        lambda n: (
            events(1, response("output_item.done", output_index=0, item=message_of(0, n)))
            + events(n, response("output_text.done", output_index=0, content_index="#", text="%d"))
        ),
    ),
    **{
        f"the items of the output, {name}": (500, partial(output_of, item))
        for name, item in (
            ("the same", ITEM),
            ("with other ids", {**ITEM, "id": "other%d", "call_id": "other%d"}),
            ("others", MESSAGE),
        )
    },
}


# Events of Messages.


def block_start(block: Any = None, index: int | str = "#") -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def block_deltas(kind: str, block: Any = None, **delta: Any) -> Callable[[int], bytes]:
    """Return what makes one block, with deltas of a type."""
    data = {"type": "content_block_delta", "index": 0, "delta": {"type": kind, **delta}}
    return times(data, before=[block_start(block, 0)])


def blocks(**block: Any) -> Callable[[int], bytes]:
    """Return what makes blocks that begin and end."""
    return times(block_start(block), {"type": "content_block_stop", "index": "#"})


PIECE = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "0"}}
THOUGHT = {**PIECE, "delta": {"type": "thinking_delta", "thinking": "0"}}
INPUT = {"type": "input_json_delta"}
CALL = block_start({"type": "tool_use", "id": "t", "name": "f", "input": {}}, 0)
ENDED = block_start({"type": "text", "text": ""}), {"type": "content_block_stop", "index": "#"}

MESSAGES: Streams = {
    "pieces of text": (10_000, block_deltas("text_delta", text="0123")),
    "pieces of an input": (10_000, block_deltas("input_json_delta", partial_json="0123")),
    "pieces of a block of unknown type": (
        5_000,
        block_deltas("text_delta", {"type": "dream"}, text="0123"),
    ),
    "citations": (2_500, block_deltas("citations_delta", citation={"n": 1})),
    "calls": (1_000, blocks(type="tool_use", id="t", name="f", input={})),
    "blocks": (4_000, blocks(type="text", text="0123")),
    "blocks that never end": (500, times(block_start({"type": "dream"}))),
    "usage": (2_500, times({"type": "message_delta", "usage": {"output_tokens": 1}})),
    "heads": (2_500, times({"type": "message_start", "message": {"id": "m", "content": []}})),
    "blocks that begin again": (2_500, times(block_start({"type": "text", "text": ""}, 0), PIECE)),
    "blocks, the last first": (
        500,
        backwards(
            block_start({"type": "text", "text": ""}),
            {**PIECE, "index": "#"},
            {"type": "content_block_stop", "index": "#"},
        ),
    ),
    "pieces of no index, beside open blocks": (
        500,
        runs(block_start({"type": "text", "text": ""}), *[{**PIECE, "index": None}] * 3),
    ),
    "pieces of other kinds, beside open blocks": (
        500,
        runs(block_start({"type": "text", "text": ""}), *[{**THOUGHT, "index": "#"}] * 3),
    ),
    "pieces of blocks that have ended": (1_000, runs(*ENDED, {**PIECE, "index": "#"})),
    "an input cut off, whose call ends again": (
        1_000,
        lambda n: (
            events(1, CALL, {**PIECE, "delta": {**INPUT, "partial_json": f'["{"a" * 40 * n}'}})
            + events(n, CALL, {"type": "content_block_stop", "index": 0})
        ),
    ),
    "a long input that comes again": (
        1_000,
        lambda n: (
            events(1, CALL)
            + events(4, {**PIECE, "delta": {**INPUT, "partial_json": f'["{"0123456789" * n}"]'}})
        ),
    ),
}


# Chunks of Gemini.


def candidate(*parts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"candidates": [{**fields, "content": {"parts": parts}}]}


def call(**fields: Any) -> dict[str, Any]:
    return candidate({"functionCall": fields})


def call_in_pieces(path: str) -> Callable[[int], bytes]:
    """Return what makes one call, with pieces of a string at a path."""
    piece = {"jsonPath": path, "stringValue": "0123", "willContinue": True}
    return times(
        call(partialArgs=[piece], willContinue=True),
        before=[call(name="f", willContinue=True)],
        after=[candidate({"functionCall": {}}, finishReason="STOP")],
    )


def counts_of_details(n: int) -> bytes:
    """Return n counts without a prompt, and details of as many modalities before them."""
    counts = {"promptTokenCount": 0, "candidatesTokenCount": 1}
    details = counts | {"promptTokensDetails": [{"modality": "TEXT"}] * n}
    usages: tuple[Any, ...] = (details, counts)
    chunks = ({"candidates": [], "usageMetadata": usage} for usage in usages)
    return b"".join(map(events, (1, n), chunks))


TEXT = {"text": "0123"}
CITATION = {"citationMetadata": {"citations": [{"startIndex": "#"}]}}

GEMINI: Streams = {
    "pieces of text": (10_000, times(candidate(TEXT))),
    "text and thoughts that take turns": (2_500, times(candidate(TEXT, {**TEXT, "thought": True}))),
    "calls": (2_500, times(call(name="f", id="%d", args={}))),
    "calls that do not end": (2_500, times(call(name="f", id="%d", willContinue=True))),
    "pieces of one argument": (5_000, call_in_pieces("$.a[0].b")),
    "pieces of many arguments": (2_500, call_in_pieces("$.a[%d].b%d")),
    "arguments at great indices": (2_500, call_in_pieces("$.a[%d00000000]")),
    "candidates": (2_500, runs(candidate(TEXT, index=1), {"candidates": [{"index": "#"}]})),
    "citations": (5_000, times({"candidates": [CITATION]})),
    "candidates, the last first": (500, backwards(*[candidate(TEXT, index="#")] * 3)),
    "parts of one chunk": (2_500, lambda n: events(3, candidate(*[TEXT] * n))),
    "calls that come again": (2_500, times(call(name="f", id="c", args={}))),
    "usage": (2_500, times({"candidates": [], "usageMetadata": {"promptTokenCount": 1}})),
    "a usage without a prompt, after long details": (1_000, counts_of_details),
    "a long path": (25_000, lambda n: call_in_pieces("$" + ".a" * n)(1) * 3),
    "a long name in a path": (25_000, lambda n: call_in_pieces(f"$['{'a' * 10 * n}']")(1) * 3),
}


# Events of Interactions.


def step_start(index: int | str = 0, **step: Any) -> dict[str, Any]:
    return {"event_type": "step.start", "index": index, "step": step}


def step_delta(kind: str, index: int | str | None = 0, **delta: Any) -> dict[str, Any]:
    return {"event_type": "step.delta", "index": index, "delta": {"type": kind, **delta}}


def step_stop(index: int | str = 0) -> dict[str, Any]:
    return {"event_type": "step.stop", "index": index}


FUNCTION: dict[str, Any] = {"type": "function_call", "id": "%d", "name": "f", "arguments": {}}
ARGUMENTS = step_delta("arguments_delta", arguments="0123")
ALL_STEPS: dict[str, Any] = {"type": "model_output", "content": [TEXT | {"type": "text"}]}
PAUSED = {"event_type": "interaction.requires_action", "interaction": {"steps": [ALL_STEPS]}}
COUNTS = {"total_tokens": 1, "input_tokens_by_modality": [{"modality": "m%d", "tokens": 1}]}

INTERACTIONS: Streams = {
    "pieces of text": (10_000, times(step_delta("text", **TEXT))),
    "pieces of text without an index": (5_000, times(step_delta("text", None, **TEXT))),
    "pieces of arguments": (10_000, times(ARGUMENTS, before=[step_start(**FUNCTION)])),
    "pieces of arguments after their end": (
        2_500,
        lambda n: (
            events(1, step_start(**FUNCTION))
            + events(n, ARGUMENTS)
            + events(1, step_stop())
            + events(n, ARGUMENTS)
        ),
    ),
    "summaries": (5_000, times(step_delta("thought_summary", content=TEXT | {"type": "text"}))),
    "images, then annotations": (
        2_500,
        runs(step_delta("image", data="AAAA"), step_delta("text_annotation", annotations=[{}])),
    ),
    "audio": (5_000, times(step_delta("audio", data="AAAA"))),
    "calls": (1_000, times(step_start("#", **FUNCTION), step_stop("#"))),
    "calls at one index": (1_000, times(step_start(**FUNCTION))),
    "calls at one index that end": (1_000, times(step_start(**FUNCTION), step_stop())),
    "a step that begins again": (2_500, times(step_start(**ALL_STEPS))),
    "steps before a response that begins again": (
        1_000,
        lambda n: (
            events(n, step_start("#", **FUNCTION))
            + events(1, {"event_type": "interaction.status_update", "interaction_id": "a",
                         "status": "requires_continuation"})
            + events(n, {"event_type": "interaction.created", "interaction_id": "b"},
                     step_start(**ALL_STEPS))
        ),
    ),
    "steps that never end": (1_000, times(step_start("#", type="dream"))),
    "steps of unknown type": (2_500, times(step_delta("text", "#", **TEXT), step_stop("#"))),
    "usage": (2_500, times({**step_delta("text", **TEXT), "metadata": {"usage": {}}})),
    "responses that continue each other, each with its steps and its usage": (
        500,
        times(PAUSED, {"event_type": "interaction.status_update", "usage": COUNTS,
                       "status": "requires_continuation"},
              {"event_type": "interaction.created", "interaction_id": "%d"}),
    ),
    "steps that are stated again and again": (500, runs(step_start("#", **FUNCTION), PAUSED)),
    "steps at the end": (
        1_000,
        lambda n: (
            events(n, step_start("#", **ALL_STEPS))
            + events(1, {"event_type": "interaction.completed",
                         "interaction": {"steps": [*[FUNCTION] * n, *[ALL_STEPS] * n]}})
        ),
    ),
}  # fmt: skip


# JSON in fragments.

PARTIAL_JSON: Fragments = {
    "a long string": (25_000, lambda n: ['{"a": "', *["0123456789" * 4] * n]),
    "a long string beyond ASCII": (25_000, lambda n: ['{"a": "', *["012é456😀89" * 4] * n]),
    "a string of escapes": (10_000, lambda n: ['["', *["\\u00", "e9\\n"] * (n // 2)]),
    "pairs, divided": (5_000, lambda n: ['"', *["\\ud83d", "\\ude00"] * (n // 2)]),
    "a name": (25_000, lambda n: ['{"', *["0123456789" * 4] * n]),
    "numbers": (10_000, lambda n: ["[", *["12", "34,"] * (n // 2)]),
    "items": (10_000, lambda n: ["[", *["1", ","] * (n // 2)]),
    "members": (5_000, lambda n: ["{", *(f'"{i}": 0,' for i in range(n))]),
    "records": (5_000, lambda n: ["[", *['{"a":', '"b"},'] * (n // 2)]),
    "arrays in arrays": (25_000, lambda n: ["["] * n),
    "objects in objects": (5_000, lambda n: ['{"a":'] * n),
    "white space": (25_000, lambda n: [" "] * n),
}


# The work of each group, and its dimensions.
GROUPS: dict[str, tuple[Callable[[Any], None], Reads | Streams | Fragments]] = {
    "the wire": (decode, WIRE),
    "chat and completions": (accumulate, CHAT),
    "responses": (partial(accumulate, wire=responses), RESPONSES),
    "messages": (partial(accumulate, wire=messages), MESSAGES),
    "gemini": (accumulate, GEMINI),
    "interactions": (partial(accumulate, wire=interactions), INTERACTIONS),
    "JSON that has not ended": (read_values, PARTIAL_JSON),
}
