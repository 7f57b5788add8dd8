"""Emulators and doubles of services that cannot be had here: those that the packages' tests run on.

Each yields a URL with ``{port}`` in it, the port, and where the service charges for requests a
function that tells the units since it was last asked.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

Units = dict[str, float]

_PACKAGES = Path(__file__).resolve().parent.parent / "packages"
_TABLES = ("chats", "llama", "bare")  # of DynamoDB: for each who keeps items of another form


def _find_tests_of(package: str) -> None:
    """Let the modules of a package's tests be imported."""
    sys.path.append(str(_PACKAGES / package / "tests"))


@contextmanager
def dynamodb() -> Iterator[tuple[str, int, Callable[[], Units]]]:
    """Start moto with a table for each form of items."""
    _find_tests_of("chatstore-dynamodb")
    from dynamodb_server import DynamoDBServer  # noqa: PLC0415 - found since the line above

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
        place = "dynamodb://chats?region=eu-central-1&endpoint_url=http://127.0.0.1:{port}"
        yield place, int(server.url.rpartition(":")[2]), units
    finally:
        server.close()


@contextmanager
def azure() -> Iterator[tuple[str, int]]:
    """Start Azurite."""
    _find_tests_of("chatstore-azure")
    from azurite_server import ACCOUNT, KEY, Azurite  # noqa: PLC0415 - the same

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
    from cosmos_double import CosmosDouble  # noqa: PLC0415 - the same

    double = CosmosDouble()

    def units() -> Units:
        asked, double.requests = double.requests, []
        return {"request units": sum(one.units for one in asked)}

    try:
        place = f"cosmos+http://:{quote(double.key, safe='')}@127.0.0.1:{{port}}/chats/messages"
        yield place, double.port, units
    finally:
        double.close()
    if double.errors:
        raise double.errors[0]


@contextmanager
def upstash(redis_port: int) -> Iterator[tuple[str, int]]:
    """Start the double of Upstash's REST API in front of a redis-server."""
    _find_tests_of("chatstore-upstash")
    from upstash_double import UpstashDouble  # noqa: PLC0415 - the same

    double = UpstashDouble(redis_port)
    try:
        yield f"upstash+http://:{double.token}@127.0.0.1:{{port}}", double.port
    finally:
        double.close()
