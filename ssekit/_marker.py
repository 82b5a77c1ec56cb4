# Events without a chunk: the end marker `[DONE]`, and data that is blank.

from __future__ import annotations

import enum
from typing import Final


class Done(enum.Enum):
    """The type of `DONE`, which `decode` returns for the end marker."""

    DONE = "[DONE]"


DONE: Final = Done.DONE


def is_marker(data: str) -> bool:
    """Whether the data of an event is the end marker: `[DONE]`, however it is written."""
    return len(data) < 100 and data.strip().strip("\"'").strip().upper() in ("[DONE]", "DONE")


def is_blank(data: str) -> bool:
    """Whether the data of an event is empty, white space or `null`."""
    return not data or data.isspace() or (len(data) < 100 and data.strip() == "null")
