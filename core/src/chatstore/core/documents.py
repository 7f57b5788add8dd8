"""Documents: JSON values that are kept beside conversations, such as the state of an agent.

A document is the only message of a conversation. So it holds every promise of a conversation:
`ChatStore.put_message` with ``expected_revision`` replaces it only if nobody else did, and
`ChatStore.snapshot` reads it with its revision.
"""

from __future__ import annotations

from pydantic import JsonValue

from chatstore.core.errors import CorruptStoreError
from chatstore.core.messages import ChatMessage, MessageRole

DOCUMENT_ID = "document"
"""The id of a document's message."""

_VALUE = "chatstore.document"


def to_document(value: JsonValue) -> ChatMessage:
    """Return the message that keeps a JSON value.

    Raises:
        pydantic.ValidationError: The value is not JSON.

    """
    return ChatMessage(role=MessageRole.SYSTEM, additional_kwargs={_VALUE: value}, id=DOCUMENT_ID)


def from_document(message: ChatMessage) -> JsonValue:
    """Return the JSON value that a message keeps.

    Raises:
        CorruptStoreError: The message keeps none.

    """
    if _VALUE not in message.additional_kwargs:
        raise CorruptStoreError("a message was found where a document was expected")
    return message.additional_kwargs[_VALUE]
