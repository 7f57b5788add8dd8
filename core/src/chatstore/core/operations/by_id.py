"""Messages by id: get, put, remove and page them, and truncate a conversation."""

from __future__ import annotations

from typing import Any

from chatstore.core import codec
from chatstore.core.backend.base import Backend
from chatstore.core.backend.plans import Plan
from chatstore.core.backend.reads import Newest, Oldest
from chatstore.core.backend.records import Page
from chatstore.core.backend.writes import Put, Truncate
from chatstore.core.checks import (
    check_count,
    check_key,
    check_message_id,
    check_revision_argument,
)
from chatstore.core.conversations import MessagePage
from chatstore.core.errors import (
    ConversationChangedError,
    InvalidArgumentError,
    InvalidMessageError,
    MessageNotFoundError,
)
from chatstore.core.messages import ChatMessage
from chatstore.core.operations.encoding import encode
from chatstore.core.operations.messages import remove
from chatstore.core.paging import MAX_PAGE_SIZE

_PAGE_ATTEMPTS = 10  # a page is read again if messages before it moved meanwhile


def get_message(backend: Backend[Any], key: str, message_id: str) -> Plan[Any, ChatMessage | None]:
    """Read a message."""
    return _get(backend, check_key(key), check_message_id(message_id))


def put_message(
    backend: Backend[Any], key: str, message: ChatMessage, expected_revision: str | None = None
) -> Plan[Any, None]:
    """Replace the message with the same id, or append the new one."""
    check_key(key)
    revision = check_revision_argument(expected_revision)
    [record] = encode(backend, [message])
    if not record.has_caller_id:
        raise InvalidMessageError("put_message needs a message with an id")
    return backend.put(key, Put(record, expected_revision=revision))


def remove_message(
    backend: Backend[Any],
    key: str,
    message_id: str,
    *,
    force: bool = False,
    expected_revision: str | None = None,
) -> Plan[Any, ChatMessage | None]:
    """Remove a message and return it."""
    revision = check_revision_argument(expected_revision)
    return remove(backend, check_key(key), check_message_id(message_id), revision, force=force)


def truncate(
    backend: Backend[Any], key: str, from_id: str, expected_revision: str | None = None
) -> Plan[Any, int]:
    """Remove a message and all later ones; return their number."""
    revision = check_revision_argument(expected_revision)
    return _truncate(backend, check_key(key), Truncate(check_message_id(from_id), revision))


def page_messages(
    backend: Backend[Any], key: str, limit: int, before: str | None, after: str | None
) -> Plan[Any, MessagePage]:
    """Read a page of messages, before or after one of them, or the newest."""
    check_key(key)
    size = min(MAX_PAGE_SIZE, check_count(limit, "limit", least=1))
    if before is not None and after is not None:
        raise InvalidArgumentError("page_messages takes before or after, not both")
    if after is not None:
        return _page_after(backend, key, size, check_message_id(after))
    return _page_before(backend, key, size, None if before is None else check_message_id(before))


def _get(backend: Backend[Any], key: str, message_id: str) -> Plan[Any, ChatMessage | None]:
    page = yield from backend.find(key, message_id)
    messages = codec.decode_all(key, page.records)
    return messages[0] if messages else None


def _truncate(backend: Backend[Any], key: str, write: Truncate) -> Plan[Any, int]:
    count = yield from backend.truncate(key, write)
    if not count:
        raise _not_found(write.from_id)
    return count


def _page_before(
    backend: Backend[Any], key: str, size: int, before: str | None
) -> Plan[Any, MessagePage]:
    for _ in range(_PAGE_ATTEMPTS):
        bound = None if before is None else (yield from _find(backend, key, before))
        position = None if bound is None else bound.records[0].position
        page = yield from backend.read_newest(key, Newest(size + 1, position))
        if bound is None or bound.epoch == page.epoch:
            messages = codec.decode_all(key, page.records[-size:])
            return MessagePage(messages, has_more=len(page.records) > size)
    raise _changing()


def _page_after(backend: Backend[Any], key: str, size: int, after: str) -> Plan[Any, MessagePage]:
    for _ in range(_PAGE_ATTEMPTS):
        bound = yield from _find(backend, key, after)
        page = yield from backend.read_oldest(key, Oldest(size + 1, bound.records[0].position))
        if bound.epoch == page.epoch:
            messages = codec.decode_all(key, page.records[:size])
            return MessagePage(messages, has_more=len(page.records) > size)
    raise _changing()


def _find(backend: Backend[Any], key: str, message_id: str) -> Plan[Any, Page]:
    page = yield from backend.find(key, message_id)
    if not page.records:
        raise _not_found(message_id)
    return page


def _not_found(message_id: str) -> MessageNotFoundError:
    return MessageNotFoundError(f"the conversation has no message with the id {message_id!r}")


def _changing() -> ConversationChangedError:
    return ConversationChangedError(
        "the conversation was replaced, or had messages inserted, again and again while a page of "
        "it was read; try again"
    )
