"""``chatstore conformance``: hold a live store to the contract."""

from __future__ import annotations

from collections import Counter
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer

from chatstore.cli.amounts import counted
from chatstore.cli.arguments import Json, Url
from chatstore.cli.errors import CommandError
from chatstore.cli.exit_codes import ExitCode
from chatstore.cli.output import flush, print_json, print_text
from chatstore.cli.progress import progress
from chatstore.cli.secrets import hide_secrets
from chatstore.cli.stores import open_existing, require_url

if TYPE_CHECKING:
    from chatstore.cli.conformance.running import Outcome


def conformance(
    url: Url = None,
    *,
    only: Annotated[
        str, typer.Option("--only", metavar="TEXT", help="Only tests with this in their names.")
    ] = "",
    details: Annotated[
        bool, typer.Option("--details", help="Print the traceback of each failure.")
    ] = False,
    json: Json = False,
) -> None:
    """Run the contract suite against a live store, under prefixes that are deleted again."""
    if find_spec("pytest") is None or find_spec("hypothesis") is None:
        raise CommandError(
            "the contract suite needs pytest and hypothesis: "
            "pip install 'chatstore-cli[conformance]'",
            ExitCode.USAGE,
        )
    address = require_url(url)
    with open_existing(address) as store:
        store.check()
        server = store.server

    from chatstore.cli.conformance.running import run_suite

    numbers: Counter[str] = Counter()
    with progress("Testing", "tests") as advance:

        def on_outcome(outcome: Outcome) -> None:
            numbers[outcome.status] += 1
            _print(outcome, details=details, json=json)
            advance(1)

        run_suite(address, only, on_outcome)
    if not json:
        print_text(_summary(server, numbers))
    if numbers["failed"] or not numbers["passed"]:
        raise typer.Exit(ExitCode.FAILED)


def _print(outcome: Outcome, *, details: bool, json: bool) -> None:
    reason = hide_secrets(outcome.reason)
    if json:
        print_json({"test": outcome.test, "status": outcome.status, "reason": reason})
    elif outcome.status == "failed":
        print_text(("failed  ", "bold red"), (outcome.test, "bold"))
        print_text(hide_secrets(outcome.details) if details else reason, indent=8)
    elif outcome.status == "skipped":
        print_text(("skipped ", "yellow"), outcome.test, (f"  {reason}", "dim"))
    else:
        print_text(("passed  ", "green"), outcome.test)
    flush()


def _summary(server: str, numbers: Counter[str]) -> str:
    return (
        f"{server}: {counted(numbers['passed'], 'test')} passed, {numbers['failed']:,} failed, "
        f"{numbers['skipped']:,} skipped."
    )
