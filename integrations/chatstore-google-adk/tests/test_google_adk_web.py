"""``adk web`` keeps sessions where ``--session_service_uri`` says."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from google.adk.cli.service_registry import ServiceRegistry

from chatstore.core import InvalidArgumentError, UnknownSchemeError, open_store
from chatstore.google_adk import ChatStoreSessionService, open_session_service
from chatstore.redis_scripts.testing.servers import free_port

SERVICES = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
SERVICES = SERVICES.split("```yaml\n")[1].split("```")[0]
AGENT = """
from google.adk.agents import LlmAgent
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_response import LlmResponse
from google.genai import types

class FakeModel(BaseLlm):
    model: str = "fake"

    async def generate_content_async(self, llm_request, stream=False):
        part = types.Part(text=f"answer to {len(llm_request.contents)}")
        yield LlmResponse(content=types.Content(role="model", parts=[part]))

root_agent = LlmAgent(name="guide", model=FakeModel(), output_key="user:last")
"""


@contextmanager
def running(agents: Path, uri: str) -> Iterator[str]:
    """Run ``adk web``; yield its address."""
    port = free_port()
    command = [sys.executable, "-m", "google.adk.cli", "web", f"--port={port}"]
    with (agents / "log").open("w") as log:
        server = subprocess.Popen(
            [*command, f"--session_service_uri={uri}", str(agents)], stdout=log, stderr=log
        )
        address = f"http://127.0.0.1:{port}"
        try:
            deadline = time.monotonic() + 120
            while True:
                assert server.poll() is None, (agents / "log").read_text()
                assert time.monotonic() < deadline, (agents / "log").read_text()
                try:
                    request("GET", f"{address}/list-apps")
                    break
                except urllib.error.URLError:
                    time.sleep(0.2)
            yield address
        finally:
            server.kill()
            server.wait()


def request(method: str, url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    sent = urllib.request.Request(url, data, headers, method=method)
    with urllib.request.urlopen(sent, timeout=60) as response:
        return json.loads(response.read() or "null")


def test_adk_web(tmp_path: Path, store_url: str) -> None:
    (tmp_path / "travel").mkdir()
    (tmp_path / "travel" / "__init__.py").write_text("from . import agent\n")
    (tmp_path / "travel" / "agent.py").write_text(AGENT)
    (tmp_path / "services.yaml").write_text(SERVICES)
    names: dict[str, Any] = {"app_name": "travel", "user_id": "42", "session_id": "1"}
    with running(tmp_path, f"chatstore+{store_url}?num_recent_events=all") as address:
        sessions = f"{address}/apps/travel/users/42/sessions"
        created = request("POST", sessions, {"sessionId": "1", "state": {"k": 1}})
        assert created["state"] == {"k": 1}
        for number in (1, 3, 5):
            message = {"role": "user", "parts": [{"text": "hello"}]}
            [event] = request("POST", f"{address}/run", {**names, "new_message": message})
            assert event["content"]["parts"] == [{"text": f"answer to {number}"}]
        state = {"k": 1, "user:last": "answer to 5"}
        [listed] = request("GET", sessions)
        assert (listed["id"], listed["state"], listed["events"]) == ("1", state, [])
        session = request("GET", f"{sessions}/1")
        assert [event["author"] for event in session["events"]] == ["user", "guide"] * 3
        assert session["state"] == state
        with pytest.raises(urllib.error.HTTPError, match="409"):
            request("POST", f"{sessions}/1")
        request("POST", f"{sessions}/2")
        request("DELETE", f"{sessions}/2")
        with pytest.raises(urllib.error.HTTPError, match="404"):
            request("GET", f"{sessions}/2")

    with open_store(store_url) as store:  # the server was killed
        service = ChatStoreSessionService(store)
        stored = asyncio.run(service.get_session(**names))
        assert stored is not None
        assert stored.model_dump(mode="json", by_alias=True, exclude_none=True) == session


def test_uris(store_url: str) -> None:
    registry = ServiceRegistry()
    registry.register_session_service("chatstore+sqlite", open_session_service)
    query = "?ttl=60&writers=one&num_recent_events=10&agent_name=the%20guide"
    service = registry.create_session_service(f"chatstore+{store_url}{query}", agents_dir="/agents")
    assert isinstance(service, ChatStoreSessionService)
    assert (service.writers, service.num_recent_events) == ("one", 10)
    assert service.agent_name == "the guide"
    service.store.create_conversation("c")
    conversation = service.store.get_conversation("c")
    assert conversation is not None
    assert conversation.expires_at is not None
    service.store.close()
    for query, mistake in {
        "?writers=two": "'many' or 'one'",
        "?num_recent_events=few": "an integer or all",
        "?tll=60": "tll",
    }.items():
        with pytest.raises(InvalidArgumentError, match=mistake):
            open_session_service(f"chatstore+{store_url}{query}")
    with pytest.raises(InvalidArgumentError, match=r"chatstore\+sqlite"):
        open_session_service(store_url)
    with pytest.raises(UnknownSchemeError):
        open_session_service("chatstore+mysql://localhost")
