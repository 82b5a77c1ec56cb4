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
from collections.abc import Callable, Collection
from functools import cache
from types import NoneType, UnionType
from typing import Any, NamedTuple, TypeAlias, TypeVar, Union, get_args, get_origin

import msgspec

from ssekit._errors import DecodeError

__all__ = [
    "LARGE",
    "MAX_DEPTH",
    "JSONObject",
    "as_integer",
    "as_type",
    "has_float",
    "has_long_integer",
    "is_dense",
    "is_json",
    "is_shallow",
    "is_well_formed",
    "join_surrogates",
    "load",
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
_NUMBERS = frozenset({int, float, bool, NoneType})
_SCALARS = _NUMBERS | {str}
_DIGITS = re.compile(r"-?[0-9]{1,18}")
# The name of a field that has an id.
_ID = re.compile(r"(^|_)id$|Id$")
LARGE = 4 * 2**10  # bytes or characters
_FLOAT = re.compile(r"[:,\[]\s*-?[0-9]+[.eE]")
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
# The place of a fault, at the end of a message of msgspec.
_PLACE = re.compile(r"(?:\((byte \d+)\)| at `(\$[^`]*)`)\Z")
LONGEST_INTEGER = 640  # digits; int() may be set to refuse any more
_ALL_ZEROS = bytes.maketrans(b"123456789", b"0" * 9)
_LONG_INTEGER = b"0" * (LONGEST_INTEGER + 1)
_SURROGATE = re.compile("[\ud800-\udfff]")
_LONE_SURROGATE = re.compile(
    "[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]"
)


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
    tree = load(text, spelled=spelled)
    if text.isascii() and "\\u" not in text:
        return tree  # which has no surrogates
    return _mend(tree, fragments, in_place=True)


def load(text: str, *, spelled: bool = False) -> Any:
    """Return `text` read as JSON; otherwise as `parse`, but it may have lone surrogates."""
    deep = text.count("[") + text.count("{") > MAX_DEPTH and not is_shallow(text)
    long, dense = has_long_integer(text), is_dense(text)
    if not (deep or spelled or long or dense):
        try:
            return msgspec.json.decode(text)  # strict, in C: what it reads, the other reads alike
        except (msgspec.MsgspecError, UnicodeError):
            pass
    return json.loads(
        _shallow(text) if deep else text,
        strict=False,
        parse_int=as_integer if long else None,
        parse_float=SpelledFloat if spelled else None,
        object_hook=_absent_if_empty if dense else None,
    )


def has_long_integer(text: str) -> bool:
    """Whether a text has more digits in a row than `int` may read."""
    # (A search by a pattern takes 700 ns for a number of 23 digits, this takes 30.)
    if len(text) <= LONGEST_INTEGER:
        return False
    return _LONG_INTEGER in text.encode(errors="replace").translate(_ALL_ZEROS)


def has_float(text: str) -> bool:
    """Whether a number in an object or array of a JSON text may have more than its digits."""
    return _FLOAT.search(text) is not None


def is_dense(text: str | bytes) -> bool:
    """Whether a large JSON text is hardly more than brackets, as no answer is.

    Decoded and copied, such a text would take 90 times its size. So its empty objects count as
    absent, and so do (in `as_type`) objects and lists within what has no declared shape.
    """
    if len(text) <= LARGE:
        return False
    lists, objects = ("[", "{") if isinstance(text, str) else (b"[", b"{")
    # An object of one field takes 184 bytes, a list of one item 88.
    brackets = text.count(lists) + 2 * text.count(objects)  # type: ignore[arg-type]
    return 7 * brackets > 2 * len(text)


def _absent_if_empty(fields: dict[str, Any]) -> dict[str, Any] | None:
    return fields or None


def is_json(text: str) -> bool:
    """Whether `parse` reads `text`."""
    if not text:
        return False  # many empty texts may be asked about: no exception for each
    try:
        load(text)
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
        if value is True or value is False:
            holder[field] = str(value).lower()
        elif isinstance(value, (int, float)):
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
    return _mend(tree, room=room)


def objects(items: Any) -> list[dict[str, Any]]:
    """Return what is an object in what may be a list."""
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def unlisted(tree: Any) -> Any:
    """Return the object of a list that has nothing else; any other value as it is."""
    alone = isinstance(tree, list) and len(tree) == 1 and isinstance(tree[0], dict)
    return tree[0] if alone else tree


def join_surrogates(text: str) -> str:
    """Return `text` with surrogate pairs joined, and lone surrogates as U+FFFD."""
    if is_well_formed(text):
        return text
    text = _LONE_SURROGATE.sub("\ufffd", text)
    if _SURROGATE.search(text) is None:
        return text
    # Through UTF-16, where a pair is what a character is.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def is_well_formed(text: str) -> bool:
    """Whether no surrogate is in `text`: whether it is a text at all."""
    return text.isascii() or _SURROGATE.search(text) is None


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


def _mend(
    tree: Any,
    fragments: Collection[str] = (),
    key: object = "",
    room: int = MAX_DEPTH,
    in_place: bool = False,
) -> Any:
    """Return a tree, or a copy of it, without lone surrogates."""
    is_object = isinstance(tree, dict)
    if not (is_object or isinstance(tree, list)):
        if type(tree) is not str:
            return tree
        return _half_formed(tree) if key in fragments else join_surrogates(tree)
    if not room:
        return None
    mended = tree if in_place else tree.copy()
    for name, value in tree.items() if is_object else enumerate(tree):
        kind = type(value)
        if kind not in _NUMBERS and not (kind is str and value.isascii()):  # nearly all are
            inner = name if is_object else key
            mended[name] = _mend(value, fragments, inner, room - 1, in_place)
    if is_object and not "".join(mended).isascii():
        return {join_surrogates(name): value for name, value in mended.items()}
    return mended


def _half_formed(text: str) -> str:
    head = text[:1] if "\udc00" <= text[:1] <= "\udfff" else ""
    tail = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
    return head + join_surrogates(text[len(head) : len(text) - len(tail)]) + tail


def as_type(value: Any, type_: Any, *, dense: bool = False) -> Any:
    """Return `value` as `type_`, without the fields and items that do not fit; UNSET if none does.

    `type_` is what a wire struct declares: a struct, a list, a scalar, or a union of these.
    The tag selects one of several structs. An object with another tag becomes their `__unknown__`,
    if they have one, and an object that is an `__unknown__` already stays one. (In a list, one
    without a text as its tag has nothing to be known by, and is left out.)

    The value, which may be of a text that `is_dense`, is taken over: its lists change.
    """
    try:
        if not dense:
            return msgspec.convert(value, type_)
    except (msgspec.ValidationError, UnicodeError, SystemError):
        # (UnicodeError: half a surrogate pair where no text belongs. SystemError: msgspec 0.20 has
        # an integer that is larger than any float.)
        pass
    return _fit(value, _shape(type_, dense))


class _Shape(NamedTuple):
    """What a declared type takes."""

    as_is: frozenset[Any]  # the types whose values are taken as they are
    fits: dict[Any, Callable[[Any, _Shape], Any]]  # what fits values of other types
    items: _Shape | None  # of a list or a tuple
    make: Callable[[list[Any]], Any]  # the list or the tuple
    values: _Shape | None  # of an object without declared fields
    structs: dict[Any, type[msgspec.Struct]]  # by their tags
    tag: str | None
    unknown: type[dict[str, Any]] | None
    dense: bool


@cache
def _shape(type_: Any, dense: bool) -> _Shape:
    is_union = get_origin(type_) in (Union, UnionType)
    options = get_args(type_) if is_union else (type_,)
    lists = [option for option in options if get_origin(option) in (list, tuple)]
    values = [get_args(option)[1] for option in options if get_origin(option) is dict]
    structs = [option for option in options if isinstance(option, type(msgspec.Struct))]
    configs = [struct.__struct_config__ for struct in structs]
    unknown = next(filter(None, (getattr(each, "__unknown__", None) for each in structs)), None)
    as_is = {*options} & _SCALARS
    if Any in options:
        as_is |= _SCALARS if dense else {*_SCALARS, dict, list}
    if Any in values and not dense:
        as_is.add(dict)
    fits: dict[Any, Callable[[Any, _Shape], Any]] = {}
    if structs:
        fits |= {dict: _fit_object, unknown: _fit_object}
    elif values:
        fits[dict] = _fit_values
    if lists:
        fits[list] = _fit_items
    if int in as_is:
        fits |= {float: _fit_float, str: _fit_digits}
    elif float in as_is:
        fits[int] = _fit_integer
    return _Shape(
        as_is=frozenset(as_is),
        fits=fits,
        items=_shape(get_args(lists[0])[0], dense) if lists else None,
        make=get_origin(lists[0]) if lists else list,
        values=_shape(values[0], dense) if values else None,
        structs={config.tag: struct for config, struct in zip(configs, structs, strict=True)},
        tag=configs[0].tag_field if configs else None,
        unknown=unknown,
        dense=dense,
    )


def _fit(value: Any, shape: _Shape) -> Any:
    # No step raises for what does not fit: an event may hold a hundred thousand odd items.
    kind = type(value)
    if kind in shape.as_is:
        return value
    fit = shape.fits.get(kind)
    return msgspec.UNSET if fit is None else fit(value, shape)


def _fit_integer(value: int, _: _Shape) -> Any:
    return float(value) if value.bit_length() < _FLOAT_BITS else msgspec.UNSET


def _fit_float(value: float, _: _Shape) -> Any:
    exact = value.is_integer() and abs(value) <= _EXACT_INTEGERS
    return int(value) if exact else msgspec.UNSET


def _fit_digits(value: str, _: _Shape) -> Any:
    return int(value) if _DIGITS.fullmatch(value) else msgspec.UNSET


def _fit_items(values: list[Any], list_shape: _Shape) -> Any:
    """Fit the items of a list in place: each is freed as soon as what it becomes is made."""
    shape = list_shape.items
    assert shape is not None
    as_is, fits = shape.as_is, shape.fits
    tag = shape.tag if shape.unknown else None
    kept = 0
    for value in values:
        kind, item = type(value), value
        if kind not in as_is:
            item = msgspec.UNSET
            if kind in fits and not (tag and kind is dict and type(value.get(tag)) is not str):
                item = fits[kind](value, shape)
            if item is msgspec.UNSET:
                if NoneType not in as_is:
                    continue
                item = None
        values[kept] = item
        kept += 1
    del values[kept:]
    return list_shape.make(values)


def _fit_values(value: dict[str, Any], shape: _Shape) -> Any:
    assert shape.values is not None
    fitted = {name: _fit(inner, shape.values) for name, inner in value.items()}
    return msgspec.UNSET if msgspec.UNSET in fitted.values() else fitted


def _fit_object(value: dict[str, Any], shape: _Shape) -> Any:
    tag = value.get(shape.tag) if shape.tag else None
    struct = shape.structs.get(tag) if type(tag) in (str, NoneType) else None
    unknown = shape.unknown
    if struct is None or (unknown is not None and type(value) is unknown):
        if unknown is None:
            return msgspec.UNSET
        if shape.dense:
            value = {name: inner for name, inner in value.items() if type(inner) in _SCALARS}
        return value if type(value) is unknown else unknown(value)
    known, required = _fields(struct, shape.dense)
    fields = {}
    for name in value:
        if name in known:
            attribute, declared, is_id = known[name]
            inner = value[name]
            if is_id and type(inner) in (int, float):
                inner = _spelling(inner)
            fitted = _fit(inner, declared)
            if fitted is not msgspec.UNSET:
                fields[attribute] = fitted
    return struct(**fields) if required <= fields.keys() else msgspec.UNSET


@cache
def _fields(
    struct: type[msgspec.Struct], dense: bool
) -> tuple[dict[str, tuple[str, _Shape, bool]], frozenset[str]]:
    """Return the fields by their names on the wire, and those without which there is no struct."""
    fields = msgspec.structs.fields(struct)
    known = {
        field.encode_name: (
            field.name,
            _shape(field.type, dense),
            _ID.search(field.encode_name) is not None,
        )
        for field in fields
    }
    return known, frozenset(field.name for field in fields if field.required)
