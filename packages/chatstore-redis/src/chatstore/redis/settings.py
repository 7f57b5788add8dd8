"""``RedisSettings``: the options of a store, from its URL and its arguments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatstore.core import InvalidArgumentError
from chatstore.core.backend import (
    check_flag,
    check_max_connections,
    check_patience,
    check_timeout,
    check_ttl,
    passed_options,
)
from chatstore.redis.address import Address, read_url
from chatstore.redis_scripts.layout import check_namespace


@dataclass(frozen=True)
class RedisSettings:
    """How a store talks to its server; see `chatstore.redis.RedisChatStore`.

    Attributes:
        address: The server, and how to log in.
        ttl: Seconds after its last write until a conversation expires; ``None``: it stays.
        timeout: Seconds to wait for a connection, and for each answer.
        patience: Seconds for which a command is retried after its connection broke.
        max_connections: The most connections of all threads, and of each event loop; in a
            cluster, to each node.
        namespace: The beginning of all keys of the store.
        cluster: Whether the server is a node of a cluster.

    """

    address: Address
    ttl: float | None = None
    timeout: float = 5.0
    patience: float = 1.0
    max_connections: int = 64
    namespace: str = "chatstore"
    cluster: bool = False

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
        check_flag(self.cluster, "cluster")
        if self.cluster and (self.address.is_socket or self.address.connection.get("db")):
            raise InvalidArgumentError(
                "a cluster has only database 0, and is reached by host and port"
            )


def read_settings(url: object, **arguments: Any) -> RedisSettings:
    """Return the settings from a store's URL and arguments.

    Args:
        url: The URL.
        arguments: Fields of `RedisSettings`; they override the URL's options unless they are
            ``None``.

    Raises:
        InvalidArgumentError: The URL or an option is not valid.

    """
    address, options = read_url(url)
    return RedisSettings(address, **{**options, **passed_options(**arguments)})
