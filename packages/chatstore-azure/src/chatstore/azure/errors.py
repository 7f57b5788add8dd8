"""The errors of azure-data-tables as ours.

None of ours quotes an answer of the service, which may repeat parts of a request. The original is
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

# https://learn.microsoft.com/rest/api/storageservices/table-service-error-codes and
# https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes
_CODES: dict[str, tuple[type[ChatStoreError], str]] = {
    "AccountIsDisabled": (StoreAccessError, "the account is disabled"),
    "InsufficientAccountStorage": (StoreFullError, "the account has no room left"),
    "TableBeingDeleted": (StoreUnavailableError, "the table is being deleted"),
    "TableNotFound": (StoreAccessError, "there is no such table"),
}
_STATUSES: dict[int, tuple[type[ChatStoreError], str]] = {
    400: (CorruptStoreError, "the service does not take a request for this table"),
    401: (StoreAccessError, "the key, token or credential is refused"),
    403: (StoreAccessError, "the key, token or credential is refused, or does not permit this"),
    404: (StoreAccessError, "there is no such table or account"),
    408: (StoreUnavailableError, "the service was too slow"),
    409: (StoreUnavailableError, "others write at the same time"),
    412: (StoreUnavailableError, "others write at the same time"),
    429: (StoreUnavailableError, "the throughput is used up"),
    507: (StoreFullError, "the account has no room left"),
}
# What has not taken effect, or may have, and is worth another look.
_BUSY = frozenset({0, 408, 429, 449, 500, 502, 503, 504})


def translate(error: Exception, place: str) -> ChatStoreError | None:
    """Return our error for one of azure-core; ``None`` for others."""
    from azure.core.exceptions import AzureError, ClientAuthenticationError  # noqa: PLC0415

    if not isinstance(error, AzureError):
        return None
    status = status_of(error)
    if code_of(error) in _CODES:
        kind, text = _CODES[code_of(error)]
    elif status:
        unknown = (StoreUnavailableError, f"HTTP status {status}")
        kind, text = _STATUSES.get(status, unknown)
    elif isinstance(error, ClientAuthenticationError):
        kind, text = StoreAccessError, "the credential gives no token"
    else:
        kind, text = StoreUnavailableError, f"no answer ({type(error).__name__})"
    return kind(f"{place}: {text}")


def code_of(error: BaseException) -> str:
    """Return the service's code, ``""`` where there is none."""
    code = getattr(error, "error_code", None) or ""
    return str(getattr(code, "value", code))


def status_of(error: BaseException) -> int:
    """Return the HTTP status that an error stands for; 0: there was no answer."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else 0


def is_busy(error: BaseException) -> bool:
    """Tell whether a request is worth another attempt: no answer, or one that promises better."""
    from azure.core.exceptions import AzureError, ClientAuthenticationError  # noqa: PLC0415

    is_ours = isinstance(error, AzureError) and not isinstance(error, ClientAuthenticationError)
    return is_ours and status_of(error) in _BUSY
