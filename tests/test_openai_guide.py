"""The table of recipes for those who come from the SDKs: each row runs."""

import itertools
import json
from typing import Any

import httpx
import pytest

import ssekit
from ssekit import chat, messages, responses
from ssekit.testing.transports import AsyncReads, Reads
from tests.readme import MESSAGE_READS, RESPONSE_READS, code_of, run, table
from tests.wire import DONE, event

ROWS = [(theirs, code_of(ours)[0]) for theirs, ours in table("SDK | ssekit", "RECIPES.md")]

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
    event(HEAD | {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}),
    DONE,
]
LINES = "".join(f"{letter}\n" for letter in LETTERS)
LISTS = "".join(f"[{letter!r}]\n" for letter in LETTERS) + "[None]\n" * 5 + "[]\n"
REFUSED = b'{"error": {"message": "slow down", "code": "rate"}}'
STRUCTURED = [
    openai_chunk({"content": '{"n":'}),
    openai_chunk({"content": "1}"}),
    *OPENAI_READS[-3:],
]
THOUGHT = [openai_chunk({"reasoning_content": "Hm"}), *OPENAI_READS[-3:]]

# What a row begins with; the reads of the response, or the status that it has; what is printed.
PRINTED: dict[str, tuple[Any, str]] = {
    "`for chunk in stream:`": (OPENAI_READS, LISTS),
    "`async for chunk in stream:`": (OPENAI_READS, LISTS),
    "`if chunk.choices[0].delta.content is not None:`": (OPENAI_READS, LINES),
    "`stream.response.headers`": (OPENAI_READS, "req_1\n"),
    "`with client.chat.completions.create(...) as stream:`": (OPENAI_READS, "a\n"),
    "`chunk.id`": (OPENAI_READS, "chatcmpl-1 gpt 7\n"),
    "`chunk.choices[0].finish_reason`": (OPENAI_READS, "tool_calls\n"),
    "`full_response += content`": (OPENAI_READS, LETTERS + "\n"),
    "`delta.function_call.arguments`": (OPENAI_READS, '{"city":"Tokyo"}\n'),
    "`delta.tool_calls`": (OPENAI_READS, "g {'n': 1}\n"),
    "`except openai.APIConnectionError": (
        [OPENAI_READS[0], ConnectionResetError("gone")],
        "the transport raised ConnectionResetError: gone a\n",
    ),
    "`except openai.APIStatusError": (429, "429 slow down 3\n"),
    "`except openai.APIError": ([OPENAI_READS[0], event(json.loads(REFUSED))], "rate slow down\n"),
    "`time.sleep": (OPENAI_READS, "1.0\n"),
    "`finally: stream.close()`": (OPENAI_READS, ""),
    "`for i, chunk in enumerate(stream)": (OPENAI_READS, "10\n"),
    "`for event in client.responses.create(": (
        RESPONSE_READS,
        "response.output_item.added\nresponse.output_text.delta\nresponse.output_text.delta\n"
        "response.output_item.done\nresponse.completed\n",
    ),
    "the event, data, id": ([b"id: 1\nretry: 5\nevent: e\ndata: d\n\n"], "e d 1 5\n"),
    "the event behind a chunk": (OPENAI_READS, "[DONE]\n"),
    "the end:": (OPENAI_READS, "done marker\n"),
    "`content.delta`": (OPENAI_READS, f"{list(LETTERS)}\n"),
    "`thinking`": (THOUGHT, "['Hm']\n"),
    "`tool_calls.function.arguments.delta`": (OPENAI_READS, "['', '{\"n\":1}']\n"),
    "`tool_calls.function.arguments.done`": (OPENAI_READS, "[{'n': 1}]\n"),
    "`event.snapshot`": (OPENAI_READS, LETTERS + "\n"),
    "`event.parsed`": (STRUCTURED, "{'n': 1}\n"),
    "`message.parsed`": (STRUCTURED, "{'n': 1}\n"),
    "`get_final_completion()`": (OPENAI_READS, "chatcmpl-1\n"),
    "`get_final_message()`": (MESSAGE_READS, "tool_use\n"),
}


def openai_response(reads: Any, *, asynchronous: bool) -> httpx.Response:
    headers = {"x-request-id": "req_1"}
    if isinstance(reads, int):
        headers["retry-after"] = "3"
        return httpx.Response(reads, headers=headers, content=REFUSED)
    content = AsyncReads(*reads) if asynchronous else Reads(*reads)
    return httpx.Response(200, headers=headers, content=content)


@pytest.mark.parametrize(("theirs", "ours"), ROWS, ids=[theirs for theirs, _ in ROWS])
def test_a_row_for_those_who_come_from_an_sdk(theirs: str, ours: str):
    (row,) = (row for row in PRINTED if theirs.startswith(row))
    reads, expected = PRINTED[row]
    response = openai_response(reads, asynchronous=ours.startswith("async"))
    given = {"chat": chat, "responses": responses, "messages": messages, "ssekit": ssekit}
    given |= {"itertools": itertools, "attempt": 1, "response": response}
    if ours.startswith("except"):
        ours = f"try: chat.collect(response)\n{ours}"
    elif "(response)" not in ours:
        stream = chat.stream(response)
        given |= {"stream": stream, "deltas": list(stream.deltas())}
        given |= {"chunk": next(chat.stream(OPENAI_READS))}
    assert run(ours, given) == expected


def test_every_row_is_tested():
    assert len(ROWS) == len(PRINTED) > 15
