"""Markdown becomes a tree of few elements; links and images of strangers do nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hostile import FORBIDDEN

from chatstore.cli.viewer.markdown import TAGS, render


def tags(nodes: list[Any]) -> set[str]:
    return {
        tag
        for node in nodes
        if isinstance(node, dict)
        for tag in (node["tag"], *tags(node["children"]))
    }


def text(nodes: list[Any]) -> str:
    return "".join(node if isinstance(node, str) else text(node["children"]) for node in nodes)


def links(nodes: list[Any]) -> list[str]:
    return [
        link
        for node in nodes
        if isinstance(node, dict)
        for link in ([node["href"]] if "href" in node else []) + links(node["children"])
    ]


def test_each_kind_of_element() -> None:
    source = (
        "# h\n\na *b* **c** ~~d~~ `e`\nf\n\n> q\n\n- l\n- m\n\n3. n\n\n"
        "```py x\ncode()\n```\n\n---\n\n"
        "| t | u |\n| - | - |\n| v | w |\n\n<mail@example.org> [x](https://example.org/?a=b)"
    )
    nodes = render(source)

    assert tags(nodes) == TAGS - {"h2", "h3", "h4", "h5", "h6"}
    assert {"tag": "pre", "children": ["code()"], "language": "py"} in nodes
    starts = [node["start"] for node in nodes if isinstance(node, dict) and "start" in node]
    assert starts == [3]
    assert links(nodes) == ["mailto:mail@example.org", "https://example.org/?a=b"]


@pytest.mark.parametrize(
    "target",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java&#x0A;script:alert(1)",
        "&#106;avascript:alert(1)",
        "\x01javascript:alert(1)",
        "vbscript:x",
        "data:text/html;base64,PHNjcmlwdD4=",
        "data:image/svg+xml,<svg/onload=alert(1)>",
        "data:image/png;base64,iVBORw0KGgo=",
        "file:///etc/passwd",
        "blob:http://127.0.0.1/1",
        "//evil.example/",
        "/api/delete",
        "#fragment",
    ],
)
def test_other_links_stay_text(target: str) -> None:
    for source in (
        f"[label]({target})",
        f"[label](<{target}>)",
        f"<{target}>",
        f"[label][1]\n\n[1]: {target}",
        f"![label]({target})",
    ):
        assert links(render(source)) == [], source
        assert tags(render(source)) <= {"p", "br"}


def test_images_are_not_loaded() -> None:
    [paragraph] = render("![a cat](https://example.org/cat.png)")

    assert isinstance(paragraph, dict)
    assert paragraph["children"] == [
        {"tag": "a", "children": ["image: a cat"], "href": "https://example.org/cat.png"}
    ]


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "a <img src=x onerror=alert(1)> b",
        "<!-- c -->",
        "<svg/onload=alert(1)>",
    ],
)
def test_html_is_text(source: str) -> None:
    nodes = render(source)

    assert tags(nodes) == {"p"}
    assert text(nodes) == source


@pytest.mark.parametrize(
    "source",
    [
        "> " * 3000 + "x",
        "*a " * 3000,
        "**" * 3000 + "a" + "**" * 3000,
        "[" * 10_000,
        "![" * 5000 + "](" * 5000,
        "- " * 3000 + "x",
        "`" * 9999,
        "|a" * 4000 + "|\n" + "|-" * 4000 + "|",
        "<" * 10_000,
        "_*" * 5000 + "a" + "*_" * 5000,
    ],
)
def test_hostile_structure_is_bounded(source: str) -> None:
    json.dumps(render(source))  # neither the depth of the tree nor of the parser is too great


@pytest.mark.parametrize("entity", ["&#x202e;", "&#8238;", "&#x200b;", "&#xfeff;"])
def test_entities_hide_no_control_characters(entity: str) -> None:
    source = f"a{entity}b [c{entity}](https://example.org)\n\n```{entity}\nd\n```"
    shown = json.dumps(render(source), ensure_ascii=False)
    assert not set(shown) & set(FORBIDDEN)
    assert shown.count(r"\\u") == 2


def test_deep_emphasis_keeps_its_text() -> None:
    source = "*a **b " * 200 + "c" + "** *" * 200
    assert text(render(source)).count("b") == 200
