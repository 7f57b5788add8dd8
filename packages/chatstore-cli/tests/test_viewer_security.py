"""The viewer answers its own page only: no other host, origin or token, no writing by default."""

from __future__ import annotations

import http.client
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pages import SECONDS, Viewer, viewing
from playwright.sync_api import Browser

from chatstore.core import ChatStore, open_store
from chatstore.core.testing.messages import message

pytestmark = pytest.mark.filterwarnings("ignore::chatstore.core.TokenEstimateWarning")
SECRET = "the secret of the conversation"
DATA = [
    "/api/about",
    "/api/conversations",
    "/api/owners",
    "/api/conversation?key=k",
    "/api/messages?key=k",
    "/api/message?key=k&id=m",
    "/api/image?key=k&id=m&digest=0",
    "/api/window?key=k&limit=100",
    "/api/export?key=k&format=jsonl",
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChatStore]:
    folder = tmp_path_factory.mktemp("store")
    with open_store(f"sqlite:///{folder}/chat.db") as store:
        store.create_conversation("k", owner="marta", title="A title")
        store.add_message("k", message(SECRET, id="m"))
        yield store


@pytest.fixture(scope="module")
def viewer(store: ChatStore) -> Iterator[Viewer]:
    with viewing(store) as viewer:
        yield viewer


@pytest.mark.parametrize("path", DATA)
def test_data_need_the_token(viewer: Viewer, path: str) -> None:
    for authorization in (
        "",
        "Bearer",
        "Bearer wrong",
        f"Basic {viewer.token}",
        viewer.token,
        "Bearer é",
    ):
        response = viewer.get(path, {"authorization": authorization})
        assert response.status_code == 401
        assert "the token is missing or wrong" in response.json()["error"]
        assert SECRET not in response.text
    in_address = viewer.get(
        f"{path}{'&' if '?' in path else '?'}token={viewer.token}", {"authorization": ""}
    )
    assert in_address.status_code == 401
    assert viewer.get(path).status_code in {200, 404}


def test_the_page_has_no_data(viewer: Viewer) -> None:
    page = viewer.get("/", {"authorization": ""})

    assert page.status_code == 200
    for secret in (SECRET, viewer.token, "marta", "A title"):
        assert secret not in page.text


@pytest.mark.parametrize("path", ["/", "/app.js", "/api/conversations", "/missing", "/api/missing"])
def test_every_response_has_the_headers(viewer: Viewer, path: str) -> None:
    for headers in ({}, {"authorization": ""}, {"host": "evil.example"}):
        sent = viewer.get(path, headers).headers
        assert sent["content-security-policy"].split("; ") == [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' blob:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
        assert sent["x-content-type-options"] == "nosniff"
        assert sent["referrer-policy"] == "no-referrer"
        assert sent["cache-control"] == "no-store"
        assert sent["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in sent
        assert "set-cookie" not in sent


def test_an_unexpected_error_has_the_headers(
    viewer: Viewer, store: ChatStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(store), "async_get_conversation", None)
    response = viewer.get("/api/conversation", key="k")

    assert response.status_code == 500
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1.evil.example:{port}",
        "[::1]:{port}",
        "0.0.0.0:{port}",
        "",
    ],
)
def test_another_host_is_refused(viewer: Viewer, host: str) -> None:
    for path in ("/", "/app.js", "/api/conversations"):
        response = viewer.get(path, {"host": host.format(port=viewer.port)})
        assert response.status_code == 403
        assert SECRET not in response.text


def test_two_hosts_are_refused(viewer: Viewer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", viewer.port, timeout=SECONDS)
    connection.putrequest("GET", "/api/about", skip_host=True)
    for name, value in (
        ("Host", f"127.0.0.1:{viewer.port}"),
        ("Host", "evil.example"),
        ("Authorization", f"Bearer {viewer.token}"),
    ):
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status in {400, 403}
    connection.close()


def test_localhost_is_allowed(viewer: Viewer) -> None:
    assert viewer.get("/api/about", {"host": f"localhost:{viewer.port}"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "http://localhost:{port}"},
        {"origin": "https://127.0.0.1:{port}"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
    ],
)
def test_another_origin_is_refused(viewer: Viewer, headers: dict[str, str]) -> None:
    sent = {name: value.format(port=viewer.port) for name, value in headers.items()}
    for path in ("/", "/app.js", "/api/conversations"):
        response = viewer.get(path, sent)
        assert response.status_code == 403
        assert SECRET not in response.text


def test_the_viewers_own_origin_is_allowed(viewer: Viewer) -> None:
    headers = {"origin": viewer.origin, "sec-fetch-site": "same-origin"}
    assert viewer.get("/api/about", headers).status_code == 200


def test_other_methods_are_refused(viewer: Viewer) -> None:
    for method in ("OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"):
        assert viewer.send(method, "/api/delete").status_code == 403


def test_there_is_no_path_to_other_files(viewer: Viewer) -> None:
    for path in (
        "/../app.py",
        "/%2e%2e/app.py",
        "/static/app.js",
        "/app.js/x",
        "//etc/passwd",
    ):
        assert viewer.get(path).status_code == 404


def test_reading_is_the_default(viewer: Viewer, store: ChatStore) -> None:
    revision = viewer.get("/api/conversation", key="k").json()["revision"]

    response = viewer.send("POST", "/api/delete", json={"key": "k", "revision": revision})

    assert response.status_code == 403
    assert "read-only" in response.json()["error"]
    assert store.count_messages("k") == 1
    assert viewer.get("/api/delete").status_code == 405


def test_deleting_needs_json_and_the_revision(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/chat.db") as store:
        store.add_message("k", message("hi"))
        with viewing(store, write=True) as viewer:
            revision = viewer.get("/api/conversation", key="k").json()["revision"]
            body = {"key": "k", "revision": revision}

            form = viewer.send(
                "POST",
                "/api/delete",
                content=json.dumps(body),
                headers={"content-type": "text/plain"},
            )
            assert form.status_code == 400
            assert (
                viewer.send(
                    "POST", "/api/delete", json=body, headers={"authorization": ""}
                ).status_code
                == 401
            )
            assert (
                viewer.send(
                    "POST", "/api/delete", json=body, headers={"sec-fetch-site": "none"}
                ).status_code
                == 403
            )
            wrong_bodies: list[Any] = [{}, [], {"key": "k"}, {"key": 1, "revision": revision}]
            for wrong in wrong_bodies:
                assert viewer.send("POST", "/api/delete", json=wrong).status_code == 400
            store.add_message("k", message("a message that the user has not seen"))
            assert viewer.send("POST", "/api/delete", json=body).status_code == 409
            assert store.count_messages("k") == 2

            body["revision"] = viewer.get("/api/conversation", key="k").json()["revision"]
            assert viewer.send("POST", "/api/delete", json=body).json() == {"deleted": True}
            assert store.count_messages("k") == 0
            assert viewer.get("/api/conversation", key="k").status_code == 404


# ---------------------------------------------------------------------- a page of another origin

ATTACK = (Path(__file__).parent / "attack.html").read_text()


@pytest.fixture(scope="module")
def attacker() -> Iterator[tuple[str, dict[str, str]]]:
    """Serve a page from another port of the same machine."""
    pages: dict[str, str] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(self.path, "").encode()
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *_: Any) -> None:  # noqa: A002 - the base class names it
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://{{}}:{server.server_port}", pages
        server.shutdown()
        thread.join(SECONDS)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_page_of_another_origin_reaches_nothing(
    browser: Browser, attacker: tuple[str, dict[str, str]], tmp_path: Path, name: str
) -> None:
    address, pages = attacker
    with open_store(f"sqlite:///{tmp_path}/chat.db") as store:
        store.add_message("k", message(SECRET))
        conversation = store.get_conversation("k")
        assert conversation is not None
        with viewing(store, write=True) as viewer:
            # The attacker even knows the token and the revision.
            body = json.dumps({"key": "k", "revision": conversation.revision, "rest": ""})[:-2]
            values = {"TARGET": viewer.origin, "TOKEN": viewer.token, "BODY": body}
            attack = ATTACK
            for placeholder, value in values.items():
                attack = attack.replace(placeholder, json.dumps(value))
            pages["/"] = attack
            context = browser.new_context()
            context.set_default_timeout(1000 * SECONDS)
            page = context.new_page()
            page.goto(viewer.url)  # the user has the viewer open in the same profile
            page.wait_for_selector(".row")
            other = context.new_page()
            other.goto(address.format(name))
            other.wait_for_function("document.title.startsWith('{')")
            outcomes = json.loads(other.title())
            contents = [frame.content() for frame in other.frames[1:]]
            context.close()
        assert store.count_messages("k") == 1
    assert outcomes.pop("form") == "answered"  # by the refusal: the message is there
    assert outcomes.pop("blind post") in {"opaque", "refused"}
    assert len(outcomes) == 11
    assert set(outcomes.values()) == {"refused"}, outcomes
    assert not any(SECRET in text for text in contents)
