"""Owners and titles: what a conversation's record gets when its first messages are saved."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NamedTuple

from chatstore.core import ConversationExistsError
from chatstore.core.backend import Backend, Plan
from chatstore.core.checks import check_owner, check_title
from chatstore.core.operations import create_conversation, get_conversation


class Record(NamedTuple):
    """What a new conversation's record gets; an existing one stays as it is."""

    owner: str | None = None
    title: str | None = None


def check_record(owner: str | None, title: str | None) -> Record:
    """Return a record.

    Raises:
        InvalidArgumentError: `owner` is not a string of 1 to 255 bytes in UTF-8, or `title` is not
            a string of at most 1,000 characters.

    """
    return Record(None if owner is None else check_owner(owner), check_title(title))


def create_if_new(backend: Backend[Any], key: str, record: Record) -> Plan[Any, None]:
    """Create a conversation unless it exists; another process may do so at the same time."""
    creation = create_conversation(backend, key, record.owner, record.title)
    return _create_if_new(backend, key, creation)


def _create_if_new(backend: Backend[Any], key: str, creation: Plan[Any, Any]) -> Plan[Any, None]:
    if (yield from get_conversation(backend, key)) is None:
        with suppress(ConversationExistsError):  # another process has created it meanwhile
            yield from creation
