"""Maintenance of a database."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from chatstore.core.backend.base import Backend
from chatstore.core.backend.plans import Plan


def setup(backend: Backend[Any]) -> Plan[Any, None]:
    """Create what is missing in the database."""
    return backend.setup()


def check(backend: Backend[Any]) -> Plan[Any, None]:
    """Prove that conversations can be read and written."""
    return backend.check(f"check-{uuid4().hex}")


def purge_expired(backend: Backend[Any]) -> Plan[Any, bool]:
    """Free the storage of some expired conversations; return whether there may be more."""
    return backend.purge_expired()
