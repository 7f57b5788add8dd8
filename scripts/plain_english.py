"""Check that text and names are plain, modern English.

``python -m scripts.plain_english [PATH ...]`` reads the tracked files below the paths, or all, and
prints a line for each banned word or name, then the number of lines for each file. The exit status
is 1 if there is one. The rules are in `scripts.plain_english_rules`.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from scripts.plain_english_rules import (
    BANNED_IN_TESTS,
    BANNED_MODULES,
    BANNED_NAMES,
    BANNED_WORDS_IN_NAMES,
    EXCEPTIONS,
    PROSE,
    Allowed,
)
from scripts.workspace import ROOT

_COMMENT_MARKS = {".lua": "--", ".sql": "--", ".cjs": "//"}
_WHOLE_TEXT = {".toml", ".yml", ".md"}
_WHOLE_TEXT_NAMES = {"Makefile", "run"}
_GENERATED = {"constraints.txt", "package-lock.json"}
_FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"``.+?``|`[^`\n]*`")
_INDENT = re.compile(r"\n[ \t]+")
_LINK_TARGET = re.compile(r"\]\([^)]*\)")
# A phrase may continue on the next line.
_PATTERNS = {
    re.compile(pattern.replace(" ", r"\s"), re.IGNORECASE): advice
    for pattern, advice in PROSE.items()
}
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")


class Finding(NamedTuple):
    """A banned word or name.

    Attributes:
        path: The file, relative to the root.
        line: The number of the line.
        text: The word or name.
        advice: What to write instead.

    """

    path: str
    line: int
    text: str
    advice: str

    def __str__(self) -> str:
        """Return one line."""
        return f"{self.path}:{self.line}: {self.text!r}: {self.advice}"


class Text(NamedTuple):
    """A piece of prose, and the line on which it begins."""

    line: int
    text: str


def check_file(root: Path, path: str, exceptions: Sequence[Allowed] = EXCEPTIONS) -> list[Finding]:
    """Return what is banned in a file, without the exceptions."""
    file = root / path
    if file.name in _GENERATED:
        return []
    findings = _check_module_name(path)
    try:
        source = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return []
    findings += check_source(path, source)
    return [item for item in findings if not any(_allows(rule, item) for rule in exceptions)]


def check_source(path: str, source: str) -> list[Finding]:
    """Return what is banned in a file with this text, exceptions included."""
    suffix = Path(path).suffix
    findings: list[Finding] = []
    if suffix == ".py":
        tree = ast.parse(source)
        parts = [*_comments(source), *_strings(tree, is_test="tests" in Path(path).parts)]
        findings += _check_names(path, tree)
    elif suffix in _WHOLE_TEXT or Path(path).name in _WHOLE_TEXT_NAMES:
        parts = [Text(1, _without_blocks(source))]
    elif suffix in _COMMENT_MARKS:
        parts = list(_marked_comments(source, _COMMENT_MARKS[suffix]))
    else:
        parts = []
    return findings + [finding for text in parts for finding in _check_prose(path, text)]


def tracked_files(root: Path, paths: Sequence[str] = ()) -> list[str]:
    """Return the files that git tracks or would add, relative to the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *paths]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return sorted({line for line in listed.stdout.splitlines() if (root / line).is_file()})


def _check_prose(path: str, text: Text) -> Iterator[Finding]:
    prose = _INDENT.sub("\n", _blank(_LINK_TARGET, _blank(_CODE, text.text)))
    for pattern, advice in _PATTERNS.items():
        for match in pattern.finditer(prose):
            line = text.line + prose.count("\n", 0, match.start())
            yield Finding(path, line, " ".join(match.group().split()), advice)


def _check_names(path: str, tree: ast.Module) -> Iterator[Finding]:
    is_test = not {"tests", "testing"}.isdisjoint(Path(path).parts)
    for line, name in _defined_names(tree):
        bare = name.strip("_")
        if is_test and bare in BANNED_IN_TESTS:
            yield Finding(path, line, name, BANNED_IN_TESTS[bare])
            continue
        if bare in BANNED_NAMES:
            yield Finding(path, line, name, BANNED_NAMES[bare])
            continue
        for word in _WORDS.findall(bare):
            if word.lower() in BANNED_WORDS_IN_NAMES:
                yield Finding(path, line, name, BANNED_WORDS_IN_NAMES[word.lower()])


def _check_module_name(path: str) -> list[Finding]:
    stem = Path(path).stem
    if Path(path).suffix != ".py" or stem not in BANNED_MODULES:
        return []
    return [Finding(path, 1, f"{stem}.py", BANNED_MODULES[stem])]


def _defined_names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Iterate over the names that a module defines, except those of tests."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                if not node.name.startswith(("test_", "Test")):
                    yield node.lineno, node.name
            case ast.arg():
                yield node.lineno, node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.lineno, node.id
            case ast.Attribute(ctx=ast.Store()):
                yield node.lineno, node.attr
            case ast.ExceptHandler(name=str() as name):
                yield node.lineno, name


def _comments(source: str) -> Iterator[Text]:
    """Iterate over comments; adjacent lines are one, since phrases may break over them."""
    block: list[tokenize.TokenInfo] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        if block and token.start[0] != block[-1].start[0] + 1:
            yield _joined(block)
            block = []
        block.append(token)
    if block:
        yield _joined(block)


def _joined(block: list[tokenize.TokenInfo]) -> Text:
    return Text(block[0].start[0], "\n".join(token.string.lstrip("# ") for token in block))


def _marked_comments(source: str, mark: str) -> Iterator[Text]:
    for number, line in enumerate(source.splitlines(), 1):
        _, separator, comment = line.partition(mark)
        if separator:
            yield Text(number, comment)


def _strings(tree: ast.Module, *, is_test: bool) -> Iterator[Text]:
    """Iterate over docstrings, and outside of tests over all strings that have several words."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = set()
    for node in ast.walk(tree):
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            docstrings.add(id(node.body[0].value))  # type: ignore[attr-defined]  # it is an expression
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        if id(node) in docstrings or (not is_test and " " in node.value.strip()):
            yield Text(node.lineno, _without_blocks(node.value))


def _without_blocks(text: str) -> str:
    return _blank(_FENCE, text)


def _blank(pattern: re.Pattern[str], text: str) -> str:
    """Replace each match by a character that is not part of a word, and its line ends."""
    return pattern.sub(lambda match: "·" + "\n" * match.group().count("\n"), text)


def _allows(rule: Allowed, finding: Finding) -> bool:
    is_in_file = Path(finding.path).match(rule.path)
    return is_in_file and re.search(rule.text, finding.text) is not None


def main(paths: Sequence[str]) -> int:
    """Check the files, print the findings, and return the exit status."""
    findings = [f for path in tracked_files(ROOT, paths) for f in check_file(ROOT, path)]
    print("\n".join(str(finding) for finding in findings))
    print(summary(findings))
    return 1 if findings else 0


def summary(findings: Iterable[Finding]) -> str:
    """Return a line with the number of findings for each file."""
    counts = Counter(finding.path for finding in findings)
    lines = [f"{count:5} {path}" for path, count in sorted(counts.items())]
    return "\n".join([*lines, f"{sum(counts.values())} findings in {len(counts)} files"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
