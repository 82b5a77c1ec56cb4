"""Every client reads every scenario. With `-v`, the table of both is printed after the tests."""

from __future__ import annotations

from typing import Any

import pytest

from ssekit import SSEKitError
from tests.thorough import pick
from tests.transports.clients import CLIENTS, Client, inflated
from tests.transports.scenarios import GZIP, SCENARIOS, Scenario
from tests.transports.server import Server, Visit

PATIENCE = 20  # seconds that a read may take
STALL = 0.5  # ... where nothing more will come

# The text, the stream, and the error that ended it.
Outcome = tuple[str, Any, SSEKitError | None]


async def read(client: Client, visit: Visit, timeout: float) -> Outcome:
    """Read the text of a visit; the server goes on when some of it is here."""
    received, ended = "", None
    async with client.opened(visit.url, timeout) as source:
        if visit.scenario.headers == GZIP and client.by_hand:
            source = inflated(source)
        stream = client.stream(source)
        try:
            async for text in stream.text():
                received += text
                visit.go_on()
        except SSEKitError as error:
            ended = error
    return received, stream, ended


def cells() -> list[Any]:
    """Return each client with each scenario that it can meet: no server is rude over HTTP/2.

    In a quick run a client meets every sixth of them, beginning with another one than the last.
    """
    return [
        pytest.param(client, scenario, id=f"{client.name} | {name}")
        for row, client in enumerate(CLIENTS)
        for column, (name, scenario) in enumerate(SCENARIOS.items())
        if not (client.http2 and scenario.is_rude)
        and (row + column) % pick(quick=6, thorough=1) == 0
    ]


@pytest.mark.parametrize(("client", "scenario"), cells())
def test_cell(client: Client, scenario: Scenario, server: Server):
    client.require()
    visit = server.visit(scenario)
    timeout = STALL if scenario.ended == "StreamTimeoutError" else PATIENCE
    received, stream, error = client.finish(lambda: read(client, visit, timeout))
    assert (received, stream.accumulator.text) == (scenario.text, scenario.text)
    assert scenario.ended == ("done" if error is None else type(error).__name__), repr(error)
    assert stream.decoder.error is error
    if error is None:
        assert stream.result() == stream.snapshot()
    else:
        assert error.partial == stream.snapshot()
    if scenario.ended in ("StreamInterruptedError", "StreamTimeoutError"):
        assert isinstance(error.__cause__, Exception)
    if scenario.ended == "StatusError":
        reported = (error.status_code, error.retry_after)
        assert reported == (scenario.status, scenario.headers.get("retry-after"))
