"""One server for all the tests of a session."""

from collections.abc import Iterator

import pytest

from tests.transports.server import Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with Server().running() as running:
        yield running
