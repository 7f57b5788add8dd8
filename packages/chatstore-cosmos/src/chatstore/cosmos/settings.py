"""``CosmosSettings``: the checked options of a store."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from chatstore.azure_core.credentials import TokenCredential
from chatstore.cosmos.address import Address

DATABASE = "chatstore"
CONTAINER = "messages"
MAX_CONNECTIONS = 32
TIMEOUT = 10.0
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class CosmosSettings:
    """The checked options of a store; see `CosmosChatStore`. `repr` shows no key.

    Attributes:
        address: The account, the database and the container.
        credential: A key of the account or a sync ``TokenCredential``; ``None`` if the store has
            only clients.
        client: The caller's sync ``CosmosClient``, if any.
        async_client: The caller's async ``CosmosClient``, if any.
        consistency: The consistency level of reads; ``None``: the account's.
        ttl: Seconds after its last write until a conversation expires; ``None``: it stays.
        timeout: Seconds for a request, with everything that the client does about it.
        patience: Seconds for which a call is repeated.
        max_connections: The most connections of all threads, and of each event loop.
        create: Whether the first call creates a missing database and container.
        clock: Returns the time in seconds since 1970.

    """

    address: Address
    credential: str | TokenCredential | None = field(default=None, repr=False)
    client: Any = None
    async_client: Any = None
    consistency: str | None = None
    ttl: float | None = None
    timeout: float = TIMEOUT
    patience: float = PATIENCE
    max_connections: int = MAX_CONNECTIONS
    create: bool = True
    clock: Callable[[], float] = time.time

    @property
    def server(self) -> str:
        """The container and its account, for messages and logs."""
        host = urlsplit(self.address.endpoint).netloc
        return f"container {self.address.database}/{self.address.container} at {host}"
