"""Figures on pages for readers are those of the newest published benchmarks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from benchmarks.quoted import update
from scripts.workspace import ROOT

PAGES = ("docs/performance.md", "README.md")


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """Copy the pages, as they are in the repository."""
    for name in ("docs/benchmarks.md", *PAGES):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_figures_are_those_of_the_benchmarks(pages: Path) -> None:
    """If this fails, ``python -m benchmarks.quoted`` writes the new figures into the pages."""
    update(pages)
    for name in PAGES:
        assert (ROOT / name).read_text(encoding="utf-8") == (pages / name).read_text(
            encoding="utf-8"
        )


def test_new_figures_get_into_the_pages(pages: Path) -> None:
    bars = {
        "redis, chatstore: append against bare redis": "1.23",
        "redis, chatstore async: 64 tasks of a process on 64, appends against LlamaIndex": "3.21",
        "postgres, chatstore async: 64 tasks of a process on 64, appends against X": "2.34",
        "sqlite, chatstore: append against bare sqlite3": "1.45",
        "postgres, chatstore: append against bare psycopg": "1.56",
    }
    lines = [f"| met | {bar} | at most 9 × | {n} × (1 to 2) |" for bar, n in bars.items()]
    (pages / "docs" / "benchmarks.md").write_text("\n".join(lines))

    assert update(pages) == list(PAGES)
    assert update(pages) == []
    performance = (pages / "docs" / "performance.md").read_text()
    assert "| 1.45 × on SQLite, 1.23 × on Redis, 1.56 × on Postgres |" in performance
    assert "| 3.21 × those of the fastest peer on Redis, 2.34 × on Postgres |" in performance
    assert "reading 10,000" not in performance  # the run did not measure it
    assert "## What makes a program fast" in performance
    readme = " ".join((pages / "README.md").read_text().split())
    assert (
        "An append takes 1.45 × as long as the bare driver's atomic write on SQLite, 1.23 × on"
        " Redis and 1.56 × on Postgres, at any length. 64 tasks of a process make 3.21 × as many"
        " appends as with the fastest peer on Redis and 2.34 × on Postgres." in readme
    )
    assert "## Why not use this" in readme
