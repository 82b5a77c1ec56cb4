"""The shared vocabulary: `_deltas.py`."""

import json
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
    assert made.parse(dict[str, object]) == {"city": "Paris"}


def test_a_call_without_arguments_has_an_empty_object():
    assert call("").parse() == {}
    assert call("").partial() is msgspec.UNSET


class Model:
    """A class that validates itself, as Pydantic's models do."""

    def __init__(self, city: str) -> None:
        self.city = city

    @classmethod
    def model_validate_json(cls, data: bytes) -> "Model":
        city = json.loads(data)["city"]
        if not isinstance(city, str):
            raise ValueError(f"{city} is no city")  # noqa: TRY004 - as Pydantic's errors are
        return cls(city)


def test_a_class_that_validates_itself_is_a_type_as_others():
    assert call('{"city": "Paris"}').parse(Model).city == "Paris"
    [made] = call('[{"city": "Paris"}]').parse(list[Model])
    assert made.city == "Paris"


def test_a_pydantic_model_is_a_type_as_others():
    pydantic = pytest.importorskip("pydantic", reason="pydantic is in the dependency group corpus")
    kind = pydantic.create_model("Kind", city=str, days=(tuple[int, ...], ()))
    assert call('{"city": "Paris", "days": [1]}').parse(kind) == kind(city="Paris", days=(1,))
    with pytest.raises(DecodeError, match=r"asked for$"):
        call('{"city": 5}').parse(kind)
    with pytest.raises(DecodeError, match="is cut off"):
        call('{"city": "Par').parse(kind)


def test_a_class_that_json_cannot_become_is_a_type_error():
    with pytest.raises(TypeError, match=r"cannot become DecodeError: use a msgspec\.Struct, a dat"):
        call("{}").parse(DecodeError)


WRONG: dict[str, tuple[str, Any, str]] = {
    "no JSON": ('{"city": secret', Any, "is not the JSON that was asked for at byte 9$"),
    "not yet JSON": ('{"city": "secret"', Any, "is cut off$"),
    "another type": ('{"city": 5}', Place, r"asked for at \$\.city$"),
    "another type, within": ('{"secret": "5"}', Place, "asked for$"),
    "no valid model": ('{"city": ["secret"]}', Model, "asked for$"),
    "no valid model, within": ('[{"city": ["secret"]}]', list[Model], r"asked for at \$\[0\]$"),
    "a lone surrogate": ('{"city": "\\ud83d"}', Any, "is cut off$"),
    "nested too deep": ("[" * 100_000, Any, "asked for$"),
}


@pytest.mark.parametrize(("arguments", "kind", "message"), WRONG.values(), ids=WRONG)
def test_arguments_that_are_not_the_type_are_a_decode_error(
    arguments: str, kind: Any, message: str
):
    text = "^the argument text for the tool 'get_weather' "
    with pytest.raises(DecodeError, match=f"{text}.*{message}") as raised:
        call(arguments).parse(kind)
    assert raised.value.__cause__ is not None
    assert "secret" not in str(raised.value)


def test_the_value_of_the_arguments_so_far():
    begun = call('{"city": "Par')
    assert begun.partial() == {"city": "Par"}
    assert begun.partial(open_strings=False) == {}
    assert begun.partial() is not begun.partial()
    with pytest.raises(DecodeError, match="character 9 on") as raised:
        call('{"city": secret').partial()
    assert raised.value.partial == {}
