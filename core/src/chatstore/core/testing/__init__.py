"""The public contract suite: the promises of every store, as tests for anybody's backend.

A backend's author subclasses `ChatStoreContract` and gives it one fixture, ``backend``.
The names load on first use: importing this package needs no pytest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatstore.core.testing.backend import Backend
    from chatstore.core.testing.contract import ChatStoreContract

__all__ = ["Backend", "ChatStoreContract"]


def __getattr__(name: str) -> Any:
    """Import a public name when somebody asks for it."""
    if name == "Backend":
        from chatstore.core.testing.backend import Backend

        return Backend
    if name == "ChatStoreContract":
        import pytest

        pytest.register_assert_rewrite("chatstore.core.testing.contract")
        from chatstore.core.testing.contract import ChatStoreContract

        return ChatStoreContract
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
