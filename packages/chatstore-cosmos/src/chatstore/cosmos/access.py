"""What the plans of this package call: a container through either client, sync or async."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from chatstore.core import InvalidArgumentError, StoreSetupError
from chatstore.core.backend import Plan, call
from chatstore.cosmos.address import Place

PARTITION_KEY = "conversation"
_NEXT = "x-ms-continuation"
_ENOUGH = frozenset({"Strong", "BoundedStaleness", "Session"})

# Only what is searched for is indexed: a message's text would cost units with each write.
# https://learn.microsoft.com/azure/cosmos-db/index-policy (ids are indexed always)
INDEXING = {
    "indexingMode": "consistent",
    "includedPaths": [{"path": f"/{PARTITION_KEY}/?"}],
    "excludedPaths": [{"path": "/*"}],
}
LARGE = 2  # the version of a partition key
EACH_ITEM_ITS_OWN = -1  # as the container's default: items without a ttl stay


class FoundPage(NamedTuple):
    """What a query found, and the token of its next page."""

    items: list[Any]
    token: str | None


class Access:
    """A container, through one client of azure-cosmos.

    The methods return what the client's do: values of a sync client, awaitables of an async one.
    """

    def __init__(self, client: Any, place: Place, timeout: float) -> None:
        """Name the container; nothing is sent."""
        self.client = client
        self.place = place
        self.timeout = timeout
        self._database = client.get_database_client(place.database)
        self._container = self._database.get_container_client(place.container)

    @property
    def connection(self) -> Any:
        """The client's connection, which knows the account and the session."""
        return self.client.client_connection

    def batch(self, partition: str, operations: list[Any], note: Callable[[Any], None]) -> Any:
        """Execute a transactional batch; return the results of its operations.

        Each of its requests is noted: azure-cosmos may send the batch more than once.
        """
        return self._container.execute_item_batch(
            operations,
            partition_key=partition,
            response_hook=lambda headers, _: self._note(headers),
            raw_request_hook=lambda request: _note_sending(request.http_request, note),
            timeout=self.timeout,
        )

    def sleep(self, seconds: float) -> Any:
        """Wait."""
        return _async_sleep(seconds) if self._is_async else time.sleep(seconds)

    def read(self, partition: str, item_id: str) -> Any:
        """Return an item."""
        return self._container.read_item(item_id, partition, timeout=self.timeout)

    def query(
        self,
        text: str,
        parameters: Mapping[str, Any],
        *,
        partition: str | None,
        page_size: int,
        token: str | None = None,
    ) -> Any:
        """Return a `FoundPage`; without a partition, of the whole container."""
        where = (
            {"enable_cross_partition_query": True}
            if partition is None
            else {"partition_key": partition}
        )
        if partition is None and self._is_async:
            where = {}  # the async client crosses partitions where none is named
        # The pager's own token is that of the client's latest reply, to whichever thread.
        headers: dict[str, Any] = {}
        pager = self._container.query_items(
            text,
            parameters=[{"name": name, "value": value} for name, value in parameters.items()],
            max_item_count=page_size,
            response_hook=lambda received, _: headers.update({_NEXT: received.get(_NEXT)}),
            timeout=self.timeout,
            **where,
        ).by_page(token)
        read = _async_next_page if self._is_async else _next_page
        return read(pager, headers)

    @property
    def _is_async(self) -> bool:
        return hasattr(self.client, "__aenter__")

    def _note(self, headers: Mapping[str, Any]) -> None:
        """Let later reads see what a batch wrote: azure-cosmos forgets its session token."""
        if self.connection.session is not None:
            self.connection.session.update_session(self.connection, {}, headers)

    # ------------------------------------------------------------------ first use

    def prepare(self, server: str, *, create: bool) -> Plan[None]:
        """Look at account and container; make database and container where they are missing.

        Raises:
            StoreSetupError: The account is not consistent enough, there is no container and none
                is to be made, or it has another partition key or no index.

        """
        account = yield from call(lambda _: self.connection.GetDatabaseAccount())
        level = (account.ConsistencyPolicy or {}).get("defaultConsistencyLevel")
        if level not in _ENOUGH:
            raise StoreSetupError(
                f"{server}: expected an account of consistency Session, BoundedStaleness or "
                f"Strong, found {level}, which shows clients old states of their own writes: "
                "change the account's default consistency"
            )
        if level == "Session" and self.connection.session is None:
            raise InvalidArgumentError(
                "async_client must be entered with `async with` before a store uses it"
            )
        properties = yield from self._find()
        if properties is None:
            if not create:
                raise StoreSetupError(
                    f"{server}: there is no such database or container, and create is False: make "
                    f"it with the partition key /{PARTITION_KEY}, as the README shows, or check "
                    "database= and container="
                )
            yield from self._make()
            properties = yield from call(lambda _: self._container.read(timeout=self.timeout))
        problem = _problem(properties)
        if problem is not None:
            raise StoreSetupError(
                f"{server}: {problem}: use another container, or make one as the README shows"
            )

    def _find(self) -> Plan[Mapping[str, Any] | None]:
        from azure.cosmos.exceptions import CosmosResourceNotFoundError  # noqa: PLC0415

        try:
            found: Mapping[str, Any] = yield from call(
                lambda _: self._container.read(timeout=self.timeout)
            )
        except CosmosResourceNotFoundError:
            return None
        return found

    def _make(self) -> Plan[None]:
        """Create what is missing; others may do so at the same time."""
        from azure.cosmos import PartitionKey  # noqa: PLC0415 - loaded with the client
        from azure.cosmos.exceptions import CosmosResourceExistsError  # noqa: PLC0415

        steps = (
            lambda _: self.client.create_database(self.place.database, timeout=self.timeout),
            lambda _: self._database.create_container(
                self.place.container,
                PartitionKey(f"/{PARTITION_KEY}"),
                indexing_policy=INDEXING,
                default_ttl=EACH_ITEM_ITS_OWN,
                timeout=self.timeout,
            ),
        )
        for step in steps:
            try:
                yield from call(step)
            except CosmosResourceExistsError:
                continue


def _problem(properties: Mapping[str, Any]) -> str | None:
    key = properties.get("partitionKey", {})
    paths, version = key.get("paths"), key.get("version", 1)
    # Version 1 takes values of 101 bytes:
    # https://learn.microsoft.com/azure/cosmos-db/large-partition-keys
    if paths != [f"/{PARTITION_KEY}"] or version < LARGE:
        return (
            f"expected a container with the partition key /{PARTITION_KEY} of version {LARGE}, "
            f"found {', '.join(map(str, paths or ['no key']))} of version {version}"
        )
    if properties.get("indexingPolicy", {}).get("indexingMode") == "none":
        return "expected a container with an index, found the indexing mode 'none'"
    return None


def _note_sending(request: Any, note: Callable[[Any], None]) -> None:
    if request.method == "POST":  # the client also asks for the account's regions meanwhile
        note(request)


def _next_page(pager: Any, headers: Mapping[str, Any]) -> FoundPage:
    page = next(pager, ())
    return FoundPage(list(page), headers.get(_NEXT))


async def _async_next_page(pager: Any, headers: Mapping[str, Any]) -> FoundPage:
    try:
        items = [item async for item in await pager.__anext__()]
    except StopAsyncIteration:
        items = []
    return FoundPage(items, headers.get(_NEXT))


async def _async_sleep(seconds: float) -> None:
    import asyncio  # noqa: PLC0415 - loaded, where there is a loop

    await asyncio.sleep(seconds)
