"""Account keys, and credentials of Entra ID: checked when they are given."""

from __future__ import annotations

import base64
import binascii
import inspect
from importlib import import_module
from types import TracebackType
from typing import Any, Protocol

from typing_extensions import Self

from chatstore.core import InvalidArgumentError


class TokenCredential(Protocol):
    """A sync credential of Entra ID, such as azure-identity has."""

    def get_token(self, *scopes: str, **options: Any) -> Any:
        """Return a token."""
        ...


def check_key(key: object, name: str) -> str:
    """Return the key of an account.

    Raises:
        InvalidArgumentError: `key` is not base64 text, as the keys of accounts are.

    """
    try:
        is_key = isinstance(key, str) and bool(base64.b64decode(key, validate=True))
    except (binascii.Error, ValueError):
        is_key = False
    if isinstance(key, str) and is_key:
        return key
    raise InvalidArgumentError(
        f"{name} must be the primary or secondary key of the account, which is base64; check it "
        "for spaces"
    )


def check_credential(credential: Any, name: str = "credential") -> TokenCredential:
    """Return a sync credential.

    Raises:
        InvalidArgumentError: `credential` is an async credential, or has no ``get_token``.

    """
    get_token = getattr(credential, "get_token", None)
    if not callable(get_token) or isinstance(credential, type):
        raise InvalidArgumentError(
            f"{name} must be a credential of azure-identity or another object with get_token, not "
            f"{type(credential).__name__}"
        )
    if inspect.iscoroutinefunction(get_token) or hasattr(type(credential), "__aenter__"):
        raise InvalidArgumentError(
            f"{name} is an async credential ({type(credential).__name__}): pass the sync one, from "
            "azure.identity instead of azure.identity.aio; async methods call it on a thread"
        )
    checked: TokenCredential = credential
    return checked


def default_credential(method: str) -> TokenCredential:
    """Return ``DefaultAzureCredential()`` of azure-identity.

    Raises:
        InvalidArgumentError: azure-identity is not installed.

    """
    try:
        kind = import_module("azure.identity").DefaultAzureCredential
    except ImportError:
        kind = None
    if kind is None:
        raise InvalidArgumentError(f"{method} needs azure-identity: pip install azure-identity")
    credential: TokenCredential = kind()
    return credential


class ThreadedCredential:
    """A sync credential for an async client: it fetches tokens on a thread."""

    def __init__(self, credential: TokenCredential) -> None:
        """Use a credential, which stays open."""
        self._credential = credential

    async def get_token(self, *scopes: str, **options: Any) -> Any:
        """Return a token."""
        import asyncio  # it is loaded if there is a loop

        return await asyncio.to_thread(self._credential.get_token, *scopes, **options)

    async def close(self) -> None:
        """Leave the credential open."""

    async def __aenter__(self) -> Self:
        """Return the credential."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """Leave the credential open."""
