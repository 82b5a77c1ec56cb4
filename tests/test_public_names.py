"""Every public name of every module, as `public_names.txt` has them: a change is a decision."""

import importlib
from pathlib import Path

import pytest

NAMES = {
    module: names.split()
    for module, _, names in (
        line.partition(": ")
        for line in Path(__file__).with_name("public_names.txt").read_text().splitlines()
    )
}


@pytest.mark.parametrize("module", NAMES)
def test_the_public_names_are_these(module: str):
    assert sorted(importlib.import_module(module).__all__) == NAMES[module]
