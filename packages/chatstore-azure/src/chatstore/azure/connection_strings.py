"""Connection strings of Table Storage and of the Table API.

https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string
"""

from __future__ import annotations

from chatstore.azure.account import Account, check_account, check_endpoint, check_sas
from chatstore.azure_core.credentials import check_key
from chatstore.core import InvalidArgumentError

_SERVICES = ("blob", "queue", "table", "file")
_KNOWN = {
    "defaultendpointsprotocol",
    "accountname",
    "accountkey",
    "endpointsuffix",
    "sharedaccesssignature",
    *(f"{service}endpoint" for service in _SERVICES),
    *(f"{service}secondaryendpoint" for service in _SERVICES),
}
_EXAMPLE = (
    "DefaultEndpointsProtocol=https;AccountName=…;AccountKey=…;EndpointSuffix=core.windows.net"
)


def read_connection_string(text: object) -> Account:
    """Return the account that a connection string describes.

    Raises:
        InvalidArgumentError: `text` is not a connection string of Table Storage or the Table API,
            has an unknown setting or one twice, or has neither a key nor a token.

    """
    settings = _settings(text)
    account = settings.get("accountname", "")
    endpoint = settings.get("tableendpoint")
    if endpoint is None and account:
        protocol = settings.get("defaultendpointsprotocol", "https")
        suffix = settings.get("endpointsuffix", "core.windows.net")
        endpoint = f"{protocol}://{check_account(account)}.table.{suffix}"
    key, sas = settings.get("accountkey"), settings.get("sharedaccesssignature")
    if endpoint is not None and account and key:
        return Account(
            check_endpoint(endpoint), check_account(account), check_key(key, "AccountKey")
        )
    if endpoint is not None and sas:
        return Account(check_endpoint(endpoint), sas_token=check_sas(sas))
    raise InvalidArgumentError(
        f"the connection string has no account, endpoint, key or token; it looks like {_EXAMPLE}"
    )


def _settings(text: object) -> dict[str, str]:
    if not isinstance(text, str) or not text.strip():
        raise InvalidArgumentError(f"connection_string must be a string like {_EXAMPLE}")
    settings: dict[str, str] = {}
    for pair in filter(str.strip, text.split(";")):
        name, equals, value = pair.partition("=")
        name = name.strip().lower()
        if name == "usedevelopmentstorage":
            raise InvalidArgumentError(
                "UseDevelopmentStorage is not supported; write "
                "AccountName=devstoreaccount1;AccountKey=…;TableEndpoint=http://127.0.0.1:10002/…"
            )
        # The message does not show the name, which may be a part of a key.
        if not equals or name not in _KNOWN:
            raise InvalidArgumentError(
                f"the connection string has an unknown setting; it looks like {_EXAMPLE}"
            )
        if name in settings:
            raise InvalidArgumentError(f"the connection string has {name} twice")
        settings[name] = value.strip()
    return settings
