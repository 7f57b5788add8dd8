"""``open_store``: a store by URL, from whichever backends are installed."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlsplit

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


def open_store(url: str) -> ChatStore:
    """Return the store that a URL names; the scheme decides the backend.

    ``memory://`` and ``file:///chat.json`` are built in; other schemes belong to distributions
    that take part through the entry-point group ``chatstore.backends``.

    Raises:
        UnknownSchemeError: No installed distribution knows the scheme; it says what to install.
        InvalidArgumentError: The URL is no URL, or has an option that the backend does not know.

    """
    # Imported here: reading metadata costs time that importing this package should not.
    from importlib.metadata import entry_points  # noqa: PLC0415

    scheme = url.partition(":")[0].lower() if isinstance(url, str) and "://" in url else ""
    if not scheme:
        message = "a store's URL looks like sqlite:///chat.db"
        raise InvalidArgumentError(message)
    for entry in entry_points(group=GROUP, name=scheme):
        store: ChatStore = entry.load()(url)
        return store
    known = _DISTRIBUTIONS.get(scheme.partition("+")[0])
    advice = f"pip install {known}" if known else "install the distribution that provides it"
    message = f"no installed backend opens {scheme}:// URLs: {advice}"
    raise UnknownSchemeError(message)


def url_options(url: str) -> tuple[str, float | None]:
    """Return the path and the ``ttl`` (seconds) of a URL of a file or of memory.

    Raises:
        InvalidArgumentError: There is another option, a host, or a ``ttl`` that is no number.

    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        message = "this URL cannot be read"
        raise InvalidArgumentError(message) from error
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    ttl = options.pop("ttl", None)
    if options or parts.netloc or parts.fragment:
        message = f"a {parts.scheme}: URL has a path and the option ttl, nothing else"
        raise InvalidArgumentError(message)
    try:
        return unquote(parts.path), None if ttl is None else float(ttl)
    except ValueError as error:
        message = "ttl must be a number of seconds"
        raise InvalidArgumentError(message) from error


def open_memory(url: str) -> SimpleChatStore:
    """Open ``memory://``."""
    path, ttl = url_options(url)
    if path:
        message = "memory:// has no path"
        raise InvalidArgumentError(message)
    return SimpleChatStore(ttl=ttl)


def open_file(url: str) -> SimpleChatStore:
    """Open ``file:///chat.json``: read now, written by ``persist()`` and by ``close()``."""
    path, ttl = url_options(url)
    store = SimpleChatStore.from_persist_path(path, ttl=ttl)
    store._saves_on_close = True  # noqa: SLF001
    return store
