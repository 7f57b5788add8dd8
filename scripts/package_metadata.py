"""Write links and classifiers into the ``pyproject.toml`` of all distributions.

``python -m scripts.package_metadata`` changes the files; a test fails if one of them needs a
change. The addresses of the site and of the repository are in ``mkdocs.yml``.
"""

from __future__ import annotations

import re
from pathlib import Path

from scripts.website.pages import readme_uri
from scripts.workspace import ROOT, read_members, read_settings

_PYTHONS = range(10, 15)  # the minor versions that CI tests
_MKDOCS = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")


def _setting(pattern: str) -> str:
    match = re.search(pattern, _MKDOCS, re.MULTILINE)
    assert match, pattern
    return match[1]


SITE = _setting(r"^site_url: (\S+)$")
REPOSITORY = _setting(r"^  repository: (\S+)$")


def urls(name: str, folder: Path) -> dict[str, str]:
    """Return the links of a distribution, by their labels."""
    page = readme_uri(name, folder).removesuffix(".md")
    return {
        "Documentation": f"{SITE}{page}/",
        "Source": f"{REPOSITORY}/tree/main/{folder.relative_to(ROOT).as_posix()}",
        "Changelog": f"{SITE}changes/{page.rpartition('/')[2]}/",
        "Issues": f"{REPOSITORY}/issues",
    }


def classifiers(folder: Path) -> list[str]:
    """Return the classifiers of a distribution."""
    lowest = int(read_settings(folder)["project"]["requires-python"].removeprefix(">=3."))
    topic = "Software Development :: Libraries" if "integrations" in folder.parts else "Database"
    return [
        "Development Status :: 4 - Beta",
        "Framework :: AsyncIO",
        "Intended Audience :: Developers",
        "Programming Language :: Python :: 3",
        *(f"Programming Language :: Python :: 3.{one}" for one in _PYTHONS if one >= lowest),
        f"Topic :: {topic}",
        "Typing :: Typed",
    ]


def updated(name: str, folder: Path) -> str:
    """Return the text of a distribution's ``pyproject.toml`` as it should be."""
    text = (folder / "pyproject.toml").read_text(encoding="utf-8")
    listed = "".join(f'  "{one}",\n' for one in classifiers(folder))
    text = re.sub(r"(?<=^classifiers = \[\n)(?:  .*\n)*", listed, text, flags=re.MULTILINE)
    text = re.sub(r"^\[project\.urls\]\n(?:.+\n)*\n", "", text, flags=re.MULTILINE)
    links = "".join(f'{label} = "{url}"\n' for label, url in urls(name, folder).items())
    after = re.compile(r"^(?=\[(?!build-system\]|project\]))", re.MULTILINE)
    return after.sub(f"[project.urls]\n{links}\n", text, count=1)


def main() -> None:
    """Update all files."""
    for name, folder in read_members(ROOT).items():
        (folder / "pyproject.toml").write_text(updated(name, folder), encoding="utf-8")


if __name__ == "__main__":
    main()
