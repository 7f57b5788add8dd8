"""The address and the token of a database: from arguments, a URL or the environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from chatstore.core import InvalidArgumentError
from chatstore.core.backend import read_options, split_url

URL_VARIABLE = "UPSTASH_REDIS_REST_URL"
TOKEN_VARIABLE = "UPSTASH_REDIS_REST_TOKEN"  # noqa: S105 - the name of the variable
_OPTIONS: dict[str, Callable[[str], Any]] = {
    "ttl": float,
    "timeout": float,
    "patience": float,
    "namespace": str,
    "max_connections": int,
}
_EXAMPLE = "upstash://:TOKEN@host?ttl=3600"
_SCHEMES = {"upstash": "https", "upstash+http": "http"}


class Address(NamedTuple):
    """A database's REST URL and token."""

    url: str
    token: str

    def __repr__(self) -> str:
        """Leave the token out."""
        return f"Address(url={self.url!r})"


def check_address(url: object, token: object) -> Address:
    """Return the address of a REST URL and a token.

    Raises:
        InvalidArgumentError: ``url`` does not have the form ``https://host``, or ``token`` is not
            a string that can be sent in a header.

    """
    if not isinstance(url, str) or not _is_rest_url(url):
        raise InvalidArgumentError(
            "redis_url must be the REST URL of an Upstash database, https://….upstash.io, "
            f"without token, query or fragment{_advice(url)}"
        )
    # httpx would quote an invalid header in its error.
    if not isinstance(token, str) or not token or not all("!" <= c <= "~" for c in token):
        raise InvalidArgumentError(
            "redis_token must be the REST token of an Upstash database: a string without spaces, "
            "as the console shows it"
        )
    return Address(url.rstrip("/"), token)


def _advice(url: object) -> str:
    """Return what to do about a URL of another kind."""
    scheme = url.partition(":")[0].lower() if isinstance(url, str) else ""
    if scheme in _SCHEMES:
        return "; open this one by UpstashChatStore.from_url() or open_store()"
    if scheme in {"redis", "rediss"}:
        return "; RedisChatStore of chatstore-redis opens redis:// and rediss:// URLs"
    return "; options are arguments" if isinstance(url, str) and "?" in url else ""


def _is_rest_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises if it is not a number
    except ValueError:
        return False
    extra = parts.username is not None or parts.query or parts.fragment
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not extra


def address_from_env(environ: Mapping[str, str] = os.environ) -> Address:
    """Return the address in the environment variables that Upstash's own clients use.

    Raises:
        InvalidArgumentError: A variable is missing or not valid.

    """
    missing = [name for name in (URL_VARIABLE, TOKEN_VARIABLE) if not environ.get(name)]
    if missing:
        raise InvalidArgumentError(f"set {' and '.join(missing)}, or pass a URL and a token")
    return check_address(environ[URL_VARIABLE], environ[TOKEN_VARIABLE])


def read_url(url: str) -> tuple[Address, dict[str, Any]]:
    """Return the address and the options of ``upstash://:TOKEN@host?option=…``.

    ``upstash://`` alone takes the address from the environment; ``upstash+http://`` is for a
    proxy without TLS.

    Raises:
        InvalidArgumentError: The URL does not have this form, has an unknown or invalid option, or
            an environment variable is missing.

    """
    parts = split_url(url, _EXAMPLE)
    protocol = _SCHEMES.get(parts.scheme)
    if protocol is None:
        raise InvalidArgumentError(f"not a URL of the form {_EXAMPLE}")
    options = read_options(parts, _OPTIONS)
    if not parts.netloc and not parts.path and not parts.fragment and protocol == "https":
        return address_from_env(), options
    if not parts.password or parts.username or parts.path.strip("/") or parts.fragment:
        raise InvalidArgumentError(
            f"not a URL of the form {_EXAMPLE}, with reserved characters percent-encoded"
        )
    host = parts.netloc.rpartition("@")[2]
    return check_address(f"{protocol}://{host}", unquote(parts.password)), options
