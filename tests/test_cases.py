"""The cases of `tests/cases`: streams after public bug reports come out right, however read."""

from typing import Any

import msgspec
import pytest

from ssekit import ToolCall, auto, iter_events
from tests.cases import RULES, Case, missing, read_cases
from tests.formats import FORMATS, encoded, only
from tests.thorough import pick
from tests.ways import WAYS, check_deltas, decoded, in_two, outcome, pieces, pull_deltas, push

CASES = list(read_cases())
MODULES = FORMATS | {"auto": auto}

each_case = pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])


def tree_of_events(case: Case) -> Any:
    made = decoded([case.data])
    names = ("event", "data", "id", "retry")
    events = [dict(zip(names, event, strict=True)) for event in made.events]
    return vars(made) | {"decoded": events}


def tree_of_answer(case: Case, wire: Any) -> Any:
    """Return what a format makes of a stream, as JSON has it; its deltas are checked beside."""
    stream = wire.stream([case.data])
    deltas = check_deltas(stream, opaque=case.opaque_pieces)
    decoder, view, error = stream.decoder, stream.accumulator, stream.decoder.error
    found = (auto.detect(event) for event in iter_events([case.data]))
    fields = ("message", "type", "code")
    return {
        "detect": next((known.name for known in found if known is not None), None),
        "state": decoder.state,
        "ended_by": decoder.ended_by,
        "text": view.text,
        "reasoning": view.reasoning,
        "refusal": view.refusal,
        "tool_calls": [[call.id, call.name, call.arguments] for call in view.tool_calls],
        "whole_calls": [call.place for call in only(deltas, ToolCall)],
        "finish_reason": view.finish_reason,
        "usage": msgspec.to_builtins(view.usage),
        "error": error
        and {"kind": type(error).__name__} | {name: getattr(error, name, None) for name in fields},
        "partial": error and encoded(error.partial),
        "result": encoded(decoder.snapshot()),
    }


@each_case
def test_a_case_comes_out_right(case: Case):
    if case.format == "sse":
        wanted, tree = case.wanted, tree_of_events(case)
    else:
        assert "state" in case.wanted
        wanted = {"detect": case.format} | case.wanted
        tree = tree_of_answer(case, MODULES[case.format])
        if wanted["detect"] == case.format:
            assert tree_of_answer(case, auto) == tree
    assert wanted.keys() <= tree.keys(), "a word that means nothing"
    assert not list(missing(wanted, tree)), case.why


@each_case
def test_a_case_comes_out_the_same_however_it_is_read(case: Case):
    cuts = [pieces(case.data), *in_two(case, small=pick(quick=100, thorough=3_500), count=20)]
    if case.format == "sse":
        assert all(decoded(cut) == decoded([case.data]) for cut in cuts)
        return
    wire = MODULES[case.format]
    chunks, ended = push(wire, [case.data])
    for way, reads in [(way, [case.data]) for way in WAYS] + [(push, cut) for cut in cuts]:
        again, decoder = way(wire, reads)
        assert (again, outcome(decoder)) == (chunks, outcome(ended))
    assert outcome(pull_deltas(wire, [case.data])[1]) == outcome(ended)


def test_every_rule_has_a_case_and_no_case_is_there_twice():
    assert {case.rule for case in CASES} == RULES.keys()
    assert len({case.name for case in CASES}) == len(CASES)
