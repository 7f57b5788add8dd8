"""What the errors of azure-cosmos mean.

One table says all of it; what they say about connections is the transport's. Messages never quote
an answer of the service, which repeats parts of a request.
"""

from __future__ import annotations

from typing import NamedTuple

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
    "the key or token is not accepted: check that it belongs to this account and was not renewed",
)
_FORBIDDEN = Meaning(
    StoreAccessError,
    "the key or credential does not permit this, or the account's firewall refuses this machine: "
    "grant what the README lists; roles for data do not make databases and containers, which "
    "create=False leaves to you",
)
_NO_CONTAINER = Meaning(
    StoreSetupError,
    "there is no such database or container: make it, or let the store make it with create=True, "
    "or check database= and container=",
)
_NO_SERVICE = Meaning(
    StoreSetupError,
    "what answers is not Cosmos DB for NoSQL: check the endpoint, which looks like "
    "https://ACCOUNT.documents.azure.com:443/",
)
_THROTTLED = Meaning(
    StoreUnavailableError,
    "the throughput is used up: raise the container's request units",
    is_busy=True,
)
_CONFLICT = Meaning(StoreUnavailableError, "others write at the same time", is_busy=True)
_SLOW = Meaning(StoreUnavailableError, "the service was too slow", is_busy=True)
_SERVER = Meaning(StoreUnavailableError, "the service has an internal error", is_busy=True)
_MOVING = Meaning(
    StoreUnavailableError, "the service moves data between its servers or regions", is_busy=True
)

# https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb
MEANINGS: dict[int, Meaning] = {
    200: _NO_SERVICE,
    400: Meaning(
        CorruptStoreError,
        "the service does not take a request for this container: is it the store's own?",
    ),
    401: _REFUSED,
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
# With the sub-status, which says more.
_WITH_SUBSTATUS: dict[tuple[int, int], Meaning] = {
    (403, 3): _MOVING,
    (403, 1008): _MOVING,
    # A logical partition has at most 20 GB.
    (403, 1014): Meaning(
        StoreFullError, "this conversation has reached the 20 GB of a partition: delete messages"
    ),
    (404, 1002): Meaning(
        StoreUnavailableError, "the replicas are behind what this session wrote", is_busy=True
    ),
}


def meaning_of(error: BaseException) -> Meaning | None:
    """Return what an error means; ``None`` where it is not one of azure-core's."""
    from azure.core.exceptions import (  # noqa: PLC0415 - loaded with the client
        AzureError,
        ClientAuthenticationError,
        DecodeError,
    )

    if not isinstance(error, AzureError):
        return None
    if isinstance(error, DecodeError) or (status_of(error) and not is_of_service(error)):
        return _NO_SERVICE
    if status_of(error):
        return _meaning_of_answer(error)
    if isinstance(error, ClientAuthenticationError):
        return Meaning(
            StoreAccessError, "the credential gives no token: check what azure-identity finds"
        )
    text = f"{reason_of(error)} ({type(error).__name__}): check the endpoint and the network"
    return Meaning(StoreUnavailableError, text, is_busy=True)


def _meaning_of_answer(error: BaseException) -> Meaning:
    status = status_of(error)
    found = _WITH_SUBSTATUS.get((status, substatus_of(error))) or MEANINGS.get(status)
    if found is None:
        text = f"the service answers HTTP status {status}"
        return Meaning(StoreUnavailableError, text, is_busy=status >= 500)
    skew = skew_of(error) if found in (_REFUSED, _FORBIDDEN) else ""
    if skew:
        text = f"the signature is not accepted, this machine's clock is wrong {skew}: set it"
        return Meaning(StoreAccessError, text)
    return found


def translate(error: Exception, server: str) -> ChatStoreError | None:
    """Return the `ChatStoreError` for an error of azure-core; ``None`` for others."""
    meaning = meaning_of(error)
    return None if meaning is None else meaning.kind(f"{server}: {meaning.text}")


def is_busy(error: BaseException) -> bool:
    """Tell whether a request may succeed in a moment."""
    meaning = meaning_of(error)
    return meaning is not None and meaning.is_busy


def is_of_service(error: BaseException) -> bool:
    """Tell whether Cosmos DB gave an answer, and not another server at its address."""
    headers = getattr(getattr(error, "response", None), "headers", None)
    if headers is None:
        return True  # the client made the error up from an answer that it had read
    return any(name.lower().startswith("x-ms-") for name in headers)


def is_missing_item(error: BaseException) -> bool:
    """Tell whether an answer says that an item, and nothing else, does not exist."""
    return status_of(error) == 404 and substatus_of(error) == 0 and is_of_service(error)


def status_of(error: BaseException) -> int:
    """Return the HTTP status that an error stands for; 0: there was no reply."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else 0


def substatus_of(error: BaseException) -> int:
    """Return the sub-status of an answer, 0 where there is none."""
    try:
        return int(getattr(error, "sub_status", None) or 0)
    except (TypeError, ValueError):
        return 0
