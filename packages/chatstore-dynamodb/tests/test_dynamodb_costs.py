"""Requests, units and bytes of what a chat does: the same at any length.

Units are counted by the service's formula from what was sent and answered: see dynamodb_units.
``CHATSTORE_SOAK`` measures at 100,000 messages too, which moto takes half a minute to fill.
"""

from __future__ import annotations

import os

import pytest

from chatstore.core import ChatMessage
from chatstore.dynamodb import DynamoDBChatStore

LENGTHS = [10, 1_000, 100_000] if os.environ.get("CHATSTORE_SOAK") else [10, 1_000, 10_000]


def say(text, **fields):
    return ChatMessage(role="user", content=text, **fields)


def total(log, name):
    return sum(entry.get(name, 0) for entry in log)


def measured(server, call):
    """Return requests, write units, read units, bytes sent and bytes received of a call."""
    server.log()
    call()
    log = server.log()
    return (
        len(log),
        total(log, "write"),
        total(log, "read"),
        total(log, "sent"),
        total(log, "received"),
    )


def costs_of(server, store, key):
    def measure(call, *args, **kwargs):
        return measured(server, lambda: call(key, *args, **kwargs))

    text = "x" * 600
    return {
        "append": measure(store.add_message, say(text)),
        "append with id": measure(store.add_message, say(text, id="i")),
        "newest 20": measure(store.get_messages, last=20),
        "count": measure(store.count_messages),
        "delete last": measure(store.delete_last_message),
    }


def test_costs_are_flat(server, capsys):
    text = "x" * 600
    table = server.new_table()
    rows = {}
    with DynamoDBChatStore(table, endpoint_url=server.url) as store:
        for length in LENGTHS:
            key = f"k{length:06}"
            store.set_messages(key, [say(text) for _ in range(length)])
            store.add_message(key, say(text))
            rows[length] = costs_of(server, store, key)
    with capsys.disabled():
        print()
        for length, row in rows.items():
            for name, (requests, write, read, sent, received) in row.items():
                units = f"{write:3} wu {read:5} ru"
                print(f"{length:7} {name:15} {requests} req {units} {sent} B {received} B")
    for row in rows.values():
        for name, (requests, write, read, sent, received) in row.items():
            # Ten messages are fewer than the newest twenty.
            first = rows[LENGTHS[1 if name == "newest 20" else 0]][name]
            assert (requests, write) == first[:2]
            assert read <= first[2]
            assert sent <= first[3] * 1.2
            assert received <= first[4] * 1.2
        assert row["append"][:2] <= (1, 5)
        assert row["append with id"][1] <= 7
        assert all(requests <= 2 for requests, *_ in row.values())


@pytest.mark.parametrize("size", [1, 600, 800])
def test_write_units_of_small_appends(server, size):
    with DynamoDBChatStore(server.new_table(), endpoint_url=server.url) as store:
        store.add_message("user:42", say("a"))
        for _ in range(30):
            _, write, read, *_ = measured(
                server, lambda: store.add_message("user:42", say("x" * size))
            )
            assert write <= 5
            assert read == 0
