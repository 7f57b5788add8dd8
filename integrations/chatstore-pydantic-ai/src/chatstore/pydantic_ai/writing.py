"""What Pydantic AI's messages say in the fields that all frameworks share."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

from pydantic_ai.messages import (
    AudioUrl,
    BaseToolReturnPart,
    BinaryContent,
    CompactionPart,
    DocumentUrl,
    FilePart,
    ImageUrl,
    ModelMessage,
    ModelRequest,
    ModelRequestPart,
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


class CommonFields(NamedTuple):
    """The fields of a message that all frameworks share."""

    role: MessageRole
    content: str | list[Block] | None
    kwargs: dict[str, Any]


def common_fields(message: ModelMessage) -> CommonFields:
    """Return what a message says in the fields that all frameworks share."""
    if isinstance(message, ModelRequest):
        return _request_fields(message)
    return _response_fields(message)


def is_result(part: ModelRequestPart) -> bool:
    """Tell whether a part is a tool's result."""
    return isinstance(part, ToolReturnPart)


def part_blocks(part: ModelRequestPart) -> list[Block]:
    """Return what a request's part says beside other parts.

    System prompts beside other words are the agent's own: they are left to the payload, as is
    what changes instructions or tools.
    """
    if isinstance(part, ToolReturnPart):
        return [_result_block(part)]
    if isinstance(part, UserPromptPart):
        return list(user_blocks(part.content))
    if isinstance(part, RetryFeedbackPart):
        return [_text(part.model_response())]
    if isinstance(part, (SpeechPart, CompactionPart)) and part.content:
        return [_text(part.content)]
    return []


def _request_fields(request: ModelRequest) -> CommonFields:
    """Return the user's words, or the results of tools, or the system prompt.

    A single result is a ``tool`` message. Several, or results beside words, are blocks of a
    ``user`` message, as Anthropic has them, for they are one message here.
    """
    results = [part for part in request.parts if isinstance(part, ToolReturnPart)]
    words = [block for part in request.parts if not is_result(part) for block in part_blocks(part)]
    if len(results) == 1 and not words:
        kwargs = {"tool_call_id": results[0].tool_call_id, "name": results[0].tool_name}
        return CommonFields(MessageRole.TOOL, result_content(results[0]), kwargs)
    if results:
        blocks = [block for part in results for block in part_blocks(part)]
        return CommonFields(MessageRole.USER, [*blocks, *words], {})
    if words:
        return CommonFields(MessageRole.USER, _content(words), {})
    prompts = [part.content for part in request.parts if isinstance(part, SystemPromptPart)]
    return CommonFields(MessageRole.SYSTEM, _content(list(map(_text, prompts))), {})


def _response_fields(response: ModelResponse) -> CommonFields:
    """Return the model's thoughts, words, files and calls of tools.

    Calls that the provider ran itself are left to the payload.
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
            blocks.append(binary_block(part.content))
        elif isinstance(part, (TextPart, SpeechPart, CompactionPart)) and part.content:
            blocks.append(_text(part.content))
    kwargs = {"tool_calls": calls} if calls else {}
    return CommonFields(MessageRole.ASSISTANT, _content(blocks), kwargs)


def _content(blocks: list[Block]) -> str | list[Block] | None:
    """Return text if there is nothing else, otherwise blocks."""
    if len(blocks) == 1 and blocks[0]["type"] == "text":
        return str(blocks[0]["text"])
    return blocks or None


def result_content(part: BaseToolReturnPart[Any]) -> str | list[Block]:
    """Return a result as text, or as blocks if it holds files."""
    text = part.model_response_str()
    if not part.files:
        return text
    return [*([_text(text)] if text else []), *user_blocks(part.files)]


def _result_block(part: ToolReturnPart) -> Block:
    return {
        "type": "tool_result",
        "tool_use_id": part.tool_call_id,
        "content": result_content(part),
    }


def user_blocks(content: str | Sequence[Any]) -> Iterable[Block]:
    """Yield what a user's content says; ids of uploads are left to the payload."""
    for item in [content] if isinstance(content, str) else content:
        if isinstance(item, str):
            yield _text(item)
        elif isinstance(item, TextContent):
            yield _text(item.content)
        elif isinstance(item, BinaryContent):
            yield binary_block(item)
        elif isinstance(item, (ImageUrl, AudioUrl, VideoUrl, DocumentUrl)):
            yield {"type": item.kind.removesuffix("-url"), "url": item.url}


def _text(text: str) -> Block:
    return {"type": "text", "text": text}


def _thinking(part: ThinkingPart) -> Block:
    return {"type": "thinking", "thinking": part.content, "signature": part.signature}


def binary_block(content: BinaryContent) -> Block:
    """Return a block of media, or a document."""
    kind = content.media_type.partition("/")[0]
    return {
        "type": kind if kind in _MEDIA else "document",
        "data": base64.b64encode(content.data).decode(),
        "media_type": content.media_type,
    }
