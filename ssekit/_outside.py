# Bytes outside of any event, which the standard ignores: the error of a server that failed, or a
# body that is not an event stream.
#
# What always holds here: the bytes are read once, at the end of the stream.

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from ssekit._errors import DecodeError, SSEKitError, StreamTruncatedError
from ssekit._json import try_parse

__all__ = ["no_answer", "objects_outside"]

# The first bytes of compressed bodies: gzip (RFC 1952, 2.3.1), Zstandard (RFC 8878, 3.1.1), and
# zlib (RFC 1950, 2.2) with the usual windows.
_COMPRESSED: Final = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x78\x01", b"\x78\x9c", b"\x78\xda")

# The marks before the first object, which is at the start of a line.
_OBJECT: Final = re.compile(r"^[ ,\[]*(?=\{)", re.MULTILINE)
_BETWEEN: Final = re.compile(r"^\}\s*^\{$", re.MULTILINE)  # objects printed over many lines


def objects_outside(outside: bytes) -> Iterator[Any]:
    """Yield the JSON objects in bytes outside of any event, and an object for each `error:` line.

    An object may be printed over many lines or on one, and may be yielded twice. Around it may be
    the array of chunks that an error ends, the sizes of HTTP chunks, or the end marker.
    """
    text = _BETWEEN.sub("},{", outside.decode("utf-8", "replace").strip())
    start = _OBJECT.search(text)
    if start is not None:
        yield from try_parse(f"[{text[start.end() : text.rfind('}') + 1]}]") or ()
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.lower() == "error" and value.strip():  # llama.cpp
            yield {"error": _parsed(value) or value.strip()}
        else:
            found = _parsed(line.strip(", "))
            if found is not None:
                yield found


def _parsed(text: str) -> Any:
    """Return the object or array of a JSON text, or None."""
    return (text.lstrip()[:1] in ("{", "[") and try_parse(text)) or None


def no_answer(where: str, outside: bytes, *, seen: bool) -> SSEKitError:
    """Return the error of a stream without any part of an answer.

    `where` describes the end of the stream; `seen` is whether any event was seen.
    """
    kind = "" if seen else _body_kind(outside)
    if kind:
        return DecodeError(f"the body is no event stream, but {kind}")
    unseen = "" if seen else " (no event was seen)"
    return StreamTruncatedError(f"{where} before any part of an answer{unseen}")


def _body_kind(outside: bytes) -> str:
    """Return a description of a body without events; "" if its kind is unknown."""
    first = outside.lstrip()[:1]
    if outside.startswith(_COMPRESSED):
        return "compressed bytes: let the HTTP client decompress the body"
    if first == b"<":
        return "HTML or XML"
    if first == b"[":
        return "a JSON array: ask for server-sent events (at Google, by `alt=sse`)"
    if first == b"{":
        lines = outside.decode("utf-8", "replace").strip().splitlines()
        if len(lines) > 1 and all(_parsed(line) is not None for line in lines[:-1]):
            return "lines of JSON: ask for server-sent events"
        return "one JSON answer: ask for a stream (mostly by `stream: true`)"
    return ""
