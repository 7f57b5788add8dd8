"""Every store class of this project, opened at addresses that lead nowhere."""

from __future__ import annotations

from collections.abc import Callable

from chatstore.azure import AzureChatStore
from chatstore.core import ChatStore, SimpleChatStore
from chatstore.cosmos import CosmosChatStore
from chatstore.dynamodb import DynamoDBChatStore
from chatstore.postgres import PostgresChatStore
from chatstore.redis import RedisChatStore
from chatstore.sqlite import SQLiteChatStore
from chatstore.upstash import UpstashChatStore

SECRET = "hunter2"
ACCOUNT_KEY = "aHVudGVyMg=="  # base64, as Azure's keys are

CLASSES: dict[str, type[ChatStore]] = {
    "memory": SimpleChatStore,
    "sqlite": SQLiteChatStore,
    "redis": RedisChatStore,
    "upstash": UpstashChatStore,
    "postgres": PostgresChatStore,
    "dynamodb": DynamoDBChatStore,
    "azure": AzureChatStore,
    "cosmos": CosmosChatStore,
}

STORES: dict[str, Callable[..., ChatStore]] = {
    "memory": SimpleChatStore,
    "sqlite": lambda **options: SQLiteChatStore("/nowhere/chat.db", **options),
    "redis": lambda **options: RedisChatStore(f"redis://:{SECRET}@127.0.0.1:1", **options),
    "upstash": lambda **options: UpstashChatStore("https://127.0.0.1:1", SECRET, **options),
    "postgres": lambda **options: PostgresChatStore(
        f"postgresql://me:{SECRET}@127.0.0.1:1/db", **options
    ),
    "dynamodb": lambda **options: DynamoDBChatStore(
        "table", endpoint_url="http://127.0.0.1:1", region_name="eu-central-1", **options
    ),
    "azure": lambda **options: AzureChatStore.from_account_and_key(
        "account", ACCOUNT_KEY, endpoint="http://127.0.0.1:1/account", **options
    ),
    "cosmos": lambda **options: CosmosChatStore("https://127.0.0.1:1", ACCOUNT_KEY, **options),
}
