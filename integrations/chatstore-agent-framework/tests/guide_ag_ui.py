"""A front end over AG-UI: ``guide_ag_ui.py DATABASE``, with agent-framework-ag-ui.

That package needs another ag-ui-protocol than this project, so the program runs in an environment
of its own. It prints what the model received in each turn, what the front end gets when it loads
the thread again, and whether the snapshot store behaves like the framework's own.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from agent_framework import Agent, Message, tool
from fake_client import FakeClient, ask_weather, outline

from chatstore.agent_framework import ChatStoreHistoryProvider, ChatStoreSnapshotStore
from chatstore.sqlite import SQLiteChatStore

ag_ui: Any = import_module("agent_framework.ag_ui")
fastapi: Any = import_module("fastapi")
testclient: Any = import_module("starlette.testclient")


@tool(approval_mode="never_require")
def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


def answer(messages: Sequence[Message]) -> Message:
    """Act as the model, and print what it received."""
    print(json.dumps(outline(messages)))
    message = ask_weather(messages)
    message.message_id = f"m{len(messages)}"
    return message


def request(database: str, messages: Sequence[Any]) -> list[Any]:
    """Send messages to a new server over the database; return the thread's new messages."""
    with SQLiteChatStore(database) as store:
        provider = ChatStoreHistoryProvider(store)
        snapshots = ChatStoreSnapshotStore(store)
        assert isinstance(snapshots, ag_ui.AGUIThreadSnapshotStore)
        app = fastapi.FastAPI()
        ag_ui.add_agent_framework_fastapi_endpoint(
            app,
            Agent(FakeClient(answer), name="guide", tools=[weather], context_providers=[provider]),
            snapshot_store=snapshots,
            snapshot_scope_resolver=lambda _: "ada",
        )
        body = {"threadId": "t", "runId": "r", "messages": messages}
        with testclient.TestClient(app) as client:
            lines = client.post("/", json=body).text.splitlines()
    events = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data:")]
    [*_, newest] = [event for event in events if event["type"] == "MESSAGES_SNAPSHOT"]
    return list(newest["messages"])


async def behaviour(store: Any) -> list[Any]:
    """Return the results of calls of a snapshot store."""
    results: list[Any] = []
    first, second = (
        ag_ui.AGUIThreadSnapshot(
            messages=[{"id": name, "role": "user", "content": "hi"}],
            state={"a": [1, None]},
            interrupt=[{"id": name}],
            session_state={"b": {}},
        )
        for name in "ab"
    )
    long = "s" * 300
    for scope, thread in [("x", "1"), ("x/1", "1"), ("x", "1/1"), (long, "1"), (long, long)]:
        await store.save(scope=scope, thread_id=thread, snapshot=first)
    await store.save(scope="x", thread_id="1", snapshot=second)
    second.messages.clear()
    results.append(await store.get(scope="x", thread_id="1"))
    results.append(await store.get(scope="x/1", thread_id="1"))
    results.append(await store.get(scope="x", thread_id="2"))
    results += [await store.delete(scope="x", thread_id=thread) for thread in ("1", "1", "2")]
    await store.clear(scope=long)
    for scope, thread in [("x", "1/1"), ("x/1", "1"), (long, "1"), (long, long)]:
        results.append(await store.get(scope=scope, thread_id=thread))
    for names in [("", "1"), ("x", "")]:
        try:
            await store.get(scope=names[0], thread_id=names[1])
        except ValueError:
            results.append("refused")
    await store.clear()
    results.append(await store.get(scope="x", thread_id="1/1"))
    return results


def main(database: str) -> None:
    """Run three turns, each in a new server; the front end passes the whole thread each time."""
    thread: list[Any] = []
    for number, text in enumerate(["Oslo", "Rome and Lima", "Oslo"]):
        thread = request(database, [*thread, {"id": f"u{number}", "role": "user", "content": text}])
    shown = request(database, [])
    print(json.dumps([message.get("content") for message in shown]))
    with SQLiteChatStore(database) as store:
        own = asyncio.run(behaviour(ChatStoreSnapshotStore(store)))
        assert own == asyncio.run(behaviour(ag_ui.InMemoryAGUIThreadSnapshotStore()))
        assert len(own) == 13
        print(json.dumps(store.get_keys()))


main(*sys.argv[1:])
