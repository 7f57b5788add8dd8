"""``open_store``: a store by URL, from whichever backends are installed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any
from urllib.parse import unquote, urlsplit

from chatstore.core.backend.urls import read_options
from chatstore.core.errors import InvalidArgumentError, UnknownSchemeError
from chatstore.core.simple import SimpleChatStore
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
        "for Sentinel, pass clients: RedisChatStore(redis_client=sentinel.master_for(name))"
    ),
    "redis+cluster": "use redis://…?cluster=true",
    "redis+unix": "use unix:///path/to/socket",
}


def open_store(url: str) -> ChatStore:
    """Return the store that a URL names; the scheme decides the backend.

    ``memory://`` and ``file:///chat.json`` are built in; other schemes belong to distributions
    that take part through the entry-point group ``chatstore.backends``.

    Raises:
        UnknownSchemeError: No installed distribution knows the scheme; it says what to install.
        InvalidArgumentError: The URL cannot be read, or has an option that the backend does not
            know.

    """
    # Imported here: reading metadata costs time that importing this package should not.
    from importlib.metadata import entry_points  # noqa: PLC0415

    scheme = url.partition(":")[0].lower() if isinstance(url, str) and "://" in url else ""
    if not scheme:
        raise InvalidArgumentError(
            "a store's URL looks like sqlite:///chat.db or redis://localhost:6379"
        )
    installed = {entry.name: entry for entry in entry_points(group=GROUP)}
    if scheme not in installed:
        raise UnknownSchemeError(
            f"no backend opens {scheme[:40]}:// URLs; {_advice(scheme, installed)}"
        )
    store: ChatStore = installed[scheme].load()(url)
    return store


def _advice(scheme: str, installed: Iterable[str]) -> str:
    """Return what to do about a scheme that is not installed."""
    base = _ALIASES.get(scheme.partition("+")[0], scheme.partition("+")[0])
    if base in installed:
        return _HINTS.get(scheme, f"use {base}://, which chooses the drivers itself")
    if base in _DISTRIBUTIONS:
        return f"pip install {_DISTRIBUTIONS[base]}, then use {base}://"
    similar = get_close_matches(base, [*installed, *_DISTRIBUTIONS], 1)
    if similar:
        return f"do you mean {similar[0]}://?"
    schemes = ", ".join(f"{name}://" for name in sorted(installed))
    return f"installed backends open {schemes}"


def url_options(url: str, **kinds: Callable[[str], Any]) -> tuple[str, dict[str, Any]]:
    """Return the path and the options of a URL of a file or of memory.

    Args:
        url: The URL.
        kinds: By name of an option what reads it; see `chatstore.core.backend.urls.read_options`.

    Raises:
        InvalidArgumentError: The URL has a host or a fragment, or an option is unknown or wrong.

    """
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = None
    if parts is None or parts.netloc or parts.fragment:
        scheme = url.partition(":")[0]
        message = (
            f"a {scheme}: URL has a path and options only: {scheme}:///relative/path, "
            f"{scheme}:////absolute/path; write # as %23 and ? as %3F"
        )
        raise InvalidArgumentError(message)
    return unquote(parts.path), read_options(parts, kinds)


def open_memory(url: str) -> SimpleChatStore:
    """Open ``memory://``."""
    path, options = url_options(url, ttl=float)
    if path:
        raise InvalidArgumentError("memory:// has no path")
    return SimpleChatStore(**options)


def open_file(url: str) -> SimpleChatStore:
    """Open ``file:///chat.json``: read now, written by ``persist()`` and by ``close()``."""
    path, options = url_options(url, ttl=float)
    return SimpleChatStore.from_persist_path(path, save_on_close=True, **options)
