# The demonstration: a small server that streams a hand-written answer, and its client.
#
# What always holds here:
# - Nothing leaves the loopback interface; the system picks the port.
# - The server is shut down however the reading ends.
# - The stream is like one of a host of the chat format: reasoning, then text, then two tool calls
#   whose fragments alternate, the finish reason, the usage, the marker. In under three seconds.
# - A client that leaves is no error: nothing is written to standard error.

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import msgspec

from ssekit import ServerSentEvent

# Seconds: the pause before an event, and before the model begins another part of the answer.
_PACE = 0.022
_THOUGHT = 0.15

# The fields that every chunk has.
_CHUNK_FIELDS: dict[str, object] = {
    "id": "chatcmpl-demo",
    "object": "chat.completion.chunk",
    "created": 1767225600,
    "model": "demo",
}
# Bars divide each text into the pieces of its events.
_REASONING = (
    "The| user| asks| how| the| weather| is| in| Tokyo| and| in| Paris|.| Neither| city| needs"
    "| the| other|,| so| I| can| call| the| tool| for| both| at| once|."
)
_TEXT = (
    "こん|にち|は|!| 🌦️| I| will| look| at| both| skies| at| the| same| time|:|"
    " 東京| 🗼| and| Paris| 🥐|.| Voil|à|,| 少々|お待ち|ください|…"
)
_ARGUMENTS = (
    '{"ci|ty": "|東京|", "uni|ts": "metric|"}',
    '{"ci|ty": "|Paris|", "uni|ts": "metric|"}',
)


@contextmanager
def response() -> Generator[HTTPResponse, None, None]:
    """Start the server, request its answer, and shut it down when the context ends."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        # A daemon, so that an interrupt at any moment leaves nothing to wait for.
        serving = Thread(target=server.serve_forever, kwargs={"poll_interval": _PACE}, daemon=True)
        serving.start()
        try:
            with closing(HTTPConnection("127.0.0.1", server.server_port, timeout=10)) as connection:
                connection.request("POST", "/v1/chat/completions")
                with connection.getresponse() as answer:
                    yield answer
        finally:
            server.shutdown()
            serving.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # for its chunked transfer

    def handle(self) -> None:
        with suppress(ConnectionError):  # the client may leave at any moment
            super().handle()

    def do_POST(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Connection", "close")
        self.end_headers()
        for pause, event in _events():
            time.sleep(pause)
            self._send(event.encode())
        self._send(b"")

    def _send(self, data: bytes) -> None:
        # RFC 9112, 7.1: a chunk is its size and its bytes; the last one is empty.
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: standard error is for the summary."""


def _events() -> Iterator[tuple[float, ServerSentEvent]]:
    """Yield the events of the answer, each with the pause before it."""
    pause = _THOUGHT
    for part in (_reasoning(), _text(), _tool_calls(), _end()):
        for chunk in part:
            yield pause, ServerSentEvent(msgspec.json.encode(_CHUNK_FIELDS | chunk).decode())
            pause = _PACE
        pause = _THOUGHT
    yield _PACE, ServerSentEvent("[DONE]")


def _reasoning() -> Iterator[dict[str, object]]:
    yield _chunk({"role": "assistant", "content": None})
    for piece in _REASONING.split("|"):
        yield _chunk({"reasoning_content": piece})


def _text() -> Iterator[dict[str, object]]:
    for piece in _TEXT.split("|"):
        yield _chunk({"content": piece})


def _tool_calls() -> Iterator[dict[str, object]]:
    """Yield the start of both calls, and then a fragment of each in turn."""
    for index in (0, 1):
        function = {"name": "get_weather", "arguments": ""}
        call = {"index": index, "id": f"call_{index}", "type": "function", "function": function}
        yield _chunk({"tool_calls": [call]})
    for fragments in zip(*(arguments.split("|") for arguments in _ARGUMENTS), strict=True):
        for index, fragment in enumerate(fragments):
            call = {"index": index, "function": {"arguments": fragment}}
            yield _chunk({"tool_calls": [call]})


def _end() -> Iterator[dict[str, object]]:
    yield _chunk({}, finish_reason="tool_calls")
    usage = {
        "prompt_tokens": 84,
        "completion_tokens": 96,
        "total_tokens": 180,
        "completion_tokens_details": {"reasoning_tokens": 33},
    }
    yield {"choices": [], "usage": usage}


def _chunk(delta: dict[str, object], finish_reason: str | None = None) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}
