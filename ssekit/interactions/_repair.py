# The shapes of other hosts and versions, brought into the shape of an event.
#
# Nothing here runs for an ordinary event. What is passed in is any JSON whatever: each step checks
# types first.

from __future__ import annotations

import json
from typing import Any, Final, get_args

from ssekit._json import objects, parse_object, spell
from ssekit.interactions._events import AnyEvent

_KNOWN: Final = [struct.__struct_config__.tag for struct in get_args(AnyEvent)]
_RUNNING: Final = ("in_progress", "queued")


def repair(body: dict[str, Any]) -> None:
    """Bring an event into the shape of the vendor's, in place."""
    if body.get("object") == "interaction" and body.get("event_type") is None:
        # The whole answer, as from the endpoint without `stream`.
        whole = dict(body)
        body.clear()
        end = "created" if whole.get("status") in _RUNNING else "completed"
        body.update(event_type=f"interaction.{end}", interaction=whole)
    # The format puts the type of the event's line into `type`.
    kind, line = body.get("event_type"), body.get("type")
    if kind == line and kind is not None:
        del body["type"]
    elif line in _KNOWN and not isinstance(kind, str):
        body["event_type"] = body.pop("type")
    steps = [body.get("step"), body.get("content"), body.get("delta")]
    for interaction in objects([body.get("interaction")]):
        for field in ("steps", "outputs"):
            steps += objects(interaction.get(field))
    for step in objects(steps):
        _repair_step(step)


def _repair_step(step: dict[str, Any]) -> None:
    if step.get("type") == "arguments_delta":
        for field in ("arguments", "partial_arguments"):
            spell(step, field)
            if isinstance(step.get(field), dict | list):
                step[field] = json.dumps(step[field])
    elif isinstance(step.get("arguments"), str):  # the JSON text, as in other APIs
        text = step.pop("arguments")
        step["arguments"] = parse_object(text)
        if step["arguments"] is None:
            step["partial_arguments"] = text
    spell(step, "text")
    for field in ("content", "summary"):
        if field in step:
            contents = step[field]
            for content in objects(contents if isinstance(contents, list) else [contents]):
                spell(content, "text")
