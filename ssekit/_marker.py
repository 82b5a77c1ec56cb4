# Events that have no chunk, which are the end marker `[DONE]` and empty data; and events, or the
# marker, that are joined to the one before them.

from __future__ import annotations

import enum
import re
from typing import Final

__all__ = ["DONE", "Done", "is_blank", "is_empty", "is_marker", "unglued"]

# The group is the field name of another event, or of the end marker, behind data whose line has no
# end. There is none in a string. (A cut one has no comma, colon or bracket behind its quotes.)
_GLUE: Final = re.compile(
    r""""[^"\n]*"(?=\s*[,:}\]])|((?<=\S)\s*data:\s*(?=\{)|data:\s*(?=["']?\[?done))""",
    re.IGNORECASE,
)


class Done(enum.Enum):
    """The type of `DONE`, which `decode` returns for the end marker."""

    DONE = "[DONE]"


DONE: Final = Done.DONE


def is_marker(data: str) -> bool:
    """Whether the data of an event is the end marker `[DONE]`, in any of the hosts' spellings."""
    return len(data) < 100 and data.strip().strip("\"'").strip().upper() in ("[DONE]", "DONE")


def is_blank(data: str) -> bool:
    """Whether a text is empty, white space or `null`."""
    return not data or data.isspace() or (len(data) < 100 and data.strip() == "null")


def is_empty(data: str) -> bool:
    """Whether each line of an event's data is blank, or a comment, which proxies send as data."""
    # (A brace may be a part of the answer.)
    return is_blank(data) or (
        "{" not in data and all(line[:1] == ":" or is_blank(line) for line in data.split("\n"))
    )


def unglued(data: str) -> str:
    """Return data in which each of the events that are joined on one line has a line of its own."""
    masked = data.replace("\\\\", "__").replace('\\"', "__")  # no escaped quotes, and as long
    lines, start = [], 0
    for found in _GLUE.finditer(masked):
        if found[1]:
            lines.append(data[start : found.start()])
            start = found.end()
    return "\n".join([*lines, data[start:]])
