"""Recorded streams by the thousand: a function to map over the names of files.

`collect` is a pure function of a file, and its result pickles, so that a process pool, Dask or
Spark can map it. The command `ssekit collect` does so, and prints the records as lines of JSON.
"""

# What always holds here:
# - A bad file affects only its own record. The error is in the record, and is never raised: a
#   function that raises, such as `auto.collect`, would end the job that maps it over an archive.

from __future__ import annotations

import gzip
import os
from typing import Any, BinaryIO, Literal, cast

import msgspec

from ssekit import auto
from ssekit._decoder import EndedBy
from ssekit._errors import APIError, SSEKitError, StreamTruncatedError
from ssekit._format import Format
from ssekit._json import join_surrogates

__all__ = ["Failure", "Record", "collect"]


class Failure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The error of a recorded stream without a result, as data."""

    type: str
    """The name of the exception: an error of ssekit, or that of a file that cannot be read."""
    message: str
    code: str | None = None
    """The code of an error that the server reported."""
    body: Any = None
    """The error object that the server reported, as it came, or its text."""
    partial: Any = None
    """The answer so far, in the shape of a result."""


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The result, or the error, of one file.

    `msgspec.json.encode(record)` is a line of `ssekit collect`.
    """

    file: str
    """The name of the file, as it was passed."""
    format: str | None
    """The wire format: "chat" if there are no events; None if their format is unknown, or if the
    file cannot be read."""
    state: Literal["done", "truncated", "failed"]
    """The end of the stream; "failed" also for a file that cannot be read."""
    ended_by: EndedBy | None
    """The reason for "done"; see `StreamDecoder`."""
    result: Any = None
    """The finished answer, such as a `ChatCompletion`."""
    error: Failure | None = None


def collect(file: str | os.PathLike[str], /, *, format: str | Format[Any, Any] = "auto") -> Record:
    """Read a recorded stream to its end, and return its record.

    Args:
        file: The name of the file; one that ends in .gz is decompressed.
        format: One of `auto.FORMATS`; "auto", to detect the format by the first events; or a
            `Format` of your own. (Only a name pickles.)

    >>> collect("no such file").error.type
    'FileNotFoundError'
    """
    name = join_surrogates(os.fspath(file))
    opener = auto.opener(format)
    decoder = opener.decoder()
    try:
        with open_recording(file) as source, opener.stream(source, decoder=decoder) as stream:
            result = stream.until_done()
    except Exception as error:  # any exception: it concerns this file alone
        return Record(
            file=name,
            format=decoder.format,
            state="truncated" if isinstance(error, StreamTruncatedError) else "failed",
            ended_by=None,
            error=_failure(error),
        )
    return Record(
        file=name, format=decoder.format, state="done", ended_by=decoder.ended_by, result=result
    )


def open_recording(file: str | os.PathLike[str]) -> BinaryIO:
    """Open a recorded stream, which may be compressed."""
    opens = gzip.open if os.fspath(file).endswith(".gz") else open
    return cast("BinaryIO", opens(file, "rb"))


def _failure(error: Exception) -> Failure:
    reported = error if isinstance(error, APIError) else None
    return Failure(
        type=type(error).__name__,
        message=join_surrogates(str(error)),
        code=reported.code if reported else None,
        body=reported.body if reported else None,
        partial=error.partial if isinstance(error, SSEKitError) else None,
    )
