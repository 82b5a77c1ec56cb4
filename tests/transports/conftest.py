"""One server for all the tests of a session, and the table of what they found."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.transports.clients import CLIENTS
from tests.transports.scenarios import SCENARIOS
from tests.transports.server import Server

MARKS = {"passed": "yes", "failed": "NO", "error": "NO", "skipped": "skipped"}


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with Server().running() as running:
        yield running


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """With `-v`, print which client reads which scenario."""
    found = {
        report.nodeid.partition("test_cell[")[2].removesuffix("]"): mark
        for outcome, mark in MARKS.items()
        for report in terminalreporter.stats.get(outcome, ())
        if "test_cell[" in report.nodeid
    }
    if not found or config.get_verbosity() < 1:
        return
    terminalreporter.section("client by scenario")
    for number, scenario in enumerate(SCENARIOS, 1):
        terminalreporter.write_line(f"{number:2} {scenario}")
    numbers = " ".join(f"{number:>3}" for number in range(1, len(SCENARIOS) + 1))
    terminalreporter.write_line(f"{'':24}{numbers}")
    for client in CLIENTS:
        marks = (found.get(f"{client.name} | {name}", "") for name in SCENARIOS)
        row = " ".join(f"{mark[:3]:>3}" for mark in marks)
        terminalreporter.write_line(f"{client.name:24}{row}")
