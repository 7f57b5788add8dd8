"""Clients with which tests look at a server."""

from __future__ import annotations

from typing import Any

import redis


def connect(port: int) -> Any:
    """Return redis-py's client, untyped: its types are unions of all encodings and modes."""
    return redis.Redis(port=port)
