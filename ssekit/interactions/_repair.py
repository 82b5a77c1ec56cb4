# Repair of the dialects of hosts and versions: it rewrites an object into the shape of an event.
#
# Nothing here runs for an ordinary event. A body is any JSON object, so each step checks the types
# that it needs.

from __future__ import annotations

from typing import Any, Final, get_args

from ssekit._calls import take_arguments
from ssekit._fold import merge_fields
from ssekit._json import objects, spell, spell_json
from ssekit._server_error import error_within
from ssekit.interactions._events import AnyEvent, StepDeltaData

_KNOWN: Final = [struct.__struct_config__.tag for struct in get_args(AnyEvent)]
_DELTAS: Final = {struct.__struct_config__.tag for struct in get_args(StepDeltaData)} | {"thought"}
_RUNNING: Final = ("in_progress", "queued")
# The status that the name of an event implies.
_ENDS: Final = {
    "interaction.failed": "failed",
    "interaction.error": "failed",
    "response.failed": "failed",
    "interaction.cancelled": "cancelled",
    "interaction.incomplete": "incomplete",
}
# The fields of an event itself: any others belong to its interaction.
_OF_EVENTS: Final = ("event_type", "type", "event_id", "metadata")
# The field of each type of step that has its contents.
_CONTENTS: Final = {"model_output": "content", "user_input": "content", "thought": "summary"}
# The name that gateways have for a field of a type of step, and the field.
_OTHER_NAMES: Final = {"function_call": ("call_id", "id"), "thought": ("content", "summary")}


def find_error(body: dict[str, Any]) -> Any:
    """Return the error of an interaction, or an error event without its metadata, or None."""
    error = error_within(objects([body.get("interaction")]))
    kind = body.get("event_type") or body.get("type")
    if error is None and kind in ("error", "interaction.error"):
        return {name: value for name, value in body.items() if name != "metadata"}
    return error


def repair(body: dict[str, Any]) -> None:
    """Rewrite an object into the shape of an event, in place."""
    is_whole = body.get("object") == "interaction" or isinstance(body.get("steps"), list)
    kind = body.get("event_type")
    if kind == "finish":  # its other name, which gateways read
        body["event_type"] = kind = "interaction.completed"
    if is_whole and kind is None:
        # The whole answer, as from the endpoint without `stream`.
        end = "created" if body.get("status") in _RUNNING else "completed"
        body["event_type"] = kind = f"interaction.{end}"
        body.pop("type", None)
    if is_whole and str(kind).startswith("interaction.") and body.get("interaction") is None:
        # An event that has the fields of its interaction itself (LiteLLM).
        names = [name for name in body if name not in _OF_EVENTS]
        body["interaction"] = {name: body.pop(name) for name in names}
    # `Format` puts the type of the `event` line into `type`.
    line_type = body.get("type")
    if kind == line_type and kind is not None:
        del body["type"]
    elif not isinstance(kind, str) and line_type in (*_KNOWN, *_ENDS):
        body["event_type"] = kind = body.pop("type")
    if isinstance(kind, str) and kind in _ENDS:
        body["event_type"] = "interaction.completed"
        body["status"] = body.get("status") or _ENDS[kind]
    for delta in objects([body.get("delta")]):
        _repair_delta(delta)
    steps = [body.get("step"), body.get("content"), body.get("delta")]
    holders = objects([body, body.get("interaction")])
    for usage in objects([holder.get("usage") for holder in holders]):
        _repair_usage(usage)
    for interaction in objects([body.get("interaction")]):
        for field in ("steps", "outputs"):
            steps += objects(interaction.get(field))
    for step in objects(steps):
        _repair_step(step)


def _repair_usage(usage: dict[str, Any]) -> None:
    """Rename the counts that have the names of the Responses API (LiteLLM), or of chat."""
    details: dict[str, Any] = {}
    for holder in objects([usage[name] for name in usage if name.endswith("_tokens_details")]):
        details |= holder
    output = usage.get("output_tokens", usage.get("completion_tokens"))
    thoughts = details.get("reasoning_tokens")
    if isinstance(output, int) and isinstance(thoughts, int):
        output = max(0, output - thoughts)
    counts = {
        "total_input_tokens": usage.get("input_tokens", usage.get("prompt_tokens")),
        "total_output_tokens": output,
        "total_cached_tokens": details.get("cached_tokens"),
        "total_thought_tokens": thoughts,
    }
    merge_fields(counts, usage)
    usage.update({name: count for name, count in counts.items() if count is not None})


def _repair_delta(delta: dict[str, Any]) -> None:
    kind = delta.get("type")
    if isinstance(kind, str):  # the vendor's examples have "arguments"
        names = (kind, f"{kind}_delta", kind.removesuffix("_delta"))
        kind = delta["type"] = next(filter(_DELTAS.__contains__, names), kind)
    if kind in ("thought", "thought_summary"):
        values = (delta.get(field) for field in ("content", "text", "thought", "summary"))
        contents = _as_contents(next(filter(None, values), []))
        if contents:
            delta.update(type="thought_summary", content=contents[0])


def _repair_step(step: dict[str, Any]) -> None:
    kind = str(step.get("type", "function_call"))
    if kind == "arguments_delta":
        spell_json(step, "arguments", "partial_arguments")
    elif kind.endswith("_call"):
        take_arguments(step, "arguments", "partial_arguments")
    other, name = _OTHER_NAMES.get(str(step.get("type")), ("", ""))
    if other in step:
        value = step.pop(other)
        step[name] = step.get(name) or value
    spell(step, "text")
    field = _CONTENTS.get(kind)
    if field in step:
        step[field] = _as_contents(step[field])


def _as_contents(value: Any) -> list[Any]:
    """Return a value as a list of contents: it may be one content, or the text of one."""
    # (Texts in a list stay as they are: an object for each would take 70 times its size.)
    if not isinstance(value, list):
        value = [{"text": value} if isinstance(value, str) else value]
    for content in objects(value):
        spell(content, "text")
        if "text" in content:
            content.setdefault("type", "text")
    contents: list[Any] = value
    return contents
