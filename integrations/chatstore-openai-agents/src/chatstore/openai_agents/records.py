"""Owners and titles of new conversations, and where forks end."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from chatstore.core import ChatStore, ConversationExistsError, InvalidArgumentError
from chatstore.core.checks import check_count, check_owner, check_title
from chatstore.core.memory.summaries import is_summary
from chatstore.openai_agents.items import to_items


class Record(NamedTuple):
    """What a new conversation's record gets; an existing one stays as it is."""

    owner: str | None = None
    title: str | None = None


def check_record(owner: str | None, title: str | None) -> Record:
    """Return a record.

    Raises:
        InvalidArgumentError: ``owner`` is not a string of 1 to 255 bytes in UTF-8, or ``title`` is
            not a string of at most 1,000 characters.

    """
    return Record(None if owner is None else check_owner(owner), check_title(title))


async def create_if_new(store: ChatStore, key: str, record: Record) -> None:
    """Create a conversation that has an owner or a title, unless it exists."""
    if not any(record):
        return
    # Look at each write: others may delete the conversation, or it may expire.
    if await store.async_get_conversation(key) is None:
        with suppress(ConversationExistsError):  # another process has created it meanwhile
            await store.async_create_conversation(key, owner=record.owner, title=record.title)


async def last_id(store: ChatStore, key: str, items: object) -> str:
    """Return the id of the message that contains the last of a conversation's first items.

    Raises:
        InvalidArgumentError: ``items`` is not between 1 and the number of items.

    """
    requested = check_count(items, "items", least=1)
    count = 0
    async for message in store.async_iter_messages(key):
        if not is_summary(message):
            count += len(to_items([message]))
        if count >= requested:
            return str(message.id)  # the store gives each message an id
    raise InvalidArgumentError(
        f"items must be at most {count}, the number of items of the session, not {requested}"
    )
