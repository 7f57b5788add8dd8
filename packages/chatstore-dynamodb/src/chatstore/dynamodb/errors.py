"""The meaning of botocore's errors: for the caller, and for connections and credentials.

Messages never quote an answer of the service, which may contain account numbers and parts of a
request.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple

from chatstore.core import (
    ChatStoreError,
    CorruptStoreError,
    InvalidArgumentError,
    StoreAccessError,
    StoreSetupError,
    StoreUnavailableError,
)
from chatstore.core.backend import describe_clock_skew, reason_of


class After(Enum):
    """What to do with the client after an error."""

    KEEP = "keep it"
    NEW_CONNECTIONS = "close its idle connections, since they may be dead, too"
    NEW_CREDENTIALS = "create a new one, which reads the credentials again"


class Meaning(NamedTuple):
    """The meaning of an error.

    Attributes:
        kind: The class of the error for the caller.
        text: The cause and the remedy.
        after: What to do with the client.
        is_busy: Whether the same request may succeed in a moment.
        is_without_effect: Whether a write with this answer certainly had no effect.

    """

    kind: type[ChatStoreError]
    text: str
    after: After = After.KEEP
    is_busy: bool = False
    is_without_effect: bool = False


_EXPIRED = Meaning(
    StoreAccessError,
    "the session token has expired: renew the credentials; the next call reads them again",
    After.NEW_CREDENTIALS,
)
_REFUSED = Meaning(
    StoreAccessError,
    "the credentials are not accepted: check access key, secret key and session token, and that "
    "they belong to this account and endpoint",
    After.NEW_CREDENTIALS,
)
_NOT_ALLOWED = Meaning(
    StoreAccessError,
    "the credentials do not permit this: grant the role the actions that the README lists, on "
    "this table",
)
_THROTTLED = Meaning(
    StoreUnavailableError,
    "the throughput is used up: raise the table's capacity, or use on-demand billing",
    is_busy=True,
    is_without_effect=True,
)
_SERVER = Meaning(StoreUnavailableError, "the service has an internal error", is_busy=True)
_CONFLICT = Meaning(
    StoreUnavailableError,
    "other writers are writing the same items",
    is_busy=True,
    is_without_effect=True,
)
_SKEWED = Meaning(
    StoreAccessError,
    "the signature is not accepted because the clock of this machine is wrong{skew}: set it",
)

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html and
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html
MEANINGS: dict[str, Meaning] = {
    "AccessDenied": _NOT_ALLOWED,
    "AccessDeniedException": _NOT_ALLOWED,
    "NotAuthorized": _NOT_ALLOWED,
    "UnauthorizedOperation": _NOT_ALLOWED,
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "RequestExpired": _SKEWED,
    "RequestTimeTooSkewed": _SKEWED,
    "IncompleteSignature": _REFUSED,
    "IncompleteSignatureException": _REFUSED,
    "InvalidClientTokenId": _REFUSED,
    "InvalidSignatureException": _REFUSED,
    "MissingAuthenticationToken": _REFUSED,
    "MissingAuthenticationTokenException": _REFUSED,
    "SignatureDoesNotMatch": _REFUSED,
    "UnrecognizedClientException": _REFUSED,
    "OptInRequired": Meaning(
        StoreAccessError, "the account has no access to DynamoDB in this region: enable it"
    ),
    "ResourceNotFoundException": Meaning(
        StoreSetupError,
        "there is no such table in this region and account: create it with setup(), or check "
        "table_name, region_name and the credentials",
    ),
    "TableNotFoundException": Meaning(
        StoreSetupError, "there is no such table in this region and account: call setup()"
    ),
    "ResourceInUseException": Meaning(
        StoreUnavailableError, "the table is being changed; wait until it is active", is_busy=True
    ),
    "ValidationException": Meaning(
        StoreSetupError,
        "the table does not accept the store's items: it needs a partition key "
        "{primary_key!r} of type S (string), and no sort key; check primary_key=",
    ),
    "KMSAccessDeniedException": Meaning(
        StoreAccessError, "the table's encryption key may not be used with these credentials"
    ),
    "InternalServerError": _SERVER,
    "InternalFailure": _SERVER,
    "ServiceUnavailable": _SERVER,
    "ServiceUnavailableException": _SERVER,
    "LimitExceededException": _THROTTLED,
    "ProvisionedThroughputExceededException": _THROTTLED,
    "RequestLimitExceeded": _THROTTLED,
    "Throttling": _THROTTLED,
    "ThrottlingException": _THROTTLED,
    "ThrottledException": _THROTTLED,
    "TooManyRequestsException": _THROTTLED,
    "ReplicatedWriteConflictException": _CONFLICT,
    "TransactionConflictException": _CONFLICT,
    "TransactionInProgressException": _CONFLICT,
}
# A transaction is cancelled for the reasons of its operations.
_REASONS: dict[str, Meaning] = {
    "TransactionConflict": _CONFLICT,
    "ProvisionedThroughputExceeded": _THROTTLED,
    "ThrottlingError": _THROTTLED,
    "ValidationError": MEANINGS["ValidationException"],
    "ItemCollectionSizeLimitExceeded": _THROTTLED._replace(
        text="a conversation is larger than the table's local index permits", is_busy=False
    ),
    "DuplicateItem": _CONFLICT,
}
# Errors without an answer, by the names of botocore's classes; the first match counts.
_WITHOUT_ANSWER: list[tuple[tuple[str, ...], Meaning]] = [
    (
        (
            "NoCredentialsError",
            "PartialCredentialsError",
            "CredentialRetrievalError",
            "SSOError",
            "TokenRetrievalError",
            "MetadataRetrievalError",
            "RefreshWithMFAUnsupportedError",
        ),
        Meaning(
            StoreAccessError,
            "boto3 finds no usable credentials ({name}): set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, profile_name=, or give the machine a role",
            After.NEW_CREDENTIALS,
        ),
    ),
    (
        ("ProfileNotFound",),
        Meaning(
            InvalidArgumentError,
            "there is no such profile in boto3's configuration: check profile_name=",
        ),
    ),
    (
        ("NoRegionError",),
        Meaning(InvalidArgumentError, "no region is known: set region_name= or AWS_DEFAULT_REGION"),
    ),
    (
        ("ConfigNotFound", "ConfigParseError"),
        Meaning(InvalidArgumentError, "boto3 cannot read its configuration file ({name})"),
    ),
    (
        ("ParamValidationError",),
        Meaning(CorruptStoreError, "botocore rejects a request ({name})"),
    ),
    (
        ("HTTPClientError", "ConnectionError"),
        Meaning(
            StoreUnavailableError,
            "{reason} ({name}): check endpoint_url, region_name and the network",
            After.NEW_CONNECTIONS,
            is_busy=True,
        ),
    ),
]
_CLOCK_TOLERANCE = 240.0  # seconds; the service accepts signatures of five minutes


def meaning_of(error: BaseException) -> Meaning | None:
    """Return the meaning of an error; ``None`` if it is not one of botocore's."""
    from botocore import exceptions  # loaded with the client

    if isinstance(error, exceptions.ClientError):
        return _meaning_of_answer(error)
    if not isinstance(error, exceptions.BotoCoreError):
        return None
    name = type(error).__name__
    for classes, meaning in _WITHOUT_ANSWER:
        # Not every version of botocore has all of them.
        kinds = tuple(getattr(exceptions, kind) for kind in classes if hasattr(exceptions, kind))
        if isinstance(error, kinds):
            reason = reason_of(error) if "{reason}" in meaning.text else ""
            return meaning._replace(text=meaning.text.format(name=name, reason=reason))
    text = f"{'boto3 rejects a setting' if isinstance(error, ValueError) else 'no answer'} ({name})"
    kind = InvalidArgumentError if isinstance(error, ValueError) else StoreUnavailableError
    return Meaning(kind, text)


def _meaning_of_answer(error: Any) -> Meaning:
    code = code_of(error)
    for reason in reasons_of(error):
        if reason in _REASONS:
            return _REASONS[reason]
    meaning = MEANINGS.get(code)
    skew = _clock_skew_of(error)
    if meaning is _SKEWED or (meaning is _REFUSED and skew):
        text = _SKEWED.text.format(skew=f" {skew}" if skew else "")
        return _SKEWED._replace(text=text)
    if meaning is not None:
        return meaning
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    shown = code if code.isalnum() else f"HTTP status {status}"
    is_client_error = 400 <= status < 500 and status != 429
    return Meaning(
        StoreUnavailableError, f"the service answers {shown}", is_busy=not is_client_error
    )


def translate(error: Exception, server: str, primary_key: str) -> ChatStoreError | None:
    """Return the `ChatStoreError` for an error of botocore; ``None`` for others."""
    meaning = meaning_of(error)
    if meaning is None:
        return None
    return meaning.kind(f"{server}: {text_of(error, primary_key)}")


def text_of(error: Exception, primary_key: str) -> str:
    """Return the cause and the remedy of an error."""
    meaning = meaning_of(error)
    text = "" if meaning is None else meaning.text
    return text.replace("{primary_key!r}", repr(primary_key))


def is_table_missing(error: Exception) -> bool:
    """Return whether the service answered that there is no such table."""
    return code_of(error) in {"ResourceNotFoundException", "TableNotFoundException"}


def is_invalid_request(error: Exception) -> bool:
    """Return whether the table does not accept a request, because it has another key."""
    return code_of(error) == "ValidationException" or "ValidationError" in reasons_of(error)


def is_refused(error: Exception) -> bool:
    """Return whether the condition of a write did not hold."""
    if code_of(error) == "ConditionalCheckFailedException":
        return True
    return "ConditionalCheckFailed" in reasons_of(error)


def code_of(error: BaseException) -> str:
    """Return the code of the service's answer; ``""``: there was no answer."""
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def reasons_of(error: BaseException) -> list[str]:
    """Return the codes of a cancelled transaction's operations, in their order."""
    response = getattr(error, "response", None) or {}
    return [str(reason.get("Code", "None")) for reason in response.get("CancellationReasons", ())]


def was_sent_again(error: BaseException) -> bool:
    """Return whether botocore sent the request more than once before this answer."""
    response = getattr(error, "response", None) or {}
    return bool(response.get("ResponseMetadata", {}).get("RetryAttempts"))


def _clock_skew_of(error: Any) -> str:
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return describe_clock_skew(headers.get("date"), _CLOCK_TOLERANCE)
