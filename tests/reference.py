"""An independent oracle for the wire: WHATWG HTML 9.2.5 and 9.2.6 over the whole text at once.

It shares no code and no idea with the decoder: no bytes, no state between reads, no fast road.
"""

import re
from dataclasses import dataclass, field


@dataclass
class Reference:
    """A stream as the standard has it."""

    events: list[tuple[str, str, str, int | None]] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    last_event_id: str = ""
    reconnection_time: int | None = None


def interpret(stream: bytes) -> Reference:
    reference = Reference()
    text = stream.decode("utf-8", "replace").removeprefix("\ufeff")
    *lines, _unfinished = re.split("\r\n|\r|\n", text)
    data, event, id_, retry = "", "", "", None
    for line in lines:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if line == "":
            reference.last_event_id = id_
            if data:
                reference.events.append((event or "message", data[:-1], id_, retry))
            data, event, retry = "", "", None
        elif line[0] == ":":
            reference.comments.append(value)
        elif name == "data":
            data += value + "\n"
        elif name == "event":
            event = value
        elif name == "id" and "\0" not in value:
            id_ = value
        elif name == "retry" and re.fullmatch("[0-9]+", value) and int(value) < 2**64:
            retry = reference.reconnection_time = int(value)
    return reference
