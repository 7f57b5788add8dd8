"""Checks of the clients that a caller passes in."""

from __future__ import annotations

from typing import Any, NoReturn

from chatstore.core import InvalidArgumentError
from chatstore.redis_scripts import ScriptClient
from chatstore.upstash.sdk import AsyncSdkClient, SdkClient


def check_client(
    client: object | None, timeout: float, *, is_async: bool = False
) -> ScriptClient | None:
    """Check a client of upstash-redis, wrap it, and give it timeouts if it has none.

    Args:
        client: The caller's client; for ``None``, the result is ``None``.
        timeout: Seconds to wait for a connection, and for each part of an answer.
        is_async: Whether the client must be one of ``upstash_redis.asyncio``.

    Raises:
        InvalidArgumentError: ``client`` is not one of upstash-redis, or is of the other mode.

    """
    if client is None:
        return None
    import httpx  # already loaded by the caller, who has a client

    name, other, expected = "client", "async_client", "upstash_redis.Redis"
    wrong: type[httpx.Client | httpx.AsyncClient] = httpx.AsyncClient
    right: type[httpx.Client | httpx.AsyncClient] = httpx.Client
    if is_async:
        name, other, expected = other, name, "upstash_redis.asyncio.Redis"
        wrong, right = right, wrong
    connections = _connections_of(client)
    if isinstance(connections, wrong):
        raise InvalidArgumentError(f"{name} must be an {expected}; pass this client as {other}")
    if not isinstance(connections, right) or not hasattr(client, "execute"):
        kind = f"{type(client).__module__}.{type(client).__qualname__}"
        raise InvalidArgumentError(f"{name} must be an {expected}, not {kind}")
    if connections.timeout == httpx.Timeout(None):
        connections.timeout = timeout
    return AsyncSdkClient(client, timeout) if is_async else SdkClient(client)


def missing_client(name: str) -> NoReturn:
    """Raise `InvalidArgumentError`: the store has a client only for the other mode."""
    raise InvalidArgumentError(f"this call needs {name}, or redis_url and redis_token")


def _connections_of(client: Any) -> Any:
    """Return the httpx client of a client of upstash-redis; ``None`` for anything else."""
    http = getattr(client, "_http", None)  # the SDK has no public option for timeouts
    return getattr(http, "_client", None)
