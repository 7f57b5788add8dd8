"""Where a database is and with which token: checked, read from a URL, read from the environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from chatstore.core import InvalidArgumentError

URL_VARIABLE = "UPSTASH_REDIS_REST_URL"
TOKEN_VARIABLE = "UPSTASH_REDIS_REST_TOKEN"  # noqa: S105 - the name of the variable
_OPTIONS: dict[str, Callable[[str], Any]] = {"ttl": float, "timeout": float, "namespace": str}
_SCHEMES = {"upstash": "https", "upstash+http": "http"}


class Address(NamedTuple):
    """A database's REST URL and token."""

    url: str
    token: str

    def __repr__(self) -> str:
        """Leave the token out."""
        return f"Address(url={self.url!r})"


def check_address(url: object, token: object) -> Address:
    """Return the address.

    Raises:
        InvalidArgumentError: The URL is not ``https://host`` or the token is no HTTP token.

    """
    if not isinstance(url, str) or not _is_rest_url(url):
        message = (
            "redis_url must be the REST URL of an Upstash database, https://….upstash.io, "
            "without token, query or fragment"
        )
        raise InvalidArgumentError(message)
    # It becomes a header; the HTTP library would quote a bad one in its error.
    if not isinstance(token, str) or not token or not all("!" <= c <= "~" for c in token):
        message = "redis_token must be the REST token of an Upstash database"
        raise InvalidArgumentError(message)
    return Address(url.rstrip("/"), token)


def _is_rest_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises where it is no number
    except ValueError:
        return False
    extra = parts.username is not None or parts.query or parts.fragment
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not extra


def address_from_env(environ: Mapping[str, str] = os.environ) -> Address:
    """Return the address that Upstash's own clients read from the environment.

    Raises:
        InvalidArgumentError: A variable is missing or wrong.

    """
    missing = [name for name in (URL_VARIABLE, TOKEN_VARIABLE) if not environ.get(name)]
    if missing:
        message = f"set {' and '.join(missing)}, or name the database"
        raise InvalidArgumentError(message)
    return check_address(environ[URL_VARIABLE], environ[TOKEN_VARIABLE])


def read_url(url: str) -> tuple[Address, dict[str, Any]]:
    """Return the address and the options of ``upstash://:TOKEN@host?option=…``.

    ``upstash://`` alone takes the address from the environment; ``upstash+http://`` is for a
    proxy without TLS.

    Raises:
        InvalidArgumentError: It is no such URL, or the environment does not say it all.

    """
    try:
        parts = urlsplit(url)
        options = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        protocol = _SCHEMES[parts.scheme]
    except (ValueError, KeyError, AttributeError) as error:
        message = "this is no upstash:// URL"
        raise InvalidArgumentError(message) from error
    if not parts.netloc and not parts.path and protocol == "https":
        return address_from_env(), _read_options(options)
    if not parts.password or parts.username or parts.path.strip("/") or parts.fragment:
        message = "an upstash:// URL looks like upstash://:TOKEN@host?ttl=3600"
        raise InvalidArgumentError(message)
    host = parts.netloc.rpartition("@")[2]
    return check_address(f"{protocol}://{host}", unquote(parts.password)), _read_options(options)


def _read_options(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    options = dict(pairs)
    if len(options) < len(pairs) or not options.keys() <= _OPTIONS.keys():
        message = f"an upstash:// URL has the options {', '.join(_OPTIONS)}, each once"
        raise InvalidArgumentError(message)
    try:
        return {name: _OPTIONS[name](value) for name, value in options.items()}
    except ValueError as error:
        message = "ttl and timeout must be numbers of seconds"
        raise InvalidArgumentError(message) from error
