"""Set up all tests: this folder's modules, and a service on an empty store."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from chatstore.google_adk import ChatStoreSessionService

sys.path.insert(0, str(Path(__file__).parent))  # pytest's import mode omits it


@pytest.fixture
def service(store_url: str) -> Iterator[ChatStoreSessionService]:
    from chatstore.core import open_store
    from chatstore.google_adk import ChatStoreSessionService

    with open_store(store_url) as store:
        yield ChatStoreSessionService(store)
