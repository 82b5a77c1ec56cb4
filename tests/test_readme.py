"""The README is true: each of its examples runs, and prints what stands below it."""

import asyncio
import json
import re
import threading
import time
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from ssekit import auto
from ssekit._accumulator import FINISH_REASONS
from tests.readme import EXAMPLES, README, Host, known, run
from tests.shared import WITHOUT_DASK
from tests.streams import ARGUMENTS, CALL, REASONING, STREAMS, TEXT, TOKENS

# By the module that an example imports, the one that must be there, and why it may not be.
MAY_BE_MISSING = {
    "niquests": ("niquests", "niquests is in the dependency group transports"),
    "dask": ("distributed", WITHOUT_DASK),
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Host) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_prints_what_stands_below_it(
    example: dict[str, str], url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for named, (module, reason) in MAY_BE_MISSING.items():
        if f"import {named}" in example["code"]:
            pytest.importorskip(module, reason=reason)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    if "sleep" in example["code"]:  # a cluster's own sleep is not to be touched
        real_sleep = asyncio.sleep
        monkeypatch.setattr(time, "sleep", lambda seconds: None)
        monkeypatch.setattr(asyncio, "sleep", lambda seconds: real_sleep(0))
    values = known(url, tmp_path)
    named = re.findall(r"(\w+)(?:=(\w+))?", example["given"] or "")
    given = {name: values.get(other or name) for name, other in named} | {"__name__": "__main__"}
    printed = run(example["code"], given, values["url"])
    # A line of its own ends what an example may leave open.
    assert printed.rstrip("\n") == (example["output"] or "").rstrip("\n")


# What the loop of the vocabulary prints of the streams that are written by hand.
PRINTED = [
    *(f"thinking: {piece}" for piece in REASONING),
    *(f"text: {piece}" for piece in TEXT),
    f"call: {CALL[1]} {json.loads(''.join(ARGUMENTS))}",
    "tokens: {} {}".format(*TOKENS),
]
WITHOUT = {"completions": ("thinking", "call")}


@pytest.mark.parametrize("name", auto.FORMATS)
def test_the_loop_of_the_vocabulary_reads_every_format(name: str):
    [loop] = [example["code"] for example in EXAMPLES if example["given"] == "source"]
    lines = run(loop, {"source": STREAMS[name]}).splitlines()
    expected = [line for line in PRINTED if not line.startswith(WITHOUT.get(name, ("-",)))]
    assert set(expected) < set(lines)  # one vendor gives the tokens more than once
    assert lines[-1].startswith("finish: ")


def test_every_example_is_found():
    text = README.read_text(encoding="utf-8")
    assert len(EXAMPLES) == text.count("```python") > 5
    assert all(example["output"] for example in EXAMPLES)


def test_the_two_commands_stand_in_exactly_these_words():
    text = README.read_text(encoding="utf-8")
    assert "\npython -m pip install . && python -m ssekit demo\n" in text
    assert '\npython -m pip install -e ".[test]" && python -m pytest\n' in text


def test_the_table_of_finish_reasons_is_that_of_the_code():
    text = README.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (`.*) \|$", text, re.MULTILINE)
    table = {
        word: reason
        for reason, words in rows
        if reason in set(FINISH_REASONS.values())
        for word in re.findall(r"`(\w+)`", words.partition(";")[0])
    }
    assert table == FINISH_REASONS
