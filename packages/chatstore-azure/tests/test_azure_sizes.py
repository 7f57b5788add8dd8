"""Limits of the services, which the proxy enforces because Azurite does not."""

from __future__ import annotations

import uuid

import pytest
from azurite_server import ACCOUNT, KEY
from hypothesis import given
from hypothesis import strategies as st
from tables_proxy import TablesProxy

from chatstore.azure import AzureChatStore
from chatstore.azure.sizes import MAX_STRING_BYTES, pieces
from chatstore.core import ChatMessage


def message(text: str) -> ChatMessage:
    return ChatMessage(role="user", content=text)


@given(st.text(st.sampled_from("aé\U0001f600"), min_size=1, max_size=20), st.integers(1, 9000))
def test_pieces_fit_and_join(text: str, times: int) -> None:
    whole = text * times
    parts = list(pieces(whole))
    assert "".join(parts) == whole
    assert all(0 < len(part.encode("utf-16-le")) <= MAX_STRING_BYTES for part in parts)


@pytest.mark.parametrize("letter", ["x", "é", "\U0001f600", '"'])
def test_messages_about_a_property_an_entity_and_a_batch_in_size(
    service: TablesProxy, letter: str
) -> None:
    table = f"Chat{uuid.uuid4().hex}"
    with AzureChatStore.from_account_and_key(
        ACCOUNT, KEY, table, endpoint=service.endpoint
    ) as store:
        for limit in (64 * 1024, 1024 * 1024, 2_000_000):
            for size in (limit, limit + 1):
                long = message(letter * (size // len(letter.encode())))
                store.set_messages("k", [message("first")])
                store.add_message("k", long)
                assert store.get_messages("k", last=1) == [long]


def test_a_message_of_5_mib_and_thousands_of_small_ones(service: TablesProxy) -> None:
    table = f"Chat{uuid.uuid4().hex}"
    with AzureChatStore.from_account_and_key(
        ACCOUNT, KEY, table, endpoint=service.endpoint
    ) as store:
        messages = [message(str(number)) for number in range(1500)]
        messages.append(message("x" * (5 * 1024 * 1024)))
        store.set_messages("/" * 255, messages)
        assert store.get_messages("/" * 255) == messages
        assert store.get_keys() == ["/" * 255]
