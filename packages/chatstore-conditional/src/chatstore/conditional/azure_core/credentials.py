"""Credentials of Entra ID: checked when they are given, and used from event loops."""

from __future__ import annotations

import inspect
from types import TracebackType
from typing import Any

from typing_extensions import Self

from chatstore.core import InvalidArgumentError


def check_credential(credential: object, name: str = "credential") -> Any:
    """Return a sync ``TokenCredential``.

    Raises:
        InvalidArgumentError: It is an async credential, or has no ``get_token``.

    """
    get_token = getattr(credential, "get_token", None)
    if not callable(get_token) or isinstance(credential, type):
        raise InvalidArgumentError(
            f"{name} must be a credential of azure-identity or another object with get_token, not "
            f"{type(credential).__name__}"
        )
    if inspect.iscoroutinefunction(get_token) or hasattr(type(credential), "__aenter__"):
        raise InvalidArgumentError(
            f"{name} is an async credential ({type(credential).__name__}): give the sync one, from "
            "azure.identity instead of azure.identity.aio; async methods call it on a thread"
        )
    return credential


def default_credential(method: str) -> Any:
    """Return ``DefaultAzureCredential()`` of azure-identity.

    Raises:
        InvalidArgumentError: azure-identity is not installed.

    """
    from importlib import import_module  # noqa: PLC0415 - only here

    try:
        kind = import_module("azure.identity").DefaultAzureCredential
    except ImportError:
        kind = None
    if kind is None:
        raise InvalidArgumentError(f"{method} needs azure-identity: pip install azure-identity")
    return kind()


class ThreadedCredential:
    """A sync credential for an async client: tokens are fetched on a thread."""

    def __init__(self, credential: Any) -> None:
        """Take the credential, which stays the caller's."""
        self._credential = credential

    async def get_token(self, *scopes: str, **options: Any) -> Any:
        """Return a token."""
        import asyncio  # noqa: PLC0415 - loaded, if there is a loop

        return await asyncio.to_thread(self._credential.get_token, *scopes, **options)

    async def close(self) -> None:
        """Leave the credential open."""

    async def __aenter__(self) -> Self:
        """Return the credential."""
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """Leave the credential open."""
