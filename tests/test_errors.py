"""The exception tree: `_errors.py`."""

import copy
import pickle

import pytest

import ssekit
from ssekit import (
    APIError,
    ContentTypeError,
    EventTooLargeError,
    ServerSentEvent,
    SSEKitError,
    StatusError,
    StreamInterruptedError,
    StreamTimeoutError,
)
from ssekit._server_error import error_fields, nested_error

ERRORS = [
    EventTooLargeError(64),
    APIError("no", code="429", type="rate", param="n", body={"message": "no"}, chunk=[1]),
    StatusError("no", status_code=429, headers={"retry-after": "3"}, code="x", body="no"),
    ContentTypeError("text/html", "<p>"),
    *(
        getattr(ssekit, name)("it happened")
        for name in ssekit.__all__
        if name.startswith(("Stream", "Decode")) and name.endswith("Error")
    ),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("copied", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_error_is_copied_with_all_of_its_fields(error, copied):
    error.partial = ["so far"]
    error.event = ServerSentEvent("x")
    twin = copied(error)
    assert type(twin) is type(error)
    assert str(twin) == str(error)
    assert vars(twin) == vars(error)


def test_every_error_of_the_tree_is_an_ssekit_error():
    errors = [getattr(ssekit, name) for name in ssekit.__all__ if name.endswith("Error")]
    assert len(errors) == 11
    assert all(issubclass(error, SSEKitError) for error in errors)


def test_a_timeout_is_also_the_one_that_everybody_catches():
    assert issubclass(StreamTimeoutError, StreamInterruptedError)
    assert issubclass(StreamTimeoutError, TimeoutError)


def test_a_status_error_has_the_time_to_wait():
    assert StatusError("no", status_code=429, headers={"retry-after": "3"}).retry_after == "3"
    assert StatusError("no", status_code=500, headers={}).retry_after is None


UNNAMED = "the server reported an error"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"message": "no", "code": 400, "param": "n"}, ("no", "400", None, "n")),
        ({"code": 8, "message": "no", "status": "ABORTED"}, ("no", "8", "ABORTED", None)),
        ({"message": "no", "type": "rate", "status": "ABORTED"}, ("no", None, "rate", None)),
        ({"type": "status_exception", "reason": "no"}, ("no", None, "status_exception", None)),
        ({"message": "no", "type": "None"}, ("no", None, None, None)),
        ({"message": "no", "status": "failed"}, ("no", None, None, None)),
        ({"message": {"a": 1}, "code": [1], "type": {}}, (UNNAMED, None, None, None)),
        ({"msg": "no", "status_code": 422}, ("no", "422", None, None)),
        ({"detail": "no", "http_status_code": 422}, ("no", "422", None, None)),
        ({"error": "expired", "error_description": "no"}, ("no", None, None, None)),
        ({"error": {"message": "inner"}, "message": "no", "code": 5}, ("no", "5", None, None)),
        ([{"message": "no", "code": 5}, {"message": "more", "code": 6}], ("no", "5", None, None)),
        (["", "no"], ("no", None, None, None)),
        ([], (UNNAMED, None, None, None)),
        ({"message": "no", "code": "", "type": 5, "param": {}}, ("no", None, None, None)),
        ({"message": "no", "code": True}, ("no", None, None, None)),
        (True, (UNNAMED, None, None, None)),
    ],
)
def test_what_an_error_object_says(body, fields):
    error = APIError(**error_fields(body))
    assert (error.message, error.code, error.type, error.param) == fields
    assert error.body == body


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"detail": [{"msg": "no"}], "code": 5}, [{"msg": "no"}]),
        ({"error": "x", "message": "no"}, {"error": "x", "message": "no"}),
        ({"error": True, "code": 5}, {"error": True, "code": 5}),
        ([{"error": {"a": 1}}, {}], None),
    ],
)
def test_where_an_error_object_is(body, error):
    assert nested_error(body) == error


@pytest.mark.parametrize("word", ["detail", "errors", "fault"])
def test_words_that_are_not_certain_are_an_error_where_they_may_be_one(word: str):
    assert nested_error({word: "no"}) == "no"
    assert nested_error({word: "no"}, certain=True) is None
    assert nested_error({word: "no", "error": {"a": 1}}, certain=True) == {"a": 1}


def test_what_stands_beside_an_error_object_is_taken_where_it_has_none():
    beside = {"error": {"type": "rate"}, "status_code": 429, "message": "no"}
    fields = error_fields(beside["error"], beside)
    assert (fields["message"], fields["code"], fields["type"]) == ("no", "429", "rate")
    assert error_fields({"code": "x"}, {"code": "y"})["code"] == "x"
    assert error_fields({"message": "no"}, {"code": 0})["code"] is None
