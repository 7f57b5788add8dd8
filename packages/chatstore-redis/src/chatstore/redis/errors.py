"""redis-py's errors: what they mean for the caller, and for the connection.

Messages never quote redis-py's texts, which may contain passwords or content.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from chatstore.core import CorruptStoreError, StoreSetupError, StoreUnavailableError
from chatstore.core.backend import (
    Health,
    PoolTimeoutError,
    Retryable,
    is_timeout,
    is_unreachable,
    reason_of,
    wrapped_errors,
)
from chatstore.redis_scripts import Attempt, ErrorRules, Script, Verdict, judge_reply
from chatstore.redis_scripts.errors import POOL_TIMEOUT, lacks_permission

# redis-py removes these codes from replies and raises classes instead.
_CODES = {
    "NoScriptError": "NOSCRIPT",
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
"""The text of the error if the TLS handshake got no answer."""
_NO_TLS_ANSWER = Verdict(
    StoreUnavailableError,
    "no answer to the TLS handshake in time; a server without TLS needs redis://",
    Health.OUTDATED,
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

# Redis before version 7 names only the line of a script.
_LINE = re.compile(r"user_script:(\d+)")
_DENIED = "can't run this command"
_CALL = re.compile(r"'([A-Z]{3,20})'")


class RedisErrors(ErrorRules):
    """What redis-py's errors mean."""

    def judge(self, error: BaseException, script: Script | None = None) -> Verdict | None:
        """See `judge`; the verdict names a command that the user may not call in the script."""
        named = None if script is None else _name_command(str(error), script)
        return named or judge(error)

    def may_have_acted(self, error: BaseException) -> bool:
        """Return whether the server may have run a command that was sent and failed like this."""
        import redis.exceptions  # loaded by the first call

        lost = (redis.ConnectionError, redis.TimeoutError, OSError)
        never_sent = (PoolTimeoutError, redis.exceptions.MaxConnectionsError)
        return (
            isinstance(error, lost)
            and not isinstance(error, never_sent)
            and not is_reply(error)
            and not is_unreachable(error)
        )

    def retryable(
        self, error: Exception, verdict: Verdict, attempt: Attempt, count: int
    ) -> Retryable | None:
        """Repeat a command if it was refused for now, or if its connection turned out useless."""
        # An idle connection may have been closed, or have lost its login, long ago.
        is_stale = attempt.was_reused and verdict.health is not Health.FINE
        if not verdict.is_temporary and not is_stale:
            return None
        # do not retry timeouts: it would double the wait
        if is_timeout(error) and not is_reply(error):
            return None
        is_first = count == 1
        reason = verdict.text.partition(";")[0]
        return Retryable(reason, 0.0 if is_first else None, is_free=is_first and is_stale)


def judge(error: BaseException) -> Verdict | None:
    """Return what an error of redis-py or of the pool means; ``None`` for any other error."""
    import redis.exceptions  # loaded by the first call

    if is_reply(error):
        return judge_reply(_with_code(error))
    judges: tuple[tuple[tuple[type[BaseException], ...], Callable[[Any], Verdict]], ...] = (
        ((PoolTimeoutError, redis.exceptions.MaxConnectionsError), lambda _: POOL_TIMEOUT),
        ((UnicodeDecodeError,), lambda _: _NOT_UTF8),
        ((redis.exceptions.InvalidResponse,), lambda _: _NOT_REDIS),
        ((redis.exceptions.RedisClusterException,), _judge_cluster),
        ((redis.ConnectionError, redis.TimeoutError, OSError), _judge_no_answer),
        ((redis.RedisError,), _judge_other),
    )
    return next((judge(error) for kinds, judge in judges if isinstance(error, kinds)), None)


def is_reply(error: BaseException) -> bool:
    """Return whether the error is a reply: then the server has not run the command."""
    import redis.exceptions  # loaded by the first call

    kinds = (
        redis.ResponseError,
        redis.AuthenticationError,
        redis.exceptions.BusyLoadingError,
    )
    external = getattr(redis.exceptions, "ExternalAuthProviderError", None)
    if isinstance(error, kinds) or (external is not None and isinstance(error, external)):
        return True
    return isinstance(error, redis.ConnectionError) and "max number of clients" in str(error)


def _judge_no_answer(error: BaseException) -> Verdict:
    """Judge a connection that could not be opened, was lost, or got no answer in time."""
    import redis.exceptions  # loaded by the first call

    chain = list(wrapped_errors(error))
    # redis-py's asyncio connections wrap the parser's error in another.
    if any(isinstance(one, redis.exceptions.InvalidResponse) for one in chain):
        return _NOT_REDIS
    if any(str(one) == TLS_TIMEOUT for one in chain):
        return _NO_TLS_ANSWER
    reason = reason_of(error)
    if reason.startswith("no answer ("):  # redis-py raises its own error at the end of a stream
        reason = "the connection was closed before the answer"
    if reason.startswith("TLS"):
        return Verdict(StoreUnavailableError, f"{reason}; {_TLS_REMEDY}", Health.BROKEN)
    if reason == "unknown host name":
        return Verdict(StoreUnavailableError, f"{reason}; {_REMEDIES[reason]}", Health.BROKEN)
    remedy = _REMEDIES.get(reason)
    text = reason if remedy is None else f"{reason}; {remedy}"
    return Verdict(StoreUnavailableError, text, Health.OUTDATED, is_temporary=True)


def _judge_cluster(error: BaseException) -> Verdict:
    """Judge an error of redis-py's cluster client, which could not learn the nodes."""
    for one in wrapped_errors(error):
        if one is not error and is_reply(one):
            return judge_reply(_with_code(one))
    verdict = judge_reply(str(error))
    if verdict.error is not StoreUnavailableError:
        return verdict
    reason = reason_of(error)
    if reason.startswith("no answer ("):
        return _NO_NODE
    return _judge_no_answer(error)


def _judge_other(error: BaseException) -> Verdict:
    text = f"redis-py failed ({type(error).__name__})"
    return Verdict(StoreUnavailableError, text, Health.BROKEN)


def _with_code(error: BaseException) -> str:
    """Return a reply with the code that redis-py removed."""
    import redis  # loaded by the first call

    code = _CODES.get(type(error).__name__, "")
    if not code and isinstance(error, redis.AuthenticationError):
        text = str(error)
        known = ("Authentication required", "password", "already authenticated")
        code = "" if any(words in text for words in known) else "WRONGPASS"
    return f"{code} {error}" if code else str(error)


def _name_command(reply: str, script: Script) -> Verdict | None:
    """Return a verdict that names the command that Redis before version 7 refused in a script."""
    line = _LINE.search(reply) if _DENIED in reply else None
    if line is None:
        return None
    lines = script.source.splitlines()
    number = int(line[1])
    call = _CALL.search(lines[number - 1]) if 0 < number <= len(lines) else None
    return None if call is None else lacks_permission(call[1])
