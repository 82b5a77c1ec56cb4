"""What holds of any bytes, in any format."""

from typing import Any

import msgspec

from ssekit import SSEKitError, StreamDecoder, chat
from ssekit._fold import Unknown


def survive(data: bytes, wire: Any = chat, **options: Any) -> StreamDecoder[Any, Any]:
    """Push some bytes, and look at all that there is to see: only errors of ours may come."""
    decoder: StreamDecoder[Any, Any] = wire.decoder(**options)
    for chunk in decoder.feed(data) + decoder.close():
        assert isinstance(chunk, msgspec.Struct | Unknown)
    accumulator = decoder.accumulator
    answer = msgspec.json.encode(decoder.snapshot())
    views = (accumulator.text, accumulator.reasoning, accumulator.refusal)
    "".join(views).encode()
    repr((decoder.snapshot(), accumulator.tool_calls, accumulator.usage)).encode()
    try:
        assert msgspec.json.encode(decoder.result()) == answer
    except SSEKitError as error:
        assert msgspec.json.encode(error.partial) == answer
        str(error).encode()
    try:
        for delta in wire.stream([data]).deltas():
            msgspec.json.encode(delta)
    except SSEKitError:
        pass
    return decoder


# Names that formats have a use for.
NAMES = [
    *("choices", "delta", "index", "content", "tool_calls", "function", "arguments", "id"),
    *("error", "usage", "logprobs", "reasoning_details", "text", "type", "x_groq", "audio"),
    *("object", "tokens", "token_logprobs", "top_logprobs", "text_offset"),
    *("response", "output", "item", "part", "delta", "output_index", "content_index", "name"),
    *("candidates", "parts", "thought", "functionCall", "args", "partialArgs", "jsonPath"),
    *("stringValue", "willContinue", "thoughtSignature", "usageMetadata", "citationMetadata"),
    *("groundingMetadata", "inlineData", "promptFeedback", "finishReason"),
    *("summary", "annotations", "status", "action", "operation", "annotation", "command_index"),
    *("message", "content_block", "partial_json", "thinking", "signature", "input", "citation"),
    *("stop_reason", "stop_details", "citations", "caller", "container"),
]
