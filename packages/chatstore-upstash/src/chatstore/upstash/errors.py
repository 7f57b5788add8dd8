"""The errors of Upstash, of its client and of HTTP as ours.

None of ours quotes an answer: Redis repeats parts of a command in some errors. The original is
the cause.
"""

from __future__ import annotations

from chatstore.core import (
    ChatStoreError,
    MessageTooLargeError,
    StoreAccessError,
    StoreClosedError,
    StoreFullError,
    StoreUnavailableError,
)
from chatstore.lua import judge_reply

# Words of https://upstash.com/docs/redis/troubleshooting; others are Redis's own.
_KINDS: tuple[tuple[str, type[ChatStoreError], str], ...] = (
    ("max request size", MessageTooLargeError, "a request or its answer is above its limit"),
    ("max single record size", StoreFullError, "a conversation has reached the record limit"),
    ("max key size", MessageTooLargeError, "a key is above the limit"),
    ("max member size", MessageTooLargeError, "a message's id is above the limit"),
    ("max field size", MessageTooLargeError, "a message's id is above the limit"),
    ("capacity quota exceeded", StoreFullError, "the database has no room left"),
    ("WRONGPASS", StoreAccessError, "the token is refused"),
    ("NOAUTH", StoreAccessError, "the token is refused"),
    ("Unauthorized", StoreAccessError, "the token is refused"),
)
_STATUSES: dict[int, tuple[type[ChatStoreError], str]] = {
    401: (StoreAccessError, "the token is refused"),
    403: (StoreAccessError, "access is refused"),
    413: (MessageTooLargeError, "a request is above its limit"),
    429: (StoreUnavailableError, "too many requests"),
}


def translate(error: Exception, host: str) -> ChatStoreError | None:
    """Return our error for one of Upstash's or of HTTP; ``None`` for any other."""
    import httpx  # noqa: PLC0415 - it is loaded by the first call
    from upstash_redis.errors import UpstashError  # noqa: PLC0415

    if isinstance(error, UpstashError):
        kind, text = _by_words(str(error))
    elif isinstance(error, httpx.HTTPStatusError):
        status = error.response.status_code
        kind, text = _STATUSES.get(status, (StoreUnavailableError, f"HTTP status {status}"))
    elif isinstance(error, httpx.TimeoutException):
        kind, text = StoreUnavailableError, f"no answer in time ({type(error).__name__})"
    elif isinstance(error, (httpx.HTTPError, httpx.InvalidURL)):
        kind, text = StoreUnavailableError, f"no connection ({type(error).__name__})"
    elif isinstance(error, RuntimeError) and "client has been closed" in str(error):
        kind, text = StoreClosedError, "the client was closed"
    else:
        return None
    return kind(f"{host}: {text}")


def _by_words(answer: str) -> tuple[type[ChatStoreError], str]:
    for words, kind, text in _KINDS:
        if words in answer:
            return kind, text
    verdict = judge_reply(answer)
    return verdict.error, verdict.text
