"""The shared vocabulary: `_deltas.py`."""

from typing import Any

import msgspec
import pytest

from ssekit import DecodeError, ToolCall


class Place(msgspec.Struct):
    city: str


def call(arguments: str) -> ToolCall:
    return ToolCall(0, 0, "call_1", "get_weather", arguments)


def test_the_arguments_of_a_call_are_read_as_a_type():
    made = call('{"city": "Paris"}')
    assert made.parse() == {"city": "Paris"}
    assert made.parse(Place) == Place("Paris")
    assert made.parse(type=dict[str, str]) == {"city": "Paris"}


def test_a_call_without_arguments_has_an_empty_object():
    assert call("").parse() == {}
    assert call("").partial() is msgspec.UNSET


WRONG: dict[str, tuple[str, Any]] = {
    "no JSON": ('{"city": secret', Any),
    "not yet JSON": ('{"city": "secret"', Any),
    "another type": ('{"city": 5}', Place),
    "another type, within": ('{"secret": "5"}', Place),
    "a lone surrogate": ('{"city": "\\ud83d"}', Any),
    "nested too deep": ("[" * 100_000, Any),
}


@pytest.mark.parametrize(("arguments", "kind"), WRONG.values(), ids=WRONG)
def test_arguments_that_are_not_the_type_are_a_decode_error(arguments: str, kind: Any):
    with pytest.raises(DecodeError, match=r"for the tool .get_weather.") as raised:
        call(arguments).parse(kind)
    assert raised.value.__cause__ is not None
    assert "secret" not in str(raised.value)


def test_what_the_arguments_say_so_far():
    begun = call('{"city": "Par')
    assert begun.partial() == {"city": "Par"}
    assert begun.partial(open_strings=False) == {}
    assert begun.partial() is not begun.partial()
    with pytest.raises(DecodeError, match="character 9 on") as raised:
        call('{"city": secret').partial()
    assert raised.value.partial == {}
