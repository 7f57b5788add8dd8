"""``open_store``: open a store by its URL."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from chatstore.core.errors import InvalidArgumentError, UnknownSchemeError
from chatstore.core.store import ChatStore

GROUP = "chatstore.backends"
_DISTRIBUTIONS = {
    "sqlite": "chatstore-sqlite",
    "redis": "chatstore-redis",
    "rediss": "chatstore-redis",
    "upstash": "chatstore-upstash",
    "postgres": "chatstore-postgres",
    "postgresql": "chatstore-postgres",
    "dynamodb": "chatstore-dynamodb",
    "azure-tables": "chatstore-azure",
    "cosmos": "chatstore-cosmos",
}
# What other libraries call these databases.
_ALIASES = {
    "sqlite3": "sqlite",
    "postgres": "postgresql",
    "pg": "postgresql",
    "psql": "postgresql",
    "pgsql": "postgresql",
    "cosmosdb": "cosmos",
    "azure": "azure-tables",
    "valkey": "redis",
    "valkeys": "rediss",
}
_HINTS = {
    "redis+sentinel": (
        "for Sentinel, pass a client: RedisChatStore(client=sentinel.master_for(name))"
    ),
    "redis+cluster": "use redis://…?cluster=true",
    "redis+unix": "use unix:///path/to/socket",
}


def open_store(url: str, **options: Any) -> ChatStore:
    """Open the store that a URL names; the scheme selects the backend.

    ``memory://`` and ``file:///chat.json`` are built in. Other schemes come from installed
    distributions, which register them as entry points of the group ``chatstore.backends``.

    Args:
        url: The URL, such as ``redis://localhost:6379?ttl=3600``.
        options: Options of the store's ``from_url``; they override the URL's. They take what a
            URL cannot hold, such as a client.

    Raises:
        UnknownSchemeError: No installed distribution opens such URLs; the message says which
            package to install.
        InvalidArgumentError: The URL is not valid, or the store does not have one of the options;
            the message lists those that it has.

    """
    # Reading metadata takes time that importing this package should not cost.
    from importlib.metadata import entry_points

    scheme = url.partition(":")[0].lower() if isinstance(url, str) and "://" in url else ""
    if not scheme:
        raise InvalidArgumentError(
            "not a URL of a store, such as sqlite:///chat.db or redis://localhost:6379"
        )
    installed = {entry.name: entry for entry in entry_points(group=GROUP)}
    if scheme not in installed:
        raise UnknownSchemeError(
            f"no installed backend opens {scheme[:40]}:// URLs; {_advice(scheme, installed)}"
        )
    from_url = installed[scheme].load()
    _check_options(scheme, from_url, options)
    store: ChatStore = from_url(url, **options)
    return store


def _check_options(scheme: str, from_url: Callable[..., Any], options: Mapping[str, Any]) -> None:
    parameters = inspect.signature(from_url).parameters.values()
    known = [item.name for item in parameters if item.kind is item.KEYWORD_ONLY]
    unknown = [name for name in options if name not in known]
    if unknown and not any(item.kind is item.VAR_KEYWORD for item in parameters):
        raise InvalidArgumentError(
            f"unknown option {unknown[0]!r} of {scheme}:// stores; "
            f"known options: {', '.join(sorted(known))}"
        )


def _advice(scheme: str, installed: Iterable[str]) -> str:
    """Return what to do about a scheme that is not installed."""
    base = _ALIASES.get(scheme.partition("+")[0], scheme.partition("+")[0])
    if base in installed:
        return _HINTS.get(scheme, f"use {base}://, which selects the drivers itself")
    if base in _DISTRIBUTIONS:
        return f"pip install {_DISTRIBUTIONS[base]}, then use {base}://"
    from difflib import get_close_matches  # only a mistyped URL loads it

    similar = get_close_matches(base, [*installed, *_DISTRIBUTIONS], 1)
    if similar:
        return f"did you mean {similar[0]}://?"
    schemes = ", ".join(f"{name}://" for name in sorted(installed))
    return f"installed backends open {schemes}"
