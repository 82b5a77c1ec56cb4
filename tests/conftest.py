"""How coroutine functions run as tests, which tests a quick run leaves out, what is garbage."""

import gc
import inspect
from typing import Any

import pytest

from tests.shells import RUNNERS, SHELLS, Shell, run_asyncio
from tests.thorough import THOROUGH


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [item for item in items if item.get_closest_marker("thorough") and not THOROUGH]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_collection_finish() -> None:
    # Thousands of tests are no garbage: looking through them took half a second each time.
    gc.collect()
    gc.freeze()


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
