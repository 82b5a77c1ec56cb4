"""How thorough the tests are, and how those run that are coroutine functions."""

import inspect
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.shells import RUNNERS, SHELLS, Shell, run_asyncio

# Machines differ and are shared: nothing is judged by the clock, and the same examples come in
# every run of the gate.
settings.register_profile(
    "default", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("random", settings.get_profile("default"), derandomize=False)
# For a Python or a dependency whose only news would be a plain failure.
settings.register_profile("quick", settings.get_profile("default"), max_examples=20)
settings.register_profile("slow", settings.get_profile("random"), max_examples=20_000)
PROFILE = os.environ.get("SSEKIT_HYPOTHESIS", "default")
settings.load_profile(PROFILE)

# How many examples those tests take that look for what nobody thought of: once in the gate, many.
THOROUGH = max(1_000 if "SSEKIT_THOROUGH" in os.environ else 0, settings().max_examples)


@pytest.fixture(params=SHELLS.values(), ids=SHELLS)
def shell(request: pytest.FixtureRequest) -> Shell:
    """Run the test with the synchronous shells, and with the asynchronous ones in every loop."""
    return request.param


@pytest.fixture(params=RUNNERS.values(), ids=RUNNERS)
def any_loop(request: pytest.FixtureRequest) -> Any:
    """Run the test in every loop; without this, one that is a coroutine function has asyncio."""
    return request.param


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine function."""
    test, fixtures = pyfuncitem.obj, pyfuncitem.funcargs
    if not inspect.iscoroutinefunction(test):
        return None
    run = fixtures["shell"].run if "shell" in fixtures else fixtures.get("any_loop", run_asyncio)
    run(lambda: test(**{name: fixtures[name] for name in inspect.signature(test).parameters}))
    return True
