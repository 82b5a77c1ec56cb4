# Lenient JSON: texts that are not quite JSON, and values that do not quite fit a wire struct.
# `parse_text` is the strict reader, for a type that the user gives.
#
# `as_type` and most of `parse` run only for what the typed decoder refused, which reads an ordinary
# chunk in C. The checks of texts serve all.
#
# What always holds here:
# - A field of unforeseen type counts as absent, and nothing else is lost with it, unless it is
#   required. An item of a list is left out, or becomes null where the list may hold null: the
#   item's position has a meaning there.
# - 1.0 and "1" are the integer 1; a number is an id.
# - `parse` raises nothing but ValueError, whatever the text, however deep.

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator
from functools import cache
from types import NoneType, UnionType
from typing import Any, NamedTuple, TypeAlias, TypeVar, Union, get_args, get_origin

import msgspec

from ssekit._errors import DecodeError

__all__ = [
    "LARGE",
    "LONGEST_INTEGER",
    "MAX_DEPTH",
    "JSONObject",
    "as_integer",
    "as_type",
    "has_float",
    "is_dense",
    "is_json",
    "is_shallow",
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
_FLOAT_BITS = 1024  # of integers that are no float
_SCALARS = frozenset({str, int, float, bool, NoneType, Any})
_DIGITS = re.compile(r"-?[0-9]{1,18}")
# The name of a field that has an id.
_ID = re.compile(r"(^|_)id$|Id$")
LARGE = 4 * 2**10  # bytes or characters
_FLOAT = re.compile(r"[:,\[]\s*-?[0-9]+[.eE]")
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_DENSE = 4  # bytes or characters for each empty object
# The place of a fault, at the end of a message of msgspec.
_PLACE = re.compile(r"(?:\((byte \d+)\)| at `(\$[^`]*)`)\Z")
LONGEST_INTEGER = 640  # digits; int() may be set to refuse any more
_LONG_INTEGER = re.compile(rf"[0-9]{{{LONGEST_INTEGER + 1}}}")


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
    deep = text.count("[") + text.count("{") > MAX_DEPTH and not is_shallow(text)
    long = len(text) > LONGEST_INTEGER and (is_dense(text) or _LONG_INTEGER.search(text))
    if not (deep or spelled or long):
        try:
            return msgspec.json.decode(text)  # strict, in C: what it reads, the other reads alike
        except (msgspec.MsgspecError, UnicodeError):
            pass
    tree = _loads(_shallow(text) if deep else text, spelled)
    if text.isascii() and "\\u" not in text:
        return tree  # which has no surrogates
    return _mend(tree, fragments)


def has_float(text: str) -> bool:
    """Whether a number in an object or array of a JSON text may have more than its digits."""
    return _FLOAT.search(text) is not None


def _loads(text: str, spelled: bool) -> Any:
    return json.loads(
        text,
        strict=False,
        parse_int=as_integer,
        parse_float=SpelledFloat if spelled else None,
        object_hook=_absent_if_empty if is_dense(text) else None,
    )


def is_dense(text: str | bytes) -> bool:
    """Whether a large JSON text is mostly empty objects, which count as absent there.

    Decoded, such a text would take 90 times its size: a struct has room for all of its fields.
    """
    if len(text) <= LARGE:
        return False
    empty = text.count("{}") if isinstance(text, str) else text.count(b"{}")
    return empty * _DENSE > len(text)


def _absent_if_empty(fields: dict[str, Any]) -> dict[str, Any] | None:
    return fields or None


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
    """Return a tree of builtins, changed in place, with plain floats for spelled ones."""
    if isinstance(tree, dict | list):
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            if isinstance(value, SpelledFloat | dict | list):
                tree[key] = without_spellings(value)
    return float(tree) if isinstance(tree, SpelledFloat) else tree


def well_formed(tree: Any, room: int = MAX_DEPTH) -> Any:
    """Return a copy of a tree of builtins that shares nothing mutable, encodes and prints.

    What is nested deeper than `room` becomes null.
    """
    if type(tree) is str:
        return tree if tree.isascii() else join_surrogates(tree)
    if not isinstance(tree, dict | list):
        return tree
    if not room:
        return None
    if isinstance(tree, list):
        return [well_formed(item, room - 1) for item in tree]
    return {
        name if name.isascii() else join_surrogates(name): (
            value
            if type(value) is str and value.isascii()  # nearly all values
            else well_formed(value, room - 1)
        )
        for name, value in tree.items()
    }


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
    return int(digits) if len(digits) <= LONGEST_INTEGER else float(digits)


def is_shallow(text: str) -> bool:
    """Whether a text is certainly not too deep: its brackets go in few rounds of two levels."""
    brackets = text.encode(errors="replace").translate(None, _NO_BRACKETS)
    for _ in range(MAX_DEPTH // 2 - 1):
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
    return not brackets


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


def _mend(tree: Any, fragments: Collection[str], key: str = "") -> Any:
    """Return a tree, which is changed in place, without lone surrogates."""
    if type(tree) is str:
        return _half_formed(tree) if key in fragments else join_surrogates(tree)
    if isinstance(tree, list):
        for index, item in enumerate(tree):
            tree[index] = _mend(item, fragments, key)
    elif isinstance(tree, dict):
        for name, value in tree.items():
            tree[name] = _mend(value, fragments, name)
        if not all(map(is_well_formed, tree)):
            return {join_surrogates(name): value for name, value in tree.items()}
    return tree


def _half_formed(text: str) -> str:
    head = text[:1] if "\udc00" <= text[:1] <= "\udfff" else ""
    tail = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
    return head + join_surrogates(text[len(head) : len(text) - len(tail)]) + tail


def as_type(value: Any, type_: Any) -> Any:
    """Return `value` as `type_`, without the fields and items that do not fit; UNSET if none does.

    `type_` is what a wire struct declares: a struct, a list, a scalar, or a union of these.
    The tag selects one of several structs. An object with another tag becomes their `__unknown__`,
    if they have one, and an object that is an `__unknown__` already stays one. (In a list, one
    without any tag has nothing to be known by, and is left out.)
    """
    try:
        return msgspec.convert(value, type_)
    except (msgspec.ValidationError, UnicodeError, SystemError):
        # (UnicodeError: half a surrogate pair where no text belongs. SystemError: msgspec 0.20 has
        # an integer that is larger than any float.)
        return _fit(value, _shape(type_))


class _Shape(NamedTuple):
    """What a declared type takes."""

    as_is: frozenset[Any]  # the types whose values are taken as they are
    items: _Shape | None  # of a list or a tuple
    make: Callable[[list[Any]], Any]  # the list or the tuple
    values: _Shape | None  # of an object without declared fields
    structs: dict[Any, type[msgspec.Struct]]  # by their tags
    tag: str | None
    unknown: type[dict[str, Any]] | None


@cache
def _shape(type_: Any) -> _Shape:
    is_union = get_origin(type_) in (Union, UnionType)
    options = get_args(type_) if is_union else (type_,)
    lists = [option for option in options if get_origin(option) in (list, tuple)]
    values = [get_args(option)[1] for option in options if get_origin(option) is dict]
    structs = [option for option in options if isinstance(option, type(msgspec.Struct))]
    configs = [struct.__struct_config__ for struct in structs]
    return _Shape(
        as_is=frozenset(options) & _SCALARS,
        items=_shape(get_args(lists[0])[0]) if lists else None,
        make=get_origin(lists[0]) if lists else list,
        values=_shape(values[0]) if values else None,
        structs={config.tag: struct for config, struct in zip(configs, structs, strict=True)},
        tag=configs[0].tag_field if configs else None,
        unknown=next(filter(None, (getattr(each, "__unknown__", None) for each in structs)), None),
    )


def _fit(value: Any, shape: _Shape) -> Any:
    # No step raises for what does not fit: an event may hold a hundred thousand odd items.
    as_is = shape.as_is
    kind = type(value)
    if kind in as_is or Any in as_is:
        return value
    if isinstance(value, dict):
        if shape.structs:
            return _fit_object(value, shape)
        if shape.values is not None:
            return _fit_values(value, shape.values)
    if isinstance(value, list) and shape.items is not None:
        return shape.make(_fit_items(value, shape.items))
    return _fit_number(value, as_is)


def _fit_number(value: Any, as_is: Collection[Any]) -> Any:
    if type(value) is int and float in as_is and value.bit_length() < _FLOAT_BITS:
        return float(value)
    if int in as_is and isinstance(value, float):
        if value.is_integer() and abs(value) <= _EXACT_INTEGERS:
            return int(value)
    elif int in as_is and isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    return msgspec.UNSET


def _fit_items(values: list[Any], shape: _Shape) -> list[Any]:
    nullable = NoneType in shape.as_is
    items = []
    for value in values:
        tagless = shape.unknown and shape.tag and type(value) is dict and shape.tag not in value
        item = msgspec.UNSET if tagless else _fit(value, shape)
        if item is not msgspec.UNSET:
            items.append(item)
        elif nullable:
            items.append(None)
    return items


def _fit_values(value: dict[str, Any], shape: _Shape) -> Any:
    if Any in shape.as_is:
        return value
    fitted = {name: _fit(inner, shape) for name, inner in value.items()}
    return msgspec.UNSET if msgspec.UNSET in fitted.values() else fitted


def _fit_object(value: dict[str, Any], shape: _Shape) -> Any:
    if shape.unknown is not None and isinstance(value, shape.unknown):
        return value
    tag = value.get(shape.tag) if shape.tag else None
    struct = shape.structs.get(tag) if isinstance(tag, str | None) else None
    if struct is None:
        return msgspec.UNSET if shape.unknown is None else shape.unknown(value)
    fields, known = {}, _fields(struct)
    for name, inner in value.items():
        field = known.get(name)
        if field is not None:
            if isinstance(inner, int | float) and _ID.search(name):
                inner = None if isinstance(inner, bool) else _spelling(inner)
            fitted = _fit(inner, _shape(field.type))
            if fitted is not msgspec.UNSET:
                fields[field.name] = fitted
    try:
        return struct(**fields)
    except TypeError:  # A field without which there is no such struct is absent.
        return msgspec.UNSET


@cache
def _fields(struct: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    return {field.encode_name: field for field in msgspec.structs.fields(struct)}
