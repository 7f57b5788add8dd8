"""Messages of a session: Strands numbers them, a store gives them ids."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from strands.types.session import SessionMessage

from chatstore.core import ChatMessage
from chatstore.strands.ids import number_of, stored_id
from chatstore.strands.messages import Group, group_messages, make_message, with_metadata

_FIELDS = ("message_id", "redact_message", "created_at", "updated_at")


def to_stored(message: SessionMessage) -> ChatMessage:
    """Return the message to store.

    What others read of a redacted message is the redacted text; Strands gets both.

    Raises:
        InvalidMessageError: JSON cannot hold the message.
        ValueError: The message's id is not an integer of at least 0.

    """
    return make_message(
        message.message,
        stored_id(message.message_id),
        visible=message.redact_message,
        fields={name: getattr(message, name) for name in _FIELDS},
        created_at=_time(message.created_at),
    )


def to_session(messages: Iterable[ChatMessage], first: int = 0) -> list[SessionMessage]:
    """Return the messages of a session, numbered in their order.

    What a session wrote keeps its number. What others wrote gets the next one.

    Args:
        messages: Messages of a conversation, in their order.
        first: The number of the first message, if a session did not write it.

    """
    numbered: list[SessionMessage] = []
    for group in group_messages(messages):
        own = number_of(group.stored[0])
        number = first if own is None else own
        numbered.append(_session_message(group, number))
        first = number + 1
    return numbered


def is_repetition(message: SessionMessage, existing: ChatMessage) -> bool:
    """Return whether a stored message is a message again, perhaps of another time."""
    others = to_session([existing])
    return bool(others) and _content(message) == _content(others[0])


def _content(message: SessionMessage) -> object:
    fields = message.to_dict()
    return [fields["message"], fields["message_id"], fields["redact_message"]]


def _session_message(group: Group, number: int) -> SessionMessage:
    if group.payload is not None and "message_id" in group.payload:
        saved = SessionMessage.from_dict({**group.payload, "message_id": number})
        saved.message = with_metadata(saved.message, group.stored[0])
        return saved
    message = SessionMessage.from_message(group.message, number)
    times = [stored.created_at for stored in group.stored if stored.created_at is not None]
    if times:
        message.created_at, message.updated_at = times[0].isoformat(), times[-1].isoformat()
    return message


def _time(text: str) -> datetime | None:
    """Return a time, ``None`` if it has no time zone: then it is only in the payload."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if time.utcoffset() is None else time
