"""What calls cost, in requests and request units, at any length of the conversation."""

from __future__ import annotations

import os

import pytest

from chatstore.core import ChatMemoryBuffer, ChatMessage
from chatstore.cosmos import CosmosChatStore

LENGTHS = [10, 1000, 100_000] if os.environ.get("CHATSTORE_SOAK") else [10, 1000, 5000]
TEXT = "x" * 600


def say(text=TEXT):
    return ChatMessage(role="user", content=text)


@pytest.fixture
def store(double):
    with CosmosChatStore.from_account_and_key(double.endpoint, double.key) as store:
        yield store


def cost(double, call):
    """Return the requests for documents that a call makes, and their units."""
    double.requests.clear()
    call()
    asked = [one for one in double.requests if one[0] not in {"account", "container", "ranges"}]
    return len(asked), round(sum(units for _, units in asked), 1)


def measured(double, store):
    memory = ChatMemoryBuffer.from_defaults(
        token_limit=3000,
        chat_store=store,
        chat_store_key="k",
        tokenizer_fn=lambda text: text.split(),
    )
    store.add_message("k", say())
    memory.get()  # learns how long the messages are
    return {
        "append": cost(double, lambda: store.add_message("k", say())),
        "append with id": cost(
            double, lambda: store.add_message("k", ChatMessage(role="user", content=TEXT, id="1"))
        ),
        "newest 20": cost(double, lambda: store.get_messages("k", last=20)),
        "window": cost(double, memory.get),
        "count": cost(double, lambda: store.count_messages("k")),
        "delete last": cost(double, lambda: store.delete_last_message("k")),
    }


def test_costs_are_flat(double, store, capsys):
    table = {}
    for length in LENGTHS:
        store.delete_messages("k")
        for start in range(0, length, 5000):
            store.add_messages("k", [say() for _ in range(min(5000, length - start))])
        table[length] = measured(double, store)
    with capsys.disabled():
        for name in table[LENGTHS[0]]:
            print(f"\n{name:>15}:", *(f"{n}: {table[n][name]}" for n in LENGTHS), end="")
    for name in table[LENGTHS[0]]:
        # Ten messages are fewer than fill a window.
        base = 1 if name in {"newest 20", "window"} else 0
        requests, units = table[LENGTHS[base]][name]
        for length in LENGTHS[base + 1 :]:
            more_requests, more_units = table[length][name]
            assert more_requests <= max(requests, 2), name
            assert more_units <= 1.2 * units + 3, name
    assert table[LENGTHS[-1]]["append"][0] == 1
