"""Read the messages of a session from a number on, without those before."""

from __future__ import annotations

from itertools import islice

from strands.types.session import SessionMessage

from chatstore.core import ChatMessage, ChatStore, MessageNotFoundError
from chatstore.strands.ids import stored_id
from chatstore.strands.numbered import to_session

_PAGE = 1000  # messages


def read_numbered(
    store: ChatStore, key: str, offset: int, limit: int | None
) -> list[SessionMessage]:
    """Return the messages of a session.

    Args:
        store: The store.
        key: The conversation.
        offset: The number of the first message. If another framework wrote the one before it,
            the whole conversation is read.
        limit: The most messages; ``None``: all.

    """
    if offset == 0 and limit is None:
        return to_session(store.get_messages(key))
    try:
        return _read(store, key, offset, limit)
    except MessageNotFoundError:
        end = None if limit is None else offset + limit
        return to_session(store.get_messages(key))[offset:end]


def _read(store: ChatStore, key: str, offset: int, limit: int | None) -> list[SessionMessage]:
    # One message more shows that the last one is complete: others' messages may belong together.
    size = _PAGE if limit is None else min(_PAGE, limit + 1)
    after = stored_id(offset - 1) if offset else None
    stored: list[ChatMessage] = []
    while True:
        if after is None:
            page = list(islice(store.iter_messages(key, page_size=size), size))
            has_more = len(page) == size
        else:
            newer = store.page_messages(key, limit=size, after=after)
            page, has_more = newer.messages, newer.has_more
        stored += page
        numbered = to_session(stored, offset)
        if not has_more or (limit is not None and len(numbered) > limit):
            return numbered[:limit]
        after = page[-1].id
