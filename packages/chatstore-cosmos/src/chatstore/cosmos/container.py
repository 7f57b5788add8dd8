"""``Container``: the client of this package's plans, over a client of azure-cosmos."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from chatstore.azure_core.clients import is_async_client, wait
from chatstore.core.backend import MaybeAwaitable
from chatstore.cosmos.address import Address
from chatstore.cosmos.batches import Item, Operation

if TYPE_CHECKING:
    import asyncio

PARTITION_KEY = "conversation"
OWNED = "owned"
"""The property by which conversations of an owner are listed; see `owners`."""
PARTITION_KEY_V2 = 2
"""The version of the partition key; version 1 uses only the first 101 bytes of a value.

https://learn.microsoft.com/azure/cosmos-db/large-partition-keys
"""
TTL_PER_ITEM = -1
"""As a container's default: only items with their own ttl expire."""
# Only what queries use is indexed: an index of the text would cost units with each write.
# https://learn.microsoft.com/azure/cosmos-db/index-policy (ids are always indexed)
INDEXING = {
    "indexingMode": "consistent",
    "includedPaths": [{"path": f"/{PARTITION_KEY}/?"}, {"path": f"/{OWNED}/?"}],
    "excludedPaths": [{"path": "/*"}],
}
_CONTINUATION = "x-ms-continuation"


class ItemPage(NamedTuple):
    """Items that match a query, and the token of the next page (``None`` after the last page)."""

    items: list[Item]
    token: str | None


class Container:
    """A container, through a sync or an async client.

    The methods return what the client's methods return: values, or awaitables of them.

    Attributes:
        client: The client of azure-cosmos.
        is_ready: Whether the account and the container were checked through this client.
        opening: Ensures that one task opens an async client; ``None`` after that.

    """

    def __init__(
        self,
        client: Any,
        address: Address,
        timeout: float,
        opening: asyncio.Lock | None = None,
    ) -> None:
        """Use a client; nothing is sent."""
        self.client = client
        self.is_ready = False
        self.opening = opening
        self._address = address
        self._timeout = timeout
        self._is_async = is_async_client(client)
        self._database = client.get_database_client(address.database)
        self._container = self._database.get_container_client(address.container)

    @property
    def session(self) -> Any:
        """The tokens by which reads see the writes of this client; ``None`` without a session."""
        return self.client.client_connection.session

    @session.setter
    def session(self, session: Any) -> None:
        self.client.client_connection.session = session

    # ------------------------------------------------------------------ items

    def read(self, partition: str, item_id: str) -> MaybeAwaitable[Item]:
        """Read an item."""
        item: MaybeAwaitable[Item] = self._container.read_item(
            item_id, partition, timeout=self._timeout
        )
        return item

    def query(
        self,
        text: str,
        parameters: Mapping[str, Any],
        *,
        partition: str | None,
        page_size: int,
        token: str | None = None,
    ) -> MaybeAwaitable[ItemPage]:
        """Read a page of a query's result; without a partition, of the whole container."""
        options: dict[str, Any] = {}
        if partition is not None:
            options["partition_key"] = partition
        elif not self._is_async:  # the async client does not need and does not accept it
            options["enable_cross_partition_query"] = True
        # The iterator's own token is that of the client's latest reply, to any thread.
        headers: dict[str, Any] = {}
        pages = self._container.query_items(
            text,
            parameters=[{"name": name, "value": value} for name, value in parameters.items()],
            max_item_count=page_size,
            response_hook=lambda received, _: headers.update(
                {_CONTINUATION: received.get(_CONTINUATION)}
            ),
            timeout=self._timeout,
            **options,
        ).by_page(token)
        return _async_next_page(pages, headers) if self._is_async else _next_page(pages, headers)

    def execute_batch(
        self, partition: str, operations: Sequence[Operation], note: Callable[[Any], None]
    ) -> MaybeAwaitable[list[Mapping[str, Any]]]:
        """Execute a transactional batch and return the results of its operations.

        Args:
            partition: The value of the partition key.
            operations: The operations; azure-cosmos changes them.
            note: Called with each request, since azure-cosmos may send the batch repeatedly.

        """
        results: MaybeAwaitable[list[Mapping[str, Any]]] = self._container.execute_item_batch(
            operations,
            partition_key=partition,
            response_hook=lambda headers, _: self._update_session(headers),
            raw_request_hook=lambda request: _note_batch(request.http_request, note),
            timeout=self._timeout,
        )
        return results

    def sleep(self, seconds: float) -> MaybeAwaitable[None]:
        """Wait."""
        return wait(self.client, seconds)

    def _update_session(self, headers: Mapping[str, Any]) -> None:
        """Let later reads see what a batch wrote, since azure-cosmos ignores its session token."""
        if self.session is not None:
            self.session.update_session(self.client.client_connection, {}, headers)

    # ------------------------------------------------------------------ account and container

    def read_account(self) -> MaybeAwaitable[Any]:
        """Read the account's properties."""
        account: MaybeAwaitable[Any] = self.client.client_connection.GetDatabaseAccount()
        return account

    def read_properties(self) -> MaybeAwaitable[Mapping[str, Any]]:
        """Read the container's properties."""
        properties: MaybeAwaitable[Mapping[str, Any]] = self._container.read(timeout=self._timeout)
        return properties

    def create_database(self) -> MaybeAwaitable[Any]:
        """Create the database."""
        database: MaybeAwaitable[Any] = self.client.create_database(
            self._address.database, timeout=self._timeout
        )
        return database

    def create(self) -> MaybeAwaitable[Any]:
        """Create the container in its database."""
        from azure.cosmos import PartitionKey  # loaded with the client

        container: MaybeAwaitable[Any] = self._database.create_container(
            self._address.container,
            PartitionKey(f"/{PARTITION_KEY}", version=PARTITION_KEY_V2),
            indexing_policy=INDEXING,
            default_ttl=TTL_PER_ITEM,
            timeout=self._timeout,
        )
        return container


def _note_batch(request: Any, note: Callable[[Any], None]) -> None:
    if request.method == "POST":  # the client also asks for the account's regions
        note(request)


def _next_page(pages: Any, headers: Mapping[str, Any]) -> ItemPage:
    return ItemPage(list(next(pages, ())), headers.get(_CONTINUATION))


async def _async_next_page(pages: Any, headers: Mapping[str, Any]) -> ItemPage:
    try:
        items = [item async for item in await pages.__anext__()]
    except StopAsyncIteration:
        items = []
    return ItemPage(items, headers.get(_CONTINUATION))
