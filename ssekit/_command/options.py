# The option `--format` of both commands.

from __future__ import annotations

import argparse
import os
import sys
from pkgutil import resolve_name
from typing import Any

from ssekit import Format, auto


def add_format(parser: argparse.ArgumentParser) -> None:
    """Add the option `--format`, whose value is a name that `as_format` takes."""
    what = f"{', '.join(auto.FORMATS)}, or module:NAME of your own; by default what the events show"
    parser.add_argument("--format", type=_checked, default="auto", help=what)


def _checked(name: str) -> str:
    as_format(name)
    return name


def as_format(name: str) -> Format[Any, Any]:
    """Return the format of a name, or the `Format` of a `module:NAME`."""
    try:
        if ":" not in name:
            return auto.opener(name)
        if os.getcwd() not in sys.path:  # an installed command does not have it there
            sys.path.insert(0, os.getcwd())
        found = resolve_name(name)
    except Exception as error:  # an import may raise anything
        raise argparse.ArgumentTypeError(f"{type(error).__name__}: {error}") from None
    if not isinstance(found, Format):
        raise argparse.ArgumentTypeError(f"{name} is no ssekit.Format")
    return found
