"""Figures of the published benchmarks on other pages: ``python -m benchmarks.quoted``.

Writes them into the pages, and prints the pages that it changed. `make bench ARGS=--publish` does
so at its end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
PUBLISHED = _ROOT / "docs" / "benchmarks.md"
_SERVERS = {"sqlite": "SQLite", "redis": "Redis", "postgres": "Postgres", "upstash": "Upstash"}
_PLACES = ("sqlite", "redis", "postgres")
_TASKS = "{0}, chatstore async: 64 tasks of a process on {1}, appends against "
_ROWS = {
    "append against the bare driver's atomic write": (
        "{0}, chatstore: append against bare ",
        _PLACES,
        "",
    ),
    "append at 100,000 against 10 messages": (
        "{0}, chatstore: append at 100,000 against 10",
        _PLACES,
        "",
    ),
    "window at 100,000 against 100 messages": (
        "{0}, chatstore: window at 100,000 against 100",
        _PLACES,
        "",
    ),
    "reading 10,000 messages": (
        "{0}: read at 10,000, LlamaIndex against chatstore",
        _PLACES,
        " faster than LlamaIndex",
    ),
    "appends of 64 tasks to 64 conversations": (
        _TASKS.format("{0}", 64),
        ("redis", "postgres", "upstash"),
        " those of the fastest peer",
    ),
    "appends of 64 tasks to one conversation": (
        _TASKS.format("{0}", 1),
        ("redis", "postgres", "upstash"),
        " those of the fastest peer that loses none",
    ),
}
"""For each row of a page: the bar, the servers, and what stands behind the first ratio."""
_IMPORT = "import chatstore.core beyond pydantic"


def measured(bar: str) -> str:
    """Return what was measured for a bar that begins like this.

    Raises:
        ValueError: The published page has no such bar.

    """
    text = PUBLISHED.read_text(encoding="utf-8")
    match = re.search(
        rf"\| (?:met|\*\*missed\*\*) \| {re.escape(bar)}[^|]*\|[^|]*\| ([\d.,]+)", text
    )
    if match is None:
        raise ValueError(f"the benchmarks have no bar {bar!r}")
    return match[1]


def rows() -> Iterator[str]:
    """Yield the rows of the table in docs/performance.md."""
    for what, (bar, servers, comparison) in _ROWS.items():
        ratios = [f"{measured(bar.format(one))} × on {_SERVERS[one]}" for one in servers]
        ratios[0] = ratios[0].replace(" ×", f" ×{comparison}")
        yield f"| {what} | {', '.join(ratios)} |"
    yield f"| importing `chatstore.core` | {measured(_IMPORT)} ms beyond pydantic |"


def sentences() -> Iterator[tuple[str, str]]:
    """Yield the sentences of README.md: a pattern that finds one, and what it must be."""
    bar = _ROWS["append against the bare driver's atomic write"][0]
    append = [measured(bar.format(server)) for server in _PLACES]
    yield (
        r"An append takes [\d.,]+ × as long as the bare driver's atomic write on SQLite,"
        r" [\d.,]+ × on Redis and [\d.,]+ × on Postgres",
        "An append takes {} × as long as the bare driver's atomic write on SQLite,"
        " {} × on Redis and {} × on Postgres".format(*append),
    )
    tasks = [measured(_TASKS.format(server, 64)) for server in ("redis", "postgres")]
    yield (
        r"64 tasks of a process make [\d.,]+ × as many appends as with the fastest peer on Redis,"
        r" and [\d.,]+ × on Postgres",
        "64 tasks of a process make {} × as many appends as with the fastest peer on Redis,"
        " and {} × on Postgres".format(*tasks),
    )


def update() -> list[str]:
    """Write the figures into the pages; return the names of those that changed."""
    performance, readme = _ROOT / "docs" / "performance.md", _ROOT / "README.md"
    text = performance.read_text(encoding="utf-8")
    for row in rows():
        beginning = row[: row.index(" | ") + 3]
        text = re.sub(rf"^{re.escape(beginning)}.*$", row, text, flags=re.MULTILINE)
    changed = _write(performance, text)
    text = readme.read_text(encoding="utf-8")
    for pattern, sentence in sentences():
        broken = re.sub(r"(?<!\\) ", r"\\s+", pattern)
        text = re.sub(broken, lambda match, new=sentence: _break_like(match[0], new), text)
    return changed + _write(readme, text)


def _break_like(old: str, new: str) -> str:
    """Return new text with its line breaks where the old text has them."""
    spaces = re.findall(r"\s+", old)
    words = new.split()
    return "".join(word + space for word, space in zip(words, [*spaces, ""], strict=True))


def _write(page: Path, text: str) -> list[str]:
    if text == page.read_text(encoding="utf-8"):
        return []
    page.write_text(text, encoding="utf-8")
    return [str(page.relative_to(_ROOT))]


if __name__ == "__main__":
    print("\n".join(update()) or "All pages are up to date.")
