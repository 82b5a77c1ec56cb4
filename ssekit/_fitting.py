# Values that do not quite fit a declared type, such as a wire struct.
#
# What always holds here:
# - A field of unforeseen type counts as absent, and nothing else is lost with it, unless it is
#   required. An item of a list is left out, or becomes null where the list may hold null: the
#   item's position has a meaning there.
# - 1.0 and "1" are the integer 1; a number in the field of an id becomes its text.
# - A field is known by its name on the wire, and by that of its attribute: in snake_case.

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial
from types import NoneType, UnionType
from typing import Any, TypeAlias, Union, get_args, get_origin

import msgspec
from msgspec import UNSET

__all__ = ["as_type"]

# For a declared type: the types of the values that it accepts, each with a function for these.
_Converters: TypeAlias = dict[Any, Callable[[Any], Any]]

# Larger floats stand for several integers each (IEEE 754).
_EXACT_INTEGERS = 2**53
_FLOAT_BITS = 1024  # longer integers exceed any float
_SCALARS = (str, int, float, bool, NoneType)
_MOST_DIGITS = 18  # of an integer in a string, which 64 bits can hold
# The name of a field that has an id.
_ID = re.compile(r"(^|_)id$|Id$")


def as_type(value: Any, type_: Any) -> Any:
    """Return `value` as `type_`, without fields and items that do not fit; UNSET if it has no fit.

    `type_` is what a wire struct declares: a struct, a list, a scalar, or a union of these. Nothing
    is fitted to any other type, which a format of one's own may declare.
    The tag selects one of several structs. An object with another tag becomes their `__unknown__`,
    if they have one, and an object that is an `__unknown__` already stays one. In a list, an object
    whose tag is not a text is left out.

    The lists of the value are changed in place.
    """
    try:
        return msgspec.convert(value, type_)
    except (msgspec.ValidationError, UnicodeError, SystemError):
        # UnicodeError: half a surrogate pair where no text belongs. SystemError: msgspec 0.20
        # raises it for an integer that is larger than any float.
        pass
    return _fit(value, _converters(type_))


def _fit(value: Any, converters: _Converters) -> Any:
    # Nothing is raised for a value that does not fit: an event may have a hundred thousand of them.
    convert = converters.get(type(value))
    return UNSET if convert is None else convert(value)


@cache
def _converters(type_: Any, in_list: bool = False) -> _Converters:
    """Return the converters of a type, which may be that of the items of a list."""
    is_union = get_origin(type_) in (Union, UnionType)
    converters: _Converters = {}
    structs = []
    for option in get_args(type_) if is_union else (type_,):
        origin, arguments = get_origin(option), get_args(option)
        if origin in (list, tuple):
            inner = _converters(arguments[0], in_list=True)
            converters[list] = partial(_fit_items, origin, inner)
        elif origin is dict:
            inner = _converters(arguments[1])
            converters[dict] = _same if arguments[1] is Any else partial(_fit_values, inner)
        elif option in _SCALARS:
            converters[option] = _same
        elif option is Any:
            converters |= dict.fromkeys((*_SCALARS, dict, list), _same)
        elif isinstance(option, type(msgspec.Struct)):
            structs.append(option)
    if structs:
        configs = [struct.__struct_config__ for struct in structs]
        unknown = next(filter(None, (getattr(each, "__unknown__", None) for each in structs)), None)
        by_tag = {config.tag: struct for config, struct in zip(configs, structs, strict=True)}
        convert = partial(_fit_object, by_tag, configs[0].tag_field, unknown, in_list)
        converters |= dict.fromkeys(filter(None, (dict, unknown)), convert)
    if int in converters:
        converters = {float: _float_as_integer, str: _digits_as_integer, **converters}
    elif float in converters:
        converters[int] = _integer_as_float
    return converters


def _same(value: Any) -> Any:
    return value


def _integer_as_float(value: int) -> Any:
    return float(value) if value.bit_length() < _FLOAT_BITS else UNSET


def _float_as_integer(value: float) -> Any:
    exact = value.is_integer() and abs(value) <= _EXACT_INTEGERS
    return int(value) if exact else UNSET


def _digits_as_integer(value: str) -> Any:
    if not value.isascii():
        return UNSET
    digits = value.removeprefix("-")  # twice as fast as a pattern
    return int(value) if digits.isdecimal() and len(digits) <= _MOST_DIGITS else UNSET


def _fit_items(make: Callable[[list[Any]], Any], inner: _Converters, values: list[Any]) -> Any:
    """Fit the items of a list in place, so that each is freed as soon as it is fitted."""
    misfit = None if NoneType in inner else UNSET
    kept = 0
    for value in values:
        item = _fit(value, inner)
        if item is UNSET:
            item = misfit
        if item is not UNSET:
            values[kept] = item
            kept += 1
    del values[kept:]
    return make(values)


def _fit_values(inner: _Converters, values: dict[str, Any]) -> Any:
    fitted = {name: _fit(value, inner) for name, value in values.items()}
    return UNSET if UNSET in fitted.values() else fitted


def _fit_object(
    structs: dict[Any, type[msgspec.Struct]],
    tag_field: str | None,
    unknown: type[dict[str, Any]] | None,
    in_list: bool,
    value: dict[str, Any],
) -> Any:
    """Return an object as the struct of its tag, as an `__unknown__`, or UNSET."""
    if type(value) is unknown:
        return value
    tag = value.get(tag_field) if tag_field else None
    struct = structs.get(tag) if tag is None or type(tag) is str else None
    if struct is None:
        has_tag = type(tag) is str or not in_list
        return unknown(value) if unknown is not None and has_tag else UNSET
    known, required = _fields(struct)
    fields = {}
    for name, inner in value.items():
        if name in known:
            attribute, converters, is_id = known[name]
            if is_id and type(inner) in (int, float):
                inner = str(inner)
            fitted = _fit(inner, converters)
            # Null does not replace a value under the other name of a field.
            if fitted is not UNSET and (fitted is not None or attribute not in fields):
                fields[attribute] = fitted
    return UNSET if required and not required <= fields.keys() else struct(**fields)


@cache
def _fields(
    struct: type[msgspec.Struct],
) -> tuple[dict[str, tuple[str, _Converters, bool]], frozenset[str]]:
    """Return the fields of a struct by both of their names, and the names of the required ones."""
    fields = msgspec.structs.fields(struct)
    known = {
        name: (field.name, _converters(field.type), _ID.search(name) is not None)
        for field in fields
        for name in (field.name, field.encode_name)
    }
    return known, frozenset(field.name for field in fields if field.required)
