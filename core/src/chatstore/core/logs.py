"""The logger ``chatstore``: DEBUG for each call, WARNING for retries, reconnects and slow calls.

Log lines never contain content or secrets, and keys at DEBUG only.
"""

from __future__ import annotations

import logging

logger = logging.getLogger("chatstore")

SLOW_SECONDS = 1.0
"""A call that takes longer is logged as a warning."""


def log_call(operation: str, server: str, key: str | None, seconds: float) -> None:
    """Log a finished call."""
    if seconds >= SLOW_SECONDS:
        logger.warning("%s took %.1f s on %s", operation, seconds, server)
    if logger.isEnabledFor(logging.DEBUG):
        label = "" if key is None else f" key={key!r}"
        logger.debug("%s%s on %s: %.2f ms", operation, label, server, seconds * 1000)


def log_retry(server: str, reason: str, pause: float) -> None:
    """Log that a request will be repeated after ``pause`` seconds."""
    logger.warning("%s: %s; trying again in %.2f s", server, reason, pause)


def log_reconnect(server: str, reason: str) -> None:
    """Log that a request will be repeated at once on a new connection."""
    logger.warning("%s: %s; connecting again", server, reason)
