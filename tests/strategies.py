"""What Hypothesis makes the tests' streams of."""

from hypothesis import strategies as st

NEWLINES = [b"\n", b"\r\n", b"\r"]

# Whatever a parser could stumble over, and the pieces of what it should understand.
TOKENS = [
    *NEWLINES,
    *(newline * 2 for newline in NEWLINES),
    *(b"data: ", b"data:", b"data", b"event: ", b"event:", b"id: ", b"id", b"retry: ", b"retry"),
    *(b":", b": ", b" ", b"\0", b"0", b"17", b"x", b"message", b"Data", b"{}", b"[DONE]"),
    *("é".encode(), "\u2028".encode(), "😀".encode()[:2], b"\xff", b"\xef\xbb\xbf", b"\x85"),
]

any_bytes = st.lists(st.sampled_from(TOKENS) | st.binary(max_size=3), max_size=24).map(b"".join)


@st.composite
def plain_streams(draw: st.DrawFn) -> bytes:
    """Streams that are nearly, or wholly, one-line events of few shapes: the plain road's diet."""
    newline = draw(st.sampled_from(NEWLINES))
    space = draw(st.sampled_from([b"", b" "]))
    types = draw(st.lists(st.sampled_from([None, b"", b"x", b"y" * 200]), min_size=1, max_size=2))
    value = st.sampled_from([b"", b"x", b" x", b"{}", "é".encode(), b"\xe2\x82", b"\0"])
    blocks = []
    for _ in range(draw(st.integers(0, 6))):
        event_type = draw(st.sampled_from(types) | value)
        type_line = b"" if event_type is None else b"event:" + space + event_type + newline
        blocks.append(type_line + b"data:" + space + draw(value) + newline * 2)
    if draw(st.booleans()):
        blocks.insert(draw(st.integers(0, len(blocks))), draw(any_bytes))
    return b"".join(blocks)


streams = plain_streams() | any_bytes


@st.composite
def cuttings(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """Divisions of some bytes into reads, empty ones among them."""
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


cut_streams = streams.flatmap(lambda data: st.tuples(st.just(data), cuttings(data)))
