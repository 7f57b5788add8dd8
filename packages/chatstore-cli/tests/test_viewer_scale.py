"""Long lists and long transcripts scroll in both directions, with a bounded document.

With ``CHATSTORE_SOAK=1`` there are 100,000 conversations and a transcript of 100,000 messages.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator

import pytest
from pages import Viewer, Watched, browsing, viewing
from playwright.sync_api import Browser

from chatstore.core import ChatMessage, ChatStore, open_store

pytestmark = pytest.mark.filterwarnings("ignore::chatstore.core.TokenEstimateWarning")
SIZE = 100_000 if os.environ.get("CHATSTORE_SOAK") else 3000
MAX_ROWS = 60  # in the document
MAX_ARTICLES = 250
COPY_CONVERSATIONS = """
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
INSERT INTO chatstore_conversations
    (key, epoch, next_position, length, revision, created_at, updated_at, is_created, owner, title)
SELECT 'chat/' || n, epoch, next_position, length, revision, created_at, updated_at - n, 1,
    'owner ' || (n % 500), 'Title ' || n
FROM chatstore_conversations, numbers WHERE key = 'model'
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChatStore]:
    path = tmp_path_factory.mktemp("store") / "chat.db"
    with open_store(f"sqlite:///{path}") as store:
        store.create_conversation("model")
        with sqlite3.connect(path) as db:  # one by one they would take minutes
            db.execute(COPY_CONVERSATIONS, (SIZE - 2,))
        db.close()
        store.create_conversation("long", title="The long one")
        store.set_messages("long", map(numbered, range(SIZE)))
        yield store


def numbered(number: int) -> ChatMessage:
    """Return messages of different heights; every tenth calls a tool, the next is the result."""
    if number % 10 == 5:
        call = {"id": f"c{number}", "function": {"name": "look", "arguments": "{}"}}
        return ChatMessage(role="assistant", additional_kwargs={"tool_calls": [call]})
    if number % 10 == 6:
        kwargs = {"tool_call_id": f"c{number - 1}"}
        return ChatMessage(role="tool", content=f"m{number}", additional_kwargs=kwargs)
    text = f"m{number}" + " text" * (number % 7 * 9)
    return ChatMessage(role="assistant" if number % 2 else "user", content=text)


@pytest.fixture(scope="module")
def viewer(store: ChatStore) -> Iterator[Viewer]:
    with viewing(store) as viewer:
        yield viewer


@pytest.fixture
def watched(browser: Browser, viewer: Viewer) -> Iterator[Watched]:
    with browsing(browser, viewer) as watched:
        watched.wait_for_count(f"{SIZE:,} conversations")
        yield watched
        assert watched.events == []


def rows(watched: Watched) -> list[str]:
    return watched.page.locator(".row .name").all_inner_texts()


def numbers(watched: Watched) -> list[int]:
    """Return the numbers of the messages in the document, in its order."""
    shown = watched.page.eval_on_selector_all(
        "article:not(:has(.call)) .markdown",
        "nodes => nodes.map((node) => Number(node.textContent.split(' ')[0].slice(1)))",
    )
    return [int(number) for number in shown]


def test_the_list_scrolls_to_any_place(watched: Watched) -> None:
    page = watched.page
    for place in (0.5, 1.0, 0.25, 0.0):
        page.eval_on_selector("#list", f"list => list.scrollTop = {place} * list.scrollHeight")
        first = "Math.floor(document.querySelector('#list').scrollTop / 60)"
        watched.wait_for(f"document.getElementById('row-' + {first}) !== null")
        top = page.evaluate(first)
        # Behind the long one and the model, conversation n is n seconds older than the model.
        expected = "The long one" if top == 0 else f"Title {top - 1}"
        assert page.inner_text(f"#row-{top} .name") == expected
        assert page.locator(".row").count() < MAX_ROWS
    for _ in range(8):  # within what is loaded
        page.eval_on_selector("#list", "list => list.scrollTop += 600")
        watched.wait_for(f"document.getElementById('row-' + {first}) !== null")
        assert page.locator(".row").count() < MAX_ROWS
    page.keyboard.press("End")
    watched.wait_for(f"document.querySelector('#row-{SIZE - 1}.active') !== null")
    assert rows(watched)[-1] == f"Title {SIZE - 2}"


def test_the_list_is_filtered(watched: Watched) -> None:
    watched.page.fill("#filter", f"title {SIZE - 5}")
    watched.wait_for_count("1 conversation")
    assert rows(watched) == [f"Title {SIZE - 5}"]
    watched.page.click("#tab-owners")
    watched.page.fill("#filter", "")
    watched.wait_for_count("501 owners")
    watched.page.fill("#filter", "OWNER 42")
    watched.wait_for_count("11 owners")
    watched.page.locator(".row", has_text="owner 42").first.click()
    watched.wait_for_count(f"{SIZE // 500} conversations")


def test_the_transcript_scrolls_in_both_directions(watched: Watched) -> None:
    page = watched.page
    watched.open("The long one")
    watched.wait_for(f"document.querySelector('#transcript').textContent.includes('m{SIZE - 1}')")
    assert numbers(watched)[-1] == SIZE - 1

    scroll(watched, -1, until=lambda shown: shown[0] < SIZE - 300)
    scroll(watched, 1, until=lambda shown: shown[-1] == SIZE - 1)

    page.keyboard.press("Home")
    watched.wait_for("document.querySelector('#transcript').textContent.startsWith('Start')")
    assert numbers(watched)[0] == 0
    scroll(watched, 1, until=lambda shown: shown[0] > 100)
    scroll(watched, -1, until=lambda shown: shown[0] == 0)


def scroll(watched: Watched, direction: int, *, until: Callable[[list[int]], bool]) -> None:
    """Scroll by most of a page again and again, as a wheel does; no message may be missing."""
    page = watched.page
    shown = numbers(watched)
    for _ in range(1000):
        first, _ = page.evaluate(FIRST_VISIBLE)
        page.eval_on_selector(
            "#transcript", f"one => {{ one.scrollTop += {direction} * 0.9 * one.clientHeight }}"
        )
        number, top = page.evaluate(FIRST_VISIBLE)
        assert (number - first) * direction >= 0
        watched.wait_for("document.querySelector('#transcript').ariaBusy === 'false'")
        # It does not move when pages come and go.
        assert abs(page.evaluate(TOP_OF, number) - top) <= 1
        shown = numbers(watched)
        assert shown == [n for n in range(shown[0], shown[-1] + 1) if n % 10 not in {5, 6}]
        assert page.locator("article").count() < MAX_ARTICLES
        if until(shown):
            return
    raise AssertionError(f"the end is not reached: {shown[0]} to {shown[-1]}")


NUMBERS = """
const numberOf = (article) =>
  Number(article.querySelector('.markdown')?.textContent.split(' ')[0].slice(1));
const top = document.querySelector('#transcript').getBoundingClientRect().top;
const articles = [...document.querySelectorAll('article:not(:has(.call))')];
"""
FIRST_VISIBLE = f"""() => {{
  {NUMBERS}
  const one = articles.find((article) => article.getBoundingClientRect().bottom > top + 2);
  return [numberOf(one), one.getBoundingClientRect().top];
}}"""
TOP_OF = f"""(number) => {{
  {NUMBERS}
  return articles.find((article) => numberOf(article) === number).getBoundingClientRect().top;
}}"""


def test_a_window_of_the_long_transcript(watched: Watched) -> None:
    page = watched.page
    watched.open("The long one")
    watched.set_limit(20_000)
    page.click("#start-button")
    page.wait_for_selector(".start")
    top = page.eval_on_selector(".start", "one => one.getBoundingClientRect().top")
    assert 0 < top < 400
    before, after = page.locator("article.skipped").count(), page.locator("article.sent").count()
    assert before > 0
    assert after > 0
