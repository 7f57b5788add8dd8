"""The stores of this project, sync and async, opened by URL."""

from __future__ import annotations

import warnings
from typing import Literal

from benchmarks.subjects.subject import WINDOW_TOKENS, Loop, Subject, text
from chatstore.core import ChatMemoryBuffer, ChatMessage, ChatStore, open_store

_ROLES: tuple[Literal["user"], Literal["assistant"]] = ("user", "assistant")


def _messages(count: int) -> list[ChatMessage]:
    return [ChatMessage(role=_ROLES[number % 2], content=text()) for number in range(count)]


class Sync:
    """The sync methods."""

    def __init__(self, url: str) -> None:
        """Open the store."""
        if url.startswith("redis:"):
            url += "?timeout=60"  # a set of 100,000 messages may take longer than the default
        self.store: ChatStore = open_store(url)
        warnings.simplefilter("ignore")  # about turns above the limit and estimates of tokens

    def buffer(self, key: str) -> ChatMemoryBuffer:
        """Return a new buffer, as a web application does for each request."""
        return ChatMemoryBuffer(WINDOW_TOKENS, chat_store=self.store, chat_store_key=key)

    def append(self, key: str) -> None:
        """See `Subject`."""
        self.store.add_message(key, ChatMessage(role="user", content=text()))

    def window(self, key: str) -> object:
        """See `Subject`."""
        return self.buffer(key).get()

    def read(self, key: str) -> int:
        """See `Subject`."""
        return len(self.store.get_messages(key))

    def fill(self, key: str, count: int) -> None:
        """See `Subject`."""
        self.store.set_messages(key, _messages(count))

    def delete_last(self, key: str) -> object:
        """See `Subject`."""
        return self.store.delete_last_message(key)

    def close(self) -> None:
        """Close the store."""
        self.store.close()


class Async(Sync):
    """The async methods, on one event loop."""

    IS_ASYNC = True

    def __init__(self, url: str) -> None:
        """Open the store."""
        super().__init__(url)
        self.run = Loop()

    async def async_append(self, key: str) -> None:
        """See `Subject`."""
        await self.store.async_add_message(key, ChatMessage(role="user", content=text()))

    def append(self, key: str) -> None:
        """See `Subject`."""
        self.run(self.async_append(key))

    def window(self, key: str) -> object:
        """See `Subject`."""
        return self.run(self.buffer(key).async_get())

    def read(self, key: str) -> int:
        """See `Subject`."""
        return len(self.run(self.store.async_get_messages(key)))

    def fill(self, key: str, count: int) -> None:
        """See `Subject`."""
        self.run(self.store.async_set_messages(key, _messages(count)))

    def delete_last(self, key: str) -> object:
        """See `Subject`."""
        return self.run(self.store.async_delete_last_message(key))

    def close(self) -> None:
        """Close the store."""
        self.run(self.store.async_close())


def make(name: str, url: str) -> Subject:
    """Return the subject of a name."""
    return {"chatstore": Sync, "chatstore async": Async}[name](url)
