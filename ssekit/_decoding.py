# What decoding the data of an event raises.

from __future__ import annotations

from typing import Any, Final

import msgspec

__all__ = ["DECODE_FAILURES", "refuse_all"]

# What the typed decoder of a wire format raises for data that its structs do not declare.
DECODE_FAILURES: Final = (msgspec.DecodeError, UnicodeError, RecursionError)


def refuse_all(data: bytes | str) -> Any:
    """Decode nothing."""
    raise msgspec.DecodeError
