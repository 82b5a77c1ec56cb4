# Streams of legacy completions: `POST /v1/completions`.

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from ssekit.testing import _models
from ssekit.testing._choices import CHOICE_QUIRKS, Piece, send_chunks
from ssekit.testing._models import (
    Dialect,
    Hosts,
    ModelStream,
    Said,
    Script,
    cut_text,
    find_quirks,
    take_turns,
)

__all__ = ["COMPLETION_HOSTS", "COMPLETION_QUIRKS", "completion_streams"]

COMPLETION_QUIRKS: Final[dict[str, str]] = CHOICE_QUIRKS | {
    "token ids": "choices have the tokens of their text",
}
COMPLETION_HOSTS: Final[Hosts] = {
    "openai": frozenset(),
    "azure": frozenset({"filters first"}),
    "openrouter": frozenset({"comments", "choices with the usage", "unknown fields"}),
    "together": frozenset({"usage with the finish", "unknown fields"}),
    "vllm": frozenset({"token ids", "unknown fields"}),
}


def completion_streams(
    *,
    text: SearchStrategy[str] | None = None,
    max_choices: int = 2,
    logprobs: bool = True,
    dialect: Dialect = (),
) -> SearchStrategy[ModelStream]:
    """Return a strategy of streams of legacy completions, each with the result it must give.

    Args:
        text: Of the text of a choice, which is cut anywhere. By default any.
        max_choices: How many choices there are at most.
        logprobs: Choices may have log probabilities.
        dialect: A host, quirks, or "any": see `ssekit.testing.dialects`.

    Raises:
        InvalidArgument: There is no such dialect.

    >>> from hypothesis import given
    >>> from ssekit import completions
    >>> @given(completion_streams(dialect="vllm"))
    ... def test_the_text_is_whole(stream):
    ...     completion = completions.collect([stream.data])
    ...     assert completion.choices[0].text == stream.expected["choices"][0]["text"]
    >>> test_the_text_is_whole()
    """
    quirks = find_quirks(dialect, COMPLETION_QUIRKS, COMPLETION_HOSTS)
    return _streams(quirks, _models.texts if text is None else text, max_choices, logprobs)


@st.composite
def _streams(
    draw: DrawFn,
    quirks: SearchStrategy[frozenset[str]],
    text: SearchStrategy[str],
    max_choices: int,
    logprobs: bool,
) -> ModelStream:
    script = Script(draw, "completions", draw(quirks))
    choices = [
        _pieces(script, index, draw(text), logprobs and draw(st.booleans()))
        for index in range(draw(st.integers(1, max_choices)))
    ]
    in_order = "choices out of order" not in script.quirks
    send_chunks(script, "text_completion", take_turns(draw, choices, in_order=in_order), {})
    return script.stream()


def _pieces(script: Script, index: int, text: str, logprobs: bool) -> list[Piece]:
    """Return what the chunks say of one choice: its text, and why it ended."""
    place = ("choices", index)
    begin = Said(
        place, {"index": index, "text": "", "finish_reason": None, "logprobs": None}, "first"
    )
    pieces = []
    for count, cut in enumerate(cut_text(script.draw, text)):
        choice: dict[str, Any] = {"index": index, "text": cut, "finish_reason": None}
        said = [begin, Said((*place, "text"), cut, "join")]
        if logprobs:
            choice["logprobs"] = {
                "tokens": ["t"],
                "token_logprobs": [-0.5],
                "top_logprobs": [{"t": -0.5}],
                "text_offset": [count],
            }
            said.append(
                Said((*place, "logprobs"), {name: [] for name in choice["logprobs"]}, "first")
            )
            said += [
                Said((*place, "logprobs", name), items, "extend")
                for name, items in choice["logprobs"].items()
            ]
        if "token ids" in script.quirks:
            choice["token_ids"] = [count]
            said.append(Said((*place, "token_ids"), [count], "extend"))
        pieces.append(Piece(choice, tuple(said)))
    reason = script.draw(st.sampled_from(["stop", "length", "content_filter"]))
    ended = () if "no finish" in script.quirks else (Said((*place, "finish_reason"), reason),)
    last = {"index": index, "text": "", "logprobs": None, "finish_reason": reason}
    return [*pieces, Piece(last, (begin, *ended))]
