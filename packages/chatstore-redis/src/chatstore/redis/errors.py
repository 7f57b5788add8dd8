"""redis-py's errors as ours, with no more of their text than a secret could not be in."""

from __future__ import annotations

from chatstore.core import (
    ChatStoreError,
    CorruptStoreError,
    StoreAccessError,
    StoreUnavailableError,
)
from chatstore.core.pools import PoolTimeoutError
from chatstore.lua import judge_reply


def translate(error: Exception, place: str) -> ChatStoreError | None:
    """Return our error for one of redis-py's; ``None`` for any other."""
    import redis.exceptions  # noqa: PLC0415 - loaded by the first call

    unavailable = StoreUnavailableError
    known: tuple[tuple[type[Exception], type[ChatStoreError], str], ...] = (
        (redis.AuthenticationError, StoreAccessError, "the user or the password is refused"),
        (redis.TimeoutError, unavailable, "no answer in time"),
        (PoolTimeoutError, unavailable, "all connections are in use"),
        (redis.exceptions.MaxConnectionsError, unavailable, "all connections are in use"),
        (redis.exceptions.MovedError, *_judge("MOVED")),
        (redis.exceptions.BusyLoadingError, *_judge("LOADING")),
        (UnicodeDecodeError, CorruptStoreError, "a reply is not UTF-8: somebody else wrote it"),
    )
    for theirs, kind, text in known:
        if isinstance(error, theirs):
            return kind(f"{place}: {text}")
    if isinstance(error, redis.ResponseError):
        kind, text = _judge(_code(error) + str(error))
    elif isinstance(error, (redis.ConnectionError, redis.exceptions.RedisClusterException)):
        kind, text = _judge(str(error))
        text = "no connection" if kind is unavailable else text
    elif isinstance(error, redis.RedisError):
        kind, text = unavailable, f"an error of the client ({type(error).__name__})"
    else:
        return None
    return kind(f"{place}: {text}")


def _code(error: Exception) -> str:
    """Return the code that redis-py took out of the reply and made a class of."""
    codes = {
        "ReadOnlyError": "READONLY ",
        "OutOfMemoryError": "OOM ",
        "NoPermissionError": "NOPERM ",
    }
    return codes.get(type(error).__name__, "")


def _judge(reply: str) -> tuple[type[ChatStoreError], str]:
    verdict = judge_reply(reply)
    return verdict.error, verdict.text
