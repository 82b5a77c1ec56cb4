# The dialects of every format, in one table.

from __future__ import annotations

from typing import Final

from ssekit.testing._answers import FormatName
from ssekit.testing._chat import CHAT
from ssekit.testing._completions import COMPLETIONS
from ssekit.testing._gemini import GEMINI
from ssekit.testing._interactions import INTERACTIONS
from ssekit.testing._messages import MESSAGES
from ssekit.testing._responses import RESPONSES
from ssekit.testing._script import Dialects

__all__ = ["DIALECTS", "Dialects"]

DIALECTS: Final[dict[FormatName, Dialects]] = {
    "chat": CHAT,
    "completions": COMPLETIONS,
    "responses": RESPONSES,
    "messages": MESSAGES,
    "gemini": GEMINI,
    "interactions": INTERACTIONS,
}
