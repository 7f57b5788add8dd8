"""What clients may not write: what the server, the memory and adapters rely on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from chatstore.core import ChatMessage, MessageRole
from chatstore.core.memory.summaries import SUMMARY_OF
from chatstore.core.messages import METADATA_KEY, PAYLOADS_KEY
from chatstore.core.operations.conversations import FORKED_FROM
from chatstore.http.answer_status import INCOMPLETE_REASON, STATUS
from chatstore.http.problems import ProblemError

FEEDBACK = "feedback"

# A summary hides messages from windows; a payload is sent to a model instead of the message.
_MESSAGE_METADATA = frozenset({SUMMARY_OF, STATUS, INCOMPLETE_REASON, FEEDBACK})
_KWARGS = frozenset({PAYLOADS_KEY, METADATA_KEY})
_CONVERSATION_METADATA = frozenset({FORKED_FROM})


def check_conversation_metadata(metadata: Mapping[str, Any]) -> None:
    """Refuse names that the server writes."""
    _refuse(metadata, _CONVERSATION_METADATA, "metadata")


def check_message_fields(metadata: Mapping[str, Any], kwargs: Mapping[str, Any]) -> None:
    """Refuse names that the server, the memory and adapters write."""
    _refuse(metadata, _MESSAGE_METADATA, "metadata")
    _refuse(kwargs, _KWARGS, "additional_kwargs")


def check_messages(messages: Iterable[ChatMessage], writable_roles: Collection[str]) -> None:
    """Refuse messages that clients may not write."""
    for message in messages:
        check_role(message.role, writable_roles)
        check_message_fields(message.metadata, message.additional_kwargs)


def check_role(role: MessageRole, writable_roles: Collection[str]) -> None:
    """Refuse to write the text of a message whose role is reserved to the application."""
    if role.value not in writable_roles:
        raise ProblemError(
            HTTPStatus.FORBIDDEN,
            "role_not_writable",
            f"Clients may write messages of these roles: {', '.join(sorted(writable_roles))}.",
        )


def _refuse(values: Mapping[str, Any], reserved: Collection[str], field: str) -> None:
    names = sorted(reserved & values.keys())
    if names:
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "reserved_name",
            "The server writes these names itself; leave them out.",
            [f"{field}.{name}: this name is reserved" for name in names],
        )
