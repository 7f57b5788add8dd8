"""Where forks end."""

from __future__ import annotations

from chatstore.core import ChatStore, InvalidArgumentError
from chatstore.core.checks import check_count
from chatstore.core.memory.summaries import is_summary
from chatstore.openai_agents.items import to_items


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
