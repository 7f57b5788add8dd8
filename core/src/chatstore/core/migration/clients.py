"""Checks of the clients that sources are given, before anything is read."""

from __future__ import annotations

from typing import Any

from chatstore.core.errors import InvalidArgumentError


def check_client(client: object, name: str, methods: tuple[str, ...], expected: str) -> Any:
    """Return a sync client.

    Args:
        client: What the caller passed.
        name: The parameter's name.
        methods: What the client must have.
        expected: What the parameter takes, for the message: ``"a sync client of redis-py"``.

    Raises:
        InvalidArgumentError: It is something else, a URL for example, or an async client.

    """
    kind = type(client)
    module = kind.__module__
    is_async = ".aio" in module or "asyncio" in module or kind.__name__.startswith("Async")
    if is_async or not all(hasattr(client, method) for method in methods):
        raise InvalidArgumentError(f"{name} must be {expected}, not {module}.{kind.__qualname__}")
    return client
