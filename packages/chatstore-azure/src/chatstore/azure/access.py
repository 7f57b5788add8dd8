"""Accounts, and how a store is let in: the ways that azure-data-tables knows, checked."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, NamedTuple
from urllib.parse import unquote

from chatstore.core import InvalidArgumentError
from chatstore.core.backend import Options, flag, read_options, split_url

_SCHEMES = {"azure-tables": "https", "azure-tables+http": "http"}
# https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
_TABLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{2,62}")
_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}")
_OPTIONS: Options = {
    "create_table": flag,
    "max_connections": int,
    "timeout": float,
    "ttl": float,
}
_EXAMPLE = "azure-tables://ACCOUNT:KEY@HOST/TABLE?ttl=3600"
_ENDPOINT = "https://ACCOUNT.table.core.windows.net"


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


def check_endpoint(endpoint: object) -> str:
    """Return the endpoint without a slash at the end.

    Raises:
        InvalidArgumentError: It is not an ``http://`` or ``https://`` URL of a host, or has a
            user, a query or a fragment.

    """
    example = f"endpoint must look like {_ENDPOINT}"
    parts = split_url(endpoint, _ENDPOINT)
    extra = "@" in parts.netloc or parts.query or parts.fragment
    if parts.scheme not in {"http", "https"} or not parts.hostname or extra:
        raise InvalidArgumentError(f"{example}, without user, token or query")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def default_endpoint(account: str) -> str:
    """Return the endpoint of Table Storage for an account."""
    return f"https://{account}.table.core.windows.net"


def check_account(name: object) -> str:
    """Return the name of an account.

    Raises:
        InvalidArgumentError: It is not letters, digits and hyphens.

    """
    if isinstance(name, str) and _ACCOUNT.fullmatch(name):
        return name
    raise InvalidArgumentError(
        "account_name must be the name of an account: letters, digits and '-'"
    )


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
        "account_key must be one of the account's keys, which are base64; check for blanks"
    )


def check_sas(token: object) -> str:
    """Return a shared access signature, without the question mark that portals put before it.

    Raises:
        InvalidArgumentError: It is not a query with a signature, ``…&sig=…``.

    """
    text = token.removeprefix("?") if isinstance(token, str) else ""
    if re.fullmatch(r"[\x21-\x7e]*\bsig=[\x21-\x7e]+", text):
        return text
    raise InvalidArgumentError(
        "sas_token must be a shared access signature: sv=…&sig=…, percent-encoded"
    )


def check_table(name: object) -> str:
    """Return a name that both services take.

    Raises:
        InvalidArgumentError: It is not 3 to 63 letters and digits with a letter first.

    """
    if isinstance(name, str) and _TABLE_NAME.fullmatch(name) and name.lower() != "tables":
        return name
    is_url = isinstance(name, str) and "://" in name
    hint = "; a URL is given by keyword, endpoint=" if is_url else ""
    shown = f", not {name!r}" if isinstance(name, str) and re.fullmatch(r"[\w-]*", name) else ""
    raise InvalidArgumentError(
        f"chat_table_name must have 3 to 63 letters and digits, a letter first{shown}{hint}"
    )


def read_url(url: str) -> tuple[Access, str, dict[str, Any]]:
    """Return the account, the table and the options of an ``azure-tables://`` URL.

    Raises:
        InvalidArgumentError: It is not such a URL, or has an unknown or wrong option.

    """
    parts = split_url(url, _EXAMPLE)
    folder, _, table = parts.path.rpartition("/")
    is_whole = parts.username and parts.password and parts.hostname and not parts.fragment
    # A second '@' would leave it to each reader where the host begins.
    if parts.scheme not in _SCHEMES or not is_whole or parts.netloc.count("@") != 1:
        raise InvalidArgumentError(
            f"not a URL of the form {_EXAMPLE}, with the key percent-encoded"
        )
    endpoint = f"{_SCHEMES[parts.scheme]}://{parts.netloc.rpartition('@')[2]}{folder}"
    account = check_account(unquote(parts.username or ""))
    key = check_key(unquote(parts.password or ""))
    access = Access(check_endpoint(endpoint), "key", account, key)
    return access, check_table(unquote(table)), read_options(parts, _OPTIONS)
