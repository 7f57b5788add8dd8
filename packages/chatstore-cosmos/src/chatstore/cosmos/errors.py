"""What the errors of azure-cosmos mean."""

from __future__ import annotations

from chatstore.azure_core.answers import headers_of, status_of
from chatstore.azure_core.errors import ErrorTable, Meaning
from chatstore.core import (
    CorruptStoreError,
    StoreAccessError,
    StoreFullError,
    StoreSetupError,
    StoreUnavailableError,
)

_NOT_FOUND = 404
_REJECTED = Meaning(
    StoreAccessError,
    "the key or token is not accepted: check that it belongs to this account and was not renewed",
    is_of_signature=True,
)
_FORBIDDEN = Meaning(
    StoreAccessError,
    "the key or credential does not permit this, or the account's firewall rejects this machine: "
    "grant what the README lists; roles for data do not permit creating databases and containers: "
    "create them yourself and pass create=False",
    is_of_signature=True,
)
_NO_CONTAINER = Meaning(
    StoreSetupError,
    "there is no such database or container: create them with setup() or with create=True, or "
    "check database= and container=",
)
_NO_SERVICE = Meaning(
    StoreSetupError,
    "the server is not Cosmos DB for NoSQL: check the endpoint, which looks like "
    "https://ACCOUNT.documents.azure.com:443/",
)
_THROTTLED = Meaning(
    StoreUnavailableError,
    "the throughput is used up: raise the container's request units",
    is_busy=True,
)
_CONFLICT = Meaning(StoreUnavailableError, "other clients write at the same time", is_busy=True)
_SLOW = Meaning(StoreUnavailableError, "the service was too slow", is_busy=True)
_SERVER = Meaning(StoreUnavailableError, "the service has an internal error", is_busy=True)
_MOVING = Meaning(
    StoreUnavailableError, "the service moves data between its servers or regions", is_busy=True
)

# https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb
_STATUSES: dict[int, Meaning] = {
    200: _NO_SERVICE,
    400: Meaning(
        CorruptStoreError,
        "the service rejects a request for this container: check that no other program uses it",
    ),
    401: _REJECTED,
    403: _FORBIDDEN,
    404: _NO_CONTAINER,
    405: _NO_SERVICE,
    408: _SLOW,
    409: _CONFLICT,
    410: _MOVING,
    412: _CONFLICT,
    429: _THROTTLED,
    449: _CONFLICT,
    500: _SERVER,
    503: Meaning(StoreUnavailableError, "the service is not available now", is_busy=True),
}
# A status with a sub-status, which is more specific.
_SUBSTATUSES: dict[tuple[int, int], Meaning] = {
    (403, 3): _MOVING,
    (403, 1008): _MOVING,
    (403, 1014): Meaning(
        StoreFullError, "this conversation has reached the 20 GB of a partition: delete messages"
    ),
    (404, 1002): Meaning(
        StoreUnavailableError,
        "the replicas do not have yet what this session wrote",
        is_busy=True,
    ),
}


def is_missing_item(error: BaseException) -> bool:
    """Return whether an answer says that an item is missing, but not its container."""
    return status_of(error) == _NOT_FOUND and not _substatus_of(error) and _is_of_service(error)


def _is_of_service(error: BaseException) -> bool:
    """Return whether the answer is Cosmos DB's, not that of another server at its address."""
    headers = headers_of(error)
    if headers is None:
        return True  # the client made the error from an answer that it had read
    return any(name.lower().startswith("x-ms-") for name in headers)


def _substatus_of(error: BaseException) -> int:
    """Return the sub-status of an answer, 0 if there is none."""
    try:
        return int(getattr(error, "sub_status", None) or 0)
    except (TypeError, ValueError):
        return 0


def _find(error: BaseException) -> Meaning | None:
    if not _is_of_service(error):
        return _NO_SERVICE
    status = status_of(error)
    return _SUBSTATUSES.get((status, _substatus_of(error))) or _STATUSES.get(status)


ERRORS = ErrorTable(_find, _NO_SERVICE)
