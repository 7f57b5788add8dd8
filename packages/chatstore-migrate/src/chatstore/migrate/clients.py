"""Check the clients that readers are given, before anything is read."""

from __future__ import annotations

from typing import Any

from chatstore.core import InvalidArgumentError
from chatstore.core.foreign import full_name


def check_client(client: object, name: str, methods: tuple[str, ...], expected: str) -> Any:
    """Return a sync client.

    Args:
        client: The client to check.
        name: The name of the parameter, for the message.
        methods: The attributes that the client must have.
        expected: What the parameter takes, for the message: ``"a sync client of redis-py"``.

    Raises:
        InvalidArgumentError: `client` is something else, such as a URL or an async client.

    """
    kind = type(client)
    module = kind.__module__
    is_async = ".aio" in module or "asyncio" in module or kind.__name__.startswith("Async")
    if is_async or not all(hasattr(client, method) for method in methods):
        raise InvalidArgumentError(f"{name} must be {expected}, not {full_name(client)}")
    return client
