# Standard output and standard error, as the commands write to them.
#
# What always holds here:
# - On a terminal, no control character of a stream acts: they are shown escaped.
# - What is written is there at once.

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
    """Standard output or standard error: UTF-8 whatever the locale, and never held back."""

    def __init__(self, file: TextIO | None) -> None:
        if isinstance(file, io.TextIOWrapper):
            file.reconfigure(encoding="utf-8", errors="replace")
        self._file = file or io.StringIO()  # None where whoever started us has closed it
        self.is_terminal = self._file.isatty()
        self._has_color = not os.environ.get("NO_COLOR")

    def write(self, text: str, *, dimmed: bool = False) -> None:
        if self.is_terminal:
            text = _escape(text, r"\x%02x")
            if dimmed and self._has_color:
                text = f"\x1b[2m{text}\x1b[22m"
        self._write(text)

    def overwrite(self, text: str) -> None:
        """Write over the latest line of a terminal."""
        self._write(f"\r{text}\x1b[K")

    def _write(self, text: str) -> None:
        try:
            self._file.write(text)
            self._file.flush()
        except BrokenPipeError:
            # What is left in the buffer would fail again, aloud, when the interpreter shuts down.
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), self._file.fileno())
            raise


def _escape(text: str, form: str) -> str:
    return CONTROL.sub(lambda character: form % ord(character[0]), text)


def json_line(value: object) -> str:
    # JSON itself lets DEL and C1 stand.
    return _escape(msgspec.json.encode(value).decode(), r"\u%04x") + "\n"
