"""Addresses of containers, checked; connection strings."""

from __future__ import annotations

import re
from typing import NamedTuple

from chatstore.core import InvalidArgumentError
from chatstore.core.backend import split_url

_MAX_NAME = 255  # https://learn.microsoft.com/azure/cosmos-db/concepts-limits#control-plane
_ENDPOINT = "https://ACCOUNT.documents.azure.com:443/"
_SETTINGS = ("AccountEndpoint", "AccountKey")


class Address(NamedTuple):
    """An account's endpoint, a database and a container."""

    endpoint: str
    database: str
    container: str


def check_address(endpoint: object, database: object, container: object) -> Address:
    """Return the address of a container.

    Raises:
        InvalidArgumentError: The endpoint is not the URL of an account, or a name is not valid in
            Cosmos DB.

    """
    parts = split_url(endpoint, f"endpoint={_ENDPOINT}")
    extra = "@" in parts.netloc or parts.query or parts.fragment or parts.path.strip("/")
    if parts.scheme not in {"http", "https"} or not parts.hostname or extra:
        raise InvalidArgumentError(
            f"endpoint must look like {_ENDPOINT}, without key, path, query or fragment"
        )
    return Address(
        str(endpoint), check_name(database, "database"), check_name(container, "container")
    )


def check_name(name: object, option: str) -> str:
    """Return the name of a database or a container.

    Raises:
        InvalidArgumentError: `name` is not 1 to 255 characters, contains a slash, ``?``, ``#`` or
            a control character, or begins or ends with whitespace.

    """
    if isinstance(name, str) and 0 < len(name) <= _MAX_NAME:
        # https://learn.microsoft.com/dotnet/api/microsoft.azure.documents.resource.id
        is_clean = not re.search(r"[/\\?#\x00-\x1f\x7f-\x9f]", name) and name == name.strip()
        if is_clean and name not in {".", ".."}:
            return name
    raise InvalidArgumentError(
        f"{option} must be a name of 1 to {_MAX_NAME} characters, without / \\ ? # and control "
        "characters, and without whitespace at its ends"
    )


def read_connection_string(text: object) -> tuple[str, str]:
    """Return the endpoint and the key of ``AccountEndpoint=…;AccountKey=…;``.

    Raises:
        InvalidArgumentError: One of them is missing or given twice, or there is another setting.

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
