"""A server for the tests: Hypercorn, and a rude one for what Hypercorn would not send."""

from __future__ import annotations

import asyncio
import itertools
import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import hypercorn.asyncio
import hypercorn.config

from ssekit import encode_comment
from tests.transports.scenarios import Raw, Scenario, Step

PATIENCE = 20  # seconds that a server waits for a client that should have come


class Visit:
    """One request to come: where it goes to, and what it is answered with."""

    def __init__(self, url: str, scenario: Scenario, loop: asyncio.AbstractEventLoop) -> None:
        self.url = url
        self.scenario = scenario
        self._loop = loop
        self._permits = asyncio.Semaphore(0)
        self.left = threading.Event()  # set when a client goes while the server STALLs
        self.request = b""  # the head of the request, where the rude server has it

    def go_on(self) -> None:
        """Let the server go on after a WAIT, from any thread."""
        self._loop.call_soon_threadsafe(self._permits.release)

    async def permission(self) -> None:
        await asyncio.wait_for(self._permits.acquire(), PATIENCE)


class Server:
    """Answers each visit with its scenario."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._started = threading.Event()
        self._visits: dict[str, Visit] = {}
        self._tokens = map(str, itertools.count())
        self._sockets = [socket.create_server(("127.0.0.1", 0)) for _ in "12"]
        self._polite, self._rude = (s.getsockname()[1] for s in self._sockets)
        self.clients: set[Any] = set()  # the addresses that were seen: one for each connection

    def visit(self, scenario: Scenario) -> Visit:
        """Return a fresh visit, to the server that can do what the scenario asks."""
        port, token = self._rude if scenario.is_rude else self._polite, next(self._tokens)
        visit = Visit(f"http://127.0.0.1:{port}/{token}", scenario, self._loop)
        self._visits[token] = visit
        return visit

    async def serve(self) -> None:
        polite, rude = self._sockets
        config = hypercorn.config.Config()
        config.bind = [f"fd://{polite.detach()}"]
        config.errorlog = None
        serving = hypercorn.asyncio.serve(
            self._application, config, shutdown_trigger=asyncio.Event().wait
        )
        # At the end, the runner cancels Hypercorn and all connections. (A graceful end of either
        # server waits for clients that keep their connections: for ever, by Python 3.15.)
        with closing(await asyncio.start_server(self._converse, sock=rude)):
            task = asyncio.create_task(serving)
            self._started.set()
            await self._stopping.wait()
        task.cancel()

    async def _application(self, scope: Any, receive: Any, send: Any) -> None:
        """The visits as an ASGI application, over HTTP/1.1 and HTTP/2."""
        if scope["type"] != "http":
            return
        self.clients.add(tuple(scope["client"]))
        visit = self._visits[scope["path"].strip("/")]
        while (await receive()).get("more_body"):
            pass
        head = visit.scenario.head
        head.pop("transfer-encoding", None)  # Hypercorn frames what has no length
        headers = [(name.encode(), value.encode()) for name, value in head.items()]
        status = visit.scenario.status
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for step in visit.scenario.steps:
            if isinstance(step, bytes):
                await send({"type": "http.response.body", "body": step, "more_body": True})
            elif step is Step.WAIT:
                await visit.permission()
            elif step is Step.KEEP_ALIVE:
                left = asyncio.ensure_future(receive())
                while not left.done():
                    comment = encode_comment("keepalive")
                    await send({"type": "http.response.body", "body": comment, "more_body": True})
                    await asyncio.wait([left], timeout=0.02)
                visit.left.set()
            else:
                assert step is Step.STALL
                while (await receive())["type"] != "http.disconnect":
                    pass
                visit.left.set()
        await send({"type": "http.response.body", "body": b""})

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The visits of one connection of the rude server."""
        self.clients.add(tuple(writer.get_extra_info("peername")))
        with (
            closing(writer),
            suppress(ConnectionError, TimeoutError, asyncio.IncompleteReadError),
        ):
            while await self._answer(reader, writer):
                pass
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer the next request; True if the connection may have another one."""
        head_of_request = await reader.readuntil(b"\r\n\r\n")
        request = head_of_request.decode()
        length = re.search(r"(?i)^content-length: *(\d+)", request, re.MULTILINE)
        await reader.readexactly(int(length[1]) if length else 0)
        visit = self._visits[request.split()[1].strip("/")]
        visit.request = head_of_request
        scenario = visit.scenario
        head = "".join(f"{name}: {value}\r\n" for name, value in scenario.head.items())
        writer.write(f"HTTP/1.1 {scenario.status} .\r\n{head}\r\n".encode())
        for step in scenario.steps:
            match step:
                case bytes():
                    chunked = scenario.framing == "chunked"
                    writer.write(b"%x\r\n%b\r\n" % (len(step), step) if chunked else step)
                case Raw(data):
                    writer.write(data)
                case Step.WAIT:
                    await visit.permission()
                case Step.STALL:
                    await reader.read()
                    visit.left.set()
                case Step.CUT:
                    return False
                case Step.RESET:
                    # Closing with a time to linger of none sends RST (socket(7), SO_LINGER).
                    linger = struct.pack("ii", 1, 0)
                    connection = writer.get_extra_info("socket")
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    writer.transport.abort()
                    return False
            await writer.drain()
        if scenario.framing == "chunked":
            writer.write(b"0\r\n\r\n")
        return scenario.framing != "close"

    @contextmanager
    def running(self) -> Iterator[Server]:
        def run() -> None:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self.serve())

        thread = threading.Thread(target=run)
        thread.start()
        self._started.wait()
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._stopping.set)
            thread.join()
