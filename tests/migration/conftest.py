"""Real servers, and a function that fills them with a framework's own package."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from benchmarks.environments import plain_environment, prepare

Fill = Callable[..., dict[str, Any]]
_HERE = Path(__file__).parent
_PACKAGES = _HERE.parents[1] / "packages"
sys.path.append(str(_HERE))
for package in ("azure", "dynamodb", "upstash"):
    sys.path.append(str(_PACKAGES / f"chatstore-{package}" / "tests"))


@pytest.fixture(scope="session")
def fill() -> Fill:
    """Return a function that writes conversations with a framework's own store.

    The store runs in an environment of its own, since the framework's pins conflict with this
    project's. The function returns the messages by key, as the store reads them.
    """

    def run(framework: str, kind: str, **where: Any) -> dict[str, Any]:
        script = _HERE / f"fill_{framework}.py"
        completed = subprocess.run(
            [str(prepare(framework)), str(script), kind, json.dumps(where)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=plain_environment() | {"NO_PROXY": "*"},
        )
        assert completed.returncode == 0, completed.stderr
        result: dict[str, Any] = json.loads(completed.stdout.splitlines()[-1])
        return result

    return run


@pytest.fixture
def redis_port(redis_server: Any) -> int:
    import redis

    with redis.Redis(port=redis_server.port) as client:
        client.flushall()
    return int(redis_server.port)


@pytest.fixture
def postgres_url(postgres_server: Any) -> str:
    name = f"filled_{uuid.uuid4().hex}"
    postgres_server.execute(f"CREATE DATABASE {name}")
    return str(postgres_server.url(name))


@pytest.fixture
def upstash(redis_port: int) -> Iterator[Any]:
    from upstash_double import UpstashDouble

    double = UpstashDouble(redis_port)
    yield double
    double.close()


@pytest.fixture
def dynamodb_table(dynamodb_server: Any) -> Iterator[Any]:
    """Return boto3's resource of a new table."""
    import boto3
    from dynamodb_server import KEYS, REGION

    resource: Any = boto3.resource(
        "dynamodb", region_name=REGION, endpoint_url=dynamodb_server.url, **KEYS
    )
    yield resource.Table(dynamodb_server.new_table())
    resource.meta.client.close()


@pytest.fixture(scope="session")
def azurite() -> Iterator[Any]:
    from azurite_server import Azurite

    server = Azurite()
    yield server
    server.close()
