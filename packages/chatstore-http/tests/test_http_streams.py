"""Real servers save the answers that they stream, whatever ends the stream."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from http_server_program import text_of
from http_servers import (
    Server,
    answer_and_hang_up,
    create,
    read_answer,
    read_pieces,
    run_server,
    wait_for,
)

from chatstore.core import open_store

INCOMPLETE = {"status": "incomplete", "incomplete_reason": "cancelled"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with run_server(f"sqlite:///{tmp_path_factory.mktemp('server')}/chat.db") as running:
        yield running


def ended(client: httpx.Client, key: str, message_id: str) -> dict[str, Any]:
    """Return an answer when it has ended."""

    def read() -> dict[str, Any] | None:
        message = read_answer(client, key, message_id)
        has_ended = message is not None and message["metadata"]["status"] != "in_progress"
        return message if has_ended else None

    return wait_for(read)


def test_a_whole_answer_is_saved_before_the_response_ends(server: Server) -> None:
    with server.client("anna") as client:
        key = create(client)
        response = client.post(f"conversations/{key}/answer", params={"pieces": 20})
        assert response.text == text_of(20)
        message_id = response.headers["chatstore-message-id"]
        message = read_answer(client, key, message_id)
        assert message is not None
        assert (message["role"], message["content"]) == ("assistant", text_of(20))
        assert message["metadata"] == {"status": "completed"}
        # The same id replaces the answer.
        query: dict[str, Any] = {"pieces": 1, "message_id": message_id}
        client.post(f"conversations/{key}/answer", params=query)
        page = client.get(f"conversations/{key}/messages").json()["data"]
        assert [one["content"] for one in page] == [text_of(1)]


def test_a_client_that_hangs_up_leaves_what_it_received(server: Server) -> None:
    with server.client("anna") as client:
        key = create(client)
        for pieces in (1, 7):
            message_id = answer_and_hang_up(client, key, pieces)
            message = ended(client, key, message_id)
            assert (message["content"], message["metadata"]) == (text_of(pieces), INCOMPLETE)


def test_a_model_that_fails_leaves_what_it_said(server: Server) -> None:
    with server.client("anna") as client:
        key = create(client)
        query: dict[str, Any] = {"pieces": 3, "end": "fail", "message_id": "m1"}
        with pytest.raises(httpx.RemoteProtocolError):
            client.post(f"conversations/{key}/answer", params=query)
        message = ended(client, key, "m1")
        assert message["content"] == text_of(3)
        assert message["metadata"] == {"status": "incomplete", "incomplete_reason": "error"}


def test_an_answer_to_another_owners_conversation_is_refused(server: Server) -> None:
    with server.client("anna") as anna, server.client("bob") as bob:
        key = create(anna)
        answers = [
            bob.post(f"conversations/{one}/answer", params={"pieces": 3}) for one in (key, "f" * 32)
        ]
        assert [one.status_code for one in answers] == [404, 404]
        assert answers[0].content == answers[1].content
        assert anna.get(f"conversations/{key}").json()["length"] == 0


@pytest.mark.parametrize("lifespan", ["on", "off"])
def test_a_server_that_stops_saves_its_answers(store_url: str, lifespan: str) -> None:
    """It does not bring a conversation back that was deleted."""
    options = ("interval=60", f"lifespan={lifespan}")
    with run_server(store_url, *options) as server, server.client("anna") as client:
        key, deleted = create(client), create(client)
        query: dict[str, Any] = {"pieces": 7, "end": "hold", "message_id": "m1"}
        with (
            client.stream("POST", f"conversations/{key}/answer", params=query) as response,
            client.stream("POST", f"conversations/{deleted}/answer", params=query) as other,
        ):
            read_pieces(response, 7)
            read_pieces(other, 7)
            assert client.delete(f"conversations/{deleted}").status_code == 204
            server.stop()
    with open_store(store_url) as store:
        assert store.get_keys() == [key]
        message = store.get_message(key, "m1")
        assert message is not None
        assert (message.content, message.metadata) == (text_of(7), INCOMPLETE)


def test_a_killed_server_leaves_what_was_saved(store_url: str) -> None:
    with run_server(store_url) as server, server.client("anna") as client:
        key = create(client)
        query: dict[str, Any] = {"pieces": 7, "end": "hold", "message_id": "m1"}
        with client.stream("POST", f"conversations/{key}/answer", params=query):

            def is_saved() -> bool | None:
                message = read_answer(client, key, "m1")
                return True if message is not None and message["content"] == text_of(7) else None

            wait_for(is_saved)
            server.stop(signal.SIGKILL)
    with open_store(store_url) as store:
        message = store.get_message(key, "m1")
        assert message is not None
        assert (message.content, message.metadata) == (text_of(7), {"status": "in_progress"})
