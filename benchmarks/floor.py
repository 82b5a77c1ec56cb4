"""Freeze the structs of formats for L: `python -m benchmarks.floor FORMAT ...`."""
# L, the floor of every typed figure: msgspec's decode of the payloads alone, into these structs.
#
# What always holds here:
# - The structs (`floor.json`) are a frozen copy of ssekit's, so that multiples of L can be compared
#   between versions, and a field that ssekit gains costs ssekit. Chat's are of the day when L was
#   first measured.
# - The order of the fields is part of the copy: msgspec finds a field fastest where the JSON has
#   the order of the struct.
# - A field whose type ends with "!" must be there. Any other that is absent is None where its type
#   has it, else the empty value of its type. A tag has no name; its field is before it, unless
#   that is `type`.

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
from msgspec import inspect

_FILE = Path(__file__).parent / "floor.json"
_EMPTY = {"str": "", "int": 0, "float": 0.0, "bool": False, "tuple": (), "None": None, "Any": None}

# The structs of a format, by name. The last, which has no name, is the type of an event.
Frozen = dict[str, Any]


def floor_decoder(name: str) -> Callable[[bytes], Any]:
    """Return the decoder of a format's events; an untyped one if the format is not frozen."""
    frozen: dict[str, Frozen] = msgspec.json.decode(_FILE.read_bytes())
    if name not in frozen:
        return msgspec.json.decode
    # A module, in which msgspec looks for the structs that annotations name.
    module = ModuleType(f"{__name__}.{name}")
    sys.modules[module.__name__] = module
    vars(module)["Any"] = Any
    event = frozen[name].pop("")
    for struct, fields in frozen[name].items():
        tag_field, _, tag = fields.get("", "").rpartition(":")
        made = msgspec.defstruct(
            struct,
            [_field(field, written, module) for field, written in fields.items() if field],
            frozen=True,
            gc=False,
            kw_only=True,
            tag_field=tag_field or None,
            tag=tag or None,
            module=module.__name__,
        )
        setattr(module, struct, made)
    decode: Callable[[bytes], Any] = msgspec.json.Decoder(eval(event, vars(module))).decode
    return decode


def _field(name: str, written: str, module: ModuleType) -> tuple[str, str, Any]:
    attribute = "".join(each if each.isalnum() else "_" for each in name) + "_"
    kind = written.rstrip("!")
    outer = kind.partition("[")[0]
    if written.endswith("!"):
        return attribute, kind, msgspec.field(name=name)
    if kind.endswith("| None"):
        return attribute, kind, msgspec.field(default=None, name=name)
    if outer in _EMPTY:
        return attribute, kind, msgspec.field(default=_EMPTY[outer], name=name)
    make = {"list": list, "dict": dict}.get(outer) or (lambda: getattr(module, outer)())
    return attribute, kind, msgspec.field(default_factory=make, name=name)


def freeze(event: Any) -> Frozen:
    """Return the structs of a type as they are now."""
    frozen: Frozen = {}

    def write(kind: inspect.Type) -> str:
        match kind:
            case inspect.StructType():
                name = kind.cls.__name__
                if name not in frozen:
                    tag_field = "" if kind.tag_field == "type" else f"{kind.tag_field}:"
                    fields = frozen[name] = {"": f"{tag_field}{kind.tag}"} if kind.tag else {}
                    for each in kind.fields:
                        fields[each.encode_name] = write(each.type) + "!" * each.required
                return name
            case inspect.UnionType():
                types = sorted(kind.types, key=lambda each: isinstance(each, inspect.NoneType))
                return " | ".join(map(write, types))
            case inspect.ListType():
                return f"list[{write(kind.item_type)}]"
            case inspect.VarTupleType():
                return f"tuple[{write(kind.item_type)}, ...]"
            case inspect.DictType():
                return f"dict[{write(kind.key_type)}, {write(kind.value_type)}]"
        name = type(kind).__name__.removesuffix("Type")
        return name if name in ("Any", "None") else name.lower()

    written = write(inspect.type_info(event))
    return {**frozen, "": written}


def main(names: Sequence[str]) -> None:
    """Freeze each format as it is now."""
    frozen = msgspec.json.decode(_FILE.read_bytes()) if _FILE.exists() else {}
    for name in names:
        decode = import_module(f"ssekit.{name}").FORMAT.decode_typed
        frozen[name] = freeze(decode.__self__.type)
    _FILE.write_bytes(msgspec.json.format(msgspec.json.encode(frozen), indent=1) + b"\n")


if __name__ == "__main__":
    main(sys.argv[1:])
