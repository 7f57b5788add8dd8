"""Where a container is, and with which key: checked, and read from a URL."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, NamedTuple
from urllib.parse import unquote

from chatstore.core import InvalidArgumentError
from chatstore.core.backend import Options, flag, read_options, split_url

_SCHEMES = {"cosmos": "https", "cosmos+http": "http"}
_OPTIONS: Options = {
    "consistency": str,
    "create": flag,
    "max_connections": int,
    "timeout": float,
    "ttl": float,
}
_MAX_NAME = 255  # https://learn.microsoft.com/azure/cosmos-db/concepts-limits#control-plane
_EXAMPLE = "cosmos://:KEY@HOST/DATABASE/CONTAINER?ttl=3600"
_ENDPOINT = "https://ACCOUNT.documents.azure.com:443/"
_SETTINGS = ("AccountEndpoint", "AccountKey")


class Place(NamedTuple):
    """An account's endpoint, a database and a container."""

    endpoint: str
    database: str
    container: str


def check_place(endpoint: object, database: object, container: object) -> Place:
    """Return the place.

    Raises:
        InvalidArgumentError: The endpoint is not the URL of an account, or a name is not a valid
            name in Cosmos DB.

    """
    parts = split_url(endpoint, f"endpoint={_ENDPOINT}")
    extra = "@" in parts.netloc or parts.query or parts.fragment or parts.path.strip("/")
    if parts.scheme not in {"http", "https"} or not parts.hostname or extra:
        raise InvalidArgumentError(
            f"endpoint must look like {_ENDPOINT}, without key, path, query or fragment"
        )
    return Place(
        str(endpoint), check_name(database, "database"), check_name(container, "container")
    )


def check_name(name: object, what: str) -> str:
    """Return the name of a database or a container.

    Raises:
        InvalidArgumentError: It is not 1 to 255 characters, holds a slash, ``?``, ``#`` or a
            control character, or begins or ends with a blank.

    """
    if isinstance(name, str) and 0 < len(name) <= _MAX_NAME:
        # https://learn.microsoft.com/dotnet/api/microsoft.azure.documents.resource.id
        is_clean = not re.search(r"[/\\?#\x00-\x1f\x7f-\x9f]", name) and name == name.strip()
        if is_clean and name not in {".", ".."}:
            return name
    message = (
        f"{what} must be a name of 1 to {_MAX_NAME} characters without / \\ ? # and controls, and "
        "without blanks at its ends"
    )
    raise InvalidArgumentError(message)


def check_key(key: object) -> str:
    """Return the key of an account.

    Raises:
        InvalidArgumentError: It is not text in base64, as the keys of accounts are.

    """
    try:
        is_key = isinstance(key, str) and bool(base64.b64decode(key, validate=True))
    except (binascii.Error, ValueError):
        is_key = False
    if isinstance(key, str) and is_key:
        return key
    raise InvalidArgumentError(
        "key must be the primary or secondary key of an account, which is base64"
    )


def read_connection_string(text: object) -> tuple[str, str]:
    """Return the endpoint and the key of ``AccountEndpoint=…;AccountKey=…;``.

    Raises:
        InvalidArgumentError: One of them is missing or there twice, or there is something else.

    """
    pairs = text.split(";") if isinstance(text, str) else []
    settings: dict[str, str] = {}
    for pair in filter(str.strip, pairs):
        name, _, value = pair.partition("=")
        if name.strip() in _SETTINGS and name.strip() not in settings and value:
            settings[name.strip()] = value.strip()
        else:
            settings = {}
            break
    if settings.keys() != set(_SETTINGS):
        raise InvalidArgumentError(
            "a connection string looks like AccountEndpoint=https://…;AccountKey=…; with each once"
        )
    return settings["AccountEndpoint"], settings["AccountKey"]


def read_url(url: str) -> tuple[Place, str, dict[str, Any]]:
    """Return the place, the key and the options of ``cosmos://:KEY@host/database/container``.

    Raises:
        InvalidArgumentError: `url` is not such a URL, or has an unknown or wrong option.

    """
    parts = split_url(url, _EXAMPLE)
    names = [unquote(name) for name in parts.path.removeprefix("/").split("/")]
    is_whole = parts.password and not parts.username and parts.hostname and not parts.fragment
    # A second '@' would leave it to each reader where the host begins.
    if parts.scheme not in _SCHEMES or not is_whole or parts.netloc.count("@") != 1:
        names = []
    if len(names) != 2:
        raise InvalidArgumentError(
            f"not a URL of the form {_EXAMPLE}, with the key percent-encoded"
        )
    endpoint = f"{_SCHEMES[parts.scheme]}://{parts.netloc.rpartition('@')[2]}/"
    place = check_place(endpoint, *names)
    return place, check_key(unquote(parts.password or "")), read_options(parts, _OPTIONS)
