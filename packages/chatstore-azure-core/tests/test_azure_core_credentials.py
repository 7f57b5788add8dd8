"""Keys and credentials are checked when they are passed; async clients use sync credentials."""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import Any

import pytest

from chatstore.azure_core.credentials import (
    ThreadedCredential,
    check_credential,
    check_key,
    default_credential,
)
from chatstore.core import InvalidArgumentError


class Credential:
    """Remembers on which thread tokens were requested."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []

    def get_token(self, *scopes: str, **options: Any) -> str:
        self.threads.append(threading.current_thread())
        return f"token for {scopes}"


class AsyncCredential:
    async def get_token(self, *scopes: str) -> str:
        raise AssertionError


class AsyncContextCredential(Credential):
    async def __aenter__(self) -> Any:
        return self


def test_keys_are_base64() -> None:
    assert check_key("a2V5", "account_key") == "a2V5"
    for key in (None, "", 7, "not base64", "a2V5 ", b"a2V5"):
        with pytest.raises(InvalidArgumentError, match=r"account_key must be .*base64") as caught:
            check_key(key, "account_key")
        assert "a2V5" not in str(caught.value)


@pytest.mark.parametrize("credential", [None, "token", Credential, AsyncCredential()])
def test_other_credentials_are_refused(credential: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="credential"):
        check_credential(credential)


def test_async_credentials_are_refused_with_advice() -> None:
    with pytest.raises(InvalidArgumentError, match=r"azure\.identity\.aio"):
        check_credential(AsyncContextCredential())
    credential = Credential()
    assert check_credential(credential) is credential


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "azure.identity", None)  # as if it were not installed
    with pytest.raises(InvalidArgumentError, match="pip install azure-identity"):
        default_credential("from_aad_token")


def test_tokens_are_fetched_on_a_thread() -> None:
    credential = Credential()

    async def scenario() -> str:
        async with ThreadedCredential(credential) as threaded:
            token: str = await threaded.get_token("scope")
            await threaded.close()
            return token

    assert asyncio.run(scenario()) == "token for ('scope',)"
    assert credential.threads != [threading.current_thread()]
