"""Text and names of this project are plain, modern English."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from scripts.plain_english import check_file, check_source, summary, tracked_files
from scripts.plain_english_rules import EXCEPTIONS, Allowed
from scripts.workspace import ROOT

# The parts of the project, so that a failure names one of them.
PARTS = [
    "core",
    *(
        file.parent.relative_to(ROOT).as_posix()
        for pattern in ("packages/*", "integrations/*")
        for file in sorted(ROOT.glob(f"{pattern}/pyproject.toml"))
    ),
]
REST = [f":!{part}" for part in PARTS]

PLANTED = [
    "The pool lends a connection.",
    "A connection that was lent twice.",
    "It takes one off the shelf.",
    "Tests run in every colour.",
    "An error where the outcome is in doubt.",
    "Connections that are not sound are closed.",
    "Whoever writes first wins.",
    "The licence stands once, in a file.",
    "Records stood in two columns.",
    "Both modes are used by turns.",
    "The two hashes take turns.",
    "The read begins anew.",
    "It waits for ever.",
    "A later call mends it.",
    "It waits in vain.",
    "Append so many messages.",
    "Tell whether a store is closed.",
    "It moves in from another library.",
    "InvalidArgumentError: It is none.",
    "Some of them are none of its messages.",
    "A key that is no string.",
    "Keys that are no strings.",
    "The text is no `int`.",
    "Errors of ours.",
    "Their form and ours differ.",
    "Return what was said.",
    "Return what is held.",
    "See chatstore-lua.",
    "See `core/migration`, or core.migration.",
]
PLAIN = [
    "There is no such key, and there are no messages.",
    "A value is returned if there is none.",
    "The call is no longer waiting; it is no more expensive.",
    "The value is None.",
    "A relay stands in for the network; `ours` is a name in code.",
    "The package stands for a group.",
    "The user's turn ends; in turn, the next begins.",
    "The color of a line in a chart.",
    "So many that they do not fit. Users can tell it apart.",
    "The lock is held by another thread.",
    "A driver is found by its name, and an old layout is kept.",
    "In vaincular, lesterly, vendors, blend, colourless.",
]
NAMES = [
    "found = 1",
    "_held = 1",
    "def say(text): ...",
    "def check(do): ...",
    "self.asked = 1",
    "for kept in range(3): ...",
    "class AcrossColour: ...",
    "class PerLoop: ...",
    "_AT_ONCE = 100",
    "what_was_asked = 1",
    "errorsWanted = 1",
    "is_sound = True",
    "try: ...\nexcept ValueError as said: ...",
]
PLAIN_NAMES = [
    "result = found",
    "class MessageNotFoundError(Exception): ...",
    "def test_what_was_asked(): ...",
    "something = 1",
    "database.held()",
    "color = 'red'",
    "keptness = 1",
]


@pytest.mark.parametrize("part", [*PARTS, "the rest"])
def test_text_and_names(part: str) -> None:
    paths = tracked_files(ROOT, REST if part == "the rest" else [part])
    findings = [finding for path in paths for finding in check_file(ROOT, path)]
    lines = "\n".join(str(finding) for finding in findings)
    assert paths
    assert not findings, f"\n{lines}\n{summary(findings)}"


@pytest.mark.parametrize("sentence", PLANTED)
def test_banned_sentences_are_found_everywhere(sentence: str) -> None:
    sources = {
        "docs/page.md": f"# Title\n\n{sentence}\n",
        "src/docstring.py": f'def call():\n    """Call.\n\n    {sentence}\n    """\n',
        "tests/test_docstring.py": f'"""{sentence}"""\n',
        "src/comment.py": f"call()  # {sentence}\n",
        "src/message.py": f"raise ValueError(f'{{1}} {sentence.replace(chr(39), '')}')\n",
        "src/script.lua": f"local x = 1 -- {sentence}\n",
        "pyproject.toml": f"# {sentence}\n",
    }
    for path, source in sources.items():
        assert check_source(path, source), path


def test_a_phrase_is_found_over_a_line_end() -> None:
    for source in ("call()\n# a key that is no\n# string\n", '"""A key that is no\nstring."""\n'):
        [finding] = check_source("src/module.py", source)
        assert finding.text == "is no string"


@pytest.mark.parametrize("sentence", PLAIN)
def test_plain_sentences_pass(sentence: str) -> None:
    assert check_source("docs/page.md", sentence) == []
    assert check_source("src/module.py", f'"""{sentence}"""\n') == []


@pytest.mark.parametrize("code", NAMES)
def test_banned_names_are_found(code: str) -> None:
    assert len(check_source("tests/module.py", f"{code}\n")) == 1


def test_names_of_tests_may_be_used_elsewhere() -> None:
    assert check_source("src/module.py", "texts = do(say)\n") == []


@pytest.mark.parametrize("code", PLAIN_NAMES)
def test_plain_names_pass(code: str) -> None:
    assert check_source("src/module.py", f"{code}\n") == []


def test_code_in_markdown_and_strings_of_tests_are_left_out() -> None:
    assert check_source("docs/page.md", "```python\nlent = ours\n```\n`anew`") == []
    assert check_source("tests/test_module.py", "say('a message that is lent anew')\n") == []


def test_names_of_modules(tmp_path: Path) -> None:
    for name in ("patient.py", "retrying.py"):
        (tmp_path / name).write_text("")
    assert [finding.text for finding in check_file(tmp_path, "patient.py")] == ["patient.py"]
    assert check_file(tmp_path, "retrying.py") == []


@pytest.mark.parametrize("exception", EXCEPTIONS, ids=lambda exception: exception.path)
def test_each_exception_is_used(exception: Allowed) -> None:
    files = [path for path in tracked_files(ROOT) if Path(path).match(exception.path)]
    findings = [item for path in files for item in check_file(ROOT, path, exceptions=[])]
    assert any(re.search(exception.text, finding.text) for finding in findings)
