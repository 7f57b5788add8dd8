"""Reading the history that ends with an entry, through the logs that it is in."""

from __future__ import annotations

from chatstore.core import ChatStore, MessageNotFoundError
from chatstore.pydantic_ai.conversations.entries import Link, linked
from chatstore.pydantic_ai.conversations.locations import EntryLocations

_PAGE = 1000
_MARGIN = 2  # the message before the oldest one says what its parent is; a summary may be between


async def read_chain(
    store: ChatStore, locations: EntryLocations, head_id: str | None, limit: int | None
) -> list[tuple[str, Link]]:
    """Return the newest entries of a history with their ids, oldest first.

    Args:
        store: The store.
        locations: Where entries are.
        head_id: The last entry of the history.
        limit: The most entries to return; ``None``: all.

    Raises:
        KeyError: An entry does not exist.

    """
    if head_id is None or limit == 0:
        return []
    links: dict[str, Link] = {}
    key = locations.recent(head_id)
    if key is not None:  # most heads are at the end of a log: one request reads it
        size = None if limit is None else limit + _MARGIN
        messages = await store.async_get_messages(key, last=size)
        links = linked(key, messages, from_start=size is None or len(messages) < size)
    chain: list[tuple[str, Link]] = []
    entry_id: str | None = head_id
    while entry_id is not None and (limit is None or len(chain) < limit):
        if entry_id not in links:
            size = _PAGE if limit is None else limit - len(chain) + _MARGIN
            links.update(await _page_to(store, locations, entry_id, size))
        link = links[entry_id]
        chain.append((entry_id, link))
        entry_id = link.parent
    return chain[::-1]


async def read_link(store: ChatStore, locations: EntryLocations, entry_id: str) -> Link:
    """Return an entry by its id alone.

    Raises:
        KeyError: There is no such entry.

    """
    key, message = await locations.find(entry_id)
    links = linked(key, [message], from_start=False)
    if not links:  # only the message before it says what its parent is
        links = await _page_to(store, locations, entry_id, _MARGIN)
    return links[entry_id]


async def _page_to(
    store: ChatStore, locations: EntryLocations, entry_id: str, size: int
) -> dict[str, Link]:
    """Read a page of a log that ends with an entry."""
    key, message = await locations.find(entry_id)
    try:
        page = await store.async_page_messages(key, before=message.id, limit=size)
    except MessageNotFoundError:
        raise KeyError(entry_id) from None
    links = linked(key, [*page.messages, message], from_start=not page.has_more)
    oldest = next(iter(links.values()))
    if page.has_more and oldest.parent is not None:
        locations.remember(oldest.parent, key)
    return links
