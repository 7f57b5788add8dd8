"""The pictures of the command come from the real program."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

from scripts import screenshots, window_figure
from scripts.workspace import ROOT

README = (ROOT / "packages" / "chatstore-cli" / "README.md").read_text()
SHOWN = {
    "ls": ["updated", "travel office/Gruber", "A weekend by the sea"],
    "show": ["assistant", "→ find_trains(", '← {"trains"'],
    "search": ["Trieste", "assistant"],
    "doctor": ["access", "integrity"],
}


def text_of(picture: Path) -> str:
    return unescape(re.sub(r"<[^>]+>", "", picture.read_text())).replace("\N{NO-BREAK SPACE}", " ")


def test_pictures_are_made_from_the_program(tmp_path: Path) -> None:
    assert screenshots.main([str(tmp_path)]) == 0

    assert set(screenshots.COMMANDS) == set(SHOWN)
    for name, parts in SHOWN.items():
        for folder in (tmp_path, ROOT / "docs" / "pictures"):
            text = text_of(folder / f"command-{name}.svg")
            assert screenshots.COMMANDS[name] in text
            assert [part for part in parts if part not in text] == [], folder


def test_the_readme_shows_existing_pictures() -> None:
    pictures = re.findall(r"\]\(https://\S+/(pictures/[\w-]+\.\w+)\)", README)
    assert len(pictures) >= 3
    assert [picture for picture in pictures if not (ROOT / "docs" / picture).exists()] == []


def test_the_window_figure_is_what_the_program_draws() -> None:
    assert window_figure.FILE.read_text(encoding="utf-8") == window_figure.draw()
