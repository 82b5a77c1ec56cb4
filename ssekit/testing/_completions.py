# Streams of legacy completions: `POST /v1/completions`.

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from ssekit.testing import _drawing
from ssekit.testing._answers import Json, Piece, begin, extend, join
from ssekit.testing._choices import CHOICE_QUIRKS, end_choice, send_chunks, with_numbers
from ssekit.testing._models import ModelStream
from ssekit.testing._script import Dialect, Dialects, Script, find_quirks

__all__ = ["COMPLETIONS", "completion_streams"]

COMPLETIONS: Final = Dialects(
    hosts={
        "openai": frozenset(),
        "azure": frozenset({"filters first"}),
        "openrouter": frozenset({"comments", "choices with the usage", "unknown fields"}),
        "together": frozenset({"usage with the finish", "unknown fields"}),
        "vllm": frozenset({"token ids", "unknown fields"}),
    },
    quirks=CHOICE_QUIRKS | {"token ids": "choices have the tokens of their text"},
)


def completion_streams(
    *,
    text: SearchStrategy[str] | None = None,
    max_choices: int = 2,
    logprobs: bool = True,
    dialect: Dialect = (),
) -> SearchStrategy[ModelStream]:
    """Return a strategy of streams of legacy completions, each with the result it must give.

    Args:
        text: The text of a choice, which is cut anywhere. By default any text.
        max_choices: How many choices there are at most.
        logprobs: Whether choices may have log probabilities.
        dialect: As for `chat_streams`, which has an example too.
    """
    quirks = find_quirks(dialect, COMPLETIONS)
    return _streams(quirks, _drawing.texts if text is None else text, max_choices, logprobs)


@st.composite
def _streams(
    draw: DrawFn,
    quirks: _drawing.Quirks,
    text: SearchStrategy[str],
    max_choices: int,
    logprobs: bool,
) -> ModelStream:
    script = Script(draw, "completions", draw(quirks))
    choices = [
        _cut_choice(script, index, draw(text), logprobs and draw(st.booleans()))
        for index in range(draw(st.integers(1, max_choices)))
    ]
    return send_chunks(script, "text_completion", choices, {})


def _cut_choice(script: Script, index: int, text: str, logprobs: bool) -> list[Piece]:
    """Return the pieces of a choice: its text, and its finish reason."""
    at = ("choices", index)
    empty = {"index": index, "text": "", "finish_reason": None, "logprobs": None}
    begun = begin(empty, *at)
    pieces: list[Piece] = []
    cuts = with_numbers(script, _drawing.cut_text(script.draw, text))
    for count, (cut, spelled) in enumerate(cuts):
        choice: Json = {"index": index, "text": cut, "finish_reason": None}
        additions = [begun, join(spelled, *at, "text")]
        if logprobs:
            lists: dict[str, list[Any]] = {
                "tokens": ["t"],
                "token_logprobs": [-0.5],
                "top_logprobs": [{"t": -0.5}],
                "text_offset": [count],
            }
            choice["logprobs"] = lists
            additions.append(begin({name: [] for name in lists}, *at, "logprobs"))
            additions += [extend(items, *at, "logprobs", name) for name, items in lists.items()]
        if "token ids" in script.quirks:
            choice["token_ids"] = [count]
            additions.append(extend([count], *at, "token_ids"))
        pieces.append(Piece(choice, additions))
    last = Piece({"index": index, "text": "", "logprobs": None}, [begun])
    return [*pieces, *end_choice(script, last, at, "stop", "length", "content_filter")]
