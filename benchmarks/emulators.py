"""Emulators and doubles of cloud services, taken from the packages' tests.

Each function yields a URL with ``{port}`` in it and the port. Where the service charges for
requests, it also yields a function that returns the units used since its last call.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

Units = dict[str, float]

_PACKAGES = Path(__file__).resolve().parent.parent / "packages"
_TABLES = ("chats", "llama", "bare")  # one for each form of items


def _find_tests_of(package: str) -> None:
    """Make the modules of a package's tests importable."""
    sys.path.append(str(_PACKAGES / package / "tests"))


@contextmanager
def dynamodb() -> Iterator[tuple[str, int, Callable[[], Units]]]:
    """Start moto with a table for each form of items."""
    _find_tests_of("chatstore-dynamodb")
    from dynamodb_server import DynamoDBServer

    server = DynamoDBServer()

    def units() -> Units:
        log = server.log()
        return {f"{kind} units": sum(one.get(kind, 0) for one in log) for kind in ("write", "read")}

    try:
        client = server.client()
        for table in _TABLES:
            client.create_table(
                TableName=table,
                KeySchema=[{"AttributeName": "SessionId", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "SessionId", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        client.close()
        url = "dynamodb://chats?region=eu-central-1&endpoint_url=http://127.0.0.1:{port}"
        yield url, int(server.url.rpartition(":")[2]), units
    finally:
        server.close()


@contextmanager
def azure() -> Iterator[tuple[str, int]]:
    """Start Azurite."""
    _find_tests_of("chatstore-azure")
    from azurite_server import ACCOUNT, KEY, Azurite

    server = Azurite()
    try:
        access = f"{ACCOUNT}:{quote(KEY, safe='')}"
        yield f"azure-tables+http://{access}@127.0.0.1:{{port}}/{ACCOUNT}/Chats", server.port
    finally:
        server.close()


@contextmanager
def cosmos() -> Iterator[tuple[str, int, Callable[[], Units]]]:
    """Start the double of Cosmos DB; its request units are estimates."""
    _find_tests_of("chatstore-cosmos")
    from cosmos_double import CosmosDouble

    double = CosmosDouble()

    def units() -> Units:
        requests, double.requests = double.requests, []
        return {"request units": sum(request.units for request in requests)}

    try:
        url = f"cosmos+http://:{quote(double.key, safe='')}@127.0.0.1:{{port}}/chats/messages"
        yield url, double.port, units
    finally:
        double.close()
    if double.errors:
        raise double.errors[0]


@contextmanager
def upstash(redis_port: int) -> Iterator[tuple[str, int]]:
    """Start the double of Upstash's REST API in front of a redis-server."""
    _find_tests_of("chatstore-upstash")
    from upstash_double import UpstashDouble

    double = UpstashDouble(redis_port)
    try:
        yield f"upstash+http://:{double.token}@127.0.0.1:{{port}}", double.port
    finally:
        double.close()
