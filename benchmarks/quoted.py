"""Figures of the published benchmarks on other pages: ``python -m benchmarks.quoted``.

Writes them into the pages, and prints the pages that it changed. `make bench ARGS=--publish` does
so at its end. What a published run does not have is left out.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_SERVERS = {"sqlite": "SQLite", "redis": "Redis", "postgres": "Postgres", "upstash": "Upstash"}
_LOCAL, _TASKS = ("sqlite", "redis", "postgres"), ("redis", "postgres", "upstash")
_APPEND = "{0}, chatstore: append against bare "
_MANY = "{0}, chatstore async: 64 tasks of a process on 64, appends against "
_ONE = "{0}, chatstore async: 64 tasks of a process on 1, appends against "
_IMPORT = "import chatstore.core beyond pydantic"
_ROWS = (
    ("append against the bare driver's atomic write", _LOCAL, _APPEND, ""),
    (
        "append at 100,000 against 10 messages",
        *(_LOCAL, "{0}, chatstore: append at 100,000 against 10 ", ""),
    ),
    (
        "window at 100,000 against 100 messages",
        *(_LOCAL, "{0}, chatstore: window at 100,000 against 100 ", ""),
    ),
    (
        "reading 10,000 messages",
        *(_LOCAL, "{0}: read at 10,000, LlamaIndex against chatstore ", " faster than LlamaIndex"),
    ),
    (
        "setting 10,000 messages",
        *(_LOCAL, "{0}: set of 10,000 against ", " as long as the fastest peer"),
    ),
    ("appends of 64 tasks, each to its conversation", _TASKS, _MANY, " those of the fastest peer"),
    ("appends of 64 tasks to one conversation", _TASKS, _ONE, " those of the fastest peer"),
)
"""For each row of docs/performance.md: its name, servers and bars, and what the first ratio is."""


def update(root: Path = _ROOT) -> list[str]:
    """Write the figures into the pages; return the names of those that changed."""
    published = (root / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    table = "\n".join(["| what | result |", "| --- | --- |", *_rows(published)])
    paragraph = _paragraph(published)
    changes = {
        "docs/performance.md": (r"^\| what \| result \|\n(\|.*\n)+", f"{table}\n"),
        "README.md": (r"^An append takes .*\n(.+\n)+", f"{paragraph}\n"),
    }
    return [name for name, change in changes.items() if _replace(root / name, *change)]


def _rows(published: str) -> Iterator[str]:
    for what, servers, bar, meaning in _ROWS:
        ratios = _ratios(published, bar, servers)
        if ratios:
            ratios[0] = ratios[0].replace(" ×", f" ×{meaning}")
            yield f"| {what} | {', '.join(ratios)} |"
    for number in _measured(published, _IMPORT):
        yield f"| importing `chatstore.core` | {number} ms beyond pydantic |"


def _paragraph(published: str) -> str:
    append = " and".join(", ".join(_ratios(published, _APPEND, _LOCAL)).rsplit(",", 1))
    append = append.replace(" ×", " × as long as the bare driver's atomic write", 1)
    sentences = [f"An append takes {append}, at any length."]
    tasks = " and ".join(_ratios(published, _MANY, ("redis", "postgres")))
    if tasks:
        tasks = tasks.replace(" ×", " × as many appends as with the fastest peer", 1)
        sentences.append(f"64 tasks of a process make {tasks}.")
    sentences += [
        "[The benchmarks][benchmarks] begin with the cases in which others are faster.",
        "[A comparison][comparison] checks what the stores of other libraries promise and keep.",
    ]
    text = " ".join(sentences).replace(" ×", "\u00a0×")  # so that no line begins with the sign
    return textwrap.fill(text, 100, break_on_hyphens=False).replace("\u00a0", " ")


def _ratios(published: str, bar: str, servers: tuple[str, ...]) -> list[str]:
    return [
        f"{number} × on {_SERVERS[server]}"
        for server in servers
        for number in _measured(published, bar.format(server))
    ]


def _measured(published: str, bar: str) -> list[str]:
    """Return the measured value of the first bar that begins with ``bar``, if there is one."""
    state = r"\| (?:met|\*\*missed\*\*) \| "
    return re.findall(rf"{state}{re.escape(bar)}[^|]*\|[^|]*\| ([\d.,]+)", published)[:1]


def _replace(page: Path, pattern: str, new: str) -> bool:
    """Replace the part of a page that matches; return whether the page has changed."""
    text = page.read_text(encoding="utf-8")
    changed = re.sub(pattern, lambda _: new, text, count=1, flags=re.MULTILINE)
    page.write_text(changed, encoding="utf-8")
    return changed != text


if __name__ == "__main__":
    print("\n".join(update()) or "All pages are up to date.")
