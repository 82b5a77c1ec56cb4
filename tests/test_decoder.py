"""The push decoder, without any Stream: `_decoder.py`. Its format is the smallest that there is."""

import asyncio
import copy
import pickle
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import msgspec
import pytest

from ssekit import (
    AnswerTooLargeError,
    APIError,
    DecodeError,
    EventTooLargeError,
    Finish,
    Format,
    ServerSentEvent,
    SSEDecoder,
    SSEKitError,
    StreamDecoder,
    StreamInterruptedError,
    StreamNotFinishedError,
    StreamTruncatedError,
    TextDelta,
    auto,
    chat,
)
from ssekit.testing import splits
from tests.ways import pieces


class Word(msgspec.Struct, kw_only=True):
    """A chunk: a word, which may be the last (and may come with the stream's own end).

    One that is foreign belongs to another list.
    """

    word: str
    last: bool = False
    end: bool = False
    foreign: bool = False
    error: None = None


LAST = Finish(0, "stop", "stop")


class Words:
    """Folds words into a list."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.complete = False

    def add(self, chunk: Word, /) -> bool:
        if chunk.foreign:
            raise DecodeError("a word of another list")
        self.words.append(chunk.word)
        self.complete = self.complete or chunk.last
        return chunk.end

    def snapshot(self) -> list[str]:
        return self.words.copy()

    text = reasoning = refusal = ""
    tool_calls = ()
    finish_reason = usage = None

    def deltas(self, chunk: Word, /) -> list[Any]:
        assert chunk.word == self.words[-1]
        return [TextDelta(0, chunk.word)]

    def last_deltas(self) -> list[Any]:
        return [LAST]


WORDS: Format[Word, list[str]] = Format("words", msgspec.json.Decoder(Word), Words)


def word(text: str, **fields: Any) -> bytes:
    return b"data: " + msgspec.json.encode({"word": text, **fields}) + b"\n\n"


def run(reads: Iterable[bytes], **options: Any) -> tuple[list[str], StreamDecoder[Word, list[str]]]:
    decoder = WORDS.decoder(**options)
    chunks = [chunk for read in reads for chunk in decoder.feed(read)]
    return [chunk.word for chunk in chunks + decoder.close()], decoder


DONE = b"data: [DONE]\n\n"
A, B = word("a"), word("b")

FOREIGN, ERROR = word("b", foreign=True), b'data: {"error": {"code": 1}}\n\n'
LONG = b"data: " + b"x" * 200 + b"\n\n"

# What came, the words of its chunks, and what ended it, or the error.
ENDS: dict[str, tuple[bytes, str, str | type[SSEKitError]]] = {
    "the marker": (A + DONE, "a", "marker"),
    "the marker, and what follows": (A + DONE + B, "a", "marker"),
    "the marker without its blank line": (A + b"data: [DONE]", "a", "marker"),
    "the marker, and one line end": (A + b"data:[DONE]\r", "a", "marker"),
    "the marker alone": (DONE, "", StreamTruncatedError),
    "the terminal event": (word("a", end=True) + B, "a", "event"),
    "a clean end after the finish": (word("a", last=True) + B, "ab", "finish"),
    "an event without its blank line": (A + word("b", last=True).rstrip(), "ab", "finish"),
    "a terminal event without its blank line": (A + word("b", end=True).rstrip(), "ab", "event"),
    "nothing": (b"", "", StreamTruncatedError),
    "no finish": (A + B, "ab", StreamTruncatedError),
    "within an event": (A + B[:-6], "a", StreamTruncatedError),
    "within an event after the finish": (word("a", last=True) + B[:-6], "a", StreamTruncatedError),
    "within a comment after the finish": (word("a", last=True) + b": keep-al", "a", "finish"),
    "within the marker": (A + b"data: [DON", "a", StreamTruncatedError),
    "something like the marker": (A + b"data: [DONE]!\n\n" + B, "a", DecodeError),
    "an error": (A + ERROR + B, "a", APIError),
    "an error without its blank line": (A + ERROR[:-2], "a", APIError),
    "no JSON": (A + b"data: {\n\n" + B, "a", DecodeError),
    "no object": (A + b"data: 5\n\n" + B, "a", DecodeError),
    "no data": (A + b"data\n\n" + B + DONE, "ab", "marker"),
    "what does not belong here": (A + FOREIGN + B, "a", DecodeError),
    "that, in a list": (A + b"data: [%b]\n\n" % FOREIGN[6:-2] + B, "a", DecodeError),
    "an error in that": (A + word("b", foreign=True, error="no") + B, "a", APIError),
    "too large": (A + LONG + B, "a", EventTooLargeError),
    "too large after the marker": (A + DONE + b"x" * 200, "a", "marker"),
}
each_end = pytest.mark.parametrize(("stream", "words", "end"), ENDS.values(), ids=ENDS)


def check_end(reads: list[bytes], words: str, end: Any) -> None:
    stated, decoder = run(reads, max_event_size=100)
    assert "".join(stated) == words, reads
    if isinstance(end, str):
        assert (decoder.state, decoder.ended_by, decoder.error) == ("done", end, None), reads
    else:
        state = "truncated" if end is StreamTruncatedError else "failed"
        assert (decoder.state, decoder.ended_by) == (state, None), reads
        assert type(decoder.error) is end


@each_end
def test_the_end(stream: bytes, words: str, end: Any):
    """Each end is the same whole, byte by byte, and at every two-way cut."""
    for reads in [pieces(stream), *splits(stream)]:
        check_end(reads, words, end)


@each_end
def test_the_error_has_the_answer_so_far_and_pickles(stream: bytes, words: str, end: Any):
    decoder = run([stream], max_event_size=100)[1]
    assert decoder.snapshot() == [*words]
    if isinstance(end, str):
        assert decoder.result() == [*words]
    else:
        with pytest.raises(end) as raised:
            decoder.result()
        assert raised.value is decoder.error
        assert raised.value.partial == [*words]
        assert pickle.loads(pickle.dumps(raised.value)).partial == [*words]


def test_what_does_not_belong_here_is_to_blame():
    error = run([A, FOREIGN])[1].error
    assert error is not None
    assert error.event == ServerSentEvent(FOREIGN.decode()[6:-2])


def test_the_event_behind_the_latest_chunk():
    decoder = WORDS.decoder()
    assert decoder.event is None
    decoder.feed(b"id: 1\nevent: x\nretry: 5\n" + A)
    assert decoder.event == ServerSentEvent('{"word":"a"}', "x", "1", 5)
    decoder.feed(b"data: 5\n\n")
    assert decoder.event == ServerSentEvent("5", id="1")
    assert decoder.error is not None
    assert decoder.error.event == decoder.event


# A lone surrogate, which no bytes have, is U+FFFD where it came in bytes too.
@pytest.mark.parametrize(
    ("data", "as_bytes"),
    [('{"word":"a"}', '{"word":"a"}'), ('{"word": "\ud83d"}', '{"word": "\ufffd"}')],
)
def test_events_are_fed_like_bytes(data: str, as_bytes: str):
    decoder = WORDS.decoder()
    assert len(decoder.feed(ServerSentEvent(data, "x", "1", retry=5))) == 1
    assert decoder.event == ServerSentEvent(as_bytes, "x", "1", retry=5)
    decoder.feed(ServerSentEvent("[DONE]"))
    assert decoder.ended_by == "marker"


@pytest.mark.parametrize(
    ("stream", "hint"), [(b"", True), (b"oops", True), (A, False), (A + b"dat", False)]
)
def test_a_truncated_stream_reports_if_no_event_was_seen(stream: bytes, hint: bool):
    error = run([stream])[1].error
    assert ("no event was seen" in str(error)) == hint


def test_what_comes_after_the_end_is_not_looked_at():
    decoder = WORDS.decoder()
    decoder.feed(A + DONE)
    assert (decoder.feed(B), decoder.close()) == ([], [])
    decoder.fail(OSError())
    assert (decoder.state, decoder.error, decoder.result()) == ("done", None, ["a"])


def test_comments_and_the_earlier_id_pass_through():
    comments: list[str] = []
    decoder = WORDS.decoder(on_comment=comments.append, last_event_id="7")
    decoder.feed(b": hello\n" + A)
    assert comments == ["hello"]
    assert decoder.event is not None
    assert decoder.event.id == "7"


def test_there_is_no_result_before_the_end():
    decoder = WORDS.decoder()
    decoder.feed(A)
    with pytest.raises(StreamNotFinishedError) as raised:
        decoder.result()
    assert raised.value.partial == ["a"]
    assert decoder.state == "open"


def test_a_transport_whose_errors_cannot_even_be_described():
    class Mute(Exception):
        def __str__(self) -> str:
            raise ZeroDivisionError

    decoder = WORDS.decoder()
    decoder.fail(Mute())
    assert str(decoder.error) == "the transport raised Mute"


def test_an_error_of_ours_from_the_transport_is_kept_as_it_is():
    decoder = WORDS.decoder()
    error = DecodeError("elsewhere")
    decoder.fail(error)
    assert decoder.error is error
    assert error.partial == []


def test_the_answer_goes_on_over_another_source():
    decoder = WORDS.decoder()
    decoder.feed(A + B[:9])
    decoder.fail(OSError())
    decoder.resume()
    assert (decoder.state, decoder.error, decoder.ended_by) == ("open", None, None)
    decoder.feed(b"\xef\xbb\xbf" + B + DONE)
    assert decoder.result() == ["a", "b"]


@pytest.mark.parametrize(
    "cause",
    [asyncio.CancelledError("secret"), GeneratorExit("secret"), KeyboardInterrupt("secret")],
)
def test_who_leaves_is_no_transport_that_fails(cause: BaseException):
    decoder = WORDS.decoder()
    decoder.feed(A + B[:-1])
    decoder.fail(cause)
    error = decoder.error
    assert (decoder.state, type(error)) == ("failed", StreamInterruptedError)
    assert str(error) == "reading was cancelled"
    assert error is not None
    assert (error.__cause__, error.partial) == (cause, ["a"])


@pytest.mark.parametrize("cause", [ZeroDivisionError("secret"), KeyboardInterrupt("secret")])
@pytest.mark.parametrize("take", ["feed", "feed_deltas"])
def test_what_interrupts_the_decoding_fails_it(cause: BaseException, take: str):
    """The chunks of that read went with the exception, so the answer has a hole for its reader."""

    def interrupt(_: str) -> None:
        raise cause

    decoder = WORDS.decoder(on_comment=interrupt)
    with pytest.raises(type(cause)):
        getattr(decoder, take)(A + b": hello\n" + B + DONE)
    error = decoder.error
    assert (decoder.state, type(error)) == ("failed", StreamInterruptedError)
    assert str(error) == f"{type(cause).__name__} interrupted the decoding"
    assert error is not None
    assert (error.__cause__, error.partial) == (cause, ["a"])
    assert (decoder.feed(B), decoder.close()) == ([], [])


def test_what_interrupts_the_end_fails_the_decoder():
    def interrupt(_: str) -> None:
        raise ZeroDivisionError

    decoder = WORDS.decoder(on_comment=interrupt)
    decoder.feed(word("a", last=True) + b": hello")
    with pytest.raises(ZeroDivisionError):
        decoder.close_deltas()
    assert decoder.state == "failed"


# The reads, and the deltas that each of them completes; the last are those of the end.
DELTAS: dict[str, tuple[list[bytes], list[str]]] = {
    "a chunk in each read": ([A, B, DONE], ["a", "b", "|", ""]),
    "many chunks in a read, and the end": ([A + B + A + DONE], ["aba|", ""]),
    "chunks in a read, and half of one": ([A + B[:9], B[9:] + DONE], ["a", "b|", ""]),
    "the terminal event": ([A + word("b", end=True) + B, B], ["ab|", "", ""]),
    "a clean end": ([A, word("b", last=True)], ["a", "b", "|"]),
    "a clean end within the last event": ([A + word("b", last=True)[:-2]], ["a", "b|"]),
    "a truncated end": ([A + B], ["ab", ""]),
    "an error": ([A + b'data: {"error": "no"}\n\n' + B], ["a", ""]),
    "nothing": ([], [""]),
}


@pytest.mark.parametrize(("reads", "deltas"), DELTAS.values(), ids=DELTAS)
def test_pushed_deltas(reads: list[bytes], deltas: list[str]):
    """The last ones ("|") come once, and only if the stream is done."""
    decoder = WORDS.decoder()
    stated = [decoder.feed_deltas(read) for read in reads] + [decoder.close_deltas()]
    assert stated == [
        [LAST if letter == "|" else TextDelta(0, letter) for letter in each] for each in deltas
    ]
    assert (decoder.close_deltas(), decoder.feed_deltas(A)) == ([], [])


def test_events_are_fed_for_deltas_too():
    decoder = WORDS.decoder()
    assert decoder.feed_deltas(ServerSentEvent('{"word":"a"}')) == [TextDelta(0, "a")]
    assert decoder.feed_deltas(ServerSentEvent("[DONE]")) == [LAST]


def test_chunks_of_one_read_are_decoded_when_they_are_asked_for():
    decoder = WORDS.decoder()
    chunks = decoder.receive([A + B])
    next(chunks)
    assert decoder.snapshot() == ["a"]
    next(chunks)
    assert decoder.snapshot() == ["a", "b"]


def test_nothing_is_taken_after_the_end():
    reads = iter([A, DONE, B, B])
    assert len(list(WORDS.decoder().receive(reads))) == 1
    assert len(list(reads)) == 2


def test_the_event_behind_a_chunk_is_not_what_an_unfinished_one_makes_of_it():
    decoder = WORDS.decoder()
    decoder.feed(A + b"event: x\nid: 9\nretry: 7\ndata: {")
    behind = decoder.event
    decoder.close()
    assert (decoder.state, decoder.event) == ("truncated", behind)


# Copies.

COPIED = {
    "decoder": chat.decoder,
    "auto": auto.decoder,
    "stream": lambda: chat.stream([]),
    "astream": lambda: chat.astream([]),
    "SSEDecoder": SSEDecoder,
}


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
@pytest.mark.parametrize("make", COPIED.values(), ids=COPIED)
def test_what_goes_on_is_not_copied(make: Any, copied: Any):
    instead = "another" if make is SSEDecoder else r"snapshot\(\)"
    with pytest.raises(TypeError, match=f"no copy or pickle of .*: .*{instead}"):
        copied(make())


@pytest.mark.parametrize(("limit", "words"), [(None, ["a", "b"]), (24, ["a", "b"]), (23, ["a"])])
def test_max_answer_size_is_of_the_data_of_all_events(limit: int | None, words: list[str]):
    """Each chunk has 12 bytes of data; the marker is no part of the answer."""
    stream = A + b": a comment of many words, which does not count\n\n" + B + DONE
    for reads in [pieces(stream), *splits(stream)]:
        stated, decoder = run(reads, max_answer_size=limit)
        assert stated == words
    if len(words) == 2:
        assert decoder.result() == words
    else:
        with pytest.raises(AnswerTooLargeError, match=r"max_answer_size \(23 bytes\)") as raised:
            decoder.result()
        assert (raised.value.limit, raised.value.partial) == (23, ["a"])
        assert pickle.loads(pickle.dumps(raised.value)).limit == 23


def test_max_answer_size_counts_what_the_typed_decoder_refuses():
    decoder = chat.decoder(max_answer_size=60)
    event = b'data: {"choices": [{"delta": {"content": 5}}]}\n\n'
    assert len(decoder.feed(event)) == 1
    assert decoder.feed(event) == []
    assert isinstance(decoder.error, AnswerTooLargeError)


def test_an_answer_that_goes_on_has_one_limit():
    decoder = WORDS.decoder(max_answer_size=30)
    for reads in ([A], [A]):
        with suppress(StreamTruncatedError):
            WORDS.stream(reads, decoder=decoder).until_done()
    with pytest.raises(AnswerTooLargeError):
        WORDS.stream([A], decoder=decoder).until_done()
    with pytest.raises(AnswerTooLargeError):
        WORDS.collect([A, A, A, DONE], max_answer_size=30)
