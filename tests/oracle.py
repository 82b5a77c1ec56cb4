"""Independent oracles: folds of plain dicts, and a table of how streams end.

It reads the whole text with `tests.reference`, keeps no state of its own between reads, and shares
no code with the accumulator. It knows what the recorded hosts do, and nothing more.
"""

import json
import re
from typing import Any

from tests.reference import interpret


class Oracle:
    """What a correct consumer holds after some events of a stream of choices."""

    def __init__(self) -> None:
        self.id = ""
        self.model = ""
        self.usage: Any = None
        self.error: Any = None
        self.marker = False
        self.choices: dict[int, dict[str, Any]] = {}

    def add(self, event_type: str, data: str) -> None:
        if self.marker or self.error:
            return
        if data == "[DONE]":
            self.marker = True
            return
        chunk = json.loads(data)
        self.error = chunk.get("error") or (chunk if event_type == "error" else None)
        self.id = self.id or chunk.get("id") or ""
        self.model = chunk.get("model") or self.model
        self.usage = chunk.get("usage") or self.usage
        for choice in chunk.get("choices") or []:
            index = choice.get("index", 0)
            known = self.choices.setdefault(index, {"index": index, "finish_reason": None})
            known["finish_reason"] = choice.get("finish_reason") or known["finish_reason"]
            self.add_choice(known, choice)

    def add_choice(self, known: dict[str, Any], choice: dict[str, Any]) -> None:
        raise NotImplementedError

    def view(self, choice: dict[str, Any]) -> dict[str, Any]:
        return choice

    @property
    def end(self) -> tuple[str, str | None]:
        """The state and `ended_by`, if the bytes end cleanly here."""
        if self.error:
            return "failed", None
        if self.marker:
            return "done", "marker"
        if self.choices and all(choice["finish_reason"] for choice in self.choices.values()):
            return "done", "finish"
        return "truncated", None

    @property
    def answer(self) -> dict[str, Any]:
        """What is in the recordings' `expected` files, as far as the stream has come."""
        choices = [self.view(choice) for _, choice in sorted(self.choices.items())]
        tokens = ("prompt_tokens", "completion_tokens", "total_tokens")
        usage = self.usage and {name: self.usage[name] for name in tokens}
        return {"id": self.id, "model": self.model, "choices": choices, "usage": usage}


class ChatOracle(Oracle):
    def add_choice(self, known: dict[str, Any], choice: dict[str, Any]) -> None:
        for field in ("content", "reasoning", "refusal"):
            known.setdefault(field, "")
        known.setdefault("tool_calls", [])
        known.setdefault("function_call", None)
        self._add_delta(known, choice.get("delta") or {})

    def _add_delta(self, known: dict[str, Any], delta: dict[str, Any]) -> None:
        content = delta.get("content") or ""
        if isinstance(content, list):  # Mistral
            for part in content:
                known["content"] += part.get("text", "")
                known["reasoning"] += "".join(
                    thought["text"] for thought in part.get("thinking", [])
                )
        else:
            known["content"] += content
        known["reasoning"] += delta.get("reasoning") or delta.get("reasoning_content") or ""
        known["refusal"] += delta.get("refusal") or ""
        for piece in delta.get("tool_calls") or []:
            function = piece.get("function") or {}
            calls = known["tool_calls"]
            found = [c for c in calls if piece.get("id") and c["id"] == piece["id"]]
            if not piece.get("id"):
                found = [c for c in calls if c["at"] == piece.get("index")]
            if not found or (function.get("name") and not piece.get("id")):
                found = [
                    {"at": piece.get("index"), "id": piece.get("id"), "name": "", "arguments": ""}
                ]
                calls += found
            found[-1]["name"] = function.get("name") or found[-1]["name"]
            found[-1]["arguments"] += function.get("arguments") or ""

    def view(self, choice: dict[str, Any]) -> dict[str, Any]:
        calls = [
            {"id": call["id"] or "", "name": call["name"], "arguments": call["arguments"]}
            for call in choice["tool_calls"]
        ]
        return {**choice, "tool_calls": calls}


class CompletionsOracle(Oracle):
    def add_choice(self, known: dict[str, Any], choice: dict[str, Any]) -> None:
        known["text"] = known.get("text", "") + (choice.get("text") or "")


class MessagesOracle:
    """The same of a message, whose events come in their order, with indices that count up."""

    def __init__(self) -> None:
        self.message: dict[str, Any] = {
            "id": "",
            "type": "message",
            "role": "assistant",
            "model": "",
            "stop_reason": None,
            "usage": {},
        }
        self.blocks: list[dict[str, Any]] = []
        self.stopped = False

    def add(self, event_type: str, data: str) -> None:
        event = json.loads(data)
        assert event["type"] == event_type
        if event_type == "message_start":
            self.message |= event["message"]
        elif event_type == "content_block_start":
            assert event["index"] == len(self.blocks)
            block = event["content_block"]
            self.blocks.append({**REQUIRED.get(block["type"], {}), **block})
            if block["type"] == "fallback":  # from here on, another model answers
                self.message["model"] = block["to"]["model"]
        elif event_type == "content_block_delta":
            self.add_delta(self.blocks[event["index"]], event["delta"])
        elif event_type == "message_delta":
            self.message |= {name: value for name, value in event["delta"].items() if value}
            self.message["context_management"] = event.get("context_management")
            stated = {name: value for name, value in event["usage"].items() if value is not None}
            if "server_tool_use" in stated:  # both counts are always there
                counts = {"web_fetch_requests": 0, "web_search_requests": 0}
                stated["server_tool_use"] = {**counts, **stated["server_tool_use"]}
            self.message["usage"] = {**self.message["usage"], **stated}
        self.stopped = event_type == "message_stop"

    def add_delta(self, block: dict[str, Any], delta: dict[str, Any]) -> None:
        for field in ("text", "thinking", "partial_json", "content"):
            if field in delta:
                block[field] = (block.get(field) or "") + delta[field]
        for field in ("signature", "encrypted_content"):  # what is opaque is replaced
            if field in delta:
                block[field] = delta[field]
        if "citation" in delta:
            block["citations"] = [*(block.get("citations") or []), delta["citation"]]

    def view(self, block: dict[str, Any]) -> dict[str, Any]:
        view = dict(block)
        text = view.pop("partial_json", "")
        try:
            return {**view, "input": json.loads(text)} if text else view
        except ValueError:
            return {**view, "partial_json": text}

    @property
    def end(self) -> tuple[str, str | None]:
        """The state and `ended_by`, if the bytes end cleanly here."""
        if self.stopped:
            return "done", "event"
        return ("done", "finish") if self.message["stop_reason"] else ("truncated", None)

    @property
    def answer(self) -> dict[str, Any]:
        """The message, as far as the stream has come, without what is null."""
        return without_nulls(
            {**self.message, "content": [self.view(block) for block in self.blocks]}
        )


# What the vendor's models of blocks require, and a host may leave out (Ollama).
REQUIRED = {"thinking": {"signature": ""}}


def without_nulls(tree: Any) -> Any:
    """Return JSON without the fields that are null, which mean no more than their absence."""
    if isinstance(tree, dict):
        return {name: without_nulls(value) for name, value in tree.items() if value is not None}
    return [without_nulls(item) for item in tree] if isinstance(tree, list) else tree


class ResponsesOracle(Oracle):
    """The answer that events of the Responses API describe: texts, calls, and what states it."""

    def __init__(self) -> None:
        super().__init__()
        self.response: dict[str, Any] = {}
        self.items: dict[int, dict[str, Any]] = {}
        self.terminal = False

    def add(self, event_type: str, data: str) -> None:
        event = json.loads(data)
        kind = event["type"].removeprefix("response.")
        if kind == "error":
            self.error = event
            return
        self.terminal = self.terminal or kind in ("completed", "incomplete")
        if "response" in event:
            stated = {name: value for name, value in event["response"].items() if value is not None}
            self.items = dict(enumerate(stated.pop("output", []))) or self.items
            self.response |= stated
        elif kind.startswith("output_item."):
            self.items[event["output_index"]] = event["item"]
        else:
            self.add_to_item(self.items[event["output_index"]], kind, event)

    def add_to_item(self, item: dict[str, Any], kind: str, event: dict[str, Any]) -> None:
        if kind == "function_call_arguments.delta":
            item["arguments"] += event["delta"]
        elif kind == "function_call_arguments.done":
            item["arguments"] = event["arguments"]
        elif "_part." in kind or "text." in kind:  # what else there is, the view does not show
            field = "summary" if "summary" in kind else "content"
            place, parts = event[f"{field}_index"], item[field]
            if kind.endswith("part.added"):
                parts.append(event["part"])
            elif kind.endswith("part.done"):
                parts[place] = event["part"]
            elif kind.endswith("text.delta"):
                parts[place]["text"] += event["delta"]
            elif kind.endswith("text.done"):
                parts[place]["text"] = event["text"]

    @property
    def end(self) -> tuple[str, str | None]:
        if self.error:
            return "failed", None
        return ("done", "event") if self.terminal else ("truncated", None)

    @property
    def answer(self) -> dict[str, Any]:
        items = [item for _, item in sorted(self.items.items())]
        return said_by_response({**self.response, "output": items})


def said_by_response(response: dict[str, Any]) -> dict[str, Any]:
    """Return the plain JSON of a response, without what is stated and not folded."""
    stated = {name: response[name] for name in ("id", "status", "model") if response.get(name)}
    stated["error"] = (response.get("error") or {}).get("message")
    stated["tokens"] = (response.get("usage") or {}).get("total_tokens")
    names = ("type", "id", "status", "call_id", "name", "arguments")
    stated["output"] = [
        {name: item[name] for name in names if item.get(name)}
        | {
            "summary": [part["text"] for part in item.get("summary") or []],
            "content": [part.get("text") for part in item.get("content") or []],
        }
        for item in response["output"]
    ]
    return stated


class GeminiOracle:
    """The same for a stream of candidates."""

    def __init__(self) -> None:
        self.id = ""
        self.model = ""
        self.usage: dict[str, Any] = {}
        self.blocked = False
        self.candidates: dict[int, dict[str, Any]] = {}

    def add(self, _event_type: str, data: str) -> None:
        chunk = json.loads(data)
        self.id = self.id or chunk.get("responseId", "")
        self.model = chunk.get("modelVersion", self.model)
        self.usage |= chunk.get("usageMetadata", {})
        self.blocked = self.blocked or "blockReason" in chunk.get("promptFeedback", {})
        for candidate in chunk.get("candidates", []):
            new = {"text": "", "thought": "", "calls": [], "finish_reason": None}
            known = self.candidates.setdefault(candidate.get("index", 0), new)
            known["finish_reason"] = candidate.get("finishReason") or known["finish_reason"]
            for part in candidate.get("content", {}).get("parts", []):
                known["thought" if part.get("thought") else "text"] += part.get("text", "")
                if "functionCall" in part:
                    self._add_call(known["calls"], part["functionCall"])

    def _add_call(self, calls: list[Any], call: dict[str, Any]) -> None:
        if "name" in call:
            calls.append({"name": call["name"], "args": call.get("args")})
        if call.get("willContinue") and calls[-1]["args"] is None:
            calls[-1]["args"] = {}
        for piece in call.get("partialArgs", []):
            keys = [int(key) if key.isdigit() else key for key in _NAME.findall(piece["jsonPath"])]
            at: Any = calls[-1]["args"]
            for key, inner in zip(keys, [*keys[1:], None], strict=True):
                if isinstance(key, int) and key == len(at):
                    at.append(None)
                elif isinstance(key, str):
                    at.setdefault(key, None)
                if inner is not None:
                    at[key] = ([] if isinstance(inner, int) else {}) if at[key] is None else at[key]
                    at = at[key]
            if "stringValue" in piece:
                at[keys[-1]] = (at[keys[-1]] or "") + piece["stringValue"]
            else:
                at[keys[-1]] = piece["numberValue"]

    @property
    def end(self) -> tuple[str, str | None]:
        finishes = [candidate["finish_reason"] for candidate in self.candidates.values()]
        finished = all(finishes) if finishes else self.blocked
        return ("done", "finish") if finished else ("truncated", None)

    @property
    def answer(self) -> dict[str, Any]:
        candidates = [candidate for _, candidate in sorted(self.candidates.items())]
        usage = {name: self.usage[name] for name in GEMINI_USAGE if name in self.usage}
        return {"id": self.id, "model": self.model, "candidates": candidates, "usage": usage}


class InteractionsOracle:
    """The same of an interaction, in both spellings, whose steps have their indices."""

    def __init__(self) -> None:
        self.head: dict[str, Any] = {}
        self.usage: dict[str, Any] = {}
        self.steps: dict[int, dict[str, Any]] = {}
        self.error: Any = None
        self.ended = False

    def add(self, _event_type: str, data: str) -> None:
        if self.ended or data == "[DONE]":
            return
        event = json.loads(data)
        kind = event["event_type"]
        usages = [*event.get("metadata", {}).values(), event.get("usage")]
        if kind == "error":
            self.error = event
        elif kind.startswith("interaction."):
            stated = event.get("interaction", {"status": event.get("status")})
            self.head |= {name: value for name, value in stated.items() if value}
            usages.append(stated.get("usage"))
            for place, step in enumerate(stated.get("steps", [])):
                self.steps[place] = step
            self.ended = kind.startswith("interaction.complete")
        elif kind.endswith(".start"):
            self.steps[event["index"]] = dict(event.get("step") or event["content"])
        elif kind.endswith(".delta"):
            self.add_delta(event["index"], event["delta"])
        for usage in filter(None, usages):
            self.usage |= usage

    def add_delta(self, index: int, delta: dict[str, Any]) -> None:
        step = self.steps.setdefault(index, {"type": "model_output"})
        kind = delta["type"]
        if kind == step["type"]:
            text = step.get("text", "") + delta.get("text", "")
            step |= {name: value for name, value in delta.items() if value}
            if "text" in delta:
                step["text"] = text
        elif kind == "arguments_delta":
            step["pieces"] = step.get("pieces", "") + delta["arguments"]
        elif kind == "thought_summary":
            step.setdefault("summary", []).append(delta["content"])
        elif kind == "thought_signature":
            step["signature"] = delta["signature"] or step.get("signature")
        elif kind.startswith("text_annotation"):
            text = step["content"][-1]
            text["annotations"] = [*text.get("annotations", []), *delta["annotations"]]
        else:
            contents = step.setdefault("content", [])
            if kind == "text" and contents and contents[-1]["type"] == "text":
                contents[-1]["text"] += delta["text"]
            else:
                contents.append(dict(delta))

    def view(self, step: dict[str, Any]) -> dict[str, Any]:
        names = ("type", "id", "call_id", "name", "arguments", "signature", "result")
        view = {name: step[name] for name in names if step.get(name)}
        if "pieces" in step:
            try:
                view["arguments"] = json.loads(step["pieces"])
            except ValueError:
                view["arguments"] = step["pieces"]
        contents = step.get("summary", []) + step.get("content", [])
        own = ("type", "text", "mime_type", "data", "uri")
        if step["type"] in ("text", "image"):
            begun = {"text": ""} if step["type"] == "text" else {}
            contents = [begun | {name: step[name] for name in own if name in step}]
        return {**view, "contents": contents}

    @property
    def end(self) -> tuple[str, str | None]:
        if self.error:
            return "failed", None
        return ("done", "event") if self.ended else ("truncated", None)

    @property
    def answer(self) -> dict[str, Any]:
        usage = {name: self.usage[name] for name in INTERACTION_USAGE if name in self.usage}
        return {
            "id": self.head.get("id", ""),
            "model": self.head.get("model", ""),
            "status": self.head.get("status", ""),
            "steps": [self.view(step) for _, step in sorted(self.steps.items())],
            "usage": usage,
        }


INTERACTION_USAGE = (
    *("total_input_tokens", "total_output_tokens", "total_thought_tokens"),
    *("total_reasoning_tokens", "total_cached_tokens", "total_tool_use_tokens", "total_tokens"),
)

_NAME = re.compile(r"\w+")
# The usage in the recordings' `expected` files.
GEMINI_USAGE = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "totalTokenCount")

ORACLES = {
    "chat": ChatOracle,
    "completions": CompletionsOracle,
    "gemini": GeminiOracle,
    "interactions": InteractionsOracle,
    "messages": MessagesOracle,
    "responses": ResponsesOracle,
}


def oracle(endpoint: str, stream: bytes) -> Any:
    """Fold the events that are complete in a stream."""
    folded = ORACLES[endpoint]()
    for event_type, data, _, _ in interpret(stream).events:
        folded.add(event_type, data)
    return folded
