"""``chatstore copy``: copy conversations from any store to any other."""

from __future__ import annotations

from typing import Annotated

import typer

from chatstore.cli.arguments import URL_VARIABLE, Json, Owner, Prefix
from chatstore.cli.stores import open_existing, open_or_create
from chatstore.cli.transfers import (
    Overwrite,
    SkipErrors,
    Verify,
    policy,
    print_report,
    transferring,
)


def copy(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FROM",
            help="The store to read, or another library's: langchain+redis://localhost:6379.",
        ),
    ],
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="TO",
            envvar=URL_VARIABLE,
            show_default=False,
            help="The store to copy into; it is created if it does not exist.",
        ),
    ] = None,
    *,
    owner: Owner = None,
    prefix: Prefix = "",
    verify: Verify = True,
    overwrite: Overwrite = False,
    skip_errors: SkipErrors = False,
    json: Json = False,
) -> None:
    """Copy conversations with their records, ids and times. Run it again after an interruption.

    A conversation that changes while it is copied is copied again until it is whole. Nothing is
    changed in FROM, and nothing is removed from TO.
    """
    from chatstore.migrate import migrate, open_source

    with (
        open_or_create(target) as store,
        open_source(source, open_existing) as opened,
        transferring("Copying") as on_progress,
    ):
        report = migrate(
            opened,
            store,
            prefix=prefix,
            owner=owner,
            on_error=policy(skip_errors=skip_errors),
            overwrite=overwrite,
            verify=verify,
            progress=on_progress,
        )
    print_report(report, json=json)
