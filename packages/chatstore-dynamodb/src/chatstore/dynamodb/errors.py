"""The errors of botocore as ours.

None of ours quotes an answer of the service: it may repeat account numbers and parts of a
request. The original is the cause.
"""

from __future__ import annotations

from chatstore.core import (
    ChatStoreError,
    CorruptStoreError,
    InvalidArgumentError,
    StoreAccessError,
    StoreUnavailableError,
)

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html and
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html
_CODES: dict[str, tuple[type[ChatStoreError], str]] = {
    "AccessDenied": (StoreAccessError, "the credentials do not permit this"),
    "AccessDeniedException": (StoreAccessError, "the credentials do not permit this"),
    "ExpiredToken": (StoreAccessError, "the session's token has expired"),
    "ExpiredTokenException": (StoreAccessError, "the session's token has expired"),
    "IncompleteSignatureException": (StoreAccessError, "the credentials are refused"),
    "InvalidClientTokenId": (StoreAccessError, "the credentials are refused"),
    "InvalidSignatureException": (StoreAccessError, "the credentials are refused"),
    "MissingAuthenticationTokenException": (StoreAccessError, "the credentials are refused"),
    "OptInRequired": (StoreAccessError, "the account has no access to the service"),
    "ResourceNotFoundException": (StoreAccessError, "there is no such table in this region"),
    "SignatureDoesNotMatch": (StoreAccessError, "the credentials are refused"),
    "UnrecognizedClientException": (StoreAccessError, "the credentials are refused"),
    "ValidationException": (
        CorruptStoreError,
        "the table does not take our items: is its key ours?",
    ),
}
BUSY = frozenset(
    {
        "InternalServerError",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "ReplicatedWriteConflictException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)


def translate(error: Exception, table: str) -> ChatStoreError | None:
    """Return our error for one of botocore; ``None`` for others."""
    from botocore import exceptions  # noqa: PLC0415 - loaded with the client

    if isinstance(error, exceptions.ClientError):
        unknown = (StoreUnavailableError, f"the service answers {code_of(error)}")
        kind, text = _CODES.get(code_of(error), unknown)
        return kind(f"{table}: {text}")
    if not isinstance(error, exceptions.BotoCoreError):
        return None
    if isinstance(error, _without_access()):
        return StoreAccessError(f"{table}: no usable credentials ({type(error).__name__})")
    if isinstance(error, (exceptions.ProfileNotFound, exceptions.NoRegionError, ValueError)):
        text = f"{table}: boto3 refuses profile, region or endpoint ({type(error).__name__})"
        return InvalidArgumentError(text)
    return StoreUnavailableError(f"{table}: no answer ({type(error).__name__})")


def code_of(error: BaseException) -> str:
    """Return the code of a service's answer, ``""`` where there was no answer."""
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def reasons_of(error: BaseException) -> list[str]:
    """Return the codes of a cancelled transaction's operations, in their order."""
    response = getattr(error, "response", None) or {}
    return [str(reason.get("Code", "None")) for reason in response.get("CancellationReasons", ())]


def was_sent_again(error: BaseException) -> bool:
    """Whether botocore sent the request more than once before this answer came."""
    response = getattr(error, "response", None) or {}
    return bool(response.get("ResponseMetadata", {}).get("RetryAttempts"))


def _without_access() -> tuple[type[Exception], ...]:
    from botocore import exceptions  # noqa: PLC0415 - loaded with the client

    return (
        exceptions.NoCredentialsError,
        exceptions.PartialCredentialsError,
        exceptions.CredentialRetrievalError,
        exceptions.SSOError,
        exceptions.TokenRetrievalError,
    )
