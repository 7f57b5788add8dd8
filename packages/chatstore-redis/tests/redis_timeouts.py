"""Connections that are open time out soon, and later ones after a minute.

So a test loses the answers that it wants to lose, and no others, however long the machine stalls.
"""

from __future__ import annotations

from typing import Any

from modes import AsyncCaller, Caller
from redis_interception import backend_of

from chatstore.redis import RedisChatStore

_SOON = 0.2  # seconds


def shorten_timeouts(store: RedisChatStore, call: Caller, count: int) -> None:
    """Let all open connections, at most ``count``, time out soon."""
    clients: Any = backend_of(store).clients
    if not isinstance(call, AsyncCaller):
        pool = clients.for_threads().pool
        sessions = [pool.acquire() for _ in range(count)]
        for session in sessions:
            session.connection._sock.settimeout(_SOON)
            session.connection._parser._socket_timeout = _SOON
            pool.release(session)
        return

    async def shorten() -> None:
        connections = await clients.for_loop()
        shared = connections._shared
        acquired = [await connections.pool.acquire() for _ in range(count - (shared is not None))]
        for session in acquired:
            session._protocol._timeout = _SOON
            connections.pool.release(session)
        if shared is not None:
            shared._protocol._timeout = _SOON

    call.run(shorten())
