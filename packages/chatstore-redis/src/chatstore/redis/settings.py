"""The options of a store, which may stand in its URL or among its arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from chatstore.core import InvalidArgumentError
from chatstore.core.backend import check_max_connections, check_patience, check_timeout

TIMEOUT = 5.0
PATIENCE = 1.0
MAX_CONNECTIONS = 64
NAMESPACE = "chatstore"


class Settings(NamedTuple):
    """How a store talks to its server.

    Attributes:
        timeout: Seconds to wait for a connection, and for each answer.
        patience: Seconds for which a call is sent again after its connection broke.
        max_connections: The most connections of the threads, and of each event loop; in a
            cluster, to each node.
        is_cluster: Whether the server is a node of a cluster.

    """

    timeout: float = TIMEOUT
    patience: float = PATIENCE
    max_connections: int = MAX_CONNECTIONS
    is_cluster: bool = False


def merge_options(in_url: Mapping[str, Any], arguments: Mapping[str, Any | None]) -> dict[str, Any]:
    """Return the options of a URL and those among the arguments that are not ``None``.

    Raises:
        InvalidArgumentError: An option is given in both.

    """
    given = {name: value for name, value in arguments.items() if value is not None}
    twice = sorted(given.keys() & in_url.keys())
    if twice:
        raise InvalidArgumentError(
            f"{twice[0]} is given both in redis_url and as an argument; leave one out"
        )
    return {**in_url, **given}


def check_settings(options: Mapping[str, Any]) -> Settings:
    """Return the checked options of a connection.

    Raises:
        InvalidArgumentError: A value is of the wrong type or out of range.

    """
    cluster = options.get("cluster", False)
    if not isinstance(cluster, bool):
        raise InvalidArgumentError(f"cluster must be True or False, not {type(cluster).__name__}")
    return Settings(
        check_timeout(options.get("timeout", TIMEOUT)),
        check_patience(options.get("patience", PATIENCE)),
        check_max_connections(options.get("max_connections", MAX_CONNECTIONS)),
        cluster,
    )
