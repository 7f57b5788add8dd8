"""Set up all tests: no tracing, this folder's modules, and a server of DynamoDB."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ["LANGSMITH_TRACING"] = "false"  # read at LangChain's first use

_HERE = Path(__file__).parent
_DYNAMODB = _HERE.parents[2] / "packages" / "chatstore-dynamodb" / "tests"
sys.path.insert(0, str(_HERE))  # pytest's import mode omits it


@pytest.fixture(scope="session")
def dynamodb_server() -> Iterator[Any]:
    """Start a DynamoDB server for all tests of a process."""
    sys.path.append(str(_DYNAMODB))
    from dynamodb_server import DynamoDBServer

    server = DynamoDBServer()
    yield server
    server.close()
