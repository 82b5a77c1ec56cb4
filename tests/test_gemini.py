"""Gemini: `gemini/`."""

import json
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssekit import (
    Finish,
    ReasoningDelta,
    ServerSentEvent,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
    gemini,
)
from tests.formats import answer_of, deltas_of, encoded, fed, only

run, deltas = partial(answer_of, gemini), partial(deltas_of, gemini)


def chunk(*parts: Any, **candidate: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": list(parts), "role": "model"}, **candidate}]}


def parts(*chunks: Any) -> Any:
    return encoded(run(*chunks))["candidates"][0]["content"].get("parts", [])


def words(text: str, **fields: Any) -> dict[str, Any]:
    return {"text": text, **fields}


def thought(text: str) -> dict[str, Any]:
    return words(text, thought=True)


def call(name: str | None = None, **fields: Any) -> dict[str, Any]:
    named = {} if name is None else {"name": name}
    return {"functionCall": {**named, **fields}}


def piece(
    path: str | None, value: Any = None, *, more: bool = True, **fields: Any
) -> dict[str, Any]:
    """Return a piece of the call under way: a value at a path."""
    kinds = {str: "stringValue", bool: "boolValue", int: "numberValue", float: "numberValue"}
    kind = {} if value is None else {kinds[type(value)]: value}
    partial = {**({} if path is None else {"jsonPath": path}), **kind, **fields}
    return call(partialArgs=[partial], **({"willContinue": True} if more else {}))


BLOB = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
CODE = {"executableCode": {"language": "PYTHON", "code": "1"}}
GAVE = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}
SEARCH = {"toolCall": {"toolType": "FILE_SEARCH", "id": "t"}, "thoughtSignature": "c2ln"}

# The parts of each chunk, and the parts of the answer.
PARTS: dict[str, tuple[list[list[Any]], list[Any]]] = {
    "texts": ([[words("a")], [words("b"), words("c")]], [words("abc")]),
    "kinds that take turns": (
        [[thought("a"), words("b")], [thought("c")]],
        [thought("a"), words("b"), thought("c")],
    ),
    "an empty text": ([[words("")], [CODE, words("")], [GAVE], [thought("")]], [CODE, GAVE]),
    "a signature is of its part alone": (
        [[words("a"), words("b", thoughtSignature="c2ln")], [words("c"), words("d")]],
        [words("a"), words("b", thoughtSignature="c2ln"), words("cd")],
    ),
    "a signature alone": ([[{"thoughtSignature": "c2ln"}]], [{"thoughtSignature": "c2ln"}]),
    "code and what it gave": ([[words("a"), CODE], [GAVE], [words("b")]],
                              [words("a"), CODE, GAVE, words("b")]),
    "tools of the host": ([[SEARCH], [words("a")]], [SEARCH, words("a")]),
    "a part of unknown kind": (
        [[words("a"), {"hologram": {"n": [1]}, "thoughtSignature": "c2ln"}], [words("b")]],
        [words("a"), {"hologram": {"n": [1]}, "thoughtSignature": "c2ln"}, words("b")],
    ),
    "a field that is unknown": ([[words("a", mood="calm")], [words("b")]], [words("ab")]),
    "a field that is unknown, and null": ([[words("a", mood=None), {"mood": None}]],
                                          [words("a"), {}]),
    "null is absent": ([[words("a", thought=None, inlineData=None)], [None, words("b")]],
                       [words("ab")]),
    "a field of unforeseen type": ([[words("a", thoughtSignature=5)], [words("b")]], [words("ab")]),
    "half a pair": ([[words("a\ud83d")], [words("b"), BLOB]], [words("a\ufffdb"), BLOB]),
    "half a pair, elsewhere": (
        [[{"functionResponse": {"name": "f", "response": {"text": "\ud83d"}}}]],
        [{"functionResponse": {"name": "f", "response": {"text": "\ufffd"}}}],
    ),
    "a call": ([[call("f", args={"a": 1})]], [call("f", args={"a": 1})]),
    "a call with empty arguments": ([[call("f", args={})]], [call("f", args={})]),
    "a call without a name": ([[call(args={"a": 1})]], [call(args={"a": 1})]),
    "a signature before the last piece": (
        [[{**call("f", willContinue=True), "thoughtSignature": "c2ln"}],
         [piece("$.a", "x", more=False)]],
        [{**call("f", args={"a": "x"}), "thoughtSignature": "c2ln"}],
    ),
    "a call that begins with a piece": (
        [[call("f", willContinue=True, partialArgs=[{"jsonPath": "$.a", "numberValue": 1}])],
         [call()]],
        [call("f", args={"a": 1})],
    ),
    "pieces that name their call": (
        [[call("f", willContinue=True)], [call("f", args={"b": 2}, willContinue=True)],
         [call("f", id="7")]],
        [call("f", id="7", args={"b": 2})],
    ),
    "calls in pieces that interleave": (
        [[call("f", id="1", willContinue=True), call("g", id="2", willContinue=True)],
         [call(id="1", partialArgs=[{"jsonPath": "$.a", "stringValue": "x"}], willContinue=True),
          call(id="2", partialArgs=[{"jsonPath": "$.b", "stringValue": "y"}])],
         [call(id="1")]],
        [call("f", id="1", args={"a": "x"}), call("g", id="2", args={"b": "y"})],
    ),
    "an id again, after its call": (
        [[call("f", id="1", args={"a": 1})],
         [call("f", id="1", args={"a": 2})], [call("g", id="1")]],
        [call("f", id="1", args={"a": 1}), call("f", id="1", args={"a": 2}), call("g", id="1")],
    ),
    "arguments that come later, without a name": (
        [[call("f", args={})], [call("", args={"a": 1})], [call("f"), call("f", args={"a": 1})]],
        [call("f", args={"a": 1}), call("f"), call("f", args={"a": 1})],
    ),
    "a signature that comes with a piece": (
        [[call("f", willContinue=True)], [{**call(), "thoughtSignature": "c2ln"}]],
        [{**call("f", args={}), "thoughtSignature": "c2ln"}],
    ),
    "the end of no call": (
        [[call()], [call("f"), call()], [call("", id="", args={})],
         [{**call(willContinue=True), "thoughtSignature": "c2ln"}],
         [{**call(), "text": "a"}]],
        [call("f"), {"thoughtSignature": "c2ln"}, words("a")],
    ),
    "pieces of one id, with nothing on more": (
        [[call("f", id="1", partialArgs=[{"jsonPath": "$.a", "stringValue": "x"}])],
         [call(id="1", partialArgs=[{"jsonPath": "$.a", "stringValue": "y"}])],
         [call("f", id="1", partialArgs=[{"jsonPath": "$.b", "numberValue": 1}])], [call()],
         [call(id="2", partialArgs=[{"jsonPath": "$.a", "stringValue": "z"}])]],
        [call("f", id="1", args={"a": "xy", "b": 1}), call(id="2", args={"a": "z"})],
    ),
    "a text that comes with the end of a call": (
        [[call("f", willContinue=True)],
         [{**call(), "text": "a", "thoughtSignature": "c2ln"}, words("b")]],
        [{**call("f", args={}), "thoughtSignature": "c2ln"}, words("ab")],
    ),
    "arguments as the text of their JSON": (
        [[call("f", args='{"a":1}'), call("g", args="[1]"), call("h", args="{")],
         [{"toolCall": {"toolType": "FILE_SEARCH", "args": '{"a":1}'}}]],
        [call("f", args={"a": 1}), call("g"), call("h"),
         {"toolCall": {"toolType": "FILE_SEARCH", "args": {"a": 1}}}],
    ),
    "a part that is its text": ([["a", words("b")], ["c"]], [words("abc")]),
    "fields in snake_case": (
        [[{"inline_data": {"mime_type": "image/png", "data": "AAAA"}, "function_call": None},
          {"function_call": {"name": "f", "args": {"max_tokens": {"mime_type": 1}}},
           "thought_signature": "c2ln"},
          {"function_response": {"name": "f", "response": {"mime_type": 1}}},
          {"text": "a", "thought_signature": None, "thoughtSignature": "c2ln"},
          {"text": "b", "thoughtSignature": "c2ln", "thought_signature": None},
          {"hologram": 1.5, "part_metadata": {"mime_type": 1}}]],
        [BLOB, {**call("f", args={"max_tokens": {"mime_type": 1}}), "thoughtSignature": "c2ln"},
         {"functionResponse": {"name": "f", "response": {"mime_type": 1}}},
         words("a", thoughtSignature="c2ln"), words("b", thoughtSignature="c2ln"),
         {"hologram": 1.5, "partMetadata": {"mime_type": 1}}],
    ),
    "a call in pieces, in snake_case": (
        [[{"function_call": {"name": "f", "will_continue": True}}],
         [{"function_call": {"will_continue": True, "partial_args": [
             {"json_path": "$.a_b", "string_value": "\ud83d", "will_continue": True}]}}],
         [{"function_call": {"partial_args": [{"json_path": "$.a_b", "string_value": "\ude00"}]}}]],
        [call("f", args={"a_b": "😀"})],
    ),
    "a text in a call": ([[{**call("f"), "text": "a"}]], [{**call("f"), "text": "a"}]),
}  # fmt: skip


@pytest.mark.parametrize(("stated", "made"), PARTS.values(), ids=PARTS)
def test_parts(stated: list[list[Any]], made: list[Any]):
    assert parts(*(chunk(*pieces) for pieces in stated)) == made


@pytest.mark.parametrize(("stated", "made"), PARTS.values(), ids=PARTS)
def test_the_answer_is_its_own_answer(stated: list[list[Any]], made: list[Any]):
    """What the endpoint would have answered at once, as the only event, is the same answer."""
    answer = run(*(chunk(*pieces) for pieces in stated))
    assert encoded(run(encoded(answer))) == encoded(answer)


# Pieces of arguments, and the arguments.
ARGUMENTS: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "a string in pieces": ([piece("$.a", "x"), piece("$.a", "y"), piece("$.a", "")], {"a": "xy"}),
    "numbers": ([piece("$.a", 1), piece("$.b", 0.5)], {"a": 1, "b": 0.5}),
    "booleans": ([piece("$.a", False), piece("$.b", True)], {"a": False, "b": True}),
    "a null": ([piece("$.a", nullValue="NULL_VALUE")], {"a": None}),
    "the end of a string": ([piece("$.a", "x"), piece("$.a")], {"a": "x"}),
    "objects": ([piece("$.a.b", 1), piece("$.a.c", 2)], {"a": {"b": 1, "c": 2}}),
    "lists": ([piece("$.a[0].b", 1), piece("$.a[1].b", 2)], {"a": [{"b": 1}, {"b": 2}]}),
    "lists of lists": ([piece("$.a[0][1]", 1), piece("$.a[0][0]", 2)], {"a": [[2, 1]]}),
    "an index is no length": (
        [piece("$.a[999999999999999]", 1), piece("$.a[7]", 2)],
        {"a": [2, 1]},
    ),
    "an index and a name": ([piece("$.a[0]", 1), piece("$.a.b", 2)], {"a": {"0": 1, "b": 2}}),
    "an index of the arguments": ([piece("$[0]", 1)], {"0": 1}),
    "names in quotes": (
        [piece("$['a b']", 1), piece('$["c.d"]', 2), piece("$.e['']", 3)],
        {"a b": 1, "c.d": 2, "e": {"": 3}},
    ),
    "escapes in quotes": (
        [piece(r"""$['it\'s "so"']""", 1), piece(r'$["\"\n\u00e9"]', 2), piece(r"$['\ud83d']", 3)],
        {'it\'s "so"': 1, '"\né': 2, "\ufffd": 3},
    ),
    "no escape": ([piece(r"$['\q']", 1)], {r"\q": 1}),
    "no path": ([piece("a", 1), piece("$..b", 2), piece("$", 3), piece("$.c[", 4), piece("", 5)],
                {"a": 1, "$..b": 2, "$": 3, "$.c[": 4, "": 5}),
    "no path at all": ([piece(None, "x")], {}),
    "a path too deep": ([piece("$" + ".a" * 65, 1)], {"$" + ".a" * 65: 1}),
    "another value": ([piece("$.a", "x"), piece("$.a", 1), piece("$.a", "y")], {"a": "y"}),
    "a value within a value": ([piece("$.a", 1), piece("$.a.b", 2)], {"a": {"b": 2}}),
    "a value over others": ([piece("$.a.b", 1), piece("$.a", 2)], {"a": 2}),
    "whole ones before": (
        [call(args={"a": {"c": [1]}}, willContinue=True), piece("$.b", 1)],
        {"a": {"c": [1]}, "b": 1},
    ),
    "a pair over two pieces": ([piece("$.a", "\ud83d"), piece("$.a", "\ude00")], {"a": "😀"}),
}  # fmt: skip


@pytest.mark.parametrize(("pieces", "args"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_arguments_in_pieces(pieces: list[Any], args: dict[str, Any]):
    chunks = [chunk(part) for part in (call("f", willContinue=True), *pieces, call())]
    assert parts(*chunks) == [call("f", args=args)]
    (made,) = only(deltas(*chunks), ToolCall)
    assert (made.name, json.loads(made.arguments)) == ("f", args)


@given(st.lists(st.text("$.[]'\"\\ab019u", max_size=12), max_size=4))
def test_no_path_is_refused(paths: list[str]):
    chunks = [chunk(piece(path, "x")) for path in paths]
    (made,) = parts(chunk(call("f", willContinue=True)), *chunks, chunk(call()))
    assert bool(made["functionCall"]["args"]) == bool(paths)


RATING = {"category": "HARM_CATEGORY_HARASSMENT", "probability": "LOW"}
WEB = {"web": {"uri": "https://example.com/", "title": "a"}}
CITED = {"startIndex": 0, "endIndex": 9, "uri": "https://example.com/"}
CITED_TOO = {"uri": "https://example.com/", "publicationDate": {"year": 2020}}
TOKEN = {"token": "a", "tokenId": 7, "logProbability": -0.5}

# What chunks have of a candidate beside its content, and what the answer does.
BESIDE: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "the newest rating": (
        [{"safetyRatings": [RATING]}, {"safetyRatings": [RATING, RATING]}, {"safetyRatings": []}],
        {"safetyRatings": [RATING, RATING]},
    ),
    "what it rests on, field by field": (
        [
            {"groundingMetadata": {"webSearchQueries": ["a"]}},
            {"groundingMetadata": {"groundingChunks": [WEB]}},
            {"groundingMetadata": {"groundingChunks": [WEB, WEB], "groundingSupports": [
                {"segment": {"endIndex": 3}, "groundingChunkIndices": [0]}]}},
            {"groundingMetadata": {}},
        ],
        {"groundingMetadata": {
            "groundingChunks": [WEB, WEB],
            "groundingSupports": [{"segment": {"endIndex": 3}, "groundingChunkIndices": [0]}],
            "webSearchQueries": ["a"]}},
    ),
    "citations": (
        [{"citationMetadata": {"citations": [CITED]}},
         {"citationMetadata": {"citations": [CITED, CITED_TOO]}}, {"citationMetadata": {}}],
        {"citationMetadata": {"citations": [CITED, CITED_TOO]}},
    ),
    "pages": (
        [{"urlContextMetadata": {"urlMetadata": [{"retrievedUrl": "a"}]}},
         {"urlContextMetadata": {"urlMetadata": [{"retrievedUrl": "b"}]}}],
        {"urlContextMetadata": {"urlMetadata": [{"retrievedUrl": "b"}]}},
    ),
    "log probabilities": (
        [{"logprobsResult": {"chosenCandidates": [TOKEN], "topCandidates": [
            {"candidates": [TOKEN]}], "logProbabilitySum": -0.5}},
         {"logprobsResult": {"chosenCandidates": [TOKEN]}}],
        {"logprobsResult": {"chosenCandidates": [TOKEN, TOKEN], "topCandidates": [
            {"candidates": [TOKEN]}], "logProbabilitySum": -0.5}},
    ),
    "no log probabilities": ([{"logprobsResult": {}}], {}),
    "the newest": (
        [{"tokenCount": 1, "avgLogprobs": -1, "finishMessage": "a", "continuationToken": "YQ=="},
         {"tokenCount": 0, "avgLogprobs": 0, "finishMessage": "", "continuationToken": ""}],
        {"tokenCount": 0, "avgLogprobs": 0, "finishMessage": "a", "continuationToken": "YQ=="},
    ),
    "null is absent": ([{"safetyRatings": None, "content": None, "index": None}], {}),
    "the role": ([chunk(words("a"))["candidates"][0]],
                 {"content": {"parts": [words("a")], "role": "model"}}),
    "parts that are no list": ([{"content": {"parts": 5}}, {"content": {}, "mood": 1}], {}),
    "one part alone": ([{"content": {"parts": words("a")}}, {"content": {"parts": "b"}}],
                       {"content": {"parts": [words("ab")]}}),
    "items that are none": (
        [{"groundingMetadata": {
            "groundingSupports": [{"groundingChunkIndices": [0, None, "1", 2],
                                   "confidenceScores": ["a", 0.5, True, 1]}, None]}}],
        {"groundingMetadata": {
            "groundingSupports": [{"groundingChunkIndices": [0, None, 1, 2],
                                   "confidenceScores": [None, 0.5, None, 1]}]}},
    ),
    "fields in snake_case": (
        [{"safety_ratings": [{"category": "a", "probability_score": 0.5}], "token_count": 1,
          "grounding_metadata": {"grounding_chunks": [{"retrieved_context": {"page_number": 1}}],
                                 "retrieval_metadata": {"some_score": 1}},
          "logprobs_result": {"top_candidates": [{"candidates": [{"token_id": 1}]}]}},
         {"finish_reason": "STOP", "content": {"role": None}}],
        {"safetyRatings": [{"category": "a", "probabilityScore": 0.5}], "tokenCount": 1,
         "groundingMetadata": {"groundingChunks": [{"retrievedContext": {"pageNumber": 1}}],
                               "retrievalMetadata": {"some_score": 1}},
         "logprobsResult": {"topCandidates": [{"candidates": [{"tokenId": 1}]}]},
         "finishReason": "STOP"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("stated", "made"), BESIDE.values(), ids=BESIDE)
def test_what_is_beside_the_content(stated: list[dict[str, Any]], made: dict[str, Any]):
    answer = run(*({"candidates": [fields]} for fields in stated))
    assert encoded(answer)["candidates"] == [{"index": 0, "content": {}, **made}]


# What chunks have beside the candidates, and what the answer does.
WHOLE: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "the first": (
        [{"responseId": "", "createTime": "1"}, {"responseId": "a"},
         {"responseId": "b", "createTime": "2"}],
        {"responseId": "a", "createTime": "1"},
    ),
    "the newest": (
        [{"modelVersion": "a", "modelStatus": {"modelStage": "STABLE"}},
         {"modelVersion": "b", "modelStatus": {}}, {"modelVersion": ""}],
        {"modelVersion": "b", "modelStatus": {"modelStage": "STABLE"}},
    ),
    "no usage": ([{"usageMetadata": {}}], {}),
    "the prompt, field by field": (
        [{"promptFeedback": {"safetyRatings": [RATING]}},
         {"promptFeedback": {"blockReason": "SAFETY"}}],
        {"promptFeedback": {"blockReason": "SAFETY", "safetyRatings": [RATING]}},
    ),
    "fields in snake_case": (
        [{"candidates": [], "usage_metadata": {"prompt_token_count": 1, "prompt_tokens_details": [
            {"token_count": 1}]}},
         {"candidates": [], "prompt_feedback": {"block_reason": "SAFETY"}},
         {"candidates": [], "model_version": "m", "response_id": "r", "create_time": "1",
          "sdk_http_response": {"headers": None}, "prompt_feedback": None}],
        {"usageMetadata": {"promptTokenCount": 1, "promptTokensDetails": [{"tokenCount": 1}]},
         "promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": "m", "responseId": "r",
         "createTime": "1"},
    ),
    "the envelope of Code Assist": (
        [{"response": {"candidates": [], "responseId": "r"}, "traceId": "x"},
         {"response": {"usageMetadata": {"totalTokenCount": 1}}}, {"response": 5}],
        {"usageMetadata": {"totalTokenCount": 1}, "responseId": "r"},
    ),
    "a field that is unknown": ([{"candidates": [], "mood": "calm", "responseId": "r"}],
                                {"responseId": "r"}),
    "candidates that are none": ([{"candidates": None}, {"candidates": [5]}], {}),
}  # fmt: skip


@pytest.mark.parametrize(("stated", "made"), WHOLE.values(), ids=WHOLE)
def test_what_is_beside_the_candidates(stated: list[dict[str, Any]], made: dict[str, Any]):
    assert encoded(run(*stated)) == {"candidates": [], **made}


# Parts of unknown kinds.


def test_a_part_of_unknown_kind_has_the_attributes_of_a_part():
    (part,) = run(chunk({"hologram": 1})).candidates[0].content.parts
    assert isinstance(part, gemini.UnknownPart)
    assert part == {"hologram": 1}
    assert (part.text, part.function_call, part.thought_signature) == (None, None, None)
    with pytest.raises(AttributeError, match="hologram"):
        part.hologram  # noqa: B018


def test_a_chunk_has_its_part_of_unknown_kind():
    made = gemini.decode(ServerSentEvent(json.dumps(chunk(words("a"), {"hologram": 1}))))
    assert isinstance(made, gemini.GenerateContentResponse)
    assert made.candidates[0].content.parts == [gemini.Part(text="a"), {"hologram": 1}]


# Errors, and the end.

BLOCKED = {"promptFeedback": {"blockReason": "SAFETY"}}
GONE = {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}


def test_the_finish_of_candidates_whose_prompt_was_blocked():
    begun = {"candidates": [{"index": 0, "finishReason": "STOP"}, {"index": 1}]}
    assert deltas(begun, BLOCKED) == [
        Finish(0, "stop", "STOP"),
        Finish(1, "content_filter", "SAFETY"),
    ]


def test_deltas():
    usage = {"promptTokenCount": 1, "candidatesTokenCount": 2}
    assert deltas(
        {**chunk(thought("hm")), "usageMetadata": {"promptTokenCount": 1}},
        chunk(words("a"), words(""), words("b", thoughtSignature="c2ln"), {"hologram": 1}),
        chunk(call("f", id="1", args={"a": 1}), call(), words("c")),
        chunk(call("g", willContinue=True)),
        chunk(piece("$.b", "x"), piece("$.b", "y")),
        {**chunk(call(), finishReason="STOP"), "usageMetadata": usage},
        {
            "candidates": [
                {"index": 1, "content": {"parts": [words("d"), call("h", args={"a": 1})]}}
            ]
        },
    ) == [
        ReasoningDelta(0, "hm"),
        Usage(input_tokens=1),
        TextDelta(0, "a"),
        TextDelta(0, "b"),
        ToolCallDelta(0, 0, "1", "f", '{"a":1}'),
        ToolCall(0, 0, "1", "f", '{"a":1}'),
        TextDelta(0, "c"),
        ToolCallDelta(0, 1, "", "g", ""),
        ToolCallDelta(0, 1, "", "g", '{"b":"xy"}'),
        ToolCall(0, 1, "", "g", '{"b":"xy"}'),
        Usage(input_tokens=1, output_tokens=2),
        TextDelta(1, "d"),
        ToolCallDelta(1, 0, "", "h", '{"a":1}'),
        ToolCall(1, 0, "", "h", '{"a":1}'),
        Finish(0, "tool_calls", "STOP"),
    ]


@pytest.mark.parametrize("word", ["MAX_TOKENS", "SAFETY", "NEW_WORD"])
def test_a_call_that_never_ends_is_not_whole_if_the_model_had_to_stop(word: str):
    end = {"candidates": [{"finishReason": word}]}
    made = deltas(chunk(call("f", willContinue=True)), chunk(piece("$.a", 1)), end)
    assert [type(delta) for delta in made] == [ToolCallDelta, Finish]


def test_pieces_that_may_be_followed_by_others_are_handed_over_at_the_end():
    one = call("f", id="1", partialArgs=[{"jsonPath": "$.a", "numberValue": 1}])
    more = call(id="1", partialArgs=[{"jsonPath": "$.b", "numberValue": 2}])
    end = {"candidates": [{"finishReason": "STOP"}]}
    assert deltas(chunk(one), chunk({**more, "text": "x"}), end) == [
        ToolCallDelta(0, 0, "1", "f", ""),
        TextDelta(0, "x"),
        ToolCallDelta(0, 0, "1", "f", '{"a":1,"b":2}'),
        ToolCall(0, 0, "1", "f", '{"a":1,"b":2}'),
        Finish(0, "tool_calls", "STOP"),
    ]


def test_a_text_in_a_call_is_of_the_text():
    spoken, thinking = (
        {**call("f", args={"a": 1}), **stated} for stated in (words("a"), thought("hm"))
    )
    assert deltas(chunk(spoken, thinking)) == [
        TextDelta(0, "a"),
        ToolCallDelta(0, 0, "", "f", '{"a":1}'),
        ToolCall(0, 0, "", "f", '{"a":1}'),
        ReasoningDelta(0, "hm"),
        ToolCallDelta(0, 1, "", "f", '{"a":1}'),
        ToolCall(0, 1, "", "f", '{"a":1}'),
    ]
    accumulator = fed(gemini, chunk(spoken, thinking)).accumulator
    assert (accumulator.text, accumulator.reasoning) == ("a", "hm")


def test_deltas_of_a_divided_pair():
    chunks = [chunk(words("a\ud83d")), chunk(words("\ude00", thoughtSignature="c2ln"))]
    assert deltas(*chunks, chunk(thought("\ud83d"))) == [
        TextDelta(0, "a"),
        TextDelta(0, "😀"),
        ReasoningDelta(0, "\ufffd"),
    ]
    assert fed(gemini, *chunks).accumulator.text == "a😀"
