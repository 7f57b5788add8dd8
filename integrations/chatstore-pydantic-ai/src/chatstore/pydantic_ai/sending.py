"""What is sent to a model of Pydantic AI's messages, for counting tokens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic_ai.messages import (
    BaseToolCallPart,
    BaseToolReturnPart,
    FilePart,
    ModelRequestPart,
    ModelResponsePart,
    RetryFeedbackPart,
    UploadedFile,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters

from chatstore.core import ChatMessage
from chatstore.core.contents import BlockFields
from chatstore.pydantic_ai.messages import saved_message
from chatstore.pydantic_ai.to_common import binary_block, result_content, user_blocks

_TEXT_FIELDS = ("content", "signature")
"""The fields of other parts that are sent; baselines of instructions, for example, are not."""


def sent_payload(message: ChatMessage) -> Any:
    """Return what Pydantic AI sends to a model for a message, as JSON.

    Pass it as ``ChatMemoryBuffer(…, payload_fn=sent_payload)`` if you convert windows with
    `to_model_messages`: the buffer then counts all that Pydantic AI sends, including system
    prompts and tools that the provider ran.
    """
    saved = saved_message(message)
    return None if saved is None else sent_parts(saved.parts)


def sent_parts(parts: Iterable[ModelRequestPart | ModelResponsePart]) -> list[Any]:
    """Return what is sent for parts of a message, as JSON."""
    return list(map(_sent, parts))


def sent_parameters(parameters: ModelRequestParameters) -> list[Any]:
    """Return what is sent in addition to messages: instructions, tools, the output's schema."""
    tools = [*parameters.function_tools, *parameters.output_tools]
    output = parameters.output_object
    return [
        [part.content for part in parameters.instruction_parts or []],
        [_schema(tool.name, tool.description, tool.parameters_json_schema) for tool in tools],
        _schema(output.name, output.description, output.json_schema) if output else None,
    ]


def _schema(name: str | None, description: str | None, schema: Any) -> dict[str, Any]:
    return {"name": name or "", "description": description or "", "parameters": schema}


def _sent(part: ModelRequestPart | ModelResponsePart) -> Any:
    if isinstance(part, (BaseToolCallPart, BaseToolReturnPart)):
        return [part.tool_call_id, part.tool_name, _sent_of_tool(part)]
    if isinstance(part, UserPromptPart):
        content = part.content
        return [content] if isinstance(content, str) else list(map(_sent_item, content))
    if isinstance(part, RetryFeedbackPart) or part.part_kind == "retry-prompt":
        return part.model_response()
    if isinstance(part, FilePart):
        return binary_block(part.content)
    return [text for name in _TEXT_FIELDS if (text := getattr(part, name, None))]


def _sent_of_tool(part: BaseToolCallPart[Any] | BaseToolReturnPart[Any]) -> Any:
    if isinstance(part, BaseToolCallPart):
        return part.args_as_json_str()
    content = result_content(part)
    return content if isinstance(content, str) else list(map(_sent_block, content))


def _sent_item(item: Any) -> Any:
    """Return what is sent for an item of a user's content."""
    if isinstance(item, UploadedFile):
        return {"type": "file", "file_id": item.file_id}
    return list(map(_sent_block, user_blocks([item])))


def _sent_block(block: BlockFields) -> Any:
    return block["text"] if block["type"] == "text" else block
