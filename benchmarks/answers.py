# The accumulators of the vendors' SDKs, over the cases of `tests/cases`: how many are right.
#
# What always holds here:
# - A user's own way is gone: the client, its stream helper to the end, and the final answer. There
#   is no network: the mock transport of the client answers with the bytes.

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

from benchmarks.peers import PEERS, SSEKIT
from ssekit import __version__, chat, messages, responses
from tests.cases import Case

MEASURE = """\
The answers of `tests/cases`, streams after public bug reports, by a lenient measure. Where a \
stream is cut or reports an error, whatever is raised is right. Where it is done, nothing may be \
raised, and the text and the calls (names, and arguments as JSON) must be those of the case, if it \
has them. Reasoning, usage, finish reasons, ids and what came before an error are not compared. \
Some streams of Responses lack the events that announce an item, which the SDK requires. \
`tests/cases/rules.toml` has the rules."""

_ASK: Any = {"model": "m", "messages": [{"role": "user", "content": "Say it."}]}


class Answer(NamedTuple):
    """The text of an answer, and the names and arguments of its calls."""

    text: str
    calls: list[tuple[str, Any]]


class AnswerReader(NamedTuple):
    """What reads the answers of a format.

    Attributes:
        name: The name of its distribution.
        format: The format.
        way: The call that a user makes.
        read: Makes an answer of the bytes of a stream.
    """

    name: str
    format: str
    way: str
    read: Callable[[bytes], Answer]


def _client(name: str, data: bytes) -> Any:
    """Return a client of a vendor, which gets these bytes."""
    httpx2, vendor = import_module("httpx2"), import_module(name)
    headers = {"content-type": "text/event-stream"}

    def answer(_request: object) -> Any:
        return httpx2.Response(200, headers=headers, content=iter([data]))

    client = httpx2.Client(transport=httpx2.MockTransport(answer))
    make = vendor.OpenAI if name == "openai" else vendor.Anthropic
    return make(api_key="none", http_client=client, max_retries=0)


def _openai_chat(data: bytes) -> Answer:
    with _client("openai", data).chat.completions.stream(**_ASK) as stream:
        for _event in stream:
            pass
        # (The final completion of the helper raises where the answer ended by a limit.)
        message = stream.current_completion_snapshot.choices[0].message
    calls = [getattr(call, call.type or "function") for call in message.tool_calls or []]
    return Answer(message.content or "", list(map(_called, calls)))


def _openai_responses(data: bytes) -> Answer:
    with _client("openai", data).responses.stream(model="m", input="Say it.") as stream:
        response = stream.get_final_response()
    calls = [item for item in response.output if item.type in ("function_call", "custom_tool_call")]
    return Answer(response.output_text, list(map(_called, calls)))


def _called(call: Any) -> tuple[str, Any]:
    """Return the name and the arguments of a call, those of a custom tool being its input."""
    return call.name, call.arguments if hasattr(call, "arguments") else call.input


def _anthropic(data: bytes) -> Answer:
    with _client("anthropic", data).messages.stream(max_tokens=9, **_ASK) as stream:
        content = stream.get_final_message().content
    text = "".join(block.text for block in content if block.type == "text")
    return Answer(text, [_called(block) for block in content if block.type == "tool_use"])


def _ssekit(wire: Any, data: bytes) -> Answer:
    stream = wire.stream([data])
    stream.until_done()
    view = stream.accumulator
    return Answer(view.text, [(call.name, call.arguments) for call in view.tool_calls])


_OURS = {"chat": chat, "responses": responses, "messages": messages}
READERS: list[AnswerReader] = [
    AnswerReader("openai", "chat", "chat.completions.stream()", _openai_chat),
    AnswerReader("openai", "responses", "responses.stream()", _openai_responses),
    AnswerReader("anthropic", "messages", "messages.stream()", _anthropic),
    *(
        AnswerReader("ssekit", name, f"{name}.stream()", partial(_ssekit, wire))
        for name, wire in _OURS.items()
    ),
]


def is_right(case: Case, read: Callable[[bytes], Answer]) -> bool:
    """Return whether a reader gets a case right, by `MEASURE`."""
    wanted = case.wanted
    fails: bool = wanted["state"] != "done"
    try:
        text, calls = read(case.data)
    except Exception:
        return fails
    if fails or wanted.get("text", text) != text:
        return False
    made = [[name, _plain(arguments)] for name, arguments in calls]
    known = [[name, _plain(given)] for _id, name, given in wanted.get("tool_calls", ())]
    return "tool_calls" not in wanted or known == made


def _plain(arguments: Any) -> Any:
    """Return arguments as JSON, where they are; none are an empty object."""
    try:
        return json.loads(arguments or "{}") if isinstance(arguments, str | None) else arguments
    except ValueError:
        return arguments


def answer_rows(readers: Iterable[AnswerReader], cases: Sequence[Case]) -> list[list[str]]:
    """Return the cells of each reader: how many cases are right, and the rules of the others."""
    versions = {peer.name: peer.version or "-" for peer in PEERS} | {SSEKIT.name: __version__}
    rows = []
    for reader in readers:
        row = [f"{reader.name}, `{reader.way}`", versions[reader.name]]
        try:
            import_module(reader.name)
        except ImportError:
            rows.append([*row, "not installed", "-"])
            continue
        own = [case for case in cases if case.format == reader.format]
        with warnings.catch_warnings(action="ignore"):  # of values that no model has
            wrong = Counter(case.rule for case in own if not is_right(case, reader.read))
        rules = ", ".join(f"{rule}: {count}" for rule, count in wrong.items())
        rows.append([*row, f"{len(own) - wrong.total()} of {len(own)}", rules or "none"])
    return rows
