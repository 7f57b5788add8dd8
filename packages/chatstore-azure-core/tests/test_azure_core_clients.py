"""One client for all threads and one for each event loop; what the caller passes is checked."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chatstore.azure_core.clients import Clients, check_client, is_async_client, wait
from chatstore.azure_core.sdk_modules import import_sdk
from chatstore.core import InvalidArgumentError


class Client:
    is_closed = False

    def get_thing(self) -> None:
        raise AssertionError


class AsyncClient(Client):
    async def __aenter__(self) -> Any:
        return self


class Recorded(Clients[Client]):
    def __init__(self) -> None:
        super().__init__()
        self.clients: list[Client] = []

    def make(self) -> Client:
        self.clients.append(Client())
        return self.clients[-1]

    def make_async(self) -> Client:
        self.clients.append(AsyncClient())
        return self.clients[-1]

    def close_client(self, client: Client) -> None:
        client.is_closed = True

    async def async_close_client(self, client: Client) -> None:
        client.is_closed = True


def test_threads_share_a_client() -> None:
    clients = Recorded()
    with ThreadPoolExecutor(8) as pool:
        used = {pool.submit(clients.get) for _ in range(32)}
        assert {future.result() for future in used} == {clients.clients[0]}
    assert len(clients.clients) == 1
    clients.close()
    assert clients.clients[0].is_closed


def test_each_loop_has_a_client_that_closes_with_it() -> None:
    clients = Recorded()

    async def scenario() -> None:
        assert await clients.async_get() is await clients.async_get()

    asyncio.run(scenario())
    asyncio.run(scenario())
    assert [client.is_closed for client in clients.clients] == [True, True]


def test_async_close_closes_both() -> None:
    clients = Recorded()

    async def scenario() -> None:
        await clients.async_get()
        clients.get()
        await clients.async_close()

    asyncio.run(scenario())
    assert [client.is_closed for client in clients.clients] == [True, True]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_child_makes_its_own_client() -> None:
    clients = Recorded()
    parents = clients.get()
    child = os.fork()
    if child == 0:
        os._exit(0 if clients.get() is not parents and not parents.is_closed else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert clients.get() is parents


@pytest.mark.parametrize(
    ("client", "is_async", "reason"),
    [
        ("text", False, "Client of azure.things, not str"),
        (Client, False, "Client of azure.things, not type"),
        (AsyncClient(), False, "Client of azure.things, not an async one"),
        (Client(), True, "Client of azure.things.aio, not a sync one"),
    ],
)
def test_other_clients_are_refused(client: Any, is_async: bool, reason: str) -> None:
    with pytest.raises(InvalidArgumentError, match=f"client must be (a|the) {reason}"):
        check(client, is_async=is_async)


def test_the_callers_clients_are_accepted() -> None:
    client, async_client = Client(), AsyncClient()
    assert check(None, is_async=False) is None
    assert check(client, is_async=False) is client
    assert check(async_client, is_async=True) is async_client


def check(client: Any, *, is_async: bool) -> Any:
    return check_client(
        client,
        "client",
        is_async=is_async,
        kind="Client",
        module="azure.things",
        method="get_thing",
    )


def test_waiting_is_in_the_mode_of_the_client() -> None:
    assert not is_async_client(Client())
    assert wait(Client(), 0.0) is None

    async def scenario() -> None:
        waiting = wait(AsyncClient(), 0.0)
        assert waiting is not None
        await waiting

    asyncio.run(scenario())


def test_threads_import_a_module_completely() -> None:
    with ThreadPoolExecutor(8) as pool:
        modules = [pool.submit(import_sdk, "azure.core.exceptions") for _ in range(16)]
    assert len({future.result() for future in modules}) == 1


def test_importing_the_package_loads_no_sdk() -> None:
    code = (
        "import sys, chatstore.azure_core.clients, chatstore.azure_core.credentials\n"
        "import chatstore.azure_core.errors\n"
        "print([m for m in sys.modules if m.startswith(('azure', 'aiohttp', 'requests'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
