# The errors that servers report in JSON: where they put them, and what they call their parts.
#
# What always holds here:
# - Any JSON value whatever may be passed in.
# - Nothing is raised here: an error object is found, and its fields are read.
# - Names are compared in lower case, without underscores and hyphens, as `_fields` has them.

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, filterfalse
from typing import Any, Final

from ssekit._json import unlisted

__all__ = [
    "error_fields",
    "error_within",
    "flat_error",
    "is_error",
    "is_keepalive",
    "is_notice",
    "nested_error",
]

# The layers in which an error's code, type and param are looked for (Apigee has a fault, MiniMax a
# base_resp). What counts as an error is decided in `nested_error` and `flat_error`.
_HOLDERS: Final = ("error", "errors", "fault", "baseresp", "detail", "message")
# The names of a message that describe an error, whatever else is in its object.
_DESCRIPTIONS: Final = (
    *("message", "msg", "detail", "errormsg", "errormessage", "errmsg", "statusmsg"),
    *("errordescription", "errortext"),
)
# The names that servers have for each field of an error, the usual one first. (Some of those of a
# message are common words.)
_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "message": (
        *_DESCRIPTIONS,
        *("error", "reason", "faultstring", "title", "text", "errors", "fault", "baseresp"),
    ),
    "code": (
        *("code", "statuscode", "httpstatuscode", "httpcode", "errorcode", "errcode", "errno"),
        "httpstatus",
    ),
    "type": ("type", "errortype", "status"),  # Google's hosts have a status, and HTTP's as code
    "param": ("param",),
}
_TEXTUAL: Final = frozenset({str, list, dict})  # the types of what may have a text
# Fields that stand beside a bare {"error": "..."} or {"detail": "..."} and describe it, and those.
_SIBLINGS: Final = {*_NAMES["message"], *_NAMES["code"], "errortype"}
# Codes and messages where all is well, in lower case.
_FINE: Final = ("0", "200", "201", "202", "204", "ok", "success", "none", "null")
# The words for a status or a kind of error that have no details of it.
_FAILED: Final = ("error", "failed", "failure", "fail")


def _fields(body: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of an object; a `status` in digits is HTTP's."""
    fields = {_plain(name): value for name, value in body.items()}
    if isinstance(fields.get("status"), int):
        fields["httpstatus"] = fields.pop("status")
    return fields


def nested_error(body: Any, *, certain: bool = False) -> Any:
    """Return the error that an object of a server holds, in the forms that servers use, or None.

    They are `{"error": {...}}`, `{"error": "..."}` and, unless it is to be `certain`, other names
    in the place of `error`. Beside a bare word, the object itself may have the rest. Google's hosts
    put the object into a list.
    """
    body = unlisted(body)
    if not isinstance(body, dict):
        return None
    kind = body.get("type")
    certain = certain or is_notice(kind)
    names = ["error"] if certain else ["error", "fault", "detail"]
    if not certain and (not kind or is_error(kind)):
        names += ["errors"] if isinstance(body.get("errors"), dict | list | str) else []
    # Some relays write every field of an error, with nothing in it.
    error = next((body[name] for name in names if not _is_fine(body.get(name))), None)
    if error is None or isinstance(error, dict | list):
        return error
    return body if len(_SIBLINGS.intersection(_fields(body))) > 1 else error


def error_fields(error: Any, beside: Any = None) -> dict[str, Any]:
    """Return the arguments of `APIError` for an error object, or for the bare text of an error.

    `beside` is the object that holds it, which may have the message or the code.
    """
    layers = [{"code": error}] if isinstance(error, int | float) else list(_layers(error))
    outer = [_fields(beside)] if isinstance(beside, dict) else []
    codes = chain(_values(layers, "code"), filterfalse(_is_fine, _values(outer, "code")))
    code = _first(map(_word, codes))
    beside_it = (word for word in _values(outer, "message") if isinstance(word, str))
    # {"type": "error", "message": ...} names no kind: it is the envelope.
    kinds = (kind for kind in _values(layers, "type") if isinstance(kind, str))
    unnamed = "the server reported an error" + (f" (code {code})" if code else "")
    return {
        "message": _first(_sentences(error)) or _first(beside_it) or unnamed,
        "code": code,
        "type": _first(kind for kind in kinds if kind not in _FAILED and not _is_fine(kind)),
        "param": _first(map(_word, _values(layers, "param"))),
        "body": error,
    }


def _layers(error: Any) -> Iterator[dict[str, Any]]:
    """Yield the fields of an error object, and of what it wraps, from the outside in."""
    if isinstance(error, list):
        error = error[0] if error else None
    if isinstance(error, dict):
        fields = _fields(error)
        yield fields
        for name in _HOLDERS:
            yield from _layers(fields.get(name))


def _sentences(message: Any) -> Iterator[str]:
    """Yield the texts in a server's message, whatever they are wrapped in."""
    if isinstance(message, str):
        yield message
    elif isinstance(message, list):
        for item in message:
            if type(item) in _TEXTUAL:  # (a list may have a hundred thousand numbers)
                yield from _sentences(item)
    elif isinstance(message, dict):
        fields = _fields(message)
        for name in _NAMES["message"]:
            if name in fields:
                yield from _sentences(fields[name])


def _values(layers: list[dict[str, Any]], field: str) -> Iterator[Any]:
    return (layer.get(name) for layer in layers for name in _NAMES[field])


def _word(value: Any) -> str | None:
    return None if value is None or isinstance(value, bool | dict | list) else str(value)


def _first(words: Iterable[str | None]) -> str | None:
    return next(filter(None, words), None)


def error_within(holders: Iterable[dict[str, Any]]) -> Any:
    """Return the first error that one of some objects holds, or None."""
    return next(filterfalse(_is_fine, (holder.get("error") for holder in holders)), None)


# Fields that an object has because something failed, unless they are fine.
_SIGNS: Final = (*_NAMES["code"][:-1], "errortype", "errormessage", "errormsg", "errmsg")
_KEEPALIVES: Final = ("ping", "keepalive", "heartbeat")
# The types of objects that are no errors, whatever code and message they have.
_NOTICES: Final = {
    *("progress", "status", "notice", "info", "warning", "retry", "fallback", "notification"),
    *("ratelimit", *_KEEPALIVES),
}
# Fields of an object that reports on a tool, not on the answer.
_OF_TOOLS: Final = {"tool", "toolname", "toolcallid", "tooluseid"}


def flat_error(body: dict[str, Any]) -> Any:
    """Return the error that an object which is no chunk reports without an `error`, or None.

    MiniMax has `base_resp`; Alibaba's, Databricks' and Baidu's hosts a code beside the message, and
    others a status of "error", or a type that ends so.
    """
    fields = _fields(body)
    if not _OF_TOOLS.isdisjoint(fields):
        return None
    response = fields.get("baseresp")
    if isinstance(response, dict) and not _is_fine(response.get("status_code")):
        return response
    if any(map(is_error, map(fields.get, ("type", "object", "event")))):
        return body
    is_usage = isinstance(body.get("choices"), list) and body.get("usage")  # a chunk of chat's
    status = fields.get("httpstatus")
    has_status = isinstance(status, int) and status >= 400
    code, *signs = map(fields.get, _SIGNS)
    signed = has_status or not all(map(_is_fine, signs))
    names = _NAMES["message"] if signed else _DESCRIPTIONS  # common words need a sign
    if is_usage or is_notice(body.get("type")) or all(map(_is_fine, map(fields.get, names))):
        return None
    failed = not all(map(_is_fine, (code, *signs)))
    if not failed and (not body.get("type") or ":" in str(body["type"])):
        # An event of a type of its own may report on something else. (In RFC 9457 it is a URI.)
        failed = has_status or fields.get("success") is False or fields.get("status") in _FAILED
    return body if failed else None


def is_error(kind: Any) -> bool:
    """Whether the type of an object, or of an event, is that of an error."""
    word = kind.lower() if isinstance(kind, str) else ""
    return word.endswith(("error", "exception")) and "tool" not in word


def is_notice(kind: Any) -> bool:
    """Whether the type of an object is that of a keepalive, or of a report on progress."""
    return _plain(kind) in _NOTICES


def is_keepalive(kind: Any) -> bool:
    """Whether the type of an event is that of a keepalive."""
    return _plain(kind) in _KEEPALIVES


def _plain(name: Any) -> str:
    return str(name).lower().replace("-", "").replace("_", "")


def _is_fine(value: Any) -> bool:
    """Whether no error is in a value: all of it is null, empty, 0 or a word for that."""
    if isinstance(value, (dict, list)):
        # (What is false is left out in C: a list may have a hundred thousand nulls.)
        values = filter(None, value.values() if isinstance(value, dict) else value)
        return all(map(_is_fine, values))
    return not value or str(value).lower() in _FINE
