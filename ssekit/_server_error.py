# The errors that servers report in JSON: where they put them, and what they call their parts.
#
# What always holds here:
# - Any JSON value whatever may be passed in.
# - Nothing is raised here: an error object is found, and its fields are read.

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

__all__ = ["error_fields", "error_within", "flat_error", "is_notice", "nested_error"]

# The names that servers have for each field of an error, the usual one first. (Google's hosts have
# a status, and HTTP's as code.)
_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "message": (
        "message",
        "msg",
        "detail",
        "error_msg",
        "error_message",
        "errorMessage",
        "status_msg",
        "error_description",
        "error",
        "text",
    ),
    "code": ("code", "status_code", "http_status_code", "error_code", "errorCode"),
    "type": ("type", "error_type", "errorType", "__type", "status"),
    "param": ("param",),
}
# Fields that stand beside a bare {"error": "..."} or {"detail": "..."} and describe it, and those.
_SIBLINGS: Final = {*_WORDS["message"], *_WORDS["code"], "error_type"}


def nested_error(body: Any, *, detail: bool = True) -> Any:
    """Return the error that an object of a server holds, in the forms that servers use, or None.

    They are `{"error": {...}}`, `{"error": "..."}` and, if asked for, `{"detail": ...}`. Beside a
    bare word, the object itself may have the rest. Google's hosts put the object into a list.
    """
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    if not isinstance(body, dict):
        return None
    error = body.get("error")
    if _is_empty(error):  # some relays write every field of an error, with nothing in it
        error = (detail and body.get("detail")) or None
    if error is None or isinstance(error, dict | list):
        return error
    return body if len(_SIBLINGS.intersection(body)) > 1 else error


def _is_empty(error: Any) -> bool:
    """Whether nothing is in an error object: all of it is null, empty or 0."""
    if isinstance(error, dict):
        return all(map(_is_empty, error.values()))
    if isinstance(error, list):
        return all(map(_is_empty, error))
    return not error


def error_fields(error: Any) -> dict[str, Any]:
    """Return the arguments of `APIError` for an error object, or for the bare text of an error."""
    layers = [{"code": error}] if isinstance(error, int | float) else list(_layers(error))
    code = _first(map(_word, _values(layers, "code")))
    # {"type": "error", "message": ...} names no kind: it is the envelope.
    kinds = (kind for kind in _values(layers, "type") if isinstance(kind, str) and kind != "error")
    unnamed = "the server reported an error" + (f" (code {code})" if code else "")
    return {
        "message": _first(_sentences(error)) or unnamed,
        "code": code,
        "type": _first(kinds),
        "param": _first(map(_word, _values(layers, "param"))),
        "body": error,
    }


def _layers(error: Any) -> Iterator[dict[str, Any]]:
    """Yield the object of an error, and what it wraps, from the outside in."""
    if isinstance(error, list):
        error = error[0] if error else None
    if isinstance(error, dict):
        yield error
        for word in ("error", "detail", "message"):
            yield from _layers(error.get(word))


def _sentences(message: Any) -> Iterator[str]:
    """Yield the texts in a server's message, whatever they are wrapped in."""
    if isinstance(message, str):
        yield message
    elif isinstance(message, list):
        for item in filter(None, message):
            yield from _sentences(item)
    elif isinstance(message, dict):
        for word in _WORDS["message"]:
            if word in message:
                yield from _sentences(message[word])


def _values(layers: list[dict[str, Any]], field: str) -> Iterator[Any]:
    return (layer.get(word) for layer in layers for word in _WORDS[field])


def _word(value: Any) -> str | None:
    return None if value is None or isinstance(value, bool | dict | list) else str(value)


def _first(words: Iterable[str | None]) -> str | None:
    return next(filter(None, words), None)


def error_within(holders: Iterable[dict[str, Any]]) -> Any:
    """Return the first error that one of some objects holds, or None."""
    return next((holder["error"] for holder in holders if holder.get("error")), None)


# Fields that tell an error from another object with a message.
_KINDS: Final = (*_WORDS["code"], "error_type", "errorType", "__type")
# Codes and messages where all is well, in lower case.
_FINE: Final = ("0", "200", "ok", "success")
# The types of objects that are no errors, whatever code and message they have.
_NOTICES: Final = ("progress", "ping", "status", "notice", "info", "keepalive", "heartbeat")


def flat_error(body: dict[str, Any]) -> Any:
    """Return the error that an object without choices reports without an `error`, or None.

    MiniMax has `base_resp`, Cloudflare `errors`; Alibaba's, Databricks' and Baidu's hosts a code
    beside the message, and others a status of "error".
    """
    response, errors = body.get("base_resp"), body.get("errors")
    if body.get("choices"):
        return None
    if isinstance(response, dict) and not _is_fine(response.get("status_code")):
        return response
    if errors:
        return errors
    counted = isinstance(body.get("choices"), list) and body.get("usage")
    if counted or is_notice(body):
        return None
    words = _values([body], "message")
    described = any(isinstance(word, str) and not _is_fine(word) for word in words)
    failed = body.get("status") == "error" or not all(_is_fine(body.get(word)) for word in _KINDS)
    return body if described and failed else None


def is_notice(body: dict[str, Any]) -> bool:
    """Whether an object keeps the connection alive, or reports progress."""
    return body.get("type") in _NOTICES


def _is_fine(word: Any) -> bool:
    return not word or str(word).lower() in _FINE
