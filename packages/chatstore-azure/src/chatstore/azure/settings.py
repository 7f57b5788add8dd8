"""``AzureSettings``: the checked options of a store."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from chatstore.azure.account import Account

TABLE = "ChatUser"
MAX_CONNECTIONS = 32
TIMEOUT = 10.0
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class AzureSettings:
    """The checked options of a store; see `AzureChatStore`.

    Attributes:
        table: The table's name.
        account: The account; ``None`` if the store has only clients.
        client: The caller's sync ``TableServiceClient``, if any.
        async_client: The caller's async ``TableServiceClient``, if any.
        ttl: Seconds after its last write until a conversation expires; ``None``: it stays.
        timeout: Seconds to wait for a connection, and for an answer.
        patience: Seconds for which a call is repeated.
        max_connections: The most connections of all threads, and of each event loop.
        create: Whether the first call creates a missing table.
        clock: Returns the time in seconds since 1970.

    """

    table: str = TABLE
    account: Account | None = None
    client: Any = None
    async_client: Any = None
    ttl: float | None = None
    timeout: float = TIMEOUT
    patience: float = PATIENCE
    max_connections: int = MAX_CONNECTIONS
    create: bool = True
    clock: Callable[[], float] = time.time

    @property
    def server(self) -> str:
        """The table and its endpoint, for messages and logs."""
        client = self.client or self.async_client
        url = urlsplit(client.url if self.account is None else self.account.endpoint)
        if url.port is not None:
            return f"table {self.table!r} at {url.hostname}:{url.port}{url.path}"
        return f"table {self.table!r} at {url.hostname}{url.path.rstrip('/')}"
