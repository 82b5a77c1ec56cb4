# What cost must be linear in, and what makes a stream of any size in that dimension.
#
# `tests/test_linear.py` holds ssekit to it; `python -m benchmarks.scale` draws it.
#
# What always holds here:
# - A dimension has a size n, and what makes a load of any size. The sizes that the design names are
#   reached at 4 n.

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeAlias

from ssekit import PartialJSON, SSEDecoder, ToolCallDelta, auto, messages, responses

__all__ = [
    "FOLDS",
    "GEMINI",
    "GROUPS",
    "MESSAGES",
    "RESPONSES",
    "WATCHED",
    "WIRE",
    "decode",
    "fold",
    "fold_deltas",
    "tool_calls",
    "watch",
    "watch_call",
]

# Its size n, and what makes a load of a size: reads, the bytes of a stream, or pieces of JSON.
Reads: TypeAlias = dict[str, tuple[int, Callable[[int], list[bytes]]]]
Streams: TypeAlias = dict[str, tuple[int, Callable[[int], bytes]]]
Fragments: TypeAlias = dict[str, tuple[int, Callable[[int], list[str]]]]


def event(data: Any) -> bytes:
    text = data if isinstance(data, str) else json.dumps(data)
    return f"data: {text}\n\n".encode()


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def tool_calls(count: int, index: Callable[[int], int], **first: Any) -> bytes:
    deltas = (
        {"tool_calls": [{"index": index(n), "function": {"arguments": "0123"}, **first}]}
        for n in range(count)
    )
    return b"".join(event({"choices": [{"index": 0, "delta": delta}]}) for delta in deltas)


def parallel_calls(count: int) -> bytes:
    begun = [{"index": n, "id": f"call{n}", "function": {"name": "f"}} for n in range(count)]
    opened = b"".join(
        event({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}) for call in begun
    )
    return opened + tool_calls(3 * count, lambda n: n % count)


# Bytes, reads, lines.
WIRE: Reads = {
    "one event in pieces of 64 bytes": (
        2**20,
        lambda n: pieces(b"data: " + b"x" * n + b"\n\n", 64),
    ),
    "data lines of one event": (5_000, lambda n: [b"data: 0123456789\n" * n + b"\n"]),
    "data lines of one event, line by line": (
        5_000,
        lambda n: [b"data: 0123456789\n"] * n + [b"\n"],
    ),
    "small events in reads of 2 bytes": (
        2**18,
        lambda n: pieces(b"data: 0123456\n\n" * (n // 15), 2),
    ),
    "one event in reads of 2 bytes": (2**18, lambda n: pieces(b"data: " + b"x" * n + b"\n\n", 2)),
    "comments in reads of 2 bytes": (2**18, lambda n: pieces(b": " + b"x" * n + b"\n\n", 2)),
    "empty lines": (250_000, lambda n: [b"\n" * n]),
    "line ends of CR": (100_000, lambda n: pieces(b"\r" * n, 3)),
}
# Chunks of chat, of legacy completions, and of nothing known.
FOLDS: Streams = {
    "argument fragments": (25_000, lambda n: tool_calls(n, lambda _: 0)),
    "argument fragments without ids, each with the name": (
        5_000,
        lambda n: tool_calls(n, lambda _: 0).replace(b'"arguments"', b'"name":"f","arguments"'),
    ),
    "argument fragments, each with another id": (
        5_000,
        lambda n: b"".join(tool_calls(1, lambda _: 0, id=f"id{number}") for number in range(n)),
    ),
    "parallel calls": (250, parallel_calls),
    "pieces of text": (
        25_000,
        lambda n: event({"choices": [{"delta": {"content": "0123"}}]}) * n,
    ),
    "reasoning details": (
        5_000,
        lambda n: event({"choices": [{"delta": {"reasoning_details": [{"text": "0123"}]}}]}) * n,
    ),
    "pieces of a legacy completion, with its tokens": (
        5_000,
        lambda n: (
            event({"choices": [{"text": "a", "token_ids": [1], "logprobs": {"tokens": ["a"]}}]}) * n
        ),
    ),
    "events that do not tell their format": (5_000, lambda n: event({"id": "1"}) * n),
    "whole messages after a long text": (
        1_000,
        lambda n: (
            event({"choices": [{"delta": {"content": "é" * 40 * n}}]})
            + event({"choices": [{"message": {"content": "x"}}]}) * n
        ),
    ),
    "choices": (
        500,
        lambda n: (
            event({"choices": [{"index": i, "delta": {"content": "a"}} for i in range(n)]}) * 3
        ),
    ),
}


def response_events(count: int, name: str, index: str = "", **fields: Any) -> bytes:
    """Return events of one type; a field whose name is given tells them apart."""
    numbered = ({index: n} if index else {} for n in range(count))
    return b"".join(event({"type": f"response.{name}", **fields, **more}) for more in numbered)


def response_calls(count: int, **where: int) -> bytes:
    """Return calls that begin, say something and end, one after the other."""
    return b"".join(
        event({"type": f"response.{kind}", "item_id": f"i{n}", **where, **said})
        for n in range(count)
        for item in [{"type": "function_call", "id": f"i{n}", "call_id": f"c{n}", "name": "f"}]
        for kind, said in (
            ("output_item.added", {"item": item}),
            ("function_call_arguments.delta", {"delta": "{}"}),
            ("output_item.done", {"item": {**item, "arguments": "{}"}}),
        )
    )


RESPONSES: Streams = {
    "pieces of text": (25_000, lambda n: response_events(n, "output_text.delta", delta="0123")),
    "argument fragments": (
        10_000,
        lambda n: response_events(n, "function_call_arguments.delta", delta="0123"),
    ),
    "calls": (
        1_000,
        lambda n: response_events(n, "output_item.done", "output_index", item={
            "type": "function_call", "name": "f", "arguments": "{}"}),
    ),
    "calls at one index": (1_000, lambda n: response_calls(n, output_index=0)),
    "calls without an index": (1_000, lambda n: response_calls(n)),
    "parts": (2_500, lambda n: response_events(n, "refusal.delta", "content_index", delta="0")),
    "annotations": (
        2_500,
        lambda n: response_events(n, "output_text.annotation.added", annotation={"n": 1}),
    ),
    "empty wholes": (
        5_000,
        lambda n: response_events(n, "output_text.delta", delta="0123456789" * 4)
        + response_events(n, "output_text.done", text=""),
    ),
    "wholes in other places than parts": (
        1_000,
        lambda n: response_events(n, "content_part.added", "content_index",
                                  part={"type": "output_text", "text": ""})
        + b"".join(response_events(1, "output_text.done", text="x", content_index=n + index)
                   for index in range(n)),
    ),
    "summaries beside a long reasoning": (
        1_000,
        lambda n: response_events(1, "reasoning_text.delta", delta="é" * 100 * n)
        + response_events(n, "output_item.done", item={
            "type": "reasoning", "summary": [{"type": "summary_text", "text": "x"}]}),
    ),
    "heads, beside items": (
        500,
        lambda n: response_events(n, "output_text.delta", "output_index", delta="0")
        + response_events(n, "in_progress", response={"output": []}),
    ),
}  # fmt: skip


# JSON in fragments, each of which is looked at: their count, and the fragments.
WATCHED: Fragments = {
    "a long string": (25_000, lambda n: ['{"a": "', *["0123456789" * 4] * n]),
    "a long string beyond ASCII": (25_000, lambda n: ['{"a": "', *["012é456😀89" * 4] * n]),
    "a string of escapes": (10_000, lambda n: ['["', *["\\u00", "e9\\n"] * (n // 2)]),
    "pairs, divided": (5_000, lambda n: ['"', *["\\ud83d", "\\ude00"] * (n // 2)]),
    "a name": (25_000, lambda n: ['{"', *["0123456789" * 4] * n]),
    "a number": (25_000, lambda n: ["[", *["1234"] * n]),
    "items": (10_000, lambda n: ["[", *["1", ","] * (n // 2)]),
    "members": (5_000, lambda n: ["{", *(f'"{i}": 0,' for i in range(n))]),
    "records": (5_000, lambda n: ["[", *['{"a":', '"b"},'] * (n // 2)]),
    "arrays in arrays": (25_000, lambda n: ["["] * n),
    "objects in objects": (5_000, lambda n: ['{"a":'] * n),
    "white space": (25_000, lambda n: [" "] * n),
}


def watch(fragments: list[str]) -> None:
    reader = PartialJSON()
    for fragment in fragments:
        reader.feed(fragment)
        _ = reader.value


def watch_call(stream: bytes) -> None:
    reader = PartialJSON()
    for delta in auto.stream([stream, b"data: [DONE]\n\n"]).deltas():
        if isinstance(delta, ToolCallDelta):
            reader.feed(delta.arguments)
            _ = reader.value


def message_events(kind: str, count: int, block: Any = None, **delta: Any) -> bytes:
    """Return the deltas of one block, of a type, which may be said to begin."""
    began = {"type": "content_block_start", "index": 0, "content_block": block}
    goes_on = {"type": "content_block_delta", "index": 0, "delta": {"type": kind, **delta}}
    return event(began) + event(goes_on) * count


def message_blocks(count: int, **block: Any) -> bytes:
    """Return blocks that begin and end, each at an index of its own."""
    return b"".join(
        event({"type": "content_block_start", "index": index, "content_block": block})
        + event({"type": "content_block_stop", "index": index})
        for index in range(count)
    )


MESSAGES: Streams = {
    "pieces of text": (10_000, lambda n: message_events("text_delta", n, text="0123")),
    "pieces of an input": (10_000, lambda n: message_events("input_json_delta", n,
                                                            partial_json="0123")),
    "pieces of a block of unknown type": (
        5_000,
        lambda n: message_events("text_delta", n, {"type": "dream"}, text="0123"),
    ),
    "citations": (2_500, lambda n: message_events("citations_delta", n, citation={"n": 1})),
    "calls": (1_000, lambda n: message_blocks(n, type="tool_use", id="t", name="f", input={})),
    "blocks": (4_000, lambda n: message_blocks(n, type="text", text="0123")),
    "blocks that never end": (
        500,
        lambda n: b"".join(event({"type": "content_block_start", "index": index,
                                  "content_block": {"type": "dream"}}) for index in range(n)),
    ),
    "usage": (2_500, lambda n: event({"type": "message_delta", "usage": {"output_tokens": 1}}) * n),
}  # fmt: skip


def parts(count: int, *made: dict[str, Any], **candidate: Any) -> bytes:
    """Return chunks of Gemini's, each with these parts; a `%d` in them is its number."""
    text = json.dumps({"candidates": [{"content": {"parts": made}, **candidate}]})
    return b"".join(event(text.replace("%d", str(n))) for n in range(count))


def pieces_of_a_call(count: int, path: str) -> bytes:
    partial = {"jsonPath": path, "stringValue": "0123", "willContinue": True}
    begun = parts(1, {"functionCall": {"name": "f", "willContinue": True}})
    more = {"functionCall": {"partialArgs": [partial], "willContinue": True}}
    return begun + parts(count, more) + parts(1, {"functionCall": {}}, finishReason="STOP")


GEMINI: Streams = {
    "pieces of text": (10_000, lambda n: parts(n, {"text": "0123"})),
    "text and thoughts that take turns": (
        2_500,
        lambda n: parts(n, {"text": "0123"}, {"text": "0123", "thought": True}),
    ),
    "calls": (2_500, lambda n: parts(n, {"functionCall": {"name": "f", "id": "%d", "args": {}}})),
    "calls that do not end": (
        2_500,
        lambda n: parts(n, {"functionCall": {"name": "f", "id": "%d", "willContinue": True}}),
    ),
    "pieces of one argument": (5_000, lambda n: pieces_of_a_call(n, "$.a[0].b")),
    "pieces of many arguments": (2_500, lambda n: pieces_of_a_call(n, "$.a[%d].b%d")),
    "arguments at great indices": (2_500, lambda n: pieces_of_a_call(n, "$.a[%d00000000]")),
    "candidates": (
        2_500,
        lambda n: (
            parts(n, {"text": "0123"}).replace(b'"content"', b'"index": 1, "content"')
            + b"".join(event({"candidates": [{"index": i}]}) for i in range(n))
        ),
    ),
    "citations": (
        5_000,
        lambda n: b"".join(
            event({"candidates": [{"citationMetadata": {"citations": [{"startIndex": i}]}}]})
            for i in range(n)
        ),
    ),
    "a long path": (25_000, lambda n: pieces_of_a_call(1, "$" + ".a" * n) * 3),
    "a long name in a path": (25_000, lambda n: pieces_of_a_call(1, f"$['{'a' * 10 * n}']") * 3),
}


def decode(reads: Iterable[bytes]) -> None:
    decoder = SSEDecoder()
    for read in reads:
        decoder.feed(read)
    decoder.close()


def fold(stream: bytes, wire: Any = auto) -> None:
    decoder = wire.decoder()
    for read in pieces(stream, 2**16):
        decoder.feed(read)
    decoder.snapshot()


def fold_deltas(stream: bytes, wire: Any = auto) -> None:
    for _ in wire.stream([*pieces(stream, 2**16), b"data: [DONE]\n\n"]).deltas():
        pass


# What is measured in each group, and the dimensions of it.
GROUPS: dict[str, tuple[Callable[[Any], None], Reads | Streams | Fragments]] = {
    "the wire": (decode, WIRE),
    "chat and completions": (fold, FOLDS),
    "responses": (partial(fold, wire=responses), RESPONSES),
    "messages": (partial(fold, wire=messages), MESSAGES),
    "gemini": (fold, GEMINI),
    "JSON that has not ended": (watch, WATCHED),
}
