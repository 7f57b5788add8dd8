"""The page in a real browser: layout, window, keyboard, export, delete, and hostile content."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile import FORBIDDEN, HOSTILE
from pages import SECONDS, Viewer, Watched, browsing, viewing
from playwright.sync_api import Browser
from scripts.viewer_conversations import fill

from chatstore.core import ChatMemoryBuffer, ChatMessage, ChatStore, open_store
from chatstore.core.testing.messages import message
from chatstore.migrate import import_conversations

pytestmark = pytest.mark.filterwarnings("ignore::chatstore.core.TokenEstimateWarning")
TITLE = "A winter setup for the commuter"
PHONE = {"viewport": {"width": 390, "height": 780}}
IN_SIGHT = """element => {
  const box = element.getBoundingClientRect();
  return box.left >= 0 && box.right <= innerWidth && box.width > 0;
}"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChatStore]:
    folder = tmp_path_factory.mktemp("store")
    with open_store(f"sqlite:///{folder}/chat.db") as store:
        fill(store)
        yield store


@pytest.fixture(scope="module")
def viewer(store: ChatStore) -> Iterator[Viewer]:
    with viewing(store, name="sqlite:///shop.db") as viewer:
        yield viewer


@pytest.fixture
def watched(browser: Browser, viewer: Viewer) -> Iterator[Watched]:
    with browsing(browser, viewer) as watched:
        yield watched
        assert watched.events == []


def test_a_conversation_is_shown(watched: Watched, store: ChatStore) -> None:
    page = watched.page
    assert watched.viewer.token not in page.url
    assert page.text_content("#count") == "41 conversations"

    watched.open(TITLE)

    assert page.text_content("#title") == TITLE
    assert "support/2199" in page.inner_text("#facts")
    assert page.locator("article").count() == 14  # two results are folded with their calls
    call = page.locator("details.call").first
    assert call.locator("summary").inner_text().startswith("stock")
    assert not call.locator("pre").first.is_visible()
    call.locator("summary").click()
    assert '"marathon-winter-40": {' in call.locator("pre").nth(1).inner_text()
    assert page.locator(".markdown td", has_text="109.80 EUR").is_visible()
    link = page.locator(".markdown a")
    assert link.get_attribute("rel") == "noopener noreferrer nofollow"
    watched.wait_for("document.querySelector('.thumbnail').naturalWidth === 320")
    counted = ChatMemoryBuffer(100, store, "k").count(store.get_messages("support/2199")[-1])
    assert page.locator("article .tokens").last.inner_text() == f"{counted} tokens"
    page.locator("button.image").click()
    watched.wait_for("document.querySelector('#image').naturalWidth === 320")


def test_the_window_is_highlighted(watched: Watched, store: ChatStore) -> None:
    watched.open(TITLE)
    for limit, sliding in ((500, False), (330, False), (330, True), (100_000, False)):
        buffer = ChatMemoryBuffer(
            limit, store, "support/2199", cut="sliding" if sliding else "steps"
        )
        window = buffer.get()
        watched.page.set_checked("#sliding", sliding)
        watched.set_limit(limit)

        highlighted = watched.page.eval_on_selector_all(
            "article.sent", "nodes => nodes.map((node) => node.dataset.id)"
        )
        dimmed = watched.page.eval_on_selector_all(
            "article.skipped", "nodes => nodes.map((node) => node.dataset.id)"
        )
        assert highlighted == [one.id for one in window if one.role.value != "tool"]
        assert len(highlighted) + len(dimmed) == 14
        assert watched.page.text_content("#window-facts") == (
            f"{sum(map(buffer.count, window)):,} tokens in {len(window)} messages"
        )
        start = watched.page.locator(".start + article")
        assert start.get_attribute("data-id") == window[1].id  # behind the system message
        assert watched.page.locator("article.fixed .pinned").is_visible()


def test_a_window_that_exceeds_the_limit(watched: Watched) -> None:
    watched.open("Delivery to Norway")
    watched.set_limit(1)
    assert "the newest turn is longer" in watched.page.inner_text("#window-facts")


def test_estimates_are_called_so(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatstore.cli.viewer.window.find_encoding", lambda _: None)
    watched.open(TITLE)
    watched.set_limit(500)
    assert watched.page.inner_text("#window-facts").startswith("about ")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_layouts_and_themes(browser: Browser, viewer: Viewer, theme: str) -> None:
    for options in ({}, PHONE):
        with browsing(browser, viewer, color_scheme=theme, **options) as watched:
            page = watched.page
            light = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
            assert (light == "rgb(251, 251, 250)") == (theme == "light")
            page.click("#theme-button")
            assert light != page.evaluate(
                "getComputedStyle(document.documentElement).backgroundColor"
            )
            watched.open(TITLE)
            watched.set_limit(500)
            assert page.locator("#list").is_visible() == (not options)
            for selector in ("#title", "#limit", "#window-facts", "article.user >> nth=-1"):
                assert page.locator(selector).evaluate(IN_SIGHT), selector
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            if options:
                page.click("#back-button")
                assert page.locator("#list").is_visible()
                assert not page.locator("#transcript").is_visible()
            assert watched.events == []


def test_the_keyboard(watched: Watched) -> None:
    page = watched.page
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector("article")
    assert page.text_content("#title") == "Delivery to Norway"  # the second

    page.keyboard.press("/")
    page.keyboard.type("GRAVELKING")
    watched.wait_for_count("4 conversations")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    watched.wait_for("document.querySelector('#title').textContent.includes('Gravelking')")
    page.keyboard.press("/")
    page.keyboard.press("Escape")
    watched.wait_for_count("41 conversations")
    assert page.evaluate("document.activeElement.id") == "list"
    page.keyboard.press("?")
    assert page.locator("#help-dialog").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#help-dialog").is_visible()
    page.keyboard.press("Home")
    page.keyboard.press("r")


def test_owners(watched: Watched) -> None:
    page = watched.page
    page.click("#tab-owners")
    watched.wait_for_count("5 owners")
    page.locator(".row", has_text="aiko").click()
    watched.wait_for_count("8 conversations")
    assert page.locator("#owner").inner_text() == "aiko"
    assert set(page.locator(".row .owner").all_inner_texts()) == {"aiko"}
    page.click("#owner")
    watched.wait_for_count("41 conversations")


def test_export(watched: Watched, store: ChatStore, tmp_path: Path) -> None:
    watched.open(TITLE)
    watched.page.click("#export-button")
    with watched.page.expect_download() as download:
        watched.page.click("#formats button >> nth=0")
    exported = Path(download.value.path()).read_text()

    assert download.value.suggested_filename == "support-2199.jsonl"
    assert "Wednesday at 8, please." in exported
    with open_store(f"sqlite:///{tmp_path}/copy.db") as copy:
        with Path(download.value.path()).open("rb") as file:
            import_conversations(file, copy)
        assert copy.get_messages("support/2199") == store.get_messages("support/2199")
    for chosen in ("markdown", "html", "openai"):
        response = watched.viewer.get("/api/export", key="support/2199", format=chosen)
        assert "Wednesday at 8, please." in response.text


def test_read_only_offers_nothing(watched: Watched) -> None:
    watched.open(TITLE)
    assert watched.page.locator("#export-button").is_visible()
    assert not watched.page.locator("#delete-button").is_visible()


def test_delete_asks_and_notices_changes(browser: Browser, tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/chat.db") as store:
        for key in ("gone", "other"):
            store.add_messages(key, [message("hi"), message("there")])
        with viewing(store, write=True) as viewer, browsing(browser, viewer) as watched:
            page = watched.page
            watched.open("gone")
            page.click("#delete-button")
            assert "2 messages will be gone" in page.inner_text("#delete-dialog")
            page.keyboard.press("Escape")
            assert store.count_messages("gone") == 2

            store.add_message("gone", message("new"))
            page.click("#delete-button")
            page.click("#delete-dialog .danger")
            page.wait_for_selector("#problem:visible")
            assert "has changed since" in page.inner_text("#problem")
            assert store.count_messages("gone") == 3

            page.keyboard.press("r")
            watched.wait_for("document.querySelectorAll('article').length === 3")
            page.click("#delete-button")
            page.click("#delete-dialog .danger")
            watched.wait_for_count("1 conversation")
            assert store.get_conversation("gone") is None
            assert store.count_messages("other") == 2
            assert page.locator("#welcome").is_visible()
            # The browser itself reports the refused deletion.
            assert [event.partition("(")[0] for event in watched.events] == [
                "console: Failed to load resource: the server responded with a status of 409 "
            ]


def test_an_unreadable_message_is_reported(browser: Browser, tmp_path: Path) -> None:
    import sqlite3

    with open_store(f"sqlite:///{tmp_path}/chat.db") as store:
        store.add_messages("k", [message("hi")])
        with sqlite3.connect(f"{tmp_path}/chat.db") as db:
            db.execute("UPDATE chatstore_messages SET body = 'damaged'")
        db.close()
        with viewing(store) as viewer, browsing(browser, viewer) as watched:
            watched.page.locator(".row").click()
            watched.page.wait_for_selector("#problem:visible")
            assert "cannot be read" in watched.page.inner_text("#problem")


def test_a_wrong_token_is_explained(browser: Browser, viewer: Viewer) -> None:
    page = browser.new_page()
    page.goto(f"{viewer.origin}/#wrong")
    page.wait_for_selector("#problem:visible")

    assert "The token is missing or wrong" in page.inner_text("#problem")
    assert page.locator(".row").count() == 0
    page.close()


# ---------------------------------------------------------------------- hostile content

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(1)><svg/onload=alert(1)>"
SVG = b64encode(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>").decode()
ATTACKS = f"""{SCRIPT}
[link](javascript:alert(1)) <javascript:alert(1)> [l](data:text/html,<script>alert(1)</script>)
![i](javascript:alert(1)) ![i](https://evil.example/pixel.png) ![i](data:image/svg+xml;base64,{SVG})
[safe](https://evil.example/"onmouseover="alert(1)) <https://evil.example/?<script>>

{SCRIPT}

| {SCRIPT} |
| - |
| `{SCRIPT}` |

```"><script>alert(1)</script>
{SCRIPT}
```
<iframe srcdoc="<script>alert(1)</script>"></iframe><base href="//evil.example">
<meta http-equiv=refresh content="0;url=//evil.example">
<form action="//evil.example"><button>x</button></form><style>@import "//evil.example/x.css"</style>
{HOSTILE} {{{{constructor.constructor('alert(1)')()}}}} ${{alert(1)}} __proto__
"""


def hostile_messages() -> list[ChatMessage]:
    function = {"name": SCRIPT + HOSTILE, "arguments": json.dumps({SCRIPT: ATTACKS})}
    return [
        ChatMessage(role="system", content=ATTACKS),
        ChatMessage(role="user", content=ATTACKS, additional_kwargs={"name": SCRIPT + HOSTILE}),
        ChatMessage(
            role="assistant",
            content=ATTACKS,
            additional_kwargs={"tool_calls": [{"id": SCRIPT, "function": function}]},
            metadata={SCRIPT: ATTACKS},
        ),
        ChatMessage(role="tool", content=ATTACKS, additional_kwargs={"tool_call_id": SCRIPT}),
        ChatMessage(role="tool", content=json.dumps({"html": SCRIPT})),
        ChatMessage(
            role="user",
            content=[
                {"type": "image", "data": SVG, "media_type": "image/svg+xml"},
                {"type": "image", "data": SVG, "media_type": "image/png"},
                {"type": "image", "url": "https://evil.example/pixel.png"},
                {"type": "image_url", "image_url": {"url": f"data:image/svg+xml,{SCRIPT}"}},
                {"type": "thinking", "thinking": ATTACKS},
                {"type": SCRIPT, "tag": "script", "nodes": ["alert(1)"]},
                {"type": "document", "data": SVG, "name": SCRIPT, "media_type": SCRIPT},
            ],
            id=f"'\"><{SCRIPT}"[:200],
        ),
    ]


def test_hostile_content_runs_nothing(browser: Browser, tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/chat.db") as store:
        names = [SCRIPT, HOSTILE, "javascript:alert(1)", "../../etc", "%00", "__proto__", "a\x00b"]
        for number, name in enumerate(names):
            key = f"{name}{number}"
            store.create_conversation(
                key, owner=name, title=f"title-{number} {name}{ATTACKS[:200]}"
            )
            store.add_messages(key, hostile_messages())
        with (
            viewing(store, name=SCRIPT, write=True) as viewer,
            browsing(browser, viewer) as watched,
        ):
            page = watched.page
            for number in range(len(names)):
                watched.open(f"title-{number}")
                watched.wait_for(
                    f"document.querySelector('#title').textContent.startsWith('title-{number} ')"
                )
                watched.wait_for("document.querySelectorAll('article').length === 4")
                watched.set_limit(3000 + number)
                page.eval_on_selector_all("details", "all => all.forEach((one) => one.open = true)")
                shown = page.inner_text("body")
                assert shown.count("<script>alert(1)</script>") > 20
                assert r"\u202e" in shown
                assert not any(character in shown for character in (*FORBIDDEN, "\x1b"))
                assert (
                    page.locator(
                        "main :is(script, iframe, form, style, base, meta, object, embed)"
                    ).count()
                    == 0
                )
                assert page.locator("article img").count() == 0
                links = page.eval_on_selector_all("a", "all => all.map((one) => one.protocol)")
                assert set(links) == {"https:"}
                page.click("#delete-button")
                page.keyboard.press("Escape")
            page.click("#tab-owners")
            watched.wait_for_count(f"{len(names)} owners")
            for event in ("mouseover", "focus", "click"):
                page.eval_on_selector_all(
                    "bdi, pre, code, td",
                    f"all => all.forEach((one) => one.dispatchEvent(new Event('{event}')))",
                )
            handlers = page.evaluate(
                "[...document.querySelectorAll('*')].filter((one) => "
                "one.getAttributeNames().some((name) => name.startsWith('on'))).length"
            )
            assert handlers == 0
            assert watched.events == []


def test_what_is_recorded_would_be_seen(browser: Browser, viewer: Viewer) -> None:
    with browsing(browser, viewer) as watched:
        page = watched.page
        page.evaluate("setTimeout(() => { alert(1); console.log('logged'); throw Error('x'); })")
        page.evaluate("new Image().src = 'https://evil.example/pixel.png'")
        blocked = page.evaluate("""() => {
          try { document.body.innerHTML = '<b>x</b>'; } catch (error) { return error.name; }
        }""")
        assert blocked == "TypeError"
        expected = ("dialog: 1", "console: logged", "error: x", "pixel.png' violates the following")
        deadline = time.monotonic() + SECONDS
        while missing := [text for text in expected if text not in " ".join(watched.events)]:
            assert time.monotonic() < deadline, (missing, watched.events)
            page.wait_for_timeout(20)
