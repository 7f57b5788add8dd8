"""Commands over REST: scripts by their hash, sent again where a connection broke."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from chatstore.core import CorruptStoreError, MessageTooLargeError, StoreUnavailableError
from chatstore.core.plans import Plan, call
from chatstore.lua import Meanwhile, Script

MAX_REQUEST_BYTES = 10 * 1024 * 1024
"""Of one request, and of one answer, on every plan; some allow more.

https://upstash.com/docs/redis/troubleshooting/max_request_size_exceeded and
https://upstash.com/docs/redis/overall/billing; errors of the service say 10485760 bytes.
"""

_MOST_SENDINGS = 6
_FIRST_PAUSE = 0.02  # seconds; doubled after each sending
_MOST_BYTES_A_CHARACTER = 6  # JSON's \u0000


class Commands:
    """What the scripts' plans call, over one client of either colour.

    A command whose connection broke is sent again, for at most ``timeout`` seconds: the scripts
    recognise an operation that they have carried out. A command that was refused, or not
    answered in time, is not.
    """

    def __init__(
        self,
        client: Any,
        drive: Callable[[Plan[Any], Any], Any],
        sleep: Callable[[float], Any],
        timeout: float,
    ) -> None:
        """Take a client, and the driver and the sleep of its colour."""
        self._client = client
        self._drive = drive
        self._sleep = sleep
        self._timeout = timeout

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
        try:
            return (yield from self._sending(["EVALSHA", script.sha, *rest]))
        except UpstashError as error:
            if "NOSCRIPT" not in str(error):
                raise
        return (yield from self._sending(["EVAL", script.source, *rest]))

    def _scanning(
        self, cursor: str | None, match: str, count: int
    ) -> Plan[tuple[str | None, list[str]]]:
        command = ["SCAN", cursor or "0", "MATCH", match, "COUNT", str(count)]
        following, keys = yield from self._sending(command)
        return (str(following) if int(following) else None), keys

    def _sending(self, command: list[str]) -> Plan[Any]:
        import httpx  # noqa: PLC0415 - loaded by the first call

        _check_size(command)
        begin = time.monotonic()
        for sending in range(_MOST_SENDINGS):
            try:
                return (yield from call(lambda client: client.execute(command)))
            except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
                is_late = time.monotonic() - begin > self._timeout
                if is_late or sending == _MOST_SENDINGS - 1:
                    raise
            except UnicodeDecodeError as error:
                message = "an answer is not UTF-8: something else wrote into the store's keys"
                raise CorruptStoreError(message) from error
            # What the client does with an answer of something other than Upstash.
            except (ValueError, AttributeError, KeyError, TypeError, AssertionError) as error:
                message = "an answer is none of Upstash's REST API"
                raise StoreUnavailableError(message) from error
            yield from self._pausing(_FIRST_PAUSE * 2**sending)
        raise AssertionError  # the last sending returns or raises

    def _pausing(self, most: float) -> Plan[None]:
        pause = random.uniform(most / 2, most)
        yield from call(lambda _: self._sleep(pause))


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
        message = f"a request of {size} bytes is above Upstash's limit of {MAX_REQUEST_BYTES}"
        raise MessageTooLargeError(message)
