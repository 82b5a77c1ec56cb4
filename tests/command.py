"""The command as a process, and a terminal that is none."""

import io
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import ssekit

posix = pytest.mark.skipif(
    sys.platform == "win32", reason="signals, terminals and named pipes as POSIX has them"
)

TIMEOUT = 60  # seconds: for a machine that is busy, not a figure of merit


class Terminal(io.TextIOWrapper):
    """Standard output or standard error, as bytes in memory."""

    def isatty(self) -> bool:
        return True


def started(*argv: Any, **options: Any) -> subprocess.Popen[bytes]:
    """Start the command in a process of its own."""
    # A child inherits that its parent ignores interrupts, as one in the background may.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            [sys.executable, "-X", "dev", "-m", "ssekit", *argv],
            cwd=Path(ssekit.__file__).parents[1],
            bufsize=0,
            **options,
        )
    finally:
        signal.signal(signal.SIGINT, handler)
