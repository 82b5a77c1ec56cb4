# Lenient JSON: texts that are not quite JSON. `parse_text` is the strict reader, for a type of the
# user.
#
# An ordinary chunk is read by its typed decoder, in C. Most of `parse` runs only for data that this
# refused; `is_dense` and `has_surrogate` run for ordinary chunks too.
#
# What always holds here:
# - `parse` raises nothing but ValueError, whatever the text. It takes little memory: text that no
#   vendor writes (a hundred levels, hardly more than brackets) is refused.

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Collection
from contextlib import suppress
from itertools import accumulate
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from ssekit._errors import DecodeError

__all__ = [
    "DECODE_FAILURES",
    "LARGE",
    "MAX_DEPTH",
    "JSONObject",
    "as_integer",
    "has_float",
    "has_surrogate",
    "is_dense",
    "is_json",
    "join_surrogates",
    "objects",
    "parse",
    "parse_object",
    "parse_text",
    "spell",
    "spell_json",
    "try_parse",
    "unlisted",
    "well_formed",
    "without_spellings",
]

ValueT = TypeVar("ValueT")

# An object of no declared shape: what each host shapes in its own way is left as it came.
JSONObject: TypeAlias = dict[str, Any]

# What a decoder of msgspec raises for data that is not of its type.
DECODE_FAILURES: Final = (msgspec.DecodeError, UnicodeError, RecursionError)
# Nesting that no vendor's shape comes near. Recursive readers and writers (json, msgspec, copying,
# repr) give up at about a thousand levels.
MAX_DEPTH = 100

LARGE = 4 * 2**10  # bytes or characters: a smaller text takes little memory, whatever is in it
_FRACTION = re.compile(r"[0-9][.eE]")
_FLOAT = re.compile(r"[:,\[]\s*-?[0-9]+[.eE]")
_NO_MARKS = bytes(byte for byte in range(256) if byte not in b'[]{}"')
_LEVELS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")  # 1 and -1, as signed bytes
# The place of a fault, at the end of a message of msgspec.
_PLACE = re.compile(r"(?:\((byte \d+)\)| at `(\$[^`]*)`)\Z")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LONE_SURROGATE = re.compile(
    "[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]"
)
_LONE_INSIDE = re.compile(  # the same, but at no end of the text
    "[\ud800-\udbff](?![\udc00-\udfff]|\\Z)|(?<![\ud800-\udbff])(?!\\A)[\udc00-\udfff]"
)


class SpelledFloat(float):
    """A number with its spelling on the wire, of which a float would lose zeros and exponents."""

    __slots__ = ("_spelling",)

    _spelling: str

    def __new__(cls, spelling: str) -> SpelledFloat:
        number = super().__new__(cls, spelling)
        number._spelling = spelling
        return number

    def __str__(self) -> str:
        return self._spelling


_ENCODE: Final = msgspec.json.Encoder().encode


def parse(text: str, fragments: Collection[str] | None = (), *, spelled: bool = False) -> Any:
    """Return `text` read as JSON, as a tree of well-formed builtins.

    Control characters in strings and the constants NaN and Infinity are accepted. A lone surrogate
    becomes U+FFFD. But the strings under the keys `fragments` continue in other events: one at an
    end of such a string stays, because its other half may be there. If `fragments` is None, all of
    them stay, for a tree that is only looked at. With `spelled`, a number with a fraction or
    an exponent is a float that keeps its spelling.

    Raises:
        ValueError: The text is not JSON, or it is nested too deep, or `is_dense`.
    """
    if _is_deep(text) or is_dense(text):
        raise ValueError("the text has too many brackets")
    if not spelled:
        try:
            # Strict, in C. `json` reads any such text alike, and no surrogate is in it.
            return msgspec.json.decode(text)
        except (msgspec.MsgspecError, UnicodeError):
            pass
    tree = json.loads(
        text,
        strict=False,
        parse_int=as_integer,
        parse_float=SpelledFloat if spelled else None,
    )
    if fragments is not None and ("\\u" in text or has_surrogate(text)):
        return _without_halves(tree, fragments)
    return tree


def _without_halves(tree: Any, fragments: Collection[str], *, inside: bool = False) -> Any:
    """Return a tree without lone surrogates, but for those at an end of a string in a fragment."""
    if isinstance(tree, dict):
        return {
            join_surrogates(name): _without_halves(value, fragments, inside=name in fragments)
            for name, value in tree.items()
        }
    if isinstance(tree, list):
        return [_without_halves(value, fragments, inside=inside) for value in tree]
    if isinstance(tree, str):
        return _LONE_INSIDE.sub("\ufffd", tree) if inside else join_surrogates(tree)
    return tree


def has_float(text: str) -> bool:
    """Whether a number within a JSON text may have a fraction or an exponent."""
    # The first search takes half of the time, but finds digits within strings too.
    return _FRACTION.search(text) is not None and _FLOAT.search(text) is not None


def is_dense(text: str | bytes) -> bool:
    """Whether a large JSON text is hardly more than brackets, as no answer is.

    Decoded and copied, such a text would take 90 times its size.
    """
    if len(text) <= LARGE:
        return False
    # (The first look is enough for nearly every text: brackets within a string are text.)
    return _is_heavy(text, len(text)) and _is_heavy(_brackets(text), len(text))


def _is_heavy(text: str | bytes, size: int) -> bool:
    """Whether a text has too many lists and objects for its size."""
    lists, objects = _count(text)
    # At most a list in 3.5 characters, or an object in 8: they take 88 and 184 bytes with one item,
    # so about 24 bytes a character.
    return 7 * lists + 16 * objects > 2 * size


def _count(text: str | bytes) -> tuple[int, int]:
    """Return how many lists and objects a text has at most."""
    if isinstance(text, str):
        return text.count("["), text.count("{")
    return text.count(b"["), text.count(b"{")


def is_json(text: str) -> bool:
    """Whether `parse` reads `text`."""
    if not text:
        return False  # without an exception: there may be many empty texts
    try:
        parse(text, None)
    except ValueError:
        return False
    return True


def try_parse(text: str, fragments: Collection[str] | None = (), *, spelled: bool = False) -> Any:
    """Return `text` read as JSON, as `parse` does, or None if it is not JSON."""
    try:
        return parse(text, fragments, spelled=spelled)
    except ValueError:
        return None


def parse_object(text: str) -> dict[str, Any] | None:
    """Return the object of a JSON text; None if it is another value, or not whole."""
    tree = try_parse(text)
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
    except DECODE_FAILURES as error:
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
        if field in holder and isinstance(value := holder[field], (int, float)):
            holder[field] = str(value).lower() if isinstance(value, bool) else str(value)


def spell_json(holder: dict[str, Any], *fields: str) -> None:
    """Turn values in fields, where JSON texts belong, into their JSON text."""
    for field in fields:
        if field in holder:
            spell(holder, field)
            if isinstance(holder[field], (dict, list)):
                holder[field] = json.dumps(holder[field])


def without_spellings(tree: dict[Any, Any] | list[Any]) -> None:
    """Replace the spelled floats in a tree of builtins by plain ones, in place."""
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        if type(value) is SpelledFloat:
            tree[key] = float(value)
        elif isinstance(value, (dict, list)):
            without_spellings(value)


def well_formed(tree: Any, *, copy: bool = True) -> Any:
    """Return a copy of a tree of builtins that shares nothing mutable, encodes and prints.

    Spelled floats become plain ones. A tree that is nested too deep becomes None. Without `copy`,
    a tree that is like this already is returned itself.
    """
    if isinstance(tree, str):
        return join_surrogates(tree)
    if not isinstance(tree, (dict, list)):
        return float(tree) if isinstance(tree, float) else tree
    try:
        # Encoding fails for half a surrogate pair, and for a spelled float.
        if not _is_deep(_ENCODE(tree)):
            return msgspec.to_builtins(tree) if copy else tree  # a copy in C
    except (UnicodeError, TypeError, RecursionError):
        with suppress(RecursionError):
            return try_parse(json.dumps(tree))
    return None


def objects(items: Any) -> list[dict[str, Any]]:
    """Return the objects in a list; none for any other value."""
    return [item for item in items if type(item) is dict] if isinstance(items, list) else []


def unlisted(tree: Any) -> Any:
    """Return the object of a list that has nothing else; any other value as it is."""
    alone = isinstance(tree, list) and len(tree) == 1 and isinstance(tree[0], dict)
    return tree[0] if alone else tree


def join_surrogates(text: str) -> str:
    """Return `text` with surrogate pairs joined, and lone surrogates as U+FFFD."""
    if not has_surrogate(text):
        return text
    text = _LONE_SURROGATE.sub("\ufffd", text)
    # Through UTF-16, in which a surrogate pair is a character.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def has_surrogate(text: str) -> bool:
    """Whether half a surrogate pair is in `text`, which UTF-8 cannot encode."""
    return not text.isascii() and _SURROGATE.search(text) is not None


def as_integer(digits: str) -> int | float:
    """Return an integer; a float if it has more digits than `int` reads (4,300, unless set)."""
    try:
        return int(digits)
    except ValueError:
        return float(digits)


def _is_deep(text: str | bytes) -> bool:
    """Whether a JSON text is nested deeper than `MAX_DEPTH`."""
    # Each level takes two brackets.
    if len(text) <= 2 * MAX_DEPTH or sum(_count(text)) <= MAX_DEPTH:
        return False
    levels = array("b", _brackets(text).translate(_LEVELS))
    return max(accumulate(levels), default=0) > MAX_DEPTH


def _brackets(text: str | bytes) -> bytes:
    """Return the brackets of a JSON text that are not within a string."""
    data = text.encode(errors="replace") if isinstance(text, str) else text
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Without escaped quotes, every other part between quotes is within a string.
    return b"".join(data.translate(None, _NO_MARKS).split(b'"')[::2])
