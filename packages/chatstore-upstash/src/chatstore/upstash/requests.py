"""Requests: their encoding and the limit of their size, and unexpected answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic_core import to_json

from chatstore.core import MessageTooLargeError
from chatstore.redis_scripts import Command, ScanPage
from chatstore.upstash.errors import ForeignAnswerError

MAX_REQUEST_BYTES = 10 * 1024 * 1024
"""The limit of a request, and of an answer, that every plan allows; some plans allow more.

https://upstash.com/docs/redis/troubleshooting/max_request_size_exceeded and
https://upstash.com/docs/redis/overall/billing; the service's errors say 10485760 bytes.
"""
_MAX_BYTES_PER_CHARACTER = 6  # JSON's \u0000
_SCAN_REPLY = 2  # the next cursor, and keys
# What upstash-redis raises for an answer that does not come from Upstash.
_UNREADABLE = (ValueError, AttributeError, KeyError, TypeError, AssertionError)


def encode(words: object) -> bytes:
    """Return a command, or several, as JSON.

    Raises:
        MessageTooLargeError: The request exceeds `MAX_REQUEST_BYTES`.

    """
    body = to_json(words)
    if len(body) > MAX_REQUEST_BYTES:
        raise MessageTooLargeError(
            f"a request of {len(body)} bytes exceeds Upstash's limit of {MAX_REQUEST_BYTES}"
        )
    return body


def check_size(command: Command) -> None:
    """Refuse a command that the service would refuse, before a client of upstash-redis sends it.

    Raises:
        MessageTooLargeError: The request exceeds `MAX_REQUEST_BYTES`.

    """
    most = sum(map(len, command)) * _MAX_BYTES_PER_CHARACTER + 3 * len(command)
    if most > MAX_REQUEST_BYTES:
        encode(command)


@contextmanager
def foreign_answers() -> Iterator[None]:
    """Raise `ForeignAnswerError` for what upstash-redis cannot read."""
    try:
        yield
    except UnicodeDecodeError:
        raise
    except _UNREADABLE as error:
        raise ForeignAnswerError from error


def read_scan(reply: Any) -> ScanPage:
    """Parse the reply to SCAN.

    Raises:
        ForeignAnswerError: ``reply`` does not have the form of such a reply.

    """
    if not isinstance(reply, (list, tuple)) or len(reply) != _SCAN_REPLY:
        raise ForeignAnswerError
    cursor, names = reply
    return ScanPage(str(cursor) if int(cursor) else None, names)
