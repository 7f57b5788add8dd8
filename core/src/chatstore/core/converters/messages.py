"""Check the messages that a caller wants to convert."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import BaseModel

from chatstore.core.errors import InvalidMessageError
from chatstore.core.foreign import describe_message
from chatstore.core.messages import ChatMessage


def check_messages(messages: Iterable[ChatMessage], function: str) -> list[ChatMessage]:
    """Return messages as a list.

    Args:
        messages: The caller's argument.
        function: The name of the function that it called, for the error.

    Raises:
        InvalidMessageError: `messages` is not a list of `ChatMessage`.

    """
    # Pydantic's models can be iterated, but over their fields.
    is_single = isinstance(messages, (BaseModel, str, bytes, Mapping))
    if is_single or not isinstance(messages, Iterable):
        what = "one message" if isinstance(messages, ChatMessage) else describe_message(messages)
        raise InvalidMessageError(
            f"{function} takes a list of chatstore.core.ChatMessage, not {what}"
        )
    listed = list(messages)
    for message in listed:
        if not isinstance(message, ChatMessage):
            raise InvalidMessageError(
                f"{function} takes a list of chatstore.core.ChatMessage, "
                f"not {describe_message(message)}"
            )
    return listed
