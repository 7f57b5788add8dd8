"""Parse a Redis URL: the server, the login, and the store's options."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import SplitResult, unquote

from chatstore.core import InvalidArgumentError
from chatstore.core.backend import flag, read_options, split_url

SCHEMES = ("redis", "rediss", "unix")
EXAMPLE = "redis://user:password@localhost:6379/0"
_SOCKET_EXAMPLE = "unix:///run/redis.sock?db=0"
_PORT = 6379
_DATABASE = re.compile(r"[0-9]{1,9}")


def _database(text: str) -> int:
    if not _DATABASE.fullmatch(text):
        raise ValueError
    return int(text)


def _cert_reqs(text: str) -> str:
    if text not in {"required", "none"}:
        raise ValueError
    return text


_STORE_OPTIONS: Mapping[str, Callable[[str], Any]] = {
    "ttl": float,
    "timeout": float,
    "patience": float,
    "namespace": str,
    "cluster": flag,
    "max_connections": int,
}
_CONNECTION_OPTIONS: Mapping[str, Callable[[str], Any]] = {
    "db": _database,
    "username": str,
    "password": str,
    "client_name": str,
    "socket_keepalive": flag,
}
_TLS_OPTIONS: Mapping[str, Callable[[str], Any]] = {
    "ssl_ca_certs": str,
    "ssl_certfile": str,
    "ssl_keyfile": str,
    "ssl_cert_reqs": _cert_reqs,
    "ssl_check_hostname": flag,
}


class Address(NamedTuple):
    """A server, and how to log in.

    Attributes:
        server: The host and port, or the socket's path, for messages: without secrets.
        connection: The arguments of redis-py's connection, except for timeouts.
        has_tls: Whether the connection is encrypted.
        is_socket: Whether the address is a Unix domain socket.

    """

    server: str
    connection: dict[str, Any]
    has_tls: bool = False
    is_socket: bool = False

    def __repr__(self) -> str:
        """Leave the password out."""
        return f"Address({self.server!r})"


def read_url(url: object) -> tuple[Address, dict[str, Any]]:
    """Return the address in a URL, and the store's options in its query.

    Raises:
        InvalidArgumentError: The URL is not a Redis URL, or has an unknown or invalid option.

    """
    parts = split_url(url, EXAMPLE)
    if parts.scheme not in SCHEMES:
        schemes = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        raise InvalidArgumentError(f"redis_url must begin with {schemes}")
    if parts.fragment:
        raise InvalidArgumentError(
            f"redis_url has a fragment; percent-encode '#' as %23, as in {EXAMPLE}"
        )
    has_tls = parts.scheme == "rediss"
    known = {**_STORE_OPTIONS, **_CONNECTION_OPTIONS, **(_TLS_OPTIONS if has_tls else {})}
    options = read_options(parts, known)
    connection = {name: options.pop(name) for name in tuple(options) if name not in _STORE_OPTIONS}
    if parts.scheme == "unix":
        server = _read_socket(parts, connection)
    else:
        server = _read_host(parts, connection)
    _read_login(parts, connection)
    if has_tls:
        _read_tls(connection)
    return Address(f"Redis at {server}", connection, has_tls, parts.scheme == "unix"), options


def _read_host(parts: SplitResult, connection: dict[str, Any]) -> str:
    if not parts.hostname or parts.port == 0:
        raise InvalidArgumentError(
            f"redis_url must name a host and may name a port from 1 to 65535, as in {EXAMPLE}; "
            "percent-encode reserved characters of the password"
        )
    database = parts.path.strip("/") if parts.path.count("/") <= 1 else "?"
    if database:
        if not _DATABASE.fullmatch(database):
            raise InvalidArgumentError(
                "the path of redis_url must be the number of a database, such as /0; Redis's "
                "databases have no names; use ?namespace= to separate stores"
            )
        _set(connection, "db", int(database))
    port = parts.port or _PORT
    connection.update(host=parts.hostname, port=port)
    return f"[{parts.hostname}]:{port}" if ":" in parts.hostname else f"{parts.hostname}:{port}"


def _read_socket(parts: SplitResult, connection: dict[str, Any]) -> str:
    if parts.hostname or not parts.path.strip("/"):
        raise InvalidArgumentError(
            f"a unix:// URL must name the absolute path of a socket, as in {_SOCKET_EXAMPLE}"
        )
    connection["path"] = unquote(parts.path)
    connection.pop("socket_keepalive", None)
    return str(connection["path"])


def _read_login(parts: SplitResult, connection: dict[str, Any]) -> None:
    if parts.username:
        _set(connection, "username", unquote(parts.username))
    if parts.password:
        _set(connection, "password", unquote(parts.password))


def _read_tls(connection: dict[str, Any]) -> None:
    """Check certificates and host names by default; redis-py's own defaults differ by version."""
    has_certificate = bool(connection.get("ssl_certfile"))
    if has_certificate is not bool(connection.get("ssl_keyfile")):
        raise InvalidArgumentError("ssl_certfile and ssl_keyfile must be given together")
    connection.setdefault("ssl_cert_reqs", "required")
    is_checked = connection["ssl_cert_reqs"] != "none"
    if connection.setdefault("ssl_check_hostname", is_checked) and not is_checked:
        raise InvalidArgumentError("ssl_check_hostname=true needs ssl_cert_reqs=required")


def _set(connection: dict[str, Any], name: str, value: Any) -> None:
    if connection.get(name, value) != value:
        raise InvalidArgumentError(f"redis_url gives {name} twice, with different values")
    connection[name] = value
