"""Frees the storage of expired conversations, and of what killed writers left."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from chatstore.conditional.commit import commit_of, head_write
from chatstore.conditional.context import Context
from chatstore.conditional.decisions import Edited
from chatstore.conditional.garbage import clean_up
from chatstore.conditional.head import StoredHead
from chatstore.conditional.head_json import load_head
from chatstore.conditional.reading import read_head
from chatstore.core import CorruptStoreError
from chatstore.core.backend import ConversationRecord, Plan

C = TypeVar("C")
_PAGE = 1000


def purge(context: Context[C]) -> Plan[C, list[ConversationRecord]]:
    """Purge all conversations; return the records of those that expired.

    Raises:
        CorruptStoreError: The head of a conversation is damaged; the others were purged.

    """
    cursor: Any | None = None
    damaged: CorruptStoreError | None = None
    expired: list[ConversationRecord] = []
    while True:
        heads, cursor = yield from context.database.list_heads("", _PAGE, cursor)
        for key, text in heads:
            try:
                head = load_head(text)
                if head.has_leftovers or head.is_expired(context.clock()):
                    record = yield from _purge_conversation(context, key)
                    expired += [] if record is None else [record]
            except CorruptStoreError as error:
                damaged = error
        if cursor is None:
            break
    if damaged is not None:
        raise damaged
    return expired


def _purge_conversation(context: Context[C], key: str) -> Plan[C, ConversationRecord | None]:
    """Purge a conversation; return its record if it expired."""
    database = context.database
    stored = yield from read_head(database, key)
    if stored is None:
        return None
    head, version = stored
    if head.lifetime is not None and head.is_expired(context.clock()):
        yield from database.delete_head(key, version)
        return None
    current = context.current(head)
    is_expired = head.exists and not current.exists
    if current != head:
        if is_expired:
            current = context.lasting(current)
        commit = commit_of(head, Edited(current))
        write = head_write(version, current, commit.puts, commit.deletes)
        committed = yield from database.commit(key, write)
        if committed is None:
            return None  # another writer was faster, and does the same
        version = committed
    yield from clean_up(context, key, StoredHead(current, version), extra=math.inf)
    return head.record if is_expired else None
