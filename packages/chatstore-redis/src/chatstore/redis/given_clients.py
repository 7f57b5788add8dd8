"""Check the clients that a caller brings: their mode and their encoding."""

from __future__ import annotations

import codecs
import inspect

from chatstore.core import InvalidArgumentError


def check_client(client: object, name: str, *, is_async: bool) -> None:
    """Check a client of redis-py, or one that behaves like it.

    Args:
        client: What the caller gave.
        name: The parameter.
        is_async: Whether the client must be one of `redis.asyncio`.

    Raises:
        InvalidArgumentError: It is not such a client, or encodes text otherwise than in UTF-8.

    """
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
        other = "redis_client" if is_async else "async_redis_client"
        raise InvalidArgumentError(f"{name} must be a {expected}; give this {kind} as {other}")
    if hasattr(client, "command_stack"):
        raise InvalidArgumentError(f"{name} must be a {expected}, not a pipeline")
    encoding = _encoding(client)
    if encoding is not None and codecs.lookup(encoding).name != "utf-8":
        raise InvalidArgumentError(f"{name} must encode text in UTF-8, not in {encoding}")


def _is_async(client: object) -> bool:
    """Tell whether commands must be awaited; wrappers may hide that their method is a coroutine."""
    import redis  # noqa: PLC0415 - loaded, as there is a client
    import redis.asyncio  # noqa: PLC0415 - as above

    if isinstance(client, (redis.asyncio.Redis, redis.asyncio.RedisCluster)):
        return True
    if isinstance(client, (redis.Redis, redis.RedisCluster)):
        return False
    return inspect.iscoroutinefunction(getattr(client, "execute_command", None))


def _encoding(client: object) -> str | None:
    """Return the name of the client's encoding, where it tells."""
    try:
        encoding = client.get_encoder().encoding  # type: ignore[attr-defined]
        codecs.lookup(encoding)
    except (AttributeError, TypeError, LookupError):
        return None
    return str(encoding)
