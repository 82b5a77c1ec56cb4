"""The recorded streams and conformance cases, which are not part of the repository."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

_FOLDER = os.environ.get("SSEKIT_SHARED")

needs_shared = pytest.mark.skipif(
    _FOLDER is None, reason="SSEKIT_SHARED does not name the folder of recorded streams"
)

WITHOUT_DASK = "Dask is not installed: it is in the dependency group `archives`"


@dataclass(frozen=True)
class Recording:
    """One recorded stream: its bytes, and what an independent fold of them gave."""

    name: str
    endpoint: str
    host: str
    data: bytes
    expected: Any


@cache
def recordings(endpoint: str) -> list[Recording]:
    """Return the recorded streams of an endpoint; none where the folder is not there."""
    if _FOLDER is None:
        return []
    corpus = Path(_FOLDER, "corpus")
    rows = json.loads((corpus / "index.json").read_text())
    found = [
        Recording(
            name=row["file"],
            endpoint=row["endpoint"],
            host=row["host"],
            data=(corpus / row["file"]).read_bytes(),
            expected=json.loads((corpus / row["expected"]).read_text())
            if row.get("expected")
            else None,
        )
        for row in rows
        if row["endpoint"] == endpoint
    ]
    assert found, f"{corpus} holds no {endpoint} streams"
    return found


def each_recording(
    *endpoints: str, where: Callable[[Recording], bool] = bool
) -> pytest.MarkDecorator:
    """Run a test once for every recorded stream of some endpoints, as `recording`."""
    return pytest.mark.parametrize(
        "recording",
        [
            pytest.param(recording, id=recording.name)
            for endpoint in endpoints
            for recording in recordings(endpoint)
            if where(recording)
        ]
        or [pytest.param(None, marks=needs_shared, id="none")],
    )


@cache
def conformance_cases() -> list[dict[str, Any]]:
    """Return the cases of the standard; none where the folder is not there."""
    if _FOLDER is None:
        return []
    return json.loads(Path(_FOLDER, "conformance", "sse_cases.json").read_text())
