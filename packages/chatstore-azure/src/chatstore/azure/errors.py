"""What the errors of azure-data-tables mean.

One table says all of it; what they say about connections is the transport's. Messages never quote
an answer of the service, which may repeat parts of a request.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from chatstore.conditional.azure_core.clocks import skew_of
from chatstore.core import (
    ChatStoreError,
    CorruptStoreError,
    StoreAccessError,
    StoreFullError,
    StoreSetupError,
    StoreUnavailableError,
)
from chatstore.core.backend import reason_of


class Meaning(NamedTuple):
    """What an answer means.

    Attributes:
        kind: The error that the caller gets.
        text: Its cause and its remedy.
        is_busy: Whether the same request may succeed in a moment.

    """

    kind: type[ChatStoreError]
    text: str
    is_busy: bool = False


_REFUSED = Meaning(
    StoreAccessError,
    "the key, token or credential is not accepted: check that it belongs to this account and has "
    "not expired",
)
_NOT_ALLOWED = Meaning(
    StoreAccessError,
    "the token or credential does not permit this: grant what the README lists, or have the table "
    "made and pass create_table=False",
)
_FORBIDDEN = Meaning(
    StoreAccessError,
    "the key, token or credential is not accepted, or does not permit this: check that it belongs "
    "to this account, has not expired and grants what the README lists, and the account's firewall",
)
_NO_TABLE = Meaning(
    StoreSetupError,
    "there is no such table: make it, or let the store make it with create_table=True, or check "
    "the table's name and the account",
)
_NO_SERVICE = Meaning(
    StoreSetupError,
    "what answers is not a table service: check the endpoint, which looks like "
    "https://ACCOUNT.table.core.windows.net",
)
_BUSY = Meaning(StoreUnavailableError, "the service is busy: the throughput is used up", True)
_CONFLICT = Meaning(StoreUnavailableError, "others write at the same time", True)
_FULL = Meaning(StoreFullError, "the account has no room left")

# https://learn.microsoft.com/rest/api/storageservices/table-service-error-codes and
# https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes
MEANINGS: dict[str, Meaning] = {
    "AccountIsDisabled": Meaning(StoreAccessError, "the account is disabled"),
    "AuthenticationFailed": _REFUSED,
    "InvalidAuthenticationInfo": _REFUSED,
    "NoAuthenticationInformation": _REFUSED,
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
        StoreUnavailableError, "the table is being deleted; wait, or use another", True
    ),
    "TableNotFound": _NO_TABLE,
    "ServerBusy": _BUSY,
    "OperationTimedOut": Meaning(StoreUnavailableError, "the service was too slow", True),
    "InternalError": Meaning(StoreUnavailableError, "the service has an internal error", True),
    "InvalidResourceName": Meaning(StoreSetupError, "the service does not take the table's name"),
    "OutOfRangeInput": Meaning(StoreSetupError, "the service does not take the table's name"),
}
_STATUSES: dict[int, Meaning] = {
    200: _NO_SERVICE,
    400: Meaning(
        CorruptStoreError,
        "the service does not take a request for this table{code}: is it a table service, and its "
        "table the store's own?",
    ),
    401: _REFUSED,
    403: _FORBIDDEN,
    404: Meaning(
        StoreSetupError,
        "there is no such table or account{code}: check the endpoint and the table's name",
    ),
    405: _NO_SERVICE,
    408: MEANINGS["OperationTimedOut"],
    409: _CONFLICT,
    412: _CONFLICT,
    415: _NO_SERVICE,
    429: _BUSY,
    449: _CONFLICT,
    507: _FULL,
}


def meaning_of(error: BaseException) -> Meaning | None:
    """Return what an error means; ``None`` where it is not one of azure-core's."""
    from azure.core.exceptions import (  # noqa: PLC0415 - loaded with the client
        AzureError,
        ClientAuthenticationError,
        DecodeError,
    )

    # azure-data-tables has a class of its own for this, in no public place.
    is_unreadable = type(error).__name__ == "DeserializationError"
    if isinstance(error, DecodeError) or is_unreadable:
        return _NO_SERVICE
    if not isinstance(error, AzureError):
        return None
    if status_of(error):
        return _meaning_of_answer(error)
    if isinstance(error, ClientAuthenticationError):
        return Meaning(
            StoreAccessError, "the credential gives no token: check what azure-identity finds"
        )
    text = f"{reason_of(error)} ({type(error).__name__}): check the endpoint and the network"
    return Meaning(StoreUnavailableError, text, is_busy=True)


def _meaning_of_answer(error: BaseException) -> Meaning:
    status, code = status_of(error), code_of(error)
    found = MEANINGS.get(code) or _STATUSES.get(status)
    if found is None:
        text = f"the service answers HTTP status {status}"
        return Meaning(StoreUnavailableError, text, is_busy=status >= 500)
    skew = skew_of(error) if found in (_REFUSED, _FORBIDDEN) else ""
    if skew:
        text = f"the signature is not accepted, this machine's clock is wrong {skew}: set it"
        return Meaning(StoreAccessError, text)
    shown = f" ({code})" if code.isalnum() else ""
    return found._replace(text=found.text.replace("{code}", shown))


def translate(error: Exception, server: str) -> ChatStoreError | None:
    """Return the `ChatStoreError` for an error of azure-core; ``None`` for others."""
    meaning = meaning_of(error)
    return None if meaning is None else meaning.kind(f"{server}: {meaning.text}")


def is_busy(error: BaseException) -> bool:
    """Tell whether a request may succeed in a moment."""
    meaning = meaning_of(error)
    return meaning is not None and meaning.is_busy


def code_of(error: BaseException) -> str:
    """Return the service's code, ``""`` where there is none."""
    code: Any = getattr(error, "error_code", None) or ""
    return str(getattr(code, "value", code))


def status_of(error: BaseException) -> int:
    """Return the HTTP status that an error stands for; 0: there was no answer."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else 0
