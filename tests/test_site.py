"""The documentation site builds strictly, is complete, and loads nothing from other hosts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from scripts import chromium, package_metadata, site_pictures
from scripts.website.links import Links
from scripts.website.pages import package_pages, section_of
from scripts.workspace import ROOT

SITE = "https://example.org/site/"
REPOSITORY = "https://example.org/repository"
MODULES = [page.title for page in package_pages() if page.uri.startswith("api/")]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "HTTPS_PROXY": "http://127.0.0.1:9"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


class Loaded(HTMLParser):
    """Collects the addresses of what a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "link" and values.get("rel") not in ("stylesheet", "icon"):
            return  # links between pages
        name = "href" if tag == "link" else "src"
        if tag != "a" and (address := values.get(name)):
            self.addresses.append(address)


def html_pages(site: Path) -> Iterator[Path]:
    yield from site.rglob("*.html")


def test_nothing_is_loaded_from_other_hosts(site: Path) -> None:
    addresses = []
    for page in html_pages(site):
        parser = Loaded()
        parser.feed(page.read_text(encoding="utf-8"))
        addresses += parser.addresses
    assert len(addresses) > 100
    assert [one for one in addresses if re.match(r"(https?:)?//", one)] == []
    styles = "".join(file.read_text(encoding="utf-8") for file in site.rglob("*.css"))
    assert re.findall(r"url\([\"']?(?:https?:)?//[^)]*|@import", styles) == []


def test_each_page_has_a_markdown_twin(site: Path) -> None:
    pages = [page.relative_to(site) for page in html_pages(site) if page.name != "404.html"]
    assert len(pages) > 50
    index = (site / "llms.txt").read_text(encoding="utf-8")
    for page in pages:
        twin = page.with_suffix(".md")
        assert (site / twin).read_text(encoding="utf-8").startswith("# "), page
        assert index.count(f"({package_metadata.SITE}{twin.as_posix()})") == 1, page


def test_tables_are_shown_as_tables(site: Path) -> None:
    """Markdown takes the lines behind a comment in a table for a paragraph."""
    pages = [page for page in html_pages(site) if "<p>|" in page.read_text(encoding="utf-8")]
    assert pages == []


def test_the_reference_has_all_public_names(site: Path) -> None:
    assert len(MODULES) > 20
    for module in MODULES:
        page = (site / "api" / module / "index.html").read_text(encoding="utf-8")
        names = list(getattr(import_module(module), "__all__", ()))
        documented = set(re.findall(r'id="([\w.]+)"', page))
        assert [name for name in names if f"{module}.{name}" not in documented] == [], module


def test_pages_fit_screens_and_ask_no_other_host(site: Path) -> None:
    with site_pictures.serve(site) as address, sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        for page in site_pictures.PAGES:
            for form in ("desktop-light", "phone-dark"):
                assert site_pictures.problems(browser, address, page, form, None) == "", page
        browser.close()


@pytest.fixture
def reports() -> list[str]:
    return []


@pytest.fixture
def links(reports: list[str]) -> Links:
    pages = {"docs/costs.md": "costs.md", "README.md": "index.md", "core": "packages/core.md"}
    urls = {"": "index.md", "costs/": "costs.md", "charts/redis.svg": "charts/redis.svg"}
    return Links(
        SITE, REPOSITORY, ROOT, pages, urls, built=frozenset({"llms.txt"}), report=reports.append
    )


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        (f"[a]({SITE}costs/#redis)", "[a](../costs.md#redis)"),
        (f"[a]: {SITE}", "[a]: ../index.md"),
        (f"![a]({SITE}charts/redis.svg)", "![a](../charts/redis.svg)"),
        (f"[a]({REPOSITORY}/tree/main/core)", "[a](../packages/core.md)"),
        ("[a](../../docs/costs.md)", "[a](../costs.md)"),
        ("[a](../../Makefile)", f"[a]({REPOSITORY}/blob/main/Makefile)"),
        ("[a](../../tests)", f"[a]({REPOSITORY}/tree/main/tests)"),
        (f"[a]({SITE}llms.txt)", f"[a]({SITE}llms.txt)"),
        ("[a](#here) [b](https://example.net)", "[a](#here) [b](https://example.net)"),
        ("```\n[a](../../docs/costs.md)\n```\n", "```\n[a](../../docs/costs.md)\n```\n"),
    ],
)
def test_links_lead_to_pages(
    links: Links, reports: list[str], markdown: str, expected: str
) -> None:
    origin = ROOT / "packages" / "chatstore-redis" / "README.md"
    assert links.rewrite(markdown, "backends/redis.md", origin) == expected
    assert reports == []


@pytest.mark.parametrize(
    "link", [f"{SITE}missing/", f"{REPOSITORY}/blob/main/missing.md", "missing.md", "/../x.md"]
)
def test_links_that_lead_nowhere_are_reported(links: Links, reports: list[str], link: str) -> None:
    links.rewrite(f"[a]({link})", "index.md", ROOT / "README.md")
    assert len(reports) == (0 if link.startswith("/") else 1)  # MkDocs reports absolute paths


def test_a_section_ends_before_the_next() -> None:
    page = "# A\n\n## B\n\ntext\n\n### C\n\nmore\n\n## D\n\nother\n\n[x]: y\n"
    assert section_of(page, "B") == "text\n\n### C\n\nmore"
    assert section_of(page, "D") == "other"
    with pytest.raises(ValueError, match="no section 'E'"):
        section_of(page, "E")
