"""Requests and bytes of what a chat does: the same at any length.

``CHATSTORE_SOAK`` measures at 100,000 messages too.
"""

from __future__ import annotations

import os
import uuid

from azurite_server import ACCOUNT, KEY

from chatstore.azure import AzureChatStore
from chatstore.core import ChatMessage

LENGTHS = [10, 1_000, 100_000] if os.environ.get("CHATSTORE_SOAK") else [10, 1_000, 5_000]


def say(text, **fields):
    return ChatMessage(role="user", content=text, **fields)


def measured(service, call):
    """Return requests, bytes sent and bytes received of a call."""
    service.requests.clear()
    call()
    seen = service.requests
    return len(seen), sum(one.sent for one in seen), sum(one.received for one in seen)


def costs_of(service, store, key):
    def measure(call, *args, **kwargs):
        return measured(service, lambda: call(key, *args, **kwargs))

    text = "x" * 600
    return {
        "append": measure(store.add_message, say(text)),
        "append with id": measure(store.add_message, say(text, id="i")),
        "newest 10": measure(store.get_messages, last=10),
        "count": measure(store.count_messages),
        "delete last": measure(store.delete_last_message),
    }


def test_costs_are_flat(service, capsys):
    text = "x" * 600
    table = f"Chat{uuid.uuid4().hex}"
    rows = {}
    with AzureChatStore.from_account_and_key(
        ACCOUNT, KEY, table, endpoint=service.endpoint
    ) as store:
        for length in LENGTHS:
            key = f"k{length:06}"
            store.set_messages(key, [say(text) for _ in range(length)])
            store.add_message(key, say(text))
            rows[length] = costs_of(service, store, key)
    with capsys.disabled():
        print()
        for length, row in rows.items():
            for name, (requests, sent, received) in row.items():
                print(f"{length:7} {name:15} {requests} req {sent} B {received} B")
    first = rows[LENGTHS[0]]
    for row in rows.values():
        for name, (requests, sent, received) in row.items():
            assert requests == first[name][0] <= 2
            assert sent <= first[name][1] * 1.2
            assert received <= first[name][2] * 1.2
        assert row["append"][0] == 1
