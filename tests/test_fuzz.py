"""The fuzzer of `tests/fuzz`, for a moment; and that it finds what it is for."""

import re
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ssekit import StreamDecoder
from tests.fuzz import __main__ as fuzzer
from tests.fuzz.mutation import mutated, seeds
from tests.fuzz.rules import WIRES, check
from tests.thorough import pick


@pytest.mark.parametrize("name", WIRES)
def test_the_rules_hold_of_streams_that_are_almost_right(name: str):
    streams = seeds(name)
    for number in range(pick(quick=25, thorough=500)):
        check(name, mutated(streams, Random(number)), Random(number))


END = StreamDecoder._end


def done_too_early(decoder: Any, _: Any, where: str, outside: bytes = b"") -> None:
    END(decoder, "finish", where, outside)


def lossy(decoder: Any, error: Any) -> None:
    raise KeyError(error)


@pytest.mark.parametrize(
    ("method", "broken", "reason"),
    [
        ("_end", done_too_early, "rules.py:.*: AssertionError"),
        ("_receive_error", lossy, "test_fuzz.py:.*: KeyError"),
    ],
)
def test_a_broken_decoder_is_found_and_its_case_shortened(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    method: str,
    broken: Any,
    reason: str,
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    arguments = ["--first", "1", "--cases", "60"]
    assert fuzzer.main(arguments) == 0
    monkeypatch.setattr(StreamDecoder, method, broken)
    assert fuzzer.main(arguments) == 1
    printed = capsys.readouterr().out
    assert re.search(reason, printed)
    files = list(tmp_path.iterdir())
    assert files
    assert all(file.read_bytes().count(b"data") < 4 for file in files)
