# Writing to standard output and standard error, for both commands.
#
# What always holds here:
# - On a terminal, the control characters of a stream are escaped: none can move the cursor, or hide
#   or reorder text.
# - Each write is flushed.

from __future__ import annotations

import io
import os
import re
import shutil
from typing import TextIO

import msgspec

# C0 without tab and line feed, DEL, and C1; and the characters of Unicode that change the order of
# the text (Bidi_Control), end a line, or have no width. The joiners U+200C and U+200D are not among
# them: Persian, the scripts of India, and emoji are written with them.
CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)

# The first of the characters that take two columns, and between which a line may end.
_WIDE = "\u2e80"
# Spaces, and a line end, a wide character, or a word or the rest of one.
_WORD = re.compile(rf"([ \t]*)([\n{_WIDE}-\U0010ffff]|[^ \t\n{_WIDE}-\U0010ffff]+)")


class Output:
    """Standard output or standard error: in UTF-8 whatever the locale, and unbuffered."""

    def __init__(self, file: TextIO | None) -> None:
        if isinstance(file, io.TextIOWrapper):
            file.reconfigure(encoding="utf-8", errors="replace")
        self._file = file or io.StringIO()  # None: closed by the parent process
        self.is_terminal = self._file.isatty()
        self._has_color = not os.environ.get("NO_COLOR")
        # Where the next word of a text begins, and the spaces before it.
        self._column = 0
        self._spaces = ""

    def write(self, text: str) -> None:
        self._write(self._escaped(text))

    def write_words(self, text: str, *, dimmed: bool = False) -> None:
        """Write a piece of a text; on a terminal, in lines that end between words."""
        if self.is_terminal:
            text = self._wrapped(self._escaped(text))
            if dimmed and self._has_color:
                text = f"\x1b[2m{text}\x1b[22m"
        self._write(text)

    def overwrite(self, text: str) -> None:
        """Replace the latest line of a terminal."""
        self._write(f"\r{text}\x1b[K")

    def _escaped(self, text: str) -> str:
        if not self.is_terminal:
            return text
        return CONTROL.sub(lambda control: ascii(control[0])[1:-1], text)

    def _wrapped(self, text: str) -> str:
        """Begin a line before each word that does not fit.

        The beginning of a word may be on the screen before the rest comes, and stays where it is:
        the last tenth of a line is for the rest.
        """
        columns = shutil.get_terminal_size().columns
        text = self._spaces + text
        self._spaces = text[len(text.rstrip(" \t")) :]
        wrapped = ""
        for spaces, word in _WORD.findall(text):
            width = sum(1 + (character >= _WIDE) for character in spaces + word)
            if word == "\n":
                self._column = 0
            elif (spaces or word >= _WIDE) and self._column > max(0, columns * 9 // 10 - width):
                spaces, self._column = "\n", width - len(spaces)
            else:
                self._column = (self._column + width) % columns
            wrapped += spaces + word
        return wrapped

    def _write(self, text: str) -> None:
        try:
            self._file.write(text)
            self._file.flush()
        except BrokenPipeError:
            # The rest of the buffer would fail again, with a message, at the interpreter's end.
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), self._file.fileno())
            raise


def json_line(value: object) -> str:
    """Encode a value as a line of JSON without control characters (msgspec escapes only C0)."""
    text = msgspec.json.encode(value).decode()
    return CONTROL.sub(lambda control: rf"\u{ord(control[0]):04x}", text) + "\n"
