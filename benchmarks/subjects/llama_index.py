"""LlamaIndex: its chat stores with its ``ChatMemoryBuffer``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from llama_index.core.llms import ChatMessage, MessageRole
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.storage.chat_store import SimpleChatStore

from benchmarks.subjects.subject import (
    WINDOW_TOKENS,
    Loop,
    Subject,
    azure_connection_string,
    secret_and_endpoint,
    text,
)

_ROLES = (MessageRole.USER, MessageRole.ASSISTANT)


def _sqlite(url: str) -> Any:
    from llama_index.storage.chat_store.sqlite import SQLiteChatStore

    return SQLiteChatStore.from_uri(f"{url}.llama")


def _redis(url: str) -> Any:
    from llama_index.storage.chat_store.redis import RedisChatStore

    return RedisChatStore(redis_url=url)


def _postgres(url: str) -> Any:
    from llama_index.storage.chat_store.postgres import PostgresChatStore

    return PostgresChatStore.from_uri(url)


def _upstash(url: str) -> Any:
    from llama_index.storage.chat_store.upstash import UpstashChatStore

    token, address = secret_and_endpoint(url)
    return UpstashChatStore(redis_url=address, redis_token=token)


def _dynamodb(url: str) -> Any:
    from llama_index.storage.chat_store.dynamodb import DynamoDBChatStore

    options = dict(parse_qsl(urlsplit(url).query))
    return DynamoDBChatStore(
        table_name="llama",
        region_name=options["region"],
        resource_kwargs={"endpoint_url": options["endpoint_url"]},
    )


def _azure(url: str) -> Any:
    from llama_index.storage.chat_store.azure import AzureChatStore

    return AzureChatStore.from_connection_string(azure_connection_string(url))


_OPENERS: dict[str, Callable[[str], Any]] = {
    "memory": lambda _: SimpleChatStore(),
    "sqlite": _sqlite,
    "redis": _redis,
    "postgresql": _postgres,
    "upstash+http": _upstash,
    "dynamodb": _dynamodb,
    "azure-tables+http": _azure,
}


class LlamaIndex:
    """A store and a memory buffer that uses it."""

    def __init__(self, url: str) -> None:
        """Open the store."""
        scheme = urlsplit(url).scheme
        self.run = Loop()
        self._store = _OPENERS[scheme](url)
        self._sets_by_adding = scheme == "sqlite"  # only this store keeps the old messages

    def append(self, key: str) -> object:
        """See `Subject`."""
        return self._store.add_message(key, ChatMessage(role=MessageRole.USER, content=text()))

    async def async_append(self, key: str) -> object:
        """See `Subject`."""
        message = ChatMessage(role=MessageRole.USER, content=text())
        return await self._store.async_add_message(key, message)

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
        if self._sets_by_adding:
            self._store.delete_messages(key)
        return self._store.set_messages(key, messages)

    def delete_last(self, key: str) -> object:
        """See `Subject`."""
        return self._store.delete_last_message(key)


def make(name: str, url: str) -> Subject:
    """Return the subject of a name."""
    if name != "LlamaIndex":
        raise ValueError(name)
    return LlamaIndex(url)
