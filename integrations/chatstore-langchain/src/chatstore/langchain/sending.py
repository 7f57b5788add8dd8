"""What a model is sent of LangChain's messages: how much it is, and what providers accept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from chatstore.core import ChatMessage, MessageRole
from chatstore.core.memory.window import arranged
from chatstore.core.messages import PAYLOADS_KEY
from chatstore.langchain.messages import to_langchain

_CALL_KWARGS = {"tool_calls", "function_call"}
_CALL_BLOCKS = {"tool_use", "function_call", "tool_call"}


def sent_payload(message: ChatMessage) -> Any:
    """Return what `to_langchain` makes a model be sent for a message, as JSON.

    For ``ChatMemoryBuffer(…, payload_fn=sent_payload)``: windows whose messages go through
    `to_langchain` then count what LangChain sends, blocks of providers included.
    """
    if isinstance(message.content, str) and PAYLOADS_KEY not in message.additional_kwargs:
        return None  # the message's own fields are sent
    return [payload_of(made) for made in to_langchain([message])]


def payload_of(message: BaseMessage) -> dict[str, Any]:
    """Return what a model is sent for a message of LangChain, as JSON.

    Metadata, usage and artifacts stay here.
    """
    sent: dict[str, Any] = {"content": message.content, "name": message.name}
    kwargs = {n: v for n, v in message.additional_kwargs.items() if not n.startswith("__")}
    if isinstance(message, ToolMessage):
        sent["tool_call_id"] = message.tool_call_id
    if isinstance(message, AIMessage):
        in_content = _call_ids(message.content)
        calls: list[Any] = [*message.tool_calls, *message.invalid_tool_calls]
        sent["tool_calls"] = [
            {name: call[name] for name in ("name", "args", "id")}
            for call in calls
            if call["id"] not in in_content
        ]
        if calls:  # parsed from these, and sent once
            kwargs = {name: value for name, value in kwargs.items() if name not in _CALL_KWARGS}
    return {**kwargs, **sent}


def sendable(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Return what a provider accepts of messages that a model is about to answer.

    Calls without a result, results without a call, and answers that say nothing are left out.
    What the user said between a call and its result comes behind the result.
    """
    outlines = [_outline(place, message) for place, message in enumerate(messages)]
    found: list[BaseMessage] = []
    for outline in arranged(outlines, newest=False):
        message = messages[int(outline.id or 0)]
        if not _is_empty_answer(message):
            found.append(_part(message, outline))
    return found


def _outline(place: int, message: BaseMessage) -> ChatMessage:
    """Return a message that has a message's calls and results, and its place as its id."""
    if isinstance(message, AIMessage):
        calls: list[Any] = [*message.tool_calls, *message.invalid_tool_calls]
        made = [
            {"id": call["id"] or "", "function": {"name": call["name"] or "", "arguments": "{}"}}
            for call in calls
        ]
        kwargs: dict[str, Any] = {"tool_calls": made} if made else {}
        return ChatMessage(role="assistant", additional_kwargs=kwargs, id=str(place))
    if isinstance(message, ToolMessage):
        names = {"tool_call_id": message.tool_call_id}
        kwargs = names if message.name is None else {**names, "name": message.name}
        return ChatMessage(role="tool", additional_kwargs=kwargs, id=str(place))
    if isinstance(message, HumanMessage):
        content = [_block_outline(at, block) for at, block in enumerate(message.content)]
        is_plain = isinstance(message.content, str) or not content
        return ChatMessage(role="user", content="-" if is_plain else content, id=str(place))
    is_system = message.type == "system"
    role = MessageRole.SYSTEM if is_system else MessageRole.USER
    return ChatMessage(role=role, content="-", id=str(place))


def _block_outline(place: int, block: Any) -> dict[str, Any]:
    if isinstance(block, Mapping) and block.get("type") == "tool_result":
        answered = block.get("tool_use_id")
        name = answered if isinstance(answered, str) else ""
        return {"type": "tool_result", "tool_use_id": name, "content": str(place)}
    return {"type": "text", "text": str(place)}


def _part(message: BaseMessage, outline: ChatMessage) -> BaseMessage:
    """Return a message, or those of its blocks that an outline has."""
    if isinstance(outline.content, str) or outline.content is None:
        return message
    fields = [block.model_dump() for block in outline.content]
    places = [int(block.get("text") or block.get("content") or 0) for block in fields]
    if len(places) == len(message.content):
        return message
    return message.model_copy(update={"content": [message.content[place] for place in places]})


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
