"""Markdown of strangers as a tree of a few kinds of elements, from which the page makes nodes.

No HTML is made here or in the page, so no text can become markup. The parser treats HTML as text;
links other than to the web and to mail addresses stay text; images are shown as links, and nothing
is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

from chatstore.cli.clean import lines, one_line

Node: TypeAlias = "str | dict[str, Any]"
"""Text, or an element: its ``tag``, its ``children``, and for links ``href``."""

TAGS = {
    *("p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "hr", "ul", "ol", "li"),
    *("table", "thead", "tbody", "tr", "th", "td"),
    *("em", "strong", "s", "code", "br", "a"),
}
"""The elements of trees; what the parser knows besides becomes its children."""

_SCHEMES = {"http", "https", "mailto"}
_MAX_DEPTH = 32  # elements; what is deeper is shown without its own element
_PARSER = MarkdownIt("commonmark", {"html": False, "breaks": True, "maxNesting": 20}).enable(
    ["table", "strikethrough"]
)


def render(text: str) -> list[Node]:
    """Return the tree of a text, with escapes for what entities such as ``&#x202e;`` hide."""
    root: list[Node] = []
    stack = [root]
    for token in _flat(_PARSER.parse(text)):
        if token.nesting > 0:
            stack.append(_open(token, stack))
        elif token.nesting < 0:
            stack.pop()
        else:
            stack[-1] += _leaf(token)
    return root


def safe_link(href: object) -> str | None:
    """Return a link's address if it leads to the web or to a mail address."""
    if not isinstance(href, str):
        return None
    try:
        scheme = urlsplit(href).scheme
    except ValueError:
        return None
    return href if scheme in _SCHEMES else None


def _flat(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        if token.type == "inline":
            yield from token.children or ()
        else:
            yield token


def _open(token: Token, stack: Sequence[list[Node]]) -> list[Node]:
    """Add an element, and return the list of its children."""
    href = safe_link(token.attrs.get("href")) if token.tag == "a" else None
    is_shown = token.tag in TAGS and not token.hidden and (token.tag != "a" or href is not None)
    if not is_shown or len(stack) > _MAX_DEPTH:
        return stack[-1]
    element = _element(token.tag)
    if href is not None:
        element["href"] = href
    start = token.attrs.get("start")
    if token.tag == "ol" and isinstance(start, int):
        element["start"] = start
    stack[-1].append(element)
    children: list[Node] = element["children"]
    return children


def _leaf(token: Token) -> list[Node]:
    if token.type in {"softbreak", "hardbreak"}:
        return [_element("br")]
    if token.type == "hr":
        return [_element("hr")]
    if token.type == "code_inline":
        return [_element("code", token.content)]
    if token.type in {"fence", "code_block"}:
        block = _element("pre", token.content.removesuffix("\n"))
        language = token.info.split(maxsplit=1)
        return [{**block, "language": one_line(language[0])} if language else block]
    if token.type == "image":
        return [_image(token)]
    return [lines(token.content)] if token.content else []


def _image(token: Token) -> Node:
    label = f"image: {token.content or 'without a description'}"
    href = safe_link(token.attrs.get("src"))
    return label if href is None else {**_element("a", label), "href": href}


def _element(tag: str, *children: Node) -> dict[str, Any]:
    return {"tag": tag, "children": list(children)}
