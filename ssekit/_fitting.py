# Values that do not quite fit a declared type, such as a wire struct.
#
# What always holds here:
# - A field of unforeseen type counts as absent, and nothing else is lost with it, unless it is
#   required. An item of a list is left out, or becomes null where the list may hold null: the
#   item's position has a meaning there.
# - 1.0 and "1" are the integer 1; a number is an id.
# - A field is known by its name on the wire, and by that of its attribute: in snake_case.

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import msgspec
from msgspec import UNSET

__all__ = ["as_type"]

# Larger floats stand for several integers each (IEEE 754).
_EXACT_INTEGERS = 2**53
_FLOAT_BITS = 1024  # longer integers exceed any float
_SCALARS = frozenset({str, int, float, bool, NoneType})
_MOST_DIGITS = 18  # of an integer in a string, which 64 bits can hold
# The name of a field that has an id.
_ID = re.compile(r"(^|_)id$|Id$")


def as_type(value: Any, type_: Any) -> Any:
    """Return `value` as `type_`, without fields and items that do not fit; UNSET if it has no fit.

    `type_` is what a wire struct declares: a struct, a list, a scalar, or a union of these.
    The tag selects one of several structs. An object with another tag becomes their `__unknown__`,
    if they have one, and an object that is an `__unknown__` already stays one. In a list, an object
    whose tag is not a text is left out.

    The lists of the value are changed in place.
    """
    try:
        return msgspec.convert(value, type_)
    except (msgspec.ValidationError, UnicodeError, SystemError):
        # UnicodeError: half a surrogate pair where no text belongs. SystemError: msgspec 0.20 has
        # an integer that is larger than any float.
        pass
    return _fit(value, _shape(type_))


class _Shape(msgspec.Struct, frozen=True):
    """The values that a declared type accepts."""

    as_is: frozenset[Any]  # the types whose values are taken as they are
    fits: dict[Any, Callable[[Any, _Shape], Any]]  # the functions that fit values of other types
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
    objects = [option for option in options if get_origin(option) is dict]
    values = [get_args(option)[1] for option in objects]
    structs = [option for option in options if isinstance(option, type(msgspec.Struct))]
    configs = [struct.__struct_config__ for struct in structs]
    unknown = next(filter(None, (getattr(each, "__unknown__", None) for each in structs)), None)
    as_is = {*options} & _SCALARS
    if Any in options:
        as_is |= {*_SCALARS, dict, list}
    if Any in values:
        as_is |= {dict}
        values.clear()
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
        items=_shape(get_args(lists[0])[0]) if lists else None,
        make=get_origin(lists[0]) if lists else list,
        values=_shape(values[0]) if values else None,
        structs={config.tag: struct for config, struct in zip(configs, structs, strict=True)},
        tag=configs[0].tag_field if configs else None,
        unknown=unknown,
    )


def _fit(value: Any, shape: _Shape) -> Any:
    # Nothing is raised for a value that does not fit: an event may have a hundred thousand of them.
    kind = type(value)
    if kind in shape.as_is:
        return value
    fit = shape.fits.get(kind)
    return UNSET if fit is None else fit(value, shape)


def _fit_integer(value: int, _: _Shape) -> Any:
    return float(value) if value.bit_length() < _FLOAT_BITS else UNSET


def _fit_float(value: float, _: _Shape) -> Any:
    exact = value.is_integer() and abs(value) <= _EXACT_INTEGERS
    return int(value) if exact else UNSET


def _fit_digits(value: str, _: _Shape) -> Any:
    if not value.isascii():
        return UNSET
    digits = value.removeprefix("-")  # twice as fast as a pattern
    return int(value) if digits.isdecimal() and len(digits) <= _MOST_DIGITS else UNSET


def _fit_items(values: list[Any], list_shape: _Shape) -> Any:
    """Fit the items of a list in place, so that each is freed as soon as it is fitted."""
    shape = list_shape.items
    assert shape is not None
    as_is, fits = shape.as_is, shape.fits
    tag = shape.tag if shape.unknown else None
    misfit = None if NoneType in as_is else UNSET
    kept = 0
    for value in values:
        kind, item = type(value), value
        if kind not in as_is:
            item = misfit
            if kind in fits and not (tag and kind is dict and type(value.get(tag)) is not str):
                fitted = fits[kind](value, shape)
                item = misfit if fitted is UNSET else fitted
            if item is UNSET:
                continue
        values[kept] = item
        kept += 1
    del values[kept:]
    return list_shape.make(values)


def _fit_values(value: dict[str, Any], shape: _Shape) -> Any:
    assert shape.values is not None
    fitted = {name: _fit(inner, shape.values) for name, inner in value.items()}
    return UNSET if UNSET in fitted.values() else fitted


def _fit_object(value: dict[str, Any], shape: _Shape) -> Any:
    tag = value.get(shape.tag) if shape.tag else None
    struct = shape.structs.get(tag) if tag is None or type(tag) is str else None
    unknown = shape.unknown
    if struct is None or (unknown is not None and type(value) is unknown):
        if unknown is None:
            return UNSET
        return value if type(value) is unknown else unknown(value)
    known, required = _fields(struct)
    fields = {}
    for name, inner in value.items():
        if name in known:
            attribute, declared, is_id = known[name]
            if is_id and type(inner) in (int, float):
                inner = str(inner)
            fitted = _fit(inner, declared)
            # Null does not replace a value under the other name of a field.
            if fitted is not UNSET and (fitted is not None or attribute not in fields):
                fields[attribute] = fitted
    return UNSET if required and not required <= fields.keys() else struct(**fields)


@cache
def _fields(
    struct: type[msgspec.Struct],
) -> tuple[dict[str, tuple[str, _Shape, bool]], frozenset[str]]:
    """Return the fields of a struct by both of their names, and the names of the required ones."""
    fields = msgspec.structs.fields(struct)
    known = {
        name: (field.name, _shape(field.type), _ID.search(name) is not None)
        for field in fields
        for name in (field.name, field.encode_name)
    }
    return known, frozenset(field.name for field in fields if field.required)
