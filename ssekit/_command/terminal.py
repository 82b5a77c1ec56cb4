# Writing to standard output and standard error, for both commands.
#
# What always holds here:
# - On a terminal, the control characters of a stream are escaped, so that none of them acts.
# - Each write is flushed.

from __future__ import annotations

import io
import os
import re
from typing import TextIO

import msgspec

__all__ = ["CONTROL", "Output", "json_line"]

# C0 without tab and line feed, DEL, and C1.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Output:
    """Standard output or standard error: in UTF-8 whatever the locale, and unbuffered."""

    def __init__(self, file: TextIO | None) -> None:
        if isinstance(file, io.TextIOWrapper):
            file.reconfigure(encoding="utf-8", errors="replace")
        self._file = file or io.StringIO()  # None: closed by the parent process
        self.is_terminal = self._file.isatty()
        self._has_color = not os.environ.get("NO_COLOR")

    def write(self, text: str, *, dimmed: bool = False) -> None:
        if self.is_terminal:
            text = _escape(text, r"\x%02x")
            if dimmed and self._has_color:
                text = f"\x1b[2m{text}\x1b[22m"
        self._write(text)

    def overwrite(self, text: str) -> None:
        """Replace the latest line of a terminal."""
        self._write(f"\r{text}\x1b[K")

    def _write(self, text: str) -> None:
        try:
            self._file.write(text)
            self._file.flush()
        except BrokenPipeError:
            # The rest of the buffer would fail again, with a message, at the interpreter's end.
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), self._file.fileno())
            raise


def _escape(text: str, form: str) -> str:
    return CONTROL.sub(lambda character: form % ord(character[0]), text)


def json_line(value: object) -> str:
    """Encode a value as a line of JSON without control characters."""
    # JSON itself does not escape DEL and C1.
    return _escape(msgspec.json.encode(value).decode(), r"\u%04x") + "\n"
