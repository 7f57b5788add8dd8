"""LlamaIndex: its chat stores with its ``ChatMemoryBuffer``."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from llama_index.core.llms import ChatMessage, MessageRole
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.storage.chat_store import SimpleChatStore

from benchmarks.subjects.subject import WINDOW_TOKENS, Subject, azure_connection_string, text

_ROLES = (MessageRole.USER, MessageRole.ASSISTANT)


def _open(url: str) -> Any:
    scheme, _, rest = url.partition("://")
    if scheme == "memory":
        return SimpleChatStore()
    if scheme == "redis":
        from llama_index.storage.chat_store.redis import RedisChatStore  # noqa: PLC0415

        return RedisChatStore(redis_url=url)
    if scheme == "postgresql":
        from llama_index.storage.chat_store.postgres import PostgresChatStore  # noqa: PLC0415

        return PostgresChatStore.from_uri(url)
    if scheme == "dynamodb":
        from llama_index.storage.chat_store.dynamodb import DynamoDBChatStore  # noqa: PLC0415

        options = dict(parse_qsl(urlsplit(url).query))
        return DynamoDBChatStore(
            table_name="llama",
            region_name=options["region"],
            resource_kwargs={"endpoint_url": options["endpoint_url"]},
        )
    if scheme.startswith("azure-tables"):
        from llama_index.storage.chat_store.azure import AzureChatStore  # noqa: PLC0415

        return AzureChatStore.from_connection_string(azure_connection_string(url))
    from llama_index.storage.chat_store.sqlite import SQLiteChatStore  # noqa: PLC0415

    return SQLiteChatStore.from_uri(f"sqlite:///{rest.removeprefix('/')}.llama")


class LlamaIndex:
    """A store and the memory on it."""

    def __init__(self, url: str) -> None:
        """Open the store."""
        self._store = _open(url)

    def append(self, key: str) -> object:
        """See `Subject`."""
        return self._store.add_message(key, ChatMessage(role=MessageRole.USER, content=text()))

    def window(self, key: str) -> object:
        """See `Subject`."""
        memory = ChatMemoryBuffer.from_defaults(
            token_limit=WINDOW_TOKENS, chat_store=self._store, chat_store_key=key
        )
        return memory.get()

    def read(self, key: str) -> int:
        """See `Subject`."""
        return len(self._store.get_messages(key))

    def fill(self, key: str, count: int) -> object:
        """See `Subject`."""
        messages = [ChatMessage(role=_ROLES[n % 2], content=text()) for n in range(count)]
        return self._store.set_messages(key, messages)

    def delete_last(self, key: str) -> object:
        """See `Subject`."""
        return self._store.delete_last_message(key)


def make(name: str, url: str) -> Subject:
    """Return the subject of a name."""
    if name != "LlamaIndex":
        raise ValueError(name)
    return LlamaIndex(url)
