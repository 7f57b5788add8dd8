"""What is sent to a model of LangChain's messages: its size, and what providers accept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from chatstore.core import ChatMessage, MessageRole
from chatstore.core.memory.window import arranged
from chatstore.core.messages import PAYLOADS_KEY
from chatstore.core.tool_calls import Call
from chatstore.langchain.messages import to_langchain

_CALL_KWARGS = {"tool_calls", "function_call"}
_CALL_BLOCKS = {"tool_use", "function_call", "tool_call"}


def sent_payload(message: ChatMessage) -> Any:
    """Return what LangChain sends to a model for a message, as JSON.

    Pass it as ``ChatMemoryBuffer(…, payload_fn=sent_payload)`` if you convert windows with
    `to_langchain`: the buffer then counts all that LangChain sends, including providers' blocks.
    """
    if isinstance(message.content, str) and PAYLOADS_KEY not in message.additional_kwargs:
        return None  # the message's own fields are sent
    return [payload_of(converted) for converted in to_langchain([message])]


def payload_of(message: BaseMessage) -> dict[str, Any]:
    """Return what is sent for a message of LangChain, as JSON.

    Metadata, usage and artifacts are not sent.
    """
    payload: dict[str, Any] = {"content": message.content, "name": message.name}
    kwargs = {n: v for n, v in message.additional_kwargs.items() if not n.startswith("__")}
    if isinstance(message, ToolMessage):
        payload["tool_call_id"] = message.tool_call_id
    if isinstance(message, AIMessage):
        in_content = _call_ids(message.content)
        calls: list[Any] = [*message.tool_calls, *message.invalid_tool_calls]
        payload["tool_calls"] = [
            {name: call[name] for name in ("name", "args", "id")}
            for call in calls
            if call["id"] not in in_content
        ]
        if calls:  # these kwargs hold the same calls, which are sent once
            kwargs = {name: value for name, value in kwargs.items() if name not in _CALL_KWARGS}
    return {**kwargs, **payload}


def sendable(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Return the messages that a provider accepts as the input for the next answer.

    Calls without a result, results without a call, and empty answers are left out. User messages
    between a call and its result are moved behind the result.
    """
    outlines = [_outline(index, message) for index, message in enumerate(messages)]
    accepted: list[BaseMessage] = []
    for outline in arranged(outlines, newest=False):
        message = messages[int(outline.id or 0)]
        if not _is_empty_answer(message):
            accepted.append(_part(message, outline))
    return accepted


def _outline(index: int, message: BaseMessage) -> ChatMessage:
    """Return a message with the same calls and results, and the index as its id."""
    if isinstance(message, AIMessage):
        requests: list[Any] = [*message.tool_calls, *message.invalid_tool_calls]
        calls = [Call(item["id"] or "", item["name"] or "", "{}").to_openai() for item in requests]
        kwargs: dict[str, Any] = {"tool_calls": calls} if calls else {}
        return ChatMessage(role="assistant", additional_kwargs=kwargs, id=str(index))
    if isinstance(message, ToolMessage):
        names = {"tool_call_id": message.tool_call_id}
        kwargs = names if message.name is None else {**names, "name": message.name}
        return ChatMessage(role="tool", additional_kwargs=kwargs, id=str(index))
    if isinstance(message, HumanMessage):
        content = [_block_outline(number, block) for number, block in enumerate(message.content)]
        is_plain = isinstance(message.content, str) or not content
        return ChatMessage(role="user", content="-" if is_plain else content, id=str(index))
    is_system = message.type == "system"
    role = MessageRole.SYSTEM if is_system else MessageRole.USER
    return ChatMessage(role=role, content="-", id=str(index))


def _block_outline(index: int, block: Any) -> dict[str, Any]:
    """Return a block of the same kind with the index as its text."""
    if isinstance(block, Mapping) and block.get("type") == "tool_result":
        call_id = block.get("tool_use_id")
        name = call_id if isinstance(call_id, str) else ""
        return {"type": "tool_result", "tool_use_id": name, "content": str(index)}
    return {"type": "text", "text": str(index)}


def _part(message: BaseMessage, outline: ChatMessage) -> BaseMessage:
    """Return the message with the blocks that its outline has."""
    if isinstance(outline.content, str) or outline.content is None:
        return message
    fields = [block.model_dump() for block in outline.content]
    indexes = [int(block.get("text") or block.get("content") or 0) for block in fields]
    if len(indexes) == len(message.content):
        return message
    return message.model_copy(update={"content": [message.content[index] for index in indexes]})


def _is_empty_answer(message: BaseMessage) -> bool:
    if not isinstance(message, AIMessage) or message.tool_calls or message.invalid_tool_calls:
        return False
    if any(message.additional_kwargs.get(name) for name in (*_CALL_KWARGS, "audio")):
        return False
    if isinstance(message.content, str):
        return not message.content.strip()
    return all(_is_blank(block) for block in message.content)


def _is_blank(block: Any) -> bool:
    if isinstance(block, str):
        return not block.strip()
    return block.get("type") == "text" and not str(block.get("text") or "").strip()


def _call_ids(content: Iterable[Any]) -> set[Any]:
    blocks = [block for block in content if isinstance(block, Mapping)]
    return {b.get("call_id") or b.get("id") for b in blocks if b.get("type") in _CALL_BLOCKS}
