"""What ended conversations leave, and that `purge_expired` removes it."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.data.tables import TableClient
from azurite_server import ACCOUNT, KEY

from chatstore.azure import AzureChatStore
from chatstore.core import ChatMessage

DAY = 24 * 3600


class Clock:
    now = 1_800_000_000.0

    def __call__(self):
        return self.now


def say(text, **fields):
    return ChatMessage(role="user", content=text, **fields)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_purge_leaves_nothing_in_the_end(service, is_async):
    table, clock = f"Chat{uuid.uuid4().hex}", Clock()
    credential = AzureNamedKeyCredential(ACCOUNT, KEY)
    raw = TableClient(service.endpoint, table, credential=credential)
    store = AzureChatStore.from_account_and_key(
        ACCOUNT, KEY, table, endpoint=service.endpoint, ttl=60, clock=clock
    )

    def count():
        return len(list(raw.list_entities()))

    def purge():
        if is_async:
            asyncio.run(store.async_purge_expired())
        else:
            store.purge_expired()

    with raw, store:
        store.add_messages("old", [say(str(number), id=str(number)) for number in range(30)])
        clock.now += 61
        store.add_message("new", say("stays"))
        assert count() == 61 + 2
        purge()
        assert count() == 1 + 2
        assert store.count_messages("new") == 1
        clock.now += 2 * DAY
        store.add_message("newest", say("stays"))
        purge()
        assert store.get_keys() == ["newest"]
        assert count() == 1 + 2
        for _ in range(2):
            clock.now += 2 * DAY
            purge()
        assert count() == 0
        store.add_message("old", say("anew"))
        assert [message.content for message in store.get_messages("old")] == ["anew"]
