"""Convert events to a store's messages, one to one, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from google.adk.events.event import Event
from pydantic import ValidationError

from chatstore.core import ChatMessage, InvalidMessageError, MessageRole
from chatstore.core.foreign import full_name
from chatstore.core.framework_payload import attach_payload, payload_for
from chatstore.core.pairing import CallIds, unique_call_ids
from chatstore.core.tool_calls import result_references
from chatstore.google_adk.from_common import content_of
from chatstore.google_adk.to_common import common_fields

_FRAMEWORK = "google_adk"
_USER = "user"
_REFUSED = (
    "JSON cannot hold an event: it contains objects or a lone surrogate, its id does not have 1 to "
    "255 bytes, or its timestamp is not a time"
)


def to_messages(events: Iterable[Event]) -> list[ChatMessage]:
    """Return a message for each event, with the event as its payload and its id.

    Raises:
        InvalidMessageError: JSON cannot hold an event, or it is not an event of ADK.

    """
    return [_to_message(event) for event in events]


def to_events(messages: Iterable[ChatMessage], *, agent_name: str | None = None) -> list[Event]:
    """Return events: the payloads, or events made of the common fields.

    A message of another framework that contains nothing to send to a model is left out; so are
    system prompts. Calls without an id, and results of such calls, get one.

    Args:
        messages: The messages, oldest first.
        agent_name: The author of other frameworks' answers. ADK quotes the answers of an agent
            with another name than the running agent's as a transcript. By default the author is
            the user: then the model receives these answers as its own.

    """
    listed = list(messages)
    saved = {
        index: event
        for index, message in enumerate(listed)
        if (event := _saved_event(message)) is not None
    }
    ids = unique_call_ids(listed, unchanged=saved)
    events: list[Event] = []
    turn = ""
    for index, message in enumerate(listed):
        if begins_turn(message):
            turn = message.id or ""
        event = saved.get(index) or _new_event(message, index, ids, turn, agent_name or _USER)
        if event is not None:
            events.append(event)
    return events


def begins_turn(message: ChatMessage) -> bool:
    """Return whether a message is a user's, not a tool's result."""
    return message.role is MessageRole.USER and not result_references(message)


def state_delta_of(message: ChatMessage) -> Mapping[str, Any]:
    """Return the changes that an event makes to the state."""
    payload = payload_for(message, _FRAMEWORK)
    actions = payload.get("actions") if isinstance(payload, dict) else None
    delta = actions.get("state_delta") if isinstance(actions, dict) else None
    return delta if isinstance(delta, dict) else {}


def timestamp_of(message: ChatMessage) -> float:
    """Return the time of an event, in seconds since 1970."""
    payload = payload_for(message, _FRAMEWORK)
    timestamp = payload.get("timestamp") if isinstance(payload, dict) else None
    if isinstance(timestamp, (int, float)):
        return float(timestamp)
    return message.created_at.timestamp() if message.created_at else 0.0


def complete_turns(messages: Sequence[ChatMessage]) -> Sequence[ChatMessage]:
    """Leave out the part of a turn at the beginning; if there is nothing else, its results."""
    for index, message in enumerate(messages):
        if begins_turn(message):
            return messages[index:]
    results = 0
    while results < len(messages) and result_references(messages[results]):
        results += 1
    return messages[results:]


def _new_event(
    message: ChatMessage, index: int, ids: CallIds, turn: str, agent_name: str
) -> Event | None:
    content = content_of(message, index, ids)
    if content is None:
        return None
    is_users = begins_turn(message)
    return Event(
        id=message.id or "",
        invocation_id=turn,
        author=_USER if is_users else agent_name,
        content=content,
        timestamp=timestamp_of(message),
    )


def _saved_event(message: ChatMessage) -> Event | None:
    """Return the payload, unless this version of ADK cannot read it."""
    payload = payload_for(message, _FRAMEWORK)
    if payload is None:
        return None
    try:
        return Event.model_validate(payload)
    except ValidationError:
        return None


def _to_message(event: Event) -> ChatMessage:
    if not isinstance(event, Event):
        raise InvalidMessageError(
            f"a message must be made of a google.adk.events.Event, not {full_name(event)}"
        )
    try:
        payload = event.model_dump(mode="json", exclude_defaults=True)
        role, content, kwargs = common_fields(event)
        common = ChatMessage(
            role=role,
            content=content,
            additional_kwargs=kwargs,
            id=event.id,
            created_at=datetime.fromtimestamp(event.timestamp, timezone.utc),
        )
        return attach_payload(common, _FRAMEWORK, payload)
    except (ValueError, TypeError, OverflowError, OSError):
        pass
    raise InvalidMessageError(_REFUSED)  # outside: the causes quote the content
