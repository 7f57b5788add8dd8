"""What the errors of azure-data-tables mean."""

from __future__ import annotations

from typing import Any

from chatstore.azure_core.answers import status_of
from chatstore.azure_core.errors import ErrorTable, Meaning
from chatstore.core import (
    CorruptStoreError,
    StoreAccessError,
    StoreFullError,
    StoreSetupError,
    StoreUnavailableError,
)

_REJECTED = Meaning(
    StoreAccessError,
    "the key, token or credential is not accepted: check that it belongs to this account and has "
    "not expired",
    is_of_signature=True,
)
_NOT_ALLOWED = Meaning(
    StoreAccessError,
    "the token or credential does not permit this: grant what the README lists, or create the "
    "table yourself and pass create=False",
)
_FORBIDDEN = Meaning(
    StoreAccessError,
    "the key, token or credential is not accepted, or does not permit this: check that it belongs "
    "to this account, has not expired and grants what the README lists, and the account's firewall",
    is_of_signature=True,
)
_NO_TABLE = Meaning(
    StoreSetupError,
    "there is no such table: create it with setup(), or with create=True, or check the table's "
    "name and the account",
)
_NO_SERVICE = Meaning(
    StoreSetupError,
    "the server is not a table service: check the endpoint, which looks like "
    "https://ACCOUNT.table.core.windows.net",
)
_BUSY = Meaning(
    StoreUnavailableError, "the service is busy: the throughput is used up", is_busy=True
)
_CONFLICT = Meaning(StoreUnavailableError, "other clients write at the same time", is_busy=True)
_SLOW = Meaning(StoreUnavailableError, "the service was too slow", is_busy=True)
_FULL = Meaning(StoreFullError, "the account has no room left")
_BAD_NAME = Meaning(StoreSetupError, "the service does not accept the table's name")

# https://learn.microsoft.com/rest/api/storageservices/table-service-error-codes and
# https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes
_CODES: dict[str, Meaning] = {
    "AccountIsDisabled": Meaning(StoreAccessError, "the account is disabled"),
    "AuthenticationFailed": _REJECTED,
    "InvalidAuthenticationInfo": _REJECTED,
    "NoAuthenticationInformation": _REJECTED,
    "AuthorizationFailure": _FORBIDDEN,
    "AuthorizationPermissionMismatch": _NOT_ALLOWED,
    "AuthorizationResourceTypeMismatch": _NOT_ALLOWED,
    "AuthorizationServiceMismatch": _NOT_ALLOWED,
    "InsufficientAccountPermissions": _NOT_ALLOWED,
    "AuthorizationProtocolMismatch": Meaning(
        StoreAccessError, "the token permits https only: use an https endpoint"
    ),
    "AuthorizationSourceIPMismatch": Meaning(
        StoreAccessError, "the token does not permit this machine's address"
    ),
    "InsufficientAccountStorage": _FULL,
    "TableBeingDeleted": Meaning(
        StoreUnavailableError, "the table is being deleted; wait, or use another", is_busy=True
    ),
    "TableNotFound": _NO_TABLE,
    "ServerBusy": _BUSY,
    "OperationTimedOut": _SLOW,
    "InternalError": Meaning(
        StoreUnavailableError, "the service has an internal error", is_busy=True
    ),
    "InvalidResourceName": _BAD_NAME,
    "OutOfRangeInput": _BAD_NAME,
}
# For codes that are not listed; `{code}` is replaced by the code.
_STATUSES: dict[int, Meaning] = {
    200: _NO_SERVICE,
    400: Meaning(
        CorruptStoreError,
        "the service rejects a request for this table{code}: check that it is a table service and "
        "that no other program uses the table",
    ),
    401: _REJECTED,
    403: _FORBIDDEN,
    404: Meaning(
        StoreSetupError,
        "there is no such table or account{code}: check the endpoint and the table's name",
    ),
    405: _NO_SERVICE,
    408: _SLOW,
    409: _CONFLICT,
    412: _CONFLICT,
    415: _NO_SERVICE,
    429: _BUSY,
    449: _CONFLICT,
    507: _FULL,
}


def code_of(error: BaseException) -> str:
    """Return the service's code, ``""`` if there is none."""
    code: Any = getattr(error, "error_code", None) or ""
    return str(getattr(code, "value", code))


def _find(error: BaseException) -> Meaning | None:
    code = code_of(error)
    meaning = _CODES.get(code) or _STATUSES.get(status_of(error))
    if meaning is None:
        return None
    shown = f" ({code})" if code.isalnum() else ""
    return meaning._replace(text=meaning.text.replace("{code}", shown))


ERRORS = ErrorTable(_find, _NO_SERVICE)
