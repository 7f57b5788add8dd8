"""Errors of Upstash, its client and HTTP: what they mean for the caller.

Messages never quote answers, some of which repeat parts of commands, or URLs and headers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from chatstore.core import (
    CorruptStoreError,
    MessageTooLargeError,
    StoreAccessError,
    StoreClosedError,
    StoreFullError,
    StoreSetupError,
    StoreUnavailableError,
)
from chatstore.core.backend import Health, PoolTimeoutError, Retryable, reason_of
from chatstore.redis_scripts import Attempt, ErrorRules, Script, Verdict, judge_reply
from chatstore.redis_scripts.errors import POOL_TIMEOUT

_TOKEN = Verdict(
    StoreAccessError,
    "the token is refused; use the standard REST token that the console shows for this database",
)
_RATE = Verdict(
    StoreUnavailableError,
    "too many requests for the database's plan; make fewer at once, or change the plan",
    is_temporary=True,
)
_BUSY = Verdict(
    StoreUnavailableError, "the service or a proxy failed; try again later", is_temporary=True
)
_RECORD = Verdict(
    MessageTooLargeError, "a message's id or the key is longer than the database allows"
)
# Words of https://upstash.com/docs/redis/troubleshooting; all other errors are those of Redis.
_WORDS: tuple[tuple[str, Verdict], ...] = (
    (
        "max request size",
        Verdict(MessageTooLargeError, "a request or its answer exceeds Upstash's limit"),
    ),
    (
        "max single record size",
        Verdict(
            StoreFullError,
            "the conversation has reached the database's limit of a record; begin a new one, or "
            "change the plan",
        ),
    ),
    ("max key size", _RECORD),
    ("max member size", _RECORD),
    ("max field size", _RECORD),
    (
        "capacity quota exceeded",
        Verdict(StoreFullError, "the database has no room left; delete or expire conversations"),
    ),
    ("max requests limit", _RATE._replace(is_temporary=False)),
    ("max daily request", _RATE._replace(is_temporary=False)),
    ("max concurrent connections", _RATE),
    ("WRONGPASS", _TOKEN),
    ("NOAUTH", _TOKEN),
    ("Unauthorized", _TOKEN),
)
_REDIRECT = Verdict(
    StoreSetupError,
    "the server redirects to another address; redis_url must be the REST URL that the console "
    "shows for this database, with https://",
)
_NOT_FOUND = Verdict(
    StoreUnavailableError,
    "HTTP status 404; redis_url must be the REST URL that the console shows for this database",
)
_STATUSES: dict[int, Verdict] = {
    401: _TOKEN,
    403: Verdict(
        StoreAccessError, "access is refused; check the token and the database's allowed addresses"
    ),
    404: _NOT_FOUND,
    413: Verdict(MessageTooLargeError, "a request exceeds Upstash's limit"),
    429: _RATE,
}
_UNFIT_STATUSES = {404, 405, 413}  # a proxy without pipelines, or with a lower limit
_FOREIGN = Verdict(
    StoreUnavailableError,
    "the answer is not one of Upstash's REST API; a proxy may have answered, or redis_url is not "
    "the REST URL that the console shows for this database",
)
_NOT_UTF8 = Verdict(
    CorruptStoreError, "an answer is not UTF-8 text: another program wrote into the store's keys"
)
_TIMEOUT = Verdict(
    StoreUnavailableError,
    "no answer in time; the service or the network is slow or down; see the option timeout",
    Health.OUTDATED,
)
_REMEDIES = {
    "connection refused": "check host and port in redis_url",
    "unknown host name": "check the host in redis_url; was the database deleted?",
    "the connection was closed before the answer": "the service or a proxy may have been restarted",
}
_TLS_REMEDY = "a proxy without TLS needs http:// or upstash+http://"


class ForeignAnswerError(Exception):
    """The answer does not come from Upstash's REST API."""


class CommandError(Exception):
    """The database refused a command, or all commands of a request; the text is its answer."""


class UpstashErrors(ErrorRules):
    """What errors of upstash-redis and httpx mean."""

    def judge(
        self,
        error: BaseException,
        script: Script | None = None,  # noqa: ARG002 - errors name the commands
    ) -> Verdict | None:
        """See `judge`."""
        return judge(error)

    def may_have_acted(self, error: BaseException) -> bool:
        """Return whether the database may have carried out a request that failed like this."""
        import httpx  # loaded by the first call

        if isinstance(error, httpx.HTTPStatusError):
            return error.response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR
        never_sent = (
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.PoolTimeout,
            httpx.UnsupportedProtocol,
            httpx.ProxyError,
        )
        sent = (httpx.TransportError, ForeignAnswerError, httpx.DecodingError)
        return isinstance(error, sent) and not isinstance(error, never_sent)

    def retryable(
        self,
        error: Exception,
        verdict: Verdict,
        attempt: Attempt,  # noqa: ARG002 - httpx does not expose whether a connection is new
        count: int,
    ) -> Retryable | None:
        """Repeat a request after a temporary failure, with the pause that the service requests."""
        if not verdict.is_temporary:
            return None
        # A connection may have been closed while it was idle: one more attempt is always made.
        is_free = count == 1 and verdict.health is Health.BROKEN
        return Retryable(verdict.text.partition(";")[0], _retry_after(error), is_free=is_free)


def judge(error: BaseException) -> Verdict | None:
    """Return what an error of Upstash or of HTTP means; ``None`` for any other error."""
    import httpx  # loaded by the first call

    judges: tuple[tuple[tuple[type[BaseException], ...], Callable[[Any], Verdict]], ...] = (
        (_command_errors(), lambda error: _judge_words(str(error))),
        ((httpx.HTTPStatusError,), lambda error: _judge_status(error.response.status_code)),
        ((httpx.PoolTimeout, PoolTimeoutError), lambda _: POOL_TIMEOUT),
        ((httpx.TimeoutException,), lambda _: _TIMEOUT),
        ((UnicodeDecodeError,), lambda _: _NOT_UTF8),
        ((ForeignAnswerError, httpx.DecodingError), lambda _: _FOREIGN),
        ((httpx.HTTPError, httpx.InvalidURL), _judge_no_answer),
    )
    verdict = next((judge(error) for kinds, judge in judges if isinstance(error, kinds)), None)
    if verdict is None and isinstance(error, RuntimeError) and "has been closed" in str(error):
        return Verdict(StoreClosedError, "the client was closed")
    return verdict


def is_refused_as_a_whole(error: Exception) -> bool:
    """Return whether one command of a pipeline, or the pipeline itself, may be the cause."""
    import httpx  # loaded by the first call

    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in _UNFIT_STATUSES
    return isinstance(error, CommandError)


def _command_errors() -> tuple[type[Exception], ...]:
    """Return the errors of refused commands: the store's, and that of a caller's client."""
    sdk = sys.modules.get("upstash_redis.errors")  # a store without such a client does not load it
    return (CommandError,) if sdk is None else (CommandError, sdk.UpstashError)


def _judge_words(answer: str) -> Verdict:
    for words, verdict in _WORDS:
        if words in answer:
            return verdict
    return judge_reply(answer)


def _judge_status(status: int) -> Verdict:
    if status in _STATUSES:
        return _STATUSES[status]
    if 300 <= status < 400:
        return _REDIRECT
    if status >= 500:
        return _BUSY._replace(text=f"HTTP status {status}: {_BUSY.text}")
    return _FOREIGN._replace(text=f"HTTP status {status}: {_FOREIGN.text}")


def _judge_no_answer(error: BaseException) -> Verdict:
    import httpx  # loaded by the first call

    reason = reason_of(error)
    if isinstance(error, (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)):
        reason = "the connection was closed before the answer"
    elif reason.startswith("no answer (Connect"):
        reason = "no connection"  # the innermost error has no details
    remedy = _TLS_REMEDY if reason.startswith("TLS") else _REMEDIES.get(reason)
    text = reason if remedy is None else f"{reason}; {remedy}"
    if reason != "no connection" and isinstance(error, httpx.ConnectError):
        text = f"no connection: {text}"
    is_broken = not reason.startswith("TLS") and reason != "unknown host name"
    return Verdict(StoreUnavailableError, text, Health.BROKEN, is_temporary=is_broken)


def _retry_after(error: Exception) -> float | None:
    """Return the seconds in the header Retry-After, if the answer has it."""
    headers = getattr(getattr(error, "response", None), "headers", {})
    try:
        return max(0.0, float(headers.get("Retry-After", "")))
    except ValueError:
        return None
