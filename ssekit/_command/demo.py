# The demonstration: a small server that streams a hand-written answer, and its client.
#
# What always holds here:
# - Nothing leaves the loopback interface; the system picks the port.
# - The server is shut down however the reading ends.
# - The stream is like that of a host of the chat format: reasoning, then text, then two tool calls
#   whose fragments alternate, the finish reason, the usage, the marker. It takes less than three
#   seconds.
# - A client that leaves is no error: nothing is written to standard error.

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
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
_USAGE = {
    "prompt_tokens": 84,
    "completion_tokens": 96,
    "total_tokens": 180,
    "completion_tokens_details": {"reasoning_tokens": 33},
}


@contextmanager
def response() -> Generator[HTTPResponse, None, None]:
    """Start the server, request its answer, and shut it down when the context ends."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
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


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: the client may leave at any moment."""


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for pause, event in _events():
            time.sleep(pause)
            self.wfile.write(event.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: standard error is for the summary."""


def _events() -> Iterator[tuple[float, ServerSentEvent]]:
    """Yield the events of the answer, each with the pause before it."""
    parts: tuple[Iterable[dict[str, object]], ...] = (
        [
            _chunk(role="assistant"),
            *(_chunk(reasoning_content=piece) for piece in _REASONING.split("|")),
        ],
        [_chunk(content=piece) for piece in _TEXT.split("|")],
        _tool_calls(),
        [_chunk("tool_calls"), {"choices": [], "usage": _USAGE}],
    )
    for part in parts:
        pause = _THOUGHT
        for chunk in part:
            yield pause, ServerSentEvent(msgspec.json.encode(_CHUNK_FIELDS | chunk).decode())
            pause = _PACE
    yield _PACE, ServerSentEvent("[DONE]")


def _tool_calls() -> Iterator[dict[str, object]]:
    """Yield the start of both calls, and then a fragment of each in turn."""
    for index in (0, 1):
        function = {"name": "get_weather", "arguments": ""}
        call = {"index": index, "id": f"call_{index}", "type": "function", "function": function}
        yield _chunk(tool_calls=[call])
    for fragments in zip(*(arguments.split("|") for arguments in _ARGUMENTS), strict=True):
        for index, fragment in enumerate(fragments):
            call = {"index": index, "function": {"arguments": fragment}}
            yield _chunk(tool_calls=[call])


def _chunk(finish_reason: str | None = None, /, **delta: object) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}
