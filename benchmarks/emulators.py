"""Emulators of services that cannot be had here: those that the packages' tests run on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

_PACKAGES = Path(__file__).resolve().parent.parent / "packages"
TABLES = ("chats", "llama", "bare")
"""Of DynamoDB: one for each who keeps items of another form."""


@contextmanager
def dynamodb() -> Iterator[Any]:
    """Start moto; yield the server of the tests, with its URL and its log of units."""
    sys.path.append(str(_PACKAGES / "chatstore-dynamodb" / "tests"))
    from dynamodb_server import DynamoDBServer  # noqa: PLC0415 - found since the line above

    server = DynamoDBServer()
    try:
        client = server.client()
        for table in TABLES:
            client.create_table(
                TableName=table,
                KeySchema=[{"AttributeName": "SessionId", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "SessionId", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        client.close()
        yield server
    finally:
        server.close()


@contextmanager
def azure() -> Iterator[tuple[str, int]]:
    """Start Azurite; yield an ``azure-tables`` URL with ``{port}`` in it, and the port."""
    sys.path.append(str(_PACKAGES / "chatstore-azure" / "tests"))
    from azurite_server import ACCOUNT, KEY, Azurite  # noqa: PLC0415 - the same

    server = Azurite()
    try:
        access = f"{ACCOUNT}:{quote(KEY, safe='')}"
        yield f"azure-tables+http://{access}@127.0.0.1:{{port}}/{ACCOUNT}/Chats", server.port
    finally:
        server.close()
