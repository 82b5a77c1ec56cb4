"""What is mapped over the names of files: `archive.py`."""

import json
import os
import pickle
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given

from ssekit import ServerSentEvent, SSEKitError, archive, auto, chat
from ssekit.testing import EventStream, Fault, chat_streams, event_streams, faults, response_streams
from tests.shared import WITHOUT_DASK, needs_shared, recordings
from tests.streams import STREAMS, typed
from tests.wire import DONE, A, B, event, text

STOP = event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
REPORTED = {"message": "slow down", "code": 429, "type": "rate"}
STARTED = typed("message_start", message={"id": "m", "content": []})

# What a file holds; format, state and ended_by of its record; and its error, but for the message.
FILES: dict[str, tuple[bytes, tuple[Any, ...], dict[str, Any] | None]] = {
    "marker": (A + DONE, ("chat", "done", "marker"), None),
    "event": (STARTED + typed("message_stop"), ("messages", "done", "event"), None),
    "finish": (A + STOP, ("chat", "done", "finish"), None),
    "empty": (b"", ("chat", "truncated", None), {"type": "StreamTruncatedError"}),
    "no stream": (b"\x89PNG\r\n\0", ("chat", "truncated", None), {"type": "StreamTruncatedError"}),
    "cut": (STARTED, ("messages", "truncated", None), {"type": "StreamTruncatedError"}),
    "cut in an event": (A + B[:9], ("chat", "truncated", None), {"type": "StreamTruncatedError"}),
    "no JSON": (A + event("x"), ("chat", "failed", None), {"type": "DecodeError"}),
    "reported": (
        A + event({"error": REPORTED}),
        ("chat", "failed", None),
        {"type": "APIError", "code": "429", "body": REPORTED},
    ),
}  # fmt: skip


def write(folder: Path, data: bytes) -> Path:
    file = folder / "recorded.sse"
    file.write_bytes(data)
    return file


@pytest.mark.parametrize(("data", "end", "error"), FILES.values(), ids=FILES)
def test_a_record_has_the_end_of_a_file(
    tmp_path: Path, data: bytes, end: tuple[Any, ...], error: dict[str, Any] | None
):
    file = write(tmp_path, data)
    stated = msgspec.to_builtins(archive.collect(file))
    assert (stated["format"], stated["state"], stated["ended_by"]) == end
    assert stated["file"] == str(file)
    assert ("result" in stated) is (error is None)
    if error is not None:
        failure = stated.pop("error")
        assert failure.pop("message")
        assert failure.pop("partial") is not None
        assert failure == error


@pytest.mark.parametrize("name", STREAMS)
def test_a_result_is_the_one_that_auto_collects(tmp_path: Path, name: str):
    file = write(tmp_path, b"".join(STREAMS[name]))
    record = archive.collect(file)
    assert record.result == auto.collect(file)
    assert record.format == name
    assert archive.collect(str(file), format=name) == record


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("missing.sse", "FileNotFoundError"),
        (".", "IsADirectoryError"),
        ("no\0name", "ValueError"),
    ],
)
def test_a_file_that_cannot_be_opened_has_a_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: str
):
    monkeypatch.chdir(tmp_path)
    record = archive.collect(name)
    assert (record.file, record.format, record.state) == (name, None, "failed")
    assert record.error is not None
    assert record.error.type == error
    assert archive.collect(name, format="chat").format == "chat"


def test_a_name_that_is_no_utf8_can_be_printed():
    record = archive.collect(os.fsdecode(b"\xff.sse"))
    assert record.file == "\ufffd.sse"
    assert msgspec.json.decode(msgspec.json.encode(record), type=archive.Record) == record


def test_what_nobody_foresaw_costs_only_its_own_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def exhausted(self: Any) -> None:
        raise MemoryError("no more")

    monkeypatch.setattr(chat.Accumulator, "snapshot", exhausted)
    record = archive.collect(write(tmp_path, A + DONE))
    assert (record.state, record.ended_by) == ("failed", None)
    assert record.error == archive.Failure(type="MemoryError", message="no more")


def test_misuse_is_raised():
    with pytest.raises(TypeError):
        archive.collect(5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"auto, chat, .* got 'yaml'"):
        archive.collect("file", format="yaml")


def check_record(record: archive.Record) -> None:
    assert pickle.loads(pickle.dumps(record)) == record
    line = json.loads(msgspec.json.encode(record))
    assert (line["file"], line["state"]) == (record.file, record.state)


@given(broken=faults(chat_streams() | response_streams()), wire=event_streams())
def test_any_file_has_a_record_that_pickles_and_encodes(
    tmp_path_factory: pytest.TempPathFactory, broken: Fault, wire: EventStream
):
    for data in (b"".join(broken.reads), wire.data):
        check_record(archive.collect(write(tmp_path_factory.getbasetemp(), data)))


def test_what_no_string_can_hold_is_mended(tmp_path: Path):
    halves = ServerSentEvent(r'{"error": {"message": "\ud83d", "\udc00": ["\ud800", 1e999]}}')
    check_record(archive.collect(write(tmp_path, text("é") + halves.encode())))


@needs_shared
def test_dask_gives_the_same_records(tmp_path: Path):
    pytest.importorskip("distributed", reason=WITHOUT_DASK)
    import dask.bag
    from dask.distributed import Client

    files = [str(tmp_path)]
    for endpoint in auto.FORMATS:
        for number, recording in enumerate(recordings(endpoint)):
            files.append(str(tmp_path / f"{endpoint}-{number}.sse"))
            Path(files[-1]).write_bytes(recording.data)
    with Client(n_workers=2, threads_per_worker=1, dashboard_address=None):
        bag = dask.bag.from_sequence(files, partition_size=64)
        assert bag.map(archive.collect).compute() == list(map(archive.collect, files))


def test_results_and_errors_of_auto_pickle_too(tmp_path: Path):
    collect = pickle.loads(pickle.dumps(auto.collect))
    assert collect(write(tmp_path, A + DONE)) == auto.collect(write(tmp_path, A + DONE))
    with pytest.raises(SSEKitError) as raised:
        collect(write(tmp_path, A))
    assert pickle.loads(pickle.dumps(raised.value)).partial == raised.value.partial
