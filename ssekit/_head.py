# The head of a response: whether it is an event stream, the error if it is not, and Retry-After.
# Beside it, the header of a request: Last-Event-ID (9.2.4).

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from ssekit._errors import ContentTypeError, SSEKitError, StatusError
from ssekit._json import join_surrogates, try_parse
from ssekit._server_error import error_fields, nested_error

__all__ = ["ResponseHead", "head_of", "id_header", "retry_after"]

_LONGEST_ID = 8 * 2**10  # bytes
_DATA = re.compile(r"^data:(.*)", re.MULTILINE)
_SENTENCE = re.compile(r"[^<\n]{1,200}")
_CONTROLS = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class ResponseHead(NamedTuple):
    """The status and the headers of a response. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]

    @property
    def is_event_stream(self) -> bool:
        # WHATWG HTML 9.2.2. But many hosts send no Content-Type.
        essence = _essence(self.headers.get("content-type", ""))
        return self.is_success and essence in ("", "text/event-stream")

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    def error(self, body: bytes) -> SSEKitError:
        """Return the error of a response that is no event stream, from the start of its body."""
        text = body.decode("utf-8-sig", "replace")
        if self.is_success:
            return ContentTypeError(self.headers["content-type"], text)
        if text.startswith(("data:", "event:")):  # some gateways report the error as an event
            text = "\n".join(_DATA.findall(text))
        value = try_parse(text)
        if value is None and text.strip() != "null":
            value = text.strip()
        fields = error_fields(nested_error(value) or value, value)
        if isinstance(value, str) and not _SENTENCE.fullmatch(value):  # such as a page of HTML
            fields["message"] = "the server gave no reason that can be read"
        return StatusError(**fields, status_code=self.status, headers=self.headers)


# RFC 9110, 5.6.1 and 5.6.2: the members of a list, in which a quoted string may have commas; and a
# media type without its parameters.
_MEMBER = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*+"?)++')
_ESSENCE = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+/[!#$%&'*+.^_`|~0-9a-z-]+")


def _essence(content_type: str) -> str:
    """Return the media type in a Content-Type header, without parameters.

    Of several it is the last valid one: "extract a MIME type" of the Fetch standard.
    """
    essences = [
        member.partition(";")[0].strip().lower() for member in _MEMBER.findall(content_type)
    ]
    valid = [each for each in essences if _ESSENCE.fullmatch(each) and each != "*/*"]
    return valid[-1] if valid else content_type.strip()


def head_of(source: Any) -> ResponseHead | None:
    """Return the head of an object that has a status and headers, or None."""
    status = getattr(source, "status_code", None) or getattr(source, "status", None)
    headers = getattr(source, "headers", None)
    if not isinstance(status, int) or headers is None:
        return None
    return ResponseHead(status, {str(name).lower(): str(value) for name, value in headers.items()})


def retry_after(error: StatusError) -> float | None:
    """Return the delay in a response's Retry-After (RFC 9110, 10.2.3), in seconds, or None."""
    value = (error.retry_after or "").strip()
    if value.isascii() and value.replace(".", "", 1).isdigit():  # (the RFC has no fractions)
        return float(value)
    # A date counts from the response's own Date: no clock is read here.
    date, now = _http_date(value), _http_date(error.headers.get("date", ""))
    return None if date is None or now is None else date - now


def _http_date(value: str) -> float | None:
    # Imported here: it is rarely needed, and as slow to import as all of ssekit.
    from email.utils import parsedate_to_datetime

    with suppress(ValueError, OverflowError):  # not a date
        return parsedate_to_datetime(value).timestamp()
    return None


def id_header(last_event_id: str) -> str | bytes:
    """Return the value of Last-Event-ID: text if it is ASCII, else bytes of UTF-8.

    It is empty if no header can have the ID. Fetch strips the blanks around a value ("normalize").
    RFC 9110, 5.5, allows no control character in it but the tab. The limit of size is that of nginx
    and Apache for a whole line.
    """
    text = join_surrogates(last_event_id).strip("\t\n\r ")
    encoded = text.encode()
    if len(encoded) > _LONGEST_ID or _CONTROLS.search(encoded):
        return ""
    return text if text.isascii() else encoded
