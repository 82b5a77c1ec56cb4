# Lenient JSON: texts that are not quite JSON, and values that do not quite fit a wire struct.
# `parse_text` is the strict reader, for a type that the user gives.
#
# Nothing here runs for an ordinary chunk: the typed decoder reads that in C. Only what it refuses
# comes here.
#
# What always holds here:
# - A field of unforeseen type counts as absent, and nothing else is lost with it. An item of a list
#   is left out, or becomes null where the list may hold null: its position has a meaning there.
# - 1.0 is the integer 1: JSON has one type of numbers.
# - `parse` raises nothing but ValueError, whatever it is given, however deep.

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeAlias, TypeVar, Union, get_args, get_origin

import msgspec

from ssekit._errors import DecodeError

__all__ = [
    "MAX_DEPTH",
    "JSONObject",
    "as_integer",
    "as_type",
    "is_json",
    "is_well_formed",
    "join_surrogates",
    "parse",
    "parse_object",
    "parse_text",
    "spell",
    "unlisted",
    "well_formed",
    "without_spellings",
]

ValueT = TypeVar("ValueT")

# An object of no declared shape: what each host shapes in its own way is left as it came.
JSONObject: TypeAlias = dict[str, Any]

# Nesting that no vendor's shape comes near; what lies deeper is read as null. Recursive readers
# and writers (json, msgspec, copying, repr) give up at about a thousand levels.
MAX_DEPTH = 100
# A string, also one that does not end, or a bracket. It matches wherever it starts, so that
# finding all of them is linear.
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)

# Beyond this a float does not tell which integer it is (IEEE 754).
_EXACT_INTEGERS = 2**53
_DIGITS = re.compile(r"-?[0-9]{1,18}")
# The name of a field that has an id.
_ID = re.compile(r"(^|_)id$|Id$")
# The place of a fault, at the end of a message of msgspec.
_PLACE = re.compile(r"(?:\((byte \d+)\)| at `(\$[^`]*)`)\Z")
_LONGEST_INTEGER = 640  # digits; int() may be set to refuse any more
_LONG_INTEGER = re.compile(rf"[0-9]{{{_LONGEST_INTEGER + 1}}}")


class SpelledFloat(float):
    """A number with its spelling on the wire, of which a float would lose zeros and exponents."""

    __slots__ = ("spelling",)

    def __new__(cls, spelling: str) -> SpelledFloat:
        """Return the number of a spelling."""
        number = super().__new__(cls, spelling)
        number.spelling = spelling
        return number

    spelling: str


def parse(text: str, fragments: Collection[str] = (), *, spelled: bool = False) -> Any:
    """Return `text` read as JSON, as a tree of well-formed builtins.

    Control characters in strings and the constants NaN and Infinity are accepted. A lone surrogate
    becomes U+FFFD; but under a key among `fragments`, whose strings continue in other
    events, one at an end of a string stays: its other half may be there.

    Raises:
        ValueError: The text is not JSON.
    """
    deep = text.count("[") + text.count("{") > MAX_DEPTH
    if not (deep or spelled or (len(text) > _LONGEST_INTEGER and _LONG_INTEGER.search(text))):
        try:
            return msgspec.json.decode(text)  # strict, in C: what it reads, the other reads alike
        except (msgspec.MsgspecError, UnicodeError):
            pass
    if deep:
        text = _shallow(text)
    number = SpelledFloat if spelled else None
    tree = json.loads(text, strict=False, parse_int=as_integer, parse_float=number)
    return _rebuild(tree, fragments)


def is_json(text: str) -> bool:
    """Whether `parse` reads `text`."""
    try:
        parse(text)
    except ValueError:
        return False
    return True


def parse_object(text: str) -> dict[str, Any] | None:
    """Return the object of a JSON text; None if it is another value, or not whole."""
    try:
        tree = parse(text)
    except ValueError:
        return None
    return tree if isinstance(tree, dict) else None


def parse_text(text: str, type_: type[ValueT], name: str = "the text") -> ValueT:
    """Return `text` read as JSON, strictly, as a type: anything that msgspec decodes into.

    A class with `model_validate_json` (Pydantic's models) validates itself, also inside others.

    Raises:
        DecodeError: The text is not JSON, or not of that type. The message has `name` and the
            place of the fault.
        TypeError: Nothing decodes into that type.
    """
    try:
        return msgspec.json.decode(text, type=type_, dec_hook=_as_model)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        # The message of msgspec may quote the text; it stays in the cause of this error.
        if str(error) == "Input data was truncated":
            raise DecodeError(f"{name} is {'cut off' if text else 'empty'}") from error
        place = _PLACE.search(str(error))
        where = f" at {place[place.lastindex or 0]}" if place else ""
        raise DecodeError(f"{name} is not the JSON that was asked for{where}") from error
    except NotImplementedError as error:
        raise TypeError(
            f"JSON cannot become {error}: use a msgspec.Struct, a dataclass, a TypedDict, "
            "a Pydantic model or builtin types"
        ) from error


def _as_model(type_: Any, value: Any) -> Any:
    if hasattr(type_, "model_validate_json"):
        return type_.model_validate_json(msgspec.json.encode(value))
    if isinstance(type_, type) and isinstance(value, type_):  # such as object
        return value
    raise NotImplementedError(getattr(type_, "__qualname__", type_))


def spell(holder: dict[str, Any], *fields: str) -> None:
    """Turn numbers and booleans in fields, where texts belong, into their spelling on the wire.

    Some hosts decode each token as JSON before they send it: "6" becomes 6, "true" becomes true.
    """
    for field in fields:
        value = holder.get(field)
        if isinstance(value, bool):
            holder[field] = str(value).lower()
        elif isinstance(value, int | float):
            holder[field] = _spelling(value)


def _spelling(number: float) -> str:
    return number.spelling if isinstance(number, SpelledFloat) else str(number)


def without_spellings(tree: Any) -> Any:
    """Return a tree of builtins with plain floats in the place of spelled ones."""
    if isinstance(tree, dict):  # also one of an unknown type, which stays one
        return type(tree)((name, without_spellings(value)) for name, value in tree.items())
    if isinstance(tree, list):
        return [without_spellings(item) for item in tree]
    return float(tree) if isinstance(tree, SpelledFloat) else tree


def well_formed(tree: Any) -> Any:
    """Return a copy of a tree of builtins that shares nothing mutable, encodes and prints."""
    return _rebuild(tree, ())


def objects(items: Any) -> Iterator[dict[str, Any]]:
    """Yield what is an object in what may be a list."""
    if isinstance(items, list):
        yield from (item for item in items if isinstance(item, dict))


def unlisted(tree: Any) -> Any:
    """Return the object of a list that has nothing else; any other value as it is."""
    alone = isinstance(tree, list) and len(tree) == 1 and isinstance(tree[0], dict)
    return tree[0] if alone else tree


def join_surrogates(text: str) -> str:
    """Return `text` with surrogate pairs joined, and lone surrogates as U+FFFD."""
    if is_well_formed(text):
        return text
    # Through UTF-16, where a pair is what a character is.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def is_well_formed(text: str) -> bool:
    """Whether no surrogate is in `text`: whether it is a text at all."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def as_integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


def _shallow(text: str) -> str:
    """Return `text` with null in the place of what is nested too deep."""
    kept: list[str] = []
    depth = start = 0
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token in "[{":
            depth += 1
            if depth == MAX_DEPTH:
                kept += text[start : match.start()], "null"
        elif token in "]}":
            if depth == MAX_DEPTH:
                start = match.end()
            depth -= 1
    # Where the brackets do not match, the text that is left is not JSON either.
    return "".join(kept) + text[start:]


def _rebuild(tree: Any, fragments: Collection[str], key: str = "", room: int = MAX_DEPTH) -> Any:
    if type(tree) is str:
        if tree.isascii():
            return tree
        return _half_formed(tree) if key in fragments else join_surrogates(tree)
    if not isinstance(tree, dict | list):
        return tree
    if not room:
        return None
    if isinstance(tree, list):
        return [_rebuild(item, fragments, key, room - 1) for item in tree]
    return {
        name if name.isascii() else join_surrogates(name): (
            value
            if type(value) is str and value.isascii()  # nearly all values
            else _rebuild(value, fragments, name, room - 1)
        )
        for name, value in tree.items()
    }


def _half_formed(text: str) -> str:
    head = text[:1] if "\udc00" <= text[:1] <= "\udfff" else ""
    tail = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
    return head + join_surrogates(text[len(head) : len(text) - len(tail)]) + tail


def as_type(value: Any, type_: Any) -> Any:
    """Return `value` as `type_`, without the fields and items that do not fit; UNSET if none does.

    `type_` is what a wire struct declares: a struct, a list, a scalar, or a union of these.
    The tag selects one of several structs. An object with another tag becomes their `__unknown__`,
    if they have one, and an object that is an `__unknown__` already stays one.
    """
    try:
        return msgspec.convert(value, type_)
    except (msgspec.ValidationError, UnicodeError):  # half a surrogate pair where no text belongs
        pass
    options = get_args(type_) if get_origin(type_) in (Union, UnionType) else (type_,)
    structs = [option for option in options if isinstance(option, type(msgspec.Struct))]
    if isinstance(value, dict) and structs:
        return _as_one_of(value, structs)
    if int in options:
        if isinstance(value, float) and _is_integer(value):
            return int(value)
        if isinstance(value, str) and _DIGITS.fullmatch(value):
            return int(value)
    for option in options:
        if isinstance(value, list) and get_origin(option) is list:
            return _as_items(value, get_args(option)[0])
    return msgspec.UNSET


def _is_integer(number: float) -> bool:
    return number.is_integer() and abs(number) <= _EXACT_INTEGERS


def _as_items(values: list[Any], type_: Any) -> list[Any]:
    items = [as_type(value, type_) for value in values]
    if NoneType in get_args(type_):
        return [None if item is msgspec.UNSET else item for item in items]
    return [item for item in items if item is not msgspec.UNSET]


def _as_one_of(value: dict[str, Any], structs: list[Any]) -> Any:
    unknown = getattr(structs[0], "__unknown__", None)
    if unknown is not None and isinstance(value, unknown):
        return value
    for struct in structs:
        config = struct.__struct_config__
        if config.tag is None or value.get(config.tag_field) == config.tag:
            return _as_struct(value, struct)
    return msgspec.UNSET if unknown is None else unknown(value)


def _as_struct(value: dict[str, Any], struct: Any) -> Any:
    fields = {}
    for field in _fields(struct):
        if field.encode_name in value:
            inner = value[field.encode_name]
            if isinstance(inner, int | float) and _ID.search(field.encode_name):
                inner = None if isinstance(inner, bool) else _spelling(inner)
            fitted = as_type(inner, field.type)
            if fitted is not msgspec.UNSET:
                fields[field.name] = fitted
    try:
        return struct(**fields)
    except TypeError:  # A field without which there is no such struct is absent.
        return msgspec.UNSET


@cache
def _fields(struct: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(struct)
