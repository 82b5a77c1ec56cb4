"""The demonstration: `demo.py`."""

import json
import socket
import struct
import sys
import textwrap
import threading

import pytest

from ssekit import chat
from ssekit._command import demo
from ssekit._command.main import main


@pytest.fixture
def fast(monkeypatch):
    monkeypatch.setattr(demo, "_PACE", 0.001)
    monkeypatch.setattr(demo, "_THOUGHT", 0.002)


@pytest.fixture(autouse=True)
def _nothing_stays(capsys):
    """Neither a thread of the server nor a word of it on standard error."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(60)
        assert not thread.is_alive()
    assert capsys.readouterr().err == ""


def joined(pieces):
    return pieces.replace("|", "")


CALLS = "".join(f"tool call get_weather({joined(each)})\n" for each in demo._ARGUMENTS)


@pytest.mark.usefixtures("fast")
def test_the_answer_is_shown_like_any_other_stream(capsys):
    assert main(["demo"]) == 0
    shown = capsys.readouterr()
    assert shown.out == joined(demo._TEXT) + "\n"
    summary, code = shown.err.split("\n\n", 1)
    assert summary == (
        f"{CALLS}finished: tool_calls, 84 input + 96 output tokens (ended by marker)"
    )
    assert code.startswith("In Python, ")


@pytest.mark.usefixtures("fast")
def test_the_python_that_is_shown_does_the_same(capsys):
    main(["demo"])
    shown = capsys.readouterr()
    lines = shown.err.split("\n\n", 2)[2]
    with demo.response() as response:
        names = {"response": response}
        exec(textwrap.dedent(lines), names)
    assert sum(bool(line) for line in lines.splitlines()) == 5
    assert capsys.readouterr().out + "\n" == shown.out
    assert len(names["answer"].choices[0].message.tool_calls) == 2


@pytest.mark.usefixtures("fast")
def test_the_options_apply(capsys):
    assert main(["demo", "--json"]) == 0
    message = json.loads(capsys.readouterr().out)["choices"][0]["message"]
    assert message["reasoning_content"] == joined(demo._REASONING)
    arguments = [json.loads(call["function"]["arguments"]) for call in message["tool_calls"]]
    assert [each["city"] for each in arguments] == ["東京", "Paris"]


def test_it_has_something_of_everything():
    decoder = chat.decoder()
    for _, event in demo._events():
        decoder.feed(event)
    answer = decoder.accumulator
    assert (decoder.state, decoder.ended_by) == ("done", "marker")
    assert answer.reasoning
    assert not answer.text.isascii()
    assert len(answer.tool_calls) == 2
    assert answer.finish_reason == "tool_calls"
    assert answer.usage is not None


def test_the_pacing_is_real_and_under_three_seconds():
    assert 1.5 < sum(pause for pause, _ in demo._events()) < 2.5


@pytest.mark.usefixtures("fast")
def test_it_comes_over_a_socket_as_an_event_stream():
    with demo.response() as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/event-stream"
        assert chat.collect(response).usage is not None


@pytest.fixture
def hosts(monkeypatch):
    """The addresses of the servers that were started."""
    addresses = []

    class Server(demo._Server):
        def server_activate(self):
            super().server_activate()
            addresses.append(self.server_address)

    monkeypatch.setattr(demo, "_Server", Server)
    return addresses


@pytest.mark.usefixtures("fast")
@pytest.mark.parametrize("reads", [0, 1])
def test_an_interrupt_shuts_the_server_down_quietly(hosts, reads):
    def interrupted():
        with demo.response() as response:
            for _ in range(reads):
                assert response.read1()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(hosts[0], timeout=60)


@pytest.mark.usefixtures("fast")
def test_a_client_that_resets_the_connection_is_no_error(hosts):
    with demo.response() as response:
        with socket.create_connection(hosts[0], timeout=60) as client:
            client.sendall(b"POST / HT")
            # With a linger of 0 seconds, closing resets the connection.
            linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        assert chat.collect(response).usage is not None
