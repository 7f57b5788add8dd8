"""The account of a store, and what authorizes it: checked when they are given."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from chatstore.azure_core.credentials import (
    ThreadedCredential,
    TokenCredential,
    check_credential,
    check_key,
)
from chatstore.core import InvalidArgumentError
from chatstore.core.backend import split_url

# https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
_TABLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{2,62}")
_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}")
_ENDPOINT = "https://ACCOUNT.table.core.windows.net"


class Account(NamedTuple):
    """An account, and exactly one of a key, a token and a credential; `repr` shows no secret.

    Attributes:
        endpoint: The table service's URL.
        account_name: The account's name, for a key.
        account_key: One of the account's keys.
        sas_token: A shared access signature.
        credential: A sync ``TokenCredential``.

    """

    endpoint: str
    account_name: str | None = None
    account_key: str | None = None
    sas_token: str | None = None
    credential: TokenCredential | None = None

    def __repr__(self) -> str:
        """Return the endpoint only."""
        return f"Account({self.endpoint!r})"

    def sdk_credential(self, *, is_async: bool) -> Any:
        """Return the credential that a client of azure-data-tables takes."""
        from azure.core.credentials import (  # loaded by the first call
            AzureNamedKeyCredential,
            AzureSasCredential,
        )

        if self.account_key is not None:
            return AzureNamedKeyCredential(self.account_name or "", self.account_key)
        if self.sas_token is not None:
            return AzureSasCredential(self.sas_token)
        if is_async and self.credential is not None:
            return ThreadedCredential(self.credential)
        return self.credential


def check_authorization(
    *,
    account_name: object,
    account_key: object,
    endpoint: object,
    sas_token: object,
    credential: object,
) -> Account | None:
    """Return the account that a store's options describe; ``None`` if there are no such options.

    Raises:
        InvalidArgumentError: An option is not valid, or there is not exactly one of a key, a token
            and a credential, or a key without ``account_name``, or neither ``endpoint`` nor
            ``account_name``.

    """
    secrets = {"account_key": account_key, "sas_token": sas_token, "credential": credential}
    passed = [name for name, value in secrets.items() if value is not None]
    name = None if account_name is None else check_account(account_name)
    if not passed and name is None and endpoint is None:
        return None
    if len(passed) != 1:
        raise InvalidArgumentError(
            f"pass exactly one of {', '.join(secrets)}, not {' and '.join(passed) or 'none'}"
        )
    if endpoint is None and name is None:
        raise InvalidArgumentError(f"{passed[0]} needs an endpoint, or an account_name")
    url = default_endpoint(name or "") if endpoint is None else check_endpoint(endpoint)
    if account_key is not None:
        if name is None:
            raise InvalidArgumentError("account_key needs account_name")
        return Account(url, name, account_key=check_key(account_key, "account_key"))
    if sas_token is not None:
        return Account(url, sas_token=check_sas(sas_token))
    if not url.startswith("https:"):
        raise InvalidArgumentError(
            "endpoint must begin with https: tokens are not sent over plain http"
        )
    return Account(url, credential=check_credential(credential))


def check_endpoint(endpoint: object) -> str:
    """Return the endpoint without a slash at the end.

    Raises:
        InvalidArgumentError: `endpoint` is not an ``http://`` or ``https://`` URL of a host, or
            has a user, a query or a fragment.

    """
    parts = split_url(endpoint, _ENDPOINT)
    extra = "@" in parts.netloc or parts.query or parts.fragment
    if parts.scheme not in {"http", "https"} or not parts.hostname or extra:
        raise InvalidArgumentError(
            f"endpoint must look like {_ENDPOINT}, without user, token or query"
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def default_endpoint(account: str) -> str:
    """Return the endpoint of Table Storage for an account."""
    return f"https://{account}.table.core.windows.net"


def check_account(name: object) -> str:
    """Return the name of an account.

    Raises:
        InvalidArgumentError: `name` has other characters than letters, digits and hyphens.

    """
    if isinstance(name, str) and _ACCOUNT.fullmatch(name):
        return name
    raise InvalidArgumentError(
        "account_name must be the name of an account: letters, digits and '-'"
    )


def check_sas(token: object) -> str:
    """Return a shared access signature, without the question mark that the portal puts first.

    Raises:
        InvalidArgumentError: `token` is not a query with a signature, ``…&sig=…``.

    """
    text = token.removeprefix("?") if isinstance(token, str) else ""
    if re.fullmatch(r"[\x21-\x7e]*\bsig=[\x21-\x7e]+", text):
        return text
    raise InvalidArgumentError(
        "sas_token must be a shared access signature: sv=…&sig=…, percent-encoded"
    )


def check_table(name: object) -> str:
    """Return a name that both services accept.

    Raises:
        InvalidArgumentError: `name` is not 3 to 63 letters and digits that begin with a letter.

    """
    if isinstance(name, str) and _TABLE_NAME.fullmatch(name) and name.lower() != "tables":
        return name
    is_url = isinstance(name, str) and "://" in name
    hint = "; pass a URL as endpoint=" if is_url else ""
    shown = f", not {name!r}" if isinstance(name, str) and re.fullmatch(r"[\w-]*", name) else ""
    raise InvalidArgumentError(
        f"chat_table_name must be 3 to 63 letters and digits, beginning with a letter{shown}{hint}"
    )
