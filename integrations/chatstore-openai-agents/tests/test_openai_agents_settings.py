"""Unknown names and wrong values of settings are refused at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from agents import SessionSettings

from chatstore.core import InvalidArgumentError, SimpleChatStore, StoreClosedError
from chatstore.openai_agents import ChatStoreSession


def from_constructor(settings: Any) -> Any:
    return ChatStoreSession("s", SimpleChatStore(), session_settings=settings)


def from_url(settings: Any) -> Any:
    return ChatStoreSession.from_url("s", "memory://", session_settings=settings)


def assigned(settings: Any) -> Any:
    session = ChatStoreSession("s", SimpleChatStore())
    session.session_settings = settings
    return session


GIVEN = pytest.mark.parametrize("give", [from_constructor, from_url, assigned])


@GIVEN
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"limitt": 1}, "unknown setting 'limitt' .* known settings: limit"),
        ({"limit": 1, "Limit": 2}, "unknown setting 'Limit'"),
        ({1: 2}, "unknown setting 1"),
        ({"limit": "2"}, "limit must be an integer or None, not str"),
        ({"limit": 2.0}, "not float"),
        ({"limit": True}, "not bool"),
        (5, "session_settings must be a SessionSettings, a dict or None, not int"),
        ([("limit", 1)], "not list"),
    ],
)
def test_wrong_settings_are_refused(give: Any, settings: Any, message: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        give(settings)


@GIVEN
@pytest.mark.parametrize("settings", [{"limit": 2}, SessionSettings(limit=2)])
def test_settings_are_the_sdks(give: Any, settings: Any) -> None:
    assert give(settings).session_settings == SessionSettings(limit=2)


@GIVEN
@pytest.mark.parametrize("settings", [None, {}, {"limit": None}, SessionSettings()])
def test_by_default_there_is_no_limit(give: Any, settings: Any) -> None:
    assert give(settings).session_settings == SessionSettings()


def test_a_limit_of_a_call_is_checked() -> None:
    with pytest.raises(InvalidArgumentError, match="limit must be an integer or None, not str"):
        asyncio.run(from_constructor(None).get_items("2"))


def test_a_limit_that_was_changed_later_is_checked() -> None:
    session = from_constructor(None)
    session.session_settings.limit = "2"
    with pytest.raises(InvalidArgumentError, match="not str"):
        asyncio.run(session.get_items())


@pytest.mark.parametrize("store", ["memory://", None, {}, SimpleChatStore])
def test_a_store_is_required(store: Any) -> None:
    with pytest.raises(
        InvalidArgumentError, match=r"store must be a chatstore\.core\.ChatStore.*open_store"
    ):
        ChatStoreSession("s", store)


def test_a_closed_session_raises_a_runtime_error() -> None:
    async def main() -> None:
        session = from_constructor(None)
        await session.close()
        with pytest.raises(RuntimeError) as raised:
            await session.get_items()
        assert isinstance(raised.value, StoreClosedError)

    asyncio.run(main())
