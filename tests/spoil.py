"""Finds whether a snapshot shares anything with its accumulator."""

from typing import Any

import msgspec


def spoil(value: Any) -> None:
    """Change every list and dict within a result."""
    if isinstance(value, msgspec.Struct):
        inner = [getattr(value, name) for name in value.__struct_fields__]
    else:
        inner = list(value.values() if isinstance(value, dict) else value)
    for child in inner:
        if isinstance(child, msgspec.Struct | dict | list | tuple):
            spoil(child)
    if isinstance(value, dict):
        value["spoilt"] = True
    elif isinstance(value, list):
        value.append(None)
