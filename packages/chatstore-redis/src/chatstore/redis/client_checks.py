"""Checks of the clients that a caller passes in: their mode and their encoding."""

from __future__ import annotations

import codecs
import inspect
from typing import NoReturn

from chatstore.core import InvalidArgumentError
from chatstore.redis.server_mode import ServerMode
from chatstore.redis_scripts import ScriptClient


def check_client(
    client: object | None, server: str, *, is_async: bool = False
) -> ScriptClient | None:
    """Check a client of redis-py, or one that behaves like it, and wrap it.

    Args:
        client: The caller's client; for ``None``, the result is ``None``.
        server: The server, for messages.
        is_async: Whether the client must be one of ``redis.asyncio``.

    Raises:
        InvalidArgumentError: ``client`` is not such a client, or does not encode text in UTF-8.

    """
    if client is None:
        return None
    name, other = ("async_client", "client") if is_async else ("client", "async_client")
    expected = (
        "redis.asyncio.Redis or redis.asyncio.RedisCluster"
        if is_async
        else "redis.Redis or redis.RedisCluster"
    )
    execute = getattr(client, "execute_command", None)
    kind = f"{type(client).__module__}.{type(client).__qualname__}"
    if not callable(execute) or isinstance(client, type):
        raise InvalidArgumentError(f"{name} must be a {expected}, not {kind}")
    if _is_async(client) is not is_async:
        raise InvalidArgumentError(f"{name} must be a {expected}; pass this {kind} as {other}")
    if hasattr(client, "command_stack"):
        raise InvalidArgumentError(f"{name} must be a {expected}, not a pipeline")
    encoding = _encoding(client)
    if encoding is not None and codecs.lookup(encoding).name != "utf-8":
        raise InvalidArgumentError(f"{name} must encode text in UTF-8, not in {encoding}")
    from chatstore.redis.redis_py import AsyncRedisPyClient, RedisPyClient

    wrapper = AsyncRedisPyClient if is_async else RedisPyClient
    return wrapper(client, server, ServerMode(server))


def missing_client(name: str) -> NoReturn:
    """Raise `InvalidArgumentError`: the store has a client only for the other mode."""
    raise InvalidArgumentError(f"this call needs {name}; the store has a client of the other mode")


def _is_async(client: object) -> bool:
    """Return whether commands must be awaited; wrappers may hide that a method is a coroutine."""
    import redis  # already loaded by the caller, who has a client
    import redis.asyncio  # as above

    if isinstance(client, (redis.asyncio.Redis, redis.asyncio.RedisCluster)):
        return True
    if isinstance(client, (redis.Redis, redis.RedisCluster)):
        return False
    return inspect.iscoroutinefunction(getattr(client, "execute_command", None))


def _encoding(client: object) -> str | None:
    """Return the name of the client's encoding; ``None`` if it is unknown."""
    try:
        encoding = client.get_encoder().encoding  # type: ignore[attr-defined]
        codecs.lookup(encoding)
    except (AttributeError, TypeError, LookupError):
        return None
    return str(encoding)
