"""Turn the links of READMEs and guides into links between pages of the site.

READMEs are also shown by package indexes, so their links are absolute. On the site they lead to the
site's own pages, so that the strict build checks them.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

_FENCE = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<=\]\()([^()\s]+)(?=\))")
_REFERENCE = re.compile(r"(?<=^)(\[[^\]]+\]: )(\S+)$", re.MULTILINE)
_ATTRIBUTE = re.compile(r'(?<=[ \n]src=")([^"]+)(?=")')
_BADGE_LINE = re.compile(r"^\[?!\[[^\]]*\]\(https://github\.com/\S+/badge\.svg\).*\n", re.MULTILINE)


@dataclass(frozen=True)
class Links:
    """Where links lead.

    Attributes:
        site: The URL of the site.
        repository: The URL of the repository.
        root: The folder of the repository.
        pages: The URI of each page, by the path in the repository of the file that it shows.
        urls: The URI of each page and file of the site, by its URL relative to the site's.
        built: Files that exist only when the site is built, relative to the site's URL.
        report: Is called with a sentence for each link that leads nowhere.

    """

    site: str
    repository: str
    root: Path
    pages: dict[str, str]
    urls: dict[str, str]
    built: frozenset[str] = frozenset()
    report: Callable[[str], None] = field(default=print)

    def rewrite(self, markdown: str, uri: str, origin: Path) -> str:
        """Return a page's text with links that work on the site.

        Args:
            markdown: The text.
            uri: The page's place.
            origin: The file that relative links start from.

        """
        markdown = _BADGE_LINE.sub("", markdown)  # pictures of another host
        parts, end = [], 0
        for fence in _FENCE.finditer(markdown):
            parts += [self._prose(markdown[end : fence.start()], uri, origin), fence.group()]
            end = fence.end()
        return "".join([*parts, self._prose(markdown[end:], uri, origin)])

    def _prose(self, text: str, uri: str, origin: Path) -> str:
        def target(match: re.Match[str]) -> str:
            return self._target(match[1], uri, origin)

        text = _INLINE.sub(target, text)
        text = _REFERENCE.sub(lambda one: one[1] + self._target(one[2], uri, origin), text)
        return _ATTRIBUTE.sub(target, text)

    def _target(self, link: str, uri: str, origin: Path) -> str:
        address, hash_sign, fragment = link.partition("#")
        page = self._address(address, uri, origin) if address else address
        return page + hash_sign + fragment

    def _address(self, address: str, uri: str, origin: Path) -> str:
        if address.startswith(self.site):
            page = self.urls.get(address.removeprefix(self.site))
            if address.removeprefix(self.site) in self.built:
                return address
            if page is None:
                self.report(f"{uri} links to {address}, which is not on the site")
                return address
            return posixpath.relpath(page, posixpath.dirname(uri) or ".")
        match = re.match(rf"{re.escape(self.repository)}/(?:blob|tree)/main/(.*)", address)
        if match:
            return self._file(self.root / match[1], uri)
        if urlsplit(address).scheme or address.startswith("/"):
            return address
        return self._file((origin.parent / address).resolve(), uri)

    def _file(self, file: Path, uri: str) -> str:
        path = file.relative_to(self.root).as_posix() if file.is_relative_to(self.root) else ""
        if path in self.pages:
            return posixpath.relpath(self.pages[path], posixpath.dirname(uri) or ".")
        if not path or not file.exists():
            self.report(f"{uri} links to {file}, which does not exist")
        kind = "tree" if file.is_dir() else "blob"
        return f"{self.repository}/{kind}/main/{path}"
