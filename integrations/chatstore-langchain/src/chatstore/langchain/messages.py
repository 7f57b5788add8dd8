"""Convert LangChain's messages to a store's, one to one, and back."""

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
from chatstore.core.messages import METADATA_KEY
from chatstore.langchain.from_common import langchain_messages
from chatstore.langchain.to_common import common_fields

_FRAMEWORK = "langchain"
_DOCUMENTS = "artifact_is_of_documents"
_REFUSED = (
    "a message would come back changed: its id has more than 255 bytes, or it contains NaN, "
    "tuples, objects or a lone surrogate, which JSON cannot hold"
)


def to_messages(messages: Iterable[BaseMessage]) -> list[ChatMessage]:
    """Return a message for each message of LangChain, with its id if it has one.

    If the common fields do not hold the whole message, LangChain's message becomes the payload.

    Raises:
        InvalidMessageError: JSON cannot hold a message, such as an artifact that is an object
            other than documents; or it is not a message, or a `RemoveMessage`.

    """
    return [_to_message(message) for message in messages]


def to_langchain(messages: Iterable[ChatMessage]) -> list[BaseMessage]:
    """Return messages of LangChain: the payloads, or messages made of the common fields.

    A message of another framework with several tool results becomes a message for each result.
    The store's metadata are in the first one's ``response_metadata["chatstore.metadata"]``, which
    LangChain does not send; `to_messages` reads them there.
    """
    return [converted for message in messages for converted in _with_metadata(message)]


def _to_message(message: BaseMessage) -> ChatMessage:
    if not isinstance(message, BaseMessage) or isinstance(message, RemoveMessage):
        text = f"a message must be one of langchain_core.messages, not {full_name(message)}"
        if isinstance(message, RemoveMessage):
            text += ": remove the message from the store instead"
        raise InvalidMessageError(text)
    message, metadata = _without_metadata(message)
    try:
        fields = common_fields(message)
        common = ChatMessage(**fields, id=message.id or None, metadata=metadata)
        if langchain_messages(common) == [message]:
            return common
        payload = _payload(message)
        if _from_payload(payload) == message:
            return attach_payload(common, _FRAMEWORK, payload)
    except (ValueError, TypeError):
        pass  # raised below: the cause quotes the message
    raise InvalidMessageError(_REFUSED)


def _with_metadata(message: ChatMessage) -> list[BaseMessage]:
    converted = _to_langchain(message)
    if message.metadata and converted:
        first = converted[0]
        fields = {**first.response_metadata, METADATA_KEY: message.metadata}
        converted[0] = first.model_copy(update={"response_metadata": fields})
    return converted


def _without_metadata(message: BaseMessage) -> tuple[BaseMessage, dict[str, Any]]:
    """Return LangChain's message without the store's metadata, and these."""
    metadata = message.response_metadata.get(METADATA_KEY)
    if not isinstance(metadata, dict):
        return message, {}
    rest = {n: value for n, value in message.response_metadata.items() if n != METADATA_KEY}
    return message.model_copy(update={"response_metadata": rest}), metadata


def _to_langchain(message: ChatMessage) -> list[BaseMessage]:
    payload = payload_for(message, _FRAMEWORK)
    if payload is not None:
        try:
            return [_from_payload(payload)]
        except (ValueError, TypeError, KeyError, AttributeError):
            pass  # a later version of LangChain wrote it
    return langchain_messages(message)


def _payload(message: BaseMessage) -> dict[str, Any]:
    payload: dict[str, Any] = message_to_dict(message)
    artifact = getattr(message, "artifact", None)
    items = artifact if isinstance(artifact, list) else [artifact]
    if items and all(isinstance(item, Document) for item in items):
        payload[_DOCUMENTS] = True  # a retriever's tool returns them; LangChain dumps dicts
    return payload


def _from_payload(payload: dict[str, Any]) -> BaseMessage:
    [message] = messages_from_dict([payload])
    if payload.get(_DOCUMENTS) and isinstance(message, ToolMessage):
        fields = message.artifact
        message.artifact = (
            [Document(**item) for item in fields]
            if isinstance(fields, list)
            else Document(**fields)
        )
    return message
