"""Streams that are almost right: hosts, proxies and networks as they may be.

Each mutation returns other bytes; `mutated` applies a few of them, whichever chance names.
"""

import json
from collections.abc import Callable
from random import Random
from typing import Any, TypeAlias

from tests.shared import recordings
from tests.streams import STREAMS
from tests.survive import NAMES

# Bytes, those of another stream, and chance.
Mutation: TypeAlias = Callable[[bytes, bytes, Random], bytes]

# A stream is at most so long: a longer one is cut out of its middle, at events.
LONGEST = 8_000

VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 7, 2**31, 2**64, -(2**70), 0.5, 1e308, float("inf")),
    *("", " ", "x", "0", "1", "[DONE]", "null", "stop", "\ud83d", "\ude00", "{", '"', "\0\x1b"),
    *("error", "tool_calls", "message_stop", "response.completed", "interaction.completed"),
    *([], {}, [[]], [None], [{}], {"": None}, {"error": {"message": "no"}}, {"type": "dream"}),
]
WORDS = [
    *(b"\n", b"\r", b"\r\n", b"\n\n", b":", b": ping\n\n", b"data:", b"data\n", b"data: \n\n"),
    *(b"data: [DONE]\n\n", b"data: {}\n\n", b"data: []\n\n", b"data: null\n\n", b"event: error\n"),
    *(b"id: 1\n", b"id\n", b"retry: 5\n", b"event: ping\n",),
    *(b"\xef\xbb\xbf", b"\0", b"\xff", b"\xe2\x82"),
    *(b"{", b"}", b'"', b"[", b"]", b",", b"\\", b"\\ud83d", b"1e999", b'{"error": "no"}\n'),
    *(b'data: {"error": {"message": "no"}}\n\n', b"event: error\ndata: no\n\n"),
]  # fmt: skip


def seeds(name: str) -> list[bytes]:
    """Return streams of a format: the tests' own, and the recorded ones where they are there."""
    names = STREAMS if name == "auto" else [name]
    return [
        data
        for each in names
        for data in (b"".join(STREAMS[each]), *(row.data for row in recordings(each)))
    ]


def shortened(data: bytes, chance: Random) -> bytes:
    """Leave events out of the middle until a stream is no longer than most."""
    events = _events(data)
    while len(events) > 4 and sum(map(len, events)) > LONGEST:
        start = chance.randrange(1, len(events) - 2)
        del events[start : start + max(1, len(events) // 4)]
    return b"".join(events)


def mutated(streams: list[bytes], chance: Random) -> bytes:
    """Return one of the streams, mutated."""
    data, other = (shortened(chance.choice(streams), chance) for _ in range(2))
    for _ in range(chance.choice([0, 1, 1, 1, 2, 2, 3, 5])):
        data = chance.choice(MUTATIONS)(data, other, chance)
    return data


# Bytes.


def cut_short(data: bytes, _: bytes, chance: Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def changed(data: bytes, _: bytes, chance: Random) -> bytes:
    """Change, remove or repeat a few bytes."""
    start = chance.randrange(len(data) + 1)
    end = start + chance.choice([0, 1, 1, 2, 10, 100])
    new = [b"", bytes([chance.randrange(256)]), data[start:end] * 2, chance.choice(WORDS)]
    return data[:start] + chance.choice(new) + data[end:]


def with_word(data: bytes, _: bytes, chance: Random) -> bytes:
    """Insert a word between two lines."""
    lines = data.splitlines(keepends=True)
    lines.insert(chance.randrange(len(lines) + 1), chance.choice(WORDS))
    return b"".join(lines)


def with_line_ends(data: bytes, _: bytes, chance: Random) -> bytes:
    return data.replace(b"\n", chance.choice([b"\r\n", b"\r", b"\n\n", b"\n\r"]))


# Events.


def with_events(data: bytes, other: bytes, chance: Random) -> bytes:
    """Remove, repeat, move, exchange or take over an event."""
    events, others = _events(data), _events(other)
    if not events or not others:
        return data
    place, target = (chance.randrange(len(events)) for _ in range(2))
    match chance.randrange(5):
        case 0:
            del events[place]
        case 1:
            events.insert(target, events[place])
        case 2:
            events.insert(target, events.pop(place))
        case 3:
            events[place], events[target] = events[target], events[place]
        case _:
            events.insert(place, chance.choice(others))
    return b"".join(events)


def _events(data: bytes) -> list[bytes]:
    return [event + b"\n\n" for event in data.replace(b"\r\n", b"\n").split(b"\n\n") if event]


# Fields.


def with_fields(data: bytes, _: bytes, chance: Random) -> bytes:
    """Change a value, somewhere in the JSON of an event."""
    lines = data.split(b"\n")
    places = [place for place, line in enumerate(lines) if line.startswith(b"data: {")]
    if not places:
        return data
    place = chance.choice(places)
    try:
        tree = json.loads(lines[place][6:])
    except ValueError:
        return data
    containers = list(_containers(tree))
    _change(chance.choice(containers), chance)
    if chance.randrange(20) == 0:
        tree = chance.choice([[tree], {"data": tree}, {"response": tree}, chance.choice(VALUES)])
    lines[place] = b"data: " + json.dumps(tree, ensure_ascii=chance.random() < 0.9).encode(
        "utf-8", "surrogatepass"
    )
    return b"\n".join(lines)


def _containers(tree: Any) -> Any:
    if isinstance(tree, dict | list):
        yield tree
        for inner in tree.values() if isinstance(tree, dict) else tree:
            yield from _containers(inner)


def _change(tree: Any, chance: Random) -> None:
    keys: list[Any] = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
    new = chance.choice([chance.choice(VALUES), *(tree[key] for key in keys)])
    if isinstance(tree, dict):
        keys.append(chance.choice(NAMES))
    elif not keys:
        tree.append(new)
        return
    key = chance.choice(keys)
    match chance.randrange(4):
        case 0 if isinstance(tree, list) or key in tree:
            del tree[key]
        case 1 if isinstance(tree, dict) and key in tree:
            tree[chance.choice(NAMES)] = tree.pop(key)
        case 2 if isinstance(tree, list) or key in tree:
            tree[key] = chance.choice([[tree[key]], {"value": tree[key]}, str(tree[key])])
        case _:
            tree[key] = new


MUTATIONS: list[Mutation] = [
    *[with_fields] * 6,
    *[with_events] * 4,
    *[changed, with_word, cut_short],
    with_line_ends,
]
