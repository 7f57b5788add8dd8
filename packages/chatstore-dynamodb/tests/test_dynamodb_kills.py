"""Processes that are killed in the middle of large writes."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from multiprocessing.connection import Connection

import pytest
from dynamodb_server import DynamoDBServer
from expiry import DAY, Clock

from chatstore.core.testing.messages import message
from chatstore.dynamodb import DynamoDBChatStore

KILLS = 10
ROUNDS = 20 if os.environ.get("CHATSTORE_SOAK") else 1  # moto is slow with large tables
LARGE = 120


def write_until_killed(table: str, url: str, first: int, written: Connection) -> None:
    with DynamoDBChatStore(table, endpoint_url=url) as store:
        for number in range(first, first + 3):
            store.add_messages(
                "k", [message(f"{number}.{n}", id=f"{number}.{n}") for n in range(LARGE)]
            )
            written.send(number)


def batches(store: DynamoDBChatStore) -> list[int]:
    """Return the numbers of the batches, each of which must be whole and in order."""
    contents = [str(message.content) for message in store.get_messages("k")]
    numbers = [int(text.partition(".")[0]) for text in contents[::LARGE]]
    assert contents == [f"{number}.{n}" for number in numbers for n in range(LARGE)]
    return numbers


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that begin quickly")
@pytest.mark.parametrize("number", range(ROUNDS))
def test_kills_in_large_writes_lose_and_leave_nothing(server: DynamoDBServer, number: int) -> None:
    chance = random.Random(number)
    table, clock = server.new_table(), Clock()
    fork = multiprocessing.get_context("fork")
    answered: list[int] = []
    for kill in range(KILLS):
        receiver, sender = fork.Pipe(duplex=False)
        writer = fork.Process(
            target=write_until_killed, args=(table, server.url, kill * 1000, sender)
        )
        writer.start()
        sender.close()
        receiver.poll(chance.uniform(0.3, 2.5))  # a batch, or a part of one
        time.sleep(chance.uniform(0, 0.2))
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        while receiver.poll():
            try:
                answered.append(receiver.recv())
            except EOFError:
                break

    def names() -> list[str]:
        pages = server.client().get_paginator("scan").paginate(TableName=table)
        return [item["SessionId"]["S"] for page in pages for item in page["Items"]]

    with DynamoDBChatStore(table, endpoint_url=server.url, clock=clock) as store:
        numbers = batches(store)
        assert set(answered) <= set(numbers)
        assert numbers == sorted(set(numbers))
        before = len(names())
        store.purge_expired()
        clock.now += 7 * DAY
        store.purge_expired()
        after = names()
        assert batches(store) == numbers
        print(
            f"{KILLS} kills, {len(numbers)} batches of {LARGE}: {before} items, then {len(after)}"
        )
        # The head, the seal, messages and their markers, and a few nodes of the index.
        nodes = [name for name in after if "_." in name]
        assert len(after) == 2 + 2 * LARGE * len(numbers) + len(nodes)
        assert len(nodes) <= 1
        store.delete_messages("k")
        clock.now += 4 * DAY
        store.purge_expired()
        assert names() == []
    server.client().delete_table(TableName=table)
