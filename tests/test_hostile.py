"""What a hostile event within the limits costs: bounded, whatever is in it.

An event is a list of many items that are empty or unforeseen, in every place that has a list.
"""

import gc
import tracemalloc
from typing import Any

import pytest

from ssekit import ServerSentEvent, StreamDecoder
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
    },
    "completions": {
        "choices": '{"choices":%s}',
        "tokens": '{"choices":[{"index":0,"text":"a","logprobs":{"tokens":%s}}]}',
    },
    "responses": {
        "output": '{"type":"response.completed","response":{"output":%s}}',
        "parts": '{"type":"response.completed","response":'
        '{"output":[{"type":"message","content":%s}]}}',
        "summary": '{"type":"response.output_item.done","output_index":0,'
        '"item":{"type":"reasoning","summary":%s}}',
        "tools": '{"type":"response.completed","response":{"tools":%s,"output":[]}}',
        "shell outputs": '{"type":"response.output_item.done","output_index":0,'
        '"item":{"type":"shell_call_output","output":%s}}',
    },
    "messages": {
        "content": '{"type":"message_start","message":{"content":%s}}',
        "citations": '{"type":"content_block_start","index":0,'
        '"content_block":{"type":"text","citations":%s}}',
        "iterations": '{"type":"message_delta","usage":{"iterations":%s}}',
    },
    "gemini": {
        "candidates": '{"candidates":%s}',
        "parts": '{"candidates":[{"content":{"parts":%s}}]}',
        "grounding": '{"candidates":[{"groundingMetadata":{"groundingChunks":%s}}]}',
        "citations": '{"candidates":[{"citationMetadata":{"citations":%s}}]}',
        "arguments": '{"candidates":[{"content":{"parts":'
        '[{"functionCall":{"name":"a","partialArgs":%s}}]}}]}',
    },
    "interactions": {
        "steps": '{"event_type":"interaction.completed","interaction":{"steps":%s}}',
        "content": '{"event_type":"step.start","index":0,'
        '"step":{"type":"model_output","content":%s}}',
    },
}
ITEMS = [
    *("{}", "1", "null", "true", '""', '"a"', "[]", "[{}]", '{"a":1}', '{"type":"x"}'),
    *('{"text":""}', '{"index":0}', '{"type":"text"}', '{"type":"message"}', '{"delta":{}}'),
]


def peak(decoder: StreamDecoder[Any, Any], data: bytes) -> int:
    """Return how much memory the event, its deltas and a snapshot take at most, in bytes."""
    gc.collect()
    tracemalloc.start()
    decoder.feed_deltas(data)
    decoder.snapshot()
    try:
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param(name, text, id=f"{name}: {place}")
        for name, texts in EVENTS.items()
        for place, text in texts.items()
    ],
)
def test_an_event_of_odd_items_takes_a_bounded_multiple_of_its_size(name: str, text: str):
    """`json.loads` takes up to 28 times the bytes; an object of unknown type is held and copied."""
    for item in ITEMS if pick(quick=False, thorough=True) else ITEMS[:1] + ITEMS[8:10]:
        body = text % f"[{','.join([item] * 4_000)}]"
        data = f"data: {body}\n\n".encode()
        taken = peak(FORMATS[name].decoder(), data) / len(data)
        assert taken < (95 if "type" in item else 65), (item, taken)


@pytest.mark.parametrize("name", ["chat", "gemini"])
def test_empty_objects_count_as_absent_in_a_large_event_that_has_hardly_anything_else(name: str):
    text = EVENTS[name]["choices" if name == "chat" else "candidates"]
    event = ServerSentEvent(text % f"[{','.join(['{}'] * 4_000)}]")
    chunk = FORMATS[name].decode(event)
    assert not (chunk.choices if name == "chat" else chunk.candidates)
