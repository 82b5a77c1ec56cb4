# Steps in progress.
#
# How it works: a builder keeps the step of the start event, and what deltas add to it: contents,
# the JSON text of arguments, and fields that are replaced.
#
# What always holds here: pieces are joined, and arguments parsed, when a step is read: never with
# each piece.

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Final, get_args

import msgspec
from msgspec.structs import replace

from ssekit._calls import BasePartBuilder
from ssekit._deltas import Delta, ReasoningDelta, TextDelta
from ssekit._fold import Unknown, deep_copy, merge
from ssekit._json import JSONObject, join_surrogates, parse_object
from ssekit._text import Text
from ssekit.interactions import _events as events
from ssekit.interactions import _result as result

_CONTENTS: Final[tuple[type[Any], ...]] = get_args(result.KnownContent)
_STEPS: Final[tuple[type[Any], ...]] = get_args(result.KnownStep)
_OUTPUTS: Final = (result.ModelOutputStep, result.UserInputStep)
_CALLS: Final = frozenset(step for step in _STEPS if issubclass(step, result.ToolCallStep))
_SIGNED: Final = tuple(step for step in _STEPS if "signature" in step.__struct_fields__)
_ANNOTATIONS: Final = (events.TextAnnotationDelta, events.TextAnnotation)
# The steps that accept a delta. If there is none, the delta begins a step of the first type.
ACCEPTED_BY: Final[dict[type[Any], tuple[type[Any], ...]]] = {
    **dict.fromkeys((*_CONTENTS, *_ANNOTATIONS), _OUTPUTS),
    **{step: (step,) for step in get_args(result.ToolStep)},
    events.ThoughtSummaryDelta: (result.ThoughtStep,),
    events.ThoughtSignatureDelta: _SIGNED,
    events.ArgumentsDelta: tuple(step for step in _STEPS if step in _CALLS),
}
# The steps whose texts are emitted, and the fields that have the contents of steps.
_EMITTED_AS: Final[dict[type[Any], type[TextDelta | ReasoningDelta]]] = {
    result.ThoughtStep: ReasoningDelta,
    result.ModelOutputStep: TextDelta,
}
_PARTS: Final[dict[type[Any], str]] = {
    **dict.fromkeys(_OUTPUTS, "content"),
    result.ThoughtStep: "summary",
}
# The fields of a step that have another form here.
_BUILT: Final = {"content", "summary", "arguments", "partial_arguments"}
_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})


class TextBuilder(Text, gc=False, eq=False):
    """A text in progress, with its annotations."""

    annotations: list[JSONObject] = msgspec.field(default_factory=list)

    def build(self) -> result.TextContent:
        annotations = deep_copy(self.annotations) if self.annotations else None
        return result.TextContent(text=str(self), annotations=annotations)


class AudioBuilder(msgspec.Struct, gc=False):
    """Audio in progress: its first piece, and the bytes of all."""

    first: result.AudioContent
    data: list[bytes]

    def goes_on_with(self, piece: result.AudioContent) -> bool:
        """Whether a piece of audio is in the same format, or states none."""
        return merge(self.first, replace(piece, data=None)) == self.first

    def build(self) -> result.AudioContent:
        return replace(self.first, data=base64.b64encode(b"".join(self.data)).decode())


class StepBuilder(BasePartBuilder, eq=False):
    """A step in progress.

    Attributes:
        step: The step, without what comes in pieces.
        emitted_as: The type of the deltas of its text; None if it is not emitted.
        latest_piece: The text that the latest event added.
        latest_text: The latest of its contents that is a text.
    """

    step: Any
    emitted_as: type[TextDelta | ReasoningDelta] | None = None
    latest_piece: str = ""
    latest_text: TextBuilder | None = None
    # The contents, or the summary: a list once there is one.
    _parts: Any = ()

    def __post_init__(self) -> None:
        self.emitted_as = _EMITTED_AS.get(type(self.step))
        if isinstance(self.step, Unknown):
            self.step = type(self.step)(self.step)  # a copy, to which deltas may add

    # Adding to the step.

    def begin(self, step: Any) -> None:
        """Take the step of a start event. (Deltas, or another start, may have come before it.)"""
        self.latest_piece = ""
        if self.step is not step:
            self._add_fields(step)
        elif getattr(step, "signature", None) == "":
            self.step = replace(step, signature=None)
        contents = _contents(step)
        if contents and not self._parts:
            self._replace_contents(contents)
            self.latest_piece = self.text()
        if type(step) in _CALLS:
            text = step.partial_arguments or _encoded(step.arguments)
            if text:
                self.latest_piece += self.own_pieces().begin(text)

    def accepts(self, delta: Any) -> bool:
        """Whether a delta may belong to this step. A step of unknown type accepts all pieces."""
        if isinstance(self.step, Unknown):
            return delta.type == self.step.type or not isinstance(delta, (Unknown, result.AnyStep))
        if type(delta) is type(self.step):  # two ids are of two steps
            return len({id_of(self.step), id_of(delta), ""}) < 3
        return type(self.step) in ACCEPTED_BY.get(type(delta), ())

    @property
    def is_call(self) -> bool:
        """Whether this is a function call, of which the name or the id is known."""
        step = self.step
        return type(step) is result.FunctionCallStep and bool(step.name or step.id)

    @property
    def answers_calls(self) -> bool:
        """Whether this step has a text, or is the result of a function."""
        is_result = isinstance(self.step, result.FunctionResultStep)
        return is_result or (self.emitted_as is TextDelta and bool(self.text()))

    @property
    def has_whole_arguments(self) -> bool:
        return bool(self.pieces) and self.pieces.ended

    def is_repeated_by(self, call: result.FunctionCallStep) -> bool:
        """Whether another call with the id of this one has its name and its arguments, too."""
        return call.name == self.step.name and self.pieces.repeats(_encoded(call.arguments))

    def add(self, delta: Any) -> None:
        """Take a delta that this step accepts."""
        self.latest_piece = ""
        self._HANDLERS.get(type(delta), StepBuilder._add_fields)(self, delta)

    def _add_text(self, delta: Any) -> None:
        """Take the next piece of a text, or more annotations of the latest one."""
        text, is_piece = self.latest_text, type(delta) is result.TextContent
        if text is None or (is_piece and text is not self._parts[-1]):
            text = self.latest_text = TextBuilder()
            self._append(text)
        text.annotations += delta.annotations or ()
        if is_piece:
            self.latest_piece = text.add(delta.text)

    def _append(self, part: Any) -> None:
        self._parts = self._parts or []
        self._parts.append(part)

    def _add_media(self, delta: Any) -> None:
        known: Any = self._parts[-1] if self._parts else None
        data = _decoded(delta)
        if type(known) is type(delta) and known.data is None and known.uri is None:
            del self._parts[-1]  # the beginning of this content, without its data
            delta = merge(known, delta)
        if data is None:
            self._append(delta)
        elif isinstance(known, AudioBuilder) and known.goes_on_with(delta):
            known.data.append(data)
        else:
            self._append(AudioBuilder(delta, [data]))

    def _add_summary(self, delta: events.ThoughtSummaryDelta) -> None:
        if delta.content is not None:
            self._append(delta.content)
            self.latest_piece = _text_of(delta.content)

    def _add_arguments(self, delta: events.ArgumentsDelta) -> None:
        if not (self.ended and self.has_whole_arguments):
            piece = delta.arguments or delta.partial_arguments or ""
            self.latest_piece = self.own_pieces().add(piece)

    def _add_fields(self, step: Any) -> None:
        """Take the fields of a step, or of a delta, that are neither null nor empty."""
        declared = getattr(step, "__struct_fields__", None)
        names = step if declared is None else [name for name in declared if name not in _BUILT]
        fields = {name: value for name in names if (value := field_of(step, name)) not in _EMPTY}
        if id_of(self.step) and not isinstance(self.step, Unknown):  # the first id stays
            fields.pop("id", None)
        if isinstance(self.step, Unknown):
            self.step.update(fields)
        else:
            self.step = replace(self.step, **fields)
        arguments = getattr(step, "arguments", None)
        if arguments:
            known = parse_object(str(self.pieces))
            stays = self.ended and self.place is not None and known is not None
            if arguments != known and not stays:
                self.latest_piece = self.own_pieces().override(_encoded(arguments))

    # Any other delta has fields of the step.
    _HANDLERS: ClassVar[dict[type[Any], Callable[[StepBuilder, Any], None]]] = {
        **dict.fromkeys(_CONTENTS, _add_media),
        **dict.fromkeys((result.TextContent, *_ANNOTATIONS), _add_text),
        events.ThoughtSummaryDelta: _add_summary,
        events.ArgumentsDelta: _add_arguments,
    }

    def _replace_contents(self, contents: list[Any]) -> None:
        self._parts, self.latest_text = [*contents], None
        for at, part in enumerate(reversed(contents), 1):
            if type(part) is result.TextContent:  # pieces go on from the latest
                self.latest_text = TextBuilder(annotations=[*(part.annotations or ())])
                self.latest_text.begin(part.text)
                self._parts[-at] = self.latest_text
                break

    def end(self) -> None:
        """Take the stop event."""
        self.ended = True
        self.latest_piece = self.pieces.flush()

    def state(self, step: Any) -> None:
        """Take the whole step, as the end of the stream has it."""
        self.latest_piece = ""
        contents, known = _contents(step), self.text()
        text = "".join(map(_text_of, contents))
        # No text is shortened to an end of itself.
        shorter = text not in ("", known) and known.endswith(text)
        if contents and not shorter:
            self._replace_contents(contents)
        self._add_fields(step)

    # The step so far.

    def text(self) -> str:
        return "".join(map(_text_of, self._parts))

    def texts(self) -> Iterable[tuple[Any, str]]:
        return ((self.emitted_as, self.text()),) if self.emitted_as is not None else ()

    def build(self) -> Any:
        step, parts = self.step, [_built(part) for part in self._parts]
        fields: JSONObject = {}
        text = str(self.pieces)
        if text:
            tree = parse_object(text)
            fields = {"partial_arguments": text} if tree is None else {"arguments": tree}
            if tree is not None and field_of(step, "partial_arguments"):
                fields["partial_arguments"] = None
        if parts and isinstance(step, Unknown):
            known = step.get("content")
            begun = deep_copy(known) if isinstance(known, list) else []
            fields["content"] = begun + msgspec.to_builtins(parts)
        elif parts:
            fields[_PARTS[type(step)]] = parts
        return deep_copy(step, **fields)

    # Emitting deltas.

    def deltas(self, *, stopped: bool) -> Iterable[Delta]:
        """Return the deltas of the latest event of this step, which may have stopped it."""
        piece = self.latest_piece
        if self.place is None:
            return (self.emitted_as(0, piece),) if piece and self.emitted_as is not None else ()
        deltas = self.call_deltas(piece)
        return deltas + self.end_deltas() if stopped else deltas

    def _names(self) -> tuple[str, str]:
        return join_surrogates(self.step.id), join_surrogates(self.step.name)


def id_of(step: Any) -> str:
    """Return the id of a call, or of the call that a step is the result of; "" without one."""
    ids = (field_of(step, name) for name in ("id", "call_id"))
    return next((id_ for id_ in ids if id_ and isinstance(id_, str)), "")


def field_of(step: Any, name: str) -> Any:
    """Return a field of a step; None if it has no such field."""
    return step.get(name) if isinstance(step, dict) else getattr(step, name, None)


def as_step(output: Any) -> Any:
    """Return an output of the former spelling as a step: a content is one of the model's output."""
    return result.ModelOutputStep(content=[output]) if type(output) in _CONTENTS else output


def as_outputs(step: Any) -> list[Any]:
    """Return a step as outputs of the former spelling: an output of the model is its contents."""
    return (step.content or []) if isinstance(step, result.ModelOutputStep) else [step]


def _contents(step: Any) -> list[Any]:
    """Return the contents of a step, or its summary."""
    return getattr(step, _PARTS.get(type(step), ""), None) or []


# A part is a builder or a content.


def _text_of(part: Any) -> str:
    if type(part) is TextBuilder:
        return part.join()
    return part.text if type(part) is result.TextContent else ""


def _built(part: Any) -> Any:
    if type(part) in (TextBuilder, AudioBuilder):
        return part.build()
    return deep_copy(part)


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
