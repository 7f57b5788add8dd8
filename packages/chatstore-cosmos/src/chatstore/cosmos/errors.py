"""The errors of azure-cosmos as ours.

None of ours quotes an answer of the service, which repeats parts of a request. The original is
the cause.
"""

from __future__ import annotations

from chatstore.core import (
    ChatStoreError,
    CorruptStoreError,
    StoreAccessError,
    StoreFullError,
    StoreUnavailableError,
)

# https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb
_STATUSES: dict[int, tuple[type[ChatStoreError], str]] = {
    400: (CorruptStoreError, "the service does not take a request for this container"),
    401: (StoreAccessError, "the key or token is refused"),
    403: (StoreAccessError, "the key or token does not permit this, or the account's firewall"),
    404: (StoreAccessError, "there is no such database or container"),
    408: (StoreUnavailableError, "the service was too slow"),
    429: (StoreUnavailableError, "the throughput is used up"),
    449: (StoreUnavailableError, "others write at the same time"),
}
# A logical partition has at most 20 GB:
# https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb (403, 1014)
_PARTITION_IS_FULL = (403, 1014)


def translate(error: Exception, host: str) -> ChatStoreError | None:
    """Return our error for one of azure-cosmos or of what it stands on; ``None`` for others."""
    from azure.core.exceptions import AzureError, ClientAuthenticationError  # noqa: PLC0415

    if not isinstance(error, AzureError):
        return None
    status = status_of(error)
    if (status, getattr(error, "sub_status", None)) == _PARTITION_IS_FULL:
        return StoreFullError(f"{host}: this conversation has reached the size of a partition")
    if status:
        unknown = (StoreUnavailableError, f"HTTP status {status}")
        kind, text = _STATUSES.get(status, unknown)
    elif isinstance(error, ClientAuthenticationError):
        kind, text = StoreAccessError, "the credential gives no token"
    else:
        kind, text = StoreUnavailableError, f"no answer ({type(error).__name__})"
    return kind(f"{host}: {text}")


def status_of(error: BaseException) -> int:
    """Return the HTTP status that an error stands for; 0: there was no reply."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else 0
