# L, the floor of every typed figure: msgspec's decode of the payloads alone, into these structs.
#
# The structs are a frozen copy of ssekit's (of Responses and Messages, those that the workloads
# have) from the day when L was first measured. So multiples of L can be compared between versions,
# and a field that ssekit gains costs ssekit. The order of the fields is part of the copy: msgspec
# finds a field fastest where the JSON has the order of the struct.

from __future__ import annotations

from functools import reduce
from operator import or_
from types import GenericAlias
from typing import Any, Final

import msgspec

__all__ = ["TYPES"]

_Object = dict[str, Any]


def _struct(name: str, tag: str | None = None, /, **fields: Any) -> Any:
    """Define a struct. A field is a type, and None where it is absent; or a type and a default."""
    typed = [
        (field, *given) if isinstance(given, tuple) else (field, given | None, None)
        for field, given in fields.items()
    ]
    return msgspec.defstruct(name, typed, frozen=True, gc=False, kw_only=True, tag=tag)


def _tagged(tag: str, /, **fields: Any) -> Any:
    """Define a struct that its `type` tells from others."""
    return _struct(tag, tag, **fields)


def _all(type_: Any, *names: str) -> dict[str, Any]:
    return dict.fromkeys(names, type_)


def _list(item: Any) -> Any:
    return GenericAlias(list, item)


# Chat.

_FUNCTION = _struct("ChoiceDeltaToolCallFunction", name=str, arguments=str)
_TOOL_CALL = _struct(
    "ChoiceDeltaToolCall",
    index=int,
    id=str,
    type=str,
    function=_FUNCTION,
    custom=_struct("ChoiceDeltaToolCallCustom", name=str, input=str),
    extra_content=_Object,
)
_DELTA = _struct(
    "ChoiceDelta",
    **_all(str, "role", "content", "refusal", "reasoning", "reasoning_content"),
    reasoning_details=list[_Object],
    tool_calls=_list(_TOOL_CALL),
    function_call=_struct("ChoiceDeltaFunctionCall", name=str, arguments=str),
    audio=_struct("ChoiceDeltaAudio", id=str, data=str, expires_at=int, transcript=str),
    **_all(list[_Object], "annotations", "images", "executed_tools"),
    channel=str,
)
_TOKEN = {"token": (str, ""), "logprob": (float, 0.0), "bytes": tuple[int, ...]}
_TOP = _struct("TopLogprob", **_TOKEN)
_LOGPROB = _struct(
    "ChatCompletionTokenLogprob", **_TOKEN, top_logprobs=(GenericAlias(tuple, (_TOP, ...)), ())
)
_LOGPROBS = _struct("ChoiceLogprobs", content=_list(_LOGPROB), refusal=_list(_LOGPROB))
_CHOICE = _struct(
    "ChunkChoice",
    index=(int, 0),
    delta=(_DELTA, _DELTA()),
    finish_reason=str,
    logprobs=_LOGPROBS,
    content_filter_results=_Object,
    native_finish_reason=str,
    **_all(int | str, "stop_reason", "matched_stop"),
    error=(None, None),
)
_COMPLETION_DETAILS = _all(
    int,
    *("accepted_prediction_tokens", "audio_tokens", "image_tokens", "reasoning_tokens"),
    *("rejected_prediction_tokens", "text_tokens"),
)
_PROMPT_DETAILS = _all(
    int,
    *("audio_tokens", "cache_write_tokens", "cached_tokens", "image_tokens", "text_tokens"),
    "video_tokens",
)
_USAGE = _struct(
    "CompletionUsage",
    **_all(int, "completion_tokens", "prompt_tokens", "total_tokens"),
    completion_tokens_details=_struct("CompletionTokensDetails", **_COMPLETION_DETAILS),
    prompt_tokens_details=_struct("PromptTokensDetails", **_PROMPT_DETAILS),
    **_all(int, "prompt_cache_hit_tokens", "prompt_cache_miss_tokens", "reasoning_tokens"),
    **_all(float, "queue_time", "prompt_time", "completion_time", "total_time", "cost"),
    cost_details=_Object,
    is_byok=bool,
    server_tool_use_details=_Object,
    **_all(int, "cost_in_usd_ticks", "num_sources_used"),
    service_tier=str,
)
_X_GROQ = _struct(
    "XGroq", id=str, seed=int, usage=_USAGE, usage_breakdown=_Object, error=(None, None)
)
_CHUNK = _struct(
    "ChatCompletionChunk",
    **_all(str, "id", "object"),
    created=int,
    **_all(str, "model", "service_tier", "system_fingerprint"),
    choices=(_list(_CHOICE), msgspec.NODEFAULT),
    usage=_USAGE,
    obfuscation=str,
    moderation=_Object,
    provider=str,
    **_all(list[Any], "citations", "search_results", "prompt_filter_results"),
    timings=_Object,
    x_groq=_X_GROQ,
    error=(None, None),
)


# Responses.


def _response_event(name: str, **fields: Any) -> Any:
    return _tagged(f"response.{name}", **fields, sequence_number=int)


def _item_event(name: str, **fields: Any) -> Any:
    return _response_event(name, item_id=str, output_index=(int, 0), **fields)


_CONTENT_INDEX = {"content_index": (int, 0)}
_RESPONSE_EVENTS = [
    _response_event("created", response=_Object),
    _response_event("in_progress", response=_Object),
    _response_event("completed", response=_Object),
    _item_event("output_item.added", item=_Object),
    _item_event("output_item.done", item=_Object),
    _item_event("content_part.added", **_CONTENT_INDEX, part=_Object),
    _item_event("content_part.done", **_CONTENT_INDEX, part=_Object),
    _item_event(
        "output_text.delta",
        delta=(str, ""),
        obfuscation=str,
        **_CONTENT_INDEX,
        logprobs=list[_Object],
    ),
    _item_event("output_text.done", **_CONTENT_INDEX, text=(str, ""), logprobs=list[_Object]),
]


# Messages.

_BLOCK_DELTA = (
    _tagged("text_delta", text=(str, ""))
    | _tagged("thinking_delta", thinking=(str, ""), estimated_tokens=int)
    | _tagged("input_json_delta", partial_json=(str, ""))
)
_MESSAGE_EVENTS = [
    _tagged("content_block_delta", index=(int, 0), delta=_BLOCK_DELTA),
    _tagged("content_block_start", index=(int, 0), content_block=_Object),
    _tagged("content_block_stop", index=(int, 0)),
    _tagged("message_start", message=_Object),
    _tagged("message_delta", delta=_Object, usage=_Object),
    _tagged("message_stop"),
    _tagged("ping"),
]

# What an event is decoded into, by the name of its format.
TYPES: Final[dict[str, Any]] = {
    "chat": _CHUNK,
    "responses": reduce(or_, _RESPONSE_EVENTS),
    "messages": reduce(or_, _MESSAGE_EVENTS),
}
