"""``ChatStoreRepository`` keeps what Strands' session managers give it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from models_strands import call, result
from strands.types.exceptions import SessionException
from strands.types.session import Session, SessionAgent, SessionMessage, SessionType

from chatstore.core import (
    ChatMessage,
    ChatStore,
    InvalidMessageError,
    StoreClosedError,
    open_store,
)
from chatstore.strands import ChatStoreRepository, to_strands
from chatstore.strands.numbered import to_session

AGENT = SessionAgent("planner", {"a": [b"bytes"]}, {"removed_message_count": 2}, {"x": {"y": 1}})


class State:
    """A graph or swarm with a state."""

    def __init__(self, state: Any) -> None:
        self.id = "graph"
        self.state = state

    def serialize_state(self) -> Any:
        return self.state


@pytest.fixture
def store(each_store_url: str) -> Iterator[ChatStore]:
    with open_store(each_store_url) as opened:
        yield opened


@pytest.fixture
def repository(store: ChatStore) -> ChatStoreRepository:
    return ChatStoreRepository(store)


@pytest.fixture
def local(store_url: str) -> Iterator[ChatStoreRepository]:
    """Return a repository in SQLite, for tests that depend on no database."""
    with ChatStoreRepository(store_url) as opened:
        yield opened


def message(number: int, text: str = "hi", role: Any = "user") -> SessionMessage:
    return SessionMessage.from_message({"role": role, "content": [{"text": text}]}, number)


def test_everything_is_read_back(repository: ChatStoreRepository) -> None:
    session = Session("s/1", SessionType.AGENT)
    image: Any = {"image": {"format": "png", "source": {"bytes": b"pixel"}}}
    messages = [message(0), message(1, role="assistant"), message(2)]
    messages[2].message["content"].append(image)
    graph: Any = State({"results": {"node": [b"bytes"]}})

    assert repository.read_session("s/1") is None
    assert repository.create_session(session) is session
    repository.create_session(session)  # again: the answer may have been lost
    repository.create_agent("s/1", AGENT)
    for one in messages:
        repository.create_message("s/1", "planner", one)
    repository.create_multi_agent("s/1", graph)

    assert repository.read_session("s/1") == session
    assert repository.read_agent("s/1", "planner") == AGENT
    assert repository.list_messages("s/1", "planner") == messages
    assert repository.read_message("s/1", "planner", 2) == messages[2]
    assert repository.read_multi_agent("s/1", "graph") == graph.state
    assert repository.read_session("s") is None
    assert repository.read_agent("s/1", "other") is None
    assert repository.list_messages("s/1", "other") == []
    assert repository.read_message("s/1", "planner", 3) is None
    assert repository.read_multi_agent("s/1", "other") is None


def test_states_are_replaced(local: ChatStoreRepository) -> None:
    local.create_agent("s", AGENT)
    created = AGENT.created_at
    later = SessionAgent("planner", {"b": 1}, {}, created_at="later")
    local.update_agent("s", later)
    graph: Any = State({"a": 1})
    local.create_multi_agent("s", graph)
    graph.state = {"b": 2}
    local.update_multi_agent("s", graph)

    agent = local.read_agent("s", "planner")
    assert agent is not None
    assert (agent.state, agent.created_at) == ({"b": 1}, created)
    assert local.read_multi_agent("s", "graph") == {"b": 2}


def test_states_are_what_json_can_hold(local: ChatStoreRepository) -> None:
    """Strands' ``AgentState`` accepts what ``json.dumps`` accepts."""
    local.create_agent("s", SessionAgent("planner", {"point": (1, 2), "names": {1: "a"}}, {}))
    agent = local.read_agent("s", "planner")
    assert agent is not None
    assert agent.state == {"point": [1, 2], "names": {"1": "a"}}

    for value in (float("nan"), object()):
        with pytest.raises(InvalidMessageError, match="JSON cannot hold the state") as caught:
            local.update_agent("s", SessionAgent("planner", {"a": value}, {}))
        assert caught.value.__context__ is None
    assert local.read_agent("s", "planner") == agent


def test_what_is_missing_is_not_updated(local: ChatStoreRepository) -> None:
    graph: Any = State({})
    with pytest.raises(SessionException, match="no agent 'planner'"):
        local.update_agent("s", AGENT)
    with pytest.raises(SessionException, match="no message 0"):
        local.update_message("s", "planner", message(0))
    with pytest.raises(SessionException, match="no graph or swarm 'graph'"):
        local.update_multi_agent("s", graph)
    with pytest.raises(SessionException, match="'s' does not exist"):
        local.delete_session("s")
    assert local.store.get_keys() == []


def test_another_session_with_the_same_id_is_refused(local: ChatStoreRepository) -> None:
    local.create_session(Session("s", SessionType.AGENT))
    with pytest.raises(SessionException, match="exists already"):
        local.create_session(Session("s", SessionType.AGENT))


def test_a_number_is_taken_once(repository: ChatStoreRepository) -> None:
    """Strands numbers messages without asking, so two processes may use the same number."""
    first = message(0)
    repository.create_message("s", "default", first)
    again = message(0)
    again.created_at = "2020-01-01T00:00:00+00:00"
    repository.create_message("s", "default", again)
    with pytest.raises(SessionException, match="another process continued it"):
        repository.create_message("s", "default", message(0, "other"))
    redacted = copy.deepcopy(first)
    redacted.redact_message = {"role": "user", "content": [{"text": "hidden"}]}
    with pytest.raises(SessionException, match="another message 0"):
        repository.create_message("s", "default", redacted)

    assert repository.list_messages("s", "default") == [first]


@pytest.mark.parametrize("number", [-1, "0", None, 1.0, "../a"])
def test_only_numbers_are_ids(local: ChatStoreRepository, number: Any) -> None:
    with pytest.raises(ValueError, match="an integer of at least 0"):
        local.create_message("s", "default", message(number))


def test_a_redacted_message_is_replaced(repository: ChatStoreRepository) -> None:
    secret = message(0, "secret")
    repository.create_message("s", "default", secret)
    repository.create_message("s", "default", message(1))
    created = secret.created_at
    secret.redact_message = {"role": "user", "content": [{"text": "hidden"}]}
    secret.created_at = "2020-01-01T00:00:00+00:00"
    repository.update_message("s", "default", secret)

    returned = repository.list_messages("s", "default")
    assert [one.message_id for one in returned] == [0, 1]
    assert returned[0].created_at == created
    assert returned[0].redact_message == secret.redact_message
    assert returned[0].message == secret.message
    [visible, _] = repository.store.get_messages("s")
    assert visible.content == "hidden"
    assert to_strands([visible])[0]["content"] == [{"text": "hidden"}]


def test_pages_do_not_read_what_they_leave_out(
    repository: ChatStoreRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = [message(number, str(number)) for number in range(12)]
    for one in messages:
        repository.create_message("s", "default", one)
    read: list[int] = []

    def counted(stored: Any, first: int = 0) -> Any:
        read.append(len(stored))
        return to_session(stored, first)

    monkeypatch.setattr("chatstore.strands.reading.to_session", counted)
    assert repository.list_messages("s", "default", offset=9) == messages[9:]
    assert repository.list_messages("s", "default", limit=2) == messages[:2]
    assert repository.list_messages("s", "default", limit=2, offset=5) == messages[5:7]
    assert read == [3, 3, 3]
    assert repository.list_messages("s", "default", offset=12) == []
    assert repository.list_messages("s", "default", offset=13) == []
    assert repository.list_messages("s", "default", limit=0) == []


def test_others_messages_are_numbered_and_continued(repository: ChatStoreRepository) -> None:
    calls = [
        {"id": i, "type": "function", "function": {"name": "f", "arguments": "{}"}} for i in "ab"
    ]
    repository.store.add_messages(
        "s",
        [
            ChatMessage(role="system", content="Be nice."),
            ChatMessage(role="user", content="q"),
            ChatMessage(role="assistant", additional_kwargs={"tool_calls": calls}),
            ChatMessage(role="tool", content="1", additional_kwargs={"tool_call_id": "a"}),
            ChatMessage(role="tool", content="2", additional_kwargs={"tool_call_id": "b"}),
            ChatMessage(role="assistant", content="done"),
        ],
    )
    session = repository.read_session("s")
    assert session is not None
    assert session.session_type is SessionType.AGENT
    before = repository.list_messages("s", "default")
    assert [one.message["content"] for one in before] == [
        [{"text": "q"}],
        [call("f", "a"), call("f", "b")],
        [result("a", "1"), result("b", "2")],
        [{"text": "done"}],
    ]
    for number in (4, 5):
        repository.create_message("s", "default", message(number))
    repository.store.add_message("s", ChatMessage(role="assistant", content="from elsewhere"))
    repository.create_message("s", "default", message(7))

    listed = repository.list_messages("s", "default")
    assert [one.message_id for one in listed] == list(range(8))
    assert listed[:4] == before
    for offset in range(9):
        assert repository.list_messages("s", "default", offset=offset) == listed[offset:]
        for limit in (1, 2, 3):
            page = repository.list_messages("s", "default", limit=limit, offset=offset)
            assert page == listed[offset : offset + limit]
    assert [repository.read_message("s", "default", number) for number in range(8)] == listed
    with pytest.raises(SessionException, match="no message 6 of Strands"):
        repository.update_message("s", "default", listed[6])


def test_conversations_have_an_owner_and_the_ids(store: ChatStore) -> None:
    repository = ChatStoreRepository(store, owner="ann")
    for agent_id in ("default", "planner"):
        repository.create_agent("s", SessionAgent(agent_id, {}, {}))
        repository.create_agent("s", SessionAgent(agent_id, {"new": 1}, {}))

    listed = store.list_conversations(owner="ann").conversations
    assert {one.key: one.metadata for one in listed} == {
        "s": {"strands": {"session_id": "s", "agent_id": "default"}},
        "s/planner": {"strands": {"session_id": "s", "agent_id": "planner"}},
    }


def test_a_session_is_deleted_as_a_whole(repository: ChatStoreRepository) -> None:
    for session_id in ("s", "s2"):
        for agent_id in ("default", "planner"):
            repository.create_agent(session_id, SessionAgent(agent_id, {}, {}))
            repository.create_message(session_id, agent_id, message(0))
        graph: Any = State({"a": 1})
        repository.create_multi_agent(session_id, graph)
    before = set(repository.store.get_keys())
    repository.delete_session("s")

    assert len(before) == 12
    assert set(repository.store.get_keys()) == {key for key in before if "s2" in key}
    assert repository.read_session("s") is None
    assert repository.read_session("s2") is not None


def test_only_stores_opened_by_url_are_closed(store_url: str) -> None:
    with open_store(store_url) as store:
        with ChatStoreRepository(store):
            pass
        assert store.get_keys() == []
    with ChatStoreRepository(store_url) as repository:
        pass
    with pytest.raises(StoreClosedError):
        repository.read_session("s")
