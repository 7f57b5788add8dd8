"""Pages of messages in both directions, from the newest, the oldest or any message."""

from __future__ import annotations

from typing import NamedTuple

from chatstore.core import ChatMessage, ChatStore, MessageNotFoundError


class Page(NamedTuple):
    """Messages, oldest first, and whether there are more in each direction."""

    messages: list[ChatMessage]
    has_older: bool
    has_newer: bool


async def read_page(
    store: ChatStore,
    key: str,
    limit: int,
    *,
    before: str | None = None,
    after: str | None = None,
    around: str | None = None,
    is_oldest: bool = False,
) -> Page:
    """Read a page: before or after a message, around it, the oldest one, or the newest.

    Raises:
        MessageNotFoundError: The conversation does not have the message.

    """
    if after is not None:
        page = await store.async_page_messages(key, limit=limit, after=after)
        return Page(page.messages, has_older=True, has_newer=page.has_more)
    if around is not None:
        return await _read_around(store, key, limit, around)
    if is_oldest:
        return await _read_oldest(store, key, limit)
    page = await store.async_page_messages(key, limit=limit, before=before)
    return Page(page.messages, has_older=page.has_more, has_newer=before is not None)


async def _read_around(store: ChatStore, key: str, limit: int, message_id: str) -> Page:
    message = await store.async_get_message(key, message_id)
    if message is None:
        raise MessageNotFoundError("the message does not exist any more; refresh the page")
    older = await store.async_page_messages(key, limit=limit, before=message_id)
    newer = await store.async_page_messages(key, limit=limit, after=message_id)
    return Page(
        [*older.messages, message, *newer.messages],
        has_older=older.has_more,
        has_newer=newer.has_more,
    )


async def _read_oldest(store: ChatStore, key: str, limit: int) -> Page:
    messages: list[ChatMessage] = []
    async for message in store.async_iter_messages(key, page_size=limit + 1):
        messages.append(message)
        if len(messages) > limit:
            break
    return Page(messages[:limit], has_older=False, has_newer=len(messages) > limit)
