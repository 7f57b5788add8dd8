"""Make Agent Framework's messages of the fields that all frameworks share."""

from __future__ import annotations

from collections.abc import Iterable

from agent_framework import Content, Message

from chatstore.core import ChatMessage, ContentBlock
from chatstore.core.contents import BlockFields
from chatstore.core.converters.content import MEDIA_TYPES, common_blocks, media_type_of, url_of
from chatstore.core.memory.window import PINNED_ROLES
from chatstore.core.pairing import CallIds
from chatstore.core.tool_calls import MODEL_ROLES, TOOL_ROLES, calls_of, results_of


def agent_messages(message: ChatMessage, index: int, ids: CallIds) -> list[Message]:
    """Return the messages to send: results, then the rest; ``[]`` if there is nothing.

    Args:
        message: A message of any framework.
        index: Its index in the list that ``ids`` were made of.
        ids: The ids of calls.

    """
    messages = []
    results = [
        Content.from_function_result(
            ids.results.get((index, number), result.id), result=_result(result.content)
        )
        for number, result in enumerate(results_of(message))
    ]
    if results:
        messages.append(Message("tool", results))
    contents = [] if message.role in TOOL_ROLES else _contents(message, index, ids)
    if contents:
        name = message.additional_kwargs.get("name")
        author = name if isinstance(name, str) else None
        messages.append(Message(_role(message), contents, author_name=author))
    return messages


def _role(message: ChatMessage) -> str:
    if message.role in MODEL_ROLES:
        return "assistant"
    return "system" if message.role in PINNED_ROLES else "user"


def _contents(message: ChatMessage, index: int, ids: CallIds) -> list[Content]:
    refusal = message.additional_kwargs.get("refusal")
    refused = [Content.from_text(refusal)] if isinstance(refusal, str) and refusal else []
    calls = [
        Content.from_function_call(ids.calls[index, number], call.name, arguments=call.arguments)
        for number, call in enumerate(calls_of(message))
    ]
    return [*_converted(common_blocks(message.content)), *refused, *calls]


def _result(content: str | list[ContentBlock]) -> str | list[Content]:
    return content if isinstance(content, str) else _converted(common_blocks(content))


def _converted(blocks: Iterable[BlockFields]) -> list[Content]:
    contents = []
    for block in blocks:
        if block["type"] == "text":
            contents.append(Content.from_text(block["text"]))
        elif block["type"] == "thinking":
            contents.append(Content.from_text_reasoning(text=block["thinking"]))
        elif block["type"] in MEDIA_TYPES and (media := _media(block)):
            contents.append(media)
    return contents


def _media(block: BlockFields) -> Content | None:
    """Return media, unless Agent Framework refuses their address."""
    url = url_of(block)
    if url is None:
        return None
    try:
        return Content.from_uri(url, media_type=media_type_of(block))
    except ValueError:
        return None
