"""Sessions and checkpoints: they go on in other processes; what is lost otherwise is refused."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from agent_framework import (
    Agent,
    AgentSession,
    CheckpointStorage,
    Executor,
    InMemoryHistoryProvider,
    Message,
    SessionStore,
    WorkflowBuilder,
    WorkflowCheckpoint,
    WorkflowCheckpointException,
    WorkflowContext,
    handler,
)
from fake_client import FakeClient

from chatstore.agent_framework import ChatStoreCheckpointStorage, ChatStoreSnapshotStore
from chatstore.core import (
    ChatStore,
    CorruptStoreError,
    InvalidArgumentError,
    InvalidMessageError,
    open_store,
)
from chatstore.core.documents import to_document

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*SESSION_STORE:FutureWarning", "ignore:AgentSession state value:RuntimeWarning"
)


@pytest.fixture
def each_store(each_store_url: str) -> Iterator[ChatStore]:
    with open_store(each_store_url) as opened:
        yield opened


def session_store(store: ChatStore) -> SessionStore:
    from chatstore.agent_framework import ChatStoreSessionStore

    return ChatStoreSessionStore(store)


@dataclass
class Point:
    """A type that the framework does not know."""

    x: int


def checkpoint(name: str = "flow", **fields: Any) -> WorkflowCheckpoint:
    return WorkflowCheckpoint(name, "hash", **fields)


# ---------------------------------------------------------------------- sessions


def test_a_session_goes_on_in_another_process(each_store: ChatStore) -> None:
    async def main() -> None:
        client = FakeClient(lambda messages: Message("assistant", [f"{len(messages)}"]))
        agent = Agent(client, context_providers=[InMemoryHistoryProvider()])
        sessions = session_store(each_store)
        assert await sessions.get("a/b") is None
        session = agent.create_session()
        await agent.run("hi", session=session)
        session.service_session_id = {"conversation": "c"}
        await sessions.set("a/b", session)
        session.state["later"] = 1

        restored = await sessions.get("a/b")
        assert restored is not None
        assert restored.session_id == session.session_id
        assert restored.service_session_id == {"conversation": "c"}
        assert "later" not in restored.state
        restored.service_session_id = None
        await agent.run("again", session=restored)
        assert [m.text for m in client.received[-1]] == ["hi", "1", "again"]

        await sessions.set("a/b", restored)
        again = await sessions.get("a/b")
        assert again is not None
        assert len(again.state["in_memory"]["messages"]) == 4
        for _ in range(2):
            await sessions.delete("a/b")
            assert await sessions.get("a/b") is None

    asyncio.run(main())


def test_sessions_that_cannot_be_restored_are_refused(store: ChatStore) -> None:
    class OwnSession(AgentSession):
        pass

    async def main() -> None:
        sessions = session_store(store)
        with pytest.raises(ValueError, match="non-empty"):
            await sessions.get("")
        with pytest.raises(InvalidArgumentError, match="OwnSession"):
            await sessions.set("s", OwnSession())
        session = AgentSession()
        for value in (object(), float("nan"), b"x"):
            session.state["value"] = value
            with pytest.raises(InvalidMessageError, match="register_state_type"):
                await sessions.set("s", session)
        assert store.get_keys() == []

        session.state["value"] = {"type": "message", "role": 7, "contents": 3}
        await sessions.set("s", session)
        with pytest.raises(CorruptStoreError, match="registered type"):
            await sessions.get("s")

    asyncio.run(main())


# ---------------------------------------------------------------------- checkpoints


class Adder(Executor):
    """Adds one, until the sum is 3."""

    ran: ClassVar[list[int]] = []

    @handler
    async def add(self, number: int, context: WorkflowContext[int, int]) -> None:
        self.ran.append(number)
        if number < 3:
            await context.send_message(number + 1)
        else:
            await context.yield_output(number)


def test_a_workflow_goes_on_from_a_checkpoint(each_store: ChatStore) -> None:
    def flow(storage: CheckpointStorage) -> Any:
        first, second = Adder("first"), Adder("second")
        builder = WorkflowBuilder(
            name="adding",
            start_executor=first,
            checkpoint_storage=storage,
            output_from=[first, second],
        )
        return builder.add_edge(first, second).add_edge(second, first).build()

    async def main() -> None:
        storage = ChatStoreCheckpointStorage(each_store)
        result = await flow(storage).run(0)
        assert result.get_outputs() == [3]
        saved = await storage.list_checkpoints(workflow_name="adding")
        assert len(saved) >= 4
        assert [item.checkpoint_id for item in saved] == await storage.list_checkpoint_ids(
            workflow_name="adding"
        )
        assert [item.previous_checkpoint_id for item in saved[1:]] == [
            item.checkpoint_id for item in saved[:-1]
        ]
        assert await storage.get_latest(workflow_name="adding") == saved[-1]

        Adder.ran.clear()
        middle = saved[len(saved) - 2]
        again = await flow(ChatStoreCheckpointStorage(each_store)).run(
            checkpoint_id=middle.checkpoint_id
        )
        assert again.get_outputs() == [3]
        assert 0 < len(Adder.ran) < 4

    asyncio.run(main())


def test_checkpoints_are_listed_by_workflow_and_deleted(store: ChatStore) -> None:
    async def main() -> None:
        storage = ChatStoreCheckpointStorage(store)
        assert await storage.get_latest(workflow_name="flow") is None
        first, second, other = checkpoint(), checkpoint(), checkpoint("flow/2")
        first.timestamp = "2030-01-01T00:00:00"  # in UTC
        for item in (first, second, other):
            assert await storage.save(item) == item.checkpoint_id
        second.metadata["n"] = 1
        await storage.save(second)

        listed = await storage.list_checkpoints(workflow_name="flow")
        assert listed == [first, second]
        listed[0].metadata["changed"] = True
        assert await storage.load(first.checkpoint_id) == first
        assert await storage.get_latest(workflow_name="flow") == first

        assert await storage.delete(first.checkpoint_id)
        assert not await storage.delete(first.checkpoint_id)
        with pytest.raises(WorkflowCheckpointException, match=first.checkpoint_id):
            await storage.load(first.checkpoint_id)
        assert await storage.list_checkpoint_ids(workflow_name="flow") == [second.checkpoint_id]
        assert await storage.get_latest(workflow_name="flow") == second
        same_time = checkpoint(timestamp=second.timestamp)
        await storage.save(same_time)
        assert await storage.get_latest(workflow_name="flow") == same_time
        for item in (second, same_time, other):
            await storage.delete(item.checkpoint_id)
        assert store.get_keys() == []

    asyncio.run(main())


def test_only_allowed_types_are_unpickled(store: ChatStore) -> None:
    async def main() -> None:
        strict = ChatStoreCheckpointStorage(store)
        name = f"{Point.__module__}:{Point.__qualname__}"
        open_to_points = ChatStoreCheckpointStorage(store, allowed_checkpoint_types=[name])
        time = datetime(2026, 1, 1, tzinfo=timezone.utc)
        common = checkpoint(state={"time": time, "set": {1}, "message": Message("user", ["hi"])})
        await strict.save(common)
        restored = await strict.load(common.checkpoint_id)
        assert (restored.state["time"], restored.state["set"]) == (time, {1})

        points = checkpoint(state={"point": Point(1)})
        with pytest.raises(WorkflowCheckpointException, match="Point"):
            await strict.save(points)
        await open_to_points.save(points)
        assert (await open_to_points.load(points.checkpoint_id)).state == {"point": Point(1)}
        for call in (
            strict.load(points.checkpoint_id),
            strict.get_latest(workflow_name="flow"),
            strict.list_checkpoints(workflow_name="flow"),
        ):
            with pytest.raises(WorkflowCheckpointException, match="Point"):
                await call

    asyncio.run(main())


def test_checkpoints_that_cannot_be_loaded_are_refused(store: ChatStore) -> None:
    async def main() -> None:
        storage = ChatStoreCheckpointStorage(store)
        with pytest.raises(WorkflowCheckpointException, match="cannot be pickled"):
            await storage.save(checkpoint(state={"function": lambda: None}))
        with pytest.raises(InvalidMessageError, match="NaN"):
            await storage.save(checkpoint(state={"number": float("nan")}))
        with pytest.raises(WorkflowCheckpointException, match="ISO 8601"):
            await storage.save(checkpoint(timestamp="yesterday"))
        assert store.get_keys() == []

    asyncio.run(main())


# ---------------------------------------------------------------------- snapshots of AG-UI threads


@dataclass
class Snapshot:
    """As in agent-framework-ag-ui, which has its own test."""

    messages: list[Any] = field(default_factory=list)


def test_a_scope_owns_a_snapshot_that_is_cleared_while_it_is_saved(store: ChatStore) -> None:
    snapshots = ChatStoreSnapshotStore(store)
    put, clears = store.async_put_message, [snapshots.clear]

    async def put_after_clear(*args: Any, **options: Any) -> None:
        while clears:
            await clears.pop()(scope="ada")
        await put(*args, **options)

    async def main() -> None:
        await snapshots.save(scope="ada", thread_id="t", snapshot=Snapshot())
        store.async_put_message = put_after_clear  # type: ignore[method-assign]
        await snapshots.save(scope="ada", thread_id="t", snapshot=Snapshot())
        assert len(store.get_keys()) == 1
        await snapshots.clear(scope="ada")
        assert store.get_keys() == []
        with pytest.raises(InvalidMessageError, match="NaN"):
            await snapshots.save(scope="a", thread_id="t", snapshot=Snapshot([float("nan")]))
        assert store.get_keys() == []

    asyncio.run(main())


def test_documents_that_cannot_be_read_are_not_missing(
    store: ChatStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = SimpleNamespace(AGUIThreadSnapshot=Snapshot)
    monkeypatch.setitem(sys.modules, "agent_framework.ag_ui", package)
    snapshots = ChatStoreSnapshotStore(store)

    async def main() -> None:
        await snapshots.save(scope="ada", thread_id="t", snapshot=Snapshot(["hi"]))
        assert await snapshots.get(scope="ada", thread_id="t") == Snapshot(["hi"])
        [key] = store.get_keys()
        store.put_message(key, to_document({"messages": [], "later": 1}))
        with pytest.raises(CorruptStoreError, match="update"):
            await snapshots.get(scope="ada", thread_id="t")
        store.put_message(key, to_document([1]))
        with pytest.raises(CorruptStoreError, match="JSON object"):
            await snapshots.get(scope="ada", thread_id="t")

    asyncio.run(main())
