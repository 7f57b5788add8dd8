"""The harnesses of four databases, for tests of layers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider

_PACKAGES = Path(__file__).parents[2] / "packages"
sys.path.append(str(Path(__file__).parent))
sys.path.extend(
    str(_PACKAGES / f"chatstore-{name}" / "tests")
    for name in ("sqlite", "redis", "postgres", "dynamodb", "media")
)


@pytest.fixture(scope="session", autouse=True)
def record_telemetry() -> None:
    """Have the program's providers record; they keep no spans."""
    trace.set_tracer_provider(TracerProvider())
    metrics.set_meter_provider(MeterProvider([InMemoryMetricReader()]))


@pytest.fixture
def dynamodb_server(dynamodb_server: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the emulator without faults, and credentials in the environment."""
    from dynamodb_server import KEYS, REGION

    for name, value in KEYS.items():
        monkeypatch.setenv(name.upper(), value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    dynamodb_server.set_fault()
    dynamodb_server.log()
    return dynamodb_server


@pytest.fixture
def sqlite_harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the harness of a new file of SQLite."""
    from sqlite_work import Work
    from test_contract_sqlite import SQLiteHarness

    return SQLiteHarness(str(tmp_path / "chat.db"), Work(monkeypatch))


@pytest.fixture
def redis_harness(redis_server: Any) -> Any:
    """Return the harness of a new namespace of Redis."""
    from test_contract_redis import ServerHarness

    return ServerHarness(redis_server)


@pytest.fixture
def postgres_harness(postgres_server: Any) -> Any:
    """Return the harness of new tables of Postgres."""
    from postgres_harness import PostgresHarness

    return PostgresHarness(postgres_server)


@pytest.fixture
def dynamodb_harness(dynamodb_server: Any) -> Iterator[Any]:
    """Return the harness of a new table of DynamoDB."""
    from dynamodb_harness import MotoHarness

    harness = MotoHarness(dynamodb_server)
    yield harness
    harness.client.close()
