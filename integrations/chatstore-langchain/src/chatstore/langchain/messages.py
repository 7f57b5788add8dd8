"""LangChain's messages as messages of a store, one for one, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from langchain_core.documents import Document
from langchain_core.messages import (
    BaseMessage,
    RemoveMessage,
    ToolMessage,
    message_to_dict,
    messages_from_dict,
)

from chatstore.core import ChatMessage, InvalidMessageError
from chatstore.core.foreign import full_name
from chatstore.core.framework_payload import attach_payload, payload_for
from chatstore.langchain.reading import langchain_messages
from chatstore.langchain.writing import common_fields

_FRAMEWORK = "langchain"
_DOCUMENTS = "artifact_is_of_documents"
_REFUSED = (
    "a message would not come back as it is: its id has more than 255 bytes, or it holds NaN, "
    "tuples, objects or a lone surrogate, which JSON cannot hold"
)


def to_messages(messages: Iterable[BaseMessage]) -> list[ChatMessage]:
    """Return a message for each message of LangChain, with its id where it has one.

    Where the fields that all frameworks share do not tell everything, the message itself is kept
    beside them.

    Raises:
        InvalidMessageError: JSON cannot hold a message, such as an artifact that is an object
            other than documents; or it is no message, or a `RemoveMessage`.

    """
    return [_to_message(message) for message in messages]


def to_langchain(messages: Iterable[ChatMessage]) -> list[BaseMessage]:
    """Return messages of LangChain: as they were written, or made of the common fields.

    A message of another framework that holds several results of tools is a message for each.
    """
    return [made for message in messages for made in _to_langchain(message)]


def _to_message(message: BaseMessage) -> ChatMessage:
    if not isinstance(message, BaseMessage) or isinstance(message, RemoveMessage):
        text = f"a message must be one of langchain_core.messages, not {full_name(message)}"
        if isinstance(message, RemoveMessage):
            text += ": remove the message from the store instead"
        raise InvalidMessageError(text)
    try:
        common = ChatMessage(**common_fields(message), id=message.id or None)
        if langchain_messages(common) == [message]:
            return common
        payload = _payload(message)
        if _restored(payload) != message:
            raise InvalidMessageError(_REFUSED)
        return attach_payload(common, _FRAMEWORK, payload)
    except (ValueError, TypeError) as error:
        raise InvalidMessageError(_REFUSED) from error


def _to_langchain(message: ChatMessage) -> list[BaseMessage]:
    payload = payload_for(message, _FRAMEWORK)
    if payload is not None:
        try:
            return [_restored(payload)]
        except (ValueError, TypeError, KeyError, AttributeError):
            pass  # a later version of LangChain wrote it
    return langchain_messages(message)


def _payload(message: BaseMessage) -> dict[str, Any]:
    payload: dict[str, Any] = message_to_dict(message)
    artifact = getattr(message, "artifact", None)
    some = artifact if isinstance(artifact, list) else [artifact]
    if some and all(isinstance(one, Document) for one in some):
        payload[_DOCUMENTS] = True  # of a retriever's tool; they are dumped as dicts
    return payload


def _restored(payload: dict[str, Any]) -> BaseMessage:
    [message] = messages_from_dict([payload])
    if payload.get(_DOCUMENTS) and isinstance(message, ToolMessage):
        found = message.artifact
        message.artifact = (
            [Document(**one) for one in found] if isinstance(found, list) else Document(**found)
        )
    return message
