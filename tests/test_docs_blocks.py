"""Blocks of the documentation that are not Python name what exists; READMEs work on an index."""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from scripts.package_metadata import REPOSITORY, updated
from scripts.workspace import ROOT, read_members

from chatstore.core import open_store

MEMBERS = read_members(ROOT)
READMES = [ROOT / "README.md", *(folder / "README.md" for folder in MEMBERS.values())]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *READMES[1:]]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!#)([^()\s]+)\)|^\[[^\]]+\]: (\S+)$", re.MULTILINE)
COMMANDS = set(
    re.findall(
        r"^## `chatstore (\w+)", (ROOT / "docs" / "command-line.md").read_text(), re.MULTILINE
    )
)
VERBS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
_LOCKED = (ROOT / "constraints.txt").read_text(encoding="utf-8")
OTHER_PACKAGES = {
    *re.findall(r"^([a-z0-9-]+)==", _LOCKED, re.MULTILINE),
    "llama-index-llms-openai",  # it needs an older openai than the workspace
    "presidio-analyzer",  # of a recipe; they are too large for the workspace
    "presidio-anonymizer",
}


class Block(NamedTuple):
    page: Path
    language: str
    code: str


def blocks() -> Iterator[Block]:
    for page in dict.fromkeys(PAGES):
        for language, code in _BLOCK.findall(page.read_text(encoding="utf-8")):
            yield Block(page, language, code)


def commands(code: str) -> Iterator[list[str]]:
    """Return the words of each command of a block."""
    for line in code.replace("\\\n", " ").splitlines():
        if re.match(r"(\$ )?(pip install|chatstore|make) ", line):
            yield shlex.split(line.removeprefix("$ "), comments=True)


def problem(words: list[str]) -> str | None:
    """Return what a command names that does not exist."""
    if words[0] == "pip":
        names = {re.sub(r"\[.*", "", word) for word in words[2:]}
        unknown = names - MEMBERS.keys() - OTHER_PACKAGES
    elif words[0] == "make":
        unknown = {word for word in words[1:] if "=" not in word} - VERBS
    else:
        unknown = {words[1]} - COMMANDS
    return ", ".join(sorted(unknown)) or None


def parse(code: str) -> object:
    """Return a JSON value, or those of JSON Lines."""
    try:
        return json.loads(code)
    except json.JSONDecodeError:
        return [json.loads(line) for line in code.splitlines()]


def test_commands_name_what_exists() -> None:
    named = [(block.page, words) for block in blocks() for words in commands(block.code)]
    assert len(named) > 30
    assert [(page, words) for page, words in named if problem(words)] == []
    assert problem(["pip", "install", "chatstore-nothing"]) == "chatstore-nothing"
    assert problem(["chatstore", "nothing"]) == "nothing"
    assert problem(["make", "nothing"]) == "nothing"


def test_blocks_of_data_can_be_parsed() -> None:
    parsed = [parse(block.code) for block in blocks() if block.language == "json"]
    assert len(parsed) > 3


def test_lines_that_users_change_are_python() -> None:
    """A line of a diff may begin a block, such as ``with …:``."""
    changes = [block for block in blocks() if block.language == "diff"]
    assert changes
    for block in changes:
        lines = [line[1:].strip() for line in block.code.splitlines() if line[:1] == "+"]
        assert lines, block.page
        for line in lines:
            whole = f"{line} ..." if line.endswith(":") else line
            with_context = f"async def f():\n    {whole}"
            assert ast.parse(with_context), block


@pytest.mark.parametrize("readme", READMES, ids=lambda one: one.parent.name)
def test_readmes_begin_with_an_installation(readme: Path) -> None:
    language, code = _BLOCK.findall(readme.read_text(encoding="utf-8"))[0]
    assert language in {"", "sh"}
    name = readme.parent.name if readme.parent.name.startswith("chatstore-") else "chatstore-"
    assert re.match(rf'pip install "?{name}', code), readme


@pytest.mark.parametrize("readme", READMES, ids=lambda one: one.parent.name)
def test_links_of_readmes_work_on_an_index(readme: Path) -> None:
    text = _BLOCK.sub("", readme.read_text(encoding="utf-8"))
    links = [first or second for first, second in _LINK.findall(text)]
    assert [link for link in links if not link.startswith("https://")] == []
    for link in links:
        match = re.match(rf"{REPOSITORY}/(?:blob|tree)/main/([^#]*)", link)
        assert match is None or (ROOT / match[1]).exists(), link


@pytest.mark.parametrize("name", MEMBERS)
def test_metadata_is_that_of_all_packages(name: str) -> None:
    text = (MEMBERS[name] / "pyproject.toml").read_text(encoding="utf-8")
    assert text == updated(name, MEMBERS[name]), "run `python -m scripts.package_metadata`"
    keywords = re.search(r"^keywords = \[(.*)\]", text, re.MULTILINE)
    assert keywords
    assert {"chat", "history", "llm"} < set(re.findall(r'"([^"]+)"', keywords[1]))


def test_urls_of_the_overview_open_stores() -> None:
    page = (ROOT / "docs" / "choose-a-backend.md").read_text(encoding="utf-8")
    urls = re.findall(r"^\| [\w ]+ \| `(\w[\w-]*://\S+)` \|", page, re.MULTILINE)
    assert len(urls) == 7
    for url in urls:
        open_store(url).close()  # constructors do no I/O


def test_the_support_page_and_the_readme_agree() -> None:
    rows = re.compile(r"^\| \[`(chatstore-\w+)`\]\S+ \|(.*)\|$", re.MULTILINE)
    support = dict(rows.findall((ROOT / "docs" / "support.md").read_text(encoding="utf-8")))
    table = READMES[0].read_text(encoding="utf-8").split("## Backends")[1].split("##")[0]
    tested = {name: cells.split("|")[-1].strip() for name, cells in rows.findall(table)}
    del tested["chatstore-core"]
    assert {name: cells.split("|")[0].strip() for name, cells in support.items()} == tested
