"""The documentation names every command, option and exit code of the program."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from typer.main import get_command

from chatstore.cli.app import create_app
from chatstore.cli.exit_codes import ExitCode

PAGE = (Path(__file__).parents[3] / "docs" / "command-line.md").read_text()
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
APP: Any = get_command(create_app())
COMMANDS: dict[str, Any] = APP.commands


def options_of(command: Any) -> set[str]:
    return {
        name
        for parameter in command.params
        for name in (*parameter.opts, *parameter.secondary_opts)
        if name.startswith("-") and name not in {"-h", "--help"} and not parameter.hidden
    }


def documented(section: str) -> set[str]:
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `-")]
    return {name for row in rows for name in re.findall(r"`(--?[a-z][a-z-]*)", row)}


def test_every_command_has_a_section_with_its_arguments() -> None:
    expected = set()
    for name, command in COMMANDS.items():
        arguments = [
            f"{item.metavar}" if item.required else f"[{item.metavar}]"
            for item in command.params
            if item.param_type_name == "argument"
        ]
        expected.add(" ".join(["`chatstore", name, *arguments]) + "`")
    assert {title for title in SECTIONS if title.startswith("`chatstore")} == expected


def test_every_option_is_documented() -> None:
    sections = {
        title.split()[1].strip("`"): section
        for title, section in SECTIONS.items()
        if title.startswith("`chatstore")
    }
    assert {name: options_of(command) for name, command in COMMANDS.items()} == {
        name: documented(section) for name, section in sections.items()
    }


def test_the_common_options_are_documented() -> None:
    assert documented(SECTIONS["Options of all commands"]) - {"-h", "--help"} == options_of(APP)


def test_every_exit_code_is_documented() -> None:
    codes = re.findall(r"^\| (\d+) \|", SECTIONS["Errors and exit codes"], re.MULTILINE)
    assert [int(code) for code in codes] == sorted(ExitCode)
