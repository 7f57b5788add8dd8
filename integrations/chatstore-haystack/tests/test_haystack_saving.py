"""Settings are saved in pipelines, secrets never are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from haystack import Pipeline
from haystack.components.generators.chat import MockChatGenerator
from haystack.components.joiners import ListJoiner
from haystack.dataclasses import ChatMessage
from haystack.utils import Secret
from haystack_experimental.components.retrievers import ChatMessageRetriever
from haystack_experimental.components.writers import ChatMessageWriter
from rounds_haystack import a_round, contents, user

from chatstore.core import InvalidArgumentError, SimpleChatStore
from chatstore.haystack import StoredChatMessages


def test_settings_are_saved(store_url: str) -> None:
    store = StoredChatMessages(store_url, prefix="p:", skip_system_messages=False, last_k=3)
    store.write_messages("c", a_round(1))
    again = StoredChatMessages.from_dict(store.to_dict())

    assert again.to_dict() == store.to_dict()
    assert (again.prefix, again.skip_system_messages, again.last_k) == ("p:", False, 3)
    assert again.count_messages("c") == 4
    store.close()
    again.close()


def test_passwords_are_never_saved(
    store_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with SimpleChatStore() as opened, pytest.raises(InvalidArgumentError, match="URL"):
        StoredChatMessages(opened).to_dict()
    monkeypatch.setenv("CHATSTORE_URL", store_url)
    secret = StoredChatMessages(Secret.from_env_var("CHATSTORE_URL"))
    secret.write_messages("c", a_round(1))
    assert store_url not in str(secret.to_dict())
    again = StoredChatMessages.from_dict(secret.to_dict())
    assert again.count_messages("c") == 4
    secret.close()
    again.close()


@pytest.mark.parametrize(
    "url",
    [
        "redis://user:wqxz@localhost/0",
        "redis://:wq/xz@localhost/0",
        "postgresql://localhost/db?user=a&password=wqxz",
        "postgresql://localhost/db?sslpassword=wqxz",
        "upstash://example.org?token=wqxz",
        "azure://account?AccountKey=wqxz",
        "azure://account?sig=wqxz",
        "dynamodb://table?aws_secret_access_key=wqxz",
    ],
)
def test_a_url_with_a_secret_is_refused_when_saved(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setattr("chatstore.haystack.urls.open_store", lambda url: SimpleChatStore())
    store = StoredChatMessages(url)
    with pytest.raises(InvalidArgumentError, match="Secret") as caught:
        store.to_dict()
    assert "xz" not in str(caught.value)
    assert "xz" not in repr(store)


@pytest.mark.parametrize(
    "url", ["sqlite:////home/a@b/chat.db", "redis://localhost:6379/0?namespace=a&ttl=60"]
)
def test_other_urls_are_saved(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setattr("chatstore.haystack.urls.open_store", lambda url: SimpleChatStore())
    assert StoredChatMessages(url).to_dict()["init_parameters"]["store"] == url


def test_a_token_is_never_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatstore.haystack.urls.open_store", lambda url: SimpleChatStore())
    store = StoredChatMessages(Secret.from_token("redis://:1234@localhost"))
    with pytest.raises(ValueError, match="token"):
        store.to_dict()


def pipeline(store: StoredChatMessages) -> Any:
    made = Pipeline()
    made.add_component("reader", ChatMessageRetriever(store))
    made.add_component("model", MockChatGenerator())
    made.add_component("joiner", ListJoiner(list[ChatMessage]))
    made.add_component("writer", ChatMessageWriter(store))
    made.connect("reader.messages", "model.messages")
    made.connect("model.replies", "joiner")
    made.connect("joiner", "writer.messages")
    return made


def test_pipelines_run_on_it_and_continue_after_they_were_saved(store: StoredChatMessages) -> None:
    first = pipeline(store)
    second = Pipeline.loads(
        first.dumps(), allowed_modules=["chatstore.haystack", "haystack_experimental"]
    )
    for made, text in ((first, "one"), (second, "two")):
        question = [user(text)]
        made.run(
            {
                "reader": {"chat_history_id": "c", "current_messages": question},
                "joiner": {"values": question},
                "writer": {"chat_history_id": "c"},
            }
        )
    for component in ("reader", "writer"):
        restored: Any = second.get_component(component)
        restored.chat_message_store.close()

    assert contents(store.retrieve_messages("c")) == ["one", "one", "two", "two"]
