"""Stores that break one promise each, as adapters of the comparison."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from comparison.adapters.adapter import Message
from comparison.adapters.chatstore import Chatstore, from_message, to_message

from chatstore.core import ChatMessage


class OrdersByClock(Chatstore):
    def append(self, key: str, message: Message) -> None:
        native = to_message(message).model_copy(update={"metadata": {"at": time.time()}})
        self.store.add_message(key, native)

    def read(self, key: str) -> list[Message]:
        messages = self.store.get_messages(key)
        return [from_message(message) for message in sorted(messages, key=_time_of)]


def _time_of(message: ChatMessage) -> float:
    at = message.metadata["at"]
    assert isinstance(at, float)
    return at


class WritesOneByOne(Chatstore):
    def write_many(self, key: str, messages: list[Message]) -> None:
        for message in messages:
            self.append(key, message)


class WritesItsCopy(Chatstore):
    """Reads all conversations when it opens, and writes its copy with each append."""

    def __init__(self, url: str, ttl: float | None) -> None:
        super().__init__(url, ttl)
        self._copies = {key: self.store.get_messages(key) for key in self.store.get_keys()}

    def append(self, key: str, message: Message) -> None:
        copy = self._copies.setdefault(key, [])
        copy.append(to_message(message))
        self.store.set_messages(key, copy)


class DropsIds(Chatstore):
    def append(self, key: str, message: Message) -> None:
        super().append(key, {**message, "id": None})


class ReadsAll(Chatstore):
    def append(self, key: str, message: Message) -> None:
        self.store.get_messages(key)
        super().append(key, message)

    def recent(self, key: str) -> object:
        return self.store.get_messages(key)[-20:]


class KeepsThousand(Chatstore):
    def read(self, key: str) -> list[Message]:
        return super().read(key)[-1000:]


class RefusesLarge(Chatstore):
    def append(self, key: str, message: Message) -> None:
        if len(message["text"]) > 1_000_000:
            raise ValueError("too large")
        super().append(key, message)


class IgnoresCase(Chatstore):
    def append(self, key: str, message: Message) -> None:
        super().append(key.lower(), message)

    def read(self, key: str) -> list[Message]:
        return super().read(key.lower())


class DropsMetadata(Chatstore):
    def put_sample(self, key: str, sample: Any) -> None:
        super().put_sample(key, sample.model_copy(update={"metadata": {}}))


class NeverExpires(Chatstore):
    def __init__(self, url: str, ttl: float | None) -> None:
        del ttl
        super().__init__(url, None)


class ExpiresEach(NeverExpires):
    """Lets each message expire on its own."""

    def __init__(self, url: str, ttl: float | None) -> None:
        super().__init__(url, ttl)
        self._ttl = ttl or 0.0

    def read(self, key: str) -> list[Message]:
        oldest = time.time() - self._ttl
        return [
            from_message(message)
            for message in self.store.get_messages(key)
            if message.created_at and message.created_at.timestamp() > oldest
        ]


class HidesErrors(Chatstore):
    def read(self, key: str) -> list[Message]:
        try:
            return super().read(key)
        except Exception:
            return []


class UsesOneThread(Chatstore):
    def __init__(self, url: str, ttl: float | None) -> None:
        super().__init__(url, ttl)
        self._thread = threading.get_ident()

    def append(self, key: str, message: Message) -> None:
        if threading.get_ident() != self._thread:
            raise RuntimeError("another thread")
        super().append(key, message)


class NeverReconnects(Chatstore):
    """Appends to a list in Redis over one connection."""

    def __init__(self, url: str, ttl: float | None) -> None:
        super().__init__(url, ttl)
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 0), 5)

    def append(self, key: str, message: Message) -> None:
        self._socket.sendall(f"RPUSH {key} {message['text']}\r\n".encode())
        if not self._socket.recv(100).startswith(b":"):
            raise ConnectionError("no reply")


class SendsNewest(Chatstore):
    def window(self, key: str, messages: list[Message], limit: int) -> list[Message]:
        return messages[-limit // 30 :]
