"""What holds for every format, in the same words: deltas, views, ends, errors and results."""

import asyncio
import json
import pickle
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given

from ssekit import (
    APIError,
    DecodeError,
    Delta,
    Finish,
    PartialJSON,
    ReasoningDelta,
    ServerSentEvent,
    StreamTruncatedError,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
    auto,
    gemini,
    interactions,
    messages,
    responses,
)
from ssekit.testing import ModelStream
from tests.formats import (
    FORMATS,
    PLAIN,
    STRATEGIES,
    answer_of,
    deltas_of,
    each_format,
    encoded,
    fed,
    only,
    structs_of,
)
from tests.shared import Recording, each_recording
from tests.shells import Shell
from tests.spoil import spoil
from tests.streams import ARGUMENTS, CALL, REASONING, STREAMS, TEXT, TOKENS
from tests.thorough import examples
from tests.ways import check_deltas, joined, pull, read_deltas
from tests.wire import event

each_opener = pytest.mark.parametrize("named", [True, False], ids=["named", "auto"])


def opener(name: str, *, named: bool = True) -> Any:
    return FORMATS[name] if named else auto


# A stream that is made of an answer accumulates to that answer, and its deltas add up to it.


@each_format
def test_a_stream_accumulates_to_the_answer_that_it_was_made_of(name: str):
    @examples(quick=50, thorough=300)
    @given(STRATEGIES[name]() | STRATEGIES[name](dialect="any"))
    def accumulate(made: ModelStream) -> None:
        decoder = FORMATS[name].decoder()
        # After each event as well: streams that break rest on it.
        for count, sent in enumerate(made.events, 1):
            decoder.feed(sent.data)
            assert encoded(decoder.snapshot()) == made.expected_after(count)
        decoder.close()
        assert (decoder.state, decoder.ended_by) == (made.state, made.ended_by)
        assert encoded(decoder.result()) == made.expected

    accumulate()


@each_format
def test_the_deltas_of_a_made_stream_add_up_to_its_views(name: str):
    @given(STRATEGIES[name]() | STRATEGIES[name](dialect="any"))
    def compare(made: ModelStream) -> None:
        check_deltas(FORMATS[name].stream([made.data]))

    compare()


# Recorded streams.


def texts(expected: Any) -> dict[int, str]:
    """Return the texts that an independent fold found, by their choices."""
    if "choices" in expected:
        return {
            choice["index"]: choice.get("content", choice.get("text")) or ""
            for choice in expected["choices"]
        }
    if "candidates" in expected:
        return {place: each["text"] or "" for place, each in enumerate(expected["candidates"])}
    if "steps" in expected and "text" not in expected:
        contents = [each for step in expected["steps"] for each in step["contents"]
                    if step["type"] in ("model_output", "text")]  # fmt: skip
        return {0: "".join(each.get("text", "") for each in contents)}
    if "output" in expected:
        return {0: "".join(text for item in expected["output"] for text in item["content"])}
    if "content" in expected:
        return {0: "".join(block.get("text") or "" for block in expected["content"])}
    return {0: expected["text"]}


@each_recording(*FORMATS)
@each_opener
def test_the_deltas_of_a_recorded_stream_add_up_to_its_views(recording: Recording, named: bool):
    stream = opener(recording.endpoint, named=named).stream([recording.data])
    deltas = check_deltas(stream)
    expected = texts(recording.expected)
    stated = joined(deltas, TextDelta)
    if stream.state == "done":
        assert {index: text for index, text in stated.items() if text} == {
            index: text for index, text in expected.items() if text
        }
    # (The finish of a prompt that was blocked is of no candidate.)
    assert {delta.index for delta in deltas if type(delta) is not Usage} <= (expected.keys() or {0})


# Streams that were written by hand.


@each_format
@each_opener
def test_the_deltas_add_up_to_the_views(name: str, named: bool):
    deltas = check_deltas(opener(name, named=named).stream(STREAMS[name]))

    async def source() -> AsyncIterator[bytes]:
        for data in STREAMS[name]:
            yield data

    async def main() -> list[Delta]:
        return [delta async for delta in opener(name, named=named).astream(source()).deltas()]

    assert asyncio.run(main()) == deltas


@each_format
def test_every_format_has_the_same_in_the_same_words(name: str):
    stream = FORMATS[name].stream(STREAMS[name])
    deltas = read_deltas(stream)
    accumulator = stream.accumulator
    assert only(deltas, TextDelta) == [TextDelta(0, piece) for piece in TEXT]
    assert accumulator.text == "".join(TEXT)
    assert (accumulator.usage.input_tokens, accumulator.usage.output_tokens) == TOKENS[:2]
    assert accumulator.usage.total_tokens in (TOKENS[2], None)  # one vendor has none
    assert [finish.index for finish in only(deltas, Finish)] == [0]
    if name == "completions":  # this endpoint has nothing else
        assert {type(delta) for delta in deltas} == {TextDelta, Usage, Finish}
        return
    assert only(deltas, ReasoningDelta) == [ReasoningDelta(0, piece) for piece in REASONING]
    [call] = only(deltas, ToolCall)
    assert (call.index, call.place, call.id, call.name) == (0, 0, *CALL)
    assert call.parse() == json.loads("".join(ARGUMENTS))


@each_format
def test_text_is_read_as_a_type(name: str):
    decoder = FORMATS[name].decoder()
    for data in STREAMS[name]:
        decoder.feed(data)
    decoder.close()
    assert decoder.accumulator.parse(dict[str, str]) == {"city": "Paris"}
    with pytest.raises(DecodeError, match="the text is not the JSON that was asked for"):
        decoder.accumulator.parse(list[str])


def test_text_is_read_as_a_type_where_the_format_was_found_out():
    accumulator = auto.decoder().accumulator
    with pytest.raises(DecodeError, match="the text is empty"):
        accumulator.parse(dict[str, str])
    stream = auto.stream(STREAMS["chat"])
    standing = stream.accumulator  # it stands for the right one to the end
    stream.until_done()
    assert standing.parse(dict[str, str]) == {"city": "Paris"}


@each_format
def test_a_call_can_be_watched_as_it_grows(name: str):
    watched: dict[int, PartialJSON] = defaultdict(PartialJSON)
    stream = FORMATS[name].stream(STREAMS[name])
    for delta in stream.deltas():
        if isinstance(delta, ToolCallDelta):
            watched[delta.place].feed(delta.arguments)
            known = stream.accumulator.tool_calls[delta.place].partial()
            assert watched[delta.place].value == known
    for call in stream.accumulator.tool_calls:
        assert watched[call.place].value == call.parse() == call.partial()


# Of each format, an event of a piece of text.
PIECES: dict[str, Callable[[str], Any]] = {
    "chat": lambda text: {"choices": [{"index": 0, "delta": {"content": text}}]},
    "completions": lambda text: {"choices": [{"index": 0, "text": text}]},
    "responses": lambda text: {"type": "response.output_text.delta", "delta": text},
    "messages": lambda text: {
        "type": "content_block_delta",
        "delta": {"type": "text_delta", "text": text},
    },
    "gemini": lambda text: {"candidates": [{"content": {"parts": [{"text": text}]}}]},
    "interactions": lambda text: {
        "event_type": "step.delta",
        "index": 0,
        "delta": {"type": "text", "text": text},
    },
}


@each_format
def test_a_text_in_very_many_pieces(name: str):
    decoder = FORMATS[name].decoder()
    decoder.feed(event(PIECES[name]("a")) * 5_000)
    assert decoder.accumulator.text == "a" * 5_000


# Pieces that divide a surrogate pair, and the pieces that they are handed over in.
HALVES = {
    "a pair over two pieces": (["\ud83d", "\ude00"], ["😀"]),
    "a half that no other follows": (["a\ud83d", "b"], ["a", "\ufffdb"]),
    "half of another at the end": (["a\ud83d", "\ude00", "\ud83d"], ["a", "😀", "\ufffd"]),
}


@each_format
@pytest.mark.parametrize(("pieces", "stated"), HALVES.values(), ids=HALVES)
def test_no_delta_ends_within_a_surrogate_pair(name: str, pieces: list[str], stated: list[str]):
    events = [*map(PIECES[name], pieces)]
    assert deltas_of(FORMATS[name], *events) == [TextDelta(0, piece) for piece in stated]
    assert texts(PLAIN[name](answer_of(FORMATS[name], *events)))[0] == "".join(stated)


@each_format
def test_half_a_pair_before_a_cut_is_in_the_deltas(shell: Shell, name: str):
    deltas, decoder = pull(FORMATS[name], [event(PIECES[name]("a\ud83d"))], shell, deltas=True)
    assert deltas == [TextDelta(0, "a"), TextDelta(0, "\ufffd")]
    assert (decoder.state, decoder.accumulator.text) == ("truncated", "a\ufffd")


@pytest.mark.parametrize(
    ("format", "struct"),
    [
        *((responses, struct) for struct in structs_of(responses.ResponseStreamEvent)),
        *((messages, struct) for struct in structs_of(messages.RawMessageStreamEvent)),
        *((messages, struct) for struct in structs_of(messages.RawContentBlockDelta)),
        *((messages, struct) for struct in structs_of(messages.ContentBlock)),
        *((interactions, struct) for struct in structs_of(interactions.InteractionSSEEvent)),
        *((interactions, struct) for struct in structs_of(interactions.StepDeltaData)),
    ],
)
def test_every_type_of_a_union_has_its_name(format: Any, struct: Any):
    field, tag = struct.__struct_config__.tag_field, struct.__struct_config__.tag
    assert getattr(struct, field) == tag
    assert struct.__name__ in format.__all__
    assert msgspec.json.decode(json.dumps({field: tag}), type=struct) == struct()


# The views, and several choices.


def views(accumulator: Any) -> list[Any]:
    stated = [accumulator.text, accumulator.reasoning, accumulator.refusal]
    return [*stated, list(accumulator.tool_calls), accumulator.finish_reason, accumulator.usage]


NOTHING = ["", "", "", [], None, None]


@each_format
def test_views_of_nothing(name: str):
    accumulator = FORMATS[name].Accumulator()
    assert views(accumulator) == NOTHING
    assert not accumulator.complete
    assert list(accumulator.last_deltas()) == []


# Of each format that has several choices, one that has a text, and perhaps an end.
CHOICES: dict[str, Callable[..., Any]] = {
    "chat": lambda index, text, reason=None: {
        "choices": [{"index": index, "delta": {"content": text}, "finish_reason": reason}]
    },
    "completions": lambda index, text, reason=None: {
        "choices": [{"index": index, "text": text, "finish_reason": reason}]
    },
    "gemini": lambda index, text, reason=None: {
        "candidates": [
            {"index": index, "content": {"parts": [{"text": text}]}, "finishReason": reason}
        ]
    },
}
each_format_of_choices = pytest.mark.parametrize("name", CHOICES)


@each_format_of_choices
def test_choices_in_any_order(name: str):
    pieces = [(2, "c"), (0, "a"), (1, "b", "length"), (0, "a", "STOP")]
    one_by_one = [CHOICES[name](*piece) for piece in pieces]
    [field] = one_by_one[0]
    at_once = {field: [choice for chunk in one_by_one for choice in chunk[field]]}
    for events in (one_by_one, [at_once]):
        answer = answer_of(FORMATS[name], *events)
        assert [choice["index"] for choice in encoded(answer)[field]] == [0, 1, 2]
        made = PLAIN[name](answer)
        assert [*texts(made).items()] == [(0, "aa"), (1, "b"), (2, "c")]
        assert [choice["finish_reason"] for choice in made[field]] == ["STOP", "length", None]
        stated = deltas_of(FORMATS[name], *events)
        assert joined(stated, TextDelta) == texts(made)
        assert only(stated, Finish) == [Finish(0, "stop", "STOP"), Finish(1, "length", "length")]


# Of each of them, a choice that has everything, and its views.
CHAT_CALL = {"index": 0, "id": "x", "function": {"name": "f", "arguments": "{}"}}
DELTA = {"content": "a", "reasoning": "hm", "refusal": "no", "tool_calls": [CHAT_CALL]}
GEMINI_CALL = {"functionCall": {"id": "x", "name": "f"}}
PARTS = [{"text": "hm", "thought": True}, {"text": "a"}, GEMINI_CALL]
MADE = ToolCall(0, 0, "x", "f", "{}")
EVERYTHING: dict[str, tuple[Callable[[int], Any], list[Any]]] = {
    "chat": (
        lambda index: {"choices": [{"index": index, "delta": DELTA, "finish_reason": "eos"}]},
        ["a", "hm", "no", [MADE], "tool_calls", None],
    ),
    "completions": (
        lambda index: {"choices": [{"index": index, "text": "a", "finish_reason": "eos"}]},
        ["a", "", "", [], "stop", None],
    ),
    "gemini": (
        lambda index: {
            "candidates": [{"index": index, "content": {"parts": PARTS}, "finishReason": "STOP"}]
        },
        ["a", "hm", "", [MADE], "tool_calls", None],
    ),
}


@each_format_of_choices
def test_views_speak_of_choice_0(name: str):
    choice, stated = EVERYTHING[name]
    decoder = fed(FORMATS[name], choice(1))
    assert views(decoder.accumulator) == NOTHING
    decoder.feed(event(choice(0)))
    assert views(decoder.accumulator) == stated


# Finish reasons, and usage.

# Of each format, an event that ends an answer with one of the vendor's words.
FINISHED: dict[str, Callable[[Any], Any]] = {
    "chat": lambda word: CHOICES["chat"](0, "", word),
    "completions": lambda word: CHOICES["completions"](0, "", word),
    "responses": lambda word: {
        "type": "response.incomplete",
        "response": {"incomplete_details": {"reason": word}},
    },
    "messages": lambda word: {"type": "message_delta", "delta": {"stop_reason": word}},
    "gemini": lambda word: CHOICES["gemini"](0, "", word),
    "interactions": lambda word: {
        "event_type": "interaction.completed",
        "interaction": {"status": word},
    },
}
# These words, by the shared one that they mean.
CHAT_WORDS = {
    "stop": "stop end eos eos_token stop_sequence end_turn STOP",
    "length": "length max_tokens model_length MAX_TOKENS",
    "tool_calls": "tool_calls function_call tool_use",
    "content_filter": "content_filter sensitive SAFETY blacklist content_policy_violation",
    "other": "error",
}
WORDS: dict[str, dict[str, str]] = {
    "chat": CHAT_WORDS,
    "completions": CHAT_WORDS,
    "responses": {
        "length": "max_output_tokens",
        "content_filter": "content_filter",
        "other": "steered",
    },
    "messages": {
        "stop": "end_turn stop_sequence stop STOP",
        "length": "max_tokens model_context_window_exceeded length",
        "tool_calls": "tool_use tool_calls function_call",
        "content_filter": "refusal content_filter",
        "other": "pause_turn compaction dreamt",
    },
    "gemini": {
        "stop": "STOP Stop",
        "length": "MAX_TOKENS CONTINUATION length",
        "content_filter": "SAFETY RECITATION BLOCKLIST SPII PROHIBITED_CONTENT MODEL_ARMOR "
        "ESCALATION IMAGE_SAFETY IMAGE_RECITATION IMAGE_PROHIBITED_CONTENT content_filter",
        "other": "LANGUAGE OTHER MALFORMED_FUNCTION_CALL UNEXPECTED_TOOL_CALL A_WORD_OF_NEXT_YEAR",
    },
    "interactions": {
        "stop": "completed COMPLETED",
        "length": "incomplete budget_exceeded requires_continuation",
        "tool_calls": "requires_action",
        "other": "cancelled idle a_word_of_next_year",
    },
}


def finishes() -> Iterator[tuple[str, Any, str | None, str | None]]:
    """Yield a format, an event, the reason that it states, and the vendor's word for it."""
    for name, reasons in WORDS.items():
        for reason, words in reasons.items():
            for word in words.split():
                yield name, FINISHED[name](word), reason, word
                if name == "gemini":
                    called = FINISHED[name](word)
                    called["candidates"][0]["content"]["parts"] = [GEMINI_CALL]
                    yield name, called, "tool_calls" if reason == "stop" else reason, word
    for name, nothing in (("chat", ""), ("gemini", "FINISH_REASON_UNSPECIFIED")):
        yield name, FINISHED[name](nothing), None, None
        yield name, FINISHED[name](None), None, None
    for word, reason in (("completed", "stop"), ("cancelled", "other"), ("incomplete", "other")):
        yield "responses", {"type": f"response.{word}"}, reason, word
    for kind, reason in (
        ("function_call", "tool_calls"),
        ("custom_tool_call", "tool_calls"),
        ("mcp_call", "stop"),
    ):
        response = {"output": [{"type": kind}]}
        yield "responses", {"type": "response.completed", "response": response}, reason, "completed"


@pytest.mark.parametrize("name", ["chat", "completions", "messages", "gemini"])
def test_a_bare_stop_replaces_no_word_that_has_more(name: str):
    words = WORDS[name]["length"].split()[0], WORDS[name]["stop"].split()[0]
    for ends in (words, words[::-1]):
        decoder = fed(FORMATS[name], *map(FINISHED[name], ends))
        assert decoder.accumulator.finish_reason == "length"


@pytest.mark.parametrize(("name", "ended", "reason", "word"), [*finishes()])
def test_finish_reasons(name: str, ended: Any, reason: Any, word: Any):
    assert fed(FORMATS[name], ended).accumulator.finish_reason == reason
    finish = [Finish(0, reason, word)] if reason else []
    assert only(deltas_of(FORMATS[name], ended), Finish) == finish


# Of each format, the places of the usage, and what usages are seen as.
PLACES: dict[str, list[Callable[[Any], Any]]] = {
    "chat": [
        lambda usage: {"choices": [], "usage": usage},
        lambda usage: {"choices": [], "x_groq": {"usage": usage}},
        lambda usage: {"choices": [{"delta": {}, "usage": usage}]},
    ],
    "completions": [lambda usage: {"choices": [], "usage": usage}],
    "responses": [lambda usage: {"type": "response.completed", "response": {"usage": usage}}],
    "messages": [
        lambda usage: {"type": "message_start", "message": {"id": "m", "usage": usage}},
        lambda usage: {"type": "message_delta", "usage": usage},
    ],
    "gemini": [lambda usage: {"candidates": [], "usageMetadata": usage}],
    "interactions": [
        lambda usage: {
            "event_type": "interaction.completed",
            "interaction": {"status": "completed", "usage": usage},
        },
        lambda usage: {"event_type": "interaction.status_update", "usage": usage},
        lambda usage: {"event_type": "step.stop", "index": 0, "usage": usage},
        lambda usage: {"event_type": "step.delta", "metadata": {"total_usage": usage}},
        lambda usage: {"event_type": "interaction.created", "metadata": {"usage": usage}},
    ],
}
CHAT_USAGES: list[tuple[dict[str, Any], Usage]] = [
    ({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}, Usage(1, 2, 3)),
    (
        {"prompt_tokens_details": {"cached_tokens": 0}, "prompt_cache_hit_tokens": 5},
        Usage(cached_tokens=5),
    ),
    ({"prompt_tokens_details": {"cached_tokens": 0}}, Usage(cached_tokens=0)),
    ({"prompt_cache_hit_tokens": 5}, Usage(cached_tokens=5)),
    ({"cached_tokens": 5}, Usage(cached_tokens=5)),
    ({"completion_tokens_details": {"reasoning_tokens": 4}}, Usage(reasoning_tokens=4)),
    ({"reasoning_tokens": 4, "completion_tokens_details": None}, Usage(reasoning_tokens=4)),
]
USAGES: dict[str, list[tuple[dict[str, Any], Usage]]] = {
    "chat": CHAT_USAGES,
    "completions": CHAT_USAGES,
    "responses": [
        ({"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}, Usage(1, 2, 3)),
        ({"input_tokens_details": {"cached_tokens": 4}}, Usage(cached_tokens=4)),
        ({"output_tokens_details": {"reasoning_tokens": 5}}, Usage(reasoning_tokens=5)),
    ],
    "messages": [
        ({"input_tokens": 1, "output_tokens": 2}, Usage(1, 2, 3)),
        (
            {"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": 4,
             "cache_creation_input_tokens": 8},
            Usage(13, 2, 15, 4),
        ),
        ({"output_tokens": 2, "cache_read_input_tokens": 4}, Usage(None, 2, None, 4)),
        ({"input_tokens": 1}, Usage(1)),
        (
            {"output_tokens": 2, "output_tokens_details": {"thinking_tokens": 1}},
            Usage(output_tokens=2, reasoning_tokens=1),
        ),
    ],
    "gemini": [
        (
            {"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 3},
            Usage(1, 2, 3),
        ),
        (
            {"promptTokenCount": 1, "toolUsePromptTokenCount": 10, "candidatesTokenCount": 2,
             "thoughtsTokenCount": 20, "totalTokenCount": 33, "cachedContentTokenCount": 0},
            Usage(11, 22, 33, 0, 20),
        ),
        ({"thoughtsTokenCount": 4}, Usage(output_tokens=4, reasoning_tokens=4)),
    ],
    "interactions": [
        (
            {"total_input_tokens": 1, "total_output_tokens": 2, "total_tokens": 3},
            Usage(1, 2, 3),
        ),
        (
            {"total_input_tokens": 1, "total_tool_use_tokens": 10, "total_output_tokens": 2,
             "total_thought_tokens": 20, "total_tokens": 33, "total_cached_tokens": 0},
            Usage(11, 22, 33, 0, 20),
        ),
        ({"total_reasoning_tokens": 4}, Usage(output_tokens=4, reasoning_tokens=4)),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "data", "view"),
    [
        (name, place(usage), view)
        for name, places in PLACES.items()
        for place in places
        for usage, view in USAGES[name]
    ],
)
def test_usage(name: str, data: Any, view: Usage):
    assert fed(FORMATS[name], data).accumulator.usage == view
    assert only(deltas_of(FORMATS[name], data), Usage) == [view]


def test_usage_that_counts_no_tokens():
    data = PLACES["gemini"][0]({"trafficType": "ON_DEMAND"})
    assert fed(gemini, data).accumulator.usage is None
    assert deltas_of(gemini, data) == []


# Ends and errors.


def rows(table: dict[str, dict[str, tuple[Any, ...]]]) -> list[Any]:
    """Return the rows that a table has of each format."""
    return [
        pytest.param(name, *row, id=f"{name}, {label}")
        for name, labelled in table.items()
        for label, row in labelled.items()
    ]


START = {"type": "message_start", "message": {"id": "m"}}
REASON = FINISHED["messages"]("end_turn")
STOP = {"type": "message_stop"}
STOPPED = FINISHED["gemini"]("STOP")
BLOCKED = {"promptFeedback": {"blockReason": "SAFETY"}}
BEGUN = PIECES["gemini"]("a")

# The events of a stream, its state, what ended it, and whether the answer is complete.
ENDS: dict[str, dict[str, tuple[list[Any], str, str | None, bool]]] = {
    "responses": {
        "completed": ([{"type": "response.completed"}], "done", "event", True),
        "incomplete": ([{"type": "response.incomplete"}], "done", "event", True),
        "cancelled": ([{"type": "response.cancelled"}], "done", "event", True),
    },
    "messages": {
        "the message's own end": ([START, REASON, STOP], "done", "event", True),
        "an end without a reason": ([START, STOP], "done", "event", False),
        "an end without a start": ([REASON, STOP], "truncated", None, True),
        "the marker behind a reason": ([START, REASON, "[DONE]"], "done", "marker", True),
        "a reason": ([START, REASON], "done", "finish", True),
        "a reason, and a ping": ([START, REASON, {"type": "ping"}], "done", "finish", True),
        "a reason beside the delta": (
            [START, {"type": "message_delta", "stop_reason": "end_turn"}], "done", "finish", True
        ),
        "a reason without words": ([FINISHED["messages"]("")], "truncated", None, False),
        "the end of a block": ([{"type": "content_block_stop"}], "truncated", None, False),
    },
    "gemini": {
        "nothing": ([], "truncated", None, False),
        "a finish, then usage": (
            [STOPPED, {"usageMetadata": {"totalTokenCount": 1}}], "done", "finish", True
        ),
        "a finish of one of two": (
            [{"candidates": [{"finishReason": "STOP"}, {"index": 1}]}], "truncated", None, False
        ),
        "no reason": (
            [FINISHED["gemini"]("FINISH_REASON_UNSPECIFIED")], "truncated", None, False
        ),
        "an empty reason": ([FINISHED["gemini"]("")], "truncated", None, False),
        "a prompt that was blocked": ([BLOCKED], "done", "finish", True),
        "a prompt that was judged": (
            [{"promptFeedback": {"safetyRatings": [{}]}}], "truncated", None, False
        ),
        "a prompt that was not blocked": (
            [{"promptFeedback": {"blockReason": "BLOCKED_REASON_UNSPECIFIED"}}],
            "truncated", None, False,
        ),
        "a prompt that was not blocked, by the word of the other API": (
            [{"promptFeedback": {"blockReason": "BLOCK_REASON_UNSPECIFIED"}}],
            "truncated", None, False,
        ),
        "a prompt that was blocked when its answer had begun": (
            [BEGUN, BLOCKED], "done", "finish", True
        ),
        "a prompt that was blocked, with a candidate": (
            [{"candidates": [{"index": 0}], **BLOCKED}], "done", "finish", True
        ),
    },
    "interactions": {
        "completed": ([FINISHED["interactions"]("completed")], "done", "event", True),
        "complete": ([{"event_type": "interaction.complete"}], "done", "event", True),
        "cancelled": ([FINISHED["interactions"]("cancelled")], "done", "event", True),
        "in progress": ([FINISHED["interactions"]("in_progress")], "done", "event", True),
        "an action, and the marker": (
            [{"event_type": "interaction.requires_action"}, "[DONE]"], "done", "marker", True
        ),
        "an action": ([{"event_type": "interaction.requires_action"}], "done", "finish", True),
        "a status": (
            [{"event_type": "interaction.status_update", "status": "completed"}],
            "truncated", None, False,
        ),
        "an event of no known type": (
            [{"event_type": "interaction.dreamt"}], "truncated", None, False
        ),
    },
}  # fmt: skip


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize(("name", "events", "state", "ended_by", "complete"), rows(ENDS))
def test_the_end(
    name: str, events: list[Any], state: str, ended_by: str | None, complete: bool, newline: bytes
):
    decoder = FORMATS[name].decoder()
    decoder.feed(b"".join(map(event, events)).replace(b"\n", newline))
    decoder.close()
    assert (decoder.state, decoder.ended_by) == (state, ended_by)
    assert decoder.accumulator.complete == complete
    assert isinstance(decoder.error, StreamTruncatedError) == (state == "truncated")


def failed(data: Any, line: str = "message") -> ServerSentEvent:
    return ServerSentEvent(data if isinstance(data, str) else json.dumps(data), line)


OVERLOADED = {"type": "overloaded_error", "message": "Overloaded"}
IS_OVERLOADED = ("Overloaded", None, "overloaded_error")
WITHOUT_WORDS = ("the server reported an error", None, None)
GONE = {"code": 503, "message": "The model is gone.", "status": "UNAVAILABLE"}
IS_GONE = ("The model is gone.", "503", "UNAVAILABLE")

# An event that reports an error, the message, code and type of it, and the type of its chunk.
ERRORS: dict[str, dict[str, tuple[ServerSentEvent, tuple[Any, ...], type[Any]]]] = {
    "responses": {
        "flat": (
            failed({"type": "error", "code": "x", "message": "no", "param": None}),
            ("no", "x", None), responses.ResponseErrorEvent,
        ),
        "a response that failed without words": (
            failed({"type": "response.failed", "response": None}),
            WITHOUT_WORDS, responses.ResponseFailedEvent,
        ),
        "a response that failed and has no error": (
            failed({"type": "response.failed", "response": {"error": None}}),
            WITHOUT_WORDS, responses.ResponseFailedEvent,
        ),
        "a response of which the event line alone has the failure": (
            failed({"response": {"error": {"message": "no"}}}, "response.failed"),
            ("no", None, None), responses.ResponseFailedEvent,
        ),
        "an object that is only an error": (
            failed({"error": {"code": 5, "message": "no"}}),
            ("no", "5", None), responses.UnknownEvent,
        ),
    },
    "messages": {
        "an error": (
            failed({"type": "error", "error": OVERLOADED, "request_id": "r"}, "error"),
            IS_OVERLOADED, messages.ErrorEvent,
        ),
        "an error that only the event line has": (
            failed(OVERLOADED, "error"), IS_OVERLOADED, messages.UnknownEvent
        ),
        "an error whose type the event line alone has": (
            failed({"type": 5, "error": OVERLOADED}, "error"), IS_OVERLOADED, messages.ErrorEvent
        ),
        "an error without its envelope": (
            failed({"error": OVERLOADED}), IS_OVERLOADED, messages.UnknownEvent
        ),
        "an error without words": (
            failed({"type": "error"}, "error"), WITHOUT_WORDS, messages.ErrorEvent
        ),
        "an error in an ordinary event": (
            failed(REASON | {"error": OVERLOADED}), IS_OVERLOADED, messages.RawMessageDeltaEvent
        ),
        "an error in a ping": (
            failed({"type": "ping", "error": OVERLOADED}, "ping"), IS_OVERLOADED, messages.PingEvent
        ),
        "an error in the last event": (
            failed(STOP | {"error": "Overloaded"}, "message_stop"),
            ("Overloaded", None, None), messages.RawMessageStopEvent,
        ),
    },
    "gemini": {
        "alone": (failed({"error": GONE}), IS_GONE, gemini.GenerateContentResponse),
        "in a list": (failed([{"error": GONE}]), IS_GONE, gemini.GenerateContentResponse),
        "in a chunk": (
            failed({"candidates": [], "error": GONE}), IS_GONE, gemini.GenerateContentResponse
        ),
    },
    "interactions": {
        "an error without words": (
            failed({"event_type": "error", "error": {"code": "deadline_exceeded", "message": ""}}),
            ("the server reported an error (code deadline_exceeded)", "deadline_exceeded", None),
            interactions.ErrorEvent,
        ),
        "an error that is null": (
            failed({"event_type": "error", "error": None}), WITHOUT_WORDS, interactions.ErrorEvent
        ),
        "an error without an envelope": (
            failed({"event_type": "error", "code": "x", "message": "no"}),
            ("no", "x", None), interactions.ErrorEvent,
        ),
        "of Google's other APIs": (
            failed([{"error": GONE}]), IS_GONE, interactions.UnknownEvent
        ),
        "in an event of the interaction": (
            failed({"event_type": "interaction.status_update", "error": GONE}),
            IS_GONE, interactions.InteractionStatusUpdate,
        ),
    },
}  # fmt: skip


@pytest.mark.parametrize(("name", "last", "stated", "chunk"), rows(ERRORS))
def test_errors(name: str, last: ServerSentEvent, stated: Any, chunk: type[Any]):
    decoder = fed(FORMATS[name], PIECES[name]("a"))
    assert decoder.feed(last) == decoder.close() == []
    error = decoder.error
    assert isinstance(error, APIError)
    assert (decoder.state, decoder.accumulator.complete) == ("failed", "end_turn" in last.data)
    assert (error.message, error.code, error.type) == stated
    assert type(error.chunk) is chunk
    assert texts(PLAIN[name](error.partial))[0] == "a"
    again = pickle.loads(pickle.dumps(error))
    assert (again.partial, again.chunk) == (error.partial, error.chunk)


# Snapshots.

LOOSE = {"n": [1]}
TOKEN = {"token": "a", "logprob": -1, "top_logprobs": [{"token": "b"}]}
OUTPUT = [
    {"type": "message", "content": [
        {"type": "output_text", "text": "a", "annotations": [LOOSE], "logprobs": [TOKEN]},
        {"type": "smell", **LOOSE}]},
    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}],
     "content": [{"type": "reasoning_text", "text": "hm"}]},
    {"type": "dream", **LOOSE},
    {"type": "web_search_call", "action": LOOSE},
    {"type": "shell_call", "action": {"commands": ["a"]}, "environment": LOOSE},
    {"type": "shell_call_output", "output": [{"stdout": "a", "outcome": LOOSE}]},
    {"type": "tool_search_call", "arguments": LOOSE},
    {"type": "function_call", "arguments": "{}", "caller": LOOSE},
]  # fmt: skip
CONTENT = [
    {"type": "text", "text": "a", "citations": [LOOSE]},
    {"type": "tool_use", "id": "t", "name": "f", "input": LOOSE, "caller": LOOSE},
    {"type": "web_search_tool_result", "content": [LOOSE]},
    {"type": "web_fetch_tool_result", "content": LOOSE},
    {"type": "mcp_tool_listing", "tools": [LOOSE]},
    {"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}, "trigger": LOOSE},
    {"type": "dream", **LOOSE},
]
STEPS = [
    {"type": "thought", "summary": [{"type": "text", "text": "hm"}, {"type": "smell", **LOOSE}]},
    {"type": "model_output", "error": LOOSE, "content": [
        {"type": "text", "text": "a"}, {"type": "image", "data": "AAAA"}]},
    {"type": "function_call", "id": "c", "name": "f", "arguments": LOOSE},
    {"type": "google_search_call", "id": "s"},
    {"type": "google_search_result", "call_id": "s", "result": [LOOSE]},
    {"type": "dream", **LOOSE},
]  # fmt: skip
# Of each format, events of all in an answer that can be changed.
MUTABLE: dict[str, list[Any]] = {
    "chat": [
        {"choices": [{
            "delta": {
                "annotations": [LOOSE], "images": [LOOSE], "executed_tools": [LOOSE],
                "reasoning_details": [LOOSE | {"text": "a"}],
                "tool_calls": [{"index": 0, "extra_content": LOOSE}], "extra_content": LOOSE},
            "logprobs": {"content": [TOKEN]}, "content_filter_results": LOOSE}],
         "usage": {"cost_details": LOOSE},
         "x_groq": {"usage": {"cost_details": LOOSE}, "usage_breakdown": LOOSE},
         "citations": [LOOSE], "search_results": [LOOSE], "prompt_filter_results": [LOOSE],
         "moderation": LOOSE, "timings": LOOSE},
    ],
    "completions": [
        {"choices": [{
            "text": "a", "token_ids": [1], "prompt_token_ids": [1], "prompt_logprobs": [1],
            "logprobs": {"tokens": ["a"], "top_logprobs": [{"a": -1}], "content": [LOOSE]},
            "content_filter_results": LOOSE}],
         "usage": {"cost_details": LOOSE}, "kv_transfer_params": LOOSE,
         "prompt_filter_results": [LOOSE]},
    ],
    "responses": [
        {"type": "response.created", "response": {
            "id": "r", "tools": [LOOSE], "metadata": LOOSE, "text": LOOSE,
            "usage": {"cost_details": LOOSE}}},
        *({"type": "response.output_item.done", "output_index": index, "item": item}
          for index, item in enumerate(OUTPUT)),
    ],
    "messages": [
        {"type": "message_start", "message": {
            "content": [], "diagnostics": LOOSE, "usage": {"iterations": [LOOSE]}}},
        *({"type": "content_block_start", "index": index, "content_block": block}
          for index, block in enumerate(CONTENT)),
        {"type": "content_block_delta", "index": 0,
         "delta": {"type": "citations_delta", "citation": LOOSE}},
        {"type": "content_block_delta", "index": 1,
         "delta": {"type": "input_json_delta", "partial_json": '{"n":[1]}'}},
        {"type": "message_delta", "delta": {"container": {"id": "c", "skills": [LOOSE]}},
         "context_management": LOOSE},
    ],
    "gemini": [
        {"candidates": [{
            "content": {"parts": [
                {"functionCall": {"name": "f", "args": {"a": [{}]}}, "partMetadata": LOOSE},
                {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
                {"hologram": LOOSE}, {"text": "a"}]},
            "safetyRatings": [{"category": "HARM_CATEGORY_HARASSMENT"}],
            "groundingMetadata": {
                "groundingSupports": [{"groundingChunkIndices": [0], "confidenceScores": [1]}],
                "groundingChunks": [{"maps": LOOSE}]},
            "citationMetadata": {"citations": [{"uri": "https://example.com/"}]},
            "logprobsResult": {"chosenCandidates": [{"token": "a"}],
                               "topCandidates": [{"candidates": [{"token": "a"}]}]}}],
         "modelStatus": LOOSE,
         "promptFeedback": {"safetyRatings": [{"category": "HARM_CATEGORY_HARASSMENT"}]},
         "usageMetadata": {"promptTokensDetails": [{"tokenCount": 1}]}},
    ],
    "interactions": [
        {"event_type": "interaction.created", "interaction": {
            "usage": {"input_tokens_by_modality": [LOOSE]}, "errors": [{"message": "a"}]}},
        *({"event_type": "step.start", "index": index, "step": step}
          for index, step in enumerate(STEPS)),
        {"event_type": "step.delta", "index": 1, "delta": {
            "type": "text_annotation_delta", "annotations": [LOOSE]}},
        {"event_type": "step.delta", "index": 3, "delta": {
            "type": "google_search_call", "arguments": LOOSE}},
        {"event_type": "content.start", "index": 0, "content": {
            "type": "text", "text": "a", "annotations": [LOOSE]}},
    ],
}  # fmt: skip


@each_format
def test_a_snapshot_shares_nothing_mutable_with_later_ones(name: str):
    decoder = fed(FORMATS[name], *MUTABLE[name])
    first = decoder.snapshot()
    before = msgspec.json.encode(first)
    spoil(first)
    assert msgspec.json.encode(first) != before
    assert msgspec.json.encode(decoder.snapshot()) == before


@pytest.mark.parametrize("table", [STREAMS, STRATEGIES, PIECES, WORDS, PLACES, USAGES, MUTABLE])
def test_every_format_has_its_rows(table: dict[str, Any]):
    assert set(table) == set(FORMATS)
