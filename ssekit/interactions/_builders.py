# Steps in progress.
#
# How it works: a builder keeps the step of the start event, and what deltas add to it: contents,
# the JSON text of arguments, and fields that are replaced. In the former spelling, an output is a
# step whose only content is itself.
#
# What always holds here:
# - Pieces are joined, and arguments parsed, when a step is read: never with each piece.
# - Nothing is emitted twice where a stream is replayed.

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeVar, get_args

import msgspec
from msgspec.structs import replace

from ssekit._deltas import Delta, FinishReason, ReasoningDelta, TextDelta, ToolCall, ToolCallDelta
from ssekit._fold import JSONText, Text, Unknown, deep_copy, merge
from ssekit._fragments import Fragments
from ssekit._json import JSONObject, is_json, join_surrogates, parse_object
from ssekit.interactions import _events as events
from ssekit.interactions import _result as result

CallT = TypeVar("CallT", ToolCall, ToolCallDelta)

OUTPUTS: Final = (result.ModelOutputStep, result.UserInputStep)
_STEPS: Final[tuple[type[Any], ...]] = get_args(result.KnownStep)
_CALLS: Final = tuple(step for step in _STEPS if issubclass(step, result.ToolCallStep))
_SIGNED: Final = tuple(step for step in _STEPS if "signature" in step.__struct_fields__)
_ANNOTATIONS: Final = (events.TextAnnotationDelta, events.TextAnnotation)
# The steps that accept a delta. If there is none, the delta begins a step of the first type (in the
# former spelling, a content begins an output).
ACCEPTED_BY: Final[dict[type[Any], tuple[type[Any], ...]]] = {
    **{content: (*OUTPUTS, content) for content in get_args(result.KnownContent)},
    **{step: (step,) for step in _STEPS},
    **dict.fromkeys(_ANNOTATIONS, (*OUTPUTS, result.TextContent)),
    events.ThoughtSummaryDelta: (result.ThoughtStep,),
    events.ThoughtSignatureDelta: (result.ThoughtStep, *_SIGNED),
    events.ArgumentsDelta: (result.FunctionCallStep, *_CALLS),
}
# The steps whose texts are emitted.
EMITTED_AS: Final[dict[type[Any], type[TextDelta | ReasoningDelta]]] = {
    result.ThoughtStep: ReasoningDelta,
    result.ModelOutputStep: TextDelta,
    result.TextContent: TextDelta,
}
# The fields of a step that have another form here.
_BUILT: Final = {"content", "summary", "arguments", "partial_arguments"}
_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})
# What a step has before something comes. (A step of an event may be no more than `{"type":""}`.)
_NO_PARTS: Final[list[Any]] = []
_NO_FIELDS: Final[JSONObject] = {}
_NO_ARGUMENTS: Final = JSONText()
_FORMAT: Final = ("mime_type", "sample_rate", "rate", "channels")


class TextBuilder:
    """A text in progress."""

    __slots__ = ("annotations", "text")

    def __init__(self, content: result.TextContent) -> None:
        self.text = Text()
        self.text.begin(content.text)
        self.annotations = list(content.annotations or ())

    def build(self) -> result.TextContent:
        return result.TextContent(
            text=str(self.text), annotations=deep_copy(self.annotations) or None
        )


class MediaBuilder:
    """An image, audio, ... in progress: whole at once, but for audio."""

    __slots__ = ("_audio", "_content")

    def __init__(self, content: result.Media) -> None:
        self._content = content
        self._audio: Fragments[bytes] = Fragments(b"".join)  # the pieces, if there are several

    def add(self, piece: result.Media) -> bool:
        """Take the next piece, if it goes on with this content."""
        known = self._content
        if type(piece) is not type(known):
            return False
        if known.data is None and known.uri is None:  # it was announced
            self._content = merge(known, piece)
            return True
        first, data = (b"" if self._audio else _decoded(known)), _decoded(piece)
        if first is None or data is None or not _is_one_format(known, piece):
            return False
        self._audio.append(first)
        self._audio.append(data)
        return True

    def build(self) -> Any:
        audio = base64.b64encode(self._audio.join()).decode()
        return deep_copy(self._content, **({"data": audio} if audio else {}))


def _decoded(content: result.Media) -> bytes | None:
    """Return the bytes of a piece of audio; None for another content."""
    if not isinstance(content, result.AudioContent) or content.data is None or content.uri:
        return None
    try:
        return base64.b64decode(content.data, validate=True)
    except (binascii.Error, ValueError):
        return None


def _is_one_format(known: Any, piece: Any) -> bool:
    formats = ((getattr(known, name), getattr(piece, name)) for name in _FORMAT)
    return all(theirs is None or theirs == ours for ours, theirs in formats)


class StepBuilder:
    """A step in progress, or an output of the former spelling.

    Attributes:
        initial: The step as it began.
        former: Whether it is an output.
        index: Its index; None for a step without one.
        position: Its index, or one that it has got.
        previous: The step before this one at its position.
        implied: Whether it began with a delta, and its start event has not come.
        ended: Whether its stop event has come.
        place: The position among the tool calls; None if it is none.
        arguments: The JSON text of the arguments of a call.
        latest_piece: The text that the latest event added.
    """

    __slots__ = ("_call", "_emitted", "_fields", "_known", "_parts", "_started", "_text",
                 "_whole", "arguments", "ended", "former", "implied", "index", "initial",
                 "latest_piece", "place", "position", "previous")  # fmt: skip

    def __init__(self, initial: Any, index: int | None, *, former: bool) -> None:
        self.initial: Any = initial
        self.former = former
        self.index = index
        self.position = 0
        self.previous: StepBuilder | None = None
        self.implied = True
        self.ended = False
        self.place: int | None = None
        self.arguments = _NO_ARGUMENTS
        self.latest_piece = ""
        self._parts = _NO_PARTS  # the contents, or the summary
        self._text: TextBuilder | None = None  # the latest of them that is a text
        self._fields = _NO_FIELDS  # other fields that deltas state
        self._call: ToolCall | None = None
        self._whole = False  # a call that has ended with whole arguments, which stays as it is
        self._started = self._emitted = False  # the deltas of a call
        self._known = 0  # characters that were emitted before the step was replayed

    def replay(self, known: StepBuilder) -> None:
        """Take the place of a step that begins again. Nothing of it is emitted twice."""
        self.place, self._call = known.place, known._call
        self._started, self._emitted = known._started, known._emitted
        self._known = max(known._known, known._size())

    # Adding to the step.

    def begin(self, step: Any) -> None:
        """Take the step of a start event. (Deltas may have come before it.)"""
        self.initial, self.implied = step, False
        self.latest_piece = ""
        if isinstance(step, Unknown):
            return
        if _field(step, "signature") == "":
            self.initial = replace(step, signature=None)
        if not self._parts:
            for content in _contents(step):
                self._append(content)
            self.latest_piece = self.text()
        if isinstance(step, result.ToolCallStep):
            self.initial = replace(self.initial, partial_arguments=None)
            self._own_arguments().begin(step.partial_arguments or _encoded(step.arguments))

    def begins_again(self, step: Any, *, former: bool) -> bool:
        """Whether a start event may be of this step."""
        ids = {self.id, id_of(step)} - {""}
        return (self.former, self.initial.type) == (former, step.type) and len(ids) < 2

    def accepts(self, delta: Any) -> bool:
        """Whether a delta may belong to this step. (One of unknown type takes all pieces.)"""
        if isinstance(delta, Unknown) or isinstance(self.initial, Unknown):
            return delta.type == self.initial.type or not isinstance(
                delta, (Unknown, result.AnyStep)
            )
        return type(self.initial) in ACCEPTED_BY[type(delta)]

    def add(self, delta: Any) -> None:
        """Take a delta that this step accepts."""
        self.latest_piece = ""
        if isinstance(delta, (result.TextContent, *_ANNOTATIONS)):
            if self._text is None or (delta.type == "text" and self._text is not self._parts[-1]):
                self._append(result.TextContent())
            assert self._text is not None
            self._text.annotations += delta.annotations or ()
            if isinstance(delta, result.TextContent):
                self.latest_piece = self._text.text.add(delta.text)
        elif isinstance(delta, result.Media):
            last = self._parts[-1] if self._parts else None
            if not isinstance(last, MediaBuilder) or not last.add(delta):
                self._append(delta)
        elif isinstance(delta, events.ThoughtSummaryDelta):
            if delta.content is not None:
                self._append(delta.content)
                self.latest_piece = _text_of(self._parts[-1])
        elif isinstance(delta, events.ArgumentsDelta):
            if not self._whole:
                piece = delta.arguments or delta.partial_arguments or ""
                self.latest_piece = self._own_arguments().add(piece)
        else:
            self._state_fields(delta)

    def _own_arguments(self) -> JSONText:
        if self.arguments is _NO_ARGUMENTS:
            self.arguments = JSONText()
        return self.arguments

    def _append(self, content: Any) -> None:
        part = _part_of(content)
        self._parts = self._parts or []
        self._parts.append(part)
        self._text = part if isinstance(part, TextBuilder) else self._text

    def _state_fields(self, step: Any) -> None:
        """Take the fields of a step, or of a delta of its type, that are neither null nor empty."""
        names = {*step} if isinstance(step, Unknown) else {*step.__struct_fields__} - _BUILT
        fields = {name: _field(step, name) for name in names}
        stated = {name: value for name, value in fields.items() if value not in _EMPTY}
        self._fields = self._fields | stated
        arguments = getattr(step, "arguments", None) if not self._whole else None
        if arguments and arguments != parse_object(str(self.arguments)):
            self.latest_piece = self._own_arguments().override(_encoded(arguments))

    def end(self) -> None:
        """Take the stop event."""
        self.ended = True
        self.latest_piece = self.arguments.flush()
        self._whole = self.place is not None and is_json(str(self.arguments))

    def state(self, step: Any) -> None:
        """Take the whole step, as the end of the stream has it."""
        self.latest_piece = ""
        parts = [_part_of(content) for content in _contents(step)]
        text, known = "".join(map(_text_of, parts)), self.text()
        # No text is shortened to an end of itself.
        if parts and (text == known or not known.endswith(text or " ")):
            self._parts = parts
        self._state_fields(step)

    # The step so far.

    def latest_text(self) -> Text | None:
        """Return the text to which the next piece of a text is added; None if it begins another."""
        last = self._parts[-1] if self._parts else None
        return last.text if isinstance(last, TextBuilder) else None

    def text(self) -> str:
        return "".join(map(_text_of, self._parts))

    def field(self, name: str) -> Any:
        """Return the value of a field, as deltas or the start have it."""
        return self._fields.get(name) or _field(self.initial, name)

    @property
    def id(self) -> str:
        """The id of a call, or of the call that the step is the result of; "" without one."""
        return id_of(self._fields) or id_of(self.initial)

    @property
    def is_call(self) -> bool:
        """Whether it is a function call. (What began with a delta is one once it has a name.)"""
        is_one = isinstance(self.initial, result.FunctionCallStep)
        return is_one and (not self.implied or bool(self.field("name")))

    def build(self) -> Any:
        """Return the step so far."""
        initial, fields = self.initial, deep_copy(self._fields) if self._fields else {}
        parts = [
            type(part)(deep_copy(part)) if isinstance(part, Unknown) else part.build()
            for part in self._parts
        ]
        if isinstance(initial, result.AnyContent):
            return parts[0] if parts else deep_copy(initial)
        if self.arguments is not _NO_ARGUMENTS and (text := str(self.arguments)):
            tree = parse_object(text)
            fields |= {"partial_arguments": text} if tree is None else {"arguments": tree}
        if parts and isinstance(initial, Unknown):
            known = initial.get("content")
            begun = deep_copy(known) if isinstance(known, list) else []
            fields["content"] = begun + msgspec.to_builtins(parts)
        elif parts:
            fields["summary" if isinstance(initial, result.ThoughtStep) else "content"] = parts
        if isinstance(initial, Unknown):
            return type(initial)(deep_copy(initial), **fields)
        return deep_copy(initial, **fields)

    # Emitting deltas.

    @property
    def emitted_as(self) -> type[TextDelta | ReasoningDelta] | None:
        """The type of the deltas of its text; None if it is not emitted."""
        return EMITTED_AS.get(type(self.initial))

    @property
    def is_plain_text(self) -> bool:
        """Whether each piece of a text is emitted as it came."""
        return self.emitted_as is TextDelta and not self._known

    def deltas(self) -> Iterator[Delta]:
        """Yield the deltas of the latest event of this step."""
        piece = self._new_of(self.latest_piece)
        if self.place is None:
            if self.emitted_as is not None and piece:
                yield self.emitted_as(0, piece)
        elif not self._started:
            self._started = True
            yield self._make(ToolCallDelta, self.arguments.join())
        elif piece:
            yield self._make(ToolCallDelta, piece)

    def _size(self) -> int:
        texts = (part.text for part in self._parts if isinstance(part, TextBuilder))
        return self.arguments.size() + sum(text.size() for text in texts)

    def _new_of(self, piece: str) -> str:
        """Return what of the latest piece was not emitted before a replay."""
        return piece[max(0, self._known - self._size() + len(piece)) :] if self._known else piece

    def end_deltas(self) -> Iterator[Delta]:
        """Yield the whole call at its end. (Without arguments, the end of the stream decides.)"""
        if self._whole and not self._emitted:
            yield from self._emit()

    def last_deltas(self, reason: FinishReason | None) -> Iterator[Delta]:
        """Yield the whole call at the end of the stream, unless it was cut off or is emitted."""
        text = str(self.arguments)
        whole = is_json(text) if text else reason != "length"
        if not self._emitted and (whole or reason in ("stop", "tool_calls")):
            yield from self._emit()

    def _emit(self) -> Iterator[Delta]:
        """Yield the whole call, and its arguments before it if they did not come in pieces."""
        self._emitted = True
        initial = self.arguments.flush()
        call = self.call()
        piece = self._new_of(initial or ("" if self.arguments else call.arguments))
        if piece:
            yield self._make(ToolCallDelta, piece)
        yield call

    def call(self) -> ToolCall:
        """Return the call so far: the same object as long as nothing is new in it."""
        # A call that ended without arguments has the empty object.
        call = self._make(ToolCall, str(self.arguments) or ("{}" if self.ended else ""))
        if self._call is None or call != self._call:
            self._call = call
        return self._call

    def _make(self, kind: type[CallT], arguments: str) -> CallT:
        assert self.place is not None
        id_, name = (join_surrogates(self.field(each) or "") for each in ("id", "name"))
        return kind(0, self.place, id_, name, arguments)


def join_texts(builders: Iterable[StepBuilder]) -> dict[type[Delta], str]:
    """Return the texts of steps, joined, by the type of the deltas that they are emitted as."""
    pieces: dict[type[Delta], list[str]] = {TextDelta: [], ReasoningDelta: []}
    for builder in builders:
        kind = builder.emitted_as
        if kind is not None:
            pieces[kind].append(builder.text())
    return {kind: join_surrogates("".join(texts)) for kind, texts in pieces.items()}


def id_of(step: Any) -> str:
    """Return the id of a call, or of the call that a step is the result of; "" without one."""
    ids = (_field(step, name) for name in ("id", "call_id"))
    return next((id_ for id_ in ids if id_ and isinstance(id_, str)), "")


def _field(step: Any, name: str) -> Any:
    return step.get(name) if isinstance(step, dict) else getattr(step, name, None)


def _contents(step: Any) -> list[Any]:
    """Return the contents of a step, or its summary; an output of the former spelling is one."""
    if isinstance(step, result.AnyContent):
        return [step]
    return (
        not isinstance(step, Unknown) and (_field(step, "content") or _field(step, "summary"))
    ) or []


def _part_of(content: Any) -> Any:
    if isinstance(content, result.TextContent):
        return TextBuilder(content)
    return MediaBuilder(content) if isinstance(content, result.Media) else content


def _text_of(part: Any) -> str:
    return part.text.join() if isinstance(part, TextBuilder) else ""


def _encoded(arguments: JSONObject | None) -> str:
    return msgspec.json.encode(deep_copy(arguments)).decode() if arguments else ""
