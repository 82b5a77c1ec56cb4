"""What a hostile event within the limits costs: bounded, whatever is in it.

An event is a list of many items that are empty or unforeseen, in every place that has a list, or
may have one by mistake.
"""

import json
import sys
import tracemalloc
from types import FrameType
from typing import Any

import pytest

from ssekit import DecodeError, ServerSentEvent, StreamDecoder, auto
from tests.formats import FORMATS
from tests.thorough import pick

# The events by their format: one list of each kind that an accumulator looks into.
EVENTS = {
    "chat": {
        "choices": '{"choices":%s}',
        "calls": '{"choices":[{"index":0,"delta":{"tool_calls":%s}}]}',
        "reasoning details": '{"choices":[{"index":0,"delta":{"reasoning_details":%s}}]}',
        "content": '{"choices":[{"index":0,"delta":{"content":%s}}]}',
        "log probabilities": '{"choices":[{"index":0,"logprobs":{"content":%s}}]}',
        "calls of a message": '{"choices":[{"index":0,"message":{"tool_calls":%s}}]}',
        "annotations": '{"choices":[{"index":0,"delta":{"annotations":%s}}]}',
        "tools that ran": '{"choices":[{"index":0,"delta":{"executed_tools":%s}}]}',
        "thinking": '{"choices":[{"delta":{"content":[{"type":"thinking","thinking":%s}]}}]}',
        "likeliest": '{"choices":[{"logprobs":{"content":[{"token":"","top_logprobs":%s}]}}]}',
        "sources": '{"choices":[],"citations":%s}',
        "a number": '{"choices":[],"created":%s}',
        "an error": '{"error":%s}',
        "errors": '{"errors":%s}',
        "an error in a choice": '{"choices":[{"error":%s}]}',
        "details of an error": '{"detail":%s}',
        "an unknown field": '{"x":%s}',
    },
    "completions": {
        "choices": '{"choices":%s}',
        "tokens": '{"choices":[{"index":0,"text":"a","logprobs":{"tokens":%s}}]}',
        "likeliest": '{"choices":[{"text":"a","logprobs":{"top_logprobs":%s}}]}',
        "the prompt": '{"choices":[{"text":"a","prompt_logprobs":%s}]}',
        "no text": '{"choices":[{"text":%s}]}',
        "offsets": '{"choices":[{"logprobs":{"text_offset":%s}}]}',
    },
    "responses": {
        "output": '{"type":"response.completed","response":{"output":%s}}',
        "parts": '{"type":"response.completed","response":'
        '{"output":[{"type":"message","content":%s}]}}',
        "summary": '{"type":"response.output_item.done","output_index":0,'
        '"item":{"type":"reasoning","summary":%s}}',
        "tools": '{"type":"response.completed","response":{"tools":%s,"output":[]}}',
        "commands": '{"type":"response.output_item.done","output_index":0,'
        '"item":{"type":"shell_call","action":{"commands":%s}}}',
        "the first output": '{"type":"response.created","response":{"output":%s}}',
        "an unknown item": '{"type":"response.output_item.added","output_index":0,'
        '"item":{"type":"x","y":%s}}',
        "an item by mistake": '{"type":"response.output_item.done","item":%s}',
        "log probabilities": '{"type":"response.output_text.delta","delta":"a","logprobs":%s}',
        "an error": '{"type":"error","x":%s}',
        "shell outputs": '{"type":"response.output_item.done","output_index":0,'
        '"item":{"type":"shell_call_output","output":%s}}',
    },
    "messages": {
        "content": '{"type":"message_start","message":{"content":%s}}',
        "citations": '{"type":"content_block_start","index":0,'
        '"content_block":{"type":"text","citations":%s}}',
        "iterations": '{"type":"message_delta","usage":{"iterations":%s}}',
        "whole": '{"type":"message","content":%s}',
        "an unknown block": '{"type":"content_block_start","index":0,'
        '"content_block":{"type":"x","y":%s}}',
        "the end": '{"type":"message_stop","message":{"content":%s}}',
        "an error": '{"type":"error","request_id":%s}',
        "skills": '{"type":"message_stop","delta":{"container":{"skills":%s}}}',
        "an input": '{"type":"content_block_start","index":0,'
        '"content_block":{"type":"tool_use","input":{"x":%s}}}',
    },
    "gemini": {
        "candidates": '{"candidates":%s}',
        "parts": '{"candidates":[{"content":{"parts":%s}}]}',
        "grounding": '{"candidates":[{"groundingMetadata":{"groundingChunks":%s}}]}',
        "citations": '{"candidates":[{"citationMetadata":{"citations":%s}}]}',
        "arguments": '{"candidates":[{"content":{"parts":'
        '[{"functionCall":{"name":"a","partialArgs":%s}}]}}]}',
        "whole arguments": '{"candidates":[{"content":{"parts":'
        '[{"functionCall":{"name":"a","args":{"x":%s}}}]}}]}',
        "an unknown part": '{"candidates":[{"content":{"parts":[{"x":%s}]}}]}',
        "an unknown field": '{"candidates":[{"x":%s}]}',
        "an envelope": '{"response":{"candidates":%s}}',
        "another spelling": '{"candidates":[{"citation_metadata":{"citation_sources":%s}}]}',
        "likeliest": '{"candidates":[{"logprobsResult":{"topCandidates":%s}}]}',
        "positions": '{"candidates":[{"groundingMetadata":{"groundingSupports":'
        '[{"groundingChunkIndices":%s}]}}]}',
    },
    "interactions": {
        "steps": '{"event_type":"interaction.completed","interaction":{"steps":%s}}',
        "content": '{"event_type":"step.start","index":0,'
        '"step":{"type":"model_output","content":%s}}',
        "outputs": '{"event_type":"interaction.complete","interaction":{"outputs":%s}}',
        "whole": '{"object":"interaction","status":"completed","steps":%s}',
        "summary": '{"event_type":"step.start","index":0,"step":{"type":"thought","summary":%s}}',
        "an unknown step": '{"event_type":"step.start","index":0,"step":{"type":"x","content":%s}}',
        "usage beside an error": '{"event_type":"error",'
        '"metadata":{"total_usage":{"output_tokens_by_modality":%s}}}',
    },
}
ITEMS = [
    *("{}", '{"a":1}', '{"type":"x"}', "[" * 90 + "]" * 90),
    *('"a"', '"["', "[true]", "false", "[[1]]", "1", "null", "true", '""', "[]", "[{}]"),
    *("1.5", '"\\ud800"', '{"text":"\\ud800"}', '{"name":"a"}', '{"type":"x","a":[1]}'),
    *('"\u00e9"', "12345678901234567890123", "{ }", "{},1", "[[[1]]]", "[1]"),
    *('{"":0}', '{"":[]}', '{"":{"":1}}', '{"id":1}', '{"index":0}', '{"error":1}', '{"text":""}'),
    *('{"type":""}', '{"type":1}', '{"type":null}', '{"type":"text"}', '{"type":"text","text":{}}'),
    *('{"type":"message"}', '{"type":"tool_use"}', '{"type":"function_call"}', '{"delta":{}}'),
    *('{"type":"output_text"}', '{"type":"image","data":1}', '{"token":1}', '{"web":[]}'),
    *('{"text":"a"}', '{"a":null}'),
    # No two are alike: each has its number.
    *('{"type":"#"}', '{"id":"#"}', '{"type":"x","id":"#"}', '{"type":"function_call","id":"#"}'),
]
PLACES = [
    pytest.param(name, text, id=f"{name}: {place}")
    for name, texts in EVENTS.items()
    for place, text in texts.items()
]


def hostile(text: str, item: str, count: int) -> bytes:
    """Return an event with so many of an item, in which `#` is the number of each."""
    items = ",".join(item.replace("#", str(number)) for number in range(count))
    return b"data: %b\n\n" % (text % f"[{items}]").encode()


def taken_items(text: str) -> list[str]:
    """Return the items that a run takes: all, or one that depends on the place."""
    return pick(quick=[ITEMS[len(text) % len(ITEMS)]], thorough=ITEMS)


def receive(decoder: StreamDecoder[Any, Any], data: bytes) -> object:
    """Return all that one may keep of an event: its deltas, and a snapshot or the error."""
    deltas = decoder.feed_deltas(data)
    return deltas, decoder.error or decoder.snapshot()


@pytest.mark.parametrize(("name", "text"), PLACES)
def test_an_event_of_odd_items_takes_a_bounded_multiple_of_its_size(name: str, text: str):
    """`json.loads` takes up to 44 times the bytes, and a snapshot is a copy."""
    receive(FORMATS[name].decoder(), hostile(text, "{}", 2_500))  # fills what is cached
    for item in taken_items(text):
        data = hostile(text, item, 7_000 // len(item))
        for module in (FORMATS[name], auto):
            receive(module.decoder(), hostile(text, item, 1))
            decoder = module.decoder()
            tracemalloc.start()
            kept = receive(decoder, data)
            taken = tracemalloc.get_traced_memory()[1] / len(data)
            tracemalloc.stop()
            assert kept
            assert taken < 60, (item, taken)


@pytest.mark.parametrize(("name", "text"), PLACES)
def test_an_event_of_odd_items_takes_few_steps_for_each(name: str, text: str):
    """A step is a call of a function, of Python or of C: they take most of the time."""
    calls = 0

    def count(_frame: FrameType, event: str, _arg: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    for item in taken_items(text):
        data = hostile(text, item, 7_000 // len(item))
        decoder, calls = FORMATS[name].decoder(), 0
        sys.setprofile(count)
        receive(decoder, data)
        sys.setprofile(None)
        assert calls < 8 * len(data), (item, calls)


@pytest.mark.parametrize("item", ["{}", "[" * 90 + "]" * 90])
def test_a_large_event_of_hardly_more_than_brackets_is_no_chunk(item: str):
    event = ServerSentEvent(EVENTS["chat"]["choices"] % f"[{','.join([item] * 4_000)}]")
    with pytest.raises(DecodeError):
        FORMATS["chat"].decode(event)


@pytest.mark.parametrize("text", ["[" * 9_000, "{}" * 9_000, r"\"{\\" * 9_000])
def test_brackets_in_a_text_are_text(text: str):
    event = ServerSentEvent(EVENTS["chat"]["choices"] % f'[{{"delta": {{"content": "{text}"}}}}]')
    (choice,) = FORMATS["chat"].decode(event).choices
    assert choice.delta.content == json.loads(f'"{text}"')
