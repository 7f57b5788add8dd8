"""Real servers, and what the real packages leave on them."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from benchmarks.environments import plain_environment, prepare

_HERE = Path(__file__).parent
_PACKAGES = _HERE.parents[1] / "packages"
for package in ("azure", "dynamodb", "upstash"):
    sys.path.append(str(_PACKAGES / f"chatstore-{package}" / "tests"))


@pytest.fixture(scope="session")
def leave():
    """Return a function that lets a framework's own store keep conversations.

    It runs in an environment of the framework's packages, whose pins exclude ours, and returns
    the messages as that store reads them, by their keys.
    """

    def run(framework, kind, **where):
        script = _HERE / f"leave_{framework}.py"
        done = subprocess.run(
            [str(prepare(framework)), str(script), kind, json.dumps(where)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=plain_environment() | {"NO_PROXY": "*"},
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


@pytest.fixture
def redis_port(redis_server):
    import redis

    with redis.Redis(port=redis_server.port) as client:
        client.flushall()
    return redis_server.port


@pytest.fixture
def postgres_url(postgres_server):
    name = f"left_{uuid.uuid4().hex}"
    postgres_server.execute(f"CREATE DATABASE {name}")
    return postgres_server.url(name)


@pytest.fixture
def upstash(redis_port):
    from upstash_double import UpstashDouble

    double = UpstashDouble(redis_port)
    yield double
    double.close()


@pytest.fixture(scope="session")
def dynamodb():
    from dynamodb_server import DynamoDBServer

    server = DynamoDBServer()
    yield server
    server.close()


@pytest.fixture
def dynamodb_table(dynamodb):
    """Return boto3's resource of a new table."""
    import boto3
    from dynamodb_server import KEYS, REGION

    resource = boto3.resource("dynamodb", region_name=REGION, endpoint_url=dynamodb.url, **KEYS)
    yield resource.Table(dynamodb.new_table())
    resource.meta.client.close()


@pytest.fixture(scope="session")
def azurite():
    from azurite_server import Azurite

    server = Azurite()
    yield server
    server.close()
