"""Imports written for LlamaIndex's chat stores work after only the package's name is changed."""

from __future__ import annotations

from importlib import import_module

import pytest

CLASSES = {
    "azure": "AzureChatStore",
    "cosmos": "CosmosChatStore",
    "dynamodb": "DynamoDBChatStore",
    "postgres": "PostgresChatStore",
    "redis": "RedisChatStore",
    "sqlite": "SQLiteChatStore",
    "upstash": "UpstashChatStore",
}


@pytest.mark.parametrize(("package", "name"), CLASSES.items(), ids=CLASSES)
def test_the_module_of_the_class(package: str, name: str) -> None:
    package_class = getattr(import_module(f"chatstore.{package}"), name)
    assert getattr(import_module(f"chatstore.{package}.base"), name) is package_class
