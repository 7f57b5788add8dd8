"""Tests can import the helper modules in this folder; most run with both frameworks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # pytest's import mode "importlib" does not add it

from http_client import CheckedClient
from http_programs import FRAMEWORKS

from chatstore.core import ChatStore
from chatstore.sqlite import SQLiteChatStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ChatStore]:
    with SQLiteChatStore(str(tmp_path / "chat.db")) as opened:
        yield opened


@pytest.fixture(params=FRAMEWORKS)
def anna(request: pytest.FixtureRequest, store: ChatStore) -> Iterator[CheckedClient]:
    """Return a client that is signed in as anna."""
    with CheckedClient(FRAMEWORKS[request.param](store), "anna") as client:
        yield client
