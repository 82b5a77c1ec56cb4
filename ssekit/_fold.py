# What the formats share: pieces of their accumulators, and wire structs that the vendor shares too.
# They call these; none of them inherits anything.
#
# What always holds here:
# - An id, a name or an index is what the wire says. None is made up.
# - Tool calls stand in the order in which they appeared. An index from the wire is a key, never a
#   length: 1, then -1, then a million are three places.

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator
from typing import Any, Final, TypeAlias, TypeVar

import msgspec
from msgspec.structs import replace

from ssekit._deltas import (
    FinishReason,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from ssekit._fragments import Fragments
from ssekit._lenient import is_well_formed, join_surrogates, well_formed

__all__ = [
    "FINISH_REASONS",
    "CompletionTokensDetails",
    "CompletionUsage",
    "FoldedCall",
    "PromptTokensDetails",
    "Text",
    "ToolCallTable",
    "Unknown",
    "WholePairs",
    "error_within",
    "extend_lists",
    "flat_error",
    "fold_fields",
    "newer",
    "newer_usage",
    "objects",
    "own",
    "repair_choices",
    "usage_view",
]

StructT = TypeVar("StructT", bound=msgspec.Struct)

# The vendors' words for the end of a choice, and the shared one; any other word is "other".
FINISH_REASONS: Final[dict[str, FinishReason]] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    # Those of compatible hosts, who hand over what the model's own server says.
    "eos": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "end_turn": "stop",
    "STOP": "stop",
    "max_tokens": "length",
    "model_length": "length",
    "MAX_TOKENS": "length",
    "tool_use": "tool_calls",
    "sensitive": "content_filter",
    "SAFETY": "content_filter",
}


class Unknown(dict[str, Any]):
    """An object of a type that ssekit does not know, as it came."""

    @property
    def type(self) -> str:
        """The vendor's word for what this is, or ""."""
        word = self.get("type")
        return word if isinstance(word, str) else ""


class Text(Fragments[str]):
    """A text that comes in pieces; `str()` gives it whole and well-formed."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("".join)

    def __str__(self) -> str:
        return join_surrogates(self.join())


class WholePairs:
    """Mends deltas so that none ends within a surrogate pair: the second half brings the first."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        # By the text that a delta continues: a delta of the first half, whose second half may come.
        self._held: dict[Hashable, _Piece] = {}

    def is_whole(self, piece: str) -> bool:
        """Whether a piece says something, and says it as it came."""
        return not self._held and (piece.isascii() or is_well_formed(piece)) and piece != ""

    def mend(self, delta: _Piece) -> _Piece | None:
        """Return the delta with whole pairs, or None if nothing can be said of it yet."""
        field = _text_field(delta)
        piece: str = getattr(delta, field)
        if not self._held and is_well_formed(piece):
            return delta
        text = (type(delta), delta.index, getattr(delta, "place", None))
        held = self._held.pop(text, None)
        if held is not None:
            piece = getattr(held, field) + piece
        if "\ud800" <= piece[-1:] <= "\udbff":
            self._held[text] = replace(delta, **{field: piece[-1]})
            piece = piece[:-1]
            if not piece:
                return None
        return replace(delta, **{field: join_surrogates(piece)})

    def rest(self) -> Iterator[_Piece]:
        """Yield what is held at the end: halves whose other half never came."""
        for delta in self._held.values():
            yield replace(delta, **{_text_field(delta): "\ufffd"})
        self._held.clear()


def _text_field(delta: _Piece) -> str:
    return "arguments" if isinstance(delta, ToolCallDelta) else "text"


_Piece: TypeAlias = TextDelta | ReasoningDelta | RefusalDelta | ToolCallDelta


def fold_fields(into: dict[str, Any], newer: dict[str, Any]) -> None:
    """Fold a loosely typed object into another: a newer value wins, if it is not null."""
    into.update((name, value) for name, value in newer.items() if value is not None)


def extend_lists(into: dict[str, list[Any]], newer: msgspec.Struct) -> None:
    """Extend lists by those of a struct, each under its name; what is None adds nothing."""
    for name in newer.__struct_fields__:
        items = getattr(newer, name)
        if items is not None:
            into.setdefault(name, []).extend(items)


def newer(known: StructT | None, latest: StructT) -> StructT:
    """Return `known` with the fields that `latest` has; what is None in `latest` stays."""
    if known is None:
        return latest
    fields = ((name, getattr(latest, name)) for name in latest.__struct_fields__)
    return replace(known, **{name: value for name, value in fields if value is not None})


def own(value: Any) -> Any:
    """Return a copy of what was decoded that shares nothing mutable, encodes and prints."""
    if isinstance(value, list):
        return [
            own(item) if isinstance(item, msgspec.Struct) else well_formed(item) for item in value
        ]
    if not isinstance(value, msgspec.Struct):
        return well_formed(value)
    fields = ((name, getattr(value, name)) for name in value.__struct_fields__)
    return replace(value, **{name: own(field) for name, field in fields})


class FoldedCall:
    """A tool call so far; `place` is where it stands among the calls of its choice.

    Arguments that begin with `{}`, and then begin again, had a placeholder before them: so `{}` is
    `held` back from the deltas until the next piece, or the end, tells.
    """

    __slots__ = (
        "_end",
        "_view",
        "arguments",
        "custom",
        "extra_content",
        "held",
        "id",
        "name",
        "place",
    )

    def __init__(self, place: int) -> None:
        self.place = place
        self.id = ""
        self.name = ""
        self.arguments = Text()
        self.custom = False
        self.extra_content: dict[str, Any] = {}
        self.held = ""
        self._end: _JSONEnd | None = None  # None until somebody asks, which is rare
        self._view: ToolCall | None = None

    def add(self, id: str | None, name: str | None, arguments: str | None) -> str:
        """Fold a piece in: the first id that is not empty stays, of the names the newest.

        Returns:
            What of the arguments the deltas say next.
        """
        self.id = self.id or join_surrogates(id or "")
        if name:
            self.name = join_surrogates(name)
        self._view = None
        if not arguments:
            return ""
        said = arguments
        if self.held:
            if arguments == self.held and not self.custom:
                return ""  # it is said again
            said = self._after_held(arguments)
        elif arguments == "{}" and not self.arguments:
            self.held, said = arguments, ""
        self.arguments.append(arguments)
        if self._end is not None:
            self._end.feed(arguments)
        return said

    def _after_held(self, arguments: str) -> str:
        held, self.held = self.held, ""
        if self.custom or not arguments.startswith("{"):
            return held + arguments
        self.arguments, self._end = Text(), None
        return arguments

    def view(self, index: int) -> ToolCall:
        """Return the call as it stands, for choice `index`: one object until the next piece."""
        if self._view is None:
            self._view = ToolCall(index, self.place, self.id, self.name, str(self.arguments))
        return self._view

    def continues(
        self, id: str | None, name: str | None, arguments: str | None, *, moved: bool
    ) -> bool:
        """Whether a piece belongs to it: one at its index, or of its id at another (`moved`)."""
        if id and self.id and id != self.id:
            # Another id: another call. But a call begins with its name: some servers make a new
            # id for each piece of one call.
            return not name and arguments is not None
        # Servers say one id, or "index 0", of every call: then a name that differs begins another
        # one, and so does the same name where the arguments were whole already. But an id and its
        # name alone are merely said again.
        if not (name and self.name):
            return True
        if name != self.name:
            return False
        said_again = bool(id and self.id) and not moved
        if said_again and (self.held or not (arguments or "").strip()):
            return True
        return (self.custom and said_again) or not self._is_whole()

    def _is_whole(self) -> bool:
        """Whether the arguments have ended; from the first time on, each piece is looked at."""
        if self._end is None:
            self._end = _JSONEnd()
            self._end.feed(self.arguments.join())
        return self._end.reached


class ToolCallTable:
    """The tool calls of one choice, by the identity that servers leave them.

    A piece belongs to the call of its id, best to one that is at its index too; without a known id,
    to the latest call at its index; with neither, to the latest call. `FoldedCall.continues` says
    where that is another call after all.
    """

    __slots__ = ("_by_id", "_by_index", "calls")

    def __init__(self) -> None:
        self.calls: list[FoldedCall] = []
        self._by_id: dict[str, FoldedCall] = {}
        self._by_index: dict[int, FoldedCall] = {}

    def fold(
        self, index: int | None, id: str | None, name: str | None, arguments: str | None
    ) -> tuple[FoldedCall, str]:
        """Fold a piece in; return its call, and what of its arguments the deltas say next."""
        call = self._at(index)
        if id or name:  # nearly all pieces have neither
            call = self._known(call, index, id, name, arguments)
        if call is None:
            call = FoldedCall(len(self.calls))
            self.calls.append(call)
        if index is not None:
            self._by_index[index] = call
        if id and not call.id:
            self._by_id[id] = call
        return call, call.add(id, name, arguments)

    def _known(
        self,
        here: FoldedCall | None,
        index: int | None,
        id: str | None,
        name: str | None,
        arguments: str | None,
    ) -> FoldedCall | None:
        """Return the call that a piece belongs to, with `here` at its index; None of a new one."""
        call = here
        if id and (here is None or here.id != id):
            call = self._by_id.get(id, here)
        moved = index is not None and call is not here
        if call is None or not call.continues(id, name, arguments, moved=moved):
            return None
        return call

    def _at(self, index: int | None) -> FoldedCall | None:
        if index is not None:
            return self._by_index.get(index)
        return self.calls[-1] if self.calls else None


class _JSONEnd:
    """Tells when an object or array that comes in pieces has ended, looking at each piece once."""

    __slots__ = ("_carried", "_depth", "_in_string", "_started")

    _TOKEN = re.compile(r'\\.|\\$|["\[\]{}]', re.DOTALL)

    def __init__(self) -> None:
        self._started = False
        self._depth = 0
        self._in_string = False
        self._carried = ""  # a backslash whose escape continues in the next piece

    @property
    def reached(self) -> bool:
        return self._started and self._depth <= 0 and not self._in_string

    def feed(self, piece: str) -> None:
        piece = self._carried + piece
        self._carried = ""
        for token in self._TOKEN.findall(piece):
            if token == "\\":
                self._carried = token
            elif token == '"':
                self._in_string = not self._in_string
            elif not self._in_string and token in "{[":
                self._started = True
                self._depth += 1
            elif not self._in_string and token in "]}":
                self._depth -= 1


# What chat and legacy completions have in common, at the vendor as well.


def repair_choices(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Make `choices` a list, without errors in it, and return what in it is an object."""
    choices = body.get("choices")
    body["choices"] = choices if isinstance(choices, list) else []
    found = list(objects(body["choices"]))
    for choice in found:
        choice.pop("error", None)
    return found


def objects(items: Any) -> Iterator[dict[str, Any]]:
    """Yield what is an object in what may be a list."""
    if isinstance(items, list):
        yield from (item for item in items if isinstance(item, dict))


def error_within(holders: Iterable[dict[str, Any]]) -> Any:
    """Return the first error that one of some objects holds, or None."""
    return next((holder["error"] for holder in holders if holder.get("error")), None)


# What codes and messages say where all is well, in lower case.
_FINE: Final = ("0", "200", "ok", "success")
# The types of objects that are no errors, whatever code and message they have.
_NOTICES: Final = ("progress", "ping", "status", "notice", "info", "keepalive", "heartbeat")


def flat_error(body: dict[str, Any]) -> Any:
    """Return the error that an object without choices reports without an `error`, or None.

    MiniMax has `base_resp`, Cloudflare `errors`; Alibaba's, Databricks' and Baidu's hosts a code
    beside the message, and others a status of "error".
    """
    response, errors = body.get("base_resp"), body.get("errors")
    if body.get("choices"):
        return None
    if isinstance(response, dict) and not _is_fine(response.get("status_code")):
        return response
    if errors:
        return errors
    counted = isinstance(body.get("choices"), list) and body.get("usage")
    if counted or body.get("type") in _NOTICES:
        return None
    words = (body.get(word) for word in ("message", "msg", "error_msg"))
    said = any(isinstance(word, str) and not _is_fine(word) for word in words)
    failed = body.get("status") == "error" or not all(
        _is_fine(body.get(word)) for word in ("code", "error_code")
    )
    return body if said and failed else None


def _is_fine(word: Any) -> bool:
    return not word or str(word).lower() in _FINE


class CompletionTokensDetails(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What the completion's tokens were."""

    accepted_prediction_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: int | None = None
    reasoning_tokens: int | None = None
    rejected_prediction_tokens: int | None = None
    text_tokens: int | None = None


class PromptTokensDetails(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What the prompt's tokens were."""

    audio_tokens: int | None = None
    cache_write_tokens: int | None = None
    cached_tokens: int | None = None
    image_tokens: int | None = None
    text_tokens: int | None = None
    video_tokens: int | None = None


class CompletionUsage(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The tokens of a request, with what hosts add to them.

    Attributes:
        prompt_cache_hit_tokens, prompt_cache_miss_tokens: DeepSeek.
        cached_tokens: Moonshot.
        reasoning_tokens: SGLang.
        queue_time, prompt_time, completion_time, total_time: Seconds (Groq).
        cost: In the host's credits; cost_details, is_byok, server_tool_use_details (OpenRouter).
        cost_in_usd_ticks, num_sources_used: xAI.
        service_tier: Mistral.
    """

    completion_tokens: int | None = None
    prompt_tokens: int | None = None
    total_tokens: int | None = None
    completion_tokens_details: CompletionTokensDetails | None = None
    prompt_tokens_details: PromptTokensDetails | None = None
    prompt_cache_hit_tokens: int | None = None
    prompt_cache_miss_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    queue_time: float | None = None
    prompt_time: float | None = None
    completion_time: float | None = None
    total_time: float | None = None
    cost: float | None = None
    cost_details: dict[str, Any] | None = None
    is_byok: bool | None = None
    server_tool_use_details: dict[str, Any] | None = None
    cost_in_usd_ticks: int | None = None
    num_sources_used: int | None = None
    service_tier: str | None = None


_NO_USAGE: Final = CompletionUsage()


def newer_usage(known: CompletionUsage | None, latest: CompletionUsage) -> CompletionUsage | None:
    """Return what is known of the usage after the latest word: it replaces what it is more than.

    One without all three counts (a router's, of the cost alone) leaves the others as they were, and
    one whose counts are all 0 is none where there were tokens.
    """
    counts = (latest.prompt_tokens, latest.completion_tokens, latest.total_tokens)
    given = [count for count in counts if count is not None]
    if known is not None and given and not any(given):
        return newer(latest, known)
    if len(given) == len(counts):
        return latest
    if known is None or not given:
        return known if latest == _NO_USAGE else newer(known, latest)
    merged = newer(known, latest)
    if latest.total_tokens is None and _parts(merged) != _parts(known):
        return replace(merged, total_tokens=None)  # what was the sum is none of these
    return merged


def _parts(usage: CompletionUsage) -> tuple[int | None, int | None]:
    return usage.prompt_tokens, usage.completion_tokens


def usage_view(usage: CompletionUsage) -> Usage:
    """Return the tokens of a request in the words that all formats share."""
    prompt = usage.prompt_tokens_details or PromptTokensDetails()
    completion = usage.completion_tokens_details or CompletionTokensDetails()
    return Usage(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        total_tokens=usage.total_tokens,
        cached_tokens=_first(
            prompt.cached_tokens, usage.prompt_cache_hit_tokens, usage.cached_tokens
        ),
        reasoning_tokens=_first(completion.reasoning_tokens, usage.reasoning_tokens),
    )


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)
