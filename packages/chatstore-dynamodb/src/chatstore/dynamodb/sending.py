"""Repeats harmless requests for a while when the service is busy or a connection breaks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from random import SystemRandom
from typing import Any

from chatstore.core import StoreUnavailableError
from chatstore.core.logs import log_retry
from chatstore.core.network_errors import is_timeout, is_unreachable
from chatstore.dynamodb.clients import Connection
from chatstore.dynamodb.errors import meaning_of

ATTEMPTS = 3
_FIRST_PAUSE = 0.05  # seconds
_LONGEST_PAUSE = 2.0
_random = SystemRandom()


def send(connection: Connection, server: str, action: str, **request: Any) -> Any:
    """Send a request that may take effect twice without harm, at most `ATTEMPTS` times."""
    pause = _FIRST_PAUSE
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return connection.send(action, **request)
        except Exception as error:
            meaning = meaning_of(error)
            # Where nothing listens, the caller decides how long to go on.
            is_worth_it = meaning is not None and meaning.is_busy and not is_unreachable(error)
            # One new connection shows whether only the old one was dead; more would wait longer.
            is_silent = is_timeout(error) and attempt > 1
            if attempt == ATTEMPTS or is_silent or not is_worth_it:
                raise
            reason = meaning.text if meaning else ""
        log_retry(server, reason, pause)
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
    message = (
        f"{server}: the throughput is used up, batches made no progress for {patience:g} s: raise "
        "the table's capacity, or pay by request"
    )
    raise StoreUnavailableError(message)
