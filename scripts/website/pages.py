"""The pages of the site that are not files in ``docs/``: READMEs, changelogs, the API reference."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.workspace import ROOT, read_members

# How names are written; others begin with a capital letter.
_NAMES = {
    "ai": "AI",
    "adk": "ADK",
    "azure": "Azure tables",
    "azure-core": "Azure core",
    "cli": "Command line",
    "cosmos": "Cosmos DB",
    "dynamodb": "DynamoDB",
    "http": "HTTP",
    "langchain": "LangChain",
    "langgraph": "LangGraph",
    "llama-index": "LlamaIndex",
    "openai": "OpenAI",
    "opentelemetry": "OpenTelemetry",
    "sdk": "SDK",
    "sqlite": "SQLite",
}
# The parts of docs/costs.md that a backend's page shows.
_COSTS = {
    "sqlite": ("SQLite",),
    "redis": ("Redis",),
    "postgres": ("Postgres",),
    "upstash": ("Upstash",),
    "dynamodb": ("DynamoDB",),
    "azure": ("Azure Table Storage", "Cosmos DB's Table API"),
    "cosmos": ("Cosmos DB",),
}
# Backends whose stored form is described by the package that they share.
_LAYOUTS = {
    "redis": ("packages/chatstore-redis-scripts", "Layout"),
    "upstash": ("packages/chatstore-redis-scripts", "Layout"),
    "dynamodb": ("packages/chatstore-conditional", "How it works"),
    "azure": ("packages/chatstore-conditional", "How it works"),
    "cosmos": ("packages/chatstore-conditional", "How it works"),
}
# Public modules besides the package that each distribution is named after.
_MODULES = {
    "chatstore-core": (
        "backend",
        "contents",
        "documents",
        "framework_payload",
        "keys",
        "layers",
        "tool_calls",
    ),
    "chatstore-http": ("fastapi", "starlette"),
    "chatstore-migrate": ("langchain", "llama_index"),
}


@dataclass(frozen=True)
class SourcePage:
    """A page of the site.

    Attributes:
        uri: Its place, as if it were a file in ``docs/``.
        title: Its title in the navigation.
        text: Markdown.
        origin: The file whose relative links the text contains.

    """

    uri: str
    title: str
    text: str
    origin: Path


def package_pages() -> Iterator[SourcePage]:
    """Return the pages that are made of the files of distributions and of the root."""
    yield _file_page("index.md", "Home", ROOT / "README.md")
    yield _file_page("contributing.md", "Contributing", ROOT / "CONTRIBUTING.md")
    yield _file_page("security.md", "Security", ROOT / "SECURITY.md")
    for name, folder in read_members(ROOT).items():
        slug = name.removeprefix("chatstore-")
        title = _title(slug)
        yield _readme_page(slug, title, folder)
        yield _file_page(f"changes/{slug}.md", title, folder / "CHANGELOG.md")
        yield from _reference_pages(name, folder)


def section_of(markdown: str, heading: str) -> str:
    """Return a section of a page without its heading.

    Raises:
        ValueError: The page has no such section.

    """
    pattern = rf"^## {re.escape(heading)}\n(.*?)(?=^## |^\[[^]]+\]: |\Z)"
    match = re.search(pattern, markdown, re.MULTILINE | re.DOTALL)
    if match is None:
        raise ValueError(f"there is no section {heading!r}")
    return match[1].strip()


def _title(slug: str) -> str:
    words = [_NAMES.get(word, word.capitalize()) for word in slug.split("-")]
    return _NAMES.get(slug, " ".join(words))


def _file_page(uri: str, title: str, file: Path) -> SourcePage:
    return SourcePage(uri, title, file.read_text(encoding="utf-8"), file)


def _readme_page(slug: str, title: str, folder: Path) -> SourcePage:
    uri = readme_uri(f"chatstore-{slug}", folder)
    page = _file_page(uri, title, folder / "README.md")
    added = list(_added_sections(slug)) if slug in _COSTS else []
    return SourcePage(page.uri, title, "\n\n".join([page.text, *added]), page.origin)


def readme_uri(name: str, folder: Path) -> str:
    """Return the place of a distribution's README on the site."""
    slug = name.removeprefix("chatstore-")
    if folder.parent.name == "integrations":
        return f"frameworks/{slug}.md"
    return f"backends/{slug}.md" if slug in _COSTS else f"packages/{slug}.md"


def _added_sections(slug: str) -> Iterator[str]:
    if slug in _LAYOUTS:
        folder, heading = _LAYOUTS[slug]
        text = (ROOT / folder / "README.md").read_text(encoding="utf-8")
        yield f"## How conversations are stored\n\n{section_of(text, heading)}"
    costs = (ROOT / "docs" / "costs.md").read_text(encoding="utf-8")
    yield "## What calls cost\n\n[Costs of calls](../../docs/costs.md) says how they are measured."
    for heading in _COSTS[slug]:
        subheading = f"### {heading}\n\n" if len(_COSTS[slug]) > 1 else ""
        yield subheading + section_of(costs, heading)


def _reference_pages(name: str, folder: Path) -> Iterator[SourcePage]:
    package = next(path.parent for path in folder.glob("src/chatstore/*/py.typed"))
    if "__all__" not in (package / "__init__.py").read_text(encoding="utf-8"):
        return  # a program, or one without public names yet
    root = f"chatstore.{package.name}"
    for module in (root, *(f"{root}.{part}" for part in _MODULES.get(name, ()))):
        text = f"# `{module}`\n\n::: {module}\n"
        yield SourcePage(f"api/{module}.md", module, text, folder / "README.md")


def search_paths() -> list[str]:
    """Return the folders that hold the distributions' sources."""
    return [str(folder / "src") for folder in read_members(ROOT).values()]
