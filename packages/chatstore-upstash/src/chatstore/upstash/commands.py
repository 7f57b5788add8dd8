"""Commands over REST: scripts by their hash, sent again where a connection broke."""

from __future__ import annotations

import inspect
import json
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from chatstore.core import MessageTooLargeError, OutcomeUnknownError
from chatstore.core.backend import Health, Plan, call
from chatstore.core.logs import log_retry
from chatstore.redis_scripts import Meanwhile, Script
from chatstore.upstash.errors import (
    ForeignAnswerError,
    judge,
    may_have_acted,
    outcome_unknown,
    translate,
)

MAX_REQUEST_BYTES = 10 * 1024 * 1024
"""Of one request, and of one answer, on every plan; some allow more.

https://upstash.com/docs/redis/troubleshooting/max_request_size_exceeded and
https://upstash.com/docs/redis/overall/billing; errors of the service say 10485760 bytes.
"""

_FIRST_PAUSE = 0.02  # seconds; doubled after each sending
_LONGEST_PAUSE = 0.3
_SCAN_REPLY = 2  # the next cursor, and keys
_MOST_BYTES_A_CHARACTER = 6  # JSON's \u0000


class Commands:
    """What the scripts' plans call, over one client of either mode.

    A command whose connection broke, or that the service cannot serve at the moment, is sent again
    for the store's patience: the scripts recognise a call that they have carried out. A command
    that was refused, or not answered in time, is not.
    """

    def __init__(
        self,
        client: Any,
        drive: Callable[[Plan[Any], Any], Any],
        sleep: Callable[[float], Any],
        patience: float,
        host: str = "Upstash",
    ) -> None:
        """Take a client, the driver and the sleep of its mode, the patience and the host."""
        self._client = client
        self._drive = drive
        self._sleep = sleep
        self._patience = patience
        self._host = host

    def run(
        self,
        script: Script,
        keys: Sequence[str],
        args: Sequence[str],
        meanwhile: Meanwhile = None,  # noqa: ARG002 - the SDK's client does nothing in between
    ) -> Any:
        """Run a script."""
        return self._drive(self._running(script, keys, args), self._client)

    def scan(self, cursor: str | None, match: str, count: int) -> Any:
        """Return the next cursor, ``None`` at the end, and the keys of a step."""
        return self._drive(self._scanning(cursor, match, count), self._client)

    def _running(self, script: Script, keys: Sequence[str], args: Sequence[str]) -> Plan[Any]:
        from upstash_redis.errors import UpstashError  # noqa: PLC0415 - loaded by the first call

        rest = [str(len(keys)), *keys, *args]
        by_hash = ["EVALSHA", script.sha, *rest]
        try:
            return (yield from self._sending(by_hash, is_write=script.writes))
        except UpstashError:  # the database does not know the script
            whole = ["EVAL", script.source, *rest]
        return (yield from self._sending(whole, is_write=script.writes))

    def _scanning(
        self, cursor: str | None, match: str, count: int
    ) -> Plan[tuple[str | None, list[str]]]:
        command = ["SCAN", cursor or "0", "MATCH", match, "COUNT", str(count)]
        reply = yield from self._sending(command, is_write=False)
        if not isinstance(reply, (list, tuple)) or len(reply) != _SCAN_REPLY:
            raise translate_foreign(self._host)
        following, keys = reply
        return (str(following) if int(following) else None), keys

    def _sending(self, command: list[str], *, is_write: bool) -> Plan[Any]:
        """Send a command until it is answered.

        Raises:
            UpstashError: The database does not know the script.
            ChatStoreError: The command failed for good.

        """
        _check_size(command)
        begin = time.monotonic()
        may_have_been_carried_out = False
        count = 0
        while True:
            try:
                return (yield from call(lambda client: _execute(client, command)))
            except Exception as error:
                if "NOSCRIPT" in str(error):
                    raise
                verdict = judge(error)
                if verdict is None:
                    raise
                may_have_been_carried_out |= may_have_acted(error)
                pause = _pause(error, count)
                is_late = time.monotonic() - begin + pause > self._patience
                # A connection may have been closed while it was idle: one more try is free.
                is_free = count == 0 and verdict.health is Health.BROKEN
                is_last = not verdict.is_temporary or (is_late and not is_free)
                if is_last:
                    failure = translate(error, self._host, is_write=is_write)
                    assert failure is not None  # there is a verdict
                    is_unknown = is_write and may_have_been_carried_out
                    if is_unknown and not isinstance(failure, OutcomeUnknownError):
                        failure = outcome_unknown(str(failure))
                    raise failure from error
                reason = verdict.text.partition(";")[0]
            count += 1
            log_retry(self._host, reason, pause)
            yield from call(lambda _: self._sleep(pause))  # noqa: B023 - called at once


def translate_foreign(host: str) -> Exception:
    """Return the error for an answer that is not Upstash's."""
    failure = translate(ForeignAnswerError(), host)
    assert failure is not None  # it has a verdict
    return failure


def _execute(client: Any, command: list[str]) -> Any:
    """Execute a command; what the SDK cannot read is another server's answer."""
    try:
        reply = client.execute(command)
    except _UNREADABLE as error:
        raise _foreign(error) from error
    return _awaited(reply) if inspect.isawaitable(reply) else reply


async def _awaited(reply: Any) -> Any:
    try:
        return await reply
    except _UNREADABLE as error:
        raise _foreign(error) from error


# What the SDK does with an answer of something other than Upstash.
_UNREADABLE = (ValueError, AttributeError, KeyError, TypeError, AssertionError)


def _foreign(error: Exception) -> Exception:
    return error if isinstance(error, UnicodeDecodeError) else ForeignAnswerError()


def _pause(error: Exception, count: int) -> float:
    """Return the seconds to wait: what the service asks for, or a growing random time."""
    most = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**count)
    response = getattr(error, "response", None)
    headers = getattr(response, "headers", {})
    try:
        return max(0.0, float(headers.get("Retry-After", "")))
    except ValueError:
        return random.uniform(most / 2, most)


class Finishing:
    """An async client whose requests end before their calls are cancelled.

    A request that has begun may take effect: nobody should go on before it has, or has not.
    """

    def __init__(self, client: Any, timeout: float) -> None:
        """Take the client, and the seconds after which a request is given up all the same."""
        self._client = client
        self._timeout = timeout

    async def execute(self, command: list[str]) -> Any:
        """Execute a command."""
        import asyncio  # noqa: PLC0415 - a sync program never loads it

        request = asyncio.ensure_future(self._client.execute(command))
        try:
            return await asyncio.shield(request)
        except asyncio.CancelledError:
            end = time.monotonic() + self._timeout
            while not request.done() and (left := end - time.monotonic()) > 0:
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([request], timeout=left)
            if not request.cancel() and not request.cancelled():
                request.exception()  # seen: the caller gets the cancellation instead
            raise


def _check_size(command: list[str]) -> None:
    """Refuse what the service would refuse, before it is sent."""
    if sum(map(len, command)) * _MOST_BYTES_A_CHARACTER + 3 * len(command) <= MAX_REQUEST_BYTES:
        return
    size = len(json.dumps(command, ensure_ascii=False, separators=(",", ":")).encode())
    if size > MAX_REQUEST_BYTES:
        raise MessageTooLargeError(
            f"a request of {size} bytes is above Upstash's limit of {MAX_REQUEST_BYTES}"
        )
