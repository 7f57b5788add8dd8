"""``UpstashSettings``: the options of a store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from chatstore.core.backend import (
    check_max_connections,
    check_patience,
    check_timeout,
    check_ttl,
    passed_options,
)
from chatstore.redis_scripts.layout import check_namespace
from chatstore.upstash.address import Address


@dataclass(frozen=True)
class UpstashSettings:
    """How a store talks to its database; see `chatstore.upstash.UpstashChatStore`.

    Attributes:
        address: The database; ``None`` if there are only the caller's clients.
        ttl: Seconds after its last write until a conversation expires; ``None``: it stays.
        timeout: Seconds to wait for a connection, and for each part of an answer.
        patience: Seconds for which a request is retried.
        max_connections: The most requests at once, of all threads and of each event loop.
        namespace: The beginning of all keys of the store.

    """

    address: Address | None = None
    ttl: float | None = None
    timeout: float = 10.0
    patience: float = 1.0
    max_connections: int = 64
    namespace: str = "chatstore"

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InvalidArgumentError: A value has the wrong type or is out of range.

        """
        check_ttl(self.ttl)
        check_timeout(self.timeout)
        check_patience(self.patience)
        check_max_connections(self.max_connections)
        check_namespace(self.namespace)

    @property
    def server(self) -> str:
        """The database's host, without its token."""
        return "Upstash" if self.address is None else urlsplit(self.address.url).netloc


def make_settings(address: Address | None, **options: Any) -> UpstashSettings:
    """Return the settings; ``None`` selects an option's default.

    Raises:
        InvalidArgumentError: An option has the wrong type or is out of range.

    """
    return UpstashSettings(address, **passed_options(**options))
