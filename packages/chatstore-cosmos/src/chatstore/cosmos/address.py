"""Where a container is, and with which credential: checked, and read from a URL."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from chatstore.core import InvalidArgumentError

_SCHEMES = {"cosmos": "https", "cosmos+http": "http"}
_OPTIONS: dict[str, Callable[[str], Any]] = {
    "consistency": str,
    "create": lambda text: {"true": True, "false": False}[text],
    "timeout": float,
    "ttl": float,
}
_LONGEST_NAME = 255  # https://learn.microsoft.com/azure/cosmos-db/concepts-limits#control-plane


class Place(NamedTuple):
    """An account's endpoint, a database and a container."""

    endpoint: str
    database: str
    container: str


def check_place(endpoint: object, database: object, container: object) -> Place:
    """Return the place.

    Raises:
        InvalidArgumentError: The endpoint is no URL, or a name no name of Cosmos DB.

    """
    if not isinstance(endpoint, str) or not _is_endpoint(endpoint):
        message = (
            "endpoint must be the URI of an account, https://….documents.azure.com:443/, "
            "without key, query or fragment"
        )
        raise InvalidArgumentError(message)
    return Place(endpoint, check_name(database, "database"), check_name(container, "container"))


def check_name(name: object, what: str) -> str:
    """Return the name of a database or a container.

    Raises:
        InvalidArgumentError: It is none.

    """
    if isinstance(name, str) and 0 < len(name) <= _LONGEST_NAME and not set(name) & set("/\\?#"):
        return name
    message = f"{what} must be a name of 1 to {_LONGEST_NAME} characters without / \\ ? #"
    raise InvalidArgumentError(message)


def check_key(key: object) -> str:
    """Return the key of an account.

    Raises:
        InvalidArgumentError: It is no text in base64, as the keys of accounts are.

    """
    try:
        if isinstance(key, str) and base64.b64decode(key, validate=True):
            return key
    except (binascii.Error, ValueError):
        pass  # the error would not quote it, but says nothing of use either
    message = "key must be the primary or secondary key of an account, in base64"
    raise InvalidArgumentError(message)


def _is_endpoint(endpoint: str) -> bool:
    try:
        parts = urlsplit(endpoint)
        parts.port  # noqa: B018 - raises where it is no number
    except ValueError:
        return False
    extra = parts.username is not None or parts.query or parts.fragment or parts.path.strip("/")
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not extra


def read_connection_string(text: object) -> tuple[str, str]:
    """Return the endpoint and the key of ``AccountEndpoint=…;AccountKey=…;``.

    Raises:
        InvalidArgumentError: One of them is missing.

    """
    pairs = text.split(";") if isinstance(text, str) else []
    settings = {name.strip(): value for name, _, value in (pair.partition("=") for pair in pairs)}
    try:
        return settings["AccountEndpoint"], settings["AccountKey"]
    except KeyError:
        message = "a connection string looks like AccountEndpoint=https://…;AccountKey=…;"
        raise InvalidArgumentError(message) from None


def read_url(url: str) -> tuple[Place, str, dict[str, Any]]:
    """Return the place, the key and the options of ``cosmos://:KEY@host/database/container``.

    Raises:
        InvalidArgumentError: It is no such URL.

    """
    try:
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        protocol = _SCHEMES[parts.scheme]
        database, container = (unquote(name) for name in parts.path.lstrip("/").split("/"))
    except (ValueError, KeyError, AttributeError):
        message = "this is no cosmos:// URL: cosmos://:KEY@host/database/container"
        raise InvalidArgumentError(message) from None  # the cause could quote the key
    if not parts.password or parts.username or parts.fragment:
        message = "a cosmos:// URL looks like cosmos://:KEY@host/database/container?ttl=3600"
        raise InvalidArgumentError(message)
    host = parts.netloc.rpartition("@")[2]
    place = check_place(f"{protocol}://{host}/", database, container)
    return place, check_key(unquote(parts.password)), _read_options(pairs)


def _read_options(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    options = dict(pairs)
    if len(options) < len(pairs) or not options.keys() <= _OPTIONS.keys():
        message = f"a cosmos:// URL has the options {', '.join(_OPTIONS)}, each once"
        raise InvalidArgumentError(message)
    try:
        return {name: _OPTIONS[name](value) for name, value in options.items()}
    except (ValueError, KeyError) as error:
        message = "ttl and timeout must be numbers of seconds, create true or false"
        raise InvalidArgumentError(message) from error
