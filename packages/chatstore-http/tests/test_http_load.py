"""Many clients of several owners use two workers, and some hang up in the middle of answers.

``CHATSTORE_SOAK=1`` runs 50 clients of 10 owners.
"""

from __future__ import annotations

import asyncio
import os
import random
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from http_server_program import text_of
from http_servers import Server, client_options, run_server, wait_for

from chatstore.core import ChatMessage, ChatStore, open_store

CLIENTS, OWNERS, ROUNDS = (50, 10, 10) if os.environ.get("CHATSTORE_SOAK") else (10, 5, 2)
PIECES = 40
PAUSE = 0.002  # between the pieces of an answer


@pytest.fixture(scope="module", params=["redis", "postgres"])
def workers(request: pytest.FixtureRequest) -> Iterator[tuple[Server, ChatStore]]:
    """Return a server with two workers, and its store."""
    server = request.getfixturevalue(f"{request.param}_server")
    name = f"test_{uuid.uuid4().hex}"
    if request.param == "redis":
        # The workers do not have the long timeouts of tests.
        url = f"redis://127.0.0.1:{server.port}/0?namespace={name}&timeout=60"
    else:
        server.execute(f"CREATE DATABASE {name}")
        url = server.url(name)
    with run_server(url, "workers=2", "interval=0.05") as running, open_store(url) as store:
        yield running, store


@dataclass
class Written:
    """What a client knows of a message.

    Attributes:
        message_id: The message's id.
        received: Its text, or what the client received of it.
        is_partial: The client hung up.

    """

    message_id: str
    received: str
    is_partial: bool = False


@dataclass
class Owner:
    """What the clients of an owner wrote, for each conversation."""

    name: str
    shared: str = ""
    conversations: dict[str, list[Written]] = field(default_factory=dict)


class Client:
    """A client of an owner: it asks, and receives answers or hangs up."""

    def __init__(self, http: httpx.AsyncClient, owner: Owner, *, hangs_up: bool) -> None:
        """Take the owner, and whether this client hangs up."""
        self._http = http
        self._owner = owner
        self._hangs_up = hangs_up

    async def run(self) -> None:
        """Write to a conversation of its own, and to one that the owner's clients share."""
        key = await self.create()
        for _ in range(ROUNDS):
            await self.ask(key)
            await self.answer(key)
            await self.ask(self._owner.shared)

    async def create(self) -> str:
        """Create a conversation and return its key."""
        response = await self._http.post("conversations", json={})
        assert response.status_code == 201, response.text
        key = str(response.json()["key"])
        self._owner.conversations[key] = []
        return key

    async def ask(self, key: str) -> None:
        """Add a question."""
        message_id = uuid.uuid4().hex
        message = {"role": "user", "content": f"Question {message_id}", "id": message_id}
        response = await self._http.post(
            f"conversations/{key}/messages", json={"messages": [message]}
        )
        assert response.status_code == 201, response.text
        self._owner.conversations[key].append(Written(message_id, message["content"]))

    async def answer(self, key: str) -> None:
        """Receive an answer, or a part of one that would never end."""
        end = "hold" if self._hangs_up else "finish"
        query: dict[str, Any] = {"pieces": PIECES, "pause": PAUSE, "end": end}
        # A client that waits for more than is left would wait for the end.
        least = random.randint(1, len(text_of(PIECES))) if self._hangs_up else None
        url = f"conversations/{key}/answer"
        async with self._http.stream("POST", url, params=query) as response:
            assert response.status_code == 200
            received = ""
            async for text in response.aiter_text():
                received += text
                if least is not None and len(received) >= least:
                    break
            message_id = response.headers["chatstore-message-id"]
        written = Written(message_id, received, self._hangs_up)
        self._owner.conversations[key].append(written)


async def load(base: str) -> list[Owner]:
    """Let all clients work at the same time; return what they know."""
    owners = [Owner(f"owner {number}") for number in range(OWNERS)]
    async with httpx.AsyncClient(**client_options(base)) as http:
        for owner in owners:
            http.headers["user"] = owner.name
            owner.shared = await Client(http, owner, hangs_up=False).create()

    async def run(number: int) -> None:
        owner = owners[number % OWNERS]
        headers = {"user": owner.name}
        async with httpx.AsyncClient(headers=headers, **client_options(base)) as http:
            await Client(http, owner, hangs_up=number % 5 == 4).run()

    await asyncio.gather(*(run(number) for number in range(CLIENTS)))
    return owners


def in_progress(store: ChatStore, owners: list[Owner]) -> int:
    """Return how many answers have not ended."""
    keys = [key for owner in owners for key in owner.conversations]
    messages = [message for key in keys for message in store.get_messages(key)]
    return sum(message.metadata.get("status") == "in_progress" for message in messages)


def check_message(message: ChatMessage, written: Written) -> str:
    """Check that a stored message has at least what its client knows; return its status."""
    content = message.content
    assert isinstance(content, str)
    if not written.is_partial:
        assert content == written.received
    else:
        assert content.startswith(written.received)
        assert text_of(PIECES).startswith(content)
        assert written.received
    return str(message.metadata.get("status", "asked"))


def test_nothing_is_lost(workers: tuple[Server, ChatStore]) -> None:
    server, store = workers
    owners = asyncio.run(load(server.base))
    wait_for(lambda: None if in_progress(store, owners) else True)
    statuses: Counter[str] = Counter()
    for owner in owners:
        listed = {one.key for one in store.iter_conversations(owner=owner.name)}
        assert listed == set(owner.conversations)
        for key, written in owner.conversations.items():
            messages = {str(one.id): one for one in store.get_messages(key)}
            ids = [one.message_id for one in written]
            assert sorted(messages) == sorted(ids)
            if key != owner.shared:  # one client: also in its order
                assert list(messages) == ids
            statuses.update(check_message(messages[one.message_id], one) for one in written)
    hanging_up = CLIENTS // 5
    assert statuses == {
        "asked": 2 * CLIENTS * ROUNDS,
        "completed": (CLIENTS - hanging_up) * ROUNDS,
        "incomplete": hanging_up * ROUNDS,
    }


async def increment(http: httpx.AsyncClient, url: str, times: int, response: httpx.Response) -> int:
    """Increment the number in a message; return how many attempts came too late.

    Args:
        http: Sends the requests.
        url: The message.
        times: How often to increment it.
        response: The message, as all clients read it before any of them writes.

    """
    conflicts = 0
    done = 0
    while done < times:
        changes = {"content": str(int(response.json()["content"]) + 1)}
        headers = {"if-match": response.headers["etag"]}
        written = await http.patch(url, json=changes, headers=headers)
        assert written.status_code in {200, 412}
        done += written.status_code == 200
        conflicts += written.status_code == 412
        response = await http.get(url)
    return conflicts


def test_concurrent_edits_with_if_match_lose_nothing(workers: tuple[Server, ChatStore]) -> None:
    server, store = workers
    key = uuid.uuid4().hex
    store.create_conversation(key, owner="anna")
    store.add_message(key, ChatMessage(role="user", content="0", id="counter"))

    async def run() -> int:
        headers = {"user": "anna"}
        async with httpx.AsyncClient(headers=headers, **client_options(server.base)) as http:
            url = f"conversations/{key}/messages/counter"
            first = await http.get(url)
            increments = (increment(http, url, 5, first) for _ in range(8))
            return sum(await asyncio.gather(*increments))

    conflicts = asyncio.run(run())
    message = store.get_message(key, "counter")
    assert message is not None
    assert message.content == "40"
    assert conflicts >= 7
