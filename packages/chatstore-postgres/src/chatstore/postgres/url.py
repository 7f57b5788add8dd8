"""A Postgres URL, resolved by libpq's rules to one address for both drivers.

Each driver reads URLs, environment variables and default sockets in its own way, so the same URL
could lead to two databases. Here the host, port, database and user are resolved once, and each
driver gets the result as arguments. An option that only one driver supports is refused where it
would make a difference.
https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
"""

from __future__ import annotations

import getpass
import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from enum import Enum, auto
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import SplitResult, unquote_to_bytes, urlencode

from chatstore.core import InvalidArgumentError
from chatstore.core.backend import Options, flag, read_options

_SCHEMES = ("postgresql", "postgres", "postgresql+asyncpg", "postgresql+psycopg")
_EXAMPLE = "postgresql://user:password@host:5432/database"
_URL = "the Postgres URL"
_SOCKET_FOLDERS = ("/run/postgresql", "/var/run/postgresql", "/tmp")  # noqa: S108 - libpq's default
_FIXED = {"gssencmode": "disable", "sslmode": "prefer"}  # unless the URL or the environment say
_KEEPALIVE = {"keepalives_idle": "60", "keepalives_interval": "10", "keepalives_count": "3"}
# SQLAlchemy's options for asyncpg behind a pooler, which the store detects without them.
_IGNORED = {"statement_cache_size", "prepared_statement_cache_size", "pgbouncer"}
_SECRETS = ("password", "sslpassword")
_OPTIONS: Options = {
    "ttl": float,
    "timeout": float,
    "patience": float,
    "max_connections": int,
    "table_name": str,
    "schema_name": str,
    "create": flag,
}

ADDRESS = ("host", "hostaddr", "port", "dbname", "user", "password", "passfile")
"""libpq's options that name the database and the user."""


class _InAsyncpg(Enum):
    """What asyncpg does with an option of libpq."""

    TLS = auto()
    """It reads the option from its own URL."""
    ARGUMENT = auto()
    """It gets the option as an argument, or it is applied in another way."""
    UNNEEDED = auto()
    """It lacks the option, and connects in the same way without it."""
    UNSAFE = auto()
    """It lacks the option, and would be less strict without it."""


class _Keyword(NamedTuple):
    """One option of libpq.

    Attributes:
        variable: The environment variable with its default; empty: there is no such variable.
        in_asyncpg: What asyncpg does with it.
        values: Its values; empty: any text.
        is_valid: A check of other values.
        harmless: The values of an `_InAsyncpg.UNSAFE` option that asyncpg can do without.

    """

    variable: str = ""
    in_asyncpg: _InAsyncpg = _InAsyncpg.ARGUMENT
    values: tuple[str, ...] = ()
    is_valid: Callable[[str], bool] | None = None
    harmless: tuple[str, ...] = ()


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d{1,9}", text) is not None


_TLS_VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_TLS_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_ROLES = ("any", "read-write", "read-only", "primary", "standby", "prefer-standby")
_UTF8 = ("utf8", "UTF8", "utf-8", "UTF-8", "auto")
_LEVELS = ("disable", "prefer", "require")
_FLAG = ("0", "1")
_UNNEEDED, _UNSAFE, _BY_TLS = _InAsyncpg.UNNEEDED, _InAsyncpg.UNSAFE, _InAsyncpg.TLS

KEYWORDS: dict[str, _Keyword] = {
    "host": _Keyword("PGHOST"),
    "hostaddr": _Keyword("PGHOSTADDR"),
    "port": _Keyword("PGPORT"),
    "dbname": _Keyword("PGDATABASE"),
    "user": _Keyword("PGUSER"),
    "password": _Keyword("PGPASSWORD"),
    "passfile": _Keyword("PGPASSFILE"),
    "target_session_attrs": _Keyword("PGTARGETSESSIONATTRS", values=_ROLES),
    "load_balance_hosts": _Keyword(
        "PGLOADBALANCEHOSTS", _UNSAFE, ("disable", "random"), harmless=("disable",)
    ),
    "options": _Keyword("PGOPTIONS"),
    "application_name": _Keyword("PGAPPNAME"),
    "fallback_application_name": _Keyword(),
    "client_encoding": _Keyword("", _UNNEEDED, _UTF8),
    "connect_timeout": _Keyword("PGCONNECT_TIMEOUT", is_valid=_is_number),
    "keepalives": _Keyword("", _UNNEEDED, _FLAG),
    "keepalives_idle": _Keyword("", _UNNEEDED, is_valid=_is_number),
    "keepalives_interval": _Keyword("", _UNNEEDED, is_valid=_is_number),
    "keepalives_count": _Keyword("", _UNNEEDED, is_valid=_is_number),
    "tcp_user_timeout": _Keyword("", _UNNEEDED, is_valid=_is_number),
    "sslmode": _Keyword("PGSSLMODE", _BY_TLS, _TLS_MODES),
    "sslrootcert": _Keyword("PGSSLROOTCERT", _BY_TLS),
    "sslcert": _Keyword("PGSSLCERT", _BY_TLS),
    "sslkey": _Keyword("PGSSLKEY", _BY_TLS),
    "sslpassword": _Keyword("", _BY_TLS),
    "sslcrl": _Keyword("PGSSLCRL", _BY_TLS),
    "sslcrldir": _Keyword("PGSSLCRLDIR", _UNSAFE),
    "ssl_min_protocol_version": _Keyword("PGSSLMINPROTOCOLVERSION", _BY_TLS, _TLS_VERSIONS),
    "ssl_max_protocol_version": _Keyword("PGSSLMAXPROTOCOLVERSION", _BY_TLS, _TLS_VERSIONS),
    "sslnegotiation": _Keyword("PGSSLNEGOTIATION", _BY_TLS, ("postgres", "direct")),
    "sslcertmode": _Keyword("PGSSLCERTMODE", _UNNEEDED, ("disable", "allow", "require")),
    "sslsni": _Keyword("PGSSLSNI", _UNNEEDED, _FLAG),
    "sslcompression": _Keyword("PGSSLCOMPRESSION", _UNNEEDED, _FLAG),
    "channel_binding": _Keyword(
        "PGCHANNELBINDING", _UNSAFE, _LEVELS, harmless=("disable", "prefer")
    ),
    "require_auth": _Keyword("PGREQUIREAUTH", _UNSAFE),
    "requirepeer": _Keyword("PGREQUIREPEER", _UNSAFE),
    "gssencmode": _Keyword("PGGSSENCMODE", _UNSAFE, _LEVELS, harmless=("disable", "prefer")),
    "krbsrvname": _Keyword("PGKRBSRVNAME"),
    "gsslib": _Keyword("PGGSSLIB", values=("gssapi", "sspi")),
    "gssdelegation": _Keyword("PGGSSDELEGATION", _UNNEEDED, _FLAG),
}

# Options that are refused, with what to do instead.
_REFUSED = {
    "service": "name the host, the port, the database and the user instead",
    "servicefile": "name the host, the port, the database and the user instead",
    "replication": "a store needs an ordinary connection",
    "database": "the option is called dbname",
    "search_path": "use the option schema_name",
}


class Address(NamedTuple):
    """Where a database is, and how each driver connects to it.

    Attributes:
        libpq: The arguments for psycopg, complete: libpq needs no default for the address.
        asyncpg: The arguments for asyncpg, for the same address.
        label: Hosts and database, for messages; without secrets.
        secrets: Text that messages must not contain.
        only_sync: The name of an option that asyncpg does not support, if there is one.

    """

    libpq: dict[str, str]
    asyncpg: dict[str, Any]
    label: str
    secrets: tuple[str, ...]
    only_sync: str | None


def parse(uri: object) -> tuple[Address, dict[str, Any]]:
    """Resolve a URL; libpq's environment variables supply what it leaves out.

    Args:
        uri: The URL, as text or as SQLAlchemy's object.

    Returns:
        The address, and the store's own options in the URL.

    Raises:
        InvalidArgumentError: `uri` is not a Postgres URL, an option is unknown or has an invalid
            value, or the drivers would understand the URL differently.

    """
    location, query = _split(_text_of(uri))
    credentials, _, server = location.rpartition("@")
    hosts, _, database = server.partition("/")
    user, _, password = credentials.partition(":")
    host, port = _hosts(hosts)
    named = {"user": user, "password": password, "dbname": database}
    params = {name: _decoded(text) for name, text in named.items() if text}
    params |= {name: text for name, text in (("host", host), ("port", port)) if text}
    more, options = _query(query)
    params |= more  # as in libpq, the query overrides the rest of the URL
    return _resolved(params), options


def _text_of(uri: object) -> str:
    render = getattr(uri, "render_as_string", None)
    text = render(hide_password=False) if callable(render) else uri
    if not isinstance(text, str) or re.search(r"[\x00-\x1f\x7f]", text):
        raise InvalidArgumentError(f"not a URL of the form {_EXAMPLE}")
    return text.strip(" ")


def _split(url: str) -> tuple[str, str]:
    """Return the part between scheme and query, and the query."""
    # Not with `split_url`: passwords may have characters that libpq accepts without encoding.
    scheme, _, rest = url.partition("://")
    if scheme.lower() not in _SCHEMES or not rest:
        raise InvalidArgumentError(f"not a URL of the form {_EXAMPLE}")
    location, _, query = rest.partition("?")
    if "@" in query and "@" not in location and ":" in location.partition("/")[0]:
        raise InvalidArgumentError(
            f"write a question mark in the password of {_URL} as %3F, an @ in options as %40"
        )
    return location, query


def _decoded(text: str) -> str:
    """Return text without its percent-encoding; a single percent sign is left as it is."""
    try:
        decoded = unquote_to_bytes(text).decode()
    except UnicodeError:
        decoded = "\0"
    if "\0" in decoded:
        raise InvalidArgumentError(
            f"{_URL} contains percent-encoded bytes that are not UTF-8, or a NUL"
        )
    return decoded


def _hosts(text: str) -> tuple[str, str]:
    """Return the hosts and the ports of ``host:port,host:port``, as libpq's options have them."""
    hosts, ports = [], []
    for item in text.split(",") if text else ():
        match = re.fullmatch(r"(\[[0-9A-Fa-f:.%\w]*\]|[\w.%~-]*)(?::(\w*))?", item)
        if match is None:
            raise InvalidArgumentError(
                f"percent-encode the special characters in the password or hosts of {_URL}"
            )
        hosts.append(_decoded(match[1].strip("[]")))
        ports.append(match[2] or "")
    if len(hosts) > 1 and not all(hosts):
        raise InvalidArgumentError(f"one of the hosts of {_URL} is empty")
    return ",".join(hosts), ",".join(ports) if any(ports) else ""


def _query(query: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Return libpq's options and the store's own."""
    params: dict[str, str] = {}
    own: list[str] = []
    for pair in filter(None, query.split("&")):
        name, equals, value = (_decoded(text) for text in pair.partition("="))
        if name == "ssl" and equals:  # SQLAlchemy's name of sslmode for asyncpg
            name, value = "sslmode", {"true": "require", "false": "disable"}.get(value, value)
        if name in _IGNORED:
            continue
        if name in params:
            raise InvalidArgumentError(f"the option {name} is given twice in {_URL}")
        if equals and name in _OPTIONS:
            own.append(pair.replace("+", "%2B"))  # in libpq's URLs, a plus is not a space
        elif equals and name in KEYWORDS:
            params[name] = _checked(name, value, _URL)
        else:
            raise InvalidArgumentError(_unknown(name if equals else ""))
    parts = SplitResult("postgresql", "", "", "&".join(own), "")
    return params, read_options(parts, _OPTIONS)


def _unknown(name: str) -> str:
    # Text that is not a name may be a part of a password.
    shown = repr(name) if re.fullmatch(r"[a-z_]{1,32}", name) else "that is not name=value"
    if name in _REFUSED:
        return f"the option {name!r} in {_URL} is not supported: {_REFUSED[name]}"
    known = ", ".join([*_OPTIONS, *sorted(KEYWORDS)])
    return f"unknown option {shown} in {_URL}; known options: {known}"


def _checked(name: str, value: str, where: str) -> str:
    """Return the value of libpq's option, if libpq accepts it."""
    keyword = KEYWORDS[name]
    is_listed = not keyword.values or value in keyword.values
    if is_listed and (keyword.is_valid is None or keyword.is_valid(value)):
        return value
    expected = "an integer" if keyword.is_valid else f"one of {', '.join(keyword.values)}"
    shown = repr(value) if re.fullmatch(r"[a-z_-]{1,16}", value) else "another value"
    raise InvalidArgumentError(f"the option {name} of {where} must be {expected}, not {shown}")


def check_files(params: Mapping[str, str]) -> None:
    """Check that the files for TLS exist: drivers report a missing file as a missing socket.

    Raises:
        InvalidArgumentError: A file is missing or cannot be read.

    """
    for name in ("sslrootcert", "sslcert", "sslkey", "sslcrl"):
        path = params.get(name) or "system"
        if path != "system" and not os.access(path, os.R_OK):
            raise InvalidArgumentError(
                f"the file of the option {name} is missing or cannot be read: {path}"
            )


def _resolved(params: dict[str, str]) -> Address:
    """Add the defaults, and derive the arguments of both drivers."""
    if os.environ.get("PGSERVICE"):
        raise InvalidArgumentError(
            "PGSERVICE is set, but the drivers read service files differently: unset it"
        )
    for name, keyword in KEYWORDS.items():
        value = os.environ.get(keyword.variable, "") if keyword.variable else ""
        if name not in params and value:
            params[name] = _checked(name, value, f"the environment ({keyword.variable})")
    params = {**_FIXED, **_KEEPALIVE, **{k: v for k, v in params.items() if v}}
    params.setdefault("user", _system_user())
    params.setdefault("dbname", params["user"])
    ports = _ports(params)
    hosts = params.setdefault("host", _default_host(ports[0])).split(",")
    if any(":" in host and not _is_ipv6(host) for host in hosts):
        raise InvalidArgumentError(
            f"the option host of {_URL} must not contain a port: use the option port"
        )
    if any(host.startswith("@") for host in hosts):
        raise InvalidArgumentError(
            f"{_URL} names an abstract socket, which asyncpg does not support: use a path"
        )
    if len(ports) == 1:
        ports *= len(hosts)
    if len(ports) != len(hosts):
        raise InvalidArgumentError(f"{_URL} names {len(hosts)} hosts and {len(ports)} ports")
    params |= {"port": ",".join(map(str, ports)), "client_encoding": "utf8"}
    params.setdefault("hostaddr", "")  # set, so that libpq does not look for another
    addresses = _addresses(params, hosts)
    shown = ",".join(f"{host}:{port}" for host, port in zip(hosts, ports, strict=True))
    return Address(
        params,
        _for_asyncpg(params, addresses, ports),
        f"{shown}/{params['dbname']}",
        tuple(params[name] for name in _SECRETS if params.get(name)),
        _unsafe_for_asyncpg(params),
    )


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True


def _ports(params: Mapping[str, str]) -> list[int]:
    ports = []
    for text in (params.get("port") or "5432").split(","):
        if text and not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
            raise InvalidArgumentError(f"a port of {_URL} is not a number from 1 to 65535")
        ports.append(int(text or 5432))
    return ports


def _addresses(params: Mapping[str, str], hosts: list[str]) -> list[str]:
    """Return the hosts to connect to, or their addresses if the URL has them."""
    if not params["hostaddr"]:
        return hosts
    addresses = params["hostaddr"].split(",")
    if len(addresses) != len(hosts) or not all(addresses):
        raise InvalidArgumentError(
            f"{_URL} names {len(hosts)} hosts and {len(addresses)} in hostaddr"
        )
    if params["sslmode"] == "verify-full":
        raise InvalidArgumentError(
            f"{_URL} has hostaddr and sslmode=verify-full, but asyncpg can only verify the name "
            "that it connects to: leave out hostaddr, or use sslmode=verify-ca"
        )
    return addresses


def _for_asyncpg(params: Mapping[str, str], hosts: list[str], ports: list[int]) -> dict[str, Any]:
    tls = {
        name: value
        for name, value in params.items()
        if KEYWORDS[name].in_asyncpg is _BY_TLS and (name, value) != ("sslrootcert", "system")
    }
    name = params.get("application_name") or params.get("fallback_application_name")
    settings = {"application_name": name, "options": params.get("options")}
    arguments: dict[str, Any] = {
        "dsn": f"postgresql://?{urlencode(tls)}",
        "host": hosts,
        "port": ports,
        "user": params["user"],
        "database": params["dbname"],
        "server_settings": {key: value for key, value in settings.items() if value},
    }
    for name in ("password", "passfile", "target_session_attrs", "krbsrvname", "gsslib"):
        if name in params:
            arguments[name] = params[name]
    if params.get("sslrootcert") == "system":
        arguments["ssl"] = True  # the system's certificates, and the host's name is verified
    return arguments


def _unsafe_for_asyncpg(params: Mapping[str, str]) -> str | None:
    for name, value in params.items():
        keyword = KEYWORDS[name]
        if keyword.in_asyncpg is _UNSAFE and value and value not in keyword.harmless:
            return name
    return None


def _default_host(port: int) -> str:
    """Return the folder of the server's socket, or ``localhost`` if there is no socket."""
    for folder in _SOCKET_FOLDERS if os.name == "posix" else ():
        if Path(folder, f".s.PGSQL.{port}").exists():
            return folder
    return "localhost"


def _system_user() -> str:
    """Return the name of the operating system's user, which is libpq's default for the role."""
    if os.name == "posix":
        import pwd  # Windows lacks it

        try:
            return pwd.getpwuid(os.geteuid()).pw_name
        except KeyError:
            pass
    else:
        return getpass.getuser()
    raise InvalidArgumentError(f"{_URL} names no user, and the operating system's user has no name")
