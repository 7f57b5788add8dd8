"""``OwnerLists``: the owners' lists of a store, in a database that may lose parts of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from chatstore.core import ChatStoreError, CorruptStoreError
from chatstore.core.backend import (
    Backend,
    ConversationRecord,
    Create,
    OwnedPage,
    OwnerIndex,
    Plan,
    StoredConversation,
    Update,
)
from chatstore.core.logs import logger
from chatstore.redis_scripts.client import ScriptClient, foreign_cursor

T = TypeVar("T")
Stored = Plan[ScriptClient, StoredConversation | None]


class OwnerLists:
    """Runs operations of an `OwnerIndex`; a list that lost parts is rebuilt first."""

    def __init__(self, lists: Backend[ScriptClient], conversations: Backend[ScriptClient]) -> None:
        """Take the backends of the lists, and of the conversations."""
        self._index = OwnerIndex(lists)
        self._conversations = conversations

    def create(self, key: str, write: Create, create: Callable[[Create], Stored]) -> Stored:
        """See `OwnerIndex.create`."""
        return self._repairing([write.record.owner], lambda: self._index.create(key, write, create))

    def update(self, key: str, write: Update, update: Callable[[Update], Stored]) -> Stored:
        """See `OwnerIndex.update`."""
        owners = [write.before.owner, write.after.owner]
        return self._repairing(owners, lambda: self._index.update(key, write, update))

    def forget(self, record: ConversationRecord) -> Plan[ScriptClient, None]:
        """See `OwnerIndex.forget`."""
        return self._repairing([record.owner], lambda: self._index.forget(record))

    def refresh(self, key: str, record: ConversationRecord) -> Plan[ScriptClient, None]:
        """See `OwnerIndex.refresh`; it is called after a write, which has taken effect."""
        try:
            yield from self._index.refresh(key, record)
        except ChatStoreError as error:  # a later write refreshes the entry
            logger.warning("an owner's list was not updated: %s", error)

    def list_owned(
        self, owner: str, limit: int, cursor: Any | None
    ) -> Plan[ScriptClient, OwnedPage]:
        """See `OwnerIndex.list_owned`."""
        if cursor is not None and not isinstance(cursor, int):
            raise foreign_cursor()
        return self._repairing(
            [owner],
            lambda: self._index.list_owned(owner, limit, cursor, self._conversations),
        )

    def _repairing(
        self, owners: Sequence[str | None], operation: Callable[[], Plan[ScriptClient, T]]
    ) -> Plan[ScriptClient, T]:
        """Run an operation; if owners' lists lost parts, rebuild them and run it again."""
        try:
            return (yield from operation())
        except CorruptStoreError:
            repaired = False
            for owner in owners:
                if owner is not None:
                    repaired |= yield from self._index.repair(owner, self._conversations)
            if not repaired:
                raise
        return (yield from operation())
