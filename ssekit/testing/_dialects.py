# The dialects of every format, in one table.

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from ssekit.testing._chat import CHAT_HOSTS, CHAT_QUIRKS
from ssekit.testing._completions import COMPLETION_HOSTS, COMPLETION_QUIRKS
from ssekit.testing._gemini import GEMINI_HOSTS, GEMINI_QUIRKS
from ssekit.testing._messages import MESSAGE_HOSTS, MESSAGE_QUIRKS
from ssekit.testing._models import FormatName, Hosts
from ssekit.testing._responses import RESPONSE_HOSTS, RESPONSE_QUIRKS

__all__ = ["DIALECTS", "Dialects"]


class Dialects(NamedTuple):
    """What `dialect=` takes, for one format: a host, or any collection of quirks; or "any".

    With "any", each stream has a few quirks of its own.

    Attributes:
        hosts: The quirks of each host. The vendor itself has none.
        quirks: What each quirk is.
    """

    hosts: Hosts
    quirks: Mapping[str, str]


DIALECTS: Final[dict[FormatName, Dialects]] = {
    "chat": Dialects(CHAT_HOSTS, CHAT_QUIRKS),
    "completions": Dialects(COMPLETION_HOSTS, COMPLETION_QUIRKS),
    "responses": Dialects(RESPONSE_HOSTS, RESPONSE_QUIRKS),
    "messages": Dialects(MESSAGE_HOSTS, MESSAGE_QUIRKS),
    "gemini": Dialects(GEMINI_HOSTS, GEMINI_QUIRKS),
}
