"""One Postgres URL to one address, by libpq's rules, before either driver sees it.

Each driver reads URLs, environment variables and default sockets in its own way: the same URL
could lead to two databases. So both get the host, port, database and user that are worked out
here, and neither looks for another.
"""

from __future__ import annotations

import getpass
import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes, urlencode

from chatstore.core import InvalidArgumentError
from chatstore.postgres.keywords import KEYWORDS, REFUSED, SECRETS, Async, check, unsafe_for_asyncpg

SCHEMES = ("postgresql", "postgres", "postgresql+asyncpg", "postgresql+psycopg")
_EXAMPLE = "postgresql://user:password@host:5432/database"
_URL = "the Postgres URL"
_SOCKET_FOLDERS = ("/run/postgresql", "/var/run/postgresql", "/tmp")  # noqa: S108 - libpq's default
_FIXED = {"gssencmode": "disable", "sslmode": "prefer"}  # where neither URL nor environment say
_KEEPALIVE = {"keepalives_idle": "60", "keepalives_interval": "10", "keepalives_count": "3"}
# SQLAlchemy's options for asyncpg behind a pooler, which the store detects without them.
_IGNORED = {"statement_cache_size", "prepared_statement_cache_size", "pgbouncer"}


class Address(NamedTuple):
    """Where a database is, and how each driver gets there.

    Attributes:
        libpq: The arguments for psycopg, complete: libpq needs no default for the address.
        asyncpg: The arguments for asyncpg, for the same address.
        place: Hosts and database, for messages; without secrets.
        options: The store's own options in the URL.
        secrets: What messages must not contain.
        only_sync: The option that asyncpg would have to leave out; ``None``: there is none.

    """

    libpq: dict[str, str]
    asyncpg: dict[str, Any]
    place: str
    options: dict[str, Any]
    secrets: tuple[str, ...]
    only_sync: str | None


def parse(uri: object) -> Address:
    """Resolve a URL; the environment variables of libpq fill in what it leaves out.

    Args:
        uri: The URL, as text or as SQLAlchemy's object.

    Raises:
        InvalidArgumentError: It is not a URL of Postgres, an option is unknown or has a wrong
            value, or the drivers would not understand it alike.

    """
    before, query = _split(_text(uri))
    credentials, _, place = before.rpartition("@")
    hosts, _, database = place.partition("/")
    user, _, password = credentials.partition(":")
    host, port = _hosts(hosts)
    named = {"user": user, "password": password, "dbname": database}
    params = {name: _decoded(text) for name, text in named.items() if text}
    params |= {name: text for name, text in (("host", host), ("port", port)) if text}
    more, options = _query(query)
    params |= more  # as in libpq, the query goes before the rest of the URL
    return _resolved(params, options)


def _text(uri: object) -> str:
    render = getattr(uri, "render_as_string", None)
    text = render(hide_password=False) if callable(render) else uri
    if not isinstance(text, str) or re.search(r"[\x00-\x1f\x7f]", text):
        raise InvalidArgumentError(f"a Postgres URL looks like {_EXAMPLE}")
    return text.strip(" ")


def _split(url: str) -> tuple[str, str]:
    """Return what comes before the query, and the query."""
    scheme, _, rest = url.partition("://")
    if scheme.lower() not in SCHEMES or not rest:
        raise InvalidArgumentError(f"a Postgres URL looks like {_EXAMPLE}")
    before, _, query = rest.partition("?")
    if "@" in query and "@" not in before and ":" in before.partition("/")[0]:
        raise InvalidArgumentError(
            f"write a question mark in the password of {_URL} as %3F, an @ in options as %40"
        )
    return before, query


def _decoded(text: str) -> str:
    """Return text without its percent-encoding; a percent sign alone stands for itself."""
    try:
        decoded = unquote_to_bytes(text).decode()
    except UnicodeError:
        decoded = "\0"
    if "\0" in decoded:
        raise InvalidArgumentError(
            f"{_URL} holds percent-encoded bytes that are not UTF-8, or a NUL"
        )
    return decoded


def _hosts(text: str) -> tuple[str, str]:
    """Return the hosts and the ports of ``host:port,host:port``, as libpq has them in options."""
    hosts, ports = [], []
    for item in text.split(",") if text else ():
        found = re.fullmatch(r"(\[[0-9A-Fa-f:.%\w]*\]|[\w.%~-]*)(?::(\w*))?", item)
        if found is None:
            raise InvalidArgumentError(
                f"percent-encode the special characters in the password or hosts of {_URL}"
            )
        hosts.append(_decoded(found[1].strip("[]")))
        ports.append(found[2] or "")
    if len(hosts) > 1 and not all(hosts):
        raise InvalidArgumentError(f"one of the hosts of {_URL} is empty")
    return ",".join(hosts), ",".join(ports) if any(ports) else ""


def _query(query: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the options of libpq and the store's own."""
    params: dict[str, str] = {}
    options: dict[str, Any] = {}
    for pair in filter(None, query.split("&")):
        encoded, equals, text = pair.partition("=")
        name, value = _decoded(encoded), _decoded(text)
        if name == "ssl" and equals:  # SQLAlchemy's name of sslmode for asyncpg
            name, value = "sslmode", {"true": "require", "false": "disable"}.get(value, value)
        if name in _IGNORED:
            continue
        if name in params or name in options:
            raise InvalidArgumentError(f"the option {name} is given twice in {_URL}")
        if equals and name in OPTIONS:
            options[name] = _read(name, value)
        elif equals and name in KEYWORDS:
            params[name] = check(name, value, _URL)
        else:
            raise InvalidArgumentError(_unknown(name if equals else ""))
    return params, options


def _unknown(name: str) -> str:
    # Something else than a name may be a part of a password.
    shown = repr(name) if re.fullmatch(r"[a-z_]{1,32}", name) else "that is not name=value"
    if name in REFUSED:
        return f"the option {name!r} in {_URL} is not supported: {REFUSED[name]}"
    known = ", ".join([*OPTIONS, *sorted(KEYWORDS)])
    return f"unknown option {shown} in {_URL}; known options: {known}"


def _resolved(params: dict[str, str], options: dict[str, Any]) -> Address:
    """Fill in defaults, and put the arguments of both drivers together."""
    if os.environ.get("PGSERVICE"):
        raise InvalidArgumentError(
            "PGSERVICE is set, but the drivers read service files differently: unset it"
        )
    for name, keyword in KEYWORDS.items():
        value = os.environ.get(keyword.variable, "") if keyword.variable else ""
        if name not in params and value:
            params[name] = check(name, value, f"the environment ({keyword.variable})")
    params = {**_FIXED, **_KEEPALIVE, **{k: v for k, v in params.items() if v}}
    params.setdefault("user", _system_user())
    params.setdefault("dbname", params["user"])
    ports = _ports(params)
    hosts = params.setdefault("host", _default_host(ports[0])).split(",")
    if any(":" in host and not _is_ipv6(host) for host in hosts):
        raise InvalidArgumentError(
            f"the option host of {_URL} must not hold a port: use the option port"
        )
    if any(host.startswith("@") for host in hosts):
        raise InvalidArgumentError(
            f"{_URL} names an abstract socket, which asyncpg cannot use: use a path"
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
        options,
        tuple(params[name] for name in SECRETS if params.get(name)),
        unsafe_for_asyncpg(params),
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
    """Return where to connect to: the hosts, or their addresses where these are given."""
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
        if KEYWORDS[name].asynchronous is Async.TLS and (name, value) != ("sslrootcert", "system")
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


def _default_host(port: int) -> str:
    """Return the folder of the server's socket, or ``localhost`` where there is none."""
    for folder in _SOCKET_FOLDERS if os.name == "posix" else ():
        if Path(folder, f".s.PGSQL.{port}").exists():
            return folder
    return "localhost"


def _system_user() -> str:
    """Return the name of the operating system's user, which libpq takes for the role."""
    if os.name == "posix":
        import pwd  # noqa: PLC0415 - Windows lacks it

        try:
            return pwd.getpwuid(os.geteuid()).pw_name
        except KeyError:
            pass
    else:
        return getpass.getuser()
    raise InvalidArgumentError(f"{_URL} names no user, and the operating system's user has no name")


def _flag(value: str) -> bool:
    return {"true": True, "1": True, "false": False, "0": False}[value.lower()]


OPTIONS: dict[str, tuple[Callable[[str], Any], str]] = {
    "ttl": (float, "a number of seconds"),
    "timeout": (float, "a number of seconds"),
    "patience": (float, "a number of seconds"),
    "max_connections": (int, "an integer"),
    "table_name": (str, "a name"),
    "schema_name": (str, "a name"),
    "create_tables": (_flag, "true or false"),
}
"""The store's own options in a URL: how each is read, and what it must be."""


def _read(name: str, value: str) -> Any:
    read, expected = OPTIONS[name]
    try:
        return read(value)
    except (ValueError, KeyError):
        message = f"the option {name} of {_URL} must be {expected}"
    raise InvalidArgumentError(message)
