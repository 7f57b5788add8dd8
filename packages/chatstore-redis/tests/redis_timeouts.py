"""Connections that are open time out soon, and later ones after a minute.

So a test loses the answers that it wants to lose, and no others, however long the machine stalls.
"""

from __future__ import annotations

from typing import Any

from modes import AsyncCaller, Caller
from redis_interception import backend_of

from chatstore.redis import RedisChatStore
from chatstore.redis.sessions import RedisSession

_SOON = 0.2  # seconds


def shorten_timeouts(store: RedisChatStore, call: Caller, count: int) -> None:
    """Let all open connections, at most ``count``, time out soon."""
    pool = pool_of(store, call)
    if isinstance(call, AsyncCaller):

        async def acquire_all() -> list[Any]:
            return [await pool.acquire() for _ in range(count)]

        sessions = call.run(acquire_all())
    else:
        sessions = [pool.acquire() for _ in range(count)]
    for session in sessions:
        session._timeout = _SOON
        if isinstance(session, RedisSession):
            session.connection._sock.settimeout(_SOON)
            session.connection._parser._buffer.socket_timeout = _SOON

    async def release_all() -> None:
        for session in sessions:
            pool.release(session)

    call.run(release_all())


def pool_of(store: RedisChatStore, call: Caller) -> Any:
    """Return the pool of a caller's mode."""
    clients = backend_of(store).clients
    client: Any = (
        call.run(clients.for_loop()) if isinstance(call, AsyncCaller) else clients.for_threads()
    )
    return client.pool
