# Events that have no chunk: the end marker `[DONE]`, and blank data.

from __future__ import annotations

import enum
from typing import Final

__all__ = ["DONE", "Done", "is_blank", "is_marker"]


class Done(enum.Enum):
    """The type of `DONE`, which `decode` returns for the end marker."""

    DONE = "[DONE]"


DONE: Final = Done.DONE


def is_marker(data: str) -> bool:
    """Whether the data of an event is the end marker `[DONE]`, in any of the hosts' spellings."""
    return len(data) < 100 and data.strip().strip("\"'").strip().upper() in ("[DONE]", "DONE")


def is_blank(data: str) -> bool:
    """Whether the data of an event is empty, white space or `null`."""
    return not data or data.isspace() or (len(data) < 100 and data.strip() == "null")
