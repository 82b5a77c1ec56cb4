"""Recorded streams, by the thousand: what is mapped over the names of files.

`collect` is a pure function of a file, and what it returns pickles: a process pool, Dask or Spark
maps it. The command `ssekit collect` does, and prints the records as lines of JSON.
"""

# What always holds here:
# - One bad file costs only its own record: what is wrong with a file is said there, never raised.
# - `auto.collect` raises instead. Where a function is mapped over an archive, that ends the job.

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

import msgspec

from ssekit import auto
from ssekit._decoder import EndedBy
from ssekit._errors import APIError, SSEKitError, StreamTruncatedError
from ssekit._json import join_surrogates

__all__ = ["Failure", "Record", "collect"]


class Failure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a recorded stream has no result: an error, as data."""

    type: str
    """The name of the exception: one of ssekit's, or that of a file that cannot be opened."""
    message: str
    code: str | None = None
    """Of an error that the server reported: its code."""
    body: Any = None
    """Of an error that the server reported: the error object as it came, or the text."""
    partial: Any = None
    """The answer so far, in the shape of a result."""


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one file came to. `msgspec.json.encode(record)` is a line of `ssekit collect`.

    It has a result, or an error.
    """

    file: str
    """The name as it was given."""
    format: str | None
    """The wire format that it was read as; None if it ended before its first events told."""
    state: Literal["done", "truncated", "failed"]
    """How the stream ended; "failed" also where the file cannot be read."""
    ended_by: EndedBy | None
    """What made it "done"; see `StreamDecoder`."""
    result: Any = None
    """The finished answer, such as a `ChatCompletion`."""
    error: Failure | None = None


def collect(file: str | os.PathLike[str], /, *, format: str = "auto") -> Record:
    """Read a recorded stream to its end, and return what it came to.

    Args:
        file: The name of the file.
        format: What the stream is: one of `auto.FORMATS`, or "auto", if its first events tell.

    >>> collect("no such file").error.type
    'FileNotFoundError'
    """
    path, name = Path(file), join_surrogates(os.fspath(file))
    opener = auto.opener(format)
    decoder = opener.decoder()
    try:
        with opener.stream(path, decoder=decoder) as stream:
            result = stream.until_done()
    except Exception as error:  # whatever it is, it is the matter of this file
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


def _failure(error: Exception) -> Failure:
    reported = error if isinstance(error, APIError) else None
    return Failure(
        type=type(error).__name__,
        message=join_surrogates(str(error)),
        code=reported.code if reported else None,
        body=reported.body if reported else None,
        partial=error.partial if isinstance(error, SSEKitError) else None,
    )
