"""Cases from public bug reports: small streams, each with what is right.

They are not part of the repository. The folder that SSEKIT_SHARED names holds them, with the
function that checks one of them in every way into its format.
"""

import json
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from tests.shared import FOLDER, needs_shared

CASES = Path(FOLDER or "", "cases")

# The cases that wait for a rule, and which. One that turns right leaves the table.
WAITING: dict[str, str] = {}


def cases() -> list[dict[str, Any]]:
    """Return the cases; none where the folder is not there."""
    return json.loads((CASES / "cases.json").read_text()) if FOLDER else []


@pytest.fixture(scope="module")
def checks() -> Any:
    """Return the module of the cases' own checks."""
    spec = spec_from_file_location("checks_of_cases", CASES / "check.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case["name"]) for case in cases()]
    or [pytest.param(None, marks=needs_shared, id="none")],
)
def test_a_case_comes_out_right(checks: Any, case: Any):
    differences = list(checks.check(CASES, case))
    if case["name"] in WAITING:
        assert differences, "right now: it leaves the table"
    else:
        assert not differences, case["why"]


@needs_shared
def test_only_cases_wait():
    assert WAITING.keys() <= {case["name"] for case in cases()}
