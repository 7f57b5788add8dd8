"""Repeats harmless requests for a while when the service is busy or a connection breaks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from random import SystemRandom
from typing import Any

from chatstore.core import StoreUnavailableError
from chatstore.core.backend import is_timeout, is_unreachable
from chatstore.core.logs import log_retry
from chatstore.dynamodb.clients import Connection
from chatstore.dynamodb.errors import Meaning, meaning_of

ATTEMPTS = 3
_FIRST_PAUSE = 0.05  # seconds
_LONGEST_PAUSE = 2.0
_random = SystemRandom()


def send(connection: Connection, server: str, action: str, **request: Any) -> Any:
    """Send a request that may take effect twice without harm, at most `ATTEMPTS` times."""
    return _send(connection, server, action, request, lambda meaning: meaning.is_busy)


def send_once(connection: Connection, server: str, action: str, **request: Any) -> Any:
    """Send a request again only where the answer says that it had no effect."""
    return _send(connection, server, action, request, lambda meaning: meaning.is_without_effect)


def _send(
    connection: Connection,
    server: str,
    action: str,
    request: dict[str, Any],
    is_repeatable: Callable[[Meaning], bool],
) -> Any:
    pause = _FIRST_PAUSE
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return connection.send(action, **request)
        except Exception as error:
            meaning = meaning_of(error)
            # Where nothing listens, the caller decides how long to go on.
            if meaning is None or not is_repeatable(meaning) or is_unreachable(error):
                raise
            # One new connection shows whether only the old one was dead; more would wait longer.
            if attempt == ATTEMPTS or (is_timeout(error) and attempt > 1):
                raise
        log_retry(server, meaning.text, pause)
        time.sleep(pause * _random.uniform(0.5, 1))
        pause *= 2
    raise AssertionError  # the last attempt returns or raises


def pauses(server: str, patience: float) -> Iterator[None]:
    """Sleep longer each time, with jitter.

    Raises:
        StoreUnavailableError: `patience` seconds have passed without progress.

    """
    pause = _FIRST_PAUSE
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        time.sleep(pause * _random.uniform(0.5, 1))
        yield
        pause = min(pause * 2, _LONGEST_PAUSE)
    raise StoreUnavailableError(
        f"{server}: the throughput is used up, batches made no progress for {patience:g} s: raise "
        "the table's capacity, or pay by request"
    )
