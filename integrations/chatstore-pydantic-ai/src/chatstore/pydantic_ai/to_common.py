"""Convert Pydantic AI's messages to the fields that all frameworks share."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

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
from chatstore.core.contents import BlockFields, media_block, simplify
from chatstore.core.tool_calls import Call


class CommonFields(NamedTuple):
    """The fields of a message that all frameworks share."""

    role: MessageRole
    content: str | list[BlockFields] | None
    kwargs: dict[str, Any]


def common_fields(message: ModelMessage) -> CommonFields:
    """Return the common fields of a message."""
    if isinstance(message, ModelRequest):
        return _request_fields(message)
    return _response_fields(message)


def is_result(part: ModelRequestPart) -> bool:
    """Return whether a part is a tool's result."""
    return isinstance(part, ToolReturnPart)


def part_blocks(part: ModelRequestPart) -> list[BlockFields]:
    """Return the blocks for a part of a request.

    System prompts with other parts belong to the agent: they are only in the payload, like
    parts that change instructions or tools.
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
    """Return the prompt, or the results of tools, or the system prompt.

    A single result is a ``tool`` message. Several results, or results with a prompt, are blocks
    of a ``user`` message, as in Anthropic's format.
    """
    results = [part for part in request.parts if isinstance(part, ToolReturnPart)]
    prompt = [block for part in request.parts if not is_result(part) for block in part_blocks(part)]
    if len(results) == 1 and not prompt:
        kwargs = {"tool_call_id": results[0].tool_call_id, "name": results[0].tool_name}
        return CommonFields(MessageRole.TOOL, result_content(results[0]), kwargs)
    if results:
        blocks = [block for part in results for block in part_blocks(part)]
        return CommonFields(MessageRole.USER, [*blocks, *prompt], {})
    if prompt:
        return CommonFields(MessageRole.USER, simplify(prompt), {})
    prompts = [part.content for part in request.parts if isinstance(part, SystemPromptPart)]
    return CommonFields(MessageRole.SYSTEM, simplify([_text(text) for text in prompts]), {})


def _response_fields(response: ModelResponse) -> CommonFields:
    """Return the model's thinking, text, files and tool calls.

    Calls that the provider ran itself are only in the payload.
    """
    blocks: list[BlockFields] = []
    calls: list[dict[str, Any]] = []
    for part in response.parts:
        if isinstance(part, ToolCallPart):
            call = Call(part.tool_call_id, part.tool_name, part.args_as_json_str())
            calls.append(call.to_openai())
        elif isinstance(part, ThinkingPart) and part.content:
            blocks.append(_thinking(part))
        elif isinstance(part, FilePart):
            blocks.append(binary_block(part.content))
        elif isinstance(part, (TextPart, SpeechPart, CompactionPart)) and part.content:
            blocks.append(_text(part.content))
    kwargs = {"tool_calls": calls} if calls else {}
    return CommonFields(MessageRole.ASSISTANT, simplify(blocks), kwargs)


def result_content(part: BaseToolReturnPart[Any]) -> str | list[BlockFields]:
    """Return a result as text, or as blocks if it has files."""
    text = part.model_response_str()
    if not part.files:
        return text
    return [*([_text(text)] if text else []), *user_blocks(part.files)]


def _result_block(part: ToolReturnPart) -> BlockFields:
    return {
        "type": "tool_result",
        "tool_use_id": part.tool_call_id,
        "content": result_content(part),
    }


def user_blocks(content: str | Sequence[Any]) -> Iterable[BlockFields]:
    """Yield the blocks for a user's content; ids of uploads are only in the payload."""
    for item in [content] if isinstance(content, str) else content:
        if isinstance(item, str):
            yield _text(item)
        elif isinstance(item, TextContent):
            yield _text(item.content)
        elif isinstance(item, BinaryContent):
            yield binary_block(item)
        elif isinstance(item, (ImageUrl, AudioUrl, VideoUrl, DocumentUrl)):
            yield {"type": item.kind.removesuffix("-url"), "url": item.url}


def _text(text: str) -> BlockFields:
    return {"type": "text", "text": text}


def _thinking(part: ThinkingPart) -> BlockFields:
    return {"type": "thinking", "thinking": part.content, "signature": part.signature}


def binary_block(content: BinaryContent) -> BlockFields:
    """Return a block of media, or a document."""
    return media_block(base64.b64encode(content.data).decode(), content.media_type)
