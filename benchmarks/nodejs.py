# Node's eventsource-parser with JSON.parse, in a process of its own (`node/parse.mjs`).
#
# It needs `node`, and `npm install` in `benchmarks/node`.

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["Node", "node_versions"]

_FOLDER = Path(__file__).parent / "node"
_PARSER = "eventsource-parser"


def node_versions() -> tuple[bool, dict[str, str]]:
    """Return whether Node's parser can be run, and what to say of Node and of the parser."""
    node = shutil.which("node")
    package = _FOLDER / "node_modules" / _PARSER / "package.json"
    versions = {
        "node": "absent" if node is None else _output([node, "--version"]),
        _PARSER: json.loads(package.read_bytes())["version"] if package.exists() else "absent",
    }
    return "absent" not in versions.values(), versions


def _output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


class Node:
    """A process that parses some reads, each time that it is asked to.

    Attributes:
        events: How many it finds.
    """

    def __init__(self, reads: list[bytes]) -> None:
        self._reads = reads
        self._stack = ExitStack()
        self.events = 0

    def __enter__(self) -> Self:
        with self._stack as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            file = folder / "reads"
            lengths = json.dumps([len(read) for read in self._reads]).encode()
            file.write_bytes(b"\n".join([lengths, b"".join(self._reads)]))
            self._process = stack.enter_context(
                subprocess.Popen(
                    ["node", str(_FOLDER / "parse.mjs"), str(file)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            self.events = int(self._answer())
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()  # leaving the process closes its input, which ends it

    def seconds(self) -> float:
        """Let it parse all of the reads once, and return the seconds that took it."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(self._answer())

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()
