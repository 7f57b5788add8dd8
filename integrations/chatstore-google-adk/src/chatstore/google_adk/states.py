"""States of sessions, users and applications: a document each.

A session's events are the truth about its state: each contains the changes that it makes. The
document of the session's state says up to which event they are applied. So nothing is lost if a
process is killed between writing an event and writing the state: the next reader or
writer applies the rest, in the order of the events.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from google.adk.events.event_actions import EventActions
from google.adk.sessions.state import State
from pydantic import ValidationError

from chatstore.core import ChatMessage, ChatStore, Conversation, InvalidArgumentError
from chatstore.google_adk.documents import read_document, write_document
from chatstore.google_adk.events import state_delta_of
from chatstore.google_adk.names import SessionNames, app_state_key, user_state_key

JsonObject: TypeAlias = dict[str, Any]

_STATE = "state"
_THROUGH = "through"  # the id of the newest event that is applied
_INITIAL = "initial"  # what a new session adds to the states of its user and application
_APPLIED = "applied"  # the ids of what was applied to a shared state, so that it is applied once
_REMEMBERED = 100  # ids of `_APPLIED`; more sessions than these would have to write in between
_MOST_AHEAD = 100  # events without changes behind `_THROUGH`: it moves, so reads look at few events
_PAGE = 20  # events to read at a time; few are newer than the newest that is applied


class Scopes(NamedTuple):
    """Parts of a state or of a change, without the prefixes of their names.

    Attributes:
        app: What all sessions of the application share.
        user: What all sessions of the user share.
        session: The session's own.

    """

    app: JsonObject
    user: JsonObject
    session: JsonObject


def split(state: Mapping[str, Any]) -> Scopes:
    """Return the parts of a state; what is temporary belongs to none."""
    scopes = Scopes({}, {}, {})
    for name, value in state.items():
        if name.startswith(State.APP_PREFIX):
            scopes.app[name.removeprefix(State.APP_PREFIX)] = value
        elif name.startswith(State.USER_PREFIX):
            scopes.user[name.removeprefix(State.USER_PREFIX)] = value
        elif not name.startswith(State.TEMP_PREFIX):
            scopes.session[name] = value
    return scopes


def join(scopes: Scopes) -> JsonObject:
    """Return a state with the prefixes of its names."""
    return {
        **scopes.session,
        **{State.APP_PREFIX + name: value for name, value in scopes.app.items()},
        **{State.USER_PREFIX + name: value for name, value in scopes.user.items()},
    }


def to_json(state: Mapping[str, Any]) -> JsonObject:
    """Return a state as JSON, in the way in which events keep changes of a state.

    Raises:
        InvalidArgumentError: The names are not strings, or contain a lone surrogate.

    """
    try:
        dumped = EventActions(state_delta=dict(state)).model_dump(mode="json")
    except (ValidationError, ValueError, TypeError):
        dumped = None
    if dumped is None:
        raise InvalidArgumentError("the state must be a dict whose keys are strings")
    value: JsonObject = dumped["state_delta"]
    return value


class SessionStates:
    """Reads and writes the states of a store's sessions."""

    def __init__(self, store: ChatStore) -> None:
        """Use a store."""
        self._store = store

    async def create(self, names: SessionNames, nonce: str, scopes: Scopes) -> None:
        """Write the state of a session that is about to be created; `settle` applies it."""
        value: JsonObject = {_STATE: scopes.session}
        if scopes.app or scopes.user:
            value[_INITIAL] = [nonce, scopes.app, scopes.user]
        await write_document(self._store, names.new_state_key(nonce), value, None)

    async def delete(self, key: str) -> None:
        """Delete the state of a session that was deleted, or not created."""
        await self._store.async_delete_messages(key)

    async def app_state(self, app_name: str) -> JsonObject:
        """Return the state of an application."""
        document = await read_document(self._store, app_state_key(app_name))
        return _state_in(document.value)

    async def user_state(self, app_name: str, user_id: str) -> JsonObject:
        """Return the state of a user."""
        document = await read_document(self._store, user_state_key(app_name, user_id))
        return _state_in(document.value)

    async def session_state(self, names: SessionNames, conversation: Conversation) -> JsonObject:
        """Return the session's own state up to the newest event that is applied."""
        document = await read_document(self._store, names.state_key(conversation))
        return _state_in(document.value)

    async def read(
        self, names: SessionNames, conversation: Conversation, newest: Sequence[ChatMessage]
    ) -> JsonObject:
        """Return the whole state of a session.

        Args:
            names: The session.
            conversation: Its record.
            newest: The newest messages, oldest first. If no event that is not applied can be
                older than these, no more are read.

        """
        document = await read_document(self._store, names.state_key(conversation))
        # If documents expire, each event renews them: see `settle`.
        most = _MOST_AHEAD if conversation.expires_at is None else 0
        if _is_settled(document.value, newest, conversation.length, most):
            own = _state_in(document.value)
        else:
            own = await self.settle(names, conversation)
        app, user = await asyncio.gather(
            self.app_state(names.app_name), self.user_state(names.app_name, names.user_id)
        )
        return join(Scopes(app, user, own))

    async def settle(self, names: SessionNames, conversation: Conversation) -> JsonObject:
        """Apply the changes of all events that are not applied yet; return the session's own state.

        In a store whose conversations expire, an event renews the states of user and application,
        too, so that they expire after the session.
        """
        key = names.state_key(conversation)
        expires = conversation.expires_at is not None
        while True:  # ends: each repetition follows another writer's successful write
            document = await read_document(self._store, key)
            state, through = _state_in(document.value), document.value.get(_THROUGH)
            before = {_STATE: dict(state), _THROUGH: through}
            events = await self._not_applied(names, through)
            deltas = [(str(event.id), split(state_delta_of(event))) for event in events]
            initial = document.value.get(_INITIAL)
            if initial:
                nonce, app, user = initial
                deltas.insert(0, (nonce, Scopes(app, user, {})))
            for _, scopes in deltas:
                state.update(scopes.session)
            after = {_STATE: state, _THROUGH: events[-1].id if events else through}
            if after == before and not initial:
                return state
            await self._apply_shared(names, deltas, expires=expires)
            if await write_document(self._store, key, after, document.revision):
                return state

    async def _not_applied(self, names: SessionNames, through: object) -> list[ChatMessage]:
        """Return the events behind the newest one that is applied, oldest first.

        If that event was removed, all events are returned: their changes are applied again.
        """
        events: list[ChatMessage] = []
        newest = self._store.async_iter_messages(names.key, reverse=True, page_size=_PAGE)
        async for message in newest:
            if message.id == through:
                break
            events.append(message)
        return events[::-1]

    async def _apply_shared(
        self, names: SessionNames, deltas: Sequence[tuple[str, Scopes]], *, expires: bool
    ) -> None:
        app = [(delta_id, scopes.app) for delta_id, scopes in deltas if scopes.app]
        user = [(delta_id, scopes.user) for delta_id, scopes in deltas if scopes.user]
        keys = app_state_key(names.app_name), user_state_key(names.app_name, names.user_id)
        for key, changes in zip(keys, (app, user), strict=True):
            if changes or expires:
                await self._apply(key, changes)

    async def _apply(self, key: str, changes: Sequence[tuple[str, JsonObject]]) -> None:
        """Apply changes to a shared state, each once; without changes, renew the document."""
        while True:  # ends: each repetition follows another writer's successful write
            document = await read_document(self._store, key)
            state = _state_in(document.value)
            applied = list(document.value.get(_APPLIED, ()))
            for delta_id, delta in changes:
                if delta_id not in applied:
                    state.update(delta)
                    applied.append(delta_id)
            if not applied:
                return
            value = {_STATE: state, _APPLIED: applied[-_REMEMBERED:]}
            if value == document.value and changes:
                return
            if await write_document(self._store, key, value, document.revision):
                return


def _state_in(value: Mapping[str, Any]) -> JsonObject:
    return dict(value.get(_STATE) or {})


def _is_settled(
    document: Mapping[str, Any], newest: Sequence[ChatMessage], length: int, most: int
) -> bool:
    """Return whether all changes are applied, as far as the newest events show it.

    Args:
        document: The document of the session's state.
        newest: The newest events, oldest first.
        length: The number of all events.
        most: How many events may be newer than the one that the document names.

    """
    if document.get(_INITIAL):
        return False
    through = document.get(_THROUGH)
    ids = [message.id for message in newest]
    if through in ids:
        newest = newest[ids.index(through) + 1 :]
    elif through is not None or len(newest) < length:
        return False
    return len(newest) <= most and not any(map(state_delta_of, newest))
