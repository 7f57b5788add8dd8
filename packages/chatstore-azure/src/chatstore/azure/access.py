"""Who asks, and where: the ways to an account, as azure-data-tables wants them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from chatstore.core import InvalidArgumentError

_SCHEMES = {"azure-tables": "https", "azure-tables+http": "http"}
# https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
_TABLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{2,62}")
_OPTIONS: dict[str, Callable[[str], Any]] = {
    "create_table": lambda text: {"true": True, "false": False}[text],
    "timeout": float,
    "ttl": float,
}
_LOOKS_LIKE = "azure-tables://ACCOUNT:KEY@HOST/TABLE?ttl=3600"


class Access(NamedTuple):
    """An account and how to be let in; `repr` shows no secret.

    Attributes:
        endpoint: The table service's URL.
        kind: What the secret is: ``key``, ``sas`` or ``credential``.
        account: The account's name, for a key.
        secret: The key, the token, or azure-core's ``TokenCredential``.

    """

    endpoint: str
    kind: str
    account: str
    secret: Any

    def __repr__(self) -> str:
        """Name the endpoint only."""
        return f"Access({self.endpoint!r})"

    def credential(self) -> Any:
        """Return azure-core's object for the secret."""
        from azure.core.credentials import (  # noqa: PLC0415 - loaded by the first call
            AzureNamedKeyCredential,
            AzureSasCredential,
        )

        if self.kind == "key":
            return AzureNamedKeyCredential(self.account, self.secret)
        return AzureSasCredential(self.secret) if self.kind == "sas" else self.secret


def check_endpoint(endpoint: object, account: str) -> str:
    """Return the endpoint, by default that of Table Storage.

    Raises:
        InvalidArgumentError: It is no URL, or holds a query.

    """
    if endpoint is None:
        return f"https://{check_text(account, 'account_name')}.table.core.windows.net"
    if not isinstance(endpoint, str) or not _is_endpoint(endpoint):
        message = "endpoint must be a URL like https://ACCOUNT.table.core.windows.net, no query"
        raise InvalidArgumentError(message)
    return endpoint.rstrip("/")


def _is_endpoint(endpoint: str) -> bool:
    try:
        parts = urlsplit(endpoint)
        parts.port  # noqa: B018 - raises where it is no number
    except ValueError:
        return False
    extra = parts.username is not None or parts.query or parts.fragment
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not extra


def check_text(value: object, name: str) -> str:
    """Return a text that must not be empty."""
    if not isinstance(value, str) or not value:
        message = f"{name} must be a string that is not empty"
        raise InvalidArgumentError(message)
    return value


def check_table(name: object) -> str:
    """Return a name that both services take.

    Raises:
        InvalidArgumentError: It is none.

    """
    if isinstance(name, str) and _TABLE_NAME.fullmatch(name) and name.lower() != "tables":
        return name
    message = "a table's name has 3 to 63 letters and digits, the first a letter"
    raise InvalidArgumentError(message)


def read_connection_string(text: object) -> Access:
    """Return the way that a connection string describes.

    https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string

    Raises:
        InvalidArgumentError: It is none of Table Storage or the Table API.

    """
    pairs = text.split(";") if isinstance(text, str) else []
    settings = {name.strip().lower(): v for name, _, v in (p.partition("=") for p in pairs)}
    account = settings.get("accountname", "")
    endpoint = settings.get("tableendpoint")
    if endpoint is None and account:
        protocol = settings.get("defaultendpointsprotocol", "https")
        suffix = settings.get("endpointsuffix", "core.windows.net")
        endpoint = f"{protocol}://{account}.table.{suffix}"
    if endpoint is not None:
        if account and settings.get("accountkey"):
            return Access(check_endpoint(endpoint, ""), "key", account, settings["accountkey"])
        if settings.get("sharedaccesssignature"):
            sas = settings["sharedaccesssignature"]
            return Access(check_endpoint(endpoint, ""), "sas", account, sas)
    message = (
        "a connection string looks like "
        "DefaultEndpointsProtocol=https;AccountName=…;AccountKey=…;EndpointSuffix=core.windows.net"
    )
    raise InvalidArgumentError(message)


def read_url(url: str) -> tuple[Access, str, dict[str, Any]]:
    """Return the way, the table and the options of an ``azure-tables://`` URL.

    Raises:
        InvalidArgumentError: It is no such URL.

    """
    try:
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        protocol = _SCHEMES[parts.scheme]
    except (ValueError, KeyError, AttributeError):
        message = f"this is no azure-tables:// URL: {_LOOKS_LIKE}"
        raise InvalidArgumentError(message) from None  # the cause could quote the key
    folder, _, table = parts.path.rpartition("/")
    if not parts.username or not parts.password or not parts.hostname or parts.fragment:
        message = f"an azure-tables:// URL looks like {_LOOKS_LIKE}"
        raise InvalidArgumentError(message)
    endpoint = f"{protocol}://{parts.netloc.rpartition('@')[2]}{folder}"
    account, key = unquote(parts.username), unquote(parts.password)
    access = Access(check_endpoint(endpoint, account), "key", account, key)
    return access, check_table(table), _read_options(pairs)


def _read_options(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    options = dict(pairs)
    if len(options) < len(pairs) or not options.keys() <= _OPTIONS.keys():
        message = f"an azure-tables:// URL has the options {', '.join(_OPTIONS)}, each once"
        raise InvalidArgumentError(message)
    try:
        return {name: _OPTIONS[name](value) for name, value in options.items()}
    except (ValueError, KeyError) as error:
        message = "ttl and timeout must be numbers of seconds, create_table true or false"
        raise InvalidArgumentError(message) from error
