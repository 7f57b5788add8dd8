"""``postgresql://`` URLs: our own options, and what each driver understands of the rest."""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, urlencode

from chatstore.core import InvalidArgumentError

SCHEMES = ("postgresql", "postgres", "postgresql+asyncpg", "postgresql+psycopg")
_OWN = ("ttl", "table_name", "schema_name", "create_tables", "max_connections", "timeout")
# libpq's own: asyncpg would send these to the server as settings, which refuses them.
# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
_ONLY_LIBPQ = {
    "application_name_fallback",
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "load_balance_hosts",
    "require_auth",
    "requirepeer",
    "sslcertmode",
    "sslcompression",
    "sslsni",
    "tcp_user_timeout",
}
# What URLs for SQLAlchemy with asyncpg have for poolers. It is found out without them.
_IGNORED = {"statement_cache_size", "prepared_statement_cache_size", "pgbouncer"}


class Address(NamedTuple):
    """Where a database is.

    Attributes:
        libpq: The URL for psycopg.
        asyncpg: The URL for asyncpg.
        place: Hosts and database, for messages; no secret is in it.
        options: The store's own options in the URL.

    """

    libpq: str
    asyncpg: str
    place: str
    options: dict[str, Any]


def parse(uri: object) -> Address:
    """Read a URL without ever repeating it: it holds a password.

    Raises:
        InvalidArgumentError: It is no URL of Postgres, or an option cannot be read.

    """
    text = uri if isinstance(uri, str) else getattr(uri, "render_as_string", _nothing)
    url = text if isinstance(text, str) else text(hide_password=False)
    scheme, _, rest = url.partition("://")
    if scheme.lower() not in SCHEMES or not rest or "\0" in url:
        message = "a Postgres URL looks like postgresql://user:password@host:5432/database"
        raise InvalidArgumentError(message)
    before, _, query = rest.partition("?")
    if "@" in query:
        message = "quote the question mark of this URL's password, as %3F"
        raise InvalidArgumentError(message)
    credentials, hosts, database = _parts(before)
    options: dict[str, Any] = {}
    libpq: list[tuple[str, str]] = []
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in _OWN:
            options[name] = _OPTIONS.get(name, str)(value)
        elif name == "ssl":  # SQLAlchemy's name of sslmode for asyncpg
            libpq.append(("sslmode", {"true": "require", "false": "disable"}.get(value, value)))
        elif name not in _IGNORED:
            libpq.append((name, value))
    asyncpg = [pair for pair in libpq if pair[0] not in _ONLY_LIBPQ]
    start = f"postgresql://{credentials}{hosts}/{database}"
    shown = ",".join([hosts] if hosts else [value for name, value in libpq if name == "host"])
    return Address(
        _with(start, libpq), _with(start, asyncpg), f"{shown or 'localhost'}/{database}", options
    )


def _nothing(*, hide_password: bool) -> str:  # noqa: ARG001 - stands for SQLAlchemy's URL
    return ""


def _parts(before: str) -> tuple[str, str, str]:
    """Return credentials with their ``@``, hosts and database, quoted for both drivers."""
    # The last @ ends the credentials: passwords are often pasted as they are. What may stand in
    # a host decides where the database begins.
    credentials, at, place = before.rpartition("@")
    hosts, _, database = place.partition("/")
    if not re.fullmatch(r"[\w.,:%\[\]-]*", hosts):
        message = "the hosts of this URL cannot be read: quote special characters of the password"
        raise InvalidArgumentError(message)
    for port in re.findall(r":(?!\w*:)([^,:\]]*)(?=,|$)", hosts):
        if port and not (port.isdigit() and 0 < int(port) < 65536):
            message = "a port of this URL is no number from 1 to 65535"
            raise InvalidArgumentError(message)
    user, colon, password = credentials.partition(":")
    return f"{_quoted(user)}{colon}{_quoted(password)}{at}", hosts, _quoted(database)


def _quoted(text: str) -> str:
    """Quote what is not quoted yet: a percent sign that begins no pair of digits, and the rest."""
    escapes = re.split(r"(%[0-9A-Fa-f]{2})", text)
    return "".join(
        part if place % 2 else quote(part, safe="") for place, part in enumerate(escapes)
    )


def _with(start: str, query: list[tuple[str, str]]) -> str:
    # libpq reads + as it stands, not as a space.
    return f"{start}?{urlencode(query, quote_via=quote)}" if query else start


def _seconds(value: str) -> float:
    try:
        return float(value)
    except ValueError as error:
        message = "ttl and timeout must be numbers of seconds"
        raise InvalidArgumentError(message) from error


def _number(value: str) -> int:
    try:
        return int(value)
    except ValueError as error:
        message = "max_connections must be a number"
        raise InvalidArgumentError(message) from error


def _flag(value: str) -> bool:
    if value.lower() not in {"true", "false", "1", "0"}:
        message = "create_tables must be true or false"
        raise InvalidArgumentError(message)
    return value.lower() in {"true", "1"}


_OPTIONS: dict[str, Any] = {
    "ttl": _seconds,
    "timeout": _seconds,
    "max_connections": _number,
    "create_tables": _flag,
}
