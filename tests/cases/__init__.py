"""Streams after public bug reports, each with what is right. `tests/README.md` has their form."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
RULES: dict[str, str] = tomllib.loads((FOLDER / "rules.toml").read_text(encoding="utf-8"))

# In the formats whose events have types, the vendors write them into a line of their own.
TYPED = ("messages", "responses")
ABOUT = {"rule", "why", "source", "opaque_pieces"}


@dataclass(frozen=True)
class Case:
    """A stream, and what is right: a part of the tree that a runner finds, null being "<none>"."""

    name: str
    format: str
    rule: str
    why: str
    data: bytes
    wanted: dict[str, Any]
    source: str = ""
    opaque_pieces: bool = False


def read_cases() -> Iterator[Case]:
    """Yield the cases of all files but that of the rules, which are named after the formats."""
    for path in sorted(FOLDER.glob("*.toml")):
        for name, case in tomllib.loads(path.read_text(encoding="utf-8")).items():
            if path.stem != "rules":
                about = {key: case.pop(key) for key in ABOUT & case.keys()}
                yield Case(name, path.stem, data=_bytes(path.stem, case), wanted=case, **about)


def _bytes(format: str, case: dict[str, Any]) -> bytes:
    """Return the bytes of the one of `stream` and `events` that a case has, taking it out."""
    if "events" in case:
        lines = case.pop("events").removesuffix("\n").split("\n")
        text = "".join(f"{_type(format, line)}data: {line}\n\n" for line in lines)
    else:
        text = case.pop("stream")
    return re.sub(rb"\\x(..)", lambda found: bytes.fromhex(found[1].decode()), text.encode())


def _type(format: str, line: str) -> str:
    found = re.match(r'\{"type": ?"([^"]+)"', line) if format in TYPED else None
    return f"event: {found[1]}\n" if found else ""


def missing(wanted: Any, tree: Any, path: str = "") -> Iterator[str]:
    """Yield what a tree has otherwise than is wanted, with the path; a message may be longer."""
    if isinstance(wanted, dict):
        for name, value in wanted.items():
            yield from missing(value, _at(tree, name), f"{path}.{name}")
    elif path == ".error.message" and isinstance(tree, str):
        if wanted not in tree:
            yield f"{path}: {tree!r} has no {wanted!r}"
    elif (wanted if wanted != "<none>" else None) != tree:
        yield f"{path}: wanted {wanted!r}, got {tree!r}"


def _at(tree: Any, name: str) -> Any:
    if isinstance(tree, list):
        return tree[int(name)] if int(name) < len(tree) else None
    return tree.get(name) if isinstance(tree, dict) else None
