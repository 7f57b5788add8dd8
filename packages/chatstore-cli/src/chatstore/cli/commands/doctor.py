"""``chatstore doctor``: examine a store and its database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from chatstore.cli.arguments import Json, Url
from chatstore.cli.clean import one_line
from chatstore.cli.exit_codes import ExitCode
from chatstore.cli.output import flush, on_terminal, print_hanging, print_json, write
from chatstore.cli.secrets import hide_secrets
from chatstore.cli.stores import open_existing, require_url

if TYPE_CHECKING:
    from chatstore.cli.doctor.findings import Finding

_STYLES = {"ok": "green", "warn": "bold yellow", "fail": "bold red"}


def doctor(url: Url = None, *, json: Json = False) -> None:
    """Examine a store: access, rights, setup, expiry, clocks, encryption and more."""
    from chatstore.cli.doctor import examine
    from chatstore.cli.doctor.findings import Status

    failed = False
    with open_existing(url) as store:
        for finding in examine(store, require_url(url)):
            failed = failed or finding.status is Status.FAIL
            _print(finding, json=json)
            flush()
    if failed:
        raise typer.Exit(ExitCode.FAILED)


def _print(finding: Finding, *, json: bool) -> None:
    status = finding.status.value
    message, advice = hide_secrets(finding.message), hide_secrets(finding.advice)
    if json:
        print_json({"name": finding.name, "status": status, "message": message, "advice": advice})
    elif on_terminal():
        lead = [(f"{status:<5}", _STYLES[status]), (f"{finding.name:<16}", "bold")]
        print_hanging(lead, message)
        if advice:
            print_hanging([" " * 21, ("→ ", "bold")], advice)
    else:
        write("\t".join(map(one_line, (status, finding.name, message, advice))) + "\n")
