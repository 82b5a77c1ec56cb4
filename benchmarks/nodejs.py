# eventsource-parser with JSON.parse, in a process of Node's (`node/parse.mjs`).

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from benchmarks.measure import Clocked

__all__ = ["node_parser", "node_versions"]

_FOLDER = Path(__file__).parent / "node"
_PARSER = "eventsource-parser"


def node_versions() -> dict[str, str]:
    """Return the versions of Node and of the parser, each of which may be "absent"."""
    node = shutil.which("node")
    package = _FOLDER / "node_modules" / _PARSER / "package.json"
    versions = {"node": "absent", _PARSER: "absent"}
    if node is not None:
        versions["node"] = subprocess.check_output([node, "--version"], text=True).strip()
    if package.exists():
        versions[_PARSER] = json.loads(package.read_bytes())["version"]
    return versions


@contextmanager
def node_parser(streams: list[list[bytes]]) -> Iterator[tuple[int, Clocked]]:
    """Start the process. Yield the number of events in the streams, and the clocked run."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "reads")
        lengths = json.dumps([list(map(len, reads)) for reads in streams]).encode()
        file.write_bytes(b"\n".join([lengths, b"".join(chain.from_iterable(streams))]))
        command = ["node", str(_FOLDER / "parse.mjs"), str(file)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        ) as process:
            stdin, stdout = process.stdin, process.stdout
            assert stdin is not None
            assert stdout is not None

            def seconds() -> float:
                print(file=stdin)  # each line asks for one run
                return float(stdout.readline())

            yield int(stdout.readline()), seconds
