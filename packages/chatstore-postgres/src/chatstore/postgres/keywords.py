"""The connection options of libpq: their values, and what asyncpg makes of each.

Both drivers must reach the same database under the same conditions. An option that only one of
them understands is refused where it would make a difference.
https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import NamedTuple

from chatstore.core import InvalidArgumentError


class Async(Enum):
    """What asyncpg does with an option."""

    TLS = auto()
    """It takes the option from its own URL."""
    ARGUMENT = auto()
    """It takes the option as an argument, or the package passes it on in another way."""
    UNNEEDED = auto()
    """It lacks the option, and reaches the same database under the same terms without it."""
    UNSAFE = auto()
    """It lacks the option, and would be less strict without it."""


class Keyword(NamedTuple):
    """One option of libpq.

    Attributes:
        variable: The environment variable of its default; empty: there is none.
        asynchronous: What asyncpg does with it.
        values: Its values; empty: any text.
        is_valid: A check of other values.
        harmless: Values of an `Async.UNSAFE` option that asyncpg can do without.

    """

    variable: str = ""
    asynchronous: Async = Async.ARGUMENT
    values: tuple[str, ...] = ()
    is_valid: Callable[[str], bool] | None = None
    harmless: tuple[str, ...] = ()


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d{1,9}", text) is not None


_TLS_VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_FLAG = ("0", "1")

ADDRESS = ("host", "hostaddr", "port", "dbname", "user", "password", "passfile")
"""The options that say where the database is, and as whom to use it."""

KEYWORDS: dict[str, Keyword] = {
    "host": Keyword("PGHOST"),
    "hostaddr": Keyword("PGHOSTADDR"),
    "port": Keyword("PGPORT"),
    "dbname": Keyword("PGDATABASE"),
    "user": Keyword("PGUSER"),
    "password": Keyword("PGPASSWORD"),
    "passfile": Keyword("PGPASSFILE"),
    "target_session_attrs": Keyword(
        "PGTARGETSESSIONATTRS",
        values=("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
    ),
    "load_balance_hosts": Keyword(
        "PGLOADBALANCEHOSTS", Async.UNSAFE, ("disable", "random"), harmless=("disable",)
    ),
    "options": Keyword("PGOPTIONS"),
    "application_name": Keyword("PGAPPNAME"),
    "fallback_application_name": Keyword(),
    "client_encoding": Keyword("", Async.UNNEEDED, ("utf8", "UTF8", "utf-8", "UTF-8", "auto")),
    "connect_timeout": Keyword("PGCONNECT_TIMEOUT", is_valid=_is_number),
    "keepalives": Keyword("", Async.UNNEEDED, _FLAG),
    "keepalives_idle": Keyword("", Async.UNNEEDED, is_valid=_is_number),
    "keepalives_interval": Keyword("", Async.UNNEEDED, is_valid=_is_number),
    "keepalives_count": Keyword("", Async.UNNEEDED, is_valid=_is_number),
    "tcp_user_timeout": Keyword("", Async.UNNEEDED, is_valid=_is_number),
    "sslmode": Keyword(
        "PGSSLMODE",
        Async.TLS,
        ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    ),
    "sslrootcert": Keyword("PGSSLROOTCERT", Async.TLS),
    "sslcert": Keyword("PGSSLCERT", Async.TLS),
    "sslkey": Keyword("PGSSLKEY", Async.TLS),
    "sslpassword": Keyword("", Async.TLS),
    "sslcrl": Keyword("PGSSLCRL", Async.TLS),
    "sslcrldir": Keyword("PGSSLCRLDIR", Async.UNSAFE),
    "ssl_min_protocol_version": Keyword("PGSSLMINPROTOCOLVERSION", Async.TLS, _TLS_VERSIONS),
    "ssl_max_protocol_version": Keyword("PGSSLMAXPROTOCOLVERSION", Async.TLS, _TLS_VERSIONS),
    "sslnegotiation": Keyword("PGSSLNEGOTIATION", Async.TLS, ("postgres", "direct")),
    "sslcertmode": Keyword("PGSSLCERTMODE", Async.UNNEEDED, ("disable", "allow", "require")),
    "sslsni": Keyword("PGSSLSNI", Async.UNNEEDED, _FLAG),
    "sslcompression": Keyword("PGSSLCOMPRESSION", Async.UNNEEDED, _FLAG),
    "channel_binding": Keyword(
        "PGCHANNELBINDING",
        Async.UNSAFE,
        ("disable", "prefer", "require"),
        harmless=("disable", "prefer"),
    ),
    "require_auth": Keyword("PGREQUIREAUTH", Async.UNSAFE),
    "requirepeer": Keyword("PGREQUIREPEER", Async.UNSAFE),
    "gssencmode": Keyword(
        "PGGSSENCMODE",
        Async.UNSAFE,
        ("disable", "prefer", "require"),
        harmless=("disable", "prefer"),
    ),
    "krbsrvname": Keyword("PGKRBSRVNAME"),
    "gsslib": Keyword("PGGSSLIB", values=("gssapi", "sspi")),
    "gssdelegation": Keyword("PGGSSDELEGATION", Async.UNNEEDED, _FLAG),
}

REFUSED = {
    "service": "name the host, the port, the database and the user instead",
    "servicefile": "name the host, the port, the database and the user instead",
    "replication": "a store needs an ordinary connection",
    "database": "the option is called dbname",
    "search_path": "use the option schema_name",
}
"""Options that are refused, with what to do instead."""

SECRETS = ("password", "sslpassword")


def check(name: str, value: str, where: str) -> str:
    """Return the value of an option.

    Raises:
        InvalidArgumentError: libpq would refuse the value.

    """
    keyword = KEYWORDS[name]
    is_listed = not keyword.values or value in keyword.values
    if is_listed and (keyword.is_valid is None or keyword.is_valid(value)):
        return value
    expected = "an integer" if keyword.is_valid else f"one of {', '.join(keyword.values)}"
    shown = repr(value) if re.fullmatch(r"[a-z_-]{1,16}", value) else "another value"
    raise InvalidArgumentError(f"the option {name} of {where} must be {expected}, not {shown}")


def check_files(params: Mapping[str, str]) -> None:
    """Check that the files for TLS are there; drivers report some of them as a missing socket.

    Raises:
        InvalidArgumentError: A file is missing or cannot be read.

    """
    for name in ("sslrootcert", "sslcert", "sslkey", "sslcrl"):
        path = params.get(name) or "system"
        if path != "system" and not os.access(path, os.R_OK):
            raise InvalidArgumentError(
                f"the file of the option {name} is missing or cannot be read: {path}"
            )


def unsafe_for_asyncpg(params: dict[str, str]) -> str | None:
    """Return the name of an option that asyncpg would have to leave out, if there is one."""
    for name, value in params.items():
        keyword = KEYWORDS[name]
        if keyword.asynchronous is Async.UNSAFE and value and value not in keyword.harmless:
            return name
    return None
