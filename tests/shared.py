"""The recorded streams and conformance cases, which are not part of the repository."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

FOLDER = os.environ.get("SSEKIT_SHARED")

needs_shared = pytest.mark.skipif(
    FOLDER is None, reason="SSEKIT_SHARED does not name the folder of recorded streams"
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

    @property
    def whole(self) -> bytes:
        """The bytes, with the blank line at the end that a recording may lack."""
        return self.data + b"\n\n"


@cache
def recordings(endpoint: str) -> list[Recording]:
    """Return the recorded streams of an endpoint; none where the folder is not there."""
    if FOLDER is None:
        return []
    corpus = Path(FOLDER, "corpus")
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
    *endpoints: str, where: Callable[[Recording], bool] = lambda _recording: True
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


# Fields of the wire that no struct declares, and why. They are all to be had through `.event`.
UNDECLARED = {
    "chat": {
        "p": "padding (Mistral)",
        "latency_checkpoint": "how long what took within Azure; in no documentation",
        "time_info": "how long what took (Cerebras)",
        "generationId": "the name of the request within Vercel's gateway",
        "choices.delta.provider_metadata": "which hosts Vercel's gateway tried, in what order",
        "usage.market_cost": "what the host would have charged without the gateway (Vercel)",
        "usage.search_context_size": "an echo of the request (Perplexity)",
        "choices.text": "the content once more (Together)",
        "choices.delta.token_id": "the number of the token in the vocabulary (Together)",
        "choices.seed": "where the sampling began (Together)",
    },
    "responses": {"copilot_usage": "GitHub's own account of its terminal event"},
    "gemini": {"candidates.content.missing-parts": "made up, in test data of Vertex AI's SDK"},
}


@cache
def conformance_cases() -> list[dict[str, Any]]:
    """Return the cases of the standard; none where the folder is not there."""
    if FOLDER is None:
        return []
    return json.loads(Path(FOLDER, "conformance", "sse_cases.json").read_text())
