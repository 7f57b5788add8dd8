"""Connections of asyncpg, to a server or to a pooler in front of one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg  # type: ignore[import-untyped]


def connector(dsn: str, timeout: float) -> Callable[[], Awaitable[Any]]:
    """Return what opens connections, after a look at what is at the other end."""
    known: dict[str, Any] = {}

    async def connect() -> Any:
        options = known or await _options(dsn, timeout)
        connection = await asyncpg.connect(dsn, **options)
        known.update(options)
        return connection

    return connect


async def _options(dsn: str, timeout: float) -> dict[str, Any]:
    bounds: dict[str, Any] = {"timeout": timeout, "command_timeout": timeout}
    probe = await asyncpg.connect(dsn, statement_cache_size=0, **bounds)
    try:
        is_direct = await probe.fetchval("SELECT pg_backend_pid()") == probe.get_server_pid()
    finally:
        await probe.close(timeout=timeout)
    # A pooler that stands between lends a server's connection for one transaction. A statement
    # without a name is used while it is lent, and leaves nothing behind.
    return bounds if is_direct else {**bounds, "statement_cache_size": 0}
