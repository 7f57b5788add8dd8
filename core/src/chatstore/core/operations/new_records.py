"""Owners and titles of conversations that a framework's adapter begins with a write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from chatstore.core.backend.base import Backend
from chatstore.core.backend.plans import Plan
from chatstore.core.checks import check_owner, check_title
from chatstore.core.errors import ConversationExistsError
from chatstore.core.messages import ChatMessage
from chatstore.core.operations.conversations import create_conversation, get_conversation


class NewRecord(NamedTuple):
    """What a new conversation's record gets; an existing one stays as it is."""

    owner: str | None
    title: str | None


def check_new_record(owner: str | None, title: str | None) -> NewRecord | None:
    """Return a record; ``None`` if neither an owner nor a title is given.

    Raises:
        InvalidArgumentError: ``owner`` is not a string of 1 to 255 bytes in UTF-8, or ``title`` is
            not a string of at most 1,000 characters.

    """
    record = NewRecord(None if owner is None else check_owner(owner), check_title(title))
    return None if record == (None, None) else record


def write_with_record(
    backend: Backend[Any],
    key: str,
    record: NewRecord | None,
    write: Callable[[Backend[Any], str, Sequence[ChatMessage]], Plan[Any, Any]],
    messages: Sequence[ChatMessage],
) -> Plan[Any, Any]:
    """Write messages; if the conversation does not exist, create it with a record first.

    A record costs one more request in each write: the conversation may have been deleted, or it
    may have expired, since the last one.

    Args:
        backend: The backend.
        key: The conversation.
        record: What `check_new_record` returned; ``None``: only write.
        write: What to do with the messages, such as `add_messages` or `set_messages`.
        messages: The messages; without any, no conversation begins.

    """
    plan = write(backend, key, messages)  # refuses wrong messages before anything is created
    return _create_first(backend, key, record, plan) if record and messages else plan


def _create_first(
    backend: Backend[Any], key: str, record: NewRecord, write: Plan[Any, Any]
) -> Plan[Any, Any]:
    if (yield from get_conversation(backend, key)) is None:
        with suppress(ConversationExistsError):  # another process has just created it
            yield from create_conversation(backend, key, record.owner, record.title)
    return (yield from write)
