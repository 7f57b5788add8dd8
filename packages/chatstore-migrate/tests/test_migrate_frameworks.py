"""Files of frameworks are read with their messages; a missing adapter is named."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage, HumanMessage, messages_to_dict
from llama_index.core.llms import ChatMessage

from chatstore.core import CorruptMessageError, SimpleChatStore
from chatstore.langchain import to_langchain
from chatstore.llama_index import to_llama_index
from chatstore.migrate import migrate
from chatstore.migrate.langchain import from_file
from chatstore.migrate.llama_index import from_json


def test_langchain(tmp_path: Path) -> None:
    messages = [HumanMessage("Hello!"), AIMessage("Hi.", id="run-1")]
    path = tmp_path / "user.json"
    path.write_text(json.dumps(messages_to_dict(messages)))
    store = SimpleChatStore()
    migrate(from_file(path), store)

    [first, second] = to_langchain(store.get_messages("user"))
    assert [first.content, second] == ["Hello!", messages[1]]


def test_llama_index(tmp_path: Path) -> None:
    messages = [ChatMessage(role="user", content="Hello!")]
    path = tmp_path / "store.json"
    content = {"user:1": [message.model_dump(mode="json") for message in messages]}
    path.write_text(json.dumps({"store": content, "class_name": "SimpleChatStore"}))
    store = SimpleChatStore()
    migrate(from_json(path), store)

    assert to_llama_index(store.get_messages("user:1")) == messages


def test_what_is_not_a_message_of_langchain_is_named(tmp_path: Path) -> None:
    path = tmp_path / "chat.json"
    path.write_text('[{"type": "human", "data": {"content": "x"}}, {"type": "new", "data": {}}]')
    with pytest.raises(CorruptMessageError) as caught:
        migrate(from_file(path), SimpleChatStore())
    assert (caught.value.key, caught.value.position) == ("chat", 1)


def test_what_is_not_a_message_of_llama_index_is_named(tmp_path: Path) -> None:
    path = tmp_path / "chat_store.json"
    path.write_text(json.dumps({"store": {"k": [{"role": "user", "blocks": []}, {"role": "?"}]}}))
    with pytest.raises(CorruptMessageError) as caught:
        migrate(from_json(path), SimpleChatStore())
    assert (caught.value.key, caught.value.position) == ("k", 1)


@pytest.mark.parametrize(
    ("adapter", "extra"), [("langchain", "langchain"), ("llama_index", "llama-index")]
)
def test_a_missing_adapter_is_named(
    monkeypatch: pytest.MonkeyPatch, adapter: str, extra: str
) -> None:
    monkeypatch.delitem(sys.modules, f"chatstore.migrate.{adapter}")
    monkeypatch.setitem(sys.modules, f"chatstore.{adapter}", None)
    with pytest.raises(ImportError, match=rf"chatstore-migrate\[{extra}\]"):
        __import__(f"chatstore.migrate.{adapter}")
