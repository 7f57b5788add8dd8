"""What MkDocs calls while it builds the site (``hooks`` in ``mkdocs.yml``)."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from scripts.website.links import Links
from scripts.website.pages import SourcePage, package_pages, search_paths
from scripts.workspace import ROOT

# Warnings of this logger fail a strict build.
_LOGGER = logging.getLogger("mkdocs.hooks.website")
_NOT_PROSE = ("#", "```", "|", "!", "<", "-")
_LINK = re.compile(r"(?<!!)\[([^\]]*)\](\([^)]*\)|\[[^\]]*\])")
_ALONE = ("index.md", "start.md")  # the navigation beside them would have one entry
_HEADING = re.compile(r"^# .*$", re.MULTILINE)


class _Site:
    """What the events of one build share."""

    def __init__(self) -> None:
        self.pages: dict[str, SourcePage] = {}
        self.links: Links | None = None


_site = _Site()


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the generated pages to the navigation and to ``llms.txt``."""
    _site.pages = {page.uri: page for page in package_pages()}
    nav = _expanded(config.nav or [])
    _add_unlisted(nav)
    config.nav = nav
    config.plugins["mkdocstrings"].config.handlers["python"]["paths"] = search_paths()
    sections: dict[str, list[str | dict[str, str]]] = {}
    for entry in nav:
        (title, content), *_ = entry.items()
        sections[title] = [{uri: _summary(uri)} for uri in _uris(content)]
    config.plugins["llmstxt"].config.sections = sections
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    for page in _site.pages.values():
        files.append(File.generated(config, page.uri, content=page.text))
    shown = {page.origin: page.uri for page in _site.pages.values() if page.uri[:4] != "api/"}
    documents = {f"docs/{uri}": uri for uri in files.src_uris if uri not in _site.pages}
    generated = {file.relative_to(ROOT).as_posix(): uri for file, uri in shown.items()}
    folders = {path.removesuffix("/README.md"): uri for path, uri in generated.items()}
    _site.links = Links(
        site=str(config.site_url),
        repository=str(config.extra["repository"]),
        root=ROOT,
        pages=documents | folders | generated,
        urls={file.url.removeprefix("./"): file.src_uri for file in files},
        built=frozenset({"llms.txt"}),
        report=_LOGGER.warning,
    )
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Let links lead to pages of the site."""
    assert _site.links is not None
    uri = page.file.src_uri
    if uri in _ALONE:
        page.meta["hide"] = ["navigation"]
    generated = _site.pages.get(uri)
    origin = generated.origin if generated else ROOT / "docs" / uri
    return _site.links.rewrite(markdown, uri, origin)


def _expanded(nav: list[Any]) -> list[Any]:
    """Return the navigation with the pages that its patterns stand for."""
    expanded: list[Any] = []
    for entry in nav:
        if isinstance(entry, dict):
            (title, content), *_ = entry.items()
            expanded.append({title: _expanded(content) if isinstance(content, list) else content})
        elif entry.endswith("/*"):
            folder = entry.removesuffix("*")
            pages = [page for uri, page in _site.pages.items() if uri.startswith(folder)]
            pages.sort(key=lambda page: page.title.lower())
            expanded += [{page.title: page.uri} for page in pages]
        else:
            expanded.append(entry)
    return expanded


def _add_unlisted(nav: list[Any]) -> None:
    """Add the pages in ``docs/`` that the navigation does not name to its part for reference."""
    folder = ROOT / "docs"
    documents = {file.relative_to(folder).as_posix() for file in folder.rglob("*.md")}
    reference = next(entry["Reference"] for entry in nav if "Reference" in entry)
    reference.extend(sorted(documents - set(_uris(nav))))


def _uris(content: Any) -> list[str]:
    """Return the pages below an entry of the navigation."""
    if isinstance(content, str):
        return [content]
    items = content.values() if isinstance(content, dict) else content
    return [uri for item in items for uri in _uris(item)]


def _summary(uri: str) -> str:
    """Return the first sentence of a page, for ``llms.txt``."""
    page = _site.pages.get(uri)
    text = page.text if page else Path(ROOT / "docs" / uri).read_text(encoding="utf-8")
    for paragraph in _HEADING.sub("", text, count=1).strip().split("\n\n"):
        plain = _LINK.sub(r"\1", " ".join(paragraph.split()))
        if plain and not plain.startswith(_NOT_PROSE):
            return re.split(r"(?<=\.) (?=[A-Z`])", plain)[0]
    return ""
