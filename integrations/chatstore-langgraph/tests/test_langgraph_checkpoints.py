"""What LangGraph's own suite does not look at: what a call costs, order, forks and lists."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from checkpoints import LONG, NAMESPACE, THREAD, RecordingStore, items, put, step_of, values_of
from langchain_core.messages import HumanMessage, RemoveMessage
from langgraph.checkpoint.serde.types import ERROR, RESUME
from langgraph.graph import START, MessagesState, StateGraph

from chatstore.core import CorruptStoreError, InvalidArgumentError, SimpleChatStore
from chatstore.langgraph import ChatStoreSaver


def stored_bytes(store: SimpleChatStore) -> int:
    """Return the size of all messages."""
    return sum(
        len(message.model_dump_json())
        for key in store.get_keys()
        for message in store.get_messages(key)
    )


def test_a_step_writes_what_is_new() -> None:
    store = SimpleChatStore()
    saver = ChatStoreSaver(store)
    config = put(saver, THREAD, {"messages": items(500)}, 0)
    before = stored_bytes(store)
    put(saver, config, {"messages": items(501)}, 1)
    # A checkpoint and a chunk, which names the one before: not 500 items, nor 500 names.
    assert stored_bytes(store) - before < 1500
    assert values_of(saver.get_tuple(THREAD)) == {"messages": items(501)}


def test_requests() -> None:
    store = RecordingStore()
    saver = ChatStoreSaver(store)
    config = put(saver, THREAD, {"messages": items(3)}, 0)
    store.take_calls()

    config = put(saver, config, {"messages": items(5), "other": 1}, 1)
    assert store.take_calls() == ["add_messages", "add_messages"]  # chunks, checkpoint
    config = put(saver, config, {"messages": items(5), "other": 2}, 2)
    assert store.take_calls() == ["add_messages"]
    saver.put_writes(config, [("messages", "a"), ("other", 3)], "task")
    assert store.take_calls() == ["add_messages"]
    saver.get_tuple(THREAD)
    assert store.take_calls() == ["page_messages", "page_messages"]  # checkpoint, chunks

    other = ChatStoreSaver(store)  # knows nothing, as after a restart
    assert other.get_tuple(THREAD) is not None
    store.take_calls()
    put(other, config, {"messages": items(6)}, 3)
    # Once, it asks for the store's ttl.
    assert store.take_calls() == ["add_messages", "add_messages", "get_conversation"]


def test_the_newest_checkpoint_does_not_read_the_thread() -> None:
    store = RecordingStore()
    saver = ChatStoreSaver(store)
    config = THREAD
    for step in range(300):
        config = put(saver, config, {"other": step, "once": LONG}, step)
    config = put(saver, config, {"messages": items(3)}, 300)
    sizes: list[int] = []
    read = store.page_messages

    def page(*args: Any, **options: Any) -> Any:
        result = read(*args, **options)
        sizes.append(len(result.messages))
        return result

    store.page_messages = page  # type: ignore[method-assign]
    assert values_of(saver.get_tuple(THREAD)) == {"messages": items(3)}
    assert sum(sizes) <= 16 + 1
    assert values_of(saver.get_tuple(THREAD | {"configurable": {**config["configurable"]}}))


@pytest.mark.parametrize(
    "changed",
    [items(2), [], [*items(9), "changed", *items(30)[10:]], items(30)[5:], ["new", *items(30)]],
    ids=["shorter", "empty", "changed item", "without its beginning", "longer at the beginning"],
)
def test_lists_that_do_not_grow(changed: list[str]) -> None:
    store = SimpleChatStore()
    saver = ChatStoreSaver(store)
    config = THREAD
    for step in range(30):
        config = put(saver, config, {"messages": items(step + 1)}, step)
    last = put(saver, config, {"messages": changed}, 30)
    after = put(saver, last, {"messages": [*changed, "more"]}, 31)

    for reader in (saver, ChatStoreSaver(store)):
        assert values_of(reader.get_tuple(last)) == {"messages": changed}
        assert values_of(reader.get_tuple(after)) == {"messages": [*changed, "more"]}
        assert values_of(reader.get_tuple(config)) == {"messages": items(30)}


def test_items_that_a_changed_list_shares_are_not_written_again() -> None:
    store = SimpleChatStore()
    saver = ChatStoreSaver(store)
    config = THREAD
    for step in range(200):
        config = put(saver, config, {"messages": items(step + 1)}, step)
    before = stored_bytes(store)
    put(saver, config, {"messages": [*items(199), "changed"]}, 200)
    assert stored_bytes(store) - before < 1500


def test_large_lists_and_values_come_back() -> None:
    saver = ChatStoreSaver(SimpleChatStore())
    values = {
        "large": [LONG * 100 + str(index) for index in range(5)],
        "bytes": b"\0\1" * 5000,
        "nested": {"list": [[LONG]], "none": None},
        "none": None,
        "lists": [[1], None, b"2", [LONG]],
        "message": HumanMessage(LONG),
    }
    config = put(saver, THREAD, values, 0)
    assert values_of(saver.get_tuple(config)) == values


def test_writes_of_parallel_tasks_are_in_the_order_of_their_paths() -> None:
    saver = ChatStoreSaver(SimpleChatStore())
    config = put(saver, THREAD, {}, 0)
    saver.put_writes(config, [("a", 1), ("b", 2)], "task-1", "~2")
    saver.put_writes(config, [("a", 3)], "task-2", "~1")
    saver.put_writes(config, [("a", 4)], "task-0")
    for result in (saver.get_tuple(config), next(saver.list(THREAD))):
        assert result is not None
        assert result.pending_writes == [
            ("task-0", "a", 4),
            ("task-2", "a", 3),
            ("task-1", "a", 1),
            ("task-1", "b", 2),
        ]


def test_the_first_write_counts_except_on_special_channels() -> None:
    saver = ChatStoreSaver(SimpleChatStore())
    config = put(saver, THREAD, {}, 0)
    saver.put_writes(config, [("a", 1)], "task")
    saver.put_writes(config, [("a", 2), ("b", 3)], "task")
    for value in ("first", "second"):
        saver.put_writes(config, [(ERROR, value), (RESUME, [value])], "task")
    result = saver.get_tuple(config)
    assert result is not None
    assert result.pending_writes is not None
    assert sorted(result.pending_writes, key=str) == sorted(
        [
            ("task", "a", 1),
            ("task", "b", 3),
            ("task", ERROR, "second"),
            ("task", RESUME, ["second"]),
        ],
        key=str,
    )


def test_writes_that_come_before_their_checkpoint() -> None:
    store = SimpleChatStore()
    saver = ChatStoreSaver(store)
    first = put(saver, THREAD, {}, 0)
    checkpoint_id = "ffffffff"
    config: Any = {"configurable": {**first["configurable"], "checkpoint_id": checkpoint_id}}
    saver.put_writes(config, [("a", 1)], "task")
    saver.put_writes(config, [("a", 2), (ERROR, 3)], "task")
    saver.put_writes(config, [(ERROR, 4)], "task")
    checkpoint: Any = {
        "v": 4,
        "id": checkpoint_id,
        "channel_values": {},
        "channel_versions": {},
        "versions_seen": {},
    }
    saver.put(first, checkpoint, {}, {})
    saver.put_writes(config, [("a", 5)], "other")
    result = ChatStoreSaver(store).get_tuple(THREAD)
    assert result is not None
    assert result.pending_writes == [("other", "a", 5), ("task", ERROR, 4), ("task", "a", 1)]


def test_a_checkpoint_that_is_put_again_is_replaced() -> None:
    saver = ChatStoreSaver(SimpleChatStore())
    config = put(saver, THREAD, {"a": 1}, 0)
    result = saver.get_tuple(config)
    assert result is not None
    checkpoint = result.checkpoint
    checkpoint["channel_values"] = {"a": LONG}
    for _ in range(2):
        saver.put(THREAD, checkpoint, {}, {"a": 0})
    assert [values_of(one) for one in saver.list(THREAD)] == [{"a": LONG}]


def test_forks_follow_their_parents() -> None:
    store = SimpleChatStore()
    saver = ChatStoreSaver(store)
    root = put(saver, THREAD, {"messages": items(4)}, 0)
    left = put(saver, root, {"messages": [*items(4), "left", LONG]}, 1)
    right = put(ChatStoreSaver(store), root, {"messages": [*items(4), "right", LONG]}, 1)
    left = put(saver, left, {"messages": [*items(4), "left", LONG, "more"]}, 2)
    assert values_of(saver.get_tuple(left))["messages"][4:] == ["left", LONG, "more"]
    assert values_of(saver.get_tuple(right))["messages"][4:] == ["right", LONG]
    result = saver.get_tuple(right)
    assert result is not None
    assert result.parent_config == root
    # The four common items are stored once: the root, three steps behind it.
    assert store.count_messages(NAMESPACE.chunks_key) == 4


def test_lists_of_all_threads() -> None:
    saver = ChatStoreSaver(SimpleChatStore())
    for thread_id in ("a/b", "a%2Fb", "é", "5"):
        for checkpoint_ns in ("", "child|node:1"):
            config: Any = {"configurable": {"thread_id": thread_id, "checkpoint_ns": checkpoint_ns}}
            for step in range(2):
                config = put(saver, config, {"messages": items(step + 3)}, step, user=thread_id)
    assert len(list(saver.list(None))) == 16
    assert len(list(saver.list(None, limit=3))) == 3
    assert len(list(saver.list(None, limit=0))) == 0
    for thread_id in ("a/b", "a%2Fb", "é", "5"):
        results = list(saver.list(None, filter={"user": thread_id, "step": 1}))
        assert {(r.metadata.get("user"), step_of(r)) for r in results} == {(thread_id, 1)}
        assert len(results) == 2
    number: Any = {"configurable": {"thread_id": 5}}  # a name, too
    batch = list(saver.list(number))
    assert [step_of(result) for result in batch] == [1, 0, 1, 0]
    assert list(saver.list(batch[1].config)) == [batch[1]]
    assert next(saver.list(number, before=batch[0].config)) == batch[1]
    assert list(ChatStoreSaver(SimpleChatStore(), name="other").list(None)) == []


def test_a_graph_that_removes_messages() -> None:
    def node(state: MessagesState) -> dict[str, Any]:
        messages = state["messages"]
        removed = [RemoveMessage(str(message.id)) for message in messages[:-4]]
        return {"messages": [*removed, ("ai", f"{len(messages)} {LONG}")]}

    builder = StateGraph(MessagesState)
    builder.add_node("node", node)
    builder.add_edge(START, "node")
    store = SimpleChatStore()

    graph = builder.compile(checkpointer=ChatStoreSaver(store))

    async def converse() -> None:
        for turn in range(12):
            question: Any = {"messages": [("user", f"{turn}")]}
            if turn % 2:
                await graph.ainvoke(question, THREAD)
            else:
                graph.invoke(question, THREAD)
        state = await graph.aget_state(THREAD)
        words = [str(message.content).split()[0] for message in state.values["messages"]]
        assert words == ["6", "10", "6", "11", "6"]
        history = [one async for one in graph.aget_state_history(THREAD)]
        assert history == list(graph.get_state_history(THREAD))
        assert len(history) == 36

    asyncio.run(converse())


def test_mistakes_are_refused() -> None:
    store = SimpleChatStore()
    batch: list[dict[str, Any]] = [
        *({"keep": keep} for keep in (0, "5", 2.5)),
        *({"name": name} for name in ("", "n" * 256, 5)),
        *({"max_age": age} for age in (timedelta(), 60)),
    ]
    for options in batch:
        with pytest.raises(InvalidArgumentError):
            ChatStoreSaver(store, **options)
    saver = ChatStoreSaver(store)
    with pytest.raises(InvalidArgumentError, match="names no thread"):
        saver.get_tuple({"configurable": {}})
    with pytest.raises(InvalidArgumentError, match="must name a checkpoint"):
        saver.put_writes(THREAD, [("a", 1)], "task")
    with pytest.raises(InvalidArgumentError, match="unknown strategy 'all'"):
        saver.prune(["t"], strategy="all")
    with pytest.raises(InvalidArgumentError, match="must be different"):
        saver.copy_thread("t", "t")


def test_a_missing_chunk_is_an_error() -> None:
    store = SimpleChatStore()
    saver = ChatStoreSaver(store)
    config = put(saver, THREAD, {"messages": items(3)}, 0)
    store.delete_messages(NAMESPACE.chunks_key)
    with pytest.raises(CorruptStoreError, match="delete the thread again"):
        saver.get_tuple(config)
    with pytest.raises(CorruptStoreError, match="delete the thread again"):
        list(saver.list(config))
    after = put(saver, config, {}, 1)
    with pytest.raises(CorruptStoreError, match="delete the thread again"):
        saver.get_delta_channel_history(config=after, channels=["messages"])
