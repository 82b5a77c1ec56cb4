"""The README's table for those who come from the OpenAI SDK: each row runs."""

import itertools
import json
import re
from typing import Any

import httpx
import pytest

import ssekit
from ssekit import chat, responses
from ssekit.testing.transports import AsyncReads, Reads
from tests.readme import README, RESPONSE_READS, run
from tests.wire import DONE, event

TABLE = re.compile(r"^\| (?P<theirs>[^|]+?) \| `(?P<ours>[^`]+)` \|$", re.MULTILINE)
SECTION = README.read_text(encoding="utf-8").partition("## Coming from the OpenAI SDK")[2]
ROWS = TABLE.findall(SECTION.partition("\n## ")[0])

HEAD = {"id": "chatcmpl-1", "model": "gpt", "created": 7}
LETTERS = "abcdefghijkl"


def openai_chunk(delta: dict[str, Any], **choice: Any) -> bytes:
    return event(HEAD | {"choices": [{"index": 0, "delta": delta, **choice}]})


OPENAI_READS = [
    *(openai_chunk({"content": letter}) for letter in LETTERS),
    openai_chunk({"function_call": {"name": "f", "arguments": '{"city":'}}),
    openai_chunk({"function_call": {"arguments": '"Tokyo"}'}}),
    openai_chunk({"tool_calls": [{"index": 0, "id": "1", "function": {"name": "g"}}]}),
    openai_chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"n":1}'}}]}),
    openai_chunk({}, finish_reason="stop"),
    DONE,
]
LINES = "".join(f"{letter}\n" for letter in LETTERS)
ALL_CHUNKS = LINES + "None\n" * 5
REFUSED = b'{"error": {"message": "slow down", "code": "rate"}}'

# What a row begins with; the reads of the response, or the status that it has; what is printed.
PRINTED: dict[str, tuple[Any, str]] = {
    "Iterate:": (OPENAI_READS, ALL_CHUNKS),
    "Iterate asynchronously:": (OPENAI_READS, ALL_CHUNKS),
    "Only text:": (OPENAI_READS, LINES),
    "The response:": (OPENAI_READS, "req_1\n"),
    "Context manager:": (OPENAI_READS, "a\n"),
    "Chunk:": (OPENAI_READS, "chatcmpl-1 gpt 7\n"),
    "Content:": (OPENAI_READS, "a\n"),
    "Finish reason:": (OPENAI_READS, "stop\n"),
    "Accumulate:": (OPENAI_READS, LETTERS + "\n"),
    "Function call:": (OPENAI_READS, '{"city":"Tokyo"}\n'),
    "Tool calls:": (OPENAI_READS, "g {'n': 1}\n"),
    "Connection error:": (
        [OPENAI_READS[0], ConnectionResetError("gone")],
        "the transport raised ConnectionResetError: gone a\n",
    ),
    "Status:": (429, "429 slow down 3\n"),
    "Error in the stream:": ([OPENAI_READS[0], event(json.loads(REFUSED))], "rate slow down\n"),
    "Retry with backoff:": (OPENAI_READS, "1.0\n"),
    "Close in `finally`:": (OPENAI_READS, ""),
    "First ten chunks:": (OPENAI_READS, "10\n"),
    "Responses API:": (
        RESPONSE_READS,
        "response.output_item.added\nresponse.output_text.delta\nresponse.output_text.delta\n"
        "response.output_item.done\nresponse.completed\n",
    ),
    "The wire:": ([b"id: 1\nretry: 5\nevent: e\ndata: d\n\n"], "e d 1 5\n"),
    "... behind a chunk": (OPENAI_READS, "[DONE]\n"),
    "The end:": (OPENAI_READS, "done marker\n"),
}


def openai_response(reads: Any, *, asynchronous: bool) -> httpx.Response:
    headers = {"x-request-id": "req_1"}
    if isinstance(reads, int):
        headers["retry-after"] = "3"
        return httpx.Response(reads, headers=headers, content=REFUSED)
    content = AsyncReads(*reads) if asynchronous else Reads(*reads)
    return httpx.Response(200, headers=headers, content=content)


@pytest.mark.parametrize(("theirs", "ours"), ROWS, ids=[theirs for theirs, _ in ROWS])
def test_a_row_for_those_who_come_from_the_openai_sdk(theirs: str, ours: str):
    (row,) = (row for row in PRINTED if theirs.startswith(row))
    reads, expected = PRINTED[row]
    response = openai_response(reads, asynchronous=ours.startswith("async"))
    first = chat.stream(OPENAI_READS)
    stream = chat.stream(openai_response(OPENAI_READS, asynchronous=False))
    stream.until_done()
    given = {"chat": chat, "responses": responses, "ssekit": ssekit}
    given |= {"json": json, "itertools": itertools, "attempt": 1}
    given |= {"response": response, "stream": stream, "chunk": next(first)}
    if ours.startswith("except"):
        ours = f"try: chat.collect(response)\n{ours}"
    assert run(ours, given) == expected


def test_every_row_is_tested():
    assert len(ROWS) == len(PRINTED) > 15
