"""URLs of stores: ``azure-tables://ACCOUNT:KEY@HOST/TABLE?ttl=3600``."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import unquote

from chatstore.azure.account import check_account, check_endpoint, check_table
from chatstore.azure_core.credentials import check_key
from chatstore.core import InvalidArgumentError
from chatstore.core.backend import Options, flag, read_options, split_url

_SCHEMES = {"azure-tables": "https", "azure-tables+http": "http"}
_OPTIONS: Options = {
    "create": flag,
    "max_connections": int,
    "patience": float,
    "timeout": float,
    "ttl": float,
}
_EXAMPLE = "azure-tables://ACCOUNT:KEY@HOST/TABLE?ttl=3600"


class StoreUrl(NamedTuple):
    """What a URL says; `repr` shows no secret.

    Attributes:
        endpoint: The table service's URL.
        account_name: The account's name.
        account_key: The account's key, if the URL has it.
        table: The table's name.
        options: The options by name.

    """

    endpoint: str
    account_name: str
    account_key: str | None
    table: str
    options: dict[str, Any]

    def __repr__(self) -> str:
        """Return the endpoint and the table only."""
        return f"StoreUrl({self.endpoint!r}, table={self.table!r})"


def read_url(url: str, *, needs_key: bool) -> StoreUrl:
    """Return what a URL says.

    Args:
        url: The URL.
        needs_key: Whether it must have a key, since the caller passed no other authorization.

    Raises:
        InvalidArgumentError: The URL has another form, or an option is unknown or not valid.

    """
    parts = split_url(url, _EXAMPLE)
    folder, _, table = parts.path.rpartition("/")
    has_key = bool(parts.password) or not needs_key
    is_whole = parts.username and has_key and parts.hostname and not parts.fragment
    # Programs disagree about where the host begins after a second '@'.
    if parts.scheme not in _SCHEMES or not is_whole or parts.netloc.count("@") != 1:
        raise InvalidArgumentError(
            f"not a URL of the form {_EXAMPLE}, with the key percent-encoded"
        )
    endpoint = f"{_SCHEMES[parts.scheme]}://{parts.netloc.rpartition('@')[2]}{folder}"
    return StoreUrl(
        check_endpoint(endpoint),
        check_account(unquote(parts.username or "")),
        check_key(unquote(parts.password), "account_key") if parts.password else None,
        check_table(unquote(table)),
        read_options(parts, _OPTIONS),
    )
