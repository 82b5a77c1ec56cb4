"""An answer as a part of the next request: the README's table, beside the vendors' own types."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
import pytest

from ssekit import SSEKitError, ToolCall, auto
from tests.readme import code_of, table
from tests.shared import Recording, each_recording
from tests.streams import CALL, REASONING, STREAMS

ROWS = {
    form.strip("`"): (code_of(answer)[0], code_of(output)[0])
    for form, answer, output in table("format | the answer goes back as | the output of a call")
}
IN_ONE = {"messages": "content", "gemini": "parts"}  # where outputs stand in one message of a user


def going_back(name: str, result: Any, *calls: ToolCall) -> list[Any]:
    """Return what the rows of a format make of a result, and of the output of its calls."""
    conversation: list[Any] = []
    names = {"conversation": conversation, "result": result, "msgspec": msgspec}
    answer, output = ROWS[name]
    exec(answer, names)
    outputs = [eval(output, {"call": call, "output": "21 degrees"}) for call in calls]
    if name in IN_ONE and outputs:
        outputs = [{"role": "user", IN_ONE[name]: outputs}]
    return conversation + outputs


@cache
def adapter(name: str) -> Any:
    """Return what validates a list by the vendor's own types for requests."""
    pydantic = pytest.importorskip("pydantic", reason="pydantic is in the dependency group corpus")
    if name == "chat":
        from openai.types.chat import ChatCompletionMessageParam as Item
    elif name == "responses":
        from openai.types.responses import ResponseInputItemParam as Item
    elif name == "messages":
        from anthropic.types.beta import BetaContentBlockParam as Item
    elif name == "gemini":
        from google.genai.types import Content as Item
    else:
        from google.genai.interactions import Step as Item  # Pydantic reads no `StepParam`
    return pydantic.TypeAdapter(list[Item])


def accept(name: str, conversation: list[Any]) -> None:
    if name == "messages":  # whose blocks Pydantic cannot reach within a `MessageParam`
        conversation = [block for message in conversation for block in message["content"]]
    made = adapter(name).validate_python(conversation)
    assert name == "messages" or len([*walked(made)]) > 1


def walked(tree: Any) -> Iterator[Any]:
    """Yield all that is in a tree, whose lists are validated only as they are read."""
    if isinstance(tree, dict):
        for value in tree.values():
            yield from walked(value)
    elif hasattr(tree, "__iter__") and not isinstance(tree, str | bytes):
        for value in tree:
            yield from walked(value)
    else:
        yield tree


@pytest.mark.parametrize("name", ROWS)
def test_an_answer_and_the_output_of_its_calls_go_back(name: str):
    stream = auto.opener(name).stream(STREAMS[name])
    result = stream.until_done()
    conversation = going_back(name, result, *stream.accumulator.tool_calls)
    text = msgspec.json.encode(conversation).decode()
    assert CALL[1] in text
    assert all(piece in text for piece in REASONING)
    assert "21 degrees" in text


def test_every_format_has_a_row():
    assert {*ROWS} == {*auto.FORMATS} - {"completions"}


# What the vendor's types do not accept, and why.
REFUSED = {
    "responses/vercel-xai-8e9145accc.sse": "a citation of xAI has no title",
    "responses/api.openai.com-5d3e224611.sse": "Pydantic panics within a list of tools",
    "gemini/prism-gemini-69e5f4539b.sse": "the signature is made up, and no base64",
}


def goes_back(recording: Recording) -> bool:
    """Whether the answer has a place in a request: the former spelling of interactions has none."""
    former = recording.endpoint == "interactions" and b"content.start" in recording.data
    return recording.name not in REFUSED and not former


@each_recording(*ROWS, where=goes_back)
def test_the_answer_of_a_recorded_stream_goes_back(recording: Recording):
    try:
        result = auto.opener(recording.endpoint).collect([recording.whole])
    except SSEKitError:
        pytest.skip("the recorded stream has no answer")
    if recording.endpoint == "gemini" and not result.candidates:
        pytest.skip("the prompt was blocked")
    accept(recording.endpoint, going_back(recording.endpoint, result))
