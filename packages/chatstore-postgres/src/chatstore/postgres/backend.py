"""``PostgresBackend``: the operations of a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from chatstore.core import ChatStoreError, CorruptStoreError
from chatstore.core.backend import (
    Append,
    Backend,
    Create,
    Delete,
    Existing,
    Insert,
    KeyPage,
    Newest,
    Oldest,
    OwnedPage,
    Page,
    Plan,
    Put,
    Remove,
    Replace,
    StoredConversation,
    StoredRecord,
    Truncate,
    Update,
    async_run,
    run,
)
from chatstore.postgres.appending import Appends
from chatstore.postgres.changing import Changes
from chatstore.postgres.client import Client, Clients, PooledClients
from chatstore.postgres.conversations import Conversations
from chatstore.postgres.errors import ErrorReader
from chatstore.postgres.retry import Sender
from chatstore.postgres.sql import statements
from chatstore.postgres.sql.rendering import TableNames
from chatstore.postgres.url import Address
from chatstore.postgres.values import page_of

T = TypeVar("T")

_LAST_POSITION = 2**63 - 1
_PURGED_MESSAGES = 5000  # the most messages that one statement of `purge_expired` deletes


@dataclass(frozen=True, slots=True)
class Settings:
    """A store's options, checked; see `PostgresChatStore`."""

    table_name: str
    schema_name: str | None
    ttl: float | None
    create: bool
    max_connections: int
    timeout: float
    patience: float


class PostgresBackend(Backend[Client]):
    """Keeps conversations in Postgres.

    An operation is one statement; only what is too large for one is a transaction of several.
    """

    system = "postgresql"
    max_combined_records = 100
    max_message_bytes = 128 * 1024 * 1024

    def __init__(
        self,
        settings: Settings,
        address: Address | None = None,
        *,
        client: object = None,
        async_client: object = None,
    ) -> None:
        """Prepare clients; nothing is sent.

        Args:
            settings: The store's options.
            address: The database; ``None`` if there are engines.
            client: The caller's engine for sync methods.
            async_client: The caller's engine for async methods.

        Raises:
            InvalidArgumentError: A name or an engine is not valid.

        """
        names = TableNames(settings.table_name, settings.schema_name)
        self._clients: Clients
        if address is not None:
            self._clients = PooledClients(address, settings.timeout, settings.max_connections)
            errors = ErrorReader(f"Postgres at {address.label}", address.secrets, settings.timeout)
        else:
            from chatstore.postgres.drivers.engines import EngineClients  # it loads SQLAlchemy

            self._clients = engines = EngineClients(client, async_client)
            errors = ErrorReader(f"Postgres at {engines.address}", engines.secrets, None)
        sender = Sender(names, errors, patience=settings.patience, create=settings.create)
        self._sender = sender
        self._appends = Appends(sender, settings.ttl)
        self._changes = Changes(sender, settings.ttl)
        self._conversations = Conversations(sender, settings.ttl)

    @property
    def server(self) -> str:
        """See `Backend.server`."""
        return self._sender.errors.server

    # ------------------------------------------------------------------ running plans

    def run(self, plan: Plan[Client, T]) -> T:
        """See `Backend.run`."""
        return run(plan, self._clients.sync_client)

    async def async_run(self, plan: Plan[Client, T]) -> T:
        """See `Backend.async_run`."""
        return await async_run(plan, self._clients.async_client)

    def translate(self, error: Exception) -> ChatStoreError | None:
        """See `Backend.translate`."""
        return self._sender.errors.translate(error)

    def close(self) -> None:
        """See `Backend.close`."""
        self._clients.close()

    async def async_close(self) -> None:
        """See `Backend.async_close`."""
        await self._clients.async_close()

    # ------------------------------------------------------------------ writing messages

    def append(self, key: str, write: Append) -> Plan[Client, list[Existing]]:
        """See `Backend.append`."""
        return self._appends.append(key, write)

    def insert(self, key: str, write: Insert) -> Plan[Client, list[Existing]]:
        """See `Backend.insert`."""
        return self._appends.insert(key, write)

    def put(self, key: str, write: Put) -> Plan[Client, None]:
        """See `Backend.put`."""
        return self._changes.put(key, write)

    def replace(self, key: str, write: Replace) -> Plan[Client, None]:
        """See `Backend.replace`."""
        return self._changes.replace(key, write)

    def remove(self, key: str, write: Remove) -> Plan[Client, StoredRecord | None]:
        """See `Backend.remove`; only a record whose body has changed is checked."""
        return self._changes.remove(key, write)

    def truncate(self, key: str, write: Truncate) -> Plan[Client, int]:
        """See `Backend.truncate`."""
        return self._changes.truncate(key, write)

    # ------------------------------------------------------------------ writing conversations

    def create(self, key: str, write: Create) -> Plan[Client, StoredConversation | None]:
        """See `Backend.create`."""
        return self._conversations.create(key, write)

    def update(self, key: str, write: Update) -> Plan[Client, StoredConversation | None]:
        """See `Backend.update`."""
        return self._conversations.update(key, write)

    def delete(self, key: str, write: Delete) -> Plan[Client, None]:
        """See `Backend.delete`; an expired conversation is deleted, too."""
        return self._changes.delete(key, write)

    # ------------------------------------------------------------------ reading messages

    def count(self, key: str) -> Plan[Client, int]:
        """See `Backend.count`."""
        rows = yield from self._sender.fetch(statements.COUNT, key.encode())
        length = int(rows[0][0]) if rows else 0
        if length < 0:
            raise CorruptStoreError(f"{self.server}: a conversation has a negative length")
        return length

    def read_newest(self, key: str, read: Newest) -> Plan[Client, Page]:
        """See `Backend.read_newest`."""
        end = _LAST_POSITION if read.before is None else read.before
        if read.with_conversation:
            template, rest = statements.NEWEST_AND_CONVERSATION, [read.limit, read.leading]
        elif read.leading:
            template, rest = statements.NEWEST_AND_LEADING, [read.limit, read.leading]
        elif read.limit is None:
            template, rest = statements.ALL, []
        else:
            template, rest = statements.NEWEST, [read.limit]
        return page_of((yield from self._sender.fetch(template, key.encode(), end, *rest)))

    def read_oldest(self, key: str, read: Oldest) -> Plan[Client, Page]:
        """See `Backend.read_oldest`."""
        start = -1 if read.after is None else read.after
        rows = yield from self._sender.fetch(statements.OLDEST, key.encode(), start, read.limit)
        return page_of(rows)

    def find(self, key: str, message_id: str) -> Plan[Client, Page]:
        """See `Backend.find`."""
        name = key.encode()
        return page_of((yield from self._sender.fetch(statements.FIND, name, message_id.encode())))

    # ------------------------------------------------------------------ reading conversations

    def read_conversations(
        self, keys: Sequence[str]
    ) -> Plan[Client, Sequence[StoredConversation | None]]:
        """See `Backend.read_conversations`."""
        return self._conversations.read(keys)

    def list_owned(self, owner: str, limit: int, cursor: Any | None) -> Plan[Client, OwnedPage]:
        """See `Backend.list_owned`."""
        return self._conversations.list_owned(owner, limit, cursor)

    def list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[Client, KeyPage]:
        """See `Backend.list_keys`; the keys are in the order of their bytes."""
        return self._conversations.list_keys(prefix, limit, cursor)

    # ------------------------------------------------------------------ maintenance

    def setup(self) -> Plan[Client, None]:
        """See `Backend.setup`."""
        return self._sender.setup()

    def check(self, key: str) -> Plan[Client, None]:
        """See `Backend.check`; the rights are read from the catalog."""
        yield from super().check(key)
        yield from self._sender.check_rights()

    def purge_expired(self) -> Plan[Client, bool]:
        """See `Backend.purge_expired`."""
        rows = yield from self._sender.fetch(statements.PURGE, _PURGED_MESSAGES)
        return bool(rows[0][0])
