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
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Final, TypeVar, get_args

import msgspec
from msgspec.structs import replace

from ssekit._accumulator import are_whole
from ssekit._deltas import Delta, FinishReason, ReasoningDelta, TextDelta, ToolCall, ToolCallDelta
from ssekit._fold import NO_TEXT, JSONText, Text, Unknown, deep_copy, merge
from ssekit._json import JSONObject, is_json, join_surrogates, parse_object
from ssekit.interactions import _events as events
from ssekit.interactions import _result as result

CallT = TypeVar("CallT", ToolCall, ToolCallDelta)

OUTPUTS: Final = (result.ModelOutputStep, result.UserInputStep)
_CONTENTS: Final[tuple[type[Any], ...]] = get_args(result.KnownContent)
_STEPS: Final[tuple[type[Any], ...]] = get_args(result.KnownStep)
_CALLS: Final = {step for step in _STEPS if issubclass(step, result.ToolCallStep)}
_SIGNED: Final = tuple(step for step in _STEPS if "signature" in step.__struct_fields__)
_ANNOTATIONS: Final = (events.TextAnnotationDelta, events.TextAnnotation)
# The steps that accept a delta. If there is none, the delta begins a step of the first type (in the
# former spelling, a content begins an output).
ACCEPTED_BY: Final[dict[type[Any], tuple[type[Any], ...]]] = {
    **{content: (*OUTPUTS, content) for content in _CONTENTS},
    **{step: (step,) for step in get_args(result.ToolStep)},
    **dict.fromkeys(_ANNOTATIONS, (*OUTPUTS, result.TextContent)),
    events.ThoughtSummaryDelta: (result.ThoughtStep,),
    events.ThoughtSignatureDelta: (result.ThoughtStep, *_SIGNED),
    events.ArgumentsDelta: (result.FunctionCallStep, *_CALLS),
}
# The steps whose texts are emitted, and the fields that have the contents of steps.
EMITTED_AS: Final[dict[type[Any], type[TextDelta | ReasoningDelta]]] = {
    result.ThoughtStep: ReasoningDelta,
    result.ModelOutputStep: TextDelta,
    result.TextContent: TextDelta,
}
_PARTS: Final[dict[type[Any], str]] = {
    **dict.fromkeys(OUTPUTS, "content"),
    result.ThoughtStep: "summary",
}
# The fields of a step that have another form here.
_BUILT: Final = {"content", "summary", "arguments", "partial_arguments"}
_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})
_FORMAT: Final = ("mime_type", "sample_rate", "rate", "channels")


class TextBuilder(Text):
    """A text in progress, with its annotations."""

    __slots__ = ("annotations",)

    def __init__(self, text: str = "", annotations: Iterable[JSONObject] = ()) -> None:
        super().__init__()
        if text:
            self.append(text)
        self.annotations = [*annotations]


# (A struct is made in a quarter of the time of a class, and is not visited by the collector.)
class StepBuilder(msgspec.Struct, gc=False, eq=False):
    """A step in progress, or an output of the former spelling.

    Attributes:
        step: The step, without what comes in pieces.
        former: Whether it is an output.
        index: Its index; None for a step without one.
        position: Its index, or one that it has got.
        previous: The step before this one at its position.
        implied: Whether it began with a delta, and its start event has not come.
        ended: Whether its stop event has come.
        place: The position among the tool calls; None if it is none.
        arguments: The JSON text of the arguments of a call.
        emitted_as: The type of the deltas of its text; None if it is not emitted.
        latest_piece: The text that the latest event added.
        latest_text: The latest of its contents that is a text.
        known: How many characters were emitted before the step was replayed.
    """

    step: Any
    index: int | None
    former: bool
    position: int = 0
    previous: StepBuilder | None = None
    implied: bool = True
    ended: bool = False
    place: int | None = None
    arguments: JSONText = NO_TEXT
    emitted_as: type[TextDelta | ReasoningDelta] | None = None
    latest_piece: str = ""
    latest_text: TextBuilder | None = None
    known: int = 0
    _parts: Any = ()  # the contents, or the summary: a list; pieces of audio in a list of their own
    _is_own: bool = False  # whether the object of an unknown step is no longer the event's
    _call: ToolCall | None = None
    # Whether a call has ended with whole arguments, and stays as it is; None: not looked at.
    _whole: bool | None = False
    # Whether the first delta of a call was emitted, and the whole call.
    _started: bool = False
    _emitted: bool = False

    def __post_init__(self) -> None:
        self.emitted_as = EMITTED_AS.get(type(self.step))

    def replay(self, known: StepBuilder) -> None:
        """Take the place of a step that begins again. Nothing of it is emitted twice."""
        self.place, self._call = known.place, known._call
        self._started, self._emitted = known._started, known._emitted
        self.known = max(known.known, known._size())

    # Adding to the step.

    def begin(self, step: Any) -> None:
        """Take the step of a start event. (Deltas may have come before it.)"""
        known, self.step = self.step, step
        self.implied, self.latest_piece = False, ""
        if isinstance(step, Unknown):
            self._is_own = False
            return
        if getattr(step, "signature", None) == "":
            self.step = replace(step, signature=None)
        if known is not step:
            self._add_fields(known)
        contents = None if self._parts else _contents(step)
        if contents:
            self._take(contents)
            self.latest_piece = self.text()
        if type(step) in _CALLS:
            if step.partial_arguments is not None:
                self.step = replace(self.step, partial_arguments=None)
            text = step.partial_arguments or _encoded(step.arguments)
            if text:
                self._own_arguments().begin(text)

    def accepts(self, delta: Any) -> bool:
        """Whether a delta may belong to this step. (One of unknown type takes all pieces.)"""
        if not isinstance(self.step, Unknown):
            return type(self.step) in ACCEPTED_BY.get(type(delta), ())
        return delta.type == self.step.type or not isinstance(delta, (Unknown, result.AnyStep))

    @property
    def is_whole(self) -> bool:
        """Whether nothing goes on from the arguments of this step."""
        return bool(self.arguments) and self.arguments.ended

    def add(self, delta: Any) -> None:
        """Take a delta that this step accepts."""
        self.latest_piece = ""
        self._METHODS.get(type(delta), StepBuilder._add_fields)(self, delta)

    def _add_text(self, delta: Any) -> None:
        """Take the next piece of a text, or more annotations of the latest one."""
        text, is_piece = self.latest_text, type(delta) is result.TextContent
        if text is None or (is_piece and text is not self._parts[-1]):
            text = self.latest_text = TextBuilder()
            self._append(text)
        text.annotations += delta.annotations or ()
        if is_piece:
            self.latest_piece = text.add(delta.text)

    def _add_media(self, delta: result.Media) -> None:
        known: Any = self._parts[-1] if self._parts else None
        if type(known) is type(delta) and known.data is None and known.uri is None:
            self._parts[-1] = merge(known, delta)  # it was announced
        elif _goes_on(known, delta):
            pieces: list[Any] = known if type(known) is list else [known]
            pieces.append(delta)
            self._parts[-1] = pieces
        else:
            self._append(delta)

    def _add_summary(self, delta: events.ThoughtSummaryDelta) -> None:
        if delta.content is not None:
            self._append(delta.content)
            self.latest_piece = _text_of(delta.content)

    def _add_signature(self, delta: events.ThoughtSignatureDelta) -> None:
        if delta.signature:
            self._set({"signature": delta.signature})

    def _add_arguments(self, delta: events.ArgumentsDelta) -> None:
        if not self._stays:
            piece = delta.arguments or delta.partial_arguments or ""
            self.latest_piece = self._own_arguments().add(piece)

    def _own_arguments(self) -> JSONText:
        """Return the arguments, to which pieces may be added."""
        if self.arguments is NO_TEXT:
            self.arguments = JSONText()
        return self.arguments

    def _add_fields(self, step: Any) -> None:
        """Take the fields of a step, or of a delta of its type, that are neither null nor empty."""
        known = getattr(step, "__struct_fields__", None)
        names = step if known is None else [name for name in known if name not in _BUILT]
        fields = ((name, field_of(step, name)) for name in names)
        self._set({name: value for name, value in fields if value not in _EMPTY})
        arguments = getattr(step, "arguments", None)
        if arguments and not self._stays and arguments != parse_object(str(self.arguments)):
            self.latest_piece = self._own_arguments().override(_encoded(arguments))

    def _set(self, fields: JSONObject) -> None:
        if isinstance(self.step, Unknown):
            self.step = self.step if self._is_own else type(self.step)(self.step)
            self._is_own = True
            self.step.update(fields)
        else:
            self.step = replace(self.step, **fields)

    # What takes a delta, by its type. Any other delta is of the type of the step.
    _METHODS: ClassVar[dict[type[Any], Callable[[StepBuilder, Any], None]]] = {
        **dict.fromkeys(_CONTENTS, _add_media),
        **dict.fromkeys((result.TextContent, *_ANNOTATIONS), _add_text),
        events.ThoughtSummaryDelta: _add_summary,
        events.ThoughtSignatureDelta: _add_signature,
        events.ArgumentsDelta: _add_arguments,
    }

    def _append(self, part: Any) -> None:
        self._parts = self._parts or []
        self._parts.append(part)

    def _take(self, contents: Iterable[Any]) -> None:
        parts = self._parts = [*contents]
        self.latest_text = None
        for position, part in reversed(list(enumerate(parts))):
            if isinstance(part, result.TextContent):  # the latest, which pieces go on from
                parts[position] = self.latest_text = TextBuilder(part.text, part.annotations or ())
                break

    def end(self) -> None:
        """Take the stop event."""
        self.ended = True
        self.latest_piece = self.arguments.flush()
        self._whole = None

    @property
    def _stays(self) -> bool:
        if self._whole is None:
            self._whole = self.place is not None and is_json(str(self.arguments))
        return self._whole

    def state(self, step: Any) -> None:
        """Take the whole step, as the end of the stream has it."""
        self.latest_piece = ""
        contents, known = _contents(step), self.text()
        text = "".join(map(_text_of, contents))
        # No text is shortened to an end of itself.
        if contents and (text == known or not known.endswith(text or " ")):
            self._take(contents)
        self._add_fields(step)

    # The step so far.

    def text(self) -> str:
        return "".join(map(_text_of, self._parts))

    def build(self) -> Any:
        """Return the step so far."""
        step, parts = self.step, [_built(part) for part in self._parts]
        fields: JSONObject = {}
        text = str(self.arguments)
        if text:
            tree = parse_object(text)
            fields = {"partial_arguments": text} if tree is None else {"arguments": tree}
        if parts and isinstance(step, Unknown):
            known = step.get("content")
            begun = deep_copy(known) if isinstance(known, list) else []
            fields["content"] = begun + msgspec.to_builtins(parts)
        elif parts and type(step) in _PARTS:
            fields[_PARTS[type(step)]] = parts
        elif parts:
            return parts[0]  # an output of the former spelling
        return deep_copy(step, **fields)

    # Emitting deltas.

    def deltas(self, *, stopped: bool) -> Iterable[Delta]:
        """Return the deltas of the latest event of this step, which may have stopped it."""
        piece = self._new_of(self.latest_piece)
        if self.place is None:
            return (self.emitted_as(0, piece),) if piece and self.emitted_as is not None else ()
        deltas: list[Delta] = []
        if piece or not self._started:
            piece = piece if self._started else self.arguments.join()
            deltas = [self._make(ToolCallDelta, piece)]
            self._started = True
        # Without arguments, the end of the stream decides.
        if stopped and self._stays and not self._emitted:
            deltas += self._emit()
        return deltas

    def _size(self) -> int:
        """Return the length of all texts, without joining them."""
        sizes = (
            part.size() if isinstance(part, TextBuilder) else len(_text_of(part))
            for part in self._parts
        )
        return self.arguments.size() + sum(sizes)

    def _new_of(self, piece: str) -> str:
        """Return what of the latest piece was not emitted before a replay."""
        if not self.known:
            return piece
        beyond = self._size() - self.known
        if beyond >= 0:
            self.known = 0
        return piece[max(0, len(piece) - beyond) :]

    def last_deltas(self, reason: FinishReason | None) -> list[Delta]:
        """Return the whole call at the end of the stream, unless it was cut off or is emitted."""
        whole = not self._emitted and are_whole(str(self.arguments), reason)
        return self._emit() if whole else []

    def _emit(self) -> list[Delta]:
        """Return the whole call, and its arguments before it if they did not come in pieces."""
        self._emitted = True
        initial = self.arguments.flush()
        call = self.call()
        piece = self._new_of(initial or ("" if self.arguments else call.arguments))
        return [self._make(ToolCallDelta, piece), call] if piece else [call]

    def call(self) -> ToolCall:
        """Return the call so far: the same object as long as nothing is new in it."""
        # A call that ended without arguments has the empty object.
        call = self._make(ToolCall, str(self.arguments) or ("{}" if self.ended else ""))
        if self._call is None or call != self._call:
            self._call = call
        return self._call

    def _make(self, kind: type[CallT], arguments: str) -> CallT:
        assert self.place is not None
        id_, name = join_surrogates(self.step.id), join_surrogates(self.step.name)
        return kind(0, self.place, id_, name, arguments)


def join_texts(builders: Iterable[StepBuilder]) -> dict[type[Delta], str]:
    """Return the texts of steps, joined, by the type of the deltas that they are emitted as."""
    pieces: dict[type[Delta], list[str]] = {TextDelta: [], ReasoningDelta: []}
    for builder in builders:
        if builder.emitted_as is not None:
            pieces[builder.emitted_as].append(builder.text())
    return {kind: join_surrogates("".join(texts)) for kind, texts in pieces.items()}


def id_of(step: Any) -> str:
    """Return the id of a call, or of the call that a step is the result of; "" without one."""
    ids = (field_of(step, name) for name in ("id", "call_id"))
    return next((id_ for id_ in ids if id_ and isinstance(id_, str)), "")


def field_of(step: Any, name: str) -> Any:
    """Return a field of a step; None if it has no such field."""
    return step.get(name) if isinstance(step, dict) else getattr(step, name, None)


def _contents(step: Any) -> list[Any]:
    """Return the contents of a step, or its summary; an output of the former spelling is one."""
    field = _PARTS.get(type(step))
    if field is None:
        return [step] if isinstance(step, result.AnyContent) else []
    return getattr(step, field) or []


# Of a part, which is a builder or a content.


def _text_of(part: Any) -> str:
    if isinstance(part, TextBuilder):
        return part.join()
    return part.text if isinstance(part, result.TextContent) else ""


def _built(part: Any) -> Any:
    if type(part) is result.TextContent and part.annotations is None and part.text.isascii():
        return part  # frozen: an item of a summary
    if isinstance(part, (TextBuilder, result.TextContent)):
        annotations = deep_copy(part.annotations) if part.annotations else None
        return result.TextContent(text=join_surrogates(_text_of(part)), annotations=annotations)
    if isinstance(part, list):
        data = base64.b64encode(b"".join(filter(None, map(_decoded, part))))
        return deep_copy(part[0], data=data.decode())
    return deep_copy(part)


def _goes_on(known: Any, piece: Any) -> bool:
    """Whether a piece goes on with audio (or with a list of its pieces): in one format."""
    first, latest = (known[0], known[-1]) if type(known) is list else (known, known)
    formats = ((getattr(first, name, None), getattr(piece, name, None)) for name in _FORMAT)
    return (
        _decoded(piece) is not None
        and _decoded(latest) is not None
        and all(theirs in (None, ours) for ours, theirs in formats)
    )


def _decoded(content: Any) -> bytes | None:
    """Return the bytes of a piece of audio; None for another content."""
    if not isinstance(content, result.AudioContent) or content.data is None or content.uri:
        return None
    try:
        return base64.b64decode(content.data, validate=True)
    except ValueError:
        return None


def _encoded(arguments: JSONObject | None) -> str:
    return msgspec.json.encode(deep_copy(arguments)).decode() if arguments else ""
