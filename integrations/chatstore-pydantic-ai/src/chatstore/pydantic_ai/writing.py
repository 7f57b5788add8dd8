"""What Pydantic AI's messages say in the fields that all frameworks share."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

from pydantic_ai.messages import (
    AudioUrl,
    BinaryContent,
    CompactionPart,
    DocumentUrl,
    FilePart,
    ImageUrl,
    ModelRequest,
    ModelResponse,
    RetryFeedbackPart,
    SpeechPart,
    SystemPromptPart,
    TextContent,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
    VideoUrl,
)

from chatstore.core import MessageRole

Block: TypeAlias = dict[str, Any]
_MEDIA = {"image", "audio", "video"}


class Said(NamedTuple):
    """The common fields of a message."""

    role: MessageRole
    content: str | list[Block] | None
    kwargs: dict[str, Any]


def request_says(request: ModelRequest) -> Said:
    """Return the user's words, or the results of tools, or the system prompt.

    A single result is a ``tool`` message. Several are blocks of a ``user`` message, as Anthropic
    has them, for they are one message here. System prompts beside other words are the agent's
    own: they are left to the native payload, as is what changes instructions or tools.
    """
    results: list[ToolReturnPart] = []
    words: list[Block] = []
    prompts: list[Block] = []
    for part in request.parts:
        if isinstance(part, ToolReturnPart):
            results.append(part)
        elif isinstance(part, SystemPromptPart):
            prompts.append(_text(part.content))
        elif isinstance(part, UserPromptPart):
            words.extend(_user_blocks(part.content))
        elif isinstance(part, RetryFeedbackPart):
            words.append(_text(part.model_response()))
        elif isinstance(part, (SpeechPart, CompactionPart)) and part.content:
            words.append(_text(part.content))
    if len(results) == 1 and not words:
        kwargs = {"tool_call_id": results[0].tool_call_id, "name": results[0].tool_name}
        return Said(MessageRole.TOOL, _result(results[0]), kwargs)
    if results:
        return Said(MessageRole.USER, [*map(_result_block, results), *words], {})
    if words:
        return Said(MessageRole.USER, _content(words), {})
    return Said(MessageRole.SYSTEM, _content(prompts), {})


def response_says(response: ModelResponse) -> Said:
    """Return the model's thoughts, words, files and calls of tools.

    Calls that the provider ran itself are left to the native payload.
    """
    blocks: list[Block] = []
    calls: list[dict[str, Any]] = []
    for part in response.parts:
        if isinstance(part, ToolCallPart):
            function = {"name": part.tool_name, "arguments": part.args_as_json_str()}
            calls.append({"id": part.tool_call_id, "type": "function", "function": function})
        elif isinstance(part, ThinkingPart) and part.content:
            blocks.append(_thinking(part))
        elif isinstance(part, FilePart):
            blocks.append(_binary(part.content))
        elif isinstance(part, (TextPart, SpeechPart, CompactionPart)) and part.content:
            blocks.append(_text(part.content))
    return Said(MessageRole.ASSISTANT, _content(blocks), {"tool_calls": calls} if calls else {})


def _content(blocks: list[Block]) -> str | list[Block] | None:
    """Return text where there is nothing else, else blocks."""
    if len(blocks) == 1 and blocks[0]["type"] == "text":
        return str(blocks[0]["text"])
    return blocks or None


def _result(part: ToolReturnPart) -> str | list[Block]:
    text = part.model_response_str()
    if not part.files:
        return text
    return [*([_text(text)] if text else []), *_user_blocks(part.files)]


def _result_block(part: ToolReturnPart) -> Block:
    return {"type": "tool_result", "tool_use_id": part.tool_call_id, "content": _result(part)}


def _user_blocks(content: str | Sequence[Any]) -> Iterable[Block]:
    for item in [content] if isinstance(content, str) else content:
        if isinstance(item, str):
            yield _text(item)
        elif isinstance(item, TextContent):
            yield _text(item.content)
        elif isinstance(item, BinaryContent):
            yield _binary(item)
        elif isinstance(item, (ImageUrl, AudioUrl, VideoUrl, DocumentUrl)):
            yield {"type": item.kind.removesuffix("-url"), "url": item.url}


def _text(text: str) -> Block:
    return {"type": "text", "text": text}


def _thinking(part: ThinkingPart) -> Block:
    return {"type": "thinking", "thinking": part.content, "signature": part.signature}


def _binary(content: BinaryContent) -> Block:
    kind = content.media_type.partition("/")[0]
    return {
        "type": kind if kind in _MEDIA else "document",
        "data": base64.b64encode(content.data).decode(),
        "media_type": content.media_type,
    }
