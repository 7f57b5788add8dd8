"""redis-py's errors: what they mean to the caller, and about the connection.

redis-py's texts are never quoted: they may hold passwords, or what a user said.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chatstore.core import (
    ChatStoreError,
    CorruptStoreError,
    OutcomeUnknownError,
    StoreSetupError,
    StoreUnavailableError,
)
from chatstore.core.backend import (
    Health,
    PoolTimeoutError,
    is_unreachable,
    reason_of,
    wrapped_errors,
)
from chatstore.redis_scripts import Verdict, judge_reply

# The codes that redis-py takes out of a reply and makes a class of.
_CODES = {
    "ReadOnlyError": "READONLY",
    "OutOfMemoryError": "OOM",
    "NoPermissionError": "NOPERM",
    "BusyLoadingError": "LOADING",
    "MovedError": "MOVED",
    "AskError": "ASK",
    "TryAgainError": "TRYAGAIN",
    "ClusterDownError": "CLUSTERDOWN",
    "ClusterCrossSlotError": "CROSSSLOT",
    "MasterDownError": "MASTERDOWN",
    "ExternalAuthProviderError": "WRONGPASS",
    "AuthenticationWrongNumberOfArgsError": "WRONGPASS",
}
_REMEDIES = {
    "connection refused": "is the server running, and are host and port right?",
    "unknown host name": "check the host in redis_url",
    "the connection was closed before the answer": (
        "the server or a proxy was restarted, or it is not a Redis server: check host and port; a "
        "server that expects TLS needs rediss://"
    ),
    "No such file or directory": "check the path of the socket in redis_url",
    "no answer in time": "the server or the network is slow or down; see the option timeout",
}
_TLS_REMEDY = (
    "a server without TLS needs redis://; otherwise the certificate must be for this host name, "
    "and ssl_ca_certs=<file> must name the authority that issued it"
)
TLS_TIMEOUT = "no TLS handshake in time"
"""The text of the error of a connection whose handshake got no answer."""
_TLS_SILENCE = Verdict(
    StoreUnavailableError,
    "no answer to the TLS handshake in time; a server without TLS needs redis://",
    Health.OUTDATED,
)
_POOL = Verdict(
    StoreUnavailableError,
    "all connections are in use; raise max_connections, or make fewer calls at once",
)
_NOT_UTF8 = Verdict(
    CorruptStoreError, "a reply is not UTF-8 text: another program wrote into the store's keys"
)
_NOT_REDIS = Verdict(
    StoreSetupError,
    "the answer is not in Redis's protocol; check host and port (is it an HTTP server, or one that "
    "expects TLS and needs rediss://?)",
    Health.BROKEN,
)
_NO_NODE = Verdict(
    StoreUnavailableError,
    "no node of the cluster could be reached, or the cluster does not serve all slots",
    is_temporary=True,
)


def judge(error: BaseException) -> Verdict | None:
    """Return what an error of redis-py or of the pool means; ``None`` for any other."""
    import redis.exceptions  # noqa: PLC0415 - loaded by the first call

    if is_reply(error):
        return judge_reply(_with_code(error))
    judges: tuple[tuple[tuple[type[BaseException], ...], Callable[[Any], Verdict]], ...] = (
        ((PoolTimeoutError, redis.exceptions.MaxConnectionsError), lambda _: _POOL),
        ((UnicodeDecodeError,), lambda _: _NOT_UTF8),
        ((redis.exceptions.InvalidResponse,), lambda _: _NOT_REDIS),
        ((redis.exceptions.RedisClusterException,), _judge_cluster),
        ((redis.ConnectionError, redis.TimeoutError, OSError), _judge_silence),
        ((redis.RedisError,), _judge_other),
    )
    return next((judge(error) for kinds, judge in judges if isinstance(error, kinds)), None)


def translate(error: Exception, place: str, *, is_write: bool = False) -> ChatStoreError | None:
    """Return the store's error for one of redis-py's; ``None`` for any other.

    Args:
        error: What redis-py raised.
        place: The server, for the message.
        is_write: Whether the command would change something and may have been sent.

    """
    verdict = judge(error)
    if verdict is None:
        return None
    if is_write and may_have_acted(error):
        message = (
            f"{place}: {verdict.text}; the call may or may not have taken effect: read the "
            "conversation before you repeat it"
        )
        return OutcomeUnknownError(message)
    return verdict.error(f"{place}: {verdict.text}")


def is_reply(error: BaseException) -> bool:
    """Tell whether the server answered with an error: then it has not carried out the command."""
    import redis.exceptions  # noqa: PLC0415 - loaded by the first call

    kinds = (
        redis.ResponseError,
        redis.AuthenticationError,
        redis.exceptions.BusyLoadingError,
    )
    external = getattr(redis.exceptions, "ExternalAuthProviderError", None)
    if isinstance(error, kinds) or (external is not None and isinstance(error, external)):
        return True
    return isinstance(error, redis.ConnectionError) and "max number of clients" in str(error)


def may_have_acted(error: BaseException) -> bool:
    """Tell whether the server may have carried out a command that failed so."""
    import redis.exceptions  # noqa: PLC0415 - loaded by the first call

    lost = (redis.ConnectionError, redis.TimeoutError, OSError)
    never_sent = (PoolTimeoutError, redis.exceptions.MaxConnectionsError)
    return (
        isinstance(error, lost)
        and not isinstance(error, never_sent)
        and not is_reply(error)
        and not is_unreachable(error)
    )


def _judge_silence(error: BaseException) -> Verdict:
    """Judge a connection that was not made, or lost, or on which nothing came in time."""
    import redis.exceptions  # noqa: PLC0415 - loaded by the first call

    chain = list(wrapped_errors(error))
    # The parser's text; redis-py's asyncio connections wrap it in another error.
    if any(isinstance(one, redis.exceptions.InvalidResponse) for one in chain):
        return _NOT_REDIS
    if any(str(one) == TLS_TIMEOUT for one in chain):
        return _TLS_SILENCE
    reason = reason_of(error)
    if reason.startswith("no answer ("):  # redis-py raises its own error where nothing more came
        reason = "the connection was closed before the answer"
    if reason.startswith("TLS"):
        return Verdict(StoreUnavailableError, f"{reason}; {_TLS_REMEDY}", Health.BROKEN)
    if reason == "unknown host name":
        return Verdict(StoreUnavailableError, f"{reason}; {_REMEDIES[reason]}", Health.BROKEN)
    remedy = _REMEDIES.get(reason)
    text = reason if remedy is None else f"{reason}; {remedy}"
    return Verdict(StoreUnavailableError, text, Health.OUTDATED, is_temporary=True)


def _judge_cluster(error: BaseException) -> Verdict:
    """Judge what redis-py's cluster client raises when it cannot find out the nodes."""
    for one in wrapped_errors(error):
        if one is not error and is_reply(one):
            return judge_reply(_with_code(one))
    verdict = judge_reply(str(error))
    if verdict.error is not StoreUnavailableError:
        return verdict
    reason = reason_of(error)
    if reason.startswith("no answer ("):
        return _NO_NODE
    return _judge_silence(error)


def _judge_other(error: BaseException) -> Verdict:
    text = f"redis-py failed ({type(error).__name__})"
    return Verdict(StoreUnavailableError, text, Health.BROKEN)


def _with_code(error: BaseException) -> str:
    """Return a reply with the code that redis-py took away."""
    import redis  # noqa: PLC0415 - loaded by the first call

    code = _CODES.get(type(error).__name__, "")
    if not code and isinstance(error, redis.AuthenticationError):
        text = str(error)
        known = ("Authentication required", "password", "already authenticated")
        code = "" if any(words in text for words in known) else "WRONGPASS"
    return f"{code} {error}" if code else str(error)
